"""Vietnam's published arithmetic: what newspapers and decisions printed, we must print.

The answers of data/an-giang-2021 are synthetic and were made to give the eight published unit
figures; whether the program counts them to these figures is tested here.
"""

from pathlib import Path

import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.rounding import round_to_text

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def ranked(demo_2021):
    return sipas.rank(sipas.score(demo_2021, by="unit"), min_forms=20).frame


@pytest.fixture(scope="module")
def published():
    """The official figures, as text: 93.28 is what was printed, not a number near it."""
    return pd.read_csv(DATA / "published" / "an_giang_units.csv", dtype=str)


def test_87_of_160_is_printed_54_38():
    """A commune's 160 forms: 54.375 exactly; a float falls short of it and prints 54.37 (M6)."""
    assert f"{87 / 160 * 100:.2f}" == "54.37"
    assert round_to_text(100 * (87 / 160), 87, 160) == "54.38"


@pytest.mark.slow
def test_the_eight_published_figures_are_equal(ranked, published):
    """Figure and place of all eight units, found by the name that was printed."""
    assert len(published) == 8
    ours = ranked.set_index("unit_name").loc[published["unit"]]
    assert ours["printed"].tolist() == published["value_percent"].tolist()
    assert ours["rank"].astype(str).tolist() == published["rank"].tolist()
    groups = published["level"].map({"department": "departments", "district": "districts"})
    assert ours["group"].tolist() == groups.tolist()


def test_labour_is_second_of_the_departments_with_its_interval(ranked):
    """94.59, rank 2; thirty people cannot say it to the second decimal, and the row shows it."""
    labour = ranked[ranked["unit"] == "so-ldtbxh"].squeeze()
    assert (labour["printed"], labour["rank"], labour["group"]) == ("94.59", 2, "departments")
    assert labour["low"] < 94.59 - 2
    assert labour["high"] > 94.59 + 2
    assert labour["n"] == 30


def test_long_xuyen_is_no_certainty(ranked):
    """30 of 30 satisfied with everything: 88.43 to 100, not 100 ± 0 (I1, I2)."""
    city = ranked[ranked["unit"] == "tp-long-xuyen"].squeeze()
    assert (city["printed"], city["n_valid"]) == ("100.00", 30)
    assert city["low"] == pytest.approx(100 * 0.025 ** (1 / 30), rel=1e-12)
    assert f"{city['low']:.2f}" == "88.43"
    assert city["high"] == 100.0


def test_thirty_of_thirty_and_none_of_thirty_mirror_each_other():
    """The two ends of rule I1, by hand: 0.025 ** (1 / 30) and its complement."""
    low, high = exact_interval([0.0, 30.0], [30.0, 30.0])
    assert low.tolist() == pytest.approx([0.0, 0.025 ** (1 / 30)], rel=1e-12)
    assert high.tolist() == pytest.approx([1 - 0.025 ** (1 / 30), 1.0], rel=1e-12)
