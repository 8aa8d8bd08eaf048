"""The chapter on records: what a leader asks, in order; nothing of it without records."""

from functools import partial
from types import SimpleNamespace

import pytest
from record_frames import NAN, SLOWEST, STEPS, count_dossiers, list_steps, list_tables, make_subject
from report_words import read_table, read_words

from sipas_analysis.documents.chart_parts import NARROW, WIDE
from sipas_analysis.documents.model import Picture, Table, render_text
from sipas_analysis.figures.record_figures import read_record_figures
from sipas_analysis.reports.chapters.assessment import build_assessment
from sipas_analysis.reports.chapters.drivers import describe_drivers
from sipas_analysis.reports.chapters.leaders import build_leaders
from sipas_analysis.reports.chapters.letters import build_letter
from sipas_analysis.reports.chapters.record_annex import show_records
from sipas_analysis.reports.chapters.record_summary import (
    explain_attitude,
    list_slow_places,
    sum_up_records,
)
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


@pytest.mark.slow
def test_the_chapter_stands_after_the_ranking_and_numerals_follow(make):
    """Sentences that name a part name the right one."""
    whole, unit = make(), make("so-nv")
    numerals = {name: whole.find_numeral(name) for name in whole.parts}
    assert [*numerals][4:6] == ["records", "assessment"]
    assert (numerals["records"], numerals["proposals"]) == ("IV", "VIII")
    assert unit.find_numeral("measures") == "V"
    title = Report(whole, ("vi",)).chapter("records").section.title
    assert render_text(title, "vi") == "IV. Số liệu hồ sơ, phản ánh kiến nghị"


@pytest.mark.slow  # whole reports are made
def test_a_leader_reads_the_real_share_first_then_that_of_the_form_and_why(make):
    """Both shares, the gap and its parts; what is set aside. Parts of those received add up."""
    lines = read_words(build_records(make()), "vi").splitlines()
    assert lines[1] == (
        "Từ 01/01/2021 đến 31/12/2021, các cơ quan, đơn vị tiếp nhận 1.090 hồ sơ (kể cả hồ sơ kỳ "
        "trước chuyển sang), đã giải quyết 1.000 hồ sơ: 95,00% đúng hạn, 50 hồ sơ quá hạn."
    )
    assert (
        "II.06a/VPCP/KSTT coi là đúng hạn cả hồ sơ chờ bổ sung hoặc nộp phí (1,00 điểm), "
        in (lines[2])
    )
    assert "hồ sơ đã rút (0,50 điểm) nên tỷ lệ theo biểu là 96,50%, cao hơn 1,50 điểm" in lines[2]
    assert (
        "Đến hết 31/12/2021, 60 hồ sơ đang giải quyết (15 đã quá hạn). Số còn lại không"
        in (lines[2])
    )
    assert "20 chờ bổ sung hoặc nộp phí, 10 đã rút. Biểu" in lines[2]
    assert 1090 == 1000 + 60 + 20 + 10
    assert "Sở, ban, ngành 95,00% trong 1.000 hồ sơ" in lines[2]
    assert "3 hồ sơ có ngày, giờ mâu thuẫn được để riêng, không tính vào tỷ lệ đúng hạn" in lines[2]
    rows = [count_dossiers("all", "all", gap_points=0.0, gap_waiting=0.0, gap_withdrawn=0.0)]
    said = read_words(build_records(make(timeliness=rows)), "vi")
    assert "Tính theo Biểu II.06a/VPCP/KSTT cũng là 96,50% đúng hạn." in said
    form = [{"key": "break:1", "domain": "break", "label": "3 = 7 + 11", "section": "G5"}]
    assert "có ô không bằng tổng các ô phải cộng" in read_words(
        build_records(make(form=form)), "vi"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"done": 0, "late": 0}, "chưa giải quyết xong hồ sơ nào"),
        ({"on_time_percent": NAN, "late": NAN}, "số đã giải quyết quá ít nên không nêu"),
        ({"running": 0, "waiting": 0}, "không tính vào tỷ lệ đúng hạn: 10 đã rút. Biểu"),
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


@pytest.mark.slow  # whole reports are made
def test_the_slowest_step_is_named_with_its_certainty(make):
    """Surely, or with the steps that may take as much; the picture marks it by words."""
    said = read_words(build_records(make()), "vi")
    assert f"“{STEPS[SLOWEST]}”, chiếm 40,00% thời hạn" in said
    assert "thời hạn giải quyết, chắc chắn nhiều hơn các bước khác" in said
    unsure = make(steps=list_steps(is_sure=False))
    said = read_words(build_records(unsure), "vi")
    assert "chưa đủ cơ sở kết luận bước này mất nhiều thời gian hơn “Trả kết quả”; " in said
    assert "2 bước khác" in said
    told = [[text.id for text in sum_up_records(subject)] for subject in (make(), unsure)]
    assert ["records.sum.step" in ids for ids in told] == [True, False]


SLOW = {"section": "Phòng B", "label": "Thẩm định", "limit_here_percent": 84.5}


def _list_places(*least):
    """Return sections of units, those with a number surely slow by so many points or more."""
    rows = [
        {"key": f"unit_section:{k}", "domain": "unit_section", "unit": unit, "least_points": points}
        for k, (unit, points) in enumerate(zip(UNITS, least, strict=True), 1)
    ]
    others = [
        {"others_percent": 40.0 if row["least_points"] == row["least_points"] else NAN}
        for row in rows
    ]
    return [*list_steps(), *(row | SLOW | more for row, more in zip(rows, others, strict=True))]


@pytest.mark.slow  # whole reports are made
def test_the_section_that_is_surely_slow_is_named_with_its_unit(make):
    """By its part of the limit against others; nothing where none is slow or a file is cut."""
    steps = _list_places(NAN, 31.4, 5.0)
    steps[-1]["others_percent"] = 50.0  # 34.5 points more, not 44.5
    said = read_words(build_records(make(steps=steps)), "vi")
    assert "Nơi chậm rõ rệt nhất: Phòng B, Sở Thông tin và Truyền thông" in said
    assert "“Thẩm định” chiếm 84,50% thời hạn giải quyết, ở các nơi khác là 40,00% (các nơi" in said
    leader = [render_text(text, "vi") for text in sum_up_records(make(steps=steps))]
    assert any("Phòng B, Sở Thông tin và Truyền thông" in text for text in leader)
    own = read_words(build_records(make("so-tttt", steps=steps)), "vi")
    assert "ở các nơi khác là 40,00%. Trước khi kết luận" in own
    assert "Nơi chậm" not in read_words(build_records(make("so-nv", steps=steps)), "vi")
    assert "Nơi chậm" not in read_words(
        build_records(make(steps=_list_places(NAN, NAN, NAN))), "vi"
    )
    aside = [{"key": "records_cap", "domain": "reason", "label": "records_cap", "n": 65535}]
    cut = make(steps=steps, aside=aside)
    said = read_words(build_records(cut), "vi")
    assert "có thể thiếu dòng" in said
    assert "Trong phần số liệu đã đọc, bước mất nhiều thời gian nhất" in said
    told = [*sum_up_records(cut), *sum_up_records(make(steps=steps, aside=aside, coverage=[]))]
    assert not {"records.sum.step", "records.sum.slow", "records.sum.missed"} & {t.id for t in told}
    assert "chắc chắn nhiều hơn" not in said
    assert "chắc chắn ít hơn" not in said
    assert "Nơi chậm" not in said


@pytest.mark.slow
def test_the_planted_slow_section_of_the_demo_is_in_its_report(demo_2021):
    """Phòng Cấp phép of Sở Xây dựng takes twice as long (records/demo.yaml, ``planted``)."""
    figures = SimpleNamespace(records=read_record_figures(demo_2021, ()))
    first, *_ = list_slow_places(SimpleNamespace(figures=figures, unit=""))
    assert (first.unit, first.section, first.label) == (
        "so-xd",
        "Phòng Cấp phép",
        "Thẩm định hồ sơ",
    )
    assert first.value_of("limit_here_percent") - first.value_of("others_percent") > 40


@pytest.mark.quick_cases(1)
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


@pytest.mark.slow
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
    assert "95,00% trong 1.000 hồ sơ đã giải quyết đúng hạn; 50 hồ sơ quá hạn" in said
    assert "Đúng hạn thấp nhất: TP. Long Xuyên (92,90% trong 1.000 hồ sơ)" in said
    assert f"Chậm nhất ở bước “{STEPS[SLOWEST]}”. 5 phản ánh, kiến nghị quá hạn" in said
    assert "Xem phần IV." in said
    assert "Đánh giá ở phần V, giải pháp ở phần VII của báo cáo." in said
    letter = read_words(build_letter(make("so-nv")), "vi")
    assert "Phần V của báo cáo kèm theo đề xuất" in letter
    assert "Theo số liệu hồ sơ (phần III của báo cáo kèm theo): 94,30% trong 1.000 hồ sơ" in letter
    assert "Chậm nhất" not in letter


@pytest.mark.slow  # whole reports are made
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


@pytest.mark.slow  # whole reports are made
def test_channels_petitions_and_publication_are_told_in_a_line_each(make):
    """What is missing is left out of the line."""
    said = read_words(build_records(make()), "vi")
    assert "Nộp trực tuyến: 41,25% trong 1.000 hồ sơ mới tiếp nhận; trong 1.000 hồ sơ dịch" in said
    assert "nghị: 40 vụ việc; đúng hạn 62,50% trong 32 vụ việc đã trả lời hoặc đã quá hạn" in said
    assert "Còn 12 vụ việc chưa trả lời, 5 đã quá hạn; một nửa đã chờ từ 15,0 ngày" in said
    rows = list_tables(UNITS)["petitions"]
    rows[2] |= {"on_time_percent": 12.5, "on_time": 4, "late": 23}
    about = {"key": "officials", "domain": "officials", "n": 9, "received": 9}
    said = read_words(build_records(make(petitions=[*rows, about])), "vi")
    assert "Phản ánh, kiến nghị (không kể phản ánh về cán bộ, công chức): 40 vụ việc;" in said
    assert ", thấp nhất: Sở Thông tin và Truyền thông (12,50% trong 32)" in said
    said = read_words(build_records(make()), "vi")
    assert "đúng nội dung 90,00%; 9 thủ tục chậm, một nửa từ 4,0 ngày làm việc" in said
    petitions = [{"key": "all", "domain": "all", "received": 9, "open": 0, "on_time_percent": NAN}]
    publication = [{"key": "all", "domain": "all", "score": 90.0, "late": 0, "procedures": 3}]
    publication[0]["unchecked"] = 2
    tables = {"petitions": petitions, "publication": publication, "channels": []}
    said = read_words(build_records(make(**tables)), "vi")
    assert "Phản ánh, kiến nghị: 9 vụ việc.\n" in said
    assert "(không tính 2 ô chưa kiểm tra)" in said
    assert "thủ tục chậm" not in said
    assert "trực tuyến" not in said


@pytest.mark.slow  # whole reports are made
def test_groups_that_forms_do_not_reach_are_named(make):
    """With the share among forms and among dossiers; the intervals stand in the annex."""
    said = read_words(build_records(make()), "vi")
    assert "Hộ nghèo chắc chắn ít hơn, 2,50% trong 400 phiếu so với 4,00% số hồ sơ" in said
    (missed,) = (text for text in sum_up_records(make()) if text.id == "records.sum.missed")
    assert "Hộ dân tộc thiểu số" in render_text(missed, "vi")
    rows = [row | {"verdict": "cannot_tell"} for row in list_tables(UNITS)["coverage"]]
    assert "Chưa thấy chênh lệch: Người có công" in read_words(
        build_records(make(coverage=rows)), "vi"
    )
    rows = [row | {"verdict": "not_asked"} for row in rows]
    assert "Phiếu không hỏi về nhóm ưu tiên" in read_words(build_records(make(coverage=rows)), "vi")


@pytest.mark.slow  # whole reports are made
def test_the_assessment_names_late_dossiers_beside_opinions(make, demo_2023):
    """One line under the weak points, and the part on records under causes; none without."""
    said = read_words(build_assessment(make()), "vi")
    assert "Theo hồ sơ (phần IV): 50 hồ sơ giải quyết quá hạn, 15 hồ sơ đang giải quyết" in said
    assert "số liệu hồ sơ (phần IV) cho biết chỗ chậm, không cho biết nguyên nhân" in said
    assert "số liệu theo dõi ở nơi" not in said
    without = read_words(build_assessment(report(demo_2023, "vi").subject), "vi")
    assert "Theo hồ sơ" not in without
    assert "số liệu theo dõi ở nơi" in without


@pytest.mark.slow
def test_the_annex_has_no_row_of_nothing_and_says_what_intervals_mean(make):
    """Pauses have their mean; slow places are listed; a share of all dossiers has no interval."""
    steps = _list_places(NAN, 31.4, 5.0)
    pause = {"label": "Tạm dừng", "n": 0, "pauses": 70, "pause_hours": 60.2, "key": "step:9"}
    nothing = {"label": "Chờ trả", "n": 0, "pauses": 0, "key": "step:10"}
    steps += [row | {"domain": "step"} for row in (pause, nothing)]
    steps = [{"n": 800} | row for row in steps]
    wide = {"key": "civil-servants", "label": "civil-servants", "domain": "factor", "n": 400}
    wide |= {"vanishes_percent": -18.9, "vanishes_percent_low": -189.5}
    facts = [wide | {"vanishes_percent_high": 18.8}]
    subject = make(steps=steps, facts=facts)
    tables = {
        block.id: "\n".join(read_table(block, "vi"))
        for block in show_records(subject)
        if isinstance(block, Table)
    }
    of_steps = tables["table-records-steps-step"]
    assert "60,2" in of_steps
    assert "Chờ trả" not in of_steps
    assert "mỗi tuần tiếp nhận hồ sơ được coi là một lần quan sát" in of_steps
    assert "31,4" in tables["table-records-steps-slow"]
    assert "Sở Nội vụ" not in tables["table-records-steps-slow"]
    assert "Khoảng" not in tables["table-records-shares"]
    assert "189,5" not in tables["table-records-facts-factor"]
    assert "rộng hơn 100 điểm" in tables["table-records-facts-factor"]
    assert "Tết" in tables["table-records-rules"]
