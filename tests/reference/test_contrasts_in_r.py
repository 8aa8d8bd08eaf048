"""Intervals and combinations of coefficients equal R's: contrasts.R made contrasts/expected.csv.

``Fit.confint`` at infinite and at 7 degrees of freedom, ``Fit.combine`` by weights, labels and
an expression; a relative 1e-8.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
EXPECTED = pd.read_csv(HERE / "contrasts" / "expected.csv").set_index(["fit", "what"])


def design(name, **roles):
    frame = pd.read_csv(HERE / "part2" / f"{name}.csv").rename(columns={"api.stu": "api_stu"})
    return sipas.Design(frame, **roles)


def make_fits():
    clus1 = design("apiclus1", weights="pw", clusters="dnum", fpc="fpc")
    clus2 = design("apiclus2", clusters=["dnum", "snum"], fpc=["fpc1", "fpc2"])
    people = design("nhanes", weights="WTMEC2YR", strata="SDMVSTRA", clusters="SDMVPSU")
    return {
        "linear": sipas.fit(clus2, "api00 ~ enroll + meals + stype"),
        "counts": sipas.fit(clus1, "api_stu ~ meals + stype", "poisson"),
        "logit": sipas.fit(people, "HI_CHOL ~ agecat + RIAGENDR", "binomial"),
    }


def assert_equal(table, columns, fit, what):
    wanted = EXPECTED.loc[[(fit, what)], ["first", "second"]]
    np.testing.assert_allclose(table[columns], wanted, rtol=1e-8, atol=1e-12, err_msg=fit + what)


def test_intervals_and_combinations_are_those_of_r():
    """Coefficients stand in R's order; a combination by label takes the same ones."""
    fits = make_fits()
    for name, fit in fits.items():
        slopes = fit.labels()
        for df in (np.inf, 7):
            ends = fit.confint(0.9, df=df)
            assert_equal(ends, ["low", "high"], name, f"confint {df}".replace("inf", "Inf"))
        k = len(slopes)
        weights = np.zeros((2, k))
        weights[0, -2:], weights[1] = (1, -1), np.arange(1, k + 1)
        assert_equal(fit.combine(weights), ["value", "se"], name, "weights")
        by_label = fit.combine({slopes[-2]: 1, slopes[-1]: -1})
        np.testing.assert_allclose(by_label["se"], fit.combine(weights[:1])["se"], rtol=1e-14)
        assert by_label["df"].item() == fit.frame["df"].min()
    ratio = fits["linear"].combine("log(-meals) / enroll")
    assert_equal(ratio, ["value", "se"], "linear", "ratio")
