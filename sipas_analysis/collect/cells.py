"""Turn columns of text into levels, choices, numbers and days, and record every change.

Each distinct text of a column is read once, so a column of a million cells takes little time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

from sipas_analysis.collect.readings import Reading, WordReader
from sipas_analysis.collect.tables import Table
from sipas_analysis.errors import Place
from sipas_analysis.instrument.pack import Scale
from sipas_analysis.sheets.text_columns import Numbers, keep_by_column, number_column
from sipas_analysis.sheets.texts import tidy_text

Values = NDArray[np.object_]
_SHOWN = 30  # characters of the text of a row that is left out


@dataclass
class Cells:
    """The text of one table, with the typed columns, ledger and mistakes read from that text.

    Attributes:
        table: The table.
        raw: Its text; without the rows that the wave leaves out.
        columns: Typed columns.
        ledger: Changed cells, dropped rows and columns.
        wrong: Places of mistakes, by message.
        letters: Letter of the column that each typed column was read from.
        names: Headers and codes that the wave may use, by folded text.
        n_left_out: Number of rows that the wave leaves out.
    """

    table: Table
    raw: pd.DataFrame
    columns: dict[str, object] = field(default_factory=dict)
    ledger: list[pd.DataFrame] = field(default_factory=list)
    wrong: dict[str, list[Place]] = field(default_factory=dict)
    letters: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    n_left_out: int = 0

    @property
    def frame(self) -> pd.DataFrame:
        """The typed columns, with file and row."""
        return write_texts(self.numbered_frame)

    @property
    def numbered_frame(self) -> pd.DataFrame:
        """The typed columns, with file and row; texts of a large table as numbers of texts."""
        origin = {"file": self.table.sheet.label, "row": np.asarray(self.raw.index)}
        return pd.DataFrame({**origin, **self.columns}, copy=False)

    def read_column(
        self, name: str, header: str, kind: str, read: Callable[[str], Reading]
    ) -> None:
        """Read the column ``header`` into ``name``; note changed texts and mistakes of ``kind``."""
        self.letters[name] = self.table.letters.get(header, "")
        number, distinct = number_column(self.raw[header])
        if isinstance(read, WordReader) and read.keeps(distinct):
            self.columns[name] = pd.Series(distinct).infer_objects().array.take(number)
            return
        readings = [read(text) for text in distinct]
        values = np.array([reading.value for reading in readings], dtype=object)
        self.columns[name] = _spread_values(values, number)
        is_wrong = np.array([not reading.ok for reading in readings], dtype=bool)
        if is_wrong.any():
            self.refuse_rows(kind, header, pd.Series(is_wrong[number], index=self.raw.index))
        reason = np.array([reading.reason for reading in readings], dtype=object)
        at = np.flatnonzero((reason != "")[number])
        if len(at):
            changed, rows = number[at], np.asarray(self.raw.index)[at]
            became = np.array([write_value(value) for value in values], dtype=object)[changed]
            shown = np.where(reason == "other", "", distinct)[changed]  # free text of a person
            self.note_changes(header, rows, shown, became, reason[changed], code=name)

    def refuse_rows(self, kind: str, header: str, is_wrong: "pd.Series[bool]") -> None:
        """List the cells of some rows of a column as mistakes of one kind."""
        if not is_wrong.any():
            return
        texts = self.raw.loc[is_wrong, header]
        self.wrong.setdefault(kind, []).extend(
            self.table.place(int(row), header, tidy_text(text))
            for row, text in zip(np.asarray(texts.index), texts, strict=True)
        )

    def refuse_words(self, kind: str, header: str, words: Iterable[str]) -> None:
        """List words of the wave for a column as mistakes of one kind."""
        places = [self.table.place(column=header, value=word) for word in words]
        self.wrong.setdefault(kind, []).extend(places)

    def leave_rows_out(
        self, is_out: "pd.Series[bool]", header: str, reason: str, *, is_shown: bool
    ) -> None:
        """Leave out some rows; the ledger has each, with the start of its text if that is shown."""
        texts = (
            self.raw.loc[is_out, header]
            .astype(object)
            .map(tidy_text)
            .str.slice(0, _SHOWN * is_shown)
        )
        n, shown = len(texts), np.asarray(texts, dtype=object)
        self.note_changes(header, np.asarray(texts.index), shown, [""] * n, [reason] * n)
        self.raw = self.raw[~is_out]
        self.n_left_out += n

    def turn_column(self, name: str, header: str, scale: Scale) -> None:
        """Turn the levels of a reversed question; the ledger has one entry for the column."""
        self.columns[name] = scale.low + scale.high - np.asarray(self.columns[name], dtype=float)
        ends = f"{scale.low}–{scale.high}", f"{scale.high}–{scale.low}"
        self.note_column(header, "reversed", *ends)

    def note_column(self, header: str, reason: str, found: str = "", became: str = "") -> None:
        """Add one entry for a column to the ledger; of a dropped one no value (rule P1)."""
        self.note_changes(header, [None], [found], [became], [reason])

    def note_left_out(self) -> None:
        """List the rows and columns of the sheet that are not read as forms, and filled cells."""
        for left_out in self.table.left_out:
            texts = ("", left_out.text) if left_out.reason == "merged" else (left_out.text, "")
            found, became = ([text] for text in texts)
            self.note_changes(left_out.column, [left_out.row], found, became, [left_out.reason])
        for header, codes in self.table.sheet.missing.items():
            rows = [row for row in codes if row in self.raw.index]
            blank, reasons = [""] * len(rows), ["declared_missing"] * len(rows)
            self.note_changes(header, rows, [codes[row] for row in rows], blank, reasons)

    def refuse_repeated_ids(self, name: str, header: str) -> None:
        """List repeated values of a column of ids as mistakes."""
        ids = pd.Series(self.columns[name], index=self.raw.index, dtype=object)
        self.refuse_rows("form_twice", header, ids.notna() & ids.duplicated(keep=False))

    def note_changes(
        self,
        header: str,
        rows: Sequence[object] | Values,
        texts: Sequence[str] | Values,
        became: Sequence[str] | Values,
        reasons: Sequence[str] | Values,
        *,
        code: str = "",
    ) -> None:
        """Add one row per changed cell to the ledger; ``code`` is the question of the column."""
        if len(rows):
            file = self.table.sheet.label
            origin = {"file": file, "row": rows, "column": header, "found": texts}
            changes = {**origin, "became": became, "reason": reasons, "code": code}
            self.ledger.append(pd.DataFrame(changes))


def _spread_values(values: Values, number: Numbers) -> ExtensionArray:
    """Return the value of each number; texts of a large table stay numbers of distinct texts."""
    distinct = pd.Series(values).infer_objects()
    if not isinstance(distinct.dtype, pd.StringDtype) or not keep_by_column(len(number)):
        return cast(ExtensionArray, distinct.array.take(number))
    code, texts = pd.factorize(distinct)
    return pd.Categorical.from_codes(code[number], pd.Index(texts, dtype=object))


def write_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which numbers of distinct texts are texts."""
    numbered = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(numbered, "str")) if numbered else frame


def list_places(rows: pd.DataFrame, header: str = "", name: str = "") -> list[Place]:
    """Return where forms stand: a column and the value of it, if they are named."""
    values = [str(write_value(value)) for value in rows[name]] if name else [""] * len(rows)
    return [
        Place.at_row(str(file), int(row), header, value)
        for file, row, value in zip(rows["file"], rows["row"], values, strict=True)
    ]


def write_value(value: object) -> object:
    """Return a value in the form that the ledger shows."""
    if value is None:
        return ""
    return f"{value:.12g}" if isinstance(value, float) else value


def map_texts(column: "pd.Series[str]", read: Callable[[str], object]) -> "pd.Series[str]":
    """Return what ``read`` makes of each text of a column; each distinct text is read once."""
    number, texts = number_column(column)
    values = np.array([read(text) for text in texts], dtype=object)
    return pd.Series(values[number], index=column.index).infer_objects()
