"""Quantiles by hand (rule I4); R's figures are in tests/reference/test_tables_in_r.py."""

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError, ParameterError
from sipas_analysis.infer.quantiles import find_quantile

FRAME = pd.DataFrame(
    {
        "days": [9.0, 1, 3, np.nan, 5, 7, 2, 4],
        "town": ["b", "a", "a", "a", "b", "b", "c", None],
        "w": [1.0, 2, 2, 5, 1, 1, 1, 0],
        "word": list("aabbccdd"),
    }
)


def test_a_weighted_median_by_hand():
    """Town a: 1 and 3 weigh 2 each, half at 1; b: 5, 7, 9; c: one form; a blank is left out."""
    got = sipas.quantile(sipas.Design(FRAME[:7], weights="w"), "days", by="town").frame
    assert got["value"].tolist() == [1, 7, 2]
    assert got["n_valid"].tolist() == [2, 3, 1]
    assert got["method"].tolist() == ["woodruff-mean", "woodruff-mean", "none"]
    assert got[["variable", "quantile"]].to_numpy().tolist() == [["days", 0.5]] * 3


def test_the_interval_is_that_of_the_share_turned_back():
    """100 forms 1 to 100: p̂ = 0.5, se = √(0.25/99), t on 99 df: shares 0.4003 and 0.5997."""
    got = sipas.quantile(sipas.Design(pd.DataFrame({"x": np.arange(1.0, 101)})), "x").frame.iloc[0]
    assert (got["value"], got["low"], got["high"], got["df"]) == (50, 41, 60, 99)
    assert got["se"] == pytest.approx(19 / (2 * 1.9842169515), rel=1e-9)


def test_a_beta_interval_between_two_values_is_that_of_r():
    """R survey 4.1, ``svyquantile(~days, s, .5, interval.type="beta", qrule="hf7")``.

    A rule that stays at a value would hide a small error of the share's interval. SciPy before
    1.17 inverts the beta distribution to eleven digits.
    """
    days = [1.0, 2, 4, 5, 9, 30, 7, 8, 3, 12, 15, 22]
    frame = pd.DataFrame({"days": days, "town": np.repeat(range(6), 2)})
    frame["w"] = [1, 2, 1, 3, 1, 2, 2, 1, 1, 1, 2, 1]
    design = sipas.Design(frame, weights="w", clusters="town")
    got = sipas.quantile(design, "days", method="beta", qrule="hf7").frame
    wanted = [2.37973493814639, 22.13017485021101, 3.84162831119820]
    assert got[["low", "high", "se"]].iloc[0].tolist() == pytest.approx(wanted, rel=1e-11)


def test_r_and_numpy_agree_on_equal_weights():
    """Rules 4 to 9 of Hyndman and Fan are those of NumPy."""
    x = np.array([1.0, 2, 4, 8, 16, 32, 64])
    for rule, name in {
        "hf5": "hazen",
        "hf6": "weibull",
        "hf7": "linear",
        "hf8": "median_unbiased",
        "hf9": "normal_unbiased",
        "hf4": "interpolated_inverted_cdf",
    }.items():
        for share in (0.2, 0.5, 0.77):
            wanted = np.quantile(x, share, method=name)
            assert find_quantile(x, np.ones(7), share, rule) == pytest.approx(wanted)


def test_nobody_who_answered_has_no_quantile():
    """A blank group and a form without weight; a group stays in the table."""
    frame = FRAME.assign(days=FRAME["days"].where(FRAME["town"] != "c"))
    got = sipas.quantile(sipas.Design(frame[:7], weights="w"), "days", [0.1, 0.9], "town").frame
    assert got.loc[got["town"] == "c", ["value", "low", "se"]].isna().all().all()
    assert len(got) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variables": "word"}, "quantile_text"),
        ({"q": 50}, "quantile_share"),
        ({"q": "half"}, "quantile_share"),
        ({"variables": []}, "no_variable"),
        ({"variables": "dais"}, "design_column"),
        ({"qrule": "hf10"}, "word"),
        ({"method": "wald"}, "word"),
        ({"method": "quantile"}, "quantile_replicates"),
    ],
)
def test_a_mistake_gets_one_sentence(change, message):
    """Text, percent for a share, a misspelt name."""
    with pytest.raises((DesignError, ParameterError)) as caught:
        sipas.quantile(sipas.Design(FRAME), **{"variables": "days", **change})
    assert caught.value.message_id == message
