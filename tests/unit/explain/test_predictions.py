"""Predictions and adjusted means (rule D11): by hand, at the edges, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import FitError
from tests.unit.explain.test_statsmodels_view import FORMS, MODELS, WEIGHTED

SEX = pd.Categorical(np.where(FORMS["b"] > 0.3, "f", "m"), ["m", "f"])
DESIGN = sipas.Design(FORMS.assign(sex=SEX), weights="w", clusters="place")


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("family", MODELS)
def test_slopes_of_predictions_are_derivatives(family):
    """se² = g'Vg with g by differences of the coefficients; chances of a form add up to 1."""
    from sipas_analysis.explain.predictions import predict_curve

    fit = sipas.fit(DESIGN, f"{MODELS[family][1]} ~ a + sex", family)
    params, x = fit.frame["value"].to_numpy(), fit.data.to_numpy()[:6]
    for scale in ("link", "response"):
        got = predict_curve(x, params, family, scale, exposure=np.ones(6))
        for k in range(len(params)):
            step = 1e-6 * np.eye(len(params))[k]
            up, down = (
                predict_curve(x, params + move, family, scale, exposure=np.ones(6)).value
                for move in (step, -step)
            )
            np.testing.assert_allclose(got.slope[:, :, k], (up - down) / 2e-6, atol=1e-8)
    frame = fit.predict(DESIGN.frame.head(6)).frame
    if "answer" in frame:
        assert frame["answer"].tolist() == list(fit.levels) * 6
        assert frame.groupby(level=0)["value"].sum().to_numpy() == pytest.approx(1.0)
    assert fit.predict().covariance().shape == (len(fit.predict().frame),) * 2


def test_a_prediction_of_a_linear_model_by_hand():
    """x'β, x'Vx, t on the coefficients' df; a blank gives NaN; an empty frame an empty table."""
    fit = sipas.fit(DESIGN, "y ~ a + sex")
    people = pd.DataFrame({"a": [1.0, np.nan], "sex": ["f", "m"]}, index=["p", "q"])
    got = fit.predict(people)
    x = np.array([1.0, 1.0, 1.0])
    wanted = [x @ fit.params[["Intercept", "a", "sex[T.f]"]], np.sqrt(x @ fit.covariance() @ x)]
    assert got.frame.loc["p", ["value", "se"]].tolist() == pytest.approx(wanted, rel=1e-12)
    assert got.frame.loc["q"].drop("df").isna().all()
    assert got.covariance().loc["p", "p"] == pytest.approx(wanted[1] ** 2)
    assert len(fit.predict(people.head(0)).frame) == 0


def test_adjusted_means_of_a_linear_model_differ_by_the_coefficient():
    """Σwμ/Σw by hand; the difference of two levels is the coefficient, with its error."""
    fit = sipas.fit(DESIGN, "y ~ a + sex")
    means = fit.adjusted_means("sex")
    assert means.frame["answer"].tolist() == ["m", "f"]  # the order of the categories
    w = FORMS["w"] / FORMS["w"].sum()
    wanted = fit.params["Intercept"] + fit.params["a"] * (w @ FORMS["a"])
    assert means.frame["value"].iloc[0] == pytest.approx(wanted, rel=1e-12)
    gap, own = means.differences().iloc[0], fit.frame.set_index("variable").loc["sex[T.f]"]
    assert gap["contrast"] == "f − m"
    for column in ("value", "se", "low", "high", "p"):
        assert gap[column] == pytest.approx(own[column], rel=1e-9), column
    assert list(means.covariance().columns) == ["sex/m", "sex/f"]
    three = sipas.fit(DESIGN, "y ~ a + word").adjusted_means("word")
    gaps = three.differences(adjust="bonferroni")
    np.testing.assert_allclose(gaps["p_adjusted"], np.minimum(3 * gaps["p"], 1.0))


@pytest.mark.slow
def test_adjusted_means_of_every_family_are_averages_of_predictions():
    """With the variable set by hand; chances over all levels add up to 1."""
    w = FORMS["w"] / FORMS["w"].sum()
    for family, (_, outcome) in MODELS.items():
        fit = sipas.fit(DESIGN, f"{outcome} ~ a * sex", family)
        means = fit.adjusted_means("sex", at=["f"]).frame
        frame = DESIGN.frame.assign(sex=pd.Categorical(["f"] * len(FORMS), ["m", "f"]))
        by_form = fit.predict(frame).frame["value"].to_numpy().reshape(len(FORMS), -1)
        np.testing.assert_allclose(means["value"], w.to_numpy() @ by_form)
    assert means["value"].sum() == pytest.approx(1.0)
    either = sipas.fit(DESIGN.assign(up=lambda f: f["b"] > 0), "y ~ a + up")
    assert either.adjusted_means("up").frame["answer"].tolist() == [False, True]
    assert either.adjusted_means("up", at=[True]).frame["answer"].tolist() == [True]
    numeric = sipas.fit(DESIGN, "y ~ a + sex").adjusted_means("a", at=[0, 1]).differences()
    slope = sipas.fit(DESIGN, "y ~ a + sex").params["a"]
    assert numeric["value"].item() == pytest.approx(slope)


def test_what_cannot_be_predicted_is_refused():
    """A level or variable that the model never saw; a number without levels."""
    fit = sipas.fit(DESIGN, "y ~ a + sex")
    people = pd.DataFrame({"a": [1.0], "sex": ["F"]})
    with pytest.raises(FitError, match=r"Only levels that the model saw.*sex has “F”.*nearest: f"):
        fit.predict(people)
    with pytest.raises(FitError, match="“sex” is missing"):
        fit.predict(people[["a"]])
    with pytest.raises(FitError, match=r"Write at=\["):
        fit.adjusted_means("a")
    with pytest.raises(FitError, match=r"“sexx” is none of its variables.*nearest: sex"):
        fit.adjusted_means("sexx")
    with pytest.raises(FitError, match="`at` must be one of"):
        fit.adjusted_means("sex", at="x")
    with pytest.raises(FitError, match="`type` must be one of"):
        fit.predict(people, "mean")


def test_a_two_level_text_is_a_binary_outcome():
    """Its first level counts as 0, and the table says so; three levels are refused."""
    words = DESIGN.assign(said=lambda f: np.where(f["yes"] == 1, "pleased", "not"))
    fit, wanted = (
        sipas.fit(design, f"{outcome} ~ a", "binomial")
        for design, outcome in ((words, "said"), (WEIGHTED, "yes"))
    )
    np.testing.assert_allclose(fit.frame["value"], wanted.frame["value"])
    assert "counts as 0: “not”; the chance is that of “pleased”" in repr(fit)
    assert fit.predict(FORMS.head(2)).frame["value"].between(0, 1).all()
    with pytest.raises(FitError, match="text of two levels; word is not"):
        sipas.fit(DESIGN, "word ~ a", "binomial")
    with pytest.raises(FitError, match=r"“aa” in “y ~ aa” is none.*nearest: a"):
        sipas.fit(DESIGN, "y ~ aa")
