"""Words of the cells of a plan: what all units together are called."""

import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.improve.plan_words import PROVINCE, PlanWords

ITEMS = ["a", "b"]


@pytest.fixture(scope="module")
def own():
    """A survey of one's own, of no province."""
    frame = {"unit": ["x", "y"] * 5, "a": [4, 5] * 5, "b": [3, 5] * 5}
    return sipas.survey(pd.DataFrame(frame), items=ITEMS, unit="unit")


def test_a_survey_of_no_province_has_no_province_in_its_plan(own, demo_2021):
    """As in its reports; a plan of a province keeps its word."""
    words = PlanWords(own)
    assert [words.write("unit", PROVINCE, language) for language in ("vi", "en")] == [
        "Toàn bộ",
        "All",
    ]
    assert PlanWords(demo_2021).write("unit", PROVINCE, "vi") == "Toàn tỉnh"


@pytest.mark.parametrize("text", ["Toàn tỉnh", "Toàn bộ", "the whole province", "*"])
def test_both_words_are_read(own, demo_2021, text):
    """A plan that an earlier version wrote is read as before."""
    assert PlanWords(own).find("unit", text) == PROVINCE
    assert PlanWords(demo_2021).find("unit", text) == PROVINCE
