"""Shares of online and postal dossiers, each among the dossiers that could go that way (rule T8).

What is counted and among which dossiers is data, ``channels.yaml``. Dossiers are counted all, not
drawn: a share of them has no interval.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sipas_analysis.infer.design import Ints
from sipas_analysis.instrument.pack import Status
from sipas_analysis.instrument.strict_yaml import Bilingual, Strict, read_model
from sipas_analysis.records.small_cells import Marks, mark_small_cells, merge_small_cells
from sipas_analysis.records.timeliness import APART

Period = tuple[date, date]
Words = Mapping[str, tuple[str, ...]]


class EligibleForPost(Strict):
    """Dossiers of which procedures may use the public post: of a level, or listed by code."""

    levels: tuple[str, ...]
    procedures: tuple[str, ...] = ()
    status: Status
    source: str = ""  # empty: ours


class ChannelShare(Bilingual):
    """One share: its name, the dossiers counted, and those among which they are counted."""

    population: Literal["received", "returned"]
    counted: Words
    among: Mapping[str, tuple[str, ...]] = {}
    postal: Literal["", "eligible"] = ""
    within: str = ""
    status: Status
    source: str = ""  # empty: ours


class ChannelRules(Strict):
    """All shares, and what is eligible for the post."""

    eligible_for_post: EligibleForPost
    shares: Mapping[str, ChannelShare]


@cache
def read_channel_rules() -> ChannelRules:
    """Return the shares of ``channels.yaml``."""
    return read_model(Path(__file__).with_name("channels.yaml"), ChannelRules)


def make_channel_rules(procedures: Sequence[str]) -> ChannelRules:
    """Return the shares with further procedures that may use the post (``postal:`` of a wave)."""
    rules = read_channel_rules()
    listed = (*rules.eligible_for_post.procedures, *procedures)
    eligible = rules.eligible_for_post.model_copy(update={"procedures": listed})
    return rules.model_copy(update={"eligible_for_post": eligible})


def count_channels(
    dossiers: pd.DataFrame,
    by: Sequence[str] = (),
    *,
    period: Period,
    min_cell: int = 5,
    rules: ChannelRules | None = None,
) -> pd.DataFrame:
    """Count the dossiers of each channel, and their shares in percent.

    share = 100 · counted / base, both over the dossiers of the period; without error, for all are
    counted. As in form II.06a, dossiers that were refused or contradict themselves do not count.

    Args:
        dossiers: Dossiers with ``channel``, ``return_channel``, ``level``, ``procedure``,
            ``received``, ``returned`` and ``status``; ``is_mapped`` where old levels
            were mapped.
        by: Key columns, such as ``unit`` or ``field``; none for the whole.
        period: First and last day.
        min_cell: Fewest dossiers behind a share (P2).
        rules: The shares; those of ``channels.yaml`` if not given.

    Returns:
        One row per key (*other* for keys of few dossiers): ``received``, ``without_level``,
        ``mapped_percent`` (dossiers whose level is an old number), and for each share ``_n``,
        ``_base`` and ``_percent``: missing where the base is too small or follows from another,
        NaN percent where the base is 0. Without dossiers in the period: no row.

    Source: rules T8, P2 and P5 in docs/method.md; what is eligible for the post is ``unverified``.

    Example:
        >>> day = pd.Timestamp("2021-03-01 08:00")
        >>> frame = pd.DataFrame({"channel": ["online"] * 6 + ["direct"] * 4, "level": "full"})
        >>> frame = frame.assign(return_channel="", procedure="", received=day, returned=pd.NaT)
        >>> frame["status"] = "in_time"
        >>> year = date(2021, 1, 1), date(2021, 12, 31)
        >>> count_channels(frame, period=year)["online_percent"].tolist()
        [60.0]
    """
    rules = rules or read_channel_rules()
    return add_up_channels(mark_channels(dossiers, by, period, rules), by, rules, min_cell)


def mark_channels(
    dossiers: pd.DataFrame, keys: Sequence[str], period: Period, rules: ChannelRules
) -> pd.DataFrame:
    """Return the keys of dossiers that came or were returned in a period, and how each counts."""
    is_received = mark_received(dossiers, period)
    is_returned = mark_received(dossiers, period, "returned")
    marks = dossiers[[*keys]].assign(
        received=is_received,
        without_level=is_received & dossiers["level"].eq(""),
        _mapped=is_received & dossiers.get("is_mapped", False),
        **mark_shares(dossiers, rules, period),
    )
    return marks[is_received | is_returned]


def add_up_channels(
    marks: pd.DataFrame, by: Sequence[str], rules: ChannelRules, min_cell: int
) -> pd.DataFrame:
    """Return the rows of ``count_channels`` from what ``mark_channels`` says of each dossier."""
    of_shares = [f"{name}_{part}" for name in rules.shares for part in ("n", "base")]
    columns = [*by, "received", "without_level", "_mapped", *of_shares]
    rows = merge_small_cells(marks[columns], by, min_cell)
    table = _add_up(rows, by)
    table["mapped_percent"] = 100 * table.pop("_mapped") / table["received"]
    return _hide_bases(table, by, rules, min_cell)


def mark_received(
    dossiers: pd.DataFrame, period: Period, stamp: str = "received"
) -> "pd.Series[bool]":
    """Return which dossiers were received (or returned) in a period, its last day included.

    As in form II.06a (rule T4), those refused, not started or contradictory are none of them.
    """
    first, end = pd.Timestamp(period[0]), pd.Timestamp(period[1] + timedelta(days=1))
    is_here = (dossiers[stamp] >= first) & (dossiers[stamp] < end)
    return is_here & ~dossiers["status"].isin(APART)


def mark_shares(
    dossiers: pd.DataFrame, rules: ChannelRules, period: Period
) -> dict[str, "pd.Series[bool]"]:
    """Return which dossiers are the base of each share, and which are counted."""
    populations = {name: mark_received(dossiers, period, name) for name in ("received", "returned")}
    eligible = rules.eligible_for_post
    may_use_post = dossiers["level"].isin(eligible.levels)
    may_use_post |= dossiers["procedure"].isin(eligible.procedures)
    marks = {}
    for name, share in rules.shares.items():
        base = populations[share.population] & _mark_words(dossiers, share.among)
        base &= may_use_post if share.postal else True
        marks[f"{name}_n"] = base & _mark_words(dossiers, share.counted)
        marks[f"{name}_base"] = base
    return marks


def _mark_words(dossiers: pd.DataFrame, words: Words) -> "pd.Series[bool]":
    marks = pd.Series(True, dossiers.index)
    for column, wanted in words.items():
        marks &= dossiers[column].isin(wanted)
    return marks


def _add_up(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the sums of all columns of marks by key, in the order of the keys."""
    if by:
        return rows.groupby([*by], observed=True, sort=True).sum().reset_index()
    return rows.sum().to_frame().T.astype(int) if len(rows) else rows.astype(int)


def _hide_bases(
    table: pd.DataFrame, by: Sequence[str], rules: ChannelRules, min_cell: int
) -> pd.DataFrame:
    """Return the table with percentages; blank where the base may not be shown."""
    bases = {name: table[f"{name}_base"].to_numpy(dtype=np.int64) for name in rules.shares}
    nested = _mark_nested(table[[*by]], bases, rules, min_cell)
    for name, share in rules.shares.items():
        base = bases[name]
        hidden = nested if share.within else mark_small_cells(table[[*by]], base, min_cell)
        columns = [f"{name}_{part}" for part in ("n", "base", "percent")]
        table[columns[2]] = 100 * table[columns[0]] / table[columns[1]].where(base > 0)
        table[columns] = table[columns].astype(float)
        table.loc[hidden, columns] = np.nan
    return table


def _mark_nested(
    keys: pd.DataFrame, bases: Mapping[str, Ints], rules: ChannelRules, min_cell: int
) -> Marks:
    """Return which rows show none of the shares that lie within others.

    Such shares are hidden together: one would be its whole less the other, and so would give back
    what is hidden of another row.
    """
    inside = {name: share.within for name, share in rules.shares.items() if share.within}
    marks = np.zeros(len(keys), dtype=bool)
    for name, whole in inside.items():
        rest = bases[whole] - bases[name]
        marks |= (rest > 0) & (rest < min_cell)
    while True:
        more = marks.copy()
        for name in inside:
            more |= mark_small_cells(keys, bases[name], min_cell, more)
        if np.array_equal(more, marks):
            return marks
        marks = more
