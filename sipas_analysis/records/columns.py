"""Know the columns of an export by their headers: roles, personal data, and what is not read.

Headers and words are data, in ``columns.yaml``. A header is recognised without difference of case,
marks, blanks or punctuation (``MaHoSo``, ``Mã hồ sơ``). Personal data and free text are dropped
while reading (rule P1); so is every column without a role.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from sipas_analysis.arguments import find_nearest
from sipas_analysis.collect.columns import is_personal
from sipas_analysis.collect.record_sources import RecordFile
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.errors import Place, RecordsError, SipasError
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Strict, read_model
from sipas_analysis.sheets.texts import plain_text, tidy_text

RoleKind = Literal[
    "code",
    "name",
    "stamp",
    "word",
    "unit",
    "official",
    "limit",
    "number",
    "groups",
    "level",
    "label",
]


EXPORTS = ("dossiers", "movements", "petitions", "publication")


class Role(Strict):
    """What a column of an export is.

    Attributes:
        kind: How its cells are read; see ``columns.yaml``.
        headers: Its usual headers; the first one is that of the national export.
        is_needed: Whether every file must have it.
        is_strict: Whether an unknown word is refused.
        default: What a blank cell means.
    """

    kind: RoleKind
    headers: tuple[str, ...]
    is_needed: bool = False
    is_strict: bool = False
    default: str = ""


class Export(Strict):
    """The columns of one kind of export, and how sure their names are."""

    status: Status
    source: str = ""
    roles: Mapping[str, Role]

    def list_roles(self, *kinds: str) -> list[str]:
        """Return the roles of some kinds, in their order."""
        return [name for name, role in self.roles.items() if role.kind in kinds]


class Vocabulary(Strict):
    """The content of ``columns.yaml``."""

    dossiers: Export
    movements: Export
    petitions: Export
    publication: Export
    words: Mapping[str, Mapping[str, tuple[str, ...]]]
    no_limit: tuple[str, ...]
    no_stamp: tuple[str, ...]
    ticks: tuple[str, ...]
    caps: tuple[int, ...]
    personal: tuple[str, ...]
    free_text: tuple[str, ...]


@cache
def read_export_words() -> Vocabulary:
    """Return the headers and words of ``columns.yaml``."""
    return read_model(Path(__file__).with_name("columns.yaml"), Vocabulary)


def find_export(kind: str) -> Export:
    """Return the columns of a kind of export: dossiers, movements, petitions or publication."""
    export: Export = getattr(read_export_words(), kind)
    return export


@dataclass(frozen=True)
class PlacedExport:
    """Where the columns of a file stand.

    Attributes:
        positions: Position of the column of each role.
        names: Headers of the file.
        dropped: Headers that are not read, by the reason in the ledger.
    """

    positions: Mapping[str, int]
    names: Sequence[str]
    dropped: Mapping[str, Sequence[str]]

    def header_of(self, role: str) -> str:
        """Return the header of a role, or the role where the file has no such column."""
        return self.names[self.positions[role]] if role in self.positions else role


@cache
def fold_name(header: str) -> str:
    """Return a header for comparison: letters and digits only, without marks or case.

    Example:
        >>> fold_name("Mã hồ sơ") == fold_name("MaHoSo")
        True
    """
    return plain_text(header).replace(" ", "")


def place_export(
    names: Sequence[str], entry: RecordFile, kind: str, file: str
) -> tuple[PlacedExport, list[SipasError]]:
    """Place the columns of a file; return them with every mistake.

    Args:
        names: Headers of the file.
        entry: The entry of ``records:``; its ``columns`` go before the usual headers.
        kind: Kind of export.
        file: Name of the file, for messages.
    """
    export, folded = find_export(kind), [fold_name(name) for name in names]
    errors = _check_entry(entry, export, file)
    positions, absent = _place_mapped(entry, export, names, folded)
    taken = {*positions.values()}
    free = [at for at in range(len(names)) if at not in taken]
    for role, known in export.roles.items():
        if role in entry.columns:
            continue
        alike = _find_usual(known, [str(at) for at in free], [folded[at] for at in free])
        if len(alike) > 1:
            places = [Place(file, None, names[int(at)]) for at in alike]
            errors.append(RecordsError("records_twice", places, role=role))
        positions |= {role: int(alike[0])} if alike else {}
    for header in absent:
        near = find_nearest(header, names) or "–"
        errors.append(RecordsError("records_absent", [Place(file, None, header)], near=near))
    errors += _refuse_private(entry, positions, names, export, file)
    missing = [
        role
        for role, known in export.roles.items()
        if known.is_needed and role not in {*positions, *entry.columns}
        if role != "unit" or not entry.unit
    ]
    if missing:
        shown = "; ".join(f"{role} ({export.roles[role].headers[0]})" for role in missing)
        errors.append(RecordsError("records_missing", [Place(file)], columns=shown))
    return PlacedExport(positions, names, _list_dropped(names, positions)), errors


def _refuse_private(
    entry: RecordFile,
    positions: Mapping[str, int],
    names: Sequence[str],
    export: Export,
    file: str,
) -> list[SipasError]:
    """Refuse columns of personal data that the entry names for something else than an official."""
    mapped = [role for role in entry.columns if role in positions]
    headers = [names[positions[role]] for role in mapped if export.roles[role].kind != "official"]
    places = [Place(file, None, header) for header in headers if find_reason(header) == "personal"]
    return [RecordsError("records_personal", places)] if places else []


def _check_entry(entry: RecordFile, export: Export, file: str) -> list[SipasError]:
    """Refuse roles that there are not, and words of ours that there are not."""
    errors: list[SipasError] = []
    for key, roles in (("columns", entry.columns), ("codes", entry.codes)):
        for role in roles:
            if role not in export.roles:
                close = find_nearest(role, export.roles) or ", ".join(export.roles)
                errors.append(
                    RecordsError("records_role", [Place(file)], key=key, role=role, near=close)
                )
    for role in entry.codes:
        kind = export.roles[role].kind if role in export.roles else ""
        if kind in ("code", "stamp", "official", "number"):
            errors.append(RecordsError("records_no_codes", [Place(file)], role=role))
    words = read_export_words().words
    worded = {role for role in export.list_roles("word", "groups") if role in words}
    for role, codes in entry.codes.items():
        for code, word in codes.items() if role in worded else ():
            if word not in words[role]:
                known = ", ".join(words[role])
                fields = {"role": role, "code": code, "word": word, "known": known}
                errors.append(RecordsError("records_codes", [Place(file)], **fields))
    return errors


def _place_mapped(
    entry: RecordFile, export: Export, names: Sequence[str], folded: Sequence[str]
) -> tuple[dict[str, int], list[str]]:
    """Return positions of the columns that the entry names, and the headers that are not there."""
    positions, absent = dict[str, int](), list[str]()
    for role, header in entry.columns.items():
        exact = [at for at, name in enumerate(names) if tidy_text(name) == tidy_text(header)]
        alike = exact or [at for at, name in enumerate(folded) if name == fold_name(header)]
        if not header or role not in export.roles:
            continue
        if alike:
            positions[role] = alike[0]
        else:
            absent.append(header)
    return positions, absent


def _find_usual(role: Role, names: Sequence[str], folded: Sequence[str]) -> list[str]:
    """Return the names of a file that are alike the first usual header of a role that it has."""
    for header in map(fold_name, role.headers):
        alike = [name for name, text in zip(names, folded, strict=True) if text == header]
        if alike:
            return alike
    return []


def _list_dropped(names: Sequence[str], positions: Mapping[str, int]) -> dict[str, list[str]]:
    """Return the headers without a role by the reason why they are not read."""
    dropped: dict[str, list[str]] = {}
    for at, name in enumerate(names):
        if at not in positions.values() and tidy_text(name):
            dropped.setdefault(find_reason(name), []).append(name)
    return dropped


def find_reason(header: str) -> str:
    """Return why a header without a role is not read: personal, free text, or not needed.

    Example:
        >>> find_reason("ChuHoSo"), find_reason("Nội dung phản ánh"), find_reason("NoiNopHoSo")
        ('personal', 'records_free_text', 'records_unread')
    """
    words, folded = read_export_words(), fold_name(header)
    phrases = (*words.personal, *read_vocabulary()["personal"])
    long = [phrase for phrase in map(fold_name, phrases) if len(phrase) > 4]
    if is_personal(header) or any(phrase in folded for phrase in long):
        return "personal"
    is_free = any(fold_name(phrase) in folded for phrase in words.free_text)
    return "records_free_text" if is_free else "records_unread"
