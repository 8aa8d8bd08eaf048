"""A planted part of the attitude that goes with lateness returns, and its interval holds (D7)."""

from dataclasses import replace

import numpy as np
import pytest
from late_forms import Town, draw_town
from sizes import sizes

import sipas_analysis as sipas
from sipas_analysis.explain.fact_drivers import measure_vanished


@pytest.mark.slow
@sizes("rounds", 35, 600)
@pytest.mark.parametrize(
    "town",
    [
        Town(n=150),
        Town(n=240, clusters=24),
        pytest.param(Town(on_whole=0.0), marks=pytest.mark.full),
    ],
)
def test_the_interval_of_the_part_that_vanishes_holds_the_truth(rounds, town):
    """By the joint influence of both models, people drawn one by one or in clusters."""
    rng, rows, reverse = np.random.default_rng(21), [], []
    for _ in range(rounds):
        forms = draw_town(town, rng)
        design = sipas.Design(forms, clusters="place" if town.clusters else None)
        without = sipas.fit(design, "whole ~ access + attitude")
        known = sipas.fit(design, "whole ~ access + attitude + days")
        rows.append(measure_vanished(without, known, ["attitude"]).iloc[0])
        effect = sipas.fit(design, "attitude ~ days").frame.iloc[1]
        reverse.append(effect["low"] <= town.of_lateness <= effect["high"])
    allowed = 3 * np.sqrt(0.05 * 0.95 / rounds)
    holds = [row["low"] <= town.vanished <= row["high"] for row in rows]
    assert np.mean(holds) == pytest.approx(0.95, abs=allowed)
    assert np.mean(reverse) == pytest.approx(0.95, abs=allowed)
    middle = np.median([row["vanished_percent"] for row in rows])
    assert middle == pytest.approx(town.vanished, abs=4)
    said = np.mean([row["verdict"] != "stays" for row in rows])
    assert said > 0.8 if town.vanished else said < 0.05 + allowed


@pytest.mark.slow
def test_the_true_part_is_that_of_a_very_large_sample():
    """The formula of the simulation against least squares on 400,000 forms."""
    for town in (Town(), Town(often=0.08, scale=10.0), Town(clusters=40_000)):
        forms = draw_town(replace(town, n=400_000), np.random.default_rng(4))
        whole, ones = forms["whole"].to_numpy(), np.ones(len(forms))
        slopes = [
            np.linalg.lstsq(np.column_stack([ones, forms[names]]), whole)[0][2]
            for names in (["access", "attitude"], ["access", "attitude", "days"])
        ]
        assert 100 * (1 - slopes[1] / slopes[0]) == pytest.approx(town.vanished, abs=1)
