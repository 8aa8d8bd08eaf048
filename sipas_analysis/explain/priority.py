"""Say what to look at first: important and weak factors, and what better items would be worth.

A factor is placed by what it explains and by how satisfied people are with it; where an interval
crosses a cut the place is undecided, and said to be. Two effects stand apart: what a better item
does to the index is arithmetic, what goes with it in overall satisfaction is an association. Not a
forecast: nobody knows whether a measure will move the item.
"""

import difflib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import FitError, UnitError
from sipas_analysis.explain.drivers import Drivers, design_with_scores, drivers, find_outcome
from sipas_analysis.explain.importance import Importance, importance
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.estimates import Mean, ResultTable, average_ratios
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.measure.pooling import small_area
from sipas_analysis.measure.rules import column_names, list_targets
from sipas_analysis.measure.scores import score
from sipas_analysis.messages import say

BEST_QUARTER, FEWEST_UNITS = 0.75, 4
QUADRANTS = {
    (True, False): "fix",
    (True, True): "keep",
    (False, False): "watch",
    (False, True): "enough",
}


@dataclass(frozen=True, eq=False, repr=False)
class Priority(ResultTable):
    """Factors by importance and satisfaction, and what better items would be worth.

    Attributes:
        frame: One row per factor: ``driver``, ``share`` (of what all explain) and ``percent``
            satisfied, each with ``_low`` and ``_high``, and ``quadrant``: ``fix`` (important and
            weak), ``keep`` (important, strong), ``watch`` (weak), ``enough``, ``undecided``.
        cut_share: Important from here: the share that each of k factors would have, 1/k.
        cut_percent: Weak below: the index of the whole survey, or what was asked.
        what_if: One row per item, see ``what_if``.
        importance: What the shares come from; None without one.
        important: Factors that are surely more important than the cut.
        reason: Why there is no matrix: a reason of ``drivers``, ``tied`` or ``no_signal`` (the
            factors together go with nothing beyond chance); empty if there is one.
    """

    frame: pd.DataFrame
    cut_share: float
    cut_percent: float
    what_if: pd.DataFrame
    importance: Importance | None
    reason: str
    important: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """Say where the cuts are, or why there is no matrix."""
        if self.reason:
            return [say("en", "explain.no_priority", reason=self.reason)]
        return [
            say(
                "en",
                "explain.priority",
                share=f"{100 * self.cut_share:.1f}",
                percent=f"{self.cut_percent:.2f}",
            )
        ]

    def of(self, quadrant: str) -> list[str]:
        """Return the factors of one quadrant, most important first."""
        kept = self.frame[self.frame["quadrant"] == quadrant]
        return [str(it) for it in kept.sort_values("share", ascending=False)["driver"]]


def priority(
    survey: Survey,
    unit: str = "",
    *,
    scores: pd.DataFrame | None = None,
    models: Drivers | None = None,
    cut_percent: float | None = None,
) -> Priority:
    """Place each factor by importance and satisfaction; say what better items would be worth.

    Importance is the LMG share of the whole survey; satisfaction is that of the whole or of one
    unit. A factor is placed only if neither interval, widened for k factors, crosses its cut, and
    if it can be told apart from the others (D4, D2).

    Args:
        survey: Forms that passed the door.
        unit: Code of a unit; the whole if empty.
        scores: Figures by ``domain`` (``all``, ``unit``) as they may be published, else made.
        models: Result of ``drivers``; made if left out.
        cut_percent: Weak is below it; the index of the whole survey if left out.

    Returns:
        The matrix, empty with a reason where importance cannot be known, and ``what_if``.

    Raises:
        UnitError: A unit that is not in the list.

    Source: rules D4 and D5 in docs/method.md; Martilla and James (1977), doi:10.2307/1250495.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.priority(survey).frame["quadrant"].unique().tolist()
        ['undecided']
    """
    codes = list(survey.units["code"])
    if unit and unit not in codes:
        close = difflib.get_close_matches(unit, codes, n=1) or codes[:1]
        raise UnitError("unit_unknown", unit=unit, close=", ".join(close))
    return place_factors(prepare_priority(survey, scores, models), unit, cut_percent)


@dataclass(frozen=True)
class Basis:
    """What is the same for every unit: figures, models, importance, what each item would be worth.

    ``items`` has one row per item: ``best``, the upper quartile of the units' pooled percentages,
    and ``effect``, what the factor's mean level gains if everybody became satisfied with the item.
    """

    survey: Survey
    table: pd.DataFrame
    models: Drivers
    importance: Importance | None
    reason: str
    items: pd.DataFrame


def prepare_priority(
    survey: Survey, scores: pd.DataFrame | None = None, models: Drivers | None = None
) -> Basis:
    """Work out once what ``place`` needs for the whole and for every unit."""
    table = _score_everyone(survey) if scores is None else scores
    found = drivers(survey, ["linear", "logit"]) if models is None else models
    best = [_find_best_quarter(table, item) for item in survey.instrument.items]
    effect = _raise_levels(survey)
    items = pd.DataFrame({"best": best, "effect": effect}, index=effect.index, dtype=float)
    return Basis(survey, table, found, *_share_importance(survey, found), items)


def place_factors(known: Basis, unit: str = "", cut_percent: float | None = None) -> Priority:
    """Place the factors of the whole or of one unit; see ``priority``."""
    cut = cut_percent
    if cut is None:
        cut = float(_rows_of(known.table, "")["value"][OVERALL])
    own = _rows_of(known.table, unit)
    gains, shares = value_items(known, own), known.importance
    factors = [*known.survey.instrument.factors]
    empty = pd.DataFrame(columns=MATRIX)
    made = Priority(empty, 1 / len(factors), cut, gains, shares, known.reason)
    if shares is None:
        return made
    part = shares.frame.set_index("driver")[["share", "share_low", "share_high"]]
    level = own.loc[factors, ["value", "low", "high"]]
    level.columns = pd.Index(["percent", "percent_low", "percent_high"])
    matrix = part.join(level).reset_index()
    part_of = shares.frame.set_index("driver")["separable"].reindex(factors).to_numpy(dtype=bool)
    rows, k = matrix[MATRIX[1:-1]].to_numpy(dtype=float), len(factors)
    matrix["quadrant"] = [
        _find_quadrant(row, made, k) if apart else "undecided"
        for row, apart in zip(rows, part_of, strict=True)
    ]
    sure = [
        code
        for code, row, apart in zip(factors, rows, part_of, strict=True)
        if apart and _compare_with_cut(row[:3], made.cut_share, k) > 0
    ]
    return replace(made, frame=matrix[MATRIX], important=tuple(sure))


MATRIX = [
    "driver",
    "share",
    "share_low",
    "share_high",
    "percent",
    "percent_low",
    "percent_high",
    "quadrant",
]


def _find_quadrant(row: Floats, made: Priority, factors: int) -> str:
    """Return the quadrant of shares and percents with their ends; undecided on a cut."""
    sides = [
        _compare_with_cut(row[at : at + 3], cut, factors)
        for at, cut in ((0, made.cut_share), (3, made.cut_percent))
    ]
    if 0 in sides:
        return "undecided"
    return QUADRANTS[sides[0] > 0, sides[1] > 0]


def _compare_with_cut(ends: Floats, cut: float, factors: int) -> int:
    """Return 1 above the cut, -1 below, 0 where the interval crosses it.

    The 95 % interval is widened so that all k factors' places hold together (Bonferroni).
    """
    wider = stats.norm.isf(0.025 / factors) / stats.norm.isf(0.025)
    value, low, high = ends
    if value - wider * (value - low) > cut:
        return 1
    return -1 if value + wider * (high - value) < cut else 0


def _score_everyone(survey: Survey) -> pd.DataFrame:
    parts = [
        score(survey, key).frame.assign(domain=name)
        for name, key in (("all", ()), ("unit", "unit"))
    ]
    return pd.concat(parts, ignore_index=True)


def _rows_of(table: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Return the figures of the whole or of one unit, by variable."""
    key = (
        (table["domain"] == "unit") & (table["unit"] == unit) if unit else table["domain"] == "all"
    )
    return table[key].set_index("variable")


def _share_importance(survey: Survey, found: Drivers) -> tuple[Importance | None, str]:
    """Return what each factor explains, or why that cannot be said."""
    if "linear" in found.reason:
        return None, found.reason["linear"]
    if not found.told_apart:
        return None, "tied"
    if not found.speaks:
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
    return shares, ""


def value_items(known: Basis, own: pd.DataFrame) -> pd.DataFrame:
    """Say what each item would be worth at the level of the best quarter of units (D5).

    ``target`` is the upper quartile of the units' pooled percentages (A2), not of the noisy ones;
    ``points`` what the index gains, by the index's own rule, if the item stood there. ``outcome``
    is what goes with it: Δ of the factor's mean level if those who become satisfied answer like
    those who are, times the points of satisfied people per level in the logit model.

    Args:
        known: What is the same for every unit.
        own: Figures of the whole or of one unit, by variable.

    Returns:
        One row per item, largest gain first: ``item``, ``factor``, ``percent``, ``target``,
        ``points``, ``outcome``, ``outcome_low``, ``outcome_high``. Blank where a figure is
        suppressed, under four units, or where the rule counts no items; ``outcome`` is blank
        where the factor cannot be told apart or no logit stands.
    """
    pack = known.survey.instrument
    items = [*pack.items]
    percent = own["value"].reindex(items).to_numpy(dtype=float)
    target = np.maximum(known.items["best"].to_numpy(), percent)
    target = target if not pack.index.points else np.full(len(items), np.nan)
    factors = [it.factor for it in pack.items.values()]
    logit = known.models.of("logit").set_index("term").reindex(factors)
    separable = logit["separable"].fillna(False).astype(bool).to_numpy()
    effect = known.items["effect"].where(separable).to_numpy()
    change = (target - percent) / 100 * effect
    made = pd.DataFrame(
        {
            "item": items,
            "factor": factors,
            "percent": percent,
            "target": target,
            "points": _compute_gains(pack, own, target),
        }
    )
    for name, old in (
        ("outcome", "points"),
        ("outcome_low", "points_low"),
        ("outcome_high", "points_high"),
    ):
        made[name] = logit[old].to_numpy(dtype=float) * change
    return made.sort_values("points", ascending=False, kind="stable").reset_index(drop=True)


def _find_best_quarter(table: pd.DataFrame, item: str) -> float:
    """Return the upper quartile of the units' pooled percentages of an item; NaN of few units."""
    rows = table[(table["domain"] == "unit") & (table["variable"] == item) & table["value"].notna()]
    if len(rows) < FEWEST_UNITS:
        return np.nan
    sizes = rows["n_valid"].to_numpy(dtype=float)
    pooled = small_area(rows["value"], rows["se"] ** 2, sizes=sizes)
    return float(np.minimum(np.nanquantile(pooled.frame["value"], BEST_QUARTER), 100.0))


def _raise_levels(survey: Survey) -> "pd.Series[float]":
    """Return how much a factor's mean level rises if everybody became satisfied with an item.

    Mean level of those satisfied less that of the others, times the item's part in the score.
    """
    frame, pack = survey.frame, survey.instrument
    weight = frame["weight"] if "weight" in frame else pd.Series(1.0, frame.index)
    found = {}
    for item, one in pack.items.items():
        answers, answered = frame[item], frame[pack.items_of(one.factor)].notna().sum(axis=1)
        good = answers >= pack.scale.satisfied_from
        means = [
            np.average(answers[here], weights=weight[here]) if here.any() else np.nan
            for here in (good, ~good & answers.notna())
        ]
        some = answered > 0
        part = answers.notna()[some] / answered[some]
        found[item] = (
            (means[0] - means[1]) * np.average(part, weights=weight[some]) if some.any() else np.nan
        )
    return pd.Series(found, dtype=float)


def _compute_gains(pack: Instrument, own: pd.DataFrame, target: Floats) -> Floats:
    """Return the points that the index gains if one item stood at its target, for each item."""
    items, names = [*pack.items], column_names(pack)
    whole = next(it for it in list_targets(pack, pack.index) if it.variable == OVERALL)
    if pack.index.overall.rule in ("comprehensive", "overall_item") or whole.kind == "score":
        return np.full(len(items), np.nan)
    valid = own["denominator"].reindex(items).to_numpy(dtype=float)
    good = own["numerator"].reindex(items).to_numpy(dtype=float)
    if np.isnan(valid).any():
        return np.full(len(items), np.nan)
    now = _compute_index(whole.mean, names, pack, (good, valid))
    return np.array(
        [
            _compute_index(
                whole.mean,
                names,
                pack,
                (np.where(np.arange(len(items)) == k, target[k] / 100 * valid, good), valid),
            )
            - now
            for k in range(len(items))
        ]
    )


def _compute_index(
    mean: Mean, names: list[str], pack: Instrument, counts: tuple[Floats, Floats]
) -> float:
    """Return the index of satisfied and valid answers by item, by the rule in ``mean``."""
    total: dict[str, float] = dict.fromkeys(names, 0.0)
    for item, good, valid in zip(pack.items, *counts, strict=True):
        total[f"{item}={pack.scale.high}"] = good
        total[f"{item}={pack.scale.low}"] = valid - good
    return float(average_ratios(np.array([[*total.values()]]), mean)[0][0])
