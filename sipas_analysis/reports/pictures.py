"""Build pictures of intervals: ranking, factors, the leaders' page, and importance.

Each function returns None where there is nothing to draw. What is drawn has the language and the
layout (``narrow`` is for a phone) when a writer asks for it; the drawing is in ``documents``.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import nan

from sipas_analysis.documents.chart_intervals import IntervalRow, draw_intervals
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
    render_text,
)
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import Language
from sipas_analysis.reports.figure_tables import (
    describe_intervals,
    estimate_table,
    explain_target_lines,
    find_change,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.picture_rows import (
    has_several_letters,
    list_shares,
    make_point_row,
    make_ranked_row,
    make_share_row,
)
from sipas_analysis.reports.subject import Subject


def draw_ranking_picture(
    subject: Subject, group: str, figures: Sequence[PublishedFigure], table: Table
) -> Picture | None:
    """Draw the overall index of some units of a group, in the order given.

    A letter that all units have is left out. Units without a rank (forms to be checked, too few
    forms) are hollow and hatched.
    """
    if sum(figure.is_known for figure in figures) < 2:
        return None
    units = [(subject.marked_name(figure.unit), figure) for figure in figures if figure.is_known]
    name, targets = subject.group_name(group), subject.figures.survey.wave.targets
    has_letters = has_several_letters(subject.figures.units_in_order(group))

    def draw(language: Language, narrow: bool = False) -> bytes:
        rows = [_make_row(subject, label, figure, language) for label, figure in units]
        rows = rows if has_letters else [replace(row, letter="") for row in rows]
        axis = _name_axis(subject, language)
        return draw_intervals(rows, language, axis, targets, narrow=narrow)

    title = make_text("report.figure.ranking", group=name, lines=explain_target_lines(targets))
    alt = describe_intervals("ranking", units)
    return Picture(f"figure-ranking-{group}", title, alt, draw, table)


def _make_row(
    subject: Subject, label: object, figure: PublishedFigure, language: Language
) -> IntervalRow:
    """Return the row of a unit with its letters and its index."""
    is_marked = bool(subject.unit) and figure.unit == subject.unit
    return make_ranked_row(figure, render_text(label, language), language, marked=is_marked)


def _name_axis(subject: Subject, language: Language) -> str:
    """Return what the scale of a picture with intervals shows."""
    return make_text("chart.interval_of", measure=subject.measure_name).text(language)


def draw_factors_picture(subject: Subject, table: Table) -> Picture | None:
    """Draw the subject's factors with their intervals; for a unit also the group's values."""
    codes = [*subject.pack.factors]
    figures = [subject.own_figures[code] for code in codes]
    names = [(subject.short_name(known.variable), known) for known in figures if known.is_known]
    if not names:
        return None
    targets = subject.figures.survey.wave.targets
    group = subject.group_name(subject.group) if subject.unit else ""

    def draw(language: Language, narrow: bool = False) -> bytes:
        rows = [
            make_point_row(
                figure,
                name.text(language),
                language,
                beside=subject.group_figures[figure.variable].value if subject.unit else nan,
            )
            for name, figure in names
        ]
        axis = _name_axis(subject, language)
        key = make_text("chart.key.group", group=group).text(language) if subject.unit else ""
        return draw_intervals(rows, language, axis, targets, narrow=narrow, key=key)

    title = make_text("report.figure.factors", lines=explain_target_lines(targets))
    return Picture("figure-factors", title, describe_intervals("factors", names), draw, table)


def draw_leaders_picture(subject: Subject) -> Picture | None:
    """Draw the index with its interval beside last year's; for a unit also group and province."""
    index, year = subject.own_figures[OVERALL], str(subject.figures.survey.wave.year)
    if not index.is_known:
        return None
    name = subject.unit_name(subject.unit) if subject.unit else make_text("report.level.overall")
    names: list[tuple[object, PublishedFigure]] = [(_add_year(name, year), index)]
    names += _list_wholes(subject) if subject.unit else []
    earlier = _find_earlier(subject, index)
    last_year = [(_add_year(name, earlier[0]), earlier[1])] if earlier else []
    drawn = [*names[:1], *last_year, *names[1:]]
    targets = subject.figures.survey.wave.targets

    def draw(language: Language, narrow: bool = False) -> bytes:
        rows = [_make_row(subject, name, figure, language) for name, figure in drawn]
        rows = [
            replace(row, letter="", apart=False, marked=number == 0, faint=number > 0)
            for number, row in enumerate(rows)
        ]
        axis = _name_axis(subject, language)
        return draw_intervals(rows, language, axis, targets, narrow=narrow)

    title = make_text("report.figure.leaders", lines=explain_target_lines(targets))
    alt = describe_intervals("leaders", drawn)
    table = estimate_table("table-leaders", title, "report.column.index", names, subject)
    return Picture("figure-leaders", title, alt, draw, table)


def _list_wholes(subject: Subject) -> list[tuple[object, PublishedFigure]]:
    """Return what a unit is compared with: its group and the province."""
    group = make_text("report.whole_group", group=subject.group_name(subject.group))
    wholes: list[tuple[object, PublishedFigure]] = [(group, subject.group_figures[OVERALL])]
    province = subject.whole_name
    wholes.append((province, subject.figures.by_variable("all")[OVERALL]))
    return [(name, figure) for name, figure in wholes if figure.is_known]


def _add_year(name: object, year: str) -> Text:
    return make_text("report.name_in_year", name=name, year=year)


def _find_earlier(subject: Subject, figure: PublishedFigure) -> tuple[str, PublishedFigure] | None:
    """Return the year and the figure of last year, if the two years may be compared."""
    last_year, change = subject.figures.last_year, find_change(subject, figure)
    if not last_year or not change.is_known:
        return None
    before = subject.figures.earlier[-1].by_variable("unit" if figure.unit else "all", figure.unit)
    earlier = before.get(figure.variable)  # none under this code if the unit was renamed
    return (last_year.year, earlier) if earlier and earlier.is_known else None


def can_tell_shares_apart(subject: Subject) -> bool:
    """Return whether some factor is surely more important than some other.

    If not, a sentence says so and ``draw_importance_picture`` returns None.
    """
    shares = subject.figures.priority(subject.unit).importance
    if shares is None:
        return False
    ordered = shares.frame[shares.frame["separable"].astype(bool)]
    n_factors = len(ordered)
    is_sure = (ordered["rank_low"] > 1) | (ordered["rank_high"] < n_factors)
    return n_factors > 1 and bool(is_sure.any())


def draw_importance_picture(subject: Subject) -> Picture | None:
    """Draw the importance of each factor, where shares can be told apart."""
    shares = subject.figures.priority(subject.unit).importance
    if shares is None or not can_tell_shares_apart(subject):
        return None
    shares_in_order = list_shares(shares)
    rows = []
    for share in shares_in_order:
        name, figure = subject.short_name(share.code), f"share:{share.code}"
        number = Number(share.value, 1, FigureReference(figure, "value", share.value))
        rows.append((name, number, Interval(share.low, share.high, id=figure)))

    def draw(language: Language, narrow: bool = False) -> bytes:
        points = [
            make_share_row(share, subject.short_name(share.code).text(language))
            for share in shares_in_order
        ]
        axis = make_text("chart.share_of_r2").text(language)
        return draw_intervals(points, language, axis, narrow=narrow, zero=True)

    described = [
        make_text("report.alt.row", name=name, value=value, interval=interval)
        for name, value, interval in rows
    ]
    caption = make_text("report.figure.importance", n=number_of(subject, "fit:share_forms"))
    alt = make_text("report.alt.importance", rows=Joined(described))
    columns = (
        Column(make_text("report.column.factor"), "row"),
        Column(make_text("chart.head.importance")),
        Column(make_text("report.column.interval")),
    )
    table = Table("table-importance", caption, columns, tuple(rows))
    return Picture("figure-importance", caption, alt, draw, table)
