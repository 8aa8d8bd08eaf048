"""Reduce forms to totals that add exactly, in any order and on any number of machines.

``Sums`` are whole numbers: each column of each form is rounded once to a multiple of a step that
depends on the whole sample only, then counted by (domain, cell of the sample). So the sums of
chunks, files and workers add exactly, to the last bit (rule V9). After all are added, they are
converted to a ``Block``: totals, and second moments where forms are drawn singly (rule V8).
A block can reveal single answers; never publish one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.domains import number_domains
from sipas_analysis.infer.exact_sums import Adder, WeightRounding, add_folds, choose_adder
from sipas_analysis.infer.row_numbers import COUNT_COLUMN, number_codes, number_rows
from sipas_analysis.infer.stages import Stage, find_stages
from sipas_analysis.progress import watch

EXACT_FORMS = 2**17  # so many forms of 35 bits add to less than 2**53
SLICE = 2**17  # forms counted at a time: whole numbers below 2**35 then add exactly as floats
FEWEST, CELLS = 2**14, 2**21  # of many columns a slice is shorter: so many cells, to save memory
CELL_COLUMN, KEY_PREFIX = "\0cell", "\0by "  # names that no column of a frame has


@dataclass(frozen=True)
class Columns:
    """What to total: p columns made from a frame of forms.

    Attributes:
        names: Names of the p columns.
        make: Returns the columns of a frame of n forms, each of shape (n,), without NaN.
        largest: Largest absolute value of each.
        whole: Whether each holds whole numbers only.
        flags: Names of yes/no facts, counted without weights.
        mark: Returns the facts of a frame; a whole number counts as so many.
        n_fixed: The last ``n_fixed`` columns are totalled but have no error.
        reads: Columns of the frame that ``make`` and ``mark`` read.
        whole_sql: SQL of each column, whole numbers of at least 0 made from those read: x0, x1, …;
            none where answers are no such numbers.
    """

    names: tuple[str, ...]
    make: Callable[[pd.DataFrame], Iterable[Floats]]
    largest: Floats
    whole: Sequence[bool]
    flags: tuple[str, ...] = ()
    mark: Callable[[pd.DataFrame], Sequence[Floats]] = field(default=lambda _: [])
    n_fixed: int = 0
    reads: tuple[str, ...] = ()
    whole_sql: tuple[str, ...] = ()

    @property
    def binary(self) -> bool:
        """Whether the varied columns hold only 0 and 1."""
        p = len(self.names) - self.n_fixed
        return bool(all(self.whole[:p]) and (self.largest[:p] <= 1).all())

    def counts_people(self, scale: WeightRounding) -> bool:
        """Whether second moments are numbers of forms, which need half the memory."""
        steps = scale.fold_steps(1.0, True, power=2)
        is_unweighted = steps == (1.0,) and scale.equal and scale.largest == 1
        return self.binary and is_unweighted and scale.n < 2**31

    def count_folds(self, scale: WeightRounding) -> int:
        """Return in how many folds second moments are counted."""
        return len(scale.fold_steps(1.0, True, power=2)) if self.binary else 2


@dataclass(frozen=True)
class Sums:
    """Additive whole numbers of some forms.

    Attributes:
        table: One row for each (domain keys, place in the sample) that occurs.
        counts: Folded totals, shape (R, p, 2).
        people: Forms by flag, the last is all forms, shape (R, q + 1).
        moments: Folded second moments, shape (R, p', p', 1 or 2); none with clusters.
    """

    table: pd.DataFrame
    counts: Ints
    people: Ints
    moments: Ints | None


@dataclass(frozen=True)
class CalibrationTerms:
    """What calibration explains of the influence of each cell (W1).

    Attributes:
        cell_margins: Σ w a of each cell, for the levels a of all margins, shape (C, m), sparse.
        cross: Σ b a x of each domain, shape (D, m, p').
        sweep: Turns Σ b a z into coefficients, shape (m, m).
    """

    cell_margins: sparse.csr_array
    cross: Floats
    sweep: Floats


@dataclass(frozen=True)
class Block:
    """Totals of p columns in each of D domains, by R rows of (domain, cell of the sample).

    Attributes:
        keys: One row per domain, sorted; one column per key.
        columns: Names of the columns.
        total: Weighted sums, shape (D, p or more).
        people: Forms by flag in each domain; ``n`` is all forms.
        domain: Domain of each row, sorted, shape (R,).
        cell: Cell of each row, shape (R,).
        part: Weighted sums of each row, shape (R, p).
        part_people: Forms by flag of each row, shape (R, q + 1).
        moment: Σ w² x xᵀ of each row, shape (R, p', p'), where single forms were drawn.
        stages: Stages by which the cells were drawn.
        p: The first p columns vary; those after them are totals only.
        scale: Rounding of the weights.
        credit: What calibration explains, if the sample was calibrated.
        replicas: Totals under each replicate weight, shape (K, D, p), if there are any.
        factors: Factor of each replicate's square, shape (K,).
        around_estimate: Whether squares are around the estimate (else around the replicates' mean).
        freedom: Degrees of freedom of given replicates in each domain, shape (D,).
        n_blank: Forms that are in no domain because a key is blank.
        alike: Which rows have a stated fraction and one weight, shape (R,), if weights differ.
    """

    keys: pd.DataFrame
    columns: tuple[str, ...]
    total: Floats
    people: pd.DataFrame
    domain: Ints
    cell: Ints
    part: Floats
    part_people: Floats
    moment: Floats | None
    stages: tuple[Stage, ...]
    p: int
    scale: WeightRounding
    credit: CalibrationTerms | None = None
    replicas: Floats | None = None
    factors: Floats | None = None
    around_estimate: bool = False
    freedom: Floats | None = None
    n_blank: int = 0
    alike: NDArray[np.bool_] | None = None

    @property
    def weighted(self) -> bool:
        """Whether the weights of the sample differ; equal ones are no weights."""
        return not self.scale.equal

    @property
    def simple(self) -> NDArray[np.bool_]:
        """Which domains are simple random samples: single forms of one stratum, equal weights."""
        d, unlike = len(self.keys), np.full(len(self.domain), self.weighted)
        if self.alike is not None:
            unlike &= ~self.alike
        is_plain = np.bincount(self.domain, weights=unlike, minlength=d) == 0
        rows = np.bincount(self.domain, minlength=d)
        return np.asarray((rows == 1) & is_plain & (self.moment is not None))


def count_forms(
    frame: pd.DataFrame, design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding
) -> Sums:
    """Count forms in whole numbers; this is the only pass over the forms.

    Σ round(w x / step) by (domain, cell), in two folds, so that a 53-bit number keeps all its
    bits. Source: rules V8 and V9 in docs/method.md.
    """
    number, table = _number_cells(frame, design, by)
    rows, p = len(table), len(columns.names)
    sums = Sums(
        table,
        np.zeros((p, 2, rows), np.int64).transpose(2, 0, 1),  # a column is contiguous
        np.zeros((len(columns.flags) + 1, rows), np.int64).T,
        None
        if design.cluster_columns or design.single_forms
        else np.zeros(
            (rows, *[p - columns.n_fixed] * 2, columns.count_folds(scale)),
            np.int32 if columns.counts_people(scale) else np.int64,
        ),
    )
    if design.domain is not None:  # cells without a form of the domain keep their place
        frame, number = frame[design.domain], number[design.domain]
    step = min(max(CELLS // p, FEWEST), SLICE)
    for start in watch(range(0, len(frame), step)):
        here = slice(start, start + step)
        _count_slice(frame.iloc[here], number[here], sums, (design, columns, scale))
    return sums


def _count_slice(
    forms: pd.DataFrame, number: Ints, into: Sums, how: tuple[Design, Columns, WeightRounding]
) -> None:
    """Add a slice of forms to the sums; small enough to stay in the processor's cache."""
    design, columns, scale = how
    weight = _count_weight_steps(forms, design, scale)
    add, most = choose_adder(number, len(into.table)), int(np.bincount(number).max())
    varied: list[NDArray[Any]] = []
    for at, column in enumerate(columns.make(forms)):
        x, top = np.asarray(column, dtype=float), float(columns.largest[at])
        y = x if weight is None else x * weight
        folds = tuple(fold / scale.step for fold in scale.fold_steps(top, columns.whole[at]))
        bound = top * (scale.largest / scale.step + 1)
        add_folds(add, y, folds, into.counts[:, at], bound=bound, most=most)
        if into.moments is not None and at < len(columns.names) - columns.n_fixed:
            varied.append(x.astype(np.float32) if columns.binary else x)  # 0 and 1 are exact
    marks: Iterable[Floats] = columns.mark(forms)
    if weight is not None and not weight.all():  # a form of weight 0 counts in n alone
        marks = [mark * (weight > 0) for mark in marks]
    for at, mark in enumerate([*marks, np.ones(len(forms))]):
        people = into.people[:, at, None]
        add_folds(add, np.asarray(mark, dtype=float), (1.0,), people, bound=1.0, most=most)
    if into.moments is None or not varied:
        return
    squares = np.ones(len(forms)) if weight is None else (weight * scale.step) ** 2
    if columns.binary:
        _add_binary_moments(number, varied, squares, scale=scale, into=into.moments)
    else:
        _add_moments(add, varied, squares, columns=columns, scale=scale, into=into.moments)


def _number_cells(
    frame: pd.DataFrame, design: Design, by: Sequence[str]
) -> tuple[Ints, pd.DataFrame]:
    """Number the (domain, cell) of each form; return the numbers and one table row for each."""
    domain, keys = number_domains(frame, design.domain, by)
    is_whole_sample = frame is design.frame
    cell, cells = design.cells if is_whole_sample else number_rows(frame, design.cell_columns)
    width = max(len(cells), 1)
    code = np.where(domain < 0, len(keys), domain) * width + np.maximum(cell, 0)
    number, pairs = number_codes(code, (len(keys) + 1) * width)
    at_domain, at_cell = np.divmod(pairs, width)
    if (cell < 0).any():
        raise DesignError("design_blank", columns=", ".join(design.cell_columns))
    table = cells[design.cell_columns].iloc[at_cell].reset_index(drop=True)
    table[CELL_COLUMN] = at_cell if design.single_forms else 0
    for name in by:
        table[f"{KEY_PREFIX}{name}"] = keys[name].reindex(at_domain).array
    return number, table


def _count_weight_steps(
    frame: pd.DataFrame, design: Design, scale: WeightRounding
) -> Floats | None:
    """Return how many steps each weight is, a whole number; None where all weights are 1."""
    if design.weights is None or (scale.equal and scale.largest == 1):
        return None
    weight = frame[design.weights].to_numpy(dtype=float)
    return np.asarray(np.floor(weight / scale.step + 0.5))


def _add_moments(
    add: Adder,
    varied: Sequence[Floats],
    squares: Floats,
    *,
    columns: Columns,
    scale: WeightRounding,
    into: Ints,
) -> None:
    """Add the second moments of a few columns of any values, pair by pair."""
    for a in range(len(varied)):
        for b in range(a, len(varied)):
            top, whole = columns.largest[a] * columns.largest[b], columns.whole[a]
            folds = scale.fold_steps(float(top), bool(whole and columns.whole[b]), power=2)
            part = np.zeros((len(into), 2), np.int64)
            y, bound = (
                squares * varied[a] * varied[b],
                float(top) * (scale.largest + scale.step) ** 2,
            )
            add_folds(add, y, folds, part, bound=bound, most=len(y))
            into[:, a, b] += part
            if a != b:
                into[:, b, a] += part


def _add_binary_moments(
    number: Ints,
    varied: Sequence[NDArray[Any]],
    squares: Floats,
    *,
    scale: WeightRounding,
    into: Ints,
) -> None:
    """Add the second moments of many columns of 0 and 1: one matrix product for each row.

    All products are whole numbers, with weights below 2**53 and without below 2**24, so floats
    hold them exactly in any order; single ones are enough without weights.
    """
    order, ones, rest = np.argsort(number, kind="stable"), np.array(varied), squares
    if (number[1:] < number[:-1]).any():
        ones, rest = ones[:, order], rest[order]
    present, starts = np.unique(number[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    for fold, step in enumerate(scale.fold_steps(1.0, True, power=2)):
        whole = np.floor(rest / step + 0.5)
        rest = rest - whole * step
        weighted = ones if (whole == 1).all() else ones * whole
        for row, a, b in zip(present, starts, ends, strict=True):
            product = weighted[:, a:b] @ ones[:, a:b].T.astype(weighted.dtype, copy=False)
            into[row, :, :, fold] += product.astype(into.dtype)


def add_sums(parts: Sequence[Sums]) -> Sums:
    """Add the sums of chunks, files or workers, in any order because they are whole numbers."""
    return parts[0] if len(parts) == 1 else _add_rows(parts)


def drop_keys(sums: Sums, before: Sequence[str], by: Sequence[str]) -> Sums:
    """Return the sums by some of the keys: rows that differ only in the others are added."""
    dropped = [f"{KEY_PREFIX}{name}" for name in before if name not in by]
    return _add_rows([replace(sums, table=sums.table.drop(columns=dropped))])


def _add_rows(parts: Sequence[Sums]) -> Sums:
    """Return sums in which each row of the tables stands once."""
    table = pd.concat([part.table for part in parts], ignore_index=True)
    number = table.groupby([*table.columns], dropna=False, sort=False).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    _, starts = np.unique(number[order], return_index=True)
    first_rows = table.iloc[order[starts]].reset_index(drop=True)

    def added(arrays: Sequence[Ints]) -> Ints:
        return np.add.reduceat(np.concatenate(arrays)[order], starts, axis=0)

    moments = [part.moments for part in parts if part.moments is not None]
    return Sums(
        first_rows,
        added([part.counts for part in parts]),
        added([part.people for part in parts]),
        added(moments) if moments else None,
    )


def convert_sums(
    sums: Sums, design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding
) -> Block:
    """Turn whole sums into a block: sorted domains, cells with their stages, totals as floats.

    Raises:
        DesignError: The sample contradicts its declaration.
    """
    table = sums.table
    cell_keys = [*design.cell_columns, CELL_COLUMN]
    cell, cells = number_rows(table, cell_keys)
    if (cell < 0).any():
        raise DesignError("design_blank", columns=", ".join(design.cell_columns))
    if design.single_forms:
        cell = table[CELL_COLUMN].to_numpy()
    cells[COUNT_COLUMN] = np.bincount(cell, weights=sums.people[:, -1], minlength=len(cells))
    key_columns = [f"{KEY_PREFIX}{name}" for name in by]
    domain, keys = number_rows(table, key_columns) if by else (np.zeros(len(table), np.int64), None)
    order = np.lexsort((cell, domain))
    order = order[np.searchsorted(domain[order], 0) :]
    domains = pd.DataFrame(index=range(min(1, len(order)))) if keys is None else keys[key_columns]
    domain_of_row = domain[order]
    starts = np.searchsorted(domain_of_row, np.arange(len(domains)))
    n_blank = int(sums.people[domain < 0, -1].sum())
    has_fractions = bool(design.fpc_columns) and not design.on_files
    counts, people = sums.counts[order], sums.people[order]
    whole = np.add.reduceat(counts, starts, axis=0) if len(order) else counts[:0]
    marks = np.add.reduceat(people, starts, axis=0) if len(order) else people[:0]
    return Block(
        keys=_restore_types(domains.set_axis(list(by), axis=1), design),
        columns=columns.names,
        total=_unfold_totals(whole, marks, columns, scale),
        people=pd.DataFrame(marks, columns=[*columns.flags, "n"]),
        domain=domain_of_row,
        cell=cell[order],
        part=_unfold_totals(counts, people, columns, scale),
        part_people=people.astype(float),
        moment=_unfold_moments(sums.moments, order, columns, scale),
        stages=find_stages(design.declaration, cells) if design.on_files else design.stages,
        p=len(columns.names) - columns.n_fixed,
        scale=scale,
        n_blank=n_blank,
        alike=design.alike_cells[cell[order]] if has_fractions else None,
    )


def _unfold_totals(counts: Ints, people: Ints, columns: Columns, scale: WeightRounding) -> Floats:
    """Return folded totals as floats.

    Where the first fold may be above 2**53, it is rounded; so the second is first brought below
    one step of the first, and sums that were parted in another way give the same bits (V9).
    """
    steps = _list_steps(columns, scale)
    if people[:, -1].max(initial=0) > EXACT_FORMS:
        ratio = np.divide(steps[:, 0], steps[:, 1], out=np.ones(len(steps)), where=steps[:, 1] > 0)
        whole_ratio = ratio.astype(np.int64)
        carried = np.where(steps[:, 1] > 0, counts[..., 1] // whole_ratio, 0)
        low = counts[..., 1] - carried * whole_ratio
        counts = np.stack([counts[..., 0] + carried, low], axis=2)
    return np.asarray(counts[..., 0] * steps[:, 0] + counts[..., 1] * steps[:, 1])


def _list_steps(columns: Columns, scale: WeightRounding) -> Floats:
    """Return the steps of both folds of each column, shape (p, 2)."""
    steps = [
        (*scale.fold_steps(float(top), whole), 0.0)[:2]
        for top, whole in zip(columns.largest, columns.whole, strict=True)
    ]
    return np.array(steps).reshape(-1, 2)


def _restore_types(keys: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Return the keys with the types of the frame: whole numbers became floats beside blanks."""
    if design.on_files:
        return keys
    return keys.astype({name: design.frame[name].dtype for name in keys})


def _unfold_moments(
    moments: Ints | None, order: Ints, columns: Columns, scale: WeightRounding
) -> Floats | None:
    """Return folded second moments as floats, in the order of these rows; None where none are."""
    if moments is None:
        return None
    if not np.array_equal(order, np.arange(len(moments))):  # else large moments are not copied
        moments = moments[order]
    p = moments.shape[1]
    if columns.binary:
        first, *second = scale.fold_steps(1.0, True, power=2)
        total = moments[..., 0] * first
        return np.asarray(total + moments[..., 1] * second[0] if second else total)
    step = np.zeros((p, p, 2))
    for a in range(p):
        for b in range(p):
            top, whole = columns.largest[a] * columns.largest[b], columns.whole[a]
            folds = scale.fold_steps(float(top), bool(whole and columns.whole[b]), power=2)
            step[a, b] = (*folds, 0.0)[:2]
    return np.asarray((moments * step).sum(axis=3))
