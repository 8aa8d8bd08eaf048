"""Planted effects return: counts, unordered answers, few clusters, given imputations (D1, D9)."""

import numpy as np
import pandas as pd
import pytest
from sizes import sizes

import sipas_analysis as sipas


def clustered(rng, clusters, each):
    """Two predictors that vary between clusters, too; weights tied to the first one."""
    place = np.repeat(np.arange(clusters), each)
    x = np.sqrt(0.2) * rng.standard_normal((clusters, 2))[place]
    x += np.sqrt(0.8) * rng.standard_normal((len(place), 2))
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(place=place)
    kept = rng.random(len(frame)) < np.where(frame["a"] > 0, 0.9, 0.45)
    return frame.assign(w=np.where(frame["a"] > 0, 1.0, 2.0))[kept].reset_index(drop=True)


def coverage_of(draw, formula, family, truth, rounds, **options):
    """Share of samples whose intervals hold each true coefficient."""
    held = []
    for _ in range(rounds):
        design = sipas.Design(draw(), weights="w", clusters="place")
        table = sipas.fit(design, formula, family, **options).frame
        held.append((table["low"] <= truth) & (table["high"] >= truth))
    return np.mean(held, axis=0)


@pytest.mark.slow
@sizes("rounds", 100, 500)
def test_planted_rates_are_covered(rounds):
    """40 clusters with a gamma effect each: overdispersed counts of days; 92 to 98 %."""
    rng, truth = np.random.default_rng(21), np.array([-1.0, 0.5, 0.0])

    def draw():
        frame = clustered(rng, 40, 12)
        days = rng.integers(1, 6, len(frame))
        effect = rng.gamma(20, 1 / 20, 40)[frame["place"]]
        rate = np.exp(truth[0] + frame[["a", "b"]] @ truth[1:]) * effect
        return frame.assign(count=rng.poisson(rate * days), days=days)

    share = coverage_of(draw, "count ~ a + b", "poisson", truth, rounds, offset="log(days)")
    assert (np.abs(share - 0.95) <= 0.03 + 2.6 * np.sqrt(0.0475 / rounds)).all(), share


@pytest.mark.slow
@sizes("rounds", 100, 500)
def test_planted_choices_are_covered(rounds):
    """Three answers, weights tied to a predictor, 40 clusters: 93 to 97 %."""
    rng, truth = np.random.default_rng(22), np.array([0.2, 0.8, 0.0, -0.5, -0.6, 0.4])

    def draw():
        frame = clustered(rng, 40, 15)
        x = np.column_stack([np.ones(len(frame)), frame[["a", "b"]]])
        utility = np.column_stack([np.zeros(len(frame)), x @ truth.reshape(2, 3).T])
        utility += rng.gumbel(size=utility.shape)
        return frame.assign(channel=np.array(["a counter", "online", "post"])[utility.argmax(1)])

    share = coverage_of(draw, "channel ~ a + b", "multinomial", truth, rounds)
    assert (np.abs(share - 0.95) <= 0.02 + 2.6 * np.sqrt(0.0475 / rounds)).all(), share
    assert abs(share.mean() - 0.95) <= 0.02


@pytest.mark.slow
@sizes("rounds", 200, 1000)
@pytest.mark.parametrize("clusters", [6, pytest.param(12, marks=pytest.mark.full)])
def test_cr2_holds_where_the_linearised_error_does_not(clusters, rounds):
    """A feature of a third of few unequal clusters: CR2 in 93 to 98 %, linearised in fewer (D9)."""
    rng, held = np.random.default_rng(clusters), []
    for _ in range(rounds):
        size = rng.integers(5, 40, clusters)
        place = np.repeat(np.arange(clusters), size)
        feature = (np.arange(clusters) < clusters // 3).astype(float)[place]
        rest = np.sqrt(0.1) * rng.standard_normal(clusters)[place]
        y = 0.4 * feature + rest + np.sqrt(0.9) * rng.standard_normal(len(place))
        design = sipas.Design(
            pd.DataFrame({"y": y, "feature": feature, "place": place}), clusters="place"
        )
        rows = [
            sipas.fit(design, "y ~ feature", errors=errors).frame.iloc[1]
            for errors in ("cr2", "design")
        ]
        held.append([row["low"] <= 0.4 <= row["high"] for row in rows])
    cr2, linearised = np.mean(held, axis=0)
    error = 2.6 * np.sqrt(0.0475 / rounds)
    assert abs(cr2 - 0.955) <= 0.025 + error / 2, (cr2, linearised)
    assert linearised < cr2 - 0.01


@pytest.mark.slow
@sizes("rounds", 60, 300)
def test_pooled_fits_of_given_imputations_hold(rounds):
    """A third of a predictor blank by another, drawn ten times from its true law: 92 % and more."""
    rng, truth, held = np.random.default_rng(23), np.array([0.0, 0.5, 0.3]), []
    for _ in range(rounds):
        a = rng.standard_normal(150)
        b = 0.6 * a + 0.8 * rng.standard_normal(150)
        y = 0.5 * a + 0.3 * b + 0.7 * rng.standard_normal(150)
        blank = rng.random(150) < np.where(a > 0, 0.5, 0.2)
        gain = 0.3 * 0.64 / (0.09 * 0.64 + 0.49)  # of b on what y adds to a
        mean = 0.6 * a + gain * (y - 0.5 * a - 0.18 * a)
        spread = np.sqrt(0.64 - gain * 0.3 * 0.64)
        fits = []
        for _ in range(10):
            drawn = np.where(blank, mean + spread * rng.standard_normal(150), b)
            fits.append(
                sipas.fit(sipas.Design(pd.DataFrame({"a": a, "b": drawn, "y": y})), "y ~ a + b")
            )
        table = sipas.pool_fits(fits).frame
        held.append((table["low"] <= truth) & (table["high"] >= truth))
        assert table["missing_information"].between(0, 0.7).all()
    share = np.mean(held, axis=0)
    assert (share >= 0.92 - 2.6 * np.sqrt(0.0475 / rounds) / 2).all(), share
