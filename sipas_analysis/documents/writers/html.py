"""Write a document as one HTML file: no script, no network, readable aloud and on A4.

Texts are escaped by the template engine; pictures are embedded. The same document and language
give the same bytes.
"""

import base64
from functools import cache
from pathlib import Path
from typing import Any

from sipas_analysis.documents.model import Document, Figure, Section, make_text, pieces, shown_in
from sipas_analysis.files import write_whole
from sipas_analysis.messages import Language

TEMPLATES = Path(__file__).parents[1] / "templates"


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["kind"] = lambda block: type(block).__name__.lower()
    return found


def html(document: Document, language: Language) -> str:
    """Return a document as one self-contained page in one language."""
    return _render("report.html.j2", language, document=document, framed=False)


def section_html(section: Section, language: Language) -> str:
    """Return one chapter as a fragment, as a notebook shows it."""
    return _render("section.html.j2", language, section=section, framed=True)


def write_html(document: Document, path: Path, language: Language) -> Path:
    """Write a document to ``path`` whole or not at all; return the path."""
    return write_whole(path, html(document, language))


def named(value: object, language: Language) -> Any:
    """Return a value as markup whose numbers say which figure they are, for who checks them."""
    from markupsafe import Markup, escape

    return Markup("").join(
        Markup('<span data-figure="{}">{}</span>').format(name, text) if name else escape(text)
        for text, name in pieces(value, language)
    )


def _render(template: str, language: Language, **parts: object) -> str:
    def show(value: object) -> str:
        return shown_in(value, language).replace(" %", "\u00a0%")  # never alone on a line

    def show_named(value: object) -> Any:
        return named(value, language)

    def picture(figure: Figure) -> str:
        data = base64.b64encode(figure.draw(language)).decode("ascii")
        return f"data:image/svg+xml;base64,{data}"

    made = _environment().get_template(template)
    texts = {name: make_text(f"report.{name}") for name in ("skip", "contents", "data_of_figure")}
    return str(
        made.render(
            show=show, named=show_named, picture=picture, language=language, **texts, **parts
        )
    )
