"""The plan and the verdicts as they may be published: their ids, their tables, and rule P2."""

import csv

import pandas as pd
import pytest
from test_last_year import write_year

from sipas_analysis.collect.survey import read_survey
from sipas_analysis.collect.wave import read_wave
from sipas_analysis.errors import ConfigError, PlanError
from sipas_analysis.figures import plan_figures
from sipas_analysis.figures.plan_figures import read_judged_plans
from sipas_analysis.figures.published import Figures
from sipas_analysis.improve import plan_file
from sipas_analysis.improve.plan_sheet import read_plan_sheet
from sipas_analysis.proof.receipt import list_inputs
from sipas_analysis.proof.trace import explain_figure, trace
from sipas_analysis.runs.annual_run import RunRequest, run_wave
from sipas_analysis.runs.notebook import write_report

UNITS = {"a": (12, 30), "b": (24, 32), "c": (26, 33), "d": (25, 34), "e": (27, 35), "f": (22, 31)}
LATER = {"a": (29, 31), "b": (26, 33), "c": (25, 33), "d": (27, 34), "e": (27, 36), "f": (23, 30)}
HEADS = (
    *("id", "unit", "item", "task", "owner", "due", "budget", "indicator", "target", "status"),
    *("note", "remark", "measure", "wave"),
)
LINE = {
    "id": "a-01",
    "unit": "a",
    "item": "A1",
    "task": "Thêm ghế ngồi chờ",
    "owner": "Chánh Văn phòng, 0912345678",
    "budget": "40 triệu",
    "indicator": "survey",
    "target": "80",
    "status": "done",
    "note": "undecided",
    "remark": "hỏi anh Nam",
}


def write_plan(folder, *lines, wave="w-2023", name="plan.csv"):
    """Write a plan of some lines, each of which is ``LINE`` but for what is given."""
    with (folder / name).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, HEADS, restval="")
        writer.writeheader()
        writer.writerows([{"wave": wave} | LINE | line for line in lines])


def read_judged(tmp_path, *lines, before=UNITS, after=LATER, **facts):
    """Return the figures of a wave of 2024 that judges a plan of 2023."""
    folder = write_year(tmp_path, 2023, before)
    write_plan(folder, *(lines or [{}]))
    facts = {"earlier": ["../2023/wave.yaml"], "plan": "../2023/plan.csv"} | facts
    return Figures(read_survey(read_wave(write_year(tmp_path, 2024, after, **facts))))


@pytest.mark.slow
def test_without_a_plan_there_are_proposals_and_no_verdicts(tmp_path):
    """The lines are the program's, each with its ids; no other table is new."""
    figures = Figures(read_survey(read_wave(write_year(tmp_path, 2024, UNITS))))
    plan = figures.plan
    assert (plan.is_proposal, plan.source, figures.verdicts) == (True, "", None)
    assert set(plan.frame["status"]) == {"proposed"}
    assert "verdicts" not in figures.tables(["plan", "scores"])
    row = plan.frame[plan.frame["unit"] == "a"].iloc[0]
    own = figures.by_variable("unit", "a")[row["item"]]
    found = figures.find(f"plan:{row['id']}")
    assert found["value"] == row["baseline"] == pytest.approx(own.value)
    assert (found["low"], found["high"]) == pytest.approx((own.low, own.high))
    assert figures.find(f"plan.target:{row['id']}")["value"] == row["target"]
    assert figures.find("plan.lines:all")["value"] == len(plan.frame)
    assert figures.find("plan.lines:all@a")["value"] == (plan.frame["unit"] == "a").sum()


def test_a_plan_is_published_without_what_officers_keep_for_themselves(tmp_path):
    """Budget and own remarks are left out (P1); a telephone number of the owner is starred."""
    folder = write_year(tmp_path, 2024, UNITS)
    write_plan(folder, {"note": "undecided; anh Nam"}, {"id": "x", "unit": "b"}, wave="w-2024")
    figures = Figures(read_survey(read_wave(folder)))
    plan = figures.plan
    assert (plan.is_proposal, plan.source) == (False, "plan.csv")
    first = plan.frame.iloc[0]
    assert (first["id"], first["owner"]) == ("a-01", "Chánh Văn phòng, ***")
    text = plan.frame.to_csv() + figures.tables(["plan"])["plan"].to_csv()
    assert not any(secret in text for secret in ("triệu", "Nam", "0912345678"))
    assert "undecided" in first["note"].split()
    assert first["baseline"] == pytest.approx(40.0)


@pytest.mark.slow
def test_a_verdict_has_ids_and_can_be_traced(tmp_path):
    """Each number is found by its id; the trace names unit, item and both waves."""
    figures = read_judged(tmp_path)
    row = figures.verdicts.iloc[0]
    assert (row["key"], row["before"], row["after"]) == ("w-2023:a-01", "w-2023", "w-2024")
    assert row["verdict"] == "worked"
    assert (row["is_met"], row["first_met"], row["year"]) == (True, 2024, 2024)
    change = figures.find("verdict.change:w-2023:a-01")
    assert change["before"] == pytest.approx(40.0)
    assert change["value"] == pytest.approx(100 * 29 / 31 - 40)
    rest, expected = (
        figures.find(f"{kind}:w-2023:a-01") for kind in ("verdict", "verdict.expected")
    )
    assert rest["value"] == pytest.approx(change["value"] - expected["value"])
    assert rest["low"] > 0
    assert figures.find("verdict.lines:worked")["value"] == 1
    assert figures.tables(["verdicts"])["verdicts"]["key"].tolist() == ["w-2023:a-01"]
    assert {"verdict:w-2023:a-01", "plan:P01"} <= set(figures.by_id["id"])
    survey = figures.survey
    traced = dict(explain_figure(survey, trace(survey, "verdict.change:w-2023:a-01"), "vi"))
    assert "Sở A a" in str(traced)
    assert "31" in str(traced)


def read_hidden(folder, flipped):
    """Return figures of waves in which h has few forms; ``flipped`` turns its answers round."""
    folder.mkdir()
    before, after = ((0, 3), (3, 4)) if flipped else ((3, 3), (1, 4))
    lines = [{}, {"id": "b-01", "unit": "b"}, {"id": "h-01", "unit": "h"}]
    return read_judged(folder, *lines, before=UNITS | {"h": before}, after=LATER | {"h": after})


def list_hidden(figures):
    """Return unit and variable of every figure of a unit that this wave or the last hides."""
    scores = pd.concat([figures.scores, figures.earlier[0].scores])
    hidden = scores[(scores["flag"] == "suppress") & (scores["unit"] != "")]
    return {*zip(hidden["unit"], hidden["variable"], strict=True)}


@pytest.mark.slow
def test_no_verdict_depends_on_what_is_hidden(tmp_path):
    """Lines on a hidden unit, and on what protects it, have no number and no verdict (P2)."""
    one, other = (read_hidden(tmp_path / str(flip), flip) for flip in (False, True))
    hidden = [list_hidden(figures) for figures in (one, other)]
    assert {unit for unit, _ in hidden[0]} > {"h"}  # another one protects h
    for figures, of_wave in zip((one, other), hidden, strict=True):  # which differs: so do answers
        verdicts = figures.verdicts
        row = verdicts.set_index("id").loc["h-01"]
        assert (row["verdict"], row["reason"]) == ("cannot_tell", "no_baseline")
        numbers = verdicts.select_dtypes("float64").loc[verdicts["id"] == "h-01"]
        assert numbers.isna().all(axis=None)
        judged = verdicts[verdicts["reason"] == ""]
        assert not {*zip(judged["unit"], judged["item"], strict=True)} & of_wave
    assert (one.verdicts["reason"] == "").any()


@pytest.mark.slow
def test_figures_that_are_hidden_stand_in_no_plan(tmp_path):
    """A line on a hidden unit keeps its words; its numbers, also the target, are blank (P2)."""
    folder = write_year(tmp_path, 2024, UNITS | {"h": (2, 3)})
    write_plan(folder, {"id": "h-01", "unit": "h"}, wave="w-2024")
    row = Figures(read_survey(read_wave(folder))).plan.frame.iloc[0]
    assert row["task"] == LINE["task"]
    names = ["baseline", "low", "high", "n", "target", "detectable", "n_needed"]
    assert row[names].isna().all()


@pytest.mark.slow
def test_a_target_met_once_is_met_in_that_year(tmp_path):
    """Each later wave judges a plan; the first year that meets the target is told."""
    folder = write_year(tmp_path, 2022, UNITS)
    write_plan(
        folder, {}, {"id": "b-01", "unit": "b", "target": "100", "task": "Khác"}, wave="w-2022"
    )
    figures = read_judged(
        tmp_path,
        {"target": "93.55"},
        before=LATER,
        after=LATER,
        earlier=["../2022/wave.yaml", "../2023/wave.yaml"],
        plan=["../2023/plan.csv", "../2022/plan.csv"],
    )
    table = figures.verdicts
    keys = ["w-2022:a-01@w-2023", "w-2022:b-01@w-2023", "w-2022:a-01", "w-2022:b-01"]
    assert table["key"].tolist() == [*keys, "w-2023:a-01"]
    met = table.set_index("key")["first_met"]
    assert met[keys[0]] == met[keys[2]] == 2023
    assert met[[keys[1], keys[3]]].isna().all()
    assert met["w-2023:a-01"] == 2024
    assert figures.find("verdict.lines:all")["value"] == 3


@pytest.mark.parametrize(
    ("plan", "wave"),
    [("plan.csv", "w-2024"), (["../2023/plan.csv", "../2023/plan.csv"], "w-2023")],
)
@pytest.mark.quick_cases(1)
def test_plans_of_this_wave_or_two_of_one_are_refused(tmp_path, plan, wave):
    """The error names the file and the wave."""
    folder = write_year(tmp_path, 2023, UNITS)
    write_plan(folder, {})
    folder = write_year(tmp_path, 2024, LATER, earlier=["../2023/wave.yaml"], plan=plan)
    write_plan(folder, {}, wave="w-2024")
    with pytest.raises(ConfigError) as caught:
        Figures(read_survey(read_wave(folder))).verdicts  # noqa: B018 (computes the table)
    assert caught.value.at == ("plan",)
    assert wave in caught.value.text("vi")


@pytest.mark.slow
def test_a_named_plan_is_parsed_once_and_refused_if_its_wave_is_unknown(tmp_path, monkeypatch):
    """The error names the wave and those that are known."""
    folder = write_year(tmp_path, 2023, UNITS)
    write_plan(folder, {}, wave="w-1999")
    facts = {"earlier": ["../2023/wave.yaml"], "plan": "../2023/plan.csv"}
    figures = Figures(read_survey(read_wave(write_year(tmp_path, 2024, LATER, **facts))))
    waves, parsed = [*figures.earlier, figures], []
    monkeypatch.setattr(
        plan_figures, "read_plan_sheet", lambda path: parsed.append(path) or read_plan_sheet(path)
    )
    monkeypatch.delattr(plan_file, "read_plan_sheet")
    with pytest.raises(PlanError, match="w-1999") as caught:
        list(read_judged_plans(waves))
    assert "w-2023, w-2024" in caught.value.text("vi")
    write_plan(folder, {}, wave="w-2023")
    ((position, lines),) = read_judged_plans(waves)
    assert (position, lines.frame["id"].tolist(), len(parsed)) == (0, ["a-01"], 2)


@pytest.mark.slow  # the figures of whole waves are computed and audited
def test_lines_are_a_plan_once_somebody_has_decided_on_one(tmp_path):
    """One that is dropped decides nothing."""
    folder = write_year(tmp_path, 2024, UNITS)
    for status, kind in {"proposed": "proposal", "dropped": "proposal", "approved": "plan"}.items():
        write_plan(folder, {"status": status}, {"id": "b", "status": "proposed"}, wave="w-2024")
        assert Figures(read_survey(read_wave(folder))).plan.kind == kind


def test_a_plan_that_is_refused_stops_the_report_before_anything_is_written(tmp_path):
    """Of another wave, beside this one."""
    folder = write_year(tmp_path, 2024, UNITS)
    write_plan(folder, {}, wave="w-1999")
    survey, out = read_survey(read_wave(folder)), tmp_path / "out"
    facts = {"folder": out, "formats": "html", "parameters": {}}
    for unit in ("", "a"):
        with pytest.raises(PlanError, match="w-1999"):
            write_report(survey, unit, (), **facts)
    with pytest.raises(PlanError, match="w-1999"):
        run_wave(survey, RunRequest(out))
    assert not out.exists()


def test_a_changed_plan_changes_the_inputs(tmp_path):
    """Both plans are hashed among the inputs by a public name."""
    folder = write_year(tmp_path, 2023, UNITS)
    write_plan(folder, {})
    later = write_year(
        tmp_path, 2024, LATER, earlier=["../2023/wave.yaml"], plan="../2023/plan.csv"
    )
    first = read_survey(read_wave(later))
    names = {row["file"]: row.get("sha256") for row in list_inputs(first)}
    assert "judged_plan-1.csv" in names
    write_plan(folder, {"target": "90"})
    write_plan(later, {}, wave="w-2024")
    second = read_survey(read_wave(later))
    again = {row["file"]: row.get("sha256") for row in list_inputs(second)}
    assert again["judged_plan-1.csv"] != names["judged_plan-1.csv"]
    assert "plan.csv" in again
    assert second.fingerprint != first.fingerprint
