"""Find pairs of forms that agree in more answers and particulars than chance explains (rule Q2).

Answers have the shape (n, k), one row per form, NaN for blank. Units are numbers from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
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
Marks = NDArray[np.float32]
Packed = NDArray[np.int32]

ALARM = 0.01  # largest share of correct waves in which a pair is listed
BY_CHANCE = 0.05  # largest expected share of the listed pairs that are alike by chance
ITEMS_PER_EXCEPTION = 10  # near copies differ in one item of ten
CLOSE = 3  # such forms of a unit apart at most: sent again at once, or pasted next to the first
LARGEST_BLOCK = 1000  # forms of one unit that are compared with one another
PAIRS = ["form", "other", "n_equal", "n_items"]
_STRIP = 240  # forms of a block that are compared at once with those above them
_BITS = 24  # of a whole number that a float32 holds
_LOOKED_UP = 12  # bits; a table of 4,096 counts stays in the cache
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
    unit, items = unit[varied], ticks.T[:, : len(varied)]
    for item, column in zip(items, ticks.T, strict=True):  # in the same place, to save memory
        item[:] = column.take(varied)
    cells = [*items, *_number_particulars(forms, questions, varied)]
    n_cells, blocks = len(cells), list_blocks(unit)
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
    columns = []
    for name in names:
        number = pd.factorize(forms[name])[0] + 1
        columns.append(number.astype(np.min_scalar_type(number.max()))[varied])
    return columns


@dataclass(frozen=True)
class Packing:
    """How several counts of equal cells are packed into one whole number of 24 bits.

    One product then compares a form with several forms. A float32 holds all sums of it exactly.

    Attributes:
        n: Counts in one number, the first one in the lowest bits.
        bits: Bits of a count.
        n_cells: The largest count.
        least: Count from which two forms are near; at least half of ``n_cells``.
    """

    n: int
    bits: int
    n_cells: int
    least: int

    @classmethod
    def for_cells(cls, n_cells: int, least: int) -> "Packing":
        """Return how to pack as many counts from 0 to ``n_cells`` as 24 bits hold."""
        n = _BITS // n_cells.bit_length()
        return cls(n, _BITS // n, n_cells, least)

    @property
    def shifts(self) -> Packed:
        """Where each count starts, (n,)."""
        return self.bits * np.arange(self.n, dtype=np.int32)

    def pack(self, marks: Marks | Flags) -> Marks:
        """Return the weighted sum of each ``n`` rows; rows behind the last are 0."""
        whole = np.zeros((-(-len(marks) // self.n) * self.n, *marks.shape[1:]), dtype=np.float32)
        whole[: len(marks)] = marks
        parts = (whole[at :: self.n] * np.float32(2**shift) for at, shift in enumerate(self.shifts))
        return reduce(np.add, parts)

    def count_equal(self, marks: Marks, packed_marks: Marks) -> Packed:
        """Return the equal cells of each form with ``n`` others, packed."""
        return (marks @ packed_marks.T).astype(np.int32)

    def tabulate(self, packed: Packed) -> Integers:
        """Return how often the lowest bits are there, and those above; two short counts at once."""
        n_bits = 2 * self.bits if 2 * self.bits <= _LOOKED_UP else self.bits
        parts = (packed >> shift & (2**n_bits - 1) for shift in range(0, _BITS, n_bits))
        return np.array([np.bincount(part.ravel(), minlength=2**n_bits) for part in parts])

    def sum_table(self, table: Integers) -> Integers:
        """Return how often each count is there, (n_cells + 1,), from such tables."""
        by_count = table.sum(axis=0).reshape(-1, 2**self.bits)
        n_counts = by_count.sum(axis=0) + (by_count.sum(axis=1) if len(by_count) > 1 else 0)
        return np.asarray(n_counts[: self.n_cells + 1])

    def list_near(self, packed: Packed) -> tuple[Integers, Integers, Integers]:
        """Return row, column and value of the counts from ``least`` on, row by row.

        A count that reaches ``least`` and half of its range has its top bit set; ``least`` below
        that half is filled up to it. Few numbers are then looked at more closely.
        """
        top_bit, one_each = 2 ** (self.bits - 1), (1 << self.shifts).sum(dtype=np.int32)
        filled = packed + max(top_bit - self.least, 0) * one_each
        at = np.flatnonzero((filled & top_bit * one_each) != 0)
        row, column = np.divmod(at, packed.shape[1])
        counts = packed.ravel()[at, None] >> self.shifts & (2**self.bits - 1)
        near, place = np.nonzero(counts >= self.least)
        return row[near], column[near] * self.n + place, counts[near, place].astype(np.int64)


def compare_forms(
    cells: Sequence[Levels], least: int, n_pairs: Integers | None = None
) -> NearPairs:
    """Compare each form of a block with every form above it, cell by cell.

    A product of marks, 0 and 1 for each value of a cell, counts the equal cells of two forms.

    Args:
        cells: Numbers from 0, one array of shape (n,) per cell.
        least: Cells in which a listed pair agrees at least; half of them or more.
        n_pairs: Pairs by number of equal cells; those of the block are added.

    Returns:
        The pairs that agree in ``least`` cells or more.
    """
    packing, n = Packing.for_cells(len(cells), least), len(cells[0])
    strips = _count_equal_cells(cells, packing)
    if n_pairs is not None:
        counts = _count_pairs(strips, packing, n)
        n_pairs += counts
        strips = strips if counts[least:].any() else []
    parts = [np.empty((3, 0), dtype=np.int64)]
    for at, equal in enumerate(strips):
        later, earlier, n_equal = packing.list_near(equal)
        later += at * _STRIP
        parts.append(np.array([later, earlier, n_equal])[:, earlier < later])
    return NearPairs(*np.concatenate(parts, axis=1))


def _count_equal_cells(cells: Sequence[Levels], packing: Packing) -> list[Packed]:
    """Return the equal cells of the forms of each strip with all forms up to its last, packed."""
    few, many = list[Levels](), list[Levels]()
    for cell in cells:
        (few if cell.max() < _FEW else many).append(cell)
    n, strips = len(cells[0]), []
    marks = mark_cells(few, n)
    packed_marks = packing.pack(marks)
    for top in range(0, n, _STRIP):
        end = min(top + _STRIP, n)
        equal = packing.count_equal(marks[top:end], packed_marks[: -(-end // packing.n)])
        for cell in many:
            equal += packing.pack(cell[:end, None] == cell[top:end]).T.astype(np.int32)
        strips.append(equal)
    return strips


def _count_pairs(strips: Sequence[Packed], packing: Packing, n: int) -> Integers:
    """Return the pairs of forms of a block by number of equal cells.

    The square at the end of a strip has each pair twice, each form with itself, and zeros behind
    the last form of the block.
    """
    parts = []
    for at, equal in enumerate(strips):
        start = at * _STRIP // packing.n
        parts += [2 * packing.tabulate(equal[:, :start]), packing.tabulate(equal[:, start:])]
    counts = packing.sum_table(np.sum(parts, axis=0))
    counts[-1] -= n
    counts[0] -= len(strips[-1]) * (strips[-1].shape[1] * packing.n - n)
    return counts // 2


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
    k = levels.shape[1]
    n_most = n_answered = np.zeros(len(levels), dtype=np.min_scalar_type(k))
    for level in range(1, int(levels.max(initial=0)) + 1):
        n_equal = np.zeros_like(n_most)
        for item in levels.T:  # one at a time, to save memory
            n_equal += item == level
        n_most, n_answered = np.maximum(n_most, n_equal), n_answered + n_equal
    n_other = n_answered - n_most
    return np.flatnonzero((n_other > k // ITEMS_PER_EXCEPTION) & (n_answered >= k / 2))


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
    width = int(ends[-1]) if len(ends) else 0
    marks = np.zeros(n * width, dtype=np.float32)
    marks[numbers + np.arange(n) * width] = 1
    return marks.reshape(n, width)


def list_blocks(unit: Integers) -> list[Ends]:
    """Return where blocks of at most 1,000 forms of one unit start and end; units are in order."""
    borders = [0, *(1 + np.flatnonzero(unit[1:] != unit[:-1])).tolist(), len(unit)]
    return [
        (start, min(start + LARGEST_BLOCK, end))
        for first, end in pairwise(borders)
        for start in range(first, end, LARGEST_BLOCK)
    ]
