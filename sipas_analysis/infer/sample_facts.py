"""Learn what counting needs to know of a sample first: size, weights, range of each variable.

Whole totals are counted in steps that depend on the whole sample (rule V9), so a first pass
reads these facts, from a frame or from files. Facts of parts can be added.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
DATE_TYPES = ("DATE", "TIME", "INTERVAL")  # of DuckDB
TEXT_TYPES = (*DATE_TYPES, "VARCHAR", "ENUM")
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


def read_facts(
    design: Design, variables: Sequence[str] = (), *, with_codes: bool = False
) -> SampleFacts:
    """Read the facts of a whole sample: size, weights, range of each variable.

    ``with_codes`` also reads the distinct values of whole numbers in files; in a frame they are
    always listed.

    Raises:
        DesignError: A column is missing or a weight is invalid; all files are checked.
    """
    if not design.on_files:
        return _read_facts_of_frame(design.frame, design, variables)
    paths = list_files(design)
    check_kinds(design, paths, [*design.cell_columns, *variables])
    job = partial(
        _read_facts_of_file,
        design=drop_paths(design),
        variables=tuple(variables),
        with_codes=with_codes,
    )
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


def _read_facts_of_file(
    file: FormFile, design: Design, variables: Sequence[str], with_codes: bool
) -> SampleFacts:
    """Return the facts of one file, read by DuckDB.

    One query reads all numbers of CSV. Of Parquet, weights are read by another query: DuckDB then
    takes the ranges of whole numbers from the statistics in the file, without reading them.
    """
    types = file.read_types()
    check_columns(design.design_columns, types)
    check_columns(variables, types)
    if design.weights and types[design.weights].startswith("VARCHAR"):
        raise DesignError("design_weight_text", column=design.weights)
    texts = [name for name in variables if types[name].startswith(TEXT_TYPES)]
    numbers = [name for name in variables if name not in texts]
    weights = _select_weights(design.weights) if design.weights else ""
    parts = ["count(*)", *(_select_number(name, types[name]) for name in numbers)]
    if file.is_text or not weights:
        n, *found = file.select_rows(", ".join([*parts, *filter(None, [weights])]))[0]
    else:
        n, *found = [*file.select_rows(", ".join(parts))[0], *file.select_rows(weights)[0]]
    at = range(0, 4 * len(numbers), 4)
    ranges = {name: found[start : start + 4] for name, start in zip(numbers, at, strict=True)}
    facts = {name: _describe_number(name, *ranges[name]) for name in numbers}
    if with_codes:
        facts |= {name: _read_codes(file, name, types[name], facts[name]) for name in numbers}
    facts |= {name: _read_text(file, name, types[name]) for name in texts}
    facts = {name: facts[name] for name in variables}
    if not design.weights or not n:
        return SampleFacts(n, 1.0, 1.0, True, facts, False)
    n_wrong, low, high, whole, n_zero = found[4 * len(numbers) :]
    if n_wrong:
        _refuse_weight(file, design, design.weights)
    least, largest = (np.inf, 0.0) if low is None else (float(low), float(high))
    return SampleFacts(n, least, largest, low is None or bool(whole), facts, n_zero > 0)


def _read_text(file: FormFile, name: str, sql_type: str) -> VariableFacts:
    """Return the facts of texts or days, read by DuckDB."""
    column = quote_name(name)
    wanted = f"count(*) - count({column}), list(DISTINCT {column}::VARCHAR)"
    blanks, answers = file.select_rows(wanted)[0]
    known_answers = sorted(answer for answer in answers or () if answer is not None)
    is_dates = sql_type.startswith(DATE_TYPES)
    return VariableFacts(np.nan, np.nan, True, blanks, tuple(known_answers), is_dates=is_dates)


def _write_number(name: str, sql_type: str) -> str:
    """Return the SQL of a number or yes/no as a number; a NaN in a file is a blank."""
    column = quote_name(name)
    if sql_type == "BOOLEAN":
        return f"CASE WHEN {column} THEN 1 WHEN NOT {column} THEN 0 END"
    is_float = sql_type in ("FLOAT", "DOUBLE")
    return f"(CASE WHEN isnan({column}) THEN NULL ELSE {column} END)" if is_float else column


def _select_number(name: str, sql_type: str) -> str:
    """Return the SQL of blanks, least and largest number, and whether all numbers are whole."""
    number = _write_number(name, sql_type)
    if sql_type.endswith(("INT", "INTEGER")):
        return f"count(*) - count({number}), min({number}), max({number}), true"
    return f"count(*) - count({number}), {_select_range(number)}"


def _describe_number(
    name: str, blanks: int, low: float | None, high: float | None, whole: bool | None
) -> VariableFacts:
    """Return the facts of a variable from what its query found; ``codes`` of one that is blank."""
    if low is None or high is None:
        return VariableFacts(np.nan, np.nan, whole is not False, blanks, codes=())
    _check_finite(name, (low, high))
    return VariableFacts(float(low), float(high), whole is not False, blanks)


def _read_codes(file: FormFile, name: str, sql_type: str, facts: VariableFacts) -> VariableFacts:
    """Return the facts with the distinct values of whole numbers, if there are few."""
    if not facts.whole or not facts.high - facts.low < MOST_RANGE:
        return facts
    number = _write_number(name, sql_type)
    listed = file.select_rows(f"list(DISTINCT ({number})::DOUBLE)")[0][0]
    return replace(facts, codes=_list_codes([code for code in listed if code is not None]))


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


def _select_weights(weights: str) -> str:
    """Return the SQL of wrong weights, the range of those above 0, and the number of zeros."""
    weight = quote_name(weights)
    above_zero = f"nullif({weight}::DOUBLE, 0)"
    return (
        f"count(*) FILTER (NOT {_write_is_right(weight)}), {_select_range(above_zero)}, "
        f"count(*) - count({above_zero})"
    )


def _write_is_right(weight: str) -> str:
    return f"coalesce(isfinite({weight}::DOUBLE) AND {weight} >= 0, false)"


def _refuse_weight(file: FormFile, design: Design, weights: str) -> None:
    """Refuse the first wrong weight of a file."""
    weight = quote_name(weights)
    where = f"WHERE NOT {_write_is_right(weight)} LIMIT 1"
    ((wrong,),) = file.select_rows(f"{weight}::DOUBLE", where)
    wrong_weight = np.nan if wrong is None else wrong
    check_weights(design, pd.DataFrame({weights: [wrong_weight]}), Path(file.path).name)


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
