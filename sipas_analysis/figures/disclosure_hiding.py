"""What to hide further, as cheaply as can be, so that a figure is no longer exposed (P4 and P5)."""

from typing import NamedTuple

import numpy as np

from sipas_analysis.figures.disclosure_cells import NO_UNIT, Cells, Marks
from sipas_analysis.figures.disclosure_programs import Problem
from sipas_analysis.figures.disclosure_tables import OUTSIDER
from sipas_analysis.infer.design import Floats, Ints


class Exposed(NamedTuple):
    """A hidden figure that a reader knows too closely: how far it can fall and rise."""

    figure: int
    reader: int
    low: float
    high: float


def choose_further(
    cells: Cells, hidden: Marks, exposed: Exposed, problem: Problem, *, hides_units: bool
) -> tuple[Ints, Floats]:
    """Return figures that free an exposed one at least cost, and a change of cells that does.

    A table is searched in which the exposed figure lies far enough away and shown figures change
    least, by cost; those that change are hidden.

    Args:
        cells: The figures over cells.
        hidden: The figures that are hidden, shape (R + P,).
        exposed: The figure to free.
        problem: Cells of some units, all of which may change.
        hides_units: Whether all figures of one more unit are hidden if they cost less. It helps
            many exposed figures at once, where many are hidden: as where only the whole and a group
            could change. Where few are, it takes a unit its index for one answer.
    """
    gap = cells.width[exposed.figure] - (exposed.high - exposed.low)
    aims = exposed.high + gap, exposed.low - gap
    cost, further, change = problem.find_cheapest(exposed.figure, aims)
    if hidden[further].all():
        further = _choose_near(cells, hidden, exposed.figure)
        cost = float(cells.cost[further].sum())
    unit = _choose_unit(cells, hidden, exposed) if hides_units else further[:0]
    if unit.size and cells.cost[unit].sum() < cost:
        return unit, np.zeros_like(change)
    return further, change


def _choose_near(cells: Cells, hidden: Marks, figure: int) -> Ints:
    """Return the cheapest figure, if possible of the same cells."""
    n_rows, of_figure = cells.n_rows, np.zeros(cells.unit.size)
    of_figure[cells.list_terms(figure)[0]] = 1.0
    is_near = ~hidden[:n_rows] & (np.abs(cells.matrix[:n_rows]) @ of_figure > 0)
    shown = (is_near if is_near.any() else ~hidden[:n_rows]).nonzero()[0]
    return np.asarray(shown[[cells.cost[shown].argmin()]])


def _choose_unit(cells: Cells, hidden: Marks, exposed: Exposed) -> Ints:
    """Return all shown figures of the cheapest unit of the group that can free an exposed one."""
    owner, n_units = int(cells.owner[exposed.figure]), len(cells.group)
    if owner == NO_UNIT:
        return np.zeros(0, dtype=np.int64)
    of_unit = cells.owner[: cells.n_rows]
    shown = np.flatnonzero(~hidden[: cells.n_rows] & (of_unit != NO_UNIT))
    cost = np.bincount(of_unit[shown], cells.cost[shown], minlength=n_units)
    gap = cells.width[exposed.figure] - (exposed.high - exposed.low)
    is_possible = count_exchanged(cells, exposed.figure) >= gap
    is_possible &= (cells.group == cells.group[owner]) & (cost > 0)
    is_possible[[owner, *([exposed.reader] if exposed.reader != OUTSIDER else [])]] = False
    if not is_possible.any():
        return np.zeros(0, dtype=np.int64)
    best = np.where(is_possible, cost, np.inf).argmin()
    return np.asarray(shown[of_unit[shown] == best])


def count_exchanged(cells: Cells, figure: int) -> Floats:
    """Return how many people each unit can exchange with a unit in the cells of its figure."""
    owner, n_units = int(cells.owner[figure]), len(cells.group)
    fall, rise = (ends.reshape(n_units, -1) for ends in (cells.fall, cells.rise))
    places = cells.list_terms(figure)[0] - cells.cells_of_unit[owner][0]
    fall, rise = (np.sum(ends[:, places], axis=1) for ends in (fall, rise))
    both = np.minimum(fall, rise[owner]) + np.minimum(rise, fall[owner])
    return np.asarray(np.minimum(both, cells.width[figure]))


def price_units(cells: Cells, figure: int) -> Floats:
    """Return the people of each unit for one that it can exchange in the cells of a figure."""
    people = cells.fall.reshape(len(cells.group), -1).sum(axis=1)
    if cells.owner[figure] == NO_UNIT:
        return np.asarray(people)
    return np.asarray(people / np.maximum(count_exchanged(cells, figure), 0.1))
