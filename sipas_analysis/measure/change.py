"""Estimate changes between waves with their errors, or say why there is none.

A difference between two years is computed only where the same was asked (``wave_breaks``, C2). The
intervals of figures that are read together, such as the units of a group, hold together, and the
verdict follows from the interval (C1). Changes of single units are partly chance: a unit chosen
because it is extreme tends to return to the mean (C4).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.arguments import check_kind, check_level, check_word
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.combinations import ADJUSTMENTS, adjust_p_values
from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.distributions import t_quantile, t_tail
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.infer.result_table import SUPPRESS, ResultTable
from sipas_analysis.instrument.pack import OVERALL, Index, Instrument
from sipas_analysis.measure.pooling import small_area
from sipas_analysis.measure.scores import score
from sipas_analysis.measure.wave_breaks import (
    find_bridge,
    find_shared_factors,
    link_units,
    recode_units,
)

KEY_COLUMNS = ["domain", "group", "unit", "level", "variable"]
NUMBER_COLUMNS = ["value", "se", "low", "high", "df", "p", "expected"]
COMPARED = ("", "bridged")  # reasons of figures that are compared
SCORE_LEVEL = 0.95  # of the intervals of ``score``
EXACT_METHODS = ("korn-graubard", "clopper-pearson")


@dataclass(frozen=True, eq=False, repr=False)
class Changes(ResultTable):
    """Changes between consecutive waves.

    Attributes:
        frame: One row per pair of waves and figure, see ``compare``.
        breaks: For each pair ``before``, ``after`` and the ``reason`` why the two must not be
            compared, empty if they may; ``bridged`` if only some items are compared: those of a
            crosswalk, or the ``n_shared`` that both questionnaires ask alike.
    """

    main_columns = (
        *("before", "after", "group", "unit", "variable", "value_before", "value_after"),
        *("value", "low", "high", "verdict", "reason"),
    )
    frame: pd.DataFrame
    breaks: pd.DataFrame


def compare(
    *surveys: Survey, crosswalk: str | Path = "", level: float = 0.95, method: str = "holm"
) -> Changes:
    """Compare waves in the order of their years, each with the next.

    d = after − before, se² = se₁² + se₂², t at Satterthwaite's df: samples of two years are taken
    as independent. The intervals of a family hold together: each of its k has the level
    ``level ** (1 / k)``. At 0 and 100 % they come from the exact intervals of both years.

    Args:
        surveys: Two waves or more, of files or of data frames; of one year in the order given.
        crosswalk: CSV file of items, ``from`` and ``to``, that makes a bridge between instruments.
        level: Confidence with which the intervals of a family hold together.
        method: Adjustment of p, a name of ``statsmodels.stats.multitest.multipletests`` such as
            ``fdr_bh``; its column is ``p_`` and this name.

    Returns:
        Keys ``before``, ``after`` (ids of waves), ``domain`` (``all``, ``group``, ``unit``),
        ``group``, ``unit``, ``level``, ``variable``; ``value_before``, ``value_after``,
        ``n_before``, ``n_after``, ``value`` (points), ``se``, ``low``, ``high``, ``family`` (k: the
        units of a group, the groups, the items or the factors of one domain), ``verdict`` (``up``
        or ``down`` if the interval leaves out 0, else ``open``), ``df``, ``p``, ``p_holm`` (over
        the units of a group), ``expected`` (C4) and ``reason``: empty where compared, ``bridged``,
        or why there is no number: ``instrument``, ``rules``, ``population``, ``weights_added``,
        ``weights_dropped``, ``margins``, ``mode``, ``absent``, ``redefined``, ``suppressed``,
        ``no_error``.

    Raises:
        ColumnError: Fewer than two waves, or a crosswalk that names unknown items.
        UnitError: A list of changes of units is invalid.

    Source: rules C1, C2 and C4 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> waves = [sipas.read_survey(sipas.read_wave(f"data/an-giang-{year}/wave.yaml"))
        ...          for year in (2021, 2023)]
        >>> sipas.compare(*waves).breaks["reason"].item()
        'instrument population weights_added'
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
    pairs = [
        compare_pair(before, after, crosswalk, level=level, method=method)
        for before, after in pairwise(ordered)
    ]
    table = pd.concat([changes.frame for changes in pairs], ignore_index=True)
    first = ["before", "after", *KEY_COLUMNS]
    columns = [*first, *table.columns.difference(first, sort=False)]
    breaks = pd.concat([changes.breaks for changes in pairs], ignore_index=True)
    wording = {code: text for survey in ordered for code, text in survey.wording.items()}
    return Changes(table[columns], breaks, wording=wording)


def estimate_domains(survey: Survey) -> pd.DataFrame:
    """Return every figure of the whole, the groups and the units, by ``domain``."""
    keys = {"all": (), "group": "group", "unit": "unit"}
    parts = [score(survey, by).frame.assign(domain=domain) for domain, by in keys.items()]
    return pd.concat(parts, ignore_index=True)


def compare_pair(
    before: Survey,
    after: Survey,
    crosswalk: str | Path = "",
    *,
    level: float = 0.95,
    method: str = "holm",
    estimate: Callable[[Survey], pd.DataFrame] = estimate_domains,
) -> Changes:
    """Compare one wave with the next; ``estimate`` returns what ``estimate_domains`` does."""
    bridge, links = find_bridge(before, after, crosswalk), link_units(before, after)
    items = bridge.items
    factors = find_shared_factors(before.instrument, after.instrument, items) if items else []
    changes = _subtract_waves(
        _score_domains(recode_units(before, after, links), items, factors, estimate),
        _score_domains(after, {code: code for code in items.values()}, factors, estimate),
        bridge.reason,
        links.split,
        is_bridged=bool(items),
        level=level,
    )
    changes[f"p_{method}"] = adjust_by_group(changes, method)
    pair = {"before": before.wave.id, "after": after.wave.id}
    facts = {"reason": bridge.reason, "bridged": bool(items), "n_shared": bridge.n_shared}
    return Changes(changes.assign(**pair), pd.DataFrame([{**pair, **facts}]))


def _score_domains(
    survey: Survey,
    later_codes: Mapping[str, str],
    factors: Collection[str],
    estimate: Callable[[Survey], pd.DataFrame],
) -> pd.DataFrame:
    """Return all figures of a wave; with a bridge only what is shared, by the later codes."""
    if later_codes:
        pack = _reduce_instrument(survey.instrument, [*later_codes])
        table = estimate_domains(replace(survey, instrument=pack))
        is_factor = (table["level"] == "factor") & table["variable"].isin(factors)
        table = table[table["level"].isin(["item", OVERALL]) | is_factor]
        codes = table["variable"].map(lambda code: later_codes.get(code, code))
        table = table.assign(variable=codes)
    else:
        table = estimate(survey)
    table = table[table["level"] != "beside"]
    return table.assign(group=table["group"].fillna(""), unit=table["unit"].fillna(""))


def _reduce_instrument(pack: Instrument, codes: Sequence[str]) -> Instrument:
    """Return an instrument with only the items that two instruments share; the whole is pooled."""
    items = {code: item for code, item in pack.items.items() if code in codes}
    used = {item.factor for item in items.values()}
    factors = {code: factor for code, factor in pack.factors.items() if code in used}
    index = Index.model_validate({"overall": {"rule": "pooled"}})
    index = index.model_copy(update={"points": pack.index.points, "factor": pack.index.factor})
    return pack.model_copy(
        update={"items": items, "factors": factors, "blocks": {}, "index": index}
    )


@dataclass(frozen=True)
class _Side:
    """Figures of one of the two waves, one row per figure of either wave."""

    value: Floats
    se: Floats
    df: Floats
    low: Floats
    high: Floats
    n_eff: Floats
    is_exact: NDArray[np.bool_]

    @classmethod
    def read(cls, both: pd.DataFrame, when: str) -> "_Side":
        """Return the columns of a wave."""
        value, se, df, low, high, n_eff = (
            both[f"{name}_{when}"].to_numpy(dtype=float)
            for name in ("value", "se", "df", "low", "high", "n_eff")
        )
        is_exact = both[f"method_{when}"].isin(EXACT_METHODS).to_numpy()
        return cls(value, se, df, low, high, n_eff, is_exact)

    @property
    def is_end(self) -> NDArray[np.bool_]:
        """Whether a figure is 0 or 100 %, where there is no standard error."""
        return np.isin(self.value, [0.0, 100.0])

    def find_limits(self, level: Floats) -> tuple[Floats, Floats]:
        """Return the interval of each figure at another level than that of ``score``."""
        wider = t_quantile((1 + level) / 2, self.df) / t_quantile((1 + SCORE_LEVEL) / 2, self.df)
        low = self.value - wider * (self.value - self.low)
        high = self.value + wider * (self.high - self.value)
        exact = exact_interval(self.value / 100 * self.n_eff, self.n_eff, level)
        is_exact = self.is_exact & (self.low < self.high)
        return np.where(is_exact, 100 * exact[0], low), np.where(is_exact, 100 * exact[1], high)


def _subtract_waves(
    before: pd.DataFrame,
    after: pd.DataFrame,
    broken: str,
    split_units: Collection[str],
    *,
    is_bridged: bool,
    level: float,
) -> pd.DataFrame:
    """Return change, error, interval, verdict and p of each figure that either wave has."""
    both = before.merge(
        after, on=KEY_COLUMNS, how="outer", suffixes=("_before", "_after"), indicator=True
    )
    sides = [_Side.read(both, when) for when in ("before", "after")]
    change, error = sides[1].value - sides[0].value, np.hypot(sides[0].se, sides[1].se)
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = error**4 / sum(side.se**4 / side.df for side in sides)
    freedom = np.where(error > 0, freedom, np.fmin(sides[0].df, sides[1].df))
    is_end = sides[0].is_end | sides[1].is_end
    down, up = _find_reach(sides, error, freedom, np.full(len(both), SCORE_LEVEL))
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(change > 0, down, up) / t_quantile((1 + SCORE_LEVEL) / 2, freedom)
        p = 2 * t_tail(np.abs(change) / np.where(is_end, scale, error), freedom)
    changes = both[KEY_COLUMNS].assign(
        value_before=sides[0].value,
        value_after=sides[1].value,
        n_before=both["n_valid_before"],
        n_after=both["n_valid_after"],
        value=change,
        se=np.where(is_end, np.nan, error),
        df=freedom,
        p=np.where(np.isnan(error), np.nan, p),
        expected=_expect_change(both),
        reason=_list_reasons(both, broken, split_units, np.isnan(down), is_bridged=is_bridged),
    )
    is_compared = changes["reason"].isin(COMPARED)
    family = _count_families(changes[is_compared]).reindex(changes.index)
    down, up = _find_reach(sides, error, freedom, level ** (1 / family.to_numpy(dtype=float)))
    low, high = change - down, change + up
    verdict = np.select([~is_compared, low > 0, high < 0], ["", "up", "down"], "open")
    changes = changes.assign(low=low, high=high, family=family.astype("Int64"), verdict=verdict)
    changes.loc[~is_compared, NUMBER_COLUMNS] = np.nan
    changes.loc[changes["reason"] == "suppressed", ["value_before", "value_after"]] = np.nan
    return changes


def _find_reach(
    sides: Sequence[_Side], error: Floats, df: Floats, level: Floats
) -> tuple[Floats, Floats]:
    """Return how far the interval reaches below and above the change, at a level of each figure.

    t·se; at 0 and 100 % the root of both squared distances to the limits of the two figures.
    """
    before, after = sides
    with np.errstate(invalid="ignore", divide="ignore"):
        half = t_quantile((1 + level) / 2, df) * error
        (low, high), (later_low, later_high) = (side.find_limits(level) for side in sides)
    is_end = before.is_end | after.is_end
    down = np.hypot(after.value - later_low, high - before.value)
    up = np.hypot(later_high - after.value, before.value - low)
    return np.where(is_end, down, half), np.where(is_end, up, half)


def _count_families(changes: pd.DataFrame) -> "pd.Series[int]":
    """Return with how many figures, itself one, each compared figure is read together.

    Overall indices: the whole alone; groups; units of one group. Else figures of one kind (items,
    factors) of the whole, of a group, or of a unit.
    """
    is_overall = changes["level"] == OVERALL
    is_unit = changes["domain"] == "unit"
    within = (
        changes["unit"].where(~is_overall, "")
        + "/"
        + changes["group"].where(~is_overall | is_unit, "")
    )
    return changes.groupby(["domain", "level", within])["variable"].transform("size")


def adjust_by_group(changes: pd.DataFrame, method: str) -> "pd.Series[float]":
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
    both: pd.DataFrame,
    broken: str,
    split_units: Collection[str],
    has_no_error: NDArray[np.bool_],
    *,
    is_bridged: bool,
) -> list[str]:
    """Return per row why there is no number, or that it is bridged."""
    values = both[["value_before", "value_after"]]
    is_absent = (both["_merge"] != "both") | values.isna().any(axis=1)
    is_hidden = np.zeros(len(both), bool)
    for when in ("before", "after"):  # a figure without answers has no hidden value
        is_hidden |= (both[f"flag_{when}"] == SUPPRESS) & (both[f"n_valid_{when}"] > 0)
    reasons = np.full(len(both), "bridged" if is_bridged else "", dtype=object)
    reasons[has_no_error], reasons[is_absent] = "no_error", "absent"
    reasons[:] = broken or reasons
    reasons[both["unit"].isin(split_units)] = "redefined"
    reasons[is_hidden] = "suppressed"
    return [str(reason) for reason in reasons]
