"""Describe how each form is filled in: one answer throughout, a repeated pattern, a near copy.

The functions know answers and units only; ``findings.py`` judges what they count. Answers have the
shape (n, k), one row per form, NaN for blank. Units are numbers from 0, shape (n,).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.collect.near_copies import (
    ITEMS_PER_EXCEPTION,
    Flags,
    Integers,
    is_half_answered,
    list_varied_forms,
    mark_levels,
    number_levels,
    start_blocks,
)
from sipas_analysis.infer.design import Floats

LONGEST_PERIOD = 5
HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that all 64 bits of a product differ
NIGHT = (22, 5)  # from that hour, to that hour
CLOSE_SECONDS = 60
OPERATOR_FACTS = {
    "operator_straight": "straight",
    "operator_high": "satisfied",
    "operator_low": "satisfied",
}
N_REFERENCES = 500  # forms of the wave that each form is compared with


def find_straight_answers(answers: Floats) -> Flags:
    """Return which forms give one answer to all items, half of them answered (rule Q1), (n,)."""
    lowest, highest = np.fmin.reduce(answers, axis=1), np.fmax.reduce(answers, axis=1)
    return np.asarray(is_half_answered(answers) & (lowest == highest))


def find_longest_runs(answers: Floats) -> Floats:
    """Return the longest run of equal answers of each form, (n,); a blank ends a run."""
    run = np.ones(len(answers))
    longest = run.copy()
    for previous, current in zip(answers.T[:-1], answers.T[1:], strict=True):
        run = np.where(previous == current, run + 1, 1.0)
        longest = np.maximum(longest, run)
    return longest


def find_periodic_forms(answers: Floats) -> Flags:
    """Return which forms repeat a pattern such as 4-5-4-5 from the first item to the last, (n,).

    A form repeats a pattern of p = 2 to 5 answers if nine tenths of its answers equal the answer p
    items before (rule Q6). A quarter of the answers differ from the answer before, so that a form
    with a few exceptions does not count.
    """
    k = answers.shape[1]
    is_varied = (answers[:, 1:] != answers[:, :-1]).sum(axis=1) * 4 >= k - 1
    is_periodic = np.zeros(len(answers), dtype=bool)
    for period in range(2, min(LONGEST_PERIOD, k // 3) + 1):
        n_equal = (answers[:, period:] == answers[:, :-period]).sum(axis=1)
        is_periodic |= n_equal >= 0.9 * (k - period)
    return np.asarray(is_periodic & is_varied)


@dataclass(frozen=True)
class Twins:
    """Forms that look like another form of their unit, and what chance would give (rule Q2).

    Attributes:
        form: Position of each form that has a twin in its unit and none among the references.
        twin: Position of its nearest twin.
        n_equal: Items that both answer alike.
        count: Such forms by unit, shape (U,).
        expected: Number of such forms by chance, shape (U,).
    """

    form: Integers
    twin: Integers
    n_equal: Integers
    count: Floats
    expected: Floats


def find_twins(answers: Floats, unit: Integers, n_units: int) -> Twins:
    """Find forms that agree in nine tenths of the items with a form of their unit, and only there.

    Forms that give one answer to nine tenths of the items are left out: they are alike by nature.
    Twins of a form are counted among the other m forms of its unit (of its block of 1,000 where a
    unit is larger) and among B references, up to 500 forms of other units. If units do not
    matter, all t twins are of the unit with probability (m / (m + B))^t. The sum over the forms of
    a unit is the number expected by chance. So a form that is common in the wave is no evidence.
    """
    varied = list_varied_forms(answers)
    varied = varied[np.argsort(unit[varied], kind="stable")]
    if not len(varied):
        return Twins(varied, varied, varied, *np.zeros((2, n_units)))
    levels, own = number_levels(answers[varied]), unit[varied]
    step = max(1, -(-len(varied) // N_REFERENCES))
    highest = int(levels.max())
    references, reference_units = mark_levels(levels[::step], highest), own[::step]
    starts = start_blocks(own)
    nearest, n_equal, n_inside, n_outside, share = np.zeros((5, len(varied)))
    for start, end in zip(starts, [*starts[1:], len(varied)], strict=True):
        block = mark_levels(levels[start:end], highest)
        others = references[reference_units != own[start]]
        equal = np.rint(block @ block.T)
        np.fill_diagonal(equal, -1)
        nearest[start:end], n_equal[start:end] = start + equal.argmax(axis=1), equal.max(axis=1)
        least = answers.shape[1] - answers.shape[1] // ITEMS_PER_EXCEPTION
        n_inside[start:end] = (equal >= least).sum(axis=1)
        n_outside[start:end] = (block @ others.T > least - 0.5).sum(axis=1)
        share[start:end] = (len(block) - 1) / max(len(block) - 1 + len(others), 1)
    n_twins = n_inside + n_outside
    is_only_inside = (n_inside > 0) & (n_outside == 0)
    chance = np.where(n_twins > 0, share**n_twins, 0.0)
    return Twins(
        varied[is_only_inside],
        varied[nearest[is_only_inside].astype(int)],
        n_equal[is_only_inside].astype(int),
        np.bincount(own, is_only_inside, n_units).astype(float),
        np.bincount(own, chance, n_units).astype(float),
    )


def count_largest_groups(answers: Floats, unit: Integers) -> "pd.Series[int]":
    """Return how many forms of each unit share its most frequent answers; blanks count."""
    codes = np.nan_to_num(answers, nan=-1).astype(np.int64).astype(np.uint64)
    hashes = (codes * np.cumprod(np.full(answers.shape[1], HASH_FACTOR))).sum(axis=1)
    return pd.Series(hashes).groupby([unit, hashes]).size().groupby(level=0).max()


def count_times(forms: pd.DataFrame) -> pd.DataFrame:
    """Count, per unit, the forms with an hour and what rule Q3 looks at; one row per unit.

    ``forms`` has ``unit`` and ``time`` (ISO text). Midnight to the second is a day without an hour.

    Returns:
        ``n``; ``night`` (from 22:00 to 5:00); ``close`` (at most a minute after another form of the
        unit); ``day``, forms of its usual day (median); ``batch``, forms in the hour with the most;
        ``n_batch``, forms of that day.
    """
    moments = pd.to_datetime(forms["time"], format="ISO8601", errors="coerce")
    has_hour = moments.notna() & (moments != moments.dt.normalize())
    timed = pd.DataFrame({"unit": forms["unit"], "moment": moments})[has_hour]
    timed = timed.sort_values(["unit", "moment"], kind="stable")
    hour, day = timed["moment"].dt.hour, timed["moment"].dt.normalize()
    gap = timed["moment"].diff().dt.total_seconds()
    timed = timed.assign(
        day=day,
        night=(hour >= NIGHT[0]) | (hour < NIGHT[1]),
        close=(timed["unit"] == timed["unit"].shift()) & (gap <= CLOSE_SECONDS),
        batch=timed.groupby(["unit", day, hour])["unit"].transform("size"),
        n_batch=timed.groupby(["unit", day])["unit"].transform("size"),
    )
    by_unit = timed.groupby("unit")
    fullest = timed.sort_values("batch", ascending=False, kind="stable").groupby("unit").first()
    counts = by_unit[["night", "close"]].sum().join(fullest[["batch", "n_batch"]])
    by_day = timed.groupby(["unit", "day"]).size()
    return counts.assign(n=by_unit.size(), day=by_day.groupby(level=0).median()).astype(float)


def compare_operators(forms: pd.DataFrame) -> pd.DataFrame:
    """Compare each operator's forms with those of the other operators of the unit (rule Q4).

    ``forms`` has ``unit``, ``operator``, ``straight``, ``satisfied`` and perhaps ``cluster``: then
    only operators of one cluster are compared, because places differ. If operators do not matter,
    the number of straight or satisfied forms of an operator is hypergeometric, so P is exact.

    Returns:
        One row per place, operator and fact: ``unit``, ``operator``, ``fact``, ``n``, ``count``,
        ``expected`` (share of the other operators) and ``p``.
    """
    from scipy.stats import hypergeom  # slow to import; a refused survey does not need the module

    places = [name for name in ("unit", "cluster") if name in forms]
    facts = ["n", "straight", "satisfied"]
    by_operator = forms.assign(n=1).groupby([*places, "operator"])[facts].sum().reset_index()
    wholes = by_operator.groupby(places)[facts].transform("sum")
    n, n_all = by_operator["n"], wholes["n"]
    parts = []
    for fact, name in OPERATOR_FACTS.items():
        count, whole = by_operator[name].astype(int), wholes[name].astype(int)
        is_low = fact == "operator_low"
        tail = hypergeom.cdf(count, n_all, whole, n)
        p = tail if is_low else hypergeom.sf(count - 1, n_all, whole, n)
        expected = (whole - count) / (n_all - n).clip(lower=1)
        columns = {"fact": fact, "count": count, "expected": expected, "p": p}
        parts.append(by_operator[["unit", "operator", "n"]].assign(**columns)[n < n_all])
    return pd.concat(parts, ignore_index=True)
