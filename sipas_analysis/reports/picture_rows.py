"""Make the rows of pictures: what is drawn, in which order, with which mark and words.

The pictures of reports and those of ``sipas.plot`` are drawn from the same rows, so that both show
the same. A row has its texts in one language; what a row is called, the caller says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan

import pandas as pd

from sipas_analysis.documents.chart_answers import AnswerRow
from sipas_analysis.documents.chart_bars import Bar
from sipas_analysis.documents.chart_intervals import IntervalRow
from sipas_analysis.documents.chart_slopes import Slope
from sipas_analysis.documents.model import Text, make_text
from sipas_analysis.explain.importance import Importance
from sipas_analysis.explain.priority import Priority, compare_with_cut
from sipas_analysis.figures.last_year import Change
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.messages import Language, format_number

PLACES = {  # by the sides of the gap and of the importance
    (-1, 1): "fix",
    (1, 1): "keep",
    (-1, -1): "watch",
    (1, -1): "enough",
    (-1, 0): "weak",
    (1, 0): "strong",
    (0, 1): "matters",
    (0, -1): "minor",
    (0, 0): "undecided",
}


def make_point_row(
    figure: PublishedFigure, label: str, language: Language, *, beside: float = nan
) -> IntervalRow:
    """Return the row of an index with its interval; ``beside`` is a value to compare with."""
    text = format_number(figure.printed or None, language)
    return IntervalRow(label, figure.value, figure.low, figure.high, text=text, beside=beside)


def make_ranked_row(
    figure: PublishedFigure, label: str, language: Language, *, marked: bool = False
) -> IntervalRow:
    """Return the row of a unit with its letters; a unit without a rank stands apart."""
    is_ranked = figure.rank is not None
    row = make_point_row(figure, label, language)
    letter = figure.letter if is_ranked else ""
    return replace(row, marked=marked, letter=letter, apart=not is_ranked)


def has_several_letters(figures: Sequence[PublishedFigure]) -> bool:
    """Return whether the units of a group have more than one letter; one that all have says nil."""
    return len({figure.letter for figure in figures} - {""}) > 1


@dataclass(frozen=True)
class Share:
    """The importance of a factor in percent of all factors, with its interval."""

    code: str
    value: float
    low: float
    high: float


def list_shares(importance: Importance) -> list[Share]:
    """Return the importance of each factor, the largest first."""
    ordered = importance.frame.sort_values("value", ascending=False, kind="stable")
    columns = ordered[["variable", "share", "share_low", "share_high"]]
    return [Share(code, *(100 * float(end) for end in ends)) for code, *ends in columns.to_numpy()]


def make_share_row(share: Share, label: str) -> IntervalRow:
    """Return the row of the importance of a factor."""
    return IntervalRow(label, share.value, share.low, share.high)


@dataclass(frozen=True)
class FactorPlace:
    """A factor with its gap to the index, its importance, and what follows from both."""

    code: str
    gap: Bar
    share: Bar
    words: Text


def place_factors(priority: Priority, gaps: pd.DataFrame | None = None) -> list[FactorPlace]:
    """Return the gap and the importance of each factor, each sure or not; the weakest first.

    A gap of ``gaps`` is that of rule R7. Another one, and importance, are sure if the interval,
    widened for all factors, leaves out the line (D4).

    Args:
        priority: Factors by importance and satisfaction.
        gaps: Columns ``variable``, ``value``, ``low``, ``high`` and ``verdict`` of rule R7.
    """
    placed = priority.frame.dropna(subset=["percent", "share"])
    assert placed.empty or priority.importance is not None
    ordered = placed.sort_values("percent", kind="stable")
    by_code = None if gaps is None else gaps.set_index("variable")
    return [
        _judge_factor(priority, str(code), level, share, by_code)
        for code, level, share in zip(
            ordered["variable"],
            ordered[["percent", "percent_low", "percent_high"]].to_numpy(dtype=float).tolist(),
            ordered[["share", "share_low", "share_high"]].to_numpy(dtype=float).tolist(),
            strict=True,
        )
    ]


def _judge_factor(
    priority: Priority,
    code: str,
    level: Sequence[float],
    share: Sequence[float],
    gaps: pd.DataFrame | None,
) -> FactorPlace:
    """Return the bars of a factor and what follows."""
    n_factors, cut_share, cut = len(priority.frame), priority.cut_share, priority.cut_percent
    if gaps is None:
        gap = _make_bar([end - cut for end in level], int(compare_with_cut(level, cut, n_factors)))
    else:
        ends = [float(end) for end in gaps.loc[code, ["value", "low", "high"]].to_numpy(float)]
        gap = _make_bar(ends, {"above": 1, "below": -1}.get(str(gaps.loc[code, "verdict"]), 0))
    assert priority.importance is not None
    separable = priority.importance.frame.set_index("variable")["separable"]
    side = int(compare_with_cut(share, cut_share, n_factors)) if separable[code] else 0
    words = make_text(f"chart.place.{PLACES[gap.side, side]}")
    return FactorPlace(code, gap, _make_bar([100 * end for end in share], side), words)


def _make_bar(ends: Sequence[float], side: int) -> Bar:
    value, low, high = ends
    return Bar(value, low, high, side)


def make_slope(change: Change, label: str, language: Language, *, marked: bool = False) -> Slope:
    """Return the line of a unit from the earlier year to the later one."""
    text = write_change(change.value, language)
    return Slope(label, change.before, change.after, change.verdict, text, marked=marked)


def write_change(points: float, language: Language) -> str:
    """Return a change with its sign."""
    text = format_number(points, language, 1)
    return f"+{text}" if points > 0 else text


def list_level_shares(counts: pd.DataFrame, levels: Sequence[int]) -> list[float]:
    """Return the share in percent of each level, from columns ``answer`` and ``weight``."""
    weights = counts.set_index("answer")["weight"].astype(float).reindex([*levels]).fillna(0.0)
    return [100 * float(weight) / float(weights.sum()) for weight in weights]


def make_answer_row(
    label: str, shares: Sequence[float], value: float, n_bad: int | None, language: Language
) -> AnswerRow:
    """Return the row of an item: its levels, how many are not satisfied, and its figure.

    Args:
        label: Name of the row.
        shares: Share of each level in percent, worst first.
        value: The figure of the item.
        n_bad: How many levels do not count as satisfied; None if the answers have points.
        language: Of the numbers.
    """
    left = "" if n_bad is None else format_number(sum(shares[:n_bad]), language, 1)
    return AnswerRow(label, shares, left, format_number(value, language, 1))
