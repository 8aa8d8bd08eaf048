"""Find exports of records among an office's files, and draft ``records:`` of ``wave.yaml``.

An export is known by its headers: all columns that its kind needs. Only the first rows of a file
are looked at; no row of a dossier is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sipas_analysis.collect.record_sources import RecordFile
from sipas_analysis.draft.proposals import relate_path, write_yaml
from sipas_analysis.errors import SipasError, shorten
from sipas_analysis.messages import Language, say
from sipas_analysis.records.columns import EXPORTS, find_export, fold_name, place_export
from sipas_analysis.records.raw_files import read_first_rows

NUMBERS = ("stt", "tt", "sott", "sothutu")  # folded headers of running numbers


@dataclass(frozen=True)
class RecordEntries:
    """What ``records:`` may say.

    Attributes:
        facts: The part ``records:`` of ``wave.yaml``.
        paths: The exports.
        left: Headers of each export that have no role and are neither personal nor free text.
    """

    facts: Mapping[str, object] = field(default_factory=dict)
    paths: Sequence[Path] = ()
    left: Mapping[str, Sequence[str]] = field(default_factory=dict)


def find_exports(paths: Sequence[Path], folder: Path) -> RecordEntries:
    """Find the exports among some files.

    Args:
        paths: Files.
        folder: Folder of the ``wave.yaml`` that names them.
    """
    entries: dict[str, list[object]] = {}
    found, left = list[Path](), dict[str, Sequence[str]]()
    for path in paths:
        kind, facts, unread = _recognise(path)
        if kind:
            name = relate_path(path, folder)
            entries.setdefault(kind, []).append({"file": name, **facts} if facts else name)
            found.append(path)
            left |= {name: unread} if unread else {}
    ordered = {kind: entries[kind] for kind in EXPORTS if kind in entries}
    return RecordEntries({"records": ordered}, found, left)


def write_records(records: RecordEntries, language: Language) -> str:
    """Return ``records:`` with the exports that were recognised, and the columns that are not read.

    Nothing where there is no export.
    """
    left = [
        say(language, "draft.records_left", file=file, names="; ".join(map(shorten, names)))
        for file, names in records.left.items()
    ]
    lines = [say(language, "draft.records"), *left]
    comments = "".join(f"# {line}\n" for line in lines)
    return f"\n{comments}{write_yaml(records.facts)}" if records.paths else ""


def recognise_export(path: Path) -> tuple[str, dict[str, object]]:
    """Return the kind of an export, and its header row and unit where they must be said.

    Empty for another file. Of two kinds that fit the one with more columns is meant.
    """
    return _recognise(path)[:2]


def _recognise(path: Path) -> tuple[str, dict[str, object], Sequence[str]]:
    """Return kind and facts of an export, and the headers that are not read."""
    best: tuple[int, str, dict[str, object], Sequence[str]] = (0, "", {}, ())
    try:
        rows = read_first_rows(path)
    except SipasError:
        return "", {}, ()
    for number, names in enumerate(rows, 1):
        for kind in EXPORTS:
            columns = _number_petitions(names) if kind == "petitions" else {}
            entry = RecordFile(file=path.name, unit="?", header=number, columns=columns)
            placed, errors = place_export(names, entry, kind, path.name)
            needs_unit = find_export(kind).roles["unit"].is_needed
            facts: dict[str, object] = {"header": number} if number > 1 else {}
            facts |= {"columns": columns} if columns else {}
            facts |= {"unit": ""} if needs_unit and "unit" not in placed.positions else {}
            if not errors and len(placed.positions) > best[0]:
                unread = placed.dropped.get("records_unread", ())
                best = len(placed.positions), kind, facts, unread
    return best[1:]


def _number_petitions(names: Sequence[str]) -> dict[str, str]:
    """Return the column of running numbers of a book of petitions that is kept by hand.

    It stands for a code of the petition where there is none, and a day of answer or its limit
    tells that the sheet is such a book.
    """
    folded, roles = [*map(fold_name, names)], find_export("petitions").roles
    has = {
        role: bool({*map(fold_name, roles[role].headers)} & {*folded})
        for role in ("petition", "due", "answered")
    }
    if has["petition"] or not (has["due"] or has["answered"]):
        return {}
    numbers = [name for name, text in zip(names, folded, strict=True) if text in NUMBERS]
    return {"petition": numbers[0]} if numbers else {}
