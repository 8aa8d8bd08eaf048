"""Student evaluations: factors that cannot be told apart must not be printed as findings.

The answers stay outside the repository (``../shared/real/turkiye-students``).
"""

from pathlib import Path

import pytest

import sipas_analysis as sipas
from sipas_analysis.documents.model import Paragraph, render_text
from sipas_analysis.explain.collinearity import measure_collinearity
from sipas_analysis.reports.drivers_output import describe_drivers

HERE = Path(__file__).parent
RAW = HERE.parents[2] / "shared" / "real" / "turkiye-students" / "responses.csv"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not RAW.is_file(), reason=f"the answers are not at {RAW}"),
]


@pytest.fixture(scope="module")
def survey():
    """The survey as the program reads it: Q28 stands apart as the outcome."""
    return sipas.read_survey(sipas.read_wave(HERE / "turkiye" / "wave.yaml"))


def test_the_analysis_says_that_nothing_can_be_told_apart(survey):
    """VIF above 5 for both factors (D2); half of the forms are straight lines (Q1)."""
    models = sipas.drivers(survey)
    assert models.n == 5820
    assert not models.any_separable
    assert (models.collinearity["vif"] > 5).all()
    assert models.list_significant() == models.list_significant(-1) == []
    notes = {note.id: dict(note.fields) for note in models.notes}
    assert notes["straight"] == {"percent": "51"}
    assert notes["tied"] == {"names": "course, instructor"}
    assert "51% of the forms give one and the same answer" in repr(models)
    assert sipas.priority(survey).reason == "tied"


def test_no_coefficient_is_printed_as_a_finding(survey):
    """Neither on the console nor in the chapter: the verdict, the warning, VIF and correlations."""
    said = [*describe_drivers(survey, sipas.drivers(survey), sipas.priority(survey), "en")]
    assert [title for title, table in said if table is not None] == ["VIF"]
    assert any("cannot be told apart" in text for text, table in said if table is None)
    made = sipas.report(survey, "en")
    page = made.chapter("drivers")._repr_html_()
    said_in = [made.chapter(name).section for name in ("results", "drivers")]
    texts = [
        render_text(block.text, "en")
        for section in said_in
        for block in section.blocks
        if isinstance(block, Paragraph)
    ]
    for words in ("The factors cannot be told apart", "51% of the forms give one and the same"):
        assert any(words in text for text in texts), words
    for word in ("table-drivers", "figure-importance", "Associated, largest", "answer gains more"):
        assert word not in page
    assert "table-correlations" in page


def test_single_items_of_the_instructor_are_worse_still(survey):
    """Of 15 questions on the instructor none can be told apart from the others."""
    items = survey.instrument.items_of("instructor")
    near = measure_collinearity(survey.frame[items])
    assert (~near["separable"]).mean() > 0.9
    assert near["condition"].iloc[0] > 10
