"""Turn columns of text into levels, choices, numbers and days, and record every change.

Each distinct text of a column is read once, so a column of a million cells takes little time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.readings import Reading
from sipas_analysis.collect.tables import Table
from sipas_analysis.collect.texts import fold_text, tidy_text
from sipas_analysis.errors import Place
from sipas_analysis.instrument.pack import Scale

Values = NDArray[np.object_]


@dataclass
class Cells:
    """The text of one table, with the typed columns, ledger and mistakes read from that text."""

    table: Table
    raw: pd.DataFrame
    columns: dict[str, object] = field(default_factory=dict)
    ledger: list[pd.DataFrame] = field(default_factory=list)
    wrong: dict[str, list[Place]] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """The typed columns, with file and row."""
        origin = {"file": self.table.sheet.label, "row": np.asarray(self.raw.index)}
        return pd.DataFrame({**origin, **self.columns})

    def read_column(
        self, name: str, header: str, kind: str, read: Callable[[str], Reading]
    ) -> None:
        """Read the column ``header`` into ``name``; note changed texts and mistakes of ``kind``."""
        number, distinct = pd.factorize(self.raw[header])
        readings = [read(text) for text in distinct]
        values = np.array([reading.value for reading in readings], dtype=object)
        self.columns[name] = pd.Series(values[number]).infer_objects().to_numpy()
        texts, rows = distinct.to_numpy()[number], np.asarray(self.raw.index)
        wrong = np.array([not reading.ok for reading in readings])[number]
        self.wrong.setdefault(kind, []).extend(
            self.table.place(int(row), header, tidy_text(text))
            for row, text in zip(rows[wrong], texts[wrong], strict=True)
        )
        reason = np.array([reading.reason for reading in readings], dtype=object)[number]
        became = np.array([_write_value(value) for value in values], dtype=object)[number]
        at = np.flatnonzero(reason != "")
        self._note_changes(header, rows[at], texts[at], became[at], reason[at])

    def turn_column(self, name: str, header: str, scale: Scale) -> None:
        """Turn the levels of a reversed question; the ledger has one entry for the column."""
        self.columns[name] = scale.low + scale.high - np.asarray(self.columns[name], dtype=float)
        ends = f"{scale.low}–{scale.high}", f"{scale.high}–{scale.low}"
        self._note_changes(header, [None], [ends[0]], [ends[1]], ["reversed"])

    def drop_column(self, header: str, reason: str) -> None:
        """Drop a personal or ignored column; the ledger has its name and no value (rule P1)."""
        self._note_changes(header, [None], [""], [""], [reason])

    def set_totals_apart(self, words: Sequence[str]) -> None:
        """List each row of totals as a mistake, and do not read that row."""
        is_word = self.raw.apply(_find_words, words=set(words))
        rows = is_word.any(axis=1)
        which = is_word[rows].idxmax(axis=1)
        self.wrong["total_row"] = [
            self.table.place(int(row), str(header), tidy_text(str(self.raw.loc[row, header])))
            for row, header in zip(np.asarray(which.index), which, strict=True)
        ]
        self.raw = self.raw[~rows]

    def refuse_repeated_ids(self, name: str, header: str) -> None:
        """List repeated values of a column of ids as mistakes."""
        ids = pd.Series(self.columns[name], index=self.raw.index, dtype=object)
        repeated = ids[ids.notna() & ids.duplicated(keep=False)]
        self.wrong.setdefault("form_twice", []).extend(
            self.table.place(int(row), header, str(form_id))
            for row, form_id in zip(np.asarray(repeated.index), repeated, strict=True)
        )

    def _note_changes(
        self,
        header: str,
        rows: Sequence[object] | Values,
        texts: Sequence[str] | Values,
        became: Sequence[str] | Values,
        reasons: Sequence[str] | Values,
    ) -> None:
        """Add one row per changed cell to the ledger."""
        if len(rows):
            file = self.table.sheet.label
            origin = {"file": file, "row": rows, "column": header, "found": texts}
            self.ledger.append(pd.DataFrame({**origin, "became": became, "reason": reasons}))


def _write_value(value: object) -> object:
    """Return a value in the form that the ledger shows."""
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else value


def _find_words(column: "pd.Series[str]", words: set[str]) -> "pd.Series[bool]":
    """Return for each cell whether its folded text is one of some words."""
    number, texts = pd.factorize(column)
    is_word = np.array([fold_text(text) in words for text in texts], dtype=bool)
    return pd.Series(is_word[number], index=column.index)
