"""Write a document as a Word file that an office can finish, number and sign.

The layout is that of an administrative document (Decree 30/2020/NĐ-CP, annex I): A4, Times New
Roman, page numbers centred in the header from page two. Headings, captions, lists and tables use
Word's built-in styles, so that Word can make contents and references from them. Text is written
as data. The same document and language give the same bytes.
"""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sipas_analysis.documents.letter_widths import TIMES, measure_text
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Document,
    Paragraph,
    Picture,
    Section,
    Signatory,
    Table,
    render_text,
)
from sipas_analysis.documents.writers.docx_parts import (
    LOOKS,
    ROOM,
    TALL,
    Word,
    clean_text,
    convert_to_twips,
    cut_picture,
    list_figures,
    make_element,
    make_field_runs,
    make_text_run,
    remove_times,
    set_page,
    set_properties,
    set_styles,
)
from sipas_analysis.documents.writers.typst_process import TypstRefusal, convert_to_png
from sipas_analysis.errors import OutputError
from sipas_analysis.files import write_whole
from sipas_analysis.messages import Language

PADDING = 1.4  # mm at the left and right of a cell
SHORT = 16  # rows; a table of at most so many stays on one page
PARAGRAPHS = {
    "normal": "Body Text",
    "lead": "SIPAS Lead",
    "note": "SIPAS Note",
    "warning": "SIPAS Warning",
    "heading": "Heading 2",
}


def write_docx(document: Document, path: Path, language: Language) -> Path:
    """Write a document to ``path`` whole or not at all; return the path.

    Raises:
        OutputError: The file cannot be written, or a picture cannot be drawn (an internal fault).
    """
    try:
        return write_whole(path, _build_file(document, language))
    except TypstRefusal as error:
        raise OutputError("unset", path=path, why=error) from error


def _build_file(document: Document, language: Language) -> bytes:
    import docx

    word = Word(docx.Document(), language)
    set_page(word, document)
    set_styles(word)
    set_properties(word, document)
    _write_head(word, document)
    for section in document.sections:
        _write_section(word, section)
    word.add_paragraph(document.footer, "SIPAS Note")
    letter = _find_signatory(document)
    if letter:
        _write_signature(word)
    list_figures(word)
    out = io.BytesIO()
    word.file.save(out)
    return remove_times(out.getvalue())


def _find_signatory(document: Document) -> Signatory | None:
    """Return the office that writes a letter, if the office has a name."""
    official = document.official
    return official if official and render_text(official.publisher, "vi") else None


def _write_head(word: Word, document: Document) -> None:
    """Write everything above the first chapter."""
    if document.banner:
        word.add_paragraph(document.banner, "SIPAS Banner")
    letter = _find_signatory(document)
    if letter:
        _write_letterhead(
            word, {k: clean_text(v) for k, v in letter.letterhead_lines(word.language).items()}
        )
    if letter and document.kind:
        word.add_paragraph(document.kind, "Title")
    word.add_paragraph(document.title, "Subtitle" if letter else "Title")
    if word.render(document.subtitle):
        word.add_paragraph(document.subtitle, "Subtitle")


def _write_letterhead(word: Word, head: dict[str, str]) -> None:
    """Write office and nation, number and date, side by side (Decree 30, annex I)."""
    left, right, number, day = _add_two_columns(word, 68.0, 2)
    if head["superior"]:
        _add_line(left, head["superior"], 12.5)
    _add_line(left, head["publisher"], 12.5, bold=True)
    _draw_rule(left, 68.0, 0.4 * min(_measure_mm(head["publisher"], 12.5), 60.0))
    _add_line(right, head["nation"], 12, bold=True)
    _add_line(right, head["motto"], 13, bold=True)
    _draw_rule(right, ROOM - 68.0, _measure_mm(head["motto"], 11.6))
    _add_line(number, head["number"], 13)
    _add_line(day, head["day"], 13, italic=True)


def _write_signature(word: Word) -> None:
    """Leave room for the recipients and for the signature."""
    word.add_paragraph("", "SIPAS Letter")
    left, right = _add_two_columns(word, 82.0, 1)
    _add_line(left, word.render_message("docx.recipients"), 12, bold=True, italic=True, align=0)
    for line in ("- …;", "- …;", f"- {word.render_message('docx.archive')}"):
        _add_line(left, line, 11, align=0)
    _add_line(right, word.render_message("docx.director"), 13, bold=True)
    _add_line(right, word.render_message("docx.sign"), 12, italic=True)
    for _ in range(4):
        _add_line(right, "", 13)


def _add_two_columns(word: Word, left: float, n_rows: int) -> list[Any]:
    """Append a table of two columns without borders; return its cells, row by row."""
    from docx.shared import Mm

    table = word.file.add_table(n_rows, 2)
    table.autofit = False
    for row in table.rows:
        row._tr.get_or_add_trPr().append(make_element("cantSplit"))
        for cell, mm in zip(row.cells, (left, ROOM - left), strict=True):
            cell.width = Mm(mm)
    for column, mm in zip(table.columns, (left, ROOM - left), strict=True):
        column.width = Mm(mm)
    return [cell for row in table.rows for cell in row.cells]


def _add_line(
    cell: Any, text: str, size: float, *, bold: bool = False, italic: bool = False, align: int = 1
) -> Any:
    """Add a line to a cell of the letter's head or foot; the first fills the empty paragraph."""
    from docx.shared import Pt

    first = cell.paragraphs[0]
    line = cell.add_paragraph() if first.style.name == "SIPAS Letter" else first
    line.style, line.alignment = "SIPAS Letter", align
    run = line.add_run(text)
    run.bold, run.italic, run.font.size = bold, italic, Pt(size)
    return line


def _draw_rule(cell: Any, room: float, length: float) -> None:
    """Draw a rule of ``length`` mm in the middle of a cell ``room`` mm wide."""
    from docx.shared import Mm, Pt

    line = _add_line(cell, "", 2)
    aside = max((room - length) / 2 - 1.9, 0.0)  # a cell is 1.9 mm narrower at each side
    line.paragraph_format.left_indent = line.paragraph_format.right_indent = Mm(aside)
    line.paragraph_format.space_after = Pt(4)
    border = make_element("pBdr", make_element("top", val="single", sz=6, space=1, color="000000"))
    line._p.pPr.insert_element_before(border, "w:spacing", "w:ind", "w:jc")


def _write_section(word: Word, section: Section) -> None:
    word.add_paragraph(section.title, "Heading 1")
    for block in section.blocks:
        _write_block(word, block)


def _write_block(word: Word, block: Block) -> None:
    if isinstance(block, Paragraph):
        word.add_paragraph(block.text, PARAGRAPHS[block.style])
    elif isinstance(block, Bullets):
        for item in block.items:
            word.add_paragraph(item, "List Bullet")
    elif isinstance(block, Table):
        _write_table(word, block)
    else:
        _write_picture(word, block)


def _write_caption(word: Word, kind: str, text: object, style: str) -> None:
    """Write ``Bảng 1. …`` with a number that Word updates."""
    word.captions[kind] += 1
    line = word.add_paragraph(f"{kind}\u00a0", style)
    line._p.extend(
        [
            *make_field_runs(f"SEQ {kind} \\* ARABIC", str(word.captions[kind])),
            make_text_run(". "),
            *word.make_runs(text),
        ]
    )


def _write_picture(word: Word, picture: Picture) -> None:
    """Write a picture, in several pieces if it is higher than a page, and its caption below."""
    from docx.shared import Mm

    pieces = cut_picture(convert_to_png(picture.draw(word.language)))
    for number, piece in enumerate(pieces, 1):
        shape = (
            word.add_paragraph("", "SIPAS Picture")
            .add_run()
            .add_picture(io.BytesIO(piece), Mm(ROOM))
        )
        scale = min(1.0, Mm(TALL) / shape.height)
        shape.width, shape.height = int(scale * shape.width), int(scale * shape.height)
        alt = word.render(picture.alt)
        if len(pieces) > 1:
            alt = word.render_message("docx.part", alt=alt, part=number, parts=len(pieces))
        properties = shape._inline.docPr
        for name, text in {"name": picture.id, "title": picture.caption, "descr": alt}.items():
            properties.set(name, word.render(text))
    _write_caption(
        word, word.render_message("docx.figure"), picture.caption, "SIPAS Figure Caption"
    )


def _write_table(word: Word, table: Table) -> None:
    """Write a caption, a table whose head repeats on every page, and its notes."""
    _write_caption(word, word.render_message("docx.table"), table.caption, "Caption")
    head = [word.render(column.label) for column in table.columns]
    rows = [[word.render(cell) for cell in row] for row in table.rows]
    wide = len(head) > 7
    style = "SIPAS Wide Table" if wide else "SIPAS Table"
    widths = _share_width(head, rows, table, LOOKS[style].size)
    kinds = ["right" if column.kind == "number" else "left" for column in table.columns]
    last = len(rows) - 1
    body = [
        _make_row(
            map(word.make_runs, cells),
            widths,
            kinds,
            style.replace(" ", ""),
            keep=(at < last if len(rows) <= SHORT else at in (0, last - 1))
            or (at == last and bool(table.notes)),
        )
        for at, cells in enumerate(table.rows)
    ]
    first = _make_row(
        [[make_text_run(label)] for label in head],
        widths,
        ["center"] * len(head),
        style.replace(" ", ""),
        keep=True,
        head=True,
    )
    grid = make_element("tblGrid", *(make_element("gridCol", w=width) for width in widths))
    word.append_element(
        make_element(
            "tbl", _make_table_properties(word.render(table.caption), widths), grid, first, *body
        )
    )
    for note in table.notes:
        word.add_paragraph(note, "SIPAS Note")


def _make_table_properties(caption: str, widths: Sequence[int]) -> Any:
    pad = convert_to_twips(PADDING)
    return make_element(
        "tblPr",
        make_element("tblStyle", val="TableGrid"),
        make_element("tblW", w=sum(widths), type="dxa"),
        make_element("jc", val="center"),
        make_element("tblLayout", type="fixed"),
        make_element(
            "tblCellMar", *(make_element(side, w=pad, type="dxa") for side in ("left", "right"))
        ),
        make_element(
            "tblLook",
            val="0420",
            firstRow=1,
            lastRow=0,
            firstColumn=0,
            lastColumn=0,
            noHBand=0,
            noVBand=1,
        ),
        make_element("tblCaption", val=caption),
    )


def _make_row(
    cells: Iterable[list[Any]],
    widths: Sequence[int],
    sides: Sequence[str],
    style: str,
    *,
    keep: bool,
    head: bool = False,
) -> Any:
    """Return a row that stays on one page; the head is bold, shaded and on every page."""
    row = make_element(
        "tr",
        make_element(
            "trPr", make_element("cantSplit"), make_element("tblHeader") if head else None
        ),
    )
    for runs, width, side in zip(cells, widths, sides, strict=True):
        for run in runs if head else ():
            run.insert(0, make_element("rPr", make_element("b")))
        stay = make_element("keepNext") if keep else None
        look = make_element(
            "pPr", make_element("pStyle", val=style), stay, make_element("jc", val=side)
        )
        shade = make_element("shd", val="clear", color="auto", fill="E7ECF1") if head else None
        facts = make_element(
            "tcPr",
            make_element("tcW", w=width, type="dxa"),
            shade,
            make_element("vAlign", val="center"),
        )
        row.append(make_element("tc", facts, make_element("p", look, *runs)))
    return row


def _share_width(
    head: Sequence[str], rows: Sequence[Sequence[str]], table: Table, size: float
) -> list[int]:
    """Share the width among columns: first no word is broken, then long texts get the rest."""
    least, words, most = [], [], []
    for at, (column, label) in enumerate(zip(table.columns, head, strict=True)):
        cells = [row[at] for row in rows]
        parts = [part for text in cells for part in text.split(" ")]
        longest = 1.1 * max(_measure_mm(part, size) for part in label.split(" "))  # bold is wider
        words.append(
            _pad_width(max([longest, *(_measure_mm(part, size) for part in parts)]), ROOM / 4)
        )
        texts = max([longest, *(_measure_mm(text, size) for text in cells)])
        least.append(_pad_width(texts, ROOM / 4) if column.kind == "number" else words[-1])
        most.append(
            max(_pad_width(max(texts, _measure_mm(label, size) / 1.8), ROOM / 2), least[-1])
        )
    if sum(least) > 0.8 * ROOM:
        least = words
    spare, wish = ROOM - sum(least), sum(most) - sum(least)
    if spare < 0:
        shared = [mm * ROOM / sum(least) for mm in least]
    elif spare >= wish:
        shared = [mm * ROOM / sum(most) for mm in most]
    else:
        shared = [low + spare * (high - low) / wish for low, high in zip(least, most, strict=True)]
    return [convert_to_twips(mm) for mm in shared]


def _pad_width(mm: float, most: float) -> float:
    """Return the width of a column for a text, its padding and a border."""
    return min(mm, most) + 2 * PADDING + 0.5


def _measure_mm(text: str, size: float) -> float:
    """Estimate how wide a text is, in mm, in a size in points."""
    return measure_text(text, TIMES) * size * 25.4 / 72
