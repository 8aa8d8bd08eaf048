"""Models with facts against R `survey`: facts.R made facts/, and every figure agrees to 1e-8.

Both models on the same forms, with coefficients, errors, degrees of freedom and intervals; the
joint covariance of a coefficient in both, which R finds by stacking the models and by influence;
Fieller's interval from the roots of its equation; matched against other forms (`svyttest`);
variances between units (`aov`); the rank correlation.
"""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sipas_analysis as sipas
from sipas_analysis.explain.record_views import correlate_ranks
from sipas_analysis.records.office_records import Records

HERE = Path(__file__).parent / "facts"
CLOSE = {"rel": 1e-8, "abs": 1e-10}
NAMES = {"channel=online": "online"}  # as R calls them


@pytest.fixture(scope="module")
def forms():
    return pd.read_csv(HERE / "forms.csv")


@pytest.fixture(scope="module")
def result(forms):
    survey = sipas.survey(
        forms,
        factors={"access": ["A1", "A2"], "officials": ["C1", "C2", "C3"]},
        overall="W",
        unit="office",
        dossier="code",
        weights="w",
        strata="stratum",
        clusters="cluster",
    )
    pack = survey.instrument.model_copy(update={"officials_factor": "officials"})
    facts = forms[["days_late", "visits", "channel"]]
    dossiers = facts.assign(dossier=forms["code"], unit=forms["office"], contradiction="")
    parts = dict.fromkeys(part.name for part in fields(Records))
    records = Records(**{**parts, "dossiers": dossiers.dropna(subset="dossier")})
    return sipas.drivers(replace(survey, instrument=pack), facts=records)


def test_coefficients_and_errors_of_all_models_are_those_of_svyglm(result):
    """Raw values: those of standardised variables, scaled back."""
    ours = result.frame.replace({"variable": NAMES}).set_index(["model", "variable"])
    theirs = pd.read_csv(HERE / "terms.csv").set_index(["model", "variable"])
    assert [*ours.index] == [*theirs.index]
    ours = ours.assign(se=ours["se"] * ours["raw"] / ours["value"])
    for column, name in {"raw": "raw", "se": "se", "raw_low": "low", "raw_high": "high"}.items():
        assert ours[column].to_numpy() == pytest.approx(theirs[name].to_numpy(), **CLOSE), column
    assert ours["df"].tolist() == theirs["df"].tolist()
    assert ours["n"].tolist() == theirs["n"].tolist()


def test_what_vanishes_has_the_interval_of_the_stacked_models(result):
    """The ends hold the joint covariance: another covariance would move them."""
    theirs = pd.read_csv(HERE / "vanished.csv")
    columns = ["vanished_percent", "low", "high"]
    ours = result.vanished[columns].to_numpy()
    assert ours == pytest.approx(theirs[["percent", "low", "high"]].to_numpy(), **CLOSE)
    apart = theirs["v_with"] + (1 - theirs["percent"] / 100) ** 2 * theirs["v_without"]
    joint = apart - 2 * (1 - theirs["percent"] / 100) * theirs["v_across"]
    assert (joint < 0.3 * apart).all()  # without the covariance errors would be far too large


def test_matched_forms_units_and_ranks_are_those_of_r(forms, result):
    """svyttest of the matched forms, variances between units by aov, Spearman with its interval."""
    theirs = pd.read_csv(HERE / "others.csv").set_index("what")["value"]
    gaps = result.joined.difference.set_index("variable")
    for name in ("access", "officials", "W"):
        ours = gaps.loc[name, ["value", "p"]].to_numpy(dtype=float)
        expected = theirs[[f"matched:{name}", f"matched_p:{name}"]].to_numpy()
        assert ours == pytest.approx(expected, **CLOSE)
    row = result.units.iloc[0]
    ours = [row["between"], row["between_with"]]
    assert ours == pytest.approx(theirs[["between:officials", "between:known"]].tolist(), **CLOSE)
    flags = forms.assign(C1=forms["C1"] >= 4, days_late=forms["days_late"] == 0)
    shares = flags.groupby("office")[["C1", "days_late"]].mean()
    ours = correlate_ranks(shares["C1"], shares["days_late"])
    assert np.array(ours) == pytest.approx(theirs[["rank", "rank_low", "rank_high"]].to_numpy())
