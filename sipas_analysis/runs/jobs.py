"""List the reports of a wave, and tell which stand as they were written.

A report is made anew only if its inputs or the program have changed, or if one of the files that
are asked for is missing or not the one that was written.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sipas_analysis.collect.survey import Survey, check_unit, fingerprint_wave
from sipas_analysis.errors import ParameterError
from sipas_analysis.files import hash_file
from sipas_analysis.messages import Language
from sipas_analysis.proof.program import hash_this_program
from sipas_analysis.reports.file_names import FORMATS, name_report_files
from sipas_analysis.runs.notebook import PROVINCE, UNIT

STATE, LOGS = "state", "logs"


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
class JobResult:
    """How one report ended: why it failed, by language (empty: it did not), and its seconds."""

    job: Job
    failed: Mapping[str, str]
    seconds: float


def plan_jobs(
    survey: Survey,
    out: Path,
    *,
    languages: Sequence[Language],
    formats: Sequence[str] = ("html",),
    units: Sequence[str] = (),
    engine: str = "fork",
) -> list[Job]:
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
    source = f"{fingerprint_wave(survey.wave)} {hash_this_program()}"
    asked = {
        "wave": str(survey.wave.path.absolute()),
        "language": ",".join(languages),
        "out": str(out.absolute()),
        "formats": ",".join(formats),
    }
    jobs = []
    for unit in names:
        key = hashlib.sha256(f"{source} {unit}".encode()).hexdigest()
        files = [*name_report_files(unit, formats, languages).values()]
        own = asked | ({"unit": unit} if unit else {})
        notebook = UNIT if unit else PROVINCE
        jobs.append(
            Job(
                unit or "province",
                asked["wave"],
                asked["out"],
                notebook,
                own,
                files,
                key,
                engine if hasattr(os, "fork") else "kernel",
            )
        )
    return jobs


def standing_files(job: Job) -> dict[str, str]:
    """Return the hash of each file of a report that stands as it was written, of this very wave.

    What was made from other inputs or by another program, or was changed since, is left out.
    """
    try:
        noted = json.loads(job.state.read_text("utf-8"))
        files = dict(noted["files"]) if noted["key"] == job.key else {}
        return {name: now for name, now in hash_files(job, files).items() if files[name] == now}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def is_fresh(job: Job) -> bool:
    """Say whether every file that a report is asked for stands."""
    return set(job.files) <= standing_files(job).keys()


def hash_files(job: Job, names: Iterable[str]) -> dict[str, str]:
    """Return the hash of each file that is there, by its name below the output folder."""
    paths = {name: Path(job.out) / name for name in names}
    return {name: hash_file(path) for name, path in paths.items() if path.is_file()}
