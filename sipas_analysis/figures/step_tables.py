"""The published table of steps: where the time of dossiers goes, and their ways (rules T5, P2).

Its domains are ``step`` (all units), ``section`` (a step in the sections of that name),
``unit_section`` (of one unit) and ``edge`` (from the step ``label`` to the step ``section``). Rows
of few dossiers are left out, and with each one more, so that no total gives it back.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.figures.record_tables import RecordSource, name_rows
from sipas_analysis.records.small_cells import mark_small_cells

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

STEPS: Mapping[str, Sequence[str]] = {
    "step": ("step",),
    "section": ("step", "section"),
    "unit_section": ("unit", "step", "section"),
}
BASES = {  # columns that need so many stays of a column
    "n": ("n", "median_hours", "p90_hours", "total_hours", "wait_hours", "share_of_limit_percent"),
    "pauses": ("pause_hours",),
}
LIMIT_COLUMNS = {
    "share_percent": "limit_percent",
    "low": "limit_percent_low",
    "high": "limit_percent_high",
    "is_candidate": "may_be_first",
}


def tabulate_steps(source: RecordSource) -> pd.DataFrame:
    """Return the time of each step and section, its part of all limits, and the passages.

    ``limit_percent`` (with its interval) is the part of the legal limits of all dossiers that is
    spent in a step; ``may_be_first`` is 1 where no other step surely takes more.
    """
    from sipas_analysis.records.flow import count_flow

    movements = source.records.movements
    if movements is None:
        return pd.DataFrame()
    flow = count_flow(movements, min_cell=source.min_cell)
    order = {step: place for place, step in enumerate(flow.nodes["step"])}
    parts = [_measure(source, movements, domain, order) for domain in STEPS]
    edges = flow.edges.rename(columns={"source": "label", "target": "section"})
    return pd.concat([*parts, name_rows(edges, "edge", source)], ignore_index=True)


def _measure(
    source: RecordSource, movements: "DuckDBPyRelation", domain: str, order: Mapping[str, int]
) -> pd.DataFrame:
    """Return the rows of one domain: measured, without those of few dossiers, in order."""
    from sipas_analysis.records.steps import find_bottleneck, measure_steps

    by = STEPS[domain]
    table = measure_steps(movements, source.dossiers, by)
    few = mark_small_cells(table[[*by]], table["dossiers"].to_numpy(), source.min_cell)
    table = table[~few]
    for base, columns in BASES.items():
        is_few = table[base].between(1, source.min_cell - 1)
        table = table.assign(**{name: table[name].mask(is_few) for name in columns})
    if domain == "unit_section":
        table = source.place(table[table["unit"] != OTHER])
    if domain == "step":
        shares = find_bottleneck(movements, source.dossiers, by).table
        table = table.merge(shares.rename(columns=LIMIT_COLUMNS), on=[*by], how="left")
        table["may_be_first"] = table["may_be_first"].astype(float)
    places = table["step"].map(order)
    table = table.iloc[places.argsort(kind="stable")]
    return name_rows(table.rename(columns={"step": "label"}), domain, source)
