"""Ranks: best first within a group, and no place where an order may not be read."""

import ast
import re

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import SipasError
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.means import mean
from sipas_analysis.measure.ranking import rank, rank_sets
from sipas_analysis.measure.scores import score

BY_TOWN = {"unit": "unit", "keys": {"town": "town"}}
GROUPS = {
    "a": "departments",
    "b": "departments",
    "c": "departments",
    "d": "departments",
    "x": "districts",
    "y": "districts",
}


@pytest.fixture
def ranked_whole(read_answers):
    """Rank units given as ``code=(satisfied, forms)``."""

    def of(min_forms=5, **units):
        listed = "".join(f"{unit},Đơn vị {unit},{GROUPS[unit]}\n" for unit in units)
        rows = "".join(
            f"{unit},{level},{level},{level}\n"
            for unit, (satisfied, n) in units.items()
            for level in [5] * satisfied + [3] * (n - satisfied)
        )
        survey = read_answers("unit,A1,A2,D1\n" + rows, units="code,name_vi,group\n" + listed)
        return rank(score(survey, by="unit"), min_forms, set_apart=())

    return of


@pytest.fixture
def ranked(ranked_whole):
    """Return the table of ranks."""
    return lambda min_forms=5, **units: ranked_whole(min_forms, **units).frame


def test_ties_share_the_better_place(ranked):
    """1, 2, 2, 4 (rule R1)."""
    ranking = ranked(a=(7, 10), b=(8, 10), c=(16, 20), d=(9, 10))
    assert ranking[["unit", "rank"]].to_numpy().tolist() == [["d", 1], ["b", 2], ["c", 2], ["a", 4]]


@pytest.mark.slow
def test_scores_of_several_rows_a_unit_are_not_ranked(read_answers):
    """Two rows of a unit are no two units; a remedy that is pasted ranks within one value."""
    rows = [
        f"{unit},{level},{level},{level},{town}"
        for unit in ("so-a", "so-b")
        for town, level in (("f", 5), ("m", 3))
        for _ in range(6)
    ]
    survey = read_answers("\n".join(["unit,A1,A2,D1,town", *rows, ""]), columns=BY_TOWN)
    scores = score(survey, by=["unit", "town"])
    with pytest.raises(SipasError, match="split by town, too") as caught:
        rank(scores, 5)
    remedy = re.search(r"select\(\*\*({.*?})\)", str(caught.value))
    of_one = rank(scores.select(**ast.literal_eval(remedy[1])), 5)
    assert of_one.frame["unit"].tolist() == ["so-a", "so-b"]
    assert of_one.to_markdown().startswith("| town |")
    assert len(rank(score(survey, by=["unit", "group"]), 5).frame) == 2
    for whole in (score(survey), score(survey, by="town")):
        with pytest.raises(SipasError, match='by="unit"'):
            rank(whole)


def test_equal_indices_are_ties_though_floats_differ(read_answers):
    """The same three items in another order: means that differ in the 16th digit are one number."""

    def forms(unit, satisfied):
        return [",".join([unit, *("5" if k < s else "3" for s in satisfied)]) for k in range(5)]

    rows = [*forms("so-a", (1, 1, 4)), *forms("so-b", (4, 1, 1))]
    index = {"overall": {"rule": "mean_of_items"}}
    survey = read_answers("\n".join(["unit,A1,A2,D1", *rows, ""]), index=index)
    ranking = rank(score(survey, by="unit"), min_forms=5, set_apart=()).frame
    assert ranking["value"].nunique() == 2
    assert ranking["rank"].tolist() == [1, 1]


def test_each_group_is_ranked_apart(ranked):
    """Departments and districts do different work."""
    found = ranked(a=(5, 10), b=(9, 10), x=(6, 10), y=(2, 10)).set_index("unit")["rank"]
    assert found.to_dict() == {"b": 1, "a": 2, "x": 1, "y": 2}


def test_a_unit_of_few_forms_keeps_its_index_and_says_why_it_has_no_rank(ranked):
    """The others close up; it stands last in its group (rule M7)."""
    ranking = ranked(min_forms=10, a=(9, 9), b=(8, 10), c=(5, 10))
    assert ranking["unit"].tolist() == ["b", "c", "a"]
    assert ranking["rank"].isna().tolist() == [False, False, True]
    assert ranking.iloc[2][["reason", "printed"]].tolist() == ["few_forms", "100.00"]


def test_what_may_not_be_shown_is_not_ranked(ranked):
    """Four people are below the smallest cell, however low ``min_forms`` is (rule P2)."""
    found = ranked(min_forms=2, a=(4, 4), b=(8, 10), c=(7, 9)).set_index("unit")
    assert found["reason"].to_dict() == {"b": "", "c": "", "a": "suppressed"}
    assert found["rank"].isna().to_dict() == {"b": False, "c": False, "a": True}


@pytest.mark.slow
def test_one_unit_beside_hidden_ones_has_no_rank(ranked):
    """It would be first, whatever its index; a unit beside one of too few forms stays first."""
    found = ranked(min_forms=2, a=(4, 4), b=(1, 10)).set_index("unit")
    assert found["reason"].to_dict() == {"b": "alone", "a": "suppressed"}
    assert found["rank"].isna().all()
    assert ranked(min_forms=20, a=(9, 10), b=(20, 30))["rank"].notna().sum() == 1


def test_only_the_whole_is_ranked(ranked):
    """One row per unit, with value, interval and place."""
    ranking = ranked(a=(5, 10), b=(6, 10))
    assert ranking["variable"].tolist() == ["overall", "overall"]
    assert {"rank", "value", "low", "high", "reason"} <= set(ranking)


def sets(values, errors, **how):
    """Return the table of rank sets."""
    return rank_sets(values, errors, **how).frame


def test_units_that_errors_cannot_part_share_all_places_and_one_letter():
    """0.02 points apart with errors of two points: anyone may be first (rule R2)."""
    found = sets([94.81, 94.79, 93.9], [2.0, 2.0, 2.0])
    assert found[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 3]] * 3
    assert found["letter"].tolist() == ["A", "A", "A"]


def test_clear_differences_give_single_places_and_letters_in_order():
    """Thirty errors apart."""
    found = sets([70.0, 90.0, 80.0], [0.3, 0.3, 0.3])
    assert found[["rank", "rank_low", "rank_high"]].to_numpy().tolist() == [
        [3, 3, 3],
        [1, 1, 1],
        [2, 2, 2],
    ]
    assert found["letter"].tolist() == ["C", "A", "B"]


def test_a_letter_is_no_verdict_on_a_pair():
    """The middle one cannot be parted from the best, so it is A; both beat the last (rule R3)."""
    rank_table = rank_sets([90.0, 88.0, 80.0], [1.0, 1.0, 1.0])
    assert rank_table.frame["letter"].tolist() == ["A", "A", "B"]
    assert rank_table.better.tolist() == [
        [False, False, True],
        [False, False, True],
        [False, False, False],
    ]


def test_a_told_pair_leaves_and_lowers_the_bar_for_the_rest():
    """Step-down: 2.34 errors for three units; 2.2 are enough when the far one is decided."""
    near = 2.2 * 2**0.5
    assert sets([0.0, near, 100.0], np.ones(3))["rank_high"].tolist() == [3, 2, 1]
    assert sets([0.0, near], np.ones(2))["rank_high"].tolist() == [2, 1]
    assert sets([0.0, near, 1.5], np.ones(3))["rank_high"].tolist() == [3, 3, 3]


def test_a_pair_told_in_a_later_step_has_an_interval_from_0():
    """The interval is that of all pairs, 2.34 errors; the last step needs less."""
    near = 2.2 * 2**0.5
    pairs = rank_sets([0.0, near, 100.0], np.ones(3)).pairs()
    assert pairs["told"].all()
    assert pairs["low"].tolist()[-1] == 0
    assert pairs["high"].tolist()[-1] == pytest.approx(near + 2.34 * 2**0.5, abs=0.05)


def test_few_degrees_of_freedom_tell_less():
    """The same ratio of 4 is sure with many clusters, open with two each."""
    known = sets([90.0, 84.3], [1.0, 1.0])
    few = sets([90.0, 84.3], [1.0, 1.0], df=1)
    assert known["letter"].tolist() == ["A", "B"]
    assert few["letter"].tolist() == ["A", "A"]


def test_units_that_share_clusters_are_told_apart_by_their_covariance():
    """What both have in common cancels in the difference (rule V7)."""
    alone, shared = np.eye(2), np.array([[1.0, 0.95], [0.95, 1.0]])
    assert sets([90.0, 88.0], alone)["letter"].tolist() == ["A", "A"]
    assert sets([90.0, 88.0], shared)["letter"].tolist() == ["A", "B"]


@pytest.mark.slow
def test_the_order_of_units_changes_nothing():
    """Draws belong to places in the order, so the same unit gets the same set."""
    rng = np.random.default_rng(5)
    values = pd.Series(rng.normal(85, 3, 30), [f"u{k}" for k in range(30)])
    errors = pd.Series(rng.uniform(0.3, 1.5, 30), values.index)
    mixed = values.sample(frac=1, random_state=2)
    one, other = sets(values, errors), sets(mixed, errors[mixed.index])
    pd.testing.assert_frame_equal(one, other.loc[one.index])
    assert one["letter"].nunique() > 2


@pytest.mark.parametrize("value", [0.0, 87.5, 100.0])
def test_equal_units_are_one_group(value):
    """All at 100 % too: nothing is told apart, all are first."""
    found = sets(np.full(4, value), np.full(4, 2.0))
    assert found["rank"].tolist() == [1] * 4
    assert found["rank_high"].tolist() == [4] * 4
    assert (found["detectable"] > 0).all()


def test_one_unit_and_none():
    """One is first of one; there is no difference to detect."""
    one = sets([90.0], [1.0]).iloc[0]
    assert one[["rank", "rank_low", "rank_high", "letter"]].tolist() == [1, 1, 1, "A"]
    assert np.isnan(one["detectable"])
    assert len(sets([], [])) == 0


def test_units_without_error_have_no_place_and_take_none():
    """A blank error or value leaves the others as if it were not there (rule V3)."""
    found = sets([95.0, 90.0, np.nan, 70.0], [np.nan, 1.0, 1.0, 1.0], df=[5, 9, 9, 9])
    assert found["rank"].isna().tolist() == [True, False, True, False]
    assert found["letter"].tolist() == ["", "A", "", "B"]
    alone = sets([90.0, 70.0], [1.0, 1.0], df=[9, 9])
    assert found.loc[[1, 3], "rank_high"].tolist() == alone["rank_high"].tolist()
    assert sets([90.0, 70.0], [1.0, 1.0], df=[0, 9])["rank"].isna().tolist() == [True, False]


def test_known_values_are_told_apart_however_close():
    """A census has no error: 90.1 is above 90 for sure, and 90 equals 90."""
    found = sets([90.0, 90.1, 90.0], [0.0, 0.0, 0.0])
    assert found["letter"].tolist() == ["B", "A", "B"]
    rounded = sets([90.0, 90.1], np.array([[1e-31, 2e-31], [2e-31, 0.0]]))
    assert rounded["letter"].tolist() == ["B", "A"]


@pytest.mark.slow
def test_detectable_is_the_critical_value_and_a_fifth_of_the_normal():
    """(1.96 + 0.84)·√2 for two units (rule R4); the best is held against the second."""
    found = sets([90.0, 80.0], [1.0, 1.0], draws=400_000)["detectable"]
    assert found.to_numpy() == pytest.approx((1.95996 + 0.84162) * 2**0.5, abs=0.02)
    three = rank_sets([90.0, 80.0, 70.0], [1.0, 2.0, 3.0])
    se = np.array([5**0.5, 5**0.5, 10**0.5])
    wanted = (three.critical_all[0, [1, 1, 2]] + 0.8416212) * se
    assert three.frame["detectable"].to_numpy() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("passed", "message"),
    [
        (([1.0, 2.0], [1.0]), "shape"),
        (([[1.0, 2.0]], [1.0]), "shape"),
        (([1.0, 2.0], [1.0, 1.0], [3.0]), "shape"),
        (([1.0, 2.0], [1.0, -1.0]), "value 2"),
        (([1.0, 2.0], [[-1.0, 0.0], [0.0, 1.0]]), "value 1"),
        (([1.0, np.inf], [1.0, 1.0]), "infinite"),
        (([1.0, 2.0], [1.0, 1.0], None, 95), "95"),
        (([1.0, 2.0], [1.0, 1.0], None, 0.95, "both"), "simultaneous, marginal"),
        ((["high", "low"], [1.0, 1.0]), "`values` must be numbers"),
        ((pd.Series({"a": 1.0, "b": 2.0}), pd.Series({"a": 1.0, "c": 1.0})), "“b” is not there"),
        (([1.0, 2.0], [[1.0, 0.3], [0.2, 1.0]]), "values 1 and 2"),
        (([1.0, 2.0], [[1.0, 1.3], [1.3, 1.0]]), "beyond 1"),
    ],
)
def test_what_cannot_be_ranked_is_refused(passed, message):
    """The paragraph says what was found."""
    with pytest.raises(SipasError) as caught:
        rank_sets(*passed)
    assert message in caught.value.text("en")


def test_errors_with_the_labels_of_the_values_are_put_into_their_order():
    """A frame that was sorted by its errors, and a covariance with labels."""
    values, errors = pd.Series({"a": 90.0, "b": 80.0}), pd.Series({"b": 1.0, "a": 3.0})
    assert sets(values, errors)["se"].to_dict() == {"a": 3.0, "b": 1.0}
    covariance = pd.DataFrame(np.diag([1.0, 9.0]), errors.index, errors.index)
    assert sets(values, covariance)["se"].to_dict() == {"a": 3.0, "b": 1.0}
    other_names = errors.rename({"b": "b/overall", "a": "a/overall"})
    assert sets(values, other_names)["se"].to_dict() == {"a": 1.0, "b": 3.0}


def test_what_another_seed_could_move_is_said():
    """Just above and far above the bar; with few draws only, since more are made by themselves."""
    bar = rank_sets([90.0, 80.0], [1.0, 1.0]).critical_all[0, 1] * 2**0.5
    near = [sets([bar, 0.0], [1.0, 1.0], draws=1000, seed=seed) for seed in range(12)]
    assert all(frame["seed_sensitive"].all() for frame in near)
    assert {frame["rank_high"].iloc[0] for frame in near} == {1, 2}
    assert not sets([1.2 * bar, 0.0], [1.0, 1.0], draws=1000)["seed_sensitive"].any()
    with pytest.raises(SipasError, match="whole number"):
        sets([90.0, 80.0], [1.0, 1.0], draws=0)


def test_only_scores_by_unit_are_ranked():
    """A frame and means of a design have no index; the cure names the call."""
    frame = pd.DataFrame({"unit": ["a", "b"] * 3, "y": [1.0, 2.0, 3.0, 2.0, 1.0, 5.0]})
    for wrong in (frame, mean(Design(frame), "y", by="unit")):
        with pytest.raises(SipasError, match=r"sipas\.score\(survey"):
            rank(wrong)


def test_a_unit_at_100_takes_the_scale_of_its_interval(ranked):
    """Thirty of thirty is 88.4 to 100: its error is that reach over t, not nothing (R2)."""
    found = ranked(min_forms=10, a=(30, 30), b=(27, 30), c=(29, 30)).set_index("unit")
    assert found["rank_high"].tolist() == [3, 3, 3]
    assert found["letter"].tolist() == ["A", "A", "A"]


def test_pairs_list_every_two_ranked_units_once(ranked_whole):
    """Better first, with an interval that holds for all pairs and agrees with the verdict."""
    found = ranked_whole(a=(58, 60), b=(30, 60), c=(12, 60), d=(3, 3))
    pairs = found.pairs("departments")
    assert pairs[["unit", "other", "told"]].to_numpy().tolist() == [
        ["a", "b", True],
        ["a", "c", True],
        ["b", "c", True],
    ]
    assert ((pairs["low"] > 0) == pairs["told"]).all()
    with pytest.raises(SipasError, match="departments"):
        found.pairs("department")
    assert pairs["value"].to_numpy() == pytest.approx([140 / 3, 230 / 3, 30])


@pytest.mark.slow
def test_of_many_units_only_near_pairs_and_those_of_leaders_are_listed():
    """Ten of each number of places apart, 3,010 - 55, and 290 of the first with those below."""
    values = pd.Series(np.arange(301.0)[::-1], [f"u{place}" for place in range(301)])
    sets = rank_sets(values, np.ones(301), draws=100)
    whole, few = sets.pairs(), sets.pairs(["u0"])
    assert len(whole) == 301 * 300 / 2
    assert len(few) == 3010 - 55 + 290
    assert few["value"][few["unit"] != "u0"].max() == 10
    assert few.merge(whole).equals(few)
    assert (
        rank_sets(values[1:], np.ones(300), draws=100)
        .pairs([])
        .equals(rank_sets(values[1:], np.ones(300), draws=100).pairs())
    )


@pytest.mark.slow
def test_rows_of_estimates_in_another_order_give_the_same_ranking(read_answers):
    """Scores that were sorted by value or by name."""
    rows = "".join(
        f"so-{u},{5 if k < s else 3},5,4\n"
        for u, s in zip("ab", (12, 4), strict=True)
        for k in range(15)
    )
    scores = score(read_answers("unit,A1,A2,D1\n" + rows), by="unit")
    mixed = scores.take(np.random.default_rng(1).permutation(len(scores)))
    pd.testing.assert_frame_equal(rank(scores, 5).frame, rank(mixed, 5).frame)
