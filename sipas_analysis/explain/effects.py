"""The average effect of one variable on the outcome, and its slope by the coefficients.

No error is estimated here; ``average_margins`` estimates it. A variable may be in several
columns of a model (levels, powers, products); all of them change with the variable. A number
changes by a small step; a category or a yes/no variable changes from its first level to another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from sipas_analysis.explain.formula import INTERCEPT, list_variables
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.infer.design import Floats

if TYPE_CHECKING:
    from formulaic import ModelSpec

STEP, LEAST_STEP = 1e-3, 1e-7  # of a number, of its deviation; two steps: Richardson's rule


@dataclass(frozen=True)
class Shift:
    """How the columns of a model change with a variable.

    Attributes:
        variable: Name of the variable, or of a level.
        first: Columns by unit of the variable, or with the level, shape (n or 1, k).
        second: Columns without the level; None where the variable is a number.
    """

    variable: str
    first: Floats
    second: Floats | None = None

    def append_cuts(self, cuts: Floats) -> "Shift":
        """Return the shift with the columns of the cut points, shape (1, q), unchanged."""
        if self.second is None:
            return replace(self, first=append_columns(self.first, 0 * cuts))
        first, second = append_columns(self.first, cuts), append_columns(self.second, cuts)
        return replace(self, first=first, second=second)


def append_columns(x: Floats, row: Floats) -> Floats:
    """Append columns that are the same on every form."""
    return np.hstack([x, np.repeat(row, len(x), axis=0)])


def list_shifts(x: pd.DataFrame, spec: "ModelSpec | None", forms: pd.DataFrame) -> Iterator[Shift]:
    """Yield how the columns change with each variable of a model.

    Args:
        x: Columns of the model, shape (n, k); levels of a key without a formula are named
            ``key=level``.
        spec: Model specification of formulaic; None if the columns are the variables.
        forms: The forms behind ``x``, with the variables of the formula.
    """
    if spec is None:
        yield from _shift_columns(x)
        return

    def rebuild_columns(name: str, values: "pd.Series[float] | float") -> Floats:
        changed = forms.assign(**{name: values})
        matrix = pd.DataFrame(spec.get_model_matrix(changed, na_action="drop"))
        return matrix.reindex(index=changed.index, columns=x.columns).to_numpy(dtype=float)

    for name in list_variables(str(spec.formula), spec, forms):
        levels = _match_levels(x, forms, name)
        if levels:
            first_level = _fill_column(forms[name], levels.pop(""))
            without = rebuild_columns(name, first_level)
            for label, level in levels.items():
                column = _fill_column(forms[name], level)
                yield Shift(label, rebuild_columns(name, column), without)
            continue
        values = forms[name].astype(float)
        if set(values.unique()) <= {0.0, 1.0}:
            yield Shift(name, rebuild_columns(name, 1.0), rebuild_columns(name, 0.0))
            continue
        slopes = []
        width = (STEP * values.abs()).clip(lower=LEAST_STEP * values.std())  # log(x) stays above 0
        for step in (width, width / 2):
            up, down = rebuild_columns(name, values + step), rebuild_columns(name, values - step)
            slopes.append((up - down) / (2 * step.to_numpy(dtype=float)[:, None]))
        yield Shift(name, (4 * slopes[1] - slopes[0]) / 3)


def _shift_columns(columns: pd.DataFrame) -> Iterator[Shift]:
    """Yield the shifts of columns that are variables themselves."""
    x, names = columns.to_numpy(dtype=float), [str(name) for name in columns]
    for at, name in enumerate(names):
        if name == INTERCEPT:
            continue
        if not set(np.unique(x[:, at])) <= {0.0, 1.0}:
            yield Shift(name, np.eye(len(names))[[at]])
            continue
        key, is_level, _ = name.partition("=")
        same_key = [
            k
            for k, other in enumerate(names)
            if k == at or (is_level and other.startswith(f"{key}="))
        ]
        without = x.copy()
        without[:, same_key] = 0.0
        first = without.copy()
        first[:, at] = 1.0
        yield Shift(name, first, without)


def _match_levels(x: pd.DataFrame, forms: pd.DataFrame, name: str) -> dict[str, object]:
    """Return the level behind each column of a categorical variable; under "" the first level."""
    unmatched = {str(level): level for level in forms[name].unique()}
    levels: dict[str, object] = {}
    for column in map(str, x):
        factor, mark, end = column.partition("[T.")
        level = end[:-1]
        coded = bool(re.match(rf"C\(`?{re.escape(name)}`?[,)]", factor))
        is_level = mark and ":" not in column and (coded or factor.strip("`") == name)
        if is_level and level in unmatched:
            levels[column] = unmatched.pop(level)
    return {"": next(iter(unmatched.values())), **levels} if levels and unmatched else {}


def _fill_column(column: "pd.Series[float]", level: object) -> "pd.Series[float]":
    """Return the column with one value for all, of the same type."""
    return pd.Series([level] * len(column), index=column.index, dtype=column.dtype)


class AverageEffect(NamedTuple):
    """The average effect of a shift, that of each form (n,), and its gradient by β (k,)."""

    value: float
    by_form: Floats
    gradient: Floats


def average_effect(
    x: Floats, params: Floats, shift: Shift, share: Floats, family: Family, *, exposure: Floats
) -> AverageEffect:
    """Return the average effect of a shift on the expectation of y.

    Args:
        x: Columns, cut points' columns included, shape (n, k).
        params: Coefficients, shape (k,).
        shift: How the columns change, shape (n or 1, k).
        share: Weights that add up to 1, shape (n,).
        family: How the expectation follows from the linear predictor.
        exposure: Factor of the expectation, shape (n,); 1 without an offset.
    """
    if shift.second is not None:
        first, slope_1, _ = exposure * predict_mean(shift.first @ params, family)
        second, slope_2, _ = exposure * predict_mean(shift.second @ params, family)
        by_form = first - second
        gradient = (share * slope_1) @ shift.first - (share * slope_2) @ shift.second
        return AverageEffect(float(share @ by_form), by_form, gradient)
    _, slope, curvature = exposure * predict_mean(x @ params, family)
    along = shift.first @ params
    by_form = slope * along
    gradient = (share * curvature * along) @ x
    gradient = gradient + ((share * slope)[:, None] * shift.first).sum(axis=0)
    return AverageEffect(float(share @ by_form), by_form, gradient)


def predict_mean(linear: Floats, family: Family) -> Floats:
    """Return the expectation, its first and second derivative by the linear predictor, (3, n)."""
    if family == "gaussian":
        return np.stack([linear, np.ones_like(linear), np.zeros_like(linear)])
    if family == "poisson":
        return np.stack([np.exp(linear)] * 3)
    mu = expit(linear)
    return np.stack([mu, mu * (1 - mu), mu * (1 - mu) * (1 - 2 * mu)])
