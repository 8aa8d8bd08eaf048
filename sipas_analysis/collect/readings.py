"""Read texts of cells: a level, choices, a number, a day, or words.

A reading is the meaning of a text, or states that the text is invalid.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from sipas_analysis.collect.texts import fold_text, tidy_text
from sipas_analysis.instrument.pack import Indicator, Scale

_SIGNS = (". ", ".", " - ", "-", ": ", ") ", " – ")


@dataclass(frozen=True)
class Reading:
    """The meaning of a text: a value (None is blank), why it was changed, whether it is valid."""

    value: object
    reason: str = ""
    ok: bool = True


def make_level_reader(
    scale: Scale,
    blank: set[str],
    labels: Mapping[str, int],
    not_applicable: Collection[str] = (),
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
        if folded in not_applicable:
            return Reading(None, "not_applicable")
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
