"""The list of units of one wave: codes, names, groups with separate rankings, valid dates.

Unit lists change from year to year (mergers, renames), so they belong to the wave. The code of
a unit names files and figures; the name of a unit is only printed.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.arguments import check_kind
from sipas_analysis.collect.likeness import find_nearest_name
from sipas_analysis.collect.tables import read_rows
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import (
    SHOWN_PLACES,
    FileError,
    Place,
    SipasError,
    UnitError,
    shorten,
)
from sipas_analysis.input_copies import is_there
from sipas_analysis.instrument.strict_yaml import Bilingual, parse_iso_day
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.sheets.texts import CONTROL, fold_text, plain_text

UNIT_COLUMNS = (
    "code",
    "name_vi",
    "name_en",
    "group",
    "parent",
    "valid_from",
    "valid_to",
    "clients",
    "aliases",
)
PLANNED = "planned"  # forms planned for a unit; this column may be missing in a list
GROUPS = {
    "departments": Bilingual(vi="Sở, ban, ngành", en="Departments"),
    "districts": Bilingual(vi="Huyện, thị xã, thành phố", en="Districts"),
    "communes": Bilingual(vi="Xã, phường, thị trấn", en="Communes"),
    "vertical-agencies": Bilingual(vi="Cơ quan ngành dọc", en="Vertical agencies"),
}
NEAR = 0.6  # likeness from which a unit is proposed
NO_GROUP = "all"  # group of the only unit of a wave without a list of units
UNIT_CODE = r"[a-z0-9][a-z0-9-]{0,62}"


def read_units(wave: Wave) -> pd.DataFrame:
    """Read the unit list of a wave, one row per unit in the order of the file.

    A survey of one unit, or of none, needs no list: its only unit has the id of the wave.

    Columns as in ``UNIT_COLUMNS``, and ``planned``; ``clients`` and ``planned`` are numbers or
    missing; ``valid_*`` are dates or missing. The index is the row of the file.

    Raises:
        FileError: The file is missing or cannot be read.
        UnitError: A column is missing, a code repeats or cannot name a file, a group is unknown.
    """
    if not has_unit_list(wave):
        return _make_only_unit(wave)
    path = wave.path_of(wave.units)
    groups = list_groups(wave)
    raw = _read_list(path, groups)
    missing = [name for name in ("code", "name_vi", "group") if name not in raw]
    if missing:
        raise UnitError("unit_columns", [Place(path.name, 1)], missing=", ".join(missing))
    known = [*UNIT_COLUMNS, PLANNED]
    unknown = [Place(path.name, 1, str(name)) for name in raw if name not in known]
    if unknown or raw.columns.has_duplicates:
        raise UnitError("unit_headers", unknown or [Place(path.name, 1)], known=", ".join(known))
    units = raw.reindex(columns=known, fill_value="")
    codes = {
        fold_text(name): code for code, label in groups.items() for name in (label.vi, label.en)
    }
    split_rows = _find_split_groups(raw, path, codes)
    if split_rows:
        raise UnitError("unit_commas", split_rows, groups=", ".join(groups))
    units["group"] = [codes.get(fold_text(group), group) for group in units["group"]]
    wrong_cells = _find_wrong_cells(units, path, groups)
    if wrong_cells:
        is_group = all(place.column == "group" for place in wrong_cells)
        names = {
            language: "; ".join(label.text(language) for label in groups.values())
            for language in LANGUAGES
        }
        message_id = "unit_group" if is_group else "unit_list"
        raise UnitError(message_id, wrong_cells, groups=", ".join(groups), names=names)
    for name in ("valid_from", "valid_to"):
        units[name] = [parse_iso_day(day) if day else None for day in units[name]]
    for name in ("clients", PLANNED):
        units[name] = pd.to_numeric(units[name].replace("", None))
    return units


def _read_list(path: Path, groups: Iterable[str]) -> pd.DataFrame:
    """Return the rows of a list; a row that commas make too wide is told with its cure."""
    try:
        return read_rows(path)
    except FileError as error:
        if error.message_id != "too_wide":
            raise
        raise UnitError("unit_commas", error.places, groups=", ".join(groups)) from None


def _find_split_groups(raw: pd.DataFrame, path: Path, names: Iterable[str]) -> list[Place]:
    """Return the rows whose group, written without quotes, runs on into the next cells."""
    folded = {*names}
    start = [*raw].index("group")
    places = []
    for row, *cells in raw.iloc[:, start:].itertuples():
        joined = [fold_text(", ".join(map(str, cells[:n]))) for n in range(2, len(cells) + 1)]
        if not folded.isdisjoint(joined):
            places.append(Place(path.name, int(row), "group", str(cells[0])))
    return places


def has_unit_list(wave: Wave) -> bool:
    """Return whether a wave has a list of units, or must have: it tells units apart or names it."""
    columns = [wave.columns, *(responses.columns for responses in wave.responses)]
    names = {fold_text(responses.unit) for responses in wave.responses}
    is_needed = any(part.unit for part in columns) or len(names) > 1 or wave.units != "units.csv"
    return is_needed or is_there(wave.path_of(wave.units))


def _make_only_unit(wave: Wave) -> pd.DataFrame:
    """Return the list of the only unit: named by ``unit:``, else the publisher or the title."""
    names = (Bilingual(vi=wave.responses[0].unit), wave.publisher, wave.title)
    name = next(name for name in names if name.text("vi"))
    unit = dict.fromkeys(UNIT_COLUMNS, "") | {"code": wave.id, "group": NO_GROUP}
    unit |= {"name_vi": name.text("vi"), "name_en": name.text("en")}
    units = pd.DataFrame([unit], index=[1])
    return units.assign(valid_from=None, valid_to=None, clients=np.nan, planned=np.nan)


def _find_wrong_cells(units: pd.DataFrame, path: Path, groups: Iterable[str]) -> list[Place]:
    """Return every cell that breaks a rule of its column, by row and column."""
    code = units["code"]
    rules = (
        *((name, ~units[name].str.fullmatch(r"[0-9]*")) for name in ("clients", PLANNED)),
        ("code", code.duplicated(keep=False)),
        ("code", ~code.str.fullmatch(UNIT_CODE)),
        ("group", ~units["group"].isin([*groups])),
        ("name_vi", (units["name_vi"] == "") | units["name_vi"].str.contains(CONTROL)),
        ("name_en", units["name_en"].str.contains(CONTROL)),
        ("parent", ~units["parent"].isin(["", *code])),
        ("valid_from", ~units["valid_from"].map(_is_day)),
        ("valid_to", ~units["valid_to"].map(_is_day)),
    )
    places = list_wrong_cells(units, path, rules)
    return sorted(places, key=lambda place: (place.row or 0, place.column))


def list_wrong_cells(
    rows: pd.DataFrame, path: Path, rules: Iterable[tuple[str, "pd.Series[bool]"]]
) -> list[Place]:
    """Return every cell of a list that breaks a rule: a column, and which rows are wrong there."""
    return [
        Place(path.name, int(row), column, str(rows.loc[row, column]))
        for column, is_wrong in rules
        for row in rows.index[is_wrong.astype(bool)]
    ]


def _is_day(text: str) -> bool:
    """Return whether a text is empty or a day as 2021-03-15."""
    try:
        return not text or parse_iso_day(text) is not None
    except ValueError:
        return False


def list_groups(wave: Wave) -> dict[str, Bilingual]:
    """Return the names of the groups with separate rankings: the usual four and the wave's."""
    only = {} if has_unit_list(wave) else {NO_GROUP: Bilingual(vi="Toàn bộ", en="All")}
    return {**GROUPS, **wave.groups, **only}


def index_units(units: pd.DataFrame) -> dict[str, str]:
    """Return unit code by every folded spelling of a unit: code, names, aliases.

    Raises:
        UnitError: Two units share a spelling.
    """
    index: dict[str, str] = {}
    clashes = []
    for row, unit in zip(units.index, units.to_dict("records"), strict=True):
        names = [unit["code"], unit["name_vi"], unit["name_en"], *unit["aliases"].split(";")]
        folded = sorted({fold_text(name) for name in names} - {""})
        taken = [name for name in folded if index.setdefault(name, unit["code"]) != unit["code"]]
        clashes += [Place("units.csv", int(row), "aliases", name) for name in taken]
    if clashes:
        raise UnitError("unit_clash", clashes)
    return index


def name_nearest_units(places: Iterable[Place], index: Mapping[str, str]) -> str:
    """Return the code of the unit that each unknown name may mean, to be confirmed by the user."""
    names = dict.fromkeys(place.value for place in places if place.value)
    nearest = {name: find_nearest_name(name, index) for name in [*names][:SHOWN_PLACES]}
    texts = [f"“{shorten(name)}” ≈ {index[near]}" for name, near in nearest.items() if near]
    return "; ".join(texts) or "–"


def find_unit_code(units: pd.DataFrame, name: str) -> str:
    """Return the code of the unit with that code, name or alias, in capitals or not.

    Raises:
        UnitError: No unit of the list is called so.
    """
    check_kind(name, str, "unit")
    index = index_units(units)
    if fold_text(name) not in index:
        raise UnitError("unit_unknown", unit=name, close=name_nearest_unit(units, name))
    return index[fold_text(name)]


def name_nearest_unit(units: pd.DataFrame, name: str) -> str:
    """Return code and name of the unit that a text may mean; a dash if it is like none."""
    index = index_units(units)
    near = _find_by_words(name, index) or index.get(find_nearest_name(name, index, NEAR))
    code = index.get(fold_text(name)) or near
    names = units.loc[units["code"] == code, "name_vi"]
    return next((f"{code} ({name_vi})" for name_vi in names), "–")


def _find_by_words(text: str, index: Mapping[str, str]) -> str:
    """Return the only unit whose name has all words of a text, or else is the longest inside it."""
    words = {*plain_text(text).split()}
    by_name = {name: {*plain_text(name).split()} for name in index}
    around = {index[name] for name, parts in by_name.items() if words and words <= parts}
    inside = {
        name: len(parts) for name, parts in by_name.items() if 1 < len(parts & words) == len(parts)
    }
    longest = {index[name] for name, n in inside.items() if n == max(inside.values())}
    return next((min(codes) for codes in (around, longest) if len(codes) == 1), "")


def check_unit_days(
    units: pd.DataFrame, used: set[str], day: date | None, file: str
) -> SipasError | None:
    """Return an error if a unit with forms did not exist on the last day of fieldwork."""
    if day is None:
        return None
    not_yet = units["valid_from"].map(lambda start: start is not None and start > day)
    no_longer = units["valid_to"].map(lambda end: end is not None and end < day)
    wrong = units[(not_yet | no_longer) & units["code"].isin(used)]
    rows = zip(np.asarray(wrong.index), wrong["code"], strict=True)
    places = [Place(file, int(row), "valid_from/valid_to", code) for row, code in rows]
    return UnitError("unit_dates", places, day=day.isoformat()) if places else None
