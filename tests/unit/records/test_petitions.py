"""Petitions: states, cases sent to several units, age of the backlog, small rows (rule T7)."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import RecordsError
from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.petitions import count_petitions, list_shared_cases

YEAR = date(2021, 1, 1), date(2021, 12, 31)
CALENDAR = read_calendar([2020, 2021])
# case, unit, received, due, answered, reopened
ROWS = [
    ("a", "so-yt", "2021-03-01", "2021-03-15", "2021-03-15 16:59", 0),  # on the due day: on time
    ("b", "so-yt", "2021-03-01", "2021-03-15", "2021-03-16 00:00", 0),  # the day after: late
    ("c", "so-yt", "2021-03-01", "2021-03-15 10:00", "2021-03-15 10:01", 2),  # a due hour; late
    ("d", "so-yt", "2021-12-20", "2022-01-10", "2022-01-05", 0),  # not answered by then: in time
    ("e", "so-nv", "2021-11-01", "2021-12-31", "", 1),  # its due day lasts until midnight: in time
    ("f", "so-nv", "2021-11-01", "2021-12-30", "", 0),  # overdue
    ("g", "so-nv", "2020-12-01", "2020-12-20", "2021-01-04", 0),  # carried over, late
    ("h", "so-nv", "2020-12-01", "2020-12-20", "2020-12-31", 0),  # answered before the period
    ("i", "so-nv", "2022-01-03", "2022-01-20", "", 0),  # received after it
    ("j", "so-nv", "2021-05-04", "", "2021-05-05", 0),  # without a due day
    ("k", "so-nv", "2021-05-04", "", "", 0),
]


def make_petitions(rows=ROWS, **columns):
    """Return petitions in the form of ``read_petitions``."""
    names = ["case", "unit", "received", "due", "answered", "reopened"]
    frame = pd.DataFrame(rows, columns=names)
    for name in names[2:5]:
        frame[name] = pd.to_datetime(frame[name], format="mixed")
    numbers = [f"p{number:02}" for number in range(len(frame))]
    facts = {"about_official": False, "contradiction": "", "channel": "web", "field": ""}
    return frame.assign(petition=numbers, **facts).assign(**columns)


def count(petitions, by=(), **options):
    """Count in the year with the usual calendar."""
    return count_petitions(petitions, by, calendar=CALENDAR, period=YEAR, **options)


def test_every_case_has_one_state_at_the_end_of_the_period():
    """By hand; n = received + carried over = answered + open, and the states add up."""
    row = count(make_petitions()).iloc[0]
    assert row[["n", "received", "carried_over"]].tolist() == [9, 8, 1]
    assert row[["answered", "on_time", "late"]].tolist() == [5, 1, 3]
    assert row[["open", "in_time", "overdue"]].tolist() == [4, 2, 1]
    assert row[["without_due", "reopened", "sent_to_several", "contradictory"]].tolist() == [
        2,
        2,
        0,
        0,
    ]
    assert row["on_time_percent"] == 100 * 1 / (1 + 3 + 1)
    assert row["reopened_percent"] == 100 * 2 / 6  # e was answered once, and is open again
    assert count(make_petitions(ROWS[:0])).empty


def test_the_backlog_ages_by_working_days():
    """After the day of receipt to the end of the period; against NumPy's business days."""
    days_off = ["2021-01-01", "2021-02-10", "2021-02-11", "2021-02-12", "2021-02-15", "2021-02-16"]
    days_off += ["2021-04-21", "2021-04-30", "2021-05-03", "2021-09-02", "2021-09-03"]
    days = pd.date_range("2021-01-04", "2021-12-30", freq="11D")
    stamps = days + pd.Timedelta(hours=9)
    ages = np.busday_count(
        days.to_numpy().astype("datetime64[D]") + 1, np.datetime64("2022-01-01"), holidays=days_off
    )
    rows = [(str(k), "so-nv", stamp, "", "", 0) for k, stamp in enumerate(stamps)]
    row = count(make_petitions(rows)).iloc[0]
    assert row["backlog_oldest_days"] == ages.max()
    assert row["backlog_median_days"] == np.median(ages)
    for k in range(0, len(days), 7):
        single = count(make_petitions(rows[k : k + 1]), min_cell=1)
        assert single["backlog_oldest_days"].item() == ages[k]
    with pytest.raises(RecordsError):
        count(make_petitions([("a", "so-nv", "2018-05-02", "", "", 0)]))


SHARED = [
    *((f"on-{k}", "so-yt", "2021-03-01", "2021-03-15", "2021-03-10", 0) for k in range(6)),
    *((f"on-{k}", "so-nv", "2021-03-01", "2021-03-15", "2021-03-12", 0) for k in range(6)),
    ("late", "so-yt", "2021-03-01", "2021-03-15", "2021-03-10", 0),
    ("late", "so-nv", "2021-03-01", "2021-03-15", "2021-03-20", 0),
    ("late", "so-tc", "2021-03-02", "2021-03-16", "2021-03-10", 1),
    ("open", "so-yt", "2021-03-01", "2021-03-15", "2021-03-20", 0),
    ("open", "so-nv", "2021-03-01", "2022-03-15", "", 0),
]


def test_a_case_sent_to_three_units_is_one_with_the_worst_state_of_its_parts():
    """Counted once in the whole, once in each unit; a unit answers for its part only."""
    petitions = make_petitions(SHARED)
    row = count(petitions).iloc[0]
    assert row[["n", "on_time", "late", "overdue", "reopened"]].tolist() == [8, 6, 1, 1, 1]
    assert row["sent_to_several"] == 8
    units = count(petitions, ["unit"], min_cell=1).set_index("unit")
    assert units["n"].to_dict() == {"so-nv": 8, "so-tc": 1, "so-yt": 8}
    assert units["late"].to_dict() == {"so-nv": 1, "so-tc": 0, "so-yt": 1}
    assert units["in_time"].to_dict() == {"so-nv": 1, "so-tc": 0, "so-yt": 0}
    shared = list_shared_cases(petitions)
    assert shared.iloc[0].tolist() == ["late", 3, "so-nv;so-tc;so-yt"]
    assert len(shared) == 8
    assert list_shared_cases(make_petitions()).empty
    # by channel: the way in which the case came first
    petitions["channel"] = ["web"] * 6 + ["phone"] * 6 + ["web", "web", "phone", "web", "web"]
    assert count(petitions, ["channel"], min_cell=1)["n"].tolist() == [8]


def test_the_order_of_rows_changes_nothing():
    """The same numbers from the same petitions in any order."""
    petitions = make_petitions(SHARED + ROWS)
    shuffled = petitions.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(count(petitions, ["unit"]), count(shuffled, ["unit"]))


def test_contradictory_petitions_and_those_about_officials_stand_apart():
    """Neither is in any other number."""
    petitions = make_petitions(SHARED + ROWS)
    wrong = petitions["case"].isin(["on-0", "on-1"]) & (petitions["unit"] == "so-yt")
    petitions.loc[wrong, "contradiction"] = "answered_before_received"
    petitions.loc[petitions["case"].isin(["on-2", "a", "b", "c", "f"]), "about_official"] = True
    row, about = count(petitions).iloc[0], count(petitions, officials=True).iloc[0]
    assert row[["n", "on_time", "contradictory"]].tolist() == [10, 3, 2]
    assert about[["n", "on_time", "late", "overdue"]].tolist() == [5, 2, 2, 1]
    assert count(petitions, ["unit"], officials=True)["unit"].tolist() == ["other"]


def test_rows_of_few_cases_have_no_numbers():
    """Four cases about officials: nothing is shown; ages only where five are open."""
    few = make_petitions(ROWS[:4])
    assert count(few).iloc[0].isna().all()
    assert np.isnan(count(make_petitions())["backlog_oldest_days"].item())
    assert count(make_petitions(), min_cell=4)["backlog_oldest_days"].item() == 171


def judge_by_hand(parts):
    """Return the state of a case from its parts, one after another."""
    end = pd.Timestamp("2022-01-01")
    is_open = any(pd.isna(part.answered) or part.answered >= end for part in parts)
    is_past = False
    for part in parts:
        moment = part.answered if part.answered < end else end - pd.Timedelta(seconds=1)
        last = part.due + pd.Timedelta(days=1) if part.due == part.due.normalize() else None
        is_past |= moment >= last if last is not None else moment > part.due
    return ("overdue" if is_past else "in_time") if is_open else ("late" if is_past else "on_time")


@pytest.mark.slow
def test_random_cases_are_judged_as_in_a_plain_loop():
    """Four hundred petitions of 250 cases, units and days at random."""
    rng = np.random.default_rng(3)
    n = 400
    received = pd.Timestamp("2021-01-04") + pd.to_timedelta(rng.integers(0, 360 * 24, n), unit="h")
    due = (received + pd.to_timedelta(rng.integers(5, 40, n), unit="D")).normalize()
    due += pd.to_timedelta(np.where(rng.random(n) < 0.3, 10, 0), unit="h")
    answered = received + pd.to_timedelta(rng.integers(1, 50 * 24, n), unit="h")
    rows = pd.DataFrame({"case": rng.integers(0, 250, n), "received": received, "due": due})
    rows["answered"] = answered.where(rng.random(n) < 0.9)
    rows["unit"] = rng.choice(["so-nv", "so-yt", "so-tc"], n)
    rows = rows.drop_duplicates(["case", "unit"])
    numbers = [f"p{number:03}" for number in range(len(rows))]
    facts = {"about_official": False, "contradiction": "", "reopened": 0}
    petitions = rows.assign(case=rows["case"].astype(str), petition=numbers, **facts)
    for by in ([], ["unit"]):
        table = count(petitions, by, min_cell=1)
        groups = petitions.groupby(["unit"]) if by else [((), petitions)]
        for at, (_, some) in enumerate(groups):
            cases = [[*parts.itertuples()] for _, parts in some.groupby("case")]
            states = pd.Series([judge_by_hand(parts) for parts in cases]).value_counts()
            row = table.iloc[at]
            assert row["n"] == len(cases)
            for state in ("on_time", "late", "in_time", "overdue"):
                assert row[state] == states.get(state, 0), (by, at, state)


def test_a_share_of_few_cases_is_no_number():
    """Of six cases two have a due day: both are on time, which is no share of six."""
    judged = ("2021-03-01", "2021-03-15", "2021-03-12", 0)
    rows = [(name, "so-yt", *judged) for name in "ab"]
    rows += [(name, "so-yt", "2021-03-01", "", "2021-03-12", 0) for name in "cdef"]
    few, enough = (count(make_petitions(rows), min_cell=least).iloc[0] for least in (5, 2))
    assert few[["n", "on_time", "without_due", "reopened_percent"]].tolist() == [6, 2, 4, 0]
    assert np.isnan(few["on_time_percent"])
    assert enough["on_time_percent"] == 100
