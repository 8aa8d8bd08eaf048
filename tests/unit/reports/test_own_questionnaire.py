"""Reports on a questionnaire of one's own: two scales, no factors, no provincial words."""

import numpy as np
import pandas as pd
import pytest
from report_words import read_chapter

import sipas_analysis as sipas

FACTORS = {"Tiếp cận": ["C1", "C2", "C3"], "Nhân viên": ["C4", "C5", "C6"]}
WORDING = {f"C{number}": f"Câu hỏi {number}" for number in range(1, 9)}
SCALES = {"C7": (0, 10), "C8": (0, 10)}
OTHER = "Tiêu chí có thang điểm khác (C7, C8: 0–10, hài lòng từ 9) không so sánh trực tiếp được"


def make_clinics(**named):
    """Return a survey of three clinics; C2 is lower than the others, and few choose 9 or 10."""
    rng = np.random.default_rng(3)
    n = 240
    trait = rng.normal(0, 0.7, n)
    level = {code: 3.2 if code == "C2" else 4.2 for code in WORDING}
    forms = pd.DataFrame({"clinic": np.repeat(["A", "B", "C"], n // 3)})
    for code in WORDING:
        noise = trait + rng.normal(0, 0.6, n)
        wide = np.clip(np.round(6.5 + noise), 0, 10)
        forms[code] = wide if code in SCALES else np.clip(np.round(level[code] + noise), 1, 5)
    forms["whole"] = np.clip(np.round(4 + trait), 1, 5)
    fields = {"scale": SCALES, "factors": FACTORS, "overall": "whole", "unit": "clinic"}
    fields |= {"title": "Khảo sát phòng khám"}
    return sipas.survey(forms, WORDING, **(fields | named))


@pytest.fixture(scope="module")
def clinics():
    """Three clinics, items of two scales."""
    return make_clinics()


@pytest.fixture(scope="module")
def clinics_without_factors():
    """The same answers without factors."""
    return make_clinics(factors=None)


def test_the_scale_of_most_items_is_the_usual_one(clinics):
    """Items of 0 to 10 are the other ones; a factor of such items only is, too."""
    assert clinics.instrument.of_other_scale == ("C7", "C8")
    own = make_clinics(factors={**FACTORS, "Chung": ["C7", "C8"]})
    code = [*own.instrument.factors][-1]
    assert own.instrument.of_other_scale == ("C7", "C8", code)


@pytest.mark.slow
def test_an_item_of_another_scale_is_not_called_lower(clinics):
    """From 9 of 10 nearly nobody is satisfied: this says nothing beside 4 of 5."""
    page = read_chapter(clinics, "leaders", "vi")
    assert "chắc chắn thấp hơn chỉ số chung: C2. Câu hỏi 2 (" in page
    assert page.count(OTHER) == 1
    assert "C7. " not in page
    judged = read_chapter(clinics, "assessment", "vi")
    assert "chắc chắn thấp hơn chỉ số chung: C2. Câu hỏi 2 (thấp hơn" in judged
    assert "C7. " not in judged
    assert OTHER in judged


@pytest.mark.slow
def test_items_of_another_scale_stand_last_without_a_place(clinics):
    """The table keeps their figures, and says why they are not in the order."""
    section = sipas.report(clinics, "vi").chapter("results").section
    (table,) = [block for block in section.blocks if getattr(block, "id", "") == "table-lowest"]
    assert [row[1] is None for row in table.rows] == [False] * 6 + [True] * 2
    said = read_chapter(clinics, "results", "vi")
    assert "Thấp nhất là tiêu chí C2 “Câu hỏi 2”" in said
    assert OTHER in said
    assert "Phân bố câu trả lời theo tiêu chí, thang 1–5" in said
    assert "Phân bố câu trả lời theo tiêu chí, thang 0–10" in said


@pytest.mark.slow
def test_no_line_of_the_whole_is_for_an_item_of_another_scale(clinics):
    """Lines of a unit compare an item with itself in other units."""
    drafted = sipas.plan(clinics)
    assert drafted.lines_of()["item"].tolist()[0] == "C2"
    assert not {"C7", "C8"} & {*drafted.lines_of()["item"]}


@pytest.mark.slow
def test_only_what_is_sure_needs_a_measure_first(clinics):
    """Items that are only the lowest in the sample are to be looked into, not to be solved."""
    page = read_chapter(clinics, "leaders", "vi")
    assert "Cần tìm giải pháp trước hết cho: C2. Câu hỏi 2 (" in page
    plan = sipas.plan(clinics).lines_of().set_index("item")
    for code in plan.index[plan["note"].str.contains("undecided")]:
        assert f"{code}. " not in page.split("Cần tìm giải pháp trước hết cho: ")[1]
    alike = make_clinics().frame.assign(C2=lambda forms: forms["C1"])
    codes = ["C1", "C2", "C3"]
    survey = sipas.survey(alike[["unit", *codes]], codes, unit="unit")
    page = read_chapter(survey, "leaders", "vi")
    assert "Cần tìm giải pháp trước hết" not in page
    assert "Cần xem xét thêm: " in page


@pytest.mark.slow
def test_without_factors_a_sentence_stands_in_place_of_drivers(clinics_without_factors):
    """The part on what goes together with satisfaction says why it is empty (docs/drivers.md)."""
    said = read_chapter(clinics_without_factors, "results", "vi")
    assert "Bộ câu hỏi không chia thành yếu tố nên không xem được yếu tố nào" in said
    assert "Yếu tố nào" not in read_chapter(clinics_without_factors, "leaders", "vi")


@pytest.mark.slow
def test_an_item_against_the_others_is_named(clinics):
    """The warning names code and wording; the part on drivers says that the factor hides it."""
    forms = clinics.frame.assign(C5=6 - clinics.frame["C5"]).drop(columns="unit")
    survey = sipas.survey(
        forms, WORDING, scale=SCALES, factors=FACTORS, overall="whole", unit="clinic"
    )
    codes = FACTORS["Nhân viên"]
    said = sipas.reliability(survey, codes).translate("vi").sentences()
    assert any("C5 “Câu hỏi 5”" in text and "C4" not in text for text in said)
    assert "C5" not in " ".join(sipas.reliability(clinics, codes).sentences())
    page = read_chapter(survey, "results", "vi")
    assert "không nhất quán với nhau: Nhân viên. " in page
    assert "cần xem số liệu của từng tiêu chí" in page
    assert "không nhất quán" not in read_chapter(clinics, "results", "vi")


@pytest.mark.slow
def test_a_survey_of_a_frame_has_no_word_of_a_province(clinics):
    """No province, officials, groups of units, decisions or files, where there are none."""
    names = [
        *sipas.report(clinics, "vi").subject.parts,
        "method",
        "rules",
        "units",
        "plan",
        "sources",
    ]
    said = "\n".join(read_chapter(clinics, name, "vi") for name in names)
    for word in ("Toàn tỉnh", "công chức", "trong khối", "khối đơn vị", "chưa đối chiếu", "memory"):
        assert word not in said, word
    assert "Chưa biết văn bản chính thức" not in said
    assert "Đầu vào: bảng số liệu trong bộ nhớ" in said


@pytest.mark.slow
def test_codes_of_no_answer_are_said_to_be_blank():
    """A cell with such a code is not read as another value."""
    forms = make_clinics().frame.drop(columns="unit")
    forms.loc[:9, "C1"] = 99
    survey = sipas.survey(forms, WORDING, scale=SCALES, blank=[99], unit="clinic")
    said = read_chapter(survey, "sources", "vi")
    assert "10 ô mang mã không trả lời được đọc là để trống" in said
    assert "đọc thành giá trị khác" not in said


@pytest.mark.slow
def test_shares_of_people_say_that_they_have_no_weights():
    """Forms are counted; the figures beside them are weighted."""
    forms = make_clinics().frame.drop(columns="unit")
    forms = forms.assign(sex=["m", "w"] * 120, w=[0.5, 1.25, 2.1] * 80)
    fields = {"scale": SCALES, "unit": "clinic", "keys": ["sex"]}
    weighted = sipas.survey(forms, WORDING, weights="w", **fields)
    assert "không tính trọng số" in read_chapter(weighted, "people", "vi")
    assert "không tính trọng số" not in read_chapter(
        sipas.survey(forms, WORDING, **fields), "people", "vi"
    )
    method = read_chapter(weighted, "method", "vi")
    assert "nhỏ hơn một phần tỷ" in method
    assert "2⁻" not in method
