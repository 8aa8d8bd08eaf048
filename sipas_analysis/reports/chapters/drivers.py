"""The chapter on drivers: associations with satisfaction, priorities, and their certainty.

Above each table and picture is one sentence that a director understands. Where the factors cannot
be separated, the chapter states this and shows no coefficient.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sipas_analysis.documents import charts
from sipas_analysis.documents.model import (
    Block,
    FigureReference,
    Interval,
    Joined,
    Number,
    Paragraph,
    Picture,
    Section,
    Table,
    make_text,
)
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.explain.importance import Importance
from sipas_analysis.explain.priority import Priority
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.driver_tables import (
    join_names,
    make_columns,
    read_cells,
    word_heads,
)
from sipas_analysis.reports.figure_tables import percent_cell
from sipas_analysis.reports.subject import Subject

COLOURS = {"fix": charts.SECOND, "keep": charts.ACCENT, "undecided": "#7b8794"}
SHARE = ("share", "share_low", "share_high")
PERCENT = ("percent", "percent_low", "percent_high")
CORNERS = tuple(f"report.quadrant.{name}" for name in ("fix", "keep", "watch", "enough"))


def build_drivers(subject: Subject) -> Section:
    """Show which factors are associated with overall satisfaction, or why this is unknown."""
    models = subject.figures.drivers
    priority = subject.figures.priority(subject.unit)
    if "linear" in models.reason:
        why = make_text(f"report.drivers.reason.{models.reason['linear']}")
        blocks: list[Block] = [Paragraph(why, "warning")]
    elif not models.any_separable:
        names = join_names(subject, [*subject.pack.factors])
        blocks = [Paragraph(make_text("report.drivers.inseparable", names=names), "lead")]
    else:
        blocks = [*_name_drivers(subject, models), *_show_shares(subject, priority)]
    blocks += _show_matrix(subject, priority)
    return Section("drivers", make_text("report.chapter.drivers"), tuple(blocks))


def _name_drivers(subject: Subject, models: Drivers) -> Iterator[Block]:
    """Name the factors associated with satisfaction, and state that this is not a cause."""
    outcome = subject.short_name(models.outcome)
    yield Paragraph(make_text("report.drivers.words", outcome=outcome), "warning")
    named = {sign: join_names(subject, models.list_significant(sign)) for sign in (1, -1)}
    for word, sign in (("found", 1), ("opposite", -1)):
        if named[sign].phrases:
            yield Paragraph(make_text(f"report.drivers.{word}", names=named[sign]), "lead")
    if not (named[1].phrases or named[-1].phrases):
        yield Paragraph(make_text("report.drivers.nothing"), "lead")


def _show_shares(subject: Subject, priority: Priority) -> list[Block]:
    """Draw what each factor contributes to R², and name the factors with priority."""
    shares = priority.importance
    if shares is None:
        silent = priority.reason == "no_signal"
        return [Paragraph(make_text("report.drivers.no_signal"), "lead")] if silent else []
    ordered = shares.frame.sort_values("value", ascending=False, kind="stable")
    separable = ordered["separable"].astype(bool)
    top, leaders = ordered.iloc[0], ordered.loc[separable & (ordered["rank_low"] == 1), "variable"]
    lead = make_text(
        "report.drivers.most" if len(leaders) == 1 else "report.drivers.may_be_most",
        name=subject.short_name(top["variable"]),
        names=join_names(subject, leaders),
        share=Number(100 * top["share"], 0),
        interval=Interval(100 * top["share_low"], 100 * top["share_high"], 0),
    )
    blocks: list[Block] = [Paragraph(lead, "lead")] if bool(separable.iloc[0]) else []
    if not np.isnan(shares.order_holds):
        holds = Number(100 * shares.order_holds, 0)
        blocks.append(Paragraph(make_text("report.drivers.repeated", holds=holds)))
    note = Paragraph(make_text("report.drivers.part"), "note")
    return [*blocks, _draw_shares(subject, shares, ordered), note]


def _draw_shares(subject: Subject, shares: Importance, ordered: pd.DataFrame) -> Picture:
    table = ordered.set_index("variable")
    rows, lines = [], []
    for code in map(str, table.index):
        name, figure = subject.short_name(code), f"share:{code}"
        share, low, high = read_cells(table, code, SHARE, 100)
        reference = FigureReference(figure, "value", share)
        rows.append((name, Number(share, 1, reference), Interval(low, high, id=figure)))
        lines.append((name, share, low, high))
    descriptions = [
        make_text("report.alt.row", name=name, value=value, interval=interval)
        for name, value, interval in rows
    ]

    def draw(language: Language, narrow: bool = False) -> bytes:  # noqa: ARG001
        points = [
            charts.IntervalRow(name.text(language), share, low, high)
            for name, share, low, high in lines
        ]
        return charts.draw_intervals(points, language, axis="chart.share_of_r2", zero=True)

    caption = make_text("report.figure.importance", n=shares.n)
    alt = make_text("report.alt.importance", rows=Joined(descriptions))
    columns = make_columns("factor", word_heads("share_of_r2", "interval"))
    table_of_picture = Table("table-importance", caption, columns, tuple(rows))
    return Picture("figure-importance", caption, alt, draw, table_of_picture)


def _show_matrix(subject: Subject, priority: Priority) -> list[Block]:
    """Draw the priority matrix below a sentence on what to improve first."""
    placed = priority.frame.dropna(subset=["percent", "share"])
    if placed.empty:
        return []
    cut = Number(priority.cut_percent, 1)
    fix = join_names(subject, priority.list_factors("fix"))
    lead = make_text(f"report.priority.{'fix' if fix.phrases else 'no_fix'}", names=fix, cut=cut)
    blocks: list[Block] = [Paragraph(lead, "lead")]
    undecided = priority.list_factors("undecided")
    important = [code for code in undecided if code in priority.important]
    others = [code for code in undecided if code not in important]
    for word, codes in (("important", important), ("undecided", others)):
        if codes:
            names = join_names(subject, codes)
            blocks.append(Paragraph(make_text(f"report.priority.{word}", names=names)))
    if subject.unit:
        blocks.append(Paragraph(make_text("report.priority.unit"), "note"))
    return [*blocks, _draw_matrix(subject, priority, placed)]


def _draw_matrix(subject: Subject, priority: Priority, placed: pd.DataFrame) -> Picture:
    table = placed.sort_values("share", ascending=False).set_index("variable")
    codes = [str(code) for code in table.index]
    rows = tuple(_make_matrix_row(subject, table, code) for code in codes)

    def draw(language: Language, narrow: bool = False) -> bytes:  # noqa: ARG001
        points = [_make_matrix_point(subject, table, code, language) for code in codes]
        cuts = (priority.cut_percent, 100 * priority.cut_share)
        return charts.draw_matrix(points, cuts, language, CORNERS)

    caption = make_text(
        "report.figure.priority",
        share=Number(100 * priority.cut_share, 1),
        cut=Number(priority.cut_percent, 2),
    )
    places = [make_text("report.alt.place", name=row[0], place=row[-1]) for row in rows]
    alt = make_text("report.alt.priority", rows=Joined(places))
    heads = word_heads("share_of_r2", "interval", "percent", "interval")
    columns = make_columns("factor", heads, "place")
    table_of_picture = Table("table-priority", make_text("report.table.priority"), columns, rows)
    return Picture("figure-priority", caption, alt, draw, table_of_picture)


def _make_matrix_row(subject: Subject, table: pd.DataFrame, code: str) -> tuple[object, ...]:
    """Return the cells of a factor: its share, its percentage and its place."""
    share, share_low, share_high = read_cells(table, code, SHARE, 100)
    _, low, high = read_cells(table, code, PERCENT)
    name, figure = f"share:{code}", subject.own_figures[code]
    return (
        subject.short_name(code),
        Number(share, 1, FigureReference(name, "value", share)),
        Interval(share_low, share_high, id=name),
        percent_cell(figure),
        Interval(low, high, id=figure.id),
        make_text(f"report.quadrant.{table['quadrant'][code]}"),
    )


def _make_matrix_point(
    subject: Subject, table: pd.DataFrame, code: str, language: Language
) -> charts.MatrixPoint:
    percent, low, high = read_cells(table, code, PERCENT)
    share, share_low, share_high = read_cells(table, code, SHARE, 100)
    return charts.MatrixPoint(
        subject.short_name(code).text(language),
        (percent, low, high),
        (share, share_low, share_high),
        COLOURS.get(str(table["quadrant"][code]), charts.INK),
    )
