"""Blank figures that must not be published, and figures that would reveal them (rule P2)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.estimates import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL, Instrument

BLANKED_COLUMNS = ("value", "se", "low", "high", "df", "numerator", "denominator", "deff", "n_eff")
IN_DOMAIN = ["domain", "group", "unit"]
FEWEST_UNITS = 3  # behind a hidden part of a group: none can subtract its own forms (rule P5)


@dataclass(frozen=True)
class _Sum:
    """A kind of sum of a table of figures.

    Attributes:
        whole: Name of the whole to which each row belongs, missing if to none.
        is_whole: Which rows are themselves wholes.
        keys: Further columns that distinguish the sums of this kind.
        fewest_parts: How many parts must be hidden, if any is and the whole is shown.
    """

    whole: "pd.Series[str]"
    is_whole: "pd.Series[bool]"
    keys: list[str]
    fewest_parts: int = 1


@dataclass(frozen=True)
class Suppression:
    """What of a wave is published, and why the rest is not.

    Attributes:
        table: The figures; hidden ones are blank.
        cause: Why each is hidden: ``small`` (too few people), ``sum`` (a sum would give back
            another), ``bound`` (all sums together would bound one); empty where it is shown.
        hidden_answers: Items of which the whole's answers by level are hidden.
    """

    table: pd.DataFrame
    cause: "pd.Series[str]"
    hidden_answers: frozenset[str] = frozenset()


def suppress_figures(table: pd.DataFrame, survey: Survey) -> Suppression:
    """Blank figures that must not be published, and figures that would reveal them (rule P2).

    A whole and its parts (factor and items, block and factors, overall and factors; group and
    units, province and groups) are one sum. Where too few members of a sum are hidden, the part
    with the fewest forms is hidden too. Then ``Audit`` looks for hidden figures that all sums
    together bound too closely and hides what frees them. A figure without answers is not hidden
    and does not protect another figure.

    Source: rules P2, P4 and P5 in docs/method.md.
    """
    is_small = mark_small(table)
    cause = is_small.map({True: "small", False: ""})
    if not is_small.any():
        return Suppression(blank_hidden(table), cause)
    sums = [(kind, _sort_members(table, kind)) for kind in _list_sums(table, survey)]
    in_sums = _complete_sums(sums, is_small, survey.wave.min_cell)
    hidden, hidden_answers = _hide_bounded(table, survey, sums, in_sums)
    cause = cause.mask(hidden & ~is_small, "bound").mask(in_sums & ~is_small, "sum")
    blank = blank_hidden(table.assign(flag=table["flag"].mask(hidden, SUPPRESS)))
    return Suppression(_hide_forms(blank), cause, hidden_answers)


def mark_small(table: pd.DataFrame) -> "pd.Series[bool]":
    """Mark the figures of fewer than ``min_cell`` people."""
    return (table["flag"] == SUPPRESS) & (table["n_valid"] > 0)


def _hide_bounded(
    table: pd.DataFrame,
    survey: Survey,
    sums: Sequence[tuple["_Sum", pd.DataFrame]],
    hidden: "pd.Series[bool]",
) -> tuple["pd.Series[bool]", frozenset[str]]:
    """Hide further figures until no hidden one is bounded too closely, nor how many answered it.

    Returns:
        The hidden figures, and the items whose answers by level, of the whole, are hidden.
    """
    from sipas_analysis.figures.disclosure import Audit  # slow to import
    from sipas_analysis.figures.disclosure_cells import describe_bases, describe_cells

    is_small, n_rows = mark_small(table).to_numpy(), len(table)
    cells = describe_cells(table, survey)
    audits = [Audit(part, is_small) for part in (cells, describe_bases(table, survey))]
    answers = np.zeros(len(cells.answer_item), dtype=bool)
    while True:
        answers |= cells.mark_thin_answers(hidden.to_numpy())
        marks = np.append(hidden.to_numpy(), answers)
        for audit in audits:
            exposed = audit.find_exposed(marks[: audit.n_hideable])
            if exposed:
                marks[: audit.n_hideable] = audit.hide_further(marks[: audit.n_hideable], exposed)
                break
        else:
            return hidden, frozenset(table["variable"].iloc[cells.answer_item[answers]])
        answers = marks[n_rows:]
        hidden = _complete_sums(sums, pd.Series(marks[:n_rows], table.index), survey.wave.min_cell)


def _hide_forms(table: pd.DataFrame) -> pd.DataFrame:
    """Blank the number of forms of groups and units whose overall figure is hidden."""
    domain = [table[name] for name in IN_DOMAIN]
    is_hidden = (table["flag"] == SUPPRESS) & table["level"].eq(OVERALL) & table["n"].isna()
    in_hidden = is_hidden.groupby(domain, dropna=False).transform("any") & (domain[0] != "all")
    return table.assign(n=table["n"].mask(in_hidden))


def _complete_sums(
    sums: Sequence[tuple[_Sum, pd.DataFrame]], hidden: "pd.Series[bool]", min_cell: int
) -> "pd.Series[bool]":
    """Hide further members of sums until no sum has too few hidden members."""
    while True:
        more = hidden.copy()
        for kind, members in sums:
            more[_find_complement(kind, members, more, min_cell)] = True
        if more.equals(hidden):
            return hidden
        hidden = more


def _list_sums(table: pd.DataFrame, survey: Survey) -> Iterable[_Sum]:
    """Yield the sums over items and factors of a domain, then over units and groups."""
    pack, level, code = survey.instrument, table["level"], table["variable"]
    factor = code.map({code: item.factor for code, item in pack.items.items()})
    block = code.map({code: factor.block for code, factor in pack.factors.items() if factor.block})
    in_domain, in_variable = IN_DOMAIN, ["variable"]
    yield _Sum(factor.mask(level == "factor", code), level == "factor", in_domain)
    yield _Sum(block.mask(level == "block", code), level == "block", in_domain)
    if pack.blocks:
        is_part = level.isin(["block", OVERALL])
        whole = code.mask(is_part, OVERALL).where(is_part)
        yield _Sum(whole, level == OVERALL, in_domain)
    is_part = level.isin(["factor", OVERALL])
    yield _Sum(code.where(~is_part, OVERALL).where(is_part), level == OVERALL, in_domain)
    domain = table["domain"]
    group = table["group"].where(domain != "all")
    yield _Sum(group, domain == "group", in_variable, FEWEST_UNITS)
    province = domain.mask(domain == "group", "all").where(domain != "unit")
    yield _Sum(province, domain == "all", in_variable)


def _sort_members(table: pd.DataFrame, kind: _Sum) -> pd.DataFrame:
    """Return the rows that are members of a sum, smallest part first and the whole last."""
    is_member = kind.whole.notna() & (table["n_valid"] > 0)
    members = table.assign(_whole=kind.whole, _last=kind.is_whole)[is_member]
    family = members.groupby(["_whole", *kind.keys], dropna=False, sort=False).ngroup()
    size = "n_valid" if "unit" in kind.keys else "n"  # the same unit for every variable
    return members.assign(_family=family).sort_values(["_last", size], kind="stable")


def _find_complement(
    kind: _Sum, members: pd.DataFrame, hidden: "pd.Series[bool]", min_cell: int
) -> "pd.Index[int]":
    """Return the first shown member of each sum with some, but too few, hidden members.

    One hidden member is too few. If the whole is shown, so are fewer than three units of a group,
    and parts that bound the largest: all others together have fewer than ``min_cell`` people.
    """
    is_hidden, family = hidden[members.index], members["_family"]
    is_part = is_hidden & ~members["_last"]
    n_hidden, n_parts = (mark.groupby(family).transform("sum") for mark in (is_hidden, is_part))
    parts = members["n_valid"].where(is_part, 0).groupby(family)
    largest, n_people = parts.transform("max"), parts.transform("sum")
    is_weak = (n_people - largest < min_cell) | (n_parts < kind.fewest_parts)
    is_weak |= (largest < min_cell) & ("unit" in kind.keys)  # items may share all their people
    too_few = (n_hidden == 1) | ((n_hidden == n_parts) & (n_parts > 0) & is_weak)
    return members[~is_hidden & too_few].drop_duplicates("_family").index


def blank_hidden(table: pd.DataFrame) -> pd.DataFrame:
    """Blank the numbers of suppressed rows, people too unless nobody answered."""
    hidden = table["flag"] == SUPPRESS
    table = table.copy()
    table.loc[hidden, [name for name in BLANKED_COLUMNS if name in table]] = np.nan
    is_answered = hidden & (table["n_valid"] > 0)
    table.loc[is_answered, ["n", "n_valid"]] = np.nan
    table.loc[hidden, "printed"] = ""
    table.loc[is_answered, "method"] = ""  # "none" would tell that one person answered
    return table


def hide_rules(table: pd.DataFrame, known: Collection[str], pack: Instrument) -> pd.DataFrame:
    """Blank hidden figures under each rule, and those that with a second rule reveal an item.

    Args:
        table: Factors and the whole under each rule.
        known: Variables whose figure may be published.
        pack: The instrument.
    """
    published_rules = {level: index_rule.rule for level, index_rule in pack.rules_by_level()}
    codes = table["variable"]
    has_hidden_item = codes.map(lambda code: not {*pack.items_of(code)} <= {*known})
    is_second_rule = table["rule"] != table["level"].map(published_rules)
    is_hidden = ~codes.isin([*known]) | (has_hidden_item & is_second_rule)
    return blank_hidden(table.assign(flag=table["flag"].mask(is_hidden, SUPPRESS)))


def hide_small_counts(counts: Iterable[int], min_cell: int) -> list[int | None]:
    """Return counts with small ones as None, and the next ones until ``are_safe`` holds."""
    all_counts = [int(count) for count in counts]
    shown: list[int | None] = [n if n >= min_cell or n == 0 else None for n in all_counts]
    for at in sorted(range(len(shown)), key=lambda k: all_counts[k]):
        hidden = [n for n, count in zip(all_counts, shown, strict=True) if count is None]
        if are_safe(hidden, min_cell):
            break
        if shown[at]:
            shown[at] = None
    return shown


def are_safe(hidden: Sequence[int], min_cell: int) -> bool:
    """Return whether hidden counts stay unknown to a reader who knows their sum.

    All but the count of *other* are known to be at least ``min_cell`` (rule P6): the sum must leave
    that one as much room. A single hidden count is the sum.
    """
    return not hidden or (len(hidden) > 1 and sum(hidden) >= min_cell * len(hidden))
