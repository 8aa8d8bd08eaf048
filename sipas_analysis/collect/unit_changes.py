"""Follow units that were renamed, merged or split between two days, by shares.

A list of changes is a CSV file beside the wave. The changes of one day make a table of shares;
the tables of several days are multiplied. A share is a part of what the unit counted (forms,
clients). The author of the file states each share; none is guessed.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.tables import read_rows
from sipas_analysis.collect.units import list_wrong_cells
from sipas_analysis.errors import Place, UnitError

COLUMNS = ("date", "from", "to", "share", "kind", "status", "source")
NEEDED = COLUMNS[:3]
KINDS = ("rename", "merge", "split", "move")
CLOSE = 1e-9


def read_changes(path: Path) -> pd.DataFrame:
    """Read and check a list of changes of units.

    Returns:
        ``date``, ``from``, ``to``, ``share`` (1 if left out), ``kind``, ``status`` (if left out
        ``unverified``) and ``source``, in order of days. The index is the row of the file.

    Raises:
        FileError: The file is missing or cannot be read.
        UnitError: A column is missing; a day, kind or share is invalid; shares of a unit do not
            add up to 1; the changes of one day form a cycle. Rows are listed.
    """
    raw = read_rows(path)
    missing = [name for name in NEEDED if name not in raw]
    if missing:
        raise UnitError("change_columns", [Place(path.name, 1)], missing=", ".join(missing))
    changes = raw.reindex(columns=list(COLUMNS), fill_value="")
    days = pd.to_datetime(changes["date"], format="%Y-%m-%d", errors="coerce")
    share = pd.to_numeric(changes["share"].replace("", "1"), errors="coerce")
    is_wrong = {
        "date": days.isna(),
        "from": changes["from"] == "",
        "to": changes["to"] == "",
        "share": ~((share > 0) & (share <= 1)),
        "kind": ~changes["kind"].isin(["", *KINDS]),
    }
    places = list_wrong_cells(changes, path, is_wrong.items())
    if places:
        raise UnitError("change_cells", places, kinds=", ".join(KINDS))
    changes = changes.assign(
        date=days.dt.date, share=share, status=changes["status"].replace("", "unverified")
    )
    _check_sums(changes, path)
    _check_circles(changes, path)
    return changes.sort_values("date", kind="stable")


def _check_sums(changes: pd.DataFrame, path: Path) -> None:
    """Refuse shares of a unit on one day that do not add up to 1, or that repeat a new unit."""
    sums = changes.groupby(["date", "from"])["share"].transform("sum")
    repeats = changes.duplicated(["date", "from", "to"], keep=False)
    wrong = changes[((sums - 1).abs() > CLOSE) | repeats]
    if len(wrong):
        places = [
            Place(path.name, int(row), "share", f"{share:g}")
            for row, share in zip(np.asarray(wrong.index), wrong["share"], strict=True)
        ]
        raise UnitError("change_shares", places)


def _check_circles(changes: pd.DataFrame, path: Path) -> None:
    """Refuse changes of one day that form a cycle."""
    for _, changes_of_day in changes[changes["from"] != changes["to"]].groupby("date"):
        left = changes_of_day
        while len(left):  # each step removes the ends of all chains; a cycle has no end
            linked = left[left["to"].isin(left["from"]) & left["from"].isin(left["to"])]
            if len(linked) == len(left):
                places = [
                    Place(path.name, int(row), "to", code)
                    for row, code in zip(np.asarray(linked.index), linked["to"], strict=True)
                ]
                raise UnitError("change_circle", places)
            left = linked


def compute_unit_shares(
    changes: pd.DataFrame, units: Sequence[str], after: date | None, until: date | None
) -> pd.DataFrame:
    """Return the share of each unit that went to each unit between two days.

    Args:
        changes: As ``read_changes`` returns them.
        units: Codes that exist on the first day, shape (p,).
        after: The first day, whose changes were already made; None for the beginning.
        until: The last day; None for the end.

    Returns:
        Shares, shape (p, q), rows add up to 1; a unit without change goes to itself.

    Example:
        >>> changes = pd.DataFrame({"date": [date(2023, 2, 10)], "from": ["a"], "to": ["b"],
        ...                         "share": [1.0]})
        >>> compute_unit_shares(changes, ["a", "c"], date(2022, 1, 1), None).loc["a", "b"].item()
        1.0
    """
    is_between = [
        (after is None or day > after) and (until is None or day <= until)
        for day in changes["date"]
    ]
    between = changes[np.array(is_between, dtype=bool)]
    shares = pd.DataFrame(np.eye(len(units)), index=list(units), columns=list(units))
    for _, changes_of_day in between.sort_values("date", kind="stable").groupby("date"):
        pivot = changes_of_day.pivot_table(
            index="from", columns="to", values="share", aggfunc="sum"
        ).fillna(0.0)
        codes = sorted({*shares.columns, *pivot.columns})
        changed = [code for code in pivot.index if code in codes]
        step = pd.DataFrame(np.eye(len(codes)), index=codes, columns=codes)
        step.loc[changed] = 0.0
        step.loc[changed, pivot.columns] = pivot.loc[changed].to_numpy()
        shares = shares.reindex(columns=codes, fill_value=0.0) @ step
    return shares.loc[:, (shares != 0).any(axis=0)]


def find_successors(shares: pd.DataFrame) -> dict[str, str]:
    """Return the unit that each unit became as a whole; units that were split are left out."""
    is_whole = shares.max(axis=1) > 1 - CLOSE
    successors = shares[is_whole].idxmax(axis=1)
    return {
        str(code): str(successor)
        for code, successor in zip(successors.index, successors, strict=True)
    }
