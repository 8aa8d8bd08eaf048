r"""Write tables as LaTeX: booktabs, every special character escaped, letters of Unicode kept.

The result can be read by ``\input``; it needs ``\usepackage{booktabs}``, a long table also
``longtable``, and Vietnamese XeLaTeX, LuaLaTeX or the font encoding T5. A table that is wider than
the page has its texts wrapped, and if this is not enough, smaller type.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from sipas_analysis.documents.model import Table, render_text
from sipas_analysis.documents.table_cells import Plain
from sipas_analysis.messages import Language
from sipas_analysis.progress import watch

LONG = 40  # rows; a longer table may break across pages
LINE = 74.0  # letters on a line of article (345 pt)
LEAST_TEXT = 12.0  # letters; the narrowest column of wrapped texts
SIZES = (  # types, the width of their letters, and the gap of columns in letters of the text
    ("", 1.0, 2.6),
    (r"\small", 0.925, 2.6),
    (r"\footnotesize", 0.85, 2.6),
    (r"\scriptsize", 0.79, 2.6),
    (r"\scriptsize\setlength{\tabcolsep}{2pt}", 0.79, 0.9),
)
ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    "∞": r"$\infty$",
    "`": r"\`{}",
    "²": r"\textsuperscript{2}",
    "χ": r"$\chi$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "-": "-{}",  # before another one or a dash: together they would be a longer one
}
_SPECIAL = re.compile("-(?=[-–])|[" + re.escape("".join(ESCAPES).replace("-", "")) + "]")
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")


def escape_latex(text: str) -> str:
    r"""Return text that LaTeX prints as it is; breaks of lines become spaces.

    Example:
        >>> escape_latex("50% of A_1 & B")
        '50\\% of A\\_1 \\& B'
    """
    plain = " ".join(_HIDDEN.sub("", text).split())
    return _SPECIAL.sub(lambda letter: ESCAPES[letter[0]], plain)


def render_latex(tables: Sequence[Table], language: Language, label: str = "") -> str:
    """Return tables as LaTeX, one below the other; the label is that of the first."""
    return "\n".join(
        _render_table(table, language, label if at == 0 else "") for at, table in enumerate(tables)
    )


@dataclass(frozen=True)
class _Layout:
    """How the columns of a table fit the page.

    Attributes:
        sides: Columns as ``tabular`` has them.
        columns: Side and width of each column in letters; none if the page has room for all.
        size: Size of type; empty for that of the text.
    """

    sides: str
    columns: tuple[tuple[str, float], ...]
    size: str

    @property
    def end(self) -> str:
        r"""What ends a row: ``raggedright`` in its last cell gives ``\\`` another meaning."""
        is_wrapped = self.columns and self.columns[-1][0].startswith("p")
        return r" \tabularnewline" if is_wrapped else r" \\"

    def fit(self, at: int, text: str) -> str:
        """Return the text of a cell, on several lines where its column is narrower."""
        side, width = self.columns[at] if self.columns else ("", 0.0)
        if side.startswith("p"):
            return f"\\raggedright {escape_latex(text)}" if text else ""
        if side != "r" or len(text) <= width:
            return escape_latex(text)
        lines = wrap(text, int(width), break_long_words=False, break_on_hyphens=False)
        stacked = r" \\ ".join(map(escape_latex, lines))
        return f"\\shortstack[r]{{{stacked}}}"


def _lay_out(table: Table, language: Language) -> _Layout:
    """Wrap the widest columns of texts, in the largest type with which the page has room."""
    cells = [[column.label for column in table.columns], *table.rows]
    columns = list(zip(*cells, strict=True))
    is_number = [column.kind == "number" for column in table.columns]
    words = [max(_measure_word(cell, language) for cell in column) for column in columns]
    whole = [float(max(len(render_text(cell, language)) for cell in column)) for column in columns]
    if sum(whole) <= _find_room(SIZES[0], len(whole)):
        return _Layout("".join("r" if number else "l" for number in is_number), (), "")
    widths = [
        min(word if number else width, width)
        for word, width, number in zip(words, whole, is_number, strict=True)
    ]
    least = [
        width if number else min(width, max(LEAST_TEXT, word))
        for word, width, number in zip(words, widths, is_number, strict=True)
    ]
    n = len(widths)
    size = next((size for size in SIZES if sum(least) <= _find_room(size, n)), SIZES[-1])
    limit = _find_limit(widths, least, _find_room(size, n))
    kept = [max(low, min(width, limit)) for width, low in zip(widths, least, strict=True)]
    sides = [
        "r" if number else "l" if new == width else f"p{{{new * size[1] / LINE:.2f}\\linewidth}}"
        for new, width, number in zip(kept, widths, is_number, strict=True)
    ]
    return _Layout("".join(sides), tuple(zip(sides, kept, strict=True)), size[0])


def _find_room(size: tuple[str, float, float], n_columns: int) -> float:
    """Return the letters of a type that stand on a line beside the gaps of the columns."""
    _, scale, gap = size
    return (LINE - gap * n_columns) / scale


def _measure_word(cell: object, language: Language) -> float:
    """Return the length of the longest word of a text; a number or interval is not parted."""
    text = render_text(cell, language)
    parts = text.split() if isinstance(cell, Plain | str) else [text]
    return float(max(map(len, parts), default=0))


def _find_limit(widths: Sequence[float], least: Sequence[float], room: float) -> float:
    """Return the width that no column may exceed so that all fit, none narrower than its least."""
    for limit in range(int(max(widths, default=0)), int(LEAST_TEXT), -1):
        kept = (max(low, min(width, limit)) for width, low in zip(widths, least, strict=True))
        if sum(kept) <= room:
            return float(limit)
    return LEAST_TEXT


def _render_table(table: Table, language: Language, label: str) -> str:
    """Return one table; one of more than ``LONG`` rows as a ``longtable``."""
    layout = _lay_out(table, language)
    head = _render_row([column.label for column in table.columns], layout, language)
    rows = [_render_row(row, layout, language) for row in watch(table.rows)]
    caption = escape_latex(render_text(table.caption, language))
    named = (f"\\label{{{re.sub(r'[^A-Za-z0-9:.-]', '-', label)}}}") if label else ""
    title = f"\\caption{{{caption}}}{named}" if caption or named else ""
    notes = [escape_latex(render_text(note, language)) for note in table.notes]
    below = [f"\\par\\smallskip\\footnotesize {note}" for note in notes]
    size = [layout.size] if layout.size else []
    if len(rows) > LONG:
        top = [f"{title}\\\\"] if title else []
        lines = [f"\\begin{{longtable}}{{{layout.sides}}}", *top, r"\toprule", head, r"\midrule"]
        lines += [r"\endhead", r"\bottomrule", r"\endfoot", *rows, r"\end{longtable}"]
        lines = ["{" + layout.size, *lines, "}"] if size else lines
        return "\n".join([*lines, *(f"{{{note}\\par}}" for note in below)]) + "\n"
    lines = [r"\begin{table}[htbp]", r"\centering", *([title] if title else []), *size]
    lines += [f"\\begin{{tabular}}{{{layout.sides}}}", r"\toprule", head, r"\midrule", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *below, r"\end{table}"]) + "\n"


def _render_row(cells: Sequence[object], layout: _Layout, language: Language) -> str:
    """Return a row; an asterisk or bracket at its start would belong to the end of the last."""
    row = " & ".join(layout.fit(at, render_text(cell, language)) for at, cell in enumerate(cells))
    return f"{{}}{row}{layout.end}" if row.startswith(("[", "*")) else f"{row}{layout.end}"
