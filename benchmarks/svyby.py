"""Time means of 22 items in 500 units, with errors, against R svyby, PyPI svy and bare numpy.

    python benchmarks/svyby.py [--rounds 7] [--rounds-r 2] [--svy /path/of/python/that/has/svy]

1,000,000 forms of 40 clusters in each unit, odd weights: 11,000 estimates. Each part runs in a
process of its own, whose peak memory is that of the whole process; times are warm, except for svy,
which runs once. R and svy get the answers without blanks (R's ``na.rm`` drops whole forms); errors
are compared to 1e-8. The numpy line only adds up w·x by cluster, without errors: what any way must.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FORMS, UNITS, EACH = 1_000_000, 500, 40
ITEMS = [f"i{k}" for k in range(1, 23)]
HERE = Path(__file__)
SVY = """
import json, sys, time, polars as pl, svy
forms = pl.read_parquet(sys.argv[1])
items = [f"i{k}" for k in range(1, 23)]
start = time.perf_counter()
sample = svy.Sample(forms, svy.Design(wgt="w", psu="cluster"))
prepared = time.perf_counter() - start
start = time.perf_counter()
found = sample.estimation.mean(items, by="unit")
took = time.perf_counter() - start
rows = [one.to_polars().select("unit", pl.lit(k).alias("variable"), pl.col("est").alias("value"),
        "se") for k, one in zip(items, found)]
pl.concat(rows).write_csv(sys.argv[2])
print(json.dumps({"prepared": prepared, "times": [took], "versions": f"svy {svy.__version__}"}))
"""


def make(folder: Path) -> None:
    """Write the forms, with and without blanks, without a random generator: hashes."""
    import duckdb

    def item(k: int, blanks: bool) -> str:
        person = f"(hash(i * 1000 + {k}) % 1000000) / 1e6 * 3.2"
        place = f"(hash(cluster * 31 + {k}) % 1000) / 1e3 * 0.8"
        unit = f"(hash(u * 37 + {k}) % 1000) / 1e3"
        answer = f"least(5, 1 + floor({person} + {place} + {unit}))::TINYINT"
        blank = f"hash(i * 1000 + {500 + k}) % 100 < 2"
        return f"CASE WHEN {blank} THEN NULL ELSE {answer} END" if blanks else answer

    for name, blanks in (("plain", False), ("blanks", True)):
        items = ", ".join(
            f"{item(k + 1, blanks and k % 3 == 0)} AS {x}" for k, x in enumerate(ITEMS)
        )
        size = FORMS // (UNITS * EACH)
        numbers = (
            f"SELECT i, i // {size} AS cluster, i // {size * EACH} AS u FROM range({FORMS}) t(i)"
        )
        weight = "0.5 + (hash(i * 1000 + 999) % 1000000) / 1e6 * 3 AS w"
        rows = f"SELECT printf('u%03d', u) AS unit, cluster::INTEGER AS cluster, {weight}, {items}"
        duckdb.sql(f"COPY ({rows} FROM ({numbers})) TO '{folder}/{name}.parquet' (FORMAT parquet)")
    duckdb.sql(f"COPY (FROM '{folder}/plain.parquet') TO '{folder}/plain.csv'")


def ours(folder: Path, source: str, name: str, rounds: int) -> None:
    """Time ours, in memory or from a file, and save what it found."""
    import sipas_analysis as sipas

    forms = path = folder / f"{name}.parquet"
    if source != "files":
        import duckdb

        forms = duckdb.sql(f"FROM '{path}'").df()
        blank = [name for name in ITEMS if forms[name].isna().any()]
        forms = forms.astype(dict.fromkeys(blank, float))  # as pandas reads them from CSV
    if source == "shuffled":
        forms = forms.sample(frac=1, random_state=1, ignore_index=True)
    times = []
    for _ in range(rounds + 1):  # the first one warms up
        start = time.perf_counter()
        design = sipas.Design(forms, weights="w", clusters="cluster")
        means = sipas.mean(design, ITEMS, by="unit").to_frame()
        times.append(time.perf_counter() - start)
    assert len(means) == UNITS * len(ITEMS)
    assert means[["se", "low", "high"]].notna().to_numpy().all()
    means[["unit", "variable", "value", "se"]].to_csv(folder / f"{source}-{name}.csv", index=False)
    print(json.dumps({"times": times[1:], "first": times[0]}))


def bare(folder: Path, rounds: int) -> None:
    """Add up w·x of each item by cluster with numpy: no counts, no errors, no exact sums."""
    import duckdb
    import numpy as np

    forms = duckdb.sql(f"FROM '{folder}/plain.parquet'").fetchnumpy()
    cluster, weight = forms["cluster"].astype(np.int64), np.asarray(forms["w"])
    columns = [np.asarray(forms[name]) for name in ITEMS]
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        for column in columns:
            np.bincount(cluster, weights=weight * column)
        times.append(time.perf_counter() - start)
    print(json.dumps({"times": times[1:]}))


def gap(folder: Path, first_name: str, second_name: str) -> None:
    """Print the largest relative difference of values and of errors."""
    import pandas as pd

    a, b = (pd.read_csv(folder / name) for name in (first_name, second_name))
    both = a.merge(b, on=["unit", "variable"], suffixes=("", "_other"))
    assert len(both) == len(a) == len(b) == UNITS * len(ITEMS)
    gaps = {c: float((both[c] / both[f"{c}_other"] - 1).abs().max()) for c in ("value", "se")}
    print(json.dumps(gaps))


def run(*command: object) -> dict:
    """Run a process; return what its last line says, with its peak memory in MB."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([*map(str, command)], stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        output.seek(0)
        lines = output.read().strip().splitlines()
    return {**json.loads(lines[-1] if lines else "{}"), "peak": used.ru_maxrss / 1024}


def part(*words: object) -> dict:
    return run(sys.executable, HERE, "--part", *words)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rounds-r", type=int, default=2)
    parser.add_argument("--svy", default="")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        what, folder, *rest = options.part
        if what == "ours":
            ours(Path(folder), rest[0], rest[1], int(rest[2]))
        else:
            {
                "make": make,
                "bare": lambda at: bare(at, int(rest[0])),
                "gap": lambda at: gap(at, *rest),
            }[what](Path(folder))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part("make", folder)
        results = {
            f"ours, {source}, {kind}": part("ours", folder, source, kind, options.rounds)
            for kind in ("plain", "blanks")
            for source in ("memory", "files")
        }
        results["ours, shuffled, plain"] = part("ours", folder, "shuffled", "plain", options.rounds)
        results["ours, files, one call"] = part("ours", folder, "files", "plain", 0)
        results["numpy, sums only"] = part("bare", folder, options.rounds)
        gaps = {
            f"memory and files, {kind}": part(
                "gap", folder, f"memory-{kind}.csv", f"files-{kind}.csv"
            )
            for kind in ("plain", "blanks")
        }
        other = ("memory-plain.csv", "shuffled-plain.csv")
        gaps["in order and shuffled"] = part("gap", folder, *other)
        if shutil.which("Rscript"):
            script, path = HERE.with_suffix(".R"), folder / "r.csv"
            csv = folder / "plain.csv"
            results["R svyby"] = run("Rscript", script, csv, path, options.rounds_r)
            gaps["R"] = part("gap", folder, "memory-plain.csv", "r.csv")
        if options.svy:
            forms, path = folder / "plain.parquet", folder / "svy.csv"
            results["PyPI svy"] = run(options.svy, "-c", SVY, forms, path)
            gaps["svy"] = part("gap", folder, "memory-plain.csv", "svy.csv")
        show(results, gaps)


def show(results: dict, gaps: dict) -> None:
    """Print times, peaks, ratios to ours in memory and differences."""
    from importlib.metadata import version

    versions = [f"{name} {version(name)}" for name in ("numpy", "pandas", "scipy", "duckdb")]
    versions += [result["versions"] for result in results.values() if "versions" in result]
    memory = statistics.median(results["ours, memory, plain"]["times"])
    best = min(results["ours, memory, plain"]["times"])
    print(
        f"machine   {platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    print(f"versions  {', '.join(versions)}")
    print(f"data      {FORMS:,} forms × {len(ITEMS)} items, {UNITS} units × {EACH} clusters")
    print(f"{'':24}{'median s':>10}{'min s':>10}{'peak MB':>10}{'× ours':>10}{'min ×':>8}")
    for name, result in results.items():
        times = result["times"] or [result["first"]]
        middle, least = statistics.median(times), min(times)
        ratio = f"{middle / memory:>10.2f}{least / best:>8.2f}"
        print(f"{name:24}{middle:>10.3f}{least:>10.3f}{result['peak']:>10.0f}{ratio}")
    for name, result in results.items():
        if "prepared" in result:
            print(f"{name}: the design alone, not counted above, {result['prepared']:.1f} s")
    for name, gap_of in gaps.items():
        print(f"largest difference, {name}: value {gap_of['value']:.1e}, se {gap_of['se']:.1e}")
    assert all(gap_of["se"] < 1e-8 for name, gap_of in gaps.items() if name != "svy")
    assert all(
        gap_of["value"] == gap_of["se"] == 0
        for name, gap_of in gaps.items()
        if name not in ("R", "svy")
    )


if __name__ == "__main__":
    main()
