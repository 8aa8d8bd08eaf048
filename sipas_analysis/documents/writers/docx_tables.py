"""Write tables as a Word file of their own: A4, the head of a table repeats on every page.

More columns than fit upright set the page on its side. The same tables give the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path

from sipas_analysis.documents.model import Document, Table
from sipas_analysis.documents.table_cells import Plain
from sipas_analysis.documents.writers.docx import write_captioned_table
from sipas_analysis.documents.writers.docx_parts import (
    LOOKS,
    PAGE,
    ROOM,
    Word,
    pack_parts,
    set_page,
    set_properties,
    set_styles,
)
from sipas_analysis.extras import require_library
from sipas_analysis.files import write_whole
from sipas_analysis.messages import Language

ACROSS = 252.0  # mm between the margins of a page on its side
MANY = 9  # columns; more are set on a page on its side


def write_docx_tables(tables: Sequence[Table], path: Path, language: Language) -> Path:
    """Write tables one below the other, whole or not at all; return the path."""
    require_library("docx")
    import docx

    is_wide = max((len(table.columns) for table in tables), default=0) > MANY
    word = Word(docx.Document(), language, room=ACROSS if is_wide else ROOM)
    title = tables[0].caption if tables else Plain("")
    document = Document("tables", title, "", None, (), Plain(""))
    set_page(word, document)
    if is_wide:
        _turn_page(word)
    set_styles(word, LOOKS)
    set_properties(word, document)
    for table in tables:
        write_captioned_table(word, table)
    word.add_paragraph("", "SIPAS Note")  # a table is never the last thing in a Word file
    return write_whole(path, pack_parts(word))


def _turn_page(word: Word) -> None:
    """Lay the page on its side."""
    from docx.enum.section import WD_ORIENT
    from docx.shared import Mm

    section = word.file.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    section.left_margin = section.right_margin = Mm((PAGE["page_height"] - ACROSS) / 2)
