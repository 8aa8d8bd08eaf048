"""Estimate correlations of the traits behind ordered answers, with the error of the sample.

Ordered answers are taken as a normal trait that was cut at thresholds. Pearson's correlation of the
levels is too small where most people choose the same level; the polychoric one is not, but then
rests on few answers: a warning says where (rule D13).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import optimize, special

from sipas_analysis.arguments import check_level
from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Floats, check_columns
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.measure.adjustment import check_numbers
from sipas_analysis.measure.item_answers import (
    ItemAnswers,
    Sample,
    estimate_errors,
    list_items,
    read_sample,
    read_wording,
    share_levels,
    weigh_members,
)
from sipas_analysis.messages import say

FEW_FORMS = 3
MOST = 0.9999  # largest correlation that is searched, as in R polycor
SKEWED = 0.9  # share of one level above which correlations mean little (rule D8)
STEP = 1e-5  # of the central differences of the score
TINY = 1e-300


@dataclass(frozen=True, eq=False, repr=False)
class Polychoric(ResultTable):
    """Polychoric correlations of items.

    Attributes:
        frame: One row per pair: ``first``, ``second``, ``value``, ``se``, ``low``, ``high``,
            ``df``, ``n`` (forms that answered both), ``empty`` (pairs of levels nobody chose).
        thresholds: One row per item and cut: ``variable``, ``answer`` (the level below the cut),
            ``value``, from all forms that answered the item.
        items: One row per item: ``variable``, ``n_valid``, ``floor`` and ``ceiling`` (shares of the
            lowest and the highest level chosen), ``most`` (share of the commonest level).
        warnings: Message ids after ``polychoric.``: ``skewed``, ``empty``, ``bound``.
    """

    frame: pd.DataFrame
    thresholds: pd.DataFrame
    items: pd.DataFrame
    warnings: tuple[str, ...]
    decimals = 4

    @property
    def matrix(self) -> pd.DataFrame:
        """The correlations as a labelled square table."""
        names = self.items["variable"].tolist()
        square = pd.DataFrame(np.eye(len(names)), names, names)
        for first, second, value in self.frame[["first", "second", "value"]].to_numpy():
            square.loc[first, second] = square.loc[second, first] = value
        return square

    def sentences(self) -> list[str]:
        """Return the warnings, with the items they are about."""
        skewed = self.items.loc[self.items["most"] >= SKEWED, "variable"]
        n_empty = int((self.frame["empty"] > 0).sum())
        fields = {"items": ", ".join(skewed), "n": n_empty, "pairs": len(self.frame)}
        return [say(self.language, f"polychoric.{word}", **fields) for word in self.warnings]


def polychoric(
    sample: Sample,
    variables: str | Sequence[str] | None = None,
    *,
    weights: str | None = None,
    level: float = 0.95,
) -> Polychoric:
    """Estimate the polychoric correlation of each pair of ordered items, in two steps.

    Thresholds are normal quantiles of the cumulative shares of each item; then ρ maximises
    Σ n_kl ln P_kl(ρ), P_kl a rectangle of the bivariate normal distribution. Errors are linearised,
    with the error of the thresholds, under the design; interval of atanh ρ by t.

    Args:
        sample: A frame with one row per form, a design, or a survey.
        variables: Items of numeric levels, or ordered categories, two or more; all items of a
            survey but the question on the whole, if left out. Levels are those that were chosen.
        weights: Column of weights, of a frame.
        level: Confidence of the intervals.

    Returns:
        See ``Polychoric``. Each pair and its thresholds rest on the forms that answered both items,
        as R ``polycor::polychor(ML=FALSE)``; without blanks also as ``psych::polychoric``. Nothing
        is added to pairs of levels that nobody chose. At the bound ±0.9999 there is no error.

    Raises:
        DesignError: A column is missing, holds text, or everybody chose the same level; fewer than
            three forms answered both items.

    Source: rule D13 in docs/method.md; Olsson (1979), doi:10.1007/BF02296207.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> trait = rng.normal(size=500)
        >>> cuts = [-1, 0, 1]
        >>> frame = pd.DataFrame({q: np.digitize(trait + rng.normal(size=500), cuts) for q in "ab"})
        >>> polychoric(frame, ["a", "b"]).frame["value"].round(1).tolist()
        [0.5]
    """
    check_level(level)
    design, names = read_sample(sample, weights), list_items(sample, variables)
    check_columns(names, design.frame.columns)
    if len(names) < 2:
        raise DesignError("polychoric_few", n=len(names))
    levels = np.column_stack([_read_levels(design.frame[name], name) for name in names])
    weight, pairs = weigh_members(design), [*combinations(range(len(names)), 2)]
    influence, rows = np.full((len(levels), len(pairs)), np.nan), []
    for at, pair in enumerate(pairs):
        both = np.flatnonzero(~np.isnan(levels[:, pair]).any(axis=1) & (weight > 0))
        first, second = (names[item] for item in pair)
        fit = fit_pair(levels[both][:, pair], weight[both], (first, second))
        influence[both, at] = fit.influence / weight[both].sum()
        facts = {"value": fit.rho, "n": len(both), "empty": fit.n_empty}
        rows.append({"first": first, "second": second, **facts})
    table = _add_intervals(pd.DataFrame(rows), *estimate_errors(design, influence), level)
    items = _tabulate_levels(levels, weight, names)
    return Polychoric(
        table,
        _tabulate_thresholds(levels, weight, names),
        items,
        _list_warnings(table, items),
        wording=read_wording(sample),
    )


def correlate_polychoric(answers: ItemAnswers) -> tuple[Floats, Floats]:
    """Return the polychoric correlations of complete forms, and each form's influence on each pair.

    Args:
        answers: Complete answers.

    Returns:
        Shapes (k, k) and (n, k(k−1)/2); the influence is blank where ρ is at its bound.
    """
    pairs = [*combinations(range(len(answers.names)), 2)]
    corr, influence = np.eye(len(answers.names)), np.empty((len(answers.rows), len(pairs)))
    for at, pair in enumerate(pairs):
        names = answers.names[pair[0]], answers.names[pair[1]]
        fit = fit_pair(answers.answers[:, pair], answers.weight, names)
        corr[pair] = corr[pair[::-1]] = fit.rho
        influence[:, at] = fit.influence
    return corr, influence


@dataclass(frozen=True)
class PairFit:
    """The correlation of two items.

    Attributes:
        rho: The polychoric correlation.
        influence: Of each form on it, before its share of the weights, shape (n,); blank where
            the likelihood still rises at ±0.9999.
        n_empty: Pairs of levels that nobody chose.
    """

    rho: float
    influence: Floats
    n_empty: int


@dataclass(frozen=True)
class _Table:
    """Shares of the answers to two items, shape (K, L)."""

    shares: Floats = field(repr=False)

    @cached_property
    def cuts(self) -> tuple[Floats, Floats]:
        """Thresholds of the rows (K − 1,) and of the columns (L − 1,)."""
        rows, columns = (np.cumsum(self.shares.sum(axis=axis))[:-1] for axis in (1, 0))
        return special.ndtri(rows), special.ndtri(columns)

    def compute_score(self, rho: float, rows: Floats, columns: Floats) -> float:
        """Return the slope of the mean log-likelihood by ρ at these thresholds."""
        chance, slope = _compute_rectangles(rho, rows, columns)
        return float((self.shares * slope / np.maximum(chance, TINY)).sum())

    def compute_likelihood(self, rho: float) -> float:
        """Return the mean log-likelihood at the thresholds of the table."""
        chance = _compute_rectangles(rho, *self.cuts)[0]
        return float((self.shares * np.log(np.maximum(chance, TINY))).sum())

    def find_maximum(self) -> float:
        """Return ρ with the largest likelihood: a grid, then the root of the score."""
        grid = np.concatenate([[-MOST], np.linspace(-0.98, 0.98, 9), [MOST]])
        at = int(np.argmax([self.compute_likelihood(rho) for rho in grid]))
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        ends = [self.compute_score(rho, *self.cuts) for rho in (low, high)]
        if ends[0] > 0 > ends[1]:
            root = optimize.brentq(self.compute_score, low, high, self.cuts, 1e-14, 1e-14)
            return float(root)
        return float(grid[at])


def fit_pair(levels: Floats, weight: Floats, names: tuple[str, str]) -> PairFit:
    """Fit ρ of two items, with each form's influence on it.

    The influence on ρ is −(s + Σ ∂S/∂τ·ψ_τ)/(∂S/∂ρ), s the form's score, S its mean, ψ_τ the
    influence on a threshold: (1{x ≤ k} − c_k)/φ(τ_k). All depend on the pair of levels only.

    Args:
        levels: Levels of both items, shape (n, 2), none blank.
        weight: Weights, shape (n,).
        names: The items, for errors.

    Raises:
        DesignError: Fewer than three forms, or everybody chose the same level of an item.
    """
    named = dict(zip(("first", "second"), names, strict=True))
    if len(levels) < FEW_FORMS:
        raise DesignError("polychoric_forms", (), n=len(levels), least=FEW_FORMS, **named)
    numbers = [pd.factorize(column, sort=True) for column in levels.T]
    (row, rows), (column, columns) = numbers
    if len(rows) < 2 or len(columns) < 2:
        raise DesignError("polychoric_constant", (), **named)
    size = (len(rows), len(columns))
    counts = np.bincount(row * size[1] + column, weight, size[0] * size[1]).reshape(size)
    table = _Table(counts / counts.sum())
    rho = table.find_maximum()
    is_at_bound = abs(rho) >= MOST
    of_cell = np.full(size, np.nan) if is_at_bound else _compute_influence(table, rho)
    return PairFit(rho, of_cell[row, column], int((counts == 0).sum()))


def _compute_influence(table: _Table, rho: float) -> Floats:
    """Return the influence on ρ of a form in each cell of the table, shape (K, L)."""
    rows, columns = table.cuts
    chance, slope = _compute_rectangles(rho, rows, columns)
    score = slope / np.maximum(chance, TINY)

    def differentiate(at: int) -> float:
        ends = []
        for sign in (STEP, -STEP):
            point = np.concatenate([[rho], rows, columns])
            point[at] += sign
            parts = np.split(point, [1, 1 + len(rows)])
            ends.append(table.compute_score(float(parts[0][0]), parts[1], parts[2]))
        return (ends[0] - ends[1]) / (2 * STEP)

    for axis, cuts, offset in ((0, rows, 1), (1, columns, 1 + len(rows))):
        cumulative = np.cumsum(table.shares.sum(axis=1 - axis))[:-1]
        is_below = np.arange(len(cuts) + 1)[:, None] <= np.arange(len(cuts))
        of_cut = (is_below - cumulative) / _normal_density(cuts)
        moved = of_cut @ np.array([differentiate(offset + at) for at in range(len(cuts))])
        score = score + (moved[:, None] if axis == 0 else moved[None, :])
    return np.asarray(-score / differentiate(0))


def _compute_rectangles(rho: float, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Return the chance of each pair of levels, and its slope by ρ, shape (K, L)."""
    h, k = rows[:, None], columns[None, :]
    below = np.zeros((len(rows) + 2, len(columns) + 2))
    slope = np.zeros_like(below)
    below[1:-1, 1:-1] = compute_bivariate_normal(h, k, rho)
    below[1:-1, -1], below[-1, 1:-1], below[-1, -1] = special.ndtr(rows), special.ndtr(columns), 1.0
    rest = 1 - rho**2
    slope[1:-1, 1:-1] = np.exp(-(h**2 - 2 * rho * h * k + k**2) / (2 * rest)) / (
        2 * np.pi * np.sqrt(rest)
    )
    return np.diff(np.diff(below, axis=0), axis=1), np.diff(np.diff(slope, axis=0), axis=1)


def compute_bivariate_normal(h: Floats, k: Floats, rho: float) -> Floats:
    """Return P(X ≤ h, Y ≤ k) of standard normals with correlation ρ, by Owen's T (1956).

    Example:
        >>> compute_bivariate_normal(np.zeros(1), np.zeros(1), 0.5).round(12).tolist()
        [0.333333333333]
    """
    h, k = (np.where(np.abs(cut) < TINY, TINY, cut) for cut in (h, k))
    root = np.sqrt(1 - rho**2)
    with np.errstate(over="ignore"):
        by_h, by_k = (k - rho * h) / (h * root), (h - rho * k) / (k * root)
    both = (special.ndtr(h) + special.ndtr(k)) / 2 - np.where(h * k < 0, 0.5, 0.0)
    return np.asarray(both - special.owens_t(h, by_h) - special.owens_t(k, by_k))


def _normal_density(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def _read_levels(column: "pd.Series[float]", name: str) -> Floats:
    """Return levels as numbers, of ordered categories their place, shape (n,)."""
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
        codes = column.cat.codes.to_numpy(dtype=float)
        return np.where(codes < 0, np.nan, codes)
    check_numbers(column.to_frame(), [name], [name])
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan))


def _add_intervals(table: pd.DataFrame, se: Floats, df: Floats, level: float) -> pd.DataFrame:
    """Return the pairs with error and interval: that of atanh ρ by t, turned back."""
    rho, known_se = table["value"].to_numpy(dtype=float), np.where(se > 0, se, np.nan)
    half = t_quantile((1 + level) / 2, df) * known_se / (1 - rho**2)
    low, high = (np.tanh(np.arctanh(rho) + sign * half) for sign in (-1, 1))
    errors = {"se": known_se, "low": low, "high": high, "df": df}
    first = ["first", "second", "value"]
    return pd.concat([table[first], pd.DataFrame(errors), table.drop(columns=first)], axis=1)


def _tabulate_levels(levels: Floats, weight: Floats, names: Sequence[str]) -> pd.DataFrame:
    rows = []
    for name, column in zip(names, levels.T, strict=True):
        _, shares, n = share_levels(column, weight)
        ends = {"floor": shares[0], "ceiling": shares[-1], "most": shares.max()}
        rows.append({"variable": name, "n_valid": n, **ends})
    return pd.DataFrame(rows)


def _tabulate_thresholds(levels: Floats, weight: Floats, names: Sequence[str]) -> pd.DataFrame:
    parts = []
    for name, column in zip(names, levels.T, strict=True):
        answers, shares, _ = share_levels(column, weight)
        cuts = special.ndtri(np.cumsum(shares)[:-1])
        parts.append(pd.DataFrame({"variable": name, "answer": answers[:-1], "value": cuts}))
    return pd.concat(parts, ignore_index=True)


def _list_warnings(table: pd.DataFrame, items: pd.DataFrame) -> tuple[str, ...]:
    applies = {
        "skewed": bool((items["most"] >= SKEWED).any()),
        "empty": bool((table["empty"] > 0).any()),
        "bound": bool((table["value"].abs() >= MOST).any()),
    }
    return tuple(word for word, is_true in applies.items() if is_true)
