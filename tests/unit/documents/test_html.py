"""One HTML file for people: escaped, readable aloud, without script and without network."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from itertools import pairwise
from urllib.parse import unquote

import pytest
import yaml
from conftest import FACTS, PACK
from pages import Page

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents.writers.html import render_section
from sipas_analysis.reports.report import report

SCRIPT = "<script>alert('x')</script>"
UNITS = f"""\
code,name_vi,name_en,group
so-a,"{SCRIPT}","{SCRIPT}",departments
so-b,"$x$ & ""B"" {{{{ 7 }}}}",,departments
h-c,=cmd|'/c calc',,districts
"""
HEAD = "unit,A1,A2,D1,OVERALL,sex,vulnerable\n"
ANSWERS = ("5,4,1,4,male,HN", "4,4,5,5,female,HN;NCC", "2,5,3,3,female,", "3,1,4,2,male,KHAC")
SIZES = {"so-a": 31, "so-b": 42, "h-c": 23}


def tables_of(page):
    return re.findall(r"<table.*?</table>", page.text, re.DOTALL)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """A wave whose title, questions and units are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    pack = PACK.replace("Trang thiết bị hiện đại", f'"{SCRIPT} $a$ $b$"')
    (folder / "pack.yaml").write_text(pack, "utf-8")
    (folder / "units.csv").write_text(UNITS, "utf-8")
    rows = [f"{unit},{ANSWERS[k % 4]}\n" for unit, n in SIZES.items() for k in range(n)]
    (folder / "answers.csv").write_text(HEAD + "".join(rows), "utf-8")
    facts = FACTS | {
        "title": {"vi": f"{SCRIPT} Đợt", "en": f"{SCRIPT} Wave"},
        "province": {"vi": SCRIPT},
        "publisher": {"vi": SCRIPT},
        "synthetic": "true",
        "languages": ["vi", "en"],
        "targets": [80, 95.5],
        "min_forms": 20,
        "decision": {"number": SCRIPT},
    }
    path = folder / "wave.yaml"
    path.write_text(yaml.safe_dump(facts, allow_unicode=True), "utf-8")
    return read_survey(read_wave(path))


def write(survey, folder):
    """Write the province's report and that of one unit; return the texts by name."""
    for unit in ("", "so-b"):
        whole = report(survey, "vi,en", unit)
        whole.write([], str(folder))
    found = sorted(folder.rglob("*.html"))
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


@pytest.fixture(scope="module")
def pages(survey, tmp_path_factory):
    """Six pages: province, its annexes and one unit, in both languages."""
    return write(survey, tmp_path_factory.mktemp("out"))


@pytest.fixture(
    params=[
        "province/report.vi",
        "province/report.en",
        "province/annexes.vi",
        "units/so-b/report.vi",
        "units/so-b/report.en",
    ]
)
def page(pages, request):
    """Each page in turn."""
    return Page(pages[request.param + ".html"])


def test_a_report_is_one_page_per_language(pages):
    """Province, its annexes and unit, Vietnamese and English, and nothing else."""
    assert len(pages) == 6


@pytest.mark.slow
def test_the_same_survey_gives_the_same_bytes(survey, pages, tmp_path):
    """No time stamp and no random id: what is signed can be made again."""
    assert write(survey, tmp_path) == pages


def test_nothing_is_run_and_nothing_is_fetched(page):
    """No script, no address outside, no handler: the page opens on a machine without a network."""
    assert "<script" not in page.text.lower()
    assert page.all("link") == page.all("iframe") == page.all("object") == []
    sources = [it[key] for _, it in page.found for key in ("src", "srcset") if key in it]
    assert {source.split(":")[0] for source in sources} <= {"data"}
    without_pictures = re.sub(r'"data:[^"]*"', "", page.text)
    assert not re.search(r"https?://|@import|url\(", without_pictures)
    assert not any(name.startswith("on") for _, it in page.found for name in it)


def test_names_are_shown_and_not_run(pages):
    """Title, unit, question, province and decision may hold ``<script>``: it is text."""
    text = pages["province/report.vi.html"]
    assert text.count("&lt;script&gt;alert") >= 6
    assert "$x$ &amp; &#34;B&#34; {{ 7 }}" in text


def test_links_of_a_page_lead_to_its_own_parts_and_its_other_half(pages, page):
    """The skip link, every chapter, and from a report to its annexes and back."""
    ids = [attrs["id"] for _, attrs in page.found if "id" in attrs]
    links = [it["href"] for it in page.all("a")]
    inside = [link[1:] for link in links if link.startswith("#")]
    assert inside[0] == "main"
    assert inside[1:] == [it["id"] for it in page.all("section")]
    assert set(inside) <= set(ids)
    outside = {link for link in links if not link.startswith("#")}
    [own] = [name for name, text in pages.items() if text == page.text]
    folder, _, name = own.rpartition("/")
    other = (
        name.replace("report", "annexes") if "report" in name else name.replace("annexes", "report")
    )
    assert outside == ({other} if folder == "province" else set())


def test_every_id_stands_once(page):
    """A figure and its table share no id: links and screen readers go by it."""
    ids = Counter(attrs["id"] for _, attrs in page.found if "id" in attrs)
    assert [one for one, n in ids.items() if n > 1] == []
    named = [it["aria-labelledby"] for _, it in page.found if "aria-labelledby" in it]
    assert set(named) <= set(ids)


def test_a_page_says_its_language(pages):
    """A screen reader chooses its voice by it."""
    assert {name: Page(text).all("html")[0]["lang"] for name, text in pages.items()} == {
        name: name.split(".")[1] for name in pages
    }


def test_every_table_can_be_read_aloud(page):
    """A caption, headed columns and headed rows."""
    assert len(tables_of(page)) > 5
    for table in tables_of(page):
        assert re.search(r"<caption>\s*\S", table)
        heads = re.findall(r'<th scope="(col|row)"', table)
        assert heads[0] == "col"
        assert heads.count("row") == table.split("<tbody>")[1].count("<tr>")
        assert "<th>" not in table


def draws(url):
    """Return whether a data URL holds a picture."""
    kind, _, data = url.partition(",")
    return kind == "data:image/svg+xml" and ET.fromstring(unquote(data)).tag.endswith("svg")


def test_every_picture_says_what_it_shows(page):
    """Alt text with the values, or where the values stand; the picture itself is embedded."""
    pictures = page.all("img")
    is_report = page.all("section")[0]["id"] == "leaders"
    assert len(pictures) >= (3 if is_report else 0)
    for one in pictures:
        assert len(one["alt"]) > 40
        assert draws(one["src"])
    narrow = page.all("source")
    assert {one["media"] for one in narrow} <= {"(max-width: 40rem)"}
    assert all(draws(one["srcset"]) and " " not in one["srcset"] for one in narrow)


def test_headings_do_not_skip_a_level(page):
    """One title; chapters below it, parts below chapters."""
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_numbers_are_written_the_way_of_the_language(pages):
    """64,58 in Vietnamese, 64.58 in English, and never the other way in a table."""
    for name, text in pages.items():
        own, other = (r"\d,\d", r"\d\.\d") if ".vi." in name else (r"\d\.\d", r"\d,\d")
        plain = re.sub(r"</?span[^>]*>", "", text)
        cells = re.findall(r'<td class="number">([^<]*)</td>', plain)
        assert sum(bool(re.search(own, cell)) for cell in cells) > 30
        assert [cell for cell in cells if re.search(other, cell)] == []


def test_a_page_prints_on_a4(page):
    """Margins of an official document; tables repeat their head; contents stay on the screen."""
    assert "@page { size: A4;" in page.text
    assert "table-header-group" in page.text
    assert page.all("nav")[0]["class"] == "screen"
    assert "@top-center { content: counter(page)" in page.text
    assert "@page :first { @top-center { content: none; } }" in page.text


def test_a_chapter_is_a_fragment_for_a_notebook(survey):
    """JupyterLab shows one chapter with its style; it holds no second page."""
    section = report(survey, "vi").chapter("results").section
    text = render_section(section, "vi")
    assert text.count("<style>") == 1
    assert "<html" not in text
    assert Page(text).all("section")[0]["id"] == "results"


def test_the_styles_of_a_chapter_in_a_notebook_apply_to_nothing_else(survey):
    """Every selector begins with our class; colours are those of the theme, none is fixed ink."""
    ranking = report(survey, "vi").chapter("ranking")
    chapter, plain = ranking._repr_html_(), render_section(ranking.section, "vi", is_framed=False)
    styles = re.findall("<style>(.*?)</style>", chapter, re.DOTALL)
    rules = re.findall(r"([^{}]+){([^{}]*)}", "".join(styles))
    assert len(rules) > 20
    assert [
        selector for selector, _ in rules if not selector.strip().startswith(".sipas-chapter")
    ] == []
    colours = [rule for _, rule in rules for rule in re.findall(r"(?<![-\w])color: ([^;]*)", rule)]
    assert {colour.partition("(")[0] for colour in colours} <= {"var", "inherit"}
    assert chapter.endswith(f"</style>\n{plain}</div>")  # the same bytes as on a page
    Page(chapter)
