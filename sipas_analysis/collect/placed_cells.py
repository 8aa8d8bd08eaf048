"""Read the placed columns of one file: items, questions beside the index, unit and other roles."""

from collections.abc import Callable, Mapping

import numpy as np

from sipas_analysis.collect.cells import Cells
from sipas_analysis.collect.columns import PlacedColumns
from sipas_analysis.collect.readings import (
    Reading,
    make_choice_reader,
    make_level_reader,
    read_day,
    read_weight,
    read_words,
)
from sipas_analysis.collect.texts import fold_text
from sipas_analysis.collect.wave import Responses, Wave
from sipas_analysis.instrument.pack import Instrument


def read_placed_columns(
    cells: Cells,
    placed: PlacedColumns,
    responses: Responses,
    wave: Wave,
    index: Mapping[str, str],
) -> None:
    """Read every placed column of a file into its cells, with mistakes and changes.

    Args:
        cells: The text of the table; receives typed columns, ledger and mistakes.
        placed: What each column is.
        responses: The entry of the wave that names the file.
        wave: The facts of the year.
        index: Unit code by folded spelling.
    """
    _read_items(cells, placed, responses, wave)
    _read_questions(cells, placed, wave.read_pack())
    _read_units(cells, placed, responses, index)
    _read_roles(cells, placed)


def make_item_readers(
    placed: PlacedColumns, responses: Responses, wave: Wave
) -> dict[str, Callable[[str], Reading]]:
    """Return how to read each rated item that has a column, by code."""
    pack, declared_blank = wave.read_pack(), wave.columns.blank
    readers = {}
    for code in pack.rated_codes:
        if code not in placed.items:
            continue
        header, scale = placed.items[code], pack.scale_of(code)
        item_blank = declared_blank.get(code, ()) + declared_blank.get(header, ())
        pack_blank = pack.list_codes(code, "blank")
        blank = {fold_text(text) for text in (*pack_blank, *responses.blank, *item_blank)}
        labels = {
            text: level for text, level in wave.columns.labels.items() if level in scale.levels
        }
        absent = {fold_text(text) for text in pack.list_codes(code, "not_applicable")}
        absent -= {*map(fold_text, labels)}
        readers[code] = make_level_reader(scale, blank, labels, absent)
    return readers


def _read_items(cells: Cells, placed: PlacedColumns, responses: Responses, wave: Wave) -> None:
    """Read the items and the overall item of a file; an item without a column stays blank."""
    pack, readers = wave.read_pack(), make_item_readers(placed, responses, wave)
    for code in pack.rated_codes:
        if code not in readers:
            cells.columns[code] = np.full(len(cells.raw), np.nan)
            continue
        header, scale = placed.items[code], pack.scale_of(code)
        cells.read_column(code, header, f"answer {scale.low} {scale.high}", readers[code])
        cells.columns[code] = np.asarray(cells.columns[code], dtype=float)  # also if all are blank
        if pack.find_question(code).reverse:
            cells.turn_column(code, header, scale)


def _read_questions(cells: Cells, placed: PlacedColumns, pack: Instrument) -> None:
    """Read the questions beside the index, and the keys that the wave declares."""
    for code, header in placed.indicators.items():
        cells.read_column(code, header, "choice", make_choice_reader(pack.indicators[code]))
    for code, header in placed.keys.items():
        cells.read_column(code, header, "choice", read_words)


def _read_units(
    cells: Cells, placed: PlacedColumns, responses: Responses, index: Mapping[str, str]
) -> None:
    """Read the unit of each form: of the whole file, of its column, or the only one of the list."""
    n, file_unit = len(cells.raw), index.get(fold_text(responses.unit))

    def read_unit(text: str) -> Reading:
        code = index.get(fold_text(text))
        return Reading(code, ok=code is not None)

    def read_file_unit(text: str) -> Reading:
        return Reading(file_unit, ok=index.get(fold_text(text), file_unit) == file_unit)

    if responses.unit and file_unit is None:
        cells.wrong["unit"] = [cells.table.place(value=responses.unit)]
    elif responses.unit and "unit" in placed.roles:
        cells.read_column("unit", placed.roles["unit"], "unit_differs", read_file_unit)
    elif responses.unit:
        cells.columns["unit"] = [file_unit] * n
    elif "unit" in placed.roles:
        cells.read_column("unit", placed.roles["unit"], "unit", read_unit)
    elif len(set(index.values())) == 1:
        cells.columns["unit"] = [next(iter(index.values()))] * n
    else:
        cells.wrong["unit_blank"] = [cells.table.place()]


def _read_roles(cells: Cells, placed: PlacedColumns) -> None:
    """Read form, date, weight and the other roles of a file, except the unit."""
    readers = {
        "date": ("day", read_day),
        "weight": ("weight", read_weight),
        "fpc": ("weight", read_weight),
    }
    for role in ("form", "mode", "date", "weight", "stratum", "cluster", "fpc"):
        if role in placed.roles:
            kind, reader = readers.get(role, ("choice", read_words))
            cells.read_column(role, placed.roles[role], kind, reader)
    if "form" in placed.roles:
        cells.refuse_repeated_ids("form", placed.roles["form"])
