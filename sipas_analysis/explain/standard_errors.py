"""Say how sure coefficients are: covariance from each form's influence, intervals, joint tests.

Whatever is estimated, the total of its influence is a total like any other, so the design's strata,
clusters, stages, calibration and replicates count by the one variance of ``infer`` (rule V1).
"""

import numpy as np
import pandas as pd
from scipy import sparse, stats

from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.totals import Columns
from sipas_analysis.infer.totals_from_files import build_block
from sipas_analysis.infer.variance import count_units, estimate_covariance


def estimate_error_covariance(design: Design, rows: Ints, z: Floats) -> tuple[Floats, float, int]:
    """Return the covariance of Σ w z, its degrees of freedom, and the clusters behind it (V1).

    Args:
        design: The sample.
        rows: Forms that have z; the others count with 0, shape (n,).
        z: Influence of each, shape (n, k).

    Returns:
        Covariance, shape (k, k), NaN where all forms stand in one cluster (V3).
    """
    names = tuple(f"\0z{at}" for at in range(z.shape[1]))
    whole = np.zeros((len(names) + 1, len(design.frame)))
    here = slice(None) if len(rows) == whole.shape[1] else rows
    whole[:-1, here], whole[-1, here] = z.T, 1.0
    sample = design.beside(dict(zip((*names, "\0n"), whole, strict=True)))
    columns = Columns(
        names,
        lambda it: (it[name].to_numpy() for name in names),
        np.maximum(whole.max(axis=1), -whole.min(axis=1))[:-1],
        [False] * len(names),
        ("complete",),
        lambda it: [it["\0n"].to_numpy()],
    )
    totals = build_block(sample, [], columns)
    units, strata = (float(it[0]) for it in count_units(totals, totals.part_people[:, 0]))
    df = units - strata
    if totals.replicas is not None and totals.factors is not None:
        each = totals.replicas[:, 0]
        centre = (
            totals.total[0] if totals.around_estimate else each[totals.factors > 0].mean(axis=0)
        )
        gap = (each - centre) * np.sqrt(totals.factors)[:, None]
        found, df = gap.T @ gap, df if totals.freedom is None else float(totals.freedom[0])
    else:
        found = estimate_covariance(totals, sparse.csr_array(np.eye(len(names))))
    if df <= 0 or (units <= 1 and totals.freedom is None):
        found, df = np.full_like(found, np.nan), np.nan
    return found, df, int(units)


def tabulate_coefficients(
    value: Floats, se: Floats, df: "float | Floats", level: float
) -> pd.DataFrame:
    """Return value, error, interval, degrees of freedom and p of each coefficient."""
    spare = np.where(np.asarray(df) > 0, df, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stats.t.ppf((1 + level) / 2, spare) * se
        p = 2 * stats.t.sf(np.abs(value / se), spare)
    return pd.DataFrame(
        {"value": value, "se": se, "low": value - half, "high": value + half, "df": df, "p": p}
    )


def wald_test(gap: Floats, spread: Floats, df: float) -> tuple[float, float]:
    """Return F = W·(df − q + 1)/(df·q) of q figures that should be 0, and its p (NaN: no test)."""
    q = len(gap)
    if q == 0 or not df - q + 1 > 0 or np.isnan(spread).any() or np.linalg.matrix_rank(spread) < q:
        return np.nan, np.nan
    f = float(gap @ np.linalg.solve(spread, gap) * (df - q + 1) / (df * q))
    return f, float(stats.f.sf(f, q, df - q + 1))
