"""Write published tables as CSV files that a spreadsheet opens safely."""

import csv
import io
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.files import write_whole


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
    writer.writerows(zip(*(_format_cells(table[name]) for name in table), strict=True))
    return "\ufeff" + text.getvalue()


def _format_cells(column: "pd.Series[str]") -> list[object]:
    """Return the cells of a column as a CSV file has them."""
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype=float, na_value=np.nan).tolist()
        return ["" if isnan(value) else f"{value:.10g}" for value in values]
    cells = column.astype(object).where(column.notna(), "")
    return [_escape_formula(value) for value in cells.tolist()]


def _escape_formula(value: object) -> object:
    if not isinstance(value, str) or value[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return value
    return value if value[0] == "-" and _is_number(value) else "'" + value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
