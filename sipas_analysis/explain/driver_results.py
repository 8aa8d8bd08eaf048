"""The result of ``drivers``: models of the outcome, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_word
from sipas_analysis.explain.fitted import Fit, Note
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.infer.combinations import adjust_p_values
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.messages import Language, format_number, read_catalogue, say

MODELS: dict[str, Family] = {"linear": "gaussian", "logit": "binomial", "ordinal": "ordinal"}
Key = str | tuple[str, str]  # a model, or a key of ``by`` and a model
SIGNIFICANCE = 0.05
COEFFICIENT = ("value", "se", "low", "high", "df", "p", "raw")
ODDS = ("odds_ratio", "odds_low", "odds_high")
POINTS = ("points", "points_low", "points_high")
COLUMNS = ("model", "variable", *COEFFICIENT, *ODDS, *POINTS, "vif", "separable", "n")


@dataclass(frozen=True, eq=False, repr=False)
class Drivers(ResultTable):
    """Models of the outcome, or the reason why there is none.

    Attributes:
        frame: One row per model (``linear``, ``logit``, ``ordinal``) and factor: ``value``
            (per standard deviation of the factor; linear: in standard deviations of the outcome,
            else log odds), ``se``, ``low``, ``high``, ``df``, ``p``; per level of the factor
            ``raw``, ``odds_ratio`` and ``points`` of satisfied people with their intervals;
            ``vif``, ``separable``, ``n``; before them the key of ``by``, after them its ``notes``.
        outcome: Code of the outcome; empty if none.
        n: Forms used; ``n_lost`` had a blank in the outcome, a control or, unless filled, a factor.
        r_squared: Share of the outcome's variance that the factors explain (linear).
        reason: Why a model is missing, by model (by key and model where ``by`` was given).
        correlations: Between factor scores and outcome.
        collinearity: Table of ``measure_collinearity`` for the factors; empty with few forms.
        lost: Blanks of each factor, control and the outcome.
        notes: Warnings that a reader needs.
        fits: Models by name (by key and name).
    """

    decimals = 4
    main_columns = (
        *("model", "variable", "value", "low", "high", "p"),
        *("points", "points_low", "points_high", "n"),
    )
    frame: pd.DataFrame
    outcome: str
    n: int
    n_lost: int
    r_squared: float
    reason: Mapping[Key, str]
    correlations: pd.DataFrame
    collinearity: pd.DataFrame
    lost: "pd.Series[int]"
    notes: tuple[Note, ...]
    fits: Mapping[Key, Fit]

    def _list_row_keys(self) -> list[str]:
        columns = [str(name) for name in self.frame]
        return columns[: columns.index("model")] if "model" in columns else []

    def sentences(self) -> list[str]:
        """Return sentences on what was modelled, the warnings, and the missing models."""
        head = say(
            self.language,
            "explain.drivers",
            outcome=self.outcome or "–",
            n=self.n,
            n_lost=self.n_lost,
            r_squared=format_number(float(self.r_squared), self.language, 4),
        )
        missing = [
            f"{', '.join(models)}: {_say_reason(why, self.language)}"
            for why, models in self._group_reasons().items()
        ]
        unknown = [say(self.language, "explain.no_r_squared")] if np.isnan(self.r_squared) else []
        notes = [note.text(self.language) for note in self.notes]
        return [head, *unknown, *self._say_scales(), *notes, *missing]

    def _say_scales(self) -> list[str]:
        """Return what the coefficients of the fitted models are measured in."""
        models = list(dict.fromkeys(str(model) for model in self.frame["model"]))
        scales = say_scales({model: model == "linear" for model in models}, self.language)
        return [*scales, say(self.language, "explain.scale.level")] if models else []

    def _group_reasons(self) -> dict[str, list[str]]:
        """Return the models without a fit by their reason."""
        models: dict[str, list[str]] = {}
        for key, why in self.reason.items():
            models.setdefault(why, []).append(key if isinstance(key, str) else " ".join(key))
        return models

    @property
    def has_signal(self) -> bool:
        """Whether the factors together are associated with the outcome (Wald, linear model)."""
        return "linear" in self.fits and bool(
            self.fits["linear"].joint(method="adjusted").p < SIGNIFICANCE
        )

    @property
    def any_separable(self) -> bool:
        """Whether at least one factor can be separated from the others (rule D2)."""
        return bool(self.collinearity["separable"].any()) if len(self.collinearity) else False

    def model_rows(self, model: str) -> pd.DataFrame:
        """Return the rows of one model."""
        check_word(model, MODELS, "model")
        return self.frame[self.frame["model"] == model]

    def list_significant(self, sign: int = 1) -> list[str]:
        """Return the factors that may be named, largest coefficient first.

        These factors can be separated, and their Holm-adjusted p is below 0.05.
        """
        linear = self.model_rows("linear")
        if linear.empty or linear["variable"].duplicated().any():  # a model for each key
            return []
        significant = adjust_p_values(linear["p"].to_numpy(dtype=float)) < SIGNIFICANCE
        separable = linear["separable"].astype(bool)
        named = linear[significant & separable & (sign * linear["value"] > 0)]
        order = (sign * named["value"]).sort_values(ascending=False).index
        return [str(name) for name in named.loc[order, "variable"]]


def say_scales(models: Mapping[str, bool], language: Language) -> list[str]:
    """Return what standardised coefficients are measured in.

    Args:
        models: Names of the models, and whether each is linear; of the others, odds.
        language: Language of the sentences.
    """
    sentences = []
    for scale, is_linear in (("linear", True), ("odds", False)):
        names = [name_model(model, language) for model, flag in models.items() if flag is is_linear]
        if names:
            sentences.append(say(language, f"explain.scale.{scale}", models=", ".join(names)))
    return sentences


def name_model(model: str, language: Language) -> str:
    """Return the word for a model of the drivers."""
    return read_catalogue(language).get(f"result.word.model.{model}", model)


def _say_reason(why: str, language: Language) -> str:
    """Return why there is no model, with what to do where a survey lacks a part."""
    message = f"explain.reason.{why}"
    is_own = message in read_catalogue("en")
    return say(language, message if is_own else f"report.drivers.reason.{why}")


def stack_keys(empty: Drivers, parts: Mapping[str, Drivers], by: str) -> Drivers:
    """Join the models of each key into one result."""
    tables = [
        part.frame.assign(**{by: key, "notes": " ".join(note.id for note in part.notes)})
        for key, part in parts.items()
        if len(part.frame)
    ]
    columns = [by, *COLUMNS, "notes"]
    table = pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)
    warned = bool(len(table)) and bool((table["notes"] != "").any())
    return replace(
        empty,
        frame=table.reset_index(drop=True),
        n=sum(part.n for part in parts.values()),
        n_lost=sum(part.n_lost for part in parts.values()),
        reason={
            (key, str(model)): why
            for key, part in parts.items()
            for model, why in part.reason.items()
        },
        fits={
            (key, str(model)): fit
            for key, part in parts.items()
            for model, fit in part.fits.items()
        },
        notes=(Note("by_key", {}),) if warned else (),
    )
