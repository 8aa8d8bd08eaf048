"""Every result is shown and written in every format, with the same texts and the same numbers."""

import re
import subprocess
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from shutil import which

import docx
import numpy as np
import pandas as pd
import pytest
from conftest import read_demo
from openpyxl import load_workbook

import sipas_analysis as sipas
from sipas_analysis.documents.model import Column, render_text
from sipas_analysis.documents.model import Table as DocumentTable
from sipas_analysis.documents.table_cells import Chance, Measured, Plain, Range
from sipas_analysis.documents.writers.latex import ESCAPES, escape_latex, render_latex
from sipas_analysis.documents.writers.markdown import escape_markdown
from sipas_analysis.documents.writers.table_html import STYLES
from sipas_analysis.errors import ParameterError
from sipas_analysis.explain.record_views import compare_views
from sipas_analysis.infer.column_formats import IDS, MOST_COLUMNS
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.measure.reconciliation import reconcile

WAVE = "data/an-giang-{}/wave.yaml"
HOSTILE = [
    '=HYPERLINK("http://x")',
    "<script>alert(1)</script>",
    "a|b\n| c",
    "50% & $x_1^2$ ~ {\\end{tabular}}",
    "*bold* `code` [link](x)",
    "+1 -- “Sở” − – ",
]


def make_schools():
    """Return a frame with the columns of R's apistrat; its numbers are drawn here."""
    draw = np.random.default_rng(3)
    kind = np.repeat(["E", "H", "M"], [60, 30, 30])
    meals = draw.uniform(0, 100, 120)
    score = 800 - 3 * meals + 40 * (kind == "E") + draw.normal(0, 50, 120)
    return pd.DataFrame(
        {
            "stype": kind,
            "dnum": np.arange(120) // 4,
            "pw": np.repeat([44.2, 15.1, 20.4], [60, 30, 30]),
            "meals": meals,
            "api00": score,
            "met": (score + draw.normal(0, 60, 120) > 640).astype(int),
            "late": draw.poisson(np.exp(meals / 60)),
            "grade": pd.cut(score, [0, 560, 680, 2000], labels=[1, 2, 3]).astype(int),
        }
    )


def fit_schools():
    """Return a fit of each family, of groups, and one under replicate weights."""
    frame = make_schools()
    design = sipas.Design(frame, weights="pw", clusters="dnum")
    made = sipas.Design(frame, weights="pw", strata="stype", clusters="dnum", replicates="JKn")
    return {
        "linear": sipas.fit(design, "api00 ~ meals + stype"),
        "shorter": sipas.fit(design, "api00 ~ stype"),
        "logit": sipas.fit(design, "met ~ meals", "binomial"),
        "ordered": sipas.fit(design, "grade ~ meals", "ordinal"),
        "counts": sipas.fit(design, "late ~ meals", "poisson"),
        "kinds": sipas.fit(design, "stype ~ meals", "multinomial"),
        "again": sipas.fit(made, "api00 ~ meals"),
        "groups": sipas.fit(design, "api00 ~ meals", by="stype"),
    }


def make_results():
    """Return a result of every function of the public face that has one."""
    frame = make_schools()
    design = sipas.Design(frame, weights="pw", clusters="dnum")
    fits = fit_schools()
    means = sipas.mean(design, ["api00", "meals"], by="stype")
    survey, earlier = read_demo(2021), read_demo(2020)
    scores, priority = sipas.score(survey, by="unit"), sipas.priority(survey)
    plan = sipas.read_plan("data/an-giang-2020/plan.xlsx", earlier)
    return {
        **fits,
        "predictions": fits["linear"].predict(),
        "adjusted": fits["linear"].adjusted_means("stype"),
        "test": fits["linear"].test("stype"),
        "anova": fits["linear"].anova(),
        "slopes": fits["ordered"].test_parallel_slopes(),
        "no_slopes": fits["linear"].test_parallel_slopes(),
        "models": sipas.table(fits),
        "means": means,
        "difference": means.difference({"stype": "E"}, {"stype": "H"}),
        "total": sipas.total(design, "api00"),
        "ratio": sipas.ratio(design, "api00", "meals"),
        "shares": sipas.proportion(design, "stype"),
        "variance": sipas.variance(design, "api00"),
        "quantile": sipas.quantile(design, "api00", [0.25, 0.5]),
        "cross": sipas.cross_table(design, "stype", "met"),
        "t_test": sipas.t_test(design, "api00", "met"),
        "rank_test": sipas.rank_test(design, "api00", "met"),
        "icc": sipas.icc(frame, "api00", by="stype"),
        "case_mix": sipas.case_mix(frame, unit="dnum", items="api00", adjusters="meals"),
        "small_area": sipas.small_area([80.0, 70, 90, 60], [25.0, 16, 36, 25]),
        "rank_sets": sipas.rank_sets([80.0, 70, 90], np.diag([25.0, 16, 36])),
        "whole": sipas.score(survey),
        "scores": scores,
        "rank": sipas.rank(scores),
        "changes": sipas.compare(earlier, survey),
        "rules": sipas.compare_rules(survey),
        "check": sipas.check(survey),
        "drivers": sipas.drivers(survey),
        "importance": priority.importance,
        "priority": priority,
        "penalties": sipas.penalties(survey),
        "plan": plan,
        "proposals": sipas.plan(survey),
        "who_or_how": sipas.decompose(earlier, survey, "sex"),
        "verdict": sipas.verdict(survey, earlier, plan),
        "reliability": sipas.reliability(survey, factors=True),
        "polychoric": sipas.polychoric(survey, ["A1", "A2", "A3"]),
        "drivers_models": sipas.table(sipas.drivers(survey), stars=True, statistic="interval"),
    }


def list_kinds(kind=ResultTable):
    """Return every class of results of the package."""
    return {
        found
        for below in kind.__subclasses__()
        for found in {below, *list_kinds(below)}
        if found.__module__.startswith("sipas_analysis")
    }


OF_RECORDS = {"FactDrivers", "JoinedFacts", "ViewsBeside", "ServiceScore", "Reconciliation"}


@pytest.fixture(scope="module")
def results():
    """The results, made once."""
    return make_results()


@pytest.mark.slow
def test_every_kind_of_result_is_among_them(results):
    """A new result is added above; those of records are slow and have a test of their own."""
    kinds = {kind.__name__ for kind in list_kinds()}
    assert kinds - OF_RECORDS - {"FittedModel"} == {
        type(result).__name__ for result in results.values()
    }


def render_texts(result, language):
    """Return the cells of all printed tables as text, with their heads."""
    shown = result.translate(language)
    return [
        [
            [render_text(column.label, language) for column in table.columns],
            *([render_text(cell, language) for cell in row] for row in table.rows),
        ]
        for table in shown.make_tables()
    ]


def squeeze(texts):
    """Return tables with each run of blanks as one blank, as all formats print it."""
    return [[[" ".join(text.split()) for text in row] for row in rows] for rows in texts]


def read_markdown(text):
    """Return the cells of tables of Markdown."""
    tables, rows = [], []
    for line in [*text.splitlines(), ""]:
        if not line.startswith("| "):
            tables, rows = tables + ([rows] if rows else []), []
        elif not re.fullmatch(r"\| (:?--:?)( \| :?--:?)* \|", line):
            cells = re.split(r"(?<!\\) \| ", line[2:-2])
            rows.append([unescape(re.sub(r"\\(.)", r"\1", cell)).strip() for cell in cells])
    return tables


def read_latex(text):
    """Return the cells of tables of LaTeX."""
    tables = []
    for body in re.findall(r"\\begin\{(?:tabular|longtable)\}.*?\\end\{", text, re.DOTALL):
        lines = [line for line in body.splitlines() if line.endswith((r" \\", r" \tabularnewline"))]
        tables.append([[read_latex_cell(cell) for cell in split_row(line)] for line in lines])
    return tables


def split_row(line):
    row = line.removesuffix(r" \tabularnewline").removesuffix(r" \\")
    return re.split(r"(?<!\\)&", row.removeprefix("{}"))


def read_latex_cell(cell):
    letters = {written: letter for letter, written in ESCAPES.items()}
    written = "|".join(map(re.escape, sorted(letters, key=len, reverse=True)))
    text = cell.strip().removeprefix(r"\raggedright ")
    stacked = re.fullmatch(r"\\shortstack\[r\]\{(.*)\}", text)
    text = stacked[1].replace(r" \\ ", " ") if stacked else text
    return re.sub(written, lambda found: letters[found[0]], text)


class Cells(HTMLParser):
    """Collects the cells of tables."""

    def __init__(self):
        super().__init__()
        self.tables, self.is_cell = [], False

    def handle_starttag(self, tag, attrs):
        """Begin a table, a row or a cell."""
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            assert tag == "td" or dict(attrs)["scope"] in ("row", "col")
            self.tables[-1][-1].append("")
            self.is_cell = True

    def handle_endtag(self, tag):
        """End a cell."""
        self.is_cell = self.is_cell and tag not in ("td", "th")

    def handle_data(self, data):
        """Take the text of a cell."""
        if self.is_cell:
            self.tables[-1][-1][-1] += data


def read_html(text):
    """Return the cells of tables of HTML."""
    cells = Cells()
    cells.feed(text)
    return cells.tables


def shorten(result):
    """Return the first rows of a long result: the others take the same way."""
    return replace(result, frame=result.frame.head(12)) if len(result.frame) > 12 else result


@pytest.mark.slow  # every kind of result is written
@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.slow), "vi"])
def test_markdown_latex_and_word_print_the_same_texts(results, language, tmp_path):
    """Cell by cell, of every table of every result."""
    for result in results.values():
        check_texts(result, language, tmp_path / "a.docx")


def check_texts(whole, language, path):
    """Compare the cells of all formats of text with the printed tables."""
    result = shorten(whole)
    texts = squeeze(render_texts(result, language))
    assert read_markdown(result.to_markdown(lang=language)) == texts
    assert read_latex(result.to_latex(lang=language)) == texts
    word = [
        [[cell.text for cell in row.cells] for row in table.rows]
        for table in docx.Document(str(result.to_word(path, lang=language))).tables
    ]
    assert squeeze(word) == texts


@pytest.mark.slow  # every kind of result is written
def test_a_workbook_holds_the_numbers_of_the_frame(results, tmp_path):
    """Not the rounded ones: every number of every column, those of intervals, too."""
    for result in results.values():
        check_workbook(result, tmp_path / "a.xlsx")


def check_workbook(result, path):
    """Compare the numbers of all sheets with those of the frames."""
    wide = shorten(result).wide()
    book = load_workbook(wide.to_excel(path))
    sheets = [book[sheet] for sheet in book.sheetnames]
    for part, table, sheet in zip(wide._list_parts(), wide.make_tables(), sheets, strict=True):
        numbers = [
            float(value)
            for row in part.frame.to_dict("records")
            for column, value in row.items()
            if column not in {*part.keys, *IDS} and is_number(value)
        ]
        printed = [
            cell.value for row in table.rows for cell in row if isinstance(cell, Measured | Chance)
        ]
        finite = [value for value in printed if np.isfinite(value)]
        assert finite == [number for number in numbers if np.isfinite(number)]
        written = [cell.value for row in sheet.iter_rows() for cell in row if is_number(cell.value)]
        assert written == pytest.approx(finite, rel=1e-15, abs=0)


@pytest.mark.slow  # reads records
def test_results_of_records_are_printed_alike(tmp_path):
    """Their own kinds, each with its further tables."""
    survey = sipas.read_survey(sipas.read_wave(WAVE.format(2021)))
    records = sipas.read_records(survey)
    drivers = sipas.drivers(survey, facts=records)
    reconciled = reconcile(survey, records)
    views = compare_views(survey, records)
    of_records = [drivers, drivers.joined, views, reconciled.service, reconciled]
    assert {type(result).__name__ for result in of_records} == OF_RECORDS
    for result in of_records:
        check_texts(result, "vi", tmp_path / "a.docx")
        check_workbook(result, tmp_path / "a.xlsx")
        assert len(read_html(result._repr_html_())[0][0]) <= MOST_COLUMNS + 1


def is_number(value):
    return (
        isinstance(value, int | float | np.number)
        and not isinstance(value, bool | np.bool_)
        and not pd.isna(value)
    )


@pytest.mark.slow  # every kind of result is written
def test_the_view_is_narrow_and_wide_has_all_columns(results):
    """A narrow table has the wording and seven to eight more; ``to_frame`` never changes."""
    for name, result in results.items():
        before = result.to_frame()
        (heads, *_), *_ = read_html(result._repr_html_())
        if not result.main_columns and "models" not in name:
            assert len(heads) <= MOST_COLUMNS + 1, name
        assert len(heads) <= 10 or "models" in name, name
        (all_heads, *_), *_ = read_html(result.wide()._repr_html_())
        assert {*map(str, before.columns)} <= {*all_heads}, name
        pd.testing.assert_frame_equal(result.wide().to_frame(), before)
        assert repr(result)


@pytest.mark.slow
def test_the_wording_stands_beside_the_code(results):
    """In the language of the result; codes stay as they are."""
    for name in ("whole", "rules", "drivers", "priority", "penalties", "plan"):
        assert "Civil servants" in results[name]._repr_html_(), name
        assert "Công chức" in results[name].to_markdown(lang="vi"), name
    markdown = results["whole"].to_markdown()
    assert "| C1 | Civil servants communicate politely | 90.06 |" in markdown
    assert "| C1 | Công chức" in results["whole"].to_markdown(lang="vi")
    ranking = results["rank"].to_markdown(lang="vi")
    assert "| Sở, ban, ngành | 1 | Sở Thông tin và Truyền thông | 94,81 |" in ranking
    assert "departments" in results["rank"]._repr_html_()
    assert "Sở Y tế" in results["changes"].to_markdown(lang="vi")
    assert "wording" not in results["means"]._repr_html_()
    assert "wording" in results["whole"].select(variable="C1")._repr_html_()


def test_the_printed_figure_is_the_published_one(demo_2021):
    """The value of the table is the text ``printed``, which reports have (rule M6)."""
    frame = sipas.score(demo_2021, by="unit").frame
    texts = [Measured(value, 2).text("en") for value in frame["value"]]
    assert texts == frame["printed"].replace("", "–").tolist()


@pytest.mark.slow
def test_a_long_table_is_cut_in_the_view_alone(results):
    """The line below says how many rows there are, and how to see all."""
    result = results["scores"]
    (rows,) = read_html(result._repr_html_())
    assert len(rows) == 61
    assert f"60 of {len(result.frame)} rows are shown." in result._repr_html_()
    assert f"60 of {len(result.frame)} rows are shown." in repr(result)
    assert "rows are shown" not in result.to_markdown()
    assert len(read_markdown(result.to_markdown())[0]) == len(result.frame) + 1
    assert r"\begin{longtable}" in result.to_latex()


def test_the_styles_touch_nothing_else():
    """Every selector begins with our class, and no colour is fixed without the theme's."""
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", STYLES)
    selectors = [part.strip() for heads, _ in rules for part in re.split(r",(?![^()]*\))", heads)]
    assert len(selectors) > 10
    assert all(selector.startswith(".sipas-view") for selector in selectors)
    assert not re.search(r"[^-]color: (?!var|inherit)", " ".join(body for _, body in rules))


@pytest.mark.slow  # every kind of result is written
def test_the_same_result_gives_the_same_bytes(results, tmp_path):
    """No time, no random id."""
    for name in ("drivers", "reliability", "models"):
        result = results[name]
        assert result._repr_html_() == result._repr_html_()
        assert " id=" not in result._repr_html_()
        for ending in ("excel", "word"):
            write = getattr(result, f"to_{ending}")
            first, second = (write(tmp_path / f"{k}").read_bytes() for k in "ab")
            assert first == second


@pytest.fixture(scope="module")
def hostile():
    """Means of groups whose names are formulas, markup and marks of every format."""
    frame = pd.DataFrame({"who": np.repeat(HOSTILE, 3), "y": np.arange(18.0)})
    return sipas.mean(sipas.Design(frame), "y", by="who")


def test_hostile_names_are_only_text(hostile, tmp_path):
    """No formula, no markup, no end of a row."""
    names = sorted(" ".join(name.split()) for name in HOSTILE)
    for read, text in (
        (read_markdown, hostile.to_markdown()),
        (read_latex, hostile.to_latex()),
    ):
        ((_, *rows),) = read(text)
        assert sorted(row[0] for row in rows) == names
    ((_, *rows),) = read_html(hostile._repr_html_())
    assert sorted(row[0] for row in rows) == sorted(HOSTILE)
    assert "<script" not in hostile._repr_html_()
    sheet = load_workbook(hostile.to_excel(tmp_path / "a.xlsx")).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value in HOSTILE]
    assert len(cells) == len(HOSTILE)
    assert {cell.data_type for cell in cells} == {"s"}
    word = docx.Document(str(hostile.to_word(tmp_path / "a.docx"))).tables[0]
    assert sorted(row.cells[0].text.strip() for row in word.rows[1:]) == names
    assert len(repr(hostile).splitlines()) == len(HOSTILE) + 1


def print_texts(*rows, numbers=0):
    """Return rows of texts as LaTeX; the last columns hold numbers."""
    kinds = ["text"] * (len(rows[0]) - numbers) + ["number"] * numbers
    columns = tuple(Column(Plain(text), kind) for text, kind in zip(rows[0], kinds, strict=True))
    cells = tuple(tuple(map(Plain, row)) for row in rows[1:])
    return render_latex([DocumentTable("t", Plain(""), columns, cells, ())], "en")


def test_latex_wraps_what_is_wider_than_the_page():
    """Long texts get a width, long heads of numbers lines; a narrow table stays as it is."""
    narrow = print_texts(["Unit", "n"], ["Health", "12"], numbers=1)
    assert r"\begin{tabular}{lr}" in narrow
    assert "raggedright" not in narrow
    wide = print_texts(
        ["Item", "Wording", "People who answered"], ["A1", "word " * 30, "12"], numbers=1
    )
    (width,) = re.findall(r"\{lp\{(0\.\d\d)\\linewidth\}r\}", wide)
    assert 0.4 < float(width) < 0.9
    assert r"\raggedright word word" in wide
    assert r"\shortstack[r]{People \\ who \\ answered} \\" in wide
    last = print_texts(["A", "B"], ["x", "word " * 30])
    assert last.count(r"\tabularnewline") == 2  # the end of a row after raggedright
    small = print_texts(["Item " * 3] * 9, ["a word or two"] * 9)
    assert r"\tabcolsep" in small


@pytest.mark.skipif(which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.slow
@pytest.mark.parametrize("language", ["vi", "en"])
def test_latex_compiles_and_fits_the_page(language, results, tmp_path):
    """Every result, with the packages that the documentation names."""
    names = []
    for at, result in enumerate(results.values()):
        names.append(f"t{at}")
        shorten(result).to_latex(tmp_path / f"t{at}.tex", lang=language, caption="Bảng", label="x")
    inputs = "\n".join(f"\\input{{{name}}}\\clearpage" for name in names)
    packages = "\\usepackage[T5]{fontenc}\n\\usepackage{booktabs,longtable}\n"
    text = f"\\documentclass{{article}}\n{packages}\\begin{{document}}\n{inputs}\n\\end{{document}}"
    (tmp_path / "main.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode("utf-8", "replace")
    assert not re.findall(r"^!.*", log, re.MULTILINE)
    assert (tmp_path / "main.pdf").exists()
    assert "Missing character" not in log


def test_latex_has_no_special_character_left():
    """Outside of commands each is escaped; two minus signs stay two."""
    escaped = escape_latex("".join(HOSTILE))
    assert not re.search(r"(?<!\\)[%#_&]|(?<![\\}])\$(?!-)", escaped.replace("$-$", ""))
    assert escape_latex("a--b") == "a-{}-b"
    assert escape_latex("Sở Y tế") == "Sở Y tế"
    assert escape_latex("a\u200b\nb") == "a b"
    first_cell = Estimates(pd.DataFrame({"variable": ["*", "[x]"], "value": [1.0, 2.0]}))
    assert "\n{}* & " in first_cell.to_latex()
    assert "\n{}[x] & " in first_cell.to_latex()


def test_markdown_has_no_html():
    """Pipes and marks are escaped, breaks of lines are blanks."""
    assert escape_markdown("<b>|\n*") == r"&lt;b&gt;\| \*"


def test_codes_are_text_in_a_workbook(tmp_path):
    """A key that is a number is a name: no decimals, no thousands, nothing to add up."""
    frame = pd.DataFrame({"office": [1001.0] * 6 + [2002.0] * 6, "y": [1.0, 2, 3, 5, 1, 2] * 2})
    result = sipas.mean(sipas.Design(frame), "y", by="office")
    sheet = load_workbook(result.to_excel(tmp_path / "a.xlsx")).worksheets[0]
    assert [sheet.cell(row, 1).value for row in (2, 3)] == ["1001", "2002"]
    assert "| 1001 | y | 2.33 |" in result.to_markdown()


def test_results_without_rows_have_their_heads(tmp_path):
    """Nothing to say is said in every format."""
    empty = [
        sipas.mean(sipas.Design(make_schools()), "api00").take(np.array([], int)),
        ResultTableOf(pd.DataFrame(columns=["variable", "value", "low", "high", "p"])),
        ResultTableOf(pd.DataFrame()),
    ]
    for at, result in enumerate(empty):
        assert repr(result) is not None
        assert "sipas-view" in result._repr_html_()
        assert "tabular" in result.to_latex()
        assert result.to_markdown()
        assert result.to_excel(tmp_path / f"{at}.xlsx").exists()
        assert result.to_word(tmp_path / f"{at}.docx").exists()


class ResultTableOf(ResultTable):
    """A result that is only a frame."""

    def __init__(self, frame):
        super().__init__()
        object.__setattr__(self, "frame", frame)


@pytest.mark.slow
def test_an_index_names_the_rows():
    """The row of a prediction, the unit of a pooled estimate."""
    predictions = fit_schools()["linear"].predict(make_schools().iloc[[5, 7]])
    assert [row[0] for row in read_markdown(predictions.to_markdown())[0]] == ["row", "5", "7"]


def test_a_caption_is_the_title(hostile, tmp_path):
    """With its number in Word and its label in LaTeX."""
    assert r"\caption{5\% of it}\label{tab:x}" in hostile.to_latex(
        caption="5% of it", label="tab:x"
    )
    assert hostile.to_markdown(caption="a*b").startswith("**a\\*b**\n\n| ")
    word = docx.Document(str(hostile.to_word(tmp_path / "a.docx", lang="vi", caption="Bảng thử")))
    assert word.paragraphs[0].text == "Bảng\u00a01. Bảng thử"
    header = word.tables[0].rows[0]._tr
    assert header.xpath("./w:trPr/w:tblHeader")
    section = word.sections[0]
    assert round(section.page_width.mm), round(section.page_height.mm) == (210, 297)
    sheet = load_workbook(hostile.to_excel(tmp_path / "a.xlsx", caption="=1+1")).worksheets[0]
    assert sheet.cell(1, 1).value == "=1+1"
    assert sheet.cell(1, 1).data_type == "s"


def test_files_are_written_where_the_user_says(hostile, tmp_path):
    """The text that is returned is the text of the file; folders are made."""
    for name in ("latex", "markdown"):
        path = tmp_path / "new" / f"a.{name}"
        assert getattr(hostile, f"to_{name}")(path) == path.read_text("utf-8")
    assert len([*(tmp_path / "new").iterdir()]) == 2  # nothing is left aside
    with pytest.raises(ParameterError, match="fr"):
        hostile.to_markdown(lang="fr")
    with pytest.raises(ParameterError):
        hostile.translate("fr")


@pytest.mark.parametrize(
    ("cell", "en", "vi"),
    [
        (Measured(1234.5, 2), "1,234.50", "1.234,50"),
        (Measured(-0.004, 2), "0.00", "0,00"),
        (Measured(0.0000123, 4), "0.000012", "0,000012"),
        (Measured(0.0, 4), "0.0000", "0,0000"),
        (Measured(1.25e-12, 4), "1.2e-12", "1,2e-12"),
        (Measured(2e300, 4), "2.0e+300", "2,0e+300"),
        (Measured(float("inf"), 4), "∞", "∞"),
        (Measured(float("nan"), 4), "–", "–"),
        (Measured(0.5, 3, "(", ")"), "(0.500)", "(0,500)"),
        (Measured(1e6), "1,000,000", "1.000.000"),
        (Chance(0.0004), "<0.001", "<0,001"),
        (Chance(0.001), "0.001", "0,001"),
        (Chance(0.0496), "0.050", "0,050"),
        (Chance(float("nan")), "–", "–"),
        (Range(Measured(79.66, 1), Measured(99.51, 1)), "79.7 to 99.5", "79,7 đến 99,5"),
        (Range(Measured(float("nan")), Measured(1.0)), "–", "–"),
    ],
)
def test_numbers_are_written_by_their_meaning(cell, en, vi):
    """By hand."""
    assert (cell.text("en"), cell.text("vi")) == (en, vi)


def test_excel_shows_what_is_printed(tmp_path):
    """Number formats: decimals, thousands, and ``<0.001`` for a small p that stays exact."""
    frame = pd.DataFrame({"variable": ["a"], "value": [1234.5678], "p": [0.0000123], "n": [12345]})
    sheet = load_workbook(Estimates(frame).to_excel(tmp_path / "a.xlsx")).worksheets[0]
    assert [cell.value for cell in sheet[2]] == ["a", 1234.5678, 0.0000123, 12345]
    assert [cell.number_format for cell in sheet[2]][1:] == [
        "#,##0.00",
        '[<0.001]"<0.001";0.000',
        "#,##0",
    ]


def test_rows_that_must_not_be_published_have_no_numbers(tmp_path):
    """In every format such a row is its name; the frame and the view keep the row (rule P2)."""
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4, 5, 61.5, 71.5], "unit": ["a"] * 5 + ["b"] * 2})
    result = sipas.mean(sipas.Design(frame), "y", by="unit")
    printed, note = result.to_markdown().splitlines()[3], result.to_markdown().splitlines()[-1]
    assert printed == "| b | y | – | – | – | – | do not publish |"
    assert note.startswith("Rows without numbers")
    assert ": 1." in note
    assert "66" not in result.to_latex() + result.wide().to_latex() + result.wide().to_markdown()
    path = result.wide().to_excel(tmp_path / "y.xlsx")
    rows = [[*row] for row in load_workbook(path).active.iter_rows(values_only=True)]
    (hidden,) = [row for row in rows if row[:2] == ["b", "y"]]
    assert not any(isinstance(cell, int | float) for cell in hidden)
    (shown,) = [row for row in rows if row[:2] == ["a", "y"]]
    assert 3.0 in shown
    assert result.to_frame()["value"].tolist() == [3.0, 66.5]
    assert "66.50" in repr(result)


@pytest.mark.slow  # reads records
def test_objects_show_a_few_lines():
    """Not the dump of what they hold."""
    wave = sipas.read_wave(WAVE.format(2021))
    survey = sipas.read_survey(wave)
    report = sipas.report(survey)
    frame = make_schools()
    design = sipas.Design(frame, weights="pw", strata="stype", replicates="JKn")
    raked = sipas.rake(sipas.Design(frame), {"stype": {"E": 10, "H": 20, "M": 30}})
    shown = [repr(x) for x in (wave, survey, report, report.chapter("results"), design, raked)]
    shown += [
        repr(raked.calibration),
        repr(sipas.read_records(survey)),
        repr(design.subset("met == 1")),
    ]
    assert all(len(text.splitlines()) <= 3 and 20 < len(text) < 400 for text in shown), shown
    assert "strata: stype; replicate weights: JKn" in shown[4]
    assert "3 levels of stype" in shown[5]
    assert "ranking" in shown[2]
