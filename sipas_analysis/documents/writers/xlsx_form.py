"""Write a table that officers fill in: drop-down lists, days, numbers, cells that are locked.

The sheet is protected without a password: it keeps computed cells from being changed by mistake,
not from an officer who wants to.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sipas_analysis.documents.model import render_text
from sipas_analysis.documents.writers.xlsx import (
    LINE,
    Cell,
    Line,
    Page,
    clean_text,
    convert_text,
    count_lines,
    set_paper,
)
from sipas_analysis.messages import Language

Kind = Literal["text", "amount", "percent", "count", "day"]
FORMATS = {"amount": "#,##0", "count": "#,##0", "percent": "0.00", "day": "dd/mm/yyyy"}
NUMERIC = ("percent", "count")
LISTS = "lists"  # name of the hidden sheet with the words of the drop-down lists
LOCKED = "#F3F6F8"
LARGE_PAPER = 8  # 297 × 420 mm: on half of it the text of so many columns is too small
ALLOWED = ("sort", "autofilter", "format_cells", "format_columns", "format_rows")


@dataclass(frozen=True)
class Field:
    """A column of a form.

    Attributes:
        head: Its header.
        width: Its width in digits.
        kind: What its cells hold; an ``amount`` may also be words.
        is_open: Whether officers fill it in; others are locked.
        choices: The words of its drop-down list.
        is_printed: Whether it is on paper; those that are stand before those that are not.
    """

    head: object
    width: float
    kind: Kind = "text"
    is_open: bool = False
    choices: tuple[str, ...] = ()
    is_printed: bool = True


@dataclass(frozen=True)
class Form:
    """A sheet with one table to fill in, and rows for new lines below it.

    Attributes:
        name: Name of the sheet.
        titles: Lines above the table.
        fields: The columns.
        rows: A text, a number, a day or None for each column.
        n_new: Empty rows below, all of whose cells may be filled in.
        fixed: First columns that stay visible.
    """

    name: object
    titles: Line
    fields: tuple[Field, ...]
    rows: tuple[Line, ...]
    n_new: int = 100
    fixed: int = 1

    def write_on(self, page: Page, language: Language) -> None:
        """Write the titles, the table and its drop-down lists on a page of a workbook."""
        page.widths = [each.width for each in self.fields if each.is_printed]
        n_printed = len(page.widths)
        for look, title in zip(("title", "subtitle", "note"), self.titles, strict=False):
            page.across(look, convert_text(title, language))
        page.widths = [each.width for each in self.fields]
        for c, width in enumerate(page.widths):
            page.sheet.set_column(c, c, width)
        head = page.row
        page.line(
            "head", [Cell(clean_text(render_text(each.head, language))) for each in self.fields]
        )
        for row in self.rows:
            self._write_row(page, row)
        page.sheet.autofilter(head, 0, max(page.row - 1, head), len(self.fields) - 1)
        page.sheet.freeze_panes(head + 1, self.fixed)
        set_paper(page, head, head)
        page.sheet.set_paper(LARGE_PAPER)
        page.sheet.print_area(0, 0, page.row - 1, n_printed - 1)
        for _ in range(self.n_new):
            self._write_row(page, (None,) * len(self.fields), is_new=True)
        self._add_lists(page, head + 1)
        page.sheet.protect("", dict.fromkeys(ALLOWED, True))

    def _write_row(self, page: Page, row: Line, *, is_new: bool = False) -> None:
        """Write a row as high as its texts need; in a new row every cell is open."""
        heights = [1]
        for c, (each, value) in enumerate(zip(self.fields, row, strict=True)):
            is_open = each.is_open or is_new
            facts: dict[str, object] = {"locked": not is_open}
            facts |= {} if is_open else {"bg_color": LOCKED}
            facts |= {"num_format": FORMATS[each.kind]} if each.kind in FORMATS else {}
            facts |= {"align": "right", "indent": 1} if each.kind in NUMERIC else {}
            look = page.look("row", **facts)
            if value is None or value == "":
                page.sheet.write_blank(page.row, c, None, look)
            elif isinstance(value, date):
                page.sheet.write_datetime(page.row, c, value, look)
            elif isinstance(value, int | float):
                page.sheet.write_number(page.row, c, value, look)
            else:
                text = clean_text(str(value))
                page.sheet.write_string(page.row, c, text, look)
                heights.append(count_lines(text, each.width))
        page.sheet.set_row(page.row, LINE * max(heights) + 1)
        page.row += 1

    def _add_lists(self, page: Page, first: int) -> None:
        """Write the words of the drop-down lists on a hidden sheet, and tie the columns to them."""
        from xlsxwriter.utility import xl_range_abs

        lists = page.book.add_worksheet(LISTS)
        for c, words in enumerate(each.choices for each in self.fields):
            if not words:
                continue
            for r, word in enumerate(words):
                lists.write_string(r, c, word)
            facts = {
                "validate": "list",
                "source": f"={LISTS}!{xl_range_abs(0, c, len(words) - 1, c)}",
            }
            page.sheet.data_validation(first, c, page.row - 1, c, facts)
        lists.hide()
