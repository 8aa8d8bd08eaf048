"""Hide how few dossiers of a published row are divided (rules P2 and P5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np
import pandas as pd

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.figures.record_closure import LATER, Sums
from sipas_analysis.infer.design import Floats, Ints
from sipas_analysis.records.small_cells import Marks, find_small_cells, mark_small_cells

BETWEEN = "\x1f"


@dataclass(frozen=True, eq=False)
class Parts:
    """What the rows of a table have in common, such as the dossiers of one field of one unit.

    Attributes:
        cells: One row per cell: its keys and counts.
        places: Keys of the rows of each domain.
        fewest: Least width of the range of a hidden number, see ``Sums``.
    """

    cells: pd.DataFrame
    places: Mapping[str, Sequence[str]]
    fewest: int

    def add_up(
        self, table: pd.DataFrame, columns: Sequence[str], order: Floats, has_bases: bool = False
    ) -> Sums:
        """Return the sums of a table with ``domain`` and ``cell`` (``join_keys``), see ``Sums``."""
        cells = self.cells[self.cells[[*columns]].sum(axis=1) > 0]
        counts: Ints = cells[[*columns]].to_numpy(dtype=np.int64)
        never = table["domain"].map(lambda domain: not self.places[domain]).to_numpy()
        later = np.where(table["domain"] == "group", LATER, 0.0)
        ranks = np.where(never | (order < 0), -1.0, order + later)
        return Sums(self._find_rows(table, cells), counts, ranks, has_bases, self.fewest)

    def _find_rows(self, table: pd.DataFrame, cells: pd.DataFrame) -> Marks:
        """Return which cells each row adds up; a cell of no row of its own is in that of others."""
        rows = np.zeros((len(table), len(cells)), dtype=bool)
        for domain, by in self.places.items():
            of_domain = table.index[table["domain"] == domain]
            places = dict(zip(table.loc[of_domain, "cell"], of_domain, strict=True))
            found = join_keys(cells, by).map(places)
            for n_others in range(1, len(by) + 1):
                for merged in combinations(by, n_others):
                    others = cells.assign(**dict.fromkeys(merged, OTHER))
                    found = found.fillna(join_keys(others, by).map(places))
            is_there = found.notna().to_numpy()
            rows[found[is_there].to_numpy(dtype=np.int64), np.flatnonzero(is_there)] = True
        return rows


def find_merged(
    cells: pd.DataFrame, places: Mapping[str, Sequence[str]], min_cell: int
) -> dict[str, set[str]]:
    """Find the keys that must not be shown by themselves, in the tables of all domains at once.

    Args:
        cells: One row per cell: its keys and ``n``.
        places: Keys of the rows of each domain; groups and the whole are never merged.
        min_cell: Fewest of a row.

    Returns:
        By the last key of a domain (``unit``, ``field``, …) the merged ones.
    """
    parts = []
    for domain, by in places.items():
        keys = [*by] or np.zeros(len(cells))
        counts = cells.groupby(keys, observed=True, sort=True)["n"].sum().reset_index()
        is_kept = domain == "group" or not by
        few = mark_small_cells(counts[[*by]], counts["n"].to_numpy(), min_cell) & (not is_kept)
        order = np.where(is_kept, -1.0, counts["n"])
        named = counts.assign(
            domain=domain,
            name=counts[by[-1]] if by else "",
            cell=join_keys(counts, by),
            few=few,
            order=order,
        )
        parts.append(named[["domain", "name", "cell", "few", "order"]])
    table = pd.concat(parts, ignore_index=True)
    sums = Parts(cells, places, min_cell).add_up(table, ("n",), table["order"].to_numpy(float))
    merged = table[sums.extend_hiding(table["few"].to_numpy())]
    last = {domain: by[-1] for domain, by in places.items() if by}
    return {key: {*merged.loc[merged["domain"] == domain, "name"]} for domain, key in last.items()}


def join_keys(table: pd.DataFrame, by: Sequence[str]) -> "pd.Series[str]":
    """Return the keys of each row as one text."""
    joined = pd.Series("", table.index)
    for name in by:
        joined = joined + table[name].astype(str) + BETWEEN
    return joined


def hide_divisions(
    table: pd.DataFrame,
    wholes: "pd.Series[str]",
    divisions: Mapping[str, Sequence[str]],
    min_cell: int,
    *,
    parts: Parts | None = None,
    sums: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Blank how few dossiers are divided, and what would give it back; their number stays.

    Args:
        table: A table with ``key`` and ``domain``, each row after the whole that it is a part of.
        wholes: Key of the whole of each row; empty for the top.
        divisions: Columns that tell how the dossiers of a column are divided.
        min_cell: Fewest dossiers whose division is shown.
        parts: Cells that the rows of all domains add up; without, domains are taken apart.
        sums: With ``parts``: columns into which the dossiers of a column are divided.

    Returns:
        The table with NaN in the columns of ``divisions`` of hidden rows. Where one part of a whole
        is hidden, so are the next smallest (``find_small_cells``); so are all parts of a hidden
        whole, and what follows from other domains (``Sums.extend_hiding``).
    """
    shown = table.copy()
    for base, columns in divisions.items():
        counts = table[base].fillna(0)
        hidden = pd.Series(False, table.index)
        for (domain, whole), members in counts.groupby([table["domain"], wholes], sort=False):
            is_forced = np.full((1, len(members)), whole in {*table.loc[hidden, "key"]})
            cells: Ints = members.to_numpy().astype(np.int64)[None, :]
            marks = find_small_cells(cells, min_cell, ("", str(domain)), is_forced)
            hidden[members.index] = marks[0]
        if parts is not None:
            order = counts.to_numpy(float)
            of_base = parts.add_up(table, sums[base], order, has_bases=True)
            hidden[:] = of_base.extend_hiding(hidden.to_numpy())
        names = [name for name in columns if name in table]
        shown[names] = shown[names].astype(float).mask(hidden)
    return shown
