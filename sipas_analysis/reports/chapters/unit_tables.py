"""The annex on units: every factor of every unit, pairs, and ranks looked at in other ways."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    Column,
    Number,
    Paragraph,
    Section,
    Table,
    make_text,
)
from sipas_analysis.errors import DesignError
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.reports.chapters.ranking import PAIR_COLUMNS, number_pair
from sipas_analysis.reports.figure_tables import has_several_units, number_cell, percent_cell
from sipas_analysis.reports.subject import Subject

NOT_RULES = ("group", "rank", "rank_best", "rank_worst", "share")  # columns that are not rules


def _fairness_blocks(subject: Subject, group: str) -> list[Block]:
    """Show ranks adjusted for clients, pooled ranks, and ranks under other lawful rules."""
    try:
        units = subject.figures.adjusted_and_pooled
    except DesignError as error:
        reasons = {language: error.text(language) for language in LANGUAGES}
        return [Paragraph(make_text("report.fair.refused", why=Bilingual(**reasons)), "warning")]
    units = units[units["group"] == group]
    if len(units) < 2:
        return []
    by_rule = subject.figures.ranks_by_rule.set_index("unit")
    is_adjusted = bool(units["adjusted"].notna().any())
    rows = tuple(
        _fairness_row(subject, row, by_rule.loc[row["unit"]], is_adjusted)
        for row in units.to_dict("records")
    )
    adjusted = ["adjusted", "adjusted_rank"] if is_adjusted else []
    names = ["rank", *adjusted, "pooled", "pooled_rank", "borrowed", "chance", "robust"]
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(make_text(f"report.column.{name}")) for name in names),
    )
    notes = (
        make_text("report.fair.note", n=len(by_rule.columns) - len(NOT_RULES)),
        *([] if is_adjusted else [make_text("report.fair.no_adjusters")]),
        *subject.explain_marks(units["unit"]),
    )
    caption = make_text("report.table.fair", group=subject.group_name(group))
    return [Table(f"table-fair-{group}", caption, columns, rows, notes)]


def _fairness_row(
    subject: Subject,
    row: Mapping[Hashable, Any],
    ranks: "pd.Series[float]",
    is_adjusted: bool,
) -> tuple[object, ...]:
    """Return the row of a unit: raw, adjusted and pooled, and its ranks under other rules."""
    adjusted = (Number(float(row["adjusted"]), 2), int(row["adjusted_rank"])) if is_adjusted else ()
    return (
        subject.marked_name(str(row["unit"])),
        int(row["rank"]),
        *adjusted,
        Number(float(row["pooled"]), 2),
        int(row["pooled_rank"]),
        Number(100 * float(row["borrowed"]), 0),
        Number(100 * float(row["chance"]), 0),
        make_text("report.places", low=int(ranks["rank_best"]), high=int(ranks["rank_worst"])),
    )


MOST_PAIRS = 66  # pairs of 12 units; longer lists are only in tables/pairs.csv


def _unit_table(subject: Subject, group: str) -> Table:
    """List the units of one group with every factor and the whole."""
    codes = [*subject.pack.factors, OVERALL]
    rows = tuple(
        (
            subject.marked_name(unit.unit),
            *(percent_cell(figures[code]) for code in codes),
            number_cell(unit, "n"),
        )
        for unit in subject.figures.units_in_order(group)
        for figures in [subject.figures.by_variable("unit", unit.unit)]
    )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(subject.short_name(code)) for code in subject.pack.factors),
        Column(make_text("report.level.overall")),
        Column(make_text("report.column.forms")),
    )
    caption = make_text("report.table.units", group=subject.group_name(group))
    notes = subject.explain_marks(unit.unit for unit in subject.figures.units_in_order(group))
    return Table(f"table-units-{group}", caption, columns, rows, notes)


def _pair_tables(subject: Subject) -> list[Block]:
    """Return the table of pairs of each small group, because letters do not compare pairs (R3)."""
    blocks: list[Block] = []
    pairs = subject.figures.pairs
    for group in subject.figures.groups if not subject.unit else []:
        group_pairs = pairs[pairs["group"] == group]
        name = subject.group_name(group)
        if len(group_pairs) > MOST_PAIRS:
            blocks.append(Paragraph(make_text("report.pairs.file", group=name, n=len(group_pairs))))
        elif len(group_pairs):
            blocks.append(_pair_table(subject, group, group_pairs))
    return blocks


def _pair_table(subject: Subject, group: str, pairs: pd.DataFrame) -> Table:
    rows = tuple(
        (
            make_text(
                "report.pairs.pair",
                first=subject.marked_name(first),
                second=subject.marked_name(second),
            ),
            points,
            make_text("report.pairs.interval", low=low, high=high),
            make_text("report.pairs.told" if are_apart else "report.pairs.open"),
        )
        for first, second, *numbers, are_apart in pairs[PAIR_COLUMNS].itertuples(index=False)
        for points, low, high in [number_pair(first, second, *numbers)]
    )
    columns = (
        Column(make_text("report.column.pair"), "row"),
        Column(make_text("report.column.points")),
        Column(make_text("report.column.interval_all")),
        Column(make_text("report.column.verdict"), "text"),
    )
    caption = make_text("report.table.pairs", group=subject.group_name(group))
    notes = subject.explain_marks(dict.fromkeys([*pairs["unit"], *pairs["other"]]))
    return Table(f"table-pairs-{group}", caption, columns, rows, notes)


def build_unit_tables(subject: Subject) -> Section:
    """List every unit of every group with its factors."""
    groups = dict.fromkeys(subject.figures.ranking["group"])
    tables = tuple(_unit_table(subject, group) for group in groups)
    return Section("units", make_text("annex.chapter.units"), tables)


def build_rank_tables(subject: Subject) -> Section:
    """Compare pairs of units, and ranks after adjustment, pooling and under other rules."""
    blocks: list[Block] = []
    for group in subject.figures.groups:
        if has_several_units(subject, group):
            blocks += _fairness_blocks(subject, group)
    blocks += _pair_tables(subject)
    return Section("ranks", make_text("annex.chapter.ranks"), tuple(blocks))
