"""Formulas of the pages as pictures, drawn by Matplotlib: no TeX, no JavaScript, no network.

The letters are outlines in the colour of the text, so a formula reads on a light and on a dark
page; a screen reader gets its source. What Matplotlib cannot draw stops the build.
"""

import html

import matplotlib as mpl
from docutils import nodes
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath, text_to_path
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

SIZE = 12.0  # points of a letter: one em
COMMANDS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


def draw_formula(formula: str) -> str:
    """Return a formula of TeX, without its dollars, as an SVG whose size is in ``em``."""
    font = FontProperties(size=SIZE)
    with mpl.rc_context({"mathtext.fontset": "cm"}):
        text = f"${' '.join(formula.split())}$"
        width, height, depth = text_to_path.get_text_width_height_descent(text, font, ismath=True)
        outline = TextPath((0, 0), text, size=SIZE, prop=font, usetex=False)
    steps = [
        COMMANDS[code] + " ".join(f"{x:.2f}" for x in _flip(points)) if code in COMMANDS else "Z"
        for points, code in outline.iter_segments(simplify=False, curves=True)
    ]
    style = f"width:{width / SIZE:.3f}em;height:{height / SIZE:.3f}em"
    return (
        f'<svg class="formula" role="img" aria-label="{html.escape(formula, quote=True)}" '
        f'viewBox="0 {depth - height:.2f} {width:.2f} {height:.2f}" '
        f'style="{style};vertical-align:{-depth / SIZE:.3f}em">'
        f'<path fill="currentColor" d="{"".join(steps)}"/></svg>'
    )


def _flip(points: list[float]) -> list[float]:
    """Turn the vertical axis: a page counts downwards."""
    return [-value if place % 2 else value for place, value in enumerate(points)]


def write_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a sentence."""
    translator.body.append(draw_formula(node.astext()))
    raise nodes.SkipNode


def write_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, with fractions in full size."""
    drawn = draw_formula(node.astext().replace(r"\frac", r"\dfrac"))
    translator.body.append(f'<div class="formulas">{drawn}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the writer of formulas."""
    app.add_html_math_renderer(
        "drawn", inline_renderers=(write_inline, None), block_renderers=(write_block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
