"""Find drivers that the data cannot separate, before any coefficient is shown (rule D2).

Strongly correlated drivers explain the same variance, and its split among them is mostly noise.
This is not a test: more forms of the same kind do not separate such drivers.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sipas_analysis.infer.design import Floats

INSEPARABLE_VIF, INSEPARABLE_R = 5.0, 0.9
NO_VARIANCE_LEFT = 1e-9  # an eigenvalue of the correlations below it: some columns are tied


def measure_deviations(frame: pd.DataFrame, weight: Floats) -> "pd.Series[float]":
    """Return the weighted standard deviation of each column."""
    share = weight / max(weight.sum(), 1e-300)
    centred = frame - frame.mul(share, axis=0).sum()
    return pd.Series(np.sqrt((centred**2).mul(share, axis=0).sum()))


def correlate_columns(frame: pd.DataFrame, weight: Floats) -> Floats:
    """Return the weighted correlations of the columns, shape (k, k); 0 with a constant column."""
    x = frame.to_numpy(dtype=float)
    share = weight / weight.sum()
    centred = x - share @ x
    covariance = centred.T @ (centred * share[:, None])
    deviation = np.sqrt(np.diagonal(covariance))
    divisor = np.where(deviation > 0, deviation, np.inf)
    correlations = covariance / np.outer(divisor, divisor)
    np.fill_diagonal(correlations, 1.0)
    return np.asarray(correlations)


def find_tied_columns(products: Floats, names: Iterable[object]) -> list[str]:
    """Return the columns that determine one another exactly; none if all can be separated.

    Args:
        products: XᵀX/n of columns of similar scale, such as correlations, shape (k, k).
        names: Names of the columns.
    """
    eigenvalues, vectors = np.linalg.eigh(products)
    loadings = np.abs(vectors[:, eigenvalues < NO_VARIANCE_LEFT])
    return [
        str(name)
        for name, loading in zip(names, loadings, strict=True)
        if loading.max(initial=0.0) > 1e-4
    ]


def measure_collinearity(frame: pd.DataFrame, weight: Floats | None = None) -> pd.DataFrame:
    """Measure how far the other columns determine each column.

    VIF = diagonal of the inverse correlations = 1/(1 − R²) on the others; the condition index is
    the root of the largest over the smallest eigenvalue of the correlations.

    Args:
        frame: Drivers, shape (n, k), no blank.
        weight: Weight of each form; equal if left out.

    Returns:
        One row per column: ``variable``, ``vif`` (infinite if determined by the others),
        ``strongest`` (largest |r| with another), ``separable``, ``condition`` (of all).

    Source: rule D2 in docs/method.md; Belsley, Kuh, Welsch (1980).

    Example:
        >>> frame = pd.DataFrame({"a": [1, 2, 3, 4.0], "b": [2, 4, 6, 8.1], "c": [1, 3, 1, 2.0]})
        >>> measure_collinearity(frame)["separable"].tolist()
        [False, False, True]
    """
    correlations = correlate_columns(frame, np.ones(len(frame)) if weight is None else weight)
    eigenvalues, vectors = np.linalg.eigh(correlations)
    positive, squares = np.maximum(eigenvalues, 0.0), vectors**2
    varies = eigenvalues > NO_VARIANCE_LEFT
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = np.where(squares > NO_VARIANCE_LEFT, np.inf, 0.0)
        vif = np.where(varies, squares / positive, beyond).sum(axis=1)
        condition = float(np.sqrt(positive[-1] / positive[0])) if varies[0] else np.inf
    strongest = np.abs(correlations - np.eye(len(correlations))).max(axis=1, initial=0.0)
    return pd.DataFrame(
        {
            "variable": [str(name) for name in frame],
            "vif": vif,
            "strongest": strongest,
            "condition": condition,
            "separable": (vif < INSEPARABLE_VIF) & (strongest < INSEPARABLE_R),
        }
    )
