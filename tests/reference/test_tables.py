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


def check(ours, theirs, rel=1e-8):
    """Compare figure by figure; R's empty cell is our NaN."""
    assert np.asarray(ours, dtype=float) == pytest.approx(
        np.asarray(theirs, dtype=float), rel=rel, abs=1e-12, nan_ok=True
    )


def test_quantiles_and_their_intervals_are_those_of_r():
    """Nine designs, by domain, four intervals and twelve rules (rule I4)."""
    groups = ["case", "variable", "by", "method", "qrule"]
    for (case, variable, by, method, rule), rows in read("quantiles").groupby(groups, sort=False):
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
