"""Parts of a sample, weights of zero and of fractions, variances and text against R `survey`.

tests/reference/design.R made the figures; here every one is made again by the public functions.
Relative tolerance 1e-8 (1e-6 for a logit, which R stops early).
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.infer.design import Replicates
from sipas_analysis.infer.weighting import post_stratify, rake

HERE = Path(__file__).parent
TEXTS = ["case", "condition", "statistic", "variable", "answer", "by", "domain"]
FIGURES = ["value", "se", "low", "high", "df", "deff"]
MADE_BY_R = pd.read_csv(
    HERE / "design" / "expected.csv",
    dtype=dict.fromkeys(TEXTS, str),
    keep_default_na=False,
    na_values=dict.fromkeys(FIGURES, ""),
)
TYPES = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}


@cache
def frame(name):
    table = pd.read_csv(HERE / "part2" / f"{name}.csv")
    if name == "apistrat":
        table["N"] = 6194
        table["w0"] = table["pw"].where(table["snum"] % 4 != 0, 0.0)
    if name == "apiclus1":
        gone = table["dnum"].isin([61, 135]) | (table["snum"] % 5 == 0)
        table["w0"] = table["pw"].where(~gone, 0.0)
    return table


def declare(name, weights=None, **options):
    return sipas.Design(frame(name), weights=weights, **options)


def odd(name, weights="w", **options):
    return declare(name, weights, strata="stratum", clusters="cluster", **options)


def given(name, letter, weights, kind, **options):
    columns = [column for column in frame(name) if column[0] == letter and column[1:].isdigit()]
    return declare(name, weights, replicates=Replicates(kind, columns=columns, **options))


STAGES = {"clusters": ["dnum", "snum"], "fpc": ["fpc1", "fpc2"]}
CLUSTERS = {"clusters": "dnum", "fpc": "fpc"}
STRATA = {"strata": "stype", "fpc": "fpc"}
THREE = {"strata": "stratum", "clusters": ["psu", "ssu", "tsu"], "fpc": ["f1", "f2", "f3"]}
PEOPLE = {"strata": "SDMVSTRA", "clusters": "SDMVPSU"}
BOOT = {"scale": 15 / (14 * 39), "rscales": [1.0] * 40}
DESIGNS = {
    "simple": lambda: declare("apistrat", fpc="N"),
    "strat": lambda: declare("apistrat", "pw", **STRATA),
    "clus1": lambda: declare("apiclus1", "pw", **CLUSTERS),
    "clus2": lambda: declare("apiclus2", "pw", **STAGES),
    "post": lambda: post_stratify(design_of("clus1"), "stype", TYPES),
    "raked": lambda: rake(design_of("clus1"), {"stype": TYPES, "sch.wide": WIDE}, 1e-12),
    "people": lambda: declare("nhanes", "WTMEC2YR", **PEOPLE),
    "odd1": lambda: odd("odd1"),
    "odd1_fpc": lambda: odd("odd1", fpc="clusters"),
    "odd3": lambda: declare("odd3", "w", **THREE),
    "clus1_jk1": lambda: declare("apiclus1", "pw", **CLUSTERS, replicates="JK1"),
    "pairs_jkn": lambda: odd("pairs", replicates="JKn"),
    "pairs_brr": lambda: given("pairs", "h", "w", "BRR", combined=False),
    "pairs_fay": lambda: given("pairs", "f", "w", "Fay", combined=False, fay=0.3),
    "pairs_jk2": lambda: given("pairs", "j", "w", "JK2"),
    "pairs_acs": lambda: given("pairs", "j", "w", "ACS"),
    "pairs_other": lambda: given("pairs", "j", "w", "other", scale=0.1, rscales=[1.0, 2.0] * 7),
    "clus1_boot": lambda: given("apiclus1", "b", "pw", "bootstrap", **BOOT),
    "strat_zero": lambda: declare("apistrat", "w0", **STRATA),
    "clus1_zero": lambda: declare("apiclus1", "w0", **CLUSTERS),
    "strat_fpc": lambda: declare("apistrat", **STRATA),
    "clus1_fpc": lambda: declare("apiclus1", **CLUSTERS),
    "clus2_fpc": lambda: declare("apiclus2", **STAGES),
    "odd3_fpc": lambda: declare("odd3", **THREE),
    "odd1_fpc_only": lambda: odd("odd1", None, fpc="clusters"),
}
QUICK = ["clus1_zero", "clus2_fpc"]
CASES = [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in DESIGNS]


@cache
def design_of(case):
    return DESIGNS[case]()


@cache
def part_of(case, condition):
    design = design_of(case)
    return design.subset(condition) if condition else design


def estimates_of(design, statistic, variable, by):
    """Return our figures of one statistic, with the names that R wrote."""
    keys = [by] if by else []
    if statistic.startswith("share_"):
        method = {"xlogit": "logit", "mean": "wald"}.get(statistic[6:], statistic[6:])
        design = design.assign(share=lambda forms: forms.eval(variable))
        return sipas.proportion(design, "share", method=method).frame
    if statistic.startswith("fit_"):
        outcome, _, predictors = variable.partition(" ~ ")
        if outcome.startswith("I("):
            condition = outcome[2:-1]
            design = design.assign(above=lambda forms: forms.eval(condition).astype(int))
            outcome = "above"
        family = "binomial" if statistic == "fit_quasibinomial" else "gaussian"
        table = sipas.fit(design, f"{outcome} ~ {predictors}", family).frame
        return table.assign(answer=table["variable"].replace("Intercept", "(Intercept)"))
    if statistic == "ratio":
        return sipas.ratio(design, *variable.split("/"), by=keys).frame
    if statistic == "pairs":
        names = ["api00", "api99", "meals"] if variable[0] in "am" else ["y", "z"]
        return sipas.variance(design, names, pairs=True).select(variable=variable).frame
    make = getattr(sipas, statistic)
    return make(design, variable, by=keys).frame


def find_gap(want, have, value, statistic):
    """Return how far ours is from R's in tolerances; what R has as rounding, we have as 0."""
    tolerance = 1e-6 if statistic == "fit_quasibinomial" else 1e-8
    return np.abs(have - want) / (tolerance * np.abs(want) + 1e-13 + 1e-14 * np.abs(value))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_parts_weights_and_variances_equal_r(case):
    """Every figure that R has for this design; the worst is named."""
    rows = MADE_BY_R[MADE_BY_R["case"] == case]
    n_compared, worst = 0, []
    for group, wanted in rows.groupby(["condition", "statistic", "variable", "by"], sort=False):
        condition, statistic, variable, by = group
        table = estimates_of(part_of(case, condition), statistic, variable, by)
        keys = table[by].astype(str) if by else [""] * len(table)
        answers = table["answer"].astype(str) if "answer" in table else [""] * len(table)
        ours = table.set_index([pd.Index(answers), pd.Index(keys)])
        value = wanted["value"].to_numpy()
        ours = ours.loc[list(zip(wanted["answer"], wanted["domain"], strict=True))]
        for name in [figure for figure in FIGURES if wanted[figure].notna().any()]:
            want, have = wanted[name].to_numpy(), ours[name].to_numpy(dtype=float)
            alone = (wanted["df"] == 0).to_numpy() & (name != "value")  # no error (rule V3)
            assert np.isnan(have[alone]).all()
            compared = ~np.isnan(want) & ~alone
            off = np.where(compared, find_gap(want, have, value, statistic), 0.0)
            off = np.where(np.isnan(off), np.inf, off)
            n_compared += int(compared.sum())
            worst += [
                (
                    float(off[at]),
                    *group,
                    wanted.iloc[at]["answer"],
                    wanted.iloc[at]["domain"],
                    name,
                    want[at],
                    have[at],
                )
                for at in np.flatnonzero(off > 1)
            ]
    assert n_compared > 20
    listed = "\n".join(map(str, sorted(worst, key=lambda row: -row[0])[:20]))
    assert not worst, f"{len(worst)} of {n_compared} figures differ:\n{listed}"


def test_no_figure_of_r_is_left_out():
    """Every case that R made has a design above."""
    assert set(MADE_BY_R["case"]) == set(DESIGNS)
    assert MADE_BY_R[FIGURES].notna().to_numpy().sum() > 7000
