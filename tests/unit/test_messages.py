"""Sentences: the same ids and fields in both languages, numbers the way of each."""

import re
from pathlib import Path
from string import Formatter

import pytest

import sipas_analysis
from sipas_analysis.errors import (
    AnswerError,
    ColumnError,
    ConfigError,
    FormError,
    Place,
    SeveralError,
    SipasError,
    UnitError,
)
from sipas_analysis.messages import format_number, read_catalogue, say


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def error_classes(base: type[SipasError] = SipasError) -> list[type[SipasError]]:
    return [base, *(one for child in base.__subclasses__() for one in error_classes(child))]


def test_both_languages_hold_the_same_ids():
    """A sentence that one language lacks would stop a run in that language only."""
    assert set(read_catalogue("vi")) == set(read_catalogue("en"))


def test_both_languages_hold_the_same_fields():
    """A figure told in one language is told in the other."""
    vi, en = read_catalogue("vi"), read_catalogue("en")
    differ = [it for it in vi if fields(vi[it]) != fields(en[it])]
    assert differ == []


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_id_stands_twice(language):
    """YAML would silently keep the last: another table would bear its heading."""
    text = (Path(sipas_analysis.__file__).parent / f"messages/{language}.yaml").read_text("utf-8")
    ids = re.findall(r"(?m)^([a-z_.0-9]+):", text)
    assert [it for it in ids if ids.count(it) > 1] == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_sentences_stand_in_the_order_of_their_ids(language):
    """Both files are read side by side: sorted by the part before the first dot, then the id."""
    ids = list(read_catalogue(language))
    assert ids == sorted(ids, key=lambda message_id: (message_id.split(".")[0], message_id))


def test_no_sentence_is_empty():
    """Every id says something in both languages."""
    assert all(text.strip() for lang in ("vi", "en") for text in read_catalogue(lang).values())


def test_an_unknown_id_is_our_own_mistake():
    """No sentence is invented for an id that nobody wrote."""
    with pytest.raises(KeyError):
        say("vi", "error.never_written")


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        ("94.59", "94,59", "94.59"),
        ("100.00", "100,00", "100.00"),
        (1234567, "1.234.567", "1,234,567"),
        ("12345.50", "12.345,50", "12,345.50"),
        (-0.5, "−0,50", "−0.50"),
        (None, "–", "–"),
        ("", "–", "–"),
        (float("nan"), "–", "–"),
    ],
)
def test_numbers_are_printed_the_way_of_the_language(value, vi, en):
    """94,59 and 1.234.567 in Vietnamese; what is missing is an en dash."""
    decimals = 2 if isinstance(value, float) else 0
    assert (format_number(value, "vi", decimals), format_number(value, "en", decimals)) == (vi, en)


def test_a_printed_figure_is_not_rounded_again():
    """Text is already rounded (rule M6); its digits stay whatever is asked."""
    assert format_number("54.375", "vi", 0) == "54,375"


def test_each_error_class_has_its_own_exit_code():
    """A script can tell refusals apart; 0, 1, 2 and 70 mean other things."""
    kinds = [one for one in error_classes() if not issubclass(one, AttributeError)]
    codes = [one.exit_code for one in kinds]
    assert len(set(codes)) == len(codes)
    assert all(10 <= code < 70 for code in codes)


def test_an_error_speaks_both_languages():
    """The same places stand in the Vietnamese and in the English paragraph."""
    error = AnswerError("answer", [Place("a.csv", 7, "A1", "x")], low=1, high=5)
    assert "dòng 7, cột “A1”, giá trị 'x'" in error.text("vi")
    assert "row 7, column “A1”, value 'x'" in error.text("en")
    assert str(error) == error.text("en")


def test_an_error_shows_ten_places_and_counts_all():
    """A thousand wrong cells make one paragraph; every place stays in the fields."""
    rows = [Place("a.csv", 2 * row, value=str(100 + row)) for row in range(1, 31)]
    error = AnswerError("answer", rows, low=1, high=5)
    assert "30 are not" in str(error)
    assert "a.csv, row 20, value '110'; and 20 more)" in str(error)
    assert len(error.places) == 30


def test_many_values_share_the_places_that_are_named():
    """Ten units, each spelled wrongly in thirty rows, are one paragraph and not three hundred."""
    names = [chr(97 + name) for name in range(10)]
    rows = [
        Place("a.csv", 20 * row + at, value=name)
        for row in range(1, 31)
        for at, name in enumerate(names)
    ]
    said = str(FormError("total_row", rows))
    assert "rows 20, 40, 60, and 27 more, value 'a'; a.csv, rows 21, 41, 61, and 27 more" in said


def test_equal_places_are_one_phrase_with_their_runs():
    """Rows in a run are a range; the same column of several files is named once."""
    rows = [Place("a.csv", row, "A1", "7", "T10", "O") for row in (6, 7, 8, 20)]
    assert "a.csv, trang tính “T10”, ô O6–O8, O20 (cột “A1”), giá trị '7')" in AnswerError(
        "answer", rows, low=1, high=5
    ).text("vi")
    block = [Place("a.csv", row, name, "x", "", name) for row in (6, 7) for name in ("Z", "AA")]
    assert "a.csv, cells Z6–AA7 (column “Z”, “AA”), value 'x'" in str(FormError("total_row", block))
    files = [ColumnError("columns_unknown", [Place(f"{k}.csv", column="STT")]) for k in range(15)]
    several = str(SeveralError(files))
    assert several.count("STT") == 1
    assert "1 are not recognised (0.csv, 1.csv, " in several
    assert "9.csv, and 5 more, column “STT”)" in several


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Chị Hoa ở tổ 3 rất khó chịu với tôi", "a text of 35 characters"),
        ("hỏi 0912 345 678 nhé", "a text of 20 characters"),
        ("cán bộ hay quát", "a text of 15 characters"),
        ("+84912345678", "value '***'"),
        ("079123456789", "value '***'"),
        ("hoa@mail.vn", "value '***'"),
        ("7", "value '7'"),
        ("2024-03-15 10:22:33", "value '2024-03-15 10:22:33'"),
        ("x" * 130, "a text of 130 characters"),
        ("Lê Thị Lộ", "a text of 9 characters"),
        ("Hài lòng", "value 'Hài lòng'"),
    ],
)
def test_what_a_respondent_wrote_is_not_quoted(value, shown):
    """A paragraph is passed on: long texts, telephones and addresses stay in the file."""
    said = str(AnswerError("answer", [Place("a.csv", 3, "A1", value)], low=1, high=5))
    assert f"a.csv, row 3, column “A1”, {shown})" in said
    hidden = value not in shown
    assert (value not in said) == hidden


@pytest.mark.parametrize(
    ("label", "file", "sheet"),
    [
        ("a.xlsx [Tháng 10]", "a.xlsx", "Tháng 10"),
        ("a.csv", "a.csv", ""),
        ("phieu[1].csv", "phieu[1].csv", ""),
        ("Sở [2].xlsx [Phiếu]", "Sở [2].xlsx", "Phiếu"),
        ("x]", "x]", ""),
    ],
)
def test_a_file_named_as_in_the_ledger_is_a_file_and_its_sheet(label, file, sheet):
    """The ledger writes both in one text."""
    place = Place.at_row(label, 7)
    assert (place.file, place.sheet, place.row) == (file, sheet, 7)


def test_a_long_name_of_a_unit_is_shortened_not_hidden():
    """An officer finds the unit by its name."""
    name = "Ủy ban nhân dân phường Mỹ Bình, thành phố Long Xuyên"
    place = Place("a.csv", 3, "Đơn vị", name)
    assert f"value '{name[:39]}…'" in str(UnitError("unit", [place], near="–"))


@pytest.mark.parametrize(
    ("values", "said", "unsaid"),
    [
        (["Tốt"], "“Tốt” are labels", "paper form"),
        (["Không dùng đến"] * 3, "“Không dùng đến” are labels", "paper form"),
        (["99", "9"], "“9”, “99” stand for", "labels:"),
        (["7"], "“7”: a number outside the scale", "labels:"),
        (["4;5"], "“4;5”: two levels", "labels:"),
        (["５"], "“５”: a digit of another keyboard (full width)", "outside the scale"),
        (["2024-05-04 00:00:00"], "Format the column as text", "labels:"),
        (["4/5/2024", "5-Apr", "04-Thg5"], "“04-Thg5”, “4/5/2024”, “5-Apr”: a day", "labels:"),
        (["5 sao"], "“5 sao” are labels", "a day"),
        (["Nguyễn Văn An"], "look at the paper form", "labels:"),
    ],
)
def test_the_advice_fits_the_wrong_answers(values, said, unsaid):
    """A signature is no label, and a typing error is no code for "no answer"."""
    places = [Place("a.csv", row, "A1", value) for row, value in enumerate(values, 2)]
    error = AnswerError("answer", places, low=1, high=5)
    assert said in str(error)
    assert unsaid not in str(error)


def test_several_errors_are_told_one_after_another():
    """No mistake hides behind another."""
    parts = [
        AnswerError("answer", [Place("a.csv")], low=1, high=5),
        ConfigError("pack_factor_rule"),
    ]
    error = SeveralError(parts)
    assert error.text("vi") == f"{parts[0].text('vi')} {parts[1].text('vi')}"
    assert error.places == parts[0].places


def test_every_error_raised_has_its_sentence():
    """An id without a sentence would turn a refusal into a KeyError."""
    sources = Path(sipas_analysis.__file__).parent.rglob("*.py")
    raised = re.findall(r'Error\(\s*"(\w+)"', "".join(path.read_text("utf-8") for path in sources))
    assert {f"error.{it}" for it in raised} <= set(read_catalogue("en"))


@pytest.mark.parametrize(("value", "shown"), [(31.25, "31,3"), (6.25, "6,3"), (-0.25, "−0,3")])
def test_numbers_round_half_away_from_zero(value, shown):
    """50 of 160 is 31.25 %: 31,3 as in a decision, not 31,2 as a float prints it (M6)."""
    assert format_number(value, "vi", 1) == shown
