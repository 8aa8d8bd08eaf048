"""The published table of steps: where the time of dossiers goes, and their ways (rules T5, P2).

Its domains are ``step`` (all units), ``section`` (a step in the sections of that name),
``unit_section`` (of one unit) and ``way`` (from the step ``label`` to the step ``section``). Rows
of few dossiers are left out, and with each one more, so that no total gives it back.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.figures.record_tables import RecordSource, name_rows
from sipas_analysis.figures.slow_places import add_slow_places
from sipas_analysis.records.small_cells import mark_small_cells

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

STEPS: Mapping[str, Sequence[str]] = {
    "step": ("step",),
    "section": ("step", "section"),
    "unit_section": ("unit", "step", "section"),
}
BASES = {  # columns that need so many stays of a column
    "n": ("n", "median_hours", "p90_hours", "total_hours", "wait_hours", "limit_here_percent"),
    "pauses": ("pause_hours",),
}
OF_UNITS = (
    "n",
    "dossiers",
    "median_hours",
    "p90_hours",
    "limit_here_percent",
    "wait_hours",
    "loops",
)
CLOCK = ("dossier", "unit", "start", "due", "paused_seconds")  # all that SQL looks at
OF_STEPS = "share_of_limit_percent"
LIMIT_COLUMNS = {"share_percent": OF_STEPS, "low": f"{OF_STEPS}_low", "high": f"{OF_STEPS}_high"}


def tabulate_steps(source: RecordSource) -> pd.DataFrame:
    """Return the time of each step and section, its part of the legal limits, and the passages.

    ``share_of_limit_percent`` (with its interval; of steps) is the part of the limits of all
    dossiers, ``limit_here_percent`` of those that were here; ``is_candidate`` is 1 where no other
    step surely takes more, ``position`` the mean place of a step in the way of a dossier.
    """
    from sipas_analysis.records.flow import END, START, count_flow
    from sipas_analysis.records.steps import time_stays

    movements = source.records.movements
    if movements is None:
        return pd.DataFrame()
    dossiers = source.counted[[*CLOCK]]
    stays = time_stays(movements, dossiers, STEPS["unit_section"], source.period[1])
    flow = count_flow(stays, dossiers, min_cell=source.min_cell)
    order = dict(zip(flow.nodes["step"], flow.nodes["position"], strict=True))
    parts = [_measure(source, stays, domain, order) for domain in STEPS]
    shown = {START, END, *parts[0]["label"]}
    is_shown = flow.edges["source"].isin(shown) & flow.edges["target"].isin(shown)
    ways = flow.edges[is_shown].rename(columns={"source": "label", "target": "section"})
    parts = [part[part["label"].isin(shown)] for part in parts]
    return pd.concat([*parts, name_rows(ways, "way", source)], ignore_index=True)


def _measure(
    source: RecordSource, stays: "DuckDBPyRelation", domain: str, order: Mapping[str, float]
) -> pd.DataFrame:
    """Return the rows of one domain: measured, without those of few dossiers, in order."""
    from sipas_analysis.records.steps import find_bottleneck, measure_steps

    by, clock = STEPS[domain], source.counted[[*CLOCK]]
    table = measure_steps(stays, clock, by)
    table = table.rename(columns={OF_STEPS: "limit_here_percent"})
    few = mark_small_cells(table[[*by]], table["dossiers"].to_numpy(), source.min_cell)
    table = table[~few]
    for base, columns in BASES.items():
        is_few = table[base].between(1, source.min_cell - 1)
        table = table.assign(**{name: table[name].mask(is_few) for name in columns})
    if domain == "unit_section":
        table = source.place(table.loc[table["unit"] != OTHER, [*by, *OF_UNITS]])
        table = add_slow_places(table, stays, clock)
    places = table["step"].map(order)
    table = table.loc[places.sort_values(kind="stable").index].reset_index(drop=True)
    if domain == "step":
        shares = find_bottleneck(stays, clock, by).table
        table = table.merge(shares.rename(columns=LIMIT_COLUMNS), on=[*by], how="left")
        table = table.assign(
            position=table["step"].map(order), is_candidate=table["is_candidate"].astype(float)
        )
    return name_rows(table.rename(columns={"step": "label"}), domain, source)
