"""Weights fitted to known totals against R `survey` 4.1-1: weighting.R made weighting/.

Weights are compared at a relative 1e-8, means, totals and their errors too (rules W1 to W4):
calibration by three functions with and without bounds, one after another, trimmed, of replicate
weights one by one; direct standardisation.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_part2 import AWARDS, TYPES, WIDE, design_of, frame

import sipas_analysis as sipas

HERE = Path(__file__).parent / "weighting"
TEXTS = ["case", "statistic", "variable", "by", "domain"]
EXPECTED = pd.read_csv(HERE / "expected.csv", dtype=dict.fromkeys(TEXTS, str)).fillna("")
WEIGHTS = pd.read_csv(HERE / "weights.csv")
TOTALS = {"(Intercept)": 6194, "stypeH": 755, "stypeM": 1018, "api99": 3914069}
LINEAR = partial(sipas.calibrate, totals={"stype": TYPES, "api99": 3914069})
FITTED = partial(sipas.calibrate, totals=TOTALS, tolerance=1e-12)
POST = partial(sipas.post_stratify, by="stype", totals=TYPES)
CROSSED = {
    "stype": TYPES,
    ("stype", "awards"): {
        ("E", "No"): 4421 - 3193,
        ("E", "Yes"): 3193,
        ("H", "No"): 394,
        ("H", "Yes"): 361,
        ("M", "No"): 405,
        ("M", "Yes"): 613,
    },
}
CASES = {
    "apiclus1_linear": ("apiclus1", LINEAR),
    "apistrat_linear": ("apistrat", LINEAR),
    "apiclus2_linear": ("apiclus2", LINEAR),
    "apiclus2_numeric": (
        "apiclus2_open",
        partial(sipas.calibrate, totals={"api99": 3914069, "meals": 297710}),
    ),
    "apiclus1_bounded": ("apiclus1", partial(FITTED, bounds=(0.5, 1.9))),
    "apistrat_bounded": ("apistrat", partial(FITTED, bounds=(0.97, 1.02))),
    "apiclus1_raking": ("apiclus1", partial(FITTED, method="raking")),
    "apiclus2_raking": ("apiclus2_open", partial(FITTED, method="raking")),
    "apiclus1_logit": ("apiclus1", partial(FITTED, method="logit", bounds=(0.2, 3))),
    "apistrat_logit": ("apistrat", partial(FITTED, method="logit", bounds=(0.8, 1.3))),
    "apiclus2_twice": ("apiclus2_open", lambda design: LINEAR(POST(design))),
    "apiclus2_crossed": ("apiclus2_open", partial(sipas.calibrate, totals=CROSSED)),
    "apiclus2_trimmed": ("apiclus2_open", partial(sipas.trim, lower=25, upper=90)),
    "apiclus2_strict": ("apiclus2_open", partial(sipas.trim, lower=25, upper=90, strict=True)),
    "apiclus2_linear_trimmed": (
        "apiclus2_open",
        lambda design: sipas.trim(LINEAR(design), lower=20, upper=110),
    ),
    "apiclus1_jk1_post": ("apiclus1_jk1", POST),
    "apiclus1_jk1_linear": ("apiclus1_jk1", LINEAR),
    "apiclus1_jk1_raking": ("apiclus1_jk1", partial(FITTED, method="raking")),
    "apiclus1_boot_linear": (
        "apiclus1_boot",
        partial(sipas.calibrate, totals={"awards": AWARDS, "api99": 3914069}),
    ),
    "apiclus1_jk1_raked": (
        "apiclus1_jk1",
        partial(sipas.rake, margins={"stype": TYPES, "sch.wide": WIDE}, tolerance=1e-12),
    ),
}


QUICK = ("apistrat_bounded", "apiclus2_twice", "apiclus1_boot_linear", "apiclus2_linear_trimmed")
SOME = [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES]


@pytest.mark.parametrize("case", SOME)
@pytest.mark.quick_cases(1)
def test_calibrated_weights_and_errors_are_those_of_r(case):
    """Weights, and means and totals of three variables in the whole and in two kinds of parts."""
    before, adjust = CASES[case]
    design = adjust(design_of(before))
    weights = WEIGHTS.loc[WEIGHTS["case"] == case, "weight"].to_numpy()
    assert design.weight == pytest.approx(weights, rel=1e-8)
    rows = EXPECTED[EXPECTED["case"] == case]
    assert len(rows) > 30
    for (statistic, by), theirs in rows.groupby(["statistic", "by"], sort=False):
        estimate = sipas.mean if statistic == "mean" else sipas.total
        ours = estimate(design, ["api00", "enroll", "meals"], by=by or ()).frame
        ours = ours.assign(domain=ours[by].astype(str) if by else "")
        both = theirs.merge(ours, on=["variable", "domain"], suffixes=("_r", ""))
        assert len(both) == len(theirs)
        np.testing.assert_allclose(both["value"], both["value_r"], rtol=1e-8)
        tiny = 1e-8 * both["value"].abs()  # a total that is known has no error but rounding
        np.testing.assert_array_less(abs(both["se"] - both["se_r"]), 1e-8 * both["se_r"] + tiny)


@pytest.mark.slow
def test_standardised_means_are_those_of_r():
    """Cholesterol by race, by race and sex, and of all, at the ages of the population of 2000."""
    ages = {"0-19": 55901, "19-39": 77670, "39-59": 72816, "59-Inf": 45364}
    design = design_of("nhanes")
    for (case, by), theirs in EXPECTED[EXPECTED["case"].str.startswith("nhanes")].groupby(
        ["case", "by"]
    ):
        keys = by.split("|") if by else []
        got = sipas.standardise(
            design,
            "HI_CHOL",
            by=keys,
            over="agecat",
            population=ages,
            excluding_missing=case != "nhanes_blanks",
        ).frame
        got["domain"] = got[keys].astype(str).agg("|".join, axis=1) if keys else ""
        both = theirs.merge(got, on="domain", suffixes=("_r", ""))
        assert len(both) == len(theirs) > 0
        np.testing.assert_allclose(both["value"], both["value_r"], rtol=1e-9)
        np.testing.assert_allclose(both["se"], both["se_r"], rtol=1e-8)
    assert set(frame("nhanes")["agecat"]) == set(ages)
