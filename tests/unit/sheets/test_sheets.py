"""Files of offices: every encoding and separator they use, and what cannot be read."""

import unicodedata
import zipfile

import pytest
from conftest import write_book

from sipas_analysis.collect.tables import read_rows
from sipas_analysis.errors import FileError
from sipas_analysis.sheets.reader import read_sheet, read_sheets
from sipas_analysis.sheets.texts import fold_text, tidy_text

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
        return write_book(tmp_path / name, merge, **sheets)

    return to


def refusal(path, *args, **given):
    with pytest.raises(FileError) as caught:
        read_rows(path, *args, **given)
    return caught.value


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
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
    assert [sheet.name for sheet in read_sheets(path)] == ["Tri Tôn", "An Phú"]
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
        ("A1,A2\n", r"Below the header \(row 1\) there must be data"),
        ("A1,A2\n,\n \n", r"Below the header \(row 1\) there must be data"),
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


# The separator: all rows decide.

QUESTIONS = "Đơn vị;Nơi ngồi, chờ, sạch;Công chức lịch sự, tận tình;Kết quả, đúng hẹn"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (QUESTIONS + "\nSở A;5;4;3\nSở B;3;4;5\n", ["Sở B", "3", "4", "5"]),
        ("w;A1;A2\n" + "1,5;4;3\n" * 4, ["1,5", "4", "3"]),
        ("A1,A2\n5,4\nHN;NCC;HKK,4\n", ["5", "4"]),
        ("UBND TỈNH, SỞ NỘI VỤ\n\nA1;A2\n5;4\n3;2\n", ["5", "4"]),
        ("A1;A2;Ý kiến\n5;4;nhanh, gọn, sạch\n3;2;tốt, rất tốt\n4;4;đẹp, thoáng\n", ["3", "2"]),
        ("A1\tA2\n5\t4\n3,5\t4;2\n", ["5", "4"]),
        ("sep=;\nA1;A2,x\n5;4,0\n3;2,0\n", ["3", "2,0"]),
        ("sep=,\r\nA1,A2\r\n5,4\r\n3,2\r\n", ["3", "2"]),
        ('"A1";"A2, x"\n"5";"4"\n"3";"2"\n', ["3", "2"]),
        ('A1, "A2, x", A3\n5, "4", 3\n3, "2", 1\n', ["3", "2", "1"]),
        ("A1\n5\n4\n", ["4"]),
        ("A1|A2, x|A3\n5|4,5|3\n3|2|1\n", ["5", "4,5", "3"]),
        ("A1,A2\n5,HN|NCC\n3,HKK\n4,HN|NCC\n", ["5", "HN|NCC"]),
        ("Ý kiến\nnhanh, gọn\ntốt\n", ["tốt"]),
        ("A1,A2,A3\n5,4,\n3,2\n5,4,1\n", ["3", "2"]),
        ("A1;A2;A3;\n5;4;3;\n1;2;3;\n", ["1", "2", "3", ""]),
    ],
)
def test_the_separator_is_that_of_all_rows(write, text, row):
    """Commas in questions, decimals and remarks split nothing."""
    rows = read_sheet(write(text)).rows
    assert any(cells[: len(row)] == row for cells in rows)


def test_rows_below_a_line_with_the_separator_are_numbered_as_excel_does(write):
    """Excel does not show the line ``sep=;``."""
    assert read_sheet(write("sep=;\nA1;A2\n5;4\n")).rows == [["A1", "A2"], ["5", "4"]]


@pytest.mark.parametrize("text", ["A;b,c\n1;2,3\n4;5,6\n", "A,x\tB\n1,5\t2\n2,5\t3\n"])
def test_two_separators_that_fit_are_asked_about(write, text):
    """Decimal commas in each row and a comma in the header: nobody can know."""
    error = refusal(write(text))
    assert error.message_id == "which_separator"
    assert "`sep=;`" in str(error) or "`sep=,`" in str(error)


def test_the_first_line_answers_the_question(write):
    """The remedy of the refusal works."""
    assert read_sheet(write("sep=;\nA;b,c\n1;2,3\n4;5,6\n")).rows[1] == ["1", "2,3"]


# Quotes: no cell may swallow rows.

FORM = "P{},so-a,5,4,3,2,1,5,4,3,{}\n"
NAMES = "form,unit,A1,A2,A3,A4,A5,A6,A7,A8,note\n"


@pytest.mark.parametrize(
    ("notes", "row"),
    [
        ({4: '"chưa đóng'}, 5),  # never closed
        ({4: '"chưa đóng', 9: '"lại nữa'}, 5),  # the next one does not close it
        ({4: '"chưa', 9: 'đóng"'}, 5),  # four forms inside
        ({4: '"chưa', 5: 'đóng"'}, 5),  # one form inside
        ({4: '"tốt" lắm'}, 5),  # words behind the closing mark
        ({4: '"tốt""'}, 5),
        ({1: '"x'}, 2),
        ({10: '"x'}, 11),  # the last form
    ],
)
def test_a_quote_that_swallows_forms_is_refused_with_its_row(write, notes, row):
    """A lone quotation mark at the start of a remark made one cell of half a file."""
    text = NAMES + "".join(FORM.format(at, notes.get(at, "ok")) for at in range(1, 11))
    error = refusal(write(text))
    assert (error.message_id, error.places[0].row) == ("open_quote", row)


def test_a_quote_in_the_middle_of_a_row_swallows_no_form(write):
    """The rest of its row and the start of another became one cell, and every row had its width."""
    rows = [["P1", "so-a", '"5', "4", "3", "2"], ["P2", "so-b", '3"', "2", "1", "5"]]
    text = "form,unit,A1,A2,A3,A4\n" + "\n".join(map(",".join, rows)) + "\nP3,so-a,1,2,3,4\n"
    error = refusal(write(text))
    assert (error.message_id, error.places[0].row) == ("open_quote", 2)


def test_a_quote_that_swallows_rows_of_a_narrow_table_is_refused(write):
    """Two columns say less of what a row is; three rows in one cell are none the less."""
    error = refusal(write('a;b\n"1;2\n3;4\n5;6\n7;8";9\n'))
    assert (error.message_id, error.places[0].row) == ("open_quote", 2)


@pytest.mark.parametrize(
    "note",
    [
        '"dòng một\ndòng hai"',
        '"nhanh, gọn\r\nsạch, đẹp, thoáng\r\n- tốt"',
        '"Anh ""Ba"" nói:\n""tốt"""',
        '"\n"',
        '"kết thúc, bằng, dấu, phẩy, nhiều, lần,\nxong"',
        'cao 5" rộng',
        "“ngoặc cong”",
        "'ngoặc đơn",
    ],
)
def test_line_ends_and_quotes_inside_a_cell_are_read(write, note):
    """Remarks have lines of their own; a form is one row all the same, as spreadsheets show."""
    text = NAMES + FORM.format(1, note) + FORM.format(2, "ok")
    rows = read_sheet(write(text)).rows
    assert [row[0] for row in rows] == ["form", "P1", "P2"]
    assert [len(row) for row in rows] == [11, 11, 11]


def test_rows_keep_their_length(write):
    """A row that is cut off must be seen as such: nothing is filled up."""
    assert [len(row) for row in read_sheet(write("A1,A2,A3\n5,4\n5,4,3\n5\n")).rows] == [3, 2, 3, 1]


# Codes of letters.


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_text_of_two_bytes_without_a_mark_is_read(write, encoding):
    """The zeros between the letters tell which byte comes first."""
    assert read_sheet(write(TEXT.encode(encoding))).rows[1][0] == "Sở A"


@pytest.mark.parametrize(
    "content",
    [
        "Đơn,A1\nSơ A,5\n".encode("cp1258"),
        "§¬n vÞ,A1\nSë A,5\n".encode("cp1252"),  # TCVN3
        "Ñôn vò,A1\nSôû A,5\n".encode("cp1252"),  # VNI
        (TEXT * 2).encode().decode("latin-1").encode(),  # read in a wrong code and saved again
        TEXT.encode() + b"\x00\x00,5\n",
        b"\xff\xfe" + TEXT.encode("utf-16-le")[:-1],
        TEXT.encode() + "Sở".encode()[:-1],
    ],
    ids=["windows-1258", "tcvn3", "vni", "twice", "zeros", "cut-utf-16", "cut-utf-8"],
)
def test_text_in_another_code_is_never_read_as_noise(write, content):
    """The refusal says how to save the file."""
    assert refusal(write(content)).message_id == "file_encoding"


def test_marks_of_order_twice_are_no_letter(write):
    """Some programs add a BOM to a file that has one."""
    assert read_sheet(write("\ufeff\ufeff" + TEXT)).rows[0][0] == "Đơn vị"
