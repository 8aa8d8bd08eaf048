"""Draw the way of dossiers from step to step, from top to bottom, as wide as dossiers are many.

Each step is a box. The way to the next box is an arrow between the two; a way that leaves steps
out has a lane at the right, a way back has a lane at the left. A number stands in the gap between
two boxes, where no other line crosses its lane.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sipas_analysis.documents.canvas import INK, Anchor, Canvas
from sipas_analysis.documents.chart_parts import (
    BAND,
    FAINT,
    NARROW,
    SECOND,
    SOFT,
    WHITE,
    WIDE,
    measure_bold,
    small_type,
    wrap_text,
    write_lines,
)

GAP, PAD = 15.0, 4.0  # between two boxes; between the edge of a box and its text
THICKEST, THINNEST = 6.0, 0.8  # of the way that most dossiers took, and of the least
MOST_LANES = 2  # at each side; ways beyond these are not drawn
LEAST_TURN = 10.0  # between a box and its first lane
MOST_LINES = 7  # of a name, and of each text
LABEL_PART = 0.46  # of the box, beside the words on time (wide layout)


@dataclass(frozen=True)
class FlowStep:
    """One step: its name, what is told of it, and, if it stands out, the word for that."""

    label: str
    texts: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class FlowWay:
    """The way from one step to another, by position; ``text`` is how many dossiers took it."""

    start: int
    end: int
    n: int
    text: str


@dataclass(frozen=True)
class _Box:
    """Place of a step: its upper and lower edge, and the lines in it."""

    top: float
    bottom: float
    label: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Lane:
    """A way beside the boxes: its side (-1 left, 1 right) and number, nearest to the boxes 0."""

    way: FlowWay
    side: int
    number: int

    @property
    def ends(self) -> tuple[int, int]:
        """Upper and lower step."""
        return min(self.way.start, self.way.end), max(self.way.start, self.way.end)


def draw_flow(
    steps: Sequence[FlowStep], ways: Sequence[FlowWay], key: str = "", *, narrow: bool = False
) -> bytes:
    """Draw steps in the order given and the ways between them.

    Args:
        steps: Steps, the first on top.
        ways: Ways between two steps; of those beside the boxes the most taken are drawn.
        key: What the picture leaves out or shows, written below it.
        narrow: For a phone.
    """
    layout = NARROW if narrow else WIDE
    canvas = Canvas(layout.width)
    chart = _Flow(canvas, steps, list_drawn_ways(steps, ways), narrow=narrow)
    foot = chart.draw(layout.size)
    if key:
        foot = write_lines(canvas, key, (0, foot + 1.6 * small_type(canvas)), layout.width)
    canvas.height = foot + 5
    return canvas.render()


def list_drawn_ways(steps: Sequence[FlowStep], ways: Sequence[FlowWay]) -> list[FlowWay]:
    """Return the ways that have room: all to the next step, and the most taken of the others."""
    between = [way for way in ways if 0 <= way.start < len(steps) and 0 <= way.end < len(steps)]
    direct = [way for way in between if way.end == way.start + 1]
    return [*direct, *(lane.way for lane in _choose_lanes(between))]


def _choose_lanes(ways: Sequence[FlowWay]) -> list[_Lane]:
    """Return the ways beside the boxes in lanes, short ones nearest; the most taken come first."""
    beside = [way for way in ways if way.end not in (way.start, way.start + 1)]
    for n_ways in range(len(beside), 0, -1):
        chosen = sorted(beside, key=lambda way: -way.n)[:n_ways]
        lanes: list[_Lane] = []
        for way in sorted(chosen, key=lambda way: abs(way.end - way.start)):
            side = 1 if way.end > way.start else -1
            taken = {lane.number for lane in lanes if lane.side == side and _do_meet(lane, way)}
            number = max(taken, default=-1) + 1  # further out than all shorter ways beside it
            lanes.append(_Lane(way, side, number))
        if all(lane.number < MOST_LANES for lane in lanes):
            return lanes
    return []


def _do_meet(lane: _Lane, way: FlowWay) -> bool:
    """Return whether a way runs beside a lane, if only at the same box."""
    top, bottom = lane.ends
    return top <= max(way.start, way.end) and bottom >= min(way.start, way.end)


class _Flow:
    """Boxes below each other, arrows between them and lanes beside them."""

    def __init__(
        self, canvas: Canvas, steps: Sequence[FlowStep], ways: Sequence[FlowWay], *, narrow: bool
    ) -> None:
        self.canvas, self.steps, self.narrow = canvas, steps, narrow
        self.direct = [way for way in ways if way.end == way.start + 1]
        self.lanes = _choose_lanes(ways)
        self.most = max((way.n for way in ways), default=1)
        widest = max(
            (measure_bold(lane.way.text, small_type(canvas)) for lane in self.lanes), default=0
        )
        self.lane_width = max(widest, THICKEST) + 5
        rooms = {side: self._measure_lanes(side) for side in (-1, 1)}
        self.left, self.right = rooms[-1], canvas.width - rooms[1]
        self.boxes: list[_Box] = []

    def _measure_lanes(self, side: int) -> float:
        n_lanes = max((lane.number + 1 for lane in self.lanes if lane.side == side), default=0)
        return n_lanes * self.lane_width + LEAST_TURN if n_lanes else 2.0

    def draw(self, size: float) -> float:
        """Draw everything; return the foot of the last box."""
        self.boxes = self._place_boxes(size)
        for lane in self.lanes:
            self._draw_lane(lane)
        for way in self.direct:
            self._draw_arrow(way)
        for step, box in zip(self.steps, self.boxes, strict=True):
            self._draw_box(step, box, size)
        for lane in self.lanes:
            self._write_number(lane)
        return self.boxes[-1].bottom if self.boxes else 4.0

    def _place_boxes(self, size: float) -> list[_Box]:
        """Return the place of each box: as high as its text."""
        boxes, top, width = [], 3.0, self.right - self.left - 2 * PAD
        small = small_type(self.canvas)
        for step in self.steps:
            label_width = width if self.narrow else LABEL_PART * width
            label = wrap_text(step.label, label_width, size, MOST_LINES)
            text_width = width if self.narrow else (1 - LABEL_PART) * width - PAD
            lines = tuple(
                line
                for text in (step.mark, *step.texts)
                if text
                for line in wrap_text(text, text_width, small, MOST_LINES)
            )
            heights = (1.22 * size * len(label), 1.22 * small * len(lines))
            height = (sum(heights) if self.narrow else max(heights)) + PAD + 1
            boxes.append(_Box(top, top + height, label, lines))
            top += height + GAP
        return boxes

    def _draw_box(self, step: FlowStep, box: _Box, size: float) -> None:
        """Draw a box with its texts; one that stands out has a thick edge and bold type."""
        height, width = box.bottom - box.top, self.right - self.left
        fill, edge = (WHITE, "") if step.mark else (BAND, FAINT)
        self.canvas.draw_box((self.left, box.top), (width, height), fill, edge)
        if step.mark:
            corners = [(self.left, box.top), (self.right, box.top)]
            corners += [(self.right, box.bottom), (self.left, box.bottom)]
            self.canvas.draw_lines([[*corners, corners[0], corners[1]]], SECOND, 2.4)
        foot = self._write_label(box, size, is_bold=bool(step.mark))
        self._write_texts(box, foot, is_bold=bool(step.mark))

    def _write_label(self, box: _Box, size: float, *, is_bold: bool) -> float:
        """Write the name of a step, at the left; return where it ends."""
        top = box.top + PAD / 2
        if not self.narrow:
            top = (box.top + box.bottom - 1.22 * size * len(box.label)) / 2
        for number, line in enumerate(box.label):
            foot = top + (0.97 + 1.22 * number) * size
            self.canvas.write(line, (self.left + PAD, foot), size, bold=is_bold)
        return top + 1.22 * size * len(box.label)

    def _write_texts(self, box: _Box, top: float, *, is_bold: bool) -> None:
        """Write what is told of a step: at the right of its name, or below on a phone."""
        size, colour = small_type(self.canvas), INK if is_bold else SOFT
        anchor: Anchor = "start" if self.narrow else "end"
        x = self.left + PAD if self.narrow else self.right - PAD
        if not self.narrow:
            top = (box.top + box.bottom - 1.22 * size * len(box.lines)) / 2
        for number, line in enumerate(box.lines):
            foot = top + (0.97 + 1.22 * number) * size
            self.canvas.write(line, (x, foot), size, colour, anchor=anchor, bold=is_bold)

    def _measure_thickness(self, way: FlowWay) -> float:
        return max(THICKEST * way.n / max(self.most, 1), THINNEST)

    def _draw_arrow(self, way: FlowWay) -> None:
        """Draw the way to the next box, with its number at the right."""
        x, thick = (self.left + self.right) / 2, self._measure_thickness(way)
        top, bottom, radius = (
            self.boxes[way.start].bottom,
            self.boxes[way.end].top,
            _size_tip(thick),
        )
        self.canvas.draw_lines([[(x, top), (x, bottom - 2 * radius)]], SOFT, thick)
        self.canvas.draw_shape("down", (x, bottom - 1.2 * radius), radius, SOFT)
        size = small_type(self.canvas)
        self.canvas.write(way.text, (x + 9, (top + bottom) / 2 + 0.36 * size), size)

    def _find_port(self, lane: _Lane, step: int) -> float:
        """Return the height at which a lane meets a box, so that lanes of a side do not cross."""
        meeting = [other for other in self.lanes if other.side == lane.side and step in other.ends]
        ordered = sorted(meeting, key=lambda other: _rank_port(other, step))
        box, part = self.boxes[step], (ordered.index(lane) + 0.5) / len(ordered)
        return box.top + part * (box.bottom - box.top)

    def _place_lane(self, lane: _Lane) -> float:
        edge = self.right if lane.side > 0 else self.left
        return edge + lane.side * (LEAST_TURN + (lane.number + 0.5) * self.lane_width)

    def _draw_lane(self, lane: _Lane) -> None:
        """Draw a way beside the boxes, with an arrow at its end."""
        x, edge = self._place_lane(lane), self.right if lane.side > 0 else self.left
        start, end = self._find_port(lane, lane.way.start), self._find_port(lane, lane.way.end)
        thick = self._measure_thickness(lane.way)
        radius = _size_tip(thick)
        path = [(edge, start), (x, start), (x, end), (edge + 2 * lane.side * radius, end)]
        self.canvas.draw_lines([path], SOFT, thick)
        shape = "left" if lane.side > 0 else "right"
        self.canvas.draw_shape(shape, (edge + lane.side * 1.2 * radius, end), radius, SOFT)

    def _write_number(self, lane: _Lane) -> None:
        """Write the number of a lane into the gap of boxes nearest to its middle."""
        top, bottom = lane.ends
        middle = (self.boxes[top].bottom + self.boxes[bottom].top) / 2
        gaps = [
            (self.boxes[step].bottom + self.boxes[step + 1].top) / 2 for step in range(top, bottom)
        ]
        y, size = min(gaps, key=lambda gap: abs(gap - middle)), small_type(self.canvas)
        x, width = self._place_lane(lane), measure_bold(lane.way.text, size) + 2
        self.canvas.draw_box((x - width / 2, y - 0.6 * size), (width, 1.2 * size), WHITE)
        self.canvas.write(lane.way.text, (x, y + 0.36 * size), size, INK, anchor="middle")


def _size_tip(thick: float) -> float:
    """Return the radius of the tip of an arrow: wider than its line."""
    return max(2.4, 0.6 * thick + 0.8)


def _rank_port(lane: _Lane, step: int) -> tuple[int, int]:
    """Order the lanes at a box: first those from above, nearest first, then the others."""
    comes_from_above = step == lane.ends[1]
    return (0, lane.number) if comes_from_above else (1, -lane.number)
