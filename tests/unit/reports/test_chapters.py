"""Chapters: the first page tells what must be known, and every survey makes a whole report."""

import random

import pytest
from conftest import PACK

from sipas_analysis.documents.model import Bullets, Paragraph, Picture, Table, render_text
from sipas_analysis.documents.writers.html import render_section
from sipas_analysis.errors import ParameterError, UnitError
from sipas_analysis.explain.drivers import drivers
from sipas_analysis.explain.priority import priority
from sipas_analysis.measure.scores import score
from sipas_analysis.proof.trace import trace
from sipas_analysis.reports.report import CHAPTERS, report
from sipas_analysis.runs.jobs import plan_jobs

HEAD = "unit,A1,A2,D1,OVERALL,sex,vulnerable\n"
ONE_UNIT = "code,name_vi,group\nso-a,Sở A,departments\n"


def forms(unit, n, seed=1):
    """Answer at random, some profile questions too."""
    draw = random.Random(f"{unit}{seed}")
    levels = [1, 2, 3, 4, 4, 4, 5, 5]
    rows = [
        [unit, *(str(draw.choice(levels)) for _ in range(4)), draw.choice(["male", "female"]), "HN"]
        for _ in range(n)
    ]
    return "".join(",".join(row) + "\n" for row in rows)


def words(section, language):
    """Return everything a chapter says, one line per text, note or row."""
    said = [render_text(section.title, language)]
    for block in section.blocks:
        tables = [block.data] if isinstance(block, Picture) else [block]
        if isinstance(block, Paragraph):
            said.append(render_text(block.text, language))
        elif isinstance(block, Bullets):
            said += [render_text(item, language) for item in block.items]
        for table in tables if not isinstance(block, Paragraph | Bullets) else []:
            rows = [" | ".join(render_text(cell, language) for cell in row) for row in table.rows]
            said += [render_text(table.caption, language), *rows]
            said += [render_text(note, language) for note in table.notes]
    return "\n".join(said)


def chapter(survey, name, language="en", unit=""):
    """Return the words of one chapter."""
    return words(report(survey, language, unit).chapter(name).section, language)


# ── every survey makes a whole report

SURVEYS = {
    "two units": (HEAD + forms("so-a", 40) + forms("so-b", 35), {}),
    "an item that nobody answered": ("unit,A1,A2,D1\n" + "so-a,5,,3\n" * 9 + "so-b,4,,5\n" * 9, {}),
    "a factor that nobody answered": ("unit,A1,A2,D1\n" + "so-a,,,3\n" * 9 + "so-b,,,5\n" * 9, {}),
    "only the question on the whole": (
        "unit,A1,A2,D1,OVERALL\n" + "so-a,,,,4\n" * 9 + "so-b,,,,2\n" * 9,
        {},
    ),
    "a unit without a form": (HEAD + forms("so-a", 12), {}),
    "one form": ("unit,A1,A2,D1\nso-a,5,4,3\n", {}),
    "one form each": ("unit,A1,A2,D1\nso-a,5,4,3\nso-b,4,4,4\n", {}),
    "a single unit": (HEAD + forms("so-a", 12), {"units": ONE_UNIT}),
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
                said = words(section, language).lower().replace("nang", "")
                assert "nan" not in said, (unit, name, language)
                assert "None" not in text, (unit, name, language)


# ── the first page


@pytest.fixture
def whole(read_answers):
    """A synthetic wave with a dropped form, blank codes, stray spaces and personal data."""
    text = (
        "unit,A1,A2,D1,OVERALL,Họ và tên\n" + "so-a,5,4 ,3,4,An\n" * 20 + "so-b,5,9,3,2,Ba\n" * 20
    )
    return read_answers(text + "so-a,,,,,An\n", synthetic="true")


@pytest.mark.parametrize("unit", ["", "so-a"])
def test_the_first_page_says_what_must_be_known(whole, unit):
    """Rule and its status, n, what was dropped, wording, synthetic nature."""
    said = chapter(whole, "summary", unit=unit)
    n = 20 if unit else 40
    for part in (
        f"on {n} forms",
        "Synthetic: made by a program, not a survey",
        "Overall index: all valid answers of its items pooled (unverified)",
        "3 items: 1 sourced, 1 derived from a later form, 1 unverified",
        "41 forms read, 1 dropped; 40 cells read as something else; 1 columns of personal data",
        "95% interval",
    ):
        assert part in said


def test_the_first_page_gives_index_and_interval_of_score(whole):
    """60 of 100 answers: 20 forms with 2 of 3, 20 forms with 1 of 2."""
    figure = report(whole, "en").subject.figures.by_variable("all")["overall"]
    assert (figure.printed, figure.n) == ("60.00", 40)
    said = chapter(whole, "summary")
    assert f"The satisfaction index is 60.00% (95% interval {figure.low:.1f}–" in said


def test_a_real_survey_is_not_called_synthetic(read_answers):
    """Only a wave that says so."""
    survey = read_answers(SURVEYS["two units"][0])
    assert "ynthetic" not in chapter(survey, "summary")


def test_a_unit_reads_its_rank_or_why_it_has_none(read_answers):
    """Rank with the number of ranked units; without one, the reason (rule M7)."""
    survey = read_answers(HEAD + forms("so-a", 40) + forms("so-b", 12), min_forms=20)
    said = chapter(survey, "summary", unit="so-a")
    assert "group A; place 1 of 1, between 1 and 1 with 95% confidence (Departments)" in said
    said = chapter(survey, "summary", unit="so-b")
    assert "Not ranked: 12 forms, fewer than the 20 needed" in said
    assert "with caution: 12 people answered" in said


def test_too_few_people_have_no_index(read_answers):
    """Four forms: no figure, a warning instead (rule P2)."""
    survey = read_answers(HEAD + forms("so-a", 40) + forms("so-b", 4))
    section = report(survey, "en", "so-b").chapter("summary").section
    assert section.blocks[0].style == "warning"
    assert "The index is not published" in words(section, "en")


# ── wording and its status


def test_a_pack_with_empty_wording_says_so(read_answers):
    """On the first page, in the annex, and by the bare code."""
    pack = PACK.replace(", vi: Trang thiết bị hiện đại, en: Modern equipment", "")
    survey = read_answers(SURVEYS["two units"][0], pack=pack)
    assert "1 no wording known" in chapter(survey, "summary")
    assert "A2. A2 | no wording known" in chapter(survey, "annexes")


def test_names_of_indicators_that_are_ours_are_confessed(read_answers):
    """A question whose official wording is unknown is listed as such."""
    asked = """\
  late: {group: incident, vi: Trễ hẹn, en: Late, counted: [yes],
    levels: {yes: {vi: Có, en: "Yes"}, no: {vi: Không, en: "No"}}}
"""
    text = "unit,A1,A2,D1,late\n" + "so-a,5,4,3,yes\n" * 10 + "so-b,5,4,3,no\n" * 30
    said = chapter(read_answers(text, pack=PACK + asked), "incidents")
    assert "Late | Yes | 25.0" in said
    assert "the labels are ours: Late" in said


# ── what a report refuses, and what it repeats


def test_chapters_come_in_the_official_order():
    """Basis, method, people, index, factors, items, ranking, drivers, needs, end, measures."""
    assert [*CHAPTERS][1:] == [
        "basis",
        "method",
        "people",
        "overall",
        "factors",
        "items",
        "ranking",
        "drivers",
        "incidents",
        "conclusion",
        "measures",
        "annexes",
    ]


def test_each_factor_has_one_block_of_measures(read_answers):
    """Also a factor for which the library holds none (rule G2)."""
    section = report(read_answers(SURVEYS["two units"][0]), "en").chapter("measures").section
    heads = [
        render_text(block.text, "en")
        for block in section.blocks
        if isinstance(block, Paragraph) and block.style == "heading"
    ]
    assert heads == ["Access", "Results"]


def test_units_without_a_form_are_named(read_answers):
    """The province report says who is missing."""
    said = chapter(read_answers(HEAD + forms("so-a", 12)), "method")
    assert "1 units of the list sent no valid form: Department B" in said


def test_the_first_language_asked_is_shown_first(read_answers):
    """English first: English is shown, both are written; none means the wave's own."""
    survey = read_answers(HEAD + forms("so-a", 12), languages=["vi"])
    assert report(survey, ("en", "vi")).languages == ("en", "vi")
    assert report(survey, "en, vi").languages == ("en", "vi")  # a text, as notebooks of 0.6 pass
    assert report(survey).languages == report(survey, [""]).languages == ("vi",)
    assert "At a glance" in report(survey, "en").chapter("summary")._repr_html_()


def test_a_report_in_another_language_is_refused(read_answers):
    """Two languages are written."""
    with pytest.raises(ParameterError, match="“fr” is neither"):
        report(read_answers(HEAD + forms("so-a", 12)), ("vi", "fr"))


def test_a_report_needs_a_unit_with_forms(read_answers):
    """Unknown: the nearest code; without a form: that there is nothing to report."""
    survey = read_answers(HEAD + forms("so-a", 12))
    with pytest.raises(UnitError, match="Nearest: so-a "):
        report(survey, "vi", "so-aa")
    with pytest.raises(UnitError, match="“so-b” has no valid form"):
        report(survey, "vi", "so-b")
    with pytest.raises(UnitError, match="Nearest: –"):  # never just the first of the list
        report(survey, "vi", "kho bạc")


@pytest.mark.parametrize("name", ["so-a", "SO-A", "sở  a", "Department A", "SA"])
def test_a_unit_is_asked_for_by_code_name_or_alias(read_answers, tmp_path, name):
    """The report, the list of reports and the trace work with its code."""
    survey = read_answers(HEAD + forms("so-a", 12))
    assert report(survey, "vi", name).subject.unit == "so-a"
    (job,) = plan_jobs(survey, tmp_path, languages=["vi"], units=[name, "so-a"])
    assert (job.name, job.parameters["unit"]) == ("so-a", "so-a")
    with pytest.raises(ParameterError, match=r"unit: so-a\)"):
        trace(survey, "1234", name)
    assert trace(survey, f"Chỉ số chung@{name}")["id"] == "overall@so-a"
    assert trace(survey, "overall", name)["id"] == "overall@so-a"
    with pytest.raises(ParameterError, match="Nearest name: overall@so-a"):
        trace(survey, "overal@so-a")
    with pytest.raises(UnitError, match=r"Nearest: so-a \(Sở A\)"):
        trace(survey, "overall@Sở A của tỉnh")


def test_no_folder_writes_nothing(read_answers, tmp_path, monkeypatch):
    """A notebook run to be read leaves no file."""
    monkeypatch.chdir(tmp_path)
    made = report(read_answers(HEAD + forms("so-a", 12)), "vi")
    before = set(tmp_path.rglob("*"))
    assert made.write([made.chapter("basis")], "") == []
    assert set(tmp_path.rglob("*")) == before


def test_chapters_are_written_by_name(read_answers, tmp_path):
    """As built chapters are; a format or a path in their place is refused with the names."""
    made = report(read_answers(HEAD + forms("so-a", 12)), "en", "so-a")
    pages = []
    for number, chapters in enumerate((["basis"], "basis", [made.chapter("basis")])):
        (file,) = made.write(chapters, str(tmp_path / str(number)))
        pages.append((tmp_path / str(number) / file).read_text())
    assert pages[0] == pages[1] == pages[2]
    with pytest.raises(ParameterError, match=r"summary, basis.*'html' is none"):
        made.write(["html"], str(tmp_path))


@pytest.mark.parametrize("lonely", ["merge", "certainty", "adjust", "average"])
def test_the_remedy_for_a_lonely_stratum_is_printed(read_answers, lonely):
    """In words, whichever was chosen (rule V5)."""
    places = ["a,x,1", "a,x,2", "b,y,1", "b,y,2", "b,z,1"]
    rows = [f"so-{place},5,4,3\n" for place in places]
    columns = {"unit": "unit", "stratum": "tang", "cluster": "ap"}
    answers = "unit,tang,ap,A1,A2,D1\n" + "".join(row * 6 for row in rows)
    survey = read_answers(answers, columns=columns, design={"lonely": lonely})
    said = chapter(survey, "summary")
    assert "1 strata have one cluster; the wave chose to" in said
    assert f"“{lonely}”" not in said
    assert "5 clusters" in said


def test_a_unit_in_one_cluster_is_not_said_to_have_one_form(read_answers):
    """Its answers lie in one hamlet: no error, no rank, and the reason says so (rule V3)."""
    rows = ["so-a,1,5,4,3\n", "so-a,2,5,4,4\n", "so-b,3,5,4,3\n"]
    columns = {"unit": "unit", "cluster": "ap"}
    answers = "unit,ap,A1,A2,D1\n" + "".join(row * 12 for row in rows)
    survey = read_answers(answers, columns=columns, min_forms=5)
    assert "one form or one cluster" in chapter(survey, "summary", unit="so-b")


@pytest.mark.slow
def test_a_wave_that_names_earlier_ones_shows_the_trend_with_its_breaks(demo_2023):
    """2020 and 2021 are joined; to 2023 the line is broken, and the reason is said (rule C2)."""
    survey = demo_2023
    said = report(survey, "en").chapter("overall")._repr_html_()
    assert "2021 to 2023: the questionnaire changed" in said
    assert "other people were asked" in said
    assert "2020 to 2021:" not in said
    for year, value in (("2020", "85.92"), ("2021", "87.25"), ("2023", "84.59")):
        assert f">{year}<" in said
        assert f">{value}<" in said
    (unit,) = survey.frame["unit"].unique()[:1]
    assert "not comparable" not in report(survey, "en", unit).chapter("overall")._repr_html_()


@pytest.mark.slow
def test_the_reason_for_repeated_forms_that_count_is_printed(read_answers):
    """A block that stands twice counts if the wave says why; dropped forms are counted."""
    answers = HEAD + forms("so-a", 40) + forms("so-b", 35) + forms("so-a", 20)
    because = "Cùng một nhóm người được hỏi lại"
    kept = read_answers(answers, duplicates={"keep": "answers.csv", "because": because})
    assert len(kept.frame) == 95
    assert f"(responses-1.csv); lý do: {because}." in chapter(kept, "method", "vi")
    dropped = read_answers(answers, duplicates={"drop": "answers.csv"})
    assert len(dropped.frame) == 75
    assert "95 forms read, 20 dropped; 0 cells" in chapter(dropped, "summary")
    assert because not in chapter(dropped, "method", "vi")


# ── questions with several choices

CHOICES = "unit,A1,A2,D1,vulnerable/HN,vulnerable/NCC\n"


@pytest.mark.parametrize(
    ("rows", "share", "base"),
    [
        ("1,1|1,0|0,0|,", "57.1", "or none; shares are of the 35 forms that were asked, of 40"),
        ("1,1|1,|,|,", "100.0", "shares are of the 20 forms with at least one choice, of 40"),
    ],
)
def test_shares_of_several_choices_name_their_base(read_answers, rows, share, base):
    """A form with zeros and no tick was asked; where no zero is written nobody can say so."""
    counts = (10, 10, 15, 5)
    texts = [f"so-a,5,4,3,{row}\n" * n for row, n in zip(rows.split("|"), counts, strict=True)]
    said = chapter(read_answers(CHOICES + "".join(texts)), "people")
    assert f"Poor | 20 | {share}" in said
    assert base in said


def test_a_counted_choice_counts_among_others(read_answers):
    """Chosen alone by 10 and with another by 10, of 40 forms that were asked."""
    pack = PACK.replace("    kind: many\n", "    kind: many\n    counted: [HN]\n")
    pack = pack.replace("vulnerable:\n    group: profile", "vulnerable:\n    group: need")
    texts = [f"so-a,5,4,3,{row}\n" * n for row, n in (("1,1", 10), ("1,0", 10), ("0,0", 20))]
    said = chapter(read_answers(CHOICES + "".join(texts), pack=pack), "incidents")
    assert "Vulnerable groups | Poor | 50.0" in said


@pytest.mark.parametrize(
    ("facts", "words_in"),
    [
        ({}, None),
        ({"population": {"vi": "người dân", "en": "citizens"}}, "Đối tượng khảo sát: người dân."),
    ],
)
def test_who_was_asked_is_printed_only_where_it_is_named(read_answers, facts, words_in):
    """A drafted pack names no people: no empty sentence."""
    text = chapter(read_answers(HEAD + forms("so-a", 40), units=ONE_UNIT, **facts), "method", "vi")
    assert "phiếu hợp lệ của 1 đơn vị." in text
    assert ("Đối tượng khảo sát" in text) == bool(words_in)
    assert (words_in or "") in text
