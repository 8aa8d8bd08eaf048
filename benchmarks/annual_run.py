"""Time `sipas run` against the loop that a user would write: papermill, then nbconvert, a report.

    python benchmarks/annual_run.py [--units 187] [--looped 12] [--peers DIR]

One synthetic wave of 160 forms a unit; the same notebook. Ours makes every unit, two at a time; the
loop makes the first ``--looped`` units one after another, as a shell script does, and its time a
report is what counts: each of its reports costs the same. The loop's PDF are WeasyPrint's from the
same HTML, its Word files pandoc's, in both languages; ``--peers`` is a folder with `weasyprint`.
Ours also ranks and models the wave once in its time, and makes letters and Excel files; the loop
makes neither.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

BIN = Path(sys.executable).parent
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "unit_report.ipynb"
ALL = "html,docx,pdf,xlsx"


class Memory:
    """The largest sum of proportional memory (PSS) of this process and all below it."""

    def __enter__(self) -> "Memory":
        self.peak, self.ended = 0, threading.Event()
        self.watch = threading.Thread(target=self._watch, daemon=True)
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.watch.join()

    def _watch(self) -> None:
        while not self.ended.wait(0.5):
            self.peak = max(self.peak, sum(map(_pss, _below(os.getpid()))))


def _below(process: int) -> list[int]:
    processes = [process]
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            processes += [
                descendant
                for child in tasks.read_text().split()
                for descendant in _below(int(child))
            ]
        except OSError:
            continue
    return processes


def _pss(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def timed(work: Callable[[], object]) -> tuple[float, int]:
    """Return the seconds and the peak memory (MB) of some work."""
    with Memory() as memory:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start, memory.peak // 1024


def call(*command: object) -> None:
    """Run a command, which must succeed."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def ours(wave: Path, out: Path, units: str, formats: str, engine: str = "fork") -> None:
    """Make units in both languages, two at a time."""
    call(
        BIN / "sipas",
        "run",
        wave,
        "--out",
        out,
        "--jobs",
        2,
        "--lang",
        "vi,en",
        "--units",
        units,
        "--formats",
        formats,
        "--engine",
        engine,
    )


def loop(wave: Path, out: Path, units: list[str]) -> None:
    """Run the notebook of each unit with papermill; it writes its pages as ours do."""
    for unit in units:
        place = out / unit
        place.mkdir(parents=True)
        given = {"wave": wave, "unit": unit, "language": "vi,en", "out": out, "formats": "html"}
        words = [word for key, value in given.items() for word in ("-p", key, value)]
        call(BIN / "papermill", NOTEBOOK, place / "report.ipynb", *words, "--no-progress-bar")


def show(out: Path, units: list[str]) -> None:
    """Show each executed notebook with nbconvert."""
    for unit in units:
        call(BIN / "jupyter", "nbconvert", "--to", "html", out / unit / "report.ipynb")


def peers(out: Path, units: list[str], weasyprint: Path) -> None:
    """Make PDF and Word of each unit's pages, as one would without us."""
    for unit in units:
        for language in ("vi", "en"):
            page = out / "units" / unit / f"report.{language}.html"
            call(weasyprint, page, page.with_suffix(".weasy.pdf"))
            call("pandoc", page, "-o", page.with_suffix(".pandoc.docx"))


def phases(wave: Path, folder: Path, units: list[str]) -> list[tuple[str, float]]:
    """Return where the time of a report goes, in one process, after a first report."""
    import sipas_analysis as sipas
    from sipas_analysis.figures.published import figures_of

    seconds_of: dict[str, float] = {}

    def add(name: str, work: Callable[[], object]) -> object:
        start = time.perf_counter()
        result = work()
        seconds_of[name] = seconds_of.get(name, 0.0) + time.perf_counter() - start
        return result

    survey = add("once: read the wave", lambda: sipas.read_survey(sipas.read_wave(wave)))
    add("once: figures of the wave", lambda: figures_of(survey).tables())
    for k, unit in enumerate(units):
        report = sipas.report(survey, "vi,en", unit=unit)
        names = "a report: " if k else "the first report, which also warms up: "
        chapters = add(
            f"{names}chapters",
            partial(lambda report: [*map(report.chapter, report.chapters)], report),
        )
        for kind in ALL.split(","):
            add(f"{names}{kind}", partial(report.write, chapters, folder, kind))
    n = len(units) - 1
    return [(name, s / n if name.startswith("a report") else s) for name, s in seconds_of.items()]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=187)
    parser.add_argument("--looped", type=int, default=12)
    parser.add_argument("--peers", type=Path, default=Path())
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    weasyprint = options.peers / "weasyprint"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call(BIN / "sipas", "demo", folder / "wave", "--units", options.units)
        wave = folder / "wave" / "wave.yaml"
        rows = (folder / "wave" / "units.csv").read_text("utf-8-sig").splitlines()[1:]
        units = [row.partition(",")[0] for row in rows]
        some = units[:: max(1, len(units) // options.looped)][: options.looped]
        print(
            f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; "
            f"{len(units)} units x 160 forms, vi and en; 2 jobs"
        )
        html, html_mb = timed(lambda: ours(wave, folder / "html", ",".join(units), "html"))
        told(f"ours, {len(units)} units, HTML", html, len(units), html_mb)
        alone, looped_mb = timed(lambda: loop(wave, folder / "loop", some))
        told(f"papermill, {len(some)} units", alone, len(some), looped_mb)
        shown, _ = timed(lambda: show(folder / "loop", some))
        looped = alone + shown
        told("  + nbconvert", looped, len(some), looped_mb)
        whole, whole_mb = timed(lambda: ours(wave, folder / "all", ",".join(units), ALL))
        told(f"ours, {len(units)} units, {ALL}", whole, len(units), whole_mb)
        ratio = looped / len(some) / (html / len(units))
        print(f"HTML: {ratio:.1f} times the reports per minute")
        if weasyprint.is_file() and shutil.which("pandoc"):
            more, more_mb = timed(lambda: peers(folder / "loop", some, weasyprint))
            told("  + WeasyPrint + pandoc", looped + more, len(some), max(more_mb, looped_mb))
            ratio = (looped + more) / len(some) / (whole / len(units))
            print(f"all formats: {ratio:.1f} times the reports per minute")
        kernel, kernel_mb = timed(
            lambda: ours(wave, folder / "kernel", ",".join(some[:2]), ALL, "kernel")
        )
        told("ours, --engine kernel, 2 units, all formats", kernel, 2, kernel_mb)
        same = [
            path.relative_to(folder / "kernel")
            for unit in some[:2]
            for path in sorted((folder / "kernel/units" / unit).iterdir())
        ]
        equal = sum(
            (folder / "kernel" / path).read_bytes() == (folder / "all" / path).read_bytes()
            for path in same
        )
        print(f"both engines: {equal} of {len(same)} files have the same bytes")
        print("where the time goes, s, in one process:")
        for part, seconds in phases(wave, folder / "phases", some[:6]):
            print(f"  {part:52} {seconds:6.2f}")


def told(what: str, seconds: float, n: int, mb: int) -> None:
    """Print one line of the table."""
    minute = 60 * n / seconds
    print(
        f"{what:52} {seconds:7.1f} s  {seconds / n:6.2f} s a report  {minute:6.1f} a minute  "
        f"{mb:5d} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
