"""Describe how each form is filled in: one answer throughout, a repeated pattern, a near copy.

The functions know answers and units only; ``findings.py`` judges what they count. Answers have the
shape (n, k), one row per form: levels, NaN for blank; or numbers from 1, 0 for blank. Units are
numbers from 0, shape (n,).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.near_copies import (
    ITEMS_PER_EXCEPTION,
    Flags,
    Integers,
    Levels,
    Packing,
    compare_forms,
    is_half_answered,
    list_blocks,
    list_varied_forms,
    mark_cells,
    number_levels,
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


def find_straight_answers(answers: Floats | Levels) -> Flags:
    """Return which forms give one answer to all items, half of them answered (rule Q1), (n,)."""
    levels = number_levels(answers)
    n_highest = (levels == levels.max(axis=1, initial=0)[:, None]).sum(axis=1)
    return np.asarray(is_half_answered(levels) & (n_highest == np.count_nonzero(levels, axis=1)))


def find_longest_runs(answers: Floats | Levels) -> Floats:
    """Return the longest run of equal answers of each form, (n,); a blank ends a run."""
    levels = number_levels(answers)
    run = np.ones(len(levels), dtype=np.min_scalar_type(levels.shape[1]))
    longest = run.copy()
    for previous, current in pairwise(levels.T):
        run *= (previous == current) & (current > 0)
        run += 1
        np.maximum(longest, run, out=longest)
    return longest.astype(float)


def find_periodic_forms(answers: Floats | Levels) -> Flags:
    """Return which forms repeat a pattern such as 4-5-4-5 from the first item to the last, (n,).

    A form repeats a pattern of p = 2 to 5 answers if nine tenths of its answers equal the answer p
    items before (rule Q6). A quarter of the answers differ from the answer before, so that a form
    with a few exceptions does not count.
    """
    levels, k = number_levels(answers), answers.shape[1]
    is_varied = (k - 1 - _count_repeats(levels, 1)) * 4 >= k - 1
    is_periodic = np.zeros(len(levels), dtype=bool)
    for period in range(2, min(LONGEST_PERIOD, k // 3) + 1):
        is_periodic |= _count_repeats(levels, period) >= 0.9 * (k - period)
    return np.asarray(is_periodic & is_varied)


def _count_repeats(levels: Levels, apart: int) -> NDArray[np.int16]:
    """Return how many answers of each form equal the answer so many items before, (n,)."""
    n_equal = np.zeros(len(levels), dtype=np.int16)
    for previous, current in zip(levels.T[:-apart], levels.T[apart:], strict=True):
        n_equal += (previous == current) & (current > 0)
    return n_equal


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


def find_twins(answers: Floats | Levels, unit: Integers, n_units: int) -> Twins:
    """Find forms that agree in nine tenths of the items with a form of their unit, and only there.

    Forms that give one answer to nine tenths of the items are left out: they are alike by nature.
    Twins of a form are counted among the other m forms of its unit (of its block of 1,000 where a
    unit is larger) and among B references, up to 500 forms of other units. If units do not
    matter, all t twins are of the unit with probability (m / (m + B))^t. The sum over the forms of
    a unit is the number expected by chance. So a form that is common in the wave is no evidence.
    """
    levels = number_levels(answers)
    varied = list_varied_forms(levels)
    varied = varied[np.argsort(unit[varied], kind="stable")]
    if not len(varied):
        return Twins(varied, varied, varied, *np.zeros((2, n_units)))
    items, own = [column.take(varied) for column in levels.T], unit[varied]
    least = len(items) - len(items) // ITEMS_PER_EXCEPTION
    step = max(1, -(-len(varied) // N_REFERENCES))
    sizes, references = [int(item.max()) for item in items], [item[::step] for item in items]
    reference_units = own[::step]
    packing = Packing.for_cells(len(items), least)
    marks = packing.pack(mark_cells(references, len(reference_units), sizes))
    nearest, n_equal = np.zeros((2, len(varied)), dtype=np.int32)
    is_only_inside, chance = np.zeros(len(varied), dtype=bool), np.zeros(len(varied))
    for start, end in list_blocks(own):
        here, is_other = slice(start, end), reference_units != own[start]
        block, m, n_others = [item[here] for item in items], end - start - 1, int(is_other.sum())
        nearest[here], n_equal[here], n_inside = _count_twins(block, least)
        nearest[here] += start
        equal = packing.count_equal(mark_cells(block, m + 1, sizes), marks)
        form, reference, _ = packing.list_near(equal)
        n_outside = np.bincount(form[is_other[reference]], minlength=m + 1)
        is_only_inside[here] = (n_inside > 0) & (n_outside == 0)
        n_twins, share = n_inside + n_outside, np.full(m + 1, m / max(m + n_others, 1))
        chance[here] = np.where(n_twins > 0, share**n_twins, 0.0)
    del items  # as large as the answers
    return Twins(
        varied[is_only_inside],
        varied[nearest[is_only_inside]],
        n_equal[is_only_inside].astype(np.int64),
        np.bincount(own, is_only_inside, n_units).astype(float),
        np.bincount(own, chance, n_units).astype(float),
    )


def _count_twins(block: Sequence[Levels], least: int) -> tuple[Integers, Integers, Integers]:
    """Return the nearest twin of each form of a block (the first), its equal items, and how many.

    A form without a twin has 0.
    """
    pairs, n = compare_forms(block, least), len(block[0])
    form = np.concatenate([pairs.later, pairs.earlier])
    twin = np.concatenate([pairs.earlier, pairs.later])
    n_equal = np.concatenate([pairs.n_equal, pairs.n_equal])
    order = np.lexsort((-twin, n_equal, form))  # the nearest of each form last
    last = order[np.append(np.diff(form[order]) > 0, True)[: len(order)]]
    nearest, largest = np.zeros((2, n), dtype=np.int64)
    nearest[form[last]], largest[form[last]] = twin[last], n_equal[last]
    return nearest, largest, np.bincount(form, minlength=n)


def count_largest_groups(answers: Floats | Levels, unit: Integers) -> "pd.Series[int]":
    """Return how many forms of each unit share its most frequent answers; blanks count."""
    levels, hashes = number_levels(answers), np.zeros(len(answers), dtype=np.uint64)
    for column in levels.T:
        hashes = hashes * HASH_FACTOR + column
    order = np.lexsort((hashes, unit))
    is_first = np.diff(unit[order], prepend=-1) != 0
    is_first[1:] |= hashes[order][1:] != hashes[order][:-1]
    starts = np.flatnonzero(is_first)
    sizes = np.diff(starts, append=len(order))
    return pd.Series(sizes).groupby(unit[order][starts]).max().astype(int)


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
