"""The document model: the content of a report without its layout.

Sections contain paragraphs, tables and pictures. A text is a message id with fields. A table has
typed values. A picture has a function that draws the picture in a language. So one document gives
every format and every language with the same numbers. The writers are in ``writers/``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from itertools import groupby
from math import isnan
from operator import attrgetter
from string import Formatter
from typing import Literal, Protocol

from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import Language, format_number, read_catalogue, say


@dataclass(frozen=True)
class FigureReference:
    """The figure behind a printed number: its id, the column of its table, and its value."""

    id: str
    column: str
    value: float

    @property
    def name(self) -> str:
        """``id#column``, as files name the figure behind a number."""
        return f"{self.id}#{self.column}"


@dataclass(frozen=True)
class Part:
    """A piece of a text in one language, with its figure if the piece is a printed figure."""

    text: str
    figure: FigureReference | None = None


class Value(ABC):
    """A value of the model that can be rendered in a language as words and numbers."""

    @abstractmethod
    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return the value as parts in reading order."""

    def text(self, language: Language) -> str:
        """Return the value as text in one language."""
        return "".join(part.text for part in self.parts(language))


@dataclass(frozen=True)
class Text(Value):
    """A sentence by message id; fields may be texts, numbers or bilingual names themselves."""

    id: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return the words of the message and, between them, the parts of its fields."""
        if language not in self._rendered:
            parts: list[Part] = []
            for words, name in _split_message(language, self.id):
                parts.append(Part(words))
                parts += _collect_parts(self.fields[name], language) if name else ()
            self._rendered[language] = tuple(parts)
        return self._rendered[language]

    @cached_property
    def _rendered(self) -> dict[Language, tuple[Part, ...]]:
        """The parts by language: each format prints a text once more."""
        return {}


@cache
def _split_message(language: Language, message_id: str) -> tuple[tuple[str, str], ...]:
    """Return a message as words, each with the name of the field that follows or ``""``."""
    fragments = Formatter().parse(read_catalogue(language)[message_id])
    return tuple((words, name or "") for words, name, _, _ in fragments)


@dataclass(frozen=True)
class Number(Value):
    """A number in the format of a language: rounded text (``"94.59"``), or a value."""

    value: str | float | None
    decimals: int = 0
    figure: FigureReference | None = None

    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return one part, with the figure of the number."""
        return (Part(format_number(self.value, language, self.decimals), self.figure),)


@dataclass(frozen=True)
class Interval(Value):
    """The two ends of an interval, in percent, and the id of the figure that has it."""

    low: float
    high: float
    decimals: int = 1
    id: str = ""

    def ends(self) -> tuple[Number, Number]:
        """Return both ends as numbers."""
        low, high = None, None
        if self.id:
            low = FigureReference(self.id, "low", self.low)
            high = FigureReference(self.id, "high", self.high)
        return Number(self.low, self.decimals, low), Number(self.high, self.decimals, high)

    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return ``79,7–99,5``, or a dash where there is no interval."""
        if isnan(self.low) or isnan(self.high):
            return (Part("–"),)
        low, high = self.ends()
        if self.low < 0:  # a dash beside a minus is hard to read
            return make_text("interval.between", low=low, high=high).parts(language)
        return (*low.parts(language), Part("–"), *high.parts(language))


@dataclass(frozen=True)
class Joined(Value):
    """Several phrases with a separator between them."""

    phrases: Sequence[object]
    separator: str = "; "

    def parts(self, language: Language) -> tuple[Part, ...]:
        """Return the parts of all phrases, with the separator between two phrases."""
        parts: list[Part] = []
        for position, phrase in enumerate(self.phrases):
            parts += [Part(self.separator)] if position else []
            parts += _collect_parts(phrase, language)
        return tuple(parts)


_NONCHARACTERS = re.compile("[\ufdd0-\ufdef]")  # Unicode allows them in no text


def _collect_parts(value: object, language: Language) -> tuple[Part, ...]:
    """Return any value of the model as parts in one language; None is a dash."""
    if isinstance(value, Value):
        return value.parts(language)
    if value is None:
        return (Part("–"),)
    if isinstance(value, date):
        return (Part(value.strftime("%d/%m/%Y") if language == "vi" else value.isoformat()),)
    if isinstance(value, int):
        return (Part(format_number(value, language)),)
    text = value.text(language) if isinstance(value, Bilingual) else str(value)
    return (Part(_NONCHARACTERS.sub("", text)),)


def render_text(value: object, language: Language) -> str:
    """Return any value of the model as text in one language; None is a dash."""
    return "".join(part.text for part in _collect_parts(value, language))


def render_parts(value: object, language: Language) -> tuple[Part, ...]:
    """Return a value as few parts: each number that is a figure, and the text between."""
    parts: list[Part] = []
    for figure, run in groupby(_collect_parts(value, language), key=attrgetter("figure")):
        texts = [part.text for part in run]
        merged = ["".join(texts)] if figure is None else texts
        parts += [Part(text, figure) for text in merged if text]
    return tuple(parts)


def make_text(message_id: str, **fields: object) -> Text:
    """Return a text by message id with its fields."""
    return Text(message_id, fields)


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; ``lead`` marks the main sentence, ``warning`` an important warning."""

    text: Text
    style: Literal["normal", "lead", "note", "warning", "heading"] = "normal"


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Column:
    """A typed column: ``text`` is set left, ``number`` right; ``row`` is the heading of a row."""

    label: object
    kind: Literal["row", "text", "number"] = "number"


@dataclass(frozen=True)
class Table:
    """A table with a caption, typed columns and notes; cells are values of the model."""

    id: str
    caption: Value
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    notes: tuple[Value, ...] = ()


class Drawing(Protocol):
    """A function that returns a picture as SVG in a language; ``narrow`` is for a phone."""

    def __call__(self, language: Language, narrow: bool = False) -> bytes:
        """Draw the picture."""


@dataclass(frozen=True)
class Picture:
    """A picture: a function that draws, alt text, and the data drawn."""

    id: str
    caption: Text
    alt: Text
    draw: Drawing
    data: Table

    def __post_init__(self) -> None:
        """Keep each drawing, so that each is drawn once."""
        object.__setattr__(self, "draw", cache(self.draw))


Block = Paragraph | Bullets | Table | Picture


@dataclass(frozen=True)
class Section:
    """A chapter: a title and its blocks, in reading order.

    A chapter that ``starts_page`` begins a new page in Word, PDF and print.
    """

    id: str
    title: Text
    blocks: tuple[Block, ...]
    starts_page: bool = False


# A place is named without its level, except where it bears a person's name (Decree 30, annex I).
_PLACE_TYPE = re.compile(
    r"^(tỉnh |thành phố (?!Hồ Chí Minh))|(?<!Ho Chi Minh) (province|city)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Signatory:
    """The office that writes a letter; the office signs, numbers and dates the letter by hand.

    Attributes:
        province: Province whose people's committee is superior to the publisher.
        publisher: The office that signs.
        day: Date in the file's properties: of the decision, else the end of fieldwork or year.
        number: Line for the number; of a report it has the letters of its kind.
    """

    province: Bilingual
    publisher: Bilingual
    day: date
    number: Text = Text("office.number.report")

    def letterhead_lines(self, language: Language) -> dict[str, str]:
        """Return the lines at the head and beside the signature (Decree 30/2020, annex I)."""
        province = render_text(self.province, language)
        place = _PLACE_TYPE.sub("", province)
        superior = say(language, "office.superior", province=province) if province else ""
        return {
            "superior": superior.upper(),
            "publisher": render_text(self.publisher, language).upper(),
            "nation": say(language, "office.nation"),
            "motto": say(language, "office.motto"),
            "number": render_text(self.number, language),
            "day": say(language, "office.day", place=place[:1].upper() + place[1:] or "……"),
            **{
                name: say(language, f"office.{name}") for name in ("recipients", "position", "name")
            },
        }


@dataclass(frozen=True)
class Document:
    """A whole report, letter or file of annexes: titles, first warnings, chapters, head and foot.

    Attributes:
        kind: Line above the title, such as REPORT; a letter has no such line.
        about: What a letter is about, under its number ("V/v …"); a letter has no title.
        is_signed: Whether a signature and recipients stand at the end; annexes have none.
        recipients: Recipients beside the signature; lines to fill in if empty.
        annexes: Words of the link from a report to its annexes (HTML), or back; None: no link.
    """

    id: str
    title: object
    subtitle: object
    banner: Text | None
    sections: tuple[Section, ...]
    footer: Value
    official: Signatory | None = None
    kind: Text | None = None
    about: Text | None = None
    is_signed: bool = True
    recipients: tuple[Text, ...] = ()
    annexes: Text | None = None

    @property
    def signatory(self) -> Signatory | None:
        """The office that signs; None for annexes, and where the office has no name."""
        office = self.official
        if office is None or not self.is_signed:
            return None
        office = replace(office, number=Text("office.number.letter")) if self.about else office
        return office if office.publisher.vi or office.publisher.en else None

    def list_recipients(self, language: Language) -> list[str]:
        """Return the lines of the recipients; lines to fill in if there is none."""
        names = [render_text(recipient, language) for recipient in self.recipients]
        names = names or ["……", say(language, "office.to.file")]
        return [f"- {name}{';' if k < len(names) else '.'}" for k, name in enumerate(names, 1)]

    @property
    def name(self) -> object:
        """The title, or what a letter is about."""
        return self.about or self.title
