"""Check the office's own form II.06a/VPCP/KSTT, and set it beside the count from dates (T4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.errors import Place, RecordsError
from sipas_analysis.sheets.reader import Sheet, name_column_letter, read_sheet
from sipas_analysis.sheets.texts import fold_text, plain_text

NAME, FIRST, LAST = 2, 3, 13  # numbers of the form's columns: field, first and last count
NUMBERED = {
    3: "received",
    4: "received_online",
    5: "received_direct",
    6: "carried_over",
    7: "done",
    8: "early",
    9: "on_time",
    10: "late",
    11: "running",
    12: "in_time",
    13: "overdue",
}
COUNTS = [*NUMBERED.values()]
IDENTITIES = ((3, (4, 5, 6)), (3, (7, 11)), (7, (8, 9, 10)), (11, (12, 13)))
BREAKS = ("file", "row", "column", "rule", "value", "expected")
DIFFERENCES = ("file", "row", "column", "field_name", "name", "form", "counted", "difference")
_NUMBER = re.compile(r"\(?(\d{1,2})\)?\s*(=.*)?")
_COUNT = re.compile(r"\d+|\d{1,3}(?:[., ]\d{3})+|\d+[.,]0{1,2}")
_TOTAL = re.compile(r"\b(tong|cong|total)\b")
_GROUP = re.compile(r"(?:[IVXLC]+|[A-Z])[.)]?")


@dataclass(frozen=True)
class OfficialForm:
    """The form as the office filled it in.

    Attributes:
        file: Name of the file.
        table: One row per row of the form: ``row`` (of the sheet), ``number``, ``field_name``,
            ``level`` (0 total, 1 group, 2 field, 3 and more below a field), ``is_leaf`` and the
            counts by the names of ``count_timeliness``.
        letters: Letter of the column of each count.
        breaks: One row per cell that breaks an identity: ``file row column rule value expected``;
            ``column`` is the letter of the cell.
    """

    file: str
    table: pd.DataFrame
    letters: Mapping[str, str]
    breaks: pd.DataFrame


def read_official_form(path: Path, sheet: str = "") -> OfficialForm:
    """Read form II.06a and check it: 3 = 4+5+6 = 7+11, 7 = 8+9+10, 11 = 12+13, and its sums.

    Columns are found by the row of numbers (1) to (13) under the header. A total is the sum of the
    rows of the highest level; a group (I, II, A, B) or a field is the sum of the rows below it. A
    blank cell, or one with a dash, is 0.

    Args:
        path: A workbook or text file.
        sheet: Name of the sheet, where several have cells.

    Returns:
        The form, with one row in ``breaks`` for each sum that does not hold.

    Raises:
        FileError: The file cannot be read.
        RecordsError: There is no row of numbers, no row of counts, or a cell is no whole number.

    Source: rule T4 in docs/method.md.
    """
    cells = read_sheet(path, sheet)
    top, places = _find_columns(cells)
    table = _read_rows(cells, top, places)
    table["is_leaf"] = ~table.index.isin(
        [parent for parent in table.index if _list_children(table, parent)]
    )
    letters = {NUMBERED[number]: name_column_letter(places[number]) for number in NUMBERED}
    parts = [_check_identities(table, letters), _check_sums(table, letters)]
    breaks = pd.concat(parts, ignore_index=True).assign(file=cells.label)
    ordered = breaks.sort_values(["row", "column"], kind="stable", ignore_index=True)
    return OfficialForm(cells.label, table, letters, ordered[[*BREAKS]])


def compare_with_count(form: OfficialForm, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the cells in which the form differs from the count from dates.

    Args:
        form: The office's own form.
        counted: ``count_as_form(count_timeliness(dossiers, ["field_name"], …))``.

    Returns:
        One row per field and column that differ: ``file row column field_name name form counted
        difference`` (form − counted), the total last, under an empty name. A field that only one
        of the two has is compared with 0; ``row`` is then 0 where the form lacks it.

    Source: rule T4 in docs/method.md.
    """
    leaves = form.table[form.table["is_leaf"] & (form.table["level"] > 0)]
    of_form = leaves.assign(key=leaves["field_name"].map(fold_text))
    of_dates = counted.assign(key=counted["field_name"].astype(str).map(fold_text))
    sums = dict.fromkeys(COUNTS, "sum")
    first = {"field_name": "first"}
    in_form = of_form.groupby("key", sort=False).agg({"row": "first", **first, **sums})
    in_dates = of_dates.groupby("key", sort=False).agg({**first, **sums})
    both = in_form.add_suffix("_form").join(in_dates.add_suffix("_counted"), how="outer")
    both = both.rename(columns={"row_form": "row"})
    both["field_name"] = both["field_name_form"].fillna(both["field_name_counted"])
    total = both.select_dtypes("number").sum().to_frame().T.assign(field_name="", row=0)
    totals = form.table.loc[form.table["level"] == 0, "row"]
    total["row"] = int(totals.iloc[0]) if len(totals) else 0
    stacked = pd.concat([both.sort_index(), total], ignore_index=True)
    rows = [_compare_column(stacked, name, form) for name in COUNTS]
    return pd.concat(rows, ignore_index=True).sort_values(
        ["order", "row"], kind="stable", ignore_index=True
    )[[*DIFFERENCES]]


def _compare_column(both: pd.DataFrame, name: str, form: OfficialForm) -> pd.DataFrame:
    """Return the differences of one column."""
    in_form = both[f"{name}_form"].fillna(0).astype(np.int64)
    counted = both[f"{name}_counted"].fillna(0).astype(np.int64)
    table = pd.DataFrame(
        {
            "order": np.arange(len(both)),
            "file": form.file,
            "row": both["row"].fillna(0).astype(np.int64),
            "column": form.letters[name],
            "field_name": both["field_name"],
            "name": name,
            "form": in_form,
            "counted": counted,
            "difference": in_form - counted,
        }
    )
    return table[table["difference"] != 0]


def _find_columns(cells: Sheet) -> tuple[int, dict[int, int]]:
    """Return the row of column numbers and the position of each number."""
    for top, row in enumerate(cells.rows):
        matches = [(at, _NUMBER.fullmatch(text.strip())) for at, text in enumerate(row)]
        places = {int(match[1]): at for at, match in reversed(matches) if match}
        if {*range(NAME, LAST + 1)} <= {*places}:
            return top, places
    raise RecordsError("form_numbers", [Place(cells.file, sheet=cells.name)])


def _read_rows(cells: Sheet, top: int, places: Mapping[int, int]) -> pd.DataFrame:
    """Return the rows of counts under the row of numbers."""
    rows, wrong = [], []
    for number, row in enumerate(cells.rows[top + 1 :], start=top + 2):
        texts = {at: (row[at].strip() if at < len(row) else "") for at in places.values()}
        counts = {column: texts[places[column]] for column in NUMBERED}
        name = texts[places[NAME]]
        label = texts[places[1]] if 1 in places else ""
        if not any(re.search(r"\d", text) for text in counts.values()) or not (name or label):
            continue
        for column, text in counts.items():
            is_missing = (number, places[column] + 1) in cells.no_value
            if is_missing or not (text in ("", "-", "–") or _COUNT.fullmatch(text)):
                letter = name_column_letter(places[column])
                wrong.append(Place(cells.file, number, f"({column})", text, cells.name, letter))
        rows.append((number, label, name, _find_level(label, name), *counts.values()))
    if wrong:
        raise RecordsError("form_cells", wrong)
    if not rows:
        raise RecordsError("form_rows", [Place(cells.file, sheet=cells.name)])
    table = pd.DataFrame(rows, columns=["row", "number", "field_name", "level", *COUNTS])
    for name in COUNTS:
        whole = table[name].str.replace(r"[.,]0{1,2}$", "", regex=True)
        digits = whole.str.replace(r"\D", "", regex=True)
        table[name] = digits.replace("", "0").astype(np.int64)
    return table


def _find_level(number: str, name: str) -> int:
    """Return how deep a row stands: 0 total, 1 group (I, A), 2 field (1), 3 below it (1.1)."""
    if _TOTAL.search(plain_text(name or number)):
        return 0
    if _GROUP.fullmatch(number):
        return 1
    return 2 + len(re.findall(r"\d+", number)[1:])


def _list_children(table: pd.DataFrame, parent: int) -> list[int]:
    """Return the rows that add up to a row: of a total, all rows of the highest level."""
    levels = table["level"].to_numpy()
    if levels[parent] == 0:
        below = np.flatnonzero(levels > 0)
    else:
        after = np.flatnonzero(levels[parent + 1 :] <= levels[parent])
        end = parent + 1 + after[0] if len(after) else len(levels)
        below = np.arange(parent + 1, end)
    return [int(at) for at in below if levels[at] == levels[below].min()]


def _check_identities(table: pd.DataFrame, letters: Mapping[str, str]) -> pd.DataFrame:
    """Return the cells of columns 3, 7 and 11 that are not the sum of their parts."""
    rows = []
    for total, parts in IDENTITIES:
        value, expected = (
            table[NUMBERED[total]],
            table[[NUMBERED[part] for part in parts]].sum(axis=1),
        )
        rule = f"{total} = {' + '.join(map(str, parts))}"
        rows.append(_list_breaks(table["row"], letters[NUMBERED[total]], rule, value, expected))
    return pd.concat(rows, ignore_index=True)


def _check_sums(table: pd.DataFrame, letters: Mapping[str, str]) -> pd.DataFrame:
    """Return the cells of totals and groups that are not the sum of their rows."""
    rows = [pd.DataFrame(columns=[*BREAKS[1:]])]
    for parent in table.index[~table["is_leaf"]]:
        children = table.loc[_list_children(table, parent)]
        rule = f"Σ {_name_rows(children['row'].tolist())}"
        for name in COUNTS:
            value, expected = table.loc[[parent], name], children[name].sum()
            sums = pd.Series(int(expected), index=value.index, dtype=np.int64)
            rows.append(_list_breaks(table["row"], letters[name], rule, value, sums))
    return pd.concat([part for part in rows if len(part)] or rows[:1], ignore_index=True)


def _name_rows(rows: Sequence[int]) -> str:
    """Return row numbers, runs as first–last."""
    starts = [at for at, row in enumerate(rows) if at == 0 or rows[at - 1] != row - 1]
    runs = [rows[at:end] for at, end in zip(starts, [*starts[1:], len(rows)], strict=True)]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _list_breaks(
    rows: "pd.Series[int]",
    letter: str,
    rule: str,
    value: "pd.Series[int]",
    expected: "pd.Series[int]",
) -> pd.DataFrame:
    """Return the rows in which a value is not the expected one."""
    at = value.index[value != expected]
    columns = {"row": rows[at], "column": letter, "rule": rule}
    return pd.DataFrame({**columns, "value": value[at], "expected": expected[at]})
