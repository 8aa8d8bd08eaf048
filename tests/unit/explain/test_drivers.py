"""Why people are satisfied: models that stand, and each reason why one does not (rules D1, D2)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from sipas_analysis.errors import ColumnError, ConfigError, FitError
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.explain.drivers import drivers
from sipas_analysis.explain.factor_scores import score_factors

HEAD = "unit,A1,A2,D1,OVERALL\n"


def text_of(rows, head=HEAD):
    """Write rows of levels as forms of one unit; None is a blank."""
    lines = [",".join("" if x is None else str(x) for x in row) for row in rows]
    return head + "".join(f"so-a,{line}\n" for line in lines)


def people(n, outcome, seed=1, near=0.0):
    """Draw n people with two factors; ``outcome`` gives level and noise to the whole.

    ``near`` is the share of people whose second factor equals the first.
    """
    rng = np.random.default_rng(seed)
    access, results = rng.integers(1, 6, (2, n))
    results = np.where(rng.random(n) < near, access, results)
    whole = np.clip(np.rint(outcome(access, results, rng.normal(0, 0.8, n))), 1, 5).astype(int)
    return [[a, a, r, o] for a, r, o in zip(access, results, whole, strict=True)]


def mostly_access(access, results, noise):
    return 0.8 * access + 0.1 * results + noise


def linear(found):
    return found.frame[found.frame["model"] == "linear"].set_index("variable")


def test_a_factor_score_is_the_mean_of_what_was_answered(read_answers):
    """A blank item leaves the mean; a blank factor is missing."""
    survey = read_answers(text_of([[5, 2, 3, 4], [5, None, None, 4]]))
    assert score_factors(survey).replace(np.nan, None).to_numpy().tolist() == [[3.5, 3], [5, None]]


def test_coefficients_equal_least_squares_of_standard_scores(read_answers):
    """By numpy, on people with all factors; a blank costs the whole form, and is counted."""
    rows = people(120, mostly_access)
    models = drivers(read_answers(text_of([*rows, [5, 5, None, 4], [5, 4, 3, None]])))
    data = np.array([[a, r, o] for a, _, r, o in rows], float)
    standard = (data - data.mean(axis=0)) / data.std(axis=0)
    beta, rest, *_ = np.linalg.lstsq(standard[:, :2], standard[:, 2], rcond=None)
    np.testing.assert_allclose(linear(models)["value"], beta, rtol=1e-9)
    assert models.r_squared == pytest.approx(1 - rest[0] / len(rows))
    assert (models.n, models.n_lost, models.outcome) == (120, 2, "OVERALL")
    raw = np.linalg.lstsq(np.column_stack([np.ones(120), data[:, :2]]), data[:, 2], rcond=None)[0]
    np.testing.assert_allclose(linear(models)["raw"], raw[1:], rtol=1e-9)


def test_a_driver_that_matters_is_sure_and_one_that_does_not_is_not(read_answers):
    """Intervals speak, in both models."""
    models = drivers(read_answers(text_of(people(300, lambda a, r, e: a + e)))).frame
    assert models["model"].unique().tolist() == ["linear", "logit", "ordinal"]
    access, results = (models[models["variable"] == term] for term in ("access", "results"))
    assert (access["low"] > 0).all()
    assert ((results["low"] < 0) & (results["high"] > 0)).all()


@pytest.mark.slow
def test_two_near_duplicates_cannot_be_separated(read_answers):
    """VIF from 5 or a correlation from 0.9: the verdict is plain (rule D2)."""
    apart, near = (
        linear(drivers(read_answers(text_of(people(300, mostly_access, near=share)))))
        for share in (0.3, 0.97)
    )
    assert apart["separable"].all()
    assert (apart["vif"] < 2).all()
    assert not near["separable"].any()
    squared = 1 - 1 / near["vif"].iloc[0]  # of two factors, VIF = 1/(1 − r²)
    assert squared > 0.9**2


@pytest.mark.slow
def test_weights_count(read_answers):
    """A weight of 2 is the same person twice, in value though not in error."""
    rows = people(100, mostly_access)
    head = "unit,w,A1,A2,D1,OVERALL\n"
    columns = {"unit": "unit", "weight": "w"}
    weights = [2 if k % 3 else 1 for k in range(100)]
    weighted = [[w, *row] for w, row in zip(weights, rows, strict=True)]
    twice = [row for w, row in zip(weights, rows, strict=True) for _ in range(w)]
    models = drivers(read_answers(text_of(weighted, head), columns=columns)).frame
    many, plain = (drivers(read_answers(text_of(it))).frame for it in (twice, rows))
    np.testing.assert_allclose(models["value"], many["value"], rtol=1e-6)
    assert not np.allclose(models["value"], plain["value"], rtol=1e-3)
    assert (models["se"] > many["se"]).all()


@pytest.mark.slow
def test_the_scale_of_weights_changes_nothing(read_answers):
    """Households or shares: only the proportions count."""
    head, columns = "unit,w,A1,A2,D1,OVERALL\n", {"unit": "unit", "weight": "w"}
    rows = people(80, mostly_access)
    few, lots = (
        drivers(
            read_answers(
                text_of([[size * (1 + k % 4), *row] for k, row in enumerate(rows)], head),
                columns=columns,
            )
        ).frame
        for size in (0.001, 500)
    )
    np.testing.assert_allclose(few[["value", "se"]], lots[["value", "se"]], rtol=1e-7)


# ── reasons


def no_overall(rows):
    return [[*row[:3], None] for row in rows]


RANDOM = people(200, mostly_access)
ALL = {"linear", "logit", "ordinal"}
REASONS = {
    "no_outcome": (no_overall(RANDOM), dict.fromkeys(ALL, "no_outcome")),
    "few_forms": (RANDOM[:29], dict.fromkeys(ALL, "few_forms")),
    "constant": ([[*row[:3], 4] for row in RANDOM], dict.fromkeys(ALL, "constant")),
    "few_answers": (
        [[*row[:3], 4 if k < 9 else 1 + k % 3] for k, row in enumerate(RANDOM)],
        {"logit": "few_answers"},
    ),
    "singular": ([[a, b, a, o] for a, b, _, o in RANDOM], dict.fromkeys(ALL, "singular")),
    "separated": (
        [[a, b, r, 5 if a + r > 6 else 2] for a, b, r, _ in RANDOM],
        {"logit": "not_converged", "ordinal": "few_levels"},
    ),
}


@pytest.mark.parametrize("case", REASONS)
@pytest.mark.quick_cases(1)
def test_a_model_that_cannot_stand_leaves_its_reason_and_no_row(read_answers, case):
    """No outcome, few forms, no variation, few of one kind, collinear, perfectly separated."""
    rows, reasons = REASONS[case]
    models = drivers(read_answers(text_of(rows)))
    assert models.reason == reasons
    assert set(models.frame["model"]) == ALL - set(reasons)
    assert set(models.fits) == ALL - set(reasons)
    assert np.isnan(models.r_squared) == ("linear" in reasons)
    assert models.frame[["value", "se"]].notna().all(axis=None)


def test_a_constant_factor_is_a_reason_too(read_answers):
    """Nothing goes together with what never changes."""
    models = drivers(read_answers(text_of([[a, b, 3, o] for a, b, _, o in RANDOM])))
    assert models.reason == dict.fromkeys(ALL, "constant")


def test_without_the_question_on_the_whole_correlations_remain(read_answers):
    """Levels and correlations of the factors are still shown (rule D1)."""
    models = drivers(read_answers(text_of(no_overall(RANDOM))))
    assert [*models.correlations] == ["access", "results"]
    assert models.outcome == ""


def test_an_outcome_that_is_itself_an_item_is_refused(read_answers):
    """It would explain itself (rule D1); the wave is not even read."""
    with pytest.raises(ConfigError, match="outcome A1 is itself an item") as caught:
        read_answers(text_of(RANDOM), outcome="A1")
    assert caught.value.fields["outcome"] == "A1"
    survey = read_answers(text_of(RANDOM))
    object.__setattr__(survey, "wave", survey.wave.model_copy(update={"outcome": "D1"}))
    with pytest.raises(ConfigError, match="outcome D1 is itself an item"):
        drivers(survey)


def _found(**changed):
    """Three coefficients as ``drivers`` returns them."""
    table = pd.DataFrame(
        {
            "model": "linear",
            "variable": ["a", "b", "c"],
            "value": [0.4, -0.3, 0.2],
            "p": [1e-9, 1e-9, 0.04],
            "separable": True,
        }
        | changed
    )
    blank = pd.DataFrame()
    return Drivers(table, "Y", 100, 0, 0.5, {}, blank, table, pd.Series(dtype=int), (), {})


def test_only_what_can_be_told_apart_and_survives_holm_is_named():
    """Holm over the terms; a factor that cannot be told apart is not named (rule D2)."""
    assert _found().list_significant() == ["a", "c"]
    assert _found(p=[1e-9, 0.03, 0.04]).list_significant() == ["a"]
    assert _found(separable=[False, True, True]).list_significant() == ["c"]


def test_a_negative_coefficient_is_named_apart():
    """It must neither vanish nor be praised."""
    assert _found().list_significant(sign=-1) == ["b"]


# ── points, by, controls, blanks, warnings


@pytest.mark.slow
def test_points_and_odds_are_those_of_one_level_of_the_factor(read_answers):
    """By statsmodels on raw levels: the average marginal effect, and exp of the coefficient."""
    rows = people(400, mostly_access)
    found = drivers(read_answers(text_of(rows))).model_rows("logit").set_index("variable")
    data = pd.DataFrame(
        [[a, r, float(o >= 4)] for a, _, r, o in rows], columns=["access", "results", "y"]
    )
    model = sm.Logit(data["y"], sm.add_constant(data[["access", "results"]])).fit(disp=0)
    margins = 100 * model.get_margeff().margeff
    np.testing.assert_allclose(found["points"], margins, rtol=1e-6)
    np.testing.assert_allclose(found["odds_ratio"], np.exp(model.params.iloc[1:]), rtol=1e-6)
    np.testing.assert_allclose(found["raw"], model.params.iloc[1:], rtol=1e-6)
    assert (found["points_low"] < found["points"]).all()
    assert (found["odds_low"] < found["odds_ratio"]).all()


@pytest.mark.slow
def test_each_unit_has_its_own_model_or_its_reason(read_answers):
    """A unit of 12 forms has none; the other has the model of its own forms alone."""
    large, small = people(120, mostly_access), people(12, mostly_access, seed=2)
    rows = "".join(f"so-a,{','.join(map(str, row))}\n" for row in large)
    rows += "".join(f"so-b,{','.join(map(str, row))}\n" for row in small)
    models = drivers(read_answers(HEAD + rows), ["linear"], by="unit")
    alone = drivers(read_answers(text_of(large)), ["linear"])
    assert models.reason == {("so-b", "linear"): "few_forms"}
    assert models.frame["unit"].unique().tolist() == ["so-a"]
    head, _, *rows = models.to_markdown().splitlines()  # the unit leads each row
    assert (head.split(" | ")[0], rows[0].split(" | ")[0]) == ("| Unit", "| Department A")
    np.testing.assert_allclose(models.frame["value"], alone.frame["value"], rtol=1e-9)
    # as a domain of 132 forms: n/(n − 1) of all, residual df of its own
    ratio = np.sqrt(132 / 131 / (120 / 119))
    np.testing.assert_allclose(models.frame["se"], ratio * alone.frame["se"], rtol=1e-9)
    assert (models.n, models.n_lost) == (132, 0)


def test_a_control_takes_its_part_away(read_answers):
    """Units differ in level: held constant, the factor's coefficient is that within units."""
    rng = np.random.default_rng(5)
    unit, access = rng.integers(0, 2, 300), rng.integers(2, 5, 300)
    results = rng.integers(1, 6, 300)
    access = np.clip(access + unit, 1, 5)
    whole = np.clip(np.rint(1.5 * unit + 0.3 * access + rng.normal(1, 0.5, 300)), 1, 5).astype(int)
    lines = [
        f"{'so-b' if u else 'so-a'},{a},{a},{r},{o}"
        for u, a, r, o in zip(unit, access, results, whole, strict=True)
    ]
    survey = read_answers(HEAD + "\n".join(lines) + "\n")
    x = np.column_stack([np.ones(300), access, results, unit])
    wanted = np.linalg.lstsq(x, whole, rcond=None)[0]
    held, plain = (linear(drivers(survey, ["linear"], controls=it)) for it in (["unit"], []))
    np.testing.assert_allclose(held["raw"], wanted[1:3], rtol=1e-9)
    assert plain.loc["access", "raw"] > 1.5 * held.loc["access", "raw"]
    assert "unit=so-b" in drivers(survey, ["linear"], controls=["unit"]).fits["linear"].params


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("given", [{"controls": ["sexx"]}, {"by": "sexx"}, {"by": "vulnerable"}])
def test_a_key_that_the_survey_lacks_is_refused(read_answers, given):
    """It is named, with those there are; several answers of one person make no groups."""
    survey = read_answers("unit,A1,A2,D1,OVERALL,vulnerable\n" + "so-a,5,4,3,4,HN\n" * 40)
    with pytest.raises(ColumnError, match=r"split by a key.*survey\.assign"):
        drivers(survey, **given)


def test_a_misspelt_key_is_answered_with_the_nearest(read_answers):
    survey = read_answers("unit,A1,A2,D1,OVERALL,sex\n" + "so-a,5,4,3,4,nam\n" * 40)
    with pytest.raises(ColumnError, match=r"nearest: sex\); “sexx”"):
        drivers(survey, controls="sexx")


def test_a_model_that_is_not_known_is_refused(read_answers):
    """With those there are."""
    with pytest.raises(
        FitError, match=r"one of these \(linear, logit, ordinal.*\); 'probit' is none"
    ):
        drivers(read_answers(text_of(RANDOM)), ["probit"])


def test_nothing_is_said_to_be_filled_where_no_factor_is_blank(read_answers):
    """Only the outcome is blank, and that is never filled."""
    rows = [*people(100, mostly_access), *([5, 4, 3, None] for _ in range(9))]
    survey = read_answers(text_of(rows))
    plain, filled = (drivers(survey, ["linear"], missing=it) for it in ("complete", "impute"))
    assert filled.notes == plain.notes
    pd.testing.assert_frame_equal(filled.frame, plain.frame)


def test_a_model_without_any_interval_is_a_reason(read_answers):
    """Two clusters for two factors: no degree of freedom is left, no coefficient shown (V3)."""
    head = "unit,place,A1,A2,D1,OVERALL\n"
    rows = [[k % 2, *row] for k, row in enumerate(people(120, mostly_access))]
    columns = {"unit": "unit", "cluster": "place"}
    models = drivers(read_answers(text_of(rows, head), columns=columns))
    assert models.reason == dict.fromkeys(ALL, "few_clusters")
    assert models.frame.empty


def test_wishes_may_be_one_word_and_repeated(read_answers):
    """A model or a control as text, or twice, is that one."""
    rows = people(100, mostly_access)
    lines = "".join(f"so-{'ab'[k % 2]},{','.join(map(str, it))}\n" for k, it in enumerate(rows))
    survey = read_answers(HEAD + lines)
    models = drivers(survey, "linear", controls="unit").frame
    pd.testing.assert_frame_equal(
        models, drivers(survey, ["linear"] * 2, controls=["unit"] * 2).frame
    )


@pytest.mark.slow
def test_a_blank_factor_can_be_filled(read_answers):
    """150 of 450 people left the second factor out; filled, all count, and the truth stays."""
    rows = people(450, mostly_access, near=0.5)
    rows = [[a, b, None if k % 3 == 0 else r, o] for k, (a, b, r, o) in enumerate(rows)]
    survey = read_answers(text_of(rows))
    whole, some = (drivers(survey, ["linear"], missing=it) for it in ("impute", "complete"))
    assert (some.n, some.n_lost, some.lost["results"]) == (300, 150, 150)
    assert [note.id for note in some.notes] == ["many_lost"]
    assert whole.frame["n"].unique().tolist() == [450]
    assert [note.id for note in whole.notes] == ["imputed"]
    gap = linear(whole)["raw"] - linear(some)["raw"]
    assert (gap.abs() < 2 * linear(some)["se"]).all()
    assert linear(whole).loc["access", "se"] < linear(some).loc["access", "se"]


@pytest.mark.slow
def test_drivers_print_themselves(read_answers):
    """As text and in JupyterLab: what was modelled, what to beware of, the table."""
    models = drivers(read_answers(text_of(people(300, mostly_access, near=0.97))))
    assert "outcome OVERALL, n = 300 (0 incomplete)" in repr(models)
    assert "Cannot be told apart from the others: access, results." in models._repr_html_()
    assert not models.any_separable


# ── what a hostile reviewer found


def shuffled(rows, seed=9):
    """The same forms with the outcome of another person."""
    whole = [row[-1] for row in rows]
    np.random.default_rng(seed).shuffle(whole)
    return [[*row[:-1], it] for row, it in zip(rows, whole, strict=True)]


@pytest.mark.slow
def test_a_control_informs_the_blanks_that_are_filled(read_answers):
    """Results follow the unit and the outcome too, against: filled without it the slope is lost."""
    rng = np.random.default_rng(3)
    unit = rng.integers(0, 2, 1500)
    results = np.clip(rng.integers(1, 4, 1500) + 2 * unit, 1, 5)
    access = rng.integers(1, 6, 1500)
    whole = np.clip(
        np.rint(2.5 + 0.5 * results - 1.5 * unit + rng.normal(0, 0.5, 1500)), 1, 5
    ).astype(int)
    gone = rng.random(1500) < 0.5

    def read(blank):
        rows = zip(unit, access, results, whole, gone & blank, strict=True)
        return read_answers(
            HEAD + "".join(f"so-{'ab'[u]},{a},{a},{'' if b else r},{o}\n" for u, a, r, o, b in rows)
        )

    truth = linear(drivers(read(False), "linear", controls="unit"))
    found = linear(drivers(read(True), "linear", controls="unit", missing="impute"))
    assert found.loc["results", "raw"] == pytest.approx(truth.loc["results", "raw"], rel=0.15)
    assert found["n"].tolist() == [1500, 1500]


def test_points_are_of_satisfied_people_or_of_none(read_answers):
    """Nobody reaches 4: the ordinal logit stands, but says nothing of satisfied people."""
    rows = [[a, b, r, min(3, max(1, o - 1))] for a, b, r, o in people(200, mostly_access)]
    models = drivers(read_answers(text_of(rows)))
    assert models.model_rows("ordinal")["points"].isna().all()
    assert models.model_rows("ordinal")["value"].notna().all()


def test_correlations_have_the_weights_that_vif_has(read_answers):
    """Two tables side by side must not disagree."""
    head, columns = "unit,w,A1,A2,D1,OVERALL\n", {"unit": "unit", "weight": "w"}
    rows = [
        [1 + 20 * (k % 3 == 0), *row] for k, row in enumerate(people(120, mostly_access, near=0.5))
    ]
    models = drivers(read_answers(text_of(rows, head), columns=columns))
    strongest = models.correlations.loc["access", "results"]
    assert strongest == pytest.approx(models.collinearity["strongest"].iloc[0])


@pytest.mark.slow
def test_filled_forms_are_the_forms_that_are_counted(read_answers):
    """Half of a factor blank: n and n_lost are those of the models."""
    rows = [
        [a, b, None if k % 2 else r, o] for k, (a, b, r, o) in enumerate(people(200, mostly_access))
    ]
    models = drivers(read_answers(text_of(rows)), missing="impute")
    assert (models.n, models.n_lost) == (200, 0)
    assert models.frame["n"].unique().tolist() == [200]


def test_models_by_key_keep_their_warnings(read_answers):
    """Near twins in one unit: its rows say so, and no factor is named over units."""
    apart, near = people(120, mostly_access), people(120, mostly_access, seed=2, near=0.97)
    lines = [
        f"so-{u},{','.join(map(str, row))}\n" for u, it in (("a", apart), ("b", near)) for row in it
    ]
    models = drivers(read_answers(HEAD + "".join(lines)), "linear", by="unit")
    notes = models.frame.groupby("unit")["notes"].first()
    assert "tied" in notes["so-b"]
    assert "tied" not in notes["so-a"]
    assert [note.id for note in models.notes] == ["by_key"]
    assert models.list_significant() == []


def test_without_a_signal_nothing_speaks(read_answers):
    """Outcomes dealt out at random: no joint effect, in nineteen of twenty cases."""
    rows = people(300, mostly_access)
    assert drivers(read_answers(text_of(rows)), "linear").has_signal
    assert not drivers(read_answers(text_of(shuffled(rows))), "linear").has_signal


def test_an_outcome_of_many_levels_has_no_ordered_logit(read_answers):
    """Thirteen levels: the other models stand, and the report says why this one does not."""
    survey = read_answers(text_of(RANDOM))
    outcome = survey.frame["OVERALL"] + np.arange(len(survey.frame)) % 3 / 4
    assert outcome.nunique() > 12
    models = drivers(replace(survey, frame=survey.frame.assign(OVERALL=outcome)))
    assert models.reason == {"ordinal": "many_levels"}
    assert set(models.frame["model"]) == {"linear", "logit"}
