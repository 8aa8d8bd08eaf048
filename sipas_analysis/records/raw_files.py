"""Open the files of an export as tables of DuckDB: text as it stands, no Python loop over rows.

CSV (also packed, ``.csv.gz``) and Parquet are read by DuckDB itself; workbooks and texts in another
code through ``sheets.reader``. Only columns with a role leave a file. A Parquet file stays where it
is, as a view.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.record_sources import RecordFile
from sipas_analysis.collect.tables import read_below_header
from sipas_analysis.errors import FileError, Place, RecordsError, SipasError
from sipas_analysis.files import find_shortage
from sipas_analysis.infer.form_files import open_database, quote_name
from sipas_analysis.input_copies import copy_input, keep_copy
from sipas_analysis.records.columns import Export, PlacedExport, find_export, place_export
from sipas_analysis.records.stamps import TEXT
from sipas_analysis.sheets.data_files import write_parquet_column
from sipas_analysis.sheets.file_kinds import find_kind
from sipas_analysis.sheets.reader import read_sheet
from sipas_analysis.sheets.text_files import decode_text
from sipas_analysis.sheets.texts import tidy_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LARGE = 3_000_000  # rows from which a Parquet file is not copied
START = 1_000_000  # bytes of a text in which its header and its code are looked for
SEPARATORS = (",", ";", "\t", "|")
SPACES = " \t\r\n\u00a0\u200b\ufeff"
VIETNAM = 7 * 3600 * 10**6  # microseconds that local time is ahead of UTC


@dataclass(frozen=True)
class RawFile:
    """One file of an export as a table of DuckDB, with the text of each cell.

    Attributes:
        path: The file.
        kind: Kind of export.
        entry: Its entry in ``records:``.
        placed: Where its columns stand.
        table: Table with ``row`` and one column a role: texts, and points in time.
        texts: Roles of points in time that were parsed from texts; these are there, too (``TEXT``).
        n_rows: Number of rows.
        is_lazy: Whether the table is a view on a large file.
    """

    path: Path
    kind: str
    entry: RecordFile
    placed: PlacedExport
    table: str
    texts: frozenset[str]
    n_rows: int
    is_lazy: bool

    def place(self, role: str, row: int | None = None, value: str = "") -> Place:
        """Return where something stands in the file."""
        return Place(self.path.name, row, self.placed.header_of(role), value, self.entry.sheet)


@dataclass(frozen=True)
class _Source:
    """What DuckDB reads: a relation in SQL, its columns and types, and the row of a record."""

    relation: str
    columns: Sequence[str]
    types: Sequence[str]
    names: Sequence[str]
    row: str
    is_large: bool = False
    separator: str = ""


def open_raw_file(
    connection: "DuckDBPyConnection", kind: str, path: Path, entry: RecordFile, table: str
) -> tuple[RawFile | None, list[SipasError]]:
    """Open a file as a table of that name; return it with every mistake of its columns and lines.

    Raises:
        FileError: The file cannot be read at all.
    """
    path = copy_input(path)
    source = _find_source(connection, path, entry, table)
    if source.is_large:
        keep_copy(path)
    placed, errors = place_export(source.names, entry, kind, path.name)
    if errors:
        return None, errors
    export = find_export(kind)
    stamps = [role for role in export.list_roles("stamp") if role in placed.positions]
    types = {role: source.types[at] for role, at in placed.positions.items()}
    texts = frozenset(role for role in stamps if not types[role].startswith(("TIMESTAMP", "DATE")))
    is_lazy = source.is_large
    cells = [f"{source.row} AS row", *_write_cells(source, placed, export, texts)]
    cells += [f"{_find_swallowed(source)} AS swallowed"] if source.separator else []
    kind_of_table = "VIEW" if is_lazy else "TABLE"
    _read_or_refuse(
        connection,
        f"CREATE {kind_of_table} {table} AS SELECT {', '.join(cells)} FROM {source.relation}",  # noqa: S608 (names are quoted)
        path,
    )
    errors = _list_broken_lines(connection, path, source, table)
    n_rows = _count_rows(connection, table)
    if not n_rows and not errors:
        raise FileError("no_rows", file=path.name, header=entry.header)
    return RawFile(path, kind, entry, placed, table, texts, n_rows, is_lazy), errors


def _read_or_refuse(
    connection: "DuckDBPyConnection", query: str, path: Path
) -> list[tuple[object, ...]]:
    """Run a query that reads a file; return its rows.

    Raises:
        FileError: The file is damaged.
    """
    import duckdb

    try:
        return connection.execute(query).fetchall()
    except duckdb.Error as why:
        broken = FileError("file_broken", file=path.name, why=type(why).__name__)
        raise find_shortage(why) or broken from None


def _count_rows(connection: "DuckDBPyConnection", relation: str) -> int:
    """Return the number of rows of a table or file."""
    rows = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()  # noqa: S608
    return int(rows[0][0])


def _write_cells(
    source: _Source, placed: PlacedExport, export: Export, texts: Collection[str]
) -> Iterator[str]:
    """Yield the SQL of each role: a text, or a point in time.

    Codes have no spaces around them; words are tidied later, each distinct one once.
    """
    kinds = {role: known.kind for role, known in export.roles.items()}
    for role, at in placed.positions.items():
        name, sql_type = quote_name(source.columns[at]), source.types[at]
        text = name if sql_type == "VARCHAR" else write_parquet_column(source.columns[at], sql_type)
        if kinds[role] == "code":  # most are plain: no sign of them need be looked up
            trimmed = f"trim({text}, '{SPACES}')"
            text = f"CASE WHEN regexp_full_match({text}, '[!-~]+') THEN {text} ELSE {trimmed} END"
        text = f"coalesce({text}, '')"
        if role in texts:
            yield f"{text} AS {quote_name(role + TEXT)}"
            yield f"parse_stamp({quote_name(role + TEXT)}) AS {quote_name(role)}"
        elif kinds[role] != "stamp":
            yield f"{text} AS {quote_name(role)}"
        elif sql_type == "TIMESTAMP WITH TIME ZONE":
            yield f"make_timestamp(epoch_us({name}) + {VIETNAM}::BIGINT) AS {quote_name(role)}"
        else:
            yield f"CAST({name} AS TIMESTAMP) AS {quote_name(role)}"


def _find_source(
    connection: "DuckDBPyConnection", path: Path, entry: RecordFile, table: str
) -> _Source:
    """Return how DuckDB reads a file."""
    is_packed = path.suffix.lower() == ".gz" and path.is_file()
    file_kind = "text" if is_packed else find_kind(path)
    if file_kind == "parquet":
        return _open_parquet(connection, path)
    start = _read_start(path) if file_kind == "text" else ""
    if start:
        return _open_text(connection, path, entry, start, table)
    frame = read_below_header(read_sheet(path, entry.sheet).rows, (entry.header,), path)
    names = [*map(str, frame.columns)]
    columns = [f"c{at}" for at in range(len(names))]
    rows = frame.set_axis(columns, axis=1).assign(row=frame.index)
    connection.register(f"sheet_{table}", rows)
    types = ["VARCHAR"] * len(names)
    return _Source(f"sheet_{table}", columns, types, names, "CAST(row AS BIGINT)")


def _quote_path(path: Path) -> str:
    """Return a path as SQL quotes it: the file of that very name, never a pattern."""
    pattern = re.sub(r"([*?[])", r"[\1]", str(path))
    return "'" + pattern.replace("'", "''") + "'"


def _open_parquet(connection: "DuckDBPyConnection", path: Path) -> _Source:
    """Return how a Parquet file is read; its names stand in row 1."""
    relation = f"read_parquet({_quote_path(path)}, file_row_number = true)"
    described = _read_or_refuse(connection, f"DESCRIBE SELECT * FROM {relation}", path)  # noqa: S608
    facts = [(str(name), str(kind)) for name, kind, *_ in described if name != "file_row_number"]
    names, types = [name for name, _ in facts], [kind for _, kind in facts]
    is_large = _count_rows(connection, relation) > LARGE
    return _Source(relation, names, types, names, "file_row_number + 2", is_large)


def _read_start(path: Path) -> str:
    """Return the start of a text in UTF-8; empty where ``sheets.reader`` must read it.

    Raises:
        FileError: The text is empty, in an old code, or the file is no packed text.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            content = file.read(START)
    except (OSError, EOFError, zlib.error) as why:
        raise FileError("file_broken", file=path.name, why=type(why).__name__) from None
    is_whole = len(content) < START or b"\n" not in content
    whole = content if is_whole else content[: content.rfind(b"\n") + 1]
    text = decode_text(whole, path.name)
    if not text.strip():
        raise FileError("file_empty", file=path.name)
    is_plain = b"\0" not in content[:2000] and not text[:4].lower().startswith("sep=")
    return text if is_plain or path.suffix.lower() == ".gz" else ""


def _split_start(start: str, n_rows: int, file: str) -> tuple[list[list[str]], str, int]:
    """Return the first rows of a text, its separator and the number of lines of these rows.

    The separator is the one that parts most names in the last of the rows.

    Raises:
        FileError: A cell of these rows is longer than any cell: its quote is not closed.
    """
    ways = []
    for sign in SEPARATORS:
        reader = csv.reader(io.StringIO(start, newline=""), delimiter=sign)
        try:
            rows = [row for _, row in zip(range(n_rows), reader, strict=False)]
        except csv.Error:
            raise FileError("open_quote", [Place(file, 1)]) from None
        ways.append((rows, sign, reader.line_num))
    return max(ways, key=lambda way: len(way[0][-1]))


def read_first_rows(path: Path, n_rows: int = 10) -> list[list[str]]:
    """Return the first rows of a file, of which one may be the header of an export.

    Raises:
        FileError: The file cannot be read.
    """
    path = copy_input(path)
    is_packed = path.suffix.lower() == ".gz" and path.is_file()
    kind = "text" if is_packed else find_kind(path)
    if kind == "parquet":
        with open_database() as connection:
            return [[*_open_parquet(connection, path).names]]
    start = _read_start(path) if kind == "text" else ""
    if not start:
        return [*read_sheet(path).rows[:n_rows]]
    ways = [_split_start(start, number, path.name)[0][-1:] for number in range(1, n_rows + 1)]
    return [row for rows in ways for row in rows]


def _number_rows(path: Path) -> NDArray[np.int64] | None:
    """Return the number of each row of a text that is not blank; None if no blank one is between.

    DuckDB leaves out blank lines; a spreadsheet counts them. Line breaks between quotes end no row.

    Raises:
        FileError: A packed text is damaged.
    """
    is_packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path) if is_packed else path.open("rb") as file:
            content = file.read().rstrip()
    except (OSError, EOFError, zlib.error) as why:
        raise FileError("file_broken", file=path.name, why=type(why).__name__) from None
    if b"\n\n" not in content and b"\n\r\n" not in content:
        return None
    signs = np.frombuffer(content, np.uint8)
    ends, quotes = np.flatnonzero(signs == ord("\n")), np.flatnonzero(signs == ord('"'))
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    starts = np.concatenate([[0], ends + 1])
    ends = np.append(ends, len(signs))
    is_blank = ends - starts <= (signs[np.maximum(ends - 1, 0)] == ord("\r"))
    return np.flatnonzero(~is_blank) + 1


def _open_text(
    connection: "DuckDBPyConnection", path: Path, entry: RecordFile, start: str, table: str
) -> _Source:
    """Return how a text is read, below its header."""
    rows, separator, n_lines = _split_start(start, entry.header, path.name)
    header = rows[-1] if len(rows) == entry.header else []
    if not any(map(tidy_text, header)):
        raise FileError("no_header", file=path.name, header=entry.header, n=n_lines)
    columns = [f"c{at}" for at in range(len(header))]
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    relation = (
        f"read_csv({_quote_path(path)}, auto_detect = false, header = false, skip = {n_lines}, "
        f"delim = '{separator}', quote = '\"', escape = '\"', columns = {{{types}}}, "
        f"store_rejects = true, rejects_table = 'lines_{table}', rejects_scan = 'scans_{table}', "
        "null_padding = false)"
    )
    row = f"row_number() OVER () + {entry.header}"
    numbers = _number_rows(path)
    if numbers is not None:
        written = pd.DataFrame({"written_row": numbers[numbers > entry.header]})
        connection.register(f"rows_{table}", written)
        relation, row = f"{relation} POSITIONAL JOIN rows_{table}", "written_row"
    names = [tidy_text(name) for name in header]
    return _Source(relation, columns, ["VARCHAR"] * len(names), names, row, separator=separator)


def _find_swallowed(source: _Source) -> str:
    """Return the SQL that tells whether a cell of a text holds whole rows, between stray quotes."""
    n_signs = max(len(source.columns) - 1, 1)
    cells = [
        f"(contains({cell}, chr(10)) AND "
        f"length({cell}) - length(replace({cell}, '{source.separator}', '')) >= {n_signs})"
        for cell in source.columns
    ]
    return f"coalesce({' OR '.join(cells)}, false)"


def _list_broken_lines(
    connection: "DuckDBPyConnection", path: Path, source: _Source, table: str
) -> list[SipasError]:
    """Refuse lines with more or fewer cells than the header, and quotes that are not closed."""
    if not source.separator:
        return []
    lines = connection.execute(
        f"SELECT line, error_type FROM lines_{table} ORDER BY line LIMIT 1000"  # noqa: S608
    ).fetchall()
    if any(kind == "INVALID ENCODING" for _, kind in lines):
        return [FileError("file_encoding", file=path.name)]
    rows = connection.execute(f"SELECT row FROM {table} WHERE swallowed").fetchall()  # noqa: S608
    places = [Place(path.name, int(line)) for line, *_ in (*lines, *rows)]
    fields = {"n_columns": len(source.names), "separator": source.separator.replace("\t", "TAB")}
    return [RecordsError("records_lines", places, **fields)] if places else []


def find_blank_default(export: Export, role: str) -> str:
    """Return the SQL of a role that a file does not have."""
    kind = export.roles[role].kind
    if kind == "stamp":
        return "NULL::TIMESTAMP_S"
    return "NULL::DOUBLE" if kind in ("number", "limit") else f"'{export.roles[role].default}'"
