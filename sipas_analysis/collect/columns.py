"""Place every column of a file: item, indicator, role, personal, system, or unknown.

A column is placed as ``wave.yaml`` declares, else by the code or the full wording of an item or
indicator. Personal columns are dropped here, before any value is used (rule P1), and so are those
that a form service wrote. The run stops if there are unknown columns, and all of them are listed
with the item that they may be.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache
from typing import Literal

import pandas as pd

from sipas_analysis.collect.headers import (
    Target,
    find_target,
    fold_header,
    list_names,
    recognise_header,
)
from sipas_analysis.collect.likeness import LEAST, pair_nearest
from sipas_analysis.collect.responses import ROLES, Columns
from sipas_analysis.collect.tables import Table
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.errors import ColumnError, Place
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.messages import LANGUAGES, Language, join_first
from sipas_analysis.sheets.texts import fold_text, plain_text, tidy_text

PARTS = ("items", "indicators", "keys")
REST = "rest"  # under ``ignore:``, every column that nobody placed
_NUMBERING = re.compile(r"\s*(?:câu\s*)?[a-z]?\d+(?:\.\d+)*\s*[.:)\-–]\s*", re.I)  # "23. "
_REPEATED = re.compile(r"(.+) \([A-Z]{1,3}\)")  # how ``find_table`` names a repeated header


@dataclass(frozen=True)
class PlacedColumns:
    """The headers of one file by item, indicator, role and key, and the headers left over.

    Attributes:
        personal: Headers of personal data.
        system: Headers that a form service wrote, or that count the rows.
        twice: Headers of each code that has several columns.
    """

    items: dict[str, str] = field(default_factory=dict)
    indicators: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    personal: list[str] = field(default_factory=list)
    system: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    twice: dict[str, list[str]] = field(default_factory=dict)

    @property
    def dropped(self) -> dict[str, list[str]]:
        """Headers of columns that are not read, by the reason in the ledger."""
        return {"personal": self.personal, "system": self.system, "ignored": self.ignored}


def is_personal(header: str) -> bool:
    """Return whether a header names personal data: contains a listed phrase as whole words."""
    return _compile_phrases().search(fold_text(header)) is not None


@cache
def _compile_phrases() -> re.Pattern[str]:
    """Return a pattern that finds a phrase of personal data as whole words."""
    phrases = "|".join(map(re.escape, read_vocabulary()["personal"]))
    return re.compile(rf"(?<!\w)(?:{phrases})(?!\w)")


@cache
def _compile_names(part: Literal["personal_names", "system"]) -> re.Pattern[str]:
    """Return a pattern that matches the names of a part of the vocabulary."""
    vocabulary = read_vocabulary()
    system = [name for names in vocabulary["system"].values() for name in names]
    names = system if part == "system" else vocabulary["personal_names"]
    return re.compile("|".join(map(translate, names)))


def place_columns(
    headers: Iterable[str],
    columns: Columns,
    pack: Instrument,
    labels: Mapping[str, str] | None = None,
) -> PlacedColumns:
    """Place every header once; a declaration in ``wave.yaml`` comes before a known wording.

    ``labels`` are the wordings that an SPSS or Stata file keeps beside the names.
    """
    headers, declared, names = [*headers], _list_declared(columns), list_names(pack)
    placed, labels = PlacedColumns(), labels or {}
    ignored = {fold_text(name) for name in columns.ignore}
    points = {name for name in headers if f"_{name}_latitude" in headers}  # KoboToolbox
    for header in headers:
        repeated = _REPEATED.fullmatch(header)
        base = repeated[1] if repeated and repeated[1] in headers else header
        targets = declared.get(fold_text(header)) or declared.get(fold_text(base), [])
        if not targets and fold_text(header) not in ignored:
            recognised = recognise_header(base, names, labels.get(base, ""))
            targets = [recognised] if recognised else []
        for kind, code in targets:
            header_by_code: dict[str, str] = getattr(placed, kind)
            first = header_by_code.setdefault(code, header)
            if first != header:
                placed.twice.setdefault(code, [first]).append(header)
        if not targets:
            rest = _find_rest(header, labels.get(base, base), placed, ignored)
            (placed.personal if header in points else rest).append(header)
    return placed


def _find_rest(header: str, base: str, placed: PlacedColumns, ignored: set[str]) -> list[str]:
    """Return the list of the placed columns to which an unplaced header belongs."""
    spellings = {fold_text(base), fold_header(base), fold_header(base.rpartition("/")[2])}
    if ignored & {fold_text(header), fold_text(base)}:
        return placed.ignored
    if is_personal(base) or any(map(_compile_names("personal_names").match, spellings)):
        return placed.personal
    is_system, parts = _compile_names("system").match, fold_text(base).split(". ")
    if any(map(is_system, spellings)) or all(map(is_system, parts)):  # "lastpage. Last page"
        return placed.system
    return placed.ignored if REST in ignored else placed.unknown


def check_columns(
    placed: PlacedColumns, columns: Columns, pack: Instrument, table: Table, file_unit: str = ""
) -> list[ColumnError]:
    """Return every reason to refuse the columns of a file, whose unit the wave may name."""
    file = Place(table.sheet.file, sheet=table.sheet.name)
    missing = [code for code in pack.items if code not in placed.items]
    nearest = {**propose_items(placed, pack), **propose_overall(placed, pack, placed.roles)}
    unlike = list_unlike(placed, pack, table.sheet.labels)
    likely = propose_questions(placed, pack, table.sheet.labels)
    questions = {code: names[0] for code, names in likely.items() if len(names) == 1}
    left = {*nearest.values(), *unlike.values(), *questions.values()}
    unknown = [header for header in placed.unknown if header not in left]
    missing = [code for code in missing if code not in unlike]
    if file_unit and "unit" not in placed.roles:
        columns = columns.model_copy(update={"unit": ""})
    absent = _list_absent(placed, columns)
    errors = [
        ColumnError(message_id, [table.place(column=header) for header in headers])
        for message_id, headers in (("columns_unknown", unknown), ("columns_missing", absent))
        if headers
    ]
    for header, states in list_states(placed, table.frame).items():
        shown = join_first([f'"{state}"' for state in states], 3, ", ")
        places = [table.place(column=header)]
        errors.append(ColumnError("columns_state", places, header=header, states=shown))
    if unlike:
        errors.append(_refuse_unlike(unlike, pack, table))
    if questions:
        errors.append(_propose_lines(questions, pack, table))
    if nearest:
        lines = "; ".join(f'{code}: "{header}"' for code, header in nearest.items())
        places = [table.place(column=header) for header in nearest.values()]
        errors.append(ColumnError("columns_near", places, lines=lines))
    errors += [_refuse_twice(code, headers, table) for code, headers in placed.twice.items()]
    names = {
        language: "; ".join(_name_item(pack, code, language) for code in missing)
        for language in LANGUAGES
    }
    if not {*missing} <= {*nearest}:
        errors.append(ColumnError("items_missing", [file], items=names, n_items=len(missing)))
    return errors


def _refuse_twice(code: str, headers: Iterable[str], table: Table) -> ColumnError:
    """Return the error of a question with several columns."""
    places = [table.place(column=header) for header in headers]
    letters = ", ".join(place.letter for place in places)
    quoted = ", ".join(f'"{header}"' for header in headers)
    return ColumnError("columns_twice", places, code=code, headers=quoted, letters=letters)


def list_unlike(
    placed: PlacedColumns, pack: Instrument, labels: Mapping[str, str]
) -> dict[str, str]:
    """Return by code the unknown header that names it, and whose label asks something else."""
    names = list_names(pack)
    targets = {name: find_target(name, names) for name in placed.unknown}
    targets |= {
        name: target or find_target(labels.get(name, ""), names) for name, target in targets.items()
    }
    return {target[1]: name for name, target in targets.items() if target}


def _propose_lines(questions: Mapping[str, str], pack: Instrument, table: Table) -> ColumnError:
    """Return the error of columns that may be questions beside the index, with what to write."""
    words = ", ".join(f'{code}: "{header}"' for code, header in questions.items())
    names = {
        language: "; ".join(pack.indicators[code].text(language) for code in questions)
        for language in LANGUAGES
    }
    places = [table.place(column=header) for header in questions.values()]
    line = f"indicators: {{{words}}}"
    return ColumnError("columns_questions", places, line=line, names=names)


def _refuse_unlike(unlike: Mapping[str, str], pack: Instrument, table: Table) -> ColumnError:
    """Return the error of columns with the name of an item and the label of another question."""
    code, header = next(iter(unlike.items()))
    fields = {"label": table.sheet.labels.get(header, header), "wording": pack.label_of(code, "vi")}
    fields["lines"] = ", ".join(f"{code}: {header}" for code, header in unlike.items())
    fields["turned"] = pack.scale_of(code).turned
    places = [table.place(column=header) for header in unlike.values()]
    return ColumnError("columns_unlike", places, code=code, **fields)


def is_state(header: str) -> bool:
    """Return whether a column tells finished forms from unfinished or test forms."""
    return fold_header(header).partition(". ")[0] in read_vocabulary()["states"]


def list_states(placed: PlacedColumns, frame: pd.DataFrame) -> dict[str, list[str]]:
    """Return the texts of each unused column of states that varies, the most frequent first."""
    headers = [name for name in placed.system if is_state(name)]
    texts = {
        header: [*frame[header].astype(object).map(tidy_text).value_counts().index]
        for header in headers
    }
    return {header: states for header, states in texts.items() if len(states) > 1}


def propose_items(placed: PlacedColumns, pack: Instrument, least: float = LEAST) -> dict[str, str]:
    """Return by code of a missing item the unknown header that is nearest to its wording.

    A header between two items is proposed for the one that no other header is near to: what is
    proposed does not depend on which of the items are confirmed already.
    """
    wordings = list_names(pack).item_wordings
    nearest: dict[str, str] = {}
    while True:
        missing = {c: t for c, t in wordings.items() if c not in {**placed.items, **nearest}}
        free = [header for header in placed.unknown if header not in nearest.values()]
        found = pair_nearest(free, missing, least)
        if not found:
            return {code: nearest[code] for code in wordings if code in nearest}
        nearest |= found


def propose_overall(
    placed: PlacedColumns, pack: Instrument, roles: Mapping[str, str]
) -> dict[str, str]:
    """Return the only header that begins like a question on the whole, by the code of that item.

    ``roles`` are headers that are used otherwise; with ``overall`` the item has one.
    """
    code = pack.overall_item.code if pack.overall_item else ""
    if not code or code in placed.items or "overall" in roles:
        return {}
    starts = tuple(f"{plain_text(word)} " for word in read_vocabulary()["overall"])
    free = [header for header in placed.unknown if header not in roles.values()]
    texts = {header: plain_text(_NUMBERING.sub("", header)) for header in free}
    headers = [header for header, text in texts.items() if text.startswith(starts)]
    return {code: headers[0]} if len(headers) == 1 else {}


def propose_questions(
    placed: PlacedColumns, pack: Instrument, labels: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return by code of a question beside the index the unknown headers that may hold its answers.

    The header, or its label, holds a word for just one such question, with or without marks.
    """
    headers_by_code: dict[str, list[str]] = {}
    missing = [code for code in pack.indicators if code not in placed.indicators]
    for header in placed.unknown:
        text = plain_text(f"{header} {labels.get(header, '')}")
        codes = [code for code in missing if _list_words(code, pack).search(text)]
        if len(codes) == 1:
            headers_by_code.setdefault(codes[0], []).append(header)
    return headers_by_code


def _list_words(code: str, pack: Instrument) -> re.Pattern[str]:
    """Return a pattern of the words for a question: its labels and those of offices."""
    label, vocabulary = pack.indicators[code], read_vocabulary()
    texts = [label.vi, label.en, *vocabulary["questions"].get(code, [])]
    plain = {plain_text(text) for text in texts if text}
    words = "|".join(plain | {text.replace(" ", "") for text in plain})
    alone = "|".join(map(plain_text, vocabulary["questions_alone"].get(code, []))) or "(?!)"
    return re.compile(rf"\b(?:{words})\b|^\W*(?:cau )?[\d.]*\W*(?:{alone})\W*$")


def _list_absent(placed: PlacedColumns, columns: Columns) -> list[str]:
    """Return the headers that ``wave.yaml`` declares and the file has under no name."""
    return [
        header
        for (part, code), header in _list_declared_headers(columns).items()
        if code not in getattr(placed, part)
    ]


def _list_declared_headers(columns: Columns) -> dict[Target, str]:
    """Return the headers that ``wave.yaml`` declares, by part and code."""
    roles = {("roles", role): getattr(columns, role) for role in ROLES}
    named = {(part, code): h for part in PARTS for code, h in getattr(columns, part).items()}
    return {target: header for target, header in {**named, **roles}.items() if header}


def _name_item(pack: Instrument, code: str, language: Language) -> str:
    """Return the code of an item with its label, if it has one."""
    label = pack.label_of(code, language)
    return code if label == code else f"{code} ({label})"


def _list_declared(columns: Columns) -> dict[str, list[Target]]:
    """Return targets by folded header, as ``wave.yaml`` declares; a column may have several."""
    targets: dict[str, list[Target]] = {}
    for target, header in _list_declared_headers(columns).items():
        targets.setdefault(fold_text(header), []).append(target)
    return targets
