"""Beside the ranking: like clients, borrowed strength, other lawful rules."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import ConfigError
from sipas_analysis.measure.fairness import adjust_and_pool, rank_under_rules
from sipas_analysis.reports.report import report

UNITS = "code,name_vi,group\nold,Sở Già,departments\nyoung,Sở Trẻ,departments\n"


def rows(unit, sex, good, n):
    """Return forms of one unit and sex: ``good`` of n satisfied with all."""
    return [f"{unit},{5 if k < good else 3},{5 if k < good else 3},5,{sex}" for k in range(n)]


@pytest.fixture
def two(read_answers):
    """Men are easier to please; one unit serves men, the other women, and does better with both."""
    lines = [
        *rows("old", "male", 72, 80),
        *rows("old", "female", 12, 20),
        *rows("young", "male", 19, 20),
        *rows("young", "female", 56, 80),
    ]

    def of(**facts):
        survey = read_answers("\n".join(["unit,A1,A2,D1,sex", *lines, ""]), units=UNITS, **facts)
        return survey, sipas.rank(sipas.score(survey, "unit"))

    return of


@pytest.mark.slow
def test_with_like_clients_the_better_unit_comes_first(two):
    """84 to 75 % as published; .9/.6 against .95/.7 by sex (rule A1)."""
    found = adjust_and_pool(*two(adjusters=["sex"])).set_index("unit")
    assert found["rank"].to_dict() == {"old": 1, "young": 2}
    assert found["adjusted_rank"].to_dict() == {"old": 2, "young": 1}
    direct = sipas.case_mix(
        pd.DataFrame(
            {
                "unit": ["old"] * 100 + ["young"] * 100,
                "sex": ["m"] * 80 + ["f"] * 20 + ["m"] * 20 + ["f"] * 80,
                "q": [100.0] * 72
                + [0] * 8
                + [100] * 12
                + [0] * 8
                + [100] * 19
                + [0]
                + [100] * 56
                + [0] * 24,
            }
        ),
        unit="unit",
        items="q",
        adjusters="sex",
    ).frame
    own = direct[direct["variable"] == "q"].set_index("unit")["value"]
    assert found["adjusted"].to_dict() == pytest.approx(((2 * own + 100) / 3).to_dict())


def test_without_adjusters_there_is_nothing_to_adjust(two):
    """Missing, not equal to the raw figure; pooled figures stand."""
    survey, ranking = two()
    found = adjust_and_pool(survey, ranking)
    assert found["adjusted"].isna().all()
    pooled = sipas.small_area(
        ranking.frame["value"], ranking.frame["se"] ** 2, sizes=ranking.frame["n_valid"]
    )
    assert found["pooled"].tolist() == pooled.frame["value"].tolist()
    assert found["chance"].tolist() == [1.0, 1.0]


def test_an_adjuster_must_be_a_question_of_one_answer(two):
    """Unknown, or with several answers."""
    for key in ("height", "vulnerable"):
        with pytest.raises(ConfigError, match=key):
            two(adjusters=[key])


def test_a_place_that_hangs_on_the_rule_is_seen(read_answers):
    """Unit a is first by items, b by factors; the share of rules says how often (rule R5)."""
    lines = [f"a,5,5,{5 if k < 10 else 3}" for k in range(40)]
    lines += [f"b,{5 if k < 20 else 3},{5 if k < 20 else 3},5" for k in range(40)]
    units = "code,name_vi,group\na,Sở A,departments\nb,Sở B,departments\n"
    survey = read_answers("\n".join(["unit,A1,A2,D1", *lines, ""]), units=units)
    ranking = sipas.rank(sipas.score(survey, "unit"), set_apart=())
    found = rank_under_rules(survey, ranking).set_index("unit")
    assert found.loc["a", ["pooled", "mean_of_items", "factors_by_size"]].tolist() == [1, 1, 1]
    assert found.loc["b", ["mean_of_factors", "mean_of_factor_items"]].tolist() == [1, 1]
    assert "overall_item" not in found
    assert found[["rank_best", "rank_worst"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    assert found["share"].tolist() == pytest.approx([4 / 7, 1.0])


def test_blanks_are_one_of_the_lawful_choices(read_answers):
    """Among complete forms b is better; with blanks a is."""
    lines = [
        *["a,5,5,5"] * 20,
        *["a,3,3,3"] * 20,
        *["a,5,5,"] * 60,
        *["b,5,5,5"] * 24,
        *["b,3,3,3"] * 16,
    ]
    units = "code,name_vi,group\na,Sở A,departments\nb,Sở B,departments\n"
    survey = read_answers("\n".join(["unit,A1,A2,D1", *lines, ""]), units=units)
    ranking = sipas.rank(sipas.score(survey, "unit"), set_apart=())
    found = rank_under_rules(survey, ranking).set_index("unit")
    assert found["pooled"].to_dict() == {"a": 1, "b": 2}
    assert found["pooled_complete"].to_dict() == {"a": 2, "b": 1}


@pytest.mark.slow
def test_the_report_shows_all_three_side_by_side(two):
    """Figures and ranks; a reason where an adjuster cannot adjust."""
    said = report(two(adjusters=["sex"])[0], "en").chapter("ranks")._repr_html_()
    assert "With like clients" in said
    assert "Ranks under the other rules" in said
    assert " ways to count the index" in said
    plain = report(two()[0], "en").chapter("ranks")._repr_html_()
    assert "Units are not compared for the people they serve" in plain
    survey = two(adjusters=["sex"])[0]
    survey.frame.loc[survey.frame["unit"] == "old", "sex"] = np.nan
    assert "blank for all of old" in report(survey, "en").chapter("ranks")._repr_html_()
