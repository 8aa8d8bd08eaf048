"""Lay out the totals that means, totals, ratios and shares of some variables need.

The columns of a block depend on the facts of each variable: who answered, the middle of its range,
whether its squares are needed. Only the named columns of a frame are read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.infer.design import Floats
from sipas_analysis.infer.sample_facts import Answer, SampleFacts, VariableFacts
from sipas_analysis.infer.totals import Columns

Key = tuple[str, Answer | None]  # a variable, and one of its answers if it has answers
ALL_FORMS = "answered"


@dataclass(frozen=True)
class ColumnSpec:
    """Which columns to make of a frame.

    Attributes:
        keys: Variables, text ones once for each answer.
        centre: Number subtracted from each variable before totalling.
        answered: Name of the set of forms that answered each variable.
        products: Pairs of keys whose products are totalled.
        joint: Whether a form counts only if it answered all variables.
        squares: Whether the products vary, too (else they are totals without an error).
    """

    keys: tuple[Key, ...]
    centre: Mapping[str, float]
    answered: Mapping[str, str]
    products: tuple[tuple[Key, Key], ...]
    joint: bool
    squares: bool = False

    @property
    def answer_sets(self) -> list[str]:
        """Names of the sets of forms that answered."""
        return sorted({*self.answered.values()})


class Layout:
    """The places of the totals of each variable in a block.

    A variable is totalled as y − c, with c in the middle of its range, so that second moments of
    large numbers with a small variance keep their precision. A variable with answers (text, codes)
    is totalled as 0/1 for each of them.
    """

    def __init__(
        self,
        names: Sequence[str],
        facts: SampleFacts,
        *,
        joint: bool = False,
        squares: bool = False,
    ) -> None:
        """Lay out each variable, who answered it, and squares for the design effect."""
        self.names = list(dict.fromkeys(names))
        self.variables = {name: facts.variables[name] for name in self.names}
        self.spec = self._specify_joint(squares) if joint else self._specify_each(squares)
        keys, sets = self.spec.keys, self.spec.answer_sets
        self.place = {key: at for at, key in enumerate(keys)}
        self.answered_place = {name: len(keys) + at for at, name in enumerate(sets)}
        self.width = len(keys) + len(sets)
        self.product_place = {pair: self.width + at for at, pair in enumerate(self.spec.products)}

    def _specify_each(self, squares: bool) -> ColumnSpec:
        """Specify the columns of variables that are estimated one by one."""
        keys = tuple(
            (name, answer)
            for name, facts in self.variables.items()
            for answer in ((None,) if facts.answers is None else facts.answers)
        )
        answered = {
            name: f"{name} answered" if facts.blanks else ALL_FORMS
            for name, facts in self.variables.items()
        }
        # The square of 0 or 1 is itself.
        products = tuple((key, key) for key in keys if not self._is_binary(*key))
        return ColumnSpec(keys, self._choose_centres(), answered, products, False, squares)

    def _specify_joint(self, squares: bool) -> ColumnSpec:
        """Specify the columns of variables of one figure: a ratio, covariances."""
        keys: tuple[Key, ...] = tuple((name, None) for name in self.names)
        products = tuple(combinations_with_replacement(keys, 2))
        answered = dict.fromkeys(self.names, ALL_FORMS)
        return ColumnSpec(keys, self._choose_centres(), answered, products, True, squares)

    def _choose_centres(self) -> dict[str, float]:
        return {name: _choose_centre(facts) for name, facts in self.variables.items()}

    def _is_binary(self, name: str, answer: Answer | None) -> bool:
        """Return whether a key has only the values 0 and 1."""
        facts = self.variables[name]
        return answer is not None or (facts.low >= 0 and facts.high <= 1 and facts.whole)

    def to_columns(self) -> Columns:
        """Return the columns to total."""
        spec, n_sets = self.spec, len(self.spec.answer_sets)
        largest = {key: self._find_largest(*key) for key in spec.keys}
        whole = {key: key[1] is not None or self.variables[key[0]].whole for key in spec.keys}
        largest_products = [largest[first] * largest[second] for first, second in spec.products]
        return Columns(
            names=tuple(map(str, (*spec.keys, *spec.answer_sets, *spec.products))),
            make=partial(_make_columns, spec=spec),
            largest=np.array([*largest.values(), *[1.0] * n_sets, *largest_products]),
            whole=[
                *whole.values(),
                *[True] * n_sets,
                *(whole[first] and whole[second] for first, second in spec.products),
            ],
            flags=tuple(spec.answer_sets),
            mark=partial(_mark_answered, spec=spec),
            n_fixed=0 if spec.squares else len(spec.products),
            reads=tuple(self.names),
            whole_sql=self._write_sql(),
        )

    def _write_sql(self) -> tuple[str, ...]:
        """Return the SQL of the columns of whole numbers of at least 0; none if some are not."""
        spec = self.spec
        are_plain = all(
            facts.whole and facts.low >= spec.centre[name] for name, facts in self.variables.items()
        )
        if spec.joint or not are_plain or any(answer is not None for _, answer in spec.keys):
            return ()
        columns: dict[Key, str] = {
            (name, None): f"coalesce(x{at} - {int(spec.centre[name])}, 0)"
            for at, name in enumerate(self.names)
        }
        answered = {
            name: f"(x{self.names.index(variable)} IS NOT NULL)::BIGINT"
            for variable, name in spec.answered.items()
        } | {ALL_FORMS: "1"}
        products = [f"{columns[first]} * {columns[second]}" for first, second in spec.products]
        sets = [answered[name] for name in spec.answer_sets]
        return (*(columns[key] for key in spec.keys), *sets, *products)

    def numerator_slope(self, name: str, answer: Answer | None = None) -> Floats:
        """Return the slope of Σ w y by the columns that vary, shape (1, p)."""
        slope = self.answered_slope(name) * (self.spec.centre[name] if answer is None else 0.0)
        slope[0, self.place[name, answer]] = 1.0
        return slope

    def answered_slope(self, name: str) -> Floats:
        """Return the slope of Σ w v by the columns that vary, shape (1, p)."""
        slope = np.zeros((1, self.width))
        slope[0, self.answered_place[self.spec.answered[name]]] = 1.0
        return slope

    def find_place(self, first: Key, second: Key) -> int:
        """Return the place of the total of products; the square of 0 and 1 is itself."""
        return self.product_place.get((first, second), self.place[first])

    def find_variance(self, total: Floats, key: Key) -> Floats:
        """Return the weighted variance of a variable in each domain, shape (D,)."""
        size = self._count_answered(total, key[0])
        mean = total[:, self.place[key]] / size
        return np.asarray(total[:, self.find_place(key, key)] / size - mean**2)

    def find_residual_variance(
        self, total: Floats, first: str, second: str, slope: Floats
    ) -> Floats:
        """Return the weighted variance of first − slope · second in each domain, shape (D,)."""
        size = self._count_answered(total, first)
        square = self._find_product(total, first, first)
        square = square - 2 * slope * self._find_product(total, first, second)
        square = square + slope**2 * self._find_product(total, second, second)
        residual = total[:, self.place[first, None]] - slope * total[:, self.place[second, None]]
        return np.asarray(square / size - (residual / size) ** 2)

    def _count_answered(self, total: Floats, name: str) -> Floats:
        return np.asarray((total[:, : self.width] @ self.answered_slope(name).T)[:, 0])

    def _find_product(self, total: Floats, first: str, second: str) -> Floats:
        return np.asarray(total[:, self.find_place((first, None), (second, None))])

    def _find_largest(self, name: str, answer: Answer | None) -> float:
        facts, centre = self.variables[name], self.spec.centre[name]
        if answer is not None or np.isnan(facts.low):
            return 1.0
        return max(abs(facts.low - centre), abs(facts.high - centre))


def _choose_centre(facts: VariableFacts) -> float:
    """Return a number in the middle of a range that is far from 0, else 0."""
    middle = (facts.low + facts.high) / 2
    if np.isnan(middle) or abs(middle) <= 2 * (facts.high - facts.low) or facts.high <= 1:
        return 0.0
    return float(np.floor(middle)) if facts.whole else float(middle)


def _make_columns(frame: pd.DataFrame, spec: ColumnSpec) -> Iterator[Floats]:
    """Make the columns of a specification for some forms, one by one."""
    answered = _find_answered(frame, spec)
    columns: dict[Key, Floats] = {}
    for name, answer in spec.keys:
        if isinstance(answer, str):
            column = np.asarray(frame[name].astype(str) == answer, dtype=np.float64)
        elif answer is not None:
            numbers = frame[name].to_numpy(dtype=float, na_value=np.nan)
            column = np.asarray(numbers == answer, dtype=np.float64)
        else:
            column = frame[name].to_numpy(dtype=float, na_value=np.nan)
            column = column - spec.centre[name] if spec.centre[name] else column
            has_answer = answered[spec.answered[name]]
            column = column if has_answer is None else np.where(has_answer, column, 0.0)
        columns[name, answer] = column
        yield column
    yield from _mark_answered(frame, spec)
    yield from (columns[first] * columns[second] for first, second in spec.products)


def _find_answered(frame: pd.DataFrame, spec: ColumnSpec) -> dict[str, NDArray[np.bool_] | None]:
    """Return which forms are in each set; None where all forms are."""
    if spec.joint:
        answered_all = np.asarray(frame[list(spec.answered)].notna().all(axis=1), dtype=np.bool_)
        return {ALL_FORMS: None if answered_all.all() else answered_all}
    answered = {
        set_name: frame[name].notna().to_numpy()
        for name, set_name in spec.answered.items()
        if set_name != ALL_FORMS
    }
    return {ALL_FORMS: None, **answered}


def _mark_answered(frame: pd.DataFrame, spec: ColumnSpec) -> list[Floats]:
    """Return who answered, as 0 and 1, for each set of the specification."""
    answered, ones = _find_answered(frame, spec), np.ones(len(frame))
    sets = [answered[name] for name in spec.answer_sets]
    return [ones if forms is None else forms.astype(np.float64) for forms in sets]
