"""The form checks speak in at most 5 % of clean waves with halo, and find what is planted.

Rules Q1 to Q6. The tables of docs/coverage.md come from more waves (benchmarks/quality_rates.py).
"""

import time

import halo
import numpy as np
import pandas as pd
import pytest
from sizes import sizes

from sipas_analysis.collect.near_copies import find_near_copies
from sipas_analysis.quality.findings import check

PACK = halo.PACK
RULES = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6")
FEW_STRAIGHT = {"straight": (0.0, 0.03), "satisfied": (0.79, 0.95)}


def generator(*words):
    """Return a generator of its own for each test."""
    return np.random.Generator(np.random.PCG64([20260317, *map(len, words)]))


def draw_findings(layout, waves, plant=None, share=0.0, **how):
    """Return the findings of some waves."""
    rng = generator(layout, *how)
    for _ in range(waves):
        frame = halo.draw_wave(rng, layout, **how)
        if plant:
            plant(frame, rng, share)
        yield check(halo.as_survey(frame))


@pytest.mark.slow
@sizes("waves", 12, 300)
@pytest.mark.parametrize("layout", halo.LAYOUTS)
def test_each_rule_speaks_in_at_most_one_clean_wave_of_twenty(layout, waves):
    """Halo, uneven units, some near 100 %; three Monte-Carlo errors are allowed."""
    found = list(draw_findings(layout, waves))
    assert 25 < np.mean([findings.straight_percent for findings in found]) < 50
    shares = {
        rule: np.mean([(findings.noticed()["rule"] == rule).any() for findings in found])
        for rule in RULES
    }
    print(layout, shares)
    assert max(shares.values()) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / waves), shares


@pytest.mark.slow
@sizes("waves", 12, 100)
@pytest.mark.parametrize("how", [{}, FEW_STRAIGHT], ids=["many", "few"])
@pytest.mark.parametrize("layout", halo.LAYOUTS)
def test_single_forms_are_listed_in_at_most_one_clean_wave_of_twenty(layout, how, waves):
    """Pairs that chance does not explain; three Monte-Carlo errors are allowed."""
    rng = generator("listed", layout, *how)
    listed = [
        len(find_near_copies(halo.as_survey(halo.draw_wave(rng, layout, **how)).frame, PACK, []))
        for _ in range(waves)
    ]
    print(layout, np.count_nonzero(listed) / waves)
    assert np.count_nonzero(listed) / waves <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / waves)


@pytest.mark.slow
@sizes("waves", 6, 60)
@pytest.mark.parametrize("straight", [{}, FEW_STRAIGHT], ids=["many", "few"])
@pytest.mark.parametrize(
    ("rule", "plant", "share", "layout", "least"),
    [
        ("Q1", halo.plant_straight_lines, 0.8, "30 units of 30", 0.7),
        ("Q1", halo.plant_straight_lines, 0.8, "30 units of 150", 0.9),
        ("Q2", halo.plant_copies, 0.33, "30 units of 30", 0.7),
        ("Q2", halo.plant_copies, 0.2, "30 units of 150", 0.7),
        ("Q2", halo.plant_pairs, 0.4, "30 units of 150", 0.7),
        ("Q3", halo.plant_night, 0.4, "30 units of 30", 0.8),
        ("Q3", halo.plant_night, 0.2, "30 units of 150", 0.8),
        ("Q4", halo.plant_operator, 1.0, "30 units of 150", 0.8),
        ("Q6", halo.plant_patterns, 0.4, "30 units of 30", 0.9),
    ],
)
def test_what_is_planted_is_found(rule, plant, share, layout, least, straight, waves):
    """Copies, straight lines, one operator, a night batch, a pattern, all in the first unit."""
    hits = [
        (findings.noticed()[["rule", "unit"]] == [rule, "u000"]).all(axis=1).any()
        for findings in draw_findings(layout, waves, plant, share, **straight)
    ]
    print(rule, layout, np.mean(hits))
    assert np.mean(hits) >= least - 3 * np.sqrt(least * (1 - least) / waves)


@pytest.mark.slow
def test_one_clean_wave_and_each_plant_once():
    """The quick one of the two above: 30 units of 30, few straight lines."""
    rng = generator("quick")
    clean = halo.draw_wave(rng, "30 units of 30", **FEW_STRAIGHT)
    assert check(halo.as_survey(clean)).noticed().empty
    plants = {
        "Q1": (halo.plant_straight_lines, 0.8),
        "Q2": (halo.plant_copies, 0.4),
        "Q3": (halo.plant_night, 0.5),
        "Q6": (halo.plant_patterns, 0.4),
    }
    for rule, (plant, share) in plants.items():
        frame = clean.copy()
        plant(frame, rng, share)
        noticed = check(halo.as_survey(frame)).noticed()
        assert noticed.loc[noticed["rule"] == rule, "unit"].unique().tolist() == ["u000"], rule
        assert {*noticed["unit"]} == {"u000"}


def test_planted_copies_are_listed_with_their_rows():
    """Every one of the twelve copies is listed, with a form of the same unit."""
    rng = generator("rows")
    frame = halo.draw_wave(rng, "10 units of 30")
    before = frame[halo.ITEMS].fillna(0)
    halo.plant_copies(frame, rng, 0.4)
    changed = np.flatnonzero((before != frame[halo.ITEMS].fillna(0)).any(axis=1))
    copies = check(halo.as_survey(frame)).copies
    listed = copies.loc[copies["unit"] == "u000", "row"] - 2
    planted = [row for row in changed if row < 30]
    assert len(set(planted) & set(listed)) >= 0.9 * len(planted)


@pytest.mark.full  # a measurement: no test of CI depends on how fast the machine is
def test_all_rules_take_little_time_on_a_large_wave():
    """187 units of 160 forms: under half a second of processor time (0.11 measured)."""
    rng = generator("speed")
    answers, unit = halo.draw_answers(rng, np.full(187, 160))
    frame = pd.DataFrame(answers, columns=halo.ITEMS).assign(unit=[f"u{k:03d}" for k in unit])
    wave = halo.as_survey(frame)
    check(wave)
    start = time.process_time()
    check(wave)
    assert time.process_time() - start < 0.5
