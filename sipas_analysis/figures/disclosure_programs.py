"""The linear and integer programs of the disclosure audit: cells of some units that may change.

A solution is a change of the cells that leaves everything shown as it is (rules P4 and P5).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from scipy import sparse

from sipas_analysis.figures.disclosure_cells import TOLERANCE, Cells, Marks
from sipas_analysis.infer.design import Floats, Ints

MOST_NODES = 200  # of a search; a figure that is not settled by then counts as exposed
MOST_WEIGHTINGS = 4  # of what changes little: in the end few figures change, not each a little
Rows = tuple[sparse.csc_array, Floats, Floats]  # what lies between two ends


class Problem:
    """The cells of some units that may change, and what a reader knows of them.

    Attributes:
        free: The cells: the hidden ones, or all of them (``is_open``).
        matrix: All figures over these cells.
    """

    def __init__(self, cells: Cells, marks: Marks, units: Ints, *, is_open: bool = False) -> None:
        inside = [cells.cells_of_unit[unit] for unit in units]
        free = np.concatenate(inside) if inside else np.zeros(0, dtype=np.int64)
        is_hidden = marks[-cells.unit.size :]
        self.cells, self.marks = cells, marks
        self.free = free if is_open else free[is_hidden[free]]
        self.matrix = sparse.csr_array(cells.figures_of_cell[:, self.free])
        self.ends = -cells.fall[self.free], cells.rise[self.free]
        self.links, self.room = self._limit_cells()
        is_row = np.diff(self.matrix.indptr[: len(cells.cost) + 1]) > 0
        self.rows = np.flatnonzero(is_row & ~marks[: len(cells.cost)])

    def _limit_cells(self) -> tuple[sparse.csr_array, Floats]:
        """Return the links that can matter; those of one cell become an end of that cell."""
        links = sparse.csr_array(self.cells.links_of_cell[:, self.free])
        n_cells, room = np.diff(links.indptr), self.cells.room
        at = np.flatnonzero(n_cells == 1)
        value, cell = links.data[links.indptr[at]], links.indices[links.indptr[at]]
        ends = np.sort(room[at] / value[:, None], axis=1).T
        np.maximum.at(self.ends[0], cell, ends[0])
        np.minimum.at(self.ends[1], cell, ends[1])
        moves = np.sort([links.data * end[links.indices] for end in self.ends], axis=0)
        of_link = np.repeat(np.arange(len(n_cells)), n_cells)
        low, high = (np.bincount(of_link, move, minlength=len(n_cells)) for move in moves)
        is_limit = (high > room[:, 1] + TOLERANCE) | (low < room[:, 0] - TOLERANCE)
        used = np.flatnonzero((n_cells > 1) & is_limit)
        return links[used], room[used]

    def cut(self, figures: Ints) -> Floats:
        """Return some figures over the cells."""
        return np.asarray(self.matrix[figures].toarray())

    def solve(self, aim: Floats, *, near: bool = False) -> Floats | None:
        """Return a change of the cells in which ``aim`` is high, if one is found.

        With ``near`` no cell moves further than it must, so that many of them move.
        """
        change, is_whole = self.relax(aim, near=near)
        if change is None or is_whole:
            return change
        return next(self.round_content(aim, change, near=near), None)

    def round_content(self, aim: Floats, change: Floats, *, near: bool = False) -> Iterator[Floats]:
        """Yield whole changes in which ``aim`` is high, after one that is not whole.

        Those satisfied with all items (rule M4) change by whole numbers: as in ``change``, cut off,
        then not at all. With the levels merged the rest is a table with two margins, whose best
        change is whole then: no integer program is needed. It is the last resort.
        """
        low, high = self._find_ends(near=near)
        is_content = self.cells.is_content[self.free]
        for content in (np.trunc(change), np.zeros_like(change)):
            ends = np.where(is_content, content, low), np.where(is_content, content, high)
            found = _solve(-aim, ends, self._known)
            if found is not None and np.abs(found - found.round()).max(initial=0.0) <= TOLERANCE:
                yield found.round()
        found = _solve(-aim, (low, high), self._known, is_whole=True)
        if found is not None:
            yield found.round()

    def relax(self, aim: Floats, *, near: bool = False) -> tuple[Floats | None, bool]:
        """Return the change in which ``aim`` is highest, and whether it is whole if it must be."""
        change = _solve(-aim, self._find_ends(near=near), self._known)
        if change is None or not self.cells.is_whole:
            return change, change is not None
        whole = change.round()
        is_whole = bool(np.abs(change - whole).max(initial=0.0) <= TOLERANCE)
        return (whole if is_whole else change), is_whole

    def _find_ends(self, *, near: bool) -> tuple[Floats, Floats]:
        """Return how far each cell falls and rises, with ``near`` no further than it must."""
        if not near:
            return self.ends
        width = self.cells.width[-self.cells.unit.size :][self.free]
        far = np.where(width > 0, width, np.inf)
        return np.maximum(self.ends[0], -far), np.minimum(self.ends[1], far)

    @cached_property
    def _known(self) -> Rows:
        """What is shown of these cells, and what is known of them besides."""
        shown = self.matrix[self.rows]
        sums = shown @ np.random.default_rng(0).random(self.free.size)  # of a group and the whole
        shown = shown[np.sort(np.unique(sums.round(9), return_index=True)[1])]
        matrix = sparse.csc_array(sparse.vstack([shown, self.links]))
        zeros = np.zeros(shown.shape[0])
        return matrix, np.append(zeros, self.room[:, 0]), np.append(zeros, self.room[:, 1])

    def find_cheapest(self, figure: int, aims: Sequence[float]) -> tuple[float, Ints, Floats]:
        """Return the least cost for which a figure can change by one of ``aims``, and what to hide.

        Beside them the change of the cells. The cost is infinite where it cannot change so much.
        """
        cells, n_free = self.cells, self.free.size
        is_alone = np.isin(self.rows, cells.figure[self.free])  # cells stand for them
        rows = self.rows[~is_alone]
        fixed = np.flatnonzero(~self.marks[-cells.unit.size :][self.free])
        of_cells = sparse.eye_array(n_free, format="csr")[fixed]
        shown = sparse.csr_array(sparse.vstack([self.matrix[rows], of_cells]))
        names = np.append(rows, cells.figure[self.free[fixed]])
        cost = np.append(cells.cost[rows], cells.cost[cells.figure[self.free[fixed]]] / 2)
        sizes, none = sparse.eye_array(cost.size), np.zeros(cost.size)  # of rises and of falls
        ends = (
            np.concatenate([self.ends[0], none, none]),
            np.concatenate([self.ends[1], none + np.inf, none + np.inf]),
        )
        moved, alone = [shown, -sizes, sizes], [self.matrix[[figure]], None, None]
        matrix = sparse.csc_array(sparse.block_array([moved, [self.links, None, None], alone]))
        best = (np.inf, np.zeros(0, dtype=np.int64), np.zeros(n_free))
        low, high = self._bound(figure)
        for aim in [aim for aim in aims if low - TOLERANCE <= aim <= high + TOLERANCE]:
            sides = (np.concatenate([none, self.room[:, side], [aim]]) for side in (0, 1))
            for choice in self._weigh_again((cost, names, shown), ends, (matrix, *sides)):
                best = min(best, choice, key=lambda choice: choice[0])
        return best

    def _bound(self, figure: int) -> tuple[float, float]:
        """Return between which ends a figure moves if nothing but the ends of cells is known."""
        row = self.cut(np.array([figure]))[0]
        ends = np.sort([row * self.ends[0], row * self.ends[1]], axis=0).sum(axis=1)
        return float(ends[0]), float(ends[1])

    def _weigh_again(
        self,
        figures: tuple[Floats, Ints, sparse.csr_array],
        ends: tuple[Floats, Floats],
        known: Rows,
    ) -> Iterator[tuple[float, Ints, Floats]]:
        """Yield cheap choices of what to hide: each time what changed little costs more."""
        cost, names, shown = figures
        weight, before, n_free = cost, None, self.free.size
        for _ in range(MOST_WEIGHTINGS):
            solution = _solve(np.concatenate([np.zeros(n_free), weight, weight]), ends, known)
            if solution is None:
                return
            moves = np.abs(shown @ solution[:n_free])
            hidden = np.unique(names[moves > TOLERANCE])
            if before is not None and np.array_equal(hidden, before):
                return
            yield float(self.cells.cost[hidden].sum()), hidden, solution[:n_free]
            weight, before = cost / (moves + 0.1), hidden


def _solve(
    cost: Floats, ends: tuple[Floats, Floats], rows: Rows, *, is_whole: bool = False
) -> Floats | None:
    """Return values of lowest cost between their ends that keep all rows, if found."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    found = milp(
        cost,
        integrality=np.full(cost.size, int(is_whole)),
        bounds=Bounds(*ends),
        constraints=LinearConstraint(*rows) if rows[0].shape[0] else None,
        options={"node_limit": MOST_NODES, "presolve": is_whole},  # else it costs most
    )
    return None if found.x is None else np.asarray(found.x)
