"""Proposed columns: written once for all files, used by one option, with the line to write."""

import pytest
import yaml
from conftest import write_book

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import ConfigError, OutputError, SipasError
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.reports.draft_output import describe_draft, describe_proposals
from sipas_analysis.reports.form_owners import UNNAMED

PACK = read_instrument("qd-2640-2017")
HEADS = {code: item.vi for code, item in PACK.items.items()}
SHORT = {
    "A1": "Đủ chỗ ngồi chờ",
    "C2": "Công chức lắng nghe ý kiến",
    "D1": "Kết quả đúng quy định",
    "E4": "Thông báo kết quả xử lý góp ý kịp thời",
}
OTHER = {"A1": "Nơi ngồi chờ có đủ chỗ ngồi"}
AGES = ("18-24 tuổi", "Trên 60 tuổi", "35-49 tuổi")


def write_forms(path, heads, unit, ages=AGES):
    """Write five forms of a unit, with a column of ages that the questionnaire calls otherwise."""
    rows = [[k + 1, ages[k % len(ages)], *[3 + k % 3] * len(heads), 4] for k in range(5)]
    head = ["STT", "Tuổi", *heads.values(), "Đánh giá chung về sự phục vụ"]
    return write_book(path, P=[["NĂM 2026"], ["Đơn vị: " + unit], head, *rows])


@pytest.fixture
def office(tmp_path):
    """Three files with the same short headers; one of them has another header for A1."""
    for unit, heads in (("Sở Y tế", {}), ("Sở Nội vụ", {}), ("Sở Xây dựng", OTHER)):
        write_forms(tmp_path / "phieu" / f"{unit}.xlsx", HEADS | SHORT | heads, unit)
    return tmp_path


def draft(folder, **options):
    """Draft the wave of the folder as ``sipas init phieu --out .`` does."""
    return draft_wave([folder / "phieu"], folder, "vi", **options)


@pytest.fixture(autouse=True)
def make_folder(tmp_path):
    """Make the folder of the forms."""
    (tmp_path / "phieu").mkdir()


@pytest.mark.slow
def test_proposals_of_all_files_stand_once_and_a_file_has_only_its_own(office):
    """19 lines under each of nine files made 172; now a header stands once."""
    text = draft(office).wave.read_text("utf-8")
    responses, columns = text.split("\ncolumns:\n")
    for code, header in SHORT.items():
        assert text.count(f"{code}: {header}\n") == 1
        assert f"  #  {code}: {header}\n" in columns
    assert responses.count("items:") == 2  # the sentence, and the line of one file
    assert f"  #    A1: {OTHER['A1']}\n" in responses
    assert "items" not in yaml.safe_load(text)["columns"]


@pytest.mark.slow
def test_proposals_without_their_signs_are_what_the_option_writes(office):
    """Both ways lead to the same columns, and the wave is read with each file's own header."""
    plain = draft(office).wave.read_text("utf-8")
    lines = [
        line.replace("#", "", 1)
        if line.startswith(("  #  ", "  #items", "  #col", "  #ind"))
        else line
        for line in plain.splitlines()
    ]
    by_hand = yaml.safe_load("\n".join(lines))
    accepted = draft(office, accepts=True)
    facts = yaml.safe_load(accepted.wave.read_text("utf-8"))
    assert facts["columns"] == by_hand["columns"]
    assert facts["responses"] == by_hand["responses"]
    assert facts["columns"]["items"]["D1"] == SHORT["D1"]
    assert facts["columns"]["indicators"] == {"age": "Tuổi"}
    survey = read_survey(read_wave(accepted.wave))
    assert survey.frame["A1"].notna().sum() == 15
    assert set(survey.frame["age"]) == {"18-24", "over-60", "35-49"}


@pytest.mark.slow
def test_the_list_names_header_code_and_wording_and_the_line_to_type(office):
    """Once each, with the file where only one file has it; nothing is left to confirm."""
    first = draft(office)
    said = [text for text, _ in describe_proposals(first, "vi", "sipas init phieu --accept")]
    assert said[-1].endswith("sipas init phieu --accept")
    assert f"  “{SHORT['D1']}” → D1. {HEADS['D1']}" in said
    assert f"  “{OTHER['A1']}” → A1. {HEADS['A1']} (Sở Xây dựng.xlsx)" in said
    assert "  “Tuổi” → age. Nhóm tuổi" in said
    second = draft(office, accepts=True)
    used = [text for text, _ in describe_proposals(second, "vi", "")]
    assert used[1:] == said[1:-1]
    assert not any("Cần xác nhận" in text for text, _ in describe_draft(second, "vi"))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("accepts", "n"), [(False, 18), (True, 22)])
def test_the_first_line_counts_the_items_that_are_used(office, accepts, n):
    """With ``--accept`` the proposed ones, too."""
    text = draft(office, accepts=accepts).wave.read_text("utf-8")
    assert text.startswith(f"# Bản nháp do `sipas init` lập: nhận ra {n} tiêu chí")


@pytest.mark.slow
def test_only_a_draft_that_nobody_edited_is_written_again(office):
    """A second init refuses as before; with the option one edited byte is enough to refuse."""
    first = draft(office)
    with pytest.raises(OutputError):
        draft(office)
    draft(office, accepts=True)
    draft(office, accepts=True)  # its own draft
    with first.units.open("a", encoding="utf-8") as file:
        file.write("so-x,Sở X,\n")
    before = first.wave.read_bytes()
    with pytest.raises(OutputError) as caught:
        draft(office, accepts=True)
    assert caught.value.message_id == "draft_edited"
    assert "units.csv" in caught.value.text("vi")
    assert "wave.yaml khác" not in caught.value.text("vi")
    assert first.wave.read_bytes() == before


@pytest.mark.slow
def test_a_draft_beside_its_files_is_no_file_of_answers(tmp_path):
    """``sipas init .`` twice: wave.yaml and units.csv are not listed as files without answers."""
    write_forms(tmp_path / "a.xlsx", HEADS | SHORT, "Sở Y tế")
    draft_wave([tmp_path], tmp_path, "vi")
    again = draft_wave([tmp_path], tmp_path, "vi", accepts=True)
    assert again.skipped == []
    assert yaml.safe_load(again.wave.read_text("utf-8"))["responses"][0]["columns"]["items"]


@pytest.mark.slow
def test_ages_that_the_question_does_not_know_stay_a_proposal(tmp_path):
    """Years cannot be read as bands: the option leaves the line behind its #."""
    write_forms(tmp_path / "phieu" / "a.xlsx", HEADS, "Sở Y tế", ages=("31", "52"))
    accepted = draft(tmp_path, accepts=True)
    text = accepted.wave.read_text("utf-8")
    assert "  #indicators:\n  #  age: Tuổi\n" in text
    said = [text for text, _ in describe_draft(accepted, "vi", is_listed=True)]
    assert any(text.endswith("age = Tuổi") for text in said)


@pytest.mark.parametrize(
    ("header", "code"),
    [("Tuổi", "age"), ("Độ tuổi", "age"), ("3. Tuổi", "age"), ("Trình độ", "education"),
     ("Nghề nghiệp của Ông/Bà", "occupation"), ("Thành phần dân tộc", "ethnicity"),
     ("Dịch vụ cho người cao tuổi", "")],
)  # fmt: skip
@pytest.mark.quick_cases(1)
def test_usual_columns_on_the_person_are_proposed(tmp_path, header, code):
    """One word counts where it stands alone."""
    rows = [[k + 1, "x", *[4] * 22] for k in range(5)]
    head = ["STT", header, *HEADS.values()]
    write_book(tmp_path / "phieu" / "a.xlsx", P=[["Đơn vị: Sở Y tế"], head, *rows])
    assert draft(tmp_path).questions == ({code: header} if code else {})


@pytest.mark.slow
def test_check_shows_the_line_to_write(office):
    """The questions on the person and on the whole, as init proposes them."""
    wave = draft(office).wave
    with pytest.raises(SipasError) as caught:
        read_survey(read_wave(wave))
    said = caught.value.text("vi")
    assert '`indicators: {age: "Tuổi"}`' in said
    assert 'OVERALL: "Đánh giá chung về sự phục vụ"' in said
    found = {error.message_id for error in caught.value.errors}
    assert "columns_unknown" not in found
    assert "columns_questions" in found & UNNAMED  # the office settles it, not a unit


@pytest.mark.parametrize(
    ("line", "proposed"),
    [("age: Tuổi", 'indicators: {age: "Tuổi"}'), ("D1: Kết quả", 'items: {D1: "Kết quả"}')],
)
@pytest.mark.slow
def test_a_code_directly_under_columns_gets_the_line_that_is_right(office, line, proposed):
    """No absurd key is proposed (it was ``targets``)."""
    wave = draft(office).wave
    text = wave.read_text("utf-8").replace("\ncolumns:\n", f"\ncolumns:\n  {line}\n")
    wave.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_wave(wave)
    assert f"`{proposed}`?" in caught.value.text("vi")
    assert "targets" not in caught.value.text("vi")


@pytest.mark.parametrize("signs", ["#", "# "])
@pytest.mark.slow
def test_an_explanation_without_its_sign_is_named(office, signs):
    """Replace All of the #: the cause and the cure are said, not a blank that must go."""
    wave = draft(office).wave
    wave.write_text(wave.read_text("utf-8").replace(signs, ""), "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_wave(wave)
    assert caught.value.message_id == "not_yaml_note"
    assert "Hãy ghi lại dấu #" in caught.value.text("vi")
    assert caught.value.places[0].row == 1


@pytest.mark.slow
def test_words_that_are_no_pair_are_named(office):
    """An explanation of the user's own."""
    wave = draft(office).wave
    wave.write_text(wave.read_text("utf-8").replace("\nyear:", "\n ghi năm ở đây\nyear:"), "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_wave(wave)
    assert caught.value.message_id == "not_yaml_words"
