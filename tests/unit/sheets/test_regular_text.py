"""Large text files of plain lines are read by column, cell for cell as they are read row by row."""

import random

import pytest

from sipas_analysis.sheets import regular_text, text_columns
from sipas_analysis.sheets.reader import read_sheet
from sipas_analysis.sheets.regular_text import read_regular_text
from sipas_analysis.sheets.text_columns import ColumnRows
from sipas_analysis.sheets.text_files import read_text_rows

PLAIN = [
    "unit,A1\nso-a,5\nso-b,\n",
    "unit;A1\r\nso-a;05\r\nso-b;4,5",
    '\ufeff"Đơn vị"\tA1\n"Sở ""Y tế"""\t5\n"a\tb"\t""\n',
    "unit|A1\nNA|nan\nNone| \n".replace("| ", "|#"),
    "unit,A1\n,\n007,1.0\n",
]
OTHER = [
    "unit,A1\nso-a\n",  # a short line
    "unit,A1\nso-a,5,\n",  # a long line
    "unit,A1\n\nso-a,5\n",  # an empty line
    'unit,A1\n"a\nb",5\n',  # a line end within a cell
    'unit,A1\na"b,5\n',  # a quote within a bare cell
    'unit,A1\n"a"b,5\n',  # text behind a quote
    'unit,A1\n"a,5\n',  # a quote that is not closed
    "unit, A1\nso-a,5\n",  # a space before a cell
    "unit,A1\n so-a,5\n",
    "unit,A1\rso-a,5\r",  # old line ends
    "sep=,\nunit,A1\nso-a,5\n",
    "unit,A1\na;b,5\nc;d,4;3\n",  # another separator in every line
    "unit\nso-a\n",
    "\t\n\t\n",
    "unit,A1\na\0,5\n",
    "unit,A1\n" + "Sá»Ÿ,5\n" * 3,
]


@pytest.fixture(autouse=True)
def keep_all_by_column(monkeypatch):
    """Read even the smallest file by column, a few bytes and lines at a time."""
    monkeypatch.setattr(text_columns, "MANY_ROWS", 0)
    monkeypatch.setattr(regular_text, "_PIECE", 16)
    monkeypatch.setattr(regular_text, "_CHUNK", 2)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_lines_have_the_cells_of_row_by_row(text):
    """Quotes, marks of the file, texts that look like numbers or like nothing."""
    rows = read_regular_text(text.encode())
    assert rows is not None
    assert [*rows] == read_text_rows(text.encode(), "a.csv")
    for column in rows.columns:  # numbered in the order of appearance
        assert [*dict.fromkeys(column)] == [*column.categories]


@pytest.mark.parametrize("text", OTHER)
def test_other_texts_are_read_row_by_row(text):
    """Only reading row by row says what is wrong, and where."""
    assert read_regular_text(text.encode()) is None


def test_another_code_is_read_row_by_row():
    """Bytes that are no UTF-8, and UTF-16."""
    assert read_regular_text(b"unit,A1\n\xd0\xff,5\n") is None
    assert read_regular_text("unit,A1\nso-a,5\n".encode("utf-16")) is None


@pytest.mark.slow
def test_random_texts_have_the_same_cells():
    """Whatever is taken for plain lines."""
    rng, n_plain = random.Random(5), 0
    cells = ["", "a", "5", "é", '""', '"a""b"', '"a,b"', '"a;b"', ' "', " x", '"a\n"', 'a"', "x y"]
    for _ in range(300):
        n, separator = rng.randint(1, 3), rng.choice(",,;")
        of_wave = rng.sample(cells, 3)
        lines = [separator.join(rng.choices(of_wave, k=n)) for _ in range(rng.randint(1, 6))]
        text = rng.choice(["\n", "\r\n"]).join([*lines, ""][: len(lines) + rng.randint(0, 1)])
        rows = read_regular_text(text.encode())
        if rows is not None:
            n_plain += 1
            assert [*rows] == read_text_rows(text.encode(), "a.csv")
    assert n_plain > 50


def test_a_sheet_of_plain_lines_is_kept_by_column(tmp_path):
    """As a file of answers is read."""
    path = tmp_path / "a.csv"
    path.write_text("unit,A1\nso-a,5\n", "utf-8")
    rows = read_sheet(path).rows
    assert isinstance(rows, ColumnRows)
    path.write_text("unit,A1\nso-a,5\nso-b\n", "utf-8")
    assert read_sheet(path).rows == [["unit", "A1"], ["so-a", "5"], ["so-b"]]
