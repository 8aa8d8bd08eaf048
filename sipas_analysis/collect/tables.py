"""Find the table in a sheet: which rows are header, forms and footers; which columns have a name.

The second of three stages; see ``sheets/reader.py``. What is no form is left out with an entry in
the ledger, or refused where two readings fit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.errors import FileError, Place, SipasError
from sipas_analysis.sheets.reader import Sheet, name_column_letter, read_sheet
from sipas_analysis.sheets.text_columns import (
    ColumnRows,
    has_text,
    keep_by_column,
    number_texts,
)
from sipas_analysis.sheets.texts import fold_text, tidy_text

Flags = NDArray[np.bool_]

_FEW_NUMBERS = 5  # so many numbers in a row may also be answers


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


def find_table(
    sheet: Sheet, header: Sequence[int], hidden: str = "", *, by_column: bool = False
) -> Table:
    """Return what stands below a header; ``form_rows.py`` then decides which rows are forms.

    Rows that belong to the header are left out (numbers of columns, ids of a form service, the
    header again); so is what is hidden, if ``hidden`` is ``skip``. A question with one column per
    answer becomes one column. A large table stays numbers of distinct texts if ``by_column``.

    Raises:
        FileError: No row below the header, no names in the header, or cells beside the header.
    """
    names = [sheet.rows[at - 1] for at in header if at <= len(sheet.rows)]
    if len(header) == 1 and names and is_number_row(names[0]) and is_below_names(sheet, header[0]):
        raise FileError("header_numbers", [Place(sheet.file, header[0])], above=header[0] - 1)
    frame = read_below_header(_mark_no_value(sheet), header, Path(sheet.file))
    frame = frame if by_column else frame.astype(object)
    letters = [name_column_letter(at) for at in frame.attrs["positions"]]
    frame.columns = pd.Index(tell_apart([*frame.columns], letters))
    sheet = replace(sheet, labels={**sheet.labels, **_list_wordings(frame)})
    table = Table(sheet, tuple(header), frame, dict(zip(frame.columns, letters, strict=True)))
    table = leave_out(table, _find_header_rows(table), "header_row")
    table.frame.attrs.clear()  # pandas copies them at every step
    if hidden == "skip":
        table = _skip_hidden(table)
    for title, answers in find_tick_grids(names).items():
        table = _join_ticks(table, title, answers)
    return table


def tell_apart(names: Sequence[str], letters: Sequence[str]) -> list[str]:
    """Return names of which none repeats: a later one has the letter of its column behind it."""
    return [
        f"{name} ({letter})" if name in names[:at] else name
        for at, (name, letter) in enumerate(zip(names, letters, strict=True))
    ]


def leave_out(table: Table, flags: Flags, reason: str) -> Table:
    """Return a table without some rows, each listed with a reason."""
    if not np.any(flags):
        return table
    left_out = [LeftOut(reason, int(row)) for row in np.asarray(table.frame.index)[flags]]
    return replace(table, frame=table.frame[~flags], left_out=(*table.left_out, *left_out))


def _mark_no_value(sheet: Sheet) -> Sequence[list[str]]:
    """Return the cells of a sheet; a cell without value holds its sign, such as ``#REF!``."""
    if not sheet.no_value:
        return sheet.rows
    last_row = max((row for row, _ in sheet.no_value), default=0)  # it may lie below all values
    rows = [*sheet.rows, *([] for _ in range(len(sheet.rows), last_row))]
    for (row, column), sign in sheet.no_value.items():
        cells = rows[row - 1]
        rows[row - 1] = [*cells[: column - 1], *[""] * (column - 1 - len(cells)), sign]
        rows[row - 1] += cells[column:]
    return rows


def is_number_row(cells: Sequence[str]) -> bool:
    """Return whether a row numbers the columns: ``(1) (2) (3)``, or ``A B 1 2 … 20``."""
    texts = [fold_text(cell) for cell in cells if tidy_text(cell)]
    signs = [text.strip("()[]. ") for text in texts]
    numbers = [int(sign) for sign in signs if sign.isdecimal()]
    n_letters = sum(len(sign) == 1 and sign.isalpha() for sign in signs)
    is_run = len(numbers) > 2 and numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    could_be_answers = len(texts) <= _FEW_NUMBERS and all(text.isdecimal() for text in texts)
    return is_run and len(numbers) + n_letters == len(texts) and not could_be_answers


def is_below_names(sheet: Sheet, row: int) -> bool:
    """Return whether the row above has more than half as many texts: a header, not a title."""
    above, cells = ([*filter(None, map(tidy_text, sheet.rows[at]))] for at in (row - 2, row - 1))
    return row > 1 and 2 * len(above) > len(cells)


def _find_header_rows(table: Table) -> Flags:
    """Return which rows repeat the header, number the columns, or hold ids of a form service."""
    frame = table.frame
    is_header = np.zeros(len(frame), dtype=bool)
    positions = table.frame.attrs["positions"]
    for at in table.header:
        row = [*table.sheet.rows[at - 1], *[""] * (positions[-1] + 1)]
        n_same = np.zeros(len(frame), dtype=int)
        for column, position in enumerate(positions):
            if row[position] and not row[position].isdecimal():
                n_same += np.asarray(frame.iloc[:, column] == row[position])
        is_like = np.flatnonzero(n_same > 1)
        n_filled = (frame.iloc[is_like].to_numpy(dtype=object) != "").sum(axis=1)
        is_header[is_like] |= 2 * n_same[is_like] > n_filled
    for at, cells in enumerate(frame[:3].to_numpy(dtype=object).tolist()):
        is_header[at] |= is_number_row(cells)
    is_header[: _count_id_rows(table.frame)] = True
    return is_header


def _count_id_rows(frame: pd.DataFrame) -> int:
    """Return how many of the first rows end with ids of a form service, written as JSON."""
    for n, row in enumerate(frame[:3].to_numpy(dtype=object), start=1):
        if 2 * sum(text.startswith("{") and text.endswith("}") for text in row) > sum(row != ""):
            return n
    return 0


def _list_wordings(frame: pd.DataFrame) -> dict[str, str]:
    """Return the wordings that a form service writes between the header and its ids."""
    texts = map(tidy_text, frame.iloc[0])
    pairs = zip(frame.columns, texts, strict=True) if _count_id_rows(frame) > 1 else ()
    return {header: text for header, text in pairs if text}


def _skip_hidden(table: Table) -> Table:
    """Return a table without hidden rows and columns; without any row if its sheet is hidden."""
    sheet, letters = table.sheet, {name_column_letter(at - 1) for at in table.sheet.hidden_columns}
    hidden = [header for header, letter in table.letters.items() if letter in letters]
    left_out = [LeftOut("hidden_skipped", column=header) for header in hidden]
    table = replace(
        table,
        frame=table.frame.drop(columns=hidden),
        left_out=(*table.left_out, *left_out),
    )
    rows = table.frame.index if sheet.is_hidden else [*sheet.hidden_rows]
    return leave_out(table, table.frame.index.isin(rows), "hidden_skipped")


def find_tick_grids(names: Sequence[Sequence[str]]) -> dict[str, dict[int, str]]:
    """Return the questions that have one column per answer: answer by position of the column.

    Such questions have two header rows, the same answers below each question.
    """
    grids: dict[str, dict[int, str]] = {}
    title = ""
    for at, (upper, lower) in (
        enumerate(zip_longest(*names, fillvalue="")) if len(names) > 1 else ()
    ):
        title = tidy_text(upper) or title
        if title and tidy_text(lower):
            grids.setdefault(title, {})[at] = tidy_text(lower)
    counts = Counter(tuple(grid.values()) for grid in grids.values())
    return {
        title: grid
        for title, grid in grids.items()
        if len(grid) > 2
        and counts[tuple(grid.values())] > 1
        and max(grid) - min(grid) < len(grid)  # side by side, unlike equal answers of two forms
    }


def _join_ticks(table: Table, title: str, answers: Mapping[int, str]) -> Table:
    """Return a table in which the ticked columns of a question are one column with the answer.

    Where several answers are ticked, all are written, so that the cell is refused.
    """
    answer_by_letter = {name_column_letter(at): answer for at, answer in answers.items()}
    headers = {header: at for header, at in table.letters.items() if at in answer_by_letter}
    cells = table.frame[[*headers]].apply(_fold_column).to_numpy()
    is_tick = np.isin(cells, read_vocabulary()["ticks"])
    is_other = ~is_tick & ~np.isin(cells, ["", "0", "false"])
    if is_other.sum() >= is_tick.sum():
        return table
    names = np.array([answer_by_letter[at] for at in headers.values()], dtype=object)
    joined = np.where(is_tick.any(axis=1), names[is_tick.argmax(axis=1)], "").astype(object)
    for row in np.flatnonzero(is_other.any(axis=1) | (is_tick.sum(axis=1) > 1)):
        parts = cells[row][is_other[row]] if is_other[row].any() else names[is_tick[row]]
        joined[row] = " & ".join(parts)
    first, *others = headers
    frame = table.frame.assign(**{first: joined}).drop(columns=others)
    frame = frame.rename(columns={first: title})
    left_out = (*table.left_out, LeftOut("ticks", column=title))
    letters = {**table.letters, title: headers[first]}
    return replace(table, frame=frame, letters=letters, left_out=left_out)


def _fold_column(column: "pd.Series[str]") -> "pd.Series[str]":
    """Return a column folded; each distinct text is folded once."""
    return column.map({text: fold_text(text) for text in column.unique()})


def read_rows(path: Path, sheet: str = "", header: Sequence[int] = (1,)) -> pd.DataFrame:
    """Return a file as text: columns by header text, index by spreadsheet row, blank is ``""``.

    Of two header rows the lower names the column. Where the lower name is empty, the upper name is
    used; where the lower name repeats, both are used (``upper / lower``). A column of text without
    a header is named by its letter, ``(C)``. Rows without any text are left out.

    Raises:
        FileError: The file is missing, unreadable or of another kind; or it has no such sheet, or
            no row below the header.
    """
    return read_below_header(read_sheet(path, sheet).rows, header, path).astype(object)


def read_below_header(
    rows: Sequence[Sequence[str]], header: Sequence[int], path: Path
) -> pd.DataFrame:
    """Return the rows below a header as ``read_rows`` does, from cells already read."""
    if len(rows) < max(header):
        raise FileError("no_header", file=path.name, header=max(header), n=len(rows))
    names = name_columns([rows[at - 1] for at in header])
    if not any(names):
        raise FileError("no_names", file=path.name, header=max(header))
    first_row = max(header) + 1
    frame = (
        rows.make_frame(first_row)
        if isinstance(rows, ColumnRows)
        else _make_frame(rows[max(header) :], first_row, len(names), path)
    )
    if frame.empty:
        raise FileError("no_rows", file=path.name, header=max(header))
    used = [at for at, name in enumerate(names) if name or has_text(frame[at]).any()]
    frame = frame if len(used) == frame.shape[1] else frame[used]
    frame.columns = pd.Index([names[at] or f"({name_column_letter(at)})" for at in used])
    frame.attrs["positions"] = used
    return frame


def _make_frame(
    body: Sequence[Sequence[str]], first_row: int, width: int, path: Path
) -> pd.DataFrame:
    """Return rows with some text, of one width; columns by position, index by row."""
    too_wide = [
        at for at, row in enumerate(body) if len(row) > width and any(map(tidy_text, row[width:]))
    ]
    if too_wide:
        places = [Place(path.name, first_row + at) for at in too_wide]
        raise FileError("too_wide", places, n_columns=width)
    filled = {
        at: row if len(row) == width else [*row, *[""] * width][:width]
        for at, row in enumerate(body, first_row)
        if any(map(tidy_text, row))
    }
    if not keep_by_column(len(filled)):
        return pd.DataFrame([*filled.values()], [*filled], range(width), dtype=object)
    columns = {at: number_texts([row[at] for row in filled.values()]) for at in range(width)}
    return pd.DataFrame(columns, pd.Index([*filled]), copy=False)


def name_columns(header: Sequence[Sequence[str]]) -> list[str]:
    """Return one name per column from one or two header rows.

    The columns of a question that has one column per answer are named by the question.
    """
    lower = [tidy_text(name) for name in header[-1]]
    if len(header) == 1:
        return lower
    upper = [tidy_text(name) for name in header[0]]
    upper += [""] * (len(lower) - len(upper))
    lower += [""] * (len(upper) - len(lower))
    names = [name or title for name, title in zip(lower, upper, strict=True)]
    repeated = {name for name in names if names.count(name) > 1}
    titles = pd.Series(upper, dtype=object).replace("", None).ffill().fillna("")
    names = [
        f"{title} / {name}" if name in repeated and own_name else name
        for name, own_name, title in zip(names, lower, titles, strict=True)
    ]
    for question, answers in find_tick_grids(header).items():
        names = [question if at in answers else name for at, name in enumerate(names)]
    return names
