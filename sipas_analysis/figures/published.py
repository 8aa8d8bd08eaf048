"""The only source of published figures: each is computed once and suppressed once.

Text, tables, pictures and CSV files all take a figure from these frames. Figures that must not
be published (rule P2) are blanked here, before any writer sees them. Where a total would reveal
a blanked figure, a second figure is blanked too.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import NO_GROUP, list_groups
from sipas_analysis.figures.counts import (
    count_forms,
    count_incidents,
    count_needed,
    count_people,
    count_units,
    describe_sample,
    list_settings,
)
from sipas_analysis.figures.identified import (
    GAIN_COLUMNS,
    PARTS,
    PENALTY_COLUMNS,
    RANK_COLUMNS,
    concat_figures,
    describe_models,
    identify_beside,
    identify_collinearity,
    identify_drivers,
    identify_findings,
    identify_gaps,
    identify_numbers,
    identify_pairs,
    identify_places,
    identify_ranks,
    identify_respondents,
    identify_rules,
    make_id,
    name_rows,
    share_answers,
)
from sipas_analysis.figures.last_year import (
    LastYear,
    compare_with_last_year,
    identify_changes,
    read_earlier,
)
from sipas_analysis.figures.plan_figures import (
    ComingPlan,
    find_coming_plan,
    identify_plan,
    identify_verdicts,
    judge_plans,
)
from sipas_analysis.figures.plan_records import Judged, list_verdicts
from sipas_analysis.figures.record_figures import RULES as RECORD_RULES
from sipas_analysis.figures.record_figures import RecordFigures, read_record_figures
from sipas_analysis.figures.suppression import hide_rules, round_intervals
from sipas_analysis.figures.wave_tables import WaveTables
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.rule_comparison import compare_rules

# Functions import what only their table needs: ``sipas check`` does not wait for models.


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
class Figures(WaveTables):
    """All figures of one wave; each table is computed when it is first used."""

    @cached_property
    def earlier(self) -> list["Figures"]:
        """Figures of the earlier waves that this wave names, oldest first."""
        return [Figures(survey) for survey in read_earlier(self.survey.wave)]

    @cached_property
    def last_year(self) -> LastYear | None:
        """This wave beside the latest earlier one that it names; None if it names none."""
        return compare_with_last_year(self.earlier[-1], self) if self.earlier else None

    @cached_property
    def plan(self) -> ComingPlan:
        """The plan for the coming year, or what the program proposes for it."""
        return find_coming_plan(self)

    @cached_property
    def records(self) -> RecordFigures | None:
        """Figures of the office's records; None for a wave without ``records:``."""
        has_records = self.survey.wave.records is not None
        return read_record_figures(self.survey, self.hidden_units) if has_records else None

    @cached_property
    def verdicts(self) -> pd.DataFrame | None:
        """Verdicts on the plans that the wave names, see ``judge_plans``; None if it names none."""
        return judge_plans([*self.earlier, self]) if self.survey.wave.plan else None

    @cached_property
    def judged(self) -> list[Judged]:
        """The verdicts as records, latest plan and wave first; none if no plan is named."""
        waves = [figures.survey.wave.id for figures in (*self.earlier, self)]
        return [] if self.verdicts is None else list_verdicts(self.verdicts, waves)

    def check_plans(self) -> None:
        """Read the plan beside the wave, those that it names and records, before a report is made.

        Raises:
            PlanError: One of the plans cannot be read.
            ConfigError: One that it names is not of an earlier wave.
            RecordsError: The records cannot be read.
        """
        _ = self.records
        files = {"plan": self.survey.wave.plan_path, "verdicts": self.survey.wave.plan}
        names = [name for name, named in files.items() if named]
        if names:  # else all tables
            self.tables(names)

    @cached_property
    def rules(self) -> pd.DataFrame:
        """Factors and the whole under each rule, unless two rules reveal a hidden item."""
        return hide_rules(compare_rules(self.survey).frame, self._known, self.survey.instrument)

    @property
    def _known(self) -> set[str]:
        """Variables whose figure of the whole may be published."""
        return {code for code, figure in self.by_variable("all").items() if figure.is_known}

    @cached_property
    def penalties(self) -> pd.DataFrame:
        """Overall satisfaction after bad and very good answers to each item; hidden items blank."""
        from sipas_analysis.explain.penalty_reward import estimate_penalties

        table = estimate_penalties(self.survey).drop(columns=["n_low", "n_mid", "n_high"])
        is_hidden = ~table["item"].isin(self._known)
        numbers = [name for name in table if name not in ("item", "factor", "verdict")]
        table.loc[is_hidden, numbers] = np.nan
        return table.assign(verdict=table["verdict"].mask(is_hidden, "cannot_tell"))

    def item_places(self, unit: str = "") -> pd.DataFrame:
        """Return the places of published items from the lowest, of the whole or of one unit.

        Items of another scale than most have no place among the others.
        """
        from sipas_analysis.measure.item_order import order_items

        figures = self.by_variable("unit" if unit else "all", unit)
        codes = [code for code in self.survey.instrument.usual_items if figures[code].is_known]
        estimates = self.unit_estimates if unit else self.whole_estimates
        is_listed = estimates.frame["variable"].isin(codes)
        if unit:
            is_listed &= estimates.frame["unit"] == unit
        return order_items(estimates.take(np.flatnonzero(is_listed)))

    @cached_property
    def index_gaps(self) -> pd.DataFrame:
        """Ranked units, factors and items against the index; each kind all at once (rule R7).

        What has another scale than most items is open: its threshold is not that of the index.
        """
        from sipas_analysis.measure.index_gaps import find_all_gaps

        pack, known = self.survey.instrument, self._known
        kinds = [[code for code in codes if code in known] for codes in (pack.factors, pack.items)]
        ranked = [*self.ranking.loc[self.ranking["rank"].notna(), "unit"]]
        names = (ranked, kinds) if OVERALL in known else ([], [])
        gaps = find_all_gaps(self.unit_estimates, self.whole_estimates, *names, pack.of_other_scale)
        return round_intervals(gaps, gaps["unit"].isin(self.rounded_units))

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
        if group not in self._orders:
            self._orders[group] = list_figures(self.ranking[self.ranking["group"] == group])
        return [*self._orders[group]]

    @cached_property
    def _orders(self) -> dict[str, list["PublishedFigure"]]:
        return {}

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
            "plan": lambda: self.plan.frame,
            **({"verdicts": lambda: pd.DataFrame(self.verdicts)} if self.survey.wave.plan else {}),
            **self._list_record_tables(names),
            "disclosure": lambda: self.disclosure,
            "figures": lambda: self.by_id,
        }
        return {name: tables[name]() for name in names or tables}

    def _list_record_tables(self, names: Sequence[str]) -> dict[str, Callable[[], pd.DataFrame]]:
        """Return the tables of records, by name; records are not read where none is asked for."""
        records = self.records if not names or {*names} & {*RECORD_RULES} else None
        return {name: partial(records.table, name) for name in records.tables} if records else {}

    @cached_property
    def by_id(self) -> pd.DataFrame:
        """Every figure that a report prints, by ``id``: the index, then each kind of ``PARTS``."""
        return concat_figures([self._part(name) for name in self._parts])

    def list_parts(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the rows of some parts of ``by_id``, without computing the others."""
        return concat_figures([self._part(name) for name in names])

    def find(self, figure_id: str) -> Mapping[Hashable, Any]:
        """Return the row of ``by_id`` with that id, without computing all others; else nothing."""
        kind = figure_id.partition(":")[0].partition(".")[0]
        part = PARTS.get(kind, "respondents" if "=" in figure_id else "scores")
        if part not in self._rows:
            rows = self._part(part).to_dict("records")
            self._rows[part] = {str(row["id"]): row for row in rows}
        return self._rows[part].get(figure_id, {})

    @cached_property
    def _rows(self) -> dict[str, dict[str, dict[Hashable, Any]]]:
        return {}

    def _part(self, name: str) -> pd.DataFrame:
        """Return the rows of one part of ``by_id``."""
        if name not in self._tables_by_part:
            self._tables_by_part[name] = concat_figures(self._parts[name]())
        return self._tables_by_part[name]

    @cached_property
    def _tables_by_part(self) -> dict[str, pd.DataFrame]:
        return {}

    @cached_property
    def _parts(self) -> dict[str, Callable[[], list[pd.DataFrame]]]:
        return {
            "scores": lambda: [self._identify_scores()],
            "pairs": lambda: identify_pairs(self.pairs),
            "drivers": self._identify_drivers,
            "collinearity": lambda: identify_collinearity(
                self.drivers.collinearity, self.drivers.correlations
            ),
            "respondents": lambda: identify_respondents(self.respondents),
            "places": lambda: identify_places(self._tabulate_places()),
            "gaps": lambda: identify_gaps(self.index_gaps),
            "beside": lambda: identify_beside(self.scores, [*self.survey.instrument.factors]),
            "penalties": lambda: name_rows(self.penalties, "item", PENALTY_COLUMNS, "D6"),
            "what_if": lambda: name_rows(self.priority().what_if, "item", GAIN_COLUMNS, "D5"),
            "rules": lambda: identify_rules(self.rules),
            "ranks": lambda: identify_ranks(self.fair_ranks, self.ranks_by_rule),
            "reliability": lambda: [
                self.alphas.assign(id="alpha:" + self.alphas["variable"], rule="D8")
            ],
            "findings": lambda: [
                *identify_findings(self.findings.noticed()),
                *identify_numbers({"straight:percent": self.findings.straight_percent}, "Q1"),
            ],
            "changes": lambda: identify_changes(self.last_year),
            "trend": lambda: [
                figures.find_overall().assign(id=f"trend:{figures.survey.wave.id}", rule="C2")
                for figures in (*self.earlier, self)
            ],
            "plan": lambda: identify_plan(self.plan.frame),
            "verdicts": lambda: identify_verdicts(self.verdicts),
            "records": lambda: self.records.identify() if self.records else [],
            "people": lambda: [count_people(self.labelled, self.hidden_units)],
            "incidents": lambda: [count_incidents(self.survey)],
            "counts": lambda: identify_numbers(
                count_forms(self.survey)
                | list_settings(self.survey)
                | describe_sample(self.survey)
                | count_units(self.ranking)
                | count_needed(self.by_variable("all")[OVERALL].value, self.survey)
            ),
        }

    def _identify_scores(self) -> pd.DataFrame:
        counts = [self.answer_counts().assign(unit=""), self._counts_by_unit]
        scores = share_answers(
            pd.concat(counts), self._join_ranks(RANK_COLUMNS), self.survey.instrument
        )
        rules = {level: rule.rule for level, rule in self.survey.instrument.rules_by_level()}
        names = zip(scores["variable"], scores["group"], scores["unit"], strict=True)
        return scores.assign(
            id=[make_id(*parts) for parts in names],
            rule=scores["level"].map(rules).fillna(scores["level"]),
        )

    def _tabulate_places(self) -> dict[str, pd.DataFrame]:
        units = self.scores.loc[self.scores["domain"] == "unit", "unit"].unique()
        return {unit: self.item_places(unit) for unit in ("", *map(str, units))}

    def _identify_drivers(self) -> list[pd.DataFrame]:
        """Return coefficients, shares of importance, fit, cuts and numbers of warnings."""
        models, priority = self.drivers, self.priority()
        shares = self._tabulate_importance()
        numbers = describe_models(models.n, models.n_lost, models.r_squared, models.notes)
        if priority.importance is not None:
            numbers["fit:order_holds"] = 100 * priority.importance.order_holds
            numbers["fit:share_forms"] = priority.importance.n
        if "hidden" in models.reason.values():
            numbers = {}
        numbers |= {"cut:percent": priority.cut_percent, "cut:share": 100 * priority.cut_share}
        return [*identify_drivers(models.frame, shares), *identify_numbers(numbers, "D1")]


_FIGURES: dict[int, Figures] = {}


def figures_of(survey: Survey) -> Figures:
    """Return the figures of a survey; a second call with that survey returns the same object."""
    figures = _FIGURES.get(id(survey))
    if figures is None or figures.survey is not survey:
        _FIGURES.clear()  # one wave at a time
        figures = _FIGURES[id(survey)] = Figures(survey)
    return figures
