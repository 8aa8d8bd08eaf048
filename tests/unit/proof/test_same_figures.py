"""A figure has one home: what HTML, Word and Excel print is the row of one table, by its id."""

import csv
import random
import re
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from html import unescape

import openpyxl
import pytest
from conftest import PACK

import sipas_analysis as sipas
from sipas_analysis.documents.model import make_text, render_parts
from sipas_analysis.documents.writers.html import render_section
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.messages import format_number

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SPAN = re.compile('<span data-figure="([^"]*)">([^<]*)</span>')
LANGUAGES = ("vi", "en")
UNITS = ("so-ldtbxh", "")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory, demo_2021):
    """All files of one unit and of the province, in every format, and the tables."""
    out = tmp_path_factory.mktemp("out")
    for unit in UNITS:
        report = sipas.report(demo_2021, "vi,en", unit=unit)
        chapters = [report.chapter(name) for name in (*report.chapters, *report.annexes)]
        report.write(chapters, str(out), "html,docx,xlsx")
        write_tables(report.subject.figures.tables(), out / "tables")
    return out


@pytest.fixture(scope="module")
def table(made):
    """The published figures by id."""
    lines = (made / "tables/figures.csv").read_text("utf-8-sig").splitlines()
    return {row["id"]: row for row in csv.DictReader(lines)}


def in_html(path):
    """Every printed figure of a page: its ``id#column`` and its text."""
    found = SPAN.findall(path.read_text("utf-8"))
    return [(unescape(name), unescape(text)) for name, text in found]


def in_word(path):
    """Every bookmarked figure of a Word file, as its own list names it."""
    with zipfile.ZipFile(path) as parts:
        body = ET.fromstring(parts.read("word/document.xml"))
        listed = ET.fromstring(parts.read("customXml/figures.xml"))
    names = {it.get("mark"): f"{it.get('id')}#{it.get('column')}" for it in listed}
    found = []
    for parent in body.iter():
        open_ = ""
        for one in parent:
            if one.tag == f"{W}bookmarkStart":
                open_ = one.get(f"{W}name")
            elif one.tag == f"{W}bookmarkEnd":
                open_ = ""
            elif open_:
                found.append(
                    (names.pop(open_), "".join(element.text for element in one.iter(f"{W}t")))
                )
    assert names == {}
    return found


def in_excel(path):
    """Every figure of a workbook: its ``id#column``, the cell's number and its format."""
    book = openpyxl.load_workbook(path)
    rows = book["ids"].iter_rows(min_row=2, values_only=True)
    return [
        (f"{row[2]}#{row[3]}", book[row[0]][row[1]].value, book[row[0]][row[1]].number_format)
        for row in rows
    ]


def home(name, table):
    """What the table holds for ``id#column``: text as it is printed, or a number."""
    key, _, column = name.rpartition("#")
    return table[key][column] if column == "printed" else float(table[key][column])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("unit", UNITS)
def test_every_format_prints_the_figure_of_its_id(made, table, unit, language):
    """Numbers of HTML, Word and Excel, one by one, against the table, rounded as they are shown."""
    place = made / (f"units/{unit}" if unit else "province")
    said = {
        "html": in_html(place / f"report.{language}.html"),
        "docx": in_word(place / f"report.{language}.docx"),
    }
    for kind, found in said.items():
        assert len(found) > 60, kind
        for name, text in found:
            exact = home(name, table)
            places = len(text.partition("," if language == "vi" else ".")[2])
            assert text == format_number(exact, language, places), (kind, name)
    book = place / (f"report.{language}.xlsx" if unit else f"annexes.{language}.xlsx")
    cells = in_excel(book)
    assert len(cells) > 30
    for name, value, shown in cells:
        if isinstance(value, str):  # a number among words or with its sign
            exact = abs(float(home(name, table)))
            numbers = {format_number(exact, language, places) for places in range(4)}
            assert numbers & {*re.findall(r"[\d.,]*\d", value)}, (name, value)
            continue
        digits = re.search(r"0\.(0+)", shown)  # also after a sign in quotes
        places = len(digits[1]) if digits else 0
        assert format_number(f"{value:.{places}f}", "en") == format_number(
            home(name, table), "en", places
        ), name


@pytest.mark.parametrize("unit", UNITS)
def test_no_format_names_fewer_figures_than_another(made, unit):
    """Word shows what HTML shows, but for the data of pictures; Excel what the tables show."""
    place = made / (f"units/{unit}" if unit else "province")
    page = (place / "report.vi.html").read_text("utf-8")
    unfolded = re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)
    seen = Counter((unescape(name), unescape(text)) for name, text in SPAN.findall(unfolded))
    assert Counter(in_word(place / "report.vi.docx")) == seen
    if unit:
        cells = re.findall(r'<td class="number">((?:<span[^>]*>[^<]*</span>|–)+)</td>', page)
        tables = {unescape(name) for cell in cells for name, _ in SPAN.findall(cell)}
        places = {it for it in tables if it.endswith(("#rank_low", "#rank_high"))}  # 1–18 is text
        sheets = {name for name, *_ in in_excel(place / "report.vi.xlsx")}
        assert len(sheets) > 100
        assert tables - places <= sheets <= {unescape(name) for name, _ in SPAN.findall(page)}


def test_most_numbers_of_a_unit_have_a_home(made):
    """Index, factors, items, places, neighbours and drivers are there, with their errors."""
    names = {name for name, _ in in_html(made / "units/so-ldtbxh/report.vi.html")}
    for name in (
        "overall@so-ldtbxh#printed",
        "overall@so-ldtbxh#low",
        "overall@so-ldtbxh#rank",
        "overall@so-ldtbxh#rank_high",
        "overall@so-nv#printed",
        "overall@group:departments#high",
    ):
        assert name in names
    pairs = {name for name in names if name.startswith("pair:")}
    assert {pair.partition("#")[2] for pair in pairs} == {"value", "fall_low", "high"}
    assert all("so-ldtbxh" in pair for pair in pairs)
    assert {name.partition("#")[0].partition("@")[2] for name in names} >= {"so-ldtbxh", "so-nv"}


def test_a_name_cannot_pretend_to_be_a_figure():
    """Characters that mark a figure are taken out of texts of users."""
    forged = "\ufdd0overall#printed\ufdd199,99\ufdd2"
    shown = render_parts(make_text("report.coded", code=forged, mark="", name="x"), "vi")
    assert [part.figure for part in shown] == [None]
    assert "overall#printed99,99" in shown[0].text


def test_no_name_leads_to_a_hidden_figure(read_answers):
    """Rule P2: a suppressed figure has no number in the table, and none on any page names it."""
    answers = "unit,A1,A2,D1\n" + "so-a,5,4,3\nso-a,3,4,5\nso-a,2,4,4\n" * 12 + "so-b,4,2,5\n" * 3
    survey = read_answers(answers, min_forms=3)
    figures = sipas.report(survey, "vi").subject.figures
    scores = figures.scores
    hidden = set(figures.by_id["id"].iloc[: len(scores)][(scores["flag"] == "suppress").to_numpy()])
    assert any("@so-b" in it for it in hidden)
    table = figures.by_id.set_index("id").loc[sorted(hidden)]
    assert table.drop(columns=["n", "n_valid", "rule", "printed"]).isna().all(axis=None)
    assert set(table["printed"]) == {""}
    assert not any("so-b" in it for it in figures.by_id["id"] if it.startswith("pair:"))
    for unit in ("", "so-a", "so-b"):
        report = sipas.report(survey, "vi", unit=unit)
        for name in (*report.chapters, *report.annexes):
            text = render_section(report.chapter(name).section, "vi")
            named = {unescape(it) for it, _ in SPAN.findall(text)}
            seen = {it for it in named if it.rpartition("#")[0] in hidden}
            assert {it.rpartition("#")[2] for it in seen} <= {"n", "n_valid"}


def test_a_pack_of_one_decimal_prints_one_decimal_everywhere(read_answers):
    """`printed` is the pack's own rounding, also in the matrix and in what-if (rule M6)."""
    draw = random.Random(5)
    rows = [f"so-{u},{','.join(draw.choice('23445') for _ in range(4))}" for u in "ab" * 60]
    pack = PACK + "index: {factor: {rule: pooled}, overall: {rule: pooled}, decimals: 1}\n"
    survey = read_answers("unit,A1,A2,D1,OVERALL\n" + "\n".join(rows) + "\n", pack=pack)
    report = sipas.report(survey, "en")
    printed = report.subject.figures.by_id.set_index("id")["printed"]
    found = []
    for name in (*report.chapters, *report.annexes):
        found += SPAN.findall(render_section(report.chapter(name).section, "en"))
    shown = {(unescape(it), text) for it, text in found if it.endswith("#printed")}
    assert len(shown) > 10
    assert all(text == printed[it.removesuffix("#printed")] for it, text in shown)
