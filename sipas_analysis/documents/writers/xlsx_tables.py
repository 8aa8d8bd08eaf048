"""Write tables of results as a workbook: a sheet each, exact numbers with the decimals of print.

Text is never run as a formula, and codes stay text. An interval takes two columns.
"""

from collections.abc import Sequence
from datetime import date
from itertools import chain, takewhile
from math import isfinite, isnan
from pathlib import Path

from sipas_analysis.documents.model import Table, make_text, render_text
from sipas_analysis.documents.table_cells import (
    LEAST_CHANCE,
    MOST_DECIMALS,
    TOO_LARGE,
    Chance,
    Measured,
    Plain,
    Range,
)
from sipas_analysis.documents.writers.xlsx import Cell, Sheet, write_workbook
from sipas_analysis.messages import Language
from sipas_analysis.progress import watch

NO_DAY = date(2000, 1, 1)  # the same tables give the same bytes
MOST_FIXED = 2  # columns of texts that stay in sight
SMALL_CHANCE = f'[<{LEAST_CHANCE}]"<{LEAST_CHANCE}";0.000'


def write_xlsx_tables(tables: Sequence[Table], path: Path, language: Language) -> Path:
    """Write each table as a sheet with its name, whole or not at all; return the path."""
    sheets = [_make_sheet(table, language) for table in tables]
    title = tables[0].caption if tables else Plain("")
    return write_workbook(path, sheets, (title, "", NO_DAY), language)


def _make_sheet(table: Table, language: Language) -> Sheet:
    holds_ranges = [
        any(isinstance(row[at], Range) for row in table.rows) for at in range(len(table.columns))
    ]
    heads: list[object] = []
    for column, is_range in zip(table.columns, holds_ranges, strict=True):
        ends = [make_text(f"xlsx.{end}", name=column.label) for end in ("from", "to")]
        heads += ends if is_range else [column.label]
    rows = tuple(
        (*chain.from_iterable(map(_convert_cell, row, holds_ranges)),) for row in watch(table.rows)
    )
    titles = (table.caption,) if render_text(table.caption, language) else ()
    n_texts = sum(1 for _ in takewhile(lambda column: column.kind != "number", table.columns))
    fixed = min(max(n_texts, 1), MOST_FIXED)
    return Sheet(table.id, titles, tuple(heads), rows, notes=table.notes, fixed=fixed)


def _convert_cell(cell: object, is_range: bool) -> list[object]:
    """Return a cell for one column, or the two ends of its interval for two."""
    if is_range:
        ends = (cell.low, cell.high) if isinstance(cell, Range) else (None, None)
        return [_convert_value(end) for end in ends]
    return [_convert_value(cell)]


def _convert_value(cell: object) -> object:
    """Return an exact number with its format; a missing number is an empty cell."""
    if cell is None:
        return ""
    if isinstance(cell, Chance):
        return Cell(cell.value, 3, pattern=SMALL_CHANCE) if isfinite(cell.value) else ""
    if not isinstance(cell, Measured):
        return cell
    if not isfinite(cell.value):
        return "" if isnan(cell.value) else Plain(str(cell.value))
    return Cell(cell.value, cell.shown_decimals, pattern=_make_pattern(cell))


def _make_pattern(number: Measured) -> str:
    """Return the number format of Excel for a number, with the words around it."""
    digits = "#,##0"
    if number.shown_decimals > MOST_DECIMALS or abs(number.value) >= TOO_LARGE:
        digits = "0.0E+00"
    elif number.shown_decimals:
        digits = f"#,##0.{'0' * number.shown_decimals}"
    before, after = (f'"{words}"' if words else "" for words in (number.before, number.after))
    return f"{before}{digits}{after}"
