"""Tails and quantiles of distributions, shape of the arguments; NaN without degrees of freedom.

They call ``scipy.special``: ``scipy.stats`` returns the same bits, but takes a second to import.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from sipas_analysis.infer.design import Floats


def t_quantile(p: ArrayLike, df: ArrayLike) -> Floats:
    """Return t with P(T ≤ t) = p."""
    return np.asarray(special.stdtrit(df, p), dtype=float)


def t_tail(t: Floats, df: ArrayLike) -> Floats:
    """Return P(T > t)."""
    return np.asarray(special.stdtr(df, -t), dtype=float)


def normal_quantile(p: ArrayLike) -> Floats:
    """Return z with P(Z ≤ z) = p."""
    return np.asarray(special.ndtri(p), dtype=float)


def normal_tail(z: Floats) -> Floats:
    """Return P(Z > z)."""
    return np.asarray(special.ndtr(-z), dtype=float)


def f_quantile(p: float, df: float, df_within: float) -> float:
    """Return f with P(F ≤ f) = p."""
    return float(special.fdtri(df, df_within, p))


def f_tail(f: float, df: float, df_within: float) -> float:
    """Return P(F > f)."""
    return float(special.fdtrc(df, df_within, f))


def chi2_tail(x: float, df: float) -> float:
    """Return P(X > x) of the chi-squared distribution."""
    return float(special.chdtrc(df, x))


def beta_binomial_tail(x: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """Return P(X ≥ x) of a count of n whose probability is Beta(a, b), shape (U,) each."""
    tails = np.empty(len(x))
    for at, (least, size, alpha, beta) in enumerate(zip(x, n, a, b, strict=True)):
        k = np.arange(least, size + 1)
        log_ways = -np.log(size + 1) - special.betaln(size - k + 1, k + 1)
        log_chance = special.betaln(k + alpha, size - k + beta) - special.betaln(alpha, beta)
        tails[at] = np.exp(log_ways + log_chance).sum()
    return tails
