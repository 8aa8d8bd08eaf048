"""The long tables of a wave for officers, one sheet each: ranks, factors, items, figures, plans.

The same figures as in the CSV files, with words instead of codes and columns to filter by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sipas_analysis.documents.model import Column, Section, Table, Text, make_text
from sipas_analysis.figures.plan_records import Judged, PlanLine
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.figures.record_rows import RecordRow
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.chapters.plan_annex import (
    line_cells,
    line_columns,
    note_doubts,
    verdict_cells,
    verdict_columns,
)
from sipas_analysis.reports.figure_tables import (
    caution_notes,
    change_cells,
    change_columns,
    estimate_cells,
    explain_no_rank,
    interval_cell,
    number_cell,
)
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.record_cells import PLACES, list_printed, name_caption, tabulate_rows
from sipas_analysis.reports.subject import Subject, list_marked_names

Place = tuple[object, object, dict[str, PublishedFigure]]  # name, group, figures by variable
UNIT_COLUMNS = (
    Column(make_text("report.column.unit"), "row"),
    Column(make_text("xlsx.column.group"), "text"),
)
MOST_UNITS = 40  # units of a group whose pairs are listed
PLACE_ENDS = {"rank_low": "xlsx.from", "rank_high": "xlsx.to"}


def build_long_tables(subject: Subject) -> Section:
    """Return every long table of a wave in one chapter; without pairs if no unit is ranked."""
    tables = [
        _list_ranks(subject),
        _list_parts(subject, "factors", [OVERALL, *subject.pack.factors, *subject.pack.blocks]),
        _list_parts(subject, "items", [*subject.pack.items]),
        _list_figures(subject),
        *_list_plans(subject),
        *_list_records(subject),
        *([_list_pairs(subject)] if len(subject.figures.pairs) else []),
    ]
    return Section("tables", make_text("xlsx.tables.subtitle"), tuple(tables))


def _list_ranks(subject: Subject) -> Table:
    """List all units, group by group, with index, change, rank, possible ranks and letter."""
    units = [
        (group, unit)
        for group in dict.fromkeys(subject.figures.ranking["group"])
        for unit in subject.figures.units_in_order(group)
    ]
    figures = [unit for _, unit in units]
    changes = change_columns(subject, figures)
    places = make_text("report.column.places")
    columns = (
        *UNIT_COLUMNS,
        Column(subject.measure_name),
        Column(make_text("report.column.interval")),
        *changes,
        Column(make_text("report.column.rank")),
        *(Column(make_text(end, name=places)) for end in PLACE_ENDS.values()),
        Column(make_text("report.column.letter"), "text"),
        Column(make_text("report.column.forms")),
        Column(make_text("xlsx.column.reason"), "text"),
    )
    rows = tuple(
        (
            subject.marked_name(unit.unit),
            subject.group_name(group),
            *estimate_cells(unit)[:2],
            *(change_cells(subject, unit) if changes else ()),
            *(number_cell(unit, column) for column in ("rank", *PLACE_ENDS)),
            unit.letter or None,
            number_cell(unit, "n"),
            "" if unit.rank is not None else explain_no_rank(subject, unit),
        )
        for group, unit in units
    )
    notes = (*caution_notes(units), *subject.explain_marks(unit.unit for unit in figures))
    return Table("tables-ranking", make_text("xlsx.tables.ranking"), columns, rows, notes)


def _list_parts(subject: Subject, kind: str, codes: Sequence[str]) -> Table:
    """List the figures of all places, one column for each factor or item."""
    places = [*_list_places(subject)]
    is_short = kind == "items"  # wordings are too long for the head of a column
    names = [code if is_short else _name_variable(subject, code) for code in codes]
    columns = (
        *UNIT_COLUMNS,
        *(Column(name) for name in names),
        Column(make_text("report.column.forms")),
    )
    rows = tuple(
        (
            name,
            group,
            *(estimate_cells(figures[code])[0] for code in codes),
            number_cell(figures[OVERALL], "n"),
        )
        for name, group, figures in places
    )
    shown = [("", figures[code]) for _, _, figures in places for code in codes]
    told = [code for code in codes if is_short and subject.pack.label_of(code, "vi") != code]
    wordings = tuple(map(subject.item_name, told))
    caption = make_text(f"xlsx.tables.{kind}", name=subject.measure_name)
    return Table(f"tables-{kind}", caption, columns, rows, (*wordings, *caution_notes(shown)))


def _list_figures(subject: Subject) -> Table:
    """List figures with interval, people and change, to be filtered; of units without items."""
    parts = [OVERALL, *subject.pack.factors, *subject.pack.blocks]
    codes = [*parts, *subject.pack.items]
    listed = [
        (name, group, figures[code])
        for name, group, figures in _list_places(subject)
        for code in (parts if figures[OVERALL].unit else codes)
    ]
    changes = change_columns(subject, [figure for _, _, figure in listed])
    columns = (
        *UNIT_COLUMNS,
        Column(make_text("xlsx.tables.column.figure"), "text"),
        Column(subject.measure_name),
        Column(make_text("report.column.interval")),
        Column(make_text("report.column.n_valid")),
        *changes,
    )
    names = {code: _name_variable(subject, code) for code in codes}
    rows = tuple(
        (
            name,
            group,
            names[figure.variable],
            estimate_cells(figure)[0],
            interval_cell(figure),
            number_cell(figure),
            *(change_cells(subject, figure) if changes else ()),
        )
        for name, group, figure in listed
    )
    notes = caution_notes([("", figure) for _, _, figure in listed])
    return Table("tables-figures", make_text("xlsx.tables.figures"), columns, rows, notes)


def _list_pairs(subject: Subject) -> Table:
    """List pairs of ranked units: their difference and whether it is more than chance.

    Groups of more than ``MOST_UNITS`` units have too many pairs to read; the CSV file has them.
    """
    pairs = subject.figures.pairs
    is_short = pairs.groupby("group")["unit"].transform("nunique") < MOST_UNITS
    pairs, long_groups = pairs[is_short], dict.fromkeys(pairs.loc[~is_short, "group"])
    rows = tuple(
        (
            subject.marked_name(unit),
            subject.group_name(group),
            subject.marked_name(other),
            number_of(subject, f"pair:{unit}~{other}", decimals=2),
            interval_of(subject, f"pair:{unit}~{other}"),
            make_text("report.pairs.told" if is_told else "report.pairs.open"),
        )
        for group, unit, other, is_told in pairs[["group", "unit", "other", "told"]].itertuples(
            index=False
        )
    )
    columns = (
        *UNIT_COLUMNS,
        Column(make_text("xlsx.tables.column.other"), "text"),
        Column(make_text("report.column.points")),
        Column(make_text("report.column.interval_all")),
        Column(make_text("report.column.verdict"), "text"),
    )
    notes = tuple(
        make_text("xlsx.tables.long", group=subject.group_name(group)) for group in long_groups
    )
    return Table("tables-pairs", make_text("xlsx.tables.pairs"), columns, rows, notes)


def _list_plans(subject: Subject) -> Iterator[Table]:
    """Yield the lines of the coming plan, or proposals, and the verdicts on earlier plans."""
    lines, judged = subject.figures.plan.records, subject.figures.judged
    cells = [line_cells(subject, line, lines) for line in lines]
    table = _list_lines(subject, subject.figures.plan.kind, lines, line_columns(lines), cells)
    yield replace(table, notes=note_doubts(lines))
    if judged:
        cells = [(*verdict_cells(subject, row), str(row.year)) for row in judged]
        columns = (*verdict_columns(), Column(make_text("xlsx.tables.column.year"), "text"))
        yield _list_lines(subject, "verdicts", judged, columns, cells)


def _list_lines(
    subject: Subject,
    kind: str,
    lines: Sequence[PlanLine | Judged],
    columns: Sequence[Column],
    cells: Sequence[tuple[object, ...]],
) -> Table:
    """List lines with unit, group and id; those of no single unit are of the whole province."""
    names, units = list_marked_names(subject.figures), subject.figures.survey.units
    groups = dict(zip(units["code"], units["group"], strict=True))
    whole = subject.whole_name
    rows = tuple(
        (
            names.get(line.unit, line.unit) if line.unit else whole,
            subject.group_name(groups[line.unit]) if line.unit in groups else "",
            line.id,
            *of_line,
        )
        for line, of_line in zip(lines, cells, strict=True)
    )
    heads = (*UNIT_COLUMNS, Column(make_text("plan.column.id"), "text"), *columns)
    return Table(f"tables-{kind}", make_text(f"xlsx.tables.{kind}"), heads, rows)


def _list_records(subject: Subject) -> Iterator[Table]:
    """Yield every table of the office's records: of units together, of each other kind apart."""
    records = subject.figures.records
    for name in records.tables if records else ():
        rows_by_kind: dict[str, list[RecordRow]] = {}
        for row in records.rows_of(name) if records else ():
            kind = "unit" if row.domain in PLACES else row.domain
            rows_by_kind.setdefault(kind, []).append(row)
        for kind, rows in rows_by_kind.items():
            if columns := list_printed(rows, name):
                caption = make_text(name_caption(name, kind))
                table_id = f"tables-{name}-{kind}"
                yield tabulate_rows(subject, rows, columns, table_id=table_id, caption=caption)


def _list_places(subject: Subject) -> Iterator[Place]:
    """Yield the whole, each group and each unit, in the order of the ranking."""
    figures = subject.figures
    province = figures.survey.wave.province
    whole = make_text("xlsx.all")
    if province.vi or province.en:
        whole = make_text("xlsx.province", province=province)
    yield whole, "", figures.by_variable("all")
    for group in figures.groups:
        name = make_text("xlsx.group", group=subject.group_name(group))
        yield name, subject.group_name(group), figures.by_variable("group", group)
    for group in dict.fromkeys(figures.ranking["group"]):
        for unit in figures.units_in_order(group):
            by_variable = figures.by_variable("unit", unit.unit)
            yield subject.marked_name(unit.unit), subject.group_name(group), by_variable


def _name_variable(subject: Subject, code: str) -> Text | Bilingual:
    """Return the name of a factor, block or item, or of the index."""
    if code == OVERALL:
        return make_text("report.level.overall")
    return subject.item_name(code) if code in subject.pack.items else subject.short_name(code)
