"""Place every column of a file: item, indicator, role, personal, or unknown.

A column is placed as ``wave.yaml`` declares, else by the code or the full wording of an item or
indicator. Personal columns are dropped here, before any value is used (rule P1). The run stops
if there are unknown columns, and all of them are listed.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sipas_analysis.collect.texts import fold_text
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.collect.wave import Columns
from sipas_analysis.errors import ColumnError, Place
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language

ROLES = ("form", "unit", "mode", "date", "weight", "stratum", "cluster", "fpc")
_NUMBERED = re.compile(r"^(?:câu |question |q)?([a-z]?\d+(?:\.\d+)*)\s*[.:)\-–]\s*(.+)$")
_BRACKETS = re.compile(r"\[([^\]]+)\]\s*$")

Target = tuple[str, str]  # a kind of PlacedColumns (items, indicators, roles, keys) and a code


@dataclass(frozen=True)
class PlacedColumns:
    """The headers of one file by item, indicator, role and key, and the headers left over."""

    items: dict[str, str]
    indicators: dict[str, str]
    roles: dict[str, str]
    keys: dict[str, str]
    personal: list[str]
    ignored: list[str]
    unknown: list[str]
    twice: list[str]


def is_personal(header: str) -> bool:
    """Return whether a header names personal data: contains a listed phrase as whole words."""
    folded = fold_text(header)
    phrases = read_vocabulary()["personal"]
    return any(re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", folded) for phrase in phrases)


def place_columns(headers: Iterable[str], columns: Columns, pack: Instrument) -> PlacedColumns:
    """Place every header once; a declaration in ``wave.yaml`` comes before a known wording."""
    declared = _list_declared(columns)
    wordings = _list_wordings(pack)
    placed = PlacedColumns({}, {}, {}, {}, [], [], [], [])
    ignored = {fold_text(name) for name in columns.ignore}
    for header in headers:
        folded = fold_text(header)
        recognised = None if folded in ignored else _recognise_header(folded, wordings)
        for kind, code in declared.get(folded) or ([recognised] if recognised else []):
            header_by_code: dict[str, str] = getattr(placed, kind)
            if header_by_code.setdefault(code, header) != header:
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
    """Return every reason to refuse the columns of a file."""
    errors = [
        ColumnError(message_id, [Place(file, column=header) for header in headers])
        for message_id, headers in (
            ("columns_unknown", placed.unknown),
            ("columns_twice", placed.twice),
        )
        if headers
    ]
    missing = [code for code in pack.items if code not in placed.items]
    if missing:
        names = {
            language: "; ".join(_name_item(pack, code, language) for code in missing)
            for language in LANGUAGES
        }
        errors.append(
            ColumnError("items_missing", [Place(file)], items=names, n_items=len(missing))
        )
    absent = _list_absent(placed, columns)
    if absent:
        places = [Place(file, column=header) for header in absent]
        errors.append(ColumnError("columns_missing", places))
    return errors


def _list_absent(placed: PlacedColumns, columns: Columns) -> list[str]:
    """Return the headers that ``wave.yaml`` declares and the file does not have."""
    present = {
        fold_text(header)
        for part in ("items", "indicators", "roles", "keys")
        for header in getattr(placed, part).values()
    }
    declared = {**columns.items, **columns.indicators, **columns.keys}
    declared |= {role: getattr(columns, role) for role in ROLES}
    headers = [header for header in declared.values() if header]
    return [header for header in headers if fold_text(header) not in present]


def _name_item(pack: Instrument, code: str, language: Language) -> str:
    """Return the code of an item with its label, if it has one."""
    label = pack.label_of(code, language)
    return code if label == code else f"{code} ({label})"


def _list_declared(columns: Columns) -> dict[str, list[Target]]:
    """Return targets by folded header, as ``wave.yaml`` declares; a column may have several."""
    roles = {role: getattr(columns, role) for role in ROLES}
    parts = {
        "items": columns.items,
        "indicators": columns.indicators,
        "keys": columns.keys,
        "roles": roles,
    }
    targets: dict[str, list[Target]] = {}
    for kind, header_by_code in parts.items():
        for code, header in header_by_code.items():
            if header:
                targets.setdefault(fold_text(header), []).append((kind, code))
    return targets


def _list_wordings(pack: Instrument) -> dict[str, Target]:
    """Return targets by folded code, label and wording of the instrument."""
    texts: list[tuple[str, str, Bilingual]] = []
    texts += [("items", code, item) for code, item in pack.items.items()]
    texts += [("items", code, question) for code, question in pack.questions_beside.items()]
    indicators = pack.indicators.items()
    texts += [("indicators", code, indicator) for code, indicator in indicators]
    texts += [("indicators", code, indicator.wording) for code, indicator in indicators]
    wordings: dict[str, Target] = {}
    for kind, code, text in texts:
        for name in (code, text.vi, text.en):
            if name:
                wordings.setdefault(fold_text(name), (kind, code))
    return wordings


def _recognise_header(folded: str, wordings: Mapping[str, Target]) -> Target | None:
    """Find a header that is a code, a wording, ``code. wording`` or ``question [wording]``."""
    if folded in wordings:
        return wordings[folded]
    numbered = _NUMBERED.match(folded)
    if numbered and numbered[2] in wordings:
        return wordings[numbered[2]]
    bracketed = _BRACKETS.search(folded)
    return wordings.get(bracketed[1].strip()) if bracketed else None
