"""Plant a trait, and hold alpha, omega, polychoric and intraclass correlations to it."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas

LOADINGS = np.array([0.8, 0.7, 0.6, 0.7])
ITEMS = ["a", "b", "c", "d"]
PAIRS = np.triu_indices(4, 1)
SAMPLES = 120


def least(promise):
    """Return the lowest count of hits that keeps the promise: three Monte-Carlo errors below."""
    return SAMPLES * promise - 3 * np.sqrt(SAMPLES * promise * (1 - promise))


def draw(seed, clusters, each, cuts):
    """Return answers of five levels; the trait of two people of a cluster correlates 0.1."""
    rng = np.random.default_rng([18, seed])
    cluster, n = np.repeat(np.arange(clusters), each), clusters * each
    trait = 0.1**0.5 * rng.normal(size=clusters)[cluster] + 0.9**0.5 * rng.normal(size=n)
    noise = rng.normal(size=(n, 4)) * (1 - LOADINGS**2) ** 0.5
    levels = np.digitize(trait[:, None] * LOADINGS + noise, cuts)
    frame = pd.DataFrame(levels, columns=ITEMS)
    return frame.assign(cluster=cluster, w=rng.uniform(0.5, 1.5, n))


@pytest.mark.slow
def test_ordinal_alpha_of_weighted_clusters_finds_the_planted_one():
    """Skewed answers of 30 clusters: α of the trait; Pearson's is less (rules D8, D13)."""
    mean = np.outer(LOADINGS, LOADINGS)[PAIRS].mean()
    alpha = 4 * mean / (1 + 3 * mean)
    omega = LOADINGS.sum() ** 2 / (LOADINGS.sum() ** 2 + (1 - LOADINGS**2).sum())
    truth = {"alpha_ordinal": alpha, "omega_ordinal": omega}
    hits, plain = dict.fromkeys(truth, 0), []
    for seed in range(SAMPLES):
        frame = draw(seed, 30, 15, [-1.8, -1.2, -0.7, 0.3])
        design = sipas.Design(frame, weights="w", clusters="cluster")
        found = sipas.reliability(design, ITEMS, ordinal=True).frame.set_index("variable")
        plain.append(found.loc["alpha", "value"])
        for name, value in truth.items():
            hits[name] += found.loc[name, "low"] <= value <= found.loc[name, "high"]
    assert min(hits.values()) >= least(0.93)
    assert np.mean(plain) < alpha - 0.03


@pytest.mark.slow
def test_intraclass_intervals_hold_a_planted_correlation():
    """0.2 within 25 units of 4 to 28 people; the interval is exact only for equal sizes (D14)."""
    size = np.arange(4, 29)
    unit, hits = np.repeat(np.arange(25), size), 0
    for seed in range(SAMPLES):
        rng = np.random.default_rng([19, seed])
        q = 0.2**0.5 * rng.normal(size=25)[unit] + 0.8**0.5 * rng.normal(size=len(unit))
        row = sipas.icc(pd.DataFrame({"unit": unit, "q": q}), "q").frame.iloc[0]
        hits += row["low"] <= 0.2 <= row["high"]
    assert hits >= least(0.93)


@pytest.mark.slow
def test_the_planted_structure_comes_back():
    """Two factors that correlate 0.5, loadings .8 and .6, of 4,000 people; close fit (rule D12)."""
    rng = np.random.default_rng(20)
    first, noise = rng.normal(size=(2, 4000))
    second = 0.5 * first + 0.75**0.5 * noise
    loadings = np.array([0.8, 0.6, 0.8, 0.8, 0.6, 0.6])
    traits = np.column_stack([first] * 3 + [second] * 3)
    items = traits * loadings + rng.normal(size=(4000, 6)) * (1 - loadings**2) ** 0.5
    frame = pd.DataFrame(items, columns=[f"q{k}" for k in range(6)])
    factors = {"f": ["q0", "q1", "q2"], "g": ["q3", "q4", "q5"]}
    structure = sipas.reliability(frame, factors=factors).structure
    low, high = structure.loadings["low"].to_numpy(), structure.loadings["high"].to_numpy()
    assert ((low < loadings) & (loadings < high)).all()
    row = structure.correlations.iloc[0]
    assert row["low"] < 0.5 < row["high"]
    assert structure.fit["p_close"] > 0.99
