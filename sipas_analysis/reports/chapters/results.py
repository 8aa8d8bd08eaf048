"""The chapters of the index: overall, factors, items, ranking of units."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sipas_analysis.documents import charts
from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Number,
    Paragraph,
    Picture,
    Section,
    Table,
    make_text,
)
from sipas_analysis.figures.published import PublishedFigure, list_figures
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.rules import COMPREHENSIVE, MEAN_100, MEAN_SCORE
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
OTHER_MEASURES = (COMPREHENSIVE, MEAN_SCORE, MEAN_100)


def build_overall(subject: Subject) -> Section:
    """State the overall index with its error, beside its parts, other measures and rules."""
    own_figures, pack = subject.own_figures, subject.pack
    rows: list[tuple[object, PublishedFigure]] = [
        (make_text("report.level.overall"), own_figures[OVERALL])
    ]
    rows += [(subject.short_name(code), own_figures[code]) for code in pack.blocks]
    if pack.overall_item:
        code = pack.overall_item.code
        rows.append(
            (make_text("report.overall_item", name=subject.short_name(code)), own_figures[code])
        )
    groups = [subject.group] if subject.unit else subject.figures.groups
    rows += [
        (make_text("report.whole_group", group=subject.group_name(group)), group_index)
        for group in groups
        for group_index in [subject.figures.by_variable("group", group)[OVERALL]]
    ]
    caption = make_text("report.table.overall")
    table = estimate_table("table-overall", caption, "report.column.index", rows)
    blocks: list[Block] = [table, *_compare_with_targets(subject), _other_measures_table(subject)]
    if not subject.unit:
        blocks += [_rule_table(subject), *draw_earlier_waves(subject)]
    return Section("overall", make_text("report.chapter.overall"), tuple(blocks))


def _compare_with_targets(subject: Subject) -> list[Paragraph]:
    """Hold the index against each target, by its interval."""
    whole, paragraphs = subject.own_figures[OVERALL], []
    for target in subject.figures.survey.wave.targets if whole.low == whole.low else ():
        position = "above" if whole.low >= target else "below" if whole.high < target else "open"
        paragraphs.append(
            Paragraph(make_text(f"report.target.{position}", target=Number(f"{target:g}")))
        )
    return paragraphs


def _other_measures_table(subject: Subject) -> Table:
    """List the measures that stand beside the index."""
    measures = [(name, subject.own_figures[name]) for name in OTHER_MEASURES]
    rows = tuple(
        (
            make_text(f"report.beside.{name}"),
            percent_cell(figure),
            interval_cell(figure, 2),
            number_cell(figure),
        )
        for name, figure in measures
    )
    first, _, *rest = estimate_columns("report.column.measure")
    columns = (first, Column(make_text("report.column.value")), *rest)
    note = make_text("report.beside.note")
    return Table("table-beside", make_text("report.table.beside"), columns, rows, (note,))


def _rule_table(subject: Subject) -> Table:
    """Put the factors and the whole under each rule side by side."""
    by_rule = subject.figures.rules
    rules = list(dict.fromkeys(by_rule["rule"]))
    cells = dict(
        zip(
            zip(by_rule["variable"], by_rule["rule"], strict=True),
            list_figures(by_rule),
            strict=True,
        )
    )
    names: list[tuple[str, object]] = [
        (code, subject.short_name(code)) for code in subject.pack.factors
    ]
    names.append((OVERALL, make_text("report.level.overall")))
    rows = tuple(
        (
            name,
            *(percent_cell(cells[code, rule]) if (code, rule) in cells else None for rule in rules),
        )
        for code, name in names
    )
    headers = (make_text(f"report.rule_short.{rule}") for rule in rules)
    columns = (Column(make_text("report.column.index"), "row"), *(Column(head) for head in headers))
    reasons = by_rule.drop_duplicates("rule", keep="last").set_index("rule")["reason"]
    notes = [
        make_text(
            "report.rules.why",
            rule=make_text(f"report.rule_short.{rule}"),
            why=_explain_rule(reason),
        )
        for rule, reason in reasons.items()
    ]
    notes.append(make_text("report.rules.note"))
    return Table("table-rules", make_text("report.table.rules"), columns, rows, tuple(notes))


def _explain_rule(reason: str) -> Joined:
    """Return in words why a rule differs from the survey's own (M8)."""
    return Joined([make_text(f"report.rule_why.{word}") for word in reason.split()], "; ")


def build_factors(subject: Subject) -> Section:
    """Compare the factors, and show them for every unit."""
    codes = [*subject.pack.factors]
    rows = [(subject.short_name(code), subject.own_figures[code]) for code in codes]
    known_figures = sort_known_figures(subject, codes)
    blocks: list[Block] = [
        Paragraph(text, "lead") for text in contrast_extremes(subject, known_figures)
    ]
    table = factor_table(subject)
    targets = subject.figures.survey.wave.targets
    title = make_text("report.figure.factors", lines=explain_target_lines(targets))

    def draw(language: Language) -> bytes:
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
        (subject.unit_name(unit), *(percent_cell(figures[unit][code]) for code in codes))
        for unit in units
    )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        *(Column(subject.short_name(code)) for code in codes),
    )
    name = subject.group_name(group)

    def draw(language: Language) -> bytes:
        names = [subject.unit_name(unit).text(language) for unit in units]
        return charts.draw_heat_map(
            values, names, [subject.short_name(code).text(language) for code in codes], language
        )

    data = Table(f"table-heat-{group}", make_text("report.table.heat", group=name), columns, rows)
    caption, alt = (
        make_text("report.figure.heat", group=name),
        make_text("report.alt.heat", group=name),
    )
    return Picture(f"figure-heat-{group}", caption, alt, draw, data)


def build_items(subject: Subject) -> Section:
    """Show every item: how people answered, the percentage and its interval."""
    pack = subject.pack
    pages = _split_items(subject)
    blocks: list[Block] = [_answer_picture(subject, page, k) for k, page in enumerate(pages, 1)]
    for factor in pack.factors:
        codes = pack.items_of(factor)
        rows = [(subject.item_name(code), subject.own_figures[code]) for code in codes]
        caption = make_text("report.table.items", factor=subject.short_name(factor))
        table = estimate_table(f"table-items-{factor}", caption, "report.column.item", rows)
        blocks.append(_add_group_column(subject, table, codes))
    if pack.by_status().keys() != {"sourced"}:
        blocks.append(Paragraph(make_text("report.items.mark"), "note"))
    return Section("items", make_text("report.chapter.items"), tuple(blocks))


def _split_items(subject: Subject) -> list[list[str]]:
    """Split the items into charts that fit a page: whole factors, at most 22 items each."""
    charts_of: list[list[str]] = [[]]
    for factor in subject.pack.factors:
        codes = [
            code for code in subject.pack.items_of(factor) if subject.own_figures[code].is_known
        ]
        if charts_of[-1] and len(charts_of[-1]) + len(codes) > ITEMS_PER_CHART:
            charts_of.append([])
        charts_of[-1] += codes
    return [codes for codes in charts_of if codes]


def _answer_picture(subject: Subject, codes: Sequence[str], number: int) -> Picture:
    """Draw the shares of each level of some items, of those who answered."""
    pack, levels = subject.pack, list(subject.pack.scale.levels)
    counts = subject.figures.answer_counts(subject.unit)
    cells = zip(counts["item"], counts["answer"], counts["weight"], strict=True)
    n = {(item, level): float(count) for item, level, count in cells}
    table = np.array([[n.get((code, level), 0) for level in levels] for code in codes], float)
    shares = 100 * table / table.sum(axis=1, keepdims=True)
    names = [pack.scale.labels.get(level, Bilingual(vi=str(level))) for level in levels]
    labels = [subject.item_name(code) for code in codes]

    def draw(language: Language) -> bytes:
        texts = [label.text(language) for label in labels]
        return charts.draw_likert(texts, shares, [name.text(language) for name in names], language)

    pairs = zip(labels, shares, strict=True)
    rows = tuple((label, *(Number(float(x), 1) for x in line)) for label, line in pairs)
    columns = (Column(make_text("report.column.item"), "row"), *(Column(name) for name in names))
    data = Table(f"table-answers-{number}", make_text("report.table.answers"), columns, rows)
    caption, alt = make_text("report.figure.items"), make_text("report.alt.items", n=len(codes))
    return Picture(f"figure-items-{number}", caption, alt, draw, data)
