"""San Francisco Airport 2017: real answers, figures that others published, and our own count.

The answers stay outside the repository (``../shared/real/sfo-2017``); here are only the pack and
the wave that read them. Everything is counted a second time from the raw file, without our code.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

import sipas_analysis as sipas
from sipas_analysis.explain.factor_scores import design_with_scores
from sipas_analysis.instrument.pack import read_instrument

HERE = Path(__file__).parent
RAW = HERE.parents[2] / "shared" / "real" / "sfo-2017" / "responses.csv"
PACK = read_instrument(HERE / "sfo-2017" / "pack.yaml")
Q7 = [code for code in (*PACK.items, "Q7ALL") if code.startswith("Q7")]
FACTORS = {factor: PACK.items_of(factor) for factor in PACK.factors}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not RAW.is_file(), reason=f"the answers are not at {RAW}"),
]


@pytest.fixture(scope="module")
def survey():
    """The survey as the program reads it."""
    return sipas.read_survey(sipas.read_wave(HERE / "sfo-2017" / "wave.yaml"))


@pytest.fixture(scope="module")
def raw():
    """The raw file by the csv module: levels 1 to 5 by column, anything else is missing."""
    with RAW.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    codes = [*PACK.items, "Q7ALL"]
    return {
        code: np.array(
            [float(row[code]) if row[code] in "12345" and row[code] else np.nan for row in rows]
        )
        for code in codes
    }


@pytest.fixture(scope="module")
def figures(survey):
    """Figures of the whole, by code."""
    return sipas.score(survey).frame.set_index("variable")


def counts(raw, codes):
    """Return satisfied and valid answers of each item."""
    return np.array(
        [[np.sum(raw[code] >= 4), np.sum(~np.isnan(raw[code]))] for code in codes], float
    )


def test_all_forms_are_read(survey):
    """2,831 forms, seven boarding areas; those without any rating are in the ledger."""
    assert survey.n_read == 2831
    assert len(survey.units) == 7
    dropped = (survey.ledger["reason"] == "form_dropped").sum()
    assert len(survey.frame) + dropped == 2831


@pytest.mark.parametrize(
    ("code", "n", "mean", "percent"),
    [("Q7ALL", 2688, 4.0644, 82.0685), ("Q7FOOD", 2421, 3.6154, 55.7208)],
)
def test_published_figures_are_met(survey, figures, code, n, mean, percent):
    """n, mean and percent of 4 and 5, as published for this wave, unweighted."""
    row = figures.loc[code]
    assert row["n_valid"] == row["denominator"] == n
    assert round(row["value"], 4) == percent
    assert round(survey.frame[code].mean(), 4) == mean


@pytest.mark.parametrize("code", Q7)
def test_every_q7_item_equals_a_count_of_the_raw_file(raw, figures, code):
    """Codes 0, 6 and ``Blank`` are no ratings: a reader that keeps 6 is wrong at once."""
    ((satisfied, n),) = counts(raw, [code])
    row = figures.loc[code]
    assert (row["numerator"], row["denominator"]) == (satisfied, n)
    assert row["value"] == pytest.approx(100 * satisfied / n, rel=1e-12)


def test_there_are_fifteen_q7_items():
    """Fourteen in the factors and the overall one."""
    assert len(Q7) == 15


def test_factors_and_whole_under_every_rule_equal_a_hand_computation(survey, raw):
    """Pooled, mean of items, mean of factors, overall item, side by side (rules M2, M3, M8)."""
    share = {code: 100 * k / n for code, (k, n) in zip(raw, counts(raw, raw), strict=True)}
    pooled = {}
    expected = {}
    for factor, codes in FACTORS.items():
        k, n = counts(raw, codes).sum(axis=0)
        pooled[factor] = 100 * k / n
        expected[factor, "pooled"] = pooled[factor]
        expected[factor, "mean_of_items"] = np.mean([share[code] for code in codes])
    k, n = counts(raw, PACK.items).sum(axis=0)
    expected["overall", "pooled"] = 100 * k / n
    expected["overall", "mean_of_items"] = np.mean([share[code] for code in PACK.items])
    expected["overall", "mean_of_factors"] = np.mean([*pooled.values()])
    expected["overall", "overall_item"] = share["Q7ALL"]
    frame = sipas.compare_rules(survey).frame
    found = dict(
        zip(zip(frame["variable"], frame["rule"], strict=True), frame["value"], strict=True)
    )
    assert found == pytest.approx(expected, rel=1e-12)
    assert len({round(value, 4) for key, value in found.items() if key[0] == "overall"}) == 4


def test_units_equal_a_count_by_area(survey):
    """The pooled index of each boarding area, from the raw file."""
    with RAW.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = sipas.score(survey, by="unit").select(variable="overall").frame.set_index("unit")
    for area in "ABCDEFG":
        levels = [row[code] for row in rows if row["AREA"] == area for code in PACK.items]
        valid = sum(level in {"1", "2", "3", "4", "5"} for level in levels)
        satisfied = sum(level in {"4", "5"} for level in levels)
        row = found.loc[f"area-{area.lower()}"]
        assert (row["numerator"], row["denominator"]) == (satisfied, valid)


def test_drivers_equal_least_squares_on_complete_forms(survey, raw):
    """R² 0.57665 on the 2,513 forms that have all five factors and the outcome (rule D1)."""
    scores = []
    for codes in FACTORS.values():
        levels = np.array([raw[code] for code in codes])
        answered = (~np.isnan(levels)).sum(axis=0)
        total = np.nansum(levels, axis=0)
        scores.append(
            np.divide(total, answered, out=np.full(total.size, np.nan), where=answered > 0)
        )
    table = np.column_stack([*scores, raw["Q7ALL"]])
    table = table[~np.isnan(table).any(axis=1)]
    x, y = np.column_stack([np.ones(len(table)), table[:, :-1]]), table[:, -1]
    beta, rest, *_ = np.linalg.lstsq(x, y, rcond=None)
    models = sipas.drivers(survey)
    linear = models.frame[models.frame["model"] == "linear"]
    assert len(table) == models.n == 2513
    assert models.r_squared == pytest.approx(1 - rest[0] / np.sum((y - y.mean()) ** 2), rel=1e-10)
    assert round(models.r_squared, 5) == 0.57665
    assert linear["variable"].tolist() == [*FACTORS]
    np.testing.assert_allclose(linear["raw"], beta[1:], rtol=1e-9)


def test_shares_of_the_factors_are_those_of_relaimpo(survey):
    """LMG of five factor means, unweighted: figures computed elsewhere, to four decimals (D3)."""
    parts = sipas.importance(design_with_scores(survey), "Q7ALL", [*FACTORS])
    wanted = [0.1393, 0.1663, 0.1228, 0.0831, 0.0651]
    assert parts.frame["value"].round(4).tolist() == wanted
    assert round(parts.r_squared, 5) == 0.57665
    assert parts.n == 2513


def test_what_to_look_at_first(survey):
    """Amenities matter and are weak, surely; wayfinding matters, its weakness is on the limit."""
    matrix = sipas.priority(survey)
    assert matrix.list_factors("fix") == ["amenities"]
    assert matrix.important == ("wayfinding", "amenities")
    assert "wayfinding" in matrix.list_factors("undecided")
    assert matrix.what_if["item"].iloc[0] == "Q7FOOD"


def test_items_lose_six_forms_of_seven_and_filling_keeps_them(survey):
    """395 complete forms of 22 items; filled, all 2,688 with the outcome count (D3)."""
    design, groups = survey.design(), {code: [*items] for code, items in FACTORS.items()}
    asked = {"groups": groups, "method": "owen"}
    some = sipas.importance(design, "Q7ALL", [*PACK.items], **asked)
    assert some.n == 395
    assert [note.id for note in some.notes] == ["many_lost", "tied"]
    assert some.lost["Q7RENTAL"] == survey.frame["Q7RENTAL"].isna().sum()
    filled = sipas.importance(
        design, "Q7ALL", [*PACK.items], **asked, missing="impute", imputations=5
    )
    assert filled.n == 2688
    assert filled.frame["se"].mean() < some.frame["se"].mean()


@pytest.mark.slow
def test_the_full_report_is_made_from_it(survey, tmp_path):
    """All chapters in both languages, with the real figures in them."""

    whole = sipas.report(survey)
    written = whole.write([], str(tmp_path))
    assert "province/report.en.html" in written
    page = (tmp_path / "province" / "report.en.html").read_text("utf-8")
    assert "82.07" in page
    assert "ynthetic" not in page
