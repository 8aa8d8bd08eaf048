"""Fit a model of factors to a correlation matrix by maximum likelihood, with its slopes.

The slopes of the parameters by the correlations carry the error of any correlations (Pearson's or
polychoric, of any design) to loadings and omega. Fit measures are those of R ``lavaan`` (rule D12).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats

LEAST_UNIQUE = 0.005  # smallest variance of an item of its own, as in R psych::fa
CLOSE_FIT = 0.05  # RMSEA of a close fit (Browne and Cudeck 1993)
RMSEA_TAIL = 0.05  # the interval of RMSEA holds 90 % by custom
STEP = 1e-5  # of the central differences of the gradient
STEEP = 1e-4  # slope of the discrepancy from which a point is no minimum
LEAST_CURVATURE = 1e-7  # below, some parameters could change together without a worse fit


@dataclass(frozen=True)
class FactorFit:
    """A fitted model of p items on q factors with variance 1, on the scale of correlations.

    Attributes:
        pattern: Whether an item loads on a factor, shape (p, q).
        observed: The correlation matrix that was fitted, shape (p, p).
        theta: Loadings (row by row), own variances of items, correlations of pairs of factors.
    """

    pattern: NDArray[np.bool_]
    observed: Floats
    theta: Floats

    @cached_property
    def _parts(self) -> tuple[Floats, Floats, Floats]:
        return _unpack_parameters(self.pattern, self.theta)

    @property
    def loading(self) -> Floats:
        """Loadings, 0 where an item does not load, shape (p, q)."""
        return self._parts[0]

    @property
    def correlation(self) -> Floats:
        """Correlations of the factors, shape (q, q)."""
        return self._parts[2]

    @property
    def is_at_bound(self) -> bool:
        """Whether an item has almost no variance of its own (a Heywood case)."""
        return bool(self._parts[1].min() <= LEAST_UNIQUE * 1.001)

    @property
    def is_improper(self) -> bool:
        """Whether factors correlate as no variables can, at 1 or more (R ``lavaan`` warns)."""
        return bool(np.linalg.eigvalsh(self.correlation)[0] <= 0)

    @property
    def implied(self) -> Floats:
        """The correlation matrix of the model, shape (p, p)."""
        loading, unique, correlation = self._parts
        return np.asarray(loading @ correlation @ loading.T + np.diag(unique))

    @cached_property
    def slopes(self) -> Floats:
        """Slope of each parameter by each correlation (pairs in order), shape (m, p(p−1)/2).

        At the minimum the gradient is 0, so dθ = −H⁻¹·(∂gradient/∂r)·dr; it is linear in r.
        """
        m, first = len(self.theta), np.triu_indices(len(self.observed), 1)
        hessian = _compute_hessian(self.pattern, self.theta, self.observed)
        base = _compute_discrepancy(self.theta, self.pattern, self.observed)[1]
        moved = np.empty((m, len(first[0])))
        for at, (row, column) in enumerate(zip(*first, strict=True)):
            other = self.observed.copy()
            other[row, column] = other[column, row] = other[row, column] + 1.0
            moved[:, at] = _compute_discrepancy(self.theta, self.pattern, other)[1] - base
        return np.asarray(-np.linalg.solve(hessian, moved))

    def measure_fit(self, n: float) -> dict[str, float]:
        """Return χ², its df and p, CFI, TLI, RMSEA with its 90 % interval, SRMR of n forms.

        χ² = n·F, F = ln|Σ| + tr(RΣ⁻¹) − ln|R| − p; RMSEA = √max(0, (χ² − df)/(n·df)), as lavaan.
        """
        p, log_size = len(self.observed), float(np.linalg.slogdet(self.observed)[1])
        df, base_df = p * (p + 1) / 2 - len(self.theta), p * (p - 1) / 2
        loss = _compute_discrepancy(self.theta, self.pattern, self.observed)[0] - log_size - p
        chi2, base = max(n * loss, 0.0) if df else 0.0, -n * log_size
        excess, base_excess = max(chi2 - df, 0.0), max(chi2 - df, base - base_df, 0.0)
        residual = (self.observed - self.implied)[np.tril_indices(p)]
        low, high = (_find_noncentrality(chi2, df, tail) for tail in (1 - RMSEA_TAIL, RMSEA_TAIL))
        scale = n * df if df else np.inf
        ratio = (base / base_df - chi2 / df) / (base / base_df - 1) if df else 1.0
        return {
            "chi2": chi2,
            "df": df,
            "p": float(special.chdtrc(df, chi2)) if df else np.nan,
            "cfi": 1 - excess / base_excess if base_excess > 0 else 1.0,
            "tli": ratio,
            "rmsea": float(np.sqrt(excess / scale)),
            "rmsea_low": float(np.sqrt(low / scale)),
            "rmsea_high": float(np.sqrt(high / scale)),
            "p_close": _find_close_tail(chi2, df, n),
            "srmr": float(np.sqrt((residual**2).mean())),
        }


def fit_factors(observed: Floats, pattern: NDArray[np.bool_]) -> FactorFit:
    """Fit loadings, own variances and correlations of factors by maximum likelihood.

    Minimises ln|Σ| + tr(RΣ⁻¹), Σ = ΛΦΛᵀ + Ψ: a search within bounds, then Newton's steps.

    Args:
        observed: A positive definite correlation matrix, shape (p, p).
        pattern: Which item loads on which factor, shape (p, q).

    Returns:
        The fit; the loadings of each factor add up to a positive number.

    Raises:
        DesignError: There is no minimum: too many factors for these items.
    """
    n_loadings, n_items, n_factors = int(pattern.sum()), *pattern.shape
    n_pairs = n_factors * (n_factors - 1) // 2
    bounds = [
        *[(-np.inf, np.inf)] * n_loadings,
        *[(LEAST_UNIQUE, np.inf)] * n_items,
        *[(-np.inf, np.inf)] * n_pairs,
    ]
    start = _find_start(observed, pattern)
    minimum = optimize.minimize(
        _compute_discrepancy,
        start,
        (pattern, observed),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 5000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-9},
    )
    theta = _polish_minimum(np.asarray(minimum.x, dtype=np.float64), pattern, observed, bounds)
    slope = _compute_discrepancy(theta, pattern, observed)[1]
    low, high = np.array(bounds).T
    is_inside = (theta > low * (1 + 1e-9)) & (theta < high)
    curvature = _compute_hessian(pattern, theta, observed)[np.ix_(is_inside, is_inside)]
    is_minimum = (
        np.isfinite(minimum.fun)
        and np.abs(slope[is_inside]).max(initial=0.0) < STEEP
        and np.linalg.eigvalsh(curvature)[0] > LEAST_CURVATURE
    )
    if not is_minimum:
        raise DesignError("structure_failed", n="–", items=n_items, factors=n_factors)
    return FactorFit(pattern, observed, _turn_factors(theta, pattern))


def _unpack_parameters(pattern: NDArray[np.bool_], theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return loadings (p, q), own variances (p,) and correlations of factors (q, q)."""
    n_loadings, n_items = int(pattern.sum()), len(pattern)
    loading, correlation = np.zeros(pattern.shape), np.eye(pattern.shape[1])
    loading[pattern] = theta[:n_loadings]
    first, second = np.triu_indices(pattern.shape[1], 1)
    correlation[first, second] = theta[n_loadings + n_items :]
    correlation[second, first] = theta[n_loadings + n_items :]
    return loading, theta[n_loadings : n_loadings + n_items], correlation


def _compute_discrepancy(
    theta: Floats, pattern: NDArray[np.bool_], observed: Floats
) -> tuple[float, Floats]:
    """Return ln|Σ| + tr(RΣ⁻¹) and its gradient, shape (m,); a large number where Σ is singular."""
    loading, unique, correlation = _unpack_parameters(pattern, theta)
    implied = loading @ correlation @ loading.T + np.diag(unique)
    sign, log_size = np.linalg.slogdet(implied)
    if sign <= 0:
        return 1e10, np.zeros(len(theta))
    inverse = np.linalg.inv(implied)
    gap = inverse - inverse @ observed @ inverse
    between = loading.T @ gap @ loading
    slope = np.concatenate(
        [
            2 * (gap @ loading @ correlation)[pattern],
            np.diagonal(gap),
            2 * between[np.triu_indices(pattern.shape[1], 1)],
        ]
    )
    return float(log_size + (observed * inverse).sum()), slope


def _compute_hessian(pattern: NDArray[np.bool_], theta: Floats, observed: Floats) -> Floats:
    """Return the second derivatives of the discrepancy by central differences, shape (m, m)."""
    steps = STEP * np.eye(len(theta))
    rows = [
        _compute_discrepancy(theta + step, pattern, observed)[1]
        - _compute_discrepancy(theta - step, pattern, observed)[1]
        for step in steps
    ]
    hessian = np.array(rows) / (2 * STEP)
    return np.asarray((hessian + hessian.T) / 2)


def _find_start(observed: Floats, pattern: NDArray[np.bool_]) -> Floats:
    """Return the first principal axis of the items of each factor, and the correlations of sums."""
    loading = np.zeros(pattern.shape)
    for factor, rows in enumerate(pattern.T):
        roots, axes = np.linalg.eigh(observed[np.ix_(rows, rows)])
        loading[rows, factor] = 0.8 * axes[:, -1] * np.sqrt(roots[-1])
    common = loading.T @ observed @ loading
    size = np.sqrt(np.diagonal(common))
    correlation = np.clip(common / np.outer(size, size), -0.8, 0.8)
    unique = np.clip(1 - (loading**2).sum(axis=1), 0.2, 0.9)
    pairs = correlation[np.triu_indices(pattern.shape[1], 1)]
    return np.concatenate([loading[pattern], unique, pairs])


def _polish_minimum(
    theta: Floats,
    pattern: NDArray[np.bool_],
    observed: Floats,
    bounds: list[tuple[float, float]],
) -> Floats:
    """Take Newton's steps while they make the slope smaller; parameters at a bound stay there."""
    low, high = np.array(bounds).T
    is_free = (theta > low * (1 + 1e-9)) & (theta < high)
    for _ in range(20):
        slope = np.where(is_free, _compute_discrepancy(theta, pattern, observed)[1], 0.0)
        hessian = _compute_hessian(pattern, theta, observed)[np.ix_(is_free, is_free)]
        step = np.zeros(len(theta))
        step[is_free] = np.linalg.lstsq(hessian, slope[is_free])[0]
        moved = np.clip(theta - step, low, high)
        next_slope = np.where(is_free, _compute_discrepancy(moved, pattern, observed)[1], 0.0)
        if not np.abs(next_slope).max() < np.abs(slope).max():
            break
        theta = moved
    return theta


def _turn_factors(theta: Floats, pattern: NDArray[np.bool_]) -> Floats:
    """Return the parameters with each factor turned so that its loadings add up to more than 0."""
    loading, unique, correlation = _unpack_parameters(pattern, theta)
    sign = np.where(loading.sum(axis=0) < 0, -1.0, 1.0)
    turned = (correlation * np.outer(sign, sign))[np.triu_indices(len(sign), 1)]
    return np.concatenate([(loading * sign)[pattern], unique, turned])


def _find_noncentrality(chi2: float, df: float, tail: float) -> float:
    """Return the λ with P(χ²(df, λ) ≤ χ²) = tail; 0 where no λ has it."""
    if df <= 0 or special.chdtr(df, chi2) < tail:
        return 0.0
    return float(
        optimize.brentq(
            lambda noncentral: special.chndtr(chi2, df, noncentral) - tail,
            0.0,
            10 * chi2 + 100,
            xtol=1e-12,
            rtol=1e-14,
        )
    )


def _find_close_tail(chi2: float, df: float, n: float) -> float:
    """Return p of RMSEA ≤ 0.05."""
    return float(1 - special.chndtr(chi2, df, n * df * CLOSE_FIT**2)) if df > 0 else np.nan
