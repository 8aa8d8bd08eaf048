"""Read the files that offices have into text, cell by cell, guessing nothing.

CSV (UTF-8 with or without BOM, UTF-16; comma, semicolon or tab) and XLSX. Rows keep the number
that a spreadsheet shows. Text is composed (NFC), and stray, repeated and non-breaking spaces
are only folded for comparison, so that the ledger can still say what stood there.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from sipas_analysis.errors import FileError, Place

_SPACES = re.compile(r"[\s\u00a0\u200b\u200c\u200d\u2060\ufeff]+")
_SEPARATORS = (",", ";", "\t")


def tidy(text: str) -> str:
    """Return text composed (NFC), with runs of any spaces made one and none at the ends."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def fold(text: str) -> str:
    """Return text for comparison: tidy, without difference of case."""
    return tidy(text).casefold()


def read_rows(path: Path, sheet: str = "", header: Sequence[int] = (1,)) -> pd.DataFrame:
    """Return a file as text: columns by header text, index by spreadsheet row, blank is ``""``.

    Of two header rows the lower names the column; where it is empty or repeats, the upper one
    is used or set before it (``upper / lower``). Rows without any text are left out.

    Raises:
        FileError: Missing, unreadable, of another kind, no such sheet, or no row below the header.
    """
    rows = _cells(path, sheet)
    if len(rows) < max(header):
        raise FileError("no_header", file=path.name, header=max(header), n=len(rows))
    names = _names([rows[at - 1] for at in header])
    body = rows[max(header) :]
    wide = [at for at, row in enumerate(body) if any(tidy(it) for it in row[len(names) :])]
    if wide:
        places = [Place(path.name, max(header) + 1 + at) for at in wide]
        raise FileError("too_wide", places, n_columns=len(names))
    frame = pd.DataFrame([row[: len(names)] for row in body], dtype=object)
    frame = frame.reindex(columns=range(len(names))).fillna("").astype(object)
    frame.columns = pd.Index(names)
    frame.index = pd.RangeIndex(max(header) + 1, max(header) + 1 + len(body))
    filled = (frame != "").any(axis=1)
    frame = frame.loc[filled, [name != "" for name in names]]
    if frame.empty:
        raise FileError("no_rows", file=path.name, header=max(header))
    return frame


def sheet_names(path: Path) -> list[str]:
    """Return the sheets of a workbook; none for a text file."""
    return list(_workbook(path).sheetnames) if path.suffix.lower() == ".xlsx" else []


def _names(header: Sequence[Sequence[str]]) -> list[str]:
    """Return one name per column from one or two header rows."""
    lower = [tidy(name) for name in header[-1]]
    if len(header) == 1:
        return lower
    upper = [tidy(name) for name in header[0]]
    upper += [""] * (len(lower) - len(upper))
    lower += [""] * (len(upper) - len(lower))
    filled = pd.Series(upper, dtype=object).replace("", None).ffill().fillna("")
    names = [low or up for low, up in zip(lower, upper, strict=True)]
    twice = {name for name in names if names.count(name) > 1}
    return [
        f"{up} / {name}" if name in twice and low else name
        for name, low, up in zip(names, lower, filled, strict=True)
    ]


def _cells(path: Path, sheet: str) -> list[list[str]]:
    if not path.is_file():
        raise FileError("file_missing", file=path)
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv", ".txt"):
        return _text_cells(path)
    if kind == ".xlsx":
        return _sheet_cells(path, sheet)
    raise FileError("file_kind", file=path.name)


def _text_cells(path: Path) -> list[list[str]]:
    text = _decoded(path)
    if not text.strip():
        raise FileError("file_empty", file=path.name)
    first = text[:200_000].splitlines()[:20]
    widths = {sep: max(len(row) for row in csv.reader(first, delimiter=sep)) for sep in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda sep: widths[sep])
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise FileError("file_broken", file=path.name, why=error) from None


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        encoding = "utf-16-le" if b"\x00" in data[:200] else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise FileError("file_encoding", file=path.name) from None


def _workbook(path: Path):  # type: ignore[no-untyped-def]  # openpyxl's reader has no public type
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise FileError("file_broken", file=path.name, why=error) from None


def _sheet_cells(path: Path, sheet: str) -> list[list[str]]:
    book = _workbook(path)
    if sheet and sheet not in book.sheetnames:
        known = ", ".join(book.sheetnames)
        raise FileError("no_sheet", file=path.name, sheet=sheet, known=known)
    if not sheet and len(book.sheetnames) > 1:
        raise FileError("which_sheet", file=path.name, known=", ".join(book.sheetnames))
    tab = book[sheet or book.sheetnames[0]]
    tab.reset_dimensions()
    rows = [[_text(value) for value in row] for row in tab.iter_rows(values_only=True)]
    book.close()
    if not any(any(row) for row in rows):
        raise FileError("file_empty", file=path.name)
    return rows


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
