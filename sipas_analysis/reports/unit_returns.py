"""What each unit sent: forms planned, received and valid, and what has to be corrected.

The survey may have been refused. Then the forms without a mistake are counted as valid.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import pandas as pd

from sipas_analysis.collect.row_rules import part_dossiers
from sipas_analysis.collect.survey import LEDGER_COLUMNS, Survey
from sipas_analysis.collect.units import PLANNED, index_units
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import make_text
from sipas_analysis.errors import Place, SeveralError, SipasError
from sipas_analysis.figures.published import figures_of
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, read_catalogue
from sipas_analysis.reports.form_owners import Owners, list_wrong_places, make_key, make_keys
from sipas_analysis.reports.subject import list_unit_names

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
    def is_of_copies(self) -> bool:
        """Whether forms were received twice: the office settles them, nothing is sent again."""
        return self.error.message_id == "copies"

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
        unread: Files that could not be read, with which the numbers are not known.
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
    unread: list[str] = field(default_factory=list)
    needed: int = 0

    @property
    def n_missing(self) -> int:
        """Number of forms that the unit lacks, once all mistakes are settled."""
        to_settle = {reason: n for reason, n in self.reasons.items() if reason.startswith("error.")}
        settled = sum(n for reason, n in to_settle.items() if reason not in NEVER_VALID)
        return 0 if self.unread else max(self.needed - self.valid - settled, 0)

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
    owners = Owners(wave, index_units(units))
    errors = [] if isinstance(outcome, Survey) else _list_errors(outcome)
    of_units, of_office = owners.divide(errors)
    returns.for_office.extend(of_office)
    for owner, error, places in of_units:
        returns.find(owner).complaints.append(Complaint(error, tuple(places)))
    survey = outcome if isinstance(outcome, Survey) else _keep_valid(owners, errors, wave, units)
    _count_forms(returns, owners, survey, errors)
    _name_unread(returns, owners, {*units["code"]})
    if len(returns.units) == len(units):  # no file of an unknown unit
        for unit in returns.units.values():
            unit.needed = max(wave.read_pack().index.min_forms, unit.planned or 0)
    return returns


def _list_errors(error: SipasError) -> list[SipasError]:
    return [*error.errors] if isinstance(error, SeveralError) else [error]


def _name_unread(returns: Returns, owners: Owners, codes: set[str]) -> None:
    """Name the files in which the forms of a unit without forms may be: of it, or of no unit."""
    forms, unread = owners.forms, owners.unread
    of_nobody = forms.loc[~forms["owner"].isin(codes), "name"].unique()
    open_files = [*of_nobody, *(file for file, unit in unread.items() if unit not in codes)]
    for code in codes:
        unit, files = returns.units[code], [file for file in unread if unread[file] == code]
        unit.unread = [] if unit.received else [*files, *open_files]


def _keep_valid(
    owners: Owners, errors: Sequence[SipasError], wave: Wave, units: pd.DataFrame
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
    valid = part_dossiers(forms.assign(group=group)[is_right])[0].reset_index(drop=True)
    ledger = pd.DataFrame(columns=list(LEDGER_COLUMNS))
    return Survey(wave, pack, units, valid, ledger, len(forms), {}) if len(valid) else None


def _count_forms(
    returns: Returns, owners: Owners, survey: Survey | None, errors: Sequence[SipasError]
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
    findings = figures_of(survey).quality
    for unit in findings.flagged_units - set(survey.wave.accepted):
        doubts = [f"report.quality.{fact}" for fact in findings.facts_of(unit)]
        returns.find(unit).doubts = doubts


def _find_half_widths(survey: Survey) -> dict[str, float]:
    """Return half the width of the interval of each unit's index, if enough people answered."""
    try:
        table = figures_of(survey).unit_estimates.frame
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
