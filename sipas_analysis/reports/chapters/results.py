"""The chapters of the index: overall, factors, items, ranking of units."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from sipas_analysis.documents import charts
from sipas_analysis.documents.model import (
    Block,
    Column,
    Number,
    Paragraph,
    Picture,
    Section,
    Table,
    make_text,
)
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.trend import draw_earlier_waves
from sipas_analysis.reports.figure_tables import (
    chart_rows,
    contrast_extremes,
    describe_intervals,
    estimate_columns,
    estimate_table,
    explain_target_lines,
    has_several_units,
    interval_cell,
    number_cell,
    percent_cell,
    sort_known_figures,
)
from sipas_analysis.reports.subject import Subject

ITEMS_PER_CHART = 22


def build_results(subject: Subject) -> Section:
    """Show the index, its factors and its items."""
    parts = (build_overall(subject), build_factors(subject), build_items(subject))
    blocks = tuple(block for part in parts for block in part.blocks)
    return Section("results", make_text("report.chapter.results"), blocks)


def build_overall(subject: Subject) -> Section:
    """State the overall index with its error, then its parts, other measures and other rules."""
    figures, pack = subject.own_figures, subject.pack
    rows: list[tuple[object, PublishedFigure]] = []
    rows.append((make_text("report.level.overall"), figures[OVERALL]))
    rows += [(subject.short_name(code), figures[code]) for code in pack.blocks]
    own_points = [code for code in pack.questions_beside if pack.scale_of(code).points]
    for code in pack.questions_beside:
        if code not in own_points:
            name = make_text("report.overall_item", name=subject.short_name(code))
            rows.append((name, figures[code]))
    for group in [subject.group] if subject.unit else subject.figures.groups:
        group_name = make_text("report.whole_group", group=subject.group_name(group))
        rows.append((group_name, subject.figures.by_variable("group", group)[OVERALL]))
    caption = make_text("report.table.overall")
    table = estimate_table("table-overall", caption, "report.column.index", rows)
    blocks: list[Block] = [table, *_compare_with_targets(subject)]
    blocks += [_score_table(subject, own_points)] if own_points else []
    blocks += draw_earlier_waves(subject)
    return Section("overall", make_text("report.chapter.overall"), tuple(blocks))


def _compare_with_targets(subject: Subject) -> list[Paragraph]:
    """State for each target whether the interval of the index is above, below or across it."""
    index = subject.own_figures[OVERALL]
    if np.isnan(index.low):
        return []
    paragraphs = []
    for target in subject.figures.survey.wave.targets:
        position = "above" if index.low >= target else "below" if index.high < target else "open"
        text = make_text(f"report.target.{position}", target=Number(f"{target:g}"))
        paragraphs.append(Paragraph(text))
    return paragraphs


def _score_table(subject: Subject, codes: Sequence[str]) -> Table:
    """List the questions outside the index whose answers have points of their own."""
    figures = subject.own_figures
    rows = tuple(
        (
            subject.short_name(code),
            percent_cell(figures[code]),
            interval_cell(figures[code]),
            number_cell(figures[code]),
        )
        for code in codes
    )
    first, _, *rest = estimate_columns("report.column.index")
    columns = (first, Column(make_text("report.column.value")), *rest)
    has_nps = any(subject.pack.scale_of(code).score == "nps" for code in codes)
    notes = (make_text("report.scores.nps"),) if has_nps else ()
    return Table("table-scores", make_text("report.table.scores"), columns, rows, notes)


def build_factors(subject: Subject) -> Section:
    """Compare the factors, and show them for every unit."""
    codes = [*subject.pack.factors]
    if not codes:
        none = Paragraph(make_text("report.factors.none"), "note")
        return Section("factors", make_text("report.chapter.factors"), (none,))
    rows = [(subject.short_name(code), subject.own_figures[code]) for code in codes]
    known_figures = sort_known_figures(subject, codes)
    blocks: list[Block] = [
        Paragraph(text, "lead") for text in contrast_extremes(subject, known_figures)
    ]
    table = factor_table(subject)
    targets = subject.figures.survey.wave.targets
    title = make_text("report.figure.factors", lines=explain_target_lines(targets))

    def draw(language: Language, narrow: bool = False) -> bytes:  # noqa: ARG001
        return charts.draw_intervals(chart_rows(rows, language), language, targets)

    picture = Picture("figure-factors", title, describe_intervals("factors", rows), draw, table)
    blocks += [picture, table] if known_figures else [table]
    if not subject.unit:
        groups = [group for group in subject.figures.groups if has_several_units(subject, group)]
        blocks += [_heat_map(subject, group) for group in groups]
    return Section("factors", make_text("report.chapter.factors"), tuple(blocks))


def factor_table(subject: Subject) -> Table:
    """List the factors with their errors, beside the group's for a unit."""
    codes = [*subject.pack.factors]
    rows = [(subject.short_name(code), subject.own_figures[code]) for code in codes]
    caption = make_text("report.table.factors")
    table = estimate_table("table-factors", caption, "report.column.factor", rows)
    return _add_group_column(subject, table, codes)


def _add_group_column(subject: Subject, table: Table, codes: Sequence[str]) -> Table:
    """Add the group's value to each row of a unit's table."""
    if not subject.unit:
        return table
    pairs = zip(table.rows, codes, strict=True)
    rows = tuple((*row, percent_cell(subject.group_figures[code])) for row, code in pairs)
    column = Column(make_text("report.column.group_value"))
    return replace(table, columns=(*table.columns, column), rows=rows)


def _heat_map(subject: Subject, group: str) -> Picture:
    """Draw units × factors of one group, best unit first."""
    codes = [*subject.pack.factors]
    units = [figure.unit for figure in subject.figures.units_in_order(group)]
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

    def draw(language: Language, narrow: bool = False) -> bytes:  # noqa: ARG001
        unit_names = [subject.marked_name(unit).text(language) for unit in units]
        factor_names = [subject.short_name(code).text(language) for code in codes]
        return charts.draw_heat_map(values, unit_names, factor_names, language)

    caption, notes = make_text("report.table.heat", group=name), subject.explain_marks(units)
    table = Table(f"table-heat-{group}", caption, columns, rows, notes)
    caption = make_text("report.figure.heat", group=name)
    alt = make_text("report.alt.heat", group=name)
    return Picture(f"figure-heat-{group}", caption, alt, draw, table)


def build_items(subject: Subject) -> Section:
    """Show every item: how people answered, the percentage and its interval."""
    pack = subject.pack
    pages = _split_items(subject)
    blocks: list[Block] = [_answer_picture(subject, page, k) for k, page in enumerate(pages, 1)]
    for factor in _list_factors(subject):
        codes = pack.items_of(factor)
        rows = [(subject.item_name(code), subject.own_figures[code]) for code in codes]
        name = subject.short_name(factor) if factor else make_text("report.items.no_factor")
        caption = make_text("report.table.items", factor=name)
        table_id = f"table-items-{factor}" if factor else "table-items"
        table = estimate_table(table_id, caption, "report.column.item", rows)
        blocks.append(_add_group_column(subject, table, codes))
    if any(map(pack.is_unattributed, pack.items)):
        blocks.append(Paragraph(make_text("report.items.mark"), "note"))
    return Section("items", make_text("report.chapter.items"), tuple(blocks))


def _split_items(subject: Subject) -> list[list[str]]:
    """Split the items into charts that fit a page: of one scale, whole factors, up to 22 items."""
    scale_of = subject.pack.scale_of
    pages: list[list[str]] = []
    for factor in _list_factors(subject):
        items = subject.pack.items_of(factor)
        codes = [code for code in items if subject.own_figures[code].is_known]
        for batch in _split_by_scale(subject.pack, codes):
            alike = [page for page in pages if scale_of(page[0]) == scale_of(batch[0])]
            if alike and len(alike[-1]) + len(batch) <= ITEMS_PER_CHART:
                alike[-1] += batch
            else:
                pages.append(batch)
    return pages


def _split_by_scale(pack: Instrument, codes: list[str]) -> Iterator[list[str]]:
    """Yield the items of each scale, at most 22 at a time."""
    while codes:
        batch = [code for code in codes if pack.scale_of(code) == pack.scale_of(codes[0])]
        batch = batch[:ITEMS_PER_CHART]
        yield batch
        codes = [code for code in codes if code not in batch]


def _list_factors(subject: Subject) -> list[str]:
    """Return the factors, and an empty text if some items belong to none."""
    return [*subject.pack.factors] + ([] if subject.pack.has_factors else [""])


def _answer_picture(subject: Subject, codes: Sequence[str], number: int) -> Picture:
    """Draw the shares of each level of some items, of those who answered."""
    scale = subject.pack.scale_of(codes[0])
    levels = list(scale.levels)
    counts = subject.figures.answer_counts(subject.unit)
    keys = zip(counts["item"], counts["answer"], strict=True)
    count_of = dict(zip(keys, counts["weight"].astype(float), strict=True))
    table = np.array(
        [[count_of.get((code, level), 0) for level in levels] for code in codes], float
    )
    shares = 100 * table / table.sum(axis=1, keepdims=True)
    level_names = [scale.labels.get(level, Bilingual(vi=str(level))) for level in levels]
    item_names = [subject.item_name(code) for code in codes]

    def draw(language: Language, narrow: bool = False) -> bytes:  # noqa: ARG001
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
    caption = make_text("report.table.answers")
    answer_table = Table(f"table-answers-{number}", caption, columns, rows)
    title, alt = make_text("report.figure.items"), make_text("report.alt.items", n=len(codes))
    return Picture(f"figure-items-{number}", title, alt, draw, answer_table)
