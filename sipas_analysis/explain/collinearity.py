"""Say which drivers the data cannot tell apart, before anyone reads a coefficient (rule D2).

Drivers that move together share what they explain; how the sum is split is then noise. Not a test:
more forms of the same kind do not part what people do not part.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.infer.design import Floats

INSEPARABLE_VIF, INSEPARABLE_R = 5.0, 0.9
NO_VARIANCE_LEFT = (
    1e-9  # an eigenvalue of the correlations below it: some columns determine one another
)


def correlate_columns(data: pd.DataFrame, weight: Floats) -> Floats:
    """Return the weighted correlations of the columns, shape (k, k); 0 with a constant column."""
    x = data.to_numpy(dtype=float)
    share = weight / weight.sum()
    centred = x - share @ x
    found = centred.T @ (centred * share[:, None])
    spread = np.sqrt(np.diagonal(found))
    known = np.where(spread > 0, spread, np.inf)
    found = found / np.outer(known, known)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)


def find_tied_columns(products: Floats, names: Iterable[Any]) -> list[str]:
    """Return the columns that determine one another exactly; none if all can be told apart.

    Args:
        products: XᵀX/n of columns of like size, such as correlations, shape (k, k).
        names: Of the columns.
    """
    roots, vectors = np.linalg.eigh(products)
    hidden = np.abs(vectors[:, roots < NO_VARIANCE_LEFT])
    return [str(name) for name, it in zip(names, hidden, strict=True) if it.max(initial=0.0) > 1e-4]


def measure_collinearity(data: pd.DataFrame, weight: Floats | None = None) -> pd.DataFrame:
    """Say of each column how far the others stand in for it.

    VIF = diagonal of the inverse correlations = 1/(1 − R²) on the others; the condition index is
    the root of the largest over the smallest eigenvalue of the correlations.

    Args:
        data: Drivers, shape (n, k), no blank.
        weight: Of each form; equal if left out.

    Returns:
        One row per column: ``term``, ``vif`` (infinite if determined by the others),
        ``strongest`` (largest |r| with another), ``separable``, ``condition`` (of all).

    Source: rule D2 in docs/method.md; Belsley, Kuh, Welsch (1980).

    Example:
        >>> frame = pd.DataFrame({"a": [1, 2, 3, 4.0], "b": [2, 4, 6, 8.1], "c": [1, 3, 1, 2.0]})
        >>> collinearity(frame)["separable"].tolist()
        [False, False, True]
    """
    found = correlate_columns(data, np.ones(len(data)) if weight is None else weight)
    roots, vectors = np.linalg.eigh(found)
    safe = np.maximum(roots, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        vif = np.where(
            roots > NO_VARIANCE_LEFT,
            vectors**2 / safe,
            np.where(vectors**2 > NO_VARIANCE_LEFT, np.inf, 0.0),
        )
        condition = float(np.sqrt(safe[-1] / safe[0])) if safe[0] > NO_VARIANCE_LEFT else np.inf
    strongest = np.abs(found - np.eye(len(found))).max(axis=1, initial=0.0)
    return pd.DataFrame(
        {
            "term": [str(name) for name in data],
            "vif": vif.sum(axis=1),
            "strongest": strongest,
            "condition": condition,
        }
    ).assign(separable=lambda it: (it["vif"] < INSEPARABLE_VIF) & (it["strongest"] < INSEPARABLE_R))
