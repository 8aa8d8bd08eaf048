"""Weight a sample to known totals of its population, with the variance that follows.

Post-stratification makes one table of the sample equal to the population's; raking makes several
margins equal at once; calibration meets totals of numbers and margins. All store in the design what
they used of each form, so that the variance is that of residuals (rules W1 and W2); replicate
weights are adjusted one by one. Do not calibrate to figures that are themselves estimates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import sparse

from sipas_analysis.arguments import check_mapping, check_number, check_word, list_names
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.calibration_weights import Method, Solver, check_bounds
from sipas_analysis.infer.design import (
    Calibration,
    Design,
    Floats,
    Sampled,
    name_free_column,
    take_design,
)
from sipas_analysis.infer.margins import (
    Margin,
    Totals,
    check_memory,
    read_margin,
    read_totals,
    stack_margins,
)
from sipas_analysis.infer.replicates import ADJUSTED, weigh_forms

ROUNDS = 1000
Margins = Mapping[str, Mapping[object, float]]
Trimming = Literal["additive", "multiplicative"]
Adjust = Callable[[Floats], Floats]


def post_stratify(
    design: Design | Sampled,
    by: str | Sequence[str],
    totals: Mapping[object, float],
    partial: bool = False,
) -> Design:
    """Scale the weights so that each post-stratum has its known population.

    w'ᵢ = wᵢ·N_g / Σ_g w. Variances are those of residuals from the post-stratum's mean. Replicate
    weights are scaled one by one.

    Args:
        design: The sample, n forms in memory.
        by: Column of post-strata, or several (``totals`` then has tuples as keys).
        totals: Population of each post-stratum.
        partial: Whether totals of post-strata without a form are ignored.

    Returns:
        The design with new weights, and diagnostics in ``calibration``.

    Raises:
        DesignError: A level has no form, no total, or a total that is not above 0.

    Source: rule W1 in docs/method.md; Holt and Smith (1979), doi:10.2307/2344652; equal to R
    ``postStratify``.

    Example:
        >>> frame = pd.DataFrame({"sex": ["f", "m", "m"]})
        >>> post_stratify(Design(frame), "sex", {"f": 6, "m": 6}).weight.tolist()
        [6.0, 3.0, 3.0]
    """
    sample, columns = take_design(design), list_names(by, "by")
    if not columns:
        raise DesignError("margin_none")
    margin = read_margin(sample, columns, totals, partial=partial)
    return _calibrate(sample, margin.fit, [margin])


def rake(design: Design | Sampled, margins: Margins, tolerance: float = 1e-10) -> Design:
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
    check_number(tolerance, "tolerance")
    sample = take_design(design)
    check_mapping(margins, "totals", "margins")
    margin_list = [read_margin(sample, [name], totals) for name, totals in margins.items()]
    if not margin_list:
        raise DesignError("margin_none")
    sums = [float(margin.wanted.sum()) for margin in margin_list]
    if max(sums) - min(sums) > 1e-6 * max(sums):
        pairs = zip(margin_list, sums, strict=True)
        shown = ", ".join(f"{margin.name}: {margin_sum:g}" for margin, margin_sum in pairs)
        raise DesignError("margins_differ", sums=shown)
    rounds: list[int] = []

    def fit_in_turn(weight: Floats) -> Floats:
        for count in range(1, ROUNDS + 1):
            for margin in margin_list:
                weight = margin.fit(weight)
            gap = max(float(abs(m.add_up(weight) - m.wanted).max()) for m in margin_list)
            if gap <= tolerance * sums[0]:
                rounds.append(count)
                return weight
        total = f"{sums[0]:.10g}"
        raise DesignError("rake_gap", rounds=ROUNDS, gap=f"{gap:.4g}", total=total)

    calibrated = _calibrate(sample, fit_in_turn, margin_list)
    if calibrated.calibration is not None:
        calibrated.calibration.facts["rounds"] = float(rounds[0])
    return calibrated


def calibrate(
    design: Design | Sampled,
    totals: Totals,
    method: Method = "linear",
    bounds: tuple[float, float] = (-np.inf, np.inf),
    tolerance: float = 1e-10,
) -> Design:
    """Change the weights as little as possible, so that known totals of the population are met.

    w' = w·g, g = F(xᵀη) with Σ w'x = t. ``linear``: F = 1 + u, the regression estimator (GREG);
    ``raking``: F = exp(u), weights stay above 0; ``logit``: F between both bounds. Variances are
    those of the residuals of a regression on x by the weights before. Replicate weights are
    calibrated one by one.

    Args:
        design: The sample, n forms in memory.
        totals: Population total of each numeric column; the number of people as
            ``"(Intercept)"``; for a column of levels either all levels
            (``{"sex": {"f": 510, "m": 490}}``; several columns as a tuple of names) or single
            levels, named by column and level as in R (``"sexm": 490``; products ``"sexm:age"``).
        method: ``linear``, ``raking`` or ``logit`` (R ``calfun``).
        bounds: Least and largest factor g; for ``logit`` both finite, around 1.
        tolerance: Largest gap that may remain, relative to 1 + the total.

    Returns:
        The design with new weights, and diagnostics in ``calibration``.

    Raises:
        DesignError: A column is missing, blank or text, or a total is no number; a weight falls
            below 0; no convergence within the bounds, with the largest gap that remained.

    Source: rule W2 in docs/method.md; Deville and Särndal (1992),
    doi:10.1080/01621459.1992.10475217; equal to R ``calibrate``.

    Example:
        >>> frame = pd.DataFrame({"age": [20.0, 30, 40, 50]})
        >>> totals = {"(Intercept)": 100, "age": 3600}
        >>> calibrate(Design(frame), totals).weight.round(6).tolist()
        [22.0, 24.0, 26.0, 28.0]
    """
    check_number(tolerance, "tolerance")
    sample = take_design(design)
    check_word(method, get_args(Method), "method")
    check_mapping(totals, "totals", "totals")
    low, high = check_bounds(bounds, method)
    margins = read_totals(sample, totals)
    if not margins:
        raise DesignError("margin_none")
    wanted = np.concatenate([margin.wanted for margin in margins])
    known = stack_margins(margins)
    solve = Solver(known, wanted, method, (low, high), tolerance)
    return _calibrate(sample, solve, margins)


def trim(
    design: Design | Sampled,
    lower: float = -np.inf,
    upper: float = np.inf,
    *,
    strict: bool = False,
    method: Trimming = "additive",
) -> Design:
    """Limit weights to a range and hand what was cut to the others, so that their sum stays.

    ``additive``: what was cut is added in equal parts to the weights that were inside; these may
    then pass an end, unless ``strict`` repeats until none does. ``multiplicative``:
    w' = min(max(λ w, lower), upper), λ such that the sum stays. Trimming lowers the variance and
    adds bias, so report it. A calibration before stays in the variance, but its totals are no
    longer met: calibrate again if they must be.

    Args:
        design: The sample; weights of 0 stay 0.
        lower: Least weight.
        upper: Largest weight.
        strict: Whether no weight may pass an end (``additive``).
        method: ``additive`` (R) or ``multiplicative``.

    Raises:
        DesignError: No weights between the two ends have this sum; the design has replicates.

    Source: rule W3 in docs/method.md; Potter (1990); ``additive`` equal to R ``trimWeights``.

    Example:
        >>> frame = pd.DataFrame({"w": [1.0, 1.0, 10.0]})
        >>> trim(Design(frame, weights="w"), upper=8).weight.tolist()
        [2.0, 2.0, 8.0]
    """
    for role, end in (("lower", lower), ("upper", upper)):
        check_number(end, role)
    sample = take_design(design)
    check_word(method, get_args(Trimming), "method")
    check_memory(sample)
    if sample.declared_replicates:
        raise DesignError("trim_replicates")
    counted = sample.members & (sample.weight > 0)
    weight = sample.weight[counted]
    mean = float(weight.sum()) / max(len(weight), 1)
    if not lower <= mean <= upper:
        raise DesignError("trim_ends", low=f"{lower:g}", high=f"{upper:g}", mean=f"{mean:g}")
    if method == "additive":
        weight = _trim_additive(weight, lower, upper, strict=strict)
    else:
        weight = _trim_multiplicative(weight, lower, upper)
    trimmed = sample.weight.copy()
    trimmed[counted] = weight
    return _replace_weights(sample, trimmed, sample.calibration)


def _trim_additive(weight: Floats, lower: float, upper: float, *, strict: bool) -> Floats:
    """Cut weights to the ends and add what was cut to the others in equal parts."""
    for _ in range(ROUNDS):
        outside = (weight < lower) | (weight > upper)
        if not outside.any():
            break
        cut = np.clip(weight, lower, upper)
        if outside.all():
            return np.full(len(weight), weight.mean())
        weight = np.where(outside, cut, cut + (weight - cut).sum() / (~outside).sum())
        if not strict:
            break
    return weight


def _trim_multiplicative(weight: Floats, lower: float, upper: float) -> Floats:
    """Return min(max(λ w, lower), upper) with the sum that the weights have."""
    total, n = float(weight.sum()), len(weight)
    if not lower * n < total < upper * n:
        return np.full(n, total / max(n, 1))

    def excess(factor: float) -> float:
        return float(np.clip(factor * weight, lower, upper).sum()) - total

    most = max(total, min(upper, total)) / float(weight.min())
    from scipy import optimize  # slow to import, and few samples need the module

    factor = optimize.brentq(excess, 0.0, most, xtol=1e-15, rtol=1e-14)
    return np.asarray(np.clip(factor * weight, lower, upper))


def _calibrate(design: Design, adjust: Adjust, margins: Sequence[Margin]) -> Design:
    """Return the design with its new weights and the facts of the calibration."""
    base, members = design.weight, design.members

    def adjust_members(weight: Floats) -> Floats:
        return np.where(members, adjust(np.where(members, weight, 0.0)), weight)

    weight = adjust_members(base)
    below = int((weight < 0).sum())
    if below:
        raise DesignError("calibrate_negative", n=below)
    if design.declared_replicates:
        return _calibrate_replicates(design, weight, adjust_members)
    parts = [
        pd.DataFrame(
            {
                "margin": margin.name,
                "level": [str(level) for level in margin.levels],
                "wanted": margin.wanted,
                "before": margin.add_up(base),
                "found": margin.add_up(weight),
            }
        )
        for margin in margins
    ]
    table = pd.concat(parts, ignore_index=True)
    table["gap"] = table["found"] - table["wanted"]
    counted = members & (base > 0)
    used = weight[counted]
    facts = {
        "rounds": 1.0,
        "largest_gap": float(table["gap"].abs().max()),
        "weight_ratio": float(used.max() / used.min()) if used.min() > 0 else np.inf,
        "largest_factor": float((used / base[counted]).max()),
        "n_eff_before": _find_kish_n(base[counted]),
        "n_eff": _find_kish_n(used),
    }
    known = stack_margins(margins)
    length = np.sqrt(known.power(2).T @ base)
    known = sparse.csr_array(known.multiply(1 / np.where(length > 0, length, 1.0)))
    calibration = Calibration(known, base, weight, table, facts, design.calibration)
    return _replace_weights(design, weight, calibration)


def _calibrate_replicates(design: Design, weight: Floats, adjust: Adjust) -> Design:
    """Return the design with its weights and each of its replicate weights adjusted."""
    forms, declared = weigh_forms(design), design.declared_replicates
    assert declared is not None
    columns = [f"{ADJUSTED} {at}" for at in range(forms.weights.shape[1])]
    adjusted = np.column_stack([adjust(replicate) for replicate in forms.weights.T])
    made = pd.DataFrame(adjusted, columns=columns, index=design.frame.index)
    frame = pd.concat([design.frame.drop(columns=columns, errors="ignore"), made], axis=1)
    factors = [float(factor) for factor in forms.factors]
    replicates = replace(declared, columns=columns, combined=True, scale=1.0, rscales=factors)
    return _replace_weights(replace(design, frame=frame, replicates=replicates), weight, None)


def _replace_weights(design: Design, weight: Floats, calibration: Calibration | None) -> Design:
    """Return the design with these weights, in a column that is not one of the data."""
    name = design.weights or name_free_column("weight", design.frame)
    frame = design.frame.assign(**{name: weight})
    return replace(design, frame=frame, weights=name, calibration=calibration)


def _find_kish_n(weight: Floats) -> float:
    """Return Kish's effective number (Σw)²/Σw²."""
    return float(weight.sum() ** 2 / (weight**2).sum())
