"""Count how often the intervals of alpha, omega, polychoric and intraclass correlations hold.

    python benchmarks/scales.py --rows 0:14 --samples 0:1000

A normal trait with planted loadings is cut into levels; many seeded samples are taken, singly or in
weighted clusters, through the public functions. Counts are added to results/scales.csv (a slice of
samples that is there is not counted again), and the section of docs/coverage.md is written from it.
"""

import argparse
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from coverage_page import write_section
from scipy.stats import multivariate_normal, norm

import sipas_analysis as sipas
from sipas_analysis.measure.factor_model import fit_factors

RESULTS = Path(__file__).parent / "results/scales.csv"
MARK = "\n## How often intervals of scales hold the truth\n"
LOADINGS = np.array([0.8, 0.7, 0.6, 0.7])
ITEMS = [f"q{k}" for k in range(len(LOADINGS))]
CUTS = {"even": [-1.5, -0.5, 0.5, 1.5], "skewed": [-2.0, -1.6, -1.1, 0.1]}
ALIKE = 0.1  # correlation of the trait of two people of a cluster
STATISTICS = [
    "alpha",
    "alpha_standardised",
    "omega",
    "alpha_ordinal",
    "omega_ordinal",
    "polychoric",
]
DESIGNS = {"100 singly": (100, 0), "400 singly": (400, 0), "40 clusters of 10, weights": (400, 40)}
SCALES = [(kind, name) for kind in CUTS for name in DESIGNS]
UNITS = [(n, sizes, icc) for n in (15, 60) for sizes in ("equal", "unequal") for icc in (0.05, 0.3)]
SECTION = """
Answers of five levels to four questions on one trait (loadings .8, .7, .6, .7), cut evenly or
skewed (half of the people at the best level, 4 in 100 at the two worst); {samples:,} seeded samples
a row, Monte-Carlo error {error:.1f} points. In clusters the trait of two people correlates
{alike:g} and weights vary by a factor of three. Truths come from the chances of pairs of levels.
Intervals of 95 %, percent that hold the truth (rules D8 and D13); written by
`python benchmarks/scales.py`:

| answers | sample | {names} |
|{rules}|
{rows}

Intraclass correlations (rule D14) of a normal variable, units of 20 people or of 4 to 60;
{samples_icc:,} samples a row, Monte-Carlo error {error_icc:.1f} points. The F intervals are exact
for units of equal size:

| units | sizes | ICC | single answers | means of units |
|---|---|---|---|---|
{icc_rows}

- Of single forms with equal weights `alpha` and `alpha_standardised` have the interval of Feldt, as
  in R `psych`; it takes answers as normal. Where they are skewed it is too short, the linearised
  intervals (omega, and all of them in clusters) less so, and the ordinal ones least.
- Of few skewed answers some pairs of levels are empty; `polychoric` says so.
"""


def draw(rng, n, clusters, cuts):
    """Return answers of n people, with a weight and a cluster each."""
    cluster = np.arange(n) % clusters if clusters else np.arange(n)
    alike = ALIKE if clusters else 0.0
    of_cluster = rng.normal(size=cluster.max() + 1)[cluster]
    trait = alike**0.5 * of_cluster + (1 - alike) ** 0.5 * rng.normal(size=n)
    noise = rng.normal(size=(n, len(LOADINGS))) * (1 - LOADINGS**2) ** 0.5
    levels = np.digitize(trait[:, None] * LOADINGS + noise, cuts) + 1.0
    frame = pd.DataFrame(levels, columns=ITEMS)
    return frame.assign(cluster=cluster, weight=rng.uniform(0.5, 1.5, n))


@cache
def find_truths(kind):
    """Return the true statistics of answers cut so, from the chance of each pair of levels."""
    cuts, pairs = np.array(CUTS[kind]), np.triu_indices(len(LOADINGS), 1)
    levels, chance = np.arange(len(cuts) + 1), np.diff(norm.cdf([-np.inf, *cuts, np.inf]))
    variance = chance @ levels**2 - (chance @ levels) ** 2
    grid = np.stack(np.meshgrid(cuts, cuts, indexing="ij"), axis=-1)
    observed = np.eye(len(LOADINGS))
    for first, second in zip(*pairs, strict=True):
        rho = LOADINGS[first] * LOADINGS[second]
        both = multivariate_normal.cdf(grid, cov=[[1, rho], [rho, 1]], abseps=1e-12)
        above = 1 - norm.cdf(cuts)[:, None] - norm.cdf(cuts) + both  # cov = Σ P(x>a, y>b) − …
        covariance = (above - np.outer(1 - norm.cdf(cuts), 1 - norm.cdf(cuts))).sum()
        observed[first, second] = observed[second, first] = covariance / variance
    loading = fit_factors(observed, np.ones((len(LOADINGS), 1), bool)).loading[:, 0]
    latent = np.outer(LOADINGS, LOADINGS)
    return {
        "alpha": standardised_alpha(observed[pairs]),  # equal variances: both alphas are one
        "alpha_standardised": standardised_alpha(observed[pairs]),
        "omega": omega(loading),
        "alpha_ordinal": standardised_alpha(latent[pairs]),
        "omega_ordinal": omega(LOADINGS),
        "polychoric": latent[0, 1],
    }


def standardised_alpha(correlations):
    k, mean = len(LOADINGS), correlations.mean()
    return k * mean / (1 + (k - 1) * mean)


def omega(loading):
    return loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum())


def count_scales(row, samples):
    """Return how many intervals hold the truth, by statistic."""
    kind, name = SCALES[row]
    n, clusters = DESIGNS[name]
    truths = find_truths(kind)
    truth = np.array([truths[statistic] for statistic in STATISTICS])
    hits = np.zeros(len(STATISTICS), int)
    for sample in samples:
        frame = draw(np.random.default_rng([row, sample]), n, clusters, CUTS[kind])
        drawn = sipas.Design(frame, "weight", clusters="cluster") if clusters else frame
        found = sipas.reliability(drawn, ITEMS, ordinal=True).frame.set_index("variable")
        found.loc["polychoric"] = sipas.polychoric(drawn, ITEMS[:2]).frame.iloc[0]
        ends = found.loc[STATISTICS, ["low", "high"]].to_numpy(dtype=float)
        hits += (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    return hits


def count_intraclass(row, samples):
    """Return how many of both intervals hold the truth."""
    units, sizes, icc = UNITS[row - len(SCALES)]
    size = np.full(units, 20) if sizes == "equal" else np.linspace(4, 60, units).astype(int)
    unit = np.repeat(np.arange(units), size)
    average = (len(unit) - (size**2).sum() / len(unit)) / (units - 1)
    truth = np.array([icc, average * icc / (1 + (average - 1) * icc)])
    hits = np.zeros(2, int)
    for sample in samples:
        rng = np.random.default_rng([row, sample])
        noise = (1 - icc) ** 0.5 * rng.normal(size=len(unit))
        q = icc**0.5 * rng.normal(size=units)[unit] + noise
        found = sipas.icc(pd.DataFrame({"unit": unit, "q": q}), "q").frame
        hits += (found["low"].le(truth) & found["high"].ge(truth)).to_numpy()
    return hits


def write_page(counted):
    """Put the section into docs/coverage.md, in the place of the old one."""
    sums = counted.groupby("row").sum(min_count=1).drop(columns="first")
    percent = sums.filter(like="hit").div(sums["samples"], axis=0).mul(100)
    lines = [
        "| "
        + " | ".join([*map(str, case), *(f"{p:.1f}" for p in percent.loc[row].dropna())])
        + " |"
        for row, case in enumerate([*SCALES, *UNITS])
    ]
    n = int(sums["samples"].iloc[: len(SCALES)].min())
    n_icc = int(sums["samples"].iloc[len(SCALES) :].min())
    section = SECTION.format(
        samples=n,
        error=(95 * 5 / n) ** 0.5,
        samples_icc=n_icc,
        error_icc=(95 * 5 / n_icc) ** 0.5,
        alike=ALIKE,
        names=" | ".join(f"`{name}`" for name in STATISTICS),
        rules="---|" * (len(STATISTICS) + 1) + "---",
        rows="\n".join(lines[: len(SCALES)]),
        icc_rows="\n".join(lines[len(SCALES) :]),
    )
    write_section(MARK, section)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default=f"0:{len(SCALES) + len(UNITS)}")
    parser.add_argument("--samples", default="0:1000")
    options = parser.parse_args()
    rows, samples = (range(*map(int, text.split(":"))) for text in (options.rows, options.samples))
    lines = pd.read_csv(RESULTS).to_dict("records") if RESULTS.exists() else []
    for row in rows:
        if any((line["row"], line["first"]) == (row, samples.start) for line in lines):
            continue
        hits = (count_scales if row < len(SCALES) else count_intraclass)(row, samples)
        facts = {"row": row, "first": samples.start, "samples": len(samples)}
        lines.append({**facts, **{f"hit{at}": int(hit) for at, hit in enumerate(hits)}})
        print(lines[-1], flush=True)
    counted = pd.DataFrame(lines).sort_values(["row", "first"])
    counted.astype("Int64").to_csv(RESULTS, index=False)
    if counted["row"].nunique() == len(SCALES) + len(UNITS):
        write_page(counted)


if __name__ == "__main__":
    main()
