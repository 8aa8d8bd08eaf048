"""Packs: the two that come with the program, and what a bad one of the user's own is told."""

import os
import re
from collections import Counter

import pytest

from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ConfigError, FileError
from sipas_analysis.instrument.pack import list_packs, read_instrument
from sipas_analysis.measure.rules import list_targets


@pytest.fixture
def read_pack(make_wave):
    """Read the small pack after some of its text was replaced."""

    def read(old="", new=""):
        path = make_wave().with_name("pack.yaml")
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        return read_instrument(path)

    return read


def refusal(read_pack, old, new):
    with pytest.raises(ConfigError) as caught:
        read_pack(old, new)
    return caught.value


def test_the_pack_of_2017_has_22_items_in_five_factors():
    """4+5+6+3+4 = 22 is the count of the decision."""
    pack = read_instrument("qd-2640-2017")
    assert [len(pack.items_of(factor)) for factor in pack.factors] == [4, 5, 6, 3, 4]
    assert len(pack.items) == 22


def test_a_source_may_be_named_in_both_languages():
    """A decision has a translated name; one text is taken as it is in both languages."""
    source = read_instrument("qd-1001-2023").source
    assert source.text("en").startswith("Decision 1001/QĐ-BNV of 11 December 2023")
    assert source.text("vi").startswith("Quyết định 1001/QĐ-BNV ngày 11/12/2023")
    assert {read_instrument("csm-2022").source.text(it) for it in ("vi", "en")} == {
        "ARTA Memorandum Circular No. 2022-05"
    }


def test_the_pack_of_2017_says_how_sure_each_wording_is():
    """Eight wordings have a source, six come from a later form, eight have none yet."""
    statuses = {it: len(codes) for it, codes in read_instrument("qd-2640-2017").by_status().items()}
    assert statuses == {"sourced": 8, "derived": 6, "reconstructed": 8}


def test_the_pack_of_2023_has_39_items_in_two_blocks():
    """Four factors on policies and five on services."""
    pack = read_instrument("qd-1001-2023")
    assert len(pack.items) == 39
    assert Counter(factor.block for factor in pack.factors.values()) == {"policy": 4, "service": 5}
    assert len(pack.items_of("policy")) + len(pack.items_of("service")) == 39


def test_the_pack_of_2023_gives_51_indices():
    """39 items, nine factors, two blocks and the whole."""
    pack = read_instrument("qd-1001-2023")
    levels = Counter(target.level for target in list_targets(pack, pack.index))
    assert [levels[it] for it in ("item", "factor", "block", "overall")] == [39, 9, 2, 1]


@pytest.mark.parametrize("name", list_packs())
def test_satisfied_is_the_two_best_levels(name):
    """Neutral is not satisfied in any of them (rule M1); Indonesia has four levels."""
    scale = read_instrument(name).scale
    high = 4 if name == "skm-2017" else 5
    assert (scale.low, scale.satisfied_from, scale.high) == (1, high - 1, high)


def test_an_item_without_wording_counts_apart(read_pack):
    """What is not known stays empty, and reports say how many items have no wording."""
    pack = read_pack(", vi: Kết quả đúng quy định, en: The result is as regulated}", "}")
    assert pack.by_status()["no_wording"] == ["D1"]
    assert pack.label_of("D1", "vi") == "D1"


def test_a_text_known_in_one_language_is_shown_in_the_other(read_pack):
    """A report in English prints the Vietnamese wording rather than nothing."""
    pack = read_pack(", en: Modern equipment", "")
    assert pack.label_of("A2", "en") == "Trang thiết bị hiện đại"


def test_a_pack_of_ones_own_is_given_by_path(read_pack):
    """No Python is needed for another questionnaire."""
    assert read_pack().id == "small"


def test_an_edited_pack_is_read_anew(read_pack, make_wave):
    """In a notebook one corrects the file and reads it again."""
    before = read_pack()
    path = make_wave().with_name("pack.yaml")
    path.write_text(path.read_text("utf-8").replace('blank: ["9"]', 'blank: ["0"]'), "utf-8")
    os.utime(path, (1, 1))
    assert (before.scale.blank, read_instrument(path).scale.blank) == (("9",), ("0",))


def test_an_unknown_pack_lists_those_that_exist():
    """The remedy stands in the sentence."""
    with pytest.raises(ConfigError, match=r"no pack “qd-26”.*qd-1001-2023, qd-2640-2017.*path"):
        read_instrument("qd-26")


def test_a_missing_file_is_named(tmp_path):
    """A path that does not exist is no unknown pack."""
    with pytest.raises(FileError, match=r"own\.yaml must exist"):
        read_instrument(tmp_path / "own.yaml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "overall_item:",
            "overal_item:",
            "Line 20: `overal_item` is not known here. Did you mean `overall_item`?",
        ),
        (
            "status: derived",
            "state: derived",
            "`items.A2.state` is not known here. Did you mean `status`?",
        ),
        (
            "A2: {factor: access",
            "A2: {factor: acess",
            "Line 18: .*item A2 belongs to a factor “acess”.*it has access, results",
        ),
        (
            "  D1: {factor: results",
            "  D1: {factor: access",
            "Line 15: .*factor results has no item",
        ),
        ("code: OVERALL", "code: A1", "the code A1 is used for two things"),
        ("source: made for tests\n", "", "Line 1: `source` must be given"),
        (
            "status: sourced",
            "status: certain",
            "Line 17: `items.A1.status` cannot be 'certain': write one of 'sourced', 'derived'",
        ),
        (
            "scale:\n",
            "scale:\n  low: one\n",
            "Line 6: `scale.low` cannot be 'one': a whole number belongs here",
        ),
        (
            "scale:\n",
            "scale:\n  satisfied_from: 6\n",
            "Line 6: .*`satisfied_from` must lie above 1 and not above 5",
        ),
        ("scale:\n", "scale:\n  low: 5\n  high: 1\n", "`low` below `high`"),
        (
            "indicators:",
            "index: {overall: {rule: median}}\nindicators:",
            "Line 21: `index.overall.rule` cannot be 'median': write one of 'pooled'",
        ),
        (
            "indicators:",
            "index: {overall: {rule: weights}}\nindicators:",
            "Line 21: .*needs `weights:`",
        ),
        (
            "indicators:",
            "index: {overall: {weights: {access: 1}}}\nindicators:",
            "only that rule has them",
        ),
        (
            "indicators:",
            "index: {overall: {rule: weights, weights: {access: 0}}}\nindicators:",
            "not all zero",
        ),
        (
            "indicators:",
            "index: {overall: {rule: weights, weights: {acces: 1}}}\nindicators:",
            r"must name factors or blocks of the pack \(access, results\)",
        ),
        (
            "indicators:",
            "index: {factor: {rule: mean_of_factors}}\nindicators:",
            "A factor is `pooled` or `mean_of_items`",
        ),
        (
            "indicators:",
            "index: {decimals: 9}\nindicators:",
            "`index.decimals` cannot be '9': it must be at most 6",
        ),
        (
            "overall_item: {code: OVERALL, vi: Hài lòng chung, en: Satisfaction as a whole}",
            "index: {overall: {rule: overall_item}}",
            "needs an `overall_item:` in the pack",
        ),
        (
            "factors:\n",
            "blocks: {service: {vi: Dịch vụ}}\nfactors:\n",
            r"factor access must belong to a block of the pack \(service\)",
        ),
    ],
)
@pytest.mark.quick_cases(3)
def test_a_bad_pack_names_line_and_cure(read_pack, old, new, said):
    """A pack is checked whole; the sentence says where and what to write."""
    error = refusal(read_pack, old, new)
    assert "pack.yaml has 1 mistake(s)." in str(error)
    assert re.search(said, str(error))


def test_a_key_given_twice_is_refused(read_pack):
    """YAML would silently keep the last one."""
    error = refusal(read_pack, "  A2: {", "  A1: {")
    assert "`A1` stands twice (pack.yaml, row 18)" in str(error)


def test_what_is_not_yaml_names_its_line(read_pack):
    """A bracket left open is found by its line."""
    error = refusal(read_pack, 'blank: ["9"]', 'blank: ["9"')
    assert error.places[0].file == "pack.yaml"
    assert error.places[0].row in (7, 8)
    assert "must be YAML" in str(error)


@pytest.mark.parametrize(
    ("text", "kind", "row"),
    [
        ("a: 1\n b: 2\n", "not_yaml_blank", 2),
        (" a: 1\nb: 2\n", "not_yaml_blank", 1),
        ("a:\n  vi: ''\n\n b: 2\n c: 3\nd: 4\n", "not_yaml_blank", 4),
        ("a:\n- f: x\n  h: 5\n   c:\n     d: 1\n", "not_yaml_blank", 4),
        ("a:\n  b:\n   - x\n  - y\n", "not_yaml_blank", 3),
        ("a: 1\n\tb: 2\n", "not_yaml_tab", 2),
        ("a: b: c\n", "not_yaml", 1),
        ("a: 'x\nb: 2\n", "not_yaml", 2),
        ("a: 1\nb: \x01\n", "not_yaml_sign", 2),
        ("a: 1\nb: @x\n", "not_yaml", 2),
        ("a: 1\nb:\n- x\n   c: 1\n", "not_yaml", 4),
    ],
)
def test_what_is_wrong_in_a_line_is_said_without_words_of_the_parser(tmp_path, text, kind, row):
    """The line is named and shown; a blank left behind by a # is told as such."""
    (tmp_path / "wave.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_wave(tmp_path / "wave.yaml")
    assert (caught.value.message_id, caught.value.places[0].row) == (kind, row)
    said = caught.value.text("vi")
    assert not re.search("mapping|token|expected|found|character|block", said)
    assert kind == "not_yaml_sign" or f"“{text.splitlines()[row - 1].strip()}”" in said


def test_a_template_left_in_a_pack_is_refused(read_pack):
    """``{{ name }}`` is YAML for a key that is itself a mapping."""
    error = refusal(read_pack, "made for tests", "{{ source }}")
    assert "(pack.yaml, row 3)" in str(error)


def test_a_file_that_unfolds_without_end_is_refused(read_pack):
    """An anchor that holds itself is told, not followed."""
    assert "unfolds to more than" in str(refusal(read_pack, "made for tests", "&again [*again]"))


def test_a_pack_in_an_old_encoding_is_refused(make_wave):
    """Bytes that are not UTF-8 are not guessed."""
    path = make_wave().with_name("pack.yaml")
    path.write_bytes("title: Bộ".encode("cp1258", "replace") + b"\xe9\xff")
    with pytest.raises(FileError, match="UTF-8"):
        read_instrument(path)


def test_an_empty_pack_lists_all_that_is_missing(make_wave):
    """One run tells every key to write."""
    path = make_wave().with_name("pack.yaml")
    path.write_text("", "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_instrument(path)
    assert len(caught.value.places) == 5  # factors may be left out
    assert "`items` must be given" in str(caught.value)


def test_a_pack_that_is_a_list_is_told_so(make_wave):
    """The sentence says what a pack looks like."""
    path = make_wave().with_name("pack.yaml")
    path.write_text("- id\n- title\n", "utf-8")
    with pytest.raises(ConfigError, match="must hold lines of `key: value`"):
        read_instrument(path)
