"""CR2: errors of coefficients that hold with few clusters, and their degrees of freedom.

With few clusters the linearised error is too small, because residuals are nearer to 0 than errors
are, and its degrees of freedom are too many where one cluster has most of the leverage. Bell and
McCaffrey correct the residuals of each cluster under a working model, and match the degrees of
freedom of each coefficient to the variance of its own error (Satterthwaite).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from sipas_analysis.errors import FitError
from sipas_analysis.explain.coefficients import SolvedModel
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.infer.design import Design, Floats, Ints

Bools = NDArray[np.bool_]
FAMILIES = ("gaussian", "binomial", "poisson")
LARGEST_CLUSTER = 3000
NO_VARIANCE = 1e-12  # eigenvalues below it are those of forms that the model fits exactly


@dataclass(frozen=True)
class WorkingModel:
    """What the correction assumes of the errors of a model of n forms and k coefficients.

    Attributes:
        slope: ∂μ/∂β, shape (n, k).
        weight: Weights W of the estimating equations Σ slope·W·residual, shape (n,).
        variance: Assumed variance Θ of each error, shape (n,).
        residual: y − μ, shape (n,).
    """

    slope: Floats
    weight: Floats
    variance: Floats
    residual: Floats


def correct_errors(design: Design, model: SolvedModel) -> tuple[Floats, Floats]:
    """Return the CR2 covariance of a model's coefficients, and df of each; see the module.

    Raises:
        FitError: The family or the design is one that CR2 does not know.
    """
    check_family(model.family)
    counted = design.weight[model.rows] > 0
    cluster = number_clusters(design, model.rows[counted])
    return estimate_bias_reduced(describe_errors(design, model, counted), cluster)


def check_family(family: Family) -> None:
    """Refuse a family whose residuals CR2 does not know."""
    if family not in FAMILIES:
        raise FitError("cr2_family", family=family, known=", ".join(FAMILIES))


def describe_errors(design: Design, model: SolvedModel, counted: Bools) -> WorkingModel:
    """Return the working model of a fit, as R ``clubSandwich`` has it for ``lm`` and ``glm``.

    A linear model: equal variances, whatever the weights. A logit or counts: V(μ)/w, the variance
    that a ``glm`` with these weights states.
    """
    x, y = model.x.to_numpy(dtype=float)[counted], model.y[counted]
    w = design.weight[model.rows[counted]]
    w, linear = w / w.mean(), x @ model.params
    if model.family == "gaussian":
        return WorkingModel(x, w, np.ones(len(y)), y - linear)
    is_count = model.family == "poisson"
    mu = model.exposure[counted] * np.exp(linear) if is_count else expit(linear)
    variance = mu if is_count else mu * (1 - mu)
    return WorkingModel(x * variance[:, None], w / variance, variance / w, y - mu)


def list_obstacles(design: Design) -> list[str]:
    """Return the parts of a design that CR2 does not know."""
    parts = {
        "strata": design.strata,
        "fpc": design.fpc_columns,
        "replicates": design.declared_replicates,
        "calibration": design.calibration,
    }
    return [name for name, part in parts.items() if part]


def number_clusters(design: Design, rows: Ints) -> Ints:
    """Return the number of the cluster of each of these forms; each form its own without clusters.

    Raises:
        FitError: The design has strata, finite populations, replicates or calibration, which CR2
            does not know.
    """
    present = list_obstacles(design)
    if present:
        raise FitError("cr2_design", parts=", ".join(present))
    if not design.cluster_columns:
        return np.arange(len(rows))
    names = design.frame[design.cluster_columns[0]].iloc[rows]
    return np.unique(names.to_numpy(), return_inverse=True)[1].astype(np.int64)


def estimate_bias_reduced(model: WorkingModel, cluster: Ints) -> tuple[Floats, Floats]:
    """Return the CR2 covariance of the coefficients, shape (k, k), and df of each, shape (k,).

    With H the hat matrix, D = Θ^½ and B_i the block of D(I − H)Θ(I − H)ᵀD of cluster i, the
    residuals are multiplied by A_i = D_i·B_i^(−½)·D_i; the covariance is M·Σ s_i·s_iᵀ·M with
    s_i = X_iᵀ·W_i·A_i·e_i. Under the working model the variance of a coefficient is a quadratic
    form in normal errors with matrix P over clusters; df = tr(P)²/tr(P²).

    Source: rule D9 in docs/method.md; Bell and McCaffrey (2002); Pustejovsky and Tipton (2018),
    doi:10.1080/07350015.2016.1247004.
    """
    root = np.sqrt(model.weight)
    base, back = np.linalg.qr(model.slope * root[:, None])
    x = base / root[:, None]  # XᵀWX = I, so that large units cost no digits
    to_params = np.linalg.inv(back)
    spread = x.T @ (x * (model.weight**2 * model.variance)[:, None])
    scores, own, near, far = [], [], [], []
    for here, adjusted in _adjust_clusters(model, x, spread, cluster):
        scores.append(adjusted.T @ model.residual[here])
        by_param = adjusted @ to_params.T  # Aᵀ·W·X for each coefficient
        own.append((model.variance[here, None] * by_param**2).sum(axis=0))
        near.append(x[here].T @ by_param)
        far.append(x[here].T @ (by_param * (model.weight * model.variance)[here, None]))
    total = np.stack(scores)
    covariance = to_params @ (total.T @ total) @ to_params.T
    return covariance, _match_df(np.stack(own), np.stack(near), np.stack(far), spread)


def _adjust_clusters(
    model: WorkingModel, x: Floats, spread: Floats, cluster: Ints
) -> Iterator[tuple[Ints, Floats]]:
    """Yield the forms of each cluster and A·W·X, shape (n_i, k), of the columns with XᵀWX = I."""
    order = np.argsort(cluster, kind="stable")
    equal = bool((model.variance == 1).all())
    for here in np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1):
        part, weighted = x[here], model.weight[here, None] * x[here]
        if equal:
            yield here, _adjust_equal(part, weighted, spread)
            continue
        if len(here) > LARGEST_CLUSTER:
            raise FitError("cr2_large", found=len(here), most=LARGEST_CLUSTER)
        theta = model.variance[here]
        hat = part @ weighted.T  # H = X·XᵀW
        block = np.diag(theta) - hat * theta - (hat * theta).T + part @ spread @ part.T
        scale = np.sqrt(theta)[:, None]
        yield here, scale * (_root_inverse(scale * block * scale.T) @ (scale * weighted))


def _adjust_equal(part: Floats, weighted: Floats, spread: Floats) -> Floats:
    """Return A·W·X where Θ = 1: A differs from 1 in the space of X and WX only."""
    basis = np.linalg.qr(np.hstack([part, weighted]))[0]
    inner, outer = basis.T @ part, basis.T @ weighted
    block = np.eye(len(inner)) - inner @ outer.T - outer @ inner.T + inner @ spread @ inner.T
    return np.asarray(weighted + basis @ (_root_inverse(block) @ outer - outer))


def _root_inverse(matrix: Floats) -> Floats:
    """Return the inverse square root of a symmetric matrix; 0 in directions without variance."""
    roots, vectors = np.linalg.eigh(matrix)
    inverse = np.where(roots > NO_VARIANCE, 1 / np.sqrt(np.abs(roots)), 0.0)
    return np.asarray((vectors * inverse) @ vectors.T)


def _match_df(own: Floats, near: Floats, far: Floats, spread: Floats) -> Floats:
    """Return tr(P)²/tr(P²) of each coefficient, with P_ij = 1[i = j]·own_i + (F·K·Fᵀ)_ij.

    Args:
        own: Variance of each cluster's own part, shape (m, k).
        near: X_iᵀg_i, shape (m, k, k), the last axis the coefficient.
        far: X_iᵀW_iΘ_i g_i, likewise.
        spread: XᵀWΘWX, shape (k, k).
    """
    k = len(spread)
    one, none = np.eye(k), np.zeros((k, k))
    kernel = np.block([[spread, -one], [-one, none]])
    df = np.empty(own.shape[1])
    for at in range(len(df)):
        factor = np.hstack([near[:, :, at], far[:, :, at]])
        crossed = factor @ kernel
        inner = crossed.T @ factor
        trace = own[:, at].sum() + np.trace(inner)
        squares = (own[:, at] ** 2).sum() + (inner * inner.T).sum()
        squares += 2 * own[:, at] @ (crossed * factor).sum(axis=1)
        df[at] = trace**2 / squares
    return df
