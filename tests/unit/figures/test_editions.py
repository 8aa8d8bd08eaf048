"""What a reader of two editions of one wave could compute is said before publication."""

import json

import pandas as pd
import pytest
from conftest import write_wave

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ConfigError
from sipas_analysis.figures.editions import (
    COUNTED,
    Edition,
    _index_figures,
    compare_editions,
    read_editions,
)
from sipas_analysis.figures.published import Figures
from sipas_analysis.proof import receipt
from sipas_analysis.proof.receipt import round_figures
from sipas_analysis.reports.edition_output import describe_editions

UNITS = "code,name_vi,group\na,Sở A,departments\nb,Sở B,departments\nc,Sở C,departments\n"


def write_edition(folder, n_a, *, changed=0, **facts):
    """Write a wave whose unit a has some forms, the first few of them with another answer."""
    rows = [f"a,{2 if k < changed else 5},{4 if k % 3 else 2},5" for k in range(n_a)]
    rows += [
        f"{unit},{5 if k % 4 else 3},4,{k % number + 1}"
        for number, unit in enumerate("bc", 4)
        for k in range(30)
    ]
    folder.mkdir(exist_ok=True)
    answers = "\n".join(["unit,A1,A2,D1", *rows, ""])
    return read_survey(read_wave(write_wave(folder, answers, units=UNITS, **facts)))


def publish(survey, path):
    """Write the receipt of a survey, as far as a later edition reads it."""
    figures = round_figures(Figures(survey).list_parts(COUNTED))
    facts = {"wave": {"id": survey.wave.id}, "sha256": "5" * 64, "figures": figures}
    path.write_text(json.dumps(facts), "utf-8")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The first edition: 30 forms of each unit; its receipt lies in the folder of outputs."""
    folder = tmp_path_factory.mktemp("edition")
    publish(write_edition(folder / "wave", 30), folder / "receipt.json")
    return folder


@pytest.mark.parametrize(
    ("n_a", "changed", "is_close"),
    [
        (30, 0, False),
        (33, 0, True),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [(27, 0, True), (30, 2, True), (35, 0, False)]
        ),
    ],
)
@pytest.mark.quick_cases(1)
def test_editions_that_differ_by_few_forms_are_told(first, n_a, changed, is_close):
    """Three forms more, three fewer, two corrected: whoever subtracts knows them; not five more."""
    survey = write_edition(first / "again", n_a, changed=changed)
    (edition,) = read_editions(survey.wave, first)
    kinds = compare_editions(edition, Figures(survey).list_parts(COUNTED), 5)
    assert (kinds.get("A1@a") == "few") == is_close
    assert (kinds.get("overall") == "few") == is_close
    assert "A1@b" not in kinds
    said = [text for text, _ in describe_editions(survey, first, "en")]
    assert len(said) == int(is_close)
    assert all("Before you publish" in text and "A1@a" in text for text in said)


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_what_one_edition_hides_and_the_other_shows_is_told(first, tmp_path):
    """The first edition hid the index of unit a, perhaps at a higher `min_cell`."""
    facts = json.loads((first / "receipt.json").read_text("utf-8"))
    index = next(row for row in facts["figures"] if row["id"] == "overall@a")
    for name in ("value", "n", "n_valid", "numerator", "denominator"):
        del index[name]
    (tmp_path / "receipt.json").write_text(json.dumps(facts), "utf-8")
    survey = write_edition(first / "wave", 30)
    (edition,) = read_editions(survey.wave, tmp_path)
    figures = Figures(survey).list_parts(COUNTED)
    assert compare_editions(edition, figures, 5) == {"overall@a": "shown"}
    assert "hidden in one edition" in next(describe_editions(survey, tmp_path, "en"))[0]


def test_receipts_that_the_wave_names_are_read_and_others_are_not(first):
    """A named one must be there; in the folder, one of another wave or a damaged one is none."""
    named = write_edition(first / "named", 33, editions=["../receipt.json"])
    assert len(read_editions(named.wave, first)) == 1  # the same receipt, twice
    assert len(read_editions(named.wave, first / "nowhere")) == 1
    gone = write_edition(first / "gone", 33, editions=["receipt.json"])
    with pytest.raises(ConfigError, match="`editions:` must name the receipt"):
        read_editions(gone.wave)
    other = write_edition(first / "other", 33, id="other")
    assert read_editions(other.wave, first) == []
    (first / "other" / "receipt.json").write_text('{"figures": 3}', "utf-8")
    assert read_editions(other.wave, first / "other") == []
    assert list(describe_editions(other, first / "other", "vi")) == []


def test_a_unit_that_one_edition_has_not_is_no_difference_by_itself():
    """Only figures that both have are compared."""
    rows = pd.DataFrame({"id": ["overall@a"], "value": [50.0], "n": [30], "n_valid": [30]})
    edition = Edition(path=None, wave="w", code="5", figures=_index_figures(rows))
    later = rows.assign(id="overall@z", n=31, n_valid=31)
    assert compare_editions(edition, later, 5) == {}


def index_rows(**bases):
    """Return figures of the index by id: how many answered, None if hidden; all are satisfied."""
    rows = [
        {"id": name.replace("__", "@").replace("_", ":")}
        | ({"value": 100.0, "n_valid": n, "numerator": n} if n else {})
        for name, n in bases.items()
    ]
    return pd.DataFrame(rows).reindex(columns=["id", "value", "n_valid", "numerator"])


def tell_apart(before, now, groups=()):
    """Return what is told of two editions, at five people."""
    edition = Edition(path=None, wave="w", code="5", figures=_index_figures(before))
    return compare_editions(edition, now, 5, dict(groups))


def test_hidden_units_that_get_few_forms_are_told_by_their_total():
    """Eight forms more: five of a shown unit, so three of the hidden ones; not five and five."""
    groups = {"a": "x", "b": "x", "c": "x", "d": "x"}
    before = index_rows(A1=90, A1__group_x=90, A1__a=60, A1__b=None, A1__c=None, A1__d=None)
    few = index_rows(A1=98, A1__group_x=98, A1__a=65, A1__b=None, A1__c=None, A1__d=None)
    assert tell_apart(before, few, groups) == {"A1": "few", "A1@group:x": "few"}
    many = index_rows(A1=100, A1__group_x=100, A1__a=65, A1__b=None, A1__c=None, A1__d=None)
    assert tell_apart(before, many, groups) == {}


def test_units_that_were_renamed_merged_or_moved_are_told_where_some_are_hidden():
    """The group has lost b or the rest has another name: the difference may be a hidden figure."""
    before = index_rows(overall=90, overall__a=60, overall__b=None, overall__c=None)
    renamed = index_rows(overall=90, overall__a=60, overall__z=None, overall__c=None)
    assert tell_apart(before, renamed) == {"overall@b": "units", "overall@z": "units"}
    merged = index_rows(overall=90, overall__a=70, overall__c=None)
    assert tell_apart(before, merged) == {"overall@b": "units"}
    late = index_rows(overall=99, overall__a=60, overall__b=None, overall__c=None, overall__z=9)
    assert tell_apart(before, late) == {}  # forms of a unit that had sent none
    before = index_rows(overall=90, overall__group_x=50, overall__group_y=40, overall__b=None)
    moved = index_rows(overall=90, overall__group_x=42, overall__group_y=48, overall__b=None)
    assert {*tell_apart(before, moved, {"b": "y"}).values()} == {"units"}
    assert tell_apart(before, before, {"b": "y"}) == {}
    alone = index_rows(overall=90, overall__group_x=50, overall__b=None)
    gained = index_rows(overall=90, overall__group_x=42, overall__group_z=8, overall__b=None)
    assert len(tell_apart(alone, gained, {"b": "z"})) == 2


@pytest.mark.slow
def test_an_edition_that_a_run_replaces_is_still_compared(first, tmp_path, monkeypatch):
    """Else the warning would be gone once the run that it warned of has ended."""
    old = json.loads((first / "receipt.json").read_text("utf-8"))
    monkeypatch.setattr(receipt, "read_receipt", lambda _: old)
    receipt.keep_edition(old, tmp_path)
    assert not [*tmp_path.rglob("*.json")]  # the same figures are no other edition
    receipt.keep_edition({"figures": []}, tmp_path)
    survey = write_edition(first / "again", 33)
    assert [edition.code for edition in read_editions(survey.wave, tmp_path)] == [old["sha256"]]
    assert "A1@a" in next(describe_editions(survey, tmp_path, "en"))[0]
