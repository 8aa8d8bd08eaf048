"""Build pictures of factors and items of one subject: answers, and what to look at first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from sipas_analysis.documents.canvas import INK
from sipas_analysis.documents.chart_answers import draw_answers
from sipas_analysis.documents.chart_bars import BarRow, Panel, draw_bars
from sipas_analysis.documents.chart_parts import FAINT
from sipas_analysis.documents.model import (
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Picture,
    Table,
    make_text,
)
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language, format_number
from sipas_analysis.reports.figure_tables import (
    interval_cell,
    name_scale_of,
    percent_cell,
    sort_known_figures,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.picture_rows import (
    FactorPlace,
    list_level_shares,
    make_answer_row,
    place_factors,
)
from sipas_analysis.reports.subject import Subject

ITEMS_PER_CHART = 22


def draw_items_pictures(subject: Subject, n_lowest: int | None = None) -> list[Picture]:
    """Draw how people answered the items, least satisfied first; one picture a scale.

    Args:
        subject: The province or a unit.
        n_lowest: Show only so many items, the least satisfied; all if left out. Those of another
            scale than most come last.
    """
    others = subject.pack.of_other_scale
    ordered = sort_known_figures(subject, [*subject.pack.items])
    lowest = sorted(ordered, key=lambda figure: figure.variable in others)[:n_lowest]
    hidden = list_hidden_answers(subject)
    shown = [figure.variable for figure in lowest if figure.variable not in hidden]
    batches = _split_by_scale(subject.pack, shown)
    return [_draw_items(subject, codes, number) for number, codes in enumerate(batches, 1)]


def list_hidden_answers(subject: Subject) -> list[str]:
    """Return the published items of which the answers by level are not published (rule P4)."""
    counted = {*subject.figures.answer_counts(subject.unit)["item"]}
    known = sort_known_figures(subject, [*subject.pack.items])
    return [figure.variable for figure in known if figure.variable not in counted]


def _split_by_scale(pack: Instrument, codes: list[str]) -> Iterator[list[str]]:
    """Yield the items of each scale, as many at a time as a page has room for."""
    while codes:
        batch = [code for code in codes if pack.scale_of(code) == pack.scale_of(codes[0])]
        batch = batch[:ITEMS_PER_CHART]
        yield batch
        codes = [code for code in codes if code not in batch]


def _draw_items(subject: Subject, codes: Sequence[str], number: int) -> Picture:
    """Draw the shares of each level of some items of one scale, of those who answered."""
    scale = subject.pack.scale_of(codes[0])
    shares = {code: _list_shares(subject, code) for code in codes}
    level_names = [scale.labels.get(level, Bilingual(vi=str(level))) for level in scale.levels]
    n_bad = scale.satisfied_from - scale.low
    is_score = bool(subject.pack.index.points or scale.points)
    left_head = make_text(f"chart.head.{'answers' if is_score else 'not_satisfied'}")

    def draw(language: Language, narrow: bool = False) -> bytes:
        rows = [
            make_answer_row(
                subject.item_name(code).text(language),
                shares[code],
                subject.own_figures[code].value,
                None if is_score else n_bad,
                language,
            )
            for code in codes
        ]
        levels = [name.text(language) for name in level_names]
        heads = (left_head.text(language), subject.measure_name.text(language))
        border, n_dark = make_text("chart.key.border").text(language), None if is_score else n_bad
        return draw_answers(rows, levels, n_dark, heads, border=border, narrow=narrow)

    scale_name = name_scale_of(subject, codes)
    table = _tabulate_answers(subject, codes, number)
    title = make_text("report.figure.items", scale=scale_name)
    alt = make_text("report.alt.items", n=len(codes))
    return Picture(f"figure-items-{number}", title, alt, draw, table)


def _tabulate_answers(subject: Subject, codes: Sequence[str], number: int) -> Table:
    """List the shares of each level of some items of one scale."""
    scale = subject.pack.scale_of(codes[0])
    names = [scale.labels.get(level, Bilingual(vi=str(level))) for level in scale.levels]
    columns = (
        Column(make_text("report.column.item"), "row"),
        *(Column(name) for name in names),
    )
    rows = tuple(
        (
            subject.item_name(code),
            *(
                number_of(subject, subject.own_figures[code].id, f"answer_{level}", 1)
                for level in scale.levels
            ),
        )
        for code in codes
    )
    caption = make_text("report.table.answers", scale=name_scale_of(subject, codes))
    return Table(f"table-answers-{number}", caption, columns, rows)


def _list_shares(subject: Subject, code: str) -> list[float]:
    """Return the share in percent of each level of an item, worst first."""
    counts = subject.figures.answer_counts(subject.unit)
    return list_level_shares(counts[counts["item"] == code], subject.pack.scale_of(code).levels)


def draw_priority_picture(subject: Subject) -> Picture | None:
    """Draw for each factor its gap to the index of the province, and how much it matters.

    Bars that are sure have a colour, and what follows is said in words. How much factors matter is
    left out where nothing is sure about it; without any sure bar there is no picture.
    """
    priority = subject.figures.priority(subject.unit)
    rows = place_factors(priority, _find_gaps(subject) if len(priority.frame) else None)
    has_shares = any(row.share.side for row in rows)
    if not has_shares and not any(row.gap.side for row in rows):
        return None

    def draw(language: Language, narrow: bool = False) -> bytes:
        panels = [Panel(make_text("chart.head.gap").text(language))]
        if has_shares:
            title = make_text("chart.head.importance").text(language)
            panels.append(Panel(title, 100 * priority.cut_share, 0.0, (INK, FAINT)))
        bars = [
            BarRow(
                subject.short_name(row.code).text(language),
                (row.gap, replace(row.share, text=_print_share(row, language)))[: len(panels)],
                row.words.text(language) if row.gap.side or row.share.side else "",
            )
            for row in rows
        ]
        return draw_bars(bars, panels, language, narrow=narrow)

    index = subject.figures.by_variable("all")[OVERALL]
    word = "priority" if has_shares else "priority_level"
    caption = make_text(f"report.figure.{word}", cut=percent_cell(index))
    places = [
        make_text("report.alt.place", name=subject.short_name(row.code), place=row.words)
        for row in rows
    ]
    alt = make_text("report.alt.priority", rows=Joined(places))
    return Picture("figure-priority", caption, alt, draw, _tabulate_priority(subject, rows))


def _find_gaps(subject: Subject) -> pd.DataFrame | None:
    """Return the gaps of the province by rule R7, which the text names too; None of a unit."""
    if subject.unit:
        return None
    gaps = subject.figures.index_gaps
    return gaps[gaps["unit"] == ""]


def _print_share(row: FactorPlace, language: Language) -> str:
    return format_number(row.share.value, language, 1)


def _tabulate_priority(subject: Subject, rows: Sequence[FactorPlace]) -> Table:
    """List percentage and importance of each factor, and what follows."""
    columns = (
        Column(make_text("report.column.factor"), "row"),
        Column(subject.measure_name),
        Column(make_text("report.column.interval")),
        Column(make_text("chart.head.importance")),
        Column(make_text("report.column.interval")),
        Column(make_text("report.column.place"), "text"),
    )
    cells = []
    for row in rows:
        figure, share = subject.own_figures[row.code], row.share
        name = f"share:{row.code}"
        reference = FigureReference(name, "value", share.value)
        cells.append(
            (
                subject.short_name(row.code),
                percent_cell(figure),
                interval_cell(figure),
                Number(share.value, 1, reference),
                Interval(share.low, share.high, id=name),
                row.words,
            )
        )
    return Table("table-priority", make_text("report.table.priority"), columns, tuple(cells))
