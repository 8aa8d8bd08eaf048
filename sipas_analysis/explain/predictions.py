"""Predictions of a model, and means adjusted for the other variables, with the design's errors.

A prediction has the error of the coefficients (as R ``predict`` of ``svyglm``). An adjusted mean is
the average over the sample of predictions with a variable set to one level (marginal
standardisation, as R ``svypredmeans``); its error adds that of the people over whom the mean is
taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from sipas_analysis.arguments import (
    check_kind,
    check_level,
    check_name,
    check_number,
    check_word,
    list_known,
)
from sipas_analysis.errors import FitError
from sipas_analysis.explain.effects import predict_mean
from sipas_analysis.explain.fitted_model import FittedModel
from sipas_analysis.explain.formula import INTERCEPT, MOST_LEVELS, build_columns
from sipas_analysis.explain.imputation import combine_imputations
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.standard_errors import tabulate_coefficients
from sipas_analysis.infer.combinations import adjust_p_values
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.result_table import ResultTable

Scale = Literal["response", "link"]


class Curve(NamedTuple):
    """Predicted values of n forms by outcome, and their slopes by the coefficients.

    ``value`` has shape (n, L) with L outcomes (1, or the levels), ``slope`` (n, L, k).
    """

    value: Floats
    slope: Floats


def predict_curve(
    x: Floats, params: Floats, family: Family, scale: Scale, *, exposure: Floats
) -> Curve:
    """Return predictions from the columns of a model.

    Args:
        x: Columns, shape (n, c).
        params: Coefficients, shape (k,); of an ordinal logit with its cut points.
        family: ``ordinal`` and ``multinomial`` have a chance for each level.
        scale: ``link`` is xβ; of a multinomial logit for each answer but the first.
        exposure: Factor of an expected count, shape (n,); 1 without an offset.
    """
    n, c = x.shape
    if family == "multinomial":
        return _predict_answers(x, params, scale)
    if family == "ordinal" and scale == "response":
        return _predict_levels(x, params)
    linear = x @ params[:c]
    slope = np.zeros((n, 1, len(params)))
    if family == "poisson":
        linear = linear + np.log(exposure)
    mean, along, _ = predict_mean(linear, "gaussian" if scale == "link" else family)
    slope[:, 0, :c] = along[:, None] * x
    return Curve(mean[:, None], slope)


def _predict_levels(x: Floats, params: Floats) -> Curve:
    """Return P(y = c) = F(θ_c − xβ) − F(θ_{c−1} − xβ) of an ordinal logit."""
    n, c = x.shape
    cuts = params[c:]
    below = expit(cuts - (x @ params[:c])[:, None])
    density = below * (1 - below)
    slope = np.zeros((n, len(cuts) + 2, len(params)))
    slope[:, 1:-1, :c] = -density[:, :, None] * x[:, None, :]
    slope[:, range(1, len(cuts) + 1), range(c, len(params))] = density
    whole = np.column_stack([np.zeros(n), below, np.ones(n)])
    return Curve(np.diff(whole, axis=1), np.diff(slope, axis=1))


def _predict_answers(x: Floats, params: Floats, scale: Scale) -> Curve:
    """Return P(y = j) of a multinomial logit, or xβ_j of each answer but the first."""
    n, c = x.shape
    beta = params.reshape(-1, c)
    if scale == "link":
        slope = np.einsum("jl,nc->njlc", np.eye(len(beta)), x).reshape(n, len(beta), -1)
        return Curve(x @ beta.T, slope)
    chance = softmax(np.column_stack([np.zeros(n), x @ beta.T]), axis=1)
    by_linear = chance[:, :, None] * (np.eye(chance.shape[1]) - chance[:, None, :])
    slope = by_linear[:, :, 1:, None] * x[:, None, None, :]
    return Curve(chance, slope.reshape(n, chance.shape[1], -1))


@dataclass(frozen=True, eq=False, repr=False)
class Predictions(ResultTable):
    """Predictions of forms.

    Attributes:
        frame: One row per form with the index of the forms (for each ``answer`` of an ordinal or
            multinomial outcome): ``value``, ``se``, ``low``, ``high``, ``df``; NaN where a
            variable is blank.
        slope: Slope of each row by the coefficients, shape (r, k).
        coefficients: Covariance of the coefficients, shape (k, k).
    """

    index_name = "row"
    decimals = 4
    frame: pd.DataFrame
    slope: Floats = field(repr=False)
    coefficients: Floats = field(repr=False)

    def covariance(self) -> pd.DataFrame:
        """Return the covariance of the predictions, labelled by form and answer, shape (r, r)."""
        labels = [str(label) for label in self.frame.index]
        if "answer" in self.frame:
            answers = self.frame["answer"]
            labels = [f"{a}/{b}" for a, b in zip(labels, answers, strict=True)]
        matrix = self.slope @ self.coefficients @ self.slope.T
        return pd.DataFrame(matrix, index=labels, columns=labels)


def predict_forms(
    fit: FittedModel, frame: pd.DataFrame | None, scale: Scale, level: float
) -> Predictions:
    """Predict forms from a fit; see ``Fit.predict``."""
    check_word(scale, get_args(Scale), "type", FitError)
    check_level(level)
    if frame is None:
        index, x = fit.design.frame.index[fit.rows], fit.data.to_numpy(dtype=float)
        exposure = fit.exposure
    else:
        check_kind(frame, pd.DataFrame, "frame", "frame", FitError)
        index, x = frame.index, build_columns(fit.spec, frame, [str(name) for name in fit.data])
        exposure = fit.read_exposure(frame)
    params = fit.frame["value"].to_numpy(dtype=float)
    curve = predict_curve(x, params, fit.family, scale, exposure=exposure)
    n, count = curve.value.shape
    slope = curve.slope.reshape(n * count, len(params))
    se = np.sqrt(np.maximum(np.einsum("rk,kl,rl->r", slope, fit.covariance_matrix, slope), 0.0))
    df = float(fit.frame["df"].min())
    table = tabulate_coefficients(curve.value.ravel(), se, df, level).drop(columns="p")
    if scale == "response" and fit.family in ("binomial", "poisson"):
        ends = predict_forms(fit, frame, "link", level).frame[["low", "high"]].to_numpy()
        table[["low", "high"]] = predict_mean(ends, fit.family)[0]
    table.index = index.repeat(count)
    if count > 1:
        answers = list(fit.levels)[-count:]
        table.insert(0, "answer", answers * n)
    return Predictions(table, slope, fit.covariance_matrix)


@dataclass(frozen=True, eq=False, repr=False)
class AdjustedMeans(ResultTable):
    """Means of the outcome at each level of a variable, all else as in the sample.

    Attributes:
        frame: One row per level: ``variable``, ``answer`` (the level), ``value``, ``se``, ``low``,
            ``high``, ``df``, ``n``; of an ordinal or multinomial outcome for each ``outcome``.
        covariance_matrix: Covariance of the means, shape (m, m).
    """

    decimals = 4
    frame: pd.DataFrame
    covariance_matrix: Floats = field(repr=False)

    def _list_row_keys(self) -> list[str]:
        return [name for name in ("outcome", "variable", "answer") if name in self.frame]

    def covariance(self) -> pd.DataFrame:
        """Return the covariance of the means, labelled by outcome, variable and level."""
        keys = [name for name in ("outcome", "variable", "answer") if name in self.frame]
        labels = ["/".join(map(str, row)) for row in self.frame[keys].to_numpy()]
        return pd.DataFrame(self.covariance_matrix, index=labels, columns=labels)

    def differences(self, level: float = 0.95, adjust: str = "holm") -> pd.DataFrame:
        """Return every level minus each level before it, with its error.

        Args:
            level: Confidence.
            adjust: How p values are adjusted for the number of differences: a name of statsmodels
                ``multipletests``.

        Returns:
            ``contrast``, ``value``, ``se``, ``low``, ``high``, ``df``, ``p`` and ``p_adjusted``.
        """
        check_level(level)
        keys = ["outcome"] if "outcome" in self.frame else []
        groups = self.frame.groupby(keys, sort=False).indices.items() if keys else [("", None)]
        rows, contrasts = [], []
        for outcome, places in groups:
            inside = np.arange(len(self.frame)) if places is None else places
            for first, second in combinations(inside, 2):
                names = self.frame["answer"].iloc[[second, first]].astype(str)
                rows.append([outcome, " − ".join(names)])
                contrasts.append([first, second])
        table = pd.DataFrame(rows, columns=["outcome", "contrast"])
        weights = np.zeros((len(rows), len(self.frame)))
        for row, (first, second) in enumerate(contrasts):
            weights[row, first], weights[row, second] = -1.0, 1.0
        value = weights @ self.frame["value"].to_numpy(dtype=float)
        variance = np.diagonal(weights @ self.covariance_matrix @ weights.T)
        se = np.sqrt(np.maximum(variance, 0.0))
        ends = tabulate_coefficients(value, se, float(self.frame["df"].min()), level)
        ends["p_adjusted"] = adjust_p_values(ends["p"].to_numpy(dtype=float), adjust)
        return pd.concat([table if keys else table[["contrast"]], ends], axis=1)


def adjust_means(
    fit: FittedModel, variable: str, at: Sequence[object] | None, level: float
) -> AdjustedMeans:
    """Average predictions over the sample at each level; see ``Fit.adjusted_means``."""
    check_name(variable, "variable")
    check_level(level)
    fits = fit.imputed_fits or (fit,)
    levels = list_levels(fits[0], variable, at)
    means = [_average_predictions(part, variable, levels) for part in fits]
    value, covariance = means[0]
    df: float | Floats = float(fits[0].frame["df"].min())
    if fit.imputed_fits:
        values, matrices = (np.stack(parts) for parts in zip(*means, strict=True))
        value, covariance, df = combine_imputations(values, matrices, df)
    outcomes = list(fit.levels) if fit.family in ("ordinal", "multinomial") else []
    table = tabulate_coefficients(value, np.sqrt(np.diagonal(covariance)), df, level)
    table = table.drop(columns="p").assign(n=fit.n)
    table.insert(0, "answer", list(levels) * max(len(outcomes), 1))
    table.insert(0, "variable", variable)
    if outcomes:
        table.insert(0, "outcome", [name for name in outcomes for _ in levels])
    return AdjustedMeans(table, covariance)


def list_levels(fit: FittedModel, variable: str, at: Iterable[object] | None) -> list[object]:
    """Return the levels of a variable: those asked for, or all in their order."""
    forms = fit.forms()
    names = _list_variables(fit, forms)
    if variable not in names:
        raise FitError("fit_variable", name=variable, known=list_known(variable, names))
    column = forms[variable] if variable in forms else fit.data[variable]
    if isinstance(column.dtype, pd.CategoricalDtype):
        seen = [name for name in column.cat.categories if (column == name).any()]
    else:
        seen = sorted(column.dropna().unique().tolist())
    types = pd.api.types
    is_number = types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)
    if at is not None:
        single = isinstance(at, str) or not isinstance(at, Iterable)
        wanted: list[object] = [at] if single else list(at)
        for name in wanted:
            if is_number:
                check_number(name, "at")
            else:
                check_word(name, seen, "at", FitError)
        return wanted or seen
    if len(seen) > MOST_LEVELS and is_number:
        raise FitError("fit_adjusted_number", variable=variable, n=len(seen))
    return seen


def _list_variables(fit: FittedModel, forms: pd.DataFrame) -> list[str]:
    """Return the variables of a model."""
    if fit.spec is None:
        return [str(name) for name in fit.data if name != INTERCEPT]
    required = {str(name) for name in fit.spec.required_variables}
    return [str(name) for name in forms if str(name) in required]


def _average_predictions(
    fit: FittedModel, variable: str, levels: Sequence[object]
) -> tuple[Floats, Floats]:
    """Return the means by outcome and level, and their covariance."""
    forms, columns = fit.forms(), [str(name) for name in fit.data]
    params = fit.frame["value"].to_numpy(dtype=float)
    share = fit.design.weight[fit.rows]
    share = share / share.sum()
    by_form, slopes = [], []
    for name in levels:
        if fit.spec is None:
            x = fit.data.to_numpy(dtype=float, copy=True)
            x[:, columns.index(variable)] = name
        else:
            column = pd.Series([name] * len(forms), index=forms.index)
            if not pd.api.types.is_numeric_dtype(forms[variable].dtype):
                column = column.astype(forms[variable].dtype)
            x = build_columns(fit.spec, forms.assign(**{variable: column}), columns)
        curve = predict_curve(x, params, fit.family, "response", exposure=fit.exposure)
        by_form.append(curve.value)
        slopes.append(np.einsum("n,nlk->lk", share, curve.slope))
    count = by_form[0].shape[1]
    predicted = np.stack(by_form, axis=2).reshape(-1, count * len(levels))
    slope = np.stack(slopes, axis=1).reshape(count * len(levels), -1)
    value = share @ predicted
    people = fit.estimate_mean_covariance(predicted)
    return value, slope @ fit.covariance_matrix @ slope.T + people
