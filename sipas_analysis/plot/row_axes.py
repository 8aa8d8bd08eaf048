"""Axes with a row for each name: labels that do not overlap, numbers in a language, notes below.

A row stands at its number from the top: the first at y = 0. The scale of values is a real one, so
that users can add lines, set limits and draw on. Only a figure that is made here gets a size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import Formatter
from matplotlib.transforms import Bbox, blended_transform_factory

from sipas_analysis.arguments import check_word, refuse_kind
from sipas_analysis.documents.chart_parts import wrap_text
from sipas_analysis.documents.outlines import measure_width
from sipas_analysis.errors import ParameterError
from sipas_analysis.messages import LANGUAGES, Language, format_number
from sipas_analysis.plot.colours import Colours

WIDTH = 8.4  # inches of a new figure
LABEL_WIDTHS = (150.0, 190.0, 215.0, 240.0, 265.0, 290.0)  # points; the least that will do
LABEL_PART = 0.55  # of the width of axes that were given
FEW_LINES, MOST_LINES, LEADING = 2, 4, 1.34
HEAD_WIDTH = 64.0  # points of a head above texts at the right, on up to three lines
LEAST_ROW, SMALLEST = 17.0, 4.0  # points: height of a row, size of type
TOP, BOTTOM = 30.0, 58.0  # points above and below the rows
MOST_DECIMALS = 6
PICTURE, NOTE, HEAD, TEXT, ABOVE = (
    f"sipas.plot.{name}" for name in ("picture", "note", "head", "text", "above")
)


class NumberFormat(Formatter):
    """Numbers of an axis in the format of a language, with as many decimals as all need."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002 (matplotlib's)
        """Return a number as text."""
        return self.format_ticks([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the numbers of all ticks as texts."""
        widest = max((abs(value) for value in values), default=0.0) or 1.0
        decimals = next(
            (
                n
                for n in range(MOST_DECIMALS)
                if all(abs(value - round(value, n)) < 1e-7 * widest for value in values)
            ),
            MOST_DECIMALS,
        )
        return [format_number(float(value), self.language, decimals) for value in values]


@dataclass(frozen=True)
class Label:
    """The label of a row; a head stands above the rows of a part."""

    text: str
    is_head: bool = False
    is_marked: bool = False


@dataclass(frozen=True)
class TextColumn:
    """Texts at the right of the rows, one for each row, with a head above."""

    head: str
    texts: Sequence[str]


@dataclass
class RowAxes:
    """Axes that a picture is drawn on.

    Attributes:
        ax: The axes.
        language: Language of words and numbers.
        is_new: Whether the figure was made for this picture, so that it may get a size.
        colours: Colours that can be read on these axes.
    """

    ax: Axes
    language: Language
    is_new: bool
    colours: Colours
    notes: list[str] = field(default_factory=list)
    _left: float = 0.0  # points that labels take
    _right: float = 0.0  # points that texts at the right take
    _above: float = 0.0  # points that heads above the axes take

    @property
    def figure(self) -> Figure:
        """The whole figure that the axes are in."""
        figure = self.ax.get_figure(root=True)
        assert figure is not None
        return figure

    @property
    def size(self) -> float:
        """Size of type, in points."""
        return read_size("ytick.labelsize")

    def place_rows(self, labels: Sequence[Label], columns: Sequence[TextColumn] = ()) -> None:
        """Give each row its label and its texts at the right."""
        ax, n_rows = self.ax, len(labels)
        size, lines = self._fit_labels(labels)
        ax.set_ylim(n_rows - 0.5, -0.5)
        texts = ["\n".join(wrapped) for wrapped in lines]
        ax.set_yticks(range(n_rows), texts, fontsize=size, color=self.colours.ink)
        for label, tick in zip(labels, ax.get_yticklabels(), strict=True):
            tick.set(parse_math=False, linespacing=1.4)
            if label.is_head or label.is_marked:
                tick.set_fontweight("bold")
        ax.tick_params(axis="y", length=0)
        ax.tick_params(axis="x", colors=self.colours.soft)
        for side, spine in ax.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(self.colours.soft)
        ax.grid(visible=False, axis="y")
        ax.grid(visible=True, axis="x", color=self.colours.grid, linewidth=0.8)
        ax.set_axisbelow(True)
        self.format_values()
        for column in columns:
            if any(column.texts):
                self._write_column(column, labels, min(size, self.size))

    def _fit_labels(self, labels: Sequence[Label]) -> tuple[float, list[tuple[str, ...]]]:
        """Return the size and the lines of labels that fit their rows; size a new figure."""
        size, n_rows, figure = self.size, max(len(labels), 1), self.figure
        if self.is_new:
            lines = self._wrap_new(labels, size)
            figure.set_figwidth(WIDTH + max(0.0, self._left - LABEL_WIDTHS[2]) / 72)
            height = max(LEAST_ROW, max(map(len, lines), default=1) * LEADING * size + 3)
            figure.set_figheight((n_rows * height + TOP + BOTTOM) / 72)
            return size, lines
        self._left = LABEL_PART * self.measure_width()
        room = self.ax.get_window_extent().height / figure.dpi * 72 / n_rows
        for most_lines in range(MOST_LINES, 0, -1):
            lines = [wrap_text(label.text, self._left, size, most_lines) for label in labels]
            if max(map(len, lines), default=1) * LEADING * size <= room:
                return size, lines
        size = max(SMALLEST, min(size, room / LEADING))
        return size, [wrap_text(label.text, self._left, size, 1) for label in labels]

    def _wrap_new(self, labels: Sequence[Label], size: float) -> list[tuple[str, ...]]:
        """Return the lines of labels in the narrowest column in which each has two, if any has."""
        for width in LABEL_WIDTHS:
            lines = [wrap_text(label.text, width, size, MOST_LINES) for label in labels]
            self._left = width
            if max(map(len, lines), default=1) <= FEW_LINES:
                break
        return lines

    def _write_column(self, column: TextColumn, labels: Sequence[Label], size: float) -> None:
        """Write texts at the right, and their head above the first row."""
        head = _wrap_head(column.head, size)
        widest = max(measure_width(text, size, bold=True) for text in (*head, *column.texts))
        self._right += 8 + widest
        self._above = max(self._above, LEADING * size * len(head))
        place = self.ax.get_yaxis_transform()
        for y, (text, label) in enumerate(zip(column.texts, labels, strict=True)):
            if text:
                written = self.write(text, (1, y), place, (self._right, 0), "right", size)
                written.set_fontweight("bold" if label.is_marked else "normal")
        if head:
            at = (self._right, 4)
            written = self.write("\n".join(head), (1, 1), self.ax.transAxes, at, "right", size)
            written.set(va="bottom", gid=HEAD, color=self.colours.soft, linespacing=1.12)

    def write(  # noqa: PLR0917 (where, and how)
        self,
        text: str,
        xy: tuple[float, float],
        place: Any,
        offset: tuple[float, float] = (0.0, 0.0),
        side: str = "left",
        size: float | None = None,
    ) -> Any:
        """Write a text some points away from a place; nothing in it is read as mathematics."""
        return self.ax.annotate(
            text,
            xy,
            xycoords=place,
            xytext=offset,
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=size or self.size,
            color=self.colours.ink,
            annotation_clip=False,
            parse_math=False,
            gid=TEXT,
        )

    def format_values(self) -> None:
        """Write the numbers of the x axis in the language."""
        self.ax.xaxis.set_major_formatter(NumberFormat(self.language))

    def set_height(self, height: float, margin: float) -> float:
        """Set the height of a new figure, in points; return that of the axes, nearly."""
        if self.is_new:
            self.figure.set_figheight(height / 72)
            return height - margin
        return float(self.ax.get_window_extent().height / self.figure.dpi * 72)

    def wrap_upright(self, text: str) -> str:
        """Return the name of the y axis on lines that its height has room for."""
        return "\n".join(wrap_text(text, 260, read_size("axes.labelsize"), 4))

    def write_key(self, handles: Sequence[Any], title: str = "") -> None:
        """Explain marks or colours above the axes; a title, such as an item, stands above."""
        size, figure = 0.9 * self.size, self.figure
        widest = max(measure_width(str(handle.get_label()), size) for handle in handles) + 36
        room = 72 * figure.get_size_inches()[0] if self.is_new else self.measure_width()
        n_columns = min(len(handles), max(1, int((room - 20) / widest)))
        above = blended_transform_factory(figure.transFigure, self.ax.transAxes)
        n_lines = -(-len(handles) // n_columns)
        by_line = [handle for column in range(n_columns) for handle in handles[column::n_columns]]
        key = self.ax.legend(
            handles=by_line,
            alignment="left",
            loc="lower left",
            bbox_to_anchor=(0.01 if self.is_new else 0.0, 1.0),
            bbox_transform=above if self.is_new else self.ax.transAxes,
            ncols=n_columns,
            fontsize=size,
            labelcolor=self.colours.ink,
            frameon=False,
            borderaxespad=(self._above + 8) / size,
            borderpad=0.0,
            columnspacing=1.2,
            handlelength=1.4,
        )
        key.set_title(
            "\n".join(wrap_text(title, room - 20, self.size, 3)),
            FontProperties(size=self.size, weight="bold"),
        )
        key.get_title().set(color=self.colours.ink, parse_math=False)
        for text in key.get_texts():
            text.set_parse_math(False)
        if self.is_new:
            height = 1.5 * size * (n_lines + bool(title)) + self._above
            figure.set_figheight(figure.get_figheight() + height / 72)

    def measure_width(self) -> float:
        """Return the width of the axes, in points."""
        return float(self.ax.get_window_extent().width / self.figure.dpi * 72)

    def finish(self, axis: str) -> Axes:
        """Name the scale, write the notes below, and return the axes."""
        size = read_size("axes.labelsize")
        self.ax.set_xlabel(self._wrap(axis, size), fontsize=size, color=self.colours.ink)
        self.ax.xaxis.label.set_parse_math(False)
        text = "\n".join(self._wrap(note, 0.9 * size, whole=True) for note in self.notes)
        n_lines = text.count("\n") + 1 if text else 0
        if text:
            place = ("figure fraction" if self.is_new else "axes fraction", self.ax.xaxis.label)
            left = 6.0 if self.is_new else 0.0
            written = self.write(text, (0, 0), place, (left, -5), "left", 0.9 * size)
            written.set(va="top", gid=NOTE, color=self.colours.soft)
        if self.is_new:
            figure = self.figure
            figure.set_figheight(figure.get_figheight() + n_lines * LEADING * size / 72)
        _keep_room_above(self.ax)
        return self.ax

    def _wrap(self, text: str, size: float, *, whole: bool = False) -> str:
        """Return a text on lines that the axes, or the whole of a new figure, have room for."""
        width = self.measure_width() - 0.8 * self._left  # the layout makes room for labels later
        if self.is_new:
            width = 72 * float(self.figure.get_size_inches()[0])
            width -= 0 if whole else self._left + self._right
        return "\n".join(wrap_text(text, max(width - 16, 90), size, 9))


class _RoomAbove:
    """Says how high the key, heads and other texts above axes are, so that a title is set above.

    Matplotlib sets titles above the axes within axes; an invisible one of this height is within.
    """

    def __init__(self, ax: Axes) -> None:
        self.ax = ax

    def __call__(self, _: Any, renderer: Any) -> Bbox:
        """Return the place of the invisible axes, as a part of the figure."""
        box, key = self.ax.get_window_extent(), self.ax.get_legend()
        parts = [*self.ax.texts, *([key] if key is not None else [])]
        tops = [part.get_window_extent(renderer).y1 for part in parts if part.get_visible()]
        top = max([*tops, box.y1]) + 1e-3
        place = Bbox.from_extents(box.x0, box.y1, box.x1, top)
        figure = self.ax.get_figure()
        assert figure is not None
        return place.transformed(figure.transSubfigure.inverted())


def _keep_room_above(ax: Axes) -> None:
    """Let titles stand above the key and all texts above axes, whenever they are set."""
    if any(part.get_gid() == ABOVE for part in ax.child_axes):
        return
    room = ax.inset_axes((0.0, 1.0, 1.0, 1e-3))
    room.set(visible=False, in_layout=False, gid=ABOVE)
    room.set_axes_locator(_RoomAbove(ax))


def _wrap_head(text: str, size: float) -> list[str]:
    """Return a head on lines of whole words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and measure_width(longer, size) <= HEAD_WIDTH:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def check_axes(ax: Axes | None, lang: Language) -> None:
    """Refuse what are no axes, axes that hold a picture of ``sipas.plot``, and other languages."""
    check_word(lang, LANGUAGES, "lang")
    if not (ax is None or isinstance(ax, Axes)):
        raise refuse_kind(ax, "axes", "ax")
    if ax is not None and _has_picture(ax):
        raise ParameterError("plot_twice")


def _has_picture(ax: Axes) -> bool:
    return any(part.get_gid() == PICTURE for part in ax.get_children())


def open_axes(ax: Axes | None, lang: Language) -> RowAxes:
    """Return the axes to draw on: those given, else the current ones.

    If these hold a picture already, a new figure is opened: no two pictures share their rows.
    """
    is_new = ax is None and (not plt.get_fignums() or _has_picture(plt.gca()))
    if is_new:
        plt.figure(figsize=(WIDTH, 3.0), layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06))
    axes = plt.gca() if ax is None else ax
    axes.patch.set_gid(PICTURE)
    return RowAxes(axes, lang, is_new, Colours.read(axes))


def read_size(name: str) -> float:
    """Return a size of type of the current style, in points."""
    return float(FontProperties(size=cast(Any, mpl.rcParams)[name]).get_size_in_points())
