"""Indices and drivers of surveys made of data frames, against R `survey` (frame_survey.R)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.collect.survey import Survey
from sipas_analysis.infer.design import Design, Replicates

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent
EXPECTED = pd.read_csv(FOLDER / "frame_survey/expected.csv", keep_default_na=False)
ITEMS = ["Q1", "Q2", "Q3", "Q4"]
TYPES, WIDE = {"E": 4421, "H": 755, "M": 1018}, {"No": 1072, "Yes": 5122}


def read_forms(name: str) -> pd.DataFrame:
    """Answers as texts and numbers; as many blanks as R has, and three forms without any answer."""
    forms = pd.read_csv(FOLDER / f"part2/{name}.csv")
    row = np.arange(1, len(forms) + 1)
    forms["Q1"] = forms["awards"].mask(row % 5 == 0)
    forms["Q2"] = forms["sch.wide"].mask(row % 7 == 0)
    forms["Q3"], forms["Q4"] = 1 * (forms["api00"] > 650), 1.0 * (forms["enroll"] < 500)
    forms.loc[np.isin(row, [3, 60, 61]), ITEMS] = None
    forms["whole"] = forms["api00"] // 100
    forms["zero"] = forms["pw"].mask(row % 11 == 0, 0.0)
    return forms


def make_survey(sample: Design | pd.DataFrame, **design: str) -> Survey:
    return sipas.survey(
        sample,
        factors={"F1": ITEMS[:2], "F2": ITEMS[2:]},
        scale=(0, 1),
        labels={"no": 0, "Yes": 1},
        unit="stype",
        overall="whole",
        overall_scale=(1, 10),
        **design,
    )


@pytest.fixture(scope="module")
def surveys() -> dict[str, Survey]:
    clus, strat = read_forms("apiclus1"), read_forms("apistrat")
    clusters = Design(clus, "pw", clusters="dnum", fpc="fpc")
    names = [name for name in clus if name[0] == "b"]
    plain = make_survey(clus, weights="pw", clusters="dnum", fpc="fpc")
    made = {
        "clusters": plain,
        "poststratified": make_survey(sipas.post_stratify(clusters, "stype", TYPES)),
        "raked": plain.with_design(sipas.rake(plain, {"stype": TYPES, "sch.wide": WIDE})),
        "replicates": make_survey(Design(clus, "pw", replicates=Replicates("bootstrap", names))),
        "strata": make_survey(strat, weights="pw", strata="stype", fpc="fpc"),
        "zero": make_survey(clus, weights="zero", clusters="dnum"),
    }
    numbers = {"(Intercept)": 6194, "api99": 3914069}
    made["calibrated"] = plain.with_design(sipas.calibrate(plain, numbers))
    replicates = made["replicates"]
    margins = {"stype": TYPES, "sch.wide": WIDE}
    made["raked_replicates"] = replicates.with_design(sipas.rake(replicates, margins))
    parts = {"clusters": "api00 > 600", "strata": "meals < 60", "calibrated": "meals > 20"}
    parts |= dict.fromkeys(("raked", "replicates"), "enroll > 300")
    return made | {f"{name}_part": made[name].subset(parts[name]) for name in parts}


@pytest.mark.parametrize("name", [*dict.fromkeys(EXPECTED["design"])])
def test_indices_and_drivers_are_those_of_r(surveys, name):
    """Items, pooled index and coefficients with their errors, of the whole and of each unit."""
    survey = surveys[name]
    rows = EXPECTED[EXPECTED["design"] == name].set_index(["unit", "variable"])[["value", "se"]]
    parts = [sipas.score(survey).frame.assign(unit=""), sipas.score(survey, "unit").frame]
    scores = pd.concat(parts).set_index(["unit", "variable"])[["value", "se"]]
    indices = rows[~rows.index.get_level_values("variable").isin(["F1", "F2"])]
    ours = scores.loc[indices.index].to_numpy(dtype=float) / 100
    np.testing.assert_allclose(ours, indices.to_numpy(dtype=float), rtol=1e-9, atol=1e-12)
    drivers = sipas.drivers(survey, "linear").frame.set_index("variable")
    slope = drivers["raw"].to_numpy(dtype=float)
    ratio = (drivers["se"] / drivers["value"]).to_numpy(dtype=float)
    wanted = rows.loc[[("", "F1"), ("", "F2")]].to_numpy(dtype=float)
    ours = np.column_stack([slope, slope * ratio])
    np.testing.assert_allclose(ours, wanted, rtol=1e-8)
