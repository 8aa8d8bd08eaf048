"""The steps of the page that leads an officer: look at files, decide, check, make the reports.

Every step calls what a command of the same name calls: ``sipas init``, ``check`` and ``run``. No
step writes anything but the one that says so.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sipas_analysis.arguments import check_file_name
from sipas_analysis.collect.survey import Survey, read_survey
from sipas_analysis.collect.wave import PLAN_FILES, read_wave
from sipas_analysis.documents.writers.html import load_templates
from sipas_analysis.documents.writers.terminal import describe_crash, list_cells, speak
from sipas_analysis.draft.decisions import Key, decide, list_readable
from sipas_analysis.draft.pack import PACK_FILE
from sipas_analysis.draft.recognised import Draft
from sipas_analysis.draft.wave_file import recognise_wave, write_draft
from sipas_analysis.errors import OutputError, SeveralError, SipasError
from sipas_analysis.figures.published import figures_of
from sipas_analysis.files import (
    find_shortage,
    hash_if_there,
    is_inside,
    write_log,
    write_whole,
    zip_parts,
)
from sipas_analysis.messages import Language, say, say_at
from sipas_analysis.reports.before_signing import describe_before_signing
from sipas_analysis.reports.check_output import describe_check
from sipas_analysis.reports.draft_output import describe_draft
from sipas_analysis.reports.edition_output import describe_editions
from sipas_analysis.reports.file_names import name_report_files
from sipas_analysis.sheets.file_kinds import ANSWER_ENDINGS

if TYPE_CHECKING:
    import pandas as pd

NOT_ANSWERS = ("units.csv", *PLAN_FILES)
NOT_SEARCHED = ("outputs", "data", "return")  # results, the demo, return slips
LEVELS = 2  # of folders below that are searched
DRAFT_FILES = ("wave.yaml", "units.csv", PACK_FILE)
Own = MutableMapping[Path, str]  # files that the page wrote, with the hash of what it wrote
Printed = tuple[str, "pd.DataFrame | None"]  # a sentence, or a title with its table


@dataclass(frozen=True)
class Line:
    """A sentence of the page, or a title with its table."""

    text: str
    style: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Answers:
    """What an officer filled in.

    Attributes:
        columns: Chosen option by key of ``list_choices``.
        facts: Keys of ``wave.yaml``.
        groups: Group by name of a unit.
        ignores_rest: Whether columns that nobody placed are not read.
    """

    columns: Mapping[Key, str] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    ignores_rest: bool = False


@contextmanager
def speak_on_page(language: Language) -> Iterator[None]:
    """Say in a language what commands say, with what to do on the page in place of commands."""
    with speak(language), say_at("page"):
        yield


def list_answer_files(folder: Path, levels: int = LEVELS) -> list[Path]:
    """Return files that may hold answers, in a folder and two levels below, in order of names.

    Hidden folders, outputs and the data of the demo are not searched, nor a folder with a wave, nor
    one that may not be opened.
    """
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return []
    files = [path for path in inside if path.is_file() and _may_hold_answers(path)]
    folders = [path for path in inside if levels and path.is_dir() and _may_be_searched(path)]
    return files + [path for place in folders for path in list_answer_files(place, levels - 1)]


def _may_be_searched(folder: Path) -> bool:
    is_named = folder.name not in NOT_SEARCHED and folder.name[0] != "."
    return is_named and not (folder / "wave.yaml").exists()


def _may_hold_answers(path: Path) -> bool:
    is_named = path.suffix.lower() in ANSWER_ENDINGS and path.name not in NOT_ANSWERS
    return is_named and not path.name.startswith(("~$", "."))


def keep_upload(name: str, content: bytes, aside: Path) -> Path:
    """Keep an uploaded file in a temporary folder under its own name; return its path.

    Raises:
        ConfigError: No file can have that name.
    """
    plain = check_file_name(name.replace("\\", "/").rpartition("/")[2]).lstrip(".") or "file"
    return write_whole(aside / plain, content)


def look_at_files(
    paths: Sequence[Path], folder: Path, language: Language, own: Own | None = None
) -> Draft:
    """Return what ``sipas init`` recognises in files; nothing is written.

    As with ``--accept``, a question beside the index is proposed if all its answers are known.
    """
    draft = recognise_wave(paths, folder, language, replaces=list_replaceable(folder, own or {}))
    return replace(draft, questions=list_readable(draft))


def list_replaceable(folder: Path, own: Mapping[Path, str]) -> list[Path]:
    """Return the files of a draft that the page wrote and that nobody changed since."""
    paths = [folder / name for name in DRAFT_FILES if folder / name in own]
    return [path for path in paths if hash_if_there(path) == own[path]]


def list_edited(folder: Path, own: Mapping[Path, str]) -> list[str]:
    """Return the names of ``wave.yaml`` and ``units.csv`` that the page may not write over."""
    replaces = list_replaceable(folder, own)
    names = ("wave.yaml", "units.csv")
    return [name for name in names if (folder / name).exists() and folder / name not in replaces]


def write_wave_files(
    paths: Sequence[Path],
    folder: Path,
    language: Language,
    answers: Answers,
    own: Own | None = None,
) -> Draft:
    """Copy the files into the folder, and write the draft with what was decided.

    Args:
        paths: Files of answers.
        folder: Folder of the wave.
        language: Language of the comments in the draft.
        answers: What was filled in.
        own: What the page wrote before, and may write again; what is written now is added.

    Raises:
        OutputError: A file exists already that the page did not write or that was changed since, or
            the folder cannot be written.
    """
    own = {} if own is None else own
    if edited := list_edited(folder, own):
        raise OutputError("start_edited", names=", ".join(edited), folder=folder)
    _refuse_equal_names([path for path in paths if not is_inside(path, folder)])
    copied = [_copy_file(path, folder, own) for path in paths]
    draft = decide_draft(look_at_files(copied, folder, language, own), answers)
    draft = write_draft(draft, list_replaceable(folder, own))
    own.update({path: hash_if_there(path) or "" for path in draft.written})
    return draft


def decide_draft(draft: Draft, answers: Answers) -> Draft:
    """Return a draft with the answers of an officer."""
    return decide(
        draft, answers.columns, answers.facts, answers.groups, ignores_rest=answers.ignores_rest
    )


def _refuse_equal_names(paths: Iterable[Path]) -> None:
    """Refuse files of different folders that have one name: both are copied into one folder."""
    by_name: dict[str, Path] = {}
    for path in paths:
        other = by_name.setdefault(path.name.casefold(), path)
        if hash_if_there(other) != hash_if_there(path):
            raise OutputError("start_twice", path=path, other=other)


def _copy_file(path: Path, folder: Path, own: Own) -> Path:
    """Copy a file into the folder of the wave, unless it lies there, or the same file does.

    A copy that was corrected stays as long as the file that it was made of is unchanged; a copy as
    the page made it follows its file.
    """
    target = folder / path.name
    if is_inside(path, folder):
        return path
    source, present, before = hash_if_there(path), hash_if_there(target), own.get(target)
    if present == before and not (present is None and target.exists()):
        copied = target if present == source else write_whole(target, path.read_bytes())
        own[target] = source or ""
        return copied
    if source not in (present, before):
        raise OutputError("start_copy", path=target, source=path)
    return target


def check_wave(wave: Path, language: Language) -> tuple[Survey, list[Printed]]:
    """Return the survey of a wave, and what ``sipas check`` prints of it.

    Raises:
        SipasError: The wave or the answers cannot stand.
    """
    facts = read_wave(wave)
    survey = read_survey(facts)
    numbers = {"n_read": survey.n_read, "n": len(survey.frame)}
    title, n_units = facts.title.text(language), survey.frame["unit"].nunique()
    read = say(language, "cli.said.read", title=title, n_units=n_units, **numbers)
    with speak_on_page(language):
        return survey, [(read, None), *describe_check(survey, language)]


def describe_open_units(survey: Survey, language: Language) -> list[str]:
    """Return what reports leave out as things are: figures of units, and ranks."""
    figures, names = figures_of(survey), survey.unit_names
    units = {"hidden": figures.hidden_units}
    units["flagged"] = {unit for unit, mark in figures.marks.items() if mark == "flagged"}
    shown = {word: [name for unit, name in names.items() if unit in units[word]] for word in units}
    return [
        say(language, f"start.check.{word}", n=len(listed), names="; ".join(listed))
        for word, listed in shown.items()
        if listed
    ]


def find_output(survey: Survey) -> Path:
    """Return the folder of the results: beside ``wave.yaml``."""
    return survey.wave.path.parent / "outputs" / survey.wave.id


def make_reports(
    survey: Survey,
    formats: Sequence[str],
    language: Language,
    on_report: Callable[[int, int], None] | None = None,
) -> tuple[Path, list[Printed]]:
    """Make all reports of a wave as ``sipas run`` does; return the page of all, and what was said.

    Args:
        survey: Validated forms.
        formats: Formats of the reports.
        language: Language of the sentences.
        on_report: Called with the number of reports made, and of all.

    Raises:
        SipasError: The reports cannot be made.
    """
    from sipas_analysis.runs.annual_run import RunRequest, run_wave  # slow to import

    folder, log = find_output(survey), io.StringIO()
    with speak_on_page(language), redirect_stdout(log), redirect_stderr(log):
        warnings = [*describe_editions(survey, folder, language)]
        failed = run_wave(survey, RunRequest(folder, formats=formats, on_report=on_report))
    lines: list[Printed] = [*warnings]
    if failed:
        lines.append((say(language, "cli.said.failed", n=len(failed)), None))
        lines += [(f"{name}: {why}", None) for name, why in failed.items()]
    lines += describe_before_signing(survey, language)
    lines += [(text, None) for text in _list_last_lines(log.getvalue(), folder, language)]
    return folder / "index.html", lines


def _list_last_lines(log: str, folder: Path, language: Language) -> list[str]:
    """Return what a run says after its reports: the receipt, edited files, the time."""
    lines, portal = log.splitlines(), say(language, "cli.said.portal", path=folder / "index.html")
    return lines[lines.index(portal) + 1 :] if portal in lines else lines[-1:]


def list_word_files(
    survey: Survey, out: Path, language: Language
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield code and name of the province and of each unit, with letter and report in Word.

    Of the province the code is that of the wave. A unit without a file is left out.

    The files are named below the output folder, by the message that names their kind.
    """
    languages = survey.wave.languages
    shown = language if language in languages else languages[0]
    for unit in ("", *survey.units["code"]):
        names = name_report_files(unit, ["docx"], [shown])
        places = {
            f"start.reports.{kind.partition(' ')[0]}": name
            for (kind, _), name in reversed(names.items())
            if (out / name).is_file()
        }
        if places:
            name = survey.unit_names[unit] if unit else say(language, "start.reports.all")
            yield unit or survey.wave.id, name, places


def zip_word_files(survey: Survey, out: Path, language: Language) -> Path | None:
    """Write all letters and reports in Word into one zip beside the output folder; return it.

    A letter says that the report goes with it. Each file is named after its unit; equal files make
    equal bytes. Without a file there is no zip.
    """
    files = [
        (say(language, f"{kind}_file", code=code), (out / name).read_bytes())
        for code, _, names in list_word_files(survey, out, language)
        for kind, name in names.items()
    ]
    path = out.parent / say(language, "start.reports.zip_file", code=survey.wave.id)
    return write_whole(path, zip_parts(files)) if files else None


def describe_recognised(draft: Draft, language: Language) -> list[Printed]:
    """Return what ``sipas init`` prints of a draft, without the last sentence: what comes next."""
    with speak_on_page(language):
        lines: list[Printed] = [*describe_draft(draft, language)]
    return lines[:-1]


def describe_error(error: Exception, language: Language) -> list[Line]:
    """Return an error as the command line prints it: paragraphs, never a traceback."""
    shortage = None if isinstance(error, SipasError) else find_shortage(error)
    known = shortage or error
    if isinstance(known, SipasError):
        parts = known.merge_equal() if isinstance(known, SeveralError) else [known]
        with speak_on_page(language):
            return [Line(part.text(language), "warning") for part in parts]
    path, fault = write_log(describe_crash(error)), type(error).__name__
    return [Line(say(language, "cli.said.internal", why=fault, path=path), "warning")]


def show_lines(lines: Iterable[Line], language: Language) -> str:
    """Return lines as HTML; every text is escaped."""
    page = load_templates().get_template("lines.html.j2")
    return page.render(lines=list(lines), language=language)


def list_lines(printed: Iterable[Printed], language: Language) -> Iterator[Line]:
    """Yield sentences and tables that a command prints as lines of the page."""
    with speak(language):
        for text, table in printed:
            cells = {} if table is None else list_cells(table)
            yield Line(text, "", [*cells], [*zip(*cells.values(), strict=True)])
