"""Count how often the interval of the part that vanishes holds the truth: Fieller and delta.

    python benchmarks/facts.py [--samples 2000]

People whose dossier was late give officials lower marks and are less content with the whole; the
true part of the officials' coefficient that goes with the lateness is known
(``tests/recovery/late_forms``). The models are computed here by normal equations, and are those of
``measure_vanished`` on the first samples of each row. Writes benchmarks/results/facts.csv;
docs/drivers.md shows it.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import sipas_analysis as sipas
from sipas_analysis.explain.fact_drivers import FEWEST_LATE, measure_vanished
from sipas_analysis.explain.fact_results import divide_estimates
from sipas_analysis.infer.distributions import t_quantile

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "recovery"))
from late_forms import Town, draw_town  # noqa: E402

SEED, CHECKED = 20261127, 2
FEWEST_TOLD = 100  # samples with an interval, without which a row has no shares
SCENARIOS = {
    "usual": Town(),
    "seldom late, far too late": Town(often=0.08, scale=10.0),
    "lateness is nearly all": Town(of_attitude=0.05, on_whole=-0.2, of_lateness=-0.3),
    "nothing vanishes": Town(on_whole=0.0),
    "weak attitude": Town(of_attitude=0.1, on_whole=-0.05),
}
FORMS = (60, 120, 300, 1000)
CLUSTERS = (12, 24, 60)


def list_rows():
    """Yield name and facts of each row."""
    for name, town in SCENARIOS.items():
        for n in FORMS:
            yield name, replace(town, n=n)
    for clusters in CLUSTERS:
        yield "clusters of ten", replace(Town(), n=10 * clusters, clusters=clusters)


def fit_line(x, y):
    """Return coefficients and the influence of each form on them."""
    inverse = np.linalg.inv(x.T @ x)
    slopes = inverse @ (x.T @ y)
    return slopes, (x * (y - x @ slopes)[:, None]) @ inverse


def judge_sample(town, forms):
    """Return the interval of Fieller and of the delta method, and that of a day on the attitude."""
    values = forms[["access", "attitude", "days", "whole"]].to_numpy()
    ones = np.ones((len(values), 1))
    without, z_without = fit_line(np.hstack([ones, values[:, :2]]), values[:, 3])
    known, z_known = fit_line(np.hstack([ones, values[:, :3]]), values[:, 3])
    reverse, z_reverse = fit_line(np.hstack([ones, values[:, 2:3]]), values[:, 1])
    z = np.column_stack([z_known[:, 2], z_without[:, 2], z_reverse[:, 1]])
    if town.clusters:
        z = pd.DataFrame(z).groupby(forms["place"].to_numpy()).sum().to_numpy()
    joint = z.T @ z * len(z) / (len(z) - 1)
    a, b = known[2], without[2]
    ratio = divide_estimates(np.array([a]), np.array([b]), joint[None, :2, :2], len(z) - 4)
    slope = np.array([1 / b, -a / b**2])
    delta = float(t_quantile(0.975, len(z) - 4)) * np.sqrt(slope @ joint[:2, :2] @ slope)
    margin = float(t_quantile(0.975, len(z) - 2)) * np.sqrt(joint[2, 2])
    ends = [100 * (1 - ratio.high[0]), 100 * (1 - ratio.low[0])]
    ends += [100 * (1 - a / b - delta), 100 * (1 - a / b + delta)]
    return [*ends, reverse[1] - margin, reverse[1] + margin]


def check_sample(town, forms, ends):
    """Refuse an interval that is not the one of ``measure_vanished``."""
    design = sipas.Design(forms, clusters="place" if town.clusters else None)
    without = sipas.fit(design, "whole ~ access + attitude")
    known = sipas.fit(design, "whole ~ access + attitude + days")
    row = measure_vanished(without, known, ["attitude"]).iloc[0]
    np.testing.assert_allclose([row["low"], row["high"]], ends[:2], rtol=1e-7)


def count_row(name, town, number, samples):
    """Return the shares of intervals that hold, of one row of the table."""
    rng = np.random.Generator(np.random.PCG64([SEED, number]))
    ends = np.full((samples, 6), np.nan)
    is_modelled = np.zeros(samples, dtype=bool)
    for at in range(samples):
        forms = draw_town(town, rng)
        n_late = int((forms["days"] > 0).sum())
        is_modelled[at] = min(n_late, len(forms) - n_late) >= FEWEST_LATE
        if is_modelled[at]:
            ends[at] = judge_sample(town, forms)
            if is_modelled.sum() <= CHECKED:
                check_sample(town, forms, ends[at])
    told = ~np.isnan(ends[:, 0])
    truths = np.repeat([town.vanished, town.vanished, town.of_lateness], 2)
    signs = np.array([1, -1] * 3)
    holds = (signs * (truths - ends) >= 0).reshape(samples, 3, 2).all(axis=2)
    row = {"scenario": name, "n": town.n, "clusters": town.clusters, "samples": samples}
    row |= {"true": town.vanished + 0.0, "enough_late": is_modelled.mean(), "told": told.mean()}
    if told.sum() < FEWEST_TOLD:
        return row
    return row | {
        "fieller": holds[told, 0].mean(),
        "delta": holds[told, 1].mean(),
        "width": np.median(ends[told, 1] - ends[told, 0]),
        "vanishes": (ends[told, 0] > 0).mean(),
        "grows": (ends[told, 1] < 0).mean(),
        "reverse": holds[is_modelled, 2].mean(),
    }


def main():
    """Write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=2000)
    samples = parser.parse_args().samples
    rows = [count_row(*row, number, samples) for number, row in enumerate(list_rows())]
    table = pd.DataFrame(rows).round(4)
    print(table.to_string(index=False))
    table.to_csv(ROOT / "benchmarks/results/facts.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
