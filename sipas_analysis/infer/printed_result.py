"""Make the printed table of a result: headings, cells, alignment, notes; once for all writers."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isnan, nan
from typing import Literal

import pandas as pd

from sipas_analysis.documents.model import Column, Table, Value
from sipas_analysis.documents.table_cells import Chance, Measured, Plain, Range
from sipas_analysis.infer.column_formats import (
    CODES,
    Cell,
    ColumnFormat,
    choose_format,
    select_columns,
)
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.instrument.wording import INDICES
from sipas_analysis.messages import Language, read_catalogue, say
from sipas_analysis.progress import watch

BROAD = 1.0  # points; the ends of a wider interval have one decimal
WORDS = ("model", "verdict", "quadrant", "flag", "family")  # columns whose codes have words
TERM = "term:"  # before the code of a coefficient: its name in print
LONGEST_VIEW = 60  # rows that are shown on a screen


@dataclass(frozen=True)
class ResultPart:
    """One table of a result.

    Attributes:
        name: Name of the part; empty for the main table.
        frame: The rows.
        decimals: Decimals of its numbers.
        keys: Columns that name a row; codes stay text.
        chosen: Columns of the narrow table; the usual ones if empty.
    """

    name: str
    frame: pd.DataFrame
    decimals: int = 2
    keys: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Printing:
    """How a part is printed.

    Attributes:
        language: Language of headings, numbers and words.
        wording: Text of each code.
        shows_all: Whether all columns are shown, each end of an interval on its own.
        names_columns: Whether headings are the names of the columns, as code needs them.
        hidden_flag: Flag of the rows that lose their numbers; none if empty.
    """

    language: Language = "en"
    wording: Mapping[str, Bilingual] = field(default_factory=dict)
    shows_all: bool = False
    names_columns: bool = False
    hidden_flag: str = ""


@dataclass(frozen=True)
class _PrintedColumn:
    """A column: its heading, whether it holds numbers, and its cells."""

    label: str
    is_number: bool
    cells: list[object]

    def name_all(self) -> str:
        """Return the text that all cells have; empty if they differ or there is a single one."""
        texts = {cell for cell in self.cells if isinstance(cell, str)}
        is_same = len(self.cells) > 1 and len(texts) == 1
        return texts.pop() if is_same and all(isinstance(c, str) for c in self.cells) else ""


def make_table(
    part: ResultPart,
    printing: Printing,
    *,
    caption: str = "",
    notes: Sequence[str] = (),
    most_rows: int | None = None,
) -> Table:
    """Return a part as a table of the document model.

    Args:
        part: The rows and their meaning.
        printing: Language, wording and width.
        caption: Title of the table.
        notes: Sentences below the table.
        most_rows: Rows shown; a note says how many there are. All if None.
    """
    frame = part.frame if most_rows is None else part.frame.head(most_rows)
    frame = _hide_numbers(frame, printing.hidden_flag) if printing.hidden_flag else frame
    columns = _make_columns(frame, part, printing)
    if not (printing.shows_all or printing.names_columns):
        columns = _leave_out_named(columns, caption)
    labels = tuple(
        Column(Plain(column.label), _choose_kind(at, column)) for at, column in enumerate(columns)
    )
    rows = tuple(zip(*(column.cells for column in columns), strict=True))
    texts = [*notes, *_say_cut(len(frame), len(part.frame), printing.language)]
    title = caption or (_say_part(part.name, printing.language) if part.name else "")
    return Table(
        part.name or "result", Plain(title), labels, rows, tuple(Plain(text) for text in texts)
    )


def _leave_out_named(columns: list[_PrintedColumn], caption: str) -> list[_PrintedColumn]:
    """Return the columns without those that have one text in each row that is said elsewhere.

    That is a text in the caption, or the code of an index beside its wording. A column that names
    the rows stays.
    """
    same = {at: column.name_all() for at, column in enumerate(columns)}
    is_code = {at: text in INDICES and bool(same.get(at + 1)) for at, text in same.items()}
    titled = {at for at, text in same.items() if text and _is_in(text, caption)}
    kept = [column for at, column in enumerate(columns) if not (at in titled or is_code[at])]
    has_names = any(not (column.is_number or column.name_all()) for column in kept)
    return kept if has_names else columns


def _is_in(text: str, caption: str) -> bool:
    """Return whether a caption has a text as whole words."""
    whole = rf"(?<!\w){re.escape(text.casefold())}(?!\w)"
    return re.search(whole, caption.casefold()) is not None


def _hide_numbers(frame: pd.DataFrame, flag: str) -> pd.DataFrame:
    """Return a table without the numbers of the rows that have a flag."""
    if not {"flag", "value"} <= {*frame.columns}:
        return frame
    is_hidden = frame["flag"] == flag
    if not is_hidden.any():
        return frame
    after_keys = frame.columns[list(frame.columns).index("value") :]
    numbers = frame[after_keys].select_dtypes("number").columns
    hidden = frame.assign(**{name: frame[name].astype(float) for name in numbers})
    hidden.loc[is_hidden, list(numbers)] = nan
    if "printed" in hidden:
        hidden.loc[is_hidden, "printed"] = ""
    return hidden


def _say_part(name: str, language: Language) -> str:
    """Return the title of a part; its name where there is no sentence."""
    key = f"result.part.{name}"
    return say(language, key) if key in read_catalogue(language) else name


def _say_cut(n_shown: int, n: int, language: Language) -> list[str]:
    if n_shown == n:
        return []
    return [say(language, "result.cut", n=f"{n_shown:d}", n_all=f"{n:d}")]


def _choose_kind(at: int, column: _PrintedColumn) -> Literal["row", "text", "number"]:
    if column.is_number:
        return "number"
    return "row" if at == 0 else "text"


def _make_columns(
    frame: pd.DataFrame, part: ResultPart, printing: Printing
) -> list[_PrintedColumn]:
    """Return the columns in print: codes with their wording, intervals as one column."""
    whole = part.frame
    names = (
        [str(name) for name in whole]
        if printing.shows_all
        else select_columns(whole, part.keys, part.chosen)
    )
    formats = {
        name: choose_format(name, whole[name], part.decimals, is_key=name in part.keys)
        for name in names
    }
    columns: list[_PrintedColumn] = []
    for name in watch(names):
        high = f"{name[:-3]}high"
        if not printing.shows_all and name.endswith("low") and high in names:
            columns.append(_make_range(frame, name, formats[name], printing))
        elif name == "unit" and not printing.shows_all and _make_wording(frame, name, printing):
            columns.append(_name_units(frame, printing))
        elif printing.shows_all or not _is_upper_end(name, names):
            cells = [
                _make_cell(translate_code(name, value, printing), formats[name], printing)
                for value in frame[name]
            ]
            label = _name_column(name, printing, part.name)
            columns.append(_PrintedColumn(label, formats[name].kind != "text", cells))
            columns += _make_wording(frame, name, printing)
    return columns or [_PrintedColumn("–", is_number=False, cells=[])]  # a table without columns


def _is_upper_end(name: str, names: Collection[str]) -> bool:
    return name.endswith("high") and f"{name[:-4]}low" in names


def _name_column(name: str, printing: Printing, part: str = "") -> str:
    """Return the heading of a column: its name, or the words for it, in this part or in general."""
    if printing.names_columns:
        return name
    known = read_catalogue(printing.language)
    return known.get(f"result.column.{part}.{name}", known.get(f"result.column.{name}", name))


def _make_range(
    frame: pd.DataFrame, low: str, style: ColumnFormat, printing: Printing
) -> _PrintedColumn:
    """Return both ends of an interval as one column."""
    base, high = low[:-3], f"{low[:-3]}high"
    is_points = style.decimals == 2 and base.partition("_")[0] not in ("odds", "rate")
    cells: list[object] = []
    for ends in zip(map(_read_float, frame[low]), map(_read_float, frame[high]), strict=True):
        is_broad = is_points and ends[1] - ends[0] >= BROAD
        decimals = 1 if is_broad else style.decimals  # as reports print percentages
        low_end, high_end = (Measured(end, decimals) for end in ends)
        cells.append(Range(low_end, high_end, is_count=base == "rank_"))
    if printing.names_columns:
        label = f"{low} – {high}"
    else:
        known = read_catalogue(printing.language)
        label = known.get(f"result.column.{base}interval", known["result.column.interval"])
    return _PrintedColumn(label, is_number=True, cells=cells)


def _make_wording(frame: pd.DataFrame, name: str, printing: Printing) -> list[_PrintedColumn]:
    """Return the column with the wording of codes; none where no wording says more than its code.

    A wording that repeats its code is left out.
    """
    if name not in CODES or (name == "unit" and "unit_name" in frame):
        return []
    prefix, language = "unit:" if name == "unit" else "", printing.language
    texts = [(code, printing.wording.get(f"{prefix}{code}")) for code in frame[name]]
    cells: list[object] = [
        "" if wording is None or wording.text(language) == code else wording.text(language)
        for code, wording in texts
    ]
    if not any(cells):
        return []
    label = _name_column("unit_name" if name == "unit" else "wording", printing)
    return [_PrintedColumn(label, is_number=False, cells=cells)]


def _name_units(frame: pd.DataFrame, printing: Printing) -> _PrintedColumn:
    """Return the units by name; one without a name by its code."""
    (names,) = _make_wording(frame, "unit", printing)
    cells = [name or code for name, code in zip(names.cells, frame["unit"], strict=True)]
    return _PrintedColumn(names.label, is_number=False, cells=cells)


def translate_code(name: str, value: object, printing: Printing) -> object:
    """Return the word for a code such as ``cannot_tell``, unless codes are wanted."""
    if printing.names_columns:
        return value
    if name == "group" and f"group:{value}" in printing.wording:
        return printing.wording[f"group:{value}"].text(printing.language)
    if name == "variable" and f"{TERM}{value}" in printing.wording:
        return printing.wording[f"{TERM}{value}"].text(printing.language)
    if name not in WORDS:
        return value
    return read_catalogue(printing.language).get(f"result.word.{name}.{value}", value)


def _make_cell(value: object, style: ColumnFormat, printing: Printing) -> object:
    """Return a cell of the document model; None is a missing value."""
    if style.kind == "text":
        return _make_text(value, printing)
    number = _read_float(value)
    if isnan(number):
        return None
    return Chance(number) if style.kind == "chance" else Measured(number, style.decimals)


def _read_float(value: Cell) -> float:
    return float("nan") if pd.isna(value) else float(value)


def _make_text(value: object, printing: Printing) -> object:
    """Return a text, a day or yes/no; a code that is a number has no decimals."""
    if _is_missing(value):
        return None
    if type(value).__name__ in ("bool", "bool_"):
        return say(printing.language, "result.yes" if value else "result.no")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return value if isinstance(value, (Value, date)) else str(value)


def _is_missing(value: Cell) -> bool:
    return value is None or (not isinstance(value, Iterable) and bool(pd.isna(value)))
