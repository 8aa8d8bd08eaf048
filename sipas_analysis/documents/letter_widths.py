"""Estimate the width of a text before the text is drawn; tables need widths for columns.

Letters are grouped into a few classes, each with one width in ems (an em is the type size).
"""

import unicodedata
from dataclasses import dataclass
from functools import cache

HORN = "\u031b"  # of ơ and ư: the only mark that needs room beside its letter


@dataclass(frozen=True, eq=False)
class LetterWidths:
    """Widths of the classes of letters of a font, in ems.

    Attributes:
        narrow: Width of the letters in ``narrow_letters``; ``broad`` likewise.
        full: Width of a Chinese, Japanese or Korean letter; as any other if None.
        horn: Width of the horn of ơ and ư, where letters are separated from their marks;
            letters and marks stay together if None.
    """

    narrow_letters: str
    broad_letters: str
    narrow: float
    broad: float
    other: float
    capital: float = 0.7
    full: float | None = None
    horn: float | None = None


TIMES = LetterWidths("ijltfr .,;:()/-", "mwMW%", narrow=0.32, broad=0.8, other=0.5, full=1.0)
LIBERTINUS = LetterWidths(
    "iljtfrI.,:;'()| ", "mwMW%@—", narrow=0.33, broad=0.85, other=0.52, horn=0.1
)


def measure_text(text: str, widths: LetterWidths) -> float:
    """Return the estimated width of a text, in ems.

    Example:
        >>> round(measure_text("I 95 %", TIMES), 2)
        3.14
    """
    letters = text if widths.horn is None else unicodedata.normalize("NFD", text)
    return sum(_measure_letter(letter, widths) for letter in letters)


@cache
def _measure_letter(letter: str, widths: LetterWidths) -> float:
    if widths.horn is not None and unicodedata.category(letter).startswith("M"):
        return widths.horn if letter == HORN else 0.0
    if widths.full is not None and unicodedata.east_asian_width(letter) in "WF":
        return widths.full
    if letter in widths.broad_letters:
        return widths.broad
    if letter.isupper():
        return widths.capital
    return widths.narrow if letter in widths.narrow_letters else widths.other
