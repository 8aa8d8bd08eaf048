"""Where an interval is of whole points the table, the letter and ``sipas trace`` say why."""

import random

import pytest

from sipas_analysis.documents.model import Paragraph, Picture, Table
from sipas_analysis.figures.published import figures_of
from sipas_analysis.proof.trace import explain_figure, trace
from sipas_analysis.reports.disclosure_output import describe_disclosure
from sipas_analysis.reports.report import report
from sipas_analysis.reports.rounded_ends import NOTE

UNITS = "code,name_vi,group\n" + "".join(f"so-{c},Sở {c},departments\n" for c in "abcd")


def draw_forms(unit, n, n_answered=None):
    """Draw forms of a unit, of which some have no answer to A2."""
    draw = random.Random(unit)
    rows = [[draw.randint(2, 5) for _ in range(3)] for _ in range(n)]
    return "".join(
        f"{unit},{a},{b if n_answered is None or row < n_answered else ''},{c}\n"
        for row, (a, b, c) in enumerate(rows)
    )


@pytest.fixture(scope="module")
def survey(read_shared):
    """Three of thirty people answered A2 in so-a."""
    forms = draw_forms("so-a", 30, 3) + draw_forms("so-b", 40) + draw_forms("so-c", 50)
    return read_shared("unit,A1,A2,D1\n" + forms + draw_forms("so-d", 60), units=UNITS)


def list_noted(section):
    """Return the ids of tables with the note, and whether a paragraph is the note."""
    blocks = [block.data if isinstance(block, Picture) else block for block in section.blocks]
    tables = [block.id for block in blocks if isinstance(block, Table) and NOTE in block.notes]
    return tables, any(isinstance(block, Paragraph) and block.text == NOTE for block in blocks)


@pytest.mark.slow
def test_a_rounded_interval_is_explained_once_where_it_stands(survey):
    """In the table of indices and of units, in a letter, by trace; not where nothing is rounded."""
    made = report(survey)
    assert "table-overall" in list_noted(made.chapter("results").section)[0]
    assert list_noted(made.chapter("basis").section) == ([], False)
    letter = report(survey, unit="so-a").letter().sections[0]
    assert list_noted(letter) == ([], True)  # it hides every factor; the index is in a sentence
    figures = figures_of(survey)
    for name, n in (("overall@so-a", 1), ("overall@so-d", 0)):
        lines = explain_figure(survey, trace(survey, name), "en")
        assert sum("whole points" in text for _, text in lines) == n
    assert figures.is_rounded("pair:so-b~so-d")
    assert not figures.is_rounded("gap:D1")


@pytest.mark.slow
def test_an_officer_reads_which_places_hide_what_and_why(survey):
    """The items of so-a, and what is hidden elsewhere for them; no unit is too small itself."""
    first, *texts = [text for text, table in describe_disclosure(survey, "en") if table is None]
    assert first.startswith("Looking for figures")
    (line,) = [text for text in texts if text.startswith("Sở a (30 forms)")]
    assert "A2" in line
    assert "too few people answered" in line
    assert not any(text.startswith("Sở d") for text in texts)


@pytest.mark.slow
def test_without_the_forms_of_the_smallest_units_nothing_need_be_hidden(read_answers):
    """So the officer learns it before reports are made."""
    forms = draw_forms("so-a", 3) + draw_forms("so-b", 9) + draw_forms("so-c", 50)
    small = read_answers("unit,A1,A2,D1\n" + forms + draw_forms("so-d", 60), units=UNITS)
    texts = [text for text, _ in describe_disclosure(small, "vi")]
    assert any("Sở a (3 phiếu)" in text and "không phải giấu gì" in text for text in texts)
    assert any("Sở a (3 phiếu): giấu mọi số liệu (quá ít người" in text for text in texts)


@pytest.mark.slow
def test_a_place_names_as_many_hidden_figures_as_it_counts(survey):
    """Means and the share satisfied with all items are named, too, not only counted."""
    said = [text for text, _ in describe_disclosure(survey, "vi") if "trong đó có " in text]
    assert said
    for text in said:
        names = text.partition("trong đó có ")[2].rpartition(" (")[0]
        assert f"giấu {len(names.split(', '))} số liệu" in text
