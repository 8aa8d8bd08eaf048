"""The only source of published figures: each is computed once and suppressed once.

Text, tables, pictures and CSV files all take a figure from these frames. Figures that must not
be published (rule P2) are blanked here, before any writer sees them. Where a total would reveal
a blanked figure, a second figure is blanked too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import NO_GROUP, list_groups
from sipas_analysis.figures.rare_labels import merge_rare_labels
from sipas_analysis.figures.suppression import SUPPRESS, blank_hidden, hide_figures
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.ranking import Ranking, rank
from sipas_analysis.measure.rule_comparison import compare_rules
from sipas_analysis.measure.scores import count_answers, score
from sipas_analysis.quality.findings import Findings, check
from sipas_analysis.quality.item_checks import find_opposed_items

if TYPE_CHECKING:
    from sipas_analysis.explain.driver_results import Drivers
    from sipas_analysis.explain.priority import Basis, Priority

# Functions import what only their table needs: ``sipas check`` does not wait for models.
INTERVAL_COLUMNS = ["value", "low", "high"]
RANK_COLUMNS = ["rank", "rank_low", "rank_high", "detectable"]
FIGURE_COLUMNS = [
    "id",
    "value",
    "printed",
    "low",
    "high",
    "n",
    "n_valid",
    "numerator",
    "denominator",
    *RANK_COLUMNS,
    "rule",
]
MODEL_COLUMNS = {  # figures of a model, each with its columns of ``drivers`` (value and ends)
    "linear": ("value", "low", "high"),
    "logit.points": ("points", "points_low", "points_high"),
    "logit.odds": ("odds_ratio", "odds_low", "odds_high"),
}


@dataclass(frozen=True)
class PublishedFigure:
    """One figure as a report may print it; NaN, None and empty text where it is suppressed."""

    variable: str
    group: str
    unit: str
    value: float
    low: float
    high: float
    n: int | None
    n_valid: int | None
    printed: str
    flag: str
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    letter: str = ""
    detectable: float = np.nan
    reason: str = ""
    mark: str = ""
    rule: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the figure has a value to show."""
        return not np.isnan(self.value)

    @property
    def is_hidden(self) -> bool:
        """Whether the figure has a value that must not be shown."""
        return self.flag == SUPPRESS and self.n_valid != 0

    @property
    def id(self) -> str:
        """Name of the figure in ``tables/figures.csv``; empty under another rule."""
        if self.rule:
            return ""
        return make_id(self.variable, self.group, self.unit)


def make_id(variable: str, group: str, unit: str) -> str:
    """Return the name of a figure of the whole, of a group or of a unit."""
    domain = unit or (group and f"group:{group}")
    return f"{variable}@{domain}" if domain else variable


def list_figures(table: pd.DataFrame) -> list[PublishedFigure]:
    """Return the rows of a table of figures as typed records."""
    names = [column.name for column in fields(PublishedFigure)]
    cells = table.reindex(columns=names).astype(object)
    for name in ("n", "n_valid", "rank", "rank_low", "rank_high"):
        counts = [None if pd.isna(count) else int(count) for count in cells[name]]
        cells[name] = pd.Series(counts, cells.index, dtype=object)  # else None makes all floats
    for name in ("reason", "letter", "mark", "rule"):
        cells[name] = cells[name].fillna("")
    return [PublishedFigure(**dict(zip(names, row, strict=True))) for row in cells.to_numpy()]


@dataclass(frozen=True)
class Figures:
    """All figures of one wave; each table is computed when it is first used."""

    survey: Survey

    @cached_property
    def unit_estimates(self) -> Estimates:
        """Estimates of the units with their covariance, before suppression (P2): do not print."""
        return score(self.survey, "unit")

    @cached_property
    def whole_estimates(self) -> Estimates:
        """Estimates of the whole with their covariance, before suppression (P2): do not print."""
        return score(self.survey)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every figure of the whole, the groups and the units, by ``domain``."""
        estimates = {
            "all": self.whole_estimates,
            "group": score(self.survey, "group"),
            "unit": self.unit_estimates,
        }
        parts = [scores.frame.assign(domain=domain) for domain, scores in estimates.items()]
        table = pd.concat(parts, ignore_index=True)
        table = table.reindex(columns=["domain", *parts[2].columns.drop("domain")])
        scores = hide_figures(table, self.survey)
        scores[["group", "unit", "unit_name"]] = scores[["group", "unit", "unit_name"]].fillna("")
        return scores

    @cached_property
    def quality(self) -> Findings:
        """Results of the quality checks in all units: do not print (P2)."""
        return check(self.survey)

    @cached_property
    def opposed_items(self) -> pd.DataFrame:
        """Items that run against the others: their figures are probably upside down."""
        return find_opposed_items(self.survey)

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
        unit_scores = self.scores[self.scores["domain"] == "unit"].drop(columns="domain")
        units = replace(self.unit_estimates, frame=unit_scores.reset_index(drop=True))
        wave, pack = self.survey.wave, self.survey.instrument
        set_apart = [unit for unit, mark in self.marks.items() if mark == "flagged"]
        ranking = rank(units, pack.index.min_forms, seed=wave.seed, set_apart=set_apart)
        marks = [self.marks.get(unit, "") for unit in ranking.frame["unit"]]
        return replace(ranking, frame=ranking.frame.assign(mark=marks))

    @property
    def ranking(self) -> pd.DataFrame:
        """Units in order, with the reason where a unit has no rank."""
        return self.ranked_units.frame

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every pair of ranked units, by ``group``, and whether their indices differ."""
        ranking = self.ranked_units
        pairs = [ranking.pairs(group).assign(group=group) for group in ranking.sets]
        columns = ["group", "unit", "other", "value", "se", "low", "high", "told"]
        if not pairs:
            return pd.DataFrame(columns=columns)
        return pd.concat(pairs, ignore_index=True)[columns]

    @cached_property
    def adjusted_and_pooled(self) -> pd.DataFrame:
        """Raw, adjusted and pooled indices of ranked units, with their ranks."""
        from sipas_analysis.measure.fairness import adjust_and_pool

        return adjust_and_pool(self.survey, self.ranked_units)

    @cached_property
    def ranks_by_rule(self) -> pd.DataFrame:
        """Ranks of ranked units under every lawful rule."""
        from sipas_analysis.measure.fairness import rank_under_rules

        return rank_under_rules(self.survey, self.ranked_units)

    @cached_property
    def rules(self) -> pd.DataFrame:
        """Factors and the whole under each rule, unless two rules reveal a hidden item."""
        table, figures = compare_rules(self.survey).frame, self.by_variable("all")
        pack = self.survey.instrument
        published_rules = {level: index_rule.rule for level, index_rule in pack.rules_by_level()}
        with_hidden_item = {
            code
            for code in figures
            if not all(figures[item].is_known for item in pack.items_of(code))
        }
        is_second_rule = table["rule"] != table["level"].map(published_rules)
        reveals_item = table["variable"].isin(with_hidden_item) & is_second_rule
        is_hidden = ~table["variable"].map(lambda code: figures[code].is_known)
        table.loc[reveals_item | is_hidden, "flag"] = SUPPRESS
        return blank_hidden(table)

    @cached_property
    def drivers(self) -> "Drivers":
        """Models of overall satisfaction, or the reason why there is none."""
        from sipas_analysis.explain.drivers import drivers

        return drivers(self.survey)

    @cached_property
    def penalties(self) -> pd.DataFrame:
        """Overall satisfaction after bad and very good answers to each item; hidden items blank."""
        from sipas_analysis.explain.penalty_reward import estimate_penalties

        table = estimate_penalties(self.survey).drop(columns=["n_low", "n_mid", "n_high"])
        figures = self.by_variable("all")
        is_hidden = ~table["item"].map(lambda code: figures[code].is_known).astype(bool)
        numbers = [name for name in table if name not in ("item", "factor", "verdict")]
        table.loc[is_hidden, numbers] = np.nan
        return table.assign(verdict=table["verdict"].mask(is_hidden, "cannot_tell"))

    @cached_property
    def hidden_units(self) -> set[str]:
        """Units whose overall figure must not be published."""
        scores = self.scores
        overall = scores[(scores["domain"] == "unit") & (scores["variable"] == OVERALL)]
        return set(overall.loc[overall["flag"] == SUPPRESS, "unit"])

    def priority(self, unit: str = "") -> "Priority":
        """Return factors by importance and satisfaction, of the whole or of one unit."""
        from sipas_analysis.explain.priority import place_factors

        if unit not in self._priorities:
            self._priorities[unit] = place_factors(self._basis, unit)
        return self._priorities[unit]

    @cached_property
    def _basis(self) -> "Basis":
        from sipas_analysis.explain.priority import prepare_priority

        return prepare_priority(
            self.survey, self.scores, self.drivers, flagged=self.quality.flagged_units
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

    def item_places(self, unit: str = "") -> pd.DataFrame:
        """Return the places of published items from the lowest, of the whole or of one unit."""
        from sipas_analysis.measure.item_order import order_items

        figures = self.by_variable("unit" if unit else "all", unit)
        codes = [code for code in self.survey.instrument.items if figures[code].is_known]
        if not codes:
            return order_items(Estimates(self.scores.head(0)))
        domain = self.unit_estimates.select(unit=unit) if unit else self.whole_estimates
        return order_items(domain.select(variable=codes))

    def answer_counts(self, unit: str = "") -> pd.DataFrame:
        """Return the number of forms at each level of each item, of the whole or of one unit."""
        if not unit:
            return self._counts_of_whole
        return self._counts_by_unit[self._counts_by_unit["unit"] == unit]

    @cached_property
    def _counts_of_whole(self) -> pd.DataFrame:
        return count_answers(self.survey)

    @cached_property
    def _counts_by_unit(self) -> pd.DataFrame:
        return count_answers(self.survey, ["unit"])

    def has_small_cell(self, key: str) -> bool:
        """Return whether a unit has some, but too few, people in one category of a key (P2)."""
        if key not in self._small_cells:
            self._small_cells[key] = self._find_small_cell(key)
        return self._small_cells[key]

    @cached_property
    def _small_cells(self) -> dict[str, bool]:
        return {}

    def _find_small_cell(self, key: str) -> bool:
        survey, indicators = self.survey, self.survey.instrument.indicators
        units = survey.frame["unit"]
        counts = survey.frame.groupby(["unit", key]).size()
        if key in indicators:
            choices = [survey.has_choice(key, level) for level in indicators[key].levels]
            counts = pd.concat([chosen.astype(int).groupby(units).sum() for chosen in choices])
        return bool(((counts > 0) & (counts < survey.wave.min_cell)).any())

    @cached_property
    def findings(self) -> Findings:
        """Results of the quality checks in units whose figures may be published."""
        findings = self.quality
        is_published = ~findings.frame["unit"].isin(self.hidden_units)
        return replace(findings, frame=findings.frame[is_published].reset_index(drop=True))

    def by_variable(self, domain: str, key: str = "") -> dict[str, "PublishedFigure"]:
        """Return the figures of the whole (``all``), of one group or of one unit, by variable."""
        return self._by_domain.get((domain, "" if domain == "all" else key), {})

    @cached_property
    def _by_domain(self) -> dict[tuple[str, str], dict[str, "PublishedFigure"]]:
        by_domain: dict[tuple[str, str], dict[str, PublishedFigure]] = {}
        domains = self.scores["domain"]
        for domain, figure in zip(domains, list_figures(self.scores), strict=True):
            key = {"all": "", "unit": figure.unit}.get(domain, figure.group)
            by_domain.setdefault((domain, key), {})[figure.variable] = figure
        return by_domain

    def units_in_order(self, group: str) -> list["PublishedFigure"]:
        """Return the overall figures of the units of a group, best first, with their rank."""
        return list_figures(self.ranking[self.ranking["group"] == group])

    @property
    def groups(self) -> list[str]:
        """Groups with forms, in the usual order: departments first, the wave's own last.

        The only unit of a wave without a list of units belongs to no group; the units of a data
        frame without groups are one group.
        """
        n_units = self.ranking.groupby("group")["unit"].nunique()
        used = set(n_units.index) - ({NO_GROUP} if n_units.get(NO_GROUP, 0) < 2 else set())
        return [group for group in list_groups(self.survey.wave) if group in used]

    def tables(self, names: Sequence[str] = ()) -> dict[str, pd.DataFrame]:
        """Return the published tables by file name; no row is a form (rule P3).

        Args:
            names: Tables to compute; all of them if left out.
        """
        tables: dict[str, Callable[[], pd.DataFrame]] = {
            "scores": lambda: self._join_ranks(["rank"]),
            "ranking": lambda: self.ranking,
            "pairs": lambda: self.pairs,
            "robust": lambda: self.ranks_by_rule,
            "drivers": lambda: self.drivers.frame,
            "importance": self._tabulate_importance,
            "priority": lambda: self.priority().frame,
            "what_if": lambda: self.priority().what_if,
            "penalties": lambda: self.penalties,
            "figures": lambda: self.by_id,
        }
        return {name: tables[name]() for name in names or tables}

    def _tabulate_importance(self) -> pd.DataFrame:
        from sipas_analysis.explain.importance import COLUMNS

        importance = self._basis.importance
        return importance.frame if importance else pd.DataFrame(columns=COLUMNS)

    def _join_ranks(self, rank_columns: Sequence[str]) -> pd.DataFrame:
        """Return the scores with columns of the ranking beside the overall figure of each unit."""
        ranks = self.ranking[["unit", "level", *rank_columns]]
        return self.scores.merge(ranks, on=["unit", "level"], how="left")

    @cached_property
    def by_id(self) -> pd.DataFrame:
        """Every figure that a report names, by ``id``: scores with ranks, pairs, drivers."""
        parts = [self._identify_scores(), self._identify_pairs(), *self._identify_drivers()]
        parts += [*self._identify_respondents(), *self._identify_places()]
        columns = [part.reindex(columns=FIGURE_COLUMNS) for part in parts if len(part)]
        return pd.concat(columns, ignore_index=True)

    def _identify_scores(self) -> pd.DataFrame:
        scores = self._join_ranks(RANK_COLUMNS)
        rules = {level: rule.rule for level, rule in self.survey.instrument.rules_by_level()}
        names = zip(scores["variable"], scores["group"], scores["unit"], strict=True)
        return scores.assign(
            id=[make_id(*parts) for parts in names],
            rule=scores["level"].map(rules).fillna(scores["level"]),
        )

    def _identify_pairs(self) -> pd.DataFrame:
        ids = "pair:" + self.pairs["unit"] + "~" + self.pairs["other"]
        return self.pairs.assign(id=ids, rule="R2")

    def _identify_respondents(self) -> list[pd.DataFrame]:
        """Return the index of each group of respondents, then the differences, with their ids."""
        table = self.respondents
        ids = "overall@" + table["unit"].astype(str)
        differences = table[[f"difference{end}" for end in ("", "_low", "_high")]]
        named = differences.set_axis(INTERVAL_COLUMNS, axis=1).assign(id="difference:" + ids)
        return [table.assign(id=ids, rule="I7"), named.assign(rule="I7").dropna()]

    def _identify_places(self) -> list[pd.DataFrame]:
        """Return the possible places of each item, of the whole and of each unit."""
        units = self.scores.loc[self.scores["domain"] == "unit", "unit"].unique()
        tables = {unit: self.item_places(unit) for unit in ("", *map(str, units))}
        return [
            table.assign(
                id=[make_id(f"place:{code}", "", unit) for code in table["variable"]]
            ).assign(rule="R6")
            for unit, table in tables.items()
        ]

    def _identify_drivers(self) -> list[pd.DataFrame]:
        """Return coefficients of each model, then shares of importance, with their ids."""
        coefficients, parts = self.drivers.frame, []
        for name, columns in MODEL_COLUMNS.items():
            rows = coefficients[coefficients["model"] == name.partition(".")[0]]
            values = rows[[*columns]].set_axis(INTERVAL_COLUMNS, axis=1)
            parts.append(values.assign(id=name + ":" + rows["variable"].astype(str), rule="D1"))
        importance = self._basis.importance
        if importance is not None:
            shares = importance.frame[["share", "share_low", "share_high"]]
            percent = 100 * shares.set_axis(INTERVAL_COLUMNS, axis=1)
            parts.append(percent.assign(id="share:" + importance.frame["variable"], rule="D3"))
        return parts


_FIGURES: dict[int, Figures] = {}


def figures_of(survey: Survey) -> Figures:
    """Return the figures of a survey; a second call with that survey returns the same object."""
    figures = _FIGURES.get(id(survey))
    if figures is None or figures.survey is not survey:
        _FIGURES.clear()  # one wave at a time
        figures = _FIGURES[id(survey)] = Figures(survey)
    return figures
