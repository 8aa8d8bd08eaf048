"""Which rows are forms: decided by the shape of the table; what is cut is listed."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sipas_analysis.collect.cell_state import keep_forms
from sipas_analysis.collect.columns import place_columns
from sipas_analysis.collect.form_rows import _read_last_numbers, is_label_text
from sipas_analysis.collect.readings import make_level_reader
from sipas_analysis.collect.responses import Columns
from sipas_analysis.collect.tables import Table, find_table
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.sheets.reader import Sheet

PACK = read_instrument("qd-2640-2017")
ITEMS = [*PACK.items]
MEANS, FOURS, FIVES = [3.7] * 22, [4] * 22, [5] * 22
LABELS = {"Kém": 2, "Trung bình": 3, "Khá": 4, "Tốt": 5}
UNIT, STT = {"unit": "Đơn vị"}, {"ignore": ("STT",)}
FORM = {"form": "so", "unit": "Đơn vị"}
NUMBERED, BY_UNIT = ["STT", *ITEMS], ["Đơn vị", *ITEMS]
NUMBERED_UNIT = ["STT", "Đơn vị", *ITEMS]


def answer(number: int) -> list[int]:
    """Return answers that differ from form to form."""
    return [2 + (number * (at + 3) + number // 3) % 4 for at in range(22)]


def make_forms(n: int, lead: Callable[[int], list[object]], start: int = 1) -> list[list[object]]:
    """Return forms whose first cells are made from their number."""
    return [[*lead(number), *answer(number)] for number in range(start, start + n)]


def fill_up(*cells: object, n: int = 23) -> list[object]:
    """Return a row of few cells, with blank cells behind."""
    return [*cells, *[""] * (n - len(cells))]


def read_table(
    rows: Sequence[Sequence[object]],
    columns: dict[str, object],
    name: str = "forms.xlsx",
    header: tuple[int, ...] = (1,),
    kept: Sequence[str] = (),
    hidden: str = "",
    **state: object,
) -> Table:
    """Return the forms of a sheet, as ``survey.py`` reads them."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    sheet = Sheet(name, "", cells, **state)
    table = find_table(sheet, header, hidden)
    placed = place_columns(table.frame.columns, Columns(**columns), PACK)
    reader = make_level_reader(PACK.scale, ("9",), LABELS)
    readers = dict.fromkeys(placed.items.values(), reader)
    return keep_forms(table, placed, readers, kept, hidden)


def number(at: int) -> list[object]:
    """Return the first cells of a numbered form."""
    return [at]


def number_and_unit(at: int) -> list[object]:
    """Return the first cells of a form with number and unit."""
    return [at, "Sở A"]


def name_unit(_: int) -> list[object]:
    """Return the first cell of a form that names its unit."""
    return ["Sở A"]


FORMS = make_forms(30, number)
LABELLED = [
    ["Điểm trung bình", *MEANS],
    ["Trung vị", *FOURS],
    ["TỔNG CỘNG:", *[120] * 22],
    ["Tổng số phiếu: 30", *[""] * 22],
    ["Tổng cộng", *FIVES],
    ["Cộng (30 phiếu)", *FOURS],
    ["Tong cong:", *FIVES],
    ["Tỷ lệ hài lòng", *["66,7%"] * 22],
    ["Kết quả", *MEANS],
    ["", *MEANS],
    ["", *["66,7 %"] * 22],
    fill_up("Người lập biểu"),
    fill_up("NGƯỜI LẬP BIỂU"),
    fill_up("Ghi chú: 1 = Rất không hài lòng"),
    fill_up("", "", "An Giang, ngày 5 tháng 3 năm 2024"),
    fill_up("Trần Thị B"),
]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("row", LABELLED, ids=lambda row: f"{row[0]} {row[1]}")
def test_a_row_below_the_last_form_is_a_footer(row):
    """Totals, means, dates and signatures are cut and listed, with or without a known word."""
    table = read_table([NUMBERED, *FORMS, row], STT)
    assert len(table.frame) == 30
    assert [(left_out.reason, left_out.row) for left_out in table.left_out] == [("footer", 32)]
    assert table.errors == ()


def test_several_footers_are_listed_with_their_rows():
    """The names of those who sign are no label, so the ledger does not show them."""
    footers = [
        ["Tổng cộng", *MEANS],
        fill_up(),
        fill_up("", "", "", "An Giang, ngày 5 tháng 3 năm 2024"),
        fill_up("", "", "", "NGƯỜI LẬP BIỂU"),
        fill_up("", "", "", "Nguyễn Văn A"),
    ]
    table = read_table([NUMBERED, *FORMS, *footers], STT)
    assert len(table.frame) == 30
    assert [left_out.row for left_out in table.left_out] == [32, 34, 35, 36]
    assert [left_out.text for left_out in table.left_out] == ["Tổng cộng", "", "", ""]


def test_a_second_table_below_the_forms_is_cut():
    """Counts of answers below the forms are no answers, even where they are small."""
    summary = [
        fill_up("Tổng hợp"),
        fill_up("Mức", "Số phiếu", "Tỷ lệ"),
        fill_up("Rất hài lòng", 5, "16,7%"),
        fill_up("Hài lòng", 4, 5),
    ]
    table = read_table([NUMBERED, *FORMS, *summary], STT)
    assert len(table.frame) == 30
    assert {left_out.reason for left_out in table.left_out} == {"footer"}
    assert table.errors == ()


@pytest.mark.parametrize(
    "row", [["Điểm tối đa", *FIVES], ["Maximum", *FIVES], ["Tối đa", *[10] * 22]]
)
def test_maximum_scores_above_the_forms_are_no_form(row):
    """All fives would count as the best form there is."""
    table = read_table([NUMBERED, row, *FORMS], STT)
    assert len(table.frame) == 30
    assert [(left_out.reason, left_out.row) for left_out in table.left_out] == [("total", 2)]


@pytest.mark.parametrize(
    "subtotal",
    [["Cộng tháng 10", *MEANS], ["Cộng", *FOURS], ["", *MEANS], fill_up("Tháng 11")],
)
def test_a_subtotal_is_dropped_alone(subtotal):
    """The forms below a subtotal or a heading count, although their numbers start again."""
    rows = [NUMBERED, *FORMS, subtotal, *make_forms(20, number), ["Tổng cộng", *MEANS]]
    table = read_table(rows, STT)
    assert len(table.frame) == 50
    assert [left_out.row for left_out in table.left_out] == [32, 53]
    assert table.left_out[0].reason in ("total", "heading")


def test_subtotals_by_unit_are_dropped():
    """The label holds the name of the unit."""
    rows = [NUMBERED_UNIT]
    for unit in ("Sở A", "Sở B"):
        rows += make_forms(10, lambda at, unit=unit: [at, unit])
        rows.append(["", f"Cộng {unit}", *MEANS])
    table = read_table(rows, STT | UNIT)
    assert len(table.frame) == 20
    assert [left_out.text for left_out in table.left_out] == ["Cộng Sở A", "Cộng Sở B"]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("header", "lead", "row", "columns"),
    [
        (NUMBERED, number, ["", *FIVES], STT),
        (NUMBERED, number, ["Kết quả", *FOURS], STT),
        (NUMBERED_UNIT, number_and_unit, ["", "Sở A", *FOURS], STT | UNIT),
        (["so", *BY_UNIT], lambda at: [f"P{97 * at}", "Sở A"], ["", "Sở A", *FOURS], FORM),
        (["Họ và tên", *ITEMS], lambda at: [f"Trần Thị {at}"], ["Tổng cộng", *FOURS], {}),
        (["STT", "sex", *ITEMS], lambda at: [at, "male"], ["", "Tổng cộng", *FOURS], STT),
    ],
)
@pytest.mark.parametrize("n_below", [0, 20])
def test_where_both_readings_fit_the_run_asks(header, lead, row, columns, n_below):
    """Whole means without a clear label look like a form that lacks its number."""
    forms = make_forms(30 + n_below, lead)
    table = read_table([header, *forms[:30], row, *forms[30:]], columns)
    assert [error.message_id for error in table.errors] == ["row_unclear"]
    assert [place.row for place in table.errors[0].places] == [32]


def test_rows_of_the_wave_answer_the_question():
    """What the user names is read, whatever it looks like; the other rows are listed."""
    rows = [NUMBERED, *FORMS[:10], ["", *FOURS], *FORMS[10:], ["Tổng cộng", *MEANS]]
    table = read_table(rows, STT, kept=("2-32",))
    assert (len(table.frame), table.errors) == (31, ())
    assert [(left_out.reason, left_out.row) for left_out in table.left_out] == [
        ("outside_rows", 33)
    ]
    table = read_table(rows, STT, kept=("2-11", "13-32"))
    assert (len(table.frame), table.errors) == (30, ())


@pytest.mark.parametrize("columns", [{"keys": {"muc": "Mức sống"}}, {"ignore": ("Mức sống",)}])
@pytest.mark.parametrize("is_numbered", [True, False])
def test_a_value_of_a_key_never_makes_a_total(columns, is_numbered):
    """An average standard of living, and other words for totals, are values of that column."""
    words = ["Trung bình", "Khá", "Tổng"]
    lead = [lambda at: [words[at % 3]], lambda at: [at, words[at % 3]]][is_numbered]
    header = [*["STT"] * is_numbered, "Mức sống", *ITEMS]
    table = read_table([header, *make_forms(30, lead)], columns)
    assert (len(table.frame), table.left_out, table.errors) == (30, (), ())


def test_an_answer_never_makes_a_total():
    """Levels may be called average; so may all answers of a form."""
    forms = [[at, *["Trung bình" if at % 5 == 0 else "Khá"] * 22] for at in range(1, 31)]
    table = read_table([NUMBERED, *forms], STT)
    assert (len(table.frame), table.left_out, table.errors) == (30, (), ())


@pytest.mark.parametrize(
    "unit", ["Tổng công ty Điện lực", "Tổng cục Thuế", "Cộng đồng dân cư", "Trung tâm hành chính"]
)
def test_a_unit_is_no_total(unit):
    """Some names of offices start like the label of a total."""
    table = read_table([BY_UNIT, *make_forms(30, lambda _: [unit])], UNIT)
    assert (len(table.frame), table.left_out, table.errors) == (30, (), ())


def test_free_text_and_names_make_no_total():
    """A remark about the whole, or a person called Cong, stands beside a number."""
    header = ["STT", "Họ và tên", *ITEMS, "Ghi chú"]
    forms = [[*row, ""] for row in make_forms(30, lambda at: [at, "Cong" if at == 3 else "An"])]
    forms[7][-1] = "Tổng thể rất tốt"
    table = read_table([header, *forms], {"ignore": ("STT", "Ghi chú")})
    assert (len(table.frame), table.left_out, table.errors) == (30, (), ())


def test_numbers_of_forms_may_have_signs():
    """A form that was added has a number such as 10a."""
    forms = make_forms(30, lambda at: ["10a" if at == 11 else f"{at:02}."])
    assert len(read_table([NUMBERED, *forms], STT).frame) == 30


@pytest.mark.parametrize("at", [10, 30])
def test_empty_lines_are_counted_apart(at):
    """A template is numbered and names its unit in every row, filled in or not."""
    lines = [[number, "Sở A", *[""] * 22] for number in range(at + 1, at + 71)]
    forms = make_forms(30, number_and_unit)
    table = read_table([NUMBERED_UNIT, *forms[:at], *lines, *forms[at:]], STT | UNIT)
    assert len(table.frame) == 30
    assert {left_out.reason for left_out in table.left_out} == {"empty_line"}
    assert len(table.left_out) == 70


def test_a_form_with_a_profile_but_no_answer_is_a_form():
    """The respondent said who they are; the survey then drops the form, and counts it as read."""
    header = ["STT", "sex", *ITEMS]
    forms = make_forms(10, lambda at: [at, "male"])
    table = read_table([header, *forms, [11, "female", *[""] * 22]], STT)
    assert len(table.frame) == 11


def test_a_form_with_few_or_wrong_answers_is_a_form():
    """Its mistakes are named one by one, and a respondent may stop early."""
    rows = [*FORMS, fill_up(31, 4, 4), [32, *[44] * 12, *[4] * 10], [33, *[""] * 21, "x"]]
    table = read_table([NUMBERED, *rows], STT)
    assert (len(table.frame), table.left_out, table.errors) == (33, (), ())


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("label", ["Tổng cộng", "TỔNG:", "Bình quân chung"])
@pytest.mark.parametrize("answers", [FOURS, MEANS, [120] * 22])
def test_a_total_in_the_column_of_the_unit_is_no_unit(label, answers):
    """No complaint about an unknown unit for a row that is no form."""
    table = read_table([BY_UNIT, *make_forms(30, name_unit), [label, *answers]], UNIT)
    assert (len(table.frame), table.errors) == (30, ())
    assert table.left_out[0].text == label.strip(":")


def test_a_total_with_unit_and_day_is_no_form():
    """A spreadsheet fills unit and day down to the row of totals (hostile/19)."""
    header = ["so_phieu", "don_vi", "ngay", *ITEMS]
    forms = make_forms(30, lambda at: [f"P{at:05}", "so-a", "23/11/2025"])
    total = ["Tong cong:", "so-a", "23/11/2025", 5, *[""] * 21]
    columns = {"form": "so_phieu", "unit": "don_vi", "date": "ngay"}
    table = read_table([header, *forms, total], columns)
    assert len(table.frame) == 30
    assert [(left_out.reason, left_out.text) for left_out in table.left_out] == [
        ("footer", "Tong cong")
    ]


def test_tables_of_items_alone_are_cut_below_the_last_form():
    """Without number or unit only what is no answer can be told from a form."""
    forms = [answer(at) for at in range(1, 31)]
    footers = [MEANS, fill_up("", "NGƯỜI LẬP BIỂU", n=22)]
    table = read_table([ITEMS, *forms, *footers], {})
    assert len(table.frame) == 30
    assert [left_out.row for left_out in table.left_out] == [32, 33]


def test_a_heading_of_another_unit_is_asked_about():
    """The forms below it are not of the unit that the wave names for the file."""
    rows = [NUMBERED, *FORMS, fill_up("ĐƠN VỊ: SỞ B"), *make_forms(20, number)]
    assert [error.message_id for error in read_table(rows, STT).errors] == ["row_unclear"]
    rows = [NUMBERED, fill_up("I. Sở A"), *FORMS]
    assert read_table(rows, STT).errors == ()


@pytest.mark.parametrize(
    "text", ["Tổng", "Cộng (5)", "* Ghi chú", "II. Tổng cộng", "TB", "tong so"]
)
def test_labels_are_known_by_their_first_word(text):
    """With colon, brackets, signs or without accents."""
    assert is_label_text(text)


@pytest.mark.parametrize("text", ["", "Tổng công ty A", "Trung tâm", "Cộng đồng", "Công", "Tongs"])
def test_other_texts_are_no_labels(text):
    """A word that only looks like the label of a total."""
    assert not is_label_text(text)


@pytest.mark.parametrize("n", [3, 30])
def test_a_last_row_below_an_empty_one_may_hold_means(n):
    """Where nothing tells forms from other rows, a row set apart is asked about."""
    forms = make_forms(n, lambda _: [])
    table = read_table([ITEMS, *forms, [""] * 22, FOURS], {})
    assert [error.message_id for error in table.errors] == ["row_unclear"]
    assert read_table([ITEMS, *forms, FOURS], {}).errors == ()


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["P001", "P002", "P010"], [1, 2, 10]),
        (["P1", "P12", "x"], [1, 12, -1]),
        (["12", "13a", "14/2"], [12, 13, 2]),
        (["1234567890123456", "1234567890123457"], [234567890123456, 234567890123457]),
        (["a0٣7", "a0٣8"], [37, 38]),
        (["", "1"], [-1, 1]),
        ([], []),
    ],
)
def test_running_numbers_are_the_last_digits_of_each_text(texts, numbers):
    """However they begin; ids that differ in their digits alone are read without a pattern."""
    assert _read_last_numbers(np.array(texts, dtype=object)).tolist() == numbers
