"""Wald's statistic, and tail probabilities of Σ λ_j z_j² over χ²_d / d, the law of Rao–Scott.

Under a design the likelihood ratio of a model that ignores the design is a sum of squared normals
with factors λ, not a χ²; divided by an estimated variance with d degrees of freedom it is an F-like
ratio (as R ``pchisqsum`` and ``pFsum``).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import chi2_tail, f_tail, normal_tail

Approximation = Literal["saddlepoint", "satterthwaite"]
NEAR_END = 0.99999  # of the interval in which the saddlepoint lies
NEAR_MEAN = 1e-4  # a saddlepoint nearer to 0 has no approximation
ROOT_TOLERANCE = 1e-8  # of R `uniroot`; p then has the digits of R


def wald_statistic(gap: Floats, covariance: Floats) -> float:
    """Return W = g′V⁻¹g of estimates that should be 0; NaN where V is unknown or singular."""
    variance = np.diagonal(covariance)
    if np.isnan(covariance).any() or not (variance > 0).all():
        return float("nan")
    correlations = covariance / np.sqrt(np.outer(variance, variance))  # whatever the units
    if np.linalg.matrix_rank(correlations) < len(gap):
        return float("nan")
    return float(gap @ np.linalg.solve(covariance, gap))


def mixture_tail(
    statistic: float, factors: Floats, df: float, method: Approximation = "saddlepoint"
) -> float:
    """Return P(Σ λ_j z_j² > statistic · χ²_d/d); with infinite d, P(Σ λ_j z_j² > statistic).

    Args:
        statistic: Value of the statistic, 0 or more.
        factors: λ, positive, shape (q,).
        df: d, degrees of freedom of the denominator; may be infinite.
        method: ``saddlepoint`` (Lugannani and Rice; Satterthwaite where it has none),
            or ``satterthwaite`` (F or χ² with the same mean and variance).

    Source: rule D10 in docs/method.md; Rao and Scott (1984), doi:10.1214/aos/1176346391; Kuonen
        (1999), doi:10.1093/biomet/86.4.929.

    Example:
        >>> import numpy as np
        >>> round(mixture_tail(3.84145882069412, np.array([1.0]), np.inf, "satterthwaite"), 6)
        0.05
    """
    if not np.isfinite(statistic) or not df > 0 or not (factors > 0).all():
        return float("nan")
    if np.isinf(df):
        values, counts, bound = factors, np.ones(len(factors)), statistic
    else:
        values = np.append(factors, -statistic / df)
        counts, bound = np.append(np.ones(len(factors)), np.floor(df)), 0.0  # whole, as in R
    is_saddle = method == "saddlepoint" and statistic > 0
    chance = _approximate_tail(bound, values, counts) if is_saddle else float("nan")
    return _match_moments(statistic, factors, df) if np.isnan(chance) else chance


def _match_moments(statistic: float, factors: Floats, df: float) -> float:
    """Return the tail of the F or χ² that has the mean and variance of the sum."""
    mean = factors.mean()
    spread = (factors**2).mean() / mean**2
    numerator = len(factors) / spread
    if np.isinf(df):
        return chi2_tail(statistic / (mean * spread), numerator)
    return f_tail(statistic / (mean * len(factors)), numerator, df)


def _approximate_tail(bound: float, values: Floats, counts: Floats) -> float:
    """Return the saddlepoint approximation of P(Σ λ χ²_count > bound); NaN near the mean."""
    largest = values.max()
    values, bound = values / largest, bound / largest
    positive, negative = values[values > 0], values[values < 0]
    if len(negative):
        low = float((1 / (2 * negative)).max()) * NEAR_END
    else:
        low = -0.01 if bound > counts @ values else -counts.sum() / (2 * bound)
    high = float((1 / (2 * positive)).min()) * NEAR_END

    def differentiate(point: float) -> float:
        return float(counts @ (values / (1 - 2 * point * values))) - bound

    if not differentiate(low) < 0 < differentiate(high):
        return float("nan")
    point = _find_root(differentiate, low, high)
    if abs(point) < NEAR_MEAN:
        return float("nan")
    generating = -float(counts @ np.log(1 - 2 * point * values)) / 2
    curvature = 2 * float(counts @ (values / (1 - 2 * point * values)) ** 2)
    w = np.sign(point) * np.sqrt(2 * (point * bound - generating))
    v = point * np.sqrt(curvature)
    return float(normal_tail(np.asarray(w + np.log(v / w) / w)))


def _find_root(function: Callable[[float], float], a: float, b: float) -> float:
    """Return the root between a and b by Brent's method, with the steps of R ``uniroot``.

    Source: Brent (1973), Algorithms for Minimization without Derivatives, section 4.
    """
    f_a, f_b = function(a), function(b)
    c, f_c = a, f_a
    while True:
        before = b - a
        if abs(f_c) < abs(f_b):
            a, b, c = b, c, b
            f_a, f_b, f_c = f_b, f_c, f_b
        least = 2 * np.finfo(float).eps * abs(b) + ROOT_TOLERANCE / 2
        step = (c - b) / 2
        if abs(step) <= least or f_b == 0:
            return b
        if abs(before) >= least and abs(f_a) > abs(f_b):
            step = _interpolate((a, b, c), (f_a, f_b, f_c), before, least)
        if abs(step) < least:
            step = least if step > 0 else -least
        a, f_a = b, f_b
        b += step
        f_b = function(b)
        if f_b * f_c > 0:
            c, f_c = a, f_a


def _interpolate(
    points: tuple[float, float, float],
    values: tuple[float, float, float],
    before: float,
    least: float,
) -> float:
    """Return the step of an inverse parabola or a secant where it is short enough, else half."""
    (a, b, c), (f_a, f_b, f_c) = points, values
    width, ratio = c - b, f_b / f_a
    if a == c:
        p, q = width * ratio, 1 - ratio
    else:
        q, other = f_a / f_c, f_b / f_c
        p = ratio * (width * q * (q - other) - (b - a) * (other - 1))
        q = (q - 1) * (other - 1) * (ratio - 1)
    p, q = (p, -q) if p > 0 else (-p, q)
    short = p < 0.75 * width * q - abs(least * q) / 2 and p < abs(before * q / 2)
    return p / q if short else width / 2
