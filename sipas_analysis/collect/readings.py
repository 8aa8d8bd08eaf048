"""Read texts of cells: a level, choices, a number, or words.

A reading is the meaning of a text, or states that the text is invalid. The words of ``wave.yaml``
(labels, recodes) go before its codes for no answer, and both before the words of the pack.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sipas_analysis.instrument.pack import Indicator, Scale
from sipas_analysis.sheets.texts import are_plain_ids, fold_text, tidy_text

ANY_TEXT = "*"  # key of a recode: every text that is no level
OTHER = "other"  # word of a recode, and code of the choice that it adds to a question
OTHER_NAMES = (OTHER, "khác", "khac")
NO_CHOICE = ";"  # text of a question with several choices that was answered with none of them
NONE = "none"  # word of a recode for the same
_SIGNS = (". ", ".", " - ", "-", ": ", ") ", " – ")
_ENDS = " .;,!"
_DASH = re.compile(r"(?<=\S)\s*[-‐-―−]\s*(?=\S)")  # between two words, in any way
_WHOLE = re.compile(r"(-?[0-9]+)[.,]0+")
_INTEGER = re.compile(r"-?[0-9]+")
_NUMBERS = {
    "comma": re.compile(r"[0-9]+(,[0-9]+)?(e[-+]?[0-9]+)?|[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?"),
    "point": re.compile(r"[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?|[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?"),
}


class Reading(NamedTuple):
    """The meaning of a text: a value (None is blank), why it was changed, whether it is valid."""

    value: object
    reason: str = ""
    ok: bool = True


Reader = Callable[[str], Reading]


@lru_cache(maxsize=2**16)
def fold_answer(text: str) -> str:
    """Return an answer for comparison: folded, without ``.0`` or a full stop at its end.

    Dashes between words are alike, with or without spaces: ``18 - 24`` is ``18–24``.
    """
    folded = fold_text(text)
    if folded.isalnum():  # most texts: no dash, no point
        return folded
    folded = _DASH.sub("-", folded)
    whole = _WHOLE.fullmatch(folded)
    return whole[1] if whole else folded.rstrip(_ENDS) or folded


def make_level_reader(
    scale: Scale,
    blank: Collection[str],
    labels: Mapping[str, int],
    not_applicable: Collection[str] = (),
) -> Reader:
    """Return how to read answers: a level, its label, both (``5. Rất hài lòng``), or blank."""
    level_by_label = {
        text: level
        for level, label in scale.labels.items()
        for text in (label.vi, label.en)
        if text
    }
    level_by_label |= {
        f"{level}{sign}{label}": level for label, level in level_by_label.items() for sign in _SIGNS
    }
    readings = _read_labels(level_by_label)
    readings |= dict.fromkeys(map(fold_answer, not_applicable), Reading(None, "not_applicable"))
    readings |= _read_blanks(blank) | _read_labels(labels)

    def read_level(text: str) -> Reading:
        folded = fold_answer(text)
        if folded in readings:
            return readings[folded]
        if not _INTEGER.fullmatch(folded) or int(folded) not in scale.levels:
            return Reading(None, ok=False)
        return Reading(float(folded), "" if text == str(int(folded)) else "spelling")

    return read_level


def _read_labels(levels: Mapping[str, int]) -> dict[str, Reading]:
    """Return the reading of each folded label."""
    return {fold_answer(text): Reading(float(level), "label") for text, level in levels.items()}


def _read_blanks(blank: Iterable[str]) -> dict[str, Reading]:
    """Return the reading of each folded code for no answer, and of an empty cell."""
    return {
        **dict.fromkeys(map(fold_answer, blank), Reading(None, "blank_code")),
        "": Reading(None),
    }


def find_level(scale: Scale, word: str) -> int | None:
    """Return the level that a word means, if any."""
    value = make_level_reader(scale, (), {})(word).value
    return None if value is None else int(float(str(value)))


def list_choices(indicator: Indicator) -> dict[str, str]:
    """Return the code of a choice by each folded text of it: code and labels."""
    return {
        fold_answer(text): code
        for code, label in indicator.levels.items()
        for text in (code, label.vi, label.en)
        if text
    }


def find_choice(indicator: Indicator, word: str) -> str | None:
    """Return the code of the choice that a word means; *other* has several usual names.

    Of a question with several choices, *none* stands for an answer without a choice.
    """
    choices, folded = list_choices(indicator), fold_answer(word)
    names = (folded, *OTHER_NAMES) if folded in OTHER_NAMES else (folded,)
    no_choice = NO_CHOICE if folded == NONE and indicator.kind == "many" else None
    return next((choices[name] for name in names if name in choices), no_choice)


def make_choice_reader(
    indicator: Indicator, blank: Collection[str] = (), recode: Mapping[str, str] | None = None
) -> Reader:
    """Return how to read a question beside the index: codes or labels, one or several.

    A text behind the label of *other* (``Khác: …``) is read as *other*. So is each text that is no
    choice, if ``recode`` says so under ``*``.
    """
    words = {fold_answer(text): word for text, word in (recode or {}).items()}
    code_by_word = {text: find_choice(indicator, word) for text, word in words.items()}
    any_text = code_by_word.pop(ANY_TEXT, None)
    blank_texts = {fold_answer(text) for text in blank} - {*code_by_word}
    choices = list_choices(indicator) | code_by_word
    other = find_choice(indicator, OTHER)
    other_names = "|".join(re.escape(text) for text, code in choices.items() if code == other)
    starts_other = re.compile(rf"(?:{other_names})\b" if other_names else r"(?!)")

    def read_part(text: str) -> Reading:
        if text in choices:
            return Reading(choices[text], "recoded" if text in code_by_word else "label")
        code = other if starts_other.match(text) else any_text
        return Reading(code, "other", ok=code is not None)

    def read_choice(text: str) -> Reading:
        folded = fold_answer(text)
        if folded in blank_texts:
            return Reading(None, "blank_code")
        if folded == NO_CHOICE and indicator.kind == "many":
            return Reading("")
        parts = _split_choices(folded, choices) if indicator.kind == "many" else [folded]
        readings = [read_part(part) for part in parts if part or part in code_by_word]
        reasons = {reading.reason for reading in readings if reading.ok}
        if not all(reading.ok for reading in readings) and "other" not in reasons:
            return Reading(None, ok=False)
        chosen = dict.fromkeys(str(each.value) for each in readings if each.ok)
        if NO_CHOICE in chosen:  # alone, or beside a choice
            return Reading("", readings[0].reason, ok=len(chosen) == 1)
        joined = ";".join(chosen)
        reason = next((reason for reason in ("other", "recoded") if reason in reasons), "label")
        return Reading(joined or None, reason if joined != text and joined else "")

    return read_choice


def _split_choices(folded: str, choices: Collection[str]) -> list[str]:
    """Return the choices of a text, parted by ``;`` or ``,``, or by spaces in one way only.

    The longest run of parts that is a choice is taken, so that a choice may hold commas itself.
    """
    words = folded.split()
    ways: list[list[list[str]]] = [*([] for _ in words), [[]]]  # of the words from each position
    for at in reversed(range(len(words) if folded not in choices else 0)):
        ends = (end for end in range(at + 1, len(ways)) if ways[end])
        runs = {end: " ".join(words[at:end]) for end in ends}
        ways[at] = [[run, *way] for end, run in runs.items() if run in choices for way in ways[end]]
        del ways[at][2:]  # two are as unclear as more
    if len(ways[0]) == 1 and words:
        return ways[0][0]
    tokens = re.split(r"([;,])", folded)
    parts, start = [], 0
    while start < len(tokens):
        runs = {
            end: fold_answer("".join(tokens[start:end])) for end in range(len(tokens), start, -2)
        }
        end = next((end for end, run in runs.items() if run in choices), start + 1)
        parts.append(runs[end])
        start = end + 1
    return parts


def make_word_reader(
    blank: Collection[str] = (), recode: Mapping[str, str] | None = None
) -> Reader:
    """Return how to read names and ids: tidied, and as ``recode`` of the wave maps them."""
    words = {fold_answer(text): word for text, word in (recode or {}).items()}
    any_text = words.pop(ANY_TEXT, "")
    targets = {fold_answer(word) for word in (*words.values(), any_text)}
    recoded = {text: Reading(word, "recoded") for text, word in words.items()}
    return WordReader(_read_blanks(blank) | recoded, any_text, targets)


@dataclass(frozen=True)
class WordReader:
    """How to read names and ids, see ``make_word_reader``.

    Attributes:
        readings: Readings of texts with a meaning of their own, by folded text.
        any_text: What every other text means; nothing if each means itself.
        targets: Folded words that are read as themselves in any case.
    """

    readings: Mapping[str, Reading]
    any_text: str
    targets: Collection[str]

    def __call__(self, text: str) -> Reading:
        """Read one text."""
        folded = fold_answer(text)
        if folded in self.readings:
            return self.readings[folded]
        if self.any_text and folded not in self.targets:
            return Reading(self.any_text, "other")
        tidy = tidy_text(text)
        return Reading(tidy, "spelling" if tidy != text else "")

    def keeps(self, texts: Collection[str]) -> bool:
        """Return whether all of these texts are ids that stay as they are."""
        if self.any_text or not are_plain_ids(texts):
            return False
        return self.readings.keys().isdisjoint(map(str.lower, texts))


def read_code(text: str) -> Reading:
    """Read a code that no ledger may show: tidied, never a change, never a mistake (rule P3)."""
    return Reading(tidy_text(text) or None)


def allow_blank(read: Reader, blank: Collection[str]) -> Reader:
    """Return a reader that takes some texts for no answer."""
    readings = _read_blanks(blank)
    return lambda text: readings.get(fold_answer(text)) or read(text)


def list_numbers(text: str) -> dict[str, float]:
    """Return the numbers that a text may write, by decimal sign: ``1.234`` writes two."""
    folded, numbers = fold_text(text), {}
    for sign, pattern in _NUMBERS.items():
        if pattern.fullmatch(folded):
            plain = folded.replace(".", "").replace(",", ".") if sign == "comma" else folded
            numbers[sign] = float(plain.replace(",", ""))
    return numbers


def find_decimal(texts: Iterable[str]) -> str:
    """Return the decimal sign that the numbers of a column show; empty if they show none or two."""
    signs = {sign for text in texts if len(numbers := list_numbers(text)) == 1 for sign in numbers}
    return signs.pop() if len(signs) == 1 else ""


def is_unclear(text: str) -> bool:
    """Return whether a text writes another number with a decimal comma than with a point."""
    return len(set(list_numbers(text).values())) > 1


def make_number_reader(decimal: str, *, whole: bool = False) -> Reader:
    """Return how to read numbers above zero, or whole ones from zero; both signs are understood."""

    def read_number(text: str) -> Reading:
        numbers = list_numbers(text)
        number = numbers.get(decimal, next(iter(numbers.values()), math.nan))
        fits = number >= 0 and number.is_integer() if whole else 0 < number < math.inf
        if not fits:
            return Reading(None, ok=False)
        return Reading(
            number, "" if numbers.get("point") == number and "," not in text else "number"
        )

    return read_number
