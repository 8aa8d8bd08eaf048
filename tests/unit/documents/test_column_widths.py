"""Widths of letters and columns: as wide as Times draws them, no word cut, heads of two lines."""

import pytest

from sipas_analysis.documents.column_widths import count_lines, fit_columns
from sipas_analysis.documents.letter_widths import measure_text

SIZES = (11.0, 10.0, 9.0, 8.0)


def test_letters_are_as_wide_as_those_of_times():
    """Widths of Times New Roman in thousandths: a 444, m 778, % 833; marks need no room."""
    assert [round(1000 * measure_text(letter)) for letter in "am%ậẬ"] == [444, 778, 833, 444, 722]
    assert measure_text("a\u0302\u0323") == measure_text("ậ")
    assert measure_text("Kết quả", bold=True) > measure_text("Kết quả")
    assert (measure_text("한"), measure_text("🙂")) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("text", "ems", "n"),
    [("", 5, 1), ("a", 5, 1), ("aaa aaa aaa", 3, 2), ("aaa aaa aaa", 1.5, 3), ("a" * 50, 5, 5)],
)
def test_lines_are_counted_as_words_are_wrapped(text, ems, n):
    """An ``a`` takes 0.444 em, a space 0.25; a word longer than a line is broken."""
    assert count_lines(text, ems) == n


def test_an_indent_shortens_the_first_line():
    assert count_lines("aaa aaa", 3) == 1
    assert count_lines("aaa aaa", 3, start=1.0) == 2


def fit(header, row, kinds, room=460.0):
    """Fit a table of one row; return the size, and the room for text of each column in ems."""
    size, widths = fit_columns(header, [row], kinds, room=room, padding=6.0, sizes=SIZES)
    return size, [(width - 6.0) / size for width in widths], widths


def test_no_number_and_no_word_is_cut_and_a_head_takes_two_lines():
    """Also where the page is full: the long text takes more lines instead."""
    header = ["Đơn vị", "Khoảng tin cậy 95%", "Hài lòng (%)"]
    row = ["Văn phòng Ủy ban nhân dân tỉnh " * 9, "79,7–99,5", "100,00"]
    size, ems, widths = fit(header, row, [False, True, True])
    assert size == 11.0
    assert sum(widths) <= 460.001
    assert [count_lines(cell, em) for cell, em in zip(row[1:], ems[1:], strict=True)] == [1, 1]
    assert measure_text("Khoảng tin", bold=True) < ems[1] < measure_text(header[1], bold=True)
    assert measure_text("Hài lòng", bold=True) < ems[2] < measure_text(header[2], bold=True)


def test_type_is_smaller_only_for_more_columns_than_fit():
    """Sixteen columns of numbers need small type; four columns of sentences do not."""
    numbers = fit(["Chỉ số"] * 16, ["100,00"] * 16, [True] * 16)
    sentences = fit(["Giải pháp"] * 4, ["Rút ngắn thời gian trả kết quả " * 8] * 4, [False] * 4)
    assert numbers[0] < 9.5
    assert sentences[0] >= 10.0
