"""The published table of steps: where the time of dossiers goes, and their ways (rules T5, P2).

Its domains are ``step`` (all units), ``section`` (a step in the sections of that name),
``unit_section`` (of one unit) and ``way`` (from the step ``label`` to the step ``section``). Rows
of few dossiers are left out, and with each one more, so that no total gives it back.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.figures.record_closure import LATER, Sums
from sipas_analysis.figures.record_tables import RecordSource, name_rows
from sipas_analysis.figures.slow_places import add_slow_places
from sipas_analysis.infer.design import Ints
from sipas_analysis.records.small_cells import FEWEST, FEWEST_CELLS, Marks, find_small_cells

if TYPE_CHECKING:
    from sipas_analysis.records.steps import Bottleneck

STEPS: Mapping[str, Sequence[str]] = {
    "step": ("step",),
    "section": ("step", "section"),
    "unit_section": ("unit", "step", "section"),
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
SUMMED = ("dossiers", "n", "loops")  # of units to sections and steps
HERE = "limit_here_percent"
OF_STEPS = "share_of_limit_percent"
LIMIT_COLUMNS = {"share_percent": OF_STEPS, "low": f"{OF_STEPS}_low", "high": f"{OF_STEPS}_high"}


def tabulate_steps(source: RecordSource) -> pd.DataFrame:
    """Return the time of each step and section, its part of the legal limits, and the passages.

    ``share_of_limit_percent`` (with its interval; of steps) is the part of the limits of all
    dossiers, ``limit_here_percent`` of those that were here; ``is_candidate`` is 1 where no other
    step surely takes more, ``position`` the mean place of a step in the way of a dossier.
    """
    from sipas_analysis.records.flow import END, START, count_flow
    from sipas_analysis.records.steps import find_bottleneck, measure_steps, time_stays

    movements = source.records.movements
    if movements is None:
        return pd.DataFrame()
    dossiers = source.counted[[*CLOCK]]
    stays = time_stays(movements, dossiers, STEPS["unit_section"], source.period[1])
    flow = count_flow(stays, dossiers, min_cell=source.min_cell)
    order = dict(zip(flow.nodes["step"], flow.nodes["position"], strict=True))
    tables = {domain: measure_steps(stays, dossiers, by) for domain, by in STEPS.items()}
    tables = hide_steps(tables, source.find_merged_units(), source.min_cell)
    tables["step"] = _add_limits(tables["step"], find_bottleneck(stays, dossiers, "step"))
    units = source.place(tables["unit_section"])[[*STEPS["unit_section"], "group", *OF_UNITS]]
    tables["unit_section"] = add_slow_places(units, stays, dossiers)
    parts = [_name(source, table, domain, order) for domain, table in tables.items()]
    shown = {START, END, *tables["step"]["step"]}
    is_shown = flow.edges["source"].isin(shown) & flow.edges["target"].isin(shown)
    ways = flow.edges[is_shown].rename(columns={"source": "label", "target": "section"})
    return pd.concat([*parts, name_rows(ways, "way", source)], ignore_index=True)


def _name(
    source: RecordSource, table: pd.DataFrame, domain: str, order: Mapping[str, float]
) -> pd.DataFrame:
    """Return the rows of one domain in the order of the steps, with their keys."""
    places = table["step"].map(order).sort_values(kind="stable")
    ordered = table.loc[places.index].reset_index(drop=True)
    if domain == "step":
        ordered["position"] = ordered["step"].map(order)
    return name_rows(ordered.rename(columns={"step": "label"}), domain, source)


def _add_limits(table: pd.DataFrame, bottleneck: "Bottleneck") -> pd.DataFrame:
    """Return the rows of steps with their part of the limits of all dossiers."""
    shares = bottleneck.table.rename(columns=LIMIT_COLUMNS)
    shares["is_candidate"] = shares["is_candidate"].astype(float)
    return table.merge(shares, on="step", how="left")


def hide_steps(
    tables: Mapping[str, pd.DataFrame], merged_units: Collection[str], min_cell: int
) -> dict[str, pd.DataFrame]:
    """Return the rows of steps, sections and units' sections without what few dossiers did (P2).

    A row of few dossiers, or of few stays that have ended, is left out, and so is what its step or
    section less the others would give back: a section is the sum of units, a step of sections. The
    mean of few pauses is blank, and that of the next section.

    Args:
        tables: Rows of ``measure_steps`` by domain, a key of ``STEPS``.
        merged_units: Units that no table shows by themselves.
        min_cell: Fewest dossiers and stays of a row.
    """
    tables = {name: table.rename(columns={OF_STEPS: HERE}) for name, table in tables.items()}
    rows = pd.concat([table.assign(domain=name) for name, table in tables.items()])
    rows = rows.reset_index(drop=True)
    is_few = rows[["dossiers", "n"]].apply(lambda n: n.between(1, min_cell - 1)).any(axis=1)
    is_few |= rows["unit"].isin([*merged_units])
    hidden = _hide_rows(rows, is_few, min_cell)
    few_pauses = pd.Series(False, rows.index)
    for _, beside in rows[~hidden].groupby(["domain", "step"]):
        pauses: Ints = beside["pauses"].to_numpy(dtype=np.int64)[None, :]
        few_pauses[beside.index] = find_small_cells(pauses, min_cell)[0]
    rows["pause_hours"] = rows["pause_hours"].mask(few_pauses)
    shown = rows[~hidden]
    return {
        name: shown.loc[shown["domain"] == name, [*table]].reset_index(drop=True)
        for name, table in tables.items()
    }


def _hide_rows(rows: pd.DataFrame, is_few: "pd.Series[bool]", min_cell: int) -> "pd.Series[bool]":
    """Return which rows are left out; one step alone is not, as passages tell of the steps."""
    hidden, steps = is_few.copy(), rows.index[rows["domain"] == "step"]
    while True:
        before, dossiers = hidden.copy(), rows.loc[steps, "dossiers"].to_numpy(dtype=np.int64)
        line = find_small_cells(dossiers[None, :], min_cell, hidden=hidden[steps].to_numpy()[None])
        hidden[steps] = line[0]
        for _, of_step in rows.groupby("step"):
            marks = hidden[of_step.index].to_numpy()
            hidden[of_step.index] = _hide_step(of_step, marks, min_cell)
        if hidden.equals(before):
            return hidden


def _hide_step(rows: pd.DataFrame, hidden: Marks, min_cell: int) -> Marks:
    """Return which rows of one step are left out: the step, its sections, and units in them."""
    cells = rows[rows["domain"] == "unit_section"]
    domain, section = rows["domain"].to_numpy(), rows["section"].to_numpy()
    adds = (domain == "step")[:, None] | (section[:, None] == cells["section"].to_numpy())
    adds &= (domain != "unit_section")[:, None] | np.eye(len(rows), dtype=bool)[
        :, np.flatnonzero(domain == "unit_section")
    ]
    order = rows["dossiers"].to_numpy(float) + LATER * (domain != "unit_section")
    order += LATER * (domain == "step")
    sums = Sums(adds, cells[[*SUMMED]].to_numpy(dtype=np.int64), order, fewest=min_cell)
    while True:
        before = hidden
        hidden = sums.extend_hiding(_hide_lines(rows, hidden, min_cell))
        if np.array_equal(hidden, before):
            return hidden


def _hide_lines(rows: pd.DataFrame, hidden: Marks, min_cell: int) -> Marks:
    """Return the hidden rows with all parts of a hidden whole, and parts that are too few (P5)."""
    hidden = hidden.copy()
    domain, dossiers = rows["domain"].to_numpy(), rows["dossiers"].to_numpy(dtype=np.int64)
    if hidden[domain == "step"].any():
        return np.ones_like(hidden)
    sections = np.flatnonzero(domain == "section")
    for place in sections:
        of_section = rows["section"].to_numpy() == rows["section"].iloc[place]
        units = np.flatnonzero((domain == "unit_section") & of_section)
        is_forced = hidden[units] | hidden[place]
        marks = find_small_cells(dossiers[None, units], min_cell, ("", "unit"), is_forced[None, :])
        hidden[units] = marks[0]
        hidden[place] |= bool(marks.all()) and len(units) < FEWEST["unit"]
    line = find_small_cells(dossiers[None, sections], min_cell, hidden=hidden[None, sections])
    hidden[sections] = line[0]
    if line.all():  # nothing stands beside the step
        hidden[domain == "step"] |= len(sections) < FEWEST_CELLS
    return hidden
