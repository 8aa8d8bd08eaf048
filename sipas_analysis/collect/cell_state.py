"""Check the cells of forms for what a spreadsheet keeps beside their values.

Merged cells, hidden rows and columns, formulas without result, and rows whose cells moved to the
left are refused or listed, if they lie in a column that is used.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sipas_analysis.collect.columns import PlacedColumns
from sipas_analysis.collect.form_rows import Readers, leave_out_rows
from sipas_analysis.collect.sheets import Area, name_column_letter
from sipas_analysis.collect.tables import LeftOut, Table, leave_out
from sipas_analysis.errors import AnswerError, FileError, FormError, Place, SipasError

_TEXT_FILES = (".csv", ".tsv", ".txt", ".zip")


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
    frame, listed = table.frame.copy(), {*placed.roles.values(), *placed.indicators.values()}
    listed |= {*placed.keys.values()}
    filled = []
    for area in table.sheet.merged:
        for header in _find_headers(table, area) if area.left == area.right else ():
            rows = frame.index[(frame.index >= area.top) & (frame.index <= area.bottom)]
            if header in readers or area.top <= max(table.header) or area.top not in rows:
                continue
            text = str(frame.loc[area.top, header])
            frame.loc[rows, header] = text
            is_listed = header in listed
            filled += [LeftOut("merged", int(row), header, text) for row in rows[1:] if is_listed]
    return replace(table, frame=frame, left_out=(*table.left_out, *filled))


def _check_cells(table: Table, placed: PlacedColumns, readers: Readers, hidden: str) -> Table:
    """Return the table with its mistakes and, if hidden cells may be read, a list of these.

    Rows that are refused as a whole are taken out, so that their cells are not named once more.
    """
    used = {*readers, *placed.roles.values(), *placed.indicators.values(), *placed.keys.values()}
    hidden_places = _find_hidden(table, used)
    places = {
        "row_short": _find_short_rows(table),
        "row_slid": _find_slid_rows(table, readers),
        "merged_cells": _find_merged_cells(table, used, readers),
        "no_value": _find_cells_without_value(table, used),
        "hidden": [] if hidden else hidden_places,
    }
    errors = [_ERRORS[message](message, found) for message, found in places.items() if found]
    refused = {place.row for message in _WHOLE_ROWS for place in places[message]}
    frame = table.frame[~table.frame.index.isin(refused)]
    if table.frame.empty and not table.errors:
        errors.append(FileError("no_rows", file=table.sheet.file, header=max(table.header)))
    read = [LeftOut("hidden_read", place.row, place.column) for place in hidden_places]
    left_out = (*table.left_out, *(read if hidden == "read" else []))
    return replace(table, frame=frame, errors=(*table.errors, *errors), left_out=left_out)


def _find_hidden(table: Table, used: Collection[str]) -> list[Place]:
    """Return the hidden rows of forms and the hidden columns that are used; or a hidden sheet."""
    sheet = table.sheet
    letters = {name_column_letter(number - 1) for number in sheet.hidden_columns}
    rows = [table.place(row) for row in sorted({*table.frame.index} & sheet.hidden_rows)]
    headers = [header for header in table.frame.columns if table.letters[header] in letters]
    columns = [table.place(column=header) for header in headers if header in used]
    return [*([table.place()] if sheet.is_hidden else []), *rows, *columns]


def _find_short_rows(table: Table) -> list[Place]:
    """Return the rows of a text file that have fewer cells than the header: one is cut off."""
    if not table.sheet.file.lower().endswith(_TEXT_FILES):
        return []
    rows = table.sheet.rows
    names = [name for at in table.header for name in enumerate(rows[at - 1], 1) if name[1].strip()]
    width = max(position for position, _ in names)
    return [table.place(int(row)) for row in table.frame.index if len(rows[row - 1]) < width]


def _find_slid_rows(table: Table, readers: Readers) -> list[Place]:
    """Return the rows whose cells moved to the left, because an export left out empty cells.

    Such a row has no last answer, and an answer in a column where complete rows have none.
    """
    items = [header for header in table.frame.columns if header in readers]
    before = list(table.frame.columns[: table.frame.columns.get_loc(items[-1])])
    is_cut = (table.frame[items[-1]] == "").to_numpy()
    places = {}
    for header in [header for header in before if header not in readers]:
        number, texts = pd.factorize(table.frame[header])
        is_answer = np.array([readers[items[-1]](text).value is not None for text in texts])[number]
        is_number = np.array([text.strip().isdecimal() for text in texts])[number]
        is_complete = ~is_cut & (table.frame[header] != "").to_numpy()
        if is_number[is_complete].any():
            is_answer &= ~is_number
        if is_answer.any() and is_complete.any() and is_cut[is_answer].all():
            for row in table.frame.index[is_answer]:
                places[row] = table.place(int(row), header)
    return [*places.values()]


def _find_merged_cells(table: Table, used: Collection[str], readers: Readers) -> list[Place]:
    """Return the merged cells of forms whose value could belong to several answers."""
    places = []
    for area in table.sheet.merged:
        headers = [header for header in _find_headers(table, area) if header in used]
        is_filled = area.left == area.right and not readers.keys() & headers
        rows = [row for row in range(area.top, area.bottom + 1) if row in table.frame.index]
        if headers and rows and area.top > max(table.header) and not is_filled:
            ends = (area.left, area.top), (area.right, area.bottom)
            cells = ":".join(f"{name_column_letter(column - 1)}{row}" for column, row in ends)
            places.append(table.place(rows[0], headers[0], cells))
    return places


def _find_cells_without_value(table: Table, used: Collection[str]) -> list[Place]:
    """Return the cells of forms that hold an error, or a formula that was not calculated."""
    headers = {table.letters[header]: header for header in table.frame.columns if header in used}
    return [
        table.place(row, headers[letter], sign if sign.startswith("#") else "=…")
        for (row, column), sign in sorted(table.sheet.no_value.items())
        if (letter := name_column_letter(column - 1)) in headers and row in table.frame.index
    ]


def _find_headers(table: Table, area: Area) -> list[str]:
    """Return the headers of the columns of an area."""
    letters = {name_column_letter(at - 1) for at in range(area.left, area.right + 1)}
    return [header for header in table.frame.columns if table.letters[header] in letters]


_ERRORS: dict[str, type[SipasError]] = {
    "row_short": FormError,
    "row_slid": FormError,
    "merged_cells": AnswerError,
    "no_value": AnswerError,
    "hidden": FileError,
}
_WHOLE_ROWS = ("row_short", "row_slid", "no_value")
