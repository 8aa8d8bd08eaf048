"""Tests of chosen variables (rule D10) and the law of Rao–Scott statistics."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import chi2
from scipy.stats import f as f_law

import sipas_analysis as sipas
from sipas_analysis.errors import FitError, ParameterError
from sipas_analysis.infer.quadratic_forms import mixture_tail, wald_statistic
from tests.unit.explain.test_statsmodels_view import FORMS

KINDS = FORMS.assign(kind=np.random.default_rng(2).choice(["x", "y", "z"], len(FORMS)))
DESIGN = sipas.Design(KINDS, weights="w", clusters="place")
FIT = sipas.fit(DESIGN, "y ~ a * kind + np.log(b + 9)")


@pytest.mark.parametrize(
    ("variables", "labels"),
    [
        ("kind", ["kind[T.y]", "kind[T.z]"]),
        ("~ kind + a", ["a", "kind[T.y]", "kind[T.z]"]),
        ("kind:a", ["a:kind[T.y]", "a:kind[T.z]"]),
        (["b"], ["np.log(b + 9)"]),
        ("np.log(b + 9)", ["np.log(b + 9)"]),
        ("kind[T.z]", ["kind[T.z]"]),
        ("Intercept", ["Intercept"]),
    ],
)
def test_a_name_is_a_term_a_variable_or_a_coefficient(variables, labels):
    """F = β'V⁻¹β/q by hand over exactly these coefficients."""
    value, covariance = FIT.params[labels], FIT.covariance().loc[labels, labels]
    wanted = value @ np.linalg.solve(covariance, value) / len(labels)
    got = FIT.test(variables)
    assert got.f == pytest.approx(wanted, rel=1e-10)
    assert got.df == len(labels)
    assert got.p == pytest.approx(f_law.sf(wanted, len(labels), got.ddf), rel=1e-8)


def test_all_predictors_together_and_in_sequence():
    """The joint test leaves out the intercept; a sequence ends with the test of the last term."""
    assert FIT.joint().df == 6
    assert FIT.joint("kind").f == FIT.test("kind").f
    table = FIT.anova("wald").frame
    assert table["variables"].tolist() == ["a", "kind", "np.log(b + 9)", "a:kind"]
    assert table["f"].iloc[-1] == FIT.test("a:kind").f
    alone = sipas.fit(DESIGN, "y ~ a")
    assert table["f"].iloc[0] == pytest.approx(alone.test("a").f, rel=1e-8)


def test_without_a_design_the_ratio_is_the_usual_one():
    """Equal weights, a logit: twice the log-likelihood ratio of statsmodels."""
    plain = sipas.fit(sipas.Design(KINDS), "yes ~ a + kind", "binomial")
    got = plain.test("kind", "lrt", ddf=np.inf)
    x = sm.add_constant(pd.get_dummies(KINDS[["a", "kind"]], drop_first=True).astype(float))
    both = [sm.Logit(KINDS["yes"], part).fit(disp=0) for part in (x, x[["const", "a"]])]
    ratio = 2 * (both[0].llf - both[1].llf)
    assert got.chisq == pytest.approx(ratio, rel=1e-9)
    assert got.factors == pytest.approx(1.0, abs=0.1)  # V is a sandwich, so near 1 only
    ordered = sipas.fit(sipas.Design(KINDS), "level ~ kind", "ordinal")
    assert ordered.test("kind", "lrt").p == pytest.approx(ordered.joint().p, abs=0.02)


def test_walds_statistic_needs_estimates_that_do_not_determine_one_another():
    """(1, 2) with variances 1 and 4 is 1 + 4/4 in any units; NaN if one is twice the other."""
    assert wald_statistic(np.array([1.0, 2.0]), np.diag([1.0, 4.0])) == pytest.approx(2.0)
    assert wald_statistic(np.array([1e-9, 2e9]), np.diag([1e-18, 4e18])) == pytest.approx(2.0)
    assert np.isnan(wald_statistic(np.array([1.0, 2.0]), np.array([[1.0, 2.0], [2.0, 4.0]])))
    assert np.isnan(wald_statistic(np.array([1.0, 2.0]), np.diag([1.0, np.nan])))


@pytest.mark.parametrize("df", [7.0, 40.0, np.inf])
def test_the_law_of_one_factor_and_of_equal_factors_is_known(df):
    """λχ²_q over χ²_d/d is λ·q·F(q, d); the saddlepoint comes near it."""
    for q in (1, 3):
        x = 2.5 * q
        wanted = chi2.sf(x, q) if np.isinf(df) else f_law.sf(x / q, q, df)
        factors = np.full(q, 1.7)
        exact = mixture_tail(1.7 * x, factors, df, "satterthwaite")
        assert exact == pytest.approx(wanted, rel=1e-12)
        assert mixture_tail(1.7 * x, factors, df) == pytest.approx(wanted, rel=0.05)


def test_the_saddlepoint_is_near_a_simulation():
    """Σ λz² with unequal factors, a million draws."""
    rng, factors = np.random.default_rng(1), np.array([3.0, 1.0, 0.3])
    draws = rng.standard_normal((300_000, 3)) ** 2 @ factors
    for x in (2.0, 8.0, 20.0):
        assert mixture_tail(x, factors, np.inf) == pytest.approx((draws > x).mean(), abs=0.012)
    over = draws * 12 / rng.chisquare(12, len(draws))
    assert mixture_tail(9.0, factors, 12.0) == pytest.approx((over > 9.0).mean(), abs=0.012)


def test_an_unknown_name_or_method_has_the_nearest():
    """One sentence with the cure."""
    with pytest.raises(FitError, match=r"“knd” is none of its variables.*nearest: kind"):
        FIT.test("knd")
    with pytest.raises(FitError, match="`method` must be one of"):
        FIT.test("kind", "lr")
    with pytest.raises(ParameterError, match="`ddf` must be a number"):
        FIT.test("kind", ddf="12")
    with pytest.raises(FitError, match="must have the variable"):
        FIT.test([])
    blank = sipas.Design(FORMS.assign(a=FORMS["a"].where(FORMS["b"] > -1)), clusters="place")
    filled = sipas.fit(blank, "y ~ a + b", missing="impute", imputations=3)
    assert filled.test("a").p < 0.001
    with pytest.raises(FitError, match='Use method="wald"'):
        filled.test("a", "lrt")
    alone = sipas.Design(FORMS.assign(one=1), clusters="one")
    assert np.isnan(sipas.fit(alone, "y ~ a").test("a").p)  # one cluster: no error, no test
