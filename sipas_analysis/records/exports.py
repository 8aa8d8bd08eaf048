"""Read the exports of offices into one table with our names, and say what was read differently.

The files of one kind become one table: points in time are parsed, words of the systems become ours,
units get their codes, names of officials become codes. What means nothing known is refused, with
its place and the nearest known word; everything else that changed is in the ledger (rules P1, T1).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.collect.record_sources import RecordFile
from sipas_analysis.collect.units import index_units
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import SeveralError, SipasError
from sipas_analysis.infer.form_files import open_database, quote_name
from sipas_analysis.input_copies import copy_input
from sipas_analysis.records.columns import find_export
from sipas_analysis.records.export_files import ExportFile
from sipas_analysis.records.ledger import Line, list_changes, list_lines
from sipas_analysis.records.raw_files import RawFile, open_raw_file
from sipas_analysis.records.stamps import make_stamp_macros

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LABELS = ("name", "word", "unit", "official", "groups", "level", "label")  # few distinct texts
SALTED = 2**20  # bytes of each file
SMALL = 2**25  # bytes of all files


@dataclass
class ExportTable:
    """The files of one kind as one table of DuckDB with the columns ``file row`` and the roles.

    Attributes:
        connection: The connection that has the table.
        kind: Kind of export.
        name: Name of the table.
        files: Names of the files, by their number in the column ``file``.
        roles: Roles that at least one file has.
        n_rows: Number of rows.
        is_lazy: Whether the table is a view on large files.
        sources: Files whose tables it is a view on, if these are to be dropped with it.
        ledger: What was read differently.
    """

    connection: "DuckDBPyConnection"
    kind: str
    name: str
    files: Sequence[str]
    roles: frozenset[str]
    n_rows: int
    is_lazy: bool
    sources: Sequence[RawFile] = ()
    ledger: list[pd.DataFrame] = field(default_factory=list)

    def fetch(self, query: str) -> pd.DataFrame:
        """Return the rows of a query; ``{table}`` stands for the table."""
        return self.connection.execute(query.format(table=self.name)).fetchdf()

    def note(self, rows: pd.DataFrame, reason: str, code: str = "", became: str = "") -> None:
        """Write rows with ``file`` (number), ``row`` and ``found`` into the ledger."""
        if len(rows):
            named = rows.assign(file=rows["file"].map(dict(enumerate(self.files))))
            self.ledger.append(list_changes(named, reason, code, became))

    def note_line(self, reason: str, found: object) -> None:
        """Write one line on the first file into the ledger."""
        self.ledger.append(list_lines([Line(self.files[0], reason, found)]))


def make_salt(paths: Iterable[Path]) -> str:
    """Return what codes of officials depend on beside name and unit: the start of some files.

    Who has the list of staff, but not the records, cannot compute the codes (rule P1).
    """
    digest = hashlib.sha256(b"officials")
    for path in paths:
        with copy_input(path).open("rb") as file:
            digest.update(file.read(SALTED))
    return digest.hexdigest()


def connect_records(salt: str = "", n_bytes: int = 0) -> "DuckDBPyConnection":
    """Return a connection for the records of one wave, with the SQL that reading them needs.

    Args:
        salt: What the codes of officials depend on beside name and unit; see ``make_salt``.
        n_bytes: Size of all files; a small export is read by one thread, as others would only wait.
    """
    connection = open_database()
    if n_bytes < SMALL:
        connection.execute("SET threads = 1")
    make_stamp_macros(connection)
    connection.execute(
        "CREATE MACRO code_official(unit, name) AS CASE WHEN trim(name) = '' THEN '' ELSE "
        f"'cb-' || left(sha256('{salt}/' || unit || '/' || lower(nfc_normalize(trim(name)))), 10)"
        " END"
    )
    connection.execute("CREATE TABLE dossier_units (dossier VARCHAR, unit VARCHAR)")
    return connection


def open_export(
    connection: "DuckDBPyConnection", kind: str, wave: Wave, units: pd.DataFrame
) -> ExportTable | None:
    """Open all files of one kind as one table; None where the wave names none.

    Args:
        connection: A connection of ``connect_records``.
        kind: Kind of export: dossiers, movements, petitions or publication.
        wave: The wave, whose ``records:`` name the files.
        units: Its list of units.

    Raises:
        FileError: A file is missing or cannot be read.
        RecordsError: Columns, words, units or stamps are not what they must be.
        SeveralError: More than one of these; every file is read to its end.
    """
    index, opened, errors = index_units(units), list[ExportFile](), list[SipasError]()
    sources = wave.records.list_files(wave.path.parent) if wave.records else ()
    entries = [(path, entry) for file_kind, path, entry in sources if file_kind == kind]
    if not entries:
        return None
    for number, (path, entry) in enumerate(entries):
        whole = _name_only_unit(entry, units)
        try:
            raw, mistakes = open_raw_file(connection, kind, path, whole, f"{kind}_{number}")
        except SipasError as error:
            raw, mistakes = None, [error]
        errors += mistakes
        if raw and not mistakes:
            file = ExportFile(connection, kind, raw, number)
            errors += file.read(index)
            opened.append(file)
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    return _join_files(connection, kind, opened)


def _name_only_unit(entry: RecordFile, units: pd.DataFrame) -> RecordFile:
    """Return the entry with its unit, where the wave has only one."""
    only = str(units["code"].iloc[0]) if len(units) == 1 and not entry.columns.get("unit") else ""
    return entry if entry.unit or not only else entry.model_copy(update={"unit": only})


def _join_files(
    connection: "DuckDBPyConnection", kind: str, files: Sequence[ExportFile]
) -> ExportTable:
    """Return the table of all files; movements, which are copied later, and large files a view."""
    n_rows = sum(file.raw.n_rows for file in files)
    is_lazy = all(file.raw.is_lazy for file in files)
    union = " UNION ALL BY NAME ".join(file.write_select() for file in files)
    name = f"{kind}_read"
    is_view = is_lazy or kind == "movements"
    connection.execute(f"CREATE {'VIEW' if is_view else 'TABLE'} {name} AS {union}")
    sources = [] if is_lazy else [file.raw for file in files]
    if not is_view:
        drop_sources(connection, sources)
        sources = []
    names = [file.raw.path.name for file in files]
    roles = frozenset(role for file in files for role in file.raw.placed.positions)
    roles |= {"unit"} if any(file.raw.entry.unit for file in files) else set()
    ledger = [list_lines([line for file in files for line in file.lines])]
    return ExportTable(connection, kind, name, names, roles, n_rows, is_lazy, sources, ledger)


def drop_sources(connection: "DuckDBPyConnection", sources: Iterable[RawFile]) -> None:
    """Drop the tables of files that nothing reads any more."""
    for raw in sources:
        connection.execute(f"DROP {'VIEW' if raw.is_lazy else 'TABLE'} {raw.table}")


def fetch_frame(table: ExportTable) -> pd.DataFrame:
    """Return a table as a frame: ``file row`` and every role; few distinct texts as categories."""
    roles = find_export(table.kind).roles
    cells = ["file", "CAST(row AS INTEGER) AS row"]
    for name, role in roles.items():
        cell = quote_name(name)
        if role.kind in LABELS:
            kind = f"words_{table.kind}_{name}"
            table.connection.execute(
                f"CREATE TYPE {kind} AS ENUM (SELECT DISTINCT {cell} FROM {table.name} ORDER BY 1)"  # noqa: S608
            )
            cell = f"CAST({cell} AS {kind}) AS {cell}"
        cells.append(cell)
    cells += ["is_mapped"] if "level" in roles and table.kind == "dossiers" else []
    frame = table.fetch(f"SELECT {', '.join(cells)} FROM {{table}}")  # noqa: S608 (our names)
    table.connection.execute(f"DROP {'VIEW' if table.is_lazy else 'TABLE'} {table.name}")
    return frame


def make_empty_frame(kind: str) -> pd.DataFrame:
    """Return a frame of no rows with the columns that ``fetch_frame`` gives a kind of export."""
    dtypes = {"stamp": "datetime64[s]", "number": "float64", "limit": "float64"}
    roles = {name: dtypes.get(role.kind, "str") for name, role in find_export(kind).roles.items()}
    kinds = {"file": "int16", "row": "int32", **roles}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
