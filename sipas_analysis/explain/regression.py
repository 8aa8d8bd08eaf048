"""Regress an outcome on predictors, with the errors of the sample's design.

Linear, binary logit and ordered logit on any frame with a declared design. Each form's influence on
the coefficients is totalled like any variable, so strata, clusters, finite populations and
calibration count (rule V1). The results are associations; a cause needs an experiment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_level, check_word
from sipas_analysis.errors import FitError
from sipas_analysis.explain.bias_reduced import correct_errors
from sipas_analysis.explain.coefficients import solve_columns, solve_model
from sipas_analysis.explain.effects import append_columns, average_effect, list_shifts
from sipas_analysis.explain.formula import (
    INTERCEPT,
    Levels,
    check_request,
    code_outcome,
    prepare_frame,
    put_forms,
    read_exposure,
    read_formula,
)
from sipas_analysis.explain.imputation import combine_imputations, impute_blanks
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.standard_errors import (
    ErrorCovariance,
    add_ratios,
    estimate_error_covariance,
    tabulate_coefficients,
    wald_test,
)
from sipas_analysis.infer.design import Design, Floats, Ints, Sampled
from sipas_analysis.infer.estimates import ResultTable
from sipas_analysis.messages import Language, say

if TYPE_CHECKING:
    from formulaic import ModelSpec

FEW_CLUSTERS, FEW_EACH, MANY_LOST = 10, 10, 0.2
Errors = Literal["design", "cr2"]
ENDS = ("variable", "value", "se", "low", "high", "df", "p")


class Note(NamedTuple):
    """A warning that belongs to a result: a message id and its fields."""

    id: str
    fields: Mapping[str, object]

    def text(self, language: Language) -> str:
        """Return the sentence in one language."""
        return say(language, f"explain.note.{self.id}", **self.fields)


@dataclass(frozen=True, eq=False, repr=False)
class Fit(ResultTable):
    """A fitted model.

    Attributes:
        frame: One row per coefficient, cut points of an ordered logit last: ``variable``,
            ``value``, ``se``, ``low``, ``high``, ``df``, ``p``, ``odds_ratio``, ``odds_low``,
            ``odds_high`` (Poisson: ``rate_ratio``, ``rate_low``, ``rate_high``), ``n``. A
            multinomial logit has one row per ``answer`` and variable.
        family: ``gaussian``, ``binomial``, ``ordinal``, ``poisson`` or ``multinomial``.
        levels: Levels of an ordinal outcome, lowest first; answers of a multinomial one, the first
            is the reference.
        n: Forms used; ``n_lost`` lack a variable of the model.
        lost: Blanks of each variable; a form with any of them is not used.
        r_squared: Explained share of the variance; for logits 1 − ℓ/ℓ₀ (McFadden), for counts
            the explained share of the deviance.
        notes: Warnings that a reader needs.
        covariance_matrix: Covariance of the coefficients, shape (k, k).
        data: Complete predictors, shape (n, k).
        y: Outcome, shape (n,); levels of an ordinal or multinomial one count from 0.
        rows: Which forms of the design's frame were used, shape (n,).
        influence: Influence of each form on each coefficient, shape (n, k), before weights.
        design: The sample.
        exposure: exp(offset) of each form used, shape (n,); 1 without an offset.
        errors: ``design`` (linearised, V1) or ``cr2``.
        spec: The model specification of formulaic, if there was a formula.
        imputed_fits: Fits of the imputations that this one combines, if there were any.
    """

    decimals = 4
    frame: pd.DataFrame
    family: Family
    levels: Levels
    n: int
    n_lost: int
    lost: "pd.Series[int]"
    r_squared: float
    notes: tuple[Note, ...]
    covariance_matrix: Floats = field(repr=False)
    data: pd.DataFrame = field(repr=False)
    y: Floats = field(repr=False)
    rows: Ints = field(repr=False)
    influence: Floats = field(repr=False)
    design: Design = field(repr=False)
    exposure: Floats = field(repr=False)
    errors: Errors = "design"
    spec: "ModelSpec | None" = field(default=None, repr=False)
    imputed_fits: tuple["Fit", ...] = field(default=(), repr=False)

    @property
    def params(self) -> "pd.Series[float]":
        """Coefficients by variable; of a multinomial logit by answer and variable."""
        return self.frame.set_index(self._keys)["value"]

    @property
    def _keys(self) -> list[str]:
        return [name for name in ("answer", "variable") if name in self.frame]

    def covariance(self) -> pd.DataFrame:
        """Return the covariance of the coefficients, labelled by variable, shape (k, k)."""
        labels = ["/".join(map(str, row)) for row in self.frame[self._keys].to_numpy()]
        return pd.DataFrame(self.covariance_matrix, index=labels, columns=labels)

    def sentences(self) -> list[str]:
        """Return sentences on how well the model fits, then its warnings."""
        head = say(
            "en",
            "explain.fit",
            family=self.family,
            n=self.n,
            n_lost=self.n_lost,
            r_squared=f"{self.r_squared:.4f}",
        )
        few = self.errors == "design" and any(note.id == "few_clusters" for note in self.notes)
        hints = [say("en", "explain.cr2_hint")] if few else []
        return [head, *(note.text("en") for note in self.notes), *hints]

    def require_design_errors(self) -> None:
        """Refuse what needs the influence of each form: CR2 is about the coefficients alone."""
        if self.errors == "cr2":
            raise FitError("cr2_coefficients")

    @cached_property
    def statsmodels(self) -> Any:
        """The same model by statsmodels; None for a weighted ordered logit."""
        import statsmodels.api as sm
        from statsmodels.miscmodels.ordinal_model import OrderedModel

        w = self.design.weight[self.rows]
        if self.family == "gaussian":
            return sm.WLS(self.y, self.data, weights=w / w.mean()).fit(cov_type="HC0")
        if self.family == "binomial":
            model = sm.GLM(self.y, self.data, sm.families.Binomial(), var_weights=w / w.mean())
            return model.fit(cov_type="HC0")
        if w.min() < w.max():
            return None
        fit = OrderedModel(self.y.astype(int), self.data, distr="logit")
        return fit.fit(method="newton", disp=False)

    def margins(self, at: object = None, level: float = 0.95) -> pd.DataFrame:
        """Return average marginal effects: points of the outcome's share per unit of a variable.

        100 · Σwᵢ ∂P(yᵢ)/∂x / Σwᵢ, through every column in which x occurs; for a category from its
        first level to another, for yes/no from 0 to 1. The error includes that of the coefficients
        and that of the people over whom the mean is taken (V1).

        Args:
            at: Level of an ordinal outcome: the share at or above it; the highest if left out.
            level: Confidence.

        Returns:
            ``variable``, ``value`` (points; for a linear model the outcome's unit), ``se``,
            ``low``, ``high``, ``df``, ``p``; one row per variable, or per level of a category.
        """
        check_level(level)
        effects = [fit.estimate_effects(at) for fit in self.imputed_fits or (self,)]
        variables, value, covariance, design_df = effects[0]
        df: float | Floats = design_df
        if self.imputed_fits:
            values = np.stack([effect.value for effect in effects])
            covariances = np.stack([effect.covariance for effect in effects])
            value, covariance, df = combine_imputations(values, covariances, design_df)
        table = tabulate_coefficients(value, np.sqrt(np.diagonal(covariance)), df, level)
        return table.assign(variable=variables)[list(ENDS)]

    def estimate_effects(self, at: object = None) -> "Effects":
        """Return the average effect of each variable with their covariance."""
        self.require_design_errors()
        params, w = self.frame["value"].to_numpy(), self.design.weight[self.rows]
        cuts, points = self._point_at_level(at), 1.0 if self.family == "gaussian" else 100.0
        x = append_columns(self.data.to_numpy(dtype=float), cuts)
        forms = self.design.frame.iloc[self.rows].reset_index(drop=True)
        variables, values, influence = [], [], []
        for shift in list_shifts(self.data, self.spec, forms):
            effect = average_effect(x, params, shift.append_cuts(cuts), w / w.sum(), self.family)
            variables.append(shift.variable)
            values.append(points * effect.value)
            of_people = (effect.by_form - effect.value) / w.sum()
            influence.append(points * (of_people + self.influence @ effect.gradient))
        least_df = float(self.frame["df"].min())
        if not variables:
            return Effects(variables, np.zeros(0), np.zeros((0, 0)), least_df)
        error = estimate_error_covariance(self.design, self.rows, np.stack(influence, axis=1))
        return Effects(variables, np.array(values), error.matrix, min(error.df, least_df))

    def _point_at_level(self, at: object) -> Floats:
        """Return the columns of the cut points, shape (1, q): −1 below the level asked for."""
        cuts = np.zeros((1, len(self.frame) - len(self.data.columns)))
        if self.family == "ordinal":
            above = self.levels[1:]
            if at is not None:
                check_word(at, above, "at", FitError)
            cuts[0, -1 if at is None else above.index(at)] = -1.0
        return cuts

    def test_parallel_slopes(self, least: int | None = None) -> "ParallelTest":
        """Test whether an ordered logit's slopes are the same at every cut point.

        A binary logit at each cut with ``least`` forms on either side (10 for each slope; with
        fewer, the test rejects too often); Wald's test that the slopes agree, with their joint
        covariance by V1: F = W·(df − q + 1)/(df·q).

        Source: rule D1 in docs/method.md; Brant (1990), doi:10.2307/2532457.
        """
        slopes, influence, cuts = [], [], []
        x = self.data.assign(**{INTERCEPT: 1.0})
        for c in range(1, len(self.levels)):
            above = (self.y >= c).astype(float)
            if min(above.sum(), (1 - above).sum()) < (least or FEW_EACH * len(self.data.columns)):
                continue
            solution = solve_model("binomial", x, above, self.design.weight[self.rows])
            if solution is not None:
                slopes.append(solution.params[:-1])
                influence.append(solution.influence[:, :-1])
                cuts.append(str(self.levels[c]))
        table = pd.DataFrame(slopes, index=cuts, columns=list(self.data))
        k = len(self.data.columns)
        q = k * (len(cuts) - 1)
        if q <= 0 or self.imputed_fits:
            return ParallelTest(table, np.nan, 0, np.nan, np.nan)
        error = estimate_error_covariance(self.design, self.rows, np.hstack(influence))
        contrast = np.hstack([-np.tile(np.eye(k), (len(cuts) - 1, 1)), np.eye(q)])
        f, p = wald_test(
            contrast @ np.concatenate(slopes), contrast @ error.matrix @ contrast.T, error.df
        )
        return ParallelTest(table, f, q, error.df - q + 1, p)

    def joint_p(self) -> float:
        """Return p of Wald's test that no predictor has any slope (NaN: no test)."""
        self.require_design_errors()
        rows = np.flatnonzero(
            [name in self.data and name != INTERCEPT for name in self.frame["variable"]]
        )
        design_df = float(self.frame["df"].min()) + len(rows)
        slopes = self.frame["value"].to_numpy()[rows]
        return wald_test(slopes, self.covariance_matrix[np.ix_(rows, rows)], design_df)[1]


class Effects(NamedTuple):
    """Average effects: variables, values (k,), their covariance (k, k) and its df."""

    variables: list[str]
    value: Floats
    covariance: Floats
    df: float


class ParallelTest(NamedTuple):
    """Wald's test of equal slopes: slopes by cut, F, its degrees of freedom, p (NaN: no test)."""

    slopes: pd.DataFrame
    f: float
    df: int
    df_design: float
    p: float


def fit(
    design: Design | Sampled,
    formula: str,
    family: Family = "gaussian",
    *,
    level: float = 0.95,
    missing: str = "complete",
    imputations: int = 20,
    seed: int = 1,
    offset: str | None = None,
    errors: Errors = "design",
) -> Fit:
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
        level: Confidence of the intervals.
        missing: ``complete`` forms only, or ``impute`` blank predictors that are numbers
            (multiple imputation, combined by Rubin's rules).
        imputations: Number of imputations, if any.
        seed: Seed of the imputation.
        offset: Column, or expression such as ``log(days)``, that is added to xβ of a Poisson model;
            the rate ratios are then per day.
        errors: ``design``: linearised, with strata, clusters and finite populations (V1).
            ``cr2``: Bell and McCaffrey's correction with Satterthwaite's degrees of freedom for
            each coefficient, for few clusters (under about 40) without strata; without clusters
            each form is its own (HC2).

    Returns:
        The model. No interval where the design leaves no degree of freedom; no error where all
        forms are in one cluster (V3).

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
    design = check_request(design, family, missing, level)
    check_word(errors, get_args(Errors), "errors", FitError)
    frame = prepare_frame(design)
    columns = read_formula(formula, frame)
    outcome, x, blanks = columns.outcome, columns.x, columns.blanks
    exposure = read_exposure(offset, family, frame)
    if missing == "complete" or x[outcome.notna().to_numpy()].notna().all(axis=None):
        model = fit_columns(
            design, x, outcome, family, level=level, lost=blanks, exposure=exposure, errors=errors
        )
        return replace(model, spec=columns.spec)
    fits = []
    with_outcome = frame.assign(**{"\0y": code_outcome(outcome, family)[0]})
    informing = [name for name in blanks.index if name != formula.partition("~")[0].strip()]
    for imputed in impute_blanks(
        with_outcome, [*informing, "\0y"], design.weight[frame.index], imputations, seed
    ):
        sample, x = put_forms(design, imputed), read_formula(formula, imputed).x
        model = fit_columns(
            sample, x, outcome, family, level=level, lost=blanks, exposure=exposure, errors=errors
        )
        fits.append(replace(model, spec=columns.spec))
    return pool_imputations(fits, level)


def pool_imputations(fits: Sequence[Fit], level: float) -> Fit:
    """Combine the fits of several imputations by Rubin's rules, with the columns of the first."""
    values = np.stack([fit.frame["value"].to_numpy(dtype=float) for fit in fits])
    covariances = np.stack([fit.covariance_matrix for fit in fits])
    first = fits[0]
    pooled = combine_imputations(values, covariances, first.frame["df"].to_numpy(dtype=float))
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
    error = estimate_error_covariance(design, model.rows, model.influence)
    df: float | Floats = error.df - model.n_slopes
    if errors == "cr2":
        matrix, df = correct_errors(design, model)
        error = error._replace(matrix=matrix if error.df > 0 else error.matrix)
    se = np.sqrt(np.diagonal(error.matrix))
    table = tabulate_coefficients(model.params, se, df, level)
    table.insert(0, "variable", model.variables)
    if model.answers:
        table.insert(0, "answer", model.answers)
    table = add_ratios(table, family, len(model.x.columns))
    n, n_all = len(model.rows), int(design.members.sum()) if n_domain is None else n_domain
    return Fit(
        frame=table.assign(n=n),
        family=family,
        levels=model.levels,
        n=n,
        n_lost=n_all - n,
        lost=x.isna().sum() if lost is None else lost,
        r_squared=model.r_squared,
        notes=collect_notes(design, family, model.y, error, n_all=n_all, n_slopes=model.n_slopes),
        covariance_matrix=error.matrix,
        data=model.x,
        y=model.y,
        rows=model.rows,
        influence=model.influence,
        design=design,
        exposure=model.exposure,
        errors=errors,
    )


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
