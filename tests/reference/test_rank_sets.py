"""Rank sets against a plain reading of the paper, and critical values against SciPy's tables.

Mogstad, Romano, Shaikh, Wilhelm (2024), algorithm 3.2: every pair in a loop, every draw kept, no
short cut; only the draws themselves are shared, so that sets must be equal and not just alike.
"""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from sipas_analysis.measure.ranking import rank_sets


def naive(values, sigma, df, level=0.95, draws=2000, seed=1, only=None):
    """Return rank_low and rank_high, unit by unit; ``only`` a unit for its marginal set."""
    p = len(values)
    order = sorted(range(p), key=lambda u: (values[u], sigma[u, u]))
    plain = np.random.default_rng(seed).standard_normal((p, draws), dtype=np.float32)
    own = sigma[np.ix_(order, order)]
    if (own == np.diag(np.diag(own))).all():
        drawn = np.sqrt(np.diag(own))[:, None] * plain
    else:
        roots, vectors = np.linalg.eigh(own)
        drawn = (vectors * np.sqrt(np.maximum(roots, 0))) @ plain
    z = np.empty((p, draws))
    z[order] = drawn
    se, score = {}, {}
    for u, v in permutations(range(p), 2):
        se[u, v] = np.sqrt(sigma[u, u] + sigma[v, v] - 2 * sigma[u, v])
        parts = (sigma[u, u] + sigma[v, v]) ** 2
        t = (values[u] - values[v]) / se[u, v]
        if np.isfinite(df[u]):
            freedom = parts / (sigma[u, u] ** 2 / df[u] + sigma[v, v] ** 2 / df[v])
            t = stats.norm.isf(stats.t.sf(t, freedom))
        score[u, v] = t
    left = {pair for pair in se if only is None or only in pair}
    told = set()
    while left:
        largest = np.max([np.abs(z[u] - z[v]) / se[u, v] for u, v in left], axis=0)
        critical = np.sort(largest)[-round(draws * (1 - level)) - 1]
        more = {pair for pair in left if score[pair] > critical}
        if not more:
            break
        told |= more
        left -= more | {(v, u) for u, v in more}
    low = [1 + sum((v, u) in told for v in range(p)) for u in range(p)]
    high = [p - sum((u, v) in told for v in range(p)) for u in range(p)]
    return low, high


def problem(number):
    """Return values, covariance and degrees of freedom of few or many units."""
    rng = np.random.default_rng(number)
    p = int(rng.integers(2, 16))
    values = rng.normal(85, [0.5, 2.0, 8.0][number % 3], p)
    root = rng.normal(size=(p, p + 3)) * rng.uniform(0.2, 1.0, p)[:, None]
    sigma = root @ root.T / p if number % 2 else np.diag(rng.uniform(0.2, 2, p) ** 2)
    df = rng.integers(3, 60, p).astype(float) if number % 4 < 2 else np.full(p, np.inf)
    return values, sigma, df


@pytest.mark.parametrize("number", range(20))
def test_simultaneous_sets_equal_the_plain_algorithm(number):
    """Both ends of every set, on twenty problems."""
    values, sigma, df = problem(number)
    rank_table = rank_sets(values, sigma, df, draws=2000, seed=number).frame
    low, high = naive(values, sigma, df, seed=number)
    assert rank_table["rank_low"].tolist() == low
    assert rank_table["rank_high"].tolist() == high


@pytest.mark.parametrize(
    "number", [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 6))]
)
def test_marginal_sets_equal_the_plain_algorithm(number):
    """Only the pairs of the unit itself count; its set is its own, not a wider one."""
    values, sigma, df = problem(number)
    rank_table = rank_sets(values, sigma, df, kind="marginal", draws=2000, seed=number).frame
    for unit in range(len(values)):
        low, high = naive(values, sigma, df, seed=number, only=unit)
        assert rank_table.loc[unit, ["rank_low", "rank_high"]].tolist() == [low[unit], high[unit]]


@pytest.mark.parametrize("p", [2, 3, 10, pytest.param(40, marks=pytest.mark.slow)])
def test_equal_known_errors_give_the_studentized_range(p):
    """The largest of all pairs of p independent normals is Tukey's range over √2."""
    found = rank_sets(np.full(p, 90.0), np.ones(p), draws=200_000).critical[0, 1]
    assert found == pytest.approx(stats.studentized_range.ppf(0.95, p, np.inf) / 2**0.5, abs=0.012)


def test_one_pair_takes_the_quantile_of_t():
    """Two units of 30 forms: Satterthwaite's 58 degrees of freedom, 2.00 and not 1.96."""
    rank_table = rank_sets([90.0, 80.0], [1.0, 1.0], df=29, draws=200_000)
    assert rank_table.critical[0, 1] == pytest.approx(stats.t.ppf(0.975, 58), abs=0.01)
