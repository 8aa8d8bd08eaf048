"""Look for officials in whose hands files are late again and again: a finding, no accusation (T6).

An official with hard files must not look worse than others. Each stay is compared with stays of
other officials in the same step of the same procedure, that had as much of the legal limit left.
The table names officials by code and belongs in a restricted file, never in a public archive.
"""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation


def find_late_again(movements: "DuckDBPyRelation", dossiers: pd.DataFrame) -> pd.DataFrame:
    """Compare the late stays of each official with those expected from the mix of files.

    A stay counts if the dossier reached the official before its due time; it is late if the due
    time passed while the dossier stayed there, not paused.

    Args:
        movements: One row per stay: ``dossier step section handler state start end reason unit``.
        dossiers: One row per dossier with the clock: ``dossier procedure channel start due``.

    Returns:
        One row per official, ``look_closer`` first: ``handler unit n late expected rate_percent
        expected_percent ratio low_percent high_percent`` (funnel limits at this number of stays,
        all officials at once) ``months_late not_comparable arrived_late reason_1 … verdict``;
        verdict is ``look_closer``, ``usual``, ``too_few`` or ``not_comparable``.

    Source: rule T6 in docs/method.md.
    """
    raise NotImplementedError
