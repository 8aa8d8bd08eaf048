"""Learn what counting needs to know of a sample first: size, weights, range of each variable.

Whole totals are counted in steps that depend on the whole sample (rule V9), so a first pass
reads these facts, from a frame or from files. Facts of parts can be added.
"""

from collections.abc import Iterable, Mapping, Sequence
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

Answer = str | int  # a text, or a whole code
MOST_CODES = 20
MOST_RANGE = 1000  # of whole numbers that are looked through for codes
DATES = ("datetime64", "datetime", "date", "time", "timedelta64", "timedelta", "period")


@dataclass(frozen=True)
class VariableFacts:
    """The facts of one variable that totalling needs; facts of parts can be added.

    Attributes:
        low: Least value; NaN if the variable is text or always blank.
        high: Largest value; NaN likewise.
        whole: Whether there are whole numbers only.
        blanks: Blank values.
        answers: Distinct values of a text variable, sorted or in the order of its categories
            (of which some may be nobody's answer); None for numbers.
        codes: Sorted distinct values of whole numbers, if there are few.
        is_dates: Whether the answers are dates or times.
        is_categorical: Whether the column is a pandas categorical.
    """

    low: float
    high: float
    whole: bool
    blanks: int
    answers: tuple[Answer, ...] | None = None
    codes: tuple[int, ...] | None = None
    is_dates: bool = False
    is_categorical: bool = False

    def __add__(self, other: "VariableFacts") -> "VariableFacts":
        low, high = float(np.fmin(self.low, other.low)), float(np.fmax(self.high, other.high))
        answers = self.answers
        if answers is not None and answers != other.answers:
            answers = tuple(sorted({*answers, *(other.answers or ())}, key=str))
        codes = {*(self.codes or ()), *(other.codes or ())}
        has_codes = None not in (self.codes, other.codes) and len(codes) <= MOST_CODES
        return VariableFacts(
            low,
            high,
            self.whole and other.whole,
            self.blanks + other.blanks,
            answers,
            tuple(sorted(codes)) if has_codes else None,
            self.is_dates,
            self.is_categorical,
        )


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


def check_numbers(
    name: str, facts: VariableFacts, n: int, *, allow_text: bool = False, text: str = ""
) -> None:
    """Refuse dates, and numbers that are written as text; other text, too, unless it is allowed.

    Args:
        name: The variable, of which some of the ``n`` forms have an answer.
        facts: Its facts.
        n: Forms.
        allow_text: Whether text and categories are answers, each with its share or number.
        text: Message id for any text; those of means if none.
    """
    if facts.answers is None or facts.blanks >= n:
        return
    values = ", ".join(map(str, facts.answers[:4]))
    texts = pd.Series(facts.answers).astype(str).str.replace(",", ".")
    are_digits = pd.to_numeric(texts, errors="coerce").notna().all() and not facts.is_categorical
    if facts.is_dates or are_digits or not allow_text:
        kind = "days" if facts.is_dates else "digits" if are_digits else "text"
        message = text if text and kind != "days" else f"mean_{kind}"
        raise DesignError(message, column=name, values=values)


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
    is_dates = sql_type.startswith(("DATE", "TIME", "INTERVAL"))
    if is_dates or sql_type.startswith(("VARCHAR", "ENUM")):
        blanks, answers = file.select_rows(f"{n_blank}, list(DISTINCT {column}::VARCHAR)")[0]
        known_answers = sorted(answer for answer in answers or () if answer is not None)
        return VariableFacts(np.nan, np.nan, True, blanks, tuple(known_answers), is_dates=is_dates)
    number = f"CASE WHEN {column} THEN 1 WHEN NOT {column} THEN 0 END"
    number = number if sql_type == "BOOLEAN" else column
    blanks, low, high, whole = file.select_rows(f"{n_blank}, {_select_range(number)}")[0]
    if low is None:
        low, high = np.nan, np.nan
    _check_finite(name, (low, high))
    codes = None
    if whole and high - low < MOST_RANGE:
        listed = file.select_rows(f"list(DISTINCT ({number})::DOUBLE)")[0][0]
        codes = _list_codes([code for code in listed if code is not None])
    codes = () if np.isnan(low) else codes
    return VariableFacts(float(low), float(high), whole is not False, blanks, codes=codes)


def _list_codes(values: Iterable[float]) -> tuple[int, ...] | None:
    """Return distinct whole numbers in their order, if there are few."""
    codes = tuple(sorted(int(value) for value in values))
    return codes if len(codes) <= MOST_CODES else None


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
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = tuple(map(str, column.dtype.categories))
        return VariableFacts(np.nan, np.nan, True, blanks, categories, is_categorical=True)
    if not _is_number(column):
        answers = tuple(sorted({*column.dropna().astype(str)}))
        is_dates = pd.api.types.infer_dtype(column, skipna=True) in DATES
        return VariableFacts(np.nan, np.nan, True, blanks, answers, is_dates=is_dates)
    if blanks == len(column):
        return VariableFacts(np.nan, np.nan, True, blanks, codes=())
    values = column.to_numpy() if plain else column.dropna().to_numpy(dtype=float)
    low, high = float(values.min()), float(values.max())
    _check_finite(name, (low, high))
    whole = bool(plain or not (values % 1).any())
    codes = _list_codes(pd.unique(values)) if whole and high - low < MOST_RANGE else None
    return VariableFacts(low, high, whole, blanks, codes=codes)


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
