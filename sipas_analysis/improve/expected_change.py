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
LEAST_APART = 0.1  # of an item's variance, what it does not share with the index; ours


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
        index: The units' index in the earlier wave, blank where hidden; none if it is the figure.
        is_share: Whether the figure is a share in percent, not points.
    """

    group: Ints
    before: Year
    after: Year
    covariance: Floats
    index: Year | None = None
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


def find_design_effects(year: Year, group: Ints) -> Floats:
    """Return the design effect of a share in each unit's group, shape (U,); 1 if not known.

    Σ(n − 1)nV / Σn·p(100 − p) over the group, so that a unit where all agree has an error.
    """
    p, n, known = year.value, year.people, np.isfinite(year.value + year.variance)
    drawn = np.bincount(group, np.where(known, (n - 1) * n * np.nan_to_num(year.variance), 0.0))
    singly = np.bincount(group, np.where(known, n * p * (100 - p), 0.0))
    return np.divide(drawn, singly, out=np.ones_like(drawn), where=drawn > 0)[group]


def model_variances(panel: Panel, at: Floats) -> Floats:
    """Return the variance of each later figure if it were ``at``, shape (U,).

    d·p(100 − p)/n with the design effect d of the group, p at least half a person from 0 and 100.
    Points: S²/n with S² of the group, as ``small_area``.
    """
    after, n = panel.after, panel.after.people
    if panel.is_share:
        half = np.minimum(50 / n, 50.0)
        inside = np.clip(at, half, 100 - half)
        return np.asarray(find_design_effects(after, panel.group) * inside * (100 - inside) / n)
    variance = np.empty_like(at)
    for number in np.unique(panel.group):
        units = panel.group == number
        known = np.isfinite(after.variance[units])
        variance[units] = smooth_variances(after.variance[units], n[units], known, True)
    return variance


def pool_units(panel: Panel) -> Pooled:
    """Pool the earlier figure of each unit with those of its group (A2, C4).

    Units are chosen because their index is low, and items because they are low in the unit: both
    are partly chance. So the index of the unit and the distance of the item from the index are
    pooled apart, and added. Shares are pooled as angles, see ``turn_angles``.
    """
    before, group = panel.before, panel.group
    if not panel.is_share:
        return _pool_by_group(before.value, before.variance, group, before.people)
    angle, variance = turn_angles(before, group)
    if panel.index is None:
        pooled = _pool_by_group(angle, variance, group)
    else:
        level, level_variance = turn_angles(panel.index, group)
        apart = np.maximum(variance - level_variance, LEAST_APART * variance)
        parts = [
            _pool_by_group(level, level_variance, group),
            _pool_by_group(angle - level, apart, group),
        ]
        pooled = Pooled(parts[0].value + parts[1].value, parts[0].mse + parts[1].mse)
    cosine = np.cos(2 * pooled.value) * np.exp(-2 * pooled.mse)
    square = (1 + np.cos(4 * pooled.value) * np.exp(-8 * pooled.mse)) / 2
    return Pooled(50 * (1 - cosine), 2500 * (square - cosine**2))


def turn_angles(year: Year, group: Ints) -> tuple[Floats, Floats]:
    """Return each share as an angle and the variance of the angle, shape (U,).

    φ = arcsin √((y·m + 3/8)/(m + 3/4)), variance 1/(4m + 2), of m = n/d effective people. It does
    not depend on the share: a low share has a larger error than one near 100 %. With φ ~ N(φ̃, v)
    the mean of the share sin²φ is (1 − cos 2φ̃·e^(−2v))/2. Source: Anscombe (1948),
    doi:10.1093/biomet/35.3-4.246.
    """
    m = year.people / find_design_effects(year, group)
    return np.arcsin(np.sqrt((year.value / 100 * m + 3 / 8) / (m + 3 / 4))), 1 / (4 * m + 2)


def _pool_by_group(
    values: Floats, variances: Floats, group: Ints, sizes: Floats | None = None
) -> Pooled:
    """Pool values with those of the same group."""
    value, mse = np.empty_like(values), np.empty_like(values)
    for number in np.unique(group):
        units = group == number
        people = None if sizes is None else sizes[units]
        pooled = small_area(values[units], variances[units], sizes=people).frame
        value[units], mse[units] = pooled["value"], pooled["se"] ** 2
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
    later = np.maximum(panel.after.variance, model_variances(panel, pooled.value + trend))
    drift, drift_error = estimate_drift(panel, error, later + pooled.mse, used)
    squares = weight**2
    variance = float(squares @ (later + pooled.mse) + drift * squares.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = (squares * later) ** 2 / panel.after.df
    uncertain = float(parts[squares > 0].sum()) + squares.sum() ** 2 * drift_error
    return Remainder(
        before=float(plus @ panel.before.value),
        after=float(plus @ panel.after.value),
        change_se=float(np.sqrt(plus @ panel.covariance @ plus)),
        trend=trend,
        returned=float(plus @ (pooled.value - panel.before.value)),
        did=float(weight @ rise),
        did_se=float(np.sqrt(weight @ panel.covariance @ weight)),
        se=float(np.sqrt(variance)),
        df=variance**2 / uncertain if uncertain > 0 else np.inf,
        n_others=int(used.sum()),
    )


def estimate_drift(
    panel: Panel, error: Floats, variance: Floats, others: Marks
) -> tuple[float, float]:
    """Return the variance between the others' changes beyond sampling, and its error.

    Moments: the spread s² = Σh(e − ē)² / Σ(h − h²/H) within groups less its mean v̄ under sampling
    alone, at least 0. The error is half its variance: drift·s²/df, between that of a variance
    without sampling, drift²/df, and that of s², s⁴/df, and 0 where the drift is.
    """
    before, after = panel.before.weight, panel.after.weight
    h = np.where(others, before * after / (before + after), 0.0)
    size = int(panel.group.max(initial=-1)) + 1
    total = np.bincount(panel.group, h, size)[panel.group]
    df = float(others.sum() - len(np.unique(panel.group[others])))
    if df < 1:
        return 0.0, 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(panel.group, h * error, size)[panel.group] / total
        share = np.where(others, h - h**2 / total, 0.0)
    share = share / share.sum()
    spread = float(np.where(others, h * (error - mean) ** 2, 0.0).sum())
    spread /= float(np.where(others, h - h**2 / np.where(others, total, 1.0), 0.0).sum())
    drift = max(0.0, spread - float(share @ variance))
    return drift, drift * spread / df
