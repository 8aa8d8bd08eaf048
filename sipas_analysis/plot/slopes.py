"""Draw lines from the figures of a wave to those of the next, with names that do not overlap."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from sipas_analysis.documents.chart_parts import make_scale
from sipas_analysis.documents.chart_slopes import (
    PLAIN,
    STYLES,
    Slope,
)
from sipas_analysis.figures.last_year import Change
from sipas_analysis.messages import say
from sipas_analysis.plot.colours import MARKERS
from sipas_analysis.plot.row_axes import NumberFormat, RowAxes
from sipas_analysis.plot.side_names import SideName, write_side_names
from sipas_analysis.reports.picture_rows import make_slope

LINE = "sipas.plot.slope"
MARGIN = 46.0  # points above and below the scale
MOST_NAMES = 60  # of more units only those with a sure change are named
LEAST_HEIGHT = 300.0  # points of a new figure


def draw_slopes(
    pen: RowAxes, lines: Sequence[Sequence[tuple[str, Change]]], pairs: Sequence[tuple[str, str]]
) -> Axes:
    """Draw the lines of each pair of waves; names stand at the right of the last one."""
    ax = pen.ax
    by_pair = [[make_slope(known, label, pen.language) for label, known in part] for part in lines]
    for start, slopes in enumerate(by_pair):
        for slope in sorted(slopes, key=lambda slope: slope.verdict in STYLES):
            _draw_slope(pen, slope, start)
    waves = [pairs[0][0], *(after for _, after in pairs)]
    ax.set_xticks(range(len(waves)), waves, color=pen.colours.ink)
    ax.set_xlim(-0.08, len(waves) - 1 + 0.03)
    values = [v for slopes in by_pair for slope in slopes for v in (slope.before, slope.after)]
    scale = make_scale(values, 0, 1)
    ax.set_ylim(scale.low, scale.high)
    ax.yaxis.set_major_formatter(NumberFormat(pen.language))
    ax.tick_params(colors=pen.colours.soft)
    ax.tick_params(axis="x", labelcolor=pen.colours.ink, length=0)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "left")
        spine.set_color(pen.colours.soft)
    ax.grid(visible=True, axis="y", color=pen.colours.grid)
    ax.set_axisbelow(True)
    _name_slopes(pen, by_pair[-1], len(waves) - 1)
    pen.notes.insert(0, say(pen.language, "plot.key.slopes"))
    return pen.finish("")


def _draw_slope(pen: RowAxes, slope: Slope, start: int) -> None:
    """Draw the line of a unit with a marker at both ends."""
    colour, thick, dash, shape = STYLES.get(slope.verdict, PLAIN)
    (line,) = pen.ax.plot(
        [start, start + 1],
        [slope.before, slope.after],
        "--" if dash else "-",
        color=pen.colours.fit(colour),
        marker=MARKERS[shape],
        linewidth=1.2 * thick,
    )
    line.set(
        markersize=7 if slope.verdict in STYLES else 4.5,
        markeredgecolor=pen.colours.background,
        zorder=3 if slope.verdict in STYLES else 2,
        gid=LINE,
    )


def _name_slopes(pen: RowAxes, slopes: Sequence[Slope], x: int) -> None:
    """Write the names at the right, in the order of the later figures."""
    named = [slope for slope in slopes if slope.verdict in STYLES or len(slopes) <= MOST_NAMES]
    named.sort(key=lambda slope: (-slope.after, slope.label))
    names = []
    for slope in named:
        is_sure = slope.verdict in STYLES
        colour = pen.colours.fit_text(STYLES[slope.verdict][0]) if is_sure else ""
        names.append(SideName(f"{slope.label} ({slope.text})", x, slope.after, colour))
    write_side_names(pen, names, LEAST_HEIGHT, MARGIN)
