"""Blank figures that must not be published, and figures that would reveal them (rule P2)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.instrument.pack import OVERALL

BLANKED_COLUMNS = ("value", "se", "low", "high", "df", "numerator", "denominator", "deff", "n_eff")
SUPPRESS = "suppress"


def hide_figures(table: pd.DataFrame, survey: Survey) -> pd.DataFrame:
    """Blank figures that must not be published, and figures that would reveal them (rule P2).

    A whole and its parts (factor and items, block and factors, overall and factors; group and
    units, province and groups) are one sum. A single hidden member of a sum could be computed from
    the others. So a second member is hidden too, the part with the fewest forms, and this is
    repeated until no sum reveals a member. A figure without answers is not hidden and
    does not protect another figure.
    """
    sums = [_sort_members(table, kind) for kind in _list_sums(table, survey)]
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

    A pooled figure and a mean of items are two sums over the same items: together they could
    reveal an item that each alone keeps hidden.
    """
    rules = {rule.rule for _, rule in survey.instrument.rules_by_level()} & {
        "pooled",
        "mean_of_items",
    }
    if len(rules) < 2:
        return pd.Series(False, index=table.index)
    hidden_items = hidden & (table["level"] == "item")
    domains = hidden_items.groupby([table["domain"], table["group"], table["unit"]], dropna=False)
    return domains.transform("any") & table["level"].isin(["factor", "block", OVERALL])


@dataclass(frozen=True)
class _Sum:
    """A kind of sum of a table of figures.

    Attributes:
        whole: Name of the whole to which each row belongs, missing if to none.
        is_whole: Which rows are themselves wholes.
        keys: Further columns that distinguish the sums of this kind.
    """

    whole: "pd.Series[str]"
    is_whole: "pd.Series[bool]"
    keys: list[str]


def _list_sums(table: pd.DataFrame, survey: Survey) -> Iterable[_Sum]:
    """Yield the sums over items and factors of a domain, then over units and groups."""
    pack, level, code = survey.instrument, table["level"], table["variable"]
    factor = code.map({code: item.factor for code, item in pack.items.items()})
    block = code.map({code: factor.block for code, factor in pack.factors.items() if factor.block})
    in_domain, in_variable = ["domain", "group", "unit"], ["variable"]
    yield _Sum(factor.mask(level == "factor", code), level == "factor", in_domain)
    yield _Sum(block.mask(level == "block", code), level == "block", in_domain)
    if pack.blocks:
        is_part = level.isin(["block", OVERALL])
        whole = code.mask(is_part, OVERALL).where(is_part)
        yield _Sum(whole, level == OVERALL, in_domain)
    is_part = level.isin(["factor", OVERALL])
    yield _Sum(code.where(~is_part, OVERALL).where(is_part), level == OVERALL, in_domain)
    domain = table["domain"]
    yield _Sum(table["group"].where(domain != "all"), domain == "group", in_variable)
    province = domain.mask(domain == "group", "all").where(domain != "unit")
    yield _Sum(province, domain == "all", in_variable)


def _sort_members(table: pd.DataFrame, kind: _Sum) -> pd.DataFrame:
    """Return the rows that are members of a sum, smallest part first and the whole last."""
    is_member = kind.whole.notna() & (table["n_valid"] > 0)
    members = table.assign(_whole=kind.whole, _last=kind.is_whole)[is_member]
    family = members.groupby(["_whole", *kind.keys], dropna=False, sort=False).ngroup()
    size = "n_valid" if "unit" in kind.keys else "n"  # the same unit for every variable
    return members.assign(_family=family).sort_values(["_last", size], kind="stable")


def _find_complement(members: pd.DataFrame, hidden: "pd.Series[bool]") -> "pd.Index[int]":
    """Return the first shown member of each sum with exactly one hidden member."""
    is_hidden = hidden[members.index]
    one_is_hidden = is_hidden.groupby(members["_family"]).transform("sum") == 1
    return members[~is_hidden & one_is_hidden].drop_duplicates("_family").index


def blank_hidden(table: pd.DataFrame) -> pd.DataFrame:
    """Blank the numbers of suppressed rows; their ``n`` and ``flag`` stay."""
    hidden = table["flag"] == SUPPRESS
    table = table.copy()
    table.loc[hidden, [name for name in BLANKED_COLUMNS if name in table]] = np.nan
    table.loc[hidden, "printed"] = ""
    return table


def hide_small_counts(counts: Iterable[int], min_cell: int) -> list[int | None]:
    """Return counts with small ones as None, and a second one if only one was small."""
    all_counts = list(counts)
    shown: list[int | None] = [n if n >= min_cell or n == 0 else None for n in all_counts]
    if shown.count(None) == 1:
        others = [k for k, n in enumerate(shown) if n]
        if others:
            shown[min(others, key=lambda k: all_counts[k])] = None
    return shown
