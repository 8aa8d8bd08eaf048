"""Models under replicates and domains, their tests, predictions and means: models.R made models/.

Coefficients, errors, df and p of linear, binary, Poisson and ordered models; Wald's test, the
working likelihood ratio and the working Wald test; predictions and adjusted means with errors and
differences. At a relative 1e-8, but for ordered logits, whose maximum R finds to 1e-7.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.infer.design import Replicates
from sipas_analysis.infer.weighting import rake

HERE = Path(__file__).parent
TYPES = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}


def made_by_r(name):
    return pd.read_csv(HERE / "models" / f"{name}.csv", keep_default_na=False, na_values={"p": ""})


COEFFICIENTS, TESTS, PREDICTIONS, ADJUSTED, SEQUENCES, IMPORTANCE = (
    made_by_r(name)
    for name in ("coefficients", "tests", "predictions", "adjusted", "sequences", "importance")
)
HALVES = pd.read_csv(HERE / "models" / "halves.csv")


def api(name, **roles):
    return sipas.Design(pd.read_csv(HERE / "drivers" / f"{name}.csv"), **roles)


def halves(kind="", letter="", **options):
    if not kind:
        return sipas.Design(HALVES, weights="pw", strata="stratum", clusters="cluster")
    columns = [name for name in HALVES if name[0] == letter and name[1:].isdigit()]
    replicates = Replicates(kind, columns, combined=False, **options)
    return sipas.Design(HALVES, weights="pw", replicates=replicates)


STRAT = {"weights": "pw", "strata": "stype", "fpc": "fpc"}
CLUS1 = {"weights": "pw", "clusters": "dnum", "fpc": "fpc"}
NO_H = "stype != 'H'"
DESIGNS = {
    "srs": lambda: sipas.Design(pd.read_csv(HERE / "drivers" / "strat.csv")),
    "strat": lambda: api("strat", **STRAT),
    "clus1": lambda: api("clus1", **CLUS1),
    "clus2": lambda: api("clus2", weights="pw", clusters=["dnum", "snum"], fpc=["fpc1", "fpc2"]),
    "raked": lambda: rake(design_of("clus1"), {"stype": TYPES, "sch_wide": WIDE}, tolerance=1e-12),
    "strat_part": lambda: design_of("strat").subset(NO_H),
    "clus1_part": lambda: design_of("clus1").subset(NO_H),
    "raked_part": lambda: design_of("raked").subset(NO_H),
    "zero": lambda: sipas.Design(
        design_of("clus1").frame.assign(
            zero=lambda f: f["pw"].where((f["stype"] != "M") | (f["meals"] <= 50), 0.0)
        ),
        weights="zero",
        clusters="dnum",
    ),
    "clus1_jk1": lambda: api("clus1", **CLUS1, replicates="JK1"),
    "clus1_jk1_mse": lambda: api("clus1", **CLUS1, replicates=Replicates("JK1", mse=True)),
    "clus1_jk1_part": lambda: design_of("clus1_jk1").subset(NO_H),
    "strat_jkn": lambda: api("strat", **STRAT, replicates="JKn"),
    "halves": halves,
    "halves_brr": lambda: halves("BRR", "b"),
    "halves_brr_mse": lambda: halves("BRR", "b", mse=True),
    "halves_fay": lambda: halves("Fay", "f", fay=0.3),
    "halves_jkn": lambda: halves("JKn", "j", rscales=[0.5] * 28),
    "halves_boot": lambda: halves("bootstrap", "s"),
    "halves_boot_mse": lambda: halves("bootstrap", "s", mse=True),
    "halves_brr_part": lambda: halves("BRR", "b").subset("woman == 1"),
}


@cache
def design_of(name):
    return DESIGNS[name]()


@cache
def fit_of(case):
    name, family, formula = case.split(": ", 2)
    return sipas.fit(design_of(name), formula, family)


def in_our_words(name):
    """Return R's name of a coefficient (``stypeH``, ``agea2``) as formulaic writes it."""
    for factor in ("stype", "age"):
        for part in name.split(":"):
            if part.startswith(factor) and part != factor:
                name = name.replace(part, f"{factor}[T.{part.removeprefix(factor)}]")
    return name


def close(got, want, rel=1e-8):
    np.testing.assert_allclose(
        np.asarray(got, float), np.asarray(want, float), rtol=rel, atol=1e-12
    )


def list_cases(table, quick):
    """Return the cases of a table; all but the quick ones are slow tests."""
    return [
        pytest.param(case, marks=[] if case in quick else pytest.mark.slow)
        for case in table["case"].unique()
    ]


QUICK = (
    "clus1_jk1: binomial: wide ~ meals + mobility + stype",
    "halves_brr: gaussian: y ~ x + woman + age",
    "raked_part: gaussian: api00 ~ meals + ell",
)


@pytest.mark.parametrize("case", list_cases(COEFFICIENTS, QUICK))
@pytest.mark.quick_cases(1)
def test_every_figure_of_a_model_equals_r(case):
    """Coefficients with errors, tests of chosen variables, predictions, adjusted means."""
    fit = fit_of(case)
    want = COEFFICIENTS[COEFFICIENTS["case"] == case]
    assert fit.frame["variable"].tolist() == [in_our_words(name) for name in want["variable"]]
    rel = 1e-8 if fit.family != "ordinal" else 1e-6  # as near as polr comes to its maximum
    for column in ("value", "se", "df", "low", "high", "p"):
        close(fit.frame[column], want[column], rel)
    for row in TESTS[TESTS["case"] == case].to_dict("records"):
        method, _, how = row["method"].partition(" ")
        infinite = how == "infinite" or row["ddf"] == ""
        options = {"ddf": np.inf} if infinite else {}
        if how in ("saddlepoint", "satterthwaite"):
            options["approximation"] = how
        got = fit.test(row["terms"], method, **options)
        assert got.df == row["df"]
        close([got.f], [row["f"]])
        assert infinite or got.ddf == pytest.approx(float(row["ddf"]))
        close([got.p], [row["p"]])
        if method == "wald":
            close([got.chisq], [row["chisq"]])
    check_predictions(case, fit)


def check_predictions(case, fit):
    """Predictions of three forms, adjusted means of every level and their differences."""
    rows = PREDICTIONS[PREDICTIONS["case"] == case]
    for kind, want in rows.groupby("type"):
        got = fit.predict(PEOPLE if "halves" in case else schools(len(want)), kind).frame
        close(got["value"], want["value"])
        close(got["se"], want["se"])
    want = ADJUSTED[ADJUSTED["case"] == case].set_index("answer")
    if len(want):
        means = fit.adjusted_means(want["variable"].iloc[0])
        levels = means.frame["answer"].astype(str)
        close(means.frame["value"], want.loc[levels, "value"])
        close(means.frame["se"], want.loc[levels, "se"])
        gaps = means.differences().set_index("contrast")
        for level in levels[1:]:
            row = want.loc[f"{level} - {levels[0]}"]
            close(gaps.loc[f"{level} − {levels[0]}", ["value", "se"]], row[["value", "se"]])


PEOPLE = pd.DataFrame({"x": [-1, 0.25, 2], "woman": [0, 1, 1], "age": ["a1", "a2", "a4"]})
SCHOOLS = pd.DataFrame(
    {
        "stype": ["E", "H", "M"],
        "meals": [10, 50, 90.5],
        "ell": [0, 20, 61.25],
        "mobility": [5, 10, 20],
    }
)


def schools(n):
    return SCHOOLS if n == len(SCHOOLS) else SCHOOLS.iloc[[0, 2]]


QUICK_SEQUENCE = ("clus1: gaussian: api00 ~ meals * stype + mobility",)


@pytest.mark.parametrize("case", list_cases(SEQUENCES, QUICK_SEQUENCE))
def test_each_term_after_those_before_it(case):
    """R ``anova`` of ``svyglm``; glm.fit leaves the errors of a logit right to 1e-7."""
    fit, rows = fit_of(case), SEQUENCES[SEQUENCES["case"] == case]
    for method, want in rows.groupby("method"):
        got = fit.anova(method).frame
        assert got["variables"].tolist() == want["terms"].tolist()
        for column in ("f", "df", "ddf", "p"):
            close(got[column], want[column], 1e-6)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("case", list_cases(IMPORTANCE, ("clus1_jk1", "halves_fay")))
def test_shares_are_divided_again_under_each_replicate(case):
    """LMG by R ``withReplicates``; linearisation gives other errors."""
    want = IMPORTANCE[IMPORTANCE["case"] == case]
    request = design_of(case), want["outcome"].iloc[0], want["variable"].tolist()
    got = sipas.importance(*request).frame
    for column in ("value", "se", "df"):
        close(got[column], want[column])
    linearised = sipas.importance(*request, errors="linearised").frame
    close(linearised["value"], want["value"])
    assert not np.allclose(linearised["se"], want["se"], rtol=1e-4)
