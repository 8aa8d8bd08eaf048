"""Colours of the report's pictures on the background of any axes, light or dark.

Marks differ in shape as well as in colour. The colours stay apart under every kind of colour
blindness, which a test simulates. On a background on which a colour could not be read it is mixed
with the ink, which is matplotlib's colour of texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.typing import ColorType

from sipas_analysis.documents.canvas import INK
from sipas_analysis.documents.chart_parts import ACCENT, SECOND, SOFT

LEAST_CONTRAST = 3.0  # of a mark with its background, as WCAG 2.2 asks of pictures
READABLE_CONTRAST = 5.5  # of a text; WCAG asks for 4.5
STEPS = 20  # in which a colour is mixed with the ink
MARKERS = {
    "circle": "o",
    "diamond": "D",
    "square": "s",
    "up": "^",
    "down": "v",
    "left": "<",
    "right": ">",
    "cross": "P",
}
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Colours:
    """The colours of a picture: its ink, and colours that can be read on its background.

    Attributes:
        ink: Colour of texts.
        background: Colour of the axes, on which marks stand.
        page: Colour of the figure, on which texts stand.
    """

    ink: str
    background: str
    page: str

    @classmethod
    def read(cls, ax: Axes) -> "Colours":
        """Return the colours of some axes; a clear background shows the figure behind it."""
        faces = (ax.get_facecolor(), ax.figure.get_facecolor(), mpl.rcParams["figure.facecolor"])
        background, page = (_find_solid(faces[first:]) for first in (0, 1))
        return cls(to_hex(mpl.rcParams["text.color"]), background, page)

    def fit(self, colour: str) -> str:
        """Return a colour of the report, mixed with the ink as far as it must be to be seen."""
        return self._mix_until(colour, self.background, LEAST_CONTRAST)

    def fit_text(self, colour: str) -> str:
        """Return a colour of the report for a text beside the axes, so that it can be read."""
        return self._mix_until(colour, self.page, READABLE_CONTRAST)

    def _mix_until(self, colour: str, behind: str, least: float) -> str:
        if colour == INK:
            return self.ink
        mixed = (mix(colour, self.ink, step / STEPS) for step in range(STEPS + 1))
        return next((each for each in mixed if find_contrast(each, behind) >= least), self.ink)

    @cached_property
    def accent(self) -> str:
        """Colour of values, and of what is surely higher."""
        return self.fit(ACCENT)

    @cached_property
    def second(self) -> str:
        """Colour of what is surely lower."""
        return self.fit(SECOND)

    @cached_property
    def soft(self) -> str:
        """Colour of notes, and of what is not sure."""
        return self.fit_text(SOFT)

    @cached_property
    def grid(self) -> str:
        """Colour of thin lines behind the values."""
        return mix(self.background, self.ink, 0.14)


def _find_solid(faces: Sequence[ColorType]) -> str:
    """Return the first colour that hides what is behind; white if none does."""
    solid = (face for face in map(to_rgba, faces) if face[3] > 0)
    return to_hex(next(solid, (1.0, 1.0, 1.0, 1.0)))


def mix(first: str, second: str, part: float) -> str:
    """Return a colour between two: the first at 0, the second at 1."""
    pairs = zip(to_rgb(first), to_rgb(second), strict=True)
    red, green, blue = (a + (b - a) * part for a, b in pairs)
    return to_hex((red, green, blue))


def find_contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((_measure_light(to_rgb(first)), _measure_light(to_rgb(second))))
    return (high + 0.05) / (low + 0.05)


def _measure_light(colour: Colour) -> float:
    """Return the relative luminance of a colour, 0 to 1."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
