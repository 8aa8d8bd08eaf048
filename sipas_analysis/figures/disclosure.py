"""Find hidden figures that the shown ones bound too closely, and what else to hide (rules P4, P5).

A reader knows how every figure is made of cells (``disclosure_cells``). A hidden figure is safe if
two tables of cells agree with everything shown and differ in this figure by ``min_cell`` people, or
by all that the figure could be. Integer programs search for such tables in a few units at a time:
what agrees with everything shown while all other units stay as they are agrees with it altogether.

Most figures need no program: how far they move by exchanges of people between cells that are alike
(``disclosure_exchanges``), for all readers at once, or person by person (``disclosure_walks``), is
looked at first. All of these are certificates: tables that a reader cannot tell from the true one,
and that stay so while more is hidden. One is kept for all figures that change in it (``Tables``).
"""

from collections.abc import Callable, Collection, Iterator
from copy import copy

import numpy as np

from sipas_analysis.figures.disclosure_cells import NO_UNIT, TOLERANCE, Cells, Marks
from sipas_analysis.figures.disclosure_exchanges import SIGNS, Exchanges, Reach
from sipas_analysis.figures.disclosure_hiding import Exposed, choose_further, price_units
from sipas_analysis.figures.disclosure_programs import Problem
from sipas_analysis.figures.disclosure_tables import OUTSIDER, Tables
from sipas_analysis.figures.disclosure_walks import Walk
from sipas_analysis.infer.design import Floats, Ints

FEW_UNITS, MANY_UNITS = 6, 20  # whose cells a search may change
MOST_ROUNDS = 6  # searches for many figures of a few units at once


class Audit:
    """A search for tables of cells that agree with all shown figures.

    The search is for an outsider, then for each unit, which knows its own forms. The outsider must
    not come close to any hidden figure; a unit must not come close to a figure of too few people
    that it does not contribute to. Tables that were found stay good while more is hidden.
    """

    def __init__(self, cells: Cells, is_small: Marks, *, hides_units: bool = False) -> None:
        self.cells, self.hides_units = cells, hides_units
        self.n_hideable = len(cells.cost)
        no_answers = np.zeros(len(cells.answer_item), dtype=bool)
        self.is_small = cells.hide_parts(np.append(is_small, no_answers))
        self.tables = Tables(cells)
        # of levels none moves alone: they add up to those who answered
        self.exchanges = None if len(cells.answer_item) else Exchanges(cells)
        self.settled = np.zeros(len(cells.group), dtype=bool)  # searched around this unit
        self.cleared = set[int]()  # owners of figures that no contributor knows too closely
        self.random = np.random.default_rng(0)
        self.n_searches = 0

    def find_exposed(self, hidden: Marks) -> Exposed | None:
        """Return a hidden figure that a reader knows too closely, if there is any."""
        self._look_at(hidden)
        return next(self._find_each(), None)

    def hide_exposed(self, hidden: Marks, complete: Callable[[Marks], Marks]) -> Marks:
        """Return ``hidden`` with further figures until no reader knows any too closely.

        Args:
            hidden: The figures that are hidden, shape (R + P,).
            complete: Returns hidden figures with those that must be hidden with them.
        """
        while True:
            self._look_at(hidden)
            n_hidden = hidden.sum()
            for exposed in self._find_each():
                hidden = complete(self.hide_further(hidden, exposed))
                self._look_at(hidden)
            if hidden.sum() == n_hidden:
                return hidden

    def _look_at(self, hidden: Marks) -> None:
        """Search for these hidden figures from now on."""
        self.marks = self.cells.hide_parts(hidden)
        self.shared = self._weigh_neighbours(self.marks)
        self.reach = Reach(self.exchanges, self.marks) if self.exchanges else None

    def _find_each(self) -> Iterator[Exposed]:
        """Yield hidden figures that a reader knows too closely; more may be hidden meanwhile."""
        if self.exchanges is None:
            self._search_jointly()
        self._exchange(self._list_unsafe())
        unsafe = self._list_unsafe()
        for figure in unsafe[np.argsort(~self.is_small[unsafe], kind="stable")]:
            while exposed := self._search_alone(int(figure), OUTSIDER):
                yield exposed
        yield from self._find_by_contributor()

    def _exchange(self, figures: Ints) -> None:
        """Note how far figures of units move by exchanges."""
        if self.reach is not None:
            for figure in figures[self.cells.owner[figures] != NO_UNIT].tolist():
                self.tables.widen(figure, self.reach.find_ranges(figure))

    def _walk(self, figure: int, without: Collection[int]) -> None:
        """Add tables in which a figure falls and rises person by person, without some units."""
        if self.reach is None or self.cells.owner[figure] == NO_UNIT:
            return
        left = float(self.cells.width[figure])
        for sign in SIGNS:
            walk = Walk(self.reach, figure, without)
            moved = walk.go(sign, left)
            if moved:
                change = walk.change.ravel()
                self.tables.add(self.cells.matrix @ change, np.flatnonzero(change))
            left -= moved

    def forget(self, hidden: Marks) -> "Audit":
        """Return a search of which fewer figures are hidden: without tables that change others."""
        is_shown = ~self.cells.hide_parts(hidden)
        audit = copy(self)
        audit.n_searches = 0
        audit.tables = Tables(self.cells)
        audit.settled = self.settled.copy()
        # exchanges are no tables: what rests on them is looked at again
        audit.cleared = self.cleared - {NO_UNIT} if self.exchanges is None else set()
        for table in self.tables:
            if is_shown[table.figures].any():
                audit.settled[table.touches] = False
                audit.cleared -= {*np.flatnonzero(table.touches).tolist()}
            else:
                audit.tables.keep(table)
        return audit

    def count_unsafe(self, hidden: Marks) -> int:
        """Return how many hidden figures of too few people no joint search proves safe."""
        self._look_at(hidden)
        self._exchange(self._list_unsafe())
        self._search_jointly()
        unsafe = self._list_unsafe()
        return int((unsafe < self.cells.n_rows).sum())

    def _list_unsafe(self) -> Ints:
        """Return the hidden figures that the tables so far leave too close, for an outsider."""
        return np.flatnonzero(self.marks & self.tables.mark_close())

    def _weigh_neighbours(self, marks: Marks) -> Floats:
        """Return how many people two units can exchange in hidden cells, shape (U, U)."""
        cells, n_units = self.cells, len(self.cells.cells_of_unit)
        is_free = marks[-cells.unit.size :].reshape(n_units, -1).astype(float)
        people = np.minimum(cells.fall + cells.rise, 10.0).reshape(n_units, -1)
        shared = is_free @ (is_free * people).T
        return np.asarray(shared * np.where(cells.group[:, None] == cells.group, 1.0, 0.01))

    def _choose_units(self, figure: int, n_units: int, without: Collection[int]) -> Ints:
        """Return units of a figure and those that can exchange most people with them."""
        cells, shared, owner = self.cells, self.shared, self.cells.owner[figure]
        if owner == NO_UNIT:
            weights = np.zeros(len(shared))
            weights[cells.unit[cells.list_terms(figure)[0]]] = 1.0
            weights *= shared.diagonal()
        else:
            weights = shared[owner].copy()
        weights *= 0.5 + 0.5 * self.random.random(len(weights))
        weights[owner if owner != NO_UNIT else []] = np.inf
        weights[[*without]] = 0.0
        units = np.argsort(-weights, kind="stable")[:n_units]
        return np.sort(units[weights[units] > 0])

    def _search_jointly(self) -> None:
        """Search tables around each unit for all its figures, and those of its neighbours."""
        order = np.argsort(-self.shared.diagonal(), kind="stable")
        searched = set[bytes]()
        for unit in order[~self.settled[order]]:
            self.settled[unit] = True
            unsafe = self._list_unsafe()
            mine = unsafe[self.cells.owner[unsafe] == unit]
            if mine.size:
                units = self._choose_units(int(mine[0]), FEW_UNITS, ())
                if units.tobytes() not in searched:
                    self._search_units(units)
                searched.add(units.tobytes())

    def _search_units(self, units: Ints, watched: Ints | None = None) -> None:
        """Search tables in which only some units change, for all their unsafe figures at once."""
        problem = Problem(self.cells, self.marks, units)
        n_before = np.inf
        for _ in range(MOST_ROUNDS if watched is None else 1):
            unsafe = self._list_unsafe() if watched is None else watched
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

    def _search_alone(self, figure: int, reader: int) -> Exposed | None:
        """Search tables for one figure in more and more units; return it if none is found."""
        without = () if reader == OUTSIDER else (reader,)
        if not self.tables.is_safe(figure, reader):
            self._walk(figure, without)
        n_searched, ends = 0, (0.0, 0.0)
        for n_units in (FEW_UNITS, MANY_UNITS):
            if self.tables.is_safe(figure, reader):
                return None
            units = self._choose_units(figure, n_units, without)
            if len(units) == n_searched < FEW_UNITS:
                break
            n_searched = len(units)
            problem = Problem(self.cells, self.marks, units)
            if problem.free.size:
                ends = self._search_ends(problem, figure, reader)
        if self.tables.is_safe(figure, reader):
            return None
        if ends[1] - ends[0] >= self.cells.width[figure] - TOLERANCE:  # of numbers not whole
            ends = self.tables.find_range(figure, reader)
        return Exposed(figure, reader, *ends)

    def _search_ends(self, problem: Problem, figure: int, reader: int) -> tuple[float, float]:
        """Search tables in which a figure is lowest and highest; return bounds of both.

        Other figures of the unit move with it where they may. Whole numbers are searched for only
        if numbers that need not be whole leave it enough room.
        """
        aim = problem.cut(np.array([figure]))[0]
        aside = aim + self._choose_beside(figure, reader) @ problem.matrix
        ends, broken = [], []
        for sign in (1.0, -1.0):
            change, is_whole = problem.relax(sign * aside)
            ends.append(0.0 if change is None else float(aim @ change))
            if is_whole:
                self._add_table(problem, change)
            elif change is not None:
                broken.append((sign, change))
            if self.tables.is_safe(figure, reader):
                return 0.0, 0.0
        if ends[0] - ends[1] >= self.cells.width[figure] - TOLERANCE:
            for sign, change in broken:
                for whole in problem.round_content(sign * aside, change):
                    self._add_table(problem, whole)
                    if self.tables.is_safe(figure, reader):
                        return 0.0, 0.0
        return ends[1], ends[0]

    def _choose_beside(self, figure: int, reader: int) -> Floats:
        """Return which other figures of the same unit to raise or lower, all by less than one."""
        figures = self.cells.figures_of_owner[int(self.cells.owner[figure])]
        is_open = self.tables.mark_close() if reader == OUTSIDER else self.is_small
        figures = figures[self.marks[figures] & is_open[figures]]
        beside = np.zeros(len(self.marks))
        beside[figures] = self.random.choice([-1.0, 1.0], figures.size)
        return np.asarray(beside * (0.4 / max(1.0, 2.0 * self.cells.width[figures].sum())))

    def _add_table(self, problem: "Problem", change: Floats | None) -> None:
        """Keep a table that was found."""
        self.n_searches += 1
        if change is None or not change.any():
            return
        self.tables.add(problem.matrix @ change, problem.free[np.abs(change) > TOLERANCE])

    def _find_by_contributor(self) -> Iterator[Exposed]:
        """Yield hidden figures of too few people that a unit knows which subtracts its own forms.

        First tables are searched without all units that know too much, then without one of them.
        """
        watched = np.flatnonzero(self.marks & self.is_small & (self.cells.width > 0))
        owners = self.cells.owner[watched]
        for owner in np.setdiff1d(owners, [*self.cleared]):
            figures, is_known = watched[owners == owner], False
            exposed = self._walk_without(figures)
            if exposed and owner != NO_UNIT and self.exchanges is None:
                exposed = self._search_without(figures, exposed)
            for figure, reader in exposed:
                while known := self._search_alone(figure, reader):
                    is_known = True
                    yield known
            if not is_known:
                self.cleared.add(int(owner))

    def _walk_without(self, figures: Ints) -> list[tuple[int, int]]:
        """Return which figures of a unit other units know too closely, after walks without these.

        What two walks give that have no partner in common is unknown to each of the partners.
        """
        exposed = self.tables.list_readers(figures)
        if exposed:
            self._exchange(np.unique([figure for figure, _ in exposed]))
            exposed = self.tables.list_readers(figures)
        for figure in dict.fromkeys(figure for figure, _ in exposed):
            self._walk(figure, [reader for other, reader in exposed if other == figure])
        return self.tables.list_readers(figures) if exposed else []

    def _search_without(
        self, figures: Ints, exposed: list[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Search tables without the units that know too much; return what they still know.

        First without all of them, then without every second one.
        """
        for at in range(MOST_ROUNDS):
            readers = self.random.permutation(np.unique([reader for _, reader in exposed]))
            for without in [readers] if at < 2 else [readers[::2], readers[1::2]]:
                known = np.unique([figure for figure, reader in exposed if reader in without])
                if known.size:
                    units = self._choose_units(int(figures[0]), FEW_UNITS, without)
                    self._search_units(units, known)
            exposed = self.tables.list_readers(figures)
            if not exposed:
                break
        return exposed

    def hide_further(self, hidden: Marks, exposed: Exposed) -> Marks:
        """Return ``hidden`` with the cheapest further figures that free an exposed one.

        An item whose answers change is hidden.
        """
        near = self._choose_near(exposed)
        self.settled[near] = False
        problem = Problem(self.cells, self.cells.hide_parts(hidden), near, is_open=True)
        further, change = choose_further(
            self.cells, hidden, exposed, problem, hides_units=self.hides_units
        )
        more = hidden.copy()
        more[further] = True
        self._add_hiding(problem, change, more)
        return more

    def _add_hiding(self, problem: Problem, change: Floats, hidden: Marks) -> None:
        """Keep the table for which figures were hidden, if it agrees with all that are shown."""
        if not self.cells.is_whole or np.abs(change - change.round()).max(initial=0.0) < TOLERANCE:
            moved = np.abs(problem.matrix @ change) > TOLERANCE
            if not (moved & ~self.cells.hide_parts(hidden)).any():
                self._add_table(problem, change.round() if self.cells.is_whole else change)

    def _choose_near(self, exposed: Exposed) -> Ints:
        """Return units that may help to free a figure: with hidden cells, and cheap ones."""
        without = () if exposed.reader == OUTSIDER else (exposed.reader,)
        units = self._choose_units(exposed.figure, FEW_UNITS, without)
        owner = self.cells.owner[exposed.figure]
        inside = np.unique(self.cells.unit[self.cells.list_terms(exposed.figure)[0]])
        group = self.cells.group[owner if owner != NO_UNIT else inside[0]]
        others = np.flatnonzero(self.cells.group == group)
        others = others[np.argsort(price_units(self.cells, exposed.figure)[others], kind="stable")]
        others = others[~np.isin(others, [*units, *without])][:4]
        return np.union1d(units, others)
