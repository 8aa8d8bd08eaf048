"""Count how often intervals of coefficients hold with few clusters: linearised and CR2.

    python benchmarks/few_clusters.py [--samples 1000]

Clusters of 5 to 60 forms, of which a third have a feature (new software, say); effects are planted
and samples are seeded. Both errors are those of ``sipas.fit``, through the same functions without
the formula. Writes benchmarks/results/few_clusters.csv and its section of docs/coverage.md.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from coverage_page import write_section
from scipy.special import expit

import sipas_analysis as sipas
from sipas_analysis.errors import FitError
from sipas_analysis.explain.regression import fit_columns

ROOT = Path(__file__).parents[1]
MARK = "\n## How often intervals of coefficients hold with few clusters\n"
SEED = 20261127
CLUSTERS = (6, 10, 15, 30)
FAMILIES = ("gaussian", "binomial", "poisson")
ALIKE = 0.1  # correlation of the errors of two people of a cluster (latent, for logit and counts)
TRUTH = {"feature": 0.4, "person": 0.5}
SECTION = """
Clusters of 5 to 60 forms, unequal in every sample; a third of them have a feature, and each person
a number of which three tenths vary between clusters. Errors of two people of a cluster correlate
{alike:g} (in a logit and in counts their linear predictors share such an effect; the truth is the
effect on the mean over all clusters). {samples:,} seeded samples a row, Monte-Carlo error of
{error:.1f} points: intervals of 95 %, percent that hold the truth, with the linearised error
(`errors="design"`, t on clusters − 1 − slopes) and with CR2 (`errors="cr2"`, rule D9), and how much
wider CR2 is. Written by

```sh
python benchmarks/few_clusters.py
```

| model | clusters | feature: linearised | CR2 | wider | person: linearised | CR2 | wider |
| --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

{verdict}
"""


def draw_forms(rng, family, clusters):
    """Draw forms and the truth of a model of them: effects on the mean of all clusters."""
    size = rng.integers(5, 61, clusters)
    place = np.repeat(np.arange(clusters), size)
    feature = (np.arange(clusters) < round(clusters / 3)).astype(float)[place]
    person = np.sqrt(0.3) * rng.standard_normal(clusters)[place]
    person = person + np.sqrt(0.7) * rng.standard_normal(len(place))
    linear = TRUTH["feature"] * feature + TRUTH["person"] * person
    effect = rng.standard_normal(clusters)[place]
    if family == "gaussian":
        rest = np.sqrt(1 - ALIKE) * rng.standard_normal(len(place))
        y = linear + np.sqrt(ALIKE) * effect + rest
    elif family == "poisson":  # E exp(σu) moves the intercept only
        y = rng.poisson(np.exp(linear + np.sqrt(ALIKE) * effect)).astype(float)
    else:  # one draw of the bridge law keeps the averaged model a logit, slopes times φ
        phi = np.sqrt(1 - ALIKE)
        u = rng.random(clusters)[place]
        bridge = np.log(np.sin(phi * np.pi * u) / np.sin(phi * np.pi * (1 - u))) / phi
        y = (rng.random(len(place)) < expit(linear / phi + bridge)).astype(float)
    columns = {"Intercept": 1.0, "feature": feature, "person": person, "y": y, "place": place}
    return pd.DataFrame(columns)


def count_hits(family, clusters, samples):
    """Return one line: shares that hold, mean widths, and samples without a model."""
    rng = np.random.default_rng([SEED, FAMILIES.index(family), clusters])
    hits = {key: [] for key in product(TRUTH, ("design", "cr2"))}
    widths = {key: [] for key in hits}
    failed = 0
    for _ in range(samples):
        frame = draw_forms(rng, family, clusters)
        design, x = sipas.Design(frame, clusters="place"), frame[["Intercept", *TRUTH]]
        try:
            fits = {
                errors: fit_columns(design, x, frame["y"], family, errors=errors).frame
                for errors in ("design", "cr2")
            }
        except FitError:
            failed += 1
            continue
        for (name, errors), held in hits.items():
            row = fits[errors].set_index("variable").loc[name]
            held.append(row["low"] <= TRUTH[name] <= row["high"])
            widths[name, errors].append(row["high"] - row["low"])
    line = {"family": family, "clusters": clusters, "samples": samples, "failed": failed}
    for (name, errors), held in hits.items():
        line[f"{name}_{errors}"] = np.mean(held)
        line[f"{name}_{errors}_width"] = np.median(widths[name, errors])
    return line


def write_page(table):
    """Put the section into docs/coverage.md, in the place of the old one."""
    rows = []
    for line in table.itertuples():
        cells = [line.family, str(line.clusters)]
        for name in TRUTH:
            old, new = (getattr(line, f"{name}_{errors}") for errors in ("design", "cr2"))
            widths = [getattr(line, f"{name}_{errors}_width") for errors in ("design", "cr2")]
            cells += [f"{100 * old:.1f}", f"{100 * new:.1f}", f"× {widths[1] / widths[0]:.2f}"]
        rows.append(f"| {' | '.join(cells)} |")
    few = table[table["clusters"] < 30]
    lowest = {
        errors: 100 * min(few[f"{name}_{errors}"].min() for name in TRUTH)
        for errors in ("design", "cr2")
    }
    samples = int(table["samples"].iloc[0])
    verdict = (
        f"With 6 to 15 clusters the linearised interval falls to {lowest['design']:.1f} %, CR2 to "
        f"{lowest['cr2']:.1f} %. It is not offered for stratified samples."
    )
    section = SECTION.format(
        alike=ALIKE,
        samples=samples,
        error=100 * np.sqrt(0.05 * 0.95 / samples),
        rows="\n".join(rows),
        verdict=verdict,
    )
    write_section(MARK, section)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    samples = parser.parse_args().samples
    lines = []
    for family, clusters in product(FAMILIES, CLUSTERS):
        lines.append(count_hits(family, clusters, samples))
        print(lines[-1], flush=True)
    table = pd.DataFrame(lines)
    table.round(4).to_csv(ROOT / "benchmarks/results/few_clusters.csv", index=False)
    write_page(table)


if __name__ == "__main__":
    main()
