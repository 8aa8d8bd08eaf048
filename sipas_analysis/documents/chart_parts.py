"""What pictures have in common: layouts, rows with labels, a scale, and a key.

A picture has a wide layout for A4 and large screens and a narrow one for phones. In the wide
layout labels stand at the left of their rows; in the narrow one they stand above. Type has at
least 7.5 points on A4 and 11 pixels on a phone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from math import ceil, floor, isnan, log10
from unicodedata import normalize

from sipas_analysis.documents.canvas import INK, Anchor, Canvas, Point
from sipas_analysis.documents.outlines import measure_width
from sipas_analysis.messages import Language, format_number

SOFT, FAINT, GRID = "#5d6875", "#9aa5b1", "#dfe4ea"
ACCENT, SECOND, WHITE, BAND = "#0b6e8f", "#b8521f", "#ffffff", "#eef2f6"
DASHES = "3 2"
SHORTEST = 4.0  # points; no scale is shorter, or chance would look large
TALLEST = 690.0  # units: a taller picture would be made smaller on A4
Band = tuple[float, float]  # top and bottom


@dataclass(frozen=True)
class Layout:
    """Sizes of a picture with rows.

    Attributes:
        width: Width of the picture.
        size: Size of type.
        label_width: Width for labels at the left; 0 if they stand above their rows.
        lines: Lines that a label may have; what is longer is shortened (the table has it whole).
        row: Least height of a row.
        columns: Columns side by side, each with its part of the rows.
    """

    width: float
    size: float
    label_width: float
    lines: int
    row: float
    columns: int = 1

    @property
    def leading(self) -> float:
        """Distance of two lines of text; Vietnamese has marks above and below."""
        return 1.22 * self.size

    @property
    def is_narrow(self) -> bool:
        """Whether labels stand above their rows."""
        return self.label_width == 0


WIDE = Layout(520, 9, 190, 4, 15)
NARROW = Layout(340, 11.5, 0, 4, 16)
SMALL_WIDE, SMALL_NARROW = 8.5, 11.0
LEAST_LABEL = 60.0  # units; labels at the left have no less
DENSE_NARROW = Layout(340, 11, 170, 1, 16.5)
MANY_ROWS = 54  # more rows than this have their labels at the left on a phone too


def choose_layout(labels: Sequence[str], *, narrow: bool, may_have_columns: bool = False) -> Layout:
    """Return the most generous layout in which a picture of rows fits a page."""
    if narrow:
        return NARROW if len(labels) <= MANY_ROWS else DENSE_NARROW
    widest = max((measure_bold(label, WIDE.size) for label in labels), default=0.0)
    fitted = replace(WIDE, label_width=min(WIDE.label_width, max(widest + 1, LEAST_LABEL)))
    layouts = [replace(fitted, lines=lines) for lines in (4, 3, 2)]
    layouts.append(replace(fitted, size=SMALL_WIDE, lines=1, row=11.5))
    if may_have_columns:
        small = Layout(WIDE.width, SMALL_WIDE, 0, 1, 11)
        layouts += [replace(small, label_width=0.54 * 520 / n, columns=n) for n in (2, 3)]
    fitting = (layout for layout in layouts if _measure_height(labels, layout) <= TALLEST)
    return next(fitting, layouts[-1])


def _measure_height(labels: Sequence[str], layout: Layout) -> float:
    n_rows = ceil(len(labels) / layout.columns)
    return max((place.bottom for place in place_rows(labels[:n_rows], layout, 0)), default=0.0)


@dataclass(frozen=True)
class Place:
    """Where a row is: the lines of its label, the first line's foot, the row's middle and ends."""

    lines: tuple[str, ...]
    foot: float
    top: float
    middle: float
    bottom: float


def place_rows(
    labels: Sequence[str], layout: Layout, top: float, heights: Sequence[float] = ()
) -> list[Place]:
    """Return the place of each row from ``top`` down; ``heights`` are the least of each row."""
    places = []
    for label, least in zip(labels, heights or [0.0] * len(labels), strict=True):
        height = max(least, layout.row)
        lines = wrap_text(label, layout.label_width or layout.width, layout.size, layout.lines)
        text_height = len(lines) * layout.leading
        if layout.is_narrow:
            bottom = top + text_height + height
            places.append(Place(lines, top + layout.size, top, bottom - height / 2 - 1, bottom))
        else:
            bottom = top + max(height, text_height + (3 if layout.lines > 1 else 0.5))
            middle = (top + bottom) / 2
            foot = middle - text_height / 2 + 0.5 * layout.leading + 0.36 * layout.size
            places.append(Place(lines, foot, top, middle, bottom))
        top = bottom
    return places


def write_label(
    canvas: Canvas, place: Place, layout: Layout, left: float = 0.0, *, bold: bool = False
) -> None:
    """Write the label of a row: at the left of its row, or above."""
    for number, line in enumerate(place.lines):
        foot = place.foot + number * layout.leading
        if layout.is_narrow:
            canvas.write(line, (left, foot), layout.size, bold=bold)
        else:
            right = left + layout.label_width
            canvas.write(line, (right, foot), layout.size, anchor="end", bold=bold)


def measure_bold(text: str, size: float) -> float:
    """Return the width of a text in bold type, which is never narrower than plain type."""
    return max(measure_width(text, size), measure_width(text, size, bold=True))


@lru_cache(8192)
def wrap_text(text: str, width: float, size: float, most_lines: int) -> tuple[str, ...]:
    """Return a text as lines of about one length; of a longer text start and end are kept.

    Names of units often start alike and differ at the end. Every line has room in bold type.

    Example:
        >>> wrap_text("Sở Nông nghiệp và Môi trường", 60, 9, 2)
        ('Sở Nông', '…Môi trường')
    """
    text = normalize("NFC", text)
    lines = _fill_lines(text, width, size)
    if len(lines) > most_lines:
        head = _cut(text, width / 3, size) if most_lines == 1 else ""
        room = width - measure_bold(f"{head}…", size)
        tail = _cut(text[::-1], room, size)[::-1].lstrip()
        return (*lines[: most_lines - 1], f"{head}…{tail}")
    shorter = (_fill_lines(text, width * part, size) for part in (0.6, 0.7, 0.8, 0.9))
    return next((even for even in shorter if len(even) == len(lines)), lines)


def _cut(text: str, width: float, size: float) -> str:
    """Return as much of the start of a text as has room."""
    ends = accumulate(measure_bold(letter, size) for letter in text)
    return text[: sum(end <= width for end in ends)].rstrip()


def _fill_lines(text: str, width: float, size: float) -> tuple[str, ...]:
    """Return a text as lines, each as full as can be."""
    lines, space, used = [""], measure_bold(" ", size), 0.0
    for word in _split_words(text, width, size):
        word_width = measure_bold(word, size)
        if used and used + space + word_width <= width:
            lines[-1] += f" {word}"
            used += space + word_width
        else:
            lines.append(word)
            used = word_width
    return tuple(lines[1:]) or ("",)


def _split_words(text: str, width: float, size: float) -> Iterator[str]:
    """Yield the words of a text; a word wider than a line is cut."""
    for word in text.split():
        start = 0
        if measure_bold(word, size) <= width:
            yield word
            continue
        for end in range(1, len(word)):
            if measure_bold(word[start : end + 1], size) > width:
                yield word[start:end]
                start = end
        yield word[start:]


@dataclass(frozen=True)
class Scale:
    """A scale from ``low`` to ``high`` between two places of the picture."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return the place of a value; a value beyond the scale is placed at its end."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def list_ticks(self, most: int) -> list[float]:
        """Return round values on the scale, about ``most``, but two at least."""
        step = _round_step((self.high - self.low) / most)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        ticks = [round(number * step, 6) for number in range(first, last + 1)]
        return ticks if len(ticks) > 1 else self.list_ticks(most + 1)


def _round_step(step: float) -> float:
    """Return the next step of 1, 2, 5 or 10 times a power of ten."""
    power = 10.0 ** floor(log10(step))
    return float(next(n * power for n in (1, 2, 5, 10) if n * power >= step * (1 - 1e-9)))


def make_scale(
    values: Sequence[float], start: float, end: float, *, least: float = 0.0, most: float = 100.0
) -> Scale:
    """Return a scale for some values, with a little room, within ``least`` and ``most``."""
    known = [value for value in values if not isnan(value)] or [least, most]
    low, high = min(known), max(known)
    room = max(0.05 * (high - low), (SHORTEST - high + low) / 2)
    return Scale(max(low - room, least), min(high + room, most + 0.04 * (high - low)), start, end)


def list_bands(places: Sequence[Place], layout: Layout, top: float) -> list[Band]:
    """Return where vertical lines may be: not across labels above their rows."""
    if layout.is_narrow:
        return [(place.middle - 5.5, place.bottom - 1) for place in places]
    return [(top, places[-1].bottom if places else top + 12)]


def draw_upright(
    canvas: Canvas, x: float, bands: Sequence[Band], colour: str, *, dash: str = ""
) -> None:
    """Draw a vertical line in each band."""
    canvas.draw_lines([[(x, end) for end in band] for band in bands], colour, 0.8, dash)


def draw_scale(canvas: Canvas, scale: Scale, bands: Sequence[Band], language: Language) -> float:
    """Draw thin lines at round values and the values below; return the foot of the values."""
    size = small_type(canvas)
    room = 7.5 * size * (1 if scale.high < 1000 else 1.5)
    ticks = scale.list_ticks(max(2, min(6, int(abs(scale.end - scale.start) / room * 1.8))))
    decimals = 0 if all(tick == round(tick) for tick in ticks) else 1
    foot = (bands[-1][1] if bands else 0) + 1.15 * size
    for tick in ticks:
        text = format_number(tick, language, decimals)
        draw_upright(canvas, scale.place(tick), bands, GRID)
        half = measure_width(text, size) / 2
        x = min(max(scale.place(tick), half), canvas.width - half)
        canvas.write(text, (x, foot), size, SOFT, anchor="middle")
    return foot


def small_type(canvas: Canvas) -> float:
    """Return the size of the smallest type of a picture."""
    return SMALL_NARROW if canvas.width < WIDE.width else SMALL_WIDE


def write_lines(
    canvas: Canvas,
    text: str,
    start: Point,
    width: float,
    *,
    anchor: Anchor = "start",
    colour: str = INK,
    bold: bool = False,
) -> float:
    """Write a text in small type on as many lines as it needs; return the foot of the last."""
    size = small_type(canvas)
    left, foot = start
    at = left + {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    for number, line in enumerate(wrap_text(text, width, size, 9)):
        foot += 1.22 * size if number else 0.0
        canvas.write(line, (at, foot), size, colour, anchor=anchor, bold=bold)
    return foot
