"""Read working calendars: a YAML file a year, each part with its source (rule T1).

An office's own file replaces that of the program; what it leaves out is as in the program's file.
"""

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from sipas_analysis.errors import ConfigError, Place, RecordsError
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Statement, Strict, read_model

FOLDER = Path(__file__).parent / "calendars"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = 86_400


def _read_hour(value: object) -> int:
    """Return the seconds of the day of an hour written 07:30; 24:00 is the end of the day."""
    if isinstance(value, int):
        return value
    if str(value) == "24:00":
        return DAY
    try:
        hour = time.fromisoformat(str(value))
    except ValueError:
        raise ConfigError("calendar_hours") from None
    return hour.hour * 3600 + hour.minute * 60 + hour.second


Hour = Annotated[int, BeforeValidator(_read_hour)]


class Sourced(Strict):
    """A part of a calendar, how sure it is, and where it was read."""

    status: Status = "unverified"
    source: str = ""


class Hours(Sourced):
    """Working hours of a day: sessions from an hour to an hour."""

    sessions: tuple[tuple[Hour, Hour], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_order(self) -> "Hours":
        """Refuse sessions that overlap or end before they start."""
        hours = [hour for session in self.sessions for hour in session]
        if any(later <= earlier for earlier, later in pairwise(hours)):
            raise ConfigError("calendar_hours")
        return self


class Weekend(Sourced):
    """Weekly days off."""

    days: tuple[str, ...]

    @model_validator(mode="after")
    def _check_days(self) -> "Weekend":
        """Refuse a word that is no day of the week, and a week without a working day."""
        if not set(self.days) < set(WEEKDAYS):
            raise ConfigError("calendar_weekend", days=", ".join(WEEKDAYS))
        return self


class Cutoff(Sourced):
    """Received after this hour, a dossier counts from the next working day."""

    after: Hour


class Holiday(Sourced):
    """Working days that are lost: from a day to a day."""

    start: date = Field(alias="from")
    end: date | None = Field(default=None, alias="to")
    name: Statement = Bilingual()

    def list_ends(self) -> tuple[date, date]:
        """Return the first and the last day."""
        return self.start, self.end or self.start

    def list_days(self) -> list[date]:
        """Return the days, the last one included."""
        first, last = self.list_ends()
        return [first + timedelta(number) for number in range((last - first).days + 1)]


class MakeUpDay(Sourced):
    """A weekly day off on which the office works, in place of another day."""

    day: date = Field(alias="date")
    instead_of: date | None = None


class OfficeDefaults(Strict):
    """What holds in every year unless the calendar of the year says otherwise."""

    hours: Hours
    weekend: Weekend
    cutoff: Cutoff


class CalendarFile(Strict):
    """The file of a year, as it is written; parts may be left out."""

    year: int
    hours: Hours | None = None
    weekend: Weekend | None = None
    cutoff: Cutoff | None = None
    holidays: tuple[Holiday, ...] | None = None
    make_up_days: tuple[MakeUpDay, ...] | None = None

    @model_validator(mode="after")
    def _check_days(self) -> "CalendarFile":
        """Refuse days of another year, and holidays that end before they start."""
        first, last = date(self.year, 1, 1), date(self.year, 12, 31)
        spans = [("holidays", n, part.list_ends()) for n, part in enumerate(self.holidays or ())]
        make_up_days = enumerate(self.make_up_days or ())
        spans += [("make_up_days", n, (part.day, part.day)) for n, part in make_up_days]
        for key, number, (start, end) in spans:
            if not first <= start <= end <= last:
                at = (key, str(number))
                raise ConfigError("calendar_days", at=at, year=self.year, day=f"{start:%d/%m/%Y}")
        return self


class CalendarYear(OfficeDefaults):
    """A complete year: hours, weekly days off, cut-off hour, holidays, make-up days."""

    year: int
    holidays: tuple[Holiday, ...]
    make_up_days: tuple[MakeUpDay, ...] = ()

    def list_work_days(self) -> list[bool]:
        """Return for each day of the year whether the office works."""
        off = {WEEKDAYS.index(name) for name in self.weekend.days}
        lost = {day for part in self.holidays for day in part.list_days()}
        made_up = {part.day for part in self.make_up_days}
        first = date(self.year, 1, 1)
        days = [first + timedelta(n) for n in range((date(self.year + 1, 1, 1) - first).days)]
        return [day in made_up or (day.weekday() not in off and day not in lost) for day in days]


def list_program_years() -> list[int]:
    """Return the years of which the program has a calendar."""
    return sorted(int(path.stem) for path in FOLDER.glob("[0-9]*.yaml"))


def read_years(years: Iterable[int], own_paths: Sequence[Path] = ()) -> list[CalendarYear]:
    """Read the calendars of all years from the first to the last.

    Args:
        years: Years that are needed; the years between them are read, too.
        own_paths: Files of the office, one a year; each replaces the parts it states.

    Raises:
        RecordsError: A year has no calendar or no working day, or two files are of one year.
        FileError: A file is missing.
        ConfigError: A file cannot be read as a calendar; every mistake is listed.
    """
    own: dict[int, CalendarFile] = {}
    for path in own_paths:
        file = read_model(path, CalendarFile)
        if file.year in own:
            raise RecordsError("calendar_twice", [Place(path.name)], year=file.year)
        own[file.year] = file
    defaults, program_years = _read_defaults(), list_program_years()
    wanted = sorted({*years})
    wanted = list(range(wanted[0], wanted[-1] + 1)) if wanted else []
    missing = [
        year
        for year in wanted
        if year not in program_years and (year not in own or own[year].holidays is None)
    ]
    if missing:
        raise RecordsError("calendar_missing", years=", ".join(map(str, missing)))
    files = {year: [_read_program_year(year)] for year in wanted if year in program_years}
    complete = [
        CalendarYear.model_validate(
            {
                name: part
                for source in (
                    defaults,
                    *files.get(year, ()),
                    *([own[year]] if year in own else ()),
                )
                for name in type(source).model_fields
                if (part := getattr(source, name)) is not None
            }
        )
        for year in wanted
    ]
    if idle := [str(year.year) for year in complete if not any(year.list_work_days())]:
        raise RecordsError("calendar_missing", years=", ".join(idle))
    return complete


@cache
def _read_defaults() -> OfficeDefaults:
    return read_model(FOLDER / "office.yaml", OfficeDefaults)


@cache
def _read_program_year(year: int) -> CalendarFile:
    return read_model(FOLDER / f"{year}.yaml", CalendarFile)
