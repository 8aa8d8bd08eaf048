"""Earlier editions of a wave: what a reader of two editions could compute (rule P4).

Two editions on nearly the same forms differ by the answers of those few people. A figure that one
of them hides and the other shows gives a reader two sets of sums. Neither can be seen in one
edition alone, so the receipt of each earlier edition is read before a new one is published. This
only warns: whether the earlier edition was given out is known to the office alone.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import ConfigError, Place
from sipas_analysis.instrument.pack import OVERALL

RECEIPT = "receipt.json"
EDITIONS = "state/editions"  # receipts of an output folder that later ones replaced
COUNTED = ("scores", "respondents", "people", "incidents", "records")  # parts of ``Figures.by_id``
TOLERANCE = 1e-8  # a receipt has ten significant digits
LEFT = 1e-4  # what sums of such numbers may differ by
FEW, SHOWN, UNITS = "few", "shown", "units"


@dataclass(frozen=True, eq=False)
class Edition:
    """The figures of an earlier edition, as its receipt has them.

    Attributes:
        path: The receipt.
        wave: Id of the wave.
        code: The hash of the receipt, as the minutes may have it.
        figures: The figures, with the id as index; NaN where hidden.
    """

    path: Path
    wave: str
    code: str
    figures: pd.DataFrame


def read_editions(wave: Wave, folder: Path | None = None) -> list[Edition]:
    """Read the receipts that a wave names under ``editions:``, and those of an output folder.

    A receipt of the folder counts if it is of this wave and can be read.

    Raises:
        ConfigError: A receipt that the wave names cannot be read.
    """
    editions = {}
    for name in wave.editions:
        try:
            editions[name] = _read_receipt(wave.path_of(name))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            places = [Place(wave.path.name)]
            raise ConfigError("edition_unread", places, ("editions",), name=name) from error
    paths = [folder / RECEIPT, *sorted((folder / EDITIONS).glob("*.json"))] if folder else []
    for path in paths:
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            edition = _read_receipt(path)
            if edition.wave == wave.id:
                editions.setdefault(edition.code, edition)
    return [*{edition.code: edition for edition in editions.values()}.values()]


def _read_receipt(path: Path) -> Edition:
    facts = json.loads(path.read_text("utf-8"))
    figures = pd.DataFrame.from_records(facts["figures"])
    return Edition(path, str(facts["wave"]["id"]), str(facts["sha256"]), _index_figures(figures))


def _index_figures(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the numbers of figures by id; ``base`` is that of the percentage."""
    table = figures.drop_duplicates("id").set_index("id")
    answers = [name for name in table if str(name).startswith("answer_")]
    numbers = table.reindex(columns=["n", "n_valid", "denominator", "numerator", "value", *answers])
    parts = {name: pd.to_numeric(numbers[name], errors="coerce") for name in numbers}
    parts["base"] = parts["n_valid"].fillna(parts.pop("denominator"))
    return pd.DataFrame(parts, dtype=float)


def compare_editions(
    edition: Edition,
    figures: pd.DataFrame,
    min_cell: int,
    groups: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return why two editions together tell more than each alone, by the id of a figure.

    ``few``: the figure differs, and its base by fewer than ``min_cell`` people (if the base is the
    same, its numerator): what was counted for these people follows. So does what is left of a
    total without its shown parts. ``shown``: one edition hides what the other shows. ``units``: a
    unit was renamed, merged or moved to another group while figures of units are hidden: the totals
    of both editions are of other units, and their difference may be a hidden one.

    Args:
        edition: The earlier edition.
        figures: The figures of this edition: ``id`` and the columns of ``figures.csv``.
        min_cell: Fewest people behind a published figure (P2).
        groups: The group of each unit.

    Source: rule P4 in docs/method.md.
    """
    latest = _index_figures(figures)
    ids = latest.index.intersection(edition.figures.index, sort=False)
    columns = latest.columns.union(edition.figures.columns, sort=False)
    before, now = (table.loc[ids].reindex(columns=columns) for table in (edition.figures, latest))
    hidden_before, hidden_now = (_is_hidden(table).to_numpy() for table in (before, now))
    change = (now - before).abs().fillna(0.0)
    change = change.mask(change <= TOLERANCE * now.abs(), 0.0)
    people = change[["n", "base"]].where(change[["n", "base"]] > 0).min(axis=1)
    n_apart = people.fillna(change["numerator"]).to_numpy()
    is_few = (change > 0).any(axis=1).to_numpy() & (n_apart < min_cell)
    is_few &= ~(hidden_before | hidden_now)
    kinds = np.select([is_few, hidden_before != hidden_now], [FEW, SHOWN], "")
    found = {str(name): str(kind) for name, kind in zip(ids, kinds, strict=True) if kind}
    is_shown = ~(hidden_before | hidden_now)
    left = _find_few_left((now - before)[is_shown], min_cell, groups)
    units = _find_other_units(edition.figures, latest)
    return dict.fromkeys(units, UNITS) | dict.fromkeys(left, FEW) | found


def _is_hidden(table: pd.DataFrame) -> "pd.Series[bool]":
    return table["value"].isna() & (table["n_valid"] != 0)


def _split_ids(ids: pd.Index) -> pd.DataFrame:
    """Return variable, unit and group of the figures of the index, by id; not those by label."""
    names = [str(name).partition("@")[::2] for name in ids]
    parts = pd.DataFrame(names, ids, columns=["variable", "unit"], dtype=str).assign(group="")
    is_group = parts["unit"].str.startswith("group:")
    parts["group"] = parts["unit"].where(is_group, "").str.removeprefix("group:")
    parts["unit"] = parts["unit"].mask(is_group, "")
    is_index = ~(parts["variable"].str.contains(":") | parts["unit"].str.contains("="))
    return parts[is_index]


def _find_few_left(change: pd.DataFrame, min_cell: int, groups: Mapping[str, str]) -> Iterator[str]:
    """Yield shown totals that differ, without their shown parts, by fewer than ``min_cell``."""
    parts = _split_ids(change.index)
    parts = parts.join(change[["base", "numerator"]].fillna(0.0))
    names = zip(parts["unit"], parts["group"], strict=True)
    parts["of"] = [groups.get(unit, group) for unit, group in names]
    for _, rows in parts.groupby("variable", sort=False):
        is_unit, is_group = rows["unit"] != "", rows["group"] != ""
        for name in rows.index[~is_unit]:
            group = rows.loc[name, "group"]
            splits = [is_unit & ((rows["of"] == group) | (group == ""))]
            if not group:
                splits += [is_group | (is_unit & ~rows["of"].isin(rows["group"]))]
            for is_part in splits:
                numbers = rows[["base", "numerator"]]
                base, numerator = (numbers.loc[name] - numbers[is_part].sum()).abs()
                left = base if base > LEFT else numerator
                if LEFT < left < min_cell:
                    yield str(name)


def _find_other_units(before: pd.DataFrame, now: pd.DataFrame) -> Iterator[str]:
    """Yield figures of units that one edition alone has, and of groups that gained or lost units.

    Nothing if no figure of a unit is hidden, or if the people of such units are new in the whole.
    """
    tables = {True: before, False: now}
    parts = {side: _split_ids(table.index) for side, table in tables.items()}
    units = {side: {*names["unit"]} for side, names in parts.items()}
    hidden = [_is_hidden(tables[side])[names.index] for side, names in parts.items()]
    if not any(table[table.index.str.contains("@(?!group:)")].any() for table in hidden):
        return
    change = now["base"].sub(before["base"]).get(OVERALL, np.nan)
    for side, table in tables.items():
        ids = [f"{OVERALL}@{unit}" for unit in sorted(units[side] - units[not side])]
        bases = table["base"].reindex(ids).sum(skipna=False)
        if ids and not abs(change - (-bases if side else bases)) < 1:
            yield from ids
    names = pd.concat(list(parts.values()))
    groups = names[(names["group"] != "") & ~names.index.duplicated()]
    first, last = (  # 0: a group of one edition alone
        table["base"].reindex(groups.index).where(groups.index.isin(table.index), 0.0)
        for table in tables.values()
    )
    moved = last - first
    for _, changes in moved.groupby(groups["variable"]):
        if (changes > 0).any() and (changes < 0).any():
            yield from map(str, changes.index[changes.abs() > 0])
