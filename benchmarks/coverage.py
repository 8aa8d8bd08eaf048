"""How often a 95 % interval holds the truth: many samples from populations whose truth is known.

    python benchmarks/coverage.py [--samples 10000] [--check]

Writes docs/coverage.md and benchmarks/results/coverage.csv. Where the possible outcomes can be
counted (one yes/no question, drawn singly) each is weighed by its probability and nothing is left
to chance; elsewhere samples are drawn, seeded. Value and variance of many samples are made at once;
20 samples of every case are checked against ``sipas.proportion`` and ``sipas.score`` first.
"""

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

import sipas_analysis as sipas
from sipas_analysis.infer.estimates import FEW_PEOPLE
from sipas_analysis.infer.intervals import (
    effective_n,
    exact_interval,
    finite_interval,
    raw_effective_n,
    share_interval,
)

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/recovery"))
from simulated import ITEMS, pack, survey  # noqa: E402

SEED = 20260201
SHARES = (0.5, 0.9, 0.94, 0.99)
PEOPLE = (30, 100, 400)
CLUSTERS = (4, 10, 20, 40)
ALIKE = (0.0, 0.02, 0.05, 0.1)  # correlation of two answers of one cluster
WITHIN = (0.2, 0.4, 0.7)  # correlation of two answers of one person
K = len(ITEMS)
KINDS = ("exact", "beta", "logit", "wilson", "asin", "wald")
AT_ONCE = 2_000_000  # people drawn at a time


@dataclass(frozen=True)
class Samples:
    """What many samples say: one number of each, shape (S,), and the people they came from."""

    value: np.ndarray
    variance: np.ndarray
    df: float
    people: int
    most: np.ndarray | float  # cap of the effective number


def generator(*words):
    number = [round(1000 * word) for word in words]
    return np.random.Generator(np.random.PCG64([SEED, *number]))


def sizes_of(n, clusters):
    """Share n people out among clusters, as evenly as can be."""
    return n // clusters + (np.arange(clusters) < n % clusters)


def spread(share, alike, size, rng):
    """Draw shares that vary around ``share`` so that two answers correlate ``alike`` (beta)."""
    share = np.broadcast_to(share, size)
    if alike <= 0:
        return share
    a, b = share * (1 - alike) / alike, (1 - share) * (1 - alike) / alike
    inner = (a > 0) & (b > 0)
    drawn = rng.beta(np.where(inner, a, 1.0), np.where(inner, b, 1.0))
    return np.where(inner, drawn, share)


def ratio_of_clusters(top, bottom):
    """Return value and variance n/(n−1)·Σ z² of a ratio, from cluster totals (S, C) (V1)."""
    whole = bottom.sum(axis=-1, keepdims=True)
    value = top.sum(axis=-1, keepdims=True) / whole
    z = (top - value * bottom) / whole
    c = top.shape[-1]
    z = z - z.mean(axis=-1, keepdims=True)
    return value[:, 0], c / (c - 1) * (z**2).sum(axis=-1)


# ── the four populations that are drawn from


def clustered_item(rng, samples, *, p, n, clusters, alike):
    """Draw yes/no answers in clusters; also return the totals of each cluster."""
    size = np.broadcast_to(sizes_of(n, clusters), (samples, clusters))
    yes = rng.binomial(size, spread(p, alike, size.shape, rng)).astype(float)
    value, variance = ratio_of_clusters(yes, size.astype(float))
    return Samples(value, variance, clusters - 1.0, n, n), yes


def pooled(rng, samples, *, p, n, within, clusters=0, alike=0.0):
    """Draw how many of 22 items each person is satisfied with, singly or in clusters."""
    middle = np.full((samples, 1), p)
    if clusters:
        cluster_shares = spread(p, alike, (samples, clusters), rng)
        middle = np.repeat(cluster_shares, sizes_of(n, clusters), axis=1)
    rest = (within - alike) / (1 - alike)
    satisfied = rng.binomial(K, spread(middle, rest, (samples, n), rng)).astype(float)
    totals, answers = satisfied, np.full((samples, n), float(K))
    if clusters:
        starts = np.concatenate([[0], np.cumsum(sizes_of(n, clusters))[:-1]])
        totals, answers = (np.add.reduceat(parts, starts, axis=1) for parts in (totals, answers))
    value, variance = ratio_of_clusters(totals, answers)
    rarer = np.where(value >= 0.5, (satisfied < K).sum(axis=1), (satisfied > 0).sum(axis=1))
    most = np.where(rarer < FEW_PEOPLE, n, n * K).astype(float)
    return Samples(value, variance, totals.shape[1] - 1.0, n, most), satisfied


def weighted_item(rng, samples, *, p, n, varied, times=1.0):
    """Draw answers and log-normal weights, ``times`` larger for those not satisfied.

    The share drawn is such that the weighted truth is p.
    """
    drawn = times * p / (1 - p + times * p)
    yes = (rng.random((samples, n)) < drawn).astype(float)
    weight = np.exp(np.sqrt(np.log1p(varied**2)) * rng.standard_normal((samples, n)))
    weight = weight * np.where(yes > 0, 1.0, times)
    value, variance = ratio_of_clusters(weight * yes, weight)
    value = np.clip(np.where(yes.all(axis=1), 1.0, np.where(yes.any(axis=1), value, 0.0)), 0, 1)
    return Samples(value, variance, n - 1.0, n, n), (yes, weight)


# ── intervals, by the functions that the package itself uses


def ends_by_kind(samples, kinds=KINDS):
    """Return low and high of each kind for samples that are not simple random ones."""
    df, people = (
        np.full(len(samples.value), float(number)) for number in (samples.df, samples.people)
    )
    value, variance = samples.value, samples.variance
    capped, free = (
        effective_n(value, variance, people=people, df=df, cap=cap)
        for cap in (samples.most, np.full_like(people, np.inf))
    )
    of_kind = {"beta": free, "wilson": raw_effective_n(value, variance, free)}
    return {
        kind: share_interval(kind, value, variance, df=df, n_eff=of_kind.get(kind, capped))
        for kind in kinds
    }


def counted_item(n, population=0):
    """Return, for every possible count of n answers, the ends of each kind (I1, I3)."""
    yes, people = np.arange(n + 1.0), np.full(n + 1, float(n))
    fraction = n / population if population else 0.0
    value = yes / n
    variance = (1 - fraction) * value * (1 - value) / (n - 1)
    ends = ends_by_kind(Samples(value, variance, n - 1.0, n, people / (1 - fraction)))
    if population:
        exact = finite_interval(yes, people, np.full(n + 1, float(population)))
    else:
        exact = exact_interval(yes, people)
    return {**ends, "exact": exact}


def row(case, kind, ends, truth, *, chance=None, **cell):
    """Return one line of the table: how often the interval held the truth, and how it missed."""
    low, high = ends
    under, over = high < truth - 1e-9, low > truth + 1e-9
    weigh = np.full(len(low), 1 / len(low)) if chance is None else chance
    coverage = min(float(weigh @ ~(under | over)), 1.0)
    error = np.sqrt(coverage * (1 - coverage) / len(low)) if chance is None else 0.0
    return {
        "case": case,
        "kind": kind,
        "p": truth,
        **cell,
        "coverage": 100 * coverage,
        "mc_error": 100 * error,
        "truth_above": 100 * float(weigh @ under),
        "truth_below": 100 * float(weigh @ over),
        "width": 100 * float(weigh @ (high - low)),
        "samples": len(low) if chance is None else "all",
    }


def together(draw, samples, people):
    """Draw samples in parts that fit in memory and join them."""
    at_once = max(1, AT_ONCE // people)
    parts = [draw(min(at_once, samples - at))[0] for at in range(0, samples, at_once)]
    most = np.concatenate([np.broadcast_to(part.most, part.value.shape) for part in parts])
    value = np.concatenate([part.value for part in parts])
    variance = np.concatenate([part.variance for part in parts])
    return Samples(value, variance, parts[0].df, people, most)


# ── the cases


def items():
    for p in SHARES:
        for n in PEOPLE:
            chance = stats.binom.pmf(np.arange(n + 1), n, p)
            for kind, ends in counted_item(n).items():
                yield row("item", kind, ends, p, n=n, chance=chance)


def finite():
    for f in (0.5, 0.8):
        for p in SHARES:
            for n in PEOPLE:
                size = round(n / f)
                content = round(p * size)
                chance = stats.hypergeom.pmf(np.arange(n + 1), size, content, n)
                for kind, ends in counted_item(n, size).items():
                    yield row("finite", kind, ends, content / size, n=n, chance=chance, f=f)


def grid():
    """All cells of the clustered cases that have at least one form a cluster."""
    for p in SHARES:
        for n in PEOPLE:
            for clusters in CLUSTERS:
                if clusters <= n:
                    yield from ((p, n, clusters, alike) for alike in ALIKE)


def clusters_of_items(samples):
    for p, n, clusters, alike in grid():
        given = {"p": p, "n": n, "clusters": clusters, "alike": alike}
        draw = partial(clustered_item, generator(2, *given.values()), **given)
        for kind, ends in ends_by_kind(together(draw, samples, n)).items():
            yield row("item, clusters", kind, ends, p, n=n, clusters=clusters, icc=alike)


def pooled_items(samples):
    for p in SHARES:
        for n in PEOPLE:
            for within in WITHIN:
                draw = partial(pooled, generator(3, p, n, within), p=p, n=n, within=within)
                ends = ends_by_kind(together(draw, samples, n), ("exact",))["exact"]
                yield row("pooled", "exact", ends, p, n=n, within=within)


def clusters_of_pooled(samples):
    for p, n, clusters, alike in grid():
        given = {"p": p, "n": n, "clusters": clusters, "alike": alike}
        draw = partial(pooled, generator(4, *given.values()), within=0.4, **given)
        ends = ends_by_kind(together(draw, samples, n), ("exact",))["exact"]
        cell = {"n": n, "clusters": clusters, "icc": alike, "within": 0.4}
        yield row("pooled, clusters", "exact", ends, p, **cell)


def weights(samples):
    for times, varied, p, n in product((1.0, 2.0), (0.5, 1.0), SHARES, PEOPLE):
        given = {"times": times, "varied": varied, "p": p, "n": n}
        draw = partial(weighted_item, generator(5, *given.values()), **given)
        for kind, ends in ends_by_kind(together(draw, samples, n)).items():
            yield row("weights", kind, ends, p, n=n, cv=varied, times=times)


# ── the short cut equals the public functions


def same(samples, at, ends, estimates, *, scale=1.0, tolerance=1e-12):
    """Refuse if the short cut and the public function differ."""
    ours = [samples.value[at], np.sqrt(samples.variance[at]), ends[0][at], ends[1][at]]
    theirs = estimates.frame[["value", "se", "low", "high"]].to_numpy(dtype=float)[0] / scale
    assert np.abs(np.array(ours) - theirs).max() <= tolerance, (ours, theirs)


def check(times=20):
    """Compare ``times`` samples of each case with the public functions, every kind."""
    rng = generator(0)
    for at in range(times):
        p, n = rng.choice(SHARES), int(rng.choice(PEOPLE))
        clusters, alike = int(rng.choice([4, 10, 20])), float(rng.choice(ALIKE))
        yes = rng.binomial(n, p)
        answers = np.arange(n) < yes
        for size in (0, round(n / 0.8)):
            frame = pd.DataFrame({"x": answers, "N": size})
            design = sipas.Design(frame, fpc="N" if size else None)
            fraction = n / size if size else 0
            variance = (1 - fraction) * yes / n * (1 - yes / n) / (n - 1) * np.ones(n + 1)
            samples = Samples(np.full(n + 1, yes / n), variance, n - 1, n, n)
            for kind, ends in counted_item(n, size).items():
                same(samples, yes, ends, sipas.proportion(design, "x", method=kind))
        label = np.repeat(np.arange(clusters), sizes_of(n, clusters))
        samples, yes = clustered_item(rng, 1, p=p, n=n, clusters=clusters, alike=alike)
        answers = np.concatenate(
            [np.arange(m) < k for m, k in zip(sizes_of(n, clusters), yes[0], strict=True)]
        )
        design = sipas.Design(pd.DataFrame({"x": answers, "c": label}), clusters="c")
        for kind, ends in ends_by_kind(samples).items():
            same(samples, 0, ends, sipas.proportion(design, "x", method=kind))
        samples, (yes, weight) = weighted_item(rng, 1, p=p, n=n, varied=1.0, times=1.0 + at % 2)
        design = sipas.Design(pd.DataFrame({"x": yes[0], "w": weight[0]}), weights="w")
        for kind, ends in ends_by_kind(samples).items():  # weights are rounded to 2⁻⁴⁰
            same(samples, 0, ends, sipas.proportion(design, "x", method=kind), tolerance=1e-10)
        for groups in (0, clusters):
            given = {"clusters": clusters, "alike": alike} if groups else {}
            samples, satisfied = pooled(rng, 1, p=p, n=n, within=0.4, **given)
            whole = survey(
                pd.DataFrame(np.arange(K) < satisfied[0][:, None], columns=ITEMS).astype(float),
                pack(0, 1, 1),
            )
            if groups:
                whole.frame["cluster"] = label
            ends = ends_by_kind(samples, ("exact",))["exact"]
            same(samples, 0, ends, sipas.score(whole).select(variable="overall"), scale=100.0)
    print(f"short cut equals the public functions on {times} samples of each case")


def promised(table):
    """Return the least coverage that each row promises; NaN for rows that are only reported."""
    limit = pd.Series(np.nan, table.index)
    usual = table["kind"] == "exact"
    limit[usual & (table["case"] == "item")] = 95.0
    limit[usual & (table["case"] == "pooled")] = 94.0
    many = (table["clusters"] >= 20) & (table["icc"] <= 0.05)
    limit[usual & (table["case"] == "item, clusters") & many] = 93.0
    return limit


def simulate(samples):
    parts = (
        items(),
        clusters_of_items(samples),
        pooled_items(samples),
        clusters_of_pooled(samples),
        weights(samples),
        finite(),
    )
    rows = []
    for part in parts:
        rows += part
        print(f"{len(rows):5d} cells, {rows[-1]['case']}", flush=True)
    table = pd.DataFrame(rows)
    table["promise"] = promised(table)
    first = ["case", "kind", "p", "n", "clusters", "icc", "within", "cv", "times", "f"]
    last = ["promise", "coverage", "mc_error", "truth_above", "truth_below", "width", "samples"]
    return table[[*first, *last]]


def broken(table):
    """Return promised rows whose coverage is under the promise by more than Monte-Carlo error."""
    return table[table["coverage"] + 3 * table["mc_error"] < table["promise"] - 1e-9]


# ── the page


def lines(head, rows):
    """Return a table in Markdown."""
    return "\n".join(
        f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows)
    )


def by_kind(table, **keys):
    """Return one line for each cell, with the coverage of each kind; keys are column and head."""
    wide = table.pivot_table(index=[*keys], columns="kind", values="coverage", sort=True)
    kinds = [kind for kind in KINDS if kind in wide]
    rows = [(*(f"{row:.3g}" for row in at), *digits(row[kinds])) for at, row in wide.iterrows()]
    return lines([*keys.values(), *(f"`{kind}`" for kind in kinds)], rows)


def digits(numbers):
    """Return percentages with one decimal."""
    return [f"{number:.1f}" for number in numbers]


def by_clusters(table):
    """Return lowest and mean coverage, clusters by likeness."""
    summary = table.groupby(["clusters", "icc"])["coverage"].agg(["min", "mean"])
    rows = [
        (clusters, *(f"{low:.1f} ({mean:.1f})" for low, mean in summary.loc[clusters].to_numpy()))
        for clusters in CLUSTERS
    ]
    return lines(["clusters", *(f"alike {clusters:g}" for clusters in ALIKE)], rows)


def summary(usual):
    """Return the table of promises and the lowest coverage under each."""
    of = dict(iter(usual.groupby("case")))
    many = of["item, clusters"].dropna(subset="promise")
    others = of["item, clusters"].drop(many.index)
    plain, telling = (of["weights"][of["weights"]["times"] == times] for times in (1.0, 2.0))
    rows = []
    for name, promise, table in (
        ("One question, people drawn singly", "95", of["item"]),
        ("One question, 20 or more clusters, answers alike by at most 0.05", "93", many),
        ("Index of 22 questions, people drawn singly", "94", of["pooled"]),
        ("One question, all other clusters tried", "–", others),
        ("Index of 22 questions, clusters", "–", of["pooled, clusters"]),
        ("Weights that have nothing to do with the answer", "–", plain),
        ("Weights twice as large for the dissatisfied", "–", telling),
        ("Half or four fifths of a unit's clients asked", "–", of["finite"]),
    ):
        low = table.loc[table["coverage"].idxmin()]
        where = f"{low['coverage']:.1f} (true share {low['p']:g}, {low['n']:.0f} forms)"
        rows.append((name, promise, where, len(table)))
    return lines(["Default interval of", "Promise", "Lowest found", "Cells"], rows)


PAGE = """\
# How often an interval holds the truth

A 95 % interval promises to hold the true share in 95 surveys of 100. Here the promise is tested:
populations are made whose truth is known, many surveys are taken from each, and it is counted how
often the interval held the truth. This page and `benchmarks/results/coverage.csv` ({cells:,} lines,
with both kinds of miss and the mean width) are written by

```sh
python benchmarks/coverage.py
```

Coverage is in percent. Above 95 an interval is cautious: wider than it had to be. Below 95 it is
too sure of itself.

## What is promised, and the lowest that was found

{summary}

{verdict}

The default is the method `exact`: Clopper–Pearson for people drawn singly, Korn–Graubard on an
effective number elsewhere (rules I1 to I3 of [method.md](method.md)). A dash promises nothing: the
figure is there to be known.

**How it was counted.** True shares 50, 90, 94 and 99 %; 30, 100 and 400 forms. One question to
people drawn singly has n + 1 possible outcomes only; each is weighed by its probability, so there
nothing is left to chance. All other figures rest on {samples:,} seeded samples a cell, with a
Monte-Carlo error of about {error:.1f} points: differences under {differ:.1f} mean nothing.
A promise is broken where coverage lies more than three such errors below it. Values and variances
of many samples are made at once, intervals by the package's own functions; every run first compares
20 samples of each case with `sipas.proportion` and `sipas.score` (equal to 1e-12; with weights,
which are rounded, to 1e-10).

## One question, people drawn singly

{items}

`exact` is never below 95, by construction. The price is width: at a share of 90 % and 100 forms it
is {width_exact:.1f} points wide on average, `wilson` {width_wilson:.1f}. `wald` (share ± t·error)
is the one to avoid near 100 %: it falls to {wald:.1f}. Where it looks good (99 %, 30 forms), most
samples have no dissatisfied person, `wald` has no width, and the exact interval stands in.

## One question in clusters

Clusters (hamlets, days, counters) of equal size as far as the forms can be shared out. Their shares
vary by a beta law so that two answers of one cluster correlate by 0 to 0.1 ("alike"). Lowest
coverage of the default over all shares and numbers of forms; in brackets the mean.

{clusters}

Where answers are alike by 0.1 it can fall to {lowest:.0f}. The misses are then mostly on one side:
the truth lies *below* the interval, because a sample that met content clusters also shows too small
an error. Lowest coverage of the other kinds over the same cells: {others}.

## Index of 22 questions

The number of questions, of 22, that a person is satisfied with varies by a beta law, so that two
answers of one person correlate by 0.2, 0.4 or 0.7.

{pooled}

In clusters, with 0.4 within a person: lowest over all shares and numbers of forms, in brackets the
mean. "Alike" is again the correlation of two answers of a cluster; two persons' own indices
then correlate by more than twice that.

{pooled_clusters}

## Weights

Log-normal weights with a coefficient of variation (CV) of 0.5 and 1, that have nothing to do with
the answer:

{plain}

The same, but twice as large for the dissatisfied, as when these were harder to reach:

{telling}

Near 100 % these are the weakest figures of the page. Few dissatisfied people are drawn, each stands
for many, and a sample that met none of them cannot know it.

## Finite populations

A unit of N = n/f clients of whom n were asked, f stated in the design (`fpc`). Every outcome is
weighed by its probability; the true share is the nearest that N allows.

{finite}

`exact` (hypergeometric) is never below 95. A small population allows few outcomes, hence so many
100.0.

## What to take from it

- Use the default. {kept} Where it errs, it is mostly cautious.
- With few clusters, or clusters whose people answer alike, coverage may be {floor:.0f} and not 95,
  and the truth is then likelier below the interval than above. More clusters help; more forms in
  the same clusters do not.
- Do not rest a verdict on an interval near 100 % when weights differ much, least of all when those
  weighed up are those who are less content.
- All this is about the chance of drawing. A leading question, people who refuse, or a list of
  friendly clients is in no interval.
"""


def page(table, samples):
    """Return docs/coverage.md."""
    usual = table[table["kind"] == "exact"]
    case = dict(iter(table.groupby("case")))
    of = dict(iter(usual.groupby("case")))
    width = case["item"].pivot_table(index=["p", "n"], columns="kind", values="width")
    lowest = {at: rows.groupby("kind")["coverage"].min() for at, rows in case.items()}
    pooled_wide = of["pooled"].pivot_table(index=["p", "n"], columns="within", values="coverage")
    drawn = table[table["coverage"].between(94, 96) & (table["mc_error"] > 0)]
    failed = broken(table)
    weighed = {"cv": "CV", "p": "true share", "n": "forms"}
    return PAGE.format(
        cells=len(table),
        summary=summary(usual),
        verdict="No promise is broken." if failed.empty else f"**Broken in {len(failed)} cells.**",
        samples=samples,
        error=drawn["mc_error"].median(),
        differ=3 * drawn["mc_error"].median(),
        items=by_kind(case["item"], p="true share", n="forms"),
        width_exact=width.loc[(0.9, 100), "exact"],
        width_wilson=width.loc[(0.9, 100), "wilson"],
        wald=lowest["item"]["wald"],
        clusters=by_clusters(of["item, clusters"]),
        lowest=np.floor(lowest["item, clusters"]["exact"]),
        others=", ".join(f"`{kind}` {lowest['item, clusters'][kind]:.1f}" for kind in KINDS[2:]),
        pooled=lines(
            ["true share", "forms", *(f"correlation {within}" for within in WITHIN)],
            [(f"{p:g}", n, *digits(row)) for (p, n), row in pooled_wide.iterrows()],
        ),
        pooled_clusters=by_clusters(of["pooled, clusters"]),
        plain=by_kind(case["weights"].query("times == 1"), **weighed),
        telling=by_kind(case["weights"].query("times == 2"), **weighed),
        finite=by_kind(case["finite"], f="f", n="forms", p="true share"),
        kept="It kept every promise." if failed.empty else "",
        floor=np.floor(
            min(lowest[kind]["exact"] for kind in ("item, clusters", "pooled, clusters"))
        ),
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--check", action="store_true", help="only compare with public functions")
    options = parser.parse_args()
    check()
    if options.check:
        return
    table = simulate(options.samples)
    table.round(4).to_csv(ROOT / "benchmarks/results/coverage.csv", index=False)
    path, mark = ROOT / "docs/coverage.md", "\n## How often "
    rest = path.read_text("utf-8").partition(mark)  # of scales.py, ranking.py, quality_rates.py
    path.write_text(page(table, options.samples) + "".join(rest[1:]), "utf-8")
    print(broken(table).to_string())


if __name__ == "__main__":
    main()
