"""Plant changes of units in many groups at once: how often all intervals of a group hold."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas

N_GROUPS, N_UNITS, N_FORMS, ITEMS = 120, 6, 40, ["a", "b", "c"]
LABELS = {item: f"Question {item}" for item in ITEMS}


def draw_year(name, shares, rng):
    """Draw forms whose answers correlate; ``shares`` has one row a group, one column a unit."""
    person = rng.normal(0, np.sqrt(0.3), (shares.size * N_FORMS, 1))
    latent = person + rng.normal(0, np.sqrt(0.7), (len(person), len(ITEMS)))
    bars = np.array([np.quantile(latent, share) for share in np.unique(shares)])
    bar = bars[np.searchsorted(np.unique(shares), shares.ravel())].repeat(N_FORMS)
    frame = pd.DataFrame(np.where(latent < bar[:, None], 5, 2), columns=ITEMS)
    groups = np.arange(N_GROUPS).repeat(N_UNITS * N_FORMS)
    units = np.arange(shares.size).repeat(N_FORMS)
    return sipas.survey(
        frame.assign(unit=[f"u{k:04d}" for k in units], g=[f"g{k:03d}" for k in groups]),
        LABELS,
        unit="unit",
        group="g",
        id=name,
    )


@pytest.mark.slow
def test_all_intervals_of_a_group_hold_together_and_few_groups_have_a_false_verdict():
    """Three units in six move by 0, −15 and +10 points; 95 % of 120 groups hold whole (C1)."""
    rng = np.random.Generator(np.random.PCG64([20261127, 1]))
    before = np.tile([0.70, 0.75, 0.80, 0.80, 0.85, 0.60], (N_GROUPS, 1))
    change = np.array([0.0, 0.0, 0.0, -0.15, 0.10, 0.25])
    years = [draw_year("one", before, rng), draw_year("two", (before + change).round(2), rng)]
    frame = sipas.compare(*years).frame.query("domain == 'unit' and level == 'overall'")
    units = frame.sort_values("unit").reset_index(drop=True)
    assert units["family"].eq(N_UNITS).all()
    truth = np.tile(100 * change, N_GROUPS)
    is_held = (units["low"] <= truth) & (truth <= units["high"])
    held_together = is_held.groupby(units["group"]).all().mean()
    error = np.sqrt(0.05 * 0.95 / N_GROUPS)
    assert 0.95 - 3 * error <= held_together <= 0.95 + 3 * error + 0.02
    is_false = ((units["verdict"] == "up") & (truth <= 0)) | (
        (units["verdict"] == "down") & (truth >= 0)
    )
    assert is_false.groupby(units["group"]).any().mean() <= 0.05 + 3 * error
    told = (units["verdict"] != "open").groupby(truth).mean()
    assert told[25.0] > 0.8  # and the changes that are there are found
    leaves_out_zero = (units["low"] > 0) | (units["high"] < 0)
    assert (leaves_out_zero == (units["verdict"] != "open")).all()
