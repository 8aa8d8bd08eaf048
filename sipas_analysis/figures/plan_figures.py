"""The plan of a wave and verdicts on earlier plans, as they may be published (rules G3, G4, P2).

What officers wrote for themselves (``budget``, own words in ``note``) is in no published table; a
telephone number, an e-mail address or the number of an identity card in ``task`` or ``owner`` is
starred (rule P1).

Ids of the numbers, for ``Figures.find`` and ``number_of``: of a plan ``plan:<id>`` (``value`` the
baseline, ``low``, ``high``, ``n_valid``, ``detectable``), ``plan.target:<id>`` and
``plan.needed:<id>``; of a verdict, with the ``key`` of its row, ``verdict:<key>`` (``value`` the
difference that remains, ``low``, ``high``, ``fall``), ``verdict.change:<key>`` (the same columns,
and ``before``), and the single numbers of ``NUMBERS``. A key is ``<wave of the plan>:<id>``, of a
measure over several units ``<wave of the plan>:<measure>~<item>``; judged by a wave between it ends
in ``@<that wave>``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.errors import ConfigError, Place, hide_personal
from sipas_analysis.figures.identified import INTERVAL_COLUMNS, name_rows, turn_round
from sipas_analysis.figures.suppression import SUPPRESS
from sipas_analysis.figures.wave_tables import WaveTables
from sipas_analysis.improve.plan import NOTES, Plan, plan
from sipas_analysis.improve.plan import NUMBERS as PLAN_NUMBERS
from sipas_analysis.improve.plan_file import read_plan
from sipas_analysis.improve.verdict import verdict
from sipas_analysis.infer.estimates import Estimates

PRIVATE_COLUMNS = ["budget"]  # of a plan, in no published table
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


def find_coming_plan(tables: WaveTables) -> ComingPlan:
    """Read the plan beside a wave; without one, propose measures for its published figures.

    Raises:
        PlanError: The plan cannot be read, or is of another wave.
    """
    path = tables.survey.wave.plan_path
    if path:
        lines = read_plan(path, tables.survey)
    else:
        lines = plan(tables.survey, scores=Estimates(tables.scores))
    public = replace(lines, frame=_publish_lines(lines.frame, tables))
    return ComingPlan(public, path is None, path.name if path else "")


def _publish_lines(lines: pd.DataFrame, tables: WaveTables) -> pd.DataFrame:
    """Return lines without what is not for the public, and without figures that are hidden (P2).

    A baseline that an officer typed for a hidden figure is blanked too.
    """
    scores = tables.scores
    scores = scores[scores["domain"].isin(["all", "unit"]) & (scores["flag"] != SUPPRESS)]
    shown = {*zip(scores["unit"], scores["variable"], strict=True)}
    keys = zip(lines["unit"], lines["item"], strict=True)
    public = _star_personal(lines.drop(columns=PRIVATE_COLUMNS))
    is_hidden = np.array([key[1] != "" and key not in shown for key in keys], dtype=bool)
    public.loc[is_hidden, [*PLAN_NUMBERS]] = np.nan
    words = [[word for word in str(note).split() if word in NOTES] for note in public["note"]]
    return public.assign(note=[" ".join(known) for known in words])


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
        ConfigError: A plan is of a wave that is not among the earlier ones, or two are of one.
        PlanError: A plan cannot be read.
    """
    *earlier, latest = waves
    plans = dict(_read_plans(latest.survey.wave.judged_plan_paths, earlier, latest))
    rows = [
        _judge(waves[position], later, plans[position])
        for position in sorted(plans)
        for later in waves[position + 1 :]
    ]
    table = pd.concat(rows, ignore_index=True)
    met = table[table["is_met"].eq(True) & (table["kind"] == "line")]
    first = met.groupby(["before", "id"])["year"].min().rename("first_met").astype("Int64")
    table["key"] = _name_rows(table, latest.survey.wave.id)
    return _star_personal(table.join(first, on=["before", "id"]))


def _name_rows(verdicts: pd.DataFrame, latest: str) -> "pd.Series[str]":
    """Return the key of each verdict, see the head of this module."""
    over_units = verdicts["measure"] + "~" + verdicts["item"]
    names = verdicts["id"].where(verdicts["kind"] == "line", over_units)
    judges = ("@" + verdicts["after"]).where(verdicts["after"] != latest, "")
    return verdicts["before"] + ":" + names + judges


def _read_plans(
    paths: Sequence[Path], earlier: Sequence[WaveTables], latest: WaveTables
) -> list[tuple[int, Plan]]:
    """Return each plan with the position of the wave from which it was made."""
    plans: dict[int, Plan] = {}
    known = [tables.survey.wave.id for tables in earlier]
    for path in paths:
        wave = str(read_plan(path, latest.survey).frame["wave"].iloc[0])
        places, fields = [Place(latest.survey.wave.path.name)], {"name": path.name, "id": wave}
        if wave not in known:
            raise ConfigError("wave_plan_unknown", places, ("plan",), **fields)
        if known.index(wave) in plans:
            raise ConfigError("wave_plan_twice", places, ("plan",), **fields)
        plans[known.index(wave)] = read_plan(path, earlier[known.index(wave)].survey)
    return [*plans.items()]


def _judge(before: WaveTables, after: WaveTables, lines: Plan) -> pd.DataFrame:
    """Return the verdicts on a plan by one later wave, from figures that both waves publish."""
    scores = (Estimates(before.scores), Estimates(after.scores))
    judged = verdict(after.survey, before.survey, lines, published=scores)
    return judged.frame.assign(year=after.survey.wave.year)


def identify_plan(lines: pd.DataFrame) -> list[pd.DataFrame]:
    """Return baseline, target and smallest visible change of each line, with their ids (G3)."""
    kinds = {
        "plan": ["baseline", "low", "high"],
        "plan.target": ["target"],
        "plan.needed": ["n_needed"],
    }
    baseline, *numbers = name_rows(lines, "id", kinds, "G3")
    return [baseline.assign(n_valid=lines["n"], detectable=lines["detectable"]), *numbers]


def identify_verdicts(verdicts: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the numbers of each verdict with their ids (rule G4)."""
    kinds = {"verdict": INTERVAL_COLUMNS, "verdict.change": CHANGE_COLUMNS} | NUMBERS
    rest, change, *numbers = name_rows(verdicts, "key", kinds, "G4")
    change = change.assign(before=verdicts["value_before"])
    return [turn_round(rest), turn_round(change), *numbers]
