"""Items from the lowest, with the places that the sample does not rule out (rule R6)."""

import numpy as np
import pytest
from scipy.stats import t

from sipas_analysis.measure.item_order import order_items
from sipas_analysis.measure.scores import score


def items_of(survey):
    """Return the estimates of the items of the whole."""
    return score(survey).select(level="item")


def test_places_are_by_the_bonferroni_quantile_of_all_pairs(demo_2021):
    """By hand: an item is lower than another beyond the quantile of 231 pairs, both ways."""
    items = items_of(demo_2021)
    order = order_items(items).set_index("variable")
    assert [*order["rank"]] == list(range(1, 23))
    value, covariance = items.frame["value"].to_numpy(), items.covariance().to_numpy()
    gap = value - value[:, None]
    variance = np.add.outer(np.diag(covariance), np.diag(covariance)) - 2 * covariance
    with np.errstate(invalid="ignore"):
        is_lower = gap / np.sqrt(variance) > t.ppf(1 - 0.05 / 462, 850)  # of one sample
    codes = [*items.frame["variable"]]
    low = dict(zip(codes, 1 + is_lower.sum(axis=0), strict=True))
    high = dict(zip(codes, 22 - is_lower.sum(axis=1), strict=True))
    assert dict(order["rank_low"]) == low
    assert dict(order["rank_high"]) == high
    assert order["rank_high"].min() < 22


def test_a_clear_order_is_sure_and_equal_items_are_not(read_answers):
    """A1 satisfies 10 % of 200, A2 and D1 all: A1 is the lowest for sure, the others tie."""
    rows = ["so-a,1,5,5"] * 90 + ["so-b,1,4,4"] * 90 + ["so-a,5,4,5"] * 20
    order = order_items(items_of(read_answers("unit,A1,A2,D1\n" + "\n".join(rows) + "\n")))
    assert order[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 1], [2, 3], [2, 3]]


@pytest.mark.parametrize(("answers", "n"), [("so-a,5,,3\n", 2), ("so-a,5,4,3\n", 3)])
def test_items_without_answers_have_no_place_and_one_form_orders_nothing(read_answers, answers, n):
    """One form has no error: every known item can have every place."""
    order = order_items(items_of(read_answers("unit,A1,A2,D1\n" + answers)))
    assert order[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, n]] * n
