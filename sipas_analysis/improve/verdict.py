"""Judge the measures of an earlier plan by the survey that came after (rule G4).

A figure that rose after a measure did not rise because of it: figures chosen for being low rise by
themselves, and years differ for all units. So the change of each line is set beside the change
expected without the measure (``expected_change``), and the verdict follows from the interval of
what remains. Where that cannot be told, the table says why.
"""

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, check_level, check_word
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ColumnError, ParameterError
from sipas_analysis.improve.actions import SURVEY
from sipas_analysis.improve.expected_change import Remainder, compare_changes
from sipas_analysis.improve.plan import STATUSES, Plan
from sipas_analysis.improve.two_waves import Published, Row, Scorer, TwoWaves
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.change import COMPARED
from sipas_analysis.measure.scores import score
from sipas_analysis.quality.findings import find_open_units
from sipas_analysis.rounding import round_to_text
from sipas_analysis.sheets.texts import fold_text

VerdictWord = Literal["worked", "no_sign", "too_early", "got_worse", "cannot_tell"]
LEAST_OTHERS = 3  # units without the measure, from which a trend is known; ours, docs/verdict.md
NOT_STARTED = ("proposed", "approved")
SAID = ("verdict", "reason")
WITHOUT_FIGURE = ("not_survey", "no_baseline")  # reasons of lines that follow no figure
NOT_TAKEN = ("dropped", "not_survey")  # reasons of lines that are no test of a measure
NUMBER_COLUMNS = (
    "value_before",
    "value_after",
    "change",
    "change_low",
    "change_high",
    "trend",
    "returned",
    "expected",
    "did",
    "did_se",
    "value",
    "se",
    "low",
    "high",
    "df",
)
VERDICT_COLUMNS = (
    *("kind", "before", "after", "id", "unit", "unit_then", "item", "measure", "task"),
    *("n_units", "n_others", *NUMBER_COLUMNS),
    *("family", "verdict", "reason", "target", "is_met", "due", "status"),
)
READ_COLUMNS = (  # of a plan
    *("wave", "id", "unit", "item", "measure", "task", "indicator", "baseline", "target"),
    *("due", "status"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Verdict(ResultTable):
    """Verdicts on the lines of a plan, and on measures that several units took.

    Attributes:
        frame: One row per line, then one per measure and item, see ``verdict``.
    """

    main_columns = (
        *("unit", "item", "measure", "value_before", "value_after"),
        *("value", "low", "high", "verdict"),
    )
    frame: pd.DataFrame


def verdict(
    survey: Survey,
    earlier: Survey,
    plan: Plan,
    *,
    level: float = 0.95,
) -> Verdict:
    """Judge each line of a plan made from an earlier survey.

    For a line of unit u on item j: ``change`` = y_u2 − y_u1; ``returned`` = pooled_u1 − y_u1, the
    rise expected because a low figure was chosen (C4, A2); ``trend`` = mean of y_o2 − pooled_o1
    over the others: units of the same group without a line on that item; ``value`` = change −
    trend − returned, with an interval that holds for all judged lines of the unit together.
    ``worked`` and ``got_worse`` hold for change − trend as well, see docs/verdict.md.

    Args:
        survey: The later wave.
        earlier: The wave from which the plan was made.
        plan: Lines, from ``read_plan`` or ``plan``.
        level: Confidence with which the intervals of a unit's lines hold together.

    Returns:
        ``kind`` (``line``; ``measure`` for a measure and item that two units or more took),
        ``before``, ``after`` (ids of waves), ``id``, ``unit`` (later code), ``unit_then``,
        ``item``, ``measure``, ``task`` (of a measure of the library empty where units worded it
        differently), ``n_units`` (units with the measure that are compared with
        others; 0 where none is), ``n_others`` (units without it), ``value_before``,
        ``value_after``, ``change`` with ``change_low`` and ``change_high``, ``trend``,
        ``returned``, ``expected`` (trend + returned), ``did`` and ``did_se`` (difference in
        differences), ``value`` (what remains) with ``se``, ``low``, ``high``, ``df``, ``family``
        (number of lines judged together), ``verdict`` (``worked``, ``no_sign``, ``too_early``,
        ``got_worse``, ``cannot_tell``), ``reason`` (``shared``: one figure with another line of
        the unit, which cannot be told apart), ``target``, ``is_met``, ``due``, ``status``.

    Raises:
        ColumnError: The plan was made from another wave, lacks a column, or has a status of its
            own.
        ParameterError: Both surveys are one wave.
        UnitError: A list of changes of units is invalid.

    Source: rules C4 and G4 in docs/method.md, docs/verdict.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> earlier, survey = (
        ...     sipas.read_survey(sipas.read_wave(f"data/an-giang-{year}/wave.yaml"))
        ...     for year in (2020, 2021))
        >>> plan = sipas.read_plan("data/an-giang-2020/plan.xlsx", earlier)
        >>> judged = sipas.verdict(survey, earlier, plan).frame
        >>> measures = judged[judged["kind"] == "measure"]
        >>> measures[["item", "n_units", "verdict"]].values.tolist()
        [['B1', 6, 'worked'], ['C4', 5, 'no_sign']]
    """
    check_kind(survey, Survey, "survey")
    check_kind(earlier, Survey, "survey", "earlier")
    check_kind(plan, Plan, "plan")
    check_level(level)
    return judge_plan(survey, earlier, plan, level=level)


def judge_plan(
    survey: Survey,
    earlier: Survey,
    plan: Plan,
    *,
    level: float = 0.95,
    published: Published | None = None,
    estimate: Scorer = score,
    find_open: Callable[[Survey], Collection[str]] = find_open_units,
) -> Verdict:
    """Do what ``verdict`` does, with what is known already.

    Args:
        survey: The later wave.
        earlier: The wave from which the plan was made.
        plan: Lines.
        level: Confidence.
        published: Figures of both waves as they may be published: what is hidden in either is
            not used.
        estimate: Returns what ``score`` does.
        find_open: Returns what ``find_open_units`` does.
    """
    if survey.wave.id == earlier.wave.id:
        raise ParameterError("verdict_same", id=survey.wave.id)
    _check_plan(plan.frame, earlier.wave.id)
    pair = TwoWaves(earlier, survey, published, estimate, find_open)
    lines = _Lines(_read_lines(plan, pair), pair)
    rows = [*_list_lines(lines)]
    rows += _list_measures(lines, rows)
    table = pd.DataFrame(rows, columns=[*VERDICT_COLUMNS, "change_se"])
    counts = dict.fromkeys(["n_units", "n_others", "family"], "Int64")
    numbers = dict.fromkeys([*NUMBER_COLUMNS, "target"], "float64")
    table = table.astype({**counts, **numbers, "is_met": "boolean"})
    table = table.assign(before=earlier.wave.id, after=survey.wave.id)
    return Verdict(_conclude(table, level), wording=survey.wording)


def _check_plan(lines: pd.DataFrame, wave: str) -> None:
    """Refuse lines that lack a column, are of another wave, or have a status of their own."""
    missing = [name for name in READ_COLUMNS if name not in lines]
    if missing:
        raise ColumnError("verdict_columns", columns=", ".join(missing))
    foreign = lines.loc[lines["wave"] != wave, "wave"]
    if len(foreign):
        raise ColumnError("verdict_wave", found=foreign.iloc[0], wanted=wave)
    for status in lines["status"].unique():
        check_word(status, STATUSES, "status", ColumnError)


def _read_lines(plan: Plan, pair: TwoWaves) -> pd.DataFrame:
    """Return the lines of a plan with the later codes of units and figures."""
    lines, codes = plan.frame.rename(columns={"unit": "unit_then"}), pair.later_codes
    successors = pair.links.successors
    own_words = lines["task"].map(lambda task: f"task: {fold_text(str(task))}")
    return lines.assign(
        unit=lines["unit_then"].map(lambda unit: successors.get(unit, unit)),
        variable=lines["item"].map(lambda item: codes.get(item, item)),
        own_words=own_words,
        measure_key=lines["measure"].where(lines["measure"] != "", own_words),
        day=pd.to_datetime(lines["due"], errors="coerce"),
    )


@dataclass(frozen=True, eq=False)
class _Lines:
    """The lines of a plan, and the two waves that judge them."""

    frame: pd.DataFrame
    pair: TwoWaves

    @cached_property
    def _units(self) -> dict[Hashable, set[str]]:
        """Units with a line, by figure."""
        return {name: {*units} for name, units in self.frame.groupby("variable")["unit"]}

    def list_busy(self, variable: str) -> set[str]:
        """Return the units with a line on a figure, on a wider one, or on an item of a factor."""
        items = self.pair.later.instrument.items
        wider = [items[variable].factor] if variable in items else []
        narrower = [code for code, item in items.items() if item.factor == variable]
        names = [variable, OVERALL, *wider, *narrower]
        return {unit for name in names for unit in self._units.get(name, ())}

    def compare_units(self, variable: str, treated: set[str]) -> Remainder | None:
        """Return what remains of the change of some units; none with too few others."""
        compared, busy = self.pair.find_panel(variable), self.list_busy(variable)
        is_treated = np.array([unit in treated for unit in compared.units], dtype=bool)
        is_other = np.array([unit not in busy for unit in compared.units], dtype=bool)
        is_other &= np.isin(compared.panel.group, compared.panel.group[is_treated])
        if is_other.sum() < LEAST_OTHERS:
            return None
        rows = np.flatnonzero(is_treated | is_other)
        return compare_changes(compared.panel.take(rows), is_treated[rows], is_other[rows])


def _list_lines(lines: _Lines) -> Iterator[Row]:
    """Yield a row for each line, before the interval of what remains."""
    start = lines.pair.later.wave.first_day
    for line in lines.frame.to_dict("records"):
        row: Row = {name: line[name] for name in VERDICT_COLUMNS if name in line}
        word, reason = _wait_or_refuse(line, start)
        row |= {"kind": "line", "n_units": 0, "verdict": word, "reason": reason}
        if reason not in WITHOUT_FIGURE:
            row |= _measure_line(line, lines, word)
        yield row


def _wait_or_refuse(line: Row, start: date | None) -> tuple[str, str]:
    """Return the verdict that a line has whatever the figures are, and why; else two blanks."""
    if line["status"] == "dropped":
        return "cannot_tell", "dropped"
    if line["indicator"] != SURVEY or not line["item"]:
        return "cannot_tell", "not_survey"
    if pd.isna(line["baseline"]):
        return "cannot_tell", "no_baseline"
    if line["status"] in NOT_STARTED:
        return "too_early", "not_started"
    if start and line["day"] > pd.Timestamp(start):
        return "too_early", "due"
    return "", ""


def _measure_line(line: Row, lines: _Lines, word: str) -> Row:
    """Return the numbers of a line; where they cannot be told, the reason."""
    unit, variable, pair = str(line["unit"]), str(line["variable"]), lines.pair
    figure = pair.figures.get((unit, variable), {"reason": "absent"})
    if line["unit_then"] in pair.split_units:
        figure = {"reason": "redefined"}
    reason, row = str(figure["reason"]), Row()
    if reason in COMPARED:
        remainder = lines.compare_units(variable, {unit}) if unit else None
        reason = "" if remainder else "few_others" if unit else "whole_province"
        row = _list_numbers(remainder) if remainder else {"n_others": pd.NA}
        row |= {
            "value_before": figure["value_before"],
            "value_after": figure["value_after"],
            "change": figure["value"],
            "change_low": figure["low"],
            "change_high": figure["high"],
        }
        row |= _check_target(float(line["target"]), float(figure["value_after"]))
    return row if word or not reason else row | {"verdict": "cannot_tell", "reason": reason}


def _check_target(target: float, value: float) -> Row:
    """Return whether a figure as it is printed reaches the target, if there is one."""
    return {} if np.isnan(target) else {"is_met": float(round_to_text(value)) >= target}


def _list_numbers(remainder: Remainder) -> Row:
    """Return the columns of what remains of a change."""
    return {
        "n_units": remainder.n_units,
        "n_others": remainder.n_others,
        "trend": remainder.trend,
        "returned": remainder.returned,
        "expected": remainder.trend + remainder.returned,
        "did": remainder.did,
        "did_se": remainder.did_se,
        "value": remainder.value,
        "se": remainder.se,
        "df": remainder.df,
    }


def _list_measures(lines: _Lines, rows: Sequence[Row]) -> Iterator[Row]:
    """Yield a row for each measure and figure that two units or more took."""
    frame = lines.frame.assign(**{name: [row[name] for row in rows] for name in SAID})
    is_taken = (frame["verdict"] != "too_early") & ~frame["reason"].isin(NOT_TAKEN)
    frame = frame[is_taken & (frame["unit"] != "")]
    for (_, variable), taken in frame.groupby(["measure_key", "variable"], sort=False):
        if len({*taken["unit"]}) > 1:
            yield _judge_measure(lines, str(variable), taken)


def _judge_measure(lines: _Lines, variable: str, taken: pd.DataFrame) -> Row:
    """Return the row of a measure that several units took for one figure."""
    is_comparable = taken["reason"].isin(["", "few_others"])
    units, reasons = {*taken.loc[is_comparable, "unit"]}, taken.loc[~is_comparable, "reason"]
    remainder = lines.compare_units(variable, units) if len(units) > 1 else None
    if remainder and remainder.n_units < 2:  # the others of one of them only
        remainder = None
    reason = "few_others" if len(units) > 1 else str(reasons.mode().iloc[0])  # most frequent
    first = taken.iloc[0]
    row = {
        "kind": "measure",
        "id": f"{first['measure'] or first['id']}~{first['item']}",
        **{name: first[name] for name in ("item", "measure")},
        "task": "" if (taken["own_words"] != first["own_words"]).any() else first["task"],
        **dict.fromkeys(["unit", "unit_then", "status"], ""),
        "n_units": 0,
        "verdict": "" if remainder else "cannot_tell",
        "reason": "" if remainder else reason,
    }
    return row | (_list_change(remainder) if remainder else {})


def _list_change(remainder: Remainder) -> Row:
    """Return the columns of a measure that several units took."""
    return _list_numbers(remainder) | {
        "value_before": remainder.before,
        "value_after": remainder.after,
        "change": remainder.change,
        "change_se": remainder.change_se,
    }


def _conclude(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return the table with the intervals of what remains, and the verdicts that follow.

    Šidák: the intervals of the figures judged in a unit hold together, and so do those of the
    measures; rows that are not judged have an interval of their own. A verdict must hold with and
    without the change that C4 expects: a unit that is truly low does not return, and one that
    fails to is not worse.
    """
    is_judged = table["verdict"] == ""
    judged = table[is_judged]
    names = judged["item"].where(judged["kind"] == "line", judged["id"])
    family = names.groupby([judged["kind"], judged["unit"]]).transform("nunique")
    family = family.reindex(table.index)
    each = level ** (1 / family.fillna(1).to_numpy(dtype=float))
    value, se, df, change, change_se = (
        table[name].to_numpy(dtype=float) for name in ("value", "se", "df", "change", "change_se")
    )
    is_shared = judged.assign(name=names).duplicated(["kind", "unit", "name"], keep=False)
    t = t_quantile((1 + each) / 2, df)
    low, high = value - t * se, value + t * se
    returned = table["returned"].to_numpy(dtype=float)
    is_better, is_worse = low + np.fmin(returned, 0) > 0, high + np.fmax(returned, 0) < 0
    is_told = [is_better & (change > 0), is_worse & (change < 0)]
    words = np.select(is_told, ["worked", "got_worse"], "no_sign")
    is_measure = table["kind"] == "measure"
    return table.assign(
        low=low,
        high=high,
        family=family.astype("Int64"),
        change_low=table["change_low"].where(~is_measure, change - t * change_se),
        change_high=table["change_high"].where(~is_measure, change + t * change_se),
        verdict=table["verdict"].where(~is_judged, words),
        reason=table["reason"].mask(is_shared.reindex(table.index, fill_value=False), "shared"),
    )[[*VERDICT_COLUMNS]]
