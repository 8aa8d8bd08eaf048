"""Draw pictures: each function takes rows of published figures and returns SVG bytes.

The height depends on the number of rows, and long Vietnamese labels are wrapped, so that no text
is cut. Letters are drawn as outlines of a font that comes with matplotlib, so that the same input
gives the same bytes on any machine. The colours are also distinct for colour-blind readers.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from sipas_analysis.documents.svg import DPI, render_svg
from sipas_analysis.messages import Language, format_number, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from numpy.typing import ArrayLike, NDArray

LIKERT = ("#a6611a", "#dfc27d", "#d9d9d9", "#80cdc1", "#018571")
INK, FAINT, ACCENT, SECOND = "#1b2a41", "#9aa5b1", "#0b6e8f", "#c4622d"
DASHES = (0, (4, 3))
_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5}
_BESIDE_ROW: dict[str, Any] = {"ha": "right", "va": "center_baseline", "fontsize": 8}
_IN_POINT: dict[str, Any] = _CENTRED | {"va": "center_baseline", "fontweight": "bold"}
_IN_CORNER: dict[str, Any] = {"color": "#6b7785", "fontsize": 7.5, "style": "italic"}
WIDTH = 7.2  # inches
MARGIN = 2.9  # inches at the left for labels
BAR_HEIGHT = 0.72  # share of the height of a row
LEAST_SHARE = 7  # percent; a smaller part of a bar has no room for its number
LIGHT = 0.408  # relative luminance (WCAG) from which text on a shade is dark
MOST_LEVEL = 6  # columns; the headings of a wider heat map are vertical
_STYLE: dict[Any, Any] = {  # matplotlib has a special type for the keys
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.hashsalt": "sipas",
    "svg.fonttype": "path",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid.axis": "x",
    "grid.color": "#e6e9ed",
    "axes.axisbelow": True,
}


@dataclass(frozen=True)
class IntervalRow:
    """One line of a chart with an interval: label, value, interval, whether it is highlighted."""

    label: str
    value: float
    low: float
    high: float
    marked: bool = False


def _wrap_label(label: str, width: int = 42, lines: int = 3) -> str:
    """Wrap a label; a dollar sign is printed and starts no formula."""
    wrapped = textwrap.wrap(
        label, width, max_lines=lines, placeholder="…", break_long_words=False
    ) or [""]
    return "\n".join(wrapped).replace("$", r"\$")


def _make_drawing(height: float, margin: float) -> "tuple[Drawing, Axes]":
    """Return a drawing whose axes leave ``margin`` inches at the left for labels."""
    drawing = Drawing(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    axes = drawing.add_axes(
        (margin / WIDTH, 0.55 / height, (WIDTH - margin - 0.35) / WIDTH, (height - 0.78) / height)
    )
    return drawing, axes


def _label_rows(axes: "Axes", labels: Sequence[str], marked: Sequence[bool] = ()) -> None:
    """Write the label of each row as text, bold where marked; ticks are slower to draw."""
    axes.set_yticks([])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(length=0)
    left_edge = axes.get_yaxis_transform()
    for row, label in enumerate(labels):
        weight = "bold" if row < len(marked) and marked[row] else "normal"
        style = _BESIDE_ROW | {"fontweight": weight, "clip_on": False}
        axes.text(-0.01, row, _wrap_label(label), transform=left_edge, **style)


def _print_numbers_on(axis: "Axis", n_ticks: int, language: Language, decimals: int = 0) -> None:
    """Set about ``n_ticks`` ticks with numbers in the format of the language."""
    axis.set_major_locator(MaxNLocator(nbins=n_ticks, integer=decimals == 0))
    axis.set_major_formatter(
        lambda value, _: format_number(float(value), language, decimals)  # position is unused
    )


def draw_likert(
    labels: Sequence[str], shares: "ArrayLike", names: Sequence[str], language: Language
) -> bytes:
    """Draw one bar per item, split into the shares (percent) of each level, worst at the left."""
    with mpl.rc_context(_STYLE):
        drawing, axes = _make_drawing(1.1 + 0.43 * len(labels), MARGIN)
        table = np.nan_to_num(np.array(shares, float).reshape(len(labels), len(names)))
        left = np.zeros(len(labels))
        colours = np.linspace(0, len(LIKERT) - 1, len(names)).round().astype(int)
        for level, colour in enumerate(colours):
            _draw_level(axes, left, table[:, level], colour, language)
            left += table[:, level]
        _label_rows(axes, labels)
        axes.set_xlim(0, 100)
        axes.set_xlabel(say(language, "chart.share_of_answers"))
        axes.spines["left"].set_visible(False)
        keys = [Rectangle((0, 0), 1, 1, facecolor=LIKERT[colour]) for colour in colours]
        drawing.legend(
            keys,
            names,
            loc="upper center",
            ncols=len(names),
            frameon=False,
            fontsize=7.8,
            handlelength=1,
            columnspacing=1,
        )
        return render_svg(drawing)


def _draw_level(
    axes: "Axes",
    left: "NDArray[np.float64]",
    shares: "NDArray[np.float64]",
    colour: int,
    language: Language,
) -> None:
    """Draw the part of each bar that one level has, with its number where there is room."""
    ink = "white" if colour in (0, len(LIKERT) - 1) else INK
    for row, (start, share) in enumerate(zip(left, shares, strict=True)):
        corner = (start, row - BAR_HEIGHT / 2)
        axes.add_artist(Rectangle(corner, share, BAR_HEIGHT, facecolor=LIKERT[colour]))
        if share >= LEAST_SHARE:
            axes.text(
                start + share / 2,
                row,
                format_number(float(share), language),
                color=ink,
                **_CENTRED,
            )


def draw_intervals(
    rows: Sequence[IntervalRow],
    language: Language,
    targets: Sequence[float] = (),
    axis: str = "chart.satisfied",
    *,
    zero: bool = False,
) -> bytes:
    """Draw one point with its interval per row; targets are dashed lines, marked rows are bold."""
    with mpl.rc_context(_STYLE):
        drawing, axes = _make_drawing(1.1 + 0.33 * max(len(rows), 2), MARGIN)
        _draw_points(axes, rows)
        _draw_targets(axes, targets, language)
        ends = [end for row in rows for end in (row.value, row.low, row.high) if not np.isnan(end)]
        low, high = (min(ends), max(ends)) if ends else (0.0, 100.0)
        low, high = min([low, *targets]), max([high, *targets])
        if zero:
            axes.axvline(0, color=INK, lw=0.8)
            low, high = min(low, 0.0), max(high, 0.0)
        room = 0.04 * (high - low or 1.0)
        axes.set_xlim(low - room, high + room if zero else min(high + room, 100.8))
        axes.grid(visible=True, axis="x")
        _label_rows(axes, [row.label for row in rows], [row.marked for row in rows])
        _print_numbers_on(axes.xaxis, 7, language, decimals=1 if high - low < 4 else 0)
        axes.set_xlabel(say(language, axis))
        return render_svg(drawing)


def _draw_points(axes: "Axes", rows: Sequence[IntervalRow]) -> None:
    """Draw the value of each row as a point on the line of its interval."""
    positions = np.arange(len(rows))
    colours = [SECOND if row.marked else ACCENT for row in rows]
    ends = np.array([(row.value, row.low, row.high) for row in rows], float).reshape(-1, 3)
    axes.hlines(positions, ends[:, 1], ends[:, 2], colors=colours, lw=2.4, alpha=0.45)
    axes.scatter(ends[:, 0], positions, s=5.5**2, c=colours, zorder=2.5)


def _draw_targets(axes: "Axes", targets: Sequence[float], language: Language) -> None:
    """Draw targets as dashed lines with their value above."""
    for target in targets:
        axes.axvline(target, color=INK, lw=0.8, ls=DASHES)
        value = format_number(f"{target:g}", language)
        axes.text(target, -0.62, value, ha="center", va="bottom", fontsize=7.5)


def draw_heat_map(
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    language: Language,
) -> bytes:
    """Draw unit × factor as shades with the value in each cell; a missing cell stays white.

    The lightest shade is the multiple of five below the lowest value.
    """
    with mpl.rc_context(_STYLE):
        upright = len(columns) > MOST_LEVEL
        drawing, axes = _make_drawing((1.7 if upright else 1.0) + 0.3 * len(rows), MARGIN)
        table = np.array(values, float).reshape(len(rows), len(columns))
        _shade_cells(axes, table, language)
        row_labels = [_wrap_label(name) for name in rows]
        axes.set_yticks(np.arange(len(rows)) + 0.5, row_labels, va="center", fontsize=8)
        heads = [_wrap_label(name, *((24, 2) if upright else (13, 5))) for name in columns]
        rotation = 90 if upright else 0
        axes.set_xticks(np.arange(len(columns)) + 0.5, heads, rotation=rotation, fontsize=7)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        height, top = drawing.get_figheight(), 1.6 if upright else 0.9
        axes.set_position(
            (MARGIN / WIDTH, 0.05 / height, 1 - (MARGIN + 0.2) / WIDTH, 1 - top / height)
        )
        return render_svg(drawing)


def _shade_cells(axes: "Axes", table: "NDArray[np.float64]", language: Language) -> None:
    """Draw a table as shades from its lowest multiple of five to 100, with its numbers."""
    lowest = 0.0 if np.isnan(table).all() else np.floor(np.nanmin(table) / 5) * 5
    mesh = axes.pcolormesh(
        np.ma.masked_invalid(table),
        cmap="YlGnBu",
        vmin=lowest,
        vmax=100,
        linewidths=0.8,
        edgecolor="white",
    )
    axes.set(xlim=(0, table.shape[1]), ylim=(table.shape[0], 0))
    axes.spines[:].set_visible(False)
    mesh.update_scalarmappable()
    shades = mpl.colors.to_rgba_array(mesh.get_facecolor())[:, :3]
    linear = np.where(shades <= 0.03928, shades / 12.92, ((shades + 0.055) / 1.055) ** 2.4)
    is_light = linear @ (0.2126, 0.7152, 0.0722) > LIGHT
    for at, value in enumerate(table.ravel().tolist()):
        if not np.isnan(value):
            row, column = divmod(at, table.shape[1])
            colour = ".15" if is_light[at] else "w"
            text = format_number(value, language, 1)
            axes.text(column + 0.5, row + 0.5, text, color=colour, **_CENTRED)


@dataclass(frozen=True)
class MatrixPoint:
    """One point of a matrix: label, value and ends on both axes, colour of its quadrant."""

    label: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    colour: str


def draw_matrix(
    points: Sequence[MatrixPoint],
    cuts: tuple[float, float],
    language: Language,
    corners: Sequence[str],
) -> bytes:
    """Draw numbered points with intervals on both axes, cut lines and the names of the corners.

    Names are listed at the right, so that points close together stay legible. Corners are named
    from the upper left, row by row.
    """
    with mpl.rc_context(_STYLE):
        drawing, axes = _make_drawing(max(3.6, 0.9 + 0.36 * len(points)), 0.7)
        height = drawing.get_figheight()
        axes.set_position((0.7 / WIDTH, 0.55 / height, 4.1 / WIDTH, (height - 0.85) / height))
        for number, point in enumerate(points, 1):
            _draw_matrix_point(axes, point, number)
            drawing.text(
                4.95 / WIDTH,
                1 - (0.45 + 0.36 * (number - 1)) / height,
                f"{number}  {_wrap_label(point.label, 32, 2)}",
                color=point.colour,
                fontsize=8,
                va="top",
            )
        axes.axvline(cuts[0], color=INK, lw=0.8, ls=DASHES)
        axes.axhline(cuts[1], color=INK, lw=0.8, ls=DASHES)
        _name_corners(axes, [say(language, corner) for corner in corners])
        axes.margins(0.12, 0.22)
        axes.set_xlim(right=min(axes.get_xlim()[1], 101.0))
        axes.set_ylim(bottom=max(axes.get_ylim()[0], 0.0))
        axes.grid(visible=False)
        for axis, label in ((axes.xaxis, "chart.percent"), (axes.yaxis, "chart.share")):
            _print_numbers_on(axis, 6, language)
            axis.set_label_text(say(language, label))
        return render_svg(drawing)


def _draw_matrix_point(axes: "Axes", point: MatrixPoint, number: int) -> None:
    """Draw a point with its number inside and its interval on each axis."""
    (x, *x_ends), (y, *y_ends) = point.x, point.y
    axes.plot(x_ends, [y, y], color=point.colour, lw=2, alpha=0.45)
    axes.plot([x, x], y_ends, color=point.colour, lw=2, alpha=0.45)
    axes.plot([x], [y], "o", color=point.colour, ms=11)
    axes.text(x, y, str(number), color="white", **_IN_POINT)


def _name_corners(axes: "Axes", names: Sequence[str]) -> None:
    """Write a name into each corner, from the upper left, row by row."""
    for name, (x, y) in zip(names, ((0, 1), (1, 1), (0, 0), (1, 0)), strict=True):
        axes.text(
            0.015 + 0.97 * x,
            0.02 + 0.96 * y,
            name,
            transform=axes.transAxes,
            ha="right" if x else "left",
            va="top" if y else "bottom",
            **_IN_CORNER,
        )


def draw_trend(rows: Sequence[IntervalRow], joined: Sequence[bool], language: Language) -> bytes:
    """Draw one figure over waves; a line joins two waves if ``joined``, else there is a gap."""
    with mpl.rc_context(_STYLE | {"axes.grid.axis": "y"}):
        drawing, axes = _make_drawing(3.0, 0.7)
        for wave, row in enumerate(rows):
            if not np.isnan(row.low):
                axes.plot([wave, wave], [row.low, row.high], color=ACCENT, lw=2.4, alpha=0.45)
            axes.plot([wave], [row.value], "o", color=ACCENT, ms=5.5)
        for wave, is_joined in enumerate(joined):
            if is_joined:
                values = [rows[wave].value, rows[wave + 1].value]
                axes.plot([wave, wave + 1], values, color=ACCENT, lw=1.2)
            else:
                _draw_break(axes, wave + 0.5, say(language, "chart.break"))
        axes.set_xticks(range(len(rows)), [row.label for row in rows])
        axes.set_xlim(-0.5, len(rows) - 0.5)
        _print_numbers_on(axes.yaxis, 6, language)
        axes.set_ylabel(say(language, "report.column.percent"))
        axes.grid(visible=True, axis="y")
        return render_svg(drawing)


def _draw_break(axes: "Axes", position: float, label: str) -> None:
    """Draw a dashed line between two waves that cannot be compared."""
    axes.axvline(position, color=SECOND, lw=1.2, ls=DASHES)
    axes.text(
        position,
        1.01,
        label,
        color=SECOND,
        ha="center",
        va="bottom",
        fontsize=8,
        transform=axes.get_xaxis_transform(),
    )
