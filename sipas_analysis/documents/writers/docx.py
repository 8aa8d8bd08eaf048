"""Write a document as a Word file that an office can finish, number and sign.

The layout is that of an administrative document (Decree 30/2020/NĐ-CP, annex I): A4, Times New
Roman, page numbers centred in the header from page two. Headings, captions, lists and tables use
Word's built-in styles, so that Word can make contents and references from them. Text is written
as data. The same document and language give the same bytes.
"""

import io
from collections.abc import Mapping
from pathlib import Path

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Document,
    Paragraph,
    Picture,
    Section,
    Table,
)
from sipas_analysis.documents.writers.docx_letter import (
    choose_looks,
    write_letterhead,
    write_signature,
)
from sipas_analysis.documents.writers.docx_parts import (
    PARAGRAPHS,
    ROOM,
    TALL,
    Word,
    clean_text,
    cut_picture,
    list_figures,
    make_field_runs,
    make_text_run,
    pack_parts,
    set_page,
    set_properties,
    set_styles,
)
from sipas_analysis.documents.writers.docx_table import append_table
from sipas_analysis.documents.writers.typst_process import TypstRefusal, convert_to_png
from sipas_analysis.errors import OutputError
from sipas_analysis.extras import require_library
from sipas_analysis.files import write_whole
from sipas_analysis.messages import Language


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
    require_library("docx")
    import docx

    word = Word(docx.Document(), language)
    set_page(word, document)
    set_styles(word, choose_looks(document, language))
    set_properties(word, document)
    signatory = document.signatory
    lines = signatory.letterhead_lines(language) if signatory else {}
    office = {name: clean_text(line) for name, line in lines.items()}
    _write_head(word, document, office)
    for section in document.sections:
        _write_section(word, section, "SIPAS Addressee" if document.about else "Heading 1")
    if office:
        word.keep_last_paragraph()
        write_signature(word, document, office)
    else:
        word.add_paragraph(document.footer, "SIPAS Note")
    list_figures(word)
    return pack_parts(word)


def _write_head(word: Word, document: Document, office: Mapping[str, str]) -> None:
    """Write everything above the first chapter."""
    if office:
        write_letterhead(word, document, office)
    for text, style in (
        (document.kind, "Title"),
        (document.title, "Title"),
        (document.subtitle, "Subtitle"),
        (document.banner, "SIPAS Banner"),
    ):
        if word.render(text or ""):
            word.add_paragraph(text, style)


def _write_section(word: Word, section: Section, title_style: str) -> None:
    title = word.add_paragraph(section.title, title_style)
    if section.starts_page:
        title.paragraph_format.page_break_before = True
    for block in section.blocks:
        _write_block(word, block)


def _write_block(word: Word, block: Block) -> None:
    if isinstance(block, Paragraph):
        word.add_paragraph(block.text, PARAGRAPHS[block.style])
    elif isinstance(block, Bullets):
        for item in block.items:
            word.add_paragraph(item, "List Bullet")
    elif isinstance(block, Table):
        write_captioned_table(word, block)
    else:
        _write_picture(word, block)


def _write_caption(word: Word, kind: str, text: object, style: str) -> None:
    """Write ``Bảng 1. …`` with a number that Word updates."""
    word.captions[kind] += 1
    number = make_field_runs(f"SEQ {kind} \\* ARABIC", str(word.captions[kind]))
    words = make_text_run(f"{kind}\u00a0") + number + make_text_run(". ")
    word.add_runs(words + word.make_runs(text), style)


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
        for side in "TBLR":  # else LibreOffice moves the picture over the margin
            shape._inline.set(f"dist{side}", "0")
        properties = shape._inline.docPr
        for name, text in {"name": picture.id, "title": picture.caption, "descr": alt}.items():
            properties.set(name, word.render(text))
    _write_caption(
        word, word.render_message("docx.figure"), picture.caption, "SIPAS Figure Caption"
    )


def write_captioned_table(word: Word, table: Table) -> None:
    """Write a caption, if there is one, a table and its notes."""
    if word.render(table.caption):
        _write_caption(word, word.render_message("docx.table"), table.caption, "Caption")
    append_table(word, table)
    for note in table.notes:
        word.add_paragraph(note, "SIPAS Note")
