"""The page of a wave: everything escaped, nothing hidden told, no link to nowhere."""

import re
import time
from html import unescape

import pytest
from conftest import write_wave
from pages import Page

from sipas_analysis.documents.writers.html import render_section
from sipas_analysis.figures.published import figures_of
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.proof.read_back import read_printed
from sipas_analysis.reports.chapters.leaders import build_leaders
from sipas_analysis.reports.file_names import FORMATS, name_report_files
from sipas_analysis.reports.portal import write_portal
from sipas_analysis.reports.portal_files import ReportOutcome
from sipas_analysis.reports.subject import Subject

HEAD = "unit,A1,A2,D1,OVERALL\n"
ANSWERS = ("5,4,1,4", "4,4,5,5", "2,5,3,3", "3,1,4,2")
SCRIPT = "<script>alert('x')</script>"
LONG = "Đ" * 300
UNITS = f"""\
code,name_vi,name_en,group
so-a,"{SCRIPT}","{SCRIPT}",departments
so-b,"$x$ & ""B"" {{{{ 7 }}}} 🙂",,departments
h-c,{LONG},"' onclick='x",districts
h-d,Huyện D,District D,districts
h-e,Huyện E,District E,districts
"""


def row_of(page, code):
    """Return the row of a unit as text without tags; a number stands within its words."""
    found = re.search(rf'<tr [^>]*data-code="{code}".*?</tr>', without_figures(page)).group(0)
    return unescape(re.sub("<[^>]+>", " ", found))


def without_figures(page):
    """Return the page without the names of figures around numbers."""
    return re.sub(r'<span data-figure="[^"]*">([^<]*)</span>', r"\1", page.text)


def answers_of(**sizes):
    rows = [f"{u.replace('_', '-')},{ANSWERS[k % 4]}\n" for u, n in sizes.items() for k in range(n)]
    return HEAD + "".join(rows)


def portal(survey, folder, *made, languages=("vi", "en")):
    """Write the page and read it."""
    common = ["receipt.vi.html", "tables/figures.csv"]
    path = write_portal(figures_of(survey), made, folder / "out/index.html", languages, common)
    return Page(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def survey(read_shared):
    """Hostile names; one unit without a form, one of few forms."""
    return read_shared(
        answers_of(so_a=31, so_b=42, h_c=43, h_d=12),
        units=UNITS,
        min_forms=30,
        targets=[80],
        title={"vi": f"{SCRIPT} Đợt", "en": f"{SCRIPT} Wave"},
        synthetic="true",
    )


@pytest.mark.slow
def test_the_page_is_whole_and_carries_everything_itself(survey, tmp_path):
    """One page: no address, no picture file; only its own script may run."""
    page = portal(survey, tmp_path)
    assert page.all("html") == [{"lang": "vi"}]
    assert not re.search(r"(src|href)=\"?(https?:)?//", page.text)
    assert "script-src 'sha256-" in page.all("meta")[1]["content"]
    assert not [name for _, attrs in page.found for name in attrs if name.startswith("on")]
    assert page.text.count("MÔ PHỎNG") == page.text.count("SYNTHETIC DATA") == 1
    ids = [attrs["id"] for _, attrs in page.found if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_hostile_names_are_text(survey, tmp_path):
    """Markup, quotes, template signs, 300 letters and emoji are shown as they stand."""
    page = portal(survey, tmp_path, ReportOutcome("so-a", failed=f'{SCRIPT} "why"'))
    assert len(page.all("script")) == 1
    assert SCRIPT in row_of(page, "so-a")
    assert '$x$ & "B" {{ 7 }} 🙂' in row_of(page, "so-b")
    assert LONG in row_of(page, "h-c")
    assert "' onclick='x" in row_of(page, "h-c")
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &#34;why&#34;" in page.text


def test_headings_columns_and_controls_are_what_they_say(survey, tmp_path):
    """Scopes, buttons in sortable heads, labels, a live region; no click before a script runs."""
    page = portal(survey, tmp_path)
    assert all("scope" in attrs for attrs in page.all("th"))
    buttons = page.all("button")
    assert [button["data-key"] for button in buttons] == ["name", "group", "index", "rank", "forms"]
    assert all("disabled" in button for button in buttons)
    assert len(page.all("th", **{"aria-sort": "none"})) == 5
    assert page.all("label", **{"for": "search"})
    assert "hidden" in page.all("div", role="search")[0]
    assert page.all("p", role="status", **{"aria-live": "polite"})
    assert len(page.all("h1")) == 1


def test_a_bar_goes_from_low_to_high_with_the_point_between(survey, tmp_path):
    """Drawn on one axis for all; the numbers stand beside it as text."""
    page = portal(survey, tmp_path)
    row = re.search(r'<tr [^>]*data-code="so-b".*?</tr>', page.text).group(0)
    low, high = map(float, re.search(r'class="range" d="M([\d.]+) 8H([\d.]+)"', row).groups())
    point = float(re.search(r'cx="([\d.]+)"', row).group(1))
    assert 0 < low < point < high < 168
    one = figures_of(survey).by_variable("unit", "so-b")["overall"]
    shown = re.sub("<[^>]*>", "", row)
    assert f"{one.low:.1f}–{one.high:.1f}" in shown
    assert f"{one.low:.1f}–{one.high:.1f}".replace(".", ",") in shown
    assert 'class="target"' in row


@pytest.mark.slow
def test_a_number_names_its_figure(survey, tmp_path):
    """Index, both ends, rank and places, in each language: the row of figures.csv, rounded."""
    figures = figures_of(survey)
    table = figures.by_id.set_index("id")
    text = portal(survey, tmp_path).text
    ranked = "overall@so-a"
    low, rank = table.loc[ranked, ["low", "rank"]]
    for shown in (
        f'lang="en"><span data-figure="{ranked}#printed">{table["printed"][ranked]}<',
        f'<span data-figure="{ranked}#low">{low:.1f}<'.replace(".", ","),
        f'<span data-figure="{ranked}#low">{low:.1f}<',
        f' rank"><span data-figure="{ranked}#rank">{rank:.0f}</span></td>',
    ):
        assert shown in text
    seen = read_printed(tmp_path / "out/index.html")
    assert {it.language for it in seen} == {"vi", "en"}
    columns = {"printed", "low", "high", "rank", "rank_low", "rank_high", "n"}
    assert columns <= {it.column for it in seen}
    assert all(it.agrees(table.loc[it.id, it.column]) for it in seen)
    assert {f"overall@{one.unit}" for one in figures.units_in_order("departments")} < {
        it.id for it in seen
    }


def test_who_has_no_rank_has_a_reason_and_who_sent_nothing_is_named(survey, tmp_path):
    """12 forms of 30; Huyện E is listed, not ranked."""
    page = portal(survey, tmp_path)
    assert "12 phiếu, ít hơn mức tối thiểu 30" in row_of(page, "h-d")
    assert "12 forms, fewer than the 30 needed" in row_of(page, "h-d")
    assert "Đơn vị không có phiếu hợp lệ: 1" in page.text
    assert re.search(r"<li>.*Huyện E.*District E.*</li>", page.text)
    assert 'data-code="h-e"' not in page.text


def test_only_files_that_exist_are_linked(survey, tmp_path):
    """With their language; a path with blanks is written as a browser reads it."""
    out = tmp_path / "out"
    for name in ("units/so-b/report.vi.html", "units/so-b/b áo.en.pdf", "tables/figures.csv"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("x")
    files = {
        ("html", "vi"): "units/so-b/report.vi.html",
        ("pdf", "en"): "units/so-b/b áo.en.pdf",
        ("docx", "vi"): "units/so-b/gone.docx",
    }
    page = portal(survey, tmp_path, ReportOutcome("so-b", files))
    links = {attrs["href"]: attrs for attrs in page.all("a") if attrs["href"] != "#units"}
    assert [*links] == [
        "receipt.vi.html",
        "units/so-b/report.vi.html",
        "units/so-b/b%20%C3%A1o.en.pdf",
        "tables/figures.csv",
    ]
    assert links["units/so-b/report.vi.html"]["hreflang"] == "vi"
    name = links["units/so-b/report.vi.html"]["aria-labelledby"]
    assert name == "f-so-b.report-html-vi u-so-b"


def test_a_unit_has_one_menu_of_its_files_in_the_language_of_the_page(survey, tmp_path):
    """Report, letter and tables by name; the unit's own name leads to its page; no menu if none."""
    files = name_report_files("so-b", FORMATS, ("vi", "en"))
    for name in files.values():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text("x")
    page = portal(survey, tmp_path, ReportOutcome("so-b", files))
    row = re.search(r'<tr [^>]*data-code="so-b".*?</tr>', page.text).group(0)
    entries = re.findall(r'<li class="in-(vi|en)">.*?<span lang="(vi|en)">(.*?)</span>', row)
    assert len(entries) == len(files)
    assert all(shown_in == language for shown_in, language, _ in entries)
    assert [label for _, language, label in entries if language == "vi"] == [
        "Báo cáo (xem trên màn hình)",
        "Báo cáo (Word)",
        "Báo cáo (PDF)",
        "Công văn (Word)",
        "Công văn (PDF)",
        "Bảng số liệu (Excel)",
    ]
    assert '<a class="in-en" href="units/so-b/report.en.html" hreflang="en">' in row
    assert len(page.all("details", **{"class": "menu"})) == 1


def test_the_leaders_page_stands_first_in_each_language(survey, tmp_path):
    """The chapter of the report, not a second text: same sentences, ids that name the language."""
    page = portal(survey, tmp_path)
    for language in ("vi", "en"):
        chapter = render_section(build_leaders(Subject(figures_of(survey))), language)
        lead = re.search(r'<p class="lead">.*?</p>', chapter).group(0)
        assert lead in page.text
        assert f'<section class="sipas" id="leaders-{language}"' in page.text
    assert page.text.index("leaders-en") < page.text.index('id="whole"')


@pytest.mark.slow  # whole reports are made
def test_last_year_stands_beside_this_year_where_it_may_be_compared(read_answers, tmp_path):
    """Index of the earlier wave, change, and in words whether it is more than chance."""
    (tmp_path / "old").mkdir()
    before = answers_of(so_a=40, so_b=40).replace("5,4,1,4", "5,5,5,5")
    write_wave(tmp_path / "old", before, UNITS, id="old", year=2023)
    survey = read_answers(answers_of(so_a=40, h_c=40), units=UNITS, earlier=["old/wave.yaml"])
    page = portal(survey, tmp_path)
    figures = figures_of(survey)
    change = figures.last_year.find(figures.by_variable("unit", "so-a")["overall"])
    row = row_of(page, "so-a")
    assert f"{change.before:.2f}" in row
    assert f"−{abs(change.value):.2f}" in row
    assert {"open": "chưa vượt sai số", "down": "giảm rõ"}[change.verdict] in row
    assert "chưa vượt sai số" not in row_of(page, "h-c")


@pytest.mark.slow  # whole reports are made
def test_what_failed_stands_first_and_says_why_in_both_languages(survey, tmp_path):
    """A unit that the list does not know is named by its code; the province by its report."""
    page = portal(
        survey,
        tmp_path,
        ReportOutcome("gone", failed="why 1"),
        ReportOutcome("", failed="why 2"),
        ReportOutcome("h-d", failed=Bilingual(vi="Hết chỗ", en="Disk full")),
    )
    assert "Báo cáo không lập được: 3" in page.text
    said = unescape(re.sub("<[^>]+>", "", page.text))
    assert "gone: why 1" in said
    assert "Báo cáo chungReport on the whole: why 2" in said
    assert "Hết chỗDisk full" in said
    assert page.text.index("failed-title") < page.text.index("whole-title")
    assert "failed-title" not in portal(survey, tmp_path).text


@pytest.mark.slow  # whole reports are made
def test_what_must_not_be_published_is_not_on_the_page(read_answers, tmp_path):
    """Rule P2: no figure, no bar, no number of forms, nothing to sort by."""
    survey = read_answers(answers_of(so_a=3, so_b=20, h_c=31, h_d=40), units=UNITS, min_forms=5)
    page = portal(survey, tmp_path)
    for code in ("so-a", "so-b"):
        row = re.search(rf'<tr [^>]*data-code="{code}".*?</tr>', page.text).group(0)
        assert 'data-index=""' in row
        assert "<svg" not in row
        assert "không nêu" in row
        assert 'data-forms=""' in row
        assert not re.search(r"\d", unescape(re.sub(r"<[^>]+>", "", row.partition("</th>")[2])))


@pytest.mark.slow
def test_the_ledger_is_summed_up_by_reason(read_answers, tmp_path):
    """What was dropped or read differently, how often; without any, a sentence says so."""
    answers = answers_of(so_a=31) + "so-a,9,9,9,9\nso-a,9,5,5,5\n"
    page = portal(read_answers(answers, units=UNITS), tmp_path)
    assert "Dùng 32 phiếu trong 33 phiếu đã đọc." in without_figures(page)
    assert "Form dropped: too few items answered" in page.text
    whole = portal(read_answers(answers_of(so_a=31), units=UNITS), tmp_path)
    assert "no form was dropped" in whole.text


@pytest.mark.slow
def test_one_language_needs_no_switch(survey, tmp_path):
    """English only: no Vietnamese sentence, numbers with a point."""
    page = portal(survey, tmp_path, languages=("en",))
    assert page.all("html") == [{"lang": "en"}]
    assert not page.all("input", name="language")
    assert "Đơn vị" not in page.text
    assert "4 of 4 units shown." in page.text
    exact = figures_of(survey).by_id.set_index("id")
    assert all(
        it.agrees(exact.loc[it.id, it.column]) for it in read_printed(tmp_path / "out/index.html")
    )


@pytest.mark.slow
def test_same_figures_same_bytes(survey, tmp_path):
    """No clock, and no matter in which order the reports were made."""
    made = [
        ReportOutcome("so-a", failed="x"),
        ReportOutcome("so-b", {("html", "vi"): "tables/figures.csv"}),
    ]
    (tmp_path / "out/tables").mkdir(parents=True)
    (tmp_path / "out/tables/figures.csv").write_text("x")
    first = portal(survey, tmp_path, *made).text
    time.sleep(1.1)
    assert portal(survey, tmp_path, *reversed(made)).text == first


@pytest.mark.slow
def test_hidden_everywhere_still_gives_a_page(read_answers, tmp_path):
    """Three forms in all: no figure, a whole axis, no fall."""
    page = portal(read_answers(answers_of(so_a=3), units=UNITS), tmp_path)
    assert "không nêu" in row_of(page, "so-a")
    assert "<circle" not in page.text
