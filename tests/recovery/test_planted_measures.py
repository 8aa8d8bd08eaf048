"""The truths planted in 2020 are found by the verdict of 2021 on its plan, or left open."""

from dataclasses import replace

import pandas as pd
import pytest

from sipas_analysis.collect.simulate import build_demo, simulate_forms
from sipas_analysis.figures.published import figures_of

EFFECTS = build_demo("an-giang-2020").plan["effects"]


def select_lines(verdicts: pd.DataFrame, effect: dict) -> pd.DataFrame:
    """Return the lines and the measure of one planted truth."""
    is_one = (verdicts["measure"] == effect["measure"]) & (verdicts["item"] == effect["item"])
    return verdicts[is_one & verdicts["unit"].isin([*effect["units"], ""])]


@pytest.mark.slow
def test_the_planted_truths_are_found_or_left_open(demo_2021):
    """A measure that mends its item worked; one without effect shows no sign, whoever took it."""
    verdicts = figures_of(demo_2021).verdicts
    told = pd.Index([])
    for effect in EFFECTS:
        rows = select_lines(verdicts, effect)
        lines, together = rows[rows["kind"] == "line"], rows[rows["kind"] == "measure"]
        assert {*lines["unit"]} == {*effect["units"]}
        assert lines["status"].eq("done").all()
        assert together["n_units"].tolist() == [len(lines)] * (len(lines) > 1)
        if effect["shift"] < 0:
            assert together["verdict"].tolist() == ["worked"]
            assert {*lines["verdict"]} <= {"worked", "no_sign"}
            told = told.union(rows.index)
        else:
            assert {*rows["verdict"]} == {"no_sign"}
    others = verdicts.drop(told)["verdict"]
    assert {*others} == {"no_sign", "too_early", "cannot_tell"}


@pytest.mark.slow
def test_a_unit_that_was_low_by_chance_rises_by_itself(demo_2021):
    """Lowest of its group, then far above: a reader of two years would call that a success."""
    figures = figures_of(demo_2021)
    (effect,) = [effect for effect in EFFECTS if len(effect["units"]) == 1]
    row = select_lines(figures.verdicts, effect).squeeze()
    before = figures.earlier[0].scores
    is_item = (before["variable"] == effect["item"]) & (before["domain"] == "unit")
    units = before[is_item].set_index("unit")
    of_group = units[units["group"] == units["group"][row["unit"]]]
    assert of_group["value"].idxmin() == row["unit"]
    assert row["change"] > 20
    assert row["returned"] > 5
    assert row["low"] < 0 < row["high"]


@pytest.mark.slow
def test_an_effect_lowers_its_item_in_its_units_and_nothing_else():
    """And the answer on the whole, which follows from the items."""
    demo = build_demo("an-giang-2020")
    without = replace(demo, plan={**demo.plan, "effects": []})
    before, after = simulate_forms(without), simulate_forms(demo)
    (effect,) = [effect for effect in EFFECTS if effect["shift"] < 0]
    changed = before.ne(after)
    assert {*changed.columns[changed.any()]} <= {effect["item"], "OVERALL"}
    assert {*before["don_vi"][changed.any(axis=1)]} == {*effect["units"]}
    item = effect["item"]
    assert (after[item] <= before[item])[changed[item]].all()
