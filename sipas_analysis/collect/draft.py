"""Look at an office's files and draft ``wave.yaml`` and ``units.csv`` for a person to correct.

The draft names what it recognised and lists what it could not place; nothing unplaced is
silently ignored, so ``sipas check`` will ask about it. Existing files are never overwritten.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from sipas_analysis.collect.columns import PlacedColumns, place_columns, read_vocabulary
from sipas_analysis.collect.readers import (
    fold_text,
    list_sheets,
    name_columns,
    read_below_header,
    read_cells,
    tidy_text,
)
from sipas_analysis.collect.units import UNIT_COLUMNS
from sipas_analysis.collect.wave import Columns
from sipas_analysis.errors import FileError, OutputError
from sipas_analysis.files import write_whole
from sipas_analysis.instrument.pack import Instrument, list_packs, read_instrument
from sipas_analysis.messages import Language, say

HEADER_ROWS = 12


@dataclass(frozen=True)
class Sheet:
    """One sheet of one file, with the header row that recognises most items."""

    path: Path
    sheet: str
    header: tuple[int, ...]
    pack: Instrument
    placed: PlacedColumns
    raw: pd.DataFrame


@dataclass(frozen=True)
class Draft:
    """What was drafted: the files written, the best pack, and the columns left for the user."""

    wave: Path
    units: Path
    pack: Instrument
    n_units: int
    unplaced: list[str] = field(default_factory=list)
    units_to_place: list[str] = field(default_factory=list)
    file_is_unit: bool = False


def draft_wave(files: Sequence[Path], folder: Path, language: Language) -> Draft:
    """Draft ``wave.yaml`` and ``units.csv`` in ``folder`` from files of answers.

    Args:
        files: CSV or XLSX files; every sheet that holds at least half of the items is taken.
        folder: Where the two files go.
        language: Language of the comments in the draft.

    Returns:
        What was written and what the user still has to place.

    Raises:
        FileError: A file cannot be read, or no instrument is recognised in it.
        OutputError: ``wave.yaml`` or ``units.csv`` exists already.
    """
    wave_path, units_path = folder / "wave.yaml", folder / "units.csv"
    for path in (wave_path, units_path):
        if path.exists():
            raise OutputError("exists", path=path)
    sheets = [one for path in files for one in _sheets(path)]
    pack = sheets[0].pack
    roles = _roles(sheets, pack)
    units = _units(sheets, roles.get("unit", ""))
    placed = {fold_text(header) for header in roles.values()}
    left = dict.fromkeys(
        header for one in sheets for header in one.placed.unknown if fold_text(header) not in placed
    )
    text = _wave_text(sheets, folder, roles, [*left], language)
    write_whole(units_path, "\ufeff" + units.to_csv(index=False, lineterminator="\n"))
    write_whole(wave_path, text)
    unknown = list(units.loc[units["group"] == "", "name_vi"])
    return Draft(wave_path, units_path, pack, len(units), [*left], unknown, "unit" not in roles)


def _sheets(path: Path) -> list[Sheet]:
    """Return the sheets of a file in which an instrument is recognised."""
    if not path.is_file():
        raise FileError("file_missing", file=path)
    looked = [_look(path, sheet) for sheet in list_sheets(path) or [""]]
    found = [one for one in looked if one and 2 * len(one.placed.items) >= len(one.pack.items)]
    if not found:
        best = max(
            (one for one in looked if one), key=lambda one: len(one.placed.items), default=None
        )
        pack, n = (
            (best.pack, len(best.placed.items)) if best else (read_instrument(list_packs()[0]), 0)
        )
        fields = {"file": path.name, "pack": pack.id, "found": n, "n_items": len(pack.items)}
        raise FileError("nothing_recognised", (), **fields)
    return found


def _look(path: Path, sheet: str) -> Sheet | None:
    """Try each of the first rows as header, alone and with the one above; keep the best.

    Best is what names most items of an instrument, then most columns, in fewest rows.
    """
    cells = read_cells(path, sheet, HEADER_ROWS)
    last = min(HEADER_ROWS, len(cells) - 1)
    headers: list[tuple[int, ...]] = [(row,) for row in range(1, last + 1)]
    headers += [(row - 1, row) for row in range(2, last + 1)]
    best: tuple[tuple[float, int, int], Sheet] | None = None
    for header in headers:
        names = [name for name in name_columns([cells[row - 1] for row in header]) if name]
        for pack in (read_instrument(name) for name in list_packs()):
            placed = place_columns(names, Columns(), pack)
            worth = (len(placed.items) / len(pack.items), len(names), -len(header))
            if placed.items and (best is None or worth > best[0]):
                raw = _below(cells, header, path)
                best = (
                    (worth, Sheet(path, sheet, header, pack, placed, raw))
                    if raw is not None
                    else best
                )
    return best[1] if best else None


def _below(cells: list[list[str]], header: tuple[int, ...], path: Path) -> pd.DataFrame | None:
    """Return the rows below a header, or nothing if they do not fit it."""
    try:
        return read_below_header(cells, header, path)
    except FileError:
        return None


def _roles(sheets: Sequence[Sheet], pack: Instrument) -> dict[str, str]:
    """Return the header of each role and of the overall item, by the words offices use."""
    words: dict[str, Any] = {**read_vocabulary()["roles"]}
    if pack.overall_item:
        words["overall"] = read_vocabulary()["overall"]
    headers = {fold_text(header): header for one in sheets for header in one.placed.unknown}
    found: dict[str, str] = {}
    for role, names in words.items():
        match = next((headers[fold_text(name)] for name in names if fold_text(name) in headers), "")
        if match and match not in found.values():
            found[role] = match
    hints = read_vocabulary()["unit_hints"]
    named = [header for name, header in headers.items() if any(hint in name for hint in hints)]
    if "unit" not in found and named:
        found["unit"] = named[0]
    return found


def _units(sheets: Sequence[Sheet], header: str) -> pd.DataFrame:
    """Return one unit per distinct name in the unit column, else one per file or sheet."""
    named = [one.raw[header] for one in sheets if header in one.raw]
    if named:
        names = list(
            {
                fold_text(name): tidy_text(name) for name in pd.concat(named) if tidy_text(name)
            }.values()
        )
    else:
        names = [_sheet_name(one) for one in sheets]
    groups: dict[str, list[str]] = read_vocabulary()["groups"]
    rows: list[dict[str, str]] = []
    for name in names:
        group = next(
            (g for g, starts in groups.items() if fold_text(name).startswith(tuple(starts))), ""
        )
        rows.append(
            {"code": _code(name, [row["code"] for row in rows]), "name_vi": name, "group": group}
        )
    return pd.DataFrame(rows).reindex(columns=list(UNIT_COLUMNS), fill_value="")


def _sheet_name(one: Sheet) -> str:
    """Return the name of a unit that a file or sheet stands for."""
    starts = tuple(start for group in read_vocabulary()["groups"].values() for start in group)
    many = len(list_sheets(one.path)) > 1
    return one.sheet if many or fold_text(one.sheet).startswith(starts) else one.path.stem


def _code(name: str, taken: Sequence[str]) -> str:
    """Return a code in a–z, 0–9 and - for a Vietnamese name, unlike those taken."""
    plain = unicodedata.normalize("NFD", fold_text(name).replace("đ", "d"))
    plain = re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c)))
    code = plain.strip("-")[:40].strip("-") or "don-vi"
    same = sum(
        one == code or re.fullmatch(rf"{re.escape(code)}-\d+", one) is not None for one in taken
    )
    return f"{code}-{same + 1}" if same else code


def _wave_text(
    sheets: Sequence[Sheet],
    folder: Path,
    roles: dict[str, str],
    left: list[str],
    language: Language,
) -> str:
    """Write the draft as YAML with a comment at each place that a person must look at."""
    per_file = "unit" not in roles
    responses = []
    for one in sheets:
        entry: dict[str, Any] = {"file": _beside(one.path, folder)}
        if one.sheet:
            entry["sheet"] = one.sheet
        if one.header != (1,):
            entry["header"] = [*one.header] if len(one.header) > 1 else one.header[0]
        if per_file:
            entry["unit"] = _sheet_name(one)
        responses.append(entry)
    columns: dict[str, Any] = {role: header for role, header in roles.items() if role != "overall"}
    if "overall" in roles and sheets[0].pack.overall_item:
        columns["items"] = {sheets[0].pack.overall_item.code: roles["overall"]}
    facts = {
        "id": _code(folder.resolve().name, []),
        "title": {"vi": "Chỉ số hài lòng", "en": "Satisfaction index"},
        "year": _year(sheets),
        "instrument": sheets[0].pack.id,
        "languages": [language],
        "province": {"vi": "", "en": ""},
        "publisher": {"vi": "", "en": ""},
    }
    n_items = sum(code in sheets[0].pack.items for code in sheets[0].placed.items)
    said = say(language, "draft.head", items=n_items, pack=sheets[0].pack.id)
    parts = [f"# {said}\n# {say(language, 'draft.facts')}\n", _dump(facts)]
    parts.append(f"\n# {say(language, 'draft.responses')}\n")
    parts += [f"# {say(language, 'draft.file_is_unit')}\n"] if per_file else []
    parts += [_dump({"responses": responses}), f"\n# {say(language, 'draft.columns')}\n"]
    parts.append(_dump({"columns": columns | {"ignore": None}}))
    if left:
        parts.append(f"  # {say(language, 'draft.unplaced', n=len(left))}\n")
        parts += [
            f"  # - {yaml.safe_dump(name, allow_unicode=True, width=1000).splitlines()[0]}\n"
            for name in left
        ]
    parts.append(
        f"\n# {say(language, 'draft.units')}\n" + _dump({"units": "units.csv", "min_forms": 30})
    )
    return "".join(parts)


def _beside(path: Path, folder: Path) -> str:
    """Return a path relative to the folder of wave.yaml where that is possible."""
    full, base = path.resolve(), folder.resolve()
    return full.relative_to(base).as_posix() if full.is_relative_to(base) else full.as_posix()


def _year(sheets: Sequence[Sheet]) -> int | None:
    """Return a year found in a file name, else nothing: the user writes it."""
    found = [re.search(r"(20\d\d)", one.path.stem) for one in sheets]
    return next((int(match[1]) for match in found if match), None)


def _dump(facts: dict[str, Any]) -> str:
    text = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False, width=1000)
    return text.replace(": null\n", ":\n")
