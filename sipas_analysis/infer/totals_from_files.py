"""Make the block of a sample from memory, from files, or from files on many machines.

Files are read piece by piece through DuckDB. With a Dask client each worker counts some files
and returns counts only. All three ways run the same ``count_forms`` and add whole numbers, so
their blocks are equal to the last bit (rules V8 and V9).
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from sipas_analysis.errors import DesignError, FileError
from sipas_analysis.infer.design import Design, check_columns, check_weights
from sipas_analysis.infer.replicates import add_replicates
from sipas_analysis.infer.totals import (
    Block,
    Columns,
    Sums,
    WeightRounding,
    add_sums,
    convert_sums,
    count_forms,
    weight_scale,
)
from sipas_analysis.infer.weighting import find_credit

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VECTORS = 64  # of 2,048 forms each, read at a time
SUMS_HELD = 8  # sums of so many pieces are added together, to limit the use of memory
KINDS = {"BOOLEAN": "yes/no", "VARCHAR": "text", "DATE": "days", "TIMESTAMP": "days"}
Result = TypeVar("Result")


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
        least_weight: Least weight.
        largest_weight: Largest weight.
        whole_weights: Whether all weights are whole numbers.
        variables: Facts of each variable, by name.
    """

    n: int
    least_weight: float
    largest_weight: float
    whole_weights: bool
    variables: Mapping[str, VariableFacts]

    @property
    def scale(self) -> WeightRounding:
        """How weights are rounded."""
        return weight_scale(self.n, self.least_weight, self.largest_weight, self.whole_weights)

    def __add__(self, other: "SampleFacts") -> "SampleFacts":
        return SampleFacts(
            self.n + other.n,
            min(self.least_weight, other.least_weight),
            max(self.largest_weight, other.largest_weight),
            self.whole_weights and other.whole_weights,
            {name: facts + other.variables[name] for name, facts in self.variables.items()},
        )


def read_facts(design: Design, variables: Sequence[str] = ()) -> SampleFacts:
    """Read the facts of a whole sample: size, weights, range of each variable.

    Raises:
        DesignError: A column is missing or a weight is invalid; all files are checked.
    """
    if not design.on_files:
        return _read_facts_of_frame(design.frame, design, variables)
    paths = list_files(design)
    _check_kinds(design, paths, [*design.cell_columns, *variables])
    job = partial(_read_facts_of_file, design=_drop_paths(design), variables=tuple(variables))
    return reduce(SampleFacts.__add__, _map_files(design, job, paths))


def build_block(
    design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding | None = None
) -> Block:
    """Reduce forms to totals by domain, in memory, from files or on workers.

    Args:
        design: The sample.
        by: Key columns; none makes one domain of all forms. A form with a blank key belongs to no
            domain but still counts in the sample.
        columns: Columns to total.
        scale: Rounding of the weights, if already known.

    Returns:
        The block; no domain if there is no form.

    Raises:
        DesignError: The sample contradicts its declaration.

    Source: rules V1, V8 and V9 in docs/method.md.

    Example:
        >>> frame = pd.DataFrame({"unit": ["a", "b", "a"], "s": [1.0, 1.0, 0.0]})
        >>> satisfied = Columns(("s",), lambda forms: [forms["s"]], np.ones(1), [True])
        >>> build_block(Design(frame), ["unit"], satisfied).total.ravel().tolist()
        [1.0, 1.0]
    """
    scale = scale or read_facts(design).scale
    if design.on_files:
        paths = list_files(design)
        _check_kinds(design, paths, by)
        job = partial(
            _count_pieces, design=_drop_paths(design), by=tuple(by), columns=columns, scale=scale
        )
        if design.workers is None:
            parts = _count_here(paths, job, scale.n)
        else:
            parts = _map_files(design, partial(_count_file, count_pieces=job), paths)
        return convert_sums(_add_as_read(parts), design, by, columns, scale)
    if by:
        _check_variables(by, design.frame.columns)
    sums = count_forms(design.frame, design, by, columns, scale)
    totals = convert_sums(sums, design, by, columns, scale)
    if design.calibration is not None:
        totals = replace(totals, credit=find_credit(totals, design, by, columns))
    return add_replicates(totals, design, by, columns) if design.declared_replicates else totals


def list_files(design: Design) -> list[str]:
    """Return the files of a design, in the order of their names.

    Raises:
        FileError: A name or pattern matches no file.
    """
    files: list[str] = []
    if not design.paths:
        raise FileError("glob_empty", file="", folder=".")
    for path in design.paths:
        matched = [path] if Path(path).is_file() else sorted(glob(path))  # noqa: PTH207 (a pattern may be absolute)
        if not matched:
            raise FileError("glob_empty", file=Path(path).name, folder=Path(path).parent)
        files += matched
    return list(dict.fromkeys(files))


def _drop_paths(design: Design) -> Design:
    """Return the design without its files and workers, for a job on one file."""
    return replace(design, frame=(), workers=None)


def _add_as_read(parts: Iterable[Sums]) -> Sums:
    """Add sums as they arrive, a few at a time, to limit the use of memory."""
    waiting: list[Sums] = []
    for part in parts:
        waiting.append(part)
        if len(waiting) >= SUMS_HELD:
            waiting = [add_sums(waiting)]
    return add_sums(waiting)


@dataclass(frozen=True)
class _FormFile:
    """A Parquet or CSV file of forms, read by SQL through a separate DuckDB cursor."""

    cursor: "DuckDBPyConnection"
    path: str

    @property
    def relation(self) -> str:
        """The file as SQL names it."""
        is_text = self.path.lower().endswith((".csv", ".tsv", ".csv.gz"))
        quoted = self.path.replace("'", "''")
        return f"{'read_csv_auto' if is_text else 'read_parquet'}('{quoted}')"

    def select_rows(self, what: str, where: str = "") -> list[tuple[Any, ...]]:
        """Return the rows of one query; names in the query are quoted."""
        rows: list[tuple[Any, ...]] = self.cursor.execute(
            f"SELECT {what} FROM {self.relation} {where}"  # noqa: S608 (the path is quoted)
        ).fetchall()
        return rows

    def read_types(self) -> dict[str, str]:
        """Return the SQL type of each column.

        Raises:
            FileError: DuckDB cannot read the file.
        """
        try:
            self.cursor.execute(f"DESCRIBE SELECT * FROM {self.relation}")  # noqa: S608 (quoted)
        except Exception as why:
            name = Path(self.path).name
            raise FileError("file_unreadable", file=name, why=type(why).__name__) from why
        return {name: sql_type for name, sql_type, *_ in self.cursor.fetchall()}

    def read_pieces(self, names: Iterable[str]) -> Iterator[pd.DataFrame]:
        """Read the columns of these names, some 100,000 forms at a time."""
        quoted = ", ".join(_quote_name(name) for name in dict.fromkeys(names))
        self.cursor.execute(f"SELECT {quoted or '1 AS one'} FROM {self.relation}")  # noqa: S608
        while len(piece := self.cursor.fetch_df_chunk(VECTORS)):
            yield piece


def _open_files(paths: Iterable[str]) -> Iterator[_FormFile]:
    """Open files in turn through one DuckDB connection.

    A new connection starts a database with threads and takes 30 ms; a new cursor takes no time.
    """
    import duckdb

    with duckdb.connect() as database:
        database.execute("SET preserve_insertion_order = false")
        for path in paths:
            with database.cursor() as cursor:
                yield _FormFile(cursor, path)


def _map_files(
    design: Design, job: Callable[[_FormFile], Result], paths: Sequence[str]
) -> Iterator[Result]:
    """Run a job on each file: here, or on the design's workers."""
    if design.workers is None:
        return map(job, _open_files(paths))
    return _run_on_workers(design, partial(_run_on_file, job=job), paths)


def _run_on_file(path: str, job: Callable[[_FormFile], Result]) -> Result:
    """Run a job on one file, on a worker."""
    return next(map(job, _open_files([path])))


def _run_on_workers(
    design: Design, job: Callable[[str], Result], paths: Sequence[str]
) -> Iterator[Result]:
    """Run a job on each file, by the design's workers, and show progress by file.

    If a worker dies, another worker counts its files again. If no worker is left, the count
    stops, so that a part is never returned as the whole.
    """
    from distributed import as_completed

    with _show_progress(len(paths)) as advance:
        tasks = design.workers.map(job, paths, pure=False)
        for task in as_completed(tasks, raise_errors=True):  # type: ignore[no-untyped-call]
            yield task.result()
            task.release()
            advance(1)


def _count_here(
    paths: Sequence[str], count_pieces: Callable[[_FormFile], Iterator[Sums]], n: int
) -> Iterator[Sums]:
    """Count the forms of files here, piece by piece, and show progress by form."""
    with _show_progress(n) as advance:
        for file in _open_files(paths):
            for sums in count_pieces(file):
                yield sums
                advance(int(sums.people[:, -1].sum()))


def _count_file(file: _FormFile, count_pieces: Callable[[_FormFile], Iterator[Sums]]) -> Sums:
    """Count the forms of one file."""
    return _add_as_read(count_pieces(file))


def _count_pieces(
    file: _FormFile, design: Design, by: Sequence[str], columns: Columns, scale: WeightRounding
) -> Iterator[Sums]:
    """Count the forms of each piece of a file, reading only the columns that are needed."""
    weights = [design.weights] if design.weights else []
    for piece in file.read_pieces([*by, *design.cell_columns, *weights, *columns.reads]):
        yield count_forms(piece, design, by, columns, scale)


@contextmanager
def _show_progress(n: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal; show nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(file=sys.stderr)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=n)
        yield lambda done: bar.advance(task, done)


def _quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read_facts_of_file(file: _FormFile, design: Design, variables: Sequence[str]) -> SampleFacts:
    """Return the facts of one file, read by DuckDB."""
    types = file.read_types()
    check_columns(design, list(types))
    if variables:
        _check_variables(variables, list(types))
    n = int(file.select_rows("count(*)")[0][0])
    facts = {name: _read_variable(file, name, types[name]) for name in variables}
    if design.weights and types[design.weights].startswith("VARCHAR"):
        raise DesignError("design_weight_text", column=design.weights)
    least, largest, whole = 1.0, 1.0, True
    if design.weights and n:
        least, largest, whole = _read_weights(file, design, design.weights)
    return SampleFacts(n, least, largest, whole, facts)


def _read_variable(file: _FormFile, name: str, sql_type: str) -> VariableFacts:
    """Return the facts of one variable, read by DuckDB."""
    column = _quote_name(name)
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


def _read_weights(file: _FormFile, design: Design, weights: str) -> tuple[float, float, bool]:
    """Return the least and largest weight of a file, and whether all are whole."""
    weight = _quote_name(weights)
    is_right = f"coalesce(isfinite({weight}::DOUBLE) AND {weight} > 0, false)"
    wrong = file.select_rows(f"{weight}::DOUBLE", f"WHERE NOT {is_right} LIMIT 1")
    if wrong:
        wrong_weight = np.nan if wrong[0][0] is None else wrong[0][0]
        check_weights(design, pd.DataFrame({weights: [wrong_weight]}), Path(file.path).name)
    low, high, whole = file.select_rows(_select_range(weight))[0]
    return float(low), float(high), bool(whole)


def _read_kinds(file: _FormFile, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the name of a file, and whether each column holds numbers, yes/no, text or days."""
    types = file.read_types()
    _check_variables(names, list(types))
    kinds = {
        name: KINDS.get(types[name], "text" if types[name].startswith("ENUM") else "numbers")
        for name in names
    }
    return Path(file.path).name, kinds


def _check_kinds(design: Design, paths: Sequence[str], names: Sequence[str]) -> None:
    """Refuse files in which a column has different kinds of values."""
    if not names:
        return
    first: dict[str, tuple[str, str]] = {}
    for file, kinds in _map_files(design, partial(_read_kinds, names=tuple(names)), paths):
        for name, kind in kinds.items():
            first_file, first_kind = first.setdefault(name, (file, kind))
            if first_kind != kind:
                both = f"{first_kind} ({first_file}), {kind} ({file})"
                raise DesignError("files_differ", (), column=name, kinds=both)


def _read_facts_of_frame(
    frame: pd.DataFrame, design: Design, variables: Sequence[str]
) -> SampleFacts:
    """Return the facts of a frame."""
    if variables:
        _check_variables(variables, frame.columns)
    weight = design.weight
    whole = bool((weight == np.floor(weight)).all())
    least, largest = (float(weight.min()), float(weight.max())) if len(weight) else (1.0, 1.0)
    facts = {name: _find_facts(name, frame[name]) for name in variables}
    return SampleFacts(len(frame), least, largest, whole, facts)


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
        return True
    numbers = ("boolean", "integer", "floating", "mixed-integer-float", "empty")
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in numbers


def _check_variables(variables: Sequence[str], present: Iterable[str]) -> None:
    columns = list(present)
    if not variables:
        raise DesignError("no_variable")
    twice = [name for name in variables if columns.count(name) > 1]
    if twice:
        raise DesignError("design_twice", column=twice[0])
    missing = [name for name in variables if name not in columns]
    if missing:
        first_columns = ", ".join(map(str, columns[:12]))
        raise DesignError("design_column", column=missing[0], known=first_columns)


def _check_finite(name: str, ends: Sequence[float]) -> None:
    """Refuse a variable whose least or largest value is infinite."""
    infinite = np.flatnonzero(np.isinf(ends))
    if infinite.size:
        raise DesignError("design_infinite", column=name, row=int(infinite[0]) + 1)
