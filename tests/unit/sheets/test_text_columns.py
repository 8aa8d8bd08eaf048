"""Large sheets are kept by column, and read as small ones are."""

import duckdb
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import sipas_analysis as sipas
from sipas_analysis.collect.tables import read_rows
from sipas_analysis.sheets import data_files, text_columns
from sipas_analysis.sheets.reader import read_sheet
from sipas_analysis.sheets.text_columns import ColumnRows


@pytest.fixture
def keep_all_by_column(monkeypatch):
    """Keep even the smallest sheet by column."""
    monkeypatch.setattr(text_columns, "MANY_ROWS", 0)


@pytest.mark.usefixtures("keep_all_by_column")
def test_rows_are_made_from_columns(tmp_path):
    """Any row, some rows or all; an empty row is left out of the table, and the numbers stay."""
    path = tmp_path / "forms.parquet"
    forms = pd.DataFrame({"A1": [5, None, 4], "unit": ["a", None, "a"]})
    duckdb.from_df(forms).write_parquet(str(path))
    rows = read_sheet(path).rows
    assert isinstance(rows, ColumnRows)
    assert len(rows) == 4
    assert rows[0] == ["A1", "unit"]
    assert rows[-1] == ["4", "a"]
    assert rows[1:3] == [["5", "a"], ["", ""]]
    assert [*rows] == rows[:]
    with pytest.raises(IndexError):
        rows[4]
    frame = read_rows(path)
    assert [*frame] == ["A1", "unit"]
    assert [*frame.index] == [2, 4]
    assert frame.dtypes.eq(object).all()


@pytest.mark.slow
@pytest.mark.usefixtures("keep_all_by_column")
def test_a_wave_kept_by_column_has_the_same_forms_and_ledger(demo_2021):
    """Forms, types and every change that the ledger lists."""
    survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
    assert_frame_equal(survey.frame, demo_2021.frame)
    assert_frame_equal(survey.ledger, demo_2021.ledger)


def test_each_distinct_text_is_kept_once(tmp_path):
    """Of a text file with many rows, too."""
    path = tmp_path / "forms.csv"
    path.write_text("a,b\n" + "long text,5\n" * 3)
    first, second = read_sheet(path).rows[1:3]
    assert first[0] is second[0]


@pytest.mark.usefixtures("keep_all_by_column")
@pytest.mark.parametrize("most", [0, 1000])
def test_columns_of_few_texts_are_numbered_as_all_others(tmp_path, monkeypatch, most):
    """Numbered by hash or by text: the same numbers, in the order of appearance."""
    path, texts = tmp_path / "forms.parquet", ["b", "", "it's", "a", "b", '"', "\n", "1.0", ""]
    duckdb.from_df(pd.DataFrame({"A1": texts, "A2": range(9)})).write_parquet(str(path))
    monkeypatch.setattr(data_files, "_MANY_TEXTS", most)
    first, second = read_sheet(path).rows.columns
    assert first.astype(object).tolist() == texts
    assert first.codes.tolist() == [0, 1, 2, 3, 0, 4, 5, 6, 1]
    assert [*second.categories] == [*map(str, range(9))]
