"""Weights made to fit the population, by hand: post-stratification, raking, trimming (rule W1)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.weighting import post_stratify, rake, trim

SIX = pd.DataFrame({"sex": list("ffmmmm"), "x": [1, 0, 1, 1, 0, 1]})
SIX_TOTALS = {"f": 10, "m": 8}
# Two women and a man in town 0, and so on: cells f0, f0, f1, m0, m1, m1.
CROSSED = pd.DataFrame(
    {"sex": list("fffmmm"), "town": [0, 0, 1, 0, 1, 1], "y": [3.0, 5, 2, 7, 1, 4]}
)
MARGINS = {"sex": {"f": 5, "m": 14}, "town": {0: 4, 1: 15}}


def refused(wanted, adjust, *given, **named):
    """Return the error, having seen that it is the one wanted."""
    with pytest.raises(DesignError) as caught:
        adjust(*given, **named)
    assert caught.value.message_id == wanted
    return caught.value


# ── post-stratification


def test_post_stratification_by_hand():
    """2 women stand for 10, 4 men for 8: weights 5 and 2, mean (5·1 + 2·3)/18 = 11/18."""
    adjusted = post_stratify(sipas.Design(SIX), "sex", SIX_TOTALS)
    assert adjusted.weight.tolist() == [5, 5, 2, 2, 2, 2]
    assert sipas.mean(adjusted, "x").frame["value"].item() == pytest.approx(11 / 18)


def test_its_variance_is_that_of_residuals():
    """z = w(x − x̄_g)/18: Σz² = (25·2·¼ + 4·¾)/324 = 15.5/324, times 6/5."""
    means = sipas.mean(post_stratify(sipas.Design(SIX), "sex", SIX_TOTALS), "x")
    assert means.frame["se"].item() ** 2 == pytest.approx(6 / 5 * 15.5 / 324, rel=1e-12)
    assert means.covariance().to_numpy().item() == pytest.approx(6 / 5 * 15.5 / 324, rel=1e-12)


def test_what_is_known_has_no_error():
    """The share of women and the number of people are those of the population."""
    design = sipas.Design(SIX.assign(one=1.0, woman=SIX["sex"] == "f"))
    adjusted = post_stratify(design, "sex", SIX_TOTALS)
    share, count = sipas.mean(adjusted, "woman").frame, sipas.total(adjusted, "one").frame
    assert share["value"].item() == pytest.approx(10 / 18)
    assert count["value"].item() == 18
    assert max(share["se"].item(), count["se"].item()) < 1e-12


def test_unequal_weights_keep_their_proportions_within_a_post_stratum():
    """Men of weights 1, 1, 2, 4 share 8: 1, 1, 2, 4; women of 3 and 1 share 10: 7.5 and 2.5."""
    design = sipas.Design(SIX.assign(w=[3.0, 1, 1, 1, 2, 4]), weights="w")
    assert post_stratify(design, "sex", SIX_TOTALS).weight.tolist() == [7.5, 2.5, 1, 1, 2, 4]


def test_post_strata_of_several_columns_have_tuples_as_keys():
    """Cells f0, f1, m0, m1 of 2, 1, 1, 2 forms."""
    totals = {("f", 0): 8, ("f", 1): 3, ("m", 0): 5, ("m", 1): 4}
    adjusted = post_stratify(sipas.Design(CROSSED), ["sex", "town"], totals)
    assert adjusted.weight.tolist() == [4, 4, 3, 5, 2, 2]
    assert adjusted.calibration.table["margin"].unique().tolist() == ["sex × town"]


def test_the_diagnostics_of_post_stratification():
    """Table of levels; Kish (Σw)²/Σw² = 18²/66; largest factor 5, ratio 5/2."""
    known = post_stratify(sipas.Design(SIX), "sex", SIX_TOTALS).calibration
    assert known.table.to_dict("list") == {
        "margin": ["sex", "sex"],
        "level": ["f", "m"],
        "wanted": [10, 8],
        "before": [2, 4],
        "found": [10, 8],
        "gap": [0, 0],
    }
    assert known.base.tolist() == [1] * 6
    assert known.facts == pytest.approx(
        {
            "rounds": 1,
            "largest_gap": 0,
            "weight_ratio": 2.5,
            "largest_factor": 5,
            "n_eff_before": 6,
            "n_eff": 18**2 / 66,
        }
    )


def test_the_design_before_stays_as_it_was():
    """Calibration returns another design with another frame."""
    before = sipas.Design(SIX)
    post_stratify(before, "sex", SIX_TOTALS)
    assert before.weight.tolist() == [1] * 6
    assert before.calibration is None
    assert "weight" not in SIX


def test_clusters_strata_and_fractions_stay_in_the_design():
    """Only weights and what calibration knows are new."""
    frame = SIX.assign(c=[1, 2, 1, 2, 3, 3], N=9)
    adjusted = post_stratify(sipas.Design(frame, clusters="c", fpc="N"), "sex", SIX_TOTALS)
    assert (adjusted.clusters, adjusted.fpc) == ("c", "N")
    assert sipas.mean(adjusted, "x").frame["df"].item() == 2


# ── raking


def test_raking_by_hand():
    """Cells 2, 1, 1, 2 times rows 1, 2 and columns 1, 3: 2, 3, 2, 12; a form has 1, 3, 2, 6."""
    raked = rake(sipas.Design(CROSSED), MARGINS)
    assert raked.weight == pytest.approx([1, 1, 3, 2, 6, 6], rel=1e-8)
    value = (3 + 5 + 3 * 2 + 2 * 7 + 6 * 1 + 6 * 4) / 19
    assert sipas.mean(raked, "y").frame["value"].item() == pytest.approx(value, rel=1e-8)


def test_its_variance_is_that_of_residuals_on_all_margins():
    """z = w·e/19, e from least squares on both margins by the weights before; times 6/5."""
    base = np.array([1.0, 2, 1, 1, 3, 1])
    design = sipas.Design(CROSSED.assign(b=base), weights="b")
    raked = rake(design, MARGINS, tolerance=1e-13)
    levels = np.column_stack([CROSSED["sex"] == "f", CROSSED["sex"] == "m", CROSSED["town"] == 1])
    y, root = CROSSED["y"].to_numpy(), np.sqrt(base)
    fit = np.linalg.lstsq(levels * root[:, None], y * root, rcond=None)[0]
    z = raked.weight * (y - levels @ fit) / 19
    wanted = 6 / 5 * ((z - z.mean()) ** 2).sum()
    assert sipas.mean(raked, "y").frame["se"].item() ** 2 == pytest.approx(wanted, rel=1e-9)


def test_the_diagnostics_of_raking():
    """Every level of every margin, wanted and found; Kish 19²/87, ratio 6."""
    known = rake(sipas.Design(CROSSED), MARGINS).calibration
    table = known.table
    assert table["margin"].tolist() == ["sex", "sex", "town", "town"]
    assert table["level"].tolist() == ["f", "m", "0", "1"]
    assert table["wanted"].tolist() == [5, 14, 4, 15]
    assert table["before"].tolist() == [3, 3, 3, 3]
    assert table["gap"].tolist() == (table["found"] - table["wanted"]).tolist()
    assert 1 < known.facts["rounds"] < 100
    assert known.facts["largest_gap"] == table["gap"].abs().max() <= 1e-10 * 19
    assert known.facts["weight_ratio"] == pytest.approx(6)
    assert known.facts["largest_factor"] == pytest.approx(6)
    assert (known.facts["n_eff_before"], known.facts["n_eff"]) == pytest.approx((6, 19**2 / 87))


def test_raking_one_margin_is_post_stratification():
    """Weights, value and error."""
    raked = rake(sipas.Design(SIX), {"sex": SIX_TOTALS})
    other = post_stratify(sipas.Design(SIX), "sex", SIX_TOTALS)
    assert raked.weight.tolist() == other.weight.tolist()
    assert sipas.mean(raked, "x").frame.equals(sipas.mean(other, "x").frame)


def test_the_order_of_margins_does_not_matter():
    """Once it has converged."""
    turned = dict(reversed(MARGINS.items()))
    made = [rake(sipas.Design(CROSSED), it, tolerance=1e-13).weight for it in (MARGINS, turned)]
    assert made[0] == pytest.approx(made[1], rel=1e-10)


# ── errors


@pytest.mark.parametrize(
    ("totals", "wanted", "word"),
    [
        ({"f": 10, "m": 8, "x": 3}, "margin_no_form", "x"),
        ({"f": 10}, "margin_no_total", "m"),
        ({"f": 10, "m": 0}, "margin_total", "sex"),
        ({"f": 10, "m": -8}, "margin_total", "sex"),
        ({"f": 10, "m": float("nan")}, "margin_total", "sex"),
        ({"f": 10, "m": float("inf")}, "margin_total", "sex"),
    ],
)
def test_a_population_that_cannot_be_is_refused(totals, wanted, word):
    """A level without a form, without a total, or with a total that is not above 0."""
    assert word in str(refused(wanted, post_stratify, sipas.Design(SIX), "sex", totals))
    assert word in str(refused(wanted, rake, sipas.Design(SIX), {"sex": totals}))


def test_margins_of_different_populations_are_refused():
    """5 + 14 = 19 is not 4 + 16 = 20; the sentence says both."""
    margins = {"sex": {"f": 5, "m": 14}, "town": {0: 4, 1: 16}}
    said = str(refused("margins_differ", rake, sipas.Design(CROSSED), margins))
    assert "sex: 19" in said
    assert "town: 20" in said


@pytest.mark.parametrize(
    ("cells", "margins"),
    [
        (("f0", "m1"), {"sex": {"f": 4, "m": 6}, "town": {"0": 5, "1": 5}}),
        (("f0", "f1", "m1"), {"sex": {"f": 4, "m": 6}, "town": {"0": 5, "1": 5}}),
    ],
)
def test_margins_that_contradict_each_other_in_an_empty_cell_are_refused(cells, margins):
    """All of town 0 are women, but 5 live there and there are 4; rounds and gap are said."""
    frame = pd.DataFrame([[*cell] for cell in cells], columns=["sex", "town"])
    error = refused("rake_gap", rake, sipas.Design(frame), margins)
    assert error.fields["rounds"] == 1000
    assert float(error.fields["gap"]) > 0.4
    assert error.fields["total"] == "10"


def test_an_empty_cell_alone_is_no_obstacle():
    """f0, f1, m1 with margins that allow it: 3, 2, 5."""
    frame = pd.DataFrame({"sex": list("ffm"), "town": [0, 1, 1]})
    raked = rake(sipas.Design(frame), {"sex": {"f": 5, "m": 5}, "town": {0: 3, 1: 7}})
    assert raked.weight == pytest.approx([3, 2, 5])


@pytest.mark.parametrize("again", [rake, post_stratify])
def test_calibrating_twice_is_refused(again):
    """The credit of the first would be lost."""
    once = post_stratify(sipas.Design(SIX), "sex", SIX_TOTALS)
    given = ({"sex": SIX_TOTALS},) if again is rake else ("sex", SIX_TOTALS)
    refused("calibrate_twice", again, once, *given)


@pytest.mark.parametrize("blank", [None, float("nan")])
def test_a_blank_level_is_refused_with_its_number(blank):
    """Two forms without an answer belong to no level."""
    frame = SIX.assign(sex=["f", blank, "m", "m", blank, "m"])
    assert (
        refused("margin_blank", post_stratify, sipas.Design(frame), "sex", SIX_TOTALS).fields["n"]
        == 2
    )


def test_other_designs_that_cannot_be_calibrated_are_refused(tmp_path):
    """Files, replicate weights, and columns that are not there."""
    SIX.to_csv(tmp_path / "six.csv", index=False)
    refused("calibrate_files", post_stratify, sipas.Design(tmp_path / "six.csv"), "sex", {"f": 1})
    jackknife = sipas.Design(SIX, replicates="JK1")
    refused("calibrate_replicates", rake, jackknife, {"sex": SIX_TOTALS})
    assert "town" in str(refused("design_column", rake, sipas.Design(SIX), {"town": {0: 18}}))


# ── trimming


def weighted(weights):
    return sipas.Design(pd.DataFrame({"w": np.array(weights, dtype=float)}), weights="w")


def test_trimming_by_hand():
    """10 is cut to 8, and its 2 go to the others: 1, 1 become 2, 2."""
    assert trim(weighted([1, 1, 10]), high=8).weight.tolist() == [2, 2, 8]
    assert trim(weighted([1, 1, 10]), low=2).weight.tolist() == [2, 2, 8]


def test_what_is_shared_out_may_be_cut_again():
    """12 to 6: 4 and 2 would be 8 and 4; 8 is cut too, so that the last has 6 of 18."""
    assert trim(weighted([12, 4, 2]), high=6).weight == pytest.approx([6, 6, 6])


def test_weights_within_the_ends_are_left_alone():
    """Nothing to cut, nothing to share out."""
    assert trim(weighted([1, 2, 4]), 0.5, 5).weight.tolist() == [1, 2, 4]


def test_trimming_without_weights_changes_nothing():
    """All weigh 1."""
    assert trim(sipas.Design(SIX), 0.5, 2).weight.tolist() == [1] * 6


@given(weights=st.lists(st.floats(0.1, 100), min_size=1, max_size=12), wide=st.floats(1, 5))
def test_trimming_from_above_keeps_the_sum_and_the_end(weights, wide):
    """Also when what is shared out must be cut again."""
    high = wide * sum(weights) / len(weights) * (1 + 1e-9)
    made = trim(weighted(weights), high=high).weight
    assert made.sum() == pytest.approx(sum(weights), rel=1e-9)
    assert made.max() <= high


@pytest.mark.parametrize("weights", [[1, 1, 10], [0.5, 0.5, 10]])
def test_weights_at_the_low_end_may_rise_again(weights):
    """12 in all (or 11): the 10 is cut to 8, and the others, at the low end of 1, take the rest."""
    made = trim(weighted(weights), low=1, high=8).weight
    assert made.sum() == pytest.approx(sum(weights))


def test_ends_without_room_for_the_sum_are_refused():
    """A mean of 4 cannot be kept below 3, nor above 5."""
    refused("trim_ends", trim, weighted([1, 1, 10]), high=3)
    refused("trim_ends", trim, weighted([1, 1, 10]), low=5)


def test_trimming_loses_a_calibration_and_allows_another():
    """Calibrate afterwards, as it says."""
    once = post_stratify(sipas.Design(SIX), "sex", SIX_TOTALS)
    cut = trim(once, high=4)
    assert cut.calibration is None
    assert cut.weight.sum() == pytest.approx(18)
    assert post_stratify(cut, "sex", SIX_TOTALS).calibration is not None


def test_a_series_of_counts_is_taken_as_it_stands():
    """What value_counts returns."""
    frame = pd.DataFrame({"sex": list("fmm")})
    adjusted = post_stratify(sipas.Design(frame), "sex", frame["sex"].value_counts())
    assert adjusted.weight.tolist() == [1.0, 1.0, 1.0]


def test_a_column_of_the_data_is_never_overwritten():
    """A variable called weight stays what it is."""
    frame = pd.DataFrame({"weight": [50, 60, 70], "sex": list("fmm")})
    adjusted = post_stratify(sipas.Design(frame), "sex", {"f": 1, "m": 2})
    assert sipas.mean(adjusted, "weight").frame["value"].item() == 60.0


@pytest.mark.parametrize("margins", [{}, {"sex": {"f": "x", "m": 1}}])
def test_margins_that_are_none_are_refused(margins):
    """A clear error, not Python's own."""
    with pytest.raises(DesignError):
        rake(sipas.Design(pd.DataFrame({"sex": list("fmm")})), margins)
