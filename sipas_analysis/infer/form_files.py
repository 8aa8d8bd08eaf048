"""Read Parquet or CSV files of forms by SQL, on this machine or on the workers of a cluster.

Files are read through DuckDB, piece by piece, so that memory stays flat. With a Dask client each
worker reads some of the files and returns the result of a job only.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from sipas_analysis.errors import DesignError, FileError
from sipas_analysis.extras import require_library
from sipas_analysis.infer.design import Design, check_columns
from sipas_analysis.progress import show_progress

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VECTORS = 64  # of 2,048 forms each, read at a time
KINDS = {"BOOLEAN": "yes/no", "VARCHAR": "text", "DATE": "days", "TIMESTAMP": "days"}
Result = TypeVar("Result")


@dataclass(frozen=True)
class FormFile:
    """A Parquet or CSV file of forms, read by SQL through a separate DuckDB cursor."""

    cursor: "DuckDBPyConnection"
    path: str

    @property
    def is_text(self) -> bool:
        """Whether the file is CSV, which each query reads whole; Parquet is read by column."""
        return self.path.lower().endswith((".csv", ".tsv", ".csv.gz"))

    @property
    def relation(self) -> str:
        """The file as SQL names it."""
        quoted = self.path.replace("'", "''")
        return f"{'read_csv_auto' if self.is_text else 'read_parquet'}('{quoted}')"

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
        quoted = ", ".join(quote_name(name) for name in dict.fromkeys(names))
        self.cursor.execute(f"SELECT {quoted or '1 AS one'} FROM {self.relation}")  # noqa: S608
        while len(piece := self.cursor.fetch_df_chunk(VECTORS)):
            yield piece


def quote_name(name: str) -> str:
    """Return the name of a column as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


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


def drop_paths(design: Design) -> Design:
    """Return the design without its files and workers, for a job on one file."""
    return replace(design, frame=(), workers=None)


def open_files(paths: Iterable[str]) -> Iterator[FormFile]:
    """Open files in turn through one DuckDB connection.

    A new connection starts a database with threads and takes 30 ms; see ``keep_database``.
    """
    with keep_database() as database:
        for path in paths:
            with database.cursor() as cursor:
                hide_progress(cursor)
                yield FormFile(cursor, path)


def open_database(n_threads: int | None = None) -> "DuckDBPyConnection":
    """Open a DuckDB database in memory that prints no progress of its own, in any language."""
    require_library("duckdb")
    import duckdb

    database = duckdb.connect(config={"threads": n_threads} if n_threads else {})
    hide_progress(database)
    return database


def hide_progress(database: "DuckDBPyConnection") -> None:
    """Let a connection print no progress; a notebook without widgets has none and refuses this."""
    import duckdb

    with suppress(duckdb.InvalidInputException):
        database.execute("SET enable_progress_bar = false")


_DATABASE: "ContextVar[DuckDBPyConnection | None]" = ContextVar("_DATABASE", default=None)


@contextmanager
def keep_database() -> "Iterator[DuckDBPyConnection]":
    """Open a DuckDB connection, or use the one that is open around this call.

    One estimate reads its files several times; nothing stays open after it.
    """
    database = _DATABASE.get()
    if database is not None:
        yield database
        return
    with open_database() as database:
        database.execute("SET preserve_insertion_order = false")
        token = _DATABASE.set(database)
        try:
            yield database
        finally:
            _DATABASE.reset(token)


def map_files(
    design: Design, job: Callable[[FormFile], Result], paths: Sequence[str]
) -> Iterator[Result]:
    """Run a job on each file: here, or on the design's workers."""
    if design.workers is None:
        return map(job, open_files(paths))
    return _run_on_workers(design, partial(_run_on_file, job=job), paths)


def _run_on_file(path: str, job: Callable[[FormFile], Result]) -> Result:
    """Run a job on one file, on a worker."""
    return next(map(job, open_files([path])))


def _run_on_workers(
    design: Design, job: Callable[[str], Result], paths: Sequence[str]
) -> Iterator[Result]:
    """Run a job on each file, by the design's workers, and show progress by file.

    If a worker dies, another worker counts its files again. If no worker is left, the count
    stops, so that a part is never returned as the whole.
    """
    require_library("distributed")
    from distributed import as_completed

    with show_progress(len(paths)) as advance:
        tasks = design.workers.map(job, paths, pure=False)
        for task in as_completed(tasks, raise_errors=True):  # type: ignore[no-untyped-call]
            yield task.result()
            task.release()
            advance(1)


def _read_kinds(file: FormFile, names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the name of a file, and whether each column holds numbers, yes/no, text or days."""
    types = file.read_types()
    check_columns(names, types)
    kinds = {
        name: KINDS.get(types[name], "text" if types[name].startswith("ENUM") else "numbers")
        for name in names
    }
    return Path(file.path).name, kinds


def check_kinds(design: Design, paths: Sequence[str], names: Sequence[str]) -> None:
    """Refuse files in which a column has different kinds of values."""
    if not names:
        return
    first: dict[str, tuple[str, str]] = {}
    for file, kinds in map_files(design, partial(_read_kinds, names=tuple(names)), paths):
        for name, kind in kinds.items():
            first_file, first_kind = first.setdefault(name, (file, kind))
            if first_kind != kind:
                both = f"{first_kind} ({first_file}), {kind} ({file})"
                raise DesignError("files_differ", (), column=name, kinds=both)
