"""What became of units between two days: renamed, merged, split, with the shares that went where.

A list of changes is a CSV file beside the wave. Changes of one day make a table of shares, those of
many days multiply; so totals are carried from old units to new ones and nothing is lost. A share
is of what the unit counted (forms, clients), and is stated by who wrote the file, never guessed.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.readers import read_rows
from sipas_analysis.errors import Place, UnitError

COLUMNS = ("date", "from", "to", "share", "kind", "status", "source")
NEEDED = COLUMNS[:3]
KINDS = ("rename", "merge", "split", "move")
CLOSE = 1e-9


def read_changes(path: Path) -> pd.DataFrame:
    """Read a list of changes of units, checked whole.

    Returns:
        ``date``, ``from``, ``to``, ``share`` (1 if left out), ``kind``, ``status`` (if left out
        ``unverified``) and ``source``, in order of days. The index is the row of the file.

    Raises:
        FileError: The file is missing or cannot be read.
        UnitError: A column is missing; a day, kind or share cannot be; shares of a unit do not
            add up to 1; units of one day become each other in a circle. Rows are listed.
    """
    raw = read_rows(path)
    missing = [name for name in NEEDED if name not in raw]
    if missing:
        raise UnitError("change_columns", [Place(path.name, 1)], missing=", ".join(missing))
    found = raw.reindex(columns=list(COLUMNS), fill_value="")
    days = pd.to_datetime(found["date"], format="%Y-%m-%d", errors="coerce")
    share = pd.to_numeric(found["share"].replace("", "1"), errors="coerce")
    wrong = {
        "date": days.isna(),
        "from": found["from"] == "",
        "to": found["to"] == "",
        "share": ~((share > 0) & (share <= 1)),
        "kind": ~found["kind"].isin(["", *KINDS]),
    }
    places = [
        Place(path.name, int(row), column, str(found.loc[row, column]))
        for column, bad in wrong.items()
        for row in found.index[bad]
    ]
    if places:
        raise UnitError("change_cells", places, kinds=", ".join(KINDS))
    found = found.assign(
        date=days.dt.date, share=share, status=found["status"].replace("", "unverified")
    )
    _check_sums(found, path)
    _check_circles(found, path)
    return found.sort_values("date", kind="stable")


def _check_sums(found: pd.DataFrame, path: Path) -> None:
    """Refuse a unit whose shares of one day do not add up to 1, or that names one twice."""
    sums = found.groupby(["date", "from"])["share"].transform("sum")
    wrong = found[((sums - 1).abs() > CLOSE) | found.duplicated(["date", "from", "to"], keep=False)]
    if len(wrong):
        places = [
            Place(path.name, int(row), "share", f"{one:g}")
            for row, one in zip(np.asarray(wrong.index), wrong["share"], strict=True)
        ]
        raise UnitError("change_shares", places)


def _check_circles(found: pd.DataFrame, path: Path) -> None:
    """Refuse units of one day that become each other in a circle."""
    for _, day in found[found["from"] != found["to"]].groupby("date"):
        left = day
        while len(left):  # what becomes a unit that itself stays is no circle
            kept = left[left["to"].isin(left["from"]) & left["from"].isin(left["to"])]
            if len(kept) == len(left):
                places = [
                    Place(path.name, int(row), "to", code)
                    for row, code in zip(np.asarray(kept.index), kept["to"], strict=True)
                ]
                raise UnitError("change_circle", places)
            left = kept


def compute_unit_shares(
    changes: pd.DataFrame, units: Sequence[str], after: date | None, until: date | None
) -> pd.DataFrame:
    """Return what share of each unit went to which unit between two days.

    Args:
        changes: As ``read_changes`` returns them.
        units: Codes that exist on the first day, shape (p,).
        after: The first day; changes on it count as done. The beginning if None.
        until: The last day; the end if None.

    Returns:
        Shares, shape (p, q), rows add up to 1; a unit without change goes to itself.

    Example:
        >>> changes = pd.DataFrame({"date": [date(2023, 2, 10)], "from": ["a"], "to": ["b"],
        ...                         "share": [1.0]})
        >>> compute_unit_shares(changes, ["a", "c"], date(2022, 1, 1), None).loc["a", "b"].item()
        1.0
    """
    within = [
        (after is None or day > after) and (until is None or day <= until)
        for day in changes["date"]
    ]
    inside = changes[np.array(within, dtype=bool)]
    table = pd.DataFrame(np.eye(len(units)), index=list(units), columns=list(units))
    for _, day in inside.sort_values("date", kind="stable").groupby("date"):
        step = day.pivot_table(index="from", columns="to", values="share", aggfunc="sum").fillna(
            0.0
        )
        codes = sorted({*table.columns, *step.columns})
        whole = pd.DataFrame(np.eye(len(codes)), index=codes, columns=codes)
        whole.loc[[code for code in step.index if code in codes]] = 0.0
        known = [code for code in step.index if code in codes]
        whole.loc[known, step.columns] = step.loc[known].to_numpy()
        table = table.reindex(columns=codes, fill_value=0.0) @ whole
    return table.loc[:, (table != 0).any(axis=0)]


def carried(totals: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Carry totals by old unit, shape (p, k), over to new units; column sums stay the same."""
    return shares.T @ totals.reindex(shares.index, fill_value=0.0)


def shares_back(shares: pd.DataFrame, sizes: "pd.Series[float]") -> pd.DataFrame:
    """Return the way back, shape (q, p): each new unit is split by what its old units put in.

    Equal sizes stand in for a new unit into which nothing went, so that rows add up to 1.
    """
    put = shares.mul(sizes.reindex(shares.index).to_numpy(dtype=float), axis=0).T
    empty = put.sum(axis=1) == 0
    put[empty] = (shares.T[empty] > 0).astype(float)
    return put.div(put.sum(axis=1), axis=0)


def find_successors(shares: pd.DataFrame) -> dict[str, str]:
    """Return the one unit that each unit became whole; units that were split are left out."""
    whole = shares.max(axis=1) > 1 - CLOSE
    became = shares[whole].idxmax(axis=1)
    return {str(code): str(to) for code, to in zip(became.index, became, strict=True)}
