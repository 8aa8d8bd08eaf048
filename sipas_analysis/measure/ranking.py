"""Rank units, estimate the precision of the ranks, and group units that do not differ for sure.

A rank is the position of an unrounded value (R1). Its rank set is the range of ranks that the
sample does not rule out, for all units of a group at once (R2). Units that no other unit surely
beats share a letter (R3). Publish groups rather than ranks: with sixty units and errors of two
points a set is fifty ranks wide. A letter does not compare two units; ``pairs`` does. Do not
use rank sets for a few units drawn from many.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sipas_analysis.errors import ColumnError, DesignError
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import normal_quantile, normal_tail, t_quantile, t_tail
from sipas_analysis.infer.estimates import Estimates, ResultTable
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.scores import Scores
from sipas_analysis.quality.findings import find_open_units

Kind = Literal["simultaneous", "marginal"]
Float32s = NDArray[np.float32]
PairFlags = NDArray[np.bool_]
TEST_POWER = 0.8
CHUNK = 512  # draws at a time: a chunk of all units fits into the processor's cache
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
        separated: Whether the pair surely differs in the set of the row's unit, shape (p, p).
    """

    shows_index = True
    frame: pd.DataFrame
    critical: Floats
    se: Floats
    separated: PairFlags

    @property
    def better(self) -> PairFlags:
        """Whether the row's unit is surely better than the column's, shape (p, p)."""
        value = self.frame["value"].to_numpy(dtype=float)
        return np.asarray(self.separated & (value[:, None] > value))


def rank_sets(
    values: ArrayLike,
    covariance_or_se: ArrayLike,
    df: ArrayLike | None = None,
    level: float = 0.95,
    kind: Kind = "simultaneous",
    *,
    draws: int = 10_000,
    seed: int = 1,
) -> RankSets:
    """Return the ranks that each of p units can have, given its estimate and error.

    A pair is separated if |θ̂ᵤ − θ̂ᵥ|/seᵤᵥ, as a z value, exceeds the ``level`` quantile of the
    largest such ratio of all pairs in draws from N(0, Σ). Separated pairs are left out and the
    quantile of the others is found anew (step-down). ``rank_low`` = 1 + number of units surely
    better, ``rank_high`` = p − number of units surely worse.

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
        >>> ranks = rank_sets([90.0, 80.0, 79.0], [1.0, 1.0, 1.0]).frame
        >>> ranks[["rank_low", "rank_high", "letter"]].to_numpy().tolist()
        [[1, 1, 'A'], [2, 3, 'B'], [2, 3, 'B']]
    """
    value, sigma, freedom = _check_inputs(values, covariance_or_se, df, level, kind)
    with_error = np.flatnonzero(~np.isnan(value + np.diagonal(sigma)) & (freedom > 0))
    by_value = np.lexsort((np.diagonal(sigma)[with_error], value[with_error]))
    at = with_error[by_value]  # so that draws belong to ranks, not to positions in the input
    grid = np.ix_(at, at)
    pairs = _compare_pairs(value[at], sigma[grid], freedom[at])
    separated_at, critical_at = _separate_pairs(
        pairs, _draw_noise(sigma[grid], draws, seed), level, kind
    )
    p = len(value)
    separated = np.zeros((p, p), bool)
    critical, se = np.full((p, p), np.nan), np.full((p, p), np.nan)
    separated[grid], critical[grid], se[grid] = separated_at, critical_at, pairs.se
    index = values.index if isinstance(values, pd.Series) else None
    frame = pd.DataFrame({"value": value, "se": np.sqrt(np.diagonal(sigma))}, index=index)
    sets = RankSets(frame, critical, se, separated)
    return replace(sets, frame=pd.concat([frame, _rank_columns(sets, with_error)], axis=1))


def _check_inputs(
    values: ArrayLike, covariance_or_se: ArrayLike, df: ArrayLike | None, level: float, kind: str
) -> tuple[Floats, Floats, Floats]:
    """Return values (p,), covariance (p, p) and degrees of freedom (p,), or refuse."""
    value = np.asarray(values, dtype=float)
    errors = np.asarray(covariance_or_se, dtype=float)
    if not 0 < level < 1:
        raise DesignError("interval_level", found=f"{level:g}")
    if kind not in get_args(Kind):
        raise DesignError("rank_kind", found=kind, known=", ".join(get_args(Kind)))
    p = len(value) if value.ndim == 1 else -1
    if errors.shape not in ((p,), (p, p)) or p < 0:
        raise DesignError("rank_shape", values=value.shape, errors=errors.shape)
    sigma = np.diag(errors**2) if errors.ndim == 1 else errors
    negative = np.flatnonzero((errors if errors.ndim == 1 else np.diagonal(errors)) < 0)
    if negative.size:
        raise DesignError("rank_negative", row=int(negative[0]) + 1)
    infinite = np.flatnonzero(np.isinf(value) | np.isinf(np.diagonal(sigma)))
    if infinite.size:
        raise DesignError("design_infinite", column="values", row=int(infinite[0]) + 1)
    freedom = np.asarray(np.inf if df is None else df, dtype=float)
    if freedom.shape not in ((), (p,)):
        raise DesignError("rank_shape", values=value.shape, errors=freedom.shape)
    return value, sigma, np.broadcast_to(freedom, (p,))


@dataclass(frozen=True)
class _Pairs:
    """Standard error, degrees of freedom and |z| of each difference, shape (p, p) each."""

    se: Floats
    df: Floats
    z: Floats


def _compare_pairs(value: Floats, sigma: Floats, df: Floats) -> _Pairs:
    variances = np.diagonal(sigma)
    gap = value[:, None] - value
    gap = np.where(np.abs(gap) < 1e-9 * np.maximum(1, np.abs(value)), 0.0, gap)
    total = variances[:, None] + variances
    variance = total - sigma - sigma.T
    variance = np.where(variance > 1e-12 * total, variance, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = variances**2 / df
        freedom = np.where(total > 0, total**2 / (terms[:, None] + terms), np.inf)
        t = np.where(gap == 0, 0.0, np.abs(gap) / np.sqrt(variance))
        tail = np.log(t_tail(t, np.where(freedom > 0, freedom, 1.0)))
    z = np.where(np.isinf(freedom) | np.isinf(t), t, -normal_quantile(np.exp(tail)))
    return _Pairs(np.sqrt(variance), freedom, z)


def _separate_pairs(
    pairs: _Pairs, noise: Float32s, level: float, kind: Kind
) -> tuple[PairFlags, Floats]:
    """Return which pairs differ, and how many standard errors that takes, (p, p) each."""
    weight = np.divide(1.0, pairs.se, out=np.zeros_like(pairs.se), where=pairs.se > 0)
    np.fill_diagonal(weight, 0.0)
    p = len(pairs.z)
    if kind == "simultaneous":
        separated, critical_of_all = _step_down(pairs.z, weight, noise, level, None)
        critical = np.full((p, p), critical_of_all)
    elif p:
        units = [
            _step_down(pairs.z[[unit]], weight[[unit]], noise, level, unit) for unit in range(p)
        ]
        separated = np.concatenate([separated_of_unit for separated_of_unit, _ in units])
        critical = np.repeat([critical_of_unit for _, critical_of_unit in units], p).reshape(p, p)
    else:
        separated, critical = pairs.z > 0, pairs.z
    with np.errstate(invalid="ignore"):
        at_df = -t_quantile(normal_tail(critical), np.where(pairs.df > 0, pairs.df, np.nan))
    return separated, np.where(np.isinf(pairs.df), critical, at_df)


def _draw_noise(sigma: Floats, draws: int, seed: int) -> Float32s:
    """Draw from N(0, Σ), shape (p, draws), in single precision, which is enough."""
    p = len(sigma)
    plain = np.random.default_rng(seed).standard_normal((p, draws), dtype=np.float32)
    if not (sigma - np.diag(np.diagonal(sigma))).any():
        return np.asarray(plain * np.sqrt(np.diagonal(sigma))[:, None].astype(np.float32))
    values, vectors = np.linalg.eigh(sigma)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(root.astype(np.float32) @ plain)


def _step_down(
    z: Floats, weight: Floats, noise: Float32s, level: float, unit: int | None
) -> tuple[PairFlags, float]:
    """Separate pairs, leave them out, and repeat with the rest until no more are separated."""
    separated = np.zeros(z.shape, bool)
    bound: Float32s = np.full(noise.shape[1], np.inf, np.float32)
    critical = 0.0
    while True:
        left_weight = np.where(separated, 0.0, weight)
        if not left_weight.any():
            break
        critical, bound = _find_critical(noise, left_weight.astype(np.float32), level, bound, unit)
        more = separated | (z > critical)
        if (more == separated).all():
            break
        separated = more
    return separated | np.isinf(z), critical


def _find_critical(
    noise: Float32s, weight: Float32s, level: float, bound: Float32s, unit: int | None
) -> tuple[float, Float32s]:
    """Return the quantile of the largest ratio of the pairs that are left, and each draw's.

    The largest ratio of a draw can only decrease when pairs are left out (``bound``). So draws are
    evaluated in the order of their bound, until no other draw can be in the upper tail.
    """
    tail = round(noise.shape[1] * (1 - level))
    order = np.argsort(-bound, kind="stable")
    largest = bound.copy()
    for start in range(0, len(order), CHUNK):
        chunk, done = order[start : start + CHUNK], order[:start]
        in_tail = np.partition(largest[done], -tail - 1)[-tail - 1] if start > tail else -1.0
        if bound[chunk[0]] < in_tail:
            break
        largest[chunk] = _largest_ratio(np.ascontiguousarray(noise[:, chunk]), weight, unit)
    return round(float(np.partition(largest, -tail - 1)[-tail - 1]), 4), largest


def _largest_ratio(noise: Float32s, weight: Float32s, unit: int | None) -> Float32s:
    """Return the largest |difference| · weight of each draw: of all pairs, or of one unit's."""
    largest: Float32s = np.zeros(noise.shape[1], np.float32)
    buffer = np.empty_like(noise)
    for first in range(len(noise) - 1) if unit is None else (unit,):
        begin = first + 1 if unit is None else 0
        ratio, scale = buffer[begin:], weight[first if unit is None else 0, begin:, None]
        np.subtract(noise[begin:], noise[first], out=ratio)
        np.multiply(ratio, scale, out=ratio)
        np.maximum(largest, ratio.max(axis=0), out=largest)
        np.maximum(largest, -ratio.min(axis=0), out=largest)
    return largest


def _rank_columns(sets: RankSets, with_error: Ints) -> pd.DataFrame:
    """Return ranks, sets, letters and detectable differences of the units that have an error."""
    value, every_row = sets.frame["value"].to_numpy(), range(len(sets.frame))
    values = pd.Series(value[with_error], with_error).round(9)
    rank_of = values.rank(method="min", ascending=False).astype(int)
    better = sets.better
    n_better = (sets.separated & ~better)[with_error].sum(axis=1)
    n_worse = better[with_error].sum(axis=1)
    ranks = {
        "rank": rank_of.to_numpy(),
        "rank_low": 1 + n_better,
        "rank_high": len(with_error) - n_worse,
    }
    letters = pd.Series(_letter_units(better, with_error), with_error, dtype=object)
    table = pd.DataFrame(ranks, with_error).reindex(every_row).astype("Int64")
    table["letter"] = letters.reindex(every_row).fillna("").to_numpy()
    table["detectable"] = _detectable_difference(sets, rank_of)
    return table.set_axis(sets.frame.index, axis=0)


def _letter_units(better: PairFlags, with_error: Ints) -> list[str]:
    """Give letters: A if no unit is surely better, B if no unit of the rest is, and so on."""
    left, letters = with_error, dict[int, str]()
    number = 0
    while left.size:
        first = left[~better[np.ix_(left, left)].any(axis=0)]
        letters |= dict.fromkeys(first.tolist(), _letter_text(number))
        left, number = np.setdiff1d(left, first), number + 1
    return [letters[int(unit)] for unit in with_error]


def _letter_text(number: int) -> str:
    """Return a number as letters: A to Z, then AA, AB and so on."""
    more, last = divmod(number, 26)
    return (_letter_text(more - 1) if more else "") + chr(ord("A") + last)


def _detectable_difference(sets: RankSets, rank_of: "pd.Series[int]") -> Floats:
    """Return (crit + z₀.₈)·se of the difference to the best; of the best to the second."""
    difference = np.full(len(sets.frame), np.nan)
    if len(rank_of) < 2:
        return difference
    order = rank_of.sort_values(kind="stable").index.to_numpy()
    unit = rank_of.index.to_numpy()
    other = np.where(unit == order[0], order[1], order[0])
    critical, se = sets.critical[unit, other], sets.se[unit, other]
    difference[unit] = (critical + normal_quantile(TEST_POWER)) * se
    return difference


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Estimates):
    """The overall index of each unit in order, with ``sets``: one ``RankSets`` per group."""

    sets: Mapping[str, RankSets] = field(default_factory=dict)

    def range_texts(self) -> list[str]:
        """Return the rank set of each row as text, ``1–18``; empty if unranked."""
        ends = zip(self.frame["rank_low"], self.frame["rank_high"], strict=True)
        return ["" if pd.isna(low) else f"{low}–{high}" for low, high in ends]

    def pairs(self, group: str) -> pd.DataFrame:
        """Return every pair of ranked units of a group, the better unit first.

        Columns ``unit``, ``other``, ``value`` (points), ``se``, ``low``, ``high`` (all pairs hold
        together) and ``told`` (whether the first is surely better).

        Source: rules R2 and R3 in docs/method.md.
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


def rank(
    scores: Estimates,
    min_forms: int = 30,
    *,
    level: float = 0.95,
    seed: int = 1,
    set_apart: Collection[str] | None = None,
) -> Ranking:
    """Rank the units of each group by their overall index, with rank sets and letters.

    Ties share the better rank (1, 2, 2, 4). A unit below ``min_forms`` or below the smallest
    publishable cell keeps its index and interval and gets no rank; see ``reason``. So does a unit
    of ``set_apart`` (M9); the ranks of the others are those without it. Errors are those of the
    sample, with the covariance of units that share clusters; at 0 and 100 %, where
    there is none, that of the exact interval.

    Args:
        scores: Estimates by unit, as ``score(survey, by="unit")`` returns them.
        min_forms: Fewest forms of a ranked unit (M7).
        level: Confidence of the sets.
        seed: Seed of the draws.
        set_apart: Codes of units whose forms need a second look and are not yet accepted; found
            in the survey of the scores if left out. None is set apart if it is empty.

    Returns:
        The overall rows, best first within a group, with ``rank``, ``rank_low``, ``rank_high``,
        ``letter``, ``detectable`` (points; missing if unranked) and ``reason`` (``""``,
        ``flagged``, ``few_forms``, ``suppressed`` or ``no_error``).

    Source: rules R1 to R4, M7, M9, V3 and P2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ranked = sipas.rank(sipas.score(survey, by="unit"), min_forms=20)
        >>> labour = ranked.select(unit="so-ldtbxh").frame.iloc[0]
        >>> int(labour["rank"]), labour["letter"]
        (2, 'A')
    """
    if "unit" not in scores.frame:
        raise ColumnError("no_key", key="unit", known=", ".join(scores.frame.columns[:3]))
    rows = np.flatnonzero(scores.frame["level"] == OVERALL)
    overall = scores.frame.iloc[rows].reset_index(drop=True)
    if set_apart is None:
        survey = scores.survey if isinstance(scores, Scores) else None
        set_apart = find_open_units(survey) if survey is not None else ()
    overall["reason"] = _list_reasons(overall, min_forms, set_apart)
    sets: dict[str, RankSets] = {}
    for group, unsorted_units in overall[overall["reason"] == ""].groupby("group", sort=True):
        units = unsorted_units.sort_values("unit")  # the order of rows must not matter
        sigma = _unit_covariance(scores.take(rows[units.index]))
        value = pd.Series(units["value"].to_numpy(), pd.Index(units["unit"], name="unit"))
        group_sets = rank_sets(value, sigma, units["df"].to_numpy(), level, seed=seed)
        sets[str(group)] = group_sets
        overall.loc[units.index, RANK_COLUMNS] = group_sets.frame[RANK_COLUMNS].set_index(
            units.index
        )
    columns = [*overall.columns.difference(RANK_COLUMNS, sort=False), *RANK_COLUMNS]
    overall = overall.reindex(columns=columns)
    overall = overall.astype(dict.fromkeys(RANK_COLUMNS[:3], "Int64") | {"letter": object})
    overall["letter"] = overall["letter"].fillna("")
    return _sort_units(overall, scores, rows, sets)


def _list_reasons(
    overall: pd.DataFrame, min_forms: int, set_apart: Collection[str]
) -> NDArray[np.object_]:
    """Return why each unit has no rank; the last reason that applies, empty if ranked."""
    reasons = np.full(len(overall), "", dtype=object)
    reasons[overall["se"].isna()] = "no_error"
    reasons[overall["unit"].isin(set_apart)] = "flagged"
    reasons[overall["n_valid"] < min_forms] = "few_forms"
    reasons[overall["flag"] == "suppress"] = "suppressed"
    return reasons


def _sort_units(
    overall: pd.DataFrame, scores: Estimates, rows: Ints, sets: Mapping[str, RankSets]
) -> Ranking:
    """Return the units best first within their group, ranks before the value."""
    keys = overall.assign(unranked=overall["rank"].isna(), down=-overall["value"])
    best_first = keys.sort_values(["group", "unranked", "down", "unit"]).index.to_numpy()
    columns = [name for name in overall if name not in (*RANK_COLUMNS, "reason")]
    at = columns.index("value")
    columns = [*columns[:at], *RANK_COLUMNS, *columns[at:], "reason"]
    table = overall.loc[best_first, columns].reset_index(drop=True)
    influence = None if scores.influence is None else scores.influence[rows[best_first]]
    return Ranking(table, scores.totals, influence, sets)


def _unit_covariance(units: Estimates) -> Floats:
    """Return the covariance of units; at 0 and 100 % the variance comes from the interval."""
    value, low, high, se, df = (
        units.frame[name].to_numpy(dtype=float) for name in ("value", "low", "high", "se", "df")
    )
    sigma = np.zeros((len(se),) * 2) if units.influence is None else units.covariance()
    np.fill_diagonal(sigma, se**2)
    is_end = (value <= 0) | (value >= 100)
    se_at_end = np.where(value <= 0, high - value, value - low) / t_quantile(0.975, df)
    sigma[is_end], sigma[:, is_end] = 0.0, 0.0
    sigma[is_end, is_end] = se_at_end[is_end] ** 2
    return sigma
