"""Planted truth of coverage: the group not reached is found, and the others are not accused (T8).

Clients are a fixed census of eight units of unequal size; each simulation draws 40 forms of each
unit. Where forms come from the clients as they are, a wrong word on any of five groups is rare.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.records.coverage import measure_coverage

CODES = np.array(["NCC", "HN", "HCN", "HKK", "DTTS"])
SHARES = np.array([0.06, 0.08, 0.07, 0.04, 0.17])
UNITS = [f"u{k}" for k in range(8)]
YEAR = date(2021, 1, 1), date(2021, 12, 31)
DAY = pd.Timestamp("2021-06-01")


def join(marks):
    """Return the codes of each person, joined."""
    return [";".join(CODES[row]) for row in marks]


@pytest.mark.parametrize(
    "n", [pytest.param(60, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.full)]
)
def test_the_group_not_reached_is_found_and_no_other_is_accused(n):
    """The planted one in every simulation; a wrong word on any group in at most 5 % of them."""
    rng = np.random.default_rng(5)
    unit = np.repeat(UNITS, rng.integers(200, 2000, len(UNITS)))
    tilt = np.repeat(rng.uniform(0.4, 1.6, len(UNITS)), pd.Series(unit).value_counts(sort=False))
    among = rng.random((len(unit), len(CODES))) < np.outer(tilt, SHARES)
    clients = pd.DataFrame({"unit": unit, "groups": join(among), "received": DAY})
    clients["status"] = "on_time"
    rows = [np.flatnonzero(unit == code) for code in UNITS]
    items = sipas.read_instrument("qd-2640-2017").items
    forms = pd.DataFrame({"unit": np.repeat(UNITS, 40), "vulnerable": "HN"})
    survey = sipas.survey(
        forms.assign(**dict.fromkeys(items, 4.0)), pack="qd-2640-2017", unit="unit"
    )
    missed, wrong, wrong_beside = 0, 0, 0
    for _ in range(n):
        drawn = among[np.concatenate([rng.choice(part, 40, replace=False) for part in rows])]
        few = drawn & ~((rng.random(drawn.shape) < 0.65) & (CODES == "DTTS"))
        words = []
        for marks in (drawn, few):
            answers = pd.Series(join(marks), survey.frame.index).replace("", np.nan)
            asked = replace(survey, frame=survey.frame.assign(vulnerable=answers))
            words.append(measure_coverage(asked, clients, period=YEAR)["verdict"].to_numpy())
        wrong += (words[0] != "cannot_tell").any()
        missed += words[1][-1] != "less"
        wrong_beside += (words[1][:-1] != "cannot_tell").any()
    assert missed <= 0.05 * n
    assert wrong <= 0.05 * n
    assert wrong_beside <= 0.05 * n
