"""``sipas init``: an office's own files become a draft that a person only has to correct."""

import csv
import random
import re

import pytest
import yaml
from conftest import write_book as book

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import ColumnError, ConfigError, FileError, OutputError, SipasError
from sipas_analysis.instrument.pack import list_packs, read_instrument
from sipas_analysis.reports.draft_output import describe_draft

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


def uncomment(path, **changed):
    """Do what the draft asks: delete the # before the names under ``ignore:``."""
    lines = path.read_text("utf-8").splitlines()
    said = [line.replace("  #", "  ", 1) if line.startswith("  #- ") else line for line in lines]
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


@pytest.mark.parametrize("n_titles", [29, pytest.param(35, marks=pytest.mark.slow), 59])
@pytest.mark.slow
def test_a_header_may_stand_below_a_page_of_titles(tmp_path, n_titles):
    """A letter to the office, and then its table."""
    rows = [[k + 1, NAMES[0], *[4] * 22] for k in range(5)]
    page = [[f"Dòng {k} của công văn"] for k in range(n_titles)]
    path = book(tmp_path / "a.xlsx", P=[*page, ["STT", "Tên đơn vị", *QUESTIONS], *rows])
    assert read_facts(draft_wave([path], tmp_path, "vi"))["responses"][0]["header"] == n_titles + 1


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
    assert len(draft.unit_list) == 3


def test_what_is_not_recognised_is_offered_to_be_ignored(office, tmp_path):
    """Commented, so that nothing is ignored unseen; columns that are not read are named, once."""
    draft = draft_wave([office], tmp_path, "en")
    text = draft.wave.read_text("utf-8")
    assert draft.list_left("unknown") == ["Ghi chú: khác"]
    assert "\n  #- 'Ghi chú: khác'\n" in text.split("  ignore:\n")[1]
    assert draft.dropped == ["Họ và tên", "Số điện thoại", "STT"]
    assert text.count("Họ và tên; Số điện thoại; STT") == 1
    assert "0912345678" not in text + draft.units.read_text("utf-8")


@pytest.mark.slow
def test_the_draft_is_read_once_its_list_is_uncommented(office, tmp_path):
    """Before that the run stops and lists the columns; after it every form is read."""
    draft = draft_wave([office], tmp_path, "vi")
    units = draft.units.read_text("utf-8").replace("Đặc biệt,,", "Đặc biệt,,communes")
    draft.units.write_text(units, "utf-8")
    with pytest.raises(ColumnError) as caught:
        read_survey(read_wave(draft.wave))
    assert [place.column for place in caught.value.places] == draft.list_left("unknown")
    uncomment(draft.wave)
    survey = read_survey(read_wave(draft.wave))
    assert len(survey.frame) == 12
    assert set(survey.frame["sex"]) == {"female"}
    assert survey.frame["OVERALL"].tolist() == [4.0] * 12
    assert set(survey.ledger.loc[survey.ledger["reason"] == "personal", "column"]) == {
        "Họ và tên",
        "Số điện thoại",
    }


def test_keys_for_a_better_report_hold_as_soon_as_the_sign_is_deleted(tmp_path):
    """Days are those of the forms, the outcome and last year's wave those that were found."""
    for year in ("2023", "2024"):
        (tmp_path / year).mkdir()
    (tmp_path / "2023/wave.yaml").write_text("id: a\nyear: 2023\n", "utf-8")
    (tmp_path / "2023/plan.csv").write_text("id\n", "utf-8")
    days = ["2024-11-04", "2024-10-21"]
    rows = [[day, NAMES[0], *answers(), 4] for day in days]
    head = ["Ngày khảo sát", "Đơn vị", *QUESTIONS, "Đánh giá chung"]
    draft = draft_wave([book(tmp_path / "2024/a.xlsx", P=[head, *rows])], tmp_path / "2024", "vi")
    keys = r"(?m)^#(?=collected|targets|outcome|earlier|plan|measures)"
    draft.wave.write_text(re.sub(keys, "", draft.wave.read_text("utf-8")), "utf-8")
    wave = read_wave(draft.wave)
    assert wave.decision is None  # its drafted number is refused
    assert [str(day) for day in (wave.collected.start, wave.collected.end)] == sorted(days)
    assert (wave.targets, wave.outcome) == ((80, 95), "OVERALL")
    assert wave.earlier == ("../2023/wave.yaml",)
    assert (wave.plan, wave.measures) == (("../2023/plan.csv",), "")


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert draft.list_left("unknown") == []
    survey = read_survey(read_wave(draft.wave))
    assert (len(survey.frame), survey.wave.year) == (1, 2023)


def test_a_column_of_dossiers_gets_its_role(tmp_path):
    """A form that names its dossier is joined to the records; no word of the draft has the code."""
    path = tmp_path / "khao-sat-2021.csv"
    row = "Sở A;H01.12-1;" + "4;" * 21 + "4\n"
    path.write_text("unit;Mã hồ sơ;" + ";".join(PACK.items) + "\n" + row, "utf-8")
    draft = draft_wave([path], tmp_path, "vi")
    written = draft.wave.read_text("utf-8")
    assert yaml.safe_load(written)["columns"]["dossier"] == "Mã hồ sơ"
    assert "H01.12" not in written
    assert read_survey(read_wave(draft.wave)).dossiers.tolist() == ["H01.12-1"]


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
    assert (draft.list_left("unknown"), draft.dropped) == ([], ["TT"])


def test_a_question_about_the_office_may_name_the_unit(tmp_path):
    """Online forms ask for it in a sentence; one spelling of a name is one unit."""
    pack = read_instrument("qd-2640-2017")
    head = ["Ông/bà đã giao dịch ở cơ quan nào?", *(it.vi for it in pack.items.values())]
    rows = [[name, *[5] * 22] for name in ("Sở Y tế", "SỞ Y TẾ ", "Sở  Nội vụ")]
    draft = draft_wave([book(tmp_path / "google.xlsx", Sheet1=[head, *rows])], tmp_path, "vi")
    assert (len(draft.unit_list), draft.file_is_unit) == (2, False)


def test_a_sheet_named_after_its_unit_names_it(tmp_path):
    """One file per unit, the sheet called after it: the file's name is only a file's name."""
    pack = read_instrument("qd-2640-2017")
    rows = [[it.vi for it in pack.items.values()], [4] * 22]
    draft = draft_wave([book(tmp_path / "syt.xlsx", **{"Sở Y tế": rows})], tmp_path, "vi")
    units = list(csv.DictReader(draft.units.read_text("utf-8-sig").splitlines()))
    assert [(unit["name_vi"], unit["group"]) for unit in units] == [("Sở Y tế", "Sở, ban, ngành")]
    assert draft.file_is_unit


def read_facts(draft):
    """Return the draft as the program would read it."""
    return yaml.safe_load(draft.wave.read_text("utf-8"))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        (["ĐƠN VỊ: SỞ Y TẾ"], "Sở Y tế"),
        (["ĐƠN VỊ: SỞ CÔNG THƯƠNG"], "Sở Công Thương"),
        (["Đơn vị : SỞ TÀI NGUYÊN VÀ MÔI TRƯỜNG"], "Sở Tài nguyên và Môi trường"),
        (["Tên đơn vị:", "", "Sở Tư pháp"], "Sở Tư pháp"),
        (["CƠ QUAN: UBND THÀNH PHỐ LONG XUYÊN"], "UBND thành phố Long Xuyên"),
        (["Đơn vị: UBND huyện Chợ Mới"], "UBND huyện Chợ Mới"),
        (["ĐƠN VỊ: ỦY BAN NHÂN DÂN XÃ TÂN AN"], "Ủy ban nhân dân xã Tân An"),
        (["ĐƠN VỊ: HUYỆN TRI TÔN"], "Huyện Tri Tôn"),
        (["ĐƠN VỊ: TRUNG TÂM HÀNH CHÍNH CÔNG"], "Trung tâm hành chính công"),
        (["Kỳ: tháng 10"], None),
        (["ĐƠN VỊ:"], None),
        (["Đơn vị: %"], None),
        (["", "", "Đơn vị: phiếu"], None),
    ],
)
@pytest.mark.quick_cases(1)
def test_the_title_rows_name_the_unit(tmp_path, title, name):
    """In capitals it is written as offices write it; a unit that nothing names is not made up."""
    rows = [["UBND TỈNH AN GIANG"], title, [], QUESTIONS, answers(), answers()]
    draft = draft_wave([book(tmp_path / "phieu.xlsx", Phiếu=rows)], tmp_path, "vi")
    assert read_facts(draft)["responses"][0].get("unit") == name


@pytest.mark.slow
def test_a_folder_may_hold_files_with_and_without_a_unit_column(tmp_path):
    """Two files of one unit get one row in units.csv; each month's sheet is an entry."""
    head, rows = [["ĐƠN VỊ: SỞ Y TẾ"], QUESTIONS], [answers()] * 3
    book(tmp_path / "a.xlsx", T1=[*head, *rows], T2=[*head, *rows])
    book(tmp_path / "b.xlsx", P=[["Đơn vị", *QUESTIONS], ["Sở Nội vụ", *answers()]])
    book(tmp_path / "c bo sung.xlsx", P=[["Tên đơn vị: Sở Y tế"], QUESTIONS, answers()])
    draft = draft_wave([tmp_path], tmp_path, "vi")
    facts = read_facts(draft)
    assert [(entry["file"], entry.get("unit")) for entry in facts["responses"]] == [
        ("a.xlsx", "Sở Y tế"),
        ("a.xlsx", "Sở Y tế"),
        ("b.xlsx", None),
        ("c bo sung.xlsx", "Sở Y tế"),
    ]
    assert facts["columns"]["unit"] == "Đơn vị"
    assert len(draft.unit_list) == 2


@pytest.mark.slow
def test_a_role_with_another_header_is_written_to_its_file(tmp_path):
    """What is the same in all files stands once; what differs, or is missing in one, by file."""
    days = ["Ngày khảo sát", "Dấu thời gian", None]
    paths = []
    for at, day in enumerate(days):
        extra = [day] if day else []
        rows = [["Hình thức", *extra, *QUESTIONS], ["giấy", *["1/2/2024"] * len(extra), *answers()]]
        paths.append(book(tmp_path / f"{at}.xlsx", P=rows))
    facts = read_facts(draft_wave(paths, tmp_path, "vi"))
    assert [entry.get("columns") for entry in facts["responses"]] == [
        {"date": "Ngày khảo sát"},
        {"date": "Dấu thời gian"},
        None,
    ]
    assert facts["columns"] == {"mode": "Hình thức", "ignore": None}


@pytest.mark.slow
def test_form_ids_that_restart_are_no_ids(tmp_path):
    """A form service counts the forms of each file from 1."""
    rows = [["ID", *QUESTIONS], [1, *answers()], [2, *answers()]]
    one = draft_wave([book(tmp_path / "a.xlsx", P=rows)], tmp_path, "vi")
    assert read_facts(one)["columns"]["form"] == "ID"
    (tmp_path / "two").mkdir()
    two = draft_wave(
        [tmp_path / "a.xlsx", book(tmp_path / "b.xlsx", P=rows)], tmp_path / "two", "vi"
    )
    assert "form" not in read_facts(two)["columns"]


@pytest.mark.slow
def test_folders_and_patterns_are_expanded(tmp_path):
    """Lock files are passed over; a file without answers is named, not read."""
    for name in ("a", "b"):
        book(tmp_path / f"{name}.xlsx", P=[QUESTIONS, answers()])
    (tmp_path / "~$a.xlsx").write_bytes(b"lock")
    (tmp_path / "danh-sach.csv").write_text("code,name\n1,x\n", "utf-8")
    (tmp_path / "ghi-chu.docx").write_bytes(b"PK")
    for at, given in enumerate([tmp_path, tmp_path / "*"]):
        folder = tmp_path / str(at)
        folder.mkdir()
        draft = draft_wave([given], folder, "vi")
        assert len(read_facts(draft)["responses"]) == 2
        assert sorted(draft.skipped) == ["danh-sach.csv", "ghi-chu.docx"]
    with pytest.raises(FileError, match="must exist"):
        draft_wave([tmp_path / "*.ods"], tmp_path, "vi")


@pytest.mark.slow
def test_old_wordings_are_proposed_as_comments(tmp_path):
    """Without the # they are read; before that the check names them."""
    short = {"Công chức hướng dẫn kê khai hồ sơ tận tình, chu đáo": "Hướng dẫn kê khai tận tình"}
    head = ["Dấu thời gian", *(short.get(text, text) for text in QUESTIONS)]
    book(tmp_path / "2024.xlsx", P=[head, ["2/2/2024", *answers()]])
    draft = draft_wave([tmp_path / "2024.xlsx"], tmp_path, "vi")
    assert draft.to_confirm == ["C4 = Hướng dẫn kê khai tận tình"]
    with pytest.raises(ColumnError, match='C4: "Hướng dẫn kê khai tận tình"'):
        read_survey(read_wave(draft.wave))
    text = draft.wave.read_text("utf-8")
    for line in ("#columns:", "#  items:", "#    C4:"):
        text = text.replace(f"  {line}", f"  {line[1:]}")
    draft.wave.write_text(text, "utf-8")
    assert read_survey(read_wave(draft.wave)).frame["C4"].tolist() == [3.0]


def test_labels_that_are_no_level_are_proposed(tmp_path):
    """Initials of a label have a likely level, other words none; remarks are not quoted."""
    words = [
        "HL",
        "RHL",
        "Tốt",
        "Hai long",
        "Không biết",
        "Tôi không đồng ý với cách làm việc này",
        "4",
        "44",
    ]
    rows = [[word, *answers()[1:]] for word in words]
    draft = draft_wave([book(tmp_path / "a.xlsx", P=[QUESTIONS, *rows])], tmp_path, "vi")
    lines = draft.wave.read_text("utf-8").split("  #labels:\n")[1].split("  ignore")[0]
    assert yaml.safe_load(lines.replace("#", "")) == {
        "HL": 4,
        "RHL": 5,
        "Tốt": None,
        "Hai long": 4,
    }
    assert draft.to_confirm == ["HL", "RHL", "Tốt", "Hai long", "Không biết"]
    text = draft.wave.read_text("utf-8").replace("  #blank:", "  blank:")
    assert yaml.safe_load(text)["responses"][0]["blank"] == ["Không biết"]
    assert "#collected: {from: , to: }" in text  # no column of days


@pytest.mark.parametrize(
    ("titles", "names", "year"),
    [
        pytest.param(["NĂM 2024"] * 3, ["a", "b", "c"], 2024, marks=pytest.mark.slow),
        (["NĂM 2024"] * 3, ["mẫu 2023", "mẫu 2022", "c"], 2024),
        (["", "", ""], ["a 2024", "b 2024", "c mẫu 2023"], 2024),
        pytest.param(["", "", ""], ["a", "b", "c"], None, marks=pytest.mark.slow),
        (["20240 phiếu", "", ""], ["a", "b", "c"], None),
    ],
)
@pytest.mark.quick_cases(1)
def test_the_year_is_the_one_that_most_files_name(tmp_path, titles, names, year):
    """A file named after last year's form does not decide."""
    paths = [
        book(tmp_path / f"{name}.xlsx", P=[[title], QUESTIONS, answers()])
        for name, title in zip(names, titles, strict=True)
    ]
    draft = draft_wave(paths, tmp_path, "vi")
    assert read_facts(draft)["year"] == year
    assert draft.year == year


@pytest.mark.parametrize(
    ("title", "province"),
    [
        ("UBND TỈNH AN GIANG", "tỉnh An Giang"),
        ("Ủy ban nhân dân tỉnh Bà Rịa - Vũng Tàu", "tỉnh Bà Rịa - Vũng Tàu"),
        ("UBND THÀNH PHỐ LONG XUYÊN", ""),
        ("Phiếu của UBND tỉnh An Giang", ""),
    ],
)
@pytest.mark.quick_cases(1)
def test_province_and_title_are_drafted_where_they_are_certain(tmp_path, title, province):
    """From the title rows, and the year of the file; else they are asked for by check."""
    rows = [[k + 1, NAMES[k % 3], *answers()] for k in range(12)]
    sheet = [[title], [], ["STT", "Tên đơn vị", *QUESTIONS], *rows]
    draft_wave([book(tmp_path / "phiếu 2024.xlsx", Sheet1=sheet)], tmp_path, "vi")
    facts = yaml.safe_load((tmp_path / "wave.yaml").read_text("utf-8"))
    assert facts["province"]["vi"] == province
    assert facts["title"] == {"vi": "Chỉ số hài lòng năm 2024"}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("folder", "title", "file", "name"),
    [
        ("ks", "UBND TỈNH AN GIANG", "phiếu 2024.xlsx", "an-giang-2024"),
        ("ks", "KẾT QUẢ KHẢO SÁT", "phiếu 2024.xlsx", "ks-2024"),
        ("khao-sat-2024", "UBND TỈNH AN GIANG", "phiếu 2024.xlsx", "khao-sat-2024"),
        ("ks", "UBND TỈNH AN GIANG", "phiếu.xlsx", "ks"),
    ],
)
def test_the_id_tells_the_year_and_is_explained(tmp_path, folder, title, file, name):
    """Results go to a folder of this name: ``ks`` would be the same every year."""
    rows = [[k + 1, NAMES[k % 3], *answers()] for k in range(12)]
    sheet = [[title], [], ["STT", "Tên đơn vị", *QUESTIONS], *rows]
    (tmp_path / folder).mkdir()
    draft = draft_wave([book(tmp_path / file, Sheet1=sheet)], tmp_path / folder, "vi")
    text = draft.wave.read_text("utf-8")
    assert f"\nid: {name}\n" in text
    assert "id: tên thư mục kết quả trong outputs" in text


@pytest.mark.parametrize("language", ["vi", pytest.param("en", marks=pytest.mark.slow)])
def test_a_draft_has_no_line_of_a_language_that_it_does_not_have(office, tmp_path, language):
    """An empty ``en: ''`` is one more line to wonder about; what is known stays."""
    facts = yaml.safe_load(draft_wave([office], tmp_path, language).wave.read_text("utf-8"))
    assert [*facts["title"]] == [*facts["publisher"]] == [language]
    assert facts["province"] == {"vi": "tỉnh An Giang"}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("header", ["STT", "Ghi chú: khác"])
def test_a_draft_says_where_nothing_is_left_to_decide(tmp_path, header):
    """Only if so: an officer need not read the rest of the file."""
    rows = [["x", NAMES[k % 3], *answers()] for k in range(12)]
    path = book(tmp_path / "phiếu 2024.xlsx", P=[[header, "Tên đơn vị", *QUESTIONS], *rows])
    text = draft_wave([path], tmp_path, "vi").wave.read_text("utf-8")
    line = "# Phần dưới không còn chỗ nào phải quyết định."
    assert (line in text) == (header == "STT")
    assert text.find(line) < text.index("responses:")


def test_days_tell_the_year(tmp_path):
    """Where no title does; a few wrong days do not decide."""
    rows = [[day, *answers()] for day in ("1/12/2024", "2/12/2024", "3/1/2025")]
    head = ["Ngày khảo sát", *QUESTIONS]
    draft = draft_wave([book(tmp_path / "a 2023.xlsx", P=[head, *rows])], tmp_path, "vi")
    assert read_facts(draft)["year"] == 2024


def test_a_year_that_is_not_found_is_asked_for(tmp_path):
    """The check says what is missing, not that '' is no whole number."""
    draft = draft_wave([book(tmp_path / "a.xlsx", P=[QUESTIONS, answers()])], tmp_path, "vi")
    with pytest.raises(ConfigError, match="`year` is empty"):
        read_wave(draft.wave)


@pytest.mark.slow
def test_long_headers_stay_valid_yaml(tmp_path):
    """Consents of 1,300 characters with colons, quotes and marks of YAML, taken as they stand."""
    texts = ["Phần đồng ý: {}", "{} # {}", "- {}: 'a' \"b\"", "{{{}}}", "&{}"]
    heads = [text.format("chúng tôi mời ông/bà: " * 60, "x").strip() for text in texts]
    rows = [[*heads, *QUESTIONS], [*["Đồng ý"] * len(heads), *answers()]]
    draft = draft_wave([book(tmp_path / "2024.xlsx", P=rows)], tmp_path, "vi")
    uncomment(draft.wave)
    ledger = read_survey(read_wave(draft.wave)).ledger
    assert (ledger["reason"] == "ignored").sum() == len(texts)


@pytest.mark.parametrize("shift", [pytest.param(0, marks=pytest.mark.slow), 2])
@pytest.mark.slow
def test_a_row_of_numbers_or_of_answers_is_no_header(tmp_path, shift):
    """Column numbers would shift every item; answers would swallow a form."""
    numbers = [*range(1, 40 + shift)]
    head = [*["Nhóm", "Nơi ở"][:shift], *(f"Câu hỏi thứ {k}" for k in range(1, 40))]
    rows = [[1] * shift + answers(39) for _ in range(5)]
    path = book(tmp_path / "a.xlsx", P=[["KẾT QUẢ"], head, numbers, *rows])
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.pack.id != "qd-1001-2023"
    assert read_facts(draft)["responses"][0]["header"] == 2


@pytest.mark.slow
def test_one_code_among_others_is_no_questionnaire(tmp_path):
    """Q1 of Q1 to Q28 is not the only question of a British pack."""
    head = [f"Q{k}" for k in range(1, 29)]
    draft = draft_wave([book(tmp_path / "a.xlsx", P=[head, *[answers(28)] * 9])], tmp_path, "en")
    assert not draft.pack.id.startswith("uk")
    (tmp_path / "uk").mkdir()
    uk = book(tmp_path / "uk.xlsx", P=[["Q1", "Ngày"], [4, "1/2/2024"], [5, "1/2/2024"]])
    assert draft_wave([uk], tmp_path / "uk", "en").pack.id.startswith("uk")


@pytest.mark.slow
def test_groups_are_named_in_the_language_of_the_draft(office, tmp_path):
    """And read in either language, or by code."""
    draft = draft_wave([office], tmp_path, "en")
    rows = list(csv.DictReader(draft.units.read_text("utf-8-sig").splitlines()))
    assert [row["group"] for row in rows] == ["Departments", "Districts", ""]
    text = draft.units.read_text("utf-8").replace("Đặc biệt,,", "Đặc biệt,,xã, PHƯỜNG, thị trấn")
    text = text.replace("xã, PHƯỜNG, thị trấn", '"xã, PHƯỜNG, thị trấn"')
    draft.units.write_text(text.replace("Districts", "districts"), "utf-8")
    uncomment(draft.wave)
    groups = read_survey(read_wave(draft.wave)).frame["group"]
    assert sorted(set(groups)) == ["communes", "departments", "districts"]


def test_units_that_may_be_one_are_named(tmp_path):
    """Two rows until a person says that they are one."""
    names = ["Sở Hòa Bình", "Sở Hoà Bình", "Sở Công Thương", "SCT", "Phường 1", "Phường 2"]
    rows = [[name, *answers()] for name in names]
    path = book(tmp_path / "a.xlsx", P=[["Đơn vị", *QUESTIONS], *rows])
    draft = draft_wave([path], tmp_path, "vi")
    assert len(draft.unit_list) == 6
    assert draft.to_confirm == ["Sở Hoà Bình = Sở Hòa Bình", "SCT = Sở Công Thương"]
    assert "“SCT” và “Sở Công Thương”: cùng một đơn vị?" in draft.wave.read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("UBND thành phố Long Xuyên", "Huyện, thị xã, thành phố"),
        ("Ủy ban nhân dân huyện Chợ Mới", "Huyện, thị xã, thành phố"),
        ("Uỷ ban nhân dân xã Tân An", "Xã, phường, thị trấn"),
        ("TP. Châu Đốc", "Huyện, thị xã, thành phố"),
        ("UBND phường Mỹ Bình", "Xã, phường, thị trấn"),
        ("Sở Xây dựng", "Sở, ban, ngành"),
        ("Bản tin", ""),
        ("Xây dựng", ""),
    ],
)
@pytest.mark.quick_cases(2)
def test_the_group_of_a_unit_is_known_by_its_first_words(tmp_path, name, group):
    """Also behind UBND; a word that only begins alike tells nothing."""
    rows = [["Đơn vị", *QUESTIONS], [name, *answers()], ["Sở B", *answers()]]
    draft = draft_wave([book(tmp_path / "a.xlsx", P=rows)], tmp_path, "vi")
    rows = list(csv.DictReader(draft.units.read_text("utf-8-sig").splitlines()))
    assert rows[0]["group"] == group


@pytest.mark.slow
def test_a_file_of_old_wordings_is_not_left_out(tmp_path):
    """Where other files tell the questionnaire, near wordings count as well; others are named."""
    old = [text if at < 5 else f"{text} hay không" for at, text in enumerate(QUESTIONS)]
    paths = [
        book(tmp_path / "a.xlsx", P=[["ĐƠN VỊ: Sở A"], QUESTIONS, answers()]),
        book(tmp_path / "b.xlsx", P=[["ĐƠN VỊ: Sở B"], old, answers()]),
        book(tmp_path / "c.xlsx", P=[[*QUESTIONS[:9], "Nơi ở"], [*answers(9), "x"]]),
    ]
    draft = draft_wave(paths, tmp_path, "vi")
    assert [entry["file"] for entry in read_facts(draft)["responses"]] == ["a.xlsx", "b.xlsx"]
    assert len(draft.to_confirm) == 17
    assert draft.skipped == ["c.xlsx"]
    assert "# Đã bỏ qua vì không tìm thấy một nửa số câu hỏi: c.xlsx" in draft.wave.read_text(
        "utf-8"
    )


@pytest.mark.parametrize(
    ("header", "texts", "is_asked"),
    [
        ("Chi nhánh nơi giao dịch", ["CN Long Xuyên", "CN Châu Đốc"], True),
        ("Phòng giao dịch", ["PGD số 1", "PGD số 2"], True),
        ("Bệnh viện Ông/Bà đến khám", ["Bình An", "Hạnh Phúc"], True),
        ("Khoa", ["Nội", "Ngoại", "Sản"], True),
        ("Cơ sở", ["Cơ sở 1", "Cơ sở 2"], True),
        ("Tên quầy", ["Quầy A", "Quầy B"], True),
        ("Thuộc chi cục nào?", ["Khu vực I", "Khu vực II"], True),
        ("Điểm", ["8", "9", "7"], False),
        ("Khoa", ["Nội"], False),
        ("Khoa", [f"Khoa số {at}" for at in range(12)], False),
        ("Cơ sở vật chất", ["Tốt", "Kém"], False),
        ("Ông/Bà đã đến quầy chưa?", ["Có", "Không"], False),
        ("Phương tiện", ["Xe máy", "Ô tô"], False),
    ],
)
@pytest.mark.quick_cases(1)
def test_a_column_that_may_name_the_unit_is_asked_about(tmp_path, header, texts, is_asked):
    """Else several offices would be one without a word."""
    rows = [[header, *QUESTIONS], *([texts[k % len(texts)], *answers()] for k in range(12))]
    draft = draft_wave([book(tmp_path / "a.xlsx", P=rows)], tmp_path, "vi")
    assert draft.unit_columns == ([header] if is_asked else [])
    said = "\n".join(text for text, _ in describe_draft(draft, "vi"))
    assert ("columns: unit:" in said) == is_asked


@pytest.mark.slow
def test_no_column_is_asked_about_where_one_names_the_unit(office, tmp_path):
    """The unit is known."""
    assert draft_wave([office], tmp_path, "vi").unit_columns == []


@pytest.mark.slow
def test_a_comment_of_the_draft_has_no_number_that_goes_stale(office, tmp_path):
    """The list is corrected by hand; its title stays right."""
    text = draft_wave([office], tmp_path, "vi").wave.read_text("utf-8")
    (line,) = (line for line in text.splitlines() if "chưa nhận ra" in line)
    assert not re.search(r"(?<![A-Z])\d", line)  # A1 is the code of an item


@pytest.mark.parametrize(
    ("headers", "nearest"),
    [
        ([f"C{at}" for at in range(1, 7)], ""),
        ([f"C{at}. Thầy cô số {at} giảng bài dễ hiểu" for at in range(1, 7)], ""),
        (QUESTIONS[:9], "qd-2640-2017 (9/22)"),
    ],
)
@pytest.mark.quick_cases(1)
def test_the_nearest_questionnaire_is_named_only_for_its_wordings(tmp_path, headers, nearest):
    """Codes such as C1 to C6 say nothing about what was asked."""
    rows = [headers, *([1 + k % 5] * len(headers) for k in range(10))]
    draft = draft_wave([book(tmp_path / "a.xlsx", P=rows)], tmp_path, "vi")
    assert draft.pack_file
    assert draft.choice.nearest == nearest


@pytest.mark.parametrize(
    ("answers_of_whole", "ends", "labels"),
    [
        (["9.0", "Hoàn toàn hài lòng", "8.0", "3"], (0, 10), {10: "Hoàn toàn hài lòng"}),
        (["2", "Rất hài lòng", "3", "4"], (1, 5), {5: "Rất hài lòng"}),
        (["0", "5", "9", "7", "10"], (0, 10), {}),
        (
            ["Hoàn toàn không hài lòng", "5", "9", "7", "Hoàn toàn hài lòng"],
            (0, 10),
            {0: "Hoàn toàn không hài lòng", 10: "Hoàn toàn hài lòng"},
        ),
        (["10. Tuyệt cú mèo", "9", "8", "7"], (0, 10), {10: "Tuyệt cú mèo"}),
    ],
)
@pytest.mark.slow
def test_numbers_with_labels_at_the_ends_are_a_scale(tmp_path, answers_of_whole, ends, labels):
    """The question on the whole has its own scale, and its answers are read."""
    headers = ["P1. Nơi chờ sạch sẽ", "P2. Nhân viên lịch sự", "Nhìn chung, hài lòng ở mức nào"]
    levels = ["Đồng ý", "Rất đồng ý", "Không đồng ý", "Rất không đồng ý"]
    draw = random.Random(1)
    rows = [[draw.choice(part) for part in (levels, levels, answers_of_whole)] for _ in range(24)]
    path = book(tmp_path / "a 2024.xlsx", P=[headers, *rows])
    draft = draft_wave([path], tmp_path, "vi")
    scale = draft.pack.overall_item.scale
    assert (scale.low, scale.high) == ends
    assert {level: label.vi for level, label in scale.labels.items()} == labels
    survey = read_survey(read_wave(draft.wave))
    assert survey.frame[draft.pack.overall_item.code].notna().all()


# ── what the files show and a person decides


def write_office(folder, header, rows, name="phiếu 2024.csv"):
    """Write forms of two units with further columns; every item answered."""
    codes = ["A1", "A2", "A3", *[code for code in PACK.items if code not in ("A1", "A2", "A3")]]
    lines = [",".join(["unit", *codes, *header])]
    lines += [
        ",".join(["so-a" if k % 2 else "so-b", *"4" * 22, *row]) for k, row in enumerate(rows)
    ]
    (folder / name).write_text("\n".join(lines) + "\n", "utf-8")
    return folder / name


def take_away_signs(path, *names):
    """Take away the # of the lines that begin with some names, and of lines below them."""
    lines, is_inside = [], False
    for line in path.read_text("utf-8").splitlines():
        starts = line.lstrip().startswith(tuple(f"#{name}:" for name in names))
        is_inside = starts or (is_inside and line.lstrip().startswith("#  "))
        lines.append(line.replace("#", "", 1) if is_inside else line)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_a_synthetic_wave_is_no_earlier_year(tmp_path):
    """`sipas demo thu` beside the first real survey: nothing to compare with."""
    for name, sign in (("thu", "synthetic: 'true'\n"), ("that", "synthetic: 'false'\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "wave.yaml").write_text(f"id: a\nyear: 2023\n{sign}", "utf-8")
    (tmp_path / "2024").mkdir()
    path = write_office(tmp_path / "2024", ["x"], [["1"]] * 4)
    text = draft_wave([path], path.parent, "vi").wave.read_text("utf-8")
    assert "\n#earlier: [../that/wave.yaml]  # " in text


def draft_all_kinds(folder):
    """Draft a wave whose proposals are of every kind; return its lines."""
    wordings = {"Công chức hướng dẫn kê khai hồ sơ tận tình, chu đáo": "Hướng dẫn kê khai tận tình"}
    names = {code: wordings.get(item.vi, code) for code, item in PACK.items.items()}
    head = ["Ngày khảo sát", "Đơn vị", "Giới tính của Ông/Bà", "_validation_status", "Ghi chú: x"]
    head += [names[code] for code in names if code != "A4"] + ["nhom1/A4", "nhom2/A4"]
    rows = [
        [
            *("2/2/2024", NAMES[k % 2], str(1 + k % 2)),
            *("Approved" if k % 3 else "Not approved", "x", "HL" if k else "Không biết"),
            *"4" * 20,
            *("3" * (k % 2), "3" * (1 - k % 2)),
        ]
        for k in range(8)
    ]
    book(folder / "phiếu 2024.xlsx", P=[head, *rows])
    numbered = [["ĐƠN VỊ: SỞ TƯ PHÁP"], [f"Câu {k}" for k in range(1, 23)], *[[4] * 22] * 4]
    book(folder / "b.xlsx", P=numbered)
    paths = [folder / "phiếu 2024.xlsx", folder / "b.xlsx"]
    return draft_wave(paths, folder, "vi").wave.read_text("utf-8").splitlines()


def take_sign_away(lines, at):
    """Delete the # of a line and of the lines above that it belongs to, nothing else."""
    changed, depth = [*lines], None
    for row in range(at, -1, -1):
        sign, content = re.fullmatch(r"( *#)(.*)", lines[row]).groups()
        indent = len(sign) - 1 + len(content) - len(content.lstrip())
        if depth is None or indent < depth:
            depth, changed[row] = indent, lines[row].replace("#", "", 1)
        if indent == len(sign) - 1 or not re.match(r" *#", lines[row - 1]):
            break
    return changed


def list_refusals(path):
    """Return the kind of a refusal, if the wave is refused."""
    try:
        read_wave(path)
    except SipasError as error:
        return [error.message_id]
    return []


@pytest.mark.slow
def test_each_drafted_line_is_right_once_only_its_sign_is_deleted(tmp_path):
    """Deleting # leaves YAML that is accepted, or refused for what it says; sentences stay."""
    lines = draft_all_kinds(tmp_path)
    usable = [at for at, line in enumerate(lines) if re.match(r" *#(?! [^ ]|   )", line)]
    kinds = ("decision", "earlier", "records", "columns", "labels", "indicators", "join", "only")
    kinds = (*kinds, "leave_out", "blank", "- file", "- 'Ghi chú")
    contents = [lines[at].strip()[1:] for at in usable]
    for kind in kinds:
        assert any(content.startswith(kind) for content in contents), kind
    before, refusals = yaml.safe_load("\n".join(lines)), []
    for at in usable:
        text = "\n".join(take_sign_away(lines, at)) + "\n"
        assert yaml.safe_load(text) != before, lines[at]
        (tmp_path / "wave.yaml").write_text(text, "utf-8")
        refusals += list_refusals(tmp_path / "wave.yaml")
    # province and publisher are empty, the decision has no number; nothing else is wrong
    assert {*refusals} <= {"config", "decision_number", "plan_alone"}, refusals


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Giới tính của Ông/Bà", "sex"),
        ("thongtin/gioi_tinh", "sex"),
        ("gioitinh", "sex"),
        ("Độ tuổi của Ông/Bà", "age"),
        ("thongtin/nhom_tuoi", "age"),
        ("Trình độ học vấn của Ông/Bà", "education"),
        ("Nghề nghiệp hiện nay", "occupation"),
        ("Nơi ở của Ông/Bà", "area"),
        ("Ông/Bà đã đi lại bao nhiêu lần để giải quyết công việc?", "visits"),
        ("Cơ quan có trễ hẹn trả kết quả cho Ông/Bà không?", "late"),
        ("thongtin/doi_tuong", "vulnerable"),
    ],
)
@pytest.mark.quick_cases(1)
def test_questions_beside_the_index_are_proposed(tmp_path, header, code):
    """By the words of offices; behind a #, and not among the columns that nobody knows."""
    path = write_office(tmp_path, [f'"{header}"'], [["1"], ["2"]] * 4)
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.list_left("unknown") == []
    assert draft.to_confirm[-1].startswith(f"{code} = {header}"[:30])
    assert "indicators" not in read_facts(draft)["columns"]
    take_away_signs(draft.wave, "indicators")
    assert read_facts(draft)["columns"]["indicators"] == {code: header}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("header", [["Tên giới"], ["Ý kiến"], ["Giới tính chủ nhà", "Giới tính 2"]])
def test_no_question_is_proposed_without_its_word_or_twice(tmp_path, header):
    """Two columns may hold it: the person decides."""
    path = write_office(tmp_path, header, [["1"] * len(header), ["2"] * len(header)] * 4)
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.list_left("unknown") == header


@pytest.mark.slow
def test_a_question_of_several_choices_is_proposed_with_its_columns(tmp_path):
    """KoboToolbox: the columns of its choices need no line of their own."""
    header = ["thongtin/doi_tuong", "thongtin/doi_tuong/HN", "thongtin/doi_tuong/NCC"]
    path = write_office(tmp_path, header, [["HN", "1", "0"], ["", "0", "0"]] * 4)
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.list_left("unknown") == []
    take_away_signs(draft.wave, "indicators")
    units = draft.units.read_text("utf-8").replace(",,,,,,,", ",,departments,,,,,")
    draft.units.write_text(units, "utf-8")
    answers = read_survey(read_wave(draft.wave)).frame["vulnerable"]
    assert answers.tolist() == ["HN", ""] * 4


def test_versions_of_a_question_are_proposed(tmp_path):
    """KoboToolbox: a question that moved to another group."""
    path = write_office(tmp_path, ["nhom1_moi/A4"], [["3"], [""]] * 4)
    text = path.read_text("utf-8").replace(",A4,", ",nhom1/A4,")
    path.write_text(text, "utf-8")
    draft = draft_wave([path], tmp_path, "vi")
    assert "# Một câu hỏi nằm ở nhiều cột." in draft.wave.read_text("utf-8")
    take_away_signs(draft.wave, "join")
    assert read_facts(draft)["columns"]["join"] == {"A4": ["nhom1/A4", "nhom1_moi/A4"]}


def test_rules_are_proposed_for_a_column_of_states(tmp_path):
    """The usual text counts, or the others do not."""
    texts = ["Approved", "", "Not approved", *["Not approved", ""] * 2, *["Approved"] * 4]
    path = write_office(tmp_path, ["_validation_status"], [[text] for text in texts])
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.dropped == []
    take_away_signs(draft.wave, "leave_out")
    facts = read_facts(draft)
    assert facts["leave_out"] == {"_validation_status": ["", "Not approved"]}
    assert "\n#only: {_validation_status: [Approved]}\n" in draft.wave.read_text("utf-8")


def test_a_state_that_never_varies_is_only_listed(tmp_path):
    """All approved: nothing to decide."""
    path = write_office(tmp_path, ["_validation_status"], [["Approved"]] * 4)
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.dropped == ["_validation_status"]
    assert "#only:" not in draft.wave.read_text("utf-8")


def test_the_place_of_a_form_is_personal(tmp_path):
    """KoboToolbox writes a point, and its parts in four columns with the group before."""
    parts = [
        f"_thongtin/vi_tri_{part}" for part in ("latitude", "longitude", "altitude", "precision")
    ]
    header = ["thongtin/vi_tri", *parts]
    path = write_office(tmp_path, header, [["10.37 105.43 0 0", "10.37", "105.43", "0", "0"]] * 4)
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.list_left("unknown") == []
    assert draft.dropped == header


def test_the_name_of_a_unit_is_its_usual_spelling(tmp_path):
    """The first form has another."""
    path = write_office(tmp_path, [], [[]] * 8)
    text = path.read_text("utf-8").replace("so-b", "Sở Y tế").replace("Sở Y tế", "sở y tế", 1)
    path.write_text(text.replace("so-a", "Sở Nội vụ"), "utf-8")
    draft = draft_wave([path], tmp_path, "vi")
    rows = csv.DictReader(draft.units.read_text("utf-8-sig").splitlines())
    assert [row["name_vi"] for row in rows] == ["Sở Y tế", "Sở Nội vụ"]


@pytest.mark.parametrize(
    ("pack", "write"),
    [("qd-1001-2023", str), ("qd-1001-2023", int), ("qd-2640-2017", "Câu {}".format)],
)
@pytest.mark.slow
def test_numbers_head_the_items_of_a_pack_that_the_user_names(tmp_path, pack, write):
    """Item n is column n: the draft says so, and a person takes it over."""
    n = len(read_instrument(pack).items)
    head = ["STT", "Đơn vị", *map(write, range(1, n + 1))]
    rows = [[k, "Sở Y tế", *(1 + (k * at) % 5 for at in range(n))] for k in range(1, 7)]
    path = book(tmp_path / "a.xlsx", P=[["KẾT QUẢ KHẢO SÁT NĂM 2024"], head, *rows])
    draft = draft_wave([path], tmp_path, "vi", pack)
    assert draft.numbered == ["a.xlsx"]
    assert read_facts(draft)["responses"][0]["header"] == 2
    assert len(draft.to_confirm) == (n if pack == "qd-2640-2017" else 0)
    text = re.sub("(?m)^  #(columns:|  )", r"  \1", draft.wave.read_text("utf-8"))
    draft.wave.write_text(text, "utf-8")
    survey = read_survey(read_wave(draft.wave))
    assert survey.frame[[*survey.instrument.items]].to_numpy().tolist() == [
        [float(level) for level in row[2:]] for row in rows
    ]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    "head",
    [
        [*range(1, 39)],  # one is missing
        [*range(39, 0, -1)],
        answers(39),
    ],
)
def test_other_numbers_head_no_items(tmp_path, head):
    """Not all of them, not in order, or answers: no header, also for a pack that is named."""
    path = book(tmp_path / "a.xlsx", P=[head, *[answers(39) for _ in range(5)]])
    with pytest.raises(FileError) as caught:
        draft_wave([path], tmp_path, "vi", "qd-1001-2023")
    assert caught.value.message_id == "nothing_recognised"


@pytest.mark.parametrize("question", ["Tên cơ quan", "Ông/Bà đến cơ quan nào?"])
@pytest.mark.slow
def test_the_wordings_below_the_names_of_qualtrics_tell_the_unit(tmp_path, question):
    """Names of questions, their wordings, ids as JSON; then the forms."""
    head = ["Q23", *PACK.items]
    ids = [f'{{"ImportId":"QID{at}"}}' for at in range(len(head))]
    rows = [[NAMES[k % 2], *[4] * 22] for k in range(6)]
    path = book(tmp_path / "2024.xlsx", P=[head, [question, *QUESTIONS], ids, *rows])
    draft = draft_wave([path], tmp_path, "vi")
    assert read_facts(draft)["columns"]["unit"] == "Q23"
    survey = read_survey(read_wave(draft.wave))
    assert survey.frame["unit"].value_counts().tolist() == [3, 3]


def test_a_name_of_qualtrics_whose_wording_asks_something_else_is_no_item(tmp_path):
    """The office's own A1 is not the A1 of the questionnaire."""
    head = ["unit", *PACK.items]
    wordings = ["Cơ quan", "Xin cho biết số tiền gia đình chi mỗi tháng", *QUESTIONS[1:]]
    ids = [f'{{"ImportId":"QID{at}"}}' for at in range(len(head))]
    rows = [[NAMES[k % 2], *[4] * 22] for k in range(6)]
    path = book(tmp_path / "2024.xlsx", P=[head, wordings, ids, *rows])
    with pytest.raises(ColumnError) as caught:
        read_survey(read_wave(draft_wave([path], tmp_path, "vi").wave))
    assert caught.value.message_id == "columns_unlike"


def test_an_empty_second_sheet_does_not_name_the_unit(tmp_path):
    """Excel adds “Sheet2” and “Sheet3” to each new workbook."""
    head, rows = ["STT", *QUESTIONS], [[k + 1, *[4] * 22] for k in range(6)]
    path = book(tmp_path / "Sở Y tế.xlsx", Sheet1=[head, *rows], Sheet2=[])
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.unit_list["name_vi"].tolist() == ["Sở Y tế"]
