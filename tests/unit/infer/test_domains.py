"""A part of a sample keeps the sample whole; weights of zero count; answers have their order."""

import math

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.weighting import post_stratify

RNG = np.random.default_rng(11)
FORMS = pd.DataFrame(
    {
        "town": np.repeat(list("abcd"), 30),
        "hamlet": np.tile(np.repeat([1, 2, 3], 10), 4),
        "w": RNG.uniform(1, 5, 120),
        "y": RNG.normal(50, 9, 120).round(1),
        "x": RNG.normal(0, 1, 120).round(2),
        "code": RNG.integers(1, 5, 120),
        "sex": RNG.choice(["f", "m"], 120),
        "N": np.repeat([12, 9, 30, 60], 30),
    }
)
FIGURES = ["value", "se", "low", "high", "df", "n", "n_valid", "deff"]


def sample(**changes):
    return sipas.Design(FORMS, **{"weights": "w", "strata": "town", "clusters": "hamlet"} | changes)


@pytest.mark.parametrize("changes", [{}, {"clusters": None}, {"fpc": "N"}, {"replicates": "JKn"}])
@pytest.mark.slow
def test_a_part_has_the_figures_of_its_domain(changes):
    """subset and by= are two ways to one figure, also after calibration (rule V1)."""
    designs = [sample(**changes)]
    if "replicates" not in changes:
        designs.append(post_stratify(designs[0], "sex", {"f": 300, "m": 200}))
    for design in designs:
        for estimate in (sipas.mean, sipas.total, sipas.variance, sipas.proportion):
            variable = "code" if estimate is sipas.proportion else "y"
            rows = estimate(design, variable, by="sex").select(sex="f").frame
            part = estimate(design.subset("sex == 'f'"), variable).frame
            pd.testing.assert_frame_equal(part[FIGURES], rows[FIGURES], rtol=1e-12)


def test_a_part_may_be_given_in_several_ways():
    """Text, Series, array, list, function and a part of a part; a blank is no."""
    design, old = sample(), FORMS["y"] > 50
    blank = old.astype("boolean").mask(~old)
    ways = ["y > 50", old, old.to_numpy(), list(old), lambda forms: forms["y"] > 50, blank]
    means = {sipas.mean(design.subset(way), "y").frame["se"].item() for way in ways}
    assert len(means) == 1
    both = design.subset("y > 50").subset("sex == 'm'")
    at_once = design.subset("y > 50 and sex == 'm'")
    assert both.members.tolist() == at_once.members.tolist()
    assert not hasattr(design.domain, "shape")


@pytest.mark.slow
def test_a_model_of_a_part_is_that_of_its_forms_alone():
    """Coefficients are those of the forms alone; errors know the clusters without any of them."""
    part = FORMS[FORMS["town"].isin(["a", "b"]) & (FORMS["y"] > 45)]
    alone = sipas.Design(part, "w", "town", "hamlet")
    whole = sample().subset("town in ['a', 'b'] and y > 45")
    fits = [sipas.fit(design, "y ~ x + sex") for design in (whole, alone)]
    assert fits[0].params.to_numpy() == pytest.approx(fits[1].params.to_numpy(), rel=1e-9)
    assert fits[0].n == len(part)
    shares = [sipas.importance(design, "y", ["x", "sex"]).frame for design in (whole, alone)]
    assert shares[0]["value"].to_numpy() == pytest.approx(shares[1]["value"].to_numpy(), rel=1e-9)
    gaps = FORMS.assign(x=FORMS["x"].mask(FORMS.index % 7 == 0))
    design = sipas.Design(gaps, "w", "town", "hamlet").subset("sex == 'f'")
    filled = sipas.fit(design, "y ~ x", missing="impute", imputations=3)
    assert filled.n == (FORMS["sex"] == "f").sum()


def test_forms_of_weight_zero_count_and_give_nothing():
    """As a domain that lacks them; n counts them, n_valid and df do not (R: weights != 0)."""
    frame = FORMS.assign(w=FORMS["w"].where(FORMS["hamlet"] != 3, 0.0))
    zero = sipas.mean(sipas.Design(frame, "w", "town", "hamlet"), "y").frame.iloc[0]
    part = sipas.mean(sample().subset("hamlet != 3"), "y").frame.iloc[0]
    assert (zero["value"], zero["se"]) == pytest.approx((part["value"], part["se"]), rel=1e-12)
    assert (zero["n"], zero["n_valid"], zero["df"]) == (120, 80, 8 - 4)


def test_weights_follow_from_fractions():
    """Three of 12, 9, 30 and 60 hamlets were drawn: a form stands for 4, 3, 10 and 20."""
    design = sample(weights=None, fpc="N")
    assert sorted(set(design.weight)) == pytest.approx([3, 4, 10, 20])
    assert design.weights == "weight"
    assert sipas.total(design.assign(one=1), "one").frame["value"].item() == pytest.approx(30 * 37)


def test_a_variance_by_hand():
    """1, 2, 3, 6: s² = 14/3; z = (4/3)(y − 3)² − s², over n; Var = n/(n−1)·Σ(z/n)²."""
    y = np.array([1.0, 2, 3, 6])
    got = sipas.variance(sipas.Design(pd.DataFrame({"y": y})), "y").frame.iloc[0]
    z = 4 / 3 * (y - 3) ** 2 - 14 / 3
    assert got["value"] == pytest.approx(14 / 3)
    assert got["se"] == pytest.approx(math.sqrt(4 / 3 * ((z / 4) ** 2).sum()))


def test_answers_keep_their_order():
    """Categories in their order, also one that nobody chose; codes by size; 0/1 in one row."""
    levels = ["low", "mid", "high", "top"]
    grade = pd.Categorical.from_codes(FORMS["code"] % 3, levels, ordered=True)
    design = sample().assign(grade=grade, late=FORMS["y"] > 50)
    shares = sipas.proportion(design, ["grade", "code", "late"]).frame
    assert shares["answer"].tolist() == [*levels, 1, 2, 3, 4, ""]
    assert shares["value"][:4].sum() == pytest.approx(1)
    assert shares["value"][3] == 0
    totals = sipas.total(design, "grade").frame
    assert totals["value"].sum() == pytest.approx(FORMS["w"].sum())
    assert sipas.mean(design, "y", by="grade").frame["grade"].tolist() == levels[:3]


@pytest.mark.parametrize("method", ["exact", "beta", "logit", "wilson", "asin", "wald"])
@pytest.mark.quick_cases(2)
def test_a_share_that_a_margin_fixes_has_no_width(method):
    """The share of a post-stratum, and a census: no width by any method (rule I1)."""
    fixed = post_stratify(sample(), "sex", {"f": 300, "m": 100})
    rows = sipas.proportion(fixed, "sex", method=method).frame
    assert (rows["low"] == rows["value"]).all()
    assert (rows["high"] == rows["value"]).all()
    assert rows["value"].tolist() == pytest.approx([0.75, 0.25])
    assert set(rows["method"]) == {"known"}
    whole = sipas.Design(FORMS.assign(all=1.0), strata="town", fpc="all")
    rows = sipas.proportion(whole, "sex", method=method).frame
    assert (rows["low"] == rows["value"]).all()
    assert (rows["high"] == rows["value"]).all()
    means = sipas.mean(fixed.assign(f=FORMS["sex"] == "f"), "f").frame.iloc[0]
    assert means["low"] == means["high"] == means["value"]


def test_forms_without_a_group_are_counted():
    """They are in no row, but a sentence above the table has their number."""
    frame = FORMS.assign(town_b=FORMS["town"].where(FORMS["town"] != "b"))
    means = sipas.mean(sipas.Design(frame), "y", by="town_b")
    assert len(means) == 3
    assert "town_b is blank: 30" in repr(means)
    assert "30" in means._repr_html_()
    assert sipas.mean(sipas.Design(frame), "y").sentences() == []


def test_combinations_by_label():
    """Weights, expressions and functions give one figure; p is of t; labels join keys (V7)."""
    means = sipas.mean(sample(), ["y", "x"], by="sex")
    assert list(means.covariance()) == ["f/y", "f/x", "m/y", "m/x"]
    ways = ({"f/y": 1, "m/y": -1}, "`f/y` - `m/y`", [1, 0, -1, 0], lambda v: v[0] - v[2])
    rows = [means.combine(way, adjust="holm").frame.iloc[0] for way in ways]
    apart = means.select(variable="y").difference({"sex": "f"}, {"sex": "m"}).frame.iloc[0]
    for row in rows:
        assert row["se"] == pytest.approx(apart["se"], rel=1e-9)
        assert row["p"] == pytest.approx(apart["p"], rel=1e-8)
    matrix = means.covariance()
    assert matrix.loc["f/y", "f/y"] == pytest.approx(means.frame["se"][0] ** 2)
    ends = means.confint(df=np.inf)
    width = 2 * 1.959963984540054 * means.frame["se"][0]
    assert ends.loc["f/y", "high"] - ends.loc["f/y", "low"] == pytest.approx(width)
    assert means.cv()["f/y"] == pytest.approx(means.frame["se"][0] / means.frame["value"][0])
    with pytest.raises(ColumnError, match="f/y"):
        means.combine({"f/z": 1})


def test_a_key_may_have_the_name_of_a_description():
    """``group`` describes a unit in scores; as a key of domains it is matched like any other."""
    means = sipas.mean(sample().assign(group=FORMS["town"]), "y", by=["group", "sex"])
    apart = means.difference({"sex": "f"}, {"sex": "m"}).frame
    assert apart["group"].tolist() == list("abcd")
    assert means.labels()[:2] == ["a/f/y", "a/m/y"]


@pytest.mark.slow
def test_p_values_are_adjusted_as_statsmodels_does():
    """Every row of a table of differences is one test."""
    from statsmodels.stats.multitest import multipletests

    means = sipas.mean(sample(), ["y", "x", "code"], by="sex")
    for method in ("holm", "fdr_bh"):
        rows = means.difference({"sex": "f"}, {"sex": "m"}, adjust=method).frame
        assert rows["p_adjusted"].tolist() == multipletests(rows["p"], method=method)[1].tolist()
