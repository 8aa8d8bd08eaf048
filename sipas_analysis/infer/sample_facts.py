"""Learn what counting needs to know of a sample first: size, weights, range of each variable.

Whole totals are counted in steps that depend on the whole sample (rule V9), so a first pass
reads these facts, from a frame or from files. Facts of parts can be added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.errors import DesignError
from sipas_analysis.infer.design import Design, check_columns, check_weights
from sipas_analysis.infer.exact_sums import WeightRounding, weight_scale
from sipas_analysis.infer.form_files import (
    FormFile,
    check_kinds,
    drop_paths,
    list_files,
    map_files,
    quote_name,
)


@dataclass(frozen=True)
class VariableFacts:
    """The facts of one variable that totalling needs; facts of parts can be added.

    Attributes:
        low: Least value; NaN if the variable is text or always blank.
        high: Largest value; NaN likewise.
        whole: Whether there are whole numbers only.
        blanks: Blank values.
        answers: Sorted distinct values of a text variable; None for numbers.
    """

    low: float
    high: float
    whole: bool
    blanks: int
    answers: tuple[str, ...] | None = None

    def __add__(self, other: "VariableFacts") -> "VariableFacts":
        low, high = float(np.fmin(self.low, other.low)), float(np.fmax(self.high, other.high))
        answers = self.answers
        if answers is not None:
            answers = tuple(sorted({*answers, *(other.answers or ())}))
        whole = self.whole and other.whole
        return VariableFacts(low, high, whole, self.blanks + other.blanks, answers)


@dataclass(frozen=True)
class SampleFacts:
    """The facts of a whole sample that counting needs; facts of parts can be added.

    Attributes:
        n: Forms.
        least_weight: Least weight above 0.
        largest_weight: Largest weight.
        whole_weights: Whether all weights are whole numbers.
        variables: Facts of each variable, by name.
        has_zeros: Whether some weights are 0.
    """

    n: int
    least_weight: float
    largest_weight: float
    whole_weights: bool
    variables: Mapping[str, VariableFacts]
    has_zeros: bool = False

    @property
    def scale(self) -> WeightRounding:
        """How weights are rounded."""
        least, largest, whole = self.least_weight, self.largest_weight, self.whole_weights
        return weight_scale(self.n, least, largest, whole, has_zeros=self.has_zeros)

    def __add__(self, other: "SampleFacts") -> "SampleFacts":
        return SampleFacts(
            self.n + other.n,
            min(self.least_weight, other.least_weight),
            max(self.largest_weight, other.largest_weight),
            self.whole_weights and other.whole_weights,
            {name: facts + other.variables[name] for name, facts in self.variables.items()},
            self.has_zeros or other.has_zeros,
        )


def read_facts(design: Design, variables: Sequence[str] = ()) -> SampleFacts:
    """Read the facts of a whole sample: size, weights, range of each variable.

    Raises:
        DesignError: A column is missing or a weight is invalid; all files are checked.
    """
    if not design.on_files:
        return _read_facts_of_frame(design.frame, design, variables)
    paths = list_files(design)
    check_kinds(design, paths, [*design.cell_columns, *variables])
    job = partial(_read_facts_of_file, design=drop_paths(design), variables=tuple(variables))
    return reduce(SampleFacts.__add__, map_files(design, job, paths))


def _read_facts_of_file(file: FormFile, design: Design, variables: Sequence[str]) -> SampleFacts:
    """Return the facts of one file, read by DuckDB."""
    types = file.read_types()
    check_columns(design.design_columns, types)
    check_columns(variables, types)
    n = int(file.select_rows("count(*)")[0][0])
    facts = {name: _read_variable(file, name, types[name]) for name in variables}
    if design.weights and types[design.weights].startswith("VARCHAR"):
        raise DesignError("design_weight_text", column=design.weights)
    least, largest, whole, has_zeros = 1.0, 1.0, True, False
    if design.weights and n:
        least, largest, whole, has_zeros = _read_weights(file, design, design.weights)
    return SampleFacts(n, least, largest, whole, facts, has_zeros)


def _read_variable(file: FormFile, name: str, sql_type: str) -> VariableFacts:
    """Return the facts of one variable, read by DuckDB."""
    column = quote_name(name)
    if sql_type in ("FLOAT", "DOUBLE"):  # a NaN in a file is a blank
        column = f"(CASE WHEN isnan({column}) THEN NULL ELSE {column} END)"
    n_blank = f"count(*) - count({column})"
    if sql_type.startswith(("VARCHAR", "ENUM")):
        blanks, answers = file.select_rows(f"{n_blank}, list(DISTINCT {column}::VARCHAR)")[0]
        known_answers = sorted(answer for answer in answers or () if answer is not None)
        return VariableFacts(np.nan, np.nan, True, blanks, tuple(known_answers))
    number = f"CASE WHEN {column} THEN 1 WHEN NOT {column} THEN 0 END"
    number = number if sql_type == "BOOLEAN" else column
    blanks, low, high, whole = file.select_rows(f"{n_blank}, {_select_range(number)}")[0]
    if low is None:
        low, high = np.nan, np.nan
    _check_finite(name, (low, high))
    return VariableFacts(float(low), float(high), whole is not False, blanks)


def _select_range(number: str) -> str:
    """Return the SQL of the least and largest number, and whether all numbers are whole."""
    return (
        f"min(({number})::DOUBLE), max(({number})::DOUBLE), "
        f"bool_and(({number})::DOUBLE = floor(({number})::DOUBLE))"
    )


def _read_weights(file: FormFile, design: Design, weights: str) -> tuple[float, float, bool, bool]:
    """Return the least and largest weight above 0, whether all are whole, whether some are 0."""
    weight = quote_name(weights)
    is_right = f"coalesce(isfinite({weight}::DOUBLE) AND {weight} >= 0, false)"
    wrong = file.select_rows(f"{weight}::DOUBLE", f"WHERE NOT {is_right} LIMIT 1")
    if wrong:
        wrong_weight = np.nan if wrong[0][0] is None else wrong[0][0]
        check_weights(design, pd.DataFrame({weights: [wrong_weight]}), Path(file.path).name)
    above_zero = f"nullif({weight}::DOUBLE, 0)"
    low, high, whole, n_zero = file.select_rows(
        f"{_select_range(above_zero)}, count(*) - count({above_zero})"
    )[0]
    if low is None:
        return np.inf, 0.0, True, True
    return float(low), float(high), bool(whole), n_zero > 0


def _read_facts_of_frame(
    frame: pd.DataFrame, design: Design, variables: Sequence[str]
) -> SampleFacts:
    """Return the facts of a frame."""
    check_columns(variables, frame.columns)
    weight = design.weight
    whole = bool((weight == np.floor(weight)).all())
    positive = weight[weight > 0]
    least, largest = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
    inside = frame if design.domain is None else frame.loc[design.domain, list(variables)]
    facts = {name: _find_facts(name, inside[name]) for name in variables}
    return SampleFacts(len(frame), least, largest, whole, facts, len(positive) < len(weight))


def _find_facts(name: str, column: "pd.Series[Any]") -> VariableFacts:
    """Return the facts of a column of a frame."""
    plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub"
    blanks = 0 if plain else int(column.isna().sum())
    if not _is_number(column):
        answers = tuple(sorted({*column.dropna().astype(str)}))
        return VariableFacts(np.nan, np.nan, True, blanks, answers)
    if blanks == len(column):
        return VariableFacts(np.nan, np.nan, True, blanks)
    values = column.to_numpy() if plain else column.dropna().to_numpy(dtype=float)
    low, high = float(values.min()), float(values.max())
    _check_finite(name, (low, high))
    return VariableFacts(low, high, bool(plain or not (values % 1).any()), blanks)


def _is_number(column: "pd.Series[Any]") -> bool:
    """Return whether a column has numbers or yes/no, also as objects with blanks between."""
    if pd.api.types.is_numeric_dtype(column):
        return not pd.api.types.is_complex_dtype(column)
    numbers = ("boolean", "integer", "floating", "decimal", "mixed-integer-float", "empty")
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in numbers


def _check_finite(name: str, ends: Sequence[float]) -> None:
    """Refuse a variable whose least or largest value is infinite."""
    infinite = np.flatnonzero(np.isinf(ends))
    if infinite.size:
        raise DesignError("design_infinite", column=name, row=int(infinite[0]) + 1)
