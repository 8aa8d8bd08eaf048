"""Make every report of a wave, then the page with links to them, and last the receipt.

Reports are made in parallel. If a report fails, the others are still made. A later run makes only
missing reports. The wave is read and its figures are computed once; child processes share both
(``worker.py``). If two runs use one folder, the second is refused.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sipas_analysis.collect.survey import Survey, find_changed_inputs
from sipas_analysis.documents.writers.html import write_html
from sipas_analysis.documents.writers.terminal import choose_language, print_message
from sipas_analysis.errors import SHOWN_PLACES, ChangedError, OutputError, ParameterError
from sipas_analysis.extras import require_library
from sipas_analysis.figures.published import figures_of
from sipas_analysis.files import hash_file, lock_file, refuse_changed, write_whole
from sipas_analysis.input_copies import hold_files
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, Language, join_first, say
from sipas_analysis.proof.private_receipt import (
    hash_private_receipt,
    make_private_receipt,
    write_private_receipt,
)
from sipas_analysis.proof.program import Facts
from sipas_analysis.proof.receipt import (
    RECEIPT_NAME,
    keep_edition,
    keep_old_receipt,
    receipt_facts,
    seal_receipt,
    write_receipt,
)
from sipas_analysis.proof.receipt_page import STEM, make_receipt_page
from sipas_analysis.proof.ro_crate import write_crate
from sipas_analysis.reports.edited_files import tell_edited
from sipas_analysis.reports.file_names import (
    FORMATS,
    TABLES,
    name_report_files,
    name_table_workbooks,
)
from sipas_analysis.reports.portal import write_portal
from sipas_analysis.reports.portal_files import ReportOutcome
from sipas_analysis.reports.report import report
from sipas_analysis.runs.jobs import (
    WHOLE,
    Job,
    JobResult,
    is_fresh,
    plan_jobs,
    standing_files,
)
from sipas_analysis.runs.worker import (
    close_workers,
    fork_reports,
    make_failed_result,
    make_report,
    may_fork,
    prepare_wave,
)

ENGINES = ("fork", "kernel")
PROGRESS_PARTS = 5  # of a run, after each of which the number of reports that are left is printed


@dataclass(frozen=True)
class RunRequest:
    """The options of a run; empty lists, empty text and 0 mean the defaults."""

    out: Path
    languages: Sequence[str] = ()
    formats: Sequence[str] = ("html",)
    units: Sequence[str] = ()
    engine: str = "fork"
    scheduler: str = ""
    jobs: int = 0
    on_report: Callable[[int, int], None] | None = None  # how many are made, of how many


def run_wave(survey: Survey, request: RunRequest) -> dict[str, str]:
    """Make the missing reports of a wave, then its portal; return why reports failed, by name.

    Raises:
        ParameterError: A format, language or engine that is not known.
        UnitError: A unit that is not in the list, or has no form.
        OutputError: The folder cannot be written, or another run is writing to it.
        LibraryError: The extra ``report`` is not installed.
    """
    require_library("papermill")  # of all that reports need, before anything is computed
    if request.engine not in ENGINES:
        raise ParameterError("run_format", found=request.engine, known=", ".join(ENGINES))
    asked = report(survey, request.languages).languages
    languages = sorted(asked, key=[*survey.wave.languages, *LANGUAGES].index)
    out, formats, units = request.out, request.formats, request.units
    jobs = plan_jobs(
        survey, out, languages=languages, formats=formats, units=units, engine=request.engine
    )
    if request.engine == "fork" and not hasattr(os, "fork"):
        print_message("no_fork")
    start = time.perf_counter()
    with (
        lock_folder(out),
        _open_executor(request.scheduler, str(survey.wave.path.absolute())) as executor,
        hold_files(survey.input_hashes),
    ):
        results = _make_missing(survey, jobs, request, executor)
        seconds = time.perf_counter() - start
        failed = {
            result.job.name: dict(result.failed)
            for result in results
            if result.failed and not result.is_changed
        }
        all_jobs = plan_jobs(survey, out, languages=languages, formats=formats)
        try:
            write_times(out, survey.wave.path, results, seconds)
            refuse_changed(find_changed_inputs(survey))
            changed = [result.failed for result in results if result.is_changed]
            if changed:  # and changed back: the run did not see it
                failed[RECEIPT_NAME] = dict(changed[0])
            else:
                _close_run(survey, out, languages, all_jobs, failed)
        except ChangedError as error:
            failed[RECEIPT_NAME] = {"vi": error.text("vi"), "en": error.text("en")}
        except OutputError as error:  # a full disk: existing reports are kept
            failed["index.html"] = {"vi": error.text("vi"), "en": error.text("en")}
    n_done = sum(not result.failed for result in results)
    print_message("run_done", n=n_done, seconds=f"{seconds:.0f}")
    return {name: reasons[choose_language()] for name, reasons in failed.items()}


def _make_missing(
    survey: Survey, jobs: Sequence[Job], request: RunRequest, executor: Executor | None
) -> list[JobResult]:
    """Make the reports that are not up to date, in forks of this process if possible."""
    n_workers, tell = request.jobs or os.cpu_count() or 1, request.on_report or _tell_nobody
    missing = [job for job in jobs if not is_fresh(job)]
    n_fresh = len(jobs) - len(missing)
    print_message("run_plan", n=len(jobs), fresh=n_fresh, todo=len(missing))
    tell(0, len(missing))
    ended = start_reports(survey, missing, n_workers, executor)
    results: list[JobResult] = []
    told = {len(missing) * part // PROGRESS_PARTS for part in range(1, PROGRESS_PARTS)} - {0}
    for result in ended:
        results.append(result)
        tell(len(results), len(missing))
        if len(results) in told:
            print_message("run_left", left=len(missing) - len(results))
    return results


def _tell_nobody(_done: int, _total: int) -> None:
    """Tell nobody else how many reports are made: the terminal says how many are left."""


def start_reports(
    survey: Survey, jobs: Sequence[Job], n_workers: int, executor: Executor | None = None
) -> Iterator[JobResult]:
    """Make reports in forks of this process if possible, else in other processes; see there."""
    if executor is None and jobs and jobs[0].engine == "fork" and may_fork():
        formats = dict.fromkeys(",".join(job.parameters["formats"] for job in jobs).split(","))
        prepare_wave(survey, ",".join(formats))
        return fork_reports(jobs, n_workers)
    return make_reports(jobs, n_workers, executor)


def make_reports(
    jobs: Sequence[Job], n_workers: int = 2, executor: Executor | None = None
) -> Iterator[JobResult]:
    """Make reports in parallel, each thread with a worker process; go on where one fails.

    Args:
        jobs: Reports of one wave.
        n_workers: Number of reports made at a time on this machine.
        executor: Another executor for the reports, such as that of a Dask cluster.

    Yields:
        How each report ended.
    """
    pool = executor or ThreadPoolExecutor(max(1, min(n_workers, len(jobs))))
    try:
        waiting = {pool.submit(make_report, job): job for job in jobs}
        for future in as_completed(waiting):
            try:
                yield future.result()
            except Exception as error:  # a worker was lost: the report is missing, the run goes on
                yield make_failed_result(waiting[future], error)
    finally:
        if executor is None:  # the caller closes a cluster
            pool.shutdown(wait=False, cancel_futures=True)
        close_workers()


def _close_run(
    survey: Survey,
    out: Path,
    languages: Sequence[Language],
    jobs: Sequence[Job],
    failed: Mapping[str, Mapping[str, str]],
) -> None:
    """Write the files of the whole wave, and last the receipt of all files that are up to date."""
    unchanged = {job.name: standing_files(job) for job in jobs}
    private = make_private_receipt(survey)
    facts = receipt_facts(survey) | {"private": hash_private_receipt(private)}
    outputs = write_common_files(survey, out, languages, facts, unchanged=unchanged, failed=failed)
    print_message("portal", path=out / "index.html")
    _tell_leftovers(out, unchanged)
    refuse_changed(find_changed_inputs(survey))
    receipt = keep_old_receipt(seal_receipt({**facts, "outputs": outputs}), out)
    write_private_receipt(private, out)
    keep_edition(receipt, out)
    write_receipt(receipt, out)
    print_message("receipt", sha256=receipt["sha256"])


def write_common_files(
    survey: Survey,
    out: Path,
    languages: Sequence[Language],
    facts: Facts,
    *,
    unchanged: Mapping[str, Mapping[str, str]],
    failed: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Write the files of the whole wave; return the hash of every file that a receipt lists.

    Args:
        survey: Survey behind the files.
        out: Output folder of the wave.
        languages: Languages of the pages, the first shown first.
        facts: Content of the receipt, without outputs.
        unchanged: Hash of each file that is up to date, by report.
        failed: Why a report failed, by report and language.
    """
    page = make_receipt_page(facts, survey)
    common = [write_html(page, out / f"{STEM}.{language}.html", language) for language in languages]
    common += _write_missing_tables(survey, out, languages, unchanged.get(WHOLE, {}))
    outcomes = [_portal_outcome(name, unchanged[name], failed.get(name, {})) for name in unchanged]
    names = [path.relative_to(out).as_posix() for path in common]
    common.append(write_portal(figures_of(survey), outcomes, out / "index.html", languages, names))
    proven = {
        name: file_hash
        for files in unchanged.values()
        for name, file_hash in files.items()
        if not name.endswith(".csv")  # tables, which are among the common files
    }
    proven |= {path.relative_to(out).as_posix(): hash_file(path) for path in common}
    crate = write_crate(facts | {"outputs": proven}, out)
    return proven | {crate.name: hash_file(crate)}


def _write_missing_tables(
    survey: Survey, out: Path, languages: Sequence[Language], unchanged: Container[str]
) -> list[Path]:
    """Write the tables unless the province report has up-to-date ones; return their paths."""
    names = [*name_table_workbooks(languages).values()]
    names += [f"{TABLES}/{name}.csv" for name in figures_of(survey).tables()]
    if all(name in unchanged for name in names):
        return [out / name for name in names]
    return report(survey, languages).write_tables(out)


def _tell_leftovers(out: Path, unchanged: Mapping[str, Mapping[str, str]]) -> None:
    """Name reports of another wave or program, or changed; and the folders of units that are gone.

    A folder without a file of a report is not named.
    """
    listed = {name: _list_leftovers(out, name, files) for name, files in unchanged.items()}
    if old := [_name_report(name) for name, paths in listed.items() if paths]:
        kinds = {Path(path).suffix[1:] for paths in listed.values() for path in paths}
        formats = ",".join(kind for kind in FORMATS if kind in kinds)
        print_message(
            "stale", n=len(old), names=join_first(old, SHOWN_PLACES, ", "), formats=formats
        )
    folders = sorted(path for path in (out / "units").glob("*") if path.name not in unchanged)
    if gone := [path for path in folders if _list_leftovers(out, path.name, ())]:
        names = join_first([str(path) for path in gone], SHOWN_PLACES, ", ")
        print_message("units_left", n=len(gone), names=names)


@contextmanager
def _open_executor(scheduler: str, wave: str) -> Iterator[Executor | None]:
    """Return the executor of a Dask cluster, or nothing for this machine.

    At the end the cluster ends the processes that its workers started for the wave.
    """
    if not scheduler:
        yield None
        return
    require_library("distributed")
    from distributed import Client

    with Client(scheduler) as client:  # type: ignore[no-untyped-call]
        try:
            yield client.get_executor(pure=False)
        finally:
            with suppress(Exception):  # a worker that was lost has no processes
                client.run(close_workers, wave)


def _portal_outcome(
    name: str, unchanged: Container[str], reasons: Mapping[str, str]
) -> ReportOutcome:
    """Return what the portal may link to for one report, or why the report failed."""
    files = {
        (kind, str(language)): path
        for (kind, language), path in _possible_files(name).items()
        if path in unchanged
    }
    reason = Bilingual(vi=reasons.get("vi", ""), en=reasons.get("en", "")) if reasons else ""
    return ReportOutcome(_unit_of(name), files, reason)


def _list_leftovers(out: Path, name: str, unchanged: Container[str]) -> list[str]:
    """Return the files of a report in the folder that are not up to date."""
    paths = _possible_files(name).values()
    return [path for path in paths if path not in unchanged and (out / path).is_file()]


def _name_report(name: str) -> str:
    """Return the name of a report in a message: a unit's code, or words for the whole."""
    return say(choose_language(), "portal.province_report") if name == WHOLE else name


def _possible_files(name: str) -> dict[tuple[str, Language], str]:
    """Return the name of every file that a report can have."""
    return name_report_files(_unit_of(name), FORMATS, LANGUAGES)


def _unit_of(name: str) -> str:
    return "" if name == WHOLE else name


@contextmanager
def lock_folder(out: Path) -> Iterator[None]:
    """Lock an output folder against other runs; remove incomplete files of a crashed run.

    At the end the edited files are named that were moved aside.

    Raises:
        OutputError: Another run has the lock, or the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = (out / ".lock").open("w")
    except OSError as error:
        raise OutputError("output", path=out, why=error.strerror or error) from error
    with handle:
        if not lock_file(handle.fileno()):
            raise OutputError("run_locked", path=out)
        if hasattr(os, "register_at_fork"):  # a child that outlives the run does not hold the lock
            os.register_at_fork(after_in_child=handle.close)
        for path in out.rglob(".aside-*"):
            path.unlink(missing_ok=True)
        with tell_edited(out):
            yield


def write_times(out: Path, wave: Path, results: Sequence[JobResult], seconds: float) -> Path:
    """Write the facts that may differ between runs: the path to the wave, times, the machine."""
    facts = {
        "wave": Path(os.path.relpath(wave.resolve(), out.resolve())).as_posix(),
        "seconds": round(seconds, 2),
        "reports": {result.job.name: round(result.seconds, 2) for result in results},
        "machine": platform.platform(),
        "python": platform.python_version(),
    }
    return write_whole(out / "run.json", json.dumps(facts, indent=1) + "\n")
