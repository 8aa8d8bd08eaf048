"""Lay a table out and write it as a table of Word whose head repeats on every page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sipas_analysis.documents.column_widths import fit_columns
from sipas_analysis.documents.model import Table, render_text
from sipas_analysis.documents.writers.docx_parts import (
    POINTS,
    ROOM,
    TABLE_STYLES,
    Word,
    clean_text,
    convert_to_twips,
    make_element,
    make_text_run,
)
from sipas_analysis.messages import Language
from sipas_analysis.progress import watch

PADDING = 1.4  # mm at the left and right of a cell
BORDER = 0.5  # mm for the borders of a column
SHORT = 4  # rows; a table of at most so many stays on one page


@dataclass(frozen=True)
class TableLayout:
    """A table as it is printed: its texts, the style of its cells, the widths in mm."""

    head: list[str]
    rows: list[list[str]]
    style: str
    widths: list[float]

    def list_rooms(self) -> list[float]:
        """Return the width of the text of each column, in mm."""
        return [mm - 2 * PADDING - BORDER for mm in self.widths]


def lay_out_table(table: Table, language: Language, width: float = ROOM) -> TableLayout:
    """Choose the type size and the widths of a table that is as wide as the page, in mm."""
    head = [clean_text(render_text(column.label, language)) for column in table.columns]
    rows = [[clean_text(render_text(cell, language)) for cell in row] for row in table.rows]
    size, widths = fit_columns(
        head,
        rows,
        [column.kind == "number" for column in table.columns],
        room=width * POINTS,
        padding=(2 * PADDING + BORDER) * POINTS,
        sizes=[*TABLE_STYLES],
    )
    scale = width / sum(widths)
    return TableLayout(head, rows, TABLE_STYLES[size], [scale * width for width in widths])


def append_table(word: Word, table: Table) -> None:
    """Append a table, without caption and notes; a short one stays on one page."""
    layout = lay_out_table(table, word.language, word.room)
    widths = [convert_to_twips(mm) for mm in layout.widths]
    sides = ["right" if column.kind == "number" else "left" for column in table.columns]
    style, last = word.styles[layout.style], len(table.rows) - 1
    is_short = len(table.rows) <= SHORT
    body = [
        _make_row(
            map(word.make_runs, cells),
            widths,
            sides,
            style,
            keep=(position < last if is_short else position in (0, last - 1))
            or (position == last and bool(table.notes)),
        )
        for position, cells in enumerate(watch(table.rows))
    ]
    labels = [make_text_run(label, looks=make_element("b")) for label in layout.head]
    first = _make_row(labels, widths, ["center"] * len(labels), style, keep=True, head=True)
    grid = make_element("tblGrid", *(make_element("gridCol", w=width) for width in widths))
    properties = _make_table_properties(word.render(table.caption), widths)
    word.append_elements(make_element("tbl", properties, grid, first, *body))


def _make_table_properties(caption: str, widths: Sequence[int]) -> str:
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
    cells: Iterable[str],
    widths: Sequence[int],
    sides: Sequence[str],
    style: str,
    *,
    keep: bool,
    head: bool = False,
) -> str:
    """Return a row that stays on one page; the head is bold, shaded and on every page."""
    stay = make_element("keepNext") if keep else None
    shade = make_element("shd", val="clear", color="auto", fill="ECECEC") if head else None
    columns = []
    for runs, width, side in zip(cells, widths, sides, strict=True):
        look = make_element(
            "pPr", make_element("pStyle", val=style), stay, make_element("jc", val=side)
        )
        facts = make_element(
            "tcPr",
            make_element("tcW", w=width, type="dxa"),
            shade,
            make_element("vAlign", val="center"),
        )
        columns.append(make_element("tc", facts, make_element("p", look, runs)))
    header = make_element("tblHeader") if head else None
    return make_element("tr", make_element("trPr", make_element("cantSplit"), header), *columns)
