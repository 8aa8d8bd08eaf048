"""Count how often a measure without effect is called a success, and how often effects are found.

    python benchmarks/verdict_errors.py [--rounds 1000]

Units or items are chosen because they are low, as plans choose them (``tests/recovery/measures``);
the rule of before and after stands beside the verdict. Whole surveys are judged by
``sipas.verdict``. At the end one part of the rule is left out at a time. Writes
benchmarks/results/verdict_errors.csv; docs/verdict.md shows it.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "recovery"))
import measures  # noqa: E402

from sipas_analysis.improve import expected_change  # noqa: E402

FORMS = (30, 60, 100, 160)
COLUMNS = ["worked", "got_worse", "rose", "rose_surely"]


def list_scenarios():
    """Yield the facts of each scenario in which the lowest units take a measure."""
    effects = (0, 5, 10)
    for units, n, share in product((8, 18, 30), FORMS, (0.80, 0.94)):
        yield {"units": units, "n": n, "share": share, "effects": effects, "alike": 0.05}
    for n, drift in product(FORMS, (0.15, 0.3)):
        yield {"units": 18, "n": n, "share": 0.85, "effects": effects, "drift": drift}
    for taken, n in product((2, 5, 10), FORMS):
        facts = {"units": 30, "n": n, "share": 0.85, "taken": taken, "effects": effects}
        yield facts | {"drift": 0.15, "alike": 0.05}
    for n, drift, others in product((60, 160), (0.0, 0.15, 0.3), (3, 5)):
        yield {"units": 8, "n": n, "share": 0.85, "drift": drift, "others": others}
    for n, share in product(FORMS, (0.60, 0.98)):
        yield {"units": 18, "n": n, "share": share}
    for n, apart in product(FORMS, (0.0, 0.8)):
        yield {"units": 18, "n": n, "share": 0.85, "apart": apart}


def list_hard_scenarios():
    """Yield units that are not as the model of pooling has them, and years that move all units."""
    for n in FORMS[1::2]:
        for odd, share in ((0.75, 0.92), (0.60, 0.85), (0.95, 0.70)):
            yield {"units": 18, "n": n, "share": share, "odd": odd}
        for year in (-0.5, 0.5):
            yield {"units": 18, "n": n, "share": 0.90, "year": year}
            yield {"units": 18, "n": n, "share": 0.95, "third": 0.60, "year": year}
        yield {"units": 18, "n": n, "share": 0.80, "year": 20.0}  # all are satisfied in the end
        yield {"units": 18, "n": n, "share": 0.85, "times": 4, "drift": 0.15}
    yield {"units": 18, "n": 60, "share": 0.85, "odd": 0.85, "times": 16, "drift": 0.15}


def count_units(facts, rounds):
    """Return a row for each effect of a scenario."""
    rows = []
    for effect, shares in measures.count_lowest_units(rounds, **facts).items():
        known = {name: value for name, value in facts.items() if name != "effects"}
        rows.append({"chosen": "units", **known, "effect": effect, "rounds": rounds})
        rows[-1] |= dict(zip(COLUMNS, shares, strict=True))
    return rows


def list_items():
    """Yield ways to choose items; every unit of each round has lines."""
    spreads = ({"own": 0.15}, {"own": 0.0, "apart": 0.5}, {"own": 0.15, "drift": 0.1})
    for which, n, spread in product(("factor", "farthest"), FORMS, spreads):
        yield {"units": 18, "n": n, "share": 0.88, "which": which, **spread}


def count_items(facts, rounds):
    """Return the row of a way to choose items."""
    *shares, judged = measures.count_lowest_items(max(rounds // 18, 1), **facts)
    known = {name: value for name, value in facts.items() if name != "which"}
    row = {"chosen": f"items: {facts['which']}", **known, "effect": 0, "rounds": int(judged)}
    return [row | dict(zip(COLUMNS, shares, strict=True))]


def count_surveys(facts, rounds):
    """Return the row of whole surveys of 40 groups, judged by ``sipas.verdict``."""
    seeds = range(max(rounds // 40, 1))
    judged = np.concatenate([measures.judge_surveys(40, 18, facts["n"], seed) for seed in seeds])
    row = {"chosen": "surveys", "units": 18, "share": 0.85, "drift": 0.1, "effect": 0, **facts}
    return [row | {"rounds": len(judged)} | dict(zip(COLUMNS, judged.mean(axis=0), strict=True))]


def list_parts():
    """Yield a part of the rule, how the measures are counted, and where the part matters."""
    for n in FORMS:
        yield "floor", count_units, {"units": 30, "n": n, "share": 0.94, "apart": 0.0}
        facts = {"units": 18, "n": n, "share": 0.88, "which": "farthest"}
        yield "index", count_items, facts | {"own": 0.0, "apart": 0.5}


def count_without(facts, rounds):
    """Return the row of a scenario with the whole rule, and without one of its parts."""
    part, count, facts = facts
    with_part = count(facts, rounds)[0]
    if part == "index":
        without = count(facts | {"is_pooled": False}, rounds)[0]
        del without["is_pooled"]
    else:
        with patch.object(expected_change, "model_variances", lambda _, at: 0 * at):
            without = count(facts, rounds)[0]
    return [with_part | {"part": part}, without | {"part": part, "without": part}]


def main():
    """Run all scenarios and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    rounds = parser.parse_args().rounds
    tasks = [(count_units, facts) for facts in list_scenarios()]
    tasks += [(count_items, facts) for facts in list_items()]
    tasks += [(count_units, facts) for facts in list_hard_scenarios()]
    tasks += [(count_surveys, {"n": n}) for n in FORMS[:2]]
    tasks += [(count_without, facts) for facts in list_parts()]
    with ProcessPoolExecutor(2) as pool:
        counts = [pool.submit(count, facts, rounds) for count, facts in tasks]
        rows = [row for rows_of_task in counts for row in rows_of_task.result()]
    names = ["part", "without", "chosen", "units", "n", "share", "taken", "others", "apart", "own"]
    names += ["drift", "alike", "odd", "third", "year", "times", "effect", "rounds", *COLUMNS]
    table = pd.DataFrame(rows)[names]
    path = ROOT / "benchmarks" / "results" / "verdict_errors.csv"
    table.round(4).to_csv(path, index=False)


if __name__ == "__main__":
    main()
