"""Time the working time of movements against plain DuckDB SQL and a pandas loop.

    python benchmarks/records.py [--movements 10000000] [--rounds 5]

Synthetic stays of dossiers (six a dossier, seeded) in one Parquet file. Per step × section × month:
stays at work with median and P90 of working hours, stays at which the clock stood still and their
hours, stays that ended it. `ours` counts working time by the macro of the calendar of 2021 to 2022;
`plain` is the same SQL with elapsed seconds, without a calendar. They run in turns; the ratio is
that of medians. `loop` is what a pandas user would write with `CustomBusinessDay`: timed on a
sample and scaled. `steps` is `measure_steps` (waits, loops, shares of the limit), with the calendar
and with elapsed time in its place; `clock` judges all dossiers in pieces. Each size runs in a
process of its own, whose peak memory (RSS) is reported.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from sipas_analysis.records.calendar import read_calendar
from sipas_analysis.records.clock import find_pauses, run_clock
from sipas_analysis.records.steps import measure_steps

STAYS = 6
PIECE = 200_000  # dossiers judged at a time
SAMPLE = 3_000  # stays of the loop
PARTS = ("query", "clock", "steps")
MAKE = """
COPY (
    WITH dossiers AS (
        SELECT id, hash(id * 7 + 1) AS code, TIMESTAMP '2021-01-01 07:00:00'
            + to_seconds((hash(id) % 365 * 86400 + hash(id + 5) % 30000)::BIGINT) AS received
        FROM range({first}, {last}) AS ids(id)
    ), waits AS (
        SELECT *, (hash(id * 6 + place) % (CASE place WHEN 2 THEN 400000 ELSE 90000 END))::BIGINT
            AS seconds FROM dossiers, range(6) AS places(place)
    ), placed AS (
        SELECT *, sum(seconds) OVER (PARTITION BY id ORDER BY place)::BIGINT AS passed FROM waits
    )
    SELECT printf('H%08d', id) AS dossier, 'Bước ' || place AS step,
        'Phòng ' || (code // 64 + place) % 12 AS section,
        'CB' || hash(id * 6 + place + 3) % 400 AS handler,
        (CASE WHEN place = 3 AND code % 5 = 0 THEN 5 WHEN place = 5 THEN 9 ELSE 4 END)::UTINYINT
            AS state,
        received + to_seconds(passed - seconds) AS start, received + to_seconds(passed) AS "end"
    FROM placed ORDER BY id, place
) TO '{path}' (FORMAT parquet)"""
QUERY = """
SELECT step, section, date_trunc('month', start) AS month,
    count(*) FILTER (state IN (2, 4)) AS at_work,
    quantile_cont({seconds}, [0.5, 0.9]) FILTER (state IN (2, 4)) AS median_p90,
    count(*) FILTER (state IN (5, 6, 8)) AS paused,
    sum({seconds}) FILTER (state IN (5, 6, 8)) AS paused_seconds,
    count(*) FILTER (state IN (9, 10)) AS done
FROM read_parquet('{path}') GROUP BY ALL ORDER BY ALL"""
OURS = 'working_seconds("end") - working_seconds(start)'
PLAIN = 'epoch_us("end") // 1000000 - epoch_us(start) // 1000000'
DOSSIERS = """
SELECT dossier, min(start) AS received, max("end") AS finished, 9 AS state, '' AS contradiction,
    (hash(dossier) % 15 + 1)::DOUBLE AS "limit", 'working_day' AS limit_unit
FROM read_parquet('{path}') WHERE dossier BETWEEN 'H{first:08d}' AND 'H{last:08d}' GROUP BY ALL"""
CALENDAR = read_calendar([2021, 2022])


def write_movements(path, movements):
    """Write the stays, a million at a time, so that this process stays small."""
    n_dossiers = movements // STAYS
    step = 1_000_000 // STAYS
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        for first in range(0, n_dossiers, step):
            part = Path(folder) / f"{first:09d}.parquet"
            last = min(first + step, n_dossiers)
            connection.execute(MAKE.format(first=first, last=last, path=part)).fetchall()
        connection.execute("SET preserve_insertion_order = true").fetchall()
        files = f"read_parquet('{folder}/*.parquet')"
        connection.execute(f"COPY (FROM {files}) TO '{path}' (FORMAT parquet)").fetchall()


def time_call(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def connect(calendar=True):
    """A connection whose macro counts working time, or elapsed time in its place."""
    connection = duckdb.connect()
    if calendar:
        CALENDAR.make_macros(connection)
    else:
        elapsed = "working_seconds(stamp) AS epoch_us(stamp::TIMESTAMP) // 1000000"
        connection.execute(f"CREATE MACRO {elapsed}").fetchall()
    return connection


def time_query(path, rounds):
    """Ours and plain in turns."""
    connection = connect()
    queries = [QUERY.format(seconds=seconds, path=path) for seconds in (OURS, PLAIN)]
    times = [
        [time_call(lambda query=query: connection.execute(query).fetchall()) for query in queries]
        for _ in range(rounds)
    ]
    ours, plain = (statistics.median(column) for column in zip(*times, strict=True))
    return {"ours": ours, "plain": plain, "groups": len(connection.execute(queries[0]).fetchall())}


def time_clock(path, n_dossiers):
    """Judge all dossiers, a piece at a time; the pauses are found by SQL."""
    connection = connect()

    def judge(first):
        span = {"path": path, "first": first, "last": first + PIECE - 1}
        dossiers = connection.execute(DOSSIERS.format(**span)).df()
        stays = connection.sql(
            "SELECT dossier, state, start, \"end\" FROM read_parquet('{path}') "
            "WHERE dossier BETWEEN 'H{first:08d}' AND 'H{last:08d}'".format(**span)
        )
        judged = run_clock(dossiers, find_pauses(stays), CALENDAR, date(2021, 12, 31))
        assert set(judged["status"]) == {"early", "on_time", "late", "in_time", "overdue"}

    return {
        "clock": time_call(lambda: [judge(first) for first in range(0, n_dossiers, PIECE)]),
        "dossiers": n_dossiers,
    }


def time_steps(path, rounds):
    """`measure_steps` with the calendar and with elapsed time in its place, in turns."""
    deadlines = duckdb.sql(
        f"""SELECT dossier, min(start) AS start, min(start) + INTERVAL 14 DAY AS due,
        0 AS paused_seconds FROM read_parquet('{path}') GROUP BY dossier ORDER BY dossier"""
    ).df()
    n_stays = duckdb.sql(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()[0][0]
    relations = [
        connect(calendar).sql(f"SELECT * FROM read_parquet('{path}')") for calendar in (True, False)
    ]
    keys = ("step", "section", "month")
    measured = measure_steps(relations[0], deadlines, keys)  # else nothing might be timed
    assert measured[["n", "running", "pauses"]].sum().sum() > 0.8 * n_stays  # the rest: ended
    times = [
        [
            time_call(lambda stays=stays: measure_steps(stays, deadlines, keys))
            for stays in relations
        ]
        for _ in range(rounds)
    ]
    ours, plain = (statistics.median(column) for column in zip(*times, strict=True))
    return {"ours": ours, "plain": plain}


def loop(stays):
    """Working seconds of each stay, as a pandas user would count them."""
    off = [day for year in CALENDAR.years for part in year.holidays for day in part.list_days()]
    business_day = pd.offsets.CustomBusinessDay(holidays=off)

    def hours_of(stamp):
        if not business_day.is_on_offset(stamp.normalize()):
            return 0
        second = (stamp - stamp.normalize()).total_seconds()
        return min(max(second - 25_200, 0), 14_400) + min(max(second - 46_800, 0), 14_400)

    seconds = []
    for stay in stays.itertuples():
        days = pd.date_range(stay.start.normalize(), stay.end.normalize(), freq=business_day)
        full = len(days[days < stay.end.normalize()])
        seconds.append(28_800 * full + hours_of(stay.end) - hours_of(stay.start))
    return np.array(seconds)


def time_loop(path, movements):
    """The loop on a sample, scaled to all stays; both count the same."""
    connection = connect()
    query = f"""SELECT start, "end", {OURS} AS seconds FROM read_parquet('{path}')
        USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (1)"""
    stays = connection.execute(query).df()
    looped = []
    seconds = time_call(lambda: looped.append(loop(stays)))
    np.testing.assert_allclose(looped[0], stays["seconds"])
    return seconds / SAMPLE * movements


def read_peak():
    """Peak memory of this process (MB); `getrusage` would carry over that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def run_part(part, path, movements, rounds):
    """Run one part in this process; print its times and its peak memory."""
    works = {
        "query": lambda: time_query(path, rounds),
        "clock": lambda: time_clock(path, movements // STAYS),
        "steps": lambda: time_steps(path, 1),
    }
    figures = works[part]()
    figures["mb"] = read_peak()
    print(json.dumps(figures))


def call_part(part, path, movements, rounds):
    """Run one part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, "--path", str(path)]
    command += ["--movements", str(movements), "--rounds", str(rounds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--movements", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--path")
    options = parser.parse_args()
    if options.part:
        run_part(options.part, options.path, options.movements, options.rounds)
        return
    versions = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    versions += f", pandas {pd.__version__}"
    print(f"machine    {platform.machine()}, {os.cpu_count()} cores, {versions}")
    with tempfile.TemporaryDirectory() as folder:
        for movements in (options.movements // 10, options.movements // 2, options.movements):
            path = Path(folder) / "movements.parquet"
            write_movements(path, movements)
            size = path.stat().st_size / 1e6
            query, clock, steps = (
                call_part(part, path, movements, options.rounds) for part in PARTS
            )
            print(f"movements  {movements:,} stays, {size:.0f} MB of Parquet")
            ratio = query["ours"] / query["plain"]
            print(
                f"  query    ours {query['ours']:.2f} s, plain {query['plain']:.2f} s: "
                f"× {ratio:.2f}; {query['groups']:,} groups; peak {query['mb']} MB"
            )
            print(
                f"  clock    {clock['clock']:.1f} s for {clock['dossiers']:,} dossiers; "
                f"peak {clock['mb']} MB"
            )
            ratio = steps["ours"] / steps["plain"]
            print(
                f"  steps    with calendar {steps['ours']:.1f} s, without {steps['plain']:.1f} s: "
                f"× {ratio:.2f}; peak {steps['mb']} MB",
                flush=True,
            )
        looped = time_loop(path, movements)
        print(
            f"  loop     {looped:,.0f} s, scaled from {SAMPLE:,} stays: "
            f"{looped / query['ours']:,.0f} times ours"
        )


if __name__ == "__main__":
    main()
