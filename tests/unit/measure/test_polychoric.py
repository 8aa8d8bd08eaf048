"""Polychoric correlations: by hand, planted, with warnings, and refused where nothing varies."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError


def answers(cuts, rho=0.6, n=4000, seed=4):
    """Return two items cut from normal traits of a known correlation."""
    rng = np.random.default_rng(seed)
    first, noise = rng.normal(size=(2, n))
    second = rho * first + (1 - rho**2) ** 0.5 * noise
    return pd.DataFrame({"a": np.digitize(first, cuts), "b": np.digitize(second, cuts)})


def test_halves_that_agree_in_two_of_three_are_worked_by_hand():
    """Cut at 0, P(both below) = 1/4 + asin(ρ)/2π; 1/3 gives ρ = 1/2 (rule D13)."""
    levels = [(0, 0)] * 4 + [(1, 1)] * 4 + [(0, 1)] * 2 + [(1, 0)] * 2
    frame = pd.DataFrame(levels, columns=["a", "b"])
    pair = sipas.polychoric(frame, ["a", "b"])
    assert pair.frame["value"].item() == pytest.approx(0.5, abs=1e-12)
    assert pair.thresholds["value"].tolist() == pytest.approx([0.0, 0.0], abs=1e-12)
    assert pair.matrix.loc["b", "a"] == pair.matrix.loc["a", "b"] == pair.frame["value"].item()


def test_a_planted_correlation_comes_back_where_pearsons_is_too_small():
    """Nine in ten at the best level: Pearson finds 0.4 of 0.6, and a warning says why."""
    frame = answers([-2.2, -1.8, -1.3])
    pair = sipas.polychoric(frame, ["a", "b"])
    row = pair.frame.iloc[0]
    assert row["low"] < 0.6 < row["high"]
    assert frame.corr().iloc[0, 1] < 0.45
    assert "skewed" in pair.warnings
    assert "Nine in ten people chose the same level (a, b)" in repr(pair)
    assert (pair.items["ceiling"] > 0.9).all()
    assert sipas.polychoric(answers([-0.5, 0.5]), ["a", "b"]).warnings == ()


def test_ordered_categories_count_as_levels_and_weights_as_copies():
    """Codes of an ordered categorical; a weight of 2 is two equal forms in the value."""
    frame = answers([-0.5, 0.5], n=300)
    words = frame.apply(
        lambda column: pd.Categorical.from_codes(column, ["low", "mid", "high"], ordered=True)
    )
    plain = sipas.polychoric(frame, ["a", "b"]).frame
    pd.testing.assert_frame_equal(plain, sipas.polychoric(words, ["a", "b"]).frame)
    twice = pd.concat([frame, frame.iloc[:100]], ignore_index=True)
    weighted = frame.assign(w=np.where(np.arange(300) < 100, 2.0, 1.0))
    values = [
        sipas.polychoric(sample, ["a", "b"], weights=weights).frame["value"].item()
        for sample, weights in ((twice, None), (weighted, "w"))
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_perfect_agreement_has_no_error():
    """The likelihood rises to the bound."""
    frame = pd.DataFrame({"a": [1, 2, 3] * 20, "b": [1, 2, 3] * 20})
    pair = sipas.polychoric(frame, ["a", "b"])
    assert pair.frame["value"].item() == 0.9999
    assert pair.frame[["se", "low", "high"]].isna().all(axis=None)
    assert "bound" in pair.warnings


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a"], "needs two items; 1"),
        (["a", "same"], "everyone chose the same"),
        (["a", "word"], "word"),
        (["a", "bb"], "nearest: b"),
        (["a", "rare"], "; 2 answered both"),
    ],
)
def test_what_has_no_correlation_is_refused(names, words):
    """One item, an item that never varies, text, a misspelt name."""
    frame = answers([0.0], n=50).assign(same=1, word="tốt", rare=[1, 2] + [np.nan] * 48)
    with pytest.raises(DesignError) as caught:
        sipas.polychoric(frame, names)
    assert words in caught.value.text("en")
