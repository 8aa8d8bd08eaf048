"""An altered cell is found by hashes alone; removed, added, swapped and moved lines are, too."""

import random

import numpy as np
import pytest

from sipas_analysis.proof.altered_cells import find_alterations
from sipas_analysis.proof.cell_hashes import PART, hash_cells, hash_table, hash_texts
from sipas_analysis.proof.line_changes import find_line_changes

KEY = "0123456789abcdef"
DRAW = random.Random(3)
ROWS = [["form", "unit", *"ABCDEF"]] + [
    [f"f{number}", f"so-{number // 50}", *(str(DRAW.choice([3, 4, 5, 5])) for _ in range(6))]
    for number in range(300)
]


def hash_rows(rows, key=KEY):
    return hash_cells(zip(*rows, strict=True), key)


KEPT = hash_table(hash_rows(ROWS))


def edit(*cells):
    """Return the rows with other texts in these cells."""
    rows = [[*row] for row in ROWS]
    for row, column, text in cells:
        rows[row][column] = text
    return rows


def find(rows):
    return find_alterations(KEPT, hash_rows(rows))


def test_a_single_altered_cell_is_named():
    """Any cell: another level, a blank, a word, a header, the first and the last row."""
    draw = random.Random(5)
    for row in (0, 1, 300, *(draw.randrange(301) for _ in range(12))):
        column = draw.randrange(8)
        text = draw.choice([text for text in ("1", "3", "", "x") if text != ROWS[row][column]])
        found = find(edit((row, column, text)))
        assert found.cells == {column: [row]}
        assert not found.rows.removed
        assert not found.rows.added
        assert not found.rows.moved
    assert find(ROWS).cells == {}


def test_several_altered_cells_are_named():
    """In one row; in one column of one part; in two columns of one part; a whole column."""
    assert find(edit((9, 3, "x"), (9, 6, ""))).cells == {3: [9], 6: [9]}
    assert find(edit((9, 3, "x"), (20, 3, "1"))).cells == {3: [9, 20]}
    assert find(edit((9, 3, "1"), (20, 5, "2"))).cells == {3: [9], 5: [20]}
    assert find(edit((9, 3, "1"), (20, 5, "2"), (30, 5, "2"))).cells == {3: [9], 5: [20, 30]}
    every = edit(*((row, 4, "1") for row in range(1, 301)))
    assert find(every).cells == {4: [*range(1, 301)]}
    exchanged = edit((9, 3, ROWS[10][0]), (10, 3, ROWS[9][0]))
    assert find(exchanged).cells == {3: [9, 10]}


def test_rows_that_were_removed_added_swapped_or_moved_are_named():
    """Beside an altered cell, whose row is told by its number now."""
    rows = edit((200, 4, "x"))
    new = ["new"] * 8
    found = find([*rows[:70], *rows[71:], new])
    assert (found.rows.removed, found.rows.added) == ([70], [300])
    assert found.cells == {4: [199]}
    rows[50], rows[90] = rows[90], rows[50]
    assert find(rows).rows.swapped == [(50, 90)]
    assert find(rows).cells == {4: [200]}
    moved = [*ROWS[:5], *ROWS[6:60], ROWS[5], *ROWS[60:]]
    assert find(moved).rows.moved == [(5, 59)]
    beside = edit((100, 4, "x"))
    beside.insert(101, new)
    assert (find(beside).cells, find(beside).rows.added) == ({4: [100]}, [101])


def test_columns_that_were_moved_added_or_removed_are_named():
    """An altered cell of a moved column is named by the column where it stands now."""
    order = [0, 1, 5, 2, 3, 4, 6, 7]
    rows = edit((9, 3, "x"))
    moved = find([[row[column] for column in order] for row in rows])
    assert moved.columns.moved == [(5, 2)]
    assert moved.cells == {4: [9]}
    wider = find([[*row[:2], "1", *row[2:]] for row in rows])
    assert (wider.columns.added, wider.cells) == ([2], {4: [9]})
    assert find([row[:2] + row[3:] for row in ROWS]).columns.removed == [2]
    assert find([[*row, "", ""] for row in ROWS]).cells == {}  # blank columns at the end


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("n_rows", [0, 1, 2, PART, 2 * PART - 1, 2 * PART])
def test_tables_of_any_length_are_compared(n_rows):
    """Without rows, in one part, in two."""
    rows = ROWS[:n_rows]
    kept, cells = hash_table(hash_rows(rows)), hash_rows([[*row] for row in rows])
    assert find_alterations(kept, cells).cells == {}
    if rows:
        altered = [*rows[:-1], [*rows[-1][:-1], "x"]]
        assert find_alterations(kept, hash_rows(altered)).cells == {7: [n_rows - 1]}
    assert find_alterations(kept, hash_rows([*rows, ["x"] * 8])).rows.added == [n_rows]


def test_lines_that_repeat_are_not_taken_for_moved_ones():
    """Of three equal lines the first is gone."""
    before, now = (hash_texts(text, KEY) for text in (["a", "b", "a", "c", "a"], [*"bac", "a"]))
    changes = find_line_changes(before, now)
    assert (changes.removed, changes.added, changes.moved) == ([0], [], [])


def test_without_the_key_no_hash_can_be_made():
    """Other keys give other hashes; a part has fewer bits than the answers behind it."""
    other = hash_table(hash_rows(ROWS, KEY[::-1]))
    for name in ("rows", "columns", "parts"):
        assert not np.isin(getattr(KEPT, name), getattr(other, name)).any()
    assert KEPT.parts.dtype == np.uint32
    assert KEPT.parts.shape == (301 // PART, 8)  # of at least 64 rows each
