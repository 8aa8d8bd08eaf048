"""Counts, unordered answers, few clusters, groups, given imputations: by hand, laws, refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import sipas_analysis as sipas
from sipas_analysis.errors import FitError, SipasError
from sipas_analysis.explain.imputation import combine_imputations, measure_missing


def forms(n=240):
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"a": rng.normal(size=n), "yes": rng.integers(0, 2, n)})
    frame["count"] = rng.poisson(np.exp(0.4 * frame["a"] + 0.2 * frame["yes"]))
    frame["channel"] = rng.choice(["online", "counter", "post"], n)
    frame["y"] = frame["a"] + rng.normal(size=n)
    frame["days"] = rng.integers(1, 9, n)
    frame["place"] = np.arange(n) % 8
    frame["w"] = rng.uniform(1, 3, n)
    return frame


FORMS = forms()
DESIGN = sipas.Design(FORMS, weights="w", clusters="place")


def refused(design, formula, family="gaussian", **options):
    with pytest.raises(FitError) as caught:
        sipas.fit(design, formula, family, **options)
    return caught.value.message_id


def test_a_rate_is_a_count_with_an_offset():
    """Counts with log(days) are rates weighted by days; doubling the days halves every rate."""
    model = sipas.fit(DESIGN, "count ~ a + yes", family="poisson", offset="log(days)")
    other = sm.GLM(
        FORMS["count"],
        sm.add_constant(FORMS[["a", "yes"]]),
        sm.families.Poisson(),
        offset=np.log(FORMS["days"]),
        var_weights=FORMS["w"],
    ).fit(tol=1e-13)
    np.testing.assert_allclose(model.params, other.params, rtol=1e-9)
    longer = sipas.fit(DESIGN, "count ~ a + yes", family="poisson", offset="log(2 * days)")
    gap = model.params - longer.params
    np.testing.assert_allclose(gap, [np.log(2), 0, 0], atol=1e-9)
    np.testing.assert_allclose(model.frame["se"], longer.frame["se"], rtol=1e-9)
    assert model.frame["rate_ratio"].tolist()[1:] == np.exp(model.params[1:]).tolist()
    expected = model.predict().frame
    np.testing.assert_allclose(expected["value"], other.mu, rtol=1e-9)
    some = FORMS[["a", "yes", "days"]].head(3)
    np.testing.assert_allclose(model.predict(some).frame["low"], expected["low"].head(3))
    np.testing.assert_allclose(
        model.predict(some, type="link").frame["value"], np.log(other.mu[:3])
    )
    w = FORMS["w"] / FORMS["w"].sum()
    all_yes = other.predict(
        sm.add_constant(FORMS[["a", "yes"]].assign(yes=1), has_constant="add"),
        offset=np.log(FORMS["days"]),
    )
    means = model.adjusted_means("yes").frame.set_index("answer")["value"]
    np.testing.assert_allclose(means[1], w @ all_yes, rtol=1e-9)
    assert refused(DESIGN, "y ~ a", offset="log(days)") == "fit_offset_family"
    assert refused(DESIGN, "count ~ a", "poisson", offset="log(hours)") == "fit_offset"
    assert refused(DESIGN, "count ~ a", "poisson", offset="log(count)") == "fit_offset"


def test_only_an_intercept_is_the_mean_and_its_error():
    """log of the weighted mean; log odds of the weighted shares; errors by the delta method."""
    model = sipas.fit(DESIGN, "count ~ 1", family="poisson").frame.iloc[0]
    mean = sipas.mean(DESIGN, "count").frame.iloc[0]
    np.testing.assert_allclose(
        [model["value"], model["se"]], [np.log(mean["value"]), mean["se"] / mean["value"]]
    )
    table = sipas.fit(DESIGN, "channel ~ 1", family="multinomial").frame
    shares = FORMS.groupby("channel")["w"].sum()
    np.testing.assert_allclose(
        table["value"], np.log(shares[["online", "post"]] / shares["counter"])
    )
    assert table["answer"].tolist() == ["online", "post"]


def test_another_reference_gives_the_differences():
    """log P(post)/P(online) is the difference of two coefficients, whichever answer is first."""
    model = sipas.fit(DESIGN, "channel ~ a", family="multinomial")
    assert np.isnan(model.test_parallel_slopes().f)
    assert any(
        note.id == "reference" and note.fields["answer"] == "counter" for note in model.notes
    )
    turned = FORMS.assign(channel=pd.Categorical(FORMS["channel"], ["online", "counter", "post"]))
    other = sipas.fit(DESIGN.assign(channel=turned["channel"]), "channel ~ a", family="multinomial")
    gap = model.params["post"] - model.params["online"]
    np.testing.assert_allclose(other.params["post"], gap, rtol=1e-8)
    covariance = model.covariance()
    variance = [
        covariance.loc[f"post/{name}", f"post/{name}"]
        + covariance.loc[f"online/{name}", f"online/{name}"]
        - 2 * covariance.loc[f"post/{name}", f"online/{name}"]
        for name in ("Intercept", "a")
    ]
    np.testing.assert_allclose(other.frame["se"].tail(2) ** 2, variance, rtol=1e-8)


def test_an_answer_that_a_domain_lacks_is_named():
    """It leaves the model, and a note says so; one answer alone is no outcome."""
    young = DESIGN.subset("channel != 'post'")
    model = sipas.fit(young, "channel ~ a", family="multinomial")
    assert model.levels == ("counter", "online")
    notes = {note.id: note.text("en") for note in model.notes}
    assert "No form of the model gives post" in notes["absent_answers"]
    only = DESIGN.subset("channel == 'post'")
    assert refused(only, "channel ~ a", "multinomial") == "fit_outcome_constant"


def test_separated_answers_and_counts_are_refused():
    """A predictor that decides the answer, or leaves only zeros, has no finite coefficient."""
    parted = FORMS.assign(low=np.where(FORMS["channel"] == "post", 1.0, 0.0))
    assert refused(sipas.Design(parted), "channel ~ low", "multinomial") == "fit_separated"
    none = FORMS.assign(count=FORMS["count"].where(FORMS["yes"] == 1, 0))
    assert refused(sipas.Design(none), "count ~ yes", "poisson") == "fit_separated"


def test_cr2_of_a_mean_of_equal_clusters_is_the_usual_error():
    """Clusters of one size: s²/m of the cluster means, on m − 1 degrees of freedom."""
    design = sipas.Design(FORMS, clusters="place")
    table = sipas.fit(design, "y ~ 1", errors="cr2").frame
    means = FORMS.groupby("place")["y"].mean()
    np.testing.assert_allclose(table["se"], means.std() / np.sqrt(8))
    np.testing.assert_allclose(table["df"], 7.0)


def test_cr2_of_single_forms_is_hc2():
    """Without clusters each form is its own: HC2 of statsmodels."""
    table = sipas.fit(sipas.Design(FORMS), "y ~ a + yes", errors="cr2").frame
    other = sm.OLS(FORMS["y"], sm.add_constant(FORMS[["a", "yes"]])).fit(cov_type="HC2")
    np.testing.assert_allclose(table["se"], other.bse, rtol=1e-9)


def test_cr2_is_refused_where_it_does_not_hold():
    """Strata, fractions, calibration; models of several residuals; what is no coefficient."""
    stratified = sipas.Design(FORMS, strata="yes", clusters="place")
    assert refused(stratified, "y ~ a", errors="cr2") == "cr2_design"
    assert refused(DESIGN, "channel ~ a", "multinomial", errors="cr2") == "cr2_family"
    assert refused(DESIGN, "y ~ a", errors="cr3") == "word"
    model = sipas.fit(DESIGN, "yes ~ a", "binomial", errors="cr2")
    with pytest.raises(FitError, match="CR2 corrects the errors of coefficients only"):
        model.margins()
    assert 'errors="cr2"' in repr(sipas.fit(DESIGN, "y ~ a"))
    assert 'errors="cr2"' not in repr(model)
    assert {note.id for note in model.notes} == set()
    two = sipas.fit(DESIGN.subset("place < 3"), "y ~ yes", errors="cr2")
    assert [note.id for note in two.notes] == ["few_df"]
    one = sipas.fit(DESIGN.subset("place == 1"), "y ~ yes", errors="cr2")
    assert one.frame["se"].isna().all()
    assert "one_cluster" in {note.id for note in one.notes}


@pytest.mark.slow
def test_groups_are_domains_and_a_group_without_a_model_has_the_reason():
    """Each group is the fit on its subset; order of categories; blank keys are counted."""
    order = ["post", "counter", "online", "fax"]
    frame = FORMS.assign(channel=pd.Categorical(FORMS["channel"], order))
    frame.loc[:9, "channel"] = None
    frame.loc[10:12, "channel"] = "fax"
    design = sipas.Design(frame, weights="w", clusters="place")
    groups = sipas.fit(design, "y ~ a + yes", by="channel")
    table = groups.frame
    assert list(table)[:2] == ["channel", "variable"]
    assert table["channel"].drop_duplicates().tolist() == order
    assert groups.n_blank == 10
    assert "channel is blank: 10" in repr(groups)
    part = sipas.fit(design.subset("channel == 'online'"), "y ~ a + yes").frame
    online = table[table["channel"] == "online"].drop(columns=["channel", "reason"])
    pd.testing.assert_frame_equal(online.reset_index(drop=True), part)
    fax = table[table["channel"] == "fax"].iloc[0]
    assert fax["n"] == 3
    assert "more complete forms than terms" in fax["reason"]
    assert np.isnan(fax["value"])
    covariance = groups.covariance()
    np.testing.assert_allclose(
        covariance.loc["post/a", "post/a"], groups.fits["post"].covariance().loc["a", "a"]
    )
    two = sipas.fit(design, "y ~ a", by=["channel", "yes"])
    assert list(two.frame)[:2] == ["channel", "yes"]
    assert ("post", 1) in two.fits
    with pytest.raises(FitError, match="nowhere"):
        sipas.fit(design, "y ~ nowhere", by="channel")
    with pytest.raises(SipasError, match="subset"):
        sipas.fit(design, "y ~ a", by=frame["yes"] == 1)
    reasons = sipas.fit(design, "y ~ a + channel", by="channel").frame["reason"]
    assert reasons.str.contains("Every predictor must vary").all()


def test_pooling_by_hand():
    """Values 1 and 3, variance 1 each: B = 2, T = 1 + 1.5·2 = 4, γ = 3/4, df 16/9 at ν = ∞."""
    pooled = combine_imputations(np.array([[1.0], [3.0]]), np.ones((2, 1, 1)), np.inf)
    assert [pooled.value[0], pooled.covariance[0, 0]] == [2.0, 4.0]
    np.testing.assert_allclose(pooled.df, 16 / 9)
    bounded = combine_imputations(np.array([[1.0], [3.0]]), np.ones((2, 1, 1)), 9.0)
    observed = 10 / 12 * 9 / 4
    np.testing.assert_allclose(bounded.df, 1 / (9 / 16 + 1 / observed))
    missing = measure_missing(np.array([[1.0], [3.0]]), np.ones((2, 1)), np.array([16 / 9]))
    np.testing.assert_allclose(missing, (3 + 2 / (16 / 9 + 3)) / 4)
    alike = combine_imputations(np.ones((2, 1)), np.ones((2, 1, 1)), np.inf)
    assert [alike.covariance[0, 0], alike.df[0]] == [1.0, np.inf]
    assert measure_missing(np.ones((2, 1)), np.ones((2, 1)), alike.df) == 0.0
    finite = combine_imputations(np.ones((2, 1)), np.ones((2, 1, 1)), 9.0)
    np.testing.assert_allclose(finite.df, 7.5)


def test_pooled_fits_have_intervals_at_infinite_df_and_effects():
    """Equal fits: the normal interval and nothing missing; other models are refused."""
    model = sipas.fit(DESIGN, "yes ~ a", "binomial")
    pooled = sipas.pool_fits([model, model], df=np.inf)
    table = pooled.frame
    np.testing.assert_allclose(table["high"] - table["value"], 1.959963984540054 * table["se"])
    np.testing.assert_allclose(table["missing_information"], 0.0, atol=1e-15)
    assert table["odds_high"].notna().any()
    np.testing.assert_allclose(pooled.margins()["value"], model.margins()["value"])
    other = sipas.fit(DESIGN, "yes ~ y", "binomial")
    with pytest.raises(FitError, match="differs from the first"):
        sipas.pool_fits([model, other])
    with pytest.raises(FitError, match="at least two completed samples; 1 was given"):
        sipas.pool_fits(model)
    with pytest.raises(SipasError, match="Fit a model first"):
        sipas.pool_fits([model, model.frame])
    with pytest.raises(FitError, match="must be a number above 0; 'all' is none"):
        sipas.pool_fits([model, model], df="all")
    assert "2 completed samples were combined" in repr(pooled)
    means = sipas.mean(DESIGN, "y", by="channel")
    shares = sipas.pool_estimates([means, means]).frame
    np.testing.assert_allclose(shares["se"], means.frame["se"])
    with pytest.raises(FitError, match="2 differs"):
        sipas.pool_estimates([means, sipas.mean(DESIGN, "a", by="channel")])


@pytest.mark.slow
def test_blanks_are_filled_from_an_answer_without_order():
    """The outcome informs the blanks as categories: their order of the alphabet does not matter."""
    frame = FORMS.assign(a=FORMS["a"].where(FORMS.index % 5 > 0))
    names = {"counter": "z", "online": "m", "post": "a"}
    fits = [
        sipas.fit(
            sipas.Design(frame.assign(channel=channel)),
            "channel ~ a + yes",
            "multinomial",
            missing="impute",
            imputations=5,
        )
        for channel in (
            frame["channel"],
            pd.Categorical(frame["channel"].map(names), ["z", "m", "a"]),
        )
    ]
    assert fits[0].n == len(frame)
    gap = (fits[0].frame["value"] - fits[1].frame["value"]).abs()
    assert (gap < fits[0].frame["se"]).all()
