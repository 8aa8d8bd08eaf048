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
    LIKELIHOODS,
    Family,
    count_parameters,
    maximise_likelihood,
    null_log_likelihood,
    search_maximum,
    slice_forms,
)
from sipas_analysis.infer.design import Design, Floats, Ints


@dataclass(frozen=True, eq=False)
class SolvedModel:
    """A model's coefficients on the complete forms, without their errors.

    ``rows`` are these forms, ``x`` and ``y`` their columns, ``exposure`` what counts are per (1 if
    nothing); the rest as in ``regression.Fit``.
    """

    family: Family
    levels: Levels
    rows: Ints
    x: pd.DataFrame
    y: Floats
    params: Floats
    r_squared: float
    influence: Floats
    exposure: Floats

    @property
    def n_slopes(self) -> int:
        """Degrees of freedom of the slopes, counted as in R, also without an intercept.

        As R ``svyolr`` and ``svyglm``; of several answers, each has its slopes.
        """
        per_answer = len(self.x.columns) - (self.family != "ordinal")
        return per_answer * (len(self.levels) - 1 if self.family == "multinomial" else 1)

    @property
    def answers(self) -> list[object]:
        """The answer that each coefficient of a multinomial logit is about; else none."""
        several = self.levels[1:] if self.family == "multinomial" else ()
        return [answer for answer in several for _ in self.x]

    @property
    def variables(self) -> list[str]:
        """Names of the coefficients: cut points last; for each answer of a multinomial logit."""
        if self.family == "multinomial":
            return [*map(str, self.x)] * (len(self.levels) - 1)
        cuts = [f"{low}|{high}" for low, high in pairwise(self.levels)]
        return [*map(str, self.x), *(cuts if self.family == "ordinal" else [])]


def solve_columns(
    design: Design,
    x: pd.DataFrame,
    outcome: "pd.Series[float]",
    family: Family,
    *,
    exposure: Floats | None = None,
) -> SolvedModel:
    """Find the coefficients of a model of ready columns, as for ``fit_columns``.

    The index of ``x`` is the place of each form in the design's frame.
    """
    y, levels = code_outcome(outcome, family)
    exposure = np.ones(len(y)) if exposure is None else exposure
    complete = np.flatnonzero(~np.isnan(y * exposure) & x.notna().to_numpy().all(axis=1))
    rows = x.index.to_numpy()[complete]
    y, x = y[complete], x.iloc[complete].reset_index(drop=True).astype(float)
    if levels:
        chosen = np.unique(y).astype(int)
        y, levels = np.searchsorted(chosen, y).astype(float), tuple(levels[c] for c in chosen)
    if family == "ordinal":
        x = x.drop(columns=INTERCEPT, errors="ignore")
    return solve_rows(design, rows, x, y, family, levels=levels, exposure=exposure[complete])


def solve_rows(
    design: Design,
    rows: Ints,
    x: pd.DataFrame,
    y: Floats,
    family: Family = "gaussian",
    *,
    levels: Levels = (),
    exposure: Floats | None = None,
) -> SolvedModel:
    """Find the coefficients of a model of complete forms, which are these rows of the frame.

    Raises:
        FitError: No model can be fitted to these forms.
    """
    centred = INTERCEPT in x or family == "ordinal"
    terms = count_parameters(family, x.shape[1], y) if len(y) else 1
    check_data(x, y, terms, family, centred=centred)
    per = np.ones(len(rows)) if exposure is None else exposure
    solution = solve_model(family, x, y / per, design.weight[rows] * per)  # counts are rates
    if solution is None:
        raise FitError("fit_separated", family=family)
    params, r_squared, influence = solution
    influence = influence * per[:, None]
    return SolvedModel(family, levels, rows, x, y, params, r_squared, influence, per)


class Solution(NamedTuple):
    """Coefficients in the units of the data, what they explain, and each form's influence."""

    params: Floats
    r_squared: float
    influence: Floats


def solve_model(family: Family, x: pd.DataFrame, y: Floats, weight: Floats) -> Solution | None:
    """Fit on standardised predictors and return to their units; None without a maximum."""
    w = weight / weight.mean()
    scaled, back = _standardise_predictors(x, w, family, count_parameters(family, x.shape[1], y))
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


def solve_again(model: SolvedModel, weights: Floats) -> Floats:
    """Return the coefficients under other weights of the same forms, starting from the model's.

    Args:
        model: A solved model of n forms.
        weights: Weights of 0 or more, one column for each of K fits, shape (n, K).

    Returns:
        Shape (K, k); NaN where there is no maximum.
    """
    scaled, back = _standardise_predictors(
        model.x, np.ones(len(model.y)), model.family, len(model.params)
    )
    start: Floats = np.linalg.solve(back, model.params).astype(np.float64)
    y = model.y / model.exposure
    params = np.full((weights.shape[1], len(start)), np.nan)
    for k, weight in enumerate(weights.T):
        w = weight * model.exposure
        used = w > 0
        peak = search_maximum(model.family, scaled[used], y[used], w[used] / w[used].mean(), start)
        if peak is not None:
            params[k] = back @ peak[0]
    return params


def invert_information(
    family: Family, x: pd.DataFrame, y: Floats, weight: Floats, params: Floats
) -> Floats:
    """Return the inverse information of a model at its maximum, shape (k, k).

    That is the covariance of the coefficients if the design is ignored, up to the residual variance
    of a linear model (R ``naive.cov``).
    """
    scaled, back = _standardise_predictors(x, np.ones(len(y)), family, len(params))
    start: Floats = np.linalg.solve(back, params).astype(np.float64)
    information = np.zeros((len(params),) * 2)
    for here in slice_forms(len(y)):
        information += LIKELIHOODS[family](start, scaled[here], y[here], weight[here])[2]
    return np.asarray(back @ np.linalg.inv(information) @ back.T)


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
    back = np.eye(len(names) if family == "multinomial" else size)
    back[range(len(names)), range(len(names))] = 1 / scale
    if at is not None:
        back[at] -= np.where(np.arange(len(back)) == at, 0.0, mean / scale)
    elif centred:
        back[len(names) :, : len(names)] = mean / scale
    x /= scale
    if family == "multinomial":
        back = np.asarray(np.kron(np.eye(size // len(names)), back))
    return x, back
