"""Draw values over time: units from last year to this year, and one value over all waves."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan

from sipas_analysis.documents.canvas import INK, Canvas, Point
from sipas_analysis.documents.chart_intervals import IntervalRow
from sipas_analysis.documents.chart_parts import (
    ACCENT,
    DASHES,
    FAINT,
    GRID,
    NARROW,
    SECOND,
    SOFT,
    WHITE,
    WIDE,
    Scale,
    make_scale,
    measure_bold,
    small_type,
    wrap_text,
)
from sipas_analysis.messages import Language, format_number, say

STYLES = {"up": (ACCENT, 1.8, "", "up"), "down": (SECOND, 1.8, DASHES, "down")}
PLAIN = (FAINT, 0.8, "", "circle")
MOST_NAMED = 24  # units; of more, only sure changes and the unit of the report are named
LEFT_AXIS, SLOPE_PART = 34.0, 0.46  # room for numbers; share of the width for the lines
LEAST_HEIGHT, TREND_HEIGHT = 220.0, 130.0


@dataclass(frozen=True)
class Slope:
    """One line from a value to a later one.

    Attributes:
        label: Name of the unit.
        before: Value of the earlier year.
        after: Value of this year.
        verdict: ``up`` or ``down`` if the change is more than chance, else ``open``.
        text: The change, as a text.
        marked: Whether it is the unit of the report.
    """

    label: str
    before: float
    after: float
    verdict: str
    text: str
    marked: bool = False


def draw_slopes(
    slopes: Sequence[Slope], heads: tuple[str, str], language: Language, *, narrow: bool = False
) -> bytes:
    """Draw a line per unit from last year to this year; sure changes have colours and names."""
    layout = NARROW if narrow else WIDE
    canvas = Canvas(layout.width)
    size = small_type(canvas)
    named = [
        slope
        for slope in slopes
        if slope.marked or slope.verdict in STYLES or len(slopes) <= MOST_NAMED
    ]
    named.sort(key=lambda slope: (-slope.after, slope.label))
    left, right = LEFT_AXIS, SLOPE_PART * layout.width
    room = layout.width - right - 18
    labels = [_label_slope(slope, room, size) for slope in named]
    heights = [1.22 * size * len(lines) + 2 for lines in labels]
    top, height = 2.2 * size, max(LEAST_HEIGHT, 1.12 * sum(heights))
    values = [value for slope in slopes for value in (slope.before, slope.after)]
    scale = make_scale(values, top + height, top)
    _draw_levels(canvas, scale, (left, right), language)
    for x, head in zip((left, right), heads, strict=True):
        canvas.draw_lines([[(x, scale.start), (x, scale.end)]], FAINT)
        canvas.write(head, (x, 1.2 * size), size, anchor="middle", bold=True)
    for slope in sorted(slopes, key=lambda slope: slope.verdict in STYLES or slope.marked):
        _draw_slope(canvas, slope, scale, (left, right))
    feet = spread_labels(
        [scale.place(slope.after) for slope in named], heights, (top, top + height)
    )
    for slope, lines, middle in zip(named, labels, feet, strict=True):
        colour = STYLES.get(slope.verdict, (SOFT,))[0]
        place = scale.place(slope.after)
        canvas.draw_lines([[(right + 5, place), (right + 14, middle)]], FAINT, 0.6)
        first = middle - 0.61 * size * (len(lines) - 1) + 0.36 * size
        for number, line in enumerate(lines):
            foot = first + 1.22 * size * number
            is_bold = slope.marked or slope.verdict in STYLES
            canvas.write(line, (right + 17, foot), size, colour, bold=is_bold)
    canvas.height = top + height + 6
    return canvas.render()


def _label_slope(slope: Slope, room: float, size: float) -> tuple[str, ...]:
    """Return the name of a unit and its change, which is never cut."""
    *lines, last = wrap_text(slope.label, room, size, 3)
    whole = f"{last} ({slope.text})"
    is_short = measure_bold(whole, size) <= room
    return (*lines, whole) if is_short else (*lines, last, f"({slope.text})")


def _draw_slope(canvas: Canvas, slope: Slope, scale: Scale, columns: tuple[float, float]) -> None:
    """Draw the line of a unit with a marker at both ends."""
    colour, thick, dash, shape = STYLES.get(slope.verdict, PLAIN)
    if slope.marked:
        thick, colour = 2.6, colour if slope.verdict in STYLES else INK
    points = [
        (x, scale.place(value))
        for x, value in zip(columns, (slope.before, slope.after), strict=True)
    ]
    canvas.draw_lines([points], colour, thick, dash)
    for point in points:
        canvas.draw_shape(shape, point, 2.2 if shape == "circle" else 3.2, colour, WHITE)


def spread_labels(
    wishes: Sequence[float], heights: Sequence[float], ends: tuple[float, float]
) -> list[float]:
    """Return the middle of each label: near its wish, from top to bottom, none over another."""
    middles: list[float] = []
    at = ends[0]
    for wish, height in zip(wishes, heights, strict=True):
        middles.append(max(wish, at + height / 2))
        at = middles[-1] + height / 2
    limit = ends[1]
    for number in range(len(middles) - 1, -1, -1):
        middles[number] = min(middles[number], limit - heights[number] / 2)
        limit = middles[number] - heights[number] / 2
    return middles


def draw_trend(
    rows: Sequence[IntervalRow], joined: Sequence[bool], language: Language, *, narrow: bool = False
) -> bytes:
    """Draw one figure over waves; a line joins two waves if ``joined``, else there is a gap."""
    layout = NARROW if narrow else WIDE
    canvas = Canvas(layout.width)
    size = small_type(canvas)
    top = 3.8 * size
    values = [end for row in rows for end in (row.value, row.low, row.high)]
    scale = make_scale(values, top + TREND_HEIGHT, top)
    step = (layout.width - LEFT_AXIS) / max(len(rows), 1)
    places = [LEFT_AXIS + step * (number + 0.5) for number in range(len(rows))]
    _draw_levels(canvas, scale, (LEFT_AXIS, layout.width), language)
    points = [(x, scale.place(row.value)) for x, row in zip(places, rows, strict=True)]
    for ends, is_joined in zip(pairwise(points), joined, strict=True):
        _join(canvas, ends, top, language, is_joined=is_joined)
    names = [wrap_text(row.label, step - 8, size, 3) for row in rows]
    for row, lines, x in zip(rows, names, places, strict=True):
        _draw_wave(canvas, row, x, scale, language)
        for number, line in enumerate(lines):
            foot = scale.start + (1.4 + 1.22 * number) * size
            canvas.write(line, (x, foot), size, anchor="middle", bold=True)
    canvas.height = scale.start + (0.4 + 1.22 * max(map(len, names), default=1)) * size + 5
    return canvas.render()


def _join(
    canvas: Canvas, ends: Sequence[Point], top: float, language: Language, *, is_joined: bool
) -> None:
    """Join two waves by a line, or part them by a dashed line with the reason."""
    if is_joined:
        canvas.draw_lines([ends], ACCENT, 1.4)
        return
    size, step = small_type(canvas), ends[1][0] - ends[0][0]
    middle = (ends[0][0] + ends[1][0]) / 2
    canvas.draw_lines([[(middle, top), (middle, top + TREND_HEIGHT)]], SECOND, 1.2, DASHES)
    for line, words in enumerate(wrap_text(say(language, "chart.break"), step, size, 2)):
        foot = 1.2 * size * (line + 1)
        canvas.write(words, (middle, foot), size, SECOND, anchor="middle")


def _draw_wave(
    canvas: Canvas, row: IntervalRow, x: float, scale: Scale, language: Language
) -> None:
    """Draw the value of a wave with its interval, and the value above."""
    size = small_type(canvas)
    if not isnan(row.low):
        canvas.draw_lines([[(x, scale.place(row.low)), (x, scale.place(row.high))]], ACCENT, 1.8)
    if not isnan(row.value):
        y = scale.place(row.value)
        canvas.draw_shape("circle", (x, y), 4, ACCENT, WHITE)
        text = row.text or format_number(row.value, language, 2)
        above = min(y - 5, scale.place(row.high) if not isnan(row.high) else y)
        canvas.write(text, (x, above - 3), size, anchor="middle")


def _draw_levels(
    canvas: Canvas, scale: Scale, columns: tuple[float, float], language: Language
) -> None:
    """Draw lines across at round values, with their numbers at the left."""
    size, ticks = small_type(canvas), scale.list_ticks(5)
    decimals = 0 if all(tick == round(tick) for tick in ticks) else 1
    for tick in ticks:
        y = scale.place(tick)
        canvas.draw_lines([[(columns[0], y), (columns[1], y)]], GRID)
        text = format_number(tick, language, decimals)
        canvas.write(text, (columns[0] - 7, y + 0.36 * size), size, SOFT, anchor="end")
