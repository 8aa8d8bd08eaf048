"""The chapter of results: targets, factors, the lowest items and how sure their order is."""

import pytest
from report_words import HEAD, draw_forms, read_chapter, read_table, read_words

from sipas_analysis.documents.model import Paragraph, Picture, Table, render_text
from sipas_analysis.figures.published import Figures
from sipas_analysis.reports.report import report

pytestmark = pytest.mark.slow

LOW = ["so-a,1,5,5,4,male,"] * 60 + ["so-b,4,4,4,4,female,"] * 20  # A1: 25 %, the others all


def build_results(survey, unit=""):
    """Build the chapter of the province or of a unit."""
    return report(survey, "en", unit).chapter("results").section


def list_blocks(section, kind):
    """Return the tables or pictures of a chapter by id."""
    return {block.id: block for block in section.blocks if isinstance(block, kind)}


@pytest.fixture(scope="module")
def province(demo_2021):
    """The chapter of the demo province, built once."""
    return build_results(demo_2021)


@pytest.fixture(scope="module")
def unit(demo_2021):
    """The chapter of a unit of the demo, built once."""
    return build_results(demo_2021, "so-nv")


def test_targets_are_held_against_the_interval(read_answers):
    """Above, below, or undecided: an estimate over a target does not meet it alone."""
    answers = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 35)
    said = read_chapter(read_answers(answers, targets=[10, 66, 99]), "results")
    assert "surely above the target of 10%" in said
    assert "too close to the target of 66%" in said
    assert "surely below the target of 99%" in said


def test_parts_are_numbered_in_the_official_order(province, unit):
    """Whole, last year, factors, items, respondents, drivers; a unit has two parts."""
    heads = [
        render_text(block.text, "en")
        for section in (province, unit)
        for block in section.blocks
        if isinstance(block, Paragraph) and block.style == "heading"
    ]
    assert heads == [
        "1. The index as a whole",
        "2. Compared with last year",
        "3. Factor by factor",
        "4. The lowest items",
        "5. Groups of respondents",
        "6. What goes together with overall satisfaction",
        "1. The index and its factors",
        "2. The lowest items",
    ]


def test_the_lowest_items_stand_first_with_the_places_they_may_have(province):
    """Ten of 22: the lowest may be one of 14; the rest is in the annexes; * is explained."""
    table = list_blocks(province, Table)["table-lowest"]
    head, first, *_ = read_table(table)
    assert head.startswith("Item | Possible places | Satisfied (%)")
    assert first.startswith("A4*. Equipment is easy to use | 1–14 | 82.57 |")
    assert len(table.rows) == 10
    notes = [render_text(note, "en") for note in table.notes]
    assert "All 22 items are in the annexes." in notes
    assert any(note.startswith("* The wording of this item was not compared") for note in notes)
    said = read_words(province)
    assert "surely below the overall index, but not surely the lowest: any of 14 items" in said


def test_a_sure_lowest_item_is_called_sure(read_answers):
    """60 of 80 are dissatisfied with A1 alone: its place is one number."""
    survey = read_answers(HEAD + "\n".join(LOW) + "\n")
    assert (
        "The lowest is item A1 “Enough seats” (25.00%), surely below the overall index, surely"
        in read_chapter(survey, "results")
    )
    rows = read_table(list_blocks(build_results(survey), Table)["table-lowest"])
    assert rows[1].startswith("A1. Enough seats | 1 | 25.00")
    assert rows[2].split(" | ")[1] == "2–3"


def test_no_item_is_called_the_lowest_of_equal_ones_or_from_few_forms(read_answers):
    """All satisfied: none is the lowest. Seven forms: too few; no mark without an asterisk."""
    same = read_answers(HEAD + "so-a,5,5,5,5,male,\n" * 40)
    assert "All items have the same result" in read_chapter(same, "results")
    few = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 7), min_forms=20)
    said = read_chapter(few, "results", unit="so-b")
    assert "No lowest item is named: 7 forms are too few (20 are needed)." in said
    assert "The highest is" not in said  # of the factors either
    assert "The highest is" in read_chapter(few, "results", unit="so-a")
    assert "* The wording of this item was not compared" not in said


def test_a_unit_whose_items_may_have_every_place_has_no_column_of_places(unit):
    """30 forms: 1–22 in every row would say nothing; the group stands beside each item."""
    table = list_blocks(unit, Table)["table-lowest"]
    heads = [render_text(column.label, "en") for column in table.columns]
    assert "Possible places" not in heads
    assert heads[-1] == "Index of the group"
    assert len(table.rows) == 3


def test_items_that_nobody_answered_have_no_bar_and_no_place(read_answers):
    """A2 is blank everywhere."""
    answers = "unit,A1,A2,D1\n" + "so-a,5,,3\n" * 30 + "so-b,4,,5\n" * 9
    pictures = list_blocks(build_results(read_answers(answers)), Picture)
    bars = pictures["figure-items-1"].data
    assert [render_text(row[0], "en")[:2] for row in bars.rows] == ["D1", "A1"]


def test_a_unit_of_too_few_people_shows_no_number(read_answers):
    """Nor the unit that would give it away, but for its index: nothing beside it is shown (P2)."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 4))
    for code, n_shown in (("so-a", 1), ("so-b", 0)):
        tables = list_blocks(build_results(survey, code), Table).values()
        cells = [render_text(row[1], "en") for table in tables for row in table.rows]
        assert sum(cell != "withheld" for cell in cells) == n_shown
    scores = Figures(survey).scores
    assert scores[scores["value"].notna() & (scores["n_valid"] > 0)]["unit"].tolist() == ["so-a"]


def test_a_unit_has_its_index_and_group_in_the_table_of_factors(unit):
    """One table: index, the question on the whole, five factors, each beside the group."""
    table = list_blocks(unit, Table)["table-factors"]
    rows = read_table(table)
    assert rows[1].startswith("Overall index | 93.89 | 89.2–97.0 | 30")
    assert rows[1].endswith("| 86.89")
    assert len(table.rows) == 7
    assert "More than chance?" not in rows[0]  # no change is sure: a note says so once
    assert "All changes of the table are within sampling error." in rows


def test_where_all_figures_need_caution_one_sentence_says_so(read_answers):
    """Twelve forms: no mark in every row, and only the reasons that apply."""
    survey = read_answers(HEAD + draw_forms("so-a", 12))
    lines = read_table(list_blocks(build_results(survey), Table)["table-factors"])
    assert not any("†" in line for line in lines)
    (note,) = [line for line in lines if "with caution" in line]
    assert note.startswith("Use every figure of this table with caution: fewer than 30 people")
    assert "clusters" not in note


def test_of_many_factors_the_lowest_are_listed(read_answers):
    """Forty factors of an own pack: fifteen, lowest first, and how many there are."""
    codes = [f"Q{k}" for k in range(1, 41)]
    factors = "\n".join(f"  f{k}: {{vi: Nhóm {k}, en: Part {k}}}" for k in range(1, 41))
    items = "\n".join(
        f"  {code}: {{factor: f{k}, vi: Câu {k}, en: Item {k}}}" for k, code in enumerate(codes, 1)
    )
    head = "id: own\ntitle: {vi: Bộ, en: Pack}\nsource: ours\nstatus: unverified\n"
    pack = f"{head}factors:\n{factors}\nitems:\n{items}\n"
    rows = [",".join(["so-a", *("1" if k <= at else "5" for k in range(40))]) for at in range(40)]
    answers = ",".join(["unit", *codes]) + "\n" + "\n".join(rows) + "\n"
    table = list_blocks(build_results(read_answers(answers, pack=pack)), Table)["table-factors"]
    assert render_text(table.caption, "en") == "The 15 lowest of 40 factors"
    assert [render_text(row[0], "en") for row in table.rows[:2]] == ["Part 1", "Part 2"]
    assert len(table.rows) == 15


# ── groups of respondents


def test_no_group_is_named_that_may_be_as_the_whole_and_the_rest_is_in_the_annex(province):
    """Here none differs surely; too long a list is cut."""
    said = read_words(province)
    assert "No group of respondents has an index that is surely above or below" in said
    table = list_blocks(province, Table)["table-respondents"]
    names = [render_text(row[0], "en").partition(":")[0] for row in table.rows]
    assert {"Area", "Sex"} <= set(names)
    assert len(names) <= 18
    assert "Occupation" not in names
    assert any("Occupation" in render_text(note, "en") for note in table.notes)


def test_without_a_question_on_the_person_there_is_no_such_part(read_answers):
    """Nothing empty; and no unit ever has groups."""
    survey = read_answers("unit,A1,A2,D1\n" + "so-a,5,4,3\n" * 30)
    assert "Groups of respondents" not in read_chapter(survey, "results")
    both = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 40))
    assert "Sex: Male" in read_chapter(both, "results")
    assert "Sex: Male" not in read_chapter(both, "results", unit="so-a")


def test_a_group_that_surely_differs_is_named_with_its_difference(read_answers):
    """Of 200 men half are satisfied, of 200 women all but a few: both stand apart."""
    answers = HEAD + "so-a,2,2,2,2,male,\nso-a,5,5,4,5,male,\n" * 100
    answers += "so-a,5,5,4,5,female,\n" * 190 + "so-a,2,2,2,2,female,\n" * 10
    said = read_chapter(read_answers(answers), "results")
    named = said.partition("Groups whose index surely differs from the overall index")[2]
    assert "Sex: Female (+" in named.partition("\n")[0]
    assert "Sex: Male (−" in named.partition("\n")[0]
