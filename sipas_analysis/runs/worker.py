"""A warm process: it has read and computed a wave once, and forks one clean child for each report.

    python -m sipas_analysis.runs.worker

The first line of its input names the wave, each further line is a job as JSON; each answer is one
line of JSON. It is started for itself, runs one thread and alone forks, so that no lock or thread
of a caller is copied. What a report draws at random follows from the report's name. ``make`` and
``Warm`` are the caller's end of the pipe.
"""

import gc
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sipas_analysis.errors import OutputError, SipasError
from sipas_analysis.files import write_whole
from sipas_analysis.runs.jobs import LOGS, Job, JobResult, hash_files, standing_files
from sipas_analysis.runs.notebook import run_notebook

TRIES = 2  # times that a warm process may fail to start


class WorkerProcess:
    """A warm process and the two pipes to it; see ``serve``."""

    def __init__(self, wave: str) -> None:
        """Start it; it reads the wave while the caller goes on."""
        command = [sys.executable, "-m", "sipas_analysis.runs.worker"]
        self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self.first = self._said({"wave": wave})
        self.ready = self.alive = bool(self.first.get("ready"))

    def _said(self, words: Mapping[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(words) + "\n")
            self.process.stdin.flush()
            return dict(json.loads(self.process.stdout.readline() or "{}"))
        except (OSError, ValueError):
            return {}

    def run(self, job: Job, log: Path) -> dict[str, Any]:
        """Make one report; an empty answer means that the process was lost."""
        if not self.ready:
            return self.first
        words = {
            "name": job.name,
            "notebook": job.notebook,
            "log": str(log),
            "parameters": dict(job.parameters),
        }
        said = self._said(words)
        self.alive = bool(said)
        return said

    def close(self) -> None:
        """End it with every child, and close the pipes to it."""
        with self.process, suppress(OSError):  # children may outlive one that was killed
            os.killpg(self.process.pid, signal.SIGKILL)


_HERE = threading.local()
_ALL: list[WorkerProcess] = []


def make_report(job: Job) -> JobResult:
    """Make one report here; what a worker of any executor calls."""
    start = time.perf_counter()
    log = Path(job.out) / LOGS / f"{job.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = standing_files(job)  # other formats of the same wave; a failure takes nothing from them
    said = _run_in_kernel(job) if job.engine == "kernel" else _worker_for(job).run(job, log)
    failed = dict(said.get("places") or {})
    if not said.get("done") and not failed:
        why = str(said.get("failed") or said.get("died", "lost"))
        error = OutputError("run_died", unit=job.name, why=why, path=log)
        failed = {"vi": error.text("vi"), "en": error.text("en")}
    if said.get("details"):
        log.write_text(str(said["details"]), "utf-8")
    if not failed:
        noted = {"files": kept | hash_files(job, job.files), "key": job.key}
        write_whole(job.state, json.dumps(noted, indent=1, sort_keys=True) + "\n")
        log.unlink(missing_ok=True)
    return JobResult(job, failed, time.perf_counter() - start)


def _worker_for(job: Job) -> WorkerProcess:
    """Return the warm process of this thread for the job's wave, started anew if it was lost.

    One that twice in a row was not ready is not tried again: every report would wait for it.
    """
    known: WorkerProcess | None = getattr(_HERE, "warm", None)
    if known is None or _HERE.wave != job.wave:
        _HERE.tries = 0
    elif known.alive or _HERE.tries == TRIES:
        return known
    known = _HERE.warm = WorkerProcess(job.wave)
    _HERE.wave, _HERE.tries = job.wave, 0 if known.ready else _HERE.tries + 1
    _ALL.append(known)
    return known


def close_workers() -> None:
    """End every warm process of this caller."""
    while _ALL:
        _ALL.pop().close()


def _run_in_kernel(job: Job) -> dict[str, Any]:
    """Run the notebook in a kernel of its own: the reference, and the way where fork is not."""
    try:
        run_notebook(job.notebook, dict(job.parameters))
    except SipasError as error:
        return {"places": {"vi": error.text("vi"), "en": error.text("en")}}
    return {"done": True}


def serve_jobs() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing but answers goes to our caller
    try:
        _prepare_wave(json.loads(sys.stdin.readline())["wave"])
    except Exception as error:
        print(json.dumps(_describe_fault(error)), file=answers, flush=True)
        return
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_run_in_child(json.loads(line))), file=answers, flush=True)


def _prepare_wave(wave: str) -> None:
    """Import what reports import, read the wave, compute its figures; children share them."""
    import papermill  # noqa: F401 (imported for the children, our engine with it)

    from sipas_analysis.collect.survey import keep_survey, read_survey
    from sipas_analysis.collect.wave import read_wave
    from sipas_analysis.documents.writers.html import render_section
    from sipas_analysis.figures.published import figures_of
    from sipas_analysis.reports.report import CHAPTERS, report

    survey = read_survey(read_wave(wave))
    keep_survey(survey)
    figures_of(survey).tables()
    with suppress(Exception):  # a fault is the report's own, and told where it is made
        tried = report(survey, unit=str(survey.frame["unit"].iloc[0]))
        for name in CHAPTERS:  # templates, fonts and what units share are then ready
            render_section(tried.chapter(name).section, tried.languages[0])
    gc.collect()
    gc.freeze()


def _run_in_child(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job in a child; return what it says, or that it died."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _run_child(job, write)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as handle:
        said = handle.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else {"died": os.waitstatus_to_exitcode(status)}


def _run_child(job: dict[str, Any], write: int) -> None:
    """Run one report and leave; nothing of it stays in the warm process."""
    said: dict[str, Any] = {}
    try:
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        seed_generators(job["name"])
        from sipas_analysis.runs.notebook import run_notebook

        run_notebook(job["notebook"], job["parameters"], engine="sipas-fork")
        said = {"done": True}
    except Exception as error:
        said = _describe_fault(error)
    finally:
        with os.fdopen(write, "w", encoding="utf-8") as handle:
            json.dump(said, handle)
        sys.stderr.flush()
        os._exit(0)


def _describe_fault(error: Exception) -> dict[str, Any]:
    """Return what failed, and the sentence of a refusal in both languages; none for a fault."""
    from sipas_analysis.errors import SipasError

    said: dict[str, Any] = {"failed": f"{type(error).__name__}: {error}"}
    said["details"] = traceback.format_exc()
    if isinstance(error, SipasError):
        said["places"] = {"vi": error.text("vi"), "en": error.text("en")}
    return said


def seed_generators(name: str) -> None:
    """Seed what a notebook may draw from, by the report's name: a fork copies generators."""
    import random

    import numpy as np

    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 (a notebook may use the old generator)


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    sys.path.insert(0, str(Path.cwd()))
    serve_jobs()
