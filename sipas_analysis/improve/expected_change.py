"""Estimate by how much units would have changed without a measure, and what remains.

A unit is chosen for a measure because its figure is low, and a low figure is partly chance: it
rises by itself (C4). Years differ as well, for every unit. So the change of a unit is set beside
the change of similar units without the measure, and the earlier figure is first pooled with theirs
(A2). All functions work on one figure (an item, a factor, the index) of the units of two waves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.measure.pooling import small_area, smooth_variances

Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Year:
    """One figure of U units in one wave, shape (U,) each.

    Attributes:
        value: Percent satisfied, or points.
        variance: Its sampling variance (V1).
        df: Degrees of freedom of the variance.
        people: Number of people who answered.
        weight: Σ of the weights of the answers.
    """

    value: Floats
    variance: Floats
    df: Floats
    people: Floats
    weight: Floats


@dataclass(frozen=True)
class Panel:
    """One figure of U units that are compared in two waves.

    Attributes:
        group: Number of the group in which the units are ranked, shape (U,).
        before: The earlier wave.
        after: The later wave.
        covariance: Of the changes of the units (V7), shape (U, U).
        is_share: Whether the figure is a share in percent, not points.
    """

    group: Ints
    before: Year
    after: Year
    covariance: Floats
    is_share: bool = True


@dataclass(frozen=True)
class Pooled:
    """The earlier figure of each unit after pooling with its group, and its error: shape (U,)."""

    value: Floats
    mse: Floats


@dataclass(frozen=True)
class Remainder:
    """The change of some units, the change expected without the measure, and what remains.

    Attributes:
        before: Earlier figure of the units.
        after: Later figure.
        change_se: Standard error of their change.
        trend: Change of the others, each from its pooled earlier figure.
        returned: Change expected because the earlier figure was low or high by chance (C4).
        did: Difference in differences, without C4.
        did_se: Its standard error (V1, V7).
        se: Standard error of what remains, change − trend − returned.
        df: Degrees of freedom of ``se``.
        n_others: Number of units without the measure that were used.
    """

    before: float
    after: float
    change_se: float
    trend: float
    returned: float
    did: float
    did_se: float
    se: float
    df: float
    n_others: int

    @property
    def change(self) -> float:
        """Observed change."""
        return self.after - self.before

    @property
    def value(self) -> float:
        """What remains of the change."""
        return self.change - self.trend - self.returned


def model_variances(year: Year, group: Ints, at: Floats, *, is_share: bool) -> Floats:
    """Return the variance that each unit would have if its figure were ``at``, shape (U,).

    d·p(100 − p)/n with the design effect d of the unit's group, Σ(n−1)nV / Σn·p(100−p), so that a
    unit where all agree has an error; p is at least half a person from 0 and 100. Points: S²/n
    with the group's S², as ``small_area``.
    """
    variance, n = np.empty_like(at), year.people
    for number in np.unique(group):
        units = group == number
        known = np.isfinite(year.variance[units])
        if not is_share:
            variance[units] = smooth_variances(year.variance[units], n[units], known, True)
            continue
        p, v, people = year.value[units], year.variance[units], n[units]
        simple = (people * p * (100 - p))[known].sum()
        effect = ((people - 1) * people * v)[known].sum() / simple if simple > 0 else 1.0
        half = np.minimum(50 / people, 50.0)
        inside = np.clip(at[units], half, 100 - half)
        variance[units] = effect * inside * (100 - inside) / people
    return variance


def pool_units(panel: Panel) -> Pooled:
    """Pool the earlier figure of each unit with those of its group (A2).

    The variance of a share depends on the share: the first pooling uses the group's mean
    variance, the second the variance at the pooled figure. Taken at the observed figure instead,
    a figure that is high by chance would count as sure.
    """
    value, mse = np.empty_like(panel.before.value), np.empty_like(panel.before.value)
    before = panel.before
    for number in np.unique(panel.group):
        units = panel.group == number
        direct, people = before.value[units], before.people[units]
        first = small_area(direct, before.variance[units], sizes=people)
        if panel.is_share:
            at = before.value.copy()
            at[units] = first.frame["value"].to_numpy()
            variance = model_variances(before, panel.group, at, is_share=True)[units]
            first = small_area(direct, variance)
        value[units] = first.frame["value"].to_numpy()
        mse[units] = first.frame["se"].to_numpy() ** 2
    return Pooled(value, mse)


def weigh_contrast(panel: Panel, treated: Marks, others: Marks) -> Floats:
    """Return the weight of each unit's change in the difference in differences, shape (U,).

    Those of the coefficient ``treated:after`` of ``y ~ unit + group:after + treated:after`` on both
    waves: h = w₁w₂/(w₁+w₂) within the treated and within the others of a group; the groups by
    H_T·H_C/(H_T+H_C). All are 0 where no group has both.
    """
    before, after = panel.before.weight, panel.after.weight
    h, size = before * after / (before + after), int(panel.group.max(initial=-1)) + 1
    of_treated = np.bincount(panel.group, h * treated, size)
    of_others = np.bincount(panel.group, h * others, size)
    both = of_treated + of_others
    share = np.divide(of_treated * of_others, both, out=np.zeros(size), where=both > 0)
    if not share.any():
        return np.zeros_like(h)
    share = share / share.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        plus = np.where(treated, h / of_treated[panel.group], 0.0)
        minus = np.where(others, h / of_others[panel.group], 0.0)
    return np.asarray((plus - minus) * share[panel.group])


def compare_changes(panel: Panel, pooled: Pooled, treated: Marks, others: Marks) -> Remainder:
    """Return what remains of the change of the treated units, shape (U,) marks.

    Σ a_u e_u with e_u = y_u2 − pooled_u1 and the weights of ``weigh_contrast``. Its variance is
    Σ a²(V₂ + MSE + drift): V₂ the larger of V1 and the variance at the expected figure.
    """
    weight = weigh_contrast(panel, treated, others)
    used = others & (weight != 0)
    rise = panel.after.value - panel.before.value
    error = panel.after.value - pooled.value
    plus, minus = np.where(treated, weight, 0.0), np.where(used, weight, 0.0)
    trend = -float(minus @ error)
    later = model_variances(panel.after, panel.group, pooled.value + trend, is_share=panel.is_share)
    later = np.maximum(panel.after.variance, later)
    drift, drift_df = estimate_drift(panel, error, later + pooled.mse, used)
    parts = np.concatenate([weight**2 * later, [drift * (weight @ weight)]])
    freedom = np.concatenate([panel.after.df, [drift_df]])
    variance = float(parts.sum() + weight**2 @ pooled.mse)
    with np.errstate(invalid="ignore", divide="ignore"):
        df = variance**2 / float((parts**2 / freedom)[parts > 0].sum())
    return Remainder(
        before=float(plus @ panel.before.value),
        after=float(plus @ panel.after.value),
        change_se=float(np.sqrt(plus @ panel.covariance @ plus)),
        trend=trend,
        returned=float(plus @ (pooled.value - panel.before.value)),
        did=float(weight @ rise),
        did_se=float(np.sqrt(weight @ panel.covariance @ weight)),
        se=float(np.sqrt(variance)),
        df=df,
        n_others=int(used.sum()),
    )


def estimate_drift(
    panel: Panel, error: Floats, variance: Floats, others: Marks
) -> tuple[float, float]:
    """Return the variance between the others' changes beyond sampling, at least 0, and its df.

    Moments: Σh(e − ē)² within groups less its expectation under sampling alone.
    """
    before, after = panel.before.weight, panel.after.weight
    h = np.where(others, before * after / (before + after), 0.0)
    size = int(panel.group.max(initial=-1)) + 1
    total = np.bincount(panel.group, h, size)[panel.group]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(panel.group, h * error, size)[panel.group] / total
        spread = np.where(others, h - h**2 / total, 0.0)
    squares = float(np.where(others, h * (error - mean) ** 2, 0.0).sum())
    df = float(others.sum() - len(np.unique(panel.group[others])))
    if df < 1:
        return 0.0, 1.0
    return max(0.0, (squares - float(spread @ variance)) / float(spread.sum())), df
