"""The linear and integer programs of the disclosure audit: cells of some units that may change.

A solution is a change of the cells that leaves everything shown as it is (rules P4 and P5).
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from sipas_analysis.figures.disclosure_cells import TOLERANCE, Cells, Marks
from sipas_analysis.infer.design import Floats, Ints

MOST_NODES = 200  # of a search; a figure that is not settled by then counts as exposed
MOST_WEIGHTINGS = 4  # of what changes little: in the end few figures change, not each a little
Rows = Sequence[tuple[sparse.sparray, float | Floats, float | Floats]]


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
        links = sparse.csr_array(cells.links_of_cell[:, self.free])
        used = np.flatnonzero(np.diff(links.indptr))
        self.links, self.room = links[used], cells.room[used]
        is_row = np.diff(self.matrix.indptr[: len(cells.cost) + 1]) > 0
        self.rows = np.flatnonzero(is_row & ~marks[: len(cells.cost)])
        self.ends = -cells.fall[self.free], cells.rise[self.free]

    def cut(self, figures: Ints) -> Floats:
        """Return some figures over the cells."""
        return np.asarray(self.matrix[figures].toarray())

    def solve(self, aim: Floats, *, near: bool = False) -> Floats | None:
        """Return the change of the cells in which ``aim`` is highest, if one is found.

        With ``near`` no cell moves further than it must, so that many of them move.
        """
        width = self.cells.width[-self.cells.unit.size :][self.free]
        far = np.where(width > 0, width, np.inf) if near else np.full(aim.size, np.inf)
        ends = np.maximum(self.ends[0], -far), np.minimum(self.ends[1], far)
        known: Rows = [
            (self.matrix[self.rows], 0.0, 0.0),
            (self.links, self.room[:, 0], self.room[:, 1]),
        ]
        change = _solve(-aim, ends, known)
        is_whole = self.cells.is_whole
        if change is not None and is_whole and np.abs(change - change.round()).max() > TOLERANCE:
            change = _solve(-aim, ends, known, is_whole=True)
        return change.round() if change is not None and is_whole else change

    def find_cheapest(self, figure: int, aim: float) -> tuple[float, Ints]:
        """Return the least cost for which a figure can change by ``aim``, and what to hide.

        The cost is infinite where the figure cannot change so much.
        """
        cells, n_free = self.cells, self.free.size
        is_alone = np.isin(self.rows, cells.figure[self.free])  # cells stand for them
        rows = self.rows[~is_alone]
        fixed = np.flatnonzero(~self.marks[-cells.unit.size :][self.free])
        of_cells = sparse.eye_array(n_free, format="csr")[fixed]
        shown = sparse.vstack([self.matrix[rows], of_cells])
        cost = np.append(cells.cost[rows], cells.cost[cells.figure[self.free[fixed]]] / 2)
        sizes = sparse.eye_array(cost.size)
        ends = (
            np.append(self.ends[0], np.zeros(cost.size)),
            np.append(self.ends[1], np.full(cost.size, np.inf)),
        )
        known: Rows = [
            (sparse.hstack([shown, -sizes]), -np.inf, 0.0),
            (sparse.hstack([shown, sizes]), 0.0, np.inf),
            (_widen(self.links, cost.size), self.room[:, 0], self.room[:, 1]),
            (_widen(self.matrix[[figure]], cost.size), aim, aim),
        ]
        names = np.append(rows, cells.figure[self.free[fixed]])
        best, weight = (np.inf, np.zeros(0, dtype=np.int64)), cost
        for _ in range(MOST_WEIGHTINGS):
            change = _solve(np.append(np.zeros(n_free), weight), ends, known)
            if change is None:
                break
            moves = np.abs(shown @ change[:n_free])
            hidden = np.unique(names[moves > TOLERANCE])
            best = min(best, (float(cells.cost[hidden].sum()), hidden), key=lambda pair: pair[0])
            weight = cost / (moves + 0.1)
        return best


def _widen(matrix: sparse.sparray, n_columns: int) -> sparse.sparray:
    """Return a matrix with empty columns on its right."""
    return sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], n_columns))])


def _solve(
    cost: Floats, ends: tuple[Floats, Floats], rows: Rows, *, is_whole: bool = False
) -> Floats | None:
    """Return values of lowest cost between their ends that keep all rows, if found."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    found = milp(
        cost,
        integrality=np.full(cost.size, int(is_whole)),
        bounds=Bounds(*ends),
        constraints=[
            LinearConstraint(matrix, lowest, most)
            for matrix, lowest, most in rows
            if matrix.shape[0]
        ],
        options={"node_limit": MOST_NODES},
    )
    return None if found.x is None else np.asarray(found.x)
