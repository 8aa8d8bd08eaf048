"""The players of a Shapley value: drivers, or groups of drivers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_name, check_word, list_known, list_names
from sipas_analysis.errors import FitError
from sipas_analysis.explain.likelihoods import Family
from sipas_analysis.explain.shapley import MOST_PLAYERS
from sipas_analysis.infer.design import Ints

Method = Literal["lmg", "owen", "johnson"]
Groups = Mapping[str, Sequence[str]] | Mapping[str, str]


@dataclass(frozen=True)
class SharingRequest:
    """A request to divide R²; ``groups`` are lists of drivers by name, or empty.

    ``refit`` divides again under each replicate weight.
    """

    outcome: str
    drivers: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    method: Method
    family: Family
    errors: bool
    refit: bool = False

    @property
    def players(self) -> Mapping[str, tuple[str, ...]]:
        """Drivers of each player, by name: groups that join as a whole, or single drivers."""
        if self.method == "lmg" and self.groups:
            return self.groups
        return {driver: (driver,) for driver in self.drivers}

    def list_players(self, columns: Mapping[str, list[int]]) -> list[list[list[int]]]:
        """Return the columns of each player, by group; one group without Owen's nesting."""
        if self.method == "owen":
            return [[columns[driver] for driver in names] for names in self.groups.values()]
        players = self.players.values()
        return [[[column for name in names for column in columns[name]] for names in players]]

    def order_players(self) -> Ints:
        """Return the position of each row's value; Owen values are ordered group by group."""
        if self.method != "owen":
            return np.arange(len(self.players))
        by_group = [driver for names in self.groups.values() for driver in names]
        return np.array([by_group.index(driver) for driver in self.drivers])

    def list_groups(self) -> list[str]:
        """Return the group of each player; empty text without groups."""
        group_of = {driver: name for name, names in self.groups.items() for driver in names}
        return [group_of.get(name, name if self.groups else "") for name in self.players]


def group_drivers(
    drivers: Sequence[str] | str, groups: Groups | None
) -> dict[str, tuple[str, ...]]:
    """Return the drivers of each group, from groups by driver or drivers by group."""
    drivers = list_names(drivers, "drivers")
    by_group: dict[str, list[str]] = {}
    for key, value in (groups or {}).items():
        if isinstance(value, str):
            by_group.setdefault(value, []).append(key)
        else:
            by_group.setdefault(key, []).extend(value)
    grouped = [driver for names in by_group.values() for driver in names]
    for name in (*drivers, *grouped) if groups else ():
        if grouped.count(name) != 1 or name not in drivers:
            raise FitError("importance_groups", name=name)
    return {
        group: tuple(driver for driver in drivers if driver in names)
        for group, names in by_group.items()
    }


def check_names(request: SharingRequest, frame: pd.DataFrame) -> None:
    """Refuse names that are unknown or repeated, and a method that does not fit."""
    check_name(request.outcome, "outcome")
    check_word(request.method, get_args(Method), "method", FitError)
    drivers = request.drivers
    for name in (request.outcome, *drivers):
        twice = drivers.count(name) > 1 or (request.outcome == name and name in drivers)
        if twice or name not in frame:
            raise FitError("importance_driver", name=name, known=list_known(name, frame.columns))
    if not drivers:
        raise FitError("importance_driver", name="–", known=list_known("", frame.columns))
    if request.method == "owen" and not request.groups:
        raise FitError("importance_groups", name=drivers[0])
    if request.method == "johnson":
        if request.family != "gaussian" or request.groups:
            raise FitError("importance_johnson")
        return
    sizes = [len(names) for names in request.groups.values()]
    n_players = len(request.players)
    if request.method == "owen":
        n_players = max(sizes) + len(sizes) - 1
    if n_players > MOST_PLAYERS:
        raise FitError("importance_many", found=n_players, most=MOST_PLAYERS)


def code_drivers(
    frame: pd.DataFrame, drivers: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """Return numeric columns of the drivers, and which belong to each; text has one per level."""
    parts, columns, width = [], {}, 0
    for name in drivers:
        answers = frame[name]
        if pd.api.types.is_numeric_dtype(answers.dtype):
            part = answers.astype(float).to_frame(name)
        else:
            part = pd.get_dummies(answers, drop_first=True).astype(float).mask(answers.isna())
            part.columns = pd.Index([f"{name}[{level}]" for level in part])
        columns[name] = list(range(width, width + part.shape[1]))
        width += part.shape[1]
        parts.append(part)
    return pd.concat(parts, axis=1), columns
