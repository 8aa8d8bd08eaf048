"""A canvas that collects shapes and texts and returns them as a small SVG.

Numbers have one decimal and each letter is defined once, so that a picture is small. The bytes
depend on nothing but the shapes: no clock, no font and no library of the machine.
"""

from collections.abc import Sequence
from typing import Literal
from unicodedata import normalize

from sipas_analysis.documents.outlines import EM, find_outline, measure_width

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]
SHAPES: dict[str, Sequence[Point]] = {  # corners, in radii
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "up": ((0, -1.2), (1.2, 0.9), (-1.2, 0.9)),
    "down": ((0, 1.2), (1.2, -0.9), (-1.2, -0.9)),
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
        self._parts: list[str] = []
        self._letters: dict[tuple[str, bool], str] = {}
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
        self._parts.append(f"<path d='M{x} {y}h{width}v{height}h-{width}z' fill='{fill}'{border}/>")

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
        x -= OF_ANCHOR[anchor] * measure_width(text, size, bold=bold)
        uses, at = [], 0
        for letter in normalize("NFC", text):
            outline = find_outline(letter, bold)
            if outline.path:
                name = self._name_letter(letter, bold)
                uses.append(f"<use href='#{name}'" + (f" x='{at}'/>" if at else "/>"))
            at += outline.width
        self.smallest = min(self.smallest, size)
        place = f"translate({_shorten(x)} {_shorten(y)})scale({size / EM:.4g})"
        fill = "" if colour == INK else f" fill='{colour}'"
        self._parts.append(f"<g transform='{place}'{fill}>{''.join(uses)}</g>")

    def _name_letter(self, letter: str, bold: bool) -> str:
        """Return the name under which the picture defines a letter."""
        n_named = len(self._letters)
        high, low = divmod(n_named, len(NAMES))
        new_name = (NAMES[high - 1] if high else "") + NAMES[low]
        return self._letters.setdefault((letter, bold), new_name)

    def render(self) -> bytes:
        """Return the picture as SVG."""
        shapes = "".join(
            f"<path id='{name}' d='{find_outline(*letter).path}'/>"
            for letter, name in self._letters.items()
        )
        hatch = HATCH.format(ink=self._hatch_ink) if self._hatch_ink else ""
        width, height = _shorten(self.width), _shorten(self.height)
        return (
            "<svg xmlns='http://www.w3.org/2000/svg' "
            f"width='{width}pt' height='{height}pt' viewBox='0 0 {width} {height}' fill='{INK}'>"
            f"<defs>{shapes}{hatch}</defs><path d='M0 0h{width}v{height}h-{width}z' fill='#fff'/>"
            f"{''.join(self._parts)}</svg>"
        ).encode()


def _trace(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{_shorten(x)} {_shorten(y)}" for x, y in points)


def _shorten(number: float) -> str:
    """Return a number with at most one decimal."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
