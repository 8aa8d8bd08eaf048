"""Plant a truth in a population, draw from it often, and hold errors and intervals to it.

Through the public functions. Samples are strata of one design and domains at once, so that one call
makes the figures of all: a domain that is a whole stratum has the error of a sample of its own
(the first test holds this). docs/coverage.md has the full tables.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated import ITEMS, latent, pack, survey
from sizes import sizes

import sipas_analysis as sipas
from sipas_analysis.infer.design import Replicates
from sipas_analysis.infer.weighting import post_stratify, rake, trim

YES_NO = pack(0, 1, 1)
SHARES = (0.5, 0.9, 0.94, 0.99)


def generator(*seed):
    return np.random.Generator(np.random.PCG64([20260202, *(round(1000 * it) for it in seed)]))


def held(found, truth):
    """Return of each row whether its interval holds the truth."""
    return (found["low"].le(truth + 1e-9) & found["high"].ge(truth - 1e-9)).to_numpy()


def least(promise, hits):
    """Return the lowest share of hits that keeps the promise: three Monte-Carlo errors below."""
    return promise - 3 * np.sqrt(promise * (1 - promise) / len(hits))


def beta(rng, share, alike, size):
    """Draw shares around ``share`` such that two answers correlate ``alike``."""
    if alike == 0:
        return np.full(size, share)
    return rng.beta(share * (1 - alike) / alike, (1 - share) * (1 - alike) / alike, size)


def clustered(rng, samples, p, clusters, each, alike):
    """Draw samples of clusters of yes/no answers; one row a form."""
    own = np.repeat(beta(rng, p, alike, samples * clusters), each)
    sample = np.repeat(np.arange(samples), clusters * each)
    cluster = np.tile(np.repeat(np.arange(clusters), each), samples)
    return pd.DataFrame({"sample": sample, "c": cluster, "x": (rng.random(own.size) < own) * 1.0})


# ── intervals


@pytest.mark.slow
def test_a_domain_that_is_a_whole_stratum_is_a_sample_of_its_own():
    """Value, error, interval, degrees of freedom: of proportions, clusters and indices."""
    frame = clustered(generator(1), 5, 0.9, 10, 7, 0.05)
    answers = pd.DataFrame((latent(350, generator(2)) < 1.3).astype(float), columns=ITEMS)
    columns = ["value", "se", "low", "high", "df", "n_eff"]
    for clusters in (None, "c"):
        whole = sipas.Design(frame, strata="sample", clusters=clusters)
        several = sipas.proportion(whole, "x", by="sample").frame
        forms = survey(answers.assign(unit=frame["sample"].astype(str)), YES_NO)
        forms.frame["stratum"] = frame["sample"]
        if clusters:
            forms.frame["cluster"] = frame["c"]
        scores = sipas.score(forms, by="unit").select(variable="overall").frame
        for number in range(5):
            own = (frame["sample"] == number).to_numpy()
            one = sipas.proportion(sipas.Design(frame[own], clusters=clusters), "x").frame
            got = several.loc[[number], columns].to_numpy(dtype=float)
            assert got == pytest.approx(one[columns].to_numpy(dtype=float), rel=1e-9)
            alone = replace(forms, frame=forms.frame[own].drop(columns="stratum"))
            one = sipas.score(alone).select(variable="overall").frame
            got = scores.loc[[number], columns].to_numpy(dtype=float)
            assert got == pytest.approx(one[columns].to_numpy(dtype=float), rel=1e-9)


@pytest.mark.slow
@sizes("samples", 600, 3000)
@pytest.mark.parametrize("p", SHARES)
def test_the_interval_of_an_item_holds_the_truth(p, samples):
    """People drawn singly, 30 and 100 forms: 95 % (I1)."""
    for n in (30, 100):
        frame = clustered(generator(3, p, n), samples, p, n, 1, 0)
        design = sipas.Design(frame, strata="sample")
        shares = sipas.proportion(design, "x", by="sample").frame
        assert set(shares["method"]) == {"clopper-pearson"}
        hits = held(shares, p)
        assert hits.mean() >= least(0.95, hits), n


@pytest.mark.slow
@sizes("samples", 300, 1500)
@pytest.mark.parametrize("alike", [0.0, 0.05])
@pytest.mark.parametrize("p", SHARES)
def test_the_interval_of_an_item_in_twenty_clusters_holds_the_truth(p, alike, samples):
    """20 clusters of 5, and 40 of 10: 93 % and more (I1)."""
    for clusters, each, drawn in ((20, 5, samples), (40, 10, samples // 2)):
        frame = clustered(generator(4, p, alike, each), drawn, p, clusters, each, alike)
        design = sipas.Design(frame, strata="sample", clusters="c")
        shares = sipas.proportion(design, "x", by="sample").frame
        assert set(shares["method"]) == {"korn-graubard"}
        hits = held(shares, p)
        assert hits.mean() >= least(0.93, hits), (clusters, each)


@pytest.mark.slow
@sizes("samples", 250, 1000)
@pytest.mark.parametrize("within", [0.2, 0.7])
@pytest.mark.parametrize("p", [0.9, 0.94])
def test_the_interval_of_an_index_holds_the_truth(p, within, samples):
    """22 answers of one person that correlate: 94 % and more (I2)."""
    rng, n = generator(5, p, within), 30
    own = beta(rng, p, within, n * samples)[:, None]
    frame = pd.DataFrame((rng.random((n * samples, len(ITEMS))) < own) * 1.0, columns=ITEMS)
    names = np.repeat([f"s{number:04d}" for number in range(samples)], n)
    forms = survey(frame.assign(unit=names), YES_NO)
    forms.frame["stratum"] = names
    found = sipas.score(forms, by="unit").select(variable="overall").frame
    hits = held(found, 100 * p)
    assert hits.mean() >= least(0.94, hits)


@pytest.mark.slow
@pytest.mark.parametrize("content", [62, 75, 79])
def test_the_interval_of_a_finite_population_holds_the_truth(content):
    """40 of 80 clients, the fraction stated: 95 % by its own law (I3)."""
    drawn = generator(6, content).hypergeometric(content, 80 - content, 40, 5000)
    outcomes, at = np.unique(drawn, return_inverse=True)
    found = []
    for count in outcomes:
        frame = pd.DataFrame({"x": np.arange(40) < count, "N": 80})
        found.append(sipas.proportion(sipas.Design(frame, fpc="N"), "x").frame)
    table = pd.concat(found)
    assert set(table["method"]) == {"hypergeometric"}
    hits = held(table, content / 80)[at]
    assert hits.mean() >= least(0.95, hits)


# ── means, totals, ratios, differences: a planted truth and an error that is the true one

SAMPLES = 2000


def agrees(found, truth, squares=None):
    """Say whether estimates lie around the truth as their errors say (V1).

    The mean is the truth, and the variance over samples (or the mean of ``squares``) is the mean of
    the variances that were estimated, both within four Monte-Carlo errors.
    """
    value, variance = found["value"].to_numpy(), found["se"].to_numpy() ** 2
    error = value.std() / np.sqrt(len(value))
    off = (value - value.mean()) ** 2 if squares is None else squares
    gap = off.mean() - variance.mean()
    noise = np.std(off - variance) / np.sqrt(len(value))
    print(f"bias {(value.mean() - truth) / error:.1f} errors, variance {gap / noise:.1f} errors")
    return abs(value.mean() - truth) <= 4 * error and abs(gap) <= 4 * noise


@pytest.fixture(scope="module")
def offices():
    """2,000 samples of 30 clusters of 3 to 7 files each; days and late files go together."""
    rng = generator(7)
    sizes = rng.integers(3, 8, SAMPLES * 30)
    mood = np.repeat(rng.normal(0, 1, sizes.size), sizes)
    n = mood.size
    number = np.repeat(np.arange(sizes.size), sizes)
    files = 5 + rng.poisson(np.exp(0.3 * mood + 1))
    late = rng.binomial(files, 0.2)
    kind = np.where(rng.random(n) < 0.5, "a", "b")
    days = 10 + 2 * mood + np.where(kind == "a", 1.5, 0) + rng.normal(0, 2, n)
    return pd.DataFrame(
        {
            "sample": number // 30,
            "c": number % 30,
            "files": files,
            "late": late,
            "kind": kind,
            "days": days,
            "w": 20.0,
        }
    )


@pytest.mark.slow
def test_a_ratio_has_its_true_value_and_error(offices):
    """0.2 of files are late; files of one cluster are alike in number."""
    design = sipas.Design(offices, strata="sample", clusters="c")
    assert agrees(sipas.ratio(design, "late", "files", by="sample").frame, 0.2)


def test_a_total_has_its_true_value_and_error(offices):
    """30 clusters of 5 forms on average, of weight 20, of 10.75 days."""
    design = sipas.Design(offices, strata="sample", clusters="c", weights="w")
    totals = sipas.total(design, "days", by="sample").frame
    assert agrees(totals, 20 * 30 * 5 * 10.75)


def test_an_error_without_clusters_would_be_too_small(offices):
    """The same days as if files were drawn singly: the test above is able to fail."""
    design = sipas.Design(offices, strata="sample")
    assert not agrees(sipas.mean(design, "days", by="sample").frame, 10.75)


@pytest.mark.slow
def test_a_difference_of_domains_that_share_clusters_needs_their_covariance(offices):
    """Kinds a and b of one cluster share its mood: 1.5 days, and far less error than apart (V7)."""
    frame = offices.assign(name=offices["sample"].astype(str))
    design = sipas.Design(frame, strata="sample", clusters="c")
    both = sipas.mean(design, "days", by=["name", "kind"])
    found = both.difference({"kind": "a"}, {"kind": "b"}).frame
    assert len(found) == SAMPLES
    assert agrees(found, 1.5)
    squares = both.frame.assign(square=both.frame["se"] ** 2).groupby("name")["square"].sum()
    found = found.set_index("name").assign(se=np.sqrt(squares)).reset_index()
    assert not agrees(found, 1.5)


# ── calibration: the credit is the true one (W1)


@pytest.fixture(scope="module")
def population():
    """People of two sexes and three towns; days depend on both."""
    rng, n = generator(8), 20_000
    sex, town = rng.choice(["f", "m"], n, p=[0.6, 0.4]), rng.integers(0, 3, n)
    days = 3.0 * (sex == "f") + 2.0 * town + rng.normal(0, 1.5, n)
    return pd.DataFrame({"sex": sex, "town": town, "y": days})


@pytest.fixture(scope="module")
def drawn(population):
    """400 samples of 120 of these people, and their plain means."""
    rng = generator(9)
    samples = [
        sipas.Design(population.iloc[rng.integers(0, 20_000, 120)].reset_index(drop=True))
        for _ in range(400)
    ]
    return samples, pd.concat([sipas.mean(it, "y").frame for it in samples])


def by_sex(design, population):
    return post_stratify(design, "sex", population["sex"].value_counts().to_dict())


def by_cell(design, population):
    cells = population.value_counts(["sex", "town"]).to_dict()
    return post_stratify(design, ["sex", "town"], cells)


def by_margins(design, population):
    margins = {name: population[name].value_counts().to_dict() for name in ("sex", "town")}
    return rake(design, margins)


@pytest.mark.slow
@pytest.mark.parametrize(("adjust", "n"), [(by_sex, 400), (by_cell, 120), (by_margins, 120)])
def test_calibrated_means_have_their_true_error(population, drawn, adjust, n):
    """And a smaller one than before: the error without credit fails, in fewer the larger it is."""
    samples, plain = drawn[0][:n], drawn[1][:n]
    truth = population["y"].mean()
    made = pd.concat([sipas.mean(adjust(it, population), "y").frame for it in samples])
    assert agrees(plain, truth)
    assert agrees(made, truth)
    assert not agrees(made.assign(se=plain["se"].to_numpy()), truth)


@pytest.mark.slow
def test_a_calibrated_domain_has_its_true_error(population, drawn):
    """One town, where the whole was calibrated by sex."""
    truth = population.loc[population["town"] == 1, "y"].mean()
    made = [sipas.mean(by_sex(it, population), "y", by="town") for it in drawn[0][:200]]
    assert agrees(pd.concat([it.select(town=1).frame for it in made]), truth)


def test_raking_undoes_a_sample_that_is_off(population):
    """Women answer twice as often: the raw mean is off, the raked one is not, nor trimmed."""
    rng, truth = generator(10), population["y"].mean()
    chance = np.where(population["sex"] == "f", 2.0, 1.0)
    at = rng.choice(20_000, 4000, replace=False, p=chance / chance.sum())
    design = sipas.Design(population.iloc[at].reset_index(drop=True))
    raw, made = (sipas.mean(it, "y").frame for it in (design, by_margins(design, population)))
    assert abs(raw["value"].item() - truth) > 5 * raw["se"].item()
    assert abs(made["value"].item() - truth) < 3 * made["se"].item()
    cut = by_margins(trim(design, upper=5), population)
    assert sipas.mean(cut, "y").frame["value"].item() == pytest.approx(made["value"].item())


@pytest.mark.slow
def test_calibration_to_a_number_takes_its_part_out_of_the_error():
    """y = 2 + x + e with the total of x known: half the variance, errors as they scatter (W2)."""
    rng = generator(13)
    x = rng.standard_normal((200, 150))
    y = 2 + x + rng.standard_normal(x.shape)
    rows = []
    for x_here, y_here in zip(x, y, strict=True):
        design = sipas.Design(pd.DataFrame({"x": x_here, "y": y_here}))
        fitted = sipas.calibrate(design, {"(Intercept)": 150, "x": 0.0}, "raking")
        rows.append([sipas.mean(it, "y").frame.iloc[0] for it in (design, fitted)])
    raw, made = (pd.DataFrame([row[at] for row in rows]) for at in (0, 1))
    for table, wanted in ((raw, np.sqrt(2 / 150)), (made, np.sqrt(1 / 150))):
        assert table["value"].std() == pytest.approx(wanted, rel=0.15)
        assert table["se"].mean() == pytest.approx(wanted, rel=0.05)
        assert held(table, 2).mean() >= least(0.94, table)


# ── quantiles (I4)


@pytest.mark.slow
@sizes("samples", 300, 1000)
def test_intervals_of_quantiles_hold_the_truth(samples):
    """Log-normal days in 20 clusters of 15, alike by 0.05; the median and the slowest tenth."""
    rng, each = generator(14), 15
    place = np.tile(np.repeat(np.arange(20), each), samples)
    sample = np.repeat(np.arange(samples), 20 * each)
    shared = np.repeat(rng.standard_normal(20 * samples), each)
    z = np.sqrt(0.05) * shared + np.sqrt(0.95) * rng.standard_normal(len(sample))
    frame = pd.DataFrame({"days": np.exp(z), "sample": sample, "c": place})
    design = sipas.Design(frame, strata="sample", clusters="c")
    found = sipas.quantile(design, "days", [0.5, 0.9], by="sample")
    for share, truth in ((0.5, 1.0), (0.9, np.exp(1.2815515655446004))):
        hits = held(found.select(quantile=share).frame, truth)
        assert hits.mean() >= least(0.94, hits)
        assert hits.mean() <= 0.99


# ── two stages from a finite population (V2)


@pytest.fixture(scope="module")
def villages():
    """A population of 12 villages of 8 to 12 households; some villages are content."""
    rng = generator(11)
    sizes = rng.integers(8, 13, 12)
    village = np.repeat(np.arange(12), sizes)
    y = rng.normal(0, 1, 12)[village] + rng.normal(0, 4, village.size) + 20
    return pd.DataFrame({"v": village, "y": y, "M": sizes[village], "N": 12})


def drawn_twice(population, rng, number):
    """Draw 6 of 12 villages, then half of the households of each; one row a form."""
    n = len(population)
    village = population["v"].to_numpy()
    chosen = rng.random((number, 12)).argsort(axis=1).argsort(axis=1) < 6
    order = rng.random((number, n))
    place = np.empty((number, n))
    for one in range(12):
        of = village == one
        place[:, of] = order[:, of].argsort(axis=1).argsort(axis=1)
    half = (population["M"] // 2).to_numpy()
    sample, person = np.nonzero(chosen[:, village] & (place < half))
    found = population.iloc[person].reset_index(drop=True)
    return found.assign(sample=sample, h=person, w=2 * found["M"] / half[person])


@pytest.mark.slow
def test_two_stages_with_fractions_have_their_true_error(villages):
    """The total of 12 villages over 2,500 draws: with one stage only, or no fraction, it fails."""
    frame = drawn_twice(villages, generator(12), 2500)
    truth = villages["y"].sum()
    both = {"strata": "sample", "weights": "w"}
    two = sipas.Design(frame, clusters=["v", "h"], fpc=["N", "M"], **both)
    totals = sipas.total(two, "y", by="sample").frame
    assert agrees(totals, truth)
    open_ended = sipas.total(sipas.Design(frame, clusters="v", **both), "y", by="sample").frame
    assert not agrees(open_ended, truth)
    one = sipas.Design(frame, clusters="v", fpc="N", **both)
    assert not agrees(sipas.total(one, "y", by="sample").frame, truth)


def test_a_census_of_all_stages_has_no_error(villages):
    """All 12 villages, all households: the total is known."""
    frame = villages.assign(h=np.arange(len(villages)))
    design = sipas.Design(frame, clusters=["v", "h"], fpc=["N", "M"])
    totals = sipas.total(design, "y").frame
    assert totals["se"].item() == 0
    assert totals["value"].item() == pytest.approx(villages["y"].sum())


# ── replicates against linearisation (V4)


@pytest.fixture(scope="module")
def strata_of_pairs():
    """24 strata of two clusters of 2 to 6 forms, with weights."""
    rng = generator(13)
    sizes = rng.integers(2, 7, 48)
    number = np.repeat(np.arange(48), sizes)
    x = rng.gamma(4, 2, number.size) + rng.normal(0, 1, 48)[number]
    y = 2 * x + rng.normal(0, 3, number.size)
    w = rng.uniform(1, 3, number.size)
    return pd.DataFrame({"h": number // 2, "c": number, "x": x, "y": y, "w": w})


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [
        ("JK1", 0.03),
        ("JKn", 0.03),
        ("BRR", 0.05),
        (Replicates("Fay", fay=0.3), 0.05),
        (Replicates("bootstrap", count=4000), 0.06),
    ],
    ids=["JK1", "JKn", "BRR", "Fay", "bootstrap"],
)
@pytest.mark.quick_cases(1)
def test_made_replicates_agree_with_linearisation(strata_of_pairs, kind, tolerance):
    """A total exactly (the bootstrap by chance), a ratio and a mean nearly; the same value."""
    strata = None if kind == "JK1" else "h"
    plain = sipas.Design(strata_of_pairs, weights="w", strata=strata, clusters="c")
    made = replace(plain, replicates=kind)
    for of in (
        lambda it: sipas.total(it, "y"),
        lambda it: sipas.ratio(it, "y", "x"),
        lambda it: sipas.mean(it, "y"),
    ):
        wanted, found = of(plain).frame, of(made).frame
        assert found["value"].item() == pytest.approx(wanted["value"].item(), rel=1e-12)
        assert found["se"].item() == pytest.approx(wanted["se"].item(), rel=tolerance)
        assert found["df"].item() == wanted["df"].item()
    if isinstance(kind, str) or kind.kind == "Fay":
        exact = [sipas.total(it, "y").frame["se"].item() for it in (plain, made)]
        assert exact[1] == pytest.approx(exact[0], rel=1e-10)


# ── lonely strata (V5)


@pytest.fixture(scope="module")
def lonely():
    """Strata a, b, c of 2, 1, 2 clusters with totals (3, 1), (9), (2, 6); weights 1."""
    return pd.DataFrame({"h": list("aabcc"), "c": range(5), "y": [3.0, 1, 9, 2, 6]})


@pytest.mark.parametrize(
    ("remedy", "wanted"),
    [
        # Own strata: 2·(1 + 1) = 4 and 2·(4 + 4) = 16.
        ("certainty", 4 + 16),  # the lonely one adds nothing
        ("average", (4 + 16) * 3 / 2),  # as much as the mean of the others
        (
            "adjust",
            4 + 16 + 9.0**2,
        ),  # its total around 0, as R (a mean's z add up to 0, a total's do not)
        ("merge", 4 + 3 / 2 * ((9 - 17 / 3) ** 2 + (2 - 17 / 3) ** 2 + (6 - 17 / 3) ** 2)),
    ],
)
def test_each_remedy_of_a_lonely_stratum_by_hand(lonely, remedy, wanted):
    """The variance of a total."""
    design = sipas.Design(lonely, strata="h", clusters="c", lonely=remedy)
    totals = sipas.total(design, "y")
    assert totals.frame["se"].item() ** 2 == pytest.approx(wanted)
    assert totals.covariance().to_numpy().item() == pytest.approx(wanted)


@pytest.mark.slow
def test_remedies_over_many_samples():
    """One of five strata gives one cluster: certainty is too small, the others are not."""
    rng, samples = generator(14), 3000
    stratum = np.array([0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 4, 4, 4])
    y = rng.normal(10, 2, (samples, stratum.size))
    frame = pd.DataFrame(
        {
            "sample": np.repeat(np.arange(samples), stratum.size),
            "h": np.tile(stratum, samples),
            "y": y.ravel(),
        }
    )
    true = y.sum(axis=1).var()
    frame["c"] = frame.groupby("sample").cumcount()
    mean = {}
    for remedy in ("certainty", "average", "merge", "adjust"):
        squares = [
            sipas.total(sipas.Design(one, strata="h", clusters="c", lonely=remedy), "y")
            .frame["se"]
            .item()
            ** 2
            for _, one in frame[frame["sample"] < 100].groupby("sample")
        ]
        mean[remedy] = np.mean(squares) / true
    print({remedy: round(float(it), 3) for remedy, it in mean.items()})
    assert mean["certainty"] == pytest.approx(12 / 13, abs=0.1)
    assert mean["average"] == pytest.approx(15 / 13, abs=0.15)
    assert mean["merge"] == pytest.approx(1, abs=0.1)
    assert mean["adjust"] > mean["merge"]
