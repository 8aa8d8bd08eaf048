"""Estimate units with few forms with the help of the other units, and report how much.

Partial pooling (A2, Fay–Herriot) moves each estimate towards the mean of the others, the more the
fewer people answered, and keeps the direct estimate of the parent. The pooled estimate is shown
beside the published index. Do not use it for fewer than about ten units. Give ``sizes``, so that
the variance of a unit is not estimated from its few forms only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from sipas_analysis.arguments import check_level, check_word, read_numbers
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import normal_quantile
from sipas_analysis.infer.result_table import ResultTable

Method = Literal["adjusted", "reml"]


def rank_values(value: Floats) -> "pd.Series[int]":
    """Return ranks, 1 = best; ties share the better rank (R1)."""
    return pd.Series(value).round(9).rank(method="min", ascending=False).astype("Int64")


@dataclass(frozen=True, eq=False, repr=False)
class SmallArea(ResultTable):
    """Estimates of small units, partly pooled with the others.

    Attributes:
        frame: One row per unit in the order given, see ``small_area``.
        sigma2: Variance between units beyond what covariates explain, never negative.
        beta: Coefficients of the covariates, the constant first.
        method: ``reml``, ``adjusted`` (REML gave 0), ``direct`` (too few units for a model) or
            ``none`` (no error is known).
    """

    index_name = "unit"
    frame: pd.DataFrame
    sigma2: float
    beta: Floats
    method: str

    def rank_chance(self, k: int, draws: int = 10_000, seed: int = 1) -> "pd.Series[float]":
        """Return P(rank ≤ k) of each unit, from draws of N(value, se²) (rule R4)."""
        value, se = (self.frame[name].to_numpy(dtype=float) for name in ("value", "se"))
        with_error = np.flatnonzero(~np.isnan(value + se))
        at = with_error[np.lexsort((se[with_error], value[with_error]))]
        noise = np.random.default_rng(seed).standard_normal((len(at), draws)) * se[at, None]
        ranks = np.argsort(np.argsort(-(value[at, None] + noise), axis=0), axis=0)
        chance = np.full(len(value), np.nan)
        chance[at] = (ranks < k).mean(axis=1)
        return pd.Series(chance, self.frame.index, name=f"rank_up_to_{k}")


def small_area(
    values: ArrayLike,
    variances: ArrayLike,
    covariates: ArrayLike | None = None,
    parents: ArrayLike | None = None,
    *,
    sizes: ArrayLike | None = None,
    method: Method = "adjusted",
    level: float = 0.95,
) -> SmallArea:
    """Pool the estimates of small units partly, by the Fay–Herriot model.

    θ̂ᵤ ~ N(θᵤ, Vᵤ), θᵤ ~ N(xᵤβ, σ²): θ̃ᵤ = γᵤθ̂ᵤ + (1 − γᵤ)xᵤβ̂ with γᵤ = σ²/(σ² + Vᵤ). σ² by REML; by
    the adjusted likelihood of Yoshimori and Lahiri where REML gives 0. MSE = g₁ + g₂ + 2g₃. With
    ``sizes`` every unit's Vᵤ = S²/nᵤ, S² = Σ(nᵤ − 1)nᵤV̂ᵤ / Σ(nᵤ − 1), so that a unit where all
    agree has an error; without ``sizes`` a variance of 0 or blank takes the others' mean.

    Args:
        values: Direct estimates, shape (p,); blank where nobody answered. A series keeps its index.
        variances: Their sampling variances, shape (p,).
        covariates: Known facts of each unit, shape (p, k); a constant is added.
        parents: Label of the larger unit of each, shape (p,): within it all estimates are moved by
            the same number so that their mean by size is that of the direct estimates.
        sizes: People behind each estimate, shape (p,); equal if left out.
        method: ``adjusted``: REML, and the adjusted likelihood where REML gives 0. ``reml``: a
            variance of 0 stays, so that nothing of the direct estimates does, as R ``sae``.
        level: Confidence of the intervals.

    Returns:
        ``value``, ``se``, ``low``, ``high``, ``direct``, ``direct_se``, ``variance`` (used),
        ``borrowed`` (1 − γ), ``shift`` (to meet the parent), ``rank`` and ``rank_direct``.

    Raises:
        DesignError: Shapes do not fit, a variance is negative, or covariates are collinear.

    Source: rules A2 and R4 in docs/method.md; Fay and Herriot (1979),
    doi:10.1080/01621459.1979.10482505; Datta and Lahiri (2000); Yoshimori and Lahiri (2014).

    Example:
        >>> pooled = small_area([80.0, 90.0, 100.0], [25.0, 25.0, 25.0])
        >>> pooled.frame["borrowed"].round(2).tolist()
        [0.25, 0.25, 0.25]
    """
    check_level(level)
    check_word(method, get_args(Method), "method")
    if parents is not None and np.shape(parents) != np.shape(values):
        raise DesignError(
            "pool_shape", role="parents", shape=np.shape(parents), units=np.size(values)
        )
    direct, variance, n = _check_inputs(values, variances, sizes)
    p = len(direct)
    x = np.ones((p, 1)) if covariates is None else _build_covariates(covariates, p)
    is_known = ~np.isnan(direct)
    v = smooth_variances(variance, n, is_known, sizes is not None)
    mixed = mix_estimates(direct, v, x, method)
    pooled, mse, gamma, fit = mixed.value, mixed.mse, mixed.gamma, mixed.fit
    shift = _shift_to_parents(direct, pooled, np.where(is_known, n, 0.0), parents)
    half = normal_quantile((1 + level) / 2) * np.sqrt(mse)
    frame = pd.DataFrame(
        {
            "value": pooled + shift,
            "se": np.sqrt(mse),
            "low": pooled + shift - half,
            "high": pooled + shift + half,
            "direct": direct,
            "direct_se": np.sqrt(variance),
            "variance": np.where(is_known, v, np.nan),
            "borrowed": 1 - gamma,
            "shift": shift,
        },
        index=values.index if isinstance(values, pd.Series) else None,
    )
    if parents is not None:
        frame.insert(0, "parent", np.asarray(parents))
    frame["rank"] = rank_values(frame["value"].to_numpy()).array
    frame["rank_direct"] = rank_values(direct).array
    return SmallArea(frame, fit.sigma2, fit.beta, fit.method)


@dataclass(frozen=True)
class MixedEstimates:
    """Pooled estimates before they are moved to those of parents, shape (p,) each.

    Attributes:
        value: γθ̂ + (1 − γ)xβ̂.
        mse: g₁ + g₂ + 2g₃.
        gamma: Weight of the direct estimate; 0 where there is none.
        fit: The model.
    """

    value: Floats
    mse: Floats
    gamma: Floats
    fit: "_Pooling"


def mix_estimates(
    direct: Floats, v: Floats, x: Floats | None = None, method: Method = "adjusted"
) -> MixedEstimates:
    """Mix estimates with those of the model, see ``small_area``.

    Args:
        direct: Direct estimates, shape (p,); blank where there is none.
        v: Their variances, without blanks.
        x: Covariates with the constant, shape (p, k); the constant if left out.
        method: As in ``small_area``.
    """
    x = np.ones((len(direct), 1)) if x is None else x
    is_known = ~np.isnan(direct)
    fit = _fay_herriot(direct[is_known], v[is_known], x[is_known], method)
    synthetic = x @ fit.beta
    with np.errstate(invalid="ignore", divide="ignore"):
        gamma = np.where(v > 0, fit.sigma2 / (fit.sigma2 + v), 1.0) * is_known
    gamma = np.where(is_known, 1.0, 0.0) if fit.method == "direct" else gamma
    mixed = gamma * np.nan_to_num(direct) + (1 - gamma) * synthetic
    value = np.where(is_known, mixed, synthetic)
    return MixedEstimates(value, _compute_mse(fit, v, gamma, x, is_known), gamma, fit)


def _check_inputs(
    values: ArrayLike, variances: ArrayLike, sizes: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Return direct estimates, their variances and sizes, shape (p,) each, or refuse."""
    direct, variance = read_numbers(values, "values"), read_numbers(variances, "variances")
    n = np.ones_like(direct) if sizes is None else read_numbers(sizes, "sizes")
    for given in (variance, n):
        if direct.ndim != 1 or given.shape != direct.shape:
            raise DesignError("rank_shape", values=direct.shape, errors=given.shape)
    if np.isinf(direct).any():
        row = int(np.flatnonzero(np.isinf(direct))[0]) + 1
        raise DesignError("design_infinite", column="values", row=row)
    if (variance < 0).any():
        raise DesignError("rank_negative", row=int(np.flatnonzero(variance < 0)[0]) + 1)
    return direct, variance, n


@dataclass(frozen=True)
class _Pooling:
    """A fitted model: σ², β, (X'WX)⁻¹, the variance of σ² and the method."""

    sigma2: float
    beta: Floats
    bread: Floats
    avar: float
    method: str


def _build_covariates(covariates: ArrayLike, p: int) -> Floats:
    """Return a constant and the covariates, shape (p, 1 + k), or refuse collinear ones."""
    x = read_numbers(covariates, "covariates")
    if x.ndim not in (1, 2) or len(x) != p:
        raise DesignError("pool_shape", role="covariates", shape=x.shape, units=p)
    x = x.reshape(p, -1)
    whole = np.column_stack([np.ones(p), x])
    scaled = whole / np.maximum(np.sqrt((whole**2).sum(axis=0)), 1e-300)
    if not np.isfinite(whole).all() or np.linalg.matrix_rank(scaled, tol=1e-8) < whole.shape[1]:
        raise DesignError("covariates_collinear", n=x.shape[1], units=p)
    return whole


def smooth_variances(
    variance: Floats, n: Floats, is_known: NDArray[np.bool_], has_sizes: bool
) -> Floats:
    """Return the variance used for each unit, shape (p,); 0 only if all are 0."""
    if has_sizes:
        used = is_known & (n > 1) & ~np.isnan(variance)
        total = ((n - 1) * n * variance)[used].sum()
        return np.asarray(total / max((n - 1)[used].sum(), 1e-300) / np.maximum(n, 1))
    positive = variance[is_known & (variance > 0)]
    mean = positive.mean() if positive.size else 0.0
    return np.where(variance > 0, variance, mean)


def _fay_herriot(y: Floats, v: Floats, x: Floats, method: Method) -> _Pooling:
    """Return σ² and β by REML, or by the adjusted likelihood where REML gives 0."""
    p, k = x.shape
    if p == 0 or not (v > 0).any():
        beta = linalg.lstsq(x, y)[0] if p else np.full(k, np.nan)
        return _Pooling(0.0, beta, np.full((k, k), np.nan), np.nan, "none")
    if p <= k:
        return _Pooling(np.nan, linalg.lstsq(x, y)[0], np.zeros((k, k)), 0.0, "direct")
    top = float(np.var(y) + v.max()) * 100

    def measure(grid: Floats, adjust: bool) -> Floats:
        w = 1 / (v + grid[:, None])
        xw = x.T * w[:, None, :]
        bread = xw @ x
        beta = np.linalg.solve(bread, (xw @ y)[:, :, None])[:, :, 0]
        squares = (w * (y - beta @ x.T) ** 2).sum(axis=1)
        reml = np.log(w).sum(axis=1) - np.linalg.slogdet(bread)[1] - squares
        more = np.log(np.arctan((grid[:, None] * w).sum(axis=1))) / p if adjust else 0.0
        return np.asarray(-0.5 * reml - more)

    def slope(sigma2: float, adjust: bool) -> float:
        w = 1 / (v + sigma2)
        xw, bread = x.T * w, (x.T * w) @ x
        residual = y - x @ np.linalg.solve(bread, xw @ y)
        spread, share = np.trace(np.linalg.solve(bread, xw @ xw.T)), (sigma2 * w).sum()
        reml = (w**2 * residual**2).sum() - w.sum() + spread
        turn = (v * w**2).sum() / (1 + share**2) / np.arctan(share) / p if adjust else 0.0
        return float(-0.5 * reml - turn)

    sigma2, used = _minimise_loss(_Loss(measure, slope), top, adjust=False), "reml"
    if sigma2 <= top * 1e-10 and method == "adjusted":
        sigma2, used = _minimise_loss(_Loss(measure, slope), top, adjust=True), "adjusted"
    w = 1 / (v + sigma2)
    bread = np.asarray(np.linalg.inv((x.T * w) @ x), dtype=np.float64)
    return _Pooling(sigma2, bread @ ((x.T * w) @ y), bread, float(2 / (w**2).sum()), used)


@dataclass(frozen=True)
class _Loss:
    """A loss at many σ² and its slope at one, with or without Yoshimori and Lahiri's adjustment."""

    measure: Callable[[Floats, bool], Floats]
    slope: Callable[[float, bool], float]


def _minimise_loss(loss: _Loss, top: float, adjust: bool) -> float:
    """Return the positive number with the least loss: a grid, then the root of the slope."""
    from scipy import optimize  # slow to import, and most commands do not need the module

    grid = np.concatenate([[0.0 if not adjust else top * 1e-12], top * np.logspace(-9, 0, 60)])
    at = int(np.argmin(loss.measure(grid, adjust)))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    if not loss.slope(low, adjust) < 0 < loss.slope(high, adjust):
        return float(grid[at])
    root = optimize.brentq(loss.slope, low, high, args=(adjust,), xtol=1e-15 * top)
    return float(root)


def _compute_mse(
    fit: _Pooling, v: Floats, gamma: Floats, x: Floats, is_known: NDArray[np.bool_]
) -> Floats:
    """Return g₁ + g₂ + 2g₃ of each unit; NaN where no error is known."""
    if fit.method == "none":
        return np.full(len(v), np.nan)
    if fit.method == "direct":
        return np.where(gamma > 0, v, np.nan)
    g1 = np.where(is_known, gamma * v, fit.sigma2)
    g2 = (1 - gamma) ** 2 * np.einsum("ui,ij,uj->u", x, fit.bread, x)
    g3 = np.where(is_known, v**2 / (v + fit.sigma2) ** 3 * fit.avar, 0.0)
    return np.asarray(g1 + g2 + 2 * g3)


def _shift_to_parents(
    direct: Floats, pooled: Floats, n: Floats, parents: ArrayLike | None
) -> Floats:
    """Return the shift of each unit that gives its parent the direct mean, shape (p,)."""
    if parents is None:
        return np.zeros(len(direct))
    code, labels = pd.factorize(np.asarray(parents))
    gap = np.where(n > 0, n * (np.nan_to_num(direct) - pooled), 0.0)
    size = np.bincount(code, n, len(labels))
    sums = np.bincount(code, gap, len(labels))
    return np.asarray(np.divide(sums, size, out=np.zeros(len(labels)), where=size > 0)[code])
