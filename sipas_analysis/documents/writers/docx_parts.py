"""The common parts of all Word files: elements, styles, page, properties, reproducible bytes.

Word's built-in styles are used where possible, so that Word can make contents and lists from them.
Nothing here depends on reports; the writer is in ``docx.py``.
"""

import io
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property
from html import escape
from math import ceil
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from sipas_analysis.documents.model import (
    Document,
    FigureReference,
    render_parts,
    render_text,
)
from sipas_analysis.extras import require_library
from sipas_analysis.files import zip_parts
from sipas_analysis.messages import Language, say

if TYPE_CHECKING:
    from docx.document import Document as WordDocument

FONT = "Times New Roman"
LOCALES = {"vi": "vi-VN", "en": "en-US"}
PAGE = {  # mm
    "page_width": 210,
    "page_height": 297,
    "top_margin": 20,
    "bottom_margin": 20,
    "left_margin": 30,
    "right_margin": 15,
    "header_distance": 10,
}
ROOM = 165.0  # mm between the margins
POINTS = 72 / 25.4  # of a mm
TALL = 215.0  # mm; greatest height of a picture, so that its caption fits below
SQUEEZE = 1.25  # times TALL; up to this height a picture is made smaller, a higher picture is cut
NO_DAY = date(2000, 1, 1)  # date of a document without a date
ILLEGAL = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class StyleLook:
    """How a style looks: sizes in points, indents in mm, ``align`` as Word names it.

    Attributes:
        space: Points above and below.
        indent: Left indent and indent of the first line.
        line: Height of a line over that of single spacing.
        box: Whether a border stands around.
        keep: Whether the paragraph stays with the next one.
    """

    size: float = 13
    bold: bool = False
    italic: bool = False
    align: str = "both"
    space: tuple[float, float] = (3, 3)
    indent: tuple[float, float] = (0, 0)
    line: float = 1.1
    box: bool = False
    keep: bool = False


LOOKS = {
    "Normal": StyleLook(align="left", space=(0, 0)),
    "Title": StyleLook(14, bold=True, align="center", space=(6, 0)),
    "Subtitle": StyleLook(italic=True, align="center", space=(0, 6)),
    "Heading 1": StyleLook(14, bold=True, align="left", space=(14, 4), keep=True),
    "Heading 2": StyleLook(bold=True, align="left", space=(10, 3), keep=True),
    "Body Text": StyleLook(indent=(0, 10)),
    "List Bullet": StyleLook(indent=(10, -5)),
    "Caption": StyleLook(12, bold=True, align="center", space=(8, 3), line=1, keep=True),
    "SIPAS Figure Caption": StyleLook(12, bold=True, align="center", space=(3, 8), line=1),
    "SIPAS Lead": StyleLook(bold=True, indent=(0, 10)),
    "SIPAS Note": StyleLook(10.5, italic=True, align="left", line=1),
    "SIPAS Warning": StyleLook(12, box=True, space=(6, 6), indent=(1.6, 0)),
    "SIPAS Banner": StyleLook(
        12, bold=True, align="center", box=True, space=(8, 8), indent=(1.6, 0), line=1
    ),
    "SIPAS Picture": StyleLook(align="center", space=(8, 0), line=1, keep=True),
    "SIPAS Letter": StyleLook(align="center", space=(0, 0), line=1),
    "SIPAS Addressee": StyleLook(14, align="center", space=(12, 6), keep=True),
    "SIPAS Table": StyleLook(11, align="left", space=(1, 1), line=1),
    "SIPAS Wide Table": StyleLook(10, align="left", space=(1, 1), line=1),
    "SIPAS Close Table": StyleLook(9, align="left", space=(1, 1), line=1),
    "SIPAS Small Table": StyleLook(8, align="left", space=(1, 1), line=1),
    "Header": StyleLook(align="center", line=1),
    "Footer": StyleLook(8, italic=True, align="center", line=1),
}
PARAGRAPHS = {
    "normal": "Body Text",
    "lead": "SIPAS Lead",
    "note": "SIPAS Note",
    "warning": "SIPAS Warning",
    "heading": "Heading 2",
}
TABLE_STYLES = {LOOKS[name].size: name for name in LOOKS if name.endswith("Table")}


@dataclass(frozen=True)
class Word:
    """A Word file while it is written: its language, captions, figures, and mm for text."""

    file: "WordDocument"
    language: Language
    captions: Counter[str] = field(default_factory=Counter)
    figures: list[FigureReference] = field(default_factory=list)
    room: float = ROOM

    @cached_property
    def styles(self) -> dict[str, str]:
        """The ids of styles by name; python-docx would search all styles each time."""
        return {name: str(style.styleId) for name, style in find_styles(self).items()}

    def render(self, value: object) -> str:
        """Return any value of the model as clean text."""
        return clean_text(render_text(value, self.language))

    def make_runs(self, value: object) -> str:
        """Return a value as runs; each number that is a figure has a hidden bookmark."""
        runs = ""
        for part in render_parts(value, self.language):
            run = make_text_run(clean_text(part.text))
            runs += self._bookmark_run(run, part.figure) if part.figure else run
        return runs

    def _bookmark_run(self, run: str, figure: FigureReference) -> str:
        """Put a bookmark around a run; Word hides bookmarks that begin with an underscore."""
        self.figures.append(figure)
        key = len(self.figures)
        begin = make_element("bookmarkStart", id=key, name=f"_figure_{key}")
        return begin + run + make_element("bookmarkEnd", id=key)

    def render_message(self, message_id: str, **fields: object) -> str:
        """Return a sentence as clean text."""
        return clean_text(say(self.language, message_id, **fields))

    def add_paragraph(self, value: object, style: str) -> Any:
        """Append a paragraph and return it; below a table, add space above it."""
        return self.add_runs(self.make_runs(value), style)

    def add_runs(self, runs: str, style: str) -> Any:
        """Append a paragraph of these runs and return it, as ``add_paragraph`` does."""
        from docx.shared import Pt
        from docx.text.paragraph import Paragraph

        above = self.file.element.body.sectPr.getprevious()
        look = make_element("pPr", make_element("pStyle", val=self.styles[style]))
        (element,) = self.append_elements(make_element("p", look, runs))
        paragraph = Paragraph(element, self.file._body)
        if above is not None and above.tag.endswith("}tbl"):
            paragraph.paragraph_format.space_before = Pt(max(6, LOOKS[style].space[0]))
        return paragraph

    def keep_last_paragraph(self) -> None:
        """Keep the last paragraph, or the last row of a table, on the page of what follows."""
        last = self.file.element.body.sectPr.getprevious()
        for paragraph in last.iter("{*}p") if last.tag.endswith("}tbl") else [last]:
            paragraph.get_or_add_pPr().keepNext_val = True

    def append_elements(self, xml: str) -> list[Any]:
        """Append elements to the body, before the page settings at its end; return them.

        A table is moved row by row: as a whole it would take lxml the square of its rows.
        """
        settings, elements = self.file.element.body.sectPr, parse_elements(xml)
        for element in elements:
            parts, element[:] = list(element), []
            settings.addprevious(element)
            element.extend(parts)
        return elements


def clean_text(text: str) -> str:
    """Drop characters that XML does not allow; write breaks of lines as spaces."""
    return re.sub(r"\s*[\t\n\r]\s*", " ", ILLEGAL.sub("", text))


def list_figures(word: Word) -> None:
    """Add a list of the figures behind the hidden bookmarks to the file."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    figures = Element("figures", xmlns="urn:sipas:figures")
    for key, figure in enumerate(word.figures, 1):
        SubElement(figures, "figure", mark=f"_figure_{key}", id=figure.id, column=figure.column)
    blob = tostring(figures, encoding="UTF-8", xml_declaration=True)
    part = Part(PackURI("/customXml/figures.xml"), "application/xml", blob, word.file.part.package)
    word.file.part.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_XML)


def make_element(tag: str, *children: str | None, **attributes: object) -> str:
    """Return an element of Word's namespace as XML; a child that is None is left out.

    Text is far faster than objects: a whole table is parsed once (``parse_elements``).
    """
    named = "".join(f' w:{name}="{escape(str(value))}"' for name, value in attributes.items())
    return f"<w:{tag}{named}>{''.join(filter(None, children))}</w:{tag}>"


FONTS = make_element("rFonts", ascii=FONT, hAnsi=FONT, eastAsia=FONT, cs=FONT)


def parse_elements(xml: str) -> list[Any]:
    """Return the elements of an XML text in Word's namespace (``make_element``), in its order."""
    from docx.oxml.ns import nsmap
    from docx.oxml.parser import parse_xml

    return list(parse_xml(f'<w:body xmlns:w="{nsmap["w"]}">{xml}</w:body>'))


def make_text_run(text: str, *, looks: str = "") -> str:
    """Return a run of clean text; spaces at its ends stay. ``looks`` are elements of its look."""
    look = make_element("rPr", looks) if looks else ""
    return make_element("r", look, f'<w:t xml:space="preserve">{escape(text)}</w:t>')


def make_field_runs(instruction: str, shown: str) -> str:
    """Return the runs of a field that Word can update, with the text shown until then."""
    code = f'<w:instrText xml:space="preserve"> {escape(instruction)} </w:instrText>'
    begin, between, end = (
        make_element("r", make_element("fldChar", fldCharType=kind))
        for kind in ("begin", "separate", "end")
    )
    return begin + make_element("r", code) + between + make_text_run(shown) + end


def convert_to_twips(mm: float) -> int:
    """Return a length in twentieths of a point."""
    return round(mm * 1440 / 25.4)


def set_page(word: Word, document: Document) -> None:
    """Set A4, the margins of the decree and the page number from page two."""
    from docx.shared import Mm

    section = word.file.sections[0]
    for name, mm in PAGE.items():
        setattr(section, name, Mm(mm))
    section.different_first_page_header_footer = True
    section.header.paragraphs[0]._p.extend(parse_elements(make_field_runs("PAGE", "2")))
    if document.banner:
        section.footer.paragraphs[0].add_run(word.render(document.banner))


def find_styles(word: Word) -> dict[str, Any]:
    """Return the elements of the file's styles, by the name that Word shows."""
    from docx.styles import BabelFish

    styles = word.file.styles.element.style_lst
    return {BabelFish.internal2ui(style.name_val): style for style in styles}


def set_styles(word: Word, looks: Mapping[str, StyleLook]) -> None:
    """Set Word's built-in styles and ours: one font, and the language of the document."""
    from docx.enum.style import WD_STYLE_TYPE

    styles, elements = word.file.styles, find_styles(word)
    for name, look in looks.items():
        if name not in elements:
            kind = WD_STYLE_TYPE.PARAGRAPH
            elements[name] = styles.element.add_style_of_type(name, kind, builtin=False)
        _apply_look(elements[name], look)
    for name, xml in (("rFonts", FONTS), ("lang", _make_language(word.language))):
        for old in list(styles.element.iter(f"{{*}}{name}")):
            old.getparent().replace(old, *parse_elements(xml))
    _set_bullets(word)
    mode = next(word.file.settings.element.iter("{*}compatSetting"))  # else Word uses an old mode
    mode.set(next(key for key in mode.attrib if key.endswith("}val")), "15")
    theme = next(word.file.settings.element.iter("{*}themeFontLang"))
    language = make_element("themeFontLang", val=LOCALES[word.language])
    theme.getparent().replace(theme, *parse_elements(language))


def _set_bullets(word: Word) -> None:
    """Mark the points of lists with a hyphen, as administrative documents do."""
    from docx.oxml.ns import qn

    for level in word.file.part.numbering_part.element.iter(qn("w:lvl")):
        if level.find(qn("w:numFmt")).get(qn("w:val")) == "bullet":
            level.find(qn("w:lvlText")).set(qn("w:val"), "-")
            for symbols in level.findall(qn("w:rPr")):
                level.remove(symbols)


def _make_language(language: Language) -> str:
    return make_element("lang", val=LOCALES[language], eastAsia=LOCALES[language], bidi="ar-SA")


def _apply_look(style: Any, look: StyleLook) -> None:
    """Replace the look of a style; a heading stays a heading, and a list a list."""
    list_properties, level = (style.find(f".//{{*}}{tag}") for tag in ("numPr", "outlineLvl"))
    for old in [*style.findall("{*}pPr"), *style.findall("{*}rPr")]:
        style.remove(old)
    paragraph, run = parse_elements(
        make_element(
            "pPr",
            make_element("keepNext") if look.keep else None,
            *_make_paragraph_looks(look),
            make_element("jc", val=look.align),
        )
        + make_element(
            "rPr",
            FONTS,
            make_element("b", val=int(look.bold)),
            make_element("i", val=int(look.italic)),
            make_element("color", val="000000"),
            make_element("sz", val=round(2 * look.size)),
            make_element("szCs", val=round(2 * look.size)),
        )
    )
    paragraph[look.keep : look.keep] = [] if list_properties is None else [list_properties]
    paragraph.extend([] if level is None else [level])
    style.extend([paragraph, run])


def _make_paragraph_looks(look: StyleLook) -> list[str | None]:
    """Return the border, the space above, between and below lines, and the indents of a style."""
    sides = ("top", "left", "bottom", "right")
    box = [make_element(side, val="single", sz=6, space=4, color="000000") for side in sides]
    above, below = (round(20 * points) for points in look.space)
    line = round(240 * look.line)
    left, first = map(convert_to_twips, look.indent)
    indent = {"firstLine": first} if first >= 0 else {"hanging": -first}
    return [
        make_element("pBdr", *box) if look.box else None,
        make_element("spacing", before=above, after=below, line=line, lineRule="auto"),
        make_element("ind", left=left, right=left if look.box else 0, **indent),
    ]


def set_properties(word: Word, document: Document) -> None:
    """Set title, author and date in the file's properties; drop the template's thumbnail."""
    official = document.official
    day = datetime.combine(official.day if official else NO_DAY, time(), UTC)
    author = word.render(official.publisher) if official else ""
    facts = {
        "title": word.render(document.name),
        "subject": word.render(document.subtitle),
        "author": author,
        "last_modified_by": author,
        "comments": word.render(document.footer),
        "keywords": "",
        "language": LOCALES[word.language],
        "created": day,
        "modified": day,
        "revision": 1,
    }
    for name, value in facts.items():
        setattr(word.file.core_properties, name, value[:255] if isinstance(value, str) else value)
    package = word.file.part.package
    for key, link in list(package.rels.items() if package else ()):
        if link.reltype.endswith("/thumbnail"):
            package.rels.pop(key)


def pack_parts(word: Word) -> bytes:
    """Return the file with its parts in a fixed order and without times."""
    from docx.opc.pkgwriter import PackageWriter

    writer: Any = PackageWriter
    package, store = word.file.part.package, _PartStore()
    for part in package.parts:
        part.before_marshal()
    writer._write_content_types_stream(store, package.parts)  # its ``write`` would compress
    writer._write_pkg_rels(store, package.rels)  # what is compressed here
    writer._write_parts(store, package.parts)
    names = sorted(store.parts, key=lambda name: (name != "[Content_Types].xml", name))
    return zip_parts((name, store.parts[name]) for name in names)


class _PartStore:
    """The parts of a package by name, where python-docx writes to a zip."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}

    def write(self, uri: Any, blob: bytes) -> None:
        """Keep a part."""
        self.parts[uri.membername] = blob


def cut_picture(png: bytes) -> list[bytes]:
    """Cut a picture much higher than a page where the least ink is; keep other pictures."""
    require_library("matplotlib")
    import numpy as np
    from matplotlib.image import imread, imsave

    width, height = struct.unpack(">II", png[16:24])  # at the start of a PNG
    page_height = int(width * TALL / ROOM)
    if height <= SQUEEZE * page_height:
        return [png]
    pixels = imread(io.BytesIO(png))
    n_pieces = ceil(height / page_height)
    ink = (pixels[:, :, :3].min(axis=2) < 0.6).sum(axis=1)
    cuts = [0]
    for piece in range(1, n_pieces):
        start = height * piece // n_pieces - page_height // 25
        cuts.append(start + int(np.argmin(ink[start : start + 2 * page_height // 25])))
    pieces = []
    for top, bottom in zip(cuts, [*cuts[1:], height], strict=True):
        piece_png = io.BytesIO()
        no_author: dict[str, Any] = {"Software": None}
        imsave(piece_png, pixels[top:bottom], format="png", metadata=no_author)
        pieces.append(piece_png.getvalue())
    return pieces
