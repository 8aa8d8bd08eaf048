"""Tails and quantiles are those of ``scipy.stats``, which the package does not import."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from sipas_analysis.infer import distributions as ours
from sipas_analysis.infer.combinations import adjust_p_values
from sipas_analysis.infer.intervals import exact_interval

P = np.array([1e-12, 0.025, 0.2, 0.5, 0.975, 1 - 1e-9])
DF = np.array([np.nan, 0, 0.7, 1, 29, np.inf])
X = np.array([0.0, 0.3, 1.96, 5, 40, np.inf])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_function_gives_the_bits_of_scipy_stats():
    """Also without degrees of freedom, where both give NaN."""
    pairs = [
        (ours.t_quantile(P, DF), stats.t.ppf(P, DF)),
        (ours.t_tail(X, DF), stats.t.sf(X, DF)),
        (ours.normal_quantile(P), stats.norm.ppf(P)),
        (ours.normal_tail(X), stats.norm.sf(X)),
        ([ours.f_tail(x, 3, 29) for x in X], stats.f.sf(X, 3, 29)),
        ([ours.f_quantile(p, 3, 29) for p in P], stats.f.ppf(P, 3, 29)),
    ]
    for found, expected in pairs:
        np.testing.assert_array_equal(found, expected)
    k, n = np.array([0, 0, 3.2, 30, 30, np.nan]), np.array([0, 30, 7.5, 30, 31, 4])
    np.testing.assert_array_equal(exact_interval(k, n), proportion_confint(k, n, 1 - 0.95, "beta"))


def test_the_beta_binomial_tail_is_that_of_scipy_stats():
    """P(X ≥ x) from one to all of n."""
    x, n = np.array([1.0, 7, 30, 160]), np.array([5.0, 30, 30, 160])
    a, b = np.array([0.4, 2, 3, 9]), np.array([8.0, 5, 2, 1])
    found = ours.beta_binomial_tail(x, n, a, b)
    np.testing.assert_allclose(found, stats.betabinom.sf(x - 1, n, a, b), rtol=1e-10)


@pytest.mark.slow
def test_neither_models_nor_figures_import_scipy_stats():
    """The import takes a second of every command."""
    script = (
        "import sys, sipas_analysis.explain.priority, sipas_analysis.reports.check_output;"
        "sys.exit('scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("method", ["holm", "fdr_bh"])
@pytest.mark.slow
def test_adjusted_p_values_leave_blanks_out(method):
    """A test that could not be made is none of the tests (R ``p.adjust``)."""
    p = np.array([0.03, np.nan, 0.01, 0.02, np.nan])
    expected = multipletests(p[~np.isnan(p)], method=method)[1]
    adjusted = adjust_p_values(p, method)
    assert adjusted[~np.isnan(p)].tolist() == expected.tolist()
    assert np.isnan(adjusted[np.isnan(p)]).all()
    assert adjust_p_values(p[:0], method).size == 0
