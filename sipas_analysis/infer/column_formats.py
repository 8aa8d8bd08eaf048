"""How a column of a result is printed, by its meaning, and which columns are shown first.

A number of people has no decimals, a p is ``<0.001`` or three decimals, a percentage has two; all
else has the decimals of its result.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pandas as pd

Cell: TypeAlias = Any  # what a frame may hold
Column: TypeAlias = "pd.Series[Cell]"
MOST_COLUMNS = 8  # of a narrow table
CODES = (  # columns with a wording beside them
    *("unit", "variable", "item", "factor", "first", "second", "measure"),
)
IDS = {"row", "first_row", "last_row", "other_row", "year", "code", "line", "key", "stratum"}
COUNTS = {
    *("n", "count", "units", "clusters", "strata", "rank", "rank_low", "rank_high", "family"),
    *("matched", "no_code", "unknown", "other_unit", "contradictory", "empty", "population"),
    *("order", "records", "points_known"),
}
FREEDOM = {"df", "ddf", "df2", "df_within"}
WHOLE_OR_TWO = {"numerator", "denominator", "total", "total_se", "weight", "cost"}
DECIMALS = {"n_eff": 1, "deff": 2, "vif": 2, "points": 2, "detectable": 2, "odds": 2, "rate": 2}
SHARES = {"share", "borrowed", "probability", "floor", "ceiling", "most", "quantile", "icc"}
# Shown only on request: what the other columns say, or what few people ask for.
SET_ASIDE = {
    *("level", "domain", "deff", "n_eff", "df", "ddf", "method", "numerator", "denominator"),
    *("printed", "seed_sensitive", "raw", "raw_low", "raw_high", "separable", "family", "df2"),
    *("value_before", "value_after", "n_before", "expected", "df_within", "total_se", "share_se"),
    *("bridged", "is_met", "first_met", "year", "key", "remark", "owner", "status", "tests"),
}
CONTEXT = ("before", "after", "group", "wave")  # left out where they are the same in all rows
FIRST = (  # what is kept first if the columns are too many, after texts
    *("value", "percent", "share", "rank", "letter", "points", "p", "p_adjusted", "p_holm"),
    *("low", "verdict", "quadrant", "flag", "n_valid", "n", "se"),
)
PUBLISH = "publish"
NO_GROUP = "all"  # group of the units of a survey without groups


@dataclass(frozen=True)
class ColumnFormat:
    """How the cells of a column are written."""

    kind: Literal["text", "number", "chance"]
    decimals: int = 0


def choose_format(name: str, column: Column, decimals: int, *, is_key: bool) -> ColumnFormat:
    """Return how a column is written; ``decimals`` are those of the result's own numbers."""
    if is_key or name in IDS or not is_number_column(column):
        return ColumnFormat("text")
    if name == "p" or name.startswith("p_"):
        return ColumnFormat("chance")
    return ColumnFormat("number", _choose_decimals(name, column, decimals))


def _choose_decimals(name: str, column: Column, decimals: int) -> int:
    """Return the decimals of a column of numbers."""
    is_count = name in COUNTS or (name.startswith("n_") and name not in DECIMALS)
    if is_count or pd.api.types.is_integer_dtype(column):
        return 0
    if name in FREEDOM or name in WHOLE_OR_TWO:
        values = column.dropna().astype(float)
        is_whole = bool((values == values.round()).all())
        return 0 if is_whole else 2 if name in WHOLE_OR_TWO else 1
    if "percent" in name:
        return 2
    first_word = name.partition("_")[0]
    if first_word in SHARES:
        return max(decimals, 3)
    return DECIMALS.get(name, DECIMALS.get(first_word, decimals))


def is_number_column(column: Column) -> bool:
    """Return whether a column holds numbers; yes and no are none, nor are texts or days."""
    kinds = pd.api.types
    if kinds.is_object_dtype(column):
        values = column.dropna()
        return bool(len(values)) and all(type(value) in (int, float) for value in values)
    return bool(kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column))


def list_blank_columns(frame: pd.DataFrame) -> set[str]:
    """Return the columns without a value in any row; of no rows there are none."""
    if frame.empty:
        return set()
    return {str(name) for name in frame if _is_blank(frame[name])}


def _is_blank(column: Column) -> bool:
    texts = not pd.api.types.is_numeric_dtype(column)
    return bool((column.isna() | (column.astype(object) == "") if texts else column.isna()).all())


def select_columns(
    frame: pd.DataFrame, keys: Collection[str], chosen: Sequence[str] = ()
) -> list[str]:
    """Return the columns of a narrow table in their order: keys, then what matters most.

    The ends of an interval count as one column.

    Args:
        frame: The rows.
        keys: Columns that name a row; all are kept.
        chosen: Columns that the result itself shows; the usual ones if empty.
    """
    blank = list_blank_columns(frame)
    names = [str(name) for name in frame]
    if chosen:
        wanted = [*keys, *(name for name in chosen if name not in keys)]
        same = {name for name in names if name in CONTEXT and len(frame[name].unique()) == 1}
        left_out = (blank | same) - {*keys}
        return [name for name in wanted if name in names and name not in left_out]
    has_units = {"unit", "unit_name"} & {*names}
    if has_units and "group" in names and (frame["group"] == NO_GROUP).all():
        names.remove("group")
    repeated = {"unit"} if "unit_name" in names and "unit_name" not in blank else set()
    if "flag" in names and (frame["flag"] == PUBLISH).all():
        repeated.add("flag")
    if "n_valid" in names and "n_valid" not in blank:
        repeated.add("n")
    left_out = blank | repeated | SET_ASIDE
    candidates = [name for name in names if name not in left_out or name in {*keys} - repeated]
    kept = _keep_columns(frame, candidates, keys)
    return [name for name in candidates if name in kept]


def _keep_columns(frame: pd.DataFrame, names: Sequence[str], keys: Collection[str]) -> set[str]:
    """Return the keys and as many other columns as fit: texts, then what matters most.

    An upper end goes with its lower end.
    """
    uppers = {f"{name[:-3]}high" for name in names if name.endswith("low")}

    def rank_column(name: str) -> tuple[bool, bool, int]:
        order = FIRST.index(name) if name in FIRST else len(FIRST)
        return name not in keys, is_number_column(frame[name]), order

    ordered = sorted((name for name in names if name not in uppers), key=rank_column)
    n_keys = sum(name in keys for name in ordered)
    kept = {*ordered[: max(MOST_COLUMNS, n_keys)]}
    return kept | {f"{name[:-3]}high" for name in kept if name.endswith("low")}
