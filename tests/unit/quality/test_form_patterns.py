"""How each form is filled in: runs, repeated patterns, near copies, hours, operators."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from sipas_analysis.quality.form_patterns import (
    compare_operators,
    count_largest_groups,
    count_times,
    find_longest_runs,
    find_periodic_forms,
    find_straight_answers,
    find_twins,
)

NAN = np.nan


def varied_forms(n, seed=0, k=22):
    """Draw forms without any likeness: five levels at random."""
    return np.random.default_rng(seed).integers(1, 6, (n, k)).astype(float)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ([5, 5, 5, 5], True),
        ([5, 5, NAN, NAN], True),  # half answered
        ([5, NAN, NAN, NAN], False),
        ([5, 5, 5, 4], False),
        ([NAN, NAN, NAN, NAN], False),
        ([1, 1, 1, NAN], True),
    ],
)
def test_a_straight_line_is_one_answer_to_half_of_the_items(form, expected):
    """A blank is no other answer (rule Q1)."""
    assert find_straight_answers(np.array([form], dtype=float)).tolist() == [expected]


@pytest.mark.parametrize(
    ("form", "run"), [([4, 4, 5, 5, 5], 3), ([4, 5, 4, 5, 4], 1), ([5, 5, NAN, 5, 5], 2)]
)
def test_the_longest_run_ends_at_another_answer_or_a_blank(form, run):
    """Counted by hand."""
    assert find_longest_runs(np.array([form], dtype=float)).tolist() == [run]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("4545454545454545454545", True),
        ("5454545454545454545454", True),
        ("1234512345123451234512", True),
        ("4455445544554455445544", True),
        ("3453453453453453453453", True),
        ("4545454545454545454444", True),  # two exceptions of twenty
        ("4545454545444444444444", True),  # the pattern, then a straight line
        ("4444444444444444444444", False),  # a straight line is judged by itself
        ("4445454444444444544444", False),
        ("4444454444444444544444", False),  # few exceptions
        ("5555544444333335555544", False),  # an answer for each block of items
        ("4535243514254353412543", False),
    ],
)
def test_a_pattern_is_repeated_to_the_end(form, expected):
    """Periods 2 to 5, nine tenths of the answers (rule Q6)."""
    answers = np.array([[int(level) for level in form]], dtype=float)
    assert find_periodic_forms(answers).tolist() == [expected]


def test_blanks_do_not_make_a_pattern():
    """Two blanks are not two equal answers."""
    answers = np.tile([4.0, NAN], 11)[None, :]
    assert not find_periodic_forms(answers).any()


def test_the_largest_group_counts_equal_forms_blanks_included():
    """Unit 0 has three equal forms, one of another; unit 1 has none."""
    answers = np.array([[5, NAN, 3], [5, NAN, 3], [5, 3, NAN], [5, NAN, 3], [1, 2, 3], [5, NAN, 3]])
    unit = np.array([0, 0, 0, 0, 1, 1])
    assert count_largest_groups(answers, unit).tolist() == [3, 1]


def test_a_copy_within_a_unit_is_found_with_its_place():
    """Form 3 copies form 0 of its unit in all 22 items; what chance gives is counted by hand."""
    answers, unit = varied_forms(10), np.repeat([0, 1], 5)
    answers[3] = answers[0]
    twins = find_twins(answers, unit, 2)
    assert [twins.form.tolist(), twins.twin.tolist(), twins.n_equal.tolist()] == [
        [0, 3],
        [3, 0],
        [22, 22],
    ]
    assert twins.count.tolist() == [2, 0]
    assert twins.expected.tolist() == pytest.approx([2 * 4 / 9, 0])  # 4 others inside, 5 outside


@pytest.mark.parametrize(("changes", "found"), [(0, 2), (1, 2), (2, 2), (3, 0)])
def test_a_near_copy_differs_in_at_most_a_tenth_of_the_items(changes, found):
    """Two of 22 items may differ (rule Q2)."""
    answers, unit = varied_forms(10), np.repeat([0, 1], 5)
    answers[3] = answers[0]
    answers[3, :changes] = 1 + answers[0, :changes] % 5
    assert find_twins(answers, unit, 2).count[0] == found


def test_a_blank_that_is_copied_is_an_equal_answer():
    """A copy repeats what was not answered, too."""
    answers, unit = varied_forms(10), np.repeat([0, 1], 5)
    answers[0, :8] = NAN
    answers[3] = answers[0]
    assert find_twins(answers, unit, 2).n_equal.tolist() == [22, 22]


@pytest.mark.parametrize("exceptions", [0, 1, 2])
def test_equal_straight_lines_are_no_evidence(exceptions):
    """Forms of one answer, up to a tenth of the items, are alike by nature."""
    answers = np.full((60, 22), 4.0)
    answers[:, :exceptions] = 5.0
    twins = find_twins(answers, np.repeat([0, 1, 2], 20), 3)
    assert twins.count.tolist() == [0, 0, 0]
    assert twins.expected.tolist() == [0, 0, 0]


def test_a_form_that_is_common_in_the_wave_is_no_evidence():
    """Both units have the same five forms, twice each: a twin outside explains a twin inside."""
    answers = np.tile(varied_forms(5), (4, 1))
    assert find_twins(answers, np.repeat([0, 1], 10), 2).count.tolist() == [0, 0]


@pytest.mark.slow
def test_twins_that_chance_spreads_over_units_are_expected_by_their_number():
    """Twins planted without regard to units: the sums agree within 4 Monte-Carlo errors."""
    rng = np.random.default_rng(5)
    counts = []
    for seed in range(60):
        answers = varied_forms(200, seed)
        answers[100:] = answers[:100]
        twins = find_twins(answers, rng.permutation(np.repeat(np.arange(10), 20)), 10)
        counts.append([twins.count.sum(), twins.expected.sum()])
    difference = np.subtract(*np.array(counts).T)
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference))


def test_a_unit_of_many_forms_is_compared_in_blocks():
    """2,500 forms of one unit: a copy in the same block of 1,000 is found, memory stays small."""
    answers, unit = varied_forms(2600), np.repeat([0, 1], [2500, 100])
    answers[10], answers[1500] = answers[20], answers[1600]
    assert set(find_twins(answers, unit, 2).form.tolist()) == {10, 20, 1500, 1600}


def test_the_order_of_the_forms_does_not_matter():
    """Below a thousand forms a unit."""
    answers, unit = varied_forms(300), np.repeat(np.arange(10), 30)
    answers[7] = answers[3]
    order = np.random.default_rng(1).permutation(300)
    once, again = find_twins(answers, unit, 10), find_twins(answers[order], unit[order], 10)
    assert once.count.tolist() == again.count.tolist()
    np.testing.assert_array_equal(once.expected, again.expected)


def times(*texts):
    """Count forms of one unit by their hours."""
    frame = pd.DataFrame({"unit": 0, "time": texts})
    return count_times(frame).iloc[0].to_dict() if len(count_times(frame)) else {}


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("clock", "night"),
    [
        ("21:59:59", 0),
        ("22:00:00", 1),
        ("23:59:59", 1),
        ("00:00:01", 1),
        ("04:59:59", 1),
        ("05:00:00", 0),
        ("12:00:00", 0),
    ],
)
def test_night_is_from_ten_to_five(clock, night):
    """Rule Q3."""
    assert times(f"2026-03-02T{clock}")["night"] == night


def test_midnight_to_the_second_is_a_day_without_an_hour():
    """As a spreadsheet writes a day."""
    assert times("2026-03-02T00:00:00", None) == {}
    assert times("2026-03-02T00:00:00", "2026-03-02T09:00:00")["n"] == 1


def test_close_forms_and_the_fullest_hour_by_hand():
    """Gaps of 60, 61 and 1,679 seconds; then two forms of another day."""
    counts = times(
        "2026-03-02T09:30:00",
        "2026-03-02T09:00:00",
        "2026-03-02T09:02:01",
        "2026-03-02T09:01:00",
        "2026-03-03T10:00:00",
        "2026-03-03T15:00:00",
    )
    assert (counts["n"], counts["close"], counts["day"]) == (6, 1, 3.0)
    assert (counts["batch"], counts["n_batch"]) == (4, 4)


def test_forms_of_two_units_are_never_close():
    """Order by unit first."""
    frame = pd.DataFrame({"unit": [0, 1], "time": ["2026-03-02T09:00:00", "2026-03-02T09:00:10"]})
    assert count_times(frame)["close"].tolist() == [0, 0]


def operators(straight, cluster=None):
    """Compare operators a (10 forms) and b (20) of one unit by straight lines."""
    frame = pd.DataFrame({"unit": 0, "operator": ["a"] * 10 + ["b"] * 20})
    flags = np.r_[np.arange(10) < straight[0], np.arange(20) < straight[1]]
    frame = frame.assign(straight=flags, satisfied=~flags)
    return compare_operators(frame if cluster is None else frame.assign(cluster=cluster))


@pytest.mark.parametrize("straight", [(10, 2), (3, 6), (0, 20), (5, 0)])
def test_operators_are_compared_as_fisher_does(straight):
    """The one-sided exact test of the fourfold table (rule Q4)."""
    table = operators(straight).set_index(["operator", "fact"])["p"]
    square = [[straight[0], 10 - straight[0]], [straight[1], 20 - straight[1]]]
    more, less = (fisher_exact(square, alternative=side).pvalue for side in ("greater", "less"))
    assert table["a", "operator_straight"] == pytest.approx(more)
    assert table["b", "operator_straight"] == pytest.approx(less)
    assert table["a", "operator_low"] == pytest.approx(more)  # satisfied are the other forms
    assert table["a", "operator_high"] == pytest.approx(less)


def test_operators_of_different_places_are_not_compared():
    """Each operator has a hamlet of its own: places differ, and nothing can be said."""
    assert operators((10, 0), cluster=["x"] * 10 + ["y"] * 20).empty


def test_an_operator_alone_in_a_unit_is_not_compared():
    """There is nobody to compare with."""
    frame = pd.DataFrame({"unit": [0, 0], "operator": "a", "straight": True, "satisfied": True})
    assert compare_operators(frame).empty
