"""Find pairs of forms that agree in more answers and particulars than chance explains (rule Q2).

Answers have the shape (n, k), one row per form, NaN for blank. Units are numbers from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats
from sipas_analysis.instrument.pack import Instrument

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
Levels = NDArray[np.unsignedinteger]
Ends = tuple[int, int]

ALARM = 0.01  # largest share of correct waves in which a pair is listed
BY_CHANCE = 0.05  # largest expected share of the listed pairs that are alike by chance
ITEMS_PER_EXCEPTION = 10  # near copies differ in one item of ten
CLOSE = 3  # such forms of a unit apart at most: sent again at once, or pasted next to the first
LARGEST_BLOCK = 1000  # forms of one unit that are compared with one another
PAIRS = ["form", "other", "n_equal", "n_items"]
_STRIP = 125  # forms of a block that are compared at once with those above them
_FEW = 32  # a particular with more values is compared by number, not by marks


@dataclass(frozen=True)
class NearPairs:
    """Pairs of forms of a block that agree in many cells, by position in the block, row by row."""

    later: Integers
    earlier: Integers
    n_equal: Integers


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
    unit, ticks = pd.factorize(forms["unit"])[0], read_ticks(forms, pack)
    varied, most = list_varied_forms(ticks), ticks.shape[1] // ITEMS_PER_EXCEPTION
    varied = varied[np.argsort(unit[varied], kind="stable")]
    if not len(varied):
        return pd.DataFrame(columns=PAIRS, dtype=np.int64)
    items = [column.take(varied) for column in ticks.T]
    del ticks  # as large as the cells
    cells = [*items, *_number_particulars(forms, questions, varied)]
    n_cells, blocks = len(cells), list_blocks(unit[varied])
    n_equal, pairs = np.zeros(n_cells + 1, dtype=np.int64), []
    for start, end in blocks:
        near = compare_forms([cell[start:end] for cell in cells], n_cells - most, n_equal)
        places = varied[start + near.later], varied[start + near.earlier]
        is_close = near.later - near.earlier <= CLOSE
        pairs.append(np.column_stack([*places, near.n_equal, is_close]))
    table = pd.DataFrame(np.concatenate(pairs), columns=[*PAIRS[:3], "close"])
    of_all, of_close = (counts[::-1] for counts in (n_equal, _count_close(cells, blocks)))
    limit, limit_of_close = (_find_limit(counts, most) for counts in (of_all, of_close))
    limits = np.where(table.pop("close") > 0, max(limit, limit_of_close), limit)
    table = table.assign(n_items=n_cells)
    return table[n_cells - table["n_equal"] <= limits].reset_index(drop=True)


def _number_particulars(
    forms: pd.DataFrame, questions: Sequence[str], varied: Integers
) -> list[Levels]:
    """Return the particulars of some forms as numbers, a blank as 0."""
    names = [name for name in (*questions, "mode", "operator") if name in forms]
    numbers = (1 + pd.factorize(forms[name])[0][varied] for name in names)
    return [column.astype(np.min_scalar_type(column.max())) for column in numbers]


def compare_forms(
    cells: Sequence[Levels], least: int, n_pairs: Integers | None = None
) -> NearPairs:
    """Compare each form of a block with every form above it, cell by cell.

    A product of marks, 0 and 1 for each value of a cell, counts the equal cells of two forms.

    Args:
        cells: Numbers from 0, one array of shape (n,) per cell.
        least: Cells in which a listed pair agrees at least.
        n_pairs: Pairs by number of equal cells; those of the block are added.

    Returns:
        The pairs that agree in ``least`` cells or more.
    """
    n, kind, parts = len(cells[0]), np.min_scalar_type(len(cells)), []
    few, many = list[Levels](), list[Levels]()
    for cell in cells:
        (few if cell.max() < _FEW else many).append(cell)
    marks = mark_cells(few, n)
    for top in range(0, n, _STRIP):
        end = min(top + _STRIP, n)
        equal = (marks[top:end] @ marks[:end].T).astype(kind)
        for cell in many:
            equal += cell[top:end, None] == cell[:end]
        if n_pairs is not None:
            square = np.bincount(equal[:, top:].ravel(), minlength=len(n_pairs))
            square[-1] -= end - top  # each form with itself; every other pair is there twice
            n_pairs += np.bincount(equal[:, :top].ravel(), minlength=len(n_pairs)) + square // 2
        is_near = equal >= least
        is_near[:, top:] &= np.tri(end - top, k=-1, dtype=bool)
        at = np.flatnonzero(is_near)
        parts.append((top + at // end, at % end, equal.ravel()[at].astype(np.int64)))
    return NearPairs(*map(np.concatenate, zip(*parts, strict=True)))


def _count_close(cells: Sequence[Levels], blocks: Sequence[Ends]) -> Integers:
    """Count pairs of forms of a block that stand near each other by the number of equal cells."""
    n_pairs = np.zeros(len(cells) + 1, dtype=np.int64)
    block = np.repeat(np.arange(len(blocks)), [end - start for start, end in blocks])
    for apart in range(1, CLOSE + 1):
        equal = np.zeros(max(len(block) - apart, 0), dtype=np.min_scalar_type(len(cells)))
        for cell in cells:
            equal += cell[apart:] == cell[:-apart]
        n_pairs += np.bincount(equal[block[apart:] == block[:-apart]], minlength=len(n_pairs))
    return n_pairs


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


def read_ticks(forms: pd.DataFrame, pack: Instrument) -> Levels:
    """Return the answers to the items as they stood on the form: 1 for the lowest level, (n, k).

    A blank is 0. Reversed items are turned back. Of several scales only the items of the commonest
    are kept, so that equal numbers are equal ticks.
    """
    commonest = find_common_levels(pack)
    codes = [code for code in pack.items if pack.scale_of(code).levels == commonest]
    ticks = np.empty((len(codes), len(forms)), dtype=np.min_scalar_type(len(commonest)))
    for at, code in enumerate(codes):
        answer = forms[code].to_numpy(dtype=float)
        is_turned = pack.items[code].reverse
        level = commonest[-1] - answer if is_turned else answer - commonest[0]
        ticks[at] = np.nan_to_num(level + 1)
    return ticks.T  # an item is contiguous


def find_common_levels(pack: Instrument) -> range:
    """Return the levels of the scale that most items have."""
    levels = [pack.scale_of(code).levels for code in pack.items]
    return max(levels, key=levels.count)


def is_half_answered(levels: Levels) -> Flags:
    """Return which forms answer at least half of the items, (n,)."""
    return np.asarray(np.count_nonzero(levels, axis=1) * 2 >= levels.shape[1])


def list_varied_forms(levels: Levels) -> Integers:
    """Return the forms that give other answers than their most frequent one to a tenth of items."""
    by_item, k = np.ascontiguousarray(levels.T), levels.shape[1]  # sums of long rows are fast
    kind = np.min_scalar_type(k)
    n_most = np.zeros(len(levels), dtype=kind)
    for level in range(1, int(levels.max(initial=0)) + 1):
        n_most = np.maximum(n_most, (by_item == level).sum(axis=0, dtype=kind))
    n_other = (by_item > 0).sum(axis=0, dtype=kind) - n_most
    return np.flatnonzero((n_other > k // ITEMS_PER_EXCEPTION) & is_half_answered(levels))


def number_levels(answers: Floats | Levels) -> Levels:
    """Return the level of each answer as a number from 1, (n, k); a blank is 0."""
    if np.issubdtype(answers.dtype, np.unsignedinteger):  # as ``read_ticks`` returns them
        return cast(Levels, answers)
    low, high = (find.reduce(answers, axis=None, initial=np.nan) for find in (np.fmin, np.fmax))
    levels = np.empty(answers.shape[::-1], np.min_scalar_type(int(np.nan_to_num(high - low + 1))))
    for at, column in enumerate(answers.T):  # by item, so that few copies are made
        levels[at] = np.nan_to_num(column - low + 1)
    return levels.T


def mark_cells(cells: Sequence[Levels], n: int, largest: Sequence[int] = ()) -> NDArray[np.float32]:
    """Return 0 and 1 for each value of each cell of n forms: a product counts equal cells.

    ``largest`` is the largest value of each cell in all forms; that of these forms if left out.
    """
    numbers = np.array(cells, dtype=np.int64).reshape(len(cells), n)
    ends = np.cumsum(
        (largest if len(largest) else numbers.max(axis=1)) + np.ones(len(cells), dtype=np.int64)
    )
    numbers[1:] += ends[:-1, None]
    marks = np.zeros((n, ends[-1] if len(ends) else 0), dtype=np.float32)
    marks[np.arange(n), numbers] = 1
    return marks


def list_blocks(unit: Integers) -> list[Ends]:
    """Return where blocks of at most 1,000 forms of one unit start and end; units are in order."""
    place = np.arange(len(unit)) - np.searchsorted(unit, unit)
    starts = np.flatnonzero(place % LARGEST_BLOCK == 0).tolist()
    return [*pairwise([*starts, len(unit)])]
