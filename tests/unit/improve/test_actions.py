"""The library of measures: what they answer, and what would show that they worked."""

import re
from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ConfigError, FileError
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


def test_a_district_is_led_by_the_chair_of_its_committee():
    """Other posts are the same everywhere, and a name is not read beyond its first word."""
    library = read_library()
    head, other = (library.measures[name] for name in ("one-stop-modern", "seats"))
    assert (head.owner.vi, other.owner.vi) == ("Thủ trưởng đơn vị", "Trưởng Bộ phận Một cửa")
    units = ("Huyện Tri Tôn", "TP. Long Xuyên", "UBND xã A", "Quản lý thị trường", "Sở Y tế")
    posts = [library.name_owner(head, unit).vi for unit in units]
    assert posts == ["Chủ tịch UBND"] * 3 + ["Thủ trưởng đơn vị"] * 2
    assert library.name_owner(other, units[0]) == other.owner


ROOT = Path(__file__).parents[3]
LINE = """\
      - {id: saturday-visits, vi: Số người đến sáng thứ bảy, data: queue, after_months: 2}
"""
OWN = f"""
measures:
  saturday:
    factor: access
    items: {{qd-2640-2017: [A1]}}
    vi: Mở quầy sáng thứ bảy
    owner: Chánh Văn phòng
    indicators:
{LINE}"""


@pytest.fixture
def read_own(tmp_path, make_wave):
    """Read the library of a wave of 2017's questionnaire with own measures."""
    facts = {"instrument": "qd-2640-2017", "measures": "own.yaml"}

    def read(text):
        (tmp_path / "own.yaml").write_text(text, "utf-8")
        return read_library(read_wave(make_wave(**facts)))

    return read


def test_own_measures_go_before_those_of_the_library(read_own):
    """A province's own decision comes first; the rest of the library stays (G1)."""
    library = read_own(OWN)
    answers = library.answer_items("qd-2640-2017")
    assert (answers["A1"], answers["A2"]) == ("saturday", "one-stop-modern")
    measure = library.measures["saturday"]
    assert (measure.status, measure.owner.vi, measure.after_months) == (
        "unverified",
        "Chánh Văn phòng",
        6,
    )
    assert "seats" in library.measures
    assert read_library().answer_items("qd-2640-2017")["A1"] == "seats"
    policies = OWN.replace("access", "outcomes").replace(
        "qd-2640-2017: [A1]", 'qd-1001-2023: ["19"]'
    )
    assert read_own(policies).answer_items("qd-1001-2023")["19"] == "saturday"


def test_the_example_of_the_documentation_is_read(read_own):
    """Officers copy it."""
    text = (ROOT / "docs" / "wave.md").read_text("utf-8")
    (block,) = re.findall(r"^measures:\n(?: .*\n)+", text, re.MULTILINE)
    assert read_own(dedent(block)).answer_items("qd-2640-2017")["E4"] == "sms-notice"


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("saturday:", "seats:", ["`seats`", "already", "own.yaml"]),
        ("access", "acess", ["`acess`", "access"]),
        ("[A1]", "[A1, A9]", ["`A9`", "`saturday`"]),
        ("qd-2640-2017", "qd-2640", ["`qd-2640`", "qd-2640-2017"]),
        ("vi: Mở quầy sáng thứ bảy", "", ["no text"]),
        ("Mở quầy sáng thứ bảy", '"Mở\\x07 quầy"', ["`saturday`"]),
        ("data: queue", "data: queues", ["queue", "own.yaml", "9"]),
        ("after_months: 2", "after_months: 0", ["after_months"]),
        ("    indicators:\n      - {id", "    kept: {id", ["indicators"]),
        (LINE, "      []", ["indicators"]),
        ("    items", "    evidence: incidents\n    items", ["`A1`", "late"]),
        ("saturday-visits", "survey", ["`survey`", "`saturday`", "Satisfied"]),
        ("saturday-visits", "late-share", ["`late-share`", "late", "another id"]),
        ("vi: Số người đến sáng thứ bảy, ", "", ["`saturday`", "indicator"]),
        (LINE, LINE + LINE.replace("queue", "staff"), ["`saturday-visits`", "Số người đến"]),
    ],
)
def test_a_wrong_measure_is_refused_with_what_is_wanted(read_own, old, new, words):
    """As strict as ``wave.yaml``: the measure, what was found and what there is."""
    assert old in OWN
    with pytest.raises(ConfigError) as caught:
        read_own(OWN.replace(old, new))
    assert [word for word in words if word not in caught.value.text("en")] == []


def test_a_missing_file_of_measures_is_named(make_wave):
    """Nobody would notice otherwise that the province's measures are not read."""
    path = make_wave(measures="own.yaml")
    (path.parent / "own.yaml").touch()
    wave = read_wave(path)
    (path.parent / "own.yaml").unlink()
    with pytest.raises(FileError, match=r"own\.yaml"):
        read_library(wave)
