"""People exchanged between cells that no shown figure tells apart (rules P4 and P5).

Two hidden cells are alike if they stand in the same shown figures with the same weights: one person
more in one and one fewer in the other changes nothing that is shown. Such tables need no program:
how far a figure of a unit moves follows from how many people the cells alike in other units can
take or give. A reader who knows its own forms leaves out its own unit, so that one sum serves all
readers. Those satisfied with all items (rule M4) are a cell that may have to move along.
"""

from functools import cached_property

import numpy as np

from sipas_analysis.figures.disclosure_cells import TOLERANCE, Cells, Marks
from sipas_analysis.infer.design import Floats, Ints

MOST_ALONG = 6  # of those satisfied with all items
SIGNS = (-1.0, 1.0)  # sides: falls and rises


class Exchanges:
    """How far the cells of U units, K in each, move within a unit, whatever is hidden.

    Attributes:
        links: What is known of the K cells of a unit besides (``Cells.links``), shape (G, K).
        room: Between which ends these lie, shape (U, G, 2).
        ends: How far each cell falls and rises, shape (2, U, K).
        most: How far with 0, 1, ... of those satisfied with all items beside it, -1 if these cannot
            move so far, shape (2, U, K, D).
        least: How far it must then move, shape (2, U, K, D).
        alone: How far while all others of the unit stay, shape (2, U, K).
    """

    def __init__(self, cells: Cells) -> None:
        n_units = len(cells.cells_of_unit)
        n_links, n_cells = cells.links.shape[0] // n_units, cells.unit.size // n_units
        self.cells, self.n_units, self.n_cells = cells, n_units, n_cells
        self.links = np.asarray(cells.links[:n_links, :n_cells].toarray())  # the same in all units
        self.room = cells.room.reshape(n_units, n_links, 2)
        self.ends = np.stack([cells.fall, cells.rise]).reshape(2, n_units, n_cells)
        limits = [self._limit(side, cell) for side in (0, 1) for cell in range(n_cells)]
        shape = 2, n_cells, n_units, MOST_ALONG + 1
        self.least, self.most = (
            np.array(part).reshape(shape).transpose(0, 2, 1, 3)
            for part in zip(*limits, strict=True)
        )
        self.alone = np.maximum(self.most[..., 0], 0.0)
        if (self.links[:, :-1] * self.links[:, [-1]] > 0).any():
            self.alone[..., -1] = 0.0  # else what others give of both breaks no link either

    def _limit(self, side: int, cell: int) -> tuple[Floats, Floats]:
        """Return how far a cell must and can move with 0, 1, ... satisfied with all, (U, D)."""
        along = np.arange(MOST_ALONG + 1.0) * (cell != self.n_cells - 1)
        moved = SIGNS[side] * self.links[:, [-1]] * along  # (G, D)
        ends = self.room[..., None] - moved[:, None]  # (U, G, 2, D)
        slope = SIGNS[side] * self.links[:, cell]
        steps = ends[:, slope != 0] / slope[slope != 0, None, None]
        first, last = steps.min(axis=2), steps.max(axis=2)
        least = np.ceil(first.max(axis=1, initial=0.0) - TOLERANCE)
        most = np.minimum(last.min(axis=1, initial=np.inf), self.ends[side, :, [cell]].T)
        most = np.floor(most + TOLERANCE)
        other = ends[:, slope == 0]
        is_broken = ((other[:, :, 0] > TOLERANCE) | (other[:, :, 1] < -TOLERANCE)).any(axis=1)
        is_broken |= along > self.ends[side, :, [-1]].T + TOLERANCE
        return least, np.where(is_broken | (least > most), -1.0, most)

    def holds(self, units: Ints, linked: Floats) -> Marks:
        """Return in which units all links lie between their ends, given ``links @ change``."""
        room = self.room[units]
        is_high, is_low = linked > room[..., 1] + TOLERANCE, linked < room[..., 0] - TOLERANCE
        return np.asarray(~(is_high | is_low).any(axis=1))


class Reach:
    """How far figures move by exchanges while some figures are hidden.

    Cells are alike if random numbers of the shown figures that they are in have the same sum.

    Attributes:
        kinds: A number for the shown figures that each cell is in, 0 if in none, -1 if it is not
            hidden itself, shape (U, K).
        outer: The same for the figures of groups and the whole, ``inner`` for those of its unit.
    """

    def __init__(self, exchanges: Exchanges, marks: Marks) -> None:
        self.exchanges, cells = exchanges, exchanges.cells
        n_rows = len(cells.cost)
        is_free = marks[-cells.unit.size :]
        keys = np.random.default_rng(0).random(n_rows) * ~marks[:n_rows]
        is_own = cells.owner[:n_rows] >= 0
        outer, inner = (cells.matrix[:n_rows].T @ part for part in (keys * ~is_own, keys * is_own))
        both = outer + np.pi * inner
        self.kinds, self.outer, self.inner = (
            self._number(part, is_free) for part in (both, outer, inner)
        )

    @cached_property
    def cells_of_kind(self) -> dict[int, tuple[Ints, Ints]]:
        """The hidden cells of each kind of ``outer``: their units and places."""
        units, places = np.nonzero(self.outer >= 0)
        kinds = self.outer[units, places]
        return {
            kind: (units[kinds == kind], places[kinds == kind])
            for kind in np.unique(kinds).tolist()
        }

    def _number(self, keys: Floats, is_free: Marks) -> Ints:
        """Return a number for each sum of random numbers, 0 for none and -1 if not hidden."""
        numbers = np.unique(np.append(0.0, keys), return_inverse=True)[1][1:]
        shape = self.exchanges.n_units, self.exchanges.n_cells
        return np.asarray(np.where(is_free, numbers, -1).reshape(shape))

    def find_ranges(self, figure: int) -> Floats:
        """Return how far a figure of a unit falls and rises, for each unit and an outsider.

        Shape (2, U + 1).
        """
        return np.array([sign * self._move(figure, side) for side, sign in enumerate(SIGNS)])

    def _move(self, figure: int, side: int) -> Floats:
        """Return how far a figure moves to one side: the best of 0, 1, ... content beside it."""
        of, none = self.exchanges, np.zeros(self.exchanges.n_units + 1)
        places, weight = self.list_places(figure)
        if not places.size:
            return none
        unit, content = int(of.cells.owner[figure]), np.array([of.n_cells - 1])
        rooms = self._find_rooms(places, unit, side)
        if content[0] in places:
            most = of.alone[side, unit, -1] if places.size == 1 else 0.0
            return np.asarray(np.minimum(rooms[0], most) * weight)
        beside = none if self.kinds[unit, -1] < 0 else self._find_rooms(content, unit, side)[0]
        least, most = of.least[side, unit, places], of.most[side, unit, places]  # (P, D)
        moves = np.minimum(most[:, :, None], rooms[:, None])  # (P, D, U + 1)
        is_possible = (moves >= np.maximum(least, 0.0)[:, :, None]).all(axis=0)
        is_possible &= beside >= np.arange(MOST_ALONG + 1)[:, None]
        total = np.minimum(moves.sum(axis=0), self._limit_sum(places, unit, side)[:, None])
        return np.asarray(np.where(is_possible, total, 0.0).max(axis=0) * weight)

    def list_places(self, figure: int) -> tuple[Ints, float]:
        """Return which hidden cells of its unit a figure is the sum of, and their weight."""
        of = self.exchanges
        terms, weights = of.cells.list_terms(figure)
        unit = int(of.cells.owner[figure])
        places = terms - unit * of.n_cells
        is_free = self.kinds[unit, places] >= 0
        weights = weights[is_free]
        if not weights.size or np.ptp(weights) > TOLERANCE:
            return places[:0], 0.0
        return np.sort(places[is_free]), float(weights[0])

    def _limit_sum(self, places: Ints, unit: int, side: int) -> Floats:
        """Return how far the sum of several cells moves by the links that two of them are in."""
        of, along = self.exchanges, np.arange(MOST_ALONG + 1)
        slopes, limit = SIGNS[side] * of.links, np.full(MOST_ALONG + 1, np.inf)
        for link in np.flatnonzero((slopes[:, places] != 0).sum(axis=1) > 1):
            slope = slopes[link, places]
            if np.ptp(slope) > TOLERANCE:
                return np.zeros(MOST_ALONG + 1)
            room = of.room[unit, link, int(slope[0] > 0)] - slopes[link, -1] * along
            limit = np.minimum(limit, np.floor(room / slope[0] + TOLERANCE))
        return np.asarray(np.maximum(limit, 0.0))

    def _find_rooms(self, places: Ints, unit: int, side: int) -> Floats:
        """Return what other units can take or give in the cells alike, for readers: (P, U + 1).

        A cell in no shown figure needs none.
        """
        of, kinds = self.exchanges, self.kinds[unit, places]
        is_alike = self.kinds[:, places] == kinds
        is_alike[unit] = False
        gives = np.where(is_alike, of.alone[1 - side][:, places], 0.0)  # (U, P)
        if places.size > 1:
            gives = self._share(gives, places, 1 - side)
        own = np.append(gives.T, np.zeros((places.size, 1)), axis=1)
        rooms = gives.sum(axis=0)[:, None] - own
        return np.asarray(np.where(kinds[:, None] == 0, np.inf, rooms))

    def _share(self, gives: Floats, places: Ints, side: int) -> Floats:
        """Return how much of what each unit can give in one cell it can give in all at once."""
        slopes = SIGNS[side] * self.exchanges.links[:, places]
        for link in np.flatnonzero((slopes != 0).sum(axis=1) > 1):
            slope = slopes[link]
            if np.ptp(slope) > TOLERANCE:
                return np.zeros_like(gives)
            most = self.exchanges.room[:, link, int(slope[0] > 0)] / slope[0]
            before = np.cumsum(gives, axis=1) - gives
            gives = (most[:, None] - before).clip(0.0, gives)
        return np.asarray(np.floor(gives + TOLERANCE))
