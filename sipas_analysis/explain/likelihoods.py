"""Likelihoods (linear, binary, ordered and multinomial logit, Poisson) and the search of maxima.

A likelihood returns the log-likelihood of each form, its gradient by every parameter, and the
information (minus the Hessian) of the weighted sum. The search is Newton's method with halved
steps; it returns a maximum, or None if there is no maximum. Other links are not offered, because
a report must explain its models.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logsumexp, xlogy

from sipas_analysis.infer.design import Floats, Ints

Family = Literal["gaussian", "binomial", "ordinal", "poisson", "multinomial"]
Likelihood = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats, Floats]]
MOST_STEPS = 60
FORMS_PER_SLICE = 2**14
MANY_FORMS = 2**18
CONVERGED = 1e-7  # after a last step of this size, the error is about its square
LEAST_CURVATURE = 1e-9  # information per form below it: no maximum, groups are separated


def gaussian_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return −½(y − xβ)² and x(y − xβ) of each form, and Σwxxᵀ."""
    residual = y - x @ params
    return -0.5 * residual**2, x * residual[:, None], (x * w[:, None]).T @ x


def binomial_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return log P(y) and x(y − μ) of each form, and Σwμ(1 − μ)xxᵀ, with logit μ = xβ."""
    linear = x @ params
    small = np.exp(-np.abs(linear))  # never overflows; μ and log(1 − μ) follow from it
    mu = np.where(linear > 0, 1.0, small) / (1 + small)
    log_likelihood = y * linear - np.maximum(linear, 0.0) - np.log1p(small)
    return log_likelihood, x * (y - mu)[:, None], (x * (w * mu * (1 - mu))[:, None]).T @ x


def poisson_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return −½ deviance and x(y − μ) of each form, and Σwμxxᵀ, with log μ = xβ.

    The deviance is that of a log-likelihood that is 0 where μ = y, so that the share it explains
    is the same for counts and, with the exposure as weight, for rates.
    """
    linear = x @ params
    with np.errstate(over="ignore"):  # too long a step: −∞, and the step is halved
        mu = np.exp(linear)
    log_likelihood = y * linear - mu - (xlogy(y, y) - y)
    return log_likelihood, x * (y - mu)[:, None], (x * (w * mu)[:, None]).T @ x


def multinomial_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the same of a multinomial logit: log P(y = j)/P(y = 0) = xβ_j, j = 1 … q.

    Parameters are β_1, then β_2, and so on; with p_j = P(y = j) the gradient is x(1[y = j] − p_j)
    and the information of β_j and β_l is Σw(p_j·1[j = l] − p_j·p_l)xxᵀ.
    """
    n, k = x.shape
    linear = np.column_stack([np.zeros(n), x @ params.reshape(-1, k).T])
    log_chance = linear - logsumexp(linear, axis=1, keepdims=True)
    chance = np.exp(log_chance[:, 1:])
    level = y.astype(np.int64)
    chosen = level[:, None] == np.arange(1, linear.shape[1])
    gradient = ((chosen - chance)[:, :, None] * x[:, None, :]).reshape(n, -1)
    by_answer = (chance[:, :, None] * x[:, None, :]).reshape(n, -1)
    information = -(by_answer * w[:, None]).T @ by_answer
    for j, weight in enumerate((w[:, None] * chance).T):
        here = slice(j * k, (j + 1) * k)
        information[here, here] += (x * weight[:, None]).T @ x
    return log_chance[np.arange(n), level], gradient, information


def ordinal_likelihood(
    params: Floats, x: Floats, y: Floats, w: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the same of an ordinal logit: logit P(y ≤ c) = θ_c − xβ, y = 0 … q.

    Parameters are the slopes β, then the cut points θ. With a, b the upper and lower cut of a
    form less its xβ: P = F(a) − F(b), and each derivative is one by a and by b.
    """
    k = x.shape[1]
    cuts = np.concatenate([[-np.inf], params[k:], [np.inf]])
    level, linear = y.astype(np.int64), x @ params[:k]
    a, b = cuts[level + 1] - linear, cuts[level] - linear
    side = np.where(a + b > 0, -1.0, 1.0)  # F(a) − F(b) = F(−b) − F(−a), without cancelling
    upper, lower = expit(side * a), expit(side * b)
    chance = side * (upper - lower)
    if not (chance > 0).all():
        return np.full(len(y), -np.inf), x[:, :0], np.zeros((0, 0))
    slope_a, slope_b = upper * (1 - upper) / chance, lower * (1 - lower) / chance
    second = _SecondDerivatives(
        by_a=w * (side * (1 - 2 * upper) * slope_a - slope_a**2),
        by_b=w * (-side * (1 - 2 * lower) * slope_b - slope_b**2),
        by_both=w * (slope_a * slope_b),
    )
    gradient = np.zeros((len(y), k + len(cuts) - 2))
    gradient[:, :k] = -x * (slope_a - slope_b)[:, None]
    for c in range(len(cuts) - 2):
        below = np.where(level == c, slope_a, 0.0)
        gradient[:, k + c] = below - np.where(level == c + 1, slope_b, 0)
    return np.log(chance), gradient, -_ordinal_hessian(x, level, second, len(cuts) - 2)


@dataclass(frozen=True)
class _SecondDerivatives:
    """Weighted second derivatives of each form's log P by its upper cut a and lower cut b."""

    by_a: Floats
    by_b: Floats
    by_both: Floats


def _ordinal_hessian(x: Floats, level: Ints, second: _SecondDerivatives, n_cuts: int) -> Floats:
    """Return the second derivatives of the ordinal logit, shape (k + n_cuts, k + n_cuts)."""
    by_a, by_b, by_both = second.by_a, second.by_b, second.by_both
    k = x.shape[1]
    hessian = np.zeros((k + n_cuts, k + n_cuts))
    hessian[:k, :k] = x.T @ (x * (by_a + by_b + 2 * by_both)[:, None])
    for c in range(n_cuts):
        at, above = level == c, level == c + 1
        mixed = -(by_a + by_both)[at] @ x[at] - (by_b + by_both)[above] @ x[above]
        hessian[:k, k + c] = hessian[k + c, :k] = mixed
        hessian[k + c, k + c] = by_a[at].sum() + by_b[above].sum()
        if c:
            hessian[k + c, k + c - 1] = hessian[k + c - 1, k + c] = by_both[at].sum()
    return hessian


LIKELIHOODS: dict[Family, Likelihood] = {
    "gaussian": gaussian_likelihood,
    "binomial": binomial_likelihood,
    "ordinal": ordinal_likelihood,
    "poisson": poisson_likelihood,
    "multinomial": multinomial_likelihood,
}


def count_parameters(family: Family, k: int, y: Floats) -> int:
    """Return the number of parameters of a model of k predictors."""
    levels = int(y.max()) + 1 if family in ("ordinal", "multinomial") else 0
    return k * (levels - 1) if family == "multinomial" else k + max(levels - 1, 0)


def guess_parameters(family: Family, x: Floats, y: Floats, w: Floats) -> Floats:
    """Return start values of the parameters.

    Slopes are 0, cut points from the shares of answers; a Poisson model starts from the linear
    model of log((y + ȳ)/2), because 0 may be far from large counts.
    """
    if family == "poisson":
        root = np.sqrt(w)
        near = np.log((y + w @ y / w.sum()) / 2)
        return np.asarray(np.linalg.lstsq(x * root[:, None], near * root, rcond=None)[0])
    k = x.shape[1]
    if family != "ordinal":
        return np.zeros(count_parameters(family, k, y))
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
    if family == "poisson":
        return float(w @ xlogy(y, w @ y / w.sum()) - w @ xlogy(y, y))
    counts = np.bincount(y.astype(np.int64), weights=w)
    return float(xlogy(counts, counts / w.sum()).sum())


def slice_forms(n: int) -> Iterator[slice]:
    """Yield slices of n forms, so small that their results stay in the processor's cache."""
    return (slice(begin, begin + FORMS_PER_SLICE) for begin in range(0, n, FORMS_PER_SLICE))


@dataclass(frozen=True)
class _Sums:
    """Σw log P at some parameters, its gradient, and its information (minus the Hessian)."""

    log_likelihood: float
    gradient: Floats
    information: Floats


def _sum_likelihood(family: Family, params: Floats, x: Floats, y: Floats, w: Floats) -> _Sums:
    """Return the sums over all forms, slice by slice; −∞ where a form is impossible."""
    size = len(params)
    total, gradient, information = 0.0, np.zeros(size), np.zeros((size, size))
    for here in slice_forms(len(y)):
        log_likelihood, by_form, part = LIKELIHOODS[family](params, x[here], y[here], w[here])
        total += float(w[here] @ log_likelihood)
        if not np.isfinite(total):
            return _Sums(-np.inf, gradient, information)
        gradient, information = gradient + w[here] @ by_form, information + part
    return _Sums(total, gradient, information)


@dataclass(frozen=True)
class Maximum:
    """The maximum of a likelihood.

    Attributes:
        params: Parameters, shape (q,).
        log_likelihood: Log-likelihood of each form, shape (n,).
        gradient: Gradient of each form by each parameter, shape (n, q).
        information: Minus the Hessian of the weighted sum, shape (q, q).
    """

    params: Floats
    log_likelihood: Floats
    gradient: Floats
    information: Floats


def maximise_likelihood(family: Family, x: Floats, y: Floats, w: Floats) -> Maximum | None:
    """Find the maximum of the likelihood.

    Args:
        family: Which likelihood.
        x: Standardised predictors, shape (n, k).
        y: Outcome, shape (n,); for ``ordinal`` and ``multinomial`` whole numbers from 0.
        w: Weights with mean 1, shape (n,).

    Returns:
        None where no maximum was reached: the outcome's groups are separated, or the predictors
        determine one another.
    """
    peak = search_maximum(family, x, y, w, guess_parameters(family, x, y, w))
    if peak is None:
        return None
    params, information = peak
    log_likelihood, gradient = np.empty(len(y)), np.empty((len(y), len(params)))
    for here in slice_forms(len(y)):
        log_likelihood[here], gradient[here], _ = LIKELIHOODS[family](
            params, x[here], y[here], w[here]
        )
    return Maximum(params, log_likelihood, gradient, information)


def search_maximum(
    family: Family, x: Floats, y: Floats, w: Floats, params: Floats
) -> tuple[Floats, Floats] | None:
    """Return the parameters at the maximum and the information there.

    With many forms the search starts on every 32nd form. All forms are then read three times
    instead of seven.
    """
    if len(y) > MANY_FORMS and family != "gaussian":
        few_x, few_y, few_w = (np.ascontiguousarray(array[::32]) for array in (x, y, w))
        first_peak = search_maximum(family, few_x, few_y, few_w, params)
        params = params if first_peak is None else first_peak[0]
    sums = _sum_likelihood(family, params, x, y, w)
    for _ in range(MOST_STEPS):
        try:
            step = np.linalg.solve(sums.information, sums.gradient)
        except np.linalg.LinAlgError:
            return None
        least = sums.log_likelihood - 1e-10 * abs(sums.log_likelihood)
        for _ in range(MOST_STEPS):
            sums = _sum_likelihood(family, params + step, x, y, w)
            if sums.log_likelihood >= least:
                break
            step = step / 2
        params = params + step
        if not np.isfinite(params).all():
            return None
        if np.abs(step).max(initial=0.0) < CONVERGED * (1 + np.abs(params).max(initial=0.0)):
            size = w @ y if family == "poisson" else len(y)
            flat = np.linalg.eigvalsh(sums.information)[0] < LEAST_CURVATURE * size
            return None if flat and family != "gaussian" else (params, sums.information)
    return None
