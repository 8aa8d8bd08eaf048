"""Replicate weights, given with the data or made from the design (rule V4).

A replicate leaves out, halves or redraws clusters. The error of an estimate comes from its
differences between replicates. Replicates made from the design need no second pass over the forms:
the totals of clusters are added with other factors. Do not use replicates for ranks (rule R2), nor
the jackknife for medians.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, Floats, Replicates
from sipas_analysis.infer.domains import number_domains
from sipas_analysis.infer.exact_sums import add_folds, choose_adder, weight_scale
from sipas_analysis.infer.stages import CENSUS, Stage
from sipas_analysis.infer.totals import Block, Columns

RANK_TOLERANCE = 1e-5
ADJUSTED = "\0replicate"  # begins the names of columns of weights that were calibrated


def add_replicates(totals: Block, design: Design, by: Sequence[str], columns: Columns) -> Block:
    """Return the block with its totals under each replicate weight.

    Raises:
        DesignError: Replicates cannot be made from the design, or columns do not fit it.
    """
    replicates = design.declared_replicates
    assert replicates is not None
    if replicates.columns:
        replicas, freedom = _total_replicates(totals, design, replicates, by, columns)
        factors = _find_factors(design, replicates, totals.stages[0])
        return replace(
            totals,
            replicas=replicas,
            factors=factors,
            around_estimate=replicates.mse,
            freedom=freedom,
        )
    stage = totals.stages[0]
    multiplier, factors = make_multipliers(stage, replicates)
    p, d = totals.total.shape[1], len(totals.keys)
    to = (totals.domain[:, None] * p + np.arange(p)).ravel()
    unit = np.repeat(stage.unit[totals.cell], p)
    wide = sparse.csr_array((totals.part.ravel(), (unit, to)), (len(stage.group), d * p))
    replicas = np.asarray((sparse.csr_array(multiplier) @ wide).toarray()).reshape(-1, d, p)
    return replace(totals, replicas=replicas, factors=factors, around_estimate=replicates.mse)


class FormReplicates(NamedTuple):
    """Replicate weights of forms.

    Attributes:
        weights: One column for each replicate, shape (n, K).
        factors: Factor of each square, shape (K,).
        around_estimate: Whether squares are around the estimate, else around the mean.
        df: Rank of the weights less 1, as R ``degf``.
    """

    weights: Floats
    factors: Floats
    around_estimate: bool
    df: float

    def covariance(self, values: Floats, estimate: Floats) -> Floats:
        """Return the covariance of estimates, shape (k,), from their values, shape (K, k)."""
        centre = estimate if self.around_estimate else None
        return covariance_of_replicates(values, self.factors, centre)


def covariance_of_replicates(values: Floats, factors: Floats, centre: Floats | None) -> Floats:
    """Return Σ factor · (replicate − centre)(replicate − centre)ᵀ, shape (k, k).

    Args:
        values: Estimates under each replicate, shape (K, k); a replicate without is left out.
        factors: Factor of each square, shape (K,).
        centre: Estimates of the sample, shape (k,); the mean of the replicates if none.
    """
    there = np.isfinite(values).all(axis=1)
    if centre is None:
        centre = values[there & (factors > 0)].mean(axis=0)
    deviation = (values[there] - centre) * np.sqrt(factors[there])[:, None]
    return np.asarray(deviation.T @ deviation)


def weigh_forms(design: Design) -> FormReplicates:
    """Return the replicate weights of all forms; the rank is that of ``Design.members``.

    Source: rule V4 in docs/method.md.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"town": [1, 1, 2]})
        >>> weigh_forms(Design(frame, clusters="town", replicates="JK1")).weights.T.tolist()
        [[0.0, 0.0, 2.0], [2.0, 2.0, 0.0]]
    """
    replicates, stage = design.declared_replicates, design.stages[0]
    assert replicates is not None
    if replicates.columns:
        weights = _read_weights(design, replicates)
        factors = _find_factors(design, replicates, stage)
    else:
        multiplier, factors = make_multipliers(stage, replicates)
        weights = multiplier.T[stage.unit[design.cells[0]]] * design.weight[:, None]
    df = rank_weights(weights[design.members]) - 1.0
    return FormReplicates(weights, factors, replicates.mse, df)


def rank_weights(weights: Floats) -> int:
    """Return the rank of replicate weights, shape (n, K).

    As R ``qr`` with a tolerance of 1e-5: a column counts if what the columns before it leave of it
    is longer than 1e-5 of its length, so that weights rounded in a file do not raise the rank.
    """
    gram = weights.T @ weights
    length = np.sqrt(np.diagonal(gram))
    length = np.where(length > 0, length, 1.0)
    gram = gram / np.outer(length, length)
    rank = 0
    for column in range(len(gram)):
        if gram[column, column] > RANK_TOLERANCE**2:
            rank += 1
            gram = gram - np.outer(gram[column], gram[column]) / gram[column, column]
    return rank


def make_multipliers(stage: Stage, replicates: Replicates) -> tuple[Floats, Floats]:
    """Return the factor of each first-stage unit in each replicate, and of each square.

    JK1 and JKn leave one unit out and scale up the others of its stratum, n/(n−1), with
    (1 − f)(n − 1)/n as factor of the square; BRR doubles one of two units by a Hadamard matrix,
    Fay by 2 − ρ and ρ; the Rao–Wu bootstrap draws n − 1 of n units.

    Returns:
        Shapes (K, C) and (K,).

    Source: rule V4 in docs/method.md; Rao and Wu (1988), doi:10.1080/01621459.1988.10478591.
    """
    if replicates.kind in ("JK1", "JKn"):
        return _make_jackknife(stage, replicates)
    if replicates.kind in ("BRR", "Fay"):
        return _make_half_samples(stage, replicates)
    return _make_bootstrap(stage, replicates)


def _make_jackknife(stage: Stage, replicates: Replicates) -> tuple[Floats, Floats]:
    if replicates.kind == "JK1" and len(stage.n) > 1:
        raise DesignError("replicates_strata", kind="JK1", n=len(stage.n))
    left_out = np.flatnonzero((stage.fraction < CENSUS)[stage.group] & stage.mean[stage.group])
    group = stage.group[left_out]
    same = group[:, None] == stage.group
    n = stage.n[group]
    factor = np.where(same, (n / (n - 1))[:, None], 1.0)
    factor[np.arange(len(left_out)), left_out] = 0.0
    rscales = replicates.rscales if replicates.rscales is not None else 1.0
    return factor, (replicates.scale or 1.0) * np.asarray(rscales) * (1 - stage.fraction[group]) * (
        n - 1
    ) / n


def _make_half_samples(stage: Stage, replicates: Replicates) -> tuple[Floats, Floats]:
    if (stage.n != 2).any():
        raise DesignError("replicates_pairs", kind=replicates.kind, n=int((stage.n != 2).sum()))
    size = 2 ** int(np.ceil(np.log2(len(stage.n) + 1)))
    signs = linalg.hadamard(size)[:, 1 : len(stage.n) + 1]
    second = np.concatenate([[False], stage.group[1:] == stage.group[:-1]])
    reach = 1.0 if replicates.kind == "BRR" else 1.0 - replicates.fay
    factor = 1 + reach * signs[:, stage.group] * np.where(second, -1.0, 1.0)
    return factor, np.full(size, 1 / (size * reach**2))


def _make_bootstrap(stage: Stage, replicates: Replicates) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(replicates.seed)
    factor = np.ones((replicates.count, len(stage.group)))
    for group, n in enumerate(stage.n.astype(int)):
        at = np.flatnonzero(stage.group == group)
        if n < 2 or stage.fraction[group] >= CENSUS:
            continue
        times = rng.multinomial(n - 1, np.full(n, 1 / n), size=replicates.count)
        reach = np.sqrt(1 - stage.fraction[group])
        factor[:, at] = 1 - reach + reach * n / (n - 1) * times
    return factor, np.full(replicates.count, 1 / (replicates.count - 1))


def _total_replicates(
    totals: Block, design: Design, replicates: Replicates, by: Sequence[str], columns: Columns
) -> tuple[Floats, Floats]:
    """Return totals under given weights, shape (K, D, p), and degrees of freedom, shape (D,)."""
    frame = design.frame
    weights = _read_weights(design, replicates)
    number = number_domains(frame, design.domain, by)[0]
    d = len(totals.keys)
    inside = number >= 0
    add = choose_adder(number[inside], d)
    values = [np.asarray(x, dtype=float) for x in columns.make(frame[inside])]
    replicas = np.empty((weights.shape[1], d, len(values)))
    for k, weight in enumerate(weights.T):
        largest = float(np.abs(weight).max())  # calibration may turn the sign of a weight
        scale = weight_scale(len(frame), largest, largest, False)
        rounded = np.floor(weight / scale.step + 0.5)[inside] * scale.step
        for at, x in enumerate(values):
            folds = scale.fold_steps(float(columns.largest[at]), columns.whole[at])
            into = np.zeros((d, 2), np.int64)
            bound = float(columns.largest[at]) * (scale.largest + scale.step)
            add_folds(add, rounded * x, folds, into, bound=bound, most=len(x))
            replicas[k, :, at] = (into * np.array((*folds, 0.0)[:2])).sum(axis=1)
    order = [np.flatnonzero(number == domain) for domain in range(d)]
    ranks = [rank_weights(weights[rows]) - 1.0 for rows in order]
    return replicas, np.array(ranks)


def _read_weights(design: Design, replicates: Replicates) -> Floats:
    """Return given replicate weights, shape (n, K), checked."""
    weights = design.frame[list(replicates.columns)].to_numpy(dtype=float)
    is_adjusted = all(str(name).startswith(ADJUSTED) for name in replicates.columns)
    is_right = np.isfinite(weights) & ((weights >= 0) | is_adjusted)
    if not is_right.all():
        row, column = np.argwhere(~is_right)[0]
        raise DesignError("replicates_value", column=replicates.columns[column], row=int(row) + 1)
    return np.asarray(weights if replicates.combined else weights * design.weight[:, None])


def _find_factors(design: Design, replicates: Replicates, stage: Stage) -> Floats:
    """Return the factor of each square, by kind (as R ``svrepdesign``)."""
    k = len(replicates.columns)
    units = len(stage.group) if design.cluster_columns else 0
    strata = len(stage.n) if design.strata else 0
    wrong = (
        (replicates.rscales is not None and len(replicates.rscales) not in (1, k))
        or (replicates.kind in ("JK1", "JKn") and units not in (0, k))
        or (replicates.kind in ("BRR", "Fay") and k < strata)
    )
    if wrong:
        raise DesignError(
            "replicates_number", kind=replicates.kind, found=k, units=units, strata=strata
        )
    scales = {
        "JK1": (k - 1) / k,
        "JKn": 1.0,
        "BRR": 1 / k,
        "bootstrap": 1 / max(k - 1, 1),
        "Fay": 1 / (k * (1 - replicates.fay) ** 2),
        "JK2": 1.0,
        "ACS": 4 / k,
        "successive-difference": 4 / k,
        "other": 1.0,
    }
    rscales: object = replicates.rscales if replicates.rscales is not None else 1.0
    if replicates.kind == "JKn" and replicates.rscales is None:
        if replicates.combined:
            raise DesignError("replicates_rscales")
        rscales = 1 / design.frame[list(replicates.columns)].max().to_numpy(dtype=float)
    scale = scales[replicates.kind] if replicates.scale is None else replicates.scale
    return np.broadcast_to(scale * np.asarray(rscales, dtype=float), (k,)).copy()
