"""Read the cells of every file of a wave, with all their mistakes.

A file is checked to its end: a sheet, its table, what each column is, and what each cell means.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sipas_analysis.collect.cell_state import keep_forms
from sipas_analysis.collect.cells import Cells
from sipas_analysis.collect.columns import PlacedColumns, check_columns, place_columns
from sipas_analysis.collect.placed_cells import (
    make_item_readers,
    propose_recodes,
    read_placed_columns,
)
from sipas_analysis.collect.responses import Responses
from sipas_analysis.collect.row_rules import (
    find_split_questions,
    leave_rows_out,
    place_split_questions,
    put_together,
)
from sipas_analysis.collect.tables import find_table
from sipas_analysis.collect.units import name_nearest_units
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import (
    AnswerError,
    ConfigError,
    FileError,
    FormError,
    SipasError,
    UnitError,
)
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.memory import return_memory
from sipas_analysis.progress import watch
from sipas_analysis.sheets.reader import read_sheet
from sipas_analysis.sheets.text_columns import keep_by_column

Contents = tuple[list[Cells], list[SipasError]]  # of the files of a wave, with all mistakes

# Mistakes of columns beside the answers, which can be read and are checked at once.
BESIDE_ANSWERS = {"columns_unknown", "columns_questions"}

_REMEMBERED: list[list[tuple[Wave, Contents]]] = []  # one list while ``remember_files`` lasts


@contextmanager
def remember_files() -> Iterator[None]:
    """Read the files of a wave only once while this lasts, for a survey and its return slips."""
    _REMEMBERED.append([])
    try:
        yield
    finally:
        _REMEMBERED.pop()


def read_files(wave: Wave, index: Mapping[str, str]) -> Contents:
    """Read every file to its end; return the cells of each that has a table, and all mistakes."""
    for earlier, contents in _REMEMBERED[-1] if _REMEMBERED else ():
        if earlier == wave:
            return contents
    contents = _read_each_file(wave, index)
    if _REMEMBERED:
        _REMEMBERED[-1].append((wave, contents))
    return contents


def _read_each_file(wave: Wave, index: Mapping[str, str]) -> Contents:
    """Read the files now, whatever is remembered."""
    files: list[Cells] = []
    errors: list[SipasError] = []
    for path, responses in watch([*wave.list_sources()]):
        cells, file_errors = _read_file(path, responses, wave, index)
        files += [cells] if cells else []
        errors += file_errors
        if cells and keep_by_column(len(cells.raw)):
            return_memory()
    return files, errors


def _read_file(
    path: Path, responses: Responses, wave: Wave, index: Mapping[str, str]
) -> tuple[Cells | None, list[SipasError]]:
    """Read one file; return its cells, if it has a table, and its mistakes."""
    pack, hidden = wave.read_pack(), responses.hidden or wave.hidden
    try:
        sheet = read_sheet(path, responses.sheet)
        table = find_table(sheet, responses.header, hidden, by_column=True)
    except FileError as error:
        return None, [error]
    columns = wave.columns_of(responses)
    split = find_split_questions(table.frame.columns, columns, pack)
    headers, columns = place_split_questions(table.frame.columns, split, columns, pack)
    placed = place_columns(headers, columns, pack, table.sheet.labels)
    readers = make_item_readers(placed, responses, wave)
    parts = [(question.code, header) for question in split for header in question.headers]
    item_headers = [*placed.items.items(), *(part for part in parts if part[0] in readers)]
    item_readers = {header: readers[code] for code, header in item_headers}
    ticks = {header: header for code, header in parts if code in pack.indicators}
    with_ticks = replace(placed, indicators=placed.indicators | ticks)
    table = keep_forms(table, with_ticks, item_readers, responses.rows, hidden)
    cells = Cells(table, table.frame.copy(deep=False))
    cells.note_left_out()
    leave_rows_out(cells, placed, wave, responses.dates)
    read_table = replace(table, frame=cells.raw)
    column_errors = check_columns(placed, columns, pack, read_table, responses.unit)
    if table.frame.empty or not {error.message_id for error in column_errors} <= BESIDE_ANSWERS:
        return cells, [*column_errors, *table.errors]
    for reason, headers in placed.dropped.items():
        for header in headers:
            cells.note_column(header, reason)
    put_together(cells, split, columns, pack)
    read_placed_columns(cells, placed, responses, wave, index)
    cell_errors = list_cell_errors(cells, placed, pack, index)
    return cells, [*column_errors, *table.errors, *cell_errors]


def list_cell_errors(
    cells: Cells, placed: PlacedColumns, pack: Instrument, index: Mapping[str, str]
) -> list[SipasError]:
    """Return one error for each kind of mistake in the cells of a file."""
    errors: list[SipasError] = []
    for kind, places in cells.wrong.items():
        message, *ends = kind.split()
        fields = dict(zip(("low", "high"), ends, strict=False))
        if message == "choice":
            fields["near"] = propose_recodes(places, placed, pack)
        elif message == "unit":
            fields["near"] = name_nearest_units(places, index)
        error_class = _ERROR_CLASSES.get(message, AnswerError)
        errors += [error_class(message, dict.fromkeys(places), **fields)] if places else []
    return sorted(errors, key=lambda error: error.exit_code)  # answers first


_UNIT_MISTAKES = ("unit", "unit_missing", "frame_unit_missing", "unit_differs", "unit_blank")
_ERROR_CLASSES: dict[str, type[SipasError]] = {  # of mistakes in cells that are no wrong answers
    **dict.fromkeys(_UNIT_MISTAKES, UnitError),
    "recode": ConfigError,
    "form_twice": FormError,
}
