"""Waves at the edge: every page of report, annexes and letter still reads well, nothing is cut."""

import random
import re

import pytest
from conftest import write_wave
from report_words import HEAD, draw_forms, read_words

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents.model import Picture, Table, render_text
from sipas_analysis.reports.report import report

pytestmark = pytest.mark.slow

LONG = "Trung tâm Phục vụ hành chính công và Kiểm soát thủ tục hành chính liên thông các xã, phường"
LONG = f"{LONG} vùng biên giới <b>phía</b> Tây"  # 120 letters, and what HTML would read as a tag
UNIT = "code,name_vi,group\nso-a,{name},departments\n"
ONE_FACTOR = """\
id: one
title: {vi: Một yếu tố}
source: ours
status: unverified
factors: {all: {vi: Phục vụ}}
items:
  A1: {factor: all, vi: Nhanh}
  A2: {factor: all, vi: Đúng}
overall_item: {code: OVERALL, vi: Hài lòng chung}
"""
POINTS = """\
id: points
title: {vi: Bộ tính điểm, en: Points}
source: ours
status: unverified
index: {points: {1: 0, 2: 25, 3: 50, 4: 75, 5: 100}}
factors: {all: {vi: Phục vụ, en: Service}, late: {vi: Đúng hẹn, en: On time}}
items:
  A1: {factor: all, vi: Nhanh, en: Fast}
  A2: {factor: all, vi: Đúng, en: Right}
  D1: {factor: late, vi: Đúng hẹn, en: On time}
overall_item: {code: OVERALL, vi: Hài lòng chung, en: Overall}
"""
IGNORE = {"unit": "unit", "ignore": ["sex", "vulnerable"]}
NO_FACTOR = re.sub(r"factors:.*\n", "", ONE_FACTOR).replace("{factor: all, ", "{")


def make_many_factors():
    """Return a pack of forty factors with long names, without English, and 60 forms."""
    names = {f"f{k}": f"Nội dung thứ {k} về việc tiếp nhận và trả kết quả" for k in range(1, 41)}
    factors = "".join(f"  {code}: {{vi: {name}}}\n" for code, name in names.items())
    items = "".join(f"  Q{k}: {{factor: f{k}, vi: Câu hỏi số {k}}}\n" for k in range(1, 41))
    head = "id: many\ntitle: {vi: Bốn mươi yếu tố}\nsource: ours\nstatus: unverified\n"
    draw = random.Random(3)
    rows = [
        ",".join(["so-a" if k % 2 else "so-b", *(str(draw.choice([2, 4, 5])) for _ in names)])
        for k in range(60)
    ]
    answers = ",".join(["unit", *(f"Q{k}" for k in range(1, 41))]) + "\n" + "\n".join(rows) + "\n"
    return answers, {"pack": f"{head}factors:\n{factors}items:\n{items}"}


TWO = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 35)
SHORT = "unit,A1,A2,OVERALL\n"
CASES = {
    "one unit": (HEAD + draw_forms("so-a", 40), {"units": UNIT.format(name="Sở A")}),
    "names of 120 letters": (
        HEAD + draw_forms("so-a", 40),
        {"units": UNIT.format(name=f'"{LONG}"')},
    ),
    "one factor": (
        SHORT + "so-a,5,3,4\nso-b,2,4,3\nso-a,4,4,5\n" * 15,
        {"pack": ONE_FACTOR},
    ),
    "no factor": (SHORT + "so-a,5,3,4\nso-b,2,4,3\nso-a,4,4,5\n" * 15, {"pack": NO_FACTOR}),
    "no overall item": ("unit,A1,A2,D1\n" + "so-a,5,4,3\nso-b,4,2,5\n" * 20, {}),
    "all at 100 %": (HEAD + "so-a,5,5,4,5,male,HN\nso-b,4,5,5,4,female,\n" * 30, {}),
    "forty factors": make_many_factors(),
    "points": (TWO, {"pack": POINTS, "columns": IGNORE}),
    "seven forms": (HEAD + draw_forms("so-b", 40) + draw_forms("so-a", 7), {"min_forms": 20}),
}


def list_documents(survey, language):
    """Return the sections of report, annexes and letter, of the province and of a unit."""
    whole, unit = report(survey, language), report(survey, language, "so-a")
    chapters = [whole.chapter(name).section for name in (*whole.chapters, *whole.annexes)]
    chapters += [unit.chapter(name).section for name in unit.chapters]
    return [*chapters, *unit.letter().sections]


def check_pages(survey, language):
    """No chapter, table or picture is empty; no word of Python, no empty name, nothing cut."""
    for section in list_documents(survey, language):
        said = read_words(section, language)
        where = (section.id, language, said)
        assert section.blocks, where
        assert not re.search(r"\b(nan|None|inf|NaN)\b", said), where
        assert not re.search(r"“”|: \.|\(\)|\{|: ;|\.\.(?!\.)", said), where
        blanks = "[0-9a-f]{16}…|ngày …… tháng …… năm ……,|by …/…/…"  # short hashes, days to fill in
        assert "…" not in re.sub(blanks, "", said), where
        for block in section.blocks:
            if isinstance(block, Table):
                assert block.rows, where
                assert all(render_text(row[0], language) for row in block.rows), where
            if isinstance(block, Picture):
                assert len(block.draw(language)) > 500, where
                assert len(block.draw(language, narrow=True)) > 500, where


@pytest.mark.parametrize("case", CASES)
def test_every_page_reads_well(read_answers, case):
    """No chapter, table or picture is empty; no word of Python, no empty name, nothing cut."""
    answers, facts = CASES[case]
    survey = read_answers(answers, targets=[80], **facts)
    for language in ("vi", "en"):
        check_pages(survey, language)


def write_plan(wave, item):
    """Write a plan of two lines beside a wave: of the whole, in progress, and of a unit, done."""
    lines = [
        f"P01,*,{item},Kê thêm ghế <b>rộng</b>,Chánh Văn phòng,30/06/2025,survey,100,in_progress",
        f"so-a-01,so-a,{item},Kê thêm ghế <b>rộng</b>,,,survey,100,done",
    ]
    heads = "id,unit,item,task,owner,due,indicator,target,status"
    missing = ["wave", "measure", "budget", "note", "remark"]
    rows = [f"{heads},{','.join(missing)}", *(f"{line},{wave.id},,,," for line in lines)]
    (wave.path.parent / "plan.csv").write_text("\n".join(rows) + "\n", "utf-8")


@pytest.mark.parametrize("case", ["one unit", "names of 120 letters", "one factor", "all at 100 %"])
def test_every_page_reads_well_with_a_plan(tmp_path, case):
    """A plan of last year is judged and one of this year listed."""
    answers, facts = CASES[case]
    waves = []
    for year in (2023, 2024):
        (folder := tmp_path / str(year)).mkdir()
        earlier = {"earlier": ["../2023/wave.yaml"], "plan": "../2023/plan.csv"} if waves else {}
        known = {"id": f"small-{year}", "year": year} | earlier | facts
        waves.append(read_wave(write_wave(folder, answers, **known)))
        write_plan(waves[-1], "A1")
    survey = read_survey(waves[-1])
    check_pages(survey, "vi")
    said = read_words(report(survey, "vi", "so-a").chapter("last_measures").section, "vi")
    assert "Kê thêm ghế" in said


def test_a_pack_with_points_says_average_score(read_answers):
    """Neither a percent sign nor "satisfied" stands at an index of points."""
    answers, facts = CASES["points"]
    survey = read_answers(answers, targets=[80], **facts)
    for unit in ("", "so-a"):
        made = report(survey, "en", unit)
        said = read_words(made.chapter("results").section)
        assert "Average score (0–100)" in said
        assert "Satisfied (%)" not in said
        assert "Satisfied (%)" not in read_words(made.chapter("ranking").section)


def test_long_names_stand_whole_in_every_format(read_answers, tmp_path):
    """A name of 120 letters with a tag: escaped in HTML, whole in Word and on the PDF's pages."""
    answers, facts = CASES["names of 120 letters"]
    survey = read_answers(answers, **facts)
    files = report(survey, "vi", "so-a").write([], str(tmp_path), ("html", "docx"))
    page = next(tmp_path / name for name in files if name.endswith(".html")).read_text("utf-8")
    assert "&lt;b&gt;phía&lt;/b&gt; Tây" in page
    assert "<b>phía</b>" not in page
