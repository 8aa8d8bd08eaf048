"""The plan of a wave and verdicts on earlier plans, as they may be published (rules G3, G4, P2).

What officers wrote for themselves (``budget``, own words in ``note``) is in no published table; a
telephone number, an e-mail address or the number of an identity card in ``task`` or ``owner`` is
starred (rule P1).

Ids of the numbers, for ``Figures.find`` and ``number_of``: of a plan ``plan:<id>`` (``value`` the
baseline, ``low``, ``high``, ``n_valid``, ``detectable``), ``plan.target:<id>`` and
``plan.needed:<id>``; of a verdict, with the ``key`` of its row, ``verdict:<key>`` (``value`` the
difference that remains, ``low``, ``high``, ``fall``), ``verdict.change:<key>`` (the same columns,
and ``before``), and the single numbers of ``NUMBERS``. A key is ``<wave of the plan>:<id>``; of a
verdict by a wave between it ends in ``@<that wave>``. Counts are
``plan.lines:all`` (without lines that were dropped), ``:decided`` and ``:proposed``, of each also
``:<word>_whole`` (of the province), ``:<word>_units`` and ``:<word>@<unit>``, and
``plan.units:<word>`` (units with such a line); and ``verdict.lines:all`` (of this wave;
``:<verdict>``, ``:all@<unit>``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from typing import Literal, get_args

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ConfigError, Place, hide_personal
from sipas_analysis.figures.identified import (
    INTERVAL_COLUMNS,
    identify_numbers,
    name_rows,
    turn_round,
)
from sipas_analysis.figures.plan_records import DECIDED, PlanLine, list_plan_lines, name_kind
from sipas_analysis.figures.wave_tables import WaveTables
from sipas_analysis.improve.plan import NUMBERS as PLAN_NUMBERS
from sipas_analysis.improve.plan import Plan, draft_plan
from sipas_analysis.improve.plan_file import fill_plan, find_wave_id, read_plan
from sipas_analysis.improve.plan_sheet import read_plan_sheet
from sipas_analysis.improve.verdict import VerdictWord, judge_plan
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.measure.scores import select_shown

PRIVATE_COLUMNS = ["budget", "remark"]  # of a plan, in no published table
FREE_TEXTS = ["task", "owner"]  # words of officers that are published
NUMBERS = {  # single numbers of a verdict
    "verdict.after": ["value_after"],
    "verdict.trend": ["trend"],
    "verdict.expected": ["expected"],
    "verdict.target": ["target"],
    "verdict.units": ["n_units"],
    "verdict.others": ["n_others"],
}
CHANGE_COLUMNS = ["change", "change_low", "change_high"]


@dataclass(frozen=True, eq=False)
class ComingPlan:
    """The plan for the year after a wave, or what the program proposes for it.

    Attributes:
        lines: The lines, see ``sipas.plan``; without ``budget``, and figures that are hidden are
            empty.
        is_proposal: Whether no plan is beside the wave: the lines are proposals.
        source: Name of the plan's file; empty for proposals.
    """

    lines: Plan
    is_proposal: bool
    source: str

    @property
    def frame(self) -> pd.DataFrame:
        """One row per line."""
        return self.lines.frame

    @cached_property
    def records(self) -> list[PlanLine]:
        """One record per line."""
        return list_plan_lines(self.frame)

    @property
    def kind(self) -> Literal["plan", "proposal"]:
        """Whether it is called a plan: somebody has decided on a line of it."""
        return name_kind(self.records)


def find_coming_plan(tables: WaveTables) -> ComingPlan:
    """Read the plan beside a wave; without one, propose measures for its published figures.

    Raises:
        PlanError: The plan cannot be read, or is of another wave.
    """
    path = tables.survey.wave.plan_path
    if path:
        lines: Plan = read_plan(path, tables.survey, scores=tables.scores)
    else:
        lines = draft_plan(tables.basis)
    public = replace(lines, frame=_publish_lines(lines.frame, tables))
    return ComingPlan(public, path is None, path.name if path else "")


def _publish_lines(lines: pd.DataFrame, tables: WaveTables) -> pd.DataFrame:
    """Return lines without what is not for the public, and without figures that are hidden (P2).

    A baseline that an officer typed for a hidden figure is blanked too.
    """
    scores = select_shown(tables.scores)
    shown = {*zip(scores["unit"], scores["variable"], strict=True)}
    keys = zip(lines["unit"], lines["item"], strict=True)
    public = _star_personal(lines.drop(columns=PRIVATE_COLUMNS))
    is_hidden = np.array([key[1] != "" and key not in shown for key in keys], dtype=bool)
    public.loc[is_hidden, [*PLAN_NUMBERS]] = np.nan
    return public


def _star_personal(lines: pd.DataFrame) -> pd.DataFrame:
    """Star telephone numbers, e-mail addresses and long numbers in what officers wrote (P1)."""
    names = [name for name in FREE_TEXTS if name in lines]
    return lines.assign(**{name: lines[name].astype(str).map(hide_personal) for name in names})


def judge_plans(waves: Sequence[WaveTables]) -> pd.DataFrame:
    """Judge the plans that a wave names, by this wave and by each that is between.

    Args:
        waves: The waves that the wave names under ``earlier:``, oldest first, then itself.

    Returns:
        The rows of ``sipas.verdict`` for each plan and each later wave, with ``key`` (the name of
        its figures), ``year`` (of the later wave) and ``first_met`` (first year in which the
        target of the line was met; missing if never).

    Raises:
        ConfigError: A plan is of the last wave itself, or two are of one.
        PlanError: A plan cannot be read, or is of a wave that is not among these.
    """
    rows = [
        _judge(waves[position], later, lines)
        for position, lines in sorted(read_judged_plans(waves), key=itemgetter(0))
        for later in waves[position + 1 :]
    ]
    table = pd.concat(rows, ignore_index=True)
    met = table[table["is_met"].fillna(False)]
    first = met.groupby(["before", "id"])["year"].min().rename("first_met").astype("Int64")
    judges = ("@" + table["after"]).where(table["after"] != waves[-1].survey.wave.id, "")
    table["key"] = table["before"] + ":" + table["id"] + judges
    table.loc[table["reason"].isin(["suppressed", "no_baseline"]), "target"] = np.nan
    return _star_personal(table.join(first, on=["before", "id"]))


def read_judged_plans(waves: Sequence[WaveTables]) -> Iterator[tuple[int, Plan]]:
    """Yield each plan that the last wave names, after the position of the wave it was made from.

    Raises:
        ConfigError, PlanError: As ``judge_plans``.
    """
    ids, latest = [tables.survey.wave.id for tables in waves], waves[-1].survey.wave
    taken = {latest.id}
    for path in latest.judged_plan_paths:
        sheet = read_plan_sheet(path)
        wave = find_wave_id(sheet, ids)
        if wave in taken:
            fields = {"name": path.name, "id": wave}
            raise ConfigError("wave_plan", [Place(latest.path.name)], ("plan",), **fields)
        taken.add(wave)
        position = ids.index(wave)
        source = waves[position]
        yield position, fill_plan(sheet, source.survey, source.scores)


def _judge(before: WaveTables, after: WaveTables, lines: Plan) -> pd.DataFrame:
    """Return the verdicts on a plan by one later wave, from figures that both waves publish."""
    waves = {id(tables.survey): tables for tables in (before, after)}

    def estimate(survey: Survey, by: Sequence[str]) -> Estimates:
        tables = waves.get(id(survey)) or WaveTables(survey)  # of units by their later codes
        return tables.unit_estimates if by else tables.whole_estimates

    def find_open(survey: Survey) -> list[str]:
        marks = waves[id(survey)].marks
        return [unit for unit, mark in marks.items() if mark == "flagged"]

    judged = judge_plan(
        after.survey,
        before.survey,
        lines,
        published=(Estimates(before.scores), Estimates(after.scores)),
        estimate=estimate,
        find_open=find_open,
    )
    return judged.frame.assign(year=after.survey.wave.year)


def identify_plan(lines: pd.DataFrame) -> list[pd.DataFrame]:
    """Return baseline, target and smallest visible change of each line, with their ids (G3)."""
    kinds = {
        "plan": ["baseline", "low", "high"],
        "plan.target": ["target"],
        "plan.needed": ["n_needed"],
    }
    baseline, *numbers = name_rows(lines, "id", kinds, "G3")
    baseline = baseline.assign(n_valid=lines["n"], detectable=lines["detectable"])
    counts = _count_lines("all", lines[lines["status"] != "dropped"])
    counts |= _count_lines("decided", lines[lines["status"].isin(DECIDED)])
    counts |= _count_lines("proposed", lines[lines["status"] == "proposed"])
    return [baseline, *numbers, *identify_numbers(counts, "G3")]


def _count_lines(word: str, lines: pd.DataFrame) -> dict[str, float]:
    """Return the number of lines: all, of the whole, of units, of each unit."""
    units = lines.loc[lines["unit"] != "", "unit"]
    return {
        f"plan.lines:{word}": len(lines),
        f"plan.lines:{word}_whole": len(lines) - len(units),
        f"plan.lines:{word}_units": len(units),
        f"plan.units:{word}": units.nunique(),
        **_count_by_unit(f"plan.lines:{word}", units),
    }


def identify_verdicts(verdicts: pd.DataFrame | None) -> list[pd.DataFrame]:
    """Return the numbers of each verdict with their ids (rule G4); none without a plan."""
    if verdicts is None:
        return []
    kinds = {"verdict": INTERVAL_COLUMNS, "verdict.change": CHANGE_COLUMNS} | NUMBERS
    rest, change, *numbers = name_rows(verdicts, "key", kinds, "G4")
    change = change.assign(before=verdicts["value_before"])
    numbers += identify_numbers(_count_verdicts(verdicts), "G4")
    return [turn_round(rest), turn_round(change), *numbers]


def _count_verdicts(verdicts: pd.DataFrame) -> dict[str, float]:
    """Return the number of lines that this wave judges: all, of each verdict, of each unit."""
    is_line = (verdicts["kind"] == "line") & (verdicts["after"] == verdicts["after"].iloc[-1])
    lines = verdicts[is_line]
    counts: dict[str, float] = {"verdict.lines:all": len(lines)}
    for word in get_args(VerdictWord):
        counts[f"verdict.lines:{word}"] = float((lines["verdict"] == word).sum())
    return counts | _count_by_unit("verdict.lines:all", lines.loc[lines["unit"] != "", "unit"])


def _count_by_unit(name: str, units: "pd.Series[str]") -> dict[str, float]:
    """Return the number of lines of each unit that has any."""
    return {f"{name}@{unit}": float(n) for unit, n in units.value_counts(sort=False).items()}
