"""A planted difference returns where raw means mislead, and its interval holds (rules D11, V4)."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sizes import sizes

import sipas_analysis as sipas


def draw_forms(rng, clusters=40, each=12):
    """People with the feature have a higher number; only the number matters."""
    place = np.repeat(np.arange(clusters), each)
    number = np.sqrt(0.3) * rng.standard_normal(clusters)[place]
    number = number + np.sqrt(0.7) * rng.standard_normal(len(place))
    feature = np.where(number + rng.standard_normal(len(place)) > 0, "with", "without")
    y = (rng.random(len(place)) < expit(number)).astype(float)
    return pd.DataFrame({"place": place, "number": number, "feature": feature, "y": y})


@pytest.mark.slow
@sizes("rounds", 100, 400)
def test_a_feature_without_effect_has_equal_adjusted_means(rounds):
    """Raw means differ by over 20 points; adjusted ones by 0, in 95 % of intervals."""
    rng, held, gaps, raw = np.random.default_rng(8), [], [], []
    for _ in range(rounds):
        frame = draw_forms(rng)
        design = sipas.Design(frame, clusters="place")
        fit = sipas.fit(design, "y ~ number + feature", "binomial")
        gap = fit.adjusted_means("feature").differences().iloc[0]
        assert gap["contrast"] == "without − with"
        held.append(gap["low"] <= 0 <= gap["high"])
        gaps.append(gap["value"])
        groups = frame.groupby("feature")["y"].mean()
        raw.append(groups["without"] - groups["with"])
    assert np.mean(raw) < -0.2
    assert np.mean(gaps) == pytest.approx(0.0, abs=3 * np.std(gaps) / np.sqrt(rounds))
    assert np.mean(held) == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / rounds))


@pytest.mark.slow
def test_refitted_replicates_are_wider_with_few_clusters():
    """Twelve clusters of unequal size: the jackknife of refits exceeds linearisation."""
    rng, ratio = np.random.default_rng(9), []
    for _ in range(20):
        frame = draw_forms(rng, clusters=12)
        design = sipas.Design(frame, clusters="place", replicates="JK1")
        again, linearised = (
            sipas.fit(design, "y ~ number + feature", "binomial", errors=errors).frame["se"]
            for errors in ("design", "linearised")
        )
        ratio.append((again / linearised).mean())
    assert np.mean(ratio) > 1.02
