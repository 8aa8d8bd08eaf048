"""Write a document as one HTML file without script or network, for screen readers and for A4.

Texts are escaped by the template engine; pictures are embedded. The same document and language
give the same bytes.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sipas_analysis.documents.model import (
    Document,
    Picture,
    Section,
    Table,
    make_text,
    render_parts,
    render_text,
)
from sipas_analysis.extras import require_library
from sipas_analysis.files import write_whole
from sipas_analysis.messages import Language

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parents[1] / "templates"
KEPT = "!$'()*+,/:;=?@[]{}|~"  # letters that a data URL in double quotes need not encode
_ENCODED = re.compile(f"[^{re.escape(KEPT)}A-Za-z0-9_.-]+")
_encode_run = lru_cache(1000)(quote)  # few runs of letters occur, each a thousand times
Rows = tuple[tuple[object, ...], ...]


@cache
def load_templates() -> "Environment":
    """Return the template engine, which escapes every text."""
    require_library("jinja2")
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["kind"] = lambda block: type(block).__name__.lower()
    return templates


def render_page(document: Document, language: Language) -> str:
    """Return a document as one self-contained page in one language."""
    return _fill_template(
        "report.html.j2", document.sections, language, document=document, framed=False
    )


def render_section(section: Section, language: Language, is_framed: bool = True) -> str:
    """Return one chapter as a fragment.

    Framed it is what a notebook shows: its styles apply to nothing else, and take the colours of
    JupyterLab's theme. Otherwise the page around it has the styles.
    """
    return _fill_template("section.html.j2", [section], language, section=section, framed=is_framed)


def write_html(document: Document, path: Path, language: Language) -> Path:
    """Write a document to ``path`` whole or not at all; return the path."""
    return write_whole(path, render_page(document, language))


def render_markup(value: object, language: Language) -> "Markup":
    """Return a value as markup; each number has the id of its figure, so it can be checked."""
    from markupsafe import Markup, escape

    marked = ""
    for part in render_parts(value, language):
        text = escape(part.text)
        name = escape(part.figure.name) if part.figure else ""
        marked += f'<span data-figure="{name}">{text}</span>' if part.figure else f"{text}"
    return Markup(marked)  # noqa: S704 (all words were escaped)


def _embed_picture(picture: Picture, language: Language, narrow: bool = False) -> "Markup":
    """Return a picture as a data URL; letters of SVG are kept, so that it is short."""
    from markupsafe import Markup

    svg = picture.draw(language, narrow).decode("utf-8")
    encoded = _ENCODED.sub(lambda run: _encode_run(run[0]), svg)
    return Markup(f"data:image/svg+xml,{encoded}")  # noqa: S704 (no letter of markup is kept)


def _find_printed_rows(sections: Sequence[Section]) -> list[Rows]:
    """Return the rows of the tables that are printed; a picture need not repeat them."""
    blocks = [block for section in sections for block in section.blocks]
    return [block.rows for block in blocks if isinstance(block, Table)]


def _fill_template(
    template: str, sections: Sequence[Section], language: Language, **values: object
) -> str:
    printed = _find_printed_rows(sections)
    labels = {name: make_text(f"report.{name}") for name in ("skip", "contents", "data_of_figure")}
    return (
        load_templates()
        .get_template(template)
        .render(
            show=partial(render_text, language=language),
            markup=partial(render_markup, language=language),
            picture=partial(_embed_picture, language=language),
            is_printed=lambda table: table.rows in printed,
            language=language,
            **labels,
            **values,
        )
    )
