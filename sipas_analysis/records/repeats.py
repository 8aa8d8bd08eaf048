"""Settle rows that stand in an export more than once, and rows that are no record (rule T1).

Exports of two months overlap: the same record stands in both, often in a later state. What never
changes of a record must agree; else it is contradictory, and no average counts it.
"""

from collections.abc import Sequence

import pandas as pd

from sipas_analysis.errors import Place, RecordsError
from sipas_analysis.records.columns import find_export
from sipas_analysis.records.exports import ExportTable


def drop_footers(frame: pd.DataFrame, table: ExportTable, code: str) -> pd.DataFrame:
    """Return the records; a row without any day and without a digit in its code is a footer.

    Raises:
        RecordsError: A row with a day has no code.
    """
    has_day = frame[find_export(table.kind).list_roles("stamp")].notna().any(axis=1)
    refuse_without_code(frame[has_day], table, code)
    bare = frame.loc[~has_day, code].astype(str)
    is_footer = frame.index.isin(bare.index[~bare.str.contains(r"\d")])
    table.note(frame[is_footer], "footer")
    return frame[~is_footer].reset_index(drop=True)


def refuse_without_code(rows: pd.DataFrame, table: ExportTable, code: str) -> None:
    """Refuse rows without a code, all in one error."""
    places = list_places(rows[rows[code] == ""], table, code)
    if places:
        raise RecordsError("records_code_blank", places)


def list_places(rows: pd.DataFrame, table: ExportTable, role: str) -> list[Place]:
    """Return where the cells of a role stand in the files."""
    header = find_export(table.kind).roles[role].headers[0]
    cells = zip(rows["file"], rows["row"], rows[role], strict=True)
    return [Place(table.files[file], int(row), header, str(text)) for file, row, text in cells]


def settle_repeats(
    frame: pd.DataFrame,
    table: ExportTable,
    keys: Sequence[str],
    fixed: Sequence[str],
    order: Sequence[str],
) -> tuple[pd.DataFrame, "pd.Series[bool]"]:
    """Return each record once, the last of its versions, and of which ones two versions differ.

    Args:
        frame: Rows of an export.
        table: The export, whose ledger names what is left out.
        keys: Columns that name a record.
        fixed: Columns that never change; a blank one differs from nothing.
        order: Columns by which the last version is the largest; of equal ones the lower row.
    """
    rows = frame[frame.duplicated([*keys], keep=False)]
    is_copy = rows.duplicated([*find_export(table.kind).roles])
    table.note(rows[is_copy], "records_copy")
    rows = rows[~is_copy]
    texts = rows[[*fixed]].astype(object).replace("", None)
    names = [rows[key].astype(object) for key in keys]
    n_values = texts.groupby(names, sort=False).transform("nunique")
    differs = (n_values > 1).any(axis=1)
    last = rows.sort_values([*order], kind="stable", na_position="first")
    is_earlier = last.duplicated([*keys], keep="last").reindex(rows.index)
    table.note(rows[is_earlier & ~differs], "records_earlier")
    table.note(rows[is_earlier & differs], "versions_differ")
    is_again = frame.index.isin([*is_copy.index[is_copy], *is_earlier.index[is_earlier]])
    is_unsure = pd.Series(frame.index.isin(differs.index[differs]), frame.index)
    return frame[~is_again].reset_index(drop=True), is_unsure[~is_again].reset_index(drop=True)
