"""Means of ratios of totals: the one kind of figure, with its variance and influence.

Items, factors, pooled and averaged indices and mean scores are all weighted means of ratios of
totals, so the same variance applies to all of them (rule V1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.totals import Block
from sipas_analysis.infer.variance import count_units, estimate_variance, expand_gradient


@dataclass(frozen=True)
class Mean:
    """Σᵣ shareᵣ · (total·topᵣ)/(total·bottomᵣ): r ratios over the p columns of a block.

    Attributes:
        share: Weights of the ratios, shape (r,), adding up to 1.
        top: Columns of the numerators, shape (r, p).
        bottom: Columns of the denominators, shape (r, p).
        nest: Which ratios share the weight of one part, as labels of shape (r,); innermost parts
            first. The weight of an empty ratio goes to the others of its part.
    """

    share: Floats
    top: Floats
    bottom: Floats
    nest: tuple[NDArray[np.int64], ...] = ()


def average_ratios(total: Floats, mean: Mean) -> tuple[Floats, Floats]:
    """Return value (D,) and gradient (D, p) of a mean of ratios of totals, shape (D, p).

    R = N/D per ratio; gradient Σᵣ shareᵣ (topᵣ − Rᵣ bottomᵣ)/Dᵣ. A ratio that nobody answered
    is left out and the other shares of its part are scaled up, then those of the whole; if
    all are empty the value is NaN. Without a bottom the value is Σᵣ shareᵣ Nᵣ, a total.
    """
    p = mean.top.shape[1]
    top = total[:, :p] @ mean.top.T
    if mean.bottom.size == 0:
        return top @ mean.share, np.tile(mean.share @ mean.top, (len(total), 1))
    bottom = total[:, :p] @ mean.bottom.T
    has_answers = bottom != 0
    safe = np.where(has_answers, bottom, 1.0)
    ratio = np.where(has_answers, top / safe, 0.0)
    share = np.where(has_answers, mean.share, 0.0)
    for labels in (*mean.nest, np.zeros(mean.share.size, np.int64)):
        share = _refill_shares(share, mean.share, labels)
    value = np.where(share.sum(axis=1) > 0, (share * ratio).sum(axis=1), np.nan)
    return value, (share / safe) @ mean.top - (share * ratio / safe) @ mean.bottom


Figure = Callable[[Floats], tuple[Floats, Floats]]  # totals (D, p) to values (D,), slopes (D, p)


@dataclass(frozen=True)
class Evaluated:
    """A figure in each of D domains, before its interval.

    Attributes:
        value: The figure; NaN where nobody answered.
        variance: NaN where there is no error (V3).
        df: Degrees of freedom; NaN where there is no error.
        people: Number of people who answered.
        influence: Slope of each value, see ``Estimates``.
    """

    value: Floats
    variance: Floats
    df: Floats
    people: Floats
    influence: sparse.csr_array


@dataclass(frozen=True)
class MeanEstimate(Evaluated):
    """A mean of ratios in each of D domains, before its interval.

    Attributes:
        numerator: Total of the numerator; NaN for a mean of several ratios.
        denominator: Sum of the totals of the denominators.
    """

    numerator: Floats
    denominator: Floats


def evaluate_mean(totals: Block, mean: Mean, answered: str = "n") -> MeanEstimate:
    """Return value, variance, df and influence of a mean of ratios in each domain.

    Args:
        totals: D domains, p columns.
        mean: r ratios over the same p columns.
        answered: Flag of the block that counts who answered.

    Returns:
        Arrays of shape (D,); variance and df are NaN where all who answered are in one cluster or
        no degree of freedom is left (V3).

    Source: rules V1, V3 and V4 in docs/method.md.

    Example:
        >>> import pandas as pd
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"s": [1.0, 1.0, 0.0, 0.0]})
        >>> sipas.mean(sipas.Design(frame), "s").frame["value"].tolist()
        [0.5]
    """
    evaluated = evaluate_figure(totals, partial(average_ratios, mean=mean), answered)
    p = mean.top.shape[1]
    total, n_bottoms = totals.total[:, :p], mean.bottom.size
    unknown = np.full(len(totals.keys), np.nan)
    return MeanEstimate(
        **vars(evaluated),
        numerator=(total @ mean.top.T)[:, 0] if mean.share.size == 1 else unknown,
        denominator=(total @ mean.bottom.T).sum(axis=1) if n_bottoms else unknown,
    )


def evaluate_figure(totals: Block, figure: Figure, answered: str = "n") -> Evaluated:
    """Return value, variance, df and influence of a smooth function of totals in each domain.

    Arguments and errors as ``evaluate_mean``; under replicate weights the function is computed
    again for each replicate (V4).
    """
    value, gradient = figure(totals.total)
    people = totals.people[answered].to_numpy(dtype=float)
    at = totals.people.columns.get_loc(answered)
    units, strata = count_units(totals, totals.part_people[:, at])
    df = units - strata
    if totals.replicas is None:
        variance = estimate_variance(totals, gradient[:, : totals.p], totals.part_people[:, at])
        influence = expand_gradient(gradient[:, : totals.p])
    else:
        deviations = _deviate_replicates(totals, totals.replicas, figure, value)
        variance, influence = (deviations**2).sum(axis=1), sparse.csr_array(deviations)
        df = df if totals.freedom is None else totals.freedom
    without_error = np.isnan(value) | (df <= 0) | ((units <= 1) & (totals.freedom is None))
    return Evaluated(
        value=value,
        variance=np.where(without_error, np.nan, np.maximum(variance, 0.0)),
        df=np.where(without_error, np.nan, df),
        people=people,
        influence=influence,
    )


def _deviate_replicates(totals: Block, replicas: Floats, figure: Figure, value: Floats) -> Floats:
    """Return the scaled deviation of each domain in each replicate, shape (D, K).

    A replicate without any weight in a domain is left out there, as in R.
    """
    assert totals.factors is not None
    values = np.stack([figure(replica)[0] for replica in replicas])
    counts = ~np.isnan(values) & (totals.factors > 0)[:, None]
    n_counts = counts.sum(axis=0)
    centre = np.where(counts, values, 0.0).sum(axis=0) / np.maximum(n_counts, 1)
    centre = value if totals.around_estimate else centre
    deviations = np.where(counts, values - centre, 0.0) * np.sqrt(totals.factors)[:, None]
    return np.asarray(np.where(n_counts > 0, deviations, np.nan).T)


def _refill_shares(share: Floats, wanted: Floats, labels: NDArray[np.int64]) -> Floats:
    """Scale shares (D, r) so that each label's add up to its wanted sum; 0 where all are empty."""
    inside = (labels[:, None] == np.unique(labels)).astype(np.float64)
    have = share @ inside
    factor = np.divide(wanted @ inside, have, out=np.zeros_like(have), where=have > 0)
    return np.asarray(share * (factor @ inside.T))
