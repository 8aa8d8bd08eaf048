"""Days and hours: read where one reading fits, asked about where two do."""

from datetime import date

import pytest
from conftest import write_book

from sipas_analysis.collect.days import find_day_order, make_day_reader, make_time_reader
from sipas_analysis.errors import AnswerError

DATED = {"unit": "unit", "date": "d"}
FEBRUARY_TO_MAY = {"from": "2024-02-01", "to": "2024-05-31"}


def list_days(written):
    """Return answers with one form a day."""
    levels = "5142534412353155243213454" * len(written)  # no block of rows stands twice
    rows = "".join(f"so-a;{day};5;4;{level}\n" for day, level in zip(written, levels, strict=False))
    return f"unit;d;A1;A2;D1\n{rows}"


AMERICAN_MARCH = [f"3/{day}/2024 10:22:31" for day in range(1, 13)]


@pytest.mark.parametrize(
    ("written", "collected"),
    [
        (AMERICAN_MARCH, {}),  # files/08: as day first, the first day of each month of the year
        ([f"0{month}/{day:02d}/2024" for month in (3, 4) for day in range(1, 13)], {}),
        (["3/4/2024", "3/5/2024"], {"from": "2024-03-01", "to": "2024-03-31"}),
        (["10-1-2024", "10-2-2024", "10-3-2024"], {}),
        (["3/13/2024"], {}),
        (["3/1/2024", "3/2/2024", "3/28/2024"], {}),
        (["2/9/2024", "3/9/2024", "4/9/2024"], FEBRUARY_TO_MAY),
        (["5/3/2024", "5/3/2024"], {}),  # a single day: March or May
        (["5/3/2024", "5/3/2024"], FEBRUARY_TO_MAY),
        (["3/4/2024", "4/3/2024"], {}),
    ],
)
@pytest.mark.quick_cases(1)
def test_days_that_may_be_month_first_are_asked_about(refused, written, collected):
    """Nothing is read until the wave says `dates:`; the cells are named."""
    error = refused(list_days(written), AnswerError, columns=DATED, collected=collected)
    assert error.message_id == "day_order"
    assert [place.row for place in error.places] == [*range(2, len(written) + 2)]
    assert "`dates: d/m`" in str(error)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("written", "wrong_rows"),
    [
        (["13/3/2024", "3/14/2024", "5/3/2024"], [3]),
        (["2024-03-05", "3/14/2024"], [3]),
        (
            ["2024-03-02", "2024-04-02", "2024-05-02", "13/3/2024", "14/3/2024", "31/3/2024"],
            [5, 6, 7],
        ),
    ],
)
def test_days_of_two_kinds_in_one_column_are_refused(refused, written, wrong_rows):
    """Or a spreadsheet took the days up to 12 for dates and turned day and month."""
    error = refused(list_days(written), AnswerError, columns=DATED)
    assert error.message_id == "day_order_mixed"
    assert [place.row for place in error.places] == wrong_rows


@pytest.mark.parametrize(
    ("written", "days"),
    [
        (["05/10/2024", "31/10/2024", "1/11/2024"], ["2024-10-05", "2024-10-31", "2024-11-01"]),
        (["4/3/2024", "6/3/2024", "12/3/2024"], ["2024-03-04", "2024-03-06", "2024-03-12"]),
        (["3/3/2024", "3/3/2024"], ["2024-03-03"] * 2),
        (["2024-03-05", "2024-04-06"], ["2024-03-05", "2024-04-06"]),
        (["2024-03-05", "5/3/2024"], ["2024-03-05"] * 2),
        (["2024-03-02", "2024-03-14", "5/3/2024"], ["2024-03-02", "2024-03-14", "2024-03-05"]),
        (["5.3.2024", "6.9.2024"], ["2024-03-05", "2024-09-06"]),
        (["2024/03/05 9:10:11 CH GMT+7"], ["2024-03-05"]),
        (["15/3/2024 08:30", ""], ["2024-03-15", None]),
    ],
)
@pytest.mark.quick_cases(1)
def test_days_with_one_reading_are_read(read_answers, written, days):
    """Day first is the rule; a day of a spreadsheet and a day with points are never unclear."""
    frame = read_answers(list_days(written), columns=DATED).frame
    assert [day if isinstance(day, str) else None for day in frame["date"]] == days


@pytest.mark.parametrize("scope", ["wave", "entry"])
def test_the_wave_or_an_entry_says_which_comes_first(read_answers, scope):
    """March, as Google Forms in American English wrote it."""
    facts = {"dates": "m/d"}
    if scope == "entry":
        facts = {"responses": [{"file": "answers.csv", **facts}]}
    frame = read_answers(list_days(AMERICAN_MARCH), columns=DATED, **facts).frame
    assert frame["date"].tolist() == [f"2024-03-{day:02d}" for day in range(1, 13)]


def test_a_declared_order_that_a_day_breaks_is_refused(refused):
    """There is no month 31."""
    error = refused(list_days(["3/4/2024", "31/4/2024"]), AnswerError, columns=DATED, dates="m/d")
    assert (error.message_id, [place.row for place in error.places]) == ("day", [3])


def test_the_fieldwork_decides_where_only_one_reading_lies_in_it():
    """Day first lies in it, month first does not: nothing to ask."""
    written, may = ["3/5/2024", "4/5/2024", "3/6/2024"], date(2024, 5, 1)
    assert find_day_order(written, may, date(2024, 6, 30)) == ("d/m", set())
    assert find_day_order(["5/3/2024"], None, date(2024, 3, 31)) == ("d/m", set())
    march = date(2024, 3, 1), date(2024, 3, 31)
    assert find_day_order(AMERICAN_MARCH, *march) == ("m/d", set())
    assert find_day_order(["3/13/2024", "3/28/2024", "3/5/2024"], *march) == ("m/d", set())
    few = ["3/4/2024 8:00", "3/5/2024 8:00", "3/5/2024 9:00"]  # two days
    assert find_day_order(few, *march)[0] == "day_order"
    assert find_day_order(["3/4/2024"] * 9, *march)[0] == "day_order"  # last year's, of April?
    assert find_day_order(AMERICAN_MARCH, date(2024, 4, 1), date(2024, 4, 30))[0] == "d/m"


def test_a_month_that_stands_first_by_the_fieldwork_is_in_the_ledger(read_answers):
    """The days are right, and the run says what it took them for."""
    march = {"from": "2024-03-01", "to": "2024-03-31"}
    survey = read_answers(list_days(AMERICAN_MARCH), columns=DATED, collected=march)
    assert survey.frame["date"].tolist() == [f"2024-03-{day:02d}" for day in range(1, 13)]
    entry = survey.ledger[survey.ledger["reason"] == "month_first"]
    assert entry[["column", "found"]].to_numpy().tolist() == [["d", "m/d"]]


def test_days_of_a_workbook_are_never_unclear(read_answers, make_wave):
    """They are dates, whatever they look like on the screen."""
    forms = [["so-a", date(2024, month, 3), 5, 4, month] for month in range(1, 6)]
    write_book(make_wave().with_name("b.xlsx"), Sheet=[["unit", "d", "A1", "A2", "D1"], *forms])
    frame = read_answers(columns=DATED, responses=[{"file": "b.xlsx"}]).frame
    assert frame["date"].tolist() == [f"2024-0{month}-03" for month in range(1, 6)]


@pytest.mark.parametrize(
    "text", ["15/3/2024 - 16/3/2024", "１5/3/2024", "15/3/24", "15/3-2024", "5"]
)
def test_what_is_no_single_day_is_refused(text):
    """A span of days, full-width digits, a year of two digits."""
    assert not make_day_reader("d/m")(text).ok


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("15/3/2024 8:05", "2024-03-15T08:05:00"),
        ("2024-03-15T23:22:31.000+07:00", "2024-03-15T23:22:31"),
        ("2024/03/15 10:22:31 CH GMT+7", "2024-03-15T22:22:31"),
        ("15/3/2024 12:10 SA", "2024-03-15T00:10:00"),
        ("15/3/2024 12:10 PM", "2024-03-15T12:10:00"),
        ("2024-03-15 00:00:00", "2024-03-15T00:00:00"),
    ],
)
def test_an_hour_is_kept_for_the_role_time(text, moment):
    """Morning and evening in Vietnamese and English, as form services write them."""
    assert make_time_reader("d/m")(text).value == moment


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("text", ["15/3/2024", "sáng", "15/3/2024 25:10", "8:30"])
def test_an_hour_that_cannot_be_read_is_blank_and_written_down(read_answers, text):
    """It is used for the quality of forms only."""
    columns = {"unit": "unit", "time": "t"}
    survey = read_answers(f"unit,t,A1,A2,D1\nso-a,{text},5,4,3\n", columns=columns)
    assert survey.frame["time"].isna().all()
    assert survey.ledger[["found", "reason"]].to_numpy().tolist() == [[text, "time_unread"]]


def test_one_column_is_day_and_hour(read_answers):
    """A time stamp plays both roles."""
    columns = {"unit": "unit", "date": "t", "time": "t"}
    survey = read_answers("unit,t,A1,A2,D1\nso-a,15/3/2024 22:10,5,4,3\n", columns=columns)
    assert survey.frame[["date", "time"]].to_numpy().tolist() == [
        ["2024-03-15", "2024-03-15T22:10:00"]
    ]
