"""The steps of ``start.ipynb``: nothing is written before it is asked for, nothing of its own."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
import yaml
from conftest import write_book

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.desk import start_page, start_steps
from sipas_analysis.desk.start_facts import list_wrong, read_facts
from sipas_analysis.desk.start_page import StartPage
from sipas_analysis.desk.start_parts import is_unsure, link_word_files, show_headers
from sipas_analysis.desk.start_steps import (
    Answers,
    Line,
    check_wave,
    describe_error,
    describe_open_units,
    keep_upload,
    list_answer_files,
    list_word_files,
    look_at_files,
    make_reports,
    show_lines,
    write_wave_files,
    zip_word_files,
)
from sipas_analysis.draft.decisions import AS_FOUND, decide, list_choices
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import OutputError
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.messages import LANGUAGES, read_catalogue

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


@pytest.mark.slow
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
    with pytest.raises(
        OutputError, match=r"has wave\.yaml, units\.csv already, which this page did not write"
    ):
        write_wave_files(paths, tmp_path, "vi", Answers())
    (tmp_path / "wave.yaml").unlink()
    (tmp_path / "units.csv").unlink()
    (tmp_path / "phiếu.xlsx").write_bytes(b"another")
    with pytest.raises(OutputError, match=r"phiếu\.xlsx exists already and differs"):
        write_wave_files(paths, tmp_path, "vi", Answers())


@pytest.mark.parametrize("name", ["../../a.xlsx", "C:\\x\\a.xlsx", ".a.xlsx"])
def test_an_upload_stays_in_its_folder(tmp_path, name):
    """A name is no path."""
    assert keep_upload(name, b"x", tmp_path) == tmp_path / "a.xlsx"


def test_files_are_listed_without_those_of_the_program(folder, tmp_path):
    """No list of units, plan, output, hidden file, lock file or folder of a wave."""
    names = ("a.xlsx", "b.csv", "c.sav", "units.csv", "plan.xlsx", "~$a.xlsx", ".d.csv", "e.txt")
    deep = ("in/two/j.csv", "in/two/three/k.csv", "kiem-tra/return/l.xlsx")
    for name in (
        *names,
        "in/f.csv",
        "outputs/g.csv",
        "wave/h.csv",
        "wave/wave.yaml",
        ".x/i.csv",
        *deep,
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    listed = [path.relative_to(tmp_path).as_posix() for path in list_answer_files(tmp_path)]
    assert listed == ["a.xlsx", "b.csv", "c.sav", "in/f.csv", "in/two/j.csv"]


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


@pytest.mark.slow
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
    assert "Still without a group, choose it in step 2" in page.seen.value


@pytest.mark.slow
def test_only_what_must_be_decided_is_open(folder, monkeypatch):
    """Two questions, one label and two columns; the rest is folded, and its title counts it."""
    monkeypatch.chdir(folder)
    page = StartPage("khao-sat", "vi")
    page.files.children[-2].click()
    facts, fold = [part for part in page.columns.children if hasattr(part, "selected_index")]
    assert fold.selected_index is None
    asked = ("title", "year", "province", "publisher", "start", "end")  # by the check, if empty
    assert not {*facts.children[0].children} & {page.facts[name] for name in asked}
    folded = [part for box in fold.children[0].children for part in box.children[1:]]
    shown = [part for part in page.choices.values() if part not in folded]
    labels = [part.description.partition(".")[0] for part in shown]
    assert labels == ["E4", "Mức độ hài lòng chung", "Tạm được", "Ý kiến", "Câu cuối"]
    assert str(len(folded)) in fold.titles[0]
    assert fold.titles[0] != ""


@pytest.mark.slow
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
    assert [*list_word_files(survey, tmp_path / "out", "vi")] == [
        (unit, survey.unit_names[unit], files)
    ]


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
    page.rest.value = True
    page.columns.children[-2].click()
    names = {path.name for path in (tmp_path / "khao-sat").iterdir()}
    assert names == {"phiếu.xlsx", "units.csv", "wave.yaml"}
    page.languages.value = "en"
    assert page.choices["item", "E4"].description.startswith("E4. ")  # can be chosen anew
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


def _look(folder, monkeypatch, place="khao-sat"):
    """Return the page after the first step, with the facts that are needed, and no line of text."""
    monkeypatch.chdir(folder)
    page = StartPage(str(place), "vi")
    page.files.children[-2].click()
    page.facts["title"].value, page.facts["year"].value = "Đợt thử", "2024"
    for group in page.groups.values():
        group.value = "Sở, ban, ngành"
    return page


def _write(page):
    """Press the button of the second step; return what is said."""
    page.columns.children[-2].click()
    return re.sub("<[^>]*>", "", page.columns.children[-1].value)


def _say_old(page):
    """Let the last two steps show what belongs to an earlier wave."""
    for step in ("check", "reports"):
        page.said[step].value = "old"
    page.opened.append_stdout("old")


def _is_clear(page):
    """Return whether the last two steps show nothing."""
    texts = [page.said["check"].value, page.said["reports"].value]
    return (texts, page.opened.outputs) == (["", ""], ())


def test_all_buttons_are_off_and_say_so_while_something_works(monkeypatch, tmp_path):
    """No click vanishes: whoever looks sees what is being done, and by which word."""
    monkeypatch.chdir(tmp_path)
    page, seen = StartPage("a", "vi"), []
    page.buttons["check.check"].click()
    assert "hãy làm bước 2 trước" in page.said["check"].value
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "wave.yaml").write_text("id: a", "utf-8")

    def check(*_):
        seen.extend((button.disabled, button.description) for button in page.buttons.values())
        seen.append(re.sub("<[^>]*>", "", page.said["check"].value))
        raise OutputError("exists", path="x")

    monkeypatch.setattr(start_page, "check_wave", check)
    page.opened.append_stdout("old")
    page.said["reports"].value = "old"
    page.buttons["check.check"].click()
    n = len(page.buttons)
    assert seen == [*[(True, "Đang kiểm tra…")] * n, "Đang kiểm tra…"]
    shown = [(button.disabled, button.description) for button in page.buttons.values()]
    assert shown == [(False, "Xem các tệp"), (False, "Kiểm tra"), (False, "Lập báo cáo")]
    assert "warning" in page.said["check"].value
    assert (page.opened.outputs, page.said["reports"].value) == ((), "")  # of other forms


def test_another_folder_clears_what_was_said_of_the_one_before(monkeypatch, tmp_path):
    """A receipt of another wave would be copied into the minutes."""
    monkeypatch.chdir(tmp_path)
    page = StartPage("a", "vi")
    _say_old(page)
    page.place.value = "b"
    assert _is_clear(page)


def test_what_step_one_names_as_unsure_is_open_in_step_two(folder, draft, monkeypatch):
    """Near wordings, questions and words that are proposed; not what the program knows."""
    near = [replace(draft.sheets[0], nearest={"E4": "Câu cuối"})]
    unsure = replace(draft, sheets=near, labels={"Tạm được": 3}, questions={"age": "Ý kiến"})
    keys = {choice.key for choice in list_choices(unsure) if is_unsure(choice, unsure)}
    assert keys == {("item", "E4"), ("label", "Tạm được"), ("question", "age")}
    assert len(keys) == len(unsure.to_confirm)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(start_page, "look_at_files", lambda *_: unsure)
    page = StartPage("khao-sat", "vi")
    page.buttons["files.look"].click()
    _, fold, _ = [part for part in page.columns.children if hasattr(part, "selected_index")]
    opened = {part.description for box in fold.children[0].children for part in box.children[1:]}
    assert fold.selected_index == 0
    headers = show_headers(("item", "E4"), SimpleNamespace(value=AS_FOUND), unsure, "vi")
    assert "“Câu cuối”" in headers  # where files differ the list shows none
    assert opened == {page.choices[key].description for key in keys}


def test_a_question_with_answers_that_nobody_knows_is_not_proposed(folder, draft, monkeypatch):
    """As with --accept: the check would refuse every answer in the column."""
    proposed = replace(draft, questions={"age": "Ý kiến"})
    monkeypatch.setattr(start_steps, "recognise_wave", lambda *_, **__: proposed)
    assert look_at_files([folder / "phiếu.xlsx"], folder / "wave", "vi").questions == {}


def test_after_a_run_the_page_says_what_the_command_says(read_answers, monkeypatch):
    """Units that are hidden, and what to note before signing: by the same function."""
    survey = read_answers("unit,A1,A2,D1\nso-a,5,4,3\n")
    monkeypatch.setattr(start_steps, "describe_editions", lambda *_: [])
    monkeypatch.setattr("sipas_analysis.runs.annual_run.run_wave", lambda *_: {})
    sentences = [("hidden: A", None)]
    monkeypatch.setattr(start_steps, "describe_before_signing", lambda *_: sentences)
    assert make_reports(survey, ["html"], "vi")[1][-1:] == sentences


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_of_the_page_replace_others_and_name_no_command(language):
    """Each says a sentence of the commands, with fields of that sentence; nothing is optional."""
    sentences = read_catalogue(language)
    for message_id in (name for name in sentences if name.startswith("page.")):
        fields, others = (
            {*re.findall(r"{(\w+)}", sentences[name])}
            for name in (message_id, message_id.removeprefix("page."))
        )
        assert fields <= others
        assert "sipas " not in sentences[message_id]
    labels = [text for name, text in sentences.items() if name.startswith("start.")]
    assert not [text for text in labels if "không bắt buộc" in text or "optional" in text]


def test_each_column_that_is_not_recognised_can_be_decided(draft):
    """An item that has none, a question about the person, a role, or not to be read."""
    choices = {choice.code: choice for choice in list_choices(draft) if choice.kind == "column"}
    assert [*choices] == ["Ý kiến", "Câu cuối"]
    options = choices["Câu cuối"].options
    assert {"", "ignore", "item E4", "question age", "role form"} <= {*options}
    assert not {"item A1", "role unit"} & {*options}  # they have a column
    uses = {"Câu cuối": "item E4", "Ý kiến": "question age"}
    decided = decide(draft, {("column", name): use for name, use in uses.items()})
    assert decided.list_missing() == []
    assert decided.list_left("unknown") == []
    assert decided.chosen.questions == {"age": "Ý kiến"}
    assert decided.sheets[0].nearest == {"E4": "Câu cuối"}
    decided = decide(draft, {("column", "Câu cuối"): "role form", ("column", "Ý kiến"): "ignore"})
    assert decided.shared["form"] == "Câu cuối"
    assert decided.chosen.ignored == ["Ý kiến"]


def test_a_column_that_an_item_has_is_read_even_if_its_own_list_says_no(draft):
    """Two lists speak of it; a wave that ignores the column of an item cannot be read."""
    answers = {("item", "E4"): "Câu cuối", ("column", "Câu cuối"): "ignore"}
    decided = decide(draft, answers)
    assert decided.chosen.items == {"E4": "Câu cuối"}
    assert decided.chosen.ignored == []


@pytest.mark.slow
def test_no_wave_is_written_with_a_column_that_is_not_decided(folder, monkeypatch, tmp_path):
    """It is named, and so is the item; “the rest is not read” works before and after."""
    page = _look(folder, monkeypatch, tmp_path / "wave")
    said = _write(page)
    assert "Chưa chọn cột này là gì: Ý kiến; Câu cuối." in said
    assert "Chưa có tệp nào được ghi." in said
    assert not (tmp_path / "wave").exists()
    assert "1 tiêu chí chưa có cột" in page.left.value
    assert "E4. " in page.left.value
    page.choices["column", "Câu cuối"].value = "item E4"
    assert "tiêu chí chưa có cột" not in page.left.value
    page.rest.value = True
    assert page.left.value == ""
    assert "Đã ghi" in _write(page)


@pytest.mark.slow
def test_the_page_writes_again_what_nobody_edited(folder, monkeypatch, tmp_path):
    """Until a person edits the wave; then it says what to do, in words of a page."""
    wave = tmp_path / "wave" / "wave.yaml"
    page = _look(folder, monkeypatch, wave.parent)
    page.rest.value = True
    _write(page)
    page.choices["item", "E4"].value = "Câu cuối"
    button, box = page.check.children[1:]
    _say_old(page)
    assert "Đã ghi" in _write(page)
    assert "E4: Câu cuối" in wave.read_text("utf-8")
    assert _is_clear(page)  # what was checked and made is no more
    button.click()  # a click that waited while the wave was written is seen where it was made
    assert box.value == page.check.children[-1].value != ""
    wave.write_text(wave.read_text("utf-8") + "# mine\n", "utf-8")
    said = _write(page)
    assert "đã có người sửa" in said
    assert "--out" not in said
    assert wave.read_text("utf-8").endswith("# mine\n")


@pytest.mark.slow
def test_copies_follow_their_files_until_they_are_corrected(folder, tmp_path):
    """A corrected copy stays; if the file has changed too, neither is lost."""
    source, own = tmp_path / "phiếu.xlsx", {}
    first, place = (folder / "phiếu.xlsx").read_bytes(), tmp_path / "wave"
    source.write_bytes(first)
    write_wave_files([source], place, "vi", Answers(), own)
    other = write_book(tmp_path / "b.xlsx", S=[["x"]]).read_bytes()
    (place / source.name).write_bytes(first + b"\0")  # corrected
    write_wave_files([source], place, "vi", Answers(), own)
    assert (place / source.name).read_bytes() == first + b"\0"
    source.write_bytes(other)
    with pytest.raises(OutputError, match="exists already and differs"):
        write_wave_files([source], place, "vi", Answers(), own)
    (place / source.name).write_bytes(first)  # as the page made it
    source.write_bytes(first + b"\0\0")
    write_wave_files([source], place, "vi", Answers(), own)
    assert (place / source.name).read_bytes() == first + b"\0\0"


def test_files_of_one_name_are_refused_before_one_replaces_the_other(folder, tmp_path):
    """Both would be copied into one folder."""
    paths = [tmp_path / "a" / "x.xlsx", tmp_path / "b" / "X.xlsx"]
    for k, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(bytes([k]))
    with pytest.raises(OutputError, match="have one name but differ"):
        write_wave_files(paths, tmp_path / "wave", "vi", Answers(), {})
    assert not (tmp_path / "wave").exists()


@pytest.mark.slow
def test_another_folder_counts_at_once_and_nothing_typed_is_lost(folder, monkeypatch, tmp_path):
    """Nor is it by looking at the files again."""
    page = _look(folder, monkeypatch, tmp_path / "a")
    page.choices["item", "E4"].value, page.rest.value = "Câu cuối", True
    page.facts["publisher"].value = "UBND"
    page.place.value = str(tmp_path / "b")
    page.files.children[-2].click()
    assert page.choices["item", "E4"].value == "Câu cuối"
    assert (page.facts["title"].value, page.facts["publisher"].value) == ("Đợt thử", "UBND")
    assert page.groups["Trung tâm A"].value == "Sở, ban, ngành"
    assert page.rest.value
    _write(page)
    assert (tmp_path / "b" / "wave.yaml").exists()
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_the_unit_is_folded_where_every_file_has_one(tmp_path, monkeypatch):
    """Files without a column of units, named by their title rows."""
    head = [item.vi for item in PACK.items.values()]
    for k, unit in enumerate(("SỞ Y TẾ", "SỞ NỘI VỤ")):
        rows = [[(i + j + k) % 5 + 1 for j in range(len(head))] for i in range(8)]
        write_book(tmp_path / f"{k}.xlsx", S=[[f"ĐƠN VỊ: {unit}"], [], head, *rows])
    monkeypatch.chdir(tmp_path)
    page = StartPage("khao-sat", "vi")
    page.files.children[-2].click()
    _, known = [part for part in page.columns.children if hasattr(part, "selected_index")]
    folded = [part for box in known.children[0].children for part in box.children]
    assert page.choices["role", "unit"].value == ""
    assert page.choices["role", "unit"] in folded


def test_an_empty_list_says_where_it_looked(tmp_path, monkeypatch):
    """And how files get there."""
    monkeypatch.chdir(tmp_path)
    shown = "".join(getattr(part, "value", "") or "" for part in StartPage().files.children[3:4])
    assert str(tmp_path) in shown
    assert "Tải tệp lên" in shown


def test_decision_fieldwork_and_targets_can_be_typed(folder, tmp_path):
    """They stand in the wave without a #, once; what cannot be read is named."""
    typed = {"title": "A", "year": "2024", "decision": "851/QĐ-UBND", "decided": "27/4/2024"}
    typed |= {"start": "1/2/2024", "end": "2024-03-31", "targets": "80; 92,5%"}
    facts = read_facts(typed, "vi")
    assert facts["collected"] == {"from": date(2024, 2, 1), "to": date(2024, 3, 31)}
    assert [*list_wrong(typed)] == []
    wrong = {"start": "31/2/2024", "targets": "80; 950", "decided": "1/2/2024", "decision": " "}
    assert {*list_wrong(wrong)} == {"start", "targets", "decision"}
    draft = write_wave_files(
        [folder / "phiếu.xlsx"], tmp_path, "vi", Answers(CHOSEN, facts, {}, ignores_rest=True)
    )
    text = draft.wave.read_text("utf-8")
    assert "#targets" not in text
    assert yaml.safe_load(text)["targets"] == [80, 92.5]
    decision = {"number": "851/QĐ-UBND", "date": date(2024, 4, 27), "status": "sourced"}
    assert yaml.safe_load(text)["decision"] == decision  # typed as the decision has it


@pytest.mark.slow
def test_word_files_are_downloaded_under_names_that_tell_them_apart(folder, tmp_path):
    """What it is, and of which unit; in the language of the page."""
    answers = Answers(CHOSEN, FACTS, {"Trung tâm A": "Sở, ban, ngành"}, ignores_rest=True)
    write_wave_files([folder / "phiếu.xlsx"], tmp_path / "wave", "vi", answers)
    survey, _ = check_wave(tmp_path / "wave", "vi")
    unit = survey.units["code"].iloc[0]
    for name in (f"units/{unit}/letter.vi.docx", "province/report.vi.docx"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"")
    names = re.findall('download="([^"]*)"', link_word_files(survey, tmp_path, "vi"))
    whole = tmp_path.parent / "cong-van-bao-cao-wave-2024.zip"
    assert names == [whole.name, "bao-cao-wave-2024.docx", f"cong-van-{unit}.docx"]
    content = whole.read_bytes()
    with ZipFile(whole) as parts:  # the letter says that the report goes with it
        assert parts.namelist() == names[1:]
    assert zip_word_files(survey, tmp_path, "vi").read_bytes() == content
    assert f'download="letter-{unit}.docx"' in link_word_files(survey, tmp_path, "en")


@pytest.mark.slow  # the steps of the page run
def test_units_that_reports_leave_out_are_named_after_the_check(folder, monkeypatch, tmp_path):
    """The last line does not send on as if all were well."""
    page = _look(folder, monkeypatch, tmp_path / "wave")
    page.choices["item", "E4"].value, page.rest.value = "Câu cuối", True
    page.choices["label", "Tạm được"].value = "3"
    _write(page)
    page.check.children[1].click()
    assert "Phiếu đọc được. Hãy sang bước 4." in page.check.children[-1].value
    assert "Bước 2 không ghi được nữa" not in page.check.children[-1].value
    assert describe_open_units(page.survey, "vi") == []
    wave = tmp_path / "wave" / "wave.yaml"
    wave.write_text(wave.read_text("utf-8") + "min_cell: 11\n", "utf-8")
    page.check.children[1].click()
    shown = page.check.children[-1].value
    assert "Bước 2 còn để trống hoặc còn nguyên bản nháp: tỉnh, thành phố; cơ quan công bố" in shown
    assert "sipas " not in re.sub('class="[^"]*"|--sipas-', "", shown.partition("</style>")[2])
    assert "Bước 2 không ghi được nữa" in shown  # somebody edited the file
    assert "2 đơn vị không có kết quả trong báo cáo" in shown
    assert "Phiếu đọc được. Hãy sang bước 4." not in shown
