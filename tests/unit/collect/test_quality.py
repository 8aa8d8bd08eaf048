"""Form quality: planted straight lines are found, a clean or lonely unit raises nothing."""

import numpy as np
import pytest

from sipas_analysis.collect.quality import check
from sipas_analysis.infer.unit_counts import FEWEST_UNITS, compare_counts

UNITS = "code,name_vi,group\n" + "".join(f"u-{k},Đơn vị {k},departments\n" for k in range(8))


def forms(unit, n, seed=0, straight=0.0):
    """Answer three items at random; a share of forms gives one answer to everything."""
    rng = np.random.default_rng([unit, seed])
    lines = rng.integers(2, 6, (n, 3))
    lines[:, 1] = np.where(rng.random(n) < 0.9, 1 + lines[:, 0] % 5, lines[:, 1])
    same = rng.random(n) < straight
    lines[same] = lines[same, :1]
    return "".join(f"u-{unit},{','.join(map(str, line))}\n" for line in lines)


@pytest.fixture
def found(read_answers):
    """Check forms given as text."""

    def look(*parts):
        return check(read_answers("unit,A1,A2,D1\n" + "".join(parts), units=UNITS))

    return look


def test_one_unit_cannot_be_judged(found):
    """There is nothing to hold it against: p is missing, nothing is a finding (rules Q1, Q5)."""
    table = found("u-0,5,5,5\n" * 30).frame
    assert table["rule"].tolist() == ["Q1", "Q5"]
    assert table[["p", "p_holm"]].isna().all(axis=None)
    assert not table["finding"].any()


def test_a_few_units_cannot_be_judged_and_one_more_can(found):
    """Too few have no spread to compare with."""
    few, enough = (
        found(*(forms(k, 20) for k in range(n))).frame for n in (FEWEST_UNITS - 1, FEWEST_UNITS)
    )
    assert few["p"].isna().all()
    assert enough["p"].notna().all()


def test_a_unit_of_only_satisfied_people_is_listed_with_its_lower_bound(found):
    """30 of 30 is 88.43 to 100, not certainty: 0.025 ** (1/30) (rule Q5)."""
    table = found("u-0,5,4,5\n" * 30, *(forms(k, 30) for k in range(1, 5))).frame
    (row,) = table[table["rule"] == "Q5"].to_dict("records")
    assert (row["unit"], row["unit_name"], row["n"], row["count"]) == ("u-0", "Đơn vị 0", 30, 30)
    assert row["low"] == pytest.approx(100 * 0.025 ** (1 / 30))
    assert round(row["low"], 2) == 88.43


def test_a_unit_whose_forms_are_all_alike_is_listed(found):
    """No difference between thirty people, whatever they answered."""
    table = found("u-0,2,3,4\n" * 30, *(forms(k, 30) for k in range(1, 5))).frame
    assert table.loc[table["rule"] == "Q5", "unit"].tolist() == ["u-0"]


def test_planted_straight_lines_are_found_and_only_they(found):
    """One answer to every item on most forms of one unit; Holm over the others (rule Q1)."""
    noticed = found(forms(0, 40, straight=0.8), *(forms(k, 40) for k in range(1, 8))).noticed()
    assert noticed[["rule", "unit"]].to_numpy().tolist() == [["Q1", "u-0"]]
    assert noticed["longest_run"].tolist() == [3.0]
    assert noticed["share_percent"].item() > 5 * noticed["expected_percent"].item()


@pytest.mark.parametrize("seed", range(5))
def test_units_alike_raise_nothing(found, seed):
    """Five clean waves of eight units."""
    assert found(*(forms(k, 40, seed, straight=0.1) for k in range(8))).noticed().empty


def test_p_values_are_adjusted_over_the_units(found):
    """Holm: the smallest p counts eight times, none falls below the one before."""
    table = found(forms(0, 40, straight=0.8), *(forms(k, 40) for k in range(1, 8))).frame
    q1 = table[table["rule"] == "Q1"].sort_values("p")
    p = q1["p"].to_numpy()
    steps = np.maximum.accumulate(p * np.arange(8, 0, -1))
    np.testing.assert_allclose(q1["p_holm"], np.minimum(steps, 1))


def test_findings_come_smallest_p_first(found):
    """The reader starts with what is least likely to be chance."""
    table = found(forms(0, 40, straight=0.8), *(forms(k, 40) for k in range(1, 8))).frame
    assert table["p_holm"].is_monotonic_increasing


def test_a_form_answered_by_less_than_half_is_no_straight_line(found):
    """One answer to one item says nothing."""
    assert found("u-0,5,,\n" * 10, "u-1,4,4,4\n" * 10).straight_percent == 50.0


def test_forms_without_an_item_are_left_out(read_answers):
    """Only the question on the whole was answered: nothing to look at, and no number made up."""
    findings = check(read_answers("unit,A1,A2,D1,OVERALL\n" + "so-a,,,,4\n" * 9))
    assert findings.frame.empty
    assert np.isnan(findings.straight_percent)


def test_a_unit_is_held_against_the_others_and_not_against_itself():
    """Its own count does not move what is expected of it."""
    n = np.full(6, 30.0)
    few, many = (compare_counts(np.array([x, 2.0, 1, 3, 2, 2]), n)[0][0] for x in (0.0, 30.0))
    assert few == many
    assert few == pytest.approx((10 + 2.5) / (5 * 31))


def test_thirty_identical_forms_are_noticed_though_nobody_is_satisfied(found):
    """Zero variance is tested as such: the most frequent form of a unit, not its satisfied ones."""
    table = found("u-0,3,2,3\n" * 30, *(forms(k, 30) for k in range(1, 8))).noticed()
    row = table[table["fact"] == "identical"].iloc[0]
    assert (row["unit"], row["count"], row["rule"]) == ("u-0", 30, "Q5")
