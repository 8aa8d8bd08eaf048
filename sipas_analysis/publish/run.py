"""Make every report of a wave: in parallel, restartable, going on where a unit fails.

A report is made anew only if its inputs or the program have changed, or if one of the files that
are asked for is missing or not the one that was written. Warm processes do the work (``warm.py``),
threads or a Dask cluster's workers only wait for them. Two runs on one folder at once: the second
refuses.
"""

import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sipas_analysis.collect.survey import Survey, fingerprint
from sipas_analysis.errors import OutputError, ParameterError, SipasError
from sipas_analysis.files import hash_file, write_whole
from sipas_analysis.messages import Language
from sipas_analysis.publish.chapters import FORMATS, check_unit, files_of
from sipas_analysis.publish.report import HOME, PROVINCE, UNIT, notebooks, run_notebook

STATE, LOGS = "state", "logs"
SOURCES = (".py", ".yaml", ".j2", ".css", ".js", ".typ", ".ipynb")
TRIES = 2  # times that a warm process may fail to start
LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels", "formulaic", "duckdb", "pandera",
             "pydantic", "pyyaml", "openpyxl", "matplotlib", "seaborn", "jinja2", "python-docx",
             "rocrate", "typst", "xlsxwriter")  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One report to make.

    Attributes:
        name: ``province`` or the unit's code; seeds what the report may draw.
        wave: Path of ``wave.yaml``.
        out: Output folder of the wave.
        notebook: Which notebook makes it.
        parameters: Of the notebook.
        files: What it is to write, below the output folder.
        key: Hash of everything that its files depend on.
        engine: ``fork`` or ``kernel``.
    """

    name: str
    wave: str
    out: str
    notebook: str
    parameters: Mapping[str, str]
    files: Sequence[str]
    key: str
    engine: str

    @property
    def state(self) -> Path:
        """Where it is noted what was made."""
        return Path(self.out) / STATE / f"{self.name}.json"


@dataclass(frozen=True)
class Ended:
    """How one report ended: why it failed, by language (empty: it did not), and its seconds."""

    job: Job
    failed: Mapping[str, str]
    seconds: float


def plan(
    survey: Survey, out: Path, *, languages: Sequence[Language], formats: Sequence[str] = ("html",),
    units: Sequence[str] = (), engine: str = "fork",
) -> list[Job]:  # fmt: skip
    """List the reports of a wave: the province and every unit with a form, or the units named.

    Raises:
        ParameterError: A format that is not known.
        UnitError: A unit that is not in the list, or has no form.
    """
    for name in formats:
        if name not in FORMATS:
            raise ParameterError("run_format", found=name, known=", ".join(FORMATS))
    for unit in units:
        check_unit(survey, unit)
    sent = set(survey.frame["unit"])
    names = list(units) or ["", *(code for code in survey.units["code"] if code in sent)]
    source = f"{fingerprint(survey.wave)} {program()}"
    asked = {"wave": str(survey.wave.path.absolute()), "language": ",".join(languages),
             "out": str(out.absolute()), "formats": ",".join(formats)}  # fmt: skip
    jobs = []
    for unit in names:
        key = hashlib.sha256(f"{source} {unit}".encode()).hexdigest()
        files = [*files_of(unit, formats, languages).values()]
        own = asked | ({"unit": unit} if unit else {})
        notebook = UNIT if unit else PROVINCE
        jobs.append(Job(unit or "province", asked["wave"], asked["out"], notebook, own, files, key,
                        engine if hasattr(os, "fork") else "kernel"))  # fmt: skip
    return jobs


@cache
def program() -> str:
    """Return a hash of the program, its notebooks and the libraries that shape a report."""
    return hash_program(sources(HOME, notebooks()), {name: version(name) for name in LIBRARIES})


def sources(home: Path, notebooks: Path) -> dict[str, Path]:
    """Return the files of a program by their place, wherever package and notebooks lie."""
    found = {f"notebooks/{path.name}": path for path in notebooks.glob("*.ipynb")}
    own = (path for path in home.rglob("*") if path.suffix in SOURCES)
    found |= {f"{home.name}/{it.relative_to(home).as_posix()}": it
              for it in own if it.parent != notebooks}  # fmt: skip
    return dict(sorted(found.items()))


def hash_program(files: Mapping[str, Path], libraries: Mapping[str, str]) -> str:
    """Return the hash of a program's files and of the versions of its libraries."""
    found = hashlib.sha256()
    for name, path in files.items():
        found.update(f"{name} {hash_file(path)}\n".encode())
    found.update(" ".join(str(libraries.get(name)) for name in LIBRARIES).encode())
    return found.hexdigest()


def standing(job: Job) -> dict[str, str]:
    """Return the hash of each file of a report that stands as it was written, of this very wave.

    What was made from other inputs or by another program, or was changed since, is left out.
    """
    try:
        noted = json.loads(job.state.read_text("utf-8"))
        files = dict(noted["files"]) if noted["key"] == job.key else {}
        return {name: now for name, now in _hashes(job, files).items() if files[name] == now}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def fresh(job: Job) -> bool:
    """Say whether every file that a report is asked for stands."""
    return set(job.files) <= standing(job).keys()


def _hashes(job: Job, names: Iterable[str]) -> dict[str, str]:
    """Return the hash of each file that is there, by its name below the output folder."""
    paths = {name: Path(job.out) / name for name in names}
    return {name: hash_file(path) for name, path in paths.items() if path.is_file()}


class Warm:
    """A warm process and the two pipes to it; see ``warm.py``."""

    def __init__(self, wave: str) -> None:
        """Start it; it reads the wave while the caller goes on."""
        command = [sys.executable, "-m", "sipas_analysis.publish.warm"]
        self.process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, encoding="utf-8", start_new_session=True,
        )  # fmt: skip
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
        words = {"name": job.name, "notebook": job.notebook, "log": str(log),
                 "parameters": dict(job.parameters)}  # fmt: skip
        said = self._said(words)
        self.alive = bool(said)
        return said

    def close(self) -> None:
        """End it with every child, and close the pipes to it."""
        with self.process, suppress(OSError):  # children may outlive one that was killed
            os.killpg(self.process.pid, signal.SIGKILL)


_HERE = threading.local()
_ALL: list[Warm] = []


def make(job: Job) -> Ended:
    """Make one report here; what a worker of any executor calls."""
    start = time.perf_counter()
    log = Path(job.out) / LOGS / f"{job.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = standing(job)  # other formats of the same wave; a failure takes nothing from them
    said = _kernel(job) if job.engine == "kernel" else _warm(job).run(job, log)
    failed = dict(said.get("places") or {})
    if not said.get("done") and not failed:
        why = str(said.get("failed") or said.get("died", "lost"))
        error = OutputError("run_died", unit=job.name, why=why, path=log)
        failed = {"vi": error.text("vi"), "en": error.text("en")}
    if said.get("details"):
        log.write_text(str(said["details"]), "utf-8")
    if not failed:
        noted = {"files": kept | _hashes(job, job.files), "key": job.key}
        write_whole(job.state, json.dumps(noted, indent=1, sort_keys=True) + "\n")
        log.unlink(missing_ok=True)
    return Ended(job, failed, time.perf_counter() - start)


def _warm(job: Job) -> Warm:
    """Return the warm process of this thread for the job's wave, started anew if it was lost.

    One that twice in a row was not ready is not tried again: every report would wait for it.
    """
    known: Warm | None = getattr(_HERE, "warm", None)
    if known is None or _HERE.wave != job.wave:
        _HERE.tries = 0
    elif known.alive or _HERE.tries == TRIES:
        return known
    known = _HERE.warm = Warm(job.wave)
    _HERE.wave, _HERE.tries = job.wave, 0 if known.ready else _HERE.tries + 1
    _ALL.append(known)
    return known


def _kernel(job: Job) -> dict[str, Any]:
    """Run the notebook in a kernel of its own: the reference, and the way where fork is not."""
    try:
        run_notebook(job.notebook, dict(job.parameters))
    except SipasError as error:
        return {"places": {"vi": error.text("vi"), "en": error.text("en")}}
    return {"done": True}


@contextmanager
def locked(out: Path) -> Iterator[None]:
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
        if not _alone(handle.fileno()):
            raise OutputError("run_locked", path=out)
        for left in out.rglob(".aside-*"):
            left.unlink(missing_ok=True)
        yield


def _alone(handle: int) -> bool:
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


def run(
    jobs: Sequence[Job], workers: int = 2, executor: Executor | None = None,
    told: Callable[[Ended, int], None] = lambda _ended, _left: None,
) -> list[Ended]:  # fmt: skip
    """Make the reports that are not fresh, in parallel; go on where one fails.

    Args:
        jobs: Reports of one wave.
        workers: How many at a time, on this machine.
        executor: Another way to run them, such as a Dask cluster's.
        told: Called after each report with how it ended and how many are left.

    Returns:
        How each report ended that had to be made.
    """
    todo = [job for job in jobs if not fresh(job)]
    pool = executor or ThreadPoolExecutor(max(1, min(workers, len(todo))))
    ended: list[Ended] = []
    try:
        waiting = {pool.submit(make, job): job for job in todo}
        for future in as_completed(waiting):
            try:
                one = future.result()
            except Exception as error:  # a worker was lost: the report is missing, the run goes on
                said = OutputError("run_died", unit=waiting[future].name, why=error, path="-")
                one = Ended(waiting[future], {"vi": said.text("vi"), "en": said.text("en")}, 0.0)
            ended.append(one)
            told(one, len(todo) - len(ended))
    finally:
        if executor is None:  # a cluster belongs to whoever lent it
            pool.shutdown(wait=False, cancel_futures=True)
        while _ALL:
            _ALL.pop().close()
    return ended


def write_times(out: Path, wave: Path, ended: Sequence[Ended], seconds: float) -> Path:
    """Write what may differ from run to run: the way to the wave, times and the machine."""
    facts = {
        "wave": Path(os.path.relpath(wave.resolve(), out.resolve())).as_posix(),
        "seconds": round(seconds, 2),
        "reports": {one.job.name: round(one.seconds, 2) for one in ended},
        "machine": platform.platform(),
        "python": platform.python_version(),
    }
    return write_whole(out / "run.json", json.dumps(facts, indent=1) + "\n")
