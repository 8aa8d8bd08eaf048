"""Choose the type size and the column widths of a printed table.

No word and no number is cut, the head of a column takes at most two lines where the page allows,
and the longest texts of all columns take equally many lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.documents.letter_widths import measure_text

LONG_WORD = 24  # characters; a longer word may break anywhere
COMFORT = 10.0  # points; type is smaller only where the columns do not fit
WORDS = 11.0  # points; as above, for two columns of words, which are read as text
HEADS = (2, 3, 4, 6)  # lines of the head of a table; more only where words are too long
TALL_HEAD = 1.4  # times harder to read: a table with heads of more than two lines
SLACK = 1.02  # programs round widths differently
RAGGED = 1.5  # ems; a text of several lines does not fill each to the end

_BREAKS = re.compile(r"[\s\u200b]+|(?<=–)|(?<=[-/])(?!\d)")  # a day stays on one line


@dataclass(frozen=True)
class _Column:
    """Widths in ems: of a head in so many lines as ``HEADS`` has, of a word; of each text."""

    least: list[float]
    texts: list[float]

    @cached_property
    def longest(self) -> float:
        """Width of the longest text."""
        return max(self.texts, default=0.0)


def fit_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[bool],
    *,
    room: float,
    padding: float,
    sizes: Sequence[float],
) -> tuple[float, list[float]]:
    """Return the type size in which a table is best to read, and its column widths.

    Smaller type is taken where it saves more lines than it costs in size.

    Args:
        header: Heads of the columns.
        rows: Cells as printed.
        numbers: Whether each column holds numbers; a number is never cut.
        room: Width of the page between its margins, in points.
        padding: Width beside the text of a cell, in points.
        sizes: Type sizes to choose from, the largest first.
    """
    cells = [*zip(*rows, strict=True)] if rows else [()] * len(header)
    columns = [*map(_measure_column, header, cells, numbers)]
    *heads, words = zip(*(column.least for column in columns), strict=True)
    free = room - padding * len(header)
    choices = [
        (size, least, n_lines)
        for n_lines, least in zip([*HEADS, 2 * HEADS[-1]], [*heads, words], strict=True)
        for size in sizes
        if sum(least) * size <= free
    ]
    least_size = COMFORT if any(numbers) or len(numbers) > 2 else WORDS
    readable = [choice for choice in choices if choice[0] >= least_size]
    fits = [
        (size, _share_width(columns, least, free / size), n_lines)
        for size, least, n_lines in readable or choices or [(sizes[-1], words, 2)]
    ]
    texts = np.array([column.texts for column in columns])
    size, ems, _ = min(fits, key=lambda fit: _weigh_lines(texts, fit[1], fit[2]) / fit[0])
    return size, [em * size + padding for em in ems]


def _share_width(columns: Sequence[_Column], least: Sequence[float], free: float) -> list[float]:
    """Return widths in ems such that the longest texts of all columns take equally many lines."""
    longest = [column.longest for column in columns]
    single = [*map(max, least, longest)]
    if sum(single) <= free:
        return single
    low, high = 1.0, 1000.0  # lines
    for _ in range(40):
        middle = (low + high) / 2
        width = sum(
            max(em, text / middle + RAGGED) for em, text in zip(least, longest, strict=True)
        )
        low, high = (low, middle) if width <= free else (middle, high)
    return [max(em, text / high + RAGGED) for em, text in zip(least, longest, strict=True)]


def _weigh_lines(texts: NDArray[np.float64], ems: Sequence[float], n_head: int) -> float:
    """Return how hard a table is to read: its lines, and half a line for a break in a row.

    ``texts`` has a row for each column of the table.
    """
    widths = np.array(ems)[:, np.newaxis]
    lines = np.ceil(np.where(texts <= widths, texts, texts + RAGGED) / widths)
    tallest = lines.max(axis=0)
    n_lines = float(tallest.sum() + np.minimum(tallest - 1, 2).sum() / 2)
    is_tall = n_head > HEADS[0]
    return TALL_HEAD * (n_lines + 2 * n_head) if is_tall else n_lines + n_head


def count_lines(text: str, ems: float, *, start: float = 0.0, bold: bool = False) -> int:
    """Return how many lines a text takes in a width; the first line is indented by ``start``."""
    lines, used, space = 1, start, 0.0
    for word in text.split():
        width = measure_text(word, bold=bold)
        if used + space + width > ems:
            lines, used = lines + (space > 0), 0.0
            lines += int(width // ems)
            used = width % ems
        else:
            used += space + width
        space = measure_text(" ")
    return lines


def split_words(text: str, *, whole: bool = False) -> list[str]:
    """Return the parts of a text that must stay on one line, such as a number or an interval."""
    if whole and len(text) < LONG_WORD:
        return [text]
    return [word for word in _BREAKS.split(text) if word]


def _measure_column(label: str, cells: Sequence[str], is_number: bool) -> _Column:
    words = [measure_text(word) for text in cells for word in split_words(text, whole=is_number)]
    label_words = [measure_text(word, bold=True) for word in split_words(label)]
    word = SLACK * max([1.0, *words, *label_words])
    least = [max(word, SLACK * _measure_label(label, n_lines)) for n_lines in HEADS]
    return _Column([*least, word], [SLACK * measure_text(text) for text in cells])


@lru_cache(maxsize=1000)  # heads return in other tables and reports
def _measure_label(label: str, n_lines: int) -> float:
    """Return the least width in which a bold label takes at most so many lines."""
    low, high = 0.0, measure_text(label, bold=True)
    for _ in range(12):
        middle = (low + high) / 2
        fits = count_lines(label, middle, bold=True) <= n_lines
        low, high = (low, middle) if fits else (middle, high)
    return high
