"""Keyed hashes of a table: they tell which cell was altered, never what an answer is.

With SipHash under a key that is not public, ``u[j, i]`` is the hash of the text in column ``j`` and
row ``i`` (0 for a blank) and ``m[j, i]`` that hash mixed with ``j``. A table keeps

- a row: the sum of ``m`` over its columns (modulo 2^64), so that blank columns change nothing;
- a column: the sum over its rows of ``u`` mixed with the row's number;
- a part: the sum over at least 64 rows of ``m`` mixed with the hash of the row (modulo 2^32).

A part has fewer bits than the answers behind it, so the answers cannot be computed from it. A sum
can be taken without the rows that are known to be the same: what is left belongs to the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PART = 64  # rows behind each sum of a column
Hashes = NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64
_FACTORS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


@dataclass(frozen=True, eq=False)
class TableHashes:
    """The hashes of a table.

    Attributes:
        rows: One for each row, shape ``(n,)``.
        columns: One for each column, shape ``(k,)``.
        parts: One for each part of the rows and each column, shape ``(n // 64 or 1, k)``.
    """

    rows: Hashes
    columns: Hashes
    parts: "NDArray[np.uint32]"


def hash_texts(texts: Sequence[str], key: str) -> Hashes:
    """Return the keyed hash of each text; that of an empty text is 0.

    Args:
        texts: Cells or lines.
        key: Sixteen ASCII letters.

    Example:
        >>> first, blank, again = hash_texts(["a", "", "a"], "0123456789abcdef").tolist()
        >>> first == again, blank, 0 < first < 2**64
        (True, 0, True)
    """
    numbers, distinct = pd.factorize(np.array([*texts], dtype=object))
    hashes: Hashes = pd.util.hash_array(distinct, hash_key=key, categorize=False)
    return np.where(distinct == "", np.uint64(0), hashes)[numbers]


def hash_cells(columns: Iterable[Sequence[str]], key: str) -> Hashes:
    """Return the hash ``u`` of each cell, shape ``(k, n)``.

    Blank rows and columns at the end are left out.
    """
    hashes = [hash_texts(column, key) for column in columns]
    cells = np.array(hashes, dtype=np.uint64).reshape(len(hashes), -1 if hashes else 0)
    return cells[: _count_filled(cells, 1), : _count_filled(cells, 0)]


def _count_filled(cells: Hashes, axis: int) -> int:
    """Return how many rows (axis 0) or columns (axis 1) there are up to the last with a text."""
    filled = np.flatnonzero(cells.any(axis=axis))
    return int(filled[-1]) + 1 if len(filled) else 0


def mix_columns(cells: Hashes) -> Hashes:
    """Return the hashes ``m``: each cell mixed with the number of its column; a blank stays 0."""
    numbers = np.arange(1, len(cells) + 1, dtype=np.uint64)
    return np.where(cells == 0, np.uint64(0), mix(cells + numbers[:, None] * _STEP))


def hash_columns(cells: Hashes) -> Hashes:
    """Return one hash for each column, whatever its place; blank cells count too."""
    numbers = np.arange(1, cells.shape[1] + 1, dtype=np.uint64)
    steps: Hashes = numbers * _STEP
    total: Hashes = mix(cells + steps).sum(axis=1, dtype=np.uint64)
    return total


def hash_table(cells: Hashes) -> TableHashes:
    """Return the hashes of a table from those of its cells; a table without cells has no rows."""
    mixed = mix_columns(cells)
    rows = mixed.sum(axis=0, dtype=np.uint64)
    return TableHashes(rows, hash_columns(cells), sum_parts(bind_rows(mixed, rows)))


def bind_rows(mixed: Hashes, rows: Hashes) -> Hashes:
    """Return the hashes ``m`` mixed with the hash of the row that each cell is, or was, in.

    A blank stays 0.
    """
    return np.where(mixed == 0, np.uint64(0), mix(mixed + rows * _STEP))


def sum_parts(bound: Hashes) -> "NDArray[np.uint32]":
    """Return the sum of each column over each part of the rows, shape ``(parts, k)``."""
    n_columns, n_rows = bound.shape
    if not n_rows:
        return np.zeros((0, n_columns), dtype=np.uint32)
    starts = np.arange(count_parts(n_rows)) * PART
    return np.add.reduceat(bound.astype(np.uint32), starts, axis=1, dtype=np.uint32).T


def count_parts(n_rows: int) -> int:
    """Return the number of parts of so many rows: each has 64, the last one 64 to 127."""
    return max(1, n_rows // PART) if n_rows else 0


def find_part(row: int, n_rows: int) -> int:
    """Return the part that a row (from 0) of ``n_rows`` belongs to."""
    return min(row // PART, count_parts(n_rows) - 1)


def mix(hashes: Hashes) -> Hashes:
    """Return hashes with every bit spread over all bits (the last steps of splitmix64)."""
    mixed = hashes
    for shift, factor in _FACTORS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
