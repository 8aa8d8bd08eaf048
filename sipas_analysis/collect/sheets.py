"""Read a file of answers as a sheet: cells of text with their address and their state.

The first of three stages: a *sheet* (cells, from any format), a *table* (which rows are forms,
``tables.py``) and the *survey*. CSV (UTF-8 with or without BOM, UTF-16; comma, semicolon or tab)
and XLSX. Rows keep the number that a spreadsheet shows.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sipas_analysis.errors import FileError

if TYPE_CHECKING:
    from openpyxl import Workbook

_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class Area:
    """A rectangle of cells; rows and columns count from 1, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet as text, and what a spreadsheet keeps beside them.

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
    """

    file: str
    name: str
    rows: list[list[str]]
    is_hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[Area, ...] = ()
    no_value: Mapping[tuple[int, int], str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name of the file, with the sheet if the wave names a sheet."""
        return f"{self.file} [{self.name}]" if self.name else self.file


def read_sheet(path: Path, sheet: str = "", header: int = 1) -> Sheet:
    """Return one sheet of a file; ``sheet`` may be left out where there is only one.

    Raises:
        FileError: The file is missing, unreadable or of another kind, or has no such sheet.
    """
    return Sheet(path.name, sheet, read_cells(path, sheet, header))


def name_column_letter(position: int) -> str:
    """Return the letter that a spreadsheet gives the column after ``position`` others."""
    before = name_column_letter(position // 26 - 1) if position >= 26 else ""
    return before + chr(ord("A") + position % 26)


def list_sheets(path: Path) -> list[str]:
    """Return the sheets of a workbook; none for a text file."""
    if path.suffix.lower() != ".xlsx":
        return []
    with _open_workbook(path) as book:
        return list(book.sheetnames)


def read_cells(path: Path, sheet: str, header: int) -> list[list[str]]:
    """Return all cells of a file or sheet as text.

    The first ``header`` rows show which separator a text file uses.
    """
    if not path.is_file():
        raise FileError("file_missing", file=path)
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv", ".txt"):
        return _read_text_cells(path, header)
    if kind == ".xlsx":
        return _read_sheet_cells(path, sheet)
    raise FileError("file_kind", file=path.name)


def _read_text_cells(path: Path, header: int) -> list[list[str]]:
    """Return the cells of a text file; the separator that splits the header most is used."""
    text = _decode_text(path)
    if not text.strip():
        raise FileError("file_empty", file=path.name)
    try:
        separator = max(_SEPARATORS, key=lambda candidate: _count_columns(text, candidate, header))
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise FileError("file_broken", file=path.name, why=error) from None


def _count_columns(text: str, separator: str, header: int) -> int:
    """Return the most columns that a separator makes of the first ``header`` rows."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return max(map(len, islice(rows, header)), default=0)


def _decode_text(path: Path) -> str:
    """Return the text of a UTF-8 or UTF-16 file."""
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        encoding = "utf-16-le" if b"\x00" in content[:200] else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise FileError("file_encoding", file=path.name) from None


@contextmanager
def _open_workbook(path: Path) -> Iterator["Workbook"]:
    """Open a workbook and close it again; refuse a workbook that cannot be read."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with path.open("rb") as handle:
            yield load_workbook(handle, read_only=True, data_only=True)
    except FileError:
        raise
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        zlib.error,
        SyntaxError,
        KeyError,
        OSError,
        EOFError,
        ValueError,
    ) as error:
        raise FileError("file_broken", file=path.name, why=error) from None


def _read_sheet_cells(path: Path, sheet: str) -> list[list[str]]:
    """Return the cells of one sheet; the sheet may be left out where there is only one."""
    with _open_workbook(path) as book:
        sheets = ", ".join(book.sheetnames)
        if sheet and sheet not in book.sheetnames:
            raise FileError("no_sheet", file=path.name, sheet=sheet, known=sheets)
        if not sheet and len(book.sheetnames) > 1:
            raise FileError("which_sheet", file=path.name, known=sheets)
        worksheet: Any = book[sheet or book.sheetnames[0]]  # read-only sheets have no usable type
        worksheet.reset_dimensions()
        cells = worksheet.iter_rows(values_only=True)
        rows = [[_cell_text(value) for value in row] for row in cells]
    if not any(any(row) for row in rows):
        raise FileError("file_empty", file=path.name)
    return rows


def _cell_text(value: object) -> str:
    """Return a cell as text: a day as 2021-03-15, a whole number without decimals."""
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
