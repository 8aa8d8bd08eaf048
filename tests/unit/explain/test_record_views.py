"""People's view of the time beside the clock, by unit (rule D7)."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.collect.record_sources import RecordSources
from sipas_analysis.explain.record_views import compare_views, correlate_ranks
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.records.office_records import Records

YES, NO = 5, 2
PEOPLE = {"a": (96, 4), "b": (30, 70), "c": (80, 20), "d": (80, 20), "e": (3, 1), "f": (60, 40)}
CLOCK = {"a": (40, 60), "b": (95, 5), "c": (80, 20), "d": (84, 16), "e": (60, 40), "f": (75, 25)}


def make_case():
    """Five offices of 100 people and dossiers each, and one, e, of which four people answered."""
    rows = [
        (unit, level)
        for unit, counts in PEOPLE.items()
        for level, n in zip((YES, NO), counts, strict=True)
        for _ in range(n)
    ]
    survey = sipas.survey(pd.DataFrame(rows, columns=["u", "q"]), ["q"], unit="u", year=2021)
    survey = replace(survey, instrument=survey.instrument.model_copy(update={"on_time_item": "q"}))
    statuses = [
        (unit, status)
        for unit, counts in CLOCK.items()
        for status, n in zip(("on_time", "late"), counts, strict=True)
        for _ in range(n)
    ]
    dossiers = pd.DataFrame(statuses, columns=["unit", "status"]).assign(channel="direct")
    dossiers["received"] = pd.Timestamp("2021-03-01 08:00:00")
    dossiers["finished"] = pd.Timestamp("2021-03-05 08:00:00")
    dossiers = dossiers.assign(
        days_late=0.0, limit_used=0.5, state=9, returned=dossiers["finished"]
    )
    parts = dict.fromkeys(part.name for part in fields(Records))
    sources = RecordSources.model_construct(start=date(2021, 1, 1), end=date(2021, 12, 31))
    wave = survey.wave.model_copy(update={"records": sources})
    return survey, Records(**{**parts, "wave": wave, "dossiers": dossiers})


@pytest.fixture(scope="module")
def views():
    return compare_views(*make_case())


def test_both_shares_stand_side_by_side_with_their_intervals(views):
    """Clopper–Pearson on both; the gap's ends by Newcombe, computed here by hand."""
    row = views.frame.set_index("unit").loc["c"]
    low, high = (100 * end[0] for end in exact_interval(np.array([80.0]), np.array([100.0])))
    for name in ("satisfied", "on_time"):
        ours = row[[f"{name}_percent", f"{name}_low", f"{name}_high"]].to_list()
        assert ours == pytest.approx([80.0, low, high])
    margin = np.hypot(80 - low, high - 80)
    assert row[["gap", "gap_low", "gap_high"]].to_list() == pytest.approx([0.0, -margin, margin])
    assert (row["n"], row["n_dossiers"]) == (100, 100)


def test_units_that_disagree_beyond_error_are_named(views):
    """In a people are content and dossiers late, in b the reverse; e has too few people (P2)."""
    verdicts = views.frame.set_index("unit")["verdict"].to_dict()
    assert verdicts == {
        "a": "opposite",
        "b": "opposite",
        "c": "cannot_tell",
        "d": "cannot_tell",
        "e": "hidden",
        "f": "cannot_tell",
    }
    assert views.disagreeing == ["a", "b"]
    hidden = views.frame[views.frame["unit"] == "e"].iloc[0]
    assert hidden.drop(["unit", "people", "record", "verdict"]).isna().all()
    sides = views.frame.set_index("unit").loc[["a", "b"], ["people", "record"]]
    assert sides.to_numpy().tolist() == [["above", "below"], ["below", "above"]]
    assert "disagree beyond error in: a, b" in repr(views)
    # at 95 % for a single unit c and d would be above the mean, here for all units together not
    aside = views.frame.set_index("unit").loc[["c", "d"]]
    assert aside.loc["c", "satisfied_low"] > views.frame["satisfied_percent"].mean()
    assert aside.loc["d", "on_time_low"] > views.frame["on_time_percent"].mean()
    assert aside[["people", "record"]].to_numpy().tolist() == [["", ""], ["", ""]]


def test_the_rank_correlation_leaves_hidden_units_out(views):
    """Spearman over five units: ranks 5, 1, 3.5, 3.5, 2 and 1, 5, 3, 4, 2, by hand."""
    people, clock = pd.Series([5, 1, 3.5, 3.5, 2]), pd.Series([1, 5, 3, 4, 2])
    assert views.n_units == 5
    assert views.correlation == pytest.approx(people.corr(clock))
    assert views.low < views.correlation < views.high


def test_too_few_units_have_no_correlation():
    """Three pairs, or a figure that never varies, say nothing; 1 has no interval."""
    three = pd.Series([1.0, 2.0, 3.0])
    assert np.isnan(correlate_ranks(three, three)).all()
    five = pd.Series([1.0, 2, 3, 4, 5])
    assert np.isnan(correlate_ranks(five, five * 0)).all()
    value, low, high = correlate_ranks(five, five)
    assert value == 1.0
    assert np.isnan([low, high]).all()


def test_a_pack_without_the_item_has_nothing_to_compare():
    """The sentence says what is missing."""
    survey, records = make_case()
    bare = replace(survey, instrument=survey.instrument.model_copy(update={"on_time_item": ""}))
    views = compare_views(bare, records)
    assert views.frame.empty
    assert "on_time_item" in repr(views)
