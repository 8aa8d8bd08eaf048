"""Sentences: the same ids and fields in both languages, numbers the way of each."""

import re
from pathlib import Path
from string import Formatter

import pytest

import sipas_analysis
from sipas_analysis.errors import AnswerError, ConfigError, Place, SeveralError, SipasError
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
    codes = [one.exit_code for one in error_classes()]
    assert len(set(codes)) == len(codes)
    assert all(10 <= code < 70 for code in codes)


def test_an_error_speaks_both_languages():
    """The same places stand in the Vietnamese and in the English paragraph."""
    error = AnswerError("answer", [Place("a.csv", 7, "A1", "x")], low=1, high=5)
    assert "dòng 7, cột “A1”, giá trị 'x'" in error.text("vi")
    assert "row 7, column “A1”, value 'x'" in error.text("en")
    assert str(error) == error.text("en")


def test_an_error_shows_three_places_and_counts_all():
    """A thousand wrong cells make one paragraph; every place stays in the fields."""
    error = AnswerError("answer", [Place("a.csv", row) for row in range(2, 12)], low=1, high=5)
    assert "10 are not" in str(error)
    assert "and 7 more" in str(error)
    assert len(error.places) == 10


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
