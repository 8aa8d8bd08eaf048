"""Hide further rows of counts until no hidden one follows from all that is shown (rules P2, P4).

Rows of several domains stand side by side: units, the fields of dossiers, groups and the whole. A
cell is what they have in common, such as the dossiers of one field of one unit. Which cells there
are is taken as known, how many dossiers each has is not. A row that is shown gives a sum of cells,
and a linear program bounds every hidden row.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.records.small_cells import Marks

N_AIMS = 4  # random sums of all hidden numbers, whose ranges show most of them as unknown
NEAR = 1e-6
LATER = 1e12  # place in the order of rows of many, hidden after all others


@dataclass(frozen=True, eq=False)
class Sums:
    """Rows of counts, each the sum of its cells.

    Attributes:
        rows: Which cells a row adds up, shape (R, C).
        counts: Numbers of each cell, shape (C, S): of dossiers early, on time, late, …
        order: Which row is hidden first, the smallest number, shape (R,); below 0 never, from
            ``LATER`` on rows of many: the whole of others.
        has_bases: Whether the sum over S of every row is shown, also of a hidden one.
        fewest: Least width of the range of a hidden number; that of all its row, if smaller.
    """

    rows: Marks
    counts: Ints
    order: Floats
    has_bases: bool = False
    fewest: int = 1

    def extend_hiding(self, hidden: Marks) -> Marks:
        """Return the hidden rows with those that must be hidden, too, so that none is known.

        A number is known if its range is narrower than ``fewest``, or than the sum of its row.
        While one is, the first row in the order is hidden among those that its bounds rest on.

        Args:
            hidden: Rows that are hidden, shape (R,).
        """
        hidden = hidden.copy()
        while hidden.any():
            candidates = np.flatnonzero(self._find_exposing(hidden))
            if not len(candidates):
                return hidden
            hidden[candidates[np.argmin(self.order[candidates])]] = True
        return hidden

    def _find_exposing(self, hidden: Marks) -> Marks:
        """Return the rows of which one must be hidden, as a hidden number follows from them."""
        n_parts = self.counts.shape[1]
        each, one = sparse.identity(n_parts, format="csr"), np.ones((1, n_parts))
        of_shown, of_hidden = (
            sparse.csr_array(self.rows[marks].astype(float)) for marks in (~hidden, hidden)
        )
        equal = sparse.kron(of_shown, each, "csr")
        aims = sparse.kron(of_hidden, each, "csr")
        sums = sparse.kron(of_hidden, one, "csr")  # of all parts: shown, or as hidden as they are
        if self.has_bases:
            equal = sparse.vstack([equal, sums], "csr")
        else:
            aims = sparse.vstack([aims, sums], "csr")
        truth = self.counts.ravel().astype(float)
        rest, width = self._mark_open(hidden), self._find_width(hidden)
        number = np.repeat(np.flatnonzero(~hidden), n_parts)
        low = high = aims @ truth
        rng = np.random.default_rng(0)
        for aim in range(N_AIMS + int(rest.sum())):
            left = np.flatnonzero(rest)
            if not len(left):
                break
            weights = np.zeros(len(rest))
            is_last = aim >= N_AIMS
            weights[left[:1] if is_last else left] = 1 if is_last else rng.normal(size=len(left))
            multipliers = np.zeros(len(number))
            for sign in (1, -1):
                table, prices = _find_table(sign * (aims.T @ weights), equal, equal @ truth)
                low, high = np.minimum(low, aims @ table), np.maximum(high, aims @ table)
                rest &= high - low < width - NEAR
                multipliers += np.abs(prices[: len(number)])
            if is_last and rest[left[0]]:
                exposing = np.zeros(len(hidden), dtype=bool)
                exposing[number[multipliers > NEAR]] = True
                exposing &= self.order >= 0
                if exposing.any():
                    return exposing
                rest[left[0]] = False  # nothing more can be hidden
        return np.zeros(len(hidden), dtype=bool)

    def _find_width(self, hidden: Marks) -> Floats:
        """Return how wide the range of each number of hidden rows must be."""
        sums = self.rows[hidden].astype(np.int64) @ self.counts.sum(axis=1)
        width = np.clip(sums, 1, self.fewest).astype(float)
        numbers = width.repeat(self.counts.shape[1])
        return numbers if self.has_bases else np.concatenate([numbers, width])

    def _mark_open(self, hidden: Marks) -> Marks:
        """Return which numbers of hidden rows do not follow from the zero of a whole.

        That a whole has none of a kind may be said, and says it of each of its parts.
        """
        wholes = ~hidden & ((self.order < 0) | (self.order >= LATER))
        sums = self.rows[wholes].astype(np.int64) @ self.counts
        outside = (~self.rows[wholes]).astype(np.int64)
        holds = (self.rows[hidden].astype(np.int64) @ outside.T) == 0
        n_none: Ints = holds.astype(np.int64) @ (sums == 0).astype(np.int64)
        n_cells: Ints = self.rows[hidden].sum(axis=1)
        is_open: Marks = (n_none == 0) & (n_cells[:, None] > 0)
        n_open: Ints = is_open.sum(axis=1)
        if self.has_bases:
            return np.asarray(is_open & (n_open[:, None] > 1)).ravel()
        return np.concatenate([is_open.ravel(), n_open > 0])


def _find_table(aim: Floats, equal: sparse.csr_array, totals: Floats) -> tuple[Floats, Floats]:
    """Return the cells that have the shown totals and the least aim, and the prices of totals."""
    from scipy.optimize import linprog

    found = linprog(aim, A_eq=equal, b_eq=totals, method="highs", bounds=(0, totals.sum()))
    if found.status:
        raise ArithmeticError(found.message)
    return found.x, found.eqlin.marginals
