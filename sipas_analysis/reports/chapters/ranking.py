"""The ranking chapter: first the groups of units that surely differ, then ranks with ranges.

One paragraph explains to a director why the unit is second and not first.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from statistics import NormalDist

import numpy as np

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
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.ranking import TEST_POWER
from sipas_analysis.messages import Language
from sipas_analysis.reports.figure_tables import (
    caution_notes,
    chart_rows,
    describe_intervals,
    estimate_cells,
    estimate_columns,
    estimate_table,
    explain_no_rank,
    explain_target_lines,
    number_cell,
)
from sipas_analysis.reports.subject import Subject

PAIR_COLUMNS = ["unit", "other", "value", "low", "high", "told"]
LONG_ORDER, N_BESIDE, N_AT_ENDS = 40, 8, 3  # a unit's report shows that much of a longer order
NamedUnit = tuple[Bilingual, PublishedFigure]
MANY_UNITS = 12  # more units than this are counted in a sentence, not named


def build_ranking(subject: Subject) -> Section:
    """State which units surely differ, group by group, then list ranks with their ranges."""
    used = subject.figures.groups
    groups = [group for group in used if group == subject.group] if subject.unit else used
    if not groups:
        alone = Paragraph(make_text("report.ranking.alone"), "note")
        return Section("ranking", make_text("report.chapter.ranking"), (alone,))
    ranked = [figure for group in groups for figure in _ranked_units(subject, group)]
    blocks: list[Block] = [Paragraph(make_text("report.ranking.read"), "warning")] if ranked else []
    blocks += explain_rank(subject)
    for group in groups:
        name = make_text("report.whole_group", group=subject.group_name(group))
        blocks += [Paragraph(name, "heading"), *_group_blocks(subject, group)]
    return Section("ranking", make_text("report.chapter.ranking"), tuple(blocks))


def explain_rank(subject: Subject) -> list[Block]:
    """State a unit's letter, its rank and its distance to the first, for its director."""
    ranked = _ranked_units(subject, subject.group) if subject.unit else []
    if len(ranked) < 2 or subject.ranked_index.rank is None:
        return []
    unit_index = subject.ranked_index
    n_letters = len({figure.letter for figure in ranked})
    sentences: list[Text] = [
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
        *_describe_gap(subject, unit_index, ranked),
    ]
    return [Paragraph(make_text("report.letter.whole", said=Joined(sentences, " ")), "lead")]


def _describe_gap(
    subject: Subject, unit_index: PublishedFigure, ranked: Sequence[PublishedFigure]
) -> list[Text]:
    """State the distance to the first (for the first: the second), and if it is within error.

    A unit whose forms need a second look is no benchmark: the next one takes its place.
    """
    others = [figure for figure in ranked if figure.unit != unit_index.unit and not figure.mark]
    if not others:
        return []
    other = others[0]
    order = [figure.unit for figure in ranked]
    position = "ahead" if order.index(unit_index.unit) < order.index(other.unit) else "behind"
    is_usual = other.unit in order[: 2 if position == "ahead" else 1]
    pairs, units = subject.figures.pairs, [unit_index.unit, other.unit]
    pair = pairs[pairs["unit"].isin(units) & pairs["other"].isin(units)].iloc[0]
    certainty = "beyond" if pair["told"] else "within"
    points, low, high = number_pair(*pair[PAIR_COLUMNS[:5]])
    gap = make_text(
        f"report.letter.{position}.{certainty}",
        unit=subject.unit_name(other.unit),
        order=make_text(f"report.letter.order.{position}{'' if is_usual else '_unmarked'}"),
        points=points,
        low=low,
        high=high,
    )
    detectable = pair["high"] - pair["value"] + NormalDist().inv_cdf(TEST_POWER) * pair["se"]
    smallest = number_cell(unit_index, "detectable", 1) if is_usual else Number(detectable, 1)
    return [gap, make_text("report.letter.smallest", points=smallest)]


def number_pair(
    unit: str, other: str, value: float, low: float, high: float
) -> tuple[Number, Number, Number]:
    """Return the printed difference of two units, with the printed ends of its interval."""
    name = f"pair:{unit}~{other}"
    low_end, high_end = Interval(low, high, 1, name).ends()
    return Number(value, 2, FigureReference(name, "value", value)), low_end, high_end


def _ranked_units(subject: Subject, group: str) -> list[PublishedFigure]:
    return [figure for figure in subject.figures.units_in_order(group) if figure.rank is not None]


def _group_blocks(subject: Subject, group: str) -> list[Block]:
    """Return the main sentence, the picture and the table of one group of units.

    Units whose forms need a second look stand in a table apart until the wave accepts them.
    """
    figures = subject.figures.units_in_order(group)
    apart = [figure for figure in figures if figure.reason == "flagged"]
    order = [figure for figure in figures if figure not in apart]
    nearby = _select_nearby(order, subject.unit)
    units = [(subject.marked_name(figure.unit), figure) for figure in nearby]
    name, targets = subject.group_name(group), subject.figures.survey.wave.targets
    columns, rows = _ranking_rows(units, targets)
    notes = _ranking_notes(subject, units, len(order))
    caption = make_text("report.table.ranking", group=name)
    table = Table(f"table-ranking-{group}", caption, columns, rows, notes)

    def draw(language: Language, narrow: bool = False) -> bytes:  # noqa: ARG001
        return charts.draw_intervals(chart_rows(units, language, subject.unit), language, targets)

    title = make_text("report.figure.ranking", group=name, lines=explain_target_lines(targets))
    alt = describe_intervals("ranking", units)
    picture = Picture(f"figure-ranking-{group}", title, alt, draw, table)
    has_picture = sum(figure.is_known for figure in order) > 1
    tables: list[Block] = [*([picture] if has_picture else []), *([table] if order else [])]
    return [*_list_letters(subject, group), *tables, *_list_apart(subject, group, apart)]


def _list_apart(subject: Subject, group: str, units: Sequence[PublishedFigure]) -> list[Block]:
    """List the units that are not ranked because their forms need a second look."""
    if not units:
        return []
    names = [(subject.marked_name(figure.unit), figure) for figure in units]
    caption = make_text("report.table.apart", group=subject.group_name(group))
    table = estimate_table(f"table-apart-{group}", caption, "report.column.unit", names)
    notes = (*table.notes, *subject.explain_marks(figure.unit for figure in units))
    return [replace(table, notes=notes)]


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
        *subject.explain_marks(figure.unit for _, figure in units),
        *unranked,
    )


def _select_nearby(order: Sequence[PublishedFigure], unit: str) -> list[PublishedFigure]:
    """Return a unit, those beside it and both ends of a long order; all of a short one."""
    if not unit or len(order) <= LONG_ORDER:
        return list(order)
    own_position = next((at for at, figure in enumerate(order) if figure.unit == unit), len(order))
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
    first_unit = subject.marked_name(ranked[0].unit)
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
    return Joined([subject.marked_name(figure.unit) for figure in units], "; ")
