"""Tests that chosen variables of a model have no effect, as R ``regTermTest`` and ``anova``.

Wald's test uses the covariance of the design. The working likelihood ratio compares the weighted
likelihoods of two models; under a design it is a sum of squared normals with factors λ, the
eigenvalues of V₀⁻¹V (Rao and Scott), and not a χ².
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_number, check_word, list_known, list_names
from sipas_analysis.errors import FitError
from sipas_analysis.explain.coefficients import invert_information, solve_rows
from sipas_analysis.explain.fitted_model import FittedModel
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.likelihoods import LIKELIHOODS, null_log_likelihood
from sipas_analysis.explain.replicate_fits import estimate_model_errors
from sipas_analysis.explain.standard_errors import wald_test
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import chi2_tail, f_tail
from sipas_analysis.infer.quadratic_forms import Approximation, mixture_tail, wald_statistic
from sipas_analysis.infer.result_table import ResultTable

TestMethod = Literal["wald", "lrt", "working", "adjusted"]
COLUMNS = ["variables", "method", "f", "chisq", "df", "ddf", "p"]


@dataclass(frozen=True, eq=False, repr=False)
class FitTest(ResultTable):
    """Tests of chosen variables of a model.

    Attributes:
        frame: One row per test: ``variables``, ``method``, ``f``, ``chisq``, ``df`` (coefficients
            tested), ``ddf`` (degrees of freedom of the denominator), ``p``; NaN: no test.
        factors: λ of the working likelihood ratio of a single test, shape (q,); R ``lambda``.
    """

    decimals = 4
    frame: pd.DataFrame
    factors: Floats = field(default_factory=lambda: np.zeros(0), repr=False)

    @property
    def f(self) -> float:
        """F of the first test."""
        return float(self.frame["f"].iloc[0])

    @property
    def chisq(self) -> float:
        """Wald's W, or twice the working log-likelihood ratio, of the first test."""
        return float(self.frame["chisq"].iloc[0])

    @property
    def df(self) -> int:
        """Coefficients that the first test is about."""
        return int(self.frame["df"].iloc[0])

    @property
    def ddf(self) -> float:
        """Degrees of freedom of the denominator of the first test."""
        return float(self.frame["ddf"].iloc[0])

    @property
    def p(self) -> float:
        """P value of the first test."""
        return float(self.frame["p"].iloc[0])


class _Statistic(NamedTuple):
    """A test statistic with its factors, if it has any."""

    f: float
    chisq: float
    ddf: float
    p: float
    factors: Floats


def run_test(
    fit: FittedModel,
    variables: str | Sequence[str] | None,
    method: TestMethod,
    ddf: float | None,
    approximation: Approximation,
) -> FitTest:
    """Test that the coefficients of these variables are all 0; see ``Fit.test``."""
    check_word(method, get_args(TestMethod), "method", FitError)
    check_word(approximation, get_args(Approximation), "approximation", FitError)
    if ddf is not None:
        check_number(ddf, "ddf")
    if fit.imputed_fits and method in ("lrt", "working"):
        raise FitError("test_imputed", method=method)
    at = find_coefficients(fit, variables)
    residual_df = float(fit.frame["df"].min()) if ddf is None else float(ddf)
    if len(at) == 0 or not residual_df > 0 or np.isnan(fit.covariance_matrix).any():
        statistic = _Statistic(np.nan, np.nan, residual_df, np.nan, np.zeros(0))
    elif method in ("wald", "adjusted"):
        statistic = _compute_wald(fit, at, residual_df, method == "adjusted")
    else:
        statistic = _compute_ratio(fit, at, residual_df, method, approximation)
    named = "all" if variables is None else " + ".join(_split_names(variables))
    row = [named, method, statistic.f, statistic.chisq, len(at), statistic.ddf, statistic.p]
    return FitTest(pd.DataFrame([row], columns=COLUMNS), statistic.factors)


def _compute_wald(fit: FittedModel, at: Ints, ddf: float, adjusted: bool) -> _Statistic:
    """Return F = W/q; adjusted: W·(d − q + 1)/(d·q), with d of the design (Korn, Graubard)."""
    value = fit.frame["value"].to_numpy(dtype=float)[at]
    covariance, q = fit.covariance_matrix[np.ix_(at, at)], len(at)
    chisq = wald_statistic(value, covariance)
    if adjusted:
        design_df = ddf + fit.n_slopes
        f, p = wald_test(value, covariance, design_df)
        return _Statistic(f, chisq, design_df - q + 1, p, np.zeros(0))
    p = chi2_tail(chisq, q) if np.isinf(ddf) else f_tail(chisq / q, q, ddf)
    return _Statistic(chisq / q, chisq, ddf, p, np.zeros(0))


def _compute_ratio(
    fit: FittedModel, at: Ints, ddf: float, method: TestMethod, approximation: Approximation
) -> _Statistic:
    """Return the working likelihood ratio, or Wald's W with the covariance of the working model."""
    weight = fit.design.weight
    w = weight[fit.rows] * fit.exposure / weight[fit.design.members].mean()
    params, y = fit.frame["value"].to_numpy(dtype=float), fit.y / fit.exposure
    naive = invert_information(fit.family, fit.data, y, w, params)[np.ix_(at, at)]
    factors = np.linalg.eigvals(np.linalg.solve(naive, fit.covariance_matrix[np.ix_(at, at)])).real
    if method == "lrt":
        left = [k for k in range(fit.data.shape[1]) if k not in at]
        less = _explain_less(fit, fit.data.iloc[:, left], w)
        chisq = 2 * (less - fit.r_squared) * null_log_likelihood(fit.family, y, w)
    else:
        chisq = wald_statistic(params[at], naive)
    p = mixture_tail(chisq, factors, ddf, approximation)
    return _Statistic(chisq / float(factors.sum()), chisq, ddf, p, factors)


def _explain_less(fit: FittedModel, x: pd.DataFrame, w: Floats) -> float:
    """Return the share of the deviance that a model of fewer columns explains."""
    if fit.family == "ordinal" and x.shape[1] == 0:
        return 0.0
    if x.shape[1] == 0:
        y = fit.y / fit.exposure
        likelihood = LIKELIHOODS[fit.family](np.zeros(0), x.to_numpy(dtype=float), y, w)[0]
        return 1 - float(w @ likelihood) / null_log_likelihood(fit.family, y, w)
    levels, exposure = fit.levels, fit.exposure
    return solve_rows(
        fit.design, fit.rows, x, fit.y, fit.family, levels=levels, exposure=exposure
    ).r_squared


def find_coefficients(fit: FittedModel, variables: str | Sequence[str] | None) -> Ints:
    """Return the places of the coefficients that belong to these variables.

    A name is a term of the formula (``stype``, ``meals:stype``, ``C(stype)``), a variable within a
    term of its own (``meals`` of ``log(meals)``), or a coefficient (``stype[T.H]``).

    Raises:
        FitError: The model has no such variable.
    """
    places = fit.frame["variable"].to_numpy()
    if variables is None:
        return np.flatnonzero([name in fit.data and name != INTERCEPT for name in places])
    by_name = _list_terms(fit)
    labels: list[str] = []
    for name in _split_names(variables) or [""]:
        if _order_factors(name) not in by_name:
            raise FitError("fit_variable", name=name, known=list_known(name, by_name))
        labels += by_name[_order_factors(name)]
    return np.flatnonzero(np.isin(places, labels))


def _split_names(variables: str | Sequence[str]) -> list[str]:
    """Return the names in ``a + b`` or ``~ a + b``, or the names of a list."""
    if not isinstance(variables, str):
        return list_names(variables, "variables")
    parts, depth = [""], 0
    for letter in variables.strip().removeprefix("~"):
        depth += (letter in "([") - (letter in ")]")
        if letter == "+" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _order_factors(name: str) -> str:
    return ":".join(sorted(part.strip().strip("`") for part in name.split(":")))


def _list_terms(fit: FittedModel) -> dict[str, list[str]]:
    """Return the labels of the coefficients by each name that may stand for them."""
    by_name: dict[str, list[str]] = {}
    if fit.spec is not None:
        columns = fit.spec.column_names
        frame_columns = set(map(str, fit.design.frame))
        for term, at in fit.spec.term_indices.items():
            labels = [str(columns[k]) for k in at]
            by_name[_order_factors(str(term))] = labels
            inside = frame_columns & set(map(str, fit.spec.term_variables[term]))
            if len(inside) == 1 and len(term.factors) == 1:
                by_name.setdefault(inside.pop(), labels)
    for label in map(str, fit.frame["variable"]):
        by_name.setdefault(_order_factors(label), [label])
        key, is_level, _ = label.partition("=")
        if is_level and fit.spec is None:
            columns = map(str, fit.data)
            by_name.setdefault(key, [name for name in columns if name.startswith(f"{key}=")])
    return {name: labels for name, labels in by_name.items() if name != "1"}


def run_sequence(fit: FittedModel, method: TestMethod, approximation: Approximation) -> FitTest:
    """Test each term after those before it in the formula; see ``Fit.anova``."""
    terms, rows, model = _list_terms_in_order(fit), [], fit
    for term in reversed(terms):
        rows.append(run_test(model, [term], method, None, approximation).frame)
        if term != terms[0]:
            model = _drop_columns(model, find_coefficients(model, [term]))
    empty = pd.DataFrame(columns=COLUMNS)
    return FitTest(pd.concat(rows[::-1], ignore_index=True) if rows else empty)


def _drop_columns(fit: FittedModel, at: Ints) -> FittedModel:
    """Return the fit of the same forms without the columns of these coefficients."""
    x = fit.data.drop(columns=fit.frame["variable"].iloc[at].unique())
    levels, exposure = fit.levels, fit.exposure
    model = solve_rows(fit.design, fit.rows, x, fit.y, fit.family, levels=levels, exposure=exposure)
    error, again = estimate_model_errors(fit.design, model, refit=fit.replicate_fits is not None)
    names = {"variable": model.variables, "value": model.params}
    return replace(
        fit,
        frame=pd.DataFrame(names).assign(df=error.df - model.n_slopes),
        data=model.x,
        covariance_matrix=error.matrix,
        r_squared=model.r_squared,
        influence=model.influence,
        replicate_fits=again,
    )


def _list_terms_in_order(fit: FittedModel) -> list[str]:
    """Return the terms of a model in the order of its formula, without the intercept."""
    if fit.spec is not None:
        return [str(term) for term in fit.spec.term_indices if str(term) != "1"]
    names = [str(name).partition("=")[0] for name in fit.data if name != INTERCEPT]
    return list(dict.fromkeys(names))
