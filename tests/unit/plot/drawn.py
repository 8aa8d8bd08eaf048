"""What stands on axes: rows, numbers and texts, as a reader of the picture finds them."""

import re
from math import nan
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.text import Annotation


class Row(NamedTuple):
    """A row: its label, its value with the interval, and whether the point is hollow."""

    label: str
    value: float
    low: float
    high: float
    is_hollow: bool


def find(ax, gid):
    """Return the artists of a kind."""
    return [artist for artist in ax.get_children() if artist.get_gid() == f"sipas.plot.{gid}"]


def one_line(text):
    """Return a text without its breaks of lines."""
    return re.sub(r"\s+", " ", text).strip()


def labels_of(ax):
    """Return the label of each row."""
    return [one_line(label.get_text()) for label in ax.get_yticklabels()]


def ends_of(artist):
    """Return the ends of an interval: a line, or a hatched box."""
    if hasattr(artist, "get_xdata"):
        low, high = artist.get_xdata()
        return float(artist.get_ydata()[0]), float(low), float(high)
    y = artist.get_y() + artist.get_height() / 2
    return y, artist.get_x(), artist.get_x() + artist.get_width()


def rows_of(ax):
    """Return the rows of a picture of intervals, from top to bottom."""
    intervals = {round(y, 6): ends for y, *ends in map(ends_of, find(ax, "interval"))}
    labels, rows = labels_of(ax), []
    for point in find(ax, "value"):
        (value,), (y,) = point.get_xdata(), point.get_ydata()
        low, high = intervals.get(round(float(y), 6), (nan, nan))
        is_hollow = point.get_markerfacecolor() != point.get_color()
        rows.append((y, Row(labels[round(y)], float(value), low, high, is_hollow)))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def texts_of(ax):
    """Return the texts beside, above and below the rows, on one line each."""
    texts = [text for text in ax.get_children() if isinstance(text, Annotation)]
    return [one_line(text.get_text()) for text in texts]


def notes_of(ax):
    """Return the notes below the picture as one text."""
    return " ".join(one_line(note.get_text()) for note in find(ax, "note"))


def list_overlaps(ax, least=1.5):
    """Return pairs of texts that cover each other by more than some pixels, and what is cut."""
    figure = ax.get_figure(root=True)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = [ax.xaxis.label, ax.yaxis.label]
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
        texts += [label for place, label in ticks if low <= place <= high]
    texts += [text for text in ax.get_children() if isinstance(text, Annotation)]
    if ax.get_legend() is not None:
        texts += [ax.get_legend().get_title(), *ax.get_legend().get_texts()]
    boxes = [
        (one_line(text.get_text()), _box_of(text, renderer))
        for text in texts
        if text.get_visible() and text.get_text().strip()
    ]
    boxes = [(text, box) for text, box in boxes if box.width > 0]
    width, height = figure.canvas.get_width_height()
    wrong = [
        (text, "cut")
        for text, box in boxes
        if box.x0 < -2 or box.y0 < -2 or box.x1 > width + 2 or box.y1 > height + 2
    ]
    for place, (text, box) in enumerate(boxes):
        for other, other_box in boxes[place + 1 :]:
            across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            upright = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            if across > least and upright > least:
                wrong.append((text, other))
    return wrong


def _box_of(text, renderer):
    """Return the box of a text alone, without the line to its point."""
    if isinstance(text, Annotation):
        text.update_positions(renderer)
        return super(Annotation, text).get_window_extent(renderer)
    return text.get_window_extent(renderer)


def close_all():
    """Close every figure."""
    plt.close("all")
