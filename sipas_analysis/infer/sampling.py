"""Say how many people to ask and whom, before anyone is asked (rules S1, S2 and S3).

Chance comes from a salted hash of each id, never from the order of rows or a generator's state:
whoever has the same list and seed draws the same people, on any machine, in any order. Nothing
but ids, strata and clusters leaves a draw.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from sipas_analysis.errors import (
    AnswerError,
    ColumnError,
    FormError,
    ParameterError,
    Place,
    UnitError,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Literal["yamane", "cochran"]
Allocation = Literal["equal", "proportional", "neyman", "power"]
How = Literal["simple", "systematic", "pps"]
DRAWN, RESERVE = "drawn", "reserve"
_FUZZ = 1e-9  # a count that only rounding lifts above a whole number is that number


def sample_size(
    population: ArrayLike,
    margin: float,
    deff: float = 1.0,
    *,
    method: Method = "yamane",
    share: float = 0.5,
    level: float = 0.95,
) -> Ints:
    """Return how many to ask so that a share is known to within a margin.

    Yamane: n = N/(1 + N·e²). Cochran: n₀ = z²·p(1−p)/e², n = n₀/(1 + (n₀−1)/N). Either is
    multiplied by the design effect, rounded up, and never more than N.

    Args:
        population: N, people on the list; any shape, 1 or more.
        margin: e, half the width of the interval, as a share (0.05 is 5 points).
        deff: Expected variance over that of a simple random sample.
        method: ``yamane`` (about Cochran at z = 2 and p = 0.5) or ``cochran``.
        share: p, the share expected (Cochran only); 0.5 is the most cautious.
        level: Confidence of the interval (Cochran only).

    Returns:
        Whole numbers, shape of ``population``.

    Raises:
        UnitError: A population is under 1.
        ParameterError: Another number lies outside its range.

    Source: rule S1 in docs/method.md; Yamane (1967); Cochran (1977), 4.4.

    Example:
        >>> sample_size([500, 20], 0.05).tolist()
        [223, 20]
        >>> int(sample_size(500, 0.05, method="cochran"))
        218
    """
    many = _population(population)
    _between(margin=margin, share=share, level=level)
    _at_least(0, deff=deff)
    if method == "yamane":
        plain = many / (1 + many * margin**2)
    elif method == "cochran":
        first = _two_sided(level) ** 2 * share * (1 - share) / margin**2
        plain = first / (1 + (first - 1) / many)
    else:
        raise _unknown("method", method, "yamane, cochran")
    asked: Ints = np.clip(np.ceil(plain * deff - _FUZZ), 1, many).astype(np.int64)
    return asked


def expected_margin(
    n: ArrayLike,
    population: ArrayLike,
    share: float = 0.5,
    deff: float = 1.0,
    level: float = 0.95,
) -> Floats:
    """Return half the width of the interval that n forms will give, as a share.

    e = z·√(deff · p(1−p)/n · (N−n)/(N−1)); 0 where all are asked, NaN where nobody is.

    Example:
        >>> round(100 * float(expected_margin(223, 500)), 2)
        4.89

    Source: rule S1 in docs/method.md; the inverse of Cochran's n.
    """
    many, asked = _population(population), np.asarray(n, dtype=np.float64)
    _between(share=share, level=level)
    _at_least(0, deff=deff)
    left = np.clip((many - asked) / np.maximum(many - 1, 1), 0, 1)
    safe = np.where(asked > 0, asked, np.nan)
    return np.asarray(_two_sided(level) * np.sqrt(deff * share * (1 - share) / safe * left))


def detectable_difference(
    n: ArrayLike,
    share: float,
    *,
    items: int = 1,
    within: float = 1.0,
    deff: float = 1.0,
    level: float = 0.95,
    power: float = 0.8,
) -> Floats:
    """Return the smallest true difference that two units of n forms each will show.

    d = (z₁₋α/₂ + z_power)·√(2·deff·V/n), V = p(1−p)·(1 + (k−1)·r)/k for an index that pools k
    items. Clients are taken as many beside n: no correction for a finite population.

    Args:
        n: Forms per unit, any shape.
        share: p, the share expected in both units.
        items: k, items pooled in the index; 1 for a single question.
        within: r, correlation of a person's answers; 1 (the most cautious) counts people only.
        deff: Expected design effect.
        level: One minus the two-sided risk of a false alarm.
        power: Chance that a true difference of this size is found.

    Returns:
        Differences as shares, shape of ``n``.

    Source: rule S1 in docs/method.md; Cohen (1988), 6.

    Example:
        >>> round(100 * float(detectable_difference(223, 0.5)), 2)
        13.27
    """
    return np.asarray(
        _reach(share, items=items, within=within, deff=deff, level=level, power=power) / np.sqrt(n)
    )


def forms_to_tell(
    high_percent: float,
    low_percent: float,
    *,
    items: int = 1,
    within: float = 1.0,
    deff: float = 1.0,
    level: float = 0.95,
    power: float = 0.8,
) -> int:
    """Return the forms that each of two units needs for their indices to be told apart.

    The inverse of ``detectable_difference``, at the share nearer to one half, the more careful:
    n = (z₁₋α/₂ + z_power)²·2·deff·V/d², rounded up.

    Raises:
        ParameterError: The percentages are not 0 to 100 with the first above the second.

    Source: rule S1 in docs/method.md.

    Example:
        >>> forms_to_tell(94.81, 94.59, items=22, within=0.4)
        70916
    """
    difference = (high_percent - low_percent) / 100
    if not (0 <= low_percent < high_percent <= 100):
        raise ParameterError("sample_tell", high=high_percent, low=low_percent)
    share = min(high_percent, low_percent, key=lambda it: abs(it - 50)) / 100
    reach = _reach(share, items=items, within=within, deff=deff, level=level, power=power)
    return int(np.ceil((reach / difference) ** 2 - _FUZZ))


def _reach(
    share: float, *, items: int, within: float, deff: float, level: float, power: float
) -> float:
    """Return (z₁₋α/₂ + z_power)·√(2·deff·V), the difference that one form would show."""
    _between(share=share, level=level, power=power)
    _at_least(0, deff=deff, items=items)
    if not 0 <= within <= 1:
        raise ParameterError("sample_within", found=within)
    one = share * (1 - share) * (1 + (items - 1) * within) / items
    return float((_two_sided(level) + norm.ppf(power)) * np.sqrt(2 * deff * one))


def allocate(
    sizes: "pd.Series[Any]",
    total: int,
    how: Allocation = "proportional",
    *,
    spread: "pd.Series[Any] | None" = None,
    power: float = 0.5,
    least: int = 0,
) -> "pd.Series[Any]":
    """Share out a total among units, in whole numbers that add up to it.

    n_u = λ·w_u within [min(least, N_u), N_u], λ such that they add up; w = 1 (``equal``), N
    (``proportional``), N·S (``neyman``) or N^a (``power``). The parts are rounded by largest
    remainder; a tie goes to the name that sorts first, wherever its row stands.

    Args:
        sizes: N by unit name.
        total: Forms to share out.
        how: Which weights.
        spread: S by unit name (``neyman``): standard deviation of an answer.
        power: a (``power``): 0 is equal, 1 is proportional.
        least: Fewest forms of a unit.

    Returns:
        n by unit name, in the order of ``sizes``.

    Raises:
        UnitError: A size is under 1, or a spread is missing or not above zero.
        ParameterError: The total is under the minimums or above everyone; unknown ``how``.

    Source: rule S2 in docs/method.md; Neyman (1934); Bankier (1988).

    Example:
        >>> allocate(pd.Series({"a": 900, "b": 90, "c": 10}), 100, least=8).to_dict()
        {'a': 84, 'b': 8, 'c': 8}
    """
    many = _population(sizes)
    least_each, weight = np.minimum(least, many), _weights(sizes, how, spread, power)
    if not least_each.sum() <= total <= many.sum():
        raise ParameterError(
            "sample_total", total=total, low=int(least_each.sum()), high=int(many.sum())
        )

    def share(scale: float) -> Floats:
        return np.clip(scale * weight, least_each, many)

    top = float((many / weight).max()) * (1 + _FUZZ)
    scale = brentq(lambda it: share(it).sum() - total, 0, top, xtol=1e-300, rtol=1e-15)
    exact = share(scale)
    whole = np.floor(exact + _FUZZ)
    table = pd.DataFrame({"name": sizes.index.astype(str), "rest": (whole - exact).round(9)})
    ranked = table[whole < many].sort_values(["rest", "name"], kind="stable").index
    whole[ranked[: int(total - whole.sum())]] += 1
    return pd.Series(whole.astype(np.int64), index=sizes.index, name="n")


def _weights(
    sizes: "pd.Series[Any]", how: str, spread: "pd.Series[Any] | None", power: float
) -> Floats:
    many = sizes.to_numpy(dtype=np.float64)
    if how == "neyman":
        known = (pd.Series(dtype=float) if spread is None else spread).reindex(sizes.index)
        wrong = sizes.index[~(known > 0)]
        if len(wrong):
            raise UnitError("sample_spread", names=", ".join(map(str, wrong)))
        return np.asarray(many * known.to_numpy(dtype=np.float64))
    exponent = {"equal": 0.0, "proportional": 1.0, "power": power}
    if how not in exponent:
        raise _unknown("how", how, "equal, proportional, neyman, power")
    return np.asarray(many ** exponent[how])


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
    file: str = "frame",
) -> pd.DataFrame:
    """Draw people from a list, with a reserve list in order.

    Each stratum is put in the order of SHA-256(seed, id). ``simple`` takes the first n;
    ``systematic`` one every k = N/n from a random start; ``pps`` one every ΣM/n along the
    sizes M, those with M ≥ the interval surely. So a period of the list does no harm. With
    ``clusters``, clusters are drawn so (pps by ``size``, else by their rows), then n people in
    each by ``simple``. The reserve is the next ones in the same order.

    Args:
        frame: One row per person; only id, stratum and cluster columns leave it.
        n: People per stratum, or in each drawn cluster; one number, or one by stratum.
        ids: Column of ids, unique in the frame.
        seed: Another seed, another draw.
        how: ``simple``, ``systematic`` or ``pps``.
        by: Column of strata (units), each drawn apart.
        size: Column of sizes M, above zero (``pps``).
        clusters: Column of clusters, read within their stratum.
        n_clusters: Clusters per stratum.
        reserve: People in reserve per stratum or drawn cluster; fewer where no more are left.
        file: What to call the frame in errors; its index is the row.

    Returns:
        Columns by, clusters, ids, ``order`` (1, 2, … within stratum or cluster and status),
        ``status`` (drawn, reserve), ``probability`` and ``weight`` = 1/probability; both NaN for
        a reserve, which takes the weight of the one it replaces.

    Raises:
        ColumnError: A column is missing.
        FormError: Ids are blank or repeat.
        AnswerError: A size is not above zero.
        ParameterError: More are asked for than there are.

    Source: rule S3 in docs/method.md; Hartley and Rao (1962).

    Example:
        >>> people = pd.DataFrame({"id": ["a", "b", "c", "d"], "unit": ["x", "x", "y", "y"]})
        >>> draw(people, 1, ids="id", seed=1, by="unit")["weight"].tolist()
        [2.0, 2.0]
    """
    _check_frame(frame, ids, [by, clusters, size if how == "pps" else ""], file)
    rows = pd.DataFrame({name: frame[name].astype(str) for name in (by, clusters, ids) if name})
    rows["stratum_"] = rows[by] if by else ""
    rows["size_"] = _sizes(frame, size, file) if how == "pps" and size else 1.0
    rows["before_"], rows["part_"], rows["take_"] = 1.0, rows["stratum_"], _each(n, rows, "n")
    rows["spare_"] = _each(reserve, rows, "reserve")
    if clusters:
        if not n_clusters:
            raise ParameterError("sample_each", name="n_clusters", strata="–")
        rows["part_"] = rows["stratum_"] + "\0" + rows[clusters]
        rows["before_"] = _cluster_chances(rows, _each(n_clusters, rows, "n_clusters"), seed, how)
        rows = rows[rows["before_"] > 0]
        fitting = rows.groupby("part_")["part_"].transform("size")
        rows["take_"] = np.minimum(rows["take_"], fitting)
    elif how == "pps" and not size:
        raise ParameterError("sample_no_size")
    made = _within(_hashed(rows, ids, seed), seed, "simple" if clusters else how)
    return made[[*dict.fromkeys(it for it in (by, clusters, ids) if it), *_NEW]]


_NEW = ["order", "status", "probability", "weight"]


def _cluster_chances(
    rows: pd.DataFrame, n_clusters: "pd.Series[Any]", seed: int, how: How
) -> "pd.Series[Any]":
    """Draw clusters in each stratum; return by row the chance of its cluster, 0 if not drawn."""
    first = rows.assign(take_=n_clusters).groupby("part_", as_index=False)
    found = first.agg(stratum_=("stratum_", "first"), take_=("take_", "first"),
                      size_=("size_", "sum"))  # fmt: skip
    found = found.assign(part_=found["stratum_"], cluster_=found["part_"], before_=1.0, spare_=0)
    made = _within(_hashed(found, "cluster_", seed), seed, how)
    return rows["part_"].map(made.set_index("cluster_")["probability"]).fillna(0.0)


def _within(rows: pd.DataFrame, seed: int, how: How) -> pd.DataFrame:
    """Draw ``take_`` rows in each part, in hashed order, and ``spare_`` of the others."""
    if how not in ("simple", "systematic", "pps"):
        raise _unknown("how", how, "simple, systematic, pps")
    chance, drawn = np.empty(len(rows)), np.zeros(len(rows), dtype=bool)
    for part, at in rows.groupby("part_", sort=True).indices.items():
        n = int(rows["take_"].iloc[at[0]])
        if n > len(at):
            raise ParameterError("sample_over", name=str(part).replace("\0", " / "),
                                 n=n, population=len(at))  # fmt: skip
        if how == "simple":
            chance[at], drawn[at] = n / len(at), np.arange(len(at)) < n
        else:
            start = _uniform(f"{seed}\0start\0{part}")
            chance[at], drawn[at] = _along(rows["size_"].to_numpy(dtype=float)[at], n, start)
    rows = rows.assign(drawn_=drawn, probability=chance * rows["before_"])
    rows = rows.sort_values(["part_", "drawn_"], ascending=[True, False], kind="stable")
    rows["order"] = rows.groupby(["part_", "drawn_"]).cumcount() + 1
    rows = rows[rows["drawn_"] | (rows["order"] <= rows["spare_"])]
    rows["status"] = np.where(rows["drawn_"], DRAWN, RESERVE)
    rows["probability"] = rows["probability"].where(rows["drawn_"])
    return rows.assign(weight=1 / rows["probability"]).reset_index(drop=True)


def _along(size: Floats, n: int, start: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Take one every interval along the sizes; return chances and who is drawn."""
    sure = np.zeros(size.size, dtype=bool)
    while (left := n - int(sure.sum())) > 0:
        more = ~sure & (size * left >= size[~sure].sum() * (1 - _FUZZ))
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


def _hashed(rows: pd.DataFrame, ids: str, seed: int) -> pd.DataFrame:
    """Return rows in the order of the salted hash of their id."""
    keys = [sha256(f"{seed}\0{one}".encode()).digest() for one in rows[ids]]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return rows.iloc[order].reset_index(drop=True)


def _uniform(text: str) -> float:
    """Return a number in [0, 1) that a text stands for."""
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big") / 2**48


def achieved(
    plan: pd.DataFrame,
    returned: Iterable[str],
    *,
    ids: str,
    by: str = "",
    deff: float = 1.0,
    file: str = "returned",
) -> pd.DataFrame:
    """Hold the forms that came back against the draw, unit by unit.

    Args:
        plan: What ``draw`` returned, reserve included, without clusters.
        returned: Ids of the people who answered; an index, if any, is the file's row.
        ids: Column of ids in ``plan``.
        by: Column of units in ``plan``.
        deff: Expected design effect.
        file: What to call ``returned`` in errors.

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
        >>> achieved(plan, plan["id"].iloc[1:], ids="id")[["answered", "replaced"]].values.tolist()
        [[1, 1]]
    """
    back = pd.Series(returned, dtype=object).astype(str)
    _refuse_ids(back, back.duplicated(keep=False), "sample_returned_twice", ids, file)
    _refuse_ids(back, ~back.isin(set(plan[ids])), "sample_never_drawn", ids, file)
    told, drawn = plan[ids].isin(set(back)), plan["status"] == DRAWN
    facts = pd.DataFrame({"unit": plan[by] if by else "", "planned": drawn,
                          "answered": told & drawn, "stood_in": told & ~drawn,
                          "population": plan["weight"].fillna(0)})  # fmt: skip
    found = facts.groupby("unit", sort=True).sum().reset_index()
    missed = found["planned"] - found["answered"]
    found["replaced"] = np.minimum(found["stood_in"], missed)
    found["extra"] = found["stood_in"] - found["replaced"]
    found["missing"] = missed - found["replaced"]
    found["response_percent"] = 100 * found["answered"] / found["planned"]
    forms, many = found["answered"] + found["stood_in"], found["population"].round()
    found["margin_points"] = 100 * expected_margin(forms, np.maximum(many, 1), deff=deff)
    return found[["unit", "planned", "answered", "replaced", "extra", "missing",
                  "response_percent", "margin_points"]]  # fmt: skip


def _check_frame(frame: pd.DataFrame, ids: str, columns: Iterable[str], file: str) -> None:
    """Refuse a frame without its columns, or whose ids are blank or repeat."""
    for name in (ids, *columns):
        if name and name not in frame:
            known = ", ".join(map(str, frame.columns))
            raise ColumnError("sample_column", [Place(file)], name=name, known=known)
    text = frame[ids].astype(str).where(frame[ids].notna(), "").str.strip()
    _refuse_ids(text, text == "", "sample_blank", ids, file)
    _refuse_ids(text, text.duplicated(keep=False), "sample_twice", ids, file)


def _refuse_ids(
    text: "pd.Series[Any]", wrong: "pd.Series[bool]", message: str, ids: str, file: str
) -> None:
    places = [Place(file, row, ids, one) for row, one in text[wrong].items()]  # type: ignore[arg-type]
    if places:
        raise FormError(message, places)


def _sizes(frame: pd.DataFrame, size: str, file: str) -> "pd.Series[float]":
    found = pd.to_numeric(frame[size], errors="coerce").astype(float)
    wrong = ~((found > 0) & np.isfinite(found))
    if wrong.any():
        places = [Place(file, row, size, str(it)) for row, it in frame.loc[wrong, size].items()]  # type: ignore[arg-type]
        raise AnswerError("sample_size_positive", places)
    return found


def _each(n: int | Mapping[str, int], rows: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """Return by row how many its stratum is to give."""
    strata = rows["stratum_"]
    found = strata.map(dict(n)) if isinstance(n, Mapping) else pd.Series(n, index=strata.index)
    wrong = strata[~(found >= 0)].unique()
    if len(wrong):
        raise ParameterError("sample_each", name=name, strata=", ".join(wrong) or "–")
    return found.astype(np.int64)


def _population(population: ArrayLike) -> Floats:
    many = np.asarray(population, dtype=np.float64)
    if not np.all(many >= 1):
        raise UnitError("sample_population", found=float(many[~(many >= 1)].flat[0]))
    return many


def _between(**given: float) -> None:
    for name, value in given.items():
        if not 0 < value < 1:
            raise ParameterError("sample_between", name=name, found=value)


def _at_least(low: float, **given: float) -> None:
    for name, value in given.items():
        if not low < value < np.inf:
            raise ParameterError("sample_above", name=name, low=low, found=value)


def _unknown(name: str, found: str, known: str) -> ParameterError:
    return ParameterError("sample_choice", name=name, found=found, known=known)


def _two_sided(level: float) -> float:
    return float(norm.ppf((1 + level) / 2))
