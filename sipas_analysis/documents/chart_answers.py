"""Draw how people answered: a bar per item, split by the levels of its scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from sipas_analysis.documents.canvas import INK, Canvas
from sipas_analysis.documents.chart_parts import (
    SOFT,
    Place,
    Scale,
    choose_layout,
    place_rows,
    small_type,
    write_label,
    write_lines,
)
from sipas_analysis.documents.outlines import measure_width

BAR = 10.5
BAD, NEUTRAL, LIGHT, GOOD = (
    (0xA0, 0x52, 0x1A),
    (0xDC, 0xDC, 0xDC),
    (0x9A, 0xD0, 0xCA),
    (0, 0x6B, 0x66),
)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class AnswerRow:
    """One item: the share of each level in percent, worst first, and the texts beside the bar."""

    label: str
    shares: Sequence[float]
    left: str
    right: str


def draw_answers(
    rows: Sequence[AnswerRow],
    levels: Sequence[str],
    n_bad: int | None,
    heads: tuple[str, str],
    *,
    border: str = "",
    narrow: bool = False,
) -> bytes:
    """Draw one bar per item; a dark line parts the answers that count as satisfied.

    Args:
        rows: Items from top to bottom.
        levels: Names of the levels, worst first.
        n_bad: How many levels do not count as satisfied; None if the answers have points.
        heads: What the texts at the left and at the right of the bars are.
        border: What the dark line is.
        narrow: For a phone.
    """
    layout = choose_layout([row.label for row in rows], narrow=narrow)
    n_dark = len(levels) // 2 if n_bad is None else n_bad
    canvas, colours = Canvas(layout.width), shade_levels(len(levels), n_dark)
    foot = _draw_key(canvas, levels, colours, border if n_bad is not None else "")
    size, start = layout.size, layout.label_width + (8 if layout.label_width else 0)
    left, right = (
        max((measure_width(text, size, bold=True) for text in texts), default=0.0)
        for texts in zip(*((row.left, row.right) for row in rows), strict=True)
    )
    scale = Scale(0, 100, start + left + 5, layout.width - right - 5)
    half, head_foot = (layout.width - start) / 2 - 4, foot + 1.7 * size
    foot = max(
        write_lines(canvas, heads[0], (start, head_foot), half, bold=True),
        write_lines(
            canvas, heads[1], (layout.width - half, head_foot), half, anchor="end", bold=True
        ),
    )
    places = place_rows([row.label for row in rows], layout, foot + 5)
    for row, place in zip(rows, places, strict=True):
        write_label(canvas, place, layout)
        _draw_bar(canvas, row, place, scale, colours)
        text_foot = place.middle + 0.36 * size
        canvas.write(row.left, (start + left, text_foot), size, anchor="end")
        canvas.write(row.right, (layout.width, text_foot), size, anchor="end", bold=True)
        if n_bad is not None:
            _mark_border(canvas, sum(row.shares[:n_bad]), place, scale)
    canvas.height = places[-1].bottom + 4
    return canvas.render()


def _draw_bar(
    canvas: Canvas, row: AnswerRow, place: Place, scale: Scale, colours: Sequence[str]
) -> None:
    """Draw the part of each level."""
    at = 0.0
    for share, colour in zip(row.shares, colours, strict=True):
        x, end = scale.place(at), scale.place(at + share)
        if share > 0:
            canvas.draw_box((x, place.middle - BAR / 2), (end - x, BAR), colour)
        at += share


def _mark_border(canvas: Canvas, bad: float, place: Place, scale: Scale) -> None:
    """Draw a line between the answers that count as satisfied and the others."""
    x, half = scale.place(bad), BAR / 2 + 1.5
    canvas.draw_lines([[(x, place.middle - half), (x, place.middle + half)]], INK, 1.3)


def _draw_key(canvas: Canvas, levels: Sequence[str], colours: Sequence[str], border: str) -> float:
    """Name the colour of each level and the dark line, on some lines; return the last foot."""
    size, x, foot = small_type(canvas), 0.0, 1.2 * small_type(canvas)
    entries = [*zip(levels, colours, strict=True), *([(border, INK)] if border else [])]
    for words, colour in entries:
        width = 13 + measure_width(words, size)
        if x and x + width > canvas.width:
            x, foot = 0.0, foot + 1.4 * size
        if words == border:
            canvas.draw_lines([[(x + 5, foot - 9), (x + 5, foot + 2)]], INK, 1.3)
        else:
            canvas.draw_box((x, foot - 8), (9, 9), colour, SOFT)
        canvas.write(words, (x + 13, foot), size)
        x += width + 10
    return foot


def shade_levels(n_levels: int, n_bad: int) -> list[str]:
    """Return a colour per level: from dark to grey, and from light to dark for satisfied ones."""
    n_good = n_levels - n_bad
    bad = [_mix(BAD, NEUTRAL, level / max(n_bad - 1, 1)) for level in range(n_bad)]
    good = [_mix(GOOD, LIGHT, level / max(n_good - 1, 1)) for level in range(n_good)]
    return [*bad, *reversed(good)]


def _mix(first: Colour, second: Colour, part: float) -> str:
    mixed = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
