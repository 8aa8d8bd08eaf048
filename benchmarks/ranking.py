"""Time and memory of rank sets; how often sets, adjusted means and pooled figures hold.

    python benchmarks/ranking.py [--rounds 400]

Units are simulated as in tests/recovery/forms.py: people answer 22 questions alike (correlation
0.4), alone or in clusters (ICC 0.05); all units of a row are equally good, the hardest case.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/recovery"))

TIMED = """
import resource, sys, time
import numpy as np
from sipas_analysis.measure.ranking import rank_sets
p, kind = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(p)
values, se = rng.normal(85, 2, p), rng.uniform(1, 3, p)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
found = rank_sets(values, se, df=29, kind=kind).frame
took = time.perf_counter() - start
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
wide = (found["rank_high"] - found["rank_low"] + 1).mean()
print(f"{p:>6} {kind:>14} {took:>8.2f} {grown:>10.0f} {wide:>12.1f}")
"""
CASES = [
    (63, 30, 0, 0.94),
    (63, 30, 0, 0.85),
    (63, 100, 0, 0.94),
    (18, 30, 0, 0.99),
    (63, 60, 6, 0.94),
    (63, 60, 6, 0.85),
    (18, 60, 20, 0.94),
    (18, 60, 20, 0.85),
]


def coverage(rounds: int) -> None:
    """Print how often all sets hold the true ranks, with and without degrees of freedom."""
    from forms import answers, clustered, estimated

    from sipas_analysis.measure.ranking import rank_sets

    print("units  forms  clusters  share %   sets hold %   without df %")
    for units, people, clusters, share in CASES:
        rng, truth = np.random.default_rng(units + people + clusters), np.full(units, share)
        covered_sets = bare = 0
        for seed in range(rounds):
            drawn = (
                clustered(rng, truth, people, clusters) if clusters else answers(rng, truth, people)
            )
            value, se, df = estimated(drawn, people)
            covered_sets += not rank_sets(value, se, df, draws=2000, seed=seed).better.any()
            bare += not rank_sets(value, se, draws=2000, seed=seed).better.any()
        print(
            f"{units:>5}{people:>7}{clusters:>10}{100 * share:>9.0f}"
            f"{100 * covered_sets / rounds:>14.1f}{100 * bare / rounds:>15.1f}"
        )


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
    print(f"{'units':>6} {'kind':>14} {'s':>8} {'MB more':>10} {'places wide':>12}")
    for units in (63, 187, 500):
        for kind in ("simultaneous", "marginal"):
            subprocess.run([sys.executable, "-c", TIMED, str(units), kind], check=True)
    start = time.perf_counter()
    coverage(rounds)
    pooling(max(rounds // 4, 10))
    print(f"simulated in {time.perf_counter() - start:.0f} s, {rounds} rounds a row")


if __name__ == "__main__":
    main()
