"""Rank sets, case mix and pooling give a planted truth back as often as they say."""

import numpy as np
import pandas as pd
import pytest
import simulated
from forms import ITEMS, answers, clustered, estimated, pool_units
from scipy.stats import norm
from sizes import sizes

import sipas_analysis as sipas
from sipas_analysis.figures.respondents import compare_respondents
from sipas_analysis.measure.adjustment import case_mix
from sipas_analysis.measure.index_gaps import append_whole, find_gaps
from sipas_analysis.measure.item_order import order_items
from sipas_analysis.measure.ranking import rank_sets
from sipas_analysis.measure.scores import score

pytestmark = pytest.mark.slow


def holds(value, se, df, truth, seed, kind="simultaneous"):
    """Say of each unit whether its set holds every rank that it has in truth; ties have several."""
    rank_table = rank_sets(value, se, df, kind=kind, draws=2000, seed=seed).frame
    best = 1 + (truth[:, None] < truth).sum(axis=1)
    worst = len(truth) - (truth[:, None] > truth).sum(axis=1)
    return ((rank_table["rank_low"] <= best) & (rank_table["rank_high"] >= worst)).to_numpy()


def right(value, se, df, truth, seed):
    """Say whether every true rank lies in its set."""
    return bool(holds(value, se, df, truth, seed).all())


@sizes("rounds", 60, 200)
@pytest.mark.parametrize(
    ("units", "people", "clusters", "share", "step"),
    [
        (63, 30, 0, 0.94, 0.0),
        (63, 30, 0, 0.85, 0.0),
        (18, 30, 0, 0.99, 0.0),
        (63, 60, 6, 0.94, 0.0),
        (18, 60, 20, 0.85, 0.0),
        (18, 100, 0, 0.85, 0.08),
    ],
)
def test_sets_hold_the_true_ranks(units, people, clusters, share, step, rounds):
    """Equal units, the hardest case, or thirds apart: 95 % less Monte-Carlo error (rule R2)."""
    rng, truth = np.random.default_rng(units), share - step * (np.arange(units) % 3)
    at_once, alone = 0, []
    for seed in range(rounds):
        drawn = clustered(rng, truth, people, clusters) if clusters else answers(rng, truth, people)
        at_once += right(*estimated(drawn, people), truth, seed)
        if seed % 4 == 0:
            alone.append(holds(*estimated(drawn, people), truth, seed, "marginal").mean())
    assert at_once / rounds >= 0.95 - 2.6 * (0.05 * 0.95 / rounds) ** 0.5
    assert np.mean(alone) >= 0.95 - 2.6 * np.std(alone) / len(alone) ** 0.5 - 1e-9


@sizes("rounds", 200, 600)
def test_with_known_errors_and_equal_units_sets_hold_near_the_stated_level(rounds):
    """Neither less nor much more: 95 % within Monte-Carlo error."""
    rng, truth = np.random.default_rng(8), np.full(20, 90.0)
    se = np.linspace(0.5, 2.0, 20)
    held = sum(right(rng.normal(truth, se), se, None, truth, seed) for seed in range(rounds))
    assert held / rounds == pytest.approx(0.95, abs=2.6 * (0.05 * 0.95 / rounds) ** 0.5)


def test_without_degrees_of_freedom_few_clusters_tell_apart_what_is_equal():
    """What the Satterthwaite step is for: without it sets of six clusters fail."""
    rng, truth = np.random.default_rng(4), np.full(63, 0.9)
    drawn = [estimated(clustered(rng, truth, 60, 6), 60) for _ in range(60)]
    held = sum(right(value, se, None, truth, 1) for value, se, _ in drawn)
    assert held / 60 < 0.7


@sizes("rounds", 50, 150)
def test_adjusted_deviations_cover_planted_effects(rounds):
    """Clients differ by unit and matter; raw means miss, adjusted ones cover (rule A1)."""
    rng, units = np.random.default_rng(2), 20
    effect = np.linspace(-3, 3, units)
    code = np.repeat(np.arange(units), 60)
    held = raw = 0.0
    for _ in range(rounds):
        age = 40 + 0.8 * code + rng.normal(0, 10, len(code))
        person = rng.normal(0, 6, len(code))
        frame = pd.DataFrame({"unit": code, "age": age})
        for item in ("a", "b", "c"):
            frame[item] = 70 + effect[code] + 0.5 * age + person + rng.normal(0, 8, len(code))
        mix = case_mix(frame, unit="unit", items=["a", "b", "c"], adjusters="age").frame
        own = mix[mix["variable"] == "composite"]
        reach = 2.0 * own["deviation_se"].to_numpy()
        held += (np.abs(own["deviation"].to_numpy() - effect) <= reach).mean()
        plain = own["raw"].to_numpy() - own["raw"].mean()
        raw += (np.abs(plain - effect) <= reach).mean()
    assert held / rounds == pytest.approx(0.95, abs=0.015 * (150 / rounds) ** 0.5)
    assert raw / rounds < 0.6


@sizes("rounds", 40, 120)
@pytest.mark.parametrize(("units", "least"), [(156, 0.93), (50, 0.93), (20, 0.90)])
def test_pooled_figures_are_nearer_the_truth_and_cover_it(units, least, rounds):
    """Communes of 5 to 39 forms, some at 100 %; smaller errors, honest intervals (rule A2)."""
    pooling = pool_units(units, 5, 40, rounds)
    assert ITEMS == 22
    assert pooling.share_at_100 > 0
    assert pooling.pooled_error**2 < 0.75 * pooling.direct_error**2
    noise = 3 * (0.05 * 0.95 / (units * rounds)) ** 0.5 if rounds < 120 else 0
    assert least - noise <= pooling.covered <= 0.97 + noise


@sizes("rounds", 30, 200)
def test_equal_units_are_seldom_said_to_stand_apart_from_the_whole(rounds):
    """At 93 % with 30 people a unit's own error is often too small; at most one wave in 20 (R7)."""
    rng, pack, wrong, naive = np.random.default_rng(7), simulated.pack(), 0, 0
    for _ in range(rounds):
        survey = simulated.survey(simulated.clean_wave(rng, satisfied=(0.93, 0.93)), pack)
        units = score(survey, "unit").select(variable="overall")
        both = append_whole(units, score(survey).select(variable="overall"))
        wrong += bool((find_gaps(both, kind="units")["verdict"] != "open").any())
        naive += bool((find_gaps(both)["verdict"] != "open").any())
    assert wrong / rounds <= 0.05 + 2.6 * (0.05 * 0.95 / rounds) ** 0.5
    assert naive > 3 * max(wrong, 1)


@sizes("rounds", 6, 60)
@pytest.mark.parametrize("satisfied", [0.87, 0.97])
def test_equal_groups_of_people_are_seldom_said_to_stand_apart(satisfied, rounds):
    """Eleven groups of 30 to 60 of 600 people: by own errors alone in many waves (I7, R7)."""
    rng, wrong, found_low = np.random.default_rng(9), 0, 0
    keys = {"k": [30, 32, 35, 40], "l": [31, 33, 60], "m": [30, 30, 30, 30]}
    for _ in range(rounds):
        reach = rng.normal(size=(600, 1)) * 1.5**0.5 + rng.normal(size=(600, 10))
        planted = np.arange(600) < 60
        cut = norm.ppf(np.where(planted, satisfied - 0.25, satisfied)) * 2.5**0.5
        for cuts in (norm.ppf(satisfied) * 2.5**0.5, cut[:, None]):
            frame = pd.DataFrame(np.where(reach < cuts, 5, 2)).add_prefix("i")
            items = [*frame]
            for key, counts in keys.items():
                labels = np.repeat([*"abcdz"[: len(counts)], "z"], [*counts, 600 - sum(counts)])
                frame[key] = rng.permutation(labels)
            frame["planted"] = np.where(planted, "yes", "no")
            table = compare_respondents(sipas.survey(frame, items=items, keys=[*keys, "planted"]))
            rows = table.set_index("unit")["verdict"]
            if np.ndim(cuts):
                found_low += rows["planted=yes"] == "below"
            else:
                wrong += rows.isin(["above", "below"]).any()
    assert wrong / rounds <= 0.05 + 2.6 * (0.05 * 0.95 / rounds) ** 0.5
    assert found_low / rounds > 0.9


@sizes("rounds", 8, 120)
@pytest.mark.parametrize(("satisfied", "clusters"), [(0.97, 0), (0.85, 3)])
def test_equal_items_are_seldom_said_to_stand_apart(satisfied, clusters, rounds):
    """Weights near 100 %, or three clusters a unit; an item 25 points lower is found (R6, R7)."""
    rng, unit = np.random.default_rng(10), np.repeat(np.arange(8), 30)
    wrong = wrong_places = found_low = 0
    cluster = unit * 3 + np.arange(240) % 3
    for _ in range(rounds):
        reach = rng.normal(size=(240, 1)) * 1.5**0.5 + rng.normal(size=(240, 10))
        reach += 0.3**0.5 * rng.normal(size=24)[cluster][:, None] if clusters else 0
        spread = (2.5 + (0.3 if clusters else 0)) ** 0.5
        for lower in (0.0, 0.25):
            cuts = norm.ppf(satisfied - lower * (np.arange(10) == 0)) * spread
            frame = pd.DataFrame(np.where(reach < cuts, 5, 2)).add_prefix("i")
            items, facts = [*frame], {"weights": "w"}
            if clusters:
                facts = {"clusters": "c", "strata": "s"}
            frame = frame.assign(w=rng.choice([1.0, 3.0], 240), c=cluster, s=unit)
            estimates = score(sipas.survey(frame, items=items, **facts))
            gaps = find_gaps(estimates.select(variable=[*items, "overall"])).set_index("variable")
            places = order_items(estimates.select(level="item")).set_index("variable")
            if lower:
                found_low += (
                    gaps.loc["i0", "verdict"] == "below" and places.loc["i0", "rank_high"] == 1
                )
            else:
                wrong += (gaps["verdict"] != "open").any()
                wrong_places += (places["rank_high"] < 10).any()
    limit = 0.05 + 2.6 * (0.05 * 0.95 / rounds) ** 0.5
    assert max(wrong, wrong_places) / rounds <= limit
    assert found_low / rounds > 0.9
