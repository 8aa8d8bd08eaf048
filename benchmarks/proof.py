"""Time what proof costs: `sipas verify` and `archive` against the run, the receipt's part of it.

    python benchmarks/proof.py [--units 187]

One synthetic wave of 160 forms a unit, both languages, two jobs, as in `annual_run.py`. Verifying
computes every figure and makes every file again. Times are CPU seconds of all processes, since the
machine may do other work. What the receipt adds to a run is measured on the finished folder, in one
process, with the figures in memory, as the run has them: its facts, its two pages, the hash of
every file, the crate, the receipt itself, the private receipt.
"""

import argparse
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

from annual_run import ALL, BIN, call


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds of some work, of children too, and what it returned."""
    start = sum(os.times()[:4])
    result = work()
    return sum(os.times()[:4]) - start, result


def receipt(wave: Path, out: Path) -> dict[str, float]:
    """Return the seconds of each step that only the receipt needs."""
    import sipas_analysis as sipas
    from sipas_analysis.documents.writers.html import write_html
    from sipas_analysis.figures.published import figures_of
    from sipas_analysis.proof.private_receipt import make_private_receipt
    from sipas_analysis.proof.receipt import (
        hash_outputs,
        receipt_facts,
        seal_receipt,
        write_receipt,
    )
    from sipas_analysis.proof.receipt_page import make_receipt_page
    from sipas_analysis.proof.ro_crate import write_crate

    survey = sipas.read_survey(sipas.read_wave(wave))
    figures_of(survey).tables()
    seconds, results = {}, {}
    for name, work in {
        "facts": lambda: receipt_facts(survey),
        "pages": lambda: [
            write_html(
                make_receipt_page(results["facts"], survey),
                out / f"receipt.{language}.html",
                language,
            )
            for language in ("vi", "en")
        ],
        "hashes": lambda: hash_outputs(out),
        "crate": lambda: write_crate(results["facts"] | {"outputs": results["hashes"]}, out),
        "seal": lambda: write_receipt(
            seal_receipt(results["facts"] | {"outputs": results["hashes"]}), out
        ),
        "private": lambda: make_private_receipt(survey),
    }.items():
        seconds[name], results[name] = timed(work)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=187)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        call(BIN / "sipas", "demo", folder / "wave", "--units", options.units)
        wave = folder / "wave" / "wave.yaml"
        print(
            f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; "
            f"{options.units} units x 160 forms, vi and en; 2 jobs"
        )
        for formats in ("html", ALL):
            out = folder / formats.replace(",", "-")
            words = ("--out", out, "--jobs", 2, "--lang", "vi,en", "--formats", formats)
            run, _ = timed(lambda w=words: call(BIN / "sipas", "run", wave, *w))
            check, _ = timed(lambda o=out: call(BIN / "sipas", "verify", o))
            files = [path for path in out.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files) / 1e6
            print(f"{formats}: {len(files)} files, {size:.0f} MB")
            print(f"  run     {run:7.1f} s")
            print(f"  verify  {check:7.1f} s = {check / run:.2f} of the run", flush=True)
            packed, _ = timed(lambda o=out: call(BIN / "sipas", "archive", o))
            path = out.with_name(out.name + ".zip")
            checked, _ = timed(lambda p=path: call(BIN / "sipas", "verify", p))
            print(
                f"  archive {packed:7.1f} s ({path.stat().st_size / 1e6:.0f} MB), "
                f"verified in {checked:.1f} s",
                flush=True,
            )
            steps = receipt(wave, out)
            told = ", ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items())
            total = sum(steps.values())
            print(
                f"  receipt {total:7.1f} s = {100 * total / run:.1f} % of the run ({told})",
                flush=True,
            )


if __name__ == "__main__":
    main()
