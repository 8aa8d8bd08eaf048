"""What ``sipas.plot`` draws: the numbers of the result, and the rows of the report's pictures."""

from dataclasses import replace
from math import isnan

import drawn
import matplotlib.pyplot as plt
import numpy as np
import plot_results as results
import pytest

import sipas_analysis as sipas
from sipas_analysis.documents.model import Table, make_text
from sipas_analysis.figures.published import Figures, figures_of
from sipas_analysis.messages import format_number
from sipas_analysis.reports import answer_pictures, pictures, unit_pictures
from sipas_analysis.reports.subject import FLAGGED, Subject

LANGUAGES = ["vi", pytest.param("en", marks=pytest.mark.slow)]
TABLE = Table("table", make_text("report.table.factors"), (), ())


@pytest.fixture(autouse=True)
def _no_window(monkeypatch):
    """Each test begins without a figure; nothing is shown or saved by the package."""
    drawn.close_all()
    monkeypatch.setattr(plt, "show", lambda *_: pytest.fail("shown"))
    yield
    drawn.close_all()


@pytest.fixture(scope="module")
def subject():
    """Return the province of the demo."""
    return Subject(figures_of(results.demo()))


@pytest.fixture
def handed(monkeypatch):
    """Collect the rows that the report hands to its canvas."""
    calls = []
    for module, name in (
        (pictures, "draw_intervals"),
        (answer_pictures, "draw_answers"),
        (answer_pictures, "draw_bars"),
        (unit_pictures, "draw_slopes"),
    ):
        monkeypatch.setattr(module, name, lambda rows, *_args, **_how: calls.append(rows) or b"")
    return calls


def as_rows(interval_rows):
    """Return rows of the report as they should stand on axes."""
    return [
        drawn.Row(
            row.label.removesuffix(FLAGGED), row.value, row.low, row.high, row.apart or row.faint
        )
        for row in interval_rows
    ]


def assert_same(rows, expected):
    """Labels and marks are equal, and so are the numbers, to twelve digits."""
    assert [(row.label, row.is_hollow) for row in rows] == [
        (row.label, row.is_hollow) for row in expected
    ]
    numbers = np.array([row[1:4] for row in rows], float)
    assert numbers == pytest.approx(np.array([row[1:4] for row in expected], float), nan_ok=True)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.slow
def test_factors_are_those_of_the_report(subject, handed, lang):
    """Name, value, interval and printed number of each factor; the overall index comes last."""
    pictures.draw_factors_picture(subject, TABLE).draw(lang)
    ax = sipas.plot.index(sipas.score(results.demo()), lang=lang)
    *factors, overall = drawn.rows_of(ax)
    assert_same(factors, as_rows(handed[0]))
    assert overall.value == pytest.approx(subject.own_figures["overall"].value)
    assert [row.text for row in handed[0]] == drawn.texts_of(ax)[:5]
    assert [round(x.get_xdata()[0], 6) for x in drawn.find(ax, "target")] == [80, 95]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["demo", "shown"])
@pytest.mark.quick_cases(1)
def test_a_ranking_is_that_of_the_report(handed, name, lang):
    """Order, index, interval, letters and units without a rank, of each group."""
    survey = getattr(results, name)()
    subject = Subject(Figures(survey))
    ranked = sipas.rank(sipas.score(survey, by="unit"))
    for group in subject.figures.groups:
        units = subject.figures.units_in_order(group)
        pictures.draw_ranking_picture(subject, group, units, TABLE).draw(lang)
        drawn.close_all()
        ax = sipas.plot.ranking(ranked, group, lang=lang)
        rows, texts = handed[-1], drawn.texts_of(ax)
        assert_same(drawn.rows_of(ax), as_rows(rows))
        assert [row.text for row in rows] == texts[: len(rows)]
        letters = [row.letter for row in rows if row.letter]
        assert letters == [text for text in texts if len(text) == 1]
        if name == "shown":
            assert len({*letters}) > 2
            assert any(row.apart for row in rows)


@pytest.mark.slow
def test_letters_have_marks_in_the_order_of_the_report():
    """Units of one letter share shape and colour; units without a rank are hollow and hatched."""
    ranked = results.own_ranking()
    ax = sipas.plot.ranking(ranked)
    letters = ranked.frame.loc[ranked.frame["flag"] != "suppress", "letter"].tolist()
    points = sorted(drawn.find(ax, "value"), key=lambda point: point.get_ydata()[0])
    marks = {}
    for letter, point in zip(letters, points, strict=True):
        marks.setdefault(letter, set()).add((point.get_marker(), point.get_color()))
    assert all(len(kinds) == 1 for kinds in marks.values())
    assert len({*map(tuple, marks.values())}) == len(marks) > 4
    apart = [row for row in drawn.rows_of(ax) if row.is_hollow]
    assert len(apart) == ranked.frame["reason"].isin(["few_forms", "flagged"]).sum() > 0
    boxes = [box for box in drawn.find(ax, "interval") if hasattr(box, "get_hatch")]
    assert len(boxes) == len(apart)
    assert all(box.get_hatch() for box in boxes)
    ranges = [text for text in ranked.range_texts() if text]
    assert {*ranges} <= {*drawn.texts_of(ax)}


@pytest.mark.slow
@pytest.mark.parametrize("dpi", [70, 50, 200])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_heads_are_whole_words_and_name_the_letter(lang, dpi):
    """Lines of a head break at blanks, at any resolution; the letter is no group of units."""
    with plt.rc_context({"figure.dpi": dpi}):
        ax = sipas.plot.ranking(results.own_ranking(), lang=lang)
        ax.figure.canvas.draw()
    heads = [text.get_text() for text in drawn.find(ax, "head")]
    words = {
        "en": ["Index", "Possible ranks", "Letter"],
        "vi": ["Chỉ số", "Hạng có thể", "Nhóm chữ"],
    }
    assert [head.replace("\n", " ") for head in heads] == words[lang]
    assert words[lang][2] in results.own_ranking().to_markdown(lang=lang)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.slow
def test_answers_are_those_of_the_report(subject, handed, lang):
    """Shares of each level, the line before the satisfied, and both numbers beside the bar."""
    for picture in answer_pictures.draw_items_pictures(subject):
        picture.draw(lang)
    (expected,) = handed
    ax = sipas.plot.likert(results.demo(), lang=lang)
    assert drawn.labels_of(ax) == [row.label.replace("*.", ".") for row in expected]
    boxes = drawn.find(ax, "level")
    n = len(expected)
    shares = np.array([box.get_width() for box in boxes]).reshape(5, n).T
    assert shares == pytest.approx(np.array([row.shares for row in expected]))
    borders = [line.get_xdata()[0] for line in drawn.find(ax, "border")][::2]
    assert borders == pytest.approx([sum(row.shares[:3]) for row in expected])
    texts = drawn.texts_of(ax)
    assert texts[:n] == [row.left for row in expected]
    assert texts[n + 1 : 2 * n + 1] == [row.right for row in expected]


def test_answers_by_a_key_are_weighted_shares_of_those_who_answered():
    """Of each group of the demo, by hand from its forms."""
    survey = results.demo()
    ax = sipas.plot.likert(survey, ["A1", "A4"], by="group")
    labels = drawn.labels_of(ax)
    assert labels[1:3] == labels[4:] == ["Departments", "Districts"]
    assert labels[0].startswith("A1. ")
    widths = np.array([box.get_width() for box in drawn.find(ax, "level")]).reshape(5, 4).T
    for place, (item, group) in enumerate(
        (item, group) for item in ("A1", "A4") for group in ("departments", "districts")
    ):
        answers = survey.frame.loc[survey.frame["group"] == group, item].dropna()
        shares = [100 * (answers == level).mean() for level in range(1, 6)]
        assert widths[place] == pytest.approx(shares)


@pytest.mark.slow  # many pictures are drawn
@pytest.mark.parametrize("lang", LANGUAGES)
def test_importance_is_that_of_the_report(subject, handed, lang):
    """Order, share and interval of each factor."""
    pictures.draw_importance_picture(subject).draw(lang)
    ax = sipas.plot.importance(results.priority().importance, lang=lang)
    assert_same(drawn.rows_of(ax), as_rows(handed[0]))
    assert [line.get_xdata()[0] for line in drawn.find(ax, "zero")] == [0]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.slow
def test_priorities_are_those_of_the_report(subject, handed, lang):
    """Gap to the index with the interval of rule R7, importance, and what follows in words."""
    answer_pictures.draw_priority_picture(subject).draw(lang)
    (expected,) = handed
    matrix = results.priority()
    ax = sipas.plot.priority(matrix, lang=lang)
    points = [(*point.get_xdata(), *point.get_ydata()) for point in drawn.find(ax, "value")]
    across = [
        [x - matrix.cut_percent for x in line.get_xdata()]
        for line in drawn.find(ax, "satisfaction")
    ]
    upright = [[*line.get_ydata()] for line in drawn.find(ax, "importance")]
    bars = [row.bars for row in expected]
    assert [x - matrix.cut_percent for x, _ in points] == pytest.approx(
        [gap.value for gap, _ in bars]
    )
    assert [y for _, y in points] == pytest.approx([share.value for _, share in bars])
    assert np.array(across) == pytest.approx(np.array([[gap.low, gap.high] for gap, _ in bars]))
    assert np.array(upright) == pytest.approx(np.array([[s.low, s.high] for _, s in bars]))
    texts = drawn.texts_of(ax)
    for row in expected:
        assert f"{row.label}: {row.words}" if row.words else row.label in texts
    thick = [line.get_linewidth() > 1 for line in drawn.find(ax, "importance")]
    assert thick == [bool(share.side) for _, share in bars]


@pytest.mark.slow  # many pictures are drawn
def test_priorities_of_a_unit_are_against_the_cut_of_the_whole():
    """A unit has no gaps by rule R7: its own interval is drawn."""
    matrix = sipas.priority(results.demo(), "so-ldtbxh")
    ax = sipas.plot.priority(matrix)
    frame = matrix.frame.sort_values("percent", kind="stable")
    lines = np.array([line.get_xdata() for line in drawn.find(ax, "satisfaction")])
    assert lines == pytest.approx(frame[["percent_low", "percent_high"]].to_numpy(float))


@pytest.mark.slow  # many pictures are drawn
@pytest.mark.parametrize("lang", LANGUAGES)
def test_slopes_are_those_of_the_report(handed, lang):
    """Both figures of each unit, the change in words, and which changes are sure."""
    subject = Subject(figures_of(results.demo()))
    for group in subject.figures.groups:
        unit_pictures.draw_changes_picture(subject, group).draw(lang)
    expected = sorted(
        (slope.before, slope.after, slope.verdict != "open")
        for slopes in handed
        for slope in slopes
    )
    ax = sipas.plot.change(results.changes(), how="slopes", lang=lang)
    lines = drawn.find(ax, "slope")
    found = sorted((*line.get_ydata(), line.get_marker() in "^v") for line in lines)
    assert np.array(found, float) == pytest.approx(np.array(expected, float))
    named = {f"{slope.label.removesuffix(FLAGGED)} ({slope.text})" for s in handed for slope in s}
    assert named == {*drawn.texts_of(ax)} - {drawn.notes_of(ax)}


@pytest.mark.slow  # many pictures are drawn
def test_differences_are_those_of_compare_and_sure_ones_stand_out():
    """Largest first; filled triangles where the interval leaves out 0."""
    frame = results.own_changes().frame
    expected = frame[(frame["domain"] == "unit") & (frame["level"] == "overall")]
    known = expected[expected["value"].notna()].sort_values("value", ascending=False, kind="stable")
    ax = sipas.plot.change(results.own_changes())
    rows = drawn.rows_of(ax)
    numbers = np.array([row[1:4] for row in rows])
    assert numbers == pytest.approx(known[["value", "low", "high"]].to_numpy(float))
    assert [not row.is_hollow for row in rows] == [*known["verdict"].isin(["up", "down"])]
    assert 0 < sum(not row.is_hollow for row in rows) < len(rows)
    shapes = {point.get_marker() for point in drawn.find(ax, "value")}
    assert shapes == {"o", "v"}
    n_absent = len(expected) - len(known)
    assert n_absent > 0
    assert f"{n_absent} not compared" in drawn.notes_of(ax)
    assert "withheld: too few people" in drawn.notes_of(ax)


@pytest.mark.parametrize("rows", ["whole", "groups", "factors", "items"])
@pytest.mark.slow
def test_changes_of_other_rows(rows):
    """The whole, groups, factors and items."""
    frame = results.changes().frame
    domain = {"groups": "group"}.get(rows, "all")
    level = {"factors": "factor", "items": "item"}.get(rows, "overall")
    known = frame[(frame["domain"] == domain) & (frame["level"] == level)]
    ax = sipas.plot.change(results.changes(), rows)
    assert sorted(row.value for row in drawn.rows_of(ax)) == pytest.approx(sorted(known["value"]))


def test_coefficients_of_the_drivers():
    """Each model has its mark; what may be nothing is hollow."""
    models = results.models()
    ax = sipas.plot.drivers(models, ["linear", "logit", "ordinal"])
    frame = models.frame
    assert "different scales" in drawn.notes_of(ax)
    marks = {point.get_marker() for point in drawn.find(ax, "value")}
    assert len(marks) == len(set(frame["model"])) > 1
    points = sorted(point.get_xdata()[0] for point in drawn.find(ax, "value"))
    assert points == pytest.approx(sorted(frame["value"]))
    linear = drawn.rows_of(sipas.plot.drivers(models, "linear", ax=plt.figure().gca()))
    expected = models.model_rows("linear")
    assert np.array([row[1:4] for row in linear]) == pytest.approx(
        expected[["value", "low", "high"]].to_numpy(float)
    )
    crosses = (expected["low"] <= 0) & (expected["high"] >= 0)
    assert [row.is_hollow for row in linear] == [*crosses]
    assert linear[0].label == "Access to services"


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.quick_cases(1)
def test_coefficients_of_one_scale_are_drawn_with_their_unit(lang):
    """The linear model by default, without it log odds; ratios are per level and say so."""
    models = results.models()
    frame = models.frame.set_index("model")
    words = {
        "vi": ("độ lệch chuẩn của kết quả", "logarit tỷ số chênh", "một mức trả lời"),
        "en": ("standard deviations of the outcome", "log odds", "per level of the factor"),
    }[lang]
    for which, shown, word in (
        (None, ["linear"], words[0]),
        (["logit", "ordinal"], ["logit", "ordinal"], words[1]),
    ):
        ax = sipas.plot.drivers(models, which, lang=lang, ax=plt.figure().gca())
        points = sorted(point.get_xdata()[0] for point in drawn.find(ax, "value"))
        assert points == pytest.approx(sorted(frame.loc[shown, "value"]))
        assert word in drawn.one_line(ax.get_xlabel())
        assert not {"different", "khác nhau"} & {*drawn.notes_of(ax).split()}
    without = replace(models, frame=frame.drop("linear").reset_index())
    ax = sipas.plot.drivers(without, lang=lang, ax=plt.figure().gca())
    assert words[1] in drawn.one_line(ax.get_xlabel())
    ax = sipas.plot.drivers(models, ratios=True, lang=lang, ax=plt.figure().gca())
    assert words[2] in drawn.one_line(ax.get_xlabel())
    assert {"en": "not the logarithms", "vi": "không phải logarit"}[lang] in drawn.notes_of(ax)


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_how_sure_the_order_is_stands_below(lang):
    """As often as the draws of the result say; nothing where the result has no errors."""
    shares = results.priority().importance
    text = {"vi": "trong khoảng {} trên 100 lần", "en": "in about {} of 100 draws"}[lang]
    ax = sipas.plot.importance(shares, lang=lang)
    assert text.format(f"{100 * shares.order_holds:.0f}") in drawn.notes_of(ax)
    without = replace(shares, order_holds=float("nan"))
    ax = sipas.plot.importance(without, lang=lang, ax=plt.figure().gca())
    assert "100" not in drawn.notes_of(ax).replace("R²", "")


@pytest.mark.slow
def test_two_pictures_of_one_figure_do_not_overlap():
    """With the layout of the docstring, no text of the left one reaches the right one."""
    figure, axs = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for ax, model in zip(axs, ["linear", "logit"], strict=True):
        sipas.plot.drivers(results.models(), model, ax=ax)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [ax.get_tightbbox(renderer) for ax in axs]
    assert boxes[0].x1 <= boxes[1].x0
    assert boxes[1].x1 <= figure.bbox.x1
    assert boxes[0].x0 >= 0


def test_models_of_fit_stand_beside_each_other():
    """Without the intercept; a model without a variable has no point in its row."""
    first, second = results.fits()
    ax = sipas.plot.drivers({"small": first, "large": second}, labels=results.demo(), lang="vi")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["small", "large"]
    assert drawn.labels_of(ax)[-1] == "Giới tính: Nam"
    values = [value for fit in (first, second) for value in fit.frame["value"].iloc[1:]]
    points = [point.get_xdata()[0] for point in drawn.find(ax, "value")]
    assert sorted(points) == pytest.approx(sorted(values))


def test_ratios_stand_on_a_logarithmic_scale():
    """Odds ratios, with the line of no effect at 1."""
    models = results.models()
    ax = sipas.plot.drivers(models, "logit", ratios=True)
    expected = models.model_rows("logit")[["odds_ratio", "odds_low", "odds_high"]]
    assert np.array([row[1:4] for row in drawn.rows_of(ax)]) == pytest.approx(expected.to_numpy())
    assert ax.get_xscale() == "log"
    assert drawn.find(ax, "zero")[0].get_xdata()[0] == 1


def test_cut_points_of_an_ordered_logit_are_left_out():
    """They are no effects."""
    survey = results.demo()
    fit = sipas.fit(survey.design(), "OVERALL ~ A1 + A2", family="ordinal")
    assert drawn.labels_of(sipas.plot.drivers(fit)) == ["A1", "A2"]


@pytest.mark.slow  # many pictures are drawn
@pytest.mark.parametrize("what", ["item_total", "alpha_without", "loading", "units"])
def test_reliability_of_each_item(what):
    """The statistic of the result, in its order."""
    quality = results.quality()
    tables = {"loading": quality.structure.loadings, "units": quality.units}
    column = "value" if what in tables else what
    table = tables.get(what, quality.items)
    ax = sipas.plot.reliability(quality, what)
    rows = drawn.rows_of(ax)
    assert [row.value for row in rows] == pytest.approx([*table[column]])
    assert rows[0].label == "A1. Enough seats in the waiting place"
    if what == "loading":
        assert [row.low for row in rows] == pytest.approx([*table["low"]])
    if what == "alpha_without":
        alpha = quality.frame.iloc[0]
        line = [art.get_xdata()[0] for art in drawn.find(ax, "whole") if hasattr(art, "get_xdata")]
        assert line == pytest.approx([alpha["value"]])


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("what", ["icc", "icc_mean"])
def test_intraclass_correlations_have_intervals(what):
    """Those of the table, item by item."""
    frame = results.icc().frame
    expected = frame[frame["statistic"] == what][["value", "low", "high"]].to_numpy(float)
    ax = sipas.plot.reliability(results.icc(), what)
    assert np.array([row[1:4] for row in drawn.rows_of(ax)]) == pytest.approx(expected)


@pytest.mark.slow
def test_indices_by_unit_and_by_a_question():
    """Units best first; answers of a question in the order of the table."""
    frame = results.units().frame
    overall = frame[frame["variable"] == "overall"].sort_values(
        "value", ascending=False, kind="stable"
    )
    rows = drawn.rows_of(sipas.plot.index(results.units()))
    assert np.array([row[1:4] for row in rows]) == pytest.approx(
        overall[["value", "low", "high"]].to_numpy()
    )
    by_sex = sipas.score(results.demo(), by="sex")
    ax = sipas.plot.index(by_sex, ["overall", "access"], ax=plt.figure().gca(), lang="vi")
    heads = [text for text in drawn.labels_of(ax) if text not in ("Nam", "Nữ")]
    assert heads == ["Tiếp cận dịch vụ hành chính công", "Chỉ số chung"]
    chosen = by_sex.frame[by_sex.frame["variable"].isin(["overall", "access"])]
    assert [row.value for row in drawn.rows_of(ax)] == pytest.approx([*chosen["value"]])


def test_means_have_a_scale_of_their_own():
    """Estimates that are no percentages."""
    means = sipas.mean(results.demo().design(), ["A1", "A2"])
    ax = sipas.plot.index(means)
    assert [row.value for row in drawn.rows_of(ax)] == pytest.approx([*means.frame["value"]])
    assert ax.get_xlim()[1] < 6


@pytest.mark.slow  # many pictures are drawn
def test_figures_of_too_few_people_are_counted_not_drawn():
    """In an index by unit, a ranking, and answers by unit."""
    scores = sipas.score(results.own(), by="unit")
    hidden = scores.frame[scores.frame["flag"].eq("suppress")]
    small = hidden.loc[hidden["variable"] == "overall", "value"]
    assert len(small) == 1
    plots = {
        "index": lambda ax: sipas.plot.index(scores, ax=ax),
        "ranking": lambda ax: sipas.plot.ranking(results.own_ranking(), ax=ax),
        "likert": lambda ax: sipas.plot.likert(results.own(), "Q1", by="unit", ax=ax),
    }
    for name, plot in plots.items():
        ax = plot(plt.figure().gca())
        assert drawn.notes_of(ax).endswith("1 not drawn: too few people answered."), name
        assert len(drawn.labels_of(ax)) == 39
        assert not any(f"số {results.FEW + 1} " in label for label in drawn.labels_of(ax)), name


@pytest.mark.slow
def test_numbers_beside_the_rows_are_the_printed_ones():
    """A printed number is rounded once, and written in the language."""
    frame = results.ranking().frame
    ax = sipas.plot.ranking(results.ranking(), lang="vi")
    printed = [format_number(text, "vi") for text in frame["printed"]]
    assert {*printed} <= {*drawn.texts_of(ax)}
    assert "94,59" in drawn.texts_of(ax)
    assert not any(isnan(row.value) for row in drawn.rows_of(ax))
