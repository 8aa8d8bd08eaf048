"""Measure a text before the text is drawn: tables need widths, and a letter must fit its page.

The widths are those of Liberation Serif, the font of our PDF files (``fonts/``). They are equal to
those of Times New Roman, the font of our Word files and of Decree 30/2020.
"""

import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sipas_analysis.extras import require_library

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FONTS = Path(__file__).with_name("fonts")
FULL, USUAL = 1.0, 0.6  # ems of a letter that the font does not have: East Asian, and any other


def measure_text(text: str, *, bold: bool = False) -> float:
    """Return the width of a text, in ems (an em is the type size).

    Example:
        >>> round(measure_text("I 95 %"), 2)
        2.67
    """
    return sum(_measure_letter(letter, bold) for letter in text)


@cache
def _measure_letter(letter: str, bold: bool) -> float:
    if unicodedata.category(letter)[0] in "MC":  # marks and control characters need no room
        return 0.0
    font, letters = _read_font(bold)
    if ord(letter) in letters:
        return float(font["hmtx"][letters[ord(letter)]][0] / font["head"].unitsPerEm)
    return FULL if unicodedata.east_asian_width(letter) in "WF" else USUAL


@cache
def _read_font(bold: bool) -> "tuple[TTFont, dict[int, str]]":
    """Return the font, and the names of its letters."""
    require_library("fontTools")
    from fontTools.ttLib import TTFont

    font = TTFont(FONTS / f"LiberationSerif-{'Bold' if bold else 'Regular'}.ttf", lazy=True)
    return font, font.getBestCmap()
