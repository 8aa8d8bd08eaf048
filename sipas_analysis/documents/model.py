"""The document model: what a report says, before anyone decides how it looks.

Sections hold paragraphs, tables and figures. Texts are message ids with fields, tables keep
typed values, figures know how to draw themselves in a language: so one document makes every
format and every language with the same numbers. Writers stand beside this module.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from math import isnan
from typing import Literal

from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language, number, say


@dataclass(frozen=True)
class Text:
    """A sentence by message id; fields may be texts, numbers or bilingual names themselves."""

    id: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        """Return the sentence in one language."""
        shown = {key: shown_in(value, language) for key, value in self.fields.items()}
        return say(language, self.id, **shown)


@dataclass(frozen=True)
class Home:
    """Where a printed number lives: id of the figure, column of its table, value there."""

    id: str
    column: str
    value: float


@dataclass(frozen=True)
class Number:
    """A number to print the way of a language: rounded text (``"94.59"``), or a value."""

    value: str | float | None
    decimals: int = 0
    home: Home | None = None

    def text(self, language: Language) -> str:
        """Return the number in one language."""
        return _named(number(self.value, language, self.decimals), self.home)


@dataclass(frozen=True)
class Interval:
    """The two ends of an interval, in percent, and the id of the figure that has it."""

    low: float
    high: float
    decimals: int = 1
    id: str = ""

    def ends(self) -> tuple[Number, Number]:
        """Return both ends as numbers."""
        homes = [Home(self.id, name, getattr(self, name)) for name in ("low", "high")]
        low, high = homes if self.id else (None, None)
        return Number(self.low, self.decimals, low), Number(self.high, self.decimals, high)

    def text(self, language: Language) -> str:
        """Return ``79,7–99,5``, or a dash where there is none."""
        if isnan(self.low) or isnan(self.high):
            return "–"
        low, high = (end.text(language) for end in self.ends())
        if self.low < 0:  # a dash beside a minus is hard to read
            return say(language, "interval.between", low=low, high=high)
        return f"{low}–{high}"


@dataclass(frozen=True)
class Joined:
    """Several phrases with a separator between them."""

    parts: Sequence[object]
    separator: str = "; "

    def text(self, language: Language) -> str:
        """Return the phrases in one language."""
        return self.separator.join(shown_in(part, language) for part in self.parts)


def shown_in(value: object, language: Language) -> str:
    """Return any value of the model as text in one language; None is a dash."""
    if isinstance(value, Text | Number | Interval | Joined):
        return value.text(language)
    if isinstance(value, Bilingual):
        return _MARKS.sub("", value.text(language))
    if value is None:
        return "–"
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y") if language == "vi" else value.isoformat()
    return number(value, language) if isinstance(value, int) else _MARKS.sub("", str(value))


# Marks around a number that names its home: characters that Unicode gives to no text.
_OPEN, _BETWEEN, _CLOSE = "\ufdd0", "\ufdd1", "\ufdd2"
_MARKS = re.compile(f"[{_OPEN}{_BETWEEN}{_CLOSE}]")
_PIECE = re.compile(f"{_OPEN}([^{_BETWEEN}]*){_BETWEEN}([^{_CLOSE}]*){_CLOSE}")
_NAMING = ContextVar("_NAMING", default=False)


def _named(text: str, home: Home | None) -> str:
    if home is None or not _NAMING.get():
        return text
    return f"{_OPEN}{home.id}#{home.column}{_BETWEEN}{text}{_CLOSE}"


def pieces(value: object, language: Language) -> list[tuple[str, str]]:
    """Return a value as texts in reading order, each with the ``id#column`` it prints, or none.

    A percent sign is never alone on a line.
    """
    before = _NAMING.set(True)
    try:
        text = shown_in(value, language).replace(" %", "\u00a0%")
    finally:
        _NAMING.reset(before)
    parts = _PIECE.split(text)
    found = zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True)
    return [it for plain, name, shown in found for it in ((plain, ""), (shown, name)) if it[0]]


def make_text(message_id: str, **fields: object) -> Text:
    """Return a text by message id with its fields."""
    return Text(message_id, fields)


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; ``lead`` is the sentence to remember, ``warning`` must not be missed."""

    text: Text
    style: Literal["normal", "lead", "note", "warning", "heading"] = "normal"


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Column:
    """A typed column: ``text`` to the left, ``number`` to the right; ``row`` heads its row."""

    label: object
    kind: Literal["row", "text", "number"] = "number"


@dataclass(frozen=True)
class Table:
    """A table with a caption, typed columns and notes; cells are values of the model."""

    id: str
    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A picture that draws itself in a language, as SVG, with alt text and its data."""

    id: str
    caption: Text
    alt: Text
    draw: Callable[[Language], bytes]
    data: Table

    def __post_init__(self) -> None:
        """Draw once for each language, however often the picture is shown."""
        object.__setattr__(self, "draw", cache(self.draw))


Block = Paragraph | Bullets | Table | Figure


@dataclass(frozen=True)
class Section:
    """A chapter: a title and its blocks, in reading order."""

    id: str
    title: Text
    blocks: tuple[Block, ...]


# A place is named without its level, except where it bears a person's name (Decree 30, annex I).
_LEVEL = re.compile(
    r"^(tỉnh |thành phố (?!Hồ Chí Minh))|(?<!Ho Chi Minh) (province|city)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Official:
    """Who writes: the office signs, numbers and dates the letter itself, by hand.

    Attributes:
        province: Province whose people's committee stands above the publisher.
        publisher: The office that signs.
        day: Date of the file's properties: the decision's, else the end of fieldwork or year.
    """

    province: Bilingual
    publisher: Bilingual
    day: date

    def head(self, language: Language) -> dict[str, str]:
        """Return the lines at the head of a letter of the administration (Decree 30/2020)."""
        province = shown_in(self.province, language)
        place = _LEVEL.sub("", province)
        superior = say(language, "office.superior", province=province) if province else ""
        return {
            "superior": superior.upper(),
            "publisher": shown_in(self.publisher, language).upper(),
            "nation": say(language, "office.nation"),
            "motto": say(language, "office.motto"),
            "number": say(language, "office.number"),
            "day": say(language, "office.day", place=place[:1].upper() + place[1:] or "……"),
        }


@dataclass(frozen=True)
class Document:
    """A whole report or letter: titles, what must be seen first, the chapters, head and foot.

    ``kind`` is what stands above the title, such as REPORT; a letter has none.
    """

    id: str
    title: object
    subtitle: object
    banner: Text | None
    sections: tuple[Section, ...]
    footer: Text
    official: Official | None = None
    kind: Text | None = None
