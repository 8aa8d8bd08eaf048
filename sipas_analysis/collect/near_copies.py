"""Find pairs of forms that agree in more answers and particulars than chance explains (rule Q2).

Answers have the shape (n, k), one row per form, NaN for blank. Units are numbers from 0.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats
from sipas_analysis.instrument.pack import Instrument

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
Levels = NDArray[np.uint16]

ALARM = 0.01  # largest share of correct waves in which a pair is listed
BY_CHANCE = 0.05  # largest expected share of the listed pairs that are alike by chance
ITEMS_PER_EXCEPTION = 10  # near copies differ in one item of ten
CLOSE = 3  # such forms of a unit apart at most: sent again at once, or pasted next to the first
LARGEST_BLOCK = 1000  # forms of one unit that are compared with one another
PAIRS = ["form", "other", "n_equal", "n_items"]


def find_near_copies(forms: pd.DataFrame, pack: Instrument, questions: list[str]) -> pd.DataFrame:
    """Find pairs of forms of a unit that are more alike than chance explains.

    A cell is an answer to an item or one of the particulars (questions, mode, operator). Forms with
    one answer to nine tenths of the items are left out. Of the other forms, the pairs of one unit
    are counted by the number of cells that differ; the smallest numbers are judged by the others.
    A form that is sent twice stands near its copy, so that near forms are also judged apart.

    Args:
        forms: Forms of a wave: unit, items and questions.
        pack: The questionnaire.
        questions: Codes of the particulars, as far as the forms have them.

    Returns:
        One row per pair: ``form``, ``other`` (the earlier one; positions), ``n_equal``, ``n_items``
        (cells).

    Source: rule Q2 in docs/method.md.
    """
    answers, unit = read_ticks(forms, pack).to_numpy(dtype=float), pd.factorize(forms["unit"])[0]
    names = [name for name in (*questions, "mode", "operator") if name in forms]
    n_cells, most = answers.shape[1] + len(names), answers.shape[1] // ITEMS_PER_EXCEPTION
    varied = list_varied_forms(answers)
    varied = varied[np.argsort(unit[varied], kind="stable")]
    if not len(varied):
        return pd.DataFrame(columns=PAIRS, dtype=np.int64)
    levels, starts = number_levels(answers[varied]), start_blocks(unit[varied])
    highest = int(levels.max())
    particulars = [pd.factorize(forms[name])[0][varied] for name in names]
    n_pairs, pairs = np.zeros((2, n_cells + 1), dtype=np.int64), []
    for start, end in zip(starts, [*starts[1:], len(varied)], strict=True):
        marks = mark_levels(levels[start:end], highest)
        equal = np.rint(marks @ marks.T).astype(np.int16)
        for column in particulars:
            equal += column[start:end, None] == column[start:end]
        twice = np.bincount((n_cells - equal).ravel(), minlength=n_cells + 1)
        twice[0] -= end - start  # each form with itself; every other pair is there twice
        n_pairs[0] += twice // 2
        for apart in range(1, CLOSE + 1):
            n_pairs[1] += np.bincount(n_cells - equal.diagonal(apart), minlength=n_cells + 1)
        later, earlier = np.nonzero(np.tril(equal >= n_cells - most, -1))
        near = (varied[start + later], varied[start + earlier], equal[later, earlier])
        pairs.append(np.column_stack([*near, later - earlier <= CLOSE]))
    table = pd.DataFrame(np.concatenate(pairs), columns=[*PAIRS[:3], "close"])
    limit, limit_of_close = (_find_limit(counts, most) for counts in n_pairs)
    limits = np.where(table.pop("close") > 0, max(limit, limit_of_close), limit)
    table = table.assign(n_items=n_cells)
    return table[n_cells - table["n_equal"] <= limits].reset_index(drop=True)


def _find_limit(n_pairs: Integers, most: int) -> int:
    """Return in how many cells a pair may differ and yet be more alike than chance explains, or -1.

    Let C(d) be the expected number of pairs that differ in at most d cells. If C is log-concave,
    C(d) <= C(u) (C(u) / C(v))^((u - d) / (v - u)) for all d < u < v. C(u) and C(v) are estimated
    without the pairs that are judged, and with one pair more. The observed number is Poisson; at
    most a twentieth of it is expected by chance, so that nearly every listed pair is none.
    """
    from scipy.special import gammainc  # slow to import; a refused survey does not need the module

    total = np.cumsum(n_pairs)
    first, second = np.triu_indices(len(total), 1)
    for d in range(most, -1, -1):
        others = total - total[d] + 1.0
        u, v = first[first > d], second[first > d]
        expected = others[u] * (others[u] / others[v]) ** ((u - d) / (v - u))
        is_rare = total[d] and gammainc(total[d], expected.min()) < ALARM
        if is_rare and expected.min() < BY_CHANCE * total[d]:
            return d
    return -1


def read_ticks(forms: pd.DataFrame, pack: Instrument) -> pd.DataFrame:
    """Return the answers to the items as they stood on the form, (n, k).

    Reversed items are turned back. Of several scales only the items of the commonest are kept, so
    that equal numbers are equal ticks.
    """
    commonest = find_common_levels(pack)
    codes = [code for code in pack.items if pack.scale_of(code).levels == commonest]
    reversed_codes = [code for code in codes if pack.items[code].reverse]
    ticks = forms[codes].copy()
    ticks[reversed_codes] = commonest[0] + commonest[-1] - ticks[reversed_codes]
    return ticks


def find_common_levels(pack: Instrument) -> range:
    """Return the levels of the scale that most items have."""
    levels = [pack.scale_of(code).levels for code in pack.items]
    return max(levels, key=levels.count)


def is_half_answered(answers: Floats) -> Flags:
    """Return which forms answer at least half of the items, (n,)."""
    return np.asarray((~np.isnan(answers)).sum(axis=1) * 2 >= answers.shape[1])


def list_varied_forms(answers: Floats) -> Integers:
    """Return the forms that give other answers than their most frequent one to a tenth of items."""
    n_most = np.zeros(len(answers))
    if np.isnan(answers).all():
        return np.zeros(0, dtype=np.int64)
    by_item = np.ascontiguousarray(answers.T)  # sums of long rows are fast
    for level in np.arange(np.nanmin(answers), np.nanmax(answers) + 1):
        n_most = np.maximum(n_most, (by_item == level).sum(axis=0))
    n_other = (~np.isnan(by_item)).sum(axis=0) - n_most
    is_varied = n_other > answers.shape[1] // ITEMS_PER_EXCEPTION
    return np.flatnonzero(is_varied & is_half_answered(answers))


def number_levels(answers: Floats) -> Levels:
    """Return the level of each answer as a number from 1; a blank is 0."""
    levels, low = np.zeros(answers.shape, dtype=np.uint16), np.nanmin(answers)
    for at, column in enumerate(answers.T):  # by item, so that few copies are made
        levels[:, at] = np.nan_to_num(column - low + 1)
    return levels


def mark_levels(levels: Levels, highest: int) -> NDArray[np.float32]:
    """Return 0 and 1 for each item and level of some forms: a product counts equal answers."""
    marks = np.eye(highest + 1, dtype=np.float32)[levels]
    return marks.reshape(len(levels), -1)


def start_blocks(unit: Integers) -> list[int]:
    """Return where a block of at most 1,000 forms of one unit starts; units are in order."""
    place = np.arange(len(unit)) - np.searchsorted(unit, unit)
    return [int(start) for start in np.flatnonzero(place % LARGEST_BLOCK == 0)]
