"""The steps of ``start.ipynb``: nothing is written before it is asked for, nothing of its own."""

import re
from datetime import UTC, datetime

import pytest
import yaml
from conftest import write_book

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.desk.start_page import StartPage
from sipas_analysis.desk.start_steps import (
    Answers,
    Line,
    check_wave,
    describe_error,
    keep_upload,
    list_answer_files,
    list_word_files,
    look_at_files,
    show_lines,
    write_wave_files,
)
from sipas_analysis.draft.decisions import decide, list_choices
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import OutputError
from sipas_analysis.instrument.pack import read_instrument

PACK = read_instrument("qd-2640-2017")
CHOSEN = {("item", "E4"): "Câu cuối", ("label", "Tạm được"): "3"}
FACTS = {"title": {"vi": "Đợt thử"}, "year": 2024}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the workbook of an office: one wording and one label that nobody knows."""
    place = tmp_path_factory.mktemp("office")
    wordings = [item.vi for item in PACK.items.values()]
    wordings[-1] = "Câu cuối"
    head = ["Tên đơn vị", "Họ và tên", "Ý kiến", *wordings]
    levels = (5, 4, "Hài lòng", 3, "Tạm được")
    rows = [
        [("Sở Nội vụ", "Trung tâm A")[k % 2], "An", "x", *(levels[(k + j) % 5] for j in range(22))]
        for k in range(20)
    ]
    write_book(place / "phiếu.xlsx", Sheet1=[["UBND"], [], head, *rows])
    return place


@pytest.fixture(scope="module")
def draft(folder):
    """What is recognised in it."""
    return look_at_files([folder / "phiếu.xlsx"], folder / "wave", "vi")


def test_looking_writes_nothing(folder, draft):
    """Files are read, units and items recognised."""
    assert [path.name for path in folder.iterdir()] == ["phiếu.xlsx"]
    assert len(draft.unit_list) == 2


def test_the_choices_are_the_proposals_of_init(draft):
    """Roles, items and words; personal columns are no option."""
    choices = {choice.key: choice for choice in list_choices(draft)}
    assert choices["role", "unit"].value == "Tên đơn vị"
    assert choices["item", "A1"].value == PACK.items["A1"].vi
    assert choices["item", "E4"].value == ""
    assert choices["label", "Tạm được"].options == ["", "1", "2", "3", "4", "5", "blank"]
    assert all("Họ và tên" not in choice.options for choice in choices.values())


def test_undecided_the_file_is_that_of_init(folder, tmp_path):
    """The page writes nothing of its own."""
    paths = [folder / "phiếu.xlsx"]
    by_init = draft_wave(paths, tmp_path / "a", "vi").wave.read_text("utf-8")
    by_page = write_wave_files(paths, tmp_path / "b", "vi", Answers()).wave.read_text("utf-8")
    lines = [line for line in by_page.splitlines() if line not in by_init.splitlines()]
    assert lines == ["id: b", "- file: phiếu.xlsx"]  # the files are copied beside it


@pytest.mark.slow  # the steps of the page run
def test_what_is_decided_can_be_read(folder, tmp_path):
    """Items, labels, facts, groups and what is left out, without a #."""
    answers = Answers(CHOSEN, FACTS, {"Trung tâm A": "Sở, ban, ngành"}, ignores_rest=True)
    draft = write_wave_files([folder / "phiếu.xlsx"], tmp_path / "wave", "vi", answers)
    facts = yaml.safe_load(draft.wave.read_text("utf-8"))
    assert facts["responses"][0]["columns"]["items"] == {"E4": "Câu cuối"}
    assert facts["columns"]["labels"] == {"Tạm được": 3}
    assert facts["columns"]["ignore"] == ["Ý kiến"]
    survey, printed = check_wave(tmp_path / "wave", "vi")
    assert survey.units["group"].tolist() == ["departments", "departments"]
    assert survey.frame["E4"].notna().all()
    assert printed[0][0] == "Đợt thử: đọc 20 phiếu, hợp lệ 20, 2 đơn vị."


def test_another_column_of_a_known_item_takes_its_place(draft):
    """The column that was recognised is not read any more, so the item has one column."""
    decided = decide(draft, {("item", "A1"): "Câu cuối"})
    assert decided.chosen.items == {"A1": "Câu cuối"}
    assert decided.chosen.ignored == [PACK.items["A1"].vi]


def test_no_column_of_the_unit_leaves_one_unit(draft):
    """The drop-down has an empty option."""
    decided = decide(draft, {("role", "unit"): ""})
    assert "unit" not in decided.shared
    assert decided.unit_list["name_vi"].tolist() == []


@pytest.mark.slow  # the steps of the page run
def test_nothing_is_written_over(folder, tmp_path):
    """Neither a wave nor another file of the same name."""
    paths = [folder / "phiếu.xlsx"]
    write_wave_files(paths, tmp_path, "vi", Answers())
    with pytest.raises(OutputError, match=r"has wave\.yaml, units\.csv already"):
        write_wave_files(paths, tmp_path, "vi", Answers())
    (tmp_path / "wave.yaml").unlink()
    (tmp_path / "phiếu.xlsx").write_bytes(b"another")
    with pytest.raises(OutputError, match=r"phiếu\.xlsx exists already"):
        write_wave_files(paths, tmp_path, "vi", Answers())


@pytest.mark.parametrize("name", ["../../a.xlsx", "C:\\x\\a.xlsx", ".a.xlsx"])
def test_an_upload_stays_in_its_folder(tmp_path, name):
    """A name is no path."""
    assert keep_upload(name, b"x", tmp_path) == tmp_path / "a.xlsx"


def test_files_are_listed_without_those_of_the_program(folder, tmp_path):
    """No list of units, plan, output, hidden file, lock file or folder of a wave."""
    names = ("a.xlsx", "b.csv", "c.sav", "units.csv", "plan.xlsx", "~$a.xlsx", ".d.csv", "e.txt")
    for name in (*names, "in/f.csv", "outputs/g.csv", "wave/h.csv", "wave/wave.yaml", ".x/i.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    listed = [path.relative_to(tmp_path).as_posix() for path in list_answer_files(tmp_path)]
    assert listed == ["a.xlsx", "b.csv", "c.sav", "in/f.csv"]


def test_an_error_is_a_paragraph_and_never_markup(monkeypatch, tmp_path):
    """A crash names its kind and a file, not the text of the exception."""
    monkeypatch.chdir(tmp_path)
    known = describe_error(OutputError("exists", path="<b>"), "vi")
    assert len(known) == 1
    assert "<b>" not in show_lines([Line("<b>x</b>")], "vi")
    crash = describe_error(KeyError("secret"), "vi")[0].text
    assert "KeyError" in crash
    assert "secret" not in crash
    assert (tmp_path / "sipas-error.log").exists()


@pytest.mark.slow  # the steps of the page run
def test_the_page_speaks_both_languages_and_keeps_the_files(folder, monkeypatch, tmp_path):
    """Switched after looking: titles, labels and proposals change, nothing is written."""
    monkeypatch.chdir(folder)
    page = StartPage("khao-sat", "vi")
    page.listed.value = ["phiếu.xlsx"]
    page.files.children[-2].click()
    assert "2 đơn vị" in re.sub("<[^>]*>", "", page.seen.value)
    page.languages.value = "en"
    assert "What each column is" in page.columns.children[0].value
    assert page.choices["item", "A1"].description == "A1. Enough seats in the waiting place"
    assert page.listed.value == ("phiếu.xlsx",)
    assert not (folder / "khao-sat").exists()


def test_what_was_typed_stays_when_the_language_changes(folder, monkeypatch):
    """Facts, columns, groups, formats; only a proposed title is proposed in the new language."""
    monkeypatch.chdir(folder)
    page = StartPage("khao-sat", "vi")
    assert page.listed.value == ("phiếu.xlsx",)  # the only folder with files: chosen already
    page.files.children[-2].click()
    page.facts["province"].value = "tỉnh A"
    page.choices["item", "E4"].value = "Câu cuối"
    page.groups["Trung tâm A"].index = 2
    page.formats["pdf"].value, page.rest.value, page.place.value = True, True, "dot-2024"
    page.languages.value = "en"
    assert page.facts["province"].value == "tỉnh A"
    assert page.choices["item", "E4"].value == "Câu cuối"
    assert page.groups["Trung tâm A"].index == 2
    assert (page.formats["pdf"].value, page.rest.value, page.place.value) == (
        True,
        True,
        "dot-2024",
    )
    assert "Still without a group in units.csv" in page.seen.value


def test_only_what_must_be_decided_is_open(folder, monkeypatch):
    """Two questions and one label; what was recognised is folded, and its title counts it."""
    monkeypatch.chdir(folder)
    page = StartPage("khao-sat", "vi")
    page.files.children[-2].click()
    (fold,) = [part for part in page.columns.children if hasattr(part, "selected_index")]
    assert fold.selected_index is None
    folded = [part for box in fold.children[0].children for part in box.children[1:]]
    shown = [part for part in page.choices.values() if part not in folded]
    labels = [part.description.partition(".")[0] for part in shown]
    assert labels == ["E4", "Mức độ hài lòng chung", "Tạm được"]
    assert str(len(folded)) in fold.titles[0]
    assert fold.titles[0] != ""


def test_word_files_that_are_there_are_listed(folder, tmp_path):
    """Letter first; a unit without a file has no row."""
    answers = Answers(CHOSEN, FACTS, {"Trung tâm A": "Sở, ban, ngành"}, ignores_rest=True)
    write_wave_files([folder / "phiếu.xlsx"], tmp_path, "vi", answers)
    survey, _ = check_wave(tmp_path, "vi")
    unit = survey.units["code"].iloc[0]
    for name in ("letter.vi.docx", "report.vi.docx"):
        path = tmp_path / "out" / "units" / unit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    files = {
        "start.reports.letter": f"units/{unit}/letter.vi.docx",
        "start.reports.docx": f"units/{unit}/report.vi.docx",
    }
    assert [*list_word_files(survey, tmp_path / "out", "vi")] == [(survey.unit_names[unit], files)]


@pytest.mark.slow  # the steps of the page run
def test_an_uploaded_file_is_written_with_the_wave(folder, monkeypatch, tmp_path):
    """It waits in a temporary folder; afterwards the language can still be changed."""
    monkeypatch.chdir(tmp_path)
    page = StartPage()
    content = memoryview((folder / "phiếu.xlsx").read_bytes())
    facts = {"type": "", "size": len(content), "last_modified": datetime(2024, 1, 1, tzinfo=UTC)}
    page.upload.value = [{"name": "phiếu.xlsx", "content": content, **facts}]
    assert "phiếu.xlsx" in page.uploaded.value
    page.files.children[-2].click()
    assert [*tmp_path.iterdir()] == []
    page.columns.children[-2].click()
    shown = re.sub("<[^>]*>", "", page.columns.children[-1].value)
    assert "Chưa điền: Tên đợt khảo sát; Năm; Trung tâm A." in shown
    assert [*tmp_path.iterdir()] == []
    page.facts["title"].value, page.facts["year"].value = "Đợt thử", "2024"
    page.groups["Trung tâm A"].value = "Sở, ban, ngành"
    page.columns.children[-2].click()
    names = {path.name for path in (tmp_path / "khao-sat").iterdir()}
    assert names == {"phiếu.xlsx", "units.csv", "wave.yaml"}
    page.languages.value = "en"
    assert page.draft is None
    page.check.children[1].click()
    assert "warning" in page.check.children[-1].value  # E4 has no column
    assert "the copies in the folder khao-sat" in page.check.children[-1].value
    assert "Traceback" not in page.check.children[-1].value


def test_a_wave_that_is_there_is_not_drafted_again(folder, monkeypatch, tmp_path):
    """The page leads on to step 3."""
    monkeypatch.chdir(tmp_path)
    write_wave_files([folder / "phiếu.xlsx"], tmp_path / "khao-sat", "vi", Answers())
    page = StartPage()
    page.files.children[-2].click()
    assert "đã có wave.yaml" in page.seen.value


@pytest.mark.slow  # the steps of the page run
def test_the_survey_of_the_page_is_that_of_the_library(folder, tmp_path):
    """Same function, same forms."""
    answers = Answers(CHOSEN, FACTS, {"Trung tâm A": "Sở, ban, ngành"}, ignores_rest=True)
    write_wave_files([folder / "phiếu.xlsx"], tmp_path, "vi", answers)
    survey, _ = check_wave(tmp_path, "vi")
    assert survey.frame.equals(read_survey(read_wave(tmp_path)).frame)
