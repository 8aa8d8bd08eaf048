"""What each unit sent: forms planned, received and valid, and what has to be corrected.

The survey may have been refused. Then the forms without a mistake are counted as valid.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.cells import Cells
from sipas_analysis.collect.survey import LEDGER_COLUMNS, Survey, read_files
from sipas_analysis.collect.units import PLANNED, index_units
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import make_text
from sipas_analysis.errors import (
    AnswerError,
    FormError,
    Place,
    SeveralError,
    SipasError,
    UnitError,
)
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.scores import score
from sipas_analysis.messages import LANGUAGES, read_catalogue
from sipas_analysis.quality.findings import check
from sipas_analysis.reports.subject import list_unit_names
from sipas_analysis.sheets.texts import fold_text

# Mistakes that the office settles in wave.yaml, although they are found in cells of a unit's file.
FOR_OFFICE = {
    *("blank_choice", "count_total", "day_order", "decimal", "no_form_left", "only_none"),
    *("same_file", "sample_fpc", "stratum_blank", "unit_blank"),
}


# Reasons for which a form will never count, whatever is corrected.
NEVER_VALID = {"error.copies", "error.total_row", "error.row_unclear"}


@dataclass(frozen=True)
class Complaint:
    """One kind of mistake in the files of one unit."""

    error: SipasError
    places: tuple[Place, ...]

    @property
    def wanted(self) -> Bilingual:
        """What must be there: a short text, else the first clause of the error's sentence."""
        texts = {}
        for language in LANGUAGES:
            short = read_catalogue(language).get(f"slip.wanted.{self.error.message_id}")
            clause = re.split(r"[;:.] ", self.error.text(language), maxsplit=1)[0]
            texts[language] = short.format(**self.error.fields) if short else clause
        return Bilingual(**texts)

    @property
    def n(self) -> int:
        """Number of places to correct; of copies, the second ones."""
        return len(list_wrong_places(self.error, self.places))

    @property
    def is_of_file(self) -> bool:
        """Whether the mistake is that of a file, not of single rows."""
        return all(place.row is None for place in self.places)


@dataclass
class UnitReturn:
    """What is known of a unit, or of a file whose unit is not known.

    Attributes:
        name: Name of the unit or file.
        code: Name of the slip's file.
        planned: Forms planned.
        received: Forms in the files.
        valid: Forms that count.
        half_width: Half the width of the interval of the index, with the valid forms.
        reasons: Number of forms that do not count, by reason: an id of the ledger or of an error.
        complaints: What has to be corrected.
        doubts: Why the forms need a second look: ids of messages.
        needed: Forms needed for a rank or by the plan; 0 if forms of unknown units may be its own.
    """

    name: object
    code: str
    planned: int | None = None
    received: int = 0
    valid: int = 0
    half_width: float = np.nan
    reasons: dict[str, int] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    needed: int = 0

    @property
    def n_missing(self) -> int:
        """Number of forms that the unit lacks, once all mistakes are settled."""
        to_settle = {reason: n for reason, n in self.reasons.items() if reason.startswith("error.")}
        settled = sum(n for reason, n in to_settle.items() if reason not in NEVER_VALID)
        return max(self.needed - self.valid - settled, 0)

    def half_width_at(self, n: int | None) -> float | None:
        """Return the half width that ``n`` forms would give: it goes with the root of 1/n."""
        if not n or not self.valid or np.isnan(self.half_width):
            return None
        return self.half_width * sqrt(self.valid / n)


@dataclass(frozen=True)
class Returns:
    """The units and files of unknown units, by code or file, and what the office has to settle."""

    units: dict[str, UnitReturn]
    for_office: list[SipasError] = field(default_factory=list)

    def find(self, owner: str) -> UnitReturn:
        """Return a unit by its code; a file of an unknown unit is added under a safe name."""
        if owner not in self.units:
            taken, safe = {unit.code for unit in self.units.values()}, make_safe_name(owner)
            names = [safe, *(f"{safe}-{number}" for number in range(2, len(taken) + 2))]
            code = next(name for name in names if name not in taken)
            self.units[owner] = UnitReturn(make_text("slip.file_name", file=owner), code)
        return self.units[owner]


def make_safe_name(text: str) -> str:
    """Return a name for a file from any text: a to z, digits and hyphens."""
    plain = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return "tep-" + (re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60] or "khong-ten")


def collect_returns(wave: Wave, outcome: SipasError | Survey, units: pd.DataFrame) -> Returns:
    """Sort mistakes and forms by unit.

    Args:
        wave: The facts of the year.
        outcome: The survey, or why it was refused.
        units: The list of units.

    Returns:
        All units of the list in its order, then files whose unit is not known.

    Raises:
        UnitError: Two units share a spelling.
    """
    names = list_unit_names(units)
    planned = zip(units["code"], units[PLANNED], strict=True)
    returns = Returns(
        {code: UnitReturn(names[code], code, None if pd.isna(n) else int(n)) for code, n in planned}
    )
    owners = _Owners(wave, index_units(units))
    errors = [] if isinstance(outcome, Survey) else _list_errors(outcome)
    for error in errors:
        for owner, places in owners.sort_places(error).items():
            if owner and _is_for_unit(error):
                returns.find(owner).complaints.append(Complaint(error, tuple(places)))
            elif error not in returns.for_office:
                returns.for_office.append(error)
    survey = outcome if isinstance(outcome, Survey) else _keep_valid(owners, errors, wave, units)
    _count_forms(returns, owners, survey, errors)
    if len(returns.units) == len(units):  # no file of an unknown unit
        for unit in returns.units.values():
            unit.needed = max(wave.read_pack().index.min_forms, unit.planned or 0)
    return returns


def _list_errors(error: SipasError) -> list[SipasError]:
    return [*error.errors] if isinstance(error, SeveralError) else [error]


def _is_for_unit(error: SipasError) -> bool:
    """Return whether the unit can correct a mistake in its file."""
    if error.message_id in FOR_OFFICE:
        return False
    is_of_cells = isinstance(error, AnswerError | FormError | UnitError)
    return is_of_cells or f"slip.wanted.{error.message_id}" in read_catalogue("vi")


class _Owners:
    """Which unit, or else which file, a place belongs to.

    Attributes:
        forms: Every row read with its typed columns, if it has any; ``key`` is file and row as the
            ledger names them, ``owner`` the unit or file.
    """

    def __init__(self, wave: Wave, index: Mapping[str, str]) -> None:
        try:
            sources, tables = wave.list_sources(), read_files(wave, index)[0]
        except SipasError:  # a pattern matches no file
            sources, tables = [], []
        self._unit_of_file = {
            path.name: index.get(fold_text(responses.unit), "") for path, responses in sources
        }
        frames = [self._own_rows(table) for table in tables]
        empty = pd.DataFrame(columns=["file", "row", "name", "owner"], dtype=object)
        self.forms = pd.concat(frames, ignore_index=True) if frames else empty
        self.forms["key"] = make_keys(self.forms)
        self._owner_of_row = dict(zip(self.forms["key"], self.forms["owner"], strict=True))
        owners_of_file = self.forms.groupby("name")["owner"].unique()
        self._only_owner = {
            file: owners[0] for file, owners in owners_of_file.items() if len(owners) == 1
        }

    def _own_rows(self, table: Cells) -> pd.DataFrame:
        """Return the rows of a table with the unit of each, else the file."""
        file = table.table.sheet.file
        frame = table.frame
        units = frame["unit"].astype(object) if "unit" in frame else pd.Series(None, frame.index)
        owner = units.where(units.notna(), self._unit_of_file[file] or file)
        return frame.assign(name=file, owner=owner)

    def sort_places(self, error: SipasError) -> dict[str, list[Place]]:
        """Return the places of an error by owner; an error without a place belongs to its file."""
        places = error.places or [Place(Path(str(error.fields.get("file", ""))).name)]
        by_owner: dict[str, list[Place]] = {}
        for place in places:
            by_owner.setdefault(self._find_owner(place), []).append(place)
        return by_owner

    def _find_owner(self, place: Place) -> str:
        """Return the unit of a place, else its file; empty if it is not in a file of answers."""
        file = place.file if place.file in self._unit_of_file else place.file.partition(" [")[0]
        if file not in self._unit_of_file:
            return ""
        owner = self._owner_of_row.get(make_key(place)) or self._unit_of_file[file]
        return str(owner or self._only_owner.get(file, file))


def list_wrong_places(error: SipasError, among: Sequence[Place] = ()) -> list[Place]:
    """Return the places whose forms do not count: rows if there are any; of copies the second.

    Args:
        error: The error.
        among: Some of its places; all of them if left out.
    """
    first = error.fields.get("first")
    places = [place for place in among or error.places if _name_sheet(place) != first]
    return [place for place in places if place.row is not None] or places


def _name_sheet(place: Place) -> str:
    return f"{place.file} [{place.sheet}]" if place.sheet else place.file


def make_key(place: Place) -> str:
    """Return file, sheet and row of a place as one text; without a row, file and sheet."""
    label = _name_sheet(place)
    return label if place.row is None else f"{label}\n{place.row}"


def make_keys(forms: pd.DataFrame) -> "pd.Series[str]":
    """Return file and row of each form as one text."""
    return forms["file"].astype(str) + "\n" + forms["row"].astype(str)


def _keep_valid(
    owners: _Owners, errors: Sequence[SipasError], wave: Wave, units: pd.DataFrame
) -> Survey | None:
    """Return a survey of the forms of a refused wave that have no mistake, if there is any."""
    pack, forms = wave.read_pack(), owners.forms
    if not {*pack.rated_codes, "unit"} <= {*forms.columns}:
        return None
    wrong = {make_key(place) for error in errors for place in list_wrong_places(error)}
    is_right = ~(forms["key"].isin(wrong) | forms["file"].isin(wrong) | forms["name"].isin(wrong))
    is_right &= forms["owner"] == forms["unit"]
    is_right &= forms[pack.rated_codes].notna().sum(axis=1) >= wave.min_answered
    group = forms["unit"].map(dict(zip(units["code"], units["group"], strict=True)))
    valid = forms.assign(group=group)[is_right].reset_index(drop=True)
    ledger = pd.DataFrame(columns=list(LEDGER_COLUMNS))
    return Survey(wave, pack, units, valid, ledger, len(forms), "") if len(valid) else None


def _count_forms(
    returns: Returns, owners: _Owners, survey: Survey | None, errors: Sequence[SipasError]
) -> None:
    """Count the forms of each unit: received, valid, and those left out with the reason."""
    forms = owners.forms
    for owner, n in forms["owner"].value_counts().items():
        returns.find(str(owner)).received = int(n)
    is_valid = pd.Series(False, index=forms.index)
    if survey is not None:
        is_valid = forms["key"].isin(make_keys(survey.frame))
        _describe_valid(returns, survey)
    reasons = _find_reasons(survey, errors)
    reason = pd.Series("ledger.form_dropped", index=forms.index, dtype=object)
    for column in ("name", "file", "key"):  # a reason of the row before one of the file
        known_reasons = forms[column].map(reasons).astype(object)
        reason = known_reasons.where(known_reasons.notna(), reason)
    left_out = forms[~is_valid].assign(reason=reason)
    counts = left_out.groupby(["owner", "reason"]).size().reset_index(name="n")
    for owner, name, n in counts.to_numpy():
        returns.find(str(owner)).reasons[str(name)] = int(n)


def _describe_valid(returns: Returns, survey: Survey) -> None:
    """Add to each unit its valid forms, the width of its interval and what is noticed."""
    half_widths = _find_half_widths(survey)
    for unit, n in survey.frame["unit"].value_counts().items():
        unit_return = returns.find(str(unit))
        unit_return.valid, unit_return.received = int(n), max(unit_return.received, int(n))
        unit_return.half_width = half_widths.get(str(unit), np.nan)
    findings = check(survey)
    noticed = findings.noticed()
    for unit in findings.flagged_units - set(survey.wave.accepted):
        facts = dict.fromkeys(noticed.loc[noticed["unit"] == unit, "fact"])
        returns.find(unit).doubts = [f"report.quality.{fact}" for fact in facts]


def _find_half_widths(survey: Survey) -> dict[str, float]:
    """Return half the width of the interval of each unit's index, if enough people answered."""
    try:
        table = score(survey, "unit").frame
    except SipasError:  # the sample of a refused wave cannot be read
        return {}
    whole = table[(table["level"] == OVERALL) & (table["n_valid"] >= survey.wave.min_cell)]
    return dict(zip(whole["unit"], (whole["high"] - whole["low"]) / 2, strict=True))


def _find_reasons(survey: Survey | None, errors: Sequence[SipasError]) -> dict[str, str]:
    """Return why a form or file does not count, by key: an id of the ledger or of an error."""
    reasons = {
        make_key(place): f"error.{error.message_id}"
        for error in reversed(errors)
        for place in list_wrong_places(error)
    }
    if survey is not None and len(survey.ledger):
        rows = survey.ledger[survey.ledger["row"].notna() & (survey.ledger["became"] == "")]
        reasons = dict(zip(make_keys(rows), "ledger." + rows["reason"], strict=True)) | reasons
    return reasons
