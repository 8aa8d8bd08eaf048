"""Build the pictures of a report: each from the figures of a subject, with its data as a table.

Each function returns None where there is nothing to draw. The drawing itself is in
``documents/charts.py`` and its neighbours; ``narrow`` is the layout for the screen of a phone.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from sipas_analysis.documents import charts
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
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.reports.figure_tables import (
    chart_rows,
    describe_intervals,
    explain_target_lines,
    percent_cell,
)
from sipas_analysis.reports.subject import Subject

ITEMS_PER_CHART = 22


def draw_ranking_picture(
    subject: Subject, group: str, figures: Sequence[PublishedFigure], table: Table
) -> Picture | None:
    """Draw the overall index of some units of a group, in the order given.

    ``figures`` may hold units without rank (flagged or too few forms): they are drawn apart.
    """
    if sum(figure.is_known for figure in figures) < 2:
        return None
    units = [(subject.marked_name(figure.unit), figure) for figure in figures]
    name, targets = subject.group_name(group), subject.figures.survey.wave.targets

    def draw(language: Language, narrow: bool = False) -> bytes:
        del narrow
        return charts.draw_intervals(chart_rows(units, language, subject.unit), language, targets)

    title = make_text("report.figure.ranking", group=name, lines=explain_target_lines(targets))
    alt = describe_intervals("ranking", units)
    return Picture(f"figure-ranking-{group}", title, alt, draw, table)


def draw_factors_picture(subject: Subject, table: Table) -> Picture | None:
    """Draw the subject's factors with their intervals."""
    codes = [*subject.pack.factors]
    rows = [(subject.short_name(code), subject.own_figures[code]) for code in codes]
    if not any(figure.is_known for _, figure in rows):
        return None
    targets = subject.figures.survey.wave.targets

    def draw(language: Language, narrow: bool = False) -> bytes:
        del narrow
        return charts.draw_intervals(chart_rows(rows, language), language, targets)

    title = make_text("report.figure.factors", lines=explain_target_lines(targets))
    return Picture("figure-factors", title, describe_intervals("factors", rows), draw, table)


def draw_factors_by_unit_picture(subject: Subject, group: str) -> Picture | None:
    """Draw each unit of a group as a dot beside the province's mean, factor by factor."""
    codes = [*subject.pack.factors]
    units = [figure.unit for figure in subject.figures.units_in_order(group) if figure.is_known]
    if len(units) < 2 or not codes:
        return None
    figures = {unit: subject.figures.by_variable("unit", unit) for unit in units}
    values = [[figures[unit][code].value for code in codes] for unit in units]
    rows = tuple(
        (subject.marked_name(unit), *(percent_cell(figures[unit][code]) for code in codes))
        for unit in units
    )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(subject.short_name(code)) for code in codes),
    )
    name = subject.group_name(group)

    def draw(language: Language, narrow: bool = False) -> bytes:
        del narrow
        unit_names = [subject.marked_name(unit).text(language) for unit in units]
        factor_names = [subject.short_name(code).text(language) for code in codes]
        return charts.draw_heat_map(values, unit_names, factor_names, language)

    caption, notes = make_text("report.table.heat", group=name), subject.explain_marks(units)
    table = Table(f"table-heat-{group}", caption, columns, rows, notes)
    caption, alt = (make_text(f"report.{kind}.heat", group=name) for kind in ("figure", "alt"))
    return Picture(f"figure-heat-{group}", caption, alt, draw, table)


def draw_items_pictures(subject: Subject, n_lowest: int | None = None) -> list[Picture]:
    """Draw how people answered the items, least satisfied first; one picture a scale.

    Args:
        subject: The province or a unit.
        n_lowest: Show only so many items, the least satisfied; all if left out.
    """
    known = [code for code in subject.pack.items if subject.own_figures[code].is_known]
    lowest = sorted(known, key=lambda code: subject.own_figures[code].value)[:n_lowest]
    batches = _split_by_scale(subject.pack, lowest)
    return [_draw_items(subject, codes, number) for number, codes in enumerate(batches, 1)]


def _split_by_scale(pack: Instrument, codes: list[str]) -> Iterator[list[str]]:
    """Yield the items of each scale, at most 22 at a time."""
    while codes:
        batch = [code for code in codes if pack.scale_of(code) == pack.scale_of(codes[0])]
        batch = batch[:ITEMS_PER_CHART]
        yield batch
        codes = [code for code in codes if code not in batch]


def _draw_items(subject: Subject, codes: Sequence[str], number: int) -> Picture:
    """Draw the shares of each level of some items, of those who answered."""
    scale = subject.pack.scale_of(codes[0])
    levels = list(scale.levels)
    counts = subject.figures.answer_counts(subject.unit)
    keys = zip(counts["item"], counts["answer"], strict=True)
    count_of = dict(zip(keys, counts["weight"].astype(float), strict=True))
    numbers = np.array(
        [[count_of.get((code, level), 0) for level in levels] for code in codes], float
    )
    shares = 100 * numbers / numbers.sum(axis=1, keepdims=True)
    level_names = [scale.labels.get(level, Bilingual(vi=str(level))) for level in levels]
    item_names = [subject.item_name(code) for code in codes]

    def draw(language: Language, narrow: bool = False) -> bytes:
        del narrow
        rows = [name.text(language) for name in item_names]
        return charts.draw_likert(
            rows, shares, [name.text(language) for name in level_names], language
        )

    rows = tuple(
        (name, *(Number(float(share), 1) for share in row))
        for name, row in zip(item_names, shares, strict=True)
    )
    columns = (
        Column(make_text("report.column.item"), "row"),
        *(Column(name) for name in level_names),
    )
    table = Table(f"table-answers-{number}", make_text("report.table.answers"), columns, rows)
    title, alt = make_text("report.figure.items"), make_text("report.alt.items", n=len(codes))
    return Picture(f"figure-items-{number}", title, alt, draw, table)


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
    ordered = shares.frame.sort_values("value", ascending=False, kind="stable")
    rows, lines = [], []
    for code, *ends in ordered[["variable", "share", "share_low", "share_high"]].to_numpy():
        share, low, high = (100 * float(end) for end in ends)
        name, figure = subject.short_name(code), f"share:{code}"
        reference = FigureReference(figure, "value", share)
        rows.append((name, Number(share, 1, reference), Interval(low, high, id=figure)))
        lines.append((name, share, low, high))

    def draw(language: Language, narrow: bool = False) -> bytes:
        del narrow
        points = [charts.IntervalRow(name.text(language), *ends) for name, *ends in lines]
        return charts.draw_intervals(points, language, axis="chart.share_of_r2", zero=True)

    described = [
        make_text("report.alt.row", name=name, value=value, interval=interval)
        for name, value, interval in rows
    ]
    caption = make_text("report.figure.importance", n=shares.n)
    alt = make_text("report.alt.importance", rows=Joined(described))
    columns = (
        Column(make_text("report.column.factor"), "row"),
        Column(make_text("report.column.share_of_r2")),
        Column(make_text("report.column.interval")),
    )
    table = Table("table-importance", caption, columns, tuple(rows))
    return Picture("figure-importance", caption, alt, draw, table)


def draw_priority_picture(subject: Subject) -> Picture | None:
    """Draw for each factor the gap to the cut and its importance, side by side."""
    del subject
    return None


def draw_changes_picture(subject: Subject, group: str) -> Picture | None:
    """Draw the index of each unit of a group last year and this year."""
    del subject, group
    return None


def draw_leaders_picture(subject: Subject) -> Picture | None:
    """Draw the index with its interval beside last year's; for a unit also group and province."""
    del subject
    return None


def draw_trend_picture(
    years: Sequence[str], indices: Sequence[PublishedFigure], joined: Sequence[bool], table: Table
) -> Picture:
    """Draw the overall index of each wave; a line joins two waves only if ``joined`` (C2)."""

    def draw(language: Language, narrow: bool = False) -> bytes:
        del narrow
        points = [
            charts.IntervalRow(year, index.value, index.low, index.high)
            for year, index in zip(years, indices, strict=True)
        ]
        return charts.draw_trend(points, joined, language)

    alt = make_text("compare.alt", n=len(years), breaks=[*joined].count(False))
    return Picture("figure-trend", make_text("compare.figure"), alt, draw, table)
