"""Which sections of units surely take more of the legal limit than others do in a step (T5)."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

KEYS = ("unit", "step", "section")
SLOW_COLUMNS = {"others_percent": "others_percent", "low": "least_points"}


def add_slow_places(
    table: pd.DataFrame, movements: "DuckDBPyRelation", clock: pd.DataFrame
) -> pd.DataFrame:
    """Add to the rows of units' sections how much more of the limit they take than others.

    ``others_percent`` is the part of the limits in the other sections of the step, and
    ``least_points`` the lower end of the difference, for all places at once. Both are blank in a
    place that is not surely slow, or whose own part is hidden.

    Source: rule T5 in docs/method.md.
    """
    from sipas_analysis.records.steps import find_slow_places

    places = find_slow_places(movements, clock, ["unit", "section"])
    slow = places.loc[places["is_slow"], [*KEYS, *SLOW_COLUMNS]].rename(columns=SLOW_COLUMNS)
    joined = table.merge(slow, on=[*KEYS], how="left")
    columns = [*SLOW_COLUMNS.values()]
    is_hidden = joined["limit_here_percent"].isna()
    joined[columns] = joined[columns].astype(float).mask(is_hidden, axis=0)
    return joined
