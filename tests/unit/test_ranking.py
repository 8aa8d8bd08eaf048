"""Ranks: best first within a group, and no place where an order may not be read."""

import pytest

from sipas_analysis.measure.ranking import rank
from sipas_analysis.measure.scores import score

GROUPS = {"a": "departments", "b": "departments", "c": "departments", "d": "departments",
          "x": "districts", "y": "districts"}  # fmt: skip


@pytest.fixture
def ranked(read_answers):
    """Rank units given as ``code=(satisfied, forms)``."""

    def of(min_forms=5, **units):
        listed = "".join(f"{unit},Đơn vị {unit},{GROUPS[unit]}\n" for unit in units)
        rows = "".join(
            f"{unit},{level},{level},{level}\n"
            for unit, (satisfied, n) in units.items()
            for level in [5] * satisfied + [3] * (n - satisfied)
        )
        survey = read_answers("unit,A1,A2,D1\n" + rows, units="code,name_vi,group\n" + listed)
        return rank(score(survey, by="unit"), min_forms).frame

    return of


def test_ties_share_the_better_place(ranked):
    """1, 2, 2, 4 (rule R1)."""
    found = ranked(a=(7, 10), b=(8, 10), c=(16, 20), d=(9, 10))
    assert found[["unit", "rank"]].to_numpy().tolist() == [["d", 1], ["b", 2], ["c", 2], ["a", 4]]


def test_equal_indices_are_ties_though_floats_differ(read_answers):
    """The same three items in another order: means that differ in the 16th digit are one number."""

    def forms(unit, satisfied):
        return [",".join([unit, *("5" if k < s else "3" for s in satisfied)]) for k in range(5)]

    rows = [*forms("so-a", (1, 1, 4)), *forms("so-b", (4, 1, 1))]
    index = {"overall": {"rule": "mean_of_items"}}
    survey = read_answers("\n".join(["unit,A1,A2,D1", *rows, ""]), index=index)
    found = rank(score(survey, by="unit"), min_forms=5).frame
    assert found["value"].nunique() == 2
    assert found["rank"].tolist() == [1, 1]


def test_each_group_is_ranked_apart(ranked):
    """Departments and districts do different work."""
    found = ranked(a=(5, 10), b=(9, 10), x=(6, 10), y=(2, 10)).set_index("unit")["rank"]
    assert found.to_dict() == {"b": 1, "a": 2, "x": 1, "y": 2}


def test_a_unit_of_few_forms_keeps_its_index_and_says_why_it_has_no_rank(ranked):
    """The others close up; it stands last in its group (rule M7)."""
    found = ranked(min_forms=10, a=(9, 9), b=(8, 10), c=(5, 10))
    assert found["unit"].tolist() == ["b", "c", "a"]
    assert found["rank"].isna().tolist() == [False, False, True]
    assert found.iloc[2][["reason", "printed"]].tolist() == ["few_forms", "100.00"]


def test_what_may_not_be_shown_is_not_ranked(ranked):
    """Four people are below the smallest cell, however low ``min_forms`` is (rule P2)."""
    found = ranked(min_forms=2, a=(4, 4), b=(8, 10)).set_index("unit")
    assert found["reason"].to_dict() == {"b": "", "a": "suppressed"}
    assert found["rank"].isna().to_dict() == {"b": False, "a": True}


def test_only_the_whole_is_ranked(ranked):
    """One row per unit, with value, interval and place."""
    found = ranked(a=(5, 10), b=(6, 10))
    assert found["variable"].tolist() == ["overall", "overall"]
    assert {"rank", "value", "low", "high", "reason"} <= set(found)
