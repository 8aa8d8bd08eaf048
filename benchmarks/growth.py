"""Time and peak memory of means of 22 items in 500 units as forms grow to 20 million.

    python benchmarks/growth.py [--largest 20000000]

20,000 clusters whatever the number of forms, odd weights; Parquet files of up to a million forms.
Each size runs in a process of its own, after one call on 10,000 forms to warm up; the peak is that
of the whole process. In memory the frame itself is counted, so it grows.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (10_000, 100_000, 1_000_000, 3_000_000, 5_000_000, 20_000_000)
IN_MEMORY = 3_000_000
FILE = 1_000_000
ITEMS = [f"i{k}" for k in range(1, 23)]


def make(folder: Path, n: int) -> None:
    """Write n forms; answers come from a hash of form and item."""
    import duckdb

    answers = ", ".join(f"(1 + (h >> {2 * k}) % 5)::TINYINT AS {x}" for k, x in enumerate(ITEMS))
    weight = "0.5 + (h % 1000003) / 1e6 * 3 AS w"
    rows = f"SELECT printf('u%03d', c // 40) AS unit, c::INTEGER AS cluster, {weight}, {answers}"
    for at, start in enumerate(range(0, n, FILE)):
        end = min(start + FILE, n)
        numbers = f"SELECT i * 20000 // {n} AS c, hash(i) AS h FROM range({start}, {end}) t(i)"
        where = f"'{folder}/part-{at:03d}.parquet' (FORMAT parquet)"
        duckdb.sql(f"COPY ({rows} FROM ({numbers})) TO {where}")


def measure(warm: Path, folder: Path, source: str, rounds: int) -> None:
    """Time one size; print the times, and the frame's size if it is in memory."""
    import duckdb

    import sipas_analysis as sipas

    def call(forms: object) -> None:
        design = sipas.Design(forms, weights="w", clusters="cluster")
        sipas.mean(design, ITEMS, by="unit").to_frame()

    pattern, times = str(folder / "*.parquet"), []
    call(str(warm / "*.parquet"))
    forms = duckdb.sql(f"FROM '{pattern}'").df() if source == "memory" else pattern
    for _ in range(rounds):
        start = time.perf_counter()
        call(forms)
        times.append(time.perf_counter() - start)
    print(json.dumps({"times": times}))


def part(*words: object) -> dict:
    """Run a part in a process of its own; return what it says and its peak memory in MB."""
    command = [sys.executable, __file__, "--part", *map(str, words)]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        output.seek(0)
        return {**json.loads(output.read() or "{}"), "peak": used.ru_maxrss / 1024}


def slope(points: list[tuple[int, float]]) -> float:
    """Return the slope of log time by log forms."""
    x, y = ([math.log(point[k]) for point in points] for k in (0, 1))
    return statistics.linear_regression(x, y).slope


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        what, *rest = options.part
        if what == "make":
            make(Path(rest[0]), int(rest[1]))
        else:
            measure(Path(rest[0]), Path(rest[1]), rest[2], int(rest[3]))
        return
    times: dict[str, list[tuple[int, float]]] = {"files": [], "memory": []}
    print(f"machine  {platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(f"{'forms':>12}{'from':>9}{'s':>9}{'µs/form':>9}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as name:
        for n in (size for size in SIZES if size <= options.largest):
            folder = Path(name) / str(n)
            folder.mkdir()
            part("make", folder, n)
            for source in ("files", "memory")[: 1 + (n <= IN_MEMORY)]:
                rounds = 3 if n <= FILE else 2 if n <= IN_MEMORY else 1
                answer = part("measure", Path(name) / str(SIZES[0]), folder, source, rounds)
                best = min(answer["times"])
                times[source].append((n, best))
                each, peak = best / n * 1e6, answer["peak"]
                print(f"{n:>12,}{source:>9}{best:>9.3f}{each:>9.2f}{peak:>9.0f}", flush=True)
    for source, points in times.items():
        big = [point for point in points if point[0] >= FILE]
        text = f"{slope(points):.2f} in all"
        text += f", {slope(big):.2f} from a million forms" if len(big) > 1 else ""
        print(f"slope of log time by log forms, {source}: {text}")


if __name__ == "__main__":
    main()
