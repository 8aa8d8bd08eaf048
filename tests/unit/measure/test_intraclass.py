"""Intraclass correlation: by hand, planted, and refused where units or answers do not differ."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError


def test_three_units_of_two_are_worked_by_hand():
    """Means 1.5, 4.5, 2: MSB = 7.75·... = 31/6·3/2, MSW = 1/3, F = 23.25, n₀ = 2 (rule D14)."""
    frame = pd.DataFrame({"unit": list("aabbcc"), "q": [1, 2, 4, 5, 2, 2]})
    found = sipas.icc(frame, "q")
    between, within = 2 * np.var([1.5, 4.5, 2], ddof=1), 1 / 3
    f = between / within
    assert found.frame["f"].iloc[0] == pytest.approx(f)
    assert found.frame["value"].tolist() == pytest.approx([(f - 1) / (f + 1), 1 - 1 / f])
    by_anova = found.components.set_index("method").loc["anova"]
    assert by_anova[["between", "within"]].tolist() == pytest.approx(
        [(between - within) / 2, within]
    )
    assert by_anova["deff"] == pytest.approx(1 + found.frame["value"].iloc[0])
    reml = found.components.set_index("method").loc["reml"]  # equal sizes: REML is the anova
    assert reml[["between", "within"]].tolist() == pytest.approx([(between - within) / 2, within])


def test_a_planted_correlation_comes_back():
    """Between 1, within 3, 300 units of 2 to 18 forms: 0.25; without difference REML gives 0."""
    rng = np.random.default_rng(8)
    unit = np.repeat(np.arange(300), rng.integers(2, 19, 300))
    noise = rng.normal(size=len(unit)) * 3**0.5
    frame = pd.DataFrame({"unit": unit, "q": rng.normal(size=300)[unit] + noise, "same": noise})
    found = sipas.icc(frame, ["q", "same"])
    row = found.frame.iloc[0]
    assert row["low"] < 0.25 < row["high"]
    reml = found.components.query("method == 'reml'").set_index("variable")
    assert reml.loc["q", ["between", "within"]].tolist() == pytest.approx([1, 3], rel=0.15)
    alternating = pd.DataFrame({"unit": np.repeat(range(30), 2), "q": [1.0, 5.0] * 30})
    alternating.loc[0, "q"] = 2.0
    lowest = sipas.icc(alternating, "q")
    assert lowest.frame["value"].iloc[0] < 0
    assert lowest.components["between"].tolist()[1] == 0
    assert lowest.components["deff"].tolist() == [1.0, 1.0]


def test_a_survey_brings_its_items_and_blanks_leave_one_variable_only():
    """Blanks of one item do not touch another."""
    frame = pd.DataFrame(
        {"unit": list("aaabbb"), "q": [1, 2, 3, 4, 5, np.nan], "r": [1, 1, 2, 4, 5, 5]}
    )
    found = sipas.icc(sipas.Design(frame), ["q", "r"]).frame
    assert found["n"].tolist() == [5, 5, 6, 6]
    assert found["units"].tolist() == [2] * 4


@pytest.mark.parametrize(
    ("variables", "by", "words"),
    [
        ("q", "one", "6 answers in 1 units"),
        ("q", "each", "two answers"),
        ("flat", "unit", "equal within every"),
        ("word", "unit", "word"),
        ("q", "unti", "nearest: unit"),
    ],
)
def test_what_has_no_correlation_within_units_is_refused(variables, by, words):
    """One unit, single answers, no difference within units, text, a misspelt unit."""
    frame = pd.DataFrame({"unit": list("aaabbb"), "q": [1, 2, 3, 4, 5, 6.0]})
    frame = frame.assign(one="x", each=range(6), flat=[1, 1, 1, 2, 2, 2], word="tốt")
    with pytest.raises(DesignError) as caught:
        sipas.icc(frame, variables, by=by)
    assert words in caught.value.text("en")
