"""Widths and outlines of letters, from the font DejaVu Sans that comes with matplotlib.

Pictures draw letters as shapes, so that they need no font of the reader's machine. Letters are
set at 90 % of their width, as in DejaVu Sans Condensed. One em has ``EM`` units.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

EM = 100
CONDENSED = 0.9
FILES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
COMMANDS = {"moveTo": "m", "lineTo": "l", "qCurveTo": "q"}
Point = tuple[float, float]


@dataclass(frozen=True)
class Outline:
    """The shape of a letter as a path of SVG, empty for a space, and its width."""

    path: str
    width: int


def measure_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in type of a size, in the unit of the size."""
    return sum(find_outline(letter, bold).width for letter in normalize("NFC", text)) * size / EM


@cache
def find_outline(letter: str, bold: bool) -> Outline:
    """Return the shape of a letter; a letter that the font lacks is an empty box."""
    font = _read_font(bold)
    glyphs = font.getGlyphSet()
    name = font.getBestCmap().get(ord(letter), ".notdef")
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    scale = EM / font["head"].unitsPerEm
    return Outline(_write_path(pen.value, scale), round(glyphs[name].width * scale * CONDENSED))


@cache
def _read_font(bold: bool) -> TTFont:
    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"
    return TTFont(folder / FILES[bold], lazy=True)


def _write_path(steps: list[tuple[str, tuple[Point | None, ...]]], scale: float) -> str:
    """Return the steps of a pen as a path of whole numbers, each relative to the last point.

    A path that is only filled needs no command that closes it.
    """
    path, here = "", (0, 0)
    for command, points in steps:
        for run in _split_curve(command, points):
            rounded = [(round(x * scale * CONDENSED), -round(y * scale)) for x, y in run]
            shifts = [
                place - at for point in rounded for place, at in zip(point, here, strict=True)
            ]
            path += _write_step(COMMANDS[command], shifts)
            here = rounded[-1]
    return path


def _write_step(command: str, shifts: list[int]) -> str:
    """Return one command of a path; a minus separates two numbers as a space does."""
    if command == "l" and 0 in shifts:
        across, down = shifts
        return f"h{across}" if across else f"v{down}" if down else ""
    return command + " ".join(map(str, shifts)).replace(" -", "-")


def _split_curve(command: str, points: tuple[Point | None, ...]) -> list[list[Point]]:
    """Return the points of each step; a curve of TrueType has implied points between controls."""
    known = [point for point in points if point is not None]
    if command == "closePath":
        return []
    if command != "qCurveTo":
        return [known]
    *controls, end = known
    ends = [((x + u) / 2, (y + v) / 2) for (x, y), (u, v) in pairwise(controls)]
    return [[*pair] for pair in zip(controls, [*ends, end], strict=True)]
