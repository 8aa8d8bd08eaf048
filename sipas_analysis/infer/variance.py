"""One variance for every estimate: influence by cell of the sample, added up stage by stage.

An estimate is a smooth function of totals; its gradient turns the totals of each cell into the
cell's influence z. Var = Σ_h (1 − f_h)·n_h/(n_h − 1)·Σ_c (z_hc − z̄_h)² at the first stage (V1), and
so on inside clusters where fractions are stated (V2). The same z gives every covariance (V7).
"""

import numpy as np
from scipy import sparse

from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.stages import Stage
from sipas_analysis.infer.totals import Block

ROWS = 256


def estimate_variance(totals: Block, gradient: Floats, answered: Floats | None = None) -> Floats:
    """Return the variance of one estimate in each domain.

    Args:
        totals: D domains, p columns.
        gradient: Gradient of the estimate by total, shape (D, p).
        answered: People of each row who answered; rows without any do not count.

    Returns:
        Shape (D,), in squared units of the estimate; NaN where nothing was drawn twice.

    Source: rules V1, V2 and V5 in docs/method.md; Särndal, Swensson, Wretman (1992), section 5.6.
    """
    d = len(totals.keys)
    if not totals.stages:
        return np.zeros(d)
    used = np.flatnonzero((gradient != 0).any(axis=0))
    slope = np.take(gradient.T[used], totals.domain, axis=1).T  # a column is contiguous
    if totals.credit is not None:
        return np.asarray(estimate_covariance(totals, expand_gradient(gradient)).diagonal())
    if totals.moment is not None:
        (stage,) = totals.stages
        squares, noise = _square_rows(slope, totals.moment, used)
        group = stage.group[totals.cell]
        sums = np.einsum("rp,rp->r", slope, totals.part[:, used])
        squares = squares - np.where(stage.mean[group], sums**2 / stage.n[group], 0.0)
        return _add_groups(stage, totals.domain, group, np.where(squares > noise, squares, 0.0), d)
    z = np.einsum("rp,rp->r", slope, totals.part[:, used])
    some = np.full(len(z), True) if answered is None else answered > 0
    z, domain, cell = z[some], totals.domain[some], totals.cell[some]
    variance = np.zeros(d)
    for stage in totals.stages:
        unit = stage.unit[cell]
        starts = _find_starts(domain, unit)
        z_unit = _sum_runs(z, starts)
        at, group = domain[starts], stage.group[unit[starts]]
        begins = _find_starts(at, group)
        drawn, n = np.diff(np.append(begins, len(at))), stage.n[group[begins]]
        mean = np.where(stage.mean[group[begins]], _sum_runs(z_unit, begins) / n, 0.0)
        squares = _sum_runs((z_unit - np.repeat(mean, drawn)) ** 2, begins) + (n - drawn) * mean**2
        variance += _add_groups(stage, at[begins], group[begins], squares, d)
    return variance


def _square_rows(slope: Floats, moment: Floats, used: Ints) -> tuple[Floats, Floats]:
    """Return Σ w² z² of each row from its second moments, and what rounding may make of it."""
    squares, noise = np.zeros((2, len(slope)))
    for start in range(0, len(slope), ROWS):  # second moments of all rows at once are large
        rows = slice(start, start + ROWS)
        here, part = slope[rows], moment[rows, used[:, None], used]
        squares[rows] = np.einsum("rp,rpq,rq->r", here, part, here)
        noise[rows] = np.einsum("rp,rpq,rq->r", abs(here), abs(part), abs(here)) * 1e-14
    return squares, noise


def _find_starts(first: Ints, second: Ints) -> Ints:
    """Return where the pair changes in two sorted arrays."""
    change = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return np.concatenate([np.zeros(min(len(first), 1), np.int64), np.flatnonzero(change) + 1])


def _sum_runs(values: Floats, starts: Ints) -> Floats:
    return np.add.reduceat(values, starts) if len(starts) else values[:0]


def _add_groups(stage: Stage, domain: Ints, group: Ints, squares: Floats, d: int) -> Floats:
    """Add scaled squares of the groups of each domain; scale them up for groups left out (V5)."""
    scaled = stage.scale[group] * squares
    variance: Floats = np.bincount(domain, weights=scaled, minlength=d).astype(np.float64)
    if not stage.left.any():
        return variance
    n_groups = np.bincount(domain, minlength=d)
    n_kept = np.bincount(domain, weights=~stage.left[group], minlength=d)
    return np.asarray(
        variance * np.divide(n_groups, n_kept, out=np.full(d, np.nan), where=n_kept > 0)
    )


def expand_gradient(gradient: Floats) -> sparse.csr_array:
    """Expand the gradient of one estimate, shape (D, p), to all totals: shape (D, D·p).

    Columns that count are stored even where their slope is 0.
    """
    d, p = gradient.shape
    used = np.flatnonzero((gradient != 0).any(axis=0))
    to = (np.arange(d)[:, None] * p + used).ravel()
    ends = np.arange(d + 1) * len(used)
    return sparse.csr_array((gradient[:, used].ravel(), to, ends), shape=(d, d * p))


def estimate_covariance(totals: Block, influence: sparse.csr_array) -> Floats:
    """Return the covariance of estimates that share a sample (V7).

    Args:
        totals: D domains, p columns.
        influence: Slope of each of E estimates by each total, shape (E, D·p).

    Returns:
        Shape (E, E).
    """
    if not totals.stages:
        return np.zeros((influence.shape[0],) * 2)
    if totals.moment is not None and totals.credit is None:
        return _covariance_from_moments(totals, influence)
    z: sparse.csr_array = _expand_totals(totals) @ influence.T
    if totals.credit is not None:
        levels = totals.credit.cross.transpose(1, 0, 2).reshape(-1, influence.shape[1])
        explained = totals.credit.cell_margins @ (totals.credit.sweep @ (influence @ levels.T).T)
        z = sparse.csr_array(z.toarray() - explained)
    matrix = np.zeros((influence.shape[0],) * 2)
    for stage in totals.stages:
        z_unit = _make_indicator(stage.unit, len(stage.group)) @ z
        sums = _make_indicator(stage.group, len(stage.n)) @ z_unit
        stage_matrix = _multiply_crosswise(z_unit, stage.scale[stage.group])
        stage_matrix -= _multiply_crosswise(sums, stage.scale * stage.mean / stage.n)
        if stage.left.any():
            groups = _find_touched(totals, influence, stage)[1] != 0
            n_groups = np.asarray(groups.sum(axis=0), dtype=float)
            n_kept = np.asarray(groups[~stage.left].sum(axis=0), dtype=float)
            factor = np.sqrt(
                np.divide(n_groups, n_kept, out=np.full_like(n_groups, np.nan), where=n_kept > 0)
            )
            stage_matrix = stage_matrix * np.outer(factor, factor)
        matrix += stage_matrix
    return matrix


def _covariance_from_moments(totals: Block, influence: sparse.csr_array) -> Floats:
    """Return the covariance where single forms were drawn: different domains share only strata."""
    assert totals.moment is not None
    (stage,) = totals.stages
    group, p = stage.group[totals.cell], totals.p
    matrix = np.zeros((influence.shape[0],) * 2)
    rows = np.arange(len(totals.domain) + 1) * p
    at = (totals.domain[:, None] * p + np.arange(p)).ravel()
    wide = sparse.csr_array(
        (totals.part[:, :p].ravel(), at, rows), (len(totals.domain), influence.shape[1])
    )
    sums = _make_indicator(group, len(stage.n)) @ (wide @ influence.T)
    matrix -= _multiply_crosswise(sums, stage.scale * stage.mean / stage.n)
    slopes = influence.tocoo()
    estimate, total = slopes.coords
    at_domain = np.argsort(total // p, kind="stable")
    starts = np.searchsorted(total[at_domain] // p, np.arange(len(totals.keys) + 1))
    for row, domain in enumerate(totals.domain):
        entries = at_domain[starts[domain] : starts[domain + 1]]
        if len(entries):  # of the domains that matter
            who, place = np.unique(estimate[entries], return_inverse=True)
            dense = np.zeros((len(who), p))
            dense[place, total[entries] % p] = slopes.data[entries]
            inside = dense @ totals.moment[row] @ dense.T
            matrix[np.ix_(who, who)] += stage.scale[group[row]] * inside
    return matrix


def _expand_totals(totals: Block) -> sparse.csr_array:
    """Return the totals of each cell, by (domain, column): shape (C, D·p)."""
    p, cells = totals.p, len(totals.stages[0].unit) if totals.stages else 0
    to = (totals.domain[:, None] * p + np.arange(p)).ravel()
    shape = (cells, len(totals.keys) * p)
    return sparse.csr_array((totals.part[:, :p].ravel(), (np.repeat(totals.cell, p), to)), shape)


def _make_indicator(number: Ints, size: int) -> sparse.csr_array:
    n = len(number)
    return sparse.csr_array((np.ones(n), (number, np.arange(n))), (size, n))


def _multiply_crosswise(z: sparse.csr_array, factor: Floats) -> Floats:
    return np.asarray((z.T @ z.multiply(factor[:, None]).tocsr()).toarray())


def count_units(totals: Block, answered: Floats) -> tuple[Floats, Floats]:
    """Count the units and strata of the first stage in which each domain has answers (V3).

    Args:
        totals: D domains, R rows.
        answered: People of each row who answered, shape (R,).

    Returns:
        Units and strata, shape (D,) each; degrees of freedom are their difference. Under
        replicates made from the design only strata count whose units are all there, at least
        one: the difference is the rank of the domain's replicate weights less 1, as in R.
    """
    d = len(totals.keys)
    if not totals.stages:
        return np.zeros(d), np.zeros(d)
    stage, some = totals.stages[0], answered > 0
    domain, unit = totals.domain[some], stage.unit[totals.cell[some]]
    strata = _count_distinct(domain, stage.group[unit], d)
    if totals.moment is not None:
        people = np.bincount(totals.domain, weights=answered, minlength=d)
        return people.astype(np.float64), strata
    if totals.replicas is not None:
        strata = np.maximum(_count_complete_strata(stage, domain, unit, d), 1.0)
    return _count_distinct(domain, unit, d), strata


def _count_complete_strata(stage: Stage, domain: Ints, unit: Ints, d: int) -> Floats:
    """Count the strata of which each domain has all units."""
    first = _find_starts(domain, unit)
    at, group = domain[first], stage.group[unit[first]]
    begins = _find_starts(at, group)
    drawn = np.diff(np.append(begins, len(at)))
    complete = drawn == stage.n[group[begins]]
    return np.bincount(at[begins], weights=complete, minlength=d).astype(np.float64)


def _count_distinct(domain: Ints, number: Ints, d: int) -> Floats:
    """Count the distinct numbers in each domain; both come sorted."""
    return np.bincount(domain[_find_starts(domain, number)], minlength=d).astype(float)


def count_joint_units(totals: Block, influence: sparse.csr_array) -> tuple[Floats, Floats]:
    """Count the units and strata behind estimates that join several domains, shape (E,) each."""
    units, strata = _find_touched(totals, influence, totals.stages[0])
    groups = np.asarray((strata != 0).sum(axis=0), dtype=float)
    if totals.moment is None:
        return np.asarray((units != 0).sum(axis=0), dtype=float), groups
    inside = _find_domains(totals, influence)
    people = totals.people.iloc[:, : max(totals.people.shape[1] - 1, 1)].max(axis=1)
    return np.asarray((inside != 0).T @ people.to_numpy(dtype=float)), groups


def _find_domains(totals: Block, influence: sparse.csr_array) -> sparse.csr_array:
    """Return which domains each estimate uses, shape (D, E)."""
    estimate, total = influence.tocoo().coords
    shape = (len(totals.keys), influence.shape[0])
    return sparse.csr_array((np.ones(len(total)), (total // totals.p, estimate)), shape)


def _find_touched(
    totals: Block, influence: sparse.csr_array, stage: Stage
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return which units and groups of a stage have forms of each estimate's domains."""
    shape = (len(stage.unit), len(totals.keys))
    ones = np.ones(len(totals.cell))
    rows = sparse.csr_array((ones, (totals.cell, totals.domain)), shape)
    units = _make_indicator(stage.unit, len(stage.group)) @ (
        rows @ _find_domains(totals, influence)
    )
    return units, _make_indicator(stage.group, len(stage.n)) @ units


def sampling_fraction(totals: Block) -> Floats:
    """Return the sampling fraction of each domain: that of its strata, by people."""
    if not totals.stages:
        return np.zeros(len(totals.keys))
    stage = totals.stages[0]
    fraction = stage.fraction[stage.group[stage.unit[totals.cell]]]
    n = totals.part_people[:, -1]
    sums = np.bincount(totals.domain, weights=fraction * n, minlength=len(totals.keys))
    return np.asarray(sums / np.maximum(np.bincount(totals.domain, weights=n), 1))


def whole_strata(totals: Block, people: Floats) -> Floats:
    """Return the population of each domain that is a whole simple stratum, else NaN (rule I3)."""
    unknown = np.full(len(totals.keys), np.nan)
    if not totals.stages or totals.moment is None or not len(totals.domain):
        return unknown
    stage, fraction = totals.stages[0], sampling_fraction(totals)
    first = np.searchsorted(totals.domain, np.arange(len(totals.keys)))
    drawn = stage.n[stage.group[totals.cell[first]]]
    whole = totals.simple & (fraction > 0) & (people == drawn)
    return np.where(whole, np.rint(people / np.where(whole, fraction, 1.0)), np.nan)
