"""The draft of the plan: which items it names, with which measure and which target (G2, G3)."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import sipas_analysis as sipas
from sipas_analysis.collect.wave import NO_YEAR
from sipas_analysis.collect.wave_parts import Collected
from sipas_analysis.errors import UnitError
from sipas_analysis.explain.priority import prepare_priority
from sipas_analysis.improve.plan import (
    MOST_NEEDED,
    PLAN_COLUMNS,
    compare_targets,
    draft_plan,
    find_detectable,
    plan,
)
from sipas_analysis.infer.sample_size import detectable_difference
from sipas_analysis.instrument.pack import read_instrument
from sipas_analysis.measure.ranking import rank_sets
from sipas_analysis.messages import LANGUAGES, format_number, say

ITEMS = [*read_instrument("qd-2640-2017").items]
N = 60
LOW = {(0, "A1"): 40, (0, "C5"): 30, (0, "A4"): 8, (1, "B3"): 5, (3, "D1"): 20}


@pytest.fixture(scope="module")
def read_low(read_shared):
    """Read units of 60 forms with so many neutral answers to some items, else two to each."""

    def read(low, n_units=5, n_neutral=2, n=N, **facts):
        units = [f"so-{unit},Sở {unit},,departments,\n" for unit in range(n_units)]
        rows = [
            ",".join(
                [
                    f"so-{unit}",
                    *("53"[form < low.get((unit, item), n_neutral)] for item in ITEMS),
                    "yes" if form < low.get((unit, "late"), 0) else "no",
                ]
            )
            for unit in range(n_units)
            for form in range(n)
        ]
        usual = {"instrument": "qd-2640-2017", "collected": {"to": "2024-11-30"}}
        return read_shared(
            "\n".join([",".join(["unit", *ITEMS, "late"]), *rows, ""]),
            units="code,name_vi,name_en,group,aliases\n" + "".join(units),
            **(usual | {"publisher": {"vi": "Sở Nội vụ"}} | facts),
        )

    return read


@pytest.fixture(scope="module")
def proposals(read_low):
    """The survey of the units of ``LOW``, of whom eight people met a late result, and its plan."""
    survey = read_low(LOW | {(0, "late"): 8})
    basis = prepare_priority(survey)
    return survey, draft_plan(basis), basis


@pytest.mark.slow
def test_a_weak_item_gets_the_measure_that_answers_it(proposals):
    """Seats are answered with seats, not with training; the weakest first (G2)."""
    survey, drafted, _ = proposals
    lines = drafted.lines_of("so-0")
    assert lines[["id", "item", "measure", "note"]].to_numpy().tolist() == [
        ["so-0-01", "A1", "seats", ""],
        ["so-0-02", "C5", "plain-guides", ""],
        ["so-0-03", "A4", "equipment-guide", "undecided not_visible"],
    ]
    first = lines.iloc[0]
    assert first["task"].startswith("Bố trí đủ ghế")
    assert (first["owner"], first["due"]) == ("Trưởng Bộ phận Một cửa", date(2025, 2, 28))
    assert (first["indicator"], first["status"], first["budget"]) == ("survey", "proposed", "")
    figure = sipas.score(survey, "unit").select(unit="so-0", variable="A1").frame.iloc[0]
    assert [*first[["baseline", "low", "high", "n"]]] == [
        *figure[["value", "low", "high", "n_valid"]]
    ]
    assert [*drafted.frame] == [*PLAN_COLUMNS]
    assert set(drafted.frame["wave"]) == {"small-2024"}


@pytest.mark.slow  # waves with plans are judged
def test_lines_stand_in_the_order_of_the_list_and_have_ids_of_their_own(proposals):
    """The province first; one unit asked for has the same lines."""
    survey, drafted, _ = proposals
    frame = drafted.frame
    assert [*frame["unit"].unique()] == ["", *(f"so-{unit}" for unit in range(5))]
    assert frame["id"].is_unique
    assert frame["id"].iloc[0] == "P01"
    assert not frame[frame["measure"] != ""].duplicated(["unit", "measure"]).any()
    alone = plan(survey, "Sở 0").frame
    pd.testing.assert_frame_equal(alone, drafted.lines_of("so-0"))
    with pytest.raises(UnitError):
        plan(survey, "nobody")


@pytest.mark.slow
def test_the_province_is_compared_with_its_index_and_asks_for_what_incidents_need(proposals):
    """A1 is surely below the index (R7); eight late results call for apologies."""
    lines = proposals[1].lines_of()
    assert [*lines["item"].head(3)] == ["A1", "C5", "D1"]
    assert [*lines["note"].head(4)] == [
        "",
        "",
        "target_inside_error",
        "undecided target_inside_error",
    ]
    last = lines.iloc[-1]
    assert (last["item"], last["measure"], last["indicator"]) == ("", "apology", "late-share")
    assert np.isnan(last[["baseline", "target", "detectable"]].astype(float)).all()
    assert set(lines["owner"]) == {"Sở Nội vụ"}


@pytest.mark.slow  # waves with plans are judged
def test_few_incidents_start_no_measure(read_low):
    """Fewer than `min_cell` reports would be told of single people (P2)."""
    assert "apology" not in {*plan(read_low(LOW | {(0, "late"): 4})).frame["measure"]}


@pytest.mark.slow
def test_what_could_be_shown_is_as_by_hand_and_as_in_the_ranking(proposals):
    """20 of 60: se = √(p(1 − p)/60·300/299), times (1.96 + 0.84)·√2; R4 of two such units (G3)."""
    first = proposals[1].lines_of("so-0").iloc[0]
    se = 100 * np.sqrt(1 / 3 * 2 / 3 / N * 300 / 299)
    assert first["detectable"] == pytest.approx((1.959964 + 0.841621) * np.sqrt(2) * se, rel=1e-6)
    planned = 100 * detectable_difference(N * 299 / 300, 1 / 3)
    assert first["detectable"] == pytest.approx(float(planned))
    sets = rank_sets([30.0, 90.0], [se, se], seed=1)
    assert float(find_detectable(np.array([se]))[0]) == pytest.approx(_detectable(sets), rel=0.02)


def _detectable(sets):
    """Return (critical value + z₀.₈)·se of the only pair of two units (R4)."""
    return (sets.critical_all[0, 1] + 0.8416212) * sets.se[0, 1]


def test_the_target_could_be_shown_or_says_how_many_people_could(proposals):
    """50 % ± 6.47 shows a rise of 25.62, so 76 %; A4 at 87 % says that it cannot (G3)."""
    lines = proposals[1].lines_of("so-0").set_index("item")
    assert (round(lines["detectable"]["C5"], 2), lines["target"]["C5"]) == (25.62, 76)
    assert np.isnan(lines["n_needed"]["C5"])
    frame = proposals[1].frame.dropna(subset="target")
    rise = frame["target"] - frame["baseline"]
    assert (rise > 0).all()
    assert (frame["target"] <= 100).all()
    is_inside = rise < frame["detectable"]
    assert (is_inside == frame["note"].str.contains("not_visible|target_inside_error")).all()
    assert (is_inside == frame["n_needed"].notna()).all()
    near = frame["note"].str.contains("not_visible")
    assert (near == (is_inside & (frame["baseline"] + frame["detectable"] > 100))).all()


def test_so_many_people_show_a_rise_and_no_survey_shows_a_tiny_one():
    """By hand: 60 of 100, se 4.9, shows 19.41 points; 10 points need 100 · 1.941² people (G3)."""
    target = np.array([80.0, 79.0, 70.0, 62.0, 61.0, 60.0, np.nan])
    rows = [(60.0, 100, 4.9)] * len(target) + [(82.57, 853, 1.3), (95.0, 40, 3.4)]
    rows.append((50.0, 4, 28.9))  # 114.5 points: no change is so large
    figures = pd.DataFrame(rows, columns=["value", "n_valid", "se"], dtype=float)
    lines = compare_targets(figures, np.array([*target, 82.6, 99.0, 90.0]))
    assert lines["detectable"].fillna(0).round(2).tolist() == [19.41] * 7 + [5.15, 13.47, 0]
    assert lines["n_needed"].fillna(0).tolist() == [0, 105, 377, 9423, 0, 0, 0, 0, 454, 33]
    inside = "target_inside_error"
    assert lines["note"].tolist() == ["", *[inside] * 5, "", inside, *["not_visible"] * 2]
    for language in LANGUAGES:
        words = say(language, "plan.about.n_needed")
        assert format_number(MOST_NEEDED, language, 0) in words


def test_a_target_is_not_rounded_to_100(proposals):
    """From 98.33 % half of the others is at 99.17, which no unit of 60 could show (G3)."""
    _, _, basis = proposals
    scores = basis.scores.copy()
    is_item = (scores["domain"] == "unit") & (scores["level"] == "item")
    scores.loc[is_item & (scores["variable"] != "C1"), "value"] = 100.0
    scores.loc[is_item & (scores["variable"] == "C1"), ["value", "se"]] = 98.33, 1.66
    lines = draft_plan(replace(basis, scores=scores), "so-4").frame
    assert lines[["item", "target", "note"]].to_numpy().tolist() == [
        ["C1", pytest.approx(99.165, abs=0.006), "undecided not_visible"]
    ]


@pytest.mark.slow
def test_no_day_is_invented(proposals):
    """Without the days of fieldwork the year gives the day; without a year there is none (G2)."""
    survey, _, basis = proposals
    days, ends = {}, ((3, 31), (6, 30), (3, 31))
    for year in (2024, NO_YEAR):
        wave = survey.wave.model_copy(update={"year": year, "collected": Collected()})
        changed = draft_plan(replace(basis, survey=replace(survey, wave=wave)), "so-0")
        days[year] = [*changed.frame["due"]]
    assert days == {2024: [date(2025, month, day) for month, day in ends], NO_YEAR: [None] * 3}


@pytest.mark.slow
def test_hidden_figures_lead_to_no_line(proposals):
    """A baseline is a published figure; a hidden item or unit is in no line (P2)."""
    survey, drafted, basis = proposals
    scores = basis.scores.copy()
    is_hidden = (scores["unit"] == "so-0") & (scores["variable"] == "A1")
    is_hidden |= scores["unit"] == "so-3"
    scores.loc[is_hidden, ["value", "se", "low", "high"]] = np.nan
    scores.loc[is_hidden, "flag"] = "suppress"
    public = plan(survey, scores=scores)
    assert "A1" not in {*public.lines_of("so-0")["item"]}
    assert public.without == {"so-3": "suppressed"}
    assert public.lines_of("so-3").empty
    assert not drafted.lines_of("so-3").empty


@pytest.mark.slow
def test_units_without_lines_say_why(proposals):
    """Few forms, forms to be checked first (M9), nobody who is not satisfied."""
    _, drafted, basis = proposals
    scores = basis.scores.copy()
    is_item = scores["level"] == "item"
    scores.loc[(scores["unit"] == "so-0") & is_item, "value"] = 100.0
    scores.loc[(scores["unit"] == "so-1") & ~is_item, "n_valid"] = 29
    changed = draft_plan(replace(basis, scores=scores, flagged={"so-2"}))
    assert changed.without == {"so-0": "all_satisfied", "so-1": "few_forms", "so-2": "flagged"}
    assert {*changed.frame["unit"]} == {"", "so-3", "so-4"}
    assert drafted.without == {}
    assert draft_plan(replace(basis, scores=scores), "so-0").frame.empty


@pytest.mark.slow
def test_items_of_important_factors_go_first(proposals):
    """Importance orders items that are surely weak, and only those (D4)."""
    survey, drafted, basis = proposals
    assert (drafted.important, drafted.reason) == ((), "no_outcome")
    share = {"access": 0.1, "civil-servants": 0.5}
    factors = [*survey.instrument.factors]
    shares = pd.DataFrame({"variable": factors, "share": [share.get(f, 0.1) for f in factors]})
    shares = shares.assign(share_low=shares["share"], share_high=shares["share"], separable=True)
    placed = replace(basis, importance=SimpleNamespace(frame=shares), reason="")
    changed = draft_plan(placed)
    assert changed.important == ("civil-servants",)
    assert [*changed.lines_of("so-0")["item"]] == ["C5", "A1", "A4"]
    assert changed.lines_of("so-3")["item"][0] == "D1"


@pytest.mark.slow
def test_a_survey_of_one_unit_has_the_lines_of_the_whole(read_low):
    """Its unit has no group to be compared with, so its own index stands in."""
    basis = prepare_priority(read_low({(0, "B5"): 30}, 1))
    lines = draft_plan(basis).frame
    assert set(lines["unit"]) == {""}
    assert lines["item"].iloc[0] == "B5"
    assert draft_plan(basis, "so-0").frame[["id", "item", "measure"]].iloc[0].tolist() == [
        "so-0-01",
        "B5",
        "measure-time",
    ]


@pytest.mark.slow
def test_a_pack_that_the_library_does_not_know_asks_the_unit(read_shared):
    """Nothing is invented: no measure, no post and no day."""
    levels = np.random.default_rng(1).integers([2, 3, 4], 6, (80, 3))
    answers = [f"so-{'ab'[form % 2]},{a},{b},{d}\n" for form, (a, b, d) in enumerate(levels)]
    lines = plan(read_shared("unit,A1,A2,D1\n" + "".join(answers))).frame
    assert (lines["measure"] == "").all()
    assert lines["item"].iloc[0] == "A1"
    assert lines["task"][0] == "Đề xuất giải pháp cho tiêu chí này"
    assert (lines["owner"][0], lines["due"][0]) == ("", None)


@pytest.mark.slow
def test_own_measures_of_the_province_are_proposed(read_answers, tmp_path):
    """For a questionnaire of one's own too; the day follows from the months of the measure (G1)."""
    levels = np.random.default_rng(1).integers([2, 3, 4], 6, (40, 3))
    answers = "".join(f"so-a,{a},{b},{d}\n" for a, b, d in levels)
    (tmp_path / "own.yaml").touch()
    survey = read_answers("unit,A1,A2,D1\n" + answers, measures="own.yaml", languages=["en"])
    text = f"""
measures:
  saturday:
    factor: access
    items: {{{survey.instrument.id}: [A1]}}
    vi: Mở quầy sáng thứ bảy
    en: Open on Saturdays
    after_months: 2
    owner: Chánh Văn phòng
    indicators: [{{id: visits, vi: Số người đến, data: queue, after_months: 2}}]
"""
    (tmp_path / "own.yaml").write_text(text, "utf-8")
    line = plan(survey, "so-a").frame.iloc[0]
    assert (line["item"], line["measure"], line["task"]) == ("A1", "saturday", "Open on Saturdays")
    assert (line["owner"], line["due"]) == ("Chánh Văn phòng", date(2025, 2, 28))


@pytest.mark.slow
def test_two_dozen_factors_of_one_item_have_a_plan(read_shared):
    """The interval is widened for all of them; at most as many lines as for any province."""
    numbers = range(24)
    factors = "".join(f"  f{number}: {{vi: Yếu tố {number}}}\n" for number in numbers)
    items = "".join(f"  Q{number}: {{factor: f{number}, vi: Câu {number}}}\n" for number in numbers)
    head = "id: many\ntitle: {vi: Nhiều}\nsource: ours\nstatus: unverified\n"
    levels = np.random.default_rng(1).integers(2, 6, (90, 24))
    rows = ["so-a," + ",".join(map(str, row)) for row in levels]
    survey = read_shared(
        "\n".join(["unit," + ",".join(f"Q{number}" for number in numbers), *rows, ""]),
        pack=f"{head}factors:\n{factors}items:\n{items}",
    )
    assert plan(survey).frame["id"].tolist() == [f"P0{number}" for number in range(1, 7)]


@pytest.mark.slow
def test_a_unit_like_all_others_has_no_surely_weak_item(read_shared):
    """Sixty units of one truth, people alike in their answers: at most one in twenty (D4, G2)."""
    rng = np.random.default_rng(20)
    level = norm.ppf(0.88 + rng.normal(0, 0.03, len(ITEMS)).clip(-0.08, 0.08))
    unit = np.repeat(np.arange(60), 60)
    person, noise = rng.normal(size=(len(unit), 1)), rng.normal(size=(len(unit), len(ITEMS)))
    answers = np.where(0.6 * person + 0.8 * noise < level, 5, rng.integers(2, 4, noise.shape))
    rows = [f"so-{u}," + ",".join(map(str, row)) for u, row in zip(unit, answers, strict=True)]
    units = "".join(f"so-{number},Sở {number},,departments,\n" for number in range(60))
    survey = read_shared(
        "\n".join([",".join(["unit", *ITEMS]), *rows, ""]),
        units="code,name_vi,name_en,group,aliases\n" + units,
        instrument="qd-2640-2017",
    )
    lines = plan(survey).frame
    is_sure = (lines["unit"] != "") & ~lines["note"].str.contains("undecided")
    assert lines.loc[is_sure, "unit"].nunique() <= 3
    assert lines["unit"].nunique() == 61
