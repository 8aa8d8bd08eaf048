"""The verdict on each line of a plan, and why there is none (rule G4)."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.collect.wave_parts import Collected
from sipas_analysis.errors import ColumnError, ParameterError
from sipas_analysis.improve.plan import Plan
from sipas_analysis.improve.verdict import NUMBER_COLUMNS, VERDICT_COLUMNS, judge_plan
from sipas_analysis.infer.estimates import Estimates

FACTORS = {"A": ["A1", "A2"], "B": ["B1"]}
UNITS = [f"u{k}" for k in range(8)]


def make_survey(year, shares, n=100, **facts):
    """Return a survey in which each unit has exactly these shares of A1, in percent; others 80."""
    forms, rng = [], np.random.default_rng(year)
    for unit, share in shares.items():
        ranks = {name: rng.permutation(n) for name in ("A1", "A2", "B1")}
        answers = {name: ranks[name] < 0.8 * n for name in ranks}
        answers["A1"] = ranks["A1"] < n * share / 100
        forms.append(pd.DataFrame(answers).map(lambda yes: 5 if yes else 2).assign(office=unit))
    frame = pd.concat(forms, ignore_index=True)
    frame["kind"] = np.where(frame["office"].str.startswith("v"), "agencies", "departments")
    names = {"unit": "office", "group": "kind", "id": f"y{year}", "year": year}
    return sipas.survey(frame, factors=FACTORS, **names, **facts)


def make_plan(*lines):
    """Return a plan of lines on A1 whose measure is done, but for what each line says."""
    usual = {
        "wave": "y2024",
        "factor": "A",
        "item": "A1",
        "measure": "m",
        "task": "",
        "indicator": "survey",
        "baseline": 80.0,
        "target": 90.0,
        "due": date(2025, 6, 30),
        "status": "done",
    }
    rows = [usual | {"id": f"L{k}"} | line for k, line in enumerate(lines)]
    return Plan(pd.DataFrame(rows))


LEVEL = dict.fromkeys(UNITS, 80)
BEFORE = make_survey(2024, LEVEL | {"u0": 60, "u1": 66, "v0": 60})
AFTER = make_survey(2025, LEVEL | {"u0": 95, "u1": 67, "v0": 90})


def judge(*lines, after=AFTER, before=BEFORE, **options):
    """Return the rows of the verdict by id; no forms need a second look, which would take time."""
    options = {"find_open": lambda _: ()} | options
    return judge_plan(after, before, make_plan(*lines), **options).frame.set_index("id")


@pytest.mark.slow
def test_a_large_rise_stands_beside_what_was_expected():
    """u0 rises by 35 points, of which some by itself; u1, as low, does not; others stand still."""
    frame = judge({"unit": "u0"}, {"unit": "u1", "measure": "n", "target": 67.0})
    worked, no_sign = frame.loc["L0"], frame.loc["L1"]
    assert list(frame.reset_index()[[*VERDICT_COLUMNS]]) == [*VERDICT_COLUMNS]
    assert (worked["verdict"], worked["reason"], worked["n_others"]) == ("worked", "", 6)
    assert (worked["value_before"], worked["value_after"], worked["change"]) == (60, 95, 35)
    assert worked["low"] > 0
    assert (no_sign["verdict"], bool(no_sign["is_met"])) == ("no_sign", True)  # met is no proof
    assert frame["family"].tolist() == [1, 1]
    fallen = judge(
        {"unit": "u0"}, before=replace_wave(AFTER, 2024), after=replace_wave(BEFORE, 2025)
    )
    assert fallen.loc["L0", "verdict"] == "got_worse"


def make_question(year, shares):
    """Return a survey of one question in which each unit has this share, of 100 people."""
    rng = np.random.default_rng(year)
    answers = [np.where(rng.permutation(100) < share, 5, 2) for share in shares.values()]
    frame = pd.DataFrame({"q": np.concatenate(answers), "office": np.repeat([*shares], 100)})
    return sipas.survey(frame, ["q"], unit="office", id=f"y{year}", year=year)


@pytest.mark.slow
def test_the_change_expected_is_that_worked_by_hand():
    """Shares 60, 66 and six of 80 %; the index of one question is its share.

    V1 of a part of 800 forms is 0.99124 of p(100 − p)/99: as 100.88 people. Angles 0.888 (u0),
    0.949, six of 1.104, with mean 1.0573 and variance 1/405.5; James and Stein move each by 0.3136
    of its distance from the mean. u0 goes to 65.08 %, the six to 78.46 %, an angle of 0.01476 below
    the later 80 %. So much moves u0 by 1.3934, and the six by 0.3507 less than they moved.
    """
    line = {"item": "overall"}
    waves = {
        "before": make_question(2024, LEVEL | {"u0": 60, "u1": 66}),
        "after": make_question(2025, LEVEL | {"u0": 95, "u1": 67}),
    }
    row = judge(line | {"unit": "u0"}, line | {"unit": "u1"}, **waves).loc["L0"]
    wanted = {"change": 35, "returned": 5.0794, "trend": 1.7441, "expected": 6.8235}
    wanted |= {"value": 28.1765, "did": 35}
    assert row[[*wanted]].astype(float).to_dict() == pytest.approx(wanted, abs=1e-4)


@pytest.mark.slow
def test_a_unit_that_does_not_return_is_not_worse_for_that():
    """u0 falls by 10: 16.6 below what is expected, of which 5.1 are a return that never came."""
    row = judge({"unit": "u0"}, after=make_survey(2025, LEVEL | {"u0": 50, "u1": 66})).loc["L0"]
    assert row["high"] < 0 < row["high"] + row["returned"]
    assert row["verdict"] == "no_sign"
    fallen = judge({"unit": "u0"}, after=make_survey(2025, LEVEL | {"u0": 35, "u1": 66})).loc["L0"]
    assert fallen["verdict"] == "got_worse"
    high = make_survey(2024, LEVEL | {"u0": 96, "u1": 66})
    row = judge({"unit": "u0"}, before=high, after=make_survey(2025, LEVEL | {"u0": 99})).loc["L0"]
    assert row["returned"] < 0
    assert row["verdict"] == "no_sign"


def replace_wave(survey, year):
    """Return the same forms as another year."""
    return replace(survey, wave=survey.wave.model_copy(update={"id": f"y{year}", "year": year}))


REASONS = [
    ({"unit": "u0", "status": "proposed"}, "too_early", "not_started"),
    ({"unit": "u0", "status": "in_progress", "due": date(2026, 3, 2)}, "too_early", "due"),
    ({"unit": "u0", "status": "dropped"}, "cannot_tell", "dropped"),
    ({"unit": "u0", "indicator": "late-share"}, "cannot_tell", "not_survey"),
    ({"unit": "u0", "item": ""}, "cannot_tell", "not_survey"),
    ({"unit": "u0", "baseline": np.nan}, "cannot_tell", "no_baseline"),
    ({"unit": ""}, "cannot_tell", "whole_province"),
    ({"unit": "v0"}, "cannot_tell", "few_others"),
    ({"unit": "gone"}, "cannot_tell", "absent"),
]


@pytest.mark.parametrize(("line", "word", "reason"), REASONS, ids=[r[2] for r in REASONS])
@pytest.mark.quick_cases(1)
def test_a_line_that_cannot_be_judged_says_why(line, word, reason):
    """The day of the later fieldwork is 1/3/2026; one day later is too early."""
    collected = Collected.model_validate({"from": date(2026, 3, 1), "to": date(2026, 3, 20)})
    wave = AFTER.wave.model_copy(update={"collected": collected})
    row = judge(line, after=replace(AFTER, wave=wave)).loc["L0"]
    assert (row["verdict"], row["reason"]) == (word, reason)
    assert pd.isna(row["family"])
    has_change = reason not in ("not_survey", "no_baseline", "absent")
    assert pd.notna(row["change"]) == has_change
    if reason in ("whole_province", "few_others"):
        assert np.isnan(row["returned"])
        assert row["change_low"] < row["change"] < row["change_high"]


@pytest.mark.slow  # waves with plans are judged
def test_other_units_have_no_line_on_the_item_nor_on_a_wider_figure():
    """Lines on the item, its factor and the index count, whatever their status; others do not."""
    name = BEFORE.instrument.items["A1"].factor
    busy = [
        {"unit": "u1", "status": "dropped"},
        {"unit": "u2", "item": name},
        {"unit": "u3", "item": "overall"},
        {"unit": "u4", "item": "B1"},
    ]
    assert judge({"unit": "u0"}, *busy).loc["L0", "n_others"] == 4
    of_factor = judge({"unit": "u0", "item": name}, *busy[:1], *busy[3:])
    assert of_factor.loc["L0", "n_others"] == 6  # u1 has a line on an item of the factor
    crowd = judge(*[{"unit": unit} for unit in UNITS[:6]])
    assert set(crowd["reason"]) == {"few_others"}
    assert crowd.loc["m~A1", ["kind", "n_units"]].tolist() == ["measure", 0]


@pytest.mark.slow  # waves with plans are judged
def test_lines_of_a_unit_are_judged_together():
    """Šidák over its judged figures: early lines do not count, two lines on one figure once."""
    lines = [{"unit": "u0"}, {"unit": "u0", "measure": "n"}, {"unit": "u0", "item": "B1"}]
    early = {"unit": "u0", "item": "A2", "status": "approved"}
    frame = judge(*lines, early)
    assert frame["family"].fillna(0).tolist() == [2, 2, 2, 0]
    alone = judge({"unit": "u0"}).loc["L0"]
    assert frame.loc["L0", "low"] < alone["low"]
    assert frame.loc["L0", "value"] == frame.loc["L1", "value"] == alone["value"]
    assert frame["reason"].tolist() == ["shared", "shared", "", "not_started"]
    assert (frame.loc["L0", "verdict"], alone["reason"]) == ("worked", "")


@pytest.mark.slow  # waves with plans are judged
def test_a_measure_that_several_units_took_is_judged_over_all_of_them():
    """Own words are one measure however they are written; a dropped line is no test of it."""
    lines = [
        {"unit": "u0", "measure": "", "task": "Thêm ghế  ngồi"},
        {"unit": "u1", "measure": "", "task": "thêm ghế ngồi"},
        {"unit": "u2", "measure": "", "task": "Thêm ghế ngồi", "status": "dropped"},
        {"unit": "u3", "measure": "m", "item": "B1"},
    ]
    frame = judge(*lines)
    rows = frame[frame["kind"] == "measure"]
    row = rows.loc["L0~A1"]
    assert len(rows) == 1
    assert row["task"] == "Thêm ghế  ngồi"
    reworded = judge({"unit": "u0", "task": "Ghế"}, {"unit": "u1", "task": "Thêm ghế cho dân"})
    assert reworded.loc["m~A1", "task"] == ""  # the words of one unit are not those of others
    assert (row["n_units"], row["n_others"], row["unit"]) == (2, 5, "")
    assert row["change"] == pytest.approx(18.0, abs=0.5)
    assert row["change_low"] < row["change"] < row["change_high"]
    assert row["se"] < frame.loc["L0", "se"]


@pytest.mark.slow  # waves with plans are judged
def test_a_measure_counts_the_units_that_are_compared():
    """v0 has no others in its group, ``gone`` no figure; the most frequent reason is said."""
    with_others = judge({"unit": "u0"}, {"unit": "u1"}, {"unit": "v0"}, {"unit": "gone"})
    assert with_others.loc["m~A1", ["n_units", "n_others"]].tolist() == [2, 6]
    alone = judge({"unit": "u0"}, {"unit": "v0"}).loc["m~A1"]  # the same as the line of u0
    assert alone[["n_units", "verdict", "reason"]].tolist() == [0, "cannot_tell", "few_others"]
    lines = [{"unit": "u0"}, {"unit": "gone"}, {"unit": "lost"}, {"unit": "u1", "baseline": np.nan}]
    assert judge(*lines).loc["m~A1", "reason"] == "absent"


def hide(scores, *hidden):
    """Return published scores of a wave that hide these units' figures."""
    frame = scores.frame.assign(domain="unit")
    keys = list(zip(frame["unit"], frame["variable"], strict=True))
    flags = ["suppress" if key in hidden else "publish" for key in keys]
    return Estimates(frame.assign(flag=flags))


@pytest.mark.slow  # waves with plans are judged
def test_what_either_wave_hides_is_not_used():
    """A hidden unit has no numbers, and is no other; of a hidden index the item stays (P2)."""
    first, second = (sipas.score(survey, "unit") for survey in (BEFORE, AFTER))
    later = hide(second, ("u5", "A1"))
    lines = {"unit": "u0"}, {"unit": "u1"}
    frame = judge(*lines, published=(hide(first, ("u0", "A1")), later))
    assert frame.loc["L0", "reason"] == "suppressed"
    assert frame.loc["L0", [*NUMBER_COLUMNS]].isna().all()
    assert (frame.loc["L1", "verdict"], frame.loc["L1", "n_others"]) == ("no_sign", 5)
    without_index = hide(first, ("u0", "A1"), ("u1", "overall"))
    hidden = judge(*lines, published=(without_index, later)).loc["L1"]
    assert hidden["returned"] > frame.loc["L1", "returned"]  # its own figure is not used


@pytest.mark.slow  # waves with plans are judged
def test_forms_that_need_a_second_look_are_not_judged_until_they_are_accepted():
    """u0 is not judged, u5 is no other (M9); of one unit all say "very satisfied" to all."""
    lines = {"unit": "u0"}, {"unit": "u1", "measure": "n"}
    frame, accepted = judge(*lines, find_open=lambda _: ("u0", "u5")), judge(*lines)
    assert frame.loc["L0", ["verdict", "reason"]].tolist() == ["cannot_tell", "flagged"]
    assert frame["n_others"].fillna(0).tolist() == [0, 5]
    assert accepted["n_others"].tolist() == [6, 6]
    is_alike = (BEFORE.frame["unit"] == "u6").to_numpy()
    answers = {name: BEFORE.frame[name].mask(is_alike, 5) for name in BEFORE.instrument.items}
    doubtful = replace(BEFORE, frame=BEFORE.frame.assign(**answers))
    row = sipas.verdict(AFTER, doubtful, make_plan({"unit": "u6"})).frame.iloc[0]
    assert (row["verdict"], row["reason"]) == ("cannot_tell", "flagged")


@pytest.mark.slow
def test_waves_that_may_not_be_compared_have_no_verdict():
    """Another questionnaire (C2): the reason is that of ``compare``."""
    other = sipas.survey(
        AFTER.frame.drop(columns="group").rename(columns={"A1": "Z1", "A2": "Z2", "B1": "Z3"}),
        ["Z1", "Z2", "Z3"],
        unit="unit",
        id="y2025",
        year=2025,
    )
    row = judge({"unit": "u0"}, after=other).loc["L0"]
    assert (row["verdict"], row["reason"]) == ("cannot_tell", "instrument")
    weights = AFTER.frame.assign(w=np.where(np.arange(len(AFTER.frame)) % 2, 1.0, 2.0))
    weighted = AFTER.with_design(sipas.Design(weights, weights="w"))
    row = judge({"unit": "u0"}, after=weighted).loc["L0"]
    assert (row["verdict"], row["reason"]) == ("cannot_tell", "weights_added")
    assert np.isnan(row["change"])


@pytest.mark.slow
def test_a_merged_unit_goes_to_its_successor_and_a_split_one_cannot_be_judged(tmp_path):
    """u0 and u1 became u01; u2 was split into u2a and u2b."""
    later = {"u01": 90, "u2a": 80, "u2b": 80} | dict.fromkeys(UNITS[3:], 80)
    rows = ["u0,u01,,merge", "u1,u01,,merge", "u2,u2a,0.5,split", "u2,u2b,0.5,split"]
    path = tmp_path / "unit_changes.csv"
    path.write_text("\n".join(["date,from,to,share,kind", *(f"2025-07-01,{row}" for row in rows)]))
    after = make_survey(2025, later)
    wave = after.wave.model_copy(update={"unit_changes": str(path)})
    frame = judge({"unit": "u0"}, {"unit": "u2"}, after=replace(after, wave=wave))
    assert frame.loc["L0", ["unit", "unit_then"]].tolist() == ["u01", "u0"]
    assert frame.loc["L0", "value_before"] == 63
    assert frame.loc["L0", "n_others"] == 5
    assert frame.loc["L1", "reason"] == "redefined"


def test_a_plan_that_cannot_be_judged_is_refused():
    """Each sentence names what is wrong; a plan without lines has no verdict."""
    with pytest.raises(ColumnError, match="this plan is of “y2023”, the earlier survey is “y2024”"):
        judge({"unit": "u0", "wave": "y2023"})
    with pytest.raises(ParameterError, match="both surveys are “y2024”"):
        judge({"unit": "u0"}, after=BEFORE)
    with pytest.raises(ColumnError, match="'xong'"):
        judge({"unit": "u0", "status": "xong"})
    plan = make_plan({"unit": "u0"}).frame
    with pytest.raises(ColumnError, match="missing: due, status"):
        sipas.verdict(AFTER, BEFORE, Plan(plan.drop(columns=["status", "due"])))
    assert sipas.verdict(AFTER, BEFORE, Plan(plan[:0])).frame.empty


@pytest.mark.slow
def test_without_a_day_of_the_survey_nothing_is_due_too_late():
    """Surveys in memory may have no year."""
    after = replace(AFTER, wave=AFTER.wave.model_copy(update={"year": 0}))
    assert judge({"unit": "u0", "due": date(2099, 1, 1)}, after=after).loc["L0", "reason"] == ""
