"""Planted drivers come back: coefficients, shares and silence, under clustering (rules D1, D3)."""

import numpy as np
import pandas as pd
import pytest
from simulated import ITEMS, latent, pack, survey
from sizes import sizes

import sipas_analysis as sipas
from sipas_analysis.explain.shapley import shapley_values
from sipas_analysis.infer.combinations import adjust_p_values

TRUE = np.array([0.1, 0.2, 0.45, 0.25, 0.0])
NAMES = [*"vwxyz"]
ALIKE, PLACE, REST = 0.6, 0.1, 0.7  # correlation of drivers; part of the cluster; error


def clustered(rng, clusters, each):
    """Draw forms whose drivers and error are partly those of their cluster."""
    n = clusters * each

    def drawn(size):
        person = rng.standard_normal((size, 1))
        return np.sqrt(ALIKE) * person + np.sqrt(1 - ALIKE) * rng.standard_normal((size, 5))

    def mixed(whole, own):
        return np.sqrt(PLACE) * np.repeat(whole, each, axis=0) + np.sqrt(1 - PLACE) * own

    x = mixed(drawn(clusters), drawn(n))
    rest = mixed(rng.standard_normal(clusters), rng.standard_normal(n))
    frame = pd.DataFrame(x, columns=NAMES).assign(out=x @ TRUE + REST * rest)
    return frame.assign(place=np.repeat(np.arange(clusters), each))


def true_values():
    """What each driver explains in the population, from its covariance."""
    whole = np.full((5, 5), ALIKE) + (1 - ALIKE) * np.eye(5)
    s = np.block([[whole, (whole @ TRUE)[:, None]], [whole @ TRUE, TRUE @ whole @ TRUE + REST**2]])
    spread = np.sqrt(np.diagonal(s))
    return shapley_values(s / np.outer(spread, spread), [[k] for k in range(5)])[0]


@pytest.mark.slow
@sizes("rounds", 200, 800)
@pytest.mark.parametrize(
    ("clusters", "each"), [(30, 15), pytest.param(60, 10, marks=pytest.mark.full)]
)
def test_intervals_hold_under_clustering(clusters, each, rounds):
    """30 clusters and more: coefficients, and values where the share is 10 % and more, 93 to 97 %.

    A driver with coefficient 0 has a true share of 12 %. Its own p is below 0.05 in 5 %; it is said
    to have an effect, as reports say it (Holm over the drivers), in fewer.
    """
    rng, truth = np.random.default_rng(clusters), true_values()
    assert (truth / truth.sum() >= 0.1).all()
    held, valued, shared, called, named = [], [], [], [], []
    for _ in range(rounds):
        design = sipas.Design(clustered(rng, clusters, each), clusters="place")
        table = sipas.fit(design, "out ~ v + w + x + y + z").frame.iloc[1:]
        held.append((table["low"] <= TRUE) & (table["high"] >= TRUE))
        called.append(table["p"].iloc[-1] < 0.05)
        named.append(adjust_p_values(table["p"].to_numpy())[-1] < 0.05)
        table = sipas.importance(design, "out", NAMES).frame
        valued.append((table["low"] <= truth) & (table["high"] >= truth))
        share = truth / truth.sum()
        shared.append((table["share_low"] <= share) & (table["share_high"] >= share))
    error = 2.6 * np.sqrt(0.05 * 0.95 / rounds)
    said = {
        name: np.mean(it, axis=0).round(3).tolist()
        for name, it in (("coefficients", held), ("values", valued), ("shares", shared))
    }
    print(clusters, said, np.mean(called), np.mean(named))
    reach = 0.02 * (800 / rounds) ** 0.5
    assert np.mean(held) == pytest.approx(0.95, abs=reach)
    assert np.mean(valued) == pytest.approx(0.95, abs=reach)
    assert np.mean(shared) == pytest.approx(0.95, abs=reach)
    for parts in (held, valued, shared):
        each_held = np.mean(parts, axis=0)
        assert (each_held >= 0.93 - error / 2).all(), said
        assert (each_held <= 0.97 + error / 2).all(), said
    assert np.mean(called) <= 0.05 + error
    assert np.mean(named) <= 0.05 + (error / 2 if rounds < 800 else 0)


@pytest.mark.slow
@sizes("rounds", 100, 400)
def test_an_ordered_logit_s_planted_slopes_are_covered(rounds):
    """Weights tied to the level, 40 clusters: 93 to 97 % (V1 on the score influence)."""
    rng, held = np.random.default_rng(5), []
    truth = np.array([1.0, 0.5, 0.0])
    for _ in range(rounds):
        x = rng.standard_normal((800, 3))
        level = np.digitize(x @ truth + rng.logistic(size=800), [-2.0, 0.0, 1.5])
        frame = pd.DataFrame(x, columns=["a", "b", "c"]).assign(level=level)
        frame["kept"] = rng.random(800) < np.where(frame["a"] > 0, 0.9, 0.45)
        frame["w"] = np.where(frame["a"] > 0, 1.0, 2.0)
        frame = frame[frame["kept"]].assign(place=np.arange(frame["kept"].sum()) % 40)
        design = sipas.Design(frame, weights="w", clusters="place")
        table = sipas.fit(design, "level ~ a + b + c", "ordinal").frame.iloc[:3]
        held.append((table["low"] <= truth) & (table["high"] >= truth))
    error = 2.6 * np.sqrt(0.05 * 0.95 / rounds)
    assert (np.abs(np.mean(held, axis=0) - 0.95) <= 0.02 + error / 2).all()


@pytest.mark.slow
@sizes("rounds", 80, 300)
def test_filled_blanks_keep_intervals_honest(rounds):
    """A third of one driver blank where another is high: Rubin's intervals hold in 93 to 97 %."""
    rng, held = np.random.default_rng(9), []
    for _ in range(rounds):
        frame = clustered(rng, 60, 10)
        frame["w"] = frame["w"].where((frame["x"] < 0.3) | (rng.random(600) < 0.2))
        design = sipas.Design(frame)
        table = sipas.fit(
            design,
            "out ~ v + w + x + y + z",
            missing="impute",
            imputations=5,
            seed=int(rng.integers(1e6)),
        ).frame.iloc[1:]
        held.append((table["low"] <= TRUE) & (table["high"] >= TRUE))
    error = 2.6 * np.sqrt(0.05 * 0.95 / rounds)
    share = np.mean(held, axis=0)
    assert share.mean() == pytest.approx(0.95, abs=0.03 * (300 / rounds) ** 0.5)
    assert share[NAMES.index("w")] == pytest.approx(0.95, abs=error)  # the one with blanks


@pytest.mark.slow
def test_straight_lines_of_a_quarter_are_said():
    """From eight items on; they alone make all factors move together (rule Q1)."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        1.0 + sum(latent(400, rng) > it for it in (-1.8, -1.2, -0.4, 0.7)), columns=ITEMS
    )
    frame["OVERALL"] = np.clip(np.rint(frame[ITEMS].mean(axis=1) + rng.normal(0, 0.5, 400)), 1, 5)
    plain = {note.id for note in sipas.drivers(survey(frame, pack())).notes}
    frame.loc[:139, ITEMS] = 4.0
    planted = {note.id: note for note in sipas.drivers(survey(frame, pack())).notes}
    assert "straight" not in plain
    assert int(planted["straight"].fields["percent"]) >= 35
