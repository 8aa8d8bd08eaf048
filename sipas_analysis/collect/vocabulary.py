"""Read `columns.yaml`: the words with which offices head their tables, and layouts of vendors."""

from functools import cache
from pathlib import Path
from typing import TypedDict

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Vocabulary(TypedDict):
    """Header words of ``columns.yaml``, as offices write them."""

    roles: dict[str, list[str]]
    overall: list[str]
    unit_hints: list[str]
    unit_words: list[str]
    totals: list[str]
    footers: list[str]
    not_footers: list[str]
    ticks: list[str]
    personal: list[str]
    personal_names: list[str]
    system: dict[str, list[str]]
    states: list[str]
    questions: dict[str, list[str]]
    questions_alone: dict[str, list[str]]
    exports: list[str]
    beside: list[str]
    turning: dict[str, list[str]]
    none_of: list[str]
    short: dict[str, str]
    prefixes: list[str]
    names: list[str]
    places: list[str]
    groups: dict[str, list[str]]


@cache
def read_vocabulary() -> Vocabulary:
    """Read the header words of ``columns.yaml``."""
    text = (Path(__file__).parent / "columns.yaml").read_text("utf-8")
    vocabulary: Vocabulary = yaml.load(text, Loader=_LOADER)  # noqa: S506 (a safe loader)
    return vocabulary
