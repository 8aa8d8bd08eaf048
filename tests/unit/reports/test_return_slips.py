"""Return slips: what each unit corrects, where, and what that does to the error of its index."""

import csv
import zipfile
from math import sqrt

import numpy as np
import openpyxl
import pytest

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import SipasError
from sipas_analysis.measure.scores import score
from sipas_analysis.reports.return_slips import write_return_slips
from sipas_analysis.reports.unit_returns import make_safe_name

HEAD = "unit,A1,A2,D1,OVERALL\n"
LINES = [
    f"so-{unit},{answers}\n"
    for unit in "ab"
    for k in range(32)
    for answers in [("5,4,3,5", "2,4,5,3", "4,1,4,4")[k % 3]]
]
GOOD = HEAD + "".join(LINES)
FREE_TEXT = "Chị Hoa ở tổ 3 rất khó chịu, gọi 0912345678"


@pytest.fixture
def write_slips(tmp_path):
    """Check a wave as ``sipas check --out`` does; return the folder and the refusal, if any."""

    def write(path):
        wave, refusal = read_wave(path), None
        try:
            outcome = read_survey(wave)
        except SipasError as error:
            outcome = refusal = error
        write_return_slips(wave, outcome, tmp_path / "out")
        return tmp_path / "out", refusal

    return write


@pytest.fixture
def make_files(make_wave, tmp_path):
    """Write a wave as ``make_wave`` does, with the forms of B in a file of their own."""

    def make(answers, **facts):
        lines = answers.splitlines(keepends=True)
        of_b = [line for line in lines if line.startswith("so-b")]
        (tmp_path / "b.csv").write_text("".join([lines[0], *of_b]), "utf-8")
        others = "".join(line for line in lines if line not in of_b)
        files = [{"file": "answers.csv"}, {"file": "b.csv"}]
        return make_wave(others, responses=files, **facts)

    return make


def read_overview(folder):
    """Return the rows of the overview by unit."""
    text = (folder / "overview.csv").read_text("utf-8-sig")
    return {row["unit"]: row for row in csv.DictReader(text.splitlines())}


def read_texts(path):
    """Return the texts of all cells of a workbook, or of a Word file."""
    if path.suffix == ".docx":
        with zipfile.ZipFile(path) as parts:
            return parts.read("word/document.xml").decode("utf-8")
    cells = [cell.value for sheet in openpyxl.load_workbook(path) for row in sheet for cell in row]
    return "\n".join(str(value) for value in cells if value is not None)


def names_of(folder):
    return sorted(path.name for path in (folder / "return").glob("*"))


def damage(*changes):
    """Return the good answers with some lines replaced, by number from 0."""
    lines = list(LINES)
    for number, line in changes:
        lines[number] = line + "\n"
    return HEAD + "".join(lines)


@pytest.mark.slow
def test_a_unit_gets_the_cells_to_correct_and_the_others_get_no_slip(write_slips, make_files):
    """File, cell, what is there and what must be there; the other unit is left alone."""
    answers = damage((40, "so-b,7,4,5,3"), (41, "so-b,4,x,5,3"))
    folder, refusal = write_slips(make_files(answers))
    assert refusal.exit_code == 12
    assert names_of(folder) == ["so-b.docx", "so-b.xlsx"]
    for name in names_of(folder):
        said = read_texts(folder / "return" / name)
        for part in ("Sở B", "b.csv", "ô B10 (cột “A1”)", "ô C11 (cột “A2”)"):
            assert part in said, (name, part)
        assert "một mức từ 1 đến 5, hoặc để trống" in said
        assert "có 2 chỗ cần sửa" in said
        assert "wave.yaml" not in said
    assert "Sở A" not in said


@pytest.mark.slow
def test_a_slip_is_a_letter_and_its_number_is_not_that_of_a_report(write_slips, make_files):
    """As on the letter to a unit: no letters of a kind of document."""
    publisher = {"vi": "Sở Nội vụ", "en": "Home Affairs"}
    wave = make_files(GOOD.replace("so-b,5", "so-b,95", 1), publisher=publisher)
    text = read_texts(write_slips(wave)[0] / "return/so-b.docx")
    assert "Số: ……/……" in text
    assert "BC-" not in text


def add_column(answers, header):
    """Return answers with a column that the wave does not name."""
    return "".join(f"{line},{header if k == 0 else k}\n" for k, line in enumerate(answers.split()))


@pytest.mark.slow
def test_wrong_answers_are_told_with_columns_that_are_not_named(write_slips, make_files):
    """In one check: the column is the office's, the answer that of the unit."""
    answers = add_column(GOOD.replace("so-b,5", "so-b,95", 1), "Khác")
    folder, refusal = write_slips(make_files(answers))
    said = refusal.text("en")
    assert "Khác" in said
    assert "95" in said
    assert [*names_of(folder)] == ["so-b.docx", "so-b.xlsx"]
    assert "Khác" not in read_texts(folder / "return/so-b.xlsx")


@pytest.mark.slow
def test_no_slip_goes_out_for_items_that_the_office_has_not_named(write_slips, make_files):
    """The column is there under another header; without such a header the unit has to send it."""
    folder, refusal = write_slips(make_files(GOOD.replace("A2", "Câu hai", 1)))
    assert "A2" in refusal.text("en")
    assert names_of(folder) == []
    lines = [line.rsplit(",", 3) for line in GOOD.split()]
    without = "".join(f"{first},{d},{overall}\n" for first, _, d, overall in lines)
    assert names_of(write_slips(make_files(without))[0]) != []


@pytest.mark.slow
def test_the_overview_counts_what_was_received_and_what_is_valid(write_slips, make_files):
    """32 forms each; two of B are wrong, so 30 are valid and the interval is sqrt(32/30) wider."""
    answers = damage((40, "so-b,7,4,5,3"), (41, "so-b,4,x,5,3"))
    units = "code,name_vi,group,planned\nso-a,Sở A,departments,\nso-b,Sở B,departments,60\n"
    path = make_files(answers, units=units)
    rows = read_overview(write_slips(path)[0])
    b = rows["Sở B"]
    assert [b[name] for name in ("planned", "received", "valid", "rejected")] == [
        *("60", "32", "30", "2")
    ]
    assert b["reason"].startswith("2 phiếu chưa đúng yêu cầu “một mức từ 1 đến 5")
    lines = [line for k, line in enumerate(LINES) if k not in (40, 41)]
    clean = read_survey(read_wave(make_files(HEAD + "".join(lines), units=units)))
    table = score(clean, "unit").frame
    row = table[(table["unit"] == "so-b") & (table["level"] == "overall")].iloc[0]
    half = (row["high"] - row["low"]) / 2
    assert float(b["half_valid"]) == pytest.approx(half, abs=0.051)
    assert float(b["half_received"]) == pytest.approx(half * sqrt(30 / 32), abs=0.051)
    assert float(b["half_planned"]) == pytest.approx(half * sqrt(30 / 60), abs=0.051)
    assert rows["Sở A"]["valid"] == "32"
    assert rows["Sở A"]["planned"] == ""


@pytest.mark.slow
def test_the_unit_is_asked_for_the_forms_that_its_plan_lacks(write_slips, make_files):
    """60 planned, 32 in the file (two to correct): 28 more, not 30."""
    units = "code,name_vi,group,planned\nso-a,Sở A,departments,32\nso-b,Sở B,departments,60\n"
    folder, _ = write_slips(make_files(damage((40, "so-b,7,4,5,3")), units=units))
    said = read_texts(folder / "return/so-b.xlsx")
    assert "Kế hoạch là 60 phiếu; đề nghị bổ sung 28 phiếu." in said
    assert "sửa 1 chỗ theo bảng gửi kèm và gửi lại tệp, bổ sung 28 phiếu" in said
    assert names_of(folder) == ["so-b.docx", "so-b.xlsx"]


@pytest.mark.slow
def test_few_forms_and_none_are_asked_for_when_nothing_is_refused(write_slips, make_wave):
    """Seven forms of a unit and a unit that sent nothing: both get a slip, the full one none."""
    units = (
        "code,name_vi,group\nso-a,Sở A,departments\nso-b,Sở B,departments\nso-c,Sở C,departments"
    )
    folder, refusal = write_slips(make_wave(HEAD + "".join(LINES[:39]), units=units))
    assert refusal is None
    assert names_of(folder) == ["so-b.docx", "so-c.docx"]  # there is no cell to list
    assert "đề nghị bổ sung 23 phiếu" in read_texts(folder / "return/so-b.docx")
    assert "gửi kèm" not in read_texts(folder / "overview.xlsx")
    assert "đề nghị bổ sung 30 phiếu" in read_texts(folder / "return/so-c.docx")
    assert read_overview(folder)["Sở C"]["received"] == "0"


@pytest.mark.slow
def test_a_slip_of_an_earlier_check_goes_when_the_unit_has_corrected(write_slips, make_files):
    """What is corrected is not asked for again."""
    folder, _ = write_slips(make_files(damage((40, "so-b,7,4,5,3"))))
    assert names_of(folder)
    folder, refusal = write_slips(make_files(GOOD))
    assert refusal is None
    assert names_of(folder) == []


@pytest.mark.slow
def test_a_slip_of_a_file_goes_once_its_unit_is_named_and_a_note_of_the_office_stays(
    write_slips, make_wave, tmp_path
):
    """Only what the program wrote is removed, also under the name of a file."""
    (tmp_path / "Sở Ý tế.csv").write_text(damage((0, "?,4,4,5,3")), "utf-8")
    (tmp_path / "Nợ.csv").write_text(HEAD.replace("unit,", "") + "7,4,5,3\n", "utf-8")
    files = [{"file": "Sở Ý tế.csv"}, {"file": "Nợ.csv"}]
    folder, _ = write_slips(make_wave(GOOD, responses=files))
    written = names_of(folder)
    assert any(name.startswith("tep-") for name in written)
    (folder / "return" / "tep-ghi-chu.docx").write_text("hỏi chị Lan", "utf-8")
    folder, refusal = write_slips(make_wave(GOOD))
    assert refusal is None
    assert names_of(folder) == ["tep-ghi-chu.docx"]


@pytest.mark.slow
def test_a_slip_that_the_office_completed_is_kept_when_it_is_written_again(write_slips, make_files):
    """Number and day filled in by hand; the next check writes a new slip beside it."""
    folder, _ = write_slips(make_files(damage((40, "so-b,7,4,5,3"))))
    (folder / "return/so-b.docx").write_text("Số: 12", "utf-8")
    folder, _ = write_slips(make_files(damage((40, "so-b,7,4,5,3"))))
    assert (folder / "edited/return/so-b-1.docx").read_text("utf-8") == "Số: 12"
    assert "Sở B" in read_texts(folder / "return/so-b.docx")


@pytest.mark.slow
def test_no_free_text_and_no_telephone_of_a_respondent_leaves_the_file(write_slips, make_files):
    """A slip goes through many hands."""
    answers = damage((40, f'so-b,4,"{FREE_TEXT}",5,3'), (41, "so-b,4,0912345678,5,3"))
    folder, refusal = write_slips(make_files(answers))
    said = "".join(map(read_texts, [*folder.glob("return/*"), folder / "overview.xlsx"]))
    said += (folder / "overview.csv").read_text("utf-8") + refusal.text("vi") + str(refusal)
    assert "một đoạn chữ dài 43 ký tự" in said
    assert "Hoa" not in said
    assert "0912345678" not in said


def test_a_file_of_an_unknown_unit_gets_a_slip_under_a_safe_name(write_slips, make_wave, tmp_path):
    """The name of a file cannot lead out of the folder, and two files have two slips."""
    for name in ("Sở Ý tế (lần 2).csv", "Sở Ý tế [lần 2].csv"):
        (tmp_path / name).write_text("unit,A1,A2\nso-a,5,4\n", "utf-8")
    files = [{"file": "Sở Ý*.csv", "header": 3}]
    folder, refusal = write_slips(make_wave(GOOD, responses=files))
    assert refusal.exit_code == 11 or refusal.exit_code == 20
    stems = {name.partition(".")[0] for name in names_of(folder)} - {"so-a", "so-b"}
    assert stems <= {"tep-so-y-te-lan-2-csv", "tep-so-y-te-lan-2-csv-2"}
    assert "Sở Ý tế" in "".join(map(read_texts, folder.glob("*.xlsx"))) or stems


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "tep-etc-passwd"),
        ("=CMD|' /C calc'!A0.xlsx", "tep-cmd-c-calc-a0-xlsx"),
        ("Sở Đỏ.xlsx", "tep-so-do-xlsx"),
        ("CON", "tep-con"),
        ("…", "tep-khong-ten"),
        ("x" * 300, "tep-" + "x" * 60),
        ("a\x00b\n.csv", "tep-a-b-csv"),
    ],
)
def test_a_name_of_a_file_is_made_safe(text, name):
    """Letters, digits and hyphens only; never a path, a device or a formula."""
    assert make_safe_name(text) == name


@pytest.mark.slow
def test_a_formula_in_a_name_stays_text(write_slips, make_files):
    """Excel must not run the name of a unit."""
    units = 'code,name_vi,group\nso-a,"=HYPERLINK(""http://x"")",departments\nso-b,@B,departments\n'
    folder, _ = write_slips(make_files(damage((2, "so-a,7,4,5,3")), units=units))
    assert "\n'@B," in (folder / "overview.csv").read_text("utf-8-sig")
    assert "\n\"'=HYPERLINK" in (folder / "overview.csv").read_text("utf-8-sig")
    for path in [folder / "overview.xlsx", folder / "return/so-a.xlsx"]:
        for sheet in openpyxl.load_workbook(path):
            assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_what_only_the_office_can_settle_is_in_the_overview_and_in_no_slip(write_slips, make_wave):
    """An unknown column is settled in wave.yaml; the unit is not asked for its forms again."""
    folder, refusal = write_slips(make_wave(GOOD.replace("OVERALL", "Cột lạ")))
    assert refusal.exit_code == 13
    assert names_of(folder) == []
    overview = read_texts(folder / "overview.xlsx")
    assert "Việc của cơ quan tổng hợp" in overview
    assert "Cột lạ" in overview
    assert "Chưa có phiếu yêu cầu sửa cho các tệp có cột chưa khai báo (answers.csv)" in overview


@pytest.mark.slow
def test_a_missing_file_is_asked_for(write_slips, make_wave):
    """The unit of the file is the one that the wave names."""
    files = [{"file": "answers.csv", "unit": "so-a"}, {"file": "b.csv", "unit": "so-b"}]
    answers = HEAD + "".join(LINES[:32])
    folder, refusal = write_slips(make_wave(answers, responses=files, columns={"unit": "unit"}))
    assert refusal.exit_code == 11
    said = read_texts(folder / "return/so-b.docx")
    assert "b.csv" in said
    assert "gửi tệp này" in said
    assert read_overview(folder)["Sở A"]["valid"] == "32"


@pytest.mark.slow
def test_of_copies_the_first_counts(write_slips, make_wave, tmp_path):
    """A second submission that contains the first: 32 forms received twice are 32 valid forms."""
    numbers = range(len(LINES))
    rows = [line.replace(",5,", f",{1 + k % 5},") for k, line in zip(numbers, LINES, strict=True)]
    rows = [f"so-a,{1 + k % 5},{1 + k // 5 % 5},{1 + k // 25 % 5},{1 + k % 4}\n" for k in range(40)]
    (tmp_path / "lan-2.csv").write_text(HEAD + "".join(rows), "utf-8")
    files = [{"file": "answers.csv"}, {"file": "lan-2.csv"}]
    folder, refusal = write_slips(make_wave(HEAD + "".join(rows[:32]), responses=files))
    assert refusal.exit_code == 16
    row = read_overview(folder)["Sở A"]
    assert (row["received"], row["valid"], row["rejected"]) == ("72", "40", "32")
    assert "xác nhận 32 phiếu trùng" in row["send"]
    said = read_texts(folder / "return/so-a.docx")
    assert "có 32 phiếu trùng với phiếu đã nhận" in said
    for words in ("gửi lại tệp", "gửi lại trước", "chỗ cần sửa", "phiếu gốc"):
        assert words not in said + row["send"]  # the office leaves them out


@pytest.mark.slow
def test_of_a_block_pasted_again_below_itself_the_first_counts(write_slips, make_wave):
    """Both places are in one file: 32 forms, 12 of them twice."""
    rows = [f"so-a,{1 + k % 5},{1 + k // 5 % 5},{1 + k // 25 % 5},{1 + k % 4}\n" for k in range(32)]
    folder, refusal = write_slips(make_wave(HEAD + "".join(rows + rows[:12])))
    assert refusal.message_id == "copies"
    row = read_overview(folder)["Sở A"]
    assert (row["received"], row["valid"], row["rejected"]) == ("44", "32", "12")
    assert "xác nhận 12 phiếu trùng" in row["send"]


@pytest.mark.slow
def test_forms_that_need_a_second_look_are_asked_about_until_they_are_accepted(
    write_slips, make_wave
):
    """All fives: the unit explains how the forms were collected; an accepted unit is not asked."""
    names = "abcdefgh"
    units = "code,name_vi,group\n" + "".join(f"so-{n},Sở {n},departments\n" for n in names)
    rng = np.random.default_rng(1)
    answers = rng.integers(1, 6, (len(names) - 1, 40, 3)).tolist()
    lines = [
        f"so-{name},{','.join(map(str, form))},3\n"
        for name, forms in zip(names[1:], answers, strict=True)
        for form in forms
    ]
    lines += ["so-a,5,5,5,5\n"] * 40
    folder, _ = write_slips(make_wave(HEAD + "".join(lines), units=units))
    assert names_of(folder) == ["so-a.docx"]
    assert "giải trình cách lấy phiếu" in read_texts(folder / "overview.xlsx")
    assert "không phải là kết luận về nguyên nhân" in read_texts(folder / "return/so-a.docx")
    accepted = {"so-a": {"by": "Giám đốc", "because": "đã phúc tra"}}
    folder, _ = write_slips(make_wave(HEAD + "".join(lines), units=units, accepted=accepted))
    assert names_of(folder) == []


@pytest.mark.slow
def test_the_same_wave_gives_the_same_bytes(write_slips, make_files):
    """Slips can be compared with those of the day before."""
    path = make_files(damage((40, "so-b,7,4,5,3")))
    folder, _ = write_slips(path)
    first = {file.name: file.read_bytes() for file in folder.rglob("*.*")}
    write_slips(path)
    assert first == {file.name: file.read_bytes() for file in folder.rglob("*.*")}


def read_office_part(folder):
    """Return what the overview says that the office settles."""
    lines = read_texts(folder / "overview.xlsx").splitlines()
    return "\n".join(line for line in lines if line.startswith("Việc của cơ quan tổng hợp"))


@pytest.mark.slow  # whole reports are made
def test_no_unit_is_asked_to_correct_a_file_of_several_units(write_slips, make_wave, make_files):
    """The same mistake is for the unit in a file of its own, and for the office in one for all."""
    answers = damage((40, "so-b,7,4,5,3"))
    folder, refusal = write_slips(make_wave(answers))
    assert refusal.exit_code == 12
    assert names_of(folder) == []
    assert "ô B42 (cột “A1”)" in read_office_part(folder)
    assert read_overview(folder)["Sở B"]["reason"] == "1 phiếu: chờ cơ quan tổng hợp xử lý tệp"
    folder, _ = write_slips(make_files(answers))
    assert names_of(folder) == ["so-b.docx", "so-b.xlsx"]
    assert read_office_part(folder) == ""


@pytest.mark.parametrize(
    "text",
    [
        "HL",
        *(pytest.param(text, marks=pytest.mark.slow) for text in ("Rat hai long", "98", "Tốt (4)")),
    ],
)
@pytest.mark.slow
def test_a_label_or_code_in_many_cells_is_a_setting_of_the_office(write_slips, make_files, text):
    """Units wrote what their form says; a typing error beside it is still theirs to correct."""
    changes = [(k, f"so-{'ab'[k >= 32]},{text},4,5,3") for k in (3, 7, 35, 50)]
    folder, refusal = write_slips(make_files(damage(*changes, (40, "so-b,7,4,5,3"))))
    assert refusal.exit_code in (12, 20)
    assert names_of(folder) == ["so-b.docx", "so-b.xlsx"]
    said = read_texts(folder / "return/so-b.xlsx")
    assert "có 1 chỗ cần sửa" in said
    assert text not in said.replace("so-b", "")
    office = read_office_part(folder)
    assert f"“{text}”" in office
    assert "`blank:`" in office
    assert "B10" not in office


@pytest.mark.parametrize(
    "answer", ["4,5", *(pytest.param(answer, marks=pytest.mark.slow) for answer in ("7", "4/5"))]
)
@pytest.mark.slow
def test_a_wrong_number_or_two_ticks_stay_with_the_unit_however_often(
    write_slips, make_files, answer
):
    """Only the form on paper says what was meant."""
    lines = [(k, f'so-b,"{answer}",4,5,3') for k in (35, 40, 45, 50)]
    folder, _ = write_slips(make_files(damage(*lines)))
    assert "có 4 chỗ cần sửa" in read_texts(folder / "return/so-b.xlsx")
    assert read_office_part(folder) == ""


@pytest.mark.slow
def test_a_choice_that_many_wrote_otherwise_is_a_setting_and_a_rare_one_is_not(
    write_slips, make_files
):
    """`nu` of a form service is a recode; one stray word is for the unit."""
    lines = [line.replace("\n", ",male\n") for line in LINES]
    lines[33:60] = [line.replace("male", "nu") for line in lines[33:60]]
    lines[2] = lines[2].replace("male", "hai người")
    head = HEAD.replace("\n", ",sex\n")
    columns = {"unit": "unit", "indicators": {"sex": "sex"}}
    folder, refusal = write_slips(make_files(head + "".join(lines), columns=columns))
    assert refusal.exit_code in (12, 20)
    assert names_of(folder) == ["so-a.docx", "so-a.xlsx"]
    assert "recode" in read_office_part(folder)
    assert "có 1 chỗ cần sửa" in read_texts(folder / "return/so-a.xlsx")


@pytest.mark.slow
@pytest.mark.parametrize(
    "header",
    [
        "Dấu thời gian",
        *(
            pytest.param(header, marks=pytest.mark.slow)
            for header in ("Timestamp", "_uuid", "Completion time")
        ),
    ],
)
def test_no_unit_corrects_what_a_form_service_wrote(write_slips, make_files, header):
    """An export of one unit is no file that the unit typed."""
    answers = damage((40, "so-b,7,4,5,3")).replace("\n", ",1\n")
    answers = answers.replace("OVERALL,1", f"OVERALL,{header}", 1)
    columns = {"unit": "unit", "ignore": [header]}
    folder, refusal = write_slips(make_files(answers, columns=columns))
    assert refusal.exit_code == 12
    assert names_of(folder) == []
    assert "ô B10 (cột “A1”)" in read_office_part(folder)


@pytest.mark.slow
def test_a_stray_form_of_another_unit_does_not_make_a_file_shared(write_slips, make_files):
    """One of 32 forms under the wrong unit: the file is still that of its unit."""
    folder, _ = write_slips(make_files(damage((3, "so-a,7,4,5,3"), (5, "Sở B,4,4,5,3"))))
    assert names_of(folder) == ["so-a.docx", "so-a.xlsx"]
    assert read_office_part(folder) == ""
    several = [(k, "Sở B,4,4,5,3") for k in range(5, 11)]
    folder, _ = write_slips(make_files(damage((3, "so-a,7,4,5,3"), *several)))
    assert "ô B5 (cột “A1”)" in read_office_part(folder)


@pytest.mark.slow
def test_numbers_of_a_file_that_was_not_read_are_not_zero(write_slips, make_wave, make_files):
    """An unknown column in the file of all; a missing file of one: not known is not nothing."""
    folder, _ = write_slips(make_wave("unit,A1,A2,D1\nso-a,5,4,3\n", columns={"unit": "Đơn vị"}))
    for name in ("Sở A", "Sở B"):
        row = read_overview(folder)[name]
        assert [row[key] for key in ("received", "valid", "rejected")] == ["", "", ""]
        assert row["reason"].startswith("chưa đọc được phiếu: answers.csv")
    files = [{"file": "answers.csv", "unit": "so-a"}, {"file": "b.csv", "unit": "so-b"}]
    (make_wave(GOOD).parent / "b.csv").unlink(missing_ok=True)
    folder, _ = write_slips(make_wave(HEAD + "".join(LINES[:32]), responses=files))
    rows = read_overview(folder)
    assert rows["Sở B"]["received"] == ""
    assert rows["Sở B"]["reason"] == "chưa đọc được phiếu: b.csv; gửi tệp này"
    assert rows["Sở A"]["received"] == "32"
    said = read_texts(folder / "return/so-b.xlsx")
    assert "đã nhận 0" not in said
    assert "bổ sung" not in said
