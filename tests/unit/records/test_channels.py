"""Shares of channels: by hand, old levels, what is eligible, small bases (rule T8)."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from sipas_analysis.collect.readings import fold_answer
from sipas_analysis.collect.record_sources import RecordSources
from sipas_analysis.records.channels import count_channels, make_channel_rules, read_channel_rules
from sipas_analysis.records.service_levels import list_level_words, read_service_levels

YEAR = date(2021, 1, 1), date(2021, 12, 31)


def make_dossiers(rows, **columns):
    """Return dossiers of (n, channel, level, way of return), received and returned in 2021."""
    cells = [cell for n, *cell in rows for _ in range(n)]
    frame = pd.DataFrame(cells, columns=["channel", "level", "return_channel"])
    frame = frame.assign(procedure="1.001", unit="so-nv", field="đất", status="late")
    stamps = {"received": pd.Timestamp("2021-03-01 08:00"), "returned": pd.Timestamp("2021-04-01")}
    return frame.assign(**stamps).assign(**columns)


ROWS = [
    *(
        (40, "online", "full", "online"),
        (10, "direct", "full", "post"),
        (8, "post", "full", "direct"),
    ),
    *((15, "online", "partial", "post"), (25, "direct", "partial", "direct")),
    *((30, "direct", "information", "direct"), (12, "direct", "", "")),
]


def test_each_share_is_among_the_dossiers_that_could_go_that_way():
    """By hand: 140 dossiers, 98 of services offered online (58 in full, 40 in part)."""
    row = count_channels(make_dossiers(ROWS), period=YEAR).iloc[0]
    parts = {
        "online": (55, 140),
        "online_offered": (55, 98),
        "online_full": (40, 58),
        "online_partial": (15, 40),
        "post_intake": (8, 43),  # of the 43 that came on paper for a service offered online
        "post_return": (25, 58),  # 40 results went out online, their way is no post
    }
    for name, (n, base) in parts.items():
        assert (row[f"{name}_n"], row[f"{name}_base"]) == (n, base), name
        assert row[f"{name}_percent"] == pytest.approx(100 * n / base)
    assert (row["received"], row["without_level"], row["mapped_percent"]) == (140, 12, 0)
    assert {*parts} == {*read_channel_rules().shares}


def test_a_procedure_without_fee_may_be_listed_as_eligible_for_the_post():
    """What is eligible is data: levels, and codes of procedures."""
    sources = RecordSources.model_validate({"dossiers": "a.csv", "postal": ["2.002"]})
    rules = make_channel_rules(sources.postal)
    assert rules.eligible_for_post.status == "unverified"
    dossiers = make_dossiers([(10, "direct", "none", "direct")])
    assert count_channels(dossiers, period=YEAR, rules=rules)["post_intake_base"].item() == 0
    dossiers["procedure"] = "2.002"
    assert count_channels(dossiers, period=YEAR, rules=rules)["post_intake_base"].item() == 10


def test_the_period_has_its_own_dossiers():
    """Received on the last day counts, carried over and not yet received do not."""
    stamps = pd.to_datetime(["2020-12-31 16:00", *["2021-12-31 16:00"] * 6, "2022-01-01 07:00"])
    dossiers = make_dossiers([(8, "online", "full", "post")], received=stamps)
    row = count_channels(dossiers.assign(returned=pd.NaT), period=YEAR).iloc[0]
    assert (row["online_base"], row["post_return_base"]) == (6, 0)
    assert np.isnan(row["post_return_percent"])
    apart = [*["in_time"] * 5, "contradictory", "in_time", "in_time"]
    assert count_channels(dossiers.assign(status=apart), period=YEAR)["online_base"].item() == 5
    never = dossiers.assign(received=pd.NaT, returned=pd.NaT)
    assert count_channels(never, ["unit"], period=YEAR).empty


def test_old_levels_are_marked():
    """Level 4 as end to end is a convention of programs; today's words are not mapped."""
    texts = ["4", "Mức độ 3", "2", "Toàn trình", "một phần", "Không cung cấp DVC", "năm"]
    levels = [list_level_words().get(fold_answer(text)) for text in texts]
    mapped = [("full", True), ("partial", True), ("information", True)]
    assert levels == [*mapped, ("full", False), ("partial", False), ("none", False), None]
    assert read_service_levels().status == "unverified"
    dossiers = make_dossiers([(10, "online", "full", "")], is_mapped=[True] * 4 + [False] * 6)
    assert count_channels(dossiers, period=YEAR)["mapped_percent"].item() == 40


def test_a_small_base_is_neither_shown_nor_left_over():
    """Two dossiers of a level would be those offered online less those of the other level."""
    rows = [(50, "online", "partial", ""), (2, "direct", "full", ""), (20, "direct", "none", "")]
    row = count_channels(make_dossiers(rows), period=YEAR).iloc[0]
    assert row["online_base"] == 72
    assert row[["online_full_n", "online_full_base", "online_full_percent"]].isna().all()
    assert row[["online_partial_base", "online_offered_base"]].isna().all()
    # of units with a small base three go: what is hidden in one follows from no total
    parts = [
        make_dossiers([(n, "online", "full", ""), (30, "direct", "none", "")]) for n in (2, 9, 8, 7)
    ]
    units = pd.concat([part.assign(unit=code) for part, code in zip(parts, "abcd", strict=True)])
    by_unit = count_channels(units, ["unit"], period=YEAR).set_index("unit")
    assert by_unit["online_offered_base"].isna().tolist() == [True, False, True, True]
    assert by_unit["online_base"].tolist() == [32, 39, 38, 37]
    few = pd.concat([units, parts[1][:3].assign(unit="e")])
    assert "e" not in set(count_channels(few, ["unit"], period=YEAR)["unit"])


def test_levels_of_a_service_are_hidden_together():
    """Else a level hidden beside a small one elsewhere would be what is offered less the other."""
    sizes = {"a": (2, 40), "b": (20, 30), "c": (25, 35), "d": (60, 50)}
    units = [
        make_dossiers(
            [(n, "online", "partial", ""), (m, "direct", "full", ""), (9, "direct", "", "")]
        )
        for n, m in sizes.values()
    ]
    dossiers = pd.concat([part.assign(unit=code) for part, code in zip(units, sizes, strict=True)])
    table = count_channels(dossiers, ["unit"], period=YEAR).set_index("unit")
    whole = count_channels(dossiers, period=YEAR).iloc[0]
    for name in ("online_offered", "online_partial", "online_full"):
        assert table[f"{name}_base"].isna().tolist() == [True, True, True, False]
        assert whole[f"{name}_base"] > 0
