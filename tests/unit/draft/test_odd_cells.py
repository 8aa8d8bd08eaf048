"""A few odd cells never decide what a question of a drafted questionnaire is."""

import datetime
from pathlib import Path

import openpyxl
import pytest
import yaml

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import OutputError, SipasError
from sipas_analysis.instrument.answer_levels import order_columns
from sipas_analysis.reports.draft_output import describe_draft

LABELS = ["Rất không hài lòng", "Không hài lòng", "Bình thường", "Hài lòng", "Rất hài lòng"]
DAY = datetime.datetime(2024, 5, 4)  # Excel makes it of "4-5"
ODD = [DAY, "4/5", "3,5", "x", "Hài lòngg", "trên 5 lần"]
SCALES = {
    "numbers": [1, 2, 3, 4, 5, 4],
    "labels": [*LABELS, "Hài lòng"],
    "ten": [0, 2, 10, 8, 9, 7],
}


def write_answers(path: Path, levels: list, odd: list, n: int) -> Path:
    """Write a question for each odd value, which stands in its fifth form, and the sex."""
    book = openpyxl.Workbook()
    heads = [f"Việc thứ {chr(97 + at)} có tốt không" for at in range(len(odd))]
    book.active.append(["STT", *heads, "Giới tính"])
    for k in range(n):
        answers = [levels[(k + 2 * at) % len(levels)] for at in range(len(odd))]
        shown = [value if k == 4 and value else answers[at] for at, value in enumerate(odd)]
        book.active.append([k + 1, *shown, "Nam" if k % 2 else "Nữ"])
    book.save(path)
    return path


def draft_answers(folder: Path, levels: list, odd: list, n: int):
    """Draft a wave of one file, with its year."""
    draft = draft_wave([write_answers(folder / "a.xlsx", levels, odd, n)], folder, "vi")
    draft.wave.write_text(draft.wave.read_text("utf-8").replace("year:\n", "year: 2024\n"), "utf-8")
    return draft


@pytest.mark.parametrize("n", [8, 60])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.slow
def test_a_question_with_an_odd_cell_stays_an_item_and_the_cell_is_refused(tmp_path, scale, n):
    """A day, two levels, a mean, a cross, a typo, words: six items, six cells named by `check`."""
    draft = draft_answers(tmp_path, SCALES[scale], ODD, n)
    assert (len(draft.pack.items), [*draft.pack.indicators]) == (6, ["gioi-tinh"])
    assert draft.pack.scale.high == (10 if scale == "ten" else 5)
    with pytest.raises(SipasError) as caught:
        read_survey(read_wave(draft.wave))
    places = {(f"{place.letter}{place.row}", place.value) for place in caught.value.places}
    odd = ["2024-05-04", *map(str, ODD[1:])]
    assert places == {(f"{letter}6", text) for letter, text in zip("BCDEFG", odd, strict=True)}


@pytest.mark.slow
def test_an_odd_cell_in_one_file_of_several_is_refused(tmp_path):
    """The other file shows the scale; the file of the cell is named."""
    for name, odd in (("Sở Y tế", [None] * 6), ("Sở Tư pháp", ["4/5", *[None] * 5])):
        levels = SCALES["numbers"][:: 1 if any(odd) else -1]
        write_answers(tmp_path / f"{name}.xlsx", levels, odd, 6)
    draft = draft_wave([tmp_path], tmp_path, "vi")
    assert len(draft.pack.items) == 6
    draft.wave.write_text(draft.wave.read_text("utf-8").replace("year:\n", "year: 2024\n"), "utf-8")
    with pytest.raises(SipasError) as caught:
        read_survey(read_wave(draft.wave))
    assert [(place.file, f"{place.letter}{place.row}") for place in caught.value.places] == [
        ("Sở Tư pháp.xlsx", "B6")
    ]


@pytest.mark.parametrize("number", [0, 7, 55])
@pytest.mark.quick_cases(1)
def test_a_number_beyond_the_scale_lengthens_it_for_no_column(tmp_path, number):
    """Of eight forms one is an eighth, but the other columns are 1 to 5; so for many zeros."""
    path = write_answers(tmp_path / "a.xlsx", SCALES["numbers"], [number, *[None] * 5], 8)
    if number == 0:
        book = openpyxl.load_workbook(path)
        for row in (3, 4, 5):
            book.active.cell(row, 2).value = 0
        book.save(path)
    pack = draft_wave([path], tmp_path, "vi").pack
    assert (len(pack.items), pack.scale.high, [*pack.beside_items]) == (6, 5, [])
    assert all(item.scale is None for item in pack.items.values())


@pytest.mark.parametrize(("scale", "text"), [("numbers", DAY), ("labels", "Tạm được")])
@pytest.mark.slow
def test_a_frequent_answer_of_no_scale_is_listed_and_never_a_profile_question(
    tmp_path, scale, text
):
    """A third of the answers: no typing mistake, and no level that the program may guess."""
    path = write_answers(tmp_path / "a.xlsx", SCALES[scale], [None] * 6, 30)
    book = openpyxl.load_workbook(path)
    for row in range(2, 12):
        book.active.cell(row, 2).value = text
    book.save(path)
    draft = draft_wave([path], tmp_path, "vi")
    assert draft.choice.unordered == ["Việc thứ a có tốt không"]
    assert [*draft.pack.indicators] == ["gioi-tinh"]


@pytest.mark.slow
def test_words_with_a_number_that_many_chose_are_choices_and_named_on_the_screen(tmp_path):
    """“Over 3 times” is no level; the screen says what became of each column."""
    path = write_answers(tmp_path / "a.xlsx", SCALES["numbers"], [None] * 6, 30)
    book = openpyxl.load_workbook(path)
    for row in range(2, 12):
        book.active.cell(row, 2).value = "trên 3 lần"
    book.save(path)
    draft = draft_wave([path], tmp_path, "vi")
    lines = [text for text, _ in describe_draft(draft, "vi")]
    assert any("5 cột là tiêu chí tính vào chỉ số (mức 1–5, hài lòng từ mức 4)" in t for t in lines)
    profile = next(text for text in lines if "không tính vào chỉ số: Việc thứ a" in text)
    assert "Giới tính" in profile


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.slow
def test_no_opinion_is_no_answer_and_never_the_middle(tmp_path, scale):
    """It leaves numerator and denominator (rule M1), and the draft says so in three places."""
    draft = draft_answers(tmp_path, SCALES[scale], ["Không ý kiến", *[None] * 5], 30)
    facts = yaml.safe_load(draft.wave.read_text("utf-8"))
    assert (len(draft.pack.items), "labels" in (facts["columns"] or {})) == (6, False)
    assert draft.choice.no_answer == ["Không ý kiến"]
    assert any("Coi như không trả lời" in text for text, _ in describe_draft(draft, "vi"))
    assert draft.pack_file.read_text("utf-8").splitlines()[1].count("Không ý kiến") == 1
    survey = read_survey(read_wave(draft.wave))
    assert survey.frame[next(iter(draft.pack.items))].isna().sum() == 1


def test_no_opinion_with_a_number_between_others_is_the_middle():
    """“3. Không ý kiến” stands between 1 and 5; “9. Không ý kiến” does not."""
    texts = ["1. không đồng ý", "3. không ý kiến", "5. đồng ý"]
    assert order_columns({"q": texts})["q"].level_by_text["3. không ý kiến"] == 3
    levels = order_columns({"q": ["1. không đồng ý", "5. đồng ý", "9. không ý kiến"]})["q"]
    assert levels.no_answer["blank"] == ["9. không ý kiến"]


def test_a_drafted_code_is_never_the_header_of_another_column(tmp_path):
    """C1 names facilities in the file: no item is called C1, and C1 is not read as an item."""
    lines = [f"{k},CS{k % 2},{1 + k % 5},{5 - k % 5},{1 + k % 3}" for k in range(20)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["STT,C1,Ghế ngồi,C2. Lối đi,1. Chỗ xe", *lines]), "utf-8")
    draft = draft_wave([path], tmp_path, "vi")
    items = {item.vi: code for code, item in draft.pack.items.items()}
    assert items["Lối đi"] == "C2"
    assert len(items) == 3
    assert "C1" not in items.values()
    assert draft.sheets[0].placed.items[items["Ghế ngồi"]] == "Ghế ngồi"


@pytest.mark.slow
def test_all_files_that_are_there_are_named_in_one_error(tmp_path):
    """A second `init` into a folder is refused once, not once a file."""
    draft = draft_answers(tmp_path, SCALES["numbers"], [None] * 6, 8)
    (tmp_path / "units.csv").write_text("code\n", "utf-8")
    with pytest.raises(OutputError, match=r"has wave\.yaml, units\.csv, pack\.yaml already"):
        draft_wave([draft.sheets[0].path], tmp_path, "vi")


def test_a_questionnaire_of_several_files_is_named_after_the_folder(tmp_path):
    """The first of several files is not the questionnaire; a single file names it."""
    folder = tmp_path / "khao-sat-2026"
    folder.mkdir()
    files = [
        write_answers(tmp_path / f"{name}.xlsx", SCALES["numbers"], [None] * 3, 30)
        for name in ("Sở Nội vụ", "Sở Y tế")
    ]
    draft_wave(files, folder, "vi")
    pack = yaml.safe_load((folder / "pack.yaml").read_text("utf-8"))
    assert pack["title"] == {"vi": "Bộ câu hỏi của các tệp trong thư mục khao-sat-2026"}
    assert "Sở Nội vụ" not in pack["source"]
