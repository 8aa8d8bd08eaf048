"""Publication of procedures: the checklist of place, form and content, and days late (rule T8).

A checklist has a line for each procedure that a unit must publish. A procedure is no person: small
numbers of procedures are shown. All lines are counted: a share of them has no interval.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import join_ledgers
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import RecordsError
from sipas_analysis.records.calendar import Calendar
from sipas_analysis.records.exports import fetch_frame, make_empty_frame, open_export
from sipas_analysis.records.repeats import list_places, refuse_without_code, settle_repeats

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY = pd.Timedelta(days=1)
CHECKS = ("place", "form", "content")
YES, CHECKED = ([f"{name}_{part}" for name in CHECKS] for part in ("yes", "checked"))
COUNTS = (*("procedures", "published", "not_published", "not_due", "undated", "on_time", "late"),)


def read_publication(
    connection: "DuckDBPyConnection", wave: Wave, units: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the checklists of publication of a wave, one row for each procedure of each unit.

    Args:
        connection: A connection of ``connect_records``.
        wave: The wave.
        units: Its list of units.

    Returns:
        Lines with ``unit procedure place form content`` (``yes``, ``no`` or ``""``) ``due
        published``; no row where the wave names none. And the ledger.

    Raises:
        FileError: A file is missing or cannot be read.
        RecordsError: Columns, words, units or days are not what they must be; or two lines on a
            procedure of a unit differ.
        SeveralError: More than one of these.

    Source: rules P1 and T8 in docs/method.md.
    """
    table = open_export(connection, "publication", wave, units)
    if table is None:
        return make_empty_frame("publication"), join_ledgers([])
    rows = fetch_frame(table)
    refuse_without_code(rows, table, "procedure")
    fixed = (*CHECKS, "due", "published")
    frame, differs = settle_repeats(rows, table, ("unit", "procedure"), fixed, ("file", "row"))
    if differs.any():
        places = list_places(frame[differs], table, "procedure")
        raise RecordsError("records_repeated", places)
    return frame, join_ledgers(table.ledger)


def count_publication(
    publication: pd.DataFrame, by: Sequence[str] = (), *, calendar: Calendar, through: date
) -> pd.DataFrame:
    """Count the procedures published, where and how, and the working days that they were late.

    score = 100 · Σ yes / Σ checked, over place, form and content of every procedure that was due;
    one that is not published has no three times. An empty cell is not checked. A procedure is
    *not published* if on the last day it has no day of publication and no yes.

    Days late are the working days after the day on which a procedure was due, to its day of
    publication, or to the last day if it is not published. A due day on which nobody works is the
    next working day.

    Args:
        publication: Lines as ``read_publication`` returns them.
        by: Key columns, such as ``unit``; none for the whole.
        calendar: Working days.
        through: The last day of the period; what is published later is not published yet.

    Returns:
        One row per key: ``procedures`` = ``published`` + ``not_published`` + ``not_due`` (neither
        published nor due); ``undated`` of the published have no day; ``score``, ``place_percent``,
        ``form_percent``, ``content_percent``, ``unchecked`` cells; ``late`` and ``on_time``
        procedures (of those with a due day: published late, or not yet; published on time),
        ``median_days_late`` and ``most_days_late``. A share of nothing is NaN. No line: no row.

    Raises:
        RecordsError: A day lies in a year without calendar.

    Source: rule T8 in docs/method.md; the score is ours, ``unverified``.

    Example:
        >>> from sipas_analysis.records.calendar import read_calendar
        >>> lines = pd.DataFrame({"unit": "so-nv", "place": "yes", "form": ["yes", "no"]})
        >>> lines = lines.assign(content="no", due=pd.Timestamp("2021-03-01"))
        >>> lines["published"] = pd.to_datetime(["2021-03-01", "2021-03-08"])
        >>> year = read_calendar([2021])
        >>> table = count_publication(lines, calendar=year, through=date(2021, 12, 31))
        >>> table[["score", "late", "most_days_late"]].to_numpy().tolist()
        [[50.0, 1.0, 5.0]]
    """
    facts = _judge_lines(publication, calendar, pd.Timestamp(through))
    keys = [publication[name] for name in by] or np.zeros(len(facts))
    groups = facts.groupby(keys, observed=True, sort=True)
    table = groups[[*COUNTS, "unchecked", *YES, *CHECKED]].sum().astype(np.int64)
    n_yes, n_checked = table[[*YES]], table[[*CHECKED]]
    table = table.drop(columns=[*YES, *CHECKED])
    table["score"] = 100 * n_yes.sum(axis=1) / n_checked.sum(axis=1)
    for name, yes, checked in zip(CHECKS, YES, CHECKED, strict=True):
        table[f"{name}_percent"] = 100 * n_yes[yes] / n_checked[checked]
    table["median_days_late"] = groups["days_late"].median()
    table["most_days_late"] = groups["days_late"].max()
    return table.reset_index(drop=not by)


def _judge_lines(lines: pd.DataFrame, calendar: Calendar, last_day: pd.Timestamp) -> pd.DataFrame:
    """Return what is so of each line at the end of the last day: yes/no, and days late."""
    day = lines["published"].dt.normalize()
    is_later = day > last_day
    day = day.mask(is_later)
    checks = lines[[*CHECKS]].mask(is_later, "no", axis=0)
    is_published = day.notna() | (checks == "yes").any(axis=1)
    is_not_due = ~is_published & (lines["due"] >= last_day + DAY)
    is_missing = ~is_published & ~is_not_due
    rolled = pd.Series(calendar.find_day_end(lines["due"].to_numpy()), lines.index)
    due = rolled.fillna(lines["due"]).dt.normalize()
    end = day.mask(is_missing, last_day)
    is_late = (end > due) & ~is_not_due
    days = _count_through(calendar, end.where(is_late)) - _count_through(
        calendar, due.where(is_late)
    )
    facts = {
        "procedures": np.ones(len(lines), dtype=bool),
        "published": is_published,
        "not_published": is_missing,
        "not_due": is_not_due,
        "undated": is_published & day.isna(),
        "on_time": day.notna() & due.notna() & ~is_late,
        "late": is_late,
        "days_late": days.clip(lower=1),
    }
    for name, yes, checked in zip(CHECKS, YES, CHECKED, strict=True):
        facts[yes] = checks[name].eq("yes")
        facts[checked] = (checks[name].ne("") | is_missing) & ~is_not_due
    table = pd.DataFrame(facts, lines.index)
    is_unchecked = pd.DataFrame({name: ~table[name] for name in CHECKED})
    return table.assign(unchecked=is_unchecked.sum(axis=1).mask(is_not_due, 0))


def _count_through(calendar: Calendar, days: "pd.Series[pd.Timestamp]") -> "pd.Series[float]":
    """Return the working days from the start of the calendar to the end of each day."""
    return pd.Series(calendar.count_days((days + DAY).to_numpy()), days.index)
