"""Say what a model's coefficients mean in points: the average effect of each variable.

A variable may stand in several columns of a model (levels, powers, products): all of them move with
it. Numbers are moved by a little, categories and yes/no from their first level to another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from sipas_analysis.explain.formula import INTERCEPT, list_variables
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.infer.design import Floats

STEP, LEAST_STEP = 1e-3, 1e-7  # of a number, of its spread; two are joined by Richardson's rule


@dataclass(frozen=True)
class Shift:
    """How the columns of a model move with a variable.

    Attributes:
        term: Name of the variable, or of a level.
        first: Columns by unit of the variable, or with the level, shape (n or 1, k).
        second: Columns without the level; None where the variable is a number.
    """

    term: str
    first: Floats
    second: Floats | None = None


def list_shifts(data: pd.DataFrame, spec: Any, frame: pd.DataFrame) -> Iterator[Shift]:
    """Yield how the columns move with each variable of a model.

    Args:
        data: Columns of the model, shape (n, k); levels of a key without a formula are named
            ``key=level``.
        spec: What formulaic made the columns with; None if they are variables themselves.
        frame: The forms behind ``data``, with the variables of the formula.
    """
    if spec is None:
        yield from _shift_columns(data)
        return

    def made(changed: pd.DataFrame) -> Floats:
        whole = pd.DataFrame(spec.get_model_matrix(changed, na_action="drop"))
        return whole.reindex(index=changed.index, columns=data.columns).to_numpy(dtype=float)

    for name in list_variables(str(spec.formula), spec, frame):
        levels = _match_levels(data, frame, name)
        if levels:
            none = made(frame.assign(**{name: _fill_column(frame[name], levels.pop(""))}))
            for term, level in levels.items():
                yield Shift(
                    term, made(frame.assign(**{name: _fill_column(frame[name], level)})), none
                )
            continue
        values = frame[name].astype(float)
        if set(values.unique()) <= {0.0, 1.0}:
            yield Shift(name, *(made(frame.assign(**{name: it})) for it in (1.0, 0.0)))
            continue
        slopes = []
        width = (STEP * values.abs()).clip(lower=LEAST_STEP * values.std())  # log(x) stays above 0
        for step in (width, width / 2):
            up, down = (made(frame.assign(**{name: values + it})) for it in (step, -step))
            slopes.append((up - down) / (2 * step.to_numpy(dtype=float)[:, None]))
        yield Shift(name, (4 * slopes[1] - slopes[0]) / 3)


def _shift_columns(data: pd.DataFrame) -> Iterator[Shift]:
    """Yield the changes of columns that are variables themselves."""
    x, names = data.to_numpy(dtype=float), [str(name) for name in data]
    for at, name in enumerate(names):
        if name == INTERCEPT:
            continue
        if not set(np.unique(x[:, at])) <= {0.0, 1.0}:
            yield Shift(name, np.eye(len(names))[[at]])
            continue
        key = name.split("=")[0] + "="
        alike = [k for k, it in enumerate(names) if k == at or ("=" in name and it.startswith(key))]
        none = x.copy()
        none[:, alike] = 0.0
        first = none.copy()
        first[:, at] = 1.0
        yield Shift(name, first, none)


def _match_levels(data: pd.DataFrame, frame: pd.DataFrame, name: str) -> dict[str, Any]:
    """Return the level behind each column of a categorical variable; under "" the first one."""
    said = {str(level): level for level in frame[name].unique()}
    found: dict[str, Any] = {}
    for column in map(str, data):
        factor, mark, level = column.partition("[T.")
        own = factor.strip("`") == name or bool(re.match(rf"C\(`?{re.escape(name)}`?[,)]", factor))
        if mark and own and ":" not in column and level[:-1] in said:
            found[column] = said.pop(level[:-1])
    return {"": next(iter(said.values())), **found} if found and said else {}


def _fill_column(column: "pd.Series[Any]", level: Any) -> "pd.Series[Any]":
    """Return the column with one value for all, of the same type."""
    return pd.Series([level] * len(column), index=column.index, dtype=column.dtype)


def average_effect(
    x: Floats, params: Floats, change: Shift, share: Floats, family: Family
) -> tuple[float, Floats, Floats]:
    """Return the average effect of a change on P(y), each form's own, and its slope by β.

    Args:
        x: Columns, cut points' columns included, shape (n, k).
        params: Coefficients, shape (k,).
        change: How the columns move, shape (n or 1, k).
        share: Weights that add up to 1, shape (n,).
        family: Whether P is the line itself or its logistic.
    """
    if change.second is not None:
        (first, bend_1), (second, bend_2) = (
            _predict_mean(it @ params, family) for it in (change.first, change.second)
        )
        own = first - second
        slope = (share * bend_1) @ change.first - (share * bend_2) @ change.second
        return float(share @ own), own, slope
    mu, bend = _predict_mean(x @ params, family)
    along = change.first @ params
    own = bend * along
    turn = bend * (1 - 2 * mu) if family != "gaussian" else np.zeros_like(mu)
    slope = (share * turn * along) @ x + ((share * bend)[:, None] * change.first).sum(axis=0)
    return float(share @ own), own, slope


def _predict_mean(line: Floats, family: Family) -> tuple[Floats, Floats]:
    """Return the expectation and its derivative by the line."""
    if family == "gaussian":
        return line, np.ones_like(line)
    mu = expit(line)
    return mu, mu * (1 - mu)
