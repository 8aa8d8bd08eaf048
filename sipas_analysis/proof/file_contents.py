"""Read what a file shows, and what it hides, as lists of pieces that two files can be compared by.

A file may have been edited by anyone, so whatever cannot be read is an error; nothing is guessed.
Kinds of pieces: ``text`` (what a reader sees or hears, also in pictures), ``hidden`` (text, rows
or sheets that are not shown), ``link``, ``script``, ``style`` (of HTML, where CSS can show text),
``letter`` (invisible letters, and letters that turn the direction of text), ``part`` (files inside
a file) and ``layout`` (the rest).
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from unicodedata import category
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from sipas_analysis.proof.pdf_text import read_pdf
from sipas_analysis.proof.read_back import LARGEST, W, read_part

KINDS = ("text", "hidden", "link", "script", "style", "letter", "part", "layout")
Piece = tuple[str, str]  # kind and content
LINKS = ("href", "src", "srcset", "action", "formaction", "data", "poster", "cite", "ping")
SPOKEN = ("alt", "title", "aria-label", "placeholder", "content", "value", "summary")
HIDING = ("hidden", "style", "aria-hidden", "inert")


def read_pieces(path: Path) -> dict[str, list[str]]:
    """Return the pieces of a file by kind, in reading order.

    Raises:
        ValueError: The file is not of the format in its name.
    """
    read_file = READERS.get(path.suffix, _read_lines)
    pieces: dict[str, list[str]] = {kind: [] for kind in KINDS}
    try:
        for kind, content in read_file(path):
            pieces[kind].append(content)
            if odd := {letter for letter in set(content) if _is_odd(letter)}:
                pieces["letter"] += [f"U+{ord(letter):04X}" for letter in content if letter in odd]
    except Exception as error:  # on a damaged file, parsers raise errors of many kinds
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return pieces


def _is_odd(letter: str) -> bool:
    """Return whether a letter is invisible or turns the direction of text."""
    return not letter.isascii() and category(letter) in ("Cf", "Co", "Cc", "Zl", "Zp")


def _read_lines(path: Path) -> Iterator[Piece]:
    yield from (("text", line) for line in path.read_text("utf-8").split("\n"))


# ── HTML


class _Page(HTMLParser):
    """Collect the pieces of a page in reading order."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Piece] = []
        self.raw = ""  # the element around, if its text is no text of the page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.raw = tag if tag in ("script", "style") else ""
        self.pieces.append(("layout", f"<{tag}>"))
        for name, value in attrs:
            self._add_attribute(tag, name, value or "")

    def _add_attribute(self, tag: str, name: str, value: str) -> None:
        shown = f'<{tag} {name}="{value}">'
        if value.startswith("data:image/svg+xml,"):
            drawing = unquote(value.partition(",")[2])
            texts = re.findall(r">([^<>]+)<", drawing)
            self.pieces += [("text", text) for text in texts if text.strip()]
            self.pieces.append(("layout", drawing))
        elif name in LINKS or "://" in value:
            self.pieces.append(("link", shown))
        elif name.startswith("on"):
            self.pieces.append(("script", shown))
        elif name in HIDING:
            self.pieces.append(("hidden", shown))
        else:
            self.pieces.append(("text" if name in SPOKEN else "layout", shown))

    def handle_endtag(self, tag: str) -> None:
        self.raw = ""
        self.pieces.append(("layout", f"</{tag}>"))

    def handle_data(self, data: str) -> None:
        self.pieces.append((self.raw or ("text" if data.strip() else "layout"), data))

    def handle_comment(self, data: str) -> None:
        self.pieces.append(("hidden", data))

    def handle_decl(self, decl: str) -> None:
        self.pieces.append(("layout", decl))

    def handle_pi(self, data: str) -> None:
        self.pieces.append(("hidden", data))

    def unknown_decl(self, data: str) -> None:
        self.pieces.append(("hidden", data))


def _read_html(path: Path) -> Iterator[Piece]:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    page.close()
    yield from page.pieces


# ── Word and Excel


def _read_office(path: Path) -> Iterator[Piece]:
    """Yield the pieces of each part; shared texts of a workbook where a cell shows them."""
    with zipfile.ZipFile(path) as parts:
        names = sorted(part.filename for part in parts.infolist())
        yield from (("part", name) for name in names)
        if sum(part.file_size for part in parts.infolist()) > LARGEST:
            raise ValueError(f"> {LARGEST}")
        for name in names:
            content = read_part(parts, name)
            if name.endswith((".xml", ".rels")):
                root = ET.fromstring(content)  # noqa: S314 (size is checked)
                yield from _read_xml(root, name)
            else:
                yield "layout", f"{name} {sha256(content).hexdigest()}"


def _read_xml(root: ET.Element, name: str) -> Iterator[Piece]:
    """Yield the pieces of one part: paragraphs of Word, cells and texts of Excel, attributes."""
    if name.endswith(".rels"):
        for element in root:
            yield "link", f"{element.get('Target')} {element.get('TargetMode', '')}".strip()
        return
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        if element.tag == f"{W}p":
            yield from _read_paragraph(element)
        elif tag in ("instrText", "f", "delText"):  # a field, a formula, removed text
            yield "link" if tag == "instrText" else "hidden", element.text or ""
        elif tag in ("v", "si", "comment"):
            yield "text", "".join(element.itertext())
        elif element.text and not element.tag.startswith(W):
            yield "layout", element.text
        hidden = {k: v for k, v in element.attrib.items() if k in ("hidden", "state")}
        if hidden:
            yield "hidden", f"{name} <{tag}> {hidden} {element.get('r') or element.get('name')}"
        yield "layout", f"{name} <{tag}> {sorted(element.attrib.items())}"


def _read_paragraph(paragraph: ET.Element) -> Iterator[Piece]:
    """Yield the shown text of a paragraph, then its hidden text."""
    shown, hidden = "", ""
    for run in paragraph.iter(f"{W}r"):
        text = "".join(part.text or "" for part in run.iter(f"{W}t"))
        if any(run.find(f"{W}rPr/{W}{name}") is not None for name in ("vanish", "webHidden")):
            hidden += text
        else:
            shown += text
    yield from ([("text", shown)] if shown else [])
    yield from ([("hidden", hidden)] if hidden else [])


def _read_pdf(path: Path) -> Iterator[Piece]:
    yield from read_pdf(path.read_bytes())


READERS: dict[str, Callable[[Path], Iterator[Piece]]] = {
    ".html": _read_html,
    ".docx": _read_office,
    ".xlsx": _read_office,
    ".pdf": _read_pdf,
}
