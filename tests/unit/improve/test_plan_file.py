"""A plan read from its file: by the wave that it was made from, or by a later one."""

import shutil
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

import sipas_analysis as sipas
from sipas_analysis.errors import ColumnError, FileError, ParameterError, PlanError, SeveralError
from sipas_analysis.improve.plan_sheet import FILE_COLUMNS
from sipas_analysis.measure.scores import score_everyone
from sipas_analysis.records.indicators import measure_indicator
from sipas_analysis.reports.plan_workbook import write_plan

DATA = Path(__file__).parents[3] / "data"
PLAN = DATA / "an-giang-2020/plan.xlsx"
AT = {name: position for position, name in enumerate(FILE_COLUMNS, start=1)}
FIRST = 5  # row of the first line


@pytest.fixture(scope="module")
def made():
    """The wave from which the plan of the demo was made."""
    return sipas.read_survey(sipas.read_wave(DATA / "an-giang-2020"))


@pytest.fixture(scope="module")
def read(made):
    """Read a plan of that wave; its figures are computed once."""
    return partial(sipas.read_plan, survey=made, scores=score_everyone(made))


@pytest.fixture
def change(tmp_path):
    """Return the plan of the demo with other cells, each named by its row and column."""

    def change(**cells: object) -> Path:
        book = load_workbook(PLAN)
        for name, value in cells.items():
            column, _, row = name.rpartition("_")
            book.worksheets[0].cell(FIRST + int(row) - 1, AT[column]).value = value
        book.save(tmp_path / "plan.xlsx")
        return tmp_path / "plan.xlsx"

    return change


@pytest.fixture
def refuse(read):
    """Return why a plan is refused, in Vietnamese."""

    def refuse(path: Path) -> str:
        with pytest.raises((PlanError, SeveralError)) as caught:
            read(path)
        return caught.value.text("vi")

    return refuse


@pytest.mark.slow
def test_a_later_wave_reads_the_plan_that_it_judges(made):
    """The figures are those of the wave from which the plan was made."""
    later = sipas.read_survey(sipas.read_wave(DATA / "an-giang-2021"))
    by_later, by_made = (sipas.read_plan(PLAN, survey) for survey in (later, made))
    assert by_later.frame.equals(by_made.frame)
    assert by_later.sentences() == []
    whole = sipas.score(made).frame.set_index("variable")["value"]
    line = by_made.frame.iloc[0]
    assert line["baseline"] == whole[line["item"]]


@pytest.mark.slow
def test_a_plan_of_another_wave_names_the_waves_that_fit(refuse, change):
    """All lines of a plan are of one wave."""
    text = refuse(change(wave_2="an-giang-2019"))
    assert "phải lập từ đợt an-giang-2020 hoặc một đợt nêu ở `earlier:` (an-giang-2020)" in text
    assert "ô W6 (cột “Mã đợt khảo sát”), giá trị 'an-giang-2019'" in text


@pytest.mark.slow
def test_a_unit_that_was_merged_goes_to_its_successor_with_a_note(read, tmp_path):
    """The line keeps the code of its day; the notice says where it is judged."""
    for wave in ("an-giang-2020", "an-giang-2021"):
        shutil.copytree(DATA / wave, tmp_path / wave)
    changes = "date,from,to,share\n2021-06-01,so-tp,so-nv,1\n2021-06-01,so-khdt,so-nv,0.5\n"
    changes += "2021-06-01,so-khdt,so-ct,0.5\n"
    (tmp_path / "an-giang-2021/unit_changes.csv").write_text(changes, "utf-8")
    later = sipas.read_survey(sipas.read_wave(tmp_path / "an-giang-2021"))
    plan = sipas.read_plan(tmp_path / "an-giang-2020/plan.xlsx", later)
    assert "so-tp" in set(plan.frame["unit"])
    renamed, split = plan.sentences()
    assert renamed.endswith("judged as their successors: so-tp → so-nv.")
    assert split.endswith("cannot be compared: so-khdt → so-ct, so-nv.")
    assert plan.notices[0].vi.startswith("Đơn vị đã đổi tên hoặc sáp nhập")
    assert read(PLAN).sentences() == []


@pytest.mark.slow
def test_all_mistakes_are_told_together_with_cell_value_and_remedy(read, change):
    """An officer corrects a file once, not cell by cell."""
    path = change(target_6=1.5, due_2="quý II", status_3="xong", id_4="P01", unit_5=None)
    with pytest.raises(SeveralError) as caught:
        read(path)
    sentences = [error.text("vi") for error in caught.value.merge_equal()]
    assert len(sentences) == 5
    text = " ".join(sentences)
    for cell, header, words in (
        ("N10", "Chỉ tiêu năm tới", "không được thấp hơn giá trị gốc"),
        ("H6", "Thời hạn", "giá trị 'quý II'"),
        ("Q7", "Trạng thái", "Hãy chọn trong danh sách của ô"),
        ("A5, A8", "Mã dòng", "Mỗi dòng phải có mã riêng"),
        ("B9", "Đơn vị (mã)", "“Toàn tỉnh” hoặc “Toàn bộ” (tệp csv: *) cho việc chung"),
    ):
        assert f"ô {cell} (cột “{header}”)" in text
        assert words in text
    assert {error.exit_code for error in caught.value.errors} == {25}


@pytest.mark.slow
def test_a_misspelt_code_names_the_nearest(refuse, change):
    """Unit, measure, indicator and status alike; nothing is guessed."""
    cells = {"unit_1": "sở tư phap", "measure_2": "channel", "indicator_3": "late-shares"}
    text = refuse(change(**cells, status_4="dang thuc hien", status_5="zzz"))
    assert "có thể chọn: Đề xuất, Đã duyệt, Đang thực hiện, Hoàn thành, Không thực hiện." in text
    for near in ("so-tp (Sở Tư pháp", "channels (Mở thêm", "late-share (", "in_progress ("):
        assert near in text


@pytest.mark.slow
def test_a_total_or_a_signature_is_asked_away_once(refuse, read, change):
    """Not five cells to fill in; nothing else of the row is demanded."""
    row = len(read(PLAN).frame) + 1
    cells = {f"id_{row}": "Tổng cộng", f"budget_{row}": 5, f"owner_{row + 2}": "Người lập biểu"}
    text = refuse(change(**cells))
    assert text.startswith("2 dòng không có đủ mã dòng, đơn vị, chỉ tiêu đo và trạng thái")
    assert f"ô A{FIRST + row - 1} (cột “Mã dòng”), giá trị 'Tổng cộng'" in text
    assert "nếu là dòng tổng hoặc chữ ký, hãy xóa hoặc chuyển sang trang khác" in text.lower()


@pytest.mark.slow  # waves with plans are judged
def test_the_outcome_question_is_told_from_the_index_by_its_capitals(read, change):
    """Both have a figure; any other spelling is the index."""
    cells = {"item_name_1": None, "baseline_1": None, "low_1": None, "high_1": None, "n_1": None}
    cells |= {"detectable_1": None, "factor_1": None, "target_1": 99}
    by_spelling = {
        spelling: read(change(**cells, item_1=spelling)).frame.iloc[0]
        for spelling in ("OVERALL", "overall", "Overall")
    }
    items = [line["item"] for line in by_spelling.values()]
    assert items == ["OVERALL", "overall", "overall"]
    assert by_spelling["OVERALL"]["baseline"] != by_spelling["overall"]["baseline"]


@pytest.mark.slow  # waves with plans are judged
def test_a_figure_that_was_changed_by_hand_is_refused_with_the_right_one(refuse, read, change):
    """An empty cell is filled in; a target that cannot be shown is read with a note."""
    assert "Số đúng: K5: 81,36" in refuse(change(baseline_1=71.36))
    plan = read(change(baseline_1=None, n_1=None, target_1=84, n_needed_1=None))
    line = plan.frame.iloc[0]
    assert (round(line["baseline"], 2), line["n"]) == (81.36, 853)
    assert "target_inside_error" in line["note"]
    assert line["n_needed"] > line["n"]
    rise = 84 - line["baseline"]
    assert line["n_needed"] == pytest.approx(line["n"] * (line["detectable"] / rise) ** 2, abs=1)


@pytest.mark.slow
def test_a_new_line_needs_no_figures(read, change):
    """Id, unit, item, task, indicator, target and status are enough; the wave is that of others."""
    row = len(read(PLAN).frame) + 1
    cells = {"id": "so-nv-77", "unit": "Sở Nội vụ (mô phỏng)", "item": "A1", "task": "Thêm ghế"}
    cells |= {"indicator": "survey", "target": 100, "status": "Đã duyệt", "owner": None}
    plan = read(change(**{f"{name}_{row}": cell for name, cell in cells.items()}))
    line = plan.frame.set_index("id").loc["so-nv-77"]
    assert (line["unit"], line["factor"], line["wave"]) == ("so-nv", "access", "an-giang-2020")
    assert (line["measure"], line["owner"], line["due"]) == ("", "", None)
    assert line["baseline"] > 0


def test_a_formula_counts_by_its_result(read, tmp_path):
    """Without a result it is refused, see the damaged plans."""
    import xlsxwriter

    rows = [*load_workbook(PLAN).worksheets[0].iter_rows(min_row=FIRST - 1, values_only=True)]
    book = xlsxwriter.Workbook(tmp_path / "plan.xlsx", {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    for at, row in enumerate(rows[:2]):
        sheet.write_row(at, 0, row)
    sheet.write_formula(1, AT["target"] - 1, "=80+9", None, 89)
    book.close()
    assert read(tmp_path / "plan.xlsx").frame["target"].tolist() == [89.0]


def test_a_workbook_that_libreoffice_saved_is_read_as_it_was_edited(read):
    """Six lines edited by the macro of end_to_end/test_plan_in_libreoffice.py, sorted by owner."""
    plan = read(Path(__file__).with_name("plan-of-libreoffice.xlsx"))
    lines = plan.frame.set_index("id")
    assert lines.index.tolist() == ["P02", "P03", "P04", "P05", "P06", "P01", "P99"]
    first, new = lines.loc["P01"], lines.loc["P99"]
    facts = (first["due"], first["status"], first["budget"], first["target"])
    assert facts == (date(2022, 3, 31), "approved", "150000000", 99.5)
    assert lines["target"].tolist() == [99, 89, 89, 89, 90, 99.5, 97]  # P02 by a formula
    assert lines.loc["P03", "task"] == "@SUM(A1) <b>họp</b>"
    assert (new["item"], new["task"], new["unit"], new["due"]) == ("A1", "Thêm ghế ngồi", "", None)
    assert lines["baseline"].round(2).tolist() == [82.39, 83.16, 83.76, 83.9, 84.46, 81.36, 89.42]
    assert plan.sentences() == ["Columns that are not of a plan were not read: “Ý kiến”."]


def test_what_is_no_plan_says_what_is_wanted(refuse, made, tmp_path):
    """A missing file, another table, a frame instead of a path."""
    with pytest.raises(FileError, match="plan"):
        sipas.read_plan(tmp_path / "plan.xlsx", made)
    assert "dòng tiêu đề với các cột: Mã dòng, Đơn vị (mã)" in refuse(
        DATA / "an-giang-2020/units.csv"
    )
    with pytest.raises(ParameterError):
        sipas.read_plan(made.frame, made)
    with pytest.raises(ParameterError):
        sipas.read_plan(PLAN, made.frame)
    for function in (sipas.plan, sipas.priority, partial(sipas.read_plan, PLAN)):
        with pytest.raises(ParameterError, match="scores"):
            function(made, scores=3)
        with pytest.raises(ColumnError, match=r"`scores=` must name columns .* “domain”"):
            function(made, scores=made.frame.head(0))


@pytest.mark.slow
def test_a_line_may_follow_an_indicator_of_the_records(tmp_path):
    """Its baseline is the share of all dossiers; a share that should fall has a lower target."""
    survey = sipas.read_survey(sipas.read_wave(DATA / "an-giang-2021"))
    scores = score_everyone(survey)
    draft = sipas.plan(survey, "so-nv", scores=scores)
    late = measure_indicator(sipas.read_records(survey), "late-share").set_index("unit")
    percent, n_done = late.loc["so-nv"]

    def read_with(target: float | None) -> object:
        path = write_plan(draft, survey, tmp_path / str(target), "vi")[0]
        book = load_workbook(path)
        cells = {"indicator": "late-share", "target": target, "item": "", "item_name": ""}
        cells |= dict.fromkeys(("baseline", "low", "high", "n", "detectable", "n_needed", "note"))
        for name, value in cells.items():
            book.worksheets[0].cell(FIRST, AT[name]).value = value or None
        book.save(path)
        return sipas.read_plan(path, survey, scores=scores).frame.iloc[0]

    line = read_with(2)
    assert line["baseline"] == pytest.approx(percent)
    assert line["n"] == n_done
    assert np.isnan([line["low"], line["high"], line["detectable"]]).all()
    assert np.isnan(read_with(None)["target"])  # none is proposed: officers choose it
    with pytest.raises(PlanError, match="should fall"):
        read_with(99)
