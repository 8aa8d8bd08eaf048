"""Three likelihoods and the one search that fits them: linear, binary logit, ordered logit.

A family returns the log-likelihood of each form, its slope by every parameter, and minus the second
derivative of the weighted sum. The search is Newton's with halved steps; it either ends at a
maximum or says that there is none. Not for other links: what a report prints must be explained.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from scipy.special import expit, xlogy

from sipas_analysis.infer.design import Floats

Family = Literal["gaussian", "binomial", "ordinal"]
Likelihood = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats, Floats]]
MOST_STEPS = 60
FORMS_PER_SLICE = 2**14  # forms whose sums are made at a time
MANY_FORMS = 2**18
CONVERGED = 1e-7  # a last move of this size leaves an error of its square
LEAST_CURVATURE = 1e-9  # bend per form below it: the likelihood has no top, groups are separated


def gaussian_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return −½(y − xβ)² and x(y − xβ) of each form, and Σwxxᵀ."""
    rest = y - x @ params
    return -0.5 * rest**2, x * rest[:, None], (x * w[:, None]).T @ x


def binomial_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return log P(y) and x(y − μ) of each form, and Σwμ(1 − μ)xxᵀ, with logit μ = xβ."""
    line = x @ params
    small = np.exp(-np.abs(line))  # never overflows; μ and log(1 − μ) follow from it
    mu = np.where(line > 0, 1.0, small) / (1 + small)
    likely = y * line - np.maximum(line, 0.0) - np.log1p(small)
    return likely, x * (y - mu)[:, None], (x * (w * mu * (1 - mu))[:, None]).T @ x


def ordinal_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the same of an ordered logit: logit P(y ≤ c) = θ_c − xβ, y = 0 … q.

    Parameters are the slopes β, then the cut points θ. With a, b the upper and lower cut of a
    form less its xβ: P = F(a) − F(b), and each derivative is one by a and by b.
    """
    k = x.shape[1]
    cuts = np.concatenate([[-np.inf], params[k:], [np.inf]])
    level, line = y.astype(np.int64), x @ params[:k]
    a, b = cuts[level + 1] - line, cuts[level] - line
    side = np.where(a + b > 0, -1.0, 1.0)  # F(a) − F(b) = F(−b) − F(−a), without cancelling
    upper, lower = expit(side * a), expit(side * b)
    chance = side * (upper - lower)
    if not (chance > 0).all():
        return np.full(len(y), -np.inf), x[:, :0], np.zeros((0, 0))
    slope_a, slope_b = upper * (1 - upper) / chance, lower * (1 - lower) / chance
    bend_a = side * (1 - 2 * upper) * slope_a - slope_a**2
    bend_b = -side * (1 - 2 * lower) * slope_b - slope_b**2
    both = slope_a * slope_b
    score = np.zeros((len(y), k + len(cuts) - 2))
    score[:, :k] = -x * (slope_a - slope_b)[:, None]
    for c in range(len(cuts) - 2):
        score[:, k + c] = np.where(level == c, slope_a, 0.0) - np.where(level == c + 1, slope_b, 0)
    bend = _ordinal_hessian(x, level, w, (bend_a, bend_b, both), len(cuts) - 2)
    return np.log(chance), score, -bend


def _ordinal_hessian(
    x: Floats,
    level: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    w: Floats,
    bends: tuple[Floats, Floats, Floats],
    q: int,
) -> Floats:
    """Return the second derivatives of the ordered logit, shape (k + q, k + q)."""
    bend_a, bend_b, both = (w * it for it in bends)
    k = x.shape[1]
    found = np.zeros((k + q, k + q))
    found[:k, :k] = x.T @ (x * (bend_a + bend_b + 2 * both)[:, None])
    for c in range(q):
        at, above = level == c, level == c + 1
        mixed = -(bend_a + both)[at] @ x[at] - (bend_b + both)[above] @ x[above]
        found[:k, k + c] = found[k + c, :k] = mixed
        found[k + c, k + c] = bend_a[at].sum() + bend_b[above].sum()
        if c:
            found[k + c, k + c - 1] = found[k + c - 1, k + c] = both[at].sum()
    return found


LIKELIHOODS: dict[Family, Likelihood] = {
    "gaussian": gaussian_likelihood,
    "binomial": binomial_likelihood,
    "ordinal": ordinal_likelihood,
}


def guess_parameters(family: Family, k: int, y: Floats, w: Floats) -> Floats:
    """Return parameters to start from: no slope, cut points where the answers' shares put them."""
    if family != "ordinal":
        return np.zeros(k)
    share = np.bincount(y.astype(np.int64), weights=w) / w.sum()
    below = np.cumsum(share)[:-1]
    return np.concatenate([np.zeros(k), np.log(below / (1 - below))])


def null_log_likelihood(family: Family, y: Floats, w: Floats) -> float:
    """Return the largest Σw log P(y) without any predictor: of the mean, or of the shares."""
    if family == "gaussian":
        return float(-0.5 * (w @ (y - w @ y / w.sum()) ** 2))
    if family == "binomial":
        share = w @ y / w.sum()
        return float(w.sum() * (xlogy(share, share) + xlogy(1 - share, 1 - share)))
    held = np.bincount(y.astype(np.int64), weights=w)
    return float(xlogy(held, held / w.sum()).sum())


def slice_forms(n: int) -> Iterator[slice]:
    """Yield the forms piece by piece; what is made of a piece stays in the processor's cache."""
    return (slice(begin, begin + FORMS_PER_SLICE) for begin in range(0, n, FORMS_PER_SLICE))


def _sum_likelihood(
    family: Family, params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[float, Floats, Floats]:
    """Return Σw log P, its slope and minus its bend, slice by slice so that all stays in cache."""
    value, slope, bend = 0.0, np.zeros(len(params)), np.zeros((len(params), len(params)))
    for here in slice_forms(len(y)):
        likely, score, own = LIKELIHOODS[family](params, x[here], y[here], w[here])
        value += float(w[here] @ likely)
        if not np.isfinite(value):
            return -np.inf, slope, bend
        slope, bend = slope + w[here] @ score, bend + own
    return value, slope, bend


def maximise_likelihood(
    family: Family, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats, Floats] | None:
    """Return where the likelihood is largest: parameters, likelihood, slopes, minus its bend.

    Args:
        family: Which likelihood.
        x: Standardised predictors, shape (n, k).
        y: Outcome, shape (n,); for ``ordinal`` whole numbers from 0.
        w: Weights with mean 1, shape (n,).

    Returns:
        None where no maximum was reached: the outcome's groups are separated, or the predictors
        determine one another.
    """
    found = _search_maximum(family, x, y, w, guess_parameters(family, x.shape[1], y, w))
    if found is None:
        return None
    params, bend = found
    likely, score = np.empty(len(y)), np.empty((len(y), len(params)))
    for here in slice_forms(len(y)):
        likely[here], score[here], _ = LIKELIHOODS[family](params, x[here], y[here], w[here])
    return params, likely, score, bend


def _search_maximum(
    family: Family, x: Floats, y: Floats, w: Floats, params: Floats
) -> tuple[Floats, Floats] | None:
    """Return the parameters at the maximum and minus the bend there; many forms start from a few.

    Every 32nd form tells where to start, so that all are looked at three times instead of seven.
    """
    if len(y) > MANY_FORMS and family != "gaussian":
        few_x, few_y, few_w = (np.ascontiguousarray(it[::32]) for it in (x, y, w))
        some = _search_maximum(family, few_x, few_y, few_w, params)
        params = params if some is None else some[0]
    value, slope, bend = _sum_likelihood(family, params, x, y, w)
    for _ in range(MOST_STEPS):
        try:
            move = np.linalg.solve(bend, slope)
        except np.linalg.LinAlgError:
            return None
        for _ in range(MOST_STEPS):
            new = _sum_likelihood(family, params + move, x, y, w)
            if new[0] >= value - 1e-10 * abs(value):
                break
            move = move / 2
        params, (value, slope, bend) = params + move, new
        if not np.isfinite(params).all():
            return None
        if np.abs(move).max(initial=0.0) < CONVERGED * (1 + np.abs(params).max(initial=0.0)):
            flat = np.linalg.eigvalsh(bend)[0] < LEAST_CURVATURE * len(y)
            return None if flat and family != "gaussian" else (params, bend)
    return None
