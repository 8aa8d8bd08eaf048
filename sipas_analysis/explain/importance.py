"""Say how much each driver explains, with its error, and how sure the order is.

The explained share of the outcome (R²) is shared out over drivers that move together: LMG gives
each its average gain over all orders, Owen the same with items nested in factors, Johnson's
weights a near answer at once. Importance is not a test: a driver without any effect that correlates
with others has a share; "no effect" is judged on coefficients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy import stats

from sipas_analysis.errors import FitError
from sipas_analysis.explain.collinearity import find_tied_columns, measure_collinearity
from sipas_analysis.explain.formula import check_data, check_request, code_outcome, prepare_frame
from sipas_analysis.explain.imputation import combine_imputations, impute_blanks
from sipas_analysis.explain.likelihoods import Family, maximise_likelihood
from sipas_analysis.explain.regression import FEW_CLUSTERS, Note, collect_notes
from sipas_analysis.explain.shapley import (
    MOST_PLAYERS,
    johnson_weights,
    list_coalitions,
    owen_values,
    shapley_values,
)
from sipas_analysis.explain.standard_errors import estimate_error_covariance
from sipas_analysis.infer.design import Design, Floats, Ints
from sipas_analysis.infer.estimates import ResultTable, compute_slopes
from sipas_analysis.measure.ranking import rank_sets
from sipas_analysis.messages import say

Method = Literal["lmg", "owen", "johnson"]
Groups = Mapping[str, Sequence[str]] | Mapping[str, str]
DRAWS = 10_000
MOST_FITS = 4096


@dataclass(frozen=True, eq=False, repr=False)
class Importance(ResultTable):
    """What each driver explains of the outcome.

    Attributes:
        frame: One row per driver in the order given: ``driver``, ``group``, ``value`` (part of
            R²), ``se``, ``low``, ``high``, ``df``, ``share`` (part of 1), ``share_se``,
            ``share_low``, ``share_high``, ``rank``, ``rank_low``, ``rank_high``, ``vif``,
            ``separable``, ``n``.
        method: How R² was shared out.
        r_squared: What the drivers explain together; McFadden's for logits.
        order_holds: In what share of draws from the estimates' errors the whole order stays.
        n: Forms used.
        lost: Blanks of each variable.
        notes: Warnings that a reader needs.
        covariance: Of the values, shape (m, m).
    """

    decimals = 4
    frame: pd.DataFrame
    method: Method
    r_squared: float
    order_holds: float
    n: int
    lost: "pd.Series[int]"
    notes: tuple[Note, ...]
    covariance: Floats

    def sentences(self) -> list[str]:
        """Say what was shared out and how sure the order is, then what to beware of."""
        r_squared, holds = f"{self.r_squared:.4f}", f"{100 * self.order_holds:.0f}"
        head = say(
            "en",
            "explain.importance",
            method=self.method,
            n=self.n,
            r_squared=r_squared,
            holds=holds,
        )
        return [head, *(note.text("en") for note in self.notes)]

    def by_group(self) -> "pd.Series[float]":
        """Return the value of each group: the sum of its drivers."""
        return self.frame.groupby("group", sort=False)["value"].sum()


def importance(
    design: Design,
    outcome: str,
    drivers: Sequence[str],
    groups: Groups | None = None,
    method: Method = "lmg",
    *,
    family: Family = "gaussian",
    level: float = 0.95,
    missing: str = "complete",
    imputations: int = 20,
    seed: int = 1,
    errors: bool = True,
) -> Importance:
    """Share out what drivers explain of an outcome.

    ``lmg``: φ_k = Σ_T |T|!(m−|T|−1)!/m! · (R²(T∪k) − R²(T)) over all coalitions T, exactly, up to
    22 drivers; with ``groups`` the groups are the players. ``owen``: the same where each group
    joins whole and its drivers come one after another, so that they add up to their group.
    ``johnson``: relative weights. Errors by V1 on the influence of each form on the covariance;
    for logits on each coalition's likelihood.

    Args:
        design: The sample, in memory.
        outcome: Column of the outcome.
        drivers: Columns; numbers, or text and categoricals (then all levels join together).
        groups: Drivers of each group, or the group of each driver.
        method: ``lmg``, ``owen`` or ``johnson``.
        family: ``gaussian``; ``binomial`` or ``ordinal`` share out McFadden's R².
        level: Confidence of the intervals.
        missing: ``complete`` forms only, or ``impute`` blank drivers (multiple imputation).
        imputations: How many, if imputed.
        seed: Of the imputation and of the draws behind ``order_holds`` and rank sets.
        errors: Whether to say how sure that is; without, values come several times as fast.

    Returns:
        ``value`` sums to R², ``share`` to 1; t intervals on clusters − strata; NaN without one.

    Raises:
        FitError: Too many drivers, an outcome or driver that never varies, drivers that cannot be
            columns of a model, groups that do not hold each driver once.

    Source: rule D3 in docs/method.md; Grömping (2007), doi:10.1198/000313007X188252.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1, 2, 2, 4.0], "a": [1, 2, 3, 4], "b": [1, 1, 1, 2]})
        >>> sipas.importance(sipas.Design(frame), "y", ["a", "b"]).frame["share"].round(3).tolist()
        [0.496, 0.504]
    """
    drivers = [drivers] if isinstance(drivers, str) else list(drivers)
    held = _group_drivers(drivers, groups)
    asked = _Request(outcome, tuple(drivers), held, method, family, errors)
    check_request(design, family, missing)
    frame = prepare_frame(design.frame)
    _check_request(asked, frame)
    known = frame[outcome].notna()
    if missing == "impute" and frame.loc[known, drivers].isna().any(axis=None):
        coded_too = frame.assign(**{"\0y": code_outcome(frame[outcome], family)[0]})
        own = impute_blanks(coded_too, ["\0y", *drivers], design.weight, imputations, seed)
        made = _pool_imputations(
            [_share_out(replace(design, frame=one), asked, level) for one in own], level
        )
    else:
        made = _share_out(design, asked, level)
    lost = frame[[outcome, *drivers]].isna().sum()
    return _add_ranks(replace(made, lost=lost), seed)


@dataclass(frozen=True)
class _Request:
    """What was asked; ``groups`` are lists of drivers by name, empty without any."""

    outcome: str
    drivers: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    method: Method
    family: Family
    errors: bool

    @property
    def rows(self) -> list[str]:
        """What gets a value: drivers, or groups that play as wholes."""
        whole = self.method == "lmg" and self.groups
        return [*self.groups] if whole else [*self.drivers]


def _group_drivers(drivers: Sequence[str], groups: Groups | None) -> dict[str, tuple[str, ...]]:
    """Return the drivers of each group, whichever way round they were given."""
    found: dict[str, list[str]] = {}
    for key, held in (groups or {}).items():
        for driver in [key] if isinstance(held, str) else held:
            found.setdefault(held if isinstance(held, str) else key, []).append(driver)
    held_by = [driver for held in found.values() for driver in held]
    for name in (*drivers, *held_by) if groups else ():
        if held_by.count(name) != 1 or name not in drivers:
            raise FitError("importance_groups", name=name)
    return {name: tuple(it for it in drivers if it in held) for name, held in found.items()}


def _check_request(asked: _Request, frame: pd.DataFrame) -> None:
    """Refuse names that are no columns, stand twice, or a method that does not fit."""
    if asked.method not in get_args(Method):
        known = ", ".join(get_args(Method))
        raise FitError("fit_word", word="method", found=asked.method, known=known)
    for name in (asked.outcome, *asked.drivers):
        twice = asked.drivers.count(name) > 1 or (asked.outcome == name and name in asked.drivers)
        if twice or name not in frame:
            raise FitError("importance_driver", name=name)
    if not asked.drivers:
        raise FitError("importance_driver", name="–")
    if asked.method == "owen" and not asked.groups:
        raise FitError("importance_groups", name=asked.drivers[0])
    if asked.method == "johnson" and (asked.family != "gaussian" or asked.groups):
        raise FitError("importance_johnson")
    sizes = [len(it) for it in asked.groups.values()]
    most = max(sizes) + len(sizes) - 1 if asked.method == "owen" else len(asked.rows)
    if most > MOST_PLAYERS and asked.method != "johnson":
        raise FitError("importance_many", found=most, most=MOST_PLAYERS)


def _code_drivers(
    frame: pd.DataFrame, drivers: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """Return numeric columns of the drivers, and which belong to each; text has one per level."""
    parts, at, width = [], {}, 0
    for name in drivers:
        own = frame[name]
        if pd.api.types.is_numeric_dtype(own.dtype):
            part = own.astype(float).to_frame(name)
        else:
            part = pd.get_dummies(own, drop_first=True).astype(float).mask(own.isna())
            part.columns = pd.Index([f"{name}[{level}]" for level in part])
        at[name] = list(range(width, width + part.shape[1]))
        width += part.shape[1]
        parts.append(part)
    return pd.concat(parts, axis=1), at


def _share_out(design: Design, asked: _Request, level: float) -> Importance:
    """Share out R² on the complete forms, with errors."""
    frame = prepare_frame(design.frame)
    x, at = _code_drivers(frame, asked.drivers)
    y, _ = code_outcome(frame[asked.outcome], asked.family)
    rows = np.flatnonzero(~np.isnan(y) & x.notna().all(axis=1).to_numpy())
    data, outcome = x.iloc[rows].reset_index(drop=True), y[rows]
    if asked.family == "ordinal":  # levels that nobody chose are no levels
        outcome = np.searchsorted(np.unique(outcome), outcome).astype(float)
    check_data(data, outcome, 1, asked.family, centred=True)
    if len(data) <= data.shape[1] + 1:
        raise FitError("fit_few_forms", n=len(data), terms=data.shape[1] + 1)
    w = design.weight[rows]
    z_scored = _standardise_columns(np.column_stack([data.to_numpy(), outcome]), w)
    if asked.family == "gaussian":
        value, z = _share_variance(z_scored, w, asked, at)
    else:
        value, z = _share_likelihood(z_scored[:, :-1], outcome, w, asked, at=at)
    covariance, df, clusters = np.full((len(value),) * 2, np.nan), np.nan, FEW_CLUSTERS
    if asked.errors:
        covariance, df, clusters = estimate_error_covariance(design, rows, z)
    near = measure_collinearity(data, w).set_index("term")
    spare = (df if asked.errors else np.inf, 0, clusters)
    notes = collect_notes(design, len(frame), spare, asked.family, outcome)
    together = [name for name in near.index if not near.loc[name, "separable"]]
    if together:
        notes = (*notes, Note("tied", {"names": ", ".join(together)}))
    table = _tabulate_shares(value, covariance, df, level)
    own = _find_worst(near, at, asked)
    table = table.assign(driver=asked.rows, group=_groups_of_rows(asked), **own, n=len(rows))
    blank = pd.Series(dtype=int)
    return Importance(
        table, asked.method, float(value.sum()), np.nan, len(rows), blank, notes, covariance
    )


def _standardise_columns(x: Floats, w: Floats) -> Floats:
    """Return columns of weighted mean 0 and variance 1."""
    share = w / w.sum()
    centred = x - share @ x
    return np.asarray(centred / np.sqrt(share @ centred**2))


def _list_players(asked: _Request, at: Mapping[str, list[int]]) -> list[list[list[int]]]:
    """Return the columns of each player, by group; one group without groups."""
    if asked.method == "owen":
        return [[at[driver] for driver in held] for held in asked.groups.values()]
    held = asked.groups or {driver: (driver,) for driver in asked.drivers}
    return [[[column for driver in own for column in at[driver]] for own in held.values()]]


def _share_variance(
    scaled: Floats, w: Floats, asked: _Request, at: Mapping[str, list[int]]
) -> tuple[Floats, Floats]:
    """Return values from the covariance, and each form's influence: xᵀGx − tr(GS), over Σw."""
    s = (scaled * (w / w.sum())[:, None]).T @ scaled
    players = _list_players(asked, at)
    if asked.method == "johnson":
        if find_tied_columns(s[:-1, :-1], asked.drivers):
            raise FitError("importance_johnson")
        value, slope = johnson_weights(s), _differentiate_johnson(s)
    else:
        value, slope = (
            shapley_values(s, players[0], slopes=asked.errors)
            if len(players) == 1
            else owen_values(s, players, slopes=asked.errors)
        )
        order = _order_of_rows(asked)
        value, slope = value[order], slope[..., order]
    if not asked.errors:
        return value, np.zeros((len(scaled), 0))
    z = [((scaled @ g) * scaled).sum(axis=1) - np.sum(g * s) for g in np.moveaxis(slope, 2, 0)]
    return value, np.stack(z, axis=1) / w.sum()


def _order_of_rows(asked: _Request) -> Ints:
    """Return where each row's value stands: Owen's come group by group."""
    if asked.method != "owen":
        return np.arange(len(asked.rows))
    listed_by = [driver for held in asked.groups.values() for driver in held]
    return np.array([listed_by.index(driver) for driver in asked.drivers])


def _differentiate_johnson(s: Floats) -> Floats:
    """Return the slopes of relative weights by each covariance, shape (c + 1, c + 1, c)."""
    size = len(s)
    upper = np.triu_indices(size)

    def weights_of(entries: Floats) -> Floats:
        whole = np.zeros((size, size))
        whole[upper] = entries
        whole = whole + np.triu(whole, 1).T
        spread = np.sqrt(np.diagonal(whole))
        return johnson_weights(whole / np.outer(spread, spread))

    found = compute_slopes(weights_of, s[upper])
    slope = np.zeros((size, size, len(found)))
    slope[upper] = np.where((upper[0] == upper[1])[:, None], found.T, found.T / 2)
    return slope + np.where(np.eye(size, dtype=bool)[..., None], 0.0, slope.transpose(1, 0, 2))


def _share_likelihood(
    x: Floats, y: Floats, w: Floats, asked: _Request, *, at: Mapping[str, list[int]]
) -> tuple[Floats, Floats]:
    """Return values of McFadden's R² = 1 − ℓ/ℓ₀ over all coalitions, and each form's influence.

    By the envelope theorem a form's influence on ℓ of a coalition is its own log-likelihood.
    """
    share, parts = w / w.sum(), _list_players(asked, at)
    known: dict[tuple[int, ...], tuple[float, Floats]] = {}

    def gain(columns: tuple[int, ...]) -> tuple[float, Floats]:
        if columns not in known:
            own = x[:, list(columns)]
            own = own if asked.family == "ordinal" else np.column_stack([np.ones(len(y)), own])
            found = maximise_likelihood(asked.family, own, y, w / w.mean())
            if found is None:
                raise FitError("fit_separated", family=asked.family)
            known[columns] = float(share @ found[1]), found[1]
        return known[columns]

    none, each_none = gain(())
    values, z = [], []
    for g, own in enumerate(parts):
        others = [[c for player in part for c in player] for k, part in enumerate(parts) if k != g]
        if 2 ** (len(others) + len(own)) > MOST_FITS:
            most = int(np.log2(MOST_FITS))
            raise FitError("importance_many", found=len(others) + len(own), most=most)
        value, influence = np.zeros(len(own)), np.zeros((len(y), len(own)))
        for inside, weight in list_coalitions(len(others), len(own)):
            players = [it for it, here in zip((*others, *own), inside, strict=True) if here]
            likely, each = gain(tuple(sorted(c for player in players for c in player)))
            value += weight * (1 - likely / none)
            change = (likely / none * (each_none - none) - (each - likely)) / none
            influence += change[:, None] * weight
        values.append(value)
        z.append(influence)
    order = _order_of_rows(asked)
    return np.concatenate(values)[order], np.hstack(z)[:, order] / w.sum()


def _tabulate_shares(value: Floats, covariance: Floats, df: float, level: float) -> pd.DataFrame:
    """Return values and shares with their intervals."""
    half = stats.t.ppf((1 + level) / 2, df if df > 0 else np.nan)
    se, whole = np.sqrt(np.diagonal(covariance)), value.sum()
    share = value / whole if whole > 0 else np.full_like(value, np.nan)
    part = (np.eye(len(value)) - share[:, None]) / whole if whole > 0 else np.eye(len(value))
    share_se = np.sqrt(np.maximum(np.diagonal(part @ covariance @ part.T), 0.0))
    return pd.DataFrame(
        {
            "value": value,
            "se": se,
            "share_se": share_se,
            "low": np.maximum(value - half * se, 0.0),
            "high": np.minimum(value + half * se, 1.0),
            "df": df,
            "share": share,
            "share_low": np.maximum(share - half * share_se, 0.0),
            "share_high": np.minimum(share + half * share_se, 1.0),
        }
    )


def _find_worst(near: pd.DataFrame, at: Mapping[str, list[int]], asked: _Request) -> dict[str, Any]:
    """Return the largest VIF of each row's columns, and whether all can be told apart."""
    held = asked.groups if asked.rows == [*asked.groups] else {it: (it,) for it in asked.drivers}
    own = [[c for driver in held[row] for c in at[driver]] for row in asked.rows]
    vif, separable = near["vif"].to_numpy(), near["separable"].to_numpy()
    return {
        "vif": [vif[it].max() for it in own],
        "separable": [bool(separable[it].all()) for it in own],
    }


def _groups_of_rows(asked: _Request) -> list[str]:
    by = {driver: name for name, held in asked.groups.items() for driver in held}
    return [by.get(row, row if asked.groups else "") for row in asked.rows]


def _add_ranks(made: Importance, seed: int) -> Importance:
    """Add ranks with their sets (R2), and how often the whole order holds in draws."""
    table, columns = made.frame, list(COLUMNS)
    df = table["df"].iloc[0]
    holds, ranks = np.nan, ("rank", "rank_low", "rank_high")
    if made.frame["df"].isna().all():
        blank = {name: pd.array([pd.NA] * len(table), dtype="Int64") for name in ranks}
        return replace(made, frame=table.assign(**blank)[columns])
    sets = rank_sets(table["value"], made.covariance, df if df > 0 else np.nan, seed=seed).frame
    table = table.assign(**{it: sets[it] for it in ranks})
    if df > 0 and not np.isnan(made.covariance).any():
        order = np.argsort(-table["value"].to_numpy(), kind="stable")
        roots, vectors = np.linalg.eigh(made.covariance)
        normal = np.random.default_rng(seed).standard_normal((DRAWS, len(order)))
        drawn = normal @ (vectors * np.sqrt(np.maximum(roots, 0.0))).T
        drawn = (drawn + table["value"].to_numpy())[:, order]
        holds = float((np.diff(drawn, axis=1) < 0).all(axis=1).mean())
    return replace(made, frame=table[columns], order_holds=holds)


def _pool_imputations(each: Sequence[Importance], level: float) -> Importance:
    """Return the mean of several imputations with Rubin's errors."""
    values = np.stack([it.frame["value"].to_numpy(dtype=float) for it in each])
    spread = np.stack([it.covariance for it in each])
    first, df = each[0], each[0].frame["df"].iloc[0]
    value, covariance, freedom = combine_imputations(values, spread, df)
    table = first.frame.assign(**_tabulate_shares(value, covariance, float(freedom.min()), level))
    notes = (*first.notes, Note("imputed", {"count": len(each)}))
    return replace(
        first, frame=table, r_squared=float(value.sum()), notes=notes, covariance=covariance
    )


COLUMNS = (
    "driver",
    "group",
    "value",
    "se",
    "low",
    "high",
    "df",
    "share",
    "share_se",
    "share_low",
    "share_high",
    "rank",
    "rank_low",
    "rank_high",
    "vif",
    "separable",
    "n",
)
