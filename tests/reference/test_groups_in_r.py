"""Coverage of vulnerable groups equals R's: coverage.R made coverage/expected.csv (T8, I1, V1).

R ``svyciprop(method="beta")`` on a stratified cluster sample with weights, at 1 − 0.05/5; the share
expected is ``svymean`` of the share among the clients of the unit of each form.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

import sipas_analysis as sipas
from sipas_analysis.records.coverage import measure_coverage

HERE = Path(__file__).parent / "coverage"
YEAR = date(2021, 1, 1), date(2021, 12, 31)


def test_shares_and_intervals_are_those_of_r():
    """A relative 1e-9; one of the five groups is reached less, as was planted."""
    read = {
        name: pd.read_csv(HERE / f"{name}.csv", keep_default_na=False)
        for name in ("forms", "clients")
    }
    items = sipas.read_instrument("qd-2640-2017").items
    forms = read["forms"].assign(**dict.fromkeys(items, 4.0))
    survey = sipas.survey(
        forms, pack="qd-2640-2017", unit="unit", weights="weight", strata="unit", clusters="hamlet"
    )
    clients = read["clients"].assign(received=pd.Timestamp("2021-06-01"), status="late")
    table = measure_coverage(survey, clients, period=YEAR)
    expected = pd.read_csv(HERE / "expected.csv")
    names = [*expected.columns[1:]]
    assert [*table["code"]] == [*expected["code"]]
    np.testing.assert_allclose(table[names], expected[names], rtol=1e-9)
    assert [*table["verdict"]] == [*["cannot_tell"] * 4, "less"]
