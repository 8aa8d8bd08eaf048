"""Put units in order, say how sure the order is, and group what cannot be told apart.

A rank is the place of an unrounded value (R1). Its rank set is the range of places that the sample
does not rule out, for all units of a group at once (R2); units that nobody surely beats share a
letter (R3). Publish groups, not places: with sixty units and errors of two points a set is fifty
places wide. A letter is no verdict on a pair; ``pairs`` is. Not for few units drawn from many.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from sipas_analysis.errors import ColumnError, DesignError
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.estimates import Estimates, ResultTable
from sipas_analysis.instrument.pack import OVERALL

Kind = Literal["simultaneous", "marginal"]
Float32s = NDArray[np.float32]
PairFlags = NDArray[np.bool_]
TEST_POWER = 0.8
CHUNK = 512  # draws at a time: a chunk of all units stays in the processor's cache
RANK_COLUMNS = ["rank", "rank_low", "rank_high", "letter", "detectable"]


@dataclass(frozen=True, eq=False, repr=False)
class RankSets(ResultTable):
    """Ranks of p units with their confidence sets.

    Attributes:
        frame: One row per unit in the order given: ``value``, ``se``, ``rank``, ``rank_low``,
            ``rank_high``, ``letter`` and ``detectable``; missing where a unit has no error.
        critical: How many standard errors a difference must exceed, shape (p, p), already at the
            degrees of freedom of the pair.
        se: Standard error of each difference, shape (p, p).
        told: Whether the pair is told apart in the set of the row's unit, shape (p, p).
    """

    shows_index = True
    frame: pd.DataFrame
    critical: Floats
    se: Floats
    told: PairFlags

    @property
    def better(self) -> PairFlags:
        """Whether the row's unit is surely better than the column's, shape (p, p)."""
        value = self.frame["value"].to_numpy(dtype=float)
        return np.asarray(self.told & (value[:, None] > value))


def rank_sets(
    values: Any,
    covariance_or_se: Any,
    df: Any = None,
    level: float = 0.95,
    kind: Kind = "simultaneous",
    *,
    draws: int = 10_000,
    seed: int = 1,
) -> RankSets:
    """Return the places that each of p units can have, given its estimate and error.

    A pair is told apart if |θ̂ᵤ − θ̂ᵥ|/seᵤᵥ, as a z value, exceeds the ``level`` quantile of the
    largest such ratio of all pairs in draws from N(0, Σ); told pairs leave and the rest is drawn
    anew (step-down). ``rank_low`` = 1 + number surely better, ``rank_high`` = p − number surely
    worse.

    Args:
        values: Estimates, shape (p,), high is good; a series keeps its index.
        covariance_or_se: Covariance, shape (p, p), or standard errors of independent units, (p,).
        df: Degrees of freedom of each error, shape (p,) or one number; infinite if left out. A
            t ratio is turned into z at the pair's Satterthwaite df.
        level: Confidence.
        kind: ``simultaneous`` (all sets hold together) or ``marginal`` (each holds alone).
        draws: Number of draws.
        seed: Seed of the draws; the order of the units does not matter.

    Returns:
        Ranks, sets, letters and ``detectable``: the difference to the best (for the best, to the
        second) that would be found four times in five. No unit: no row; one: rank 1 of 1.

    Raises:
        DesignError: Shapes do not fit, a variance is negative, level or kind is unknown.

    Source: rules R1 to R4 in docs/method.md; Mogstad, Romano, Shaikh, Wilhelm (2024),
    doi:10.1093/restud/rdad006.

    Example:
        >>> found = rank_sets([90.0, 80.0, 79.0], [1.0, 1.0, 1.0]).frame
        >>> found[["rank_low", "rank_high", "letter"]].to_numpy().tolist()
        [[1, 1, 'A'], [2, 3, 'B'], [2, 3, 'B']]
    """
    value, sigma, freedom = _check_inputs(values, covariance_or_se, df, level, kind)
    known = np.flatnonzero(~np.isnan(value + np.diagonal(sigma)) & (freedom > 0))
    by_value = np.lexsort((np.diagonal(sigma)[known], value[known]))
    at = known[by_value]  # so that draws belong to places in the order, not in the input
    pair = _compare_pairs(value[at], sigma[np.ix_(at, at)], freedom[at])
    found = _separate_pairs(pair, sigma[np.ix_(at, at)], level, kind, (draws, seed))
    p = len(value)
    told, critical, se = np.zeros((p, p), bool), np.full((p, p), np.nan), np.full((p, p), np.nan)
    grid = np.ix_(at, at)
    told[grid], critical[grid], se[grid] = found[0], found[1], pair[1]
    index = values.index if isinstance(values, pd.Series) else None
    frame = pd.DataFrame({"value": value, "se": np.sqrt(np.diagonal(sigma))}, index=index)
    made = RankSets(frame, critical, se, told)
    return RankSets(frame.assign(**_rank_columns(made, known)), critical, se, told)


def _check_inputs(
    values: Any, errors: Any, df: Any, level: float, kind: str
) -> tuple[Floats, Floats, Floats]:
    """Return values (p,), covariance (p, p) and degrees of freedom (p,), or refuse."""
    value = np.asarray(values, dtype=float)
    given = np.asarray(errors, dtype=float)
    if not 0 < level < 1:
        raise DesignError("interval_level", found=f"{level:g}")
    if kind not in get_args(Kind):
        raise DesignError("rank_kind", found=kind, known=", ".join(get_args(Kind)))
    p = len(value) if value.ndim == 1 else -1
    if given.shape not in ((p,), (p, p)) or p < 0:
        raise DesignError("rank_shape", values=value.shape, errors=given.shape)
    sigma = np.diag(given**2) if given.ndim == 1 else given
    negative = np.flatnonzero((given if given.ndim == 1 else np.diagonal(given)) < 0)
    if negative.size:
        raise DesignError("rank_negative", row=int(negative[0]) + 1)
    endless = np.flatnonzero(np.isinf(value) | np.isinf(np.diagonal(sigma)))
    if endless.size:
        raise DesignError("design_infinite", column="values", row=int(endless[0]) + 1)
    freedom = np.asarray(np.inf if df is None else df, dtype=float)
    if freedom.shape not in ((), (p,)):
        raise DesignError("rank_shape", values=value.shape, errors=freedom.shape)
    return value, sigma, np.broadcast_to(freedom, (p,))


def _compare_pairs(value: Floats, sigma: Floats, df: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return difference, its se, its df and |z| of each pair, shape (p, p) each."""
    own = np.diagonal(sigma)
    gap = value[:, None] - value
    gap = np.where(np.abs(gap) < 1e-9 * np.maximum(1, np.abs(value)), 0.0, gap)
    both = own[:, None] + own
    variance = both - sigma - sigma.T
    variance = np.where(variance > 1e-12 * both, variance, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = own**2 / df
        freedom = np.where(both > 0, both**2 / (each[:, None] + each), np.inf)
        t = np.where(gap == 0, 0.0, np.abs(gap) / np.sqrt(variance))
        tail = stats.t.logsf(t, np.where(freedom > 0, freedom, 1.0))
    z = np.where(np.isinf(freedom) | np.isinf(t), t, stats.norm.isf(np.exp(tail)))
    return gap, np.sqrt(variance), freedom, z


def _separate_pairs(
    pair: tuple[Floats, ...], sigma: Floats, level: float, kind: str, how: tuple[int, int]
) -> tuple[PairFlags, Floats]:
    """Return which pairs are told apart, and how many standard errors that takes, (p, p) each."""
    _, se, df, z = pair
    p = len(z)
    noise = _draw_noise(sigma, *how)
    weight = np.divide(1.0, se, out=np.zeros_like(se), where=se > 0)
    np.fill_diagonal(weight, 0.0)
    if kind == "marginal":
        each = [_step_down(z[[j]], weight[[j]], noise, level, j) for j in range(p)]
        told = np.concatenate([it[0] for it in each]) if each else z > 0
        critical = np.repeat([it[1] for it in each], p).reshape(p, p) if each else z
    else:
        told, one = _step_down(z, weight, noise, level, None)
        critical = np.full((p, p), one)
    with np.errstate(invalid="ignore"):
        at_df = stats.t.isf(stats.norm.sf(critical), np.where(df > 0, df, np.nan))
    return told, np.where(np.isinf(df), critical, at_df)


def _draw_noise(sigma: Floats, draws: int, seed: int) -> Float32s:
    """Draw from N(0, Σ), shape (p, draws), in single precision: it only has to be random."""
    p = len(sigma)
    plain = np.random.default_rng(seed).standard_normal((p, draws), dtype=np.float32)
    if not (sigma - np.diag(np.diagonal(sigma))).any():
        return np.asarray(plain * np.sqrt(np.diagonal(sigma))[:, None].astype(np.float32))
    values, vectors = np.linalg.eigh(sigma)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(root.astype(np.float32) @ plain)


def _step_down(
    z: Floats, weight: Floats, noise: Float32s, level: float, one: int | None
) -> tuple[PairFlags, float]:
    """Tell pairs apart, leave them out, draw the rest anew, until no more are told."""
    told = np.zeros(z.shape, bool)
    bound: Float32s = np.full(noise.shape[1], np.inf, np.float32)
    critical = 0.0
    while True:
        alive = np.where(told, 0.0, weight)
        if not alive.any():
            break
        critical, bound = _find_critical(noise, alive.astype(np.float32), level, bound, one)
        more = told | (z > critical)
        if (more == told).all():
            break
        told = more
    return told | np.isinf(z), critical


def _find_critical(
    noise: Float32s, weight: Float32s, level: float, bound: Float32s, one: int | None
) -> tuple[float, Float32s]:
    """Return the quantile of the largest ratio of the pairs that are left, and each draw's.

    A draw's largest can only fall as pairs leave (``bound``), so draws are looked at from the
    largest down, until no other can stand in the upper tail.
    """
    tail = round(noise.shape[1] * (1 - level))
    order = np.argsort(-bound, kind="stable")
    found = bound.copy()
    for start in range(0, len(order), CHUNK):
        here = order[start : start + CHUNK]
        sure = np.partition(found[order[:start]], -tail - 1)[-tail - 1] if start > tail else -1.0
        if bound[here[0]] < sure:
            break
        found[here] = _largest_ratio(np.ascontiguousarray(noise[:, here]), weight, one)
    return round(float(np.partition(found, -tail - 1)[-tail - 1]), 4), found


def _largest_ratio(noise: Float32s, weight: Float32s, one: int | None) -> Float32s:
    """Return the largest |difference| · weight of each draw: of all pairs, or of one unit's."""
    best: Float32s = np.zeros(noise.shape[1], np.float32)
    room = np.empty_like(noise)
    for j in range(len(noise) - 1) if one is None else (one,):
        begin = j + 1 if one is None else 0
        ratio, scale = room[begin:], weight[j if one is None else 0, begin:, None]
        np.subtract(noise[begin:], noise[j], out=ratio)
        np.multiply(ratio, scale, out=ratio)
        np.maximum(best, ratio.max(axis=0), out=best)
        np.maximum(best, -ratio.min(axis=0), out=best)
    return best


def _rank_columns(found: RankSets, known: Ints) -> dict[str, Any]:
    """Return ranks, sets, letters and detectable differences of the units that are known."""
    value, index = found.frame["value"].to_numpy(), found.frame.index
    p = len(known)
    own = pd.Series(value[known], known).round(9)
    place = own.rank(method="min", ascending=False).astype(int)
    better = found.better
    low = 1 + (found.told & ~better)[known].sum(axis=1)
    high = p - better[known].sum(axis=1)
    columns = {"rank": place.to_numpy(), "rank_low": low, "rank_high": high}
    every = range(len(index))
    made: dict[str, Any] = {
        name: pd.Series(it, known).reindex(every).astype("Int64").array
        for name, it in columns.items()
    }
    letters = pd.Series(_letter_units(better, known), known, dtype=object)
    made["letter"] = letters.reindex(every).fillna("").to_numpy()
    made["detectable"] = _detectable_difference(found, place)
    return made


def _letter_units(better: PairFlags, known: Ints) -> list[str]:
    """Letter units: A where none is surely better, B where none of the rest is, and so on."""
    left, letter = known, dict[int, str]()
    number = 0
    while left.size:
        first = left[~better[np.ix_(left, left)].any(axis=0)]
        letter |= dict.fromkeys(first.tolist(), _letter_text(number))
        left, number = np.setdiff1d(left, first), number + 1
    return [letter[int(one)] for one in known]


def _letter_text(number: int) -> str:
    """Return A to Z, then AA, AB and so on."""
    more, last = divmod(number, 26)
    return (_letter_text(more - 1) if more else "") + chr(ord("A") + last)


def _detectable_difference(found: RankSets, place: "pd.Series[int]") -> Floats:
    """Return (crit + z₀.₈)·se of the difference to the best; of the best to the second."""
    made = np.full(len(found.frame), np.nan)
    if len(place) < 2:
        return made
    order = place.sort_values(kind="stable").index.to_numpy()
    other = np.where(place.index == order[0], order[1], order[0])
    own = place.index.to_numpy()
    crit, se = found.critical[own, other], found.se[own, other]
    made[own] = (crit + stats.norm.ppf(TEST_POWER)) * se
    return made


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Estimates):
    """The overall index of each unit in order, with ``sets``: one ``RankSets`` per group."""

    sets: Mapping[str, RankSets] = field(default_factory=dict)

    def range_texts(self) -> list[str]:
        """Return the places of each row as text, ``1–18``; empty if unranked."""
        ends = zip(self.frame["rank_low"], self.frame["rank_high"], strict=True)
        return ["" if pd.isna(low) else f"{low}–{high}" for low, high in ends]

    def unit_pairs(self, group: str) -> pd.DataFrame:
        """Return every pair of ranked units of a group, better first, and whether they differ.

        Columns ``unit``, ``other``, ``value`` (points), ``se``, ``low``, ``high`` (all pairs hold
        together) and ``told``. Source: rules R2 and R3 in docs/method.md.
        """
        sets = self.sets[group]
        frame = sets.frame.sort_values(["rank", "unit"], kind="stable")
        order = sets.frame.index.get_indexer(frame.index)
        first, second = (order[at] for at in np.triu_indices(len(order), 1))
        units, value = sets.frame.index.to_numpy(), sets.frame["value"].to_numpy()
        gap, half = value[first] - value[second], (sets.critical * sets.se)[first, second]
        return pd.DataFrame(
            {
                "unit": units[first],
                "other": units[second],
                "value": gap,
                "se": sets.se[first, second],
                "low": gap - half,
                "high": gap + half,
                "told": sets.better[first, second],
            }
        )


def rank(scores: Estimates, min_forms: int = 30, *, level: float = 0.95, seed: int = 1) -> Ranking:
    """Rank the units of each group by their overall index, with rank sets and letters.

    Ties share the better rank (1, 2, 2, 4). A unit below ``min_forms`` or below the smallest
    publishable cell keeps its index and interval and gets no rank; ``reason`` says why. Errors are
    those of the sample, with the covariance of units that share clusters; at 0 and 100 %, where
    there is none, that of the exact interval.

    Args:
        scores: Estimates by unit, as ``score(survey, by="unit")`` returns them.
        min_forms: Fewest forms of a ranked unit (M7).
        level: Confidence of the sets.
        seed: Seed of the draws.

    Returns:
        The overall rows, best first within a group, with ``rank``, ``rank_low``, ``rank_high``,
        ``letter``, ``detectable`` (points; missing if unranked) and ``reason`` (``""``,
        ``few_forms``, ``suppressed`` or ``no_error``).

    Source: rules R1 to R4, M7, V3 and P2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ranked = sipas.rank(sipas.score(survey, by="unit"), min_forms=20)
        >>> found = ranked.select(unit="so-ldtbxh").frame.iloc[0]
        >>> int(found["rank"]), found["letter"]
        (2, 'A')
    """
    if "unit" not in scores.frame:
        raise ColumnError("no_key", key="unit", known=", ".join(scores.frame.columns[:3]))
    rows = np.flatnonzero(scores.frame["level"] == OVERALL)
    found = scores.frame.iloc[rows].reset_index(drop=True)
    found["reason"] = ""
    found.loc[found["se"].isna(), "reason"] = "no_error"
    found.loc[found["n_valid"] < min_forms, "reason"] = "few_forms"
    found.loc[found["flag"] == "suppress", "reason"] = "suppressed"
    sets: dict[str, RankSets] = {}
    for group, own in found[found["reason"] == ""].groupby("group", sort=True):
        own = own.sort_values("unit")  # noqa: PLW2901 (the order of rows must not matter)
        sigma = _unit_covariance(scores.take(rows[own.index]))
        value = pd.Series(own["value"].to_numpy(), pd.Index(own["unit"], name="unit"))
        sets[str(group)] = rank_sets(value, sigma, own["df"].to_numpy(), level, seed=seed)
        made = sets[str(group)].frame[RANK_COLUMNS].set_index(own.index)
        found.loc[own.index, RANK_COLUMNS] = made
    found = found.reindex(columns=[*found.columns.difference(RANK_COLUMNS, sort=False), *RANK_COLUMNS])
    found = found.astype(dict.fromkeys(RANK_COLUMNS[:3], "Int64") | {"letter": object})
    found["letter"] = found["letter"].fillna("")
    order = found.assign(none=found["rank"].isna(), down=-found["value"])
    best_first = order.sort_values(["group", "none", "down", "unit"]).index.to_numpy()
    columns = [name for name in found if name not in (*RANK_COLUMNS, "reason")]
    at = columns.index("value")
    kept = found.loc[best_first, [*columns[:at], *RANK_COLUMNS, *columns[at:], "reason"]]
    influence = None if scores.influence is None else scores.influence[rows[best_first]]
    return Ranking(kept.reset_index(drop=True), scores.totals, influence, sets)


def _unit_covariance(found: Estimates) -> Floats:
    """Return the covariance of units; at 0 and 100 % the scale of the interval stands in."""
    frame = found.frame
    value, low, high, se, df = (
        frame[name].to_numpy(dtype=float) for name in ("value", "low", "high", "se", "df")
    )
    sigma = np.zeros((len(se),) * 2) if found.influence is None else found.covariance()
    np.fill_diagonal(sigma, se**2)
    ends = (value <= 0) | (value >= 100)
    reach = np.where(value <= 0, high - value, value - low) / stats.t.ppf(0.975, df)
    sigma[ends], sigma[:, ends] = 0.0, 0.0
    sigma[ends, ends] = reach[ends] ** 2
    return sigma
