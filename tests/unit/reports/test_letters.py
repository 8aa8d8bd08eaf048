"""The letter to a unit: one page, polite, without internal remarks."""

from datetime import date
from types import SimpleNamespace

import pytest
from report_words import HEAD, draw_forms, read_words

from sipas_analysis.documents.model import Table, render_text
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.measure.scores import score
from sipas_analysis.reports.chapters.letters import YOU, _name_decision
from sipas_analysis.reports.chapters.opening import describe_instrument
from sipas_analysis.reports.chapters.ranking import explain_rank
from sipas_analysis.reports.report import report
from sipas_analysis.reports.subject import Subject


def read_letter(survey, unit, language="en"):
    """Return the words of the letter to a unit."""
    return read_words(report(survey, language, unit).letter().sections[0], language)


def test_a_letter_has_the_index_the_place_the_factors_and_a_short_end(read_answers):
    """The figures of the unit's report; the reference stands under the number, no title above."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 30), min_forms=20)
    letter = report(survey, "vi", "so-b").letter()
    assert letter.kind is None
    assert render_text(letter.about, "vi").startswith("V/v thông báo kết quả")
    assert render_text(letter.sections[0].title, "vi").startswith("Kính gửi: ")
    said = read_letter(survey, "so-b")
    own = score(survey, "unit").select(unit="so-b", variable="overall").frame.iloc[0]
    assert f"{own['printed']}% (95% interval: {own['low']:.1f} to {own['high']:.1f})" in said
    (place,) = explain_rank(report(survey, "en", "so-b").subject, YOU)
    assert render_text(place.text, "en").startswith("By the figures your unit is number 2 of 2")
    assert render_text(place.text, "en") in said
    assert "the unit is" not in said
    assert said.count("the true index may lie anywhere in it") == 1
    tables = [block for block in letter.sections[0].blocks if isinstance(block, Table)]
    assert [table.id for table in tables] == ["table-factors"]
    assert said.endswith("please write by …/…/… to: the sender of this letter")


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["so-tttt", "tp-long-xuyen"])
def test_nothing_internal_goes_out(demo_2021, unit):
    """No remark on publication, no annex, no mark that nothing explains; "Quý đơn vị"."""
    said = read_letter(demo_2021, unit, "vi")
    assert said.splitlines()[1].startswith("Căn cứ Quyết định số 851/QĐ-UBND ngày 27 tháng 4 năm")
    assert said.splitlines()[2].startswith("Sở Nội vụ tỉnh An Giang thông báo kết quả")
    assert "của Quý đơn vị" in said
    assert "của đơn vị" not in said
    for word in ("phụ lục", "kiểm tra lại", "*", "‡", "Ông/Bà"):
        assert word not in said, word


@pytest.mark.slow  # whole reports are made
def test_a_letter_says_why_there_is_no_rank(read_answers):
    """Twelve forms: index, interval and the reason; the lowest item is not named from seven."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 12), min_forms=20)
    said = read_letter(survey, "so-b")
    assert "Not ranked: 12 forms, fewer than the 20 needed" in said
    few = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 7), min_forms=20)
    assert "lowest item in the sample" not in read_letter(few, "so-b")


@pytest.mark.slow  # whole reports are made
def test_a_unit_whose_result_is_hidden_is_told_so_politely(read_answers):
    """No number, no table of bare words."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 3), min_forms=20)
    said = read_letter(survey, "so-b")
    assert "are not published, because too few people answered" in said
    assert "Thank you" in said
    assert "withheld" not in said
    assert not any(digit in said.partition("\n")[2] for digit in "3456789")


TWO_GROUPS = "code,name_vi,group\n" + "".join(
    f"{code},{code},{group}\n"
    for codes, group in (("abc", "departments"), ("xy", "districts"))
    for code in codes
)


def draw_two_groups(**sizes):
    """Answer at random for units of two groups."""
    return HEAD + "".join(draw_forms(unit, n) for unit, n in sizes.items())


@pytest.mark.slow  # whole reports are made
def test_a_unit_hidden_for_another_is_not_asked_for_forms(read_answers):
    """Thirty forms, hidden for the unit of three, which alone is asked for more forms."""
    answers = draw_two_groups(a=40, b=30, c=25, x=30, y=3)
    survey = read_answers(answers, min_forms=20, units=TWO_GROUPS)
    for unit in ("c", "x"):
        said = read_letter(survey, unit)
        assert "the answers of another place, where fewer than 5 people answered" in said
        assert "need not send more forms" in said
        assert "enough forms" not in said
        assert "too few people answered at the unit" not in said
        assert "không phải bổ sung phiếu" in read_letter(survey, unit, "vi")
    assert "next survey has enough forms" in read_letter(survey, "y")


@pytest.mark.slow
def test_a_hidden_group_has_a_note_in_place_of_a_column_of_bare_words(read_answers):
    """The group is hidden for a unit of another: no column, but why. Else the column stands."""
    whole = read_answers(draw_two_groups(a=40, b=30, x=30), min_forms=20, units=TWO_GROUPS)
    assert "Index of the group" in read_letter(whole, "a")
    assert "is withheld" not in read_letter(whole, "a")
    answers = draw_two_groups(a=40, b=30, c=25, x=30, y=3)
    said = read_letter(read_answers(answers, min_forms=20, units=TWO_GROUPS), "a")
    assert "index of the group (Departments" in said
    assert "Index of the group" not in said
    assert "withheld" not in said.replace("is withheld:", "")


@pytest.mark.slow
def test_a_place_is_among_the_ranked_units_where_others_are_not(read_answers):
    """Two of three units are ranked: not "2 of 2", as if there were no third."""
    for n, words in ((7, "of the 2 units that are ranked ("), (30, "of 3 (")):
        answers = draw_two_groups(a=40, b=30, c=n)
        survey = read_answers(answers, min_forms=20, units=TWO_GROUPS)
        assert words in read_letter(survey, "b")


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (
            {"date": "2024-12-30"},
            "Căn cứ Quyết định số 851/QĐ-UBND ngày 30 tháng 12 năm 2024 phê duyệt",
        ),
        ({}, "Căn cứ Quyết định số 851/QĐ-UBND phê duyệt và công bố kết quả đợt khảo sát “"),
    ],
)
@pytest.mark.slow
def test_a_letter_stands_on_the_decision_that_the_wave_names(read_answers, day, words):
    """With its date if it has one; without a decision no line."""
    answers = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 30)
    named = read_answers(answers, min_forms=20, decision={"number": "851/QĐ-UBND", **day})
    said = read_letter(named, "so-a", "vi")
    assert said.count("Căn cứ") == 1
    assert words in said
    assert "Căn cứ" not in read_letter(read_answers(answers, min_forms=20), "so-a", "vi")


def name_decision(number="3125/QĐ-UBND", publisher="Sở A", province="tỉnh An Giang"):
    """Return how a letter names a decision, in both languages."""
    texts = {"vi": publisher, "en": publisher}
    wave = SimpleNamespace(
        decision=SimpleNamespace(number=number, date=date(2025, 2, 5)),
        title=Bilingual(vi="Đợt A", en="Survey A"),
        publisher=Bilingual(**texts),
        province=Bilingual(vi=province, en="An Giang province"),
    )
    (text,) = _name_decision(wave)
    return [render_text(text, language) for language in ("vi", "en")]


def test_a_decision_is_named_as_an_office_writes_it():
    """Day in words, who issued it, what it approves, a full stop."""
    vi, en = name_decision()
    assert vi == (
        "Căn cứ Quyết định số 3125/QĐ-UBND ngày 05 tháng 02 năm 2025 của Ủy ban nhân dân tỉnh "
        "An Giang phê duyệt và công bố kết quả đợt khảo sát “Đợt A”."
    )
    assert "Decision 3125/QĐ-UBND of 5 February 2025 of the People's Committee of An" in en


@pytest.mark.parametrize(
    "other",
    [{"number": "12/QĐ-SNV"}, {"publisher": "UBND phường Long Xuyên"}, {"province": ""}],
)
def test_the_issuer_of_a_decision_is_not_guessed(other):
    """Of another symbol, of a committee that may have decided itself, without a province."""
    assert "của Ủy ban" not in name_decision(**other)[0]


@pytest.mark.slow
def test_the_deadline_is_overwritten_without_repair(read_answers):
    """The blank of the year stands alone: no full stop of the letter runs into it."""
    survey = read_answers(HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 30), min_forms=20)
    said = read_letter(survey, "so-a", "vi")
    assert "Trước ngày …… tháng …… năm ……, nếu" in said
    assert said.endswith("cơ quan gửi văn bản này./.")


def test_an_item_in_a_sentence_has_a_number_only_if_it_is_numbered():
    """Wordings stand in quotation marks; the header of a column is no number."""
    labels = {"27": "Quy định thủ tục", "C4": "Công chức", "thai_do": "Thái độ", "C1": "C1. Phí"}
    items = {code: SimpleNamespace(reverse=code == "C4") for code in labels}
    pack = SimpleNamespace(items=items, label_of=lambda code, _: labels[code])
    texts = [Subject.quote_item(SimpleNamespace(pack=pack), code) for code in labels]
    assert [render_text(text, "vi") for text in texts] == [
        "tiêu chí số 27 “Quy định thủ tục”",
        "tiêu chí C4 “Công chức” (đã đảo thang)",
        "tiêu chí “Thái độ”",
        "tiêu chí “C1. Phí”",
    ]
    assert render_text(texts[0], "en").startswith("item 27 “")


@pytest.mark.slow
def test_a_difference_within_the_error_is_told_in_official_words(read_answers):
    """From lower to higher, in points."""
    answers = HEAD + draw_forms("so-a", 40) + draw_forms("so-b", 30)
    said = read_letter(read_answers(answers, min_forms=20), "so-b", "vi")
    assert "chênh lệch thực có thể từ cao hơn" in said
    assert "thật ra" not in said


def test_the_source_of_a_pack_is_named_once():
    """Its title repeats the number of the decision; another title is told."""
    pack = read_instrument("qd-1001-2023")
    said = render_text(describe_instrument(pack), "vi")
    assert said == "Căn cứ Quyết định 1001/QĐ-BNV ngày 11/12/2023 của Bộ Nội vụ."
    other = pack.model_copy(update={"title": Bilingual(vi="Bộ câu hỏi", en="Questions")})
    assert render_text(describe_instrument(other), "vi").endswith("của Bộ Nội vụ: Bộ câu hỏi.")
