"""Estimate changes between waves with their errors, or refuse where the question changed.

A difference between two years is computed only where the same question was asked of the same kind
of people about the same unit (C2); otherwise the reason is given. Changes of single units are
partly chance: a unit chosen because it is extreme tends to return to the mean (C4).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind, check_level, check_word
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.tables import read_rows
from sipas_analysis.collect.unit_changes import compute_unit_shares, find_successors, read_changes
from sipas_analysis.collect.wave import UNIT_CHANGES_FILE
from sipas_analysis.errors import ColumnError, Place
from sipas_analysis.infer.combinations import ADJUSTMENTS, adjust_p_values
from sipas_analysis.infer.distributions import t_quantile, t_tail
from sipas_analysis.infer.estimates import ResultTable
from sipas_analysis.instrument.pack import OVERALL, Index, Instrument
from sipas_analysis.measure.pooling import small_area
from sipas_analysis.measure.scores import score

MODE_SHARE_LIMIT = 0.25  # largest share of forms in another mode; ours, see docs/compare.md
KEY_COLUMNS = ["domain", "group", "unit", "level", "variable"]
NUMBER_COLUMNS = ["value", "se", "low", "high", "df", "p", "expected"]


@dataclass(frozen=True, eq=False, repr=False)
class Changes(ResultTable):
    """Changes between consecutive waves.

    Attributes:
        frame: One row per pair of waves and figure, see ``compare``.
        breaks: For each pair ``before``, ``after`` and the ``reason`` why the two must not be
            compared, empty if they may; ``bridged`` if only some items are compared: those of a
            crosswalk, or the ``n_shared`` that both questionnaires ask alike.
    """

    frame: pd.DataFrame
    breaks: pd.DataFrame


def compare(
    *surveys: Survey, crosswalk: str | Path = "", level: float = 0.95, method: str = "holm"
) -> Changes:
    """Compare waves in the order of their years, each with the next.

    d = after − before, se² = se₁² + se₂², t at Satterthwaite's df: samples of two years are taken
    as independent. At 0 and 100 % the interval comes from both intervals, and p from its
    half-width on the side of no change. The adjusted p is over the overall indices of the units of
    one ranked group.

    Args:
        surveys: Two waves or more, of files or of data frames; of one year in the order given.
        crosswalk: CSV file of items, ``from`` and ``to``, that makes a bridge between instruments.
        level: Confidence of the intervals.
        method: Adjustment of p, a name of ``statsmodels.stats.multitest.multipletests`` such as
            ``fdr_bh``; its column is ``p_`` and this name.

    Returns:
        Keys ``before``, ``after`` (ids of waves), ``domain`` (``all``, ``group``, ``unit``),
        ``group``, ``unit``, ``level``, ``variable``; ``value_before``, ``value_after``,
        ``n_before``, ``n_after``, ``value`` (points), ``se``, ``low``, ``high``, ``df``, ``p``,
        ``p_holm``, ``expected`` (C4) and ``reason``: empty where compared, ``bridged``, or why
        there is no number: ``instrument``, ``population``, ``weighting``, ``mode``, ``absent``,
        ``redefined``, ``suppressed``, ``no_error``.

    Raises:
        ColumnError: Fewer than two waves, or a crosswalk that names unknown items.
        UnitError: A list of changes of units is invalid.

    Source: rules C1, C2 and C4 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> waves = [sipas.read_survey(sipas.read_wave(f"data/an-giang-{year}/wave.yaml"))
        ...          for year in (2021, 2023)]
        >>> sipas.compare(*waves).breaks["reason"].item()
        'instrument population weighting'
    """
    check_level(level)
    check_word(method, ADJUSTMENTS, "method")
    for survey in surveys:
        check_kind(survey, Survey, "survey", "surveys")
    if len(surveys) < 2:
        raise ColumnError("compare_waves", found=len(surveys))
    ordered = sorted(surveys, key=lambda survey: survey.wave.year)
    ids = [survey.wave.id for survey in ordered]
    twice = [wave_id for wave_id in ids if ids.count(wave_id) > 1]
    if twice:
        raise ColumnError("compare_same", id=twice[0])
    tables, breaks = [], []
    for before, after in pairwise(ordered):
        pair = {"before": before.wave.id, "after": after.wave.id}
        is_same = has_same_questions(before.instrument, after.instrument)
        items = {} if is_same else _read_crosswalk(crosswalk, before, after)
        shared = {} if is_same or items else _find_shared_items(before.instrument, after.instrument)
        items = items or shared
        reason = " ".join(_find_breaks(before, after, comparable=is_same or bool(items)))
        facts = {"reason": reason, "bridged": bool(items) and not reason, "n_shared": len(shared)}
        breaks.append({**pair, **facts})
        recoded, split_units = recode_units(before, after)
        bridge = {} if reason else items
        changes = _subtract_waves(
            _score_domains(recoded, bridge, from_old=True),
            _score_domains(after, bridge, from_old=False),
            level,
            method,
        )
        changes["reason"] = _list_reasons(changes, reason, split_units, bridged=bool(bridge))
        changes = changes.drop(columns=["_merge", "flag_before", "flag_after"])
        changes.loc[~changes["reason"].isin(["", "bridged"]), [*NUMBER_COLUMNS, f"p_{method}"]] = (
            np.nan
        )
        tables.append(changes.assign(**pair))
    table = pd.concat(tables, ignore_index=True)
    first = ["before", "after", *KEY_COLUMNS]
    columns = [*first, *table.columns.difference(first, sort=False)]
    return Changes(table[columns], pd.DataFrame(breaks))


def _find_breaks(before: Survey, after: Survey, *, comparable: bool) -> Iterator[str]:
    """Yield the reasons why two waves as a whole may not be compared (C2)."""
    if not comparable:
        yield "instrument"
    elif _index_rules(before.instrument.index) != _index_rules(after.instrument.index):
        yield "rules"
    if _population(before) != _population(after):
        yield "population"
    if _is_weighted(before) != _is_weighted(after):
        yield "weighting"
    if "mode" in before.frame and "mode" in after.frame:
        shares_before, shares_after = _mode_shares(before), _mode_shares(after)
        moved = shares_before.sub(shares_after, fill_value=0.0).abs().sum() / 2
        if moved > MODE_SHARE_LIMIT:
            yield "mode"


def _is_weighted(survey: Survey) -> bool:
    """Return whether forms have different weights."""
    return bool(np.ptp(survey.design().weight) > 0)


def has_same_questions(before: Instrument, after: Instrument) -> bool:
    """Return whether two instruments are one: the same id, and items asked and read alike."""
    is_same = before.id == after.id and before.items.keys() == after.items.keys()
    return is_same and all(
        _describe_item(before, code) == _describe_item(after, code)
        and before.items[code].factor == after.items[code].factor
        for code in before.items
    )


def _find_shared_items(before: Instrument, after: Instrument) -> dict[str, str]:
    """Return the items of the same code, wording and scale in two instruments, by their code."""
    old, new = before.items, after.items
    return {
        code: code
        for code in old
        if code in new
        and (old[code].vi or old[code].en)
        and (old[code].vi, old[code].en) == (new[code].vi, new[code].en)
        and _describe_item(before, code) == _describe_item(after, code)
    }


def _describe_item(pack: Instrument, code: str) -> object:
    """Return how the answers to an item are read."""
    scale = pack.scale_of(code)
    return (scale.low, scale.high, scale.satisfied_from, pack.items[code].reverse)


def _population(survey: Survey) -> str:
    return survey.wave.population.vi or survey.instrument.population.vi


def _mode_shares(survey: Survey) -> "pd.Series[float]":
    return survey.frame["mode"].fillna("").value_counts(normalize=True)


def _index_rules(index: Index) -> object:
    return (index.factor.rule, index.overall.rule, dict(index.overall.weights), dict(index.points))


def _read_crosswalk(path: str | Path, before: Survey, after: Survey) -> dict[str, str]:
    """Return the new code of each old item in the crosswalk, one to one."""
    if not path:
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
    """Return the earlier wave with later unit codes, and the units that were split (C2)."""
    path = after.wave.path_of(after.wave.unit_changes or UNIT_CHANGES_FILE)
    if not after.wave.unit_changes and not path.is_file():
        return before, set()
    days = [survey.wave.collected.end for survey in (before, after)]
    shares = compute_unit_shares(read_changes(path), list(before.units["code"]), *days)
    later_code = find_successors(shares)
    units = before.frame["unit"]
    split = {
        str(to)
        for code in set(units) - {*later_code}
        for to in shares.columns[shares.loc[code] > 0]
    }
    groups = dict(zip(after.units["code"], after.units["group"], strict=True))
    new_units = units.map(later_code)
    new_groups = new_units.map(groups).fillna(before.frame["group"])
    frame = before.frame.assign(unit=new_units, group=new_groups)
    return replace(before, frame=frame), split


def _score_domains(survey: Survey, items: Mapping[str, str], *, from_old: bool) -> pd.DataFrame:
    """Return all figures of a wave; with a crosswalk only mapped items, by their later codes."""
    later_codes = dict(items) if from_old else {code: code for code in items.values()}
    if items:
        survey = replace(survey, instrument=_reduce_instrument(survey.instrument, [*later_codes]))
    parts = []
    for domain, by in (("all", ()), ("group", "group"), ("unit", "unit")):
        frame = score(survey, by).frame
        parts.append(frame[frame["level"] != "beside"].assign(domain=domain))
    columns = [*KEY_COLUMNS, *parts[2].columns.difference(KEY_COLUMNS)]
    table = pd.concat(parts, ignore_index=True).reindex(columns=columns)
    table[["group", "unit"]] = table[["group", "unit"]].fillna("")
    if items:
        table = table[table["level"].isin(["item", OVERALL])]
        codes = table["variable"].map(lambda code: later_codes.get(code, code))
        table = table.assign(variable=codes)
    return table


def _reduce_instrument(pack: Instrument, codes: Sequence[str]) -> Instrument:
    """Return an instrument with only the items that two instruments share, pooled."""
    items = {code: item for code, item in pack.items.items() if code in codes}
    used = {item.factor for item in items.values()}
    factors = {code: factor for code, factor in pack.factors.items() if code in used}
    index = Index.model_validate({"factor": {"rule": "pooled"}, "overall": {"rule": "pooled"}})
    index = index.model_copy(update={"points": pack.index.points})
    return pack.model_copy(
        update={"items": items, "factors": factors, "blocks": {}, "index": index}
    )


def _subtract_waves(
    before: pd.DataFrame, after: pd.DataFrame, level: float, method: str
) -> pd.DataFrame:
    """Return change, error, interval and p of each figure that either wave has."""
    both = before.merge(
        after, on=KEY_COLUMNS, how="outer", suffixes=("_before", "_after"), indicator=True
    )
    value, se, df, low, high = (
        [both[f"{name}_{when}"].to_numpy(dtype=float) for when in ("before", "after")]
        for name in ("value", "se", "df", "low", "high")
    )
    change, error = value[1] - value[0], np.hypot(se[0], se[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = error**4 / (se[0] ** 4 / df[0] + se[1] ** 4 / df[1])
        freedom = np.where(error > 0, freedom, np.fmin(*df))
        half = t_quantile((1 + level) / 2, freedom) * error
        is_end = np.isin(value[0], [0.0, 100.0]) | np.isin(value[1], [0.0, 100.0])
        down = np.hypot(value[1] - low[1], high[0] - value[0])
        up = np.hypot(high[1] - value[1], value[0] - low[0])
        scale = np.where(change > 0, down, up) / t_quantile((1 + level) / 2, freedom)
        p = 2 * t_tail(np.abs(change) / np.where(is_end, scale, error), freedom)
    changes = both[[*KEY_COLUMNS, "_merge", "flag_before", "flag_after"]].assign(
        value_before=value[0],
        value_after=value[1],
        n_before=both["n_valid_before"],
        n_after=both["n_valid_after"],
        value=change,
        se=np.where(is_end, np.nan, error),
        low=np.where(is_end, change - down, change - half),
        high=np.where(is_end, change + up, change + half),
        df=freedom,
        p=np.where(np.isnan(error), np.nan, p),
    )
    changes[f"p_{method}"] = _adjust_by_group(changes, method)
    return changes.assign(expected=_expect_change(both))


def _adjust_by_group(changes: pd.DataFrame, method: str) -> "pd.Series[float]":
    """Return the adjusted p of the overall index of each unit, within its group."""
    adjusted = pd.Series(np.nan, changes.index)
    is_unit = (changes["domain"] == "unit") & (changes["level"] == OVERALL)
    for _, units in changes[is_unit & changes["p"].notna()].groupby("group"):
        adjusted[units.index] = adjust_p_values(units["p"].to_numpy(dtype=float), method)
    return adjusted


def _expect_change(both: pd.DataFrame) -> "pd.Series[float]":
    """Return the change of each unit's index that is expected from chance alone (C4)."""
    expected = pd.Series(np.nan, both.index)
    is_unit = (both["domain"] == "unit") & (both["level"] == OVERALL)
    for _, units in both[is_unit & both["value_before"].notna()].groupby("group"):
        pooled = small_area(
            units["value_before"].to_numpy(),
            units["se_before"].to_numpy() ** 2,
            sizes=units["n_valid_before"].to_numpy(),
        )
        expected[units.index] = (pooled.frame["value"] - pooled.frame["direct"]).to_numpy()
    return expected


def _list_reasons(
    changes: pd.DataFrame, broken: str, split_units: set[str], *, bridged: bool
) -> list[str]:
    """Return per row why there is no number, or that it is bridged; blank hidden values."""
    is_absent = (changes["_merge"] != "both") | changes["value"].isna()
    is_hidden = np.zeros(len(changes), bool)
    for when in ("before", "after"):  # a figure without answers has no hidden value
        is_hidden |= (changes[f"flag_{when}"] == "suppress") & (changes[f"n_{when}"] > 0)
    has_no_error = changes["low"].isna()
    changes.loc[is_hidden, ["value_before", "value_after"]] = np.nan
    reasons = np.full(len(changes), "bridged" if bridged else "", dtype=object)
    reasons[has_no_error], reasons[is_absent] = "no_error", "absent"
    reasons[:] = broken or reasons
    reasons[changes["unit"].isin(split_units)] = "redefined"
    reasons[is_hidden] = "suppressed"
    return [str(reason) for reason in reasons]
