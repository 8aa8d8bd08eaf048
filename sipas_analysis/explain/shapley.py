"""Divide what drivers explain together by exact Shapley values over all coalitions of drivers.

The variance that a coalition leaves unexplained is one entry of a Schur complement of the
covariance. So all 2²² coalitions follow from one matrix by doubling: the row of a driver outside
the coalition is dropped, a driver inside is swept out. The gradient of each share by the
covariance, for the errors, is computed by the same steps in reverse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import factorial

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.combinations import compute_slopes
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.progress import watch

MOST_PLAYERS = 22
PLAYERS_IN_MEMORY = 13  # players that are doubled in memory; those before them one by one
NO_VARIANCE_LEFT = 1e-10  # of variance 1: the columns swept before determine this one

Players = Sequence[Sequence[int]]


def shapley_values(
    covariance: Floats, players: Players, *, slopes: bool = True
) -> tuple[Floats, Floats]:
    """Return what each player adds to R², averaged over all orders, and its slopes.

    φ_k = Σ_T |T|!(m − |T| − 1)!/m! · (R²(T ∪ k) − R²(T)); a player may have several columns.

    Args:
        covariance: Covariance of the columns and, last, of the outcome, all with variance 1, shape
            (c + 1, c + 1).
        players: Columns of each of m players.
        slopes: Whether to return these too; else they are NaN.

    Returns:
        Values, shape (m,), which sum to R²; slopes by each covariance, shape (c + 1, c + 1, m).

    Source: rule D3 in docs/method.md; Lindeman, Merenda, Gold (1980); Shapley (1953).
    """
    return _value_players(covariance, [], players, slopes)


def owen_values(
    covariance: Floats, groups: Sequence[Players], *, slopes: bool = True
) -> tuple[Floats, Floats]:
    """Return values and slopes where a group joins as a whole, one player after another.

    The values of a group's players add up to the Shapley value of the group. Players are listed
    group by group. Source: rule D3; Owen (1977), doi:10.1007/978-3-642-45494-3_7.
    """
    whole = [[column for player in group for column in player] for group in groups]
    parts = [
        _value_players(covariance, [*whole[:g], *whole[g + 1 :]], group, slopes)
        for g, group in watch([*enumerate(groups)])
    ]
    values, gradients = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(gradients, axis=2)


def johnson_weights(covariance: Floats) -> Floats:
    """Return relative weights: R² on the nearest orthogonal columns, divided among the columns.

    With R = Σₘ λₘvₘvₘᵀ: ε_k = Σⱼ (R^½)²ₖⱼ · ((R^−½ r)ⱼ)². Source: Johnson (2000),
    doi:10.1207/S15327906MBR3501_1; the same as Genizi (1993).
    """
    roots, vectors = np.linalg.eigh(covariance[:-1, :-1])
    half = (vectors * np.sqrt(roots)) @ vectors.T
    return np.asarray(half**2 @ ((vectors / np.sqrt(roots)) @ vectors.T @ covariance[:-1, -1]) ** 2)


def differentiate_johnson(covariance: Floats) -> Floats:
    """Return the slopes of relative weights by each covariance, shape (c + 1, c + 1, c)."""
    size = len(covariance)
    upper = np.triu_indices(size)

    def compute_weights(upper_cells: Floats) -> Floats:
        whole = np.zeros((size, size))
        whole[upper] = upper_cells
        whole = whole + np.triu(whole, 1).T
        deviation = np.sqrt(np.diagonal(whole))
        return johnson_weights(whole / np.outer(deviation, deviation))

    by_cell = compute_slopes(compute_weights, covariance[upper])
    slope = np.zeros((size, size, len(by_cell)))
    slope[upper] = np.where((upper[0] == upper[1])[:, None], by_cell.T, by_cell.T / 2)
    return slope + np.where(np.eye(size, dtype=bool)[..., None], 0.0, slope.transpose(1, 0, 2))


@dataclass(frozen=True)
class _Coalitions:
    """B coalitions of players of the group that is valued, and of other groups as wholes.

    Attributes:
        n_others_in: Number of other groups in each coalition, shape (B,).
        is_in: Whether each of the m players is in each coalition, shape (m, B).
        n_others: Number of other groups.
        slopes: Whether slopes are wanted.
    """

    n_others_in: Ints
    is_in: NDArray[np.bool_]
    n_others: int
    slopes: bool

    def add_player(self, player: int) -> "_Coalitions":
        """Return the coalitions with one more player."""
        is_in = self.is_in.copy()
        is_in[player] = True
        return replace(self, is_in=is_in)

    def add_other_group(self) -> "_Coalitions":
        """Return the coalitions with one more of the other groups."""
        return replace(self, n_others_in=self.n_others_in + 1)

    def append(self, more: "_Coalitions") -> "_Coalitions":
        """Return these coalitions followed by ``more``."""
        n_others_in = np.concatenate([self.n_others_in, more.n_others_in])
        return replace(
            self, n_others_in=n_others_in, is_in=np.concatenate([self.is_in, more.is_in], axis=1)
        )


def _value_players(
    covariance: Floats, others: Players, players: Players, slopes: bool
) -> tuple[Floats, Floats]:
    """Return values and slopes of the players, when other groups join as a whole."""
    columns = [column for player in (*others, *players) for column in player]
    order = [*columns, len(covariance) - 1]
    sizes = [len(player) for player in (*others, *players)]
    nobody = np.zeros((len(players), 1), bool)
    empty = _Coalitions(np.zeros(1, np.int64), nobody, len(others), slopes)
    start = covariance[np.ix_(order, order)][..., None]
    value, slope = _decide_players(start, sizes, len(others), empty)
    by_covariance = np.full(
        (len(covariance), len(covariance), len(players)), 0.0 if slopes else np.nan
    )
    if not slopes:
        return value, by_covariance
    by_covariance[np.ix_(order, order)] = slope[..., 0]
    by_covariance[-1, -1] -= value  # R² is a share of the outcome's variance
    return value, by_covariance


def _decide_players(
    left: Floats, sizes: Sequence[int], n_others: int, coalitions: _Coalitions
) -> tuple[Floats, Floats]:
    """Compute with the next player out and in; return values and slopes by ``left``.

    Args:
        left: Covariances of what is left of the columns not yet decided and the outcome,
            shape (r, r, B), for each of B coalitions.
        sizes: Columns of each player not yet decided.
        n_others: Number of other groups among these.
        coalitions: Coalitions of the players decided before.

    Returns:
        Shape (m,) summed over coalitions, and (r, r, m, B).
    """
    if not sizes:
        weight = -weigh_coalitions(coalitions.n_others_in, coalitions.is_in, coalitions.n_others)
        return (weight * left[0, 0]).sum(axis=1), weight[None, None]
    size, rest = sizes[0], sizes[1:]
    steps, inside = [], left
    for _ in range(size):
        step, inside = _sweep_column(inside)
        steps.append(step)
    outside = left[size:, size:]
    if n_others > 0:
        joined, n_others = coalitions.add_other_group(), n_others - 1
    else:
        joined = coalitions.add_player(len(coalitions.is_in) - len(sizes))
    if len(sizes) > PLAYERS_IN_MEMORY:
        value, slope_out = _decide_players(outside, rest, n_others, coalitions)
        value_in, slope_in = _decide_players(inside, rest, n_others, joined)
        value = value + value_in
    else:
        both = np.concatenate([outside, inside], axis=-1)
        value, slope = _decide_players(both, rest, n_others, coalitions.append(joined))
        slope_out, slope_in = np.split(slope, 2, axis=-1) if coalitions.slopes else (slope, slope)
    if not coalitions.slopes:
        return value, slope_in
    for step in reversed(steps):
        slope_in = _undo_sweep(slope_in, step)
    slope_in[size:, size:] += slope_out
    return value, slope_in


def _sweep_column(left: Floats) -> tuple[Floats, Floats]:
    """Sweep the first column out of the others; return its coefficients and what is left."""
    variance = left[0, 0]
    has_variance = variance > NO_VARIANCE_LEFT
    step = np.divide(left[1:, 0], variance, out=np.zeros_like(left[1:, 0]), where=has_variance)
    return step, left[1:, 1:] - step[:, None] * left[0, 1:]


def _undo_sweep(slope: Floats, step: Floats) -> Floats:
    """Return slopes by the covariances before a sweep, from those after it."""
    r = len(slope) + 1
    before = np.empty((r, r, *slope.shape[2:]))
    side = np.einsum("ijkb,jb->ikb", slope, step)
    before[1:, 1:] = slope
    before[0, 1:] = before[1:, 0] = -side
    before[0, 0] = np.einsum("ikb,ib->kb", side, step)
    return before


def weigh_coalitions(n_others_in: Ints, is_in: NDArray[np.bool_], n_others: int) -> Floats:
    """Return how much each coalition's R² counts in each player's value, shape (m, B)."""
    m, size = len(is_in), is_in.sum(axis=0)
    facts = [float(factorial(k)) for k in range(max(m, n_others) + 2)]
    joins = np.array([facts[k - 1] * facts[m - k] / facts[m] if k else 0.0 for k in range(m + 1)])
    stays = np.array(
        [facts[k] * facts[m - k - 1] / facts[m] if k < m else 0.0 for k in range(m + 1)]
    )
    whole = np.array(
        [facts[h] * facts[n_others - h] / facts[n_others + 1] for h in range(n_others + 1)]
    )
    return np.asarray(whole[n_others_in] * np.where(is_in, joins[size], -stays[size]))


def list_coalitions(n_others: int, m: int) -> Iterator[tuple[tuple[bool, ...], Floats]]:
    """Yield every coalition of others and m players, with its weight in each player's value."""
    for inside in product((False, True), repeat=n_others + m):
        is_in = np.array(inside[n_others:], bool)[:, None]
        yield inside, weigh_coalitions(np.array([sum(inside[:n_others])]), is_in, n_others)[:, 0]
