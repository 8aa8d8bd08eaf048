"""What ``sipas.plot`` refuses, and what it tells to do instead."""

import drawn
import matplotlib.pyplot as plt
import pandas as pd
import plot_results as results
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import ColumnError, ParameterError

FRAME = pd.DataFrame({"Q1": [5, 4, 3], "Q2": [4, 4, 2], "unit": ["a", "a", "b"]})


@pytest.fixture(autouse=True)
def _closed():
    """Each test begins and ends without a figure."""
    drawn.close_all()
    yield
    drawn.close_all()


@pytest.mark.parametrize(
    ("name", "wanted", "cure"),
    [
        ("likert", "`survey` must be a survey", "sipas.survey(frame, items="),
        ("index", "`scores` must be estimates", "sipas.score(survey"),
        ("ranking", "`ranked` must be a ranking", "sipas.rank(sipas.score(survey"),
        ("change", "`changes` must be changes between waves", "sipas.compare(first, second)"),
        ("drivers", "`models` must be a result of sipas.drivers", "[fit1, fit2]"),
        ("importance", "`shares` must be importance", "sipas.importance("),
        ("priority", "`matrix` must be priorities", "sipas.priority(survey)"),
        ("reliability", "`result` must be a result of sipas.reliability", "sipas.reliability("),
    ],
)
def test_a_wrong_result_is_refused_with_the_cure(name, wanted, cure):
    """A frame is no result; no figure is opened for it."""
    for wrong in (FRAME, None, 3, "scores"):
        with pytest.raises(ParameterError) as refused:
            getattr(sipas.plot, name)(wrong)
        assert wanted in refused.value.text("en")
        assert refused.value.text("vi") != refused.value.text("en")
        if wrong is FRAME:
            assert cure in refused.value.text("en")
    assert plt.get_fignums() == []


def test_a_list_with_something_else_than_models_is_refused():
    """Each of several models must be one."""
    with pytest.raises(ParameterError, match="`models` must be"):
        sipas.plot.drivers([results.fits()[0], FRAME])
    with pytest.raises(ParameterError, match="`models` must be"):
        sipas.plot.drivers([])


def test_more_models_than_marks_are_refused():
    """Six marks can be told apart."""
    with pytest.raises(ParameterError, match="at most 6 models beside each other; given: 7"):
        sipas.plot.drivers([results.fits()[0]] * 7)


@pytest.mark.slow
def test_axes_language_and_labels_must_be_such():
    """Each with what to write."""
    shares = results.priority().importance
    for how, words in (
        ({"ax": plt.figure()}, "`ax` must be axes of matplotlib"),
        ({"lang": "fr"}, "`lang` must be one of these (vi, en)"),
        ({"labels": ["A1"]}, "`labels` must be a survey, a questionnaire, or a dict"),
    ):
        drawn.close_all()
        with pytest.raises(ParameterError) as refused:
            sipas.plot.importance(shares, **how)
        assert words in refused.value.text("en")


@pytest.mark.slow
def test_axes_hold_one_picture():
    """A second one would be drawn over the first: it gets a figure; after clear() there is room."""
    shares = results.priority().importance
    ax = sipas.plot.importance(shares)
    with pytest.raises(ParameterError, match=r"Axes hold one picture of sipas\.plot"):
        sipas.plot.index(results.units(), ax=ax)
    assert sipas.plot.importance(shares) is not ax
    assert len(plt.get_fignums()) == 2
    ax.clear()
    assert sipas.plot.index(results.units(), ax=ax) is ax


@pytest.mark.slow  # many pictures are drawn
def test_nothing_to_draw_is_refused_with_the_reason():
    """Too few people, no matrix, no comparable wave, no model, no statistic."""
    few = sipas.survey(FRAME, ["Q1", "Q2"], unit="unit")
    scores = sipas.score(few, by="unit")
    with pytest.raises(
        ParameterError, match="no figure has a value that may be published \\(2 are"
    ):
        sipas.plot.index(scores)
    with pytest.raises(ParameterError, match="too few people"):
        sipas.plot.ranking(sipas.rank(scores))
    with pytest.raises(ParameterError, match="too few people"):
        sipas.plot.likert(few, by="unit")
    with pytest.raises(ParameterError, match="there is no matrix"):
        sipas.plot.priority(sipas.priority(few))
    with pytest.raises(ParameterError, match="none of the models chosen could be fitted"):
        sipas.plot.drivers(sipas.drivers(few))
    with pytest.raises(ParameterError, match="nothing was estimated by unit"):
        sipas.plot.reliability(sipas.reliability(results.demo()), "units")


@pytest.mark.slow  # many pictures are drawn
def test_waves_that_may_not_be_compared_are_refused():
    """The reason is told."""
    changes = sipas.compare(results.demo(), results.read_demo(2023))
    with pytest.raises(
        ParameterError, match=r"no figure of the two waves may be compared \(.*the qu"
    ):
        sipas.plot.change(changes)


@pytest.mark.slow  # many pictures are drawn
def test_unknown_items_groups_and_words_are_refused_with_those_that_there_are():
    """A misspelt code is named with the nearest."""
    with pytest.raises(ColumnError, match="A1"):
        sipas.plot.likert(results.demo(), "A11")
    with pytest.raises(ColumnError, match="districts"):
        sipas.plot.ranking(results.ranking(), "district")
    with pytest.raises(ColumnError, match="overall"):
        sipas.plot.index(results.units(), "overal")
    for name, result, wrong in (
        ("change", results.changes(), "unit"),
        ("reliability", results.quality(), "alpha"),
        ("reliability", results.icc(), "item_total"),
    ):
        with pytest.raises(ParameterError, match="must be one of these"):
            getattr(sipas.plot, name)(result, wrong)
    with pytest.raises(ParameterError, match="`model` must be one of these"):
        sipas.plot.drivers(results.models(), "probit")


def test_items_of_two_scales_are_no_picture():
    """Bars of other levels cannot share a key."""
    survey = sipas.survey(FRAME[["Q1", "Q2"]], ["Q1", "Q2"], scale={"Q1": (1, 5), "Q2": (1, 7)})
    with pytest.raises(ParameterError, match="must have one scale; those of Q1 and Q2 differ"):
        sipas.plot.likert(survey, ["Q1", "Q2"])


@pytest.mark.slow
def test_items_of_another_scale_are_named_below_the_picture():
    """A picture of all items has those of one scale; the others are counted, not forgotten."""
    frame = pd.concat([FRAME[["Q1", "Q2"]]] * 5)
    survey = sipas.survey(frame, ["Q1", "Q2"], scale={"Q2": (1, 7)})
    assert "Not drawn: 1 items of another scale (Q2)" in drawn.notes_of(sipas.plot.likert(survey))
    axes = plt.figure().add_subplot()
    assert "another scale" not in drawn.notes_of(sipas.plot.likert(survey, "Q2", ax=axes))
