"""Find the lines of a plan in a file: its sheet, its header in any order, the text of each cell.

A plan went through the hands of many officers. Sorted rows, filters, comments, colours and columns
of their own change nothing; whatever could turn a line into another line is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.tables import is_number_row
from sipas_analysis.errors import Place, PlanError, SipasError
from sipas_analysis.messages import LANGUAGES, say
from sipas_analysis.sheets.reader import Sheet, name_column_letter, read_sheets
from sipas_analysis.sheets.texts import plain_text, tidy_text

# Columns in the order of a written file; those that a reader may not leave out are marked.
FILE_COLUMNS: Mapping[str, bool] = {
    "id": True,
    "unit": True,
    "unit_name": False,
    "item": True,
    "item_name": False,
    "task": True,
    "owner": True,
    "due": True,
    "budget": True,
    "indicator": True,
    "baseline": False,
    "low": False,
    "high": False,
    "target": True,
    "detectable": False,
    "n_needed": False,
    "status": True,
    "note": True,
    "remark": True,
    "measure": True,
    "factor": False,
    "n": False,
    "wave": True,
}
# What is computed from the survey, with its decimals in the file.
COMPUTED: Mapping[str, int] = {"baseline": 2, "low": 2, "high": 2, "detectable": 2, "n": 0}
OF_A_LINE = ("id", "unit", "indicator", "status")  # a total or a signature has one of them at most
LEAST_HEADERS = 6  # a row with so many names of columns is the header of a plan
HEADER_ROWS = 30  # the header is among the first rows
RISKY = ("'=", "'+", "'-", "'@")  # an apostrophe that keeps a text from being a formula


@dataclass
class PlanSheet:
    """The lines of a plan as text, and what is wrong with the sheet itself.

    Attributes:
        sheet: The sheet that holds the plan.
        header: Number of the row with the names of the columns.
        columns: Position of each column, from 0.
        headers: Header of each column, as it is written.
        ignored: Headers of columns that are not of a plan.
        lines: Text of each cell, by row and column.
        errors: What must be corrected.
    """

    sheet: Sheet
    header: int
    columns: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    lines: dict[int, dict[str, str]] = field(default_factory=dict)
    errors: list[SipasError] = field(default_factory=list)

    def place(self, row: int, column: str, value: str | None = None) -> Place:
        """Return the place of a cell, with its text if no other value is given."""
        shown = self.lines.get(row, {}).get(column, "") if value is None else value
        header = self.headers.get(column, column)
        letter = name_column_letter(self.columns[column]) if column in self.columns else ""
        return Place(self.sheet.file, row, header, shown, self.sheet.name, letter)

    def refuse(self, message_id: str, row: int, column: str, /, **fields: object) -> None:
        """Note a cell that must be corrected."""
        self.errors.append(PlanError(message_id, [self.place(row, column)], **fields))


def name_column(name: str) -> dict[str, str]:
    """Return the header of a column of a plan in each language."""
    return {language: say(language, f"plan.column.{name}") for language in LANGUAGES}


@cache
def index_headers() -> dict[str, str]:
    """Return the column of each known header: its name, Vietnamese or English, without marks."""
    return {
        plain_text(header): name
        for name in FILE_COLUMNS
        for header in (name, *name_column(name).values())
    }


def read_plan_sheet(path: Path) -> PlanSheet:
    """Read the sheet of a file that holds a plan, whatever other sheets it has.

    Raises:
        FileError: The file is missing, damaged, locked by a password or of another kind.
        PlanError: No sheet, or more than one, has the header of a plan.
    """
    known = index_headers()
    sheets = [
        (header, sheet) for sheet in read_sheets(path) for header in _find_header(sheet, known)
    ]
    if not sheets:
        raise PlanError("plan_table", [Place(path.name)], **_list_columns())
    if len(sheets) > 1:
        names = ", ".join(f"“{sheet.name}”" for _, sheet in sheets)
        raise PlanError("plan_sheets", [Place(path.name)], names=names)
    header, sheet = sheets[0]
    plan_sheet = PlanSheet(sheet, header)
    _place_columns(plan_sheet, known)
    _check_state(plan_sheet)
    if not plan_sheet.errors:
        plan_sheet.lines.update(_read_lines(plan_sheet))
        _refuse_strays(plan_sheet)
    return plan_sheet


def _list_columns() -> dict[str, object]:
    """Return the headers that a plan must have, in each language."""
    needed = [name_column(name) for name, is_needed in FILE_COLUMNS.items() if is_needed]
    return {"columns": {tongue: ", ".join(name[tongue] for name in needed) for tongue in LANGUAGES}}


def _find_header(sheet: Sheet, known: Mapping[str, str]) -> list[int]:
    """Return the row of the header; none if no row has enough names of columns."""
    counts = [
        len({known[text] for text in map(plain_text, row) if text in known})
        for row in sheet.rows[:HEADER_ROWS]
    ]
    most = max(counts, default=0)
    return [counts.index(most) + 1] if most >= LEAST_HEADERS else []


def _place_columns(plan_sheet: PlanSheet, known: Mapping[str, str]) -> None:
    """Find each column; a column that is missing, doubled or perhaps renamed is refused."""
    unknown: dict[int, str] = {}
    for at, text in enumerate(plan_sheet.sheet.rows[plan_sheet.header - 1]):
        name = known.get(plain_text(text), "")
        if name in plan_sheet.columns:
            plan_sheet.refuse("plan_column_twice", plan_sheet.header, name)
        elif name:
            plan_sheet.columns[name], plan_sheet.headers[name] = at, tidy_text(text)
        elif tidy_text(text):
            unknown[at] = tidy_text(text)
    plan_sheet.ignored += _find_nameless(plan_sheet)
    missing = [name for name in FILE_COLUMNS if name not in plan_sheet.columns]
    by_header = {header: name for header, name in known.items() if name in missing}
    for at, text in unknown.items():
        if near := by_header.get(find_nearest(plain_text(text), by_header), ""):
            letter = name_column_letter(at)
            sheet = plan_sheet.sheet
            place = Place(sheet.file, plan_sheet.header, text, sheet=sheet.name, letter=letter)
            plan_sheet.errors.append(PlanError("plan_column_near", [place], near=name_column(near)))
            missing = [name for name in missing if name != near]
        else:
            plan_sheet.ignored.append(text)
    for name in missing:
        if FILE_COLUMNS[name]:
            place = Place(plan_sheet.sheet.file, plan_sheet.header, sheet=plan_sheet.sheet.name)
            plan_sheet.errors.append(
                PlanError("plan_column_missing", [place], name=name_column(name))
            )


def _find_nameless(plan_sheet: PlanSheet) -> list[str]:
    """Return the letters of columns without a header that have a text below."""
    rows = plan_sheet.sheet.rows
    headers = rows[plan_sheet.header - 1]
    filled = {
        at
        for row in rows[plan_sheet.header :]
        for at, text in enumerate(row)
        if tidy_text(text) and not (at < len(headers) and tidy_text(headers[at]))
    }
    return [name_column_letter(at) for at in sorted(filled)]


def _check_state(plan_sheet: PlanSheet) -> None:
    """Refuse merged cells, and formulas without a result or with an error, below the header."""
    sheet, names = plan_sheet.sheet, {at + 1: name for name, at in plan_sheet.columns.items()}
    for area in sheet.merged:
        within = [at for at in range(area.left, area.right + 1) if at in names]
        if area.bottom >= plan_sheet.header and within:
            row = max(area.top, plan_sheet.header)
            plan_sheet.errors.append(
                PlanError("plan_merged", [plan_sheet.place(row, names[within[0]], "")])
            )
    places = [
        plan_sheet.place(row, names[at], sign)
        for (row, at), sign in sorted(sheet.no_value.items())
        if row > plan_sheet.header and at in names
    ]
    if places:
        plan_sheet.errors.append(PlanError("plan_no_value", places))


def _read_lines(plan_sheet: PlanSheet) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows with a text in a column of a plan.

    A row that numbers the columns is none, nor is the header where it is repeated.
    """
    rows = plan_sheet.sheet.rows
    for row, cells in enumerate(rows[plan_sheet.header :], start=plan_sheet.header + 1):
        texts = {
            name: _read_text(cells[at]) if at < len(cells) else ""
            for name, at in plan_sheet.columns.items()
        }
        is_first, is_header = row == plan_sheet.header + 1, texts == plan_sheet.headers
        if any(texts.values()) and not is_header and not (is_first and is_number_row(cells)):
            yield row, texts


def _refuse_strays(plan_sheet: PlanSheet) -> None:
    """Refuse the rows of totals and signatures, which are no lines."""
    places = [
        plan_sheet.place(row, next(name for name in cells if cells[name]))
        for row, cells in plan_sheet.lines.items()
        if sum(cells[name] != "" for name in OF_A_LINE) <= 1
    ]
    if places:
        plan_sheet.errors.append(PlanError("plan_stray", places))


def _read_text(cell: str) -> str:
    """Return the text of a cell; the apostrophe that kept a formula from running is no part."""
    text = tidy_text(cell)
    return text[1:] if text.startswith(RISKY) else text
