"""The points of Decision 766 from ten dossiers, four petitions and three procedures, by hand."""

import math
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from sipas_analysis.errors import ParameterError
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
    period = (date(2021, 1, 1), date(2021, 12, 31))
    return SimpleNamespace(
        dossiers=dossiers, petitions=petitions, publication=publication, period=period
    )


BY_HAND = {  # met, of
    "late-share": (2, 4),
    "on-time-portal": (5, 7),  # all but rows 3 and 6; row 8 has neither promise nor limit
    "online-share": (2, 8),
    "online-full-share": (1, 4),
    "cashless": (2, 4),
    "procedures-paid-online": (2, 4),  # a/p and a/r of a/p, b/q, a/r, …
    "digitised-reused": (3, 5),
    "petitions-on-time": (2, 4),
    "petitions-settled": (1, 4),
    "reopened": (1, 2),
    "published-on-time": (1, 3),
    "content-complete": (1, 2),
    "posted": (1, 3),
}


@pytest.mark.parametrize("name", [*BY_HAND])
def test_an_indicator_counts_what_a_person_counts(records, name):
    counts = measure_indicator(records, name)
    total = (counts["numerator"].sum(), counts["denominator"].sum())
    if name == "procedures-paid-online":
        pairs = {("a", "p"): True, ("b", "q"): False, ("a", "r"): True}
        assert total == (sum(pairs.values()), len(pairs))
    else:
        assert total == BY_HAND[name]


def test_each_petition_takes_one_dossier_that_is_not_late(records):
    """Four dossiers are not late; two cases in each unit leave none in ``b`` (two of its own)."""
    counts = measure_indicator(records, "dossiers-without-complaint").set_index("unit")
    assert counts.loc["a", ["numerator", "denominator"]].tolist() == [1, 4]  # 3 of 4, less 2
    assert counts.loc["b", ["numerator", "denominator"]].tolist() == [0, 4]  # 2 of 4, less 2


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


def test_a_line_of_a_plan_starts_from_the_records_of_its_unit(records):
    lines = [("late-share", ""), ("late-share", "a"), ("satisfied", "a"), ("reopened", "b")]
    baselines = find_baselines(records, lines, min_cell=1)
    assert baselines[:2] == [(50.0, 4.0), (50.0, 2.0)]
    assert all(math.isnan(number) for pair in baselines[2:] for number in pair)
    hidden = find_baselines(records, lines, min_cell=5)  # four dossiers are too few to be shown
    assert all(math.isnan(number) for pair in hidden for number in pair)
