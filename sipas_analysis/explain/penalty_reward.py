"""Penalty and reward of an item: overall satisfaction after a bad and a very good answer.

Where 94 % are satisfied, a single slope describes an item badly. So the least satisfied and the
most satisfied people are each compared with those who are just satisfied (rule D6). With too few
answers on one side the verdict is "cannot tell".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import FitError
from sipas_analysis.explain.coefficients import solve_rows
from sipas_analysis.explain.driver_results import SIGNIFICANCE
from sipas_analysis.explain.factor_scores import design_with_scores, find_outcome
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.replicate_fits import estimate_model_errors
from sipas_analysis.explain.standard_errors import estimate_error_covariance, tabulate_coefficients
from sipas_analysis.infer.combinations import adjust_p_values
from sipas_analysis.infer.design import Design, Floats
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.messages import say

FEWEST_FORMS = 30
EFFECTS = ("penalty", "reward", "asymmetry")
ENDS = ("value", "low", "high")
EFFECT_COLUMNS = {  # for each effect, the columns of its value and its interval
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


@dataclass(frozen=True, eq=False, repr=False)
class Penalties(ResultTable):
    """What a bad and a very good answer to each item go with.

    Attributes:
        frame: One row per item, see ``penalties``.
        outcome: Code of the question on the whole; empty if there is none.
    """

    main_columns = (
        *("item", "penalty", "penalty_low", "penalty_high", "reward", "reward_low"),
        *("reward_high", "p_holm", "verdict"),
    )
    frame: pd.DataFrame
    outcome: str

    def sentences(self) -> list[str]:
        """Return against whom both are, or that there is no outcome."""
        if not self.outcome:
            return [say(self.language, "explain.reason.no_outcome")]
        return [say(self.language, "explain.penalties", outcome=self.outcome)]


def penalties(survey: Survey) -> Penalties:
    """Estimate the outcome after unsatisfied and after fully satisfied answers, item by item.

    y = α + penalty·[x < satisfied_from] + reward·[x = highest] + Σ β_f F_f + e, F_f the scores of
    the other factors, against answers between; asymmetry = reward + penalty. Errors by V1.

    Args:
        survey: Validated forms.

    Returns:
        One row per item: ``n_low``, ``n_mid``, ``n_high`` (forms on each side), ``penalty``,
        ``reward`` and ``asymmetry`` in levels of the outcome with intervals, and ``verdict``:
        ``missed`` (a bad answer weighs more), ``rewarded`` (a good one does), ``even`` (no sign of
        either) or ``cannot_tell`` (under 30 forms at a level, or no model), Holm-adjusted over the
        items. No row without an outcome. The two sides are not equally far from the middle, so a
        straight line through all levels looks a little like ``missed``.

    Source: rule D6 in docs/method.md; Brandt (1987); Mittal, Ross, Baldasare (1998),
    doi:10.1177/002224299806200104.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.penalties(survey).frame["verdict"].value_counts().to_dict()
        {'even': 22}
    """
    check_kind(survey, Survey, "survey")
    return Penalties(estimate_penalties(survey), find_outcome(survey), wording=survey.wording)


def estimate_penalties(survey: Survey) -> pd.DataFrame:
    """Return the table of ``penalties`` (rule D6)."""
    pack, outcome = survey.instrument, find_outcome(survey)
    if not outcome:
        return pd.DataFrame(columns=COLUMNS)
    design = design_with_scores(survey)
    forms = design.frame[[outcome, *pack.factors, *pack.items]].astype(float)
    sample = _Sample(design, outcome, forms.reset_index(drop=True), pack)
    rows = []
    for code, item in pack.items.items():
        others = [factor for factor in pack.factors if factor != item.factor]
        effects = _estimate_asymmetry(sample, code, others)
        rows.append({"item": code, "factor": item.factor, **effects})
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_holm"] = adjust_p_values(table["p_holm"].to_numpy(dtype=float))
    weak = table["verdict"].isin(["missed", "rewarded"]) & ~(table["p_holm"] < SIGNIFICANCE)
    return table.assign(verdict=table["verdict"].mask(weak, "even"))


@dataclass(frozen=True)
class _Sample:
    """The sample, its outcome, and the numbers of its forms: outcome, factor scores, items."""

    design: Design
    outcome: str
    forms: pd.DataFrame
    pack: Instrument

    def split_answers(self, item: str, controls: Sequence[str]) -> "_Sides":
        """Return the sides of an item, of forms that have the outcome and every control."""
        needed = self.forms[[self.outcome, *controls]].to_numpy()
        answers = self.forms[item].to_numpy()
        complete = ~np.isnan(answers) & ~np.isnan(needed).any(axis=1)
        scale = self.pack.scale_of(item)
        low = complete & (answers < scale.satisfied_from)
        high = complete & ~low & (answers == scale.high)
        return _Sides(low, complete & ~low & ~high, high)


@dataclass(frozen=True)
class _Sides:
    """Which forms answered below satisfied, highest, or between; a blank is in no group."""

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


def _estimate_asymmetry(sample: _Sample, item: str, controls: Sequence[str]) -> dict[str, object]:
    """Return counts, penalty, reward and asymmetry of one item, the controls held constant."""
    sides = sample.split_answers(item, controls)
    unknown: dict[str, object] = dict.fromkeys(COLUMNS[5:], np.nan)
    unknown |= {**sides.counts, "verdict": "cannot_tell"}
    large = sides.large
    if sides.mid.sum() < FEWEST_FORMS or not large:
        return unknown
    rows = np.flatnonzero(np.logical_or.reduce([sides.mid, *large.values()]))
    forms = sample.forms.iloc[rows]
    dummies = {effect: side[rows].astype(float) for effect, side in large.items()}
    x = pd.DataFrame({INTERCEPT: np.ones(len(rows)), **dummies})
    x[[*controls]] = forms[[*controls]].to_numpy()
    try:
        model = solve_rows(sample.design, rows, x, forms[sample.outcome].to_numpy())
    except FitError:
        return unknown
    at = [model.variables.index(effect) for effect in large]  # the other terms need no error
    if sample.design.declared_replicates is None:
        error = estimate_error_covariance(sample.design, rows, model.influence[:, at])
    else:
        whole, _ = estimate_model_errors(sample.design, model, refit=True)
        error = whole._replace(matrix=whole.matrix[np.ix_(at, at)])
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
