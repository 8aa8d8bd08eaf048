"""The command line: thin verbs over the library, in Vietnamese or English.

Nothing heavy is imported at the top, so that ``sipas --help`` answers at once. A mistake that a
user can mend is one paragraph and its own exit code, never a traceback.
"""

import sys
import traceback
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sipas_analysis import __version__
from sipas_analysis.documents.writers.terminal import (
    choose_language,
    print_error_and_exit,
    print_message,
    print_table,
)
from sipas_analysis.errors import ParameterError, SipasError
from sipas_analysis.files import check_writable, write_log
from sipas_analysis.messages import LANGUAGES, Language, say
from sipas_analysis.reports.sample_options import SampleOptions

if TYPE_CHECKING:
    import pandas as pd

    from sipas_analysis.collect.survey import Survey
    from sipas_analysis.collect.wave import Wave

app = typer.Typer(
    help="cli.app",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

MANY_BLANK = 20.0
WaveArg = Annotated[Path, typer.Argument(help="cli.arg.wave", metavar="WAVE")]
Out = Annotated[Path | None, typer.Option("--out", help="cli.opt.out", metavar="DIR")]
Lang = Annotated[str, typer.Option("--lang", help="cli.opt.lang", metavar="vi|en")]
UnitOpt = Annotated[str, typer.Option("--unit", help="cli.opt.unit", metavar="CODE")]
Set = Annotated[list[str] | None, typer.Option("-p", help="cli.opt.set", metavar="NAME=VALUE")]


def _option(name: str, said: str = "") -> Any:
    return typer.Option(f"--{name}", help=f"cli.opt.{said or name}")


def main() -> None:
    """Run the command line; turn errors into sentences and exit codes."""
    command = _translate_help(typer.main.get_command(app), choose_language())
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        command(prog_name="sipas")
    except SipasError as error:
        print_error_and_exit(error)
    except Exception as error:
        path = write_log(traceback.format_exc())
        said = say(choose_language(), "cli.said.internal", why=type(error).__name__, path=path)
        typer.echo(said, err=True)
        sys.exit(70)


def _translate_help(command: Any, language: Language) -> Any:
    """Replace message ids in the help of a command and of everything below it."""
    for one in (command, *command.params):
        if (getattr(one, "help", None) or "").startswith("cli."):
            one.help = say(language, one.help)
    for below in getattr(command, "commands", {}).values():
        _translate_help(below, language)
    return command


@app.callback(invoke_without_command=True)
def _show_version(
    lang: Lang = "",  # noqa: ARG001 (read by spoken)
    version: Annotated[bool, typer.Option("--version", help="cli.opt.version")] = False,
) -> None:
    if version:
        typer.echo(f"sipas_analysis {__version__}")
        raise typer.Exit


@app.command(help="cli.init")
def init(
    files: Annotated[list[Path], typer.Argument(help="cli.arg.files", metavar="FILE...")],
    out: Annotated[
        Path | None, typer.Option("--out", help="cli.opt.out_init", metavar="DIR")
    ] = None,
    lang: Lang = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.collect.draft import draft_wave

    made = draft_wave(files, out or files[0].parent, choose_language())
    for path in (made.wave, made.units):
        print_message("wrote", path=path)
    print_message("drafted", pack=made.pack.id, n_units=made.n_units)
    if made.file_is_unit:
        print_message("file_is_unit")
    if made.unplaced:
        print_message("unplaced", names="; ".join(made.unplaced))
    if made.units_to_place:
        print_message("ungrouped", names="; ".join(made.units_to_place))
    print_message("next", path=made.wave)


@app.command(help="cli.demo")
def demo(
    folder: Annotated[Path, typer.Argument(help="cli.arg.folder", metavar="DIR")],
    units: Annotated[int, typer.Option("--units", help="cli.opt.units", min=1, max=10_000)] = 29,
    lang: Lang = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.collect.simulate import build_demo as make
    from sipas_analysis.collect.simulate import write_demo

    path = write_demo(make("demo", units), folder)
    print_message("wrote", path=path)
    print_message("next_run", path=path)


@app.command(help="cli.check")
def check(wave: WaveArg, lang: Lang = "", out: Out = None) -> None:  # noqa: ARG001
    from sipas_analysis.collect.quality import check as look
    from sipas_analysis.figures.published import Figures

    facts, survey = _read_survey(wave)
    ledger = survey.ledger
    if ledger.empty:
        print_message("nothing_changed")
    else:
        kinds = ledger.groupby(["file", "reason"])["column"]
        counts = kinds.agg(columns="nunique", cells="size").reset_index()
        counts["reason"] = [
            say(choose_language(), f"ledger.{reason}") for reason in counts["reason"]
        ]
        print_table(say(choose_language(), "cli.table.ledger"), counts)
    noticed = look(survey).noticed()
    if noticed.empty:
        print_message("no_findings")
    else:
        columns = ["rule", "unit_name", "count", "n", "expected_percent", "low", "p_holm"]
        print_table(say(choose_language(), "cli.said.findings"), noticed[columns].round(4))
    _say_gaps(survey)
    if out is not None:
        kinds = ledger.groupby(["file", "column", "reason"], sort=True)["row"]
        summed = kinds.agg(n="size", first_row="min").reset_index()
        figures = Figures(survey)
        _write_tables({"ledger": summed, "quality": figures.findings.to_frame()}, out / "check")
    print_message("next_run", path=facts.path)


def _say_gaps(survey: "Survey") -> None:
    """Name units that sent nothing, and items that many people left blank."""
    sent = set(survey.frame["unit"])
    silent = [name for code, name in survey.unit_names.items() if code not in sent]
    if silent:
        print_message("silent", n=len(silent), names="; ".join(silent))
    share = 100 * survey.frame[[*survey.instrument.items]].isna().mean()
    many = share[share >= MANY_BLANK]
    if len(many):
        print_message(
            "many_blank", items=", ".join(f"{code} ({it:.0f} %)" for code, it in many.items())
        )


@app.command(help="cli.score")
def score(wave: WaveArg, out: Out = None, lang: Lang = "") -> None:  # noqa: ARG001
    from sipas_analysis.figures.published import Figures

    facts, survey = _read_survey(wave)
    figures = Figures(survey)
    columns = ["group", "letter", "rank", "places", "unit_name", "printed", "low", "high", "n"]
    shown = figures.ranking.assign(places=figures.ranked_units.range_texts())[columns]
    print_table(say(choose_language(), "cli.table.scores"), shown.round(1))
    tables = figures.tables(("scores", "ranking", "figures"))
    _write_tables(tables, _output_folder(out, facts) / "tables")


@app.command(help="cli.drivers")
def drivers(
    wave: WaveArg,
    out: Out = None,
    lang: Lang = "",  # noqa: ARG001
    model: Annotated[str, _option("model")] = "linear,logit,ordinal",
    by: Annotated[str, _option("by", "by_key")] = "",
    controls: Annotated[str, _option("controls")] = "",
    missing: Annotated[str, _option("missing")] = "complete",
) -> None:
    from sipas_analysis.explain.drivers import drivers as explain
    from sipas_analysis.reports.drivers_output import (
        describe_drivers,
        find_priority,
        keep_publishable,
        list_tables,
    )

    facts, survey = _read_survey(wave)
    models, held = (
        [it.strip() for it in text.split(",") if it.strip()] for text in (model, controls)
    )
    found = explain(survey, models, by=by, controls=held, missing=missing)
    found = keep_publishable(survey, found, by) if by else found
    first = None if by or held or missing != "complete" else find_priority(survey, found)
    for said, table in describe_drivers(survey, found, first, choose_language()):
        typer.echo(said) if table is None else print_table(said, table)
    _write_tables(list_tables(found, first, by), _output_folder(out, facts) / "tables")


@app.command(help="cli.report")
def report(
    wave: WaveArg,
    unit: UnitOpt = "",
    lang: Lang = "",
    out: Out = None,
    parameters: Set = None,
    formats: Annotated[str, _option("formats")] = "html",
) -> None:
    facts, survey = _read_survey(wave)
    folder = _output_folder(out, facts)
    path = _report(survey, unit, lang, folder, formats, _parse_parameters(parameters))
    print_message("report", path=path)


@app.command(help="cli.run")
def run(
    wave: WaveArg,
    lang: Lang = "",
    out: Out = None,
    jobs: Annotated[int, _option("jobs")] = 0,
    units: Annotated[str, _option("units")] = "",
    formats: Annotated[str, _option("formats")] = "html",
    engine: Annotated[str, _option("engine")] = "fork",
    scheduler: Annotated[str, _option("scheduler")] = "",
) -> None:
    facts, survey = _read_survey(wave)
    from sipas_analysis.runs import annual_run as running  # heavy: after the wave is accepted

    folder = _output_folder(out, facts)
    request = running.RunRequest(
        folder,
        languages=_split_names(lang),
        formats=_split_names(formats),
        units=_split_names(units),
        engine=engine,
        scheduler=scheduler,
        jobs=jobs,
    )
    silent = [code for code in survey.units["code"] if code not in set(survey.frame["unit"])]
    for code in silent:
        print_message("no_form", unit=survey.unit_names[code])
    failed = running.run_wave(survey, request)
    print_message("report", path=folder)
    if failed:
        print_message("failed", n=len(failed))
        for name, why in failed.items():
            typer.echo(f"  {name}: {why}", err=True)
        raise typer.Exit(1)


@app.command(help="cli.verify")
def verify(
    out: Annotated[Path, typer.Argument(help="cli.arg.out", metavar="DIR|ZIP")],
    wave: Annotated[Path | None, _option("wave")] = None,
    to: Annotated[Path | None, _option("to", "to_verdict")] = None,
    lang: Lang = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.documents.writers.html import write_html
    from sipas_analysis.proof import verdict_page
    from sipas_analysis.proof.archive import open_run, verify_run

    with open_run(out) as run:
        found = verify_run(run, wave)
    for line in verdict_page.verdict_lines(found, choose_language()):
        typer.echo(line)
    if to:
        page = verdict_page.make_verdict_page(found)
        for language in LANGUAGES:
            print_message("wrote", path=write_html(page, to / f"verdict.{language}.html", language))
    if not verdict_page.is_good(found):
        raise typer.Exit(1)


@app.command(help="cli.trace")
def trace(
    figure: Annotated[str, typer.Argument(help="cli.arg.figure", metavar="FIGURE")],
    wave: Annotated[Path, typer.Argument(help="cli.arg.traced", metavar="WAVE|DIR|ZIP")],
    unit: UnitOpt = "",
    lang: Lang = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.proof.archive import find_wave_and_receipt
    from sipas_analysis.proof.trace import explain_figure
    from sipas_analysis.proof.trace import trace as look

    with find_wave_and_receipt(wave) as (path, receipt):
        _, survey = _read_survey(path)
        for head, text in explain_figure(
            survey, look(survey, figure, unit), choose_language(), receipt
        ):
            typer.echo(f"{head}: {text}")


@app.command(help="cli.archive")
def archive(
    out: Annotated[Path, typer.Argument(help="cli.arg.out", metavar="DIR")],
    to: Annotated[Path | None, _option("to", "to_archive")] = None,
    wave: Annotated[Path | None, _option("wave")] = None,
    public: Annotated[bool, _option("public")] = False,
    lang: Lang = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.proof.archive import write_archive

    path = to or out.with_name(out.name + (".public.zip" if public else ".zip"))
    print_message("wrote", path=write_archive(out, path, wave, public=public))


@app.command("sample", help="cli.sample")
@wraps(SampleOptions, updated=())  # its fields become the options of the verb
def sample(**options: Any) -> None:
    from sipas_analysis.reports.sample_page import write_sample

    for path in write_sample(SampleOptions(**options), choose_language()):
        print_message("wrote", path=path)


@app.command(help="cli.compare")
def compare(
    waves: Annotated[list[Path], typer.Argument(help="cli.arg.waves", metavar="WAVE...")],
    out: Out = None,
    lang: Lang = "",  # noqa: ARG001
    crosswalk: Annotated[Path | None, _option("crosswalk")] = None,
) -> None:
    from sipas_analysis.reports.chapters.trend import explain_break
    from sipas_analysis.reports.comparison_page import list_tables, write_comparison

    found, paths = write_comparison(
        [_read_survey(wave)[1] for wave in waves], out, choose_language(), crosswalk
    )
    for title, table in list_tables(found):
        print_table(title, table)
    for before, after, reason in found.breaks.query("reason != ''").to_numpy()[:, :3]:
        print_message(
            "no_line", before=before, after=after, why=explain_break(reason).text(choose_language())
        )
    for path in paths:
        print_message("wrote", path=path)


@app.command(help="cli.lab")
def lab(lang: Lang = "") -> None:  # noqa: ARG001
    import subprocess

    from sipas_analysis.proof.program import notebooks_folder

    command = [sys.executable, "-m", "jupyterlab", str(notebooks_folder())]
    raise typer.Exit(subprocess.call(command))  # noqa: S603 (our own interpreter and folder)


def _read_survey(path: Path) -> "tuple[Wave, Survey]":
    """Read wave and answers, and say how many forms there are."""
    from sipas_analysis.collect.survey import read_survey
    from sipas_analysis.collect.wave import read_wave

    facts = read_wave(path)
    survey = read_survey(facts)
    frame = survey.frame
    print_message(
        "read",
        title=facts.title.text(choose_language()),
        n_read=survey.n_read,
        n=len(frame),
        n_units=frame["unit"].nunique(),
    )
    if facts.is_synthetic:
        print_message("synthetic")
    return facts, survey


def _report(
    survey: "Survey", unit: str, lang: str, folder: Path, formats: str, more: dict[str, str]
) -> Path:
    """Run the notebook of the province or of one unit; return the first page it wrote."""
    from sipas_analysis.reports.report import report as start_report
    from sipas_analysis.runs.notebook import PROVINCE, UNIT, run_notebook_here

    languages = start_report(survey, _split_names(lang), unit).languages
    parameters = {
        "wave": str(survey.wave.path.absolute()),
        "language": ",".join(languages),
        "out": str(folder.absolute()),
        "formats": formats,
    }
    parameters |= {"unit": unit} if unit else {}
    for name in sorted(parameters.keys() & more.keys()):
        raise ParameterError("parameter_given", name=name)
    run_notebook_here(UNIT if unit else PROVINCE, parameters | more, survey)
    report_folder = folder / "units" / unit if unit else folder / "province"
    first = formats.split(",", maxsplit=1)[0].strip()
    stem = "report" if unit or first != "xlsx" else "annexes"
    return report_folder / f"{stem}.{languages[0]}.{first}"


def _parse_parameters(parameters: list[str] | None) -> dict[str, str]:
    for one in parameters or []:
        if "=" not in one:
            raise ParameterError("parameter_form", found=one)
    return dict(one.split("=", 1) for one in parameters or [])


def _split_names(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _output_folder(out: Path | None, facts: "Wave") -> Path:
    return check_writable(out or Path("outputs") / facts.id)


def _write_tables(tables: "dict[str, pd.DataFrame]", folder: Path) -> None:
    from sipas_analysis.figures.published import write_tables

    for path in write_tables(tables, folder):
        print_message("wrote", path=path)
