"""Pictures of a report: what is drawn, in which order, and when a sentence is better."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from conftest import PACK

from sipas_analysis.documents.canvas import Canvas
from sipas_analysis.documents.model import Table, make_text, render_text
from sipas_analysis.documents.writers.html import KEPT
from sipas_analysis.figures.last_year import Change
from sipas_analysis.figures.published import Figures
from sipas_analysis.reports import unit_pictures
from sipas_analysis.reports.answer_pictures import draw_items_pictures, draw_priority_picture
from sipas_analysis.reports.chapters.annexes import ANNEXES
from sipas_analysis.reports.chapters.ranking import select_units
from sipas_analysis.reports.chapters.results import build_results
from sipas_analysis.reports.pictures import (
    can_tell_shares_apart,
    draw_factors_picture,
    draw_importance_picture,
    draw_leaders_picture,
    draw_ranking_picture,
)
from sipas_analysis.reports.subject import Subject
from sipas_analysis.reports.unit_pictures import (
    draw_changes_picture,
    draw_factors_by_unit_picture,
)

pytestmark = pytest.mark.slow

HEAD = "unit,A1,A2,D1,OVERALL\n"
TABLE = Table("table", make_text("report.table.factors"), (), ())
ORDERS = ["5454", "4545", "5544", "4455", "5445", "4554", "5554", "4555", "5455", "5545"]
ALIKE = HEAD + "".join(f"{unit},5,3,4,5\n{unit},2,4,5,3\n" * 20 for unit in ("so-a", "so-b"))
FAR_APART = HEAD + "".join(
    f"{unit},{','.join(str(int(level) - less) for level in order)}\n"
    for unit, less in (("so-a", 0), ("so-b", 3))
    for order in ORDERS * 4
)
POINTS = "index: {points: {1: 0, 2: 25, 3: 50, 4: 75, 5: 100}}\n"


@pytest.fixture
def written(monkeypatch):
    """Collect the texts that pictures write, in order."""
    texts, write = [], Canvas.write

    def note(canvas, text, *places, **styles):
        texts.append(text)
        write(canvas, text, *places, **styles)

    monkeypatch.setattr(Canvas, "write", note)
    return texts


def subject_of(survey, unit=""):
    """Return a subject of a survey."""
    return Subject(Figures(survey), unit)


def rank_everyone(subject, group="departments"):
    """Draw every unit of a group."""
    figures = subject.figures.units_in_order(group)
    return draw_ranking_picture(subject, group, figures, TABLE)


def test_items_stand_least_satisfied_first_with_the_two_shares_that_matter(read_answers, written):
    """A neutral answer is not satisfied (rule M1): 13.3 and 86.7 add to 100."""
    answers = HEAD + "so-a,5,3,4,5\n" * 10 + "so-a,4,5,2,4\n" * 20
    (picture,) = draw_items_pictures(subject_of(read_answers(answers)))
    assert [render_text(row[0], "en")[:2] for row in picture.data.rows] == ["D1", "A2", "A1"]
    picture.draw("en")
    said = " ".join(written)
    assert "Not satisfied (%) Satisfied (%)" in said
    assert [text for text in ("66.7 33.3", "33.3 66.7", "0.0 100.0") if text not in said] == []
    assert said.index("D1") < said.index("A2") < said.index("A1")
    assert len(draw_items_pictures(subject_of(read_answers(answers)), 1)[0].data.rows) == 1


@pytest.mark.parametrize("narrow", [False, True])
def test_a_score_is_never_called_satisfied(read_answers, written, narrow):
    """Figures of a pack with points are average scores, on every axis and head."""
    survey = read_answers(FAR_APART, pack=PACK.replace("scale:\n", POINTS + "scale:\n"))
    subject = subject_of(survey)
    pictures = [
        *draw_items_pictures(subject),
        draw_leaders_picture(subject),
        draw_factors_picture(subject, TABLE),
        rank_everyone(subject),
        draw_factors_by_unit_picture(subject, "departments"),
    ]
    for picture in pictures:
        written.clear()
        picture.draw("en", narrow)
        assert "verage score" in " ".join(written), picture.id
        assert not any("atisfied (%)" in text for text in written), picture.id


def test_units_that_surely_differ_from_the_province_are_named(read_answers, written):
    """All satisfied against nobody: both differ from the half of the whole."""
    picture = draw_factors_by_unit_picture(subject_of(read_answers(FAR_APART)), "departments")
    alt = render_text(picture.alt, "en")
    assert "Access: surely above: Department A; Access: surely below: Department B" in alt
    picture.draw("en")
    assert written.count("Department A") == written.count("Department B") == 2  # two factors
    subject = subject_of(read_answers(ALIKE))
    picture = draw_factors_by_unit_picture(subject, "departments")
    assert "No unit surely differs" in render_text(picture.alt, "en")
    assert render_text(picture.caption, "en").endswith("no unit surely differs")
    in_body, in_annex = (build(subject).blocks for build in (build_results, ANNEXES["units"]))
    assert "figure-strips-departments" not in [getattr(block, "id", "") for block in in_body]
    assert "figure-strips-departments" in [getattr(block, "id", "") for block in in_annex]


def test_a_unit_without_rank_is_hatched_and_has_no_letter(read_answers, written):
    """Five forms are too few for a rank; the picture says what the hatching means."""
    answers = HEAD + "so-a,5,5,4,5\nso-a,4,2,3,4\n" * 20 + "so-b,4,5,3,4\n" * 5
    svg = rank_everyone(subject_of(read_answers(answers))).draw("en").decode()
    assert svg.count("fill='url(#hatch)'") == 2
    assert any("not ranked" in text for text in written)
    written.clear()
    svg = rank_everyone(subject_of(read_answers(FAR_APART))).draw("en").decode()
    assert "hatch" not in svg
    assert {"A", "B"} <= {*written}
    written.clear()
    rank_everyone(subject_of(read_answers(ALIKE))).draw("en")
    assert "A" not in written  # a letter that all units have says nothing


def test_one_unit_has_no_ranking_and_no_comparison(read_answers):
    """Where there is nothing to compare there is no picture."""
    subject = subject_of(read_answers(HEAD + "so-a,5,3,4,5\n" * 30))
    assert rank_everyone(subject) is None
    assert draw_factors_by_unit_picture(subject, "departments") is None
    assert draw_changes_picture(subject, "departments") is None  # no earlier wave is named


def test_leaders_see_a_unit_beside_its_group_and_the_province(read_answers, written):
    """The unit first; a hidden index has no picture."""
    picture = draw_leaders_picture(subject_of(read_answers(FAR_APART), "so-a"))
    assert len(picture.data.rows) == 3
    picture.draw("en")
    said = " ".join(written)
    assert said.index("Department A, 2024") < said.index("The whole province")
    one_form = subject_of(read_answers(HEAD + "so-a,5,3,4,5\n"))
    assert draw_leaders_picture(one_form) is None


def test_without_a_question_on_the_whole_nothing_says_what_matters(read_answers):
    """Importance and priority need the answer on satisfaction as a whole."""
    subject = subject_of(read_answers("unit,A1,A2,D1\n" + "so-a,5,3,4\nso-b,2,4,4\n" * 30))
    assert not can_tell_shares_apart(subject)
    assert draw_importance_picture(subject) is None
    assert draw_priority_picture(subject) is None


def test_changes_are_drawn_only_where_some_line_has_a_name(read_answers, monkeypatch, written):
    """Of many units without a sure change a sentence says more than lines without names."""
    subject = subject_of(read_answers(FAR_APART))
    change = Change(80.0, 81.0, 1.0, -1.0, 3.0, "open", id="change")

    class LastYear:
        year = "2023"

        def find(self, figure):
            return change if figure.unit == "so-a" else replace(change, verdict="down", value=-9.0)

    monkeypatch.setitem(subject.figures.__dict__, "last_year", LastYear())
    monkeypatch.setattr(unit_pictures, "MOST_NAMED", 1)
    picture = draw_changes_picture(subject, "departments")
    assert render_text(picture.alt, "en").endswith("Department B surely down.")
    picture.draw("en")
    assert {"2023", "2024", "Department B (−9.0)"} <= {*written}
    LastYear.find = lambda self, figure: change
    assert draw_changes_picture(subject, "departments") is None


def test_both_layouts_of_all_pictures_of_a_unit_are_small(demo_2021):
    """As they stand in the page: 0.3 MB at most, with all changes of the group too."""
    subject = subject_of(demo_2021, "so-nv")
    shown = select_units(subject.figures.units_in_order(subject.group), subject.unit)
    pictures = [
        draw_leaders_picture(subject),
        draw_factors_picture(subject, TABLE),
        draw_changes_picture(subject, subject.group),
        draw_ranking_picture(subject, subject.group, shown, TABLE),
        *draw_items_pictures(subject, 10),
    ]
    drawn = [picture.draw("vi", narrow) for picture in pictures for narrow in (False, True)]
    assert sum(len(quote(svg, safe=KEPT)) for svg in drawn) < 300_000
