"""How often a check of the forms speaks without cause, and how often it finds what was planted.

    python benchmarks/quality_rates.py [--waves 500] [--cells 0:40] [--listed] [--page]

Writes benchmarks/results/quality_rates.csv, one line per cell, and the last section of
docs/coverage.md from all lines. ``--listed`` counts single copies that are listed instead
(benchmarks/results/near_copies.csv); ``--page`` only writes the page. Waves are drawn by
tests/recovery/halo.py, seeded by cell.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from sipas_analysis.collect.near_copies import find_near_copies
from sipas_analysis.quality.findings import check

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/recovery"))
import halo  # noqa: E402

SEED = 20260317
RESULTS = ROOT / "benchmarks/results/quality_rates.csv"
LISTED = ROOT / "benchmarks/results/near_copies.csv"
PAGE = ROOT / "docs/coverage.md"
PERSON = {"sex": 2, "age": 5, "education": 6, "occupation": 7, "area": 2}  # choices of each
MARK = "\n## How often a check of the forms speaks without cause\n"
RULES = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6")
CLEAN = {
    "as described": {},
    "all forms typed in sessions": {"typed": 1.0},
    "items differ more by unit (0.3)": {"profile": 0.3},
    "units differ more in straight lines (0.1)": {"alike": 0.1},
    "no unit under 95 %": {"satisfied": (0.95, 0.998)},
    "few straight lines": {"straight": (0.0, 0.03)},
}
FULL = {"as described", "all forms typed in sessions"}  # clean waves with hours and operators
MANY = [name for name in halo.LAYOUTS if name != "4 units of 30"]
PLANTS = {
    "60 % straight lines": (halo.plant_straight_lines, 0.6, "Q1"),
    "80 % straight lines": (halo.plant_straight_lines, 0.8, "Q1"),
    "20 % copies of one form": (halo.plant_copies, 0.2, "Q2"),
    "33 % copies of one form": (halo.plant_copies, 0.33, "Q2"),
    "20 % each a copy of another form": (halo.plant_pairs, 0.2, "Q2"),
    "40 % each a copy of another form": (halo.plant_pairs, 0.4, "Q2"),
    "20 % at night, one evening": (halo.plant_night, 0.2, "Q3"),
    "40 % at night, one evening": (halo.plant_night, 0.4, "Q3"),
    "one operator of three, all fives": (halo.plant_operator, 1.0, "Q4"),
    "all satisfied with everything": (halo.plant_full_marks, 1.0, "Q5"),
    "20 % read 4-5-4-5": (halo.plant_patterns, 0.2, "Q6"),
    "40 % read 4-5-4-5": (halo.plant_patterns, 0.4, "Q6"),
}
STRAIGHT = {"many": {}, "few": {"straight": (0.0, 0.03), "satisfied": (0.79, 0.95)}}
CELLS = [("clean", kind, layout, "") for kind in CLEAN for layout in MANY]
CELLS += [("clean", "as described", "4 units of 30", "")]
CELLS += [
    ("planted", plant, layout, straight)
    for plant in PLANTS
    for straight in STRAIGHT
    for layout in ("10 units of 30", "30 units of 30", "10 units of 150", "30 units of 150")
]


def count_cell(number, waves):
    """Return one line of the results: shares of waves with a finding, in percent."""
    what, name, layout, straight = CELLS[number]
    rng = np.random.Generator(np.random.PCG64([SEED, number]))
    plant, share, rule = PLANTS.get(name, (None, 0.0, ""))
    slow = {"Q3": ["operator"], "Q4": ["time"]} | ({"": []} if name in FULL else {})
    set_aside = slow.get(rule, ["operator", "time"])  # not looked at, because it takes time
    seen, straight_percent = [], []
    for _ in range(waves):
        frame = halo.draw_wave(rng, layout, **(STRAIGHT[straight] if plant else CLEAN[name]))
        if plant:
            plant(frame, rng, share)
        findings = check(halo.as_survey(frame.drop(columns=set_aside)))
        noticed, straight_percent = (
            findings.noticed(),
            [*straight_percent, findings.straight_percent],
        )
        mine = noticed["unit"] == "u000"
        left_out = {
            key for key, column in (("Q3", "time"), ("Q4", "operator")) if column in set_aside
        }
        line = {key: np.nan if key in left_out else (noticed["rule"] == key).any() for key in RULES}
        line["planted"] = (mine & (noticed["rule"] == rule)).any()
        line["flagged"] = "u000" in findings.flagged_units
        line["others"] = (~mine & (noticed["rule"] == rule)).any()
        seen.append(line)
    shares = (100 * pd.DataFrame(seen).mean()).round(2)
    facts = {"cell": number, "what": what, "name": name, "layout": layout, "straight": straight}
    return {
        **facts,
        "waves": waves,
        "straight_percent": np.mean(straight_percent).round(1),
        **shares,
    }


def count_listed(layout, straight, waves):
    """Return how often single forms are listed: clean, a form sent twice, sent again corrected."""
    rng = np.random.Generator(np.random.PCG64([SEED, *map(len, (layout, straight))]))
    seen = []
    for _ in range(waves):
        frame = halo.draw_wave(rng, layout, **STRAIGHT[straight])
        for name, n_choices in PERSON.items():
            frame[name] = rng.integers(0, n_choices, len(frame)).astype(str)
        at = int(rng.choice(np.flatnonzero(halo.count_exceptions(frame) > 4)))
        again = frame.iloc[[*range(at + 1), *range(at, len(frame))]].reset_index(drop=True)
        corrected, item = again.copy(), rng.choice(halo.ITEMS)
        corrected.loc[at + 1, item] = 3.0 if corrected.loc[at + 1, item] != 3 else 4.0
        line = {}
        for suffix, questions in ((" alone", []), ("", [*PERSON])):
            line[f"clean{suffix}"] = len(list_pairs(frame, questions)) > 0
            for kind, waved in (("equal", again), ("corrected", corrected)):
                pairs = list_pairs(waved, questions)[["form", "other"]]
                line[f"{kind}{suffix}"] = (pairs == [at + 1, at]).all(axis=1).any()
        seen.append(line)
    shares = (100 * pd.DataFrame(seen).mean()).round(1)
    return {"straight": straight, "layout": layout, "waves": waves, **shares}


def list_pairs(frame, questions):
    """Return the pairs of forms that would be listed, with these particulars."""
    forms = halo.as_survey(frame).frame.join(frame[questions])
    return find_near_copies(forms, halo.PACK, questions)


TEXT = """
`sipas check` compares the forms of units (rules Q1 to Q6 of [method.md](method.md)). A rule that
spoke without cause would do harm, so each may speak in at most 5 % of waves in which nothing is
wrong. This section and `benchmarks/results/quality_rates.csv` are written by

```sh
python benchmarks/quality_rates.py
```

**The clean waves.** 22 items in five factors. A quarter to half of the forms give one answer to
all items; the share differs by unit (correlation of two forms 0.03). The other people differ in
how alike their answers are. Units have 88 to 99 % satisfied answers, one in ten 98.5 to 99.5 %;
items depart by unit by 0.15 standard deviations. Fieldwork of a unit takes 1 to 15 days, one
person in twenty answers online until midnight; three operators share the forms at random. Share
of waves, in percent, in which a rule has a finding in any unit:

{clean}

A dash: not looked at. {lowest} With {waves} waves or more a cell the Monte-Carlo error is
{error:.1f} points or less. On two public surveys that are not ours (5,820 evaluations by students
in 13 classes, 51 % straight lines; 2,825 passengers in 7 areas) no rule has a finding.

**What is planted.** In the first unit only; the share of waves, in percent, in which the rule
finds that unit. "Many" are the waves above; "few" have few straight lines and 79 to 95 %
satisfied answers.

{planted}

**Single forms that are listed** (rule Q2), in percent of waves: clean ones in which any pair is
listed; waves in which one varied form was sent again at once, equal or with one answer changed,
and this pair is listed. First with five particulars of the person, drawn at random, then with none
but the operator. {listed_waves} waves a row:

{listed}

- What most forms of a wave do is no finding: a rule compares units. Under four units only Q2
  (which then has no power), Q4 and the plain share of straight lines speak; with four of 30
  forms, next to nothing is found.
- Where half of the forms are straight lines, a unit of straight lines or of full marks is hardly
  unusual: the plain share is said first.
- A copy of a form that is common in the wave cannot be told from chance. Copied rows, sheets and
  files are refused while reading, whatever they hold.
- One unit whose forms were typed in sessions among units that answered online is found by Q3, and
  rightly so. Operators who serve different people differ by nature: name the place under
  `cluster:`.
- Beyond what was tried there is no promise: units whose items depart by half a standard
  deviation, or whose straight lines correlate by more than 0.1, may raise more.
"""


def write_table(head, rows):
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def write_share(share):
    """Return a share as it is printed."""
    return "–" if pd.isna(share) else f"{share:.1f}"


def write_page(table):
    """Put the section into docs/coverage.md, in the place of the old one."""
    clean, planted = (table[table["what"] == what] for what in ("clean", "planted"))
    rows = [
        [line["name"], line["layout"], f"{line['straight_percent']:.0f}"]
        + [write_share(line[rule]) for rule in RULES]
        for line in clean.to_dict("records")
    ]
    found = planted.pivot_table("planted", ["name", "straight"], "layout")
    layouts = list(dict.fromkeys(planted["layout"]))
    found_rows = [
        [
            plant,
            PLANTS[plant][2],
            straight,
            *(f"{share:.0f}" for share in found.loc[(plant, straight)]),
        ]
        for found in [found[layouts]]
        for plant in PLANTS
        for straight in STRAIGHT
    ]
    highest = clean[[*RULES]].max().max()
    listed = pd.read_csv(LISTED)
    kinds = [*listed.columns.drop(["straight", "layout", "waves"])]
    kinds = sorted(kinds, key=lambda kind: kind.endswith("alone"))
    listed_rows = [
        [line["layout"], line["straight"], *(f"{line[kind]:.0f}" for kind in kinds)]
        for line in listed.to_dict("records")
    ]
    section = TEXT.format(
        listed=write_table(["units", "straight lines", *kinds], listed_rows),
        listed_waves=listed["waves"].min(),
        clean=write_table(["waves", "units", "straight lines", *RULES], rows),
        planted=write_table(["planted", "rule", "straight lines", *layouts], found_rows),
        lowest=f"The highest of all is {highest:.1f}.",
        waves=clean["waves"].min(),
        error=100 * np.sqrt(0.05 * 0.95 / clean["waves"].min()),
    )
    before = PAGE.read_text("utf-8").split(MARK)[0].rstrip("\n")
    PAGE.write_text(f"{before}\n{MARK}{section}", "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waves", type=int, default=500)
    parser.add_argument("--cells", default=f"0:{len(CELLS)}")
    parser.add_argument("--listed", action="store_true")
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    if options.listed:
        cells = [(layout, straight) for layout in halo.LAYOUTS for straight in STRAIGHT]
        counted = pd.DataFrame([count_listed(*cell, options.waves) for cell in cells])
        counted.to_csv(LISTED, index=False)
        options.page = True
    start, end = map(int, options.cells.split(":"))
    lines = pd.read_csv(RESULTS).to_dict("records") if RESULTS.exists() else []
    table = {line["cell"]: line for line in lines}
    for number in [] if options.page else range(start, min(end, len(CELLS))):
        table[number] = count_cell(number, options.waves)
        print(table[number], flush=True)
    ordered = pd.DataFrame([table[number] for number in sorted(table)])
    ordered.to_csv(RESULTS, index=False)
    if len(ordered) == len(CELLS):
        write_page(ordered)


if __name__ == "__main__":
    main()
