"""The leaders' page: few sentences that state no order which the sample does not give."""

import random

import pytest
from conftest import PACK
from report_words import HEAD, draw_forms, read_chapter, read_words

from sipas_analysis.documents.model import Paragraph, Picture, Table, render_text
from sipas_analysis.reports.chapters.leaders import name_first_items
from sipas_analysis.reports.chapters.opening import state_reservations
from sipas_analysis.reports.chapters.trend import list_compared, name_figure
from sipas_analysis.reports.report import report

NOT_IN_ONE = ("  A2:", "  D1:", "  results:", "overall_item:")
ONE_ITEM = "".join(line for line in PACK.splitlines(True) if not line.startswith(NOT_IN_ONE))


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["", "so-nv"])
def test_the_page_has_few_sentences_one_picture_and_one_small_table(demo_2021, unit):
    """Three sentences of the province; a unit also reads where it stands and why."""
    section = report(demo_2021, "en", unit).chapter("leaders").section
    texts = [block for block in section.blocks if isinstance(block, Paragraph)]
    assert texts[0].style == "lead"
    assert texts[-1].style == "note"
    assert len(texts) == (6 if unit else 4)
    assert sum(isinstance(block, Picture) for block in section.blocks) == 1
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert 2 <= len(table.rows) <= 7  # with records


@pytest.mark.slow
def test_the_index_stands_with_its_error_and_last_year(demo_2021):
    """The published figure, its interval, the people, and the change in words."""
    said = read_chapter(demo_2021, "leaders", "vi")
    assert "năm 2021 đạt 87,25% (khoảng tin cậy 95%: từ 85,9 đến 88,6)" in said
    assert "870 phiếu của 29 đơn vị" in said
    assert "tăng 0,83 điểm phần trăm so với năm 2020 (86,43%), chưa vượt sai số chọn mẫu" in said


@pytest.mark.slow
def test_items_and_changes_are_named_where_they_are_sure(demo_2021):
    """Of 22 items only A4 is surely below the index (R7); it also fell for sure."""
    figures = report(demo_2021, "en").subject.figures
    gaps = figures.index_gaps.set_index("variable")
    assert [*gaps.index[(gaps["verdict"] == "below") & (gaps["unit"] == "")]] == ["A4"]
    said = read_chapter(demo_2021, "leaders")
    assert "surely below the overall index: A4. Equipment is easy to use (82.57%)." in said
    assert "Down: A4. Equipment is easy to use (−8.38 percentage points)." in said
    assert "no unit can be said to stand above or below" in said
    assert "*" not in said


@pytest.mark.slow
def test_units_that_surely_stand_apart_are_named_and_others_counted(read_answers):
    """Seven good and seven bad units of 40 forms: four of each are named."""
    draw, units = random.Random(1), ["code,name_vi,name_en,group"]
    rows = []
    for number in range(14):
        units.append(f"so-{number},Sở {number},Department {number},departments")
        levels = [5, 5, 5, 4] if number % 2 else [2, 2, 3, 4]
        rows += [
            f"so-{number},{','.join(str(draw.choice(levels)) for _ in range(3))}\n"
            for _ in range(40)
        ]
    survey = read_answers("unit,A1,A2,D1\n" + "".join(rows), units="\n".join(units) + "\n")
    said = read_chapter(survey, "leaders")
    assert "Surely above the overall index: Department" in said
    assert said.count(" and 3 more units") == 2
    judged = read_chapter(survey, "assessment")
    assert "Units surely above the overall index: Department" in judged
    assert " and 4 more units" in judged


@pytest.mark.slow
def test_a_unit_reads_why_it_is_not_first(demo_2021):
    """The distance to the first with its error, in one paragraph."""
    said = read_chapter(demo_2021, "leaders", "en", "so-nv")
    assert "the unit is number 3 of 18" in said
    assert "below the unit that is first" in said
    assert "by 0.92 percentage points" in said
    assert "above that of all units (87.25%) by 6.64 percentage points" in said
    assert "is higher by 9.9; none of these differences exceeds the sampling error" in said


@pytest.mark.slow
def test_a_unit_far_from_its_group_reads_in_which_factors(read_answers):
    """So A is satisfied with B only, so B with all: sure where the published intervals part."""
    rows = ["so-a,1,1,5,5,,\n"] * 60 + ["so-a,5,5,5,5,,\n"] * 3 + ["so-b,5,5,5,5,,\n"] * 60
    survey = read_answers(HEAD + "".join(rows) + "so-b,5,5,1,1,,\n" * 2)
    said = read_chapter(survey, "leaders", "vi", "so-a")
    subject = report(survey, "vi", "so-a").subject
    figures = subject.figures
    beside = figures.find("beside:access@so-a")
    domains = (("unit", "so-a"), ("group", subject.group))
    own, group = (figures.by_variable(*domain)["access"] for domain in domains)
    assert beside["value"] == own.value - group.value
    assert (beside["low"], beside["high"]) == (own.low - group.high, own.high - group.low)
    assert f"chắc chắn thấp hơn {-beside['value']:.1f}".replace(".", ",") in said
    assert "mức không ghi “chắc chắn”" in said


@pytest.mark.slow
def test_an_item_is_called_one_of_the_lowest_only_of_few(demo_2021, monkeypatch):
    """One of 7 lowest of 22 items says something; one of 8 does not."""
    subject = report(demo_2021, "vi", "so-gddt").subject
    places = subject.figures.item_places("so-gddt")
    for highest, is_named in ((7, True), (8, False)):
        changed = places.assign(rank_high=highest, rank_low=[1, 1, *[3] * (len(places) - 2)])
        monkeypatch.setattr(type(subject.figures), "item_places", lambda *_, table=changed: table)
        said = render_text(name_first_items(subject)[0], "vi")
        assert ("tiêu chí thấp nhất của đơn vị" in said) == is_named


@pytest.mark.slow
def test_few_forms_have_no_lowest_item_and_no_measures(read_answers):
    """Seven forms: an index with caution, no rank, no item to look at first."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 7), min_forms=20)
    said = read_chapter(survey, "leaders", unit="so-b")
    assert "fewer than 20 forms it cannot be said which item is the lowest" in said
    assert "lowest item in the sample" not in said
    assert "Not ranked: 7 forms, fewer than the 20 needed" in said
    assert "with caution: 7 people answered" in said
    measures = report(survey, "en", "so-b").chapter("measures").section
    assert not any(isinstance(block, Table) for block in measures.blocks)


@pytest.mark.slow
def test_the_first_page_knows_the_lowest_places_that_the_second_page_prints(read_answers):
    """The lowest item of so-a has 6 answers; the next of 30 is surely lower than D1 (rule R6)."""
    few, more = [*"535353", *[""] * 24], [*"5" * 16, *"3" * 14]
    rows = [f"so-a,{first},{second},5,5,,\n" for first, second in zip(few, more, strict=True)]
    survey = read_answers(HEAD + "".join(rows) + draw_forms("so-b", 40), min_forms=20)
    said = read_chapter(survey, "leaders", unit="so-a")
    assert "but not surely the lowest: any of 2 items may be it" in said
    assert "any of 2 items may be it" in read_chapter(survey, "results", unit="so-a")
    assert "no item can be said to be lower" not in said


@pytest.mark.slow
def test_a_hidden_index_is_a_warning_without_numbers(read_answers):
    """Four forms: no figure, no item, no comparison (rule P2)."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 4))
    section = report(survey, "en", "so-b").chapter("leaders").section
    assert section.blocks[0].style == "warning"
    said = read_words(section, "en")
    assert "The index is not published" in said
    assert "%" not in said


@pytest.mark.slow
def test_units_to_check_again_are_named_with_who_accepted_them(demo_2021):
    """Inside the report only; a letter says nothing of it."""
    assert (
        "‡ TP. Long Xuyên: phiếu cần kiểm tra lại; UBND tỉnh An Giang đã chấp nhận"
        in read_chapter(demo_2021, "leaders", "vi")
    )
    assert "UBND tỉnh An Giang" in read_chapter(demo_2021, "leaders", "vi", "tp-long-xuyen")
    letter = report(demo_2021, "vi", "tp-long-xuyen").letter().sections[0]
    assert "kiểm tra lại" not in read_words(letter, "vi")


@pytest.mark.parametrize(
    ("answers", "facts"),
    [
        ("unit,A1,A2,D1\n" + "so-a,5,5,5\n" * 30, {}),
        ("unit,A1\n" + "so-a,5\n" * 20 + "so-b,2\n" * 20, {"pack": ONE_ITEM}),
        ("unit,A1,A2,D1\nso-a,5,4,3\n", {}),
    ],
)
@pytest.mark.slow
def test_a_wave_with_little_in_it_still_reads_well(read_answers, answers, facts):
    """All at 100 %, one item of one factor, one form: no order, no empty cell, no crash."""
    survey = read_answers(answers, **facts)
    for unit in ("", "so-a"):
        for name in report(survey, "en", unit).chapters:
            said = read_chapter(survey, name, unit=unit)
            assert "nan" not in said.lower()
            assert ": ." not in said
            assert "()" not in said


@pytest.mark.slow
def test_a_wave_without_earlier_year_says_so(read_answers):
    """On the leaders' page and in the chapter on last year's measures."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 35))
    assert "No earlier survey was given to compare with." in read_chapter(survey, "leaders")
    said = read_chapter(survey, "last_measures")
    assert "neither a plan of last year's measures nor an earlier survey was given" in said


@pytest.mark.slow
def test_incidents_have_their_own_people_and_interval(demo_2021, demo_2023):
    """Those with an apology are a share of the late; the largest share first; no raw answers."""
    late = "19.8% of those who answered had a late result (95% interval: 17.2 to 22.6)"
    apology = "14.0% of those with a late result received an apology"
    for name in ("leaders", "assessment"):
        said = read_chapter(demo_2021, name)
        assert said.index(late) < said.index(apology)
    said = read_chapter(demo_2023, "leaders", "vi")
    assert said.index("20,6% người trả lời cho biết có tình trạng phải đưa tiền") < said.index(
        "19,5%"
    )
    assert "Có một số" not in said
    assert "không dùng trọng số" in said  # this wave has weights


@pytest.mark.slow
def test_a_page_names_what_is_unknown_and_where_measures_stand(demo_2021):
    """A unit of 30 forms: its rank, its targets, its factors; the province: its order."""
    said = read_chapter(demo_2021, "leaders", "en", "so-ldtbxh")
    assert "does not tell the exact rank of the unit in its group" in said
    assert "does not tell whether the index meets the target: 80%, 95%." in said
    assert "does not tell which factor is the highest" in said
    assert "Part V has measures." in said
    assert "part VII has measures" in read_chapter(demo_2021, "leaders")
    assert "What surely changed since 2020" in said


@pytest.mark.slow
def test_measures_stand_in_the_order_of_need_and_proposals_ask_the_superior(demo_2021, demo_2023):
    """First the items that are surely below the index, with the share now and the target."""
    rows = {
        wave: table.rows
        for wave, survey in (("2021", demo_2021), ("2023", demo_2023))
        for table in report(survey, "en").chapter("measures").section.blocks
        if isinstance(table, Table)
    }
    firsts = [" ".join(render_text(cell, "en") for cell in rows[wave][0]) for wave in rows]
    assert "A4. Equipment is easy to use: from 82.57% to 88%" in firsts[0]
    assert "2. Policy information is complete" in firsts[1]
    said = read_chapter(demo_2021, "proposals", "vi")
    assert "Kính đề nghị UBND tỉnh An Giang chỉ đạo:\n1. " in said
    assert "392 phiếu, tức khoảng 11.400 phiếu cho 29 đơn vị (đợt này: 870 phiếu)" in said
    assert said.rstrip().endswith("./.")
    assert read_chapter(demo_2021, "measures", "vi", "so-ldtbxh").rstrip().endswith("./.")


@pytest.mark.slow
def test_reservations_stand_in_one_note_and_depend_on_publication(demo_2021, demo_2023):
    """Results that a decision has published need no check "before publication"."""
    said, later = (
        " ".join(render_text(text, "en") for text in state_reservations(report(survey).subject))
        for survey in (demo_2021, demo_2023)
    )
    assert said.startswith("To note before signing: The wording of items marked * was not compared")
    assert "before signing" not in read_chapter(demo_2021, "basis")
    assert "compare it before the next survey" in said
    assert "before publishing" not in said
    assert "(sourced)" not in said
    assert "compare it before publishing" in later
    assert "No decision that publishes the results" in later
    assert "trước khi công bố" not in read_chapter(demo_2021, "leaders", "vi")
    judged = read_chapter(demo_2023, "last_measures")
    assert judged.count("This cannot be judged") == 1
    assert "not comparable with 2021" in judged


@pytest.mark.slow
def test_the_head_names_the_results_and_a_unit_is_the_first_recipient(demo_2021):
    """The title is what was measured, of whom; it does not read as the author."""
    unit = report(demo_2021, "vi", "so-ldtbxh")
    document = unit._sort_into_documents([unit.chapter("leaders").section])[""]
    name = "Sở Lao động - Thương binh và Xã hội"
    title = f"Kết quả đo lường sự hài lòng của người dân, tổ chức đối với {name} năm\u00a02021"
    assert render_text(document.title, "vi") == title
    assert [render_text(line, "vi") for line in document.recipients] == [
        name,
        "UBND tỉnh An Giang (để b/c)",
        "Lưu: VT",
    ]
    numbers = [
        each.signatory.letterhead_lines("vi")["number"] for each in (document, unit.letter())
    ]
    assert numbers == ["Số: ……/BC-……", "Số: ……/……"]


@pytest.mark.slow
def test_years_that_may_not_be_compared_are_not(demo_2023):
    """Another questionnaire: the reason, and no change beside it."""
    said = read_chapter(demo_2023, "leaders")
    assert "Not comparable with 2021" in said
    assert "it rose" not in said
    assert "it fell" not in said


@pytest.mark.slow
def test_every_figure_with_a_change_in_a_table_can_be_named_as_changed(demo_2021):
    """The question beside the index, factors, items; of the province also groups and units."""
    subject = report(demo_2021, "en").subject
    names = {
        (figure.variable, figure.group, figure.unit): render_text(
            name_figure(subject, figure, is_marked=False), "en"
        )
        for figure in list_compared(subject)
    }
    assert names["OVERALL", "", ""] == "Satisfaction as a whole"
    assert names["overall", "departments", ""] == "Departments"
    assert names["overall", "departments", "so-nv"].startswith("Department of Home Affairs")
    assert names["A4", "", ""].startswith("A4. ")
    assert len(names) == 1 + 5 + 22 + 2 + 29
    of_unit = list_compared(report(demo_2021, "en", "so-nv").subject)
    assert {figure.unit for figure in of_unit} == {"so-nv"}


@pytest.mark.slow
def test_a_unit_where_all_are_satisfied_reads_one_sentence_and_no_table(read_answers):
    """Not the same words for each factor, and no source of measures that are not there."""
    survey = read_answers(HEAD + "so-a,5,5,4,5,male,HN\nso-b,4,3,5,4,female,\n" * 30)
    said = read_chapter(survey, "measures", "en", "so-a")
    assert said.count("Every answer was satisfied") == 1
    assert "Source of the measures" not in said
    assert "Every answer was satisfied" not in read_chapter(survey, "measures", "en", "so-b")
