"""Write every published figure as a sum of cells: what a reader knows of a wave (rule P4).

A cell is the number of people of one unit who gave one answer to one item, or who are satisfied
with all items (rule M4). Items, factors, the index, mean scores and the answers to an item are sums
of cells times known numbers; so are the answers that stand behind a figure.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.ratio_means import average_ratios
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.infer.totals_from_files import build_block
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.measure.rules import (
    COMPREHENSIVE,
    MEAN_100,
    MEAN_SCORE,
    item_codes,
    list_columns,
    list_targets,
)

Marks = NDArray[np.bool_]

IMPORTANCE = {"factor": 3.0, "block": 5.0, OVERALL: 10.0}  # an item: 1 (ours)
ANSWER_IMPORTANCE = 0.2  # of one of the answers to an item (ours)
TOLERANCE = 1e-6
NO_UNIT = -1
IN_DOMAIN = ["domain", "group", "unit"]


@dataclass(frozen=True)
class Cells:
    """F figures as functions of L cells: R of the table, P answers of the whole, then the cells.

    Attributes:
        matrix: Figures over cells, shape (F, L).
        figure: The figure of the table that hides each cell, shape (L,).
        unit: The unit of each cell, shape (L,).
        group: Number of the group of each unit, shape (U,).
        owner: The unit of each figure, shape (F,); ``NO_UNIT`` for a group or the whole.
        fall: How far each cell can fall, shape (L,).
        rise: How far each cell can rise, shape (L,).
        links: What else is known of the cells of a unit, shape (G, L): ``links @ change`` lies
            between ``room[:, 0]`` and ``room[:, 1]``.
        room: Shape (G, 2).
        width: How far apart two tables must be in each figure, shape (F,).
        cost: People times importance of each figure that can be hidden, shape (R + P,).
        answer_item: The figure of the table that hides each of the P answers, shape (P,).
    """

    matrix: sparse.csr_array
    figure: Ints
    unit: Ints
    group: Ints
    owner: Ints
    fall: Floats
    rise: Floats
    links: sparse.csr_array
    room: Floats
    width: Floats
    cost: Floats
    answer_item: Ints

    @property
    def n_rows(self) -> int:
        """R, the number of figures of the table."""
        return len(self.cost) - len(self.answer_item)

    @cached_property
    def is_whole(self) -> bool:
        """Whether the cells are whole numbers: no weights."""
        ends = np.concatenate([self.fall, self.rise])
        return bool(np.abs(ends - ends.round()).max(initial=0.0) < TOLERANCE)

    @cached_property
    def is_content(self) -> Marks:
        """Which cells are people satisfied with all items: the last of each unit, shape (L,)."""
        return np.append(self.unit[1:] != self.unit[:-1], True)

    def list_terms(self, figure: int) -> tuple[Ints, Floats]:
        """Return the cells that a figure is a sum of, and their weights."""
        part = slice(*self.matrix.indptr[figure : figure + 2])
        return self.matrix.indices[part], self.matrix.data[part]

    @cached_property
    def cells_of_unit(self) -> list[Ints]:
        """The cells of each unit."""
        order = np.argsort(self.unit, kind="stable")
        ends = np.bincount(self.unit).cumsum()
        return np.split(order, ends[:-1])

    @cached_property
    def figures_of_owner(self) -> dict[int, Ints]:
        """The figures of each unit, and those of no unit."""
        order = np.argsort(self.owner, kind="stable")
        owners, first = np.unique(self.owner[order], return_index=True)
        return dict(zip(owners.tolist(), np.split(order, first[1:]), strict=True))

    @cached_property
    def figures_of_cell(self) -> sparse.csc_array:
        """The figures over cells, to be cut by cells."""
        return sparse.csc_array(self.matrix)

    @cached_property
    def links_of_cell(self) -> sparse.csc_array:
        """The links over cells, to be cut by cells."""
        return sparse.csc_array(self.links)

    def hide_parts(self, hidden: Marks) -> Marks:
        """Return marks of all F figures: with an item its answers, of one answer all of them."""
        rows, answers = hidden[: self.n_rows], hidden[self.n_rows : len(self.cost)]
        is_hidden_item = rows.copy()
        is_hidden_item[self.answer_item[answers]] = True
        return np.concatenate([rows, is_hidden_item[self.answer_item], rows[self.figure]])

    def mark_thin_answers(self, hidden: Marks) -> Marks:
        """Mark answers of the whole that hidden units gave too rarely, shape (P,).

        With the shown units a reader has the sum of the hidden ones: none of them has more.
        """
        n_units, answers = len(self.group), np.arange(len(self.answer_item))
        is_hidden = hidden[self.figure].reshape(n_units, -1)[:, answers]
        width = self.width[-self.unit.size :].reshape(n_units, -1)[:, answers]
        people = (self.fall.reshape(n_units, -1)[:, answers] * is_hidden).sum(axis=0)
        is_thin = people < (width * is_hidden).max(axis=0, initial=0.0) - TOLERANCE
        thin_items = np.unique(self.answer_item[is_thin])
        return np.isin(self.answer_item, thin_items)


@dataclass(frozen=True)
class _Domains:
    """The D domains of a table: the whole, groups and units, with their people by answer.

    Attributes:
        is_unit: Which domains are units, shape (D,).
        group: Number of the group of each unit, shape (U,).
        member: Which of the U units belong to each domain, shape (D, U).
        total: People of each unit by answer, shape (U, K): items × levels, then content (M4).
        base: People of each unit who could be in each cell, shape (U, K).
        forms: Forms of each unit, in the same measure (weights), shape (U,).
        item: Number of the item of each cell, shape (K,); content is the last.
        first: The cell of the lowest level of each cell's item, shape (K,).
        rows: Row of the table of each of T figures in each domain, shape (T, D).
        alone: Which of the T figures shows each cell alone, shape (K,).
    """

    is_unit: Marks
    group: Ints
    member: Marks
    total: Floats
    base: Floats
    forms: Floats
    item: Ints
    first: Ints
    rows: Ints
    alone: Ints


def _list_domains(table: pd.DataFrame, survey: Survey) -> _Domains:
    """Return the domains of a table of figures, with their people by answer."""
    pack = survey.instrument
    codes, targets = item_codes(pack), list_targets(pack, pack.index)
    positions = table.groupby(["level", "variable"], sort=False).indices
    rows = np.array([positions[target.level, target.variable] for target in targets])
    heads = table.iloc[rows[0]]
    kind, group, unit = (heads[name].astype(object).to_numpy() for name in IN_DOMAIN)
    is_unit = kind == "unit"
    member = (kind == "all")[:, None] | (unit[:, None] == unit[is_unit])
    member |= (kind == "group")[:, None] & (group[:, None] == group[is_unit])
    block = build_block(survey.design(), ["unit"], list_columns(pack, [], with_errors=False))
    at = pd.Index(block.keys["unit"].astype(str)).get_indexer(unit[is_unit].astype(str))
    total, sizes = block.total[at], [len(pack.scale_of(code).levels) for code in codes]
    item = np.append(np.repeat(np.arange(len(codes)), sizes), len(codes))
    eligible = total[:, item.size - 1]
    total = np.delete(total, item.size - 1, axis=1)[:, : item.size]
    answers = np.stack([total[:, item == k].sum(axis=1) for k in range(len(codes))], axis=1)
    by_item = {t.variable: at for at, t in enumerate(targets) if t.level.endswith("item")}
    by_item[""] = [target.variable for target in targets].index(COMPREHENSIVE)
    n = heads["n"].to_numpy(dtype=float)[is_unit]
    people = block.people["n"].to_numpy(dtype=float)[at]
    weight = total[:, :-1].sum() / max(_count_answers(survey, codes), 1)
    return _Domains(
        is_unit,
        pd.factorize(group[is_unit])[0],
        member,
        total,
        np.column_stack([answers, eligible])[:, item],
        np.where(np.isnan(n), people, n) * weight,
        item,
        np.searchsorted(item, item),
        rows,
        np.array([by_item[code] for code in [*codes, ""]])[item],
    )


def _count_answers(survey: Survey, codes: list[str]) -> int:
    return int(survey.frame[codes].notna().to_numpy().sum())


def describe_cells(table: pd.DataFrame, survey: Survey, *, by_level: bool = True) -> Cells:
    """Return the figures of a table, before any is blanked, as functions of cells.

    How many people answered each item is taken as known: who knows less is told less. Without
    ``by_level`` a cell is the number of people satisfied with an item, and mean scores have none:
    then no mean score of a unit with a hidden item may be shown, nor the answers of the whole to
    an item that a unit hides, and nothing is known of the levels of a hidden item.
    """
    domains, pack = _list_domains(table, survey), survey.instrument
    slopes = _slope_figures(pack, domains, table)
    good = _mark_good(pack, domains)
    if not by_level:
        best = np.append(np.flatnonzero(np.diff(domains.item)), domains.item.size - 1)
        is_mean = np.isin(table["variable"].iloc[domains.rows[:, 0]], [MEAN_SCORE, MEAN_100])
        slopes = np.where(is_mean[:, None, None], 0.0, slopes)[:, :, best]
        domains = _merge_levels(domains, best, domains.total @ good.T, domains.base[:, best])
        good = np.eye(domains.item.size)
    matrix = _place_slopes(domains, slopes, len(table))
    links = _link_cells(pack, domains, good, by_level=by_level)
    least = survey.wave.min_cell * _weigh_person(table, domains)
    width = np.minimum(least, domains.base) * by_level
    width[:, -1] = 0.0  # the row of those satisfied with all items watches this cell
    return _stack_cells(table, domains, matrix, links, (least, width))


def describe_bases(table: pd.DataFrame, survey: Survey, hidden: Marks) -> Cells:
    """Return how many answered, behind each figure of a table, as functions of cells.

    A cell is the number of people of one unit who answered one item: at most its forms, which are
    not published of a unit whose overall figure is hidden.
    """
    domains = _list_domains(table, survey)
    slopes = _slope_figures(survey.instrument, domains, table)
    best = np.append(np.flatnonzero(np.diff(domains.item)), domains.item.size - 1)
    person = _weigh_person(table, domains)
    is_overall = (table["level"] == OVERALL).to_numpy()[domains.rows[:, 0]]
    has_no_n = np.any(hidden[domains.rows[is_overall]], axis=0, keepdims=True)[0, domains.is_unit]
    forms = domains.forms + 10 * survey.wave.min_cell * person * has_no_n
    most = np.maximum(forms[:, None], domains.base[:, best])
    whole = _merge_levels(domains, best, domains.base[:, best], most)
    matrix = _place_slopes(whole, (slopes[:, :, best] > 0).astype(float), len(table))
    links = _link_bases(survey.instrument, whole)
    is_small = (table["flag"] == SUPPRESS).to_numpy()  # of others it may be known
    least = np.asarray(is_small * survey.wave.min_cell * person, dtype=float)
    return _stack_cells(table, whole, matrix, links, (least, np.zeros_like(whole.total)))


def _link_bases(pack: Instrument, domains: _Domains) -> tuple[sparse.csr_array, Floats]:
    """Return that nobody answers an item of the index who is not counted with all items (M4)."""
    codes, (n_units, n_cells) = item_codes(pack), domains.total.shape
    in_index = np.isin(codes, list(pack.items)).nonzero()[0]
    if pack.index.comprehensive_from > 1:
        return sparse.csr_array((0, domains.total.size)), np.zeros((0, 2))
    of_unit = np.eye(n_cells)[in_index] - np.eye(n_cells)[-1]
    high = (domains.total[:, [-1]] - domains.total[:, in_index]).ravel()
    room = np.stack([np.full(high.size, -np.inf), np.maximum(high, 0.0)], axis=1)
    return sparse.csr_array(sparse.kron(sparse.eye_array(n_units), of_unit)), room


def _merge_levels(domains: _Domains, best: Ints, total: Floats, base: Floats) -> _Domains:
    """Return domains with one cell for each item, and the last for content."""
    return replace(
        domains,
        total=total,
        base=base,
        item=domains.item[best],
        first=np.arange(best.size),
        alone=domains.alone[best],
    )


def _mark_good(pack: Instrument, domains: _Domains) -> Floats:
    """Return which cells are satisfied people of each item, and of content: (items + 1, K)."""
    codes = item_codes(pack)
    levels = np.concatenate([pack.scale_of(code).levels for code in codes])
    is_good = levels >= np.array(pack.satisfied_levels(codes))[domains.item[:-1]]
    of_item = domains.item[None, :] == np.unique(domains.item)[:, None]
    return np.asarray(of_item * np.append(is_good, True).astype(float))


def _weigh_person(table: pd.DataFrame, domains: _Domains) -> float:
    """Return the mean weight of a person: 1 without weights."""
    items = domains.rows[np.unique(domains.alone)]
    denominator, n_valid = (
        np.nan_to_num(table[name].to_numpy(dtype=float)[items]).sum()
        for name in ("denominator", "n_valid")
    )
    return float(denominator / max(n_valid, 1.0))


def _stack_cells(
    table: pd.DataFrame,
    domains: _Domains,
    matrix: sparse.csr_array,
    links: tuple[sparse.csr_array, Floats],
    widths: tuple[float | Floats, Floats],
) -> Cells:
    """Return the figures of the table, the answers of the whole and the cells, one below another.

    ``widths`` are those of figures, unless their whole range is smaller, and of cells: 0 where a
    cell needs none of its own, as where there is one for each item.
    """
    n_units, n_cells = domains.total.shape
    has_levels = n_cells > np.unique(domains.item).size
    answers = np.arange(n_cells - 1 if has_levels else 0)
    in_whole = np.flatnonzero(domains.member.all(axis=1))[0]
    answer_item = domains.rows[domains.alone[answers], in_whole]
    of_whole = sparse.kron(np.ones((1, n_units)), sparse.eye_array(answers.size, n_cells))
    if not answers.size:
        of_whole = sparse.csr_array((0, domains.total.size))
    parts = [matrix, of_whole, sparse.eye_array(domains.total.size)]
    owner = np.full(len(table), NO_UNIT)
    owner[domains.rows[:, domains.is_unit]] = np.arange(n_units)
    unit = np.repeat(np.arange(n_units), n_cells)
    base = np.nan_to_num(table["denominator"].to_numpy(dtype=float))
    base[np.diff(matrix.indptr) == 0] = 0.0  # of no cell
    n_valid = table["n_valid"].to_numpy(dtype=float)
    importance = table["level"].map(IMPORTANCE).fillna(1.0).to_numpy()
    return Cells(
        matrix=sparse.csr_array(sparse.vstack(parts)),
        figure=domains.rows[domains.alone][:, domains.is_unit].T.ravel(),
        unit=unit,
        group=domains.group,
        owner=np.concatenate([owner, np.full(answers.size, NO_UNIT), unit]),
        fall=domains.total.ravel(),
        rise=np.maximum(domains.base - domains.total, 0.0).ravel(),
        links=links[0],
        room=links[1],
        width=np.concatenate(
            [np.minimum(widths[0], base), np.zeros(answers.size), widths[1].ravel()]
        ),
        cost=np.append(n_valid * importance, n_valid[answer_item] * ANSWER_IMPORTANCE),
        answer_item=answer_item,
    )


def _slope_figures(pack: Instrument, domains: _Domains, table: pd.DataFrame) -> Floats:
    """Return the rise of each figure, in people, with each cell of a domain, shape (T, D, K).

    In people: a figure whose people all gave the best answer is their number.
    """
    n_levels = domains.item.size - 1
    columns = np.append(np.arange(n_levels), n_levels + 1)  # in the block eligible stand between
    first = np.append(domains.first[:-1], n_levels)
    base = domains.member.astype(float) @ domains.base  # of each domain
    total = np.zeros((len(base), n_levels + 2))
    total[:, first] = base
    means = [target.mean for target in list_targets(pack, pack.index)]
    gradients = [average_ratios(total, mean)[1] for mean in means]
    slopes = np.array([slope[:, columns] - slope[:, first] for slope in gradients])
    best = np.zeros_like(slopes)
    for k in np.unique(domains.item):
        is_item = domains.item == k
        best[:, :, np.flatnonzero(is_item)[0]] = slopes[:, :, is_item].max(axis=2)
    most = (best * base).sum(axis=2)
    people = np.nan_to_num(table["denominator"].to_numpy(dtype=float)[domains.rows])
    scale = np.divide(people, most, out=np.zeros_like(most), where=most > 0)
    return np.asarray((slopes * scale[:, :, None]).round(9))


def _place_slopes(domains: _Domains, slopes: Floats, n_rows: int) -> sparse.csr_array:
    """Return figures over cells: those of a group, or of the whole, over the cells of its units."""
    domain, member = domains.member.nonzero()
    n_units, n_cells = domains.total.shape
    entries = []
    for figure, slope in zip(domains.rows, slopes, strict=True):
        used = slope.any(axis=0).nonzero()[0]
        cell = member[:, None] * n_cells + used
        entries.append(
            (slope[domain][:, used].ravel(), figure[domain].repeat(used.size), cell.ravel())
        )
    value, figures, cells = map(np.concatenate, zip(*entries, strict=True))
    matrix = sparse.csr_array((value, (figures, cells)), shape=(n_rows, n_units * n_cells))
    matrix.eliminate_zeros()
    return matrix


def _link_cells(
    pack: Instrument, domains: _Domains, good: Floats, *, by_level: bool
) -> tuple[sparse.csr_array, Floats]:
    """Return what else is known of the cells of a unit.

    The levels of an item add up to those who answered it. Whoever is satisfied with all items is
    satisfied with this item or did not answer it; whoever is not gave at least one answer that is
    not satisfied (rule M4).
    """
    codes, (n_units, n_cells) = item_codes(pack), domains.total.shape
    in_index = np.isin(codes, list(pack.items)).nonzero()[0]
    of_item = domains.item[None, :] == np.arange(len(codes) * by_level)[:, None]
    good, content = good[in_index], np.eye(n_cells)[-1]
    of_unit = np.vstack([of_item, content - good, good.sum(axis=0) - content])
    satisfied = domains.total @ good.T
    answered = domains.base[:, np.searchsorted(domains.item, in_index)]
    asked = domains.base[:, -1] if pack.index.comprehensive_from <= 1 else domains.forms
    each = asked[:, None] - answered - domains.total[:, [-1]] + satisfied
    some = (answered - satisfied).sum(axis=1) - (domains.base - domains.total)[:, -1]
    high = np.column_stack([np.zeros((n_units, len(of_item))), each, some])
    low = np.where(np.arange(len(of_unit)) < len(of_item), 0.0, -np.inf)
    room = np.stack([np.tile(low, n_units), np.maximum(high, 0.0).ravel()], axis=1)
    links = sparse.kron(sparse.eye_array(n_units), of_unit, format="csr")
    return sparse.csr_array(links), room
