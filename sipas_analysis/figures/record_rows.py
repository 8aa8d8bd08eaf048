"""Rows of published tables on dossiers, petitions and publication, as records for chapters.

Ids of the numbers, for ``Figures.find`` and ``number_of``: ``record:<what>:<key>``. ``<what>`` is a
column of the table, after the prefix of the table (``PREFIXES``); ``<key>`` is ``all``, the code of
a unit, ``group:<code>``, ``field:<number>``, ``step:<number>``, … or ``other`` (units or fields
with few dossiers together), as column ``key`` of the table has it. So ``record:late:so-nv`` is the
number of late dossiers of a unit and ``record:step.median_hours:step:3`` the time of a step. The
columns ``<what>_low`` and ``<what>_high`` are the ends of its interval, not ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan, nan

import pandas as pd

PREFIXES = {  # what the ids of a table begin with, after ``record:``
    "timeliness": "",
    "steps": "step.",
    "channels": "channel.",
    "petitions": "petition.",
    "publication": "publication.",
    "coverage": "coverage.",
    "facts": "fact.",
    "form": "form.",
    "aside": "aside.",
}
ALL, OTHER = "all", "other"
KEY_COLUMNS = ("key", "domain", "unit", "group", "label", "section", "verdict")  # texts
ENDS = ("_low", "_high")
DIVISIONS = {  # of percentages of a table; that of another is <stem>_n by <stem>_base
    "on_time_percent": (("early", "on_time"), ("done",)),
    "petition.on_time_percent": (("on_time",), ("on_time", "late", "overdue")),
}


@dataclass(frozen=True)
class RecordRow:
    """One row of a published table of records.

    Attributes:
        table: Name of the table, a key of ``PREFIXES``.
        key: What the row is about, as ids name it.
        domain: ``all``, ``group``, ``unit``, ``field``, ``step``, ``channel``, ….
        unit: Code of its unit, or empty.
        group: Code of the group of its unit, or empty.
        label: Name of a field, step, section, … in the words of the office's system; or empty.
        section: Name of the section of a step, or empty.
        verdict: Word on what the row shows (``coverage``: ``less``, ``more``, …), or empty.
        numbers: Its numbers by column; NaN where hidden (rule P2) or without base.
    """

    table: str
    key: str
    domain: str
    unit: str = ""
    group: str = ""
    label: str = ""
    section: str = ""
    verdict: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    def find_id(self, column: str) -> str:
        """Return the id of one of its numbers."""
        return make_record_id(self.table, column, self.key)

    def value_of(self, column: str) -> float:
        """Return one of its numbers; NaN where there is none."""
        return self.numbers.get(column, nan)

    def has(self, column: str) -> bool:
        """Return whether one of its numbers may be printed."""
        return not isnan(self.value_of(column))


def make_record_id(table: str, column: str, key: str) -> str:
    """Return the id of a number: of a column of a table, in the row with a key."""
    return f"record:{PREFIXES[table]}{column}:{key}"


def list_record_rows(name: str, table: pd.DataFrame) -> list[RecordRow]:
    """Return the rows of a published table as records, in its order."""
    texts = table.reindex(columns=[*KEY_COLUMNS]).astype(object).fillna("").astype(str)
    columns = find_number_columns(table)
    numbers = table[columns].astype(float).to_numpy().tolist()
    return [
        RecordRow(
            table=name,
            numbers=dict(zip(columns, cells, strict=True)),
            **dict(zip(KEY_COLUMNS, words, strict=True)),
        )
        for words, cells in zip(texts.to_numpy().tolist(), numbers, strict=True)
    ]


def find_number_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a table that hold numbers."""
    return [
        str(name) for name in table if name not in KEY_COLUMNS and table[name].dtype.kind in "iuf"
    ]


def identify_records(name: str, table: pd.DataFrame, rule: str) -> list[pd.DataFrame]:
    """Return every number of a published table with its id, and the ends of its interval.

    A hidden number has its id without a value; a column that a domain does not have has none.

    Args:
        name: Name of the table, a key of ``PREFIXES``.
        table: The table, with ``key``.
        rule: Rule in docs/method.md by which its figures are computed.
    """
    columns = find_number_columns(table)
    if not columns:  # nothing is told
        return []
    has_number = table[columns].notna().groupby(table["domain"]).transform("any")
    parts = []
    for column in columns:
        if column.endswith(ENDS):
            continue
        ends = {end[1:]: table[column + end] for end in ENDS if column + end in columns}
        ends |= _find_division(table, PREFIXES[name] + column)
        ids = [make_record_id(name, column, str(key)) for key in table["key"]]
        rows = pd.DataFrame({"id": ids, "value": table[column], **ends, "rule": rule})
        parts.append(rows[has_number[column]])
    return parts


def _find_division(table: pd.DataFrame, name: str) -> "dict[str, pd.Series[float]]":
    """Return numerator and denominator of a percentage, where the table has them."""
    stem = name.rpartition(".")[2].removesuffix("_percent")
    parts, bases = DIVISIONS.get(name, ((f"{stem}_n",), (f"{stem}_base",)))
    if not name.endswith("_percent") or not {*parts, *bases} <= {*table}:
        return {}
    numerator, denominator = (table[[*names]].sum(axis=1, skipna=False) for names in (parts, bases))
    return {"numerator": numerator, "denominator": denominator}
