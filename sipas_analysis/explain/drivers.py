"""Regress overall satisfaction on the factors: which go together with it, and how surely.

A driver is a factor score: a person's mean over the items answered in the factor. Coefficients
are standardised, errors those of the design (rule V1 on the influence of each coefficient).
The words are of association; who wants cause needs an experiment. Without an overall item
there is no regression, and the result says so (rule D1).
"""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ConfigError
from sipas_analysis.infer.block import Columns
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.sources import block
from sipas_analysis.infer.variance import freedom, variance

MIN_PER_TERM = 5
MIN_FORMS = 30
MIN_EACH_ANSWER = 10
INSEPARABLE_VIF = 5.0
INSEPARABLE_R = 0.9


@dataclass(frozen=True)
class Drivers:
    """Models of the outcome, or the reason why there is none.

    Attributes:
        frame: One row per model (``linear``, ``logit``) and term: ``value`` (standardised), ``se``,
            ``low``, ``high``, ``df``, ``p``, ``raw`` (per level), ``vif``, ``separable``, ``n``.
        outcome: Code of the outcome; empty if none.
        n: Complete forms used; ``n_lost`` had a blank in the outcome or a whole factor.
        r_squared: Share of the outcome's variance that goes with the factors (linear).
        reason: Why a model is missing, by model; empty if both stand.
        correlations: Between factor scores and outcome.
        fits: statsmodels results by model.
    """

    frame: pd.DataFrame
    outcome: str
    n: int
    n_lost: int
    r_squared: float
    reason: dict[str, str]
    correlations: pd.DataFrame
    fits: dict[str, Any]

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a pandas frame of one's own."""
        return self.frame.copy()

    def __str__(self) -> str:
        head = f"outcome {self.outcome or '-'}, n = {self.n}, R² = {self.r_squared:.4f}"
        return f"{head}\n{self.frame.round(4).to_string(index=False)}\n{self.reason or ''}"

    def _repr_html_(self) -> str:
        return str(self.frame.round(4).to_html(index=False, border=0, na_rep="–"))


COLUMNS = (
    "model", "term", "value", "se", "low", "high", "df", "p", "raw", "vif", "separable", "n",
)  # fmt: skip


def factor_scores(survey: Survey) -> pd.DataFrame:
    """Return each person's mean level over the items answered in each factor, shape (n, f)."""
    pack = survey.instrument
    scores = {code: survey.frame[pack.items_of(code)].mean(axis=1) for code in pack.factors}
    return pd.DataFrame(scores)


def drivers(survey: Survey) -> Drivers:
    """Regress the outcome on the factor scores: linear, and logit of being satisfied.

    y = Σ β_k F_k + e with all variables standardised; logit P(y ≥ satisfied_from) on the same.
    Complete forms only; weights count if the wave has them.

    Args:
        survey: Forms that passed the door; its wave may declare ``outcome:``.

    Returns:
        Models with robust intervals. No row where a model cannot be fitted; ``reason`` says why:
        ``no_outcome``, ``few_forms``, ``constant``, ``few_answers``, ``singular`` or
        ``not_converged``.

    Raises:
        ConfigError: The outcome is itself an item of a factor.

    Source: rules D1, D2 and V1 in docs/method.md; White (1980), doi:10.2307/1912934.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> found = sipas.drivers(survey).frame.query("model == 'linear'")
        >>> found.sort_values("value")["term"].iloc[-1]
        'civil-servants'
    """
    pack, scores = survey.instrument, factor_scores(survey)
    outcome = survey.wave.outcome or (pack.overall_item.code if pack.overall_item else "")
    if outcome in pack.items:
        raise ConfigError("outcome_in_driver", outcome=outcome)
    known = outcome != "" and bool(survey.frame[outcome].notna().any())
    data = scores.assign(outcome=survey.frame[outcome]) if known else scores
    weight = survey.frame["weight"] if "weight" in survey.frame else pd.Series(1.0, data.index)
    complete = data.notna().all(axis=1)
    n_lost = int((~complete).sum())
    data, weight = data[complete], weight[complete].astype(float)
    reason = _cannot(data, known)
    empty = pd.DataFrame(columns=list(COLUMNS))
    if reason:
        both = {"linear": reason, "logit": reason}
        used = outcome if known else ""
        return Drivers(empty, used, len(data), n_lost, np.nan, both, data.corr(), {})
    return _models(survey.design(), data, weight, outcome, pack.scale.satisfied_from)


def _models(
    design: Design, data: pd.DataFrame, weight: "pd.Series[float]", outcome: str, cut: int
) -> Drivers:
    """Fit both models; a model that fails leaves its reason and no row."""
    fits, reasons = {}, {}
    for model in ("linear", "logit"):
        fit, why = _fit(model, data, weight, cut)
        if fit is None:
            reasons[model] = why
        else:
            fits[model] = fit
    n_lost = len(design.frame) - len(data)
    frames = [_table(model, fit, data, weight, design) for model, fit in fits.items()]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))
    r_squared = float(fits["linear"].rsquared) if "linear" in fits else np.nan
    return Drivers(table, outcome, len(data), n_lost, r_squared, reasons, data.corr(), fits)


def _cannot(data: pd.DataFrame, known: bool) -> str:
    """Return why no model of these data can stand, or nothing."""
    if not known:
        return "no_outcome"
    if len(data) < max(MIN_FORMS, MIN_PER_TERM * data.shape[1]):
        return "few_forms"
    return "constant" if (data.nunique() < 2).any() else ""


def _standard(
    data: pd.DataFrame, weight: "pd.Series[float]"
) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """Return columns with weighted mean 0 and standard deviation 1, and those deviations."""
    share = weight / weight.sum()
    centred = data - data.mul(share, axis=0).sum()
    spread = np.sqrt((centred**2).mul(share, axis=0).sum())
    return centred / spread, spread


def _fit(model: str, data: pd.DataFrame, weight: "pd.Series[float]", cut: int) -> tuple[Any, str]:
    """Fit one model with statsmodels; return it, or None and the reason."""
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

    standard, _ = _standard(data, weight)
    drivers = sm.add_constant(standard.drop(columns="outcome"))
    if np.linalg.matrix_rank(drivers.to_numpy()) < drivers.shape[1]:
        return None, "singular"
    even = weight / weight.mean()
    if model == "linear":
        return sm.WLS(standard["outcome"], drivers, weights=even).fit(cov_type="HC0"), ""
    satisfied = (data["outcome"] >= cut).astype(float)
    if min(satisfied.sum(), (1 - satisfied).sum()) < MIN_EACH_ANSWER:
        return None, "few_answers"
    family = sm.families.Binomial()
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            fit = sm.GLM(satisfied, drivers, family=family, var_weights=even).fit(cov_type="HC0")
        except (PerfectSeparationError, PerfectSeparationWarning):
            return None, "not_converged"
    steady = fit.converged and np.abs(fit.params).max() < 20
    return (fit, "") if steady else (None, "not_converged")


def _errors(
    fit: Any, data: pd.DataFrame, weight: "pd.Series[float]", design: Design
) -> tuple["pd.Series[float]", float]:
    """Return the error of each coefficient by V1 on its influence, and the design's df.

    z_i = w_i A⁻¹ x_i (y_i − μ_i), A the information; forms that are not complete count with z = 0.
    """
    x, even = fit.model.exog, (weight / weight.mean()).to_numpy()
    residual = fit.model.endog - fit.fittedvalues.to_numpy()
    mu = fit.fittedvalues.to_numpy()
    spread = mu * (1 - mu) if hasattr(fit, "mu") else np.ones(len(x))
    bread = np.linalg.inv((x * (even * spread)[:, None]).T @ x)
    influence = (x * (residual / weight.mean())[:, None]) @ bread
    names = tuple(f"z {name}" for name in fit.params.index)
    z = pd.DataFrame(influence, data.index, names).assign(complete=1.0)
    z = z.reindex(design.frame.index, fill_value=0.0)
    forms = pd.concat([design.frame.drop(columns="complete", errors="ignore"), z], axis=1)
    columns = Columns(
        names, lambda it: [it[name].to_numpy() for name in names], np.abs(influence).max(axis=0),
        [False] * len(names), ("complete",), lambda it: [it["complete"].to_numpy()],
    )  # fmt: skip
    totals = block(replace(design, frame=forms), [], columns)
    found = [float(variance(totals, one[None, :])[0]) for one in np.eye(len(names))]
    units, strata = freedom(totals, totals.part_people[:, 0])
    return pd.Series(np.sqrt(found), index=fit.params.index), float(units[0] - strata[0])


def _table(
    model: str, fit: Any, data: pd.DataFrame, weight: "pd.Series[float]", design: Design
) -> pd.DataFrame:
    """Return one row per driver: coefficient, error by V1, interval, collinearity.

    The complete forms are a domain of the sample: the others count with z = 0, as in `svyglm`.
    """
    n, terms = len(data), [str(column) for column in data if column != "outcome"]
    standard, spread = _standard(data, weight)
    value = fit.params[terms]
    errors, design_df = _errors(fit, data, weight, design)
    se, df = errors[terms], design_df + 1 - len(fit.params)
    half = stats.t.ppf(0.975, df) * se
    raw = value * (spread["outcome"] if model == "linear" else 1.0) / spread[terms]
    p = 2 * stats.t.sf(np.abs(value / se), df)
    share = weight / weight.sum()
    correlation = standard[terms].T @ standard[terms].mul(share, axis=0)
    vif = np.diag(np.linalg.inv(correlation))
    strongest = np.abs(correlation - np.eye(len(terms))).max(axis=1)
    return pd.DataFrame(
        {"model": model, "term": terms, "value": value.to_numpy(), "se": se.to_numpy(),
         "low": (value - half).to_numpy(), "high": (value + half).to_numpy(), "df": df,
         "p": p, "raw": raw.to_numpy(),
         "vif": vif, "separable": (vif < INSEPARABLE_VIF) & (strongest < INSEPARABLE_R).to_numpy(),
         "n": n}
    )  # fmt: skip
