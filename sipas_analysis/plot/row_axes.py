"""Axes with a row for each name: labels that do not overlap, numbers in a language, notes below.

A row stands at its number from the top: the first at y = 0. The scale of values is a real one, so
that users can add lines, set limits and draw on. Only a figure that is made here gets a size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import Formatter

from sipas_analysis.arguments import check_word, refuse_kind
from sipas_analysis.documents.chart_parts import wrap_text
from sipas_analysis.documents.outlines import measure_width
from sipas_analysis.errors import ParameterError
from sipas_analysis.messages import LANGUAGES, Language, format_number
from sipas_analysis.plot.colours import Colours

WIDTH = 8.4  # inches of a new figure
LABEL_WIDTH, LABEL_PART = 215.0, 0.38  # points of labels; their part of a narrower figure
MOST_LINES, LEADING = 3, 1.28
LEAST_ROW, SMALLEST = 17.0, 4.0  # points: height of a row, size of type
TOP, BOTTOM = 30.0, 58.0  # points above and below the rows
MOST_DECIMALS = 6
PICTURE, NOTE, HEAD, TEXT = (f"sipas.plot.{name}" for name in ("picture", "note", "head", "text"))


class NumberFormat(Formatter):  # type: ignore[misc]  # matplotlib has no types
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
    is_left: bool = False


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
    _right: float = 0.0  # points that texts at the right take

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
            tick.set(parse_math=False, linespacing=1.05)
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
        """Return the size and the lines of labels that fit their rows; set the figure's height."""
        size, n_rows = self.size, max(len(labels), 1)
        figure = self.ax.figure
        width = min(LABEL_WIDTH, LABEL_PART * 72 * figure.get_size_inches()[0])
        room = self.ax.get_window_extent().height / figure.dpi * 72 / n_rows
        for most_lines in range(MOST_LINES, 0, -1):
            lines = [
                wrap_text(label.text, 2 * width if label.is_head else width, size, most_lines)
                for label in labels
            ]
            height = max(LEAST_ROW, max(map(len, lines)) * LEADING * size + 3)
            if self.is_new:
                figure.set_figheight((n_rows * height + TOP + BOTTOM) / 72)
                return size, lines
            if height <= room:
                return size, lines
        size = max(SMALLEST, min(size, room / LEADING))
        return size, [wrap_text(label.text, width, size, 1) for label in labels]

    def _write_column(self, column: TextColumn, labels: Sequence[Label], size: float) -> None:
        """Write texts at the right, and their head above the first row."""
        words = [column.head, *column.texts]
        widest = max(measure_width(text, size, bold=True) for text in words)
        left, self._right = self._right + 8, self._right + 8 + widest
        at, side = (left, "left") if column.is_left else (self._right, "right")
        row_place = self.ax.get_yaxis_transform()
        for y, (text, label) in enumerate(zip(column.texts, labels, strict=True)):
            if text:
                weight = "bold" if label.is_marked else "normal"
                self.write(text, (1, y), row_place, (at, 0), side, size, weight=weight, gid=TEXT)
        place = self.ax.transAxes
        self.write(
            column.head, (1, 1), place, (at, 4), side, size, va="bottom", gid=HEAD, is_soft=True
        )

    def write(
        self,
        text: str,
        xy: tuple[float, float],
        place: Any,
        offset: tuple[float, float] = (0.0, 0.0),
        side: str = "left",
        size: float | None = None,
        *,
        va: str = "center",
        weight: str = "normal",
        gid: str = TEXT,
        is_soft: bool = False,
        colour: str = "",
    ) -> Any:
        """Write a text some points away from a place; nothing in it is read as mathematics."""
        return self.ax.annotate(
            text,
            xy,
            xycoords=place,
            xytext=offset,
            textcoords="offset points",
            ha=side,
            va=va,
            fontsize=size or self.size,
            fontweight=weight,
            color=colour or (self.colours.soft if is_soft else self.colours.ink),
            annotation_clip=False,
            parse_math=False,
            gid=gid,
        )

    def format_values(self) -> None:
        """Write the numbers of the x axis in the language."""
        self.ax.xaxis.set_major_formatter(NumberFormat(self.language))

    def set_height(self, height: float, margin: float) -> float:
        """Set the height of a new figure, in points; return that of the axes, nearly."""
        if self.is_new:
            self.ax.figure.set_figheight(height / 72)
            return height - margin
        return float(self.ax.get_window_extent().height / self.ax.figure.dpi * 72)

    def wrap_upright(self, text: str) -> str:
        """Return the name of the y axis on lines that its height has room for."""
        return "\n".join(wrap_text(text, 260, read_size("axes.labelsize"), 4))

    def write_key(self, handles: Sequence[Any], title: str = "") -> None:
        """Explain marks or colours above the axes."""
        size = 0.9 * self.size
        widest = max(measure_width(str(handle.get_label()), size) for handle in handles) + 34
        width = 72 * self.ax.figure.get_size_inches()[0]
        width = width - (LABEL_WIDTH if self.is_new else 0.4 * width)
        n_columns = min(len(handles), max(1, int(width / widest)))
        key = self.ax.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=n_columns,
            fontsize=size,
            labelcolor=self.colours.ink,
            frameon=False,
            borderaxespad=1.6,
            borderpad=0.0,
            columnspacing=1.2,
            handlelength=1.4,
        )
        for text in key.get_texts():
            text.set_parse_math(False)
        if title:
            self.ax.set_title(title, loc="left", color=self.colours.ink)
        if self.is_new:
            n_lines = -(-len(handles) // n_columns) + bool(title)
            figure = self.ax.figure
            figure.set_figheight(figure.get_figheight() + n_lines * LEADING * size / 72)

    def finish(self, axis: str) -> Axes:
        """Name the scale, write the notes below, and return the axes."""
        size = read_size("axes.labelsize")
        self.ax.set_xlabel(self._wrap(axis, size), fontsize=size, color=self.colours.ink)
        self.ax.xaxis.label.set_parse_math(False)
        text = "\n".join(self._wrap(note, 0.9 * size, whole=True) for note in self.notes)
        n_lines = text.count("\n") + 1 if text else 0
        if text:
            self.write(
                text,
                (0, 0),
                ("figure fraction" if self.is_new else "axes fraction", self.ax.xaxis.label),
                (6 if self.is_new else 0, -5),
                "left",
                0.9 * size,
                va="top",
                gid=NOTE,
                is_soft=True,
            )
        if self.is_new:
            figure = self.ax.figure
            figure.set_figheight(figure.get_figheight() + n_lines * LEADING * size / 72)
        return self.ax

    def _wrap(self, text: str, size: float, *, whole: bool = False) -> str:
        """Return a text on lines that the axes, or the whole figure, have room for."""
        figure = self.ax.figure
        width = 72 * figure.get_size_inches()[0]
        if not self.is_new:
            width = self.ax.get_window_extent().width / figure.dpi * 72
        elif not whole:
            width = width - LABEL_WIDTH - self._right
        return "\n".join(wrap_text(text, max(width - 12, 90), size, 9))


def open_axes(ax: Axes | None, lang: Language) -> RowAxes:
    """Return the axes to draw on: those given, else the current ones.

    Raises:
        ParameterError: ``ax`` is something else, or holds a picture of ``sipas.plot`` already.
    """
    check_word(lang, LANGUAGES, "lang")
    if not (ax is None or isinstance(ax, Axes)):
        raise refuse_kind(ax, "axes", "ax")
    is_new = ax is None and not plt.get_fignums()
    if is_new:
        figure = plt.figure(figsize=(WIDTH, 3.0), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    axes = plt.gca() if ax is None else ax
    if any(artist.get_gid() == PICTURE for artist in axes.get_children()):
        raise ParameterError("plot_twice")
    axes.patch.set_gid(PICTURE)
    return RowAxes(axes, lang, is_new, Colours.read(axes))


def read_size(name: str) -> float:
    """Return a size of type of the current style, in points."""
    return float(FontProperties(size=plt.rcParams[name]).get_size_in_points())
