"""Scales against R: lavaan, psych, survey, aov, lme4, and formulas written out (scales.R)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas

HERE = Path(__file__).parent / "scales"
ITEMS = [f"q{k}" for k in range(1, 5)]
SCHOOL = {
    "visual": ["x1", "x2", "x3"],
    "textual": ["x4", "x5", "x6"],
    "speed": ["x7", "x8", "x9"],
}
TRAITS = {
    "A": [f"A{k}" for k in range(1, 6)],
    "C": [f"C{k}" for k in range(1, 6)],
    "E": ["E1", "E2"],
}


def read(name):
    """Return a table of the data."""
    return pd.read_csv(HERE / f"{name}.csv")


def wanted(case):
    """Return what R computed in a case, by key."""
    table = read("expected").query("case == @case")
    return dict(zip(table["key"], table["value"], strict=True))


def close(values, case, tolerance):
    """Compare every value of a case that R has, by key; both have the same keys."""
    reference = {key: value for key, value in wanted(case).items() if key in values}
    assert len(reference) == len(values) > 0
    for key, value in reference.items():
        assert values[key] == pytest.approx(value, rel=tolerance, abs=tolerance), (case, key)


def by_pair(frame, column):
    """Return a column of a table of pairs by R's keys."""
    keys = [f"{column}:{first}:{second}" for first, second in frame.iloc[:, :2].to_numpy()]
    return dict(zip(keys, frame[column], strict=True))


@pytest.mark.parametrize(
    ("case", "data", "factors"),
    [
        ("school", "school", SCHOOL),
        ("traits", "traits", TRAITS),
        ("single", "traits", {"C": TRAITS["C"]}),
        ("clear", "forms", {"f": ITEMS}),
    ],
)
@pytest.mark.slow
def test_structure_equals_lavaan(case, data, factors):
    """Fit measures (RMSEA on n), standardised loadings; errors as robust ones of MLR (D12)."""
    structure = sipas.reliability(read(data).dropna(), factors=factors).structure
    close(structure.fit, case, 1e-7)
    estimates = pd.concat(
        [
            structure.loadings,
            structure.correlations.rename(columns={"first": "factor", "second": "variable"}),
        ]
    )
    close(by_pair(estimates, "value"), case, 1e-7)
    close(by_pair(estimates, "se"), case, 1e-6)


def test_weighted_alpha_and_omega_have_the_error_of_the_design():
    """Stratified clusters, weights: values, errors by the weights' derivatives, means (D8)."""
    forms = read("forms")
    design = sipas.Design(forms, weights="w", strata="stratum", clusters="village")
    scales = sipas.reliability(design, ITEMS)
    table = scales.frame.set_index("variable")
    close(table["value"].to_dict(), "weighted", 1e-8)
    close({f"{name}_se": se for name, se in table["se"].items()}, "weighted", 1e-6)
    for column in ("mean", "sd"):
        values = scales.items.set_index("variable")[column].add_prefix(f"{column}:")
        close(values.to_dict(), "weighted", 1e-10)
    reference = wanted("weighted")
    assert table.loc["alpha", "value"] == pytest.approx(reference["alpha_survey"], rel=1e-9)
    assert table.loc["alpha", "se"] == pytest.approx(reference["alpha_jackknife_se"], rel=0.05)
    pair = sipas.reliability(forms, ["q1", "q3"]).frame.set_index("variable")["value"].dropna()
    close(pair.to_dict(), "two", 1e-10)


@pytest.mark.slow
def test_polychoric_correlations_equal_two_step_likelihood():
    """Values to 1e-9, errors of stacked equations to 1e-7, with and without weights (D13)."""
    forms = read("forms")
    plain = sipas.polychoric(forms, ITEMS)
    design = sipas.Design(forms, weights="w", strata="stratum", clusters="village")
    for found, case in (
        (plain, "polychoric"),
        (sipas.polychoric(design, ITEMS), "polychoric_weighted"),
    ):
        close(by_pair(found.frame, "value"), case, 1e-9)
        close(by_pair(found.frame, "se"), case, 1e-7)
    assert plain.frame["value"].tolist() == pytest.approx([*wanted("polycor").values()], abs=5e-5)
    complete = sipas.polychoric(forms.dropna(), ITEMS).frame["value"].tolist()
    assert complete == pytest.approx([*wanted("psych").values()], abs=1e-4)
    scales = sipas.reliability(forms, ITEMS, ordinal=True).frame.set_index("variable")
    reference = wanted("ordinal")
    for name in ("alpha", "omega"):
        assert scales.loc[f"{name}_ordinal", "value"] == pytest.approx(reference[name], rel=1e-8)
    assert scales.loc["alpha_ordinal", "se"] == pytest.approx(reference["alpha_se"], rel=1e-6)


def test_intraclass_correlations_equal_psych_aov_and_lme4():
    """The table of Shrout and Fleiss; 24 units of unequal size, with and without weights (D14)."""
    ratings = [9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7]
    fleiss = sipas.icc(pd.DataFrame({"unit": np.repeat(range(6), 4), "q": ratings}), "q").frame
    assert fleiss["value"].round(2).tolist() == [0.17, 0.44]  # as printed in 1979
    rows = fleiss.set_index("statistic")
    close({"f": rows["f"].iloc[0], "p": rows["p"].iloc[0], **rows["value"]}, "fleiss", 1e-9)
    for end in ("low", "high"):
        close(rows[end].add_suffix(f"_{end}").to_dict(), "fleiss", 1e-9)
    units = read("units")
    for case, weights in (("units", None), ("units_weighted", "w")):
        found = sipas.icc(units, "q3", by="village", weights=weights)
        first = found.frame.iloc[0]
        exact = {"f": first["f"], "df": first["df"], "df_within": first["df_within"]}
        parts = found.components.set_index("method")
        exact |= {"p": first["p"], "icc": first["value"], "deff": parts.loc["anova", "deff"]}
        exact |= parts.loc["anova", ["between", "within"]].add_prefix("anova_").to_dict()
        close(exact, case, 1e-9)
        reml = parts.loc["reml", ["between", "within"]].add_prefix("reml_").to_dict()
        close({**reml, "mean": parts.loc["reml", "mean"]}, case, 1e-6)
