"""The coming plan and the verdicts on earlier plans, as chapters print them: planted lines."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from report_words import HEAD, draw_forms, read_chapter, read_words

from sipas_analysis.documents.model import render_text
from sipas_analysis.figures.plan_figures import ComingPlan
from sipas_analysis.figures.published import Figures
from sipas_analysis.improve.plan import Plan
from sipas_analysis.messages import say
from sipas_analysis.reports.chapters.action import build_proposals
from sipas_analysis.reports.chapters.leaders_table import tabulate_answers
from sipas_analysis.reports.chapters.letters import build_letter
from sipas_analysis.reports.chapters.plan import MOST_LINES, MOST_LINES_OF_UNIT, build_measures
from sipas_analysis.reports.chapters.plan_lines import MOST_WITHOUT_COMMA, shorten_name
from sipas_analysis.reports.chapters.verdicts import build_last_measures
from sipas_analysis.reports.subject import Subject

LINE = {
    "wave": "small-2024",
    "unit": "",
    "factor": "access",
    "item": "A1",
    "measure": "",
    "task": "Kê thêm ghế",
    "indicator": "survey",
    "baseline": 62.5,
    "low": 50.0,
    "high": 74.0,
    "n": 40.0,
    "target": 90.0,
    "detectable": 20.0,
    "n_needed": np.nan,
    "owner": "Chánh Văn phòng",
    "due": date(2025, 6, 30),
    "status": "approved",
    "note": "",
}
NUMBERS = ("change", "change_low", "change_high", "expected", "trend", "value", "low", "high")
ROW = {
    **dict.fromkeys(NUMBERS, 1.0),
    "kind": "line",
    "before": "small-2023",
    "after": "small-2024",
    "unit": "so-a",
    "item": "A1",
    "measure": "",
    "task": "Kê thêm ghế",
    "n_units": 1,
    "n_others": 5,
    "value_before": 60.0,
    "value_after": 61.0,
    "verdict": "no_sign",
    "reason": "",
    "target": 80.0,
    "is_met": False,
    "first_met": pd.NA,
    "due": date(2023, 6, 30),
    "status": "done",
    "year": 2024,
}
BLAMES = ("because of", "thanks to", "nhờ giải pháp", "do giải pháp")


def plant_lines(subject, lines, *, is_proposal=False, without=None):
    """Return a subject whose wave has these lines as its coming plan."""
    rows = [LINE | {"id": f"L{number:02d}"} | line for number, line in enumerate(lines, 1)]
    frame = pd.DataFrame(rows, columns=["id", *LINE])
    plan = ComingPlan(Plan(frame, without=without or {}), is_proposal, "plan.xlsx")
    subject.figures.__dict__["plan"] = plan
    return subject


def _make_row(row, line_id):
    """Return a row of verdicts, of a unit that was not merged unless the row says so."""
    full = ROW | {"id": line_id} | row
    return {"unit_then": full["unit"]} | full


def plant_verdicts(subject, earlier, rows):
    """Return a subject whose wave judges these lines of a plan of the earlier wave."""
    table = pd.DataFrame([_make_row(row, f"L{number:02d}") for number, row in enumerate(rows, 1)])
    ends = table["after"].where(table["after"] != "small-2024", "")
    table["key"] = table["before"] + ":" + table["id"] + ends.map(lambda end: end and f"@{end}")
    subject.figures.__dict__.update(verdicts=table, earlier=[Figures(earlier)])
    return subject


def read_answers_of(subject):
    """Return the Vietnamese answers of the small table on the leaders' page."""
    return "\n".join(render_text(row[1], "vi") for row in tabulate_answers(subject).rows)


@pytest.fixture
def surveys(read_answers):
    """Two waves of two units."""
    text = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 35)
    facts = {"collected": {"from": "2024-03-01", "to": "2024-03-20"}}
    later = read_answers(text, **facts)
    return read_answers(text, id="small-2023", year=2023), later


@pytest.mark.slow
def test_a_plan_says_who_does_what_by_when_and_what_shows_it(surveys):
    """From which figure to which; what could be seen; a weak ground and a small target in words."""
    doubts = "undecided target_inside_error"
    lines = [
        {},
        {"unit": "so-a", "id": "A", "status": "in_progress", "note": doubts, "target": 70.0},
        {"unit": "so-b", "id": "B"},
    ]
    subject = plant_lines(Subject(Figures(surveys[1])), lines)
    said = read_words(build_measures(subject), "vi")
    assert "Kế hoạch năm tới có 1 việc chung và 2 việc riêng của 2 đơn vị." in said
    assert "Kê thêm ghế | Chánh Văn phòng | 30/06/2025 | A1. Nơi ngồi chờ" in said
    assert "từ 62,50% lên 90% | Khảo sát sau; nhận ra được từ 20,0 điểm phần trăm" in said
    assert "chưa xác định" not in said.lower()
    of_unit = plant_lines(Subject(subject.figures, "so-a"), lines)
    said = read_words(build_measures(of_unit), "vi")
    assert "Kế hoạch năm tới của đơn vị có 1 việc." in said
    assert "Kê thêm ghế (Đang thực hiện)" in said
    assert "lên 70% (chưa xác định, trong sai số)" in said
    assert "Chưa xác định: với số phiếu này" in said
    assert said.count("Kê thêm ghế") == 1
    assert said.endswith("./.")


@pytest.mark.slow
def test_proposals_are_said_to_be_proposals(surveys):
    """Without a plan, and in a plan in which nothing is approved; nobody is in charge of them."""
    open_line = {"status": "proposed", "owner": "", "due": None, "unit": "so-a"}
    for is_proposal in (True, False):
        subject = Subject(Figures(surveys[1]), "so-a")
        plant_lines(subject, [open_line], is_proposal=is_proposal)
        said = read_words(build_measures(subject), "vi")
        assert "chưa phải kế hoạch được duyệt: 1 việc" in said
        assert "Chưa phân công chủ trì và chưa định thời hạn" in said
        assert "| Chủ trì |" not in said
        table = tabulate_answers(subject)
        answers = [render_text(row[1], "vi") for row in table.rows]
        assert any("Chưa có kế hoạch được duyệt; đề xuất 1 việc." in text for text in answers)


@pytest.mark.slow
def test_items_without_a_measure_are_named_and_the_request_is_said_once(surveys):
    """A questionnaire of one's own: the library has nothing, the officers write it themselves."""
    request = {"task": say("vi", "plan.task.all"), "status": "proposed", "owner": "", "due": None}
    lines = [request, request | {"item": "A2", "baseline": 70.0}]
    subject = plant_lines(Subject(Figures(surveys[1])), lines, is_proposal=True)
    said = read_words(build_measures(subject), "vi")
    assert said.count("chưa có giải pháp sẵn") == 1
    assert "Thư viện" not in said
    answers = read_answers_of(subject)
    assert "Cần tìm giải pháp trước hết cho: A1. Nơi ngồi chờ" in answers
    assert "(62,50%); A2. " in answers
    assert "“Đề xuất giải pháp" not in answers
    subject = plant_lines(Subject(Figures(surveys[1])), [{}, request])
    assert "Trước hết: “Kê thêm ghế”" in read_answers_of(subject)


@pytest.mark.slow  # whole reports are made
def test_a_dropped_line_is_no_task_and_makes_no_plan(surveys):
    """It is not counted, has no row, and the lines beside it stay proposals."""
    dropped = {"status": "dropped", "task": "Việc đã bỏ", "target": 99.0}
    lines = [dropped, {"status": "proposed"}, dropped | {"unit": "so-a"}]
    subject = plant_lines(Subject(Figures(surveys[1])), lines)
    said = read_words(build_measures(subject), "vi")
    assert "chưa phải kế hoạch được duyệt: 1 việc chung." in said
    assert "Việc đã bỏ" not in said
    assert "đưa giải pháp phù hợp ở phần VI" in read_words(build_proposals(subject), "vi")
    of_unit = Subject(subject.figures, "so-a")
    assert "không có việc nào của đơn vị" in read_words(build_measures(of_unit), "vi")
    subject = plant_lines(Subject(Figures(surveys[1])), [{}, dropped, {"status": "proposed"}])
    counted = "Kế hoạch năm tới có 1 việc chung đã được duyệt; 1 việc còn là đề xuất."
    assert counted in read_words(build_measures(subject), "vi")
    assert "thực hiện các việc trong kế hoạch" in read_words(build_proposals(subject), "vi")


@pytest.mark.slow  # whole reports are made
def test_items_that_share_the_lowest_figure_are_named_together(read_answers):
    """On the first page and in the results; without a publisher nobody is called superior."""
    rows = ["so-a,2,2,5,4,,\n"] * 15 + ["so-a,5,5,4,4,,\n"] * 25 + ["so-b,4,4,2,4,,\n"] * 40
    survey = read_answers(HEAD + "".join(rows), province={"vi": "tỉnh A", "en": "A province"})
    first = "tiêu chí A1 “Nơi ngồi chờ có đủ chỗ ngồi”"
    tied = f"{first}; tiêu chí A2 “Trang thiết bị hiện đại” (cùng 62,50%)"
    for chapter in ("leaders", "results"):
        said = read_chapter(survey, chapter, "vi", "so-a")
        assert tied in said
    assert "cấp có thẩm quyền" in read_words(build_proposals(Subject(Figures(survey))), "vi")


def test_a_long_task_is_quoted_up_to_a_comma():
    """In full where it has none, unless it is very long."""
    first = "Niêm yết đủ thủ tục tại nơi tiếp nhận, trên cổng dịch vụ công"
    assert shorten_name(f"{first}; {'soát lại ' * 9}").vi == f"{first}…"
    assert shorten_name("Công khai " * 12).vi == "Công khai " * 12
    assert len(shorten_name("Công khai " * 50).vi) <= MOST_WITHOUT_COMMA


@pytest.mark.parametrize(
    ("is_proposal", "without", "words"),
    [
        (False, {}, "has no line of the unit"),
        (True, {"so-a": "few_forms"}, "With fewer than"),
        (True, {"so-a": "flagged"}, "need a second look"),
        (True, {"so-a": "suppressed"}, "not published"),
        (True, {}, "no figure from which to propose"),
    ],
)
@pytest.mark.slow
def test_a_unit_without_a_line_reads_why(surveys, is_proposal, without, words):
    """One sentence and no table."""
    subject = Subject(Figures(surveys[1]), "so-a")
    plant_lines(subject, [{}], is_proposal=is_proposal, without=without)
    section = build_measures(subject)
    assert words in read_words(section)
    assert len(section.blocks) == 1


@pytest.mark.slow  # whole reports are made
def test_a_long_plan_is_cut_and_the_rest_counted(surveys):
    """Sixty lines of all units, nine of one; a task of 500 letters is short in a sentence."""
    lines = [{"task": "Việc " * 100} for _ in range(60)] + [{"unit": "so-a"} for _ in range(9)]
    subject = plant_lines(Subject(Figures(surveys[1])), lines)
    *_, table = build_measures(subject).blocks
    assert len(table.rows) == MOST_LINES
    assert "Bảng chỉ nêu các việc đầu tiên" in read_words(build_measures(subject), "vi")
    rows = [render_text(row[1], "vi") for row in tabulate_answers(subject).rows]
    (plan,) = [text for text in rows if "Kế hoạch có 60 việc chung và 9 việc riêng" in text]
    assert "…”; chủ trì: Chánh Văn phòng; chậm nhất ngày 30/06/2025." in plan
    assert len(plan) < 300
    of_unit = Subject(subject.figures, "so-a")
    assert len(build_measures(of_unit).blocks[1].rows) == MOST_LINES_OF_UNIT


@pytest.mark.slow  # whole reports are made
def test_measures_of_many_units_are_judged_first_and_lines_of_units_counted(surveys):
    """Change, change expected, difference with interval, verdict; nothing is said to be caused."""
    earlier, later = surveys
    rows = [
        {"value": 9.25, "low": 2.0, "high": 16.5, "verdict": "worked", "change": 12.0},
        {"unit": "so-b", "verdict": "cannot_tell", "reason": "few_others", "value": np.nan},
        {"unit": "", "verdict": "too_early", "reason": "due"},
        {"kind": "measure", "unit": "", "id": "x~A1", "n_units": 2, "expected": 2.75},
    ]
    subject = plant_verdicts(Subject(Figures(later)), earlier, rows)
    said = read_words(build_last_measures(subject), "vi")
    assert "“Kê thêm ghế” (A1), so sánh 2 đơn vị | " in said
    assert " | +1,00 | +2,75" in said
    assert "Từng việc trong kế hoạch (3 việc): " in said
    assert "Tốt lên rõ rệt cùng với giải pháp: Sở A: “Kê thêm ghế” (A1)" in said
    assert "còn sớm: thời hạn sau ngày bắt đầu khảo sát" in said
    assert "thường tự tăng ở lần đo sau" in said
    said += read_words(build_last_measures(subject), "en")
    assert not any(words in said.lower() for words in BLAMES)


@pytest.mark.slow  # whole reports are made
def test_a_unit_reads_its_lines_since_the_first_plan(surveys):
    """Past its date; met in an earlier year and not met anew; the verdict of the year before."""
    earlier, later = surveys
    late = {"status": "in_progress", "due": date(2023, 12, 31)}
    met = {"is_met": True, "first_met": 2023, "item": "A2"}
    rows = [
        {"id": "A", **late},
        {"id": "B", **met},
        {"id": "B", **met, "after": "small-2023", "year": 2023, "verdict": "too_early"},
        {"id": "C", "unit": "so-b", "task": "Việc của đơn vị khác"},
    ]
    subject = plant_verdicts(Subject(Figures(later), "so-a"), earlier, rows)
    said = read_words(build_last_measures(subject), "vi")
    assert "có 2 việc của đơn vị. Chưa việc nào đủ cơ sở kết luận" in said
    assert "31/12/2023; Đang thực hiện; quá hạn" in said
    assert said.count("quá hạn") == 1
    assert "chưa thấy dấu hiệu; năm 2023: còn sớm; đã đạt chỉ tiêu 80% từ năm 2023" in said
    assert "chưa thấy dấu hiệu; chưa đạt chỉ tiêu 80%" in said
    assert "đơn vị khác" not in said.partition("Việc |")[2]
    assert "A2. " in said
    plant_lines(subject, [{"unit": "so-a"}])
    letter = read_words(build_letter(subject), "vi")
    assert "nêu kết quả 2 việc trong kế hoạch trước của Quý đơn vị. Phần IV nêu 1 việc" in letter
    answers = read_answers_of(subject)
    assert "Trong 2 việc của kế hoạch, chưa việc nào đủ cơ sở kết luận" in answers
    assert "Kế hoạch có 1 việc. Trước hết: “Kê thêm ghế”; chủ trì: Chánh Văn phòng" in answers


@pytest.mark.slow  # whole reports are made
def test_what_was_done_before_stands_beside_what_is_proposed(surveys):
    """A measure that failed is not new; an open line goes on; a merged unit is named."""
    earlier, later = surveys
    running = {"task": "Họp dân", "status": "in_progress", "item": "D1", "due": date(2025, 6, 30)}
    rows = [
        {"measure": "seats", "verdict": "got_worse"},
        {**running, "unit_then": "so-b", "verdict": "too_early"},
        {"kind": "measure", "unit": "", "measure": "seats", "id": "m", "verdict": "worked"},
    ]
    subject = plant_verdicts(Subject(Figures(later), "so-a"), earlier, rows)
    plant_lines(subject, [{"unit": "so-a", "measure": "seats", "status": "proposed"}])
    said = read_words(build_measures(subject), "vi")
    assert "đã làm: xấu đi, cần chọn cách khác" in said
    assert "cần làm tiếp: “Họp dân” (D1), việc của Sở B trước khi sắp xếp lại: chậm nhất" in said
    assert "suy ra" not in said
    answer = read_answers_of(subject)
    assert "Xấu đi: “Kê thêm ghế” (A1)" in answer
    assert "Xét chung các đơn vị cùng thực hiện: “Kê thêm ghế” (A1), so sánh 1 đơn vị" in answer
    assert "Các việc khác trong 2 việc" in answer
    assert "Xấu đi: Sở A" in read_answers_of(Subject(subject.figures))


@pytest.mark.slow  # whole reports are made
def test_nothing_is_said_of_other_lines_where_there_are_none(surveys):
    """The only line of a unit worked."""
    earlier, later = surveys
    subject = plant_verdicts(Subject(Figures(later), "so-a"), earlier, [{"verdict": "worked"}])
    answers = read_answers_of(subject)
    assert "Tốt lên rõ rệt" in answers
    assert "Các việc khác" not in answers


@pytest.mark.slow
def test_a_unit_without_an_earlier_line_reads_so(surveys):
    """One sentence; without any plan another one."""
    earlier, later = surveys
    subject = plant_verdicts(Subject(Figures(later), "so-a"), earlier, [{"unit": "so-b"}])
    assert "has no line of the unit" in read_words(build_last_measures(subject))
    subject = plant_verdicts(Subject(Figures(later), "so-a"), earlier, [{"unit": ""}])
    said = read_words(build_last_measures(subject), "vi")
    assert "Việc chung của toàn tỉnh: “Kê thêm ghế” (A1), toàn tỉnh: chưa thấy dấu hiệu." in said
    without = Subject(Figures(later), "so-a")
    assert "no plan of last year was given" in read_words(build_last_measures(without))
