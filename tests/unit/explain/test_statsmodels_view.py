"""Results of statsmodels carry the design's errors: summaries, tests, intervals, predictions."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.iolib.summary2 import summary_col

import sipas_analysis as sipas


def forms(n=400, seed=5):
    """Draw forms in clusters of unequal weight with an outcome of each kind."""
    rng = np.random.default_rng(seed)
    place = rng.integers(0, 25, n)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "place": place})
    line = frame["a"] + 0.8 * rng.normal(size=25)[place]
    frame["y"] = line + rng.normal(size=n)
    frame["yes"] = (line + rng.logistic(size=n) > 0).astype(float)
    frame["visits"] = rng.poisson(np.exp(0.3 * line))
    frame["level"] = np.digitize(line + rng.logistic(size=n), [-1.0, 1.0])
    frame["word"] = frame["level"].map({0: "low", 1: "mid", 2: "high"})
    frame["w"] = rng.uniform(0.5, 3.0, n)
    return frame


FORMS = forms()
WEIGHTED = sipas.Design(FORMS, weights="w", clusters="place")
CLUSTERED = sipas.Design(FORMS, clusters="place")
MODELS = {
    "gaussian": (WEIGHTED, "y"),
    "binomial": (WEIGHTED, "yes"),
    "poisson": (WEIGHTED, "visits"),
    "ordinal": (CLUSTERED, "level"),
    "multinomial": (CLUSTERED, "word"),
}


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.quick_cases(1)
def test_what_statsmodels_prints_is_of_the_design(family):
    """Coefficients, errors, intervals, p and df as in the fit's own table; the score is 0."""
    design, outcome = MODELS[family]
    fit = sipas.fit(design, f"{outcome} ~ a + b", family)
    results, table = fit.statsmodels, fit.frame
    k = len(table) if family != "ordinal" else 3  # cuts are in another unit
    for got, column in (
        (results.params, "value"),
        (results.bse, "se"),
        (results.pvalues, "p"),
        (results.tvalues * results.bse, "value"),
    ):
        flat = np.asarray(got).ravel(order="F")[:k]
        np.testing.assert_allclose(flat, table[column][:k], rtol=1e-10, err_msg=column)
    ends = np.asarray(results.conf_int()).reshape(-1, 2)[:k]
    np.testing.assert_allclose(ends, table[["low", "high"]][:k], rtol=1e-9)
    assert results.cov_type == "design"
    assert results.use_t
    assert results.df_resid == table["df"].min() == (20 if family == "multinomial" else 22)
    if family != "gaussian":
        assert np.abs(results.model.score(np.asarray(results.params).ravel("F"))).max() < 1e-6
    text = str(results.summary())
    assert outcome in text
    assert f"{table['se'].iloc[1]:.3f}" in text
    if family != "multinomial":
        assert f"({table['se'].iloc[1]:.4f})" in str(summary_col([results]))


def test_tests_and_predictions_of_statsmodels_are_of_the_design():
    """t and F tests as by ``Fit.test``; the mean's error as by ``Fit.predict``; weights count."""
    fit = sipas.fit(WEIGHTED, "y ~ a + b")
    results = fit.statsmodels
    normalised = results.normalized_cov_params * results.scale
    np.testing.assert_allclose(normalised, fit.covariance_matrix)
    joint = results.wald_test("a = 0, b = 0", scalar=True)
    assert float(joint.statistic) == pytest.approx(fit.joint().f, rel=1e-10)
    assert float(joint.pvalue) == pytest.approx(fit.joint().p, rel=1e-8)
    assert results.f_pvalue == pytest.approx(fit.joint().p, rel=1e-8)
    assert float(results.t_test("a = 0").pvalue) == pytest.approx(fit.test("a").p, rel=1e-10)
    frame = results.get_prediction(fit.data.head(3)).summary_frame()
    ours = fit.predict(FORMS.head(3)).frame
    np.testing.assert_allclose(frame["mean"], ours["value"])
    np.testing.assert_allclose(frame["mean_se"], ours["se"])
    np.testing.assert_allclose(frame["mean_ci_lower"], ours["low"])
    logit = sipas.fit(WEIGHTED, "yes ~ a + b", "binomial")
    frame = logit.statsmodels.get_prediction(logit.data.head(3)).summary_frame()
    ours = logit.predict(FORMS.head(3)).frame
    np.testing.assert_allclose(frame[["mean", "mean_se"]], ours[["value", "se"]])
    np.testing.assert_allclose(frame["mean_ci_lower"], ours["low"])


def test_forms_of_weight_zero_give_nothing():
    """The log-likelihood is finite; coefficients and errors are those of the fit."""
    zero = FORMS.assign(w=FORMS["w"].where(FORMS["a"] < 1, 0.0))
    fit = sipas.fit(sipas.Design(zero, weights="w", clusters="place"), "y ~ a + b")
    results = fit.statsmodels
    assert np.isfinite(results.llf)
    assert results.nobs == (FORMS["a"] < 1).sum() < fit.n
    np.testing.assert_allclose(results.bse, fit.frame["se"])


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_what_statsmodels_cannot_weight_is_absent(family):
    """No attribute rather than a model without the weights."""
    fit = sipas.fit(WEIGHTED, f"{MODELS[family][1]} ~ a", family)
    assert not hasattr(fit, "statsmodels")
    with pytest.raises(AttributeError, match=f"statsmodels has no {family} model with weights"):
        _ = fit.statsmodels
