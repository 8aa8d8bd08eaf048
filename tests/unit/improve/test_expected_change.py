"""What would have happened without a measure: by hand, and at the ends of the scale (C4, G4)."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sipas_analysis.improve.expected_change import (
    Panel,
    Pooled,
    compare_changes,
    describe_year,
    estimate_drift,
    model_variances,
    pool_level,
    pool_units,
    sum_covariances,
    turn_angles,
    turn_back,
    weigh_contrast,
)

GROUP = np.zeros(5, np.int64)


def year(values, n, group=GROUP):
    """Return a share in percent of simple random samples of n people."""
    value, people = np.asarray(values, float), np.broadcast_to(float(n), len(values)).copy()
    variance = value * (100 - value) / (people - 1)
    columns = {"value": value, "variance": variance, "df": people - 1, "people": people}
    return describe_year({**columns, "weight": people}, group)


def panel(before, after, n, pooled=None, *, is_share=True):
    """Return five units of one group in two waves."""
    years = year(before, n), year(after, n)
    covariances = [np.diag(np.append(side.variance, np.zeros(5))) for side in years]
    pooled = pooled or pool_units(years[0], GROUP, None)
    return Panel(GROUP, *years, tuple(covariances), pooled, is_share)


def test_the_return_to_the_mean_is_the_textbook_formula_worked_by_hand():
    """Five units of 100 people: James and Stein's shrinkage with B = (p − 1)V/S, as angles (C4).

    φ = asin √((k + 3/8)/100.75), V = 1/402, S = Σ(φ − φ̄)²; with equal V REML says
    S = (p − 1)(σ² + V).
    """
    counts, p, v = [60, 70, 80, 85, 90], 5, 1 / 402
    angles = [math.asin(math.sqrt((k + 3 / 8) / 100.75)) for k in counts]
    assert [round(angle, 4) for angle in angles] == [0.8853, 0.9895, 1.1044, 1.1695, 1.2441]
    mean = sum(angles) / p
    total = sum((angle - mean) ** 2 for angle in angles)
    b = (p - 1) * v / total
    assert (round(total, 5), round(b, 4)) == (0.08161, 0.1219)
    pooled_angles = [mean + (1 - b) * (angle - mean) for angle in angles]
    # Fay and Herriot: g1 + g2 + 2 g3 with σ² + V = S/(p − 1)
    mse = (1 - b) * v + b**2 * total / (p - 1) / p + 2 * 2 * v**2 / (p * total / (p - 1))
    shares = [50 * (1 - math.cos(2 * angle) * math.exp(-2 * mse)) for angle in pooled_angles]
    before = year(counts, 100)
    assert before.spread == pytest.approx(np.ones(5))
    pooled = pool_units(before, GROUP, None)
    assert pooled.value == pytest.approx(pooled_angles, abs=1e-9)
    assert turn_back(pooled.value, pooled.mse) == pytest.approx(shares, abs=1e-9)
    returned = turn_back(pooled.value, pooled.mse) - before.value
    assert returned[0] == pytest.approx(2.1623, abs=1e-4)  # the lowest rises by itself
    assert returned[-1] == pytest.approx(-1.7476, abs=1e-4)  # the highest falls


def test_the_index_and_the_distance_of_an_item_from_it_return_apart():
    """A middling item of the best unit is low there: it returns to that unit's index (C4)."""
    index = pool_level(year([95, 75, 80, 85, 65], 400), GROUP)
    items = year([80, 75, 80, 85, 65], 30)
    alone, apart = pool_units(items, GROUP, None), pool_units(items, GROUP, index)
    shares = [turn_back(pooled.value, pooled.mse)[0] for pooled in (alone, apart)]
    assert shares[1] > shares[0] + 4
    index.angle[1], index.pooled.value[1] = np.nan, np.nan  # a hidden index is not used
    assert np.isnan(pool_units(items, GROUP, index).value[1])


def test_where_all_agree_there_is_an_error():
    """30 of 30 in every unit and year: variances are those of half a person less."""
    everyone = panel([100.0] * 5, [100.0] * 5, 30)
    half = 100 - 50 / 30
    assert model_variances(everyone, np.full(5, 100.0)) == pytest.approx(half * (100 - half) / 30)
    treated = np.arange(5) == 0
    remainder = compare_changes(everyone, treated, ~treated)
    assert remainder.value == pytest.approx(0.0, abs=1e-9)
    assert remainder.did_se == 0  # as R, which is why the verdict does not use it
    assert remainder.se > 2


def test_parts_of_the_expected_change_add_up():
    """value = change − trend − returned; the trend of the others is from their pooled figures."""
    pooled = Pooled(np.full(5, 80.0), np.full(5, 4.0))
    moved = panel([70, 80, 80, 80, 80], [85, 83, 84, 85, 84], 100, pooled, is_share=False)
    remainder = compare_changes(moved, np.arange(5) == 0, np.arange(5) > 0)
    assert (remainder.change, remainder.returned) == (15.0, 10.0)
    assert remainder.trend == pytest.approx(4.0)
    assert (remainder.value, remainder.did) == (pytest.approx(1.0), pytest.approx(11.0))
    variances = [y * (100 - y) / 99 + 4 for y in (85, 83, 84, 85, 84)]
    assert remainder.se == pytest.approx(math.sqrt(variances[0] + sum(variances[1:]) / 16))


def test_near_the_end_of_the_scale_a_year_moves_shares_less():
    """The others went from 80 to 90 %, u0 from 95: the same angle is 4.3 points there, not 10.

    arcsin √0.8 = 1.1071, √0.9: 1.2490, √0.95: 1.3453; sin²(1.3453 + 0.1419) = 0.9930.
    """
    many = 10_000_000
    moved = panel([95, 80, 80, 80, 80], [95, 90, 90, 90, 90], many)
    angles = turn_angles(moved.before)[0]
    moved = replace(moved, pooled=Pooled(angles, np.full(5, 1e-12)))
    remainder = compare_changes(moved, np.arange(5) == 0, np.arange(5) > 0)
    assert remainder.trend == pytest.approx(4.30, abs=0.01)
    assert remainder.value == pytest.approx(-4.30, abs=0.01)
    assert remainder.did == pytest.approx(-10.0)


def test_weights_are_those_of_regression():
    """h = w₁w₂/(w₁ + w₂): units of 100 and 300 answers count 50 and 150, groups by H_T·H_C/H."""
    group = np.array([0, 0, 0, 1, 1])
    shares = year([80.0] * 5, 100, group)
    shares.weight[:] = [100, 100, 300, 100, 100]
    pooled = Pooled(shares.value, shares.variance)
    two = Panel(group, shares, shares, (np.eye(10), np.eye(10)), pooled)
    treated = np.array([True, False, False, True, False])
    weight = weigh_contrast(two, treated, ~treated)
    first, second = 50 * 200 / 250, 50 * 50 / 100
    assert weight[3] == pytest.approx(second / (first + second))
    assert weight[1:3] == pytest.approx(-np.array([0.25, 0.75]) * first / (first + second))
    nobody = weigh_contrast(two, group == 0, np.zeros(5, bool))
    assert not nobody.any()


def test_units_that_share_clusters_add_their_covariance():
    """Two treated units, a = ½, of covariance 2 before and 4 after; pooled, V = 8 counts half."""
    weight = np.array([0.5, 0.5, -1.0])
    before, after = np.full((3, 3), 0.0), np.full((3, 3), 0.0)
    before[0, 1] = before[1, 0] = 2
    after[0, 1] = after[1, 0] = 4
    shares = replace(year([80.0] * 3, 100, GROUP[:3]), variance=np.full(3, 8.0))
    covariances = tuple(np.kron([[1, 0], [0, 0]], matrix) for matrix in (before, after))
    pooled = Pooled(shares.value, np.full(3, 1.0))
    both, slope = Panel(GROUP[:3], shares, shares, covariances, pooled), np.full(3, 2.0)
    assert sum_covariances(both, weight, slope) == pytest.approx(2 * 0.25 * (4 + 0.25 * 2))


def test_drift_is_what_sampling_does_not_explain():
    """Spread of 0, 10, 20, 30 has the variance 500/3; with 20 of sampling 146.67 is left."""
    years = panel([80] * 5, [80] * 5, 100)
    error, others = np.array([99.0, 0, 10, 20, 30]), np.arange(5) > 0
    drift, uncertain = estimate_drift(years, error, np.full(5, 20.0), others)
    assert drift == pytest.approx(500 / 3 - 20)
    assert uncertain == pytest.approx(drift * 500 / 3 / 3)
    assert estimate_drift(years, error, np.full(5, 200.0), others) == (0.0, 0.0)
    assert estimate_drift(years, error, np.full(5, 20.0), np.arange(5) == 1) == (0.0, 0.0)
