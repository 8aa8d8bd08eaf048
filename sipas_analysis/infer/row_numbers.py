"""Number the distinct rows of a frame: the cells of a sample, and its domains."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.errors import DesignError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
COUNT_COLUMN = "\0n"  # a name that no column of a frame has


def number_rows(frame: pd.DataFrame, by: Sequence[str]) -> tuple[Ints, pd.DataFrame]:
    """Number the distinct rows of some columns in sorted order.

    Returns:
        The number of each row, -1 where a column is blank, shape (n,); and the table of distinct
        rows with their count ``n``.
    """
    code, radix = np.zeros(len(frame), np.int64), 1
    blank = np.zeros(len(frame), bool)
    for name in reversed(by):
        try:
            level, values = pd.factorize(frame[name], sort=True)
        except TypeError as why:
            raise DesignError("design_cells", column=name) from why
        blank |= level < 0
        if radix * max(len(values), 1) > 2**62:
            code, values_so_far = number_codes(code, radix)
            radix = len(values_so_far)
        code = code + level * radix
        radix *= max(len(values), 1)
    number = np.full(len(frame), -1, np.int64)
    number[~blank], distinct = number_codes(code[~blank], radix)
    complete = np.flatnonzero(~blank)
    first = np.zeros(len(distinct), np.int64)
    first[number[complete[::-1]]] = complete[::-1]
    columns = {name: frame[name].array[first] for name in by}  # a frame of many is slow to cut
    counts = np.bincount(number[complete], minlength=len(distinct))
    return number, pd.DataFrame({**columns, COUNT_COLUMN: counts}, pd.RangeIndex(len(distinct)))


def number_codes(code: Ints, size: int) -> tuple[Ints, Ints]:
    """Number codes below ``size`` in their order; return the numbers and the distinct codes."""
    if size > 2 * len(code):  # a table of all codes would be slower
        return pd.factorize(code, sort=True)
    present = np.zeros(size, bool)
    present[code] = True
    return (np.cumsum(present) - 1)[code], np.flatnonzero(present)
