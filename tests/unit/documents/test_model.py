"""The document model: one value, two languages, no picture drawn twice."""

import pytest

from sipas_analysis.documents.model import (
    Interval,
    Joined,
    Number,
    Picture,
    Table,
    make_text,
    render_text,
)
from sipas_analysis.instrument.strict_yaml import Bilingual


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (Number("94.59"), "94,59", "94.59"),
        (Number("1234.50"), "1.234,50", "1,234.50"),
        (Number(94.586, 1), "94,6", "94.6"),
        (Number(-0.25, 2), "−0,25", "−0.25"),
        (Number(None), "–", "–"),
        (Number(float("nan"), 1), "–", "–"),
        (Interval(79.66, 99.51), "79,7–99,5", "79.7–99.5"),
        (Interval(float("nan"), float("nan")), "–", "–"),
        (Bilingual(vi="Sở A", en="Department A"), "Sở A", "Department A"),
        (12345, "12.345", "12,345"),
        ("851/QĐ-UBND", "851/QĐ-UBND", "851/QĐ-UBND"),
        (None, "–", "–"),
    ],
)
def test_a_value_is_shown_the_way_of_the_language(value, vi, en):
    """Decimal comma and thousands point in Vietnamese, the reverse in English."""
    assert (render_text(value, "vi"), render_text(value, "en")) == (vi, en)


def test_a_printed_figure_keeps_its_digits():
    """Rounded once, when it was computed: 94.50 does not become 94.5."""
    assert Number("94.50", 1).text("en") == "94.50"


def test_a_text_fills_its_fields_in_its_own_language():
    """Numbers and names inside a sentence follow the sentence."""
    parts = Joined([Number("94.59"), Bilingual(vi="Sở A", en="Department A")])
    text = make_text("report.method.note", note=parts)
    assert (text.text("vi"), text.text("en")) == ("94,59; Sở A", "94.59; Department A")


def test_a_name_without_translation_is_shown_in_the_language_it_has():
    """A unit with no English name keeps its Vietnamese one."""
    assert render_text(Bilingual(vi="Sở A"), "en") == "Sở A"


def test_a_field_with_braces_is_only_text():
    """A unit may be named ``{n}``: nothing is filled in twice."""
    assert make_text("report.method.note", note="{n} {0}").text("en") == "{n} {0}"


def test_a_picture_is_drawn_once_for_each_language():
    """However often it is shown: a report and its notebook share it."""
    drawn = []

    def draw(language, narrow=False):
        drawn.append(language)
        return b"<svg/>"

    words = make_text("report.skip")
    figure = Picture("f", words, words, draw, Table("t", words, (), ()))
    assert [figure.draw(language) for language in ("vi", "vi", "en", "vi")] == [b"<svg/>"] * 4
    assert drawn == ["vi", "en"]
