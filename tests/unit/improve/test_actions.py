"""The library of measures: what they answer, and what would show that they worked."""

from collections import Counter

import pytest

from sipas_analysis.improve.actions import read_library
from sipas_analysis.instrument.pack import read_instrument


def test_the_library_serves_both_packs():
    """Every measure names a factor and items that exist, so that none is proposed in vain."""
    for name, measure in read_library().measures.items():
        assert (measure.items == {}) == (measure.evidence == "facts"), name
        for pack_id, codes in measure.items.items():
            pack = read_instrument(pack_id)
            if measure.evidence == "opinion":
                assert {pack.items[code].factor for code in codes} == {measure.factor}, name
            else:
                assert {pack.indicators[code].group for code in codes} == {"incident"}, name


def test_every_item_that_a_measure_can_answer_has_one():
    """Items on what policies brought have none: the forms do not say what people miss (G1)."""
    library = read_library()
    without = {
        pack_id: {*read_instrument(pack_id).items} - {*library.answer_items(pack_id)}
        for pack_id in ("qd-2640-2017", "qd-1001-2023")
    }
    assert without == {"qd-2640-2017": set(), "qd-1001-2023": {*map(str, range(5, 24))}}
    incidents = library.answer_items("qd-1001-2023", "incidents")
    assert incidents == {"harassment": "no-harassment", "extra-money": "no-extra-payment"}


def test_seats_are_not_answered_with_training():
    """A measure acts on what its item asks about (G1)."""
    library = read_library()
    measures = {
        code: library.measures[name] for code, name in library.answer_items("qd-2640-2017").items()
    }
    assert "ghế" in measures["A1"].vi
    is_training = {code for code, measure in measures.items() if "train" in measure.en.lower()}
    assert is_training == {"C1", "C6"}


def test_every_measure_can_be_followed():
    """Text, indicators and post in both languages; of one id there is one indicator (rule G1)."""
    library, indicators = read_library(), {}
    assert len(library.measures) == 33
    for measure in library.measures.values():
        for indicator in measure.indicators:
            assert indicators.setdefault(indicator.id, indicator) == indicator
        texts = (measure, measure.owner, *measure.indicators)
        assert all(text.vi and text.en for text in texts)
        assert bool(measure.source.vi) == (measure.status == "sourced")
        assert measure.status in ("sourced", "derived")
    by_status = Counter(measure.status for measure in library.measures.values())
    assert by_status == {"sourced": 14, "derived": 19}


OWN = """
measures:
  saturday:
    factor: access
    items: {qd-2640-2017: [A1]}
    vi: Mở quầy sáng thứ bảy
    owner: Chánh Văn phòng
    indicators: [{id: saturday-visits, vi: Số người đến sáng thứ bảy, data: queue, after_months: 2}]
"""


@pytest.fixture
def read_own(tmp_path, make_wave):
    """Read the library of a wave with own measures."""

    def read(text):
        (tmp_path / "measures.yaml").write_text(text, "utf-8")
        return read_library(make_wave(measures="measures.yaml"))

    return read
