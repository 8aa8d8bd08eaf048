"""Units, factors and items against the index of the whole, all at once (rule R7)."""

import numpy as np
import pytest
from scipy.stats import norm, t

from sipas_analysis.figures.published import figures_of
from sipas_analysis.measure.index_gaps import append_whole, find_gaps
from sipas_analysis.measure.scores import score

HEAD = "unit,A1,A2,D1\n"


def test_the_whole_beside_the_units_has_the_error_of_the_whole(demo_2021):
    """Its slope is the same in each unit: variance as computed alone, covariance wᵤVᵤ."""
    units = score(demo_2021, "unit").select(variable="overall")
    whole = score(demo_2021).select(variable="overall")
    covariance = append_whole(units, whole).covariance().to_numpy()
    se = whole.frame["se"].item()
    assert covariance[-1, -1] ** 0.5 == pytest.approx(se, rel=1e-9)
    share = units.frame["denominator"] / units.frame["denominator"].sum()
    np.testing.assert_allclose(covariance[-1, :-1], share * units.frame["se"] ** 2, rtol=0.005)


def test_items_are_compared_by_the_bonferroni_quantile(demo_2021):
    """By hand, with the covariance of item and index: of 22 differences, 1 − 0.05/22 each."""
    items = score(demo_2021).select(variable=[*demo_2021.instrument.items, "overall"])
    gaps = find_gaps(items).set_index("variable")
    covariance = items.covariance()
    variance = covariance.loc["A4", "A4"] + covariance.loc["overall", "overall"]
    se = (variance - 2 * covariance.loc["A4", "overall"]) ** 0.5
    value = dict(zip(items.frame["variable"], items.frame["value"], strict=True))
    half = t.ppf(1 - 0.025 / 22, 1300) * se  # Satterthwaite, 870 forms twice
    assert gaps.loc["A4", "value"] == pytest.approx(value["A4"] - value["overall"])
    assert gaps.loc["A4", "high"] == pytest.approx(gaps.loc["A4", "value"] + half, rel=1e-3)
    assert gaps.loc["A4", "verdict"] == "below"
    assert (gaps["verdict"] == "open").sum() > 10


def test_a_unit_where_nearly_all_agree_is_not_sure_by_its_small_error(read_answers):
    """Its interval is that of a usual unit of its size: z·√(S²/n), wider than its own."""
    rows = ["so-a,5,5,5"] * 29 + ["so-a,5,5,3"] + ["so-b,5,3,4", "so-b,3,5,5", "so-b,5,5,5"] * 10
    survey = read_answers(HEAD + "\n".join(rows) + "\n")
    both = append_whole(
        score(survey, "unit").select(variable="overall"), score(survey).select(variable="overall")
    )
    own, usual = find_gaps(both), find_gaps(both, are_units=True)
    assert own["verdict"].tolist() == ["above", "below"]
    variance = both.frame["se"][:2] ** 2
    half = own["high"] - own["value"]
    wider = norm.ppf(0.9875) * np.sqrt(variance.mean() / variance[0])  # 30 people: S²/n = mean V
    assert (usual["high"] - usual["value"])[0] == pytest.approx(
        half[0] * wider / t.ppf(0.9875, 50), rel=0.05
    )
    assert usual.loc[1, "high"] == own.loc[1, "high"]


def test_gaps_have_ids_and_leave_out_what_is_not_ranked(demo_2021, read_answers):
    """Four forms give no rank: no gap of that unit; one form in all tells nothing."""
    figures = figures_of(demo_2021)
    ids = figures.index_gaps["variable"] + "@" + figures.index_gaps["unit"]
    assert len(ids) == 29 + 5 + 22
    assert {"gap:A1", "gap:access", "gap:overall@so-nv"} <= set(figures.by_id["id"])
    assert figures.find("gap:A4")["rule"] == "R7"
    rows = ["so-a,5,5,5", "so-a,4,3,5"] * 20 + ["so-b,1,2,3"] * 4
    few = figures_of(read_answers(HEAD + "\n".join(rows) + "\n", min_forms=20))
    assert "so-b" not in set(few.index_gaps["unit"])
    one = figures_of(read_answers(HEAD + "so-a,5,4,3\n"))
    assert (one.index_gaps["verdict"] == "open").all()
