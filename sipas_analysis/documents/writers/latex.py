r"""Write tables as LaTeX: booktabs, every special character escaped, letters of Unicode kept.

The result can be read by ``\input``; it needs ``\usepackage{booktabs}``, a long table also
``longtable``, and Vietnamese XeLaTeX, LuaLaTeX or the font encoding T5.
"""

import re
from collections.abc import Sequence

from sipas_analysis.documents.model import Table, render_text
from sipas_analysis.messages import Language

LONG = 40  # rows; a longer table may break across pages
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


def _render_table(table: Table, language: Language, label: str) -> str:
    """Return one table; one of more than ``LONG`` rows as a ``longtable``."""
    sides = "".join("r" if column.kind == "number" else "l" for column in table.columns)
    head = _render_row([column.label for column in table.columns], language)
    rows = [_render_row(row, language) for row in table.rows]
    caption = escape_latex(render_text(table.caption, language))
    named = (f"\\label{{{re.sub(r'[^A-Za-z0-9:.-]', '-', label)}}}") if label else ""
    title = f"\\caption{{{caption}}}{named}" if caption or named else ""
    notes = [escape_latex(render_text(note, language)) for note in table.notes]
    below = [f"\\par\\smallskip\\footnotesize {note}" for note in notes]
    if len(rows) > LONG:
        top = [f"{title}\\\\"] if title else []
        lines = [f"\\begin{{longtable}}{{{sides}}}", *top, r"\toprule", head, r"\midrule"]
        lines += [r"\endhead", r"\bottomrule", r"\endfoot", *rows, r"\end{longtable}"]
        return "\n".join([*lines, *(f"{{{note}\\par}}" for note in below)]) + "\n"
    lines = [r"\begin{table}[htbp]", r"\centering", *([title] if title else [])]
    lines += [f"\\begin{{tabular}}{{{sides}}}", r"\toprule", head, r"\midrule", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *below, r"\end{table}"]) + "\n"


def _render_row(cells: Sequence[object], language: Language) -> str:
    """Return a row; an asterisk or bracket at its start would belong to the end of the last."""
    row = " & ".join(escape_latex(render_text(cell, language)) for cell in cells) + r" \\"
    return f"{{}}{row}" if row.startswith(("[", "*")) else row
