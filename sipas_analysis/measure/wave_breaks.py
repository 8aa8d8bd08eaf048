"""Find what two waves share, and why they may not be compared (rule C2).

A difference between two years is a change of opinion only where the same question was asked of the
same kind of people about the same unit, and the forms were weighted alike.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.tables import read_rows
from sipas_analysis.collect.unit_changes import compute_unit_shares, find_successors, read_changes
from sipas_analysis.collect.wave import UNIT_CHANGES_FILE
from sipas_analysis.errors import ColumnError, Place
from sipas_analysis.input_copies import is_there
from sipas_analysis.instrument.pack import Index, Instrument, Item

MODE_SHARE_LIMIT = 0.25  # largest share of forms in another mode; ours, see docs/compare.md


@dataclass(frozen=True)
class Bridge:
    """What two waves have in common.

    Attributes:
        reason: Why the waves as a whole may not be compared, words of ``compare``; empty if they
            may.
        items: The later code of each item that both ask alike; empty if the questionnaires are
            the same, and where nothing may be compared.
        n_shared: Number of items that are alike without a crosswalk.
    """

    reason: str
    items: Mapping[str, str]
    n_shared: int


def find_bridge(before: Survey, after: Survey, crosswalk: str | Path = "") -> Bridge:
    """Return what two waves have in common, and why they may not be compared (C2).

    Raises:
        ColumnError: The crosswalk has not the needed columns, or names unknown items.
    """
    is_same = has_same_questions(before.instrument, after.instrument)
    items = {} if is_same else _read_crosswalk(crosswalk, before, after)
    shared = {} if is_same or items else _find_shared_items(before.instrument, after.instrument)
    items = items or shared
    reason = " ".join(_find_breaks(before, after, comparable=is_same or bool(items)))
    return Bridge(reason, {} if reason else items, len(shared))


def _find_breaks(before: Survey, after: Survey, *, comparable: bool) -> Iterator[str]:
    """Yield the reasons why two waves as a whole may not be compared."""
    if not comparable:
        yield "instrument"
    elif _index_rules(before.instrument.index) != _index_rules(after.instrument.index):
        yield "rules"
    if _population(before) != _population(after):
        yield "population"
    if _is_weighted(before) != _is_weighted(after):
        yield "weights_dropped" if _is_weighted(before) else "weights_added"
    elif _list_margins(before) != _list_margins(after):
        yield "margins"
    if "mode" in before.frame and "mode" in after.frame:
        shares_before, shares_after = _mode_shares(before), _mode_shares(after)
        moved = shares_before.sub(shares_after, fill_value=0.0).abs().sum() / 2
        if moved > MODE_SHARE_LIMIT:
            yield "mode"


def _is_weighted(survey: Survey) -> bool:
    """Return whether forms have different weights."""
    return bool(np.ptp(survey.design().weight) > 0)


def _list_margins(survey: Survey) -> set[tuple[str, str]]:
    """Return the margins to which weights were calibrated, with their levels.

    Units may be renamed: of a margin of units or groups only the name counts.
    """
    calibration, margins = survey.design().calibration, set[tuple[str, str]]()
    while calibration is not None:
        table = calibration.table
        for margin, level in zip(table["margin"], table["level"], strict=True):
            margins.add((margin, "" if margin in ("unit", "group") else level))
        calibration = calibration.before
    return margins


def has_same_questions(before: Instrument, after: Instrument) -> bool:
    """Return whether two instruments are one: the same id, and items worded and read alike."""
    is_same = before.id == after.id and before.items.keys() == after.items.keys()
    return is_same and all(
        _describe_item(before, code) == _describe_item(after, code)
        and before.items[code].factor == after.items[code].factor
        and _has_same_wording(before.items[code], after.items[code])
        for code in before.items
    )


def _find_shared_items(before: Instrument, after: Instrument) -> dict[str, str]:
    """Return the items of the same code, wording and scale in two instruments, by their code."""
    old, new = before.items, after.items
    return {
        code: code
        for code in old
        if code in new
        and ((old[code].vi and new[code].vi) or (old[code].en and new[code].en))
        and _has_same_wording(old[code], new[code])
        and _describe_item(before, code) == _describe_item(after, code)
    }


def find_shared_factors(
    before: Instrument, after: Instrument, items: Mapping[str, str]
) -> list[str]:
    """Return the factors of the same code that have the same items, by the same rule."""
    if before.index.factor != after.index.factor:
        return []
    return [
        code
        for code in after.factors
        if code in before.factors
        and {*after.items_of(code)} <= {*items.values()}
        and [items.get(item) for item in before.items_of(code)] == [*after.items_of(code)]
    ]


def _has_same_wording(before: Item, after: Item) -> bool:
    """Return whether two items have the same words in each language that both give."""
    wordings = ((before.vi, after.vi), (before.en, after.en))
    return all(old == new for old, new in wordings if old and new)


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


@dataclass(frozen=True)
class UnitLinks:
    """What became of the units of the earlier wave.

    Attributes:
        successors: The later code of each earlier unit that went on as a whole.
        split: For each later unit that has parts of split units, these units.
    """

    successors: Mapping[str, str]
    split: Mapping[str, list[str]]

    @property
    def merged(self) -> set[str]:
        """Later codes of the units that several earlier ones became."""
        counts = Counter(self.successors.values())
        return {code for code, n in counts.items() if n > 1}


def link_units(before: Survey, after: Survey) -> UnitLinks:
    """Return what became of the units of an earlier wave, by the later wave's list of changes."""
    path = after.wave.path_of(after.wave.unit_changes or UNIT_CHANGES_FILE)
    if not after.wave.unit_changes and not is_there(path):
        return UnitLinks({}, {})
    days = [survey.wave.collected.end for survey in (before, after)]
    shares = compute_unit_shares(read_changes(path), list(before.units["code"]), *days)
    successors, split = find_successors(shares), dict[str, list[str]]()
    for code in sorted({*before.frame["unit"]} - {*successors}):
        for part in shares.columns[shares.loc[code] > 0]:
            split.setdefault(str(part), []).append(str(code))
    return UnitLinks(successors, split)


def recode_units(before: Survey, after: Survey, links: UnitLinks) -> Survey:
    """Return the earlier wave with the codes and groups of the later one (C2).

    The same object if no unit has another code or group. Forms of split units have no unit.
    """
    units, groups = before.frame["unit"], before.frame["group"]
    new_units = units.map(links.successors) if links.successors else units
    later_groups = dict(zip(after.units["code"], after.units["group"], strict=True))
    new_groups = new_units.map(later_groups).fillna(groups)
    if new_units.equals(units) and new_groups.equals(groups):
        return before
    return replace(before, frame=before.frame.assign(unit=new_units, group=new_groups))
