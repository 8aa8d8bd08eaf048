"""Count working time: which days an office works, from which hour to which hour (rule T1).

Of the calendars of some years (``records.calendar_years``) breakpoints are made: working time
passes evenly within a session and stands still elsewhere, so that each question is one look-up in
a sorted list. Seconds are whole numbers; sums are exact. The same in SQL: ``make_macros``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sipas_analysis.errors import RecordsError
from sipas_analysis.records.calendar_years import CalendarYear, read_years

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY = 86_400
NEVER = np.datetime64("NaT", "s")
Stamps = NDArray[np.datetime64]
Counts = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Calendar:
    """Working time of some years in a row.

    Attributes:
        years: The file of each year, complete.
        first: Number of the first day since 1970.
        opens: Second of each day at which its hours start; shape (days,).
        closes: Second of each day at which its hours end; shape (days,).
        cutoffs: Second of each day after which the next working day counts; shape (days,).
        work_days: Positions of the working days; shape (working days,).
        worked_days: Working days before each day; shape (days + 1,).
        worked_seconds: Working seconds before each day; shape (days + 1,).
        breaks: Seconds since 1970 at which working time starts or stops, in order; the first and
            the last are the ends of the calendar.
        worked: Working seconds from the start of the calendar to each break.
    """

    years: tuple[CalendarYear, ...] = field(repr=False)
    first: int
    opens: Whole = field(repr=False)
    closes: Whole = field(repr=False)
    cutoffs: Whole = field(repr=False)
    work_days: Whole = field(repr=False)
    worked_days: Whole = field(repr=False)
    worked_seconds: Whole = field(repr=False)
    breaks: Whole = field(repr=False)
    worked: Whole = field(repr=False)

    def count_seconds(self, stamps: ArrayLike) -> Counts:
        """Count the working seconds from the start of the calendar to each stamp.

        The working time between two stamps is the difference of their counts.

        Args:
            stamps: Points in time, any shape.

        Returns:
            Whole numbers; NaN where a stamp is missing.

        Raises:
            RecordsError: A stamp lies in a year without calendar.

        Source: rule T1 in docs/method.md.

        Example:
            >>> calendar = read_calendar([2021])
            >>> start, end = calendar.count_seconds(["2021-02-09T16:00", "2021-02-17T08:00"])
            >>> print((end - start) / 3600)  # Tết lies between: one hour before, one after
            2.0
        """
        seconds, is_known = self._read_seconds(stamps)
        counts = np.interp(seconds, self.breaks, self.worked)
        return np.where(is_known, counts, np.nan)

    def count_days(self, stamps: ArrayLike) -> Counts:
        """Count the working days from the start of the calendar to each stamp.

        A stamp within the working hours of a day adds the part of its hours that has passed.

        Args:
            stamps: Points in time, any shape.

        Returns:
            Working days; NaN where a stamp is missing.

        Raises:
            RecordsError: A stamp lies in a year without calendar.

        Source: rule T1 in docs/method.md.

        Example:
            >>> calendar = read_calendar([2021])
            >>> start, end = calendar.count_days(["2021-02-09", "2021-02-17T09:00"])
            >>> print(end - start)  # Tuesday 9 February, then the first quarter of the 17th
            1.25
        """
        seconds, is_known = self._read_seconds(stamps)
        day = self._find_day(seconds)
        passed = np.interp(seconds, self.breaks, self.worked) - self.worked_seconds[day]
        length = np.maximum(self.worked_seconds[day + 1] - self.worked_seconds[day], 1)
        return np.where(is_known, self.worked_days[day] + passed / length, np.nan)

    def find_by_seconds(self, counts: ArrayLike) -> Stamps:
        """Find the first stamp at which so many working seconds have passed.

        The inverse of ``count_seconds``: a count that is full at the end of a session gives that
        end, not the start of the next session.

        Args:
            counts: Working seconds from the start of the calendar, any shape.

        Returns:
            Stamps; missing where a count is missing or reaches beyond the calendar.

        Source: rule T1 in docs/method.md.

        Example:
            >>> calendar = read_calendar([2021])
            >>> due = calendar.find_by_seconds(calendar.count_seconds("2021-02-09T16:00") + 7200)
            >>> print(due)
            2021-02-17T08:00:00
        """
        wanted = np.asarray(counts, dtype="float64")
        is_known = (wanted >= 0) & (wanted <= self.worked[-1])
        whole = np.where(is_known, np.rint(wanted), 0).astype("int64")
        after = np.searchsorted(self.worked, whole, side="left")
        return _make_stamps(self.breaks[after] - (self.worked[after] - whole), is_known)

    def find_by_days(self, counts: ArrayLike) -> Stamps:
        """Find the first stamp at which so many working days have passed.

        The inverse of ``count_days``: a whole number gives the end of the hours of a working day.

        Args:
            counts: Working days from the start of the calendar, any shape.

        Returns:
            Stamps; missing where a count is missing or reaches beyond the calendar.

        Source: rule T1 in docs/method.md.

        Example:
            >>> calendar = read_calendar([2021])
            >>> print(calendar.find_by_days(calendar.count_days("2021-02-10") + 1))
            2021-02-17T17:00:00
        """
        wanted = np.asarray(counts, dtype="float64")
        is_known = (wanted >= 0) & (wanted <= self.worked_days[-1])
        known = np.where(is_known, wanted, 1.0)
        rank = np.maximum(np.ceil(known), 1).astype("int64")
        day = self.work_days[rank - 1]
        length = self.worked_seconds[day + 1] - self.worked_seconds[day]
        seconds = self.worked_seconds[day] + (known - (rank - 1)) * length
        return np.where(is_known, self.find_by_seconds(seconds), NEVER)

    def find_day_end(self, days: ArrayLike) -> Stamps:
        """Find the end of the hours of each day, or of the next working day where it is none.

        Args:
            days: Days or stamps, any shape.

        Returns:
            Stamps; missing where a day is missing or no working day of the calendar follows.

        Source: rule T2 in docs/method.md (a last day that is no working day moves on).

        Example:
            >>> print(read_calendar([2021]).find_day_end("2021-05-01"))
            2021-05-04T17:00:00
        """
        day, is_known = self._find_work_days(np.asarray(days, dtype="datetime64[s]"))
        return _make_stamps((self.first + day) * DAY + self.closes[day], is_known)

    def start_after_cutoff(self, stamps: ArrayLike) -> Stamps:
        """Find when the clock of a dossier received at each stamp starts.

        On a working day up to the cut-off hour that is the stamp, or the start of the hours where
        the stamp is earlier; else the start of the hours of the next working day.

        Args:
            stamps: Points in time, any shape.

        Returns:
            Stamps; missing where a stamp is missing or no working day of the calendar follows.

        Raises:
            RecordsError: A stamp lies in a year without calendar.

        Source: rule T2 in docs/method.md.

        Example:
            >>> print(read_calendar([2021]).start_after_cutoff("2021-02-09T15:01"))
            2021-02-17T07:00:00
        """
        times = np.asarray(stamps, dtype="datetime64[s]")
        seconds, is_known = self._read_seconds(times)
        is_late = seconds % DAY > self.cutoffs[self._find_day(seconds)]
        day, has_work_day = self._find_work_days(times + is_late.astype("timedelta64[D]"))
        opening = (self.first + day) * DAY + self.opens[day]
        return _make_stamps(np.maximum(opening, seconds), is_known & has_work_day)

    def make_macros(self, connection: "DuckDBPyConnection") -> None:
        """Define ``working_seconds(stamp)`` in DuckDB, which is ``count_seconds``.

        A whole number; NULL where the stamp is NULL. A stamp in a year without calendar is an
        error of the query.

        Args:
            connection: Connection that runs the queries; macros of the same name are replaced.

        Source: rule T1 in docs/method.md.

        Example:
            >>> import duckdb
            >>> connection = duckdb.connect()
            >>> read_calendar([2021]).make_macros(connection)
            >>> query = "SELECT working_seconds(TIMESTAMP '2021-01-04 08:00:00')"
            >>> print(connection.execute(query).fetchall())
            [(3600,)]
        """
        for macro in _write_macros(self):
            connection.execute(f"CREATE OR REPLACE MACRO {macro}").fetchall()

    def _read_seconds(self, stamps: ArrayLike) -> tuple[Whole, NDArray[np.bool_]]:
        """Return stamps as seconds since 1970 and which are not missing; check their years."""
        times = np.asarray(stamps, dtype="datetime64[s]")
        is_known = ~np.isnat(times)
        seconds = np.where(is_known, times.astype("int64"), self.breaks[0])
        is_outside = (seconds < self.breaks[0]) | (seconds > self.breaks[-1])
        if is_outside.any():
            years = sorted(
                {int(year) + 1970 for year in times[is_outside].astype("datetime64[Y]").astype(int)}
            )
            raise RecordsError("calendar_missing", years=", ".join(map(str, years)))
        return seconds, is_known

    def _find_day(self, seconds: Whole) -> Whole:
        """Return the position of the day of each stamp; the end belongs to the last day."""
        return np.minimum(seconds // DAY - self.first, len(self.opens) - 1)

    def _find_work_days(self, times: Stamps) -> tuple[Whole, NDArray[np.bool_]]:
        """Return the position of the first working day not before each day, and if there is one."""
        is_known = ~np.isnat(times)
        day = np.where(is_known, times.astype("int64") // DAY - self.first, -1)
        is_known &= (day >= 0) & (day < len(self.opens))
        rank = self.worked_days[np.where(is_known, day, 0)]
        is_known &= rank < len(self.work_days)
        return self.work_days[np.where(is_known, rank, 0)], is_known


def _make_stamps(seconds: Whole, is_known: NDArray[np.bool_]) -> Stamps:
    """Return seconds since 1970 as stamps; missing where they are not known."""
    return np.where(is_known, seconds.astype("datetime64[s]"), NEVER)


def read_calendar(years: Iterable[int], own_paths: Sequence[Path] = ()) -> Calendar:
    """Read the working calendar of some years.

    Args:
        years: Years that are needed; the years between them are read, too. Deadlines reach beyond
            the last day of a period: ask for the year after it where there is one
            (``list_program_years``).
        own_paths: Files of the office, one a year; each replaces the parts it states.

    Raises:
        RecordsError: A year has no calendar, or two files are of one year.
        FileError: A file is missing.
        ConfigError: A file cannot be read as a calendar; every mistake is listed.

    Source: rule T1 in docs/method.md.

    Example:
        >>> calendar = read_calendar([2021])
        >>> print(int(calendar.worked_days[-1]))  # working days of 2021
        250
    """
    return _make_calendar(read_years(years, own_paths))


def _make_calendar(years: Sequence[CalendarYear]) -> Calendar:
    """Make the breakpoints of complete years in a row."""
    first = int(np.datetime64(f"{years[0].year}-01-01", "D").astype("int64"))
    works = [np.array(year.list_work_days()) for year in years]
    n_days = [len(days) for days in works]
    start = first + np.cumsum([0, *n_days])
    sessions = [np.array(year.hours.sessions).ravel() for year in years]
    hours = zip(start[:-1], works, sessions, strict=True)
    turns = [np.add.outer((day + np.flatnonzero(work)) * DAY, ends) for day, work, ends in hours]
    breaks = np.concatenate([turn.ravel() for turn in turns])
    passes = np.diff(breaks, prepend=breaks[:1]) * (np.arange(len(breaks)) % 2)
    lengths = [(ends[1::2] - ends[::2]).sum() for ends in sessions]
    is_work_day = np.concatenate(works)
    worked = np.cumsum(passes)
    return Calendar(
        years=tuple(years),
        first=first,
        opens=np.repeat([ends[0] for ends in sessions], n_days),
        closes=np.repeat([ends[-1] for ends in sessions], n_days),
        cutoffs=np.repeat([year.cutoff.after for year in years], n_days),
        work_days=np.flatnonzero(is_work_day),
        worked_days=np.concatenate([[0], np.cumsum(is_work_day)]),
        worked_seconds=np.concatenate([[0], np.cumsum(is_work_day * np.repeat(lengths, n_days))]),
        breaks=np.concatenate([[start[0] * DAY], breaks, [start[-1] * DAY]]),
        worked=np.concatenate([[0], worked, worked[-1:]]),
    )


def _write_macros(calendar: Calendar) -> list[str]:
    """Return the macros of ``make_macros``, each after those that it calls.

    One whole number a day holds twice the working seconds before the day, plus 1 if the day is
    worked. Its look-up stands outside of CASE, so that DuckDB makes it once a stamp; the list is
    short, so that it is cheap. A stamp outside the list finds nothing and is refused.
    """
    works = np.diff(calendar.worked_days)
    packed = ", ".join(map(str, calendar.worked_seconds[:-1] * 2 + works))
    second = f"TRY_CAST(epoch_us(stamp::TIMESTAMP) // 1000000 - {calendar.breaks[0]} AS UINTEGER)"
    years = f"{calendar.years[0].year} – {calendar.years[-1].year}"
    error = f"error('There is no working calendar outside {years}.')"
    refusal = f"CASE WHEN stamp IS NOT NULL THEN {error} END"
    counted = f"(day >> 1) + (day & 1) * {_write_passed(calendar)}"
    day = f"([{packed}]::INTEGER[])[second // {DAY} + 1]"
    return [
        f"_counted(day, second, stamp) AS coalesce({counted}, {refusal})",
        f"_worked(second, stamp) AS _counted({day}, second, stamp)",
        f"working_seconds(stamp) AS _worked({second}, stamp)",
    ]


def _write_passed(calendar: Calendar) -> str:
    """Return in SQL the working seconds of a worked day that have passed at a ``second``."""
    start = date(calendar.years[0].year, 1, 1)
    cases = []
    for sessions, years in groupby(calendar.years, lambda year: year.hours.sessions):
        end = date(list(years)[-1].year + 1, 1, 1)
        cases += [((end - start).days * DAY, _write_sessions(sessions))]
    if len(cases) == 1:
        return cases[0][1]
    return "CASE " + " ".join(f"WHEN second < {end} THEN {case}" for end, case in cases) + " END"


def _write_sessions(sessions: Sequence[tuple[int, int]]) -> str:
    """Return in SQL the working seconds of some sessions that have passed at a ``second``."""
    pieces, passed = [], 0
    for start, end in sessions:
        pieces += [(start, f"{passed}"), (end, f"second % {DAY} - {start - passed}")]
        passed += end - start
    return _write_choice([*pieces, (DAY, f"{passed}")])


def _write_choice(pieces: Sequence[tuple[int, str]]) -> str:
    """Return in SQL the piece of the day that ends after a ``second``, found by halving."""
    if len(pieces) == 1:
        return pieces[0][1]
    middle = len(pieces) // 2
    before, after = _write_choice(pieces[:middle]), _write_choice(pieces[middle:])
    return f"CASE WHEN second % {DAY} < {pieces[middle - 1][0]} THEN {before} ELSE {after} END"
