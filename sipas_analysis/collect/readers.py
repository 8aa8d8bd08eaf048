"""Read the files of offices as text, cell by cell, without guesses.

CSV (UTF-8 with or without BOM, UTF-16; comma, semicolon or tab) and XLSX. Rows keep the number
that a spreadsheet shows. Text is composed (NFC), and stray, repeated and non-breaking spaces
are folded only for comparison, so that the ledger can still show the text of the file.
"""

import csv
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sipas_analysis.errors import FileError, Place

if TYPE_CHECKING:
    from openpyxl import Workbook

_SPACES = re.compile(r"[\s\u00a0\u200b\u200c\u200d\u2060\ufeff]+")
_SEPARATORS = (",", ";", "\t")


def tidy_text(text: str) -> str:
    """Return text composed (NFC), with runs of any spaces made one and none at the ends."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def fold_text(text: str) -> str:
    """Return text for comparison: tidy, without difference of case."""
    return tidy_text(text).casefold()


def read_rows(path: Path, sheet: str = "", header: Sequence[int] = (1,)) -> pd.DataFrame:
    """Return a file as text: columns by header text, index by spreadsheet row, blank is ``""``.

    Of two header rows the lower names the column. Where the lower name is empty, the upper name is
    used; where the lower name repeats, both are used (``upper / lower``). A column of text without
    a header is named by its letter, ``(C)``. Rows without any text are left out.

    Raises:
        FileError: The file is missing, unreadable or of another kind; or it has no such sheet, or
            no row below the header.
    """
    return read_below_header(read_cells(path, sheet, max(header)), header, path)


def read_below_header(
    rows: Sequence[Sequence[str]], header: Sequence[int], path: Path
) -> pd.DataFrame:
    """Return the rows below a header as ``read_rows`` does, from cells already read."""
    if len(rows) < max(header):
        raise FileError("no_header", file=path.name, header=max(header), n=len(rows))
    names = name_columns([rows[at - 1] for at in header])
    if not any(names):
        raise FileError("no_names", file=path.name, header=max(header))
    body = rows[max(header) :]
    first_row = max(header) + 1
    too_wide = [at for at, row in enumerate(body) if any(map(tidy_text, row[len(names) :]))]
    if too_wide:
        places = [Place(path.name, first_row + at) for at in too_wide]
        raise FileError("too_wide", places, n_columns=len(names))
    filled = [[*row[: len(names)], *[""] * (len(names) - len(row))] for row in body]
    frame = pd.DataFrame(filled, columns=range(len(names)), dtype=object)
    frame.index = pd.RangeIndex(first_row, first_row + len(body))
    frame = frame.loc[[any(map(tidy_text, row)) for row in body]]
    if frame.empty:
        raise FileError("no_rows", file=path.name, header=max(header))
    used = [at for at, name in enumerate(names) if name or frame[at].map(tidy_text).any()]
    frame = frame[used]
    frame.columns = pd.Index([names[at] or f"({_name_column_letter(at)})" for at in used])
    return frame


def _name_column_letter(at: int) -> str:
    """Return the letter that a spreadsheet gives the column after ``at`` others."""
    before = _name_column_letter(at // 26 - 1) if at >= 26 else ""
    return before + chr(ord("A") + at % 26)


def list_sheets(path: Path) -> list[str]:
    """Return the sheets of a workbook; none for a text file."""
    if path.suffix.lower() != ".xlsx":
        return []
    with _open_workbook(path) as book:
        return list(book.sheetnames)


def name_columns(header: Sequence[Sequence[str]]) -> list[str]:
    """Return one name per column from one or two header rows."""
    lower = [tidy_text(name) for name in header[-1]]
    if len(header) == 1:
        return lower
    upper = [tidy_text(name) for name in header[0]]
    upper += [""] * (len(lower) - len(upper))
    lower += [""] * (len(upper) - len(lower))
    names = [name or title for name, title in zip(lower, upper, strict=True)]
    repeated = {name for name in names if names.count(name) > 1}
    titles = pd.Series(upper, dtype=object).replace("", None).ffill().fillna("")
    return [
        f"{title} / {name}" if name in repeated and own_name else name
        for name, own_name, title in zip(names, lower, titles, strict=True)
    ]


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
