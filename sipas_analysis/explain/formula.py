"""Read what a model is asked of: formula, outcome, predictors; refuse what no model can come from.

Every refusal names what must hold, what was found and what to do.
"""

from typing import Any, get_args

import numpy as np
import pandas as pd

from sipas_analysis.errors import FitError
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.infer.design import Design, Floats

INTERCEPT = "Intercept"
MOST_LEVELS = 12


def check_request(design: Design, family: str, missing: str) -> None:
    """Refuse what no model can be made of."""
    if not isinstance(design, Design):
        raise FitError("fit_design", found=type(design).__name__)
    if design.on_files:
        raise FitError("fit_files")
    if family not in get_args(Family):
        raise FitError("fit_word", word="family", found=family, known=", ".join(get_args(Family)))
    if missing not in ("complete", "impute"):
        raise FitError("fit_word", word="missing", found=missing, known="complete, impute")


def read_formula(
    formula: str, frame: pd.DataFrame
) -> tuple[Any, pd.DataFrame, "pd.Series[int]", Any]:
    """Return outcome, predictors blank where a form lacks one, blanks, and how they were made."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    left, tilde, right = formula.partition("~")
    left = left.strip()
    if not tilde or not left or not right.strip():
        raise FitError("fit_formula", formula=formula, why="outcome ~ predictors")
    try:
        made = Formula(right).get_model_matrix(frame, na_action="drop", output="pandas")
        outcome = frame[left] if left in frame else _evaluate_outcome(left, frame)
    except (FormulaicError, SyntaxError, TypeError, ValueError) as why:
        raise FitError("fit_formula", formula=formula, why=str(why).splitlines()[0]) from why
    x = pd.DataFrame(made).astype(float).reindex(frame.index)
    named = list_variables(right, made.model_spec, frame)
    if left in named:
        raise FitError("fit_itself", outcome=left)
    used = [name for name in (left, *named) if name in frame]
    return outcome, x, frame[list(dict.fromkeys(used))].isna().sum(), made.model_spec


def list_variables(right: str, spec: Any, frame: pd.DataFrame) -> list[str]:
    """Return the columns that a formula's right side names, in the order of their first place."""
    known = {str(it) for it in spec.required_variables}
    odd = [it for it in map(str, frame) if not it.isidentifier() and it in right]
    named = [it for it in map(str, frame) if it in known or it in odd]
    return sorted(named, key=lambda it: (right.find(it), it))  # a set has no order of its own


def prepare_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with plain rows; categories that nobody chose are left out."""
    made = frame.reset_index(drop=True)
    for name in made.columns[[isinstance(it, pd.CategoricalDtype) for it in made.dtypes]]:
        made[name] = made[name].cat.remove_unused_categories()
    for name in made.columns[[isinstance(it, pd.StringDtype) for it in made.dtypes]]:
        made[name] = made[name].astype(object)
    return made


def _evaluate_outcome(left: str, frame: pd.DataFrame) -> "pd.Series[float]":
    from formulaic import Formula

    made = Formula(f"0 + {left}").get_model_matrix(frame, na_action="drop", output="pandas")
    return pd.DataFrame(made).iloc[:, 0].astype(float).reindex(frame.index)


def code_outcome(outcome: Any, family: Family) -> tuple[Floats, tuple[Any, ...]]:
    """Return the outcome as numbers, NaN where blank, and the levels of an ordinal one."""
    given = pd.Series(outcome).reset_index(drop=True)
    name, dtype = str(given.name), given.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = np.where(given.isna(), np.nan, given.cat.codes.astype(float))
        two = family == "binomial" and len(dtype.categories) == 2
        if two or (family == "ordinal" and dtype.ordered):
            return codes, tuple(dtype.categories) if family == "ordinal" else ()
    if not pd.api.types.is_numeric_dtype(dtype):
        raise FitError(f"fit_outcome_{family}", outcome=name)
    y = given.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(y).any():
        raise FitError("fit_infinite", column=name)
    known = np.unique(y[~np.isnan(y)])
    if family == "binomial" and len(known) and (known[0] < 0 or known[-1] > 1):
        raise FitError("fit_outcome_binomial", outcome=name)
    if family != "ordinal":
        return y, ()
    if len(known) > MOST_LEVELS:
        raise FitError("fit_outcome_ordinal", outcome=name)
    levels = tuple(int(it) if it == int(it) else float(it) for it in known)
    return np.where(np.isnan(y), np.nan, np.searchsorted(known, y)), levels


def check_data(data: pd.DataFrame, y: Floats, terms: int, family: Family, *, centred: bool) -> None:
    """Refuse data from which no model can come: few forms, nothing that varies."""
    values = data.to_numpy()
    if np.isinf(values).any():
        raise FitError("fit_infinite", column=str(data.columns[np.isinf(values).any(axis=0)][0]))
    if len(data) <= terms:
        raise FitError("fit_few_forms", n=len(data), terms=terms)
    if y.min() == y.max():
        raise FitError("fit_outcome_constant")
    if family == "ordinal" and len(np.unique(y)) < 3:
        raise FitError("fit_two_levels")
    plain = data.drop(columns=INTERCEPT, errors="ignore")
    same = [str(name) for name in plain if plain[name].min() == plain[name].max()]
    if same and (centred or (plain[same] == 0).all(axis=None)):
        raise FitError("fit_constant", names=", ".join(same))
