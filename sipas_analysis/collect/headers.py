"""Recognise the header of a column: a code of the questionnaire, or the wording of a question.

The code or wording may stand behind a group (``nhom1/A1``), before or in brackets
(``A1 [Nơi ngồi chờ]``), after "Câu" or a number, or before words of the office's own. A wording
counts more than a code. A header that fits two questions is not recognised: the user decides.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sipas_analysis.collect.likeness import find_nearest_code, is_opposite, is_unlike
from sipas_analysis.collect.vocabulary import read_vocabulary
from sipas_analysis.instrument.pack import Instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.sheets.texts import fold_text, plain_text

Target = tuple[str, str]  # a kind of PlacedColumns (items, indicators, roles, keys) and a code
_SIGNS = " .:?*;,\"'“”"
_TAG = re.compile(r"<[^<>]*>")
_CODE = r"\(?([a-z]*\d+(?:\.\d+)*)(?!\.?\d)"
_PARTS = (
    re.compile(r"[^/]+/\s*(.+)$"),  # behind a group
    re.compile(r"(.*?)\s*\[([^\[\]]+)\]\W*(.*)$"),  # before, in and after brackets
    re.compile(r"(?:câu(?: hỏi)?|question|item|tiêu chí)\s*:?\s+(.+)$"),
    re.compile(_CODE + r"(?:\s*[.:)\-–—]+|/(?=\s)|_(?=\D)|\s)\s*(.+)$"),  # a code, then wording
    re.compile(
        r"(?:[^\w(\[]+|\(?(?:\d{1,3}|[a-zđ]|[ivx]{1,4})\s*[.:)/\-–—]+)\s*(.+)$"
    ),  # behind a bullet or number
)


@dataclass(frozen=True)
class Names:
    """What each folded code and each folded wording of a questionnaire stands for."""

    codes: Mapping[str, Target]
    wordings: Mapping[str, Target]
    item_wordings: Mapping[str, list[str]]


def fold_header(header: str) -> str:
    """Return a header for comparison: without tags, and without punctuation at its ends."""
    return fold_text(_TAG.sub(" ", header)).strip(_SIGNS)


def list_names(pack: Instrument) -> Names:
    """Return the codes, labels and wordings of an instrument."""
    texts: list[tuple[str, str, Bilingual]] = []
    texts += [("items", code, item) for code, item in pack.items.items()]
    texts += [("items", code, question) for code, question in pack.questions_beside.items()]
    indicators = pack.indicators.items()
    texts += [("indicators", code, indicator) for code, indicator in indicators]
    texts += [("indicators", code, indicator.wording) for code, indicator in indicators]
    codes: dict[str, Target] = {}
    wordings: dict[str, Target] = {}
    item_wordings: dict[str, list[str]] = {}
    for kind, code, text in texts:
        codes.setdefault(fold_header(code), (kind, code))
        for wording in filter(None, (text.vi, text.en)):
            wordings.setdefault(fold_header(wording), (kind, code))
            if kind == "items":
                item_wordings.setdefault(code, []).append(wording)
    return Names(codes, wordings, item_wordings)


def recognise_header(header: str, names: Names, label: str = "") -> Target | None:
    """Return what a header, or else its label, stands for; none if nothing or two things fit.

    A code whose label asks something else than the item, or the opposite, is not recognised.
    """
    by_name = find_target(header, names)
    by_label = find_target(label, names) if label else None
    target = by_name or by_label
    if not target or (by_label or target) != target:
        return None
    wordings = names.item_wordings.get(target[1], [])
    is_other = bool(label and not by_label) and is_unlike(label, wordings)
    return None if is_other or is_opposite(label or _cut_group(header), wordings) else target


def _cut_group(header: str) -> str:
    """Return a header from its code on, without the name of a group before it."""
    code = re.search(rf"(?<!\w){_CODE}\W*\w", header, re.IGNORECASE)
    return header[code.start() :] if code else header.rpartition("/")[2]


def find_target(header: str, names: Names) -> Target | None:
    """Return what the code or the wording in a header stands for, whatever its other words ask."""
    whole = fold_header(header)
    if whole in names.codes or whole in names.wordings:
        return names.codes.get(whole) or names.wordings[whole]
    parts = _list_parts(whole)
    targets = {names.wordings[part] for part in parts if part in names.wordings}
    if not targets and not any(map(_is_beside, parts)):
        targets = {names.codes[part] for part in parts if _is_code(part) and part in names.codes}
        for part in parts if targets else ():
            nearest = find_nearest_code(part, names.item_wordings)
            targets |= {("items", nearest)} if nearest else set()
    return targets.pop() if len(targets) == 1 else None


def _list_parts(text: str) -> list[str]:
    """Return a text and the parts of it that may be a code or a wording, each once."""
    parts = [text]
    for part in parts:  # grows while it is read
        matches = [pattern.match(part) for pattern in _PARTS]
        inner = [group.strip(_SIGNS) for match in matches if match for group in match.groups()]
        parts += [new for new in dict.fromkeys(inner) if new and new not in parts]
    return parts


def _is_code(part: str) -> bool:
    """Return whether a part may be taken for a code: numbers are counted in many ways."""
    return not part.replace(".", "").isdigit()


def _is_beside(part: str) -> bool:
    """Return whether a part begins like a remark about an answer."""
    return f"{plain_text(part)} ".startswith(_list_remarks())


@cache
def _list_remarks() -> tuple[str, ...]:
    """Return the first words of a remark about an answer, each with a blank after it."""
    return tuple(f"{plain_text(text)} " for text in read_vocabulary()["beside"])
