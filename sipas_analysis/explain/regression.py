"""Regress an outcome on predictors, with the errors of the sample's design.

Linear, Poisson, binary, ordinal and multinomial logit on any frame with a declared design. Each
form's influence on the coefficients is totalled like any variable, so strata, clusters, finite
populations and calibration count (rule V1). The results are associations; a cause needs an
experiment.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypedDict, get_args, overload

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_count, check_word
from sipas_analysis.errors import FitError
from sipas_analysis.explain.bias_reduced import correct_errors
from sipas_analysis.explain.coefficients import SolvedModel, solve_columns
from sipas_analysis.explain.fits_by_group import GroupedFits, fit_groups
from sipas_analysis.explain.fitted import Errors, Fit, Note
from sipas_analysis.explain.formula import (
    check_request,
    code_outcome,
    prepare_frame,
    put_forms,
    read_exposure,
    read_formula,
)
from sipas_analysis.explain.imputation import combine_imputations, impute_blanks
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.replicate_fits import ReplicateFits, estimate_model_errors
from sipas_analysis.explain.standard_errors import (
    ErrorCovariance,
    add_ratios,
    tabulate_coefficients,
)
from sipas_analysis.explain.term_names import Labels, read_labels
from sipas_analysis.infer.design import Design, Floats, Sampled, take_wording
from sipas_analysis.infer.estimate_tables import Names, check_keys

FEW_CLUSTERS, FEW_EACH, MANY_LOST, FEW_DF = 10, 10, 0.2, 4


@overload
def fit(
    design: Design | Sampled,
    formula: str,
    family: Family = ...,
    *,
    by: None = ...,
    level: float = ...,
    missing: str = ...,
    imputations: int = ...,
    seed: int = ...,
    offset: str | None = ...,
    errors: Errors = ...,
    labels: Labels = ...,
) -> Fit: ...
@overload
def fit(
    design: Design | Sampled,
    formula: str,
    family: Family = ...,
    *,
    by: Names,
    level: float = ...,
    missing: str = ...,
    imputations: int = ...,
    seed: int = ...,
    offset: str | None = ...,
    errors: Errors = ...,
    labels: Labels = ...,
) -> GroupedFits: ...
def fit(
    design: Design | Sampled,
    formula: str,
    family: Family = "gaussian",
    *,
    by: Names | None = None,
    level: float = 0.95,
    missing: str = "complete",
    imputations: int = 20,
    seed: int = 1,
    offset: str | None = None,
    errors: Errors = "design",
    labels: Labels = None,
) -> Fit | GroupedFits:
    """Fit a model on a declared sample.

    Maximises Σwᵢ log P(yᵢ | xᵢβ); z_i = H⁻¹·∂ℓᵢ/∂β is the influence of form i, and the
    covariance of β is that of the totals Σwᵢzᵢ (V1). Forms that lack a variable stay in the
    sample with z = 0, as in R ``svyglm`` and ``svyolr``. t intervals on the design's
    degrees of freedom less the number of slopes.

    Args:
        design: The sample, in memory.
        formula: ``outcome ~ predictors`` as statsmodels and R write it.
        family: ``gaussian``, ``binomial`` (outcome 0 to 1), ``ordinal`` (a number of few levels,
            or an ordered categorical), ``poisson`` (counts; log link, errors as those of R
            ``quasipoisson``) or ``multinomial`` (text or categories; the first category, or the
            first in sorted order, is the reference).
        by: Key columns: one fit for each group, a domain. A form with a blank key is in no group.
        level: Confidence of the intervals.
        missing: ``complete`` forms only, or ``impute`` blank predictors that are numbers
            (multiple imputation, combined by Rubin's rules).
        imputations: Number of imputations, if any.
        seed: Seed of the imputation.
        offset: Column, or expression such as ``log(days)``, that is added to xβ of a Poisson model;
            the rate ratios are then per day.
        errors: ``design``: linearised, with strata, clusters and finite populations (V1); with
            replicate weights the model is fitted again under each (V4), as R ``svyglm`` on
            ``svrepdesign``. ``linearised``: under replicate weights, too.
            ``cr2``: Bell and McCaffrey's correction with Satterthwaite's degrees of freedom for
            each coefficient, for few clusters (under about 40) without strata; without clusters
            each form is its own (HC2).
        labels: Names of variables and of their levels in printed tables, a text or ``{"vi": …,
            "en": …}`` each: ``{"age": "Age in years", "m": "men"}``. Questions of a survey have
            theirs; of a design, a survey or a questionnaire gives them.

    Returns:
        The model. No interval where the design leaves no degree of freedom; no error where all
        forms are in one cluster (V3). With ``by`` a ``GroupedFits``: one table with the keys first,
        and the reason where a group has no model.

    Raises:
        FitError: An outcome that never varies or is of another kind, a predictor that is constant
            or determined by the others, too few forms, separated groups, an invalid formula.

    Source: rule D1 in docs/method.md; Binder (1983), doi:10.2307/1402588.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1.0, 2.0, 2.0, 5.0], "x": [0.0, 1.0, 2.0, 3.0]})
        >>> sipas.fit(sipas.Design(frame), "y ~ x").params.round(3).to_dict()
        {'Intercept': 0.7, 'x': 1.2}
    """
    wording = {**take_wording(design), **read_labels(labels)}
    design = check_request(design, family, missing, level)
    check_count(imputations, "imputations")
    check_count(seed, "seed")
    check_word(errors, get_args(Errors), "errors", FitError)
    request = FitRequest(formula, family, level, missing, imputations, seed, offset, errors)
    keys = check_keys(() if by is None else by)

    def fit_part(part: Design) -> Fit:
        return replace(_fit_request(part, request), wording=wording)

    if keys:
        return replace(fit_groups(design, keys, fit_part), wording=wording)
    return fit_part(design)


class FitRequest(NamedTuple):
    """What is to be fitted; the arguments of ``fit``."""

    formula: str
    family: Family
    level: float
    missing: str
    imputations: int
    seed: int
    offset: str | None
    errors: Errors


def _fit_request(design: Design, request: FitRequest) -> Fit:
    """Fit a model on a design, whole or a domain."""
    frame, family = prepare_frame(design), request.family
    columns = read_formula(request.formula, frame)
    outcome, x, left = columns.outcome, columns.x, request.formula.partition("~")[0].strip()
    options: FitOptions = {
        "level": request.level,
        "lost": columns.blanks,
        "exposure": read_exposure(request.offset, family, frame),
        "errors": request.errors,
    }
    if request.missing == "complete" or x[outcome.notna().to_numpy()].notna().all(axis=None):
        model = fit_columns(design, x, outcome, family, **options)
        notes = (*model.notes, *_note_answers(model, design, left))
        return replace(model, spec=columns.spec, offset=request.offset, notes=notes)
    answers = outcome.astype(str).where(outcome.notna())  # without order: no number
    coded = answers if family == "multinomial" else code_outcome(outcome, family)[0]
    with_outcome = frame.assign(**{"\0y": coded})
    informing = [name for name in columns.blanks.index if name != left]
    weight = design.weight[frame.index]
    fits = []
    for imputed in impute_blanks(
        with_outcome, [*informing, "\0y"], weight, request.imputations, request.seed
    ):
        sample, x = put_forms(design, imputed), read_formula(request.formula, imputed).x
        model = fit_columns(sample, x, outcome, family, **options)
        fits.append(replace(model, spec=columns.spec, offset=request.offset))
    return pool_imputations(fits, request.level)


def _note_answers(model: Fit, design: Design, outcome: str) -> tuple[Note, ...]:
    """Return which answer is the reference, and which answers no form of the model gives."""
    notes = []
    if model.family == "multinomial":
        notes.append(Note("reference", {"answer": model.levels[0]}))
    if model.family in ("multinomial", "ordinal") and outcome in design.frame:
        answers = code_outcome(design.frame[outcome], model.family)[1]
        absent = ", ".join(str(answer) for answer in answers if answer not in model.levels)
        if absent:
            notes.append(Note("absent_answers", {"answers": absent, "outcome": outcome}))
    return tuple(notes)


class FitOptions(TypedDict):
    """What each fit of a request has in common."""

    level: float
    lost: "pd.Series[int]"
    exposure: Floats | None
    errors: Errors


def pool_imputations(fits: Sequence[Fit], level: float, complete_df: float | None = None) -> Fit:
    """Combine the fits of several imputations by Rubin's rules, with the columns of the first.

    ``complete_df`` are the degrees of freedom of complete data, those of the fits if not given.
    """
    values = np.stack([fit.frame["value"].to_numpy(dtype=float) for fit in fits])
    covariances = np.stack([fit.covariance_matrix for fit in fits])
    first = fits[0]
    df: Floats = first.frame["df"].to_numpy(dtype=float)
    df = df if complete_df is None else np.full(len(df), complete_df)
    pooled = combine_imputations(values, covariances, df)
    se = np.sqrt(np.diagonal(pooled.covariance))
    table = first.frame.assign(**tabulate_coefficients(pooled.value, se, pooled.df, level))
    return replace(
        first,
        frame=add_ratios(table, first.family, len(first.data.columns)),
        covariance_matrix=pooled.covariance,
        r_squared=float(np.mean([fit.r_squared for fit in fits])),
        notes=(*first.notes, Note("imputed", {"count": len(fits)})),
        imputed_fits=tuple(fits),
    )


def fit_columns(
    design: Design,
    x: pd.DataFrame,
    outcome: "pd.Series[float]",
    family: Family,
    *,
    level: float = 0.95,
    lost: "pd.Series[int] | None" = None,
    n_domain: int | None = None,
    exposure: Floats | None = None,
    errors: Errors = "design",
) -> Fit:
    """Fit a model of columns that are ready: ``x`` numbers or blank, aligned with the frame.

    Arguments, result and errors as ``fit``; without ``lost`` the blanks of ``x`` are counted.
    ``n_domain`` is how many forms the model is about, all of the frame if not given.
    """
    model = solve_columns(design, x, outcome, family, exposure=exposure)
    error, again = estimate_model_errors(design, model, refit=errors == "design")
    n, n_all = len(model.rows), int(design.members.sum()) if n_domain is None else n_domain
    df: float | Floats = error.df - model.n_slopes
    notes = collect_notes(design, family, model.y, error, n_all=n_all, n_slopes=model.n_slopes)
    if errors == "cr2" and error.df > 0:
        matrix, df = correct_errors(design, model)
        error, notes = error._replace(matrix=matrix), _note_corrected(notes, df)
    se = np.sqrt(np.diagonal(error.matrix))
    table = tabulate_coefficients(model.params, se, df, level)
    table.insert(0, "variable", model.variables)
    if model.answers:
        table.insert(0, "answer", model.answers)
    table = add_ratios(table, family, len(model.x.columns))
    return Fit(
        frame=table.assign(n=n),
        family=family,
        levels=model.levels,
        n=n,
        n_lost=n_all - n,
        lost=x.isna().sum() if lost is None else lost,
        r_squared=model.r_squared,
        notes=(*notes, *_note_model(model, again)),
        covariance_matrix=error.matrix,
        data=model.x,
        y=model.y,
        rows=model.rows,
        influence=model.influence,
        design=design,
        exposure=model.exposure,
        errors=errors,
        outcome="y" if outcome.name is None else str(outcome.name),
        replicate_fits=again,
    )


def _note_corrected(notes: Sequence[Note], df: Floats) -> tuple[Note, ...]:
    """Return the warnings that are left with CR2, and which coefficients it hardly knows."""
    left = [note for note in notes if note.id not in ("few_clusters", "no_interval")]
    few = [Note("few_df", {"df": f"{df.min():.1f}", "least": FEW_DF})] if df.min() < FEW_DF else []
    return (*left, *few)


def _note_model(model: SolvedModel, again: ReplicateFits | None) -> list[Note]:
    """Return what a reader needs to know of the outcome's levels and of failed replicates."""
    notes = []
    if model.family == "binomial" and model.levels:
        first, second = model.levels
        notes.append(Note("two_levels", {"no": first, "yes": second}))
    if again is not None and again.n_failed:
        notes.append(Note("replicates_failed", {"n": again.n_failed}))
    return notes


def collect_notes(
    design: Design, family: Family, y: Floats, error: ErrorCovariance, *, n_all: int, n_slopes: int
) -> tuple[Note, ...]:
    """Return the warnings about a model of ``n_all`` forms."""
    n_lost, clusters = n_all - len(y), error.n_clusters
    least = FEW_EACH * n_slopes
    rare = int(min(y.sum(), (1 - y).sum())) if family == "binomial" else least
    notes = []
    if np.isnan(error.df):
        notes.append(Note("one_cluster", {}))
    if error.df <= n_slopes:
        notes.append(Note("no_interval", {"clusters": clusters, "terms": n_slopes}))
    if design.cluster_columns and 1 < clusters < FEW_CLUSTERS:
        notes.append(Note("few_clusters", {"clusters": clusters, "least": FEW_CLUSTERS}))
    if rare < least:
        notes.append(Note("few_events", {"n": rare, "terms": n_slopes}))
    if n_lost > MANY_LOST * n_all:
        notes.append(Note("many_lost", {"n": n_lost, "n_all": n_all}))
    return tuple(notes)
