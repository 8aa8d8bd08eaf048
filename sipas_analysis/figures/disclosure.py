"""Find hidden figures that the shown ones bound too closely, and what else to hide (rules P4, P5).

A reader knows how every figure is made of cells (``disclosure_cells``). A hidden figure is safe if
two tables of cells agree with everything shown and differ in this figure by ``min_cell`` people, or
by all that the figure could be. Integer programs search for such tables in a few units at a time:
what agrees with everything shown while all other units stay as they are agrees with it altogether.
"""

from collections.abc import Collection, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sipas_analysis.figures.disclosure_cells import NO_UNIT, TOLERANCE, Cells, Marks
from sipas_analysis.figures.disclosure_programs import Problem
from sipas_analysis.infer.design import Floats, Ints

FEW_UNITS, MANY_UNITS = 6, 20  # whose cells a search may change
MOST_ROUNDS = 6  # searches for many figures of a few units at once
OUTSIDER = -1  # a reader who knows the forms of no unit


class Exposed(NamedTuple):
    """A hidden figure that a reader knows too closely: how far it can fall and rise."""

    figure: int
    reader: int
    low: float
    high: float


@dataclass(frozen=True)
class _Table:
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


class Audit:
    """A search for tables of cells that agree with all shown figures.

    The search is for an outsider, then for each unit, which knows its own forms. The outsider must
    not come close to any hidden figure; a unit must not come close to a figure of too few people
    that it does not contribute to. Tables that were found stay good while more is hidden.
    """

    def __init__(self, cells: Cells, is_small: Marks) -> None:
        self.cells = cells
        self.n_hideable = len(cells.cost)
        no_answers = np.zeros(len(cells.answer_item), dtype=bool)
        self.is_small = cells.hide_parts(np.append(is_small, no_answers))
        self.low, self.high = np.zeros((2, cells.matrix.shape[0]))
        self.tables_of_unit: list[list[_Table]] = [[] for _ in cells.cells_of_unit]
        self.settled = np.zeros(len(self.tables_of_unit), dtype=bool)  # searched around this unit
        self.cleared = set[int]()  # owners of figures that no contributor knows too closely
        self.random = np.random.default_rng(0)
        self.n_searches = 0

    def find_exposed(self, hidden: Marks) -> Exposed | None:
        """Return a hidden figure that a reader knows too closely, if there is any."""
        marks = self.cells.hide_parts(hidden)
        shared = self._weigh_neighbours(marks)
        self._search_jointly(marks, shared)
        unsafe = self._list_unsafe(marks)
        for figure in unsafe[np.argsort(~self.is_small[unsafe], kind="stable")]:
            if exposed := self._search_alone(marks, shared, int(figure), OUTSIDER):
                return exposed
        return next(self._find_by_contributor(marks, shared), None)

    def forget(self, hidden: Marks) -> "Audit":
        """Return a search of which fewer figures are hidden: without tables that change others."""
        is_shown = ~self.cells.hide_parts(hidden)
        audit = copy(self)
        audit.n_searches = 0
        audit.low, audit.high = np.zeros((2, len(is_shown)))
        audit.tables_of_unit = [[] for _ in self.tables_of_unit]
        audit.settled, audit.cleared = self.settled.copy(), self.cleared - {NO_UNIT}
        for table in {id(table): table for unit in self.tables_of_unit for table in unit}.values():
            if is_shown[table.figures].any():
                audit.settled[table.touches] = False
                audit.cleared -= {*np.flatnonzero(table.touches).tolist()}
            else:
                audit._keep(table)
        return audit

    def count_unsafe(self, hidden: Marks) -> int:
        """Return how many hidden figures of too few people no joint search proves safe."""
        marks = self.cells.hide_parts(hidden)
        self._search_jointly(marks, self._weigh_neighbours(marks))
        unsafe = self._list_unsafe(marks)
        return int((unsafe < self.cells.n_rows).sum())

    def _list_unsafe(self, marks: Marks) -> Ints:
        """Return the hidden figures that the tables so far leave too close, for an outsider."""
        width = self.cells.width
        is_close = self.high - self.low < width - TOLERANCE
        return np.flatnonzero(marks & is_close)

    def _weigh_neighbours(self, marks: Marks) -> Floats:
        """Return how many people two units can exchange in hidden cells, shape (U, U)."""
        cells, n_units = self.cells, len(self.cells.cells_of_unit)
        is_free = marks[-cells.unit.size :].reshape(n_units, -1).astype(float)
        people = np.minimum(cells.fall + cells.rise, 10.0).reshape(n_units, -1)
        shared = is_free @ (is_free * people).T
        return np.asarray(shared * np.where(cells.group[:, None] == cells.group, 1.0, 0.01))

    def _choose_units(
        self, shared: Floats, figure: int, n_units: int, without: Collection[int]
    ) -> Ints:
        """Return units of a figure and those that can exchange most people with them."""
        cells, owner = self.cells, self.cells.owner[figure]
        if owner == NO_UNIT:
            weights = np.zeros(len(shared))
            weights[np.unique(cells.unit[cells.matrix[[figure]].indices])] = 1.0
            weights *= shared.diagonal()
        else:
            weights = shared[owner].copy()
        weights *= 0.5 + 0.5 * self.random.random(len(weights))
        weights[owner if owner != NO_UNIT else []] = np.inf
        weights[[*without]] = 0.0
        units = np.argsort(-weights, kind="stable")[:n_units]
        return np.sort(units[weights[units] > 0])

    def _search_jointly(self, marks: Marks, shared: Floats) -> None:
        """Search tables around each unit for all its figures, and those of its neighbours."""
        order = np.argsort(-shared.diagonal(), kind="stable")
        searched = set[bytes]()
        for unit in order[~self.settled[order]]:
            self.settled[unit] = True
            unsafe = self._list_unsafe(marks)
            mine = unsafe[self.cells.owner[unsafe] == unit]
            if mine.size:
                units = self._choose_units(shared, int(mine[0]), FEW_UNITS, ())
                if units.tobytes() not in searched:
                    self._search_units(marks, units)
                searched.add(units.tobytes())

    def _search_units(self, marks: Marks, units: Ints, watched: Ints | None = None) -> None:
        """Search tables in which only some units change, for all their unsafe figures at once."""
        problem = Problem(self.cells, marks, units)
        n_before = np.inf
        for _ in range(MOST_ROUNDS if watched is None else 1):
            unsafe = self._list_unsafe(marks) if watched is None else watched
            unsafe = unsafe[np.isin(self.cells.owner[unsafe], units)]
            if not unsafe.size or not problem.free.size:
                return
            aim = self._choose_aim(unsafe) @ problem.cut(unsafe)
            for sign in (1.0, -1.0):
                self._add_table(problem, problem.solve(sign * aim, near=True))
            if watched is None and unsafe.size >= n_before:
                return
            n_before = unsafe.size

    def _choose_aim(self, unsafe: Ints) -> Floats:
        """Return which figures to raise (1), lower (-1) or leave: of each item one level."""
        aim = self.random.choice([-1.0, 1.0], unsafe.size)
        is_cell = unsafe >= self.n_hideable
        items = self.cells.figure[(unsafe - self.n_hideable)[is_cell]]
        order = self.random.permutation(items.size)
        aim[is_cell] = 0.0
        aim[np.flatnonzero(is_cell)[order[np.unique(items[order], return_index=True)[1]]]] = 1.0
        return aim

    def _search_alone(
        self, marks: Marks, shared: Floats, figure: int, reader: int
    ) -> Exposed | None:
        """Search tables for one figure in more and more units; return it if none is found."""
        without = () if reader == OUTSIDER else (reader,)
        n_searched = 0
        for n_units in (FEW_UNITS, MANY_UNITS):
            if self._is_safe(figure, reader):
                return None
            units = self._choose_units(shared, figure, n_units, without)
            if len(units) == n_searched < FEW_UNITS:
                break
            n_searched = len(units)
            problem = Problem(self.cells, marks, units)
            if not problem.free.size:
                continue
            aim = problem.cut(np.array([figure]))[0]
            for sign in (1.0, -1.0):
                self._add_table(problem, problem.solve(sign * aim))
        low, high = self._find_range(figure, reader)
        return None if self._is_safe(figure, reader) else Exposed(figure, reader, low, high)

    def _find_range(self, figure: int, reader: int) -> tuple[float, float]:
        """Return how far a figure falls and rises in tables that a reader cannot exclude."""
        if reader == OUTSIDER:
            return float(self.low[figure]), float(self.high[figure])
        one = np.array([figure])
        changes = [
            float(table.change_of(one)[0])
            for table in self._list_tables(figure)
            if not table.touches[reader]
        ]
        return min(changes, default=0.0), max(changes, default=0.0)

    def _is_safe(self, figure: int, reader: int) -> bool:
        low, high = self._find_range(figure, reader)
        return bool(high - low >= self.cells.width[figure] - TOLERANCE)

    def _list_tables(self, figure: int) -> Sequence[_Table]:
        """Return the tables in which a figure may change."""
        owner = self.cells.owner[figure]
        if owner != NO_UNIT:
            return self.tables_of_unit[owner]
        tables = {id(table): table for unit in self.tables_of_unit for table in unit}
        return [*tables.values()]

    def _add_table(self, problem: "Problem", change: Floats | None) -> None:
        """Keep a table that was found."""
        self.n_searches += 1
        if change is None or not change.any():
            return
        changes = problem.matrix @ change
        figures = np.flatnonzero(np.abs(changes) > TOLERANCE)
        units = np.unique(self.cells.unit[problem.free[np.abs(change) > TOLERANCE]])
        touches = np.isin(np.arange(len(self.settled)), units)
        self._keep(_Table(figures, changes[figures], touches))

    def _keep(self, table: _Table) -> None:
        """Note how far the figures of a table can change."""
        figures = table.figures
        self.low[figures] = np.minimum(self.low[figures], table.changes)
        self.high[figures] = np.maximum(self.high[figures], table.changes)
        for unit in np.flatnonzero(table.touches):
            self.tables_of_unit[unit].append(table)

    def _find_by_contributor(self, marks: Marks, shared: Floats) -> Iterator[Exposed]:
        """Yield hidden figures of too few people that a unit knows which subtracts its own forms.

        First tables are searched without all units that know too much, then without one of them.
        """
        watched = np.flatnonzero(marks & self.is_small & (self.cells.width > 0))
        owners = self.cells.owner[watched]
        for owner in np.setdiff1d(owners, [*self.cleared]):
            figures = watched[owners == owner]
            exposed = self._list_readers(figures)
            if exposed and owner != NO_UNIT:
                exposed = self._search_without(marks, shared, figures, exposed)
            for figure, reader in exposed:
                if found := self._search_alone(marks, shared, figure, reader):
                    yield found
            self.cleared.add(int(owner))

    def _search_without(
        self, marks: Marks, shared: Floats, figures: Ints, exposed: list[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Search tables without the units that know too much; return what they still know."""
        for is_last in (False, False, True):
            readers = {reader for _, reader in exposed}
            for without in [{reader} for reader in readers] if is_last else [readers]:
                units = self._choose_units(shared, int(figures[0]), FEW_UNITS, without)
                known = np.unique([figure for figure, reader in exposed if reader in without])
                self._search_units(marks, units, known)
            exposed = self._list_readers(figures)
            if not exposed:
                break
        return exposed

    def _list_readers(self, figures: Ints) -> list[tuple[int, int]]:
        """Return which figures of one unit which other units know too closely."""
        tables = self._list_tables(int(figures[0]))
        if not tables:
            return []
        owner = self.cells.owner[figures[0]]
        changes = np.array([table.change_of(figures) for table in tables])
        touches = np.array([table.touches for table in tables])
        pairs = []
        for reader in np.setdiff1d(np.flatnonzero(touches.any(axis=0)), owner):
            possible = np.vstack([changes[~touches[:, reader]], np.zeros(len(figures))])
            span = possible.max(axis=0) - possible.min(axis=0)
            is_close = span < self.cells.width[figures] - TOLERANCE
            pairs += [(int(figure), int(reader)) for figure in figures[is_close]]
        if owner == NO_UNIT:  # a unit of a small group contributes to its figures
            known = {figure: {*self.cells.unit[self._row(figure).indices]} for figure, _ in pairs}
            pairs = [(figure, reader) for figure, reader in pairs if reader not in known[figure]]
        return pairs

    def _row(self, figure: int) -> sparse.csr_array:
        return self.cells.matrix[[figure]]

    def hide_further(self, hidden: Marks, exposed: Exposed) -> Marks:
        """Return ``hidden`` with the cheapest further figures that free an exposed one.

        A table is searched in which the exposed figure lies far enough away and shown figures
        change least, by cost; those that change are hidden. An item whose answers change is hidden.
        """
        cells, marks = self.cells, self.cells.hide_parts(hidden)
        near = self._choose_near(marks, exposed)
        self.settled[near] = False
        problem = Problem(cells, marks, near, is_open=True)
        more = hidden.copy()
        gap = self.cells.width[exposed.figure] - (exposed.high - exposed.low)
        aims = exposed.high + gap, exposed.low - gap
        choices = [problem.find_cheapest(exposed.figure, aim) for aim in aims]
        more[min(choices, key=lambda choice: choice[0])[1]] = True
        if (more == hidden).all():  # hide the cheapest figure, if possible of the same cells
            of_figure = np.abs(self._row(exposed.figure).toarray()[0])
            n_rows = cells.n_rows
            is_near = ~hidden[:n_rows] & (np.abs(cells.matrix[:n_rows]) @ of_figure > 0)
            shown = (is_near if is_near.any() else ~hidden[:n_rows]).nonzero()[0]
            more[shown[cells.cost[shown].argmin()]] = True
        return more

    def _choose_near(self, marks: Marks, exposed: Exposed) -> Ints:
        """Return units that may help to free a figure: with hidden cells, and the smallest."""
        without = () if exposed.reader == OUTSIDER else (exposed.reader,)
        shared = self._weigh_neighbours(marks)
        units = self._choose_units(shared, exposed.figure, FEW_UNITS, without)
        owner = self.cells.owner[exposed.figure]
        inside = np.unique(self.cells.unit[self._row(exposed.figure).indices])
        group = self.cells.group[owner if owner != NO_UNIT else inside[0]]
        others = np.flatnonzero(self.cells.group == group)
        people = np.add.reduceat(self.cells.fall, [part[0] for part in self.cells.cells_of_unit])
        others = others[np.argsort(people[others], kind="stable")]
        others = others[~np.isin(others, [*units, *without])][:4]
        return np.union1d(units, others)
