"""Small cells: merged or hidden so that no published total gives them back (rules P2, P5)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipas_analysis.records.small_cells import find_small_cells, mark_small_cells, merge_small_cells

TABLES = st.lists(st.lists(st.integers(0, 12), min_size=4, max_size=4), min_size=1, max_size=5)


def test_a_single_small_cell_takes_the_next_smallest_along():
    """Left out alone it would be the total less the others; of units three go together (P5)."""
    assert find_small_cells(np.array([[9, 6, 2]]), 5).tolist() == [[False, True, True]]
    assert find_small_cells(np.array([[9, 6, 5]]), 5).tolist() == [[False] * 3]
    units = pd.DataFrame({"unit": ["a", "b", "c", "d"]})
    assert mark_small_cells(units, np.array([9, 2, 6, 8]), 5).tolist() == [False, True, True, True]
    # 1 + 2 are two cells, but together fewer than 5
    assert find_small_cells(np.array([[9, 1, 2, 7]]), 5).tolist() == [[False, True, True, True]]
    # nothing is hidden beside a cell of nobody; without a second cell nothing more can be hidden
    assert find_small_cells(np.array([[0, 3, 0]]), 5).tolist() == [[False, True, False]]


def test_rows_and_columns_have_totals():
    """A cell hidden in its row only would follow from the total of its column."""
    counts = np.array([[9, 2, 8], [7, 8, 9]])
    marks = find_small_cells(counts, 5)
    assert marks.tolist() == [[False, True, True], [False, True, True]]


@pytest.mark.slow
@given(TABLES)
def test_no_line_gives_back_a_hidden_cell(table):
    """In each line the hidden cells are several and have people enough, or nothing is left."""
    counts = np.array(table)
    marks = find_small_cells(counts, 5)
    assert not (marks & (counts == 0)).any()
    assert marks[(counts > 0) & (counts < 5)].all()
    lines = [*zip(counts, marks, strict=True), *zip(counts.T, marks.T, strict=True)]
    for cells, hidden in lines if len(counts) > 1 else lines[:1]:
        is_safe = hidden.sum() > 1 and cells[hidden].sum() >= 5
        assert not hidden.any() or is_safe or not ((cells > 0) & ~hidden).any()


def test_merged_rows_keep_their_totals():
    """First the units of few rows are one, then the fields of few rows within each unit."""
    sizes = {("a", "x"): 9, ("a", "y"): 3, ("a", "z"): 6, ("b", "x"): 9, ("b", "y"): 9}
    sizes |= {("b", "z"): 9, ("c", "x"): 2, ("d", "x"): 8, ("e", "x"): 9}
    keys = [key for key, n in sizes.items() for _ in range(n)]
    rows = pd.DataFrame(keys, columns=["unit", "field"])
    merged = merge_small_cells(rows, ["unit", "field"], 5)
    assert merged["unit"].value_counts().to_dict() == {"a": 18, "b": 27, "other": 19}
    by_field = merged[merged["unit"] != "other"].value_counts(sort=False).to_dict()
    assert by_field == {("a", "x"): 9, ("a", "other"): 9, ("b", "x"): 9, ("b", "other"): 18}
    assert merge_small_cells(rows, [], 5) is rows
    assert merge_small_cells(rows[:0], ["unit"], 5).empty
