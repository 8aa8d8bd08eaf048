"""Combinations of estimates: weights, expressions and functions, and their slopes; p adjusted."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sipas_analysis.arguments import check_word, list_known
from sipas_analysis.errors import ColumnError
from sipas_analysis.extras import require_library
from sipas_analysis.infer.design import Floats

Combination = Mapping[str, float] | str | Floats | Sequence[float] | Callable[[Floats], ArrayLike]
ADJUSTMENTS = (
    "holm",
    "bonferroni",
    "sidak",
    "holm-sidak",
    "simes-hochberg",
    "hommel",
    "fdr_bh",
    "fdr_by",
    "fdr_tsbh",
    "fdr_tsbky",
)


def read_combination(
    how: Combination, labels: Sequence[str], values: Floats
) -> tuple[Floats, Floats]:
    """Return slopes, shape (K, E), and values, shape (K,), of combinations of E estimates.

    Args:
        how: Weights by label; an expression of labels (those that are no plain names between
            backticks); a weight for each estimate, shape (E,) or (K, E); or a smooth function.
        labels: Labels of the estimates, shape (E,).
        values: Their values, shape (E,).

    Raises:
        ColumnError: A label is unknown or ambiguous, or the combination cannot be computed.
    """
    try:
        if isinstance(how, str):
            return _read_expression(how, labels, values)
        if callable(how):
            value = np.atleast_1d(np.asarray(how(values), dtype=float))
            return compute_slopes(how, values), value
        if isinstance(how, Mapping):
            weights = np.zeros(len(values))
            for label, weight in how.items():
                weights[_find_label(label, labels)] = weight
            how = weights
        slope = np.atleast_2d(np.asarray(how, dtype=float))
    except ColumnError:
        raise
    except (TypeError, ValueError, LookupError, ArithmeticError) as why:
        raise ColumnError("combine_wrong", why=why) from why
    if slope.shape[1] != len(values):
        raise ColumnError("combine_length", found=slope.shape[1], wanted=len(values))
    return slope, slope @ values


def _find_label(label: object, labels: Sequence[str]) -> int:
    """Return the place of a label; refuse one that no estimate or more than one has."""
    places = [at for at, name in enumerate(labels) if name == str(label)]
    if len(places) != 1:
        raise ColumnError("combine_label", label=label, known=list_known(label, labels))
    return places[0]


def _read_expression(
    expression: str, labels: Sequence[str], values: Floats
) -> tuple[Floats, Floats]:
    """Return the slopes and value of an expression of labels, such as ``log(api00 / api99)``."""
    used = [at for at, label in enumerate(labels) if label in expression]
    names = [labels[at] for at in used]

    def evaluate(some: Floats) -> ArrayLike:
        try:
            computed = pd.DataFrame([some], columns=names).eval(expression, engine="python")
        except pd.errors.UndefinedVariableError as why:
            name = str(why).split("'")[1]
            raise ColumnError("combine_label", label=name, known=list_known(name, labels)) from why
        except (SyntaxError, AttributeError) as why:
            raise ValueError(str(why)) from why
        return np.asarray(computed, dtype=float)

    value = np.atleast_1d(np.asarray(evaluate(values[used]), dtype=float))
    slope = np.zeros((len(value), len(values)))
    slope[:, used] = compute_slopes(evaluate, values[used])
    return slope, value


def compute_slopes(how: Callable[[Floats], ArrayLike], values: Floats) -> Floats:
    """Return the slopes of a smooth function, shape (K, E), by central differences.

    Two widths are combined by Richardson's rule, so that the error is of the order of width⁴.
    """
    rows = []
    for at, value in enumerate(values):
        width = 1e-3 * max(abs(value), 1e-3)
        step = np.zeros_like(values)
        step[at] = width
        near, far = (
            np.atleast_1d(np.asarray(how(values + k * step)) - np.asarray(how(values - k * step)))
            / (2 * k * width)
            for k in (0.5, 1.0)
        )
        rows.append((4 * near - far) / 3)
    return np.stack(rows, axis=1)


def adjust_p_values(p: Floats, method: str = "holm") -> Floats:
    """Return p values adjusted for their number; NaN stays NaN and is not counted, as in R.

    Args:
        p: p values, shape (n,).
        method: A name of ``statsmodels.stats.multitest.multipletests``. ``holm`` is computed here:
            the same bits without the 40 ms that the import takes.
    """
    check_word(method, ADJUSTMENTS, "method")
    adjusted = np.array(p, dtype=float)
    known = ~np.isnan(adjusted)
    if method == "holm":
        order = np.flatnonzero(known)[np.argsort(adjusted[known])]
        steps = np.arange(len(order), 0, -1) * adjusted[order]
        adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    elif known.any():
        require_library("statsmodels")
        from statsmodels.stats.multitest import multipletests

        adjusted[known] = multipletests(adjusted[known], method=method)[1]
    return adjusted
