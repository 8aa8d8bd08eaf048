"""Cross-tables and tests of groups by hand (rules I5 and I6); R's: reference/test_tables_in_r."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import sipas_analysis as sipas
from sipas_analysis.errors import DesignError

FRAME = pd.DataFrame(
    {
        "sex": list("ffffffmmmmmm"),
        "mark": [1, 2, 3, 3, 2, 3, 1, 1, 2, 1, 3, None],
        "days": [3.0, 5, 4, 9, 8, 10, 2, 2, 7, 1, 6, 20],
    }
)


def test_people_drawn_singly_give_pearson_and_t():
    """SciPy's X² and its p with n − 1 for n."""
    table = sipas.cross_table(sipas.Design(FRAME), "sex", "mark")
    counts = pd.crosstab(FRAME["sex"], FRAME["mark"])
    pearson = stats.chi2_contingency(counts, correction=False)
    tests = table.tests.set_index("test")
    x2 = pearson.statistic * 12 / 11  # R counts the blank form, but not in p
    assert tests.loc["Chisq", "statistic"] == pytest.approx(x2, rel=1e-12)
    corrected = pearson.statistic * 11 / 12  # 11 of 12 forms: a domain
    assert tests.loc["Chisq", "p"] == pytest.approx(stats.chi2.sf(corrected, 2), rel=1e-10)
    assert tests.loc["F", "statistic"] == pytest.approx(corrected / 2, rel=1e-10)
    assert (table.frame["n"].to_numpy().reshape(2, 3) == counts.to_numpy()).all()
    assert table.frame["total"].sum() == table.frame["n"].sum() == 11
    assert table.n_lost == 1
    assert table.to_grid("n").loc["m", 1.0] == 3
    assert table.row_shares("wald").frame["value"].iloc[:3].tolist() == [1 / 6, 2 / 6, 3 / 6]
    assert np.diag(table.shares.covariance()) == pytest.approx(table.frame["se"] ** 2)


def test_a_level_without_a_form_is_left_out_and_said():
    """An unused category, and a level that only blank or weightless forms have."""
    frame = FRAME.assign(w=[1.0] * 6 + [0.0] + [1.0] * 5)
    frame["mark"] = pd.Categorical(frame["mark"].map({1: "low", 2: "mid", 3: "high"}),
                                   categories=["low", "none", "mid", "high"])  # fmt: skip
    table = sipas.cross_table(sipas.Design(frame, weights="w"), "sex", "mark")
    assert table.dropped == ("mark: none",)
    assert "none" in repr(table)
    assert table.frame["mark"].tolist() == ["low", "mid", "high"] * 2  # the order of categories
    part = sipas.cross_table(sipas.Design(FRAME).subset("mark < 3"), "sex", "mark")
    assert part.dropped == ("mark: 3.0",)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda design: sipas.cross_table(design, "sex", "sex"), "table_two"),
        (lambda design: sipas.cross_table(design.subset("days > 9"), "sex", "mark"), "table_level"),
        (lambda design: sipas.cross_table(design, "sex", "marks"), "design_column"),
        (lambda design: sipas.t_test(design, "days", "mark"), "group_two"),
        (lambda design: sipas.rank_test(design.subset("mark == 1"), "days", "mark"), "group_two"),
        (lambda design: sipas.t_test(design, "sex", "mark"), "group_text"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_sentence(ask, message):
    """Two different variables with two levels each; two groups; numbers."""
    with pytest.raises(DesignError) as caught:
        ask(sipas.Design(FRAME))
    assert caught.value.message_id == message


def test_ranks_by_hand():
    """Equal weights: R = rank − ½ over n; difference of mean ranks over n; one mean against 0."""
    got = sipas.rank_test(sipas.Design(FRAME), "days", "sex").frame
    ranks = stats.rankdata(FRAME["days"])
    assert got["value"].item() == pytest.approx((ranks[6:].mean() - ranks[:6].mean()) / 12)
    one = sipas.t_test(sipas.Design(FRAME), "days").frame
    assert one["statistic"].item() == pytest.approx(stats.ttest_1samp(FRAME["days"], 0).statistic)
    assert one["df"].item() == 10


@pytest.mark.filterwarnings("error")
def test_shares_that_are_exactly_independent_have_a_p_of_one():
    """A statistic of 0 has no saddlepoint, and no warning of NumPy says so."""
    frame = pd.DataFrame({"a": list("xxyy") * 10, "b": list("pqpq") * 10})
    assert sipas.cross_table(sipas.Design(frame), "a", "b").tests["p"].tolist() == [1.0] * 5


@pytest.mark.filterwarnings("error")
@pytest.mark.slow
def test_a_table_of_many_cells_warns_of_nothing():
    """144 cells: pandas would say that the frame is in pieces."""
    frame = pd.DataFrame({"a": np.arange(1440) % 12, "b": np.arange(1440) // 7 % 12})
    assert len(sipas.cross_table(sipas.Design(frame), "a", "b").frame) == 144
