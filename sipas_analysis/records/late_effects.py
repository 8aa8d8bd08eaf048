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
WEEKS = ("arrived", "due")  # stays of an official that share one may be late together
LOOK_AT = 3  # procedures named for the person who looks
# Of the effects of used, procedure, channel and official: 1 over the variance they are drawn to.
PENALTIES = (0.05, 0.25, 1.0, 1.0)
CYCLES = 100  # of the fit, at most
CONVERGED = 1e-4
LEAST_RATE, LEAST_VARIANCE = 1e-6, 1e-9
CUT, CUT_NORMAL = 2.0, 0.9205  # standard deviations; E min(z², 4) of a standard normal z
ROUNDS, FEWEST_OTHERS = 8, 3
GRID = np.concatenate([[0.0], np.geomspace(1e-3, 30.0, 90)])  # of τ²


def expect_late(cells: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Return by official what is late and what is to be expected (rule T6).

    Log odds of a late stay = step and limit used + step and procedure + channel + official. The
    expected number puts the effect that colleagues have in place of that of the official.

    Args:
        cells: Comparable cells: ``unit handler step section procedure channel used arrived due n
            late``.
        margin: Factor on the variance between officials.

    Returns:
        ``n late expected``, ``chance`` (variance without that between officials), ``variance``,
        ``worst_week``, ``in_worst_week`` (late stays of that week beyond the official's rate) and
        ``look_at`` (procedures: late/expected, where most is unexpected).

    Source: rule T6 in docs/method.md.
    """
    n, late = (cells[name].to_numpy(dtype=float) for name in ("n", "late"))
    codes = [_number_groups(cells, keys) for keys in (*MIX, OFFICIAL)]
    effects, odds = fit_effects(n, late, codes)
    official, effect = codes[-1], effects[-1]
    rest, drawn = late - n * _find_rate(odds), n * _find_variance(odds)
    weeks = [_number_groups(cells, [*OFFICIAL, week]) for week in WEEKS]
    sizes = [measure_weeks(rest, drawn, week, official) for week in weeks]
    alone = _sum_by(official, drawn)
    together = _add_weeks(drawn, weeks, sizes, official)
    variance = (1 + together / alone) / (alone + PENALTIES[-1])
    mean, error, between = predict_effects(effect, variance, _find_sections(cells, official))
    odds = odds + (mean - effect)[official]
    drawn = n * _find_variance(odds)
    alone = _sum_by(official, drawn)
    chance = alone + _add_weeks(drawn, weeks, sizes, official) + alone**2 * error
    chance = chance + _measure_procedures(drawn, codes[1], official)
    counts = cells[[*OFFICIAL, "procedure"]].assign(n=n, late=late, expected=n * _find_rate(odds))
    table = counts.groupby(OFFICIAL)[["n", "late", "expected"]].sum()
    table = table.assign(chance=chance, variance=chance + alone**2 * margin * between)
    return table.join(_find_worst_week(cells, rest)).join(_name_procedures(counts))


def measure_weeks(rest: Floats, variance: Floats, week: Integers, official: Integers) -> float:
    """Return ω², the variance of log odds between weeks of one official, pooled over officials.

    With r the late stays of a week less those of the fit and v = Σ np(1 − p), the effect of the
    official leaves E Σr² = V − Q/V + ω²(Q − 2C/V + Q²/V²); V, Q, C sum v, v², v³ over weeks.

    Args:
        rest: Late stays less those of the fit, by cell, shape (C,).
        variance: np(1 − p) of the fit, by cell.
        week: Number of the week of one official of each cell.
        official: Number of the official of each cell.
    """
    owner = _find_owners(week, official)
    parts = _sum_by(week, variance)
    whole, square, cube = (_sum_by(owner, parts**power) for power in (1, 2, 3))
    sums = _sum_by(week, rest)
    sums = sums - parts * (_sum_by(owner, sums) / whole)[owner]
    excess = (sums**2).sum() - (whole - square / whole).sum()
    scale = (square - 2 * cube / whole + (square / whole) ** 2).sum()
    return max(float(excess) / max(float(scale), LEAST_VARIANCE), 0.0)


def _add_weeks(
    variance: Floats, weeks: Sequence[Integers], sizes: Sequence[float], official: Integers
) -> Floats:
    """Return, by official, the variance ω²Q that stays late together add; the larger kind."""
    added = [
        size * _sum_by(_find_owners(week, official), _sum_by(week, variance) ** 2)
        for week, size in zip(weeks, sizes, strict=True)
    ]
    return np.asarray(np.max(added, axis=0), dtype=float)


def _find_owners(week: Integers, official: Integers) -> Integers:
    """Return the official of each week of one official."""
    owner = np.zeros(_count_levels(week), dtype=np.int64)
    owner[week] = official
    return owner


def _find_worst_week(cells: pd.DataFrame, rest: Floats) -> pd.DataFrame:
    """Return each official's week with most late stays beyond the own rate, and their number."""
    parts = []
    for week in WEEKS:
        sums = cells[[*OFFICIAL, week]].assign(in_worst_week=rest).groupby([*OFFICIAL, week]).sum()
        part = sums.reset_index()
        parts.append(part.assign(worst_week=week + " " + part[week].astype(str)))
    ordered = pd.concat(parts, ignore_index=True).sort_values(
        [*OFFICIAL, "in_worst_week", "worst_week"], ascending=[True, True, False, True]
    )
    first = ordered.drop_duplicates(OFFICIAL).set_index(OFFICIAL)
    return first[["worst_week", "in_worst_week"]].assign(
        in_worst_week=first["in_worst_week"].clip(lower=0)
    )


def _name_procedures(counts: pd.DataFrame) -> "pd.Series[str]":
    """Return where most late stays are unexpected: ``procedure late/expected; …``."""
    sums = counts.groupby([*OFFICIAL, "procedure"], as_index=False)[["late", "expected"]].sum()
    sums["excess"] = sums["late"] - sums["expected"]
    order = [*OFFICIAL, "excess", "procedure"]
    sums = sums[sums["excess"] > 0].sort_values(order, ascending=[True, True, False, True])
    shown = sums.groupby(OFFICIAL).head(LOOK_AT)
    late, expected = shown["late"].astype(int).astype(str), shown["expected"].map("{:.1f}".format)
    texts = shown.assign(look_at=shown["procedure"].astype(str) + " " + late + "/" + expected)
    return texts.groupby(OFFICIAL)["look_at"].agg("; ".join).rename("look_at")


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
            rate = _find_rate(odds)
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


def _find_rate(odds: Floats) -> Floats:
    """Return p by the log odds."""
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=float)


def _find_variance(odds: Floats) -> Floats:
    """Return p(1 − p) by the log odds."""
    rate = _find_rate(odds)
    return rate * (1 - rate)
