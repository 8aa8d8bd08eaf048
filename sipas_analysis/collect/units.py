"""The list of units of one wave: codes, names, groups ranked apart, dates of validity.

Unit lists change from year to year (mergers, renames), so they belong to the wave. The code of
a unit names files and figures; the name is only printed, whatever it holds.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.readers import fold_text, read_rows
from sipas_analysis.collect.wave import Wave
from sipas_analysis.errors import Place, SipasError, UnitError
from sipas_analysis.instrument.strict_yaml import Bilingual

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
GROUPS = {
    "departments": Bilingual(vi="Sở, ban, ngành", en="Departments"),
    "districts": Bilingual(vi="Huyện, thị xã, thành phố", en="Districts"),
    "communes": Bilingual(vi="Xã, phường, thị trấn", en="Communes"),
    "vertical-agencies": Bilingual(vi="Cơ quan ngành dọc", en="Vertical agencies"),
}
UNIT_CODE = r"^[a-z0-9][a-z0-9-]{0,62}$"


def read_units(wave: Wave) -> pd.DataFrame:
    """Return the unit list of a wave, one row per unit in the file's order.

    Columns as in ``COLUMNS``; ``clients`` is a number or missing; ``valid_*`` are dates or
    missing. The index is the row of the file.

    Raises:
        FileError: The file is missing or cannot be read.
        UnitError: A column is missing, a code repeats or cannot name a file, a group is unknown.
    """
    path = wave.path_of(wave.units)
    raw = read_rows(path)
    missing = [name for name in ("code", "name_vi", "group") if name not in raw]
    if missing:
        raise UnitError("unit_columns", [Place(path.name, 1)], missing=", ".join(missing))
    unknown = [Place(path.name, 1, str(name)) for name in raw if name not in UNIT_COLUMNS]
    if unknown or raw.columns.has_duplicates:
        raise UnitError("unit_headers", unknown or [Place(path.name, 1)], known=", ".join(UNIT_COLUMNS))
    units = raw.reindex(columns=list(UNIT_COLUMNS), fill_value="")
    problems = [*_find_wrong_cells(units, path, wave)]
    if problems:
        groups = ", ".join(list_groups(wave))
        raise UnitError("unit_list", problems, groups=groups)
    for name in ("valid_from", "valid_to"):
        units[name] = [date.fromisoformat(it) if it else None for it in units[name]]
    units["clients"] = pd.to_numeric(units["clients"].replace("", None))
    return units


def _find_wrong_cells(units: pd.DataFrame, path: Path, wave: Wave) -> list[Place]:
    """Check the list whole with pandera; return every cell that cannot stand."""
    import pandera.pandas as pa

    days = pa.Check(_is_day, element_wise=True)
    schema = pa.DataFrameSchema(
        {
            "code": pa.Column(str, pa.Check.str_matches(UNIT_CODE), unique=True),
            "name_vi": pa.Column(str, pa.Check.str_length(min_value=1)),
            "group": pa.Column(str, pa.Check.isin([*list_groups(wave)])),
            "parent": pa.Column(str, pa.Check.isin(["", *units["code"]])),
            "valid_from": pa.Column(str, days),
            "valid_to": pa.Column(str, days),
            "clients": pa.Column(str, pa.Check.str_matches(r"^\d*$")),
        }
    )
    try:
        schema.validate(units, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases.dropna(subset="index").sort_values(["index", "column"])
        rows = zip(cases["index"], cases["column"], cases["failure_case"], strict=True)
        return [Place(path.name, int(row), str(col), str(value)) for row, col, value in rows]
    return []


def _is_day(text: str) -> bool:
    try:
        return not text or len(date.fromisoformat(text).isoformat()) == len(text)
    except ValueError:
        return False


def list_groups(wave: Wave) -> dict[str, Bilingual]:
    """Return the groups that are ranked apart, with their names: the usual four and the wave's."""
    return {**GROUPS, **wave.groups}


def index_units(units: pd.DataFrame) -> dict[str, str]:
    """Return unit code by every folded way to write a unit: code, names, aliases.

    Raises:
        UnitError: Two units share a way to be written.
    """
    found: dict[str, str] = {}
    clashes = []
    for row, unit in zip(units.index, units.to_dict("records"), strict=True):
        names = [unit["code"], unit["name_vi"], unit["name_en"], *unit["aliases"].split(";")]
        folded = sorted({fold_text(name) for name in names} - {""})
        taken = [name for name in folded if found.setdefault(name, unit["code"]) != unit["code"]]
        clashes += [Place("units.csv", int(row), "aliases", name) for name in taken]
    if clashes:
        raise UnitError("unit_clash", clashes)
    return found


def check_unit_days(
    units: pd.DataFrame, used: set[str], day: date | None, file: str
) -> SipasError | None:
    """Return an error if a unit with forms did not exist on the last day of fieldwork."""
    if day is None:
        return None
    late = units["valid_from"].map(lambda it: it is not None and it > day)
    gone = units["valid_to"].map(lambda it: it is not None and it < day)
    wrong = units[(late | gone) & units["code"].isin(used)]
    rows = zip(np.asarray(wrong.index), wrong["code"], strict=True)
    places = [Place(file, int(row), "valid_from/valid_to", code) for row, code in rows]
    return UnitError("unit_dates", places, day=day.isoformat()) if places else None
