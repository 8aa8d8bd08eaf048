"""The clock (T2, T3): a hand-worked set, laws that always hold, and pauses that count once."""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.clock import CLOCK_COLUMNS, STATUSES, find_pauses, run_clock

REFERENCE = Path(__file__).parents[2] / "reference" / "records"
CALENDAR = read_calendar(range(2020, 2025))
END = date(2021, 12, 31)
STAMPS = ("received", "finished", "start", "due")


def read_cases():
    """Return the hand-worked dossiers with their answers (clock.xlsx), and their stays."""
    cases = pd.read_csv(
        REFERENCE / "clock.csv",
        parse_dates=["through", *STAMPS],
        keep_default_na=False,
        na_values=dict.fromkeys(("limit", "days_late", "limit_used", *STAMPS), ""),
    )
    cases = cases.rename(columns={"case": "dossier", "unit": "limit_unit"})
    stays = duckdb.read_csv(str(REFERENCE / "stays.csv"))
    return cases, stays


def test_sixty_and_more_dossiers_worked_by_hand():
    """State, pause, Tết, cut-off, hours, days, working days and months as in the spreadsheet."""
    cases, stays = read_cases()
    assert len(cases) >= 60
    assert set(cases["status"]) == set(STATUSES)
    assert set(range(1, 11)) <= set(cases["state"])
    pauses = find_pauses(stays)
    for through, right in cases.groupby("through"):
        given_only = right.drop(columns=[*CLOCK_COLUMNS])
        clock = run_clock(given_only, pauses, CALENDAR, through.date())
        wrong = clock[clock["status"] != right["status"]]
        assert wrong["shows"].tolist() == []
        for name in ("start", "due"):
            got, wanted = clock[name], right[name].astype("datetime64[s]")
            assert right["shows"][(got != wanted) & ~(got.isna() & wanted.isna())].tolist() == []
        for name in ("paused_seconds", "days_late", "limit_used"):
            np.testing.assert_allclose(clock[name], right[name], atol=1e-12, err_msg=name)


def test_the_order_of_rows_changes_nothing():
    """Dossiers and pauses are told by their names, not by their rows."""
    cases, stays = read_cases()
    cases, pauses = cases.drop(columns=[*CLOCK_COLUMNS]), find_pauses(stays)
    clock = run_clock(cases, pauses, CALENDAR, END)
    mixed = run_clock(
        cases.sample(frac=1, random_state=1),
        pauses.sample(frac=1, random_state=2),
        CALENDAR,
        END,
    )
    pd.testing.assert_frame_equal(mixed.sort_index(), clock)


def make_dossier(received, finished, limit, unit, state=9):
    """Return one dossier."""
    return pd.DataFrame(
        {
            "dossier": ["a"],
            "state": [state],
            "received": pd.to_datetime([received]),
            "finished": pd.to_datetime([finished]),
            "limit": [float(limit)],
            "limit_unit": [unit],
            "contradiction": [""],
        }
    )


def make_pauses(*pairs):
    """Return pauses of dossier ``a``."""
    frame = pd.DataFrame(pairs, columns=["start", "end"]).astype("datetime64[s]")
    return frame.assign(dossier="a")[["dossier", "start", "end"]]


# Monday 31 May 2021, then three months without a public holiday.
MONDAY = np.datetime64("2021-05-31", "s")
N = 4_000


def draw_courses(seed):
    """Draw dossiers of June 2021 with two pauses each; many stamps are round, so that they tie."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.integers(0, 28 * 86_400, (6, N)), axis=0)
    is_round = rng.random((1, N)) < 0.5
    stamps = MONDAY + np.where(is_round, seconds // 3600 * 3600, seconds).astype("m8[s]")
    names = [f"d{number}" for number in range(N)]
    dossiers = pd.DataFrame(
        {
            "dossier": names,
            "state": rng.choice([4, 9, 10], N),
            "received": stamps[0],
            "finished": stamps[5],
            "limit": rng.integers(1, 16, N).astype(float),
            "limit_unit": rng.choice(["hour", "working_day", "day"], N),
            "contradiction": "",
        }
    )
    pauses = [
        pd.DataFrame({"dossier": names, "start": stamps[k], "end": stamps[k + 1]}) for k in (1, 3)
    ]
    return dossiers, pd.concat(pauses)


SAME = ["paused_seconds", "status", "days_late", "limit_used"]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("weeks", [1, 5])
def test_a_whole_week_later_all_is_the_same(weeks):
    """Without holidays one week is as good as another."""
    dossiers, pauses = draw_courses(weeks)
    shift = pd.Timedelta(weeks=weeks)
    later, later_pauses = dossiers.copy(), pauses.copy()
    later[["received", "finished"]] += shift
    later_pauses[["start", "end"]] += shift
    now = run_clock(dossiers, pauses, CALENDAR, date(2021, 7, 4))
    then = run_clock(later, later_pauses, CALENDAR, date(2021, 7, 4) + shift.to_pytimedelta())
    assert ((then["start"] - now["start"]) == shift).all()
    assert ((then["due"] - now["due"]) == shift).all()
    pd.testing.assert_frame_equal(then[SAME], now[SAME])
    assert set(now["status"]) == {"early", "on_time", "late", "in_time", "overdue"}


@pytest.mark.slow
def test_a_pause_split_or_told_twice_is_the_same_pause():
    """Touching and overlapping pauses count once."""
    dossiers, pauses = draw_courses(3)
    share = np.random.default_rng(4).random(len(pauses))
    middle = pauses["start"] + (share * (pauses["end"] - pauses["start"])).dt.floor("s")
    whole = run_clock(dossiers, pauses, CALENDAR, END)
    parts = [pauses.assign(start=middle), pauses.assign(end=middle)]
    for others in (parts, [*parts, pauses], [pauses, pauses, parts[0]]):
        pd.testing.assert_frame_equal(run_clock(dossiers, pd.concat(others), CALENDAR, END), whole)
    assert (whole["paused_seconds"] > 0).mean() > 0.9


def test_late_means_unpaused_working_time_beyond_the_limit():
    """Of a limit in hours: on the last day by the second, else by the day."""
    dossiers, pauses = draw_courses(5)
    dossiers = dossiers.assign(limit_unit="hour", limit=dossiers["limit"] * 5, state=9)
    clock = run_clock(dossiers, pauses, CALENDAR, END)
    start, end = (CALENDAR.count_seconds(clock[name]) for name in ("start", "finished"))
    used = np.maximum(end - start - clock["paused_seconds"], 0)
    is_late, is_beyond = clock["status"] == "late", used > 3600 * clock["limit"]
    is_last_day = clock["finished"].dt.date == clock["due"].dt.date
    assert is_late[is_beyond].all()
    assert is_beyond[is_late & is_last_day].all()
    assert is_last_day.sum() > 100
    np.testing.assert_allclose(clock["limit_used"], used / (3600 * clock["limit"]))
    np.testing.assert_allclose(
        clock["days_late"], np.maximum(used / 28_800 - clock["limit"] / 8, 0), atol=1e-9
    )


def test_pauses_come_from_the_stays_of_a_dossier():
    """A stay without end lasts to the next one; the last one still lasts; others do not pause."""
    stays = pd.DataFrame(
        [
            ("b", 5, "2021-03-01 08:00", None),
            ("b", 4, "2021-03-02 08:00", "2021-03-03 08:00"),
            ("b", 8, "2021-03-03 08:00", None),
            ("a", 4, "2021-03-01 08:00", None),
            ("a", 9, "2021-03-05 08:00", None),
            ("c", 6, "2021-03-05 08:00", "2021-03-04 08:00"),
        ],
        columns=["dossier", "state", "start", "end"],
    ).astype({"start": "datetime64[s]", "end": "datetime64[s]"})
    pauses = find_pauses(duckdb.from_df(stays))
    assert pauses["dossier"].tolist() == ["b", "b"]
    assert pauses["start"].dt.day.tolist() == [1, 3]
    assert pauses["end"].isna().tolist() == [False, True]


def test_a_deadline_beyond_the_calendar_is_not_made_up():
    """Nobody knows next year's Tết: still in time, finished before it early, the day missing."""
    this_year = read_calendar([2021])
    dossier = make_dossier("2021-12-27 09:00", "2021-12-30 09:00", 10, "working_day")
    done = run_clock(dossier, make_pauses(), this_year, END)
    running = run_clock(dossier.assign(state=4), make_pauses(), this_year, END)
    assert done[["due", "limit_used"]].isna().all(axis=None)
    assert [*done["status"], *running["status"]] == ["early", "in_time"]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("unit", ["hour", "working_day", "day", "month"])
def test_a_deadline_that_no_calendar_reaches_leaves_the_status_right(unit):
    """It lies after all that was done and after the last day: early or in time, as with a calendar.

    So that a year of which the holidays are not known yet needs no status of its own.
    """
    limits = {"hour": 800, "working_day": 100, "day": 200, "month": 6}
    for state, finished in ((9, "2021-12-31 16:00"), (4, None)):
        dossier = make_dossier("2021-11-01 08:00", finished, limits[unit], unit, state)
        pauses = pd.DataFrame(columns=["dossier", "start", "end"], dtype="datetime64[s]")
        short, long = (
            run_clock(dossier, pauses, read_calendar(years), END).iloc[0]
            for years in ([2021], [2021, 2022])
        )
        assert pd.isna(short["due"])
        assert long["due"] > pd.Timestamp("2022-01-01")
        assert short["status"] == long["status"] == ("early" if finished else "in_time")
        assert short["days_late"] == long["days_late"] == 0
