"""``Fit``, the result of ``fit``: a ``FittedModel`` with its tests, predictions and margins.

Each of these methods calls a module that computes from a ``FittedModel``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from sipas_analysis.explain.average_margins import tabulate_effects
from sipas_analysis.explain.fit_tests import FitTest, TestMethod, run_sequence, run_test
from sipas_analysis.explain.fitted_model import Errors, FittedModel, Note
from sipas_analysis.explain.parallel_slopes import ParallelTest, compare_slopes
from sipas_analysis.explain.predictions import (
    AdjustedMeans,
    Predictions,
    Scale,
    adjust_means,
    predict_forms,
)
from sipas_analysis.explain.statsmodels_view import view_as_statsmodels
from sipas_analysis.infer.quadratic_forms import Approximation

__all__ = ["Errors", "Fit", "Note"]


@dataclass(frozen=True, eq=False, repr=False)
class Fit(FittedModel):
    """A fitted model.

    Attributes:
        frame: One row per coefficient, cut points of an ordinal logit last: ``variable``,
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
        outcome: Name of the outcome.
        offset: Column or expression of the offset, if there was one.
        spec: The model specification of formulaic, if there was a formula.
        imputed_fits: Fits of the imputations that this one combines, if there were any.
        replicate_fits: Coefficients under each replicate weight, where they were fitted again.
    """

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

        Source: rule D10 in docs/method.md; Lumley and Scott (2014), doi:10.1111/stan.12040.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0.0, 1, 2, 3]})
            >>> fit = sipas.fit(sipas.Design(frame), "y ~ a")
            >>> abs(fit.test("a").p - float(fit.frame["p"][1])) < 1e-12
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
                ``link``: the linear predictor xβ. (R's default is ``link``.) An
                offset of the fit is read from the forms, too.
            level: Confidence of the intervals.

        Returns:
            ``value``, ``se``, ``low``, ``high``, ``df`` with the index of the forms. Intervals of
            ``response`` of a logit or Poisson model are those of ``link``, transformed.

        Raises:
            FitError: A variable is missing, or has a level that the model never saw.

        Source: rule D11 in docs/method.md.

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

        Source: rule D11 in docs/method.md; Korn and Graubard (1999), section 3.7.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0.0, 1, 2, 3], "s": list("mfmf")})
            >>> fit = sipas.fit(sipas.Design(frame), "y ~ a + s")
            >>> fit.adjusted_means("s").frame["value"].round(6).tolist()
            [3.0, 2.0]
        """
        self.require_design_errors()
        return adjust_means(self, variable, at, level)

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
        self.require_design_errors()
        return tabulate_effects(self, at, level)

    def test_parallel_slopes(self, least: int | None = None) -> "ParallelTest":
        """Test whether an ordinal logit's slopes are the same at every cut point.

        A binary logit at each cut with ``least`` forms on either side (10 for each slope; with
        fewer, the test rejects too often); Wald's test that the slopes agree, with their joint
        covariance by V1: F = W·(df − q + 1)/(df·q).

        Source: rule D1 in docs/method.md; Brant (1990), doi:10.2307/2532457.
        """
        return compare_slopes(self, least)
