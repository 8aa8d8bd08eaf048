"""Late stays to be expected of each official by those of others who did the same work (rule T6)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats

Integers = NDArray[np.int64]

OFFICIAL = ["unit", "handler"]
SECTION = ["unit", "section"]
MIX = (["step", "used"], ["step", "procedure"], ["channel"])
# Of the effects of used, procedure, channel and official: 1 over the variance they are drawn to.
PENALTIES = (0.05, 0.25, 1.0, 1.0)
CYCLES = 100  # of the fit, at most
CONVERGED = 1e-4
LEAST_RATE, LEAST_VARIANCE = 1e-6, 1e-9
CUT, CUT_NORMAL = 2.0, 0.9205  # standard deviations; E min(z², 4) of a standard normal z
ROUNDS, FEWEST_OTHERS = 8, 3
GRID = np.concatenate([[0.0], np.geomspace(1e-3, 30.0, 90)])  # of τ²


def expect_late(cells: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Return ``n late expected variance`` of late stays by official (rule T6).

    Log odds of a late stay = step and limit used + step and procedure + channel + official. The
    expected number puts the effect that colleagues have in place of that of the official.

    Args:
        cells: Comparable cells: ``unit handler step section procedure channel used n late``.
        margin: Factor on the variance between officials.

    Source: rule T6 in docs/method.md.
    """
    n, late = (cells[name].to_numpy(dtype=float) for name in ("n", "late"))
    codes = [_number_groups(cells, keys) for keys in (*MIX, OFFICIAL)]
    effects, odds = fit_effects(n, late, codes)
    official, effect = codes[-1], effects[-1]
    variance = 1 / (_sum_by(official, n * _find_variance(odds)) + PENALTIES[-1])
    mean, error, between = predict_effects(effect, variance, _find_sections(cells, official))
    odds = odds + (mean - effect)[official]
    drawn = n * _find_variance(odds)
    of_officials = _sum_by(official, drawn)
    counts = cells[[*OFFICIAL]].assign(n=n, late=late, expected=n / (1 + np.exp(-odds)))
    table = counts.groupby(OFFICIAL).sum()
    unknown = of_officials**2 * (margin * between + error)
    of_procedures = _measure_procedures(drawn, codes[1], official)
    return table.assign(variance=of_officials + unknown + of_procedures)


def fit_effects(n: Floats, late: Floats, codes: Sequence[Integers]) -> tuple[list[Floats], Floats]:
    """Return the effects of each factor on the log odds, and the log odds of each cell.

    Newton steps for one factor after another, each effect drawn to 0 by its penalty.

    Args:
        n: Stays of each cell, shape (C,).
        late: Late ones.
        codes: Number of the level of each factor, in the order of ``PENALTIES``.
    """
    overall = np.clip(late.sum() / max(n.sum(), 1), LEAST_RATE, 1 - LEAST_RATE)
    odds = np.full(len(n), np.log(overall / (1 - overall)))
    effects = [np.zeros(_count_levels(code)) for code in codes]
    for _ in range(CYCLES):
        largest = 0.0
        for at, (code, penalty) in enumerate(zip(codes, PENALTIES, strict=True)):
            rate = 1 / (1 + np.exp(-odds))
            score = _sum_by(code, late - n * rate) - penalty * effects[at]
            step = np.clip(score / (_sum_by(code, n * rate * (1 - rate)) + penalty), -1, 1)
            effects[at], odds = effects[at] + step, odds + step[code]
            largest = max(largest, float(np.abs(step).max(initial=0)))
        if largest < CONVERGED:
            break
    return effects, odds


def predict_effects(
    effect: Floats, variance: Floats, section: Integers
) -> tuple[Floats, Floats, Floats]:
    """Return, for each official, the effect expected by the others, its variance, and τ².

    The mean of the others of the section is drawn towards the mean of all others by the variance
    σ² between sections (by moments). Effects further than two standard deviations from that of
    the section count less (Huber), so that one late official does not excuse another.

    Args:
        effect: Effects of the officials, shape (J,).
        variance: Their variances, shape (J,).
        section: Number of the section of each, shape (J,).
    """
    between, weight = estimate_between(effect, variance, section)
    total = _sum_by(section, weight)
    centre = _sum_by(section, weight * effect) / total
    whole = total.sum()
    moved = (total * (centre - total @ centre / whole) ** 2).sum() - (len(total) - 1)
    scale = whole - (total**2).sum() / whole
    of_sections = max(moved / scale, LEAST_VARIANCE) if len(total) > 1 else LEAST_VARIANCE
    of_all = 1 / (1 / weight + of_sections)
    rest = np.maximum(of_all.sum() - of_all, LEAST_VARIANCE)
    overall = (of_all @ effect - of_all * effect) / rest
    near = total[section] - weight + 1 / of_sections
    sums = (total * centre)[section] - weight * effect + overall / of_sections
    return sums / near, 1 / near, between


def estimate_between(effect: Floats, variance: Floats, section: Integers) -> tuple[Floats, Floats]:
    """Return, for each official, τ² by the others; and the weight of each official.

    τ², the variance between officials of a section, makes Σ min(d²/(variance + τ²), 4) over the
    officials of the other sections what a normal law gives, 0.92 of their number less the sections
    (Paule and Mandel 1982, cut); d is the distance from the mean of the section, in which an
    official weighs min(1, 2/|z|)/(variance + τ²). Where the other sections have fewer than three
    officials more than sections, it is over all other officials. It is read off a grid.
    """
    df = np.bincount(section)[section] - 1
    has_others = df.size - _count_levels(section) - df >= FEWEST_OTHERS
    df_rest = df.size - _count_levels(section) - np.where(has_others, df, 1)
    between, huber = np.zeros(len(effect)), np.ones(len(effect))
    for _ in range(ROUNDS):
        weight = huber / (variance + between)
        centre = _sum_by(section, weight * effect) / _sum_by(section, weight)
        square = (effect - centre[section]) ** 2
        parts = np.minimum(square[:, None] / (variance[:, None] + GRID), CUT**2)
        of_section = np.stack([_sum_by(section, part) for part in parts.T], axis=1)[section]
        rest = parts.sum(axis=0) - np.where(has_others[:, None], of_section, parts)
        between = _find_crossing(rest - CUT_NORMAL * np.maximum(df_rest, 0)[:, None])
        distance = np.sqrt(square / (variance + between))
        huber = np.minimum(1, CUT / np.maximum(distance, CUT))
    return between, huber / (variance + between)


def _find_crossing(excess: Floats) -> Floats:
    """Return where each row, which falls along the grid, becomes 0; 0 where it starts below."""
    after = np.clip((excess > 0).sum(axis=1), 0, len(GRID) - 1)
    row, before = np.arange(len(excess)), np.maximum(after - 1, 0)
    high, low = excess[row, before], excess[row, after]
    part = np.clip(high / np.where(high > low, high - low, 1), 0, 1)
    return np.where(after == 0, 0.0, GRID[before] + part * (GRID[after] - GRID[before]))


def _find_sections(cells: pd.DataFrame, official: Integers) -> Integers:
    """Return the number of the section in which each official has most stays."""
    stays = pd.DataFrame(
        {"official": official, "section": _number_groups(cells, SECTION), "n": cells["n"]}
    )
    stays = stays.groupby(["official", "section"], as_index=False).sum()
    most = stays.sort_values(["official", "n"], kind="stable").drop_duplicates(
        "official", keep="last"
    )
    return np.asarray(pd.factorize(most["section"], sort=True)[0], dtype=np.int64)


def _measure_procedures(drawn: Floats, procedure: Integers, official: Integers) -> Floats:
    """Return the variance of the expected number that comes from the effects of procedures."""
    parts = pd.DataFrame({"procedure": procedure, "official": official, "part": drawn})
    parts = parts.groupby(["official", "procedure"], as_index=False).sum()
    part = parts["part"].to_numpy(dtype=float)
    whole = parts.groupby("procedure")["part"].transform("sum").to_numpy(dtype=float)
    return _sum_by(parts["official"].to_numpy(np.int64), part**2 / (whole - part + PENALTIES[1]))


def _number_groups(cells: pd.DataFrame, keys: Sequence[str]) -> Integers:
    """Return the number of the group of each cell, in the order of the keys."""
    return np.asarray(cells.groupby([*keys]).ngroup(), dtype=np.int64)


def _count_levels(codes: Integers) -> int:
    return int(codes.max(initial=-1)) + 1


def _sum_by(codes: Integers, values: Floats) -> Floats:
    """Return the sum of values by code."""
    return np.asarray(np.bincount(codes, values, _count_levels(codes)), dtype=float)


def _find_variance(odds: Floats) -> Floats:
    """Return p(1 − p) by the log odds."""
    rate = 1 / (1 + np.exp(-odds))
    return np.asarray(rate * (1 - rate))
