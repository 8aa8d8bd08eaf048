"""Header rows, tick grids, and what a spreadsheet keeps beside the values of its cells."""

from collections.abc import Callable

import pytest
import xlsxwriter
from test_form_rows import (
    BY_UNIT,
    FORMS,
    ITEMS,
    NUMBERED,
    NUMBERED_UNIT,
    STT,
    UNIT,
    fill_up,
    make_forms,
    number_and_unit,
    read_table,
)

from sipas_analysis.collect.tables import find_table, is_number_row
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ConfigError, FileError
from sipas_analysis.sheets.reader import Area, Sheet

N = len(NUMBERED)


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    "row",
    [
        [*range(1, N + 1)],
        [f"({at})" for at in range(1, N + 1)],
        ["A", *range(1, N)],
        ["", *range(1, N)],
        ["(A)", *[f"[{at}]" for at in range(1, N)]],
        NUMBERED,
        ["Số thứ tự", *[f"Câu hỏi về {code}" for code in ITEMS]],
    ],
)
def test_a_row_that_belongs_to_the_header_is_no_form(row):
    """Numbers of columns, the header once more, or the wordings below the codes."""
    table = read_table([NUMBERED, row, *FORMS], STT)
    assert len(table.frame) == 30
    assert [(left_out.reason, left_out.row) for left_out in table.left_out] == [("header_row", 2)]


def test_three_rows_of_a_form_service_are_one_header():
    """Qualtrics writes names, wordings and ids as JSON."""
    ids = [f'{{"ImportId":"QID{at}"}}' for at in range(N)]
    wordings = [f"Wording {at}" for at in range(N)]
    table = read_table([NUMBERED, wordings, ids, *FORMS], STT)
    assert len(table.frame) == 30
    assert [left_out.row for left_out in table.left_out] == [2, 3]
    assert table.sheet.labels == dict(zip(NUMBERED, wordings, strict=True))


def test_a_header_printed_on_each_page_is_no_form():
    """Two header rows, both repeated."""
    upper = fill_up("", "Nhóm A", n=N)
    rows = [upper, NUMBERED, *FORMS[:10], NUMBERED, *FORMS[10:]]
    table = read_table(rows, STT, header=(1, 2))
    assert len(table.frame) == 30
    assert [(left_out.reason, left_out.row) for left_out in table.left_out] == [("header_row", 13)]


def test_a_first_form_that_looks_like_numbers_counts():
    """Few numbers in order may be answers."""
    assert not is_number_row(["1", "2", "3", "4"])
    assert not is_number_row(["Sở A", "1", "2", "3"])
    assert is_number_row(["(1)", "(2)", "(3)"])
    table = read_table(
        [[*ITEMS[:3], *ITEMS[3:]], [1, 2, 3, *[4] * 19], *[r[1:] for r in FORMS]], {}
    )
    assert len(table.frame) == 31


def test_a_header_of_numbers_is_refused():
    """The items would be those two columns further on (files/15)."""
    rows = [fill_up("KẾT QUẢ"), NUMBERED, [*range(1, N + 1)], *FORMS]
    with pytest.raises(FileError) as caught:
        read_table(rows, STT, header=(3,))
    assert caught.value.message_id == "header_numbers"
    assert caught.value.fields["above"] == 2
    assert len(read_table(rows, STT, header=(2,)).frame) == 30


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("header", "n"), [([2, 1], 1), ([1, 1], 1), ([1, 3], 1), ([1, 2, 3], 1), ([0], 1)]
)
def test_a_header_must_be_one_row_or_two_adjacent_rows(make_wave, header, n):
    """One mistake for one wrong header (hostile/21)."""
    with pytest.raises(ConfigError) as caught:
        read_wave(make_wave("x", responses=[{"file": "answers.csv", "header": header}]))
    assert len(caught.value.places) == n
    assert "header" in str(caught.value)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("rows", ["6-", "60-6", "a", "6..60", "-3", "1-x"])
def test_rows_are_written_as_ranges(make_wave, rows):
    """A misspelt range would leave forms out in silence."""
    with pytest.raises(ConfigError, match="6-60"):
        read_wave(make_wave("x", responses=[{"file": "answers.csv", "rows": rows}]))


def test_columns_of_one_name_are_told_apart_by_their_letter():
    """The check of columns then refuses them by name."""
    sheet = Sheet("forms.xlsx", "", [["A1", "A2", "A1"], ["1", "2", "3"]])
    table = find_table(sheet, (1,))
    assert [*table.frame.columns] == ["A1", "A2", "A1 (C)"]
    assert table.place(2, "A1 (C)").letter == "C"


def make_grid(
    forms: list[list[int]], answers: tuple[str, ...] = ("1", "2", "3", "4", "5"), tick: str = "x"
) -> list[list[str]]:
    """Return two header rows and one column for each answer of each item."""
    upper = ["Đơn vị", *[text for code in ITEMS for text in (code, *[""] * (len(answers) - 1))]]
    rows = [upper, ["", *answers * len(ITEMS)]]
    for form in forms:
        ticks = [tick if level == at else "" for level in form for at in range(1, 6)]
        rows.append(["Sở A", *ticks])
    return rows


LEVELS = [row[1:] for row in FORMS]
WORDS = ("Rất không hài lòng", "Không hài lòng", "Bình thường", "Hài lòng", "Rất hài lòng")


@pytest.mark.parametrize("tick", ["x", "X", "✓", "1", " v ", "●", "TRUE"])
@pytest.mark.parametrize("answers", [("1", "2", "3", "4", "5"), WORDS])
@pytest.mark.quick_cases(1)
def test_a_grid_of_ticks_is_one_answer_per_item(tick, answers):
    """Five columns per item, as paper forms are keyed (files/36)."""
    table = read_table(make_grid(LEVELS, answers, tick), UNIT, header=(1, 2))
    assert [*table.frame.columns] == ["Đơn vị", *ITEMS]
    expected = [[answers[level - 1] for level in form] for form in LEVELS]
    assert table.frame[ITEMS].to_numpy().tolist() == expected
    assert table.letters["A2"] == "G"


def test_two_ticks_of_one_item_are_both_written():
    """Such a cell is no level, so the reader refuses it; no tick is a blank."""
    rows = make_grid(LEVELS)
    rows[2][1:6] = ["", "", "", "x", "x"]
    rows[3][1:6] = [""] * 5
    table = read_table(rows, UNIT, header=(1, 2))
    assert table.frame["A1"].tolist()[:2] == ["4 & 5", ""]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("label", ["Tổng cộng", ""])
def test_totals_below_a_grid_of_ticks_are_cut(label):
    """Numbers of ticks are no ticks."""
    counts = [label, *[3, 7, 12, 6, 2] * len(ITEMS)]
    table = read_table([*make_grid(LEVELS), counts], UNIT, header=(1, 2))
    assert len(table.frame) == 30
    assert [left_out.row for left_out in table.left_out if left_out.reason != "ticks"] == [33]


def test_two_header_rows_with_answers_below_are_no_grid():
    """Items of one group stand in columns of their own."""
    upper = ["Đơn vị", "Nhóm A", *[""] * 10, "Nhóm B", *[""] * 10]
    rows = [upper, ["", *ITEMS], *[["Sở A", *form] for form in LEVELS]]
    table = read_table(rows, UNIT, header=(1, 2))
    assert [*table.frame.columns] == BY_UNIT
    assert len(table.frame) == 30


UNIT_FORMS = make_forms(30, number_and_unit)


def test_cells_merged_down_a_column_hold_its_value():
    """Each field has its ten forms, each filled cell is in the ledger (files/06)."""
    fields = ["Đất đai", "Hộ tịch", "Thuế"]
    forms = make_forms(30, lambda at: [fields[at // 11] if at in (1, 11, 21) else "", "Sở A"])
    areas = tuple(Area(top, 1, top + 9, 1) for top in (2, 12, 22))
    forms = [
        [fields[(at - 1) // 10] if at % 10 == 1 else "", *row[1:]]
        for at, row in enumerate(forms, 1)
    ]
    columns = UNIT | {"keys": {"linh-vuc": "Lĩnh vực"}}
    table = read_table([["Lĩnh vực", *BY_UNIT], *forms], columns, merged=areas)
    assert table.frame["Lĩnh vực"].value_counts().to_dict() == dict.fromkeys(fields, 10)
    assert {left_out.reason for left_out in table.left_out} == {"merged"}
    assert len(table.left_out) == 27


def test_a_unit_merged_down_its_forms_is_filled():
    """Without the fill the forms would have no unit."""
    forms = [
        [row[0] if at == 0 else "", *row[1:]]
        for at, row in enumerate(make_forms(30, lambda _: ["Sở A"]))
    ]
    table = read_table([BY_UNIT, *forms], UNIT, merged=(Area(2, 1, 31, 1),))
    assert table.frame["Đơn vị"].tolist() == ["Sở A"] * 30
    assert table.errors == ()


@pytest.mark.parametrize(
    ("area", "cells"),
    [(Area(5, 4, 5, 6), "D5:F5"), (Area(5, 4, 8, 4), "D5:D8"), (Area(9, 2, 9, 3), "B9:C9")],
)
def test_cells_merged_across_answers_are_refused(area, cells):
    """One value cannot be read as the answers of three items or of four people."""
    table = read_table([NUMBERED_UNIT, *UNIT_FORMS], STT | UNIT, merged=(area,))
    assert [error.message_id for error in table.errors] == ["merged_cells"]
    place = table.errors[0].places[0]
    assert (place.row, place.value) == (area.top, cells)


def test_merged_titles_and_footers_are_no_matter():
    """A title above the header, a label of a total over three cells."""
    rows = [fill_up("KẾT QUẢ", n=24), NUMBERED_UNIT, *UNIT_FORMS, ["Tổng cộng", "", *[120] * 22]]
    areas = (Area(1, 1, 1, 24), Area(33, 1, 33, 2))
    table = read_table(rows, STT | UNIT, header=(2,), merged=areas)
    assert (len(table.frame), table.errors) == (30, ())


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("sign", ["#REF!", "=2+3", "#DIV/0!"])
@pytest.mark.parametrize("cell", [(9, 15), (4, 2)])
def test_a_cell_without_value_is_refused_with_its_place(cell, sign):
    """A formula that was not calculated is no blank, in an item or in the unit (files/02)."""
    table = read_table([NUMBERED_UNIT, *UNIT_FORMS], STT | UNIT, no_value={cell: sign})
    assert [error.message_id for error in table.errors] == ["no_value"]
    place = table.errors[0].places[0]
    assert (place.row, place.letter) == (cell[0], " ABCDEFGHIJKLMNO"[cell[1]])
    assert place.value == {"=2+3": "=…"}.get(sign, sign)


def test_cells_without_value_that_nobody_reads_are_no_matter():
    """An ignored column, a total and an empty line may lack their values."""
    rows = [NUMBERED_UNIT, *UNIT_FORMS, ["Tổng cộng", *[""] * 23], [31, *[""] * 23]]
    signs = {(32, column): "=SUM(C2:C31)" for column in range(3, 25)}
    table = read_table(rows, STT | UNIT, no_value={**signs, (5, 1): "=ROW()", (33, 2): "=B31"})
    assert (len(table.frame), table.errors) == (30, ())


def test_means_that_were_not_calculated_may_stand_below_all_values():
    """A reader of values ends above a row that has none."""
    signs = {(32, column): "=AVERAGE(B2:B31)" for column in range(2, 24)}
    table = read_table([NUMBERED, *FORMS], STT, no_value=signs)
    assert [error.message_id for error in table.errors] == ["no_value"]
    table = read_table([NUMBERED, *FORMS, ["Trung bình"]], STT, no_value=signs)
    assert (len(table.frame), table.errors) == (30, ())


def test_a_sheet_of_formulas_without_values_is_not_empty():
    """All cells point to another sheet, and none was calculated."""
    signs = {(row, column): "=x" for row in range(2, 32) for column in range(1, 25)}
    rows = [NUMBERED_UNIT, *[[""] * 24 for _ in range(30)]]
    table = read_table(rows, STT | UNIT, no_value=signs)
    assert [error.message_id for error in table.errors] == ["no_value"]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    "state",
    [
        {"hidden_rows": frozenset({5, 6, 40})},
        {"hidden_columns": frozenset({2, 5})},
        {"is_hidden": True},
    ],
)
def test_hidden_forms_need_a_word(state):
    """Rows below the forms and columns that nobody reads may be hidden."""
    rows, columns = [NUMBERED_UNIT, *UNIT_FORMS], STT | UNIT
    table = read_table(rows, columns, **state)
    assert [error.message_id for error in table.errors] == ["hidden"]
    table = read_table(rows, columns, hidden="read", **state)
    assert (len(table.frame), table.errors) == (30, ())
    assert {left_out.reason for left_out in table.left_out} == {"hidden_read"}
    table = read_table(rows, columns, hidden="skip", **state)
    assert table.errors == ()
    assert {left_out.reason for left_out in table.left_out} == {"hidden_skipped"}
    assert (len(table.frame), len(table.frame.columns)) == {
        "hidden_rows": (28, 24),
        "hidden_columns": (30, 22),
        "is_hidden": (0, 24),
    }[next(iter(state))]


def test_hidden_cells_that_nobody_reads_are_no_matter():
    """The number of the form, and the row of the total."""
    state = {"hidden_rows": frozenset({1, 32}), "hidden_columns": frozenset({1, 30})}
    rows = [NUMBERED_UNIT, *UNIT_FORMS, ["Tổng cộng", "", *[120] * 22]]
    assert read_table(rows, STT | UNIT, **state).errors == ()


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("cut", [1, 5, 21])
@pytest.mark.parametrize("at", [3, 29])
def test_a_row_of_a_text_file_with_too_few_cells_is_refused(cut, at):
    """A file that was cut off must not become a form with blanks (surveys/15)."""
    forms = [*FORMS]
    forms[at] = forms[at][:-cut]
    table = read_table([NUMBERED, *forms], STT, name="forms.csv")
    assert [error.message_id for error in table.errors] == ["row_short"]
    assert [place.row for place in table.errors[0].places] == [at + 2]


def test_blanks_and_short_footers_of_a_text_file_are_read():
    """All cells are there; a footer of one cell is no form."""
    forms = [[*row[:20], "", "", ""] if row[0] % 3 == 0 else row for row in FORMS]
    table = read_table([NUMBERED, *forms, ["Tổng cộng"], ["Người lập"]], STT, name="forms.csv")
    assert (len(table.frame), table.errors) == (30, ())
    assert [left_out.reason for left_out in table.left_out] == ["footer", "footer"]


def test_blank_cells_behind_the_last_column_that_is_used_may_lack():
    """Excel does not write them; where the last answer lacks too, cells may have moved."""
    columns = {"ignore": ("STT", "Ghi chú")}
    forms = [[*row, "tốt"] if row[0] == 1 else row for row in FORMS]
    rows = [[*NUMBERED, "Ghi chú"], *forms]
    assert read_table(rows, columns, name="forms.csv").errors == ()
    rows[9] = [*FORMS[8][:-1], ""]
    table = read_table(rows, columns, name="forms.csv")
    assert [place.row for place in table.errors[0].places] == [10]


def slide(row: list[object]) -> list[object]:
    """Return a row without its empty cells, as some exports write it."""
    filled = [cell for cell in row if cell != ""]
    return [*filled, *[""] * (len(row) - len(filled))]


SLID_HEADER = ["Đơn vị", "Email", "Lớp", "Khoa", *ITEMS]


def make_optional(words: Callable[[int], str], step: int) -> list[list[object]]:
    """Return forms in which some leave two questions blank."""
    return make_forms(
        30,
        lambda at: ["Sở A", "a@b.vn", *(["", ""] if at % step == 0 else [words(at), "y"])],
    )


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("step", [2, 7, 30])
@pytest.mark.parametrize("is_labelled", [True, False])
def test_rows_whose_cells_moved_to_the_left_are_refused(step, is_labelled):
    """Items would take the answer of their neighbour (files/20)."""
    forms = make_optional(lambda at: f"10A{at % 3}", step)
    if is_labelled:
        forms = [[*row[:4], *[WORDS[level - 1] for level in row[4:]]] for row in forms]
    columns = UNIT | {"ignore": ("Lớp", "Khoa")}
    table = read_table([SLID_HEADER, *map(slide, forms)], columns)
    assert [error.message_id for error in table.errors] == ["row_slid"]
    rows = [place.row for place in table.errors[0].places]
    assert rows == [at + 1 for at in range(1, 31) if at % step == 0]
    assert read_table([SLID_HEADER, *forms], columns).errors == ()


def test_blank_last_answers_alone_are_no_slide():
    """Many leave the last question, and an ignored column may hold numbers or words of a scale."""
    header = ["STT", "Lần", "Mức sống", *ITEMS]
    forms = make_forms(30, lambda at: [at, at % 4, ["Khá", "Tốt", ""][at % 3]])
    forms = [[*row[:-2], "", ""] if at % 2 else row for at, row in enumerate(forms)]
    table = read_table([header, *forms], {"ignore": ("STT", "Lần", "Mức sống")})
    assert (len(table.frame), table.errors) == (30, ())


def test_a_table_without_any_form_is_refused():
    """A template that nobody filled in."""
    lines = [[at, "Sở A", *[""] * 22] for at in range(1, 101)]
    table = read_table([NUMBERED_UNIT, *lines], STT | UNIT)
    assert [error.message_id for error in table.errors] == ["no_rows"]


def test_a_workbook_of_an_office_is_read_with_its_ledger(make_wave, read_answers, tmp_path):
    """Number row, total, date and signature; the forms alone are counted."""
    make_wave()
    with xlsxwriter.Workbook(tmp_path / "office.xlsx") as book:
        sheet = book.add_worksheet("P")
        rows = [["STT", "unit", "A1", "A2", "D1"], ["(1)", "(2)", "(3)", "(4)", "(5)"]]
        rows += [[at, "so-a", 1 + at % 5, 1 + at * at % 3, 1 + at // 3] for at in range(1, 11)]
        rows += [["Tổng cộng", "", 5, 4, 3], ["", "", "", "An Giang, ngày 5 tháng 3 năm 2024"]]
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    survey = read_answers(
        responses=[{"file": "office.xlsx"}], columns={"unit": "unit", "ignore": ["STT"]}
    )
    assert (survey.n_read, len(survey.frame)) == (10, 10)
    ledger = survey.ledger[survey.ledger["row"].notna()]
    assert ledger[["row", "found", "reason"]].to_numpy().tolist() == [
        [2, "", "header_row"],
        [13, "Tổng cộng", "footer"],
        [14, "", "footer"],
    ]
