"""Write the annexes of a decision as a workbook that an office opens, filters and prints.

A figure is a number as it was printed (two decimals, rule M6), so that Excel shows 94,59 or 94.59
by its own settings; text is never run as a formula. A hidden last sheet names the figure behind
every number, unrounded, for an auditor. The same figures give the same bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from sipas_analysis import __version__
from sipas_analysis.collect.units import list_groups
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import (
    Column,
    Interval,
    Number,
    Text,
    make_text,
)
from sipas_analysis.documents.writers.xlsx import Line, Sheet, write_workbook
from sipas_analysis.figures.published import Figures, PublishedFigure, list_figures
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.opening import (
    describe_decision,
    describe_fieldwork,
    describe_instrument,
    describe_rule,
)
from sipas_analysis.reports.chapters.ranking import print_rank_range
from sipas_analysis.reports.chapters.unit_tables import mark_change
from sipas_analysis.reports.figure_tables import (
    caution_notes,
    change_cells,
    change_columns,
    estimate_cells,
    explain_no_rank,
    find_change,
    interval_cell,
    number_cell,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.rounded_ends import NOTE, are_rounded
from sipas_analysis.reports.subject import Subject, list_marked_names, name_item

LAST_HEADERS = (
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
    sheets += [_item_sheet(cells), *_change_sheets(cells), _source_sheet(figures)]
    return write_workbook(path, sheets, (wave.title, wave.publisher, wave.document_day), language)


class _AnnexCells:
    """The cells of the annexes, by domain: ``all``, ``group:code`` or the code of a unit."""

    def __init__(self, figures: Figures) -> None:
        self.figures, self.wave = figures, figures.survey.wave
        self.subject, self.groups = Subject(figures), list_groups(self.wave)
        self.pack = figures.survey.instrument
        self.parts = [*self.pack.factors, *self.pack.blocks, OVERALL]
        self.unit_names = list_marked_names(figures)
        self.by_domain: dict[str, dict[str, PublishedFigure]] = {}
        for figure in list_figures(figures.scores):
            domain = figure.unit or (f"group:{figure.group}" if figure.group else "all")
            self.by_domain.setdefault(domain, {})[figure.variable] = figure

    def forms_cell(self, domain: str) -> Number:
        """Return the number of forms."""
        return number_cell(self.by_domain[domain][OVERALL], "n")

    def name_parts(self, codes: Sequence[str]) -> list[object]:
        """Return the names of factors, blocks and the index, as heads of columns."""
        index = make_text("report.level.overall")
        return [index if code == OVERALL else self.subject.short_name(code) for code in codes]

    def name_wholes(self, groups: Sequence[str]) -> list[tuple[str, object]]:
        """Return domain and name of the province and of some groups."""
        province: object = make_text("xlsx.all")
        if self.wave.province.vi or self.wave.province.en:
            province = make_text("xlsx.province", province=self.wave.province)
        names = [make_text("xlsx.group", group=self.groups[group]) for group in groups]
        domains = [f"group:{group}" for group in groups]
        return [("all", province), *zip(domains, names, strict=True)]

    def list_units(self) -> list[tuple[str, object]]:
        """Return every unit with the name of its group, in the order of the ranking."""
        return [
            (figure.unit, self.groups[group])
            for group in self.figures.groups
            for figure in self.figures.units_in_order(group)
        ]

    def explain_units(self, *groups: str) -> tuple[Text, ...]:
        """Explain the marks of the units of some groups."""
        ordered = map(self.figures.units_in_order, groups)
        return self.subject.explain_marks(figure.unit for figure in chain(*ordered))


def _build_group_annex(cells: _AnnexCells, number: int, group: str) -> Sheet:
    """List the units of one group in the order of the ranking, below the whole and the group."""
    wave, group_name = cells.wave, cells.groups[group]
    units, wholes = cells.figures.units_in_order(group), cells.name_wholes([group])
    domains = [*(domain for domain, _ in wholes), *(unit.unit for unit in units)]
    listed = [cells.by_domain[domain][code] for domain in domains for code in cells.parts]
    has_changes = any(find_change(cells.subject, index).is_known for index in listed)

    def make_line(number: object, name: object, domain: str) -> Line:
        values = [_print_value(cells.by_domain[domain][code]) for code in cells.parts]
        index = cells.by_domain[domain][OVERALL]
        change = change_cells(cells.subject, index) if has_changes else ()
        ends = (*interval_cell(index).ends(), *_split_intervals(change))
        return (number, name, *values, *ends, cells.forms_cell(domain))

    top = [(*make_line("", name, domain), *[""] * 4) for domain, name in wholes]
    body = [
        (
            *make_line(position, cells.unit_names[unit.unit], unit.unit),
            *_rank_cells(cells.subject, unit),
        )
        for position, unit in enumerate(units, 1)
    ]
    roman = _roman_number(number)
    names = {"roman": roman, "group": group_name, "name": cells.subject.measure_name}
    note = make_text("report.ranking.note")
    rounded = [NOTE] if are_rounded(chain(*top, *body), cells.figures) else []
    return Sheet(
        make_text("xlsx.sheet.annex", roman=roman),
        (make_text("xlsx.annex", **names), wave.title, *_state_attachment(wave)),
        _head_group_annex(cells, listed),
        tuple(body),
        tuple(top),
        (*_explain_marks(listed), note, *rounded, *cells.explain_units(group)),
        _synthetic_banner(wave),
        fixed=2,
    )


def _head_group_annex(cells: _AnnexCells, listed: Sequence[PublishedFigure]) -> Line:
    """Return the heads of the columns of an annex."""
    changes = change_columns(cells.subject, listed)
    return (
        make_text("xlsx.column.no"),
        make_text("report.column.unit"),
        *cells.name_parts(cells.parts),
        make_text("xlsx.column.low"),
        make_text("xlsx.column.high"),
        *_split_heads(changes),
        *map(make_text, LAST_HEADERS),
    )


def _split_intervals(change: Sequence[object]) -> list[object]:
    """Return last year's value, the change, both ends of its interval, and the verdict."""
    if not change:
        return []
    before, value, interval, verdict = change
    ends = interval.ends() if isinstance(interval, Interval) else (None, None)
    return [before, value, *ends, verdict]


def _split_heads(changes: Sequence[Column]) -> list[object]:
    """Return the heads of these columns."""
    if not changes:
        return []
    before, value, interval, verdict = (column.label for column in changes)
    ends = [make_text(f"xlsx.{end}", name=interval) for end in ("from", "to")]
    return [before, value, *ends, verdict]


def _rank_cells(subject: Subject, figure: PublishedFigure) -> Line:
    """Return rank, rank range, letter, and the reason where there is no rank."""
    if figure.rank is None:
        return (None, None, None, explain_no_rank(subject, figure))
    rank_range = print_rank_range(figure)
    return (number_cell(figure, "rank"), rank_range, figure.letter or None, "")


def _item_sheet(cells: _AnnexCells) -> Sheet:
    """List every item by unit; the wordings are below the table."""
    figures, pack = cells.figures, cells.pack
    marks = {code: "*" if pack.is_unattributed(code) else "" for code in pack.items}
    wordings = [
        name_item(pack, code, is_marked=True)
        for code in pack.items
        if pack.label_of(code, "vi") != code
    ]
    mark_note = [make_text("report.items.mark")] if any(marks.values()) else []
    heads = [code + mark for code, mark in marks.items()]
    listed = cells.by_domain.values()
    marks_of_figures = _explain_marks(figures[code] for figures in listed for code in pack.items)
    name = cells.subject.measure_name
    return Sheet(
        make_text("xlsx.sheet.items"),
        (make_text("xlsx.items", name=name), cells.wave.title),
        *_list_by_unit(cells, heads, [*pack.items], _print_value),
        (*wordings, *mark_note, *marks_of_figures, *cells.explain_units(*figures.groups)),
        _synthetic_banner(cells.wave),
        fixed=2,
    )


def _print_value(figure: PublishedFigure) -> object:
    """Return a figure as it may be printed, with the same mark as in reports."""
    return estimate_cells(figure)[0]


def _change_sheets(cells: _AnnexCells) -> list[Sheet]:
    """List the change of the index and of every factor by unit; no sheet if nothing compares."""
    last_year = cells.figures.last_year
    listed = [figure for figures in cells.by_domain.values() for figure in figures.values()]
    if last_year is None or not change_columns(cells.subject, listed):
        return []
    mark = partial(mark_change, cells.subject)
    titles = (make_text("xlsx.changes", year=last_year.year), cells.wave.title)
    notes = (make_text("annex.changes_note"), *cells.explain_units(*cells.figures.groups))
    return [
        Sheet(
            make_text("xlsx.sheet.changes", year=last_year.year),
            titles,
            *_list_by_unit(cells, cells.name_parts(cells.parts), cells.parts, mark),
            notes,
            _synthetic_banner(cells.wave),
            fixed=2,
        )
    ]


def _list_by_unit(
    cells: _AnnexCells,
    heads: Sequence[object],
    codes: Sequence[str],
    make_cell: Callable[[PublishedFigure], object],
) -> tuple[Line, tuple[Line, ...], tuple[Line, ...]]:
    """Return the heads, the units and the rows above them of a table with a column for each code.

    The rows above are the whole and its groups.
    """

    def make_line(number: object, name: object, group: object, domain: str) -> Line:
        values = [make_cell(cells.by_domain[domain][code]) for code in codes]
        return (number, name, group, *values, cells.forms_cell(domain))

    wholes = cells.name_wholes(cells.figures.groups)
    top = tuple(make_line("", name, "", domain) for domain, name in wholes)
    body = tuple(
        make_line(position, cells.unit_names[unit], group, unit)
        for position, (unit, group) in enumerate(cells.list_units(), 1)
    )
    first = (make_text("xlsx.column.no"), make_text("report.column.unit"))
    last = make_text("report.column.forms")
    return (*first, make_text("xlsx.column.group"), *heads, last), body, top


def _source_sheet(figures: Figures) -> Sheet:
    """Explain the figures, their rule and the marks."""
    wave, pack = figures.survey.wave, figures.survey.instrument
    subject = Subject(figures)
    rules = [describe_rule(subject, level) for level, _ in pack.rules_by_level()]
    limits = {name: number_of(subject, f"setting:{name}") for name in ("min_forms", "min_cell")}
    n_kept, n_read = (number_of(subject, f"forms:{which}") for which in ("kept", "read"))
    facts: list[tuple[str, object]] = [
        ("wave", wave.id),
        ("title", wave.title),
        ("publisher", wave.publisher),
        ("data", make_text("report.synthetic" if wave.is_synthetic else "xlsx.collected")),
        *([("decision", describe_decision(wave))] if wave.decision or not pack.is_own else []),
        ("when", describe_fieldwork(wave)),
        ("forms", make_text("xlsx.forms", n=n_kept, n_read=n_read)),
        ("instrument", describe_instrument(pack)),
        *(("rule", rule) for rule in rules),
        ("limits", make_text("report.method.rank", **limits)),
        ("interval", make_text("report.method.interval")),
        ("rounding", make_text("xlsx.rounding", decimals=pack.index.decimals)),
        *(("marks", mark) for mark in _explain_marks(list_figures(figures.scores))),
        ("marks", make_text("report.ranking.note")),
        ("ids", make_text("xlsx.ids")),
        ("program", f"sipas_analysis {__version__}"),
    ]
    lines = tuple((make_text(f"xlsx.fact.{name}"), fact) for name, fact in facts)
    headers = (make_text("report.column.fact"), make_text("report.column.stands"))
    titles, name = (make_text("xlsx.source"), wave.title), make_text("xlsx.sheet.source")
    return Sheet(name, titles, headers, lines, warning=_synthetic_banner(wave))


def _state_attachment(wave: Wave) -> list[Text]:
    """State the decision of an annex; unknown parts are left to be filled in.

    The sheet of the source says whether the decision is verified.
    """
    decision = wave.decision
    if wave.is_synthetic:
        return []
    if decision is None or decision.date is None:
        return [make_text("xlsx.attached_blank")]
    return [make_text("xlsx.attached", number=decision.number, date=decision.date)]


def _synthetic_banner(wave: Wave) -> Text | None:
    return make_text("report.synthetic") if wave.is_synthetic else None


def _explain_marks(figures: Iterable[PublishedFigure]) -> tuple[Text, ...]:
    """Explain the marks that some of these figures have."""
    listed = list(figures)
    is_blank = any(figure.is_hidden or not figure.is_known for figure in listed)
    hidden = make_text("xlsx.hidden", word=make_text("report.suppressed"))
    cautions = caution_notes([("", figure) for figure in listed])
    return (*cautions, *((hidden,) if is_blank else ()))


def _roman_number(number: int) -> str:
    if number == 0:
        return ""
    value, sign = next(step for step in ROMAN if step[0] <= number)
    return sign + _roman_number(number - value)
