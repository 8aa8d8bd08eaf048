"""Steps that several commands share: read a wave and say what was read, choose a folder.

Slow modules are imported inside, so that ``sipas --help`` starts without delay.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sipas_analysis.documents.writers.terminal import (
    choose_language,
    print_lines,
    print_message,
    print_written,
    speak_as_wave,
)
from sipas_analysis.errors import ConfigError, FileError, SipasError
from sipas_analysis.files import check_writable
from sipas_analysis.messages import LANGUAGES, Language

if TYPE_CHECKING:
    from sipas_analysis.collect.survey import Survey
    from sipas_analysis.collect.wave import Wave


def read_and_describe(path: Path, *, with_reminders: bool = False) -> "tuple[Wave, Survey]":
    """Read wave and answers; print the number of forms.

    ``with_reminders`` also prints what in the answers needs a second look, and how the plan for the
    coming year was read.
    """
    from sipas_analysis.collect.survey import read_survey
    from sipas_analysis.collect.wave import read_wave

    try:
        facts = read_wave(path)
    except SipasError:  # told in the language of the wave, too
        speak_as_wave(_find_languages(path))
        raise
    speak_as_wave(facts.languages)
    survey = read_survey(facts)
    print_message(
        "read",
        title=facts.title.text(choose_language()),
        n_read=survey.n_read,
        n=len(survey.frame),
        n_units=survey.frame["unit"].nunique(),
    )
    if facts.is_synthetic:
        print_message("synthetic")
    if with_reminders:
        from sipas_analysis.reports.check_output import describe_doubts
        from sipas_analysis.reports.check_reminders import describe_cut_exports, describe_plans

        print_lines(describe_doubts(survey, choose_language()))
        print_lines(describe_plans(survey, choose_language()))
        print_lines(describe_cut_exports(survey, choose_language()))
    return facts, survey


def _find_languages(path: Path) -> list[Language]:
    """Return the languages that a ``wave.yaml`` names that cannot be read as a wave."""
    file = path / "wave.yaml" if path.is_dir() else path
    try:
        text = file.read_text("utf-8", errors="replace")
    except OSError:
        return []
    named = re.search(r"^languages:(.*(?:\n *- .*)*)", text, re.MULTILINE)
    words = re.findall(r"\w+", named[1]) if named else []
    return [language for word in words for language in LANGUAGES if language == word]


def speak_as_run(out: Path) -> None:
    """Print in the language of the reports of a run, where that of the system is not among them."""
    from sipas_analysis.proof.receipt import read_receipt

    try:
        names = [*read_receipt(out)["outputs"]]
    except SipasError:  # told where the receipt is used
        return
    speak_as_wave([word for word in LANGUAGES if any(f".{word}." in name for name in names)])


def write_slips(path: Path, outcome: "SipasError | Survey", out: Path | None) -> None:
    """Write what each unit has to correct, and the overview of all units, if a folder is given."""
    if out is None:
        return
    from sipas_analysis.collect.wave import read_wave
    from sipas_analysis.reports.edited_files import tell_edited
    from sipas_analysis.reports.return_slips import write_return_slips

    try:
        with tell_edited(out):
            slips, overview = write_return_slips(read_wave(path), outcome, check_writable(out))
    except (ConfigError, FileError):  # the wave itself is refused
        slips, overview = [], []
    print_written(overview)
    if not overview:
        print_message("no_slips")
    if slips:
        print_message("slips", n=len(slips), path=slips[0].parent)


def choose_folder(out: Path | None, facts: "Wave") -> Path:
    """Return the folder of the results of a wave, if it can be written."""
    return check_writable(out or Path("outputs") / facts.id)


def print_next_run(wave: Path) -> None:
    """Print the command that makes the reports and letters of a wave, to be copied."""
    print_message("next_run", path=_quote(wave))


def _quote(path: object) -> str:
    """Return a path as a shell reads it, also PowerShell: with quotation marks around blanks."""
    return f'"{path}"' if " " in str(path) else str(path)


def draft_files(
    files: Sequence[Path], out: Path | None, pack: str, again: str, *, accepts: bool
) -> None:
    """Draft a wave from files of answers; print what was recognised and what is proposed.

    ``again`` is the command that uses the proposals, to be copied.
    """
    from sipas_analysis.draft.wave_file import draft_wave
    from sipas_analysis.reports.draft_output import describe_draft, describe_proposals

    folder, language = files[0] if files[0].is_dir() else files[0].parent, choose_language()
    draft = draft_wave(files, out or folder, language, pack, accepts=accepts)
    print_written(draft.written)
    print_lines(describe_proposals(draft, language, again))
    print_lines(describe_draft(draft, language, is_listed=True))


def join_command(name: str, paths: Iterable[Path], options: Mapping[str, object]) -> str:
    """Return a command with paths and options as they were typed, to be copied; none without value.

    Example:
        >>> join_command("sipas init", [Path("phieu 24")], {"--out": ".", "--lang": ""})
        'sipas init "phieu 24" --out .'
    """
    typed = [f"{option} {_quote(value)}" for option, value in options.items() if value]
    return " ".join([name, *map(_quote, paths), *typed])


def warn_of_editions(survey: "Survey", folder: Path) -> None:
    """Say what a reader of this and of an earlier edition could compute (rule P4)."""
    from sipas_analysis.reports.edition_output import describe_editions

    print_lines(describe_editions(survey, folder, choose_language()))


def finish_run(
    folder: Path, survey: "Survey", wave: Path, formats: Sequence[str], failed: Mapping[str, str]
) -> None:
    """Print who sent nothing, what to note before signing, where reports are, what to type next.

    If a report failed, the exit code is 1.
    """
    from sipas_analysis.reports.before_signing import describe_before_signing

    for code in survey.units["code"][~survey.units["code"].isin(survey.frame["unit"])]:
        print_message("no_form", unit=survey.unit_names[code])
    print_lines(describe_before_signing(survey, choose_language()))
    if "docx" in formats:
        print_message("letters", province=folder / "province", units=folder / "units")
        print_message("next_archive", out=_quote(folder))
        if not survey.wave.plan_path:
            print_message("plan_first", path=_quote(wave))
    else:
        print_message("no_letters", path=_quote(wave))
    if not failed:
        return
    print_message("failed", n=len(failed))
    for name, why in failed.items():
        typer.echo(f"  {name}: {why}", err=True)
    raise typer.Exit(1)


def write_restricted(survey: "Survey", folder: Path, *, is_asked: bool) -> None:
    """Write the file on officials that must not be published (rule T6), if it is asked for."""
    if is_asked:
        from sipas_analysis.reports.restricted_output import write_late_again

        print_message("restricted", path=write_late_again(survey, folder))


def print_disclosure(survey: "Survey", *, is_asked: bool) -> None:
    """Print what is hidden so that no answer is disclosed, and why, if it is asked for."""
    if is_asked:
        from sipas_analysis.reports.disclosure_output import describe_disclosure

        print_lines(describe_disclosure(survey, choose_language()))
