"""Draw values with their intervals: units in order, factors, the index beside last year's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, isnan, nan

from sipas_analysis.documents.canvas import INK, Canvas
from sipas_analysis.documents.chart_parts import (
    ACCENT,
    BAND,
    DASHES,
    FAINT,
    SOFT,
    WHITE,
    Band,
    Layout,
    Place,
    Scale,
    choose_layout,
    draw_scale,
    draw_upright,
    list_bands,
    make_scale,
    place_rows,
    small_type,
    write_label,
    write_lines,
)
from sipas_analysis.documents.outlines import measure_width
from sipas_analysis.messages import Language, format_number, say

# Marks of letters in order; shape and colour both differ, so that a copy in black and white reads.
LETTER_MARKS = (
    ("circle", "#0b6e8f"),
    ("diamond", "#b8521f"),
    ("square", "#2e6b34"),
    ("up", "#6a3d9a"),
    ("down", "#a3195b"),
    ("cross", "#1b2a41"),
)
RADIUS = 3.3
GUTTER = 12.0  # between two columns


@dataclass(frozen=True)
class IntervalRow:
    """One line of a chart with intervals.

    Attributes:
        label: Name of the row.
        value: The value; ``low`` and ``high`` are the ends of its interval, NaN if it has none.
        marked: Whether the row stands out: the unit of the report.
        letter: Letters of the ranking; rows of the same letters have the same mark.
        apart: Whether the row is not ranked: hollow and hatched.
        faint: Whether the row is there to compare with: a hollow point on a grey line.
        beside: A second value to compare with, drawn as a hollow diamond; NaN if there is none.
            ``beside_low`` and ``beside_high`` are the ends of its interval, a dashed line.
        text: Text at the right of the row, where there is room.
    """

    label: str
    value: float
    low: float
    high: float
    marked: bool = False
    letter: str = ""
    apart: bool = False
    faint: bool = False
    beside: float = nan
    beside_low: float = nan
    beside_high: float = nan
    text: str = ""


def mark_letters(rows: Sequence[IntervalRow]) -> dict[str, tuple[str, str]]:
    """Return the shape and the colour of the letters of each row, in the order of the rows."""
    letters = dict.fromkeys(row.letter for row in rows if row.letter)
    marks = [LETTER_MARKS[number % len(LETTER_MARKS)] for number in range(len(letters))]
    return dict(zip(letters, marks, strict=True))


def draw_intervals(
    rows: Sequence[IntervalRow],
    language: Language,
    axis: str,
    targets: Sequence[float] = (),
    *,
    narrow: bool = False,
    zero: bool = False,
    key: str = "",
) -> bytes:
    """Draw one point with its interval per row; targets are dashed lines.

    Args:
        rows: Rows from top to bottom.
        language: Of numbers and of the key.
        axis: What the values are, written below the scale.
        targets: Values of dashed lines.
        narrow: For a phone.
        zero: Whether the scale includes 0, with a line there.
        key: What the values beside are.
    """
    layout = choose_layout([row.label for row in rows], narrow=narrow, may_have_columns=True)
    canvas, top = Canvas(layout.width), 4.0 + (1.3 * layout.size if targets else 0.0)
    n_rows = max(1, ceil(len(rows) / layout.columns))
    width = (layout.width - GUTTER * (layout.columns - 1)) / layout.columns
    ends = [
        end
        for row in rows
        for end in (row.value, row.low, row.high, row.beside, row.beside_low, row.beside_high)
    ]
    scale = make_scale([*ends, *targets, *([0.0] if zero else [])], 0, 1, least=-100 * zero)
    foot = top
    for column in range(layout.columns):
        part = rows[column * n_rows : (column + 1) * n_rows]
        left = column * (width + GUTTER)
        chart = _Column(canvas, layout, rows, (left, left + width), language)
        foot = max(foot, chart.draw(part, scale, top, targets, zero=zero))
    below = (0.0, foot + 1.4 * small_type(canvas))
    foot = write_lines(canvas, axis, below, layout.width, anchor="middle")
    if len({row.letter for row in rows if row.letter}) > 1:
        words = say(language, "chart.key.letters")
        foot = write_lines(canvas, words, (0, foot + 1.6 * small_type(canvas)), layout.width)
    if any(row.apart for row in rows):
        words = say(language, "chart.key.apart")
        foot = _write_key(canvas, words, foot + 1.6 * small_type(canvas), hatched=True)
    if key:
        foot = _write_key(canvas, key, foot + 1.6 * small_type(canvas))
    canvas.height = foot + 5
    return canvas.render()


def _write_key(canvas: Canvas, words: str, foot: float, *, hatched: bool = False) -> float:
    """Explain a mark; return the foot of the last line."""
    middle = foot - 0.36 * small_type(canvas)
    if hatched:
        canvas.draw_box((2, middle - 2.5), (18, 5), canvas.hatch(SOFT), SOFT)
    shape = "circle" if hatched else "diamond"
    canvas.draw_shape(shape, (11, middle), RADIUS - 0.3, WHITE, SOFT)
    return write_lines(canvas, words, (26, foot), canvas.width - 26)


class _Column:
    """One column of rows: labels, points with intervals, letters and texts at the right."""

    def __init__(
        self,
        canvas: Canvas,
        layout: Layout,
        rows: Sequence[IntervalRow],
        ends: tuple[float, float],
        language: Language,
    ) -> None:
        self.canvas, self.layout, self.language = canvas, layout, language
        self.left, self.right = ends
        size = layout.size
        self.has_text = layout.columns == 1
        widest_text = self.has_text * max(
            (measure_width(row.text, size, bold=True) for row in rows), default=0.0
        )
        widest_letter = max((measure_width(row.letter, size, bold=True) for row in rows), default=0)
        self.text_left = self.right - (widest_text + 2 if widest_text else 0)
        self.letter_left = self.text_left - (widest_letter + 4 if widest_letter else 0)
        self.marks = mark_letters(rows)

    def draw(
        self,
        rows: Sequence[IntervalRow],
        scale: Scale,
        top: float,
        targets: Sequence[float],
        *,
        zero: bool,
    ) -> float:
        """Draw rows from ``top`` down; return the foot of the numbers below."""
        start = self.left + (self.layout.label_width + 8 if self.layout.label_width else 8)
        scale = replace(scale, start=start, end=self.letter_left - (8 if start < 250 else 5))
        places = place_rows([row.label for row in rows], self.layout, top)
        for row, place in zip(rows, places, strict=True):
            if row.marked:
                size = (self.right - self.left, place.bottom - place.top)
                self.canvas.draw_box((self.left, place.top), size, BAND)
        bands = list_bands(places, self.layout, top)
        foot = draw_scale(self.canvas, scale, bands, self.language)
        self._draw_lines(scale, bands, targets, zero=zero)
        for row, place in zip(rows, places, strict=True):
            write_label(self.canvas, place, self.layout, self.left, bold=row.marked)
            self._draw_row(row, place, scale)
        return foot

    def _draw_lines(
        self, scale: Scale, bands: Sequence[Band], targets: Sequence[float], *, zero: bool
    ) -> None:
        """Draw targets as dashed lines with their value above, and the line at zero."""
        if zero:
            draw_upright(self.canvas, scale.place(0), bands, INK)
        for target in targets:
            x, size = scale.place(target), small_type(self.canvas)
            draw_upright(self.canvas, x, bands, INK, dash=DASHES)
            value = format_number(f"{target:g}", self.language)
            self.canvas.write(value, (x, 1.1 * size), size, anchor="middle")

    def _draw_row(self, row: IntervalRow, place: Place, scale: Scale) -> None:
        """Draw the interval, the point, the letters and the text of a row."""
        y, size = place.middle, self.layout.size
        shape, colour = self.marks.get(row.letter, ("circle", ACCENT))
        colour = SOFT if row.apart or row.faint else colour
        if not isnan(row.low):
            low, high = scale.place(row.low), scale.place(row.high)
            if row.apart:
                fill = self.canvas.hatch(SOFT)
                self.canvas.draw_box((low, y - 2.5), (high - low, 5), fill, FAINT)
            else:
                thick = 2.6 if row.marked else 1.6
                self.canvas.draw_lines([[(low, y), (high, y)]], colour, thick)
        self._draw_beside(row, y, scale)
        if not isnan(row.value):
            radius = (RADIUS if self.layout.columns == 1 else 2.6) + (0.8 if row.marked else 0)
            fill, edge = (WHITE, colour) if row.apart or row.faint else (colour, WHITE)
            self.canvas.draw_shape(shape, (scale.place(row.value), y), radius, fill, edge)
        foot = y + 0.36 * size
        self.canvas.write(row.letter, (self.letter_left, foot), size, bold=row.marked)
        if self.has_text:
            self.canvas.write(row.text, (self.right, foot), size, anchor="end", bold=row.marked)

    def _draw_beside(self, row: IntervalRow, y: float, scale: Scale) -> None:
        """Draw the value to compare with, and its interval a little below that of the row."""
        if not isnan(row.beside_low):
            y += 3.5
            line = [(scale.place(end), y) for end in (row.beside_low, row.beside_high)]
            self.canvas.draw_lines([line], INK, 1.0, DASHES)
        if not isnan(row.beside):
            self.canvas.draw_shape("diamond", (scale.place(row.beside), y), RADIUS, WHITE, INK)
