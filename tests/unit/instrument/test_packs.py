"""Rules of others: by hand on few answers, side by side on many, new ones without Python."""

import re
from random import Random

import numpy as np
import pytest
import yaml

from sipas_analysis.errors import ColumnError, ConfigError
from sipas_analysis.instrument.pack import list_packs, read_instrument
from sipas_analysis.measure.rule_comparison import compare_rules
from sipas_analysis.measure.scores import score
from sipas_analysis.messages import LANGUAGES, say

UNIT = "so-a"


@pytest.fixture
def answered(read_answers):
    """Read answers to all items of a pack, one list per person; None is a blank."""

    def of(pack, people):
        codes = [*read_instrument(pack).items]
        rows = [",".join([UNIT, *("" if x is None else str(x) for x in one)]) for one in people]
        return read_answers("\n".join([",".join(["unit", *codes]), *rows, ""]), instrument=pack)

    return of


def whole(survey):
    """Return the row of the overall index."""
    return score(survey).select(variable="overall").frame.iloc[0]


def test_indonesia_takes_the_mean_of_element_means_times_25(answered):
    """Element means 3.5 and eight times 3: (3.5 + 24)/9 · 25 = 76.39, grade C by a hair."""
    survey = answered("skm-2017", [[4] + [3] * 8, [3] * 9])
    found = whole(survey)
    assert found["value"] == pytest.approx(25 * (3.5 + 24) / 9)
    assert survey.instrument.index.find_grade(found["value"]).en == "C (less good)"
    assert survey.instrument.index.find_grade(76.61).en == "B (good)"


def test_an_element_mean_is_not_moved_by_who_answered_the_others(answered):
    """A blank leaves its element only: means 4 (one person) and eight times 2.5."""
    found = whole(answered("skm-2017", [[4] + [3] * 8, [None] + [2] * 8]))
    assert found["value"] == pytest.approx(25 * (4 + 8 * 2.5) / 9)


def test_the_philippines_leave_not_applicable_out(answered):
    """Two people, one N/A: 12 of 15 answers agree."""
    found = whole(answered("csm-2022", [[4] * 7 + ["N/A"], [5] * 5 + [3, 2, 1]]))
    assert found[["numerator", "denominator", "printed"]].tolist() == [12, 15, "80.00"]


def test_the_united_kingdom_counts_points_or_the_top_two(answered):
    """5, 4, 3, 1 are 100 + 75 + 50 + 0 = 225 points, and two of four satisfied."""
    people = [[5], [4], [3], [1]]
    assert whole(answered("uk-mean", people))["value"] == 56.25
    assert whole(answered("uk-top2", people))["value"] == 50.0


def patients():
    """Return 400 people: 104 satisfied with all 31 items, 208 not with 7 of them, 88 not with 6."""
    numbers = [*range(400)]
    Random(1).shuffle(numbers)  # in their order they would repeat like rows pasted twice
    for number in numbers:
        wrong = 0 if number < 104 else 7 if number < 312 else 6
        yield [3 if (at + number) % 31 < wrong else 4 for at in range(31)]


def test_the_same_patients_are_84_percent_pooled_and_26_comprehensive(answered):
    """10,416 of 12,400 answers, 104 of 400 people (rules M4 and M8); the mean score is 3.84."""
    found = compare_rules(answered("moh-3869", patients()), ["pooled", "comprehensive"]).frame
    own = found[found["variable"] == "overall"].set_index("rule")
    assert own["printed"].to_dict() == {"pooled": "84.00", "comprehensive": "26.00"}
    assert own["reason"].to_dict() == {"pooled": "own", "comprehensive": "comprehensive"}
    assert own.loc["comprehensive", ["numerator", "denominator"]].tolist() == [104, 400]
    assert own.loc["comprehensive", "method"] == "clopper-pearson"
    beside = found[(found["rule"] == "pooled")]
    assert set(beside["level"]) == {"factor", "overall"}


def test_packs_are_laid_on_the_answers_of_another(answered):
    """Points of the United Kingdom on the patients' answers: 84 % · 75 + 16 % · 50 = 71."""
    rules = ["moh-3869", "uk-mean", "uk-top2", "csm-2022"]
    found = compare_rules(answered("moh-3869", patients()), rules)
    own = found.select(variable="overall").frame.set_index("rule")
    assert own["value"].to_dict() == pytest.approx(
        {"moh-3869": 84.0, "uk-mean": 71.0, "uk-top2": 84.0, "csm-2022": 84.0}
    )
    assert own["reason"].to_dict() == {
        "moh-3869": "own",
        "uk-mean": "points",
        "uk-top2": "own",
        "csm-2022": "own",
    }


def test_each_reason_is_a_sentence_in_both_languages(answered):
    """Every word that compare_rules may give."""
    rules = ["pooled", "mean_of_items", "mean_of_factors", "comprehensive", "uk-mean"]
    found = compare_rules(answered("moh-3869", patients()), rules).frame
    words = {word for reason in found["reason"] for word in reason.split()}
    assert words == {"own", "mean_of_items", "mean_of_factors", "comprehensive", "points"}
    for language in LANGUAGES:
        assert all(say(language, f"report.rule_why.{word}") for word in words)


def test_grade_and_points_stand_in_the_report(answered):
    """The first page names the grade; the method says that figures are points."""
    from sipas_analysis.reports.report import report

    made = report(answered("skm-2017", [[3] * 9] * 40), "en")
    first, method = (
        re.sub("<[^>]*>", "", made.chapter(name)._repr_html_()) for name in ("leaders", "method")
    )
    assert "C (less good)" in first
    assert "level 1: 25, level 2: 50, level 3: 75, level 4: 100" in method


def test_a_rule_that_does_not_fit_the_survey_is_refused(answered):
    """Four levels cannot take five points; a question that was not asked cannot be the index."""
    survey = answered("skm-2017", [[3] * 9] * 3)
    with pytest.raises(ColumnError, match="5 levels"):
        compare_rules(survey, ["uk-mean"])
    with pytest.raises(ColumnError, match="did not ask"):
        compare_rules(survey, ["overall_item"])
    with pytest.raises(ConfigError, match="no-such-pack"):
        compare_rules(survey, ["no-such-pack"])


def test_a_rule_that_does_not_fit_leaves_the_others_their_figures(answered):
    """It has a row without a figure, and the reason, in its place (rule M8)."""
    survey = answered("skm-2017", [[3] * 9] * 3)
    found = compare_rules(survey, ["uk-mean", "pooled", "overall_item"]).frame
    whole = found[found["variable"] == "overall"].set_index("rule")
    assert whole["reason"].to_dict() == {
        "uk-mean": "rule_scale",
        "pooled": "pooled",
        "overall_item": "rule_overall",
    }
    assert whole["value"].notna().tolist() == [False, True, False]
    assert whole["printed"].tolist() == ["", "75.00", ""]
    for word in ("rule_scale", "rule_overall", "rule_factors", "rule_weights"):
        assert all(say(language, f"report.rule_why.{word}") for language in LANGUAGES)


CHANGES = [
    ({"points": {1: 0, 2: 100}}, "pack.yaml.*each level"),
    ({"points": dict.fromkeys(range(1, 6), 3)}, "differ between levels"),
    ({"factor": {"rule": "comprehensive"}}, "Only the overall index"),
    ({"grades": [{"vi": "A"}]}, "from"),
]


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(("index", "words"), CHANGES)
def test_a_bad_pack_says_where_and_what_to_write(make_wave, index, words):
    """File, line, and the rule that must hold."""
    path = make_wave().with_name("pack.yaml")
    pack = yaml.safe_load(path.read_text("utf-8")) | {"index": index}
    path.write_text(yaml.safe_dump(pack, allow_unicode=True), "utf-8")
    with pytest.raises(ConfigError, match=r"Line \d+|line \d+") as caught:
        read_instrument(path)
    import re

    assert re.search(words, caught.value.text("en"), re.DOTALL)


def test_a_new_pack_beside_the_wave_needs_no_python(read_answers):
    """A weighted index with points and grades, written in YAML only."""
    pack = """\
id: mine
title: {vi: Của tôi, en: Mine}
source: made for tests
status: unverified
scale: {low: 1, high: 3, satisfied_from: 3}
factors: {f: {vi: F}, g: {vi: G}}
items: {X1: {factor: f, vi: Một}, X2: {factor: g, vi: Hai}}
index:
  points: {1: 0, 2: 40, 3: 100}
  overall: {rule: weights, weights: {f: 3, g: 1}}
  grades: [{from: 0, vi: Thấp, en: Low}, {from: 50, vi: Cao, en: High}]
"""
    survey = read_answers("unit,X1,X2\nso-a,3,1\nso-a,2,1\nso-a,3,2\nso-a,2,2\n", pack=pack)
    found = whole(survey)
    assert found["value"] == pytest.approx(0.75 * 70 + 0.25 * 20)
    assert survey.instrument.index.find_grade(found["value"]).vi == "Cao"


@pytest.mark.parametrize("name", list_packs())
def test_every_pack_comes_with_a_line_on_its_page(name):
    """docs/packs.md lists what is shipped."""
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs/packs.md").read_text("utf-8")
    assert f"`{name}`" in page
    assert np.isfinite([grade.least for grade in read_instrument(name).index.grades]).all()
