"""Reliability: by hand, with warnings in plain words, and refused where it says nothing."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError


def answers(n=300, k=4, seed=1, noise=1.0):
    """Return answers of people to k items that share one trait."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    return pd.DataFrame({f"q{j}": trait + noise * rng.normal(size=n) for j in range(k)})


def test_alpha_of_three_people_scaled_up_is_worked_by_hand():
    """Variances 1, 1, 1 and of the sum 7: 1.5·(1 − 3/7) (rule D8)."""
    base = pd.DataFrame({"a": [1, 2, 3.0], "b": [1, 2, 3.0], "c": [1, 3, 2.0]})
    frame = pd.concat([base] * 10, ignore_index=True)
    found = sipas.reliability(frame, ["a", "b", "c"]).frame["value"].iloc[0]
    assert found == pytest.approx(1.5 * (1 - 3 / 7))


def test_planted_loadings_come_back():
    """One factor of loadings .9, .8, .7, .6 on 20,000 people; omega from them."""
    rng = np.random.default_rng(3)
    planted = np.array([0.9, 0.8, 0.7, 0.6])
    trait = rng.normal(size=20_000)
    frame = pd.DataFrame(
        {
            f"q{j}": w * trait + (1 - w**2) ** 0.5 * rng.normal(size=20_000)
            for j, w in enumerate(planted)
        }
    )
    scales = sipas.reliability(frame, [*frame])
    assert scales.items["loading"].to_numpy() == pytest.approx(planted, abs=0.015)
    omega = planted.sum() ** 2 / (planted.sum() ** 2 + (1 - planted**2).sum())
    own = scales.frame.set_index("variable").loc["omega"]
    assert own["value"] == pytest.approx(omega, abs=0.01)
    assert own["low"] < omega < own["high"]


def test_units_that_differ_are_told_apart_and_equal_ones_are_not():
    """Between-unit variance 1 and within 1 with 50 forms: 50/51; without difference about 0."""
    rng = np.random.default_rng(5)
    unit = np.repeat(np.arange(200), 50)
    effect = rng.normal(size=200)
    frame = pd.DataFrame({f"q{j}": rng.normal(size=len(unit)) for j in range(3)})
    frame["apart"] = effect[unit] + rng.normal(size=len(unit))
    frame["unit"] = unit
    found = sipas.reliability(frame, ["q0", "q1", "apart"], unit="unit").units
    value = found.set_index("variable")["value"]
    assert value["apart"] == pytest.approx(50 / 51, abs=0.01)
    assert abs(value["q0"]) < 0.3


def test_answers_of_one_level_are_called_too_skewed_to_tell():
    """Nine in ten chose 4."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"q{j}": np.where(rng.random(400) < 0.93, 4, 3) for j in range(4)})
    scales = sipas.reliability(frame, [*frame])
    assert "skewed" in scales.warnings
    assert "too alike to tell" in scales.texts("en")[0]
    assert "quá giống nhau" in scales.texts("vi")[0]
    assert "too alike to tell" in repr(scales)
    assert (scales.items["most"] > 0.9).all()
    assert sipas.reliability(answers(), [*answers()]).warnings == ()


def test_an_item_that_never_varies_is_set_aside_with_a_warning():
    """It has no correlation with anything."""
    scales = sipas.reliability(answers().assign(same=4.0), ["q0", "q1", "q2", "q3", "same"])
    assert scales.warnings == ("constant",)
    assert scales.items["variable"].tolist() == ["q0", "q1", "q2", "q3"]


def test_a_reversed_item_is_noticed():
    """One question asked the other way round."""
    frame = answers()
    frame["q0"] = -frame["q0"]
    assert "negative" in sipas.reliability(frame, [*frame]).warnings


@pytest.mark.parametrize(
    ("frame", "items", "words"),
    [
        (answers(), ["q0"], "2 or more"),
        (answers(n=8), ["q0", "q1", "q2"], "8 complete forms"),
        (answers(), ["q0", "q1", "q9"], "q9"),
        (answers().assign(q1="tốt"), ["q0", "q1", "q2"], "tốt"),
    ],
)
def test_what_cannot_be_told_is_refused(frame, items, words):
    """Too few items or forms, a missing column, text."""
    with pytest.raises(DesignError) as caught:
        sipas.reliability(frame, items)
    assert words in caught.value.text("en")


def test_one_item_has_an_f_and_two_have_spearman_browns_reliability():
    """One item: only the units; two: 2r/(1 + r), and no omega, which says why (rule D8)."""
    frame = answers().assign(unit=np.arange(300) % 10)
    alone = sipas.reliability(frame, "q0", unit="unit")
    assert alone.units["variable"].tolist() == ["q0", "mean"]
    assert alone.units["f"].iloc[0] == alone.units["f"].iloc[1] > 0
    assert alone.frame["value"].isna().all()
    pair = sipas.reliability(frame, ["q0", "q1"])
    value, r = pair.frame.set_index("variable")["value"], frame[["q0", "q1"]].corr().iloc[0, 1]
    assert value["alpha_standardised"] == pytest.approx(2 * r / (1 + r))
    assert np.isnan(value["omega"])
    assert "two_items" in pair.warnings
    assert "determine no omega" in repr(pair)


def test_factors_show_their_structure_and_the_forms_left_out():
    """Seven forms have a blank in one factor; the other rests on all its own forms."""
    frame = answers(k=5)
    frame.loc[:6, "q0"] = np.nan
    scales = sipas.reliability(frame, factors={"f": ["q0", "q1", "q2"], "g": ["q3", "q4"]})
    by_factor = scales.factors.set_index(["factor", "variable"])
    assert by_factor.loc[("f", "alpha"), "n"] == 293
    assert by_factor.loc[("g", "alpha"), "n"] == 300
    assert (scales.structure.n, scales.structure.lost) == (293, 7)
    text = repr(scales)
    assert "is blank: 7." in text
    assert "rmsea" in text


def test_weights_of_one_change_nothing_but_the_interval():
    """A design of equal weights gives the same values; a clustered one has a larger error."""
    frame = answers().assign(w=2.0, cluster=np.arange(300) // 15)
    items = ["q0", "q1", "q2"]
    plain, weighted = (
        sipas.reliability(frame, items, weights=weights).frame for weights in (None, "w")
    )
    np.testing.assert_allclose(plain["value"], weighted["value"], rtol=1e-12)
    np.testing.assert_allclose(plain["se"], weighted["se"], rtol=1e-9)
    assert weighted["method"].tolist() == ["linearised"] * 3
    design = sipas.Design(frame, clusters="cluster")
    assert sipas.reliability(design, items).frame["df"].tolist() == [19.0] * 3


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({"f": ["q0", "q1"]}, "needs 3 items"),
        ({"f": ["q0", "q1"], "g": ["q2"]}, "“g” has 1"),
        ({"f": ["q0", "q1", "same"]}, "same"),
        ({"f": ["q0", "q1", "q7"]}, "q7"),
        (["q0", "q1"], "by factor"),
    ],
)
def test_factors_that_cannot_be_fitted_are_refused(factors, words):
    """Too few items, an item without variance, a misspelt one, a list."""
    with pytest.raises(DesignError) as caught:
        sipas.reliability(answers().assign(same=1.0), ["q0", "q1", "q2"], factors=factors)
    assert words in caught.value.text("en")


@pytest.mark.slow
def test_a_part_of_a_design_is_that_part_in_every_statistic():
    """Values are those of the part's frame; forms outside are no lost ones (rule V1)."""
    frame = answers(n=200).assign(unit=np.arange(200) % 8, sex=["f", "m"] * 100)
    frame.loc[[0, 1], "q0"] = np.nan
    items, design = ["q0", "q1", "q2"], sipas.Design(frame).subset("sex == 'f'")
    women = frame[frame["sex"] == "f"]
    part, alone = (
        sipas.reliability(sample, items, unit="unit", factors={"f": items})
        for sample in (design, women)
    )
    assert part.lost == alone.lost == part.structure.lost == 1
    for table in ("items", "units"):
        pd.testing.assert_frame_equal(getattr(part, table), getattr(alone, table))
    np.testing.assert_allclose(part.frame["value"], alone.frame["value"])
    np.testing.assert_allclose(part.structure.loadings["value"], alone.structure.loadings["value"])
    for estimate in (sipas.polychoric, sipas.icc):
        levels = design.assign(q1=lambda forms: forms["q1"].round(), q2=frame["q2"].round())
        found = estimate(levels, ["q1", "q2"]).frame
        wanted = estimate(
            women.assign(q1=women["q1"].round(), q2=women["q2"].round()), ["q1", "q2"]
        )
        np.testing.assert_allclose(found["value"], wanted.frame["value"])


def test_a_survey_brings_its_items_and_refuses_two_scales_in_one_factor():
    """The question on the whole is no item of the scale; a pack may have two scales."""
    rng = np.random.default_rng(9)
    levels = rng.integers(1, 6, (60, 1)) + rng.integers(-1, 2, (60, 4))
    frame = pd.DataFrame(levels.clip(1, 5), columns=["q0", "q1", "q2", "whole"])
    frame["wide"] = rng.integers(0, 11, 60)
    factors = {"f": ["q0", "q1"], "g": ["q2", "wide"]}
    survey = sipas.survey(frame, factors={"f": ["q0", "q1", "q2"]}, overall="whole")
    assert sipas.reliability(survey).items["variable"].tolist() == ["q0", "q1", "q2"]
    assert sipas.reliability(survey, factors=True).structure.fit["df"] == 0
    several = sipas.survey(
        frame,
        factors={"f": ["q0", "q1", "q2"], "g": ["wide"]},
        scale={"f": (1, 5), "g": (0, 10)},
    )
    with pytest.raises(DesignError, match=r"in “g” they have two \(q2 1–5, wide 0–10\)"):
        sipas.reliability(several, factors=factors)
    with pytest.raises(DesignError, match="in “items” they have two"):
        sipas.reliability(several)
