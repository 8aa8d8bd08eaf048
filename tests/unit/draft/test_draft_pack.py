"""Packs that the user names, and packs drafted from answers or an XLSForm, up to the figures."""

import shutil
from pathlib import Path

import pytest
import xlsxwriter
import yaml
from conftest import PACK

import sipas_analysis as sipas
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import ConfigError, FileError, OutputError
from sipas_analysis.instrument.answer_levels import order_columns
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.instrument.pack_draft import make_code, split_header
from sipas_analysis.reports.draft_output import describe_draft

CASES = Path(__file__).parents[2] / "cases"


def write_csv(path: Path, header: str, *rows: str) -> Path:
    """Write a small file of answers."""
    path.write_text("\n".join([header, *rows, ""]), "utf-8")
    return path


def write_form(path: Path, survey: list[list[str]], choices: list[list[str]]) -> Path:
    """Write an XLSForm."""
    with xlsxwriter.Workbook(path) as book:
        for name, rows in (
            ("survey", survey),
            ("choices", choices),
            ("settings", [["form_title"]]),
        ):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


def draft_and_score(files, folder, pack="", **changes):
    """Draft a wave, apply the corrections of a person, read it and return survey and figures."""
    draft = draft_wave(files, folder, "vi", pack)
    wave = yaml.safe_load(draft.wave.read_text("utf-8")) | {"year": 2024} | changes
    draft.wave.write_text(yaml.safe_dump(wave, allow_unicode=True), "utf-8")
    survey = sipas.read_survey(sipas.read_wave(draft.wave))
    frame = sipas.score(survey).frame
    return draft, survey, dict(zip(frame["variable"], frame["value"], strict=True))


@pytest.mark.slow
def test_a_questionnaire_of_a_university_is_drafted_from_its_labels(tmp_path):
    """21 questions from “Hoàn toàn không đồng ý” to “Hoàn toàn đồng ý”: 400 of 630 by hand."""
    path = tmp_path / "phieu.xlsx"
    shutil.copy(CASES / "own-questionnaire" / "phieu.xlsx", path)
    draft, survey, values = draft_and_score([path], tmp_path, dates="m/d")
    assert [path.name for path in draft.written] == ["wave.yaml", "pack.yaml"]
    assert (len(survey.instrument.items), len(survey.frame)) == (21, 30)
    from openpyxl import load_workbook

    cells = [
        cell for row in load_workbook(path).active.iter_rows(min_row=3, min_col=3) for cell in row
    ]
    agree = sum(cell.value in ("Đồng ý", "Hoàn toàn đồng ý") for cell in cells)
    assert values["overall"] == pytest.approx(100 * agree / len(cells))
    assert survey.instrument.status == "unverified"
    head = draft.pack_file.read_text("utf-8").splitlines()[0]
    assert "reverse: true" in head
    assert "unverified là chưa đối chiếu với nguồn" in head


@pytest.mark.slow  # many files are drafted
def test_one_column_q1_of_28_is_no_questionnaire_of_the_united_kingdom(tmp_path):
    """A pack of 28 items is drafted from the header codes."""
    path = tmp_path / "a.csv"
    shutil.copy(CASES / "q1-of-28" / "a.csv", path)
    draft = draft_wave([path], tmp_path, "vi")
    units = draft.units.read_text("utf-8").replace(",,,,,,,", ",,departments,,,,,")
    draft.units.write_text(units, "utf-8")
    facts = yaml.safe_load(draft.wave.read_text("utf-8")) | {"year": 2024}
    draft.wave.write_text(yaml.safe_dump(facts), "utf-8")
    survey = sipas.read_survey(sipas.read_wave(draft.wave))
    assert [*survey.instrument.items] == [f"Q{k}" for k in range(1, 29)]
    assert len(draft.unit_list) == 3


def test_a_pack_named_by_the_user_is_the_questionnaire(tmp_path):
    """`--pack`: written relative to the wave; nothing is drafted beside it."""
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "mine.yaml").write_text(PACK, "utf-8")
    path = write_csv(tmp_path / "a.csv", "A1,A2,D1", "4,5,1", "3,4,4")
    named = str(tmp_path / "packs" / "mine.yaml")
    draft, survey, values = draft_and_score([path], tmp_path, named)
    assert yaml.safe_load(draft.wave.read_text("utf-8"))["instrument"] == "packs/mine.yaml"
    assert (survey.instrument.id, draft.pack_file) == ("small", None)
    assert values["overall"] == pytest.approx(100 * 4 / 6)


def test_a_pack_of_the_program_may_be_named_by_its_id(tmp_path):
    """The one question of the United Kingdom, if the user says so."""
    path = write_csv(tmp_path / "a.csv", "Q1", "4", "5", "2")
    draft = draft_wave([path], tmp_path, "vi", "uk-top2")
    assert draft.pack.id == "uk-top2"


@pytest.mark.parametrize(
    ("pack", "error", "words"),
    [
        ("no-such", ConfigError, "no pack “no-such”"),
        ("gone.yaml", FileError, "must exist"),
        ("gone.xlsx", FileError, "must exist"),
        ("a.csv", FileError, "XLSForm"),
    ],
)
def test_a_pack_that_cannot_be_read_is_refused(tmp_path, pack, error, words):
    """Nothing is written."""
    path = write_csv(tmp_path / "a.csv", "A1,A2,D1", "4,5,1")
    name = pack if pack == "no-such" else str(tmp_path / pack)
    with pytest.raises(error) as caught:
        draft_wave([path], tmp_path, "vi", name)
    assert words in caught.value.text("en")
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


def test_a_pack_that_is_there_is_not_overwritten(tmp_path):
    """The user may have corrected it."""
    path = write_csv(tmp_path / "a.csv", "Một,Hai", *["4,5", "1,2"] * 4)
    (tmp_path / "pack.yaml").write_text("mine", "utf-8")
    with pytest.raises(OutputError):
        draft_wave([path], tmp_path, "vi")
    assert (tmp_path / "pack.yaml").read_text("utf-8") == "mine"


GRID = (
    "Phòng chờ [Sạch],Phòng chờ [Rộng],Nhân viên [Lịch sự],Nhân viên [Nhanh],"
    "Nhìn chung bạn hài lòng đến đâu?,Bạn có giới thiệu cho người khác không?,Giới tính,"
    "Số điện thoại,Góp ý khác"
)


@pytest.mark.slow
def test_a_google_form_with_grids_is_drafted_with_factors_overall_and_nps(tmp_path):
    """Sạch 10 of 20, Rộng 20, Lịch sự 0, Nhanh 10: 40 of 80; overall 10 of 20; NPS 0 points."""
    rows = [
        "Tốt,Rất tốt,Kém,Không áp dụng,9,10,Nam,0912,góp ý {k}",
        "Trung bình,Tốt,Trung bình,Tốt,5,3,Nữ,0913,không có {k}",
    ]
    path = write_csv(
        tmp_path / "gg.csv", GRID, *(row.format(k=k) for k in range(10) for row in rows)
    )
    draft, survey, values = draft_and_score([path], tmp_path)
    pack = survey.instrument
    assert {code: part.vi for code, part in pack.factors.items()} == {
        "phong-cho": "Phòng chờ",
        "nhan-vien": "Nhân viên",
    }
    assert pack.overall_item.scale.levels == range(11)
    assert [pack.beside_items[code].scale.score for code in pack.beside_items] == ["nps"]
    assert values["overall"] == pytest.approx(100 * 40 / 70)
    assert values[pack.overall_item.code] == 50.0
    assert values[next(iter(pack.beside_items))] == 0.0
    assert (survey.ledger["reason"] == "not_applicable").sum() == 10
    written = "".join(path.read_text("utf-8") for path in draft.written)
    assert "góp ý 3" not in written
    assert "0912" not in written
    assert [*pack.indicators] == ["gioi-tinh"]
    assert "ignored" in set(survey.ledger["reason"])


def test_answers_without_a_known_order_are_listed_and_not_guessed(tmp_path):
    """Three questions with answers of an office's own; one of known answers makes the pack."""
    header = "Câu một,Câu hai,Câu ba,Câu bốn"
    rows = ["Ổn áp,Ổn áp,Chưa ổn,Hài lòng", "Hơi ổn,Chưa ổn,Hơi ổn,Không hài lòng"]
    path = write_csv(tmp_path / "a.csv", header, *rows * 5, "Chưa ổn,Hơi ổn,Ổn áp,Hài lòng")
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.choice.unordered == ["Câu một", "Câu hai", "Câu ba"]
    assert [item.vi for item in draft.pack.items.values()] == ["Câu bốn"]
    assert draft.pack.indicators == {}
    head = draft.pack_file.read_text("utf-8").split("id:")[0]
    assert "Ổn áp" in head
    assert "- Câu hai" in head


def test_a_file_of_words_only_is_still_refused(tmp_path):
    """No answer has an order: the nearest pack is named as before."""
    path = write_csv(tmp_path / "a.csv", "Họ,Quê", *(f"a{k},b{k}" for k in range(9)))
    with pytest.raises(FileError, match="At least half of the items"):
        draft_wave([path], tmp_path, "vi")
    assert not (tmp_path / "pack.yaml").exists()


SURVEY = [
    ["type", "name", "label::Tiếng Việt (vi)", "label::English (en)"],
    ["start", "start", "", ""],
    ["text", "ten", "Họ và tên", "Name"],
    ["begin_group", "g1", "Tiếp đón", "Reception"],
    ["select_one muc", "a1", "Bảo vệ lịch sự", "Polite guards"],
    ["select_one muc", "a2", "Chỉ dẫn rõ", "Clear signs"],
    ["end_group", "", "", ""],
    ["select_one gioi", "gt", "Giới tính", "Sex"],
    ["select_multiple kenh", "k", "Biết qua kênh nào", "Heard by"],
    ["range", "chung", "Đánh giá chung", "Overall"],
]
CHOICES = [
    ["list_name", "name", "label::Tiếng Việt (vi)", "label::English (en)"],
    ["muc", "1", "Rất kém", "Very poor"],
    ["muc", "2", "Kém", "Poor"],
    ["muc", "3", "Được", "Fair"],
    ["muc", "4", "Tốt", "Good"],
    ["muc", "5", "Rất tốt", "Very good"],
    ["muc", "99", "Không biết", "Don't know"],
    ["gioi", "1", "Nam", "Male"],
    ["gioi", "2", "Nữ", "Female"],
    ["kenh", "bao", "Báo", "Press"],
    ["kenh", "mang", "Mạng", "Web"],
]


def test_an_xlsform_gives_wording_order_groups_and_choices(tmp_path):
    """Kobo's data hold names; a1: 2 of 3 valid, a2: 1 of 4 at 4 or better."""
    parameters = [[*row, ""] for row in SURVEY]
    parameters[0][-1], parameters[-1][-1] = "parameters", "start=0 end=10 step=1"
    form = write_form(tmp_path / "form.xlsx", parameters, CHOICES)
    path = write_csv(
        tmp_path / "a.csv",
        "start,ten,g1/a1,g1/a2,gt,k,chung",
        "2024-05-02,x y,5,4,1,bao mang,8",
        "2024-05-02,x y,4,3,2,mang,7",
        "2024-05-02,x y,1,3,2,,2",
        "2024-05-02,x y,99,1,1,bao,10",
    )
    draft, survey, values = draft_and_score([path], tmp_path, str(form))
    pack = survey.instrument
    assert (pack.items["a1"].vi, pack.factors["tiep-don"].vi) == ("Bảo vệ lịch sự", "Tiếp đón")
    assert pack.scale.labels[3].vi == "Được"
    assert "99" in pack.list_codes("a1", "blank")
    assert (pack.overall_item.code, pack.overall_item.scale.levels) == ("chung", range(11))
    assert {code: level.vi for code, level in pack.indicators["gt"].levels.items()} == {
        "1": "Nam",
        "2": "Nữ",
    }
    assert pack.indicators["k"].kind == "many"
    assert values["a1"] == pytest.approx(100 * 2 / 3)
    assert values["a2"] == 25.0
    assert values["chung"] == 50.0
    assert survey.has_choice("k", "mang").sum() == 2
    assert draft.dropped  # the name of the respondent
    assert "x y" not in draft.wave.read_text("utf-8") + draft.pack_file.read_text("utf-8")


def test_an_xlsform_whose_choices_are_words_is_ordered_by_their_labels(tmp_path):
    """Names such as rat_hai_long stand in the data; the labels tell the order."""
    survey = [["type", "name", "label"], *(["select_one m", f"c{k}", f"Câu {k}"] for k in (1, 2))]
    labels = ["Rất không hài lòng", "Không hài lòng", "Bình thường", "Hài lòng", "Rất hài lòng"]
    choices = [["list name", "name", "label"]]
    choices += [["m", make_code(text).replace("-", "_"), text] for text in labels[::-1]]
    form = write_form(tmp_path / "form.xlsx", survey, choices)
    path = write_csv(tmp_path / "a.csv", "c1,c2", "rat_hai_long,hai_long", "binh_thuong,Hài lòng")
    _, _, values = draft_and_score([path], tmp_path, str(form))
    assert [values["c1"], values["c2"]] == [50.0, 100.0]


def test_an_xlsform_without_an_ordered_question_is_refused(tmp_path):
    """Yes and no are no scale, whatever their numbers."""
    survey = [["type", "name", "label"], *(["select_one yn", f"c{k}", f"Câu {k}"] for k in (1, 2))]
    choices = [["list_name", "name", "label"], ["yn", "1", "Có"], ["yn", "2", "Không"]]
    form = write_form(tmp_path / "form.xlsx", survey, choices)
    path = write_csv(tmp_path / "a.csv", "c1,c2", "1,2")
    with pytest.raises(FileError, match="known order"):
        draft_wave([path], tmp_path, "vi", str(form))


@pytest.mark.parametrize(
    ("texts", "ends", "levels"),
    [
        (["1", "4", "5"], (1, 5), [1, 4, 5]),
        (["0", "7", "10"], (0, 10), [0, 7, 10]),
        (["1", "7", "3"], (1, 7), [1, 7, 3]),
        (["1", "4", "3"], (1, 4), [1, 4, 3]),
        (["5. rất tốt", "1. rất kém"], (1, 5), [5, 1]),
        (["5 - rất hài lòng", "4"], (1, 5), [5, 4]),
        (["3 (bình thường)", "2 (kém)"], (1, 3), [3, 2]),
        (["hài lòng", "rất hài lòng", "không trả lời"], (1, 5), [4, 5]),
        (["strongly agree", "disagree"], (1, 5), [5, 2]),
        (["rất dễ", "khó"], (1, 5), [5, 2]),
        (["thường xuyên", "hiếm khi"], (1, 5), [4, 2]),
    ],
)
def test_answers_of_usual_families_are_ordered(texts, ends, levels):
    """Numbers, numbers with labels, and labels."""
    answers = order_columns({"q": texts})["q"]
    assert (answers.low, answers.high) == ends
    assert [*answers.level_by_text.values()] == levels


@pytest.mark.parametrize(
    "texts",
    [
        ["nam", "nữ"],
        ["1. nam", "2. nữ"],
        ["1. có", "2. không"],
        ["0", "1"],
        ["18", "25", "60"],
        ["bình thường"],
        ["hài lòng", "màu xanh"],
        ["kinh", "hoa"],
        [],
    ],
)
def test_answers_that_are_no_scale_are_left_alone(texts):
    """Sex, yes and no, ages, one neutral word, and words of two families."""
    assert order_columns({"q": texts}) == {}


def test_a_neutral_word_takes_the_family_of_its_neighbours():
    """“Bình thường” belongs to five families; most columns agree or disagree."""
    columns = {"a": ["đồng ý", "bình thường"], "b": ["không đồng ý"], "c": ["bình thường", "tốt"]}
    ordered = order_columns(columns)
    assert ordered["a"].labels[5] == "hoàn toàn đồng ý"
    assert ordered["c"].labels[5] == "rất tốt"


@pytest.mark.parametrize(
    ("columns", "levels"),
    [
        ({"a": "12345", "b": ["5", "4", "rất hài lòng", "bình thường"]}, {5: 2, 4: 1, 3: 1}),
        (
            {"a": "12345", "b": ["1", "2", "3", "4", "5", "hài lòng"]},
            {1: 1, 2: 1, 3: 1, 4: 2, 5: 1},
        ),
        ({"a": "1234567", "b": [*"23456", "rất hài lòng"]}, {2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1}),
        ({"a": "1234567", "b": [*"234", "rất hài lòng"]}, {}),
        ({"a": "1234", "b": [*"234", "rất hài lòng"]}, {}),
        ({"a": "12345", "b": [*"2345", "ổn"]}, {}),
    ],
)
def test_words_beside_numbers_are_levels_of_their_family_or_left_open(columns, levels):
    """“Very satisfied” is a 5 beside 1 to 5, a 7 beside 6; open where 7 or 4 may fit."""
    ordered = order_columns({name: [*texts] for name, texts in columns.items()})
    found = [*ordered["b"].level_by_text.values()] if "b" in ordered else []
    assert {level: found.count(level) for level in found} == levels
    assert "b" not in ordered or ordered["b"].high == (7 if 7 in levels else 5)


MIXED = "Câu 1,Câu 2,Câu 3,Câu 4,Ý kiến khác,Lời nhắn,Người làm chứng"


def test_stray_texts_change_no_scale_and_remarks_and_names_are_never_published(tmp_path):
    """Typed words, a 55, a 0 and a word that means nothing: four items of 1 to 5."""
    rows = [
        f"{1 + k % 5},{1 + k % 5},{1 + k % 5},{1 + k % 5},tốt,không,"
        f"{['Nguyễn Văn An', 'Trần Thị Bé', 'Lê Hoàng Út'][k % 3]}"
        for k in range(40)
    ]
    rows[4] = "5,Rất hài lòng,55,ổn lắm,tốt,Bà Hoa thu thêm tiền của tôi,Lê Hoàng Út"
    rows[9] = "5,Rất hài lòng,0,ổn lắm,tốt,không,Lê Hoàng Út"
    path = write_csv(tmp_path / "a.csv", MIXED, *rows)
    draft = draft_wave([path], tmp_path, "vi")
    scale = draft.pack.scale
    assert (scale.low, scale.high, scale.satisfied_from) == (1, 5, 4)
    assert [item.vi for item in draft.pack.items.values()] == ["Câu 1", "Câu 2", "Câu 3", "Câu 4"]
    assert all(item.scale is None for item in draft.pack.items.values())
    assert draft.pack.indicators == {}
    assert draft.choice.labels == {"Rất hài lòng": 5}
    assert {"Ý kiến khác", "Lời nhắn", "Người làm chứng"} <= {*draft.dropped}
    written = "".join(path.read_text("utf-8") for path in draft.written)
    assert not any(text in written for text in ("Bà Hoa", "Trần Thị", "Lê Hoàng"))
    assert "ổn lắm" in written  # a word to be given a level


def test_numbers_and_many_words_are_listed_and_never_who_answers(tmp_path):
    """Half of the answers are words that no family has: the question is named on the screen."""
    rows = [f"{1 + k % 5},{['1', '2', '3', 'ổn', 'chưa', 'được'][k % 6]}" for k in range(60)]
    draft = draft_wave([write_csv(tmp_path / "a.csv", "Câu 1,Câu 2", *rows)], tmp_path, "vi")
    assert (draft.choice.unordered, draft.pack.indicators) == (["Câu 2"], {})


@pytest.mark.slow
def test_a_header_of_two_rows_names_all_columns_of_a_drafted_pack(tmp_path):
    """Groups above the questions; the names of persons stand below the upper row only."""
    for name, first in (("a", "STT"), ("b", "Đơn vị")):
        with xlsxwriter.Workbook(tmp_path / f"{name}.xlsx") as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, [first, "Họ và tên", "I. Tiếp cận", "", "Giới tính"])
            sheet.write_row(1, 0, ["", "", "Bảng chỉ dẫn", "Chỗ ngồi"])
            for k in range(20):
                person = "Lê Hoàng Út" if k % 2 else "Trần Thị Bé"
                start = [k] if name == "a" else ["Huyện Châu Phú"]
                sheet.write_row(2 + k, 0, [*start, person, 1 + k % 5, 5, "Nam" if k % 2 else "Nữ"])
    draft = draft_wave([tmp_path / "a.xlsx", tmp_path / "b.xlsx"], tmp_path, "vi")
    assert [item.vi for item in draft.pack.items.values()] == ["Bảng chỉ dẫn", "Chỗ ngồi"]
    assert [*draft.pack.indicators] == ["gioi-tinh"]
    assert [sheet.table.header for sheet in draft.sheets] == [(1, 2), (1, 2)]
    assert "Lê Hoàng" not in draft.pack_file.read_text("utf-8")


def write_numbered(path: Path, unit: str, head: list[str]) -> Path:
    """Write two header rows, the lower one with the numbers of 22 questions, and six forms."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("P")
        sheet.write_row(0, 0, ["STT", "Đơn vị", "Ngày khảo sát", "I. Tiếp cận"])
        sheet.write_row(1, 0, ["", "", "", *head])
        for k in range(6):
            row = [k + 1, unit, f"{k + 1}/3/2024", *(1 + (k * at) % 5 for at in range(len(head)))]
            sheet.write_row(2 + k, 0, row)
    return path


@pytest.mark.slow  # many files are drafted
def test_columns_that_number_the_questions_of_a_pack_name_that_pack(tmp_path):
    """22 questions of 1 to 5 may be those of QĐ 2640; `--pack` then pairs A1 with “Câu 1”."""
    head = [f"Câu {k}" for k in range(1, 23)]
    path = write_numbered(tmp_path / "a.xlsx", "Sở Y tế", head)
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.choice.numbered == ["qd-2640-2017"]
    assert "--pack qd-2640-2017" in draft.wave.read_text("utf-8")
    assert any("--pack qd-2640-2017" in text for text, _ in describe_draft(draft, "vi"))
    named = draft_wave([path], tmp_path / "named", "vi", "qd-2640-2017")
    assert named.choice.numbered == []
    assert dict(named.sheets[0].nearest)["E4"] == "Câu 22"


@pytest.mark.slow
def test_skipped_files_are_drafted_behind_a_mark(tmp_path):
    """One file has codes, one has numbers: entry, items and unit of the latter for a person."""
    codes = [*read_instrument("qd-2640-2017").items]
    paths = [
        write_numbered(tmp_path / "a.xlsx", "Sở Y tế", codes),
        write_numbered(tmp_path / "b.xlsx", "Sở Tư pháp", [f"Câu {k}" for k in range(1, 23)]),
    ]
    draft = draft_wave(paths, tmp_path, "vi")
    assert draft.skipped == ["b.xlsx"]
    text = draft.wave.read_text("utf-8")
    start = text.index("#- file: b.xlsx")
    block = text[start : text.index("\n\n", start)]
    lines = [line for line in block.splitlines() if line.startswith(("#-", "#  "))]
    entry = yaml.safe_load("\n".join(line[1:] for line in lines if "," not in line))[0]
    assert (entry["sheet"], entry["header"]) == ("P", [1, 2])
    assert entry["columns"]["items"]["A1"] == "Câu 1"
    assert "so-tu-phap,Sở Tư pháp" in block
    assert "Sở Tư pháp" not in draft.units.read_text("utf-8")
    assert "collected: {from: 2024-03-01, to: 2024-03-06}" in text


def test_fieldwork_is_drafted_only_from_days_of_all_files(tmp_path):
    """Of two files, one has no days: both ends stay open."""
    first = write_csv(tmp_path / "a.csv", "Ngày khảo sát,Một,Hai", *["5/3/2024,4,5"] * 5)
    second = write_csv(tmp_path / "b.csv", "Một,Hai", *["4,5", "1,2"] * 4)
    draft = draft_wave([first, second], tmp_path, "vi")
    assert "collected: {from: , to: }" in draft.wave.read_text("utf-8")


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("1. Giảng viên nhiệt tình", ("", "C1", "Giảng viên nhiệt tình")),
        ("Câu 12: Thời gian", ("", "C12", "Thời gian")),
        ("A1. Lịch sự", ("", "A1", "Lịch sự")),
        ("Q7", ("", "Q7", "Q7")),
        ("Phòng chờ [Sạch sẽ]", ("Phòng chờ", "", "Sạch sẽ")),
        ("nhom1/a1", ("nhom1", "", "a1")),
        ("Thái độ phục vụ", ("", "", "Thái độ phục vụ")),
    ],
)
def test_a_header_has_group_code_and_wording(header, parts):
    """As form services and offices write them."""
    assert split_header(header) == parts


def test_a_drafted_pack_may_be_read_like_any_other(tmp_path):
    """A mistake made while correcting it is named with its line."""
    path = write_csv(tmp_path / "a.csv", "Một,Hai", *["4,5", "1,2"] * 4)
    draft = draft_wave([path], tmp_path, "vi")
    text = draft.pack_file.read_text("utf-8").replace("satisfied_from: 4", "satisfied_from: 9")
    draft.pack_file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="Line 10"):
        read_instrument(draft.pack_file)


def test_a_question_that_has_a_word_of_the_profile_may_be_an_item(tmp_path):
    """The place, not the respondent's; a 1 or 2 for sex is no level."""
    header = "Khu vực chờ sạch sẽ,Trình độ chuyên môn,Giới tính,Độ tuổi"
    path = write_csv(tmp_path / "a.csv", header, *["4,Tốt,1,2", "2,Rất tốt,2,5", "5,Kém,2,1"] * 3)
    pack = draft_wave([path], tmp_path, "vi").pack
    rated = [pack.find_question(code).vi for code in pack.rated_codes]
    assert {*rated} == {"Khu vực chờ sạch sẽ", "Trình độ chuyên môn"}
    assert {indicator.vi for indicator in pack.indicators.values()} == {"Giới tính", "Độ tuổi"}


def test_sums_and_means_below_the_answers_are_no_levels(tmp_path):
    """Else 4.1 would be level 4 with the label "1", and the row of means a form."""
    rows = [f"{at},{2 + at % 4},{5 - at % 3}" for at in range(1, 21)]
    footers = [["Trung bình,4.1,4.3", "Tổng,82,86"], [",4.1,4.3"]]
    for number, footer in enumerate(footers):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = write_csv(folder / "a.csv", "STT,Ghế ngồi,Chỗ để xe", *rows, *footer)
        pack = draft_wave([path], folder, "vi").pack
        assert ([*pack.items], pack.scale.labels, pack.indicators) == (["C1", "C2"], {}, {})


def test_a_label_that_some_questions_lack_is_that_of_the_files(tmp_path):
    """The first question has no "Disagree"; the level has no Vietnamese label for that."""
    path = write_csv(tmp_path / "a.csv", "Ghế,Xe", *["Agree,Disagree", "Neutral,Agree"] * 3)
    assert draft_wave([path], tmp_path, "vi").pack.scale.labels[2].vi == "Disagree"
