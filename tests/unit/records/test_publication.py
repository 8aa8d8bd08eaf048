"""Publication of procedures: the checklist, what is not published, working days late (rule T8)."""

from datetime import date

import numpy as np
import pandas as pd

from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.publication import count_publication

CALENDAR = read_calendar([2021, 2022])
LAST = date(2021, 12, 31)
# unit, place, form, content, due, published
LINES = [
    ("so-yt", "yes", "yes", "no", "2021-02-09", "2021-02-09"),  # on the day
    ("so-yt", "yes", "no", "no", "2021-02-09", "2021-02-18"),  # Tết between: 17 and 18 February
    ("so-yt", "yes", "", "no", "2021-05-01", "2021-05-04"),  # due on a day off: Tuesday 4 May
    ("so-yt", "no", "no", "yes", "2021-05-07", "2021-05-08"),  # due on Friday, on a Saturday: late
    ("so-yt", "", "", "", "2021-12-29", ""),  # not published, two days late by then
    ("so-nv", "no", "no", "no", "", ""),  # not published, without a due day
    ("so-nv", "", "", "", "2022-01-14", ""),  # not due yet
    ("so-nv", "yes", "yes", "yes", "2021-12-01", "2022-01-05"),  # later than the period
    ("so-nv", "yes", "yes", "", "2021-03-01", ""),  # published, on a day that nobody wrote
]


def make_lines(lines=LINES):
    """Return lines in the form of ``read_publication``."""
    names = ["unit", "place", "form", "content", "due", "published"]
    frame = pd.DataFrame(lines, columns=names)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in names[4:]})


def test_the_checklist_by_hand():
    """What is not published has none of the three points; what nobody checked is not counted."""
    table = count_publication(make_lines(), ["unit"], calendar=CALENDAR, through=LAST)
    counts = table.set_index("unit").T
    first, second = counts["so-yt"], counts["so-nv"]
    names = ["procedures", "published", "not_published", "not_due", "undated", "on_time", "late"]
    assert first[names].tolist() == [5, 4, 1, 0, 0, 2, 3]
    assert second[names].tolist() == [4, 1, 2, 1, 1, 0, 1]
    assert (first["unchecked"], second["unchecked"]) == (1, 1)
    assert first["score"] == 100 * (2 + 1 + 1 + 1) / (3 + 3 + 2 + 3 + 3)
    assert second["score"] == 100 * 2 / (3 + 3 + 2)
    assert first[["place_percent", "form_percent", "content_percent"]].tolist() == [60, 25, 20]
    assert (first["median_days_late"], first["most_days_late"]) == (2, 2)
    assert second["most_days_late"] == 22  # 2 to 31 December: not published on the last day


def test_days_late_are_those_of_numpy():
    """Working days after the due day, whatever the days; never fewer than one."""
    days_off = ["2021-09-02", "2021-09-03"]
    due = pd.bdate_range("2021-08-02", "2021-08-31")
    published = due + pd.to_timedelta(np.arange(len(due)) % 11, unit="D")
    lines = make_lines(
        [("so-yt", "yes", "yes", "yes", d, p) for d, p in zip(due, published, strict=True)]
    )
    start, end = (days.to_numpy().astype("datetime64[D]") for days in (due, published))
    days = np.busday_count(start + 1, end + 1, holidays=days_off)
    days = np.maximum(days, 1)[end > start]
    row = count_publication(lines, calendar=CALENDAR, through=LAST).iloc[0]
    assert row[["late", "on_time"]].tolist() == [len(days), len(due) - len(days)]
    assert row[["median_days_late", "most_days_late"]].tolist() == [np.median(days), days.max()]


def test_without_lines_and_without_anything_checked():
    """No row; no share."""
    assert count_publication(make_lines([]), calendar=CALENDAR, through=LAST).empty
    assert count_publication(make_lines([]), ["unit"], calendar=CALENDAR, through=LAST).empty
    row = count_publication(make_lines(LINES[6:7]), calendar=CALENDAR, through=LAST).iloc[0]
    assert row[["procedures", "not_due", "unchecked"]].tolist() == [1, 1, 0]
    assert np.isnan(row["score"])
