"""Run the clock of each dossier: start, pauses, deadline, early, on time or late (rules T2, T3).

The clock starts when a dossier is received, stands still while it waits for the applicant (states
5 and 6) or is stopped (8), and ends when the result is there (9). The deadline is counted as the
Civil Code counts: the day of receipt does not count, a last day off moves to the next working day,
and a period in days ends with the last day. How pauses move a deadline is our rule (unverified).
"""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.records.calendar import DAY, NEVER, Calendar, Counts, Stamps

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

HOUR = 3600
FAR = pd.Timestamp("2200-01-01")  # the end of a pause that still lasts, where ends are sorted
PAUSED = (5, 6, 8)
# Status of a state that says how the dossier stands, whatever its stamps; 2 and 4 run.
STATE_STATUS = {
    1: "not_started",
    3: "refused",
    5: "waiting",
    6: "waiting",
    7: "withdrawn",
    8: "stopped",
}
RUNNING, DONE = (2, 4), (9, 10)
STATUSES = (
    *("not_started", "refused", "withdrawn", "stopped", "waiting", "early", "on_time", "late"),
    *("in_time", "overdue", "no_limit", "contradictory"),
)
LIMIT_UNITS = ("hour", "working_day", "day", "month")
CLOCK_COLUMNS = ("start", "paused_seconds", "due", "status", "days_late", "limit_used")
Flags = NDArray[np.bool_]


def find_pauses(movements: "DuckDBPyRelation") -> pd.DataFrame:
    """Find when the clock of each dossier stood still: its stays in the states 5, 6 and 8.

    A stay without end lasts to the start of the next movement of the dossier; without a next one
    it still lasts. Stays that overlap or touch are one pause, so that no time counts twice.

    Args:
        movements: One row per stay: ``dossier start end state`` (other columns are not read).

    Returns:
        ``dossier start end`` in their order; ``end`` is missing where the pause still lasts.

    Source: rule T2 in docs/method.md.

    Example:
        >>> import duckdb
        >>> query = (
        ...     "SELECT 'a' AS dossier, 5 AS state, TIMESTAMP '2021-03-01 08:00:00' AS start, "
        ...     "TIMESTAMP '2021-03-02 08:00:00' AS 'end' UNION ALL "
        ...     "SELECT 'a', 6, TIMESTAMP '2021-03-01 15:00:00', TIMESTAMP '2021-03-03 09:00:00'"
        ... )
        >>> print(find_pauses(duckdb.sql(query)).to_string(index=False))
        dossier               start                 end
              a 2021-03-01 08:00:00 2021-03-03 09:00:00
    """
    query = f"""
        WITH ordered AS (
            SELECT dossier, state, start, coalesce("end", lead(start) OVER (
                PARTITION BY dossier ORDER BY start, "end", state)) AS "end"
            FROM movements
            WHERE dossier IN (SELECT dossier FROM movements WHERE state IN {PAUSED})
        )
        SELECT dossier, start, "end" FROM ordered
        WHERE state IN {PAUSED} AND start IS NOT NULL ORDER BY ALL"""  # noqa: S608 (numbers)
    stays = movements.query("movements", query)
    assert stays is not None  # a SELECT has rows
    return merge_pauses(stays.df())


def merge_pauses(pauses: pd.DataFrame) -> pd.DataFrame:
    """Join pauses of a dossier that overlap or touch; leave out those that end before they start.

    Args:
        pauses: ``dossier start end`` in any order; ``end`` is missing where the pause still lasts.

    Returns:
        ``dossier start end``, sorted; no two pauses of a dossier touch.
    """
    pauses = pauses.assign(until=pauses["end"].fillna(FAR))
    pauses = pauses[pauses["until"] > pauses["start"]].sort_values(["dossier", "start", "until"])
    reached = pauses.groupby("dossier", sort=False, observed=True)["until"].cummax()
    is_first = pauses["dossier"] != pauses["dossier"].shift()
    is_new = is_first | (pauses["start"] > reached.shift())
    groups = pauses.groupby(is_new.cumsum().to_numpy())
    merged = groups.agg(
        dossier=("dossier", "first"), start=("start", "first"), end=("until", "max")
    )
    merged["end"] = merged["end"].where(merged["end"] < FAR)
    return merged.reset_index(drop=True)


def run_clock(
    dossiers: pd.DataFrame, pauses: pd.DataFrame, calendar: Calendar, through: date
) -> pd.DataFrame:
    """Judge each dossier as it stands at the end of a day.

    The clock starts at ``received``, after the cut-off hour with the next working day. Deadline:

    - ``hour``: so many working hours from the start, plus the working time of the pauses;
    - ``working_day``: end of the hours of the N-th working day after the day of the start, plus
      the working time of the pauses;
    - ``day``, ``month``: the same day N days or months later (the last of the month if it has no
      such day), plus the time of the pauses; if that is no working day, the next one; end of hours.

    Done: ``early`` on a day before the last, ``late`` on a day after it or after working time has
    passed beyond the deadline, else ``on_time``. What is finished after ``through`` still runs.
    Running: ``overdue`` in the same way, else ``in_time``.

    Args:
        dossiers: One row per dossier: ``dossier received finished state limit limit_unit
            contradiction``; the other columns are kept.
        pauses: ``dossier start end`` (``find_pauses``); they may overlap.
        calendar: Working calendar of the years of all stamps.
        through: Last day of the period; what still runs is judged at its end.

    Returns:
        The dossiers with, in their order,

        - ``start``: when the clock starts; missing for ``not_started``, ``refused``,
          ``contradictory``;
        - ``paused_seconds``: working seconds of the pauses between start and end; 0 without start;
        - ``due``: deadline; missing without limit, or if it lies beyond the calendar;
        - ``status``: one of ``STATUSES``;
        - ``days_late``: working days from the deadline to the end; 0 if not late; missing if the
          dossier neither is done nor runs, or has no limit;
        - ``limit_used``: working time used without pauses, over that from start to deadline
          without pauses; missing as ``days_late``, and where ``due`` is missing.

    Raises:
        RecordsError: A stamp of a dossier that is judged lies in a year without calendar.

    Source: rules T2 and T3 in docs/method.md; Civil Code 2005, article 153 (2015, article 148:
    unverified).

    Example:
        >>> from sipas_analysis.records.calendar import read_calendar
        >>> dossiers = pd.DataFrame({"dossier": ["a"], "state": [9], "contradiction": [""]})
        >>> dossiers["received"] = pd.Timestamp("2021-02-08 09:00")
        >>> dossiers["finished"] = pd.Timestamp("2021-02-18 10:00")
        >>> dossiers["limit"], dossiers["limit_unit"] = 2.0, "working_day"
        >>> pauses = pd.DataFrame(columns=["dossier", "start", "end"], dtype="datetime64[s]")
        >>> judged = run_clock(dossiers, pauses, read_calendar([2021]), date(2021, 12, 31))
        >>> print(judged[["due", "status", "days_late"]].to_string(index=False))
                        due status  days_late
        2021-02-17 17:00:00   late      0.375
    """
    last = np.datetime64(through, "s") + np.timedelta64(DAY - 1, "s")
    finished = _read_stamps(dossiers["finished"])
    is_done = dossiers["state"].isin(DONE).to_numpy() & ~(finished > last)
    status = _find_state_status(dossiers, is_done)
    is_started = ~np.isin(status, ("not_started", "refused", "contradictory"))
    start = calendar.start_after_cutoff(
        np.where(is_started, _read_stamps(dossiers["received"]), NEVER)
    )
    end = np.where(is_started & (finished <= last), finished, np.where(is_started, last, NEVER))
    worked, passed = _sum_pauses(dossiers["dossier"], pauses, start, end, calendar)
    due = _find_due(dossiers, start, worked, passed, calendar)
    used, late_after = calendar.count_seconds(end), calendar.count_seconds(due)
    is_late = (end.astype("datetime64[D]") > due.astype("datetime64[D]")) | (used > late_after)
    is_early = end.astype("datetime64[D]") < due.astype("datetime64[D]")
    has_limit = _has_limit(dossiers)
    is_judged = status == ""
    status[is_judged] = np.select(
        [~has_limit, is_done & is_late, is_late, ~is_done, is_early | np.isnat(due)],
        ["no_limit", "late", "overdue", "in_time", "early"],
        "on_time",
    )[is_judged]
    is_judged &= has_limit
    days_late = np.where(is_late, calendar.count_days(end) - calendar.count_days(due), 0.0)
    started = calendar.count_seconds(start) + worked
    allowed = np.where(late_after > started, late_after - started, np.nan)
    return dossiers.assign(
        start=start,
        paused_seconds=worked.astype("int64"),
        due=due,
        status=status,
        days_late=np.where(is_judged, days_late, np.nan),
        limit_used=np.where(is_judged, np.maximum(used - started, 0) / allowed, np.nan),
    )


def _read_stamps(column: "pd.Series[pd.Timestamp]") -> Stamps:
    """Return a column as stamps of whole seconds."""
    return column.to_numpy().astype("datetime64[s]")


def _has_limit(dossiers: pd.DataFrame) -> Flags:
    """Return which dossiers have a limit in a known unit."""
    return ((dossiers["limit"] > 0) & dossiers["limit_unit"].isin(LIMIT_UNITS)).to_numpy()


def _find_state_status(dossiers: pd.DataFrame, is_done: Flags) -> NDArray[np.object_]:
    """Return the status that follows from the state alone; empty where the clock decides.

    Contradictory is what the reader of the file says so of, an unknown state, a dossier that runs
    or is done without a stamp of receipt, and one that is done without a stamp of its end or with
    an end before its receipt.
    """
    state, finished = dossiers["state"], dossiers["finished"]
    status = state.map({**STATE_STATUS, **dict.fromkeys((*RUNNING, *DONE), "")})
    lacks_receipt = status.isin(("", "waiting")) & dossiers["received"].isna()
    lacks_end = is_done & (finished.isna() | (finished < dossiers["received"])).to_numpy()
    is_wrong = (dossiers["contradiction"] != "") | status.isna() | lacks_receipt | lacks_end
    return status.mask(is_wrong, "contradictory").to_numpy(dtype="object", copy=True)


def _sum_pauses(
    names: "pd.Series[str]", pauses: pd.DataFrame, start: Stamps, end: Stamps, calendar: Calendar
) -> tuple[Counts, Counts]:
    """Return for each dossier the working seconds and all seconds of its pauses, start to end."""
    merged = merge_pauses(pauses)
    row = pd.Index(names).get_indexer(pd.Index(merged["dossier"]))
    merged, row = merged[row >= 0], row[row >= 0]
    first = np.fmax(_read_stamps(merged["start"]), start[row])
    final = np.fmin(_read_stamps(merged["end"]), end[row])
    is_inside = (final > first) & ~np.isnat(start[row])
    first, final, row = first[is_inside], final[is_inside], row[is_inside]
    worked = calendar.count_seconds(final) - calendar.count_seconds(first)
    passed = (final - first).astype("float64")
    n = len(names)
    worked, passed = (np.bincount(row, part, n).astype("float64") for part in (worked, passed))
    return worked, passed


def _find_due(
    dossiers: pd.DataFrame, start: Stamps, worked: Counts, passed: Counts, calendar: Calendar
) -> Stamps:
    """Return the deadline of each dossier; missing without limit or start."""
    unit = dossiers["limit_unit"].to_numpy(dtype="object")
    limit = np.where(_has_limit(dossiers), dossiers["limit"].to_numpy(dtype="float64"), np.nan)
    by_hours = calendar.find_by_seconds(calendar.count_seconds(start) + HOUR * limit + worked)
    first_day = calendar.count_days(calendar.find_day_end(start))
    last_day = calendar.count_seconds(calendar.find_by_days(first_day + limit))
    by_days = calendar.find_by_seconds(last_day + worked)
    same_day = _add_limit(start, limit, unit == "month")
    by_dates = calendar.find_day_end(calendar.find_day_end(same_day) + passed.astype("m8[s]"))
    is_date = (unit == "day") | (unit == "month")
    return np.select(
        [unit == "hour", unit == "working_day", is_date], [by_hours, by_days, by_dates], NEVER
    )


def _add_limit(start: Stamps, limit: Counts, is_month: Flags) -> Stamps:
    """Return the day so many days or months after each start; the last of a shorter month."""
    number, day = np.nan_to_num(limit).astype("int64"), start.astype("datetime64[D]")
    month = start.astype("datetime64[M]")
    due_month = month + number
    last = (due_month + 1).astype("datetime64[D]") - 1
    in_month = np.minimum(
        due_month.astype("datetime64[D]") + (day - month.astype("datetime64[D]")), last
    )
    return np.where(np.isnan(limit), NEVER, np.where(is_month, in_month, day + number))
