"""Draft the plan for the coming year: what to improve, by which measure, and what would show it.

A plan is a file that officers edit (rule G3). Its first draft follows from the figures: items that
are surely below what they are compared with come first, those of important factors before others.
The target is one that the next sample could show; where no target below 100 % can be shown, the
line says so and how many forms could.
"""

import calendar
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import find_unit_code
from sipas_analysis.improve.actions import SURVEY, Library, read_library
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import normal_quantile
from sipas_analysis.infer.result_table import SUPPRESS, ResultTable
from sipas_analysis.infer.sample_size import FUZZ
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.index_gaps import find_gaps
from sipas_analysis.measure.ranking import TEST_POWER
from sipas_analysis.measure.scores import check_scores, score, select_shown
from sipas_analysis.messages import say

if TYPE_CHECKING:
    from sipas_analysis.explain.priority import Basis, Priority

Status = Literal["proposed", "approved", "in_progress", "done", "dropped"]
STATUSES: tuple[Status, ...] = get_args(Status)
PLAN_COLUMNS = (
    "wave",
    "id",
    "unit",
    "factor",
    "item",
    "measure",
    "task",
    "indicator",
    "baseline",
    "low",
    "high",
    "n",
    "target",
    "detectable",
    "n_needed",
    "owner",
    "due",
    "budget",
    "status",
    "note",
    "remark",
)
FROM_SCORES = {
    **{name: name for name in ("unit", "factor", "measure", "low", "high")},
    "item": "variable",
    "baseline": "value",
    "n": "n_valid",
}
NUMBERS = ("baseline", "low", "high", "n", "target", "detectable", "n_needed")
# the most lines of the province and of a unit: of surely weak items, else of items with a gap
MOST_SURE, MOST_LOW = (8, 5), (6, 3)
MOST_NEEDED = 10_000  # people; a target that needs more could be shown by no survey of a province
# undecided: the forms do not show that the item is below what it is compared with
# not_visible: not even a rise to 100 % could be shown by so many people
# target_inside_error: the target given is nearer to the baseline than what could be shown
NOTES = ("undecided", "not_visible", "target_inside_error")
# why a unit has no line: too few forms, forms that need a second look, figures that are not
# published, or nobody who is not satisfied
Reason = Literal["few_forms", "flagged", "suppressed", "all_satisfied"]


@dataclass(frozen=True, eq=False, repr=False)
class Plan(ResultTable):
    """Lines of a plan: proposals, or what officers decided.

    Attributes:
        frame: One row per line, the province first, then units in the order of the list; columns
            as in ``PLAN_COLUMNS``. ``baseline``, ``low``, ``high``, ``target`` and ``detectable``
            are percentages; ``n`` are the people who answered and ``n_needed`` those who could
            show the target, where ``n`` could not: at most ``MOST_NEEDED``, else missing. Numbers
            are missing and texts empty where there is none; ``due`` is a day or None; ``note``
            holds words of ``NOTES``, separated by blanks, ``remark`` what officers wrote.
        important: Factors that are surely more important than others, whose items go first.
        reason: Why importance is not known, as ``Priority.reason``; empty if it is.
        without: Units without a line, with the reason.
    """

    main_columns = (
        *("id", "unit", "item", "task", "baseline", "low", "high", "target"),
        *("owner", "due"),
    )
    frame: pd.DataFrame
    important: tuple[str, ...] = ()
    reason: str = ""
    without: Mapping[str, Reason] = field(default_factory=dict)

    def lines_of(self, unit: str = "") -> pd.DataFrame:
        """Return the lines of a unit; of the province if empty."""
        return self.frame[self.frame["unit"] == unit].reset_index(drop=True)


def find_detectable(se: Floats) -> Floats:
    """Return the smallest change that two samples with that standard error could show.

    (z₀.₉₇₅ + z₀.₈)·√2·se: one planned comparison of two independent samples, as rule R4.
    """
    reach = normal_quantile(0.975) + normal_quantile(TEST_POWER)
    return np.asarray(reach * np.sqrt(2) * se, dtype=np.float64)


def plan(survey: Survey, unit: str = "", *, scores: pd.DataFrame | None = None) -> Plan:
    """Draft the plan for the coming year: proposals on which officers then decide.

    An item of the province is weak below the index, one of a unit below the mean of its group; it
    is surely weak if its interval, widened for all items as in D4, is below. Surely weak items come
    first, those of important factors before others, then the items with the largest gap, said to
    be ``undecided``. The measure is one of the library that answers the item, else the unit is
    asked to propose one; no measure stands twice in the lines of a unit. The target is the baseline
    plus what could be shown, to the next whole point below 100, unless more than can be hoped for:
    the level of the best quarter of units, or half as many people who are not satisfied. Then this
    is the target, ``target_inside_error`` (``not_visible`` where not even 100 % could be
    shown), and ``n_needed`` people could show it.

    Args:
        survey: Validated forms.
        unit: Code of a unit, for its lines only; the province and all units if empty.
        scores: Figures by ``domain`` (``all``, ``unit``) as they may be published, else computed.

    Returns:
        The lines; of a survey of one unit those of the whole. ``without`` has the units that have
        no line, with the reason.

    Raises:
        UnitError: A unit that is not in the list.
        ColumnError: ``scores`` lacks columns that figures have.
        ConfigError: The wave's own measures cannot be read.

    Source: rules G2, G3, R4, D4 and D5 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.plan(survey).lines_of()["item"].head(2).tolist()
        ['A4', 'B3']
    """
    from sipas_analysis.explain.priority import prepare_priority

    check_kind(survey, Survey, "survey")
    if scores is not None:
        check_scores(scores)
    unit = find_unit_code(survey.units, unit) if unit else ""
    return draft_plan(prepare_priority(survey, scores), unit)


def draft_plan(basis: "Basis", unit: str = "") -> Plan:
    """Draft the lines of one unit, or of the province and all units; see ``plan``."""
    from sipas_analysis.explain.priority import place_factors

    survey, placed = basis.survey, place_factors(basis)
    library = read_library(survey.wave)
    items = _compare_items(basis, placed)
    without = _explain_absence(basis, items)
    with_forms = {*survey.frame["unit"]}
    units = [code for code in survey.units["code"] if code in with_forms]
    every = ["", *(units if len(units) > 1 else [])]
    drafted = [code for code in ([unit] if unit else every) if code not in without]
    chosen = _choose_items(items, drafted, library.answer_items(survey.instrument.id))
    lines = _write_lines(chosen, basis, library)
    if "" in drafted:
        lines = pd.concat([lines, _answer_incidents(survey, library)], ignore_index=True)
    lines = _number_lines(lines, drafted)
    lines = lines.assign(wave=survey.wave.id, budget="", status="proposed", remark="")
    lines[[*NUMBERS]] = lines[[*NUMBERS]].astype(float)
    return Plan(
        lines[[*PLAN_COLUMNS]],
        placed.important,
        placed.reason,
        without,
        wording=survey.wording,
    )


def _compare_items(basis: "Basis", placed: "Priority") -> pd.DataFrame:
    """Return each published item of the whole and of each unit, in the order of improvement.

    ``gap`` is the difference from the index of the whole, or from the mean of the unit's group (the
    index of a unit that is the only one of its group); ``is_weak``: it is surely below 0.
    """
    from sipas_analysis.explain.priority import compare_with_cut

    scores, pack = basis.scores, basis.survey.instrument
    known = select_shown(scores)
    index = known[known["variable"] == OVERALL].set_index("unit")["value"]
    items = known[known["variable"].isin([*pack.items])].reset_index(drop=True)
    items["factor"] = [pack.items[code].factor for code in items["variable"]]
    keys = ["domain", "group", "variable"]
    items["total"] = items["value"] * items["n_valid"]
    groups = items.fillna({"group": ""}).groupby(keys)
    mean = groups["total"].transform("sum") / groups["n_valid"].transform("sum")
    has_peers = (items["unit"] != "") & (groups["unit"].transform("size") > 1)
    cut = mean.where(has_peers, items["unit"].map(index)).to_numpy(dtype=float)
    n_items = items.groupby("unit")["variable"].transform("size").to_numpy()
    ends = items[["value", "low", "high"]].to_numpy(dtype=float).T
    items["is_weak"] = compare_with_cut(ends, cut, n_items) < 0
    of_whole = (items["unit"] == "").to_numpy()
    low_items = _find_low_items({*known.loc[known["unit"] == "", "variable"]}, basis)
    items.loc[of_whole, "is_weak"] = items["variable"].isin(low_items)[of_whole]
    items["is_first"] = items["is_weak"] & items["factor"].isin(placed.important)
    items["gap"] = items["value"] - cut
    items["fits"] = has_peers | ~items["variable"].isin(pack.of_other_scale)  # the index' scale
    items["is_weak"] &= items["fits"]
    items["is_low"] = (items["gap"] < 0) & items["fits"]
    gains = placed.what_if.set_index("item")["points"]
    items["gain"] = items["variable"].map(gains).where(of_whole & items["is_weak"])
    largest, least = ["fits", "is_first", "is_weak", "is_low", "gain"], ["gap", "value"]
    order = [False] * len(largest) + [True] * len(least)
    return items.sort_values([*largest, *least], ascending=order, kind="stable")


def _find_low_items(shown: Collection[str], basis: "Basis") -> list[str]:
    """Return which shown items of the whole are surely below its index (R7), if that is shown."""
    pack = basis.survey.instrument
    codes = [code for code in pack.items if code in shown]
    if OVERALL not in shown or not codes:
        return []
    whole = score(basis.survey) if basis.whole is None else basis.whole
    gaps = find_gaps(whole.select(variable=[*codes, OVERALL]))
    below = gaps.loc[gaps["verdict"] == "below", "variable"]
    return [code for code in below if code not in pack.of_other_scale]


def _explain_absence(basis: "Basis", items: pd.DataFrame) -> dict[str, Reason]:
    """Return why the whole or a unit has no line, for those that have none."""
    scores, wave = basis.scores, basis.survey.wave
    overall = scores[(scores["variable"] == OVERALL) & scores["domain"].isin(["all", "unit"])]
    improvable = {*items.loc[items["value"] < 100, "unit"]}
    flagged = {*basis.flagged} - {*wave.accepted}
    min_forms = basis.survey.instrument.index.min_forms
    reasons: dict[str, Reason] = {}
    for domain, code, value, flag, n in zip(
        *(overall[name] for name in ("domain", "unit", "value", "flag", "n_valid")), strict=True
    ):
        unit = str(code) if domain == "unit" else ""
        if pd.isna(value) or flag == SUPPRESS:
            reasons[unit] = "suppressed"
        elif n < min_forms:
            reasons[unit] = "few_forms"
        elif unit not in improvable:
            reasons[unit] = "all_satisfied"
        elif unit in flagged:
            reasons[unit] = "flagged"
    return reasons


def _choose_items(
    items: pd.DataFrame, drafted: Sequence[str], measures: Mapping[str, str]
) -> pd.DataFrame:
    """Return the items with a line, with ``measure``; one measure once in each unit."""
    chosen = items[items["unit"].isin(drafted) & (items["value"] < 100)]
    chosen = chosen.assign(measure=[measures.get(code, "") for code in chosen["variable"]])
    is_repeated = chosen.duplicated(["unit", "measure"]) & (chosen["measure"] != "")
    chosen = chosen[~is_repeated]
    place = chosen.groupby("unit").cumcount()
    is_whole = chosen["unit"] == ""
    most_sure, most_low = (np.where(is_whole, *pair) for pair in (MOST_SURE, MOST_LOW))
    is_sure, is_low = chosen["is_weak"] & (place < most_sure), chosen["is_low"] & (place < most_low)
    return chosen[is_sure | is_low | (place == 0)]


def _write_lines(chosen: pd.DataFrame, basis: "Basis", library: Library) -> pd.DataFrame:
    """Return the lines of the chosen items, without wave and id."""
    best = basis.items["best"].reindex(chosen["variable"]).to_numpy(dtype=float)
    target = _set_targets(chosen, best)
    lines = compare_targets(chosen, target).assign(target=target)
    words = [np.where(chosen["is_weak"], "", "undecided"), lines["note"]]
    lines = lines.assign(
        **{name: chosen[column].to_numpy() for name, column in FROM_SCORES.items()},
        indicator=SURVEY,
        note=[" ".join(filter(None, pair)) for pair in zip(*words, strict=True)],
    )
    return lines.join(_write_texts(lines, basis.survey, library))


def _set_targets(chosen: pd.DataFrame, best: Floats) -> Floats:
    """Return the target of each item: what could be shown, if it can be hoped for.

    Args:
        chosen: Items with their figures.
        best: Level of the best quarter of units, by item.
    """
    value = chosen["value"].to_numpy(dtype=float)
    visible = np.ceil(value + find_detectable(find_errors(chosen)) - FUZZ)
    hope = np.fmax(best, (value + 100) / 2)
    whole = np.ceil(hope - FUZZ)
    return np.minimum(visible, np.where(whole < 100, whole, np.round(hope, 2)))


def compare_targets(figures: pd.DataFrame, target: Floats) -> pd.DataFrame:
    """Compare each target with the smallest change that so many people could show.

    Args:
        figures: ``value``, ``n_valid`` and ``se`` of what each line follows; missing of none.
        target: The targets, missing where there is none.

    Returns:
        ``detectable``, missing beyond 100 points; ``n_needed``, the people who could show the rise,
        missing if more than ``MOST_NEEDED``, and ``note`` (of ``NOTES``), both of a target that so
        many people could not show. Both take the variance at the baseline for both years, which is
        on the safe side where it is smaller at the target.
    """
    value, n = (figures[name].to_numpy(dtype=float) for name in ("value", "n_valid"))
    detectable = find_detectable(find_errors(figures))
    rise = np.where(target > value, target - value, np.nan)
    is_inside = target - value < detectable - FUZZ
    no_rise = value + detectable > 100 + FUZZ
    needed = np.ceil(n * (detectable / rise) ** 2 - FUZZ)
    return pd.DataFrame(
        {
            "detectable": np.where(detectable <= 100, detectable, np.nan),
            "n_needed": np.where(is_inside & (needed <= MOST_NEEDED), needed, np.nan),
            "note": np.select([~is_inside, no_rise], ["", "not_visible"], "target_inside_error"),
        }
    )


def find_errors(rows: pd.DataFrame) -> Floats:
    """Return the standard errors (V1); at 0 and 100 % that of the share (k + 1)/(n + 2)."""
    value, n, se = (rows[name].to_numpy(dtype=float) for name in ("value", "n_valid", "se"))
    share = (n * value / 100 + 1) / (n + 2)
    return np.where(se > 0, se, 100 * np.sqrt(share * (1 - share) / n))


def _write_texts(lines: pd.DataFrame, survey: Survey, library: Library) -> pd.DataFrame:
    """Return task, owner and day of each line, in the first language of the wave."""
    wave, names = survey.wave, survey.unit_names
    language = wave.languages[0]
    texts: list[tuple[str, str, date | None]] = []
    for name, unit in zip(lines["measure"], lines["unit"], strict=True):
        measure = library.measures.get(name)
        post = Bilingual() if unit else wave.publisher
        if measure:
            post = library.name_owner(measure, names[unit]) if unit else post
            due = _add_months(wave.last_day, measure.after_months)
            texts.append((measure.text(language), post.text(language), due))
        else:
            task = say(language, f"plan.task.{'unit' if unit else 'all'}")
            texts.append((task, post.text(language), None))
    return pd.DataFrame(texts, lines.index, ["task", "owner", "due"])


def _add_months(start: date | None, months: int) -> date | None:
    """Return the last day of the month that is so many months later; None if no day is known."""
    if start is None:
        return None
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def _answer_incidents(survey: Survey, library: Library) -> pd.DataFrame:
    """Return the lines of the province for incidents that enough people reported (P2)."""
    pack = survey.instrument
    answers = library.answer_items(pack.id, "incidents")
    names = [name for code, name in answers.items() if _is_reported(survey, code)]
    measures = [library.measures[name] for name in names]
    lines = pd.DataFrame(
        {
            "unit": [""] * len(names),
            "factor": [measure.factor for measure in measures],
            "item": "",
            "measure": names,
            "indicator": [measure.indicators[0].id for measure in measures],
            "note": "",
        }
    )
    return lines.join(_write_texts(lines, survey, library))


def _is_reported(survey: Survey, code: str) -> bool:
    """Return whether an incident was asked and enough people reported it, but not nearly all."""
    if code not in survey.keys:
        return False
    answers = survey.frame[code].dropna()
    labels = survey.instrument.indicators[code].counted
    counted = [survey.has_choice(code, label)[answers.index] for label in labels]
    n_reported = int(np.logical_or.reduce(counted).sum())
    return min(n_reported, len(answers) - n_reported) >= survey.wave.min_cell


def _number_lines(lines: pd.DataFrame, units: Sequence[str]) -> pd.DataFrame:
    """Return the lines in the order of units, each with its id."""
    place = lines["unit"].map({unit: position for position, unit in enumerate(units)})
    lines = lines.iloc[np.argsort(place.to_numpy(), kind="stable")].reset_index(drop=True)
    numbers = lines.groupby("unit").cumcount() + 1
    ids = [
        f"{unit}-{number:02d}" if unit else f"P{number:02d}"
        for unit, number in zip(lines["unit"], numbers, strict=True)
    ]
    return lines.assign(id=ids)
