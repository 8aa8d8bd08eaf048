"""Read the words of an export: the systems' states, channels and names become ours.

Each distinct text of a column is read once, whatever the number of rows. A word that is known
neither to ``columns.yaml`` nor to the ``codes:`` of its entry is refused, or left out with a line
in the ledger where nothing is counted by it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.records.columns import Role, read_export_words
from sipas_analysis.records.service_levels import list_level_words
from sipas_analysis.sheets.texts import fold_text, plain_text, tidy_text

Values = tuple[object, ...]  # of a role: its value, and for some kinds a second one
MANY = ";"  # between the groups of one person
_LIMIT = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*(.*)")
_PARTS = re.compile(r"\s*[;,/|+]\s*")
_SIGNED = re.compile(r"-?\d+(?:[.,]\d+)?")
_NUMBER = re.compile(r"\d+(?:[.,]0+)?")


@dataclass
class WordReadings:
    """What the distinct texts of a column mean.

    Attributes:
        values: Values of each text that has a meaning.
        unknown: Texts without a meaning.
    """

    values: dict[str, Values] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def is_as_written(self) -> bool:
        """Whether every text is its own value."""
        return not self.unknown and all((text,) == value for text, value in self.values.items())

    @property
    def changed(self) -> dict[str, str]:
        """Value of each text that is not its own value, as text."""
        read = {text: str(values[0]) for text, values in self.values.items()}
        return {text: value for text, value in read.items() if text.strip() != value and value}


def fold_word(text: str) -> str:
    """Return a word for comparison: without marks, case, or the decimals of a whole number."""
    folded = fold_answer(text)
    return folded if _SIGNED.fullmatch(folded) else plain_text(folded)


@cache
def _list_words(name: str) -> dict[str, str]:
    """Return our word of a role by each folded text for it."""
    words = read_export_words().words.get(name, {})
    return {fold_word(text): code for code, texts in words.items() for text in (code, *texts)}


def _merge_codes(name: str, codes: Mapping[str, str]) -> dict[str, str]:
    """Return the words of a role with the codes of a system; then no other number is known."""
    usual = _list_words(name)
    if codes:
        usual = {text: word for text, word in usual.items() if not text.isdigit()}
    return {**usual, **{fold_word(text): word for text, word in codes.items()}}


def read_words(
    name: str,
    role: Role,
    texts: Iterable[str],
    codes: Mapping[str, str],
    units: Mapping[str, str],
) -> WordReadings:
    """Read the distinct texts of a column.

    Args:
        name: Name of the role.
        role: What the column is.
        texts: Its distinct texts; a blank one is ``""``.
        codes: Our word for words of this system.
        units: Unit code by folded name.

    Returns:
        By text its values: a word or name; of a limit the number and its unit; of a level the
        level and whether an old number was mapped.
    """
    reader = _make_reader(name, role, codes, units)
    readings = WordReadings()
    for text in texts:
        tidy, second = tidy_text(text), _SECOND.get(role.kind, ())
        values = reader(tidy) if tidy else (role.default, *second)
        if values is None:
            readings.unknown.append(text)
            values = ("", *second)
        readings.values[text] = values
    return readings


_SECOND: dict[str, Values] = {"limit": ("",), "level": (False,)}


def _make_reader(
    name: str, role: Role, codes: Mapping[str, str], units: Mapping[str, str]
) -> Callable[[str], Values | None]:
    """Return how a text of a role is read; None where it means nothing."""
    words = _merge_codes(name, codes) if role.kind in ("word", "groups") else {}
    readers: dict[str, Callable[[str], Values | None]] = {
        "unit": lambda text: _wrap(units.get(fold_text(codes.get(text, text)))),
        "limit": lambda text: _read_limit(text, codes),
        "level": lambda text: _read_level(text, codes),
        "number": lambda text: _wrap(
            re.split("[.,]", text)[0] if _NUMBER.fullmatch(text) else None
        ),
        "groups": lambda text: _read_groups(text, words),
        "word": lambda text: _wrap(words.get(fold_word(text))),
    }
    return readers.get(role.kind, lambda text: (codes.get(text, text),))


def is_ticked(texts: Iterable[str]) -> bool:
    """Return whether a column is ticked by hand: every cell is blank or a tick, and one is a tick.

    A blank cell of such a column means no.

    Example:
        >>> is_ticked(["x", ""]), is_ticked(["có", ""]), is_ticked([""])
        (True, False, False)
    """
    marks = {tidy_text(text).casefold() for text in texts} - {""}
    return bool(marks) and marks <= {*read_export_words().ticks}


def _wrap(value: str | None) -> Values | None:
    """Return a value as values; None stays None."""
    return None if value is None else (value,)


def _read_limit(text: str, codes: Mapping[str, str]) -> Values | None:
    """Return number and unit of a limit (``15 ngày làm việc``); no number where there is none."""
    match = _LIMIT.fullmatch(tidy_text(codes.get(text, text)))
    if fold_text(text) in {fold_text(word) for word in read_export_words().no_limit}:
        return ("", "")
    unit = _list_words("limit_unit").get(fold_word(match[2]), None) if match and match[2] else ""
    if match is None or unit is None or match[1].startswith("-"):
        return None
    number = float(match[1].replace(",", "."))
    return (f"{number:g}", unit) if number else ("", "")


def _read_level(text: str, codes: Mapping[str, str]) -> Values | None:
    """Return a level of online service, and whether it is an old number that was mapped."""
    return list_level_words().get(fold_answer(codes.get(text, text)))


def _read_groups(text: str, words: Mapping[str, str]) -> Values | None:
    """Return the codes of all groups of one person, each once, or None if one is unknown."""
    groups = dict.fromkeys(words.get(fold_word(part), "") for part in _PARTS.split(text) if part)
    return None if "" in groups else (MANY.join(groups),)
