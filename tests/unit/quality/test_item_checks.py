"""Items that run against the others, and items without wording: named, not refused."""

import random

import pytest
import yaml
from conftest import PACK
from scipy import stats

from sipas_analysis.documents.writers.html import render_section
from sipas_analysis.quality.item_checks import find_opposed_items
from sipas_analysis.reports.check_output import describe_check, describe_doubts
from sipas_analysis.reports.report import report

HEAD = "unit,A1,A2,D1\n"


def make_answers(n, reversed_item="", noise=1, seed=3):
    """Answer three items like one another, one of them the other way round."""
    draw = random.Random(seed)
    rows = []
    for _ in range(n):
        level = draw.randint(2, 4)
        row = {item: level + draw.randint(-noise, noise) for item in ("A1", "A2", "D1")}
        row = {item: 6 - at if item == reversed_item else at for item, at in row.items()}
        rows.append(",".join(["so-a", *(str(min(max(at, 1), 5)) for at in row.values())]))
    return HEAD + "\n".join(rows) + "\n"


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("item", ["A1", "A2", "D1"])
def test_an_item_against_the_others_is_named(read_answers, item):
    """One row, with the correlation that SciPy finds with the mean of the other two."""
    survey = read_answers(make_answers(60, item))
    opposed = find_opposed_items(survey)
    assert opposed[["item", "n"]].to_numpy().tolist() == [[item, 60]]
    levels = survey.frame[["A1", "A2", "D1"]]
    scores = levels.apply(stats.zscore, ddof=1)
    rest = scores.drop(columns=item).mean(axis=1)
    assert opposed["r"].tolist() == pytest.approx([stats.pearsonr(levels[item], rest).statistic])


@pytest.mark.parametrize(
    "answers",
    [
        make_answers(60),
        make_answers(29, "A2"),  # too few
        HEAD + "so-a,5,5,5\n" * 40,
        HEAD + "so-a,5,,\n" * 40,
        HEAD + "so-a,5,1,\nso-a,1,5,\n" * 10,
        HEAD
        + "".join(f"so-a,{1 + k % 5},{1 + k // 5 % 5},{1 + k // 25 % 5}\n" for k in range(125)),
    ],
)
@pytest.mark.quick_cases(1)
def test_usual_answers_are_no_finding(read_answers, answers):
    """Alike, too few, constant, alone or independent."""
    assert find_opposed_items(read_answers(answers)).empty


def test_a_reversed_item_that_the_pack_names_is_no_finding(read_answers):
    """Its answers are turned before."""
    pack = yaml.safe_load(PACK)
    pack["items"]["A2"]["reverse"] = True
    assert find_opposed_items(read_answers(make_answers(60, "A2"), pack=yaml.safe_dump(pack))).empty


def test_blank_answers_are_left_out(read_answers):
    """A form with one answer has no other item."""
    answers = make_answers(60, "A2") + "so-a,5,,\n" * 30
    assert find_opposed_items(read_answers(answers))["n"].tolist() == [60]


@pytest.mark.parametrize(("language", "word"), [("vi", "lời văn"), ("en", "wording")])
@pytest.mark.slow
def test_the_check_says_both(read_answers, language, word):
    """One line each; with wordings and answers alike it says neither."""
    pack = yaml.safe_load(PACK)
    pack["items"]["D1"] = {"factor": "results"}

    def describe(survey):
        return "\n".join(text for text, _ in describe_check(survey, language))

    text = describe(read_answers(make_answers(60, "A2"), pack=yaml.safe_dump(pack)))
    lines = [line for line in text.splitlines() if word in line or "reverse: true" in line]
    assert len(lines) == 2
    assert lines[0].endswith(": D1")
    assert "A2" in lines[1]
    text = describe(read_answers(make_answers(60)))
    assert word not in text
    assert "reverse" not in text


@pytest.mark.slow
def test_reports_and_their_console_name_an_item_against_the_others(read_answers):
    """The first page and the form quality of the province do, those of usual answers do not."""

    def describe(answers):
        survey = read_answers(answers)
        said = [text for text, _ in describe_doubts(survey, "en")]
        made = report(survey, "en")
        chapters = [made.chapter(name).section for name in ("leaders", "sources")]
        return said, [render_section(chapter, "en") for chapter in chapters]

    said, pages = describe(make_answers(60, "A2"))
    assert "Item A2 runs against" in said[0]
    assert all("the other way round than the other items: A2" in page for page in pages)
    said, pages = describe(make_answers(60))
    assert said == []
    assert not any("the other way round" in page for page in pages)
