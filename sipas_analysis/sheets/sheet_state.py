"""What a workbook keeps beside the values of a sheet: hidden rows, merged cells, missing results.

A reader of values gives an empty text for a formula that was not calculated and for an error. One
pass over the sheet finds both, so that neither is taken for a blank.
"""

import io
import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from struct import unpack_from
from typing import IO
from xml.etree.ElementTree import Element, iterparse
from zipfile import ZipFile

# An Excel sheet with none of these has nothing but values, in cells that all name their place.
_HEAD_WORDS = (b":row", b' width="0"', b"='", b"\0", b"<!D")
_WORDS = (b"hidden", b't="e"', b' ht="0"')
_TAGS = re.compile(rb"<f|<c[> ][^r]|<row>")
_FAR = re.compile(rb'<c r="(?:[G-Z][A-Z]\d|[A-Z]{3}|[A-Z]+\d{6})[^<>]*[^/]>')
# Records of .xls: the start of a sheet, hidden rows, hidden columns, errors, formulas.
_XLS_SHEET = re.compile(rb"\x09\x08.\x00\x00[\x05\x06]\x10\x00", re.DOTALL)
_XLS_ROW = re.compile(rb"\x08\x02\x10\x00(..).{10}[ -?`-\x7f\xa0-\xbf\xe0-\xff]", re.DOTALL)
_XLS_COLUMNS = re.compile(rb"\x7d\x00[\x0a-\x0c]\x00(..)(..).{4}[\x01\x03]", re.DOTALL)
_XLS_ERROR = re.compile(rb"\x05\x02\x08\x00(..)(..)..(.)\x01", re.DOTALL)
_XLS_FORMULA = re.compile(rb"\x06\x00(?=(..)(..)(..)..(.).(.).{3}(..).{6}(..))", re.DOTALL)
_PIECE = 1 << 22
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!"}


@dataclass(frozen=True)
class Area:
    """A rectangle of cells; rows and columns count from 1, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet as text, and what a file keeps beside them.

    Attributes:
        file: Name of the file.
        name: Name of the sheet; empty for a file without sheets.
        rows: Text of each cell; ``rows[0]`` is row 1. Rows may differ in length.
        is_hidden: Whether the sheet is hidden.
        hidden_rows: Numbers of rows that are hidden or filtered out.
        hidden_columns: Numbers of hidden columns.
        merged: Merged ranges; only their first cell has a text.
        no_value: Cells without a usable value, by row and column: a formula that was not
            calculated, or an error such as ``#REF!``.
        missing: Codes that an SPSS or Stata file declares as missing, by variable and row; blank.
        labels: Label of each variable of such a file, by its name.
        weight: Variable by which an SPSS file is weighted.
    """

    file: str
    name: str
    rows: Sequence[list[str]]
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[Area, ...] = ()
    no_value: Mapping[tuple[int, int], str] = field(default_factory=dict)
    missing: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    weight: str = ""

    @property
    def label(self) -> str:
        """Name of the file, with the sheet if the wave names a sheet."""
        return f"{self.file} [{self.name}]" if self.name else self.file


@dataclass
class State:
    """The state of one sheet while it is read, and how far its values reach."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[Area] = field(default_factory=list)
    no_value: dict[tuple[int, int], str] = field(default_factory=dict)
    n_cells: int = 0
    last_row: int = 0
    last_column: int = 0

    @property
    def is_sparse(self) -> bool:
        """Whether a cell far from the others makes the sheet too large to be read."""
        size = self.last_row * self.last_column
        return size > 5_000_000 and size > 20 * self.n_cells

    def add_cells(self, rows: range, columns: range, no_value: str) -> None:
        """Count equal cells that have a value; ``no_value`` says what stands in the place of it."""
        self.n_cells += len(rows) * len(columns)
        self.last_row = max(self.last_row, rows[-1])
        self.last_column = max(self.last_column, columns[-1])
        if no_value:
            cells = itertools.product(rows[:99], columns[:99])
            self.no_value |= dict.fromkeys(cells, no_value)


def read_excel_state(parts: ZipFile, sheet: str) -> State:
    """Return the state of a sheet of .xlsx or .xlsm, strict or not."""
    workbook = parts.read("xl/workbook.xml")
    tags = (tag for _, tag in _iterate_tags(io.BytesIO(workbook)) if tag.get("name") == sheet)
    link = next(value for key, value in next(tags).items() if key.endswith("}id"))
    part = _find_part(parts, "xl/_rels/workbook.xml.rels", link)
    with parts.open(part) as stream:
        if _has_values_only(stream):
            return State()
    recalculates = re.search(rb'fullCalcOnLoad="(1|true)"', workbook) is not None
    with parts.open(part) as stream:
        return _scan_excel_rows(stream, recalculates)


def _find_part(parts: ZipFile, relations: str, link: str) -> str:
    """Return the part of a workbook that a link stands for."""
    tags = (tag for _, tag in _iterate_tags(parts.open(relations)) if tag.get("Id") == link)
    return posixpath.normpath(posixpath.join("/xl", next(tags).get("Target", ""))).lstrip("/")


def _iterate_tags(stream: IO[bytes]) -> Iterator[tuple[str, Element]]:
    """Yield each element of an XML file with its local name; expat limits what entities unfold."""
    for _, tag in iterparse(stream):  # noqa: S314
        yield tag.tag.rpartition("}")[2], tag


def _has_values_only(stream: IO[bytes]) -> bool:
    """Return whether a sheet has no state worth reading: a search through its bytes is fast."""
    end = b""
    words: tuple[bytes, ...] = _WORDS + _HEAD_WORDS
    while piece := stream.read(_PIECE):
        text = end + piece
        if any(word in text for word in words) or _TAGS.search(text) or _FAR.search(text):
            return False
        end, words = text[-99:], _WORDS
    return True


def _scan_excel_rows(stream: IO[bytes], recalculates: bool) -> State:
    """Return the state of a sheet; where all ``recalculates`` on opening, a 0 is no result yet."""
    state, row = State(), 0
    for name, tag in _iterate_tags(stream):
        is_hidden = tag.get("hidden") in ("1", "true") or "0" in (tag.get("ht"), tag.get("width"))
        if name == "col" and is_hidden:
            state.hidden_columns.update(range(int(tag.attrib["min"]), int(tag.attrib["max"]) + 1))
        elif name == "row":
            row, column = int(tag.get("r", row + 1)), 0
            if is_hidden:
                state.hidden_rows.add(row)
            for cell in tag:
                column = _read_column(cell.get("r", "")) or column + 1
                if len(cell):
                    no_value = _judge_excel_cell(cell, recalculates)
                    state.add_cells(range(row, row + 1), range(column, column + 1), no_value)
            tag.clear()
    return state


def _judge_excel_cell(cell: Element, recalculates: bool) -> str:
    """Return the error or the formula without a result in a cell; empty for a good cell."""
    texts = {part.tag.rpartition("}")[2]: part.text or "" for part in cell}
    kind, result = cell.get("t"), texts.get("v", "").strip()
    if kind == "e":
        return result or "#N/A"
    is_calculated = result or (kind == "str" and "v" in texts)
    is_waiting = recalculates and result in ("0", "0.0")
    return "=" + texts["f"] if "f" in texts and (is_waiting or not is_calculated) else ""


def _read_column(place: str) -> int:
    """Return the number of the column of a cell such as ``AB12``."""
    number = 0
    for letter in place.rstrip("0123456789"):
        number = 26 * number + ord(letter) - 64
    return number


def read_ods_state(parts: ZipFile, sheet: str) -> State:
    """Return the state of a sheet of .ods, whose elements may stand for several rows or cells."""
    state, rows, columns = State(), range(1, 1), range(1, 1)
    for name, tag in _iterate_tags(parts.open("content.xml")):
        facts = {key.rpartition("}")[2]: value for key, value in tag.items()}
        is_hidden = facts.get("visibility", "visible") != "visible"
        if name == "table-column":
            columns = _repeat(columns, facts, "columns")
            state.hidden_columns.update(columns if is_hidden else ())
        elif name == "table-row":
            rows = _repeat(rows, facts, "rows")
            state.hidden_rows.update(rows[:99_999] if is_hidden else ())
            _add_ods_cells(state, rows, tag)
            tag.clear()
        elif name == "table" and facts.get("name") == sheet:
            return state
        elif name == "table":
            state, rows, columns = State(), range(1, 1), range(1, 1)
    return state


def _add_ods_cells(state: State, rows: range, row: Element) -> None:
    """Add the cells of a row to the state of its sheet."""
    columns = range(1, 1)
    for cell in row:
        facts = {key.rpartition("}")[2]: value for key, value in cell.items()}
        columns = _repeat(columns, facts, "columns")
        formula, kind = facts.get("formula", ""), facts.get("value-type", "")
        text = "".join(cell.itertext()) if formula else ""
        is_error = kind == "error" or text.startswith(("#", "Err:"))
        if kind or formula:
            no_formula = "=" + formula.partition("=")[2] if formula and not kind else ""
            state.add_cells(rows, columns, text if is_error else no_formula)
        height = int(facts.get("number-rows-spanned", 1))
        width = int(facts.get("number-columns-spanned", 1))
        if height * width > 1:
            top, left = rows[0], columns[0]
            state.merged.append(Area(top, left, top + height - 1, left + width - 1))


def _repeat(before: range, facts: Mapping[str, str], kind: str) -> range:
    """Return the rows or columns that an element stands for, after those before."""
    return range(before.stop, before.stop + int(facts.get(f"number-{kind}-repeated", 1)))


def read_xls_state(content: bytes, number: int) -> State:
    """Return the state of the sheet of that number (from 0) of .xls, as far as its records say.

    Where the result of every formula is an empty text, none was calculated.
    """
    starts = [match.start() for match in _XLS_SHEET.finditer(content)]
    sheet = content[starts[number] : [*starts, len(content)][number + 1]]
    state = State(hidden_rows={_read_number(row) + 1 for row in _XLS_ROW.findall(sheet)})
    for first, last in _XLS_COLUMNS.findall(sheet):
        state.hidden_columns.update(range(_read_number(first) + 1, _read_number(last) + 2))
    errors = [(row, column, b"\2", code) for row, column, code in _XLS_ERROR.findall(sheet)]
    formulas = [
        (row, column, kind if sign == b"\xff\xff" else b"", code)
        for size, row, column, kind, code, sign, length in _XLS_FORMULA.findall(sheet)
        if _read_number(size) == 22 + _read_number(length)
    ]
    no_results = {b"\2", b"\3"} if all(kind == b"\3" for _, _, kind, _ in formulas) else {b"\2"}
    for row, column, kind, code in errors + formulas:
        if kind in no_results:
            error = _ERRORS.get(code[0], "#N/A") if kind == b"\2" else "="
            state.no_value[_read_number(row) + 1, _read_number(column) + 1] = error
    return state


def read_xlsb_state(parts: ZipFile, sheet: str) -> State:
    """Return the state of a sheet of .xlsb."""
    state, row = State(), 0
    links: dict[str, str] = {}
    for kind, data in _iterate_records(parts.read("xl/workbook.bin")):
        if kind == 156:
            end = 12 + 2 * int.from_bytes(data[8:12], "little")
            links[data[end + 4 :].decode("utf-16-le")] = data[12:end].decode("utf-16-le")
    part = _find_part(parts, "xl/_rels/workbook.bin.rels", links[sheet])
    for kind, data in _iterate_records(parts.read(part)):
        number = int.from_bytes(data[:4], "little") + 1
        if kind == 0:
            row = number
            state.hidden_rows.update([row] if data[11] & 0x10 else ())
        elif kind == 60 and data[16] & 1:
            state.hidden_columns.update(range(number, int.from_bytes(data[4:8], "little") + 2))
        elif kind == 176:
            top, bottom, left, right = (at + 1 for at in unpack_from("<4I", data))
            state.merged.append(Area(top, left, bottom, right))
        elif 2 <= kind <= 11:
            error = _ERRORS.get(data[8], "#N/A") if kind in (3, 11) else ""
            state.add_cells(range(row, row + 1), range(number, number + 1), error)
    return state


def _iterate_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a part of .xlsb: a kind, a length (7 bits a byte) and their data."""
    at = number = shift = 0
    numbers: list[int] = []
    while at < len(data):
        number |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            numbers, number, shift = [*numbers, number], 0, 0
        if len(numbers) == 2:
            kind, size = numbers
            yield kind, data[at : at + size]
            at, numbers = at + size, []


def _read_number(two_bytes: bytes) -> int:
    """Return a number of two bytes."""
    return int.from_bytes(two_bytes, "little")
