"""Build pictures of many units: factors by unit, and what changed since last year."""

from collections.abc import Mapping, Sequence

from sipas_analysis.documents.chart_slopes import MOST_NAMED, Slope, draw_slopes
from sipas_analysis.documents.chart_strips import Dot, StripRow, draw_strips
from sipas_analysis.documents.model import Column, Joined, Picture, Table, make_text
from sipas_analysis.explain.priority import compare_with_cut
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.messages import Language
from sipas_analysis.reports.figure_tables import (
    change_cells,
    change_columns,
    find_change,
    percent_cell,
    sort_known_figures,
)
from sipas_analysis.reports.picture_rows import make_slope
from sipas_analysis.reports.subject import Subject

MOST_FACTORS = 14  # of more factors, the units are shown for the lowest


def draw_factors_by_unit_picture(subject: Subject, group: str) -> Picture | None:
    """Draw each unit of a group as a dot beside the province's mean, factor by factor."""
    codes, units = _choose_codes(subject), _list_known_units(subject, group)
    if len(units) < 2 or not codes:
        return None
    figures = {unit: subject.figures.by_variable("unit", unit) for unit in units}

    def draw(language: Language, narrow: bool = False) -> bytes:
        rows = []
        for code in codes:
            whole = subject.own_figures[code]
            dots = [
                Dot(
                    subject.marked_name(unit).text(language),
                    figures[unit][code].value,
                    _find_side(figures[unit][code], whole, len(units)),
                )
                for unit in units
            ]
            label = subject.short_name(code).text(language)
            rows.append(StripRow(label, whole.value, whole.low, whole.high, dots))
        return draw_strips(rows, language, subject.measure_name.text(language), narrow=narrow)

    name, n_known = (
        subject.group_name(group),
        len(sort_known_figures(subject, [*subject.pack.factors])),
    )
    word = "strips" if len(codes) == n_known else "strips_some"
    sure = make_text(f"report.figure.strips_{'sure' if has_sure_units(subject, group) else 'open'}")
    caption = make_text(f"report.figure.{word}", group=name, n=len(codes), sure=sure)
    alt = make_text("report.alt.strips", group=name, rows=_name_sides(subject, codes, figures))
    table = _tabulate_units(subject, group, units)
    return Picture(f"figure-strips-{group}", caption, alt, draw, table)


def has_sure_units(subject: Subject, group: str) -> bool:
    """Return whether some unit of a group surely differs from the province in a drawn factor."""
    units = _list_known_units(subject, group)
    return any(
        _find_side(
            subject.figures.by_variable("unit", unit)[code], subject.own_figures[code], len(units)
        )
        for code in _choose_codes(subject)
        for unit in units
    )


def _choose_codes(subject: Subject) -> list[str]:
    """Return the factors that are drawn, in their order: of many the lowest."""
    known = [figure.variable for figure in sort_known_figures(subject, [*subject.pack.factors])]
    return [code for code in subject.pack.factors if code in known[:MOST_FACTORS]]


def _list_known_units(subject: Subject, group: str) -> list[str]:
    figures = subject.figures.units_in_order(group)
    return [figure.unit for figure in figures if figure.is_known]


def _find_side(figure: PublishedFigure, whole: PublishedFigure, n_figures: int) -> str:
    """Return ``up`` or ``down`` if a figure surely differs from the whole, else an empty text.

    The 95 % interval is widened so that the verdicts on all figures of a row hold together
    (Bonferroni), and must leave out the interval of the whole.
    """
    ends = (figure.value, figure.low, figure.high)
    if compare_with_cut(ends, whole.high, n_figures) > 0:
        return "up"
    return "down" if compare_with_cut(ends, whole.low, n_figures) < 0 else ""


def _name_sides(
    subject: Subject, codes: Sequence[str], figures: Mapping[str, Mapping[str, PublishedFigure]]
) -> Joined:
    """Name in words the units that surely stand above or below the province, by factor."""
    sentences = []
    for code in codes:
        whole = subject.own_figures[code]
        for side in ("up", "down"):
            names = [
                subject.marked_name(unit)
                for unit, by_code in figures.items()
                if _find_side(by_code[code], whole, len(figures)) == side
            ]
            if names:
                fields = {"factor": subject.short_name(code), "units": Joined(names, ", ")}
                sentences.append(make_text(f"report.alt.side_{side}", **fields))
    return Joined(sentences or [make_text("report.alt.side_none")])


def _tabulate_units(subject: Subject, group: str, units: Sequence[str]) -> Table:
    """Return the figure of every factor by unit."""
    codes = [*subject.pack.factors]
    rows = []
    for unit in units:
        figures = subject.figures.by_variable("unit", unit)
        rows.append((subject.marked_name(unit), *(percent_cell(figures[code]) for code in codes)))
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(subject.short_name(code)) for code in codes),
    )
    caption = make_text("report.table.strips", group=subject.group_name(group))
    return Table(
        f"table-strips-{group}", caption, columns, tuple(rows), subject.explain_marks(units)
    )


def draw_changes_picture(subject: Subject, group: str) -> Picture | None:
    """Draw the index of each unit of a group last year and this year; sure changes are named.

    Of many units without a sure change, a picture would be lines without names: there is none.
    """
    last_year = subject.figures.last_year
    figures = [
        figure
        for figure in subject.figures.units_in_order(group)
        if find_change(subject, figure).is_known
    ]
    is_named = len(figures) <= MOST_NAMED or any(
        find_change(subject, figure).verdict != "open" or figure.unit == subject.unit
        for figure in figures
    )
    if not last_year or not figures or not is_named:
        return None
    years = last_year.year, str(subject.figures.survey.wave.year)

    def draw(language: Language, narrow: bool = False) -> bytes:
        slopes = [_make_slope(subject, figure, language) for figure in figures]
        return draw_slopes(slopes, years, language, narrow=narrow)

    fields = {"group": subject.group_name(group), "before": years[0], "after": years[1]}
    is_sure = any(find_change(subject, figure).verdict in ("up", "down") for figure in figures)
    sure = make_text(f"report.figure.changes_{'sure' if is_sure else 'open'}")
    caption = make_text("report.figure.changes", **fields, sure=sure)
    alt = make_text("report.alt.changes", **fields, rows=_name_changes(subject, figures))
    rows = tuple(
        (subject.marked_name(figure.unit), percent_cell(figure), *change_cells(subject, figure))
        for figure in figures
    )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        Column(subject.measure_name),
        *change_columns(subject, figures),
    )
    table = Table(f"table-changes-{group}", caption, columns, rows)
    return Picture(f"figure-changes-{group}", caption, alt, draw, table)


def draw_sure_changes(subject: Subject) -> list[Picture]:
    """Draw the changes of each group in which a unit surely changed; of a unit, if it did."""
    pictures = []
    for group in [subject.group] if subject.unit else subject.figures.groups:
        figures = subject.figures.units_in_order(group)
        own = [figure for figure in figures if subject.unit in ("", figure.unit)]
        is_sure = any(find_change(subject, figure).verdict in ("up", "down") for figure in own)
        pictures.append(draw_changes_picture(subject, group) if is_sure else None)
    return [picture for picture in pictures if picture]


def _make_slope(subject: Subject, figure: PublishedFigure, language: Language) -> Slope:
    label = subject.marked_name(figure.unit).text(language)
    change, is_marked = find_change(subject, figure), figure.unit == subject.unit
    return make_slope(change, label, language, marked=is_marked)


def _name_changes(subject: Subject, figures: Sequence[PublishedFigure]) -> Joined:
    """Name in words the units whose index surely changed."""
    verdicts = [(figure.unit, find_change(subject, figure).verdict) for figure in figures]
    changed = [
        make_text(f"report.alt.change_{verdict}", unit=subject.marked_name(unit))
        for unit, verdict in verdicts
        if verdict in ("up", "down")
    ]
    return Joined(changed or [make_text("report.alt.change_none")])
