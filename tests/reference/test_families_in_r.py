"""Counts, unordered answers, few clusters, given imputations against R: families.R made families/.

R ``svyglm(family = quasipoisson)``; ``nnet::multinom`` with Newton's steps and ``svyrecvar`` on
its scores; ``clubSandwich`` (CR2, Satterthwaite); ``mitools::MIcombine``. Average effects by an
infinitesimal jackknife in R. Every figure is compared at a relative 1e-8.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.infer.weighting import post_stratify

HERE = Path(__file__).parent
NUMBERS = ["value", "se", "df", "p", "low", "high"]
FIGURES = pd.read_csv(
    HERE / "families" / "figures.csv",
    dtype=dict.fromkeys(["kind", "case", "answer", "term"], str),
    keep_default_na=False,
    na_values=dict.fromkeys(NUMBERS, ""),
)
TEXTS = ("stype", "channel", "kind")


@cache
def frame(name):
    forms = pd.read_csv(HERE / "drivers" / f"{name}.csv")
    if name == "forms":
        forms["low"] = (forms[[f"d{k:02d}" for k in range(1, 23)]] <= 2).sum(axis=1)
    return forms


def of_s2():
    return frame("forms")[frame("forms")["stratum"] == "s2"]


DESIGNS = {
    "strat": lambda: sipas.Design(frame("strat"), weights="pw", strata="stype", fpc="fpc"),
    "plain": lambda: sipas.Design(frame("strat")),
    "single": lambda: sipas.Design(frame("strat")),
    "clus1": lambda: sipas.Design(frame("clus1"), weights="pw", clusters="dnum", fpc="fpc"),
    "clus1_open": lambda: sipas.Design(frame("clus1"), clusters="dnum"),
    "clus2": lambda: sipas.Design(
        frame("clus2"), weights="pw", clusters=["dnum", "snum"], fpc=["fpc1", "fpc2"]
    ),
    "clus2_open": lambda: sipas.Design(frame("clus2"), weights="pw", clusters="dnum"),
    "clus1_post": lambda: post_stratify(
        DESIGNS["clus1"](), "stype", {"E": 4421, "H": 755, "M": 1018}
    ),
    "forms": lambda: sipas.Design(
        frame("forms"), weights="w", strata="stratum", clusters="cluster"
    ),
    "s2": lambda: sipas.Design(of_s2(), weights="w", clusters="cluster"),
    "s2_equal": lambda: sipas.Design(of_s2(), clusters="cluster"),
}


def fitted(case, family, **options):
    name, formula = case.split(": ", 1)
    name, is_part, _ = name.partition(" without H")
    if " + offset(log(enroll))" in formula:
        formula, options = (
            formula.replace(" + offset(log(enroll))", ""),
            {
                "offset": "log(enroll)",
                **options,
            },
        )
    design = DESIGNS[name]()
    design = design.subset("stype != 'H'") if is_part else design
    return sipas.fit(design, formula, family, **options)


def in_our_words(term):
    text = next((it for it in TEXTS if term.startswith(it) and term != it), None)
    return f"{text}[T.{term[len(text) :]}]" if text else term


def close(have, want, *, rel=1e-8, noise=0.0):
    have, want = np.asarray(have, dtype=float), np.asarray(want, dtype=float)
    assert have.shape == want.shape
    assert np.isnan(have).tolist() == np.isnan(want).tolist()
    np.testing.assert_allclose(have, want, rtol=rel, atol=noise)


def rows_of(kind):
    return dict(iter(FIGURES[FIGURES["kind"] == kind].groupby("case", sort=False)))


def compare(table, want, *, columns=NUMBERS):
    """A coefficient near 0 is compared by its error."""
    assert list(table["variable"]) == [in_our_words(term) for term in want["term"]]
    for name in columns:
        noise = 1e-9 * want["se"].max() if name in ("value", "low", "high") else 0.0
        close(table[name], want[name], noise=noise)


@pytest.mark.slow
def test_counts_equal_r():
    """Strata, clusters, two stages, post-stratification, a domain, an offset, blanks."""
    for case, want in rows_of("poisson").items():
        model = fitted(case, "poisson")
        compare(model.frame, want)
        ratios = model.frame.query("variable != 'Intercept'")
        assert np.allclose(np.log(ratios["rate_low"]), ratios["low"], rtol=1e-12)
        assert "odds_ratio" not in model.frame
        if "0 +" not in case:  # R's null model then is μ = 1
            close(model.r_squared, rows_of("deviance")[case]["value"].iloc[0])


@pytest.mark.slow
def test_unordered_answers_equal_r():
    """The first answer in order is the reference; two answers are a binary logit."""
    for case, want in rows_of("multinomial").items():
        model = fitted(case, "multinomial")
        assert [str(it) for it in model.frame["answer"]] == list(want["answer"])
        compare(model.frame, want, columns=["value", "se", "df"])
        close(model.r_squared, rows_of("mcfadden")[case]["value"].iloc[0])


def test_replicates_are_fitted_again_as_in_r():
    """Jackknife by cluster: the differences of the refitted coefficients are the error."""
    design = sipas.Design(
        frame("forms"), weights="w", strata="stratum", clusters="cluster", replicates="JKn"
    )
    for case, want in rows_of("replicates").items():
        is_count = case.startswith("low")
        model = sipas.fit(design, case, "poisson" if is_count else "multinomial")
        compare(model.frame, want, columns=["value", "se", "df", *(["p"] if is_count else [])])


@pytest.mark.slow
def test_average_effects_equal_r():
    """In counts for a Poisson model, in points of each answer for a multinomial one."""
    for case, want in rows_of("effect").items():
        family = "multinomial" if want["answer"].any() else "poisson"
        if "d02" in case:
            forms = frame("forms").assign(d02=frame("forms")["d02"].clip(upper=4))
            design = sipas.Design(forms, weights="w", strata="stratum", clusters="cluster")
            model = sipas.fit(design, case.split(": ")[1], family)
        else:
            offset = "log(enroll)" if "api_stu" in case else None
            model = fitted(case, family, offset=offset)
        table = model.margins()
        compare(table, want, columns=["value", "se"])
        if family == "multinomial":
            levels = dict(zip(map(str, range(1, 9)), model.levels, strict=False))
            assert list(table["answer"]) == [levels[it] for it in want["answer"]]
            assert table.groupby("variable")["value"].sum().abs().max() < 1e-10


@pytest.mark.slow
def test_pooled_imputations_equal_r():
    """MIcombine's complete data have infinite df; Barnard and Rubin's df by their formula in R."""
    for case, unbounded in rows_of("rubin").items():
        samples = []
        for m in range(1, 6):
            made = DESIGNS["strat"]()
            filled = made.frame["meals"] * (0.2 + 0.1 * m) + m
            ell = made.frame["ell_blank"].fillna(filled)
            samples.append(made.assign(ell_full=ell))
        if case.startswith("mean"):
            results, pool = [sipas.mean(it, "ell_full") for it in samples], sipas.pool_estimates
        else:
            family = "binomial" if case.startswith("wide") else "gaussian"
            results = [sipas.fit(it, case, family) for it in samples]
            pool = sipas.pool_fits
        table = pool(results, df=np.inf).frame
        columns = [name for name in NUMBERS if name in table]
        compare(table, unbounded, columns=columns)
        close(table["missing_information"], rows_of("missing")[case]["value"])
        table, bounded = pool(results).frame, rows_of("barnard")[case]
        close(table["missing_information"], bounded["value"])
        for name in columns[1:]:
            close(table[name], bounded[name], noise=1e-9 * bounded["se"].max())


@pytest.mark.slow
def test_cr2_equals_r():
    """Linear, logit, counts; weighted and not; unequal clusters; each form its own (HC2)."""
    for case, want in rows_of("cr2").items():
        left = case.split(": ")[1].split(" ~ ")[0]
        family = {"satisfied": "binomial", "low": "poisson", "api_stu": "poisson"}.get(
            left, "gaussian"
        )
        model = fitted(case, family, errors="cr2")
        compare(model.frame, want)
        for row in rows_of("cr2 covariance").get(case, want.iloc[:0]).itertuples():
            first, second = in_our_words(row.term), in_our_words(row.answer)
            close(model.covariance().loc[first, second], row.value, rel=1e-7)
