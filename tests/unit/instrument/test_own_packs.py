"""Packs of one's own: scales by question, reversed questions, scores, no factors, no units.

Figures are counted by hand from the few forms of each test.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import PACK, write_wave

import sipas_analysis as sipas
from sipas_analysis.collect.survey import Survey
from sipas_analysis.errors import AnswerError, ConfigError, FileError, SeveralError
from sipas_analysis.figures.published import Figures
from sipas_analysis.instrument.pack import Index, Instrument, Item, Scale, read_instrument
from sipas_analysis.quality.findings import find_straight_lines
from sipas_analysis.reports.no_answers import count_no_answers
from sipas_analysis.reports.report import report

AIRPORT = """\
id: airport
title: {vi: Khảo sát hành khách, en: Passenger survey}
source: made for tests
status: unverified
population: {vi: hành khách, en: passengers}
measured: {vi: dịch vụ của sân bay Rạch Giá, en: the service of Rach Gia airport}
scale: {not_applicable: ["8", "Không áp dụng"], blank: ["9"]}
factors:
  desk: {vi: Làm thủ tục, en: Check-in}
  hall: {vi: Nhà ga, en: The hall, scale: {low: 1, high: 4, satisfied_from: 3}}
items:
  C1: {factor: desk, vi: Nhân viên lịch sự}
  C2: {factor: desk, vi: Phải chờ lâu, reverse: true}
  H1: {factor: hall, vi: Nhà ga sạch}
  P1: {vi: Có chỗ để xe, scale: {low: 0, high: 1, satisfied_from: 1}}
overall_item: {code: ALL, vi: Hài lòng chung, scale: {low: 0, high: 10, satisfied_from: 8}}
beside_items: {NPS: {vi: Sẵn sàng giới thiệu, scale: {score: nps}}}
"""
# Each line ten times: C1, C2 (4 = waited long), H1, P1, ALL, NPS
PASSENGERS = ("5,1,4,1,9,10", "4,2,3,1,8,9", "3,4,2,0,7,8", "8,5,1,0,2,6", "2,9,3,1,9,9")
ANSWERS = "C1,C2,H1,P1,ALL,NPS\n" + "".join(f"{line}\n" * 10 for line in PASSENGERS)


def read_alone(folder: Path, answers: str, pack: str, **facts: object) -> Survey:
    """Read a wave without units."""
    path = write_wave(folder, answers, pack=pack, **{"columns": {}, **facts})
    (folder / "units.csv").unlink()
    return sipas.read_survey(sipas.read_wave(path))


@pytest.fixture(scope="module")
def airport(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """The passengers, read once."""
    return read_alone(tmp_path_factory.mktemp("airport"), ANSWERS, AIRPORT)


def values(survey: Survey) -> dict[str, float]:
    """Return the value of each figure of the whole."""
    frame = sipas.score(survey).frame
    return dict(zip(frame["variable"], frame["value"], strict=True))


def test_each_question_is_counted_on_its_own_scale(airport):
    """C1: 2 of 4 lines; C2 turned: 2 of 4; H1 from 3: 3 of 5; P1 from 1: 3 of 5; ALL from 8: 3."""
    found = values(airport)
    assert [found[code] for code in ("C1", "C2", "H1", "P1", "ALL")] == [50, 50, 60, 60, 60]
    assert found["desk"] == 50.0
    assert found["hall"] == 60.0
    assert found["overall"] == pytest.approx(100 * (2 + 2 + 3 + 3) / (4 + 4 + 5 + 5))


def test_nps_is_promoters_minus_detractors(airport):
    """9 and 10: three of five lines; 0 to 6: one; so 60 − 20 = 40 points, t interval by hand."""
    row = sipas.score(airport).select(variable="NPS").frame.iloc[0]
    assert row["value"] == 40.0
    points = np.repeat([100.0, 100, 0, -100, 100], 10)
    se = points.std(ddof=1) / 50**0.5
    assert row["se"] == pytest.approx(se)
    assert [row["low"], row["high"]] == pytest.approx([40 - 2.0095752 * se, 40 + 2.0095752 * se])
    assert row["level"] == "beside_item"


def test_the_mean_from_0_to_100_takes_each_scale_whole(airport):
    """(x − low)/(high − low); a mean level of 1–5, 1–4 and 0–1 together would mean nothing."""
    parts = [
        *[(x - 1) / 4 for x in (5, 4, 3, 2)],
        *[(x - 1) / 4 for x in (5, 4, 2, 1)],
        *[(x - 1) / 3 for x in (4, 3, 2, 1, 3)],
        *(1, 1, 0, 0, 1),
    ]
    found = values(airport)
    assert found["mean_score_100"] == pytest.approx(100 * np.mean(parts))
    assert "mean_score" not in found


def test_not_applicable_is_counted_apart_from_blank(airport):
    """C1 has ten 8, C2 ten 9; both are left out of the sums, each in its own column."""
    table = count_no_answers(airport).set_index("item")
    assert table.loc["C1"].tolist() == [40, 0, 10]
    assert table.loc["C2"].tolist() == [40, 10, 0]
    assert table.loc["NPS"].tolist() == [50, 0, 0]
    reasons = airport.ledger["reason"].value_counts()
    assert reasons[["not_applicable", "blank_code", "reversed"]].tolist() == [10, 10, 1]


def test_no_answers_count_for_the_question_that_the_column_was_read_as(tmp_path):
    """“Câu 7” is one of two columns of A1 in one file, and A2 in the other."""
    pack = PACK.replace("  blank:", '  not_applicable: ["8"]\n  blank:')
    (tmp_path / "b.csv").write_text("A1,Câu 7,D1\n4,8,4\n4,1,4\n", "utf-8")
    entries = [
        {"file": "answers.csv", "columns": {"join": {"A1": ["Câu 7", "Câu 8"]}}},
        {"file": "b.csv", "columns": {"items": {"A2": "Câu 7"}}},
    ]
    answers = "Câu 7,Câu 8,A2,D1\n8,,4,4\n,8,4,3\n,3,4,2\n"
    survey = read_alone(tmp_path, answers, pack, responses=entries)
    counts = count_no_answers(survey).set_index("item")["not_applicable"]
    assert counts[["A1", "A2", "D1"]].tolist() == [2, 1, 0]


def test_a_blank_code_of_the_pack_is_no_blank_where_it_is_a_level(airport):
    """9 is blank for C2, and a level of ALL and NPS."""
    assert airport.frame["ALL"].notna().all()
    assert (airport.frame["NPS"] == 9).sum() == 20


def test_straight_lines_are_judged_by_what_was_ticked(airport, tmp_path):
    """4 and 4 on a reversed item is one stroke of the pen, 4 and 2 is not (rule Q1)."""
    pack = PACK.replace("A2: {factor: access,", "A2: {factor: access, reverse: true,")
    answers = "A1,A2,D1\n4,4,4\n4,2,4\n"
    assert find_straight_lines(read_alone(tmp_path, answers, pack)).tolist() == [True, False]
    assert not find_straight_lines(airport)[:10].any()


@pytest.mark.slow
def test_the_report_names_the_airport_and_its_scales(airport):
    """From the file to the chapters: no agency, no ranking, NPS apart from percentages."""
    made = report(airport, "vi")
    pages = {name: made.chapter(name)._repr_html_() for name in (*made.chapters, *made.annexes)}
    assert "hành khách đối với dịch vụ của sân bay Rạch Giá" in pages["basis"]
    assert "không xếp hạng" in pages["ranking"]
    assert "Phải chờ lâu (đã đảo thang)" in pages["items"]
    assert "Tiêu chí không thuộc yếu tố nào" in pages["items"]
    assert pages["results"].count('<figure id="figure-items') == 3  # one picture a scale
    plain = re.sub(r"<[^>]*>", "", pages["method"])
    assert "−100 đến 100" in plain
    assert "10 câu trả lời “không áp dụng”" in plain
    assert "thang từ 1 đến 4, hài lòng từ mức 3" in plain
    score_table = pages["results"].split('id="table-scores"')[1].split("</table>")[0]
    assert "40,00" in score_table
    for page in pages.values():
        assert "cơ quan hành chính" not in page
        assert "Sở Lao động" not in page


@pytest.mark.slow  # reports are made for it
def test_the_built_in_packs_keep_their_words(demo_2021):
    """The purpose of the survey of 2021, as it was."""
    page = report(demo_2021, "vi").chapter("basis")._repr_html_()
    assert (
        "Báo cáo đo mức độ hài lòng của người dân, tổ chức ở tỉnh An Giang đối với sự phục vụ của "
        "cơ quan hành chính nhà nước năm 2021" in page
    )


@pytest.mark.slow
def test_a_pack_without_words_for_what_is_measured_has_its_title(read_answers):
    """Neither agency nor population is invented."""
    survey = read_answers("unit,A1,A2,D1\n" + "so-a,4,4,4\n" * 6)
    page = report(survey, "en").chapter("basis")._repr_html_()
    assert "how satisfied the people asked were with what “A small pack” asks about" in page


def test_a_wave_without_a_list_of_units_has_one_unit(airport):
    """Named by the publisher, else the title; it belongs to no group."""
    assert airport.units[["code", "name_vi", "group"]].to_numpy().tolist() == [
        ["small-2024", "Đợt nhỏ", "all"]
    ]
    assert Figures(airport).groups == []


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"responses": [{"file": "answers.csv", "unit": "Sân bay Rạch Giá"}]}, "Sân bay Rạch Giá"),
        ({"publisher": {"vi": "Cảng hàng không"}}, "Cảng hàng không"),
    ],
)
def test_the_only_unit_is_named_by_what_the_wave_says(tmp_path, facts, name):
    """The unit of the file, or the publisher."""
    survey = read_alone(tmp_path, "A1,A2,D1\n4,4,4\n", PACK, **facts)
    assert survey.units["name_vi"].tolist() == [name]


def test_units_that_are_told_apart_need_their_list(tmp_path):
    """A unit column without units.csv is refused."""
    with pytest.raises(FileError, match=r"units\.csv"):
        read_alone(tmp_path, "unit,A1,A2,D1\nx,4,4,4\n", PACK, columns={"unit": "unit"})


FLAT = """\
id: flat
title: {vi: Bảng hỏi}
source: x
status: unverified
items: {Q1: {vi: Một}, Q2: {vi: Hai}, Q3: {vi: Ba}}
overall_item: {code: ALL, vi: Chung}
"""


@pytest.mark.slow
def test_a_pack_without_factors_makes_the_whole_report(tmp_path):
    """Q1 4 of 6, Q2 2 of 6, Q3 6 of 6 satisfied lines: 12 of 18; no factor anywhere."""
    lines = ["5,4,4,5", "4,2,5,4", "4,3,4,4", "5,5,4,5", "2,1,4,2", "3,3,5,3"]
    survey = read_alone(tmp_path, "Q1,Q2,Q3,ALL\n" + "".join(f"{x}\n" * 12 for x in lines), FLAT)
    assert values(survey)["overall"] == pytest.approx(100 * 12 / 18)
    made = report(survey, "en")
    pages = {name: made.chapter(name)._repr_html_() for name in (*made.chapters, *made.annexes)}
    assert "has no factors" in pages["results"]
    assert "Hai" in pages["measures"]  # the item that is surely low
    assert "66.67" in pages["results"]
    assert sipas.compare_rules(survey).frame["rule"].unique().tolist() == [
        "pooled",
        "mean_of_items",
        "overall_item",
    ]


def test_a_reversed_item_is_turned_before_anything_is_counted(tmp_path):
    """The forms of the case: 23 people answer (5, 1), 7 answer (2, 4); 46 of 60 satisfied."""
    pack = yaml.safe_load(FLAT) | {"items": {"A": {"vi": "Tốt"}, "B": {"vi": "Chờ lâu"}}}
    rows = "A,B\n" + "5,1\n" * 23 + "2,4\n" * 7
    (tmp_path / "plain").mkdir()
    (tmp_path / "turned").mkdir()
    plain = read_alone(tmp_path / "plain", rows, yaml.safe_dump(pack))
    pack["items"]["B"]["reverse"] = "true"
    turned = read_alone(tmp_path / "turned", rows, yaml.safe_dump(pack))
    assert values(plain)["overall"] == pytest.approx(100 * (23 + 7) / 60)
    assert values(turned)["overall"] == pytest.approx(100 * 46 / 60)
    assert values(turned)["mean_score"] == pytest.approx((23 * (5 + 5) + 7 * (2 + 2)) / 60)
    entry = turned.ledger[turned.ledger["reason"] == "reversed"].iloc[0]
    assert entry[["column", "found", "became"]].tolist() == ["B", "1–5", "5–1"]


def test_an_answer_beyond_a_scale_is_refused_with_that_scale(tmp_path):
    """7 is no level of C1 and one of ALL; the sentence names the right ends."""
    rows = ANSWERS + "7,1,4,1,11,10\n"
    with pytest.raises(SeveralError) as caught:
        read_alone(tmp_path, rows, AIRPORT)
    assert [type(error) for error in caught.value.errors] == [AnswerError, AnswerError]
    text = caught.value.text("en")
    assert "Answers must be 1 to 5" in text
    assert "0 to 10" in text


def test_points_and_levels_of_several_scales_are_added_as_the_pack_says(tmp_path):
    """Points 0 to 100 for 1–3, and own points for a question of two levels: mean (100 + 50 + 0)."""
    pack = yaml.safe_load(FLAT)
    del pack["overall_item"]
    pack["scale"] = {"low": 1, "high": 3, "satisfied_from": 3}
    pack["index"] = {"points": {1: 0, 2: 50, 3: 100}}
    two = {"low": 0, "high": 1, "satisfied_from": 1, "points": {0: 0, 1: 80}}
    pack["items"]["Q3"]["scale"] = two
    survey = read_alone(tmp_path, "Q1,Q2,Q3\n3,2,0\n3,1,1\n", yaml.safe_dump(pack))
    assert values(survey)["overall"] == pytest.approx((100 + 50 + 0 + 100 + 0 + 80) / 6)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("score: nps", "score: nps, high: 5", "needs a scale from 0 to 10"),
        ("high: 4, satisfied_from: 3", "high: 4, satisfied_from: 5", "must lie above 1"),
        ("high: 4, satisfied_from: 3", "high: 4", "Add `satisfied_from:`"),
        (
            "high: 4, satisfied_from: 3",
            "high: 4, satisfied_from: 3, labels: {5: {vi: a}}",
            "1 to 4",
        ),
        ('not_applicable: ["8"', 'not_applicable: ["5"', "must not be a level"),
        ("P1: {vi: Có chỗ để xe, scale: {low: 0,", "P1: {scale: {score: nps, low: 0,", "10"),
        ("Nhân viên lịch sự", "Nhân viên lịch sự, scale: {score: nps}", "beside_items"),
        ("satisfied_from: 1}", "satisfied_from: 1, points: {0: 0, 1: 9}}", "points of its own"),
        ("satisfied_from: 1}", "satisfied_from: 1, points: {0: 0}}", "each level"),
        ('blank: ["9"]', 'blank: ["9", "8"]', "“8” stands for two levels"),
        ('blank: ["9"]', "labels: {4: {vi: Tốt}, 5: {vi: tốt}}", "“tốt” stands for two levels"),
        ("reverse: true", "reverse: maybe", "write true or false"),
        ("factor: hall,", "factor: hal,", "does not have"),
        ("beside_items: {NPS:", "beside_items: {C1:", "used for two things"),
        (
            "factors:\n",
            "index: {overall: {rule: mean_of_factors}}\nfactors:\n",
            "P1 belong to none",
        ),
        ("factors:\n", "index: {points: {1: 0, 2: 1, 3: 2, 4: 3, 5: 4}}\nfactors:\n", "`points:`"),
        ("factors:\n", "indicators: {x: {group: profile, reverse: true}}\nfactors:\n", "reverse"),
    ],
)
@pytest.mark.quick_cases(1)
def test_a_scale_that_cannot_be_is_refused_with_its_line(tmp_path, old, new, words):
    """The pack is read whole before any file."""
    assert old in AIRPORT
    path = tmp_path / "pack.yaml"
    path.write_text(AIRPORT.replace(old, new), "utf-8")
    with pytest.raises(ConfigError, match=r"[Ll]ine \d+") as caught:
        read_instrument(path)
    assert words in caught.value.text("en")
    assert caught.value.text("vi") != caught.value.text("en")


@pytest.mark.parametrize("n_items", [1, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_pack_of_one_item_or_of_sixty_makes_a_report(tmp_path, n_items):
    """Sixty items without English, in three pictures; one item is its own index."""
    codes = [f"Q{k}" for k in range(1, n_items + 1)]
    pack = yaml.safe_load(FLAT) | {"items": {code: {"vi": f"Câu {code}"} for code in codes}}
    del pack["overall_item"]
    rows = [",".join(str(1 + (k + j) % 5) for j in range(n_items)) for k in range(30)]
    survey = read_alone(tmp_path, "\n".join([",".join(codes), *rows, ""]), yaml.safe_dump(pack))
    assert values(survey)["overall"] == pytest.approx(40.0)
    made = report(survey, "en")
    pages = {name: made.chapter(name)._repr_html_() for name in (*made.chapters, *made.annexes)}
    assert pages["items"].count("<tr") > n_items
    assert "Câu Q1" in pages["items"]


def test_a_block_may_have_a_scale(tmp_path):
    """Its factors take it, but for a factor or an item with one of its own: 4 of 5 is satisfied."""
    pack = yaml.safe_load(AIRPORT)
    pack["blocks"] = {"b": {"vi": "Khối", "scale": {"satisfied_from": 5}}}
    for factor in pack["factors"].values():
        factor["block"] = "b"
    path = tmp_path / "pack.yaml"
    path.write_text(yaml.safe_dump(pack), "utf-8")
    instrument = read_instrument(path)
    assert instrument.satisfied_levels(["C1", "C2", "H1", "P1", "ALL"]) == [5, 5, 3, 1, 8]


@pytest.mark.slow
def test_two_years_of_an_airport_are_compared_by_its_own_scales(tmp_path):
    """The change of the overall question and of NPS, by their own levels."""
    years = []
    for year, lines in ((2023, PASSENGERS[2:]), (2024, PASSENGERS[:3])):
        folder: Path = tmp_path / str(year)
        folder.mkdir()
        rows = "C1,C2,H1,P1,ALL,NPS\n" + "".join(f"{line}\n" * 10 for line in lines)
        years.append(read_alone(folder, rows, AIRPORT, year=year, id=f"w-{year}"))
    frame = sipas.compare(*years).frame.query("domain == 'all'").set_index("variable")
    assert frame.loc[["ALL", "NPS"], "value"].tolist() == pytest.approx([100 / 3, 200 / 3])


@pytest.mark.parametrize("model", [Instrument, Scale, Item, Index])
def test_every_key_of_a_pack_stands_on_its_page(model):
    """docs/packs.md explains what may be written."""
    page = (Path(__file__).parents[3] / "docs/packs.md").read_text("utf-8")
    names = {name for name in model.model_fields if name not in ("vi", "en")}
    assert {name for name in names if not re.search(rf"[`.]{name}[`:]", page)} == set()
