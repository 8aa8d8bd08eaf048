"""Whom a mistake belongs to: the unit that can correct it in its file, or the office."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress
from operator import not_
from pathlib import Path

import pandas as pd

from sipas_analysis.collect.cells import Cells
from sipas_analysis.collect.file_cells import read_files
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import (
    REPEATED,
    AnswerError,
    FileError,
    FormError,
    Place,
    SeveralError,
    SipasError,
    UnitError,
    name_kind,
)
from sipas_analysis.messages import read_catalogue
from sipas_analysis.sheets.texts import fold_text

# Mistakes that the office settles in wave.yaml, although they are found in cells of a unit's file.
FOR_OFFICE = {
    *("blank_choice", "count_total", "day_order", "decimal", "no_form_left", "only_none"),
    *("same_file", "sample_fpc", "stratum_blank", "unit_blank"),
}
UNNAMED = {
    *("columns_unknown", "columns_questions", "columns_near", "columns_unlike", "columns_twice"),
}
ABSENT = {"items_missing", "columns_missing"}  # to be named first, if a file has unnamed columns
OWN_SHARE = 0.9  # of the forms of a file, above which it is the file of their unit
DATA_FILES = {".sav", ".zsav", ".por", ".dta", ".parquet"}  # written by a program, not by a unit


class Owners:
    """Which unit, or else which file, a place belongs to.

    Attributes:
        unread: Unit of each file without rows, or an empty text; by the name of the file.
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
        self._shared = {name for column in ("file", "name") for name in self._find_shared(column)}
        self._shared |= {table.table.sheet.file for table in tables if _is_export(table)}
        self.unread = {
            path.name: self._unit_of_file[path.name]
            for path, _ in sources
            if path.name not in owners_of_file
        }

    def _own_rows(self, table: Cells) -> pd.DataFrame:
        """Return the rows of a table with the unit of each, else the file."""
        file = table.table.sheet.file
        frame = table.frame
        units = frame["unit"].astype(object) if "unit" in frame else pd.Series(None, frame.index)
        owner = units.where(units.notna(), self._unit_of_file[file] or file)
        return frame.assign(name=file, owner=owner)

    def _find_shared(self, column: str) -> set[str]:
        """Return the files, or the sheets, with forms of several units."""
        listed = self.forms[self.forms["owner"] != self.forms["name"]]
        counts = listed.groupby([column, "owner"]).size()
        share = counts.groupby(level=0).max() / counts.groupby(level=0).sum()
        return {str(name) for name in share.index[share < OWN_SHARE]}

    def divide(
        self, errors: Sequence[SipasError]
    ) -> tuple[list[tuple[str, SipasError, list[Place]]], list[SipasError]]:
        """Divide mistakes into those of units and those that the office settles.

        A unit corrects what is wrong in a file or sheet of its own. The office settles a file of
        several units, an export, a label or code that stands in many cells, and items without a
        column in a file with columns that wave.yaml does not name yet.

        Returns:
            Unit or file, error and places; and the errors of the office with their places.
        """
        answers = ((error.message_id, place.value) for error in errors for place in error.places)
        counts = Counter(answers)
        unnamed = {
            place.file for error in errors if error.message_id in UNNAMED for place in error.places
        }
        of_units, of_office = [], []
        for error in errors:
            of_file = isinstance(error, FileError)
            left: list[Place] = []
            for owner, places in self._sort_places(error).items():
                is_for_office = [
                    not (owner and _is_for_unit(error))
                    or (not of_file and self._is_shared(place))
                    or (error.message_id in ABSENT and place.file in unnamed)
                    or _is_setting(error, place, counts)
                    for place in places
                ]
                left += compress(places, is_for_office)
                if not all(is_for_office):
                    mine = [*compress(places, map(not_, is_for_office))]
                    of_units.append((owner, error, mine))
            if left:
                of_office.append(_keep_places(error, left))
        return of_units, SeveralError(of_office).merge_equal()

    def _is_shared(self, place: Place) -> bool:
        """Return whether a place is in a file that its unit did not make alone."""
        return not self._shared.isdisjoint({_name_sheet(place), place.file})

    def _sort_places(self, error: SipasError) -> dict[str, list[Place]]:
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


def _is_export(cells: Cells) -> bool:
    """Return whether a program or a form service wrote a file."""
    headers = {fold_text(header) for header in cells.raw.columns}
    is_data = Path(cells.table.sheet.file).suffix.lower() in DATA_FILES
    return is_data or not headers.isdisjoint(read_vocabulary()["exports"])


def _is_for_unit(error: SipasError) -> bool:
    """Return whether a unit can correct a mistake in its file."""
    if error.message_id in FOR_OFFICE:
        return False
    is_of_cells = isinstance(error, AnswerError | FormError | UnitError)
    return is_of_cells or f"slip.wanted.{error.message_id}" in read_catalogue("vi")


def _is_setting(error: SipasError, place: Place, counts: Mapping[tuple[str, str], int]) -> bool:
    """Return whether a wrong answer is a label or code that wave.yaml should name."""
    n = counts[error.message_id, place.value]
    is_answer = error.message_id in ("answer", "choice") and n >= REPEATED
    return is_answer and name_kind(place.value, n) in ("label", "blank")


def _keep_places(error: SipasError, places: Sequence[Place]) -> SipasError:
    """Return an error with some of its places; the same error if it keeps all."""
    if len(places) >= len(error.places):
        return error
    return type(error)(error.message_id, places, **error.fields)


def list_wrong_places(error: SipasError, among: Sequence[Place] = ()) -> list[Place]:
    """Return the places whose forms do not count: rows if there are any; of copies the second.

    Args:
        error: The error.
        among: Some of its places; all of them if left out.
    """
    places = [*(among or error.places)]
    if error.message_id == "copies":  # its places are the first ones, then as many second ones
        second = {*error.places[len(error.places) // 2 :]}
        places = [place for place in places if place in second]
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
