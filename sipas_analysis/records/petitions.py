"""Complaints and proposals of people: answered on time, still open, reopened (rule T7).

A case that was sent to several units is one case in the count of the whole, and one in the count of
each unit. It has the worst state of its parts: a person whose case one of three units has not
answered still waits. Petitions are counted all, not drawn: a share of them has no interval.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import join_ledgers
from sipas_analysis.collect.wave import Wave
from sipas_analysis.records.calendar import Calendar
from sipas_analysis.records.channels import Period
from sipas_analysis.records.exports import fetch_frame, make_empty_frame, open_export
from sipas_analysis.records.repeats import drop_footers, settle_repeats
from sipas_analysis.records.small_cells import merge_small_cells

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY, SECOND = pd.Timedelta(days=1), pd.Timedelta(seconds=1)
WORST = (  # of the parts of a case: the largest
    *("open", "past", "has_due", "was_answered", "reopened", "carried_over", "age"),
    *("sent_to_several", "contradictory"),
)
COUNTS = (
    *("n", "received", "carried_over", "answered", "on_time", "late", "open", "in_time", "overdue"),
    *("without_due", "reopened", "sent_to_several"),
)


def read_petitions(
    connection: "DuckDBPyConnection", wave: Wave, units: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the petitions of a wave, one row for each petition of each unit.

    A petition without the code of a case is a case of its own. One that was answered before it was
    received, or has no day of receipt, is kept with the reason in ``contradiction``. Of a petition
    that overlapping exports hold twice the last answer counts.

    Args:
        connection: A connection of ``connect_records``.
        wave: The wave.
        units: Its list of units.

    Returns:
        Petitions with the roles of ``columns.yaml``: ``petition case channel unit field received
        due answered``, ``reopened`` (times), ``about_official`` (yes/no), and ``contradiction`` (a
        reason of the ledger, or ``""``); no row where the wave names none. And the ledger.

    Raises:
        FileError: A file is missing or cannot be read.
        RecordsError: Columns, words, units or stamps are not what they must be.
        SeveralError: More than one of these.

    Source: rules P1 and T7 in docs/method.md.
    """
    table = open_export(connection, "petitions", wave, units)
    if table is None:
        return _type_petitions(make_empty_frame("petitions")), join_ledgers([])
    rows = drop_footers(fetch_frame(table), table, "petition")
    once, ordered = ("case", "received", "due"), ("reopened", "answered")
    frame, differs = settle_repeats(rows, table, ("petition", "unit"), once, ordered)
    frame = _type_petitions(frame)
    received, answered = frame["received"], frame["answered"]
    is_date = answered == answered.dt.normalize()  # an answer of the same day has no hour
    is_before = answered < received.where(~is_date, received.dt.normalize())
    reasons = {
        "versions_differ": differs,
        "received_missing": received.isna(),
        "answered_before_received": is_before,
    }
    frame["contradiction"] = np.select([*reasons.values()], [*reasons], "")
    for reason in reasons:
        table.note(frame[frame["contradiction"] == reason], reason)
    return frame, join_ledgers(table.ledger)


def _type_petitions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return petitions with a case, a number of reopenings, and yes or no about officials."""
    case = frame["case"].astype(object)
    return frame.assign(
        case=case.mask(case == "", frame["petition"].astype(object)),
        reopened=frame["reopened"].fillna(0).astype(np.int64),
        about_official=frame["about_official"].astype(object).eq("yes"),
        contradiction="",
    )


def count_petitions(
    petitions: pd.DataFrame,
    by: Sequence[str] = (),
    *,
    calendar: Calendar,
    period: Period,
    officials: bool = False,
    min_cell: int = 5,
) -> pd.DataFrame:
    """Count the cases of a period by channel, unit or field.

    n = received + carried_over = answered + open. Answered ones with a due day are ``on_time`` or
    ``late``, open ones ``in_time`` or ``overdue`` at the end of the period; ``without_due`` have
    none. A due day without an hour lasts to its end.

    on_time_percent = 100 · on_time / (on_time + late + overdue). reopened_percent is the share of
    the cases that were answered at least once. Ages of open cases are whole working days after the
    day of receipt.

    Args:
        petitions: Rows as ``read_petitions`` returns them.
        by: Key columns; none for the whole. A case that came in several ways counts under the
            first.
        calendar: Working days.
        period: First and last day; a later answer is not known yet.
        officials: Whether cases about officials are counted; without, only the others.
        min_cell: Fewest cases of a row (P2).

    Returns:
        One row per key (*other* for keys of few cases): counts, ``contradictory`` cases, which are
        counted nowhere else, the shares, ``backlog_median_days`` and ``backlog_oldest_days``.
        Numbers are missing where the row has fewer than ``min_cell`` cases, ages where fewer are
        open, shares where their base has fewer. No case: no row.

    Raises:
        RecordsError: A petition was received in a year without calendar.

    Source: rule T7 in docs/method.md; on "the worst state": ours, ``unverified``.

    Example:
        >>> from datetime import date
        >>> from sipas_analysis.records.calendar import read_calendar
        >>> rows = pd.DataFrame({"case": [*"abcde"], "petition": [*"abcde"], "unit": "so-nv"})
        >>> rows["received"], rows["due"] = pd.Timestamp("2021-03-01"), pd.Timestamp("2021-03-15")
        >>> rows["answered"] = pd.to_datetime(["2021-03-15 16:30"] * 4 + ["2021-03-16 08:00"])
        >>> rows["reopened"] = 0
        >>> rows["about_official"], rows["contradiction"] = False, ""
        >>> year = date(2021, 1, 1), date(2021, 12, 31)
        >>> count_petitions(rows, calendar=read_calendar([2021]), period=year)["late"].tolist()
        [1]
    """
    cases = list_cases(petitions, by, calendar=calendar, period=period, officials=officials)
    return _hide_few(_add_up(merge_small_cells(cases, by, min_cell), by), len(by), min_cell)


def list_cases(
    petitions: pd.DataFrame,
    by: Sequence[str],
    *,
    calendar: Calendar,
    period: Period,
    officials: bool = False,
) -> pd.DataFrame:
    """Return one row per case (of each unit, where ``by`` has units) of ``count_petitions``."""
    judged = _judge_petitions(petitions, calendar, period)
    is_about = judged.groupby("case")["about_official"].transform("max").astype(bool)
    return _join_parts(judged[is_about == officials], by)


def list_shared_cases(petitions: pd.DataFrame) -> pd.DataFrame:
    """Return the cases that were sent to more than one unit, for the office itself (P3).

    Returns:
        ``case``, ``n_units`` and ``units``, their codes parted by ``;``; most units first.

    Example:
        >>> rows = pd.DataFrame({"case": ["a", "a", "b"], "unit": ["so-yt", "so-nv", "so-nv"]})
        >>> list_shared_cases(rows).to_numpy().tolist()
        [['a', 2, 'so-nv;so-yt']]
    """
    pairs = petitions[["case", "unit"]].drop_duplicates().sort_values(["case", "unit"])
    pairs = pairs[pairs["case"].duplicated(keep=False)]
    cases = pairs.groupby("case", sort=False)["unit"].agg(["size", ";".join]).reset_index()
    cases = cases.set_axis(["case", "n_units", "units"], axis=1)
    return cases.sort_values("n_units", ascending=False, kind="stable", ignore_index=True)


def _judge_petitions(petitions: pd.DataFrame, calendar: Calendar, period: Period) -> pd.DataFrame:
    """Return the petitions of a period with what is so at its end, as yes/no."""
    start, end = pd.Timestamp(period[0]), pd.Timestamp(period[1]) + DAY
    received, due = petitions["received"], petitions["due"]
    came = received.fillna(petitions["answered"])
    is_wrong = petitions["contradiction"].ne("")
    answered = petitions["answered"].where(petitions["answered"] < end)
    is_open = answered.isna()
    is_here = ~(came >= end) & ~(answered < start) & ~(is_wrong & (came < start))
    counted_from = (received.dt.normalize() + DAY).where(is_open & is_here & ~is_wrong)
    first, last = calendar.count_days(counted_from.to_numpy()), calendar.count_days(end.to_numpy())
    facts = petitions.assign(
        open=is_open,
        past=answered.fillna(end - SECOND) > find_due_end(due),
        has_due=due.notna(),
        was_answered=~is_open | (petitions["reopened"] > 0),
        carried_over=came < start,
        age=last - first,
        contradictory=is_wrong,
        sent_to_several=petitions.groupby("case")["unit"].transform("nunique") > 1,
    )
    return facts[is_here]


def find_due_end(due: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    """Return the last moment in time: a due day without an hour lasts to its end (rule T7)."""
    return due.mask(due == due.dt.normalize(), due + DAY - SECOND)


def _join_parts(petitions: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per case, of each unit where units are counted, with the worst of its parts.

    A case is open while one part is; it is late, or overdue, if one part is past its due day.
    """
    keys = [key for key in ("case", "unit") if key == "case" or key in by]
    parts = petitions.sort_values(["received", "petition", "unit"], kind="stable")
    cases = parts.groupby(keys, sort=False, observed=True)
    chosen = cases[[name for name in by if name not in keys]].first()
    worst = cases[[*WORST]].max()
    open_, past, has_due = (worst[name].astype(bool) for name in ("open", "past", "has_due"))
    return (
        pd.concat([chosen, worst], axis=1)
        .assign(
            n=1,
            received=~worst["carried_over"],
            answered=~open_,
            on_time=~open_ & has_due & ~past,
            late=~open_ & past,
            in_time=open_ & has_due & ~past,
            overdue=open_ & past,
            without_due=~has_due,
            reopened=worst["reopened"] > 0,
        )
        .reset_index()
    )


def _add_up(cases: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return counts, shares and ages by key; contradictory cases are in one count only."""
    is_wrong = cases["contradictory"].astype(bool)
    marks = cases[[*COUNTS, "was_answered"]].astype(np.int64).mul(~is_wrong, axis=0)
    facts = cases[[*by]].assign(**marks, contradictory=is_wrong.astype(np.int64))
    keys = [*by] or np.zeros(len(cases))
    groups = facts.assign(age=cases["age"]).groupby(keys, observed=True, sort=True)
    table = groups[[*COUNTS, "was_answered", "contradictory"]].sum()
    judged = table["on_time"] + table["late"] + table["overdue"]
    table["on_time_percent"] = 100 * table["on_time"] / judged
    table["reopened_percent"] = 100 * table["reopened"] / table["was_answered"]
    table["backlog_median_days"] = groups["age"].median()
    table["backlog_oldest_days"] = groups["age"].max()
    return table.reset_index(drop=not by)


def _hide_few(table: pd.DataFrame, n_keys: int, min_cell: int) -> pd.DataFrame:
    """Return the table without the numbers of rows of few cases, ages and shares of few."""
    judged = table[["on_time", "late", "overdue"]].sum(axis=1)
    bases = {"on_time_percent": judged, "reopened_percent": table.pop("was_answered")}
    for name, base in bases.items():
        table[name] = table[name].mask(base < min_cell)
    numbers = table.columns[n_keys:]
    if (table["n"] < min_cell).any():
        table = table.astype(dict.fromkeys(numbers, float))
        table.loc[table["n"] < min_cell, numbers] = np.nan
    is_few = table["open"] < min_cell
    table.loc[is_few, ["backlog_median_days", "backlog_oldest_days"]] = np.nan
    return table
