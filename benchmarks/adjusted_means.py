"""Count how often intervals of adjusted means hold, and of coefficients under the jackknife.

    python benchmarks/adjusted_means.py [--samples 600]

Clusters of 5 to 60 forms; a feature that goes with a number which half explains the outcome, too.
Effects are planted and samples are seeded. Writes benchmarks/results/adjusted_means.csv and its
section of docs/coverage.md.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from coverage_page import write_section
from scipy.special import expit

import sipas_analysis as sipas
from sipas_analysis.explain.regression import fit_columns

ROOT = Path(__file__).parents[1]
MARK = "\n## How often intervals of adjusted means hold\n"
SEED = 20261128
CLUSTERS = (10, 15, 30, 60)
FAMILIES = ("gaussian", "binomial")
ALIKE = 0.1  # correlation of the errors of two people of a cluster (latent, for a logit)
FEATURE, NUMBER = 0.4, 0.6
COUNTED = ("without", "with", "difference", "linearised", "again")
SECTION = """
Clusters of 5 to 60 forms, unequal in every sample; a number of which three tenths vary between
clusters, and a feature that people with a high number have more often. Errors of two people of a
cluster correlate {alike:g}. {samples:,} seeded samples a row, Monte-Carlo error of {error:.1f}
points: percent of 95 % intervals that hold the truth. First `Fit.adjusted_means` of people without
and with the feature and their difference (rule D11; t on clusters − 1 − slopes), linearised; then
the feature's coefficient under jackknife weights (JK1), linearised and fitted again under each
replicate (rule V4, the default), and how much wider the second interval is. Written by

```sh
python benchmarks/adjusted_means.py
```

| model | clusters | mean without | mean with | difference | slope: linearised | again | wider |
| --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

The lowest of the adjusted means and differences is {lowest:.1f} %.
"""


def draw_forms(rng, family, clusters):
    """Draw forms whose feature goes with the number; slopes hold for the mean of all clusters."""
    size = rng.integers(5, 61, clusters)
    place = np.repeat(np.arange(clusters), size)
    number = np.sqrt(0.3) * rng.standard_normal(clusters)[place]
    number = number + np.sqrt(0.7) * rng.standard_normal(len(place))
    feature = (number + rng.standard_normal(len(place)) > 0.3).astype(float)
    linear = FEATURE * feature + NUMBER * number
    if family == "gaussian":
        y = linear + np.sqrt(ALIKE) * rng.standard_normal(clusters)[place]
        y = y + np.sqrt(1 - ALIKE) * rng.standard_normal(len(place))
    else:  # the bridge law keeps the averaged model a logit, slopes times φ
        phi, u = np.sqrt(1 - ALIKE), rng.random(clusters)[place]
        bridge = np.log(np.sin(phi * np.pi * u) / np.sin(phi * np.pi * (1 - u))) / phi
        y = (rng.random(len(place)) < expit(linear / phi + bridge)).astype(float)
    columns = {"Intercept": 1.0, "feature": feature, "number": number, "y": y, "place": place}
    return pd.DataFrame(columns)


def true_means(family):
    """Return the means without and with the feature over all people (the number is normal)."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    linear = NUMBER * points + np.array([[0.0], [FEATURE]])
    mean = linear if family == "gaussian" else expit(linear)
    return mean @ weights / weights.sum()


def count_hits(family, clusters, samples):
    """Return one line: shares that hold, and the widths of the coefficient's intervals."""
    rng = np.random.default_rng([SEED, FAMILIES.index(family), clusters])
    without, with_feature = true_means(family)
    truth = dict(
        zip(COUNTED, (without, with_feature, with_feature - without, FEATURE, FEATURE), strict=True)
    )
    hits, widths = [], []
    for _ in range(samples):
        frame = draw_forms(rng, family, clusters)
        x = frame[["Intercept", "feature", "number"]]
        fit = fit_columns(sipas.Design(frame, clusters="place"), x, frame["y"], family)
        means = fit.adjusted_means("feature")
        rows = [*means.frame.itertuples(), *means.differences().itertuples()]
        jackknife = sipas.Design(frame, clusters="place", replicates="JK1")
        for errors in ("linearised", "design"):
            table = fit_columns(jackknife, x, frame["y"], family, errors=errors).frame
            rows.append(next(table.iloc[[1]].itertuples()))
        hits.append(
            [row.low <= truth[name] <= row.high for name, row in zip(COUNTED, rows, strict=True)]
        )
        widths.append((rows[-1].high - rows[-1].low) / (rows[-2].high - rows[-2].low))
    line = {"family": family, "clusters": clusters, "samples": samples}
    return {
        **line,
        **dict(zip(COUNTED, np.mean(hits, axis=0), strict=True)),
        "wider": np.median(widths),
    }


def write_page(table):
    """Put the section into docs/coverage.md, in the place of the old one."""
    rows = []
    for line in table.to_dict("records"):
        shares = [f"{100 * line[name]:.1f}" for name in COUNTED]
        cells = [line["family"], str(line["clusters"]), *shares, f"× {line['wider']:.2f}"]
        rows.append(f"| {' | '.join(cells)} |")
    samples = int(table["samples"].iloc[0])
    section = SECTION.format(
        alike=ALIKE,
        samples=samples,
        error=100 * np.sqrt(0.05 * 0.95 / samples),
        rows="\n".join(rows),
        lowest=100 * table[["without", "with", "difference"]].min(axis=None),
    )
    write_section(MARK, section)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=600)
    samples = parser.parse_args().samples
    lines = []
    for family, clusters in product(FAMILIES, CLUSTERS):
        lines.append(count_hits(family, clusters, samples))
        print(lines[-1], flush=True)
    table = pd.DataFrame(lines)
    table.round(4).to_csv(ROOT / "benchmarks/results/adjusted_means.csv", index=False)
    write_page(table)


if __name__ == "__main__":
    main()
