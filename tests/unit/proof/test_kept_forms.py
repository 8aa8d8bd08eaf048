"""A figure with the forms that were dropped, counted by hand."""

import pytest

from sipas_analysis.errors import ParameterError
from sipas_analysis.proof.trace import explain_figure, trace

pytestmark = pytest.mark.slow

FORMS = [*["so-a,5,5,5,5,female"] * 30, *["so-a,1,5,5,5,male"] * 10, "so-a,,,,,male"]
ANSWERS = "\n".join(["unit,A1,A2,D1,OVERALL,sex", *FORMS]) + "\n"


def explain(survey, row, without=""):
    lines = explain_figure(survey, row, "en", without=without)
    return [text for head, text in lines if head == "If kept"]


def test_a_figure_with_and_without_the_forms_of_each_reason(read_answers):
    """30 of 30 satisfied with A1; with the ten men 30 of 40. The blank form changes nothing."""
    survey = read_answers(ANSWERS + "so-a,,,,,female\n", leave_out={"sex": ["male"]})
    row = trace(survey, "A1@so-a")
    assert row["value"] == 100
    texts = explain(survey, row)
    assert texts[0].startswith("100.0000 (+0.0000 points) with the 1 forms")
    assert texts[1] == (
        "75.0000 (−25.0000 points) with the 11 forms of “Form left out by rule `leave_out:`”"
    )
    assert explain(survey, row, "leave_out") == texts[1:]
    with pytest.raises(ParameterError, match="form_dropped"):
        explain(survey, row, "copy")


def test_forms_that_hold_mistakes_are_told_as_such(read_answers):
    """They were left out for a reason: what they hold cannot be counted."""
    survey = read_answers(ANSWERS + "so-x,7,5,5,5,test\n", leave_out={"sex": ["test"]})
    (text,) = explain(survey, trace(survey, "A1@so-a"), "leave_out")
    assert text.startswith("cannot be computed with the 1 forms")
    assert "so-x" in text


def test_a_reason_for_which_no_form_was_dropped_is_refused_before_anything_is_said(read_answers):
    """The first line of a trace would look like an answer."""
    survey = read_answers("unit,A1,A2,D1\nso-a,5,4,3\nso-b,4,4,3\n")
    with pytest.raises(ParameterError, match="this wave dropped none"):
        next(explain_figure(survey, trace(survey, "A1"), "en", without="leave_out"))
