"""Write a document as a PDF: PDF/A-2a for archives, PDF/UA-1 for screen readers.

Typst makes the layout (``typst_process.py``). Typst uses no network, no font of the machine, and
no file but the template. Texts are passed as data, so no text can become markup. The date is that
of the document, so the same document gives the same bytes on any day and any machine.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from sipas_analysis.documents.column_widths import LONG_WORD, count_lines, fit_columns
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Document,
    Paragraph,
    Picture,
    Signatory,
    Table,
    render_text,
)
from sipas_analysis.documents.writers.typst_process import TEMPLATES, TypstRefusal, typeset
from sipas_analysis.errors import OutputError
from sipas_analysis.files import write_whole
from sipas_analysis.messages import Language, say

TEMPLATE = TEMPLATES / "report.typ"
STANDARDS = ["a-2a", "ua-1"]
PROBE = """\
#set document(title: "-")
#let it = sys.inputs.it
#it #strong(it) #emph(it) #text(weight: "semibold", it)
"""
UNDATED = date(2000, 1, 1)  # for a document without a date: today's date would change the bytes
NOTHING = "–"  # PDF/UA allows no empty heading
MARK = "\ufffd"  # replaces a letter that no built-in font can draw

PAGE_POINTS = 467.0  # between the margins
PICTURE_SHAPE = 1.36  # height over width of the tallest picture that leaves room for its caption
PADDING = 6.5  # points beside the text of a cell
SIZES = (11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
BODY, SMALL_BODY = 13.0, 12.0  # points; annexes have smaller type
CONTENTS_FROM = 7  # chapters; shorter annexes need no table of contents
WHOLE_LINES = 6  # lines; a table of at most so many stays on one page
TALL_LINES = 15  # a row of more lines may break between pages

_USUAL = re.compile(
    "[\t\n -~\u00a0-\u017f\u0300-\u0303\u0309\u0323\u01a0\u01a1\u01af\u01b0"
    "\u1ea0-\u1ef9‘’“”–—…•−≤≥→∞\u200b\ufffd]*"
)
_LONG = re.compile(rf"[^\s\u200b]{{{LONG_WORD},}}")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they would reverse the text after them
_PIECE = re.compile(r"(.{10})(?=.)", re.DOTALL)
_VIEW = re.compile(rb"viewBox=['\"][-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)['\"]")


def write_pdf(document: Document, path: Path, language: Language) -> Path:
    """Write a document to ``path`` whole or not at all; return the path.

    Raises:
        OutputError: The file cannot be written, or Typst refuses the document (an internal fault).
    """
    return write_whole(path, _compile_pdf(document, path, language))


def _compile_pdf(document: Document, path: Path, language: Language) -> bytes:
    day = document.official.day if document.official else UNDATED
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    options: dict[str, Any] = {"timestamp": int(moment.timestamp()), "pdf_standards": STANDARDS}
    report, source = _convert_document(document, language), TEMPLATE.read_text("utf-8")
    for prepare in (dict, _replace_unusual):
        fields = json.dumps(prepare(report), ensure_ascii=False)
        try:
            return typeset(source, {"report": fields}, **options)
        except TypstRefusal as error:
            refused = error
    raise OutputError("unset", path=path, why=refused) from refused


def _convert_document(document: Document, language: Language) -> dict[str, object]:
    """Return the whole document as plain data in one language."""
    official, signatory = document.official, document.signatory
    has_contents = not signatory and len(document.sections) >= CONTENTS_FROM
    texts = {
        name: _render_drawable(getattr(document, name) or "", language)
        for name in ("title", "subtitle", "kind", "about", "footer")
    }
    numbers = count(1)
    return texts | {
        "lang": language,
        "size": BODY if document.is_signed else SMALL_BODY,
        "signed": document.is_signed,
        "name": _render_drawable(document.name, language) or document.id,
        "author": _render_drawable(official.publisher, language) if official else "",
        "head": _convert_letterhead(signatory, language) if signatory else None,
        "recipients": [_make_drawable(line) for line in document.list_recipients(language)],
        "banner": _render_drawable(document.banner, language) if document.banner else None,
        "contents": say(language, "report.contents") if has_contents else None,
        "sections": [
            {
                "title": _render_drawable(section.title, language) or NOTHING,
                "starts_page": section.starts_page,
                "blocks": [_convert_block(block, language, numbers) for block in section.blocks],
            }
            for section in document.sections
        ],
    }


def _convert_letterhead(signatory: Signatory, language: Language) -> dict[str, str]:
    """Return the texts at the head and beside the signature, all drawable."""
    lines = signatory.letterhead_lines(language)
    return {name: _make_drawable(line) for name, line in lines.items()}


def _convert_block(block: Block, language: Language, numbers: Iterator[int]) -> dict[str, object]:
    """Return a block as plain data; ``numbers`` are those of the pictures to come."""
    if isinstance(block, Paragraph):
        text = _render_drawable(block.text, language) or NOTHING
        return {"kind": "paragraph", "style": block.style, "text": text}
    if isinstance(block, Bullets):
        return {
            "kind": "bullets",
            "items": [_render_drawable(item, language) for item in block.items],
        }
    return (
        _convert_table(block, language)
        if isinstance(block, Table)
        else _convert_picture(block, language, next(numbers))
    )


def _convert_picture(picture: Picture, language: Language, number: int) -> dict[str, object]:
    """Return a picture as wide as the page, or narrower if it would be too tall."""
    svg, caption = picture.draw(language), _render_drawable(picture.caption, language)
    view = _VIEW.search(svg)
    shape = float(view[2]) / float(view[1]) if view else 1.0
    return {
        "kind": "figure",
        "number": number,
        "caption": f"{say(language, 'docx.figure')}\u00a0{number}. {caption}",
        "alt": _render_drawable(picture.alt, language) or caption or NOTHING,
        "svg": svg.decode("utf-8"),
        "width": round(100 * min(1.0, PICTURE_SHAPE / shape), 1),
    }


def _convert_table(table: Table, language: Language) -> dict[str, object]:
    header = [_render_drawable(column.label, language) for column in table.columns]
    rows = [[_render_drawable(cell, language) for cell in row] for row in table.rows]
    numbers = [column.kind == "number" for column in table.columns]
    size, widths = fit_columns(
        header, rows, numbers, room=PAGE_POINTS, padding=PADDING, sizes=SIZES
    )
    ems = [(width - PADDING) / size for width in widths]
    lines = [max(map(count_lines, row, ems)) for row in [header, *rows]]
    return {
        "kind": "table",
        "caption": _render_drawable(table.caption, language),
        "header": header,
        "rows": rows,
        "numbers": numbers,
        "size": size,
        "widths": [round(width, 2) for width in widths],
        "whole": sum(lines) <= WHOLE_LINES,
        "tall": max(lines) > TALL_LINES,
        "notes": [_render_drawable(note, language) for note in table.notes],
    }


def _render_drawable(value: object, language: Language) -> str:
    """Return a value of the model as text that the built-in fonts can draw."""
    return _make_drawable(render_text(value, language))


def _make_drawable(text: str) -> str:
    """Replace what no built-in font can draw and let long words break."""
    if not _USUAL.fullmatch(text):
        text = text.replace("\ufeff", "")
        text = "".join(part if _can_draw(part) else MARK for part in _split_clusters(text))
    return _LONG.sub(lambda run: _PIECE.sub("\\1\u200b", run[0]), text)


def _split_clusters(text: str) -> Iterator[str]:
    """Yield each letter together with its combining marks."""
    start = 0
    for position, letter in enumerate(text):
        if position > start and not unicodedata.category(letter).startswith("M"):
            yield text[start:position]
            start = position
    if text:
        yield text[start:]


@cache
def _can_draw(cluster: str) -> bool:
    """Return whether Typst can draw a letter in every style of the template."""
    if _USUAL.fullmatch(cluster):
        return True
    kinds = [unicodedata.category(letter) for letter in cluster]
    if kinds[0].startswith("M") or {"Cc", "Cn", "Co", "Cs"} & {*kinds} or _TURNS.search(cluster):
        return False
    try:
        typeset(PROBE, {"it": cluster}, pdf_standards=STANDARDS)
    except TypstRefusal:
        return False
    return True


def _replace_unusual(value: object) -> object:
    """Return plain data in which every unusual letter is replaced."""
    if isinstance(value, str):
        return "".join(part if _USUAL.fullmatch(part) else MARK for part in _split_clusters(value))
    if isinstance(value, dict):
        return {
            key: field if key == "svg" else _replace_unusual(field) for key, field in value.items()
        }
    return [_replace_unusual(field) for field in value] if isinstance(value, list) else value
