"""Count how often intervals of quantiles and of calibrated means hold the truth.

    python benchmarks/weighting.py [--samples 1000]

Quantiles of log-normal days, of people drawn singly, in clusters and with weights; means of answers
that follow a number known of everybody, raw and calibrated to its total. Samples are seeded and go
through ``sipas.quantile``, ``sipas.calibrate`` and ``sipas.mean``. Writes
benchmarks/results/weighting.csv and its section of docs/coverage.md.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from coverage_page import write_section
from scipy.special import ndtri

import sipas_analysis as sipas

ROOT = Path(__file__).parents[1]
MARK = "\n## How often intervals of quantiles and calibrated means hold\n"
SEED = 20261128
SHARES = (0.25, 0.5, 0.9)
METHODS = ("mean", "xlogit", "beta")
# people, clusters (0: drawn singly), correlation in a cluster, variation of weights
QUANTILES = ((30, 0, 0, 0), (100, 0, 0, 0), (400, 0, 0, 0), (200, 10, 0.05, 0), (400, 20, 0.05, 0),
             (400, 40, 0.05, 0), (400, 0, 0, 0.5))  # fmt: skip
MEANS = ((50, 0), (200, 0), (200, 10), (400, 20))  # people, clusters
CALIBRATIONS = {
    "raw": {},
    "linear": {"method": "linear", "bounds": (0.0, np.inf)},  # no weight below 0
    "raking": {"method": "raking"},
    "bounded": {"method": "linear", "bounds": (0.3, 3.0)},
}
SECTION = """
Percent of {samples:,} seeded samples whose interval of 95 % holds the truth (Monte-Carlo error of
{error:.1f} points). Quantiles (rule I4): waiting days, log-normal (σ = 1), by the three intervals
of the share; an end that is not there (beyond 0 or 1) counts as held on that side, and the last
column says how often one is missing with `mean`. Written by

```sh
python benchmarks/weighting.py
```

| people | clusters | weights vary by | q | `mean` | `xlogit` | `beta` | no end |
| --- | --- | --- | --- | --- | --- | --- | --- |
{quantiles}

Means (rule W2; {few:,} samples, error of {rough:.1f} points): the answer is 2 + x + e, x and e
standard normal; the total of x and the number of people are known. In clusters three tenths of
either vary between clusters. Percent that hold, and mean width beside that of the raw mean.

| people | clusters | raw | linear, from 0 | raking | 0.3 to 3 | width: linear | raking | 0.3 to 3 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{means}

{verdict}
"""


def draw_normal(rng, samples, people, clusters, alike):
    """Draw standard normal numbers, shape (samples, people), alike in a cluster, and clusters."""
    place = np.arange(people) * max(clusters, 1) // people
    rest = rng.standard_normal((samples, people))
    if not clusters:
        return rest, np.arange(people)
    shared = rng.standard_normal((samples, clusters))[:, place]
    return np.sqrt(alike) * shared + np.sqrt(1 - alike) * rest, place


def count_quantiles(line, samples):
    """Return one row for each share: how often each interval holds."""
    people, clusters, alike, spread = line
    rng = np.random.default_rng([SEED, people, clusters, round(100 * spread)])
    z, place = draw_normal(rng, samples, people, clusters, alike)
    sigma = np.sqrt(np.log(1 + spread**2))
    weights = np.exp(sigma * rng.standard_normal(z.shape))
    sample = np.repeat(np.arange(samples), people)
    frame = pd.DataFrame(
        {"days": np.exp(z).ravel(), "w": weights.ravel(), "sample": sample,
         "place": np.tile(place, samples)}
    )  # fmt: skip
    design = sipas.Design(frame, weights="w", strata="sample", clusters="place")
    rows = []
    for q in SHARES:
        truth = np.exp(ndtri(q))
        row = {"people": people, "clusters": clusters, "spread": spread, "q": q}
        for method in METHODS:
            got = sipas.quantile(design, "days", q, by="sample", method=method).frame
            row[method] = (~(got["low"] > truth) & ~(got["high"] < truth)).mean()
            if method == "mean":
                row["no_end"] = got[["low", "high"]].isna().any(axis=1).mean()
        rows.append(row)
    return rows


def count_means(people, clusters, samples):
    """Return one row: how often the interval of each calibration holds, and its mean width."""
    rng = np.random.default_rng([SEED, 1, people, clusters])
    x, place = draw_normal(rng, samples, people, clusters, 0.3)
    y = 2 + x + draw_normal(rng, samples, people, clusters, 0.3)[0]
    row = {"people": people, "clusters": clusters}
    hits = {name: [] for name in CALIBRATIONS}
    widths = {name: [] for name in CALIBRATIONS}
    for at in range(samples):
        frame = pd.DataFrame({"x": x[at], "y": y[at], "place": place})
        design = sipas.Design(frame, clusters="place" if clusters else None)
        for name, how in CALIBRATIONS.items():
            fitted = (
                sipas.calibrate(design, {"(Intercept)": people, "x": 0.0}, **how) if how else design
            )
            got = sipas.mean(fitted, "y").frame.iloc[0]
            hits[name].append(got["low"] <= 2 <= got["high"])
            widths[name].append(got["high"] - got["low"])
    for name in CALIBRATIONS:
        row[name] = np.mean(hits[name])
        row[f"{name}_width"] = np.mean(widths[name]) / np.mean(widths["raw"])
    return row


def write_page(quantiles, means, samples):
    """Put the section into docs/coverage.md, in the place of the old one."""
    percent = "{:.1f}".format
    lines = [
        [row.people, row.clusters or "–", row.spread or "–", row.q,
         *(percent(100 * getattr(row, method)) for method in METHODS), percent(100 * row.no_end)]
        for row in quantiles.itertuples()
    ]  # fmt: skip
    lines_of_means = [
        [row.people, row.clusters or "–",
         *(percent(100 * getattr(row, name)) for name in CALIBRATIONS),
         *(f"× {getattr(row, f'{name}_width'):.2f}" for name in [*CALIBRATIONS][1:])]
        for row in means.itertuples()
    ]  # fmt: skip
    lowest, worst = quantiles["mean"].idxmin(), means[[*CALIBRATIONS][1:]].min().min()
    n = quantiles["clusters"][lowest]
    least = [percent(100 * quantiles[method].min()) for method in METHODS]
    verdict = (
        f"Lowest of the default of quantiles: {least[0]} (q = {quantiles['q'][lowest]}, "
        f"{quantiles['people'][lowest]} people{f' in {n} clusters' if n else ''}),\n"
        f"of `xlogit` {least[1]}, of `beta` {least[2]}: with few people the ends jump from one "
        "value to the next,\nand `beta` is the safe choice. Lowest of calibrated means: "
        f"{percent(100 * worst)} (raw: {percent(100 * means['raw'].min())})."
    )
    tables = ["\n".join(f"| {' | '.join(map(str, line))} |" for line in part)
              for part in (lines, lines_of_means)]  # fmt: skip
    section = SECTION.format(
        samples=samples,
        error=100 * np.sqrt(0.05 * 0.95 / samples),
        few=samples // 5,
        rough=100 * np.sqrt(0.05 * 0.95 / (samples // 5)),
        quantiles=tables[0],
        means=tables[1],
        verdict=verdict,
    )
    write_section(MARK, section)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    samples = parser.parse_args().samples
    quantiles = pd.DataFrame([row for line in QUANTILES for row in count_quantiles(line, samples)])
    print(quantiles, flush=True)
    means = pd.DataFrame([count_means(*line, samples // 5) for line in MEANS])
    print(means.T, flush=True)
    table = pd.concat({"quantile": quantiles, "mean": means}, names=["figure"]).reset_index(0)
    table.round(4).to_csv(ROOT / "benchmarks/results/weighting.csv", index=False)
    write_page(quantiles, means, samples)


if __name__ == "__main__":
    main()
