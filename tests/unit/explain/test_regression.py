"""Models on any frame: what they equal by hand and elsewhere, and what they refuse (rule D1)."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

import sipas_analysis as sipas
from sipas_analysis.errors import FitError, SipasError
from sipas_analysis.explain.likelihoods import LIKELIHOODS, count_parameters, maximise_likelihood


def forms(n=400, seed=1, clusters=40):
    """Draw forms with three predictors, the last of no effect, and outcomes of each kind."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    line = frame["a"] + 0.5 * frame["b"]
    frame["y"] = line + rng.normal(size=n)
    frame["level"] = np.digitize(line + rng.logistic(size=n), [-1.5, 0.0, 1.0])
    frame["yes"] = (frame["level"] >= 2).astype(float)
    frame["w"] = rng.uniform(0.5, 3.0, n)
    frame["place"] = rng.integers(0, clusters, n)
    frame["kind"] = rng.choice(["x", "y", "z"], n)
    return frame


FORMS = forms()
DESIGN = sipas.Design(FORMS, weights="w", clusters="place")
OUTCOME = {"gaussian": "y", "binomial": "yes", "ordinal": "level"}


@pytest.mark.parametrize("family", LIKELIHOODS)
def test_slopes_and_bend_are_the_derivatives_of_the_likelihood(family):
    """By central differences, away from the maximum."""
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(60, 2)), rng.uniform(0.5, 2, 60)
    y = rng.integers(0, 4, 60).astype(float)
    y = (y > 1).astype(float) if family == "binomial" else y
    params = np.array([0.3, -0.2, -1.0, 0.1, 1.3, 0.4][: count_parameters(family, 2, y)])
    likely, score, bend = LIKELIHOODS[family](params, x, y, w)
    step = 1e-5
    for k in range(len(params)):
        move = step * np.eye(len(params))[k]
        up, down = (LIKELIHOODS[family](params + it, x, y, w) for it in (move, -move))
        np.testing.assert_allclose(score[:, k], (up[0] - down[0]) / (2 * step), atol=1e-8)
        np.testing.assert_allclose(bend[k], -(w @ up[1] - w @ down[1]) / (2 * step), atol=1e-5)
    assert likely.shape == (60,)


@pytest.mark.parametrize(
    ("family", "make"),
    [
        ("gaussian", lambda x: sm.WLS(FORMS["y"], x, weights=FORMS["w"]).fit()),
        (
            "binomial",
            lambda x: sm.GLM(FORMS["yes"], x, sm.families.Binomial(), var_weights=FORMS["w"]).fit(
                tol=1e-13
            ),
        ),
    ],
)
def test_coefficients_equal_statsmodels(family, make):
    """Weighted least squares and weighted logit."""
    found = sipas.fit(DESIGN, f"{OUTCOME[family]} ~ a + b + c", family)
    wanted = make(sm.add_constant(FORMS[["a", "b", "c"]]))
    np.testing.assert_allclose(found.params, wanted.params, rtol=1e-8)
    np.testing.assert_allclose(found.statsmodels.params, found.params, rtol=1e-6)


@pytest.mark.slow
def test_an_unweighted_ordered_logit_equals_statsmodels_and_a_weighted_one_doubles_people():
    """OrderedModel ignores weights, so a weight of 2 is held against the same person twice."""
    found = sipas.fit(sipas.Design(FORMS), "level ~ a + b + c", "ordinal")
    model = OrderedModel(FORMS["level"], FORMS[["a", "b", "c"]], distr="logit")
    wanted = model.fit(method="bfgs", gtol=1e-9, disp=False)
    np.testing.assert_allclose(found.params.iloc[:3], wanted.params.iloc[:3], rtol=1e-5)
    assert [*found.params.index[3:]] == ["0|1", "1|2", "2|3"]
    assert found.statsmodels is not None
    twice = np.where(FORMS["kind"] == "x", 2, 1)
    weighted = sipas.Design(FORMS.assign(w=twice), weights="w")
    doubled = sipas.Design(FORMS.loc[FORMS.index.repeat(twice)].reset_index(drop=True))
    one, many = (sipas.fit(it, "level ~ a + b + c", "ordinal") for it in (weighted, doubled))
    np.testing.assert_allclose(one.params, many.params, rtol=1e-8)
    assert not np.allclose(one.params, found.params, rtol=1e-3)
    assert not hasattr(one, "statsmodels")
    with pytest.raises(AttributeError, match="no ordinal model with weights"):
        _ = one.statsmodels


def test_errors_by_hand_from_cluster_totals_of_the_influence():
    """Var = k/(k − 1)·Σ z zᵀ over clusters, z = (XᵀWX)⁻¹Σ w x e (rule V1); t on k − 1 − slopes."""
    found = sipas.fit(DESIGN, "y ~ a + b")
    x = np.column_stack([np.ones(len(FORMS)), FORMS[["a", "b"]]])
    w = FORMS["w"].to_numpy()
    rest = FORMS["y"] - x @ found.params.to_numpy()
    z = pd.DataFrame(x * (w * rest.to_numpy())[:, None]).groupby(FORMS["place"]).sum().to_numpy()
    bread = np.linalg.inv((x * w[:, None]).T @ x)
    k = FORMS["place"].nunique()
    wanted = k / (k - 1) * bread @ z.T @ z @ bread
    np.testing.assert_allclose(found.covariance(), wanted, rtol=1e-8)
    assert found.frame["df"].unique().tolist() == [k - 1 - 2]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("family", OUTCOME)
def test_order_of_forms_scale_of_weights_and_units_change_nothing(family):
    """Coefficients and errors follow the units of a predictor, and nothing else."""
    base = sipas.fit(DESIGN, f"{OUTCOME[family]} ~ a + b + C(kind)", family)
    changed = FORMS.assign(w=1000 * FORMS["w"], a=FORMS["a"] / 1000).sample(frac=1, random_state=1)
    other = sipas.fit(
        sipas.Design(changed, weights="w", clusters="place"),
        f"{OUTCOME[family]} ~ a + b + C(kind)",
        family,
    )
    factor = np.where(base.frame["variable"] == "a", 1000, 1)
    np.testing.assert_allclose(other.frame["value"], factor * base.frame["value"], rtol=1e-7)
    np.testing.assert_allclose(other.frame["se"], factor * base.frame["se"], rtol=1e-7)


def test_a_blank_costs_the_form_and_is_counted():
    """The others are a part of the sample, not a sample of their own."""
    blank = FORMS.assign(
        a=FORMS["a"].where(FORMS.index % 5 > 0), y=FORMS["y"].where(FORMS.index > 9)
    )
    found = sipas.fit(sipas.Design(blank, clusters="place"), "y ~ a + b")
    assert found.lost.to_dict() == {"y": 10, "a": 80, "b": 0}
    assert (found.n, found.n_lost) == (312, 88)
    assert [note.id for note in found.notes] == ["many_lost"]
    kept = blank.dropna().reset_index(drop=True)
    alone = sipas.fit(sipas.Design(kept, clusters="place"), "y ~ a + b")
    np.testing.assert_allclose(found.params, alone.params, rtol=1e-9)


def test_categories_interactions_and_functions_are_read_as_elsewhere():
    """``C(kind)``, ``a:b``, ``I(a**2)`` and an outcome that is a function."""
    found = sipas.fit(DESIGN, "np.abs(y) ~ C(kind) + a:b + I(a**2)")
    assert {"C(kind)[T.y]", "C(kind)[T.z]", "a:b", "I(a ** 2)"} <= set(found.params.index)
    x = np.column_stack(
        [
            np.ones(len(FORMS)),
            FORMS["kind"] == "y",
            FORMS["kind"] == "z",
            FORMS["a"] * FORMS["b"],
            FORMS["a"] ** 2,
        ]
    )
    root = np.sqrt(FORMS["w"].to_numpy())
    wanted = np.linalg.lstsq(x * root[:, None], np.abs(FORMS["y"]) * root, rcond=None)[0]
    np.testing.assert_allclose(sorted(found.params), sorted(wanted), rtol=1e-8)


def test_ordered_categories_keep_their_order_and_text_is_refused():
    """The alphabet is no order: high < low < middle would be read without a word."""
    words = pd.Series(["low", "middle", "high"])[np.digitize(FORMS["level"], [1, 3])]
    words = words.reset_index(drop=True)
    ordered = pd.Categorical(words, ["low", "middle", "high"], ordered=True)
    found = sipas.fit(sipas.Design(FORMS.assign(word=ordered)), "word ~ a + b", "ordinal")
    assert [*found.params.index[2:]] == ["low|middle", "middle|high"]
    assert found.levels == ("low", "middle", "high")
    assert found.params["a"] > 0
    with pytest.raises(FitError, match="its order is not known"):
        sipas.fit(sipas.Design(FORMS.assign(word=words)), "word ~ a + b", "ordinal")


# ── effects, parallel slopes


def test_average_effects_equal_a_difference_of_predictions():
    """Of a number by a small step, of 0/1 by the two values; of a level and above (D1)."""
    frame = FORMS.assign(d=(FORMS["c"] > 0).astype(float))
    design = sipas.Design(frame, weights="w", clusters="place")
    for family, at in (("binomial", None), ("ordinal", 2)):
        fit = sipas.fit(design, f"{OUTCOME[family]} ~ a + d", family)
        value = fit.margins(at).set_index("variable")["value"]
        slope = fit.params[["a", "d"]].to_numpy()
        cut = fit.params["Intercept"] if family == "binomial" else -fit.params["1|2"]

        def share(a, d, slope=slope, cut=cut):
            chance = 1 / (1 + np.exp(-(slope[0] * a + slope[1] * d + cut)))
            return 100 * np.average(chance, weights=frame["w"])

        step = 1e-5
        wanted = (share(frame["a"] + step, frame["d"]) - share(frame["a"] - step, frame["d"])) / (
            2 * step
        )
        assert value["a"] == pytest.approx(wanted, rel=1e-7)
        assert value["d"] == pytest.approx(
            share(frame["a"], 1.0) - share(frame["a"], 0.0), rel=1e-9
        )


def test_a_category_is_held_against_its_first_level():
    """Everyone at one level against everyone at the first: the others' dummies are 0."""
    fit = sipas.fit(DESIGN, "yes ~ a + C(kind)", "binomial")
    value = fit.margins().set_index("variable")["value"]
    line = fit.params["Intercept"] + fit.params["a"] * FORMS["a"]
    chance = {
        name: 1 / (1 + np.exp(-(line + add)))
        for name, add in (("x", 0.0), ("y", fit.params["C(kind)[T.y]"]))
    }
    wanted = 100 * np.average(chance["y"] - chance["x"], weights=FORMS["w"])
    assert value["C(kind)[T.y]"] == pytest.approx(wanted, rel=1e-9)
    assert [*value.index] == ["a", "C(kind)[T.y]", "C(kind)[T.z]"]


@pytest.mark.slow
def test_effects_have_the_error_of_a_jackknife_over_clusters():
    """Leaving out one cluster at a time moves coefficients and the people averaged over alike."""
    fit = sipas.fit(DESIGN, "yes ~ a + b", "binomial")
    found = fit.margins()["se"].to_numpy()
    left_out = []
    for place in FORMS["place"].unique():
        rest = FORMS[FORMS["place"] != place]
        one = sipas.fit(
            sipas.Design(rest, weights="w", clusters="place"), "yes ~ a + b", "binomial"
        )
        left_out.append(one.margins()["value"])
    spread = np.array(left_out)
    k = len(spread)
    wanted = np.sqrt((k - 1) / k * ((spread - spread.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found, wanted, rtol=0.05)


def test_slopes_that_differ_between_cuts_are_found():
    """Planted: ``a`` matters only for the top level."""
    rng = np.random.default_rng(7)
    a = rng.normal(size=1500)
    low = rng.random(1500) < 0.3
    top = rng.random(1500) < 1 / (1 + np.exp(-1.5 * a))
    frame = pd.DataFrame({"a": a, "level": np.where(low, 0, np.where(top, 2, 1))})
    apart = sipas.fit(sipas.Design(frame), "level ~ a", "ordinal").test_parallel_slopes()
    alike = sipas.fit(DESIGN, "level ~ a + b", "ordinal").test_parallel_slopes()
    assert apart.p < 1e-6
    assert alike.p > 0.05
    assert (apart.df, alike.df) == (1, 4)
    assert apart.slopes["a"].iloc[0] < 0.2 < 0.7 < apart.slopes["a"].iloc[1]


def test_a_linear_model_has_slopes_as_effects_through_products_too():
    """In the outcome's unit."""
    fit = sipas.fit(DESIGN, "y ~ a + b")
    np.testing.assert_allclose(fit.margins()["value"], fit.params[["a", "b"]], rtol=1e-9)
    both = sipas.fit(DESIGN, "y ~ a * b")
    wanted = both.params["a"] + both.params["a:b"] * np.average(FORMS["b"], weights=FORMS["w"])
    table = both.margins().set_index("variable")["value"]
    assert table["a"] == pytest.approx(wanted, rel=1e-9)
    assert [*table.index] == ["a", "b"]


# ── what cannot be


def refused(frame, formula, family="gaussian", **design):
    with pytest.raises(FitError) as caught:
        sipas.fit(sipas.Design(frame, **design), formula, family)
    return caught.value.message_id, str(caught.value)


def test_what_no_model_can_come_from_is_refused_by_name():
    """One paragraph each: what must hold, what was found, what to do."""
    few, same = FORMS.head(3), FORMS.assign(y=1.0, c=2.0, twin=2 * FORMS["a"] + 1)
    cases = {
        "fit_few_forms": (few, "y ~ a + b + c"),
        "fit_outcome_constant": (same, "y ~ a"),
        "fit_constant": (same, "level ~ c + a"),
        "fit_tied": (same, "level ~ a + b + twin"),
        "fit_formula": (FORMS, "y = a + b"),
        "fit_infinite": (FORMS.assign(a=np.where(FORMS.index == 7, np.inf, FORMS["a"])), "y ~ a"),
        "fit_outcome_gaussian": (FORMS, "kind ~ a"),
    }
    for wanted, (frame, formula) in cases.items():
        found, said = refused(frame, formula)
        assert found == wanted, said
    assert "a, twin" in refused(same, "level ~ a + b + twin")[1]
    assert refused(FORMS, "y ~ nowhere")[0] == "fit_formula_name"
    assert (
        refused(FORMS.assign(yes=2 * FORMS["yes"]), "yes ~ a", "binomial")[0]
        == "fit_outcome_binomial"
    )
    assert refused(FORMS, "yes ~ a", "ordinal")[0] == "fit_two_levels"
    assert refused(FORMS, "y ~ a", "ordinal")[0] == "fit_outcome_ordinal"
    assert refused(FORMS, "y ~ a", "gamma")[0] == "word"
    below = FORMS.assign(level=FORMS["level"] - 3)
    assert refused(below, "level ~ a", "poisson")[0] == "fit_outcome_poisson"
    assert refused(FORMS, "kind ~ a", "poisson")[0] == "fit_outcome_poisson"
    assert refused(FORMS, "y ~ a", "multinomial")[0] == "fit_outcome_multinomial"
    same_kind = FORMS.assign(kind="only")
    assert refused(same_kind, "kind ~ a", "multinomial")[0] == "fit_outcome_constant"
    assert refused(FORMS, "y ~ a + y")[0] == "fit_itself"
    with pytest.raises(SipasError, match=r"sipas\.Design\(frame, weights"):
        sipas.fit(FORMS, "y ~ a")


@pytest.mark.parametrize("family", ["binomial", "ordinal"])
def test_separated_groups_give_no_number(family):
    """Completely, or by a value that only one group has: the search ends without a maximum."""
    frame = FORMS.assign(level=np.digitize(FORMS["a"], [-0.5, 0.5]), yes=FORMS["a"] > 0)
    assert refused(frame, f"{OUTCOME[family]} ~ a + b", family)[0] == "fit_separated"
    rare = FORMS.assign(only=(FORMS["level"] == 3) & (FORMS.index % 3 == 0))
    assert refused(rare, f"{OUTCOME[family]} ~ only + b", family)[0] == "fit_separated"


def test_the_search_says_when_it_does_not_end():
    """Two columns that are one: no maximum, no number."""
    x = np.ones((20, 2))
    assert maximise_likelihood("binomial", x, np.tile([0.0, 1.0], 10), np.ones(20)) is None


def test_few_clusters_are_said_and_too_few_leave_no_interval():
    """Nine clusters: a warning; three for four slopes: no interval; one: no error (rule V3)."""
    some = {k: FORMS.assign(place=FORMS["place"] % k) for k in (9, 3, 1)}
    found = {
        k: sipas.fit(sipas.Design(it, clusters="place"), "y ~ a + b + c + w")
        for k, it in some.items()
    }
    assert [note.id for note in found[9].notes] == ["few_clusters"]
    assert [note.id for note in found[3].notes] == ["no_interval", "few_clusters"]
    assert found[3].frame[["low", "high", "p"]].isna().all(axis=None)
    assert found[3].frame["se"].notna().all()
    assert "one_cluster" in [note.id for note in found[1].notes]
    assert found[1].frame[["se", "low"]].isna().all(axis=None)
    assert found[1].frame["value"].notna().all()


def test_few_of_the_rarer_answer_are_said():
    """Fewer than ten for each slope: coefficients lean outwards."""
    frame = FORMS.assign(yes=(FORMS["y"] > FORMS["y"].nlargest(25).min()).astype(float))
    found = sipas.fit(sipas.Design(frame), "yes ~ a + b + c", "binomial")
    assert [(note.id, note.fields["n"]) for note in found.notes] == [("few_events", 24)]


def test_files_are_refused_with_the_remedy(tmp_path):
    """A regression reads rows."""
    FORMS.to_csv(tmp_path / "forms.csv", index=False)
    with pytest.raises(FitError, match="Read the files into a pandas frame first"):
        sipas.fit(sipas.Design(tmp_path / "forms.csv"), "y ~ a")


# ── imputation


@pytest.mark.slow
def test_filled_forms_give_the_planted_coefficients_back():
    """Blank where ``b`` is large, known through its twin: filled forms are right, and more."""
    rng = np.random.default_rng(11)
    frame = forms(1200, 11)
    frame["twin"] = frame["b"] + 0.3 * rng.normal(size=1200)
    frame["y"] = frame["a"] + frame["b"] + rng.normal(size=1200)
    blank = frame.assign(b=frame["b"].where(frame["twin"] < 0.5))
    design = sipas.Design(blank, clusters="place")
    some = sipas.fit(design, "y ~ a + b + twin")
    whole = sipas.fit(design, "y ~ a + b + twin", missing="impute")
    assert (some.n, whole.n) == (blank["b"].notna().sum(), 1200)
    assert [note.id for note in whole.notes] == ["imputed"]
    table = whole.frame.set_index("variable")
    truth = pd.Series({"Intercept": 0.0, "a": 1.0, "b": 1.0, "twin": 0.0})
    assert ((table["low"] < truth) & (truth < table["high"])).all()
    assert table.loc["a", "se"] < some.frame.set_index("variable").loc["a", "se"]
    assert len(whole.imputed_fits) == 20


@pytest.mark.slow
def test_the_same_seed_fills_the_same_blanks():
    """And another seed other ones."""
    blank = FORMS.assign(b=FORMS["b"].where(FORMS.index % 4 > 0))
    design = sipas.Design(blank, weights="w")
    one, two, other = (
        sipas.fit(design, "yes ~ a + b", "binomial", missing="impute", imputations=3, seed=it)
        for it in (5, 5, 6)
    )
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert (one.frame["value"] != other.frame["value"]).all()
    assert one.margins()["df"].between(1, 399).all()
    assert np.isnan(one.test_parallel_slopes().p)


# ── what a hostile reviewer found


@pytest.mark.parametrize("left", ["y", "I(y * 1)", "word", "I(yes > 0)"])
@pytest.mark.quick_cases(1)
def test_filling_uses_the_outcome_however_it_is_written(left):
    """An expression or an ordered category informs the blanks as a plain number does."""
    rng = np.random.default_rng(2)
    frame = forms(3000, 2)
    frame["y"] = frame["a"] + frame["b"] + rng.normal(size=3000)
    level = np.digitize(frame["y"] + rng.logistic(size=3000), [-1.0, 1.0])
    frame["yes"] = (level > 0) * 1.0
    frame["word"] = pd.Categorical(
        np.array(["low", "mid", "top"])[level], ["low", "mid", "top"], ordered=True
    )
    family = {"word": "ordinal", "I(yes > 0)": "binomial"}.get(left, "gaussian")
    whole = sipas.fit(sipas.Design(frame), f"{left} ~ a + b", family)
    blank = frame.assign(b=frame["b"].where(rng.random(3000) < 0.5))
    found = sipas.fit(
        sipas.Design(blank), f"{left} ~ a + b", family, missing="impute", imputations=5
    )
    assert found.params["b"] == pytest.approx(whole.params["b"], rel=0.15)


def test_effects_at_the_lowest_level_are_refused():
    """Everybody is at the lowest level or above: there is nothing to move."""
    fit = sipas.fit(DESIGN, "level ~ a + b", "ordinal")
    with pytest.raises(FitError, match=r"`at` must be one of these \(1, 2, 3\); 0 is none"):
        fit.margins(0)


def test_effects_follow_names_functions_and_odd_columns():
    """A name that begins another, a logarithm near 0, a dot in a name, no predictor at all."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"a": rng.integers(1, 4, 400), "ab": rng.integers(1, 4, 400)})
    frame["v"], frame["a.b"] = rng.lognormal(0, 1.5, 400), rng.normal(size=400)
    frame["y"] = frame["a"] + 5 * (frame["ab"] == 2) + np.log(frame["v"]) + rng.normal(size=400)
    design = sipas.Design(frame)
    rows = sipas.fit(design, "y ~ a + C(ab)").margins()
    assert rows["variable"].tolist() == ["a", "C(ab)[T.2]", "C(ab)[T.3]"]
    assert rows["value"].iloc[0] == pytest.approx(1, abs=0.3)
    logged = sipas.fit(design, "y ~ np.log(v)")
    wanted = logged.params.iloc[1] * (1 / frame["v"]).mean()
    assert logged.margins()["value"].item() == pytest.approx(wanted, rel=1e-6)
    dotted = sipas.fit(design, "y ~ a + `a.b`")
    assert dotted.margins()["variable"].tolist() == ["a", "a.b"]
    assert "a.b" in dotted.lost.index
    assert sipas.fit(design, "y ~ 1").margins().empty


def test_a_heavy_tail_is_not_taken_for_separation():
    """One value of 5,000 among exponentials: the maximum exists, and equals statsmodels'."""
    rng = np.random.default_rng(6)
    v = rng.exponential(size=600)
    v[0] = 5000.0
    frame = pd.DataFrame({"v": v, "y": (v - 1 + rng.logistic(size=600) > 0) * 1.0})
    found = sipas.fit(sipas.Design(frame), "y ~ v", "binomial")
    wanted = sm.Logit(frame["y"], sm.add_constant(frame[["v"]])).fit(
        disp=0, method="bfgs", maxiter=500
    )
    np.testing.assert_allclose(found.params, wanted.params, rtol=1e-3)


def test_unused_categories_and_text_of_any_kind_are_read():
    """A level that nobody chose is no predictor; pandas' own text type is text."""
    kinds = pd.Categorical(FORMS["kind"], ["w", "x", "y", "z"])
    frame = FORMS.assign(kind=kinds, word=FORMS["kind"].astype("string"))
    one, two = (sipas.fit(sipas.Design(frame), f"y ~ a + {it}") for it in ("kind", "word"))
    np.testing.assert_allclose(one.params, two.params)


def test_only_a_logit_has_a_rarer_answer():
    """Thirty forms of a linear model are few, but none of them is rare."""
    found = sipas.fit(sipas.Design(FORMS.head(30)), "y ~ a + b + c + w")
    assert found.notes == ()


def test_the_joint_test_speaks_only_where_something_is_there():
    """Three predictors of which two matter; and the one that does not, alone."""
    assert sipas.fit(DESIGN, "y ~ a + b + c").joint().p < 1e-6
    alone = sipas.fit(DESIGN, "y ~ c")
    assert alone.joint().p == pytest.approx(alone.frame["p"].iloc[1], rel=1e-9)
    assert alone.joint(method="adjusted").p == pytest.approx(alone.joint().p, rel=1e-3)


@pytest.mark.parametrize(
    ("formula", "right"),
    [
        ("y ~ Câu 1", "y ~ `Câu 1`"),
        ("y ~ Câu 10 + Câu 1", "y ~ `Câu 10` + `Câu 1`"),
        ("y ~ `Câu 1` + C(a-b)", "y ~ `Câu 1` + C(`a-b`)"),
    ],
)
def test_columns_without_backticks_are_told_with_them(formula, right):
    """Names with blanks or signs: the message is the formula as it must be, and that works."""
    draw = np.random.default_rng(2)
    frame = pd.DataFrame(draw.integers(0, 3, (40, 4)), columns=["y", "Câu 1", "Câu 10", "a-b"])
    with pytest.raises(FitError) as caught:
        sipas.fit(sipas.Design(frame), formula)
    assert caught.value.message_id == "fit_formula_quotes"
    assert str(caught.value).endswith(f"Write: {right}")
    sipas.fit(sipas.Design(frame), right)
