"""Write published tables as CSV files that a spreadsheet opens safely."""

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd

from sipas_analysis.files import write_whole

_RISKY = frozenset("=+-@\t\r")  # first characters of a formula


def write_tables(tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write tables by file name: UTF-8 with BOM, numbers with ten significant digits.

    An apostrophe is put before text that a spreadsheet would run as a formula.
    """
    return [
        write_whole(folder / f"{name}.csv", _format_csv(table)) for name, table in tables.items()
    ]


def _format_csv(table: pd.DataFrame) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    columns = [_format_column(table.iloc[:, at]) for at in range(table.shape[1])]
    writer.writerows(zip(*columns, strict=True))
    return "\ufeff" + text.getvalue()


def _format_column(cells: "pd.Series[Any]") -> list[object]:
    """Return the cells of a column as the file has them; a blank is an empty text."""
    if cells.dtype.kind == "f":  # most cells of most tables
        pairs = zip(cells.tolist(), cells.notna().tolist(), strict=True)
        return [f"{value:.10g}" if is_present else "" for value, is_present in pairs]
    texts = cells.astype(object).where(cells.notna(), "").tolist()
    return [
        text if type(text) is str and text[:1] not in _RISKY else _format_cell(text)
        for text in texts
    ]


def _format_cell(value: object) -> object:
    """Return a cell: ten digits, and no text that runs as a formula."""
    if isinstance(value, float):
        return f"{value:.10g}"
    if not isinstance(value, str) or value[:1] not in _RISKY:
        return value
    return value if value[0] == "-" and _is_number(value) else "'" + value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
