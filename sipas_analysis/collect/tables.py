"""Find the table in a sheet: which rows are header, forms and footers; which columns have a name.

The second of three stages; see ``sheets.py``. What is no form is left out with an entry in the
ledger, or refused where two readings fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.sheets import Sheet, name_column_letter, read_cells
from sipas_analysis.collect.texts import tidy_text
from sipas_analysis.errors import FileError, Place, SipasError


@dataclass(frozen=True)
class LeftOut:
    """Rows or a column of a sheet that are not read as forms: an entry of the ledger."""

    reason: str
    row: int | None = None
    column: str = ""
    text: str = ""


@dataclass(frozen=True)
class Table:
    """The forms of one sheet as text.

    Attributes:
        sheet: The sheet that holds them.
        header: Numbers of the header rows.
        frame: Text of each form; columns by header text, index by spreadsheet row.
        letters: Letter of the column of each header.
        left_out: Rows and columns that are no forms, each with its reason.
        errors: What must be corrected before the sheet can be read.
    """

    sheet: Sheet
    header: tuple[int, ...]
    frame: pd.DataFrame
    letters: Mapping[str, str]
    left_out: tuple[LeftOut, ...] = ()
    errors: tuple[SipasError, ...] = ()

    def place(self, row: int | None = None, column: str = "", value: str = "") -> Place:
        """Return where something stands in the sheet, for an error or a finding."""
        letter = self.letters.get(column, "")
        return Place(self.sheet.file, row, column, value, self.sheet.name, letter)


def find_table(sheet: Sheet, header: Sequence[int]) -> Table:
    """Return the forms below a header.

    Raises:
        FileError: No row below the header, no names in the header, or cells beside the header.
    """
    frame = read_below_header(sheet.rows, header, Path(sheet.file))
    letters = [name_column_letter(at) for at in frame.attrs["positions"]]
    names = tell_apart([*frame.columns], letters)
    frame.columns = pd.Index(names)
    return Table(sheet, tuple(header), frame, dict(zip(names, letters, strict=True)))


def tell_apart(names: Sequence[str], letters: Sequence[str]) -> list[str]:
    """Return names of which none repeats: a later one has the letter of its column behind it."""
    return [
        f"{name} ({letter})" if name in names[:at] else name
        for at, (name, letter) in enumerate(zip(names, letters, strict=True))
    ]


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
    frame.columns = pd.Index([names[at] or f"({name_column_letter(at)})" for at in used])
    frame.attrs["positions"] = used
    return frame


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
