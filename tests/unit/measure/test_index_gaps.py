"""Units, factors and items against the index of the whole, all at once (rule R7)."""

import numpy as np
import pytest
from scipy.stats import norm, t

from sipas_analysis.figures.published import figures_of
from sipas_analysis.measure.index_gaps import append_whole, find_gaps
from sipas_analysis.measure.scores import score

HEAD = "unit,A1,A2,D1\n"


@pytest.mark.slow
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
    half = t.ppf(1 - 0.025 / 22, 860) * se  # one sample of 870 forms, not two
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
    own, usual = find_gaps(both), find_gaps(both, kind="units")
    assert own["verdict"].tolist() == ["above", "below"]
    assert usual.loc[0, "high"] == pytest.approx(100 - both.frame["value"].iloc[-1])  # not beyond
    sigma = both.covariance().to_numpy()
    mean = np.diagonal(sigma)[:2].mean()  # S²/n of 30 people each
    error = (mean + sigma[2, 2] - 2 * (mean / sigma[0, 0]) ** 0.5 * sigma[0, 2]) ** 0.5
    half = usual.loc[0, "value"] - usual.loc[0, "low"]
    assert half == pytest.approx(norm.ppf(0.9875) * error)
    assert half > 1.2 * t.ppf(0.9875, 50) * (sigma[0, 0] + sigma[2, 2] - 2 * sigma[0, 2]) ** 0.5
    assert usual.loc[1, "verdict"] == "below"


def test_a_group_is_open_while_its_exact_interval_contains_the_index(read_answers):
    """Two of 30 people disagree with one item: sure by its own error, not as a usual group."""
    rows = ["so-a,5,5,5"] * 28 + ["so-a,5,5,3"] * 2 + ["so-b,5,3,5"] * 48 + ["so-b,5,5,5"] * 42
    survey = read_answers(HEAD + "\n".join(rows) + "\n")
    groups = score(survey, "unit").select(variable="overall")
    both = append_whole(groups, score(survey).select(variable="overall"))
    gaps, frame, sigma = find_gaps(both, kind="groups"), both.frame, both.covariance().to_numpy()
    own_error = (sigma[0, 0] + sigma[2, 2] - 2 * sigma[0, 2]) ** 0.5
    assert gaps.loc[0, "value"] > 4 * own_error
    assert frame.loc[0, "low"] < frame.loc[2, "value"]
    assert gaps.loc[0, "verdict"] == "open"
    assert gaps.loc[0, "low"] == pytest.approx(frame.loc[0, "low"] - frame.loc[2, "value"])
    assert gaps.loc[0, "high"] == pytest.approx(100 - frame.loc[2, "value"])
    usual_error = frame.loc[2, "se"] * (120 / 90 - 1) ** 0.5  # S²/90 − S²/120, S² of the whole
    half = gaps.loc[1, "high"] - gaps.loc[1, "value"]
    assert half >= t.ppf(0.9875, 119) * usual_error
    assert gaps.loc[1, "verdict"] == "open"


def test_an_item_near_the_ceiling_has_at_least_the_error_of_an_item_at_the_index(read_answers):
    """Not satisfied: A1 1, A2 8 and D1 9 of 60. The own error of A1 would make it sure."""
    rows = ["so-a,3,5,5"] + ["so-a,5,3,5"] * 8 + ["so-b,5,5,3"] * 9 + ["so-b,5,5,5"] * 42
    items = score(read_answers(HEAD + "\n".join(rows) + "\n"))
    items = items.select(variable=["A1", "A2", "D1", "overall"])
    gaps, value = find_gaps(items).iloc[0], items.frame["value"].to_numpy() / 100
    sigma = items.covariance().to_numpy()
    quantile = t.ppf(1 - 0.025 / 3, 59)
    plain = (sigma[0, 0] + sigma[3, 3] - 2 * sigma[0, 3]) ** 0.5
    ratio = (value[3] * (1 - value[3]) / (value[0] * (1 - value[0]))) ** 0.5
    usual = (ratio**2 * sigma[0, 0] + sigma[3, 3] - 2 * ratio * sigma[0, 3]) ** 0.5
    assert quantile * plain < gaps["value"] < quantile * usual
    assert gaps["value"] - gaps["low"] == pytest.approx(quantile * usual)
    assert gaps["verdict"] == "open"


@pytest.mark.slow
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
