"""Find which rows, columns and cells of a table are not those whose hashes were kept.

Rows of the same content are matched; what is left was altered, removed or added. The sum of a
column over a part of the rows, without the rows that are the same, tells which columns changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.proof.cell_hashes import (
    Hashes,
    TableHashes,
    bind_rows,
    find_part,
    hash_columns,
    hash_table,
    mix_columns,
    sum_parts,
)
from sipas_analysis.proof.line_changes import LineChanges, Pair, find_line_changes

NOTHING = LineChanges()


@dataclass(frozen=True)
class Alterations:
    """What differs in a table; rows and columns are counted from 0.

    Attributes:
        cells: Rows now of the altered cells, by column now; under None those whose column cannot
            be told.
        rows: Rows that were removed, added, swapped or moved.
        columns: Columns that were; of no row can be said whether it changed if one was removed.
    """

    cells: Mapping[int | None, Sequence[int]] = field(default_factory=dict)
    rows: LineChanges = NOTHING
    columns: LineChanges = NOTHING


def find_alterations(before: TableHashes, cells: Hashes) -> Alterations:
    """Compare a table with the hashes that were kept of it.

    Args:
        before: Hashes that were kept.
        cells: Result of ``hash_cells`` of the table now, under the same key.

    Returns:
        What differs; nothing where every cell is the same.

    Example:
        >>> from sipas_analysis.proof.cell_hashes import hash_cells
        >>> key = "0123456789abcdef"
        >>> kept = hash_table(hash_cells([["unit", "so-a", "so-b"], ["A1", "5", "4"]], key))
        >>> now = hash_cells([["unit", "so-a", "so-b"], ["A1", "5", "1"]], key)
        >>> find_alterations(kept, now).cells
        {1: [2]}
    """
    columns = _compare_columns(before, cells)
    if columns.removed:
        return Alterations(columns=columns)
    order = _order_columns(columns, len(cells))
    table = _AlteredTable.place(before, cells[order])
    altered = table.find_columns()
    return Alterations(
        {None if at is None else order[at]: rows for at, rows in altered.items()},
        table.rows,
        columns,
    )


def _compare_columns(before: TableHashes, cells: Hashes) -> LineChanges:
    """Return which columns stand elsewhere, if fewer than half of the rows are the same.

    Where rows were added or removed every column has another hash, and none is said to be moved.
    """
    n_same = int(np.isin(hash_table(cells).rows, before.rows).sum())
    if 2 * n_same >= min(len(before.rows), cells.shape[1]):
        return NOTHING
    return find_line_changes(before.columns, hash_columns(cells))


def _order_columns(columns: LineChanges, n_columns: int) -> list[int]:
    """Return the columns now in the order of those before, without added ones."""
    pairs = sorted([*columns.same, *columns.altered])
    return [now for _, now in pairs] or [*range(n_columns)]


@dataclass
class _AlteredTable:
    """A table now beside the hashes of the table before, with the same columns.

    Attributes:
        before: The hashes before.
        mixed: The hashes ``m`` of the cells now, shape ``(k, n)``.
        rows: Which rows are the same, altered, removed, added, swapped and moved.
    """

    before: TableHashes
    mixed: Hashes
    rows: LineChanges

    @classmethod
    def place(cls, before: TableHashes, cells: Hashes) -> "_AlteredTable":
        """Return the table with its rows compared, both with the same number of columns."""
        missing = len(before.columns) - len(cells)
        cells = np.pad(cells, ((0, max(missing, 0)), (0, 0)))
        parts = np.pad(before.parts, ((0, 0), (0, max(-missing, 0))))
        mixed = mix_columns(cells)
        rows = find_line_changes(before.rows, mixed.sum(axis=0, dtype=np.uint64))
        table = cls(replace(before, parts=parts), mixed, rows)
        if rows.removed and rows.added:
            table.rows = table._pair_rows()
        return table

    def _sum_others(self, pairs: Sequence[Pair]) -> "NDArray[np.uint32]":
        """Return the sums of parts that remain without these rows, by the cells that they have."""
        known = np.zeros((len(self.mixed), len(self.before.rows)), dtype=np.uint64)
        old, now = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        known[:, old] = bind_rows(self.mixed[:, now], self.before.rows[old])
        return self.before.parts - sum_parts(known)

    def _find_part(self, row: int) -> int:
        return find_part(row, len(self.before.rows))

    def _pair_rows(self) -> LineChanges:
        """Return the changes with an altered row for a removed and an added one, where they fit.

        Most cells of an altered row are what they were: with them, and without the other rows of
        the part, its sums are nothing.
        """
        rest, added = self._sum_others([*self.rows.same, *self.rows.altered]), [*self.rows.added]
        pairs = list[Pair]()
        for row in self.rows.removed:
            if added:
                own = bind_rows(self.mixed[:, added], self.before.rows[[row]]).astype(np.uint32)
                fits = (own == rest[self._find_part(row)][:, None]).mean(axis=0)
                if fits.max() > 0.5:  # more than half of the columns
                    pairs.append((row, added.pop(int(fits.argmax()))))
        gone = {row for row, _ in pairs}
        removed = [row for row in self.rows.removed if row not in gone]
        altered = sorted([*self.rows.altered, *pairs])
        return replace(self.rows, altered=altered, removed=removed, added=added)

    def find_columns(self) -> dict[int | None, list[int]]:
        """Return the rows now of altered cells, by column; None where no column can be told."""
        by_part: dict[int, list[Pair]] = {}
        for pair in self.rows.altered:
            by_part.setdefault(self._find_part(pair[0]), []).append(pair)
        unknown = {self._find_part(row) for row in self.rows.removed}
        rest = self._sum_others([*self.rows.same, *self.rows.altered])
        cells: dict[int | None, list[int]] = {}
        for part, pairs in by_part.items():
            columns = [] if part in unknown else [*map(int, np.flatnonzero(rest[part]))]
            for column, row in self._choose_cells(pairs, columns, rest[part]):
                cells.setdefault(column, []).append(row)
        return {column: sorted(rows) for column, rows in cells.items()}

    def _choose_cells(
        self, pairs: Sequence[Pair], columns: Sequence[int], rest: "NDArray[np.uint32]"
    ) -> Iterator[tuple[int | None, int]]:
        """Yield column and row now of each altered cell of a part."""
        if columns and (len(pairs) == 1 or len(columns) == 1):
            yield from ((column, row) for column in columns for _, row in pairs)
            return
        found: dict[int | None, list[int]] = {
            column: self._find_rows(pairs, column, rest[column]) for column in columns
        }
        open_columns = [column for column, rows in found.items() if not rows]
        told = {row for rows in found.values() for row in rows}
        others = [row for _, row in pairs if row not in told]
        found |= {open_columns[0] if len(open_columns) == 1 else None: others}
        yield from ((column, row) for column, rows in found.items() for row in rows)

    def _find_rows(self, pairs: Sequence[Pair], column: int, rest: np.uint32) -> list[int]:
        """Return the row that has another cell in a column, if one row with any text explains it.

        The texts tried are those that the column has now; they are not kept.
        """
        texts = np.unique(np.append(self.mixed[column], np.uint64(0)))
        rows = []
        for old, now in pairs:
            own = bind_rows(self.mixed[column, [now]], self.before.rows[[old]]).astype(np.uint32)
            if rest + own in bind_rows(texts, self.before.rows[[old]]).astype(np.uint32):
                rows.append(now)
        return rows if len(rows) == 1 else []
