"""A file whose headers are retyped from a questionnaire is recognised, and nothing is mapped."""

import unicodedata

import pytest
import yaml
from conftest import write_book

from sipas_analysis.draft.wave_file import draft_wave
from sipas_analysis.instrument.pack import read_instrument

PACK = read_instrument("qd-2640-2017")
QUESTIONS = {code: item.vi for code, item in PACK.items.items()}


def drop_marks(text: str) -> str:
    """Return a text without marks, as typed on a keyboard without Vietnamese."""
    parts = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(char for char in parts if not unicodedata.combining(char))


def slip(text: str) -> str:
    """Return a text without the letter in its middle."""
    return text[: len(text) // 2] + text[len(text) // 2 + 1 :]


def draft_office(folder, heads):
    """Draft a wave of twelve forms under some headers."""
    rows = [[k + 1, "Sở Y tế", *((k + at) % 3 + 3 for at in range(len(heads)))] for k in range(12)]
    path = write_book(folder / "a.xlsx", P=[["STT", "Tên đơn vị", *heads], *rows])
    return draft_wave([path], folder, "vi")


@pytest.mark.parametrize("retype", [drop_marks, slip])
@pytest.mark.quick_cases(1)
def test_retyped_headers_are_proposed_for_their_items(tmp_path, retype):
    """No header is exact: all 22 are proposed behind a #, each for its own item."""
    heads = {code: retype(text) for code, text in QUESTIONS.items()}
    draft = draft_office(tmp_path, [*heads.values()])
    assert draft.pack.id == "qd-2640-2017"
    assert draft.pack_file is None
    assert not draft.sheets[0].placed.items
    assert draft.sheets[0].nearest == heads
    live = yaml.safe_load(draft.wave.read_text("utf-8"))
    assert "items" not in live["columns"]
    assert "columns" not in live["responses"][0]


def test_the_question_on_the_whole_and_a_short_item_are_proposed(tmp_path):
    """D1 without its brackets, the whole with more words and a number; and then the outcome."""
    heads = [*(QUESTIONS | {"D1": "Kết quả đúng quy định"}).values()]
    draft = draft_office(tmp_path, [*heads, "23. Đánh giá chung về sự hài lòng của Ông/Bà"])
    near = {
        "D1": "Kết quả đúng quy định",
        "OVERALL": "23. Đánh giá chung về sự hài lòng của Ông/Bà",
    }
    assert draft.sheets[0].nearest == near
    text = draft.wave.read_text("utf-8")
    assert "#    D1: Kết quả đúng quy định\n" in text
    assert "#outcome: OVERALL" in text


def test_of_two_near_headers_none_is_proposed_and_the_item_is_listed(tmp_path):
    """A person pairs them: code and wording stand beside the columns that nobody placed."""
    heads = [*(QUESTIONS | {"D1": "Kết quả đúng quy định"}).values(), "Kết quả đúng quy đinh"]
    draft = draft_office(tmp_path, heads)
    assert "D1" not in draft.sheets[0].nearest
    assert draft.list_missing() == ["D1"]
    unplaced = draft.wave.read_text("utf-8").split("#- Kết quả đúng quy đinh\n")[1]
    assert f"#   D1: {QUESTIONS['D1']}\n" in unplaced
