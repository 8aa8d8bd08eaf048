"""Weights made to fit the population, by hand: post-stratification, raking, trimming (rule W1)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.weighting import calibrate, post_stratify, rake, trim

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


@pytest.mark.parametrize("blank", [None, float("nan")])
def test_a_blank_level_is_refused_with_its_number(blank):
    """Two forms without an answer belong to no level."""
    frame = SIX.assign(sex=["f", blank, "m", "m", blank, "m"])
    assert (
        refused("margin_blank", post_stratify, sipas.Design(frame), "sex", SIX_TOTALS).fields["n"]
        == 2
    )


def test_other_designs_that_cannot_be_calibrated_are_refused(tmp_path):
    """Files, and columns that are not there."""
    SIX.to_csv(tmp_path / "six.csv", index=False)
    refused("calibrate_files", post_stratify, sipas.Design(tmp_path / "six.csv"), "sex", {"f": 1})
    assert "town" in str(refused("design_column", rake, sipas.Design(SIX), {"town": {0: 18}}))


# ── calibration to numbers (rule W2)


def test_the_regression_estimator_by_hand():
    """Ages 20 to 50, 100 people of mean 36: g = 1 + η₀ + η₁·age, weights on a line."""
    design = sipas.Design(pd.DataFrame({"age": [20.0, 30, 40, 50], "y": [1.0, 4, 2, 7]}))
    fitted = calibrate(design, {"(Intercept)": 100, "age": 3600})
    assert fitted.weight == pytest.approx([22, 24, 26, 28])
    x = np.column_stack([np.ones(4), [20, 30, 40, 50]])
    residual = np.array([1.0, 4, 2, 7]) - x @ np.linalg.lstsq(x, [1.0, 4, 2, 7], rcond=None)[0]
    z = fitted.weight * residual
    wanted = 4 / 3 * ((z - z.mean()) ** 2).sum()
    assert sipas.total(fitted, "y").frame["se"].item() ** 2 == pytest.approx(wanted, rel=1e-9)
    assert sipas.total(fitted, "age").frame[["value", "se"]].to_numpy() == pytest.approx(
        np.array([[3600, 0]]), abs=1e-6
    )


def test_raking_and_post_stratification_are_calibrations():
    """The same weights and errors; one level may be left out, or named as R names it."""
    raked = rake(sipas.Design(CROSSED), MARGINS, tolerance=1e-13)
    for totals in (MARGINS, {"(Intercept)": 19, "sexm": 14, "town[T.1]": 15}):
        other = calibrate(sipas.Design(CROSSED), totals, method="raking")
        assert other.weight == pytest.approx(raked.weight, rel=1e-9)
        errors = [sipas.mean(design, "y").frame["se"].item() for design in (raked, other)]
        assert errors[0] == pytest.approx(errors[1], rel=1e-8)


def test_products_are_named_as_in_r():
    """All cells of a table, by tuple or by products of levels and numbers."""
    design = sipas.Design(CROSSED)
    cells = {("f", 0): 8, ("f", 1): 3, ("m", 0): 5, ("m", 1): 4}
    table = calibrate(design, {("sex", "town"): cells})
    assert table.weight == pytest.approx(post_stratify(design, ["sex", "town"], cells).weight)
    named = calibrate(design, {"(Intercept)": 20, "sexm": 9, "town": 7, "sexm:town": 4})
    assert named.weight == pytest.approx(table.weight)


@pytest.mark.parametrize("method", ["linear", "raking", "logit"])
def test_bounded_factors_keep_their_bounds_and_the_totals(method):
    """All factors between the ends, and both totals met."""
    frame = pd.DataFrame({"x": np.arange(40.0), "w": 2.0})
    fitted = calibrate(
        sipas.Design(frame, weights="w"), {"Intercept": 80, "x": 1900}, method, bounds=(0.5, 1.5)
    )
    factor = fitted.weight / 2
    assert factor.min() >= 0.5
    assert factor.max() <= 1.5
    assert fitted.weight @ frame["x"] == pytest.approx(1900)
    assert fitted.calibration.table["gap"].abs().max() < 1e-6


def test_a_form_without_weight_keeps_none():
    """Raking, calibration and trimming leave 0 at 0; a level needs a form that counts."""
    frame = CROSSED.assign(w=[1.0, 1, 1, 1, 1, 0])
    design = sipas.Design(frame, weights="w")
    for adjusted in (rake(design, MARGINS), calibrate(design, MARGINS, "raking")):
        assert adjusted.weight[5] == 0
        assert np.isfinite(sipas.mean(adjusted, "y").frame["se"].item())
    frame = CROSSED.assign(w=[1.0, 2, 4, 0, 1, 1])
    assert trim(sipas.Design(frame, weights="w"), upper=3).weight.tolist() == [
        1.25,
        2.25,
        3,
        0,
        1.25,
        1.25,
    ]
    refused("margin_no_form", rake, design.subset("sex == 'f'"), {"sex": {"f": 5, "m": 14}})


def test_a_part_of_a_calibrated_design_is_a_group_of_it():
    """``subset`` and ``by=`` give one figure, also after another calibration and a cut."""
    design = rake(sipas.Design(CROSSED), MARGINS)
    design = trim(calibrate(design, {"(Intercept)": 20, "y": 66}, "raking"), upper=7)
    part = sipas.mean(design.subset("town == 1"), "y").frame
    group = sipas.mean(design, "y", by="town").frame.iloc[1:]
    assert part["se"].item() == pytest.approx(group["se"].item(), rel=1e-12)


@pytest.mark.parametrize(
    ("totals", "how", "wanted"),
    [
        ({"sex": 5}, {}, "calibrate_text"),
        ({"y": "many"}, {}, "calibrate_total"),
        ({"sexx": 5}, {}, "design_column"),
        ({"gap": 5}, {}, "calibrate_blank"),
        ({}, {}, "margin_none"),
        ({"y": 400, "(Intercept)": 6}, {}, "calibrate_negative"),
        ({"y": 400, "(Intercept)": 6}, {"bounds": (0.5, 2)}, "calibrate_gap"),
        ({"y": 20}, {"bounds": (2, 0.5)}, "calibrate_bounds"),
        ({"y": 20}, {"method": "logit"}, "calibrate_bounds"),
    ],
)
def test_totals_that_cannot_be_met_are_refused(totals, how, wanted):
    """One sentence each, with the cure."""
    frame = CROSSED.assign(gap=[1.0, 2, None, 3, 4, 5])
    refused(wanted, calibrate, sipas.Design(frame), totals, **how)


# ── trimming (rule W3)


def weighted(weights):
    return sipas.Design(pd.DataFrame({"w": np.array(weights, dtype=float)}), weights="w")


def test_trimming_by_hand():
    """10 is cut to 8, and its 2 go to the others: 1, 1 become 2, 2."""
    assert trim(weighted([1, 1, 10]), upper=8).weight.tolist() == [2, 2, 8]
    assert trim(weighted([1, 1, 10]), lower=2).weight.tolist() == [2, 2, 8]
    assert trim(weighted([1, 3, 10]), upper=8).weight.tolist() == [2, 4, 8]


def test_what_is_shared_out_is_cut_again_where_it_is_strict():
    """12 to 7: 5 to share, 6 and 5 become 8.5 and 7.5; strict: 7, 7 and the rest."""
    assert trim(weighted([12, 6, 5, 1]), upper=7.5).weight.tolist() == [7.5, 7.5, 6.5, 2.5]
    assert trim(weighted([12, 6.5, 3, 1]), upper=7).weight == pytest.approx(
        [7, 6.5 + 5 / 3, 3 + 5 / 3, 1 + 5 / 3]
    )
    strict = trim(weighted([12, 6.5, 3, 1]), upper=7, strict=True).weight
    assert strict == pytest.approx([7, 7, 5.25, 3.25])


def test_the_multiplicative_way_keeps_proportions():
    """12 to 6: 4 and 2 would be 8 and 4; 8 is cut too, so that the last has 6 of 18."""
    made = trim(weighted([12, 4, 2]), upper=6, method="multiplicative").weight
    assert made == pytest.approx([6, 6, 6])
    assert trim(weighted([1, 1, 10]), upper=8, method="multiplicative").weight.tolist() == [2, 2, 8]


def test_weights_within_the_ends_are_left_alone():
    """Nothing to cut, nothing to share out; without weights all weigh 1."""
    for method in ("additive", "multiplicative"):
        assert trim(weighted([1, 2, 4]), 0.5, 5, method=method).weight.tolist() == [1, 2, 4]
        assert trim(sipas.Design(SIX), 0.5, 2, method=method).weight.tolist() == [1] * 6


@given(
    weights=st.lists(st.floats(0.1, 100), min_size=1, max_size=12),
    wide=st.floats(1, 5),
    method=st.sampled_from(["additive", "multiplicative"]),
)
@pytest.mark.slow
def test_trimming_from_above_keeps_the_sum_and_the_end(weights, wide, method):
    """Also when what is shared out must be cut again."""
    upper = wide * sum(weights) / len(weights) * (1 + 1e-9)
    made = trim(weighted(weights), upper=upper, strict=True, method=method).weight
    assert made.sum() == pytest.approx(sum(weights), rel=1e-9)
    assert made.max() <= upper * (1 + 1e-12)


@pytest.mark.parametrize("weights", [[1, 1, 10], [0.5, 0.5, 10]])
def test_weights_at_the_low_end_may_rise_again(weights):
    """12 in all (or 11): the 10 is cut to 8, and the others, at the low end of 1, take the rest."""
    made = trim(weighted(weights), lower=1, upper=8, method="multiplicative").weight
    assert made.sum() == pytest.approx(sum(weights))


def test_ends_without_room_for_the_sum_are_refused():
    """A mean of 4 cannot be kept below 3, nor above 5; replicates are made after trimming."""
    refused("trim_ends", trim, weighted([1, 1, 10]), upper=3)
    refused("trim_ends", trim, weighted([1, 1, 10]), lower=5)
    refused("trim_replicates", trim, sipas.Design(SIX, replicates="JK1"), upper=2)


def test_trimming_keeps_a_calibration_and_allows_another():
    """As in R; the totals can be met again."""
    once = post_stratify(sipas.Design(SIX), "sex", SIX_TOTALS)
    cut = trim(once, upper=4)
    assert cut.weight.sum() == pytest.approx(18)
    assert post_stratify(cut, "sex", SIX_TOTALS).calibration.before is cut.calibration


# ── direct standardisation (rule W4)


def test_a_standardised_mean_by_hand():
    """Town a: old 1 of 2, young 0 of 1, at 3 : 1 (old : young) 3/8; b has no young: 1."""
    frame = pd.DataFrame(
        {"y": [1.0, 0, 0, 1, 1], "age": list("ooyoo"), "town": ["a", "a", "a", "b", None]}
    )
    got = sipas.standardise(
        sipas.Design(frame), "y", by="town", over="age", population={"o": 3, "y": 1}
    )
    assert got.frame["value"].tolist() == [0.375, 1.0]
    assert got.frame["n"].tolist() == [3, 1]
    refused("margin_no_total", sipas.standardise, sipas.Design(frame), "y", over="age",
            population={"o": 3})  # fmt: skip
    refused("design_column", sipas.standardise, sipas.Design(frame), "y", over="ages",
            population={"o": 3})  # fmt: skip


# ── names and kinds


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
