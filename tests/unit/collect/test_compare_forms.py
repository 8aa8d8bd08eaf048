"""Pairs of forms by equal cells: packed products give what comparing each cell alone gives."""

import numpy as np
import pytest

from sipas_analysis.collect.near_copies import compare_forms
from sipas_analysis.quality.form_patterns import find_twins

SIZES = [  # forms of a block, cells: around the ends of strips and of what a number holds
    *((1, 5), (2, 1), (5, 22), (7, 3), (50, 7), (60, 15), (60, 16), (61, 31), (62, 32)),
    *((63, 63), (65, 64), (40, 130), (239, 22), (240, 36), (243, 24), (481, 36)),
]


def draw_cells(n, n_cells, seed=0, most=5):
    """Draw cells with blanks (0), equal forms, near ones, and a particular of many values."""
    rng = np.random.default_rng([seed, n, n_cells])
    cells = rng.integers(0, rng.integers(2, most + 1, n_cells)[:, None], (n_cells, n))
    for copy, first in rng.integers(0, n, (n // 4, 2)):
        cells[:, copy] = cells[:, first]
        cells[rng.integers(0, n_cells, rng.integers(0, 4)), copy] = 1
    if n_cells % 2:
        cells[0] = rng.integers(0, max(n // 2, 2), n)
    return [cell.astype(np.uint16) for cell in cells]


def compare_each(cells):
    """Return later form, earlier form and equal cells of every pair, each cell compared alone."""
    n_equal = sum((cell[:, None] == cell).astype(int) for cell in cells)
    later, earlier = np.tril_indices(len(n_equal), -1)
    return np.transpose([later, earlier, n_equal[later, earlier]])


@pytest.mark.parametrize(("n", "n_cells"), SIZES)
def test_pairs_are_those_that_comparing_each_cell_finds(n, n_cells):
    """Pairs in the same order with the same numbers, and every pair in the counts."""
    cells, least = draw_cells(n, n_cells), n_cells - n_cells // 10
    n_pairs = np.ones(n_cells + 1, dtype=np.int64)
    pairs = compare_forms(cells, least, n_pairs)
    truth = compare_each(cells)
    near = truth[truth[:, 2] >= least]
    assert np.transpose([pairs.later, pairs.earlier, pairs.n_equal]).tolist() == near.tolist()
    assert (n_pairs - 1).tolist() == np.bincount(truth[:, 2], minlength=n_cells + 1).tolist()
    same = compare_forms(cells, least)
    assert [same.later.tolist(), same.n_equal.tolist()] == [
        near[:, 0].tolist(),
        near[:, 2].tolist(),
    ]


@pytest.mark.parametrize("least", [11, 16, 19, 22])
def test_any_half_of_the_cells_may_be_the_least(least):
    """The bits of a count are looked at from ``least`` on, wherever it lies."""
    cells = draw_cells(70, 22, seed=least, most=3)
    pairs = compare_forms(cells, least)
    truth = compare_each(cells)
    truth = truth[truth[:, 2] >= least]
    assert len(truth)
    assert np.transpose([pairs.later, pairs.earlier, pairs.n_equal]).tolist() == truth.tolist()


@pytest.mark.parametrize("n_items", [12, 22, 40, 70])
def test_twins_in_other_units_are_those_that_comparing_each_cell_finds(n_items):
    """A form counts if it has a twin in its unit and none in another; blanks are answers."""
    rng = np.random.default_rng(n_items)
    answers = np.array(draw_cells(120, n_items - 1 + n_items % 2, seed=3)).T % 5
    unit = rng.integers(0, 3, len(answers))
    twins = find_twins(answers.astype(np.uint8), unit, 3)
    k = answers.shape[1]
    n_equal = (answers[:, None] == answers).sum(axis=2)
    np.fill_diagonal(n_equal, 0)
    n_most = np.array([np.bincount(form[form > 0], minlength=1).max() for form in answers])
    n_answered = (answers > 0).sum(axis=1)
    is_varied = (n_answered - n_most > k // 10) & (2 * n_answered >= k)
    is_twin = (n_equal >= k - k // 10) & is_varied & is_varied[:, None]
    is_inside = unit == unit[:, None]
    expected = (is_twin & is_inside).any(axis=1) & ~(is_twin & ~is_inside).any(axis=1) & is_varied
    assert expected.any()
    assert not expected[is_varied].all()
    assert sorted(twins.form.tolist()) == np.flatnonzero(expected).tolist()
    assert twins.count.tolist() == np.bincount(unit, expected, 3).tolist()
    assert (n_equal[twins.form, twins.twin] == twins.n_equal).all()
