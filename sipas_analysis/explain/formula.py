"""Read a formula, its outcome and predictors; refuse data to which no model can be fitted.

Every refusal names what must hold, what was found and what to do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_level, check_name, check_word, list_known, refuse_kind
from sipas_analysis.errors import FitError
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.infer.design import Design, Floats, Sampled, take_design

if TYPE_CHECKING:
    from formulaic import ModelSpec

INTERCEPT = "Intercept"
MOST_LEVELS = 12
Levels = tuple[object, ...]  # of an ordinal outcome, lowest first


@dataclass(frozen=True, eq=False)
class ModelColumns:
    """The outcome and the predictors that a formula names.

    Attributes:
        outcome: One value per form.
        x: Predictors, shape (n, k); a form that lacks a variable is blank.
        blanks: Blanks of each variable.
        spec: Model specification of formulaic.
    """

    outcome: "pd.Series[float]"
    x: pd.DataFrame
    blanks: "pd.Series[int]"
    spec: "ModelSpec"


def check_request(
    sample: Design | Sampled, family: str, missing: str, level: float = 0.95
) -> Design:
    """Return the design of a sample; refuse a request that no model can answer."""
    design = take_design(sample)
    if design.on_files:
        raise FitError("fit_files")
    check_word(family, get_args(Family), "family", FitError)
    check_word(missing, ("complete", "impute"), "missing", FitError)
    check_level(level)
    return design


def read_formula(formula: str, frame: pd.DataFrame) -> ModelColumns:
    """Return outcome and predictors of a formula, and the blanks of its variables."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    if not isinstance(formula, str):
        raise refuse_kind(formula, "formula", "formula")
    left, tilde, right = formula.partition("~")
    left = left.strip()
    if not tilde or not left or not right.strip():
        raise FitError("fit_formula", formula=formula, why="outcome ~ predictors")
    try:
        matrix = Formula(right).get_model_matrix(frame, na_action="drop", output="pandas")
        outcome = frame[left] if left in frame else _evaluate_outcome(left, frame)
    except (FormulaicError, SyntaxError, TypeError, ValueError) as why:
        raise _explain_formula(formula, frame, str(why)) from why
    if matrix.shape[1] == 0:
        raise FitError("fit_formula", formula=formula, why="outcome ~ predictors")
    x = pd.DataFrame(matrix).astype(float).reindex(frame.index)
    variables = list_variables(right, matrix.model_spec, frame)
    if left in variables:
        raise FitError("fit_itself", outcome=left)
    _refuse_constant_texts(frame[outcome.notna() & x.notna().all(axis=1)], variables)
    columns = [name for name in (left, *variables) if name in frame]
    blanks = frame[list(dict.fromkeys(columns))].isna().sum()
    return ModelColumns(outcome, x, blanks, matrix.model_spec)


def _refuse_constant_texts(complete: pd.DataFrame, variables: Sequence[str]) -> None:
    """Refuse a text variable that has one value on all complete forms: it would leave no column."""
    constant = [
        name
        for name in variables
        if not pd.api.types.is_numeric_dtype(complete[name].dtype)
        and len(complete[name].unique()) == 1
    ]
    if constant:
        raise FitError("fit_constant", names=", ".join(constant))


def _explain_formula(formula: str, frame: pd.DataFrame, why: str) -> FitError:
    """Return the error of a formula that cannot be read: a name that nothing has, or the reason."""
    unknown = re.search(r"NameError: (?:name '|`)(.+?)['`] is not", why)
    quoted = _quote_columns(formula, frame)
    if quoted != formula:
        return FitError("fit_formula_quotes", formula=formula, quoted=quoted)
    if unknown is None:
        return FitError("fit_formula", formula=formula, why=why.splitlines()[0])
    if unknown[1] == "offset":
        return FitError("fit_offset_term", formula=formula)
    known = list_known(unknown[1], frame.columns)
    return FitError("fit_formula_name", formula=formula, name=unknown[1], known=known)


def _quote_columns(formula: str, frame: pd.DataFrame) -> str:
    """Return a formula with backticks around the columns that are no plain names."""
    names = sorted((str(name) for name in frame), key=len, reverse=True)
    unusual = [re.escape(name) for name in names if name.strip() and not name.isidentifier()]
    pattern = rf"(`[^`]*`|'[^']*'|\"[^\"]*\")|(?<!\w)({'|'.join(unusual)})(?!\w)"
    return re.sub(pattern, lambda at: at[1] or f"`{at[2]}`", formula) if unusual else formula


def list_variables(right: str, spec: "ModelSpec", frame: pd.DataFrame) -> list[str]:
    """Return the columns that a formula's right side names, in order of appearance."""
    required = {str(name) for name in spec.required_variables}
    columns = [str(name) for name in frame]
    named = [
        name for name in columns if name in required or (not name.isidentifier() and name in right)
    ]
    return sorted(named, key=lambda name: (right.find(name), name))  # a set has no order


def build_columns(spec: "ModelSpec | None", frame: pd.DataFrame, columns: list[str]) -> Floats:
    """Return the columns of a model for other forms, shape (n, k); NaN where one is blank.

    Args:
        spec: Model specification of formulaic; none if the columns are the variables.
        frame: The forms.
        columns: Names of the columns.

    Raises:
        FitError: A variable is missing, or has a level that the model never saw.
    """
    needed = [name for name in columns if name != INTERCEPT]
    if spec is not None:
        needed = sorted(map(str, spec.required_variables))
    missing = [name for name in needed if name not in set(map(str, frame))]
    if missing:
        known = list_known(missing[0], frame.columns)
        raise FitError("predict_column", name=missing[0], known=known)
    if spec is None:
        return frame.assign(**{INTERCEPT: 1.0})[columns].to_numpy(dtype=float)
    _check_levels(spec, frame)
    plain = frame.reset_index(drop=True)
    matrix = pd.DataFrame(spec.get_model_matrix(plain, na_action="drop"))
    rebuilt = matrix.reindex(index=plain.index, columns=columns)
    return np.asarray(rebuilt, dtype=np.float64)


def _check_levels(spec: "ModelSpec", frame: pd.DataFrame) -> None:
    """Refuse levels of categories that a model never saw."""
    variables = {str(factor): names for factor, names in spec.factor_variables.items()}
    for factor, (_, state) in spec.encoder_state.items():
        if "categories" not in state:
            continue
        levels = list(state["categories"])
        for name in {str(name) for name in variables.get(factor, ())} & set(map(str, frame)):
            direct = factor.strip("`") == name or factor.startswith("C(")
            unseen = [level for level in frame[name].dropna().unique() if level not in levels]
            if direct and unseen:
                raise FitError(
                    "predict_level",
                    variable=name,
                    level=unseen[0],
                    known=list_known(unseen[0], levels),
                )


def read_exposure(offset: str | None, family: Family, frame: pd.DataFrame) -> Floats | None:
    """Return the exposure of each form, exp(offset), NaN where blank; None without an offset."""
    from formulaic.errors import FormulaicError

    check_name(offset, "offset")
    if offset is None:
        return None
    if family != "poisson":
        raise FitError("fit_offset_family", family=family)
    try:
        column = frame[offset] if offset in frame else _evaluate_outcome(offset, frame)
        exposure = np.exp(column.to_numpy(dtype=float, na_value=np.nan))
    except (FormulaicError, SyntaxError, TypeError, ValueError) as why:
        reason = str(why).splitlines()[0]
        raise FitError("fit_offset", offset=offset, why=reason) from why
    if np.isinf(exposure).any() or (exposure == 0).any():
        raise FitError("fit_offset", offset=offset, why="±∞")
    return np.asarray(exposure)


def prepare_frame(design: Design) -> pd.DataFrame:
    """Return the forms that figures are about, with their place in the frame as index.

    Categories that nobody of them chose are left out.
    """
    plain: pd.DataFrame = design.frame.reset_index(drop=True)
    if design.domain is not None:
        plain = plain[design.domain]
    dtypes = plain.dtypes.to_list()
    for name in plain.columns[[isinstance(dtype, pd.CategoricalDtype) for dtype in dtypes]]:
        plain[name] = plain[name].cat.remove_unused_categories()
    for name in plain.columns[[isinstance(dtype, pd.StringDtype) for dtype in dtypes]]:
        plain[name] = plain[name].astype(object)
    return plain


def put_forms(design: Design, forms: pd.DataFrame) -> Design:
    """Return the design with changed forms in their places; those outside its domain stay."""
    outside = design.frame.reset_index(drop=True).drop(index=forms.index)
    frame = pd.concat([forms, outside]).sort_index() if len(outside) else forms
    return replace(design, frame=frame)


def _evaluate_outcome(left: str, frame: pd.DataFrame) -> "pd.Series[float]":
    """Return an outcome that is an expression, such as ``log(days)``."""
    from formulaic import Formula

    matrix = Formula(f"0 + {left}").get_model_matrix(frame, na_action="drop", output="pandas")
    return pd.DataFrame(matrix).iloc[:, 0].astype(float).reindex(frame.index)


def code_outcome(outcome: "pd.Series[float]", family: Family) -> tuple[Floats, Levels]:
    """Return the outcome as numbers, NaN where blank, and the levels that are no numbers.

    Levels are those of an ordinal or multinomial outcome, and the two of a binary text or category:
    the first in the order of the categories, else in sorted order, counts as 0.
    """
    answers = outcome.reset_index(drop=True)
    name, dtype = str(answers.name), answers.dtype
    if family == "multinomial":
        return _code_answers(answers)
    is_number = pd.api.types.is_numeric_dtype(dtype)
    in_order = isinstance(dtype, pd.CategoricalDtype) and dtype.ordered
    if (family == "ordinal" and in_order) or (family == "binomial" and not is_number):
        if family == "binomial" and answers.nunique() > 2:
            raise FitError("fit_outcome_binomial", outcome=name)
        return _code_answers(answers)
    if not is_number:
        raise FitError(f"fit_outcome_{family}", outcome=name)
    y = np.asarray(answers.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
    if np.isinf(y).any():
        raise FitError("fit_infinite", column=name)
    if family == "poisson" and (y < 0).any():
        raise FitError("fit_outcome_poisson", outcome=name)
    if family in ("gaussian", "poisson"):
        return y, ()
    numbers = np.unique(y[~np.isnan(y)])
    if family == "binomial":
        if len(numbers) and (numbers[0] < 0 or numbers[-1] > 1):
            raise FitError("fit_outcome_binomial", outcome=name)
        return y, ()
    if len(numbers) > MOST_LEVELS:
        raise FitError("fit_outcome_ordinal", outcome=name)
    plain = tuple(int(level) if level == int(level) else float(level) for level in numbers)
    return np.where(np.isnan(y), np.nan, np.searchsorted(numbers, y)), plain


def _code_answers(answers: "pd.Series[float]") -> tuple[Floats, Levels]:
    """Return the number of each answer of a multinomial outcome, NaN where blank, and the levels.

    A number may have at most as many levels as an ordinal outcome, a text twice as many.
    """
    dtype = answers.dtype
    is_category = isinstance(dtype, pd.CategoricalDtype)
    categories = answers.astype(dtype if is_category else "category").cat
    if answers.nunique() == 2 < len(categories.categories):  # both levels of a binary logit
        categories = categories.remove_unused_categories().cat
    codes, levels = categories.codes.to_numpy(dtype=float), tuple(categories.categories)
    is_number = pd.api.types.is_numeric_dtype(dtype)
    if len(levels) > MOST_LEVELS * (1 if is_number else 2):
        raise FitError("fit_outcome_multinomial", outcome=str(answers.name), n=len(levels))
    return np.where(codes < 0, np.nan, codes), levels


def check_data(x: pd.DataFrame, y: Floats, terms: int, family: Family, *, centred: bool) -> None:
    """Refuse data that no model can be fitted to: few forms, nothing that varies."""
    values = x.to_numpy()
    if np.isinf(values).any():
        raise FitError("fit_infinite", column=str(x.columns[np.isinf(values).any(axis=0)][0]))
    if len(x) <= terms:
        raise FitError("fit_few_forms", n=len(x), terms=terms)
    if y.min() == y.max():
        raise FitError("fit_outcome_constant")
    if family == "ordinal" and len(np.unique(y)) < 3:
        raise FitError("fit_two_levels")
    constant = (values.min(axis=0) == values.max(axis=0)) & (x.columns != INTERCEPT)
    if constant.any() and (centred or (values[:, constant] == 0).all()):
        raise FitError("fit_constant", names=", ".join(map(str, x.columns[constant])))
