"""Turn cells of text into levels, choices, numbers and days, and record every change.

Each distinct text of a column is read once, so a column of a million cells takes little time.
A reading is the meaning of a text, or states that the text is invalid.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.tables import Table
from sipas_analysis.collect.texts import fold_text, tidy_text
from sipas_analysis.errors import Place
from sipas_analysis.instrument.pack import Indicator, Scale

Values = NDArray[np.object_]
_SIGNS = (". ", ".", " - ", "-", ": ", ") ", " – ")


@dataclass(frozen=True)
class Reading:
    """The meaning of a text: a value (None is blank), why it was changed, whether it is valid."""

    value: object
    reason: str = ""
    ok: bool = True


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


def make_level_reader(
    scale: Scale, blank: set[str], labels: Mapping[str, int]
) -> Callable[[str], Reading]:
    """Return how to read answers: a level, its label, both (``5. Rất hài lòng``), or blank."""
    level_by_label = {
        fold_text(text): level
        for level, label in scale.labels.items()
        for text in (label.vi, label.en)
        if text
    }
    level_by_label |= {
        f"{level}{sign}{label}": level for label, level in level_by_label.items() for sign in _SIGNS
    }
    level_by_label |= {fold_text(text): level for text, level in labels.items()}

    def read_level(text: str) -> Reading:
        folded = fold_text(text)
        if folded == "":
            return Reading(None)
        if folded in blank:
            return Reading(None, "blank_code")
        if folded in level_by_label:
            return Reading(float(level_by_label[folded]), "label")
        level = _parse_number(folded)
        if level is None or level not in scale.levels:
            return Reading(None, ok=False)
        return Reading(level, "" if text == str(int(level)) else "spelling")

    return read_level


def make_choice_reader(indicator: Indicator) -> Callable[[str], Reading]:
    """Return how to read a question beside the index: codes or labels, one or several."""
    code_by_text = {
        fold_text(text): code
        for code, label in indicator.levels.items()
        for text in (code, label.vi, label.en)
        if text
    }

    def read_choice(text: str) -> Reading:
        codes = [code_by_text.get(part) for part in _split_choices(text, indicator)]
        if None in codes and indicator.kind == "many":
            parts = _split_choices(text.replace(",", ";"), indicator)
            codes = [code_by_text.get(part) for part in parts]
        if not codes:
            return Reading(None)
        if None in codes:
            return Reading(None, ok=False)
        joined = ";".join(map(str, codes))
        return Reading(joined, "" if joined == text else "label")

    return read_choice


def _split_choices(text: str, indicator: Indicator) -> list[str]:
    """Return the folded choices of a cell, separated by ``;`` where several may be chosen."""
    parts = text.split(";") if indicator.kind == "many" else [text]
    return [fold_text(part) for part in parts if fold_text(part)]


def read_words(text: str) -> Reading:
    """Read a name or id; only its spaces and its Unicode form (NFC) are normalised."""
    tidy = tidy_text(text)
    return Reading(tidy or None, "spelling" if tidy and tidy != text else "")


def read_weight(text: str) -> Reading:
    """Read a weight: a number above zero, with decimal point or comma."""
    weight = _parse_number(fold_text(text))
    if weight is None or weight <= 0:
        return Reading(None, ok=False)
    return Reading(weight, "spelling" if "," in text else "")


def read_day(text: str) -> Reading:
    """Read a day written 2021-03-15 or 15/3/2021 (day first), with or without an hour."""
    tidy = tidy_text(text)
    if not tidy:
        return Reading(None)
    day = tidy.split(" ")[0].split("T")[0].replace("-", "/").replace(".", "/")
    for day_format in ("%Y/%m/%d", "%d/%m/%Y"):
        try:
            return Reading(datetime.strptime(day, day_format).date().isoformat())
        except ValueError:
            continue
    return Reading(None, ok=False)


def _parse_number(text: str) -> float | None:
    """Return the number that a text writes with decimal point or comma, if any."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
