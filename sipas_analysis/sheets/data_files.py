"""Read SPSS, Stata and Parquet files as a sheet: names of variables in row 1, then the forms."""

import faulthandler
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from struct import unpack
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sipas_analysis.extras import require_library
from sipas_analysis.instrument.answer_levels import list_words, span_scale
from sipas_analysis.sheets.sheet_state import Sheet
from sipas_analysis.sheets.text_columns import ColumnRows, keep_by_column, number_texts
from sipas_analysis.sheets.texts import fold_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

CODES = "codes"
_MANY_TEXTS = 1000  # distinct texts of a column


def write_cell(value: object) -> str:
    """Return a value as text: a day as 2021-03-15, with its hour if it has one; 5.0 as 5.

    The number 1.234 is written 1.2340: a text 1.234 may also mean 1234.
    """
    if isinstance(value, datetime):
        rounded = value + timedelta(microseconds=500_000)
        return rounded.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = "" if value is None else str(value)
    return f"{text}0" if isinstance(value, float) and text[-4:-3] == "." else text


def read_statistics_file(path: Path, kind: str, sheet: str) -> Sheet:
    """Return an SPSS or Stata file: labels of values where there are some, or ``codes`` only.

    A label says which way a scale runs; two codes with one label stay codes. Codes that the file
    declares as missing are blank.
    """
    require_library("pyreadstat")
    import pyreadstat

    if kind == "sav":
        _refuse_deadly(path)
    read_file = pyreadstat.read_sav if kind == "sav" else pyreadstat.read_dta
    columns, facts = read_file(str(path), user_missing=True, output_format="dict")
    texts: list[list[str]] = []
    missing: dict[str, dict[int, str]] = {}
    for name, values in columns.items():
        codes = {value: write_cell(value) for value in set(values)}
        blank = {value for value in codes if _is_missing(value, facts, name)}
        labels = {} if sheet == CODES else facts.variable_value_labels.get(name, {})
        labels = {code: labels[code] for code in labels if not _is_missing(code, facts, name)}
        shown = codes if len({*labels.values()}) < len(labels) else _show_labels(codes, labels)
        shown |= dict.fromkeys(blank, "")
        texts.append([name, *map(shown.__getitem__, values)])
        if blank:
            rows = enumerate(values, start=2)
            missing[name] = {row: codes[value] for row, value in rows if value in blank}
    return Sheet(
        path.name,
        sheet,
        [list(row) for row in zip(*texts, strict=True)],
        missing=missing,
        labels={name: label for name, label in facts.column_names_to_labels.items() if label},
        weight=_find_weight(path, facts.variable_storage_width) if kind == "sav" else "",
    )


def _refuse_deadly(path: Path) -> None:
    """Refuse a damaged SPSS file that ends the process which reads it: a copy of ours tries first.

    Such damage lies before the values, so that reading the names and labels is enough. Windows
    cannot copy a process.
    """
    if "fork" in get_all_start_methods():
        process = get_context("fork").Process(target=_try_facts, args=(str(path),))
        process.start()
        process.join()
        if process.exitcode:
            raise ValueError(f"pyreadstat: {process.exitcode}")


def _try_facts(path: str) -> None:
    """Read the names and labels of an SPSS file; a mistake that can be told is told later."""
    import pyreadstat

    faulthandler.disable()  # the refusal says enough
    with suppress(Exception):
        pyreadstat.read_sav(path, metadataonly=True)


def _show_labels(codes: dict[Any, str], labels: Mapping[Any, str]) -> dict[Any, str]:
    """Return the text of each value: its label; of a scale with labels at its ends, its code.

    Where other labels leave most codes between them without one, they stand behind their codes: a
    pack must have the same label at the same level.
    """
    words = {*list_words("blank"), *list_words("not_applicable")}
    numbers = {code: labels[code] for code in labels if isinstance(code, int | float)}
    levels = {
        code: numbers[code] for code in sorted(numbers) if fold_text(numbers[code]) not in words
    }
    if len(levels) < 2:
        return {**codes, **labels}
    others = (code for code in codes.keys() - labels.keys() if isinstance(code, int | float))
    inner = [code for code in others if min(levels) < code < max(levels)]
    has_gap = max(levels) - min(levels) >= len(levels)
    if has_gap and span_scale([*map(fold_text, levels.values())]):
        return {**codes, **labels, **{code: write_cell(code) for code in levels}}
    is_mixed = 0 < len(levels) <= 2 * len(inner)
    ends = {code: f"{write_cell(code)}. {text}" for code, text in levels.items() if is_mixed}
    return {**codes, **labels, **ends}


def _is_missing(value: object, facts: Any, name: str) -> bool:
    """Return whether a file declares a value as missing, alone or within a range."""
    if value in facts.missing_user_values.get(name, ()):
        return True
    ranges = facts.missing_ranges.get(name, ())
    same = [part for part in ranges if type(part["lo"]) is type(value)]
    return any(part["lo"] <= value <= part["hi"] for part in same)


def _find_weight(path: Path, widths: Mapping[str, int]) -> str:
    """Return the variable by which an SPSS file is weighted: its header counts words of 8 bytes."""
    with path.open("rb") as file:
        (position,) = unpack("<i", file.read(80)[76:])
    for name, width in widths.items():
        if position == 1:
            return name
        position -= -(-width // 8)
    return ""


def read_parquet_file(path: Path) -> Sheet:
    """Return a Parquet file; whole numbers without decimals, days without an hour of zero."""
    columns = dict(_number_parquet_columns(path))
    rows = ColumnRows([*columns], [*columns.values()])
    return Sheet(path.name, "", rows if keep_by_column(len(rows)) else [*rows])


def read_parquet_columns(path: Path, most: int = sys.maxsize) -> Iterator[list[str]]:
    """Yield the texts of each column, its name first; nothing of a file of more cells than that."""
    yield from ([name, *texts] for name, texts in _number_parquet_columns(path, most))


def _number_parquet_columns(
    path: Path, most: int = sys.maxsize
) -> Iterator[tuple[str, pd.Categorical]]:
    """Yield name and texts of each column; nothing of a file of more cells than that."""
    require_library("duckdb")
    import duckdb

    pattern = re.sub(r"([*?[])", r"[\1]", str(path))
    with duckdb.connect() as database:
        with suppress(duckdb.InvalidInputException):  # a notebook without widgets shows none
            database.execute("SET enable_progress_bar = false")
        table = database.read_parquet(pattern)
        columns = [*zip(table.columns, table.types, strict=True)]
        ((n_rows,),) = table.count("*").fetchall()
        for name, kind in columns if n_rows * len(columns) <= most else ():
            texts = table.project(f"{write_parquet_column(name, str(kind))} AS text")
            column = _number_few_texts(texts) if keep_by_column(n_rows) else None
            if column is None:
                column = number_texts(np.asarray(texts.fetchnumpy()["text"], dtype=object))
            yield name, column


def _number_few_texts(texts: "DuckDBPyRelation") -> pd.Categorical | None:
    """Return a column of few texts, without making a text for each row; None if there are many.

    DuckDB returns a hash of each row. Should two texts have one hash, each row is read.
    """
    hashes = np.asarray(texts.project("hash(text) AS hash").fetchnumpy()["hash"])
    number, distinct = pd.factorize(hashes)  # in the order of appearance
    if len(distinct) > _MANY_TEXTS:
        return None
    pairs = texts.project("hash(text) AS hash, text").distinct().fetchall()
    text_of = dict(pairs)
    words = pd.Index([text_of[each] for each in distinct.tolist()], dtype=object)
    return pd.Categorical.from_codes(number, words) if len(pairs) == len(text_of) else None


def write_parquet_column(name: str, kind: str) -> str:
    """Return the SQL that writes a column as ``write_cell`` does; a text stays as it is."""
    value = '"' + name.replace('"', '""') + '"'
    text = f"CAST({value} AS VARCHAR)"
    if kind.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        whole = f"coalesce(CAST(TRY_CAST({value} AS BIGINT) AS VARCHAR), {text})"
        longer = rf"regexp_replace({text}, '^(-?\d+\.\d{{3}})$', '\10')"
        shown = f"CASE WHEN {value} = trunc({value}) THEN {whole} ELSE {longer} END"
        text = f"nullif({shown}, 'nan')"
    elif kind.startswith("TIMESTAMP"):
        text = f"regexp_replace({text}, ' 00:00:00$', '')"
    return f"coalesce({text}, '')"
