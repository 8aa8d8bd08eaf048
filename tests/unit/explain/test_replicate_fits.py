"""Replicates are fitted again one by one (rule V4): coefficients, effects, and what fails."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.infer.design import Replicates
from sipas_analysis.infer.replicates import rank_weights, weigh_forms
from tests.unit.explain.test_statsmodels_view import FORMS

SOME = FORMS[FORMS["place"] < 8].reset_index(drop=True)
JACKKNIFE = sipas.Design(SOME, weights="w", clusters="place", replicates="JK1")


def spread(values):
    """7/8·Σ(β_k − mean)² of the jackknife, by hand."""
    gap = np.array(values) - np.mean(values, axis=0)
    return np.sqrt(7 / 8 * (gap**2).sum(axis=0))


@pytest.mark.parametrize(
    ("family", "outcome", "offset"),
    [
        ("binomial", "yes", None),
        ("poisson", "visits", "b"),
        pytest.param("ordinal", "level", None, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_errors_are_those_of_separate_fits(family, outcome, offset):
    """Leave out each cluster by hand; margins and offsets, too; df of the weights' rank."""
    formula, fits = f"{outcome} ~ a + b", []
    fit = sipas.fit(JACKKNIFE, formula, family, offset=offset)
    for place in range(8):
        rest = SOME[SOME["place"] != place]
        fits.append(sipas.fit(sipas.Design(rest, weights="w"), formula, family, offset=offset))
    np.testing.assert_allclose(fit.frame["se"], spread([it.params for it in fits]), rtol=1e-8)
    effects = spread([it.margins()["value"] for it in fits])
    np.testing.assert_allclose(fit.margins()["se"], effects, rtol=1e-8)
    assert fit.frame["df"].unique().tolist() == [8 - 1 - 2]
    linearised = sipas.fit(JACKKNIFE, formula, family, offset=offset, errors="linearised")
    assert not np.allclose(fit.frame["se"], linearised.frame["se"], rtol=1e-3)


def test_given_weights_and_groups_equal_made_ones_and_parts():
    """The same replicates as columns; ``by=`` is the fit of each part."""
    made = weigh_forms(JACKKNIFE)
    names = [f"r{k}" for k in range(8)]
    columns = pd.DataFrame(made.weights, columns=names)
    given = sipas.Design(
        pd.concat([SOME, columns], axis=1), weights="w", replicates=Replicates("JK1", names)
    )
    one, two = (sipas.fit(design, "y ~ a").frame for design in (JACKKNIFE, given))
    pd.testing.assert_frame_equal(one, two)
    groups = sipas.fit(given, "y ~ a", by="yes")
    parts = groups.frame
    np.testing.assert_allclose(np.diagonal(groups.covariance()), parts["se"] ** 2)
    for level in (0.0, 1.0):
        part = sipas.fit(given.subset(given.frame["yes"] == level), "y ~ a").frame
        got = parts[parts["yes"] == level].reset_index(drop=True)
        np.testing.assert_allclose(got["se"], part["se"])
        np.testing.assert_allclose(got["df"], part["df"])


def test_a_replicate_without_a_maximum_is_left_out_and_counted():
    """One cluster holds all that is between two groups: without it they are separated."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"place": np.repeat(np.arange(10), 20), "x": rng.normal(size=200)})
    frame["y"] = (frame["x"] > 0).astype(float)
    flips = frame.index[frame["place"] == 3][::2]
    frame.loc[flips, "y"] = 1 - frame.loc[flips, "y"]
    fit = sipas.fit(sipas.Design(frame, clusters="place", replicates="JK1"), "y ~ x", "binomial")
    assert "1 replicates have no maximum" in repr(fit)
    assert np.isfinite(fit.frame["se"]).all()


def test_the_rank_of_rounded_weights_is_that_of_the_weights():
    """Columns that others determine up to rounding do not count; zero columns neither."""
    rng = np.random.default_rng(1)
    base = rng.uniform(1, 5, (60, 4))
    weights = np.column_stack([base, base.sum(axis=1).round(6), np.zeros(60)])
    assert np.linalg.matrix_rank(weights) == 5
    assert rank_weights(weights) == 4
    assert rank_weights(weights[:2]) == 2
