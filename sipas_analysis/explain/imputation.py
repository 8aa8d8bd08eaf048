"""Multiple imputation: fill blank answers several times, so that no form with a blank is lost.

Each blank is drawn from its distribution given the other answers, by chained linear regressions
with random coefficients. The results are combined by Rubin's rules. Blanks of the outcome are not
used. Do not impute answers that are blank because the question did not apply.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.errors import FitError
from sipas_analysis.infer.design import Floats
from sipas_analysis.progress import watch

CYCLES = 10
FEWEST_SPARE_ANSWERS = 5  # answers that a column needs beyond the number of the others
RIDGE = 1e-8


def impute_blanks(
    frame: pd.DataFrame, columns: Sequence[str], weight: Floats, count: int, seed: int
) -> list[pd.DataFrame]:
    """Return the frame with the blanks of some columns drawn, ``count`` times.

    x_j = (1, x_others)β + e, weighted; σ² = Σwe²/χ²(n − k), β ~ N(β̂, σ²(XᵀWX)⁻¹), then each blank
    is its expectation plus N(0, σ²); ten rounds over the columns. Draws are not rounded, so that
    means and correlations stay right.

    Args:
        frame: One row per form.
        columns: Numeric columns that predict one another; text columns predict, but are not filled.
        weight: Weight of each form, shape (n,).
        count: Number of imputations.
        seed: Seed of the draws; the order of the rows is part of the input.

    Raises:
        FitError: A column has too few answers for its regression.

    Source: rule D1 in docs/method.md; van Buuren (2007), doi:10.1177/0962280206074463.
    """
    numeric = [name for name in columns if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    x = frame[numeric].to_numpy(dtype=float, na_value=np.nan)
    categories = _code_categories(frame, [name for name in columns if name not in numeric])
    blank = np.isnan(x)
    _check_answers(numeric, blank)
    rng, w = np.random.default_rng(seed), weight / weight.mean()
    mean = np.nansum(x * w[:, None], axis=0) / np.sum(np.where(blank, 0.0, w[:, None]), axis=0)
    frames = []
    for _ in watch(range(count)):
        whole = np.where(blank, mean, x)
        for _ in range(CYCLES):
            for j in np.flatnonzero(blank.any(axis=0)):
                others = np.delete(whole, j, axis=1)
                predictors = np.column_stack([np.ones(len(x)), categories, others])
                whole[blank[:, j], j] = _draw_blanks(whole[:, j], predictors, blank[:, j], w, rng)
        frames.append(frame.assign(**dict(zip(numeric, whole.T, strict=True))))
    return frames


def _check_answers(names: Sequence[str], blank: NDArray[np.bool_]) -> None:
    """Refuse columns with blanks and too few answers for their regression."""
    few = [
        name
        for name, is_blank in zip(names, blank.T, strict=True)
        if is_blank.any() and (~is_blank).sum() < len(names) + FEWEST_SPARE_ANSWERS
    ]
    if few:
        raise FitError("imputation_singular", names=", ".join(map(str, few)))


def _code_categories(frame: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """Return text and categories as 0 and 1, shape (n, k); a blank is its own level."""
    parts = [
        pd.get_dummies(frame[name].astype(object).fillna("\0"), drop_first=True) for name in columns
    ]
    return np.hstack([np.zeros((len(frame), 0)), *(part.to_numpy(dtype=float) for part in parts)])


def _draw_blanks(
    column: Floats,
    predictors: Floats,
    blank: NDArray[np.bool_],
    w: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Draw the blanks of one column anew, given the others."""
    x, y, weight = predictors[~blank], column[~blank], w[~blank]
    cross = (x * weight[:, None]).T @ x
    cross[np.diag_indices_from(cross)] *= 1 + RIDGE
    beta = np.linalg.solve(cross, x.T @ (weight * y))
    residual = y - x @ beta
    sigma2 = float(weight @ residual**2) / rng.chisquare(len(y) - x.shape[1])
    root = np.linalg.cholesky(np.linalg.inv(cross))
    beta = beta + np.sqrt(sigma2) * root @ rng.standard_normal(len(beta))
    noise = np.sqrt(sigma2) * rng.standard_normal(int(blank.sum()))
    return np.asarray(predictors[blank] @ beta + noise)


class Combined(NamedTuple):
    """Value (k,), covariance (k, k) and degrees of freedom (k,) of combined imputations."""

    value: Floats
    covariance: Floats
    df: Floats


def combine_imputations(values: Floats, covariances: Floats, df: float | Floats) -> Combined:
    """Combine the results of m imputations by Rubin's rules.

    T = W̄ + (1 + 1/m)B; degrees of freedom by Barnard and Rubin from those of complete data.

    Args:
        values: Shape (m, k).
        covariances: Shape (m, k, k).
        df: Degrees of freedom that complete data would have.

    Source: Rubin (1987); Barnard and Rubin (1999), doi:10.1093/biomet/86.4.948.
    """
    m, value = len(values), values.mean(axis=0)
    within, deviation = covariances.mean(axis=0), values - value
    between = deviation.T @ deviation / max(m - 1, 1)
    total = within + (1 + 1 / m) * between
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (1 + 1 / m) * np.diagonal(between) / np.diagonal(total)
        part = np.nan_to_num(part)  # no error at all: nothing is missing
        observed_df = df * np.where(np.isinf(df), 1.0, (df + 1) / (df + 3)) * (1 - part)
        combined_df = 1 / (part**2 / max(m - 1, 1) + 1 / observed_df)
    return Combined(value, total, np.where(df > 0, combined_df, np.nan))


def measure_missing(values: Floats, variances: Floats, df: Floats) -> Floats:
    """Return the fraction of information that blanks took: (r + 2/(df + 3))/(r + 1), shape (k,).

    Args:
        values: Shape (m, k).
        variances: Squared errors, shape (m, k).
        df: Combined degrees of freedom, shape (k,).

    Source: rule D1 in docs/method.md; Rubin (1987), 3.1.
    """
    m = len(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (1 + 1 / m) * values.var(axis=0, ddof=1) / variances.mean(axis=0)
        fraction = 1 - (1 - 2 / (df + 3)) / (r + 1)
    return np.asarray(fraction)
