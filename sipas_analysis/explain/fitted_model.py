"""``FittedModel``: the coefficients of a model, their covariance, its forms and its sample.

Tests, predictions and margins are computed from it; ``fitted.Fit`` offers them as methods.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_level, check_number
from sipas_analysis.documents.model import Table
from sipas_analysis.errors import FitError
from sipas_analysis.explain.bias_reduced import FAMILIES, list_obstacles
from sipas_analysis.explain.formula import Levels, prepare_frame, read_exposure
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.replicate_fits import ReplicateFits
from sipas_analysis.explain.standard_errors import (
    estimate_error_covariance,
    tabulate_coefficients,
)
from sipas_analysis.explain.term_names import TermNames, read_variable, word_terms
from sipas_analysis.infer.combinations import Combination, read_combination
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.printed_result import Printing
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.instrument.wording import IN_PLACE, repeats_code
from sipas_analysis.messages import Language, format_number, say

if TYPE_CHECKING:
    from formulaic import ModelSpec

Errors = Literal["design", "linearised", "cr2"]


class Note(NamedTuple):
    """A warning that belongs to a result: a message id and its fields."""

    id: str
    fields: Mapping[str, object]

    def text(self, language: Language) -> str:
        """Return the sentence in one language."""
        return say(language, f"explain.note.{self.id}", **self.fields)


@dataclass(frozen=True, eq=False, repr=False)
class FittedModel(ResultTable):
    """Coefficients and forms of a model; attributes as of ``fitted.Fit``."""

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
    outcome: str = "y"
    offset: str | None = None
    spec: "ModelSpec | None" = field(default=None, repr=False)
    imputed_fits: tuple["FittedModel", ...] = field(default=(), repr=False)
    replicate_fits: ReplicateFits | None = field(default=None, repr=False)

    @property
    def params(self) -> "pd.Series[float]":
        """Coefficients by variable; of a multinomial logit by answer and variable."""
        return self.frame.set_index(self._keys)["value"]

    @property
    def _keys(self) -> list[str]:
        return [name for name in ("answer", "variable") if name in self.frame]

    def labels(self) -> list[str]:
        """Return the label of each coefficient: its variable, answer/variable if multinomial."""
        return ["/".join(map(str, row)) for row in self.frame[self._keys].to_numpy()]

    def covariance(self) -> pd.DataFrame:
        """Return the covariance of the coefficients, with their labels, shape (k, k)."""
        labels = self.labels()
        return pd.DataFrame(self.covariance_matrix, index=labels, columns=labels)

    def confint(self, level: float = 0.95, df: float | None = None) -> pd.DataFrame:
        """Return value ± t·se of each coefficient, as R ``confint``: columns ``low``, ``high``.

        Args:
            level: Confidence.
            df: Degrees of freedom (R ``ddf``); those of the coefficients if none, infinite for
                normal quantiles.
        """
        check_level(level)
        if df is not None:
            check_number(df, "df")
        value, se, freedom = self.frame[["value", "se", "df"]].to_numpy(dtype=float).T
        table = tabulate_coefficients(value, se, freedom if df is None else df, level)
        return table[["low", "high"]].set_axis(self.labels())

    def combine(
        self, how: Combination, level: float = 0.95, df: float | None = None
    ) -> pd.DataFrame:
        """Return linear or smooth combinations of coefficients with error and p (delta method).

        Equal to R ``svycontrast``; ``labels()`` lists the labels of the coefficients.

        Args:
            how: Weights by label, ``{"sex[T.m]": 1, "age": -10}``; an expression of labels,
                ``"age / income"``, those that are no plain names between backticks; one weight for
                each coefficient, shape (k,) or (K, k); or a smooth function of them, shape (k,).
            level: Confidence of the interval.
            df: Degrees of freedom; the least of the coefficients used if none.

        Returns:
            One row per combination: ``value``, ``se``, ``low``, ``high``, ``df``, ``p``.

        Raises:
            ColumnError: A label is unknown, or the combination cannot be computed.

        Example:
            >>> import sipas_analysis as sipas
            >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0.0, 1, 2, 3]})
            >>> fit = sipas.fit(sipas.Design(frame), "y ~ a")
            >>> fit.combine({"Intercept": 1, "a": 10})["value"].round(6).item()
            12.7
        """
        check_level(level)
        values, freedom = self.frame[["value", "df"]].to_numpy(dtype=float).T
        slopes, combined = read_combination(how, self.labels(), values)
        variance = np.einsum("ki,ij,kj->k", slopes, self.covariance_matrix, slopes)
        used = np.where(slopes != 0, freedom, np.inf).min(axis=1)
        se = np.sqrt(np.maximum(variance, 0.0))
        return tabulate_coefficients(combined, se, used if df is None else df, level)

    def sentences(self) -> list[str]:
        """Return sentences on how well the model fits, then its warnings."""
        head = say(
            self.language,
            "explain.fit",
            family=self._name_family(),
            outcome=self._name_outcome(),
            n=self.n,
            n_lost=self.n_lost,
            r_squared=format_number(float(self.r_squared), self.language, 4),
        )
        few = self.errors == "design" and any(note.id == "few_clusters" for note in self.notes)
        may_correct = few and self.family in FAMILIES and not list_obstacles(self.design)
        hints = [say(self.language, "explain.cr2_hint")] if may_correct else []
        names = TermNames(self.wording, self.language, "code")
        blanks = [f"{names.name_variable(str(name))} {n}" for name, n in self.lost.items() if n > 0]
        lost = (
            [say(self.language, "explain.lost", lost=", ".join(blanks))]
            if self.n_lost and blanks
            else []
        )
        return [head, *lost, *(note.text(self.language) for note in self.notes), *hints]

    def _name_family(self) -> str:
        return say(self.language, f"result.word.family.{self.family}")

    def _name_outcome(self) -> str:
        outcome = read_variable(self.outcome)
        text = TermNames(self.wording, self.language, "text").name_variable(outcome)
        is_label = f"{IN_PLACE}{outcome}" in self.wording
        return text if is_label or repeats_code(outcome, text) else f"{outcome} ({text})"

    def _print_parts(self, printing: Printing, *others: Any, **more: Any) -> list[Table]:
        printing = word_terms(self.frame["variable"], printing)
        return super()._print_parts(printing, *others, **more)

    def require_design_errors(self) -> None:
        """Refuse what needs the influence of each form: CR2 is about the coefficients alone."""
        if self.errors == "cr2":
            raise FitError("cr2_coefficients")

    @property
    def n_slopes(self) -> int:
        """Degrees of freedom that the slopes take, as in R: coefficients less intercept or cuts."""
        equations = max(len(self.levels) - 1, 1)
        return len(self.frame) - equations

    def read_exposure(self, frame: pd.DataFrame) -> Floats:
        """Return exp(offset) of other forms, shape (n,); 1 without an offset."""
        exposure = read_exposure(self.offset, self.family, frame)
        return np.ones(len(frame)) if exposure is None else exposure

    def forms(self) -> pd.DataFrame:
        """Return the forms used, with the variables of the formula."""
        return prepare_frame(self.design).loc[self.rows].reset_index(drop=True)

    def estimate_mean_covariance(self, by_form: Floats) -> Floats:
        """Return the covariance of Σwf/Σw of values of the forms used, shape (n, m) to (m, m)."""
        w = self.design.weight[self.rows]
        mean = w @ by_form / w.sum()
        if self.replicate_fits is not None:
            weights = self.replicate_fits.weights
            means = weights.T @ by_form / weights.sum(axis=0)[:, None]
            return self.replicate_fits.sample.covariance(means, mean)
        return estimate_error_covariance(self.design, self.rows, (by_form - mean) / w.sum()).matrix
