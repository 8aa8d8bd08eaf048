"""Write the head and the foot of an administrative document in Word, and fit a letter on a page.

Head, signature and recipients follow Decree 30/2020/NĐ-CP, annex I.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from typing import Any

from sipas_analysis.documents.column_widths import count_lines
from sipas_analysis.documents.letter_widths import measure_text
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Document,
    Paragraph,
    Picture,
    Table,
    render_text,
)
from sipas_analysis.documents.writers.docx_parts import (
    LOOKS,
    PARAGRAPHS,
    POINTS,
    ROOM,
    StyleLook,
    Word,
    clean_text,
    convert_to_twips,
    make_element,
    parse_elements,
)
from sipas_analysis.documents.writers.docx_table import lay_out_table
from sipas_analysis.messages import Language

OFFICE, SIGNER = 68.0, 75.0  # mm; width of the left column at the head and at the foot
LETTER_STYLE = "SIPASLetter"  # id of the style "SIPAS Letter"
SIGNATURE_LINES = 4  # empty lines for the signature
ABOVE_SIGNATURE = 8.0  # points
SINGLE = 1.15  # line height of Times New Roman over its size
CELL = 5.4  # points at each side of a cell of Word
HEIGHT = 250 * POINTS  # with a little room to spare
LEEWAY = 0.97  # lines are broken a little earlier than letters alone tell
BODY = 13.0  # points
FITS = (1.0, 0.7, 0.4, 0.2, 0.0)  # shares of the usual space, from comfortable to tight
CLOSER = (4.5, 3.0, 1.5, 0.0)  # points below a paragraph of a letter too long for its page
SMALL_TYPES = (12.5, 12.0, 11.5, 11.0)  # of one that is still too long
# Decree 30/2020, annex I: type of 13 to 14 points, at least 6 points between paragraphs.
BELOW = 6.0
CLOSE = (13, 0.5)  # of a unit's report, in which no chapter begins a page


def write_letterhead(word: Word, document: Document, head: Mapping[str, str]) -> None:
    """Write office and nation, number and date, side by side; below the number what it is about."""
    publisher, motto = head["publisher"], head["motto"]
    rule = 0.4 * min(_measure_mm(publisher, 12.5), 60.0)
    left, right, number, day = _add_two_columns(word, OFFICE, 2)
    _fill_cell(
        left,
        _make_line(head["superior"], 12.5) if head["superior"] else "",
        _make_line(publisher, 12.5, bold=True),
        _make_rule(OFFICE, rule),
    )
    _fill_cell(
        right,
        _make_line(head["nation"], 12, bold=True),
        _make_line(motto, 13, bold=True),
        _make_rule(ROOM - OFFICE, _measure_mm(motto, 13)),
    )
    about = _make_line(word.render(document.about), 12) if document.about else ""
    _fill_cell(number, _make_line(head["number"], 13), about)
    _fill_cell(day, _make_line(head["day"], 13, italic=True))


def write_signature(word: Word, document: Document, foot: Mapping[str, str]) -> None:
    """Write the recipients, and beside them the room for the signature."""
    left, right = _add_two_columns(word, SIGNER, 1)
    recipients = document.list_recipients(word.language)
    room = make_element("spacing", before=round(20 * ABOVE_SIGNATURE))
    _fill_cell(
        left,
        _make_line(foot["recipients"], 12, bold=True, italic=True, align="left", looks=room),
        *(_make_line(clean_text(recipient), 11, align="left") for recipient in recipients),
    )
    _fill_cell(
        right,
        _make_line(foot["position"], 13, bold=True, looks=room),
        *[_make_line("", 13)] * SIGNATURE_LINES,
        _make_line(foot["name"], 13, bold=True),
    )


def _add_two_columns(word: Word, left: float, n_rows: int) -> list[Any]:
    """Append a table of two columns without borders; return its cells, row by row."""
    from docx.shared import Mm

    table = word.file.add_table(n_rows, 2)
    table.autofit = False
    for row in table.rows:
        row._tr.get_or_add_trPr().extend(parse_elements(make_element("cantSplit")))
        for cell, mm in zip(row.cells, (left, ROOM - left), strict=True):
            cell.width = Mm(mm)
    for column, mm in zip(table.columns, (left, ROOM - left), strict=True):
        column.width = Mm(mm)
    return [cell for row in table.rows for cell in row.cells]


def _fill_cell(cell: Any, *lines: str) -> None:
    """Replace the empty paragraph of a cell by lines."""
    cell._tc.remove(cell._tc.p_lst[0])
    cell._tc.extend(parse_elements("".join(lines)))


def _make_line(
    text: str,
    size: float,
    *,
    bold: bool = False,
    italic: bool = False,
    align: str = "center",
    looks: str = "",
) -> str:
    """Return a line of a cell; ``looks`` are further elements of the paragraph's look."""
    style = make_element("pStyle", val=LETTER_STYLE)
    weight, slant = (
        make_element(tag) if is_set else make_element(tag, val=0)
        for tag, is_set in (("b", bold), ("i", italic))
    )
    run_looks = make_element("rPr", weight, slant, make_element("sz", val=round(2 * size)))
    run = make_element("r", run_looks, make_element("t", escape(text)) if text else None)
    return make_element("p", make_element("pPr", style, looks, make_element("jc", val=align)), run)


def _make_rule(room: float, length: float) -> str:
    """Return a rule of ``length`` mm in the middle of a cell ``room`` mm wide."""
    aside = convert_to_twips(max((room - length) / 2 - CELL / POINTS, 0.0))
    looks = (
        make_element("pBdr", make_element("top", val="single", sz=6, space=0, color="000000"))
        + make_element("spacing", before=40, after=60)
        + make_element("ind", left=aside, right=aside)
    )
    return _make_line("", 2, looks=looks)


def _measure_mm(text: str, size: float) -> float:
    """Return how wide a bold text is, in mm, in a size in points."""
    return measure_text(text, bold=True) * size / POINTS


# ── one page


def choose_looks(document: Document, language: Language) -> dict[str, StyleLook]:
    """Return the looks: smaller type in annexes, a unit's report close, one page for what has one.

    A letter has one page, with its signature, and so has what stands before the first chapter that
    begins a page. Only a letter too long for that has less space and smaller type than the decree;
    one that is longer still has two pages.
    """
    if not document.is_signed:
        return scale_looks(12, 1.0)
    starts = [number for number, section in enumerate(document.sections) if section.starts_page]
    if document.about is None and not starts:
        return scale_looks(*CLOSE)
    if document.about is not None:
        fitting = (
            looks
            for looks in _list_letter_looks()
            if _measure_letter(document, looks, language) <= HEIGHT
        )
        return next(fitting, scale_letter(FITS[0], BELOW))
    page = replace(document, sections=document.sections[: starts[0]])
    choices = [scale_looks(BODY, space) for space in FITS]
    fitting = (looks for looks in choices if _measure_first_page(page, looks, language) <= HEIGHT)
    return next(fitting, choices[-1])


def _list_letter_looks() -> Iterator[dict[str, StyleLook]]:
    """Yield the looks of a letter of one page: as the decree has it, closer, in smaller type."""
    yield from (scale_letter(space, BELOW) for space in FITS)
    yield from (scale_letter(0.0, below) for below in CLOSER)
    yield from (scale_looks(size, 0.0) for size in SMALL_TYPES)


def scale_letter(space: float, below: float) -> dict[str, StyleLook]:
    """Return the looks of a letter in type of the decree, with points below each paragraph."""
    looks = scale_looks(BODY, space)
    for name in ("Body Text", "SIPAS Lead", "SIPAS Note"):
        looks[name] = replace(looks[name], space=(0.0, below))
    addressee = looks["SIPAS Addressee"]
    looks["SIPAS Addressee"] = replace(addressee, space=(addressee.space[0], below))
    return looks


def scale_looks(size: float, space: float) -> dict[str, StyleLook]:
    """Return the looks with the body in a type size, and with a share of the usual space."""
    scale = size / LOOKS["Body Text"].size
    return {
        name: replace(
            look,
            size=round(2 * look.size * scale) / 2,
            space=(space * look.space[0], space * look.space[1]),
            line=1 + space * (look.line - 1),
        )
        for name, look in LOOKS.items()
    }


def _measure_letter(
    document: Document, looks: Mapping[str, StyleLook], language: Language
) -> float:
    """Estimate the height of a letter, in points."""
    letter, n_left = looks["SIPAS Letter"], len(document.list_recipients(language)) + 1
    foot = SINGLE * letter.line * max(12 * n_left, 13 * (SIGNATURE_LINES + 2)) + ABOVE_SIGNATURE
    return _measure_body(document, looks, language, "SIPAS Addressee") + foot


def _measure_first_page(
    document: Document, looks: Mapping[str, StyleLook], language: Language
) -> float:
    """Estimate the height of a report's head and chapters, without a signature, in points."""
    titles = [text for text in (document.kind, document.title) if text]
    head = sum(_measure_text(text, looks["Title"], language) for text in titles)
    return head + _measure_body(document, looks, language, "Heading 1")


def _measure_body(
    document: Document, looks: Mapping[str, StyleLook], language: Language, title: str
) -> float:
    """Estimate the height of the letterhead, the banner and the chapters, in points."""
    body = _measure_text(document.banner, looks["SIPAS Banner"], language) if document.banner else 0
    for section in document.sections:
        body += _measure_text(section.title, looks[title], language)
        body += sum(_measure_block(block, looks, language) for block in section.blocks)
    return _measure_head(document, language) + body


def _measure_head(document: Document, language: Language) -> float:
    if not document.signatory:
        return 0.0
    head = document.signatory.letterhead_lines(language)
    width = OFFICE * POINTS - 2 * CELL
    names = [line for line in (head["superior"], head["publisher"]) if line]
    above = sum(12.5 * count_lines(line, LEEWAY * width / 13.5) for line in names)  # bold, broad
    about = 12 * count_lines(render_text(document.about, language), LEEWAY * width / 12)
    return SINGLE * (max(above, 25.0) + about + 13) + 12


def _measure_block(block: Block, looks: Mapping[str, StyleLook], language: Language) -> float:
    if isinstance(block, Paragraph):
        return _measure_text(block.text, looks[PARAGRAPHS[block.style]], language)
    if isinstance(block, Bullets):
        look = looks["List Bullet"]
        return sum(_measure_text(point, look, language) for point in block.items)
    if isinstance(block, Table):
        return _measure_table(block, looks, language)
    return _measure_picture(block, looks, language)


def _measure_picture(picture: Picture, looks: Mapping[str, StyleLook], language: Language) -> float:
    """Estimate the height of a picture as wide as the page, and of its caption, in points."""
    sides = re.search(rb"viewBox='0 0 ([\d.]+) ([\d.]+)'", picture.draw(language))
    width, height = (float(side) for side in sides.groups()) if sides else (1.0, 1.0)
    caption = _measure_text(picture.caption, looks["SIPAS Figure Caption"], language)
    return ROOM * POINTS * height / width + looks["SIPAS Picture"].space[0] + caption


def _measure_table(table: Table, looks: Mapping[str, StyleLook], language: Language) -> float:
    layout = lay_out_table(table, language)
    look = looks[layout.style]
    ems = [LEEWAY * mm * POINTS / look.size for mm in layout.list_rooms()]
    lines = sum(max(map(count_lines, row, ems)) for row in [layout.head, *layout.rows])
    notes = sum(_measure_text(note, looks["SIPAS Note"], language) for note in table.notes)
    rows = lines * SINGLE * look.size * look.line + (len(layout.rows) + 1) * (sum(look.space) + 1)
    return rows + notes + _measure_text(table.caption, looks["Caption"], language)


def _measure_text(text: object, look: StyleLook, language: Language) -> float:
    left, first = look.indent
    em = look.size * (1.06 if look.bold else 1.0) / POINTS / LEEWAY
    words = clean_text(render_text(text, language))
    n_lines = count_lines(words, (ROOM - left) / em, start=max(first, 0.0) / em)
    return n_lines * SINGLE * look.line * look.size + sum(look.space) + (9 if look.box else 0)
