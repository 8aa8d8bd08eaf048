"""The tables of cells that the disclosure audit has found, and what they leave unknown (P4, P5)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sipas_analysis.figures.disclosure_cells import NO_UNIT, TOLERANCE, Cells, Marks
from sipas_analysis.infer.design import Floats, Ints

OUTSIDER = -1  # a reader who knows the forms of no unit


@dataclass(frozen=True)
class Table:
    """A table of cells that agrees with everything shown: figures that change, and in which units.

    ``touches`` marks the units, shape (U,).
    """

    figures: Ints
    changes: Floats
    touches: Marks

    def change_of(self, figures: Ints) -> Floats:
        """Return the change of some figures, which are sorted as ``figures`` are."""
        at = np.searchsorted(self.figures, figures).clip(max=len(self.figures) - 1)
        return np.where(self.figures[at] == figures, self.changes[at], 0.0)


class Tables:
    """The tables of cells that were found, all of which agree with everything shown.

    Attributes:
        low: How far each figure falls in any of them, shape (F,).
        high: How far it rises.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.low, self.high = np.zeros((2, cells.matrix.shape[0]))
        self._of_owner: dict[int, list[Table]] = {NO_UNIT: []}
        self._stacks = dict[int, tuple[Floats, Marks]]()
        self._ranges = dict[int, Floats]()

    def __iter__(self) -> Iterator[Table]:
        return iter(self._of_owner[NO_UNIT])

    def add(self, changes: Floats, cells: Ints) -> None:
        """Note a table: the changes of all figures, and the cells that change."""
        figures = np.flatnonzero(np.abs(changes) > TOLERANCE)
        touches = np.zeros(len(self.cells.group), dtype=bool)
        touches[self.cells.unit[cells]] = True
        self.keep(Table(figures, changes[figures], touches))

    def keep(self, table: Table) -> None:
        """Note how far the figures of a table can change."""
        figures = table.figures
        self.low[figures] = np.minimum(self.low[figures], table.changes)
        self.high[figures] = np.maximum(self.high[figures], table.changes)
        for owner in (NO_UNIT, *np.flatnonzero(table.touches).tolist()):
            self._of_owner.setdefault(owner, []).append(table)

    def widen(self, figure: int, ranges: Floats) -> None:
        """Note how far a figure falls and rises for each unit as a reader and for an outsider.

        ``ranges`` are of shape (2, U + 1); no table is kept of them.
        """
        old = self._ranges.get(figure, np.zeros_like(ranges))
        low, high = np.minimum(old[0], ranges[0]), np.maximum(old[1], ranges[1])
        self._ranges[figure] = np.array([low, high])
        self.low[figure] = min(self.low[figure], low[-1])
        self.high[figure] = max(self.high[figure], high[-1])

    def mark_close(self) -> Marks:
        """Mark the figures that all tables leave too close for an outsider."""
        return np.asarray(self.high - self.low < self.cells.width - TOLERANCE)

    def find_range(self, figure: int, reader: int) -> tuple[float, float]:
        """Return how far a figure falls and rises in tables that a reader cannot exclude."""
        if reader == OUTSIDER:
            return float(self.low[figure]), float(self.high[figure])
        owner = int(self.cells.owner[figure])
        changes, touches = self._stack(owner)
        column = np.searchsorted(self._figures_of(owner), figure)
        possible = changes[~touches[:, reader], column]
        low, high = self._ranges[figure][:, reader] if figure in self._ranges else (0.0, 0.0)
        return float(possible.min(initial=low)), float(possible.max(initial=high))

    def is_safe(self, figure: int, reader: int) -> bool:
        """Return whether a figure is far enough from anything that a reader knows."""
        low, high = self.find_range(figure, reader)
        return bool(high - low >= self.cells.width[figure] - TOLERANCE)

    def list_readers(self, figures: Ints) -> list[tuple[int, int]]:
        """Return which figures of one unit which other units know too closely."""
        owner = int(self.cells.owner[figures[0]])
        low, high = self._find_ranges(figures)
        is_close = high - low < self.cells.width[figures][:, None] - TOLERANCE
        if owner != NO_UNIT:
            is_close[:, owner] = False
        pairs = [(int(figures[at]), reader) for at, reader in np.argwhere(is_close).tolist()]
        if owner == NO_UNIT:  # a unit of a small group contributes to its figures
            rows = {figure: self.cells.list_terms(figure)[0] for figure, _ in pairs}
            known = {figure: {*self.cells.unit[row].tolist()} for figure, row in rows.items()}
            pairs = [(figure, reader) for figure, reader in pairs if reader not in known[figure]]
        return pairs

    def _find_ranges(self, figures: Ints) -> tuple[Floats, Floats]:
        """Return how far figures of one unit fall and rise for each reader, each (figures, U)."""
        owner, n_units = int(self.cells.owner[figures[0]]), len(self.cells.group)
        changes, touches = self._stack(owner)
        changes = changes[:, np.searchsorted(self._figures_of(owner), figures)]
        low = np.repeat(changes.min(axis=0, initial=0.0)[:, None], n_units, axis=1)
        high = np.repeat(changes.max(axis=0, initial=0.0)[:, None], n_units, axis=1)
        for reader in np.flatnonzero(touches.any(axis=0)):
            possible = changes[~touches[:, reader]]
            low[:, reader] = possible.min(axis=0, initial=0.0)
            high[:, reader] = possible.max(axis=0, initial=0.0)
        for at, figure in enumerate(figures.tolist()):
            if figure in self._ranges:
                ranges = self._ranges[figure][:, :-1]
                low[at], high[at] = np.minimum(low[at], ranges[0]), np.maximum(high[at], ranges[1])
        return low, high

    def _figures_of(self, owner: int) -> Ints:
        """Return the figures of a unit, or of no unit."""
        return self.cells.figures_of_owner[owner]

    def _stack(self, owner: int) -> tuple[Floats, Marks]:
        """Return the changes of the figures of a unit in all its tables, and which units change."""
        tables, figures = self._of_owner.get(owner, []), self._figures_of(owner)
        none = np.zeros((0, figures.size)), np.zeros((0, len(self.cells.group)), dtype=bool)
        changes, touches = self._stacks.get(owner, none)
        if new := tables[len(changes) :]:
            changes = np.vstack([changes, [table.change_of(figures) for table in new]])
            touches = np.vstack([touches, [table.touches for table in new]])
            self._stacks[owner] = changes, touches
        return changes, touches
