"""What changed since the earlier waves, in sentences and as a trend; and why some is not compared.

A line joins comparable waves only (C2). A change is named as such only if it is more than sampling
error (C1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.chart_intervals import IntervalRow
from sipas_analysis.documents.chart_slopes import draw_trend as draw_trend_chart
from sipas_analysis.documents.model import (
    Block,
    Column,
    FigureReference,
    Interval,
    Joined,
    Number,
    Paragraph,
    Picture,
    Table,
    Text,
    make_text,
    render_text,
)
from sipas_analysis.figures.last_year import LastYear
from sipas_analysis.figures.published import Figures, PublishedFigure
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.wave_breaks import find_bridge
from sipas_analysis.messages import Language
from sipas_analysis.reports.figure_tables import (
    change_columns,
    change_interval,
    estimate_table,
    find_change,
    signed_change,
)
from sipas_analysis.reports.subject import Subject, name_measure
from sipas_analysis.reports.unit_pictures import draw_sure_changes

MOST_NAMES = 4  # units named in a sentence; more are counted
MOST_SURE = 8  # sure changes that are listed; the tables have all


def describe_last_year(subject: Subject) -> list[Block]:
    """State what changed since last year, for sure or not, or why the years are not compared.

    Nothing if the wave names no earlier one. With two earlier waves or more the trend is drawn.
    """
    last_year = subject.figures.last_year
    if last_year is None:
        return []
    blocks: list[Block] = [Paragraph(text) for text in _describe_index(subject, last_year)]
    if change_columns(subject):
        sure = list_sure_changes(subject)
        blocks += [_tabulate_sure_changes(subject, sure)] if sure else []
        if not sure:
            blocks.append(Paragraph(make_text("report.change.none_sure", year=last_year.year)))
        blocks.append(Paragraph(make_text("report.change.note"), "note"))
    pictures = draw_sure_changes(subject)
    return [*blocks, *pictures, *describe_unit_changes(subject), *draw_earlier_waves(subject)]


def _describe_index(subject: Subject, last_year: LastYear) -> list[Text]:
    """Return the change of the index, or why there is none."""
    year = last_year.year
    if last_year.reason:
        why = explain_break(last_year.reason)
        return [make_text("report.change.not_compared", year=year, why=why)]
    change = find_change(subject, subject.own_figures[OVERALL])
    texts = []
    if last_year.bridged:
        word = "bridged" if last_year.n_shared else "bridged_crosswalk"
        texts.append(make_text(f"report.change.{word}", year=year, n=last_year.n_shared))
    elif change.is_known:
        texts.append(
            make_text(
                "report.change.index",
                change=signed_change(change),
                interval=change_interval(change),
                points=subject.name_measure("points"),
                year=year,
                certainty=make_text(
                    f"leaders.certainty.{'open' if change.verdict == 'open' else 'sure'}"
                ),
            )
        )
    else:
        why = explain_break(change.reason)
        texts.append(make_text("report.change.not_compared", year=year, why=why))
    return texts


def _tabulate_sure_changes(subject: Subject, figures: Sequence[PublishedFigure]) -> Table:
    """List the figures that surely changed with both years; more than a few are counted."""
    rows = [(name_figure(subject, figure), figure) for figure in figures[:MOST_SURE]]
    last_year, n_more = subject.figures.last_year, len(figures) - MOST_SURE
    caption = make_text("report.table.changed", year=last_year.year if last_year else "")
    table = estimate_table("table-changed", caption, "report.column.index", rows, subject)
    notes = [make_text("report.change.others", n=n_more)] if n_more > 0 else []
    verdict = make_text("report.column.beyond_chance")  # the same in every row
    at = [column.label for column in table.columns].index(verdict)
    return replace(
        table,
        columns=table.columns[:at],
        rows=tuple(row[:at] for row in table.rows),
        notes=(*table.notes, *notes),
    )


def list_compared(subject: Subject) -> list[PublishedFigure]:
    """Return all figures below the index whose change a table shows.

    Questions beside the index, factors and items; for the province also its groups and units.
    """
    pack, figures = subject.pack, subject.figures
    codes = [*pack.questions_beside, *pack.factors, *pack.items]
    compared = [subject.own_figures[code] for code in codes]
    for group in [] if subject.unit else figures.groups:
        compared += [figures.by_variable("group", group)[OVERALL], *figures.units_in_order(group)]
    return compared


def list_sure_changes(subject: Subject) -> list[PublishedFigure]:
    """Return the figures below the index that surely changed, the largest change first."""
    changes = [(figure, find_change(subject, figure)) for figure in list_compared(subject)]
    sure = [(figure, change) for figure, change in changes if change.verdict in ("up", "down")]
    sure.sort(key=lambda pair: -abs(pair[1].value))
    return [figure for figure, _ in sure]


def name_figure(subject: Subject, figure: PublishedFigure, *, is_marked: bool = True) -> object:
    """Return the name of a group, a unit, an item with its code, a factor or a question."""
    code = figure.variable
    if figure.unit != subject.unit:
        return subject.marked_name(figure.unit)
    if code in subject.pack.items:
        return subject.item_name(code, is_marked=is_marked)
    if code == OVERALL:
        return make_text("report.whole_group", group=subject.group_name(figure.group))
    return subject.short_name(code)


def describe_unit_changes(subject: Subject) -> list[Block]:
    """Name renamed, merged and split units, and those without a figure of last year.

    A unit reads only what became of itself.
    """
    last_year = subject.figures.last_year
    if last_year is None or last_year.reason:
        return []
    return [Paragraph(text) for text in name_unit_changes(last_year, subject.unit)]


def name_unit_changes(last_year: LastYear, unit: str = "") -> list[Text]:
    """Return a sentence for each change of units; of all units, or of one."""
    texts = [
        make_text(
            f"report.unit_change.{change.kind}",
            before=Joined(change.before, ", "),
            after=Joined(change.after, ", "),
        )
        for change in last_year.unit_changes
        if unit in ("", change.code)
    ]
    for word, codes in (("new", last_year.new_units), ("gone", last_year.gone_units)):
        named = [code for code in codes if unit in ("", code)]
        if named:
            names = join_some(last_year.name_units(named))
            texts.append(make_text(f"report.unit_change.{word}", names=names, year=last_year.year))
    return texts


def join_some(names: Sequence[Bilingual]) -> object:
    """Return a few names joined, and how many more there are."""
    shown = Joined(names[:MOST_NAMES], ", ")
    n_more = len(names) - MOST_NAMES
    return make_text("report.change.more", names=shown, n=n_more) if n_more > 0 else shown


def draw_earlier_waves(subject: Subject) -> list[Block]:
    """Draw the province's index over three waves or more, with the reasons of earlier breaks.

    Two comparable waves need no chart: their figures stand side by side in every table.
    """
    if subject.unit or len(subject.figures.earlier) < 2:
        return []
    waves = [*subject.figures.earlier, subject.figures]
    wave = subject.figures.survey.wave
    crosswalk = wave.path_of(wave.crosswalk) if wave.crosswalk else ""
    pairs = list(pairwise(waves))
    bridges = [find_bridge(before.survey, after.survey, crosswalk) for before, after in pairs]
    breaks = [
        make_text(
            "compare.break",
            before=str(before.survey.wave.year),
            after=str(after.survey.wave.year),
            why=explain_break(bridge.reason),
        )
        for (before, after), bridge in zip(pairs[:-1], bridges, strict=False)  # the last is stated
        if bridge.reason
    ]
    heading = Paragraph(make_text("compare.chapter.trend"), "heading")
    notes = [Paragraph(text, "note") for text in breaks]
    trend = draw_trend(waves, [(bridge.reason, bool(bridge.items)) for bridge in bridges])
    return [heading, *trend, *notes]


def order_by_year(surveys: Iterable[Survey]) -> list[Survey]:
    """Return surveys sorted by year, and within a year by the id of the wave."""
    return sorted(surveys, key=lambda survey: (survey.wave.year, survey.wave.id))


def draw_trend(waves: Sequence[Figures], pairs: Sequence[tuple[str, bool]]) -> list[Block]:
    """Draw the overall index of each wave; a line joins only waves that may be compared (C2).

    Args:
        waves: The waves in their order.
        pairs: Of each wave and the next, the reason of a break and whether only some items bridge.
    """
    joins = [True, *(not reason and not is_bridged for reason, is_bridged in pairs)]
    years: list[object] = [
        year if is_joined else make_text("compare.year_apart", year=year)
        for figures, is_joined in zip(waves, joins, strict=True)
        for year in [str(figures.survey.wave.year)]
    ]
    indices = [figures.by_variable("all")[OVERALL] for figures in waves]
    is_joined = joins[1:]

    def draw(language: Language, narrow: bool = False) -> bytes:
        points = [
            IntervalRow(render_text(year, language), index.value, index.low, index.high)
            for year, index in zip(years, indices, strict=True)
        ]
        return draw_trend_chart(points, is_joined, language, narrow=narrow)

    table = _trend_table(waves, years, indices)
    alt = make_text("compare.alt", n=len(years), breaks=is_joined.count(False))
    apart = "shared" if any(is_bridged for _, is_bridged in pairs) else "none"
    amount = "all" if all(is_joined) else "some" if any(is_joined) else apart
    lead = Paragraph(make_text(f"compare.{amount}"), "lead")
    caption = make_text("compare.figure" if all(is_joined) else "compare.figure_broken")
    return [lead, Picture("figure-trend", caption, alt, draw, table), table]


def _trend_table(
    waves: Sequence[Figures], years: Sequence[object], indices: Sequence[PublishedFigure]
) -> Table:
    """List the overall index of each wave with its interval and number of people."""
    last = waves[-1].survey
    rows = []
    for figures, year, index in zip(waves, years, indices, strict=True):
        wave = figures.survey.wave
        name = index.id if figures is waves[-1] else f"trend:{wave.id}"
        printed, people = (
            FigureReference(name, column, float(value)) if value is not None else None
            for column, value in (("printed", index.value), ("n_valid", index.n_valid))
        )
        rows.append(
            (
                year,
                Number(index.printed or None, figure=printed if index.is_known else None),
                Interval(index.low, index.high, 1, name),
                Number(None if index.n_valid is None else float(index.n_valid), 0, people),
            )
        )
    columns = (
        Column(make_text("report.column.year"), "row"),
        Column(name_measure(last.instrument, "head")),
        Column(make_text("report.column.interval")),
        Column(make_text("report.column.n_valid")),
    )
    return Table("table-trend", make_text("compare.table.trend"), columns, tuple(rows))


def explain_break(reason: str) -> Text:
    """Return in words why two waves, or two figures, are not compared."""
    words = [make_text(f"compare.why.{word}") for word in reason.split()]
    return make_text("compare.reasons", reasons=Joined(words, "; "))
