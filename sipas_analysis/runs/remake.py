"""Make every file of a run again from its inputs, so that a check can compare byte by byte.

The reports are made as a run makes them, in forks of this process, two at a time on two cores; so
this takes about as long as the run did. Nothing of the checked folder is read but the list of its
files and the program in its receipt.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.writers.terminal import print_message
from sipas_analysis.errors import OutputError
from sipas_analysis.input_copies import hold_files
from sipas_analysis.messages import LANGUAGES, Language
from sipas_analysis.proof.program import LIBRARIES, Facts
from sipas_analysis.proof.receipt import receipt_facts
from sipas_analysis.proof.receipt_page import STEM
from sipas_analysis.reports.file_names import FORMATS, name_report_files
from sipas_analysis.runs.annual_run import start_reports, write_common_files
from sipas_analysis.runs.jobs import LOGS, STATE, WHOLE, Job, plan_jobs, standing_files


@contextmanager
def remake(survey: Survey, facts: Facts) -> Iterator[Path]:
    """Make the files that a receipt lists again; yield their private folder, which is removed.

    Args:
        survey: Survey of the inputs of the receipt.
        facts: The receipt: its list of files, and the program for the pages that name it.

    Yields:
        A folder with the files that this program makes from the inputs. A listed file that no run
        makes is not in it; a file that a run makes for the whole wave is, listed or not.

    Raises:
        OutputError: A report could not be made.
    """
    listed = set(facts["outputs"])
    with TemporaryDirectory(prefix="sipas-") as folder:
        out = Path(folder)
        jobs = list_jobs(survey, out, listed)
        print_message("remake", is_progress=True, n=len(jobs))
        with hold_files(survey.input_hashes):
            for result in start_reports(survey, jobs, os.cpu_count() or 1):
                if result.failed:
                    raise OutputError("remake", why=result.failed["en"])
        languages = _list_languages(survey, listed)
        _remove_others(out, listed)
        unchanged = {
            job.name: standing_files(job) for job in plan_jobs(survey, out, languages=languages)
        }
        now = receipt_facts(survey) | {"program": _order_program(facts["program"])}
        write_common_files(survey, out, languages, now, unchanged=unchanged, failed={})
        yield out


def _order_program(program: Facts) -> Facts:
    """Return the program of a receipt with its libraries in the order of a new receipt."""
    libraries = program["libraries"]
    names = [name for name in LIBRARIES if name in libraries]
    return program | {"libraries": {name: libraries[name] for name in (*names, *libraries)}}


def list_jobs(survey: Survey, out: Path, listed: Collection[str]) -> list[Job]:
    """Return the jobs that make the listed reports, in the formats and languages of the list."""
    jobs: list[Job] = []
    for job in plan_jobs(survey, out, languages=LANGUAGES):
        for languages, formats in _group_formats(job, listed).items():
            units = () if job.name == WHOLE else (job.name,)
            planned = plan_jobs(survey, out, languages=languages, formats=formats, units=units)
            jobs += [plan for plan in planned if plan.name == job.name]
    return jobs


def _group_formats(job: Job, listed: Collection[str]) -> dict[tuple[Language, ...], list[str]]:
    """Return the formats of a report that are listed, by their languages."""
    unit = "" if job.name == WHOLE else job.name
    groups: dict[tuple[Language, ...], list[str]] = {}
    for file_format in FORMATS:
        names = name_report_files(unit, [file_format], LANGUAGES)
        languages = {language for (_, language), name in names.items() if name in listed}
        if languages:
            ordered = tuple(language for language in LANGUAGES if language in languages)
            groups.setdefault(ordered, []).append(file_format)
    return groups


def _list_languages(survey: Survey, listed: Collection[str]) -> list[Language]:
    """Return the languages of the pages of a run, in the order of the wave."""
    order: Sequence[Language] = (*survey.wave.languages, *LANGUAGES)
    return [
        language for language in dict.fromkeys(order) if f"{STEM}.{language}.html" in listed
    ] or [*survey.wave.languages]


def _remove_others(out: Path, listed: Iterable[str]) -> None:
    """Remove the files that the run did not list, such as a letter that was changed by hand."""
    kept = {*listed}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_file() and name.partition("/")[0] not in (STATE, LOGS) and name not in kept:
            path.unlink()
