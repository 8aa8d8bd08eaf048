"""Make each report in a child of a process that has read and computed the wave once.

A run forks the children itself (``fork_reports``): a child shares what the run has read and
computed, and is otherwise like a new process. Only a process with one thread may fork, because a
lock of another thread would be copied. A process with threads, such as a worker of a Dask cluster,
starts a separate process for this work (``WorkerProcess``):

    python -m sipas_analysis.runs.worker

The first line of its input names the wave, each further line is a job as JSON; each answer is one
line of JSON. The seed of random numbers in a report is the name of the report.
"""

import atexit
import ctypes
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sipas_analysis.documents.writers.terminal import describe_crash
from sipas_analysis.documents.writers.typst_process import load_compiler, typeset_here
from sipas_analysis.errors import ChangedError, OutputError, SipasError
from sipas_analysis.files import write_privately, write_whole
from sipas_analysis.input_copies import hold_files, share_folder, use_folder
from sipas_analysis.runs.jobs import Job, JobResult, hash_files, standing_files, table_files
from sipas_analysis.runs.notebook import (
    FORK_ENGINE,
    prepare_process,
    run_notebook,
    seed_generators,
)

if TYPE_CHECKING:
    from sipas_analysis.collect.survey import Survey

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
TRIES = 2  # times that a worker process may fail to start


@dataclass(frozen=True)
class ReportReply:
    """The answer of a child about its report, or of a worker process about its start.

    Attributes:
        done: Whether it succeeded.
        reasons: The sentence of a refusal, by language.
        fault: Another failure: an exception, or the exit code of the process.
        details: Traceback for the log.
        is_changed: Whether an input was no longer what the run had read.
    """

    done: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)
    fault: str = "lost"
    details: str = ""
    is_changed: bool = False

    @classmethod
    def of_error(cls, error: Exception) -> "ReportReply":
        """Return the answer for an exception that is being handled."""
        reasons = {}
        if isinstance(error, SipasError):
            reasons = {"vi": error.text("vi"), "en": error.text("en")}
        text = f": {error}" if isinstance(error, OSError) else ""  # others may quote answers
        is_changed = isinstance(error, ChangedError)
        return cls(False, reasons, type(error).__name__ + text, describe_crash(error), is_changed)

    @classmethod
    def from_json(cls, text: str) -> "ReportReply | None":
        """Return the answer in a text; nothing if the process was lost before it wrote one."""
        try:
            return cls(**json.loads(text))
        except ValueError:
            return None

    def to_json(self) -> str:
        """Return the answer as one line."""
        return json.dumps(asdict(self))


# ── children of this process


@dataclass(frozen=True)
class Child:
    """A process that makes one report; ``pipe`` is readable once it has ended."""

    job: Job
    pid: int
    pipe: int
    start: float

    def read_answer(self) -> ReportReply:
        """Wait for the end of the child and return its answer."""
        with os.fdopen(self.pipe, encoding="utf-8") as handle:
            text = handle.read()
        _, status = os.waitpid(self.pid, 0)
        return ReportReply.from_json(text) or ReportReply(
            fault=str(os.waitstatus_to_exitcode(status))
        )

    def kill(self) -> None:
        """End the child with everything that it started."""
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        self.read_answer()


def may_fork() -> bool:
    """Return whether this process can fork and has only one thread."""
    return hasattr(os, "fork") and threading.active_count() == 1


def prepare_wave(survey: "Survey", formats: str = "html") -> None:
    """Import the modules of reports and compute the figures; children share both."""
    from sipas_analysis.figures.published import figures_of
    from sipas_analysis.reports.report import report

    prepare_process(survey)
    load_compiler()
    with suppress(Exception), TemporaryDirectory() as aside:  # a faulty report reports the fault
        figures_of(survey).tables()
        first = report(survey, survey.wave.languages[0], str(survey.frame["unit"].iloc[0]))
        first.write([], aside, formats.split(","))  # prepares writers, fonts and shared results
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else DuckDB reports at the end what was not taken down


def fork_reports(jobs: Sequence[Job], n_children: int) -> Iterator[JobResult]:
    """Make reports in children of this prepared process, a few at a time; yield each at its end."""
    waiting, running = list(reversed(jobs)), dict[int, Child]()
    try:
        while waiting or running:
            while waiting and len(running) < n_children:
                job = waiting.pop()
                try:
                    child = _start_child(job, own_group=True)
                except OSError as error:
                    yield make_failed_result(job, error)
                else:
                    running[child.pipe] = child
            for pipe in select.select([*running], [], [])[0]:
                yield _end_child(running.pop(pipe))
    finally:
        for child in running.values():
            child.kill()


def _start_child(job: Job, *, own_group: bool) -> Child:
    """Fork a child that makes one report; Ctrl-C does not reach a child in another group."""
    start = time.perf_counter()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    read, write = os.pipe()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        if own_group:
            os.setpgid(0, 0)
        _end_with_parent(parent)
        _run_child(job, write)
    os.close(write)
    if own_group:
        with suppress(OSError):  # it did so itself, or has ended
            os.setpgid(pid, pid)
    return Child(job, pid, read, start)


def _end_with_parent(parent: int) -> None:
    """Let a signal end this forked process, and the death of its parent, where Linux can."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _end_child(child: Child) -> JobResult:
    """Note how the report of a child ended; if no note can be written, the report has failed."""
    answer = child.read_answer()
    try:
        return _note_result(child.job, answer, child.start)
    except Exception as error:
        return make_failed_result(child.job, error)


def make_failed_result(job: Job, error: BaseException) -> JobResult:
    """Return the result of a report that could not be started or noted."""
    reason = OutputError("run_died", unit=job.name, why=error, path="-")
    return JobResult(job, {"vi": reason.text("vi"), "en": reason.text("en")}, 0.0)


def _run_child(job: Job, pipe: int) -> None:
    """Make one report, answer and end; the process that forked is not changed."""
    answer = ReportReply()
    try:
        log = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        seed_generators(job.name)
        typeset_here()
        run_notebook(job.notebook, job.parameters, engine=FORK_ENGINE)
        answer = ReportReply(done=True)
    except Exception as error:
        answer = ReportReply.of_error(error)
    finally:
        with os.fdopen(pipe, "w", encoding="utf-8") as handle:
            handle.write(answer.to_json())
        sys.stderr.flush()
        os._exit(0)


# ── one report


def make_report(job: Job) -> JobResult:
    """Make one report in a kernel or a worker process; called by a thread of any executor."""
    start = time.perf_counter()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    answer = _run_in_kernel(job) if job.engine == "kernel" else _worker_for(job).run(job)
    return _note_result(job, answer, start)


def _run_in_kernel(job: Job) -> ReportReply:
    """Run the notebook in a separate kernel: the reference, and the way on systems without fork."""
    try:
        run_notebook(job.notebook, job.parameters, inputs=job.inputs)
    except SipasError as error:
        return ReportReply.of_error(error)
    return ReportReply(done=True)


def _note_result(job: Job, answer: ReportReply, start: float) -> JobResult:
    """Note the hashes of the files of a report that was made; return how it ended.

    Notes on files in other formats of the same wave are kept, also after a failure.
    """
    reasons = dict(answer.reasons)
    if not answer.done and not reasons:
        error = OutputError("run_died", unit=job.name, why=answer.fault, path=job.log)
        reasons = {"vi": error.text("vi"), "en": error.text("en")}
    if answer.details:
        with write_privately():
            write_whole(job.log, answer.details)
    if not reasons:
        files = standing_files(job) | hash_files(job, [*job.files, *table_files(job)])
        note = {"files": files, "key": job.key}
        with write_privately():
            write_whole(job.state, json.dumps(note, indent=1, sort_keys=True) + "\n")
        job.log.unlink(missing_ok=True)
    return JobResult(job, reasons, time.perf_counter() - start, answer.is_changed)


# ── a process that forks for a process with threads


class WorkerProcess:
    """A process that has computed a wave, and the two pipes to it; see ``serve_jobs``."""

    def __init__(self, wave: str, inputs: Mapping[str, str]) -> None:
        """Start the process and wait until it has computed the wave from inputs of these hashes."""
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
        self.wave, self.inputs = wave, dict(inputs)
        self.first = self._send_line(self._describe_wave()) or ReportReply()
        self.is_alive = self.first.done

    def _describe_wave(self) -> dict[str, object]:
        """Return the wave, its inputs and where this process has copies of them."""
        return {"wave": self.wave, "inputs": self.inputs, "folder": share_folder()}

    def _send_line(self, words: Mapping[str, object]) -> ReportReply | None:
        """Send one line and return the answer to it; nothing if the process was lost."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(words) + "\n")
            self.process.stdin.flush()
            return ReportReply.from_json(self.process.stdout.readline())
        except OSError:
            return None

    def run(self, job: Job) -> ReportReply:
        """Make one report."""
        if not self.first.done:
            return self.first
        answer = self._send_line(asdict(job))
        self.is_alive = answer is not None
        return answer or ReportReply()

    def close(self) -> None:
        """End the process with its children, and close the pipes to it; it makes no more report."""
        self.is_alive = False
        with suppress(OSError), self.process:  # a killed process leaves children and a broken pipe
            os.killpg(self.process.pid, signal.SIGKILL)


_OF_THREAD = threading.local()
_ALL_WORKERS: list[WorkerProcess] = []


def _worker_for(job: Job) -> WorkerProcess:
    """Return the worker process of this thread for the job's inputs, started anew if it was lost.

    A process that failed to start twice in a row is not started again, because every report would
    wait for it.
    """
    worker: WorkerProcess | None = getattr(_OF_THREAD, "worker", None)
    if worker is None or (worker.wave, worker.inputs) != (job.wave, job.inputs):
        _OF_THREAD.tries = 0
    elif worker.is_alive or _OF_THREAD.tries == TRIES:
        return worker
    worker = _OF_THREAD.worker = WorkerProcess(job.wave, job.inputs)
    _OF_THREAD.tries = 0 if worker.first.done else _OF_THREAD.tries + 1
    _ALL_WORKERS.append(worker)
    return worker


def close_workers(wave: str = "") -> None:
    """End the worker processes of this caller: all, or those of one wave."""
    for worker in [*_ALL_WORKERS]:
        if not wave or worker.wave == wave:
            _ALL_WORKERS.remove(worker)
            worker.close()


def serve_jobs() -> None:
    """Read the wave, then answer jobs until the input ends; refuse other inputs than the run's."""
    from sipas_analysis.collect.survey import read_survey
    from sipas_analysis.collect.wave import read_wave

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # only answers go to the caller
    first = json.loads(sys.stdin.readline())
    use_folder(first["folder"])
    with hold_files(first["inputs"]):
        try:
            prepare_wave(read_survey(read_wave(first["wave"])))
        except Exception as error:
            print(ReportReply.of_error(error).to_json(), file=answers, flush=True)
            return
        print(ReportReply(done=True).to_json(), file=answers, flush=True)
        for line in sys.stdin:
            child = _start_child(Job(**json.loads(line)), own_group=False)
            if sys.stdin in select.select([sys.stdin, child.pipe], [], [])[0]:
                os.killpg(0, signal.SIGKILL)  # the caller has ended: it sends nothing meanwhile
            print(child.read_answer().to_json(), file=answers, flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    serve_jobs()
