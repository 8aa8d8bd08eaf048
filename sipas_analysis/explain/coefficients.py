"""Coefficients of a model on complete forms, and each form's influence on them.

Models are fitted on standardised predictors and returned in the units of the data. No error is
estimated here; ``standard_errors`` estimates the error from the influence.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from sipas_analysis.errors import FitError
from sipas_analysis.explain.collinearity import find_tied_columns
from sipas_analysis.explain.formula import INTERCEPT, Levels, check_data, code_outcome
from sipas_analysis.explain.likelihoods import (
    Family,
    guess_parameters,
    maximise_likelihood,
    null_log_likelihood,
    slice_forms,
)
from sipas_analysis.infer.design import Design, Floats, Ints


@dataclass(frozen=True, eq=False)
class SolvedModel:
    """A model's coefficients on the complete forms, without their errors.

    ``rows`` are these forms, ``x`` and ``y`` their columns; the rest as in ``regression.Fit``.
    """

    family: Family
    levels: Levels
    rows: Ints
    x: pd.DataFrame
    y: Floats
    params: Floats
    r_squared: float
    influence: Floats

    @property
    def n_slopes(self) -> int:
        """Degrees of freedom of the slopes, counted as in R, also without an intercept."""
        return len(self.x.columns) - (self.family != "ordinal")

    @property
    def variables(self) -> list[str]:
        """Names of the coefficients, cut points last."""
        cuts = [f"{low}|{high}" for low, high in pairwise(self.levels)]
        return [*map(str, self.x), *cuts]


def solve_columns(
    design: Design, x: pd.DataFrame, outcome: "pd.Series[float]", family: Family
) -> SolvedModel:
    """Find the coefficients of a model of ready columns, as for ``fit_columns``."""
    y, levels = code_outcome(outcome, family)
    rows = np.flatnonzero(~np.isnan(y) & x.notna().to_numpy().all(axis=1))
    y, x = y[rows], x.iloc[rows].reset_index(drop=True).astype(float)
    if family == "ordinal":
        chosen = np.unique(y).astype(int)
        y, levels = np.searchsorted(chosen, y).astype(float), tuple(levels[c] for c in chosen)
        x = x.drop(columns=INTERCEPT, errors="ignore")
    return solve_rows(design, rows, x, y, family, levels=levels)


def solve_rows(
    design: Design,
    rows: Ints,
    x: pd.DataFrame,
    y: Floats,
    family: Family = "gaussian",
    *,
    levels: Levels = (),
) -> SolvedModel:
    """Find the coefficients of a model of complete forms, which are these rows of the frame.

    Raises:
        FitError: No model can be fitted to these forms.
    """
    centred = INTERCEPT in x or family == "ordinal"
    check_data(x, y, len(x.columns) + max(len(levels) - 1, 0), family, centred=centred)
    solution = solve_model(family, x, y, design.weight[rows])
    if solution is None:
        raise FitError("fit_separated", family=family)
    params, r_squared, influence = solution
    return SolvedModel(family, levels, rows, x, y, params, r_squared, influence)


class Solution(NamedTuple):
    """Coefficients in the units of the data, what they explain, and each form's influence."""

    params: Floats
    r_squared: float
    influence: Floats


def solve_model(family: Family, x: pd.DataFrame, y: Floats, weight: Floats) -> Solution | None:
    """Fit on standardised predictors and return to their units; None without a maximum."""
    w = weight / weight.mean()
    size = len(guess_parameters(family, len(x.columns), y, w))
    scaled, back = _standardise_predictors(x, w, family, size)
    tied = find_tied_columns(scaled.T @ scaled / len(scaled), x.columns)
    tied = [name for name in tied if name != INTERCEPT]
    if tied:
        raise FitError("fit_tied", names=", ".join(tied))
    maximum = maximise_likelihood(family, scaled, y, w)
    if maximum is None:
        return None
    to_influence = (back @ np.linalg.inv(maximum.information)).T / weight.mean()
    influence = np.empty(maximum.gradient.shape, order="F")
    for here in slice_forms(len(y)):
        influence[here] = maximum.gradient[here] @ to_influence
    r_squared = 1 - (w @ maximum.log_likelihood) / null_log_likelihood(family, y, w)
    return Solution(back @ maximum.params, float(r_squared), influence)


def _standardise_predictors(
    predictors: pd.DataFrame, w: Floats, family: Family, size: int
) -> tuple[Floats, Floats]:
    """Return predictors of mean 0 and deviation 1, and the matrix that converts parameters back."""
    x = predictors.to_numpy(dtype=float)
    names = list(predictors)
    at = names.index(INTERCEPT) if INTERCEPT in names else None
    centred = at is not None or family == "ordinal"
    mean = w @ x / w.sum() if centred else np.zeros(len(names))
    x = x - mean
    scale = np.sqrt(w @ (x * x) / w.sum())
    if at is not None:
        x[:, at], mean[at], scale[at] = 1.0, 0.0, 1.0
    back = np.eye(size)
    back[range(len(names)), range(len(names))] = 1 / scale
    if at is not None:
        back[at] -= np.where(np.arange(size) == at, 0.0, mean / scale)
    elif centred:
        back[len(names) :, : len(names)] = mean / scale
    x /= scale
    return x, back
