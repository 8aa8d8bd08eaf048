"""Names at the right of the axes, each with a thin line to its point, none over another."""

from collections.abc import Sequence
from dataclasses import dataclass

from sipas_analysis.documents.chart_parts import wrap_text
from sipas_analysis.documents.chart_slopes import spread_labels
from sipas_analysis.plot.row_axes import LEADING, SMALLEST, TEXT, RowAxes

WIDTH, WIDTH_PART = 230.0, 0.5  # points; part of the width of axes that were given
PART_OF_TYPE, MOST_LINES = 0.92, 5
GAP = 1.045  # where names begin, in widths of the axes
ROOM = 1.06  # height of a new picture, in heights of all names


@dataclass(frozen=True)
class SideName:
    """A name, the point that it belongs to, and its colour; the ink if it has none."""

    text: str
    x: float
    y: float
    colour: str = ""


def write_side_names(
    pen: RowAxes, names: Sequence[SideName], least_height: float, margin: float
) -> None:
    """Write names in the order of their points, from top to bottom.

    Args:
        pen: The axes, with their scale of values; a new figure gets its height.
        names: Names, highest point first.
        least_height: Least height of the axes of a new figure, in points.
        margin: Height of what is above and below the axes.
    """
    size, width = PART_OF_TYPE * pen.size, WIDTH
    lines, heights = _wrap_names(names, width, size)
    height = pen.set_height(max(least_height, ROOM * sum(heights)) + margin, margin)
    if not pen.is_new:
        width = min(WIDTH, WIDTH_PART * pen.measure_width())
        lines, heights = _wrap_names(names, width, size)
        while sum(heights) > height and size > SMALLEST:
            size *= 0.95
            lines, heights = _wrap_names(names, width, size)
    low, high = pen.ax.get_ylim()
    wishes = [height * (high - name.y) / (high - low) for name in names]
    middles = spread_labels(wishes, heights, (0.0, max(height, sum(heights))))
    for name, text, middle in zip(names, lines, middles, strict=True):
        _write_name(pen, name, text, 1 - middle / height, size)


def _wrap_names(
    names: Sequence[SideName], width: float, size: float
) -> tuple[list[str], list[float]]:
    """Return each name on its lines, and the height that it takes, in points."""
    lines = [wrap_text(name.text, width, size, MOST_LINES) for name in names]
    return ["\n".join(each) for each in lines], [LEADING * size * len(each) + 3 for each in lines]


def _write_name(pen: RowAxes, name: SideName, text: str, part: float, size: float) -> None:
    """Write a name at a part of the height of the axes, with a line to its point."""
    line = {
        "arrowstyle": "-",
        "color": pen.colours.soft,
        "linewidth": 0.7,
        "linestyle": ":",
        "shrinkA": 2,
        "shrinkB": 4,
        "relpos": (0.0, 0.5),
    }
    pen.ax.annotate(
        text,
        (name.x, name.y),
        xycoords="data",
        xytext=(GAP, part),
        textcoords="axes fraction",
        va="center",
        ha="left",
        fontsize=size,
        color=name.colour or pen.colours.ink,
        annotation_clip=False,
        parse_math=False,
        gid=TEXT,
        arrowprops=line,
    )
