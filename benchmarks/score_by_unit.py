"""Time scores by unit, factor and item against the loop that a pandas user would write.

    python benchmarks/score_by_unit.py [--units 187] [--rounds 5]

Both start from the same survey in memory (160 forms × 22 items a unit), make the same percentages
(compared to 1e-9), and run in turns in one process; the ratio of medians is the result. The loop
gives shares and, for items, exact intervals; ours adds errors, intervals and denominators to all.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

import sipas_analysis as sipas
from sipas_analysis.collect.simulate import build_demo, write_demo
from sipas_analysis.collect.survey import Survey


def loop(survey: Survey) -> pd.DataFrame:
    """Score as a careful user would: group by unit, loop over items, then over factors."""
    pack, rows = survey.instrument, []
    for unit, forms in survey.frame.groupby("unit"):
        for item in pack.items:
            answers = forms[item].dropna()
            satisfied = int((answers >= 4).sum())
            interval = binomtest(satisfied, len(answers)).proportion_ci(method="exact")
            rows.append((unit, item, 100 * satisfied / len(answers), 100 * interval.low))
        for part in [*pack.factors, "overall"]:
            answers = forms[pack.items_of(part)].melt()["value"].dropna()
            rows.append((unit, part, 100 * (answers >= 4).mean(), np.nan))
    return pd.DataFrame(rows, columns=["unit", "variable", "value", "low"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=187)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wave = write_demo(build_demo("demo", options.units), Path(folder))
        start = time.perf_counter()
        survey = sipas.read_survey(sipas.read_wave(wave))
        read = time.perf_counter() - start
    ours, theirs = [], []
    for _ in range(options.rounds):
        start = time.perf_counter()
        scores = sipas.score(survey, by="unit").frame
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        looped = loop(survey)
        theirs.append(time.perf_counter() - start)
    both = looped.merge(scores, on=["unit", "variable"], suffixes=("_loop", ""))
    assert len(both) == len(looped)
    assert np.allclose(both["value_loop"], both["value"], rtol=1e-9)
    exact = both["low_loop"].notna()
    assert np.allclose(both.loc[exact, "low_loop"], both.loc[exact, "low"], rtol=1e-9)
    a, b = statistics.median(ours), statistics.median(theirs)
    versions = f"Python {platform.python_version()}, pandas {pd.__version__}"
    shape = f"{len(survey.frame):,} forms × {len(survey.instrument.items)} items"
    spread = [f"(min {min(times):.3f}, max {max(times):.3f})" for times in (ours, theirs)]
    print(f"machine      {platform.machine()}, {os.cpu_count()} cores, {versions}")
    print(f"survey       {options.units} units, {shape}")
    print(f"reading      {read:.2f} s")
    print(f"sipas.score  {a:.3f} s {spread[0]}, {len(scores):,} figures")
    print(f"pandas loop  {b:.3f} s {spread[1]}, {len(looped):,} figures")
    print(f"ratio        {b / a:.1f} times faster")


if __name__ == "__main__":
    main()
