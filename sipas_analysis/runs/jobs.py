"""List the reports of a wave, and find those that are up to date.

A report is made again only if its inputs or the program have changed, or if a requested file is
missing or was changed.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sipas_analysis.collect.survey import Survey, find_unit
from sipas_analysis.files import hash_file
from sipas_analysis.input_copies import copy_inputs
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.proof.program import hash_this_program
from sipas_analysis.reports.file_names import (
    TABLES,
    name_report_files,
    name_table_workbooks,
    refuse_formats,
)
from sipas_analysis.runs.notebook import PROVINCE, UNIT

STATE, LOGS = "state", "logs"
WHOLE = "province"  # name of the report on all units


@dataclass(frozen=True)
class Job:
    """One report to make.

    Attributes:
        name: ``province`` or the unit's code; also the seed of random numbers.
        wave: Path of ``wave.yaml``.
        out: Output folder of the wave.
        notebook: Which notebook makes it.
        parameters: Parameters of the notebook.
        files: The files to write, below the output folder.
        inputs: Hash of each file of the wave, by absolute path; no other content may be read.
        key: Hash of everything that its files depend on.
        engine: ``fork`` or ``kernel``.
    """

    name: str
    wave: str
    out: str
    notebook: str
    parameters: Mapping[str, str]
    files: Sequence[str]
    inputs: Mapping[str, str]
    key: str
    engine: str

    @property
    def state(self) -> Path:
        """The note of the files that were made, with their hashes."""
        return Path(self.out) / STATE / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """What the process of the report printed, if it failed."""
        return Path(self.out) / LOGS / f"{self.name}.log"


@dataclass(frozen=True)
class JobResult:
    """How one report ended.

    Attributes:
        job: The report.
        failed: Why it failed, by language; empty if it did not.
        seconds: How long it took.
        is_changed: Whether it failed because an input was no longer what the run had read.
    """

    job: Job
    failed: Mapping[str, str]
    seconds: float
    is_changed: bool = False


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
    refuse_formats(formats)
    sent = set(survey.frame["unit"])
    asked_units = dict.fromkeys(find_unit(survey, unit) for unit in units)
    names = [*asked_units] or ["", *(code for code in survey.units["code"] if code in sent)]
    if not survey.inputs:
        copy_inputs(survey.wave.name_files())  # raises what kept the survey from knowing them
    source = f"{survey.fingerprint} {hash_this_program()}"
    parameters = {
        "wave": str(survey.wave.path.absolute()),
        "language": ",".join(languages),
        "out": str(out.absolute()),
        "formats": ",".join(formats),
    }
    return [
        Job(
            name=unit or WHOLE,
            wave=parameters["wave"],
            out=parameters["out"],
            notebook=UNIT if unit else PROVINCE,
            parameters=parameters | ({"unit": unit} if unit else {}),
            files=[*name_report_files(unit, formats, languages).values()],
            inputs=survey.input_hashes,
            key=hashlib.sha256(f"{source} {unit}".encode()).hexdigest(),
            engine=engine if hasattr(os, "fork") else "kernel",
        )
        for unit in names
    ]


def standing_files(job: Job) -> dict[str, str]:
    """Return the hash of each file of a report that is up to date.

    Files that were made from other inputs or by another program, or were changed since, are left
    out.
    """
    try:
        note = json.loads(job.state.read_text("utf-8"))
        files = dict(note["files"]) if note["key"] == job.key else {}
        return {name: now for name, now in hash_files(job, files).items() if files[name] == now}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def is_fresh(job: Job) -> bool:
    """Return whether every requested file of a report is up to date."""
    return set(job.files) <= standing_files(job).keys()


def hash_files(job: Job, names: Iterable[str]) -> dict[str, str]:
    """Return the hash of each file that is there, by its name below the output folder."""
    paths = {name: Path(job.out) / name for name in names}
    return {name: hash_file(path) for name, path in paths.items() if path.is_file()}


def table_files(job: Job) -> list[str]:
    """Return the tables of the wave, which only the province report writes, in its languages."""
    if job.name != WHOLE:
        return []
    languages = [name for name in LANGUAGES if name in job.parameters["language"].split(",")]
    paths = sorted((Path(job.out) / TABLES).glob("*.csv"))
    return [*name_table_workbooks(languages).values(), *(f"{TABLES}/{path.name}" for path in paths)]
