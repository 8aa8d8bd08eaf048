"""Weight a sample to known totals of its population, with the variance that follows.

Post-stratification makes one table of the sample equal to the population's; raking makes several
margins equal at once. Both store in the design what they used of each form, so that the variance
is that of residuals (rule W1). Do not calibrate to figures that are themselves estimates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Calibration, Design, Floats, Ints
from sipas_analysis.infer.domains import number_domains
from sipas_analysis.infer.totals import Block, CalibrationTerms, Columns

ROUNDS = 1000
Margins = Mapping[str, Mapping[object, float]]


def post_stratify(
    design: Design, by: str | Sequence[str], totals: Mapping[object, float]
) -> Design:
    """Scale the weights so that each post-stratum has its known population.

    w'ᵢ = wᵢ·N_g / Σ_g w. Variances are those of residuals from the post-stratum's mean.

    Args:
        design: The sample, n forms in memory.
        by: Column of post-strata, or several (``totals`` then has tuples as keys).
        totals: Population of each post-stratum.

    Returns:
        The design with new weights, and diagnostics in ``calibration``.

    Raises:
        DesignError: A level has no form, no total, or a total that is not above 0; the forms were
            calibrated before.

    Source: rule W1 in docs/method.md; Holt and Smith (1979), doi:10.2307/2344652.

    Example:
        >>> frame = pd.DataFrame({"sex": ["f", "m", "m"]})
        >>> post_stratify(Design(frame), "sex", {"f": 6, "m": 6}).weight.tolist()
        [6.0, 3.0, 3.0]
    """
    columns = [by] if isinstance(by, str) else list(by)
    if not columns:
        raise DesignError("margin_none")
    level, names, wanted = _read_margin(design, columns, totals)
    sums = np.bincount(level, weights=design.weight)
    weight = design.weight * (wanted / sums)[level]
    margins = ((" × ".join(columns), level, names, wanted),)
    return _calibrate(design, weight, margins, rounds=1)


def rake(design: Design, margins: Margins, tolerance: float = 1e-10) -> Design:
    """Scale the weights, margin after margin, until all margins agree with the population.

    Args:
        design: The sample, n forms in memory.
        margins: For each column, the population of each level.
        tolerance: Largest gap that may remain, as a share of the population.

    Returns:
        The design with new weights; ``calibration`` has a table of the margins, wanted and
        found, and the rounds, the weight ratio and the effective n before and after.

    Raises:
        DesignError: As ``post_stratify``; margins of different populations; no convergence after
            1,000 rounds, with the largest gap that remained.

    Source: rule W1 in docs/method.md; Deming and Stephan (1940), doi:10.1214/aoms/1177731829.

    Example:
        >>> frame = pd.DataFrame({"sex": ["f", "m", "m", "f"], "town": [0, 0, 1, 1]})
        >>> raked = rake(Design(frame), {"sex": {"f": 4, "m": 6}, "town": {0: 5, 1: 5}})
        >>> raked.weight.round(6).tolist()
        [2.0, 3.0, 3.0, 2.0]
    """
    margin_list = [
        (name, *_read_margin(design, [name], totals)) for name, totals in margins.items()
    ]
    if not margin_list:
        raise DesignError("margin_none")
    sums = [float(wanted.sum()) for *_, wanted in margin_list]
    if max(sums) - min(sums) > 1e-6 * max(sums):
        shown = ", ".join(
            f"{name}: {margin_sum:g}"
            for (name, *_), margin_sum in zip(margin_list, sums, strict=True)
        )
        raise DesignError("margins_differ", sums=shown)
    weight, gap, rounds = design.weight.copy(), np.inf, 0
    while gap > tolerance * sums[0] and rounds < ROUNDS:
        for _, level, _, wanted in margin_list:
            weight = weight * (wanted / np.bincount(level, weights=weight))[level]
        gap = max(
            float(np.abs(np.bincount(level, weights=weight) - wanted).max())
            for _, level, _, wanted in margin_list
        )
        rounds += 1
    if not gap <= tolerance * sums[0]:
        raise DesignError("rake_gap", rounds=rounds, gap=f"{gap:.4g}", total=f"{sums[0]:.10g}")
    return _calibrate(design, weight, margin_list, rounds)


def trim(design: Design, low: float = 0.0, high: float = np.inf) -> Design:
    """Limit weights to a range and scale them, so that their sum stays the same.

    w' = min(max(λ w, low), high), λ such that the sum stays the same. Trimming lowers the
    variance and adds bias, so report it. A calibration is lost, so calibrate afterwards.

    Raises:
        DesignError: No weights between the two ends have this sum.

    Source: rule W1 in docs/method.md; Potter (1990).

    Example:
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 10.0]})
        >>> trim(Design(frame, weights="w"), high=8).weight.tolist()
        [2.0, 2.0, 8.0]
    """
    weight, total = design.weight.copy(), float(design.weight.sum())
    if not low * len(weight) <= total <= high * len(weight):
        raise DesignError(
            "trim_ends", low=f"{low:g}", high=f"{high:g}", mean=f"{total / max(len(weight), 1):g}"
        )
    if low * len(weight) < total < high * len(weight):

        def excess(factor: float) -> float:
            return float(np.clip(factor * weight, low, high).sum()) - total

        most = max(total, min(high, total)) / float(weight.min())
        from scipy import optimize  # slow to import, and few samples need the module

        factor = optimize.brentq(excess, 0.0, most, xtol=1e-15, rtol=1e-14)
        weight = np.clip(factor * weight, low, high)
    else:
        weight = np.full(len(weight), total / max(len(weight), 1))
    return _replace_weights(design, weight, None)


def _read_margin(
    design: Design, columns: Sequence[str], totals: Mapping[object, float]
) -> tuple[Ints, list[object], Floats]:
    """Return the level of each form, the levels, and the population of each."""
    if design.on_files or design.calibration is not None:
        raise DesignError("calibrate_files" if design.on_files else "calibrate_twice")
    if design.declared_replicates:
        raise DesignError("calibrate_replicates")
    missing = [name for name in columns if name not in design.frame]
    if missing:
        raise DesignError(
            "design_column", column=missing[0], known=", ".join(design.frame.columns[:12])
        )
    frame = design.frame[list(columns)]
    key = frame[columns[0]] if len(columns) == 1 else pd.MultiIndex.from_frame(frame)
    level, levels = pd.factorize(key, sort=True)
    margin = " × ".join(columns)
    if (level < 0).any() or frame.isna().to_numpy().any():
        raise DesignError("margin_blank", margin=margin, n=int(frame.isna().any(axis=1).sum()))
    names, totals = list(levels), dict(totals.items())  # a Series of counts, too
    lacking, idle = (
        [name for name in names if name not in totals],
        [name for name in totals if name not in names],
    )
    for message, wrong in (("margin_no_total", lacking), ("margin_no_form", idle)):
        if wrong:
            raise DesignError(message, margin=margin, levels=", ".join(map(str, wrong)))
    try:
        wanted = np.array([float(totals[name]) for name in names])
    except (TypeError, ValueError) as why:
        raise DesignError("margin_total", margin=margin) from why
    if not (np.isfinite(wanted) & (wanted > 0)).all():
        raise DesignError("margin_total", margin=margin)
    return np.asarray(level, dtype=np.int64), names, wanted


def _calibrate(
    design: Design,
    weight: Floats,
    margins: Sequence[tuple[str, Ints, list[object], Floats]],
    rounds: int,
) -> Design:
    """Return the design with its new weights and the facts of the calibration."""
    base = design.weight
    rows = [
        pd.DataFrame(
            {
                "margin": name,
                "level": [str(name_of_level) for name_of_level in levels],
                "wanted": wanted,
                "before": np.bincount(level, weights=base),
                "found": np.bincount(level, weights=weight),
            }
        )
        for name, level, levels, wanted in margins
    ]
    table = pd.concat(rows, ignore_index=True)
    table["gap"] = table["found"] - table["wanted"]
    facts = {
        "rounds": float(rounds),
        "largest_gap": float(table["gap"].abs().max()),
        "weight_ratio": float(weight.max() / weight.min()),
        "largest_factor": float((weight / base).max()),
        "n_eff_before": _find_kish_n(base),
        "n_eff": _find_kish_n(weight),
    }
    calibration = Calibration(tuple(level for _, level, *_ in margins), base, table, facts)
    return _replace_weights(design, weight, calibration)


def _replace_weights(design: Design, weight: Floats, calibration: Calibration | None) -> Design:
    """Return the design with these weights, in a column that is not one of the data."""
    name = design.weights or "weight"
    while not design.weights and name in design.frame:
        name += "_"
    frame = design.frame.assign(**{name: weight})
    return replace(design, frame=frame, weights=name, calibration=calibration)


def _find_kish_n(weight: Floats) -> float:
    """Return Kish's effective number (Σw)²/Σw²."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def find_credit(
    totals: Block, design: Design, by: Sequence[str], columns: Columns
) -> CalibrationTerms:
    """Return what calibration explains of each cell's influence (W1).

    The regression of z on the levels of all margins, by the weights before: the mean of z in its
    post-stratum, or the fit on all margins. (R ``rake`` leaves these weights out, ``calibrate``
    does not; they agree where the weights before were equal.)
    """
    calibration = design.calibration
    assert calibration is not None
    sizes = [int(level.max()) + 1 for level in calibration.margins]
    n, m = len(design.frame), sum(sizes)
    offset = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    at = np.stack(
        [level + start for level, start in zip(calibration.margins, offset, strict=True)], 1
    )
    rows = np.repeat(np.arange(n), len(sizes))
    levels = sparse.csr_array((np.ones(rows.size), (rows, at.ravel())), (n, m))
    base = calibration.base
    cell = design.cells[0]
    cells = sparse.csr_array((design.weight, (cell, np.arange(n))), (int(cell.max()) + 1, n))
    made_columns = list(columns.make(design.frame))[: len(columns.names) - columns.n_fixed]
    domain = number_domains(design.frame, design.domain, by)[0]
    inside = sparse.csr_array(
        (base[domain >= 0], (domain[domain >= 0], np.flatnonzero(domain >= 0))),
        (len(totals.keys), n),
    )
    cross = np.stack(
        [
            (inside @ levels.multiply(np.asarray(x)[:, None]).tocsr()).toarray()
            for x in made_columns
        ],
        axis=2,
    )
    counts = (levels.T @ levels.multiply(base[:, None]).tocsr()).toarray()
    return CalibrationTerms(cells @ levels, cross, np.linalg.pinv(counts, hermitian=True))
