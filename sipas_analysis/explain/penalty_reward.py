"""Ask whether an item is missed when bad or rewarded when good: two slopes around "satisfied".

Where 94 % are satisfied a straight line says little. The least satisfied and the most satisfied are
each held against those who are just satisfied (rule D6). Not for items at which too few stand on
one side: then the answer is "cannot tell".
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import FitError
from sipas_analysis.explain.drivers import SIGNIFICANCE, design_with_scores, find_outcome
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.regression import Fit, fit_columns
from sipas_analysis.explain.standard_errors import tabulate_coefficients
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.estimates import adjust_p_values
from sipas_analysis.instrument.pack import Scale

FEWEST_FORMS = 30
PARTS = ("penalty", "reward", "asymmetry")
COLUMNS = [
    "item",
    "factor",
    "n_low",
    "n_mid",
    "n_high",
    *(f"{part}{end}" for part in PARTS for end in ("", "_low", "_high")),
    "p_holm",
    "verdict",
]


def estimate_penalties(survey: Survey) -> pd.DataFrame:
    """Estimate what an unsatisfied and what a fully satisfied answer goes with, item by item.

    y = α + penalty·[x < satisfied_from] + reward·[x = highest] + Σ β_f F_f + e, F_f the scores of
    the other factors, against answers between; asymmetry = reward + penalty. Errors by V1.

    Returns:
        One row per item: forms on each side, ``penalty``, ``reward`` and ``asymmetry`` in levels of
        the outcome with intervals, and ``verdict``: ``missed`` (a bad answer weighs more),
        ``rewarded`` (a good one does), ``even`` (no sign of either) or ``cannot_tell`` (under 30
        forms at a level, no outcome, or no model). No row without an outcome. A verdict holds after
        Holm over the items; the sides are not equally far from the middle, so that a straight line
        through all levels looks a little like ``missed``.

    Source: rule D6 in docs/method.md; Brandt (1987); Mittal, Ross, Baldasare (1998),
    doi:10.1177/002224299806200104.
    """
    pack, outcome = survey.instrument, find_outcome(survey)
    if not outcome:
        return pd.DataFrame(columns=COLUMNS)
    design = design_with_scores(survey)
    rows = []
    for item, one in pack.items.items():
        others = [factor for factor in pack.factors if factor != one.factor]
        found = estimate_asymmetry(design, outcome, item, others, scale=pack.scale)
        rows.append({"item": item, "factor": one.factor, **found})
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_holm"] = adjust_p_values(table["p_holm"].to_numpy(dtype=float))
    weak = table["verdict"].isin(["missed", "rewarded"]) & ~(table["p_holm"] < SIGNIFICANCE)
    return table.assign(verdict=table["verdict"].mask(weak, "even"))


def estimate_asymmetry(
    design: Design, outcome: str, item: str, controls: Sequence[str], *, scale: Scale
) -> dict[str, object]:
    """Return counts, penalty, reward and asymmetry of one item, the controls held constant."""
    frame = design.frame.reset_index(drop=True)
    x, y = frame[[*controls]].astype(float), frame[outcome]
    answers = frame[item].where(y.notna() & x.notna().all(axis=1))
    low, high = answers < scale.satisfied_from, answers == scale.high
    sides = {"n_low": int(low.sum()), "n_high": int((high & ~low).sum())}
    sides["n_mid"] = int(answers.notna().sum()) - sides["n_low"] - sides["n_high"]
    blank: dict[str, object] = {
        f"{part}{end}": np.nan for part in PARTS for end in ("", "_low", "_high")
    }
    found: dict[str, object] = {**sides, **blank, "p_holm": np.nan, "verdict": "cannot_tell"}
    both = {"penalty": (low, sides["n_low"]), "reward": (high, sides["n_high"])}
    kept = {name: side for name, (side, n) in both.items() if n >= FEWEST_FORMS}
    if sides["n_mid"] < FEWEST_FORMS or not kept:
        return found
    used = answers.notna()
    for name, (side, _) in both.items():
        used &= True if name in kept else ~side
    data = pd.DataFrame({INTERCEPT: 1.0, **{k: it.astype(float) for k, it in kept.items()}})
    try:
        fit = fit_columns(design, pd.concat([data, x], axis=1).where(used, np.nan), y, "gaussian")
    except FitError:
        return found
    return {**found, **_describe_effects(fit, list(kept))}


def _describe_effects(fit: Fit, kept: list[str]) -> dict[str, object]:
    """Return the effects that could be fitted and, of both, their sum with its interval."""
    at = [list(fit.frame["term"]).index(name) for name in kept]
    how = np.eye(len(fit.frame))[at]
    if len(kept) == 2:
        how = np.vstack([how, how.sum(axis=0)])
    se = np.sqrt(np.diagonal(how @ fit.covariance @ how.T))
    table = tabulate_coefficients(
        how @ fit.frame["value"].to_numpy(), se, float(fit.frame["df"].iloc[0]), 0.95
    )
    found: dict[str, object] = {}
    for part, row in zip(
        [*kept, "asymmetry"], table[["value", "low", "high"]].to_numpy(), strict=False
    ):
        found |= {part: row[0], f"{part}_low": row[1], f"{part}_high": row[2]}
    if len(kept) == 2:
        _, low, high = table[["value", "low", "high"]].to_numpy()[2]
        found["p_holm"] = table["p"].iloc[2]
        found["verdict"] = "missed" if high < 0 else "rewarded" if low > 0 else "even"
    return found
