"""Proposals: the weakest item of each factor and the measures that answer it."""

import pytest

from sipas_analysis.improve.actions import propose, read_library
from sipas_analysis.instrument.pack import list_packs, read_instrument
from sipas_analysis.measure.scores import score


@pytest.fixture
def proposals(read_answers):
    """Propose measures for some answers to the pack of 2017; 40 forms, all 5 unless said."""

    def of(n=40, **low):
        pack = read_instrument("qd-2640-2017")
        header = ",".join(["unit", *pack.items])
        rows = [
            ",".join(["so-a", *("3" if k < low.get(code, 0) else "5" for code in pack.items)])
            for k in range(n)
        ]
        survey = read_answers("\n".join([header, *rows, ""]), instrument="qd-2640-2017")
        return {it.factor: it for it in propose(score(survey), survey.instrument)}

    return of


def test_the_library_serves_both_packs():
    """Every measure names a factor and items that exist, so that none is proposed in vain."""
    wrong = [
        (code, name, item)
        for code, measure in read_library().measures.items()
        for name, items in measure.items.items()
        for item in items
        if name not in list_packs() or read_instrument(name).items[item].factor != measure.factor
    ]
    assert wrong == []


def test_every_measure_can_be_followed():
    """Text, indicator and data in both languages (rule G1)."""
    measures = read_library().measures.values()
    texts = [text for each in measures for text in (each, each.indicator, each.data)]
    assert all(text.vi and text.en for text in texts)
    assert len(read_library().measures) == 14
    assert read_library().source


def test_the_weakest_item_of_each_factor_is_named(proposals):
    """In the order of the instrument, with its value and interval (rule G2)."""
    found = proposals(A1=10, A3=20, B2=5, C4=1)
    assert [it.item for it in list(found.values())[:3]] == ["A3", "B2", "C4"]
    assert found["access"].printed == "50.00"
    assert found["access"].low < 50 < found["access"].high


def test_the_measures_answer_the_weakest_item(proposals):
    """Each measure lists that item (rule G2)."""
    found = proposals(A1=20)["access"]
    assert found.measures
    assert all("A1" in measure.items["qd-2640-2017"] for measure in found.measures)


def test_no_measure_is_proposed_that_does_not_fit_the_item(proposals):
    """Discipline teaches nobody to listen, and no text of the library sets a time limit (G2)."""
    found = proposals(A4=20, C2=20, D1=20, E4=20)
    assert found["civil-servants"].measures == ()
    said = {factor: [each.en for each in item.measures] for factor, item in found.items()}
    assert [text[:32] for text in said["access"]] == ["Make the one-stop unit modern an"]
    assert [text[:20] for text in said["results"]] == ["Make results complet"]
    assert [text[:19] for text in said["feedback"]] == ["Link other channels"]


def test_a_weakest_item_by_chance_is_not_clear(proposals):
    """38 and 39 of 40 are not told apart by 40 forms; 20 of 40 is."""
    assert not proposals(A1=1, A2=1, A3=2, A4=1)["access"].clear
    assert proposals(A3=20)["access"].clear


def test_a_factor_too_small_to_publish_has_no_proposal(proposals):
    """Four people are not shown, nor are measures drawn from them (rule P2)."""
    found = proposals(n=4, A3=2)["access"]
    assert (found.item, found.measures) == ("", ())


def test_a_factor_without_measures_is_said_so(read_answers):
    """A pack of one's own gets the weakest item and no measure: none is invented."""
    survey = read_answers("unit,A1,A2,D1\n" + "so-a,5,2,4\n" * 6)
    found = propose(score(survey), survey.instrument)
    assert [(it.item, it.measures) for it in found] == [("A2", ()), ("D1", ())]


def test_the_only_item_of_a_factor_is_not_called_the_weakest_of_others(read_answers):
    """There is nothing that it could lie below."""
    rows = "so-a,5,5,1\n" * 40
    survey = read_answers("unit,A1,A2,D1\n" + rows)
    assert [it.clear for it in propose(score(survey), survey.instrument)] == [False, False]
