"""The average effect of one variable on each answer of a multinomial logit, with its slopes.

As ``effects``, which has one effect for each variable. A change of one variable moves people
between answers: the effects on all answers add up to 0.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import softmax

from sipas_analysis.explain.effects import AverageEffect, Shift
from sipas_analysis.infer.design import Floats


def average_answer_effects(
    x: Floats, params: Floats, shift: Shift, share: Floats
) -> Iterator[AverageEffect]:
    """Yield the average effect of a shift on P(y = j), j = 0 … q, with its gradient by all β.

    Of a number ∂P_j/∂x = P_j·(a_j − Σ P_l·a_l) with a_l the change of xβ_l by unit of the variable;
    of a level the difference of two P_j.

    Args:
        x: Columns, shape (n, k).
        params: β_1, then β_2, …, shape (q·k,); β_0 = 0.
        shift: How the columns change, shape (n or 1, k).
        share: Weights that add up to 1, shape (n,).
    """
    beta = np.vstack([np.zeros(x.shape[1]), params.reshape(-1, x.shape[1])])
    if shift.second is not None:
        first, second = (softmax(side @ beta.T, axis=1) for side in (shift.first, shift.second))
        for j in range(len(beta)):
            gradient = _weigh(_slope(first, j), share, shift.first)
            gradient = gradient - _weigh(_slope(second, j), share, shift.second)
            yield _pack_effect(first[:, j] - second[:, j], share, gradient)
        return
    chance = softmax(x @ beta.T, axis=1)
    along = shift.first @ beta.T
    relative = along - (chance * along).sum(axis=1, keepdims=True)  # a_j − Σ P_l·a_l
    for j in range(len(beta)):
        curvature = _slope(chance, j) * relative[:, [j]] - chance[:, [j]] * chance * relative
        gradient = _weigh(curvature, share, x) + _weigh(_slope(chance, j), share, shift.first)
        yield _pack_effect(chance[:, j] * relative[:, j], share, gradient)


def _slope(chance: Floats, j: int) -> Floats:
    """Return ∂P_j/∂(xβ_m) of each form, shape (n, q + 1)."""
    return np.asarray(chance[:, [j]] * ((np.arange(chance.shape[1]) == j) - chance))


def _weigh(by_form: Floats, share: Floats, columns: Floats) -> Floats:
    """Return Σ share · slope by β_m · columns, shape (q + 1, k)."""
    shared = by_form * share[:, None]
    if len(columns) == 1:
        return np.asarray(shared.sum(axis=0)[:, None] * columns)
    return np.asarray(shared.T @ columns)


def _pack_effect(by_form: Floats, share: Floats, gradient: Floats) -> AverageEffect:
    return AverageEffect(float(share @ by_form), by_form, gradient[1:].ravel())
