"""Why people are satisfied: models that stand, and each reason why one does not (rules D1, D2)."""

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import ConfigError
from sipas_analysis.explain.drivers import Drivers, drivers, factor_scores
from sipas_analysis.publish.chapters.frame import named_drivers

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
    return found.frame[found.frame["model"] == "linear"].set_index("term")


def test_a_factor_score_is_the_mean_of_what_was_answered(read_answers):
    """A blank item leaves the mean; a blank factor is missing."""
    survey = read_answers(text_of([[5, 2, 3, 4], [5, None, None, 4]]))
    assert factor_scores(survey).replace(np.nan, None).to_numpy().tolist() == [[3.5, 3], [5, None]]


def test_coefficients_equal_least_squares_of_standard_scores(read_answers):
    """By numpy, on people with all factors; a blank costs the whole form, and is counted."""
    rows = people(120, mostly_access)
    found = drivers(read_answers(text_of([*rows, [5, 5, None, 4], [5, 4, 3, None]])))
    data = np.array([[a, r, o] for a, _, r, o in rows], float)
    standard = (data - data.mean(axis=0)) / data.std(axis=0)
    beta, rest, *_ = np.linalg.lstsq(standard[:, :2], standard[:, 2], rcond=None)
    np.testing.assert_allclose(linear(found)["value"], beta, rtol=1e-9)
    assert found.r_squared == pytest.approx(1 - rest[0] / len(rows))
    assert (found.n, found.n_lost, found.outcome) == (120, 2, "OVERALL")
    raw = np.linalg.lstsq(np.column_stack([np.ones(120), data[:, :2]]), data[:, 2], rcond=None)[0]
    np.testing.assert_allclose(linear(found)["raw"], raw[1:], rtol=1e-9)


def test_a_driver_that_matters_is_sure_and_one_that_does_not_is_not(read_answers):
    """Intervals speak, in both models."""
    found = drivers(read_answers(text_of(people(300, lambda a, r, e: a + e)))).frame
    assert found["model"].unique().tolist() == ["linear", "logit"]
    access, results = (found[found["term"] == term] for term in ("access", "results"))
    assert (access["low"] > 0).all()
    assert ((results["low"] < 0) & (results["high"] > 0)).all()


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


def test_weights_count(read_answers):
    """A weight of 2 is the same person twice, in value though not in error."""
    rows = people(100, mostly_access)
    head = "unit,w,A1,A2,D1,OVERALL\n"
    columns = {"unit": "unit", "weight": "w"}
    weights = [2 if k % 3 else 1 for k in range(100)]
    weighted = [[w, *row] for w, row in zip(weights, rows, strict=True)]
    twice = [row for w, row in zip(weights, rows, strict=True) for _ in range(w)]
    one = drivers(read_answers(text_of(weighted, head), columns=columns)).frame
    many, plain = (drivers(read_answers(text_of(it))).frame for it in (twice, rows))
    np.testing.assert_allclose(one["value"], many["value"], rtol=1e-6)
    assert not np.allclose(one["value"], plain["value"], rtol=1e-3)
    assert (one["se"] > many["se"]).all()


def test_the_scale_of_weights_changes_nothing(read_answers):
    """Households or shares: only the proportions count."""
    head, columns = "unit,w,A1,A2,D1,OVERALL\n", {"unit": "unit", "weight": "w"}
    rows = people(80, mostly_access)
    few, lots = (
        drivers(read_answers(text_of([[size * (1 + k % 4), *row] for k, row in enumerate(rows)],
                                     head), columns=columns)).frame
        for size in (0.001, 500)
    )  # fmt: skip
    np.testing.assert_allclose(few[["value", "se"]], lots[["value", "se"]], rtol=1e-7)


# ── reasons


def no_overall(rows):
    return [[*row[:3], None] for row in rows]


RANDOM = people(200, mostly_access)
BOTH = {"linear", "logit"}
REASONS = {
    "no_outcome": (no_overall(RANDOM), BOTH),
    "few_forms": (RANDOM[:29], BOTH),
    "constant": ([[*row[:3], 4] for row in RANDOM], BOTH),
    "few_answers": (
        [[*row[:3], 4 if k < 9 else 1 + k % 3] for k, row in enumerate(RANDOM)], {"logit"},
    ),
    "singular": ([[a, b, a, o] for a, b, _, o in RANDOM], BOTH),
    "not_converged": ([[a, b, r, 5 if a + r > 6 else 2] for a, b, r, _ in RANDOM], {"logit"}),
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_a_model_that_cannot_stand_leaves_its_reason_and_no_row(read_answers, reason):
    """No outcome, few forms, no variation, few of one kind, collinear, perfectly separated."""
    rows, models = REASONS[reason]
    found = drivers(read_answers(text_of(rows)))
    assert found.reason == dict.fromkeys(models, reason)
    assert set(found.frame["model"]) == BOTH - models
    assert set(found.fits) == BOTH - models
    assert np.isnan(found.r_squared) == ("linear" in models)


def test_a_constant_factor_is_a_reason_too(read_answers):
    """Nothing goes together with what never changes."""
    found = drivers(read_answers(text_of([[a, b, 3, o] for a, b, _, o in RANDOM])))
    assert found.reason == dict.fromkeys(BOTH, "constant")


def test_without_the_question_on_the_whole_correlations_remain(read_answers):
    """Levels and correlations of the factors are still shown (rule D1)."""
    found = drivers(read_answers(text_of(no_overall(RANDOM))))
    assert [*found.correlations] == ["access", "results"]
    assert found.outcome == ""


def test_an_outcome_that_is_itself_an_item_is_refused(read_answers):
    """It would explain itself (rule D1)."""
    survey = read_answers(text_of(RANDOM), outcome="A1")
    with pytest.raises(ConfigError, match="outcome A1 is itself an item") as caught:
        drivers(survey)
    assert caught.value.fields["outcome"] == "A1"


def _found(**changed):
    """Three coefficients as ``drivers`` returns them."""
    table = pd.DataFrame(
        {"model": "linear", "term": ["a", "b", "c"], "value": [0.4, -0.3, 0.2],
         "p": [1e-9, 1e-9, 0.04], "separable": True} | changed
    )  # fmt: skip
    return Drivers(table, "Y", 100, 0, 0.5, {}, pd.DataFrame(), {})


def test_only_what_can_be_told_apart_and_survives_holm_is_named():
    """Holm over the terms; a factor that cannot be told apart is not named."""
    assert named_drivers(_found()) == ["a", "c"]
    assert named_drivers(_found(p=[1e-9, 0.03, 0.04])) == ["a"]
    assert named_drivers(_found(separable=[False, True, True])) == ["c"]


def test_a_negative_coefficient_is_named_apart():
    """It must neither vanish nor be praised."""
    assert named_drivers(_found(), sign=-1) == ["b"]
