"""How often verdicts on units, factors, items and groups of respondents hold, all at once.

    python benchmarks/index_gaps.py [--samples 400] [--check]

Writes a section of docs/coverage.md and benchmarks/results/index_gaps.csv. Waves come from the
factor model of tests/recovery/simulated.py, whose shares are known: every interval of a kind must
hold its true difference from the index (rules R7 and I7), every place its true place (R6).
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from coverage_page import write_section
from scipy.stats import norm

import sipas_analysis as sipas
from sipas_analysis.figures.respondents import compare_respondents
from sipas_analysis.measure.index_gaps import find_all_gaps
from sipas_analysis.measure.item_order import order_items

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/recovery"))
from simulated import FACTOR, ITEMS, SIZES, STEPS, latent, pack, survey  # noqa: E402

SEED, ALIKE = 20261127, 0.05  # correlation of two latents of one cluster
LABELS = {"sex": 2, "age": 5, "education": 6}
STEP = 0.25  # standard deviations between thirds of units, of items and of the ages
KINDS = ("units", "factors", "items", "places", "groups")
CASES = [  # units, forms each, clusters each (0: people singly), share, true differences
    (29, 30, 0, 0.86, False),
    (29, 30, 0, 0.94, False),
    (29, 30, 0, 0.86, True),
    (11, 120, 6, 0.86, False),
    (11, 120, 6, 0.94, True),
    (6, 60, 4, 0.90, False),
]
MARK = "\n## How often verdicts beside the index hold\n"
SECTION = """
"Surely above or below the index" is said of units, factors and items (rule R7) and of groups of
respondents (rule I7), and an item has places that the sample does not rule out (rule R6). All
statements of a kind must hold *together* in 95 of 100 surveys. This section and
`benchmarks/results/index_gaps.csv` are written by

```sh
python benchmarks/index_gaps.py
```

{samples} simulated surveys a row, 22 items in five factors, people singly or in clusters (latent
correlation {alike}), three questions on the person with 2, 5 and 6 answers. Units, items and ages
are all at the share, where every "surely" is wrong, or in thirds at it and {step} standard
deviations on either side. Monte-Carlo error: ±{error:.1f} points at 95 %. Percent of surveys in
which all of a kind hold:

| units | forms each | clusters each | share | differences | {kinds} |
| --- | --- | --- | --- | --- | {rules} |
{rows}

Lowest: {lowest:.1f} ({where}). Bonferroni over all of a kind, and an error that is at least the
usual one, make most of them cautious.
"""


def shift(size, is_apart):
    """Return the place of each of some units, items or labels: all alike, or in thirds."""
    return STEP * (np.arange(size) % 3 - 1) * is_apart


def true_shares(units, share, is_apart):
    """Return the true percentages by unit and item, and by age and item."""
    unit, item = shift(units, is_apart), shift(len(ITEMS), is_apart)
    age = shift(LABELS["age"], is_apart)
    at = norm.ppf(share) + unit[:, None, None] + age[:, None] + item
    shares = 100 * norm.cdf(at)  # units, ages, items
    return shares.mean(axis=1), shares.mean(axis=0)


def draw_wave(rng, case):
    """Draw a survey of units with equally many forms, their clusters and who answered."""
    units, people, clusters, share, is_apart = case
    n = units * people
    unit = np.repeat(np.arange(units), people)
    labels = {key: rng.integers(size, size=n) for key, size in LABELS.items()}
    above = latent(n, rng)
    if clusters:
        cluster = np.tile(np.repeat(np.arange(clusters), people // clusters), units)
        place = unit * clusters + cluster
        shared = rng.standard_normal(units * clusters)[place, None]
        above = np.sqrt(1 - ALIKE) * above + np.sqrt(ALIKE) * shared
    at = shift(units, is_apart)[unit] + shift(LABELS["age"], is_apart)[labels["age"]]
    above += norm.ppf(share) + at[:, None] + shift(len(ITEMS), is_apart)
    answers = 1.0 + sum(above > step for step in STEPS)
    frame = pd.DataFrame(answers, columns=ITEMS).assign(unit=[f"u{code:02d}" for code in unit])
    wave = survey(frame, pack())
    for key, values in labels.items():
        wave.frame[key] = [f"{key}{value}" for value in values]
    if clusters:
        wave.frame["cluster"] = [f"c{code}" for code in place]
    facts = wave.wave.model_dump(mode="json", by_alias=True)
    keys = {"unit": "unit", "keys": {key: key for key in LABELS}}
    named = type(wave.wave).model_validate({**facts, "columns": keys})
    return replace(wave, wave=named)


def hold_truth(gaps, truth):
    """Return whether every interval of some differences holds the true one."""
    known = gaps["low"].notna().to_numpy()
    low, high = (gaps[end].to_numpy(dtype=float)[known] for end in ("low", "high"))
    return bool(((low <= truth[known] + 1e-9) & (truth[known] - 1e-9 <= high)).all())


def judge_wave(wave, by_unit, by_age):
    """Return for each kind whether all statements on one survey are true."""
    units, whole = sipas.score(wave, by="unit"), sipas.score(wave)
    index, by_item = by_unit.mean(), by_unit.mean(axis=0)
    names = sorted(wave.frame["unit"].unique())
    gaps = find_all_gaps(units, whole, names, [[*SIZES], ITEMS])
    n = len(names)
    factors = np.array([by_item[number == FACTOR].mean() for number in range(len(SIZES))])
    places = order_items(whole.select(level="item")).set_index("variable").loc[ITEMS]
    lower = (by_item[:, None] > by_item + 1e-9).sum(axis=1)
    higher = (by_item[:, None] < by_item - 1e-9).sum(axis=1)
    is_placed = (places["rank_low"] <= len(ITEMS) - higher) & (places["rank_high"] >= 1 + lower)
    groups = compare_respondents(wave)
    ages = {f"age{code}": value for code, value in enumerate(by_age.mean(axis=1) - index)}
    told = groups[["difference_low", "difference_high"]].set_axis(["low", "high"], axis=1)
    return [
        hold_truth(gaps.iloc[:n], by_unit.mean(axis=1) - index),
        hold_truth(gaps.iloc[n : n + len(SIZES)], factors - index),
        hold_truth(gaps.iloc[n + len(SIZES) :], by_item - index),
        bool(is_placed.all()),
        hold_truth(told, groups["label"].map(ages).fillna(0.0).to_numpy()),
    ]


def count_case(case, samples):
    """Return the percentage of surveys in which all statements of each kind are true."""
    units, people, clusters, share, is_apart = case
    rng = np.random.default_rng([SEED, units, people, clusters, round(100 * share), is_apart])
    truths = true_shares(units, share, is_apart)
    holds = [judge_wave(draw_wave(rng, case), *truths) for _ in range(samples)]
    line = dict(zip(("units", "forms", "clusters", "share", "apart"), case, strict=True))
    return {
        **line,
        "samples": samples,
        **{
            f"{kind}_hold": 100 * held
            for kind, held in zip(KINDS, np.mean(holds, axis=0), strict=True)
        },
    }


def write_page(table):
    """Put the section into docs/coverage.md, in the place of the old one."""
    held = table[[f"{kind}_hold" for kind in KINDS]]
    rows = []
    for line in table.to_dict("records"):
        first = [
            line["units"],
            line["forms"],
            line["clusters"] or "–",
            f"{100 * line['share']:.0f}",
        ]
        cells = [*first, "yes" if line["apart"] else "no"]
        cells += [f"{line[name]:.1f}" for name in held]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    name = held.min().idxmin()
    worst = table.loc[held[name].idxmin()]
    samples = int(table["samples"].iloc[0])
    section = SECTION.format(
        samples=samples,
        alike=ALIKE,
        step=STEP,
        error=200 * np.sqrt(0.05 * 0.95 / samples),
        kinds=" | ".join(["R7 units", "R7 factors", "R7 items", "R6 places", "I7 groups"]),
        rules=" | ".join(["---"] * len(KINDS)),
        rows="\n".join(rows),
        lowest=held.min(axis=None),
        where=f"{name.removesuffix('_hold')}, {worst['units']} units of {worst['forms']} forms",
    )
    write_section(MARK, section)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--check", action="store_true", help="print one case; write nothing")
    options = parser.parse_args()
    start = time.perf_counter()
    cases = CASES[:1] if options.check else CASES
    table = pd.DataFrame([count_case(case, options.samples) for case in cases])
    print(table.round(1).to_string(index=False))
    print(f"{time.perf_counter() - start:.0f} s")
    if not options.check:
        table.round(2).to_csv(ROOT / "benchmarks/results/index_gaps.csv", index=False)
        write_page(table)


if __name__ == "__main__":
    main()
