"""Show a table in a console: one line a row, numbers right, long texts cut."""

import re
from collections.abc import Sequence
from unicodedata import combining, east_asian_width, normalize

from sipas_analysis.documents.model import Column, Table, render_text
from sipas_analysis.messages import Language

LONGEST = 60  # letters of a text
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def render_lines(table: Table, language: Language) -> list[str]:
    """Return the caption, the head, the rows and the notes of a table as lines."""
    caption = render_text(table.caption, language)
    head = [render_text(column.label, language) for column in table.columns]
    rows = [[_shorten(render_text(cell, language)) for cell in row] for row in table.rows]
    widths = [max(map(_measure, cells)) for cells in zip(head, *rows, strict=True)]
    lines = [_set_row(cells, table.columns, widths) for cells in [head, *rows]]
    notes = [render_text(note, language) for note in table.notes]
    return [*([caption] if caption else []), *lines, *notes]


def _shorten(text: str) -> str:
    """Return a text on one line, with an ellipsis where it is cut."""
    line = normalize("NFC", _BREAKS.sub(" ", text))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def _measure(text: str) -> int:
    """Return the columns that a text takes; a letter of East Asia takes two, a mark none."""
    return sum(0 if combining(a) else 1 + (east_asian_width(a) in "WF") for a in text)


def _set_row(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    parts = []
    for text, column, width in zip(cells, columns, widths, strict=True):
        blanks = " " * (width - _measure(text))
        parts.append(blanks + text if column.kind == "number" else text + blanks)
    return "  ".join(parts).rstrip()
