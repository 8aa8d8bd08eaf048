"""Cells written at once are the bytes that xlsxwriter writes."""

import io
import zipfile

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from sipas_analysis.documents.writers.quick_sheet import QuickSheet


def write_book(sheet_class):
    """Write cells of each kind, with and without formats of cell, row and column."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet("a", worksheet_class=sheet_class)
    sheet.set_column(2, 2, 9, bold)
    sheet.set_row(1, 20, bold)
    for row in range(40):
        for col, style in enumerate((None, bold, None)):
            sheet.write_string(row, col, f"<{row % 7} & {col}>", style)
            sheet.write_number(row, 30 + col, (row - 3) / 7 * 10**col, style)
    sheet.write_url(41, 0, "internal:'a'!A1", bold, "to the top")
    sheet.merge_range(42, 0, 42, 3, "", bold)
    sheet.write_blank(43, 0, None, bold)
    sheet.write_boolean(43, 1, True)
    sheet.write_formula(43, 2, "=1+1", bold, 2)
    book.close()
    with zipfile.ZipFile(out) as package:
        return package.read("xl/worksheets/sheet1.xml").decode()


def test_cells_are_the_same_bytes():
    """Texts, numbers and all other kinds of cells, under each kind of format."""
    assert write_book(QuickSheet) == write_book(Worksheet)


def test_the_method_of_cells_is_still_called(monkeypatch):
    """A version of xlsxwriter that does not call it would cost half the time of a workbook."""
    monkeypatch.setattr(QuickSheet, "_write_cell", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_book(QuickSheet)
