"""Widths and outlines of letters, from the font DejaVu Sans that comes with matplotlib.

Pictures draw letters as shapes, so that they need no font of the reader's machine. Letters are
set at 90 % of their width, as in DejaVu Sans Condensed. One em has ``EM`` units.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from sipas_analysis.extras import require_library

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

EM = 100
CONDENSED = 0.9
FILES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
COMMANDS = {"moveTo": "m", "lineTo": "l", "qCurveTo": "q"}
Point = tuple[float, float]


@dataclass(frozen=True)
class Piece:
    """A shape of the font and its place in a letter: ``ế`` is an e and two marks."""

    name: str
    x: int = 0
    y: int = 0


@dataclass(frozen=True)
class Letter:
    """A letter: its width, and the shapes that it consists of (none for a space)."""

    width: int
    pieces: tuple[Piece, ...]


@lru_cache(16384)
def measure_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in type of a size, in the unit of the size."""
    return sum(find_letter(letter, bold).width for letter in normalize("NFC", text)) * size / EM


@cache
def find_letter(letter: str, bold: bool) -> Letter:
    """Return a letter of the font; a letter that the font lacks is an empty box."""
    font = _read_font(bold)
    name = font.getBestCmap().get(ord(letter), ".notdef")
    pieces = tuple(piece for piece in _list_pieces(font, name) if find_path(piece.name, bold))
    return Letter(round(font["hmtx"][name][0] * _scale(font) * CONDENSED), pieces)


def _list_pieces(font: "TTFont", name: str, at: Point = (0, 0)) -> Iterator[Piece]:
    """Yield the simple shapes of a glyph with their places."""
    glyph = font["glyf"][name]
    if not glyph.isComposite():
        scale = _scale(font)
        yield Piece(name, round(at[0] * scale * CONDENSED), -round(at[1] * scale))
        return
    for component in glyph.components:
        yield from _list_pieces(
            font, component.glyphName, (at[0] + component.x, at[1] + component.y)
        )


@cache
def find_path(name: str, bold: bool) -> str:
    """Return a simple shape of the font as a path; a path that is filled need not be closed."""
    font = _read_font(bold)  # refuses if fontTools is not installed
    from fontTools.pens.recordingPen import RecordingPen

    pen = RecordingPen()
    font.getGlyphSet()[name].draw(pen)
    path, here = "", (0, 0)
    for command, points in pen.value:
        for run in _split_curve(command, points):
            rounded = [
                (round(x * _scale(font) * CONDENSED), -round(y * _scale(font))) for x, y in run
            ]
            shifts = [place[axis] - here[axis] for place in rounded for axis in (0, 1)]
            path += _write_step(COMMANDS[command], shifts)
            here = rounded[-1]
    return path


@cache
def _read_font(bold: bool) -> "TTFont":
    require_library("fontTools", "matplotlib")
    from fontTools.ttLib import TTFont

    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"
    return TTFont(folder / FILES[bold], lazy=True)


def _scale(font: "TTFont") -> float:
    return EM / int(font["head"].unitsPerEm)


def _split_curve(command: str, points: Sequence[Point | None]) -> list[list[Point]]:
    """Return the points of each step; a curve of TrueType has implied points between controls."""
    known = [point for point in points if point is not None]
    if command == "closePath":
        return []
    if command != "qCurveTo":
        return [known]
    *controls, end = known
    ends = [((x + u) / 2, (y + v) / 2) for (x, y), (u, v) in pairwise(controls)]
    return [[*pair] for pair in zip(controls, [*ends, end], strict=True)]


def _write_step(command: str, shifts: Sequence[int]) -> str:
    """Return one command of a path; a minus separates two numbers as a space does."""
    if command == "l" and 0 in shifts:
        across, down = shifts
        return f"h{across}" if across else f"v{down}" if down else ""
    return command + ",".join(map(str, shifts)).replace(",-", "-")
