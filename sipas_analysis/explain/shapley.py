"""Share out what drivers explain together: Shapley values over every coalition of drivers, exactly.

What a coalition leaves unexplained is one entry of a Schur complement of the covariance, so all
2²² coalitions follow from one matrix by doubling: a driver that is out drops its row, one that is
in is swept out. The slope of each share by the covariance comes back the same way, for the errors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import factorial

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats, Ints

MOST_PLAYERS = 22
PLAYERS_IN_MEMORY = (
    13  # players that are doubled in memory; those before them are walked one by one
)
NO_VARIANCE_LEFT = 1e-10  # variance left of a unit column: it is determined by those already in

Players = Sequence[Sequence[int]]


def shapley_values(
    covariance: Floats, players: Players, *, slopes: bool = True
) -> tuple[Floats, Floats]:
    """Return what each player adds to R², averaged over all orders, and its slopes.

    φ_k = Σ_T |T|!(m − |T| − 1)!/m! · (R²(T ∪ k) − R²(T)); a player may hold several columns.

    Args:
        covariance: Of the columns and, last, the outcome; all with variance 1, (c + 1, c + 1).
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
    """Return the same where groups join whole: within a group players come one after another.

    The values of a group's players add up to the group's own Shapley value. Players are listed
    group by group. Source: rule D3; Owen (1977), doi:10.1007/978-3-642-45494-3_7.
    """
    whole = [[at for player in group for at in player] for group in groups]
    parts = [
        _value_players(covariance, [*whole[:g], *whole[g + 1 :]], group, slopes)
        for g, group in enumerate(groups)
    ]
    return np.concatenate([it[0] for it in parts]), np.concatenate([it[1] for it in parts], axis=2)


def johnson_weights(covariance: Floats) -> Floats:
    """Return relative weights: the outcome on the nearest orthogonal columns, shared back.

    With R = Σₘ λₘvₘvₘᵀ: ε_k = Σⱼ (R^½)²ₖⱼ · ((R^−½ r)ⱼ)². Source: Johnson (2000),
    doi:10.1207/S15327906MBR3501_1; the same as Genizi (1993).
    """
    roots, vectors = np.linalg.eigh(covariance[:-1, :-1])
    half = (vectors * np.sqrt(roots)) @ vectors.T
    return np.asarray(half**2 @ ((vectors / np.sqrt(roots)) @ vectors.T @ covariance[:-1, -1]) ** 2)


@dataclass(frozen=True)
class _Coalitions:
    """B coalitions: players of other groups in each (B,), own players in each (m, B).

    ``n_others`` is how many other groups there are, ``slopes`` whether these are wanted.
    """

    others: Ints
    own: NDArray[np.bool_]
    n_others: int
    slopes: bool

    def joined(self, player: int, other: bool) -> "_Coalitions":
        """Return the coalitions with one more player."""
        own = self.own.copy()
        if not other:
            own[player] = True
        return replace(self, others=self.others + other, own=own)

    def beside(self, more: "_Coalitions") -> "_Coalitions":
        """Return these coalitions, then those."""
        others = np.concatenate([self.others, more.others])
        return replace(self, others=others, own=np.concatenate([self.own, more.own], axis=1))


def _value_players(
    covariance: Floats, others: Players, own: Players, slopes: bool
) -> tuple[Floats, Floats]:
    """Return values and slopes of the own players, when others join as wholes."""
    columns = [at for player in (*others, *own) for at in player]
    order = [*columns, len(covariance) - 1]
    sizes = [len(player) for player in (*others, *own)]
    nobody = np.zeros((len(own), 1), bool)
    begin = _Coalitions(np.zeros(1, np.int64), nobody, len(others), slopes)
    start = covariance[np.ix_(order, order)][..., None]
    value, slope = _decide_players(start, sizes, len(others), begin)
    found = np.full((len(covariance), len(covariance), len(own)), 0.0 if slopes else np.nan)
    if not slopes:
        return value, found
    found[np.ix_(order, order)] = slope[..., 0]
    found[-1, -1] -= value  # R² is a share of the outcome's variance
    return value, found


def _decide_players(
    left: Floats, sizes: Sequence[int], n_others: int, of: _Coalitions
) -> tuple[Floats, Floats]:
    """Let the next player stay out or come in; return values and slopes by ``left``.

    Args:
        left: Covariances of what is left of the columns not yet decided and the outcome,
            shape (r, r, B), for each of B coalitions.
        sizes: Columns of each player not yet decided.
        n_others: How many of these are other groups.
        of: The coalitions.

    Returns:
        Shape (m,) summed over coalitions, and (r, r, m, B).
    """
    if not sizes:
        weight = -weigh_coalitions(of.others, of.own, of.n_others)
        return (weight * left[0, 0]).sum(axis=1), weight[None, None]
    size, rest = sizes[0], sizes[1:]
    other = n_others > 0
    steps, inside = [], left
    for _ in range(size):
        step, inside = _sweep_column(inside)
        steps.append(step)
    out, joined = left[size:, size:], of.joined(len(of.own) - len(sizes), other)
    if len(sizes) > PLAYERS_IN_MEMORY:
        value, slope_out = _decide_players(out, rest, n_others - other, of)
        more, slope_in = _decide_players(inside, rest, n_others - other, joined)
        value = value + more
    else:
        both = np.concatenate([out, inside], axis=-1)
        value, slope = _decide_players(both, rest, n_others - other, of.beside(joined))
        slope_out, slope_in = np.split(slope, 2, axis=-1) if of.slopes else (slope, slope)
    if not of.slopes:
        return value, slope_in
    for step in reversed(steps):
        slope_in = _undo_sweep(slope_in, step)
    slope_in[size:, size:] += slope_out
    return value, slope_in


def _sweep_column(left: Floats) -> tuple[Floats, Floats]:
    """Take the first column out of the others; return its coefficients and what is left."""
    own = left[0, 0]
    step = np.divide(left[1:, 0], own, out=np.zeros_like(left[1:, 0]), where=own > NO_VARIANCE_LEFT)
    return step, left[1:, 1:] - step[:, None] * left[0, 1:]


def _undo_sweep(slope: Floats, step: Floats) -> Floats:
    """Return slopes by the covariances before a sweep, from those after it."""
    r = len(slope) + 1
    found = np.empty((r, r, *slope.shape[2:]))
    side = np.einsum("ijkb,jb->ikb", slope, step)
    found[1:, 1:] = slope
    found[0, 1:] = found[1:, 0] = -side
    found[0, 0] = np.einsum("ikb,ib->kb", side, step)
    return found


def weigh_coalitions(others: Ints, own: NDArray[np.bool_], n_others: int) -> Floats:
    """Return how much each coalition's R² counts in each own player's value, shape (m, B)."""
    m, t = len(own), own.sum(axis=0)
    facts = [float(factorial(k)) for k in range(max(m, n_others) + 2)]
    joins = np.array([facts[k - 1] * facts[m - k] / facts[m] if k else 0.0 for k in range(m + 1)])
    stays = np.array(
        [facts[k] * facts[m - k - 1] / facts[m] if k < m else 0.0 for k in range(m + 1)]
    )
    whole = np.array(
        [facts[h] * facts[n_others - h] / facts[n_others + 1] for h in range(n_others + 1)]
    )
    return np.asarray(whole[others] * np.where(own, joins[t], -stays[t]))


def list_coalitions(n_others: int, m: int) -> Iterator[tuple[tuple[bool, ...], Floats]]:
    """Yield every coalition of others and own players with its weight in each own value, (m,)."""
    for inside in product((False, True), repeat=n_others + m):
        own = np.array(inside[n_others:], bool)[:, None]
        yield inside, weigh_coalitions(np.array([sum(inside[:n_others])]), own, n_others)[:, 0]
