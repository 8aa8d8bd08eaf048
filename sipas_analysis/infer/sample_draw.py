"""Draw a sample of people, and compare the forms that came back with the sample (rule S3).

The draw depends on a salted hash of each id, never on the order of rows or a generator's state.
So the same list and seed give the same people, on any machine and in any order of rows. Of the
list, only ids, strata and clusters are returned.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.arguments import check_count, check_kind, check_name, check_word, list_known
from sipas_analysis.errors import AnswerError, ColumnError, FormError, ParameterError, Place
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.sample_size import FUZZ, expected_margin

How = Literal["simple", "systematic", "pps"]
DRAWN, RESERVE, LEFT = "drawn", "reserve", "left"


def draw(
    frame: pd.DataFrame,
    n: int | Mapping[str, int],
    *,
    ids: str,
    seed: int,
    how: How = "simple",
    by: str = "",
    size: str = "",
    clusters: str = "",
    n_clusters: int | Mapping[str, int] = 0,
    reserve: int | Mapping[str, int] = 0,
    everyone: bool = False,
    file: str = "frame",
) -> pd.DataFrame:
    """Draw people from a list, with a reserve list in order.

    Each stratum is sorted by SHA-256(seed, id), so a period in the list does no harm. ``simple``
    takes the first n; ``systematic`` one every k = N/n from a random start; ``pps`` one every
    ΣM/n along the sizes M, and every row with M ≥ this interval. With ``clusters``, clusters are
    drawn in this way (pps by ``size``, else by their rows), then n people in each by ``simple``.
    The reserve is the next people in the same order.

    Args:
        frame: One row per person; only id, stratum and cluster columns are returned.
        n: People per stratum, or in each drawn cluster; one number, or one by stratum.
        ids: Column of ids, unique in the frame.
        seed: Seed of the draw; another seed gives another draw.
        how: ``simple``, ``systematic`` or ``pps``.
        by: Column of strata (units), each drawn separately.
        size: Column of sizes M, above zero (``pps``).
        clusters: Column of clusters, read within their stratum.
        n_clusters: Clusters per stratum.
        reserve: People in reserve per stratum or drawn cluster; fewer where no more are left.
        everyone: Whether all others of the list are returned too, with status ``left``: the
            inclusion probability of every unit.
        file: Name of the frame in errors; its index is the row.

    Returns:
        Columns by, clusters, ids, ``order`` (1, 2, … within stratum or cluster and status),
        ``status`` (drawn, reserve, left), ``cluster_probability`` (with clusters: the chance of
        the person's cluster), ``probability`` and ``weight`` = 1/probability of those drawn. The
        probability is that of being drawn: n/N; n·M/ΣM, or 1 where M is not below the interval;
        with clusters that of the cluster times n/N within. A reserve takes the weight of the
        person replaced.

    Raises:
        ColumnError: A column is missing.
        FormError: Ids are blank or repeat.
        AnswerError: A size is not above zero.
        ParameterError: More people or clusters are requested than there are.

    Source: rule S3 in docs/method.md; Hartley and Rao (1962).

    Example:
        >>> people = pd.DataFrame({"id": ["a", "b", "c", "d"], "unit": ["x", "x", "y", "y"]})
        >>> draw(people, 1, ids="id", seed=1, by="unit")["weight"].tolist()
        [2.0, 2.0]
    """
    check_count(seed, "seed")
    _check_frame(frame, ids, [by, clusters, size if how == "pps" else ""], file)
    rows = pd.DataFrame({name: frame[name].astype(str) for name in (by, clusters, ids) if name})
    rows["stratum_"] = rows[by] if by else ""
    rows["size_"] = _read_sizes(frame, size, file) if how == "pps" and size else 1.0
    rows["before_"], rows["open_"], rows["part_"] = 1.0, True, rows["stratum_"]
    rows["take_"] = _number_by_row(n, rows, "n")
    rows["spare_"] = _number_by_row(reserve, rows, "reserve")
    if clusters:
        if not n_clusters:
            raise ParameterError("sample_each", name="n_clusters", strata="–")
        rows["part_"] = rows["stratum_"] + "\0" + rows[clusters]
        n_drawn = _number_by_row(n_clusters, rows, "n_clusters")
        rows["before_"], rows["open_"] = _draw_clusters(rows, n_drawn, seed, how)
        rows = rows if everyone else rows[rows["open_"]]
        fitting = rows.groupby("part_")["part_"].transform("size")
        rows["take_"] = np.minimum(rows["take_"], fitting)
    elif how == "pps" and not size:
        raise ParameterError("sample_no_size")
    people = _draw_in_parts(_sort_by_hash(rows, ids, seed), seed, "simple" if clusters else how)
    people = people if everyone else people[people["status"] != LEFT].reset_index(drop=True)
    columns = [*dict.fromkeys(name for name in (by, clusters, ids) if name), "order", "status"]
    people = people.rename(columns={"before_": "cluster_probability"})
    return people[[*columns, *["cluster_probability"] * bool(clusters), "probability", "weight"]]


def _draw_clusters(
    rows: pd.DataFrame, n_clusters: "pd.Series[Any]", seed: int, how: How
) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """Draw clusters in each stratum; return by row the chance of its cluster, and if drawn."""
    first = rows.assign(take_=n_clusters).groupby("part_", as_index=False)
    parts = first.agg(
        stratum_=("stratum_", "first"), take_=("take_", "first"), size_=("size_", "sum")
    )
    parts = parts.assign(cluster_=parts["part_"], part_=parts["stratum_"])
    parts = parts.assign(before_=1.0, open_=True, spare_=0)
    drawn = _draw_in_parts(_sort_by_hash(parts, "cluster_", seed), seed, how)
    drawn = drawn.set_index("cluster_")
    clusters = rows["part_"]
    return clusters.map(drawn["probability"]), clusters.map(drawn["status"] == DRAWN)


def _draw_in_parts(rows: pd.DataFrame, seed: int, how: How) -> pd.DataFrame:
    """Draw ``take_`` rows in each open part, in hashed order; ``spare_`` of the others wait."""
    check_word(how, get_args(How), "how")
    chance, drawn = np.empty(len(rows)), np.zeros(len(rows), dtype=bool)
    for part, at in rows.groupby("part_", sort=True).indices.items():
        n = int(rows["take_"].iloc[at[0]])
        if n > len(at):
            raise ParameterError(
                "sample_over", name=str(part).replace("\0", " / ") or "–", n=n, population=len(at)
            )
        if how == "simple":
            chance[at], drawn[at] = n / len(at), np.arange(len(at)) < n
        else:
            start = _hash_to_unit(f"{seed}\0start\0{part}")
            chance[at], drawn[at] = _draw_along(rows["size_"].to_numpy(dtype=float)[at], n, start)
    drawn &= rows["open_"].to_numpy(dtype=bool)
    rows = rows.assign(drawn_=drawn, probability=chance * rows["before_"])
    rows = rows.sort_values(["part_", "drawn_"], ascending=[True, False], kind="stable")
    rows["order"] = rows.groupby(["part_", "drawn_"]).cumcount() + 1
    waits = rows["open_"] & (rows["order"] <= rows["spare_"])
    rows["status"] = np.where(rows["drawn_"], DRAWN, np.where(waits, RESERVE, LEFT))
    rows["weight"] = (1 / rows["probability"]).where(rows["drawn_"])
    return rows.reset_index(drop=True)


def _draw_along(size: Floats, n: int, start: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Take one row in every interval along the sizes; return chances and which are drawn."""
    sure = np.zeros(size.size, dtype=bool)
    while (left := n - int(sure.sum())) > 0:
        more = ~sure & (size * left >= size[~sure].sum() * (1 - FUZZ))
        if not more.any():
            break
        sure |= more
    chance, drawn = sure.astype(np.float64), sure.copy()
    if left > 0:
        rest = np.flatnonzero(~sure)
        ends = np.cumsum(size[rest])
        chance[rest] = left * size[rest] / ends[-1]
        points = (start + np.arange(left)) * (ends[-1] / left)
        drawn[rest[np.minimum(np.searchsorted(ends, points, side="right"), rest.size - 1)]] = True
    return chance, drawn


def _sort_by_hash(rows: pd.DataFrame, ids: str, seed: int) -> pd.DataFrame:
    """Return rows in the order of the salted hash of their id."""
    keys = [sha256(f"{seed}\0{person}".encode()).digest() for person in rows[ids]]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return rows.iloc[order].reset_index(drop=True)


def _hash_to_unit(text: str) -> float:
    """Return the hash of a text as a number in [0, 1)."""
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big") / 2**48


def compare_returns(
    plan: pd.DataFrame,
    returned: Iterable[str],
    *,
    ids: str,
    by: str = "",
    deff: float = 1.0,
    file: str = "returned",
) -> pd.DataFrame:
    """Compare the forms that came back with the draw, unit by unit.

    Args:
        plan: Result of ``draw``, reserve included, without clusters.
        returned: Ids of the people who answered; an index, if any, is the file's row.
        ids: Column of ids in ``plan``.
        by: Column of units in ``plan``.
        deff: Expected design effect.
        file: Name of ``returned`` in errors.

    Returns:
        By unit: ``planned``, ``answered`` (of those drawn), ``replaced`` (reserves in the place of
        those drawn who did not), ``extra`` (reserves beyond that), ``missing``,
        ``response_percent`` (answered of planned) and ``margin_points`` now.

    Raises:
        FormError: An id came back twice, or was never drawn.

    Source: rule S3 in docs/method.md.

    Example:
        >>> people = pd.DataFrame({"id": ["a", "b", "c", "d"]})
        >>> plan = draw(people, 2, ids="id", seed=1, reserve=1)
        >>> returns = compare_returns(plan, plan["id"].iloc[1:], ids="id")
        >>> returns[["answered", "replaced"]].values.tolist()
        [[1, 1]]
    """
    back = pd.Series(returned, dtype=object).astype(str)
    _refuse_ids(back, back.duplicated(keep=False), "sample_returned_twice", ids, file)
    _refuse_ids(back, ~back.isin(set(plan[ids])), "sample_never_drawn", ids, file)
    has_answered, drawn = plan[ids].isin(set(back)), plan["status"] == DRAWN
    facts = pd.DataFrame(
        {
            "unit": plan[by] if by else "",
            "planned": drawn,
            "answered": has_answered & drawn,
            "stood_in": has_answered & ~drawn,
            "population": plan["weight"].fillna(0),
        }
    )
    units = facts.groupby("unit", sort=True).sum().reset_index()
    missed = units["planned"] - units["answered"]
    units["replaced"] = np.minimum(units["stood_in"], missed)
    units["extra"] = units["stood_in"] - units["replaced"]
    units["missing"] = missed - units["replaced"]
    units["response_percent"] = 100 * units["answered"] / units["planned"]
    forms, population = units["answered"] + units["stood_in"], units["population"].round()
    units["margin_points"] = 100 * expected_margin(forms, np.maximum(population, 1), deff=deff)
    return units[
        [
            "unit",
            "planned",
            "answered",
            "replaced",
            "extra",
            "missing",
            "response_percent",
            "margin_points",
        ]
    ]


def _check_frame(frame: pd.DataFrame, ids: str, columns: Iterable[str], file: str) -> None:
    """Refuse a frame without its columns, or whose ids are blank or repeat."""
    check_kind(frame, pd.DataFrame, "frame")
    for name in (ids, *columns):
        check_name(name, "columns")
        if name and name not in frame:
            known = list_known(name, frame.columns)
            raise ColumnError("sample_column", [Place(file)], name=name, known=known)
    text = frame[ids].astype(str).where(frame[ids].notna(), "").str.strip()
    _refuse_ids(text, text == "", "sample_blank", ids, file)
    _refuse_ids(text, text.duplicated(keep=False), "sample_twice", ids, file)


def _refuse_ids(
    text: "pd.Series[Any]", wrong: "pd.Series[bool]", message: str, ids: str, file: str
) -> None:
    places = [Place(file, row, ids, wrong_id) for row, wrong_id in text[wrong].items()]  # type: ignore[arg-type]
    if places:
        raise FormError(message, places)


def _read_sizes(frame: pd.DataFrame, size: str, file: str) -> "pd.Series[float]":
    sizes = pd.to_numeric(frame[size], errors="coerce").astype(float)
    wrong = ~((sizes > 0) & np.isfinite(sizes))
    if wrong.any():
        places = [
            Place(file, row, size, str(value))  # type: ignore[arg-type]
            for row, value in frame.loc[wrong, size].items()
        ]
        raise AnswerError("sample_size_positive", places)
    return sizes


def _number_by_row(n: int | Mapping[str, int], rows: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """Return for each row the number to draw from its stratum."""
    strata = rows["stratum_"]
    for number in n.values() if isinstance(n, Mapping) else [n]:
        check_count(number, name)
    numbers = strata.map(dict(n)) if isinstance(n, Mapping) else pd.Series(n, index=strata.index)
    wrong = strata[~(numbers >= 0)].unique()
    if len(wrong):
        raise ParameterError("sample_each", name=name, strata=", ".join(wrong) or "–")
    return numbers.astype(np.int64)
