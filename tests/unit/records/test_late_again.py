"""Late files of officials: what counts, what cannot be compared, and the words for it (T6)."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from sipas_analysis.errors import RecordsError
from sipas_analysis.records.late_again import (
    VERDICTS,
    compare_officials,
    find_late_again,
    find_reason,
    read_late_rules,
)

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


def test_each_official_has_one_of_five_words():
    """Twice as late as the funnel allows in ten months, in two months, rarely there, or alone."""
    stays, dossiers = _make_stays(
        [
            *COLLEAGUES,
            ("often", "s1", "p", 100, 40, 10),
            ("once", "s1", "p", 100, 40, 2),
            ("new", "s1", "p", 12, 1, 12),
            ("alone", "s2", "q", 100, 40, 12),
        ]
    )
    table = find_late_again(_connect(stays), dossiers)
    mixed = find_late_again(_connect(stays.sample(frac=1, random_state=3)), dossiers)
    pd.testing.assert_frame_equal(table, mixed, check_exact=True)
    words = table.set_index("handler")["verdict"]
    assert words[["often", "once", "new", "alone"]].tolist() == [
        *("look_closer", "one_time", "too_few", "not_comparable")
    ]
    assert set(words.drop(["often", "once", "new", "alone"])) == {"usual"}
    assert table["handler"].iloc[0] == "often"
    often = table.iloc[0]
    assert often[["n", "late", "months_late", "rate_percent"]].tolist() == [100, 40, 10, 40]
    assert often["reasons"] == "none_given 20; workload 20"
    assert often["high_percent"] < 40
    alone = table.set_index("handler").loc["alone"]
    assert alone[["n", "not_comparable"]].tolist() == [0, 100]
    assert np.isnan(alone["ratio"])
    assert {"accused", "guilty"}.isdisjoint(VERDICTS)


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


def test_hard_files_are_expected_to_be_late():
    """A third of p is late with everybody, a fiftieth of q; one official has p nearly alone."""
    rows = [
        ("u1", f"c{at}", "examine", "s1", procedure, "direct", 0, n, late)
        for at in range(6)
        for procedure, n, late in (("p", 12, 4), ("q", 100, 2))
    ]
    rows += [("u1", "hard", "examine", "s1", "p", "direct", 0, 120, 40)]
    rows += [("u1", "hard", "examine", "s1", "q", "direct", 0, 20, 0)]
    names = ["unit", "handler", "step", "section", "procedure", "channel", "used", "n", "late"]
    table = compare_officials(pd.DataFrame(rows, columns=names), RULES).set_index("handler")
    others = table.drop("hard")
    assert table.loc["hard", "rate_percent"] > 5 * others["rate_percent"].max()
    assert table.loc["hard", "ratio"] == pytest.approx(1, abs=0.1)
    assert table.loc["hard", "rate_percent"] < table.loc["hard", "high_percent"]
    assert (table["low_percent"] <= table["rate_percent"]).all()


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


def test_records_without_an_official_are_refused_or_empty():
    """A missing column is named; movements that name nobody give an empty table."""
    stays, dossiers = _make_stays([("", "s1", "p", 40, 5, 12)])
    assert find_late_again(_connect(stays), dossiers).empty
    with pytest.raises(RecordsError, match="handler"):
        find_late_again(_connect(stays.drop(columns="handler")), dossiers)
