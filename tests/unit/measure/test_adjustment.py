"""Fair comparison: who was served, and how few answered."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError


def people(units=5, each=40, seed=1):
    """Return people whose answers rise with age, in units that serve people of different ages."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(units), each)
    effect = np.linspace(-4, 4, units)
    age = 40 + 6 * code + rng.normal(0, 8, len(code))
    frame = pd.DataFrame({"unit": [f"u{k}" for k in code], "age": age})
    for item in ("a", "b"):
        frame[item] = 80 - effect[code] + 0.8 * (age - 50) + rng.normal(0, 2, len(code))
    return frame, effect


def test_who_is_served_is_taken_out():
    """Raw means rank the units by their clients, adjusted ones by their work (rule A1)."""
    frame, effect = people()
    mix = sipas.case_mix(frame, unit="unit", items=["a", "b"], adjusters="age").frame
    whole = mix[mix["variable"] == "composite"]
    assert whole["rank_raw"].tolist() == [5, 4, 3, 2, 1]
    assert whole["rank"].tolist() == [1, 2, 3, 4, 5]
    assert whole["deviation"].to_numpy() == pytest.approx(-effect, abs=1.0)


def test_without_adjusters_means_are_raw():
    """Nothing to take out: adjusted and raw are one."""
    frame, _ = people()
    mix = sipas.case_mix(frame, unit="unit", items="a", adjusters=[]).frame
    wanted = frame.groupby("unit")["a"].mean()
    own = mix[mix["variable"] == "a"]
    assert own["value"].to_numpy() == pytest.approx(wanted.to_numpy())
    spread = frame.groupby("unit")["a"].std(ddof=0) / np.sqrt(40)
    assert own["se"].to_numpy() == pytest.approx(spread.to_numpy())


def test_a_blank_adjuster_takes_the_mean_of_all_forms_of_its_unit():
    """Also of those who left the item blank."""
    frame = pd.DataFrame(
        {
            "unit": list("aaaabbbb"),
            "x": [1, 2, 9, np.nan, 4, 5, 6, 7.0],
            "q": [1, 2, np.nan, 4, 5, 6, 8, 9.0],
        }
    )
    filled = frame.assign(x=frame["x"].fillna(4.0))
    one, other = (
        sipas.case_mix(it, unit="unit", items="q", adjusters="x").frame for it in (frame, filled)
    )
    pd.testing.assert_frame_equal(one, other)


def test_text_adjusters_become_a_column_for_each_answer_but_one():
    """As yes/no columns would do."""
    frame, _ = people()
    sex = np.where(np.arange(len(frame)) % 3 == 0, "nam", "nữ")
    text = sipas.case_mix(frame.assign(sex=sex), unit="unit", items="a", adjusters=["age", "sex"])
    number = sipas.case_mix(
        frame.assign(sex=(sex == "nữ") * 1), unit="unit", items="a", adjusters=["age", "sex"]
    )
    assert text.effects["adjuster"].tolist() == ["age", "sex=nữ"]
    pd.testing.assert_frame_equal(text.frame, number.frame)


def test_an_item_nobody_of_a_unit_answered_leaves_the_composite_to_the_others():
    """The unit has no figure for the item and still has a composite."""
    frame, _ = people()
    frame.loc[frame["unit"] == "u2", "b"] = np.nan
    mix = sipas.case_mix(frame, unit="unit", items=["a", "b"], adjusters="age").frame
    own = mix[mix["unit"] == "u2"].set_index("variable")
    assert np.isnan(own.loc["b", "value"])
    assert own.loc["composite", "value"] == pytest.approx(own.loc["a", "value"])
    assert own["n_valid"].tolist() == [40, 0, 40]


def test_one_unit_and_one_person_have_no_rank_among_others_and_no_error():
    """Nothing to compare with; one person's own error is not seen."""
    frame, _ = people(units=1)
    mix = sipas.case_mix(frame, unit="unit", items="a", adjusters="age")
    assert mix.frame["deviation"].tolist() == [0.0, 0.0]
    assert mix.tests["f"].isna().all()
    more = pd.concat([frame, pd.DataFrame({"unit": ["z"], "age": [50.0], "a": [70.0]})])
    alone = sipas.case_mix(more, unit="unit", items="a", adjusters="age").frame
    assert alone.loc[alone["unit"] == "z", "se"].isna().all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(age=f["age"].where(f["unit"] != "u3")), "u3"),
        (lambda f: f.assign(age=5.0), "age"),
        (lambda f: f.assign(age=f["unit"].str[1:].astype(float)), "age"),
        (lambda f: f.drop(columns="age"), "age"),
    ],
)
def test_an_adjuster_that_cannot_adjust_is_refused_by_name(change, words):
    """Blank in a whole unit, constant, the same for all of a unit, or missing."""
    frame, _ = people()
    with pytest.raises(DesignError) as caught:
        sipas.case_mix(change(frame), unit="unit", items="a", adjusters="age")
    assert words in caught.value.text("en")


def test_an_item_that_nobody_answered_and_odd_columns():
    """A blank item has no figure and hides no other; text and weights of 0 are refused by name."""
    frame, _ = people()
    empty = sipas.case_mix(frame.assign(b=np.nan), unit="unit", items=["a", "b"], adjusters="age")
    alone = sipas.case_mix(frame, unit="unit", items="a", adjusters="age").frame
    own = empty.frame[empty.frame["variable"] == "composite"]["value"].to_numpy()
    assert own == pytest.approx(alone[alone["variable"] == "composite"]["value"].to_numpy())
    assert empty.frame.loc[empty.frame["variable"] == "b", "value"].isna().all()
    for wrong, given in (({"a": "tốt"}, {}), ({"w": 0.0}, {"weights": "w"})):
        with pytest.raises(DesignError, match=r"tốt|above 0"):
            sipas.case_mix(frame.assign(**wrong), unit="unit", items="a", adjusters="age", **given)


def test_collinear_adjusters_are_refused_by_name():
    """Age in years and in months say the same."""
    frame, _ = people()
    frame["months"] = 12 * frame["age"]
    with pytest.raises(DesignError) as caught:
        sipas.case_mix(frame, unit="unit", items="a", adjusters=["age", "months"])
    assert "age, months" in caught.value.text("en")


def test_small_units_borrow_more_and_the_parent_keeps_its_figure():
    """The smaller the sample the larger the share borrowed; means by size are exact (rule A2)."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(4, 200, 60)
    direct = pd.Series(rng.normal(88, 4, 60), [f"x{k}" for k in range(60)])
    parents = np.repeat(["p", "q", "r"], 20)
    pooled = sipas.small_area(direct, 900 / sizes, parents=parents, sizes=sizes).frame
    order = np.argsort(sizes)
    assert (np.diff(pooled["borrowed"].to_numpy()[order]) <= 1e-12).all()
    both = pooled.assign(w=sizes).groupby("parent")[["value", "direct", "w"]]
    for _, own in both:
        mean = np.average(own["value"], weights=own["w"])
        assert mean == pytest.approx(np.average(own["direct"], weights=own["w"]), abs=1e-9)


def test_a_unit_at_100_percent_is_not_taken_for_certain():
    """Its own variance is 0; the stated function gives it that of its size."""
    direct, variance = [100.0, 85.0, 90.0, 80.0], [0.0, 40.0, 30.0, 50.0]
    sized = sipas.small_area(direct, variance, sizes=[5, 20, 30, 25]).frame
    plain = sipas.small_area(direct, variance).frame
    per_person = (19 * 20 * 40 + 29 * 30 * 30 + 24 * 25 * 50) / (4 + 19 + 29 + 24)
    assert sized["variance"].to_numpy() == pytest.approx(per_person / np.array([5, 20, 30, 25]))
    assert plain["variance"].tolist() == [40.0, 40.0, 30.0, 50.0]
    assert sized.loc[0, "value"] < 100 > plain.loc[0, "value"]


def test_a_unit_without_answers_takes_what_the_others_say():
    """All of it is borrowed, and its error is the largest."""
    pooled = sipas.small_area([80.0, 90.0, np.nan, 86.0, 84.0], [9.0, 9.0, np.nan, 9.0, 9.0]).frame
    assert pooled.loc[2, "borrowed"] == 1.0
    assert pooled["se"].idxmax() == 2
    assert 80 < pooled.loc[2, "value"] < 90
    assert pooled["rank_direct"].isna().tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("direct", [[80.0], [80.0, 80.0, 80.0], [100.0, 100.0, 100.0]])
def test_one_unit_and_equal_units_keep_their_figure(direct):
    """No difference is invented, and no component is negative."""
    pooled = sipas.small_area(direct, [25.0] * len(direct))
    assert pooled.frame["value"].to_numpy() == pytest.approx(direct)
    assert not pooled.sigma2 < 0
    assert (pooled.frame["se"] > 0).all()


def test_without_any_error_nothing_is_borrowed_and_none_is_claimed():
    """All at 100 % with variances of 0."""
    pooled = sipas.small_area([100.0, 100.0], [0.0, 0.0])
    assert pooled.method == "none"
    assert pooled.frame["value"].tolist() == [100.0, 100.0]
    assert pooled.frame["se"].isna().all()


def test_the_chance_of_a_place_adds_up_to_the_places():
    """Three units: chances of being first add to 1, of being in the first two to 2 (rule R4)."""
    pooled = sipas.small_area([80.0, 84.0, 95.0], [4.0, 4.0, 4.0])
    assert pooled.rank_chance(1).sum() == pytest.approx(1.0)
    assert pooled.rank_chance(2).sum() == pytest.approx(2.0)
    assert pooled.rank_chance(3).tolist() == [1.0, 1.0, 1.0]
    assert pooled.rank_chance(1).idxmax() == 2
    alike = sipas.small_area(np.full(10, 80.0), np.full(10, 4.0)).rank_chance(1)
    assert alike.to_numpy() == pytest.approx(0.1, abs=0.015)


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (([1.0, 2.0], [1.0]), "shape"),
        (([1.0, 2.0], [1.0, -1.0]), "value 2"),
        (([1.0, np.inf], [1.0, 1.0]), "infinite"),
        (([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]), "follow from"),
    ],
)
def test_pooling_refuses_what_does_not_fit(passed, words):
    """Shapes, signs, covariates that say nothing of their own."""
    with pytest.raises(DesignError) as caught:
        sipas.small_area(*passed)
    assert words in caught.value.text("en")
