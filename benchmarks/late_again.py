"""How often an official is looked at more closely without cause, and how often with cause (T6).

    python benchmarks/late_again.py [--offices 500] [--names "one unit"]

Writes benchmarks/results/late_again.csv, one line per kind of office. Offices are drawn by
tests/recovery/late_files.py: an honest official has most of the hard files of the section, another
one's odds of a late file are four times those of the others.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from sipas_analysis.infer.intervals import exact_interval

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/recovery"), str(ROOT / "tests")]
import late_files  # noqa: E402
from test_late_files import count_flags  # noqa: E402

RESULTS = ROOT / "benchmarks/results/late_again.csv"
SEED = 20211231


def measure_office(name: str, n: int) -> dict[str, object]:
    """Return one line: shares of offices in which each kind of official is above the funnel."""
    counts = count_flags(late_files.OFFICES[name], n, SEED)
    line: dict[str, object] = {"office": name, "offices": n}
    for key, count in counts.items():
        low, high = exact_interval(count, n)
        line |= {key: round(count / n, 4), f"{key}_low": round(float(low), 4)}
        line |= {f"{key}_high": round(float(high), 4)}
    return line


def main() -> None:
    """Write the lines of the kinds of offices asked for; keep those of the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offices", type=int, default=500)
    parser.add_argument("--names", nargs="*", default=[*late_files.OFFICES])
    chosen = parser.parse_args()
    lines = pd.DataFrame([measure_office(name, chosen.offices) for name in chosen.names])
    if RESULTS.exists():
        before = pd.read_csv(RESULTS)
        lines = pd.concat([before[~before["office"].isin(chosen.names)], lines])
    order = {name: at for at, name in enumerate(late_files.OFFICES)}
    lines.sort_values("office", key=lambda names: names.map(order)).to_csv(RESULTS, index=False)


if __name__ == "__main__":
    main()
