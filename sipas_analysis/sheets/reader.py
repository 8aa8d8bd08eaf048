"""Read a file of answers as a sheet: cells of text with their address and their state.

The first of three stages: a *sheet* (cells, from any format), a *table* (which rows are forms,
``tables.py``) and the *survey*. Rows keep the number that a spreadsheet shows.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sipas_analysis.errors import FileError, LibraryError, Place
from sipas_analysis.extras import require_library
from sipas_analysis.files import find_shortage
from sipas_analysis.input_copies import copy_input
from sipas_analysis.sheets.data_files import read_parquet_file, read_statistics_file, write_cell
from sipas_analysis.sheets.file_kinds import WORKBOOKS, find_kind
from sipas_analysis.sheets.regular_text import read_regular_text
from sipas_analysis.sheets.sheet_state import (
    Area,
    Sheet,
    State,
    read_excel_state,
    read_ods_state,
    read_xls_state,
    read_xlsb_state,
)
from sipas_analysis.sheets.text_files import read_text_rows
from sipas_analysis.sheets.texts import tidy_text

__all__ = ["Area", "Sheet", "name_column_letter", "read_sheet", "read_sheets"]

_STATE_READERS = {"xlsx": read_excel_state, "xlsb": read_xlsb_state, "ods": read_ods_state}


def read_sheet(path: Path, sheet: str = "") -> Sheet:
    """Return one sheet of a file; ``sheet`` may be left out where only one has cells.

    Raises:
        FileError: The file is missing, unreadable or of another kind, or has no such sheet.
    """
    path = copy_input(path)
    kind = find_kind(path)
    with _refuse_broken(path):
        if kind in WORKBOOKS:
            return _Workbook(path, kind).choose_sheet(sheet)
        if kind in ("sav", "dta"):
            return read_statistics_file(path, kind, sheet)
        if kind == "parquet":
            return read_parquet_file(path)
        content = _unpack_text(path, sheet) if kind == "texts" else path.read_bytes()
        rows = read_regular_text(content)
        return Sheet(path.name, sheet, read_text_rows(content, path.name) if rows is None else rows)


def read_sheets(path: Path) -> list[Sheet]:
    """Return every sheet of a file that has cells.

    Raises:
        FileError: The file cannot be read, or has no cells at all.
    """
    path = copy_input(path)
    kind = find_kind(path)
    if kind not in WORKBOOKS:
        return [read_sheet(path)]
    with _refuse_broken(path):
        workbook = _Workbook(path, kind)
        return workbook.read_filled({name: name for name in workbook.data_sheets})


def name_column_letter(position: int) -> str:
    """Return the letter that a spreadsheet gives the column after ``position`` others."""
    before = name_column_letter(position // 26 - 1) if position >= 26 else ""
    return before + chr(ord("A") + position % 26)


@contextmanager
def _refuse_broken(path: Path) -> Iterator[None]:
    """Turn whatever a parser raises into a refusal; a panic of a compiled one is no Exception."""
    try:
        yield
    except (FileError, LibraryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        if shortage := find_shortage(error):
            raise shortage from None
        raise FileError("file_broken", file=path.name, why=error) from None


def _unpack_text(path: Path, name: str) -> bytes:
    """Return the only text of a packed file, or the text of that name."""
    with zipfile.ZipFile(path) as parts:
        names = [part for part in parts.namelist() if not part.startswith("__MACOSX")]
        fields = {"file": path.name, "sheet": name, "known": ", ".join(names)}
        if name and name not in names:
            raise FileError("no_sheet", (), **fields)
        if not name and len(names) > 1:
            raise FileError("which_sheet", (), **fields)
        return parts.read(name or names[0])


class _Texts(dict[object, str]):
    """The text of each distinct value, made once."""

    def __missing__(self, value: object) -> str:
        self[value] = text = write_cell(value)
        return text


class _Workbook:
    """An open workbook of any kind."""

    def __init__(self, path: Path, kind: str) -> None:
        require_library("python_calamine")
        from python_calamine import CalamineWorkbook

        self.path, self.kind, self.content = path, kind, path.read_bytes()
        if kind == "xls" and len(self.content) % 512:  # a damaged one can end the whole process
            raise ValueError(f"{len(self.content)} % 512")
        if kind != "xls" and (damaged := zipfile.ZipFile(io.BytesIO(self.content)).testzip()):
            raise zipfile.BadZipFile(damaged)
        self.book = CalamineWorkbook.from_filelike(io.BytesIO(self.content))
        sheets = self.book.sheets_metadata
        self.data_sheets = [sheet.name for sheet in sheets if str(sheet.typ).endswith(".WorkSheet")]
        self.visible = {sheet.name for sheet in sheets if str(sheet.visible).endswith(".Visible")}

    def choose_sheet(self, sheet: str) -> Sheet:
        """Return the sheet of that name; without a name, the only one with cells."""
        fields = {"file": self.path.name, "sheet": sheet, "known": ", ".join(self.data_sheets)}
        names = self.book.sheet_names
        same = [name for name in names if tidy_text(name) == tidy_text(sheet)]
        same = [sheet] if sheet in names else same
        if sheet and not same:
            raise FileError("no_sheet", (), **fields)
        if sheet and same[0] not in self.data_sheets:
            raise FileError("no_data_sheet", (), **fields)
        filled = self.read_filled(dict.fromkeys(same or self.data_sheets, sheet))
        if len(filled) > 1:
            raise FileError("which_sheet", (), **fields)
        return filled[0]

    def read_filled(self, labels: Mapping[str, str]) -> list[Sheet]:
        """Return the sheets that have cells, of those named, each with its label."""
        sheets = [self._read_sheet(name, label) for name, label in labels.items()]
        filled = [cells for cells in sheets if cells.no_value or any(map(any, cells.rows))]
        if not filled:
            raise FileError("file_empty", file=self.path.name)
        return filled

    def _read_sheet(self, name: str, label: str) -> Sheet:
        state = self._read_state(name)
        if state.is_sparse:
            letter = name_column_letter(state.last_column - 1)
            place = Place(self.path.name, state.last_row, sheet=name, letter=letter)
            raise FileError("far_cell", [place])
        cells, texts = self.book.get_sheet_by_name(name), _Texts()
        left = [""] * (cells.start[1] if cells.start else 0)
        rows = [
            left
            + [str(value) if value is True or value is False else texts[value] for value in row]
            for row in cells.iter_rows()
        ]
        for (top, first), (bottom, last) in cells.merged_cell_ranges or ():
            state.merged.append(Area(top + 1, first + 1, bottom + 1, last + 1))
        return Sheet(
            self.path.name,
            label,
            rows,
            name not in self.visible,
            frozenset(state.hidden_rows),
            frozenset(state.hidden_columns),
            tuple(state.merged),
            state.no_value,
        )

    def _read_state(self, name: str) -> State:
        if self.kind == "xls":
            return read_xls_state(self.content, self.data_sheets.index(name))
        with zipfile.ZipFile(io.BytesIO(self.content)) as parts:
            return _STATE_READERS[self.kind](parts, name)
