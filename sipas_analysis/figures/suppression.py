"""Blank what must not be published, and what would give it back by subtraction (rule P2)."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.instrument.pack import OVERALL

BLANKED_COLUMNS = ("value", "se", "low", "high", "df", "numerator", "denominator", "deff", "n_eff")
SUPPRESS = "suppress"


def hide_figures(table: pd.DataFrame, survey: Survey) -> pd.DataFrame:
    """Blank what must not be published, and what would give it back by subtraction (rule P2).

    A whole and its parts (factor and items, block and factors, overall and factors; group and
    units, province and groups) are one sum: a single hidden member of it could be worked out, so
    a second one is hidden too, the part with fewest forms, again until no sum gives one back.
    What nobody answered has nothing to hide and hides nothing.
    """
    sums = [_sort_members(table, *keys) for keys in _list_sums(table, survey)]
    hidden = (table["flag"] == SUPPRESS) & (table["n_valid"] > 0)
    while True:
        more = hidden | _mark_two_rules(table, hidden, survey)
        for members in sums:
            more[_find_complement(members, more)] = True
        if more.equals(hidden):
            break
        hidden = more
    table = table.copy()
    table.loc[hidden, "flag"] = SUPPRESS
    return blank_hidden(table)


def _mark_two_rules(
    table: pd.DataFrame, hidden: "pd.Series[bool]", survey: Survey
) -> "pd.Series[bool]":
    """Mark all parts and the whole of a domain with a hidden item, if they follow two rules.

    Pooled here and a mean of items there are two sums over the same items: together they could
    give an item back that each alone keeps.
    """
    rules = {rule.rule for _, rule in survey.instrument.rules_by_level()} & {
        "pooled",
        "mean_of_items",
    }
    if len(rules) < 2:
        return pd.Series(False, index=table.index)
    item = hidden & (table["level"] == "item")
    touched = item.groupby([table["domain"], table["group"], table["unit"]], dropna=False)
    return touched.transform("any") & table["level"].isin(["factor", "block", OVERALL])


def _list_sums(
    table: pd.DataFrame, survey: Survey
) -> Iterable[tuple["pd.Series[Any]", "pd.Series[bool]", list[str]]]:
    """Yield each kind of sum: the name of the whole by row, which rows are wholes, other keys."""
    pack, level, code = survey.instrument, table["level"], table["variable"]
    factor = code.map({item: it.factor for item, it in pack.items.items()})
    block = code.map({part: it.block for part, it in pack.factors.items() if it.block})
    of, by = ["domain", "group", "unit"], ["variable"]
    yield factor.mask(level == "factor", code), level == "factor", of
    yield block.mask(level == "block", code), level == "block", of
    if pack.blocks:
        both = level.isin(["block", OVERALL])
        yield code.mask(both, OVERALL).where(both), level == OVERALL, of
    inside = code.where(~level.isin(["factor", OVERALL]), OVERALL)
    yield inside.where(level.isin(["factor", OVERALL])), level == OVERALL, of
    domain = table["domain"]
    yield table["group"].where(domain != "all"), domain == "group", by
    yield domain.mask(domain == "group", "all").where(domain != "unit"), domain == "all", by


def _sort_members(
    table: pd.DataFrame, whole: "pd.Series[Any]", is_whole: "pd.Series[bool]", keys: list[str]
) -> pd.DataFrame:
    """Return the rows that stand in a sum, smallest part first and the whole last."""
    named = table.assign(_whole=whole, _last=is_whole)[whole.notna() & (table["n_valid"] > 0)]
    family = named.groupby(["_whole", *keys], dropna=False, sort=False).ngroup()
    size = "n_valid" if "unit" in keys else "n"  # the same unit for every variable
    return named.assign(_family=family).sort_values(["_last", size], kind="stable")


def _find_complement(members: pd.DataFrame, hidden: "pd.Series[bool]") -> "pd.Index[int]":
    """Return the first shown member of each sum with exactly one hidden member."""
    own = hidden[members.index]
    lonely = own.groupby(members["_family"]).transform("sum") == 1
    return members[~own & lonely].drop_duplicates("_family").index


def blank_hidden(table: pd.DataFrame) -> pd.DataFrame:
    """Take the numbers out of suppressed rows; their ``n`` and ``flag`` stay."""
    hidden = table["flag"] == SUPPRESS
    table = table.copy()
    table.loc[hidden, [name for name in BLANKED_COLUMNS if name in table]] = np.nan
    table.loc[hidden, "printed"] = ""
    return table


def hide_small_counts(counts: Iterable[int], min_cell: int) -> list[int | None]:
    """Return counts that may be shown: small ones are None, and a second one if only one was."""
    found = list(counts)
    shown: list[int | None] = [n if n >= min_cell or n == 0 else None for n in found]
    if shown.count(None) == 1:
        rest = [k for k, n in enumerate(shown) if n]
        if rest:
            shown[min(rest, key=lambda k: found[k])] = None
    return shown
