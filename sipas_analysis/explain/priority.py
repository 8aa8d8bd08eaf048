"""Find what to improve first: important and weak factors, and the gain from better items.

A factor is placed by its importance and by its percentage of satisfied people. Where an interval
crosses a cut, the factor is undecided. A better item has two effects, which are kept separate: the
gain of the index is arithmetic, the change of overall satisfaction is an association. The result is
not a forecast: a measure may fail to improve the item.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import find_unit_code
from sipas_analysis.errors import FitError
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.explain.drivers import drivers
from sipas_analysis.explain.factor_scores import (
    align_levels,
    design_with_scores,
    find_outcome,
)
from sipas_analysis.explain.importance import Importance, importance
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import normal_quantile
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.ratio_means import Mean, average_ratios
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.measure.index_gaps import find_gaps
from sipas_analysis.measure.pooling import small_area
from sipas_analysis.measure.rules import column_names, list_targets
from sipas_analysis.measure.scores import check_scores, score, score_everyone
from sipas_analysis.messages import format_number, say
from sipas_analysis.progress import show_progress
from sipas_analysis.quality.findings import check

BEST_QUARTER, FEWEST_UNITS = 0.75, 4
SHARE = ["share", "share_low", "share_high"]
PERCENT = ["percent", "percent_low", "percent_high"]
MATRIX = ["variable", *SHARE, *PERCENT, "quadrant"]
QUADRANTS = {
    (True, False): "fix",
    (True, True): "keep",
    (False, False): "watch",
    (False, True): "enough",
}


@dataclass(frozen=True, eq=False, repr=False)
class Priority(ResultTable):
    """Factors by importance and satisfaction, and the gain from better items.

    Attributes:
        frame: One row per factor: ``variable``, ``share`` (of what all explain) and ``percent``
            satisfied, each with ``_low`` and ``_high``, and ``quadrant``: ``fix`` (important and
            weak), ``keep`` (important, strong), ``watch`` (weak), ``enough``, ``undecided``.
        cut_share: A factor is important from this share: 1/k for k factors.
        cut_percent: A factor is weak below it: the index of the whole survey, or the argument.
        what_if: One row per item, see ``what_if``.
        importance: The result that has the shares; None if there is none.
        important: Factors that are surely more important than the cut.
        reason: Why there is no matrix: a reason of ``drivers``, ``tied`` or ``no_signal`` (the
            factors together have no association beyond chance); empty if there is a matrix.
        gaps: Of the whole survey the difference of each factor from the index, all at once, as
            ``find_gaps`` returns it (rule R7); None of a unit, and if the index is no cut.
    """

    frame: pd.DataFrame
    cut_share: float
    cut_percent: float
    what_if: pd.DataFrame
    importance: Importance | None
    reason: str
    important: tuple[str, ...] = ()
    gaps: pd.DataFrame | None = field(default=None, repr=False)

    def sentences(self) -> list[str]:
        """Return sentences on the cuts, or on why there is no matrix."""
        if self.reason:
            return [say(self.language, "explain.no_priority", reason=self.reason)]
        return [
            say(
                self.language,
                "explain.priority",
                share=format_number(100 * self.cut_share, self.language, 1),
                percent=format_number(float(self.cut_percent), self.language, 2),
            )
        ]

    def list_factors(self, quadrant: str) -> list[str]:
        """Return the factors of one quadrant, most important first."""
        factors = self.frame[self.frame["quadrant"] == quadrant]
        return [str(code) for code in factors.sort_values("share", ascending=False)["variable"]]


def priority(
    survey: Survey,
    unit: str = "",
    *,
    scores: pd.DataFrame | None = None,
    models: Drivers | None = None,
    cut_percent: float | None = None,
) -> Priority:
    """Place each factor by importance and satisfaction; estimate the gain from better items.

    Importance is the LMG share of the whole survey; satisfaction is that of the whole or of one
    unit. A factor is placed only if neither interval, widened for k factors, crosses its cut, and
    if it can be separated from the others (D4, D2).

    Args:
        survey: Validated forms.
        unit: Code of a unit; the whole if empty.
        scores: Figures by ``domain`` (``all``, ``unit``) as they may be published, else computed.
        models: Result of ``drivers``; fitted if left out.
        cut_percent: Weak is below it; the index of the whole survey if left out.

    Returns:
        The matrix, empty with a reason where importance cannot be known, and ``what_if``.

    Raises:
        UnitError: A unit that is not in the list.
        ColumnError: ``scores`` lacks columns that figures have.

    Source: rules D4 and D5 in docs/method.md; Martilla and James (1977), doi:10.2307/1250495.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.priority(survey).frame["quadrant"].unique().tolist()
        ['undecided']
    """
    if scores is not None:
        check_scores(scores)
    if models is not None:
        check_kind(models, Drivers, "drivers", "models")
    if cut_percent is not None:
        check_kind(cut_percent, (int, float), "percent", "cut_percent")
    check_kind(survey, Survey, "survey")
    unit = find_unit_code(survey.units, unit) if unit else ""
    return place_factors(prepare_priority(survey, scores, models), unit, cut_percent)


@dataclass(frozen=True)
class Basis:
    """Inputs that are the same for every unit: figures, models, importance, and items.

    Units in ``flagged`` need a second look: no target is taken from them. ``whole`` has the
    estimates of the whole with their covariance, if they are known.
    """

    survey: Survey
    scores: pd.DataFrame
    models: Drivers
    importance: Importance | None
    reason: str
    flagged: Collection[str]
    whole: Estimates | None = None

    @cached_property
    def items(self) -> pd.DataFrame:
        """Level of the best quarter, and effect of a better item; one row per item.

        ``best`` is the upper quartile of the units' pooled percentages; ``effect`` what the
        factor's mean level gains if everybody became satisfied with the item.
        """
        scores = self.scores[self.scores["value"].notna() & (self.scores["domain"] == "unit")]
        units = scores[~scores["unit"].isin(self.flagged)]
        items = self.survey.instrument.items
        best = [_find_best_quarter(units[units["variable"] == item]) for item in items]
        effect = _raise_levels(self.survey)
        return pd.DataFrame({"best": best, "effect": effect}, index=effect.index, dtype=float)


def prepare_priority(
    survey: Survey,
    scores: pd.DataFrame | None = None,
    models: Drivers | None = None,
    flagged: Collection[str] | None = None,
    whole: Estimates | None = None,
) -> Basis:
    """Compute once what ``place_factors`` needs for the whole and for every unit."""
    with show_progress(4) as advance:
        if scores is None:
            whole = score(survey) if whole is None else whole
            scores = score_everyone(survey, whole)
        advance(1)
        models = drivers(survey, ["linear", "logit"]) if models is None else models
        advance(1)
        flagged = check(survey).flagged_units if flagged is None else flagged
        advance(1)
        return Basis(survey, scores, models, *_share_importance(survey, models), flagged, whole)


def place_factors(basis: Basis, unit: str = "", cut_percent: float | None = None) -> Priority:
    """Place the factors of the whole or of one unit; see ``priority``."""
    is_index = cut_percent is None and not unit
    if cut_percent is None:
        cut_percent = float(_rows_of(basis.scores, "")["value"][OVERALL])
    rows, shares = _rows_of(basis.scores, unit), basis.importance
    factors = [*basis.survey.instrument.factors]
    cuts = _Cuts(1 / max(len(factors), 1), cut_percent, len(factors))
    result = Priority(
        frame=pd.DataFrame(columns=MATRIX),
        cut_share=cuts.share,
        cut_percent=cuts.percent,
        what_if=value_items(basis, rows),
        importance=shares,
        reason=basis.reason,
        wording=basis.survey.wording,
    )
    if shares is None:
        return result
    by_factor = shares.frame.set_index("variable")
    level = rows.loc[factors, ["value", "low", "high"]]
    level.columns = pd.Index(PERCENT)
    matrix = by_factor[SHARE].join(level).reset_index()
    separable = by_factor["separable"].reindex(factors).to_numpy(dtype=bool)
    share, percent = matrix[SHARE].to_numpy(float), matrix[PERCENT].to_numpy(float)
    matrix["quadrant"] = [
        cuts.find_quadrant(*ends) if is_separable else "undecided"
        for is_separable, *ends in zip(separable, share, percent, strict=True)
    ]
    important = [
        code
        for code, is_separable, ends in zip(factors, separable, share, strict=True)
        if is_separable and cuts.compare_share(ends) > 0
    ]
    gaps = None
    if is_index and basis.whole is not None:
        gaps = find_gaps(basis.whole.select(variable=[*factors, OVERALL]))
    return replace(result, frame=matrix[MATRIX], important=tuple(important), gaps=gaps)


@dataclass(frozen=True)
class _Cuts:
    """The cuts of the matrix: important from ``share``, weak below ``percent``."""

    share: float
    percent: float
    n_factors: int

    def find_quadrant(self, share: Floats, percent: Floats) -> str:
        """Return the quadrant of a share and a percent with their ends; undecided on a cut."""
        level = compare_with_cut(percent, self.percent, self.n_factors)
        sides = self.compare_share(share), int(level)
        return "undecided" if 0 in sides else QUADRANTS[sides[0] > 0, sides[1] > 0]

    def compare_share(self, share: Floats) -> int:
        """Return whether a share is surely above its cut (1), surely below (-1), or neither (0)."""
        return int(compare_with_cut(share, self.share, self.n_factors))


def compare_with_cut(
    ends: Floats | Sequence[float], cut: float | Floats, n_figures: int | Ints
) -> Ints:
    """Return 1 above the cut, -1 below, 0 where the interval crosses it.

    The 95 % interval is widened so that all k figures' places hold together (Bonferroni).

    Args:
        ends: Value, low and high, numbers or arrays of one shape.
        cut: The cut, of each value or of all.
        n_figures: k, of each value or of all.
    """
    wider = normal_quantile(0.025 / np.asarray(n_figures)) / normal_quantile(0.025)
    value, low, high = (np.asarray(end, dtype=np.float64) for end in ends)
    is_above, is_below = value - wider * (value - low) > cut, value + wider * (high - value) < cut
    return np.asarray(np.where(is_above, 1, np.where(is_below, -1, 0)))


def _rows_of(scores: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Return the figures of the whole or of one unit, by variable."""
    rows = scores[scores["domain"] == ("unit" if unit else "all")]
    return (rows[rows["unit"] == unit] if unit else rows).set_index("variable")


def _share_importance(survey: Survey, models: Drivers) -> tuple[Importance | None, str]:
    """Return the importance of each factor, or why it is unknown."""
    if "linear" in models.reason:
        return None, models.reason["linear"]
    if not models.any_separable:
        return None, "tied"
    if not models.has_signal:
        return None, "no_signal"
    try:
        shares = importance(
            design_with_scores(survey),
            find_outcome(survey),
            [*survey.instrument.factors],
            seed=survey.wave.seed,
        )
    except FitError as error:
        return None, error.message_id
    return replace(shares, wording=survey.wording), ""


def value_items(basis: Basis, rows: pd.DataFrame) -> pd.DataFrame:
    """Estimate the gain from each item at the level of the best quarter of units (D5).

    ``target`` is the upper quartile of the units' pooled percentages (A2), which are less noisy
    than direct percentages; units whose forms need a second look are left out. ``points`` is the
    gain of the index, by its rule, at the target. ``outcome`` is the associated change: Δ of the
    factor's mean level if people who become satisfied answer like satisfied people, times the
    points per level in the logit model.

    Args:
        basis: Inputs that are the same for every unit.
        rows: Figures of the whole or of one unit, by variable.

    Returns:
        One row per item, largest gain first: ``item``, ``factor``, ``percent``, ``target``,
        ``points``, ``outcome``, ``outcome_low``, ``outcome_high``. Blank where a figure is
        suppressed, under four units, or where the rule counts no items; ``outcome`` is blank
        where the factor cannot be separated or there is no logit.
    """
    pack = basis.survey.instrument
    items = [*pack.items]
    percent = rows["value"].reindex(items).to_numpy(dtype=float)
    target = np.maximum(basis.items["best"].to_numpy(), percent)
    target = target if not pack.index.points else np.full(len(items), np.nan)
    factors = [item.factor for item in pack.items.values()]
    logit = basis.models.model_rows("logit").set_index("variable").reindex(factors)
    separable = logit["separable"].fillna(False).astype(bool).to_numpy()
    effect = basis.items["effect"].where(separable).to_numpy()
    change = (target - percent) / 100 * effect
    table = pd.DataFrame(
        {
            "item": items,
            "factor": factors,
            "percent": percent,
            "target": target,
            "points": _compute_gains(pack, rows, target),
            "outcome": logit["points"].to_numpy(dtype=float) * change,
            "outcome_low": logit["points_low"].to_numpy(dtype=float) * change,
            "outcome_high": logit["points_high"].to_numpy(dtype=float) * change,
        }
    )
    return table.sort_values("points", ascending=False, kind="stable").reset_index(drop=True)


def _find_best_quarter(units: pd.DataFrame) -> float:
    """Return the upper quartile of the units' pooled percentages of an item; NaN of few units."""
    if len(units) < FEWEST_UNITS:
        return np.nan
    sizes = units["n_valid"].to_numpy(dtype=float)
    pooled = small_area(units["value"], units["se"] ** 2, sizes=sizes)
    return float(np.minimum(np.nanquantile(pooled.frame["value"], BEST_QUARTER), 100.0))


def _raise_levels(survey: Survey) -> "pd.Series[float]":
    """Return how much a factor's mean level rises if everybody became satisfied with an item.

    Mean level of those satisfied less that of the others, times the item's part in the score.
    """
    frame, pack = survey.frame, survey.instrument
    weight = frame["weight"].to_numpy(float) if "weight" in frame else np.ones(len(frame))
    gains = {}
    for factor in pack.factors:
        codes = pack.items_of(factor)
        aligned = align_levels(frame[codes], pack).to_numpy(dtype=float, na_value=np.nan)
        n_answered = (~np.isnan(aligned)).sum(axis=1)
        satisfied = (frame[codes] >= pack.satisfied_levels(codes)).to_numpy()
        for code, levels, is_satisfied in zip(codes, aligned.T, satisfied.T, strict=True):
            gains[code] = _raise_level(levels, n_answered, weight, is_satisfied)
    return pd.Series(gains, dtype=float).reindex([*pack.items])


def _raise_level(
    levels: Floats, n_answered: Ints, weight: Floats, satisfied: NDArray[np.bool_]
) -> float:
    """Return the rise of one item: its levels, and the factor's items answered, by form."""
    answered, some = ~np.isnan(levels), n_answered > 0
    means = [
        np.average(levels[people], weights=weight[people]) if people.any() else np.nan
        for people in (satisfied, ~satisfied & answered)
    ]
    if not some.any():
        return np.nan
    part = answered[some] / n_answered[some]
    return float((means[0] - means[1]) * np.average(part, weights=weight[some]))


def _compute_gains(pack: Instrument, rows: pd.DataFrame, target: Floats) -> Floats:
    """Return the points that the index gains if one item reached its target, for each item."""
    items, names = [*pack.items], column_names(pack)
    whole = next(goal for goal in list_targets(pack, pack.index) if goal.variable == OVERALL)
    if pack.index.overall.rule in ("comprehensive", "overall_item") or whole.kind == "score":
        return np.full(len(items), np.nan)
    valid = rows["denominator"].reindex(items).to_numpy(dtype=float)
    good = rows["numerator"].reindex(items).to_numpy(dtype=float)
    if np.isnan(valid).any():
        return np.full(len(items), np.nan)
    counts = np.tile(good, (len(items) + 1, 1))  # present counts, then with each item at its target
    counts[1:][np.diag_indices(len(items))] = target / 100 * valid
    index = [_compute_index(whole.mean, names, pack, (count, valid)) for count in counts]
    return np.array(index[1:]) - index[0]


def _compute_index(
    mean: Mean, names: list[str], pack: Instrument, counts: tuple[Floats, Floats]
) -> float:
    """Return the index of satisfied and valid answers by item, by the rule in ``mean``."""
    total: dict[str, float] = dict.fromkeys(names, 0.0)
    for item, good, valid in zip(pack.items, *counts, strict=True):
        scale = pack.scale_of(item)
        total[f"{item}={scale.high}"] = good
        total[f"{item}={scale.low}"] = valid - good
    return float(average_ratios(np.array([[*total.values()]]), mean)[0][0])
