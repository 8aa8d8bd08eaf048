"""The working calendar (T1): days by hand and against NumPy, SQL against NumPy, own calendars."""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import ConfigError, RecordsError
from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.calendar_years import list_program_years

YEARS = range(2019, 2028)
CALENDAR = read_calendar(YEARS)


def draw_stamps(n, years=YEARS, seed=1):
    """Draw stamps of the years; a third on a full hour, where sessions start and end."""
    rng = np.random.default_rng(seed)
    first = np.datetime64(f"{years[0]}-01-01", "s")
    length = np.datetime64(f"{years[-1] + 1}-01-01", "s") - first
    seconds = rng.integers(0, int(length.astype(int)), n)
    seconds[: n // 3] = seconds[: n // 3] // 3600 * 3600
    return first + seconds.astype("m8[s]")


def test_tet_of_each_year_is_as_the_notices_say():
    """Working days around Tết, typed from the notices: the last one before, the first one after."""
    around = {
        2019: ("2019-02-01", "2019-02-11"),
        2020: ("2020-01-22", "2020-01-30"),
        2021: ("2021-02-09", "2021-02-17"),
        2022: ("2022-01-28", "2022-02-07"),
        2023: ("2023-01-19", "2023-01-27"),
        2024: ("2024-02-07", "2024-02-15"),
        2025: ("2025-01-24", "2025-02-03"),
        2026: ("2026-02-13", "2026-02-23"),
        2027: ("2027-02-04", "2027-02-12"),  # assumed, so that it is unverified
    }
    assert list_program_years() == [*around]
    for before, after in around.values():
        start, end = np.datetime64(f"{before}T17:00"), np.datetime64(f"{after}T07:00")
        assert np.diff(CALENDAR.count_seconds([start, end])) == 0
        worked = [start - np.timedelta64(1, "h"), end + np.timedelta64(1, "h")]
        assert np.diff(CALENDAR.count_seconds(worked)) == 7200


def test_moved_days_are_exchanged_one_for_one():
    """Where a working day is moved to a Saturday, the number of working days stays."""
    for year in CALENDAR.years:
        off = {day for holiday in year.holidays for day in holiday.list_days()}
        for part in year.make_up_days:
            assert part.day.weekday() == 5
            assert part.instead_of in off or part.instead_of.year == year.year - 1
    saturday = CALENDAR.count_days(["2024-05-04", "2024-05-05"])
    assert np.diff(saturday) == 1


def test_each_part_has_a_source_and_only_what_was_read_says_so():
    """A holiday not found in a notice or law is unverified, and the file says which."""
    parts = [
        part
        for year in CALENDAR.years
        for part in (year.hours, year.weekend, year.cutoff, *year.holidays, *year.make_up_days)
    ]
    assert all(part.source for part in parts)
    assert {part.status for part in parts} == {"sourced", "derived", "unverified"}
    holidays = {day.start: day.status for year in CALENDAR.years for day in year.holidays}
    assert holidays[date(2021, 2, 10)] == "sourced"
    assert holidays[date(2026, 11, 24)] == "unverified"
    swapped = [day for year in CALENDAR.years for day in year.make_up_days]
    private = [part for part in [*parts, *swapped] if "tet-amlich" in part.source]
    assert len(private) >= 5
    assert {part.status for part in private} == {"unverified"}
    assert holidays[date(2027, 2, 8)] == "unverified"


def test_days_are_those_of_numpy():
    """Against numpy.busday_count, a day at a time; moved Saturdays are added."""
    off = [day for year in CALENDAR.years for part in year.holidays for day in part.list_days()]
    made_up = np.array([part.day for year in CALENDAR.years for part in year.make_up_days], "M8[D]")
    days = np.arange(np.datetime64("2019-01-01"), np.datetime64("2028-01-01"))
    right = np.busday_count(days[0], days, holidays=off)
    right += np.searchsorted(np.sort(made_up), days)
    np.testing.assert_array_equal(CALENDAR.count_days(days), right)
    np.testing.assert_array_equal(CALENDAR.count_seconds(days), 28_800 * right)


def test_hours_of_a_day_by_hand():
    """07:00-11:00 and 13:00-17:00; nothing at night and at noon."""
    hours = ["00:00", "07:00", "08:30", "11:00", "12:59", "13:00", "16:00", "17:00", "23:59"]
    stamps = [f"2021-03-10T{hour}" for hour in hours]
    counts = CALENDAR.count_seconds(stamps)
    assert ((counts - counts[0]) / 3600).tolist() == [0, 0, 1.5, 4, 4, 4, 7, 8, 8]
    parts = CALENDAR.count_days(stamps) - CALENDAR.count_days(stamps[0])
    np.testing.assert_allclose(parts, (counts - counts[0]) / 28_800)


def test_inverses_find_the_first_stamp():
    """Counting to the stamp that was found gives the count again, and no stamp is earlier."""
    stamps = draw_stamps(20_000)
    seconds, days = CALENDAR.count_seconds(stamps), CALENDAR.count_days(stamps)
    back = CALENDAR.find_by_seconds(seconds)
    np.testing.assert_array_equal(CALENDAR.count_seconds(back), seconds)
    assert (back <= stamps).all()
    has_begun = seconds > 0
    before = CALENDAR.count_seconds(back[has_begun] - np.timedelta64(1, "s"))
    assert (before < seconds[has_begun]).all()
    np.testing.assert_array_equal(CALENDAR.find_by_days(days)[has_begun], back[has_begun])
    beyond = [-1, np.nan, CALENDAR.worked[-1] + 1]
    assert np.isnat(CALENDAR.find_by_seconds(beyond)).all()
    assert np.isnat(CALENDAR.find_by_days([-1, np.nan, 1e6])).all()


def test_the_clock_starts_within_working_hours():
    """Received at any time: never before the stamp, on a working day, at the latest the next."""
    stamps = draw_stamps(20_000, range(2019, 2026))
    start = CALENDAR.start_after_cutoff(stamps)
    assert (start >= stamps).all()
    opening = start.astype("M8[D]").astype("M8[s]") + np.timedelta64(7, "h")
    assert ((start == stamps) | (start == opening)).all()
    passed = CALENDAR.count_seconds(start) - CALENDAR.count_seconds(stamps)
    assert passed.max() < 7200
    np.testing.assert_array_equal(CALENDAR.start_after_cutoff(start), start)
    ends = CALENDAR.find_day_end(start)
    assert (ends.astype("M8[D]") == start.astype("M8[D]")).all()


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("years", [[2021], [2019, 2026]])
def test_sql_counts_as_numpy_does(years):
    """The macro on random stamps, both ends of the calendar, and a missing stamp."""
    calendar = read_calendar(years)
    every_year = range(years[0], years[-1] + 1)
    ends = np.array([f"{years[0]}-01-01", f"{years[-1]}-12-31T23:59:59", "NaT"], "M8[s]")
    stamps = np.append(draw_stamps(30_000, every_year), ends)
    connection = duckdb.connect()
    calendar.make_macros(connection)
    connection.register("stamps", pd.DataFrame({"stamp": stamps}))
    query = "SELECT working_seconds(stamp) AS n FROM stamps"
    counts = connection.execute(query).df()["n"].to_numpy(dtype=float, na_value=np.nan)
    np.testing.assert_array_equal(counts, calendar.count_seconds(stamps))


def test_an_office_may_have_its_own_hours(tmp_path):
    """What the file leaves out is as in the program's file; numpy and SQL follow each year."""
    path = tmp_path / "lich-2021.yaml"
    path.write_text(
        'year: 2021\nhours: {sessions: [["07:30", "11:30"], ["13:30", "17:00"]]}\n'
        'cutoff: {after: "24:00"}\nweekend: {days: [sunday]}\n',
        "utf-8",
    )
    calendar = read_calendar([2020, 2021, 2022], [path])
    spans = calendar.count_seconds(
        ["2020-03-10", "2020-03-11", "2021-03-10", "2021-03-11", "2021-03-13", "2021-03-14"]
    )
    assert np.diff(spans)[::2].tolist() == [28_800, 27_000, 27_000]
    starts = calendar.start_after_cutoff(
        ["2021-03-10T16:30", "2021-03-14T08:00", "2022-03-10T16:30"]
    )
    assert [str(start)[5:] for start in starts] == [
        "03-10T16:30:00",
        "03-15T07:30:00",
        "03-11T07:00:00",
    ]
    connection = duckdb.connect()
    calendar.make_macros(connection)
    stamps = draw_stamps(5_000, range(2020, 2023))
    connection.register("stamps", pd.DataFrame({"stamp": stamps}))
    counts = connection.execute("SELECT working_seconds(stamp) AS n FROM stamps").df()["n"]
    np.testing.assert_array_equal(counts, calendar.count_seconds(stamps))


def test_a_year_without_calendar_is_refused(tmp_path):
    """No year is made up: neither in NumPy, nor in SQL, nor from hours alone."""
    calendar = read_calendar([2021])
    with pytest.raises(RecordsError, match="no working calendar of 2022"):
        calendar.count_seconds(["2021-05-01", "2022-05-01"])
    connection = duckdb.connect()
    calendar.make_macros(connection)
    for stamp in ("2020-12-31 23:59:59", "1960-01-01 00:00:00", "2022-01-01 00:00:00"):
        with pytest.raises(duckdb.Error, match="no working calendar"):
            connection.execute(f"SELECT working_seconds(TIMESTAMP '{stamp}')").fetchall()
    path = tmp_path / "lich-2030.yaml"
    path.write_text('year: 2030\nhours: {sessions: [["07:00", "17:00"]]}\n', "utf-8")
    with pytest.raises(RecordsError, match="no working calendar of 2030"):
        read_calendar([2030], [path])
    with path.open("a", encoding="utf-8") as file:
        file.write("holidays: [{from: 2030-01-01}]\n")
    assert read_calendar([2030], [path]).worked_days[-1] == 260
    with pytest.raises(RecordsError, match="Two files"):
        read_calendar([2030], [path, path])
    path.write_text("year: 2021\nholidays: [{from: 2021-01-01, to: 2021-12-31}]\n", "utf-8")
    with pytest.raises(RecordsError, match="no working calendar of 2021"):
        read_calendar([2021], [path])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('hours: {sessions: [["07:00", "12:00"], ["11:00", "17:00"]]}', "must not overlap"),
        ('hours: {sessions: [["7h", "11:00"]]}', "Hours are written 07:30"),
        ('cutoff: {after: "25:00"}', "Hours are written 07:30"),
        ("weekend: {days: [sun]}", "monday, tuesday"),
        ("holidays: [{from: 2020-05-01}]", "01/05/2020 is not a day of that year"),
        ("holidays: [{from: 2021-05-03, to: 2021-05-01}]", "03/05/2021 is not a day"),
    ],
)
def test_a_wrong_calendar_names_its_mistake(tmp_path, text, sentence):
    """File and line, and what must hold."""
    path = tmp_path / "lich.yaml"
    path.write_text(f"year: 2021\n{text}\n", "utf-8")
    with pytest.raises(ConfigError, match=sentence) as caught:
        read_calendar([2021], [Path(path)])
    assert "lich.yaml has 1 mistake(s). Line 2" in str(caught.value)
