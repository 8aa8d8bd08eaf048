"""How a published figure is printed: percentage, interval, count, and the usual tables of them."""

from collections.abc import Sequence

from sipas_analysis.documents.charts import IntervalRow
from sipas_analysis.documents.model import (
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.reports.subject import Subject

UNSURE = "*"


def home_of(figure: PublishedFigure, column: str) -> FigureReference | None:
    """Return where a column of a figure is published (``printed`` is its value)."""
    value = figure.value if column == "printed" else getattr(figure, column)
    return (
        FigureReference(figure.id, column, float(value))
        if figure.id and value is not None
        else None
    )


def percent_cell(one: PublishedFigure) -> object:
    """Return a published percentage, or why there is none."""
    hidden = one.flag == "suppress" and one.n_valid > 0
    if hidden:
        return make_text("report.suppressed")
    return Number(one.printed or None, figure=home_of(one, "printed") if one.is_known else None)


def interval_cell(one: PublishedFigure, decimals: int = 1) -> Interval:
    """Return the interval of a figure."""
    return Interval(one.low, one.high, decimals, one.id)


def number_cell(one: PublishedFigure, column: str = "n_valid", decimals: int = 0) -> Number:
    """Return a number of people or a place of a figure."""
    value = getattr(one, column)
    return Number(None if value is None else float(value), decimals, home_of(one, column))


def estimate_columns(first: str) -> tuple[Column, ...]:
    """Return the columns of a table of estimates, headed by the message ``first``."""
    return (
        Column(make_text(first), "row"),
        Column(make_text("report.column.percent")),
        Column(make_text("report.column.interval")),
        Column(make_text("report.column.n_valid")),
    )


def estimate_cells(one: PublishedFigure) -> tuple[object, ...]:
    """Return percentage, interval and number of people of a figure."""
    shown = percent_cell(one)
    if one.flag == "caution":
        shown = make_text("report.cautioned", value=shown)
    return (shown, interval_cell(one), number_cell(one))


def estimate_table(
    table_id: str, caption: Text, first: str, rows: Sequence[tuple[object, PublishedFigure]]
) -> Table:
    """Return a table of estimates, one row per name."""
    body = tuple((name, *estimate_cells(one)) for name, one in rows)
    return Table(table_id, caption, estimate_columns(first), body, caution_notes(rows))


def chart_rows(
    rows: Sequence[tuple[Bilingual, PublishedFigure]], language: Language, marked: str = ""
) -> list[IntervalRow]:
    """Return the rows of a chart in a language; what is suppressed is left out."""
    return [
        IntervalRow(
            name.text(language), one.value, one.low, one.high, bool(marked) and one.unit == marked
        )
        for name, one in rows
        if one.is_known
    ]


def sort_known_figures(subject: Subject, codes: Sequence[str]) -> list[PublishedFigure]:
    """Return the known figures of some codes, lowest first."""
    known = [subject.own_figures[code] for code in codes if subject.own_figures[code].is_known]
    return sorted(known, key=lambda one: one.value)


def name_best_and_worst(subject: Subject, message: str, known: Sequence[PublishedFigure]) -> Text:
    """Name the highest and lowest of some figures, given lowest first."""
    worst, best = known[0], known[-1]
    return make_text(
        message,
        best=subject.short_name(best.variable),
        best_value=percent_cell(best),
        worst=subject.short_name(worst.variable),
        worst_value=percent_cell(worst),
    )


def are_different(known: Sequence[PublishedFigure]) -> bool:
    """Say whether some figures, lowest first, are not all the same."""
    return len(known) > 1 and round(known[-1].value - known[0].value, 9) > 0


def caution_notes(rows: Sequence[tuple[object, PublishedFigure]]) -> tuple[Text, ...]:
    """Return the note on marked figures, if any is marked."""
    return (
        (make_text("report.caution_note"),) if any(one.flag == "caution" for _, one in rows) else ()
    )


def contrast_extremes(subject: Subject, known: Sequence[PublishedFigure]) -> tuple[Text, ...]:
    """Name the highest and lowest factor and whether their intervals touch; nothing if all tie."""
    if not are_different(known):
        return ()
    sure = "apart" if known[0].high < known[-1].low else "close"
    return (name_best_and_worst(subject, f"report.factors.{sure}", known),)


def explain_no_rank(subject: Subject, one: PublishedFigure) -> Text:
    """Say why a unit has no rank."""
    limit = subject.pack.index.min_forms
    return make_text(f"report.rank.reason.{one.reason}", min_forms=limit, n=one.n_valid)


def has_several_units(subject: Subject, group: str) -> bool:
    """Say whether a group has more than one unit to show: one alone makes no picture."""
    return sum(one.is_known for one in subject.figures.units_in_order(group)) > 1


def explain_target_lines(targets: Sequence[float]) -> object:
    """Explain the dashed lines of a chart, if it has any."""
    return make_text("report.figure.targets") if targets else ""


def describe_intervals(name: str, rows: Sequence[tuple[Bilingual, PublishedFigure]]) -> Text:
    """Say in words what a chart of intervals shows: each name, value and interval."""
    parts = [
        make_text(
            "report.alt.row", name=label, value=percent_cell(one), interval=interval_cell(one)
        )
        for label, one in rows
    ]
    return make_text(f"report.alt.{name}", rows=Joined(parts))
