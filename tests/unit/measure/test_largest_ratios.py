"""The search for the largest ratio of all pairs finds what looking at every pair finds."""

import numpy as np
import pytest

from sipas_analysis.measure.largest_ratios import find_largest_ratios, search_largest_ratios


@pytest.mark.parametrize("left_out", [0.0, 0.5, 0.97])
def test_search_is_exact(left_out: float) -> None:
    """Both directions, to the last bit, also where many pairs have left and σ is 0."""
    rng = np.random.default_rng(3)
    sigma = np.append(rng.uniform(0.5, 3.0, 259), 0.0).astype(np.float32)
    noise = rng.standard_normal((260, 64), dtype=np.float32) * sigma[:, None]
    weight = (1 / np.sqrt(sigma[:, None] ** 2 + sigma**2 + 1e-9)).astype(np.float32)
    values = np.sort(rng.normal(80, 8, 260))
    gap = np.abs(values[:, None] - values)
    weight[gap > np.quantile(gap, 1 - left_out)] = 0
    wanted, found = np.zeros((2, 64), np.float32)
    largest = find_largest_ratios(noise, weight, None, wanted)
    assert (search_largest_ratios(noise, weight, sigma, 1.0, found) == largest).all()
    assert (found == wanted).all()
    assert (search_largest_ratios(noise, weight, sigma, 1.0) == largest).all()
    assert largest.min() > 0
