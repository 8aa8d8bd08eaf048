"""Picture of how items measure together, or how alike the answers within a unit are."""

from collections.abc import Sequence
from math import nan

import pandas as pd
from matplotlib.axes import Axes

from sipas_analysis.arguments import check_kind, check_word
from sipas_analysis.documents.chart_intervals import LETTER_MARKS, IntervalRow
from sipas_analysis.documents.chart_parts import ACCENT
from sipas_analysis.measure.intraclass import IntraclassCorrelation
from sipas_analysis.measure.reliability import Reliability
from sipas_analysis.messages import Language, format_number, say
from sipas_analysis.plot.interval_marks import Part, draw_row, label_parts, spread_texts
from sipas_analysis.plot.names import Labels, Names, read_names
from sipas_analysis.plot.row_axes import RowAxes, TextColumn, check_axes, open_axes
from sipas_analysis.plot.shown import refuse_empty

STATISTICS = ("item_total", "alpha_without", "loading", "units")
OF_UNITS = ("icc", "icc_mean")
WHOLE = "sipas.plot.whole"


def reliability(
    result: Reliability | IntraclassCorrelation,
    what: str | None = None,
    *,
    labels: Labels = None,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw a statistic of each item: how well it measures what the others do.

    Args:
        result: Result of ``sipas.reliability`` or ``sipas.icc``.
        what: Of ``reliability``: ``item_total`` (correlation with the sum of the other items, if
            left out), ``alpha_without`` (alpha of the other items, beside alpha of all with its
            interval), ``loading`` (of one factor; of the factors with their intervals if these were
            named) or ``units`` (how reliably an item separates units). Of ``icc``: ``icc`` (of
            single answers, if left out) or ``icc_mean`` (of means of units), with intervals.
        labels: Names by code, a survey or a questionnaire that has them; those of the result if
            left out.
        ax: Axes to draw on; the current ones if left out, a new figure if these hold a picture.
        lang: ``en`` or ``vi``.

    Returns:
        The axes; the statistic is on the x axis, the first item is at y = 0.

    Raises:
        ParameterError: It is neither result, or it has no such statistic.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ax = sipas.plot.reliability(sipas.reliability(survey), "alpha_without")
        >>> len(ax.get_yticklabels())
        22
    """
    check_kind(result, (Reliability, IntraclassCorrelation), "reliability", "result")
    known = STATISTICS if isinstance(result, Reliability) else OF_UNITS
    statistic = known[0] if what is None else what
    check_word(statistic, known, "what")
    check_axes(ax, lang)
    names = read_names(labels, lang, None, result)
    parts = [(head, rows) for head, rows in _list_parts(result, statistic, names) if rows]
    refuse_empty(parts, f"{'units' if statistic == 'units' else 'statistic'}")
    pen = open_axes(ax, lang)
    rows = [row for _, part in parts for row in part]
    texts = [format_number(row.value, lang, 3) for row in rows]
    pen.place_rows(label_parts(parts), [TextColumn("", spread_texts(parts, texts))])
    if isinstance(result, Reliability) and statistic == "alpha_without":
        _draw_whole(pen, result)
    _draw_items(pen, parts)
    return pen.finish(say(lang, f"plot.axis.{statistic}"))


def _list_parts(
    result: Reliability | IntraclassCorrelation, statistic: str, names: Names
) -> list[Part]:
    """Return the rows of each item; loadings of several factors by factor."""
    if isinstance(result, IntraclassCorrelation):
        frame = result.frame[result.frame["statistic"] == statistic]
        return [("", _make_rows(frame, "value", names))]
    if statistic == "loading" and result.structure is not None:
        loadings = result.structure.loadings
        return [
            (names.name_code(str(factor)), _make_rows(part, "value", names))
            for factor, part in loadings.groupby("factor", sort=False)
        ]
    if statistic == "units":
        units = result.units
        return [] if units is None else [("", _make_rows(units, "value", names))]
    return [("", _make_rows(result.items, statistic, names))]


def _make_rows(frame: pd.DataFrame, column: str, names: Names) -> list[IntervalRow]:
    """Return a row for each item that has the statistic; NaN ends where it has no interval."""
    has_ends = column == "value" and "low" in frame
    ends = frame[["low", "high"]].to_numpy(dtype=float).tolist() if has_ends else []
    ends = ends or [[nan, nan]] * len(frame)
    values = frame[column].to_numpy(dtype=float).tolist()
    return [
        IntervalRow(_name_item(str(code), names), value, low, high)
        for code, value, (low, high) in zip(frame["variable"], values, ends, strict=True)
        if not pd.isna(value)
    ]


def _name_item(code: str, names: Names) -> str:
    return say(names.language, "plot.mean_of_items") if code == "mean" else names.name_item(code)


def _draw_items(pen: RowAxes, parts: Sequence[Part]) -> None:
    """Draw each item; the items of each factor have a mark of their own."""
    y = 0
    for place, (head, rows) in enumerate(parts):
        y += bool(head)
        shape, colour = LETTER_MARKS[place % len(LETTER_MARKS)] if head else ("circle", ACCENT)
        for row in rows:
            draw_row(pen, row, y, shape, colour)
            y += 1


def _draw_whole(pen: RowAxes, result: Reliability) -> None:
    """Draw alpha of all items as a line and its interval as a shade."""
    alpha = result.frame[result.frame["variable"] == "alpha"].iloc[0]
    value, low, high = (float(alpha[name]) for name in ("value", "low", "high"))
    if not pd.isna(low):
        pen.ax.axvspan(low, high, color=pen.colours.grid, linewidth=0, zorder=0.5, gid=WHOLE)
    pen.ax.axvline(value, color=pen.colours.ink, linewidth=1.3, gid=WHOLE)
    text = format_number(value, pen.language, 3)
    pen.notes.append(say(pen.language, "plot.key.alpha", alpha=text))
