"""A fitted model: its coefficients and what follows from them.

Average effects, joint tests and the test of parallel slopes use each form's influence, so that they
have the errors of the sample's design (rule V1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_level, check_word
from sipas_analysis.errors import FitError
from sipas_analysis.explain.answer_effects import average_answer_effects
from sipas_analysis.explain.coefficients import solve_model
from sipas_analysis.explain.effects import (
    AverageEffect,
    Shift,
    append_columns,
    average_effect,
    list_shifts,
)
from sipas_analysis.explain.fit_tests import (
    FitTest,
    TestMethod,
    run_sequence,
    run_test,
)
from sipas_analysis.explain.formula import INTERCEPT, Levels, prepare_frame
from sipas_analysis.explain.imputation import combine_imputations
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.predictions import (
    AdjustedMeans,
    Predictions,
    Scale,
    adjust_means,
    predict_forms,
)
from sipas_analysis.explain.replicate_fits import ReplicateFits, spread_replicates
from sipas_analysis.explain.standard_errors import (
    estimate_error_covariance,
    tabulate_coefficients,
    wald_test,
)
from sipas_analysis.explain.statsmodels_view import view_as_statsmodels
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.estimates import ResultTable
from sipas_analysis.infer.quadratic_forms import Approximation
from sipas_analysis.messages import Language, say

if TYPE_CHECKING:
    from formulaic import ModelSpec

FEW_EACH = 10
Errors = Literal["design", "linearised", "cr2"]
POINTS = {"gaussian": 1.0, "poisson": 1.0}  # in the outcome's unit; shares in points
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
        errors: ``design``, ``linearised`` or ``cr2``, see ``fit``.
        spec: The model specification of formulaic, if there was a formula.
        imputed_fits: Fits of the imputations that this one combines, if there were any.
        replicate_fits: Coefficients under each replicate weight, where they were fitted again.
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
    replicate_fits: ReplicateFits | None = field(default=None, repr=False)

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

    @property
    def n_slopes(self) -> int:
        """Degrees of freedom that the slopes take, as in R: coefficients less intercept or cuts."""
        equations = max(len(self.levels) - 1, 1)
        return len(self.frame) - equations

    def forms(self) -> pd.DataFrame:
        """Return the forms used, with the variables of the formula."""
        return prepare_frame(self.design).loc[self.rows].reset_index(drop=True)

    @cached_property
    def statsmodels(self) -> Any:
        """The same model as results of statsmodels, with the errors of the design.

        Coefficients, covariance, degrees of freedom and the t distribution are those of this fit
        (``cov_type`` is ``design``), so ``summary``, ``summary_col``, ``t_test``, ``wald_test``,
        ``get_prediction``, ``conf_int``, ``bse`` and ``pvalues`` print the design's errors.
        ``predict`` takes columns as in ``data``; for a frame of variables use ``Fit.predict``.

        Raises:
            AbsentError: statsmodels has no such model with weights (ordinal, multinomial), or
                several imputations were combined; ``hasattr`` is false.
        """
        return view_as_statsmodels(self)

    def test(
        self,
        variables: str | Sequence[str],
        method: TestMethod = "wald",
        *,
        ddf: float | None = None,
        approximation: Approximation = "saddlepoint",
    ) -> FitTest:
        """Test that chosen variables have no effect, as R ``regTermTest``.

        Args:
            variables: Names, or ``"a + b"``: terms of the formula (``stype``, ``meals:stype``),
                variables or single coefficients (``stype[T.H]``). A variable does not include its
                products with others.
            method: ``wald``: F = W/q, W = β′V⁻¹β. ``lrt``: the working likelihood ratio of Rao and
                Scott; ``chisq`` is twice the log-likelihood ratio under weights of mean 1, ``f`` is
                ``chisq``/Σλ. ``working``: Wald's W under the working model, with the same factors
                λ. ``adjusted``: F = W·(d − q + 1)/(d·q) with d of the design, as Stata.
            ddf: Degrees of freedom of the denominator; those of the coefficients if left out;
                ``numpy.inf`` gives χ².
            approximation: Of the law of ``lrt`` and ``working``: ``saddlepoint`` or
                ``satterthwaite``.

        Returns:
            ``f``, ``chisq``, ``df``, ``ddf``, ``p`` (also in ``frame``) and ``factors`` (λ).

        Raises:
            FitError: The model has no such variable.

        Source: rule D4 in docs/method.md; Lumley and Scott (2014), doi:10.1111/stan.12040.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0.0, 1, 2, 3]})
            >>> fit = sipas.fit(sipas.Design(frame), "y ~ a")
            >>> bool(np.isclose(fit.test("a").p, fit.frame["p"][1]))
            True
        """
        self.require_design_errors()
        return run_test(self, variables, method, ddf, approximation)

    def joint(
        self, variables: str | Sequence[str] | None = None, method: TestMethod = "wald"
    ) -> FitTest:
        """Test that no predictor, or none of the chosen ones, has an effect; see ``test``."""
        self.require_design_errors()
        return run_test(self, variables, method, None, "saddlepoint")

    def anova(
        self, method: TestMethod = "lrt", *, approximation: Approximation = "saddlepoint"
    ) -> FitTest:
        """Test each term after those before it in the formula, as R ``anova`` of ``svyglm``.

        Args:
            method: As in ``test``.
            approximation: As in ``test``.

        Returns:
            One row per term. Every model is fitted to the forms of this fit.
        """
        self.require_design_errors()
        return run_sequence(self, method, approximation)

    def predict(
        self,
        frame: pd.DataFrame | None = None,
        type: Scale = "response",  # noqa: A002 (as R and statsmodels call it)
        *,
        level: float = 0.95,
    ) -> Predictions:
        """Predict the outcome of forms, with the errors of the design, as R ``predict(se=TRUE)``.

        Args:
            frame: Forms with the variables of the formula; the forms used if left out.
            type: ``response``: the mean, or the chance (0 to 1) of yes, or of each level.
                ``link``: the linear predictor xβ. (R's default is ``link``.) Offsets count as 0.
            level: Confidence of the intervals.

        Returns:
            ``value``, ``se``, ``low``, ``high``, ``df`` with the index of the forms. Intervals of
            ``response`` of a logit or Poisson model are those of ``link``, transformed.

        Raises:
            FitError: A variable is missing, or has a level that the model never saw.

        Source: rule D5 in docs/method.md.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0.0, 1, 2, 3]})
            >>> fit = sipas.fit(sipas.Design(frame), "y ~ a")
            >>> fit.predict(pd.DataFrame({"a": [4.0]})).frame["value"].round(6).item()
            5.5
        """
        return predict_forms(self, frame, type, level)

    def adjusted_means(
        self, variable: str, at: Sequence[object] | None = None, *, level: float = 0.95
    ) -> AdjustedMeans:
        """Return the mean outcome at each level of a variable, all else as in the sample.

        Σwᵢ μ(xᵢ with the variable set to the level) / Σwᵢ over the forms used; the variance is
        ∂′V∂ for the coefficients plus that of the mean over people, as R ``svypredmeans``.

        Args:
            variable: A variable of the model.
            at: Levels; all if left out, in the order of the categories. Of a number with many
                values they must be given.
            level: Confidence of the intervals.

        Returns:
            ``frame`` with ``answer`` (the level), ``value``, ``se``, ``low``, ``high``, ``df``; in
            the outcome's unit, chances 0 to 1. ``differences()`` compares the levels.

        Raises:
            FitError: The model has no such variable or level.

        Source: rule D5 in docs/method.md; Korn and Graubard (1999), section 3.7.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0.0, 1, 2, 3], "s": list("mfmf")})
            >>> fit = sipas.fit(sipas.Design(frame), "y ~ a + s")
            >>> fit.adjusted_means("s").frame["value"].round(6).tolist()
            [3.0, 2.0]
        """
        self.require_design_errors()
        return adjust_means(self, variable, at, level)

    def estimate_mean_covariance(self, by_form: Floats) -> Floats:
        """Return the covariance of Σwf/Σw of values of the forms used, shape (n, m) to (m, m)."""
        w = self.design.weight[self.rows]
        mean = w @ by_form / w.sum()
        if self.replicate_fits is not None:
            weights = self.replicate_fits.weights
            means = weights.T @ by_form / weights.sum(axis=0)[:, None]
            return self.replicate_fits.sample.covariance(means, mean)
        return estimate_error_covariance(self.design, self.rows, (by_form - mean) / w.sum()).matrix

    def margins(self, at: object = None, level: float = 0.95) -> pd.DataFrame:
        """Return average marginal effects: points of the outcome's share per unit of a variable.

        100 · Σwᵢ ∂P(yᵢ)/∂x / Σwᵢ, through every column in which x occurs; for a category from its
        first level to another, for yes/no from 0 to 1. The error includes that of the coefficients
        and that of the people over whom the mean is taken (V1).

        Args:
            at: Level of an ordinal outcome: the share at or above it; the highest if left out.
            level: Confidence.

        Returns:
            ``variable``, ``value`` (points; for a linear model and for counts the outcome's unit),
            ``se``, ``low``, ``high``, ``df``, ``p``; one row per variable, or per level of a
            category; of a multinomial logit for each ``answer``.
        """
        check_level(level)
        effects = [fit.estimate_effects(at) for fit in self.imputed_fits or (self,)]
        answers, variables, value, covariance, design_df = effects[0]
        df: float | Floats = design_df
        if self.imputed_fits:
            values = np.stack([effect.value for effect in effects])
            covariances = np.stack([effect.covariance for effect in effects])
            value, covariance, df = combine_imputations(values, covariances, design_df)
        table = tabulate_coefficients(value, np.sqrt(np.diagonal(covariance)), df, level)
        table = table.assign(variable=variables)[list(ENDS)]
        if answers:
            table.insert(0, "answer", answers)
        return table

    def estimate_effects(self, at: object = None) -> "Effects":
        """Return the average effect of each variable with their covariance."""
        self.require_design_errors()
        params, w = self.frame["value"].to_numpy(), self.design.weight[self.rows]
        cuts, points = self._point_at_level(at), POINTS.get(self.family, 100.0)
        x = append_columns(self.data.to_numpy(dtype=float), cuts)
        shifts = [
            shift.append_cuts(cuts) for shift in list_shifts(self.data, self.spec, self.forms())
        ]
        parts = self._average_shifts(x, params, shifts, w / w.sum())
        answers: list[object] = []
        if self.family == "multinomial":
            answers = [self.levels[answer] for answer, _, _ in parts]
        elif self.family == "ordinal":
            answers = [self.levels[-1] if at is None else at] * len(parts)
        variables = [variable for _, variable, _ in parts]
        least_df = float(self.frame["df"].min())
        if not parts:
            return Effects(answers, variables, np.zeros(0), np.zeros((0, 0)), least_df)
        values = points * np.array([effect.value for _, _, effect in parts])
        if self.replicate_fits is not None:
            again = self.replicate_fits
            each = [
                [
                    points * effect.value
                    for _, _, effect in self._average_shifts(x, beta, shifts, v / v.sum())
                ]
                for beta, v in zip(again.params, again.weights.T, strict=True)
            ]
            error = spread_replicates(self.design, self.rows, again.sample, np.array(each), values)
        else:
            influence = [
                (effect.by_form - effect.value) / w.sum() + self.influence @ effect.gradient
                for _, _, effect in parts
            ]
            error = estimate_error_covariance(
                self.design, self.rows, points * np.stack(influence, axis=1)
            )
        return Effects(answers, variables, values, error.matrix, min(error.df, least_df))

    def _average_shifts(
        self, x: Floats, params: Floats, shifts: Sequence[Shift], share: Floats
    ) -> list[tuple[int, str, AverageEffect]]:
        """Return answer, variable and effect of all shifts, answer by answer."""
        parts = [
            (answer, shift.variable, effect)
            for shift in shifts
            for answer, effect in enumerate(self._average_shift(x, params, shift, share))
        ]
        return sorted(parts, key=lambda part: part[0])

    def _average_shift(
        self, x: Floats, params: Floats, shift: Shift, share: Floats
    ) -> Sequence[AverageEffect]:
        """Return the average effect of a shift, for each answer of a multinomial logit."""
        if self.family == "multinomial":
            return [*average_answer_effects(x, params, shift, share)]
        return [average_effect(x, params, shift, share, self.family, exposure=self.exposure)]

    def _point_at_level(self, at: object) -> Floats:
        """Return the columns of the cut points, shape (1, q): −1 below the level asked for."""
        n_cuts = len(self.levels) - 1 if self.family == "ordinal" else 0
        cuts = np.zeros((1, n_cuts))
        if n_cuts:
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


class Effects(NamedTuple):
    """Average effects: answers, variables, values (k,), their covariance (k, k) and its df."""

    answers: list[object]
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
