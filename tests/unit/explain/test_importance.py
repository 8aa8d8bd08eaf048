"""What each driver explains: shares by definition, their errors, and what is refused (rule D3)."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import FitError
from sipas_analysis.explain import importance as shares
from sipas_analysis.explain.collinearity import measure_collinearity
from sipas_analysis.explain.shapley import (
    PLAYERS_IN_MEMORY,
    johnson_weights,
    owen_values,
    shapley_values,
)


def related(p, seed=0, n=300):
    """Return p correlated drivers and an outcome, each of variance 1, and their covariance."""
    rng = np.random.default_rng(seed)
    data = rng.normal(size=(n, p + 1)) + 0.8 * rng.normal(size=(n, 1))
    data[:, -1] += data[:, :-1] @ np.linspace(0.5, 0, p)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    return data, data.T @ data / n


def explained(covariance, columns):
    """R² of a coalition, by solving the normal equations."""
    if not columns:
        return 0.0
    own = list(columns)
    r = covariance[own, -1]
    return float(r @ np.linalg.solve(covariance[np.ix_(own, own)], r))


def over_orders(covariance, orders, players):
    """Average gain of each player over some orders: the definition, word by word."""
    found = np.zeros(len(players))
    for order in orders:
        inside = []
        for k in order:
            before = explained(covariance, inside)
            inside = [*inside, *players[k]]
            found[k] += explained(covariance, inside) - before
    return found / len(orders)


def test_shares_are_average_gains_over_all_orders():
    """Five drivers, 120 orders; then two of them joined as one player."""
    _, covariance = related(5)
    single = [[k] for k in range(5)]
    orders = list(itertools.permutations(range(5)))
    found = shapley_values(covariance, single)[0]
    np.testing.assert_allclose(found, over_orders(covariance, orders, single), atol=1e-12)
    joined = [[0, 3], [1], [2], [4]]
    orders = list(itertools.permutations(range(4)))
    found = shapley_values(covariance, joined)[0]
    np.testing.assert_allclose(found, over_orders(covariance, orders, joined), atol=1e-12)


def test_owen_values_are_gains_over_orders_that_keep_groups_together():
    """Two, three and one: 3!·2!·3! orders; a group's values are the group's own."""
    _, covariance = related(6, 3)
    groups = [[0, 1], [2, 3, 4], [5]]
    orders = [
        [k for part in parts for k in part]
        for whole in itertools.permutations(groups)
        for parts in itertools.product(*(itertools.permutations(group) for group in whole))
    ]
    assert len(orders) == math.factorial(3) * 2 * 6
    found = owen_values(covariance, [[[k] for k in group] for group in groups])[0]
    wanted = over_orders(covariance, orders, [[k] for k in range(6)])
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    whole = shapley_values(covariance, groups)[0]
    np.testing.assert_allclose([found[group].sum() for group in groups], whole, atol=1e-12)


def test_more_players_than_are_doubled_at_once_give_the_same():
    """Those walked one by one and those doubled in memory meet in one formula."""
    _, covariance = related(PLAYERS_IN_MEMORY + 2, 4)
    p = PLAYERS_IN_MEMORY + 2
    found, slope = shapley_values(covariance, [[k] for k in range(p)])
    turned, other = shapley_values(covariance, [[k] for k in reversed(range(p))])
    np.testing.assert_allclose(found, turned[::-1], atol=1e-12)
    np.testing.assert_allclose(slope, other[..., ::-1], atol=1e-11)
    assert found.sum() == pytest.approx(explained(covariance, range(p)), abs=1e-12)
    grouped = [[[k] for k in range(p - 2)], [[p - 2]], [[p - 1]]]
    nested = owen_values(covariance, grouped)[0]
    orders = shapley_values(covariance, [list(range(p - 2)), [p - 2], [p - 1]])[0]
    np.testing.assert_allclose([nested[: p - 2].sum(), *nested[p - 2 :]], orders, atol=1e-12)


@pytest.mark.parametrize(
    "share",
    [
        lambda s: shapley_values(s, [[0], [1], [2], [3]]),
        lambda s: shapley_values(s, [[0, 2], [1], [3]]),
        lambda s: owen_values(s, [[[0], [1]], [[2], [3]]]),
    ],
)
def test_slopes_by_the_covariance_are_its_derivative(share):
    """Along any symmetric direction, variances of drivers and outcome included."""
    _, covariance = related(4, 5)
    rng = np.random.default_rng(1)
    turn = rng.normal(size=(5, 5))
    turn, step = turn + turn.T, 1e-5

    def values(s):
        spread = np.sqrt(np.diagonal(s))
        return share(s / np.outer(spread, spread))[0]

    wanted = (values(covariance + step * turn) - values(covariance - step * turn)) / (2 * step)
    found = np.einsum("ab,abk->k", turn, share(covariance)[1])
    np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_relative_weights_sum_to_r_squared_and_of_two_drivers_are_the_shares():
    """For two drivers Johnson's weights and LMG are one number."""
    _, covariance = related(6, 6)
    assert johnson_weights(covariance).sum() == pytest.approx(explained(covariance, range(6)))
    two = covariance[np.ix_([0, 1, 6], [0, 1, 6])]
    np.testing.assert_allclose(johnson_weights(two), shapley_values(two, [[0], [1]])[0], atol=1e-12)


FRAME = pd.DataFrame(related(6, 7)[0], columns=[*"abcdef", "y"]).assign(
    w=np.random.default_rng(1).uniform(0.5, 2, 300),
    place=np.arange(300) % 60,
    kind=np.random.default_rng(2).choice(["u", "v", "x"], 300),
)
DESIGN = sipas.Design(FRAME, weights="w", clusters="place")
GROUPS = {"first": ["a", "c"], "second": ["b", "d", "e"], "third": ["f"]}


def jackknife(**asked):
    """Standard errors of values by leaving out one cluster at a time; ranks are not needed."""
    parts = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shares, "_add_ranks", lambda result, seed: result)
        for place in range(60):
            rest = FRAME[FRAME["place"] != place]
            design = sipas.Design(rest, weights="w", clusters="place")
            parts.append(sipas.importance(design, "y", [*"abcdef"], **asked).frame["value"])
    spread = np.array(parts)
    return np.sqrt(59 / 60 * ((spread - spread.mean(axis=0)) ** 2).sum(axis=0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        {},
        pytest.param({"method": "owen", "groups": GROUPS}, marks=pytest.mark.slow),
        pytest.param({"method": "johnson"}, marks=pytest.mark.slow),
        pytest.param({"groups": GROUPS}, marks=pytest.mark.slow),
    ],
)
def test_errors_are_those_of_a_jackknife_over_clusters(asked):
    """Linearised through the covariance, within a few percent."""
    found = sipas.importance(DESIGN, "y", [*"abcdef"], **asked)
    np.testing.assert_allclose(found.frame["se"], jackknife(**asked), rtol=0.06)
    assert found.frame["value"].sum() == pytest.approx(found.r_squared)
    assert found.frame["share"].sum() == pytest.approx(1)
    assert found.r_squared == pytest.approx(sipas.fit(DESIGN, "y ~ a+b+c+d+e+f").r_squared)


@pytest.mark.slow
def test_a_logit_s_likelihood_is_shared_out_with_its_errors():
    """Together they explain what the whole logit does; errors as of a jackknife."""
    yes = sipas.Design(FRAME.assign(yes=(FRAME["y"] > 0) * 1.0), weights="w", clusters="place")
    found = sipas.importance(yes, "yes", ["a", "b", "c"], family="binomial")
    fit = sipas.fit(yes, "yes ~ a + b + c", "binomial")
    assert found.r_squared == pytest.approx(fit.r_squared)
    parts = []
    for place in range(60):
        rest = yes.frame[yes.frame["place"] != place]
        one = sipas.Design(rest, weights="w", clusters="place")
        parts.append(
            sipas.importance(one, "yes", ["a", "b", "c"], family="binomial").frame["value"]
        )
    spread = np.array(parts)
    wanted = np.sqrt(59 / 60 * ((spread - spread.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(found.frame["se"], wanted, rtol=0.08)


@pytest.mark.slow
def test_owen_over_likelihoods_adds_up_to_the_groups():
    """Ordinal logit of levels: items within groups, groups as wholes."""
    frame = FRAME.assign(level=np.digitize(FRAME["y"], [-1, 0, 1]))
    design = sipas.Design(frame, weights="w", clusters="place")
    asked = {"groups": GROUPS, "family": "ordinal"}
    items = sipas.importance(design, "level", [*"abcdef"], method="owen", **asked)
    whole = sipas.importance(design, "level", [*"abcdef"], method="lmg", **asked)
    np.testing.assert_allclose(items.by_group(), whole.frame["value"], atol=1e-9)
    assert whole.frame["variable"].tolist() == [*GROUPS]
    assert items.frame["group"].tolist() == [
        "first",
        "second",
        "first",
        "second",
        "second",
        "third",
    ]


def test_groups_may_be_given_either_way_round():
    """Drivers of each group, or the group of each driver."""
    other = {driver: name for name, held in GROUPS.items() for driver in held}
    one, two = (
        sipas.importance(DESIGN, "y", [*"abcdef"], it, "owen").frame for it in (GROUPS, other)
    )
    pd.testing.assert_frame_equal(one, two)


def test_a_category_joins_with_all_its_levels():
    """Its share is that of its columns as one player."""
    frame = FRAME.assign(y=FRAME["y"] + (FRAME["kind"] == "u"))
    found = sipas.importance(sipas.Design(frame), "y", ["a", "kind"]).frame
    dummies = pd.get_dummies(frame["kind"], drop_first=True).astype(float)
    whole = pd.concat([frame[["a"]], dummies, frame[["y"]]], axis=1)
    wanted = shapley_values(whole.corr().to_numpy(), [[0], [1, 2]])[0]
    np.testing.assert_allclose(found["value"], wanted, atol=1e-12)


def test_order_of_forms_and_units_of_drivers_change_nothing():
    """Shares and errors are free of scale and of the file's order."""
    base = sipas.importance(DESIGN, "y", [*"abcdef"]).frame
    changed = FRAME.assign(a=1000 * FRAME["a"] + 5, y=FRAME["y"] / 7).sample(frac=1, random_state=3)
    other = sipas.importance(sipas.Design(changed, weights="w", clusters="place"), "y", [*"abcdef"])
    numbers = ["value", "se", "share", "share_low"]
    np.testing.assert_allclose(other.frame[numbers], base[numbers], rtol=1e-8)


def test_how_sure_the_order_is():
    """Ranks with their sets; the whole order holds seldom where drivers are alike."""
    found = sipas.importance(DESIGN, "y", [*"abcdef"])
    assert (found.frame["rank_low"] <= found.frame["rank"]).all()
    assert (found.frame["rank"] <= found.frame["rank_high"]).all()
    assert 0 < found.order_holds < 0.5
    clear = FRAME.assign(y=10 * FRAME["a"] + 3 * FRAME["b"])
    sure = sipas.importance(sipas.Design(clear), "y", ["a", "b"])
    assert sure.order_holds > 0.999
    assert sure.frame["rank_high"].tolist() == [1, 2]


def test_twins_share_and_are_said_to_be_inseparable():
    """A copied driver takes half of the other's part: an estimate with its warning (rule D2)."""
    frame = FRAME.assign(twin=FRAME["a"])
    found = sipas.importance(sipas.Design(frame), "y", ["a", "twin", "b"])
    values = found.frame.set_index("variable")["value"]
    assert values["a"] == pytest.approx(values["twin"])
    assert values.sum() == pytest.approx(
        sipas.importance(sipas.Design(frame), "y", ["a", "b"]).r_squared
    )
    assert np.isinf(found.frame["vif"].iloc[0])
    assert found.frame["separable"].tolist() == [False, False, True]
    assert [(note.id, note.fields["names"]) for note in found.notes] == [("tied", "a, twin")]
    with pytest.raises(FitError, match='Use method="lmg"'):
        sipas.importance(sipas.Design(frame), "y", ["a", "twin"], method="johnson")


@pytest.mark.slow
def test_a_blank_costs_the_form_or_is_filled():
    """The loss is counted by driver; filled, all forms count and the share comes back."""
    blank = FRAME.assign(a=FRAME["a"].where(FRAME.index % 3 > 0))
    design = sipas.Design(blank, weights="w", clusters="place")
    some = sipas.importance(design, "y", ["a", "b", "c"])
    whole = sipas.importance(design, "y", ["a", "b", "c"], missing="impute")
    full = sipas.importance(DESIGN, "y", ["a", "b", "c"])
    assert (some.n, whole.n) == (200, 300)
    assert some.lost.to_dict() == {"y": 0, "a": 100, "b": 0, "c": 0}
    assert {note.id for note in whole.notes} == {"imputed"}
    gap = whole.frame["value"] - full.frame["value"]
    assert (gap.abs() < 2 * full.frame["se"]).all()


REFUSED = {
    "importance_driver": ({"drivers": ["a", "a"]}, "importance_driver"),
    "no column": ({"drivers": ["a", "nowhere"]}, "importance_driver"),
    "the outcome": ({"drivers": ["a", "y"]}, "importance_driver"),
    "none": ({"drivers": []}, "importance_driver"),
    "owen without groups": ({"method": "owen"}, "importance_groups"),
    "a driver in no group": ({"method": "owen", "groups": {"g": ["a"]}}, "importance_groups"),
    "a driver in two": (
        {"method": "owen", "groups": {"g": ["a", "b"], "h": ["a"]}},
        "importance_groups",
    ),
    "johnson of a logit": ({"method": "johnson", "family": "binomial"}, "importance_johnson"),
    "a method": ({"method": "dominance"}, "word"),
    "a family": ({"family": "poisson"}, "word"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_shared_out_is_refused(case):
    """By name, with what to do."""
    asked, wanted = REFUSED[case]
    with pytest.raises(FitError) as caught:
        sipas.importance(DESIGN, "y", **({"drivers": ["a", "b"]} | asked))
    assert caught.value.message_id == wanted


def test_more_than_22_players_constant_drivers_and_few_forms_are_refused():
    """With the limit, the name, the number."""
    rng = np.random.default_rng(1)
    many = pd.DataFrame(rng.normal(size=(100, 24)), columns=[f"x{k}" for k in range(24)])
    with pytest.raises(FitError, match="at most 22 drivers; there are 23"):
        sipas.importance(sipas.Design(many), "x0", [f"x{k}" for k in range(1, 24)])
    with pytest.raises(FitError, match="same value stands on every complete form in: x1"):
        sipas.importance(sipas.Design(many.assign(x1=3.0)), "x0", ["x1", "x2"])
    with pytest.raises(FitError, match="5 forms are complete for 6 terms"):
        sipas.importance(sipas.Design(many.head(5)), "x0", [f"x{k}" for k in range(1, 6)])


# ── collinearity (rule D2)


def test_vif_and_condition_by_their_definitions():
    """VIF = 1/(1 − R² on the others); the condition index from numpy's singular values."""
    found = measure_collinearity(FRAME[["a", "b", "c"]], FRAME["w"].to_numpy()).set_index(
        "variable"
    )
    for name, others in (("a", "b + c"), ("b", "a + c"), ("c", "a + b")):
        r_squared = sipas.fit(DESIGN, f"{name} ~ {others}").r_squared
        assert found.loc[name, "vif"] == pytest.approx(1 / (1 - r_squared))
    plain = measure_collinearity(FRAME[["a", "b", "c"]])
    scaled = (FRAME[["a", "b", "c"]] - FRAME[["a", "b", "c"]].mean()) / FRAME[["a", "b", "c"]].std()
    singular = np.linalg.svd(scaled, compute_uv=False)
    assert plain["condition"].iloc[0] == pytest.approx(singular[0] / singular[-1])


def test_what_determines_one_another_has_an_endless_vif():
    """The three that add up; the fourth stands apart."""
    data = FRAME[["a", "b", "c"]].assign(d=FRAME["a"] + 0.3 * FRAME["b"])
    found = measure_collinearity(data).set_index("variable")
    assert np.isinf(found.loc[["a", "b", "d"], "vif"]).all()
    assert found.loc["c", "vif"] < 5
    assert found["separable"].to_dict() == {"a": False, "b": False, "c": True, "d": False}


def test_levels_that_nobody_chose_and_names_that_meet_do_no_harm():
    """Ordinal logit with an empty level; a category whose level reads like another column."""
    level = np.digitize(FRAME["y"], [-1, 0, 1]) * 2
    frame = FRAME.assign(level=np.where(level == 4, np.nan, level), a_u=FRAME["b"])
    found = sipas.importance(sipas.Design(frame), "level", ["a", "b"], family="ordinal")
    assert found.r_squared > 0
    words = pd.Categorical(frame["kind"], ["t", "u", "v", "x"])
    both = sipas.importance(sipas.Design(frame.assign(a=words)), "y", ["a", "a_u"])
    assert both.frame["variable"].tolist() == ["a", "a_u"]


def test_a_part_of_a_sample_equals_blanks_outside_of_it():
    """``subset`` keeps the sample whole: the same shares and errors as an outcome blank outside."""
    inside = FRAME["a"] > -0.3
    part = sipas.importance(DESIGN.subset(inside), "y", ["a", "b", "c"])
    blank = sipas.Design(
        FRAME.assign(y=FRAME["y"].where(inside)), weights=DESIGN.weights, clusters=DESIGN.clusters
    )
    whole = sipas.importance(blank, "y", ["a", "b", "c"])
    pd.testing.assert_frame_equal(part.frame, whole.frame)
    assert part.n == int(inside.sum())
    labels = ["a", "b", "c"]
    assert list(part.covariance().index) == labels
    assert np.allclose(np.sqrt(np.diagonal(part.covariance())), part.frame["se"])
