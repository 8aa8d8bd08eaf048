"""Form quality: planted straight lines are found, a clean or lonely unit raises nothing."""

import numpy as np
import pytest
from conftest import PACK

from sipas_analysis.infer.unit_counts import FEWEST_UNITS, compare_counts
from sipas_analysis.messages import LANGUAGES, say
from sipas_analysis.quality.findings import RULES, check, find_open_units

UNITS = "code,name_vi,group\n" + "".join(f"u-{k},Đơn vị {k},departments\n" for k in range(8))


def forms(unit, n, seed=0, straight=0.0):
    """Answer three items at random; a share of forms gives one answer to everything."""
    rng = np.random.default_rng([unit, seed])
    lines = rng.integers(2, 6, (n, 3))
    lines[:, 1] = np.where(rng.random(n) < 0.9, 1 + lines[:, 0] % 5, lines[:, 1])
    same = rng.random(n) < straight
    lines[same] = lines[same, :1]
    return "".join(f"u-{unit},{','.join(map(str, line))}\n" for line in lines)


@pytest.fixture
def found(read_answers):
    """Check forms given as text."""

    def look(*parts):
        return check(read_answers("unit,A1,A2,D1\n" + "".join(parts), units=UNITS))

    return look


def test_one_unit_cannot_be_judged(found):
    """There is nothing to hold it against: p is missing, nothing is a finding (rules Q1, Q5)."""
    table = found("u-0,5,5,5\n" * 30).frame
    assert table["rule"].tolist() == ["Q1", "Q5"]
    assert table[["p", "p_holm"]].isna().all(axis=None)
    assert not table["finding"].any()


def test_a_few_units_cannot_be_judged_and_one_more_can(found):
    """Too few have no spread to compare with."""
    few, enough = (
        found(*(forms(k, 20) for k in range(n))).frame for n in (FEWEST_UNITS - 1, FEWEST_UNITS)
    )
    assert few["p"].isna().all()
    assert enough["p"].notna().all()


def test_a_unit_of_only_satisfied_people_is_listed_with_its_lower_bound(found):
    """30 of 30 is 88.43 to 100, not certainty: 0.025 ** (1/30) (rule Q5)."""
    table = found("u-0,5,4,5\n" * 30, *(forms(k, 30) for k in range(1, 5))).frame
    (row,) = table[table["rule"] == "Q5"].to_dict("records")
    assert (row["unit"], row["unit_name"], row["n"], row["count"]) == ("u-0", "Đơn vị 0", 30, 30)
    assert row["low"] == pytest.approx(100 * 0.025 ** (1 / 30))
    assert round(row["low"], 2) == 88.43


def test_a_unit_whose_forms_are_all_alike_is_listed(found):
    """No difference between thirty people, whatever they answered."""
    table = found("u-0,2,3,4\n" * 30, *(forms(k, 30) for k in range(1, 5))).frame
    assert table.loc[table["rule"] == "Q5", "unit"].tolist() == ["u-0"]


def test_planted_straight_lines_are_found_and_only_they(found):
    """One answer to every item on most forms of one unit; Holm over the others (rule Q1)."""
    noticed = found(forms(0, 40, straight=0.8), *(forms(k, 40) for k in range(1, 8))).noticed()
    assert noticed[["rule", "unit"]].to_numpy().tolist() == [["Q1", "u-0"]]
    assert noticed["longest_run"].tolist() == [3.0]
    assert noticed["share_percent"].item() > 5 * noticed["expected_percent"].item()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.quick_cases(1)
def test_units_alike_raise_nothing(found, seed):
    """Five clean waves of eight units."""
    assert found(*(forms(k, 40, seed, straight=0.1) for k in range(8))).noticed().empty


def test_straight_lines_are_found_on_the_scale_of_the_items(read_answers):
    """All items from 0 to 10 by their factors, in a pack whose usual scale is 1 to 5 (rule Q1)."""
    wide = "scale: {low: 0, high: 10, satisfied_from: 8}, vi"
    pack = PACK.replace("access: {vi", "access: {" + wide).replace(
        "results: {vi", "results: {" + wide
    )
    rows = "".join(forms(unit, 60, straight=0.9 * (unit == 3)) for unit in range(8))
    survey = read_answers("unit,A1,A2,D1\n" + rows.replace(",5", ",9"), units=UNITS, pack=pack)
    assert check(survey).flagged_units == {"u-3"}


def test_p_values_are_adjusted_over_the_units(found):
    """Holm: the smallest p counts eight times, none falls below the one before."""
    table = found(forms(0, 40, straight=0.8), *(forms(k, 40) for k in range(1, 8))).frame
    q1 = table[table["rule"] == "Q1"].sort_values("p")
    p = q1["p"].to_numpy()
    steps = np.maximum.accumulate(p * np.arange(8, 0, -1))
    np.testing.assert_allclose(q1["p_holm"], np.minimum(steps, 1))


def test_findings_come_smallest_p_first(found):
    """The reader starts with what is least likely to be chance."""
    table = found(forms(0, 40, straight=0.8), *(forms(k, 40) for k in range(1, 8))).frame
    assert table["p_holm"].is_monotonic_increasing


def test_a_form_answered_by_less_than_half_is_no_straight_line(found):
    """One answer to one item says nothing."""
    assert found("u-0,5,,\n" * 10, "u-1,4,4,4\n" * 10).straight_percent == 50.0


def test_forms_without_an_item_are_left_out(read_answers):
    """Only the question on the whole was answered: nothing to look at, and no number made up."""
    findings = check(read_answers("unit,A1,A2,D1,OVERALL\n" + "so-a,,,,4\n" * 9))
    assert findings.frame.empty
    assert np.isnan(findings.straight_percent)


def test_a_unit_is_held_against_the_others_and_not_against_itself():
    """Its own count does not move what is expected of it."""
    n = np.full(6, 30.0)
    few, many = (compare_counts(np.array([x, 2.0, 1, 3, 2, 2]), n)[0][0] for x in (0.0, 30.0))
    assert few == many
    assert few == pytest.approx((10 + 2.5) / (5 * 31))


def test_thirty_identical_forms_are_noticed_though_nobody_is_satisfied(found):
    """Zero variance is tested as such: the most frequent form of a unit, not its satisfied ones."""
    table = found("u-0,3,2,3\n" * 30, *(forms(k, 30) for k in range(1, 8))).noticed()
    row = table[table["fact"] == "identical"].iloc[0]
    assert (row["unit"], row["count"], row["rule"]) == ("u-0", 30, "Q5")


ITEMS = [f"{factor}{k}" for factor in "ABCD" for k in range(1, 6)]
LONG_PACK = """\
id: long
title: {vi: Bộ dài}
source: made for tests
status: unverified
factors: {all: {vi: Chung}}
items:
""" + "".join(f"  {item}: {{factor: all, vi: Tiêu chí {item}}}\n" for item in ITEMS)


@pytest.fixture
def look(read_answers):
    """Check forms of twenty items: a list of levels, unit, operator and hour of each."""

    def check_forms(change=lambda forms: None, n=30):
        rng = np.random.default_rng(2)
        forms = [
            {
                "unit": f"u-{unit}",
                "operator": "ab"[number % 2],
                "time": f"2024-03-{1 + number % 28:02d} {8 + number % 9:02d}:{unit * 7:02d}",
                **dict(zip(ITEMS, rng.choice([3, 4, 4, 5], 20), strict=True)),
            }
            for unit in range(8)
            for number in range(n)
        ]
        change(forms)
        lines = [",".join(map(str, form.values())) for form in forms]
        text = "\n".join([",".join(forms[0]), *lines]) + "\n"
        columns = {"unit": "unit", "operator": "operator", "time": "time"}
        return check(read_answers(text, units=UNITS, pack=LONG_PACK, columns=columns))

    return check_forms


def facts_of(findings):
    """Return the facts noticed, with their unit."""
    return findings.noticed()[["fact", "unit"]].to_numpy().tolist()


@pytest.mark.slow
def test_forms_that_differ_raise_nothing_and_copy_nothing(look):
    """The wave of the tests below, before anything is planted."""
    findings = look()
    assert findings.noticed().empty
    assert findings.copies.empty
    assert findings.flagged_units == set()


@pytest.mark.slow
def test_copies_of_one_form_are_noticed_and_listed_by_row(look):
    """Ten of thirty forms are the first form of the unit, one answer changed (rule Q2)."""

    def copy_first(forms):
        for number in range(1, 11):
            forms[number] |= {item: forms[0][item] for item in ITEMS}
            forms[number][ITEMS[number]] = 6 - forms[number][ITEMS[number]]

    findings = look(copy_first)
    assert facts_of(findings) == [["twins", "u-0"]]
    assert findings.flagged_units == {"u-0"}
    assert findings.copies["unit"].unique().tolist() == ["u-0"]
    assert findings.copies["row"].tolist() == [*range(2, 13)]
    assert findings.copies["n_equal"].between(18, 20).all()
    assert not {*ITEMS} & {*findings.copies}  # places, and no answers


def test_a_single_copy_is_listed_and_no_finding(look):
    """One pair may be chance: it is listed, judged and left at that."""
    findings = look(lambda forms: forms[1].update({item: forms[0][item] for item in ITEMS}))
    assert findings.noticed().empty
    assert findings.copies[["row", "other_row"]].to_numpy().tolist() == [[2, 3], [3, 2]]


def test_forms_of_one_evening_are_noticed(look):
    """Fifteen of thirty within ten minutes after 22:00 (rule Q3)."""

    def move_to_night(forms):
        for number in range(15):
            forms[number]["time"] = f"2024-03-05 22:{number // 2:02d}:{30 * (number % 2):02d}"

    findings = look(move_to_night)
    assert {tuple(fact) for fact in facts_of(findings)} >= {("night", "u-0"), ("close", "u-0")}
    row = findings.frame[findings.frame["fact"] == "night"].iloc[0]
    assert (row["rule"], row["unit"], row["n"], row["count"]) == ("Q3", "u-0", 30, 15)
    assert findings.flagged_units == set()  # hours alone take no rank away


@pytest.mark.slow
def test_one_operator_of_straight_lines_is_noticed_by_name(look):
    """All forms of operator a in unit 2; those of b in the same unit are ordinary (rule Q4)."""

    def fill_in(forms):
        for form in forms[60:90]:
            form.update(dict.fromkeys(ITEMS, 5) if form["operator"] == "a" else {})

    noticed = look(fill_in).noticed()
    rows = noticed[noticed["rule"] == "Q4"]
    assert {*rows["fact"]} >= {"operator_straight", "operator_high"}
    assert {*rows["unit"]} == {"u-2"}
    row = rows[rows["fact"] == "operator_straight"].iloc[0]
    assert (row["operator"], row["count"], row["n"], row["expected_percent"]) == ("a", 15, 15, 0)


def test_a_repeated_pattern_is_noticed(look):
    """Ten of thirty forms read 4-5-4-5 (rule Q6)."""

    def alternate(forms):
        for form in forms[210:220]:
            form.update({item: 4 + number % 2 for number, item in enumerate(ITEMS)})

    assert ["pattern", "u-7"] in facts_of(look(alternate))


def test_a_wave_of_many_straight_lines_says_so_first(look):
    """Half of the forms: the plain share comes before any table."""

    def answer_alike(forms):
        for form in forms[::2]:
            form.update(dict.fromkeys(ITEMS, 4))

    findings = look(answer_alike)
    assert findings.straight_percent == 50.0
    assert findings.has_many_straight
    assert str(findings).startswith("50% of the forms give one answer to every item.")


def test_a_quarter_is_not_more_than_a_quarter(look):
    """The limit itself is not passed."""

    def answer_alike(forms):
        for form in forms[::4]:
            form.update(dict.fromkeys(ITEMS, 4))

    findings = look(answer_alike)
    assert findings.straight_percent == 25.0
    assert not findings.has_many_straight


def test_every_fact_is_said_in_words_without_an_accusation():
    """In both languages; no rule id, no word of guilt."""
    words = ("gian", "giả", "bịa", "fake", "fraud", "fabricat", "cheat", "Q1", "Q2", "Q5")
    for language in LANGUAGES:
        sentences = [say(language, f"report.quality.{fact}") for fact in RULES]
        assert [text for text in sentences for word in words if word in text.split()] == []


@pytest.mark.slow
def test_the_same_survey_gives_the_same_findings_again(look):
    """Nothing depends on a seed or on the clock."""
    assert look().frame.equals(look().frame)


@pytest.mark.slow
def test_the_demo_flags_long_xuyen_only(demo_2021, demo_2023):
    """The unit that the decision of 2021 published at 100 %."""
    assert check(demo_2021).flagged_units == {"tp-long-xuyen"}
    assert find_open_units(demo_2021) == check(demo_2023).flagged_units == set()
