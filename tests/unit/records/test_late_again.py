"""Late files of officials: what counts, what cannot be compared, and the words for it (T6)."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import RecordsError
from sipas_analysis.records.late_again import (
    CELLS,
    VERDICTS,
    compare_officials,
    find_late_again,
    find_reason,
    read_late_rules,
)
from sipas_analysis.records.late_effects import measure_weeks
from sipas_analysis.records.steps import run_query

RULES = read_late_rules()
DAY = np.timedelta64(1, "D")


def _make_stays(officials, seed=1):
    """Return movements and dossiers of officials (code, section, procedure, n, late, months)."""
    rows, dossiers = [], []
    for code, section, procedure, n, late, months in officials:
        for at in range(n):
            name, is_late = f"{code}-{at}", at < late
            start = np.datetime64(f"2021-{1 + at % months:02d}-05T08:00:00")
            due = start + 10 * DAY
            left = due + 2 * DAY if is_late else due - 1 * DAY
            reason = "Khối lượng hồ sơ lớn" if is_late and at % 2 else ""
            rows.append((name, "examine", section, code, 4, start, left, reason, "u1"))
            dossiers.append((name, procedure, "direct", "u1", start, due, 0, "late"))
    names = ["dossier", "step", "section", "handler", "state", "start", "end", "reason", "unit"]
    clock = ["dossier", "procedure", "channel", "unit", "start", "due", "paused_seconds", "status"]
    return pd.DataFrame(rows, columns=names), pd.DataFrame(dossiers, columns=clock)


def _connect(stays):
    connection = duckdb.connect()
    connection.execute("CREATE MACRO working_seconds(stamp) AS epoch(stamp::TIMESTAMP)::BIGINT")
    connection.register("stays", stays)
    return connection.view("stays")


COLLEAGUES = [(f"c{at}", "s1", "p", 100, 4 + at % 4, 12) for at in range(16)]


@pytest.mark.slow
def test_each_official_has_one_of_five_words():
    """Above the funnel in ten months, in two, by one week of five months; rarely there; alone."""
    stays, dossiers = _make_stays(
        [
            *COLLEAGUES,
            ("often", "s1", "p", 100, 40, 10),
            ("once", "s1", "p", 100, 40, 2),
            ("new", "s1", "p", 12, 1, 12),
            ("alone", "s2", "q", 100, 40, 12),
            ("spell", "s1", "p", 40, 38, 1),
            ("rest", "s1", "p", 60, 4, 12),
        ]
    )
    stays["handler"] = stays["handler"].replace("rest", "spell")
    table = find_late_again(_connect(stays), dossiers)
    mixed = find_late_again(_connect(stays.sample(frac=1, random_state=3)), dossiers)
    pd.testing.assert_frame_equal(table, mixed, check_exact=True)
    words = table.set_index("handler")["verdict"]
    named = ["often", "once", "spell", "new", "alone"]
    assert words[named].tolist() == [
        *("look_closer", "one_time", "one_time", "too_few", "not_comparable")
    ]
    assert set(words.drop(named)) == {"usual"}
    assert table.set_index("handler").loc["spell", "months_late"] >= 3
    assert table["handler"].iloc[0] == "often"
    often = table.iloc[0]
    assert often[["n", "late", "months_late", "rate_percent"]].tolist() == [100, 40, 10, 40]
    assert often["reasons"] == "none_given 20; workload 20"
    assert often["high_percent"] < 40
    alone = table.set_index("handler").loc["alone"]
    assert alone[["n", "not_comparable"]].tolist() == [0, 100]
    assert np.isnan(alone["ratio"])
    assert {"accused", "guilty"}.isdisjoint(VERDICTS)


@pytest.mark.slow
def test_a_stay_counts_from_who_had_it_when_it_became_late():
    """Late on arrival, no limit, contradictory, paused, waiting for collection: not counted."""
    stays, dossiers = _make_stays([*COLLEAGUES, ("last", "s1", "p", 100, 5, 12)])
    after = stays[stays["handler"] == "c0"].copy()
    after["handler"], after["start"] = "signer", after["end"]
    after["end"] += 3 * DAY
    paused = after.assign(handler="pause", state=5)
    collected = after.assign(handler="desk", state=9)
    open_stay = stays[stays["handler"] == "last"].index[0]
    stays.loc[open_stay, "end"] = pd.NaT
    dossiers.loc[open_stay, "status"] = "in_time"
    dossiers.loc[dossiers.index[-1], "status"] = "contradictory"
    dossiers.loc[dossiers.index[-2], "due"] = pd.NaT
    every = pd.concat([stays, after, paused, collected], ignore_index=True)
    table = find_late_again(_connect(every), dossiers).set_index("handler")
    assert {"pause", "desk"}.isdisjoint(table.index)
    assert table.loc["last", ["n", "late"]].tolist() == [98, 4]
    assert table.loc["signer", ["n", "late", "arrived_late"]].tolist() == [96, 96, 4]
    assert table.loc["c0", "late"] == 4


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("kind", ["procedure", "used", "channel"])
def test_hard_files_are_expected_to_be_late(kind):
    """A third of kind 4 is late with everybody, a fiftieth of 0; one official has 4 nearly alone.

    By procedure, by the limit used up when the file arrived, or by channel.
    """
    rows = [
        (f"c{at}", hard, n, late) for at in range(6) for hard, n, late in ((4, 12, 4), (0, 100, 2))
    ]
    rows += [("hard", 4, 120, 40), ("hard", 0, 20, 0)]
    cells = pd.DataFrame(rows, columns=["handler", kind, "n", "late"])
    same = {"unit": "u1", "step": "examine", "section": "s1", "arrived": "", "due": ""}
    rest = {"procedure": "p", "channel": "direct", "used": 0}
    del rest[kind]
    table = compare_officials(cells.assign(**same, **rest), RULES).set_index("handler")
    others = table.drop("hard")
    assert table.loc["hard", "rate_percent"] > 5 * others["rate_percent"].max()
    assert table.loc["hard", "ratio"] == pytest.approx(1, abs=0.12)
    assert table.loc["hard", "rate_percent"] < table.loc["hard", "chance_percent"]
    assert (table["low_percent"] <= table["rate_percent"]).all()


def test_a_batch_that_became_late_at_once_is_one_time_and_widens_the_limits_of_batches():
    """Forty late files in forty weeks, or in one week beside two others with a late file."""
    rows = [(f"c{at}", week, 3, int(week % 8 == at % 8)) for at in range(16) for week in range(40)]
    rows += [("steady", week, 3, 1 + week % 2) for week in range(40)]
    rows += [
        ("batch", 0, 40, 38),
        *(("batch", week, 2, int(week % 20 == 1)) for week in range(1, 41)),
    ]
    same = {"unit": "u1", "step": "examine", "section": "s1", "procedure": "p", "channel": "direct"}
    cells = pd.DataFrame(rows, columns=["handler", "arrived", "n", "late"])
    cells = cells.assign(**same, used=0, due=cells["arrived"])
    table = compare_officials(cells, RULES).set_index("handler")
    assert (table.loc[["batch", "steady"], "rate_percent"] > table["high_percent"]["steady"]).all()
    assert table.loc["steady", "steady_percent"] > table.loc["steady", "high_percent"]
    assert table.loc["batch", "steady_percent"] < table.loc["batch", "chance_percent"]
    assert table.loc["batch", "worst_week"] == "arrived 0"
    assert table.loc["batch", "look_at"].startswith("p 40/")
    in_one = compare_officials(cells.assign(arrived=0, due=0), RULES).set_index("handler")
    assert in_one.loc["c0", "high_percent"] < table.loc["c0", "high_percent"]


@pytest.mark.slow
def test_where_officials_differ_much_more_late_files_than_chance_cannot_be_told_from_hard_ones():
    """Colleagues have 4 to 30 late files of 100 in twelve months; one has 45."""
    rows = [(f"c{at}", "s1", "p", 100, 4 + 2 * (at % 14), 12) for at in range(28)]
    stays, dossiers = _make_stays([*rows, ("more", "s1", "p", 100, 45, 12)])
    table = find_late_again(_connect(stays), dossiers).set_index("handler")
    assert table.loc["more", "verdict"] == "cannot_tell"
    assert table.loc["more", "look_at"].startswith("p 45/")
    assert table.loc["more", "chance_percent"] < 45 <= table.loc["more", "high_percent"]
    assert "look_closer" not in set(table["verdict"])


def test_the_variance_between_weeks_is_recovered():
    """Weeks of 20 stays whose log odds differ by 0.5, and weeks that do not differ."""
    rng = np.random.default_rng(5)
    official = np.repeat(np.arange(400), 12)
    week = np.arange(len(official))
    for spread in (0.0, 0.5):
        chance = 1 / (1 + np.exp(np.log(4) + spread * rng.standard_normal(len(week))))
        late = rng.binomial(20, chance).astype(float)
        rate = np.bincount(official, late)[official] / 240
        size = measure_weeks(late - 20 * rate, 20 * rate * (1 - rate), week, official)
        true = chance.var() / (chance.mean() * (1 - chance.mean())) ** 2
        assert size == pytest.approx(true, abs=0.03)


def test_pauses_that_overlap_count_once_and_only_until_the_official_has_the_file():
    """Pauses of days 1 to 4, 2 to 3 and 3 to 6 of 16; the file comes on day 5: 1 of 10 is used."""
    day = np.datetime64("2021-03-01T08:00:00")
    spans = [(1, 4, 5), (2, 3, 5), (3, 6, 5), (5, 8, 4)]
    rows = [
        ("d", "s", "x", "o", state, day + a * DAY, day + b * DAY, "", "u1") for a, b, state in spans
    ]
    stays, dossiers = _make_stays([("o", "s1", "p", 1, 0, 1)])
    dossiers = dossiers.assign(dossier="d", start=day, due=day + 15 * DAY, paused_seconds=5 * 86400)
    movements = _connect(pd.DataFrame(rows, columns=stays.columns))
    (share,) = run_query(movements, CELLS.format(used="share_used"), dossiers)["used"]
    assert share == pytest.approx(0.1)


def test_reasons_become_codes_and_no_text_is_passed_on():
    """An export may hold a name or anything else in its reason."""
    words = [
        "Chờ sở chuyên ngành PHỐI HỢP",
        "Ông Nguyễn Văn A nghỉ ốm",
        "=HYPERLINK(1)",
        " ",
        "law",
    ]
    codes = [find_reason(text, RULES) for text in words]
    assert codes == ["other_agency", "staff", "other", "none_given", "law"]
    statuses = {rule.status for name, rule in RULES if name != "reasons"}
    assert statuses == {"unverified"}


@pytest.mark.slow
def test_records_without_an_official_are_refused_or_empty():
    """A missing column is named; movements that name nobody give an empty table."""
    stays, dossiers = _make_stays([("", "s1", "p", 40, 5, 12)])
    assert find_late_again(_connect(stays), dossiers).empty
    with pytest.raises(RecordsError, match="handler"):
        find_late_again(_connect(stays.drop(columns="handler")), dossiers)
