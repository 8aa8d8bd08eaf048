"""Read the exports of offices into one table with our names, and say what was read differently.

The files of one kind become one table: points in time are parsed, words of the systems become ours,
units get their codes, names of officials become codes. What means nothing known is refused, with
its place and the nearest known word; everything else that changed is in the ledger (rules P1, T1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.record_sources import RecordFile
from sipas_analysis.collect.survey import LEDGER_COLUMNS, join_ledgers
from sipas_analysis.collect.units import index_units, name_nearest_units
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import (
    REPEATED,
    RecordsError,
    SeveralError,
    SipasError,
    hide_personal,
    shorten,
)
from sipas_analysis.infer.form_files import quote_name
from sipas_analysis.records.columns import Role, find_export, read_export_words
from sipas_analysis.records.raw_files import RawFile, find_blank_default, open_raw_file
from sipas_analysis.records.stamps import (
    count_stamps,
    is_turned,
    list_wrong_stamps,
    make_stamp_macros,
)
from sipas_analysis.records.words import WordReadings, read_words
from sipas_analysis.sheets.texts import fold_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WORDS = ("name", "word", "unit", "limit", "number", "groups", "level", "label")
LABELS = ("name", "word", "unit", "official", "groups", "level", "label")  # few distinct texts
LISTED = 1000  # lines of the ledger for one reason; the others are counted
# A code of an official is short, has a digit and no long run of letters or digits.
_IS_CODE = (
    r"(regexp_full_match({0}, '[A-Za-z0-9._/-]{{1,30}}') AND regexp_matches({0}, '[0-9]') "
    r"AND NOT regexp_matches({0}, '[A-Za-z]{{8}}|[0-9]{{9}}'))"
)


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
        ledger: What was read differently.
    """

    connection: "DuckDBPyConnection"
    kind: str
    name: str
    files: Sequence[str]
    roles: frozenset[str]
    n_rows: int
    is_lazy: bool
    ledger: list[pd.DataFrame] = field(default_factory=list)

    def fetch(self, query: str) -> pd.DataFrame:
        """Return the rows of a query; ``{table}`` stands for the table."""
        return self.connection.execute(query.format(table=self.name)).fetchdf()

    def note(self, rows: pd.DataFrame, reason: str, code: str = "", became: str = "") -> None:
        """Write rows with ``file`` (number), ``row`` and ``found`` into the ledger."""
        if len(rows):
            named = rows.assign(file=rows["file"].map(dict(enumerate(self.files))))
            self.ledger.append(list_changes(named, reason, code, became))

    def note_line(self, reason: str, found: object, **facts: str) -> None:
        """Write one line on the first file into the ledger."""
        self.ledger.append(list_lines([Line(self.files[0], reason, found, **facts)]))


def list_changes(rows: pd.DataFrame, reason: str, code: str, became: str = "") -> pd.DataFrame:
    """Return lines of the ledger for rows with ``file row`` and, if there is one, ``found``.

    From ``LISTED`` lines on, one line a file counts the others.
    """
    lines = rows.reindex(columns=["file", "row", "found"])
    lines = lines.assign(column=code, became=became, reason=reason, code=code)
    lines["found"] = lines["found"].fillna("").astype(str) if "found" in rows else ""
    if len(lines) > LISTED:
        counts = lines.iloc[LISTED:].groupby("file", sort=False, observed=True).size()
        rest = [Line(file, reason, f"+ {n}", code=code) for file, n in counts.items()]
        lines = pd.concat([lines.iloc[:LISTED], pd.DataFrame(rest)], ignore_index=True)
    return lines[[*LEDGER_COLUMNS]]


class Line(NamedTuple):
    """One line of the ledger."""

    file: object
    reason: str
    found: object = ""
    became: object = ""
    row: int | None = None
    column: str = ""
    code: str = ""


def list_lines(lines: Sequence[Line]) -> pd.DataFrame:
    """Return lines of the ledger as a frame."""
    frame = pd.DataFrame(lines, columns=Line._fields)
    return frame.astype({"found": str, "became": str})[[*LEDGER_COLUMNS]]


def connect_records() -> "DuckDBPyConnection":
    """Return a connection for the records of one wave, with the SQL that reading them needs."""
    import duckdb

    connection = duckdb.connect()
    make_stamp_macros(connection)
    connection.execute(
        "CREATE MACRO code_official(unit, name) AS CASE WHEN name = '' THEN '' ELSE "
        "'cb-' || left(sha256(unit || '/' || lower(nfc_normalize(name))), 10) END"
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
    index, opened, errors = index_units(units), list[_OpenFile](), list[SipasError]()
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
            file = _OpenFile(connection, kind, raw, number)
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
    connection: "DuckDBPyConnection", kind: str, files: Sequence["_OpenFile"]
) -> ExportTable:
    """Return the table of all files, copied unless it is a view on large files."""
    n_rows = sum(file.raw.n_rows for file in files)
    is_lazy = all(file.raw.is_lazy for file in files)
    union = " UNION ALL BY NAME ".join(file.write_select() for file in files)
    name = f"{kind}_read"
    connection.execute(f"CREATE {'VIEW' if is_lazy else 'TABLE'} {name} AS {union}")
    names = [file.raw.path.name for file in files]
    roles = frozenset(role for file in files for role in file.raw.placed.positions)
    roles |= {"unit"} if any(file.raw.entry.unit for file in files) else set()
    ledger = [list_lines([line for file in files for line in file.lines])]
    return ExportTable(connection, kind, name, names, roles, n_rows, is_lazy, ledger)


class _OpenFile:
    """One file while its words and stamps are read."""

    def __init__(
        self, connection: "DuckDBPyConnection", kind: str, raw: RawFile, number: int
    ) -> None:
        self.connection, self.raw, self.number = connection, raw, number
        self.export = find_export(kind)
        self.lines: list[Line] = []
        self.words: list[tuple[object, ...]] = []  # role, text and what it means
        self.cells: dict[str, str] = {}  # SQL of each role, over the table and its words
        self.joins: list[str] = []
        self.has_positions = {*raw.placed.positions} - ({"unit"} if raw.entry.unit else set())

    def read(self, index: Mapping[str, str]) -> list[SipasError]:
        """Read words and stamps; return every mistake."""
        errors: list[SipasError] = []
        for reason, headers in self.raw.placed.dropped.items():
            for header in headers:
                self._note(reason, column=header)
        if self.raw.n_rows in read_export_words().caps:
            self._note("records_cap", self.raw.n_rows)
        texts = self._fetch_texts()
        errors += self._read_stamps()
        for name, role in self.export.roles.items():
            cell = f"r.{quote_name(name)}"
            if name == "unit" and self.raw.entry.unit:
                errors += self._set_unit(index)
            elif name not in self.has_positions:
                self._set_absent(name)
            elif role.kind == "stamp":
                self.cells[name] = f"read_stamp({cell})"
            elif role.kind in WORDS:
                errors += self._read_words(name, texts[name], index)
            else:
                self.cells[name] = cell
        for name in self.export.list_roles("official"):
            self._code_officials(name)
        words = pd.DataFrame(self.words, columns=["role", "text", "value", "second"], dtype=object)
        self.connection.register("words_read", words)
        self.connection.execute(f"CREATE TABLE {self.raw.table}_words AS FROM words_read")
        self.connection.unregister("words_read")
        return errors

    def write_select(self) -> str:
        """Return the SQL of all rows with every role, typed."""
        cells = [f"{cell} AS {quote_name(name)}" for name, cell in self.cells.items()]
        source = " ".join([f"{self.raw.table} AS r", *self.joins])
        place = f"{self.number}::SMALLINT AS file, r.row AS row"
        return f"SELECT {place}, {', '.join(cells)} FROM {source}"  # noqa: S608 (names are quoted)

    def _note(self, reason: str, found: object = "", role: str = "", **facts: Any) -> None:
        """Write a line on this file into the ledger, on the column of a role if given."""
        if role:
            facts |= {"column": self.raw.placed.header_of(role), "code": role}
        self.lines.append(Line(self.raw.path.name, reason, found, **facts))

    def _fetch_texts(self) -> dict[str, pd.DataFrame]:
        """Return the distinct texts of each column of words, with first row and number of rows."""
        names = [name for name in self.export.list_roles(*WORDS) if name in self.has_positions]
        queries = [
            f"SELECT '{name}' AS role, {quote_name(name)} AS text, min(row) AS row, "  # noqa: S608
            f"count(*) AS n FROM {self.raw.table} GROUP BY 2"
            for name in names
        ]
        if not queries:
            return {}
        texts = self.connection.execute(" UNION ALL ".join(queries)).fetchdf()
        texts = texts.sort_values(["row", "text"], kind="stable")
        return {name: texts[texts["role"] == name] for name in names}

    def _set_unit(self, index: Mapping[str, str]) -> list[SipasError]:
        """Set the unit of all rows, as the entry names it."""
        name = self.raw.entry.unit
        place = self.raw.place("unit", value=name)
        if fold_text(name) not in index:
            near = name_nearest_units([place], index)
            return [RecordsError("records_unit", [place], near=near)]
        self.cells["unit"] = f"'{index[fold_text(name)]}'"
        return []

    def _set_absent(self, name: str) -> None:
        """Set what a role is that the file does not have; the unit of a stay is its dossier's."""
        if name == "unit" and self.raw.kind == "movements":
            self.joins.append("LEFT JOIN dossier_units AS u ON r.dossier = u.dossier")
            self.cells[name] = "coalesce(u.unit, '')"
        self.cells.setdefault(name, find_blank_default(self.export, name))
        if self.export.roles[name].kind == "level":
            self.cells["is_mapped"] = "false"

    def _read_stamps(self) -> list[SipasError]:
        """Check all points in time; refuse texts that are none, and days that were turned."""
        errors: list[SipasError] = []
        roles = [name for name in self.export.list_roles("stamp") if name in self.has_positions]
        texts, table = self.raw.texts, self.raw.table
        for name, counts in count_stamps(self.connection, table, roles, texts).items():
            if name in texts and counts["wrong"]:
                rows, is_month_first = list_wrong_stamps(self.connection, table, name)
                pairs = zip(rows["row"], rows["found"], strict=True)
                places = [self.raw.place(name, int(row), found) for row, found in pairs]
                message = "records_month_first" if is_month_first else "records_stamp"
                errors.append(RecordsError(message, places))
            elif name in texts and is_turned(counts):
                errors.append(RecordsError("records_turned", [self.raw.place(name)]))
            for reason in ("serial", "zoned", "none"):
                if counts[reason]:
                    self._note(f"records_{reason}", counts[reason], name)
            if counts["n"] - counts["none"] == counts["midnight"] > 1:
                self._note("records_midnight", counts["midnight"], name)
        return errors

    def _read_words(
        self, name: str, texts: pd.DataFrame, index: Mapping[str, str]
    ) -> list[SipasError]:
        """Read the distinct texts of a column; refuse unknown ones where something is counted."""
        role, codes = self.export.roles[name], self.raw.entry.codes.get(name, {})
        readings = read_words(name, role, texts["text"], codes, index)
        if role.kind == "label":
            readings = self._drop_free_texts(name, texts, readings)
        blank = [text for text in texts["text"] if not text.strip()]
        blank = blank if role.kind == "unit" and role.is_needed else []
        unknown = texts[texts["text"].isin([*blank, *readings.unknown])]
        if len(unknown) and (role.is_strict or role.kind == "number"):
            return [self._refuse_words(name, role, [*unknown["text"]], index)]
        self._note_words(name, texts, readings)
        self._join_words(name, role, readings)
        return []

    def _drop_free_texts(
        self, name: str, texts: pd.DataFrame, readings: WordReadings
    ) -> WordReadings:
        """Return readings without the texts of few rows: they may be words of a person."""
        few = texts.loc[(texts["n"] < REPEATED) & (texts["text"] != ""), ["text", "n"]]
        if len(few):
            self._note("records_free_text", few["n"].sum(), name)
        return WordReadings({**readings.values, **dict.fromkeys(few["text"], ("",))})

    def _refuse_words(
        self, name: str, role: Role, unknown: Sequence[str], index: Mapping[str, str]
    ) -> SipasError:
        """Return the error of words that mean nothing known, with their places."""
        rows = self.connection.execute(
            f"SELECT row, {quote_name(name)} AS text FROM {self.raw.table} "  # noqa: S608
            f"WHERE list_contains(?, {quote_name(name)}) ORDER BY row LIMIT {LISTED}",
            [[*unknown]],
        ).fetchdf()
        pairs = zip(rows["row"], rows["text"], strict=True)
        places = [self.raw.place(name, int(row), text) for row, text in pairs]
        if role.kind == "unit":
            filled = [place for place in places if place.value]
            if not filled:
                return RecordsError("records_unit_blank", places)
            return RecordsError("records_unit", filled, near=name_nearest_units(filled, index))
        if role.kind in ("number", "limit"):
            return RecordsError(f"records_{role.kind}", places)
        words = read_export_words().words.get(name, {})
        texts = {text: code for code, listed in words.items() for text in (code, *listed)}
        near = {text: find_nearest(text, texts) for text in unknown[:5]}
        shown = "; ".join(
            f"“{shorten(text)}” ≈ {texts[close]}" for text, close in near.items() if close
        )
        known = "; ".join(f"{code} ({listed[0]})" for code, listed in words.items())
        return RecordsError("records_word", places, role=name, near=shown or "–", known=known)

    def _note_words(self, name: str, texts: pd.DataFrame, readings: WordReadings) -> None:
        """Write each distinct text that became another, or was left out, into the ledger."""
        first = dict(zip(texts["text"], texts["row"], strict=True))
        reason = "spelling" if self.export.roles[name].kind == "name" else "label"
        for text, value in readings.changed.items():
            if text.strip():
                found = hide_personal(shorten(text))
                self._note(reason, found, name, became=value, row=int(first[text]))
            else:
                n_blank = texts.loc[texts["text"] == text, "n"].sum()
                self._note("records_default", n_blank, name, became=value)
        for text in readings.unknown:
            found = hide_personal(shorten(text))
            self._note("records_word_unread", found, name, row=int(first[text]))

    def _join_words(self, name: str, role: Role, readings: WordReadings) -> None:
        """Let the SQL of a role take the value of each text."""
        cell, alias = f"r.{quote_name(name)}", f"w_{name}"
        second = {"limit": "limit_unit", "level": "is_mapped"}.get(role.kind, "")
        if readings.is_as_written and not second and role.kind != "number":
            self._set_word(name, cell)
            return
        pairs = readings.values.items()
        self.words += [(name, text, values[0], str(values[-1])) for text, values in pairs]
        table = f"(SELECT text, value, second FROM {self.raw.table}_words WHERE role = '{name}')"  # noqa: S608
        self.joins.append(f"LEFT JOIN {table} AS {alias} ON {cell} = {alias}.text")
        value = f"{alias}.value"
        is_number = role.kind in ("number", "limit")
        self._set_word(name, f"CAST(nullif({value}, '') AS DOUBLE)" if is_number else value)
        if second:
            test = " = 'True'" if role.kind == "level" else ""
            self.cells[second] = f"{alias}.second{test}"

    def _set_word(self, name: str, cell: str) -> None:
        """Set the SQL of a role; a blank unit of time is the one that stands with the limit."""
        with_limit = self.cells.get(name, "")
        self.cells[name] = f"coalesce(nullif({cell}, ''), {with_limit})" if with_limit else cell

    def _code_officials(self, name: str) -> None:
        """Let names of officials become codes, alike in all files; codes stay (rule P1)."""
        if name not in self.has_positions:
            return
        cell, table = quote_name(name), self.raw.table
        is_code = _IS_CODE.format(cell)
        query = f"SELECT bool_and({is_code}) FROM {table} WHERE {cell} <> ''"  # noqa: S608
        has_codes = self.connection.execute(query).fetchall()[0][0] is not False
        if not has_codes:
            self.cells[name] = f"code_official({self.cells['unit']}, r.{cell})"
        self._note("records_official_kept" if has_codes else "records_official", role=name)


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
    return table.fetch(f"SELECT {', '.join(cells)} FROM {{table}}")  # noqa: S608


def make_empty_frame(kind: str) -> pd.DataFrame:
    """Return a frame of no rows with the columns that ``fetch_frame`` gives a kind of export."""
    dtypes = {"stamp": "datetime64[s]", "number": "float64", "limit": "float64"}
    roles = {name: dtypes.get(role.kind, "str") for name, role in find_export(kind).roles.items()}
    kinds = {"file": "int16", "row": "int32", **roles}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def read_export(
    connection: "DuckDBPyConnection", kind: str, wave: Wave, units: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read all files of one kind into a frame with its ledger; no row where the wave names none.

    The frame has ``file`` (number), ``row`` and every role of ``columns.yaml``: points in time as
    ``datetime64[s]``, numbers as float, texts as str or category (missing: ``""``).

    Raises:
        FileError, RecordsError, SeveralError: As ``open_export``.
    """
    table = open_export(connection, kind, wave, units)
    if table is None:
        return make_empty_frame(kind), join_ledgers([])
    return fetch_frame(table), join_ledgers(table.ledger)
