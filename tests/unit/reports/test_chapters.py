"""Chapters: the first page tells what must be known, and every survey makes a whole report."""

import pandas as pd
import pytest
from conftest import PACK
from report_words import HEAD, draw_forms, read_chapter, read_words

import sipas_analysis as sipas
from sipas_analysis.documents.model import Table, render_text
from sipas_analysis.documents.writers.html import render_section
from sipas_analysis.errors import ParameterError, UnitError
from sipas_analysis.proof.trace import trace
from sipas_analysis.reports.chapters.annexes import ANNEXES
from sipas_analysis.reports.report import CHAPTERS, report
from sipas_analysis.runs.jobs import plan_jobs

ONE_UNIT = "code,name_vi,group\nso-a,Sở A,departments\n"


# ── every survey makes a whole report

SURVEYS = {
    "two units": (HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 35), {}),
    "an item that nobody answered": ("unit,A1,A2,D1\n" + "so-a,5,,3\n" * 9 + "so-b,4,,5\n" * 9, {}),
    "a factor that nobody answered": ("unit,A1,A2,D1\n" + "so-a,,,3\n" * 9 + "so-b,,,5\n" * 9, {}),
    "only the question on the whole": (
        "unit,A1,A2,D1,OVERALL\n" + "so-a,,,,4\n" * 9 + "so-b,,,,2\n" * 9,
        {},
    ),
    "a unit without a form": (HEAD + draw_forms("so-a", 12), {}),
    "one form": ("unit,A1,A2,D1\nso-a,5,4,3\n", {}),
    "one form each": ("unit,A1,A2,D1\nso-a,5,4,3\nso-b,4,4,4\n", {}),
    "a single unit": (HEAD + draw_forms("so-a", 12), {"units": ONE_UNIT}),
    "everyone satisfied": (
        "unit,A1,A2,D1,OVERALL\n" + "so-a,5,5,5,5\n" * 30 + "so-b,4,4,4,4\n" * 20,
        {},
    ),
    "nobody satisfied": ("unit,A1,A2,D1\n" + "so-a,1,1,1\n" * 30 + "so-b,2,2,2\n" * 30, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", SURVEYS)
def test_every_survey_makes_all_chapters_in_both_languages(read_answers, case):
    """However little was answered, each chapter says what it can, for province and unit."""
    answers, facts = SURVEYS[case]
    survey = read_answers(answers, targets=[80], **facts)
    for unit in ("", "so-a"):
        whole = report(survey, ("vi", "en"), unit)
        for name in (*whole.chapters, *whole.annexes):
            section = whole.chapter(name).section
            assert section.id == name, unit
            assert section.blocks, (unit, name)
            for language in whole.languages:
                text = render_section(section, language)
                said = read_words(section, language).lower().replace("nang", "")
                assert "nan" not in said, (unit, name, language)
                assert "None" not in text, (unit, name, language)


# ── wording and its status


@pytest.mark.slow
def test_a_pack_with_empty_wording_says_so(read_answers):
    """On the first page, in the annex, and by the bare code."""
    pack = PACK.replace(", vi: Trang thiết bị hiện đại, en: Modern equipment", "")
    survey = read_answers(SURVEYS["two units"][0], pack=pack)
    said = read_chapter(survey, "sources")
    assert "1 no wording known" in said
    assert "no wording known | – | A2" in said


def test_names_of_indicators_that_are_ours_are_confessed(read_answers):
    """A question whose official wording is unknown is listed as such."""
    asked = """\
  late: {group: incident, vi: Trễ hẹn, en: Late, counted: [yes],
    levels: {yes: {vi: Có, en: "Yes"}, no: {vi: Không, en: "No"}}}
"""
    text = "unit,A1,A2,D1,late\n" + "so-a,5,4,3,yes\n" * 10 + "so-b,5,4,3,no\n" * 30
    said = read_chapter(read_answers(text, pack=PACK + asked), "incidents")
    assert "Late | Yes | 25.0" in said
    assert "the labels are ours: Late" in said


@pytest.mark.slow
def test_annexes_tell_nothing_twice_and_nothing_empty(read_answers):
    """No annex where nothing was asked; groups of people and three units stand in the body."""
    text = "unit,A1,A2,D1,sex\n" + "".join(f"so-{u},5,4,3,male\n" * 31 for u in "ab")
    made = report(read_answers(text), "vi")
    assert {*ANNEXES} - {*made.annexes} == {"incidents", "record_tables"}
    titles = [render_text(made.chapter(name).section.title, "vi") for name in made.annexes]
    assert [title.partition(".")[0] for title in titles] == [
        f"Phụ lục {number}" for number in range(1, len(titles) + 1)
    ]
    blocks = [block for name in made.annexes for block in made.chapter(name).section.blocks]
    tables = {block.id: block for block in blocks if isinstance(block, Table)}
    assert "table-respondents" not in tables
    fair = next(table for name, table in tables.items() if name.startswith("table-fair"))
    assert "report.column.chance" not in repr(fair.columns)


# ── what a report refuses, and in which order it is


@pytest.mark.slow  # whole reports are made
def test_chapters_come_in_the_official_order(read_answers):
    """Numbered after the leaders' page; a unit has no chapter of the province."""
    survey = read_answers(HEAD + draw_forms("so-a", 12) + draw_forms("so-b", 12))
    names = ["leaders", "basis", "results", "ranking", "assessment", "last_measures", "measures"]
    assert [*report(survey).chapters] == [*names, "proposals"]
    of_unit = ["leaders", "results", "ranking", "last_measures", "measures"]
    assert [*report(survey, "vi", "so-a").chapters] == of_unit
    assert not {*CHAPTERS} & {*ANNEXES}
    titles = {
        unit: [render_text(made.chapter(name).section.title, "vi") for name in made.chapters]
        for unit in ("", "so-a")
        for made in [report(survey, "vi", unit)]
    }
    numbers = [title.partition(" ")[0] for title in titles[""][1:]]
    assert numbers == ["I.", "II.", "III.", "IV.", "V.", "VI.", "VII."]
    assert [title.partition(" ")[0] for title in titles["so-a"][1:]] == ["I.", "II.", "III.", "IV."]
    with pytest.raises(ParameterError, match="basis"):
        report(survey, "vi", "so-a").chapter("basis")


@pytest.mark.slow  # whole reports are made
def test_annexes_are_a_file_of_their_own_without_signature(read_answers, tmp_path):
    """The report is signed and names its recipients; the letter goes to the unit only."""
    survey = read_answers(
        HEAD + draw_forms("so-a", 12), province={"vi": "tỉnh Y", "en": "Y province"}
    )
    whole, unit = report(survey, "vi"), report(survey, "vi", "so-a")
    files = whole.write([], str(tmp_path))
    assert files[:2] == ["province/report.vi.html", "province/annexes.vi.html"]
    assert whole.write(["basis"], str(tmp_path))[:1] == ["province/report.vi.html"]
    body, annexes = (
        whole._sort_into_documents([whole.chapter(name).section]) for name in ("basis", "method")
    )
    assert [*body] == [""]
    assert body[""].is_signed
    said = [render_text(text, "vi") for text in body[""].recipients]
    assert said == ["UBND tỉnh Y (để b/c)", "Các cơ quan, đơn vị", "Lưu: VT"]
    assert not annexes["annexes"].is_signed
    assert annexes["annexes"].recipients == ()
    letter = unit.letter()
    assert render_text(letter.about, "vi").startswith("V/v")
    assert render_text(letter.recipients[0], "vi") == "Như trên"


@pytest.mark.slow
def test_units_without_a_form_are_named(read_answers):
    """The proposals of the province and a table of the annexes say who is missing."""
    survey = read_answers(HEAD + draw_forms("so-a", 12))
    assert "take part next time: Department B" in read_chapter(survey, "proposals")
    assert "1 units of the list sent no valid form: Department B" in read_chapter(survey, "units")


@pytest.mark.slow
def test_the_first_language_asked_is_shown_first(read_answers):
    """English first: English is shown, both are written; none means the wave's own."""
    survey = read_answers(HEAD + draw_forms("so-a", 12), languages=["vi"])
    assert report(survey, ("en", "vi")).languages == ("en", "vi")
    assert report(survey, "en, vi").languages == ("en", "vi")  # a text, as notebooks of 0.6 pass
    assert report(survey).languages == report(survey, [""]).languages == ("vi",)
    assert "Summary for leaders" in report(survey, "en").chapter("leaders")._repr_html_()


def test_a_report_in_another_language_is_refused(read_answers):
    """Two languages are written."""
    with pytest.raises(ParameterError, match="“fr” is neither"):
        report(read_answers(HEAD + draw_forms("so-a", 12)), ("vi", "fr"))


def test_a_report_needs_a_unit_with_forms(read_answers):
    """Unknown: the nearest code; without a form: that there is nothing to report."""
    survey = read_answers(HEAD + draw_forms("so-a", 12))
    with pytest.raises(UnitError, match="Nearest: so-a "):
        report(survey, "vi", "so-aa")
    with pytest.raises(UnitError, match="“so-b” has no valid form"):
        report(survey, "vi", "so-b")
    with pytest.raises(UnitError, match="Nearest: –"):  # never just the first of the list
        report(survey, "vi", "kho bạc")


@pytest.mark.slow  # whole reports are made
def test_a_unit_is_asked_for_by_code_name_or_alias(read_answers, tmp_path):
    """The report, the list of reports and the trace work with its code."""
    survey = read_answers(HEAD + draw_forms("so-a", 12))
    for name in ("so-a", "SO-A", "sở  a", "Department A", "SA"):
        assert report(survey, "vi", name).subject.unit == "so-a"
        (job,) = plan_jobs(survey, tmp_path, languages=["vi"], units=[name, "so-a"])
        assert (job.name, job.parameters["unit"]) == ("so-a", "so-a")
        with pytest.raises(ParameterError, match=r"unit so-a\)"):
            trace(survey, "1234", name)
        assert trace(survey, f"Chỉ số chung@{name}")["id"] == "overall@so-a"
        assert trace(survey, "overall", name)["id"] == "overall@so-a"
    with pytest.raises(ParameterError, match="nearest name: overall@so-a"):
        trace(survey, "overal@so-a")
    with pytest.raises(UnitError, match=r"Nearest: so-a \(Sở A\)"):
        trace(survey, "overall@Sở A của tỉnh")


@pytest.mark.slow
def test_no_folder_writes_nothing(read_answers, tmp_path, monkeypatch):
    """A notebook run to be read leaves no file."""
    monkeypatch.chdir(tmp_path)
    made = report(read_answers(HEAD + draw_forms("so-a", 12)), "vi")
    before = set(tmp_path.rglob("*"))
    assert made.write([made.chapter("basis")], "") == []
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_chapters_are_written_by_name(read_answers, tmp_path):
    """As built chapters are; a format or a path in their place is refused with the names."""
    made = report(read_answers(HEAD + draw_forms("so-a", 12)), "en", "so-a")
    pages = []
    for number, chapters in enumerate((["results"], "results", [made.chapter("results")])):
        (file,) = made.write(chapters, str(tmp_path / str(number)))
        pages.append((tmp_path / str(number) / file).read_text())
    assert pages[0] == pages[1] == pages[2]
    with pytest.raises(ParameterError, match=r"leaders, results.*'html' is none"):
        made.write(["html"], str(tmp_path))


@pytest.mark.parametrize("lonely", ["merge", "certainty", "adjust", "average"])
@pytest.mark.quick_cases(1)
def test_the_remedy_for_a_lonely_stratum_is_printed(read_answers, lonely):
    """In words, whichever was chosen (rule V5)."""
    places = ["a,x,1", "a,x,2", "b,y,1", "b,y,2", "b,z,1"]
    rows = [f"so-{place},5,4,3\n" for place in places]
    columns = {"unit": "unit", "stratum": "tang", "cluster": "ap"}
    answers = "unit,tang,ap,A1,A2,D1\n" + "".join(row * 6 for row in rows)
    survey = read_answers(answers, columns=columns, design={"lonely": lonely})
    said = read_chapter(survey, "method")
    assert "1 strata have one cluster; the wave chose to" in said
    assert f"“{lonely}”" not in said
    assert "5 clusters" in said


@pytest.mark.slow
def test_a_unit_in_one_cluster_is_not_said_to_have_one_form(read_answers):
    """Its answers lie in one hamlet: no error, no rank, and the reason says so (rule V3)."""
    rows = ["so-a,1,5,4,3\n", "so-a,2,5,4,4\n", "so-b,3,5,4,3\n"]
    columns = {"unit": "unit", "cluster": "ap"}
    answers = "unit,ap,A1,A2,D1\n" + "".join(row * 12 for row in rows)
    survey = read_answers(answers, columns=columns, min_forms=5)
    assert "one form or one cluster" in read_chapter(survey, "leaders", unit="so-b")


@pytest.mark.slow
def test_a_wave_that_names_earlier_ones_shows_the_trend_with_its_breaks(demo_2023):
    """2020 and 2021 are joined; to 2023 the line is broken, and the reason is said (rule C2)."""
    survey = demo_2023
    said = report(survey, "en").chapter("results")._repr_html_()
    assert "Not compared with 2021: the questionnaire changed; other people were asked" in said
    for year, value in (("2020", "86.43"), ("2021", "87.25"), ("2023", "84.59")):
        assert f">{year}" in said
        assert f">{value}<" in said
    assert ">2023 (another survey, not compared with the years before)<" in said
    assert ">2021 (" not in said
    assert said.count("the questionnaire changed") == 1
    assert "the later forms are weighted" in said
    (unit,) = survey.frame["unit"].unique()[:1]
    assert "not comparable" not in report(survey, "en", unit).chapter("results")._repr_html_()


@pytest.mark.slow
def test_the_reason_for_repeated_forms_that_count_is_printed(read_answers):
    """A block that stands twice counts if the wave says why; dropped forms are counted."""
    answers = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 35) + draw_forms("so-a", 20)
    because = "Cùng một nhóm người được hỏi lại"
    kept = read_answers(answers, duplicates={"keep": "answers.csv", "because": because})
    assert len(kept.frame) == 95
    assert f"(responses-1.csv); lý do: {because}." in read_chapter(kept, "method", "vi")
    dropped = read_answers(answers, duplicates={"drop": "answers.csv"})
    assert len(dropped.frame) == 75
    assert "Read 95 forms, dropped 20; 0 cells" in read_chapter(dropped, "sources")
    assert because not in read_chapter(dropped, "method", "vi")


# ── questions with several choices

CHOICES = "unit,A1,A2,D1,vulnerable/HN,vulnerable/NCC\n"


@pytest.mark.parametrize(
    ("rows", "share", "base"),
    [
        ("1,1|1,0|0,0|,", "57.1", "or none; shares are of the 35 forms that were asked, of 40"),
        ("1,1|1,|,|,", "100.0", "shares are of the 20 forms with at least one choice, of 40"),
    ],
)
@pytest.mark.slow
def test_shares_of_several_choices_name_their_base(read_answers, rows, share, base):
    """A form with zeros and no tick was asked; where no zero is written nobody can say so."""
    counts = (10, 10, 15, 5)
    texts = [f"so-a,5,4,3,{row}\n" * n for row, n in zip(rows.split("|"), counts, strict=True)]
    said = read_chapter(read_answers(CHOICES + "".join(texts)), "people")
    assert f"Poor | 20 | {share}" in said
    assert base in said


def test_a_counted_choice_counts_among_others(read_answers):
    """Chosen alone by 10 and with another by 10, of 40 forms that were asked."""
    pack = PACK.replace("    kind: many\n", "    kind: many\n    counted: [HN]\n")
    pack = pack.replace("vulnerable:\n    group: profile", "vulnerable:\n    group: need")
    texts = [f"so-a,5,4,3,{row}\n" * n for row, n in (("1,1", 10), ("1,0", 10), ("0,0", 20))]
    said = read_chapter(read_answers(CHOICES + "".join(texts), pack=pack), "incidents")
    assert "Vulnerable groups | Poor | 50.0" in said


@pytest.mark.parametrize(
    ("facts", "words_in"),
    [
        ({}, None),
        ({"population": {"vi": "người dân", "en": "citizens"}}, "Đối tượng khảo sát: người dân."),
    ],
)
@pytest.mark.quick_cases(1)
def test_who_was_asked_is_printed_only_where_it_is_named(read_answers, facts, words_in):
    """A drafted pack names no people: no empty sentence."""
    text = read_chapter(
        read_answers(HEAD + draw_forms("so-a", 40), units=ONE_UNIT, **facts), "method", "vi"
    )
    assert "phiếu hợp lệ của 1 đơn vị." in text
    assert ("Đối tượng khảo sát" in text) == bool(words_in)
    assert (words_in or "") in text


@pytest.mark.slow  # whole reports are made
@pytest.mark.parametrize("is_weighted", [True, False])
def test_the_first_chapter_names_weights_and_other_scales(is_weighted):
    """A reader of the body alone knows what a figure counts; without them nothing is said."""
    forms = pd.DataFrame({"a": [1, 2, 3, 4, 5, 5, 4, 2], "b": [5, 4, 3, 2, 1, 1, 2, 4]})
    forms = forms.assign(unit=list("xxxxyyyy"), whole=[0, 2, 9, 10, 8, 7, 9, 10])
    forms = forms.assign(w=[1.0, 1.5] * 4 if is_weighted else 1.0)
    more = {"overall": "whole", "overall_scale": (0, 10)} if is_weighted else {}
    survey = sipas.survey(
        forms, items=["a", "b"], unit="unit", weights="w", title="T", year=2026, **more
    )
    words = read_words(report(survey, ["en"]).chapter("basis").section, "en")
    assert ("Each form counts with its weight" in words) is is_weighted
    assert ("levels 0 to 10, satisfied from 9 on" in words) is is_weighted
