"""Read all administrative records of a wave: dossiers with their clock, movements, petitions.

``read_records`` reads and checks every file and runs the clock of each dossier on the working
calendar; what was read differently is in one ledger. No dossier, code or name of an official leaves
this object by a public output (rules P1 and P3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.record_sources import RecordFile, RecordSources
from sipas_analysis.collect.survey import Survey, join_ledgers
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import ConfigError, Place, RecordsError, SeveralError, SipasError
from sipas_analysis.files import FileContent
from sipas_analysis.input_copies import copy_inputs, hold_files, refuse_rewritten
from sipas_analysis.records.calendar import Calendar, read_calendar
from sipas_analysis.records.calendar_years import list_program_years
from sipas_analysis.records.clock import find_pauses, run_clock
from sipas_analysis.records.columns import find_export
from sipas_analysis.records.dossiers import read_dossiers
from sipas_analysis.records.exports import connect_records, make_salt
from sipas_analysis.records.ledger import Line, list_changes, list_lines
from sipas_analysis.records.movements import find_reopened, read_movements
from sipas_analysis.records.official_form import OfficialForm, read_official_form
from sipas_analysis.records.petitions import read_petitions
from sipas_analysis.records.publication import read_publication

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

READERS = {
    "dossiers": read_dossiers,
    "petitions": read_petitions,
    "publication": read_publication,
}
NO_PAUSES = {"dossier": "str", "start": "datetime64[s]", "end": "datetime64[s]"}


@dataclass(frozen=True, eq=False, repr=False)
class Records:
    """The administrative records of a wave.

    Attributes:
        wave: The facts of the year.
        calendar: Working calendar of all years of the stamps.
        dossiers: One row per dossier with the columns of the clock; see ``read_dossiers`` and
            ``run_clock``. No row where the wave names no dossiers.
        movements: The view ``movements`` of ``connection``; None where the wave names none.
        petitions: One row per petition; no row where the wave names none.
        publication: One row per procedure of a unit's checklist.
        form: The office's own form II.06a, as it filled it in; None where the wave names none.
        ledger: Everything read differently, left out or contradictory, with the columns of the
            survey's ledger.
        inputs: Every file that was read, by its absolute path.
        connection: The connection of ``movements``, with the macro ``working_seconds``.
    """

    wave: Wave
    calendar: Calendar
    dossiers: pd.DataFrame = field(repr=False)
    movements: "DuckDBPyRelation | None" = field(repr=False)
    petitions: pd.DataFrame = field(repr=False)
    publication: pd.DataFrame = field(repr=False)
    form: OfficialForm | None = field(repr=False)
    ledger: pd.DataFrame = field(repr=False)
    inputs: Mapping[Path, FileContent] = field(repr=False)
    connection: "DuckDBPyConnection" = field(repr=False)

    @property
    def period(self) -> tuple[date, date]:
        """First and last day of the period."""
        return _find_sources(self.wave).find_period(self.wave.year)

    @property
    def pauses(self) -> pd.DataFrame:
        """When the clock of each dossier stood still: ``dossier start end``."""
        return _find_pauses(self.movements)

    def __str__(self) -> str:
        n_apart = int((self.dossiers["contradiction"] != "").sum())
        return f"{self.wave.id}: {len(self.dossiers)} dossiers, {n_apart} of them contradictory"

    __repr__ = __str__


def read_records(survey: Survey) -> Records:
    """Read the administrative records that a wave names under ``records:``.

    Args:
        survey: The survey of the wave, from ``read_survey``: its units are those of the records.

    Returns:
        The records with their ledger. A dossier whose stamps contradict each other has a reason in
        ``contradiction`` and the status ``contradictory``; no average counts it.

    Raises:
        ConfigError: The wave names no records.
        FileError: A file is missing, empty or unreadable.
        RecordsError: Columns, words, units or stamps are not what they must be, or a year has no
            calendar; every place is listed.
        SeveralError: More than one of these.
        ChangedError: A file changed since the survey was read.

    Source: rules P1, T1 and T2 in docs/method.md.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> sorted(sipas.read_records(survey).dossiers["channel"].unique())
        ['direct', 'online', 'post']
    """
    check_kind(survey, Survey, "survey")
    sources = _find_sources(survey.wave)
    folder = survey.wave.path.parent
    paths = {path.absolute() for path in sources.name_files(folder).values()}
    names = {
        path: name for path, name in survey.wave.name_files().items() if path.absolute() in paths
    }
    inputs = {path: survey.inputs[path] for path in survey.inputs if path in paths}
    if survey.inputs:
        refuse_rewritten(inputs, paths - inputs.keys())
    inputs = inputs or copy_inputs(names)
    with hold_files({str(path): content.sha256 for path, content in inputs.items()}):
        return _read_all(survey, sources, inputs)


def _find_sources(wave: Wave) -> RecordSources:
    """Return the records that a wave names."""
    if wave.records is None:
        raise ConfigError("records_none", file=wave.path.name)
    return wave.records


def _read_all(
    survey: Survey, sources: RecordSources, inputs: Mapping[Path, FileContent]
) -> Records:
    """Read every file; refuse the mistakes of all files in one list."""
    wave, folder = survey.wave, survey.wave.path.parent
    files = [*sources.list_files(folder)]
    paths = [path for _, path, _ in files if path.absolute() in inputs]
    n_bytes = sum(inputs[path.absolute()].bytes for path in paths)
    connection = connect_records(make_salt(paths), n_bytes)
    frames, movements, ledgers = _read_exports(connection, wave, survey.units)
    dossiers = frames["dossiers"]
    if movements is not None:
        dossiers, reopened = _mark_reopened(connection, dossiers)
        ledgers.append(reopened)
    last = sources.find_period(wave.year)[1]
    frames = {**frames, "dossiers": dossiers}
    own_paths = [folder / name for name in sources.calendar]
    names: dict[str, list[str]] = {}
    for kind, path, _ in files:
        names.setdefault(kind, []).append(path.name)
    calendar = _read_calendar(frames, movements, last, own_paths, names)
    calendar.make_macros(connection)
    dossiers = run_clock(dossiers, _find_pauses(movements), calendar, last)
    form = _read_form(files)
    ledger = join_ledgers([*ledgers, _note_promises(dossiers)])
    petitions, publication = frames["petitions"], frames["publication"]
    parts = (dossiers, movements, petitions, publication, form, ledger, inputs, connection)
    return Records(wave, calendar, *parts)


def _read_form(files: Sequence[tuple[str, Path, RecordFile]]) -> OfficialForm | None:
    """Read the office's own form, which is one file; None where the wave names none."""
    forms = [(path, entry) for kind, path, entry in files if kind == "form"]
    if len(forms) > 1:
        raise RecordsError("records_forms", [Place(path.name) for path, _ in forms])
    return read_official_form(forms[0][0], forms[0][1].sheet) if forms else None


def _read_exports(
    connection: "DuckDBPyConnection", wave: Wave, units: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], "DuckDBPyRelation | None", list[pd.DataFrame]]:
    """Read the exports of all kinds: frames by kind, movements, and the ledger of each.

    Raises:
        SipasError: The mistakes of all files in one list.
    """
    errors, ledgers = list[SipasError](), list[pd.DataFrame]()
    frames, movements = dict[str, pd.DataFrame](), None
    for kind in (*READERS, "movements"):
        try:
            if kind == "movements":
                movements, ledger = read_movements(connection, wave, units)
            else:
                frames[kind], ledger = READERS[kind](connection, wave, units)
            ledgers.append(ledger)
        except SipasError as error:
            errors += error.errors if isinstance(error, SeveralError) else [error]
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    return frames, movements, ledgers


def _mark_reopened(
    connection: "DuckDBPyConnection", dossiers: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mark dossiers that were worked on after their end, as movements tell; with the ledger."""
    is_reopened = find_reopened(connection, dossiers) & (dossiers["contradiction"] == "")
    reason = dossiers["contradiction"].astype(str).mask(is_reopened, "reopened")
    marked = dossiers.assign(contradiction=reason.astype("category"))
    return marked, list_changes(dossiers[is_reopened], "reopened", "")


def _find_pauses(movements: "DuckDBPyRelation | None") -> pd.DataFrame:
    """Return the pauses of all dossiers; none without movements."""
    if movements is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in NO_PAUSES.items()})
    return find_pauses(movements)


def _read_calendar(
    frames: Mapping[str, pd.DataFrame],
    movements: "DuckDBPyRelation | None",
    last: date,
    own_paths: list[Path],
    names: Mapping[str, Sequence[str]],
) -> Calendar:
    """Read the calendar of the years of all stamps, and of the year after them if there is one.

    A stamp that no clock needs (a day of submission, a promise) asks for no calendar.
    """
    years = {last.year}
    columns = [("dossiers", "received"), ("dossiers", "finished"), ("petitions", "received")]
    columns += [("petitions", "answered"), ("publication", "due"), ("publication", "published")]
    for kind, name in columns:
        frame = frames[kind]
        frame = frame[frame["contradiction"] == ""] if "contradiction" in frame else frame
        ends = (frame[name].min(), frame[name].max())  # the years between are read, too
        years |= {end.year for end in ends if not pd.isna(end)}
    if movements is not None:
        query = 'SELECT year(min(start)), year(max(greatest(start, "end"))) FROM movements'
        rows = movements.query("movements", query)
        years |= {year for row in (rows.fetchall() if rows else ()) for year in row if year}
    after = max(years) + 1
    try:
        return read_calendar([*years, *({after} & {*list_program_years()})], own_paths)
    except RecordsError as error:
        missing = [int(year) for year in str(error.fields.get("years", "")).split(", ") if year]
        places = [
            place
            for role in columns
            for place in _find_years(frames[role[0]], role, missing, names.get(role[0], []))
        ]
        if error.message_id != "calendar_missing" or not places:
            raise
        years_shown = {"years": ", ".join(map(str, missing)), "year": missing[0]}
        raise RecordsError("calendar_missing_at", places, **years_shown) from None


def _find_years(
    frame: pd.DataFrame, role: tuple[str, str], years: Sequence[int], files: Sequence[str]
) -> list[Place]:
    """Return where stamps of some years stand, which may be typed wrongly."""
    kind, name = role
    rows = frame[frame[name].dt.year.isin(years)]
    header = find_export(kind).roles[name].headers[0]
    named = rows["file"].map(dict(enumerate(files))) if kind != "dossiers" else rows["file"]
    cells = zip(named, rows["row"], rows[name].dt.strftime("%d/%m/%Y"), strict=True)
    return [Place(str(file), int(row), header, str(day)) for file, row, day in cells]


def _note_promises(dossiers: pd.DataFrame) -> pd.DataFrame:
    """Return lines for promises that are not the day that the limit gives.

    The clock does not use a promise: one that was moved afterwards makes nothing on time. Of
    those that were late a line each is written; the others are counted by file.
    """
    promised, due = dossiers["promised"].dt.floor("D"), dossiers["due"].dt.floor("D")
    is_later, is_late = promised > due, dossiers["status"].eq("late")
    moved = dossiers[is_later & is_late]
    moved = moved.assign(found=promised[moved.index].dt.strftime("%Y-%m-%d"))
    others = {"promise_later": is_later & ~is_late, "promise_earlier": promised < due}
    counted = [
        Line(file, reason, n, column="promised", code="promised")
        for reason, is_met in others.items()
        for file, n in dossiers[is_met].groupby("file", observed=True).size().items()
    ]
    return join_ledgers([list_changes(moved, "promise_moved", "promised"), list_lines(counted)])
