"""The linear and integer programs of the disclosure audit: cells of some units that may change.

A solution is a change of the cells that leaves everything shown as it is (rules P4 and P5).
"""

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
        rise, fall = links.maximum(0), links.minimum(0)
        high = rise @ self.ends[1] + fall @ self.ends[0]
        low = rise @ self.ends[0] + fall @ self.ends[1]
        is_limit = (high > room[:, 1] + TOLERANCE) | (low < room[:, 0] - TOLERANCE)
        used = np.flatnonzero((n_cells > 1) & is_limit)
        return links[used], room[used]

    def cut(self, figures: Ints) -> Floats:
        """Return some figures over the cells."""
        return np.asarray(self.matrix[figures].toarray())

    def solve(self, aim: Floats, *, near: bool = False) -> Floats | None:
        """Return the change of the cells in which ``aim`` is highest, if one is found.

        With ``near`` no cell moves further than it must, so that many of them move.
        """
        change, is_whole = self.relax(aim, near=near)
        return change if is_whole else self.make_whole(aim, near=near)

    def relax(self, aim: Floats, *, near: bool = False) -> tuple[Floats | None, bool]:
        """Return the change in which ``aim`` is highest, and whether it is whole if it must be."""
        change = _solve(-aim, self._find_ends(near=near), self._known)
        if change is None or not self.cells.is_whole:
            return change, change is not None
        whole = change.round()
        is_whole = bool(np.abs(change - whole).max(initial=0.0) <= TOLERANCE)
        return (whole if is_whole else change), is_whole

    def make_whole(self, aim: Floats, *, near: bool = False) -> Floats | None:
        """Return the whole change in which ``aim`` is highest, if one is found."""
        change = _solve(-aim, self._find_ends(near=near), self._known, is_whole=True)
        return None if change is None else change.round()

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

    def find_cheapest(self, figure: int, aim: float) -> tuple[float, Ints, Floats]:
        """Return the least cost for which a figure can change by ``aim``, and what to hide.

        Beside them the change of the cells.

        The cost is infinite where the figure cannot change so much.
        """
        cells, n_free = self.cells, self.free.size
        is_alone = np.isin(self.rows, cells.figure[self.free])  # cells stand for them
        rows = self.rows[~is_alone]
        fixed = np.flatnonzero(~self.marks[-cells.unit.size :][self.free])
        of_cells = sparse.eye_array(n_free, format="csr")[fixed]
        shown = sparse.vstack([self.matrix[rows], of_cells])
        cost = np.append(cells.cost[rows], cells.cost[cells.figure[self.free[fixed]]] / 2)
        sizes, none = sparse.eye_array(cost.size), np.zeros(cost.size)  # of rises and of falls
        ends = (
            np.concatenate([self.ends[0], none, none]),
            np.concatenate([self.ends[1], none + np.inf, none + np.inf]),
        )
        moved, alone = [shown, -sizes, sizes], [self.matrix[[figure]], None, None]
        known: Rows = (
            sparse.csc_array(sparse.block_array([moved, [self.links, None, None], alone])),
            np.concatenate([none, self.room[:, 0], [aim]]),
            np.concatenate([none, self.room[:, 1], [aim]]),
        )
        names = np.append(rows, cells.figure[self.free[fixed]])
        best, weight = (np.inf, np.zeros(0, dtype=np.int64), np.zeros(n_free)), cost
        for _ in range(MOST_WEIGHTINGS):
            solution = _solve(np.concatenate([np.zeros(n_free), weight, weight]), ends, known)
            if solution is None:
                break
            change = solution[:n_free]
            moves = np.abs(shown @ change)
            hidden = np.unique(names[moves > TOLERANCE])
            choice = float(cells.cost[hidden].sum()), hidden, change
            best = min(best, choice, key=lambda choice: choice[0])
            weight = cost / (moves + 0.1)
        return best


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
