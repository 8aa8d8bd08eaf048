"""Set what people say about the time beside what the clock says, unit by unit (rule D7).

One item of the questionnaire asks whether the result came in time; the records tell how many
dossiers did. The two are not the same figure: people judge their own case, and the record counts
every dossier. What counts is whether they order the units alike.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.distributions import normal_quantile
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.infer.shares import proportion
from sipas_analysis.messages import format_number, say
from sipas_analysis.records.office_records import Records
from sipas_analysis.records.timeliness import count_timeliness

LEVEL = 0.95
SATISFIED = "\0satisfied"  # no column of a frame is called so
DISAGREE = ("opposite", "people_higher", "record_higher")
FEWEST_UNITS = 4  # with which a rank correlation has an interval
COLUMNS = (
    *("unit", "n", "satisfied_percent", "satisfied_low", "satisfied_high"),
    *("n_dossiers", "on_time_percent", "on_time_low", "on_time_high"),
    *("gap", "gap_low", "gap_high", "people", "record", "verdict"),
)


@dataclass(frozen=True, eq=False, repr=False)
class ViewsBeside(ResultTable):
    """People's view of the time beside the clock, by unit.

    Attributes:
        frame: One row per unit: ``unit``, ``n`` (people who answered the item),
            ``satisfied_percent`` with ``satisfied_low`` and ``satisfied_high``; ``n_dossiers``
            (done in the period), ``on_time_percent`` with ``on_time_low`` and ``on_time_high``;
            ``gap`` (points: satisfied less on time) with ``gap_low`` and ``gap_high``; ``people``
            and ``record``: whether each is surely ``above`` or ``below`` the mean of the units, or
            ``""``; ``verdict``: ``opposite`` (surely on different sides), ``people_higher`` or
            ``record_higher`` (the gap is surely not 0), ``agree`` (both surely on one side),
            ``cannot_tell``, or ``hidden`` where fewer than ``min_cell`` people or dossiers stand
            behind a figure (P2).
        item: Code of the item; empty if the pack names none.
        correlation: Spearman's rank correlation of the two shares over the units.
        low: Its 95 % interval; NaN with fewer than four units.
        high: Upper end.
        n_units: Units with both figures.
    """

    frame: pd.DataFrame
    item: str
    correlation: float
    low: float
    high: float
    n_units: int

    @property
    def disagreeing(self) -> list[str]:
        """Units in which people and record disagree beyond error."""
        return [*self.frame.loc[self.frame["verdict"].isin(DISAGREE), "unit"]]

    def sentences(self) -> list[str]:
        """Return the correlation, and the units that disagree."""
        if not self.item:
            return [say(self.language, "explain.views.no_item")]
        figures = {"value": self.correlation, "low": self.low, "high": self.high}
        texts = {
            name: format_number(float(figure), self.language, 2) for name, figure in figures.items()
        }
        told = say(
            self.language, "explain.views.correlation", n=self.n_units, item=self.item, **texts
        )
        named = say(
            self.language, "explain.views.disagree", units=", ".join(self.disagreeing) or "–"
        )
        return [told, named]


def compare_views(survey: Survey, records: Records) -> ViewsBeside:
    """Set the share of people satisfied with the time beside the share of dossiers on time.

    The item is ``on_time_item`` of the pack. A unit is surely above or below if its interval at
    1 − 0.05/units excludes the mean of all units, and a gap is surely not 0 if its interval from
    these excludes 0, so that at most 5 % of surveys call any unit so by chance. The interval of the
    gap is Newcombe's, from those of both shares; of the rank correlation r that of Bonett and
    Wright: tanh(artanh r ± 1.96·√((1 + r²/2)/(units − 3))).

    Args:
        survey: Validated forms.
        records: Dossiers with the clock's columns.

    Returns:
        See ``ViewsBeside``; no row where the pack has no such item or nobody answered it.

    Source: rules D7, I1 and P2 in docs/method.md; Newcombe (1998),
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I; Bonett and Wright (2000),
    doi:10.1007/BF02294183.
    """
    check_kind(survey, Survey, "survey")
    check_kind(records, Records, "records")
    item = survey.instrument.on_time_item
    if not item or item not in survey.frame or not survey.frame[item].notna().any():
        return ViewsBeside(pd.DataFrame(columns=COLUMNS), "", np.nan, np.nan, np.nan, 0)
    people, record = _list_people(survey, item), _list_records(survey, records)
    table = people.merge(record, on="unit", how="inner").sort_values("unit", ignore_index=True)
    is_shown = table[["n", "n_dossiers"]].min(axis=1) >= survey.wave.min_cell
    table = _judge_units(table, is_shown)
    shown = table[is_shown]
    value, low, high = correlate_ranks(shown["satisfied_percent"], shown["on_time_percent"])
    return ViewsBeside(
        table[[*COLUMNS]], item, value, low, high, len(shown), wording=survey.wording
    )


def _list_people(survey: Survey, item: str) -> pd.DataFrame:
    """Return the share of satisfied people by unit, with its interval and a simultaneous one."""
    answers = survey.frame[item]
    cut = survey.instrument.scale_of(item).satisfied_from
    satisfied = (answers >= cut).astype(float).where(answers.notna())
    design = survey.design(survey.frame.assign(**{SATISFIED: satisfied}))
    n_units = survey.frame.loc[answers.notna(), "unit"].nunique()
    parts = []
    for ending, level in (("", LEVEL), ("_sure", 1 - (1 - LEVEL) / n_units)):
        table = proportion(design, SATISFIED, by="unit", level=level).frame
        parts.append(table.set_index("unit")[["low", "high"]].mul(100).add_suffix(ending))
    shares = table.set_index("unit")[["n_valid", "value"]]
    people = pd.concat([shares, *parts], axis=1)
    people = people[people["n_valid"] > 0].assign(value=100 * people["value"])
    names = {"n_valid": "n", "value": "satisfied_percent"}
    ends = {end: f"satisfied_{end}" for end in ("low", "high", "low_sure", "high_sure")}
    return people.rename(columns={**names, **ends}).reset_index()


def _list_records(survey: Survey, records: Records) -> pd.DataFrame:
    """Return the share of dossiers done on time by unit, with both intervals."""
    counts = count_timeliness(records.dossiers, "unit", period=records.period)
    counts = counts[counts["done"] > 0].astype({"unit": str})
    n_units = max(int(counts["unit"].isin({*survey.frame["unit"]}).sum()), 1)
    done = counts["done"].to_numpy(dtype=float)
    sure = exact_interval(done - counts["late"], done, 1 - (1 - LEVEL) / n_units)
    return pd.DataFrame(
        {
            "unit": counts["unit"],
            "n_dossiers": counts["done"],
            "on_time_percent": counts["on_time_percent"],
            "on_time_low": counts["low"],
            "on_time_high": counts["high"],
            "on_time_low_sure": 100 * sure[0],
            "on_time_high_sure": 100 * sure[1],
        }
    )


def _judge_units(table: pd.DataFrame, is_shown: "pd.Series[bool]") -> pd.DataFrame:
    """Return the table with gap, sides and verdict; figures of few people or dossiers are blank."""
    table = table.astype({"n": float, "n_dossiers": float})
    table.loc[~is_shown, table.columns != "unit"] = np.nan
    gap, low, high = _measure_gap(table)
    _, sure_low, sure_high = _measure_gap(table, "_sure")
    sides = {}
    for side, name in (("people", "satisfied"), ("record", "on_time")):
        mean = table[f"{name}_percent"].mean()
        is_above, is_below = table[f"{name}_low_sure"] > mean, table[f"{name}_high_sure"] < mean
        sides[side] = np.select([is_above, is_below], ["above", "below"], "")
    is_sure = (sides["people"] != "") & (sides["record"] != "")
    is_same = sides["people"] == sides["record"]
    kinds = {
        "hidden": ~is_shown,
        "opposite": is_sure & ~is_same,
        "people_higher": sure_low > 0,
        "record_higher": sure_high < 0,
        "agree": is_sure & is_same,
    }
    verdict = np.select([*kinds.values()], [*kinds], "cannot_tell")
    return table.assign(gap=gap, gap_low=low, gap_high=high, **sides, verdict=verdict)


def _measure_gap(table: pd.DataFrame, ends: str = "") -> "tuple[pd.Series[float], ...]":
    """Return the gap of both shares with Newcombe's interval from their own intervals."""
    satisfied, on_time = table["satisfied_percent"], table["on_time_percent"]
    down = np.hypot(
        satisfied - table[f"satisfied_low{ends}"], table[f"on_time_high{ends}"] - on_time
    )
    up = np.hypot(table[f"satisfied_high{ends}"] - satisfied, on_time - table[f"on_time_low{ends}"])
    gap = satisfied - on_time
    return gap, gap - down, gap + up


def correlate_ranks(
    first: "pd.Series[float]", second: "pd.Series[float]"
) -> tuple[float, float, float]:
    """Return Spearman's rank correlation of two figures with its 95 % interval.

    NaN with fewer than four pairs, or where one figure never varies; no interval at 1 and -1.

    Source: Bonett and Wright (2000), doi:10.1007/BF02294183.

    Example:
        >>> first, second = pd.Series([1.0, 2, 3, 4, 5, 6]), pd.Series([1.0, 3, 2, 5, 4, 6])
        >>> print(*(round(end, 3) for end in correlate_ranks(first, second)))
        0.886 0.066 0.992
    """
    if len(first) < FEWEST_UNITS or min(len({*first}), len({*second})) < 2:
        return np.nan, np.nan, np.nan
    ranks = np.column_stack([first.rank().to_numpy(), second.rank().to_numpy()])
    centred = ranks - ranks.mean(axis=0)
    products = centred.T @ centred
    value = float(products[0, 1] / np.sqrt(products[0, 0] * products[1, 1]))
    if abs(value) > 1 - 1e-12:
        return value, np.nan, np.nan
    z = float(normal_quantile((1 + LEVEL) / 2))
    margin = z * np.sqrt((1 + value**2 / 2) / (len(first) - 3))
    middle = np.arctanh(value)
    return value, float(np.tanh(middle - margin)), float(np.tanh(middle + margin))
