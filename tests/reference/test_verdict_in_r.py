"""Difference in differences of measures against R ``svyglm`` on stacked waves (verdict.R, G4)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.improve.plan import Plan

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "verdict"
ITEMS = {"A": ["A1", "A2", "A3"], "B": ["B1", "B2"]}


@pytest.fixture(scope="module")
def surveys():
    """Two waves with strata, weights, and hamlets whose people went to several units."""
    return [
        sipas.survey(
            pd.read_csv(HERE / f"wave{k}.csv"),
            factors=ITEMS,
            unit="office",
            group="kind",
            weights="w",
            strata="stratum",
            clusters="hamlet",
            id=f"year-{k}",
            year=2024 + k,
        )
        for k in (1, 2)
    ]


def judge(surveys, item, measures):
    """Judge lines on one item, given by unit and measure."""
    lines = [
        {"wave": "year-1", "id": unit, "unit": unit, "item": item, "measure": measure}
        for unit, measure in measures.items()
    ]
    facts = {"task": "", "indicator": "survey", "baseline": 80.0, "target": 85.0, "due": None}
    plan = Plan(pd.DataFrame(lines).assign(factor="", status="done", **facts))
    return sipas.verdict(surveys[1], surveys[0], plan).frame


CASES = {  # units with a line, and the measure: those of "m" are the treated ones of a measure
    "unit/A1": ("A1", {"o02": "m", "o03": "m", "o07": "m"}),
    "unit/A": ("Factor 1", {"o08": "m"}),
    "unit/overall": ("overall", {"o01": "m"}),
    "units/A1": ("A1", {"o02": "m", "o03": "m", "o07": "m"}),
    "units/B2": ("B2", {"o02": "m", "o06": "m", "o10": "m", "o11": "m", "o12": "other"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_difference_in_differences_equals_svyglm(surveys, case):
    """``treated:after`` and its error with strata, shared clusters and weights of either wave."""
    item, measures = CASES[case]
    item = surveys[0].instrument.items["A1"].factor if case == "unit/A" else item
    frame = judge(surveys, item, measures)
    kind = "measure" if case.startswith("units") else "line"
    row = frame[frame["kind"] == kind].iloc[0]
    wanted = pd.read_csv(HERE / "expected.csv").set_index("key").loc[case]
    assert row["verdict"] in ("worked", "no_sign", "got_worse")
    np.testing.assert_allclose(
        row[["did", "did_se"]].astype(float), wanted[["did", "did_se"]].astype(float), rtol=1e-8
    )


def test_the_change_of_a_line_is_that_of_compare(surveys):
    """Value, interval and earlier and later figure of a unit (equal to R: test_change_in_r)."""
    row = judge(surveys, "overall", {"o01": "m"}).iloc[0]
    changes = sipas.compare(*surveys).frame.query("unit == 'o01' and variable == 'overall'").iloc[0]
    for name in ("value_before", "value_after"):
        assert row[name] == changes[name]
    assert [row["change"], row["change_low"], row["change_high"]] == [
        changes["value"],
        changes["low"],
        changes["high"],
    ]
