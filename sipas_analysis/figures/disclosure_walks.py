"""Tables of cells found by moving one person after the other, without a program (P4 and P5).

A figure of a unit is raised or lowered by one person in one of its cells. What this changes in
shown figures is undone in another unit: in a cell alike whose own unit shows nothing of it, or in
one of two hidden cells of which its unit shows the sum, whose other one passes the change on to the
cells that are alike there. Each step keeps what is known of the cells of its unit
(``Exchanges.links``), so the table is a certificate as good as that of a program.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from sipas_analysis.figures.disclosure_cells import TOLERANCE, Marks
from sipas_analysis.figures.disclosure_exchanges import Reach
from sipas_analysis.infer.design import Ints


class _Pass(NamedTuple):
    """A unit that undoes a change in one cell and passes it on to another one."""

    unit: int
    place: int
    other: int
    kind: int  # of the first cell


class Walk:
    """A table of cells that agrees with everything shown, changed by one person at a time.

    Attributes:
        change: How much each cell has changed, shape (U, K).
    """

    def __init__(self, reach: Reach, figure: int, without: Collection[int]) -> None:
        self.reach, self.of = reach, reach.exchanges
        self.unit = int(self.of.cells.owner[figure])
        self.places = reach.list_places(figure)[0].tolist()
        self.is_partner = np.ones(self.of.n_units, dtype=bool)
        self.is_partner[[self.unit, *without]] = False
        self.change = np.zeros((self.of.n_units, self.of.n_cells))
        self.linked = np.zeros(self.of.room.shape[:2])

    def go(self, sign: float, most: float) -> float:
        """Raise (1) or lower (-1) the figure by up to ``most`` people; return by how many."""
        moved = 0.0
        while moved < most - TOLERANCE and any(self._try(place, sign) for place in self.places):
            moved += 1.0
        return moved

    def _try(self, place: int, sign: float) -> bool:
        """Move one cell of the figure by one, if everything shown can stay as it is."""
        before = self.change.copy(), self.linked.copy()
        if self._move(place, sign) and self._is_possible():
            return True
        self.change, self.linked = before
        return False

    def _move(self, place: int, sign: float) -> bool:
        """Move one cell of the figure by one, and what must move with it."""
        content = self.of.n_cells - 1  # those satisfied with all items
        if not self._can_step(self.unit, place, sign):
            is_bound = (
                self.reach.kinds[self.unit, content] < 0 or self.reach.inner[self.unit, content]
            )
            if place == content or is_bound or not self._step_and_undo(content, sign):
                return False
        if not self._step_and_undo(place, sign):
            return False
        if not self.reach.inner[self.unit, place]:
            return True
        others = [k for k in self._list_beside(self.unit, place, -sign) if k not in self.places]
        return bool(others) and self._step_and_undo(others[0], -sign)

    def _step_and_undo(self, place: int, sign: float) -> bool:
        self._step(self.unit, place, sign)
        kind = int(self.reach.outer[self.unit, place])
        return not kind or self._undo(kind, -sign)

    def _undo(self, kind: int, sign: float) -> bool:
        """Move a cell of another unit by one, if need be through cells of further units."""
        queue, passes = [kind], dict[int, _Pass]()
        for at in queue:  # it grows
            units, places = self._list_able(at, sign)
            is_end = self.reach.inner[units, places] == 0
            if is_end.any():
                most = self.of.alone[int(sign > 0), units, places]
                is_used = self.linked[units].any(axis=1)  # so that few units change
                best = np.argmax(np.where(is_end, most + 1000.0 * is_used, -1.0))
                self._step(int(units[best]), int(places[best]), sign)
                self._follow(passes, at, sign)
                return True
            for unit, place in zip(units.tolist(), places.tolist(), strict=True):
                for other in self._list_beside(unit, place, -sign):
                    to = int(self.reach.outer[unit, other])
                    if to != kind and to not in passes:
                        passes[to] = _Pass(unit, place, other, at)
                        queue.append(to)
        return False

    def _follow(self, passes: dict[int, _Pass], kind: int, sign: float) -> None:
        """Move the cells that pass the change on, back to the first."""
        while kind in passes:
            unit, place, other, kind = passes[kind]
            self._step(unit, place, sign)
            self._step(unit, other, -sign)

    def _list_able(self, kind: int, sign: float) -> tuple[Ints, Ints]:
        """Return the cells of a kind, of units that take part, that can move by one."""
        units, places = self.reach.cells_of_kind[kind]
        is_able = self.is_partner[units] & self._can_steps(units, places, sign)
        return units[is_able], places[is_able]

    def _list_beside(self, unit: int, place: int, sign: float) -> list[int]:
        """Return the other cells in the same shown figures of a unit that can move by one."""
        inner = self.reach.inner[unit]
        others = np.flatnonzero(inner == inner[place])
        is_able = self._can_steps(np.full(others.size, unit), others, sign) & (others != place)
        return [int(other) for other in others[is_able]]

    def _can_step(self, unit: int, place: int, sign: float) -> bool:
        return bool(self._can_steps(np.array([unit]), np.array([place]), sign)[0])

    def _can_steps(self, units: Ints, places: Ints, sign: float) -> Marks:
        """Return which cells can move by one while all others of their units stay."""
        moved, ends = self.change[units, places] + sign, self.of.ends[:, units, places]
        linked = self.linked[units] + sign * self.of.links[:, places].T
        is_inside = (moved <= ends[1] + TOLERANCE) & (moved >= -ends[0] - TOLERANCE)
        return np.asarray(is_inside & self.of.holds(units, linked))

    def _step(self, unit: int, place: int, sign: float) -> None:
        self.change[unit, place] += sign
        self.linked[unit] += sign * self.of.links[:, place]

    def _is_possible(self) -> bool:
        """Return whether all units keep what is known of their cells."""
        units = np.flatnonzero(self.change.any(axis=1))
        change, ends = self.change[units], self.of.ends[:, units]
        is_inside = (change <= ends[1] + TOLERANCE) & (change >= -ends[0] - TOLERANCE)
        return bool(is_inside.all() and self.of.holds(units, self.linked[units]).all())
