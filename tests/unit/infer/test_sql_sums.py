"""Counting inside DuckDB: the same bits as in memory, and only where SQL is exact."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.infer.exact_sums import WeightRounding
from sipas_analysis.infer.form_files import open_database, open_files
from sipas_analysis.infer.layout import Layout
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.infer.sql_sums import LARGEST_SUM, count_in_sql
from sipas_analysis.infer.totals import Columns, _unfold_totals
from sipas_analysis.rounding import round_to_text


def make_forms() -> pd.DataFrame:
    """Return 3,000 forms with blanks, a blank key, odd weights and weights of 0."""
    rng = np.random.default_rng(7)
    forms = pd.DataFrame(
        {
            "unit": rng.choice(np.array(["a", "b", "c'\"", None], dtype=object), 3000),
            "hamlet": rng.integers(0, 60, 3000),
            "w": np.where(rng.random(3000) < 0.05, 0.0, rng.uniform(0.5, 4.0, 3000)),
            "x": rng.integers(1, 6, 3000),
            'far "x"': rng.integers(10, 90, 3000),
        }
    )
    return forms.assign(y=forms["x"].where(rng.random(3000) > 0.1).astype("Int64"))


@pytest.mark.parametrize("weights", ["w", None])
@pytest.mark.parametrize("names", [["x", "y"], ["x", "y", 'far "x"']])
@pytest.mark.quick_cases(1)
def test_sql_counts_as_memory_does(tmp_path: Path, weights: str | None, names: list[str]) -> None:
    """Means, totals and their errors are equal to the last bit, in one file or in two.

    The squares of 10 to 90, weighted, need sums of more than 64 bits, which SQL takes apart.
    """
    forms = make_forms()
    for at, part in enumerate((forms[:1000], forms[1000:])):
        duckdb.from_df(part).write_parquet(str(tmp_path / f"part-{at}.parquet"))
    files = sipas.Design(str(tmp_path / "*.parquet"), weights=weights, clusters="hamlet")
    memory = sipas.Design(forms, weights=weights, clusters="hamlet")
    layout = Layout(names, facts := read_facts(files, names))
    columns = layout.to_columns()
    for file in open_files([str(tmp_path / "part-0.parquet")]):
        sums = count_in_sql(file, files, ["unit"], columns, facts.scale)
        assert sums is not None
        largest = columns.largest.max() * (facts.scale.largest / facts.scale.step + 1)
        needs_more = largest * facts.scale.n >= LARGEST_SUM
        assert needs_more == (weights is not None and 'far "x"' in names)
        assert sums.people[:, -1].sum() == 1000
    for estimate in (sipas.mean, sipas.total):
        for by in ("unit", ()):
            found = estimate(files, names, by=by).frame
            pd.testing.assert_frame_equal(
                found, estimate(memory, names, by=by).frame, check_exact=True, check_dtype=False
            )


@pytest.mark.slow
def test_sql_leaves_the_rest_to_pieces(tmp_path: Path) -> None:
    """Single forms need second moments, and a number with a fraction is no whole one."""
    forms = make_forms().drop(columns="y").assign(z=lambda frame: frame["x"] / 3)
    path = str(tmp_path / "forms.parquet")
    duckdb.from_df(forms).write_parquet(path)
    for clusters, names in ((None, ["x"]), ("hamlet", ["z"])):
        design = sipas.Design(path, clusters=clusters)
        facts = read_facts(design, names)
        columns = Layout(names, facts).to_columns()
        for file in open_files([path]):
            assert count_in_sql(file, design, (), columns, facts.scale) is None
        memory = sipas.Design(forms, clusters=clusters)
        found = sipas.mean(design, names).frame
        pd.testing.assert_frame_equal(found, sipas.mean(memory, names).frame, check_exact=True)


def test_large_domains_have_the_same_bits() -> None:
    """Two ways to part one whole number above 2**53 give one float (V9)."""
    columns = Columns(("x",), lambda forms: [forms["x"].to_numpy()], np.array([5.0]), [False])
    scale, people = WeightRounding(2**20, 3.5, 2.0**-38, False), np.array([[2**20]])
    first, second = scale.fold_steps(5.0, False)
    ratio, totals = int(first / second), set()
    for carried in range(4):
        parts = np.array([[[2**53 + 1 - carried, 5 + carried * ratio]]])
        totals.add(_unfold_totals(parts, people, columns, scale).item())
    assert len(totals) == 1


def test_printed_halves() -> None:
    """The fast way of printing gives way near a half; ten digits decide there."""
    texts = [round_to_text(value) for value in (0.125, 0.12499999999, 54.375, -0.004, 99.994)]
    assert texts == ["0.13", "0.13", "54.38", "-0.00", "99.99"]
    assert [round_to_text(0, 0, 7), round_to_text(0, 7, 7), round_to_text(1, 1, 3, 0)] == [
        "0.00",
        "100.00",
        "33",
    ]


def test_a_database_prints_no_progress_of_its_own(tmp_path):
    """It would stand in English between Vietnamese lines; cursors have settings of their own."""
    (tmp_path / "a.csv").write_text("a\n1\n", "utf-8")
    setting = "SELECT current_setting('enable_progress_bar')"
    assert open_database(1).execute(setting).fetchone() == (False,)
    for form_file in open_files([str(tmp_path / "a.csv")]):
        assert form_file.cursor.execute(setting).fetchone() == (False,)
