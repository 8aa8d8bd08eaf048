"""Read the list of clients that a sample is drawn from, whole or not at all.

Columns of names, telephones and the like are never used (rule P1). A refusal names the file, the
row and the column.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.columns import is_personal
from sipas_analysis.collect.tables import read_below_header
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.documents.model import make_text
from sipas_analysis.errors import (
    AnswerError,
    ColumnError,
    FileError,
    Place,
    SipasError,
    UnitError,
)
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.sheets.reader import read_sheet
from sipas_analysis.sheets.texts import fold_text, tidy_text

HEADER_ROWS = 20  # title rows and header are among the first rows


def read_list(path: Path, wanted: Iterable[str] = ()) -> pd.DataFrame:
    """Read a list with its cells tidied; ``attrs`` keeps the name of the file for refusals.

    Args:
        path: The file; title rows may stand above the header.
        wanted: Headers that the user names; with the usual ones they tell which row is the header.

    Raises:
        FileError: The file cannot be read, or a row has cells to the right of the header.
    """
    cells = read_sheet(path).rows
    header = _find_header(cells, wanted)
    try:
        rows = read_below_header(cells, (header,), path).map(tidy_text)
    except FileError as error:
        if error.message_id != "too_wide":
            raise
        raise FileError("sample_wide", error.places, header=header, **error.fields) from None
    rows.attrs["file"] = path.name
    return rows


def _find_header(cells: Sequence[Sequence[str]], wanted: Iterable[str]) -> int:
    """Return the first row with most usual or wanted headers; else the first with two texts."""
    roles = read_vocabulary()["roles"]
    usual = {name for role in ("unit", "form", "stratum", "cluster") for name in roles[role]}
    names = usual | {fold_text(name) for name in wanted if name}
    texts = [[fold_text(cell) for cell in row if tidy_text(cell)] for row in cells[:HEADER_ROWS]]
    ranks = [(len(names.intersection(row)), min(len(row), 2)) for row in texts]
    return 1 + ranks.index(max(ranks))


def _list_headers(clients: pd.DataFrame) -> dict[str, str]:
    """Return the unchanged headers by their folded text; of two equal ones, the first."""
    return {fold_text(str(header)): str(header) for header in reversed(clients.columns)}


def find_column(
    clients: pd.DataFrame, wanted: str, usual: Iterable[str], what: str, option: str
) -> str:
    """Return the column wanted, else the first with a usual header, never a personal column."""
    place = [Place(clients.attrs["file"])]
    headers, all_headers = _list_headers(clients), ", ".join(clients.columns)
    names = [fold_text(wanted)] if wanted else usual
    column = next((headers[name] for name in names if name in headers), "")
    if wanted and not column:
        close = find_nearest(fold_text(wanted), headers)
        if close:
            raise ColumnError("sample_column_close", place, name=wanted, close=headers[close])
        raise ColumnError("sample_column", place, name=wanted, known=all_headers)
    if not column:
        names_of_role = {name: make_text(f"sample.what.{what}").text(name) for name in LANGUAGES}
        fields = {"what": names_of_role, "option": option, "known": all_headers}
        raise ColumnError("sample_no_column", place, **fields)
    if [*clients.columns].count(column) > 1:
        raise ColumnError("sample_column_twice", place, name=column)
    if is_personal(column):
        raise ColumnError("sample_personal", place, name=column)
    return column


def refuse_rows(
    clients: pd.DataFrame,
    column: str,
    wrong: "pd.Series[bool]",
    message: str,
    error: type[SipasError],
) -> None:
    """Refuse the list, with the place of every wrong cell, if there is any."""
    values = clients.loc[wrong, column].items()
    places = [
        Place(clients.attrs["file"], int(str(row)), column, str(value)) for row, value in values
    ]
    if places:
        raise error(message, places)


def read_counts(clients: pd.DataFrame, unit: str, wanted: str) -> "pd.Series[int]":
    """Return clients by unit from a list of counts."""
    count = find_column(clients, wanted, (), "id", "--count")
    refuse_rows(clients, unit, clients[unit].duplicated(keep=False), "sample_unit_twice", UnitError)
    refuse_rows(
        clients,
        count,
        ~clients[count].str.fullmatch(r"0*[1-9]\d{0,11}"),
        "sample_count",
        AnswerError,
    )
    return clients.set_index(unit)[count].astype(np.int64)


def read_strata(clients: pd.DataFrame, ids: str, unit: str) -> pd.DataFrame:
    """Return ids with the columns of stratum and cluster, under these names."""
    columns = {ids: clients[ids]}
    headers, roles = _list_headers(clients), read_vocabulary()["roles"]
    for role in ("stratum", "cluster"):
        header = next((headers[name] for name in roles[role] if name in headers), "")
        if header and header not in (ids, unit):
            columns[role] = clients[header]
    return pd.DataFrame(columns)
