"""Draw many values per row as dots, beside one value with its interval: units by factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from sipas_analysis.documents.canvas import INK, Canvas
from sipas_analysis.documents.chart_parts import (
    ACCENT,
    FAINT,
    GRID,
    SECOND,
    SOFT,
    TALLEST,
    WHITE,
    Layout,
    Place,
    Scale,
    choose_layout,
    draw_scale,
    make_scale,
    measure_bold,
    place_rows,
    small_type,
    wrap_text,
    write_label,
    write_lines,
)
from sipas_analysis.documents.outlines import measure_width
from sipas_analysis.messages import Language, say

RADIUS = 2.6
SHADE = "#cfd8e1"
KINDS = {"up": ("up", ACCENT), "down": ("down", SECOND)}
NAME_LINES = 2
MANY_ROWS = 10  # with more rows, names have one line each


@dataclass(frozen=True)
class Dot:
    """One value of a row: ``up`` or ``down`` if it surely differs from the middle, else empty."""

    name: str
    value: float
    kind: str = ""


@dataclass(frozen=True)
class StripRow:
    """One row: a label, the value of all with its interval, and the dots."""

    label: str
    value: float
    low: float
    high: float
    dots: Sequence[Dot]

    def name_dots(self, kind: str) -> list[str]:
        """Return the names of the dots of a kind, furthest first."""
        dots = [dot for dot in self.dots if dot.kind == kind]
        ordered = sorted(dots, key=lambda dot: dot.value, reverse=kind == "up")
        return [dot.name for dot in ordered]


def draw_strips(
    rows: Sequence[StripRow],
    language: Language,
    axis: str,
    *,
    narrow: bool = False,
) -> bytes:
    """Draw a strip of dots per row, and below it the names of those that surely differ."""
    layout = choose_layout([row.label for row in rows], narrow=narrow)
    canvas, start = Canvas(layout.width), layout.label_width + (10 if layout.label_width else 6)
    values = [dot.value for row in rows for dot in row.dots]
    ends = [end for row in rows for end in (row.value, row.low, row.high)]
    scale = make_scale([*values, *ends], start, layout.width - 8)
    foot, places = _draw_key(canvas, rows, language), []
    for row in rows:
        stacks = _stack_dots(row, scale)
        most_dots = max(map(len, stacks.values()), default=1)
        height = min(2 * RADIUS * 1.1 * most_dots, max(16.0, TALLEST / len(rows) - 26)) + 9
        place = place_rows([row.label], layout, foot, [height])[0]
        write_label(canvas, place, layout)
        _draw_middle(canvas, row, place, scale, height)
        for x, dots in stacks.items():
            _draw_stack(canvas, dots, x, place.middle, height - 9)
        foot = _name_dots(canvas, row, place, layout, 1 if len(rows) > MANY_ROWS else NAME_LINES)
        places.append(place)
    foot = draw_scale(canvas, scale, [(foot, foot + 3)], language)
    below = (start, foot + 1.4 * small_type(canvas))
    canvas.height = write_lines(canvas, axis, below, layout.width - start, anchor="middle") + 5
    return canvas.render()


def _stack_dots(row: StripRow, scale: Scale) -> dict[float, list[Dot]]:
    """Return the dots by their place, rounded to the width of a dot."""
    stacks: dict[float, list[Dot]] = {}
    step = 2 * RADIUS
    for dot in sorted((dot for dot in row.dots if not isnan(dot.value)), key=lambda dot: dot.value):
        x = round((scale.place(dot.value) - scale.start) / step) * step + scale.start
        stacks.setdefault(x, []).append(dot)
    return stacks


def _draw_stack(canvas: Canvas, dots: Sequence[Dot], x: float, middle: float, room: float) -> None:
    """Draw dots of one place above each other, around the middle of the row."""
    step = min(2 * RADIUS * 1.1, room / len(dots))
    for number, dot in enumerate(dots):
        y = middle + (number - (len(dots) - 1) / 2) * step
        shape, colour = KINDS.get(dot.kind, ("circle", FAINT))
        fill = colour if dot.kind else WHITE
        canvas.draw_shape(shape, (x, y), RADIUS, fill, WHITE if dot.kind else SOFT)


def _draw_middle(canvas: Canvas, row: StripRow, place: Place, scale: Scale, height: float) -> None:
    """Draw the value of all as a line, and its interval as a shade."""
    top, bottom = place.middle - height / 2 + 1, place.middle + height / 2 - 1
    y = place.middle
    canvas.draw_lines([[(scale.start, y), (scale.end, y)]], GRID)
    if not isnan(row.low):
        x = scale.place(row.low)
        canvas.draw_box((x, top), (max(scale.place(row.high) - x, 0.5), bottom - top), SHADE)
    if not isnan(row.value):
        x = scale.place(row.value)
        canvas.draw_lines([[(x, top), (x, bottom)]], INK, 1.4)


def _name_dots(
    canvas: Canvas, row: StripRow, place: Place, layout: Layout, most_lines: int
) -> float:
    """Write the names of the dots that surely differ; return where the next row starts."""
    size, foot = small_type(canvas), place.bottom + 0.75 * small_type(canvas)
    left = layout.label_width + (10 if layout.label_width else 0)
    bottom = place.bottom
    for kind, (shape, colour) in KINDS.items():
        names = row.name_dots(kind)
        if not names:
            continue
        canvas.draw_shape(shape, (left + 3, foot - 0.36 * size), RADIUS, colour)
        width = layout.width - left - 10
        text = _join_names(names, width * (most_lines - 0.15), size)
        for line in wrap_text(text, width, size, most_lines):
            canvas.write(line, (left + 10, foot), size, colour)
            bottom, foot = foot + 0.35 * size, foot + 1.22 * size
    return bottom + 3


def _join_names(names: Sequence[str], room: float, size: float) -> str:
    """Return as many names as there is room for, and how many more there are."""
    text = ""
    for number, name in enumerate(names):
        longer = f"{text}; {name}" if text else name
        if text and measure_bold(f"{longer} (+99)", size) > room:
            return f"{text} (+{len(names) - number})"
        text = longer
    return text


def _draw_key(canvas: Canvas, rows: Sequence[StripRow], language: Language) -> float:
    """Explain the marks above the rows; return where the rows start."""
    size, x = small_type(canvas), 0.0
    foot, kinds = 1.2 * size, {dot.kind for row in rows for dot in row.dots}
    for kind in ("middle", "open", *(kind for kind in KINDS if kind in kinds)):
        words = say(language, f"chart.key.{kind}")
        width = 16 + measure_width(words, size)
        if x and x + width > canvas.width:
            x, foot = 0.0, foot + 1.35 * size
        centre = (x + 6, foot - 0.36 * size)
        if kind == "middle":
            canvas.draw_box((x, foot - 9), (12, 10), SHADE)
            canvas.draw_lines([[(x + 6, foot - 9), (x + 6, foot + 1)]], INK, 1.4)
        else:
            shape, colour = KINDS.get(kind, ("circle", SOFT))
            canvas.draw_shape(shape, centre, RADIUS, WHITE if kind == "open" else colour, colour)
        canvas.write(words, (x + 16, foot), size)
        x += width + 14
    if kinds == {""}:
        foot = write_lines(
            canvas, say(language, "chart.key.none"), (0, foot + 1.5 * size), canvas.width
        )
    return foot + 0.8 * size
