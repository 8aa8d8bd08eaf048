"""Average marginal effects of the variables of a model, with the errors of the design (rule D1)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_level, check_word
from sipas_analysis.errors import FitError
from sipas_analysis.explain.answer_effects import average_answer_effects
from sipas_analysis.explain.effects import (
    AverageEffect,
    Shift,
    append_columns,
    average_effect,
    list_shifts,
)
from sipas_analysis.explain.fitted_model import FittedModel
from sipas_analysis.explain.imputation import combine_imputations
from sipas_analysis.explain.replicate_fits import spread_replicates
from sipas_analysis.explain.standard_errors import (
    estimate_error_covariance,
    tabulate_coefficients,
)
from sipas_analysis.infer.design import Floats

POINTS = {"gaussian": 1.0, "poisson": 1.0}  # in the outcome's unit; shares in points
ENDS = ("variable", "value", "se", "low", "high", "df", "p")


class Effects(NamedTuple):
    """Average effects: answers, variables, values (k,), their covariance (k, k) and its df."""

    answers: list[object]
    variables: list[str]
    value: Floats
    covariance: Floats
    df: float


def tabulate_effects(model: FittedModel, at: object, level: float) -> pd.DataFrame:
    """Return average effects with their intervals; see ``Fit.margins``."""
    check_level(level)
    effects = [estimate_effects(part, at) for part in model.imputed_fits or (model,)]
    answers, variables, value, covariance, design_df = effects[0]
    df: float | Floats = design_df
    if model.imputed_fits:
        values = np.stack([effect.value for effect in effects])
        covariances = np.stack([effect.covariance for effect in effects])
        value, covariance, df = combine_imputations(values, covariances, design_df)
    table = tabulate_coefficients(value, np.sqrt(np.diagonal(covariance)), df, level)
    table = table.assign(variable=variables)[list(ENDS)]
    if answers:
        table.insert(0, "answer", answers)
    return table


def estimate_effects(model: FittedModel, at: object = None) -> Effects:
    """Return the average effect of each variable with their covariance."""
    model.require_design_errors()
    params, w = model.frame["value"].to_numpy(), model.design.weight[model.rows]
    cuts, points = _point_at_level(model, at), POINTS.get(model.family, 100.0)
    x = append_columns(model.data.to_numpy(dtype=float), cuts)
    shifts = [
        shift.append_cuts(cuts) for shift in list_shifts(model.data, model.spec, model.forms())
    ]
    parts = _average_shifts(model, x, params, shifts, w / w.sum())
    answers: list[object] = []
    if model.family == "multinomial":
        answers = [model.levels[answer] for answer, _, _ in parts]
    elif model.family == "ordinal":
        answers = [model.levels[-1] if at is None else at] * len(parts)
    variables = [variable for _, variable, _ in parts]
    least_df = float(model.frame["df"].min())
    if not parts:
        return Effects(answers, variables, np.zeros(0), np.zeros((0, 0)), least_df)
    values = points * np.array([effect.value for _, _, effect in parts])
    if model.replicate_fits is not None:
        again = model.replicate_fits
        each = [
            [
                points * effect.value
                for _, _, effect in _average_shifts(model, x, beta, shifts, v / v.sum())
            ]
            for beta, v in zip(again.params, again.weights.T, strict=True)
        ]
        error = spread_replicates(model.design, model.rows, again.sample, np.array(each), values)
    else:
        influence = [
            (effect.by_form - effect.value) / w.sum() + model.influence @ effect.gradient
            for _, _, effect in parts
        ]
        error = estimate_error_covariance(
            model.design, model.rows, points * np.stack(influence, axis=1)
        )
    return Effects(answers, variables, values, error.matrix, min(error.df, least_df))


def _average_shifts(
    model: FittedModel, x: Floats, params: Floats, shifts: Sequence[Shift], share: Floats
) -> list[tuple[int, str, AverageEffect]]:
    """Return answer, variable and effect of all shifts, answer by answer."""
    parts = [
        (answer, shift.variable, effect)
        for shift in shifts
        for answer, effect in enumerate(_average_shift(model, x, params, shift, share))
    ]
    return sorted(parts, key=lambda part: part[0])


def _average_shift(
    model: FittedModel, x: Floats, params: Floats, shift: Shift, share: Floats
) -> Sequence[AverageEffect]:
    """Return the average effect of a shift, for each answer of a multinomial logit."""
    if model.family == "multinomial":
        return [*average_answer_effects(x, params, shift, share)]
    return [average_effect(x, params, shift, share, model.family, exposure=model.exposure)]


def _point_at_level(model: FittedModel, at: object) -> Floats:
    """Return the columns of the cut points, shape (1, q): −1 below the level asked for."""
    n_cuts = len(model.levels) - 1 if model.family == "ordinal" else 0
    cuts = np.zeros((1, n_cuts))
    if at is not None and not n_cuts:
        raise FitError("fit_at", family=model.family)
    if n_cuts:
        above = model.levels[1:]
        if at is not None:
            check_word(at, above, "at", FitError)
        cuts[0, -1 if at is None else above.index(at)] = -1.0
    return cuts
