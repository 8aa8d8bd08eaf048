"""A count of a unit against the other units: the fit, the spread, the two tails."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from sipas_analysis.infer.unit_counts import FEWEST_UNITS, compare_counts

N = np.array([30.0, 40, 25, 60, 30, 50, 35, 30])
X = np.array([3.0, 6, 2, 11, 4, 5, 6, 18])


def test_too_few_units_cannot_be_compared():
    """Three units do not show how much units differ."""
    expected, p = compare_counts(X[: FEWEST_UNITS - 1], N[: FEWEST_UNITS - 1])
    assert np.isnan(expected).all()
    assert np.isnan(p).all()


@pytest.mark.parametrize("unit", range(8))
def test_the_expected_share_is_a_logit_without_the_unit(unit):
    """Statsmodels: a weighted logit on the other units, half a form added to both answers."""
    covariate = np.linspace(-1, 2, 8) ** 2
    expected, _ = compare_counts(X, N, covariate)
    others = np.arange(8) != unit
    share, weight = (X + 0.5) / (N + 1), (N + 1) / (1 + 0.05 * N)
    design = sm.add_constant(covariate)
    model = sm.GLM(
        share[others], design[others], sm.families.Binomial(), var_weights=weight[others]
    )
    fit = model.fit(tol=1e-12)
    assert expected[unit] == pytest.approx(fit.predict(design[[unit]])[0], rel=1e-6)


def test_the_tail_is_the_wider_of_the_two_by_hand():
    """Equal units and one at 18 of 30: every number of the docstring, once more."""
    n, x = np.full(8, 30.0), np.array([3.0, 4, 2, 5, 4, 3, 4, 18])
    expected, p = compare_counts(x, n)
    pi = (x[:7].sum() + 3.5) / (7 * 31)
    assert expected[7] == pytest.approx(pi)
    errors = (x[:7] - 30 * pi) ** 2 / (30 * pi * (1 - pi))
    assert errors.sum() / 6 < 1  # less spread than by drawing alone: ρ is 0
    leverage = 1 / (7 * 31 / 2.5 * pi * (1 - pi))
    phi = 1.5 * (1 + 30 * pi * (1 - pi) * leverage / 2.5)
    gap = 2 * (np.arcsin(np.sqrt(17.5 / 30)) - np.arcsin(np.sqrt(pi)))
    alike = (phi - 1) / 29
    a, b = pi * (1 / alike - 1), (1 - pi) * (1 / alike - 1)
    tails = stats.t.sf(gap * np.sqrt(30 / phi), 6), stats.betabinom.sf(17, 30, a, b)
    assert p[7] == pytest.approx(max(tails))


def test_units_that_differ_by_nature_make_a_unit_less_surprising():
    """The same unit among units from 1 to 14 of 30."""
    n = np.full(8, 30.0)
    calm = compare_counts(np.array([5.0, 6, 7, 5, 6, 7, 6, 18]), n)[1][7]
    uneven = compare_counts(np.array([1.0, 14, 2, 11, 3, 9, 2, 18]), n)[1][7]
    assert calm < 0.01 < 0.05 < uneven


def test_p_falls_with_the_count():
    """Other things equal."""
    n = np.full(8, 30.0)
    p = [compare_counts(np.array([3.0, 5, 4, 6, 2, 5, 4, x]), n)[1][7] for x in range(31)]
    assert (np.diff(p) <= 1e-12).all()


def test_counts_of_zero_everywhere_are_no_surprise():
    """Nobody shows the fact."""
    assert compare_counts(np.zeros(10), np.full(10, 30.0))[1].min() > 0.5
