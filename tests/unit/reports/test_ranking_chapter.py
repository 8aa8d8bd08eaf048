"""The chapter of the ranking: what is sure in sentences, one table, the ends of a long order."""

import pytest
from report_words import HEAD, draw_forms, read_chapter, read_table

from sipas_analysis.documents.model import Picture, Table, render_text
from sipas_analysis.reports.chapters.ranking import explain_rank
from sipas_analysis.reports.report import report


def read_tables(survey, unit="", name="ranking"):
    """Return the tables of a chapter as lines, by id."""
    blocks = report(survey, "en", unit).chapter(name).section.blocks
    return {block.id: read_table(block) for block in blocks if isinstance(block, Table)}


def test_the_order_of_units_gives_places_and_reasons(read_answers):
    """Places for those ranked, one number where it is one; a reason for the rest (R1, M7)."""
    answers = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 12)
    lines = read_tables(read_answers(answers, min_forms=20))["table-ranking-departments"]
    head, first, second, how, mark, why = lines
    assert head.split(" | ")[:4] == ["Unit", "Group", "Rank", "Possible ranks"]
    assert first.split(" | ")[:4] == ["Department A", "A", "1", "1"]
    assert second.split(" | ")[:4] == ["Department B", "–", "–", "–"]
    assert "†" in second
    assert "publish groups rather than ranks" in how
    assert mark == "† Use with caution: fewer than 30 people answered."
    assert why == "Department B is not ranked: 12 forms, fewer than the 20 needed."


@pytest.mark.slow
def test_units_that_do_not_differ_are_said_to_be_one_group(demo_2021):
    """Departments: no letter, how intervals are read, one smallest difference, the targets."""
    said = read_chapter(demo_2021, "ranking")
    assert "cannot tell which of 18 units is better" in said
    assert said.count("for this sample to detect the difference") == 2  # one a group
    assert said.count("The intervals here are those of single units") == 1
    assert "group (A)" not in said
    assert "interval at or above the target of 80%: Department of Information" in said
    assert "interval below the target of 95%: 12 units." in said


@pytest.mark.slow
def test_units_that_differ_are_listed_by_letter(read_answers):
    """So A satisfies all of 60, So B none: two letters, sure places."""
    answers = HEAD + "so-a,5,5,5,5,male,\n" * 60 + "so-b,1,1,1,1,male,\n" * 60
    said = read_chapter(read_answers(answers), "ranking")
    assert "The 2 ranked units form 2 groups" in said
    assert "Group A: Department A\nGroup B: Department B" in said


@pytest.mark.slow
def test_a_unit_sees_its_group_and_the_units_nearby(demo_2021):
    """Two on either side, one at each end; no letter and no range where all have the same."""
    lines = read_tables(demo_2021, "so-nv")["table-ranking-departments"]
    assert lines[0].startswith("Unit | Order by the figures | Satisfied (%)")
    assert "every unit may have any place" in "\n".join(lines)
    names = [line.split(" | ")[1] for line in lines[1:7]]
    assert names == ["1", "2", "3", "4", "5", "18"]
    assert "up to 2 units on either side, and the first and last 1 of 18" in "\n".join(lines)
    assert "Districts" not in read_chapter(demo_2021, "ranking", unit="so-nv")


@pytest.mark.slow
def test_the_paragraph_on_the_place_reads_plainly(demo_2021):
    """Place and distance to the first, then what the sample cannot tell; no letter of all."""
    (block,) = explain_rank(report(demo_2021, "vi", "so-ldtbxh").subject)
    said = render_text(block.text, "vi")
    assert said == (
        "Theo số liệu, đơn vị đứng thứ 2/18 (Sở, ban, ngành), kém đơn vị đứng đầu (Sở Thông tin và"
        " Truyền thông) 0,22 điểm phần trăm, chưa vượt sai số chọn mẫu: chênh lệch thực có thể"
        " từ cao hơn 12,1 đến thấp hơn 12,6 điểm phần trăm. Với 30 phiếu, vị trí thật có thể từ 1"
        " đến 18: mẫu khảo sát chưa đủ để xếp hạng 18 đơn vị với nhau."
    )


@pytest.mark.slow
def test_of_a_long_order_the_body_shows_the_ends_and_the_annex_all(read_answers):
    """Fifty communes: a picture of ten at each end; the table of all fifty is in the annex."""
    units = "code,name_vi,group\n" + "".join(f"x{k},Xã {k},communes\n" for k in range(50))
    answers = "".join(draw_forms(f"x{k}", 25) for k in range(50))
    survey = read_answers(HEAD + answers, units=units, min_forms=20)
    blocks = report(survey, "en").chapter("ranking").section.blocks
    (picture,) = [block for block in blocks if isinstance(block, Picture)]
    assert len(picture.data.rows) == 20
    assert not any(isinstance(block, Table) for block in blocks)
    assert "the full table is in the annexes" in read_chapter(survey, "ranking")
    annex = read_tables(survey, name="ranks")["table-ranking-communes"]
    assert sum(line.startswith("Xã ") for line in annex) == 50


@pytest.mark.slow
def test_a_single_unit_is_not_ranked(read_answers):
    """A rank of one among one says nothing."""
    one = "code,name_vi,group\nso-a,Sở A,departments\n"
    survey = read_answers(HEAD + draw_forms("so-a", 40), units=one)
    for unit in ("", "so-a"):
        assert read_tables(survey, unit) == {}
        assert "The group has a single unit" in read_chapter(survey, "ranking", unit=unit)
