"""Count how dossiers go from step to step, for the flow chart (rule T5)."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.records.steps import run_query, write_stays

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

START, END = "(start)", "(end)"
# A visit: stays in a row in one step, such as those around a pause.
VISITS = """
WITH stays AS MATERIALIZED ({stays}),
visits AS (SELECT * FROM stays WHERE last_step IS DISTINCT FROM step)"""
NODES = """
SELECT step, count(*) AS n, count(DISTINCT dossier) AS dossiers,
    sum(visit)::DOUBLE / count(*) AS position
FROM (
    SELECT step, dossier, row_number() OVER (PARTITION BY dossier ORDER BY place) AS visit
    FROM visits
) GROUP BY step ORDER BY position, step"""
EDGES = """, passages AS (
    SELECT dossier, coalesce(last_step, '(start)') AS source, step AS target FROM visits
    UNION ALL SELECT dossier, step, '(end)' FROM stays WHERE is_last AND has_end
)
SELECT source, target, count(*) AS n, count(DISTINCT dossier) AS dossiers
FROM passages GROUP BY ALL ORDER BY n DESC, source, target"""


@dataclass(frozen=True)
class Flow:
    """Steps and the passages between them.

    Attributes:
        nodes: ``step n dossiers position``: visits, dossiers, and the mean place of the step in the
            way of a dossier, from 1; in the order of ``position``, ties by name.
        edges: ``source target n dossiers``; the source of the first step is ``(start)``, the target
            of the last step of an ended dossier ``(end)``. Most frequent first, ties by name.
        n_merged: Passages that are too rare to be drawn.
        n_passages: All passages.
        n_dossiers: Dossiers.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    n_merged: int
    n_passages: int
    n_dossiers: int


def count_flow(
    movements: "DuckDBPyRelation",
    dossiers: pd.DataFrame,
    through: date | None = None,
    *,
    least_percent: float = 2.0,
    min_cell: int = 5,
) -> Flow:
    """Count the passages of dossiers from step to step.

    Passages that fewer than ``least_percent`` of the dossiers make, or fewer than ``min_cell``
    dossiers (rule P2), are merged: they are counted, not listed, and so are steps that no listed
    passage reaches.

    Args:
        movements: As ``measure_steps``.
        dossiers: As ``measure_steps``.
        through: As ``measure_steps``.
        least_percent: Percent of the dossiers below which a passage is merged.
        min_cell: Dossiers below which it is merged, too.

    Returns:
        The steps and passages; empty tables without a movement.

    Source: rule T5 in docs/method.md.
    """
    visits = VISITS.format(stays=write_stays(movements, dossiers, through=through))
    nodes, edges = (run_query(movements, visits + query, dossiers) for query in (NODES, EDGES))
    n_dossiers = int(edges.loc[edges["source"] == START, "n"].sum())
    is_common = edges["dossiers"] >= max(min_cell, least_percent / 100 * n_dossiers)
    listed = edges[is_common].reset_index(drop=True)
    reached = {*listed["source"], *listed["target"]}
    return Flow(
        nodes[nodes["step"].isin(reached)].reset_index(drop=True),
        listed,
        int(edges.loc[~is_common, "n"].sum()),
        int(edges["n"].sum()),
        n_dossiers,
    )
