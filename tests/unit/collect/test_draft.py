"""``sipas init``: an office's own files become a draft that a person only has to correct."""

import csv

import pytest
import yaml
from openpyxl import Workbook

from sipas_analysis.collect.draft import draft_wave
from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ColumnError, FileError, OutputError
from sipas_analysis.instrument.pack import list_packs, read_instrument

PACK = read_instrument("qd-2640-2017")
QUESTIONS = [item.vi for item in PACK.items.values()]
HEAD = [
    "STT",
    "Tên đơn vị",
    "Họ và tên",
    "Số điện thoại",
    "Giới tính",
    "Ghi chú: khác",
    *QUESTIONS,
    "Đánh giá chung",
]
NAMES = ["Sở Nội vụ", "Huyện Tri Tôn", "Trung tâm Đặc biệt"]


def answers(n=22):
    """Answer n questions, some in numbers and some in words."""
    return [(3, 4, "Hài lòng", 5)[k % 4] for k in range(n)]


def book(path, **sheets):
    """Write a workbook from rows by sheet."""
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        tab = made.create_sheet(name)
        for row in rows:
            tab.append(row)
    made.save(path)
    return path


def uncomment(path, **changed):
    """Do what the draft asks: take away the # before the names under ``ignore:``."""
    lines = path.read_text("utf-8").splitlines()
    said = [line.replace("  # ", "  ", 1) if line.startswith("  # - ") else line for line in lines]
    facts = yaml.safe_load("\n".join(said)) | changed
    path.write_text("\n".join(said) + "\n", "utf-8")
    if changed:
        path.write_text(yaml.safe_dump(facts, allow_unicode=True), "utf-8")


@pytest.fixture
def office(tmp_path):
    """One workbook of an office: title rows, questions as headers, names of people."""
    rows = [
        [k + 1, NAMES[k % 3], "Nguyễn Văn A", "0912345678", "Nữ", "x", *answers(), 4]
        for k in range(12)
    ]
    return book(
        tmp_path / "phiếu 2024.xlsx",
        Sheet1=[["UBND TỈNH AN GIANG"], ["KẾT QUẢ KHẢO SÁT"], [], HEAD, *rows],
    )


def test_a_workbook_of_an_office_is_recognised(office, tmp_path):
    """Title rows above the header, Vietnamese questions, the unit's column, the year."""
    draft = draft_wave([office], tmp_path, "vi")
    facts = yaml.safe_load(draft.wave.read_text("utf-8"))
    assert facts["instrument"] == "qd-2640-2017"
    assert facts["year"] == 2024
    assert facts["languages"] == ["vi"]
    assert facts["responses"] == [{"file": "phiếu 2024.xlsx", "sheet": "Sheet1", "header": 4}]
    roles = {"unit": "Tên đơn vị", "items": {"OVERALL": "Đánh giá chung"}, "ignore": None}
    assert facts["columns"] == roles
    assert draft.wave.read_text("utf-8").startswith("# Bản nháp do `sipas init` lập: nhận ra 22")


def test_units_are_listed_once_with_code_and_group(office, tmp_path):
    """From the names in the column; a name of no known kind is left for the person."""
    draft = draft_wave([office], tmp_path, "vi")
    rows = list(csv.DictReader(draft.units.read_text("utf-8-sig").splitlines()))
    assert [(row["code"], row["name_vi"], row["group"]) for row in rows] == [
        ("so-noi-vu", "Sở Nội vụ", "Sở, ban, ngành"),
        ("huyen-tri-ton", "Huyện Tri Tôn", "Huyện, thị xã, thành phố"),
        ("trung-tam-dac-biet", "Trung tâm Đặc biệt", ""),
    ]
    assert draft.units_to_place == ["Trung tâm Đặc biệt"]
    assert draft.n_units == 3


def test_what_is_not_recognised_is_offered_to_be_ignored(office, tmp_path):
    """Commented, so that nothing is ignored unseen; columns that are not read are named, once."""
    draft = draft_wave([office], tmp_path, "en")
    text = draft.wave.read_text("utf-8")
    assert draft.unplaced == ["Ghi chú: khác"]
    assert "\n  # - 'Ghi chú: khác'\n" in text.split("  ignore:\n")[1]
    assert draft.dropped == ["Họ và tên", "Số điện thoại", "STT"]
    assert text.count("Họ và tên; Số điện thoại; STT") == 1
    assert "0912345678" not in text + draft.units.read_text("utf-8")


def test_the_draft_is_read_once_its_list_is_uncommented(office, tmp_path):
    """Before that the run stops and lists the columns; after it every form is read."""
    draft = draft_wave([office], tmp_path, "vi")
    units = draft.units.read_text("utf-8").replace("Đặc biệt,,", "Đặc biệt,,communes")
    draft.units.write_text(units, "utf-8")
    with pytest.raises(ColumnError) as caught:
        read_survey(read_wave(draft.wave))
    assert [place.column for place in caught.value.places] == draft.unplaced
    uncomment(draft.wave)
    survey = read_survey(read_wave(draft.wave))
    assert len(survey.frame) == 12
    assert set(survey.frame["sex"]) == {"female"}
    assert survey.frame["OVERALL"].tolist() == [4.0] * 12
    assert set(survey.ledger.loc[survey.ledger["reason"] == "personal", "column"]) == {
        "Họ và tên",
        "Số điện thoại",
    }


def test_each_unit_may_have_its_own_file(tmp_path):
    """A file without a column of units belongs to the unit that it is named after."""
    paths = [
        book(tmp_path / f"{name}.xlsx", Phiếu=[QUESTIONS, answers(), [it, *answers()[1:]]])
        for name, it in (("Sở Nội vụ", 4), ("Sở Tư pháp", 5))
    ]
    draft = draft_wave(paths, tmp_path, "en")
    facts = yaml.safe_load(draft.wave.read_text("utf-8"))
    assert [response["unit"] for response in facts["responses"]] == ["Sở Nội vụ", "Sở Tư pháp"]
    assert facts["year"] is None
    uncomment(draft.wave, year=2024)
    assert read_survey(read_wave(draft.wave)).frame["unit"].tolist() == [
        "so-noi-vu",
        "so-noi-vu",
        "so-tu-phap",
        "so-tu-phap",
    ]


def test_each_sheet_may_be_a_unit(tmp_path):
    """Sheets that hold no answers are left out; each header stands where it stands."""
    path = book(
        tmp_path / "2024.xlsx",
        **{
            "Hướng dẫn": [["Đọc kỹ"]],
            "Sở A": [["Tiêu đề"], [*PACK.items], answers()],
            "Sở B": [[*PACK.items], answers()],
        },
    )
    draft = draft_wave([path], tmp_path, "vi")
    facts = yaml.safe_load(draft.wave.read_text("utf-8"))
    assert [
        (response["sheet"], response.get("header"), response["unit"])
        for response in facts["responses"]
    ] == [
        ("Sở A", 2, "Sở A"),
        ("Sở B", None, "Sở B"),
    ]
    assert read_survey(read_wave(draft.wave)).frame["unit"].tolist() == ["so-a", "so-b"]


def test_a_header_of_two_rows_is_found(tmp_path):
    """Groups of questions above, codes below."""
    upper = ["Nơi tiếp nhận", *[""] * 3, "Thủ tục", *[""] * 17]
    codes = [*PACK.items]
    path = book(tmp_path / "2024.xlsx", A=[["x"], upper[:4] + codes[4:], codes[:4], answers()])
    draft = draft_wave([path], tmp_path, "vi")
    assert yaml.safe_load(draft.wave.read_text("utf-8"))["responses"][0]["header"] == [2, 3]


def test_the_instrument_is_the_one_with_most_of_its_items(tmp_path):
    """Households are asked 39 items; codes are enough to tell."""
    for name in list_packs():
        folder = tmp_path / name
        items = read_instrument(name).items
        names = [it.vi if code.isdigit() else code for code, it in items.items()]
        folder.mkdir()
        path = book(folder / "2024.xlsx", A=[names, answers(len(names))])
        assert [*draft_wave([path], folder, "vi").pack.items] == [*items]


@pytest.mark.parametrize("name", ["wave.yaml", "units.csv"])
def test_nothing_is_overwritten(office, tmp_path, name):
    """A second draft would lose what the person corrected."""
    (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="exists already and is not overwritten"):
        draft_wave([office], tmp_path, "vi")
    assert (tmp_path / name).read_text("utf-8") == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {office.name, name}


def test_a_file_without_an_instrument_is_told_with_the_best_match(tmp_path):
    """Ten of 22 items are not half, and words have no order; nothing is written."""
    path = book(tmp_path / "x.xlsx", A=[[*PACK.items][:10], [f"lời {k}" for k in range(10)]])
    with pytest.raises(FileError, match=r"best match is qd-2640-2017 with 10 of 22") as caught:
        draft_wave([path], tmp_path, "vi")
    assert caught.value.fields["file"] == "x.xlsx"
    assert [one.name for one in tmp_path.iterdir()] == ["x.xlsx"]


def test_one_file_that_cannot_be_read_stops_the_draft(office, tmp_path):
    """Missing, or of another kind."""
    with pytest.raises(FileError, match="must exist"):
        draft_wave([office, tmp_path / "gone.xlsx"], tmp_path, "vi")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(FileError, match=r"a\.pdf is a PDF"):
        draft_wave([tmp_path / "a.pdf"], tmp_path, "vi")
    assert not (tmp_path / "wave.yaml").exists()


def test_a_text_file_is_drafted_like_a_workbook(tmp_path):
    """Semicolons and codes, as an export has them."""
    path = tmp_path / "khao-sat-2023.csv"
    path.write_text("unit;" + ";".join(PACK.items) + "\nSở A;" + "4;" * 21 + "4\n", "utf-8")
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.unplaced == []
    survey = read_survey(read_wave(draft.wave))
    assert (len(survey.frame), survey.wave.year) == (1, 2023)


def test_two_names_with_one_code_are_told_apart(tmp_path):
    """Names that differ only by their marks."""
    path = tmp_path / "2024.csv"
    rows = "".join(f"{name},{'4,' * 21}4\n" for name in ("Xã Tân", "Xã Tấn"))
    path.write_text("Đơn vị," + ",".join(PACK.items) + "\n" + rows, "utf-8")
    draft = draft_wave([path], tmp_path, "vi")
    rows = list(csv.DictReader(draft.units.read_text("utf-8-sig").splitlines()))
    assert [row["code"] for row in rows] == ["xa-tan", "xa-tan-2"]


def test_two_header_rows_merged_down_the_last_column_are_recognised(tmp_path):
    """The header that names most columns wins, not the one with fewest rows."""
    pack = read_instrument("qd-2640-2017")
    upper = ["TT", "Đơn vị", "Câu hỏi", *[""] * 21, "Mức độ hài lòng chung"]
    lower = ["", "", *(it.vi for it in pack.items.values())]
    rows = [[k, "Sở Y tế", *[4] * 22, 4] for k in range(1, 7)]
    draft = draft_wave(
        [book(tmp_path / "hai-dong.xlsx", Phiếu=[upper, lower, *rows])], tmp_path, "vi"
    )
    facts = yaml.safe_load(draft.wave.read_text("utf-8"))
    assert facts["responses"][0]["header"] == [1, 2]
    assert facts["columns"]["unit"] == "Đơn vị"
    assert (draft.unplaced, draft.dropped) == ([], ["TT"])


def test_a_question_about_the_office_may_name_the_unit(tmp_path):
    """Online forms ask for it in a sentence; one spelling of a name is one unit."""
    pack = read_instrument("qd-2640-2017")
    head = ["Ông/bà đã giao dịch ở cơ quan nào?", *(it.vi for it in pack.items.values())]
    rows = [[name, *[5] * 22] for name in ("Sở Y tế", "SỞ Y TẾ ", "Sở  Nội vụ")]
    draft = draft_wave([book(tmp_path / "google.xlsx", Sheet1=[head, *rows])], tmp_path, "vi")
    assert (draft.n_units, draft.file_is_unit) == (2, False)


def test_a_sheet_named_after_its_unit_names_it(tmp_path):
    """One file per unit, the sheet called after it: the file's name is only a file's name."""
    pack = read_instrument("qd-2640-2017")
    rows = [[it.vi for it in pack.items.values()], [4] * 22]
    draft = draft_wave([book(tmp_path / "syt.xlsx", **{"Sở Y tế": rows})], tmp_path, "vi")
    units = list(csv.DictReader(draft.units.read_text("utf-8-sig").splitlines()))
    assert [(unit["name_vi"], unit["group"]) for unit in units] == [("Sở Y tế", "Sở, ban, ngành")]
    assert draft.file_is_unit
