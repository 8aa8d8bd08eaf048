"""Indices by hand: rules M1 to M6, their intervals, and the ways to split them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import ColumnError
from sipas_analysis.infer.estimates import COLUMNS
from sipas_analysis.instrument.pack import Index
from sipas_analysis.measure.ranking import rank
from sipas_analysis.measure.rule_comparison import compare_rules
from sipas_analysis.measure.scores import count_answers, score, score_domains
from sipas_analysis.rounding import round_to_text

EQUAL = "unit,A1,A2,D1\nso-a,5,5,1\nso-a,5,5,1\n"


@pytest.fixture
def figure(read_answers):
    """Return the row of one figure of some answers."""

    def of(answers, variable="overall", by=(), rules=None, **given):
        survey = read_answers(answers, **given)
        index = Index.model_validate(rules) if rules else None
        return score(survey, by, index).select(variable=variable).frame.iloc[0]

    return of


def forms(rows, header="unit,A1,A2,D1"):
    return "\n".join([header, *rows, ""])


# ── M1: an item


def test_neutral_stays_in_the_denominator(figure):
    """Two of four chose 4 or 5; the neutral 3 counts as not satisfied (rule M1)."""
    row = figure(forms(f"so-a,{x},," for x in (5, 4, 3, 1)), "A1")
    assert (row["value"], row["numerator"], row["denominator"]) == (50.0, 2, 4)


def test_a_blank_leaves_both_sums(figure):
    """One of two answers is satisfied; the form without an answer is only in n (rule M1)."""
    row = figure(forms(["so-a,5,1,", "so-a,,1,", "so-a,3,1,"]), "A1")
    assert row[["value", "n", "n_valid", "denominator"]].tolist() == [50.0, 3, 2, 2]


def test_an_item_that_nobody_answered_has_no_value(figure):
    """Missing is not zero: no value, no text, nothing to publish."""
    row = figure(forms(["so-a,5,,1"]), "A2")
    assert np.isnan(row["value"])
    assert (row["printed"], row["n_valid"], row["flag"]) == ("", 0, "suppress")


# ── M2, M3: factors and the whole


def test_pooled_and_mean_of_items_differ_by_blanks(figure):
    """A1 1 of 3, A2 1 of 1: pooled 2 of 4, the mean of items (33.3 + 100) / 2 (rule M2)."""
    answers = forms(["so-a,5,5,", "so-a,1,,", "so-a,1,,"])
    assert figure(answers, "access")["value"] == 50.0
    mean = figure(answers, "access", rules={"factor": {"rule": "mean_of_items"}})
    assert mean["value"] == pytest.approx((100 / 3 + 100) / 2)


def test_pooled_and_mean_of_items_agree_without_blanks(figure):
    """Equal denominators make them one number (rule M2)."""
    answers = forms(["so-a,5,1,1", "so-a,4,4,1", "so-a,3,5,1"])
    mean = figure(answers, "access", rules={"factor": {"rule": "mean_of_items"}})
    assert mean["value"] == pytest.approx(figure(answers, "access")["value"])


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"rule": "pooled"}, 100 * 4 / 6),
        ({"rule": "mean_of_items"}, 200 / 3),
        ({"rule": "mean_of_factors"}, 50.0),
        ({"rule": "weights", "weights": {"access": 3, "results": 1}}, 75.0),
        ({"rule": "weights", "weights": {"access": 0, "results": 1}}, 0.0),
    ],
)
@pytest.mark.quick_cases(2)
def test_the_whole_follows_the_rule(figure, rule, value):
    """Access 100 % on two items, results 0 % on one (rule M3)."""
    assert figure(EQUAL, rules={"overall": rule})["value"] == pytest.approx(value)


def test_the_whole_may_be_the_overall_item(figure):
    """One of two is satisfied as a whole, whatever the items say (rule M3)."""
    answers = forms(["so-a,5,5,5,5", "so-a,5,5,5,2"], "unit,A1,A2,D1,OVERALL")
    row = figure(answers, rules={"overall": {"rule": "overall_item"}})
    assert row[["value", "numerator", "denominator"]].tolist() == [50.0, 1, 2]


def test_the_overall_item_stays_outside_the_pooled_index(figure):
    """It is asked beside the items (rule M3)."""
    answers = forms(["so-a,5,5,5,1"], "unit,A1,A2,D1,OVERALL")
    assert figure(answers)["value"] == 100.0


def test_a_block_is_made_of_its_own_factors(make_wave, figure):
    """Weights at block level are read within each block."""
    pack = make_wave().with_name("pack.yaml").read_text("utf-8")
    pack = pack.replace("factors:\n", "blocks: {one: {vi: Một}, two: {vi: Hai}}\nfactors:\n")
    pack = pack.replace("{vi: Tiếp", "{block: one, vi: Tiếp").replace(
        "{vi: Kết quả,", "{block: two, vi: Kết quả,"
    )
    rules = {"block": {"rule": "weights", "weights": {"access": 3, "results": 1}}}
    found = [figure(EQUAL, block, rules=rules, pack=pack)["value"] for block in ("one", "two")]
    assert found == [100.0, 0.0]


def test_a_wave_may_choose_the_rule(figure):
    """``index:`` in ``wave.yaml`` goes before the pack."""
    row = figure(EQUAL, index={"overall": {"rule": "mean_of_factors"}})
    assert row["value"] == 50.0


def test_rules_stand_side_by_side(read_answers):
    """The same answers under each rule, so that one sees what the rule does."""
    whole = compare_rules(read_answers(EQUAL)).select(level="overall").frame
    assert whole.set_index("rule")["printed"].to_dict() == {
        "pooled": "66.67",
        "mean_of_items": "66.67",
        "mean_of_factors": "50.00",
        "overall_item": "",
    }


# ── M4, M5: beside the index


def test_satisfied_with_everything_one_answered(figure):
    """A blank does not count against a form: two of three are satisfied throughout (rule M4)."""
    answers = forms(["so-a,5,4,4", "so-a,5,,4", "so-a,5,3,4"])
    row = figure(answers, "comprehensive")
    assert row[["numerator", "denominator"]].tolist() == [2, 3]


def test_satisfied_with_everything_may_ask_for_enough_answers(figure):
    """With ``comprehensive_from: 3`` the form with a blank is neither (rule M4)."""
    answers = forms(["so-a,5,4,4", "so-a,5,,4", "so-a,5,3,4"])
    row = figure(answers, "comprehensive", index={"comprehensive_from": 3})
    assert row[["numerator", "denominator", "n_valid"]].tolist() == [1, 2, 2]


def test_a_mean_score_stands_beside(figure):
    """5, 4, 3, 1, 2 have mean 3, which is 50 on 0 to 100 (rule M5)."""
    answers = forms(["so-a,5,4,3", "so-a,1,,2"])
    assert figure(answers, "mean_score")["value"] == pytest.approx(3.0)
    assert figure(answers, "mean_score_100")["value"] == pytest.approx(50.0)


# ── M6: rounding


@pytest.mark.parametrize(
    ("value", "exact", "text"),
    [
        (100 * 87 / 160, (87, 160), "54.38"),
        (54.375, (np.nan, np.nan), "54.38"),
        (100 * 1 / 3, (1, 3), "33.33"),
        (2.675, (np.nan, np.nan), "2.68"),
        (-0.125, (np.nan, np.nan), "-0.13"),
        (100.0, (30, 30), "100.00"),
        (0.0, (0, 7), "0.00"),
        (np.nan, (np.nan, np.nan), ""),
    ],
)
def test_halves_are_rounded_away_from_zero(value, exact, text):
    """From the exact fraction, for 87/160 is 54.375 and a float prints 54.37 (rule M6)."""
    assert round_to_text(value, *exact) == text


def test_a_table_prints_the_exact_fraction(figure):
    """87 of 160 forms: 54.38 (rule M6)."""
    answers = forms([f"so-a,{5 if k < 87 else 3},," for k in range(160)])
    assert figure(answers, "A1")["printed"] == "54.38"


# ── I1, I2, V3, P2: what may be believed


def test_thirty_of_thirty_is_not_certainty(figure):
    """For p = 1 the exact lower bound is 0.025 ** (1 / n): 88.43 %, not 100 (rule I1)."""
    row = figure(forms(["so-a,5,4,5"] * 30), "A1")
    assert row["low"] == pytest.approx(100 * 0.025 ** (1 / 30))
    assert (row["high"], row["method"], row["flag"]) == (100.0, "clopper-pearson", "publish")


def test_ninety_answers_of_thirty_people_are_thirty_people(figure):
    """All satisfied: the pooled index is no surer than thirty people make it (rule I2)."""
    row = figure(forms(["so-a,5,4,5"] * 30))
    assert row["denominator"] == 90
    assert row["n_eff"] == 30
    assert row["low"] == pytest.approx(100 * 0.025 ** (1 / 30))


@pytest.mark.parametrize(("unsatisfied", "most"), [(9, 100), (12, 300)])
def test_few_dissatisfied_people_cap_what_the_answers_tell(figure, unsatisfied, most):
    """Each dissatisfied with one item: under ten of them, 300 answers count as 100 people (I2)."""
    each = ["so-a,1,5,5", "so-a,5,1,5", "so-a,5,5,1"]
    rows = [each[k % 3] if k < unsatisfied else "so-a,5,5,5" for k in range(100)]
    row = figure(forms(rows))
    assert 100 <= row["n_eff"] <= most
    assert (row["n_eff"] == 100) == (unsatisfied < 10)


def test_answers_of_one_person_are_not_many_people(figure):
    """Everybody answers all alike, so three items tell no more than one (rules I2, V1)."""
    answers = forms(["so-a,5,5,5", "so-a,2,2,2"] * 20)
    item, whole = figure(answers, "A1"), figure(answers)
    assert whole["se"] == pytest.approx(item["se"])
    assert whole["deff"] == pytest.approx(item["deff"])


def test_one_form_has_a_value_and_no_error(figure):
    """Nothing says how another form would differ (rule V3)."""
    row = figure(forms(["so-a,5,5,1"]))
    assert row["printed"] == "66.67"
    assert row[["se", "low", "high", "df"]].isna().all()
    assert row["method"] == "none"


@pytest.mark.parametrize(
    ("n", "flag"), [(4, "suppress"), (5, "caution"), (29, "caution"), (30, "publish")]
)
@pytest.mark.quick_cases(2)
def test_small_cells_are_flagged(figure, n, flag):
    """Fewer than 5 people are not shown, fewer than 30 only with caution (rule P2)."""
    assert figure(forms(["so-a,5,4,1"] * n))["flag"] == flag


def test_the_smallest_cell_is_a_fact_of_the_wave(figure):
    """A province may ask for ten."""
    assert figure(forms(["so-a,5,4,1"] * 9), min_cell=10)["flag"] == "suppress"


# ── weights


def test_weights_change_the_share(figure):
    """Σws / Σwv = 3 / 4 where unweighted it is 1 / 2 (rule M1)."""
    answers = forms(["so-a,3,5,,", "so-a,1,2,,"], "unit,w,A1,A2,D1")
    row = figure(answers, "A1", columns={"unit": "unit", "weight": "w"})
    assert row[["value", "numerator", "denominator"]].tolist() == [75.0, 3.0, 4.0]
    assert row["n_valid"] == 2


def test_the_scale_of_weights_changes_nothing(figure):
    """Weights of 2 are weights of 1: value and error stay."""
    columns = {"unit": "unit", "weight": "w"}
    answers = [forms([f"so-a,{w},{x},," for x in (5, 4, 2)], "unit,w,A1,A2,D1") for w in (1, 2)]
    one, two = (
        figure(answer, "A1", columns=columns)[["value", "se"]].tolist() for answer in answers
    )
    assert two == pytest.approx(one)


# ── splits


def test_by_unit_tells_group_and_name(read_answers):
    """A unit without forms has no row."""
    frame = score(read_answers(EQUAL), by="unit").select(variable="overall").frame
    assert frame[["group", "unit", "unit_name"]].to_numpy().tolist() == [
        ["departments", "so-a", "Sở A"]
    ]


def test_by_a_profile_column(read_answers):
    """Men 100 %, women 0 %; who did not say is in neither."""
    rows = ["so-a,male,5,,", "so-a,male,4,,", "so-a,female,1,,", "so-a,,1,,"]
    survey = read_answers(forms(rows, "unit,sex,A1,A2,D1"))
    frame = score(survey, by="sex").select(variable="A1").frame
    assert frame.set_index("sex")["value"].to_dict() == {"female": 0.0, "male": 100.0}
    assert frame["n"].tolist() == [1, 2]


def test_groups_of_a_question_with_several_answers_overlap(read_answers):
    """A poor household with merit is counted in both; a choice nobody made has no row."""
    rows = ["so-a,HN;NCC,5,,", "so-a,HN,1,,", "so-a,,1,,"]
    survey = read_answers(forms(rows, "unit,vulnerable,A1,A2,D1"))
    frame = score(survey, by="vulnerable").select(variable="A1").frame
    assert frame.set_index("vulnerable")["value"].to_dict() == {"HN": 50.0, "NCC": 100.0}


def test_by_two_keys(read_answers):
    """Units and sexes together."""
    rows = ["so-a,male,5,,", "so-b,male,1,,", "so-b,female,5,,"]
    survey = read_answers(forms(rows, "unit,sex,A1,A2,D1"))
    frame = score(survey, by=["unit", "sex"]).select(variable="A1").frame
    keys = ["unit", "sex", "value"]
    assert frame[keys].to_numpy().tolist() == [
        ["so-a", "male", 100.0],
        ["so-b", "female", 100.0],
        ["so-b", "male", 0.0],
    ]


def test_a_key_that_is_none_lists_those_there_are(read_answers):
    """The remedy stands in the sentence."""
    with pytest.raises(ColumnError, match=r"by a key of the survey \(unit, group\); “sex” is none"):
        score(read_answers(EQUAL), by="sex")


# ── tables


def test_every_figure_has_the_columns_of_the_glossary(read_answers):
    """One row per item, factor, the whole and what stands beside; one set of columns."""
    frame = score(read_answers(EQUAL)).to_frame()
    assert frame.columns.tolist() == ["level", "variable", *COLUMNS]
    assert frame["variable"].tolist() == [
        "A1",
        "A2",
        "D1",
        "OVERALL",
        "access",
        "results",
        "overall",
        "comprehensive",
        "mean_score",
        "mean_score_100",
    ]


def test_a_table_cannot_be_changed_from_outside(read_answers):
    """``to_frame`` gives a copy."""
    scores = score(read_answers(EQUAL))
    own = scores.to_frame()
    own["value"] = 0.0
    assert scores.select(variable="overall").frame["value"].item() > 0


def test_answers_are_counted_by_level(read_answers):
    """Blanks are no level."""
    counts = count_answers(read_answers(forms(["so-a,5,4,", "so-a,5,1,"])))
    assert counts.to_numpy().tolist() == [["A1", 5, 2, 2.0], ["A2", 1, 1, 1.0], ["A2", 4, 1, 1.0]]


def test_one_item_has_one_interval_however_it_is_called(read_answers):
    """A factor of one item is that item (I1), not an index of several (I2)."""
    frame = score(read_answers(forms(["so-a,5,4,5"] * 27 + ["so-a,5,4,2"] * 3))).frame
    ends = frame.set_index("variable").loc[["D1", "results"], ["low", "high"]].to_numpy()
    assert ends[0].tolist() == ends[1].tolist()


@pytest.mark.slow
def test_a_mean_score_stays_on_its_scale_and_is_never_certain(read_answers):
    """Thirty fives: 5.00, from 1 + 4 · 0.025 ** (1 / 30); the interval of others stops at 5."""
    best = (
        score(read_answers(forms(["so-a,5,5,5"] * 30))).select(variable="mean_score").frame.iloc[0]
    )
    assert best["low"] == pytest.approx(1 + 4 * 0.025 ** (1 / 30))
    assert best["high"] == 5.0
    mixed = score(read_answers(forms(["so-a,5,5,5"] * 7 + ["so-a,4,4,4"])))
    assert mixed.select(variable="mean_score").frame["high"].item() == 5.0
    same = (
        score(read_answers(forms(["so-a,4,4,4"] * 30))).select(variable="mean_score").frame.iloc[0]
    )
    assert np.isnan(same["low"])


def test_a_rank_counts_people_who_answered(read_answers):
    """Thirty forms of which six rate an item are six people (M7)."""
    survey = read_answers("unit,A1,A2,D1,OVERALL\n" + "so-a,5,4,3,5\n" * 6 + "so-a,,,,5\n" * 30)
    ranked = rank(score(survey, by="unit"), min_forms=30).frame.iloc[0]
    assert (ranked["n"], ranked["n_valid"], ranked["reason"]) == (36, 6, "few_forms")


@pytest.mark.parametrize("without_group", [False, True])
@pytest.mark.slow
def test_domains_that_are_counted_in_one_pass_have_the_same_bits(demo_2021, without_group):
    """Units are added to groups and the whole; a form without a group still counts in the whole."""
    survey = demo_2021
    if without_group:
        forms = survey.frame.assign(group=survey.frame["group"].where(survey.frame.index > 40))
        survey = replace(survey, frame=forms)
    by = ["unit", "group", ()]
    for together, key in zip(score_domains(survey, by), by, strict=True):
        alone = score(survey, key)
        pd.testing.assert_frame_equal(together.frame, alone.frame, check_exact=True)
        assert (together.influence != alone.influence).nnz == 0
