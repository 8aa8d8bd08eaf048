"""Make every report of a wave, then the page that leads to them, last of all the receipt.

In parallel, restartable, going on where a unit fails. Warm processes do the work (``worker.py``),
threads or a Dask cluster's workers only wait for them. Two runs on one folder at once: the second
refuses.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.writers.html import write_html
from sipas_analysis.documents.writers.terminal import choose_language, print_message
from sipas_analysis.errors import SHOWN_PLACES, OutputError, ParameterError
from sipas_analysis.figures.published import figures_of, write_tables
from sipas_analysis.files import hash_file, write_whole
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.proof.program import Facts
from sipas_analysis.proof.receipt import (
    keep_old_receipt,
    receipt_facts,
    seal_receipt,
    write_receipt,
)
from sipas_analysis.proof.receipt_page import STEM, make_receipt_page
from sipas_analysis.proof.ro_crate import write_crate
from sipas_analysis.reports.file_names import FORMATS, name_report_files
from sipas_analysis.reports.portal import Made, write_portal
from sipas_analysis.reports.report import report
from sipas_analysis.runs.jobs import Job, JobResult, is_fresh, plan_jobs, standing_files
from sipas_analysis.runs.worker import close_workers, make_report

ENGINES = ("fork", "kernel")


@dataclass(frozen=True)
class RunRequest:
    """What was asked of a run; empty words and 0 mean the usual."""

    out: Path
    languages: str = ""
    formats: str = "html"
    units: str = ""
    engine: str = "fork"
    scheduler: str = ""
    jobs: int = 0


def run_wave(survey: Survey, asked: RunRequest) -> dict[str, str]:
    """Make what is missing of a wave, then its portal; return why reports failed, by name.

    Raises:
        ParameterError: A format, language or engine that is not known.
        UnitError: A unit that is not in the list, or has no form.
        OutputError: The folder cannot be written, or another run holds it.
    """
    if asked.engine not in ENGINES:
        known = ", ".join(ENGINES)
        raise ParameterError("run_format", found=asked.engine, known=known)
    languages = report(survey, asked.languages).languages
    formats, units = (_listed(text) for text in (asked.formats, asked.units))
    jobs = plan_jobs(
        survey, asked.out, languages=languages, formats=formats, units=units, engine=asked.engine
    )
    if asked.engine == "fork" and not hasattr(os, "fork"):
        print_message("no_fork")
    start = time.perf_counter()
    with lock_folder(asked.out), _open_executor(asked.scheduler) as executor:
        n_fresh = sum(is_fresh(job) for job in jobs)
        print_message("run_plan", n=len(jobs), fresh=n_fresh, todo=len(jobs) - n_fresh)
        ended = make_reports(jobs, asked.jobs or os.cpu_count() or 1, executor, _tell_progress)
        seconds = time.perf_counter() - start
        failed = {one.job.name: dict(one.failed) for one in ended if one.failed}
        said = {"languages": languages, "formats": formats, "units": units}
        whole = plan_jobs(survey, asked.out, languages=languages, formats=formats)
        try:
            write_times(asked.out, survey.wave.path, ended, seconds)
            _close_run(survey, asked.out, said, whole, failed)
        except OutputError as error:  # a full disk: the reports that are there stay
            failed["index.html"] = {"vi": error.text("vi"), "en": error.text("en")}
    print_message("run_done", n=sum(not one.failed for one in ended), seconds=f"{seconds:.0f}")
    return {name: why[choose_language()] for name, why in failed.items()}


def _close_run(
    survey: Survey,
    out: Path,
    asked: Facts,
    whole: Sequence[Job],
    failed: Mapping[str, Mapping[str, str]],
) -> None:
    """Write what belongs to the wave as a whole, and last of all the receipt of what stands."""
    files = {job.name: standing_files(job) for job in whole}
    facts, figures = receipt_facts(survey, asked), figures_of(survey)
    receipt = make_receipt_page(facts, survey)
    common = [
        write_html(receipt, out / f"{STEM}.{language}.html", language)
        for language in asked["languages"]
    ]
    common += write_tables(figures.tables(), out / "tables")
    made = [_portal_entry(job.name, files[job.name], failed.get(job.name, {})) for job in whole]
    page, names = out / "index.html", [path.relative_to(out).as_posix() for path in common]
    common.append(write_portal(figures, made, page, asked["languages"], names))
    print_message("portal", path=page)
    old = [job.name for job in whole if _has_leftovers(out, job.name, files[job.name])]
    known = {job.name for job in whole}
    gone = sorted(it.name for it in (out / "units").glob("*") if it.name not in known)
    if old := [*old, *(name for name in gone if _has_leftovers(out, name, ()))]:
        print_message(
            "stale",
            n=len(old),
            names=", ".join(old[:SHOWN_PLACES]) + (", …" if old[SHOWN_PLACES:] else ""),
        )
    proven = {name: found for own in files.values() for name, found in own.items()}
    proven |= {path.relative_to(out).as_posix(): hash_file(path) for path in common}
    crate = write_crate(facts | {"outputs": proven}, out)
    proof = keep_old_receipt(
        seal_receipt({**facts, "outputs": proven | {crate.name: hash_file(crate)}}), out
    )
    write_receipt(proof, out)
    print_message("receipt", sha256=proof["sha256"])


def _listed(text: str) -> list[str]:
    return [it.strip() for it in text.split(",") if it.strip()]


def _tell_progress(ended: JobResult, left: int) -> None:
    print_message("run_one", name=ended.job.name, seconds=f"{ended.seconds:.1f}", left=left)


@contextmanager
def _open_executor(scheduler: str) -> Iterator[Executor | None]:
    """Return the executor of a Dask cluster, or nothing for this machine."""
    if not scheduler:
        yield None
        return
    from distributed import Client

    with Client(scheduler) as client:  # type: ignore[no-untyped-call]
        yield client.get_executor(pure=False)


def _portal_entry(name: str, stands: Mapping[str, str], why: Mapping[str, str]) -> Made:
    """Say what the portal may link to for one report, or why it failed."""
    named = _possible_files(name).items()
    files = {(kind, str(language)): it for (kind, language), it in named if it in stands}
    said = Bilingual(vi=why.get("vi", ""), en=why.get("en", "")) if why else ""
    return Made(_unit_of(name), files, said)


def _has_leftovers(out: Path, name: str, stands: Container[str]) -> bool:
    """Say whether files of a report lie there that are not of this wave, or were changed."""
    return any((out / it).is_file() for it in _possible_files(name).values() if it not in stands)


def _possible_files(name: str) -> dict[tuple[str, Language], str]:
    """Return the name of every file that a report can have."""
    return name_report_files(_unit_of(name), FORMATS, LANGUAGES)


def _unit_of(name: str) -> str:
    return "" if name == "province" else name


@contextmanager
def lock_folder(out: Path) -> Iterator[None]:
    """Hold an output folder alone; leftovers of a crashed run are cleared away.

    Raises:
        OutputError: Another run holds it, or it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = (out / ".lock").open("w")
    except OSError as error:
        raise OutputError("output", path=out, why=error.strerror or error) from error
    with handle:
        if not _take_lock(handle.fileno()):
            raise OutputError("run_locked", path=out)
        for left in out.rglob(".aside-*"):
            left.unlink(missing_ok=True)
        yield


def _take_lock(handle: int) -> bool:
    """Take the lock if nobody holds it; it goes with the process, however that ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def make_reports(
    jobs: Sequence[Job],
    workers: int = 2,
    executor: Executor | None = None,
    told: Callable[[JobResult, int], None] = lambda _ended, _left: None,
) -> list[JobResult]:
    """Make the reports that are not fresh, in parallel; go on where one fails.

    Args:
        jobs: Reports of one wave.
        workers: How many at a time, on this machine.
        executor: Another way to run them, such as a Dask cluster's.
        told: Called after each report with how it ended and how many are left.

    Returns:
        How each report ended that had to be made.
    """
    todo = [job for job in jobs if not is_fresh(job)]
    pool = executor or ThreadPoolExecutor(max(1, min(workers, len(todo))))
    ended: list[JobResult] = []
    try:
        waiting = {pool.submit(make_report, job): job for job in todo}
        for future in as_completed(waiting):
            try:
                one = future.result()
            except Exception as error:  # a worker was lost: the report is missing, the run goes on
                said = OutputError("run_died", unit=waiting[future].name, why=error, path="-")
                one = JobResult(
                    waiting[future], {"vi": said.text("vi"), "en": said.text("en")}, 0.0
                )
            ended.append(one)
            told(one, len(todo) - len(ended))
    finally:
        if executor is None:  # a cluster belongs to whoever lent it
            pool.shutdown(wait=False, cancel_futures=True)
        close_workers()
    return ended


def write_times(out: Path, wave: Path, ended: Sequence[JobResult], seconds: float) -> Path:
    """Write what may differ from run to run: the way to the wave, times and the machine."""
    facts = {
        "wave": Path(os.path.relpath(wave.resolve(), out.resolve())).as_posix(),
        "seconds": round(seconds, 2),
        "reports": {one.job.name: round(one.seconds, 2) for one in ended},
        "machine": platform.platform(),
        "python": platform.python_version(),
    }
    return write_whole(out / "run.json", json.dumps(facts, indent=1) + "\n")
