"""CPU seconds and peak memory of waves of many units and of files of many forms.

    python benchmarks/scale.py [--before DIR] [--parts units means growth forms] [--out FILE]

Inputs are made from fixed seeds. Each part runs in a process of its own and writes one line to
``results/scale.txt``, also if a later part is stopped. ``--before`` is a checkout of an earlier
version: each part runs with it first; both must find the same bits, or the last line says which
part does not. Peers do less: DuckDB and pandas add up weights and answers, without errors,
intervals or checks. CPU seconds (user + system, all threads) are comparable while other work runs,
wall time is not. A part that needs more than ``CPU_LIMIT`` seconds is stopped.

    units   score of 2,000 units x 50 forms
    means   means with errors of the million forms x 22 of ``svyby.py``, warm, the least of five
    growth  the same means of a million and of 2*10^7 forms, once: does memory grow?
    forms   score of 3 units x 300,000 forms, CSV and Parquet
"""

import argparse
import hashlib
import json
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")  # a result
HERE, ROOT = Path(__file__), Path(__file__).parents[1]
ITEMS = [f"i{k}" for k in range(1, 23)]
WARM = 5
CPU_LIMIT = 180  # seconds
PARTS = ("units", "means", "growth", "forms")
GROWTH = (1_000_000, 20_000_000)  # forms


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


def estimate_means(path: Path, warm: int = WARM) -> dict[str, object]:
    """Estimate means with errors from Parquet; CPU and wall time are those of warm calls."""
    import sipas_analysis as sipas

    def estimate() -> "pd.DataFrame":
        design = sipas.Design(str(path), weights="w", clusters="cluster")
        return sipas.mean(design, ITEMS, by="unit").to_frame()

    return time_calls(estimate, warm, lambda means: hash_bytes(means.map(repr).to_csv().encode()))


def add_with_duckdb(path: Path, warm: int = WARM) -> dict[str, object]:
    """Add up weights and weighted answers by unit and cluster with DuckDB: no errors."""
    import duckdb

    sums = ", ".join(f"sum(w * {x}), sum(w) FILTER ({x} IS NOT NULL)" for x in ITEMS)
    query = f"SELECT unit, cluster, {sums} FROM '{path}' GROUP BY ALL"
    return time_calls(lambda: str(len(duckdb.query(query).df())), warm)


def add_with_pandas(path: Path, warm: int = WARM) -> dict[str, object]:
    """Add up weighted answers by unit and cluster with pandas, of a frame in memory: no errors."""
    import duckdb

    forms = duckdb.sql(f"FROM '{path}'").df()

    def add() -> str:
        products = forms[ITEMS].mul(forms["w"], axis=0)
        return str(len(products.groupby([forms["unit"], forms["cluster"]], sort=False).sum()))

    return time_calls(add, warm)


def time_calls(
    work: Callable[[], T], warm: int, describe: Callable[[T], str] = str
) -> dict[str, object]:
    """Return the least CPU and wall time of calls after the first, or of the only one.

    The result is described after the clock stopped, as ``svyby.py`` does.
    """
    rounds: list[tuple[float, float]] = []
    while len(rounds) <= warm:
        start, cpu = time.perf_counter(), time.process_time()
        result = work()
        rounds.append((time.process_time() - cpu, time.perf_counter() - start))
    cpu, wall = map(min, zip(*(rounds[1:] or rounds), strict=True))
    return {"cpu": cpu, "wall": wall, "bits": describe(result)}


def count_levels(folder: Path, tool: str) -> dict[str, object]:
    """Count the forms at each level of each item by unit with DuckDB or pandas; CSV or Parquet."""
    import duckdb
    import pandas as pd

    path = next(folder.glob("responses.*"))
    is_csv = path.suffix == ".csv"
    if tool == "pandas":
        frame = (
            pd.read_csv(path, dtype=str, keep_default_na=False)
            if is_csv
            else duckdb.read_parquet(str(path)).df()
        )
        counts = [frame.groupby(["don_vi", item]).size() for item in list_items([*frame])]
        return {"bits": f"{len(counts)} items, {sum(map(len, counts))} counts"}
    forms = (
        duckdb.read_csv(str(path), all_varchar=True) if is_csv else duckdb.read_parquet(str(path))
    )
    rows = [
        forms.aggregate(f'don_vi, "{item}", count(*)').fetchall()
        for item in list_items(forms.columns)
    ]
    return {"bits": f"{len(rows)} items, {sum(map(len, rows))} counts"}


def list_items(columns: list[str]) -> list[str]:
    """Return the columns of the 22 items of the pack, such as ``A1``."""
    return [name for name in columns if name[0] in "ABCDE" and name[1:].isdigit()]


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
    elif what == "many":
        from growth import make as make_many

        Path(rest[0]).mkdir()
        make_many(Path(rest[0]), int(rest[1]))
        found = {}
    elif what == "score":
        found = score_wave(Path(rest[0]), Path(rest[1]))
    elif what == "count":
        found = count_levels(Path(rest[0]), rest[1])
    else:
        work = {"means": estimate_means, "duckdb": add_with_duckdb, "pandas": add_with_pandas}[what]
        found = work(Path(rest[0]), *map(int, rest[1:]))
    result.write_text(json.dumps(found))


class Report:
    """The lines of the table, printed and written as they come."""

    def __init__(self, out: TextIO, programs: dict[str, Path], folder: Path) -> None:
        self.out, self.programs, self.folder = out, programs, folder
        self.differing: list[str] = []

    def write(self, line: str) -> None:
        """Print a line and write it."""
        print(line, flush=True)
        self.out.write(f"{line}\n")
        self.out.flush()

    def add(self, title: str, *words: object) -> None:
        """Run a part with each program; note it where they find other bits."""
        all_bits = set()
        for version, root in self.programs.items():
            out = (self.folder / version / Path(str(words[1])).name,) * (words[0] == "score")
            all_bits.add(self.add_line(title, version, run_part(root, *words, *out)))
        if len(all_bits) > 1:
            self.differing.append(title)

    def add_peer(self, title: str, name: str, *words: object) -> None:
        """Run a peer, which knows no version."""
        self.add_line(title, name, run_part(ROOT, *words))

    def add_line(self, title: str, version: str, found: dict[str, float | str]) -> object:
        """Write one line of the table; return the bits that were found, if any."""
        cells = f"{found['cpu']:8.2f}{found['wall']:8.2f}{found['peak']:9.0f}"
        bits = found.get("bits")
        self.write(f"{title:44}{version:8}{cells}  {bits or f'stopped at {CPU_LIMIT} CPU s'}")
        return bits or id(found)


def run_units(report: Report, units: int) -> None:
    """Score a wave of many units."""
    wave = report.folder / "wave"
    run_part(ROOT, "wave", wave, units, 50)
    report.add(f"score, {units:,} units x 50 forms", "score", wave)


def run_means(report: Report) -> None:
    """Estimate the means of a million forms, without blanks and with some."""
    run_part(ROOT, "forms", report.folder)
    for name, title in (("plain", "means, 10^6 forms x 22, Parquet"), ("blanks", "  with blanks")):
        report.add(title, "means", report.folder / f"{name}.parquet")
    for peer in ("duckdb", "pandas"):
        report.add_peer("  sums only, without errors", peer, peer, report.folder / "plain.parquet")


def run_growth(report: Report) -> None:
    """Estimate the same means of more and more forms, each once."""
    for n in GROWTH:
        many = report.folder / f"many{n}"
        run_part(ROOT, "many", many, n)
        report.add(f"means, {n:,} forms x 22, once", "means", many / "*.parquet", 0)
        report.add_peer("  sums only, without errors", "duckdb", "duckdb", many / "*.parquet", 0)
        shutil.rmtree(many)


def run_forms(report: Report, forms: int) -> None:
    """Score a wave of three units with very many forms."""
    for kind in ("csv", "parquet"):
        large = report.folder / f"{kind}{forms}"
        run_part(ROOT, "large", large, forms, kind)
        report.add(f"score, 3 units x {forms:,} forms, {kind}", "score", large)
        for peer in ("duckdb", "pandas"):
            report.add_peer("  counts of levels only", peer, "count", large, peer)
        shutil.rmtree(large)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--forms", type=int, nargs="+", default=[300_000])
    parser.add_argument("--out", type=Path, default=HERE.parent / "results" / "scale.txt")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        do_part(Path(options.part[0]), *options.part[1:])
        return
    programs = {"before": options.before} if options.before else {}
    programs["now"] = ROOT
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, options.out.open("w", encoding="utf-8") as out:
        report = Report(out, programs, Path(name))
        load = os.getloadavg()[0]
        report.write(f"machine  {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}")
        report.write(f"{'':44}{'':8}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}  bits")
        if "units" in options.parts:
            run_units(report, options.units)
        if "means" in options.parts:
            run_means(report)
        if "growth" in options.parts:
            run_growth(report)
        for forms in options.forms if "forms" in options.parts else ():
            run_forms(report, forms)
        if options.before:
            report.write(f"other bits than before: {', '.join(report.differing) or 'none'}")
        report.write(f"whole: {(time.perf_counter() - start) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
