"""Figures of part 1 against R `survey` 4.1: part1.R made part1.csv, we must give the same.

R and this package read the same synthetic forms (data/answers.csv): three units, blanks, unequal
weights, an item nobody in unit c was asked. Every row of part1.csv is compared, value, error and
interval. Where R's own interval has no cap (``svyciprop(method="beta")``) the effective n stays
below the people, so that rule I1 and R coincide; at 0 % and 100 % R's is not defined and rule I1
is Clopper–Pearson on the people (``binom.test``).
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.instrument.pack import Index

HERE = Path(__file__).parent
MADE_BY_R = pd.read_csv(HERE / "part1.csv")
ITEMS = {"A1": "A", "A2": "A", "A3": "A", "B1": "B", "B2": "B", "C1": "C", "C2": "C"}
RULES = {
    "item": {},
    "beside": {},
    "pooled": {},
    "mean_of_items": {
        "factor": {"rule": "mean_of_items"},
        "overall": {"rule": "mean_of_items"},
    },
    "mean_of_factors": {"overall": {"rule": "mean_of_factors"}},
    "mean_of_factors_of_items": {
        "factor": {"rule": "mean_of_items"},
        "overall": {"rule": "mean_of_factors"},
    },
    "weights": {"overall": {"rule": "weights", "weights": {"A": "0.5", "B": "0.3", "C": "0.2"}}},
}
PACK = """
id: reference
title: {en: Reference}
source: made for tests
status: unverified
factors: {A: {en: A}, B: {en: B}, C: {en: C}}
items:
""" + "".join(f"  {item}: {{factor: {factor}}}\n" for item, factor in ITEMS.items())
WAVE = """
id: reference
title: {en: Reference}
year: 2026
instrument: pack.yaml
responses: [{file: answers.csv}]
outcome: OVERALL
"""


@pytest.fixture(scope="module")
def surveys(tmp_path_factory):
    """The same forms read twice: with the weight column, and without it."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "answers.csv").write_bytes((HERE / "data" / "answers.csv").read_bytes())
    (folder / "pack.yaml").write_text(PACK + "overall_item: {code: OVERALL}\n", "utf-8")
    units = "code,name_vi,name_en,group\n" + "".join(f"{u},{u},{u},districts\n" for u in "abc")
    (folder / "units.csv").write_text(units, "utf-8")
    roles = {"weighted": "weight: weight", "unweighted": "ignore: [weight]"}
    found = {}
    for weighting, role in roles.items():
        path = folder / f"{weighting}.yaml"
        path.write_text(f"{WAVE}columns: {{form: form, unit: unit, {role}}}\n", "utf-8")
        found[weighting] = sipas.read_survey(sipas.read_wave(path))
    return found


@pytest.fixture(scope="module")
def scored(surveys):
    """Return the row of one figure; each table is made once."""

    @cache
    def table(weighting, domain, rule):
        index = Index.model_validate(RULES[rule])
        by = () if domain == "all" else "unit"
        scores = sipas.score(surveys[weighting], by, index)
        return (scores if domain == "all" else scores.select(unit=domain)).frame

    def row(weighting, domain, rule, variable):
        frame = table(weighting, domain, rule)
        return frame[frame["variable"] == variable].squeeze()

    return row


def wanted(kind):
    """Return what R says of the cases of one kind: case parts, then quantity → value."""
    cases = MADE_BY_R[MADE_BY_R["case"].str.split("/").str[2] == kind]
    return [
        (case.split("/"), dict(zip(part["quantity"], part["value"], strict=True)))
        for case, part in cases.groupby("case", sort=False)
    ]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.quick_cases(1)
def test_index_equals_r(scored, rule):
    """Items, factors and the whole by every rule, in each unit and together (M1–M5, V1, I1, I2)."""
    cases = wanted(rule)
    assert len(cases) >= 8
    for (weighting, domain, _, variable), figures in cases:
        ours = scored(weighting, domain, rule, variable)
        got = {name: float(ours[name]) for name in figures}
        assert got == pytest.approx(figures, rel=1e-8, abs=1e-9), (weighting, domain, variable)


@pytest.mark.parametrize("model", ["linear", "logit"])
@pytest.mark.parametrize("weighting", ["unweighted", "weighted"])
@pytest.mark.quick_cases(1)
def test_regression_equals_svyglm(surveys, weighting, model):
    """Coefficients, errors by V1, intervals, p, raw effects and VIF (D1, D2)."""
    models = sipas.drivers(surveys[weighting])
    cases = [(parts[3], it) for parts, it in wanted(model) if parts[:2] == [weighting, "drivers"]]
    whole = dict(cases).pop("model", None)
    if whole:
        assert models.r_squared == pytest.approx(whole["r_squared"], rel=1e-10)
        assert models.n == whole["n"]
    terms = [(term, figures) for term, figures in cases if term != "model"]
    assert [term for term, _ in terms] == ["A", "B", "C"]
    ours = models.frame.query("model == @model").set_index("variable")
    for term, figures in terms:
        got = {name: float(ours.loc[term, name]) for name in figures}
        assert got == pytest.approx(figures, rel=1e-8), term


def test_exact_intervals_equal_binom_test():
    """0 of 30, 30 of 30 and what lies between (I1)."""
    cases = MADE_BY_R[MADE_BY_R["case"].str.startswith("exact/")]
    table = cases.pivot_table(index="case", columns="quantity", values="value")
    k, n = (table.index.str.split("/").str[at].astype(float).to_numpy() for at in (1, 2))
    assert {(0.0, 30.0), (30.0, 30.0)} <= {*zip(k, n, strict=True)}
    low, high = exact_interval(k, n)
    np.testing.assert_allclose(low, table["low"], rtol=1e-8)
    np.testing.assert_allclose(high, table["high"], rtol=1e-8)


def test_no_row_of_r_is_left_out():
    """Every row of part1.csv belongs to a test above."""
    kind = MADE_BY_R["case"].str.split("/").str[2]
    known = kind.isin([*RULES, "linear", "logit"]) | MADE_BY_R["case"].str.startswith("exact/")
    assert known.all()
    assert len(MADE_BY_R) > 1000
