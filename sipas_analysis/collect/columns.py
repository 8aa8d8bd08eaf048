"""Place every column of a file: item, indicator, role, personal, or unknown.

A column is known by what ``wave.yaml`` says of it, else by the code or the full wording of an
item or indicator. What is personal is dropped here, before anyone sees a value (rule P1). What is
not known is listed, all of it, and stops the run.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sipas_analysis.collect.readers import fold_text
from sipas_analysis.collect.wave import Columns
from sipas_analysis.errors import ColumnError, Place
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual

ROLES = ("form", "unit", "mode", "date", "weight", "stratum", "cluster", "fpc")
_NUMBERED = re.compile(r"^(?:câu |question |q)?([a-z]?\d+(?:\.\d+)*)\s*[.:)\-–]\s*(.+)$")
_BRACKETS = re.compile(r"\[([^\]]+)\]\s*$")


@dataclass(frozen=True)
class PlacedColumns:
    """What each column of one file is: header by item, indicator, role and key."""

    items: dict[str, str]
    indicators: dict[str, str]
    roles: dict[str, str]
    keys: dict[str, str]
    personal: list[str]
    ignored: list[str]
    unknown: list[str]
    twice: list[str]


@cache
def read_vocabulary() -> dict[str, Any]:
    """Return the header words of ``columns.yaml``."""
    text = (Path(__file__).parent / "columns.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def is_personal(header: str) -> bool:
    """Say whether a header names personal data: holds a listed phrase as whole words."""
    folded = fold_text(header)
    phrases = read_vocabulary()["personal"]
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", folded) for one in phrases)


def place_columns(headers: Iterable[str], columns: Columns, pack: Instrument) -> PlacedColumns:
    """Place every header once; a declared header goes before a recognised one."""
    declared = _list_declared(columns)
    known = _list_wordings(pack)
    placed = PlacedColumns({}, {}, {}, {}, [], [], [], [])
    ignored = {fold_text(name) for name in columns.ignore}
    for header in headers:
        folded = fold_text(header)
        recognised = None if folded in ignored else _recognise_header(folded, known)
        for kind, code in declared.get(folded) or ([recognised] if recognised else []):
            mapping: dict[str, str] = getattr(placed, kind)
            if mapping.setdefault(code, header) != header:
                placed.twice.append(header)
        if folded in declared or recognised:
            continue
        if folded in ignored:
            placed.ignored.append(header)
        elif is_personal(header):
            placed.personal.append(header)
        else:
            placed.unknown.append(header)
    return placed


def check_columns(
    placed: PlacedColumns, columns: Columns, pack: Instrument, file: str
) -> list[ColumnError]:
    """Return every reason why a file's columns cannot stand."""
    found = []
    if placed.unknown:
        places = [Place(file, column=name) for name in placed.unknown]
        found.append(ColumnError("columns_unknown", places))
    if placed.twice:
        found.append(ColumnError("columns_twice", [Place(file, column=it) for it in placed.twice]))
    missing = [code for code in pack.items if code not in placed.items]
    if missing:
        said = {lang: "; ".join(_name_item(pack, it, lang) for it in missing) for lang in ("vi", "en")}
        found.append(ColumnError("items_missing", [Place(file)], items=said, n_items=len(missing)))
    have = {
        fold_text(header)
        for part in ("items", "indicators", "roles", "keys")
        for header in getattr(placed, part).values()
    }
    named = {**columns.items, **columns.indicators, **columns.keys}
    named |= {role: getattr(columns, role) for role in ROLES}
    lost = [header for header in named.values() if header and fold_text(header) not in have]
    if lost:
        found.append(ColumnError("columns_missing", [Place(file, column=it) for it in lost]))
    return found


def _name_item(pack: Instrument, code: str, language: str) -> str:
    label = pack.label_of(code, language)
    return code if label == code else f"{code} ({label})"


def _list_declared(columns: Columns) -> dict[str, list[tuple[str, str]]]:
    """Return kinds and codes by folded header, as ``wave.yaml`` says; one column may play two."""
    roles = {role: getattr(columns, role) for role in ROLES}
    parts = {
        "items": columns.items,
        "indicators": columns.indicators,
        "keys": columns.keys,
        "roles": roles,
    }
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, named in parts.items():
        for code, header in named.items():
            if header:
                found.setdefault(fold_text(header), []).append((kind, code))
    return found


def _list_wordings(pack: Instrument) -> dict[str, tuple[str, str]]:
    """Return kind and code by folded code, label and wording of the instrument."""
    found: dict[str, tuple[str, str]] = {}
    texts: list[tuple[str, str, Bilingual]] = [("items", c, it) for c, it in pack.items.items()]
    if pack.overall_item:
        texts.append(("items", pack.overall_item.code, pack.overall_item))
    texts += [("indicators", code, it) for code, it in pack.indicators.items()]
    texts += [("indicators", code, it.wording) for code, it in pack.indicators.items()]
    for kind, code, text in texts:
        for name in (code, text.vi, text.en):
            if name:
                found.setdefault(fold_text(name), (kind, code))
    return found


def _recognise_header(folded: str, known: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    """Find a header that is a code, a wording, ``code. wording`` or ``question [wording]``."""
    if folded in known:
        return known[folded]
    numbered = _NUMBERED.match(folded)
    if numbered and numbered[2] in known:
        return known[numbered[2]]
    bracketed = _BRACKETS.search(folded)
    return known.get(bracketed[1].strip()) if bracketed else None
