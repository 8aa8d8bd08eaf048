"""Lay out the totals that means, totals, ratios and shares of some variables need.

Which columns a block must hold follows from what is known of each variable: who answered, its
middle, whether its squares are wanted. Nothing here reads more than the named columns of a frame.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.totals import Columns
from sipas_analysis.infer.totals_from_files import Facts

Key = tuple[str, str | None]
ALL = "answered"


@dataclass(frozen=True)
class ColumnSpec:
    """What to make of a frame: values by (variable, answer), who answered, and products."""

    values: tuple[Key, ...]
    centre: Mapping[str, float]
    answered: Mapping[str, str]
    crossed: tuple[tuple[Key, Key], ...]
    joint: bool

    @property
    def groups(self) -> list[str]:
        """Names of the sets of forms that answered."""
        return sorted({*self.answered.values()})


class Layout:
    """Where the totals of each variable stand in a block.

    A variable is totalled as y − c, c a number in its middle, so that second moments of large
    numbers with small spread lose nothing; a text one as 0/1 for each of its answers.
    """

    def __init__(self, names: Sequence[str], known: Facts, *, pair: bool = False) -> None:
        """Lay out each variable, who answered it, and squares for the design effect."""
        own = list(dict.fromkeys(names))
        values = tuple((name, it) for name in own for it in known.levels.get(name, (None,)))
        each = {name: f"{name} answered" if known.blanks[name] else ALL for name in own}
        if pair:
            first: Key = (names[0], None)
            second: Key = (names[1], None)
            crossed = tuple(dict.fromkeys([(first, first), (first, second), (second, second)]))
        else:
            crossed = tuple((key, key) for key in values if not _is_binary(known, *key))
        centre = {name: _choose_centre(*known.range[name], whole=known.whole[name]) for name in own}
        answered = dict.fromkeys(own, ALL) if pair else each
        self.known, self.names = known, own
        self.plan = ColumnSpec(values, centre, answered, crossed, pair)
        self.place = {key: at for at, key in enumerate(values)}
        self.who_at = {it: len(values) + at for at, it in enumerate(self.plan.groups)}
        self.width = len(values) + len(self.who_at)
        self.square_at = {both: self.width + at for at, both in enumerate(crossed)}

    def columns(self) -> Columns:
        """Return what to total."""
        plan, known = self.plan, self.known
        largest = {key: self._largest(*key) for key in plan.values}
        whole = {key: key[1] is not None or known.whole[key[0]] for key in plan.values}
        ones = len(plan.groups)
        return Columns(
            tuple(str(it) for it in (*plan.values, *plan.groups, *plan.crossed)),
            partial(_make_columns, plan=plan),
            np.array(
                [
                    *largest.values(),
                    *[1.0] * ones,
                    *(largest[a] * largest[b] for a, b in plan.crossed),
                ]
            ),
            [*whole.values(), *[True] * ones, *(whole[a] and whole[b] for a, b in plan.crossed)],
            tuple(plan.groups),
            partial(_mark_answered, plan=plan),
            len(plan.crossed),
            tuple(self.names),
        )

    def top(self, name: str, answer: str | None = None) -> Floats:
        """Return the slope of Σ w y by the columns that vary, shape (1, p)."""
        found = self.who(name) * (self.plan.centre[name] if answer is None else 0.0)
        found[0, self.place[name, answer]] = 1.0
        return found

    def who(self, name: str) -> Floats:
        """Return the slope of Σ w v by the columns that vary, shape (1, p)."""
        found = np.zeros((1, self.width))
        found[0, self.who_at[self.plan.answered[name]]] = 1.0
        return found

    def spread(self, total: Floats, a: str, b: str, slope: Floats | None) -> Floats:
        """Return the weighted variance of a, or of a − slope · b, in each domain, shape (D,)."""
        size = (total[:, : self.width] @ self.who(a).T)[:, 0]
        first = total[:, self.place[a, None]]
        if slope is None:
            return np.asarray(self._square(total, a, a) / size - (first / size) ** 2)
        second = total[:, self.place[b, None]]
        square = self._square(total, a, a) - 2 * slope * self._square(total, a, b)
        square = square + slope**2 * self._square(total, b, b)
        return np.asarray(square / size - ((first - slope * second) / size) ** 2)

    def _square(self, total: Floats, a: str, b: str) -> Floats:
        pair: tuple[Key, Key] = ((a, None), (b, None))
        return total[:, self.square_at[pair] if pair in self.square_at else self.place[a, None]]

    def _largest(self, name: str, answer: str | None) -> float:
        low, high = self.known.range[name]
        if answer is not None or np.isnan(low):
            return 1.0
        return max(abs(low - self.plan.centre[name]), abs(high - self.plan.centre[name]))


def _is_binary(known: Facts, name: str, answer: str | None) -> bool:
    """Say whether a value is 0 or 1, so that its square is itself."""
    low, high = known.range[name]
    return answer is not None or (low >= 0 and high <= 1 and known.whole[name])


def _choose_centre(low: float, high: float, *, whole: bool) -> float:
    """Return a number in the middle of a range that lies far from 0, else 0."""
    middle = (low + high) / 2
    if np.isnan(middle) or abs(middle) <= 2 * (high - low) or high <= 1:
        return 0.0
    return float(np.floor(middle)) if whole else float(middle)


def _make_columns(frame: pd.DataFrame, plan: ColumnSpec) -> Iterator[Floats]:
    """Make the columns of a plan for some forms, one by one."""
    whose = _find_answered(frame, plan)
    found: dict[Key, Floats] = {}
    for key in plan.values:
        name, answer = key
        here = whose[plan.answered[name]]
        if answer is not None:
            found[key] = np.asarray(frame[name].astype(str) == answer, dtype=np.float64)
        else:
            x = frame[name].to_numpy(dtype=float, na_value=np.nan)
            x = x - plan.centre[name] if plan.centre[name] else x
            found[key] = x if here is None else np.where(here, x, 0.0)
        yield found[key]
    yield from _mark_answered(frame, plan)
    yield from (found[a] * found[b] for a, b in plan.crossed)


def _find_answered(frame: pd.DataFrame, plan: ColumnSpec) -> dict[str, NDArray[np.bool_] | None]:
    """Return who answered each variable; None where all did."""
    if plan.joint:
        both = np.asarray(frame[list(plan.answered)].notna().all(axis=1), dtype=np.bool_)
        return {ALL: None if both.all() else both}
    own = {it: frame[name].notna().to_numpy() for name, it in plan.answered.items() if it != ALL}
    return {ALL: None, **own}


def _mark_answered(frame: pd.DataFrame, plan: ColumnSpec) -> list[Floats]:
    """Return who answered, as 0 and 1, for each set of the plan."""
    whose, ones = _find_answered(frame, plan), np.ones(len(frame))
    found = [whose[it] for it in plan.groups]
    return [ones if it is None else it.astype(np.float64) for it in found]
