"""Add weighted values of forms as whole numbers, so that any order gives the same bits.

Weights and products are rounded once to multiples of a step, which depends on the whole sample
only. Whole numbers add exactly, in any order, in chunks, files or workers (rule V9).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats, Ints

BITS = 35  # of a fold: 2**17 forms of so many bits add exactly as floats
WEIGHT_BITS = 40
HALF = 2.0**24
MOST_RATIO = 1e8


@dataclass(frozen=True)
class WeightRounding:
    """How weights are rounded, once for the whole sample (V9).

    Attributes:
        n: Forms of the whole sample.
        largest: Largest weight.
        step: Weights are whole multiples of it; a power of two.
        equal: Whether all weights are one number.
    """

    n: int
    largest: float = 1.0
    step: float = 1.0
    equal: bool = True

    @property
    def bits(self) -> int:
        """The bits of a whole number that can be added n times in 64 bits."""
        return 62 - _ceil_log2(max(self.n, 2))

    def fold_steps(self, largest: float, whole: bool, power: int = 1) -> tuple[float, ...]:
        """Return the steps by which w**power · x is counted: one if it fits, else two."""
        top = power * _ceil_log2(self.largest) + _ceil_log2(largest)
        if whole and top - power * _ceil_log2(self.step) <= self.bits:
            return (self.step**power,)
        bits = min(BITS, self.bits)
        return (2.0 ** (top - bits), 2.0 ** (top - 2 * bits))


def _ceil_log2(number: float) -> int:
    """Return the least whole k with number <= 2**k."""
    return ceil(log2(number)) if number > 0 else 0


def weight_scale(
    n: int, least: float, largest: float, whole: bool, *, has_zeros: bool = False
) -> WeightRounding:
    """Return how weights are rounded: whole ones stay, others to 2⁻⁴⁰ of the largest (V9).

    ``least`` is the least weight above 0.
    """
    if n and largest > MOST_RATIO * least:
        raise DesignError("design_weight_range", low=f"{least:g}", high=f"{largest:g}")
    bits = min(WEIGHT_BITS, 57 - _ceil_log2(max(n, 2)))  # so that levels of a scale fit beside
    fine = 2.0 ** (_ceil_log2(largest) - bits)
    step = 1.0 if whole and fine <= 1 else fine
    return WeightRounding(n, largest, step, least == largest and not has_zeros)


Adder = Callable[[Floats], tuple[Any, NDArray[Any]]]


def choose_adder(number: Ints, rows: int) -> Adder:
    """Return a way to add values by row: which rows, and their sums; fastest for sorted forms."""
    if len(number) and (number[1:] >= number[:-1]).all():
        starts = np.append(0, np.flatnonzero(number[1:] != number[:-1]) + 1)
        present = number[starts]
        return lambda values: (present, np.add.reduceat(values, starts))
    return lambda values: (slice(None), np.bincount(number, weights=values, minlength=rows))


def add_folds(
    add: Adder, y: Floats, folds: tuple[float, ...], into: Ints, *, bound: float, most: int
) -> None:
    """Add the forms' y to ``into``, shape (R, folds), as whole multiples of each step.

    They are added in floats, where whole numbers below 2**53 are exact (larger ones in two
    halves), then in 64-bit integers; so any order gives the same bits. No |y| is above ``bound``;
    no more than ``most`` forms are in one row.
    """
    for fold, step in enumerate(folds):
        whole = y / step if step != 1 else y
        if len(folds) > 1:  # else it is already a whole number
            whole = np.floor(whole + 0.5)
        parts = [(whole, 1)]
        if (bound / step + 1) * most >= 2.0**53:
            high = np.floor(whole / HALF)
            parts = [(high, int(HALF)), (whole - high * HALF, 1)]
        for part, unit in parts:
            rows, sums = add(part)
            into[rows, fold] += sums.astype(np.int64) * unit
        if fold + 1 < len(folds):
            y, bound = y - whole * step, step / 2
