"""Pictures of importance: what each driver explains, and importance beside satisfaction."""

from math import isnan

import pandas as pd
from matplotlib.axes import Axes

from sipas_analysis.arguments import check_kind
from sipas_analysis.documents.canvas import INK
from sipas_analysis.documents.chart_parts import (
    ACCENT,
    FAINT,
    SECOND,
    SOFT,
    make_scale,
)
from sipas_analysis.explain.importance import Importance
from sipas_analysis.explain.priority import Priority
from sipas_analysis.messages import Language, format_number, say
from sipas_analysis.plot.interval_marks import (
    draw_row,
    label_parts,
    limit_scale,
    place_zero,
)
from sipas_analysis.plot.names import Labels, Names, read_names
from sipas_analysis.plot.row_axes import NumberFormat, RowAxes, TextColumn, check_axes, open_axes
from sipas_analysis.plot.shown import refuse_empty
from sipas_analysis.plot.side_names import SideName, write_side_names
from sipas_analysis.reports.picture_rows import (
    FactorPlace,
    list_shares,
    make_share_row,
    place_factors,
)

VALUE, ACROSS, UPRIGHT, CUT = (
    f"sipas.plot.{name}" for name in ("value", "satisfaction", "importance", "cut")
)
LEAST_HEIGHT, MARGIN = 330.0, 62.0  # points


def importance(
    shares: Importance,
    *,
    labels: Labels = None,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw the part of each driver in what all drivers explain, the largest first.

    Args:
        shares: Result of ``sipas.importance``, or ``sipas.priority(survey).importance``.
        labels: Names by code, a survey or a questionnaire that has them; those of the result if
            left out.
        ax: Axes to draw on; the current ones if left out.
        lang: ``en`` or ``vi``.

    Returns:
        The axes; shares in percent are on the x axis, the first driver is at y = 0. Below stand
        the share of the variance that all explain and, where the result has errors, how sure the
        order is.

    Raises:
        ParameterError: It is no importance, or there is nothing to draw.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ax = sipas.plot.importance(sipas.priority(survey).importance)
        >>> [label.get_text() for label in ax.get_yticklabels()][:2]
        ['Civil servants', 'Results of the service']
    """
    check_kind(shares, Importance, "importance", "shares")
    check_axes(ax, lang)
    names = read_names(labels, lang, None, shares)
    rows = [make_share_row(share, names.name_code(share.code)) for share in list_shares(shares)]
    rows = [row for row in rows if not pd.isna(row.value)]
    refuse_empty(rows, "importance")
    parts, pen = [("", rows)], open_axes(ax, lang)
    texts = [format_number(row.value, lang, 1) for row in rows]
    pen.place_rows(label_parts(parts), [TextColumn("", texts)])
    place_zero(pen)
    for y, row in enumerate(rows):
        draw_row(pen, row, y, "circle", ACCENT)
    limit_scale(pen, rows, [0.0], (-100.0, 100.0))
    r_squared = format_number(shares.r_squared, lang, 2)
    pen.notes.append(say(lang, "plot.key.importance", r_squared=r_squared, n=shares.n))
    if len(rows) > 1 and not isnan(shares.order_holds):
        holds = f"{100 * shares.order_holds:.0f}"
        pen.notes.append(say(lang, "report.drivers.repeated", holds=holds))
    return pen.finish(say(lang, "chart.share_of_r2"))


def priority(
    matrix: Priority,
    *,
    labels: Labels = None,
    ax: Axes | None = None,
    lang: Language = "en",
) -> Axes:
    """Draw each factor by its satisfaction and its importance, with the cuts of both.

    A line that is surely on one side of its cut has a colour; a factor whose quadrant is known is
    filled, else it is hollow. What follows stands beside its name.

    Args:
        matrix: Result of ``sipas.priority``.
        labels: Names by code, a survey or a questionnaire that has them; those of the result if
            left out.
        ax: Axes to draw on; the current ones if left out.
        lang: ``en`` or ``vi``.

    Returns:
        The axes; the percentage of satisfied people is on the x axis, importance in percent on the
        y axis.

    Raises:
        ParameterError: It is no result of ``priority``, or it has no matrix; the reason is told.

    Source: rule D4 in docs/method.md; Martilla and James (1977), doi:10.2307/1250495.

    Example:
        >>> import sipas_analysis as sipas
        >>> survey = sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))
        >>> ax = sipas.plot.priority(sipas.priority(survey), lang="vi")
        >>> ax.get_xlabel()
        'Hài lòng (%)'
    """
    check_kind(matrix, Priority, "priority", "matrix")
    check_axes(ax, lang)
    names = read_names(labels, lang, None, matrix)
    refuse_empty(
        matrix.frame.dropna(subset=["percent", "share"]), "matrix", why=matrix.reason or "–"
    )
    rows, pen = place_factors(matrix, matrix.gaps), open_axes(ax, lang)
    _place_scales(pen, matrix, rows)
    for row in rows:
        _draw_factor(pen, row, matrix.cut_percent)
    _name_factors(pen, rows, names, matrix.cut_percent)
    pen.ax.set_ylabel(pen.wrap_upright(say(lang, "chart.head.importance")), color=pen.colours.ink)
    pen.notes.append(say(lang, "plot.key.priority"))
    return pen.finish(say(lang, "measure.percent.head"))


def _place_scales(pen: RowAxes, matrix: Priority, rows: list[FactorPlace]) -> None:
    """Set both scales with a little room, and draw the cuts with their values."""
    ax, cut, share = pen.ax, matrix.cut_percent, 100 * matrix.cut_share
    across = [end + cut for row in rows for end in (row.gap.value, row.gap.low, row.gap.high)]
    upright = [end for row in rows for end in (row.share.value, row.share.low, row.share.high)]
    for values, at, limit in ((across, cut, ax.set_xlim), (upright, share, ax.set_ylim)):
        scale = make_scale([*values, at], 0, 1)
        limit(scale.low, scale.high)
    for line in (ax.axvline(cut), ax.axhline(share)):
        line.set(color=pen.colours.ink, linewidth=0.9, linestyle=(0, (4, 3)), gid=CUT)
    size, decimals = 0.9 * pen.size, 2
    text = format_number(cut, pen.language, decimals)
    pen.write(text, (cut, 1), ax.get_xaxis_transform(), (0, 3), "center", size).set(va="bottom")
    text = format_number(share, pen.language, 1)
    pen.write(text, (1, share), ax.get_yaxis_transform(), (2, 0), "left", size)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(NumberFormat(pen.language))
    ax.tick_params(colors=pen.colours.soft)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(pen.colours.soft)
    ax.grid(visible=True, color=pen.colours.grid)
    ax.set_axisbelow(True)


def _draw_factor(pen: RowAxes, row: FactorPlace, cut: float) -> None:
    """Draw a factor with both intervals; what is not sure is grey and hollow."""
    x, y = row.gap.value + cut, row.share.value
    across = pen.colours.fit({1: ACCENT, -1: SECOND}.get(row.gap.side, FAINT))
    upright = pen.colours.fit({1: INK, -1: SOFT}.get(row.share.side, FAINT))
    lines = (
        ([row.gap.low + cut, row.gap.high + cut], [y, y], across, row.gap, ACROSS),
        ([x, x], [row.share.low, row.share.high], upright, row.share, UPRIGHT),
    )
    for xs, ys, colour, bar, gid in lines:
        (line,) = pen.ax.plot(xs, ys, color=colour, linewidth=2.0 if bar.side else 1.0)
        line.set(gid=gid, solid_capstyle="butt")
    is_sure = bool(row.gap.side and row.share.side)
    shape = {1: "^", -1: "v"}.get(row.gap.side, "o")
    (point,) = pen.ax.plot([x], [y], shape, color=across)
    point.set(
        markersize=8,
        markerfacecolor=across if is_sure else pen.colours.background,
        markeredgecolor=pen.colours.background if is_sure else across,
        zorder=3,
        gid=VALUE,
    )


def _name_factors(pen: RowAxes, rows: list[FactorPlace], names: Names, cut: float) -> None:
    """Write names and what follows at the right, in the order of importance."""
    side_names = []
    for row in sorted(rows, key=lambda row: -row.share.value):
        is_sure = row.gap.side or row.share.side
        words = f": {row.words.text(pen.language)}" if is_sure else ""
        end = row.gap.value if isnan(row.gap.high) else row.gap.high  # where its line ends
        name = names.name_code(row.code) + words
        side_names.append(SideName(name, end + cut, row.share.value))
    write_side_names(pen, side_names, LEAST_HEIGHT, MARGIN)
