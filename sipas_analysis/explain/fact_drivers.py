"""Set the facts of dossiers beside opinions as drivers: is it the attitude, or the delay? (D7).

Two linear models of the outcome on the same forms: on the factors, and on the factors with the
facts. What a factor's coefficient loses is the part that goes along with the facts. All of it is
association: what lies behind both, such as a hard procedure, is not held constant unless a control
says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import DesignError, FitError
from sipas_analysis.explain.collinearity import measure_deviations
from sipas_analysis.explain.fact_results import (
    ATTITUDE,
    CANNOT_TELL,
    COLUMNS,
    RAW,
    VANISHED,
    WITH,
    WITHOUT,
    FactDrivers,
    divide_estimates,
)
from sipas_analysis.explain.factor_scores import design_with_scores, find_outcome
from sipas_analysis.explain.facts import MATCHED, JoinedFacts, join_facts
from sipas_analysis.explain.fitted import Fit, Note
from sipas_analysis.explain.formula import INTERCEPT
from sipas_analysis.explain.regression import fit_columns
from sipas_analysis.explain.standard_errors import estimate_error_covariance
from sipas_analysis.infer.design import Design, Floats
from sipas_analysis.records.office_records import Records

NUMBERS = ("days_late", "visits", "supplement_loops")
DIRECT = "direct"  # the channel with which the others are compared
LEAST_FILLED = 0.5  # share of the matched forms that must have a fact (ours)
MIN_FORMS, MIN_PER_TERM = 30, 5
FEWEST_LATE = 20  # forms of late dossiers, and of others; with fewer the interval is too narrow
SIGNIFICANCE = 0.05
REASONS = {"fit_tied": "singular", "fit_constant": "constant", "fit_outcome_constant": "constant"}
UNITS = ("units", "n", "between", "between_with", "remaining_percent")


def fit_with_facts(survey: Survey, records: Records, controls: Sequence[str] = ()) -> FactDrivers:
    """Fit the outcome on the factors, without and with the facts of the dossiers.

    ``sipas.drivers(survey, facts=records)`` calls this. y = Σ β_k F_k + e, and y = Σ β′_k F_k +
    Σ γ_j fact_j + e, on the matched forms that have all of these; weights, strata and clusters
    count. The part that vanishes is 1 − β′/β; its interval is Fieller's, from the covariance of β
    and β′ by the joint influence of both models (V1).

    Args:
        survey: Validated forms with codes of dossiers.
        records: The dossiers.
        controls: Keys of the survey, or ``field``, ``procedure`` or ``applicant`` of the dossier,
            held constant in every model. Levels of fewer than ``min_cell`` forms of the latter are
            one.

    Returns:
        See ``FactDrivers``. No rows where ``reason`` is set.

    Source: rules D7 and V1 in docs/method.md; Fieller (1954),
    doi:10.1111/j.2517-6161.1954.tb00159.x.
    """
    joined, outcome = join_facts(survey, records), find_outcome(survey)
    request = _Request(survey, design_with_scores(survey), joined, outcome, tuple(controls))
    reason = request.find_obstacle()
    if reason:
        return request.build_result(reason, {})
    try:
        fits = request.fit_models()
    except FitError as error:
        return request.build_result(REASONS.get(error.message_id, "few_forms"), {})
    is_unsure = any(fit.frame["low"].isna().any() for fit in fits.values())
    return request.build_result("few_clusters" if is_unsure else "", {} if is_unsure else fits)


@dataclass(frozen=True)
class _Request:
    """Which models to fit, on which forms."""

    survey: Survey
    design: Design
    joined: JoinedFacts
    outcome: str
    controls: tuple[str, ...]

    @property
    def factors(self) -> list[str]:
        """Codes of the factors."""
        return [*self.survey.instrument.factors]

    @property
    def attitude(self) -> str:
        """Code of the officials' factor; empty if there is none."""
        return self.survey.instrument.officials_factor

    @cached_property
    def is_matched(self) -> "pd.Series[bool]":
        """Which forms of the sample have the facts of their dossier, by position."""
        match = self.joined.facts["match"].reindex(self.design.frame.index)
        return pd.Series((match == MATCHED).to_numpy() & self.design.members)

    @cached_property
    def facts(self) -> pd.DataFrame:
        """The facts that can be drivers: filled on half of the matched forms, and not constant."""
        facts = self.joined.facts.reindex(self.design.frame.index).reset_index(drop=True)
        names = [name for name in NUMBERS if self._is_usable(facts[name])]
        columns = facts[names].astype(float)
        if self._is_usable(facts["channel"]):
            columns = columns.join(self._list_channels(facts["channel"]))
        return columns

    def _is_usable(self, fact: "pd.Series[float]") -> bool:
        filled = fact[self.is_matched].dropna()
        return len(filled) >= LEAST_FILLED * self.is_matched.sum() and len(filled.unique()) > 1

    def _list_channels(self, channel: "pd.Series[str]") -> pd.DataFrame:
        """Return yes/no for each channel but the direct one; rare channels are blank (P2)."""
        counts = channel[self.is_matched].value_counts()
        common = sorted(counts.index[counts >= self.survey.wave.min_cell])
        base = DIRECT if DIRECT in common else next(iter(common), "")
        others = {
            f"channel={name}": (channel == name).astype(float).where(channel.isin(common))
            for name in common
            if name != base
        }
        return pd.DataFrame(others, channel.index)

    @cached_property
    def levels(self) -> pd.DataFrame:
        """The controls as yes/no for each level but the first."""
        frame = self.design.frame.reset_index(drop=True)
        parts = [pd.DataFrame(index=frame.index)]
        for key in self.controls:
            values = frame[key] if key in frame else self._find_kinds(key)
            dummies = pd.get_dummies(values, prefix=key, prefix_sep="=", drop_first=True)
            parts.append(dummies.astype(float).where(values.notna(), np.nan))
        levels = pd.concat(parts, axis=1)
        inside = levels[self.is_matched]
        return levels.loc[:, inside.max() > inside.min()]

    def _find_kinds(self, key: str) -> "pd.Series[str]":
        """Return a column of the dossiers; rare values are one, *other*."""
        facts = self.joined.facts.reindex(self.design.frame.index).reset_index(drop=True)
        values = facts[key]
        counts = values[self.is_matched].value_counts()
        rare = counts.index[counts < self.survey.wave.min_cell]
        return pd.Series(values.mask(values.isin(rare), OTHER))

    @cached_property
    def columns(self) -> pd.DataFrame:
        """Outcome, factors, facts and controls of the matched forms; the others are blank."""
        frame = self.design.frame.reset_index(drop=True)
        scores = frame[[*([self.outcome] if self.outcome else []), *self.factors]]
        columns = pd.concat([scores, self.facts, self.levels], axis=1).astype(float)
        return pd.DataFrame(columns.where(self.is_matched))

    @cached_property
    def is_complete(self) -> "pd.Series[bool]":
        """Which forms are in all models."""
        return self.columns.notna().all(axis=1)

    @property
    def n_seldom(self) -> float:
        """Forms of late dossiers or of others, whichever are fewer; infinite without the days."""
        if "days_late" not in self.facts:
            return np.inf
        is_late = self.columns.loc[self.is_complete, "days_late"] > 0
        return float(min(is_late.sum(), (~is_late).sum()))

    @cached_property
    def deviation(self) -> "pd.Series[float]":
        """Standard deviation of what is standardised; 1 for yes/no."""
        weight = self.design.weight[self.is_complete.to_numpy()]
        deviation = measure_deviations(self.columns[self.is_complete], weight)
        measures = [self.outcome, *self.factors, *NUMBERS]
        return pd.Series(deviation.where(deviation.index.isin(measures), 1.0))

    def find_obstacle(self) -> str:
        """Return why no model of these forms can be fitted; empty if there is no obstacle."""
        if not self.joined.has_codes:
            return "no_codes"
        if not (self.outcome and self.factors):
            return "no_outcome" if self.factors else "no_factors"
        complete = self.columns[self.is_complete]
        if len(complete) < max(MIN_FORMS, MIN_PER_TERM * complete.shape[1]):
            return "few_forms"
        if self.facts.empty or not len(self.facts.columns):
            return "no_facts"
        return "constant" if (complete.max() == complete.min()).any() else ""

    def fit_models(self) -> dict[str, Fit]:
        """Fit the outcome without and with the facts, and the officials' factor on the facts."""
        facts, levels = [*self.facts], [*self.levels]
        fits = {
            WITHOUT: self._fit(self.outcome, [*self.factors, *levels]),
            WITH: self._fit(self.outcome, [*self.factors, *facts, *levels]),
        }
        if self.attitude:
            fits[ATTITUDE] = self._fit(self.attitude, [*facts, *levels])
        return fits

    def _fit(self, outcome: str, names: Sequence[str]) -> Fit:
        standardised = (self.columns / self.deviation).where(self.is_complete)
        x = standardised[[*names]]
        x.insert(0, INTERCEPT, 1.0)
        x = x.where(self.is_complete)
        n_matched = int(self.is_matched.sum())
        return fit_columns(self.design, x, standardised[outcome], "gaussian", n_domain=n_matched)

    def build_result(self, reason: str, fits: Mapping[str, Fit]) -> FactDrivers:
        """Return the result; without models only the reason and the joined forms."""
        tables = [self._tabulate_model(name, fit) for name, fit in fits.items()]
        n_matched, n = int(self.is_matched.sum()), int(self.is_complete.sum())
        vanished = pd.DataFrame(columns=VANISHED)
        if fits:
            vanished = measure_vanished(fits[WITHOUT], fits[WITH], self.factors)
        if self.n_seldom < FEWEST_LATE:
            vanished = vanished.assign(**dict.fromkeys(VANISHED[3:6], np.nan))
            vanished["verdict"] = CANNOT_TELL
        return FactDrivers(
            frame=pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS),
            vanished=vanished,
            attitude=self.attitude,
            units=self._compare_units() if self.attitude and fits else pd.DataFrame(columns=UNITS),
            r_squared={name: fit.r_squared for name, fit in fits.items()},
            joined=self.joined,
            n=n if fits else 0,
            n_lost=n_matched - n,
            lost=self.columns[self.is_matched].isna().sum(),
            outcome=self.outcome,
            reason=reason,
            notes=self._collect_notes(fits),
            fits=fits,
            wording=self.survey.wording,
        )

    def _tabulate_model(self, name: str, fit: Fit) -> pd.DataFrame:
        """Return one row per variable, standardised and raw."""
        table = fit.frame[fit.frame["variable"] != INTERCEPT].copy()
        outcome = self.attitude if name == ATTITUDE else self.outcome
        per_unit = self.deviation[outcome] / self.deviation[table["variable"]].to_numpy()
        for raw, column in zip(RAW, ("value", "low", "high"), strict=True):
            table[raw] = table[column] * per_unit
        is_fact = table["variable"].isin(self.facts.columns)
        is_factor = table["variable"].isin(self.factors)
        kind = np.select([is_factor, is_fact], ["factor", "fact"], "control")
        return table.assign(model=name, kind=kind)[[*COLUMNS]]

    def _compare_units(self) -> pd.DataFrame:
        """Return how units differ in the officials' factor, before and once the facts are known.

        The facts' effect is that within units: the factor on the facts, both as differences from
        the means of the unit.
        """
        from sipas_analysis.measure.intraclass import icc  # loads SciPy's optimisers

        complete = self.is_complete.to_numpy()
        unit = self.design.frame["unit"].astype(str).to_numpy()[complete]
        weight = self.design.weight[complete]
        facts = self.columns.loc[complete, [*self.facts]].to_numpy()
        score = self.columns.loc[complete, self.attitude].to_numpy()
        names = [ATTITUDE, WITH]
        slopes = _fit_within(facts, score, weight, unit)
        forms = pd.DataFrame({ATTITUDE: score, WITH: score - facts @ slopes})
        forms = forms.assign(unit=unit, weight=weight)
        try:
            result = icc(forms, names, by="unit", weights="weight")
        except DesignError:
            return pd.DataFrame(columns=UNITS)
        anova = result.components[result.components["method"] == "anova"].set_index("variable")
        before, after = anova["between"][names].clip(lower=0.0)
        p = result.frame.query("statistic == 'icc'").set_index("variable")["p"][ATTITUDE]
        remaining = 100 * after / before if p < SIGNIFICANCE and before > 0 else np.nan
        return pd.DataFrame([[len({*unit}), len(forms), before, after, remaining]], columns=UNITS)

    def _collect_notes(self, fits: Mapping[str, Fit]) -> tuple[Note, ...]:
        """Return which facts were left out, and what may lie behind opinions and facts alike."""
        if not fits:
            return ()
        facts = {str(name).partition("=")[0] for name in self.facts}
        absent = [name for name in (*NUMBERS, "channel") if name not in facts]
        notes = [Note("facts_absent", {"names": ", ".join(absent)})] if absent else []
        if self.n_seldom < FEWEST_LATE:
            fields = {"n": int(self.n_seldom), "least": FEWEST_LATE}
            notes.append(Note("few_late", fields))
        for fit in fits.values():
            notes += [note for note in fit.notes if note not in notes]
        return (*notes, Note("confounders", {}))


def measure_vanished(without: Fit, with_facts: Fit, factors: Sequence[str]) -> pd.DataFrame:
    """Return the part of each factor's coefficient that vanishes once the facts are known.

    Args:
        without: The model of the factors, of ``sipas.fit``.
        with_facts: The model with the facts, too, on the same forms.
        factors: Variables that both models have.

    Returns:
        See ``FactDrivers.vanished``.

    Source: rules D7 and V1 in docs/method.md.
    """
    values, influence = [], []
    for fit in (with_facts, without):
        at = [[*fit.frame["variable"]].index(factor) for factor in factors]
        values.append(fit.frame["value"].to_numpy(dtype=float)[at])
        influence.append(fit.influence[:, at])
    rows, n = with_facts.rows, len(factors)
    joint = estimate_error_covariance(with_facts.design, rows, np.hstack(influence)).matrix
    pairs = joint.reshape(2, n, 2, n).diagonal(axis1=1, axis2=3).transpose(2, 0, 1)
    df = float(with_facts.frame["df"].iloc[0])
    ratio = divide_estimates(values[0], values[1], pairs, df)
    low, high = 100 * (1 - ratio.high), 100 * (1 - ratio.low)
    kinds = [np.isnan(ratio.value), low > 0, high < 0]
    verdict = np.select(kinds, [CANNOT_TELL, "vanishes", "grows"], "stays")
    columns = [values[1], values[0], 100 * (1 - ratio.value), low, high, verdict]
    table = pd.DataFrame(dict(zip(VANISHED[1:], columns, strict=True)))
    table.insert(0, "variable", [*factors])
    return table


def _fit_within(x: Floats, y: Floats, weight: Floats, unit: "np.ndarray") -> Floats:
    """Return the slopes of y on x within units, shape (k,)."""
    columns = pd.DataFrame(np.column_stack([y, x]))
    sums = columns.mul(weight, axis=0).groupby(unit).transform("sum").to_numpy()
    totals = pd.Series(weight).groupby(unit).transform("sum").to_numpy()
    centred = columns.to_numpy() - sums / totals[:, None]
    root = np.sqrt(weight)[:, None]
    slopes: Floats = np.linalg.lstsq(centred[:, 1:] * root, centred[:, 0] * root[:, 0])[0]
    return slopes
