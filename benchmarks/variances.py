"""Count how often the interval of a population variance holds the truth, and write it up.

    python benchmarks/variances.py

Many seeded samples of normal, uniform and skewed variables are taken, singly and in clusters; the
variance and its t interval come from ``sipas.variance``, a thousand samples at a time as domains of
one design. The section of docs/coverage.md is written from the counts.
"""

import numpy as np
import pandas as pd
from coverage_page import write_section

import sipas_analysis as sipas

MARK = "\n## How often the interval of a variance holds the truth\n"
SAMPLES, AT_ONCE, SEED, ALIKE = 4_000, 500, 20261127, 0.1
SHAPES = ("normal", "uniform", "days of waiting (log-normal)")
DESIGNS = {"30 singly": (30, 0), "100 singly": (100, 0), "400 singly": (400, 0)} | {
    "20 clusters of 20": (400, 20),
    "40 clusters of 10": (400, 40),
}
SECTION = """
`sipas.variance` of one variable, s² ± t·se as R `svyvar` with `confint` (rule V1): {samples:,}
seeded samples a cell, Monte-Carlo error {error:.1f} points. In clusters two people correlate
{alike:g} (before the shape is given). Intervals of 95 %, percent that hold the truth:

| sample | {names} |
|{rules}|
{rows}

The interval is symmetric and the estimate is not: of 30 answers, and of skewed ones in every
sample size here, it is too short, and the truth lies above it. Use it to compare, not to prove.
"""


def shape_values(z, shape):
    """Return values of a shape from standard normal ones, and their true variance."""
    if shape == "normal":
        return z, 1.0
    if shape == "uniform":
        from scipy.stats import norm

        return norm.cdf(z), 1 / 12
    return np.exp(0.5 * z), np.exp(0.25) * (np.exp(0.25) - 1)


def count_held(shape, n, clusters):
    """Return the percent of samples whose interval holds the true variance."""
    rng = np.random.default_rng([SEED, n, clusters, SHAPES.index(shape)])
    held = 0
    sample = np.repeat(np.arange(AT_ONCE), n)
    place = np.tile(np.arange(n), AT_ONCE)
    for _ in range(SAMPLES // AT_ONCE):
        z = rng.standard_normal(n * AT_ONCE)
        label = place if not clusters else place // (n // clusters)
        if clusters:
            shared = rng.standard_normal((AT_ONCE, clusters))[sample, label]
            z = np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * z
        y, truth = shape_values(z, shape)
        frame = pd.DataFrame({"y": y, "sample": sample, "cluster": label})
        design = sipas.Design(frame, strata="sample", clusters="cluster")
        table = sipas.variance(design, "y", by="sample").frame
        held += int(((table["low"] <= truth) & (table["high"] >= truth)).sum())
    return 100 * held / (SAMPLES // AT_ONCE * AT_ONCE)


def main():
    rows = [
        f"| {name} | " + " | ".join(f"{count_held(shape, *cell):.1f}" for shape in SHAPES) + " |"
        for name, cell in DESIGNS.items()
    ]
    section = SECTION.format(
        samples=SAMPLES,
        error=100 * np.sqrt(0.95 * 0.05 / SAMPLES),
        alike=ALIKE,
        names=" | ".join(SHAPES),
        rules="---|" * len(SHAPES) + "---",
        rows="\n".join(rows),
    )
    write_section(MARK, section)
    print("\n".join(rows))


if __name__ == "__main__":
    main()
