"""Rank sets against the paper's algorithm in plain loops, and against SciPy's tables.

Mogstad, Romano, Shaikh, Wilhelm (2024), sections 3.2 and 3.3. To cover the ranks from both sides
every pair has two one-sided hypotheses, H(j, k): θj ≤ θk and H(k, j): θk ≤ θj. A step-down test of
the family controls the chance of any false rejection: H(j, k) is rejected if (θ̂j − θ̂k)/se exceeds
the quantile of max (Zj − Zk)/se over the hypotheses that are left, until none is. The rank of j is
then at least 1 + #{k: H(k, j) rejected} and at most p − #{k: H(j, k) rejected}. For the set of one
unit the family is that of its own pairs. The draws are the test's own, given to both.
"""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from sipas_analysis.measure import step_down
from sipas_analysis.measure.ranking import rank_sets

DRAWS = 2000


def compare_plainly(values, sigma, df):
    """Return the error, degrees of freedom and z of θ̂j − θ̂k, one dict each."""
    se, freedom, z = {}, {}, {}
    for j, k in permutations(range(len(values)), 2):
        se[j, k] = (sigma[j, j] + sigma[k, k] - 2 * sigma[j, k]) ** 0.5
        freedom[j, k], z[j, k] = np.inf, (values[j] - values[k]) / se[j, k]
        if np.isfinite(df[j]):
            parts = sigma[j, j] ** 2 / df[j] + sigma[k, k] ** 2 / df[k]
            freedom[j, k] = (sigma[j, j] + sigma[k, k]) ** 2 / parts
            z[j, k] = stats.norm.isf(stats.t.sf(z[j, k], freedom[j, k]))
    return se, freedom, z


def reject_plainly(se, z, noise, unit=None, level=0.95):
    """Return the rejected hypotheses and the critical value of the last step."""
    family = {(j, k) for j, k in z if unit is None or unit in (j, k)}
    rejected = set()
    while True:
        largest = [
            max((draw[j] - draw[k]) / se[j, k] for j, k in family) for draw in noise.T.tolist()
        ]
        critical = sorted(largest)[-round(len(largest) * (1 - level)) - 1]
        more = {pair for pair in family if z[pair] > critical}
        if not more:
            return rejected, critical
        rejected |= more
        family -= more


def find_ends(rejected, unit, p):
    """Return the lowest and the highest rank of a unit."""
    better = sum((k, unit) in rejected for k in range(p))
    worse = sum((unit, k) in rejected for k in range(p))
    return [1 + better, p - worse]


def letter_plainly(rejected, p):
    """Return A for units that none of the rest surely beats, then B, and so on."""
    letters, left, letter = [""] * p, set(range(p)), "A"
    while left:
        first = {unit for unit in left if not any((k, unit) in rejected for k in left)}
        for unit in first:
            letters[unit] = letter
        left, letter = left - first, chr(ord(letter) + 1)
    return letters


@pytest.fixture
def rank_with(monkeypatch):
    """Rank units with draws that are given, one row per unit."""

    def rank(values, sigma, df, noise, kind):
        by_value = noise[np.argsort(values)].astype(np.float32)
        monkeypatch.setattr(step_down, "draw_noise", lambda *_: by_value)
        return rank_sets(values, sigma, df, kind=kind, draws=noise.shape[1])

    return rank


def problem(number):
    """Return values, covariance and degrees of freedom of few or many units."""
    rng = np.random.default_rng(number)
    p = int(rng.integers(2, 16))
    values = rng.normal(85, [0.5, 2.0, 8.0][number % 3], p)
    root = rng.normal(size=(p, p + 3)) * rng.uniform(0.2, 1.0, p)[:, None]
    sigma = root @ root.T / p if number % 2 else np.diag(rng.uniform(0.2, 2, p) ** 2)
    df = rng.integers(3, 60, p).astype(float) if number % 4 < 2 else np.full(p, np.inf)
    return values, sigma, df


# A problem of each kind is quick (0 to 2) or slow (to 7); more of the same are full.
NUMBERS = [
    pytest.param(k, marks=() if k < 3 else pytest.mark.slow if k < 8 else pytest.mark.full)
    for k in range(20)
]


def draw_errors(number, sigma):
    """Return draws from N(0, Σ), one row per unit."""
    rng = np.random.default_rng(1000 + number)
    return rng.multivariate_normal(np.zeros(len(sigma)), sigma, DRAWS).T


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.quick_cases(1)
def test_simultaneous_sets_equal_the_plain_algorithm(number, rank_with):
    """Both ends of every set, letters and critical values, on twenty problems."""
    values, sigma, df = problem(number)
    p, noise = len(values), draw_errors(number, sigma)
    se, freedom, z = compare_plainly(values, sigma, df)
    rejected, critical = reject_plainly(se, z, noise)
    sets = rank_with(values, sigma, df, noise, "simultaneous")
    found = sets.frame[["rank_low", "rank_high"]].to_numpy().tolist()
    assert found == [find_ends(rejected, unit, p) for unit in range(p)]
    assert sets.frame["letter"].tolist() == letter_plainly(rejected, p)
    for pair in z:
        bar = stats.t.isf(stats.norm.sf(critical), freedom[pair])
        assert sets.critical[pair] == pytest.approx(bar, abs=2e-4 * max(1, bar))


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.slow
def test_marginal_sets_equal_the_plain_algorithm(number, rank_with):
    """Only the pairs of the unit itself count, in both directions."""
    values, sigma, df = problem(number)
    p, noise = len(values), draw_errors(number, sigma)
    se, freedom, z = compare_plainly(values, sigma, df)
    sets = rank_with(values, sigma, df, noise, "marginal")
    for unit in range(p):
        rejected, critical = reject_plainly(se, z, noise, unit)
        ends = sets.frame.loc[unit, ["rank_low", "rank_high"]].tolist()
        assert ends == find_ends(rejected, unit, p)
        other = (unit + 1) % p
        bar = stats.t.isf(stats.norm.sf(critical), freedom[unit, other])
        assert sets.critical[unit, other] == pytest.approx(bar, abs=2e-4 * max(1, bar))


@pytest.mark.slow
def test_the_opposite_of_a_rejected_direction_stays_in_the_family():
    """Nine far units: all is decided but the bar is that of 36 one-sided tests, not of none."""
    z = np.random.default_rng(3).standard_normal((400_000, 9))
    spread = (z[:, 1:] - np.minimum.accumulate(z, axis=1)[:, :-1]).max(axis=1)  # over j < k
    sets = rank_sets(np.arange(9) * 100.0, np.ones(9), draws=200_000)
    wanted = np.quantile(spread, 0.95) / 2**0.5
    assert sets.critical[0, 1] == pytest.approx(wanted, abs=0.012)
    one_pair = rank_sets([0.0, 100.0], np.ones(2), draws=200_000)
    assert one_pair.critical[0, 1] == pytest.approx(stats.norm.ppf(0.95), abs=0.012)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("p", [2, 3, 10, pytest.param(40, marks=pytest.mark.slow)])
def test_equal_known_errors_give_the_studentized_range(p):
    """The largest of all pairs of p independent normals is Tukey's range over √2."""
    found = rank_sets(np.full(p, 90.0), np.ones(p), draws=200_000).critical[0, 1]
    assert found == pytest.approx(stats.studentized_range.ppf(0.95, p, np.inf) / 2**0.5, abs=0.012)


def test_one_pair_takes_the_quantile_of_t():
    """Two units of 30 forms: 58 degrees of freedom, 2.00 and not 1.96; then one side is left."""
    rank_table = rank_sets([90.0, 80.0], [1.0, 1.0], df=29, draws=200_000)
    assert rank_table.critical_all[0, 1] == pytest.approx(stats.t.ppf(0.975, 58), abs=0.01)
    assert rank_table.critical[0, 1] == pytest.approx(stats.t.ppf(0.95, 58), abs=0.01)
