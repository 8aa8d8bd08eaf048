"""Pictures: same bytes twice, readable on a phone and in black and white, nothing cut or hidden."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from sipas_analysis.documents.canvas import Canvas
from sipas_analysis.documents.chart_answers import AnswerRow, draw_answers
from sipas_analysis.documents.chart_bars import Bar, BarRow, Panel, draw_bars
from sipas_analysis.documents.chart_flow import FlowStep, FlowWay, draw_flow, list_drawn_ways
from sipas_analysis.documents.chart_intervals import IntervalRow, draw_intervals
from sipas_analysis.documents.chart_parts import NARROW, TALLEST, WIDE, make_scale, wrap_text
from sipas_analysis.documents.chart_slopes import Slope, draw_slopes, draw_trend
from sipas_analysis.documents.chart_strips import Dot, StripRow, draw_strips
from sipas_analysis.documents.outlines import find_letter, measure_width

NAN = float("nan")
HOSTILE = "<script>$x$ & \\$y$ 'z' {z}"
LONG = "Ủy ban nhân dân xã Vĩnh Thạnh Trung huyện Châu Phú tỉnh An Giang, bộ phận tiếp nhận và " * 2
LONG = LONG[:120].strip()
ROWS = [
    IntervalRow("Sở Nội vụ", 94.6, 90.0, 99.0, letter="A", text="94,60"),
    IntervalRow(HOSTILE, 80.0, 70.0, 90.0, marked=True, letter="B", text="80,00"),
    IntervalRow(LONG, 100.0, NAN, NAN, apart=True, text="100,00"),
]
STRIPS = [
    StripRow(LONG, 85.0, 84.0, 86.0, [Dot(f"Xã {k}", 70.0 + k) for k in range(30)]),
    StripRow("B", 100.0, NAN, NAN, [Dot("X", 99.0, "up"), Dot("Y", 10.0, "down"), Dot("Z", NAN)]),
]
SLOPES = [
    Slope(LONG, 80.0, 90.0, "up", "+10,0"),
    Slope("B", 100.0, 100.0, "open", "0,0", marked=True),
    Slope(HOSTILE, 90.0, 81.0, "down", "−9,0"),
]
PANELS = [Panel("Chênh lệch so với chỉ số chung của tỉnh"), Panel("Mức liên hệ", 20.0, 0.0)]
BARS = [
    BarRow(LONG, (Bar(-5, -7, -3, -1), Bar(30, 25, 35, 1)), "quan trọng và yếu: xem trước tiên"),
    BarRow("B", (Bar(1, -3, 5), Bar(18, 12, 25)), "chưa đủ cơ sở kết luận"),
]
ANSWERS = [
    AnswerRow(LONG, [5.0, 5.0, 10.0, 40.0, 40.0], "20,0", "80,0"),
    AnswerRow("A2", [0.0, 0.0, 0.0, 0.0, 100.0], "0,0", "100,0"),
]
STEPS = [
    FlowStep("Tiếp nhận hồ sơ", ("một nửa xong trong 0,5 ngày",)),
    FlowStep(HOSTILE),
    FlowStep("Yêu cầu bổ sung", ("một nửa xong trong 3,0 ngày",)),
    FlowStep(LONG, ("một nửa xong trong 6,4 ngày", "một phần mười từ 15,2 ngày"), "Chậm nhất"),
    FlowStep("Ký duyệt"),
    FlowStep("Trả kết quả"),
]
WAYS = [
    FlowWay(start, end, n, f"{n}.000")
    for start, end, n in [
        *((0, 1, 20), (1, 2, 2), (2, 1, 2), (1, 3, 18), (3, 4, 20), (4, 3, 1), (4, 5, 19)),
        *((3, 1, 1), (0, 5, 3), (3, 0, 0), (2, 5, 0), (4, 4, 5), (9, 0, 1)),
    ]
]
LEVELS = ["Rất không hài lòng", "Không hài lòng", "Bình thường", "Hài lòng", "Rất hài lòng"]
HEADS = ("Chưa hài lòng (%)", "Hài lòng (%)")
CHARTS = {
    "intervals": partial(draw_intervals, ROWS, "vi", "Hài lòng (%)", (80, 95)),
    "no rows": partial(draw_intervals, [], "en", "Satisfied (%)"),
    "one row": partial(draw_intervals, ROWS[2:], "vi", "Hài lòng (%)", zero=True),
    "beside": partial(
        draw_intervals, [replace(ROWS[0], beside=85.0, faint=True)], "vi", "%", key="Nhóm"
    ),
    "both with intervals": partial(
        draw_intervals,
        [replace(row, beside=75.0, beside_low=74.0, beside_high=101.0) for row in ROWS],
        "vi",
        "%",
        key="Theo hồ sơ",
    ),
    "flow": partial(draw_flow, STEPS, WAYS, "Số cạnh mũi tên là số hồ sơ"),
    "flow without steps": partial(draw_flow, [], []),
    "strips": partial(draw_strips, STRIPS, "vi", "Hài lòng (%)"),
    "slopes": partial(draw_slopes, SLOPES, ("2020", "2021"), "vi"),
    "bars": partial(draw_bars, BARS, PANELS, "vi"),
    "answers": partial(draw_answers, ANSWERS, LEVELS, 3, HEADS),
    "trend": partial(
        draw_trend,
        [
            IntervalRow(str(year), 80.0, 79.0, NAN if year == 2018 else 82.0)
            for year in range(2016, 2021)
        ],
        [True, False, True, True],
        "vi",
    ),
}


class Written:
    """The texts of a picture with their places, as the canvas was asked to write them."""

    def __init__(self, monkeypatch):
        self.texts = []
        write = Canvas.write

        def note(canvas, text, start, size, colour="", *, anchor="start", bold=False):
            width = measure_width(text, size, bold=bold)
            left = start[0] - {"start": 0, "middle": width / 2, "end": width}[anchor]
            self.texts.append((text, left, left + width, start[1], size, bold, canvas.width))
            write(canvas, text, start, size, colour or "#1b2a41", anchor=anchor, bold=bold)

        monkeypatch.setattr(Canvas, "write", note)

    @property
    def words(self):
        """All texts in the order in which they were written."""
        return [text for text, *_ in self.texts]


@pytest.fixture
def written(monkeypatch):
    """What pictures write."""
    return Written(monkeypatch)


def size_of(svg):
    """Parse an SVG and return its width and height."""
    return tuple(float(number) for number in ET.fromstring(svg).get("viewBox").split()[2:])


def shapes_of(svg, name):
    """Return the elements of a picture with this tag, outside the definitions."""
    root = ET.fromstring(svg)
    tag = "{http://www.w3.org/2000/svg}" + name
    defined = {id(part) for defs in root for part in defs.iter() if defs.tag.endswith("defs")}
    return [part for part in root.iter(tag) if id(part) not in defined]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", CHARTS)
def test_a_picture_is_well_formed_and_the_same_twice(name, narrow):
    """No date, no random ids, no markup from names: an auditor can compare pictures."""
    svg = CHARTS[name](narrow=narrow)
    assert svg == CHARTS[name](narrow=narrow)
    assert b"<script" not in svg
    assert size_of(svg)[0] == (NARROW if narrow else WIDE).width
    uses = {use.get("href")[1:] for use in ET.fromstring(svg).iter() if use.tag.endswith("use")}
    assert uses <= {part.get("id") for part in ET.fromstring(svg).iter()}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", CHARTS)
def test_type_is_large_enough_and_inside_the_picture(name, narrow, written):
    """11 pixels on a phone of 390, 7.5 points on A4 (467 points wide); no text is cut."""
    height = size_of(CHARTS[name](narrow=narrow))[1]
    least = 11 * NARROW.width / 350 - 0.4 if narrow else 7.5 * WIDE.width / 467
    for text, left, right, foot, size, _, width in written.texts:
        assert size >= least, text
        assert left >= -0.5, text
        assert right <= width + 0.5, text
        assert size * 0.7 <= foot <= height, text


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", CHARTS)
def test_no_text_lies_on_another(name, narrow, written):
    """Boxes of two texts do not meet; the marks above letters need room too."""
    CHARTS[name](narrow=narrow)
    boxes = [
        (left, right, foot - 0.75 * size, foot + 0.05 * size, text)
        for text, left, right, foot, size, *_ in written.texts
        if text
    ]
    for number, (left, right, top, bottom, text) in enumerate(boxes):
        for other in boxes[:number]:
            is_apart = (
                left >= other[1] or right <= other[0] or top >= other[3] or bottom <= other[2]
            )
            assert is_apart, (text, other[4])


@pytest.mark.parametrize("name", ["intervals", "strips", "bars", "answers", "flow"])
@pytest.mark.parametrize("narrow", [False, True])
def test_names_of_120_letters_are_whole(name, narrow, written):
    """They are wrapped, not cut; on a phone they stand above their row."""
    CHARTS[name](narrow=narrow)
    assert LONG in " ".join(written.words).replace(":", "")
    assert not any("…" in text for text in written.words)


def test_a_change_is_never_cut_with_its_name(written):
    """A name beside the lines may end in an ellipsis (the table has it whole), its change not."""
    draw_slopes(SLOPES, ("2020", "2021"), "vi", narrow=True)
    assert sum("(+10,0)" in text for text in written.words) == 1


def test_a_picture_speaks_the_language_of_its_report():
    """Decimals and words differ, so the bytes do."""
    assert draw_intervals(ROWS, "vi", "%") != draw_intervals(ROWS, "en", "%")


def test_letters_differ_in_shape_and_units_without_rank_are_hollow():
    """A copy in black and white tells the letters apart; hatching means: not ranked."""
    rows = [*ROWS[:2], replace(ROWS[2], low=90.0, high=100.0)]
    svg = draw_intervals(rows, "vi", "%").decode()
    assert svg.count("fill='url(#hatch)'") == 2  # the interval, and the key
    plain = draw_intervals(ROWS[:1], "vi", "%").decode()
    assert "hatch" not in plain
    shapes = [
        draw_intervals([replace(ROWS[0], letter=letter) for letter in letters], "vi", "%")
        for letters in ("A", "AB")
    ]
    assert [svg.count(b"<circle") for svg in shapes] == [1, 1]


def test_the_own_unit_is_bold_and_on_a_band(written):
    """The unit of the report is found at once, without colours too."""
    draw_intervals(ROWS, "vi", "%")
    bold = [text for text, *_, is_bold, _ in written.texts if is_bold]
    assert bold
    assert all(part in f"{HOSTILE} B 80,00" for part in bold)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("n_units", [18, 54, 120, 187])
def test_many_units_fit_a_page_with_every_name(n_units, written):
    """More than 54 units stand in columns; a page is not made smaller than its type allows."""
    rows = [
        IntervalRow(f"Xã Vĩnh An {k}", 95 - k / 9, 94 - k / 9, 96 - k / 9) for k in range(n_units)
    ]
    assert size_of(draw_intervals(rows, "vi", "%"))[1] <= TALLEST + 60
    assert {row.label for row in rows} <= {*written.words}
    written.texts.clear()
    draw_intervals(rows, "vi", "%", narrow=True)
    assert {row.label for row in rows} <= {*written.words}


def test_units_that_surely_differ_are_named_and_the_rest_counted(written):
    """Furthest first; of many names the last words say how many more there are."""
    dots = [Dot(f"Xã Vĩnh An {k}", 99.0 - k / 10, "up") for k in range(40)] + [Dot("Lẻ", 50.0)]
    draw_strips([StripRow("A", 80.0, 79.0, 81.0, dots)], "vi", "%")
    said = " ".join(written.words)
    assert "Xã Vĩnh An 0; Xã Vĩnh An 1;" in said
    assert "Lẻ" not in said
    n_named = said.count("Xã Vĩnh An")
    assert f"(+{40 - n_named})" in said
    svg = draw_strips([StripRow("A", 80.0, 79.0, 81.0, dots[40:])], "vi", "%")
    assert "Không đơn vị nào chắc chắn khác" in " ".join(written.words[-9:])
    assert len(shapes_of(svg, "circle")) == 2  # the dot, and the one of the key


@pytest.mark.parametrize(
    ("n_levels", "n_bad"), [(2, 1), (3, 2), (5, 3), (7, 5), (10, 7), (11, None)]
)
def test_bars_of_answers_take_any_scale(n_levels, n_bad):
    """A dark line parts satisfied from other answers; answers with points have none."""
    rows = [AnswerRow("A1", [100 / n_levels] * n_levels, "", "50,0")]
    svg = draw_answers(rows, [str(k) for k in range(n_levels)], n_bad, HEADS).decode()
    assert svg.count("stroke-width='1.3'") == (n_bad is not None)
    fills = [part.get("fill") for part in shapes_of(svg, "path") if part.get("fill", "")[1:]]
    assert len({*fills} - {"none", "#fff"}) == n_levels


def test_bars_that_are_not_sure_are_hollow():
    """A colour means sure; the words at the right say the same."""
    svg = draw_bars(BARS, PANELS, "vi").decode()
    assert svg.count("fill='#ffffff'") == 2
    assert svg.count("fill='#0b6e8f'") == svg.count("fill='#b8521f'") == 1


def test_of_many_units_only_sure_changes_and_the_own_unit_are_named(written):
    """Lines of the others are faint."""
    slopes = [Slope(f"Xã {k}", 80.0, 81.0, "open", "+1,0") for k in range(60)]
    slopes[7] = replace(slopes[7], verdict="down", after=70.0)
    slopes[9] = replace(slopes[9], marked=True)
    draw_slopes(slopes, ("2020", "2021"), "vi")
    assert [text for text in written.words if "Xã" in text] == ["Xã 9 (+1,0)", "Xã 7 (+1,0)"]


@pytest.mark.parametrize("narrow", [False, True])
def test_the_slowest_step_is_told_by_a_word_and_an_edge_and_ways_by_their_width(narrow, written):
    """A copy in black and white shows them too; a way that few dossiers took is a thin line."""
    svg = draw_flow(STEPS, WAYS, narrow=narrow).decode()
    bold = " ".join(text for text, *_, is_bold, _ in written.texts if is_bold)
    assert bold == f"{LONG} Chậm nhất một nửa xong trong 6,4 ngày một phần mười từ 15,2 ngày"
    assert svg.count("stroke-width='2.4'") == 1  # the edge of its box
    for n, width in ((20, 6.0), (18, 5.4), (3, 0.9), (1, 0.8)):
        n_ways = sum(way.n == n for way in list_drawn_ways(STEPS, WAYS))
        assert n_ways > 0
        assert svg.count(f"stroke-width='{width:g}'") >= n_ways, n


def test_of_many_ways_the_most_taken_are_drawn_and_none_to_itself():
    """Each side has two lanes; the next step needs none."""
    drawn = [(way.start, way.end) for way in list_drawn_ways(STEPS, WAYS)]
    assert {(0, 1), (1, 2), (3, 4), (4, 5)} <= {*drawn}
    assert {(1, 3), (0, 5), (2, 1), (4, 3), (3, 1)} <= {*drawn}
    assert not {(4, 4), (9, 0), (2, 5)} & {*drawn}
    assert list_drawn_ways(STEPS, []) == list_drawn_ways([], WAYS) == []


def test_a_scale_is_never_shorter_than_four_points():
    """Units at 100, 100 and 99.9 do not look far apart; nothing lies beyond 0 and 100."""
    scale = make_scale([100.0, 99.9], 0, 1)
    assert scale.high - scale.low >= 1.9
    assert scale.high < 100.1
    assert make_scale([NAN], 0, 1).low == 0
    assert scale.place(50.0) == 0


def test_lines_are_about_as_long_as_each_other():
    """No word stands alone on the last line where it need not."""
    lines = wrap_text("Công chức hướng dẫn kê khai hồ sơ tận tình, chu đáo", 190, 9, 4)
    widths = [measure_width(line, 9) for line in lines]
    assert len(lines) == 2
    assert all(width > 0.5 * longest for longest, width in pairwise(widths))


def test_names_that_start_alike_stay_different_when_they_are_shortened():
    """In three columns of 187 communes each has one line: start and end are kept."""
    names = ["Ủy ban nhân dân xã Vĩnh Hòa", "Ủy ban nhân dân xã Vĩnh Hanh"]
    lines = [wrap_text(name, 90, 8.5, 1) for name in names]
    assert [line[0].startswith("Ủy ba") and "…" in line[0] for line in lines] == [True, True]
    assert [line[0].split()[-1] for line in lines] == ["Hòa", "Hanh"]
    assert all(measure_width(line[0], 8.5) <= 90 for line in lines)


def test_letters_come_from_the_font_and_marks_are_shared():
    """ế is an e with two marks; a letter that no font has is a box, a space is nothing."""
    assert len(find_letter("ế", False).pieces) > 1
    assert "e" in {piece.name for piece in find_letter("ế", False).pieces}
    assert find_letter(" ", False).pieces == ()
    assert find_letter("ក", False).pieces[0].name == ".notdef"
    assert measure_width("e\u0302\u0301", 10) == measure_width("ế", 10)
    assert measure_width("Sở", 10, bold=True) > measure_width("Sở", 10)


def test_a_repeated_word_is_defined_once():
    """A picture of 20 departments writes "Sở" once."""
    few, many = (Canvas(100), Canvas(100))
    few.write("Thanh tra tỉnh", (0, 10), 9)
    for line in range(10):
        many.write("Thanh tra tỉnh", (0, 10 * line), 9)
    assert len(many.render()) < 2.5 * len(few.render())
