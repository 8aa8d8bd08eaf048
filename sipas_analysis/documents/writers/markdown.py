"""Write tables as Markdown, with the pipes that GitHub, Quarto and pandoc read."""

import re
from collections.abc import Sequence

from sipas_analysis.documents.model import Table, render_text
from sipas_analysis.messages import Language
from sipas_analysis.progress import watch

_MARKS = re.compile(r"([\\`*_\[\]|~#$])")
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")


def escape_markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is; breaks of lines become spaces, HTML is no HTML.

    Example:
        >>> print(escape_markdown("a|b <i>*c*</i>"))
        a\|b &lt;i&gt;\*c\*&lt;/i&gt;
    """
    plain = " ".join(_HIDDEN.sub("", text).split())
    quoted = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", quoted)


def render_markdown(tables: Sequence[Table], language: Language) -> str:
    """Return tables with their captions above and their notes below, apart by blank lines."""
    return "\n".join(_render_table(table, language) for table in tables)


def _render_table(table: Table, language: Language) -> str:
    caption = escape_markdown(render_text(table.caption, language))
    head = _render_row([column.label for column in table.columns], language)
    sides = ["--:" if column.kind == "number" else ":--" for column in table.columns]
    rows = [_render_row(row, language) for row in watch(table.rows)]
    notes = [f"\n{escape_markdown(render_text(note, language))}" for note in table.notes]
    title = [f"**{caption}**", ""] if caption else []
    return "\n".join([*title, head, f"| {' | '.join(sides)} |", *rows, *notes]) + "\n"


def _render_row(cells: Sequence[object], language: Language) -> str:
    texts = [escape_markdown(render_text(cell, language)) for cell in cells]
    return f"| {' | '.join(texts)} |"
