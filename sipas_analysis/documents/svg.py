"""Turn a drawing of matplotlib into SVG, with a cache of the outlines of texts.

Half of the drawing time is spent on texts, and most texts (names of units, items and numbers) are
used in other pictures too. So the outlines of a text are computed once in a process.
"""

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.textpath import TextToPath

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing
    from matplotlib.ft2font import FT2Font

DPI = 72  # of SVG
REMEMBERED = 2048  # texts in the cache


class _RememberedOutlines(TextToPath):
    """Cached sizes and outlines of texts; matplotlib's class computes them for each picture."""

    def __init__(self) -> None:
        super().__init__()
        self._shapes: dict[str, Any] = {}
        self._measure_text = lru_cache(REMEMBERED)(super().get_text_width_height_descent)
        self._place_glyphs = lru_cache(REMEMBERED)(self._lay_out_text)

    def _lay_out_text(self, font: "FT2Font", text: str, **options: Any) -> list[Any]:
        """Return name, x, y and size of each glyph; add their shapes to the cache."""
        return super().get_glyphs_with_font(font, text, self._shapes, **options)[0]

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> Any:
        """Return the size of a text, as matplotlib's class does."""
        return self._measure_text(s, prop, ismath)

    def get_glyphs_with_font(
        self,
        font: "FT2Font",
        s: str,
        glyph_map: Any = None,
        return_new_glyphs_only: Any = False,
        **options: Any,
    ) -> Any:
        """Return the places of glyphs, and the shapes that ``glyph_map`` does not have yet."""
        present = glyph_map or {}
        places = self._place_glyphs(font, s, **options)
        new = {name: self._shapes[name] for name, *_ in places if name not in present}
        return places, new if return_new_glyphs_only else present | new, []


class _Renderer(RendererSVG):
    """The renderer of matplotlib, with one cache of outlines for all pictures."""

    _outlines = _RememberedOutlines()

    def __init__(self, *sizes: Any, **options: Any) -> None:
        super().__init__(*sizes, **options)  # type: ignore[no-untyped-call]
        self._text2path = self._outlines


def render_svg(drawing: "Drawing") -> bytes:
    """Return a drawing of ``DPI`` dots per inch as SVG, without date and author."""
    svg = io.StringIO()  # matplotlib writes many short texts; bytes would be encoded one by one
    width, height = drawing.get_size_inches() * DPI
    renderer: Any = _Renderer(width, height, svg, metadata={"Date": None, "Creator": None})
    drawing.draw(renderer)
    renderer.finalize()
    return svg.getvalue().encode("utf-8")
