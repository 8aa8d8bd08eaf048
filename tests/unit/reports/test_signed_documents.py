"""Documents that an office signs: whom they are to, what is said truly, what stays outside."""

from dataclasses import replace
from datetime import date

import pytest
from report_words import HEAD, draw_forms, read_chapter, read_words

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.documents.model import Signatory, render_text
from sipas_analysis.figures.published import Figures
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.annex_workbook import _source_sheet
from sipas_analysis.reports.before_signing import describe_before_signing
from sipas_analysis.reports.figure_tables import explain_no_rank
from sipas_analysis.reports.portal import write_portal
from sipas_analysis.reports.report import report

TWO = HEAD + draw_forms("so-a", 30) + draw_forms("so-b", 30)
SIZES = {"a": 40, "b": 3, "c": 3, "d": 10}  # the last is hidden with b and c
UNITS = "code,name_vi,group\n" + "".join(f"{code},{code},departments\n" for code in SIZES)
FOUR = HEAD + "".join(draw_forms(code, n) for code, n in SIZES.items())
OWN = """\
id: own
title: {vi: Bộ riêng, en: Our own}
source: ""
status: unverified
scale: {low: 1, high: 5, satisfied_from: 4}
items:
  A1: {vi: Câu một, en: One}
  A2: {vi: Câu hai, en: Two}
"""
OWN_ANSWERS = "unit,A1,A2\n" + "so-a,4,5\n" * 12 + "so-b,4,3\n" * 12


def read_letter(survey, unit, language="vi"):
    """Return the words of the letter to a unit."""
    return read_words(report(survey, language, unit).letter().sections[0], language)


@pytest.fixture(scope="module")
def two(read_shared):
    """Two units, no decision, items that are not checked."""
    return read_shared(TWO, min_forms=20)


# ── whom a letter is to


@pytest.mark.slow
@pytest.mark.parametrize("publisher", ["Sở A", "Sở A tỉnh An Giang", "SỞ A AN GIANG"])
def test_an_office_writes_its_own_results_to_its_divisions(read_shared, publisher):
    """Never to itself; it is named in place of "you", and who made the report is asked."""
    facts = {"publisher": {"vi": publisher}, "province": {"vi": "tỉnh An Giang"}}
    survey = read_shared(TWO, min_forms=20, **facts)
    said = read_letter(survey, "so-a")
    assert said.startswith("Kính gửi: Các phòng, đơn vị thuộc Sở A\n")
    assert "Quý đơn vị" not in said
    assert "Chỉ số hài lòng của Sở A năm 2024 đạt" in said
    assert "đề nghị các phòng, đơn vị trao đổi với bộ phận lập báo cáo" in said
    first, *_ = report(survey, "vi", "so-a")._list_recipients()
    assert render_text(first, "vi") == "Các phòng, đơn vị thuộc Sở A"
    other = read_letter(survey, "so-b")
    assert other.startswith("Kính gửi: Sở B\n")
    assert f"đề nghị Quý đơn vị trao đổi với {publisher}" in other


@pytest.mark.slow
def test_the_only_unit_without_a_name_is_not_written_to_as_its_survey(make_wave):
    """The title of a survey is no office: a letter is to the divisions of the office."""
    path = make_wave("A1,A2,D1\n" + "4,4,5\n" * 30, columns={})
    (path.parent / "units.csv").unlink()
    said = read_letter(read_survey(read_wave(path)), "small-2024")
    assert said.startswith("Kính gửi: Các phòng, đơn vị thuộc cơ quan\n")
    assert "Chỉ số hài lòng của cơ quan năm 2024" in said
    assert "Đợt nhỏ" not in said


# ── what is to note before signing


@pytest.mark.slow
def test_no_document_to_be_signed_has_a_note_to_whoever_signs(two, tmp_path):
    """Neither report, letter nor annexes; the page of all reports and the end of a run have it."""
    note = "Lưu ý trước khi ký: Chưa nêu quyết định công bố kết quả. Lời văn các tiêu chí có dấu *"
    whole = report(two, "vi")
    said = "".join(read_chapter(two, name, "vi") for name in [*whole.chapters, *whole.annexes])
    said += read_letter(two, "so-a")
    sheet = _source_sheet(Figures(two))
    said += "".join(render_text(cell, "vi") for row in sheet.rows for cell in row)
    assert "trước khi ký" not in said
    assert "* Lời văn tiêu chí này chưa đối chiếu" in said  # the mark is still explained
    assert any(text.startswith(note) for text, _ in describe_before_signing(two, "vi"))
    page = write_portal(Figures(two), [], tmp_path / "index.html", ("vi",), ["receipt.vi.html"])
    assert f'<p class="note">{note}' in page.read_text("utf-8")


@pytest.mark.slow
def test_no_decision_is_missed_where_none_publishes_a_questionnaire(read_shared):
    """A questionnaire of one's own; with a decision, its status is told."""
    survey = read_shared(OWN_ANSWERS, pack=OWN)
    assert not [*describe_before_signing(survey, "vi")]
    facts = [render_text(row[0], "vi") for row in _source_sheet(Figures(survey)).rows]
    assert "Quyết định" not in facts
    named = read_shared(OWN_ANSWERS, pack=OWN, decision={"number": "1/QĐ", "date": "2025-01-31"})
    assert any("Quyết định công bố" in text for text, _ in describe_before_signing(named, "vi"))


# ── why there is no rank, and how many units have no result


@pytest.fixture(scope="module")
def four(read_shared):
    """Four units, of which one has a published result."""
    return read_shared(FOUR, min_forms=20, units=UNITS)


@pytest.mark.slow
def test_a_unit_beside_hidden_ones_is_told_why_it_has_no_rank(four):
    """The others are not ineligible: their results are not published."""
    assert Figures(four).ranking.set_index("unit")["reason"]["a"] == "alone"
    said = read_letter(four, "a")
    assert "không có đơn vị nào khác trong khối Sở, ban, ngành" in said
    assert "có kết quả được công bố để so sánh" in said
    assert "đủ điều kiện" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["alone", "suppressed", "suppressed"], "no other unit within"),
        (["alone", "suppressed", "few_forms"], "have no published results or are not ranked"),
    ],
)
def test_why_there_is_no_rank_covers_all_other_units(four, monkeypatch, reasons, words):
    """Hidden ones alone, or beside them some that are shown without a rank."""
    subject = report(four, "en", "a").subject
    first, *others = subject.figures.units_in_order("departments")
    units = [
        replace(unit, reason=reason)
        for unit, reason in zip([first, *others], reasons, strict=False)
    ]
    monkeypatch.setattr(Figures, "units_in_order", lambda *_: units)
    assert words in render_text(explain_no_rank(subject, units[0]), "en")


@pytest.mark.slow
def test_leaders_read_how_many_units_have_no_result(four, two):
    """How many of how many, why, and the part that names them; else no such row."""
    said = read_chapter(four, "leaders", "vi")
    row = "Đơn vị không công bố kết quả | 3 trong 4 đơn vị có phiếu, vì có quá ít người"
    assert row in said
    assert "Xem phần III." in said[said.index(row) :].splitlines()[0]
    assert "không công bố kết quả" not in read_chapter(four, "leaders", "vi", "a")
    assert "không công bố kết quả" not in read_chapter(two, "leaders", "vi")


# ── sentences and rows


@pytest.mark.slow
def test_what_is_not_known_is_told_in_sentences(two):
    """Each has a subject and a verb."""
    said = read_chapter(two, "leaders", "vi")
    (row,) = [line for line in said.splitlines() if line.startswith("Điều chưa kết luận được | ")]
    sentences = row.partition(" | ")[2].removesuffix(".").split(". ")
    assert len(sentences) > 2
    starts = ("Chưa đủ cơ sở", "Chưa xác định", "Đơn vị có quá ít", "Khảo sát không cho biết")
    assert all(sentence.startswith(starts) for sentence in sentences), sentences


@pytest.mark.slow
def test_a_question_that_no_form_asks_has_no_row(read_shared, two):
    """The question on the whole stands in the table only where somebody answered it."""
    assert "Hài lòng chung" in read_chapter(two, "results", "vi")
    rows = [line.split(",") for line in TWO.splitlines()]
    without = "".join(",".join([*row[:4], *row[5:]]) + "\n" for row in rows)
    survey = read_shared(without, min_forms=20)
    for unit in ("", "so-a"):
        said = read_chapter(survey, "results", "vi", unit)
        assert "Hài lòng chung (" not in said
        assert " | – | – | 0" not in said


def test_the_room_for_the_signature_is_empty():
    """Nothing that the signer must delete first: position, room, name."""
    office = Bilingual(vi="Sở A", en="Department A")
    head = Signatory(office, office, date(2025, 1, 31)).letterhead_lines("vi")
    assert (head["position"], head["name"]) == ("QUYỀN HẠN, CHỨC VỤ", "Họ và tên")
    assert not any("chữ ký" in line.lower() for line in head.values())
