"""The private receipt: true names of the inputs, and keyed hashes by which an edit is located.

It lies beside the receipt, is kept as the forms are, and is packed into the whole archive only. It
holds no answer. Its key is a hash of all inputs with a prefix, so that two runs on the same inputs
write the same bytes, while nobody can compute the key from the hashes in the public receipt.
"""

import gzip
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, StringConstraints

from sipas_analysis import __version__
from sipas_analysis.collect.answer_files import hash_answers
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.wave import Wave, read_wave
from sipas_analysis.errors import SipasError
from sipas_analysis.files import hash_if_there, is_inside, write_privately, write_whole
from sipas_analysis.input_copies import copy_input, hash_of_copy, is_there
from sipas_analysis.proof.altered_cells import Alterations, find_alterations
from sipas_analysis.proof.cell_hashes import (
    Hashes,
    TableHashes,
    count_parts,
    hash_cells,
    hash_table,
    hash_texts,
)
from sipas_analysis.proof.line_changes import LineChanges, Pair, find_line_changes
from sipas_analysis.proof.program import Facts
from sipas_analysis.proof.receipt import (
    PRIVATE_NAME,
    RECEIPT_FORMAT,
    list_inputs,
    read_contents,
    relative_path,
)
from sipas_analysis.sheets.data_files import read_parquet_columns
from sipas_analysis.sheets.file_kinds import find_kind
from sipas_analysis.sheets.reader import Sheet, name_column_letter, read_sheet, read_sheets
from sipas_analysis.sheets.text_files import read_text_rows

PRIVATE_FORMAT = "sipas-private-receipt/1"
LARGEST = 100_000_000  # bytes of a text or workbook whose cells are hashed
MOST_CELLS = 20_000_000  # of a Parquet file
TEXTS, NO_LETTERS = (".yaml", ".yml"), (".sav", ".dta", ".parquet")  # columns with names only
Columns = Iterable[Sequence[str]]


class _Shape(BaseModel):
    """A part of the private receipt; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class PrivateTable(_Shape):
    """The hashes of one sheet, in base 64, and the row of its header."""

    sheet: str
    header: int
    rows: str
    columns: str
    parts: str


class PrivateFile(_Shape):
    """An input: its public name, its path from ``wave.yaml``, and the hashes of its content.

    The receipt has hash and size only of files that hold no answers.
    ``sheets`` are those that the wave names, where it names some.
    """

    file: str
    name: str
    sha256: str
    bytes: int
    sheets: list[str] = []
    lines: str = ""
    tables: list[PrivateTable] = []


class PrivateReceipt(_Shape):
    """The content of ``receipt.private.json``."""

    format: str
    key: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
    files: list[PrivateFile]


class Change(NamedTuple):
    """An edit of an input.

    Attributes:
        kind: Such as ``cell``; a message ``verification.finding.<kind>`` says it.
        file: File, with its sheet if it has several.
        old: Rows, columns or lines before, or rows of an altered cell.
        new: The same now, or the column of an altered cell.
    """

    kind: str
    file: str
    old: str = ""
    new: str = ""


def make_private_receipt(survey: Survey) -> str:
    """Return the private receipt of a survey as text.

    Args:
        survey: Survey behind the files of a run.

    Returns:
        JSON; the same text for the same inputs.

    Source: rules P and P3 in docs/method.md.
    """
    wave = survey.wave
    names = {path: name for path, name in wave.name_files().items() if is_there(path)}
    key, headers = _make_key(map(copy_input, names)), _list_header_rows(wave)
    files = [
        _describe_file(path, name, wave.path.parent, headers.get(path.absolute(), {}), key)
        for path, name in names.items()
    ]
    private = PrivateReceipt(format=PRIVATE_FORMAT, key=key, files=files)
    return json.dumps(private.model_dump(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_private_receipt(text: str, out: Path) -> Path:
    """Write the private receipt, readable by its owner only; return its path."""
    with write_privately():
        return write_whole(out / PRIVATE_NAME, text)


def hash_private_receipt(text: str) -> str:
    """Return the hash by which the receipt names the private one."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def locate_changes(
    out: Path, facts: Facts, home: Path, within: Path | None = None
) -> Iterator[Change]:
    """Say what was altered in the inputs: file, sheet, row and column.

    Args:
        out: Output folder with its receipts.
        facts: Content of the receipt.
        home: Folder of ``wave.yaml``, from which the inputs are named.
        within: The folder of an archive: no input is read from elsewhere.

    Yields:
        Nothing if all inputs are those of the receipt and the private receipt is, too.
    """
    wanted, path = facts.get("private", ""), out / PRIVATE_NAME
    found = hash_if_there(path)
    if found and found != wanted:
        yield Change("output", PRIVATE_NAME, wanted, found)
    private = _read_private_receipt(out, wanted)
    for file in private.files if private else ():
        place = home / file.name
        if is_inside(place, within) and hash_if_there(place) not in (None, file.sha256):
            yield from _locate_in_file(place, file, private.key if private else "")


def fill_hashes(facts: Facts, out: Path, present: Mapping[str, str]) -> list[Facts]:
    """Return the inputs of a receipt, each with a hash, also those that hold answers.

    Args:
        facts: Content of the receipt.
        out: Output folder with its receipts.
        present: SHA-256 of each file as it is now, by its public name.

    Returns:
        Rows with ``file`` and ``sha256``. A hash that the receipt has not is that of the private
        receipt; without that, of the file as it is now, if all together are the ``answers`` of the
        receipt; else it is empty.

    Source: rules P and P3 in docs/method.md.
    """
    private = _read_private_receipt(out, facts.get("private", ""))
    listed = {file.file: file.sha256 for file in private.files} if private else {}
    for hashes in (listed, present, {}):
        rows = [{"sha256": hashes.get(row["file"], ""), **row} for row in facts["inputs"]]
        if hash_answers((row["file"], row["sha256"]) for row in rows) == facts.get("answers"):
            return rows
    return rows


def list_false_lines(facts: Facts, survey: Survey) -> Iterator[tuple[str, str, str]]:
    """Yield what a receipt says of its inputs other than they give: line, as it is, as it must be.

    Format, rows of the inputs, ``answers`` and the hash of the private receipt are compared; a
    receipt of an earlier format only if it says that this version wrote it.

    Args:
        facts: Content of the receipt.
        survey: What was read from the same inputs.

    Source: rule P in docs/method.md.
    """
    if facts["format"] != RECEIPT_FORMAT and facts["program"]["version"] != __version__:
        return
    again = {
        "format": RECEIPT_FORMAT,
        "answers": hash_answers((file.file, file.sha256) for file in read_contents(survey)),
        "private": hash_private_receipt(make_private_receipt(survey)),
    }
    yield from (
        (name, str(facts.get(name, "")), new)
        for name, new in again.items()
        if facts.get(name, "") != new
    )
    rows = [
        [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in inputs]
        for inputs in (facts["inputs"], list_inputs(survey))
    ]
    for place, (old, new) in enumerate(zip_longest(*rows, fillvalue="–")):
        if old != new:
            yield f"inputs.{place}", old, new


def _read_private_receipt(out: Path, wanted: str) -> PrivateReceipt | None:
    """Return the private receipt of this hash; None if it is not there or cannot be read."""
    path = out / PRIVATE_NAME
    if not wanted or hash_if_there(path) != wanted:
        return None
    try:
        private = PrivateReceipt.model_validate(json.loads(path.read_text("utf-8")), strict=True)
        for table in (table for file in private.files for table in file.tables):
            _unpack_table(table)
    except (OSError, ValueError, RecursionError):
        return None
    return private if private.format == PRIVATE_FORMAT else None


def _make_key(copies: Iterable[Path]) -> str:
    """Return sixteen letters that only somebody with all inputs can compute."""
    digest = hashlib.sha256(PRIVATE_FORMAT.encode())
    for copy in copies:
        with copy.open("rb") as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def _list_header_rows(wave: Wave) -> dict[Path, dict[str, int]]:
    """Return the row of the header of each sheet that ``wave.yaml`` or an earlier one names."""
    rows: dict[Path, dict[str, int]] = {}
    earlier = [wave.path_of(name) for name in wave.earlier]
    for year in (wave, *(read_wave(path) for path in earlier if is_there(path))):
        folder = year.path.parent
        entries = (*year.responses, *(year.keyed_twice if year is wave else ()))
        listed = [
            (path, entry.sheet, entry.header[-1])
            for entry in entries
            for path in entry.list_paths(folder)
        ]
        if year is wave and wave.records:
            records = wave.records.list_files(folder)
            listed += [(path, entry.sheet, entry.header) for _, path, entry in records]
        for path, sheet, header in listed:
            rows.setdefault(path.absolute(), {}).setdefault(sheet, header)
    return rows


def _describe_file(
    path: Path, name: str, home: Path, sheets: Mapping[str, int], key: str
) -> PrivateFile:
    """Return name and hashes of an input; of one that is too large, or no table, its name only."""
    named = [sheet for sheet in sheets if sheet]
    copy, place = copy_input(path), relative_path(path, home)
    sha256, n_bytes = hash_of_copy(copy), copy.stat().st_size
    file = PrivateFile(file=name, name=place, sha256=sha256, bytes=n_bytes, sheets=named)
    if path.suffix.lower() in TEXTS:
        file.lines = _pack(hash_texts(_read_lines(path), key))
        return file
    try:
        for sheet, columns in _read_tables(path, named):
            table = hash_table(hash_cells(columns, key))
            header = sheets.get(sheet, sheets.get("", 1))
            parts = {part: _pack(getattr(table, part)) for part in ("rows", "columns", "parts")}
            file.tables.append(PrivateTable(sheet=sheet, header=header, **parts))
    except SipasError:  # a file that is named but is no table
        file.tables = []
    return file


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a text, without spaces at their ends."""
    text = copy_input(path).read_text("utf-8", errors="replace")
    return [line.rstrip() for line in text.splitlines()]


def _read_tables(path: Path, sheets: Sequence[str] = ()) -> Iterator[tuple[str, Columns]]:
    """Yield name and columns of each sheet that is read; nothing of a file that is too large."""
    copy = copy_input(path)
    if path.suffix.lower() == ".gz":
        if copy.stat().st_size < LARGEST / 10:
            rows = read_text_rows(gzip.decompress(copy.read_bytes()), path.name)
            yield "", zip_longest(*rows, fillvalue="")
        return
    if find_kind(copy) == "parquet":
        yield "", read_parquet_columns(copy, MOST_CELLS)
    elif copy.stat().st_size < LARGEST:
        tables = [read_sheet(path, name) for name in sheets] if sheets else read_sheets(path)
        yield from ((table.name, _list_columns(table)) for table in tables)


def _list_columns(sheet: Sheet) -> Iterator[Sequence[str]]:
    """Yield the columns of a sheet; where a cell has no text, what stands there instead."""
    rows = [[*row] for row in sheet.rows]
    for (row, column), text in sheet.no_value.items():
        if row <= len(rows) and column <= len(rows[row - 1]):
            rows[row - 1][column - 1] = text
    for name, texts in sheet.missing.items():
        column = rows[0].index(name)
        for row, text in texts.items():
            rows[row - 1][column] = text
    return zip_longest(*rows, fillvalue="")


def _locate_in_file(path: Path, file: PrivateFile, key: str) -> Iterator[Change]:
    """Say what was altered in one file."""
    try:
        if file.lines:
            lines = hash_texts(_read_lines(path), key)
            yield from _describe_lines(find_line_changes(_unpack(file.lines), lines), file.name)
            return
        tables = {name: [*columns] for name, columns in _read_tables(path, file.sheets)}
    except SipasError:  # said by whoever reads the survey
        return
    changes = [*_locate_in_tables(file, tables, key)]
    yield from changes or ([Change("no_cell", file.name)] if file.tables else [])


def _locate_in_tables(
    file: PrivateFile, tables: Mapping[str, Sequence[Sequence[str]]], key: str
) -> Iterator[Change]:
    """Say what was altered in the sheets of a file, which are given by their columns."""
    for table in file.tables:
        label = f"{file.name} [{table.sheet}]" if table.sheet else file.name
        if table.sheet not in tables:
            yield Change("sheet_removed", label)
            continue
        columns = tables[table.sheet]
        changes = find_alterations(_unpack_table(table), hash_cells(columns, key))
        yield from _describe_alterations(changes, label, columns, table.header)
    listed = {table.sheet for table in file.tables}
    new = [sheet for sheet in tables if sheet not in listed]
    yield from (Change("sheet_added", f"{file.name} [{sheet}]") for sheet in new)


def _describe_lines(changes: LineChanges, file: str) -> Iterator[Change]:
    """Say which lines of a text were altered."""
    rows = [now for _, now in changes.altered]
    yield from ([Change("line", file, list_ranges(rows))] if rows else [])
    yield from _describe_moves("line", file, changes)


def _describe_alterations(
    changes: Alterations, file: str, columns: Sequence[Sequence[str]], header: int
) -> Iterator[Change]:
    """Say which cells, rows and columns of a table were altered."""
    order = sorted(changes.cells, key=lambda column: (column is None, column))
    for column in order:
        kind, name = "row", ""
        if column is not None:
            kind, name = "cell", _name_column(file, columns[column], column, header)
        yield Change(kind, file, list_ranges(changes.cells[column]), name)
    yield from _describe_moves("row", file, changes.rows)
    yield from _describe_moves("column", file, changes.columns)


def _describe_moves(kind: str, file: str, changes: LineChanges) -> Iterator[Change]:
    """Say which lines, rows or columns were removed, added, swapped or moved."""
    name = list_letters if kind == "column" else list_ranges
    if changes.removed:
        yield Change(f"{kind}_removed", file, name(changes.removed))
    if changes.added:
        yield Change(f"{kind}_added", file, new=name(changes.added))
    for way, pairs in (("swapped", changes.swapped), ("moved", changes.moved)):
        for run in _group_runs(pairs):
            before, now = zip(*run, strict=True)
            yield Change(f"{kind}_{way}", file, name(before), name(now))


def _group_runs(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """Return pairs in groups in which both places rise by one."""
    runs: list[list[Pair]] = []
    for old, new in sorted(pairs):
        if runs and runs[-1][-1] == (old - 1, new - 1):
            runs[-1].append((old, new))
        else:
            runs.append([(old, new)])
    return runs


def _name_column(file: str, column: Sequence[str], place: int, header: int) -> str:
    """Return the letter of a column with its header; of a file without letters the header."""
    text = " ".join(column[header - 1].split()) if header <= len(column) else ""
    letter = name_column_letter(place)
    if text and file.lower().endswith(NO_LETTERS):
        return text
    return f"{letter} ({text})" if text else letter


def list_letters(places: Iterable[int]) -> str:
    """Return columns, counted from 0, by their letters: ``C, F``."""
    return ", ".join(map(name_column_letter, places))


def list_ranges(places: Iterable[int]) -> str:
    """Return places, counted from 0, as rows counted from 1: ``2–31, 40``.

    Example:
        >>> list_ranges([1, 2, 3, 39])
        '2–4, 40'
    """
    runs = _group_runs((place, place) for place in places)
    ends = [(run[0][0] + 1, run[-1][0] + 1) for run in runs]
    return ", ".join(f"{low}" if low == high else f"{low}–{high}" for low, high in ends)


def _pack(hashes: "Hashes | NDArray[np.uint32]") -> str:
    """Return hashes as text: their bytes, the lowest first, in base 64."""
    return b64encode(hashes.astype(hashes.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def _unpack(text: str, kind: str = "<u8") -> Hashes:
    """Return the hashes of a text.

    Raises:
        ValueError: The text is not one that ``_pack`` wrote.
    """
    return np.frombuffer(b64decode(text, validate=True), dtype=kind).astype(kind[1:])


def _unpack_table(table: PrivateTable) -> TableHashes:
    """Return the hashes of a table.

    Raises:
        ValueError: They do not belong together.
    """
    rows, columns = _unpack(table.rows), _unpack(table.columns)
    shape = (count_parts(len(rows)), len(columns))
    return TableHashes(rows, columns, _unpack(table.parts, "<u4").astype(np.uint32).reshape(shape))
