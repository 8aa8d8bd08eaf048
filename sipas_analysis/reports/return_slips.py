"""Write what each unit has to correct and send again, and an overview of all units.

Both are also written when a survey is refused. A slip lists every place of a unit's files, what is
there and what must be there; texts of respondents are never quoted. The overview compares forms
planned, received and valid, and states how much wider the interval is without the others. Slips
are for the units, the overview is for the office that reports: do not publish it.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.units import read_units
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import (
    Block,
    Column,
    Document,
    Joined,
    Number,
    Paragraph,
    Section,
    Signatory,
    Table,
    Text,
    make_text,
    render_text,
)
from sipas_analysis.documents.writers.docx import write_docx
from sipas_analysis.documents.writers.xlsx import Sheet, write_workbook
from sipas_analysis.errors import ColumnError, SipasError, group_places
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.files import write_privately
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.reports.edited_files import keep_edited, remove_old
from sipas_analysis.reports.unit_returns import Returns, UnitReturn, collect_returns

SLIPS = "return"  # folder of the slips
SLIP_HEADERS = ("no", "file", "cells", "found", "wanted")
OVERVIEW_HEADERS = (
    *("unit", "planned", "received", "valid", "rejected", "reason"),
    *("half_valid", "half_received", "half_planned", "send"),
)


def write_return_slips(
    wave: Wave, outcome: SipasError | Survey, folder: Path
) -> tuple[list[Path], list[Path]]:
    """Write a slip for each unit that has something to correct, and the overview.

    Args:
        wave: The facts of the year.
        outcome: The survey, or why it was refused.
        folder: Folder of the results: ``return/<unit>.docx`` and ``.xlsx``, ``overview.xlsx`` and
            ``overview.csv``. Each file is written whole or not at all. Earlier slips that are not
            needed any more are removed; a file that somebody edited is never written over.

    Returns:
        The slips, and the files of the overview; nothing if the list of units cannot be read.
    """
    try:
        units = read_units(wave)
        returns = collect_returns(wave, outcome, units)
    except SipasError:
        return [], []
    with write_privately():
        slips = [
            path
            for unit in returns.units.values()
            if _has_slip(unit)
            for path in _write_slip(unit, wave, folder)
        ]
        remove_old(folder, SLIPS, [path.relative_to(folder).as_posix() for path in slips])
        with keep_edited(folder, ["overview.xlsx"]):
            return slips, _write_overview(returns, wave, folder)


# ── a slip


def _has_slip(unit: UnitReturn) -> bool:
    """Return whether a unit has anything to correct, to send or to explain."""
    return bool(unit.complaints or unit.doubts or unit.n_missing)


def _write_slip(unit: UnitReturn, wave: Wave, folder: Path) -> list[Path]:
    """Write the slip of a unit as a letter, and as a table if there are places to correct."""
    names = [f"{SLIPS}/{unit.code}.docx", f"{SLIPS}/{unit.code}.xlsx"]
    language, table, day = wave.languages[0], _tabulate_places(unit, wave), wave.document_day
    *sentences, sentence_to_send = _list_sentences(unit, wave)
    title, closing = make_text("slip.title", year=str(wave.year)), make_text("slip.closing")
    blocks: list[Block] = [Paragraph(sentence) for sentence in sentences]
    blocks += [table] if table.rows else []
    blocks.append(Paragraph(closing))
    document = Document(
        id=f"slip-{unit.code}",
        title=title,
        subtitle="",
        banner=make_text("report.synthetic") if wave.is_synthetic else None,
        sections=(Section("slip", make_text("letter.to", unit=unit.name), tuple(blocks)),),
        footer=make_text("slip.footer", title=wave.title),
        official=Signatory(wave.province, wave.publisher, day, Text("office.number.letter")),
    )
    with keep_edited(folder, names[:1]):
        letter = write_docx(document, folder / names[0], language)
    if not table.rows:
        return [letter]
    sheet = Sheet(
        make_text("slip.sheet"),
        (title, unit.name, wave.title),
        tuple(column.label for column in table.columns),
        table.rows,
        notes=(*sentences, closing, sentence_to_send),
    )
    about = (title, wave.publisher, day)
    with keep_edited(folder, names[1:]):
        return [letter, write_workbook(folder / names[1], [sheet], about, language)]


def _tabulate_places(unit: UnitReturn, wave: Wave) -> Table:
    """List every place: file, cells, what is there and what must be there."""
    language = wave.languages[0]
    rows = [
        (
            group.sheet_text(language),
            group.cell_text(language, most=len(complaint.places)),
            group.value_text(language, bare=True) or None,
            complaint.wanted,
        )
        for complaint in unit.complaints
        for group in group_places(complaint.places, are_names=complaint.error.names_units)
    ]
    columns = tuple(Column(make_text(f"slip.column.{name}"), "text") for name in SLIP_HEADERS)
    numbered = tuple((number, *row) for number, row in enumerate(rows, 1))
    return Table(f"slip-{unit.code}", make_text("slip.table"), columns, numbered)


def _list_sentences(unit: UnitReturn, wave: Wave) -> list[Text]:
    """Return what the slip says; the last sentence is the one to send with it."""
    n_copies = sum(complaint.n for complaint in unit.complaints if complaint.is_of_copies)
    n_places = sum(complaint.n for complaint in unit.complaints) - n_copies
    missing, min_forms = unit.n_missing, wave.read_pack().index.min_forms
    sentences = [make_text("slip.opening", title=wave.title, n=n_places)] if n_places else []
    if n_copies:
        sentences.append(make_text("slip.copies", title=wave.title, n=n_copies))
    if not unit.unread:
        sentences.append(make_text("slip.forms", received=unit.received, valid=unit.valid))
    if missing and (unit.planned or 0) > min_forms:
        sentences.append(make_text("slip.missing_planned", planned=unit.planned, missing=missing))
    elif missing:
        sentences.append(make_text("slip.missing", min_forms=min_forms, missing=missing))
    if unit.doubts:
        sentences.append(make_text("slip.doubts", why=Joined([*map(make_text, unit.doubts)])))
    requests = {"correct": n_places, "confirm": n_copies, "add": missing}
    requests |= {"explain": len(unit.doubts)}
    parts = [make_text(f"slip.request.{name}", n=n) for name, n in requests.items() if n]
    message = "slip.send" if unit.complaints else "slip.send_alone"
    return [*sentences, make_text(message, unit=unit.name, requests=Joined(parts, ", "))]


# ── the overview


def _write_overview(returns: Returns, wave: Wave, folder: Path) -> list[Path]:
    """Write the overview of all units as a workbook and as CSV."""
    language = wave.languages[0]
    title = make_text("slip.overview", title=wave.title)
    rows = [_list_overview_cells(unit, wave) for unit in returns.units.values()]
    sheet = Sheet(
        make_text("slip.sheet_overview"),
        (title, wave.publisher),
        tuple(make_text(f"slip.column.{name}") for name in OVERVIEW_HEADERS),
        tuple(rows),
        notes=(make_text("slip.half_width"), *_list_for_office(returns.for_office)),
    )
    about = (title, wave.publisher, wave.document_day)
    book = write_workbook(folder / "overview.xlsx", [sheet], about, language)
    plain = [[_write_plain(cell, language) for cell in row] for row in rows]
    table = pd.DataFrame(plain, columns=list(OVERVIEW_HEADERS), dtype=object)
    return [book, *write_tables({"overview": table}, folder)]


def _list_for_office(errors: Sequence[SipasError]) -> list[Text]:
    """State what the office has to settle itself, and which files could not be checked for that."""
    texts = [Bilingual(**{name: error.text(name) for name in LANGUAGES}) for error in errors]
    sentences = [make_text("slip.office", text=text) for text in texts]
    places = [place for error in errors if isinstance(error, ColumnError) for place in error.places]
    files = ", ".join(dict.fromkeys(place.file for place in places))
    return [*sentences, *([make_text("slip.unchecked", files=files)] if files else [])]


def _list_overview_cells(unit: UnitReturn, wave: Wave) -> tuple[object, ...]:
    """Return the row of a unit."""
    reasons = [
        _describe_reason(reason, n, unit)
        for reason, n in sorted(unit.reasons.items(), key=lambda pair: -pair[1])
    ]
    reasons += [complaint.wanted for complaint in unit.complaints if complaint.is_of_file]
    counts: list[int | None] = [unit.received, unit.valid, sum(unit.reasons.values())]
    if unit.unread:
        counts = [None] * len(counts)
        reasons.insert(0, make_text("slip.unread", files=", ".join(unit.unread)))
    widths = [unit.half_width_at(n) for n in (unit.valid, unit.received, unit.planned)]
    numbers = [None if width is None else Number(width, 1) for width in widths]
    sentence_to_send = _list_sentences(unit, wave)[-1] if _has_slip(unit) else ""
    return (unit.name, unit.planned, *counts, Joined(reasons), *numbers, sentence_to_send)


def _describe_reason(reason: str, n: int, unit: UnitReturn) -> object:
    """Return why some forms do not count: the text of the ledger, or what must be there."""
    if reason.startswith("ledger."):
        return make_text("slip.reason", n=n, reason=make_text(reason))
    wanted = {f"error.{each.error.message_id}": each.wanted for each in unit.complaints}
    if reason in wanted:
        return make_text("slip.reason_wrong", n=n, reason=wanted[reason])
    return make_text("slip.reason", n=n, reason=make_text("slip.settled_by_office"))


def _write_plain(cell: object, language: Language) -> object:
    """Return a cell of a CSV file: a number with a decimal point, a text, or nothing."""
    if isinstance(cell, Number):
        return round(float(cell.value or 0), cell.decimals)
    return "" if cell is None else cell if isinstance(cell, int) else render_text(cell, language)
