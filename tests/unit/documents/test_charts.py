"""Pictures: well-formed, the same bytes twice, and faithful to names and missing values."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sipas_analysis.documents.charts import (
    WIDTH,
    IntervalRow,
    MatrixPoint,
    draw_heat_map,
    draw_intervals,
    draw_likert,
    draw_matrix,
)

NAN = float("nan")
LEVELS = ["Rất không hài lòng", "Không hài lòng", "Bình thường", "Hài lòng", "Rất hài lòng"]
HOSTILE = "<script>$x$ & \\$y$ {z}"


def size_of(svg):
    """Parse an SVG and return width and height in inches."""
    root = ET.fromstring(svg)
    return tuple(float(root.get(name).removesuffix("pt")) / 72 for name in ("width", "height"))


def test_the_same_rows_give_the_same_bytes():
    """No date, no random ids: an auditor can compare pictures."""
    rows = [
        IntervalRow("Sở A", 94.6, 90.0, 99.0),
        IntervalRow("Sở B", 80.0, 70.0, 90.0, marked=True),
    ]
    assert draw_intervals(rows, "vi", [80, 95]) == draw_intervals(rows, "vi", [80, 95])


def test_a_picture_speaks_the_language_of_its_report():
    """Axis and decimals differ, so the bytes do."""
    rows = [IntervalRow("A", 94.6, 94.0, 95.0)]
    assert draw_intervals(rows, "vi") != draw_intervals(rows, "en")


def test_height_follows_the_rows_and_width_the_page():
    """Sixty units are not squeezed into the room of two."""
    few, many = (
        [IntervalRow(f"Xã {k}", 80.0 + k / 9, 70.0, 90.0) for k in range(n)] for n in (2, 60)
    )
    (width, low), (same, high) = (
        size_of(draw_intervals(few, "vi")),
        size_of(draw_intervals(many, "vi")),
    )
    assert width == same == pytest.approx(WIDTH)
    assert high > low + 15


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [IntervalRow("A", 100.0, NAN, NAN)],
        [IntervalRow("A", 0.0, 0.0, 0.0)],
        [IntervalRow("A", 100.0, 88.43, 100.0)],
    ],
)
def test_what_is_missing_or_certain_can_be_drawn(rows):
    """No unit, one form without an interval, 0 %, 100 %."""
    ET.fromstring(draw_intervals(rows, "en"))
    ET.fromstring(draw_intervals(rows, "en", zero=True))


def test_a_dollar_sign_is_no_formula():
    """Names are drawn as they are: two dollar signs do not make mathematics."""
    row = IntervalRow(HOSTILE, 90.0, 80.0, 95.0)
    plain, dollars = (
        draw_intervals([IntervalRow(name, 90.0, 80.0, 95.0)], "en") for name in ("x", "$x$")
    )
    assert len(dollars) > len(plain)
    for svg in (
        draw_intervals([row], "en"),
        draw_heat_map([[90.0]], [HOSTILE], [HOSTILE], "en"),
        draw_likert([HOSTILE], [[20.0] * 5], LEVELS, "vi"),
    ):
        ET.fromstring(svg)
        assert b"<script" not in svg


def test_a_heat_map_leaves_a_missing_cell_white():
    """A hidden figure has no shade; all hidden makes a picture too."""
    ET.fromstring(draw_heat_map([[90.0, NAN], [80.0, 70.0]], ["A", "B"], ["X", "Y"], "vi"))
    ET.fromstring(draw_heat_map([[NAN]], ["A"], ["X"], "vi"))


def test_bars_of_answers_take_any_scale():
    """Five levels, or three; an item with no answers has no bar."""
    ET.fromstring(draw_likert(["A1", "A2"], [[10, 10, 20, 30, 30], [NAN] * 5], LEVELS, "vi"))
    ET.fromstring(draw_likert(["A1"], np.array([[50.0, 25.0, 25.0]]), LEVELS[:3], "en"))


CORNERS = [f"report.quadrant.{name}" for name in ("fix", "keep", "watch", "enough")]


def test_a_matrix_shows_every_point_once_and_is_the_same_twice():
    """Well-formed, hostile names and all; the height follows the points."""
    marks = [
        MatrixPoint(HOSTILE, (90.0, 80.0, 99.0), (20.0, 15.0, 25.0), "#123456"),
        MatrixPoint("Sở B", (70.0, 60.0, 80.0), (30.0, 25.0, 35.0), "#654321"),
    ]
    made = draw_matrix(marks, (85.0, 20.0), "vi", CORNERS)
    assert made == draw_matrix(marks, (85.0, 20.0), "vi", CORNERS)
    assert made != draw_matrix(marks[:1], (85.0, 20.0), "vi", CORNERS)
    assert made != draw_matrix(marks, (85.0, 20.0), "en", CORNERS)
    assert size_of(draw_matrix(marks * 6, (85.0, 20.0), "vi", CORNERS))[1] > size_of(made)[1]
    for colour in ("#123456", "#654321"):
        assert made.decode().count(colour) >= 4  # two lines, a point, a name
