"""Draw values with their intervals, one row each, with the marks of the report's pictures."""

from collections.abc import Sequence
from math import isnan

from matplotlib.patches import Rectangle

from sipas_analysis.documents.canvas import INK
from sipas_analysis.documents.chart_intervals import IntervalRow, mark_letters
from sipas_analysis.documents.chart_parts import ACCENT, SOFT, make_scale
from sipas_analysis.messages import format_number, say
from sipas_analysis.plot.colours import MARKERS
from sipas_analysis.plot.row_axes import Label, RowAxes, TextColumn

VALUE, INTERVAL, BESIDE, TARGET, ZERO = (
    f"sipas.plot.{name}" for name in ("value", "interval", "beside", "target", "zero")
)
BOX, BELOW = 0.3, 0.22  # rows: height of a hatched interval, distance of the value to compare with
Part = tuple[str, Sequence[IntervalRow]]  # head of some rows, if there is one, and the rows


def label_parts(parts: Sequence[Part]) -> list[Label]:
    """Return the labels of all rows, each part with its head above."""
    labels = []
    for head, rows in parts:
        labels += [Label(head, is_head=True)] if head else []
        labels += [Label(row.label, is_marked=row.marked) for row in rows]
    return labels


def spread_texts(parts: Sequence[Part], texts: Sequence[str]) -> list[str]:
    """Return the texts of the rows with an empty text for each head."""
    left = iter(texts)
    spread = []
    for head, rows in parts:
        spread += [""] if head else []
        spread += [next(left) for _ in rows]
    return spread


def draw_parts(
    pen: RowAxes,
    parts: Sequence[Part],
    columns: Sequence[TextColumn] = (),
    *,
    targets: Sequence[float] = (),
    ends: tuple[float, float] | None = (0.0, 100.0),
) -> None:
    """Draw the rows of each part below each other, on one scale.

    Args:
        pen: The axes.
        parts: Rows with their heads.
        columns: Texts at the right, one for each row and head.
        targets: Values of dashed lines.
        ends: Least and greatest value of the scale; None lets matplotlib choose.
    """
    pen.place_rows(label_parts(parts), columns)
    place_targets(pen, targets)
    y = 0
    for head, rows in parts:
        marks = mark_letters(rows)
        y += bool(head)
        for row in rows:
            shape, colour = marks.get(row.letter, ("circle", ACCENT))
            draw_row(pen, row, y, shape, SOFT if row.apart or row.faint else colour)
            y += 1
    every_row = [row for _, rows in parts for row in rows]
    if ends is not None:
        limit_scale(pen, every_row, [*targets], ends)


def draw_row(pen: RowAxes, row: IntervalRow, y: float, shape: str, colour: str) -> None:
    """Draw the interval and the point of a row; a row that stands apart is hollow and hatched."""
    ax, shown = pen.ax, pen.colours.fit(colour)
    if not isnan(row.low):
        if row.apart:
            corner = (row.low, y - BOX / 2)
            box = Rectangle(
                corner, row.high - row.low, BOX, fill=False, hatch="//////", edgecolor=shown
            )
            box.set(linewidth=0.6, gid=INTERVAL)
            ax.add_patch(box)
        else:
            thick = 3.0 if row.marked else 1.8
            (line,) = ax.plot([row.low, row.high], [y, y], color=shown, linewidth=thick)
            line.set(gid=INTERVAL, solid_capstyle="butt")
    _draw_beside(pen, row, y)
    if not isnan(row.value):
        is_hollow = row.apart or row.faint
        (point,) = ax.plot([row.value], [y], MARKERS[shape], color=shown)
        point.set(
            markersize=8 if row.marked else 6.5,
            markerfacecolor=pen.colours.background if is_hollow else shown,
            markeredgecolor=shown if is_hollow else pen.colours.background,
            zorder=3,
            gid=VALUE,
        )


def _draw_beside(pen: RowAxes, row: IntervalRow, y: float) -> None:
    """Draw the value to compare with, and its interval a little below that of the row."""
    if not isnan(row.beside_low):
        ends = [row.beside_low, row.beside_high]
        pen.ax.plot(ends, [y + BELOW] * 2, "--", color=pen.colours.ink, gid=BESIDE)
        y += BELOW
    if not isnan(row.beside):
        (point,) = pen.ax.plot([row.beside], [y], MARKERS["diamond"], color=pen.colours.ink)
        point.set(markerfacecolor=pen.colours.background, zorder=3, gid=BESIDE)


def place_targets(pen: RowAxes, targets: Sequence[float]) -> None:
    """Draw targets as dashed lines with their value above."""
    for target in targets:
        pen.ax.axvline(
            target, color=pen.colours.fit(INK), linewidth=0.9, linestyle=(0, (4, 3)), gid=TARGET
        )
        text = format_number(f"{target:g}", pen.language)
        place = pen.ax.get_xaxis_transform()
        pen.write(text, (target, 1), place, (0, 3), "center", 0.9 * pen.size).set(va="bottom")


def place_zero(pen: RowAxes, at: float = 0.0) -> None:
    """Draw an upright line where there is no effect."""
    pen.ax.axvline(at, color=pen.colours.ink, linewidth=0.9, gid=ZERO)


def limit_scale(
    pen: RowAxes, rows: Sequence[IntervalRow], others: Sequence[float], ends: tuple[float, float]
) -> None:
    """Set the ends of the scale as the report does: with a little room, within its ends."""
    values = [
        end
        for row in rows
        for end in (row.value, row.low, row.high, row.beside, row.beside_low, row.beside_high)
    ]
    scale = make_scale([*values, *others], 0, 1, least=ends[0], most=ends[1])
    pen.ax.set_xlim(scale.low, scale.high)


def note_marks(pen: RowAxes, parts: Sequence[Part]) -> None:
    """Explain letters, and rows that stand apart, where there are some."""
    if any(len({row.letter for row in rows if row.letter}) > 1 for _, rows in parts):
        pen.notes.append(say(pen.language, "chart.key.letters"))
    if any(row.apart for _, rows in parts for row in rows):
        pen.notes.append(say(pen.language, "chart.key.apart"))
