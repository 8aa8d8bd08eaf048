"""Steps, shares of the limit and late files against R: quantile, survey, binom.test, own Newton."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sipas_analysis.records.late_again import find_limits
from sipas_analysis.records.late_effects import fit_effects
from sipas_analysis.records.steps import find_bottleneck, measure_steps
from sipas_analysis.records.timeliness import add_shares

HERE = Path(__file__).parent / "records_steps"
MONDAY = pd.Timestamp("2021-01-04")


@pytest.fixture(scope="module")
def made():
    """Movements and dossiers that R made, on a calendar in which every second is worked."""
    rows = pd.read_csv(HERE / "dossiers.csv")
    start = (MONDAY + pd.to_timedelta(7 * rows["week"], unit="D")).astype("datetime64[s]")
    due = start + pd.to_timedelta(rows["limit"], unit="s")
    dossiers = pd.DataFrame({"dossier": rows["dossier"], "start": start, "due": due})
    spent = rows[["A", "B", "C"]].cumsum(axis=1)
    parts = [
        pd.DataFrame(
            {
                "dossier": rows["dossier"],
                "step": step,
                "section": "",
                "state": 4,
                "start": start + pd.to_timedelta(spent[step] - rows[step], unit="s"),
                "end": start + pd.to_timedelta(spent[step], unit="s"),
            }
        )[rows[step] > 0]
        for step in ("A", "B", "C")
    ]
    connection = duckdb.connect()
    connection.execute("CREATE MACRO working_seconds(stamp) AS epoch(stamp::TIMESTAMP)::BIGINT")
    stays = pd.concat(parts, ignore_index=True)
    connection.register("stays", stays)
    return connection.view("stays"), dossiers.assign(paused_seconds=0)


def test_quantiles_are_those_of_type_7(made):
    """Half and nine tenths of the stays of each step (rule T5)."""
    table, wanted = measure_steps(*made, "step"), pd.read_csv(HERE / "steps.csv")
    assert table["n"].tolist() == wanted["n"].tolist()
    np.testing.assert_allclose(3600 * table["median_hours"], wanted["median"], rtol=1e-13)
    np.testing.assert_allclose(3600 * table["p90_hours"], wanted["p90"], rtol=1e-13)


@pytest.mark.slow
def test_shares_of_the_limit_and_their_errors_are_those_of_survey(made):
    """svyratio with weeks as clusters; the first step is sure by the error of the difference."""
    wanted = pd.read_csv(HERE / "steps.csv").set_index("step")
    bottleneck = find_bottleneck(*made, "step")
    table = bottleneck.table.set_index("step").loc[wanted.index]
    half = stats.t.ppf(0.975, 15) * wanted["se"]
    np.testing.assert_allclose(table["share_percent"], 100 * wanted["share"], rtol=1e-12)
    np.testing.assert_allclose(table["low"], 100 * (wanted["share"] - half), rtol=1e-9)
    np.testing.assert_allclose(table["high"], 100 * (wanted["share"] + half), rtol=1e-9)
    z = wanted["below"] / wanted["se_below"]
    for level in (
        0.95,
        2 * stats.t.cdf(z["C"], 15) - 1 - 1e-9,
        2 * stats.t.cdf(z["C"], 15) - 1 + 1e-9,
    ):
        is_below = z > stats.t.ppf(1 - (1 - level) / 2, 15)
        candidates = find_bottleneck(*made, "step", level).table
        assert {*candidates.loc[candidates["is_candidate"], "step"]} == {*z.index[~is_below]}
    assert bottleneck.n_weeks == 16
    assert bottleneck.is_sure


def test_effects_are_those_of_joint_newton_steps():
    """One factor after another ends where all at once do (rule T6)."""
    cells = pd.read_csv(HERE / "cells.csv")
    names = ["used", "procedure", "channel", "official"]
    codes = [cells[name].to_numpy() - 1 for name in names]
    _, odds = fit_effects(cells["n"].to_numpy(float), cells["late"].to_numpy(float), codes)
    np.testing.assert_allclose(odds, cells["odds"], atol=2e-3)


def test_funnel_limits_are_those_of_the_beta_binomial_law():
    """Least and largest number of late stays that no tail rejects (rule T6)."""
    for row in pd.read_csv(HERE / "limits.csv").itertuples():
        variance = row.inflation * row.expected * (1 - row.expected / row.n)
        limits = find_limits(row.n, row.expected, variance, row.tail)
        assert limits == (row.low, row.high)


def test_the_interval_on_time_is_that_of_binom_test():
    """80 of 100 done in time (rule T3)."""
    wanted = pd.read_csv(HERE / "on_time.csv")
    counts = wanted.assign(late=wanted["done"] - wanted["kept"], waiting=0, withdrawn=0, overdue=0)
    shares = add_shares(counts)
    np.testing.assert_allclose(shares[["low", "high"]], wanted[["low", "high"]], rtol=1e-9)
