"""What is easily forgotten: files that are not read, blank facts, units at 100 %."""

from dataclasses import replace

import pandas as pd
import pytest
from made_exports import make_dossiers, survey_of

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents.model import render_text
from sipas_analysis.errors import ConfigError, PlanError
from sipas_analysis.figures.published import Figures
from sipas_analysis.improve.plan import plan
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.reports.chapters.opening import find_newer_rules, state_reservations
from sipas_analysis.reports.check_output import describe_check
from sipas_analysis.reports.check_reminders import (
    describe_cut_exports,
    describe_plans,
    describe_reminders,
    list_blank_facts,
    list_content_units,
    list_files_like_plans,
    list_unnamed_plans,
    list_unread_files,
)
from sipas_analysis.reports.plan_workbook import write_plan
from sipas_analysis.reports.subject import Subject


def test_files_of_the_folder_that_no_entry_reads_are_named(read_answers, make_wave):
    """A file behind a # counts as unread; lock files, the wave's own files and notes do not."""
    folder = make_wave().parent
    for name in ("late.xlsx", "~$late.xlsx", "notes.txt", "maybe.csv"):
        (folder / name).write_text("x", "utf-8")
    survey = read_answers("unit,A1,A2,D1\nso-a,5,4,3\n")
    assert list_unread_files(survey.wave) == ["late.xlsx", "maybe.csv"]
    path = survey.wave.path
    path.write_text(path.read_text("utf-8") + "# - file: late.xlsx\n", "utf-8")
    (folder / "maybe.csv").unlink()
    assert list_unread_files(survey.wave) == ["late.xlsx"]
    assert any("late.xlsx" in text for text, _ in describe_reminders(survey, "vi"))


def test_a_file_that_looks_like_a_plan_and_is_not_read_is_named(read_answers):
    """It is the plan that officers saved, not forms; the one beside the read plan is its copy."""
    survey = read_answers("unit,A1,A2,D1\nso-a,5,4,3\n")
    folder = survey.wave.path.parent
    for name in ("plan.csv", "plan.xls", "Kế hoạch 2022.xlsx", "planned-leave.txt"):
        (folder / name).write_text("x", "utf-8")
    assert list_files_like_plans(survey.wave) == ["Kế hoạch 2022.xlsx", "plan.xls"]
    said = " ".join(text for text, _ in describe_reminders(survey, "vi"))
    assert "không được đọc: Kế hoạch 2022.xlsx; plan.xls. Nếu đó là kế hoạch năm tới" in said
    assert "Nếu là phiếu" not in said
    (folder / "plan.xlsx").write_text("x", "utf-8")
    assert "plan.csv" not in list_files_like_plans(survey.wave)


def test_a_plan_of_an_earlier_wave_that_is_not_judged_is_named(read_answers, tmp_path):
    """With those that are named already, so that the line can be copied."""
    answers = "unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 8
    waves = ["2022/wave.yaml", "2023/wave.yaml"]
    for wave in waves:
        (tmp_path / wave[:4]).mkdir()
        (tmp_path / wave[:4] / "plan.xlsx").touch()
    facts = {"earlier": waves, "plan": "2022/plan.xlsx"}
    survey = read_answers(answers, **facts)
    assert list_unnamed_plans(survey.wave) == ["2022/plan.xlsx", "2023/plan.xlsx"]
    said = [text for text, _ in describe_reminders(survey, "vi")]
    assert any("plan: [2022/plan.xlsx, 2023/plan.xlsx]" in text for text in said)
    full = survey.wave.model_copy(update={"plan": ("2022/plan.xlsx", "2023/plan.xlsx")})
    assert list_unnamed_plans(full) == []


@pytest.mark.slow
def test_a_plan_is_counted_or_refused_before_anything_is_printed(read_answers):
    """The plan beside the wave: its lines, what was read differently, or the cell that is wrong."""
    survey = read_answers("unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 20 + "so-b,2,4,3\n" * 20)
    assert describe_plans(survey, "vi") == []
    lines = plan(survey)
    line = lines.frame.head(1).assign(status="done")
    more = line.assign(id="P09", status="proposed")
    lines = replace(lines, frame=pd.concat([line, more, more.assign(id="P10")]))
    paths = write_plan(lines, survey, survey.wave.path.parent, "vi")
    counts = "3 dòng (Đề xuất: 2; Hoàn thành: 1)"
    again = read_survey(read_wave(survey.wave.path))
    assert describe_plans(again, "vi")[0] == (f"Kế hoạch năm tới (plan.xlsx): {counts}.", None)
    paths[0].unlink()
    paths[1].write_text(paths[1].read_text("utf-8-sig").replace("proposed", "agreed", 1), "utf-8")
    with pytest.raises(PlanError, match=r"plan\.csv.*agreed"):
        describe_check(read_survey(read_wave(survey.wave.path)), "vi")


def test_blank_and_drafted_facts_are_named(make_wave):
    """What the first page of a report prints."""
    facts = {
        "title": {"vi": "Chỉ số hài lòng", "en": "Satisfaction index"},
        "publisher": {"vi": ""},
    }
    facts |= {"province": {"vi": ""}, "decision": {"number": "15/QĐ-UBND", "date": ""}}
    assert list_blank_facts(read_wave(make_wave(**facts))) == [
        *("province", "publisher", "title"),
        "decision.date",
    ]
    full = {
        "title": {"vi": "Chỉ số 2024"},
        "publisher": {"vi": "Sở Nội vụ"},
        "province": {"vi": "T"},
    }
    full |= {"decision": {"number": "15/QĐ-UBND", "date": "2025-01-15"}}
    assert list_blank_facts(read_wave(make_wave(**full))) == []


def test_a_decision_that_is_still_drafted_is_refused_and_a_day_explained(make_wave):
    """“…/QĐ-UBND” would stand on the title page; 15/01/2025 is answered with the order of a day."""
    with pytest.raises(ConfigError, match="still the drafted"):
        read_wave(make_wave(decision={"number": "…/QĐ-UBND", "date": ""}))
    with pytest.raises(ConfigError, match="yyyy-mm-dd"):
        read_wave(make_wave(decision={"number": "1/QĐ", "date": "15/01/2025"}))


def test_a_unit_of_full_satisfaction_that_no_rule_flags_is_named(read_answers):
    """All 31 forms of one unit are satisfied with everything; of the other only half."""
    lines = ["so-a,5,4,5"] * 31 + ["so-b,5,4,5", "so-b,2,4,5"] * 16
    survey = read_answers("\n".join(["unit,A1,A2,D1", *lines, ""]))
    assert list_content_units(survey) == ["so-a"]
    assert any("satisfied with everything" in text for text, _ in describe_reminders(survey, "en"))


@pytest.mark.slow  # whole reports are made
def test_files_of_records_are_named_and_cut_exports_too(read_answers, tmp_path):
    """``check`` says that their content is read later; ``report`` names one that may be cut."""
    stays = make_dossiers()
    many = pd.concat([stays] * 209).head(5000).assign(MaHoSo=[f"H{at}" for at in range(5000)])
    survey = survey_of(read_answers, tmp_path, many)
    (said,) = [text for text, _ in describe_reminders(survey, "vi") if "records:" in text]
    assert "dossiers.csv" in said
    ((said, _),) = describe_cut_exports(survey, "vi")
    assert "dossiers.csv (5000)" in said
    assert describe_cut_exports(survey_of(read_answers, tmp_path), "vi") == []


def test_levels_of_a_questionnaire_that_nobody_used_are_asked_about(read_answers):
    """Two hundred answers of 2 to 5 and none of 1: perhaps the form has another scale."""
    rows = "".join(f"so-a,{2 + k % 4},5,3\n" for k in range(70))
    said = [text for text, _ in describe_reminders(read_answers("unit,A1,A2,D1\n" + rows), "en")]
    assert any("level 1 of the scale 1 to 5 (A1, A2, D1" in text for text in said)


@pytest.mark.parametrize(
    ("pack", "year", "newer"),
    [
        ("qd-2640-2017", 2026, "qd-1001-2023"),
        ("qd-2640-2017", 2024, "qd-1001-2023"),
        ("qd-2640-2017", 2023, None),  # the decision is of December 2023
        ("qd-2640-2017", 2021, None),
        ("qd-1001-2023", 2026, None),
        ("moh-3869", 2026, None),
        ("qd-2640-2017", None, None),
    ],
)
def test_rules_that_a_later_decision_replaced_are_named(pack, year, newer):
    """Only decisions of the ministry replace each other; the year of the change allows both."""
    rules = find_newer_rules(read_instrument(pack), year)
    assert (rules and rules.id) == newer


@pytest.mark.slow
def test_check_says_that_the_rules_are_older(demo_2021):
    """A wave of 2026 on the rules of 2017 is reminded, the demo is not."""
    survey = replace(demo_2021, wave=demo_2021.wave.model_copy(update={"year": 2026}))
    said = [text for text, _ in describe_reminders(survey, "en")]
    (text,) = [text for text in said if text.startswith("The wave of 2026 uses")]
    assert "write instrument: qd-1001-2023" in text
    said = [text for text, _ in describe_reminders(demo_2021, "en")]
    assert not any("uses the rules" in text for text in said)


def test_whoever_signs_reads_that_the_rules_are_older(demo_2021):
    """The first chapter says it beside the other reservations, of the demo nothing."""
    survey = replace(demo_2021, wave=demo_2021.wave.model_copy(update={"year": 2026}))
    said, before = (
        "".join(render_text(text, "vi") for text in state_reservations(Subject(Figures(each))))
        for each in (survey, demo_2021)
    )
    assert "Kết quả năm 2026 được tính theo" in said
    assert "từ ngày 11/12/2023 đã có" in said
    assert "1001" in said
    assert said.startswith(before)
    assert "mẫu phiếu nào" not in before
