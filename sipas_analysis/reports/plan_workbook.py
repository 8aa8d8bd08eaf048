"""Write a plan as the file that officers edit: ``plan.xlsx``, and the same lines as ``plan.csv``.

The workbook says which cells are filled in and offers the words among which to choose. It is
never written over a plan that is there: officers' work would be lost.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.wave import PLAN_FILES
from sipas_analysis.documents.model import make_text
from sipas_analysis.documents.writers.xlsx import Line, Sheet, write_workbook
from sipas_analysis.documents.writers.xlsx_form import Field, Form, Kind
from sipas_analysis.errors import OutputError
from sipas_analysis.figures.csv_files import write_tables
from sipas_analysis.files import check_writable
from sipas_analysis.improve.plan import Plan
from sipas_analysis.improve.plan_sheet import COMPUTED, FILE_COLUMNS
from sipas_analysis.improve.plan_words import PROVINCE, PlanWords
from sipas_analysis.messages import Language, say
from sipas_analysis.sheets.data_files import write_cell

OPEN = ("task", "owner", "due", "budget", "indicator", "target", "status", "remark", "measure")
CHOSEN = ("unit", "item", "indicator", "status", "measure")  # columns with a drop-down list
NOT_PRINTED = ("measure", "factor", "n", "wave")
PERCENTS = ("baseline", "low", "high", "target", "detectable")
KINDS: dict[str, Kind] = {**dict.fromkeys(PERCENTS, "percent"), "n": "count", "n_needed": "count"}
KINDS |= {"due": "day", "budget": "amount"}
WIDTHS = {
    "id": 9,
    "unit": 9,
    "unit_name": 16,
    "item": 6.5,
    "item_name": 20,
    "task": 30,
    "owner": 15,
}
WIDTHS |= {"due": 10.5, "budget": 10, "indicator": 13, "status": 10, "note": 15, "remark": 18}
WIDTHS |= {"detectable": 8, "n_needed": 8, "measure": 18, "factor": 16, "n": 8, "wave": 15}
WIDTH = 7  # of the other columns


def write_plan(plan: Plan, survey: Survey, folder: Path, language: Language) -> list[Path]:
    """Write a plan as ``plan.xlsx`` and ``plan.csv`` into a folder.

    Args:
        plan: Lines of a plan, as ``sipas.plan`` or ``sipas.read_plan`` return them.
        survey: The wave from which the plan was made.
        folder: Folder of the files; a folder that is not there is made.
        language: Language of the workbook, and of names in the CSV file; everything else there
            has the codes of the program.

    Returns:
        The two paths.

    Raises:
        OutputError: There is a plan already, or the folder cannot be written.
    """
    check_writable(folder)
    for name in PLAN_FILES:
        if (folder / name).exists():
            raise OutputError("exists", path=folder / name)
    words, wave = PlanWords(survey), survey.wave
    sheets = (_make_form(plan, words, language), _explain_columns(), _list_words(words, language))
    title = make_text("plan.title", title=wave.title)
    about = (title, wave.publisher, wave.document_day)
    book = write_workbook(folder / PLAN_FILES[0], sheets, about, language)
    return [book, *write_tables({"plan": _make_table(plan, words, language)}, folder)]


def describe_plan(
    plan: Plan, survey: Survey, unit: str, language: Language
) -> Iterator[tuple[str, pd.DataFrame | None]]:
    """Yield how many lines a plan has, how many without a measure, and units without a line.

    ``unit`` is the unit whose plan it is; empty for the province and all units.
    """
    units = plan.frame.loc[plan.frame["unit"] != "", "unit"]
    n, n_units = len(plan.frame), len(units)
    facts = {"n": n, "n_province": n - n_units, "n_units": n_units, "units": units.nunique()}
    yield say(language, "cli.said.plan_lines", **facts), None
    if n_open := int((plan.frame["measure"] == "").sum()):
        yield say(language, "cli.said.plan_no_measure", n=n_open), None
    without = {code: why for code, why in plan.without.items() if unit in ("", code)}
    for reason in dict.fromkeys(without.values()):
        codes = [code for code in without if without[code] == reason]
        names = ", ".join(survey.unit_names.get(code, "") or "–" for code in codes)
        limit = survey.instrument.index.min_forms
        why = say(language, f"measures.without.{reason}", min_forms=limit)
        yield say(language, "cli.said.plan_without", names=names, why=why), None
    if unit:
        yield say(language, "cli.said.plan_part"), None


def _round_figures(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a line: figures with the decimals that are published, None for blanks."""
    cells = {name: None if pd.isna(value) else value for name, value in line.items()}
    for name, decimals in COMPUTED.items():
        if (figure := cells[name]) is not None:
            cells[name] = round(float(figure), decimals)
    return cells


def _name_line(line: Mapping[str, Any], words: PlanWords, language: Language) -> dict[str, Any]:
    """Return a line with the names of its unit and item beside their codes."""
    cells = _round_figures(line)
    unit = cells["unit"] or PROVINCE
    unit_name = words.labels["unit"][unit].text(language)
    item = cells["item"]
    item_name = words.labels["item"][item].text(language) if item else ""
    return cells | {"unit": unit, "unit_name": unit_name, "item_name": item_name}


def _make_form(plan: Plan, words: PlanWords, language: Language) -> Form:
    """Return the sheet to fill in."""
    rows = []
    for line in plan.frame.to_dict("records"):
        cells = _name_line({str(name): value for name, value in line.items()}, words, language)
        for name in ("indicator", "status", "factor"):
            cells[name] = words.write(name, cells[name], language)
        cells["unit"] = _write_unit(cells["unit"], words, language)
        cells["note"] = words.write_note(cells["note"] or "", language)
        rows.append(tuple(cells[name] for name in FILE_COLUMNS))
    fields = tuple(
        Field(
            make_text(f"plan.column.{name}"),
            WIDTHS.get(name, WIDTH),
            KINDS.get(name, "text"),
            is_open=name in OPEN,
            choices=words.list_choices(name, language) if name in CHOSEN else (),
            is_printed=name not in NOT_PRINTED,
        )
        for name in FILE_COLUMNS
    )
    titles = (
        make_text("plan.title", title=words.survey.wave.title),
        make_text("plan.subtitle", id=words.survey.wave.id),
        make_text("plan.how"),
    )
    return Form(make_text("plan.sheet.plan"), titles, fields, tuple(rows), fixed=1)


def _write_unit(unit: str, words: PlanWords, language: Language) -> str:
    """Return the code of a unit, and words for the whole province."""
    return words.write("unit", unit, language) if unit == PROVINCE else unit


def _explain_columns() -> Sheet:
    """Return the sheet that explains each column, and how targets are read."""
    rows = tuple(
        (
            make_text(f"plan.column.{name}"),
            make_text("plan.filled.office" if name in OPEN else "plan.filled.program"),
            make_text(f"plan.about.{name}"),
        )
        for name in FILE_COLUMNS
    )
    heads = tuple(make_text(f"plan.head.{name}") for name in ("column", "filled", "about"))
    titles = (make_text("plan.sheet.about"),)
    notes = (make_text("plan.note_new"), make_text("plan.note_targets"))
    return Sheet(make_text("plan.sheet.about"), titles, heads, rows, notes=notes)


def _list_words(words: PlanWords, language: Language) -> Sheet:
    """Return the sheet with every code and its words."""
    rows = tuple(_list_codes(words, language))
    heads = tuple(make_text(f"plan.head.{name}") for name in ("column", "code", "words"))
    titles = (make_text("plan.sheet.words"),)
    return Sheet(make_text("plan.sheet.words"), titles, heads, rows)


def _list_codes(words: PlanWords, language: Language) -> Iterator[Line]:
    """Yield column, code and words of every code."""
    for kind in CHOSEN:
        for code, label in words.labels[kind].items():
            yield make_text(f"plan.column.{kind}"), code, label.text(language)


def _make_table(plan: Plan, words: PlanWords, language: Language) -> pd.DataFrame:
    """Return the lines as the CSV file has them: codes, days as 2026-03-31, decimal points."""
    lines = [
        _name_line({str(name): value for name, value in line.items()}, words, language)
        for line in plan.frame.to_dict("records")
    ]
    rows = [[_write_plain(cells[name]) for name in FILE_COLUMNS] for cells in lines]
    return pd.DataFrame(rows, columns=[*FILE_COLUMNS], dtype=object)


def _write_plain(value: object) -> str:
    """Return a cell of the CSV file."""
    return value.isoformat() if isinstance(value, date) else write_cell(value)
