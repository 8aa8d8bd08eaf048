"""Lines of the ledger of records: what was read differently, left out or is contradictory.

The same columns as the ledger of the survey. A line names file and row, never the code of a
dossier or an official (rule P1).
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from sipas_analysis.collect.survey import LEDGER_COLUMNS

LISTED = 1000  # lines for one reason; the others are counted


class Line(NamedTuple):
    """One line of the ledger."""

    file: object
    reason: str
    found: object = ""
    became: object = ""
    row: int | None = None
    column: str = ""
    code: str = ""


def list_lines(lines: Sequence[Line]) -> pd.DataFrame:
    """Return lines of the ledger as a frame."""
    frame = pd.DataFrame(lines, columns=Line._fields)
    return frame.astype({"found": str, "became": str})[[*LEDGER_COLUMNS]]


def list_changes(rows: pd.DataFrame, reason: str, code: str, became: str = "") -> pd.DataFrame:
    """Return lines of the ledger for rows with ``file row`` and, if there is one, ``found``.

    From ``LISTED`` lines on, one line a file counts the others.
    """
    lines = rows.reindex(columns=["file", "row", "found"])
    lines = lines.assign(column=code, became=became, reason=reason, code=code)
    lines["found"] = lines["found"].fillna("").astype(str) if "found" in rows else ""
    if len(lines) > LISTED:
        counts = lines.iloc[LISTED:].groupby("file", sort=False, observed=True).size()
        rest = [Line(file, reason, f"+ {n}", code=code) for file, n in counts.items()]
        lines = pd.concat([lines.iloc[:LISTED], pd.DataFrame(rest)], ignore_index=True)
    return lines[[*LEDGER_COLUMNS]]
