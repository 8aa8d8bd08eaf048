"""The tables behind the published figures of a wave: each is computed once, when it is first used.

Whatever must not be published (rule P2) is blanked here; tables before suppression are marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import DesignError
from sipas_analysis.figures.disclosure_counts import count_disclosure
from sipas_analysis.figures.identified import (
    INTERVAL_COLUMNS,
    make_id,
)
from sipas_analysis.figures.rare_labels import merge_rare_labels
from sipas_analysis.figures.suppression import (
    INTERVAL,
    Suppression,
    round_intervals,
    suppress_figures,
)
from sipas_analysis.improve.actions import Library, read_library
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.ranking import Ranking, rank
from sipas_analysis.measure.scores import count_answers, score_domains
from sipas_analysis.quality.findings import Findings, check
from sipas_analysis.quality.item_checks import find_opposed_items

if TYPE_CHECKING:
    from sipas_analysis.explain.driver_results import Drivers
    from sipas_analysis.explain.priority import Basis, Priority

# Functions import what only their table needs: ``sipas check`` does not wait for models.


@dataclass(frozen=True)
class WaveTables:
    """The tables of one wave; ``Figures`` makes single figures of them."""

    survey: Survey

    @cached_property
    def unit_estimates(self) -> Estimates:
        """Estimates of the units with their covariance, before suppression (P2): do not print."""
        return self._domain_estimates["unit"]

    @cached_property
    def whole_estimates(self) -> Estimates:
        """Estimates of the whole with their covariance, before suppression (P2): do not print."""
        return self._domain_estimates["all"]

    @cached_property
    def _domain_estimates(self) -> dict[str, Estimates]:
        """Estimates of the units, the groups and the whole, of which the forms are counted once."""
        estimates = score_domains(self.survey, ["unit", "group", ()])
        return dict(zip(("unit", "group", "all"), estimates, strict=True))

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """Every figure of the whole, the groups and the units, by ``domain``, before P2."""
        estimates = self._domain_estimates
        parts = [estimates[name].frame.assign(domain=name) for name in ("all", "group", "unit")]
        table = pd.concat(parts, ignore_index=True)
        return table.reindex(columns=["domain", *parts[2].columns.drop("domain")])

    @cached_property
    def suppression(self) -> Suppression:
        """What of ``estimates`` is published, and why the rest is not (rules P2, P4, P5)."""
        return suppress_figures(self.estimates, self.survey)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every figure of the whole, the groups and the units, by ``domain``."""
        scores = round_intervals(self.suppression.table, self.suppression.is_rounded)
        scores[["group", "unit", "unit_name"]] = scores[["group", "unit", "unit_name"]].fillna("")
        return scores

    @cached_property
    def disclosure(self) -> pd.DataFrame:
        """What is hidden, why, and what it costs, see ``count_disclosure``: counts only."""
        return count_disclosure(self.estimates, self.suppression, self.survey)

    @cached_property
    def rounded_units(self) -> set[str]:
        """Units whose overall figure has an interval of whole points, see ``round_intervals``."""
        table, is_rounded = self.suppression.table, self.suppression.is_rounded
        is_overall = is_rounded & (table["domain"] == "unit") & (table["variable"] == OVERALL)
        return set(table.loc[is_overall, "unit"])

    def is_rounded(self, figure_id: str) -> bool:
        """Whether the interval of a figure was rounded to whole points (rule P4)."""
        kind, _, name = figure_id.partition(":")
        if kind in ("pair", "gap"):
            units = name.split("~") if kind == "pair" else [name.rpartition("@")[2]]
            return not self.rounded_units.isdisjoint(units)
        return figure_id in self._rounded_scores

    @cached_property
    def _rounded_scores(self) -> frozenset[str]:
        """Ids of the scores whose interval was rounded."""
        rounded = self.suppression.table[self.suppression.is_rounded]
        names = rounded[["variable", "group", "unit"]].fillna("")
        return frozenset(make_id(*row) for row in names.itertuples(index=False, name=None))

    @cached_property
    def library(self) -> Library:
        """Measures of the program and the wave's own."""
        return read_library(self.survey.wave)

    @cached_property
    def quality(self) -> Findings:
        """Results of the quality checks in all units: do not print (P2)."""
        return check(self.survey)

    @cached_property
    def opposed_items(self) -> pd.DataFrame:
        """Items that run against the others: their figures are probably upside down."""
        return find_opposed_items(self.survey)

    @cached_property
    def hidden_units(self) -> set[str]:
        """Units whose overall figure must not be published."""
        scores = self.scores
        overall = scores[(scores["domain"] == "unit") & (scores["variable"] == OVERALL)]
        return set(overall.loc[overall["flag"] == SUPPRESS, "unit"])

    @cached_property
    def protecting_units(self) -> set[str]:
        """Units of enough answers whose overall figure is hidden only to protect other places."""
        is_index = self.estimates["domain"].eq("unit") & self.estimates["variable"].eq(OVERALL)
        is_for_others = is_index & self.suppression.cause.isin(["sum", "bound"])
        return {*self.estimates.loc[is_for_others, "unit"]}

    @cached_property
    def marks(self) -> dict[str, str]:
        """Units whose forms need a second look: ``accepted`` as the wave says, or ``flagged``.

        Units whose overall figure is not published have no mark (rule P2).
        """
        marked_units = sorted(self.quality.flagged_units - self.hidden_units)
        accepted = self.survey.wave.accepted
        return {unit: "accepted" if unit in accepted else "flagged" for unit in marked_units}

    @cached_property
    def ranked_units(self) -> Ranking:
        """Units in order within their group, with rank sets, from publishable scores.

        A unit whose forms need a second look has no rank until the wave accepts it.
        """
        scores = self.suppression.table
        unit_scores = scores[scores["domain"] == "unit"].drop(columns="domain")
        names = ["group", "unit", "unit_name"]
        unit_scores[names] = unit_scores[names].fillna("")
        units = replace(self.unit_estimates, frame=unit_scores.reset_index(drop=True))
        wave, pack = self.survey.wave, self.survey.instrument
        set_apart = [unit for unit, mark in self.marks.items() if mark == "flagged"]
        ranking = rank(units, pack.index.min_forms, seed=wave.seed, set_apart=set_apart)
        marks = [self.marks.get(unit, "") for unit in ranking.frame["unit"]]
        return replace(ranking, frame=ranking.frame.assign(mark=marks))

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Units in order, with the reason where a unit has no rank."""
        frame = self.ranked_units.frame
        is_rounded = frame["unit"].isin(self.rounded_units)
        return round_intervals(frame, is_rounded, {**INTERVAL, "detectable": "up"})

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Pairs of ranked units, by ``group``, and whether their indices differ.

        Of more than 300 units near ones, and pairs with the two best whose forms raise no doubt.
        """
        ranking = self.ranked_units
        is_leader = ranking.frame["rank"].notna() & (ranking.frame["mark"] == "")
        leaders = ranking.frame[is_leader].groupby("group").head(2)["unit"]
        pairs = [ranking.pairs(group, leaders).assign(group=group) for group in ranking.sets]
        columns = ["group", "unit", "other", "value", "se", "low", "high", "told"]
        if not pairs:
            return pd.DataFrame(columns=columns)
        table = pd.concat(pairs, ignore_index=True)[columns]
        is_rounded = table[["unit", "other"]].isin(self.rounded_units).any(axis=1)
        return round_intervals(table, is_rounded)

    @cached_property
    def adjusted_and_pooled(self) -> pd.DataFrame:
        """Raw, adjusted and pooled indices of ranked units, with their ranks."""
        from sipas_analysis.measure.fairness import adjust_and_pool

        table = adjust_and_pool(self.survey, self.ranked_units)
        if not self.rounded_units or table.empty:
            return table
        is_rounded = table["unit"].isin(self.rounded_units)
        for name, digits in {"pooled": 0, "borrowed": 1, "chance": 1}.items():  # they tell errors
            table[name] = table[name].astype(float).mask(is_rounded, table[name].round(digits))
        return round_intervals(table, is_rounded, {"pooled_low": "down", "pooled_high": "up"})

    @property
    def fair_ranks(self) -> pd.DataFrame:
        """The table of ``adjusted_and_pooled``; empty where an adjuster is invalid."""
        try:
            return self.adjusted_and_pooled
        except DesignError:
            return pd.DataFrame()

    @cached_property
    def alphas(self) -> pd.DataFrame:
        """Cronbach's alpha of each factor with its interval, where its items allow one (D8)."""
        from sipas_analysis.measure.reliability import reliability

        tables = [pd.DataFrame(columns=["variable", *INTERVAL_COLUMNS, "n"])]
        for factor in self.survey.instrument.factors:
            items = self.survey.instrument.items_of(factor)
            n_complete = int(self.survey.frame[[*items]].notna().all(axis=1).sum())
            if n_complete < self.survey.wave.min_cell or self._hidden_of_whole & {factor, *items}:
                continue
            try:
                table = reliability(self.survey, items).frame
            except DesignError:  # of few forms, or of items that never vary
                continue
            tables.append(table[table["variable"] == "alpha"].assign(variable=factor))
        return pd.concat(tables, ignore_index=True)

    @cached_property
    def ranks_by_rule(self) -> pd.DataFrame:
        """Ranks of ranked units under every lawful rule."""
        from sipas_analysis.measure.fairness import rank_under_rules

        table = rank_under_rules(self.survey, self.ranked_units)
        rules = [*table.columns.drop(["group", "unit"])]
        table[rules] = table[rules].mask(table["unit"].isin(self.rounded_units))  # P4
        return table

    @cached_property
    def drivers(self) -> "Drivers":
        """Models of overall satisfaction, or the reason why there is none.

        None is published that rests on fewer than ``min_cell`` forms without a blank, nor where the
        figure of a factor or of the outcome is hidden (rule P4).
        """
        from sipas_analysis.explain.drivers import drivers

        models = drivers(self.survey)
        pack, outcome = self.survey.instrument, models.outcome
        answered = self.survey.frame.notna()
        parts = [answered[[*pack.items_of(factor)]].any(axis=1) for factor in pack.factors]
        parts += [answered[outcome]] if outcome else []
        n_complete = int(pd.concat(parts, axis=1).all(axis=1).sum()) if parts else 0
        is_few = 0 < n_complete < self.survey.wave.min_cell
        if is_few or self._hidden_of_whole & {*pack.factors, outcome}:
            return _withhold_models(models)
        return models

    @cached_property
    def _hidden_of_whole(self) -> set[str]:
        """Variables of which the figure of the whole is hidden."""
        table = self.suppression.table
        is_hidden = (table["domain"] == "all") & self.suppression.cause.ne("")
        return set(table.loc[is_hidden, "variable"])

    def priority(self, unit: str = "") -> "Priority":
        """Return factors by importance and satisfaction, of the whole or of one unit."""
        from sipas_analysis.explain.priority import place_factors

        if unit not in self._priorities:
            self._priorities[unit] = place_factors(self.basis, unit)
        return self._priorities[unit]

    @cached_property
    def basis(self) -> "Basis":
        """What priorities and proposals are made of: published scores and models."""
        from sipas_analysis.explain.priority import prepare_priority

        return prepare_priority(
            self.survey,
            self.scores,
            self.drivers,
            flagged=self.quality.flagged_units,
            whole=self.whole_estimates,
        )

    @cached_property
    def _priorities(self) -> dict[str, "Priority"]:
        return {}

    @cached_property
    def labelled(self) -> Survey:
        """The survey with labels that may be published: rare ones are *other*."""
        return merge_rare_labels(self.survey)

    @cached_property
    def respondents(self) -> pd.DataFrame:
        """The overall index of groups of respondents, and their differences from all others."""
        from sipas_analysis.figures.respondents import compare_respondents

        return compare_respondents(self.labelled, self.hidden_units)

    def answer_counts(self, unit: str = "") -> pd.DataFrame:
        """Return the number of forms at each level of each item, of the whole or of one unit."""
        if not unit:
            return self._counts_of_whole
        return self._counts_by_unit[self._counts_by_unit["unit"] == unit]

    @cached_property
    def _counts_of_whole(self) -> pd.DataFrame:
        counts = count_answers(self.survey)
        return counts[~counts["item"].isin(self.suppression.hidden_answers)]

    @cached_property
    def _counts_by_unit(self) -> pd.DataFrame:
        return count_answers(self.survey, ["unit"])

    @cached_property
    def findings(self) -> Findings:
        """Results of the quality checks in units whose figures may be published."""
        findings = self.quality
        is_published = ~findings.frame["unit"].isin(self.hidden_units)
        return replace(findings, frame=findings.frame[is_published].reset_index(drop=True))

    def _tabulate_importance(self) -> pd.DataFrame:
        from sipas_analysis.explain.importance import COLUMNS

        importance = self.basis.importance
        return importance.frame if importance else pd.DataFrame(columns=COLUMNS)

    def _join_ranks(self, rank_columns: Sequence[str]) -> pd.DataFrame:
        """Return the scores with columns of the ranking beside the overall figure of each unit."""
        ranks = self.ranking[["unit", "level", *rank_columns]]
        return self.scores.merge(ranks, on=["unit", "level"], how="left")

    def find_overall(self) -> pd.DataFrame:
        """Return the row of the overall index of the whole."""
        scores = self.scores
        return scores[(scores["domain"] == "all") & (scores["variable"] == OVERALL)]


def _withhold_models(models: "Drivers") -> "Drivers":
    """Return no models, because they would tell of hidden figures."""
    return replace(
        models,
        frame=models.frame.iloc[:0],
        r_squared=np.nan,
        reason=dict.fromkeys([*models.reason, *models.fits], "hidden"),
        correlations=pd.DataFrame(),
        collinearity=models.collinearity.iloc[:0],
        notes=(),
        fits={},
    )
