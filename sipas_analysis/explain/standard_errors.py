"""Standard errors of coefficients: covariance from each form's influence, intervals, joint tests.

The influence on an estimate is totalled like any variable, so the design's strata, clusters,
stages, calibration and replicates count by the variance of ``infer`` (rule V1).
"""

from collections.abc import Mapping
from copy import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.distributions import f_tail, t_quantile, t_tail
from sipas_analysis.infer.quadratic_forms import wald_statistic
from sipas_analysis.infer.replicates import covariance_of_replicates
from sipas_analysis.infer.totals import Columns
from sipas_analysis.infer.totals_from_files import build_block
from sipas_analysis.infer.variance import count_units, estimate_covariance

FORM_COUNT = "\0n"


class ErrorCovariance(NamedTuple):
    """Covariance of estimates, shape (k, k), its degrees of freedom, and the clusters behind it."""

    matrix: Floats
    df: float
    n_clusters: int


def estimate_error_covariance(design: Design, rows: Ints, influence: Floats) -> ErrorCovariance:
    """Return the covariance of Σ w z (V1).

    Args:
        design: The sample.
        rows: Forms that have an influence; the others count with 0, shape (n,).
        influence: z of each of these forms on each estimate, shape (n, k).

    Returns:
        NaN where all forms are in one cluster (V3).
    """
    names = tuple(f"\0z{column}" for column in range(influence.shape[1]))
    whole = np.zeros((len(names) + 1, len(design.frame)))
    here = slice(None) if len(rows) == whole.shape[1] else rows
    whole[:-1, here], whole[-1, here] = influence.T, 1.0
    sample = _replace_answers(design, dict(zip((*names, FORM_COUNT), whole, strict=True)))
    columns = Columns(
        names,
        lambda forms: (forms[name].to_numpy() for name in names),
        np.maximum(whole.max(axis=1), -whole.min(axis=1))[:-1],
        [False] * len(names),
        ("complete",),
        lambda forms: [forms[FORM_COUNT].to_numpy()],
    )
    totals = build_block(sample, [], columns)
    units, strata = (float(count[0]) for count in count_units(totals, totals.part_people[:, 0]))
    df = units - strata
    if totals.replicas is not None and totals.factors is not None:
        centre = totals.total[0] if totals.around_estimate else None
        matrix = covariance_of_replicates(totals.replicas[:, 0], totals.factors, centre)
        df = df if totals.freedom is None else float(totals.freedom[0])
    else:
        matrix = estimate_covariance(totals, sparse.csr_array(np.eye(len(names))))
    if df <= 0 or (units <= 1 and totals.freedom is None):
        matrix, df = np.full_like(matrix, np.nan), np.nan
    return ErrorCovariance(matrix, df, int(units))


def _replace_answers(design: Design, columns: Mapping[str, Floats]) -> Design:
    """Return the same sample with these columns as answers; keep its cells and stages."""
    sample = copy(design)
    frame = design.frame[design.design_columns].assign(**columns)
    object.__setattr__(sample, "frame", frame)  # `replace` would compute the cells again
    return sample


def tabulate_coefficients(
    value: Floats, se: Floats, df: "float | Floats", level: float
) -> pd.DataFrame:
    """Return value, error, interval, degrees of freedom and p of each coefficient."""
    known_df = np.where(np.asarray(df) > 0, df, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        margin = t_quantile((1 + level) / 2, known_df) * se
        p = 2 * t_tail(np.abs(value / se), known_df)
    return pd.DataFrame(
        {"value": value, "se": se, "low": value - margin, "high": value + margin, "df": df, "p": p}
    )


def add_ratios(table: pd.DataFrame, family: Family, n_predictors: int) -> pd.DataFrame:
    """Return the table with odds ratios of the predictors, or rate ratios of a Poisson model.

    None for a linear model; the cut points of an ordinal logit have none.
    """
    is_slope = (np.arange(len(table)) < n_predictors) | (family == "multinomial")
    is_slope = is_slope & (table["variable"] != INTERCEPT).to_numpy() & (family != "gaussian")
    kind = "rate" if family == "poisson" else "odds"
    columns = {f"{kind}_ratio": "value", f"{kind}_low": "low", f"{kind}_high": "high"}
    with np.errstate(over="ignore"):  # one unit may be far more than the data's range
        ratios = {name: np.exp(table[column].where(is_slope)) for name, column in columns.items()}
    return table.assign(**ratios)


def wald_test(gap: Floats, covariance: Floats, df: float) -> tuple[float, float]:
    """Return F = W·(df − q + 1)/(df·q) of q estimates that should be 0, and its p (NaN: none)."""
    q = len(gap)
    if q == 0 or not df - q + 1 > 0:
        return np.nan, np.nan
    f = wald_statistic(gap, covariance) * (df - q + 1) / (df * q)
    return f, f_tail(f, q, df - q + 1)
