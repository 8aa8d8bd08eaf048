"""Quantiles, tests of cross-tables and of groups against R `survey` 4.1-1: tables.R made tables/.

Every figure is compared at a relative 1e-8 (rules I4, I5 and I6). An empty cell is a figure that R
does not have. The designs are those of test_part2.py.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_part2 import design_of

import sipas_analysis as sipas

HERE = Path(__file__).parent / "tables"


def read(name):
    figures = ("value", "se", "low", "high", "statistic", "df", "df2", "p")
    blanks = dict.fromkeys(figures, "")
    return pd.read_csv(HERE / f"{name}.csv", keep_default_na=False, na_values=blanks)


QUICK = ("apiclus2", "apiclus1_boot", "odd1")


def by_case(name):
    """Return the designs of a table; some are slow."""
    cases = read(name)["case"].unique()
    return [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in cases]


def check(ours, theirs, rel=1e-8):
    """Compare figure by figure; R's empty cell is our NaN."""
    assert np.asarray(ours, dtype=float) == pytest.approx(
        np.asarray(theirs, dtype=float), rel=rel, abs=1e-12, nan_ok=True
    )


@pytest.mark.parametrize("case", by_case("quantiles"))
@pytest.mark.quick_cases(1)
def test_quantiles_and_their_intervals_are_those_of_r(case):
    """Nine designs, by domain, four intervals and twelve rules (rule I4)."""
    groups = ["variable", "by", "method", "qrule"]
    table = read("quantiles")
    for (variable, by, method, rule), rows in table[table["case"] == case].groupby(groups):
        shares = rows["q"].unique().tolist()
        got = sipas.quantile(
            design_of(case), variable, shares, by=by or (), method=method, qrule=rule
        ).frame
        got = got.assign(domain=got[by].astype(str) if by else "")
        both = rows.rename(columns={"q": "quantile"}).merge(
            got, on=["domain", "quantile"], suffixes=("_r", "")
        )
        assert len(both) == len(rows)
        for figure in ("value", "low", "high", "se", "df"):
            check(both[figure], both[f"{figure}_r"])


@pytest.mark.parametrize("case", by_case("chisq"))
@pytest.mark.quick_cases(1)
def test_tests_of_cross_tables_are_those_of_r(case):
    """Ten designs: two orders of Rao and Scott, Wald, adjusted Wald, saddlepoint (rule I5)."""
    tables = read("chisq")
    for (rows, columns), theirs in tables[tables["case"] == case].groupby(["rows", "columns"]):
        table = sipas.cross_table(design_of(case), rows, columns)
        ours = table.tests.set_index("test").loc[theirs["test"]].reset_index()
        for figure in ("statistic", "df", "df2"):
            check(ours[figure], theirs[figure])
        is_root = (theirs["test"] == "saddlepoint").to_numpy()  # R's root has eight digits
        check(ours["p"][~is_root], theirs["p"][~is_root], rel=1e-7)
        check(ours["p"][is_root], theirs["p"][is_root], rel=1e-4)


@pytest.mark.parametrize("case", by_case("groups"))
@pytest.mark.quick_cases(1)
def test_tests_of_groups_are_those_of_r(case):
    """t of two means; Wilcoxon, van der Waerden, median, Kruskal–Wallis by design (rule I6)."""
    table = read("groups")
    for theirs in table[table["case"] == case].itertuples():
        design, question = design_of(theirs.case), (theirs.variable, theirs.group)
        if theirs.test == "t":
            ours = sipas.t_test(design, *question)
        else:
            ours = sipas.rank_test(design, *question, test=theirs.test)
        for figure in ("value", "statistic", "df", "df2", "p"):
            check(ours.frame[figure], [getattr(theirs, figure)])
        if theirs.test == "t":
            check(ours.frame[["low", "high"]], [[theirs.low, theirs.high]])
