"""Count how dossiers go from step to step, for the flow chart (rule T5)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

START, END, OTHER = "(start)", "(end)", "(other)"


@dataclass(frozen=True)
class Flow:
    """Steps and the ways between them.

    Attributes:
        nodes: ``step n dossiers position``: stays, dossiers, and the mean place of the step in a
            dossier's way, from 1; in the order of ``position``, ties by name.
        edges: ``source target n dossiers``; ``source`` is ``(start)`` for the first step, ``target``
            ``(end)`` for the last one of an ended dossier. Most frequent first, ties by name.
        n_merged: Passages by edges that are too rare to be drawn.
        n_dossiers: Dossiers.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    n_merged: int
    n_dossiers: int


def count_flow(
    movements: "DuckDBPyRelation", *, least_percent: float = 2.0, min_cell: int = 5
) -> Flow:
    """Count the passages from step to step.

    Stays in a row in one step, such as those around a pause, are one visit.

    Args:
        movements: One row per stay: ``dossier step start end``.
        least_percent: Edges of fewer of the dossiers are merged.
        min_cell: Edges of fewer dossiers are merged, too (rule P2).

    Source: rule T5 in docs/method.md.
    """
    raise NotImplementedError
