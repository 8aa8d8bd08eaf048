"""A workbook that an office opens: real numbers, safe text, one figure behind every number."""

import csv
import re
import time
import zipfile
from datetime import datetime
from decimal import Decimal

import openpyxl
import pytest
from conftest import FACTS, PACK, write_wave

from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.figures.published import figures_of, list_figures
from sipas_analysis.proof.read_back import read_printed
from sipas_analysis.reports.annex_workbook import write_annexes
from sipas_analysis.reports.report import report
from sipas_analysis.reports.table_workbook import write_report_tables

HEAD = "unit,A1,A2,D1,OVERALL\n"
ANSWERS = ("5,4,1,4", "4,4,5,5", "2,5,3,3", "3,1,4,2")
FORMULA = "=cmd|'/c calc'!A1"
UNITS = f"""\
code,name_vi,name_en,group
so-a,Sở A,Department A,departments
so-b,"{FORMULA}",@B,departments
h-c,+C,-C,districts
x-d,https://d.example,,communes
"""


def answers_of(**sizes):
    """Write forms, so many for each unit."""
    rows = [f"{u.replace('_', '-')},{ANSWERS[k % 4]}\n" for u, n in sizes.items() for k in range(n)]
    return HEAD + "".join(rows)


def book_of(survey, folder, language="vi"):
    """Write the annexes and open them."""
    return openpyxl.load_workbook(write_annexes(figures_of(survey), folder / "a.xlsx", language))


def texts_of(book):
    return [cell.value for sheet in book for row in sheet for cell in row if cell.value is not None]


def ids_of(book):
    """Return the hidden sheet's rows as dicts."""
    head, *rows = book["ids"].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def survey(read_shared):
    """Four units: two that may be ranked, one of few forms, one hostile name each."""
    return read_shared(
        answers_of(so_a=31, so_b=42, h_c=43, x_d=12),
        units=UNITS,
        min_forms=30,
        decision={"number": "9/QĐ-UBND", "date": "2024-05-06", "status": "sourced"},
    )


@pytest.fixture(scope="module")
def hidden(read_shared):
    """A unit of three forms, whose figures and one other's must not be published (rule P2)."""
    return read_shared(answers_of(so_a=3, so_b=20, h_c=31, x_d=40), units=UNITS, min_forms=5)


@pytest.mark.slow
def test_every_number_is_the_printed_figure_of_its_id(survey, tmp_path):
    """Rule M6: the cell is `printed` of tables/figures.csv; the hidden sheet has its value."""
    book = book_of(survey, tmp_path)
    paths = write_tables(figures_of(survey).tables(), tmp_path)
    lines = next(p for p in paths if p.stem == "figures").read_text("utf-8-sig").splitlines()
    table = {row["id"]: row for row in csv.DictReader(lines)}
    found = ids_of(book)
    inside_texts = [one for one in found if one["start"] not in (None, "")]
    assert {one["column"] for one in inside_texts} >= {"rank_low", "rank_high"}
    for one in inside_texts:
        text = str(book[one["sheet"]][one["cell"]].value)
        assert text[int(one["start"])].isdigit()
    found = [one for one in found if one not in inside_texts]
    for one in found:
        cell = book[one["sheet"]][one["cell"]]
        assert isinstance(cell.value, int | float)
        if one["column"] == "printed":
            row = table[one["id"]]
            assert Decimal(str(cell.value)) == Decimal(row["printed"])
            assert f"{one['value']:.10g}" == row["value"]
        else:
            assert float(table[one["id"]][one["column"]]) == pytest.approx(one["value"], rel=1e-9)
        if one["column"] in ("low", "high"):
            assert cell.value == pytest.approx(float(table[one["id"]][one["column"]]), abs=0.0501)
    places = {(one["sheet"], one["cell"]) for one in found}
    numbers = {
        (sheet.title, cell.coordinate)
        for sheet in book.worksheets[:-1]
        for row in sheet.iter_rows(min_col=2)
        for cell in row
        if isinstance(cell.value, int | float)
    }
    assert numbers == places
    figures = list_figures(figures_of(survey).scores)
    codes = {*survey.instrument.items, *survey.instrument.factors, "overall"}
    printed = {figure.id for figure in figures if figure.variable in codes}
    assert {one["id"] for one in found if one["column"] == "printed"} == printed


@pytest.mark.slow
def test_one_sheet_for_each_group_with_forms_in_the_usual_order(survey, tmp_path):
    """Annexes are numbered without a gap; items, source and the hidden sheet of ids come last."""
    book = book_of(survey, tmp_path)
    assert [sheet.title for sheet in book] == [
        "Biểu I",
        "Biểu II",
        "Biểu III",
        "Tiêu chí",
        "Nguồn",
        "ids",
    ]
    assert book["ids"].sheet_state == "hidden"
    english = book_of(survey, tmp_path, "en")
    assert english.sheetnames[0] == "Schedule I"
    assert "(Attached to Decision 9/QĐ-UBND of 2024-05-06)" in texts_of(english)


@pytest.mark.slow
def test_the_whole_stands_above_the_units_in_ranking_order(survey, tmp_path):
    """Province, group, numbers of columns, then units; who has no rank has a reason."""
    sheet = book_of(survey, tmp_path).worksheets[0]
    rows = [row for row in sheet.iter_rows(values_only=True) if row[1] is not None]
    assert [row[1] for row in rows[:3]] == ["Đơn vị", "Tất cả đơn vị", "Cả nhóm: Sở, ban, ngành"]
    order = [unit.unit for unit in figures_of(survey).units_in_order("departments")]
    names = {"so-a": "Sở A", "so-b": FORMULA}
    assert [(row[0], row[1]) for row in rows[4:]] == [(1, names[order[0]]), (2, names[order[1]])]
    assert rows[4][8:11] == (1, "1–2", "A")
    few = book_of(survey, tmp_path).worksheets[2]
    last = next(r for r in few.iter_rows(values_only=True) if r[1] == "https://d.example")
    assert last[8:] == ("–", "–", "–", "12 phiếu, ít hơn mức tối thiểu 30")


@pytest.mark.slow  # every format is written
def test_what_must_not_be_published_is_no_number_anywhere(hidden, tmp_path):
    """Rule P2: the word of the report, no number, not even of forms, no id."""
    book = book_of(hidden, tmp_path)
    rows = [r for r in book.worksheets[0].iter_rows(values_only=True) if r[1] in ("Sở A", FORMULA)]
    for row in rows:
        assert row[2:7] == ("không nêu", "không nêu", "không nêu", "–", "–")
    assert {row[7] for row in rows} == {"–"}
    units = {"so-a", "so-b"}
    assert not [one for one in ids_of(book) if one["id"].split("@")[-1] in units]
    assert "withheld" in texts_of(book_of(hidden, tmp_path, "en"))


@pytest.mark.slow
def test_text_is_never_a_formula_and_holds_no_control_character(survey, tmp_path):
    """Names that begin with = + - @ and addresses stay text; a bell is taken out."""
    path = write_annexes(figures_of(survey), tmp_path / "a.xlsx", "vi")
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            text = parts.read(name).decode("utf-8")
            assert "<f>" not in text
            assert "https://d.example" not in text or name == "xl/sharedStrings.xml"
    book = openpyxl.load_workbook(path)
    kinds = {cell.value: cell.data_type for sheet in book for row in sheet for cell in row}
    assert {kinds[FORMULA], kinds["+C"], kinds["https://d.example"]} == {"s"}
    assert "@B" in texts_of(book_of(survey, tmp_path, "en"))


@pytest.mark.slow
def test_sheets_are_ready_for_screen_and_paper(survey, tmp_path):
    """Heads stay in sight and on every page; A4 across, one page wide; a filter over the units."""
    book = book_of(survey, tmp_path)
    for sheet in book.worksheets[:-1]:
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.freeze_panes
        assert sheet.print_title_rows
        assert sheet.print_area
    first = book.worksheets[0]
    start, end = re.findall(r"\d+", first.auto_filter.ref)
    assert first[f"B{start}"].value == "(2)"
    assert int(end) - int(start) == 2
    number = first[f"C{end}"]
    assert number.number_format.startswith("0.00")
    assert number.border.left.style == "thin"


@pytest.mark.slow  # every format is written
def test_a_figure_to_be_used_with_caution_keeps_its_mark_and_stays_a_number(survey, tmp_path):
    """† stands in the number format, so that the cell can be summed and sorted."""
    book = book_of(survey, tmp_path)
    scores = figures_of(survey).by_id.set_index("id")
    flags = {it.id: it.flag for it in list_figures(figures_of(survey).scores)}
    assert set(flags) <= set(scores.index)
    found = [one for one in ids_of(book) if one["column"] == "printed"]
    formats = {(flags[it["id"]], book[it["sheet"]][it["cell"]].number_format) for it in found}
    assert formats == {("caution", '0.00"†"'), ("publish", "0.00")}


@pytest.mark.slow
def test_same_figures_same_bytes_and_no_clock(survey, tmp_path):
    """Two runs at two times; the day is the decision's."""
    first = write_annexes(figures_of(survey), tmp_path / "a.xlsx", "vi").read_bytes()
    time.sleep(1.1)
    second = write_annexes(figures_of(survey), tmp_path / "b.xlsx", "vi").read_bytes()
    assert first == second
    properties = openpyxl.load_workbook(tmp_path / "a.xlsx").properties
    assert properties.created == properties.modified == datetime(2024, 5, 6)
    assert properties.title == "Đợt nhỏ"


@pytest.mark.slow
def test_the_source_says_by_which_rule_and_whether_the_answers_are_real(read_answers, tmp_path):
    """Wave, rule with its status, rounding, program; a synthetic wave says so on every sheet."""
    facts = {
        "synthetic": "true",
        "province": {"vi": "tỉnh X"},
        "groups": {"own": {"vi": "[a]:*?/\\'"}},
    }
    units = UNITS.replace("communes", "own")
    answers = answers_of(so_a=31, x_d=31)
    book = book_of(read_answers(answers, units=units, **facts), tmp_path)
    said = {row[0]: row[1] for row in book["Nguồn"].iter_rows(values_only=True)}
    assert said["Mã đợt khảo sát"] == FACTS["id"]
    assert said["Quy tắc tính"].startswith("Chỉ số chung: ")
    assert "chưa đối chiếu nguồn" in said["Quy tắc tính"]
    assert said["Chương trình"].startswith("sipas_analysis ")
    for sheet in book.worksheets[:-1]:
        assert any("MÔ PHỎNG" in str(cell.value) for row in sheet["A1:A4"] for cell in row)
    assert "Toàn tỉnh X" in texts_of(book)
    assert book.sheetnames[1] == "Biểu II"
    assert not any("Kèm theo" in str(text) for text in texts_of(book))


@pytest.mark.slow
def test_an_instrument_with_other_decimals_keeps_them(read_answers, tmp_path):
    """The decimals of the pack, not two by habit."""
    pack = PACK + "index: {decimals: 1}\n"
    book = book_of(read_answers(answers_of(so_a=31), pack=pack), tmp_path)
    formats = {
        book[one["sheet"]][one["cell"]].number_format
        for one in ids_of(book)
        if one["column"] == "printed"
    }
    assert formats <= {"0.0", '0.0"†"'}


# ── the tables of a report


@pytest.fixture
def tables(survey, tmp_path):
    """The workbook of a unit's report."""
    whole = report(survey, "vi", "so-b")
    document = whole._build_document(
        tuple(whole.chapter(name).section for name in (*whole.chapters, *whole.annexes))
    )
    return document, openpyxl.load_workbook(
        write_report_tables(document, tmp_path / "t.xlsx", "vi")
    )


@pytest.mark.slow  # every format is written
def test_every_table_of_a_report_is_a_sheet_and_the_first_lists_them(tables):
    """A picture's data counts as a table; one that the report also prints comes once."""
    document, book = tables
    listed = [row[3] for row in book["Mục lục"].iter_rows(values_only=True) if row[3]][1:]
    assert len(listed) == len(set(listed)) == len(book.sheetnames) - 2
    found = {
        getattr(block, "data", block).id
        for section in document.sections
        for block in section.blocks
        if hasattr(getattr(block, "data", block), "rows")
    }
    assert found == set(listed)
    links = [cell.hyperlink.location for cell in book["Mục lục"]["B"] if cell.hyperlink]
    assert links == [f"'{name}'!A1" for name in book.sheetnames[1:-1]]
    assert book.sheetnames[-1] == "ids"
    assert all(len(name) <= 31 for name in book.sheetnames)


@pytest.mark.slow
def test_intervals_take_two_columns_of_numbers(tables):
    """So that they can be sorted; the heads say which end."""
    _, book = tables
    rows = [row for sheet in book for row in sheet.iter_rows(values_only=True)]
    head = next(k for k, row in enumerate(rows) if "Khoảng tin cậy 95%: từ" in row)
    low = rows[head].index("Khoảng tin cậy 95%: từ")
    assert rows[head][low + 1] == "Khoảng tin cậy 95%: đến"
    assert all(isinstance(value, float) for value in rows[head + 1][low - 1 : low + 2])
    assert rows[head + 1][low] < rows[head + 1][low - 1] < rows[head + 1][low + 1]


@pytest.mark.slow
def test_a_report_without_a_letterhead_is_written_too(survey, tmp_path):
    """No publisher and no day: a fixed one, not the clock's."""
    from dataclasses import replace

    whole = report(survey, "vi", "so-a")
    document = replace(whole._build_document((whole.chapter("ranking").section,)), official=None)
    write_report_tables(document, tmp_path / "t.xlsx", "en")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.properties.created == datetime(2000, 1, 1)
    assert book.sheetnames[0] == "Contents"


@pytest.fixture(scope="module")
def with_last_year(read_shared, tmp_path_factory):
    """The same units a year later: names of 120 letters without an English one."""
    before = tmp_path_factory.mktemp("before")
    long = UNITS.replace("Sở A,Department A", f"{'Sở ' * 40},")
    answers = answers_of(so_a=41, so_b=42, h_c=43)
    path = write_wave(before, answers.replace("5,4,1,4", "2,2,1,2"), units=UNITS, year=2023, id="b")
    return read_shared(answers, units=long, min_forms=30, earlier=[str(path)])


@pytest.mark.slow
def test_officers_get_the_tables_of_a_wave_in_one_workbook(with_last_year, tmp_path):
    """Ranks, factors, items, figures, pairs: words for codes, numbers by id, the CSV beside it."""
    whole = report(with_last_year, "vi")
    paths = [path.relative_to(tmp_path).as_posix() for path in whole.write_tables(tmp_path)]
    assert paths[0] == "tables/tables.vi.xlsx"
    assert "tables/figures.csv" in paths
    book = openpyxl.load_workbook(tmp_path / paths[0])
    assert book.sheetnames == ["Mục lục", *(f"Bảng {k}" for k in range(1, 7)), "ids"]
    exact = figures_of(with_last_year).by_id.set_index("id")
    read = read_printed(tmp_path / paths[0])
    assert all(number.agrees(exact.loc[number.id, number.column]) for number in read)
    assert {"before", "value", "low", "high", "rank_low", "printed", "n_valid", "n"} <= {
        number.column for number in read
    }
    numbers = [
        cell
        for sheet in book.worksheets[1:-1]
        for row in sheet
        for cell in row
        if cell.data_type == "n"
    ]
    assert len([cell for cell in numbers if cell.value is not None]) == len(read)
    texts = [str(text) for text in texts_of(book.worksheets[:-1])]
    assert ("Sở " * 40).strip() in [text.strip() for text in texts]
    assert not {"so-a", "departments", "access"} & {*texts}


@pytest.mark.slow  # every format is written
def test_a_rise_is_a_number_with_its_sign_in_the_annexes(with_last_year, tmp_path):
    """Last year, change, interval and verdict of each unit; a sheet of all changes."""
    book = book_of(with_last_year, tmp_path)
    sheet = book.worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet]
    head = next(row for row in rows if "Năm 2023" in row)
    at = head.index("Năm 2023")
    assert head[at + 1 : at + 5] == [
        "Thay đổi (điểm)",
        "Khoảng thay đổi (95%): từ",
        "Khoảng thay đổi (95%): đến",
        "Vượt sai số?",
    ]
    unit = next(row for row in sheet.iter_rows(min_row=rows.index(head) + 4) if row[0].value == 1)
    before, change, low, high, verdict = unit[at : at + 5]
    assert low.value < change.value < high.value
    assert change.number_format.startswith('"+"') == (change.value > 0)
    assert before.value + change.value == pytest.approx(unit[at - 3].value, abs=0.011)
    assert verdict.value in ("có", "chưa")
    assert "So với 2023" in book.sheetnames


def test_names_of_sheets_are_legal_and_different():
    """Excel counts emoji as two, takes no []:*?/\\ and does not tell letters by case."""
    from sipas_analysis.documents.writers.xlsx import _make_sheet_names

    asked = ["[a]:*?/\\'", "A", "a", "History", "", "ids", "🙂" * 40, "🙂" * 40, "x" * 40]
    found = _make_sheet_names(asked)
    assert _make_sheet_names(["2 Chỉ số chung và từng yếu tố của mọi"]) == [
        "2 Chỉ số chung và từng yếu tố"
    ]
    assert found[:6] == ["a", "A 2", "a 3", "History 2", "-", "ids 2"]
    assert len({name.casefold() for name in found}) == len(asked)
    assert all(0 < len(name.encode("utf-16-le")) <= 62 for name in found)
