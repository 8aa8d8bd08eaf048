"""What to look at first, what better items are worth, what is missed (rules D4 to D6)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import UnitError
from sipas_analysis.explain.drivers import drivers
from sipas_analysis.explain.penalty_reward import estimate_penalties
from sipas_analysis.explain.priority import place_factors, prepare_priority, priority
from sipas_analysis.measure.pooling import small_area

HEAD = "unit,A1,A2,D1,OVERALL\n"
UNITS = "code,name_vi,name_en,group,aliases\n" + "".join(
    f"so-{k},Sở {k},Department {k},departments,\n" for k in range(6)
)


WAVES, BASES = {}, {}


def wave(read_shared, n=1800, seed=1, **given):
    """Return a wave, read once for all tests: they only look at it."""
    key = (n, seed, repr(given))
    if key not in WAVES:
        WAVES[key] = make_wave_of(read_shared, n, seed, **given)
    return WAVES[key]


def place(read_shared, unit="", **given):
    """Return what `priority` returns of a shared wave; what units have in common is made once."""
    survey = wave(read_shared, **given)
    basis = BASES.get(id(survey)) or BASES.setdefault(id(survey), prepare_priority(survey))
    return place_factors(basis, unit)


def make_wave_of(read_shared, n, seed, **given):
    """Six units; access matters and is weak, results matter little and are strong."""
    rng = np.random.default_rng(seed)
    unit = np.arange(n) % 6
    person = rng.normal(size=n)

    def item(level):
        latent = 0.5 * person + rng.normal(size=n) + level
        return 1 + np.digitize(latent, [-2.2, -1.3, -0.4, 0.8])

    first, second, third = item(-0.6 + 0.15 * unit), item(-0.4), item(1.2)
    line = 0.35 * (first + second) + 0.15 * third + rng.normal(0, 0.6, n)
    whole = np.clip(np.rint(line + 0.6), 1, 5).astype(int)
    rows = zip(unit, first, second, third, whole, strict=True)
    lines = "".join(f"so-{u},{a},{b},{d},{o}\n" for u, a, b, d, o in rows)
    return read_shared(HEAD + lines, units=UNITS, **given)


@pytest.mark.slow
def test_important_and_weak_comes_first_and_a_cut_crossed_is_undecided(read_shared):
    """Both intervals must stand clear of their cut (D4)."""
    survey = wave(read_shared)
    matrix = priority(survey)
    assert matrix.list_factors("fix") == ["access"]
    assert matrix.list_factors("enough") == ["results"]
    row = matrix.frame.set_index("variable").loc["access"]
    assert row["share_low"] > matrix.cut_share == 0.5
    assert row["percent_high"] < matrix.cut_percent
    assert (
        matrix.cut_percent == sipas.score(survey).select(variable="overall").frame["value"].item()
    )
    moved = priority(survey, cut_percent=float(row["percent"]))
    assert moved.list_factors("undecided") == ["access"]
    assert "linked more from 50.0%" in repr(matrix)


@pytest.mark.slow
def test_a_unit_is_placed_by_its_own_figures(read_shared):
    """Importance is that of all forms, satisfaction the unit's, with its wider interval."""
    survey = wave(read_shared)
    parts = (place(read_shared, it) for it in ("", "so-0"))
    whole, unit = (part.frame.set_index("variable") for part in parts)
    own = sipas.score(survey, by="unit").select(unit="so-0").frame.set_index("variable")
    assert unit["percent"].to_dict() == own.loc[["access", "results"], "value"].to_dict()
    assert unit["share"].tolist() == whole["share"].tolist()
    assert (
        (unit["percent_high"] - unit["percent_low"])
        > (whole["percent_high"] - whole["percent_low"])
    ).all()


RULES = {
    "pooled": {},
    "mean_of_items": {"index": {"overall": {"rule": "mean_of_items", "status": "unverified"}}},
    "mean_of_factors": {"index": {"overall": {"rule": "mean_of_factors", "status": "unverified"}}},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    ["pooled", *(pytest.param(rule, marks=pytest.mark.slow) for rule in [*RULES][1:])],
)
def test_the_gain_of_the_index_is_arithmetic(read_shared, rule):
    """By hand from the counts: the item at the upper quartile of the pooled units (D5)."""
    survey = wave(read_shared, **RULES[rule])
    found = place(read_shared, **RULES[rule]).what_if.set_index("item")
    all_of = sipas.score(survey).frame.set_index("variable")
    units = sipas.score(survey, by="unit").select(variable="A1").frame
    pooled = small_area(units["value"], units["se"] ** 2, sizes=units["n_valid"]).frame["value"]
    target = np.quantile(pooled, 0.75)
    assert found.loc["A1", "target"] == pytest.approx(target)
    assert target < units["value"].quantile(0.75)  # drawn in: luck does not count
    part = {"pooled": 1 / 3, "mean_of_items": 1 / 3, "mean_of_factors": 1 / 4}[rule]
    gain = part * (target - all_of.loc["A1", "value"])
    assert found.loc["A1", "points"] == pytest.approx(gain, rel=1e-9)
    assert found.index[0] == "A1"
    assert (found["points"].diff().dropna() <= 0).all()


def test_what_goes_with_a_better_item_is_the_model_s(read_shared):
    """Δ share × gap of levels × part in the factor × points per level of the logit."""
    survey = wave(read_shared)
    found = place(read_shared).what_if.set_index("item")
    logit = drivers(survey, ["logit"]).frame.set_index("variable").loc["access"]
    answers = survey.frame["A1"]
    gap = answers[answers >= 4].mean() - answers[answers < 4].mean()
    change = (found.loc["A1", "target"] - found.loc["A1", "percent"]) / 100 * gap / 2
    for name, old in (("outcome", "points"), ("outcome_low", "points_low")):
        assert found.loc["A1", name] == pytest.approx(logit[old] * change, rel=1e-9)


@pytest.mark.slow  # models are fitted often
def test_an_item_above_the_best_quarter_gains_nothing_and_few_units_say_nothing(read_shared):
    """The best unit has nothing to gain; three units have no best quarter."""
    survey = wave(read_shared)
    best = priority(survey, "so-5").what_if.set_index("item")
    assert best.loc["A1", "points"] == 0
    few = survey.frame[survey.frame["unit"].isin(["so-0", "so-1", "so-2"])].reset_index(drop=True)
    assert priority(replace(survey, frame=few)).what_if[["target", "points"]].isna().all(axis=None)


def test_a_unit_that_is_not_in_the_list_is_refused(read_shared):
    """With the nearest one that is."""
    with pytest.raises(UnitError, match="so-0"):
        priority(wave(read_shared), "so-00")


def test_without_an_outcome_the_arithmetic_still_stands(read_shared):
    """No matrix, with its reason; gains of the index remain, associations are blank."""
    survey = wave(read_shared)
    survey = replace(survey, frame=survey.frame.assign(OVERALL=np.nan))
    matrix = priority(survey)
    assert (matrix.reason, len(matrix.frame), matrix.importance) == ("no_outcome", 0, None)
    assert matrix.what_if["points"].iloc[0] > 0
    assert matrix.what_if["outcome"].isna().all()
    assert "no matrix: no_outcome" in repr(matrix)


@pytest.mark.slow
def test_factors_that_cannot_be_told_apart_have_no_place(read_shared):
    """Half of the share would be noise (rule D2)."""
    survey = wave(read_shared)
    twin = survey.frame.assign(A2=survey.frame["A1"], D1=survey.frame["A1"])
    flip = twin.index % 60 == 0
    survey = replace(survey, frame=twin.assign(D1=twin["D1"].mask(flip, 6 - twin["D1"])))
    matrix = priority(survey)
    assert matrix.reason == "tied"
    assert matrix.what_if["outcome"].isna().all()


# ── penalty and reward (D6)


def asymmetric(n=1500, seed=4):
    """A1 costs 1.5 levels when bad and earns nothing when very good; D1 the reverse."""
    rng = np.random.default_rng(seed)
    a, d = rng.choice([2, 3, 4, 5], n), rng.choice([2, 3, 4, 5], n)
    whole = 4 - 1.5 * (a < 4) + 1.2 * (d == 5) + rng.normal(0, 0.4, n)
    return a, d, np.clip(np.rint(whole), 1, 5).astype(int)


def test_what_is_missed_and_what_is_rewarded_are_told_apart(read_shared):
    """By least squares on the same dummies; the verdict from the interval of the sum."""
    a, d, whole = asymmetric()
    lines = "".join(f"so-a,{x},{x},{y},{o}\n" for x, y, o in zip(a, d, whole, strict=True))
    found = estimate_penalties(read_shared(HEAD + lines)).set_index("item")
    assert found.loc[["A1", "D1"], "verdict"].tolist() == ["missed", "rewarded"]
    x = np.column_stack([np.ones(len(a)), a < 4, a == 5, d])
    wanted = np.linalg.lstsq(x, whole.astype(float), rcond=None)[0]
    np.testing.assert_allclose(found.loc["A1", ["penalty", "reward"]].astype(float), wanted[1:3])
    assert found.loc["A1", "asymmetry"] == pytest.approx(wanted[1] + wanted[2])
    assert found.loc["A1", ["n_low", "n_mid", "n_high"]].tolist() == [
        (a < 4).sum(),
        (a == 4).sum(),
        (a == 5).sum(),
    ]
    assert (
        found.loc["A1", "asymmetry_low"] < wanted[1] + wanted[2] < found.loc["A1", "asymmetry_high"]
    )


@pytest.mark.slow
def test_under_thirty_at_a_level_one_cannot_tell(read_shared):
    """29 unsatisfied: no penalty, no asymmetry, but the reward; 30: all three."""
    rng = np.random.default_rng(1)

    def table(n_low):
        a = np.array([2] * n_low + [4] * 200 + [5] * 200)
        d = rng.integers(1, 6, len(a))
        whole = np.clip(np.rint(0.5 * a + 0.3 * d + rng.normal(0, 0.5, len(a))), 1, 5).astype(int)
        lines = "".join(f"so-a,{x},{x},{y},{o}\n" for x, y, o in zip(a, d, whole, strict=True))
        return estimate_penalties(read_shared(HEAD + lines)).set_index("item").loc["A1"]

    few, enough = table(29), table(30)
    assert (few["verdict"], pd.isna(few["penalty"]), pd.isna(few["asymmetry"])) == (
        "cannot_tell",
        True,
        True,
    )
    assert few["reward_low"] < few["reward"] < few["reward_high"]
    assert not pd.isna(enough["asymmetry"])
    assert enough["verdict"] != "cannot_tell"


def test_without_an_outcome_there_is_no_row(read_shared):
    """Nothing to be held against."""
    assert estimate_penalties(read_shared(HEAD + "so-a,5,4,3,\n" * 40)).empty


@pytest.mark.slow
def test_without_a_signal_there_is_no_matrix_and_no_verdict(read_shared):
    """Outcomes dealt out at random (D4, D6): shares of nothing, and 22 chances to be wrong."""
    survey = wave(read_shared)
    whole = survey.frame["OVERALL"].to_numpy(copy=True)
    np.random.default_rng(4).shuffle(whole)
    survey = replace(survey, frame=survey.frame.assign(OVERALL=whole))
    assert priority(survey).reason == "no_signal"
    found = estimate_penalties(survey)
    assert set(found["verdict"]) == {"even"}
    assert (found["p_holm"] >= 0.05).all()


@pytest.mark.slow
def test_factors_that_move_as_one_are_not_placed(read_shared):
    """Each alone would look important and weak; nobody can say which (D2)."""
    survey = wave(read_shared)
    twin = survey.frame["A1"].where(survey.frame.index % 40 > 0, 6 - survey.frame["A1"])
    survey = replace(survey, frame=survey.frame.assign(D1=twin, A2=survey.frame["A1"]))
    models = drivers(survey, ["linear"])
    forced = replace(models, collinearity=models.collinearity.assign(separable=[True, False]))
    matrix = priority(survey, models=forced)
    assert (matrix.frame["quadrant"] == "undecided").all()
    assert matrix.important == ()
