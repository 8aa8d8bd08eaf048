"""Picture of changes between waves: differences with intervals, or lines from year to year."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

import pandas as pd
from matplotlib.axes import Axes

from sipas_analysis.arguments import check_kind, check_word
from sipas_analysis.documents.chart_intervals import IntervalRow
from sipas_analysis.documents.chart_parts import ACCENT, SECOND, SOFT
from sipas_analysis.figures.last_year import Change
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.measure.change import Changes
from sipas_analysis.messages import Language, read_catalogue, say
from sipas_analysis.plot.interval_marks import (
    draw_row,
    label_parts,
    limit_scale,
    place_zero,
    spread_texts,
)
from sipas_analysis.plot.names import Labels, Names, read_names
from sipas_analysis.plot.row_axes import RowAxes, TextColumn, check_axes, open_axes
from sipas_analysis.plot.shown import refuse_empty
from sipas_analysis.plot.slopes import draw_slopes
from sipas_analysis.reports.picture_rows import write_change

Rows = Literal["units", "groups", "whole", "factors", "items"]
How = Literal["differences", "slopes"]
DOMAINS = {"units": "unit", "groups": "group", "whole": "all", "factors": "all", "items": "all"}
LEVELS = {"factors": "factor", "items": "item"}
STYLES = {"up": ("up", ACCENT), "down": ("down", SECOND)}


def change(
    changes: Changes,
    rows: Rows | None = None,
    *,
    how: How = "differences",
    labels: Labels = None,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw changes between waves; those that are more than chance stand out.

    Args:
        changes: Result of ``sipas.compare``.
        rows: ``units``, ``groups``, ``whole``, ``factors`` or ``items``; the units if there are
            several, else the factors, if left out.
        how: ``differences``: points with their intervals and a line at 0; ``slopes``: lines from
            the earlier figure to the later one, without intervals.
        labels: Names by code, a survey or a questionnaire that has them; those of the result if
            left out.
        ax: Axes to draw on; the current ones if left out, a new figure if these hold a picture.
        lang: ``en`` or ``vi``.

    Returns:
        The axes: of differences, points are on the x axis and the first row is at y = 0; of slopes,
        figures are on the y axis and waves at x = 0, 1 and so on. What may not be compared is
        counted below with the reason.

    Raises:
        ParameterError: It is no result of ``compare``, or nothing may be compared.

    Example:
        >>> import sipas_analysis as sipas
        >>> waves = [sipas.read_survey(sipas.read_wave(f"data/an-giang-{year}/wave.yaml"))
        ...          for year in (2020, 2021)]
        >>> ax = sipas.plot.change(sipas.compare(*waves), "factors")
        >>> len(ax.get_yticklabels())
        5
    """
    check_kind(changes, Changes, "changes")
    check_word(rows, (None, *get_args(Rows)), "rows")
    check_word(how, get_args(How), "how")
    check_axes(ax, lang)
    names = read_names(labels, lang, None, changes)
    table = _choose_rows(changes.frame, rows)
    known = table[table["value"].notna()]
    refuse_empty(known, "changes", why=_list_reasons(table, "en"))
    pen = open_axes(ax, lang)
    _note_reasons(pen, table)
    pairs = [*dict.fromkeys(zip(known["before"], known["after"], strict=True))]
    if how == "slopes":
        lines = [_list_named(_take_pair(known, pair), names) for pair in pairs]
        return draw_slopes(pen, lines, pairs)
    ordered = known.sort_values("value", ascending=False, kind="stable")
    parts = []
    for pair in pairs:
        head = say(lang, "compare.chapter.pair", before=pair[0], after=pair[1])
        named = _list_named(_take_pair(ordered, pair), names)
        parts.append((head, [_make_row(label, known_change) for label, known_change in named]))
    if len(pairs) == 1:
        parts = [("", parts[0][1])]
    _draw_differences(pen, parts)
    return pen.finish(say(lang, "plot.axis.change", before=pairs[0][0], after=pairs[-1][1]))


def _choose_rows(frame: pd.DataFrame, rows: Rows | None) -> pd.DataFrame:
    """Return the changes of units, groups, factors or items."""
    if rows is None:
        n_units = frame.loc[frame["domain"] == "unit", "unit"].nunique()
        rows = "units" if n_units > 1 else "factors"
        if rows == "factors" and not (frame["level"] == "factor").any():
            rows = "items"
    level = LEVELS.get(rows, OVERALL)
    return frame[(frame["domain"] == DOMAINS[rows]) & (frame["level"] == level)]


def _take_pair(frame: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    return frame[(frame["before"] == pair[0]) & (frame["after"] == pair[1])]


def _list_named(frame: pd.DataFrame, names: Names) -> list[tuple[str, Change]]:
    """Return each change with its name: of the unit, the group, or the figure."""
    rows = []
    for row in frame.to_dict("records"):
        code = {"unit": row["unit"], "group": row["group"]}.get(row["domain"], "")
        label = names.name_level(row["domain"], code) if code else names.name_code(row["variable"])
        columns = ("value_before", "value_after", "value", "low", "high")
        before, after, value, low, high = (float(row[name]) for name in columns)
        rows.append((label, Change(before, after, value, low, high, str(row["verdict"]))))
    return rows


def _make_row(label: str, known: Change) -> IntervalRow:
    """Return the row of a change: faint where it may be chance."""
    is_sure = known.verdict in STYLES
    return IntervalRow(
        label,
        known.value,
        known.low,
        known.high,
        letter=known.verdict if is_sure else "",
        marked=is_sure,
        faint=not is_sure,
    )


def _draw_differences(pen: RowAxes, parts: Sequence[tuple[str, list[IntervalRow]]]) -> None:
    """Draw each change with its interval and its number."""
    every_row = [row for _, rows in parts for row in rows]
    texts = [write_change(row.value, pen.language) for row in every_row]
    pen.place_rows(label_parts(parts), [TextColumn("", spread_texts(parts, texts))])
    place_zero(pen)
    y = 0
    for head, rows in parts:
        y += bool(head)
        for row in rows:
            shape, colour = STYLES.get(row.letter, ("circle", SOFT))
            draw_row(pen, row, y, shape, colour)
            y += 1
    limit_scale(pen, every_row, [0.0], (-100.0, 100.0))
    pen.notes.insert(0, say(pen.language, "plot.key.change"))


def _note_reasons(pen: RowAxes, table: pd.DataFrame) -> None:
    """State below the picture how many figures are not compared, and why."""
    n_absent = int(table["value"].isna().sum())
    if n_absent:
        why = _list_reasons(table, pen.language)
        pen.notes.append(say(pen.language, "plot.not_compared", n=n_absent, why=why))


def _list_reasons(table: pd.DataFrame, language: Language) -> str:
    """Return the reasons why figures are not compared, the most frequent first."""
    counts = Counter(
        word for reason in table.loc[table["value"].isna(), "reason"] for word in reason.split()
    )
    catalogue = read_catalogue(language)
    return "; ".join(catalogue[f"compare.why.{word}"] for word, _ in counts.most_common())
