"""Blank figures that must not be published, and figures that would reveal them (rule P2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.result_table import SUPPRESS
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.measure.rules import MEAN_100, MEAN_SCORE

if TYPE_CHECKING:
    from sipas_analysis.figures.disclosure import Audit

Marks = NDArray[np.bool_]
BLANKED_COLUMNS = ("value", "se", "low", "high", "df", "numerator", "denominator", "deff", "n_eff")
ERROR_COLUMNS = ("se", "df", "deff", "n_eff")
INTERVAL = {"low": "down", "high": "up"}
IN_DOMAIN = ["domain", "group", "unit"]
MOST_BY_LEVEL = 150  # hidden items of units whose levels are searched one by one
MOST_TRIALS, MOST_SEARCHES = 150, 600  # to show hidden figures again
FEW_TRIALS, FEW_SEARCHES = 4, 150  # where many items are hidden, of many units
MANY_UNITS = 40
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
        is_rounded: Figures whose error would tell of a hidden item: published without it, and with
            an interval of whole points (``round_intervals``).
        hidden_answers: Items of which the whole's answers by level are hidden.
    """

    table: pd.DataFrame
    cause: "pd.Series[str]"
    is_rounded: "pd.Series[bool]"
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
    if not is_small.any():
        nothing = pd.Series("", table.index)
        return Suppression(blank_hidden(table), nothing, nothing.eq("small"))
    closure = _Closure(table, survey)
    in_sums = closure.complete(is_small)
    hidden, hidden_answers = _hide_bounded(table, survey, closure, in_sums)
    causes = np.select([is_small, in_sums & hidden, hidden], ["small", "sum", "bound"], "")
    cause = pd.Series(causes, table.index)
    blank = blank_hidden(table.assign(flag=table["flag"].mask(hidden, SUPPRESS)))
    is_rounded = _mark_revealing(blank, survey.instrument)
    return Suppression(_hide_forms(blank), cause, is_rounded, hidden_answers)


def find_units_to_hide(table: pd.DataFrame, survey: Survey) -> set[str]:
    """Return the units whose index sums would give back, without the long search of ``Audit``.

    That is nearly what ``suppress_figures`` hides of them, in a hundredth of its time.
    """
    is_small = mark_small(table)
    hidden = _Closure(table, survey).complete(is_small)
    is_index = table["domain"].eq("unit") & table["variable"].eq(OVERALL)
    return {*table.loc[is_index & hidden & ~is_small, "unit"]}


def _mark_revealing(table: pd.DataFrame, pack: Instrument) -> "pd.Series[bool]":
    """Mark shown figures of several items one of which the same domain hides.

    Their variance is a sum of squares over people: with numerator and denominator it tells how
    answers to hidden and shown items go together (rule P4).
    """
    is_item = table["level"].str.endswith("item")
    is_hidden = is_item & table["flag"].eq(SUPPRESS) & ~table["n_valid"].eq(0)
    domain = [table[name] for name in IN_DOMAIN]
    revealing = pd.Series(False, table.index)
    for code in table.loc[~is_item, "variable"].unique():
        items = pack.items_of(code) if code in {*pack.factors, *pack.blocks} else pack.items
        is_cause = is_hidden & table["variable"].isin([*items])
        in_domain = is_cause.groupby(domain, dropna=False).transform("any")
        revealing |= in_domain & table["variable"].eq(code)
    return revealing & table["value"].notna()


def round_intervals(
    table: pd.DataFrame, is_rounded: "pd.Series[bool]", ends: Mapping[str, str] = INTERVAL
) -> pd.DataFrame:
    """Return a table in which some figures have no error, and an interval of whole points.

    The ends move outwards, so that the interval covers as often as it says.

    Args:
        table: Figures with any of ``se``, ``df``, ``deff`` and ``n_eff``.
        is_rounded: Which of them to round.
        ends: Columns to round, each ``down`` or ``up``.

    Source: rule P4 in docs/method.md.
    """
    table = table.copy()
    table.loc[is_rounded, [name for name in ERROR_COLUMNS if name in table]] = np.nan
    for name, direction in ends.items():
        numbers = table.loc[is_rounded, name].astype(float)
        table.loc[is_rounded, name] = np.floor(numbers) if direction == "down" else np.ceil(numbers)
    return table


def mark_small(table: pd.DataFrame) -> Marks:
    """Mark the figures of fewer than ``min_cell`` people."""
    return ((table["flag"] == SUPPRESS) & (table["n_valid"] > 0)).to_numpy(dtype=bool)


class _Closure:
    """Hides further members of sums until no sum has too few hidden members.

    Attributes:
        with_means: Whether mean scores are hidden with any item of a group or unit, not only with
            the index of their domain.
    """

    def __init__(self, table: pd.DataFrame, survey: Survey) -> None:
        self.sums = [_sort_members(table, kind) for kind in _list_sums(table, survey)]
        self.min_cell, self.with_means = survey.wave.min_cell, False
        self.is_small = mark_small(table)
        self.is_item = table["level"].str.endswith("item").to_numpy()
        self.is_overall = (table["variable"] == OVERALL).to_numpy()
        is_mean = table["variable"].isin([MEAN_SCORE, MEAN_100]) & (table["n_valid"] > 0)
        self.is_mean = is_mean.to_numpy()
        in_group = (table["domain"] == "group").to_numpy()
        in_unit = (table["domain"] == "unit").to_numpy()
        self.figure = np.where(in_unit, -1, pd.factorize(table["variable"])[0])
        self.domain = table.groupby(IN_DOMAIN, dropna=False).ngroup().to_numpy()
        self.group = np.where(table["domain"] == "all", -1, pd.factorize(table["group"])[0]) + 1
        self.is_mean_of_group = self.is_mean & in_group

    def complete(self, hidden: Marks) -> Marks:
        """Return the hidden members of sums with those that must be hidden with them."""
        while True:
            more = hidden | self._mark_mean_scores(hidden)
            for members in self.sums:
                more[_find_complement(members, more, self.min_cell)] = True
            if np.array_equal(more, hidden):
                return hidden
            hidden = more

    def show(self, hidden: Marks, rows: NDArray[np.int64]) -> Marks | None:
        """Return ``hidden`` without some rows, and without rows hidden for these alone, if it may.

        None if a figure of too few people would be shown, or a sum would have too few hidden parts.
        """
        fewer = hidden.copy()
        fewer[rows] = False
        while (lonely := [_find_lonely(members, fewer) for members in self.sums]) and any(
            part.size for part in lonely
        ):
            fewer[np.concatenate(lonely)] = False
        is_complete = np.array_equal(self.complete(fewer), fewer)
        return fewer if is_complete and not (self.is_small & ~fewer).any() else None

    def _mark_mean_scores(self, hidden: Marks) -> Marks:
        """Mark the mean scores of a domain whose index is hidden: they tell how many answered.

        With ``with_means`` so does any hidden item, and in groups one of any of their units.
        """
        is_cause = hidden & (self.is_item if self.with_means else self.is_overall)
        in_domain = np.bincount(self.domain, is_cause | (hidden & self.is_overall))[self.domain] > 0
        if not self.with_means:
            return np.asarray(in_domain & self.is_mean)
        in_group = np.bincount(self.group, is_cause)[self.group] > 0
        return np.asarray((in_domain & self.is_mean) | (in_group & self.is_mean_of_group))


def _hide_bounded(
    table: pd.DataFrame, survey: Survey, closure: _Closure, hidden: Marks
) -> tuple[Marks, frozenset[str]]:
    """Hide further figures until no hidden one is bounded too closely, nor how many answered it.

    Where many items of units are hidden, their levels are not searched one by one.

    Returns:
        The hidden figures, and the items whose answers by level, of the whole, are hidden.
    """
    from sipas_analysis.figures.disclosure import Audit  # slow to import
    from sipas_analysis.figures.disclosure_cells import describe_bases, describe_cells

    is_unit_item = closure.is_item & (table["domain"] == "unit").to_numpy()
    is_many = (hidden & is_unit_item).sum() > MOST_BY_LEVEL
    by_level = bool(survey.instrument.index.points) or not is_many
    closure.with_means = not by_level
    hidden = closure.complete(hidden)
    is_small, n_rows = mark_small(table), len(table)
    cells = describe_cells(table, survey, by_level=by_level)
    bases = describe_bases(table, survey, is_small)
    audits = [Audit(part, is_small, hides_units=not by_level) for part in (cells, bases)]

    def complete(marks: Marks) -> Marks:
        """Return hidden figures, with answers or without, and those hidden with them."""
        rows, answers = closure.complete(marks[:n_rows]), marks[n_rows:]
        return np.append(rows, answers | cells.mark_thin_answers(rows)) if answers.size else rows

    marks = complete(np.append(hidden, np.zeros(len(cells.answer_item), dtype=bool)))
    n_hidden = -1
    while n_hidden != marks.sum():
        n_hidden = marks.sum()
        for audit in audits:
            n = audit.n_hideable
            marks = complete(np.append(audit.hide_exposed(marks[:n], complete), marks[n:]))
    order = np.argsort(-cells.cost[:n_rows], kind="stable")
    rows = order[(marks[:n_rows] & ~is_small)[order]]
    n_trials = FEW_TRIALS if is_many else MOST_TRIALS
    marks = _show_again(closure, audits, marks, rows, n_trials)
    thin = frozenset(table["variable"].iloc[cells.answer_item[marks[n_rows:]]])
    in_units = frozenset(table["variable"][marks[:n_rows] & is_unit_item])
    return marks[:n_rows], thin if by_level else in_units


def _show_again(
    closure: _Closure,
    audits: "Sequence[Audit]",
    marks: Marks,
    rows: NDArray[np.int64],
    n_trials: int,
) -> Marks:
    """Show hidden figures again, the most valuable first, while all others stay safe.

    What was hidden step by step is more than the last step needs. A row that is hidden for the sake
    of another is tried with all rows of the same figure in the whole and the groups, then alone.
    """
    n_rows, n_units = len(closure.is_small), len(audits[0].cells.group)
    n_most = FEW_SEARCHES if n_units > MANY_UNITS else MOST_SEARCHES
    blocks = [
        rows[closure.figure[rows] == figure]
        for figure in dict.fromkeys(closure.figure[rows])
        if figure >= 0
    ]
    n_searches = 0
    for block in [*blocks, *rows.reshape(-1, 1)][:n_trials]:
        hidden = closure.show(marks[:n_rows], block) if n_searches < n_most else None
        if hidden is None or np.array_equal(hidden, marks[:n_rows]):
            continue
        fewer = np.append(hidden, marks[n_rows:])
        trials = [audit.forget(fewer[: audit.n_hideable]) for audit in audits]
        parts = [(audit, fewer[: audit.n_hideable]) for audit in trials]
        is_safe = not any(audit.find_exposed(part) for audit, part in parts)
        n_searches += sum(audit.n_searches for audit in trials)
        if is_safe:
            marks, audits = fewer, trials
    return marks


def _hide_forms(table: pd.DataFrame) -> pd.DataFrame:
    """Blank the number of forms of groups and units whose overall figure is hidden.

    Blank are also the numbers of figures that nobody answered: they would give it back.
    """
    is_hidden = (table["flag"] == SUPPRESS) & table["level"].eq(OVERALL) & table["n"].isna()
    domains = is_hidden.groupby([table[name] for name in IN_DOMAIN], dropna=False)
    in_hidden = domains.transform("any") & (table["domain"] != "all")
    return table.assign(n=table["n"].mask(in_hidden))


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


@dataclass(frozen=True)
class _Members:
    """The rows that are members of a kind of sum, smallest part first and the wholes last.

    Attributes:
        kind: The kind of sum.
        rows: Positions in the table, shape (m,).
        family: The sum of each row, shape (m,).
        is_part: Which rows are parts, not wholes.
        people: People behind each row.
    """

    kind: _Sum
    rows: NDArray[np.int64]
    family: NDArray[np.int64]
    is_part: NDArray[np.bool_]
    people: NDArray[np.float64]


def _sort_members(table: pd.DataFrame, kind: _Sum) -> _Members:
    """Return the rows that are members of a sum, smallest part first and the whole last."""
    is_member = kind.whole.notna() & (table["n_valid"] > 0)
    members = table.assign(_whole=kind.whole, _last=kind.is_whole, _row=np.arange(len(table)))
    size = "n_valid" if "unit" in kind.keys else "n"  # the same unit for every variable
    members = members[is_member].sort_values(["_last", size], kind="stable")
    families = members.groupby(["_whole", *kind.keys], dropna=False, sort=False).ngroup()
    return _Members(
        kind,
        members["_row"].to_numpy(dtype=np.int64),
        np.asarray(families.to_numpy(dtype=np.int64)),
        ~members["_last"].to_numpy(dtype=bool),
        members["n_valid"].to_numpy(dtype=float),
    )


def _find_complement(
    members: _Members, hidden: NDArray[np.bool_], min_cell: int
) -> NDArray[np.int64]:
    """Return the first shown member of each sum with some, but too few, hidden members.

    One hidden member is too few. If the whole is shown, so are fewer than three units of a group,
    and parts that bound the largest: all others together have fewer than ``min_cell`` people.
    """
    kind, family = members.kind, members.family
    is_hidden = hidden[members.rows]
    is_part = is_hidden & members.is_part
    n_hidden, n_parts = np.bincount(family, is_hidden), np.bincount(family, is_part)
    people = np.where(is_part, members.people, 0.0)
    n_people, largest = np.bincount(family, people), np.zeros(len(n_parts))
    np.maximum.at(largest, family, people)
    is_weak = (n_people - largest < min_cell) | (n_parts < kind.fewest_parts)
    is_weak |= (largest < min_cell) & ("unit" in kind.keys)  # items may share all their people
    too_few = (n_hidden == 1) | ((n_hidden == n_parts) & (n_parts > 0) & is_weak)
    candidates = np.flatnonzero(~is_hidden & too_few[family])
    first = np.unique(family[candidates], return_index=True)[1]
    return members.rows[candidates[first]]


def _find_lonely(members: _Members, hidden: Marks) -> NDArray[np.int64]:
    """Return the hidden members of sums that hide no other member."""
    is_hidden = hidden[members.rows]
    is_lonely = (np.bincount(members.family, is_hidden) == 1) & (np.bincount(members.family) > 1)
    return np.asarray(members.rows[is_hidden & is_lonely[members.family]])


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
