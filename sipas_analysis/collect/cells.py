"""Turn cells of text into levels, choices, numbers and days, and remember every change.

A column is read by its distinct texts, so a million cells cost as much as their dozen
spellings. Each reading says what the text means, or that it means nothing known.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.readers import fold_text, tidy_text
from sipas_analysis.errors import Place
from sipas_analysis.instrument.pack import Indicator, Scale

Values = NDArray[np.object_]
_SIGNS = (". ", ".", " - ", "-", ": ", ") ", " – ")


@dataclass(frozen=True)
class Reading:
    """What a text means: a value (None is blank), why it was changed, whether it is known."""

    value: object
    reason: str = ""
    ok: bool = True


@dataclass
class Cells:
    """One file while it is read: raw text in, typed columns, ledger and complaints out."""

    file: str
    raw: pd.DataFrame
    made: dict[str, object] = field(default_factory=dict)
    ledger: list[pd.DataFrame] = field(default_factory=list)
    wrong: dict[str, list[Place]] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """The typed columns, with file and row."""
        origin = {"file": self.file, "row": np.asarray(self.raw.index)}
        return pd.DataFrame({**origin, **self.made})

    def take(self, name: str, header: str, kind: str, read: Callable[[str], Reading]) -> None:
        """Read the column ``header`` into ``name``; note changes, and what means nothing known."""
        number, distinct = pd.factorize(self.raw[header])
        readings = [read(text) for text in distinct]
        values = np.array([one.value for one in readings], dtype=object)
        self.made[name] = pd.Series(values[number]).infer_objects().to_numpy()
        texts, rows = distinct.to_numpy()[number], np.asarray(self.raw.index)
        wrong = np.array([not one.ok for one in readings])[number]
        places = zip(rows[wrong], texts[wrong], strict=True)
        found = [Place(self.file, int(row), header, tidy_text(text)) for row, text in places]
        self.wrong.setdefault(kind, []).extend(found)
        reason = np.array([one.reason for one in readings], dtype=object)[number]
        became = np.array(
            ["" if v is None else f"{v:g}" if isinstance(v, float) else v for v in values],
            dtype=object,
        )[number]
        at = np.flatnonzero(reason != "")
        self._note(header, rows[at], texts[at], became[at], reason[at])

    def drop_column(self, header: str, reason: str) -> None:
        """Drop a personal or ignored column: the ledger names it, never a value (rule P1)."""
        self._note(header, [None], [""], [""], [reason])

    def set_totals_apart(self, words: Sequence[str]) -> None:
        """Complain of each row that sums up the others, and read it no further."""
        is_word = self.raw.apply(_is_one_of, words=set(words))
        rows = is_word.any(axis=1)
        which = is_word[rows].idxmax(axis=1)
        self.wrong["total_row"] = [
            Place(self.file, int(row), str(header), tidy_text(str(self.raw.loc[row, header])))
            for row, header in zip(np.asarray(which.index), which, strict=True)
        ]
        self.raw = self.raw[~rows]

    def refuse_twice(self, name: str, header: str) -> None:
        """Complain of values that stand more than once in a column of ids."""
        ids = pd.Series(self.made[name], index=self.raw.index, dtype=object)
        twice = ids[ids.notna() & ids.duplicated(keep=False)]
        found = [
            Place(self.file, int(row), header, str(it))
            for row, it in zip(np.asarray(twice.index), twice, strict=True)
        ]
        self.wrong.setdefault("form_twice", []).extend(found)

    def _note(
        self,
        header: str,
        row: Sequence[object] | Values,
        found: Sequence[str] | Values,
        became: Sequence[str] | Values,
        reason: Sequence[str] | Values,
    ) -> None:
        if len(row):
            entry = {"file": self.file, "row": row, "column": header, "found": found}
            self.ledger.append(pd.DataFrame({**entry, "became": became, "reason": reason}))


def _is_one_of(column: "pd.Series[str]", words: set[str]) -> "pd.Series[bool]":
    """Say of each cell whether its folded text is one of some words; texts are folded once."""
    number, texts = pd.factorize(column)
    known = np.array([fold_text(text) in words for text in texts], dtype=bool)
    return pd.Series(known[number], index=column.index)


def make_level_reader(scale: Scale, blank: set[str], labels: Mapping[str, int]) -> Callable[[str], Reading]:
    """Return how to read answers: a level, its label, both (``5. Rất hài lòng``), or blank."""
    named = {
        fold_text(text): level
        for level, both in scale.labels.items()
        for text in (both.vi, both.en)
        if text
    }
    named |= {f"{level}{sign}{name}": level for name, level in named.items() for sign in _SIGNS}
    named |= {fold_text(text): level for text, level in labels.items()}

    def read(text: str) -> Reading:
        clean = fold_text(text)
        if clean == "":
            return Reading(None)
        if clean in blank:
            return Reading(None, "blank_code")
        if clean in named:
            return Reading(float(named[clean]), "label")
        level = _number(clean)
        ok = level is not None and level in scale.levels
        plain = ok and text == str(int(level or 0))
        return Reading(level if ok else None, "" if plain or not ok else "spelling", ok)

    return read


def make_choice_reader(indicator: Indicator) -> Callable[[str], Reading]:
    """Return how to read a question beside the index: codes or labels, one or several."""
    named = {
        fold_text(text): code
        for code, both in indicator.levels.items()
        for text in (code, both.vi, both.en)
        if text
    }

    def read(text: str) -> Reading:
        found = [named.get(part) for part in _parts(text, indicator)]
        if None in found and indicator.kind == "many":
            found = [named.get(part) for part in _parts(text.replace(",", ";"), indicator)]
        if not found:
            return Reading(None)
        if None in found:
            return Reading(None, ok=False)
        code = ";".join(str(one) for one in found)
        return Reading(code, "" if code == text else "label")

    return read


def _parts(text: str, indicator: Indicator) -> list[str]:
    """Return the folded choices of a cell; several stand with ``;`` or ``,`` between them."""
    parts = text.split(";") if indicator.kind == "many" else [text]
    return [fold_text(part) for part in parts if fold_text(part)]


def read_words(text: str) -> Reading:
    """Read a name or id as it stands, but composed and without stray spaces."""
    clean = tidy_text(text)
    return Reading(clean or None, "spelling" if clean and clean != text else "")


def read_weight(text: str) -> Reading:
    """Read a weight: a number above zero, with decimal point or comma."""
    found = _number(fold_text(text))
    ok = found is not None and found > 0
    return Reading(found if ok else None, "spelling" if ok and "," in text else "", ok)


def read_day(text: str) -> Reading:
    """Read a day written 2021-03-15 or 15/3/2021 (day first), with or without an hour."""
    clean = tidy_text(text)
    if not clean:
        return Reading(None)
    first = clean.split(" ")[0].split("T")[0].replace("-", "/").replace(".", "/")
    for form in ("%Y/%m/%d", "%d/%m/%Y"):
        try:
            return Reading(datetime.strptime(first, form).date().isoformat())
        except ValueError:
            continue
    return Reading(None, ok=False)


def _number(text: str) -> float | None:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        return None
    return found if np.isfinite(found) else None
