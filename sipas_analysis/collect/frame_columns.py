"""Find out which column of a data frame is what, from what a program says about its questions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_list_like, is_numeric_dtype

from sipas_analysis.arguments import (
    SHOWN_NAMES,
    check_mapping,
    describe_value,
    find_nearest,
    list_known,
    list_names,
)
from sipas_analysis.collect.columns import PlacedColumns, place_columns
from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.collect.responses import Columns
from sipas_analysis.errors import ColumnError, ConfigError, ParameterError
from sipas_analysis.instrument.column_pack import (
    USUAL_ENDS,
    Ends,
    Factors,
    Label,
    Labels,
    Satisfied,
    Scales,
    make_pack,
    read_factors,
    read_label,
)
from sipas_analysis.instrument.pack import Instrument, read_instrument
from sipas_analysis.sheets.data_files import write_cell

Items = Labels | Sequence[str] | None
Overall = str | Labels | None  # a column, or a column and its wording
Names = str | Sequence[str] | None
Days = str | date | Sequence[str | date] | None
OTHER_WORDS = {  # what users call an argument
    **dict.fromkeys(("date", "dates", "day", "days", "fieldwork", "interviewed"), "collected"),
    **dict.fromkeys(("place", "region", "city"), "province"),
    **dict.fromkeys(("author", "organisation", "organization", "office"), "publisher"),
}

MOSTLY_DISTINCT = 0.9  # of telephone numbers
_SEPARATORS = re.compile(r"[\s().\-]+(?=[+\d])|(?<=\d)[\s().\-]+")  # within a number
_CONTACT = re.compile(r"0\d{8,10}|\+?84\d{8,10}|[^\s@]+@[^\s@]+\.[^\s@]+")
_NUMBER_WITHOUT_ZERO = re.compile(r"[35789]\d{5}(?!000)\d{3}|84[35789]\d{8}")


@dataclass(frozen=True)
class Questions:
    """What the arguments say about the questions; see ``survey``."""

    items: Items
    factors: Factors | None
    overall_given: Overall
    scale: Scales | None
    overall_scale: Ends | None
    satisfied: Satisfied
    reverse: Names
    title: Label = ""

    @cached_property
    def overall(self) -> str | None:
        """Column of the question on the whole; None if there is none."""
        columns = list_names(self.overall_given, "overall")
        if len(columns) > 1:
            raise ConfigError("frame_overall_several", columns=", ".join(columns))
        return columns[0] if columns else None

    def find_items(
        self, forms: pd.DataFrame, pack: str | Path | Instrument | None, taken: set[str | None]
    ) -> tuple[Instrument, PlacedColumns]:
        """Return the instrument, and the column of each of its questions.

        ``taken`` are columns that an argument uses for something else.
        """
        if pack is None:
            instrument = self._describe_columns(forms)
            columns = [*instrument.items, *([self.overall] if self.overall else [])]
            placed = PlacedColumns(dict(zip(instrument.rated_codes, columns, strict=True)))
        else:
            instrument, placed = self._match_pack(forms, pack, taken)
        twice = [column for column in placed.items.values() if column in taken]
        if twice:
            raise ColumnError("frame_two_roles", column=twice[0])
        return instrument, placed

    def _describe_columns(self, forms: pd.DataFrame) -> Instrument:
        """Return the instrument that the arguments describe."""
        factors, factor_names = read_factors(self.factors)
        of_factors = [column for columns in factors.values() for column in columns]
        items = self.items if self.items is not None else list(dict.fromkeys(of_factors))
        names = items if isinstance(items, Mapping) else list_names(items, "items")
        labels = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, "")
        if not labels:
            raise ColumnError("frame_no_items")
        check_columns("items", [*labels], forms)
        if self.overall in labels:
            raise ConfigError("frame_overall", column=self.overall)
        return make_pack(
            labels,
            factors,
            self._read_overall(),
            scale=USUAL_ENDS if self.scale is None else self.scale,
            overall_scale=self.overall_scale,
            satisfied=self.satisfied,
            reverse=list_names(self.reverse, "reverse"),
            title=self.title,
            factor_names=factor_names,
        )

    def _read_overall(self) -> Labels:
        """Return the column of the question on the whole with its wording; empty if none."""
        if isinstance(self.overall_given, Mapping):
            return self.overall_given
        return {self.overall: ""} if self.overall else {}

    def _match_pack(
        self, forms: pd.DataFrame, name: str | Path | Instrument, taken: set[str | None]
    ) -> tuple[Instrument, PlacedColumns]:
        """Return a pack, and its columns by their code or wording, or as ``items`` says."""
        described = ("factors", "scale", "overall_scale", "satisfied", "reverse")
        given = [f"{word}=" for word in described if getattr(self, word) is not None]
        if isinstance(self.overall_given, Mapping):
            given.append(f'{{…}} (overall="{self.overall}")')
        if given:
            raise ConfigError("frame_pack_too", names=", ".join(given))
        pack = name if isinstance(name, Instrument) else read_instrument(name)
        items = self.items if isinstance(self.items, Mapping) else {}
        code_of = dict(items) or {column: column for column in list_names(self.items, "items")}
        if self.overall and not pack.overall_item:
            raise ConfigError("frame_pack_overall", pack=pack.id)
        if self.overall and pack.overall_item:
            code_of[self.overall] = pack.overall_item.code
        check_columns("items", [*code_of], forms)
        for code in code_of.values():
            if code not in pack.rated_codes:
                known = list_known(code, pack.rated_codes)
                raise ConfigError("frame_pack_code", pack=pack.id, code=code, known=known)
        named = {"items": {code: column for column, code in code_of.items()}}
        headers = [str(header) for header in forms if header not in taken]
        placed = place_columns(headers, Columns().model_copy(update=named), pack)
        for code, columns in placed.twice.items():
            listed = ", ".join(columns)
            raise ColumnError("frame_pack_twice", pack=pack.id, code=code, columns=listed)
        missing = [code for code in pack.items if code not in placed.items]
        if missing:
            known = list_known(missing[0], placed.unknown)
            listed, first = ", ".join(missing), missing[0]
            raise ColumnError(
                "frame_pack_items", pack=pack.id, codes=listed, first=first, known=known
            )
        return pack, PlacedColumns(placed.items, placed.indicators)


def check_columns(role: str, names: Sequence[str], frame: pd.DataFrame) -> None:
    """Refuse names of an argument that the frame lacks."""
    missing = [name for name in names if name not in frame]
    if missing:
        listed = ", ".join(f"“{name}”" for name in missing[:SHOWN_NAMES])
        known = list_known(missing[0], frame.columns)
        raise ColumnError("frame_columns", role=role, columns=listed, known=known)


def write_values(values: object) -> list[str]:
    """Return a value, or each of several, as the text that a file would have."""
    several = values if isinstance(values, Iterable) and is_list_like(values) else [values]
    return [write_cell(value) for value in several]


def write_column(column: pd.Series) -> pd.Series:
    """Return a column as texts, each distinct value written once: blank is ``""``, True is 1."""
    number, distinct = pd.factorize(column.astype(float) if is_bool_dtype(column) else column)
    texts = np.array([*map(write_cell, distinct), ""], dtype=object)
    return pd.Series(texts[number], index=column.index)


def holds_contacts(column: pd.Series) -> bool:
    """Return whether most values that are not blank are telephone numbers or e-mail addresses.

    A telephone number that was read as a number has lost its 0: of numbers, nine digits that
    begin like a mobile number count, if hardly any comes twice.

    Example:
        >>> holds_contacts(pd.Series(["0912 345 678", None, "+84 98.765.4321", "none"]))
        True
        >>> holds_contacts(pd.Series([500_000_000, 500_000_000, 750_000_000]))
        False
    """
    is_number = is_numeric_dtype(column)
    counts = write_column(column).value_counts().drop("", errors="ignore")
    texts = [_SEPARATORS.sub("", text) for text in counts.index]
    if is_number and len(texts) < MOSTLY_DISTINCT * counts.sum():
        return False
    pattern = _NUMBER_WITHOUT_ZERO if is_number else _CONTACT
    matches = np.array([bool(pattern.fullmatch(text)) for text in texts], dtype=bool)
    return bool(counts.to_numpy()[matches].sum() > counts.sum() / 2)


def check_labels(
    labels: Mapping[str, int] | None, blank: Sequence[str], pack: Instrument
) -> dict[str, int]:
    """Return the level of each label as text; refuse one without a level, or that means blank."""
    check_mapping(labels or {}, "labels", "labels")
    levels = {level for code in pack.rated_codes for level in pack.scale_of(code).levels}
    level_of = {write_cell(label): level for label, level in dict(labels or {}).items()}
    blanks = {fold_answer(text) for text in blank}
    for label, level in level_of.items():
        if level not in levels or fold_answer(label) in blanks:
            low, high = min(levels), max(levels)
            message = "frame_label_blank" if level in levels else "frame_label"
            raise ConfigError(message, label=label, level=level, low=low, high=high)
    return level_of


def check_blanks(blank: Sequence[str], placed: PlacedColumns, pack: Instrument) -> None:
    """Refuse a code of no answer that is a level of a question: such answers would be lost."""
    blanks = {fold_answer(text) for text in blank}
    for code, column in placed.items.items():
        scale = pack.scale_of(code)
        for level in scale.levels:
            if str(level) in blanks:
                ends = {"low": scale.low, "high": scale.high}
                raise ConfigError("frame_blank_level", (), (), code=level, column=column, **ends)


def refuse_unknown(unknown: Iterable[str], known: Iterable[str]) -> None:
    """Refuse arguments that ``survey`` does not have, with the nearest one that it has."""
    names = [name for name in known if name != "unknown"]
    for name in unknown:
        near = OTHER_WORDS.get(name) or find_nearest(name, names)
        ordered = [near, *(other for other in names if other != near)] if near else names
        raise ParameterError("frame_argument", name=name, known=list_known(near or name, ordered))


def describe_origin(province: Label, publisher: Label, collected: Days) -> dict[str, object]:
    """Return place, publisher and days of fieldwork under their names in ``wave.yaml``."""
    texts = {"province": province, "publisher": publisher}
    facts: dict[str, object] = {
        role: read_label(role, label, role) for role, label in texts.items() if label
    }
    if collected is None:
        return facts
    with suppress(ValueError, TypeError):
        days = [collected] * 2 if isinstance(collected, str | date) else [*collected]
        first, last = (date.fromisoformat(str(day)[:10]) for day in days)
        if first <= last:
            return {**facts, "collected": {"from": first.isoformat(), "to": last.isoformat()}}
    raise ParameterError("frame_collected", found=describe_value(collected))
