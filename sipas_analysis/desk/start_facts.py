"""What an officer types about a wave: title, year, place, decision, fieldwork and targets."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from sipas_analysis.collect.days import make_day_reader
from sipas_analysis.messages import Language

NEEDED = ("title", "year")
NAMED = (*NEEDED, "province", "publisher")
SHOWN = (*NAMED, "start", "end")  # what the check reminds of, if it is empty
FOLDED = ("decision", "decided", "targets")  # if there are any
DAYS = ("decided", "start", "end")
_TARGET = re.compile(r"\d{1,3}(?:[.,]\d+)?")
_read_day = make_day_reader("d/m")


def read_facts(texts: Mapping[str, str], language: Language) -> dict[str, object]:
    """Return keys of ``wave.yaml`` from what was typed; what is empty or wrong is left out.

    Example:
        >>> read_facts({"title": "A", "year": "2024", "targets": "92,5; 95"}, "vi")
        {'title': {'vi': 'A'}, 'year': 2024, 'targets': [92.5, 95]}
    """
    filled = {name: text.strip() for name, text in texts.items() if text.strip()}
    facts: dict[str, object] = {
        name: read_year(filled[name]) if name == "year" else {language: filled[name]}
        for name in NAMED
        if name in filled
    }
    days = {name: _to_date(filled[name]) for name in DAYS if name in filled}
    if "decision" in filled:
        decided = {"date": days["decided"]} if days.get("decided") else {}
        facts["decision"] = {"number": filled["decision"], **decided, "status": "sourced"}
    ends = {"from": days.get("start"), "to": days.get("end")}
    if any(ends.values()):
        facts["collected"] = {key: day for key, day in ends.items() if day}
    targets = _read_targets(filled.get("targets", ""))
    return facts | ({"targets": targets} if targets else {})


def list_wrong(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of what is typed but cannot be read.

    Example:
        >>> [*list_wrong({"start": "31/2/2024", "targets": "80; 95", "decided": "1/2/2024"})]
        ['start', 'decision']
    """
    filled = {name: text for name, text in texts.items() if text.strip()}
    yield from (name for name in DAYS if name in filled and not _to_date(filled[name]))
    if "targets" in filled and not _read_targets(filled["targets"]):
        yield "targets"
    if "decided" in filled and "decision" not in filled:
        yield "decision"


def _to_date(text: str) -> date | None:
    """Return a day that is written 31/12/2024 or 2024-12-31."""
    day = _read_day(text).value
    return date.fromisoformat(str(day)) if day else None


def _read_targets(text: str) -> list[float]:
    """Return percentages, separated by semicolons or blanks; nothing if one is none."""
    words = re.split(r"\s*;\s*|,?\s+", text.strip().strip(";"))
    words = [word.removesuffix("%") for word in words if word not in ("", "%")]
    if not all(map(_TARGET.fullmatch, words)):
        return []
    targets = [float(word.replace(",", ".")) for word in words]
    whole = [int(value) if value.is_integer() else value for value in targets]
    return whole if max(whole, default=0) <= 100 else []


def read_year(text: str) -> int | str:
    """Return a year as a number; another text is refused when the wave is read."""
    return int(text) if text.isdecimal() else text
