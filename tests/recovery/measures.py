"""Simulated units of two waves of which some take a measure, judged by the shipped functions.

Counts are drawn, not forms, so that thousands of rounds take minutes: answers to one figure with
clusters that are alike, or 22 items of people with a halo as in ``simulated``.
"""

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri
from simulated import FACTOR, ITEMS, SIZES, latent

import sipas_analysis as sipas
from sipas_analysis.improve.expected_change import (
    Panel,
    compare_changes,
    describe_year,
    pool_level,
    pool_units,
)
from sipas_analysis.improve.plan import Plan
from sipas_analysis.infer.distributions import t_quantile

CLUSTER = 6  # forms of a cluster


def draw_figure(share, n, rng, alike=0.0):
    """Draw n satisfied or unsatisfied people in each unit; with V1 and its df."""
    units, people = len(share), np.full(len(share), n, dtype=float)
    if alike == 0:
        value = rng.binomial(n, share) / n
        variance, df = value * (1 - value) / (n - 1), people - 1
    else:  # beta-binomial hamlets; the last takes the rest
        size = np.full(n // CLUSTER, CLUSTER)
        size[-1] += n - size.sum()
        spread = (1 - alike) / alike
        local = rng.beta(share[:, None] * spread, (1 - share[:, None]) * spread, (units, len(size)))
        satisfied = rng.binomial(size, local)
        value = satisfied.sum(axis=1) / n
        scores = (satisfied - size * value[:, None]) / n
        variance = (scores**2).sum(axis=1) * len(size) / (len(size) - 1)
        df = np.full(units, len(size) - 1.0)
    return describe(value, variance, df, people)


def describe(value, variance, df, people):
    """Return a figure of units of one group as ``Year``, in percent."""
    columns = {"value": 100 * value, "variance": 1e4 * variance, "df": df, "people": people}
    return describe_year({**columns, "weight": people}, np.zeros(len(people), np.int64))


def pool(before, level=None):
    """Pool the earlier figure of units of one group."""
    return pool_units(before, np.zeros(len(before.value), np.int64), level)


def build_panel(before, after, pooled):
    """Return a figure of units of one group in both waves, with the weights as drawn."""
    group = np.zeros(len(before.value), np.int64)
    covariances = [
        np.diag(np.append(year.variance, np.zeros_like(year.variance))) for year in (before, after)
    ]
    return Panel(group, before, after, tuple(covariances), pooled)


def conclude(remainder, family=1):
    """Return the verdict as ``verdict`` finds it."""
    half = t_quantile((1 + 0.95 ** (1 / family)) / 2, remainder.df) * remainder.se
    both = remainder.value, remainder.value + remainder.returned
    if min(both) - half > 0 and remainder.change > 0:
        return "worked"
    return "got_worse" if max(both) + half < 0 and remainder.change < 0 else "no_sign"


def judge_naively(remainder):
    """Return two rules of before and after: it rose; it rose by more than the sampling error."""
    return remainder.change > 0, remainder.change > 1.96 * remainder.change_se


def count_lowest_units(
    rounds,
    units,
    n,
    share,
    *,
    taken=1,
    effects=(0,),
    drift=0.0,
    apart=0.3,
    others=None,
    alike=0.0,
    odd=None,
    third=None,
    year=0.1,
    times=1,
):
    """Let the units with the lowest figure take a measure without and with effect.

    Args:
        rounds: Number of rounds.
        units: Units of the group.
        n: Forms of each in each wave.
        share: Share satisfied of the middle unit.
        taken: Number of units that take the measure, the lowest of the earlier wave.
        effects: Effects in points.
        drift: Spread of what happens in each unit between the waves (log odds).
        apart: Spread between the units (log odds).
        others: Number of units without the measure; all others if none.
        alike: Correlation of two people of a cluster.
        odd: True share of the first unit, which then takes the measure whatever its figure.
        third: Share of the middle unit of the first third of the units; ``share`` if none.
        year: Change of all units between the waves (log odds).
        times: How many times as many forms the first third has.

    Returns:
        By effect: shares of rounds with ``worked``, ``got_worse``, ``rose``, ``rose_surely``.
    """
    seed = [20, units, n, round(1000 * share), taken, round(100 * drift), round(100 * apart)]
    rng = np.random.default_rng([*seed, others or 0, round(100 * alike)])
    is_first, is_odd = np.arange(units) < units // 3, np.arange(units) == (0 if odd else -1)
    middle = np.where(is_first, logit(third or share), logit(share))
    people = n * np.where(is_first, times, 1) if times > 1 else n
    counts = {effect: np.zeros(4) for effect in effects}
    for _ in range(rounds):
        odds = middle + apart * rng.standard_normal(units)
        odds[is_odd] = logit(odd or share)
        before = draw_figure(expit(odds), people, rng, alike)
        order = np.lexsort((rng.random(units), before.value, ~is_odd))
        is_taken, is_other = np.zeros(units, bool), np.zeros(units, bool)
        is_taken[order[:taken]] = True
        is_other[order[taken:] if others is None else order[-others:]] = True
        pooled = pool(before)
        later = expit(odds + year + drift * rng.standard_normal(units))
        for effect, count in counts.items():
            raised = np.where(is_taken, np.minimum(later + effect / 100, 0.995), later)
            panel = build_panel(before, draw_figure(raised, people, rng, alike), pooled)
            remainder = compare_changes(panel, is_taken, is_other)
            word = conclude(remainder)
            told = (word == "worked", word == "got_worse", *judge_naively(remainder))
            counts[effect] = np.add(count, told)
    return {effect: count / rounds for effect, count in counts.items()}


def draw_items(cuts, n, rng):
    """Draw 22 items of n people in each unit: items and index, values and variances."""
    people = latent(len(cuts) * n, rng).reshape(len(cuts), n, len(ITEMS))
    is_satisfied = people > cuts[:, None, :]
    value, index = is_satisfied.mean(axis=1), is_satisfied.mean(axis=2)
    variance = value * (1 - value) / (n - 1)
    return value, variance, index.mean(axis=1), index.var(axis=1, ddof=1) / n


def choose_items(value, which):
    """Mark the lines of each unit: its lowest item of each factor, or the farthest below the mean.

    Args:
        value: Shares, shape (units, 22).
        which: ``factor`` or ``farthest``.
    """
    lines, rows = np.zeros(value.shape, bool), np.arange(len(value))
    if which == "farthest":
        lines[rows, (value - value.mean(axis=0)).argmin(axis=1)] = True
        return lines
    for number in range(len(SIZES)):
        columns = np.flatnonzero(number == FACTOR)
        lines[rows, columns[value[:, columns].argmin(axis=1)]] = True
    return lines


def count_lowest_items(
    rounds, units, n, share, which, *, items=0.3, apart=0.3, own=0.15, drift=0.0, is_pooled=True
):
    """Let every unit take measures for its lowest items, none with effect.

    Args:
        rounds: Number of rounds.
        units: Units of the group.
        n: Forms of each in each wave.
        share: Share satisfied of the middle item.
        which: As in ``choose_items``.
        items: Spread between items, for all units (as ``apart`` and ``own``, of the latent).
        apart: Spread between units, for all items.
        own: Spread of an item in a unit.
        drift: Spread of what happens to an item in a unit between the waves.
        is_pooled: Whether the index of the unit is used to pool items, as it should be.

    Returns:
        Shares of units with any line that ``worked``, or ``got_worse``; of lines that rose, and
        rose surely; and the number of units.
    """
    rng = np.random.default_rng([21, units, n, round(1000 * share), round(100 * apart)])
    judged, naive, group = [], [], np.zeros(units, np.int64)
    people, df = np.full(units, float(n)), np.full(units, n - 1.0)
    for _ in range(rounds):
        cuts = ndtri(1 - share) + items * rng.standard_normal(len(ITEMS))
        cuts = cuts + apart * rng.standard_normal((units, 1))
        cuts = cuts + own * rng.standard_normal((units, len(ITEMS)))
        later = cuts + drift * rng.standard_normal(cuts.shape)
        value, variance, index, index_variance = draw_items(cuts, n, rng)
        value_after, variance_after, *_ = draw_items(later, n, rng)
        lines = choose_items(value + 1e-6 * rng.random(value.shape), which)
        level = pool_level(describe(index, index_variance, df, people), group)
        words = {unit: [] for unit in range(units)}
        for item in np.flatnonzero(lines.any(axis=0) & ((~lines).sum(axis=0) > 2)):
            before = describe(value[:, item], variance[:, item], df, people)
            after = describe(value_after[:, item], variance_after[:, item], df, people)
            panel = build_panel(before, after, pool(before, level if is_pooled else None))
            for unit in np.flatnonzero(lines[:, item]):
                is_taken = np.arange(units) == unit
                remainder = compare_changes(panel, is_taken, ~lines[:, item])
                words[unit].append(remainder)
                naive.append(judge_naively(remainder))
        for remainders in filter(None, words.values()):
            said = {conclude(remainder, len(remainders)) for remainder in remainders}
            judged.append(("worked" in said, "got_worse" in said))
    return np.array([*np.mean(judged, axis=0), *np.mean(naive, axis=0), len(judged)])


def judge_surveys(groups, units, n, seed):
    """Judge whole surveys by ``sipas.verdict``: in each group the lowest unit took a measure.

    Returns:
        One row per group: ``worked``, ``got_worse``, rose, rose surely.
    """
    rng, items = np.random.default_rng([22, groups, units, n, seed]), ["a", "b", "c"]
    odds = logit(0.85) + 0.4 * rng.standard_normal((groups * units, 1))
    odds = odds + 0.2 * rng.standard_normal((len(odds), len(items)))
    surveys = []
    for year in (2024, 2025):
        person = np.sqrt(0.5) * rng.standard_normal((len(odds), n, 1))
        noise = np.sqrt(0.5) * rng.standard_normal((len(odds), n, len(items)))
        bars = ndtri(expit(odds + 0.1 * (year - 2024) + 0.1 * rng.standard_normal(odds.shape)))
        answers = np.where(person + noise < bars[:, None, :], 5, 2).reshape(-1, len(items))
        number = np.arange(len(odds)).repeat(n)
        frame = pd.DataFrame(answers, columns=items).assign(
            office=[f"u{k:04d}" for k in number], kind=[f"g{k // units:03d}" for k in number]
        )
        names = {"unit": "office", "group": "kind", "id": f"y{year}", "year": year}
        surveys.append(sipas.survey(frame, items, **names))
    scores = sipas.score(surveys[0], "unit").frame.query("variable == 'a'").reset_index()
    lowest = scores.loc[scores.groupby("group")["value"].idxmin()]
    lines = pd.DataFrame({"unit": lowest["unit"], "baseline": lowest["value"], "measure": "m"})
    facts = {"wave": "y2024", "item": "a", "indicator": "survey", "target": 90.0, "due": None}
    plan = Plan(lines.assign(id=lines["unit"], factor="", task="", status="done", **facts))
    judged = sipas.verdict(surveys[1], surveys[0], plan).frame.query("kind == 'line'")
    words = [judged["verdict"] == word for word in ("worked", "got_worse")]
    rises = [judged["change"] > 0, judged["change_low"] > 0]  # over the items of a unit
    return np.column_stack([*words, *rises]).astype(float)
