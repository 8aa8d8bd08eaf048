"""What a workbook keeps beside its values: nothing of it may be lost without a word."""

import re
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from conftest import write_book
from openpyxl.utils import get_column_letter

from sipas_analysis.errors import FileError
from sipas_analysis.sheets.reader import Area, Sheet, read_sheet, read_sheets

CASES = Path(__file__).parents[2] / "cases" / "sheets"
FORMS = [
    ["form", "unit", "A1", "A2", "D1", "OVERALL", "date"],
    ["P1", "Sở A", "5", "4", "Hài lòng", "5", "2024-03-05 14:23:11"],
    ["P2", "Sở A", "3", "", "4", "4", "2024-03-06"],
    ["P3", "Sở B", "2", "1", "5", "3", "2024-03-07"],
    ["P4", "Sở B", "4", "4", "4", "", "2024-03-08"],
]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def write_forms(path: Path, **options) -> Path:
    """Write the forms as a workbook of Excel."""
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm"} | options) as book:
        sheet = book.add_worksheet("Phiếu")
        for row, texts in enumerate(FORMS):
            for column, text in enumerate(texts):
                if column == 6 and row:
                    sheet.write_datetime(row, column, datetime.fromisoformat(text))
                elif text:
                    sheet.write(row, column, int(text) if text.isdigit() else text)
    return path


def edit_parts(source: Path, target: Path, edit) -> Path:
    """Write a workbook again; ``edit`` gets the name and the content of each part."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, edit(name, old.read(name)))
    return target


@pytest.fixture
def write_cells(tmp_path):
    """Write a workbook whose only sheet has this XML; return the sheet that is read."""

    def to(rows: str, head: str = "", tail: str = "", calc: str = "") -> Sheet:
        def edit(name, content):
            if name == "xl/workbook.xml" and calc:
                return re.sub(rb"<calcPr[^>]*>", calc.encode(), content)
            if name != "xl/worksheets/sheet1.xml":
                return content
            return (
                f'<worksheet xmlns="{MAIN}">{head}<sheetData>{rows}</sheetData>{tail}</worksheet>'
            ).encode()

        plain = write_forms(tmp_path / "plain.xlsx")
        return read_sheet(edit_parts(plain, tmp_path / "cells.xlsx", edit))

    return to


def refused(path: Path, sheet: str = "") -> FileError:
    with pytest.raises(FileError) as caught:
        read_sheet(path, sheet)
    return caught.value


# Formats: the same forms, whatever program wrote them.


def write_ods(path: Path, rows: list[list[str]], head: str = "", style: str = "") -> Path:
    """Write a file as LibreOffice does: typed cells, repeated empty ones, a tail of empty rows."""

    def cell(text):
        if not text:
            return '<table:table-cell table:number-columns-repeated="1"/>'
        if text.startswith("<"):
            return text
        kind, shown = "string", ""
        if text.isdigit():
            kind, shown = "float", f'office:value="{text}"'
        elif re.match(r"\d{4}-\d\d-\d\d", text):
            kind, shown = "date", f'office:date-value="{text.replace(" ", "T")}"'
        return (
            f'<table:table-cell office:value-type="{kind}" calcext:value-type="{kind}" {shown}>'
            f"<text:p>{text}</text:p></table:table-cell>"
        )

    lines = [
        row
        if isinstance(row, str)
        else f"<table:table-row>{''.join(map(cell, row))}</table:table-row>"
        for row in rows
        for cells in ["".join(map(cell, row))]
    ]
    spaces = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }
    names = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    content = (
        f'<office:document-content {names} office:version="1.3"><office:body><office:spreadsheet>'
        f'<table:table table:name="Khác"><table:table-row/></table:table>'
        f'<table:table table:name="Phiếu">{head}{"".join(lines)}'
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("mimetype", kind)
        parts.writestr("content.xml", content)
        parts.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:'
            'manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
            f"{style}</manifest:manifest>",
        )
    return path


def as_text(rows):
    return [[*row, *[""] * (7 - len(row))][:7] for row in rows]


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"])
def test_a_workbook_of_any_kind_holds_the_same_forms(tmp_path, suffix):
    """Whole numbers without decimals, days with the hour where there is one, labels as text."""
    path = tmp_path / f"forms{suffix}"
    if suffix in (".xls", ".xlsb"):
        path = CASES / path.name
    elif suffix == ".ods":
        write_ods(path, FORMS)
    else:
        write_forms(path)
    sheet = read_sheet(path)
    assert as_text(sheet.rows) == FORMS
    assert sheet == Sheet(path.name, "", sheet.rows)  # no state


def test_strict_office_xml_is_read(tmp_path):
    """Excel's “Strict Open XML Spreadsheet” has other namespaces."""

    def edit(name, content):
        strict = content.replace(MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
        return strict.replace(
            RELATIONS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships"
        )

    plain = write_forms(tmp_path / "plain.xlsx")
    assert as_text(read_sheet(edit_parts(plain, tmp_path / "strict.xlsx", edit)).rows) == FORMS


def test_strict_office_xml_keeps_its_state(tmp_path):
    """Hidden rows and errors are found in the other namespaces too."""
    hidden = b'<row r="3" hidden="1"'

    def edit(name, content):
        strict = content.replace(MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
        return strict.replace(b'<row r="3"', hidden) if "sheet1" in name else strict

    path = edit_parts(write_forms(tmp_path / "plain.xlsx"), tmp_path / "strict.xlsx", edit)
    assert read_sheet(path).hidden_rows == {3}


def test_elements_with_a_prefix_are_read(tmp_path):
    """Some programs write ``<x:row>``; the state of such a sheet is read too."""

    def edit(name, content):
        if name.startswith("xl/worksheets/sheet"):
            content = content.replace(b'<row r="3"', b'<row r="3" hidden="1"')
            content = re.sub(rb"<(/?)(?![?!])(?=\w)", rb"<\1x:", content)
            return content.replace(b'xmlns="', b'xmlns:x="')
        return content

    path = edit_parts(write_forms(tmp_path / "plain.xlsx"), tmp_path / "prefix.xlsx", edit)
    sheet = read_sheet(path)
    assert as_text(sheet.rows) == FORMS
    assert sheet.hidden_rows == {3}


@pytest.mark.parametrize(
    ("kind", "name"), [(".xls", "k.xlsx"), (".xlsx", "k.xls"), (".xlsx", "k.csv")]
)
def test_a_workbook_under_a_wrong_name_is_read_by_its_content(tmp_path, kind, name):
    """An .xls that was renamed .xlsx opens in Excel, so it is read."""
    path = CASES / "forms.xls" if kind == ".xls" else write_forms(tmp_path / "plain.xlsx")
    (tmp_path / name).write_bytes(path.read_bytes())
    assert as_text(read_sheet(tmp_path / name).rows) == FORMS


# Text of a cell.


def test_values_become_the_text_that_a_reader_expects(tmp_path):
    """Booleans, long numbers, leading zeros, hours, rich text; a serial stays a number.

    0.667 gets a last 0, as a text 0.667 could also be 667.
    """
    path = tmp_path / "k.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        percent, hour = (book.add_format({"num_format": form}) for form in ("0%", "hh:mm"))
        sheet.write_row(0, 0, [True, False, 0.1 + 0.2, -3, "0912345678", "  lề "])
        sheet.write_row(1, 0, [45356, 1, 912345678, 1e15])
        sheet.write_number(2, 0, 0.667, percent)
        sheet.write_number(2, 1, 0.5, hour)
        sheet.write_rich_string(2, 2, "Rất ", bold, "hài", " lòng")
    assert read_sheet(path).rows == [
        ["True", "False", "0.3", "-3", "0912345678", "  lề "],
        ["45356", "1", "912345678", "1000000000000000", "", ""],
        ["0.6670", "12:00:00", "Rất hài lòng", "", "", ""],
    ]


@pytest.mark.parametrize("is_1904", [False, True])
def test_both_systems_of_dates_give_the_same_day(tmp_path, is_1904):
    """Workbooks of old Macintosh programs count days from 1904."""
    path = write_forms(tmp_path / "k.xlsx", date_1904=is_1904)
    assert [row[6] for row in read_sheet(path).rows[1:]] == [row[6] for row in FORMS[1:]]


def test_a_day_that_is_almost_midnight_has_no_hour(tmp_path):
    """Days are stored as fractions; a rounded second makes no other day."""
    path = tmp_path / "k.xlsx"
    with xlsxwriter.Workbook(path) as book:
        form = book.add_format({"num_format": "dd/mm/yyyy"})
        book.add_worksheet().write_column(0, 0, [45356.0, 45356.9999999, 45356.75], form)
    days = [row[0] for row in read_sheet(path).rows]
    assert days == ["2024-03-05", "2024-03-06", "2024-03-05 18:00:00"]


def test_phonetic_hints_are_no_text(write_cells):
    """Japanese versions of Excel keep the reading of a word beside it."""
    text = "<is><r><t>a</t></r><r><t>b</t></r><rPh sb='0' eb='1'><t>DOC</t></rPh></is>"
    assert write_cells(f'<row r="1"><c r="A1" t="inlineStr">{text}</c></row>').rows == [["ab"]]


def test_cells_without_address_stand_in_order(write_cells):
    """Small writers leave out ``r``; the state counts along."""
    rows = (
        '<row><c><v>1</v></c><c t="e"><v>#N/A</v></c></row><row hidden="1"><c><f>A1</f></c></row>'
    )
    sheet = write_cells(rows)
    assert sheet.rows[0] == ["1", ""]
    assert sheet.no_value == {(1, 2): "#N/A", (2, 1): "=A1"}
    assert sheet.hidden_rows == {2}


# Formulas and errors.

WITHOUT_RESULT = [
    '<c r="B1"><f>A1*2</f></c>',
    '<c r="B1"><f>A1*2</f><v/></c>',
    '<c r="B1"><f>A1*2</f><v></v></c>',
    '<c r="B1" s="1"><f>A1*2</f><v> </v></c>',
    '<c r="B1" t="str"><f>A1*2</f></c>',
    '<c r="B1" t="n"><f t="shared" ref="B1:B2" si="0">A1*2</f></c>',
    '<c r="B1"><f t="array" ref="B1">A1*2</f><v></v></c>',
    '<c r="B1"><f aca="false">A1*2</f></c>',
]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("cell", WITHOUT_RESULT)
def test_a_formula_that_was_not_calculated_is_no_blank(write_cells, cell):
    """openpyxl, POI, ClosedXML and others save formulas without their results."""
    sheet = write_cells(f'<row r="1"><c r="A1"><v>2</v></c>{cell}</row>')
    assert sheet.no_value == {(1, 2): "=A1*2"}


def test_a_zero_that_excel_would_calculate_on_opening_is_no_result(write_cells):
    """XlsxWriter writes 0 for each formula and asks Excel to calculate; level 0 was never given."""
    row = '<row r="1"><c r="A1"><v>2</v></c><c r="B1"><f>A1*2</f><v>0</v></c></row>'
    assert write_cells(row, calc='<calcPr calcId="1" fullCalcOnLoad="1"/>').no_value == {
        (1, 2): "=A1*2"
    }
    assert write_cells(row, calc='<calcPr calcId="191029"/>').no_value == {}


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="B1"><f>A1*2</f><v>4</v></c>',
        '<c r="B1" t="str"><f>IF(A1=2,"","x")</f><v></v></c>',
        '<c r="B1" t="b"><f>A1=2</f><v>1</v></c>',
        '<c r="B1"><f t="shared" si="0"/><v>0</v></c>',
    ],
)
def test_a_calculated_formula_is_its_value(write_cells, cell):
    """Also an empty text: a formula may say that there is nothing."""
    row = f'<row r="1"><c r="A1"><v>2</v></c>{cell}</row>'
    assert write_cells(row, calc="<calcPr/>").no_value == {}


@pytest.mark.parametrize(
    "sign", ["#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"]
)
def test_an_error_is_no_blank(write_cells, sign):
    """Of a formula or typed in; the text stays empty and the sign is kept."""
    sheet = write_cells(
        f'<row r="1"><c r="A1" t="e"><f>B9</f><v>{sign}</v></c><c r="B1" t="e"><v>{sign}</v></c>'
        "<c r='C1'><v>1</v></c></row>"
    )
    assert sheet.rows == [["", "", "1"]]
    assert sheet.no_value == {(1, 1): sign, (1, 2): sign}


def test_openpyxl_saves_no_results(tmp_path):
    """The very program that many scripts use."""
    path = write_book(tmp_path / "k.xlsx", Sheet=[["A1", "A2"], [5, "=A2-1"]])
    assert read_sheet(path).no_value == {(2, 2): "=A2-1"}


# Hidden, filtered, merged.


def test_rows_and_columns_that_nobody_sees_are_known(tmp_path):
    """Hidden, filtered out, of no height or no width."""
    path = tmp_path / "k.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, texts in enumerate(FORMS):
            sheet.write_row(row, 0, texts)
        sheet.autofilter("A1:G5")
        sheet.filter_column("B", "x == A")
        sheet.set_row(3, options={"hidden": True})
        sheet.set_row(4, 0)
        sheet.set_column("B:C", 8, None, {"hidden": True})
        sheet.set_column("E:E", 0)
    sheet = read_sheet(path)
    assert sheet.hidden_rows == {4, 5}
    assert sheet.hidden_columns == {2, 3, 5}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("word", ['hidden="1"', 'hidden="true"', 'ht="0" customHeight="1"'])
def test_each_way_to_write_a_hidden_row_is_known(write_cells, word):
    """Excel, Google Sheets and openpyxl write it differently."""
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="2" {word}><c r="A2"><v>2</v></c></row>'
    assert write_cells(rows).hidden_rows == {2}
    assert write_cells(rows.replace(word, 'hidden="0"')).hidden_rows == frozenset()


def test_merged_cells_are_known(tmp_path):
    """Over a header, and down a column."""
    path = tmp_path / "k.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(5, 0, ["a", "b", "c"])
        sheet.merge_range("A1:C1", "Tiếp cận")
        sheet.merge_range("A2:A5", "Đất đai")
    assert read_sheet(path).merged == (Area(1, 1, 1, 3), Area(2, 1, 5, 1))


@pytest.mark.parametrize(
    ("suffix", "errors"),
    [(".xls", {(6, 3): "#REF!", (6, 1): "="}), (".xlsb", {(6, 3): "#REF!", (6, 4): "#N/A"})],
)
def test_binary_workbooks_keep_the_same_state(suffix, errors):
    """The files were written by xlwt and pyxlsbwriter: row 3 and column B hidden, A8:B9 merged."""
    sheet = read_sheet(CASES / f"state{suffix}", "Phiếu")
    assert as_text(sheet.rows[:5]) == FORMS
    assert (sheet.hidden_rows, sheet.hidden_columns) == ({3}, {2})
    assert sheet.merged == (Area(8, 1, 9, 2),)
    assert sheet.no_value == errors


def test_the_state_is_that_of_the_sheet(tmp_path):
    """In another sheet of the same file another row is hidden."""
    path = CASES / "state.xls"
    assert read_sheet(path, "Trước").hidden_rows == {1}
    assert read_sheet(path, "Ẩn").is_hidden
    assert not read_sheet(path, "Phiếu").is_hidden


def test_open_documents_keep_their_state(tmp_path):
    """Filtered and hidden rows, hidden columns, merged cells, errors, formulas without result."""
    part = '<table:table-cell office:value-type="float" office:value="{}"/>'
    rows = [
        ["a", "b", "c"],
        f'<table:table-row table:visibility="collapse">{part.format(1)}</table:table-row>',
        (
            '<table:table-row table:visibility="filter" table:number-rows-repeated="2">'
            f"{part.format(2)}</table:table-row>"
        ),
        [
            (
                '<table:table-cell table:number-rows-spanned="2" table:number-columns-spanned="3" '
                'office:value-type="string"><text:p>gộp</text:p></table:table-cell>'
            )
        ],
        [
            (
                '<table:table-cell table:formula="of:=1/0" office:value-type="string" '
                'office:string-value="" calcext:value-type="error"><text:p>#DIV/0!</text:p>'
                "</table:table-cell>"
            ),
            '<table:table-cell table:formula="of:=[.A2]*2"/>',
            (
                '<table:table-cell table:formula="of:=1+1" office:value-type="float" '
                'office:value="2"><text:p>2</text:p></table:table-cell>'
            ),
            (
                '<table:table-cell table:formula="of:=X" office:value-type="float" '
                'office:value="0"><text:p>Err:508</text:p></table:table-cell>'
            ),
        ],
    ]
    head = (
        '<table:table-column/><table:table-column table:visibility="collapse" '
        'table:number-columns-repeated="2"/>'
    )
    sheet = read_sheet(write_ods(tmp_path / "k.ods", rows, head), "Phiếu")
    assert (sheet.hidden_rows, sheet.hidden_columns) == ({2, 3, 4}, {2, 3})
    assert sheet.merged == (Area(5, 1, 6, 3),)
    assert sheet.no_value == {(6, 1): "#DIV/0!", (6, 2): "=[.A2]*2", (6, 4): "Err:508"}
    assert [row[0] for row in sheet.rows[:4]] == ["a", "1", "2", "2"]


# Sheets of a workbook.


@pytest.fixture
def mixed(tmp_path):
    """A workbook with forms, a chart, an empty sheet and a hidden sheet with content."""

    def write(hidden: bool = False, second: bool = False) -> Path:
        path = tmp_path / "mixed.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet("Phiếu ")
            for row, texts in enumerate(FORMS):
                sheet.write_row(row, 0, texts)
            chart = book.add_chart({"type": "column"})
            chart.add_series({"values": "='Phiếu '!$C$2:$C$5"})
            book.add_chartsheet("Biểu đồ").set_chart(chart)
            other = book.add_worksheet("Khác")
            if second:
                other.write(0, 0, "x")
            if hidden:
                other.hide()
        return path

    return write


def test_a_chart_is_no_sheet_of_answers(mixed):
    """It is not listed, is passed over, and is named if the wave names it."""
    path = mixed()
    assert [sheet.name for sheet in read_sheets(path)] == ["Phiếu "]
    assert as_text(read_sheet(path).rows) == FORMS
    error = refused(path, "Biểu đồ")
    assert error.message_id == "no_data_sheet"
    assert "Sheets with cells: Phiếu , Khác" in str(error)


def test_empty_sheets_need_no_name(mixed):
    """Old versions of Excel add Sheet2 and Sheet3 to each workbook."""
    assert as_text(read_sheet(mixed()).rows) == FORMS


@pytest.mark.parametrize("hidden", [False, True])
def test_a_second_sheet_with_content_needs_a_name(mixed, hidden):
    """Hidden or not: it may be last year's."""
    path = mixed(hidden, second=True)
    assert refused(path).message_id == "which_sheet"
    assert read_sheet(path, "Khác").is_hidden == hidden
    assert not read_sheet(path, "Phiếu").is_hidden


def test_a_space_behind_the_name_of_a_sheet_is_no_other_sheet(mixed):
    """YAML drops the space that Excel keeps."""
    assert as_text(read_sheet(mixed(), "Phiếu").rows) == FORMS


# Files that cannot be read, or must not be.

DISGUISES = [
    ("k.xls", "<html><table><tr><td>A1</td></tr></table></html>", "a web page"),
    ("k.xls", "\ufeff\r\n<table border=1><tr><td>5", "a web page"),
    ("k.xlsx", "<!DOCTYPE html>\n<p>Phiên đã hết hạn", "a web page"),
    ("k.xls", "<meta charset=utf-8><table>", "a web page"),
    ("k.xls", "MIME-Version: 1.0\nX-Document-Type: Workbook", "a web page"),
    ("k.csv", "<html><body>Đăng nhập</body></html>", "a web page"),
    ("k.xls", '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "XML"),
    ("k.ods", '<?xml version="1.0"?><office:document>', "XML"),
    ("k.xls", "don_vi\tA1\tA2\nSở A\t5\t4\n", "a text file (CSV)"),
    ("k.xlsx", "don_vi,A1,A2\nSở A,5,4\n", "a text file (CSV)"),
    ("k.xls", "don_vi\tA1\nSở A\t5\n".encode("utf-16"), "a text file (CSV)"),
    ("k.pdf", "%PDF-1.7", "a PDF"),
    ("k.xlsx", "%PDF-1.7", "a PDF"),
    ("k.docx", None, "a document"),
    ("k.xlsx", None, "a document"),
    ("k.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a document"),
    ("k.rtf", "{\\rtf1", "a document"),
    ("k.jpg", b"\xff\xd8\xff\xe0", "an image"),
    ("k.png", b"\x89PNG\r\n", "an image"),
    ("k.tif", b"II*\x00", "an image"),
    ("k.gsheet", '{"url": "https://docs.google.com/…"}', "a link to Google Drive"),
    ("k.rar", b"Rar!\x1a\x07", "an archive"),
    ("k.json", '[{"A1": 5}]', "another kind"),
    ("k.mdb", b"\x00\x01\x00\x00Standard Jet DB", "another kind"),
    (
        "k.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "password",
    ),
]


@pytest.mark.parametrize(("name", "content", "said"), DISGUISES)
def test_what_is_no_table_is_named_with_the_way_to_convert_it(tmp_path, name, content, said):
    """The content counts, not the name."""
    path = tmp_path / name
    if content is None:
        with zipfile.ZipFile(path, "w") as parts:
            parts.writestr("word/document.xml", "<w:document/>")
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    error = refused(path)
    assert error.message_id == "file_kind"
    assert said in str(error)


def test_an_open_document_with_a_password_is_named(tmp_path):
    """Its parts are noise, its list of parts says so."""
    lock = "<manifest:encryption-data/>"
    assert "password" in str(refused(write_ods(tmp_path / "k.ods", FORMS, style=lock)))


def test_an_old_workbook_with_a_password_is_refused(tmp_path):
    """.xls: the record FILEPASS stands behind the first."""
    content = bytearray((CASES / "forms.xls").read_bytes())
    at = content.index(b"\x09\x08\x10\x00\x00\x06\x05\x00") + 20
    content[at : at + 2] = b"\x2f\x00"
    (tmp_path / "k.xls").write_bytes(content)
    assert "protected by a password" in str(refused(tmp_path / "k.xls"))


@pytest.mark.parametrize("name", ["k.xlsx", "k.xls", "k.ods", "k.csv", "k.sav", "k.parquet"])
def test_an_empty_file_is_named(tmp_path, name):
    """Nothing was downloaded."""
    (tmp_path / name).write_bytes(b"")
    assert refused(tmp_path / name).message_id == "file_empty"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", ["forms.xls", "forms.xlsb", "forms.xlsx"])
def test_half_a_download_is_refused(tmp_path, name, share):
    """At any length: nothing is read of it."""
    path = CASES / name if name != "forms.xlsx" else write_forms(tmp_path / "whole.xlsx")
    content = path.read_bytes()
    (tmp_path / name).write_bytes(content[: int(share * len(content))])
    assert refused(tmp_path / name).message_id in ("file_broken", "file_kind")


def test_a_zip_of_an_unknown_version_is_refused(tmp_path):
    """One byte of the list of parts: Python says that the version is not implemented."""
    path = write_forms(tmp_path / "k.xlsx")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 110
    path.write_bytes(content)
    assert refused(path).message_id == "file_broken"


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
@pytest.mark.parametrize("content", [b"", b"<a>", b"\x00\x01", b"<worksheet><row r='x'>"])
def test_a_damaged_part_is_refused(tmp_path, part, content):
    """Whatever a parser raises becomes a sentence."""
    plain = write_forms(tmp_path / "plain.xlsx")
    path = edit_parts(
        plain, tmp_path / "k.xlsx", lambda name, old: content if name == part else old
    )
    assert refused(path).message_id in ("file_broken", "file_empty", "file_kind")


def test_entities_that_unfold_endlessly_are_refused(write_cells):
    """Ten lines could fill a memory."""
    bomb = "".join(f'<!ENTITY a{at} "{f"&a{at - 1};" * 10}">' for at in range(1, 12))
    with pytest.raises(FileError):
        write_cells(f'<!DOCTYPE x [<!ENTITY a0 "x">{bomb}]><row r="1"><c r="A1">&a11;</c></row>')


@pytest.mark.slow
def test_a_file_that_unfolds_to_far_more_than_it_weighs_is_refused_unread(tmp_path):
    """60 MB of the same sign weigh 60 kB."""
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", b"<workbook/>")
        parts.writestr("xl/sharedStrings.xml", bytes(60_000_000))
    assert refused(path).message_id == "file_unfolds"


@pytest.mark.parametrize("last", ["XFD1048576", "A1048576", "XFD1", "AD900000"])
def test_a_cell_far_away_is_named(write_cells, last):
    """A reader would make a cell of each place between; 17 milliards of them."""
    row = re.sub(r"\D", "", last)
    rows = [
        f'<row r="{at}"><c r="A{at}"><v>1</v></c><c r="AD{at}"><v>1</v></c></row>' for at in (1, 2)
    ]
    if last != "XFD1":
        with pytest.raises(FileError) as caught:
            write_cells("".join(rows) + f'<row r="{row}"><c r="{last}"><v>1</v></c></row>')
        assert caught.value.message_id == "far_cell"
        assert caught.value.places[0].row == int(row)
    else:  # one wide row is no trouble
        sheet = write_cells(rows[1].replace("</row>", f'<c r="{last[:-1]}2"><v>1</v></c></row>'))
        assert len(sheet.rows[1]) == 16384


@pytest.mark.slow
def test_a_million_formatted_rows_are_no_burden(write_cells):
    """Somebody coloured whole columns down to the last row."""
    rows = "".join(
        f'<row r="{at}" s="1" customFormat="1"><c r="A{at}" s="1"/><c r="B{at}" s="1"/></row>'
        for at in range(2, 1_048_577)
    )
    sheet = write_cells(f'<row r="1"><c r="A1"><v>1</v></c></row>{rows}')
    assert sheet.rows == [["1"]]


# State that lies behind the border of a piece that is searched.


@pytest.mark.parametrize("shift", range(0, 40, 3))
@pytest.mark.quick_cases(3)
def test_state_is_found_across_pieces_of_a_large_sheet(write_cells, shift, monkeypatch):
    """The search through the bytes of a sheet must not miss a word that two pieces share."""
    monkeypatch.setattr("sipas_analysis.sheets.sheet_state._PIECE", 64)
    space = " " * shift
    rows = f'<row r="1"><c r="A1"><v>1</v></c></row>{space}<row r="2" hidden="1"/>'
    assert write_cells(rows).hidden_rows == {2}
    assert write_cells(f'<row r="1">{space}<c r="A1"><f>1</f></c></row>').no_value == {(1, 1): "=1"}


def test_a_wide_sheet_is_read_to_its_last_column(tmp_path):
    """Columns go on after Z and ZZ."""
    path = tmp_path / "k.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [get_column_letter(at) for at in range(1, 801)])
        sheet.write_formula(1, 799, "=NA()", None, "#N/A")
    sheet = read_sheet(path)
    assert sheet.rows[0][-1] == "ADT"
    assert sheet.no_value == {(2, 800): "#N/A"}


def test_all_sheets_with_cells_are_read_at_once(mixed):
    """For `sipas init`: neither a chart nor an empty sheet hides the sheet of the forms."""
    assert [sheet.name for sheet in read_sheets(mixed())] == ["Phiếu "]
    assert [sheet.name for sheet in read_sheets(mixed(second=True))] == ["Phiếu ", "Khác"]


def test_a_damaged_word_is_no_other_answer(tmp_path):
    """Each part of a workbook has a checksum; a reader of values does not look at it."""
    path = write_forms(tmp_path / "k.xlsx")
    with zipfile.ZipFile(path) as parts:
        info = parts.getinfo("xl/sharedStrings.xml")
        texts = parts.read(info)
    stored = tmp_path / "stored.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stored, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    content = stored.read_bytes()
    assert content.count(texts) == 1
    stored.write_bytes(content.replace("Hài lòng".encode(), "Hài lÒng".encode()))
    assert refused(stored).message_id == "file_broken"
