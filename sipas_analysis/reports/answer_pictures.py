"""Build pictures of factors and items of one subject: answers, and what to look at first."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sipas_analysis.documents.canvas import INK
from sipas_analysis.documents.chart_answers import AnswerRow, draw_answers
from sipas_analysis.documents.chart_bars import Bar, BarRow, Panel, draw_bars
from sipas_analysis.documents.chart_parts import FAINT
from sipas_analysis.documents.model import (
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Picture,
    Table,
    Text,
    make_text,
)
from sipas_analysis.explain.priority import Priority, compare_with_cut
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language, format_number
from sipas_analysis.reports.figure_tables import interval_cell, percent_cell, sort_known_figures
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

ITEMS_PER_CHART = 22
PLACES = {  # by the sides of the gap and of the importance
    (-1, 1): "fix",
    (1, 1): "keep",
    (-1, -1): "watch",
    (1, -1): "enough",
    (-1, 0): "weak",
    (1, 0): "strong",
    (0, 1): "matters",
    (0, -1): "minor",
    (0, 0): "undecided",
}


def draw_items_pictures(subject: Subject, n_lowest: int | None = None) -> list[Picture]:
    """Draw how people answered the items, least satisfied first; one picture a scale.

    Args:
        subject: The province or a unit.
        n_lowest: Show only so many items, the least satisfied; all if left out.
    """
    lowest = sort_known_figures(subject, [*subject.pack.items])[:n_lowest]
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
            AnswerRow(
                subject.item_name(code).text(language),
                shares[code],
                "" if is_score else format_number(sum(shares[code][:n_bad]), language, 1),
                format_number(subject.own_figures[code].value, language, 1),
            )
            for code in codes
        ]
        levels = [name.text(language) for name in level_names]
        heads = (left_head.text(language), subject.measure_name.text(language))
        border, n_dark = make_text("chart.key.border").text(language), None if is_score else n_bad
        return draw_answers(rows, levels, n_dark, heads, border=border, narrow=narrow)

    columns = (
        Column(make_text("report.column.item"), "row"),
        *(Column(name) for name in level_names),
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
    table = Table(f"table-answers-{number}", make_text("report.table.answers"), columns, rows)
    title, alt = make_text("report.figure.items"), make_text("report.alt.items", n=len(codes))
    return Picture(f"figure-items-{number}", title, alt, draw, table)


def _list_shares(subject: Subject, code: str) -> list[float]:
    """Return the share in percent of each level of an item, worst first."""
    counts = subject.figures.answer_counts(subject.unit)
    of_item = counts[counts["item"] == code].set_index("answer")["weight"].astype(float)
    levels = of_item.reindex([*subject.pack.scale_of(code).levels]).fillna(0.0)
    return [100 * float(weight) / float(levels.sum()) for weight in levels]


def draw_priority_picture(subject: Subject) -> Picture | None:
    """Draw for each factor its gap to the index of the province, and how much it matters.

    Bars that are sure have a colour, and what follows is said in words. How much factors matter is
    left out where nothing is sure about it; without any sure bar there is no picture.
    """
    priority = subject.figures.priority(subject.unit)
    placed = priority.frame.dropna(subset=["percent", "share"])
    if placed.empty:
        return None
    ordered = placed.sort_values("percent", kind="stable")
    rows = [_judge_factor(subject, priority, row) for row in ordered.to_dict("records")]
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


@dataclass(frozen=True)
class _Place:
    """A factor with its gap to the index, its importance, and what follows from both."""

    code: str
    gap: Bar
    share: Bar
    words: Text


def _print_share(row: _Place, language: Language) -> str:
    return format_number(row.share.value, language, 1)


def _judge_factor(subject: Subject, priority: Priority, row: Mapping[Hashable, Any]) -> _Place:
    """Return the bars of a factor, each sure or not, and what follows.

    The gap of the province is that of rule R7, which the text names too. That of a unit, and
    importance, are sure if the interval, widened for all factors, leaves out the line (D4).
    """
    n_factors, cut_share, cut = len(priority.frame), priority.cut_share, priority.cut_percent
    code = str(row["variable"])
    share = [float(row[name]) for name in ("share", "share_low", "share_high")]
    level = [float(row[name]) for name in ("percent", "percent_low", "percent_high")]
    gap = _make_bar([end - cut for end in level], int(compare_with_cut(level, cut, n_factors)))
    if not subject.unit:
        gaps = subject.figures.index_gaps
        of_factor = gaps[(gaps["unit"] == "") & (gaps["variable"] == code)].iloc[0]
        ends = [float(of_factor[name]) for name in ("value", "low", "high")]
        gap = _make_bar(ends, {"above": 1, "below": -1}.get(str(of_factor["verdict"]), 0))
    assert priority.importance is not None
    separable = priority.importance.frame.set_index("variable")["separable"]
    side = int(compare_with_cut(share, cut_share, n_factors)) if separable[code] else 0
    words = make_text(f"chart.place.{PLACES[gap.side, side]}")
    return _Place(code, gap, _make_bar([100 * end for end in share], side), words)


def _make_bar(ends: Sequence[float], side: int) -> Bar:
    value, low, high = ends
    return Bar(value, low, high, side)


def _tabulate_priority(subject: Subject, rows: Sequence[_Place]) -> Table:
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
