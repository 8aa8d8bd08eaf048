"""The points of Decision 766 from ten dossiers, four petitions and three procedures, by hand."""

import math
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from sipas_analysis.errors import ParameterError
from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.indicators import INDICATORS, find_baselines, measure_indicator
from sipas_analysis.records.service_score import read_service_index, score_service

DAY, LATER, NEVER = "2021-03-01 08:00", "2021-03-05 08:00", None
# status, promised, finished, channel, level, paid online, digitised
DOSSIERS = [
    ("early", LATER, DAY, "online", "full", "yes", "yes"),
    ("on_time", DAY, DAY, "direct", "full", "no", "yes"),
    ("late", DAY, LATER, "direct", "full", "no", "no"),
    ("late", LATER, LATER, "post", "partial", "", ""),  # late by its limit, not by its promise
    ("in_time", "2022-01-05 08:00", NEVER, "online", "partial", "yes", "yes"),
    ("overdue", DAY, NEVER, "direct", "full", "", "no"),
    ("waiting", DAY, NEVER, "direct", "", "", ""),  # counts as on time, as in form II.06a
    ("no_limit", NEVER, LATER, "direct", "", "", ""),  # nothing to compare with
    ("contradictory", DAY, DAY, "online", "full", "yes", "yes"),  # in no count
    ("not_started", NEVER, NEVER, "online", "full", "yes", "yes"),  # in no count
]
COLUMNS = ["status", "promised", "finished", "channel", "level", "paid_online", "digitised"]


@pytest.fixture
def records():
    dossiers = pd.DataFrame(DOSSIERS, columns=COLUMNS).assign(received=DAY, returned=None)
    dossiers = dossiers.assign(unit=["a", "b"] * 5, procedure=["p", "q", "p", "q", "r"] * 2)
    for name in ("promised", "finished", "received", "returned"):
        dossiers[name] = pd.to_datetime(dossiers[name])
    dossiers.loc[9, "received"] = pd.NaT
    petitions = pd.DataFrame(
        {
            "case": ["1", "2", "3", "4"],
            "unit": ["a", "a", "b", "b"],
            "due": pd.to_datetime([LATER, DAY, DAY, "2022-02-01 08:00"]),
            "answered": pd.to_datetime([DAY, LATER, None, None]),  # in time, late, overdue, open
            "received": pd.to_datetime([DAY] * 4),
            "petition": ["1", "2", "3", "4"],
            "channel": "portal",
            "about_official": False,
            "reopened": [1, 0, 0, 0],
            "contradiction": [""] * 4,
        }
    )
    publication = pd.DataFrame(
        {
            "unit": ["a", "a", "b"],
            "due": pd.to_datetime([DAY, DAY, DAY]),
            "published": pd.to_datetime([DAY, LATER, None]),
            "place": ["yes", "yes", "no"],
            "form": ["yes", "yes", "no"],
            "content": ["yes", "no", "no"],
        }
    )
    dossiers[["days_late", "limit_used"]] = 0.5
    return SimpleNamespace(
        dossiers=dossiers,
        petitions=petitions,
        publication=publication,
        period=(date(2021, 1, 1), date(2021, 12, 31)),
        calendar=read_calendar([2021, 2022]),
    )


BY_HAND = {  # percent, and of how many
    "late-share": (50, 4),
    "on-time-portal": (500 / 7, 7),  # all but rows 3 and 6; row 8 has neither promise nor limit
    "online-share": (25, 8),
    "online-full-share": (25, 4),
    "cashless": (50, 4),
    "procedures-paid-online": (200 / 3, 3),  # p and r, not q
    "digitised-reused": (60, 5),
    "dossiers-without-complaint": (12.5, 8),  # 8, less 3 past their limit, less 4 cases
    "petitions-on-time": (100 / 3, 3),  # the last one is open, and has time
    "petitions-settled": (25, 4),  # the last one; the first was reopened
    "reopened": (50, 2),
    "published-on-time": (100 / 3, 3),
    "content-complete": (100 / 3, 3),
    "posted": (500 / 9, 3),
}


@pytest.mark.parametrize("name", [*INDICATORS])
@pytest.mark.quick_cases(3)
def test_an_indicator_counts_what_a_person_counts(records, name):
    row = measure_indicator(records, name, ()).iloc[0]
    assert (row["value"], row["n"]) == pytest.approx(BY_HAND[name])


def test_units_have_shares_of_their_own(records):
    """Unit a has rows 1, 3, 5, 7: one late of two done; both of its cases are taken off."""
    late = measure_indicator(records, "late-share").set_index("unit")
    assert late.loc["a"].tolist() == [50, 2]
    kept = measure_indicator(records, "dossiers-without-complaint").set_index("unit")
    assert kept.loc["a"].tolist() == [25, 4]  # 4, less 1 late, less 2 cases
    assert kept.loc["b"].tolist() == [0, 4]  # 4, less 1 late and 1 overdue, less 2 cases


@pytest.mark.slow
def test_points_follow_the_share_up_to_full_points(records):
    scored = score_service(records)
    rows = scored.frame.set_index("part")
    assert rows.loc["on-time", "reached"] == pytest.approx(20 * 5 / 7)
    assert rows.loc["end-to-end", "reached"] == pytest.approx(12 / 4)
    assert rows.loc["reused", "reached"] == pytest.approx(2 * 60 / 80)
    assert rows.loc["reception", "reached"] == pytest.approx(6 * 12.5 / 90)
    assert rows["reached"].isna().equals(rows["indicator"] == "")
    assert scored.known_points == 66
    assert scored.high - scored.low == pytest.approx(34)
    assert scored.percent == pytest.approx(100 * scored.low / 66)


def test_a_part_without_records_is_not_known(records):
    records.petitions = records.petitions.iloc[:0]
    scored = score_service(records)
    assert (
        scored.frame.set_index("part").loc["petitions-on-time"].isna()[["value", "reached"]].all()
    )
    assert scored.known_points == 54


def test_the_pack_adds_up_and_names_indicators_that_exist():
    groups = read_service_index().groups
    points = {
        code: sum(part.points for part in group.parts.values()) for code, group in groups.items()
    }
    assert points == {
        "transparency": 18, "progress": 20, "online": 12,
        "payment": 10, "digitisation": 22, "satisfaction": 18,
    }  # fmt: skip
    used = {part.indicator for group in groups.values() for part in group.parts.values()}
    assert used - {""} <= set(INDICATORS)


def test_another_indicator_is_refused(records):
    with pytest.raises(ParameterError):
        measure_indicator(records, "smiles")


@pytest.mark.slow
def test_a_line_of_a_plan_starts_from_the_records_of_its_unit(records):
    lines = [("late-share", ""), ("late-share", "a"), ("satisfied", "a"), ("reopened", "b")]
    baselines = find_baselines(records, lines, min_cell=1)
    assert baselines[:2] == [(50.0, 4.0), (50.0, 2.0)]
    assert all(math.isnan(number) for pair in baselines[2:] for number in pair)
    hidden = find_baselines(records, lines, min_cell=5)  # four dossiers are too few to be shown
    assert all(math.isnan(number) for pair in hidden for number in pair)
