"""Count how often intervals of counts, choices, predictions, ranks and pooled fits hold the truth.

    python benchmarks/models.py

Planted slopes go through ``sipas.fit`` (Poisson, multinomial, ordinal), ``Fit.predict``,
``sipas.pool_fits`` and ``sipas.rank_test``; the section of docs/coverage.md is written from the
counts.
"""

import numpy as np
import pandas as pd
from coverage_page import write_section
from scipy.special import expit, ndtr

import sipas_analysis as sipas

MARK = "\n## How often intervals of counts, choices, predictions and pooled fits hold\n"
SAMPLES, SEED, SLOPE, SPREAD, IMPUTATIONS = 200, 20261130, 0.5, 0.3, 10
DESIGNS = {
    "100 singly": (100, 0),
    "400 singly": (400, 0),
    "20 clusters of 10": (200, 20),
    "40 clusters of 10": (400, 40),
}
COLUMNS = ("Poisson", "multinomial", "ordinal", "predicted count", "rank test", "pooled")
SECTION = """
A number x, of which three tenths vary between clusters, has the slope {slope:g}. Counts have a
factor of their cluster besides (log-normal, σ = {spread:g}, mean 1). One of three answers: the
slope of the second. Ordered answers of four levels. Mean count predicted at x = 1 (rule D11).
Difference of mean ranks of two groups whose normal answers are {slope:g} apart (rule I6; truth
Φ({slope:g}/√2) − ½). Pooled (`pool_fits`): a linear model; three tenths of x are blank by chance
and drawn {imputations} times from their posterior. {samples} seeded samples a row, Monte-Carlo
error {error:.1f} points: percent of 95 % intervals that hold the truth. Written by
`python benchmarks/models.py`:

| sample | {names} |
|{rules}|
{rows}

Lowest: {lowest:.1f}.
"""


def draw_people(rng, n, clusters):
    """Return the forms of one sample: x, answers of each kind, and the cluster."""
    place = np.arange(n) // (n // clusters) if clusters else np.arange(n)
    between, within = rng.standard_normal(place.max() + 1)[place], rng.standard_normal(n)
    x = np.sqrt(0.3) * between + np.sqrt(0.7) * within
    factor = np.exp(SPREAD * rng.standard_normal(place.max() + 1)[place] - SPREAD**2 / 2)
    weight = np.exp(np.column_stack([np.zeros(n), SLOPE * x, -SLOPE * x]))
    share = weight.cumsum(axis=1) / weight.sum(axis=1, keepdims=True)
    group = rng.integers(0, 2, n)
    cuts = np.array([-1.0, 0.0, 1.5])
    columns = {
        "x": x,
        "place": place,
        "count": rng.poisson(np.exp(0.5 + SLOPE * x) * factor),
        "choice": np.array(["a", "b", "c"])[(rng.random((n, 1)) > share).sum(axis=1)],
        "level": (rng.random((n, 1)) > expit(cuts - SLOPE * x[:, None])).sum(axis=1),
        "group": np.array(["a", "b"])[group],
        "y": SLOPE * group + rng.standard_normal(n),
        "z": SLOPE * x + rng.standard_normal(n),
    }
    return pd.DataFrame(columns)


def pool_drawn(rng, design):
    """Return the pooled fit after x is left out by chance and drawn from its posterior given z."""
    frame = design.frame
    blank = rng.random(len(frame)) < 0.3
    z, x = np.column_stack([np.ones(len(frame)), frame["z"]]), frame["x"].to_numpy()
    known = z[~blank]
    cross = np.linalg.inv(known.T @ known)
    slopes = cross @ known.T @ x[~blank]
    df = len(known) - 2
    residual = ((x[~blank] - known @ slopes) ** 2).sum()
    fits = []
    for _ in range(IMPUTATIONS):
        variance = residual / rng.chisquare(df)
        drawn = rng.multivariate_normal(slopes, variance * cross)
        filled = x.copy()
        noise = np.sqrt(variance) * rng.standard_normal(blank.sum())
        filled[blank] = z[blank] @ drawn + noise
        fits.append(sipas.fit(design.assign(x=filled), "z ~ x"))
    return sipas.pool_fits(fits)


def list_intervals(rng, design):
    """Return the interval and the truth of each column."""
    counts = sipas.fit(design, "count ~ x", family="poisson")
    choices = sipas.fit(design, "choice ~ x", family="multinomial").frame
    levels = sipas.fit(design, "level ~ x", family="ordinal").frame
    at_one = counts.predict(pd.DataFrame({"x": [1.0]})).frame.iloc[0]
    ranks = sipas.rank_test(design, "y", "group").frame.iloc[0]
    pooled = pool_drawn(rng, design).frame
    slope = choices[(choices["answer"] == "b") & (choices["variable"] == "x")].iloc[0]
    return [
        (find_slope(counts.frame), SLOPE),
        (slope, SLOPE),
        (find_slope(levels), SLOPE),
        (at_one, np.exp(0.5 + SLOPE)),
        (ranks, ndtr(SLOPE / np.sqrt(2)) - 0.5),
        (find_slope(pooled), SLOPE),
    ]


def find_slope(table):
    """Return the row of x."""
    return table[table["variable"] == "x"].iloc[0]


def count_sample(n, clusters, seed):
    """Return for each column in what share of the samples the interval holds the truth."""
    rng, hits = np.random.default_rng([SEED, seed]), []
    for _ in range(SAMPLES):
        frame = draw_people(rng, n, clusters)
        design = sipas.Design(frame, clusters="place" if clusters else None)
        hits.append(
            [row["low"] <= truth <= row["high"] for row, truth in list_intervals(rng, design)]
        )
    return np.mean(hits, axis=0)


def write_page(shares):
    """Put the section into docs/coverage.md, in the place of the old one."""
    rows = [
        f"| {name} | {' | '.join(f'{100 * share:.1f}' for share in row)} |"
        for name, row in zip(DESIGNS, shares, strict=True)
    ]
    section = SECTION.format(
        slope=SLOPE,
        spread=SPREAD,
        imputations=IMPUTATIONS,
        samples=SAMPLES,
        error=100 * np.sqrt(0.05 * 0.95 / SAMPLES),
        names=" | ".join(COLUMNS),
        rules="|".join(["---"] * (len(COLUMNS) + 1)),
        rows="\n".join(rows),
        lowest=100 * np.min(shares),
    )
    write_section(MARK, section)


def main():
    shares = []
    for seed, (name, (n, clusters)) in enumerate(DESIGNS.items()):
        shares.append(count_sample(n, clusters, seed))
        print(name, shares[-1], flush=True)
    write_page(shares)


if __name__ == "__main__":
    main()
