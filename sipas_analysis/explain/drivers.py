"""Regress overall satisfaction on the factors, with errors.

A driver is a factor score: a person's mean over the items answered in the factor. Coefficients are
standardised; logits are also given as points of satisfied people. A coefficient is an association;
a cause needs an experiment. Without an overall item there is no regression, and the result gives
this reason (rule D1). Drivers that the data cannot separate are named before any coefficient (D2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.arguments import check_kind, check_name, check_word, list_names
from sipas_analysis.collect.survey import Survey, refuse_key
from sipas_analysis.errors import FitError
from sipas_analysis.explain.collinearity import (
    correlate_columns,
    measure_collinearity,
    measure_deviations,
)
from sipas_analysis.explain.driver_results import (
    COLUMNS,
    MODELS,
    SIGNIFICANCE,
    Drivers,
    Key,
    stack_keys,
)
from sipas_analysis.explain.fact_drivers import fit_with_facts
from sipas_analysis.explain.fact_results import FactDrivers
from sipas_analysis.explain.factor_scores import design_with_scores, find_cut, find_outcome
from sipas_analysis.explain.facts import KINDS
from sipas_analysis.explain.fitted import Fit, Note
from sipas_analysis.explain.formula import INTERCEPT, check_request
from sipas_analysis.explain.imputation import impute_blanks
from sipas_analysis.explain.regression import fit_columns, pool_imputations
from sipas_analysis.infer.design import Design
from sipas_analysis.progress import watch
from sipas_analysis.quality.findings import find_straight_lines

if TYPE_CHECKING:
    from sipas_analysis.records.office_records import Records

MIN_PER_TERM, MIN_FORMS, MIN_EACH_ANSWER = 5, 30, 10
IMPUTATIONS = 20
MANY_STRAIGHT, MANY_ITEMS = 25.0, 8  # percent of forms with one answer to all items (ours)
NO_COLLINEARITY = pd.DataFrame(columns=["variable", "vif", "strongest", "condition", "separable"])
REASONS = {
    "fit_few_forms": "few_forms",
    "fit_constant": "constant",
    "fit_outcome_constant": "constant",
    "fit_two_levels": "few_levels",
    "fit_tied": "singular",
    "fit_separated": "not_converged",
    "fit_outcome_ordinal": "many_levels",
}


@overload
def drivers(
    survey: Survey,
    models: Sequence[str] = ...,
    *,
    by: str = ...,
    controls: Sequence[str] = ...,
    missing: str = ...,
    facts: None = ...,
) -> Drivers: ...
@overload
def drivers(
    survey: Survey,
    models: Sequence[str] = ...,
    *,
    by: str = ...,
    controls: Sequence[str] = ...,
    missing: str = ...,
    facts: "Records",
) -> FactDrivers: ...
def drivers(
    survey: Survey,
    models: Sequence[str] = ("linear", "logit", "ordinal"),
    *,
    by: str = "",
    controls: Sequence[str] = (),
    missing: str = "complete",
    facts: "Records | None" = None,
) -> Drivers | FactDrivers:
    """Regress the outcome on the factor scores.

    Linear: y = Σ β_k F_k + e, all standardised; logit: P(y ≥ satisfied_from); ordinal: every level.
    Complete forms only; weights, strata and clusters of the wave count (V1).

    Args:
        survey: Validated forms; its wave may declare ``outcome:``.
        models: Which of ``linear``, ``logit``, ``ordinal``.
        by: A key of the survey: one model for each of its values, such as ``unit``.
        controls: Keys held constant, such as ``sex`` or ``unit``; not drivers themselves.
        missing: ``complete`` forms, or ``impute`` whole factors that are blank (Rubin).
        facts: The records of the offices (``sipas.read_records``): the linear model without and
            with the facts of the dossiers that the forms name, on the same forms, and the part of
            each coefficient that vanishes; a ``FactDrivers``. ``by`` and ``missing`` do not apply;
            ``controls`` may name ``field``, ``procedure`` or ``applicant`` of the dossier.

    Returns:
        Models with the design's intervals. No row where a model cannot be fitted; ``reason`` is
        then ``no_outcome``, ``few_forms``, ``constant``, ``few_answers``, ``few_levels``,
        ``many_levels``, ``few_clusters``, ``singular`` or ``not_converged``.

    Raises:
        ConfigError: The outcome is itself an item of a factor.
        ColumnError: A key is not in the survey, or allows several answers.
        FitError: The model or the treatment of blanks is unknown, or does not go with ``facts``.

    Source: rules D1, D2, D7 and V1 in docs/method.md; Binder (1983), doi:10.2307/1402588.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sipas.drivers(survey).list_significant()[0]
        'civil-servants'
    """
    check_kind(survey, Survey, "survey")
    models = list(dict.fromkeys(list_names(models, "models", "words")))
    controls = list(dict.fromkeys(list_names(controls, "controls")))
    check_name(by, "by")
    outcome, design = find_outcome(survey), design_with_scores(survey)
    check_request(design, "gaussian", missing)
    for model in models or [""]:
        check_word(model, MODELS, "models", FitError)
    of_dossiers = [] if facts is None else [key for key in controls if key in KINDS]
    of_forms = [key for key in controls if key in survey.keys or key not in of_dossiers]
    _check_keys(survey, [*of_forms, *([by] if by else [])])
    if facts is not None:
        if by or missing != "complete":
            raise FitError("facts_options")
        return fit_with_facts(survey, facts, controls)
    request = _Request(survey, design, outcome, tuple(models), tuple(controls), missing)
    if not by:
        return request.fit_domain(design.members)
    keys = design.frame[by]
    parts = {
        str(key): request.fit_domain((keys == key).to_numpy() & design.members)
        for key in sorted(survey.frame[by].dropna().unique())
    }
    return stack_keys(request.fit_domain(np.zeros(len(keys), bool)), parts, by)


def _check_keys(survey: Survey, keys: Sequence[str]) -> None:
    for key in keys:
        if key not in survey.keys or survey.is_many(key):
            raise refuse_key(survey, key)


@dataclass(frozen=True)
class _Request:
    """Which models of a survey to fit."""

    survey: Survey
    design: Design
    outcome: str
    models: tuple[str, ...]
    controls: tuple[str, ...]
    missing: str

    @property
    def factors(self) -> list[str]:
        """Codes of the factors."""
        return [*self.survey.instrument.factors]

    @cached_property
    def straight_lines(self) -> NDArray[np.bool_]:
        """Which forms of the sample give one answer to all items."""
        lines = pd.Series(find_straight_lines(self.survey), self.survey.frame.index)
        return lines.reindex(self.design.frame.index, fill_value=False).to_numpy()

    @cached_property
    def columns(self) -> pd.DataFrame:
        """Factor scores, controls as 0 and 1, and the outcome if there is one."""
        frame = self.design.frame.reset_index(drop=True)
        parts = [frame[self.factors]]
        for key in self.controls:
            dummies = pd.get_dummies(frame[key], prefix=key, prefix_sep="=", drop_first=True)
            parts.append(dummies.astype(float).where(frame[key].notna(), np.nan))
        if self.outcome:
            parts.append(frame[[self.outcome]])
        return pd.DataFrame(pd.concat(parts, axis=1).astype(float))

    def fit_domain(self, domain: NDArray[np.bool_]) -> Drivers:
        """Fit every model on the forms of a domain."""
        columns = self.columns.where(pd.Series(domain), np.nan)
        imputed = self._impute_blanks(columns)
        complete = imputed[0].notna().all(axis=1).to_numpy()
        weight = self.design.weight[complete]
        used = imputed[0].loc[complete, [*self.factors, *([self.outcome] if self.outcome else [])]]
        collinearity, together = NO_COLLINEARITY, pd.DataFrame()
        if len(used) >= MIN_FORMS and self.factors:
            collinearity = measure_collinearity(used[self.factors], weight)
            names = ["outcome" if name == self.outcome else name for name in used]
            together = pd.DataFrame(correlate_columns(used, weight), names, names)
        deviation, n_domain = measure_deviations(used, weight), int(domain.sum())
        fits, reasons = self._fit_models(imputed, deviation, n_domain)
        tables = [
            self._tabulate_model(str(model), fit, collinearity, deviation)
            for model, fit in fits.items()
        ]
        return Drivers(
            frame=pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS),
            outcome=self.outcome,
            n=len(used),
            n_lost=n_domain - len(used),
            r_squared=fits["linear"].r_squared if "linear" in fits else np.nan,
            reason=reasons,
            correlations=together,
            collinearity=collinearity,
            lost=columns[domain].isna().sum(),
            notes=self._collect_notes(collinearity, fits, domain),
            fits=fits,
            wording=self.survey.wording,
        )

    def _impute_blanks(self, columns: pd.DataFrame) -> list[pd.DataFrame]:
        """Return the columns with blank factors filled several times; unchanged if none is blank.

        Forms without the outcome or a control are not filled; both inform the blanks of others.
        """
        never_filled = [name for name in columns if name == self.outcome or _is_control_level(name)]
        inside = columns[never_filled].notna().all(axis=1) & columns.notna().any(axis=1)
        whole = columns[inside].notna().all(axis=None)
        if self.missing == "complete" or whole or not self.outcome:
            return [columns]
        names, weight = [str(name) for name in columns], self.design.weight[inside]
        seed = self.survey.wave.seed
        imputed = impute_blanks(columns[inside], names, weight, IMPUTATIONS, seed)
        return [part.reindex(columns.index) for part in imputed]

    def _fit_models(
        self, imputed: Sequence[pd.DataFrame], deviation: "pd.Series[float]", n_domain: int
    ) -> tuple[dict[Key, Fit], dict[Key, str]]:
        """Return the models that could be fitted, and why the others could not."""
        fits: dict[Key, Fit] = {}
        obstacle = self._find_obstacle(imputed[0])
        if obstacle:
            return fits, dict.fromkeys([*self.models], obstacle)
        reasons: dict[Key, str] = {}
        for model in self.models:
            try:
                parts = [
                    self._fit_model(model, part, deviation, n_domain) for part in watch(imputed)
                ]
            except FitError as error:
                few = error.fields.get("few")
                reasons[model] = "few_answers" if few else REASONS[error.message_id]
                continue
            fit = parts[0] if len(parts) == 1 else pool_imputations(parts, 0.95)
            if fit.frame["low"].isna().any():
                reasons[model] = "few_clusters"
                continue
            fits[model] = fit
        return fits, reasons

    def _find_obstacle(self, columns: pd.DataFrame) -> str:
        """Return why no model of these forms can be fitted; empty if there is no obstacle."""
        if not (self.factors and self.outcome):
            return "no_outcome" if self.factors else "no_factors"
        complete = columns.dropna()
        low, high = complete.min(), complete.max()
        n_predictors = int((high > low).drop(self.outcome).sum())
        if len(complete) < max(MIN_FORMS, MIN_PER_TERM * n_predictors):
            return "few_forms"
        return "constant" if (high == low)[[*self.factors, self.outcome]].any() else ""

    def _fit_model(
        self, model: str, columns: pd.DataFrame, deviation: "pd.Series[float]", n_domain: int
    ) -> Fit:
        """Fit one model on the complete forms, factors standardised."""
        complete = columns.notna().all(axis=1)
        x, y = columns.drop(columns=self.outcome), columns[self.outcome]
        constant = [
            name for name in x if _is_control_level(name) and x[name][complete].nunique() < 2
        ]
        x = x.drop(columns=constant)
        x[self.factors] = x[self.factors] / deviation[self.factors]
        if model == "linear":
            y = y / deviation[self.outcome]
        if model == "logit":
            y = (y >= find_cut(self.survey)).where(y.notna()).astype(float)
            if min(y[complete].sum(), (1 - y[complete]).sum()) < MIN_EACH_ANSWER:
                raise FitError("fit_outcome_constant", few=True)
        x.insert(0, INTERCEPT, 1.0)
        x = x.where(complete, np.nan)
        return fit_columns(self.design, x, y, MODELS[model], n_domain=n_domain)

    def _tabulate_model(
        self, model: str, fit: Fit, collinearity: pd.DataFrame, deviation: "pd.Series[float]"
    ) -> pd.DataFrame:
        """Return one row per factor: coefficient, effect of one level, collinearity."""
        table = fit.frame.set_index("variable").loc[self.factors]
        level = deviation[self.factors]
        if model == "linear":
            points = table[["value", "low", "high"]] * np.nan
            table["raw"] = table["value"] / level * deviation[self.outcome]
        else:
            points = self._tabulate_points(model, fit)
            table["raw"] = table["value"] / level
            with np.errstate(over="ignore"):
                table["odds_ratio"] = np.exp(table["value"] / level)
                table["odds_low"] = np.exp(table["low"] / level)
                table["odds_high"] = np.exp(table["high"] / level)
        table["points"] = points["value"] / level
        table["points_low"] = points["low"] / level
        table["points_high"] = points["high"] / level
        separable = collinearity.set_index("variable").loc[self.factors, ["vif", "separable"]]
        return table.join(separable).reset_index().assign(model=model)[list(COLUMNS)]

    def _tabulate_points(self, model: str, fit: Fit) -> pd.DataFrame:
        """Return points of satisfied people by standard deviation; NaN where all are satisfied."""
        levels = np.array(fit.levels, dtype=float)
        cut = find_cut(self.survey)
        satisfied = levels[1:][levels[1:] >= cut] if (levels[:1] < cut).any() else levels[:0]
        if not len(satisfied) and model != "logit":
            return pd.DataFrame(np.nan, self.factors, ["value", "low", "high"])
        at = satisfied[0] if len(satisfied) else None
        return fit.margins(at).set_index("variable").loc[self.factors]

    def _collect_notes(
        self, collinearity: pd.DataFrame, fits: Mapping[Key, Fit], domain: NDArray[np.bool_]
    ) -> tuple[Note, ...]:
        """Return the warnings of the forms and of the models, each once."""
        notes: list[Note] = []
        tied = collinearity.loc[~collinearity["separable"].astype(bool), "variable"]
        if len(tied):
            notes.append(Note("tied", {"names": ", ".join(tied)}))
        straight = self.straight_lines[domain]
        percent = 100 * float(straight.mean()) if len(straight) else 0.0
        if percent >= MANY_STRAIGHT and len(self.survey.instrument.items) >= MANY_ITEMS:
            notes.append(Note("straight", {"percent": f"{percent:.0f}"}))
        for fit in fits.values():
            notes += [note for note in fit.notes if note not in notes]
        p = fits["ordinal"].test_parallel_slopes().p if "ordinal" in fits else np.nan
        if p < SIGNIFICANCE:
            rounded_up = np.ceil(1000 * max(p, 1e-6)) / 1000
            notes.append(Note("parallel", {"p": f"{rounded_up:.3f}"}))
        return tuple(notes)


def _is_control_level(name: object) -> bool:
    """Return whether a column is a level of a control, ``key=level``."""
    return "=" in str(name)
