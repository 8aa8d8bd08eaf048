"""Say where an interval was rounded to whole points, and why (rule P4)."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Paragraph,
    Picture,
    Section,
    Table,
    make_text,
    render_parts,
)
from sipas_analysis.figures.published import Figures
from sipas_analysis.messages import LANGUAGES

NOTE = make_text("report.rounded_ends")


def note_rounded_ends(section: Section, figures: Figures) -> Section:
    """Return a chapter that says below each table whether an interval of it was rounded.

    A chapter whose sentences alone print such an interval says so at its end.
    """
    if not figures.suppression.is_rounded.any():
        return section
    blocks = [_note_block(block, figures) for block in section.blocks]
    texts = [block.text for block in blocks if isinstance(block, Paragraph)]
    texts += [item for block in blocks if isinstance(block, Bullets) for item in block.items]
    is_noted = any(isinstance(block, Table) and NOTE in block.notes for block in blocks)
    if not is_noted and are_rounded(texts, figures):
        blocks.append(Paragraph(NOTE, "note"))
    return replace(section, blocks=tuple(blocks))


def are_rounded(cells: Iterable[object], figures: Figures) -> bool:
    """Return whether any of some texts or cells prints an interval that was rounded."""
    references = (
        part.figure for cell in cells for part in render_parts(cell, LANGUAGES[0]) if part.figure
    )
    ends = {reference.id for reference in references if reference.column in ("low", "high")}
    return any(map(figures.is_rounded, ends))


def _note_block(block: Block, figures: Figures) -> Block:
    """Return a block with the note below its table, if an interval of the table was rounded."""
    if isinstance(block, Picture):
        return replace(block, data=_note_table(block.data, figures))
    return _note_table(block, figures) if isinstance(block, Table) else block


def _note_table(table: Table, figures: Figures) -> Table:
    """Return a table with the note, if an interval of it was rounded."""
    if NOTE in table.notes or not are_rounded(chain.from_iterable(table.rows), figures):
        return table
    return replace(table, notes=(*table.notes, NOTE))
