"""Choose the type size and the column widths of a printed table.

No word and no number is cut, the head of a column takes at most two lines where the page allows,
and what is left of the page goes to the columns whose texts would need more lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sipas_analysis.documents.letter_widths import measure_text

LONG_TEXT = 34.0  # ems; a longer text gets no more width
BRIEF_TEXT = 16.0  # ems; a longer text takes more lines, not smaller type
LONG_WORD = 24  # characters; a longer word may break anywhere
COMFORT = 9.5  # points; in smaller type the head of a column may take three lines
SLACK = 1.02  # programs round widths differently

_BREAKS = re.compile(r"[\s\u200b]+|(?<=[-–/])")


@dataclass(frozen=True)
class _Needs:
    """Widths in ems that a column needs: for the longest word, a head of two lines, all text."""

    word: float
    head: float
    text: float


def fit_columns(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[bool],
    *,
    room: float,
    padding: float,
    sizes: Sequence[float],
) -> tuple[float, list[float]]:
    """Return the largest type size in which a table is easy to read, and its column widths.

    Args:
        header: Heads of the columns.
        rows: Cells as printed.
        numbers: Whether each column holds numbers; a number is never cut.
        room: Width of the page between its margins, in points.
        padding: Width beside the text of a cell, in points.
        sizes: Type sizes to choose from, the largest first.
    """
    columns = [*zip(*rows, strict=True)] if rows else [()] * len(header)
    needs = [
        _measure_column(label, cells, is_number)
        for label, cells, is_number in zip(header, columns, numbers, strict=True)
    ]
    free = room - padding * len(header)
    wish = [need.text for need in needs]
    heads, words = [need.head for need in needs], [need.word for need in needs]
    tries = [(size, heads) for size in sizes if size >= COMFORT] + [(size, words) for size in sizes]
    brief = sum(max(need.head, min(need.text, BRIEF_TEXT)) for need in needs)
    fitting = [
        (size, least)
        for size, least in tries
        if max(sum(least), 0.5 * (sum(least) + brief)) * size <= free
    ]
    size, least = [*fitting, (sizes[-1], words)][0]
    spare = max(0.0, free / size - sum(least))
    share = min(1.0, spare / max(1e-9, sum(wish) - sum(least)))
    ems = [low + share * (high - low) for low, high in zip(least, wish, strict=True)]
    return size, [em * size + padding for em in ems]


def count_lines(text: str, ems: float, *, start: float = 0.0) -> int:
    """Return how many lines a text takes in a width; the first line is indented by ``start``."""
    lines, used, space = 1, start, 0.0
    for word in text.split():
        width = measure_text(word)
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


def _measure_column(label: str, cells: Sequence[str], is_number: bool) -> _Needs:
    words = [measure_text(word) for text in cells for word in split_words(text, whole=is_number)]
    label_words = [measure_text(word, bold=True) for word in split_words(label)]
    word = SLACK * max([1.0, *words, *label_words])
    head = max(word, SLACK * _measure_two_lines(label))
    texts = [min(measure_text(text), LONG_TEXT) for text in cells]
    return _Needs(word, head, max(head, SLACK * max(texts, default=0.0)))


def _measure_two_lines(label: str) -> float:
    """Return the least width in which a bold label takes at most two lines."""
    words = label.split(" ")
    splits = [(" ".join(words[:k]), " ".join(words[k:])) for k in range(1, len(words) + 1)]
    return min(max(measure_text(line, bold=True) for line in split) for split in splits)
