"""Files of offices: every encoding and separator they use, and what cannot be read."""

import unicodedata
import zipfile

import pytest
from openpyxl import Workbook

from sipas_analysis.collect.sheets import list_sheets
from sipas_analysis.collect.tables import read_rows
from sipas_analysis.collect.texts import fold_text, tidy_text
from sipas_analysis.errors import FileError

TEXT = "Đơn vị,A1,A2\nSở A,5,4\nSở B,3,\n"


@pytest.fixture
def write(tmp_path):
    """Write bytes or text to a file of that name."""

    def to(content, name="answers.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return to


@pytest.fixture
def workbook(tmp_path):
    """Write sheets, each a list of rows; ``merge`` joins cells of the first."""

    def to(sheets, merge=(), name="answers.xlsx"):
        book = Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            tab = book.create_sheet(title)
            for row in rows:
                tab.append(row)
        for cells in merge:
            book.worksheets[0].merge_cells(cells)
        path = tmp_path / name
        book.save(path)
        book.close()
        return path

    return to


def refusal(path, *args, **given):
    with pytest.raises(FileError) as caught:
        read_rows(path, *args, **given)
    return caught.value


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_files_are_read_whatever_the_office_chose(write, encoding, separator):
    """UTF-8 with or without BOM and UTF-16; comma, semicolon and tab."""
    frame = read_rows(write(TEXT.replace(",", separator).encode(encoding)))
    assert frame.columns.tolist() == ["Đơn vị", "A1", "A2"]
    assert frame.to_numpy().tolist() == [["Sở A", "5", "4"], ["Sở B", "3", ""]]


@pytest.mark.parametrize(
    "data",
    [
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-le"),
    ],
)
def test_both_orders_of_bytes_are_read(write, data):
    """Excel's “Unicode text” is UTF-16, little-endian; other programs write the other order."""
    assert read_rows(write(data)).loc[2, "Đơn vị"] == "Sở A"


def test_decimal_commas_do_not_split_a_semicolon_file(write):
    """The header decides: ``4,0;5,0`` are two cells."""
    frame = read_rows(write("A1;A2\n4,0;5,0\n"))
    assert frame.to_numpy().tolist() == [["4,0", "5,0"]]


def test_several_choices_do_not_split_a_comma_file(write):
    """``HN;NCC;HKK`` is one cell of a comma file."""
    frame = read_rows(write("unit,vulnerable\nso-a,HN;NCC;HKK;DTTS\n"))
    assert frame.loc[2, "vulnerable"] == "HN;NCC;HKK;DTTS"


def test_a_comma_inside_quotes_splits_nothing(write):
    """Full questions carry commas."""
    frame = read_rows(write('"Tận tình, chu đáo",B\n5,4\n'))
    assert frame.columns.tolist() == ["Tận tình, chu đáo", "B"]


def test_rows_are_numbered_as_a_spreadsheet_does(write):
    """Title rows, header and empty rows count, so that the officer finds the row."""
    path = write("UBND TỈNH\n\nA1,A2\n5,4\n,\n \u00a0,\n3,2\n")
    assert read_rows(path, header=[3]).index.tolist() == [4, 7]


def test_titles_above_the_header_of_a_workbook_are_skipped(workbook):
    """``header: 4`` is the fourth row of the sheet; numbers become their plain text."""
    rows = [
        ["UBND TỈNH AN GIANG"],
        [],
        ["Kết quả khảo sát"],
        ["Số phiếu", "A1"],
        [1, 5],
        ["P2", 4.5],
    ]
    frame = read_rows(workbook({"Sheet1": rows}), header=[4])
    assert frame.to_dict("index") == {
        5: {"Số phiếu": "1", "A1": "5"},
        6: {"Số phiếu": "P2", "A1": "4.5"},
    }


def test_two_header_rows_with_merged_cells_become_one_name(workbook):
    """The lower row names the column, the merged upper one where the lower is empty or repeats."""
    rows = [
        ["Đơn vị", "Tiếp cận", None, "Kết quả", None],
        [None, "A1", "Khác", "D1", "Khác"],
        ["Sở A", 5, "a", 4, "b"],
    ]
    path = workbook({"Sheet1": rows}, merge=["A1:A2", "B1:C1", "D1:E1"])
    frame = read_rows(path, header=[1, 2])
    assert frame.columns.tolist() == ["Đơn vị", "A1", "Tiếp cận / Khác", "D1", "Kết quả / Khác"]
    assert frame.index.tolist() == [3]


def test_a_sheet_is_chosen_by_name(workbook):
    """Two sheets may hold two districts."""
    path = workbook({"Tri Tôn": [["A1"], [5]], "An Phú": [["A1"], [3]]})
    assert list_sheets(path) == ["Tri Tôn", "An Phú"]
    assert read_rows(path, "An Phú").loc[2, "A1"] == "3"


def test_several_sheets_without_a_name_are_refused(workbook):
    """The first sheet is perhaps last year's."""
    error = refusal(workbook({"2021": [["A1"], [5]], "2022": [["A1"], [5]]}))
    assert "several sheets (2021, 2022)" in str(error)


def test_a_missing_sheet_lists_those_there_are(workbook):
    """The remedy stands in the sentence."""
    error = refusal(workbook({"Tri Tôn": [["A1"], [5]]}), "Tri Ton")
    assert "The sheet “Tri Ton” must be in answers.xlsx; its sheets are: Tri Tôn" in str(error)


def test_days_of_a_workbook_become_iso_text(workbook):
    """A cell that is a date needs no guess at day and month."""
    from datetime import datetime

    frame = read_rows(workbook({"S": [["Ngày"], [datetime(2024, 3, 15)]]}))
    assert frame.loc[2, "Ngày"] == "2024-03-15"


def test_text_under_no_header_keeps_its_letter(workbook):
    """A nameless column is shown, not lost: it may hold answers."""
    frame = read_rows(workbook({"S": [["A1", None, None, "A2"], [5, None, "x", 4]]}))
    assert frame.columns.tolist() == ["A1", "(C)", "A2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "answers.csv is empty"),
        (" \n\n", "answers.csv is empty"),
        ("A1,A2\n", r"Below the header \(row 1\) there must be forms"),
        ("A1,A2\n,\n \n", r"Below the header \(row 1\) there must be forms"),
        ("\n5,4\n", r"The header \(row 1\) must name the columns"),
        ("Đơn vị,A1\nSở A,5\n".encode("cp1258", "replace") + "\u01a1".encode("utf-16-be"), "UTF-8"),
        ("S\xf4 t\xb5i ch\xdd,5\n".encode("latin-1"), "neither .an old TCVN3, VNI or Windows code"),
        (b"\xff\xfeA", "must be UTF-8 or UTF-16"),
    ],
)
def test_a_text_file_that_holds_nothing_readable_is_refused(write, content, said):
    """Empty, header only, or letters of a code of the nineties."""
    with pytest.raises(FileError, match=said):
        read_rows(write(content))


def test_a_row_with_too_many_cells_names_its_row(write):
    """A separator inside an answer would move every answer after it."""
    error = refusal(write("A1,A2\n5,4\n5,4,3\n5,4,,\n"))
    assert [place.row for place in error.places] == [3]
    assert "the header (2 columns)" in str(error)


def test_a_header_row_beyond_the_file_is_told(write):
    """``header: 9`` in a file of three rows."""
    assert "row 9, but answers.csv has only 3 rows" in str(refusal(write(TEXT), header=[9]))


def test_a_cell_without_end_is_refused(write):
    """An open quote swallows the rest of a large file."""
    error = refusal(write('A1,A2\n"5,4\n' + "5,4\n" * 40_000))
    assert (error.message_id, error.places[0].row) == ("open_quote", 2)


def test_an_empty_workbook_is_refused(workbook):
    """A sheet without a cell."""
    assert "answers.xlsx is empty" in str(refusal(workbook({"S": []})))


def test_a_workbook_that_is_no_workbook_is_refused(write):
    """Half a download, or no table at all, under the name .xlsx."""
    assert "answers.xlsx is not" in str(refusal(write(b"PK\x03\x04half", "answers.xlsx")))
    assert "answers.xlsx is another kind" in str(refusal(write(b"\x00\x01\x02", "answers.xlsx")))


def test_a_workbook_cut_short_inside_is_refused(workbook, tmp_path):
    """The archive opens, but its sheet ends in mid-cell."""
    path, broken = workbook({"S": [["A1"], [5]]}), tmp_path / "broken.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)
    assert "broken.xlsx is not" in str(refusal(broken))


def test_another_kind_of_file_is_refused(write):
    """A scanned report is no file of answers."""
    assert "answers.pdf is a PDF. Ask for" in str(refusal(write("%PDF", "answers.pdf")))


def test_a_missing_file_is_named(tmp_path):
    """The path is in the sentence."""
    assert "so-a.csv must exist" in str(refusal(tmp_path / "so-a.csv"))


def test_letters_in_one_piece_or_two_are_the_same():
    """macOS writes ``ò`` as two signs (NFD); they look equal and compare unequal."""
    apart = unicodedata.normalize("NFD", "Hài lòng")
    assert apart != "Hài lòng"
    assert tidy_text(apart) == "Hài lòng"


def test_spaces_of_any_kind_are_one_space():
    """Non-breaking, doubled, zero-width and trailing spaces are no difference."""
    assert fold_text(" Rất\u00a0hài  lòng\u200b \n") == "rất hài lòng"
