"""The plan as a workbook to fill in: locked cells, lists, paper; it is never written over."""

from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

import sipas_analysis as sipas
from sipas_analysis.errors import OutputError
from sipas_analysis.improve.plan import Plan
from sipas_analysis.improve.plan_sheet import FILE_COLUMNS
from sipas_analysis.measure.scores import score_everyone
from sipas_analysis.reports.plan_workbook import NOT_PRINTED, OPEN, write_plan

DEMO = Path(__file__).parents[3] / "data/an-giang-2020"
AT = {name: position for position, name in enumerate(FILE_COLUMNS, start=1)}


@pytest.fixture(scope="module")
def demo():
    """The survey of the demo, and lines of its plan with words that a spreadsheet must not run."""
    survey = sipas.read_survey(sipas.read_wave(DEMO))
    frame = sipas.read_plan(DEMO / "plan.xlsx", survey, scores=score_everyone(survey)).frame[:20]
    frame.loc[:3, "task"] = ["=CMD|' /C calc'!A0", "+84 tuyến huyện", "-1", "@SUM(A1)"]
    frame.loc[0, ["owner", "due"]] = "<b>Chánh Văn phòng</b>", date(2021, 4, 5)
    return survey, Plan(frame)


@pytest.fixture
def paths(demo, tmp_path) -> list[Path]:
    """The two files of the plan."""
    survey, plan = demo
    return write_plan(plan, survey, tmp_path, "vi")


def find_header(sheet) -> int:
    """Return the row of the header."""
    return next(row[0].row for row in sheet.iter_rows() if row[0].value == "Mã dòng")


@pytest.mark.slow
def test_officers_write_in_open_cells_and_choose_from_lists(demo, paths):
    """What the program computed is locked, without a password; a new line is open throughout."""
    book = load_workbook(paths[0])
    sheet = book.worksheets[0]
    first = find_header(sheet) + 1
    locked = {name: sheet.cell(first, at).protection.locked for name, at in AT.items()}
    assert {name for name, is_locked in locked.items() if not is_locked} == set(OPEN)
    assert sheet.protection.sheet
    assert sheet.protection.password is None
    new = first + len(demo[1].frame)
    assert not any(sheet.cell(new, at).protection.locked for at in AT.values())
    areas = [area for rule in sheet.data_validations.dataValidation for area in rule.sqref.ranges]
    assert {area.min_col for area in areas} == {
        AT[name] for name in ("unit", "item", "indicator", "status", "measure")
    }
    assert {area.min_row for area in areas} == {first}
    assert all(area.max_row > new for area in areas)
    statuses = [book["lists"].cell(row, AT["status"]).value for row in range(1, 7)]
    words = ["Đề xuất", "Đã duyệt", "Đang thực hiện", "Hoàn thành", "Không thực hiện", None]
    assert statuses == words
    assert book["lists"].sheet_state == "hidden"
    items = [cell.value.casefold() for cell in next(book["lists"].iter_cols(4, 4)) if cell.value]
    assert len(items) == len({*items})


@pytest.mark.slow
def test_no_text_is_a_formula_and_numbers_and_days_are_typed(paths):
    """In the workbook texts are texts; the CSV has an apostrophe before what Excel would run."""
    sheet = load_workbook(paths[0]).worksheets[0]
    first = find_header(sheet) + 1
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert [cell for cell in cells if cell.data_type == "f"] == []
    assert sheet.cell(first, AT["task"]).value == "=CMD|' /C calc'!A0"
    assert sheet.cell(first, AT["due"]).is_date
    assert sheet.cell(first, AT["due"]).number_format == "dd/mm/yyyy"
    assert sheet.cell(first, AT["baseline"]).value == 81.36
    rows = paths[1].read_text("utf-8-sig").splitlines()
    assert rows[0] == ",".join(FILE_COLUMNS)
    assert ",'=CMD|' /C calc'!A0," in rows[1]
    assert ",2021-04-05," in rows[1]


@pytest.mark.slow
def test_the_plan_fits_a3_across_with_its_header_on_every_page(demo, paths):
    """What no meeting reads stands to the right of the printed part; the wave's id is there."""
    sheet = load_workbook(paths[0]).worksheets[0]
    header = find_header(sheet)
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 8)
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (None, 0)
    assert sheet.print_title_rows == f"${header}:${header}"
    assert sheet.freeze_panes == f"B{header + 1}"
    last = chr(ord("A") + len(AT) - len(NOT_PRINTED) - 1)
    assert sheet.print_area == f"'Kế hoạch'!$A$1:${last}${header + len(demo[1].frame)}"
    waves = {sheet.cell(header + 1 + at, AT["wave"]).value for at in range(len(demo[1].frame))}
    assert waves == {"an-giang-2020"}


@pytest.mark.slow
def test_the_other_sheets_explain_every_column_and_code(demo, paths):
    """An officer needs no other page."""
    about, words = (load_workbook(paths[0])[name] for name in ("Giải thích", "Danh mục mã"))
    explained = {row[0].value for row in about.iter_rows()}
    sheet = load_workbook(paths[0]).worksheets[0]
    assert {cell.value for cell in sheet[find_header(sheet)]} <= explained
    codes = {row[1].value for row in words.iter_rows()}
    assert {*demo[0].units["code"], *demo[0].instrument.items, "survey", "done", "*"} <= codes


@pytest.mark.slow
def test_a_plan_that_is_there_is_never_written_over(demo, paths):
    """Nor is its companion; the refusal says what to do."""
    survey, plan = demo
    before = [path.read_bytes() for path in paths]
    with pytest.raises(OutputError, match=r"plan.xlsx exists already .* --out"):
        write_plan(plan, survey, paths[0].parent, "vi")
    paths[0].unlink()
    with pytest.raises(OutputError, match=r"plan.csv exists already"):
        write_plan(plan, survey, paths[0].parent, "vi")
    assert [*paths[0].parent.iterdir()] == [paths[1]]
    assert paths[1].read_bytes() == before[1]


@pytest.mark.slow  # whole reports are made
def test_the_same_plan_gives_the_same_bytes_and_comes_back(demo, paths, tmp_path):
    """In both languages of the workbook, and from the text file."""
    survey, plan = demo
    scores = score_everyone(survey)
    again = write_plan(plan, survey, tmp_path / "again", "vi")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]
    english, _ = write_plan(plan, survey, tmp_path / "en", "en")
    for path in (*paths, english):
        got = sipas.read_plan(path, survey, scores=scores)
        assert got.frame.equals(plan.frame), got.frame.compare(plan.frame)
        assert got.sentences() == []
