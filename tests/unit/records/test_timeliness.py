"""Dossiers counted as form II.06a does, and both shares done on time (T3, T4)."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipas_analysis.errors import RecordsError
from sipas_analysis.records.timeliness import (
    APART,
    BESIDE,
    COUNTED,
    SUMS,
    count_as_form,
    count_timeliness,
    place_unlimited,
)

PERIOD = (date(2021, 1, 1), date(2021, 12, 31))
STATUSES = ["early", "on_time", "late", "in_time", "overdue", *BESIDE, *APART]


def _make_dossiers(*rows):
    """Return dossiers from (status, received, finished, channel, unit)."""
    frame = pd.DataFrame(rows, columns=["status", "received", "finished", "channel", "unit"])
    frame["received"], frame["finished"] = (
        pd.to_datetime(frame[name], format="ISO8601").astype("datetime64[s]")
        for name in ("received", "finished")
    )
    used = frame["status"].map({"early": 0.5, "on_time": 1.0, "late": 1.5})
    return frame.assign(days_late=np.where(frame["status"] == "late", 3.0, 0.0), limit_used=used)


def test_a_period_counts_what_it_received_and_what_it_took_over():
    """Received before and done before: not of the period. Received after it: neither (rule T4)."""
    dossiers = _make_dossiers(
        ("early", "2020-12-01", "2020-12-20", "online", "a"),
        ("late", "2020-12-01", "2021-01-20", "online", "a"),
        ("overdue", "2020-11-01", None, "direct", "a"),
        ("on_time", "2021-03-01 00:00", "2021-03-09", "online", "a"),
        ("in_time", "2021-12-31 23:00", None, "post", "b"),
        ("in_time", "2022-01-01 00:00", None, "post", "b"),
        ("refused", "2021-05-01", None, "direct", "b"),
        ("contradictory", "2021-05-01", "2021-04-01", "direct", "b"),
    )
    whole = count_timeliness(dossiers, period=PERIOD).iloc[0]
    assert whole[["received", "carried_over", "received_online", "received_direct"]].tolist() == [
        4,
        2,
        1,
        1,
    ]
    assert whole[["early", "on_time", "late", "in_time", "overdue"]].tolist() == [0, 1, 1, 1, 1]
    assert whole[["refused", "contradictory"]].tolist() == [1, 1]
    table = count_timeliness(dossiers, ["unit", "month"], period=PERIOD)
    assert table[["unit", "month"]].agg("/".join, axis=1).tolist() == [
        *("a/2020-11", "a/2020-12", "a/2021-03", "b/2021-05", "b/2021-12")
    ]
    assert (table[[*COUNTED]].sum() == whole[[*COUNTED]]).all()


def test_the_gap_between_the_two_shares_is_explained_part_by_part():
    """80 of 100 done in time; 30 wait and 10 were taken back: 120 of 140 in the official share."""
    rows = [("on_time", 80), ("late", 20), ("waiting", 30), ("withdrawn", 10), ("overdue", 5)]
    dossiers = _make_dossiers(
        *((status, "2021-02-01", None, "direct", "a") for status, n in rows for _ in range(n))
    )
    row = count_timeliness(dossiers, period=PERIOD).iloc[0]
    assert row["on_time_percent"] == 80
    assert row["official_percent"] == pytest.approx(100 * 120 / 140)
    assert row["gap_points"] == pytest.approx(100 * 120 / 140 - 80)
    assert row["gap_waiting"] == pytest.approx(3 * row["gap_withdrawn"])
    assert row["kept_percent"] == pytest.approx(100 * 80 / 105)
    assert row[["low", "high"]].tolist() == pytest.approx([70.82, 87.33], abs=0.005)  # R binom.test
    assert row[["median_days_late", "median_limit_used_percent"]].tolist() == [3, 100]
    form = count_as_form(count_timeliness(dossiers, period=PERIOD)).iloc[0]
    assert form[["on_time", "done", "running", "received"]].tolist() == [120, 140, 5, 145]


@given(st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 2)), max_size=40))
@pytest.mark.slow
def test_identities_hold_whatever_comes(drawn):
    """3 = 4+5+6 = 7+11 (+ what is neither), 7 = 8+9+10, 11 = 12+13; parts of the gap add up."""
    days = ["2020-06-01", "2021-06-01", "2021-07-01"]
    dossiers = _make_dossiers(*((status, days[k], None, "online", "a") for status, k in drawn))
    for table in (
        count_timeliness(dossiers, period=PERIOD),
        count_timeliness(dossiers, "month", period=PERIOD),
    ):
        for total, parts in SUMS.items():
            assert (table[total] == table[[*parts]].sum(axis=1)).all()
        neither = table[[*BESIDE]].sum(axis=1)
        assert (table["received"] == table["done"] + table["running"] + neither).all()
        form = count_as_form(table)
        assert (form["received"] == form["done"] + form["running"]).all()
        gap = table["official_percent"] - table["on_time_percent"]
        np.testing.assert_allclose(table["gap_points"], gap, atol=1e-9)
        parts = table["gap_waiting"] + table["gap_withdrawn"]
        np.testing.assert_allclose(table["gap_points"], parts, atol=1e-9)


def test_what_is_done_without_a_limit_is_done_in_the_form():
    """It cannot be late; what still runs without a limit runs in time."""
    dossiers = _make_dossiers(
        ("no_limit", "2021-02-01", "2021-03-01", "direct", "a"),
        ("no_limit", "2021-02-01", None, "direct", "a"),
        ("late", "2021-02-01", "2021-03-01", "direct", "a"),
    )
    form = count_as_form(count_timeliness(place_unlimited(dossiers), period=PERIOD)).iloc[0]
    names = ["done", "on_time", "late", "running", "in_time"]
    assert form[names].tolist() == [2, 1, 1, 1, 1]


def test_a_column_that_is_missing_is_named():
    """The error lists what the records have."""
    dossiers = _make_dossiers(("early", "2021-02-01", None, "direct", "a"))
    with pytest.raises(RecordsError, match="field"):
        count_timeliness(dossiers, "field", period=PERIOD)
