"""Case-mix adjustment and partial pooling against R: lm() and loops, optimize() and matrices."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas

HERE = Path(__file__).parent / "adjustment"
COLUMNS = ["value", "se", "raw", "deviation", "deviation_se"]


def close(found, wanted, tolerance=1e-8):
    """Compare two tables of numbers, every cell."""
    np.testing.assert_allclose(
        found.to_numpy(float), wanted.to_numpy(float), rtol=tolerance, atol=1e-9
    )


@pytest.mark.parametrize(("tag", "weights"), [("plain", None), ("weighted", "w")])
def test_case_mix_equals_lm_and_the_formulas_written_out(tag, weights):
    """Adjusted means, errors, deviations, F and coefficients, with blanks and weights (rule A1)."""
    people = pd.read_csv(HERE / "people.csv")
    mix = sipas.case_mix(
        people, unit="unit", items=["q1", "q2"], adjusters=["age", "poor"], weights=weights
    )
    wanted = pd.read_csv(HERE / f"{tag}-out.csv")
    assert mix.frame[["variable", "unit"]].to_numpy().tolist() == (
        wanted[["variable", "unit"]].to_numpy().tolist()
    )
    close(mix.frame[COLUMNS], wanted[COLUMNS])
    tests = pd.read_csv(HERE / f"{tag}-tests.csv")
    close(mix.tests[["f", "df"]], tests[["f", "df"]])
    effects = pd.read_csv(HERE / f"{tag}-effects.csv")
    assert mix.effects["adjuster"].tolist() == effects["term"].tolist()
    close(mix.effects[["value", "se"]], effects[["value", "se"]])


@pytest.mark.parametrize("case", [1, 2, 3, 4])
def test_partial_pooling_equals_the_likelihood_maximised_in_r(case):
    """σ², pooled values and their MSE; where REML gives 0 the adjusted likelihood (rule A2)."""
    table = pd.read_csv(HERE / "fay-herriot.csv").query("case == @case")
    covariates = table[["x"]] if (table["x"] != 0).any() else None
    pooled = sipas.small_area(table["direct"], table["V"], covariates)
    assert pooled.method == table["kind"].iloc[0]
    assert pooled.sigma2 == pytest.approx(table["sigma2"].iloc[0], rel=1e-6)
    close(pooled.frame["value"], table["value"], 1e-6)
    close(pooled.frame["se"] ** 2, table["mse"], 1e-5)


def test_milk_of_43_areas_equals_reml_by_fisher_scoring():
    """Data of Arora and Lahiri; σ² 0.01855 is what R `sae` prints. Every figure to 1e-9 (A2)."""
    here = Path(__file__).parent / "small_area"
    milk, expected = pd.read_csv(here / "milk.csv"), pd.read_csv(here / "expected.csv")
    dummies = pd.get_dummies(milk["MajorArea"], drop_first=True, dtype=float)
    alike = 1 + (milk["yi"] - 1) / 20  # areas that differ less than their errors: σ² is 0
    for case, values, covariates in (
        ("constant", milk["yi"], None),
        ("alike", alike, milk["ni"]),
        ("areas", milk["yi"], dummies),
    ):
        pooled = sipas.small_area(values, milk["SD"] ** 2, covariates, method="reml")
        wanted = expected[expected["case"] == case]
        assert pooled.method == "reml"
        assert pooled.sigma2 == pytest.approx(wanted["sigma2"].iloc[0], rel=1e-9)
        assert pooled.beta == pytest.approx(wanted["beta"].dropna().to_numpy(), rel=1e-9)
        close(pooled.frame[["value", "borrowed"]], wanted[["value", "borrowed"]], 1e-9)
        close(pooled.frame["se"] ** 2, wanted["mse"], 1e-9)
    assert pooled.sigma2 == pytest.approx(0.01855, abs=1e-5)
