"""Reliability against R: psych (alpha, one factor), aov, lavaan (structure)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas

HERE = Path(__file__).parent / "reliability"
ITEMS = [f"q{k}" for k in range(1, 7)]


@pytest.fixture(scope="module")
def answers():
    """The answers that R made."""
    return pd.read_csv(HERE / "answers.csv")


def wanted(name, key="variable"):
    """Return a table of R by name."""
    return pd.read_csv(HERE / name).set_index(key)


def test_alpha_and_its_interval_equal_psych(answers):
    """Raw, standardised, Feldt's interval; 36 of 400 forms have a blank (rule D8)."""
    scales = sipas.reliability(answers, ITEMS)
    own, total = scales.frame.set_index("variable"), wanted("total.csv")["value"]
    assert own.loc["alpha", ["value", "low", "high"]].tolist() == pytest.approx(
        total[["alpha", "low", "high"]].tolist(), rel=1e-9
    )
    assert own.loc["alpha_standardised", "value"] == pytest.approx(total["alpha_standardised"])
    assert own.loc["omega", "value"] == pytest.approx(total["omega"], rel=1e-4)
    assert scales.lost == answers[ITEMS].isna().any(axis=1).sum() > 0
    assert own["n"].tolist() == [400 - scales.lost] * 3


def test_items_equal_psych(answers):
    """Item-total without the item, alpha without it, mean, sd; loadings of one factor."""
    found = sipas.reliability(answers, ITEMS).items.set_index("variable")
    table = wanted("items.csv")
    for column in ("item_total", "alpha_without", "mean", "sd"):
        np.testing.assert_allclose(found[column], table.loc[ITEMS, column], rtol=1e-9)
    np.testing.assert_allclose(found["loading"], table.loc[ITEMS, "loading"], atol=2e-4)


def test_units_are_told_apart_as_analysis_of_variance_says(answers):
    """F of each item and of the mean of answered items, on 16 units."""
    found = sipas.reliability(answers, ITEMS, unit="unit").units.set_index("variable")
    table = wanted("units.csv")
    for column in ("f", "df", "df_within"):
        np.testing.assert_allclose(found[column], table.loc[found.index, column], rtol=1e-9)
    np.testing.assert_allclose(found["value"], 1 - 1 / table.loc[found.index, "f"], rtol=1e-9)


@pytest.mark.slow
def test_structure_equals_lavaan(answers):
    """Fit measures, standardised loadings and the correlation of the factors, by ML."""
    factors = {"f": ITEMS[:3], "g": ITEMS[3:]}
    found = sipas.reliability(answers, ITEMS, factors=factors).structure
    fit, table = wanted("fit.csv")["value"], wanted("loadings.csv", ["factor", "variable"])
    for name, value in fit.items():
        assert found.fit[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
    own = found.loadings.set_index(["factor", "variable"])["value"]
    for key in own.index:
        assert own[key] == pytest.approx(table.loc[key, "value"], abs=1e-5)
    assert len(own) == 6
    assert found.correlations["value"].item() == pytest.approx(
        table.loc[("f", "g"), "value"], abs=1e-5
    )
