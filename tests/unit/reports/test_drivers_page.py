"""The page on what goes together with satisfaction: effects in points, how sure, no cause."""

import random

import pytest
from report_words import HEAD, draw_forms, read_chapter, read_table

from sipas_analysis.documents.model import Picture, Table
from sipas_analysis.explain.drivers import drivers
from sipas_analysis.reports.chapters.drivers import list_sure_factors
from sipas_analysis.reports.report import report

pytestmark = pytest.mark.slow


def draw_answers(n, tie=0.0, seed=5):
    """Let satisfaction as a whole follow A1 and A2; D1 is their equal with a share ``tie``."""
    draw = random.Random(seed)
    lines = ["unit,A1,A2,D1,OVERALL\n"]
    for k in range(n):
        access, results = draw.choice([1, 2, 3, 3, 4, 4]), draw.choice([3, 4, 4, 5, 5])
        results = access if draw.random() < tie else results
        whole = min(5, max(1, round(0.8 * access + 0.1 * results + draw.gauss(0.6, 0.5))))
        lines.append(f"so-{'ab'[k % 2]},{access},{access},{results},{whole}\n")
    return "".join(lines)


def test_effects_stand_in_points_with_interval_and_words(read_answers):
    """The points of the logit model; sure where both models say so; a unit has no such page."""
    survey = read_answers(draw_answers(900))
    blocks = report(survey, "en").chapter("results").section.blocks
    (table,) = [
        block for block in blocks if isinstance(block, Table) and block.id == "table-effects"
    ]
    models = drivers(survey)
    row = models.model_rows("logit").set_index("variable").loc["access"]
    ends = f"{row['points_low']:.1f}–{row['points_high']:.1f}"
    lines = read_table(table)
    assert lines[1].startswith("Access | ")
    assert lines[1].endswith(f"| {row['points']:.1f} | {ends} | linked")
    assert list_sure_factors(models) == ["access", "results"]
    said = read_chapter(survey, "results")
    assert (
        "Surely goes together with overall satisfaction, the strongest first: Access; Results."
        in said
    )
    assert "associations, not causes" in said
    pictures = {block.id for block in blocks if isinstance(block, Picture)}
    assert len(pictures & {"figure-importance", "figure-priority"}) == 1
    assert "associations" not in read_chapter(survey, "results", unit="so-a")


def test_where_no_factor_can_be_told_apart_no_number_of_one_is_shown(read_answers):
    """A sentence, no table of effects and no picture of importance (rule D2)."""
    survey = read_answers(draw_answers(400, tie=0.97, seed=6))
    blocks = report(survey, "en").chapter("results").section.blocks
    assert "The factors cannot be told apart" in read_chapter(survey, "results")
    ids = {block.id for block in blocks if isinstance(block, Picture | Table)}
    assert not ids & {"table-effects", "figure-importance", "figure-priority"}


def test_without_a_model_the_reason_is_said(read_answers):
    """Satisfaction as a whole is the same on every form; few forms show no sure factor."""
    same = read_answers("unit,A1,A2,D1,OVERALL\n" + "so-a,5,4,3,5\n" * 40)
    assert "the same on every form" in read_chapter(same, "results")


def test_shares_that_cannot_be_told_apart_are_a_sentence(read_answers):
    """Random answers: no factor is sure, and no picture orders them."""
    survey = read_answers(HEAD + draw_forms("so-a", 60) + draw_forms("so-b", 55))
    said = read_chapter(survey, "results")
    assert "cannot tell of any single factor" in said
    assert "cannot tell which factor is more closely linked" in said
