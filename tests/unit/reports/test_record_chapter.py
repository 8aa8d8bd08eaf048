"""The chapter on records: what a leader asks, in order; nothing of it without records."""

from functools import partial

import pytest
from record_frames import NAN, SLOWEST, STEPS, count_dossiers, list_steps, list_tables, make_subject
from report_words import read_words

from sipas_analysis.documents.chart_parts import NARROW, WIDE
from sipas_analysis.documents.model import Picture, render_text
from sipas_analysis.reports.chapters.drivers import describe_drivers
from sipas_analysis.reports.chapters.leaders import build_leaders
from sipas_analysis.reports.chapters.letters import build_letter
from sipas_analysis.reports.chapters.record_summary import explain_attitude, sum_up_records
from sipas_analysis.reports.chapters.records import build_records
from sipas_analysis.reports.record_pictures import draw_flow_picture, draw_views_picture
from sipas_analysis.reports.report import Report, report

UNITS = ("so-nv", "so-tttt", "tp-long-xuyen")
LONG = "Thẩm định hồ sơ, kiểm tra thực địa và lấy ý kiến các cơ quan có liên quan " * 2


@pytest.fixture
def make(demo_2021):
    """Make the subject of a wave with these records; tables may be replaced."""

    def make_with(unit="", **tables):
        return make_subject(demo_2021, list_tables(UNITS) | tables, unit)

    return make_with


def test_a_wave_without_records_has_no_word_of_them(demo_2023):
    """Its chapters, numerals and sentences are those of earlier editions."""
    for unit in ("", "tp-long-xuyen"):
        written = report(demo_2023, "vi", unit)
        assert demo_2023.wave.records is None
        assert "records" not in written.chapters
        assert sum_up_records(written.subject) == explain_attitude(written.subject) == []


def test_the_chapter_stands_after_the_ranking_and_numerals_follow(make):
    """Sentences that name a part name the right one."""
    whole, unit = make(), make("so-nv")
    numerals = {name: whole.find_numeral(name) for name in whole.parts}
    assert [*numerals][4:6] == ["records", "assessment"]
    assert (numerals["records"], numerals["proposals"]) == ("IV", "VIII")
    assert unit.find_numeral("measures") == "V"
    title = Report(whole, ("vi",)).chapter("records").section.title
    assert render_text(title, "vi") == "IV. Số liệu hồ sơ, phản ánh kiến nghị"


def test_a_leader_reads_the_real_share_first_then_that_of_the_form_and_why(make):
    """Both shares, the gap and its parts; what runs and is overdue; what is set aside."""
    lines = read_words(build_records(make()), "vi").splitlines()
    assert lines[1] == (
        "Từ 01/01/2021 đến 31/12/2021, các cơ quan, đơn vị tiếp nhận 1.090 hồ sơ (kể cả hồ sơ kỳ "
        "trước chuyển sang), đã giải quyết 1.000 hồ sơ: 95,00% đúng hạn, 50 hồ sơ quá hạn."
    )
    assert "II.06a/VPCP/KSTT thì 96,50% đúng hạn, cao hơn 1,50 điểm phần trăm" in lines[2]
    assert "20 hồ sơ đang chờ bổ sung (1,00 điểm), 10 hồ sơ đã rút (0,50 điểm)" in lines[2]
    assert "còn 60 hồ sơ đang giải quyết, trong đó 15 hồ sơ đã quá hạn" in lines[2]
    assert "3 hồ sơ có ngày, giờ mâu thuẫn nhau được để riêng" in lines[2]
    rows = [count_dossiers("all", "all", gap_points=0.0, gap_waiting=0.0, gap_withdrawn=0.0)]
    said = read_words(build_records(make(timeliness=rows)), "vi")
    assert "Tính theo Biểu II.06a/VPCP/KSTT cũng là 96,50% đúng hạn." in said


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"done": 0, "late": 0}, "chưa giải quyết xong hồ sơ nào"),
        ({"on_time_percent": NAN, "late": NAN}, "số đã giải quyết quá ít nên không nêu"),
        ({"running": 0}, "cao hơn 1,50 điểm phần trăm"),
        (None, "Trong kỳ, hệ thống không có hồ sơ của đơn vị, hoặc có quá ít hồ sơ"),
    ],
)
def test_empty_and_hidden_cases_are_told_in_words(make, row, words):
    """No share of nothing, no number of few dossiers, no dash in a sentence."""
    given = {} if row is None else {"done": 4, "late": 1} | row
    rows = [] if row is None else [count_dossiers("so-nv", "unit", **given)]
    subject = make("so-nv", timeliness=rows or [count_dossiers("all", "all")])
    lead = read_words(build_records(subject), "vi").splitlines()[1:3]
    assert words in " ".join(lead)
    assert "–" not in " ".join(lead)
    assert ("Đến hết" in " ".join(lead)) == (row is not None and row.get("running") != 0)
    assert "nan" not in read_words(build_records(subject), "en")


def test_records_without_any_file_but_the_form_say_that_there_is_no_dossier(make):
    """A chapter with every table empty is one sentence."""
    empty = {name: [] for name in list_tables(UNITS)}
    lines = read_words(build_records(make(**empty)), "vi").splitlines()
    assert lines[1:] == ["Hệ thống không có hồ sơ nào trong kỳ."]


def test_the_slowest_step_is_named_with_its_certainty(make):
    """Surely, or with the steps that may take as much; the picture marks it by words."""
    said = read_words(build_records(make()), "vi")
    assert f"“{STEPS[SLOWEST]}”, chiếm 40,00% thời hạn" in said
    assert "(khoảng tin cậy 95%: từ 39,0 đến 41,0), chắc chắn nhiều hơn các bước khác" in said
    assert "một nửa số lượt xong trong 7,0 giờ làm việc" in said
    unsure = make(steps=list_steps(is_sure=False))
    said = read_words(build_records(unsure), "vi")
    assert "chưa đủ cơ sở kết luận bước này mất nhiều thời gian hơn “Trả kết quả”; " in said
    assert "2 bước khác" in said
    told = [[text.id for text in sum_up_records(subject)] for subject in (make(), unsure)]
    assert ["records.sum.step" in ids for ids in told] == [True, False]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_pictures_are_drawn_in_both_layouts_with_long_names(make, language):
    """Alt texts name each step and unit with its numbers."""
    steps = [name if k else LONG for k, name in enumerate(STEPS)]
    subject = make(steps=list_steps(steps))
    for draw in (draw_flow_picture, draw_views_picture):
        picture = draw(subject)
        for narrow, layout in ((False, WIDE), (True, NARROW)):
            svg = picture.draw(language, narrow)
            assert f"viewBox='0 0 {layout.width:g} ".encode() in svg
            assert svg == draw(subject).draw(language, narrow)
    alt = render_text(draw_flow_picture(subject).alt, "vi")
    assert f"{STEPS[SLOWEST]}: một nửa: 7,0 giờ; chậm: từ 21,0 giờ" in alt
    assert LONG in alt
    views = draw_views_picture(subject)
    assert len(views.data.rows) == len(UNITS)
    assert "Sở Nội vụ 96,67 và 94,30" in render_text(views.alt, "vi")


def test_a_flow_of_one_step_and_views_of_one_unit_are_no_picture(make):
    """Nor is anything drawn for a unit, which has half a page."""
    subject = make(steps=list_steps(STEPS)[:1], timeliness=[count_dossiers("all", "all")])
    assert draw_flow_picture(subject) is None
    assert draw_views_picture(subject) is None
    blocks = build_records(make("so-nv")).blocks
    assert not any(isinstance(block, Picture) for block in blocks)
    said = read_words(build_records(make("so-nv")), "vi")
    assert "đơn vị tiếp nhận 1.090 hồ sơ" in said
    assert "theo hồ sơ, 94,30% giải quyết đúng hạn" in said


@pytest.mark.slow
def test_leaders_and_letter_have_a_sentence_on_what_matters(make):
    """Late and overdue dossiers, the slowest step, overdue petitions; the letter addresses you."""
    said = read_words(build_leaders(make()), "vi")
    assert "95,00% trong 1.000 hồ sơ đã giải quyết là đúng hạn; 50 hồ sơ quá hạn" in said
    assert f"Chậm nhất ở bước “{STEPS[SLOWEST]}”. 5 phản ánh, kiến nghị quá hạn" in said
    assert "Chi tiết ở phần IV." in said
    assert "Đánh giá ở phần V, giải pháp ở phần VII của báo cáo." in said
    letter = read_words(build_letter(make("so-nv")), "vi")
    assert "Phần V của báo cáo kèm theo đề xuất" in letter
    assert "Theo số liệu hồ sơ (phần III của báo cáo kèm theo): 94,30% trong 1.000 hồ sơ" in letter
    assert "Chậm nhất" not in letter


def test_the_part_of_attitude_that_vanishes_is_told_with_its_interval(make):
    """In the part on factors; with a word on how sure it is (rule D7)."""
    fact = {"key": "civil-servants", "domain": "factor", "n": 400, "vanishes_percent": 38.0}
    tell = partial(dict, fact, vanishes_percent_high=60.0)
    sure, unsure = (make(facts=[tell(vanishes_percent_low=low)]) for low in (15.0, -12.0))
    (text,) = explain_attitude(sure)
    said = render_text(text, "vi")
    assert "phải đi lại nhiều lần hay không, 38" in said
    assert "400 phiếu" in said
    assert "chưa đủ cơ sở kết luận" in render_text(explain_attitude(unsure)[0], "vi")
    assert text in [getattr(block, "text", None) for block in describe_drivers(sure)]
    assert explain_attitude(make()) == []


def test_channels_petitions_and_publication_are_told_in_a_line_each(make):
    """What is missing is left out of the line."""
    said = read_words(build_records(make()), "vi")
    assert "Nộp trực tuyến: 41,25% trong 1.000 hồ sơ tiếp nhận, dịch vụ công toàn trình" in said
    assert "cán bộ, công chức): 40 vụ việc, 71,00% trả lời đúng hạn; 3 phải mở lại." in said
    assert "Còn 12 vụ việc chưa trả lời, 5 đã quá hạn; một nửa đã chờ từ 15,0 ngày" in said
    assert "đúng nội dung 90,00%; 9 thủ tục chậm, một nửa từ 4,0 ngày làm việc" in said
    petitions = [{"key": "all", "domain": "all", "received": 9, "open": 0, "on_time_percent": NAN}]
    publication = [{"key": "all", "domain": "all", "score": 90.0, "late": 0, "procedures": 3}]
    tables = {"petitions": petitions, "publication": publication, "channels": []}
    said = read_words(build_records(make(**tables)), "vi")
    assert "(không kể phản ánh về cán bộ, công chức): 9 vụ việc.\n" in said
    assert "thủ tục chậm" not in said
    assert "trực tuyến" not in said


def test_groups_that_forms_do_not_reach_are_named(make):
    """With the share among forms, its interval, and the share among dossiers."""
    said = read_words(build_records(make()), "vi")
    assert "Hộ nghèo chắc chắn ít hơn, 2,50% số phiếu (khoảng tin cậy 95%: 2,0–3,0)" in said
    rows = [row | {"verdict": "cannot_tell"} for row in list_tables(UNITS)["coverage"]]
    assert "Chưa thấy chênh lệch: Người có công" in read_words(
        build_records(make(coverage=rows)), "vi"
    )
    rows = [row | {"verdict": "not_asked"} for row in rows]
    assert "Phiếu không hỏi về nhóm ưu tiên" in read_words(build_records(make(coverage=rows)), "vi")
