"""Rank units, estimate the precision of the ranks, and group units that do not differ for sure.

A rank is the position of an unrounded value (R1). Its rank set is the range of ranks that the
sample does not rule out, for all units of a group at once (R2). Units that no other unit surely
beats share a letter (R3). Publish groups rather than ranks: with sixty units and errors of two
points a set is fifty ranks wide. A letter does not compare two units; ``pairs`` does. Do not
use rank sets for a few units drawn from many.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sipas_analysis.arguments import (
    check_count,
    check_kind,
    check_level,
    check_word,
    list_known,
    list_names,
    read_numbers,
    refuse_kind,
)
from sipas_analysis.errors import ColumnError, DesignError
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.infer.distributions import normal_quantile, t_quantile
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.result_table import SUPPRESS, ResultTable
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.scores import Scores, check_units, list_further_keys
from sipas_analysis.measure.step_down import (
    Kind,
    PairFlags,
    compare_pairs,
    find_critical_values,
    separate_pairs,
)
from sipas_analysis.progress import watch
from sipas_analysis.quality.findings import find_open_units

TEST_POWER = 0.8
ROUNDING = 1e-12  # of a covariance between units whose forms do not differ
MOST_UNITS = 300  # ranked units of a group of which every pair is published
NEAR = 10  # places between units of a larger group whose pair is published
RANK_COLUMNS = ["rank", "rank_low", "rank_high", "letter", "detectable"]


@dataclass(frozen=True, eq=False, repr=False)
class RankSets(ResultTable):
    """Ranks of p units with their confidence sets.

    Attributes:
        frame: One row per unit in the order given: ``value``, ``se``, ``rank``, ``rank_low``,
            ``rank_high``, ``letter`` and ``detectable``; missing where a unit has no error.
            ``seed_sensitive`` says whether draws with another seed could move an end of the set.
        se: Standard error of each difference, shape (p, p).
        df: Degrees of freedom of each difference, shape (p, p).
        separated: Whether the pair surely differs in the set of the row's unit, shape (p, p).
        bars: Critical values of the last and the first step for the set of each unit, as z
            values, shape (2, p).
    """

    index_name = "unit"
    main_columns = ("value", "rank", "rank_low", "rank_high", "letter", "detectable")
    frame: pd.DataFrame
    se: Floats
    df: Floats
    separated: PairFlags
    bars: Floats

    @cached_property
    def critical(self) -> Floats:
        """How many standard errors a difference must exceed in the last step, shape (p, p).

        It is already at the degrees of freedom of the pair.
        """
        return find_critical_values(self.bars[0][:, None], self.df)

    @cached_property
    def critical_all(self) -> Floats:
        """The same in the first step, where no pair is left out, shape (p, p).

        The intervals of all pairs, difference ± ``critical_all``·``se``, hold at once.
        """
        return find_critical_values(self.bars[1][:, None], self.df)

    @property
    def better(self) -> PairFlags:
        """Whether the row's unit is surely better than the column's, shape (p, p)."""
        value = self.frame["value"].to_numpy(dtype=float)
        return np.asarray(self.separated & (value[:, None] > value))

    def pairs(self, leaders: Collection[str] | None = None) -> pd.DataFrame:
        """Return every pair of ranked units, the better unit first.

        If ``leaders`` are given, of more than 300 units only the pairs with one of these and the
        pairs at most 10 places apart are returned: 2,000 units have two million pairs.

        Columns ``unit``, ``other``, ``value`` (difference), ``se``, ``low``, ``high`` (all pairs
        hold together) and ``told`` (whether the first is surely better). A pair that is told only
        in a later step has an interval that begins at 0.

        Source: rules R2 and R3 in docs/method.md.
        """
        rank_of = self.frame["rank"].reset_index(drop=True).dropna()
        order = rank_of.sort_values(kind="stable").index.to_numpy()
        place, lower = np.triu_indices(len(order), 1)
        if leaders is not None and len(order) > MOST_UNITS:
            leads = self.frame.index.isin([*leaders])[order]
            is_listed = (lower - place <= NEAR) | leads[place] | leads[lower]
            place, lower = place[is_listed], lower[is_listed]
        first, second = order[place], order[lower]
        units, value = self.frame.index.to_numpy(), self.frame["value"].to_numpy()
        critical = find_critical_values(self.bars[1][first], self.df[first, second])
        gap, half = value[first] - value[second], critical * self.se[first, second]
        told = self.better[first, second]
        return pd.DataFrame(
            {
                "unit": units[first],
                "other": units[second],
                "value": gap,
                "se": self.se[first, second],
                "low": np.where(told, np.maximum(gap - half, 0.0), gap - half),
                "high": gap + half,
                "told": told,
            }
        )


def rank_sets(
    values: ArrayLike,
    errors: ArrayLike,
    df: ArrayLike | None = None,
    level: float = 0.95,
    kind: Kind = "simultaneous",
    *,
    draws: int | None = None,
    seed: int = 1,
) -> RankSets:
    """Return the ranks that each of p units can have, given its estimate and error.

    Unit u is surely better than v if (θ̂ᵤ − θ̂ᵥ)/seᵤᵥ, as a z value, exceeds the ``level`` quantile
    of the largest such ratio, of both directions of all pairs, in draws from N(0, Σ). Such a
    direction of a pair is left out, its opposite stays, and the quantile is found anew until
    nothing more is left out (step-down). ``rank_low`` = 1 + number of units surely better,
    ``rank_high`` = p − number of units surely worse.

    Args:
        values: Estimates, shape (p,), high is good; a series keeps its index.
        errors: Standard errors of independent units, (p,), or covariance, shape (p, p); a series
            or frame with the labels of ``values`` is put into their order.
        df: Degrees of freedom of each error, shape (p,) or one number; infinite if left out. A
            t ratio is turned into z at the pair's Satterthwaite df.
        level: Confidence.
        kind: ``simultaneous`` (all sets hold together) or ``marginal`` (each holds alone: only
            pairs with the unit count).
        draws: Number of draws; if left out 10,000, and where a set depends on the seed as many
            more as take a quarter of a second (at most 50,000).
        seed: Seed of the draws; the order of the units does not matter.

    Returns:
        Ranks, sets, letters and ``detectable``: the difference to the best (for the best, to the
        second) that would be found four times in five. No unit: no row; one: rank 1 of 1.

    Raises:
        DesignError: Shapes or labels do not fit, a variance is negative, a covariance cannot be.
        ParameterError: Level, kind or number of draws cannot be.

    Source: rules R1 to R4 in docs/method.md; Mogstad, Romano, Shaikh, Wilhelm (2024),
    doi:10.1093/restud/rdad006.

    Example:
        >>> values = pd.Series({"a": 90.0, "b": 80.0, "c": 80.0})
        >>> ranks = rank_sets(values, [1.0, 1.0, 1.0]).frame
        >>> print(ranks[["rank", "rank_low", "rank_high", "letter"]])
           rank  rank_low  rank_high letter
        a     1         1          1      A
        b     2         2          3      B
        c     2         2          3      B
    """
    check_level(level)
    check_word(kind, get_args(Kind), "kind")
    if draws is not None and not (isinstance(draws, int | float | np.integer) and draws >= 1):
        raise refuse_kind(draws, "draws", "draws")
    check_count(seed, "seed")
    value, sigma, freedom = _read_inputs(values, errors, df)
    with_error = np.flatnonzero(~np.isnan(value + np.diagonal(sigma)) & (freedom > 0))
    by_value = np.lexsort((np.diagonal(sigma)[with_error], value[with_error]))
    at = with_error[by_value]  # so that draws belong to ranks, not to positions in the input
    grid = np.ix_(at, at)
    _check_covariance(sigma[grid], at)
    pairs = compare_pairs(value[at], sigma[grid], freedom[at])
    n_draws = None if draws is None else int(draws)  # 1e5 is a whole number
    separation = separate_pairs(pairs, sigma[grid], level, kind, draws=n_draws, seed=seed)
    p = len(value)
    separated, sensitive = np.zeros((2, p, p), bool)
    se, pair_df = np.full((2, p, p), np.nan)
    separated[grid], sensitive[grid] = separation.separated, separation.sensitive
    se[grid], pair_df[grid] = pairs.se, pairs.df
    bars = np.full((2, p), np.nan)
    bars[:, at] = separation.last_bar, separation.first_bar
    index = values.index if isinstance(values, pd.Series) else None
    frame = pd.DataFrame({"value": value, "se": np.sqrt(np.diagonal(sigma))}, index=index)
    sets = RankSets(frame, se, pair_df, separated, bars)
    ranks = _rank_columns(sets, with_error).assign(seed_sensitive=np.asarray(sensitive.any(axis=1)))
    return replace(sets, frame=pd.concat([frame, ranks], axis=1))


def _read_inputs(
    values: ArrayLike, errors: ArrayLike, df: ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Return values (p,), covariance (p, p) and degrees of freedom (p,), or refuse."""
    labels = values.index if isinstance(values, pd.Series) else None
    value = _read_numbers(values, None, "values")
    error = _read_numbers(errors, labels, "errors")
    p = len(value) if value.ndim == 1 else -1
    if error.shape not in ((p,), (p, p)) or p < 0:
        raise DesignError("rank_shape", values=value.shape, errors=error.shape)
    sigma = np.diag(error**2) if error.ndim == 1 else error
    negative = np.flatnonzero((error if error.ndim == 1 else np.diagonal(error)) < 0)
    if negative.size:
        raise DesignError("rank_negative", row=int(negative[0]) + 1)
    infinite = np.flatnonzero(np.isinf(value) | np.isinf(np.diagonal(sigma)))
    if infinite.size:
        raise DesignError("design_infinite", column="values", row=int(infinite[0]) + 1)
    freedom = _read_numbers(np.inf if df is None else df, labels, "df")
    if freedom.shape not in ((), (p,)):
        raise DesignError("rank_shape", values=value.shape, errors=freedom.shape)
    return value, sigma, np.broadcast_to(freedom, (p,))


def _read_numbers(given: ArrayLike, labels: pd.Index | None, role: str) -> Floats:
    """Return an argument as numbers; if it has the labels of the values, in their order."""
    if not isinstance(given, pd.Series | pd.DataFrame) or labels is None:
        return read_numbers(given, role)
    if labels.isin(given.index).any() and not given.index.equals(labels):
        wrong = [
            *labels.symmetric_difference(given.index, sort=False),
            *labels[labels.duplicated()],
            *given.index[given.index.duplicated()],
        ]
        if wrong:
            raise DesignError("rank_labels", role=role, label=wrong[0])
        is_square = isinstance(given, pd.DataFrame) and given.columns.equals(given.index)
        given = given.loc[labels, labels] if is_square else given.loc[labels]
    return read_numbers(given, role)


def _check_covariance(sigma: Floats, at: Ints) -> None:
    """Refuse a covariance that is blank, not symmetric or above what its variances allow."""
    root = np.sqrt(np.diagonal(sigma))
    excess = np.maximum(np.abs(sigma - sigma.T), np.abs(sigma) - np.outer(root, root))
    wrong = np.argwhere(~(excess <= 1e-6 * np.outer(root, root) + ROUNDING))
    if wrong.size:
        row, other = sorted(int(at[place]) + 1 for place in wrong[0])
        raise DesignError("rank_covariance", row=row, other=other)


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
    """Return (crit + z₀.₈)·se of the difference to the best; of the best to the second.

    The critical value is of the first step, so that it does not depend on what other pairs do.
    """
    difference = np.full(len(sets.frame), np.nan)
    if len(rank_of) < 2:
        return difference
    order = rank_of.sort_values(kind="stable").index.to_numpy()
    unit = rank_of.index.to_numpy()
    other = np.where(unit == order[0], order[1], order[0])
    critical = find_critical_values(sets.bars[1][unit], sets.df[unit, other])
    difference[unit] = (critical + normal_quantile(TEST_POWER)) * sets.se[unit, other]
    return difference


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Estimates):
    """The overall index of each unit in order, with ``sets``: one ``RankSets`` per group."""

    main_columns = (
        *("group", "rank", "unit_name", "value", "low", "high"),
        *("rank_low", "rank_high", "letter", "n_valid", "reason"),
    )
    sets: Mapping[str, RankSets] = field(default_factory=dict)

    def _list_row_keys(self) -> list[str]:
        return list_further_keys(self.frame)

    def range_texts(self) -> list[str]:
        """Return the rank set of each row as text, ``1–18``, or ``3``; empty if unranked."""
        ends = zip(self.frame["rank_low"], self.frame["rank_high"], strict=True)
        return [
            "" if pd.isna(low) else f"{low}" if low == high else f"{low}–{high}"
            for low, high in ends
        ]

    def pairs(self, group: str, leaders: Collection[str] | None = None) -> pd.DataFrame:
        """Return the pairs of ranked units of a group, as ``RankSets.pairs`` does."""
        if group not in self.sets:
            raise ColumnError("no_rank_group", group=group, known=list_known(group, self.sets))
        return self.sets[group].pairs(leaders)


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
        ``flagged``, ``few_forms``, ``suppressed``, ``no_error``, or ``alone`` where no other unit
        of the group can be ranked and some are not published). ``sets[group].frame`` says in
        ``seed_sensitive`` which sets another seed could change.

    Raises:
        ColumnError: The scores are not by unit, or have several rows of a unit.

    Source: rules R1 to R4, M7, M9, V3 and P2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ranked = sipas.rank(sipas.score(survey, by="unit"), min_forms=20)
        >>> labour = ranked.select(unit="so-ldtbxh").frame.iloc[0]
        >>> int(labour["rank"]), labour["letter"]
        (2, 'A')
    """
    check_kind(scores, Estimates, "scores")
    if "level" not in scores.frame:
        raise refuse_kind(scores, "scores", "scores")
    check_units(scores)
    check_count(min_forms, "min_forms")
    check_level(level)
    rows = np.flatnonzero(scores.frame["level"] == OVERALL)
    overall = scores.frame.iloc[rows].reset_index(drop=True)
    if set_apart is None:
        survey = scores.survey if isinstance(scores, Scores) else None
        set_apart = find_open_units(survey) if survey is not None else ()
    apart = list_names(set_apart, "set_apart", "codes")
    overall["reason"] = _list_reasons(overall, min_forms, apart)
    sets: dict[str, RankSets] = {}
    ranked = overall[overall["reason"] == ""]
    for group, unsorted_units in watch([*ranked.groupby("group", sort=True)]):
        units = unsorted_units.sort_values("unit")  # the order of rows must not matter
        sigma = covariance_with_ends(scores.take(rows[units.index]))
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
    reasons[overall["flag"] == SUPPRESS] = "suppressed"
    marks = pd.DataFrame({"ranked": reasons == "", "hidden": reasons == "suppressed"})
    n_marks = marks.groupby(overall["group"].to_numpy(), dropna=False).transform("sum")
    is_alone = marks["ranked"] & (n_marks["ranked"] == 1) & (n_marks["hidden"] > 0)
    reasons[is_alone.to_numpy()] = "alone"
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
    return Ranking(table, scores.totals, influence, sets, wording=scores.wording)


def covariance_with_ends(units: Estimates) -> Floats:
    """Return the covariance of estimates; at 0 and 100 % the variance comes from the interval."""
    value, low, high, se, df = (
        units.frame[name].to_numpy(dtype=float) for name in ("value", "low", "high", "se", "df")
    )
    has_covariance = units.influence is not None
    sigma = units.covariance_matrix() if has_covariance else np.zeros((len(se),) * 2)
    np.fill_diagonal(sigma, se**2)
    is_end = (value <= 0) | (value >= 100)
    se_at_end = np.where(value <= 0, high - value, value - low) / t_quantile(0.975, df)
    sigma[is_end], sigma[:, is_end] = 0.0, 0.0
    sigma[is_end, is_end] = se_at_end[is_end] ** 2
    return sigma
