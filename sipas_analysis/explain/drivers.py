"""Regress overall satisfaction on the factors: which go together with it, and how surely.

A driver is a factor score: a person's mean over the items answered in the factor. Coefficients are
standardised; beside logits stand points of satisfied people. The words are of association; who
wants cause needs an experiment. Without an overall item there is no regression, and the result says
so (rule D1); drivers that the data cannot tell apart are said to be so before any coefficient (D2).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.collect.quality import find_straight_lines
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ColumnError, ConfigError, FitError
from sipas_analysis.explain.collinearity import correlate_columns, measure_collinearity
from sipas_analysis.explain.formula import INTERCEPT, check_request
from sipas_analysis.explain.imputation import impute_blanks
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.regression import Fit, Note, fit_columns, pool_imputations
from sipas_analysis.infer.design import Design, Floats
from sipas_analysis.infer.estimates import ResultTable, adjust_p_values
from sipas_analysis.messages import say

MODELS: dict[str, Family] = {"linear": "gaussian", "logit": "binomial", "ordinal": "ordinal"}
MIN_PER_TERM, MIN_FORMS, MIN_EACH_ANSWER = 5, 30, 10
SIGNIFICANCE = 0.05
MANY_STRAIGHT, MANY_ITEMS = 25.0, 8  # percent of forms with one answer to all items (ours)
COLUMNS = (
    "model",
    "term",
    "value",
    "se",
    "low",
    "high",
    "df",
    "p",
    "raw",
    "odds_ratio",
    "odds_low",
    "odds_high",
    "points",
    "points_low",
    "points_high",
    "vif",
    "separable",
    "n",
)
NO_COLLINEARITY = pd.DataFrame(columns=["term", "vif", "strongest", "condition", "separable"])
REASONS = {
    "fit_few_forms": "few_forms",
    "fit_constant": "constant",
    "fit_outcome_constant": "constant",
    "fit_two_levels": "few_levels",
    "fit_tied": "singular",
    "fit_separated": "not_converged",
    "fit_outcome_ordinal": "many_levels",
}


@dataclass(frozen=True, eq=False, repr=False)
class Drivers(ResultTable):
    """Models of the outcome, or the reason why there is none.

    Attributes:
        frame: One row per model (``linear``, ``logit``, ``ordinal``) and factor: ``value``
            (standardised), ``se``, ``low``, ``high``, ``df``, ``p``; per level of the factor
            ``raw``, ``odds_ratio`` and ``points`` of satisfied people with their intervals;
            ``vif``, ``separable``, ``n``; before them the key of ``by``, after them its ``notes``.
        outcome: Code of the outcome; empty if none.
        n: Forms used; ``n_lost`` had a blank in the outcome, a control or, unless filled, a factor.
        r_squared: Share of the outcome's variance that goes with the factors (linear).
        reason: Why a model is missing, by model (by key and model where ``by`` was given).
        correlations: Between factor scores and outcome.
        near: What the factors share, see ``collinearity``; empty if it cannot be said.
        lost: Blanks of each factor, control and the outcome.
        notes: Warnings that a reader needs.
        fits: Models by name (by key and name).
    """

    decimals = 4
    frame: pd.DataFrame
    outcome: str
    n: int
    n_lost: int
    r_squared: float
    reason: Mapping[Any, str]
    correlations: pd.DataFrame
    near: pd.DataFrame
    lost: "pd.Series[int]"
    notes: tuple[Note, ...]
    fits: Mapping[Any, Fit]

    def sentences(self) -> list[str]:
        """Say what was modelled, what to beware of, and what could not be."""
        head = say(
            "en",
            "explain.drivers",
            outcome=self.outcome or "–",
            n=self.n,
            n_lost=self.n_lost,
            r_squared=f"{self.r_squared:.4f}",
        )
        missing = [f"{key}: {why}" for key, why in self.reason.items()]
        return [head, *(note.text("en") for note in self.notes), *missing]

    @property
    def speaks(self) -> bool:
        """Whether the factors together go with the outcome beyond chance (Wald, linear model)."""
        return "linear" in self.fits and bool(self.fits["linear"].joint() < SIGNIFICANCE)

    @property
    def told_apart(self) -> bool:
        """Whether at least one factor can be told apart from the others (rule D2)."""
        return bool(self.near["separable"].any()) if len(self.near) else False

    def of(self, model: str) -> pd.DataFrame:
        """Return the rows of one model."""
        return self.frame[self.frame["model"] == model]

    def sure(self, sign: int = 1) -> list[str]:
        """Return the factors that may be named, largest coefficient first.

        Those that can be told apart and whose p, Holm-adjusted over the factors, is below 0.05.
        """
        linear = self.of("linear")
        if linear.empty or linear["term"].duplicated().any():  # a model for each key
            return []
        sure = adjust_p_values(linear["p"].to_numpy(dtype=float)) < SIGNIFICANCE
        kept = linear[sure & linear["separable"].astype(bool) & (sign * linear["value"] > 0)]
        order = (sign * kept["value"]).sort_values(ascending=False).index
        return [str(term) for term in kept.loc[order, "term"]]


def score_factors(survey: Survey) -> pd.DataFrame:
    """Return each person's mean level over the items answered in each factor, shape (n, f)."""
    pack = survey.instrument
    scores = {code: survey.frame[pack.items_of(code)].mean(axis=1) for code in pack.factors}
    return pd.DataFrame(scores)


def find_outcome(survey: Survey) -> str:
    """Return the code of the outcome that has answers; empty if there is none.

    Raises:
        ConfigError: The outcome is itself an item of a factor.
    """
    pack = survey.instrument
    outcome = survey.wave.outcome or (pack.overall_item.code if pack.overall_item else "")
    if outcome in pack.items:
        raise ConfigError("outcome_in_driver", outcome=outcome)
    return outcome if outcome and bool(survey.frame[outcome].notna().any()) else ""


def design_with_scores(survey: Survey) -> Design:
    """Return the sample of a survey with the factor scores as further columns."""
    scores = score_factors(survey)
    return survey.design(
        pd.concat([survey.frame.drop(columns=scores, errors="ignore"), scores], axis=1)
    )


def drivers(
    survey: Survey,
    models: Sequence[str] = ("linear", "logit", "ordinal"),
    *,
    by: str = "",
    controls: Sequence[str] = (),
    missing: str = "complete",
) -> Drivers:
    """Regress the outcome on the factor scores.

    Linear: y = Σ β_k F_k + e, all standardised; logit: P(y ≥ satisfied_from); ordinal: every level.
    Complete forms only; weights, strata and clusters of the wave count (V1).

    Args:
        survey: Forms that passed the door; its wave may declare ``outcome:``.
        models: Which of ``linear``, ``logit``, ``ordinal``.
        by: A key of the survey: one model for each of its values, such as ``unit``.
        controls: Keys held constant, such as ``sex`` or ``unit``; not drivers themselves.
        missing: ``complete`` forms, or ``impute`` whole factors that are blank (Rubin).

    Returns:
        Models with the design's intervals. No row where a model cannot be fitted; ``reason`` says
        why: ``no_outcome``, ``few_forms``, ``constant``, ``few_answers``, ``few_levels``,
        ``many_levels``, ``few_clusters``, ``singular`` or ``not_converged``.

    Raises:
        ConfigError: The outcome is itself an item of a factor.
        ColumnError: A key that the survey lacks, or that holds several answers.
        FitError: A model or a treatment of blanks that is not known.

    Source: rules D1, D2 and V1 in docs/method.md; Binder (1983), doi:10.2307/1402588.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.drivers(survey).sure()[0]
        'civil-servants'
    """
    models = [models] if isinstance(models, str) else list(dict.fromkeys(models))
    controls = [controls] if isinstance(controls, str) else list(dict.fromkeys(controls))
    outcome, design = find_outcome(survey), design_with_scores(survey)
    check_request(design, "gaussian", missing)
    for model in models or [""]:
        if model not in MODELS:
            raise FitError("fit_word", word="model", found=model, known=", ".join(MODELS))
    _check_keys(survey, [*controls, *([by] if by else [])])
    asked = _Request(survey, design, outcome, tuple(models), tuple(controls), missing)
    if not by:
        return asked.fitted(np.ones(len(survey.frame), bool))
    parts = {
        str(key): asked.fitted((survey.frame[by] == key).to_numpy())
        for key in sorted(survey.frame[by].dropna().unique())
    }
    return _stack_keys(asked.fitted(np.zeros(len(survey.frame), bool)), parts, by)


def _check_keys(survey: Survey, keys: Sequence[str]) -> None:
    for key in keys:
        if key not in survey.keys or survey.is_many(key):
            known = ", ".join(it for it in survey.keys if not survey.is_many(it))
            raise ColumnError("no_key", key=key, known=known)


@dataclass(frozen=True)
class _Request:
    """What was asked of a survey."""

    survey: Survey
    design: Design
    outcome: str
    models: tuple[str, ...]
    controls: tuple[str, ...]
    missing: str

    def fitted(self, domain: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Drivers:
        """Fit every model on some of the forms."""
        data = self._data().where(pd.Series(domain), np.nan)
        each = self._filled(data)
        complete = each[0].notna().all(axis=1).to_numpy()
        terms, weight = [*self.survey.instrument.factors], self.design.weight[complete]
        kept = [*terms, *([self.outcome] if self.outcome else [])]
        used = each[0].loc[complete, kept]
        near, together = NO_COLLINEARITY, pd.DataFrame()
        if len(used) >= MIN_FORMS:
            near = measure_collinearity(used[terms], weight)
            named = ["outcome" if it == self.outcome else it for it in kept]
            together = pd.DataFrame(correlate_columns(used, weight), named, named)
        deviation = measure_deviations(used, weight)
        fits, reasons = self._fits(each, deviation, int(domain.sum()))
        frames = [self._table(model, fit, near, deviation) for model, fit in fits.items()]
        table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)
        r_squared = fits["linear"].r_squared if "linear" in fits else np.nan
        counts = len(used), int(domain.sum()) - len(used)
        notes, lost = self._notes(near, fits, domain), data[domain].isna().sum()
        return Drivers(
            table, self.outcome, *counts, r_squared, reasons, together, near, lost, notes, fits
        )

    def _filled(self, data: pd.DataFrame) -> list[pd.DataFrame]:
        """Return the data with blank factors filled several times, or the data if none is blank.

        Forms without the outcome or a control are not filled; both inform the blanks of others.
        """
        known = [it for it in data if it == self.outcome or "=" in str(it)]
        inside = data[known].notna().all(axis=1) & data.notna().any(axis=1)
        if self.missing == "complete" or data[inside].notna().all(axis=None) or not self.outcome:
            return [data]
        columns = [str(it) for it in data]
        each = impute_blanks(
            data[inside], columns, self.design.weight[inside], 20, self.survey.wave.seed
        )
        return [one.reindex(data.index) for one in each]

    def _fits(
        self, each: Sequence[pd.DataFrame], deviation: "pd.Series[float]", n_domain: int
    ) -> tuple[dict[str, Fit], dict[Any, str]]:
        """Return the models that stand, and why the others do not."""
        fits: dict[str, Fit] = {}
        reasons: dict[Any, str] = dict.fromkeys(self.models, self._cannot(each[0]))
        for model in [it for it, why in reasons.items() if not why]:
            try:
                made = [self._one(model, one, deviation, n_domain) for one in each]
            except FitError as error:
                few = error.fields.get("few")
                reasons[model] = "few_answers" if few else REASONS[error.message_id]
                continue
            fit = made[0] if len(made) == 1 else pool_imputations(made, 0.95)
            if fit.frame["low"].isna().any():
                reasons[model] = "few_clusters"
                continue
            fits[model] = fit
            del reasons[model]
        return fits, reasons

    def _data(self) -> pd.DataFrame:
        """Return factor scores, controls as 0 and 1, and the outcome if there is one."""
        frame = self.design.frame.reset_index(drop=True)
        parts = [frame[[*self.survey.instrument.factors]]]
        for key in self.controls:
            dummies = pd.get_dummies(frame[key], prefix=key, prefix_sep="=", drop_first=True)
            parts.append(dummies.astype(float).where(frame[key].notna(), np.nan))
        if self.outcome:
            parts.append(frame[[self.outcome]])
        return pd.DataFrame(pd.concat(parts, axis=1).astype(float))

    def _cannot(self, data: pd.DataFrame) -> str:
        """Return why no model of these forms can stand, or nothing."""
        if not self.outcome:
            return "no_outcome"
        used = data.dropna()
        varied = used.drop(columns=self.outcome)
        predictors = int((varied.max() > varied.min()).sum())
        if len(used) < max(MIN_FORMS, MIN_PER_TERM * predictors):
            return "few_forms"
        kept = used[[*self.survey.instrument.factors, self.outcome]]
        return "constant" if (kept.max() == kept.min()).any() else ""

    def _one(
        self, model: str, data: pd.DataFrame, deviation: "pd.Series[float]", n_domain: int
    ) -> Fit:
        complete = data.notna().all(axis=1)
        x, y = data.drop(columns=self.outcome), data[self.outcome]
        idle = [it for it in x if "=" in str(it) and x[it][complete].nunique() < 2]
        x = x.drop(columns=idle)
        factors = [*self.survey.instrument.factors]
        x[factors] = x[factors] / deviation[factors]
        if model == "linear":
            y = y / deviation[self.outcome]
        if model == "logit":
            y = (y >= self.survey.instrument.scale.satisfied_from).where(y.notna()).astype(float)
            if min(y[complete].sum(), (1 - y[complete]).sum()) < MIN_EACH_ANSWER:
                raise FitError("fit_outcome_constant", few=True)
        x.insert(0, INTERCEPT, 1.0)
        x = x.where(complete, np.nan)
        return fit_columns(self.design, x, y, MODELS[model], n_domain=n_domain)

    def _table(
        self, model: str, fit: Fit, near: pd.DataFrame, deviation: "pd.Series[float]"
    ) -> pd.DataFrame:
        """Return one row per factor: coefficient, what a level is worth, collinearity."""
        terms = [*self.survey.instrument.factors]
        table = fit.frame.set_index("term").loc[terms]
        level = deviation[terms]
        points = table[["value", "low", "high"]] * np.nan
        if model == "linear":
            table["raw"] = table["value"] / level * deviation[self.outcome]
        else:
            table["raw"] = table["value"] / level
            cut = self.survey.instrument.scale.satisfied_from
            above = [it for it in fit.levels[1:] if it >= cut and fit.levels[0] < cut]
            if above or model == "logit":
                at = above[0] if above else None
                points = fit.margins(at).set_index("term").loc[terms]
            for name, old in (("odds_ratio", "value"), ("odds_low", "low"), ("odds_high", "high")):
                with np.errstate(over="ignore"):
                    table[name] = np.exp(table[old] / level)
        for name, old in (("points", "value"), ("points_low", "low"), ("points_high", "high")):
            table[name] = points[old] / level
        both = near.set_index("term").loc[terms, ["vif", "separable"]]
        return table.join(both).reset_index().assign(model=model)[list(COLUMNS)]

    def _notes(
        self,
        near: pd.DataFrame,
        fits: Mapping[str, Fit],
        domain: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    ) -> tuple[Note, ...]:
        notes: list[Note] = []
        tied = near.loc[~near["separable"].astype(bool), "term"]
        if len(tied):
            notes.append(Note("tied", {"names": ", ".join(tied)}))
        straight = find_straight_lines(self.survey)[domain]
        percent = 100 * float(straight.mean()) if len(straight) else 0.0
        if percent >= MANY_STRAIGHT and len(self.survey.instrument.items) >= MANY_ITEMS:
            notes.append(Note("straight", {"percent": f"{percent:.0f}"}))
        for fit in fits.values():
            notes += [note for note in fit.notes if note not in notes]
        parallel = fits["ordinal"].parallel().p if "ordinal" in fits else np.nan
        if parallel < SIGNIFICANCE:
            notes.append(
                Note("parallel", {"p": f"{np.ceil(1000 * max(parallel, 1e-6)) / 1000:.3f}"})
            )
        return tuple(notes)


def measure_deviations(data: pd.DataFrame, weight: Floats) -> "pd.Series[float]":
    """Return the weighted standard deviation of each column."""
    share = weight / max(weight.sum(), 1e-300)
    centred = data - data.mul(share, axis=0).sum()
    return pd.Series(np.sqrt((centred**2).mul(share, axis=0).sum()))


def _stack_keys(empty: Drivers, parts: Mapping[str, Drivers], by: str) -> Drivers:
    """Join the models of each key into one result."""

    def keyed(name: str) -> Iterator[tuple[tuple[str, str], Any]]:
        for key, part in parts.items():
            for model, it in getattr(part, name).items():
                yield (key, model), it

    frames = [
        part.frame.assign(**{by: key, "notes": " ".join(note.id for note in part.notes)})
        for key, part in parts.items()
        if len(part.frame)
    ]
    columns = [by, *COLUMNS, "notes"]
    table = pd.concat(frames)[columns] if frames else pd.DataFrame(columns=columns)
    n, n_lost = (sum(getattr(part, it) for part in parts.values()) for it in ("n", "n_lost"))
    warned = bool(len(table)) and bool((table["notes"] != "").any())
    return replace(
        empty,
        frame=table.reset_index(drop=True),
        n=n,
        n_lost=n_lost,
        reason=dict(keyed("reason")),
        fits=dict(keyed("fits")),
        notes=(Note("by_key", {}),) if warned else (),
    )
