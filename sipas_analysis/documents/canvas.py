"""A canvas that collects shapes and texts and returns them as a small SVG.

Numbers have one decimal, letters and repeated words are defined once, and there are few letters
that a data URL must encode, so that a picture is small. The bytes depend on nothing but the
shapes: no clock, no font and no library of the machine.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from sipas_analysis.documents.outlines import EM, find_letter, find_path, measure_width

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]
Word = tuple[str, bool]  # a word, letter or shape, and whether it is bold
SHAPES: dict[str, Sequence[Point]] = {  # corners, in radii
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "up": ((0, -1.2), (1.2, 0.9), (-1.2, 0.9)),
    "down": ((0, 1.2), (1.2, -0.9), (-1.2, -0.9)),
    "left": ((-1.2, 0), (0.9, -1.2), (0.9, 1.2)),
    "right": ((1.2, 0), (-0.9, -1.2), (-0.9, 1.2)),
    "cross": (
        (-0.5, -1.2),
        (0.5, -1.2),
        (0.5, -0.5),
        (1.2, -0.5),
        (1.2, 0.5),
        (0.5, 0.5),
        (0.5, 1.2),
        (-0.5, 1.2),
        (-0.5, 0.5),
        (-1.2, 0.5),
        (-1.2, -0.5),
        (-0.5, -0.5),
    ),
}
INK = "#1b2a41"  # of texts, unless another colour is named
NAMES = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
OF_ANCHOR = {"start": 0.0, "middle": 0.5, "end": 1.0}
HATCH = (
    "<pattern id='hatch' width='4' height='4' patternUnits='userSpaceOnUse'>"
    "<path d='M-1 1l2-2M0 4l4-4M3 5l2-2' stroke='{ink}' stroke-width='.7'/></pattern>"
)


class Canvas:
    """Shapes and texts of one picture; the height may grow until ``render``.

    Attributes:
        width: Width in units; one unit is a point of A4 or a pixel of a phone, nearly.
        height: Height in units.
        smallest: Size of the smallest type written.
    """

    def __init__(self, width: float) -> None:
        self.width, self.height = width, 0.0
        self.smallest = float("inf")
        self._parts: list[str | _Text] = []
        self._words: Counter[Word] = Counter()
        self._hatch_ink = ""

    def draw_lines(
        self, lines: Sequence[Sequence[Point]], colour: str, thick: float = 0.8, dash: str = ""
    ) -> None:
        """Draw lines, each through its points."""
        dashes = f" stroke-dasharray='{dash}'" if dash else ""
        path = "".join(map(_trace, lines))
        self._parts.append(
            f"<path d='{path}' fill='none' stroke='{colour}' "
            f"stroke-width='{_shorten(thick)}'{dashes}/>"
        )

    def draw_box(self, corner: Point, size: tuple[float, float], fill: str, edge: str = "") -> None:
        """Draw a box of a width and height from its upper left corner."""
        x, y, width, height = map(_shorten, (*corner, *size))
        border = f" stroke='{edge}' stroke-width='.8'" if edge else ""
        self._parts.append(f"<path d='M{x},{y}h{width}v{height}h-{width}z' fill='{fill}'{border}/>")

    def hatch(self, ink: str) -> str:
        """Return a fill of slanted lines."""
        self._hatch_ink = ink
        return "url(#hatch)"

    def draw_shape(
        self, shape: str, centre: Point, radius: float, fill: str, edge: str = ""
    ) -> None:
        """Draw a marker around a point; with an edge it may be hollow (``white``)."""
        border = f" stroke='{edge}'" if edge else ""
        x, y = centre
        if shape == "circle":
            body = f"<circle cx='{_shorten(x)}' cy='{_shorten(y)}' r='{_shorten(radius)}'"
        else:
            corners = [(x + radius * u, y + radius * v) for u, v in SHAPES[shape]]
            body = f"<path d='{_trace(corners)}z'"
        self._parts.append(f"{body} fill='{fill}'{border}/>")

    def write(
        self,
        text: str,
        start: Point,
        size: float,
        colour: str = INK,
        *,
        anchor: Anchor = "start",
        bold: bool = False,
    ) -> None:
        """Write one line of text from a point, to it or around it; letters stand on its height."""
        x, y = start
        text = normalize("NFC", text)
        x -= OF_ANCHOR[anchor] * measure_width(text, size, bold=bold)
        self.smallest = min(self.smallest, size)
        place = f"translate({_shorten(x)},{_shorten(y)})scale({size / EM:.4g})"
        fill = "" if colour == INK else f" fill='{colour}'"
        self._words.update((word, bold) for word in text.split(" "))
        self._parts.append(_Text(text, bold, f"transform='{place}'{fill}"))

    def render(self) -> bytes:
        """Return the picture as SVG."""
        writer = _TextWriter({word for word, n_times in self._words.items() if n_times > 1})
        body = "".join(
            part if isinstance(part, str) else f"<g {part.style}>{writer.write_text(part)}</g>"
            for part in self._parts
        )
        hatch = HATCH.format(ink=self._hatch_ink) if self._hatch_ink else ""
        width, height = _shorten(self.width), _shorten(self.height)
        return (
            "<svg xmlns='http://www.w3.org/2000/svg' "
            f"width='{width}pt' height='{height}pt' viewBox='0 0 {width} {height}' fill='{INK}'>"
            f"<defs>{''.join(writer.definitions)}{hatch}</defs>"
            f"<path d='M0 0h{width}v{height}h-{width}z' fill='#fff'/>{body}</svg>"
        ).encode()


@dataclass(frozen=True)
class _Text:
    text: str
    bold: bool
    style: str


class _TextWriter:
    """Write texts as uses of letters, each defined once, and of words that occur repeatedly."""

    def __init__(self, repeated: Set[Word]) -> None:
        self.definitions: list[str] = []
        self._repeated = repeated
        self._words: dict[Word, str] = {}
        self._pieces: dict[Word, str] = {}

    def write_text(self, text: _Text) -> str:
        """Return a text as uses of words and letters."""
        uses, at = "", 0
        for word in text.text.split(" "):
            if len(word) > 1 and (word, text.bold) in self._repeated:
                uses += _use(self._name_word(word, text.bold), at)
            else:
                uses += self._write_letters(word, text.bold, at)
            at += sum(find_letter(letter, text.bold).width for letter in f"{word} ")
        return uses

    def _write_letters(self, word: str, bold: bool, at: int = 0) -> str:
        uses = ""
        for letter in word:
            shape = find_letter(letter, bold)
            if len(shape.pieces) > 1:
                uses += _use(self._name_word(letter, bold), at)
            else:
                uses += self._write_pieces(letter, bold, at)
            at += shape.width
        return uses

    def _write_pieces(self, letter: str, bold: bool, at: int = 0) -> str:
        pieces = find_letter(letter, bold).pieces
        return "".join(
            _use(self._name_piece(piece.name, bold), at + piece.x, piece.y) for piece in pieces
        )

    def _name_word(self, word: str, bold: bool) -> str:
        """Return the name of a word, or of a letter with marks; define it when used first."""
        if (word, bold) not in self._words:
            write = self._write_letters if len(word) > 1 else self._write_pieces
            shapes = write(word, bold)
            name = self._words[word, bold] = self._make_name()
            self.definitions.append(f"<g id='{name}'>{shapes}</g>")
        return self._words[word, bold]

    def _name_piece(self, piece: str, bold: bool) -> str:
        """Return the name of a shape; define it when it is used first."""
        if (piece, bold) not in self._pieces:
            name = self._pieces[piece, bold] = self._make_name()
            self.definitions.append(f"<path id='{name}' d='{find_path(piece, bold)}'/>")
        return self._pieces[piece, bold]

    def _make_name(self) -> str:
        high, low = divmod(len(self._words) + len(self._pieces), len(NAMES))
        return (NAMES[high - 1] if high else "") + NAMES[low]


def _use(name: str, x: int, y: int = 0) -> str:
    """Return the use of a shape at a place."""
    across, down = f" x='{x}'" if x else "", f" y='{y}'" if y else ""
    return f"<use href='#{name}'{across}{down}/>"


def _trace(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{_shorten(x)},{_shorten(y)}" for x, y in points)


def _shorten(number: float) -> str:
    """Return a number with at most one decimal."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
