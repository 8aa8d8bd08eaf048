"""Measure where the time goes: working hours of each step and section, and the bottleneck (T5).

Stays of dossiers in steps are read by SQL where they lie; whole seconds of working time are
summed, so that the result is the same for any number of threads. The connection of the relation
has the macro ``working_seconds`` of the calendar (``records.calendar_sql``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from sipas_analysis.arguments import list_names
from sipas_analysis.errors import RecordsError
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import t_quantile
from sipas_analysis.infer.form_files import quote_name

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

HOUR = 3600.0
NUMBERS = count(1)  # of temporary tables
FEWEST_WEEKS = 8  # of receipt, below which no step is said to take the most (ours)
# The clock runs in states 2 and 4, and where no state is stated (0); it stands still in 5, 6 and 8.
STAYS = """
SELECT dossier, {names}, works, pauses, place, last_step, next_begun IS NULL AS is_last,
    ended IS NOT NULL AS has_end,
    coalesce(ended, CASE WHEN stopped IS NULL THEN next_begun END) - begun AS seconds,
    CASE WHEN last_step IS NOT NULL
        THEN greatest(begun - coalesce(last_ended, begun), 0) END AS waited,
    works AND last_step <> step AND is_known AS is_loop, week, limit_seconds
FROM (
    SELECT *, lag(place) OVER (PARTITION BY dossier, step ORDER BY place) IS NOT NULL AS is_known
    FROM (
        SELECT *, lead(begun) OVER way AS next_begun, lag(ended) OVER way AS last_ended,
            lag(step) OVER way AS last_step, row_number() OVER way AS place
        FROM (
            SELECT {keys}, clock.number AS dossier, movements.start AS began, "end" AS stopped,
                working_seconds(movements.start) AS begun,
                CASE WHEN "end" < {cut} THEN working_seconds("end") END AS ended,
                coalesce(state, 0) IN (0, 2, 4) AS works, coalesce(state, 0) IN (5, 6, 8) AS pauses,
                clock.week, clock.limit_seconds
            FROM movements JOIN ({clock}) AS clock USING (dossier) WHERE movements.start < {cut}
        ) WINDOW way AS (PARTITION BY dossier ORDER BY began, stopped, step)
    )
)"""
MEASURES = """, by_group AS (
    SELECT {names}, count(seconds) FILTER (works) AS n,
        count(*) FILTER (works AND seconds IS NULL) AS running,
        quantile_cont(seconds, [0.5, 0.9]) FILTER (works) AS quantiles,
        sum(seconds) FILTER (works) AS total_hours,
        count(*) FILTER (pauses) AS pauses,
        sum(seconds) FILTER (pauses) / count(seconds) FILTER (pauses) AS pause_hours,
        sum(waited) FILTER (works) / count(waited) FILTER (works) AS wait_hours,
        count(*) FILTER (is_loop) AS loops
    FROM stays GROUP BY ALL
), by_dossier AS (
    SELECT {names}, dossier, any_value(limit_seconds) AS limit_seconds,
        sum(seconds) FILTER (works) AS seconds
    FROM stays GROUP BY {names}, dossier
), shares AS (
    SELECT {names}, count(*) AS dossiers,
        100.0 * sum(seconds) FILTER (limit_seconds > 0) / sum(limit_seconds)
            FILTER (limit_seconds > 0 AND seconds IS NOT NULL) AS share_of_limit_percent
    FROM by_dossier GROUP BY ALL
)
SELECT *, quantiles[1] AS median_hours, quantiles[2] AS p90_hours
FROM by_group JOIN shares USING ({names}) ORDER BY {names}"""
WEEKS = """
SELECT {names}, week, sum(seconds)::DOUBLE AS seconds
FROM stays WHERE works AND limit_seconds > 0 GROUP BY ALL ORDER BY {names}, week"""
PLACES = """
SELECT {names}, week, sum(seconds)::DOUBLE AS seconds, sum(limit_seconds)::DOUBLE AS limits,
    count(*) AS dossiers
FROM (
    SELECT {names}, week, dossier, limit_seconds, sum(seconds) AS seconds
    FROM stays WHERE works AND seconds IS NOT NULL AND limit_seconds > 0 GROUP BY ALL
) GROUP BY ALL ORDER BY {names}, week"""
LIMITS = """
SELECT dossier, (row_number() OVER ())::INTEGER AS number, date_trunc('week', start) AS week,
    working_seconds(due) - working_seconds(start) - coalesce(paused_seconds, 0)::BIGINT
        AS limit_seconds{columns}
FROM clock"""
WEEKLY_LIMITS = f"""
SELECT week, sum(limit_seconds)::DOUBLE AS seconds FROM ({LIMITS.format(columns="")})
WHERE limit_seconds > 0 GROUP BY ALL ORDER BY week"""  # noqa: S608
COLUMNS = (
    *("n", "running", "dossiers", "median_hours", "p90_hours", "total_hours", "pauses"),
    *("pause_hours", "wait_hours", "loops", "loop_percent", "share_of_limit_percent"),
)


def time_stays(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    by: str | Sequence[str] = ("step", "section"),
    through: date | None = None,
) -> "DuckDBPyRelation":
    """Time every stay once, as a temporary table for several measures of the same stays.

    Args:
        movements: As ``measure_steps``.
        dossiers: As ``measure_steps``.
        by: Every column to measure by.
        through: As ``measure_steps``.

    Returns:
        A relation on a new table of the connection of ``movements``, which takes their place in
        ``measure_steps``, ``find_bottleneck``, ``find_slow_places`` and ``count_flow``.

    Raises:
        RecordsError: A column is missing.
    """
    name = f"timed_stays_{next(NUMBERS)}"
    stays = write_stays(movements, dossiers, list_names(by), through)
    run_query(movements, f"CREATE TEMP TABLE {name} AS {stays}", dossiers)
    timed = cast("DuckDBPyRelation", movements.query("movements", f"FROM {name}"))
    return timed.set_alias(name)


def measure_steps(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    by: str | Sequence[str] = ("step", "section"),
    through: date | None = None,
) -> pd.DataFrame:
    """Measure the stays of dossiers by step, section or any other column of movement or dossier.

    A stay counts the working seconds from its start to its end, by the calendar; where the end is
    missing, to the start of the dossier's next stay. Only stays at work (states 2 and 4, or no
    state) that have ended are measured. Quantiles are those of R's type 7.

    Args:
        movements: One row per stay: ``dossier step section handler state start end``; or the stays
            of ``time_stays``.
        dossiers: The dossiers that count, with the columns of the clock: ``dossier start due
            paused_seconds``. Stays of others are left out. Those of a period: ``mark_counted``.
        by: Columns to measure by; ``month`` is that of the start of the stay, as ``2021-03``.
        through: Last day: a stay that ends later still runs, one that begins later does not count.

    Returns:
        One row per group, in the order of the keys: ``n`` (ended stays at work), ``running``,
        ``dossiers``, ``median_hours``, ``p90_hours``, ``total_hours``, ``pauses`` (stays in states
        5, 6 and 8), ``pause_hours`` (their mean), ``wait_hours`` (mean from the end of the stay
        before to the start), ``loops`` (stays in a step to which the dossier came back from
        another step), ``loop_percent`` of the stays at work, and ``share_of_limit_percent`` =
        100·Σ working seconds here / Σ legal limit, over the dossiers with a limit that were here.
        NaN where there is none.

    Raises:
        RecordsError: A column is missing.

    Source: rule T5 in docs/method.md.
    """
    keys = list_names(by)
    table = _query_stays(movements, dossiers, keys, through, MEASURES)
    hours = [name for name in COLUMNS if name.endswith("_hours")]
    table[hours] = table[hours].astype(float) / HOUR
    at_work = (table["n"] + table["running"]).astype(float)
    table["loop_percent"] = 100 * table["loops"] / at_work.where(at_work > 0)
    return table[[*keys, *COLUMNS]]


@dataclass(frozen=True)
class Bottleneck:
    """The step that takes most of the legal limit, and how sure that is.

    Attributes:
        table: One row per step (or step and section), largest share first: keys,
            ``share_percent`` of the legal limit, its 95 % interval ``low`` and ``high``,
            ``is_candidate`` (not surely below the first).
        is_sure: Whether the first takes surely more than every other one.
        n_weeks: Weeks of receipt, the units of variation.
    """

    table: pd.DataFrame
    is_sure: bool
    n_weeks: int


def find_bottleneck(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    by: str | Sequence[str] = ("step", "section"),
    level: float = 0.95,
    through: date | None = None,
) -> Bottleneck:
    """Find the step that takes most of the legal limit of all dossiers together.

    Share of step g: r_g = Σᵢ s_ig / Σᵢ Lᵢ, s_ig the working seconds of dossier i in g and Lᵢ those
    of its limit. Dossiers of one week meet the same backlog, so that weeks of receipt vary, not
    dossiers: se² of r_g, and of r_first − r_g, is W/(W − 1)·Σ_w d_w², d_w = (s_wg − r_g·L_w)/Σ L.
    The first step is sure if each difference is above 0 at 1 − (1 − level)/(G − 1), one-sided, by
    t with W − 1 degrees of freedom (Bonferroni over the G − 1 others, as the first was chosen by
    the same data). Under eight weeks nothing is sure.

    Args:
        movements: As ``measure_steps``.
        dossiers: As ``measure_steps``.
        by: Columns that make a step.
        level: Confidence of the intervals, and that the first step is the first.
        through: As ``measure_steps``.

    Returns:
        The steps with their shares; an empty table where no dossier has a limit.

    Raises:
        RecordsError: A column is missing.

    Source: rule T5 in docs/method.md; ratio of totals of clusters, Cochran (1977), 6.4 and 9A.4.
    """
    keys = list_names(by)
    weeks = _query_stays(movements, dossiers, keys, through, WEEKS)
    limits = run_query(movements, WEEKLY_LIMITS, dossiers)
    if weeks.empty:
        empty = pd.DataFrame(columns=[*keys, "share_percent", "low", "high", "is_candidate"])
        return Bottleneck(empty, is_sure=False, n_weeks=0)
    spent = weeks.pivot_table(index="week", columns=keys, values="seconds", fill_value=0.0)
    spent = spent.reindex(limits["week"], fill_value=0.0)
    table = rank_steps(spent.to_numpy(), limits["seconds"].to_numpy(float), level)
    named = pd.concat([spent.columns.to_frame(index=False), table], axis=1)
    named.columns = pd.Index([*keys, *table.columns])
    ordered = named.sort_values("share_percent", ascending=False, kind="stable", ignore_index=True)
    is_sure = int(ordered["is_candidate"].sum()) == 1 and len(limits) >= FEWEST_WEEKS
    return Bottleneck(ordered, is_sure, len(limits))


def find_slow_places(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    by: str | Sequence[str] = ("unit", "section"),
    level: float = 0.95,
    through: date | None = None,
) -> pd.DataFrame:
    """Compare how much of the legal limit each place takes for a step with other places.

    r_g = Σ working seconds of step and place / Σ legal limit, over the dossiers with a limit that
    were there; r_−g the same of all other places of the step. A place is slow if r_g − r_−g is
    above 0 at 1 − (1 − level)/G, one-sided, for all G places of all steps at once, by t; se² of
    both by weeks of receipt, as ``find_bottleneck``, the degrees of freedom those of place g. It
    may be slow because its procedures are hard: ask first, conclude later.

    Args:
        movements: As ``measure_steps``.
        dossiers: As ``measure_steps``.
        by: Columns that make a place.
        level: Confidence for all places together.
        through: As ``measure_steps``.

    Returns:
        One row per step and place, largest difference first: ``step``, keys, ``dossiers``,
        ``share_percent``, ``others_percent``, ``difference``, ``low`` (of the difference: its
        simultaneous lower end; NaN under eight weeks, or without another place) and ``is_slow``.

    Raises:
        RecordsError: A column is missing.

    Source: rule T5 in docs/method.md; Cochran (1977), 6.4 and 9A.4.
    """
    keys = ["step", *list_names(by)]
    weeks = _query_stays(movements, dossiers, keys, through, PLACES)
    table = compare_places(weeks, keys, level)
    ordered = table.sort_values(
        ["difference", *keys], ascending=[False, *[True] * len(keys)], kind="stable"
    )
    return ordered.reset_index(drop=True)


def compare_places(weeks: pd.DataFrame, keys: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """Return the rows of ``find_slow_places`` from the sums by step, place and week (rule T5)."""
    places = weeks.groupby([*keys])
    table = places[["seconds", "limits", "dossiers"]].sum().reset_index()
    number, step = places.ngroup().to_numpy(), pd.factorize(table["step"])[0]
    seconds, limits = table["seconds"].to_numpy(float), table["limits"].to_numpy(float)
    n_weeks = np.bincount(number)
    share = seconds / limits
    errors = (weeks["seconds"] - share[number] * weeks["limits"]).to_numpy(float)
    squares = np.bincount(number, errors**2) * n_weeks / np.maximum(n_weeks - 1, 1)
    of_others = [
        np.bincount(step, part)[step] - part for part in (seconds, limits, squares, n_weeks > 0)
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        others = of_others[0] / of_others[1]
        variance = squares / limits**2 + of_others[2] / of_others[1] ** 2
    quantile = t_quantile(1 - (1 - level) / max(len(table), 1), n_weeks - 1)
    low = share - others - quantile * np.sqrt(variance)
    low = np.where((n_weeks >= FEWEST_WEEKS) & (of_others[3] > 0), low, np.nan)
    shares = {
        "share_percent": 100 * share,
        "others_percent": 100 * others,
        "difference": 100 * (share - others),
        "low": 100 * low,
        "is_slow": low > 0,
    }
    return table[[*keys, "dossiers"]].assign(**shares)


def rank_steps(spent: Floats, limits: Floats, level: float = 0.95) -> pd.DataFrame:
    """Return share, interval and whether a step may be the first, from sums by week (rule T5).

    Args:
        spent: Working seconds by week and step, shape (W, G).
        limits: Seconds of legal limits by week, shape (W,).
        level: Confidence.
    """
    n_weeks, n_steps = spent.shape
    share = spent.sum(axis=0) / limits.sum()
    errors = (spent - limits[:, None] * share) / limits.sum()
    first = int(np.argmax(share))
    df = n_weeks - 1
    scale = np.sqrt(n_weeks / df) if df > 0 else np.nan
    half = t_quantile((1 + level) / 2, df) * scale * np.sqrt((errors**2).sum(axis=0))
    apart = errors[:, [first]] - errors
    margin = t_quantile(1 - (1 - level) / max(n_steps - 1, 1), df)
    margin = margin * scale * np.sqrt((apart**2).sum(axis=0))
    is_below = (share[first] - share > margin) & (n_weeks >= FEWEST_WEEKS)
    return pd.DataFrame(
        {
            "share_percent": 100 * share,
            "low": 100 * np.maximum(share - half, 0),
            "high": 100 * (share + half),
            "is_candidate": ~is_below,
        }
    )


def _query_stays(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    keys: Sequence[str],
    through: date | None,
    query: str,
) -> pd.DataFrame:
    """Return the rows of a query on timed stays and their keys."""
    stays = write_stays(movements, dossiers, keys, through)
    query = query.format(names=", ".join(map(quote_name, keys)))
    return run_query(movements, f"WITH stays AS MATERIALIZED ({stays}){query}", dossiers)


def write_stays(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    keys: Sequence[str] = (),
    through: date | None = None,
) -> str:
    """Return the SQL of timed stays with their keys and ``step``, see ``measure_steps``."""
    columns = {*movements.columns}
    if {"is_loop", *keys} <= columns:
        return f"FROM {movements.alias}"
    keys = [*dict.fromkeys([*keys, "step"])]
    of_dossiers = [key for key in keys if key not in columns and key != "month"]
    missing = [name for name in ("dossier", "step", "state", "start", "end") if name not in columns]
    missing += [name for name in of_dossiers if name not in dossiers]
    if missing:
        known = ", ".join([*movements.columns])
        raise RecordsError("records_columns", columns=", ".join(missing), known=known)
    tables = {key: "clock" if key in of_dossiers else "movements" for key in keys}
    cells = {key: f"coalesce({tables[key]}.{quote_name(key)}::VARCHAR, '')" for key in keys}
    cells["month"] = "coalesce(strftime(movements.start, '%Y-%m'), '')"
    listed = ", ".join(f"{cells[key]} AS {quote_name(key)}" for key in keys)
    end = pd.Timestamp.max if through is None else pd.Timestamp(through) + pd.Timedelta(days=1)
    return STAYS.format(
        keys=listed,
        names=", ".join(map(quote_name, keys)),
        clock=LIMITS.format(columns="".join(f", {quote_name(key)}" for key in of_dossiers)),
        cut=f"TIMESTAMP '{end:%Y-%m-%d %H:%M:%S}'",
    )


def run_query(
    movements: "DuckDBPyRelation",
    query: str,
    clock: pd.DataFrame | None = None,  # noqa: ARG001 (SQL reads it)
) -> pd.DataFrame:
    """Return the rows of a query on ``movements`` and ``clock``, in their connection.

    DuckDB finds the frame of dossiers by the name of the argument.
    """
    result = movements.query("movements", query)
    return result.df() if result is not None else pd.DataFrame()
