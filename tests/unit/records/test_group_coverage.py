"""Vulnerable groups among forms and among clients: by hand and by SciPy (rules T8, I1, P2)."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from sipas_analysis.figures.fact_tables import _hide_differences
from sipas_analysis.records.coverage import find_group_question, measure_coverage

YEAR = date(2024, 1, 1), date(2024, 12, 31)
HEAD = "unit,A1,A2,D1,vulnerable"


def make_clients(*rows):
    """Return dossiers of (n, unit, groups), received in the year."""
    cells = [cell for n, *cell in rows for _ in range(n)]
    frame = pd.DataFrame(cells, columns=["unit", "groups"])
    return frame.assign(received=pd.Timestamp("2024-05-06 08:00"), status="late")


@pytest.fixture(scope="module")
def survey(read_shared):
    """Forty forms of each of two units: eight of poor people, six of people of merit."""
    a = ["HN"] * 6 + ["NCC"] * 3 + ["KHAC"] * 5 + [""] * 26
    b = ["HN"] * 2 + ["NCC"] * 3 + [""] * 35
    rows = [f"so-a,4,4,4,{text}" for text in a] + [f"so-b,4,4,4,{text}" for text in b]
    return read_shared("\n".join([HEAD, *rows]))


CLIENTS = make_clients(
    (40, "so-a", "HN"), (10, "so-a", "NCC;HN"), (50, "so-a", ""),
    (40, "so-b", "NCC"), (860, "so-b", ""),
)  # fmt: skip


def test_forms_are_compared_with_the_clients_of_their_units(survey):
    """Half of the forms are of a unit with a tenth of the clients: half weighs its share, too."""
    table = measure_coverage(survey, CLIENTS, period=YEAR).set_index("code")
    assert [*table.index] == ["HN", "NCC"]  # "other" says nothing
    poor = table.loc["HN"]
    assert poor[["clients_n", "clients_base", "forms_n", "forms_base"]].tolist() == [
        50,
        1000,
        8,
        80,
    ]
    assert poor[["clients_percent", "expected_percent", "forms_percent"]].tolist() == [5, 25, 10]
    ends = binomtest(8, 80).proportion_ci(1 - 0.05 / 2)  # exact, and for both groups together
    assert poor["forms_percent_low"] == pytest.approx(100 * ends.low)
    assert poor["forms_percent_high"] == pytest.approx(100 * ends.high)
    assert poor["gap_points"] == -15
    assert poor["gap_points_high"] == pytest.approx(100 * ends.high - 25)
    merit = table.loc["NCC"]
    assert merit["expected_percent"] == pytest.approx((10 + 100 * 40 / 900) / 2)
    assert [*table["verdict"]] == ["less", "cannot_tell"]


def test_a_group_that_no_form_names_has_an_interval(survey):
    """0 of 80 is at most 5.3 %: less than the tenth expected, and more than nothing."""
    none = survey.frame["vulnerable"].replace({"NCC": np.nan})
    empty = replace(survey, frame=survey.frame.assign(vulnerable=none))
    clients = make_clients(
        (30, "so-a", "NCC"), (90, "so-a", "HN"), (80, "so-a", ""), (9, "so-b", "HN")
    )
    merit = measure_coverage(empty, clients, period=YEAR).set_index("code").loc["NCC"]
    assert merit[["forms_n", "forms_percent"]].tolist() == [0, 0]
    assert merit["forms_percent_high"] == pytest.approx(100 * (1 - 0.0125 ** (1 / 80)))
    assert merit["verdict"] == "less"


def test_a_blank_is_none_unless_the_forms_say_none(survey):
    """A form of single ticks says none with empty boxes; then a blank was not answered."""
    answers = survey.frame["vulnerable"].copy()
    answers[answers.index[-20:]] = ""
    ticked = replace(survey, frame=survey.frame.assign(vulnerable=answers))
    table = measure_coverage(ticked, CLIENTS, period=YEAR).set_index("code")
    assert table["forms_base"].tolist() == [39, 39]  # 19 who named a group, 20 who named none


def test_who_does_not_record_or_ask_is_told_apart(survey):
    """A unit without any group in its dossiers does not record groups; its forms are left out."""
    clients = make_clients(
        (50, "so-a", "HN"), (50, "so-a", ""), (900, "so-b", ""), (30, "so-x", "HN")
    )
    table = measure_coverage(survey, clients, period=YEAR).set_index("code")
    assert table.loc["HN", ["clients_base", "forms_base", "forms_n"]].tolist() == [100, 40, 6]
    assert table["verdict"].to_dict() == {"HN": "less", "NCC": "not_recorded"}
    silent = measure_coverage(survey, clients.assign(groups=""), period=YEAR)
    assert {*silent["verdict"]} == {"not_recorded"}
    assert silent["expected_percent"].isna().all()
    assert silent["forms_base"].tolist() == [80, 80]
    late = measure_coverage(
        survey, clients.assign(received=pd.Timestamp("2025-01-01")), period=YEAR
    )
    assert {*late["verdict"]} == {"not_recorded"}
    unasked = replace(survey, frame=survey.frame.drop(columns="vulnerable"))
    assert find_group_question(unasked, ["HN"]) == ""
    table = measure_coverage(unasked, CLIENTS.replace("HN", "HN;KHAC"), period=YEAR)
    assert table["verdict"].to_dict() == {0: "not_asked", 1: "not_asked"}
    assert table["clients_n"].tolist() == [50, 50]
    assert table["forms_percent"].isna().all()


def test_few_people_of_a_group_are_not_shown(survey):
    """Fewer than five forms or dossiers: the numbers are blank, the verdict may stand."""
    few = survey.frame["vulnerable"].mask(survey.frame["unit"] == "so-b", np.nan)
    table = measure_coverage(
        replace(survey, frame=survey.frame.assign(vulnerable=few)), CLIENTS, period=YEAR
    ).set_index("code")
    hidden = ["forms_n", "forms_percent", "forms_percent_low", "forms_percent_high", "gap_points"]
    assert table.loc["NCC", hidden].isna().all()
    assert table.loc["HN", hidden].notna().all()
    assert table.loc["NCC", "expected_percent"] > 0
    asked = measure_coverage(survey, CLIENTS, period=YEAR, hidden={"HN"}).set_index("code")
    assert asked.loc["HN", hidden].isna().all()
    assert asked.loc["HN", "clients_n"] == 50
    rare = make_clients((4, "so-a", "HN"), (96, "so-a", "NCC"))
    table = measure_coverage(survey, rare, period=YEAR).set_index("code")
    assert (
        table.loc["HN", ["clients_n", "clients_percent", "expected_percent", "gap_points"]]
        .isna()
        .all()
    )


def test_the_few_people_of_units_without_clients_are_no_difference(survey):
    """Eight poor people are counted elsewhere; six of them in so-a leave two in so-b."""
    of_one_unit = CLIENTS[CLIENTS["unit"] == "so-a"]
    table = measure_coverage(survey, of_one_unit, period=YEAR)
    assert table.set_index("code")["forms_n"]["HN"] == 6
    shown = _hide_differences(table, survey, "vulnerable").set_index("code")
    assert shown.loc["HN", ["forms_n", "forms_percent", "gap_points"]].isna().all()
    assert shown["forms_base"].eq(40).all()  # forty more answered in so-b
    whole = _hide_differences(measure_coverage(survey, CLIENTS, period=YEAR), survey, "vulnerable")
    assert whole.set_index("code")["forms_n"]["HN"] == 8
