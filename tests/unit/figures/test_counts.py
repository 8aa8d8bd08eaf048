"""Counts that a report prints: by hand, by id, and none from which a hidden count follows."""

import math

import pytest
from conftest import PACK

from sipas_analysis.figures.counts import count_forms, count_units, list_settings
from sipas_analysis.figures.published import figures_of
from sipas_analysis.reports.chapters.incidents import show_incidents
from sipas_analysis.reports.subject import Subject

ROWS = (
    "so-a,5,4,4,male,town\n" * 20 + "so-a,4,3,5,male,hill\n" * 10 + "so-a,3,4,4,female,isle\n" * 3
)
HEAD = "unit,A1,A2,D1,sex,area\n"
LATE = """\
  late:
    group: need
    vi: Trễ hẹn
    en: Late
    levels: {"yes": {vi: Có, en: "Yes"}, "no": {vi: Không, en: "No"}}
    counted: ["yes"]
"""


def test_people_and_settings_are_counted_as_by_hand(read_answers):
    """20 of 30 people of the town; the settings of the wave; forms read and kept."""
    figures = figures_of(
        read_answers(
            HEAD + ROWS.replace("isle", "") + "so-a,9,9,9,,\n" * 2,
            columns={"unit": "unit", "keys": {"area": "area"}},
            targets=[80, 92.5],
        )
    )
    town = figures.find("people:area=town")
    assert (town["value"], town["numerator"], town["denominator"]) == (2000 / 30, 20, 30)
    assert figures.find("people:area")["value"] == 30
    settings = list_settings(figures.survey)
    assert (settings["setting:min_cell"], settings["setting:target:92.5"]) == (5, 92.5)
    assert (settings["setting:satisfied_from"], settings["setting:levels"]) == (4, 5)
    forms = count_forms(figures.survey)
    assert (forms["forms:read"], forms["forms:kept"], forms["forms:dropped"]) == (35, 33, 2)
    assert forms["ledger:form_dropped"] == 2
    assert "ledger.columns:form_dropped" not in forms  # whole forms, of no column
    assert count_units(figures.ranking)["units:departments"] == 1
    assert figures.find("no such figure") == {}


@pytest.mark.parametrize("blanks", [0, 9])
@pytest.mark.slow
def test_a_hidden_count_follows_from_no_published_number(read_answers, blanks):
    """Three people of the isle: their count, the next one, and both indices are hidden (P2)."""
    figures = figures_of(
        read_answers(
            HEAD + ROWS + "so-a,5,5,5,,\n" * blanks,
            columns={"unit": "unit", "keys": {"area": "area"}},
        )
    )
    table = figures.by_id.set_index("id")
    for label in ("hill", "other"):
        for name in (f"people:area={label}", f"overall@area={label}"):
            numbers = table.loc[name].drop(["rule", "printed"])
            assert all(math.isnan(float(number)) for number in numbers.dropna()), name
    assert table.at["people:area=town", "numerator"] == 20
    assert not [name for name in table.index if name.startswith("people:") and "@" in name]


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_a_number_of_fewer_people_is_no_denominator(read_answers):
    """Three people told their sex, whether they waited: neither number is printed."""
    rows = "so-a,5,4,4,male,yes\n" * 3 + "so-a,4,4,4,,\n" * 30
    survey = read_answers("unit,A1,A2,D1,sex,late\n" + rows, pack=PACK + LATE)
    table = figures_of(survey).by_id.set_index("id")
    assert show_incidents(Subject(figures_of(survey)))
    names = [name for name in table.index if name.startswith(("people:sex", "incident:"))]
    assert {"people:sex", "people:sex=other"} <= {*names}
    assert table.loc[names].drop(columns=["rule"]).isna().all(axis=None)


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_no_answer_of_a_hidden_unit_or_item_is_published(read_answers):
    """Shares of answers stand only where the figure of the item does."""
    small = ["so-b", "so-c", "so-d"]
    rows = "so-a,5,4,4\nso-a,3,4,4\nso-e,3,4,4\n" * 30 + "".join(
        f"{unit},4,3,5\n" * 3 for unit in small
    )
    units = "".join(
        f"{unit},Sở {unit},Department {unit},departments\n" for unit in ("so-a", "so-e", *small)
    )
    survey = read_answers(
        "unit,A1,A2,D1\n" + rows, units="code,name_vi,name_en,group\n" + units, min_forms=20
    )
    table = figures_of(survey).by_id.set_index("id")
    answers = [name for name in table if name.startswith("answer_")]
    assert table.loc["D1@so-a", answers].tolist() == [0, 0, 0, 100, 0]
    assert table.loc["A1", answers].isna().all()  # hidden with the units
    for unit in small:
        assert table.loc[f"A1@{unit}", answers].isna().all()
        assert not [name for name in table.index if ":" in name and name.endswith(unit)]
