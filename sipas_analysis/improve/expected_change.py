"""Estimate by how much units would have changed without a measure, and what remains.

A unit is chosen for a measure because its figure is low, and a low figure is partly chance: it
rises by itself (C4). Years differ as well, for every unit. So the change of a unit is set beside
the change of similar units without the measure, and the earlier figure is first pooled with theirs
(A2). All functions work on one figure (an item, a factor, the index) of the units of two waves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.measure.pooling import mix_estimates

Marks = NDArray[np.bool_]
LEAST_APART = 0.1  # of an item's variance, what it does not share with the index; ours


@dataclass(frozen=True)
class Year:
    """One figure of U units in one wave, shape (U,) each; ``describe_year`` makes it.

    Attributes:
        value: Percent satisfied, or points.
        variance: Its sampling variance (V1).
        df: Degrees of freedom of the variance.
        people: Number of people who answered.
        weight: Σ of the weights of the answers.
        spread: Of the unit's group: the design effect of a share; S² of points.
    """

    value: Floats
    variance: Floats
    df: Floats
    people: Floats
    weight: Floats
    spread: Floats

    def take(self, rows: Ints) -> "Year":
        """Keep these units."""
        return Year(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True)
class Pooled:
    """A figure of each unit after pooling with its group (shares: angles), its error: (U,)."""

    value: Floats
    mse: Floats


@dataclass(frozen=True)
class Level:
    """The index of each unit as an angle, with its variance, before and after pooling: (U,)."""

    angle: Floats
    variance: Floats
    pooled: Pooled


@dataclass(frozen=True)
class Panel:
    """One figure of U units that are compared in two waves.

    Attributes:
        group: Number of the group in which the units are ranked, shape (U,).
        before: The earlier wave.
        after: The later wave.
        covariances: Of each wave (V7): of the figures and then of the weights of the answers of all
            units, shape (2U, 2U).
        pooled: The earlier figure after pooling, see ``pool_units``.
        is_share: Whether the figure is a share in percent, not points.
    """

    group: Ints
    before: Year
    after: Year
    covariances: tuple[Floats, Floats]
    pooled: Pooled
    is_share: bool = True

    def take(self, rows: Ints) -> "Panel":
        """Keep these units."""
        both = np.concatenate([rows, rows + len(self.group)])
        first, second = (covariance[np.ix_(both, both)] for covariance in self.covariances)
        pooled = Pooled(self.pooled.value[rows], self.pooled.mse[rows])
        years = self.before.take(rows), self.after.take(rows)
        return Panel(self.group[rows], *years, (first, second), pooled, self.is_share)


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
        n_units: Number of units with the measure in whose group there are others.
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
    n_units: int
    n_others: int

    @property
    def change(self) -> float:
        """Observed change."""
        return self.after - self.before

    @property
    def value(self) -> float:
        """What remains of the change."""
        return self.change - self.trend - self.returned


def describe_year(columns: Mapping[str, Floats], group: Ints, *, is_share: bool = True) -> Year:
    """Return a figure of U units in one wave.

    The design effect of a group is Σ(n − 1)nV / Σn·p(100 − p), 1 if not known, and S² of points is
    Σ(n − 1)nV / Σ(n − 1): over the group, so that a unit where all agree has an error.

    Args:
        columns: All but ``spread``, shape (U,) each.
        group: Number of the group of each unit, shape (U,).
        is_share: Whether the figure is a share in percent, not points.
    """
    value, variance, n = (columns[name] for name in ("value", "variance", "people"))
    known = np.isfinite(value + variance)
    drawn = np.where(known, (n - 1) * n * variance, 0.0)
    singly = np.where(known, n * value * (100 - value) if is_share else n - 1, 0.0)
    top, bottom = np.bincount(group, drawn)[group], np.bincount(group, singly)[group]
    effect = np.divide(top, bottom, out=np.ones_like(top), where=(top > 0) & (bottom > 0))
    return Year(**columns, spread=effect)


def model_variances(panel: Panel, at: Floats) -> Floats:
    """Return the variance of each later figure if it were ``at``, shape (U,).

    d·p(100 − p)/n, p at least half a person from 0 and 100; of points S²/n.
    """
    n, spread = panel.after.people, panel.after.spread
    if not panel.is_share:
        return spread / n
    half = np.minimum(50 / n, 50.0)
    inside = np.clip(at, half, 100 - half)
    return np.asarray(spread * inside * (100 - inside) / n)


def pool_level(index: Year, group: Ints) -> Level:
    """Pool the index of each unit with those of its group, as an angle."""
    angle, variance = turn_angles(index)
    return Level(angle, variance, _pool_by_group(angle, variance, group))


def pool_units(before: Year, group: Ints, level: Level | None, *, is_share: bool = True) -> Pooled:
    """Pool the earlier figure of each unit with those of its group (A2, C4).

    Units are chosen because their index is low, and items because they are low in the unit: both
    are partly chance. So the index of the unit and the distance of the item from the index are
    pooled apart, and added. Shares are pooled as angles, see ``turn_angles``, and stay angles.

    Args:
        before: The figure.
        group: Number of the group of each unit, shape (U,).
        level: The index; none if the figure is the index, or the index is no share.
        is_share: Whether the figure is a share in percent, not points.
    """
    if not is_share:
        return _pool_by_group(before.value, before.spread / before.people, group)
    angle, variance = turn_angles(before)
    if level is None:
        pooled = _pool_by_group(angle, variance, group)
    else:
        apart = np.maximum(variance - level.variance, LEAST_APART * variance)
        distance = _pool_by_group(angle - level.angle, apart, group)
        value = level.pooled.value + distance.value
        pooled = Pooled(value, level.pooled.mse + distance.mse)
    return pooled


def turn_angles(year: Year) -> tuple[Floats, Floats]:
    """Return each share as an angle and the variance of the angle, shape (U,).

    φ = arcsin √((y·m + 3/8)/(m + 3/4)), variance 1/(4m + 2), of m = n/d effective people. It does
    not depend on the share: a low share has a larger error than one near 100 %. With φ ~ N(φ̃, v)
    the mean of the share sin²φ is (1 − cos 2φ̃·e^(−2v))/2. Source: Anscombe (1948),
    doi:10.1093/biomet/35.3-4.246.
    """
    m = year.people / year.spread
    return np.arcsin(np.sqrt((year.value / 100 * m + 3 / 8) / (m + 3 / 4))), 1 / (4 * m + 2)


def turn_back(angle: Floats, variance: Floats) -> Floats:
    """Return the mean share of angles with an error, in percent, shape (U,)."""
    inside = np.clip(angle, 0.0, np.pi / 2)
    return np.asarray(50 * (1 - np.cos(2 * inside) * np.exp(-2 * variance)))


def _pool_by_group(values: Floats, variances: Floats, group: Ints) -> Pooled:
    """Pool values with those of the same group."""
    value, mse = np.empty_like(values), np.empty_like(values)
    for number in np.unique(group):
        units = group == number
        mixed = mix_estimates(values[units], variances[units])
        value[units], mse[units] = mixed.value, mixed.mse
    return Pooled(value, mse)


def weigh_changes(panel: Panel) -> Floats:
    """Return the weight of each unit's change in regression: w₁w₂/(w₁ + w₂), shape (U,)."""
    before, after = panel.before.weight, panel.after.weight
    return before * after / (before + after)


def sum_by_group(panel: Panel, values: Floats) -> Floats:
    """Return for each unit the sum of values over its group, shape (U,)."""
    return np.asarray(np.bincount(panel.group, values)[panel.group], dtype=np.float64)


def weigh_contrast(panel: Panel, treated: Marks, others: Marks) -> Floats:
    """Return the weight a of each unit's change in the difference in differences, shape (U,).

    Those of the coefficient ``treated:after`` of ``y ~ unit + group:after + treated:after`` on both
    waves: h = w₁w₂/(w₁ + w₂) within the treated and the others of a group; the groups by
    H_T·H_C/(H_T + H_C). All are 0 where no group has both.
    """
    h = weigh_changes(panel)
    of_treated, of_others = sum_by_group(panel, h * treated), sum_by_group(panel, h * others)
    both = of_treated + of_others
    zero = np.zeros_like(h)
    weight = np.divide(of_others * h, both, out=zero.copy(), where=treated & (of_others > 0))
    minus = np.divide(of_treated * h, both, out=zero.copy(), where=others & (of_treated > 0))
    total = weight.sum()
    return (weight - minus) / total if total > 0 else zero


def estimate_did(panel: Panel, weight: Floats) -> tuple[float, float]:
    """Return the difference in differences and its error as R ``svyglm`` has them (V1, V7).

    Σ a_u d_u. A form of unit u in wave t has the influence ±a_u/W_ut·w_i·(y_i − ȳ_ut) of its mean,
    and a_u/W_ut·w_i·r_u·h_u/W_ut of the weights a: units change by r_u more than the model says,
    and the sample decides how much each counts.
    """
    rise, h = panel.after.value - panel.before.value, weigh_changes(panel)
    used, treated = weight != 0, weight > 0
    did = float(weight @ rise)
    rest = np.where(used, rise - did * treated, 0.0)
    of_group = sum_by_group(panel, np.where(used, h, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sum_by_group(panel, np.where(used, h * rest, 0.0)) / of_group
        apart = np.where(used, weight * (rest - mean) * h, 0.0)
    variance = 0.0
    for year, covariance in zip((panel.before, panel.after), panel.covariances, strict=True):
        sign = 1 if year is panel.after else -1
        slope = np.concatenate([sign * weight, apart / year.weight**2])
        variance += slope @ covariance @ slope
    return did, float(np.sqrt(variance))


def compare_changes(panel: Panel, treated: Marks, others: Marks) -> Remainder:
    """Return what remains of the change of the treated units, shape (U,) marks.

    Σ a_u (y_u2 − E_u) over the treated, E_u the share of the angle φ̃_u1 + τ, τ = Σ a_u(φ_u2 − φ̃_u1)
    over the others, with the weights of ``weigh_contrast``: near the ends of the scale a year moves
    all shares less. What the others then lie above their own E is added. Points are added as they
    are. The variance is Σ b²(V₂ + D²(MSE + drift)), D the slope of the share by the angle, b that
    of the sum by y_u2, V₂ the larger of V1 and the variance at E; with V7.
    """
    weight, pooled = weigh_contrast(panel, treated, others), panel.pooled
    plus, minus = np.maximum(weight, 0.0), np.minimum(weight, 0.0)
    error = (turn_angles(panel.after)[0] if panel.is_share else panel.after.value) - pooled.value
    year = -float(minus @ error)
    before, expected = (
        turn_back(pooled.value + moved, pooled.mse) if panel.is_share else pooled.value + moved
        for moved in (0.0, year)
    )
    expected = expected - float(minus @ (panel.after.value - expected))
    later = np.maximum(panel.after.variance, model_variances(panel, expected))
    slope = find_slopes(panel, expected)
    drift, drift_error = estimate_drift(panel, error, later / slope**2 + pooled.mse, minus < 0)
    reach = plus + minus * (1 + weight @ slope / slope)
    squares, moved = reach**2, reach * slope
    variance = float(squares @ (later + slope**2 * (pooled.mse + drift)))
    variance += sum_covariances(panel, reach, slope)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = (squares * later) ** 2 / panel.after.df
    uncertain = float(parts[squares > 0].sum()) + float(moved @ moved) ** 2 * drift_error
    did, did_se = estimate_did(panel, weight)
    n = len(weight)
    changed = plus @ (panel.covariances[0] + panel.covariances[1])[:n, :n] @ plus
    return Remainder(
        before=float(plus @ panel.before.value),
        after=float(plus @ panel.after.value),
        change_se=float(np.sqrt(changed)),
        trend=float(plus @ (expected - before)),
        returned=float(plus @ (before - panel.before.value)),
        did=did,
        did_se=did_se,
        se=float(np.sqrt(variance)),
        df=variance**2 / uncertain if uncertain > 0 else np.inf,
        n_units=int((plus > 0).sum()),
        n_others=int((minus < 0).sum()),
    )


def find_slopes(panel: Panel, at: Floats) -> Floats:
    """Return the slope of each share by its angle, 2√(p(100 − p)), half a person inside; else 1."""
    if not panel.is_share:
        return np.ones_like(at)
    half = np.minimum(50 / panel.after.people, 50.0)
    inside = np.clip(at, half, 100 - half)
    return np.asarray(2 * np.sqrt(inside * (100 - inside)))


def sum_covariances(panel: Panel, weight: Floats, slope: Floats) -> float:
    """Return what clusters that units share add to the variance of Σ b_u y_u (V7).

    ΣΣ b_u b_v (C₂ + γ_u γ_v C₁) over u ≠ v; γ = MSE/V is how far a pooled figure is the unit's own.
    """
    n, variance = len(weight), panel.before.variance
    own = np.divide(slope**2 * panel.pooled.mse, variance, out=np.ones(n), where=variance > 0)
    total = 0.0
    for covariance, a in zip(panel.covariances, (weight * np.minimum(own, 1), weight), strict=True):
        total += float(a @ covariance[:n, :n] @ a - a**2 @ np.diagonal(covariance)[:n])
    return total


def estimate_drift(
    panel: Panel, error: Floats, variance: Floats, others: Marks
) -> tuple[float, float]:
    """Return the variance between the others' changes beyond sampling, and its error.

    Moments: the spread s² = Σh(e − ē)² / Σ(h − h²/H) within groups less its mean v̄ under sampling
    alone, at least 0. The error is half its variance: drift·s²/df, between that of a variance
    without sampling, drift²/df, and that of s², s⁴/df, and 0 where the drift is.
    """
    df = float(others.sum() - len(np.unique(panel.group[others])))
    if df < 1:
        return 0.0, 0.0
    h = np.where(others, weigh_changes(panel), 0.0)
    total = np.where(others, sum_by_group(panel, h), 1.0)
    mean, share = sum_by_group(panel, h * error) / total, h - h**2 / total
    spread = float((h * (error - mean) ** 2).sum() / share.sum())
    drift = max(0.0, spread - float(share @ variance / share.sum()))
    return drift, drift * spread / df
