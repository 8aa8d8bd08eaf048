"""One correct sheet, written or damaged in over a hundred ways: its figures, or a named place.

``planted.py`` reads the cells on its own. Form 4 stands in row 5, and B2 in column K.
"""

import random
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from planted import BEFORE, ITEMS, LABELS, Outcome, Planted, plant, try_wave, write_planted

pytestmark = pytest.mark.slow  # the cases of test_cases.py are the quick ones

ROW, CELL = 4, "K5"
B2 = len(BEFORE) + ITEMS.index("B2")
Change = Callable[[Planted], object]


def plant_sheet(style: str = "codes", titles: int = 0, kind: str = "xlsx") -> Planted:
    """Draw the sheet that all variants start from; its header row holds the codes."""
    planted = plant(random.Random(11), 14, style=style, titles=titles)
    planted.kind = kind
    return planted


def set_cell(planted: Planted, cell: object, to: int = B2, at: int = ROW) -> None:
    """Write one cell of the fourth form."""
    planted.grid[at][to] = cell


def set_column(planted: Planted, change: Callable[[object], object], to: int = B2) -> None:
    """Change a whole column below the header."""
    for at in planted.list_forms():
        planted.grid[at][to] = change(planted.grid[at][to])


def expect_same(planted: Planted, folder: Path) -> Outcome:
    """Assert that the wave is read as its cells say."""
    outcome = try_wave(write_planted(planted, folder), planted)
    assert outcome.error is None, outcome.error
    assert outcome.complaints == []
    return outcome


def expect_refused(planted: Planted, folder: Path, words: str) -> None:
    """Assert that the wave is refused and that the sentence holds the words, separated by |."""
    outcome = try_wave(write_planted(planted, folder), planted)
    assert outcome.error is not None
    assert outcome.complaints == []
    text = outcome.error.text("en")
    assert [word for word in words.split("|") if word not in text] == []


def footer(*cells: object) -> list[object]:
    """A row of text and of one value for each item."""
    text, value = cells if len(cells) == 2 else (cells[0], "")
    return [text, *[""] * (len(BEFORE) - 1), *[value] * len(ITEMS), ""]


LEVELS = [
    5,
    1.0,
    "4",
    " 4",
    "4.0",
    "4 ",
    "\u00a04",
    "Hài lòng",
    "hài lòng",
    "HÀI LÒNG",
    None,
    "",
    "  ",
    9,
    "9",
]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("level", LEVELS, ids=repr)
def test_a_level_may_be_written_in_many_ways(level, kind, tmp_path):
    """Number, text, spaces, label in any case, blank, and the code of no answer."""
    planted = plant_sheet(kind=kind)
    set_cell(planted, level)
    folded = {name.casefold(): name for name in LABELS}
    outcome = try_wave(write_planted(planted, tmp_path), planted)
    text = str(level or "").strip()
    expected = LABELS.get(folded.get(text.casefold(), ""), {"": None, "9": None}.get(text, text))
    got = outcome.survey.frame.set_index("row").at[ROW + 1, "B2"]
    assert (got != got) if expected is None else got == float(expected)


WRONG = [
    0,
    6,
    -1,
    44,
    45,
    4.5,
    "4.5",
    "4,5",
    "0_5",
    "1e0",
    "４",
    "IV",
    "bốn",
    "4 5",
    "4;5",
    "3/4",
    "?",
    "x",
]
WRONG += ["Không", "Tốt lắm", "4 sao", "5+", date(2024, 4, 5), True]
EMPTY = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "=1+3", "=J5", "=IF(J5>3,5,1)"]


@pytest.mark.parametrize("cell", WRONG, ids=repr)
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_cell_that_is_no_level_is_named(cell, kind, tmp_path):
    """The address, the question and what stands there."""
    planted = plant_sheet(kind=kind)
    set_cell(planted, cell)
    expect_refused(planted, tmp_path, f"{CELL}|B2|phieu.{kind}|{'4' if cell == 45 else ''}")


@pytest.mark.parametrize("cell", EMPTY)
def test_a_cell_without_a_value_is_named(cell, tmp_path):
    """An error, or a formula that no program calculated."""
    planted = plant_sheet()
    set_cell(planted, cell)
    expect_refused(planted, tmp_path, f"{CELL}|B2|Excel")


SAME: dict[str, Change] = {
    "three title rows": lambda _: None,
    "blank line": lambda p: p.insert(ROW, [None] * 28),
    "total": lambda p: p.insert(len(p.grid), footer("Tổng cộng", 50)),
    "total with colon": lambda p: p.insert(len(p.grid), footer("TỔNG CỘNG:", 50)),
    "mean": lambda p: p.insert(len(p.grid), footer("Điểm trung bình", 3.75)),
    "mean that is a level": lambda p: p.insert(len(p.grid), footer("Trung bình", 4)),
    "share": lambda p: p.insert(len(p.grid), footer("Tỷ lệ hài lòng", "81,2%")),
    "number of forms": lambda p: p.insert(len(p.grid), footer("Cộng (14 phiếu)")),
    "day and place": lambda p: p.insert(len(p.grid), footer("An Giang, ngày 3 tháng 12 năm 2024")),
    "who made it": lambda p: p.insert(len(p.grid), footer("Người lập biểu")),
    "note": lambda p: p.insert(len(p.grid), footer("Ghi chú: phiếu thu tại bộ phận một cửa")),
    "numbered lines": lambda p: [p.insert(len(p.grid), [number]) for number in range(15, 40)],
    "text": lambda p: set_column(p, str),
    "labels": lambda p: set_column(p, lambda level: [*LABELS][int(str(level)) - 1]),
    "whole numbers with a point": lambda p: set_column(p, lambda level: f"{level}.0"),
    "column number row": lambda p: p.insert(p.header, [f"({n})" for n in range(1, 29)]),
    "bare column numbers": lambda p: p.insert(p.header, [*range(1, 29)]),
    "highest scores": lambda p: p.insert(p.header, footer("Điểm tối đa", 5)),
    "header in capitals": lambda p: set_cell(p, "b2", B2, p.header - 1),
    "header with spaces": lambda p: set_cell(p, " B2\u00a0", B2, p.header - 1),
    "unit in capitals": lambda p: set_column(p, lambda unit: f"{unit} ", 1),
    "decomposed unit": lambda p: set_column(p, lambda unit: unicodedata.normalize("NFD", unit), 1),
    "no day": lambda p: set_cell(p, None, 2),
    "last form cut to its end": lambda p: p.grid[-1].pop(),
    "an answer Trung bình as remark": lambda p: set_cell(p, "Trung bình", 27),
    "a remark Tổng": lambda p: set_cell(p, "Tổng", 27),
    "a form of one answer": lambda p: [set_cell(p, None, to) for to in range(6, 27)],
    "a form without answers": lambda p: [set_cell(p, None, to) for to in range(5, 27)],
    "all fives": lambda p: [set_cell(p, 5, to) for to in range(5, 27)],
    "one form twice": lambda p: p.insert(ROW, [*p.grid[ROW]], is_form=True),
}


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("name", SAME)
def test_a_harmless_difference_changes_no_figure(name, kind, tmp_path):
    """What is no form is left out with an entry in the ledger; what is one is read."""
    planted = plant_sheet(kind=kind, titles=3 if name == "three title rows" else 0)
    SAME[name](planted)
    expect_same(planted, tmp_path)


REFUSED: dict[str, tuple[Change, str]] = {
    "unknown unit": (lambda p: set_cell(p, "Sở Lạ", 1), "B5|Sở Lạ|units.csv"),
    "unit by number": (lambda p: set_cell(p, 7, 1), "B5|aliases"),
    "blank unit": (lambda p: set_cell(p, None, 1), "B5|Đơn vị"),
    "impossible day": (lambda p: set_cell(p, "31/02/2024", 2), "C5|31/02/2024"),
    "no day at all": (lambda p: set_cell(p, "hôm qua", 2), "C5|Ngày khảo sát"),
    "day before fieldwork": (lambda p: set_cell(p, date(2023, 10, 5), 2), "row 5|2023-10-05"),
    "another year": (lambda p: set_cell(p, datetime(2025, 3, 5, 8), 2), "row 5|2025-03-05"),
    "item renamed": (lambda p: set_cell(p, "Câu khác", B2, 0), "Câu khác|B2"),
    "item without header": (lambda p: set_cell(p, None, B2, 0), "(K)|B2"),
    "item doubled": (lambda p: set_cell(p, "A1", B2, 0), "columns F, K|join:"),
    "unit column lost": (lambda p: set_cell(p, "Cơ quan nào?", 1, 0), "Đơn vị"),
    "cell beside the table": (lambda p: p.grid[ROW].append("x"), "phieu"),
    "block pasted": (
        lambda p: (
            [p.insert(15, [*p.grid[14]], is_form=True) and None for _ in ()]
            or [p.insert(len(p.grid), [*p.grid[at]], is_form=True) for at in range(2, 12)]
        ),
        "10 forms|rows 3–12|16–25|duplicates",
    ),
    "header too low": (lambda p: p.options.update(header=2), "items|phieu"),
    "header out of reach": (lambda p: p.options.update(header=90), "phieu"),
}


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_damage_is_refused_at_its_place(name, kind, tmp_path):
    """File, cell or row, and what to do."""
    change, words = REFUSED[name]
    planted = plant_sheet(kind=kind)
    change(planted)
    expect_refused(planted, tmp_path, words)


@pytest.mark.parametrize("style", ["codes", "wordings", "labels", "two rows"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators_change_nothing(style, encoding, separator, tmp_path):
    """Texts with separators, quotation marks and line breaks are one cell."""
    planted = plant_sheet(style, titles=2, kind="csv")
    planted.grid[-1][-1] = 'nói "được", rồi; thôi\nchờ lâu'
    planted.options |= {"encoding": encoding, "separator": separator}
    expect_same(planted, tmp_path)


TEXTS: dict[str, tuple[Callable[[str], str], str]] = {
    "lone quote": (lambda text: text.replace("không", '"không', 1), "row 2"),
    "lone quote in the last row": (lambda text: '"không'.join(text.rsplit("không", 1)), "row 15"),
    "row cut off": (lambda text: text[: text.rindex(",") - 9], "row 15"),
    "row with other separators": (
        lambda text: text.replace(text.split("\r\n")[4], text.split("\r\n")[4].replace(",", ";")),
        "row 5",
    ),
    "one cell too few": (lambda text: text.replace(",4,", ",", 1), "AA2"),
    "one cell too many": (lambda text: text.replace(",không", ",1,không", 1), "row 2"),
    "nothing": (lambda _: "", "phieu.csv"),
    "only a header": (lambda text: text.split("\r\n")[0], "phieu.csv"),
    "a page": (lambda _: "<html><table><tr><td>1</td></tr></table></html>", "phieu.csv"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_broken_text_file_is_refused_at_its_row(name, tmp_path):
    """No row swallows another, and no answer moves to its neighbour."""
    planted = plant_sheet(kind="csv")
    planted.options["text"] = TEXTS[name][0]
    expect_refused(planted, tmp_path, TEXTS[name][1])


BOOKS: dict[str, tuple[Change, str]] = {
    "hidden row": (lambda p: p.options.update(hidden_rows=[5]), "row 5|hidden: skip"),
    "hidden column": (lambda p: p.options.update(hidden_columns=["K"]), "“B2”|hidden: read"),
    "merged answers": (lambda p: p.options.update(merge=["K5:L5"]), "K5"),
    "one answer for two forms": (lambda p: p.options.update(merge=["K5:K6"]), "K5"),
    "two sheets": (lambda p: p.options.update(sheets={"Khác": True}), "Khác|sheet"),
    "not a workbook": (lambda p: p.options.update(bytes=lambda _: b"PK\x03\x04"), "phieu.xlsx"),
    "half a workbook": (lambda p: p.options.update(bytes=lambda c: c[: len(c) // 2]), "phieu.xlsx"),
    "empty file": (lambda p: p.options.update(bytes=lambda _: b""), "phieu.xlsx"),
    "text in disguise": (lambda p: p.options.update(bytes=lambda _: b"a,b\n1,2\n"), "phieu.xlsx"),
}


@pytest.mark.parametrize("name", BOOKS)
def test_the_state_of_a_workbook_is_refused_or_asked_about(name, tmp_path):
    """Hidden, merged, broken, or one of several sheets."""
    planted = plant_sheet()
    BOOKS[name][0](planted)
    expect_refused(planted, tmp_path, BOOKS[name][1])


@pytest.mark.parametrize("word", ["read", "skip"])
def test_a_word_for_hidden_rows_decides(word, tmp_path):
    """Read, the form counts; skipped, it is in the ledger."""
    planted = plant_sheet()
    planted.options["hidden_rows"] = [ROW + 1]
    planted.facts["hidden"] = word
    planted.forms[ROW] = word == "read"
    outcome = expect_same(planted, tmp_path)
    assert len(outcome.survey.frame) == (14 if word == "read" else 13)
