"""How a published figure is printed: percentage, interval, count, and the usual tables of them."""

from collections.abc import Sequence

from sipas_analysis.documents.charts import Row
from sipas_analysis.documents.model import (
    Column,
    Home,
    Interval,
    Joined,
    Number,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.published import Published
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.reports.subject import Subject

UNSURE = "*"


def home_of(figure: Published, column: str) -> Home | None:
    """Return where a column of a figure is published (``printed`` is its value)."""
    value = figure.value if column == "printed" else getattr(figure, column)
    return Home(figure.id, column, float(value)) if figure.id and value is not None else None


def percent(one: Published) -> object:
    """Return a published percentage, or why there is none."""
    hidden = one.flag == "suppress" and one.n_valid > 0
    if hidden:
        return make_text("report.suppressed")
    return Number(one.printed or None, home=home_of(one, "printed") if one.known else None)


def interval(one: Published, decimals: int = 1) -> Interval:
    """Return the interval of a figure."""
    return Interval(one.low, one.high, decimals, one.id)


def count(one: Published, column: str = "n_valid", decimals: int = 0) -> Number:
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


def estimate_cells(one: Published) -> tuple[object, ...]:
    """Return percentage, interval and number of people of a figure."""
    shown = percent(one)
    if one.flag == "caution":
        shown = make_text("report.cautioned", value=shown)
    return (shown, interval(one), count(one))


def estimate_table(
    table_id: str, caption: Text, first: str, rows: Sequence[tuple[object, Published]]
) -> Table:
    """Return a table of estimates, one row per name."""
    body = tuple((name, *estimate_cells(one)) for name, one in rows)
    return Table(table_id, caption, estimate_columns(first), body, cautious(rows))


def chart_rows(
    rows: Sequence[tuple[Bilingual, Published]], language: Language, marked: str = ""
) -> list[Row]:
    """Return the rows of a chart in a language; what is suppressed is left out."""
    return [
        Row(name.text(language), one.value, one.low, one.high, bool(marked) and one.unit == marked)
        for name, one in rows
        if one.known
    ]


def extremes(subject: Subject, codes: Sequence[str]) -> list[Published]:
    """Return the known figures of some codes, lowest first."""
    known = [subject.own[code] for code in codes if subject.own[code].known]
    return sorted(known, key=lambda one: one.value)


def best_and_worst(subject: Subject, message: str, known: Sequence[Published]) -> Text:
    """Name the highest and lowest of some figures, given lowest first."""
    worst, best = known[0], known[-1]
    return make_text(
        message,
        best=subject.name(best.variable),
        best_value=percent(best),
        worst=subject.name(worst.variable),
        worst_value=percent(worst),
    )


def differ(known: Sequence[Published]) -> bool:
    """Say whether some figures, lowest first, are not all the same."""
    return len(known) > 1 and round(known[-1].value - known[0].value, 9) > 0


def cautious(rows: Sequence[tuple[object, Published]]) -> tuple[Text, ...]:
    """Return the note on marked figures, if any is marked."""
    return (
        (make_text("report.caution_note"),) if any(one.flag == "caution" for _, one in rows) else ()
    )


def contrast(subject: Subject, known: Sequence[Published]) -> tuple[Text, ...]:
    """Name the highest and lowest factor and whether their intervals touch; nothing if all tie."""
    if not differ(known):
        return ()
    sure = "apart" if known[0].high < known[-1].low else "close"
    return (best_and_worst(subject, f"report.factors.{sure}", known),)


def reason_text(subject: Subject, one: Published) -> Text:
    """Say why a unit has no rank."""
    limit = subject.pack.index.min_forms
    return make_text(f"report.rank.reason.{one.reason}", min_forms=limit, n=one.n_valid)


def several(subject: Subject, group: str) -> bool:
    """Say whether a group has more than one unit to show: one alone makes no picture."""
    return sum(one.known for one in subject.figures.order(group)) > 1


def target_lines(targets: Sequence[float]) -> object:
    """Explain the dashed lines of a chart, if it has any."""
    return make_text("report.figure.targets") if targets else ""


def interval_alt(name: str, rows: Sequence[tuple[Bilingual, Published]]) -> Text:
    """Say in words what a chart of intervals shows: each name, value and interval."""
    parts = [
        make_text("report.alt.row", name=label, value=percent(one), interval=interval(one))
        for label, one in rows
    ]
    return make_text(f"report.alt.{name}", rows=Joined(parts))
