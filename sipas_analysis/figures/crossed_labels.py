"""Find few people whose answers follow from the labels of three questions at once (rule P4).

The index of each label is a sum over its people. Sums of several questions, added and subtracted,
may leave a few people only: the men, and the women of one district, less all workers. Such a
combination is a vector in the span of the labels that is 0 but for these people. The projection of
a person on the span, the leverage, is large for at least one of them, so few people are searched.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats, Ints

SURE = 1e-8


def find_crossed(codes: Sequence[Ints], fewest: int) -> Iterator[tuple[int, ...]]:
    """Yield the labels of people whose answers follow, if fewer than ``fewest`` are left together.

    People with the same labels are one kind: of its number c, and its marks m, the projection is
    H = √c·m·(Σ c·m·mᵀ)⁺·mᵀ·√c. A combination of labels leaves only the kinds S if H over S has the
    eigenvalue 1; then its trace is 1 at least, so that some kind has H ≥ c/(fewest − 1). Of each
    such kind those on which it projects most are taken together.

    Args:
        codes: Of each question the label of every person, as a number, shape (n,).
        fewest: ``min_cell`` of the wave.

    Yields:
        A label of each question.

    Example:
        >>> first, second = np.repeat([0, 1], 30), np.repeat([0, 1, 2], [10, 22, 28])
        >>> list(find_crossed([first, second], 5))  # 0 and 1 of the second, less 0 of the first
        [(1, 1)]
    """
    sizes = [int(labels.max(initial=0)) + 1 for labels in codes]
    joined, n = np.unique(np.ravel_multi_index([*codes], sizes), return_counts=True)
    kinds = np.column_stack(np.unravel_index(joined, sizes))
    within, first_n = _center(kinds, n)
    root = np.sqrt(n)
    values, vectors = np.linalg.eigh(within.T @ within)
    is_used = values > SURE * max(values.max(initial=0), 1)
    reach = within @ (vectors[:, is_used] / np.sqrt(values[is_used]))
    leverage = n / first_n + (reach**2).sum(axis=1)
    few = np.flatnonzero(n < fewest)
    for kind in few[leverage[few] >= n[few] / (fewest - 1) - SURE]:
        beside = few[kinds[few, 0] == kinds[kind, 0]]
        shared = reach[few] @ reach[kind]
        shared[np.isin(few, beside)] += root[kind] * root[beside] / first_n[kind]
        nearest = few[np.argsort(-np.abs(shared), kind="stable")]
        nearest = nearest[: int((n[nearest].cumsum() < fewest).sum())]
        parts = kinds[nearest, 0], reach[nearest], root[nearest], first_n[nearest]
        if _find_largest_root(*parts) > 1 - SURE:
            yield tuple(map(int, kinds[kind]))


def _center(kinds: Ints, n: Ints) -> tuple[Floats, Floats]:
    """Return √c times the marks of all questions but the first, less their means by the first.

    And how many people have the label of the first question. Projecting on labels of the first
    question and on what these columns add is projecting on all labels.
    """
    first = np.unique(kinds[:, 0], return_inverse=True)[1]
    sizes = np.bincount(first, n)
    parts = []
    for labels in kinds.T[1:]:
        marks = (labels[:, None] == np.unique(labels)).astype(float)
        sums = np.zeros((sizes.size, marks.shape[1]))
        np.add.at(sums, first, n[:, None] * marks)
        parts.append(marks - (sums / sizes[:, None])[first])
    return np.sqrt(n)[:, None] * np.hstack(parts), sizes[first].astype(float)


def _find_largest_root(first: Ints, reach: Floats, root: Floats, sizes: Floats) -> float:
    """Return the largest eigenvalue of the projection over some kinds."""
    is_same: NDArray[np.bool_] = first[:, None] == first
    block = reach @ reach.T + is_same * np.outer(root, root) / sizes
    return float(np.linalg.eigvalsh(block)[-1]) if len(block) else 0.0
