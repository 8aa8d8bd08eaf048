"""Draw two bars side by side per row, each with its interval: what is weak and what matters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

from sipas_analysis.documents.canvas import INK, Canvas
from sipas_analysis.documents.chart_parts import (
    ACCENT,
    SECOND,
    SMALL_WIDE,
    SOFT,
    WHITE,
    Place,
    Scale,
    choose_layout,
    draw_scale,
    draw_upright,
    list_bands,
    make_scale,
    place_rows,
    small_type,
    wrap_text,
    write_label,
    write_lines,
)
from sipas_analysis.documents.outlines import measure_width
from sipas_analysis.messages import Language

THICK = 8.0
LABELS, WORDS, GUTTER = 145.0, 116.0, 16.0  # widths: of labels, of words at the right, between


@dataclass(frozen=True)
class Bar:
    """A value with its interval, and whether it is surely above (1) or below (-1) the line.

    The text, if there is one, stands beside the interval.
    """

    value: float
    low: float
    high: float
    side: int = 0
    text: str = ""


@dataclass(frozen=True)
class BarRow:
    """One row: its bars, one per panel, and what follows, in words."""

    label: str
    bars: Sequence[Bar]
    words: str = ""


@dataclass(frozen=True)
class Panel:
    """What the bars of one column are.

    Attributes:
        title: Written above.
        origin: Value at which the bars start.
        least: Least value of the scale.
        colours: Of bars that are surely above and surely below the origin.
    """

    title: str
    origin: float = 0.0
    least: float = -100.0
    colours: tuple[str, str] = (ACCENT, SECOND)


def draw_bars(
    rows: Sequence[BarRow], panels: Sequence[Panel], language: Language, *, narrow: bool = False
) -> bytes:
    """Draw the bars of each row panel by panel; bars that are not sure are hollow."""
    labels = [f"{row.label}: {row.words}" if narrow and row.words else row.label for row in rows]
    layout = choose_layout(labels, narrow=narrow)
    if not narrow:
        label_width = min(layout.label_width, LABELS)
        layout = replace(layout, label_width=label_width, lines=layout.lines + 1)
    canvas, start = Canvas(layout.width), layout.label_width + (10 if layout.label_width else 4)
    words_width = WORDS if not narrow and any(row.words for row in rows) else 0
    step = (layout.width - words_width - start + GUTTER) / len(panels)
    spans = [(start + step * n, start + step * (n + 1) - GUTTER) for n in range(len(panels))]
    top = 6 + max(
        write_lines(canvas, panel.title, (left, layout.size * 1.2), right - left, bold=True)
        for panel, (left, right) in zip(panels, spans, strict=True)
    )
    words = [
        wrap_text(row.words, words_width - 6, SMALL_WIDE, 4) if words_width else () for row in rows
    ]
    heights = [max(17.0, 1.2 * SMALL_WIDE * len(lines) + 4) for lines in words]
    places = place_rows(labels, layout, top, heights)
    bands, foot = list_bands(places, layout, top), top
    for number, (panel, (left, right)) in enumerate(zip(panels, spans, strict=True)):
        bars = [row.bars[number] for row in rows]
        ends = [end for bar in bars for end in (bar.value, bar.low, bar.high)]
        room = max((measure_width(bar.text, small_type(canvas)) for bar in bars), default=0.0)
        scale = make_scale([*ends, panel.origin], left, right - room, least=panel.least)
        foot = draw_scale(canvas, scale, bands, language)
        for bar, place in zip(bars, places, strict=True):
            _draw_bar(canvas, bar, place, scale, panel)
        draw_upright(canvas, scale.place(panel.origin), bands, INK)
    for lines, place in zip(words, places, strict=True):
        write_label(canvas, place, layout)
        _write_words(canvas, lines, place, layout.width - words_width + 6)
    canvas.height = foot + 6
    return canvas.render()


def _draw_bar(canvas: Canvas, bar: Bar, place: Place, scale: Scale, panel: Panel) -> None:
    """Draw a bar from the origin to the value, and the interval as a thin line."""
    if isnan(bar.value):
        return
    colour, y = {1: panel.colours[0], -1: panel.colours[1]}.get(bar.side, SOFT), place.middle
    start, end = sorted((scale.place(panel.origin), scale.place(bar.value)))
    fill = colour if bar.side else WHITE
    canvas.draw_box((start, y - THICK / 2), (max(end - start, 0.5), THICK), fill, colour)
    if not isnan(bar.low):
        low, high = scale.place(bar.low), scale.place(bar.high)
        ends = [[(x, y - 2.5), (x, y + 2.5)] for x in (low, high)]
        canvas.draw_lines([[(low, y), (high, y)], *ends], INK, 1.0)
    size = small_type(canvas)
    right = max(end, start if isnan(bar.high) else scale.place(bar.high))
    canvas.write(bar.text, (right + 4, y + 0.36 * size), size)


def _write_words(canvas: Canvas, lines: Sequence[str], place: Place, left: float) -> None:
    """Write what follows from the bars at the right of a row."""
    foot = place.middle + 0.36 * SMALL_WIDE - 0.6 * SMALL_WIDE * (len(lines) - 1)
    for number, line in enumerate(lines):
        canvas.write(line, (left, foot + 1.2 * SMALL_WIDE * number), SMALL_WIDE)
