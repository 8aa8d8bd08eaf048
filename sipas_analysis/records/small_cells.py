"""Merge cells of few dossiers or petitions into *other*, so that no total gives them back (P2).

A table by field, channel or unit stands beside its total. A single small cell that is left out is
the total less the others: so at least two cells are merged, three where the cells are units, each
of which knows its own (P5), and together they have ``min_cell`` rows.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.infer.design import Ints

Marks = NDArray[np.bool_]
FEWEST = {"unit": 3}  # cells merged together, by what they are
FEWEST_CELLS = 2


def merge_small_cells(rows: pd.DataFrame, by: Sequence[str], min_cell: int) -> pd.DataFrame:
    """Return rows with a key as *other* where too few rows share it and the keys before it.

    With more than one key the totals of each are taken as published, too.

    Args:
        rows: One row per dossier or petition.
        by: Names of its key columns; without any nothing is merged.
        min_cell: Fewest rows of a cell (P2).

    Returns:
        The rows with the keys as text.

    Source: rules P2 and P5 in docs/method.md.

    Example:
        >>> rows = pd.DataFrame({"field": ["land"] * 9 + ["water"] * 6 + ["air"] * 2})
        >>> merge_small_cells(rows, ["field"], 5)["field"].value_counts().to_dict()
        {'land': 9, 'other': 8}
    """
    for depth in range(1, len(by) + 1 if len(rows) else 1):
        keys, last = [*by[:depth]], by[depth - 1]
        cells = rows.groupby(keys, observed=True, sort=True)
        counts = cells.size().rename("n").reset_index()
        small = mark_small_cells(counts[keys], counts["n"].to_numpy(), min_cell)
        label = rows[last].astype(object)
        rows = rows.assign(**{last: label.mask(small[cells.ngroup().to_numpy()], OTHER)})
    return rows


def mark_small_cells(
    keys: pd.DataFrame, counts: Ints, min_cell: int, hidden: Marks | None = None
) -> Marks:
    """Return which cells must not be shown by themselves, see ``find_small_cells``.

    Args:
        keys: Keys of each cell, shape (n, k); no two cells have the same. The last key makes the
            columns of the table, the others its rows.
        counts: Dossiers of each cell, shape (n,).
        min_cell: Fewest dossiers of a cell.
        hidden: Cells that are hidden in any case, shape (n,).
    """
    *outer, last = [*map(str, keys)] or [""]
    row = keys.groupby(outer, observed=True).ngroup().to_numpy() if outer else np.zeros_like(counts)
    column = pd.factorize(keys[last])[0] if last else np.zeros_like(counts)
    shape = (int(row.max(initial=0)) + 1, int(column.max(initial=0)) + 1)
    table, withheld = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    table[row, column] = counts
    withheld[row, column] = False if hidden is None else hidden
    marks = find_small_cells(table, min_cell, (outer[-1] if outer else "", last), withheld)
    return marks[row, column]


def find_small_cells(
    counts: Ints, min_cell: int, keys: tuple[str, str] = ("", ""), hidden: Marks | None = None
) -> Marks:
    """Return which cells of a table are too small to be shown, or would give back such a cell.

    A line (a row; a column where there are several rows) has a published total. While a line has
    hidden cells that are too few, or have too few people together, its smallest shown cell is
    hidden, too. Only single lines are searched.

    Args:
        counts: Rows of each cell, shape (R, C); 0 is no cell.
        min_cell: Fewest rows of a cell.
        keys: What rows and columns are: of units three are hidden together.
        hidden: Cells that are hidden in any case, shape (R, C).

    Example:
        >>> find_small_cells(np.array([[9, 6, 2]]), 5).tolist()
        [[False, True, True]]
    """
    marks = (counts > 0) & (counts < min_cell)
    marks = marks if hidden is None else marks | (hidden & (counts > 0))
    needed_in_row, needed_in_column = (FEWEST.get(key, FEWEST_CELLS) for key in keys[::-1])
    while True:
        more = _hide_smallest(counts, marks, min_cell, needed_in_row)
        if len(counts) > 1:
            more = _hide_smallest(counts.T, more.T, min_cell, needed_in_column).T
        if np.array_equal(more, marks):
            return marks
        marks = more


def _hide_smallest(counts: Ints, hidden: Marks, min_cell: int, needed: int) -> Marks:
    """Return the hidden cells with the smallest shown cell of each row that needs one more."""
    n_hidden, n_rows = hidden.sum(axis=1), (counts * hidden).sum(axis=1)
    is_unsafe = (n_hidden > 0) & ((n_hidden < needed) | (n_rows < min_cell))
    shown = np.where(hidden | (counts == 0), np.iinfo(np.int64).max, counts)
    smallest = shown.argmin(axis=1)
    is_unsafe &= shown.min(axis=1, initial=np.iinfo(np.int64).max) < np.iinfo(np.int64).max
    more = hidden.copy()
    more[np.flatnonzero(is_unsafe), smallest[is_unsafe]] = True
    return more
