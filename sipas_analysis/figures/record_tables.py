"""Published tables of an office's records, made of what the room ``records`` counts (P2).

Each has the columns ``key domain unit group label section`` and numbers. Units and fields with few
dossiers are counted together as *other*; a division of few dossiers is blank.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sipas_analysis.collect.readings import OTHER
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import list_groups
from sipas_analysis.figures.record_rows import ALL, KEY_COLUMNS
from sipas_analysis.figures.record_suppression import Parts, find_merged, hide_divisions, join_keys
from sipas_analysis.records.timeliness import (
    APART,
    SUMS,
    add_up_facts,
    list_facts,
    mark_counted,
)

if TYPE_CHECKING:
    from sipas_analysis.records.channels import ChannelRules
    from sipas_analysis.records.office_records import Records

PLACES = {ALL: (), "group": ("group",), "unit": ("group", "unit"), "field": ("field",)}
CELL = ["group", "unit", "field"]  # keys of the cells that the rows of all places add up
ENDS = {"low": "on_time_percent_low", "high": "on_time_percent_high"}


@dataclass(frozen=True, eq=False)
class RecordSource:
    """Records as their published tables count them: in rows that stand on enough dossiers.

    Attributes:
        survey: The survey of the wave, with its units and the fewest dossiers of a cell.
        records: The records, with rows of dossiers: do not print.
        hidden_units: Units whose index is not published.
    """

    survey: Survey
    records: "Records"
    hidden_units: Collection[str] = ()

    @property
    def min_cell(self) -> int:
        """Fewest dossiers, petitions or forms behind a published rate."""
        return self.survey.wave.min_cell

    @property
    def period(self) -> tuple[date, date]:
        """First and last day of the records."""
        wave = self.survey.wave
        if wave.records is None:
            raise ValueError("no records")
        return wave.records.find_period(wave.year)

    @cached_property
    def groups(self) -> dict[str, str]:
        """Group by unit."""
        units = self.survey.units
        return dict(zip(units["code"], units["group"], strict=True))

    @cached_property
    def dossiers(self) -> pd.DataFrame:
        """One row per dossier; ``unit`` and ``field`` are those of its published row."""
        frame = self.place(self.records.dossiers)
        frame = frame.assign(field=frame["field"].astype(str))
        facts = list_facts(frame, CELL, self.period)
        cells = _add_up(facts, CELL).rename(columns={"n_all": "n"})
        merged = find_merged(cells, PLACES, self.min_cell)
        for name in ("unit", "field"):
            frame = frame.assign(**{name: frame[name].mask(frame[name].isin(merged[name]), OTHER)})
        return frame

    @cached_property
    def counted(self) -> pd.DataFrame:
        """The dossiers of the period, as every table counts them (rule T4)."""
        return self.dossiers[mark_counted(self.dossiers, self.period)]

    def find_merged_units(self) -> set[str]:
        """Return the units that no table shows by themselves."""
        return {*self.records.dossiers["unit"].astype(str)} - {*self.dossiers["unit"]}

    def place(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows with their unit as text and its group."""
        units = frame["unit"].astype(str)
        return frame.assign(unit=units, group=units.map(self.groups).fillna(""))

    @cached_property
    def field_names(self) -> dict[str, str]:
        """Name by code of a field, in the words of the office's system."""
        named = self.records.dossiers[["field", "field_name"]].astype(str).drop_duplicates("field")
        return dict(zip(named["field"], named["field_name"], strict=True))


def _add_up(facts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the counts of the period, and ``n_all``: all dossiers that a row tells of."""
    counts = add_up_facts(facts, by)
    return counts.assign(n_all=counts[["received", *APART]].sum(axis=1))


def tabulate_timeliness(source: RecordSource) -> pd.DataFrame:
    """Return the counts of form II.06a of the whole, groups, units and fields (T3, T4)."""
    facts = list_facts(source.dossiers, CELL, source.period)
    table = _stack(source, partial(_add_up, facts)).drop(columns="n_all")
    parts = Parts(_add_up(facts, CELL), PLACES, source.min_cell)
    rates = [str(name) for name in table if table[name].dtype.kind == "f"]
    divisions = {"done": (*SUMS["done"], *rates), "running": (*SUMS["running"], "kept_percent")}
    wholes, fewest = _find_wholes(table), source.min_cell
    shown = hide_divisions(table, wholes, divisions, fewest, parts=parts, sums=SUMS)
    shown = shown.drop(columns="cell")
    shown["median_days_late"] = shown["median_days_late"].mask(table["late"] < source.min_cell)
    return shown.rename(columns=ENDS)


def tabulate_channels(source: RecordSource) -> pd.DataFrame:
    """Return the shares of online and postal dossiers of the whole, groups, units, fields (T8)."""
    from sipas_analysis.records.channels import add_up_channels, make_channel_rules, mark_channels

    sources = source.survey.wave.records
    rules = make_channel_rules(sources.postal if sources else ())
    marks = mark_channels(source.dossiers, CELL, source.period, rules)
    table = _stack(source, lambda by: add_up_channels(marks, by, rules, source.min_cell))
    cells = marks.groupby(CELL, observed=True).sum().reset_index()
    for name in rules.shares:
        cells[f"{name}_rest"] = cells[f"{name}_base"] - cells[f"{name}_n"]
    return _hide_bases(table, Parts(cells, PLACES, source.min_cell), rules).drop(columns="cell")


def _hide_bases(table: pd.DataFrame, parts: Parts, rules: "ChannelRules") -> pd.DataFrame:
    """Blank the shares whose base would give back a hidden one of another domain."""
    nested = [name for name, share in rules.shares.items() if share.within]  # hidden together
    for names in (nested, *([name] for name in rules.shares if name not in nested)):
        hidden = table[[f"{name}_base" for name in names]].isna().any(axis=1).to_numpy()
        before = ~hidden
        while hidden.any() and not np.array_equal(hidden, before):
            before = hidden
            for name in names:
                order = table[f"{name}_base"].fillna(0).to_numpy(float)
                sums = parts.add_up(table, (f"{name}_n", f"{name}_rest"), order)
                hidden = sums.extend_hiding(hidden)
        columns = [f"{name}_{part}" for name in names for part in ("n", "base", "percent")]
        table.loc[hidden, columns] = np.nan
    return table


def tabulate_petitions(source: RecordSource) -> pd.DataFrame:
    """Return the cases of the whole, of units, channels and fields; about officials apart (T7)."""
    from sipas_analysis.records.petitions import count_petitions, list_cases

    petitions = source.records.petitions
    if petitions is None or petitions.empty:
        return pd.DataFrame()
    calendar, period = source.records.calendar, source.period
    count = partial(count_petitions, calendar=calendar, period=period, min_cell=source.min_cell)
    rows = source.place(petitions)
    by_place = {"unit": ("group", "unit"), "channel": ("channel",), "field": ("field",)}
    keys = ["group", "unit", "channel", "field"]
    cells = list_cases(rows, keys, calendar=calendar, period=period)
    merged = find_merged(cells, {ALL: (), "group": ("group",), **by_place}, source.min_cell)

    def count_by(by: Sequence[str]) -> pd.DataFrame:
        last = [*by[-1:]]
        texts = rows[last].astype("str")  # categories refuse a new label
        masks = {name: texts[name].mask(rows[name].isin(merged[name]), OTHER) for name in last}
        return count(rows.assign(**masks), by)

    table = _stack(source, count_by, {ALL: (), **by_place}).drop(columns="cell")
    about = count(rows, officials=True)
    return pd.concat([table, name_rows(about, "officials", source)], ignore_index=True)


def tabulate_publication(source: RecordSource) -> pd.DataFrame:
    """Return the checklist of the whole, groups and units; a procedure is no person (T8)."""
    from sipas_analysis.records.publication import count_publication

    publication = source.records.publication
    if publication is None or publication.empty:
        return pd.DataFrame()
    rows, last_day = source.place(publication), source.period[1]

    def count(by: Sequence[str]) -> pd.DataFrame:
        return count_publication(rows, by, calendar=source.records.calendar, through=last_day)

    places = {name: by for name, by in PLACES.items() if name != "field"}
    return _stack(source, count, places).drop(columns="cell")


def _stack(
    source: RecordSource,
    count: Callable[[Sequence[str]], pd.DataFrame],
    places: Mapping[str, Sequence[str]] = PLACES,
) -> pd.DataFrame:
    """Return the counts of the whole, of groups, of units, … as one table, with ``cell``."""
    parts = []
    for domain, by in places.items():
        counts = count([*by])
        parts.append(name_rows(counts.assign(cell=join_keys(counts, by)), domain, source))
    return pd.concat(parts, ignore_index=True)


def name_rows(table: pd.DataFrame, domain: str, source: RecordSource) -> pd.DataFrame:
    """Return a table with the columns of keys first, its rows in the order of groups and units.

    The whole, groups and units have their codes as keys, units that are merged
    ``other:<group>``; the rows of another domain are numbered.
    """
    table = _sort_places(table, source).assign(domain=domain)
    if domain == ALL:
        keys = pd.Series(ALL, table.index)
    elif domain == "group":
        keys = "group:" + table["group"]
    elif domain == "unit":
        is_other = table["unit"] == OTHER
        keys = table["unit"].mask(is_other, f"{OTHER}:" + table["group"])
        table["unit"] = table["unit"].mask(is_other, "")
    else:
        name = "label" if "label" in table else domain
        label = table.pop(name).astype(str) if name in table else pd.Series("", table.index)
        numbers = pd.Series(np.arange(1, len(table) + 1).astype(str), table.index)
        keys = f"{domain}:" + numbers.mask(label == OTHER, OTHER)
        is_field = domain == "field"
        table["label"] = label.map(source.field_names).fillna(label) if is_field else label
    table["key"] = keys
    texts = table.reindex(columns=[*KEY_COLUMNS]).astype(object).fillna("").astype(str)
    return texts.join(table.drop(columns=[*KEY_COLUMNS], errors="ignore"))


def _sort_places(table: pd.DataFrame, source: RecordSource) -> pd.DataFrame:
    """Return the rows in the order of groups and of the list of units, merged units last."""
    orders = {"group": [*list_groups(source.survey.wave)], "unit": [*source.survey.units["code"]]}
    places = pd.DataFrame(
        {
            name: table[name].map({code: place for place, code in enumerate(codes)})
            for name, codes in orders.items()
            if name in table
        },
        table.index,
    )
    if len(places.columns):
        table = table.loc[places.sort_values([*places], kind="stable").index]
    return table.reset_index(drop=True)


def _find_wholes(table: pd.DataFrame) -> "pd.Series[str]":
    """Return the key of the whole of each row: of a unit its group, else the top."""
    wholes = pd.Series(ALL, table.index).mask(table["domain"] == ALL, "")
    return wholes.mask(table["domain"] == "unit", "group:" + table["group"])
