"""Find the largest standardised difference of all pairs of units in draws of their errors.

Among p units there are p²/2 pairs. The bound |Z_u − Z_v|/se_uv ≤ √c·√((Z_u/σ_u)² + (Z_v/σ_v)²),
where c is the largest (σ_u² + σ_v²)/se_uv² (1 without covariance), limits the search to the few
units with the largest |Z|/σ of each draw. What is found is the maximum itself, to the last bit.
"""

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.design import Ints

Float32s = NDArray[np.float32]
FEWEST_SEARCHED = 200  # with fewer units all pairs are as fast
SEARCHED = 24  # units of a draw that are tried first
SAFETY = np.float32(1.0001)  # on squares in single precision


def square_ratios(noise: Float32s, root: Float32s) -> Float32s:
    """Return (Z/σ)², 0 where σ is 0; shapes broadcast."""
    ratio = np.divide(noise, root, out=np.zeros_like(noise), where=root > 0)
    return np.asarray(ratio * ratio)


def find_largest_ratios(
    noise: Float32s, weight: Float32s, unit: int | None, opposite: Float32s | None = None
) -> Float32s:
    """Return of each draw the largest (better − worse)·weight, at least 0.

    Of all pairs, or of one unit's, whose weights are negative where the unit is the better one.
    The largest (worse − better)·weight is written into ``opposite``.

    Args:
        noise: Errors of p units, worst first, in D draws, shape (p, D).
        weight: 1/se of each pair, 0 for what is left out, shape (p, p); of one unit (1, p).
        unit: The unit; None for all pairs.
        opposite: Where to write the largest of the other directions, shape (D,).
    """
    largest: Float32s = np.zeros(noise.shape[1], np.float32)
    buffer = np.empty_like(noise)
    for first in range(len(noise) - 1) if unit is None else (unit,):
        row = weight[first, first + 1 :] if unit is None else weight[0]
        inside = np.flatnonzero(row)
        if not inside.size:
            continue
        left = slice(inside[0], inside[-1] + 1)  # far units leave the family first
        others = noise[first + 1 :] if unit is None else noise
        ratio = buffer[: left.stop - left.start]
        np.subtract(others[left], noise[first], out=ratio)
        np.multiply(ratio, row[left, None], out=ratio)
        np.maximum(largest, ratio.max(axis=0), out=largest)
        if opposite is not None:
            np.maximum(opposite, -ratio.min(axis=0), out=opposite)
    return largest


def search_largest_ratios(
    noise: Float32s,
    weight: Float32s,
    root: Float32s,
    widest: float,
    opposite: Float32s | None = None,
) -> Float32s:
    """Return what ``find_largest_ratios`` returns for all pairs, from few pairs of each draw.

    Args:
        noise: Errors of p units, worst first, in D draws, shape (p, D).
        weight: 1/se of each pair, 0 for what is left out, shape (p, p).
        root: σ of each unit, shape (p,).
        widest: Largest (σ_u² + σ_v²)/se_uv² of all pairs.
        opposite: Where to write the largest of the other directions, shape (D,).
    """
    p, n_draws = noise.shape
    largest: Float32s = np.zeros(n_draws, np.float32)
    other = np.zeros(n_draws, np.float32) if opposite is None else opposite
    draws, size = np.arange(n_draws), SEARCHED
    squares = square_ratios(noise, root[:, None]).T if p >= FEWEST_SEARCHED else noise[:0].T
    while draws.size and p >= FEWEST_SEARCHED and size <= p // 4:
        order = np.argpartition(squares, p - size - 1, axis=1)
        units = np.sort(order[:, p - size :], axis=1)
        largest[draws], other[draws] = _try_pairs(noise[units.T, draws], weight, units.T)
        first, beyond = squares.max(axis=1), _take(squares, order[:, p - size - 1])
        bound = np.sqrt((first + beyond) * np.float32(widest) * SAFETY)
        reached = largest[draws] if opposite is None else np.minimum(largest, other)[draws]
        is_open = reached < bound
        draws, squares, size = draws[is_open], squares[is_open], 3 * size
    if draws.size:
        rest = np.zeros(draws.size, np.float32)
        part = np.ascontiguousarray(noise[:, draws])
        largest[draws] = find_largest_ratios(part, weight, None, rest)
        other[draws] = rest
    return largest


def _take(squares: Float32s, place: Ints) -> Float32s:
    return np.asarray(squares[np.arange(len(place)), place])


def _try_pairs(noise: Float32s, weight: Float32s, units: Ints) -> tuple[Float32s, Float32s]:
    """Return the largest ratio of both directions among some units of each draw, at least 0.

    ``noise`` and ``units`` have the shape (K, D); units are in their order.
    """
    largest, opposite = np.zeros((2, noise.shape[1]), np.float32)
    for first in range(len(units) - 1):
        ratio = noise[first + 1 :] - noise[first]
        ratio *= weight[units[first], units[first + 1 :]]
        np.maximum(largest, ratio.max(axis=0), out=largest)
        np.maximum(opposite, -ratio.min(axis=0), out=opposite)
    return largest, opposite
