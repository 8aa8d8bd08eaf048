"""The chapters of the index: overall, factors, items, ranking of units."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.reading import Bilingual
from sipas_analysis.measure.rules import COMPREHENSIVE, MEAN_100, MEAN_SCORE
from sipas_analysis.messages import Language
from sipas_analysis.publish import charts
from sipas_analysis.publish.chapters.frame import (
    Subject,
    chart_rows,
    contrast,
    count,
    estimate_columns,
    estimate_table,
    extremes,
    interval,
    interval_alt,
    percent,
    several,
    target_lines,
)
from sipas_analysis.publish.chapters.trend import earlier
from sipas_analysis.publish.document import (
    Block,
    Column,
    Figure,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    say_it,
)
from sipas_analysis.publish.figures import Published, published

ITEMS_PER_CHART = 22
BESIDE = (COMPREHENSIVE, MEAN_SCORE, MEAN_100)


def overall(subject: Subject) -> Section:
    """State the overall index with its error, beside its parts, other measures and rules."""
    own, pack = subject.own, subject.pack
    rows: list[tuple[object, Published]] = [(say_it("report.level.overall"), own[OVERALL])]
    rows += [(subject.name(code), own[code]) for code in pack.blocks]
    if pack.overall_item:
        code = pack.overall_item.code
        rows.append((say_it("report.overall_item", name=subject.name(code)), own[code]))
    groups = [subject.group] if subject.unit else subject.figures.groups
    rows += [
        (say_it("report.whole_group", group=subject.group_name(group)), whole)
        for group in groups
        for whole in [subject.figures.of("group", group)[OVERALL]]
    ]
    caption = say_it("report.table.overall")
    table = estimate_table("table-overall", caption, "report.column.index", rows)
    blocks: list[Block] = [table, *_targets(subject), _beside(subject)]
    if not subject.unit:
        blocks += [_rules(subject), *earlier(subject)]
    return Section("overall", say_it("report.chapter.overall"), tuple(blocks))


def _targets(subject: Subject) -> list[Paragraph]:
    """Hold the index against each target, by its interval."""
    whole, said = subject.own[OVERALL], []
    for target in subject.figures.survey.wave.targets if whole.low == whole.low else ():
        place = "above" if whole.low >= target else "below" if whole.high < target else "open"
        said.append(Paragraph(say_it(f"report.target.{place}", target=Number(f"{target:g}"))))
    return said


def _beside(subject: Subject) -> Table:
    """List the measures that stand beside the index."""
    found = [(name, subject.own[name]) for name in BESIDE]
    rows = tuple(
        (say_it(f"report.beside.{name}"), percent(one), interval(one, 2), count(one))
        for name, one in found
    )
    first, _, *rest = estimate_columns("report.column.measure")
    columns = (first, Column(say_it("report.column.value")), *rest)
    note = say_it("report.beside.note")
    return Table("table-beside", say_it("report.table.beside"), columns, rows, (note,))


def _rules(subject: Subject) -> Table:
    """Put the factors and the whole under each rule side by side."""
    found = subject.figures.rules
    rules = list(dict.fromkeys(found["rule"]))
    cells = dict(
        zip(zip(found["variable"], found["rule"], strict=True), published(found), strict=True)
    )
    names: list[tuple[str, object]] = [(code, subject.name(code)) for code in subject.pack.factors]
    names.append((OVERALL, say_it("report.level.overall")))
    rows = tuple(
        (name, *(percent(cells[code, rule]) if (code, rule) in cells else None for rule in rules))
        for code, name in names
    )
    heads = (say_it(f"report.rule_short.{rule}") for rule in rules)
    columns = (Column(say_it("report.column.index"), "row"), *(Column(head) for head in heads))
    whole = found.drop_duplicates("rule", keep="last").set_index("rule")["reason"]
    notes = [
        say_it("report.rules.why", rule=say_it(f"report.rule_short.{rule}"), why=_reasons(reason))
        for rule, reason in whole.items()
    ]
    notes.append(say_it("report.rules.note"))
    return Table("table-rules", say_it("report.table.rules"), columns, rows, tuple(notes))


def _reasons(reason: str) -> Joined:
    """Return in words why a rule differs from the survey's own (M8)."""
    return Joined([say_it(f"report.rule_why.{word}") for word in reason.split()], "; ")


def factors(subject: Subject) -> Section:
    """Compare the factors, and show them for every unit."""
    codes = [*subject.pack.factors]
    rows = [(subject.name(code), subject.own[code]) for code in codes]
    known = extremes(subject, codes)
    blocks: list[Block] = [Paragraph(text, "lead") for text in contrast(subject, known)]
    table = factor_table(subject)
    targets = subject.figures.survey.wave.targets
    title = say_it("report.figure.factors", lines=target_lines(targets))

    def draw(language: Language) -> bytes:
        return charts.intervals(chart_rows(rows, language), language, targets)

    picture = Figure("figure-factors", title, interval_alt("factors", rows), draw, table)
    blocks += [picture, table] if known else [table]
    if not subject.unit:
        shown = [group for group in subject.figures.groups if several(subject, group)]
        blocks += [_heat(subject, group) for group in shown]
    return Section("factors", say_it("report.chapter.factors"), tuple(blocks))


def factor_table(subject: Subject) -> Table:
    """List the factors with their errors, beside the group's for a unit."""
    codes = [*subject.pack.factors]
    rows = [(subject.name(code), subject.own[code]) for code in codes]
    caption = say_it("report.table.factors")
    table = estimate_table("table-factors", caption, "report.column.factor", rows)
    return _against(subject, table, codes)


def _against(subject: Subject, table: Table, codes: Sequence[str]) -> Table:
    """Add the group's value to each row of a unit's table."""
    if not subject.unit:
        return table
    pairs = zip(table.rows, codes, strict=True)
    rows = tuple((*row, percent(subject.around[code])) for row, code in pairs)
    column = Column(say_it("report.column.group_value"))
    return replace(table, columns=(*table.columns, column), rows=rows)


def _heat(subject: Subject, group: str) -> Figure:
    """Draw units × factors of one group, best unit first."""
    codes = [*subject.pack.factors]
    units = [one.unit for one in subject.figures.order(group)]
    found = {unit: subject.figures.of("unit", unit) for unit in units}
    values = [[found[unit][code].value for code in codes] for unit in units]
    rows = tuple(
        (subject.unit_name(u), *(percent(found[u][code]) for code in codes)) for u in units
    )
    columns = (
        Column(say_it("report.column.unit"), "row"),
        *(Column(subject.name(c)) for c in codes),
    )
    name = subject.group_name(group)

    def draw(language: Language) -> bytes:
        names = [subject.unit_name(unit).text(language) for unit in units]
        return charts.heat_map(
            values, names, [subject.name(c).text(language) for c in codes], language
        )

    data = Table(f"table-heat-{group}", say_it("report.table.heat", group=name), columns, rows)
    caption, alt = say_it("report.figure.heat", group=name), say_it("report.alt.heat", group=name)
    return Figure(f"figure-heat-{group}", caption, alt, draw, data)


def items(subject: Subject) -> Section:
    """Show every item: how people answered, the percentage and its interval."""
    pack = subject.pack
    pages = _charts_of(subject)
    blocks: list[Block] = [_likert(subject, page, k) for k, page in enumerate(pages, 1)]
    for factor in pack.factors:
        codes = pack.items_of(factor)
        rows = [(subject.item_name(code), subject.own[code]) for code in codes]
        caption = say_it("report.table.items", factor=subject.name(factor))
        table = estimate_table(f"table-items-{factor}", caption, "report.column.item", rows)
        blocks.append(_against(subject, table, codes))
    if pack.by_status().keys() != {"sourced"}:
        blocks.append(Paragraph(say_it("report.items.mark"), "note"))
    return Section("items", say_it("report.chapter.items"), tuple(blocks))


def _charts_of(subject: Subject) -> list[list[str]]:
    """Split the items into charts that fit a page: whole factors, at most 22 items each."""
    charts_of: list[list[str]] = [[]]
    for factor in subject.pack.factors:
        codes = [code for code in subject.pack.items_of(factor) if subject.own[code].known]
        if charts_of[-1] and len(charts_of[-1]) + len(codes) > ITEMS_PER_CHART:
            charts_of.append([])
        charts_of[-1] += codes
    return [codes for codes in charts_of if codes]


def _likert(subject: Subject, codes: Sequence[str], number: int) -> Figure:
    """Draw the shares of each level of some items, of those who answered."""
    pack, levels = subject.pack, list(subject.pack.scale.levels)
    counts = subject.figures.answers(subject.unit)
    cells = zip(counts["item"], counts["answer"], counts["weight"], strict=True)
    n = {(item, level): float(count) for item, level, count in cells}
    table = np.array([[n.get((code, level), 0) for level in levels] for code in codes], float)
    shares = 100 * table / table.sum(axis=1, keepdims=True)
    names = [pack.scale.labels.get(level, Bilingual(vi=str(level))) for level in levels]
    labels = [subject.item_name(code) for code in codes]

    def draw(language: Language) -> bytes:
        texts = [label.text(language) for label in labels]
        return charts.likert(texts, shares, [name.text(language) for name in names], language)

    pairs = zip(labels, shares, strict=True)
    rows = tuple((label, *(Number(float(x), 1) for x in line)) for label, line in pairs)
    columns = (Column(say_it("report.column.item"), "row"), *(Column(name) for name in names))
    data = Table(f"table-answers-{number}", say_it("report.table.answers"), columns, rows)
    caption, alt = say_it("report.figure.items"), say_it("report.alt.items", n=len(codes))
    return Figure(f"figure-items-{number}", caption, alt, draw, data)
