"""Printed tables say each name once, and ranks of one place as one number."""

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

import sipas_analysis as sipas
from sipas_analysis.documents.model import render_text


@pytest.fixture(scope="module")
def survey():
    """Factors whose codes are their names, units without groups or other names."""
    draw = np.random.default_rng(0)
    unit = np.repeat(["Thuế", "Y tế", "Đất đai"], 80)
    middle = np.repeat([2.5, 3.4, 4.3], 80)[:, None] + 0.5 * draw.normal(size=(240, 1))
    answers = np.clip(np.round(middle + 0.8 * draw.normal(size=(240, 5))), 1, 5)
    frame = pd.DataFrame(answers, columns=list("abcdw")).assign(unit=unit)
    factors = {"Tiếp cận": ["a", "b"], "Kết quả": ["c", "d"]}
    return sipas.survey(frame, factors=factors, overall="w", unit="unit", year=2024)


@pytest.fixture(scope="module")
def demo():
    """Factors with codes and names; units in groups."""
    return sipas.read_survey(sipas.read_wave("data/an-giang-2021/wave.yaml"))


@pytest.fixture(scope="module")
def ranked(survey):
    """The ranking of these units."""
    return sipas.rank(sipas.score(survey, by="unit"))


def read_head(result, lang="vi"):
    """Return the headings of a printed table."""
    return [text.strip() for text in result.to_markdown(lang=lang).splitlines()[0].split("|")[1:-1]]


@pytest.mark.slow
def test_a_wording_that_is_the_code_is_not_repeated(survey, demo):
    """No column where no wording says more; in a mixed table these cells are blank."""
    drivers = sipas.drivers(survey, ["linear"])
    assert "Nội dung" not in read_head(drivers)
    assert "Nội dung" not in read_head(sipas.priority(survey))
    assert "| Tiếp cận |" in sipas.table(drivers).to_markdown(lang="vi")
    scores = sipas.score(survey)
    assert "| Tiếp cận |  |" in scores.to_markdown(lang="vi")
    assert "| overall | Chỉ số chung |" in scores.to_markdown(lang="vi")
    assert "Nội dung" in read_head(sipas.drivers(demo, ["linear"]))


@pytest.mark.slow
def test_units_keep_their_names(survey, demo):
    """A unit without another name is named by its code; one group of all is not told."""
    head = read_head(sipas.score(survey, by="unit").select(level="overall"))
    assert head[:2] == ["Đơn vị", "Nội dung"]
    assert "Nhóm" in read_head(sipas.score(demo, by="unit"))
    assert "Group" in read_head(sipas.score(survey, by="unit").wide(), "en")


def test_a_caption_says_what_the_table_is_of(survey):
    """What each row repeats is left out where the caption has it; the code of the index always."""
    index = sipas.score(survey, by="unit").select(level="overall")
    for caption, wanted in (
        ("Chỉ số chung theo cơ quan", ["Đơn vị", "Giá trị"]),
        ("Bốn cơ quan", ["Đơn vị", "Nội dung"]),
    ):
        (table,) = index.translate("vi").make_tables(caption)
        assert [render_text(column.label, "vi") for column in table.columns][:2] == wanted
    assert read_head(index.select(unit=index.frame["unit"][0]))[0] == "Đơn vị"  # a single row
    assert "variable" in repr(index)


def test_one_possible_rank_is_one_number(ranked, tmp_path):
    """In print, in pictures and for readers of English; a workbook keeps both ends."""
    frame = ranked.frame
    sure = frame[frame["rank_low"] == frame["rank_high"]]
    assert len(sure)
    texts = ranked.range_texts()
    for at, low, high in zip(range(len(frame)), frame["rank_low"], frame["rank_high"], strict=True):
        assert texts[at] == (f"{low}" if low == high else f"{low}–{high}")
    rank = int(sure["rank_low"].iloc[0])
    for lang, word in (("vi", "đến"), ("en", "to")):
        assert f"| {rank} {word} {rank} |" not in ranked.to_markdown(lang=lang)
        assert f"| {rank} |" in ranked.to_markdown(lang=lang)
    sheet = load_workbook(ranked.to_excel(tmp_path / "a.xlsx")).worksheets[0]
    values = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert any(row.count(rank) >= 3 for row in values)
