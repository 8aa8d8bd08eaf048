"""Check the office's own form II.06a/VPCP/KSTT, and set it beside the count from dates (T4)."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class OfficialForm:
    """The form as the office filled it in.

    Attributes:
        file: Name of the file.
        table: One row per row of the form: ``row`` (of the sheet), ``number``, ``field_name``,
            ``kind`` (``field``, ``group`` or ``total``) and the columns of the form (Int64).
        breaks: One row per cell that breaks an identity: ``file row column rule value expected``;
            ``column`` is the letter of the cell.
    """

    file: str
    table: pd.DataFrame
    breaks: pd.DataFrame


def read_official_form(path: Path, sheet: str = "") -> OfficialForm:
    """Read form II.06a and check it: 3 = 4+5+6 = 7+11, 7 = 8+9+10, 11 = 12+13, and its sums.

    Source: rule T4 in docs/method.md.
    """
    raise NotImplementedError


def compare_with_count(form: OfficialForm, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the cells in which the form differs from the count from dates.

    Args:
        form: The office's own form.
        counted: ``count_as_form(count_timeliness(dossiers, ["field_name"], …))``.

    Returns:
        One row per field and column that differ: ``file row column field_name name form counted
        difference``; a field that only one of them has stands with 0 for the other.

    Source: rule T4 in docs/method.md.
    """
    raise NotImplementedError
