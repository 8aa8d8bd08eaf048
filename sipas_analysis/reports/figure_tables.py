"""How a published figure is printed: percentage, interval, count, and the usual tables of them."""

from collections.abc import Sequence
from dataclasses import replace

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
from sipas_analysis.figures.last_year import Change
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.infer.estimates import CAUTION_UNDER, WIDE
from sipas_analysis.measure.item_order import order_items
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, list_some

MOST_TIED = 3  # items that a sentence names as the lowest; more are counted
DOUBTS = ("people", "width", "design")  # why figures need caution


def figure_reference(figure: PublishedFigure, column: str) -> FigureReference | None:
    """Return where a column of a figure is published (``printed`` is its value)."""
    value = figure.value if column == "printed" else getattr(figure, column)
    if not figure.id or value is None:
        return None
    return FigureReference(figure.id, column, float(value))


def percent_cell(figure: PublishedFigure) -> object:
    """Return a published percentage, or why there is none."""
    if figure.is_hidden:
        return make_text("report.suppressed")
    reference = figure_reference(figure, "printed") if figure.is_known else None
    return Number(figure.printed or None, figure=reference)


def interval_cell(figure: PublishedFigure, decimals: int = 1) -> Interval:
    """Return the interval of a figure."""
    return Interval(figure.low, figure.high, decimals, figure.id)


def number_cell(figure: PublishedFigure, column: str = "n_valid", decimals: int = 0) -> Number:
    """Return a whole number of a figure: people (``n_valid``), forms (``n``) or a rank."""
    value = getattr(figure, column)
    return Number(
        None if value is None else float(value), decimals, figure_reference(figure, column)
    )


def estimate_columns(first: str, subject: Subject) -> tuple[Column, ...]:
    """Return the columns of a table of estimates, headed by the message ``first``."""
    return (
        Column(make_text(first), "row"),
        Column(subject.measure_name),
        Column(make_text("report.column.interval")),
        Column(make_text("report.column.n_valid")),
    )


def estimate_cells(figure: PublishedFigure, *, is_marked: bool = True) -> tuple[object, ...]:
    """Return percentage, interval and number of people; without ``is_marked`` never a mark."""
    percent = percent_cell(figure)
    if is_marked and figure.flag == "caution":
        percent = make_text("report.cautioned", value=percent)
    return (percent, interval_cell(figure), number_cell(figure))


def estimate_table(
    table_id: str,
    caption: Text,
    first: str,
    rows: Sequence[tuple[object, PublishedFigure]],
    subject: Subject,
) -> Table:
    """Return a table of estimates, one row per name, with last year where it may be compared."""
    figures = [figure for _, figure in rows]
    changes, is_marked = change_columns(subject, figures), not are_all_cautioned(figures)
    body = tuple(
        (
            name,
            *estimate_cells(figure, is_marked=is_marked),
            *(change_cells(subject, figure) if changes else ()),
        )
        for name, figure in rows
    )
    columns = (*estimate_columns(first, subject), *changes)
    table = Table(table_id, caption, columns, body, caution_notes(rows, is_marked=is_marked))
    return drop_open_verdicts(table, make_text("report.change.all_open"))


def drop_open_verdicts(table: Table, *notes: Text) -> Table:
    """Replace the column of verdicts by notes where it says in no row that a difference is sure."""
    heads = [column.label for column in table.columns]
    verdict = make_text("report.column.beyond_chance")
    at = heads.index(verdict) if verdict in heads else -1
    if at < 0 or any(row[at] == make_text("report.change.sure") for row in table.rows):
        return table
    return replace(
        table,
        columns=(*table.columns[:at], *table.columns[at + 1 :]),
        rows=tuple((*row[:at], *row[at + 1 :]) for row in table.rows),
        notes=(*table.notes, *notes),
    )


def find_change(subject: Subject, figure: PublishedFigure) -> Change:
    """Return the change of a figure since last year, known or not."""
    last_year = subject.figures.last_year
    return last_year.find(figure) if last_year and not figure.rule else Change()


def change_columns(
    subject: Subject, figures: Sequence[PublishedFigure] | None = None
) -> tuple[Column, ...]:
    """Return the columns of the change since last year; none where nothing may be compared.

    Args:
        subject: The subject of the report.
        figures: The figures of the table; those of the subject if left out.
    """
    last_year = subject.figures.last_year
    listed = subject.own_figures.values() if figures is None else figures
    if not last_year or not any(find_change(subject, figure).is_known for figure in listed):
        return ()
    return (
        Column(make_text("report.column.last_year", year=last_year.year)),
        Column(make_text("report.column.change")),
        Column(make_text("report.column.change_interval")),
        Column(make_text("report.column.beyond_chance"), "text"),
    )


def change_cells(subject: Subject, figure: PublishedFigure) -> tuple[object, ...]:
    """Return last year's value, change, interval, and whether it is more than chance.

    Nothing where the wave names no earlier one; dashes where this figure may not be compared.
    """
    if subject.figures.last_year is None:
        return ()
    change = find_change(subject, figure)
    if not change.is_known:
        return (None, None, None, None)
    before = Number(change.before, 2, FigureReference(change.id, "before", change.before))
    verdict = make_text(f"report.change.{'open' if change.verdict == 'open' else 'sure'}")
    return (before, signed_change(change), change_interval(change), verdict)


def signed_change(change: Change) -> object:
    """Return a change with its sign, in points."""
    return sign_number(Number(change.value, 2, FigureReference(change.id, "value", change.value)))


def sign_number(number: Number) -> object:
    """Return a number with a plus before it if it is printed above 0."""
    is_rise = isinstance(number.value, float) and round(number.value, number.decimals) > 0
    return make_text("report.change.signed", value=number) if is_rise else number


def change_interval(change: Change, decimals: int = 1) -> Interval:
    """Return the interval of a change."""
    return Interval(change.low, change.high, decimals, change.id)


def sort_known_figures(subject: Subject, codes: Sequence[str]) -> list[PublishedFigure]:
    """Return the known figures of some codes, lowest first."""
    figures = [subject.own_figures[code] for code in codes]
    known_figures = [figure for figure in figures if figure.is_known]
    return sorted(known_figures, key=lambda figure: figure.value)


def sort_comparable(subject: Subject, codes: Sequence[str]) -> list[PublishedFigure]:
    """Return the known figures of some codes that have the scale of most items, lowest first."""
    others = subject.pack.of_other_scale
    return sort_known_figures(subject, [code for code in codes if code not in others])


def explain_other_scales(subject: Subject) -> list[Text]:
    """State which items have another scale, so that their figures compare with no other."""
    pack, others = subject.pack, subject.pack.of_other_scale
    codes_by_ends: dict[tuple[int, int, int], list[str]] = {}
    for code in filter(pack.items.__contains__, others):
        scale = pack.scale_of(code)
        ends = (scale.low, scale.high, scale.satisfied_from)
        codes_by_ends.setdefault(ends, []).append(code)
    parts = [name_scale(subject, codes) for codes in codes_by_ends.values()]
    text = make_text("report.items.other_scale", items=Joined(parts, "; "))
    return [text] if parts else []


def name_scale(subject: Subject, codes: Sequence[str]) -> Text:
    """Name items of one scale by code, with the ends of the scale and where satisfaction starts."""
    suffix = "" if subject.pack.scale_of(codes[0]) == subject.pack.scale else f":{codes[0]}"
    ends = {
        name: number_of(subject, f"setting:{name}{suffix}")
        for name in ("low", "high", "satisfied_from")
    }
    return make_text("report.items.scale", items=Joined(codes, ", "), **ends)


def name_scale_of(subject: Subject, codes: Sequence[str]) -> Text | str:
    """Return the scale of some items as the end of a caption, where items have several scales."""
    if not subject.pack.of_other_scale:
        return ""
    scale = subject.pack.scale_of(codes[0])
    return make_text("report.items.scale_of", low=str(scale.low), high=str(scale.high))


def name_best_and_worst(subject: Subject, message: str, ordered: Sequence[PublishedFigure]) -> Text:
    """Name the highest and lowest of some figures, given lowest first."""
    worst, best = ordered[0], ordered[-1]
    return make_text(
        message,
        best=subject.short_name(best.variable),
        best_value=percent_cell(best),
        worst=subject.short_name(worst.variable),
        worst_value=percent_cell(worst),
        sign=subject.name_measure("sign"),
    )


def list_tied(subject: Subject) -> list[PublishedFigure]:
    """Return the items that share the lowest printed figure."""
    items = sort_comparable(subject, [*subject.pack.items])
    return [figure for figure in items if figure.printed == items[0].printed]


def name_lowest(subject: Subject) -> Text:
    """Name the lowest item with its figure, or those that share it."""
    tied = list_tied(subject)
    names = [subject.quote_item(figure.variable) for figure in tied[:MOST_TIED]]
    return make_text(
        "leaders.named_tied" if len(tied) > 1 else "leaders.named",
        name=list_some(names, len(tied), "items"),
        value=percent_cell(tied[0]),
        sign=subject.name_measure("sign"),
    )


def are_different(ordered: Sequence[PublishedFigure]) -> bool:
    """Return whether some figures, lowest first, are not all the same."""
    return len(ordered) > 1 and round(ordered[-1].value - ordered[0].value, 9) > 0


def are_all_cautioned(figures: Sequence[PublishedFigure]) -> bool:
    """Return whether every known figure of a table is to be used with caution."""
    known_figures = [figure for figure in figures if figure.is_known]
    return len(known_figures) > 1 and all(figure.flag == "caution" for figure in known_figures)


def caution_notes(
    rows: Sequence[tuple[object, PublishedFigure]], *, is_marked: bool = True
) -> tuple[Text, ...]:
    """State why marked figures, or without ``is_marked`` all of a table, need caution."""
    found = {_find_doubt(figure) for _, figure in rows if figure.flag == "caution"}
    reasons = [make_text(f"report.doubt.{doubt}") for doubt in DOUBTS if doubt in found]
    if not reasons:
        return ()
    word = "marked" if is_marked else "all"
    return (make_text(f"report.cautions.{word}", reasons=Joined(reasons, ", ")),)


def _find_doubt(figure: PublishedFigure) -> str:
    """Return the first reason why a figure needs caution (rule P2)."""
    if (figure.n_valid or 0) < CAUTION_UNDER:
        return "people"
    return "width" if figure.high - figure.low >= 100 * WIDE else "design"


def contrast_extremes(subject: Subject, ordered: Sequence[PublishedFigure]) -> tuple[Text, ...]:
    """Name the highest and lowest factor, and whether they surely differ; nothing if all tie."""
    if not are_different(ordered):
        return ()
    contrast = "apart" if _are_extremes_apart(subject, ordered) else "close"
    return (name_best_and_worst(subject, f"report.factors.{contrast}", ordered),)


def _are_extremes_apart(subject: Subject, ordered: Sequence[PublishedFigure]) -> bool:
    """Return whether the first of some figures is surely lower than the last, of all pairs (R6)."""
    figures, n_pairs = subject.figures, len(ordered) * (len(ordered) - 1) / 2
    estimates = figures.whole_estimates
    if subject.unit:
        estimates = figures.unit_estimates.select(unit=subject.unit)
    extremes = estimates.select(variable=[ordered[0].variable, ordered[-1].variable])
    return int(order_items(extremes, 1 - 0.05 / n_pairs)["rank_high"].iloc[0]) == 1


def explain_no_rank(subject: Subject, figure: PublishedFigure) -> Text:
    """State why a unit has no rank."""
    limit = number_of(subject, "setting:min_forms")
    n = number_cell(figure)
    groups = subject.place_in([subject.group_name(figure.group)])
    word = figure.reason
    if word == "alone":
        units = subject.figures.units_in_order(figure.group)
        reasons = {unit.reason for unit in units if unit.unit != figure.unit}
        word = "alone" if reasons == {"suppressed"} else "alone_some"
    return make_text(f"report.rank.reason.{word}", min_forms=limit, n=n, groups=groups)


def has_several_units(subject: Subject, group: str) -> bool:
    """Return whether a group has two units or more to show; a single unit needs no picture."""
    return sum(figure.is_known for figure in subject.figures.units_in_order(group)) > 1


def explain_target_lines(targets: Sequence[float]) -> object:
    """Explain the dashed lines of a chart, if it has any."""
    return make_text("report.figure.targets") if targets else ""


def describe_intervals(name: str, rows: Sequence[tuple[object, PublishedFigure]]) -> Text:
    """Describe in words a chart of intervals: each name, value and interval."""
    parts = [
        make_text(
            "report.alt.row", name=label, value=percent_cell(figure), interval=interval_cell(figure)
        )
        for label, figure in rows
    ]
    return make_text(f"report.alt.{name}", rows=Joined(parts))
