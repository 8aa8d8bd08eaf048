"""Find hidden figures that the shown ones bound too closely, and what else to hide (rules P4, P5).

Every figure is a linear function of cells: how many people of one unit are satisfied with one item,
or with all of them (rule M4). A reader knows these functions, that a cell lies between 0 and its
answers, and that people satisfied with all items are satisfied with each. A hidden figure is safe
if two tables of cells agree with everything shown and differ in this figure by ``min_cell``, or by
all that the figure could be. Integer programs search for such tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.ratio_means import average_ratios
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.measure.rules import (
    MEAN_100,
    MEAN_SCORE,
    column_names,
    item_codes,
    list_targets,
)

Marks = NDArray[np.bool_]

IMPORTANCE = {"factor": 3.0, "block": 5.0, OVERALL: 10.0}  # an item: 1 (ours)
TOLERANCE = 1e-6
MOST_NODES = 1000  # of a search; a figure that is not settled by then counts as exposed
OUTSIDER = -1  # a reader who knows the forms of no unit


@dataclass(frozen=True)
class Cells:
    """F figures as functions of L cells, one cell per unit and item.

    Attributes:
        matrix: Figures over cells, shape (F, L); a pooled figure is the sum of its cells.
        figure: The figure that shows each cell alone, shape (L,).
        unit: The unit of each cell, shape (L,).
        fall: How far each cell can fall, shape (L,).
        rise: How far each cell can rise, shape (L,).
        links: What follows from rule M4, shape (G, L): ``links @ change <= room``.
        room: Shape (G,).
        width: How far apart two tables must be in each figure, shape (F,).
        cost: People times importance of each figure, shape (F,).
    """

    matrix: sparse.csr_array
    figure: Ints
    unit: Ints
    fall: Floats
    rise: Floats
    links: sparse.csr_array
    room: Floats
    width: Floats
    cost: Floats

    def cut_shown(self, hidden: Marks, cells: Ints) -> tuple[sparse.csr_array, Ints]:
        """Return the shown figures over some cells, and which figures these are."""
        part = self.matrix[:, cells]
        rows = (~hidden & (part.count_nonzero(axis=1) > 0)).nonzero()[0]
        return part[rows], rows

    def cut_links(self, cells: Ints) -> tuple[sparse.csr_array, Floats]:
        """Return the links between some cells, and their room."""
        part = self.links[:, cells]
        is_used = part.count_nonzero(axis=1) > 0
        return part[is_used], self.room[is_used]

    @property
    def is_whole(self) -> bool:
        """Whether the cells are whole numbers: neither weights nor points."""
        ends = np.concatenate([self.fall, self.rise])
        return bool(np.abs(ends - ends.round()).max() < TOLERANCE)


def describe_cells(table: pd.DataFrame, survey: Survey) -> Cells:
    """Return the figures of a table, before any is blanked, as functions of cells."""
    pack = survey.instrument
    positions = table.groupby(["level", "variable"], sort=False).indices
    targets = [
        target
        for target in list_targets(pack, pack.index)
        if target.variable not in (MEAN_SCORE, MEAN_100)
    ]
    rows = np.array([positions[target.level, target.variable] for target in targets])
    is_alone = np.array(
        [target.level.endswith("item") or target.level == "beside" for target in targets]
    )
    value, base = (table[name].to_numpy(dtype=float)[rows] for name in ("value", "denominator"))
    n_valid = table["n_valid"].to_numpy(dtype=float)
    answers = np.nan_to_num(base[is_alone]).T
    lowest, slopes = _slope_figures(pack, answers)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.nan_to_num(base / (slopes * answers).sum(axis=2))
    heads = table.iloc[rows[0]]
    in_unit = (heads["domain"] == "unit").to_numpy()
    cells = np.nan_to_num((value - lowest) * scale)[is_alone][:, in_unit].T
    person = answers.sum() / n_valid[rows[is_alone]].sum()
    forms = person * heads["n"].to_numpy(dtype=float)
    links, room = _link_cells(pack, answers[in_unit], cells, forms[in_unit])
    width = np.zeros(len(table))
    width[rows] = np.minimum(survey.wave.min_cell * person, np.nan_to_num(base))
    return Cells(
        matrix=_place_slopes(heads, rows, slopes * scale[:, :, None], len(table)),
        figure=rows[is_alone][:, in_unit].T.ravel(),
        unit=np.repeat(np.arange(len(cells)), is_alone.sum()),
        fall=cells.ravel(),
        rise=np.maximum(answers[in_unit] - cells, 0.0).ravel(),
        links=links,
        room=np.maximum(room, 0.0),
        width=width,
        cost=n_valid * table["level"].map(IMPORTANCE).fillna(1.0).to_numpy(),
    )


def _slope_figures(pack: Instrument, answers: Floats) -> tuple[Floats, Floats]:
    """Return each figure if all cells were 0, and its rise with each cell.

    ``answers`` has the shape (domains, cells of a domain), the results (figures, domains) and
    (figures, domains, cells of a domain).
    """
    n_levels = np.array([len(pack.scale_of(code).levels) for code in item_codes(pack)])
    last = np.append(n_levels.cumsum() - 1, n_levels.sum() + 1)  # content with all items: last
    first = np.append(n_levels.cumsum() - n_levels, n_levels.sum())
    total = np.zeros((len(answers), len(column_names(pack))))
    total[:, first] = answers
    means = [
        average_ratios(total, target.mean)
        for target in list_targets(pack, pack.index)
        if target.variable not in (MEAN_SCORE, MEAN_100)
    ]
    slopes = [gradient[:, last] - gradient[:, first] for _, gradient in means]
    return np.array([value for value, _ in means]), np.array(slopes)


def _place_slopes(
    heads: pd.DataFrame, rows: Ints, slopes: Floats, n_figures: int
) -> sparse.csr_array:
    """Return figures over cells: those of a group, or of the whole, over the cells of its units."""
    kind, group, unit = (
        heads[name].astype(object).to_numpy() for name in ("domain", "group", "unit")
    )
    in_unit = kind == "unit"
    is_member = (kind == "all")[:, None] | (unit[:, None] == unit[in_unit])
    is_member |= (kind == "group")[:, None] & (group[:, None] == group[in_unit])
    domain, member = is_member.nonzero()
    n_cells = slopes.shape[2]
    entries = []
    for figure, slope in zip(rows, slopes, strict=True):
        used = slope.any(axis=0).nonzero()[0]
        cell = member[:, None] * n_cells + used
        entries.append(
            (slope[domain][:, used].ravel(), figure[domain].repeat(used.size), cell.ravel())
        )
    value, figures, cells = map(np.concatenate, zip(*entries, strict=True))
    shape = (n_figures, in_unit.sum() * n_cells)
    return sparse.csr_array((value.round(9), (figures, cells)), shape=shape)


def _link_cells(
    pack: Instrument, answers: Floats, cells: Floats, forms: Floats
) -> tuple[sparse.csr_array, Floats]:
    """Return the two rules between an item and those satisfied with all items (rule M4).

    Whoever is satisfied with all items is satisfied with this item or did not answer it; whoever
    is not gave at least one answer that is not satisfied.
    """
    items = np.isin(item_codes(pack), list(pack.items)).nonzero()[0]
    n_items = items.size
    of_unit = np.zeros((n_items + 1, answers.shape[1]))
    of_unit[np.arange(n_items), items] = -1
    of_unit[:n_items, -1] = 1
    of_unit[n_items, items], of_unit[n_items, -1] = 1, -1
    people = answers[:, -1] if pack.index.comprehensive_from <= 1 else forms
    missing = people[:, None] - answers[:, items]
    each = missing - cells[:, [-1]] + cells[:, items]
    some = (answers - cells)[:, items].sum(axis=1) - (answers - cells)[:, -1]
    room = np.column_stack([each, some])
    if pack.index.points:  # cells count points, not satisfied people
        room[:] = np.inf
    links = sparse.kron(sparse.eye_array(len(cells)), of_unit, format="csr")
    return sparse.csr_array(links), room.ravel()


class Exposed(NamedTuple):
    """A hidden figure that a reader knows too closely: how far it can fall and rise."""

    figure: int
    reader: int
    low: float
    high: float


class Audit:
    """A search for tables of cells that agree with all shown figures.

    The search is for an outsider, then for each unit with a hidden cell, which knows its own forms.
    The outsider must not come close to any hidden figure; a unit must not come close to a figure
    of too few people that it does not contribute to.
    """

    def __init__(self, cells: Cells, is_small: Marks) -> None:
        self.cells, self.is_small = cells, is_small
        self.changes = np.zeros((1, cells.matrix.shape[0]))  # of each figure, table by table
        self.touched = np.zeros((1, cells.unit.max() + 1), dtype=bool)  # units whose cells change
        self.random = np.random.default_rng(0)

    def find_exposed(self, hidden: Marks) -> Exposed | None:
        """Return a hidden figure that a reader knows too closely, if there is any."""
        cells = self.cells
        units = np.unique(cells.unit[hidden[cells.figure]])
        for reader in (OUTSIDER, *units.tolist()):
            contributes = cells.matrix[:, cells.unit == reader].count_nonzero(axis=1) > 0
            watched = hidden if reader == OUTSIDER else hidden & self.is_small & ~contributes
            exposed = self._search_tables(hidden, watched, reader)
            if exposed:
                return exposed
        return None

    def _search_tables(self, hidden: Marks, watched: Marks, reader: int) -> Exposed | None:
        """Search tables until all watched figures are safe; return the first that cannot be."""
        figure, n_before = OUTSIDER, len(watched) + 1
        while True:
            low, high = self._find_range(reader)
            unsafe = (watched & (high - low < self.cells.width - TOLERANCE)).nonzero()[0]
            if not unsafe.size:
                return None
            if unsafe[0] == figure:  # searched alone, in vain
                return Exposed(figure, reader, float(low[figure]), float(high[figure]))
            is_joint, n_before = unsafe.size < n_before, unsafe.size
            unsafe = unsafe if is_joint else unsafe[:1]
            figure = OUTSIDER if is_joint else int(unsafe[0])
            signs = self.random.choice([-1.0, 1.0], unsafe.size)
            for aim in (signs, -signs):
                self._find_table(hidden, reader, aim @ self.cells.matrix[unsafe])

    def _find_range(self, reader: int) -> tuple[Floats, Floats]:
        """Return how far each figure falls and rises in tables that a reader cannot exclude."""
        possible = self.changes if reader == OUTSIDER else self.changes[~self.touched[:, reader]]
        return possible.min(axis=0), possible.max(axis=0)

    def _find_table(self, hidden: Marks, reader: int, aim: Floats) -> None:
        """Add the table in which ``aim``, a function of the cells, is highest."""
        cells = self.cells
        free = (hidden[cells.figure] & (cells.unit != reader)).nonzero()[0]
        (shown, _), (links, room) = cells.cut_shown(hidden, free), cells.cut_links(free)
        change = _solve(
            -aim[free],
            (-cells.fall[free], cells.rise[free]),
            [(shown, 0.0, 0.0), (links, -np.inf, room)],
            is_whole=cells.is_whole,
        )
        if change is not None:
            full = np.zeros(cells.unit.size)
            full[free] = change.round() if cells.is_whole else change
            touched = np.bincount(cells.unit, np.abs(full) > TOLERANCE) > 0
            self.changes = np.vstack([self.changes, cells.matrix @ full])
            self.touched = np.vstack([self.touched, touched])

    def hide_further(self, hidden: Marks, exposed: Exposed) -> Marks:
        """Return ``hidden`` with the cheapest further figures that free an exposed one.

        A table is searched in which the exposed figure lies far enough away and shown figures
        change least, by cost; those that change are hidden. Only cells of its units change, and of
        units that have a hidden cell.
        """
        cells, figure = self.cells, exposed.figure
        of_figure = cells.matrix[[figure]].toarray()[0]
        near = np.bincount(cells.unit, hidden[cells.figure] | (of_figure > 0)) > 0
        near[[exposed.reader] if exposed.reader != OUTSIDER else []] = False
        free = near[cells.unit].nonzero()[0]
        (shown, rows), (links, room) = cells.cut_shown(hidden, free), cells.cut_links(free)
        sizes = sparse.eye_array(rows.size)
        solution = _solve(
            np.append(np.zeros(free.size), cells.cost[rows]),  # cells, then sizes of changes
            (
                np.append(-cells.fall[free], np.zeros(rows.size)),
                np.append(cells.rise[free], np.full(rows.size, np.inf)),
            ),
            [
                (sparse.hstack([shown, -sizes]), -np.inf, 0.0),
                (sparse.hstack([shown, sizes]), 0.0, np.inf),
                (_widen(links, rows.size), -np.inf, room),
                (_widen(of_figure[None, free], rows.size), *[self._aim(exposed)] * 2),
            ],
        )
        more = hidden.copy()
        if solution is not None:
            more[rows] = np.abs(shown @ solution[: free.size]) > TOLERANCE
        if (more == hidden).all():  # hide the cheapest figure, if possible of the same cells
            is_near = ~hidden & (np.abs(cells.matrix) @ np.abs(of_figure) > 0)
            choices = (is_near if is_near.any() else ~hidden).nonzero()[0]
            more[choices[cells.cost[choices].argmin()]] = True
        return more

    def _aim(self, exposed: Exposed) -> float:
        """Return the change of an exposed figure, up or down, that would make it safe."""
        cells, figure = self.cells, exposed.figure
        gap = cells.width[figure] - (exposed.high - exposed.low)
        row = cells.matrix[[figure]]
        fall, rise = (float((row @ ends)[0]) for ends in (cells.fall, cells.rise))
        above, below = exposed.high + gap, exposed.low - gap
        return float(above if above <= rise + TOLERANCE else max(below, -fall))


def _widen(matrix: sparse.csr_array | Floats, n_columns: int) -> sparse.sparray:
    """Return a matrix with empty columns on its right."""
    return sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], n_columns))])


def _solve(
    cost: Floats,
    ends: tuple[Floats, Floats],
    rows: Sequence[tuple[sparse.sparray, float, float | Floats]],
    *,
    is_whole: bool = False,
) -> Floats | None:
    """Return values of lowest cost between their ends that keep all rows, if found."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    found = milp(
        cost,
        integrality=np.full(cost.size, int(is_whole)),
        bounds=Bounds(*ends),
        constraints=[LinearConstraint(matrix, lowest, most) for matrix, lowest, most in rows],
        options={"node_limit": MOST_NODES},
    )
    return None if found.x is None else np.asarray(found.x)
