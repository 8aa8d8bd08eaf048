"""Pictures to look at: each function takes rows of published figures, returns SVG bytes.

Heights follow the number of rows and long Vietnamese labels wrap, so that nothing is cut. Letters
are drawn as shapes of a font that comes with matplotlib: same input, same bytes, on any machine.
Colours can be told apart without red and green.
"""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sipas_analysis.messages import Language, format_number, say

LIKERT = ("#a6611a", "#dfc27d", "#d9d9d9", "#80cdc1", "#018571")
INK, FAINT, ACCENT, SECOND = "#1b2a41", "#9aa5b1", "#0b6e8f", "#c4622d"
WIDTH = 7.2
MARGIN = 2.9
MOST_LEVEL = 6  # more columns of a heat map are headed upright
_STYLE: Any = {
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
    """One line of a chart with an interval: label, value, interval, whether it stands out."""

    label: str
    value: float
    low: float
    high: float
    marked: bool = False


def _wrap_label(label: str, width: int = 42, lines: int = 3) -> str:
    """Wrap a label; a dollar sign stays a dollar sign."""
    wrapped = textwrap.wrap(
        label, width, max_lines=lines, placeholder="…", break_long_words=False
    ) or [""]
    return "\n".join(wrapped).replace("$", r"\$")


def _make_canvas(height: float, margin: float) -> tuple[Figure, Any]:
    """Return a figure whose axes leave ``margin`` inches at the left for labels."""
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    FigureCanvasSVG(figure)
    axes = figure.add_axes(
        (margin / WIDTH, 0.55 / height, (WIDTH - margin - 0.35) / WIDTH, (height - 0.78) / height)
    )
    return figure, axes


def _save_svg(figure: Figure) -> bytes:
    """Return the picture as SVG."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _label_rows(axes: Any, labels: Sequence[str], marked: Sequence[bool] = ()) -> None:
    """Head each row with its label, bold where marked; texts, for a tick draws five things."""
    axes.set_yticks([])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(length=0)
    place = axes.get_yaxis_transform()
    for at, label in enumerate(labels):
        weight = "bold" if at < len(marked) and marked[at] else "normal"
        axes.text(
            -0.01,
            at,
            _wrap_label(label),
            transform=place,
            ha="right",
            va="center_baseline",
            fontsize=8,
            fontweight=weight,
            clip_on=False,
        )


def draw_likert(
    labels: Sequence[str],
    shares: Any,
    names: Sequence[str],
    language: Language,
) -> bytes:
    """Draw one bar per item, split into the shares (percent) of each level, worst at the left."""
    with mpl.rc_context(_STYLE):
        figure, axes = _make_canvas(1.1 + 0.43 * len(labels), MARGIN)
        table = np.nan_to_num(np.array(shares, float).reshape(len(labels), len(names)))
        left = np.zeros(len(labels))
        spread = np.linspace(0, len(LIKERT) - 1, len(names)).round().astype(int)
        for at, name in enumerate(names):
            colour = LIKERT[spread[at]]
            axes.barh(
                range(len(labels)), table[:, at], left=left, color=colour, height=0.72, label=name
            )
            dark = spread[at] in (0, len(LIKERT) - 1)
            for row, share in enumerate(table[:, at]):
                if share >= 7:
                    text = format_number(float(share), language)
                    where = (left[row] + share / 2, row)
                    axes.text(
                        *where,
                        text,
                        ha="center",
                        va="center",
                        fontsize=7.5,
                        color="white" if dark else INK,
                    )
            left += table[:, at]
        _label_rows(axes, labels)
        axes.set_xlim(0, 100)
        axes.set_xlabel(say(language, "chart.share_of_answers"))
        axes.spines["left"].set_visible(False)
        figure.legend(
            loc="upper center",
            ncols=len(names),
            frameon=False,
            fontsize=7.8,
            handlelength=1,
            columnspacing=1,
        )
        return _save_svg(figure)


def _draw_targets(axes: Any, targets: Sequence[float], language: Language) -> None:
    """Draw targets as dashed lines with their value above."""
    for target in targets:
        axes.axvline(target, color=INK, lw=0.8, ls=(0, (4, 3)))
        shown = format_number(f"{target:g}", language)
        axes.text(target, -0.62, shown, ha="center", va="bottom", fontsize=7.5)


def draw_intervals(
    rows: Sequence[IntervalRow],
    language: Language,
    targets: Sequence[float] = (),
    axis: str = "chart.satisfied",
    *,
    zero: bool = False,
) -> bytes:
    """Draw one point with its interval per row; targets are dashed lines, marked rows stand out."""
    with mpl.rc_context(_STYLE):
        figure, axes = _make_canvas(1.1 + 0.33 * max(len(rows), 2), MARGIN)
        places = np.arange(len(rows))
        colours = [SECOND if row.marked else ACCENT for row in rows]
        value, low_end, high_end = (
            np.array([(row.value, row.low, row.high) for row in rows], float).reshape(-1, 3).T
        )
        axes.hlines(places, low_end, high_end, colors=colours, lw=2.4, alpha=0.45)
        axes.scatter(value, places, s=5.5**2, c=colours, zorder=2.5)
        ends = [x for row in rows for x in (row.value, row.low, row.high) if not np.isnan(x)]
        low, high = (min(ends), max(ends)) if ends else (0.0, 100.0)
        _draw_targets(axes, targets, language)
        low, high = min([low, *targets]), max([high, *targets])
        if zero:
            axes.axvline(0, color=INK, lw=0.8)
            low, high = min(low, 0.0), max(high, 0.0)
        room = 0.04 * (high - low or 1.0)
        axes.set_xlim(low - room, high + room if zero else min(high + room, 100.8))
        axes.grid(visible=True, axis="x")
        _label_rows(axes, [row.label for row in rows], [row.marked for row in rows])
        decimals = 1 if high - low < 4 else 0
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=decimals == 0))
        axes.xaxis.set_major_formatter(lambda x, _: format_number(float(x), language, decimals))
        axes.set_xlabel(say(language, axis))
        return _save_svg(figure)


def draw_heat_map(
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    language: Language,
) -> bytes:
    """Draw unit × factor as shades with the value in each cell; a missing cell stays white."""
    import seaborn as sns

    with mpl.rc_context(_STYLE):
        figure, axes = _make_canvas(
            (1.7 if len(columns) > MOST_LEVEL else 1.0) + 0.3 * len(rows), MARGIN
        )
        table = np.array(values, float).reshape(len(rows), len(columns))
        shown = [
            ["" if np.isnan(x) else format_number(float(x), language, 1) for x in line]
            for line in table
        ]
        floor = np.floor(np.nanmin(table) / 5) * 5 if not np.isnan(table).all() else 0.0
        sns.heatmap(
            table,
            ax=axes,
            annot=np.array(shown),
            fmt="",
            cmap="YlGnBu",
            vmin=floor,
            vmax=100,
            cbar=False,
            linewidths=0.8,
            linecolor="white",
            annot_kws={"fontsize": 7.5},
        )
        axes.set_yticks(
            np.arange(len(rows)) + 0.5, [_wrap_label(name) for name in rows], rotation=0, fontsize=8
        )
        many = len(columns) > MOST_LEVEL
        names = [_wrap_label(it, 24 if many else 13, 2 if many else 5) for it in columns]
        at = np.arange(len(columns)) + 0.5
        axes.set_xticks(at, names, rotation=90 if many else 0, fontsize=7)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        height = figure.get_figheight()
        top = 1.6 if many else 0.9
        axes.set_position(
            (MARGIN / WIDTH, 0.05 / height, 1 - (MARGIN + 0.2) / WIDTH, 1 - top / height)
        )
        return _save_svg(figure)


@dataclass(frozen=True)
class MatrixPoint:
    """One point of a matrix: label, place and ends on both axes, whether its place is decided."""

    label: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    colour: str


def draw_matrix(
    marks: Sequence[MatrixPoint],
    cuts: tuple[float, float],
    language: Language,
    corners: Sequence[str],
) -> bytes:
    """Draw numbered points with intervals on both axes, cut lines and the names of the corners.

    Names stand at the right, so that points that lie close together stay legible; corners are
    named from the upper left, row by row.
    """
    with mpl.rc_context(_STYLE):
        figure, axes = _make_canvas(max(3.6, 0.9 + 0.36 * len(marks)), 0.7)
        height = figure.get_figheight()
        axes.set_position((0.7 / WIDTH, 0.55 / height, 4.1 / WIDTH, (height - 0.85) / height))
        for at, mark in enumerate(marks):
            axes.plot(mark.x[1:], [mark.y[0]] * 2, color=mark.colour, lw=2, alpha=0.45)
            axes.plot([mark.x[0]] * 2, mark.y[1:], color=mark.colour, lw=2, alpha=0.45)
            axes.plot([mark.x[0]], [mark.y[0]], "o", color=mark.colour, ms=11)
            axes.text(
                mark.x[0],
                mark.y[0],
                str(at + 1),
                color="white",
                fontsize=7.5,
                ha="center",
                va="center_baseline",
                fontweight="bold",
            )
            place = (4.95 / WIDTH, 1 - (0.45 + 0.36 * at) / height)
            figure.text(
                *place,
                f"{at + 1}  {_wrap_label(mark.label, 32, 2)}",
                color=mark.colour,
                fontsize=8,
                va="top",
            )
        axes.axvline(cuts[0], color=INK, lw=0.8, ls=(0, (4, 3)))
        axes.axhline(cuts[1], color=INK, lw=0.8, ls=(0, (4, 3)))
        for name, (x, y) in zip(corners, ((0, 1), (1, 1), (0, 0), (1, 0)), strict=True):
            axes.text(
                0.015 + 0.97 * x,
                0.02 + 0.96 * y,
                say(language, name),
                fontsize=7.5,
                transform=axes.transAxes,
                ha="right" if x else "left",
                va="top" if y else "bottom",
                color="#6b7785",
                style="italic",
            )
        axes.margins(0.12, 0.22)
        axes.set_xlim(right=min(axes.get_xlim()[1], 101.0))
        axes.set_ylim(bottom=max(axes.get_ylim()[0], 0.0))
        axes.grid(visible=False)
        for axis, name in ((axes.xaxis, "chart.percent"), (axes.yaxis, "chart.share")):
            axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            axis.set_major_formatter(lambda it, _: format_number(float(it), language, 0))
            axis.set_label_text(say(language, name))
        return _save_svg(figure)


def draw_trend(rows: Sequence[IntervalRow], joined: Sequence[bool], language: Language) -> bytes:
    """Draw one figure over waves; a line joins two only where ``joined``, else a gap is marked."""
    with mpl.rc_context(_STYLE | {"axes.grid.axis": "y"}):
        figure, axes = _make_canvas(3.0, 0.7)
        for at, row in enumerate(rows):
            if not np.isnan(row.low):
                axes.plot([at, at], [row.low, row.high], color=ACCENT, lw=2.4, alpha=0.45)
            axes.plot([at], [row.value], "o", color=ACCENT, ms=5.5)
        for at, join in enumerate(joined):
            if join:
                axes.plot([at, at + 1], [rows[at].value, rows[at + 1].value], color=ACCENT, lw=1.2)
            else:
                axes.axvline(at + 0.5, color=SECOND, lw=1.2, ls=(0, (4, 3)))
                place = axes.get_xaxis_transform()
                axes.text(
                    at + 0.5,
                    1.01,
                    say(language, "chart.break"),
                    color=SECOND,
                    ha="center",
                    va="bottom",
                    fontsize=8,
                    transform=place,
                )
        axes.set_xticks(range(len(rows)), [row.label for row in rows])
        axes.set_xlim(-0.5, len(rows) - 0.5)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.yaxis.set_major_formatter(lambda y, _: format_number(float(y), language, 0))
        axes.set_ylabel(say(language, "report.column.percent"))
        axes.grid(visible=True, axis="y")
        return _save_svg(figure)
