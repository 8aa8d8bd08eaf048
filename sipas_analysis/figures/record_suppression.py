"""Hide how few dossiers of a published row are divided (rules P2 and P5)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sipas_analysis.infer.design import Ints
from sipas_analysis.records.small_cells import find_small_cells


def hide_divisions(
    table: pd.DataFrame,
    wholes: "pd.Series[str]",
    divisions: Mapping[str, Sequence[str]],
    min_cell: int,
) -> pd.DataFrame:
    """Blank how few dossiers are divided, and what would give it back; their number stays.

    Args:
        table: A table with ``key`` and ``domain``, each row after the whole that it is a part of.
        wholes: Key of the whole of each row; empty for the top.
        divisions: Columns that tell how the dossiers of a column are divided.
        min_cell: Fewest dossiers whose division is shown.

    Returns:
        The table with NaN in the columns of ``divisions`` of hidden rows. Where one part of a whole
        is hidden, so are the next smallest (``find_small_cells``); so are all parts of a hidden
        whole.
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
        names = [name for name in columns if name in table]
        shown[names] = shown[names].astype(float).mask(hidden)
    return shown
