"""Make the block of a sample, wherever its forms lie: in memory, in files, on many machines.

Files are read piece by piece through DuckDB; with a Dask client each worker counts its own
files and only counts travel. All three ways run the same ``tally`` and add whole numbers, so
their blocks are equal to the last bit (rules V8 and V9).
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from glob import glob
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from sipas_analysis.errors import DesignError, FileError
from sipas_analysis.infer.design import Design, check_columns, check_weights
from sipas_analysis.infer.replicates import add_replicates
from sipas_analysis.infer.totals import (
    Block,
    Columns,
    Scale,
    Sums,
    add_sums,
    convert_sums,
    count_forms,
    weight_scale,
)
from sipas_analysis.infer.weighting import find_credit

VECTORS = 64  # of 2,048 forms each, read at a time
T = TypeVar("T")


@dataclass(frozen=True)
class Facts:
    """What must be known of a whole sample before its forms are counted; facts of parts add.

    Attributes:
        n: Forms.
        weight: Least and largest weight, and whether all are whole numbers.
        range: Least and largest value of each variable; NaN if it is text or always blank.
        whole: Whether each variable holds whole numbers only.
        blanks: Blank values of each variable.
        levels: Values of each variable that is text.
    """

    n: int
    weight: tuple[float, float, bool]
    range: dict[str, tuple[float, float]]
    whole: dict[str, bool]
    blanks: dict[str, int]
    levels: dict[str, tuple[str, ...]]

    @property
    def scale(self) -> Scale:
        """How weights are rounded."""
        return weight_scale(self.n, *self.weight)

    def __add__(self, other: "Facts") -> "Facts":
        low, high = min(self.weight[0], other.weight[0]), max(self.weight[1], other.weight[1])
        return Facts(
            self.n + other.n,
            (low, high, self.weight[2] and other.weight[2]),
            {
                k: (float(np.fmin(a, other.range[k][0])), float(np.fmax(b, other.range[k][1])))
                for k, (a, b) in self.range.items()
            },
            {k: it and other.whole[k] for k, it in self.whole.items()},
            {k: it + other.blanks[k] for k, it in self.blanks.items()},
            {k: tuple(sorted({*it, *other.levels[k]})) for k, it in self.levels.items()},
        )


def read_facts(design: Design, variables: Sequence[str] = ()) -> Facts:
    """Look at a whole sample once: size, weights, range of each variable.

    Raises:
        DesignError: A column is missing, a weight cannot be; in files, all files are looked at.
    """
    if not design.on_files:
        return _read_facts_of_frame(design.frame, design, variables)
    jobs = [replace(design, frame=path, workers=None) for path in list_files(design)]
    _check_kinds(design, jobs, [*design.cell_columns, *variables])
    job = partial(_read_facts_of_file, variables=tuple(variables))
    found = map(job, jobs) if design.workers is None else _run_on_workers(design, job, jobs)
    return reduce(Facts.__add__, found)


def build_block(design: Design, by: Sequence[str], columns: Columns, scale: Scale | None = None) -> Block:
    """Reduce forms to totals by domain, in memory, from files or on workers.

    Args:
        design: The sample.
        by: Key columns; none makes one domain of all forms. A form with a blank key belongs to no
            domain but still counts in the sample.
        columns: What to total.
        scale: How weights are rounded, if it is known already.

    Returns:
        The block; no domain if there is no form.

    Raises:
        DesignError: The sample cannot have been drawn as declared.

    Source: rules V1, V8 and V9 in docs/method.md.

    Example:
        >>> frame = pd.DataFrame({"unit": ["a", "b", "a"], "s": [1.0, 1.0, 0.0]})
        >>> satisfied = Columns(("s",), lambda forms: [forms["s"]], np.ones(1), [True])
        >>> block(Design(frame), ["unit"], satisfied).total.ravel().tolist()
        [1.0, 1.0]
    """
    scale = scale or read_facts(design).scale
    if design.on_files:
        jobs = [replace(design, frame=path, workers=None) for path in list_files(design)]
        _check_kinds(design, jobs, by)
        if design.workers is None:
            parts = _count_files(jobs, (by, columns, scale))
        else:
            job = partial(_count_file, by=tuple(by), columns=columns, scale=scale)
            parts = _run_on_workers(design, job, jobs)
        return convert_sums(_add_as_read(parts), design, by, columns, scale)
    if by:
        _check_variables(by, design.frame.columns)
    made = convert_sums(count_forms(design.frame, design, by, columns, scale), design, by, columns, scale)
    if design.calibration is not None:
        made = replace(made, credit=find_credit(made, design, by, columns))
    return add_replicates(made, design, by, columns) if design.declared_replicates else made


def list_files(design: Design) -> list[str]:
    """Return the files of a design, in the order of their names.

    Raises:
        FileError: A name or pattern matches no file.
    """
    found: list[str] = []
    if not design.paths:
        raise FileError("glob_empty", file="", folder=".")
    for path in design.paths:
        matched = [path] if Path(path).is_file() else sorted(glob(path))  # noqa: PTH207 (a pattern may be absolute)
        if not matched:
            raise FileError("glob_empty", file=Path(path).name, folder=Path(path).parent)
        found += matched
    return list(dict.fromkeys(found))


def _add_as_read(parts: Iterable[Sums]) -> Sums:
    """Add sums as they come, a few at a time, so that memory stays flat."""
    held: list[Sums] = []
    for part in parts:
        held.append(part)
        if len(held) >= 8:
            held = [add_sums(held)]
    return add_sums(held)


def _run_on_workers(design: Design, job: Callable[[Design], T], jobs: Sequence[Design]) -> Iterator[T]:
    """Run a job on each file, by the design's workers, and show progress by file.

    A worker that dies is replaced by another, which starts its files again; if none is left the
    whole stops: a part is never taken for the whole.
    """
    from distributed import as_completed

    with _show_progress(len(jobs)) as step:
        tasks = design.workers.map(job, jobs, pure=False)
        for done in as_completed(tasks, raise_errors=True):  # type: ignore[no-untyped-call]
            yield done.result()
            done.release()
            step(1)


def _count_files(jobs: Sequence[Design], how: tuple[Sequence[str], Columns, Scale]) -> Iterator[Sums]:
    """Count the forms of files here, piece by piece, and show progress by form."""
    by, columns, scale = how
    with _show_progress(scale.n) as step:
        for design in jobs:
            for piece in _read_pieces(design, by, columns):
                yield count_forms(piece, design, by, columns, scale)
                step(len(piece))


@contextmanager
def _show_progress(n: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of what is done on a terminal; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(file=sys.stderr)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=n)
        yield lambda done: bar.advance(task, done)


def _count_file(design: Design, by: Sequence[str], columns: Columns, scale: Scale) -> Sums:
    """Count the forms of one file, on a worker."""
    pieces = _read_pieces(design, by, columns)
    return _add_as_read(count_forms(piece, design, by, columns, scale) for piece in pieces)


def _connected(path: str) -> tuple[Any, str]:
    """Return a DuckDB connection and the relation of a file."""
    import duckdb

    reader = (
        "read_csv_auto" if path.lower().endswith((".csv", ".tsv", ".csv.gz")) else "read_parquet"
    )
    here = duckdb.connect()
    here.execute("SET preserve_insertion_order = false")
    quoted = path.replace("'", "''")
    return here, f"{reader}('{quoted}')"


def _read_pieces(design: Design, by: Sequence[str], columns: Columns) -> Iterator[pd.DataFrame]:
    """Read the columns that are needed of a file, some 100,000 forms at a time."""
    here, relation = _connected(str(design.frame))
    needed = [*by, *design.cell_columns, *([design.weights] if design.weights else [])]
    names = [_quote_name(name) for name in dict.fromkeys([*needed, *columns.reads])]
    found = here.execute(f"SELECT {', '.join(names) or '1 AS one'} FROM {relation}")  # noqa: S608
    while len(piece := found.fetch_df_chunk(VECTORS)):
        yield piece
    here.close()


def _quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read_facts_of_file(design: Design, variables: Sequence[str]) -> Facts:
    """Ask DuckDB for the facts of one file."""
    path = str(design.frame)
    kinds = {name: kind for name, kind, *_ in _describe_columns(path)}
    here, relation = _connected(path)
    check_columns(design, list(kinds))
    if variables:
        _check_variables(variables, list(kinds))
    n = int(_select_rows(here, relation, "count(*)")[0][0])
    ends: dict[str, tuple[float, float]] = {}
    whole: dict[str, bool] = {}
    blanks: dict[str, int] = {}
    levels: dict[str, tuple[str, ...]] = {}
    for name in variables:
        text = kinds[name].startswith(("VARCHAR", "ENUM"))
        x = _quote_name(name)
        if kinds[name] in ("FLOAT", "DOUBLE"):  # a NaN in a file is a blank
            x = f"(CASE WHEN isnan({x}) THEN NULL ELSE {x} END)"
        levels |= {name: _find_levels(here, relation, x)} if text else {}
        blanks[name] = n - int(_select_rows(here, relation, f"count({x})")[0][0])
        number = f"CASE WHEN {x} THEN 1 WHEN NOT {x} THEN 0 END" if kinds[name] == "BOOLEAN" else x
        low, high, even = (None, None, True) if text else _find_range(here, relation, number)
        known = low is not None and high is not None
        ends[name] = (float(low or 0), float(high or 0)) if known else (np.nan, np.nan)
        whole[name] = even is not False
        _check_finite(name, np.array(ends[name]))
    weight = (1.0, 1.0, True)
    if design.weights and kinds[design.weights].startswith("VARCHAR"):
        raise DesignError("design_weight_text", column=design.weights)
    if design.weights and n:
        weight = _read_weights(design, here, relation)
    here.close()
    return Facts(n, weight, ends, whole, blanks, levels)


def _describe_columns(path: str) -> list[tuple[Any, ...]]:
    """Return name and type of each column of a file."""
    try:
        here, relation = _connected(path)
        found: list[tuple[Any, ...]] = here.execute(
            f"DESCRIBE SELECT * FROM {relation}"  # noqa: S608 (the path is quoted)
        ).fetchall()
    except Exception as why:
        raise FileError("file_unreadable", file=Path(path).name, why=type(why).__name__) from why
    here.close()
    return found


def _read_kinds(design: Design, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the name of a file, and whether each column holds numbers, yes/no, text or days."""
    path = str(design.frame)
    described = _describe_columns(path)
    kinds = {name: kind for name, kind, *_ in described}
    _check_variables(names, list(kinds))
    words = {"BOOLEAN": "yes/no", "VARCHAR": "text", "DATE": "days", "TIMESTAMP": "days"}
    return Path(path).name, {
        name: words.get(kinds[name], "text" if kinds[name].startswith("ENUM") else "numbers")
        for name in names
    }


def _check_kinds(design: Design, jobs: Sequence[Design], names: Sequence[str]) -> None:
    """Refuse files in which one column is of two kinds: its values would not meet."""
    if not names:
        return
    check = partial(_read_kinds, names=tuple(names))
    found = _run_on_workers(design, check, jobs) if design.workers else map(check, jobs)
    first: dict[str, tuple[str, str]] = {}
    for file, kinds in found:
        for name, kind in kinds.items():
            other, was = first.setdefault(name, (file, kind))
            if was != kind:
                fields = {"column": name, "kinds": f"{was} ({other}), {kind} ({file})"}
                raise DesignError("files_differ", (), **fields)


def _select_rows(here: Any, relation: str, what: str) -> list[tuple[Any, ...]]:
    """Ask one question of a file; names in it are quoted."""
    found: list[tuple[Any, ...]] = here.execute(f"SELECT {what} FROM {relation}").fetchall()  # noqa: S608
    return found


def _find_range(here: Any, relation: str, x: str) -> tuple[Any, Any, Any]:
    number = f"{x}::DOUBLE"
    what = f"min({number}), max({number}), bool_and({number} = floor({number}))"
    low, high, whole = _select_rows(here, relation, what)[0]
    return low, high, whole


def _find_levels(here: Any, relation: str, x: str) -> tuple[str, ...]:
    found = _select_rows(here, relation, f"DISTINCT {x}::VARCHAR")
    return tuple(sorted(text for (text,) in found if text is not None))


def _read_weights(design: Design, here: Any, relation: str) -> tuple[float, float, bool]:
    """Return the ends of the weights of a file, and whether they are whole."""
    assert design.weights
    x = _quote_name(design.weights)
    right = f"coalesce(isfinite({x}::DOUBLE) AND {x} > 0, false)"
    wrong = _select_rows(here, f"{relation} WHERE NOT {right} LIMIT 1", f"{x}::DOUBLE")
    if wrong:
        held = np.nan if wrong[0][0] is None else wrong[0][0]
        check_weights(design, pd.DataFrame({design.weights: [held]}), Path(str(design.frame)).name)
    low, high, whole = _find_range(here, relation, x)
    return float(low), float(high), bool(whole)


def _read_facts_of_frame(frame: pd.DataFrame, design: Design, variables: Sequence[str]) -> Facts:
    """Look at a frame."""
    if variables:
        _check_variables(variables, frame.columns)
    weight = design.weight
    whole_weight = bool((weight == np.floor(weight)).all())
    ends: dict[str, tuple[float, float]] = {}
    whole: dict[str, bool] = {}
    blanks: dict[str, int] = {}
    levels: dict[str, tuple[str, ...]] = {}
    for name in variables:
        column = frame[name]
        plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub"
        blanks[name] = 0 if plain else int(column.isna().sum())
        ends[name], whole[name] = (np.nan, np.nan), True
        if not _is_number(column):
            levels[name] = tuple(sorted({*column.dropna().astype(str)}))
        elif blanks[name] < len(frame):
            known = column.to_numpy() if plain else column.dropna().to_numpy(dtype=float)
            ends[name] = (float(known.min()), float(known.max()))
            _check_finite(name, np.array(ends[name]))
            whole[name] = plain or not (known % 1).any()
    least, most = (float(weight.min()), float(weight.max())) if len(weight) else (1.0, 1.0)
    return Facts(len(frame), (least, most, whole_weight), ends, whole, blanks, levels)


def _is_number(column: "pd.Series[Any]") -> bool:
    """Say whether a column holds numbers or yes/no, also as objects with blanks between."""
    if pd.api.types.is_numeric_dtype(column):
        return True
    numbers = ("boolean", "integer", "floating", "mixed-integer-float", "empty")
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) in numbers


def _check_variables(variables: Sequence[str], present: Iterable[str]) -> None:
    held = list(present)
    if not variables:
        raise DesignError("no_variable")
    twice = [name for name in variables if held.count(name) > 1]
    if twice:
        raise DesignError("design_twice", column=twice[0])
    missing = [name for name in variables if name not in held]
    if missing:
        known = ", ".join(map(str, held[:12]))
        raise DesignError("design_column", column=missing[0], known=known)


def _check_finite(name: str, x: np.ndarray[Any, Any]) -> None:
    if np.isinf(x).any():
        raise DesignError(
            "design_infinite", column=name, row=int(np.flatnonzero(np.isinf(x))[0]) + 1
        )
