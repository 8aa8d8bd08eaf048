"""Time and memory of rank sets; how often sets and pooled figures hold.

    python benchmarks/ranking.py [--rounds 400]

Units are simulated as in tests/recovery/forms.py: people answer 22 questions alike (correlation
0.4), alone or in clusters (ICC 0.05). The units of a row are equally good, the hardest case, or
a third each is at the share, 8 and 16 points below it. The table of rank sets is written into
docs/coverage.md, all is printed.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Shares, Flags = NDArray[np.float64], NDArray[np.bool_]
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/recovery"))

TIMED = """
import resource, sys, time
import numpy as np
from sipas_analysis.measure.ranking import rank_sets
p, kind = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(p)
values, se = rng.normal(85, 2, p), rng.uniform(1, 3, p)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
found = rank_sets(values, se, df=29, kind=kind).frame
took = time.process_time() - start
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
wide = (found["rank_high"] - found["rank_low"] + 1).mean()
open_ends = int(found["seed_sensitive"].sum())
print(f"{p:>6} {kind:>14} {took:>8.2f} {grown:>10.0f} {wide:>12.1f} {open_ends:>11}")
"""
CASES = [  # units, forms each, clusters each (0: people singly), share, points between thirds
    (63, 30, 0, 0.94, 0.0),
    (63, 30, 0, 0.85, 0.0),
    (63, 100, 0, 0.94, 0.0),
    (18, 30, 0, 0.99, 0.0),
    (18, 100, 0, 0.99, 0.0),
    (63, 60, 6, 0.94, 0.0),
    (63, 60, 6, 0.85, 0.0),
    (18, 60, 20, 0.94, 0.0),
    (18, 60, 20, 0.85, 0.0),
    (18, 400, 0, 0.94, 0.08),
    (18, 100, 0, 0.85, 0.08),
    (63, 400, 20, 0.85, 0.08),
    (30, 1000, 0, 0.90, 0.02),
]
PAGE = Path(__file__).parents[1] / "docs/coverage.md"
SECTION = """
## How often rank sets hold the true ranks

Sets that hold all at once (rule R2) must hold the true ranks of *all* units in 95 of 100 surveys;
sets that hold each alone must do so for one unit. This section is written by

```sh
python benchmarks/ranking.py
```

{rounds} simulated surveys a row (each alone: the sets of all units in every fourth), {draws} draws
each. People answer 22 questions alike (correlation 0.4), singly or in clusters (ICC 0.05). Units
are equally good, which is the hardest case, or a third each stands at the share and one and two
steps below it. Monte-Carlo error of a row: about ±{error:.1f} points at 95 %. Lowest found:
{lowest:.1f} all at once, {lowest_alone:.1f} each alone. The last column is the first without
degrees of freedom (z instead of t).

| units | forms each | clusters each | share | step | all at once | each alone | without df |
| --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

Share and step are in percent. Without degrees of freedom the sets of units with few clusters would
fail. Near 100 % and with few forms the sets are cautious, since the exact conversion of t to z is
so for skewed shares.
"""
DRAWS = 2000


def holds(sets: pd.DataFrame, truth: Shares) -> Flags:
    """Return whether each set holds every rank that its unit has in truth; ties have several."""
    best = 1 + (truth[:, None] < truth).sum(axis=1)
    worst = len(truth) - (truth[:, None] > truth).sum(axis=1)
    return np.asarray(sets["rank_low"].le(best) & sets["rank_high"].ge(worst))


def simulate_case(case: tuple[int, int, int, float, float], rounds: int) -> Shares:
    """Return in percent how often sets hold: all at once, each alone, all at once without df."""
    from forms import answers, clustered, estimated

    from sipas_analysis.measure.ranking import rank_sets

    units, people, clusters, share, step = case
    rng = np.random.default_rng(units + people + clusters)
    truth, at_once, bare = share - step * (np.arange(units) % 3), 0, 0
    alone: list[np.float64] = []
    for seed in range(rounds):
        drawn = clustered(rng, truth, people, clusters) if clusters else answers(rng, truth, people)
        value, se, df = estimated(drawn, people)
        at_once += holds(rank_sets(value, se, df, draws=DRAWS, seed=seed).frame, truth).all()
        bare += holds(rank_sets(value, se, draws=DRAWS, seed=seed).frame, truth).all()
        if seed % 4 == 0:  # as many sets as units from one survey
            sets = rank_sets(value, se, df, kind="marginal", draws=DRAWS, seed=seed).frame
            alone.append(holds(sets, truth).mean())
    return 100 * np.array([at_once / rounds, np.mean(alone), bare / rounds])


def write_coverage(percents: list[Shares], rounds: int) -> None:
    """Put the table of rank sets into docs/coverage.md, in the place of the old one."""
    rows = []
    for (units, people, clusters, share, step), percent in zip(CASES, percents, strict=True):
        cells = [units, people, clusters or "–", f"{100 * share:.0f}", f"{100 * step:.0f}"]
        rows.append("| " + " | ".join(map(str, [*cells, *(f"{p:.1f}" for p in percent)])) + " |")
    lowest, lowest_alone, _ = np.min(percents, axis=0)
    error = 2 * (95 * 5 / rounds) ** 0.5
    section = SECTION.format(
        rounds=rounds,
        draws=DRAWS,
        error=error,
        lowest=lowest,
        lowest_alone=lowest_alone,
        rows="\n".join(rows),
    )
    print(section)
    before, _, old = PAGE.read_text("utf-8").partition("\n" + section.split("\n")[1])
    if not old:
        before, mark, rest = before.partition("\n## How often a check of the forms")
        old = "\n" + mark + rest
    PAGE.write_text(before + section + old[old.index("\n## ") :], "utf-8")


def pooling(rounds: int) -> None:
    """Print coverage and errors of pooled figures of communes with few forms."""
    from forms import pool_units

    print("units  forms     covered %   rmse  rmse direct   at 100 %")
    for units, low, high in (
        (156, 5, 40),
        (100, 20, 100),
        (50, 5, 40),
        (156, 3, 12),
        (30, 5, 40),
        (20, 5, 40),
        (10, 5, 40),
    ):
        row = pool_units(units, low, high, rounds)
        print(
            f"{units:>5}  {low:>3}–{high - 1:<5}{100 * row.covered:>11.1f}{row.pooled_error:>8.2f}"
            f"{row.direct_error:>12.2f}{100 * row.share_at_100:>11.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=400)
    rounds = parser.parse_args().rounds
    print(f"machine  {platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(
        f"{'units':>6} {'kind':>14} {'CPU s':>8} {'MB more':>10} {'places wide':>12}"
        f" {'seed moves':>11}"
    )
    for units in (63, 187, 500):
        for kind in ("simultaneous", "marginal"):
            subprocess.run([sys.executable, "-c", TIMED, str(units), kind], check=True)
    start = time.perf_counter()
    write_coverage([simulate_case(case, rounds) for case in CASES], rounds)
    pooling(max(rounds // 4, 10))
    print(f"simulated in {time.perf_counter() - start:.0f} s, {rounds} rounds a row")


if __name__ == "__main__":
    main()
