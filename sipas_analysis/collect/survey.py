"""Read a wave's files into a survey, with a ledger of everything changed or dropped.

All files are checked whole before anything is said; then either every answer is a level of the
scale or blank, every form belongs to a known unit, or the run stops with the full list.
"""

import difflib
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.cells import (
    Cells,
    Reading,
    make_choice_reader,
    make_level_reader,
    read_day,
    read_weight,
    read_words,
)
from sipas_analysis.collect.columns import (
    PlacedColumns,
    check_columns,
    place_columns,
    read_vocabulary,
)
from sipas_analysis.collect.readers import fold_text, read_rows
from sipas_analysis.collect.units import check_unit_days, index_units, read_units
from sipas_analysis.collect.wave import Responses, Wave
from sipas_analysis.errors import (
    AnswerError,
    ConfigError,
    FileError,
    FormError,
    Place,
    SeveralError,
    SipasError,
    UnitError,
)
from sipas_analysis.files import hash_file
from sipas_analysis.infer.design import Design
from sipas_analysis.instrument.pack import Instrument

LEDGER_COLUMNS = ("file", "row", "column", "found", "became", "reason")


@dataclass(frozen=True)
class Survey:
    """Forms that passed the door.

    Attributes:
        wave: The facts of the year.
        instrument: The questionnaire and its index rules.
        units: The unit list, one row per unit.
        frame: One row per form: file, row, form, unit, group, keys, and one column per item (a
            level, or NaN for blank).
        ledger: Every value changed, column and form dropped: file, row, column, found, became and
            reason.
        n_read: Forms read, before any was dropped.
    """

    wave: Wave
    instrument: Instrument
    units: pd.DataFrame
    frame: pd.DataFrame
    ledger: pd.DataFrame
    n_read: int

    @property
    def keys(self) -> list[str]:
        """Columns by which figures may be split."""
        asked = [*self.instrument.indicators, *self.wave.columns.keys]
        return [key for key in ("unit", "group", "mode", *asked) if key in self.frame]

    @property
    def unit_names(self) -> dict[str, str]:
        """Vietnamese name by unit code."""
        return dict(zip(self.units["code"], self.units["name_vi"], strict=True))

    def design(self, frame: pd.DataFrame | None = None) -> Design:
        """Return how the forms were drawn, as the wave declares it; of ``frame`` if given."""
        held = self.frame if frame is None else frame
        role = {name: name for name in ("weight", "stratum", "cluster", "fpc") if name in held}
        return Design(
            held,
            role.get("weight"),
            role.get("stratum"),
            role.get("cluster"),
            role.get("fpc"),
            nested=self.wave.design.nested == "true",
            lonely=self.wave.design.lonely,
        )

    def is_many(self, key: str) -> bool:
        """Say whether several choices of a key may hold for one form."""
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


_KEPT: dict[str, Survey] = {}


def keep_survey(survey: Survey) -> None:
    """Let ``read_survey`` give this very survey again while the bytes of its files are the same.

    Only a warm process that makes many reports of one wave calls this.
    """
    _KEPT.clear()
    _KEPT[fingerprint_wave(survey.wave)] = survey


def fingerprint_wave(wave: Wave) -> str:
    """Return a hash of every file that a wave is read from, by name and content."""
    found = hashlib.sha256()
    for path in wave.list_files():
        found.update(path.name.encode() + b"\0" + hash_file(path).encode())
    return found.hexdigest()


def read_survey(wave: Wave) -> Survey:
    """Read all answers of a wave.

    Args:
        wave: The facts of the year, from ``read_wave``.

    Returns:
        The survey with its ledger.

    Raises:
        DesignError: Strata and clusters cannot be as declared, or a stratum has one cluster.
        FileError: A file or sheet is missing, empty or unreadable.
        ColumnError: A column is missing, doubled, or stands for nothing known.
        ConfigError: An adjuster that is no question of one answer.
        AnswerError: Answers that are neither blank nor a level; all are listed.
        UnitError: A unit that is not in the list.
        FormError: Form ids repeat, or no form is left.
        SeveralError: More than one of these.

    Example:
        >>> import sipas_analysis as sipas
        >>> print(sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml")))
        an-giang-2021: 870 forms of 874 read, 29 units
    """
    kept_one = _KEPT.get(fingerprint_wave(wave)) if _KEPT else None
    if kept_one is not None:
        return kept_one
    pack, units = wave.read_pack(), read_units(wave)
    index = index_units(units)
    errors: list[SipasError] = [*_same_files(wave)]
    read = [_read_file(path, one, wave, index=index, errors=errors) for path, one in wave.list_sources()]
    if errors:
        raise errors[0] if len(errors) == 1 else SeveralError(errors)
    frame = pd.concat([part.frame for part in read], ignore_index=True)
    ledger = [entry for part in read for entry in part.ledger]
    late = check_unit_days(units, set(frame["unit"]), wave.collected.end, wave.units) or _other_days(
        frame, wave
    )
    if late:
        raise late
    kept, dropped = _keep(frame, wave, pack)
    ledger.append(dropped)
    if kept.empty:
        raise FormError("no_form_left", n_read=len(frame), least=wave.min_answered)
    group = kept["unit"].map(dict(zip(units["code"], units["group"], strict=True)))
    table = pd.concat(ledger, ignore_index=True)[list(LEDGER_COLUMNS)].astype({"row": "Int64"})
    found = Survey(wave, pack, units, kept.assign(group=group), table, len(frame))
    found.design()  # refuses a sample that cannot have been drawn so
    one_answer = [key for key in found.keys if not found.is_many(key)]
    unknown = [key for key in wave.adjusters if key not in one_answer]
    if unknown:
        fields = {"key": unknown[0], "known": ", ".join(one_answer)}
        raise ConfigError("wave_adjuster", [Place(wave.path.name)], (), **fields)
    return found


def _same_files(wave: Wave) -> list[SipasError]:
    """Complain of files that hold the same bytes: their forms would count twice."""
    seen: dict[tuple[str, str], Path] = {}
    found: list[SipasError] = []
    for path, one in wave.list_sources():
        if not path.is_file():
            continue
        key = (hash_file(path), one.sheet)
        first = seen.setdefault(key, path)
        if first != path:
            places = [Place(first.name), Place(path.name)]
            found.append(FormError("same_file", places))
    return found


def _read_file(
    path: Path, one: Responses, wave: Wave, *, index: dict[str, str], errors: list[SipasError]
) -> Cells:
    """Read one file; put what is wrong with it into ``errors``."""
    pack = wave.read_pack()
    try:
        raw = read_rows(path, one.sheet, one.header)
    except FileError as error:
        errors.append(error)
        return Cells(path.name, pd.DataFrame())
    placed = place_columns(raw.columns, wave.columns, pack)
    wrong = check_columns(placed, wave.columns, pack, path.name)
    if wrong:
        errors += wrong
        return Cells(path.name, raw)
    cells = Cells(path.name, raw)
    for reason, headers in (("personal", placed.personal), ("ignored", placed.ignored)):
        for header in headers:
            cells.drop_column(header, reason)
    cells.set_totals_apart(read_vocabulary()["totals"])
    _items(cells, placed, one, wave, pack)
    _indicators(cells, placed, pack)
    _roles(cells, placed, one, index)
    errors += [error for error in (_complaint(cells, kind, pack) for kind in _KINDS) if error]
    return cells


_KINDS: dict[str, type[SipasError]] = {
    "answer": AnswerError,
    "choice": AnswerError,
    "number": AnswerError,
    "weight": AnswerError,
    "day": AnswerError,
    "unit": UnitError,
    "unit_differs": UnitError,
    "total_row": FormError,
    "unit_blank": UnitError,
    "form_twice": FormError,
}


def _complaint(cells: Cells, kind: str, pack: Instrument) -> SipasError | None:
    places = cells.wrong.get(kind, [])
    scale = pack.scale
    return _KINDS[kind](kind, places, low=scale.low, high=scale.high) if places else None


def _items(cells: Cells, placed: PlacedColumns, one: Responses, wave: Wave, pack: Instrument) -> None:
    asked = [*pack.items] + ([pack.overall_item.code] if pack.overall_item else [])
    for code in asked:
        if code not in placed.items:
            cells.made[code] = np.full(len(cells.raw), np.nan)
            continue
        header = placed.items[code]
        own = wave.columns.blank.get(code, ()) + wave.columns.blank.get(header, ())
        blank = {fold_text(it) for it in (*pack.scale.blank, *one.blank, *own)}
        cells.take(code, header, "answer", make_level_reader(pack.scale, blank, wave.columns.labels))
        cells.made[code] = np.asarray(cells.made[code], dtype=float)  # also where all are blank


def _indicators(cells: Cells, placed: PlacedColumns, pack: Instrument) -> None:
    for code, header in placed.indicators.items():
        cells.take(code, header, "choice", make_choice_reader(pack.indicators[code]))
    for code, header in placed.keys.items():
        cells.take(code, header, "choice", read_words)


def _roles(cells: Cells, placed: PlacedColumns, one: Responses, index: dict[str, str]) -> None:
    """Take unit, form, date, weight and the other roles of a file."""

    def unit(text: str) -> Reading:
        code = index.get(fold_text(text))
        return Reading(code, ok=code is not None)

    def same(text: str) -> Reading:
        return Reading(own, ok=index.get(fold_text(text), own) == own)

    n, own = len(cells.raw), index.get(fold_text(one.unit))
    if one.unit and own is None:
        cells.wrong["unit"] = [Place(cells.file, value=one.unit)]
    elif one.unit and "unit" in placed.roles:
        cells.take("unit", placed.roles["unit"], "unit_differs", same)
    elif one.unit:
        cells.made["unit"] = [own] * n
    elif "unit" in placed.roles:
        cells.take("unit", placed.roles["unit"], "unit", unit)
    elif len(set(index.values())) == 1:
        cells.made["unit"] = [next(iter(index.values()))] * n
    else:
        cells.wrong["unit_blank"] = [Place(cells.file)]
    read = {"date": ("day", read_day), "weight": ("weight", read_weight), "fpc": ("weight", read_weight)}
    for role in ("form", "mode", "date", "weight", "stratum", "cluster", "fpc"):
        if role in placed.roles:
            kind, reader = read.get(role, ("choice", read_words))
            cells.take(role, placed.roles[role], kind, reader)
    if "form" in placed.roles:
        cells.refuse_twice("form", placed.roles["form"])


def _other_days(frame: pd.DataFrame, wave: Wave) -> SipasError | None:
    """Return an error if days lie outside the fieldwork, or outside the year and the next one."""
    if "date" not in frame:
        return None
    start = wave.collected.start or date(wave.year, 1, 1)
    end = wave.collected.end or date(wave.year + 1, 12, 31)
    days = frame["date"].dropna()
    wrong = days[(days < start.isoformat()) | (days > end.isoformat())]
    at = frame.loc[wrong.index, ["file", "row"]].to_numpy()
    places = [
        Place(str(file), int(row), wave.columns.date, day)
        for (file, row), day in zip(at, wrong, strict=True)
    ]
    return AnswerError("day_outside", places, start=start, end=end) if places else None


def _keep(frame: pd.DataFrame, wave: Wave, pack: Instrument) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop forms that answer too few items; return the rest, and the ledger of the dropped."""
    rated = [*pack.items] + ([pack.overall_item.code] if pack.overall_item else [])
    answered = frame[rated].notna().sum(axis=1)
    few = answered < wave.min_answered
    dropped = frame.loc[few, ["file", "row"]].assign(
        column="", found=answered[few].astype(str), became="", reason="form_dropped"
    )
    return frame[~few].reset_index(drop=True), dropped


def check_unit(survey: Survey, unit: str) -> None:
    """Refuse a unit that is not in the list or has no form."""
    codes = list(survey.units["code"])
    if unit not in codes:
        close = difflib.get_close_matches(unit, codes, n=1) or codes[:1]
        raise UnitError("unit_unknown", unit=unit, close=", ".join(close))
    if unit not in set(survey.frame["unit"]):
        raise UnitError("unit_empty", unit=unit)
