"""The wave before this one: what changed, what may not be compared, and which units are others.

Both waves hide figures (rule P2); a change is shown only where neither does. Reports, the page of
``sipas compare`` and the tables take every change from here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.likeness import find_nearest_name
from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import Wave, read_wave
from sipas_analysis.errors import ConfigError, Place, SipasError
from sipas_analysis.figures.identified import INTERVAL_COLUMNS, make_id, turn_round
from sipas_analysis.figures.wave_tables import WaveTables
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.change import (
    NUMBER_COLUMNS,
    Changes,
    adjust_by_group,
    compare_pair,
)
from sipas_analysis.measure.wave_breaks import (
    UnitLinks,
    find_bridge,
    link_units,
    recode_units,
)
from sipas_analysis.messages import LANGUAGES

ChangeKind = Literal["renamed", "merged", "split"]
Key = tuple[str, str, str, str]  # domain, group, unit, variable
FindTables = Callable[[Survey], WaveTables]  # the tables of a survey, computed once
KEYS = ["domain", "group", "unit", "variable"]
HIDDEN_COLUMNS = [*NUMBER_COLUMNS, "value_before", "value_after", "n_before", "n_after", "p_holm"]
UNIT_LEVEL = re.compile(
    r"^(huyện|thị xã|thành phố|quận|phường|thị trấn|xã|tp\.|tx\.)\s*", re.IGNORECASE
)
NUMBERS = ["value_before", "value_after", "value", "low", "high"]


class Named(Protocol):
    """A published figure, as far as its change depends on it."""

    @property
    def variable(self) -> str:
        """Code of an item or factor, or the overall index."""

    @property
    def group(self) -> str:
        """Group of units; empty for the whole."""

    @property
    def unit(self) -> str:
        """Code of a unit; empty for the whole and for groups."""

    @property
    def id(self) -> str:
        """Name of the figure in ``tables/figures.csv``."""


@dataclass(frozen=True)
class Change:
    """What became of one figure since the earlier wave; NaN where it may not be compared.

    Attributes:
        before: The figure of the earlier wave.
        after: The figure of this wave.
        value: Change in points, after − before.
        low: Lower end of its interval; the intervals of figures that are read together hold
            together.
        high: Upper end.
        verdict: ``up`` or ``down`` if the interval leaves out 0, else ``open``; empty if not
            compared.
        reason: Why there is no change, words of ``compare.why``; empty if there is one.
        id: Name of the change in ``tables/figures.csv``; empty if not compared.
    """

    before: float = np.nan
    after: float = np.nan
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    verdict: str = ""
    reason: str = ""
    id: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the two years may be compared here."""
        return not np.isnan(self.value)


@dataclass(frozen=True)
class UnitChange:
    """Units of the earlier wave and what became of them.

    Attributes:
        code: Code of the later unit.
        kind: ``renamed``, ``merged`` or ``split``.
        before: Their names in the earlier wave.
        after: The names of what became of them.
    """

    code: str
    kind: ChangeKind
    before: tuple[Bilingual, ...]
    after: tuple[Bilingual, ...]


@dataclass(frozen=True, eq=False)
class WavePair:
    """An earlier wave and a later one: which units are the same.

    Attributes:
        before: The earlier survey.
        after: The later survey.
    """

    before: Survey
    after: Survey

    @property
    def wave(self) -> Wave:
        """The earlier wave."""
        return self.before.wave

    @property
    def year(self) -> str:
        """The earlier year, as a text."""
        return str(self.wave.year)

    @cached_property
    def unit_changes(self) -> tuple[UnitChange, ...]:
        """Units that were renamed, merged or split since, in the order of the later list."""
        links = self._links
        old, new = (_list_names(survey) for survey in (self.before, self.after))
        origins: dict[str, list[str]] = {}
        for code in old:
            if code in self._sent_before:
                origins.setdefault(links.successors.get(code, code), []).append(code)
        changes = []
        for code in new:
            before = links.split.get(code) or origins.get(code, [code])
            if before != [code]:
                whole: ChangeKind = "merged" if before[1:] else "renamed"
                kind: ChangeKind = "split" if code in links.split else whole
                names = tuple(old[name] for name in before)
                changes.append(UnitChange(code, kind, names, (new[code],)))
        return tuple(changes)

    @cached_property
    def new_units(self) -> tuple[str, ...]:
        """Units with forms that the earlier wave has under no code."""
        links = self._links
        linked = {links.successors.get(code, code) for code in self._sent_before} | {*links.split}
        sent = {*self.after.frame["unit"]}
        return tuple(code for code in self.after.units["code"] if code in sent - linked)

    @cached_property
    def gone_units(self) -> tuple[str, ...]:
        """Units of the earlier wave that have no form now and became no other unit."""
        links, sent = self._links, {*self.after.frame["unit"]}
        split = {code for codes in links.split.values() for code in codes}
        return tuple(
            code
            for code in self.before.units["code"]
            if code in self._sent_before - split and links.successors.get(code, code) not in sent
        )

    def propose_changes(self) -> list[str]:
        """Return lines of ``unit_changes.csv`` for units that may only have another name now.

        Each unit that is gone with the new unit of its group that has the nearest name; the user
        must confirm the line and state the day.
        """
        start, end = self.after.wave.collected.start, self.after.wave.collected.end
        day = start or end or date(self.after.wave.year, 12, 31)
        last_day = self.wave.collected.end
        if last_day and day <= last_day:  # changes up to then were already made
            day = last_day + timedelta(days=1)
        names = _list_names(self.before) | _list_names(self.after)
        groups = {
            code: group
            for survey in (self.before, self.after)
            for code, group in zip(survey.units["code"], survey.units["group"], strict=True)
        }
        left, lines = list(self.new_units), list[str]()
        for code in self.gone_units:
            like = {_cut_kind(names[new].vi): new for new in left if groups[new] == groups[code]}
            near = like.get(find_nearest_name(_cut_kind(names[code].vi), like))
            if near:
                left.remove(near)
                lines.append(f"{day.isoformat()},{code},{near},,rename,unverified")
        return lines

    @cached_property
    def _links(self) -> UnitLinks:
        return link_units(self.before, self.after)

    @cached_property
    def _sent_before(self) -> set[str]:
        return {*self.before.frame["unit"]}

    def name_units(self, codes: Sequence[str]) -> list[Bilingual]:
        """Return names of units of either wave, the later name if both have one."""
        names = _list_names(self.before) | _list_names(self.after)
        return [names[code] for code in codes]


@dataclass(frozen=True, eq=False)
class LastYear(WavePair):
    """The latest earlier wave beside this one.

    Attributes:
        reason: Why the two may not be compared at all, words of ``compare.why``; empty if they may.
        bridged: Whether only the items that both ask alike are compared; then not the index.
        n_shared: How many items that are, if no crosswalk names them.
        frame: The changes, as ``compare`` returns them, without hidden figures (P2).
    """

    reason: str
    bridged: bool
    n_shared: int
    frame: pd.DataFrame

    def find(self, figure: Named) -> Change:
        """Return the change of a published figure; with a reason where there is none."""
        domain = "unit" if figure.unit else "group" if figure.group else "all"
        change = self._changes.get((domain, figure.group, figure.unit, figure.variable))
        if change is None:
            return Change(reason=self.reason or ("bridged" if self.bridged else "absent"))
        return change

    @cached_property
    def _changes(self) -> dict[Key, Change]:
        return dict(self.list_changes())

    def list_changes(self) -> list[tuple[Key, Change]]:
        """Return every change by domain, group, unit and variable, or why there is none."""
        frame = self.frame
        if self.bridged:  # the pooled index of shared items is nobody's published figure
            frame = frame[frame["level"] != OVERALL]
        keys = frame[KEYS].itertuples(index=False, name=None)
        numbers = frame[NUMBERS].to_numpy(dtype=float).tolist()
        words = frame[["verdict", "reason"]].itertuples(index=False, name=None)
        return [
            (key, _make_change(key, row, *texts))
            for key, row, texts in zip(keys, numbers, words, strict=True)
        ]


def _make_change(key: Key, numbers: Sequence[float], verdict: str, reason: str) -> Change:
    """Return a change with its name; no numbers where the years are not compared."""
    if np.isnan(numbers).any():
        return Change(reason=reason)
    _, group, unit, variable = key
    before, after, value, low, high = numbers
    name = f"change:{make_id(variable, group, unit)}"
    return Change(before, after, value, low, high, verdict, "", name)


def _cut_kind(name: str) -> str:
    """Return a name without the level of its unit, which a resolution may change."""
    return UNIT_LEVEL.sub("", name)


def _list_names(survey: Survey) -> dict[str, Bilingual]:
    rows = survey.units[["code", "name_vi", "name_en"]].to_numpy()
    return {code: Bilingual(vi=vi, en=en) for code, vi, en in rows}


def read_earlier(wave: Wave) -> list[Survey]:
    """Read the earlier waves that a wave names, oldest first.

    Raises:
        ConfigError: One of them cannot be read, is of a later year, or is the wave itself.
    """
    surveys = [_read_one(wave, name) for name in wave.earlier]
    return sorted(surveys, key=lambda survey: (survey.wave.year, survey.wave.id))


def _read_one(wave: Wave, name: str) -> Survey:
    """Read an earlier wave, or tell that the mistake is in that wave, not in this one."""
    places, at = [Place(wave.path.name)], ("earlier",)
    try:
        survey = read_survey(read_wave(wave.path_of(name)))
    except SipasError as error:
        sentences = {language: error.text(language) for language in LANGUAGES}
        raise ConfigError("wave_earlier_unread", places, at, name=name, said=sentences) from error
    if survey.wave.year > wave.year or survey.wave.id == wave.id:
        fields = {"name": name, "id": survey.wave.id, "year": survey.wave.year}
        raise ConfigError("wave_earlier", places, at, **fields)
    return survey


def compare_with_last_year(earlier: WaveTables, later: WaveTables) -> LastYear:
    """Set a wave beside the one before, without figures that either must not publish (P2)."""
    before, after = earlier.survey, later.survey
    waves = {id(before): earlier, id(after): later}

    def find_tables(survey: Survey) -> WaveTables:
        return waves.get(id(survey)) or WaveTables(survey)

    wave = after.wave
    crosswalk = wave.path_of(wave.crosswalk) if wave.crosswalk else ""
    changes = compare_pair(
        before, after, crosswalk, estimate=lambda survey: find_tables(survey).estimates
    )
    changes = hide_withheld(changes, [before, after], find_tables, crosswalk)
    facts = changes.breaks.iloc[0]
    return LastYear(
        before,
        after,
        reason=str(facts["reason"]),
        bridged=bool(facts["bridged"]),
        n_shared=int(facts["n_shared"]),
        frame=changes.frame,
    )


def identify_changes(last_year: LastYear | None) -> list[pd.DataFrame]:
    """Return the changes since last year with their ids."""
    rows = [
        {"id": change.id, "rule": "C1"}
        | {name: getattr(change, name) for name in ("before", *INTERVAL_COLUMNS)}
        for _, change in (last_year.list_changes() if last_year else [])
        if change.id
    ]
    return [turn_round(pd.DataFrame(rows))] if rows else []


def hide_withheld(
    changes: Changes,
    ordered: Sequence[Survey],
    find_tables: FindTables,
    crosswalk: str | Path = "",
) -> Changes:
    """Blank each change of a figure that either wave suppresses, also to protect another.

    Of units that were renamed or merged the figures under the old and the new code count: what
    the earlier report hid must not follow from the sum. What a unit's neighbours are used for, the
    change expected from chance and the adjusted p, rests on shown changes alone.

    Args:
        changes: Of waves, each with the next.
        ordered: The waves in this order.
        find_tables: Returns the tables of a wave.
        crosswalk: File of the items that questionnaires share under other codes.
    """
    frame = changes.frame.copy()
    row_keys = list(frame[KEYS].itertuples(index=False, name=None))
    for before, after in pairwise(ordered):
        codes = find_bridge(before, after, crosswalk).items
        published = _place_published(before, after, codes, find_tables)
        withheld = _list_keys(published[published["flag"] == SUPPRESS])
        withheld |= _list_wholes(before, after, find_tables)
        rounded = _list_keys(published[_has_no_error(published)])
        is_pair = frame["before"].to_numpy() == before.wave.id
        is_withheld = np.array([key in withheld for key in row_keys], dtype=bool) & is_pair
        is_withheld |= _find_revealing(frame, is_withheld)
        frame.loc[is_withheld, HIDDEN_COLUMNS] = np.nan
        frame.loc[is_withheld, ["reason", "verdict"]] = ["suppressed", ""]
        is_rounded = np.array([key in rounded for key in row_keys], dtype=bool) & is_pair
        frame.loc[is_rounded, ["se", "df", "p"]] = np.nan
        frame.loc[is_rounded, "low"] = np.floor(frame.loc[is_rounded, "low"])
        frame.loc[is_rounded, "high"] = np.ceil(frame.loc[is_rounded, "high"])
        frame[is_pair] = _forget_neighbours(frame[is_pair], is_rounded[is_pair])
    return Changes(frame, changes.breaks)


def _forget_neighbours(frame: pd.DataFrame, is_rounded: NDArray[np.bool_]) -> pd.DataFrame:
    """Adjust p over shown units, and blank the expected change beside one without p."""
    is_unit = (frame["domain"] == "unit") & (frame["level"] == OVERALL)
    is_hidden = is_unit & (frame["reason"].eq("suppressed") | is_rounded)
    if not is_hidden.any():
        return frame
    adjusted = {
        name: adjust_by_group(frame, name.removeprefix("p_"))
        for name in map(str, frame)
        if name.startswith("p_")
    }
    beside = is_unit & frame["group"].isin(frame.loc[is_hidden, "group"])
    return frame.assign(expected=frame["expected"].mask(beside), **adjusted)


def _place_published(
    before: Survey, after: Survey, later_codes: Mapping[str, str], find_tables: FindTables
) -> pd.DataFrame:
    """Return the figures of both waves, and of the earlier one by later units, by later keys."""
    links = link_units(before, after)
    groups = dict(zip(after.units["code"], after.units["group"], strict=True))
    recoded, parts = recode_units(before, after, links), []
    for survey in (before, after, *([recoded] if recoded is not before else [])):
        figures = find_tables(survey).scores[[*KEYS, "flag", "value", "se"]]
        names = {} if survey is after else later_codes
        unit = figures["unit"].replace(links.successors)
        group = unit.map(groups).fillna(figures["group"])
        variable = figures["variable"].replace(dict(names))
        parts.append(figures.assign(unit=unit, group=group, variable=variable))
    return pd.concat(parts, ignore_index=True)


def _list_keys(figures: pd.DataFrame) -> set[Key]:
    return {*figures[KEYS].itertuples(index=False, name=None)}


def _has_no_error(figures: pd.DataFrame) -> "pd.Series[bool]":
    """Mark shown figures whose error is not: it would tell of a hidden part (P4)."""
    is_end = figures["value"].isin([0.0, 100.0])  # there is none
    return figures["value"].notna() & figures["se"].isna() & ~is_end


def _list_wholes(before: Survey, after: Survey, find_tables: FindTables) -> set[Key]:
    """Return the keys of units and groups of which every figure is withheld.

    A merged unit with a hidden part: figures of the other part are known, and the difference would
    be the hidden part. A group that lost or gained units since, if one of them was hidden: the
    earlier report has the group as it was.
    """
    links = link_units(before, after)
    groups = dict(zip(after.units["code"], after.units["group"], strict=True))
    scores = find_tables(before).scores
    is_hidden = (scores["flag"] == SUPPRESS) & scores["n_valid"].isna()  # 0: nobody answered
    hidden_units = {*scores.loc[is_hidden, "unit"]}
    later_units = {links.successors.get(unit, unit) for unit in hidden_units}
    wholes = [("unit", groups.get(unit, ""), unit) for unit in later_units & links.merged]
    regrouped = _find_regrouped(before, recode_units(before, after, links), hidden_units)
    wholes += [("group", group, "") for group in regrouped]
    codes = find_tables(after).scores["variable"].unique()
    return {(*whole, str(code)) for whole in wholes for code in codes}


def _find_regrouped(before: Survey, recoded: Survey, hidden_units: set[str]) -> set[str]:
    """Return the groups with other units than before, of which one then or now is hidden."""
    units, old, new = before.frame["unit"], before.frame["group"], recoded.frame["group"]
    is_moved, is_hidden = old != new, units.isin(hidden_units)
    changed = {*old[is_moved], *new[is_moved]}
    return changed & {*old[is_hidden], *new[is_hidden]}


def _find_revealing(frame: pd.DataFrame, is_withheld: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark pooled indices of shared items of which one is withheld: others would reveal that."""
    domains = list(frame[["before", *KEYS[:3]]].itertuples(index=False, name=None))
    is_item = (frame["level"] == "item").to_numpy()
    with_hidden = {domains[row] for row in np.flatnonzero(is_withheld & is_item)}
    is_pooled = (frame["level"] == OVERALL) & (frame["reason"] == "bridged")
    return is_pooled.to_numpy() & [domain in with_hidden for domain in domains]
