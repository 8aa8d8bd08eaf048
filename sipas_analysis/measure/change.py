"""Say what changed between waves, with its error, and refuse where the question changed.

A difference between two years is drawn only where the same was asked of the same kind of people
about the same unit (C2); else the reason stands in its place. Changes of single units mix what
they did with chance: a unit chosen for being extreme goes back by itself (C4).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sipas_analysis.collect.readers import read_rows
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.unit_changes import compute_unit_shares, find_successors, read_changes
from sipas_analysis.errors import ColumnError, Place
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.estimates import Estimates, ResultTable, adjust_p_values
from sipas_analysis.infer.means import total
from sipas_analysis.instrument.pack import OVERALL, Index, Instrument
from sipas_analysis.measure.pooling import small_area
from sipas_analysis.measure.scores import score

MODE_SHARE_LIMIT = (
    0.25  # share of forms that would have to change mode; ours, stated in docs/compare.md
)
KEY_COLUMNS = ["domain", "group", "unit", "level", "variable"]
NUMBER_COLUMNS = ["value", "se", "low", "high", "df", "p", "p_holm", "expected"]
UNIT_CHANGES_FILE = "unit_changes.csv"


@dataclass(frozen=True, eq=False, repr=False)
class Changes(ResultTable):
    """Changes between consecutive waves.

    Attributes:
        frame: One row per pair of waves and figure, see ``compare``.
        breaks: For each pair ``before``, ``after`` and the ``reason`` why nothing of it may be
            compared, empty if it may; ``bridged`` where only items of a crosswalk are compared.
    """

    frame: pd.DataFrame
    breaks: pd.DataFrame


def compare(*surveys: Survey, crosswalk: str | Path = "", level: float = 0.95) -> Changes:
    """Compare waves in the order of their years, each with the next.

    d = after − before, se² = se₁² + se₂², t at Satterthwaite's df: samples of two years are taken
    as independent. At 0 and 100 % the interval comes from both intervals, and p from its reach
    towards no change. Holm over the overall
    indices of the units of one ranked group.

    Args:
        surveys: Two waves or more.
        crosswalk: CSV file of items, ``from`` and ``to``, that makes a bridge between instruments.
        level: Confidence of the intervals.

    Returns:
        Keys ``before``, ``after`` (ids of waves), ``domain`` (``all``, ``group``, ``unit``),
        ``group``, ``unit``, ``level``, ``variable``; ``value_before``, ``value_after``,
        ``n_before``, ``n_after``, ``value`` (points), ``se``, ``low``, ``high``, ``df``, ``p``,
        ``p_holm``,
        ``expected`` (C4) and ``reason``: empty where compared, ``bridged``, or why there is no
        number: ``instrument``, ``population``, ``mode``, ``absent``, ``redefined``,
        ``suppressed``, ``no_error``.

    Raises:
        ColumnError: Fewer than two waves, or a crosswalk that names unknown items.
        UnitError: A list of changes of units that cannot be.

    Source: rules C1, C2 and C4 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> waves = [sipas.read_survey(sipas.read_wave(f"data/an-giang-{year}/wave.yaml"))
        ...          for year in (2021, 2023)]
        >>> sipas.compare(*waves).breaks["reason"].item()
        'instrument population'
    """
    if len(surveys) < 2:
        raise ColumnError("compare_waves", found=len(surveys))
    ordered = sorted(surveys, key=lambda one: (one.wave.year, one.wave.id))
    frames, breaks = [], []
    for before, after in pairwise(ordered):
        pair = {"before": before.wave.id, "after": after.wave.id}
        items = _read_crosswalk(crosswalk, before, after)
        reason = " ".join(_find_breaks(before, after, bridged=bool(items)))
        breaks.append({**pair, "reason": reason, "bridged": bool(items) and not reason})
        own, unknown = recode_units(before, after)
        bridge = items if items and not reason else {}
        tables = [
            _score_domains(own, bridge, from_old=True),
            _score_domains(after, bridge, from_old=False),
        ]
        made = _subtract_waves(tables[0], tables[1], level)
        made["reason"] = _list_reasons(made, reason, unknown, bridged=bool(bridge))
        made.loc[~made["reason"].isin(["", "bridged"]), NUMBER_COLUMNS] = np.nan
        frames.append(made.assign(**pair))
    table = pd.concat(frames, ignore_index=True)
    first = ["before", "after", *KEY_COLUMNS]
    return Changes(
        table[[*first, *table.columns.difference(first, sort=False)]], pd.DataFrame(breaks)
    )


def _find_breaks(before: Survey, after: Survey, *, bridged: bool) -> Iterator[str]:
    """Say why two waves as a whole may not be compared (C2)."""
    if before.instrument.id != after.instrument.id and not bridged:
        yield "instrument"
    elif _index_rules(before.instrument.index) != _index_rules(after.instrument.index):
        yield "rules"
    asked = [one.wave.population.vi or one.instrument.population.vi for one in (before, after)]
    if asked[0] != asked[1]:
        yield "population"
    if "mode" in before.frame and "mode" in after.frame:
        shares = [
            one.frame["mode"].fillna("").value_counts(normalize=True) for one in (before, after)
        ]
        if shares[0].sub(shares[1], fill_value=0.0).abs().sum() / 2 > MODE_SHARE_LIMIT:
            yield "mode"


def _index_rules(index: Index) -> object:
    return (index.factor.rule, index.overall.rule, dict(index.overall.weights), dict(index.points))


def _read_crosswalk(path: str | Path, before: Survey, after: Survey) -> dict[str, str]:
    """Return the new code of each old item that stands in the crosswalk, one to one."""
    if not path or before.instrument.id == after.instrument.id:
        return {}
    rows = read_rows(Path(path))
    missing = [name for name in ("from", "to") if name not in rows]
    if missing:
        raise ColumnError(
            "crosswalk_columns", [Place(Path(path).name, 1)], missing=", ".join(missing)
        )
    places = [
        Place(Path(path).name, int(str(row)), name, code)
        for name, pack in (("from", before.instrument), ("to", after.instrument))
        for row, code in rows[name].items()
        if code not in pack.items or (rows[name] == code).sum() > 1
    ]
    if places:
        raise ColumnError("crosswalk_items", places)
    return dict(zip(rows["from"], rows["to"], strict=True))


def recode_units(before: Survey, after: Survey) -> tuple[Survey, set[str]]:
    """Give units of the earlier wave their later codes; name those that were split (C2)."""
    path = after.wave.path_of(after.wave.unit_changes or UNIT_CHANGES_FILE)
    if not after.wave.unit_changes and not path.is_file():
        return before, set()
    days = [one.wave.collected.end for one in (before, after)]
    shares = compute_unit_shares(read_changes(path), list(before.units["code"]), *days)
    became = find_successors(shares)
    names = before.frame["unit"]
    split = {
        str(to) for code in set(names) - {*became} for to in shares.columns[shares.loc[code] > 0]
    }
    groups = dict(zip(after.units["code"], after.units["group"], strict=True))
    unit = names.map(became)
    kept = before.frame.assign(unit=unit, group=unit.map(groups).fillna(before.frame["group"]))
    return replace(before, frame=kept), split


def _score_domains(survey: Survey, items: Mapping[str, str], *, from_old: bool) -> pd.DataFrame:
    """Return all figures of a wave; with a crosswalk only mapped items, by their later codes."""
    own, names = survey, dict[str, str]()
    if items:
        names = dict(items) if from_old else {code: code for code in items.values()}
        own = replace(survey, instrument=_reduce_instrument(survey.instrument, list(names)))
    parts = []
    for domain, by in (("all", ""), ("group", "group"), ("unit", "unit")):
        frame = score(own, by or ()).frame
        parts.append(frame[frame["level"] != "beside"].assign(domain=domain))
    found = pd.concat(parts, ignore_index=True).reindex(
        columns=[*KEY_COLUMNS, *parts[2].columns.difference(KEY_COLUMNS)]
    )
    found[["group", "unit"]] = found[["group", "unit"]].fillna("")
    if items:
        found = found[found["level"].isin(["item", OVERALL])]
        found["variable"] = found["variable"].map(lambda code: names.get(code, code))
    return found


def _reduce_instrument(pack: Instrument, codes: Sequence[str]) -> Instrument:
    """Return an instrument of some items only, pooled: what two instruments have in common."""
    items = {code: item for code, item in pack.items.items() if code in codes}
    used = {item.factor for item in items.values()}
    factors = {code: one for code, one in pack.factors.items() if code in used}
    index = Index.model_validate({"factor": {"rule": "pooled"}, "overall": {"rule": "pooled"}})
    index = index.model_copy(update={"points": pack.index.points})
    return pack.model_copy(
        update={"items": items, "factors": factors, "blocks": {}, "index": index}
    )


def _subtract_waves(before: pd.DataFrame, after: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return change, error, interval and p of each figure that either wave has."""
    both = before.merge(
        after, on=KEY_COLUMNS, how="outer", suffixes=("_before", "_after"), indicator=True
    )
    value, se, df, low, high = (
        [both[f"{name}_{when}"].to_numpy(dtype=float) for when in ("before", "after")]
        for name in ("value", "se", "df", "low", "high")
    )
    d, error = value[1] - value[0], np.hypot(se[0], se[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = error**4 / (se[0] ** 4 / df[0] + se[1] ** 4 / df[1])
        freedom = np.where(error > 0, freedom, np.fmin(*df))
        half = stats.t.ppf((1 + level) / 2, freedom) * error
        ends = np.isin(value[0], [0.0, 100.0]) | np.isin(value[1], [0.0, 100.0])
        down = np.hypot(value[1] - low[1], high[0] - value[0])
        up = np.hypot(high[1] - value[1], value[0] - low[0])
        scale = np.where(d > 0, down, up) / stats.t.ppf((1 + level) / 2, freedom)
        p = 2 * stats.t.sf(np.abs(d) / np.where(ends, scale, error), freedom)
    unknown = np.isnan(error)
    found = both[[*KEY_COLUMNS, "_merge", "flag_before", "flag_after"]].assign(
        value_before=value[0],
        value_after=value[1],
        n_before=both["n_valid_before"],
        n_after=both["n_valid_after"],
        value=d,
        se=np.where(ends, np.nan, error),
        low=np.where(ends, d - down, d - half),
        high=np.where(ends, d + up, d + half),
        df=freedom,
        p=np.where(unknown, np.nan, p),
    )
    found["p_holm"] = np.nan
    units = found[(found["domain"] == "unit") & (found["level"] == OVERALL) & found["p"].notna()]
    for _, own in units.groupby("group"):
        found.loc[own.index, "p_holm"] = adjust_p_values(own["p"].to_numpy(dtype=float))
    found["expected"] = _expect_change(both)
    return found


def _expect_change(both: pd.DataFrame) -> "pd.Series[float]":
    """Return the change of each unit's index that chance alone lets expect (C4)."""
    made = pd.Series(np.nan, both.index)
    asked = (both["domain"] == "unit") & (both["level"] == OVERALL) & both["value_before"].notna()
    for _, own in both[asked].groupby("group"):
        pooled = small_area(
            own["value_before"].to_numpy(),
            own["se_before"].to_numpy() ** 2,
            sizes=own["n_valid_before"].to_numpy(),
        )
        made[own.index] = (pooled.frame["value"] - pooled.frame["direct"]).to_numpy()
    return made


def _list_reasons(made: pd.DataFrame, broken: str, split: set[str], *, bridged: bool) -> list[str]:
    """Return per row why there is no number, or that it is bridged."""
    absent = (made.pop("_merge") != "both") | made["value"].isna()
    hidden = np.zeros(len(made), bool)
    for when in ("before", "after"):  # what nobody answered has nothing to hide
        hidden |= (made.pop(f"flag_{when}") == "suppress") & (made[f"n_{when}"] > 0)
    unknown = made["low"].isna()
    made.loc[hidden, ["value_before", "value_after"]] = np.nan
    found = np.full(len(made), "bridged" if bridged else "", dtype=object)
    found[unknown], found[absent] = "no_error", "absent"
    found[:] = broken or found
    found[made["unit"].isin(split)] = "redefined"
    found[hidden] = "suppressed"
    return [str(it) for it in found]


def decompose(
    before: Survey, after: Survey, by: str, unit: str = "", level: float = 0.95
) -> Estimates:
    """Split a change of the pooled index into who was asked and how they answered.

    Kitagawa: Σ_g (q₂ − q₁)(r₁ + r₂)/2 and Σ_g (r₂ − r₁)(q₁ + q₂)/2, with q_g the group's share of
    valid answers and r_g its index. The two add up to the change exactly.

    Args:
        before: The earlier wave.
        after: The later one, of the same instrument.
        by: Key of the groups, such as ``sex``; people without it are a group of their own.
        unit: Code of one unit; the whole if empty.
        level: Confidence of the intervals.

    Returns:
        Three rows by ``variable``: ``who``, ``how`` and ``change``, in points, with ``se``, ``low``
        and ``high``; NaN where nobody answered.

    Raises:
        ColumnError: The key is unknown, allows several answers, or instruments differ.

    Source: rule C3 in docs/method.md; Kitagawa (1955), doi:10.1080/01621459.1955.10501299.

    Example:
        >>> import sipas_analysis as sipas
        >>> waves = [sipas.read_survey(sipas.read_wave(f"data/an-giang-{year}/wave.yaml"))
        ...          for year in (2020, 2021)]
        >>> sipas.decompose(*waves, by="sex").frame["value"].round(2).tolist()
        [-0.02, 1.36, 1.34]
    """
    for one in (before, after):
        if by not in one.keys or one.is_many(by):
            raise ColumnError("no_key", key=by, known=", ".join(one.keys))
    if before.instrument.id != after.instrument.id:
        raise ColumnError(
            "compare_instruments", first=before.instrument.id, second=after.instrument.id
        )
    groups = sorted({*before.frame[by].fillna(""), *after.frame[by].fillna("")})
    sums = [_total_groups(one, by, groups, unit) for one in (before, after)]
    values = [it.frame["value"].to_numpy(dtype=float) for it in sums]
    n = sum(
        int((one.frame["unit"] == unit).sum()) if unit else len(one.frame)
        for one in (before, after)
    )
    rows = []
    for at, name in enumerate(("who", "how", "change")):
        first = partial(_one_part, after=values[1], at=at)
        second = partial(_other_part, before=values[0], at=at)
        both = zip(sums, (first, second), strict=True)
        parts = [it.combine(how).frame.iloc[0] for it, how in both]
        rows.append(_combine_errors(name, _split_change(*values)[at], parts, n, level))
    return Estimates(pd.DataFrame(rows))


def _total_groups(survey: Survey, by: str, groups: Sequence[str], unit: str) -> Estimates:
    """Return the totals of satisfied and of all answers by group: 2G rows with covariance."""
    pack, frame = survey.instrument, survey.frame
    answers = frame[[*pack.items]]
    here = (frame["unit"] == unit) if unit else pd.Series(True, frame.index)
    own = frame[by].fillna("")
    agreed = (answers >= pack.scale.satisfied_from).sum(axis=1).to_numpy(dtype=float)
    valid = answers.notna().sum(axis=1).to_numpy(dtype=float)
    made = {
        f"{fact}{k}": np.where(here & (own == group), x, 0.0)
        for fact, x in (("top", agreed), ("all", valid))
        for k, group in enumerate(groups)
    }
    columns = pd.DataFrame(made, index=frame.index)
    return total(survey.design(pd.concat([frame, columns], axis=1)), list(made))


def _split_change(before: Floats, after: Floats) -> Floats:
    """Return who, how and change in points from totals (top of G groups, then all of G)."""
    (top1, all1), (top2, all2) = (np.split(np.asarray(it, float), 2) for it in (before, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        r1, r2 = top1 / all1, top2 / all2
        q1, q2 = all1 / all1.sum(), all2 / all2.sum()
    r1, r2 = np.where(all1 > 0, r1, r2), np.where(all2 > 0, r2, r1)
    r1, r2 = np.nan_to_num(r1), np.nan_to_num(r2)
    who, how = ((q2 - q1) * (r1 + r2) / 2).sum(), ((r2 - r1) * (q1 + q2) / 2).sum()
    return 100 * np.array([who, how, who + how])


def _one_part(before: Floats, after: Floats, at: int) -> float:
    return float(_split_change(before, after)[at])


def _other_part(after: Floats, before: Floats, at: int) -> float:
    return float(_split_change(before, after)[at])


def _combine_errors(
    name: str, value: float, parts: Sequence[Any], n: int, level: float
) -> dict[str, object]:
    """Return one row from the errors that both waves give it."""
    own = [float(it["se"]) for it in parts]
    se = float(np.hypot(own[0], own[1]))
    terms = sum(s**4 / float(it["df"]) for s, it in zip(own, parts, strict=True) if s > 0)
    df = se**4 / terms if terms > 0 else np.nan
    half = float(stats.t.ppf((1 + level) / 2, df)) * se
    return {
        "variable": name,
        "value": value,
        "se": se,
        "low": value - half,
        "high": value + half,
        "df": df,
        "n": n,
    }
