"""CPU seconds and peak memory of waves of many units and of files of many forms.

    python benchmarks/scale.py [--before DIR] [--units 2000] [--large FOLDER]

``--before`` is a checkout of an earlier version: each part runs with it first, in a process of its
own. CPU seconds (user + system, all threads) are comparable while other work runs, wall time is
not. ``--forms`` are the forms of each of three units, scored from CSV and from Parquet. A part that
needs more than ``CPU_LIMIT`` seconds is stopped. The million forms are those of ``svyby.py``,
called warm; both versions must find the same bits there, and the same tables in a wave.
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

HERE, ROOT = Path(__file__), Path(__file__).parents[1]
ITEMS = [f"i{k}" for k in range(1, 23)]
WARM = 5
CPU_LIMIT = 180  # seconds


def make_wave(folder: Path, n_units: int, forms: int) -> None:
    """Write a fictitious wave of so many units and forms in each."""
    from sipas_analysis.collect.simulate import build_demo, write_demo

    demo = build_demo("demo", n_units)
    write_demo(replace(demo, plan={**demo.plan, "forms": forms}), folder)


def make_large_wave(folder: Path, n_units: int, forms: int, kind: str) -> None:
    """Write a wave of few units and very many forms, each answer that of a form of a small wave."""
    import duckdb
    import numpy as np
    import pandas as pd

    make_wave(folder, 500, 50)
    few = pd.read_csv(folder / "responses.csv", dtype=str, keep_default_na=False)
    draw, n = np.random.default_rng(1), n_units * forms
    columns: dict[str, object] = {few.columns[0]: [f"P{at:07d}" for at in range(n)]}
    units = few["don_vi"].unique()[:n_units]
    columns["don_vi"] = pd.Categorical.from_codes(np.arange(n) % n_units, units)
    whole = draw.integers(0, len(few), n)  # half of the answers of a form are those of one person
    for name in few.columns.difference([*columns], sort=False):
        answer, texts = pd.factorize(few[name])
        drawn = np.where(draw.random(n) < 0.5, whole, draw.integers(0, len(few), n))
        columns[name] = pd.Categorical.from_codes(answer[drawn], texts)
    table = duckdb.from_df(pd.DataFrame(columns)[[*few.columns]])
    if kind == "csv":
        table.write_csv(str(folder / "responses.csv"))
    else:
        table.write_parquet(str(folder / "responses.parquet"))
        (folder / "responses.csv").unlink()
        wave = (folder / "wave.yaml").read_text("utf-8")
        wave = wave.replace("responses.csv", "responses.parquet")
        (folder / "wave.yaml").write_text(wave, "utf-8")


def score_wave(folder: Path, out: Path) -> dict[str, object]:
    """Score a wave as ``sipas score`` does, and return a hash of its tables."""
    from sipas_analysis.cli import app

    try:
        app(["score", str(folder), "--out", str(out)])
    except SystemExit as end:
        if end.code:
            raise
    tables = sorted((out / "tables").glob("*.csv"))
    return {"bits": hash_bytes(b"".join(table.read_bytes() for table in tables))}


def estimate_means(path: Path) -> dict[str, object]:
    """Estimate means with errors from a Parquet file; CPU and wall time are those of warm calls."""
    import sipas_analysis as sipas

    rounds = []
    for _ in range(WARM + 1):
        start, cpu = time.perf_counter(), time.process_time()
        design = sipas.Design(str(path), weights="w", clusters="cluster")
        means = sipas.mean(design, ITEMS, by="unit").to_frame()
        rounds.append((time.process_time() - cpu, time.perf_counter() - start))
    cpu, wall = map(min, zip(*rounds[1:], strict=True))
    return {"cpu": cpu, "wall": wall, "bits": hash_bytes(means.map(repr).to_csv().encode())}


def hash_bytes(content: bytes) -> str:
    """Return the start of the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()[:12]


def run_part(root: Path, *words: object) -> dict[str, float | str]:
    """Run a part with the program at ``root``; return its result, CPU seconds and peak MB.

    The result has no ``bits`` where the part was stopped.
    """
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    with tempfile.NamedTemporaryFile("r") as result:
        command = [sys.executable, str(HERE), "--part", result.name, *map(str, words)]
        start = time.perf_counter()
        quiet = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
        process = os.posix_spawn(sys.executable, command, environment, file_actions=[quiet])
        _, status, used = os.wait4(process, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, -signal.SIGXCPU, -signal.SIGKILL), command
        facts = {"cpu": used.ru_utime + used.ru_stime, "wall": time.perf_counter() - start}
        found: dict[str, float | str] = json.loads(result.read() or "{}")
        return {**facts, "peak": used.ru_maxrss / 1024, **found}


def do_part(result: Path, what: str, *rest: str) -> None:
    """Do one part in this process and write what it found."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT))
    if what == "wave":
        make_wave(Path(rest[0]), int(rest[1]), int(rest[2]))
        found: dict[str, object] = {}
    elif what == "large":
        make_large_wave(Path(rest[0]), 3, int(rest[1]), rest[2])
        found = {}
    elif what == "forms":
        from svyby import make

        make(Path(rest[0]))
        found = {}
    elif what == "score":
        found = score_wave(Path(rest[0]), Path(rest[1]))
    else:
        found = estimate_means(Path(rest[0]))
    result.write_text(json.dumps(found))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", type=Path)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--forms", type=int, nargs="*", default=[100_000, 300_000])
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        do_part(Path(options.part[0]), *options.part[1:])
        return
    programs = {"before": options.before} if options.before else {}
    programs["now"] = ROOT
    print(f"machine  {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':44}{'':8}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}  bits")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_part(ROOT, "wave", folder / "wave", options.units, 50)
        run_part(ROOT, "forms", folder)
        works: dict[str, tuple[object, ...]] = {
            f"score, {options.units:,} units x 50 forms": ("score", folder / "wave"),
            "means, 10^6 forms x 22, Parquet": ("means", folder / "plain.parquet"),
            "the same with blanks": ("means", folder / "blanks.parquet"),
        }
        for forms, kind in product(options.forms, ("csv", "parquet")):
            large = folder / f"{kind}{forms}"
            run_part(ROOT, "large", large, forms, kind)
            works[f"score, 3 units x {forms:,} forms, {kind}"] = ("score", large)
        for title, words in works.items():
            for version, root in programs.items():
                rest = (folder / version / Path(str(words[1])).name,) * (words[0] == "score")
                found = run_part(root, *words, *rest)
                cells = f"{found['cpu']:8.2f}{found['wall']:8.2f}{found['peak']:9.0f}"
                bits = found.get("bits", f"stopped at {CPU_LIMIT} CPU s")
                print(f"{title:44}{version:8}{cells}  {bits}", flush=True)


if __name__ == "__main__":
    main()
