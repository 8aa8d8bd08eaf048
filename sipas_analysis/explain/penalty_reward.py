"""Penalty and reward of an item: what a bad and a very good answer go with.

Where 94 % are satisfied a straight line says little. The least satisfied and the most satisfied are
each compared with those who are just satisfied (rule D6). Not for items with too few answers on
one side: then the verdict is "cannot tell".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import FitError
from sipas_analysis.explain.drivers import SIGNIFICANCE, design_with_scores, find_outcome
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.regression import solve_columns
from sipas_analysis.explain.standard_errors import estimate_error_covariance, tabulate_coefficients
from sipas_analysis.infer.design import Design, Floats
from sipas_analysis.infer.estimates import adjust_p_values
from sipas_analysis.instrument.pack import Scale

FEWEST_FORMS = 30
EFFECTS = ("penalty", "reward", "asymmetry")
ENDS = ("value", "low", "high")
EFFECT_COLUMNS = {  # of each effect, where its value and its interval stand
    effect: dict(zip(ENDS, (effect, f"{effect}_low", f"{effect}_high"), strict=True))
    for effect in EFFECTS
}
COLUMNS = [
    "item",
    "factor",
    "n_low",
    "n_mid",
    "n_high",
    *(column for columns in EFFECT_COLUMNS.values() for column in columns.values()),
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
    for code, item in pack.items.items():
        others = [factor for factor in pack.factors if factor != item.factor]
        effects = estimate_asymmetry(design, outcome, code, others, scale=pack.scale)
        rows.append({"item": code, "factor": item.factor, **effects})
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_holm"] = adjust_p_values(table["p_holm"].to_numpy(dtype=float))
    weak = table["verdict"].isin(["missed", "rewarded"]) & ~(table["p_holm"] < SIGNIFICANCE)
    return table.assign(verdict=table["verdict"].mask(weak, "even"))


@dataclass(frozen=True)
class _Sides:
    """Which forms answered below satisfied, highest, or between; blank answers in none."""

    low: NDArray[np.bool_]
    mid: NDArray[np.bool_]
    high: NDArray[np.bool_]

    @property
    def counts(self) -> dict[str, object]:
        """Forms on each side, by column."""
        sides = {"n_low": self.low, "n_mid": self.mid, "n_high": self.high}
        return {name: int(side.sum()) for name, side in sides.items()}

    @property
    def large(self) -> dict[str, NDArray[np.bool_]]:
        """The sides with enough forms to estimate an effect."""
        sides = {"penalty": self.low, "reward": self.high}
        return {effect: side for effect, side in sides.items() if side.sum() >= FEWEST_FORMS}


def _split_answers(answers: Floats, scale: Scale) -> _Sides:
    low, high = answers < scale.satisfied_from, answers == scale.high
    return _Sides(low, ~np.isnan(answers) & ~low & ~high, high & ~low)


def estimate_asymmetry(
    design: Design, outcome: str, item: str, controls: Sequence[str], *, scale: Scale
) -> dict[str, object]:
    """Return counts, penalty, reward and asymmetry of one item, the controls held constant."""
    columns = [item, outcome, *controls]
    forms = design.frame[columns].reset_index(drop=True).astype(float)
    complete = forms[[outcome, *controls]].notna().to_numpy().all(axis=1)
    sides = _split_answers(np.where(complete, forms[item].to_numpy(), np.nan), scale)
    unknown: dict[str, object] = dict.fromkeys(COLUMNS[5:], np.nan)
    unknown |= {**sides.counts, "verdict": "cannot_tell"}
    large = sides.large
    if sides.mid.sum() < FEWEST_FORMS or not large:
        return unknown
    used = np.logical_or.reduce([sides.mid, *large.values()])
    x = pd.DataFrame({INTERCEPT: 1.0, **large, **forms[[*controls]]}).astype(float)
    try:
        model = solve_columns(design, x.where(pd.Series(used), np.nan), forms[outcome], "gaussian")
    except FitError:
        return unknown
    at = [model.terms.index(effect) for effect in large]  # the other terms need no error
    error = estimate_error_covariance(design, model.rows, model.influence[:, at])
    df = error.df - model.n_slopes
    return {**unknown, **_describe_effects([*large], model.params[at], error.matrix, df)}


def _describe_effects(
    effects: list[str], value: Floats, covariance: Floats, df: float
) -> dict[str, object]:
    """Return the effects that could be estimated and, of both, their sum with its interval."""
    both = len(effects) == 2
    if both:
        sums = np.vstack([np.eye(2), np.ones(2)])
        effects, value, covariance = [*EFFECTS], sums @ value, sums @ covariance @ sums.T
    table = tabulate_coefficients(value, np.sqrt(np.diagonal(covariance)), df, 0.95)
    cells: dict[str, object] = {
        EFFECT_COLUMNS[effect][end]: table[end].iloc[row]
        for row, effect in enumerate(effects)
        for end in ENDS
    }
    if both:
        low, high = table["low"].iloc[2], table["high"].iloc[2]
        cells["p_holm"] = table["p"].iloc[2]
        cells["verdict"] = "missed" if high < 0 else "rewarded" if low > 0 else "even"
    return cells
