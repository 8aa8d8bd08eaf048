"""How pictures of ``sipas.plot`` look: nothing covers anything, colours differ, words translate."""

from itertools import combinations, pairwise

import drawn
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import plot_results as results
import pytest
from matplotlib.colors import to_rgb

import sipas_analysis as sipas
from sipas_analysis.documents.chart_answers import shade_levels
from sipas_analysis.documents.chart_intervals import LETTER_MARKS
from sipas_analysis.documents.chart_parts import ACCENT, FAINT, SECOND, SOFT
from sipas_analysis.plot.colours import (
    LEAST_CONTRAST,
    MARKERS,
    READABLE_CONTRAST,
    Colours,
    find_contrast,
)

# Simulation of dichromats: Machado, Oliveira and Fernandes (2009), severity 1, linear RGB.
SIGHT = {
    "all colours": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
OTHER = {"#ffffff": "#000000", "#000000": "#ffffff"}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
PLOTS = {
    "index": lambda **how: sipas.plot.index(sipas.score(results.own()), **how),
    "index by unit": lambda **how: sipas.plot.index(results.units(), **how),
    "ranking": lambda **how: sipas.plot.ranking(results.own_ranking(), **how),
    "ranking of groups": lambda **how: sipas.plot.ranking(results.ranking(), **how),
    "likert": lambda **how: sipas.plot.likert(results.demo(), **how),
    "likert by unit": lambda **how: sipas.plot.likert(results.own(), "Q1", by="unit", **how),
    "change": lambda **how: sipas.plot.change(results.own_changes(), **how),
    "slopes": lambda **how: sipas.plot.change(results.own_changes(), how="slopes", **how),
    "drivers": lambda **how: sipas.plot.drivers(results.models(), **how),
    "fits": lambda **how: sipas.plot.drivers(results.fits(), labels=results.demo(), **how),
    "importance": lambda **how: sipas.plot.importance(results.priority().importance, **how),
    "priority": lambda **how: sipas.plot.priority(results.priority(), **how),
    "reliability": lambda **how: sipas.plot.reliability(results.quality(), "loading", **how),
    "icc": lambda **how: sipas.plot.reliability(results.icc(), **how),
}
QUICK = ("index", "importance", "drivers")
NAMED = ("ranking", "change", "slopes", "likert by unit")  # 40 units with long names


@pytest.fixture(autouse=True)
def _closed():
    """Each test begins and ends without a figure."""
    drawn.close_all()
    yield
    drawn.close_all()


def slow(*values):
    """Return a case that the quick set leaves out."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("name", [name if name in QUICK else slow(name) for name in PLOTS])
@pytest.mark.slow
def test_no_text_covers_another_or_is_cut(name, lang):
    """In a figure of its own, with long names and 40 units; nothing is read as mathematics."""
    ax = PLOTS[name](lang=lang)
    assert drawn.list_overlaps(ax) == []
    if name in NAMED:
        assert any("($x$)" in text for text in [*drawn.labels_of(ax), *drawn.texts_of(ax)])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_axes_that_are_given_keep_their_size_and_texts_apart(name):
    """Labels are shortened and made smaller; the figure is the user's."""
    figure, ax = plt.subplots(figsize=(9, 8), layout="constrained")
    assert PLOTS[name](lang="vi", ax=ax) is ax
    assert tuple(figure.get_size_inches()) == (9, 8)
    assert drawn.list_overlaps(ax) == []


@pytest.mark.slow
def test_without_axes_the_current_ones_are_drawn_on():
    """As seaborn does; a figure that the user opened keeps its size."""
    figure = plt.figure(figsize=(5, 4))
    ax = PLOTS["importance"]()
    assert ax.get_figure() is figure
    assert ax is plt.gca()
    assert tuple(figure.get_size_inches()) == (5, 4)
    drawn.close_all()
    assert PLOTS["importance"]().get_figure() is plt.gcf()
    assert plt.gcf().get_figwidth() > 8


def test_lines_and_limits_can_be_added():
    """The scale of values is a real one, and rows stand at whole numbers."""
    ax = PLOTS["index"]()
    ax.axvline(80)
    ax.set_xlim(40, 100)
    ax.figure.canvas.draw()
    assert ax.transData.transform((80, 0))[0] < ax.transData.transform((100, 0))[0]
    points = sorted(float(point.get_ydata()[0]) for point in drawn.find(ax, "value"))
    assert points == [*range(len(ax.get_yticklabels()))]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot", slow("grayscale")])
@pytest.mark.parametrize(
    "name", [*map(slow, ("ranking", "likert", "change", "slopes", "priority")), "drivers"]
)
def test_marks_and_texts_can_be_read_on_every_background(name, style):
    """Marks have a contrast of 3, texts of 4.5 (WCAG 2.2), with the background of the style."""
    with plt.style.context(style):
        ax = PLOTS[name]()
        background = Colours.read(ax).background
        for gid in ("value", "interval", "slope", "satisfaction"):
            for artist in drawn.find(ax, gid):
                colour = (
                    artist.get_edgecolor() if hasattr(artist, "get_hatch") else artist.get_color()
                )
                assert find_contrast(to_rgb(colour), background) >= LEAST_CONTRAST
        page = ax.get_figure().get_facecolor()
        texts = [*ax.get_yticklabels(), ax.xaxis.label, *drawn.find(ax, "text")]
        for text in texts + drawn.find(ax, "note") + drawn.find(ax, "head"):
            assert find_contrast(to_rgb(text.get_color()), to_rgb(page)) >= 4.5
        label = ax.xaxis.label if name in ("slopes", "priority") else ax.get_yticklabels()[0]
        assert to_rgb(label.get_color()) == to_rgb(mpl.rcParams["text.color"])


def see(colour, sight):
    """Return a colour in CIELAB as people with a kind of sight see it."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(SIGHT[sight]) @ linear, 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("background", ["#ffffff", "#000000"])
def test_colours_differ_for_colour_blind_readers(sight, background):
    """A distance of 10 in CIELAB between marks (2.3 is just seen), and their shapes differ, too."""
    colours = Colours(OTHER[background], background, background)
    for palette, least in (
        ([colour for _, colour in LETTER_MARKS], 10),
        ([ACCENT, SECOND, SOFT], 10),
        ([ACCENT, SECOND, FAINT], 10),
    ):
        seen = [see(colours.fit(colour), sight) for colour in palette]
        distances = [np.linalg.norm(a - b) for a, b in combinations(seen, 2)]
        assert min(distances) >= least, (palette, min(distances))
    shapes = [shape for shape, _ in LETTER_MARKS]
    assert len({MARKERS[shape] for shape in shapes}) == len(LETTER_MARKS)


@pytest.mark.parametrize("sight", SIGHT)
def test_levels_of_answers_differ_from_their_neighbours(sight):
    """Light and dark differ, and a line parts the satisfied; a step of 6 in CIELAB at least."""
    for n_levels, n_bad in ((5, 3), (5, 2), (4, 2)):
        seen = [see(colour, sight) for colour in shade_levels(n_levels, n_bad)]
        steps = [np.linalg.norm(a - b) for a, b in pairwise(seen)]
        assert min(steps) >= 6, (n_levels, min(steps))


def test_readable_texts_have_the_contrast_of_the_standard():
    """A soft text is no harder to read than WCAG allows."""
    assert READABLE_CONTRAST >= 4.5
    for ink, background in (("#000000", "#ffffff"), ("#ffffff", "#000000")):
        assert find_contrast(Colours(ink, background, background).soft, background) >= 4.5


@pytest.mark.parametrize(
    ("name", "vietnamese", "english"),
    [
        ("index", "Hài lòng (%), khoảng tin cậy 95%", "Satisfied (%), 95% interval"),
        slow("change", "Thay đổi từ wave-2023 đến wave-2024", "Change from wave-2023 to wave-2024"),
        ("drivers", "Hệ số: độ lệch chuẩn", "Coefficient: standard deviations"),
        ("importance", "Mức liên hệ với hài lòng chung", "Link with overall satisfaction"),
        slow("likert", "Các câu trả lời (%)", "Answers (%)"),
        slow("reliability", "Hệ số tải chuẩn hóa", "Standardised loading"),
    ],
)
@pytest.mark.slow
def test_words_and_numbers_are_those_of_the_language(name, vietnamese, english):
    """The scale is named in the language, and its numbers have its point."""
    for lang, words in (("vi", vietnamese), ("en", english)):
        drawn.close_all()
        ax = PLOTS[name](lang=lang)
        assert drawn.one_line(ax.get_xlabel()).startswith(words)
        ax.figure.canvas.draw()
        wrong = {"vi": ".", "en": ","}[lang]
        assert not any(wrong in label.get_text() for label in ax.get_xticklabels())


@pytest.mark.parametrize("name", [name if name in QUICK else slow(name) for name in PLOTS])
@pytest.mark.quick_cases(1)
def test_a_title_covers_nothing(name):
    """``ax.set_title`` sets it above key, heads and names of limits, and inside the figure."""
    ax = PLOTS[name](lang="vi")
    for where in ("center", "left"):
        title = ax.set_title("Khảo sát sự hài lòng của người dân", loc=where)
        ax.figure.canvas.draw()
        renderer = ax.figure.canvas.get_renderer()
        place = title.get_window_extent(renderer)
        key = [ax.get_legend()] if ax.get_legend() is not None else []
        for part in [*ax.texts, *key]:
            assert not place.overlaps(part.get_window_extent(renderer)), part
        assert place.y1 <= ax.figure.bbox.y1
        assert place.y0 >= ax.get_window_extent(renderer).y1
        title.set_text("")


@pytest.mark.slow
def test_a_title_stands_at_the_axes_where_nothing_is_above():
    """It does not float: the gap is that of any axes of Matplotlib."""
    ax = PLOTS["importance"]()
    ax.set_title("Links")
    ax.figure.canvas.draw()
    gap = ax.title.get_window_extent().y0 - ax.get_window_extent().y1
    assert 0 <= gap < 15 * ax.figure.dpi / 72
