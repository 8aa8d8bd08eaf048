"""Draft ``wave.yaml`` and ``units.csv`` from an office's files, for a person to correct.

The draft names the columns that it recognised and lists the columns that it could not place.
``sipas check`` lists each unplaced column; no column is silently ignored. Existing files are never
overwritten.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import yaml

from sipas_analysis.collect.columns import PlacedColumns, place_columns
from sipas_analysis.collect.sheets import list_sheets, read_cells
from sipas_analysis.collect.tables import name_columns, read_below_header
from sipas_analysis.collect.texts import fold_text, tidy_text
from sipas_analysis.collect.units import UNIT_COLUMNS
from sipas_analysis.collect.vocabulary import read_vocabulary
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
    """The files written, the best pack, and the columns and units left for the user."""

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
        files: CSV or XLSX files; every sheet with at least half of the items is read.
        folder: Folder for the two files.
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
    sheets = [sheet for path in files for sheet in _recognise_sheets(path)]
    pack = sheets[0].pack
    roles = _recognise_roles(sheets, pack)
    units = _list_units(sheets, roles.get("unit", ""))
    placed = {fold_text(header) for header in roles.values()}
    unknown = dict.fromkeys(header for sheet in sheets for header in sheet.placed.unknown)
    unplaced = [header for header in unknown if fold_text(header) not in placed]
    wave_text = _write_wave(sheets, folder, roles, unplaced, language)
    write_whole(units_path, "\ufeff" + units.to_csv(index=False, lineterminator="\n"))
    write_whole(wave_path, wave_text)
    return Draft(
        wave_path,
        units_path,
        pack,
        n_units=len(units),
        unplaced=unplaced,
        units_to_place=list(units.loc[units["group"] == "", "name_vi"]),
        file_is_unit="unit" not in roles,
    )


def _recognise_sheets(path: Path) -> list[Sheet]:
    """Return the sheets of a file in which an instrument is recognised."""
    if not path.is_file():
        raise FileError("file_missing", file=path)
    candidates = [_find_header(path, name) for name in list_sheets(path) or [""]]
    sheets = [sheet for sheet in candidates if sheet]
    recognised = [sheet for sheet in sheets if 2 * len(sheet.placed.items) >= len(sheet.pack.items)]
    if recognised:
        return recognised
    best = max(sheets, key=lambda sheet: len(sheet.placed.items), default=None)
    pack = best.pack if best else read_instrument(list_packs()[0])
    n_found = len(best.placed.items) if best else 0
    fields = {"file": path.name, "pack": pack.id, "found": n_found, "n_items": len(pack.items)}
    raise FileError("nothing_recognised", (), **fields)


def _find_header(path: Path, sheet: str) -> Sheet | None:
    """Try each of the first rows as header, alone and with the row above; return the best.

    The best header names most items of an instrument, then most columns, in fewest rows.
    """
    cells = read_cells(path, sheet, HEADER_ROWS)
    packs = [read_instrument(name) for name in list_packs()]
    last = min(HEADER_ROWS, len(cells) - 1)
    headers: list[tuple[int, ...]] = [(row,) for row in range(1, last + 1)]
    headers += [(row - 1, row) for row in range(2, last + 1)]
    best, best_rank = None, (0.0, 0, 0)
    for header in headers:
        names = [name for name in name_columns([cells[row - 1] for row in header]) if name]
        for pack in packs:
            placed = place_columns(names, Columns(), pack)
            rank = (len(placed.items) / len(pack.items), len(names), -len(header))
            if not placed.items or rank <= best_rank:
                continue
            raw = _read_below(cells, header, path)
            if raw is not None:
                best, best_rank = Sheet(path, sheet, header, pack, placed, raw), rank
    return best


def _read_below(cells: list[list[str]], header: tuple[int, ...], path: Path) -> pd.DataFrame | None:
    """Return the rows below a header, or None if they do not fit the header."""
    try:
        return read_below_header(cells, header, path)
    except FileError:
        return None


def _recognise_roles(sheets: Sequence[Sheet], pack: Instrument) -> dict[str, str]:
    """Return the header of each role and of the overall item, by the words offices use."""
    vocabulary = read_vocabulary()
    words = {**vocabulary["roles"]}
    if pack.overall_item:
        words["overall"] = vocabulary["overall"]
    headers = {fold_text(header): header for sheet in sheets for header in sheet.placed.unknown}
    roles: dict[str, str] = {}
    for role, names in words.items():
        folded = [fold_text(name) for name in names]
        match = next((headers[name] for name in folded if name in headers), "")
        if match and match not in roles.values():
            roles[role] = match
    hints = vocabulary["unit_hints"]
    hinted = [header for name, header in headers.items() if any(hint in name for hint in hints)]
    if "unit" not in roles and hinted:
        roles["unit"] = hinted[0]
    return roles


def _list_units(sheets: Sequence[Sheet], header: str) -> pd.DataFrame:
    """Return one unit per distinct name in the unit column, else one per file or sheet."""
    columns = [sheet.raw[header] for sheet in sheets if header in sheet.raw]
    if columns:
        spellings = [tidy_text(name) for name in pd.concat(columns)]
        names = [*{fold_text(name): name for name in spellings if name}.values()]
    else:
        names = [_name_sheet_unit(sheet) for sheet in sheets]
    rows: list[dict[str, str]] = []
    for name in names:
        code = _make_code(name, [row["code"] for row in rows])
        rows.append({"code": code, "name_vi": name, "group": _guess_group(name)})
    return pd.DataFrame(rows).reindex(columns=list(UNIT_COLUMNS), fill_value="")


def _guess_group(name: str) -> str:
    """Return the group whose units have names with the same start, else an empty text."""
    for group, starts in read_vocabulary()["groups"].items():
        if fold_text(name).startswith(tuple(starts)):
            return group
    return ""


def _name_sheet_unit(sheet: Sheet) -> str:
    """Return the name of the unit whose forms are in a file or sheet."""
    has_many_sheets = len(list_sheets(sheet.path)) > 1
    return sheet.sheet if has_many_sheets or _guess_group(sheet.sheet) else sheet.path.stem


def _make_code(name: str, taken: Sequence[str]) -> str:
    """Return a code in a–z, 0–9 and - for a Vietnamese name, different from the codes in use."""
    decomposed = unicodedata.normalize("NFD", fold_text(name).replace("đ", "d"))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    code = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "don-vi"
    numbered = re.compile(rf"{re.escape(code)}(-\d+)?")
    n_same = sum(numbered.fullmatch(other) is not None for other in taken)
    return f"{code}-{n_same + 1}" if n_same else code


def _write_wave(
    sheets: Sequence[Sheet],
    folder: Path,
    roles: dict[str, str],
    unplaced: list[str],
    language: Language,
) -> str:
    """Return the draft as YAML with a comment at each place that a person must look at."""
    pack, file_is_unit = sheets[0].pack, "unit" not in roles
    n_items = sum(code in pack.items for code in sheets[0].placed.items)
    parts = [
        f"# {say(language, 'draft.head', items=n_items, pack=pack.id)}\n",
        f"# {say(language, 'draft.facts')}\n",
        _write_yaml(_draft_facts(sheets, folder, language)),
        f"\n# {say(language, 'draft.responses')}\n",
        f"# {say(language, 'draft.file_is_unit')}\n" if file_is_unit else "",
        _write_yaml({"responses": _draft_responses(sheets, folder, file_is_unit)}),
        f"\n# {say(language, 'draft.columns')}\n",
        _write_yaml({"columns": _draft_columns(roles, pack)}),
    ]
    if unplaced:
        parts.append(f"  # {say(language, 'draft.unplaced', n=len(unplaced))}\n")
        parts += [f"  # - {_write_yaml(header).splitlines()[0]}\n" for header in unplaced]
    parts.append(f"\n# {say(language, 'draft.units')}\n")
    parts.append(_write_yaml({"units": "units.csv", "min_forms": 30}))
    return "".join(parts)


def _draft_facts(sheets: Sequence[Sheet], folder: Path, language: Language) -> dict[str, object]:
    """Return the facts of the year, as far as the files show them."""
    return {
        "id": _make_code(folder.resolve().name, []),
        "title": {"vi": "Chỉ số hài lòng", "en": "Satisfaction index"},
        "year": _find_year(sheets),
        "instrument": sheets[0].pack.id,
        "languages": [language],
        "province": {"vi": "", "en": ""},
        "publisher": {"vi": "", "en": ""},
    }


def _draft_responses(
    sheets: Sequence[Sheet], folder: Path, file_is_unit: bool
) -> list[dict[str, object]]:
    """Return the files of answers as ``wave.yaml`` lists them."""
    responses = []
    for sheet in sheets:
        facts: dict[str, object] = {"file": _relate_path(sheet.path, folder)}
        if sheet.sheet:
            facts["sheet"] = sheet.sheet
        if sheet.header != (1,):
            facts["header"] = [*sheet.header] if len(sheet.header) > 1 else sheet.header[0]
        if file_is_unit:
            facts["unit"] = _name_sheet_unit(sheet)
        responses.append(facts)
    return responses


def _draft_columns(roles: dict[str, str], pack: Instrument) -> dict[str, object]:
    """Return the recognised columns, and a place for the columns to ignore."""
    columns: dict[str, object] = {
        role: header for role, header in roles.items() if role != "overall"
    }
    if "overall" in roles and pack.overall_item:
        columns["items"] = {pack.overall_item.code: roles["overall"]}
    return columns | {"ignore": None}


def _relate_path(path: Path, folder: Path) -> str:
    """Return a path relative to the folder of wave.yaml where that is possible."""
    full, base = path.resolve(), folder.resolve()
    return full.relative_to(base).as_posix() if full.is_relative_to(base) else full.as_posix()


def _find_year(sheets: Sequence[Sheet]) -> int | None:
    """Return a year found in a file name, else None: the user writes the year."""
    matches = [re.search(r"(20\d\d)", sheet.path.stem) for sheet in sheets]
    return next((int(match[1]) for match in matches if match), None)


def _write_yaml(content: object) -> str:
    """Return YAML in the given order of keys; for None nothing is written after the key."""
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=1000)
    return text.replace(": null\n", ":\n")
