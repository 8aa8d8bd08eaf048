"""Working time of steps, the bottleneck, slow places, and the way from step to step (T5)."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import RecordsError
from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.flow import count_flow
from sipas_analysis.records.steps import (
    find_bottleneck,
    find_slow_places,
    measure_steps,
    time_stays,
)

COLUMNS = ["dossier", "step", "section", "state", "start", "end"]
CALENDAR = read_calendar([2021])


def _connect(stays, threads=1):
    """Return stays as a relation whose connection has the working calendar of 2021."""
    connection = duckdb.connect(config={"threads": threads})
    CALENDAR.make_macros(connection)
    connection.register("stays", stays)
    return connection.view("stays")


def _make_stays(*rows):
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601").astype("datetime64[s]")
    return frame


def _make_dossiers(*rows):
    frame = pd.DataFrame(rows, columns=["dossier", "procedure", "start", "due", "paused_seconds"])
    for name in ("start", "due"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601").astype("datetime64[s]")
    return frame


# A day works from 7:00 to 11:30 and from 13:30 to 17:00: eight hours. 4 January 2021 is a Monday.
STAYS = _make_stays(
    ("d1", "receive", "A", 2, "2021-01-04T07:00", "2021-01-04T08:00"),
    ("d1", "examine", "B", 4, "2021-01-04T10:00", "2021-01-05T10:00"),  # 8 h, after 2 h of waiting
    ("d1", "ask", "B", 5, "2021-01-05T10:00", "2021-01-07T10:00"),  # a pause of 16 h
    ("d1", "examine", "B", 0, "2021-01-07T10:00", None),  # to the next stay: 1.5 h + 0.5 h
    ("d1", "sign", "C", 4, "2021-01-07T14:00", "2021-01-08T14:00"),  # 8 h
    ("d1", "collect", "A", 9, "2021-01-08T14:00", "2021-01-11T14:00"),
    ("d2", "receive", "A", 2, "2021-01-08T16:00", "2021-01-11T08:00"),  # over a weekend: 2 h
    ("d2", "examine", "B", 4, "2021-01-11T08:00", None),
)
DOSSIERS = _make_dossiers(
    ("d1", "p", "2021-01-04T07:00", "2021-01-11T17:00", 16 * 3600),  # 48 − 16 = 32 h
    ("d2", "q", "2021-01-08T16:00", None, 0),
)


def test_steps_by_hand():
    """Nights, weekends, pauses and files that wait for collection are no working time."""
    table = measure_steps(_connect(STAYS), DOSSIERS, "step").set_index("step")
    assert [*table.index] == ["ask", "collect", "examine", "receive", "sign"]
    assert table["n"].to_dict() == {"ask": 0, "collect": 0, "examine": 2, "receive": 2, "sign": 1}
    examine, receive = table.loc["examine"], table.loc["receive"]
    assert examine[["running", "dossiers", "loops"]].tolist() == [1, 2, 1]
    assert examine[["median_hours", "p90_hours", "total_hours"]].tolist() == [5, 7.4, 10]
    assert examine["loop_percent"] == pytest.approx(100 / 3)
    assert examine["wait_hours"] == pytest.approx(2 / 3)
    assert examine["share_of_limit_percent"] == pytest.approx(100 * 10 / 32)
    assert receive[["median_hours", "loops"]].tolist() == [1.5, 0]
    assert receive["share_of_limit_percent"] == pytest.approx(100 / 32)  # d2 has no limit
    assert np.isnan(receive["wait_hours"])
    assert table.loc["ask", ["pauses", "pause_hours"]].tolist() == [1, 16]
    assert table.loc[["ask", "collect"], "median_hours"].isna().all()


@pytest.mark.slow
def test_steps_by_month_and_by_columns_of_the_dossier():
    """The month of the start; a procedure is a column of the dossier. An unknown one is refused."""
    stays, dossiers = _connect(STAYS), DOSSIERS
    table = measure_steps(stays, dossiers, ["procedure", "month", "step"])
    assert table["n"].sum() == 5
    assert set(table["month"]) == {"2021-01"}
    assert table.loc[table["procedure"] == "q", "step"].tolist() == ["examine", "receive"]
    with pytest.raises(RecordsError, match="field"):
        measure_steps(stays, dossiers, ["field", "step"])
    empty = find_bottleneck(stays, dossiers.assign(due=pd.NaT).astype({"due": "datetime64[s]"}))
    assert (len(empty.table), empty.is_sure) == (0, False)


@pytest.mark.slow
def test_only_the_stays_of_given_dossiers_count_and_only_to_the_last_day():
    """Dossiers that no file has, or that contradict themselves, are in no average (T2)."""
    stays, one = _connect(STAYS), DOSSIERS[:1]
    table = measure_steps(stays, one, "step").set_index("step")
    assert table["dossiers"].tolist() == [1] * 5
    assert table.loc["receive", ["n", "total_hours"]].tolist() == [1, 1]
    assert count_flow(stays, one, min_cell=1).n_dossiers == 1
    table = measure_steps(stays, DOSSIERS, "step", date(2021, 1, 8)).set_index("step")
    assert table["n"].to_dict() == {"ask": 0, "collect": 0, "examine": 2, "receive": 1, "sign": 1}
    assert table.loc["receive", "running"] == 1  # d2 has it over the weekend
    timed = time_stays(stays, DOSSIERS, ["step", "section"], date(2021, 1, 8))
    again = time_stays(stays, one, ["step", "section"])  # a table of its own
    for by in ("step", ["step", "section"]):
        for measure in (measure_steps, lambda *given: find_bottleneck(*given).table):
            wanted = measure(stays, one, by)
            pd.testing.assert_frame_equal(measure(again, one, by), wanted)
    assert measure_steps(timed, DOSSIERS, "step")["n"].tolist() == table["n"].tolist()


@pytest.mark.slow  # the records of the demo are read
def test_the_way_from_step_to_step():
    """A pause in the same step is one visit; rare ways are counted, not listed."""
    same = STAYS.replace({"step": {"ask": "examine"}})
    flow = count_flow(_connect(same), DOSSIERS, min_cell=1)
    ways = flow.edges.set_index(["source", "target"])["n"].to_dict()
    assert ways == {
        ("(start)", "receive"): 2,
        ("receive", "examine"): 2,
        ("examine", "sign"): 1,
        ("sign", "collect"): 1,
        ("collect", "(end)"): 1,
    }
    assert flow.nodes[["step", "n"]].to_numpy().tolist() == [
        *(["receive", 2], ["examine", 2], ["sign", 1], ["collect", 1])
    ]
    flow = count_flow(_connect(STAYS), DOSSIERS, least_percent=60, min_cell=1)
    assert set(flow.edges["target"]) == {"receive", "examine"}
    assert (flow.n_merged, flow.n_passages, flow.n_dossiers) == (5, 9, 2)
    hidden = count_flow(_connect(STAYS), DOSSIERS, min_cell=5)
    assert (len(hidden.nodes), len(hidden.edges), hidden.n_merged) == (0, 0, 9)


def _plant(n=600, seed=1):
    """Return dossiers of 40 weeks in three steps; section s2 takes twice as long to examine."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, 280, n)
    begun = CALENDAR.count_seconds(np.datetime64("2021-01-04T07:00") + day.astype("m8[D]"))
    section = rng.integers(0, 4, n)
    factor = np.where(section == 2, 2.0, 1.0)
    hours = (
        rng.lognormal(np.log([4.0, 14.0, 9.0]), 0.5, (n, 3)) * np.c_[factor**0, factor, factor**0]
    )
    ends = begun[:, None] + np.rint(3600 * hours.cumsum(axis=1))
    starts = np.c_[begun, ends[:, :2]]
    stays = pd.DataFrame(
        {
            "dossier": np.repeat([f"d{at}" for at in range(n)], 3),
            "step": np.tile(["receive", "examine", "sign"], n),
            "section": np.c_[[""] * n, [f"s{at}" for at in section], [""] * n].ravel(),
            "state": 4,
            "start": CALENDAR.find_by_seconds(starts.ravel()),
            "end": CALENDAR.find_by_seconds(ends.ravel()),
        }
    )
    limits = {"start": starts[:, 0], "due": begun + 3600 * 60}
    dossiers = pd.DataFrame({name: CALENDAR.find_by_seconds(at) for name, at in limits.items()})
    names = {"dossier": [f"d{at}" for at in range(n)], "procedure": "p", "paused_seconds": 0}
    return stays, dossiers.assign(**names)


@pytest.mark.slow  # the records of the demo are read
def test_the_planted_step_and_section_are_found_and_surely_so():
    """One of four sections takes twice as long; nobody else is called slow."""
    stays, dossiers = _plant()
    bottleneck = find_bottleneck(_connect(stays), dossiers, "step")
    assert bottleneck.table["step"].tolist() == ["examine", "sign", "receive"]
    assert bottleneck.is_sure
    assert bottleneck.table["low"][0] > bottleneck.table["high"][1]
    places = find_slow_places(_connect(stays), dossiers, "section")
    assert places.loc[places["is_slow"], ["step", "section"]].to_numpy().tolist() == [
        ["examine", "s2"]
    ]
    first = places.iloc[0]
    assert first["share_percent"] == pytest.approx(2 * first["others_percent"], rel=0.1)
    few = find_bottleneck(_connect(stays[:60]), dossiers[:20].assign(start=DOSSIERS["start"][0]))
    assert not few.is_sure


@pytest.mark.slow  # the records of the demo are read
def test_steps_are_the_same_for_any_number_of_threads_and_order_of_rows():
    """Whole seconds are summed; nothing depends on who sums first."""
    stays, dossiers = _plant(3000)
    mixed = stays.sample(frac=1, random_state=5)
    dossiers_mixed = dossiers.sample(frac=1, random_state=6)
    for measure in (measure_steps, find_slow_places):
        by_one = measure(_connect(stays, threads=1), dossiers, "section")
        by_four = measure(_connect(mixed, threads=4), dossiers_mixed, "section")
        pd.testing.assert_frame_equal(by_one, by_four, check_exact=True)
    shares = [
        find_bottleneck(_connect(rows, threads), made).table
        for rows, threads, made in ((stays, 1, dossiers), (mixed, 4, dossiers_mixed))
    ]
    pd.testing.assert_frame_equal(*shares, check_exact=True)
