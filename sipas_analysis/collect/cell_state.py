"""Check the cells of forms for what a spreadsheet keeps beside their values.

Merged cells, hidden rows and columns, formulas without result, and rows whose cells moved to the
left are refused or listed, if they lie in a column that is used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from sipas_analysis.collect.columns import PlacedColumns
from sipas_analysis.collect.form_rows import Readers, leave_out_rows
from sipas_analysis.collect.tables import LeftOut, Table, leave_out
from sipas_analysis.errors import AnswerError, FileError, FormError, Place
from sipas_analysis.sheets.reader import name_column_letter
from sipas_analysis.sheets.text_columns import ColumnRows

_TEXT_FILES = (".csv", ".tsv", ".txt", ".zip")
_ERROR_CLASSES = {"row_short": FormError, "row_slid": FormError, "hidden": FileError}


def keep_forms(
    table: Table, placed: PlacedColumns, readers: Readers, rows: Sequence[str], hidden: str
) -> Table:
    """Return a table with its forms only, with what was left out and what must be corrected.

    Args:
        table: The rows below a header.
        placed: What each column is.
        readers: How to read each item, by header.
        rows: The rows that are forms (``6-60``), if the wave names them.
        hidden: What the wave says of hidden rows and columns: ``read``, ``skip`` or nothing.
    """
    if not readers or (table.frame.empty and hidden == "skip"):
        return table
    if table.sheet.merged:
        table = _fill_merged_cells(table, placed, readers)
    if rows:
        ranges = [[int(end) for end in (part.split("-") * 2)[:2]] for part in rows]
        inside = {row for first, last in ranges for row in range(first, last + 1)}
        table = leave_out(table, ~table.frame.index.isin(inside), "outside_rows")
    elif len(table.frame):
        table = leave_out_rows(table, placed, readers)
    return _check_cells(table, placed, readers, hidden)


def _fill_merged_cells(table: Table, placed: PlacedColumns, readers: Readers) -> Table:
    """Return a table in which cells merged down a column hold its value; answers are not filled."""
    frame, index, filled = table.frame.astype(object), np.asarray(table.frame.index), []
    for area in table.sheet.merged:
        for header in _find_headers(table, [area.left]) if area.left == area.right else ():
            rows = index[(index >= area.top) & (index <= area.bottom)]
            if header not in readers and area.top > max(table.header) and area.top in rows:
                text = str(frame.loc[area.top, header])
                frame.loc[rows, header] = text
                is_dropped = any(header in headers for headers in placed.dropped.values())
                entries = [LeftOut("merged", int(row), header, text) for row in rows[1:]]
                filled += [] if is_dropped else entries
    return replace(table, frame=frame, left_out=(*table.left_out, *filled))


def _check_cells(table: Table, placed: PlacedColumns, readers: Readers, hidden: str) -> Table:
    """Return the table with its mistakes and, if hidden cells may be read, a list of these.

    Rows that are refused as a whole are taken out, so that their cells are not named once more.
    """
    named = (readers, placed.roles.values(), placed.indicators.values(), placed.keys.values())
    used = [header for header in table.frame.columns if any(header in names for names in named)]
    hidden_places = _find_hidden(table, used)
    rows = {
        "row_short": _find_short_rows(table, used, readers),
        "row_slid": _find_slid_rows(table, placed, readers),
        "no_value": _find_cells_without_value(table, used),
    }
    cells = {"merged_cells": _find_merged_cells(table, used, readers)}
    cells |= {} if hidden else {"hidden": hidden_places}
    mistakes = [(kind, places) for kind, places in (rows | cells).items() if places]
    errors = [_ERROR_CLASSES.get(kind, AnswerError)(kind, places) for kind, places in mistakes]
    if table.frame.empty and not table.errors:
        errors.append(FileError("no_rows", file=table.sheet.file, header=max(table.header)))
    refused = [place.row for places in rows.values() for place in places]
    read = [LeftOut("hidden_read", place.row, place.column) for place in hidden_places if hidden]
    return replace(
        table,
        frame=table.frame[~table.frame.index.isin(refused)] if refused else table.frame,
        errors=(*table.errors, *errors),
        left_out=(*table.left_out, *read),
    )


def _find_hidden(table: Table, used: Sequence[str]) -> list[Place]:
    """Return the hidden rows of forms and the hidden columns that are used; or a hidden sheet."""
    rows = sorted({*table.frame.index} & table.sheet.hidden_rows)
    columns = [at for at in _find_headers(table, table.sheet.hidden_columns) if at in used]
    places = [*map(table.place, rows), *(table.place(column=header) for header in columns)]
    return [*[table.place()] * table.sheet.is_hidden, *places]


def _find_short_rows(table: Table, used: Sequence[str], readers: Readers) -> list[Place]:
    """Return the rows of a text file that have too few cells: one was cut off, or cells moved.

    Excel leaves out separators of blank cells behind the last column that is used.
    """
    is_text = table.sheet.file.lower().endswith(_TEXT_FILES)
    if not is_text or isinstance(table.sheet.rows, ColumnRows):  # kept by column: no row is short
        return []
    cells, last = table.sheet.rows, [header for header in used if header in readers][-1]
    positions = [at for row in table.header for at, name in enumerate(cells[row - 1], 1) if name]
    letters = [name_column_letter(at) for at in range(max(positions))]
    needed = 1 + max(letters.index(table.letters[header]) for header in used)
    return [
        table.place(int(row))
        for row, answer in zip(table.frame.index, table.frame[last], strict=True)
        if len(cells[row - 1]) < (needed if answer else max(positions))
    ]


def _find_slid_rows(table: Table, placed: PlacedColumns, readers: Readers) -> list[Place]:
    """Return the rows whose cells moved to the left, because an export left out empty cells.

    Such a row has no last answer, and an answer in a column where complete rows have none.
    """
    last = [header for header in table.frame.columns if header in readers][-1]
    is_cut = table.frame[last] == ""
    places: dict[int, Place] = {}
    for header in table.frame.columns[: table.frame.columns.get_loc(last)]:
        if header in readers:
            continue
        column = table.frame[header]
        if all(readers[last](text).value is None for text in column[is_cut].unique()):
            continue
        complete = [text for text in column[~is_cut].unique() if text]
        has_numbers = any(text.strip().isdecimal() for text in complete)

        def is_answer(text: str, *, has_numbers: bool = has_numbers) -> bool:
            is_number = has_numbers and text.strip().isdecimal()
            return not is_number and readers[last](text).value is not None

        moved = [text for text in column[is_cut].unique() if is_answer(text)]
        rows = table.frame.index[is_cut & column.isin(moved)]
        is_enough = len(rows) > (header in placed.keys.values())  # a key may have any value once
        if is_enough and complete and not any(map(is_answer, complete)):
            places = {row: table.place(int(row), header) for row in rows} | places
    return [*places.values()]


def _find_merged_cells(table: Table, used: Sequence[str], readers: Readers) -> list[Place]:
    """Return the merged cells of forms whose value could belong to several answers."""
    index, places = np.asarray(table.frame.index), []
    for area in table.sheet.merged:
        columns = range(area.left, area.right + 1)
        headers = [header for header in _find_headers(table, columns) if header in used]
        rows = index[(index >= area.top) & (index <= area.bottom)]
        is_filled = area.left == area.right and not readers.keys() & headers
        if headers and len(rows) and area.top > max(table.header) and not is_filled:
            ends = ((area.left, area.top), (area.right, area.bottom))
            cells = ":".join(f"{name_column_letter(column - 1)}{row}" for column, row in ends)
            places.append(table.place(int(rows[0]), headers[0], cells))
    return places


def _find_cells_without_value(table: Table, used: Sequence[str]) -> list[Place]:
    """Return the cells of forms that hold an error, or a formula that was not calculated."""
    headers = {table.letters[header]: header for header in used}
    return [
        table.place(row, headers[letter], sign if sign.startswith("#") else "=…")
        for (row, column), sign in sorted(table.sheet.no_value.items())
        if (letter := name_column_letter(column - 1)) in headers and row in table.frame.index
    ]


def _find_headers(table: Table, numbers: Iterable[int]) -> list[str]:
    """Return the headers of some columns, by number from 1."""
    letters = {name_column_letter(number - 1) for number in numbers}
    return [header for header in table.frame.columns if table.letters[header] in letters]
