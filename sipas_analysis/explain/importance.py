"""Estimate how much each driver explains, with its error, and how certain the order is.

The explained share of the outcome's variance (R²) is divided among correlated drivers. LMG gives
each driver its average gain over all orders. Owen does the same with items nested in factors.
Johnson's weights are a fast approximation. Importance is not a test: a driver without any effect
has a share if the driver correlates with others. Coefficients show whether there is an effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_count, check_word
from sipas_analysis.errors import FitError
from sipas_analysis.explain.collinearity import measure_collinearity
from sipas_analysis.explain.fitted import Note
from sipas_analysis.explain.formula import (
    check_data,
    check_request,
    code_outcome,
    prepare_frame,
    put_forms,
)
from sipas_analysis.explain.imputation import combine_imputations, impute_blanks
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.players import (
    Groups,
    Method,
    SharingRequest,
    check_names,
    code_drivers,
    group_drivers,
)
from sipas_analysis.explain.regression import FEW_CLUSTERS, collect_notes
from sipas_analysis.explain.replicate_fits import spread_replicates
from sipas_analysis.explain.sharing import share_again, share_out_forms
from sipas_analysis.explain.standard_errors import ErrorCovariance, estimate_error_covariance
from sipas_analysis.infer.design import Design, Floats, Ints, Sampled
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.replicates import weigh_forms
from sipas_analysis.infer.result_table import ResultTable
from sipas_analysis.measure.ranking import rank_sets
from sipas_analysis.messages import format_number, say
from sipas_analysis.progress import watch

VALUE = ("value", "se", "low", "high", "df")
SHARE = ("share", "share_se", "share_low", "share_high")
RANKS = ("rank", "rank_low", "rank_high")
COLUMNS = ("variable", "group", *VALUE, *SHARE, *RANKS, "vif", "separable", "n")
DRAWS = 10_000


@dataclass(frozen=True, eq=False, repr=False)
class Importance(ResultTable):
    """What each driver explains of the outcome.

    Attributes:
        frame: One row per driver in the order given: ``variable``, ``group``, ``value`` (part of
            R²), ``se``, ``low``, ``high``, ``df``, ``share`` (part of 1), ``share_se``,
            ``share_low``, ``share_high``, ``rank``, ``rank_low``, ``rank_high``, ``vif``,
            ``separable``, ``n``.
        method: How R² was divided.
        r_squared: What the drivers explain together; McFadden's for logits.
        order_holds: Share of draws from the estimates' errors in which the whole order stays.
        n: Forms used.
        lost: Blanks of each variable.
        notes: Warnings that a reader needs.
        covariance_matrix: Covariance of the values, shape (m, m).
    """

    decimals = 4
    main_columns = (
        *("variable", "group", "value", "share", "share_low", "share_high"),
        *("rank", "rank_low", "rank_high", "n"),
    )
    frame: pd.DataFrame
    method: Method
    r_squared: float
    order_holds: float
    n: int
    lost: "pd.Series[int]"
    notes: tuple[Note, ...]
    covariance_matrix: Floats = field(repr=False)

    def sentences(self) -> list[str]:
        """Return sentences on what was divided, how certain the order is, and the warnings."""
        r_squared = format_number(float(self.r_squared), self.language, 4)
        holds = f"{100 * self.order_holds:.0f}"
        head = say(
            self.language,
            "explain.importance",
            method=self.method,
            n=self.n,
            r_squared=r_squared,
            holds=holds,
        )
        return [head, *(note.text(self.language) for note in self.notes)]

    def covariance(self) -> pd.DataFrame:
        """Return the covariance of the values, labelled by variable, shape (m, m)."""
        labels = list(self.frame["variable"])
        return pd.DataFrame(self.covariance_matrix, index=labels, columns=labels)

    def by_group(self) -> "pd.Series[float]":
        """Return the value of each group: the sum of its drivers."""
        return self.frame.groupby("group", sort=False)["value"].sum()


def importance(
    design: Design | Sampled,
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
    errors: bool | Literal["linearised"] = True,
) -> Importance:
    """Divide the explained share of an outcome among drivers.

    ``lmg``: ``φ_k = Σ_T |T|!(m−|T|−1)!/m! · (R²(T∪k) − R²(T))`` over all coalitions T, exactly,
    up to 22 drivers; with ``groups`` the groups are the players. ``owen``: the same, but a group
    joins as a whole, one driver after another, so that the drivers add up to their group.
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
        imputations: Number of imputations, if any.
        seed: Seed of the imputation and of the draws behind ``order_holds`` and rank sets.
        errors: Whether to estimate errors; without errors the values take a fraction of the time.
            With replicate weights R² is divided again under each (V4), as R ``withReplicates``;
            ``"linearised"`` totals each form's influence under them instead, which is faster with
            many drivers.

    Returns:
        ``value`` sums to R², ``share`` to 1; t intervals on clusters − strata; NaN without one.

    Raises:
        FitError: Too many drivers, an outcome or driver that never varies, drivers that cannot be
            columns of a model, groups that do not name each driver once.

    Source: rule D3 in docs/method.md; Grömping (2007), doi:10.1198/000313007X188252.

    Example:
        >>> import sipas_analysis as sipas
        >>> frame = pd.DataFrame({"y": [1, 2, 2, 4.0], "a": [1, 2, 3, 4], "b": [1, 1, 1, 2]})
        >>> sipas.importance(sipas.Design(frame), "y", ["a", "b"]).frame["share"].round(3).tolist()
        [0.496, 0.504]
    """
    request = SharingRequest(
        outcome,
        (drivers,) if isinstance(drivers, str) else tuple(drivers),
        group_drivers(drivers, groups),
        method,
        family,
        bool(errors),
        refit=errors is True,
    )
    drivers = [*request.drivers]
    check_word(errors, (True, False, "linearised"), "errors", FitError)
    check_word(family, ("gaussian", "binomial", "ordinal"), "family", FitError)
    design = check_request(design, family, missing, level)
    check_count(imputations, "imputations")
    check_count(seed, "seed")
    frame = prepare_frame(design)
    check_names(request, frame)
    answered = frame[outcome].notna()
    if missing == "impute" and frame.loc[answered, drivers].isna().any(axis=None):
        with_outcome = frame.assign(**{"\0y": code_outcome(frame[outcome], family)[0]})
        imputed = impute_blanks(
            with_outcome, ["\0y", *drivers], design.weight[frame.index], imputations, seed
        )
        parts = [_share_out(put_forms(design, part), request, level) for part in watch(imputed)]
        result = _pool_imputations(parts, level)
    else:
        result = _share_out(design, request, level)
    lost = frame[[outcome, *drivers]].isna().sum()
    return _add_ranks(replace(result, lost=lost), seed)


def _share_out(design: Design, request: SharingRequest, level: float) -> Importance:
    """Share out R² on the complete forms, with errors."""
    frame = prepare_frame(design)
    coded, columns = code_drivers(frame, request.drivers)
    coded_outcome, _ = code_outcome(frame[request.outcome], request.family)
    complete = np.flatnonzero(~np.isnan(coded_outcome) & coded.notna().all(axis=1).to_numpy())
    x, y = coded.iloc[complete].reset_index(drop=True), coded_outcome[complete]
    rows = frame.index.to_numpy()[complete]
    if request.family == "ordinal":  # levels that nobody chose are dropped
        y = np.searchsorted(np.unique(y), y).astype(float)
    check_data(x, y, 1, request.family, centred=True)
    if len(x) <= x.shape[1] + 1:
        raise FitError("fit_few_forms", n=len(x), terms=x.shape[1] + 1)
    w = design.weight[rows]
    value, error = _estimate_values(design, rows, x, y, request=request, columns=columns)
    known_error = error if request.errors else error._replace(df=np.inf)  # none: no warning
    notes = collect_notes(design, request.family, y, known_error, n_all=len(frame), n_slopes=0)
    collinearity = measure_collinearity(x, w)
    tied = collinearity.loc[~collinearity["separable"], "variable"]
    if len(tied):
        notes = (*notes, Note("tied", {"names": ", ".join(tied)}))
    table = _tabulate_shares(value, error.matrix, error.df, level).assign(
        variable=[*request.players], group=request.list_groups(), n=len(rows)
    )
    return Importance(
        _add_collinearity(table, collinearity, request, columns),
        request.method,
        float(value.sum()),
        np.nan,
        len(rows),
        pd.Series(dtype=int),
        notes,
        error.matrix,
    )


def _estimate_values(
    design: Design,
    rows: Ints,
    x: pd.DataFrame,
    y: Floats,
    *,
    request: SharingRequest,
    columns: Mapping[str, list[int]],
) -> tuple[Floats, ErrorCovariance]:
    """Return the value of each player and their covariance; NaN if none was requested."""
    w, without = design.weight[rows], replace(request, errors=False)
    if request.errors and request.refit and design.declared_replicates is not None:
        value, _ = share_out_forms(x, y, w, without, columns)
        sample = weigh_forms(design)
        again = share_again(x, y, sample.weights[rows], without, columns)
        return value, spread_replicates(design, rows, sample, again, value)
    value, influence = share_out_forms(x, y, w, request, columns)
    if request.errors:
        return value, estimate_error_covariance(design, rows, influence)
    return value, ErrorCovariance(np.full((len(value),) * 2, np.nan), np.nan, FEW_CLUSTERS)


def _tabulate_shares(value: Floats, covariance: Floats, df: float, level: float) -> pd.DataFrame:
    """Return values and shares with their intervals."""
    quantile = t_quantile((1 + level) / 2, df if df > 0 else np.nan)
    se, whole = np.sqrt(np.diagonal(covariance)), value.sum()
    share = value / whole if whole > 0 else np.full_like(value, np.nan)
    gradient = (np.eye(len(value)) - share[:, None]) / whole if whole > 0 else np.eye(len(value))
    share_variance = np.diagonal(gradient @ covariance @ gradient.T)
    share_se = np.sqrt(np.maximum(share_variance, 0.0))
    return pd.DataFrame(
        {
            "value": value,
            "se": se,
            "share_se": share_se,
            "low": np.maximum(value - quantile * se, 0.0),
            "high": np.minimum(value + quantile * se, 1.0),
            "df": df,
            "share": share,
            "share_low": np.maximum(share - quantile * share_se, 0.0),
            "share_high": np.minimum(share + quantile * share_se, 1.0),
        }
    )


def _add_collinearity(
    table: pd.DataFrame,
    collinearity: pd.DataFrame,
    request: SharingRequest,
    columns: Mapping[str, list[int]],
) -> pd.DataFrame:
    """Add the largest VIF of each player's columns, and whether all of them can be separated."""
    vif, separable = collinearity["vif"].to_numpy(), collinearity["separable"].to_numpy()
    of_players = [
        [column for driver in drivers for column in columns[driver]]
        for drivers in request.players.values()
    ]
    return table.assign(
        vif=[vif[inside].max() for inside in of_players],
        separable=[bool(separable[inside].all()) for inside in of_players],
    )


def _add_ranks(result: Importance, seed: int) -> Importance:
    """Add ranks with their sets (R2), and how often the whole order holds in draws."""
    table, columns = result.frame, list(COLUMNS)
    df = table["df"].iloc[0]
    if table["df"].isna().all():
        blank = {name: pd.array([pd.NA] * len(table), dtype="Int64") for name in RANKS}
        return replace(result, frame=table.assign(**blank)[columns])
    sets = rank_sets(
        table["value"], result.covariance_matrix, df if df > 0 else np.nan, seed=seed
    ).frame
    table = table.assign(**{name: sets[name] for name in RANKS})
    holds = np.nan
    if df > 0 and not np.isnan(result.covariance_matrix).any():
        holds = _draw_order(table["value"].to_numpy(), result.covariance_matrix, seed)
    return replace(result, frame=table[columns], order_holds=holds)


def _draw_order(value: Floats, covariance: Floats, seed: int) -> float:
    """Return the share of draws from the joint errors in which the whole order stays."""
    order = np.argsort(-value, kind="stable")
    roots, vectors = np.linalg.eigh(covariance)
    normal = np.random.default_rng(seed).standard_normal((DRAWS, len(order)))
    errors = normal @ (vectors * np.sqrt(np.maximum(roots, 0.0))).T
    draws = (errors + value)[:, order]
    return float((np.diff(draws, axis=1) < 0).all(axis=1).mean())


def _pool_imputations(parts: Sequence[Importance], level: float) -> Importance:
    """Return the mean of several imputations with Rubin's errors."""
    values = np.stack([part.frame["value"].to_numpy(dtype=float) for part in parts])
    covariances = np.stack([part.covariance_matrix for part in parts])
    first, df = parts[0], parts[0].frame["df"].iloc[0]
    pooled = combine_imputations(values, covariances, df)
    shares = _tabulate_shares(pooled.value, pooled.covariance, float(pooled.df.min()), level)
    return replace(
        first,
        frame=first.frame.assign(**shares),
        r_squared=float(pooled.value.sum()),
        notes=(*first.notes, Note("imputed", {"count": len(parts)})),
        covariance_matrix=pooled.covariance,
    )
