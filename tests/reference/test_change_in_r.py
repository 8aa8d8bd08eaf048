"""Changes between two surveys of data frames, and their parts, against R survey (change.R)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas

HERE = Path(__file__).parent / "change"
NUMBERS = ["value", "se", "low", "high", "df", "p"]


@pytest.fixture(scope="module")
def surveys():
    """The two surveys, of one year: they keep the order in which they are given."""
    return [
        sipas.survey(
            pd.read_csv(HERE / f"wave{k}.csv"),
            ["A1", "A2", "A3", "A4"],
            unit="office",
            keys="sex",
            weights="w",
            clusters="hamlet",
            id=name,
            year=2025,
        )
        for k, name in ((1, "second-half"), (2, "next-half"))
    ]


@pytest.mark.slow
def test_changes_of_two_surveys_equal_r(surveys):
    """Index of the whole and of four units: value, error, interval, df, p, adjusted p (C1)."""
    wanted = pd.read_csv(HERE / "expected.csv").set_index("key")
    for method in ("holm", "fdr_bh"):
        frame = sipas.compare(*surveys, method=method).frame.query("variable == 'overall'")
        assert frame["before"].unique().tolist() == ["second-half"]
        assert frame["reason"].unique().tolist() == [""]
        units = frame[frame["domain"] == "unit"].set_index("unit")
        columns = [*NUMBERS, f"p_{method}"]
        np.testing.assert_allclose(units[columns], wanted.loc[units.index, columns], rtol=1e-8)
        whole = frame[frame["domain"] == "all"]
        np.testing.assert_allclose(whole[NUMBERS], wanted.loc[["all"], NUMBERS], rtol=1e-8)


def test_the_parts_of_a_change_equal_r(surveys):
    """Who was asked and how they answered, by the delta method on eight totals (C3)."""
    parts = sipas.decompose(*surveys, by="sex").frame.set_index("variable")
    wanted = pd.read_csv(HERE / "expected.csv").set_index("key").loc[parts.index, NUMBERS]
    np.testing.assert_allclose(parts[NUMBERS], wanted, rtol=1e-7)
