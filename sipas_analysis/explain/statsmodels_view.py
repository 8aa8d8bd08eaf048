"""A fitted model as results of statsmodels that print the errors of the design.

statsmodels fits the same likelihood with the same weights; its covariance, degrees of freedom and
t distribution are then replaced by those of the fit, so that ``summary``, ``t_test``,
``wald_test``, ``get_prediction``, ``conf_int`` and ``bse`` are about the sample that was drawn.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.errors import AbsentError
from sipas_analysis.explain.fitted_model import FittedModel
from sipas_analysis.extras import require_library
from sipas_analysis.infer.design import Floats
from sipas_analysis.messages import say

# Statistics that statsmodels computes from its own degrees of freedom; they stay as it has them.
OF_THE_SAMPLE = (
    "scale",
    "mse_resid",
    "mse_model",
    "mse_total",
    "rsquared_adj",
    "aic",
    "bic",
    "llf",
)
OF_THE_ERRORS = ("bse", "tvalues", "pvalues", "fvalue", "f_pvalue")


def view_as_statsmodels(fit: FittedModel) -> Any:
    """Return a fit as results of statsmodels with the errors of the design.

    Raises:
        AbsentError: statsmodels has no such model with weights, or imputations were combined.
        LibraryError: statsmodels is not installed.
    """
    require_library("statsmodels")
    weight = fit.design.weight[fit.rows]
    if not weight.all():  # a form of weight 0 gives nothing, but would make the likelihood −∞
        used = weight > 0
        fit, weight = _keep_forms(fit, used), weight[used]
    unweighted = bool(weight.min() == weight.max())
    if fit.imputed_fits:
        raise AbsentError("statsmodels_imputed", family=fit.family)
    if fit.family in ("ordinal", "multinomial") and not unweighted:
        raise AbsentError("statsmodels_weighted", family=fit.family)
    params: Floats = fit.frame["value"].to_numpy(dtype=float)
    covariance = fit.covariance_matrix
    if fit.family == "ordinal":
        results = _fit_ordered(fit, params)
        params, slope = _convert_cuts(params, fit.data.shape[1])
        covariance = slope @ covariance @ slope.T
    elif fit.family == "multinomial":
        results = _fit_answers(fit, params)
        params = np.asarray(params.reshape(-1, fit.data.shape[1]).T)
    else:
        results = _fit_weighted(fit, params, weight / weight.mean())
    _replace_errors(results._results, params, covariance, float(fit.frame["df"].min()))
    return results


def _keep_forms(fit: FittedModel, used: NDArray[np.bool_]) -> FittedModel:
    """Return the fit with the columns of some of its forms, for another program to fit."""
    return replace(
        fit,
        data=fit.data[used].reset_index(drop=True),
        y=fit.y[used],
        rows=fit.rows[used],
        exposure=fit.exposure[used],
    )


def _fit_weighted(fit: FittedModel, params: Floats, weight: Floats) -> Any:
    """Fit a linear model, or a logit or counts from our coefficients on."""
    import statsmodels.api as sm

    y = pd.Series(fit.y, name=fit.outcome)
    if fit.family == "gaussian":
        return sm.WLS(y, fit.data, weights=weight).fit()
    binary = fit.family == "binomial"
    family = sm.families.Binomial() if binary else sm.families.Poisson()
    exposure = None if binary or (fit.exposure == 1).all() else fit.exposure
    model = sm.GLM(y, fit.data, family, var_weights=weight, exposure=exposure)
    return model.fit(start_params=params, atol=0.0, rtol=1e-10)


def _fit_ordered(fit: FittedModel, params: Floats) -> Any:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    model = OrderedModel(_name_levels(fit), fit.data, distr="logit")
    start, _ = _convert_cuts(params, fit.data.shape[1])
    return model.fit(start_params=start, method="newton", disp=False)


def _fit_answers(fit: FittedModel, params: Floats) -> Any:
    import statsmodels.api as sm

    model = sm.MNLogit(_name_levels(fit), fit.data)
    return model.fit(start_params=params, method="newton", disp=False)


def _name_levels(fit: FittedModel) -> Any:
    """Return the outcome by the names of its levels, in their order."""
    dtype = pd.CategoricalDtype(list(fit.levels), ordered=True)
    names = np.array([*fit.levels, None], dtype=object)[fit.y.astype(int)]
    return pd.Series(names, name=fit.outcome).astype(dtype)


def _convert_cuts(params: Floats, k: int) -> tuple[Floats, Floats]:
    """Return the parameters with cuts as θ₁, log(θ₂ − θ₁), …, and their slopes by ours."""
    steps = np.diff(params[k:])
    slope = np.eye(len(params))
    at = np.arange(k + 1, len(params))
    slope[at, at], slope[at, at - 1] = 1 / steps, -1 / steps
    return np.concatenate([params[: k + 1], np.log(steps)]), slope


def _replace_errors(results: Any, params: Floats, covariance: Floats, df: float) -> None:
    """Put coefficients, covariance and degrees of freedom of a fit into results of statsmodels."""
    for name in OF_THE_SAMPLE:
        getattr(results, name, None)  # computed once, then stored
    results.params = params
    results.cov_params_default = covariance
    results.normalized_cov_params = covariance / results.scale
    results.cov_type = "design"
    results.cov_kwds = {"description": say("en", "explain.statsmodels")}
    results.use_t = True
    results.df_resid = results.df_resid_inference = df
    for name in OF_THE_ERRORS:
        results._cache.pop(name, None)
