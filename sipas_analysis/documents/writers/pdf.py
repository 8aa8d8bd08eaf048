"""Write a document as a PDF that an office files: PDF/A-2a to keep, PDF/UA-1 to be read aloud.

Typst lays out (``typeset.py``): no network, no font of the machine, no file but the template.
Texts enter as data, so none can become markup; the date is
the document's own, so the same document gives the same bytes on any day and any machine.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Document,
    Official,
    Paragraph,
    Picture,
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
UNDATED = date(2000, 1, 1)  # a document without a date must not carry today's
NOTHING = "–"  # PDF/UA allows no empty heading
MARK = "\ufffd"  # stands for what no built-in font can draw

PAGE_POINTS = 467.0  # between the margins
PICTURE_SHAPE = 1.36  # height over width of the tallest picture that leaves room for its caption
PADDING = 6.5  # points beside each cell
SIZES = (11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
COMFORT = 9.5  # points; type is not made smaller than this only to save lines
CONTENTS_FROM = 7  # sections; a shorter report needs no table of contents
WHOLE_LINES = 24  # a table of so many lines stays on one page
TALL_LINES = 15  # a row of more lines may break between pages
LONG_WORD = 24  # characters; a longer run may break anywhere
SHORT_TITLE = 90

_USUAL = re.compile(
    "[\t\n -~\u00a0-\u017f\u0300-\u0303\u0309\u0323\u01a0\u01a1\u01af\u01b0"
    "\u1ea0-\u1ef9‘’“”–—…•−≤≥→∞\u200b\ufffd]*"
)
_LONG = re.compile(rf"[^\s\u200b]{{{LONG_WORD},}}")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # would show what follows from right to left
_PIECE = re.compile(r"(.{10})(?=.)", re.DOTALL)
_BREAKS = re.compile(r"[\s\u200b]+|(?<=[-–/])")
_VIEW = re.compile(rb'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"')


def write_pdf(document: Document, path: Path, language: Language) -> Path:
    """Write a document to ``path`` whole or not at all; return the path.

    Raises:
        OutputError: The file cannot be written, or Typst refuses the document (a fault of ours).
    """
    return write_whole(path, _compile_pdf(document, path, language))


def _compile_pdf(document: Document, path: Path, language: Language) -> bytes:
    day = document.official.day if document.official else UNDATED
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    how = {"timestamp": int(moment.timestamp()), "pdf_standards": STANDARDS}
    report, source = _convert_document(document, language), TEMPLATE.read_text("utf-8")
    for prepared in (dict, _replace_unusual):
        data = json.dumps(prepared(report), ensure_ascii=False)
        try:
            return typeset(source, {"report": data}, **how)
        except TypstRefusal as error:
            refused = error
    raise OutputError("unset", path=path, why=refused) from refused


def _convert_document(document: Document, language: Language) -> dict[str, Any]:
    """Return the whole document as plain data in one language."""
    title = _render_drawable(document.title, language) or document.id
    official = document.official
    many = len(document.sections) >= CONTENTS_FROM
    return {
        "lang": language,
        "title": title,
        "kind": _render_drawable(document.kind, language) if document.kind else "",
        "short": title if len(title) <= SHORT_TITLE else title[: SHORT_TITLE - 1].rstrip() + "…",
        "subtitle": _render_drawable(document.subtitle, language),
        "author": _render_drawable(official.publisher, language) if official else "",
        "head": _convert_letterhead(official, language) if official else None,
        "banner": _render_drawable(document.banner, language) if document.banner else None,
        "contents": say(language, "report.contents") if many else None,
        "sections": [
            {
                "title": _render_drawable(section.title, language) or NOTHING,
                "blocks": [_convert_block(block, language) for block in section.blocks],
            }
            for section in document.sections
        ],
        "footer": _render_drawable(document.footer, language),
    }


def _convert_letterhead(official: Official, language: Language) -> dict[str, str]:
    """Return what stands at the head and foot of a letter, fit to be drawn."""
    lines = official.head(language) | {"sign": say(language, "pdf.sign")}
    return {name: _make_drawable(line) for name, line in lines.items()}


def _convert_block(block: Block, language: Language) -> dict[str, Any]:
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
        else _convert_picture(block, language)
    )


def _convert_picture(figure: Picture, language: Language) -> dict[str, Any]:
    """Return a picture as wide as the page, or narrower if it would be too tall."""
    svg, caption = figure.draw(language), _render_drawable(figure.caption, language)
    found = _VIEW.search(svg)
    shape = float(found[2]) / float(found[1]) if found else 1.0
    return {
        "kind": "figure",
        "caption": caption,
        "alt": _render_drawable(figure.alt, language) or caption or NOTHING,
        "svg": svg.decode("utf-8"),
        "width": round(100 * min(1.0, PICTURE_SHAPE / shape), 1),
    }


def _convert_table(table: Table, language: Language) -> dict[str, Any]:
    header = [_render_drawable(column.label, language) for column in table.columns]
    rows = [[_render_drawable(cell, language) for cell in row] for row in table.rows]
    numbers = [column.kind == "number" for column in table.columns]
    size, widths = _fit_columns(header, rows, numbers)
    lines = [_count_lines(row, size, widths) for row in [header, *rows]]
    return {
        "kind": "table",
        "caption": _render_drawable(table.caption, language),
        "header": header,
        "rows": rows,
        "numbers": numbers,
        "size": size,
        "widths": widths,
        "whole": sum(lines) <= WHOLE_LINES,
        "tall": max(lines) > TALL_LINES,
        "notes": [_render_drawable(note, language) for note in table.notes],
    }


def _fit_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]
) -> tuple[float, list[float]]:
    """Return the largest type size in which no word is cut, and the width of each column.

    Every column gets the width of its longest word (a number is one word); what is left of the
    page goes to the columns whose texts would need more lines.
    """
    least, longest = [], []
    for at, label in enumerate(header):
        cells = [row[at] for row in rows]
        words = [word for cell in cells for word in _split_words(cell, whole=numbers[at])]
        least.append(
            max([1.0, *map(_ems, words), *(1.15 * _ems(it) for it in _split_words(label))])
        )
        longest.append(max([least[-1], *(min(_ems(cell), 34.0) for cell in cells)]))
    room = PAGE_POINTS - PADDING * len(header)
    asked = [  # with each label on one line, on two, on three
        [max(cells, 1.1 * _ems(label) / n) for cells, label in zip(longest, header, strict=True)]
        for n in (1, 2, 3)
    ]
    wanted = next((it for it in asked if sum(it) * SIZES[0] <= room), asked[-1])
    tight = 0.7 * sum(least) + 0.3 * sum(wanted)
    fits = [size for size in SIZES if size >= COMFORT and sum(wanted) * size <= room]
    fits += [size for size in SIZES if size <= COMFORT and tight * size <= room]
    size = [*fits, SIZES[-1]][0]
    spare = max(0.0, room / size - sum(least))
    share = min(1.0, spare / max(1e-9, sum(wanted) - sum(least)))
    ems = [low + share * (high - low) for low, high in zip(least, wanted, strict=True)]
    return size, [round(em * size + PADDING, 2) for em in ems]


def _count_lines(row: Sequence[str], size: float, widths: Sequence[float]) -> int:
    """Estimate how many lines a row takes."""
    rooms = ((width - PADDING) / size for width in widths)
    return max(ceil(1.1 * _ems(cell) / room) for cell, room in zip(row, rooms, strict=True))


def _split_words(text: str, *, whole: bool = False) -> list[str]:
    """Return the parts of a text that no line may cut: a number or an interval is one."""
    if whole and len(text) < LONG_WORD:
        return [text]
    return [word for word in _BREAKS.split(text) if word]


def _ems(text: str) -> float:
    """Estimate, a little too large, how wide a text is drawn, in units of its type size."""
    letters = unicodedata.normalize("NFD", text)
    return sum(map(_em, letters))


@cache
def _em(letter: str) -> float:
    if unicodedata.category(letter).startswith("M"):
        return 0.1 if letter == "\u031b" else 0.0  # the horn of ơ and ư
    if letter in "mwMW%@—":
        return 0.85
    if letter.isupper():
        return 0.7
    return 0.33 if letter in "iljtfrI.,:;'()| " else 0.52


def _render_drawable(value: object, language: Language) -> str:
    """Return a value of the model as text that the built-in fonts can draw."""
    return _make_drawable(render_text(value, language))


def _make_drawable(text: str) -> str:
    """Replace what no built-in font can draw, let long runs break, keep ``%`` by its number."""
    if not _USUAL.fullmatch(text):
        text = text.replace("\ufeff", "")
        text = "".join(it if _can_draw(it) else MARK for it in _split_clusters(text))
    pieces = _LONG.sub(lambda run: _PIECE.sub("\\1\u200b", run[0]), text)
    return pieces.replace(" %", "\u00a0%")


def _split_clusters(text: str) -> Iterator[str]:
    """Yield each letter together with the marks that stand on it."""
    start = 0
    for at, letter in enumerate(text):
        if at > start and not unicodedata.category(letter).startswith("M"):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


@cache
def _can_draw(cluster: str) -> bool:
    """Ask Typst whether a letter can be drawn in every style of the template."""
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


def _replace_unusual(value: Any) -> Any:
    """Return plain data with every unusual letter replaced: some join well only when alone."""
    if isinstance(value, str):
        return "".join(it if _USUAL.fullmatch(it) else MARK for it in _split_clusters(value))
    if isinstance(value, dict):
        return {key: it if key == "svg" else _replace_unusual(it) for key, it in value.items()}
    return [_replace_unusual(it) for it in value] if isinstance(value, list) else value
