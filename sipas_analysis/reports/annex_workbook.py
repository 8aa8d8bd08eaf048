"""Write annexes and the tables of a report as a workbook that an office opens, filters and prints.

A figure is a number as it was printed (two decimals, rule M6), so that Excel shows 94,59 or 94.59
by its own settings; text is never run as a formula. A hidden last sheet names the figure behind
every number, unrounded, for an auditor. The same figures give the same bytes.
"""

from collections.abc import Sequence
from datetime import date
from itertools import chain
from pathlib import Path

from sipas_analysis import __version__
from sipas_analysis.collect.units import list_groups
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import (
    Document,
    Interval,
    Number,
    Picture,
    Table,
    Text,
    make_text,
)
from sipas_analysis.documents.writers.xlsx import Cell, Line, Sheet, write_workbook
from sipas_analysis.figures.published import Figures, PublishedFigure, list_figures
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.opening import (
    describe_decision,
    describe_fieldwork,
    describe_instrument,
    describe_rule,
)
from sipas_analysis.reports.figure_tables import figure_reference
from sipas_analysis.reports.subject import Subject, list_marked_names

LAST_HEADERS = (
    "xlsx.column.low",
    "xlsx.column.high",
    "report.column.forms",
    "report.column.rank",
    "report.column.places",
    "report.column.letter",
    "xlsx.column.reason",
)
ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


def write_annexes(figures: Figures, path: Path, language: Language) -> Path:
    """Write the annexes of a decision: a sheet for each group of units, items, and the source.

    Args:
        figures: The figures of a wave; what they hide is shown as hidden (rule P2).
        path: File of the workbook, written whole or not at all.
        language: Language of all texts; numbers follow the settings of the reader's Excel.

    Returns:
        The path.
    """
    wave, cells = figures.survey.wave, _AnnexCells(figures)
    sheets = [
        _build_group_annex(cells, number, group) for number, group in enumerate(figures.groups, 1)
    ]
    sheets += [_item_sheet(cells), _source_sheet(figures)]
    return write_workbook(path, sheets, (wave.title, wave.publisher, wave.document_day), language)


def write_report_tables(document: Document, path: Path, language: Language) -> Path:
    """Write each table of a report, and the data of each picture, as a sheet; first their list.

    Args:
        document: A report, of the province or of a unit.
        path: File of the workbook, written whole or not at all.
        language: Language of all texts.

    Returns:
        The path.
    """
    tables: dict[str, tuple[object, Table]] = {}
    for section in document.sections:
        for block in section.blocks:
            table = block.data if isinstance(block, Picture) else block
            if isinstance(table, Table):
                tables.setdefault(table.id, (section.title, table))
    contents = _contents_sheet(document, [*tables.values()])
    sheets = [
        _table_sheet(number, table, document)
        for number, (_, table) in enumerate(tables.values(), 1)
    ]
    official = document.official
    publisher, day = (official.publisher, official.day) if official else ("", date(2000, 1, 1))
    return write_workbook(path, [contents, *sheets], (document.title, publisher, day), language)


# ── the annexes of a province


class _AnnexCells:
    """The cells of the annexes, by domain: ``all``, ``group:code`` or the code of a unit."""

    def __init__(self, figures: Figures) -> None:
        self.figures, self.wave = figures, figures.survey.wave
        self.pack, self.groups = figures.survey.instrument, list_groups(self.wave)
        self.unit_names = list_marked_names(figures)
        self.by_domain: dict[str, dict[str, PublishedFigure]] = {}
        for figure in list_figures(figures.scores):
            domain = figure.unit or (f"group:{figure.group}" if figure.group else "all")
            self.by_domain.setdefault(domain, {})[figure.variable] = figure

    def percent_cell(self, domain: str, code: str) -> Cell:
        """Return a percentage as it may be printed, with the same mark as in reports."""
        figure = self.by_domain[domain][code]
        if figure.is_hidden:
            return Cell(make_text("report.suppressed"))
        reference = figure_reference(figure, "printed") if figure.is_known else None
        number = Number(figure.printed or None, figure=reference)
        return Cell(number, self.pack.index.decimals, "†" if figure.flag == "caution" else "")

    def interval_cells(self, domain: str) -> list[Cell]:
        """Return the two ends of the interval of the overall index."""
        figure = self.by_domain[domain][OVERALL]
        return [Cell(end) for end in Interval(figure.low, figure.high, 1, figure.id).ends()]

    def forms_cell(self, domain: str) -> Cell:
        """Return the number of forms."""
        figure = self.by_domain[domain][OVERALL]
        return Cell(Number(figure.n, figure=figure_reference(figure, "n")))

    def name_wholes(self, groups: Sequence[str]) -> list[tuple[str, object]]:
        """Return domain and name of the province and of some groups."""
        province: object = make_text("xlsx.all")
        if self.wave.province.vi or self.wave.province.en:
            province = make_text("xlsx.province", province=self.wave.province)
        names = [make_text("xlsx.group", group=self.groups[group]) for group in groups]
        domains = [f"group:{group}" for group in groups]
        return [("all", province), *zip(domains, names, strict=True)]

    def explain_units(self, *groups: str) -> tuple[Text, ...]:
        """Explain the marks of the units of some groups."""
        ordered = map(self.figures.units_in_order, groups)
        return Subject(self.figures).explain_marks(figure.unit for figure in chain(*ordered))

    def short_name(self, code: str) -> Bilingual:
        """Return the short text of a factor, block or item in both languages."""
        return Bilingual(vi=self.pack.label_of(code, "vi"), en=self.pack.label_of(code, "en"))


def _build_group_annex(cells: _AnnexCells, number: int, group: str) -> Sheet:
    """List the units of one group in the order of the ranking, below the whole and the group."""
    pack, wave, group_name = cells.pack, cells.wave, cells.groups[group]
    parts = [*pack.factors, *pack.blocks]

    def make_line(number: object, name: object, domain: str) -> Line:
        percents = [cells.percent_cell(domain, code) for code in (*parts, OVERALL)]
        ends = cells.interval_cells(domain)
        return (number, name, *percents, *ends, cells.forms_cell(domain))

    top = [(*make_line("", name, domain), *[""] * 4) for domain, name in cells.name_wholes([group])]
    units = enumerate(cells.figures.units_in_order(group), 1)
    body = [
        (
            *make_line(position, cells.unit_names[figure.unit], figure.unit),
            *_rank_cells(figure, pack.index.min_forms),
        )
        for position, figure in units
    ]
    headers = (
        make_text("xlsx.column.no"),
        make_text("report.column.unit"),
        *map(cells.short_name, parts),
        make_text("report.level.overall"),
        *map(make_text, LAST_HEADERS),
    )
    roman = _roman_number(number)
    title = make_text("xlsx.annex", roman=roman, group=group_name)
    return Sheet(
        make_text("xlsx.sheet.annex", roman=roman, group=group_name),
        (title, wave.title, *_state_attachment(wave)),
        headers,
        tuple(body),
        tuple(top),
        (*_explain_marks(), *cells.explain_units(group)),
        _synthetic_banner(wave),
        fixed=2,
    )


def _rank_cells(figure: PublishedFigure, min_forms: int) -> Line:
    """Return rank, rank range, letter, and the reason where there is no rank."""
    if figure.rank is None:
        reason = f"report.rank.reason.{figure.reason}"
        return (None, None, None, make_text(reason, min_forms=min_forms, n=figure.n_valid))
    rank = Number(figure.rank, figure=figure_reference(figure, "rank"))
    rank_range = make_text("report.places", low=figure.rank_low, high=figure.rank_high)
    return (rank, rank_range, figure.letter or None, "")


def _item_sheet(cells: _AnnexCells) -> Sheet:
    """List every item by unit; the wordings are below the table."""
    figures, pack = cells.figures, cells.pack

    def make_line(number: object, name: object, group: object, domain: str) -> Line:
        percents = [cells.percent_cell(domain, code) for code in pack.items]
        return (number, name, group, *percents, cells.forms_cell(domain))

    wholes = cells.name_wholes(figures.groups)
    top = tuple(make_line("", name, "", domain) for domain, name in wholes)
    units = [
        (figure.unit, cells.groups[group])
        for group in figures.groups
        for figure in figures.units_in_order(group)
    ]
    body = tuple(
        make_line(position, cells.unit_names[unit], group, unit)
        for position, (unit, group) in enumerate(units, 1)
    )
    marks = {code: "*" if pack.is_unattributed(code) else "" for code in pack.items}
    headers = (
        make_text("xlsx.column.no"),
        make_text("report.column.unit"),
        make_text("xlsx.column.group"),
        *(code + mark for code, mark in marks.items()),
        make_text("report.column.forms"),
    )
    wordings = [
        make_text("report.coded", code=code, mark=mark, name=cells.short_name(code))
        for code, mark in marks.items()
    ]
    mark_note = [make_text("report.items.mark")] if any(marks.values()) else []
    return Sheet(
        make_text("xlsx.sheet.items"),
        (make_text("xlsx.items"), cells.wave.title),
        headers,
        body,
        top,
        (*wordings, *mark_note, *_explain_marks()[:2], *cells.explain_units(*figures.groups)),
        _synthetic_banner(cells.wave),
        fixed=2,
    )


def _source_sheet(figures: Figures) -> Sheet:
    """Explain the figures, their rule and the marks."""
    survey, wave, pack = figures.survey, figures.survey.wave, figures.survey.instrument
    rules = [describe_rule(Subject(figures), level) for level, _ in pack.rules_by_level()]
    limits = {"min_forms": pack.index.min_forms, "min_cell": wave.min_cell}
    facts: list[tuple[str, object]] = [
        ("wave", wave.id),
        ("title", wave.title),
        ("publisher", wave.publisher),
        ("data", make_text("report.synthetic" if wave.is_synthetic else "xlsx.collected")),
        ("decision", describe_decision(wave)),
        ("when", describe_fieldwork(wave)),
        ("forms", make_text("xlsx.forms", n=len(survey.frame), n_read=survey.n_read)),
        ("instrument", describe_instrument(pack)),
        *(("rule", rule) for rule in rules),
        ("limits", make_text("report.method.rank", **limits)),
        ("interval", make_text("report.method.interval")),
        ("rounding", make_text("xlsx.rounding", decimals=pack.index.decimals)),
        *(("marks", mark) for mark in _explain_marks()),
        ("ids", make_text("xlsx.ids")),
        ("program", f"sipas_analysis {__version__}"),
    ]
    lines = tuple((make_text(f"xlsx.fact.{name}"), fact) for name, fact in facts)
    headers = (make_text("report.column.fact"), make_text("report.column.stands"))
    titles, name = (make_text("xlsx.source"), wave.title), make_text("xlsx.sheet.source")
    return Sheet(name, titles, headers, lines, warning=_synthetic_banner(wave))


def _state_attachment(wave: Wave) -> list[Text]:
    """State the decision of an annex; unknown parts are left to be filled in."""
    decision = wave.decision
    if wave.is_synthetic:
        return []
    if decision is None or decision.status != "sourced" or decision.date is None:
        return [make_text("xlsx.attached_blank")]
    return [make_text("xlsx.attached", number=decision.number, date=decision.date)]


def _synthetic_banner(wave: Wave) -> Text | None:
    return make_text("report.synthetic") if wave.is_synthetic else None


def _explain_marks() -> tuple[Text, ...]:
    """Explain the marks; the first two apply to every figure."""
    hidden = make_text("xlsx.hidden", word=make_text("report.suppressed"))
    return (make_text("report.caution_note"), hidden, make_text("report.ranking.read"))


def _roman_number(number: int) -> str:
    if number == 0:
        return ""
    value, sign = next(step for step in ROMAN if step[0] <= number)
    return sign + _roman_number(number - value)


# ── the tables of a report


def _contents_sheet(document: Document, tables: Sequence[tuple[object, Table]]) -> Sheet:
    """List the tables with their chapters; each caption leads to its sheet."""
    lines = tuple(
        (number, Cell(table.caption, link=number), chapter, table.id)
        for number, (chapter, table) in enumerate(tables, 1)
    )
    names = ("no", "table", "chapter", "table_id")
    return Sheet(
        make_text("xlsx.sheet.contents"),
        (document.title, document.subtitle),
        tuple(make_text(f"xlsx.column.{name}") for name in names),
        lines,
        notes=(document.footer,),
        warning=document.banner,
        fixed=2,
    )


def _table_sheet(number: int, table: Table, document: Document) -> Sheet:
    """Return a table of a report as a sheet; an interval takes two columns."""
    holds_intervals = [
        any(isinstance(row[position], Interval) for row in table.rows)
        for position in range(len(table.columns))
    ]
    headers: list[object] = []
    for column, is_wide in zip(table.columns, holds_intervals, strict=True):
        if is_wide:
            headers += [make_text(f"xlsx.{end}", name=column.label) for end in ("from", "to")]
        else:
            headers.append(column.label)
    rows = []
    for row in table.rows:
        cells = zip(row, holds_intervals, strict=True)
        rows.append((*chain.from_iterable(_split_cell(cell, is_wide) for cell, is_wide in cells),))
    return Sheet(
        make_text("xlsx.sheet.table", k=str(number), caption=table.caption),
        (table.caption, document.title),
        tuple(headers),
        tuple(rows),
        notes=table.notes,
        warning=document.banner,
    )


def _split_cell(cell: object, is_wide: bool) -> list[object]:
    """Return a cell for one column, or the two ends of its interval for two."""
    if not is_wide:
        return [cell]
    return [*cell.ends()] if isinstance(cell, Interval) else [cell, None]
