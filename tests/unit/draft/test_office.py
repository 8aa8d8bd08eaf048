"""Thirteen files of twelve units as offices hand them in, from the draft to the figures.

The counts of satisfied and valid answers were made by hand from the files (no program of ours).
"""

import re
import shutil
from pathlib import Path

import pytest
from openpyxl import load_workbook

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.errors import SeveralError

pytestmark = pytest.mark.slow

CASE = Path(__file__).parents[2] / "cases" / "office"
BY_HAND = {
    "so-cong-thuong": (47, 826, 1025),
    "so-giao-thong-van-tai": (54, 956, 1175),
    "so-khoa-hoc-va-cong-nghe": (7, 136, 153),
    "so-noi-vu": (48, 918, 1047),
    "so-tai-chinh": (50, 879, 1087),
    "so-tai-nguyen-va-moi-truong": (60, 1320, 1320),
    "so-tu-phap": (45, 815, 981),
    "so-xay-dung": (44, 699, 959),
    "so-y-te": (52, 785, 1134),
    "ubnd-huyen-cho-moi": (46, 765, 1002),
    "ubnd-thanh-pho-long-xuyen": (55, 946, 1188),
    "ubnd-thi-xa-tan-chau": (41, 687, 889),
}


@pytest.fixture
def drafted(tmp_path):
    """The folder with its draft, after what a person has to say: wordings, two labels."""
    for path in CASE.iterdir():
        shutil.copy(path, tmp_path)
    draft = draft_wave([tmp_path], tmp_path, "vi")
    assert draft.to_confirm[-2:] == ["HL", "Tốt"]
    assert [text[:2] for text in draft.to_confirm[:-2]] == ["A1", "B5", "C4"]
    assert (draft.list_left("unknown"), draft.units_to_place, draft.skipped) == ([], [], [])
    text = re.sub(
        r"(?m)^  #(columns:|  items:|    [A-E]\d:|labels:|  HL|  Tốt)",
        r"  \1",
        draft.wave.read_text("utf-8"),
    )
    draft.wave.write_text(text.replace("Tốt:", "Tốt: 4"), "utf-8")
    return draft.wave


def test_one_check_names_all_that_is_wrong_and_then_the_figures_are_right(drafted):
    """Five cells of one file, and a second submission that contains most of the first."""
    with pytest.raises(SeveralError) as caught:
        read_survey(read_wave(drafted))
    kinds = {error.message_id: len(error.places) for error in caught.value.errors}
    assert (kinds["answer"], kinds["day"]) == (4, 1)
    assert "SCT_bo sung lan 2.xlsx" in str(caught.value)

    path = drafted.parent / "Long Xuyen.xlsx"
    workbook = load_workbook(path)
    for cell in ("N9", "Q22", "V13", "X17"):
        workbook.active[cell] = None
    workbook.active["C20"] = "30/11/2024"
    workbook.save(path)
    with drafted.open("a", encoding="utf-8") as text:
        text.write('duplicates: {drop: "SCT_bo sung lan 2.xlsx"}\n')

    survey = read_survey(read_wave(drafted))
    assert survey.wave.year == 2024
    answers = survey.frame[list(survey.instrument.items)]
    n_forms = survey.frame["unit"].value_counts()
    satisfied = (answers >= 4).sum(axis=1).groupby(survey.frame["unit"]).sum()
    valid = answers.notna().sum(axis=1).groupby(survey.frame["unit"]).sum()
    assert {
        unit: (n_forms[unit], satisfied[unit], valid[unit]) for unit in n_forms.index
    } == BY_HAND
    assert set(survey.frame["group"]) == {"departments", "districts"}
