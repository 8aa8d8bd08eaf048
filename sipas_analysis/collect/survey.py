"""Read a wave's files into a survey, with a ledger of everything changed or dropped.

Every file is checked to its end. If an answer is neither a level of the scale nor blank, or a form
belongs to no listed unit, the run stops with the full list of mistakes.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.cell_state import keep_forms
from sipas_analysis.collect.cells import Cells, list_places
from sipas_analysis.collect.columns import PlacedColumns, check_columns, place_columns
from sipas_analysis.collect.duplicates import find_same_files, settle_copies
from sipas_analysis.collect.placed_cells import (
    make_item_readers,
    propose_recodes,
    read_placed_columns,
)
from sipas_analysis.collect.responses import Responses
from sipas_analysis.collect.row_rules import (
    check_sample,
    find_absent_names,
    find_split_questions,
    leave_rows_out,
    place_split_questions,
    put_together,
    repeat_forms,
)
from sipas_analysis.collect.tables import find_table
from sipas_analysis.collect.units import (
    check_unit_days,
    find_unit_code,
    index_units,
    name_nearest_unit,
    name_nearest_units,
    read_units,
)
from sipas_analysis.collect.wave import Wave, check_printed_texts
from sipas_analysis.errors import (
    SHOWN_PLACES,
    AnswerError,
    ConfigError,
    FileError,
    FormError,
    Place,
    SeveralError,
    SipasError,
    UnitError,
)
from sipas_analysis.files import (
    FileContent,
    describe_files,
    hash_if_there,
    hold_files,
    refuse_changed,
)
from sipas_analysis.infer.design import Design
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.sheets.reader import read_sheet

DROP_REASONS = ("form_dropped", "copy", "only", "leave_out")  # of forms that were read
Contents = tuple[list[Cells], list[SipasError]]  # of the files of a wave, with all mistakes
LEDGER_COLUMNS = ("file", "row", "column", "found", "became", "reason", "code")


@dataclass(frozen=True)
class Survey:
    """The validated forms of a wave.

    Attributes:
        wave: The facts of the year.
        instrument: The questionnaire and its index rules.
        units: The unit list, one row per unit.
        frame: One row per form: file, row, form, unit, group, keys, and one column per item (a
            level, or NaN for blank).
        ledger: Every changed value and every dropped column and form: file, row, column, found,
            became, reason and, of a cell, the code of its question or role.
        n_read: Forms read, before any was dropped.
        inputs: Every file that was read, by its absolute path, with the content that was read;
            empty if an earlier wave that the wave names cannot be read.
    """

    wave: Wave
    instrument: Instrument
    units: pd.DataFrame
    frame: pd.DataFrame
    ledger: pd.DataFrame
    n_read: int
    inputs: Mapping[Path, FileContent]

    @property
    def fingerprint(self) -> str:
        """Hash of all inputs, by name and content; empty if they are not known."""
        contents = [f"{file.file}\0{file.sha256}" for file in self.inputs.values()]
        return hashlib.sha256("".join(contents).encode()).hexdigest() if contents else ""

    @property
    def input_hashes(self) -> dict[str, str]:
        """Hash of each input by its absolute path, for ``hold_files``."""
        return {str(path): file.sha256 for path, file in self.inputs.items()}

    @property
    def keys(self) -> list[str]:
        """Columns by which figures may be split."""
        questions = [*self.instrument.indicators, *self.wave.key_codes]
        return [key for key in ("unit", "group", "mode", *questions) if key in self.frame]

    @property
    def unit_names(self) -> dict[str, str]:
        """Vietnamese name by unit code."""
        return dict(zip(self.units["code"], self.units["name_vi"], strict=True))

    def design(self, frame: pd.DataFrame | None = None) -> Design:
        """Return how the forms were drawn, as the wave declares it; of ``frame`` if given."""
        forms = self.frame if frame is None else frame
        roles = {role: role for role in ("weight", "stratum", "cluster", "fpc") if role in forms}
        return Design(
            forms,
            roles.get("weight"),
            roles.get("stratum"),
            roles.get("cluster"),
            roles.get("fpc"),
            nested=self.wave.design.nested == "true",
            lonely=self.wave.design.lonely,
        )

    def is_many(self, key: str) -> bool:
        """Return whether a form may have several choices of a key."""
        indicator = self.instrument.indicators.get(key)
        return indicator is not None and indicator.kind == "many"

    def has_choice(self, key: str, choice: str) -> "pd.Series[bool]":
        """Return which forms made that choice, alone or among others."""
        if not self.is_many(key):
            return self.frame[key] == choice
        return (";" + self.frame[key].fillna("") + ";").str.contains(f";{choice};", regex=False)

    def __str__(self) -> str:
        n_units = self.frame["unit"].nunique()
        return f"{self.wave.id}: {len(self.frame)} forms of {self.n_read} read, {n_units} units"


_KEPT_SURVEYS: list[Survey] = []  # of one wave at most
_REMEMBERED: list[list[tuple[Wave, Contents]]] = []  # one list while ``remember_files`` lasts


def keep_survey(survey: Survey) -> None:
    """Let ``read_survey`` return this survey again as long as its files have the same bytes.

    The process that makes reports of one wave calls this, so that they do not read it again.
    """
    _KEPT_SURVEYS[:] = [survey] if survey.inputs else []


def find_changed_inputs(survey: Survey) -> list[Path]:
    """Return the inputs of a survey that are no longer what was read, or that came since."""
    read = survey.inputs.items()
    changed = [path for path, file in read if hash_if_there(path) != file.sha256]
    here = _describe_inputs(survey.wave)
    return [*changed, *(path for path in here if path not in survey.inputs)]


def _describe_inputs(wave: Wave) -> dict[Path, FileContent]:
    """Return the present content of every input; nothing if one of them cannot be read."""
    try:
        return describe_files(wave.name_files())
    except (SipasError, OSError):
        return {}


def read_survey(wave: Wave) -> Survey:
    """Read all answers of a wave.

    Args:
        wave: The facts of the year, from ``read_wave``.

    Returns:
        The survey with its ledger.

    Raises:
        DesignError: Strata and clusters contradict their declaration, or a stratum has one cluster.
        FileError: A file or sheet is missing, empty or unreadable.
        ColumnError: A column is missing, doubled or unknown.
        ConfigError: An adjuster is not a question with a single answer.
        AnswerError: Answers that are neither blank nor a level; all are listed.
        UnitError: A unit that is not in the list.
        FormError: Form ids repeat, or no form is left.
        SeveralError: More than one of these.
        ChangedError: A file changed since the wave was read, or while it is read.

    Example:
        >>> import sipas_analysis as sipas
        >>> print(sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml")))
        an-giang-2021: 870 forms of 874 read, 29 units
    """
    inputs = _describe_inputs(wave)
    here = inputs.get(wave.path.absolute())
    refuse_changed([wave.path] if here and wave.sha256 not in ("", here.sha256) else [])
    with hold_files({str(path): file.sha256 for path, file in inputs.items()}):
        kept = [survey for survey in _KEPT_SURVEYS if survey.inputs == inputs]
        return kept[0] if kept else _read_all(wave, inputs)


def _read_all(wave: Wave, inputs: Mapping[Path, FileContent]) -> Survey:
    """Read all answers of a wave whose inputs have the content given."""
    pack, units = wave.read_pack(), read_units(wave)
    check_printed_texts(wave)
    frame, ledgers, n_read = _read_files(wave, index_units(units))
    error = check_unit_days(units, {*frame["unit"].unique()}, wave.collected.end, wave.units)
    error = error or _check_form_days(frame, wave)
    if error:
        raise error
    rows, (frame, uncounted) = len(frame), repeat_forms(frame, wave)
    n_read += len(frame) - rows
    forms, dropped = _drop_short_forms(frame, wave, pack)
    if forms.empty:
        raise FormError("no_form_left", n_read=n_read, least=wave.min_answered)
    group = forms["unit"].map(dict(zip(units["code"], units["group"], strict=True)))
    ledger = pd.concat([*ledgers, uncounted, dropped], ignore_index=True)
    ledger = ledger.reindex(columns=[*LEDGER_COLUMNS], fill_value="").astype({"row": "Int64"})
    ledger["code"] = ledger["code"].fillna("")
    forms = forms.assign(group=group)
    survey = Survey(wave, pack, units, forms, ledger, n_read, inputs)
    check_sample(forms, wave)
    survey.design()  # refuses a sample that contradicts its declaration
    _check_adjusters(survey)
    for code in wave.accepted:
        if code not in survey.unit_names:
            close = name_nearest_unit(units, code)
            raise ConfigError("wave_accepted", [Place(wave.path.name)], code=code, close=close)
    return survey


def _read_files(
    wave: Wave, index: Mapping[str, str]
) -> tuple[pd.DataFrame, list[pd.DataFrame], int]:
    """Return the forms without copies, the ledgers of all files and the number of forms read.

    Mistakes of all files are refused in one list.
    """
    same_files = find_same_files(wave)
    files, file_errors = read_files(wave, index)
    errors: list[SipasError] = [*same_files, *file_errors]
    n_left_out = sum(cells.n_left_out for cells in files)
    frames = [cells.frame for cells in files if cells.columns and len(cells.raw)]
    if not frames and not errors:
        errors.append(FormError("no_form_left", n_read=n_left_out, least=wave.min_answered))
    if frames and not same_files:
        all_forms = pd.concat(frames, ignore_index=True)
        frame, copies, copy_errors = settle_copies(all_forms, wave, wave.read_pack())
        errors += copy_errors
    names = {name for cells in files for name in cells.names}
    is_read = not any(isinstance(error, FileError) for error in errors)
    absent = find_absent_names(wave, names) if is_read else None
    errors += [absent] if absent else []
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    ledgers = [ledger for cells in files for ledger in cells.ledger]
    return frame, [*ledgers, copies], len(all_forms) + n_left_out


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
    for path, responses in wave.list_sources():
        cells, file_errors = _read_file(path, responses, wave, index)
        files += [cells] if cells else []
        errors += file_errors
    return files, errors


def _read_file(
    path: Path, responses: Responses, wave: Wave, index: Mapping[str, str]
) -> tuple[Cells | None, list[SipasError]]:
    """Read one file; return its cells, if it has a table, and its mistakes."""
    pack, hidden = wave.read_pack(), responses.hidden or wave.hidden
    try:
        sheet = read_sheet(path, responses.sheet)
        table = find_table(sheet, responses.header, hidden)
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
    cells = Cells(table, table.frame.copy())
    cells.note_left_out()
    leave_rows_out(cells, placed, wave, responses.dates)
    read_table = replace(table, frame=cells.raw)
    column_errors = check_columns(placed, columns, pack, read_table, responses.unit)
    if column_errors or table.frame.empty:
        return cells, [*column_errors, *table.errors]
    for reason, headers in placed.dropped.items():
        for header in headers:
            cells.note_column(header, reason)
    put_together(cells, split, columns, pack)
    read_placed_columns(cells, placed, responses, wave, index)
    return cells, [*table.errors, *_list_cell_errors(cells, placed, pack, index)]


def _list_cell_errors(
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


_UNIT_MISTAKES = ("unit", "unit_missing", "unit_differs", "unit_blank")
_ERROR_CLASSES: dict[str, type[SipasError]] = {  # of mistakes in cells that are no wrong answers
    **dict.fromkeys(_UNIT_MISTAKES, UnitError),
    "recode": ConfigError,
    "form_twice": FormError,
}


def _check_form_days(frame: pd.DataFrame, wave: Wave) -> SipasError | None:
    """Return an error for days outside the fieldwork, or outside the year and the next year."""
    if "date" not in frame:
        return None
    start = wave.collected.start or date(wave.year, 1, 1)
    end = wave.collected.end or date(wave.year + 1, 12, 31)
    days = frame["date"].dropna()
    outside = days[(days < start.isoformat()) | (days > end.isoformat())]
    places = list_places(frame.loc[outside.index], wave.columns.date, "date")
    named = ", ".join(f'"{day}"' for day in sorted({*outside})[:SHOWN_PLACES])
    fields = {"start": start, "end": end, "leave_out": f"leave_out: {{date: [{named}]}}"}
    return AnswerError("day_outside", places, **fields) if places else None


def _drop_short_forms(
    frame: pd.DataFrame, wave: Wave, pack: Instrument
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop forms that answer too few items; return the other forms, and the ledger of the drops."""
    n_answered = frame[pack.rated_codes].notna().sum(axis=1)
    is_short = n_answered < wave.min_answered
    dropped = frame.loc[is_short, ["file", "row"]].assign(
        column="", found=n_answered[is_short].astype(str), became="", reason="form_dropped"
    )
    return frame[~is_short].reset_index(drop=True), dropped


def _check_adjusters(survey: Survey) -> None:
    """Refuse an adjuster that is not a key of the survey, or that allows several choices."""
    keys = [key for key in survey.keys if not survey.is_many(key)]
    for adjuster in survey.wave.adjusters:
        if adjuster not in keys:
            places = [Place(survey.wave.path.name)]
            raise ConfigError("wave_adjuster", places, key=adjuster, known=", ".join(keys))


def find_unit(survey: Survey, unit: str) -> str:
    """Return the code of a unit with forms, asked for by its code, its name or an alias.

    Raises:
        UnitError: The unit is unknown, or no form belongs to it.
    """
    code = find_unit_code(survey.units, unit)
    if code not in set(survey.frame["unit"]):
        raise UnitError("unit_empty", unit=unit)
    return code
