"""Read the placed columns of one file: items, questions beside the index, unit and other roles.

Each column is read by the words of the wave first: ``labels``, ``recode`` and ``blank``, of the
column, of the file and of the wave.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from sipas_analysis.collect.cells import Cells, map_texts
from sipas_analysis.collect.columns import PlacedColumns
from sipas_analysis.collect.days import find_day_order, make_day_reader, make_time_reader
from sipas_analysis.collect.readings import (
    NONE,
    Reader,
    Reading,
    allow_blank,
    find_choice,
    find_decimal,
    find_level,
    fold_answer,
    is_unclear,
    list_choices,
    make_choice_reader,
    make_level_reader,
    make_number_reader,
    make_word_reader,
    read_code,
)
from sipas_analysis.collect.responses import Responses
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import Place, name_kind
from sipas_analysis.instrument.pack import Instrument, Scale
from sipas_analysis.sheets.texts import fold_text, plain_text


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
    _read_questions(cells, placed, responses, wave)
    _read_units(cells, placed, responses, index)
    _read_roles(cells, placed, responses, wave)


def make_item_readers(placed: PlacedColumns, responses: Responses, wave: Wave) -> dict[str, Reader]:
    """Return how to read each question on satisfaction that a file has, by its code."""
    pack, columns = wave.read_pack(), wave.columns_of(responses)
    readers = {}
    for code, header in placed.items.items():
        scale, (blank, recode) = pack.scale_of(code), columns.find_words(code, header)
        levels = {text: find_level(scale, word) for text, word in recode.items()}
        words = {**columns.labels, **levels}.items()
        labels = {
            text: level for text, level in words if level is not None and level in scale.levels
        }
        blank += (*pack.list_codes(code, "blank"), *responses.blank)
        absent = pack.list_codes(code, "not_applicable")
        readers[code] = make_level_reader(scale, blank, labels, absent)
    return readers


def _read_items(cells: Cells, placed: PlacedColumns, responses: Responses, wave: Wave) -> None:
    """Read the items of a file and the questions beside them; one without a column stays blank."""
    pack, readers = wave.read_pack(), make_item_readers(placed, responses, wave)
    for code in pack.rated_codes:
        if code not in readers:
            cells.columns[code] = np.full(len(cells.raw), np.nan)
            continue
        header, scale = placed.items[code], pack.scale_of(code)
        recode = wave.columns_of(responses).find_words(code, header)[1]
        wrong = [word for word in recode.values() if find_level(scale, word) is None]
        cells.refuse_words("recode", header, wrong)
        _refuse_turned_numbers(cells, header, scale, readers[code])
        cells.read_column(code, header, f"answer {scale.low} {scale.high}", readers[code])
        cells.columns[code] = np.asarray(cells.columns[code], dtype=float)  # also if all are blank
        if pack.find_question(code).reverse:
            cells.turn_column(code, header, scale)


def _refuse_turned_numbers(cells: Cells, header: str, scale: Scale, read: Reader) -> None:
    """Refuse bare numbers beside a label that moves its own number: “1. …” = 5, and a bare 2?

    The middle of the scale and numbers whose level the wave states have one meaning.
    """
    texts = [*cells.raw[header].unique()]
    starts = [re.match(r"[0-9]+(?=$|\W)", fold_answer(text)) for text in texts]
    numbers = {text: int(start[0]) for text, start in zip(texts, starts, strict=True) if start}
    readings = {text: read(text) for text in numbers if numbers[text] in scale.levels}
    is_moved = [each.value not in (None, numbers[text]) for text, each in readings.items()]
    bare = [text for text, each in readings.items() if each.reason in ("", "spelling")]
    unclear = [text for text in bare if 2 * numbers[text] != scale.low + scale.high]
    if any(is_moved) and unclear:
        cells.refuse_rows("turned_scale", header, cells.raw[header].isin(unclear))


def _read_questions(cells: Cells, placed: PlacedColumns, responses: Responses, wave: Wave) -> None:
    """Read the questions beside the index, and the keys that the wave declares.

    A code for no answer of the whole file that is also a choice is refused: which one is meant?
    """
    pack, columns = wave.read_pack(), wave.columns_of(responses)
    for code, header in placed.indicators.items():
        indicator, (blank, recode) = pack.indicators[code], columns.find_words(code, header)
        wrong = [word for word in recode.values() if find_choice(indicator, word) is None]
        cells.refuse_words("recode", header, wrong)
        settled = {fold_answer(text) for text in (*blank, *recode)}
        clashes = {*map(fold_answer, responses.blank)} & {*list_choices(indicator)} - settled
        if clashes:
            is_clash = map_texts(cells.raw[header], fold_answer).isin(clashes)
            cells.refuse_rows("blank_choice", header, is_clash)
        reader = make_choice_reader(indicator, (*blank, *responses.blank), recode)
        cells.read_column(code, header, "choice", reader)
    for code, header in placed.keys.items():
        blank, recode = columns.find_words(code, header)
        reader = make_word_reader((*blank, *responses.blank), recode)
        cells.read_column(code, header, "choice", reader)


def propose_recodes(places: Iterable[Place], placed: PlacedColumns, pack: Instrument) -> str:
    """Return as YAML the recodes of texts that are a choice but for their marks, or mean none."""
    starts = tuple(f"{word} " for word in read_vocabulary()["none_of"])
    texts_by_header: dict[str, list[str]] = {}
    for place in places:
        texts_by_header.setdefault(place.column, []).append(place.value)
    recodes = []
    for code, header in placed.indicators.items():
        indicator = pack.indicators[code]
        choices = {plain_text(text): choice for text, choice in list_choices(indicator).items()}
        texts = Counter(texts_by_header.get(header, []))
        none = {
            text: NONE
            for text, n in texts.items()
            if indicator.kind == "many" and f"{fold_answer(text)} ".startswith(starts)
            if name_kind(text, n) == "label"  # not the words of one person
        }
        near = {text: choices[plain_text(text)] for text in texts if plain_text(text) in choices}
        near = none | near or {"…": next(iter(indicator.levels))}
        words = ", ".join(f'"{text}": {choice}' for text, choice in near.items())
        recodes += [f"{code}: {{{words}}}"] if texts else []
    return f"recode: {{{', '.join(recodes) or '…'}}}"


def _read_units(
    cells: Cells, placed: PlacedColumns, responses: Responses, index: Mapping[str, str]
) -> None:
    """Read the unit of each form: of the whole file, of its column, or the only one of the list."""
    n, file_unit = len(cells.raw), index.get(fold_text(responses.unit))

    def read_unit(text: str) -> Reading:
        code, folded = index.get(fold_text(text)), fold_text(text)
        return Reading(code, ok=code is not None or not folded)

    def read_file_unit(text: str) -> Reading:
        code, folded = index.get(fold_text(text), file_unit), fold_text(text)
        is_known = folded in index or not folded
        return Reading(file_unit, "" if is_known else "unit_of_file", ok=code == file_unit)

    if responses.unit and file_unit is None:
        cells.wrong["unit"] = [cells.table.place(value=responses.unit)]
    elif responses.unit and "unit" in placed.roles:
        cells.read_column("unit", placed.roles["unit"], "unit_differs", read_file_unit)
    elif responses.unit:
        cells.columns["unit"] = [file_unit] * n
    elif "unit" in placed.roles:
        header = placed.roles["unit"]
        cells.read_column("unit", header, "unit", read_unit)
        cells.refuse_rows("unit_missing", header, map_texts(cells.raw[header], fold_text) == "")
    elif len(set(index.values())) == 1:
        cells.columns["unit"] = [next(iter(index.values()))] * n
    else:
        cells.wrong["unit_blank"] = [cells.table.place()]


def _read_roles(cells: Cells, placed: PlacedColumns, responses: Responses, wave: Wave) -> None:
    """Read form, date, weight and the other roles of a file, except the unit."""
    columns = wave.columns_of(responses)
    for role, header in placed.roles.items():
        if role in ("date", "time"):
            order = _find_day_order(cells, header, responses.dates or wave.dates, wave)
            make_reader = make_day_reader if role == "date" else make_time_reader
            reader = make_reader(order) if order else make_word_reader()
            blank = columns.find_words(role, header)[0]
            cells.read_column(role, header, "day", allow_blank(reader, blank))
        elif role in ("weight", "fpc", "count"):
            decimal = _find_decimal_sign(cells, header, responses.decimal or wave.decimal)
            reader = make_number_reader(decimal, whole=role == "count")
            cells.read_column(role, header, "count" if role == "count" else "weight", reader)
        elif role == "dossier":
            blank = columns.find_words(role, header)[0]
            cells.read_column(role, header, "choice", allow_blank(read_code, blank))
        elif role != "unit":
            reader = make_word_reader(*columns.find_words(role, header))
            cells.read_column(role, header, "choice", reader)
    if "form" in placed.roles:
        cells.refuse_repeated_ids("form", placed.roles["form"])


def _find_day_order(cells: Cells, header: str, declared: str, wave: Wave) -> str:
    """Return how days are written in a column; refuse the column if that is not clear."""
    if declared:
        return declared
    start, end = wave.collected.start, wave.collected.end
    order, texts = find_day_order(cells.raw[header].unique(), start, end)
    if texts:
        cells.refuse_rows(order, header, map_texts(cells.raw[header], fold_text).isin(texts))
    if order == "m/d":
        cells.note_column(header, "month_first", "m/d")
    return "" if texts else order


def _find_decimal_sign(cells: Cells, header: str, declared: str) -> str:
    """Return the decimal sign of a column; refuse texts of two meanings if no other shows it."""
    decimal = declared or find_decimal(cells.raw[header].unique())
    if not decimal:
        cells.refuse_rows("decimal", header, map_texts(cells.raw[header], is_unclear).astype(bool))
    return decimal
