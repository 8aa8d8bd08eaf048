"""Intervals of shares that are valid at 0 % and 100 %, where the usual intervals have no width.

If thirty people of thirty are satisfied, the exact interval is 88.4 to 100. With weights, strata
or clusters, the same interval is computed from the effective number of people. Rules I1 to I3 of
docs/method.md. Means of a scale have a t interval instead.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.special import betainccinv, betaincinv

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.ratio_means import MeanEstimate
from sipas_analysis.infer.stages import CENSUS

Method = Literal["exact", "beta", "logit", "wilson", "asin", "wald"]
NAMES_IN_R: dict[str, Method] = {"mean": "wald", "xlogit": "logit"}
ROUNDING = 1e-10  # a standard error at most this part of one person's is that of rounding
ROUNDING_OF_VALUE = 1e-14


def exact_interval(
    satisfied: Floats, n: Floats, level: float | Floats = 0.95
) -> tuple[Floats, Floats]:
    """Return the Clopper–Pearson interval of a share, for counts or effective counts.

    low = B(α/2; k, n−k+1), high = B(1−α/2; k+1, n−k), so 30 of 30 gives 0.8843 to 1. NaN
    where n is 0. Source: rule I1 in docs/method.md; doi:10.1093/biomet/26.4.404.

    Example:
        >>> low, high = exact_interval(np.array([30.0]), np.array([30.0]))
        >>> print(round(low[0], 4), high[0])
        0.8843 1.0
    """
    satisfied, n = np.asarray(satisfied, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        low = betaincinv(satisfied, n - satisfied + 1, (1 - level) / 2)
        high = betainccinv(satisfied + 1, n - satisfied, (1 - level) / 2)
        share = satisfied / n
    return np.where(share == 0, 0.0, low), np.where(share == 1, 1.0, high)


def finite_interval(
    satisfied: Floats, n: Floats, population: Floats, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the exact interval of a share in a finite population of N (rule I3).

    All numbers M of satisfied people in N that the hypergeometric distribution does not reject at
    α/2 on either side, as shares M/N; where all N answered, the share itself.

    Example:
        >>> low, high = finite_interval(*(np.array([float(k)]) for k in (80, 80, 100)))
        >>> print(low[0], high[0])
        0.98 1.0
    """
    tail = (1 - level) / 2
    k, n, size = (np.rint(np.asarray(count, float)) for count in (satisfied, n, population))
    low, high = _find_least(k, n, size, tail), size - _find_least(n - k, n, size, tail)
    with np.errstate(invalid="ignore", divide="ignore"):
        return low / size, high / size


def _find_least(k: Floats, n: Floats, size: Floats, tail: float) -> Floats:
    """Return the least M with P(X ≥ k | M of N, n drawn) > tail, by halving."""
    low, high = k.copy(), size - n + k
    while (low < high).any():
        from scipy import stats  # slow to import, and few samples need the module

        middle = np.floor((low + high) / 2)
        is_likely = stats.hypergeom.sf(k - 1, size, middle, n) > tail
        is_open = low < high
        high = np.where(is_open & is_likely, middle, high)
        low = np.where(is_open & ~is_likely, middle + 1, low)
    return np.asarray(low, dtype=float)


def simple_interval(
    share: Floats, people: Floats, population: Floats, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return the exact interval of a simple random sample; finite where N is stated (not NaN)."""
    counts = np.rint(np.nan_to_num(share) * people)
    is_stated = ~np.isnan(population)
    low, high = exact_interval(counts, people, level)
    size = np.where(is_stated, population, people)
    finite_low, finite_high = finite_interval(counts, people, size, level)
    return np.where(is_stated, finite_low, low), np.where(is_stated, finite_high, high)


def cap_effective_n(largest: Floats, fraction: Floats) -> Floats:
    """Return the cap of effective n: people (or answers) over 1 − f; all of them in a census."""
    return np.asarray(largest / np.where(fraction < CENSUS, 1 - fraction, 1.0))


def effective_n(
    share: Floats, variance: Floats, *, people: Floats, df: Floats, cap: Floats, level: float = 0.95
) -> Floats:
    """Return the Korn–Graubard effective number of forms behind a share.

    n* = p(1−p)/Var · (t_{n−1}/t_df)², capped; at 0 % and 100 %, n* = people · (t_{n−1}/t_df)²,
    capped at the people. Shapes (D,). Source: rules I1 and I2 in docs/method.md; Korn and
    Graubard (1998), Survey Methodology 24(2).
    """
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = (t_quantile(tail, people - 1) / t_quantile(tail, df)) ** 2
        inside = np.minimum(share * (1 - share) / variance * factor, cap)
        at_end = np.minimum(people * factor, people)
    return np.asarray(np.where((share <= 0) | (share >= 1), at_end, inside), dtype=float)


def raw_effective_n(share: Floats, variance: Floats, n_eff: Floats) -> Floats:
    """Return p(1−p)/Var, the effective n of R's Wilson interval; ``n_eff`` at 0 % and 100 %."""
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = share * (1 - share) / variance
    return np.asarray(np.where((share > 0) & (share < 1), raw, n_eff), dtype=float)


def drop_rounding(estimate: MeanEstimate, spread: Floats) -> MeanEstimate:
    """Return the estimate with variance 0 where the design or a margin fixes the figure.

    What is left of its variance is then rounding: a standard error of at most 1e-10 of one
    person's, √spread, or 1e-14 of the figure.

    Args:
        estimate: A figure in each of D domains.
        spread: Variance of one person's part in each, in its squared unit, shape (D,).
    """
    rounding = ROUNDING**2 * spread + (ROUNDING_OF_VALUE * estimate.value) ** 2
    with np.errstate(invalid="ignore"):
        variance = np.where(estimate.variance <= rounding, 0.0, estimate.variance)
    return replace(estimate, variance=variance)


def share_interval(
    method: Method,
    share: Floats,
    variance: Floats,
    *,
    df: Floats,
    n_eff: Floats,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return the interval of a share by one of the kinds of rule I1, shape (D,) each.

    ``beta``: Clopper–Pearson on n*; ``wilson``: Wilson's on n* with t; ``logit``: t on the log
    odds; ``asin``: t on arcsin √p; ``wald``: share ± t·se, which may pass 0 or 1, as in R. At 0 %
    and 100 %, where the last three have no width, ``beta`` is used.
    """
    exact = exact_interval(share * n_eff, n_eff, level)
    if method in ("exact", "beta"):
        return exact
    with np.errstate(invalid="ignore", divide="ignore"):
        t, se = t_quantile((1 + level) / 2, df), np.sqrt(variance)
        if method == "wilson":
            return _wilson_interval(share, n_eff, t)
    low, high = transformed_interval(method, share, se, t)
    without_width = (share <= 0) | (share >= 1) | ~(variance > 0)
    return np.where(without_width, exact[0], low), np.where(without_width, exact[1], high)


def transformed_interval(
    method: str, share: Floats, se: Floats, t: Floats
) -> tuple[Floats, Floats]:
    """Return the ``logit``, ``asin`` or ``wald`` interval of a share; NaN where it has no width."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if method == "logit":
            odds, half = np.log(share / (1 - share)), t * se / (share * (1 - share))
            return 1 / (1 + np.exp(half - odds)), 1 / (1 + np.exp(-half - odds))
        if method == "asin":
            angle, half = np.arcsin(np.sqrt(share)), t * se / (2 * np.sqrt(share * (1 - share)))
            return np.sin(angle - half) ** 2, np.sin(angle + half) ** 2
        return share - t * se, share + t * se


def _wilson_interval(share: Floats, n_eff: Floats, z: Floats) -> tuple[Floats, Floats]:
    middle = (share + z**2 / (2 * n_eff)) / (1 + z**2 / n_eff)
    half = z * np.sqrt(share * (1 - share) / n_eff + (z / (2 * n_eff)) ** 2)
    half = half / (1 + z**2 / n_eff)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def t_interval(
    value: Floats, variance: Floats, df: Floats, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return value ± t·se; NaN without degrees of freedom."""
    with np.errstate(invalid="ignore"):
        half = t_quantile((1 + level) / 2, np.where(df > 0, df, np.nan)) * np.sqrt(variance)
    return value - half, value + half
