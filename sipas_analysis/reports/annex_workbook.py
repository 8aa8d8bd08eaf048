"""Write annexes and the tables of a report as a workbook that an office opens, filters and prints.

A figure is a number as it was printed (two decimals, rule M6), so that Excel shows 94,59 or 94.59
by its own settings; text is never run as a formula. A hidden last sheet names the figure behind
every number, unrounded, for who checks. The same figures give the same bytes.
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
    Joined,
    Number,
    Picture,
    Table,
    Text,
    make_text,
)
from sipas_analysis.documents.writers.xlsx import Cell, Line, Sheet, write_workbook
from sipas_analysis.figures.published import Figures, PublishedFigure, list_figures
from sipas_analysis.figures.suppression import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language
from sipas_analysis.reports.figure_tables import figure_reference

ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


def write_annexes(figures: Figures, path: Path, language: Language) -> Path:
    """Write the annexes of a decision: a sheet for each group of units, items, and the source.

    Args:
        figures: The figures of a wave; what they hide is shown as hidden (rule P2).
        path: Where the workbook goes, written whole or not at all.
        language: Of all texts; numbers follow the settings of who opens the file.

    Returns:
        The path.
    """
    wave, rows = figures.survey.wave, _AnnexCells(figures)
    sheets = [_group_sheet(rows, k, group) for k, group in enumerate(figures.groups, 1)]
    sheets += [_item_sheet(rows), _source_sheet(rows)]
    decided = wave.decision.date if wave.decision else None
    day = decided or wave.collected.end or date(wave.year, 12, 31)
    return write_workbook(path, sheets, (wave.title, wave.publisher, day), language)


def write_report_tables(document: Document, path: Path, language: Language) -> Path:
    """Write each table of a report, and the data of each picture, as a sheet; first their list.

    Args:
        document: A report, of the province or of a unit.
        path: Where the workbook goes, written whole or not at all.
        language: Of all texts.

    Returns:
        The path.
    """
    tables: dict[str, tuple[object, Table]] = {}
    for section in document.sections:
        for block in section.blocks:
            table = block.data if isinstance(block, Picture) else block
            if isinstance(table, Table):
                tables.setdefault(table.id, (section.title, table))
    listed = tuple(
        (k, Cell(table.caption, link=k), title, table.id)
        for k, (title, table) in enumerate(tables.values(), 1)
    )
    heads = [make_text(f"xlsx.column.{head}") for head in ("no", "table", "chapter", "table_id")]
    first = Sheet(
        make_text("xlsx.sheet.contents"),
        (document.title, document.subtitle),
        (*heads,),
        listed,
        notes=(document.footer,),
        warning=document.banner,
        fixed=2,
    )
    sheets = [_table_sheet(k, table, document) for k, (_, table) in enumerate(tables.values(), 1)]
    own = document.official
    publisher, day = (own.publisher, own.day) if own else ("", date(2000, 1, 1))
    return write_workbook(path, [first, *sheets], (document.title, publisher, day), language)


# ── the annexes of a province


class _AnnexCells:
    """Figures and names by place: ``all``, ``group:code`` or the code of a unit."""

    def __init__(self, figures: Figures) -> None:
        self.figures, self.wave = figures, figures.survey.wave
        self.pack, self.groups = figures.survey.instrument, list_groups(self.wave)
        units = figures.survey.units[["code", "name_vi", "name_en"]]
        self.names = {code: Bilingual(vi=vi, en=en) for code, vi, en in units.to_numpy()}
        self.found: dict[str, dict[str, PublishedFigure]] = {}
        for one in list_figures(figures.scores):
            place = one.unit or (f"group:{one.group}" if one.group else "all")
            self.found.setdefault(place, {})[one.variable] = one

    def figure(self, place: str, code: str) -> Cell:
        """Return a figure as it may be printed, and marked as reports mark it."""
        one = self.found[place][code]
        if one.flag == SUPPRESS and one.n_valid > 0:
            return Cell(make_text("report.suppressed"))
        home = figure_reference(one, "printed") if one.is_known else None
        number, mark = (
            Number(one.printed or None, figure=home),
            "†" if one.flag == "caution" else "",
        )
        return Cell(number, self.pack.index.decimals, mark)

    def ends(self, place: str) -> list[Cell]:
        """Return the two ends of the interval of the overall index, and the number of forms."""
        one = self.found[place][OVERALL]
        ends = Interval(one.low, one.high, 1, one.id).ends()
        return [Cell(it) for it in (*ends, Number(one.n, figure=figure_reference(one, "n")))]

    def wholes(self, groups: Sequence[str]) -> list[tuple[str, object]]:
        """Return place and name of the province and of some groups."""
        whole = make_text("xlsx.all")
        if self.wave.province.vi or self.wave.province.en:
            whole = make_text("xlsx.province", province=self.wave.province)
        named = [(f"group:{it}", make_text("xlsx.group", group=self.groups[it])) for it in groups]
        return [("all", whole), *named]

    def named(self, code: str) -> Bilingual:
        """Return the short text of a factor, block or item in both languages."""
        return Bilingual(vi=self.pack.label_of(code, "vi"), en=self.pack.label_of(code, "en"))


def _group_sheet(rows: _AnnexCells, k: int, group: str) -> Sheet:
    """List the units of one group in the order of the ranking, below the whole and the group."""
    pack, wave = rows.pack, rows.wave
    parts, named = [*pack.factors, *pack.blocks], rows.groups[group]

    def line(no: object, name: object, place: str) -> Line:
        cells = [rows.figure(place, code) for code in (*parts, OVERALL)]
        return (no, name, *cells, *rows.ends(place))

    top = tuple((*line("", it, place), *[""] * 4) for place, it in rows.wholes([group]))
    body = tuple(
        (*line(k, rows.names[one.unit], one.unit), *_rank_cells(one, pack.index.min_forms))
        for k, one in enumerate(rows.figures.units_in_order(group), 1)
    )
    ids = (
        "xlsx.column.low",
        "xlsx.column.high",
        "report.column.forms",
        "report.column.rank",
        "report.column.places",
        "report.column.letter",
        "xlsx.column.reason",
    )
    heads = (
        make_text("xlsx.column.no"),
        make_text("report.column.unit"),
        *map(rows.named, parts),
        make_text("report.level.overall"),
        *map(make_text, ids),
    )
    roman = _roman_number(k)
    titles = (
        make_text("xlsx.annex", roman=roman, group=named),
        wave.title,
        *_state_attachment(wave),
    )
    name = make_text("xlsx.sheet.annex", roman=roman, group=named)
    return Sheet(name, titles, heads, body, top, _explain_marks(), _synthetic_banner(wave), fixed=2)


def _rank_cells(one: PublishedFigure, min_forms: int) -> Line:
    """Return rank, places, letter, and why there are none."""
    if one.rank is None:
        why = make_text(f"report.rank.reason.{one.reason}", min_forms=min_forms, n=one.n_valid)
        return (None, None, None, why)
    places = make_text("report.places", low=one.rank_low, high=one.rank_high)
    return (Number(one.rank, figure=figure_reference(one, "rank")), places, one.letter or None, "")


def _item_sheet(rows: _AnnexCells) -> Sheet:
    """List every item by unit; the wordings stand below."""
    figures, pack = rows.figures, rows.pack

    def line(no: object, name: object, of: object, place: str) -> Line:
        return (
            no,
            name,
            of,
            *(rows.figure(place, code) for code in pack.items),
            rows.ends(place)[-1],
        )

    top = tuple(line("", it, "", place) for place, it in rows.wholes(figures.groups))
    units = [
        (one.unit, rows.groups[it]) for it in figures.groups for one in figures.units_in_order(it)
    ]
    body = tuple(line(k, rows.names[it], of, it) for k, (it, of) in enumerate(units, 1))
    marks = {code: "" if it.status == "sourced" else "*" for code, it in pack.items.items()}
    first = [
        make_text("xlsx.column.no"),
        make_text("report.column.unit"),
        make_text("xlsx.column.group"),
    ]
    heads = (
        *first,
        *(code + mark for code, mark in marks.items()),
        make_text("report.column.forms"),
    )
    wordings = [
        make_text("report.coded", code=code, mark=mark, name=rows.named(code))
        for code, mark in marks.items()
    ]
    unsure = [make_text("report.items.mark")] if any(marks.values()) else []
    titles = (make_text("xlsx.items"), rows.wave.title)
    return Sheet(
        make_text("xlsx.sheet.items"),
        titles,
        heads,
        body,
        top,
        (*wordings, *unsure, *_explain_marks()[:2]),
        _synthetic_banner(rows.wave),
        fixed=2,
    )


def _source_sheet(rows: _AnnexCells) -> Sheet:
    """Say what the figures are, by which rule they were made and how to read the marks."""
    survey, wave, pack = rows.figures.survey, rows.wave, rows.pack
    start, end = wave.collected.start, wave.collected.end
    limits = {"min_forms": pack.index.min_forms, "min_cell": wave.min_cell}
    title, status = pack.title, make_text(f"status.{pack.status}")
    facts: list[tuple[str, object]] = [
        ("wave", wave.id),
        ("title", wave.title),
        ("publisher", wave.publisher),
        ("data", make_text("report.synthetic" if wave.is_synthetic else "xlsx.collected")),
        ("decision", _describe_decision(wave)),
        (
            "when",
            make_text("report.method.fieldwork", start=start, end=end) if start or end else None,
        ),
        ("forms", make_text("xlsx.forms", n=len(survey.frame), n_read=survey.n_read)),
        (
            "instrument",
            make_text("report.basis.instrument", source=pack.source, title=title, status=status),
        ),
        *(("rule", _describe_rule(rows, level)) for level, _ in pack.rules_by_level()),
        ("limits", Text("report.method.rank", limits)),
        ("interval", make_text("report.method.interval")),
        ("rounding", make_text("xlsx.rounding", decimals=pack.index.decimals)),
        *(("marks", mark) for mark in _explain_marks()),
        ("ids", make_text("xlsx.ids")),
        ("program", f"sipas_analysis {__version__}"),
    ]
    lines = tuple((make_text(f"xlsx.fact.{name}"), said) for name, said in facts)
    heads = (make_text("report.column.fact"), make_text("report.column.stands"))
    titles = (make_text("xlsx.source"), wave.title)
    return Sheet(
        make_text("xlsx.sheet.source"), titles, heads, lines, warning=_synthetic_banner(wave)
    )


def _describe_rule(rows: _AnnexCells, level: str) -> Text:
    """Say the rule of a level with its status."""
    rule = dict(rows.pack.rules_by_level())[level]
    weights = [
        make_text("report.rule.weight", name=rows.named(code), weight=Number(f"{weight:g}"))
        for code, weight in rule.weights.items()
    ]
    stated = make_text(f"report.rule.{rule.rule}", weights=Joined(weights))
    name, status = make_text(f"report.level.{level}"), make_text(f"status.{rule.status}")
    return make_text("report.rule.of", level=name, rule=stated, status=status)


def _describe_decision(wave: Wave) -> Text:
    """Name the decision, or say that there is none."""
    decided = wave.decision
    if decided is None:
        return make_text("report.basis.no_decision")
    status = make_text(f"status.{decided.status}")
    number, day = decided.number, decided.date
    return make_text("report.basis.decision", number=number, date=day, status=status)


def _state_attachment(wave: Wave) -> list[Text]:
    """Say to which decision an annex belongs; what is not sure is left to be filled in."""
    decided = wave.decision
    if wave.is_synthetic:
        return []
    if decided is None or decided.status != "sourced" or decided.date is None:
        return [make_text("xlsx.attached_blank")]
    return [make_text("xlsx.attached", number=decided.number, date=decided.date)]


def _synthetic_banner(wave: Wave) -> Text | None:
    return make_text("report.synthetic") if wave.is_synthetic else None


def _explain_marks() -> tuple[Text, ...]:
    """Say what the marks mean; the first two hold for every figure."""
    hidden = make_text("xlsx.hidden", word=make_text("report.suppressed"))
    return (make_text("report.caution_note"), hidden, make_text("report.ranking.read"))


def _roman_number(number: int) -> str:
    if number == 0:
        return ""
    value, sign = next(one for one in ROMAN if one[0] <= number)
    return sign + _roman_number(number - value)


# ── the tables of a report


def _table_sheet(k: int, table: Table, document: Document) -> Sheet:
    """Return a table of a report as a sheet; an interval takes two columns."""
    wide = [
        any(isinstance(row[c], Interval) for row in table.rows) for c in range(len(table.columns))
    ]
    heads = [
        [make_text(f"xlsx.{end}", name=column.label) for end in ("from", "to")]
        if two
        else [column.label]
        for column, two in zip(table.columns, wide, strict=True)
    ]
    rows = [
        chain.from_iterable(
            _split_interval(it) if two else [it] for it, two in zip(row, wide, strict=True)
        )
        for row in table.rows
    ]
    name = make_text("xlsx.sheet.table", k=str(k), caption=table.caption)
    return Sheet(
        name,
        (table.caption, document.title),
        (*chain.from_iterable(heads),),
        tuple(map(tuple, rows)),
        notes=table.notes,
        warning=document.banner,
    )


def _split_interval(value: object) -> list[object]:
    if not isinstance(value, Interval):
        return [value, None]
    return [*value.ends()]
