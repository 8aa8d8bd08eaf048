"""Write the tables of a document as a workbook: one sheet each, and first their list.

A figure is a number as it was printed (two decimals, rule M6), so that Excel shows 94,59 or 94.59
by its own settings. A hidden last sheet names the figure behind every number, unrounded.
"""

from collections.abc import Sequence
from datetime import date
from itertools import chain
from pathlib import Path

from sipas_analysis.documents.model import Document, Interval, Picture, Table, make_text
from sipas_analysis.documents.writers.xlsx import Cell, Sheet, write_workbook
from sipas_analysis.messages import Language


def write_report_tables(document: Document, path: Path, language: Language) -> Path:
    """Write each table of a report, and the data of each picture, as a sheet; first their list.

    Args:
        document: A report, of the province or of a unit.
        path: File of the workbook, written whole or not at all.
        language: Language of all texts.

    Returns:
        The path.
    """
    tables: dict[str, tuple[object, Table]] = {}
    for section in document.sections:
        for block in section.blocks:
            table = block.data if isinstance(block, Picture) else block
            if isinstance(table, Table):
                tables.setdefault(table.id, (section.title, table))
    contents = _contents_sheet(document, [*tables.values()])
    sheets = [
        _table_sheet(number, table, document)
        for number, (_, table) in enumerate(tables.values(), 1)
    ]
    official = document.official
    publisher, day = (official.publisher, official.day) if official else ("", date(2000, 1, 1))
    return write_workbook(path, [contents, *sheets], (document.title, publisher, day), language)


def _contents_sheet(document: Document, tables: Sequence[tuple[object, Table]]) -> Sheet:
    """List the tables, with their chapters if these differ; each caption leads to its sheet."""
    has_chapters = len(document.sections) > 1
    lines = tuple(
        (number, Cell(table.caption, link=number), *([chapter] if has_chapters else []), table.id)
        for number, (chapter, table) in enumerate(tables, 1)
    )
    names = ("no", "table", *(["chapter"] if has_chapters else []), "table_id")
    return Sheet(
        make_text("xlsx.sheet.contents"),
        (document.title, document.subtitle),
        tuple(make_text(f"xlsx.column.{name}") for name in names),
        lines,
        notes=(document.footer,),
        warning=document.banner,
        fixed=2,
    )


def _table_sheet(number: int, table: Table, document: Document) -> Sheet:
    """Return a table of a report as a sheet; an interval takes two columns."""
    holds_intervals = [
        any(isinstance(row[position], Interval) for row in table.rows)
        for position in range(len(table.columns))
    ]
    headers: list[object] = []
    for column, is_wide in zip(table.columns, holds_intervals, strict=True):
        if is_wide:
            headers += [make_text(f"xlsx.{end}", name=column.label) for end in ("from", "to")]
        else:
            headers.append(column.label)
    rows = []
    for row in table.rows:
        cells = zip(row, holds_intervals, strict=True)
        rows.append((*chain.from_iterable(_split_cell(cell, is_wide) for cell, is_wide in cells),))
    return Sheet(
        make_text("xlsx.sheet.table", k=str(number)),
        (table.caption, document.title),
        tuple(headers),
        tuple(rows),
        notes=table.notes,
        warning=document.banner,
    )


def _split_cell(cell: object, is_wide: bool) -> list[object]:
    """Return a cell for one column, or the two ends of its interval for two."""
    if not is_wide:
        return [cell]
    return [*cell.ends()] if isinstance(cell, Interval) else [cell, None]
