"""What ``sipas run`` does: plan, make, tell, and one page that leads to everything."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sipas_analysis.collect.survey import Survey
from sipas_analysis.console import spoken, tell
from sipas_analysis.errors import OutputError, ParameterError
from sipas_analysis.instrument.reading import Bilingual
from sipas_analysis.publish.chapters import report
from sipas_analysis.publish.figures import figures_of, write_tables
from sipas_analysis.publish.portal import FORMATS, Made, write_portal
from sipas_analysis.publish.receipt import kept, receipt, write_receipt
from sipas_analysis.publish.run import Ended, Job, fresh, locked, plan, run, write_times

ENGINES = ("fork", "kernel")


@dataclass(frozen=True)
class Asked:
    """What was asked of a run; empty words and 0 mean the usual."""

    out: Path
    languages: str = ""
    formats: str = "html"
    units: str = ""
    engine: str = "fork"
    scheduler: str = ""
    jobs: int = 0


def run_wave(survey: Survey, asked: Asked) -> dict[str, str]:
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
    jobs = plan(survey, asked.out, languages=languages, formats=formats, units=units,
                engine=asked.engine)  # fmt: skip
    if asked.engine == "fork" and not hasattr(os, "fork"):
        tell("no_fork")
    start = time.perf_counter()
    with locked(asked.out), _executor(asked.scheduler) as executor:
        n_fresh = sum(fresh(job) for job in jobs)
        tell("run_plan", n=len(jobs), fresh=n_fresh, todo=len(jobs) - n_fresh)
        ended = run(jobs, asked.jobs or os.cpu_count() or 1, executor, _told)
        seconds = time.perf_counter() - start
        failed = {one.job.name: dict(one.failed) for one in ended if one.failed}
        whole = plan(survey, asked.out, languages=languages, formats=formats, engine=asked.engine)
        made = [_made(job, failed.get(job.name, {}), languages) for job in whole]
        try:
            if units:  # else the report of the province writes them
                write_tables(figures_of(survey).tables(), asked.out / "tables")
            path = write_portal(figures_of(survey), made, asked.out / "index.html", languages)
            write_times(asked.out, ended, seconds)
            tell("portal", path=path)
            said = {"languages": languages, "formats": formats, "units": units}
            proof = kept(receipt(survey, asked.out, said), asked.out)
            write_receipt(proof, asked.out)
            tell("receipt", sha256=proof["sha256"])
        except OutputError as error:  # a full disk: the reports that are there stay
            failed["index.html"] = {"vi": error.text("vi"), "en": error.text("en")}
    tell("run_done", n=sum(not one.failed for one in ended), seconds=f"{seconds:.0f}")
    return {name: why[spoken()] for name, why in failed.items()}


def _listed(text: str) -> list[str]:
    return [it.strip() for it in text.split(",") if it.strip()]


def _told(ended: Ended, left: int) -> None:
    tell("run_one", name=ended.job.name, seconds=f"{ended.seconds:.1f}", left=left)


@contextmanager
def _executor(scheduler: str) -> Iterator[Executor | None]:
    """Return the executor of a Dask cluster, or nothing for this machine."""
    if not scheduler:
        yield None
        return
    from distributed import Client

    with Client(scheduler) as client:  # type: ignore[no-untyped-call]
        yield client.get_executor(pure=False)


def _made(job: Job, why: Mapping[str, str], languages: Iterable[str]) -> Made:
    """Say what the portal may link to for one report, or why it failed."""
    unit = "" if job.name == "province" else job.name
    place = job.folder.relative_to(job.out).as_posix()
    files = {}
    for kind in FORMATS:
        for language in languages:
            what, _, form = kind.rpartition(" ")
            stem = what or ("annexes" if kind == "xlsx" and not unit else "report")
            path = f"{place}/{stem}.{language}.{form}"
            if (Path(job.out) / path).is_file():
                files[kind, language] = path
    said = Bilingual(vi=why.get("vi", ""), en=why.get("en", "")) if why else ""
    return Made(unit, files, said)
