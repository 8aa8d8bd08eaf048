"""Count how often intervals of tests, tables, standardised means and structures hold the truth.

    python benchmarks/tables.py

Answers of two groups in clusters or singly go through ``sipas.t_test``, ``cross_table``,
``standardise`` and ``fit_structure`` (as in ``reliability(factors=)``); the section of
docs/coverage.md is written from the counts.
"""

import numpy as np
import pandas as pd
from coverage_page import write_section

import sipas_analysis as sipas
from sipas_analysis.measure.factor_structure import fit_structure

MARK = "\n## How often intervals of tests, tables and structures hold\n"
SAMPLES, SEED, ALIKE, BETWEEN = 200, 20261129, 0.1, 0.5
DESIGNS = {
    "100 singly": (100, 0),
    "400 singly": (400, 0),
    "20 clusters of 10": (200, 20),
    "40 clusters of 10": (400, 40),
}
LOADINGS = np.array([0.8, 0.7, 0.6, 0.7, 0.8, 0.6])
FACTORS = {"first": ["q0", "q1", "q2"], "second": ["q3", "q4", "q5"]}
STANDARD = {"old": 1, "young": 1}
COLUMNS = ("difference of means", "cell", "standardised mean", "loadings", "correlation of factors")
SECTION = """
Half of the people are in group b, where answers are higher by 0.5, and in either group 3 of 10 are
old, who answer higher by 0.5; the standard population is half old. Two factors of three items
(loadings .6 to .8) correlate {between:g}. In clusters the errors and factors of two people
correlate {alike:g}, and the group is drawn by person. {samples} seeded samples a row, Monte-Carlo
error {error:.1f} points: percent of 95 % intervals that hold the truth. `t_test` of the groups
(rule I6), the cell of old people in b of `cross_table` (rule I5), `standardise` of group b (rule
W4), and `reliability(factors=)` (rule D12; mean of the six loadings). Written by
`python benchmarks/tables.py`:

| sample | {names} |
|{rules}|
{rows}

Lowest: {lowest:.1f}. With 100 people a stratum of a group has some 15: the error of a
standardised mean or of a small cell is then itself a rough figure, and the interval too short.
"""


def draw_people(rng, n, clusters):
    """Return the forms of one sample and its design."""
    label = np.arange(n) // (n // clusters) if clusters else np.arange(n)

    def draw_normal(k):
        alone = rng.standard_normal((n, k))
        if not clusters:
            return alone
        shared = rng.standard_normal((clusters, k))[label]
        return np.sqrt(ALIKE) * shared + np.sqrt(1 - ALIKE) * alone

    is_b, is_old = rng.random(n) < 0.5, rng.random(n) < 0.3
    one, other = draw_normal(2).T
    traits = [one, BETWEEN * one + np.sqrt(1 - BETWEEN**2) * other]
    items = np.repeat(np.column_stack(traits), 3, axis=1) * LOADINGS
    items = items + np.sqrt(1 - LOADINGS**2) * draw_normal(6)
    frame = pd.DataFrame(items, columns=[f"q{item}" for item in range(6)])
    frame = frame.assign(
        y=0.5 * is_b + 0.5 * is_old + draw_normal(1)[:, 0],
        group=np.where(is_b, "b", "a"),
        age=np.where(is_old, "old", "young"),
        cluster=label,
    )
    return sipas.Design(frame, clusters="cluster" if clusters else ())


def find_held(design):
    """Return the share of intervals that hold the truth, for each column of the table."""
    test = sipas.t_test(design, "y", "group").frame
    cells = sipas.cross_table(design, "group", "age").frame
    cell = cells[(cells["group"] == "b") & (cells["age"] == "old")]
    means = sipas.standardise(design, "y", "group", over="age", population=STANDARD).frame
    structure = fit_structure(design, FACTORS, 0.95)
    tables = (
        (test, 0.5),
        (cell, 0.15),
        (means[means["group"] == "b"], 0.75),
        (structure.loadings, LOADINGS),
        (structure.correlations, BETWEEN),
    )
    return [((table["low"] <= true) & (table["high"] >= true)).mean() for table, true in tables]


def count_held(people, clusters):
    """Return the percent of samples whose intervals hold the truth."""
    rng = np.random.default_rng([SEED, people, clusters])
    held = [find_held(draw_people(rng, people, clusters)) for _ in range(SAMPLES)]
    return 100 * np.mean(held, axis=0)


def main():
    percents = {name: count_held(*cell) for name, cell in DESIGNS.items()}
    section = SECTION.format(
        samples=SAMPLES,
        error=100 * np.sqrt(0.95 * 0.05 / SAMPLES),
        alike=ALIKE,
        between=BETWEEN,
        names=" | ".join(COLUMNS),
        rules="---|" * len(COLUMNS) + "---",
        rows="\n".join(
            f"| {name} | " + " | ".join(f"{percent:.1f}" for percent in row) + " |"
            for name, row in percents.items()
        ),
        lowest=min(row.min() for row in percents.values()),
    )
    write_section(MARK, section)
    print(section)


if __name__ == "__main__":
    main()
