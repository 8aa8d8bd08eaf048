"""Units that are renamed, merged and split: totals go along, mistakes are listed by row."""

from datetime import date

import pytest

from sipas_analysis.collect.unit_changes import (
    compute_unit_shares,
    find_successors,
    read_changes,
)
from sipas_analysis.errors import SipasError

HEAD = "date,from,to,share,kind\n"


@pytest.fixture
def listed(tmp_path):
    """Read a list of changes."""

    def of(rows, head=HEAD):
        path = tmp_path / "unit_changes.csv"
        path.write_text(head + rows, "utf-8")
        return read_changes(path)

    return of


def test_a_rename_carries_everything_over(listed):
    """Tịnh Biên became a town in February 2023: one row of share 1."""
    changes = listed("2023-02-10,h-tinh-bien,tx-tinh-bien,,rename\n")
    shares = compute_unit_shares(
        changes, ["h-tinh-bien", "an-phu"], date(2022, 3, 1), date(2024, 3, 1)
    )
    assert find_successors(shares) == {"h-tinh-bien": "tx-tinh-bien", "an-phu": "an-phu"}
    assert changes["status"].tolist() == ["unverified"]


def test_only_changes_between_the_two_days_count(listed):
    """What happened on the first day is done, what comes after the last is not."""
    changes = listed("2023-02-10,a,b,,rename\n2025-07-01,b,c,,rename\n")
    cases = {(None, None): "c", (date(2023, 2, 10), None): "a", (None, date(2024, 1, 1)): "b"}
    found = {days: compute_unit_shares(changes, ["a"], *days).columns[0] for days in cases}
    assert found == cases


def test_merges_and_splits_multiply_over_days(listed):
    """a and b merge into m, which is split 60 to 40; c moves in part."""
    changes = listed(
        "2023-01-01,a,m,,merge\n2023-01-01,b,m,,merge\n2025-07-01,m,x,0.6,split\n"
        "2025-07-01,m,y,0.4,split\n2025-07-01,c,c,0.9,move\n2025-07-01,c,y,0.1,move\n"
    )
    shares = compute_unit_shares(changes, ["a", "b", "c"], None, None)
    assert shares.loc["a"].to_dict() == {"c": 0.0, "x": 0.6, "y": 0.4}
    assert shares.loc["b"].equals(shares.loc["a"].rename("b"))
    assert shares.loc["c"].to_dict() == {"c": 0.9, "x": 0.0, "y": 0.1}
    assert find_successors(shares) == {}


@pytest.mark.parametrize(
    ("rows", "words", "lines"),
    [
        ("2023-01-01,a,b,0.5,split\n2023-01-01,a,c,0.4,split\n", "add up to 1", [2, 3]),
        ("2023-01-01,a,b,,rename\n2023-01-01,b,a,,rename\n", "circle", [2, 3]),
        (
            "2023-01-01,a,b,,\n2023-01-01,b,c,,\n2023-01-01,c,a,,\n2023-01-01,d,a,,\n",
            "circle",
            [2, 3, 4],
        ),
        ("2023-01-01,a,b,0.5,split\n2023-01-01,a,b,0.5,split\n", "named once", [2, 3]),
        (
            "10/02/2023,a,b,,rename\n2023-01-01,,b,,\n2023-01-01,a,b,1.5,\n2023-01-01,c,d,,swap\n",
            "4 cells",
            [2, 3, 4, 5],
        ),
    ],
)
def test_a_list_that_cannot_be_is_refused_whole(listed, rows, words, lines):
    """Shares, circles, days and kinds: every row is named."""
    with pytest.raises(SipasError) as caught:
        listed(rows)
    assert words in caught.value.text("en")
    assert sorted({place.row for place in caught.value.places}) == lines


def test_a_list_needs_its_columns(listed):
    """They are named."""
    with pytest.raises(SipasError, match="missing: from"):
        listed("2023-01-01,b\n", head="date,to\n")
