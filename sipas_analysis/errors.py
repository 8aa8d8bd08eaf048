"""Errors that a user can correct; the CLI prints them as one paragraph, without a traceback.

An error is an id with fields; its sentences are in ``messages/``. One class per kind of
mistake, each with its own exit code (docs/decisions/0004-exit-codes.md). A paragraph is passed on
to others, so it groups equal places and never quotes the free text of a respondent.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from sipas_analysis.messages import Language, say

SHOWN_PLACES = 10
FEWEST_CELLS = 3  # of each value, where many values share the places that are named
LONGEST = 40  # characters of a cell that are quoted
REPEATED = 3  # a text in so many cells is a label; one in fewer cells may be free text
LONGEST_WORD = 12  # characters of one or two words that may be a label, even in one cell
BLANK_CODES = {"0", "9", "88", "98", "99", "999", "-1", "-9", "-99"}  # usual codes of "no answer"
_PERSONAL = re.compile(r"[^\s@]+@[^\s@]+|(?<!\d)(?:\+?84|0)(?:[\s.\-]?\d){8,11}(?!\d)|\d{9,}")
_TWO_LEVELS = re.compile(r"\d\s*[.,;/+&|-]\s*\d+")
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|thg ?[0-9]+)"
_DAY = re.compile(
    rf"(?:\d{{4}}-\d\d?-|\d\d?([-./])\d\d?\1(?:\d\d)?)\d\d\b.*|\d+[- ]{_MONTH}|{_MONTH}[- ]\d+"
)


@dataclass(frozen=True)
class Place:
    """Where a mistake is: file, row and column as a spreadsheet shows them, and the value.

    Attributes:
        file: Name of the file.
        row: Number of the row.
        column: Header of the column.
        value: Text of the cell.
        sheet: Name of the sheet, if the file has several.
        letter: Letter of the column; with the row it names the cell (``O9``).
    """

    file: str
    row: int | None = None
    column: str = ""
    value: str = ""
    sheet: str = ""
    letter: str = ""

    @classmethod
    def at_row(cls, label: str, row: int, column: str = "", value: str = "") -> "Place":
        """Return the place of a row in a file named as in the ledger: ``a.xlsx [Sheet]``."""
        file, _, sheet = label[:-1].rpartition(" [") if label.endswith("]") else (label, "", "")
        return cls(file or label, row, column, value, sheet if file else "")

    def text(self, language: Language) -> str:
        """Return the place as a short phrase, leaving out what is not known."""
        return group_places([self])[0].text(language)


@dataclass(frozen=True)
class PlaceGroup:
    """Places with one value: every row of every column of every sheet named.

    Attributes:
        rows: Numbers of the rows; none if the places have no row.
        sheets: File and sheet.
        columns: Letter and header.
        value: Text of the cells.
    """

    rows: tuple[int, ...]
    sheets: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]
    value: str

    @property
    def n(self) -> int:
        """Number of places."""
        return max(len(self.rows), 1) * len(self.sheets) * max(len(self.columns), 1)

    def sheet_text(self, language: Language) -> str:
        """Return the files, each with its sheets if they have a name."""
        sheets: dict[str, list[str]] = {}
        for file, sheet in self.sheets:
            sheets.setdefault(file, []).extend([f"“{sheet}”"] if sheet else [])
        files = [
            ", ".join([file, *([say(language, "place.sheet", it=", ".join(names))] * bool(names))])
            for file, names in sheets.items()
        ]
        if 1 < len(files) <= SHOWN_PLACES:
            files[-2:] = [say(language, "place.and", first=files[-2], last=files[-1])]
        return _join_some(files, language)

    def cell_text(self, language: Language, most: int) -> str:
        """Return at most so many cells, or rows and columns where a cell has no letter."""
        texts = _shorten_apart([header for _, header in self.columns])
        headers = _join_some([f"“{text}”" for text in texts], language)
        letters = {_read_letter(letter): letter for letter, _ in self.columns}
        rows = _find_runs(self.rows)
        if self.rows and 0 not in letters and self.columns:
            cells = [
                _name_range(f"{letters[left]}{top}", f"{letters[right]}{bottom}")
                for left, right in _find_runs(letters)
                for top, bottom in rows
            ]
            is_one = len(cells) == 1 and "–" not in cells[0]
            shown = _join_some(cells, language, most)
            named = say(language, f"place.cell{'s' * (not is_one)}", it=shown)
            return f"{named} ({say(language, 'place.column', it=headers)})"
        ranges = [_name_range(str(top), str(bottom)) for top, bottom in rows]
        numbers = _join_some(ranges, language, most)
        parts = {"rows" if len(self.rows) > 1 else "row": numbers, "column": headers}
        phrases = [say(language, f"place.{key}", it=part) for key, part in parts.items() if part]
        return ", ".join(phrases)

    def value_text(self, language: Language, *, bare: bool = False) -> str:
        """Return the value as it may be quoted, or how long a text is that is not quoted."""
        if self.value.startswith("\0"):
            return say(language, "place.long", n=self.value[1:])
        if bare or not self.value:
            return self.value
        return say(language, "place.value", it=repr(self.value))

    def text(self, language: Language, most: int = SHOWN_PLACES) -> str:
        """Return the places as a short phrase, at most so many cells; nothing that is not known."""
        cells = self.cell_text(language, most)
        phrases = (self.sheet_text(language), cells, self.value_text(language))
        return ", ".join(filter(None, phrases))


def group_places(places: Iterable[Place], *, are_names: bool = False) -> list[PlaceGroup]:
    """Group places with the same value by row, then by sheet, then by column.

    Args:
        places: The places; their values are not yet fit to be printed.
        are_names: Whether the values are names of units, which may be long.

    Returns:
        Groups in the order of their first place, with values that may be printed.
    """
    places = list(places)
    shown = _hide_values(places, are_names=are_names)
    groups = [
        PlaceGroup(
            () if place.row is None else (place.row,),
            ((place.file, place.sheet),),
            ((place.letter if place.row else "", place.column),) if place.column else (),
            shown[place.value],
        )
        for place in places
    ]
    return reduce(_merge_groups, ("rows", "sheets", "columns"), groups)


def _merge_groups(groups: Sequence[PlaceGroup], name: str) -> list[PlaceGroup]:
    """Merge groups that differ only in one attribute."""
    merged: dict[PlaceGroup, dict[object, None]] = {}
    for group in groups:
        parts = getattr(group, name)
        merged.setdefault(_replace_part(group, name, ()), {}).update(dict.fromkeys(parts))
    return [_replace_part(group, name, tuple(parts)) for group, parts in merged.items()]


def _replace_part(group: PlaceGroup, name: str, parts: tuple[object, ...]) -> PlaceGroup:
    """Return a group with another value of one attribute, named by a text."""
    change: dict[str, Any] = {name: parts}
    return replace(group, **change)


def _hide_values(places: Iterable[Place], *, are_names: bool) -> dict[str, str]:
    """Return each value as it may be printed; a NUL and the length for a text not to be quoted."""
    counts = Counter(place.value for place in places)

    def may_be_free(text: str) -> bool:
        may_be_name = counts[text] == 1 and " " in text and text.istitle()  # a person's
        return not are_names and (may_be_name or name_kind(text, counts[text]) == "text")

    return {
        text: f"\0{len(text)}" if may_be_free(text) else shorten(hide_personal(text))
        for text in counts
    }


def hide_personal(text: str) -> str:
    """Replace what looks like an e-mail address, a telephone or an identity number."""
    return _PERSONAL.sub("***", text)


def shorten(text: str) -> str:
    """Return a text of at most 40 characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _shorten_apart(texts: Sequence[str]) -> list[str]:
    """Return shortened texts; those that would be alike also keep their ends."""
    counts, half = Counter(map(shorten, texts)), LONGEST // 2
    return [
        shorten(text)
        if counts[shorten(text)] == 1 or len(text) <= LONGEST
        else f"{text[: half - 1].rstrip()}…{text[-half:].lstrip()}"
        for text in texts
    ]


def _find_runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _name_range(first: str, last: str) -> str:
    return first if first == last else f"{first}–{last}"


def _read_letter(letter: str) -> int:
    """Return the position of a column from 1 by its letter; 0 without a letter."""
    return reduce(lambda number, sign: 26 * number + ord(sign) - 64, letter, 0)


def _join_some(phrases: Sequence[str], language: Language, most: int = SHOWN_PLACES) -> str:
    """Join at most so many phrases, and state how many are left out."""
    more = len(phrases) - most
    rest = [say(language, "place.more", n=more)] if more > 0 else []
    return ", ".join([*phrases[:most], *rest])


def list_places(groups: Sequence[PlaceGroup], language: Language) -> str:
    """Return at most ten groups of places as text, and the number of places left out."""
    more = sum(group.n for group in groups[SHOWN_PLACES:])
    rest = [say(language, "place.more", n=more)] if more else []
    shown = groups[:SHOWN_PLACES]
    most = max(FEWEST_CELLS, SHOWN_PLACES // max(len(shown), 1))
    return "; ".join([*(group.text(language, most) for group in shown), *rest])


def list_values(groups: Sequence[PlaceGroup], language: Language) -> str:
    """Return each value with its number of places and their columns, most frequent first."""
    counts: Counter[str] = Counter()
    columns: dict[str, dict[str, None]] = {}
    texts = [group.value_text(language) for group in groups]
    for text, group in zip(texts, groups, strict=True):
        counts[text] += group.n
        columns.setdefault(text, {}).update((f"“{name}”", None) for _, name in group.columns)
    phrases = [
        say(
            language,
            "place.times",
            it=text,
            n=n,
            columns=_join_some([*columns[text]], language, FEWEST_CELLS),
        )
        for text, n in counts.most_common()
    ]
    more = sum(n for _, n in counts.most_common()[SHOWN_PLACES:])
    rest = [say(language, "place.more", n=more)] if more else []
    return "; ".join([*phrases[:SHOWN_PLACES], *rest])


class SipasError(ValueError):
    """Base class: an id, the fields of its sentence, and the places of the mistake."""

    exit_code = 10
    names_units = False  # whether the values of the places are names of units

    def __init__(self, message_id: str, places: Iterable[Place] = (), **fields: object) -> None:
        self.message_id, self.places, self.fields = message_id, tuple(places), fields
        super().__init__(self.text("en"))

    @property
    def groups(self) -> list[PlaceGroup]:
        """The places, equal ones together, with values that may be printed."""
        return group_places(self.places, are_names=self.names_units)

    def text(self, language: Language) -> str:
        """Return the paragraph in one language; a field given in both languages is a dict."""
        groups = self.groups
        n = len(self.places) if any(group.rows for group in groups) else _count_columns(groups)
        fields: dict[str, object] = {"n": n, "places": self.describe_places(groups, language)}
        fields["advice"] = self.advise(language)
        for name, value in self.fields.items():
            fields[name] = value[language] if isinstance(value, dict) else value
        return say(language, f"error.{self.message_id}", **fields)

    def describe_places(self, groups: Sequence[PlaceGroup], language: Language) -> str:
        """Return the places as text."""
        return list_places(groups, language)

    def advise(self, language: Language) -> str:  # noqa: ARG002 (for classes that have advice)
        """Return what to do, if it depends on the values."""
        return ""


def _count_columns(groups: Sequence[PlaceGroup]) -> int:
    """Return how many columns are named; without columns, how many places."""
    headers = {header for group in groups for _, header in group.columns}
    return len(headers) or sum(group.n for group in groups)


class FileError(SipasError):
    """A file or sheet is missing, empty or cannot be read."""

    exit_code = 11


class ChangedError(SipasError):
    """An input file is no longer the one that was read; a run that has begun ends with 1."""

    exit_code = 24


class AnswerError(SipasError):
    """Some answers are neither blank nor a level of the scale."""

    exit_code = 12

    def describe_places(self, groups: Sequence[PlaceGroup], language: Language) -> str:
        """Return the places; of a frame with many, each value with its number and columns."""
        is_long = self.message_id.startswith("frame_answer") and len(groups) > SHOWN_PLACES
        return (list_values if is_long else list_places)(groups, language)

    def advise(self, language: Language) -> str:
        """Return what to do with each kind of wrong answer: code, label, number, two levels."""
        if self.message_id != "answer":
            return ""
        kinds = _sort_answers(Counter(place.value for place in self.places if place.value))
        return " ".join(
            say(language, f"advice.{kind}", values=_join_some(values[:3], language))
            for kind, values in kinds.items()
            if values
        )


def _sort_answers(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Sort wrong answers by what is to be done with them, most frequent first."""
    order = ("label", "blank", "day", "two", "digit", "number", "text")
    kinds: dict[str, list[str]] = {kind: [] for kind in order}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        kinds[name_kind(text, counts[text])].append(f"“{hide_personal(text)}”")
    return kinds


def name_kind(text: str, n: int) -> str:
    """Return what a wrong answer in ``n`` cells is.

    It is blank, a full-width digit, a number, a day, two (levels), a label or a text.
    """
    if text in BLANK_CODES:
        return "blank"
    if any(sign.isdecimal() and not sign.isascii() for sign in text):
        return "digit"
    if _DAY.fullmatch(text.casefold()):
        return "day"
    if re.fullmatch(r"-?\d+", text):
        return "number"
    if re.match(_TWO_LEVELS, text):
        return "two"
    is_word = len(text) <= LONGEST_WORD and len(text.split()) <= 2
    return "label" if is_word or (n >= REPEATED and len(text) <= LONGEST) else "text"


class ColumnError(SipasError):
    """A column is missing, named twice, or unknown."""

    exit_code = 13


class UnitError(SipasError):
    """A unit is unknown, without forms, or wrongly listed."""

    exit_code = 14
    names_units = True


class ConfigError(SipasError):
    """A wave.yaml or a pack has a wrong key or value; ``at`` is the path of the key."""

    exit_code = 15

    def __init__(
        self,
        message_id: str,
        places: Iterable[Place] = (),
        at: tuple[str, ...] = (),
        **fields: object,
    ) -> None:
        self.at = at
        super().__init__(message_id, places, **fields)


class FormError(SipasError):
    """Form ids repeat, or no form is left."""

    exit_code = 16


class ParameterError(SipasError):
    """An argument is of the wrong kind, or a parameter of a notebook is unknown or missing."""

    exit_code = 17


class NotebookError(SipasError):
    """A notebook stopped before its end."""

    exit_code = 18


class OutputError(SipasError):
    """An output folder or file cannot be written."""

    exit_code = 19


class DesignError(SipasError):
    """A sample cannot have been drawn, weighted or read as declared."""

    exit_code = 21


class FitError(SipasError):
    """No model can be fitted to these data, or the arguments describe no model."""

    exit_code = 22


class AbsentError(FitError, AttributeError):
    """An attribute that a result of this kind cannot have; ``hasattr`` says no."""


class ReceiptError(SipasError):
    """A receipt or an archive is missing, unreadable, or of another version."""

    exit_code = 23


class PlanError(SipasError):
    """A plan cannot be read: a cell, a column or a line is not what it must be."""

    exit_code = 25
    names_units = True  # what officers write in a plan is quoted


class RecordsError(SipasError):
    """An export of dossiers, movements or petitions, or a calendar, cannot be read as it is."""

    exit_code = 26

    @property
    def groups(self) -> list[PlaceGroup]:
        """The places, equal ones together; names of units are quoted."""
        return group_places(self.places, are_names=self.message_id == "records_unit")


class LibraryError(SipasError, ImportError):
    """A library of an extra is not installed; ``except ImportError`` meets it, too."""

    exit_code = 27


class SeveralError(SipasError):
    """There are mistakes of more than one kind; all are listed."""

    exit_code = 20

    def __init__(self, errors: Iterable[SipasError]) -> None:
        self.errors = tuple(errors)
        super().__init__("several", [place for error in self.errors for place in error.places])

    def merge_equal(self) -> list[SipasError]:
        """Return the errors; those with the same sentence are one error with all places."""
        merged: dict[tuple[object, ...], list[SipasError]] = {}
        for error in self.errors:
            key = (type(error), error.message_id, repr(error.fields))
            merged.setdefault(key, []).append(error)
        for errors in merged.values():
            places = [place for error in errors for place in error.places]
            if len(errors) > 1 and places:
                errors[:] = [type(errors[0])(errors[0].message_id, places, **errors[0].fields)]
        return [error for errors in merged.values() for error in errors]

    def text(self, language: Language) -> str:
        """Return the paragraphs of all errors, one after another."""
        return " ".join(error.text(language) for error in self.merge_equal())
