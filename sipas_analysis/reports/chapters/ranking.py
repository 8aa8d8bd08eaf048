"""The ranking chapter: first the groups of units that surely differ, then ranks with ranges.

One paragraph explains to a director why the unit is second and not first.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.documents import charts
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Paragraph,
    Picture,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.errors import DesignError
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.reports.figure_tables import (
    caution_notes,
    chart_rows,
    describe_intervals,
    estimate_cells,
    estimate_columns,
    explain_no_rank,
    explain_target_lines,
    has_several_units,
    number_cell,
)
from sipas_analysis.reports.subject import Subject

PAIR_COLUMNS = ["unit", "other", "value", "low", "high", "told"]
NOT_RULES = ("group", "rank", "rank_best", "rank_worst", "share")  # columns that are not rules
LONG_ORDER, N_BESIDE, N_AT_ENDS = 40, 8, 3  # a unit's report shows that much of a longer order
NamedUnit = tuple[Bilingual, PublishedFigure]
MANY_UNITS = 12  # more units than this are counted in a sentence, not named
MOST_PAIRS = 66  # pairs of 12 units; longer lists are only in tables/pairs.csv


def build_ranking(subject: Subject) -> Section:
    """State which units surely differ, group by group, then list ranks with their ranges."""
    groups = [subject.group] if subject.unit else subject.figures.groups
    ranked = [figure for group in groups for figure in _ranked_units(subject, group)]
    blocks: list[Block] = [Paragraph(make_text("report.ranking.read"), "warning")] if ranked else []
    blocks += explain_rank(subject)
    for group in groups:
        name = make_text("report.whole_group", group=subject.group_name(group))
        blocks += [Paragraph(name, "heading"), *_group_blocks(subject, group)]
        if not subject.unit and has_several_units(subject, group):
            blocks += _fairness_blocks(subject, group)
    return Section("ranking", make_text("report.chapter.ranking"), tuple(blocks))


def explain_rank(subject: Subject) -> list[Block]:
    """State a unit's letter, its rank and its distance to the first, for its director."""
    ranked = _ranked_units(subject, subject.group) if subject.unit else []
    if len(ranked) < 2 or subject.ranked_index.rank is None:
        return []
    unit_index = subject.ranked_index
    n_letters = len({figure.letter for figure in ranked})
    sentences = [
        make_text(
            "report.letter.alone" if n_letters == 1 else "report.letter.group",
            letter=unit_index.letter,
            letters=n_letters,
            n=len(ranked),
            group=subject.group_name(unit_index.group),
        ),
        make_text(
            "report.letter.place",
            rank=number_cell(unit_index, "rank"),
            low=number_cell(unit_index, "rank_low"),
            high=number_cell(unit_index, "rank_high"),
        ),
        _describe_gap(subject, unit_index, ranked),
        make_text("report.letter.smallest", points=number_cell(unit_index, "detectable", 1)),
    ]
    return [Paragraph(make_text("report.letter.whole", said=Joined(sentences, " ")), "lead")]


def _describe_gap(
    subject: Subject, unit_index: PublishedFigure, ranked: Sequence[PublishedFigure]
) -> Text:
    """State the distance to the first (for the first: the second), and if it is within error."""
    is_first = unit_index.unit == ranked[0].unit
    other = ranked[1] if is_first else ranked[0]
    pairs, units = subject.figures.pairs, [unit_index.unit, other.unit]
    pair = pairs[pairs["unit"].isin(units) & pairs["other"].isin(units)].iloc[0]
    position = "ahead" if is_first else "behind"
    certainty = "beyond" if pair["told"] else "within"
    points, low, high = _pair_numbers(*pair[PAIR_COLUMNS[:5]])
    return make_text(
        f"report.letter.{position}.{certainty}",
        unit=subject.unit_name(other.unit),
        points=points,
        low=low,
        high=high,
    )


def _pair_numbers(
    unit: str, other: str, value: float, low: float, high: float
) -> tuple[Number, Number, Number]:
    """Return the printed difference of two units, with the printed ends of its interval."""
    name = f"pair:{unit}~{other}"
    low_end, high_end = Interval(low, high, 1, name).ends()
    return Number(value, 2, FigureReference(name, "value", value)), low_end, high_end


def _ranked_units(subject: Subject, group: str) -> list[PublishedFigure]:
    return [figure for figure in subject.figures.units_in_order(group) if figure.rank is not None]


def _group_blocks(subject: Subject, group: str) -> list[Block]:
    """Return the main sentence, the picture and the table of one group of units."""
    order = subject.figures.units_in_order(group)
    nearby = _select_nearby(order, subject.unit)
    units = [(subject.unit_name(figure.unit), figure) for figure in nearby]
    name, targets = subject.group_name(group), subject.figures.survey.wave.targets
    columns, rows = _ranking_rows(units, targets)
    notes = _ranking_notes(subject, units, len(order))
    caption = make_text("report.table.ranking", group=name)
    table = Table(f"table-ranking-{group}", caption, columns, rows, notes)

    def draw(language: Language) -> bytes:
        return charts.draw_intervals(chart_rows(units, language, subject.unit), language, targets)

    title = make_text("report.figure.ranking", group=name, lines=explain_target_lines(targets))
    alt = describe_intervals("ranking", units)
    picture = Picture(f"figure-ranking-{group}", title, alt, draw, table)
    pictures = [picture] if has_several_units(subject, group) else []
    return [*_list_letters(subject, group), *pictures, table]


def _ranking_rows(
    units: Sequence[NamedUnit], targets: Sequence[float]
) -> tuple[tuple[Column, ...], tuple[tuple[object, ...], ...]]:
    """Return columns and rows: letter, rank, rank range, band of targets, then the estimate."""
    first, *estimates = estimate_columns("report.column.unit")
    names = ["letter", "rank", "places", *(["band"] if targets else [])]
    columns = (first, *(Column(make_text(f"report.column.{name}")) for name in names), *estimates)
    rows = tuple(
        (
            name,
            figure.letter or None,
            number_cell(figure, "rank"),
            _rank_range(figure),
            *_target_band(figure, targets),
            *estimate_cells(figure),
        )
        for name, figure in units
    )
    return columns, rows


def _ranking_notes(subject: Subject, units: Sequence[NamedUnit], n_units: int) -> tuple[Text, ...]:
    """Explain how to read the table, which units are left out and why a unit has no rank."""
    n_left_out = n_units - len(units)
    selected = make_text(
        "report.ranking.some", n=n_units, left_out=n_left_out, ends=N_AT_ENDS, beside=N_BESIDE
    )
    unranked = [
        make_text("report.rank.unranked", unit=name, reason=explain_no_rank(subject, figure))
        for name, figure in units
        if figure.rank is None
    ]
    return (
        make_text("report.ranking.note"),
        *([selected] if n_left_out else []),
        *caution_notes(units),
        *unranked,
    )


def _select_nearby(order: Sequence[PublishedFigure], unit: str) -> list[PublishedFigure]:
    """Return a unit, those beside it and both ends of a long order; all of a short one."""
    if not unit or len(order) <= LONG_ORDER:
        return list(order)
    own_position = next(position for position, figure in enumerate(order) if figure.unit == unit)
    first_of_last = len(order) - N_AT_ENDS
    return [
        figure
        for position, figure in enumerate(order)
        if position < N_AT_ENDS
        or position >= first_of_last
        or abs(position - own_position) <= N_BESIDE
    ]


def _rank_range(figure: PublishedFigure) -> Text | None:
    """Return the lowest and highest possible rank of a unit, as text."""
    if figure.rank is None:
        return None
    low, high = number_cell(figure, "rank_low"), number_cell(figure, "rank_high")
    return make_text("report.places", low=low, high=high)


def _target_band(figure: PublishedFigure, targets: Sequence[float]) -> tuple[Text | None, ...]:
    """Return between which targets the whole interval is, or that the interval crosses one."""
    if not targets:
        return ()
    if not figure.is_known or np.isnan(figure.low):
        return (None,)
    steps = sorted(targets)
    low, high = (int(np.searchsorted(steps, end, "right")) for end in (figure.low, figure.high))
    if low != high:
        return (make_text("report.band.open"),)
    ends = {
        "low": Number(f"{steps[low - 1]:g}") if low else "",
        "high": Number(f"{steps[low]:g}") if low < len(steps) else "",
    }
    position = "below" if not low else "above" if low == len(steps) else "between"
    return (make_text(f"report.band.{position}", **ends),)


def _list_letters(subject: Subject, group: str) -> list[Block]:
    """List the letters and the units with each letter."""
    ranked = _ranked_units(subject, group)
    if len(ranked) < 2:
        return []
    by_letter = sorted(ranked, key=lambda figure: (len(figure.letter), figure.letter))
    groups = groupby(by_letter, key=lambda figure: figure.letter)
    letters = [(letter, [*units]) for letter, units in groups]
    points = Number(float(np.median([figure.detectable for figure in ranked])), 1)
    first_unit = subject.unit_name(ranked[0].unit)
    if len(letters) == 1:
        text = make_text("report.ranking.one_group", n=len(ranked), points=points, unit=first_unit)
        return [Paragraph(text, "lead")]
    text = make_text("report.ranking.groups", n=len(ranked), letters=len(letters), points=points)
    lines = [
        make_text("report.ranking.letter_units", letter=letter, names=_name_units(subject, units))
        for letter, units in letters
    ]
    return [Paragraph(text, "lead"), Bullets(tuple(lines))]


def _name_units(subject: Subject, units: Sequence[PublishedFigure]) -> object:
    if len(units) > MANY_UNITS:
        return make_text("report.ranking.count", n=len(units))
    return Joined([subject.unit_name(figure.unit) for figure in units], "; ")


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
        subject.unit_name(str(row["unit"])),
        int(row["rank"]),
        *adjusted,
        Number(float(row["pooled"]), 2),
        int(row["pooled_rank"]),
        Number(100 * float(row["borrowed"]), 0),
        Number(100 * float(row["chance"]), 0),
        make_text("report.places", low=int(ranks["rank_best"]), high=int(ranks["rank_worst"])),
    )


def pair_tables(subject: Subject) -> list[Block]:
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
                first=subject.unit_name(first),
                second=subject.unit_name(second),
            ),
            points,
            make_text("report.pairs.interval", low=low, high=high),
            make_text("report.pairs.told" if are_apart else "report.pairs.open"),
        )
        for first, second, *numbers, are_apart in pairs[PAIR_COLUMNS].itertuples(index=False)
        for points, low, high in [_pair_numbers(first, second, *numbers)]
    )
    columns = (
        Column(make_text("report.column.pair"), "row"),
        Column(make_text("report.column.points")),
        Column(make_text("report.column.interval_all")),
        Column(make_text("report.column.verdict"), "text"),
    )
    caption = make_text("report.table.pairs", group=subject.group_name(group))
    return Table(f"table-pairs-{group}", caption, columns, rows)
