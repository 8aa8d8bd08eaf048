"""Write published tables as CSV files that a spreadsheet opens safely."""

import csv
import io
from pathlib import Path

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
    cells = table.astype(object).where(table.notna(), "").to_numpy()
    writer.writerows([_format_cell(value) for value in row] for row in cells.tolist())
    return "\ufeff" + text.getvalue()


def _format_cell(value: object) -> object:
    """Return a cell as the file has it: ten digits, and no text that runs as a formula."""
    if isinstance(value, float):
        return f"{value:.10g}"
    if not isinstance(value, str) or value[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return value
    return value if value[0] == "-" and _is_number(value) else "'" + value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
