"""The command line, in Vietnamese or English: each command calls a few functions of the library.

No slow module is imported at the top, so that ``sipas --help`` starts without delay. Other modules
are imported after the wave is read, so that a wrong wave is refused quickly. A mistake that a user
can correct prints one paragraph and has a special exit code, never a traceback.
"""

from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from sipas_analysis import __version__
from sipas_analysis.command_options import (
    DraftOutOpt,
    LangOpt,
    OutOpt,
    ParameterOpt,
    UnitOpt,
    WaveArg,
    make_option,
    parse_parameters,
    split_names,
)
from sipas_analysis.command_process import end_at_once, refuse_small_memory, run_command
from sipas_analysis.command_steps import (
    choose_folder,
    draft_files,
    finish_run,
    join_command,
    print_disclosure,
    print_next_run,
    read_and_describe,
    speak_as_run,
    warn_of_editions,
    write_restricted,
    write_slips,
)
from sipas_analysis.documents.writers.terminal import (
    choose_language,
    print_lines,
    print_message,
    print_written,
    save_tables,
)
from sipas_analysis.errors import SipasError
from sipas_analysis.messages import LANGUAGES
from sipas_analysis.reports.file_names import refuse_formats
from sipas_analysis.reports.sample_options import SampleOptions

app = typer.Typer(
    help="cli.app",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    run_command(app)


def start() -> None:
    """Run the command line in a process that does nothing else: the script ``sipas``."""
    end_at_once(main)


@app.callback(invoke_without_command=True)
def _show_version(
    lang: LangOpt = "",  # noqa: ARG001 (read by choose_language)
    version: Annotated[bool, typer.Option("--version", help="cli.opt.version")] = False,
) -> None:
    refuse_small_memory()
    if version:
        typer.echo(f"sipas_analysis {__version__}")
        raise typer.Exit


@app.command(help="cli.init")
def init(
    files: Annotated[list[Path], typer.Argument(help="cli.arg.files", metavar="FILE...")],
    out: DraftOutOpt = None,
    pack: Annotated[str, typer.Option("--pack", help="cli.opt.pack", metavar="PACK|XLSX")] = "",
    accept: Annotated[bool, make_option("accept")] = False,
    lang: LangOpt = "",
) -> None:
    again = join_command("sipas init", files, {"--out": out, "--pack": pack, "--lang": lang})
    draft_files(files, out, pack, f"{again} --accept", accepts=accept)


@app.command(help="cli.demo")
def demo(
    folder: Annotated[Path, typer.Argument(help="cli.arg.folder", metavar="DIR")],
    units: Annotated[int, typer.Option("--units", help="cli.opt.units", min=1, max=10_000)] = 29,
    lang: LangOpt = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.collect.simulate import build_demo
    from sipas_analysis.records.simulate import write_demo

    path = write_demo(build_demo("demo", units), folder)
    print_message("wrote", path=path)
    print_next_run(path)


@app.command(help="cli.check")
def check(
    wave: WaveArg,
    lang: LangOpt = "",  # noqa: ARG001
    out: OutOpt = None,
    disclosure: Annotated[bool, make_option("disclosure")] = False,
) -> None:
    from sipas_analysis.collect.file_cells import remember_files

    with remember_files() if out else nullcontext():
        try:
            _, survey = read_and_describe(wave)
            from sipas_analysis.reports.check_output import describe_check, list_check_tables

            lines = describe_check(survey, choose_language())
        except SipasError as error:
            write_slips(wave, error, out)
            raise
        print_lines(lines)
        print_disclosure(survey, is_asked=disclosure)
        if out is not None:
            save_tables(list_check_tables(survey), out / "check")
            warn_of_editions(survey, out)
        write_slips(wave, survey, out)
        print_next_run(wave)


@app.command(help="cli.score")
def score(wave: WaveArg, out: OutOpt = None, lang: LangOpt = "") -> None:  # noqa: ARG001
    facts, survey = read_and_describe(wave)
    from sipas_analysis.figures.published import figures_of
    from sipas_analysis.reports.check_output import describe_doubts
    from sipas_analysis.reports.score_output import describe_ranking

    figures, language = figures_of(survey), choose_language()
    print_lines(describe_doubts(survey, language))
    print_lines(describe_ranking(figures, language))
    save_tables(figures.tables(("scores", "ranking")), choose_folder(out, facts) / "tables")


@app.command(help="cli.drivers")
def drivers(
    wave: WaveArg,
    out: OutOpt = None,
    lang: LangOpt = "",  # noqa: ARG001
    model: Annotated[str, make_option("model")] = "linear,logit,ordinal",
    by: Annotated[str, make_option("by", "by_key")] = "",
    controls: Annotated[str, make_option("controls")] = "",
    missing: Annotated[str, make_option("missing")] = "complete",
) -> None:
    facts, survey = read_and_describe(wave)
    from sipas_analysis.explain.drivers import drivers as explain_satisfaction
    from sipas_analysis.figures.rare_labels import merge_rare_labels
    from sipas_analysis.reports.drivers_output import (
        describe_drivers,
        find_priority,
        keep_publishable,
        list_tables,
    )

    survey = merge_rare_labels(survey) if by or controls else survey
    models, names = split_names(model), split_names(controls)
    result = explain_satisfaction(survey, models, by=by, controls=names, missing=missing)
    result = keep_publishable(survey, result, by) if by else result
    is_usual = not by and not names and missing == "complete"
    priority = find_priority(survey, result) if is_usual else None
    print_lines(describe_drivers(survey, result, priority, choose_language()))
    save_tables(list_tables(result, priority, by), choose_folder(out, facts) / "tables")


@app.command(help="cli.report")
def report(
    wave: WaveArg,
    unit: UnitOpt = "",
    lang: LangOpt = "",
    out: OutOpt = None,
    parameters: ParameterOpt = None,
    formats: Annotated[str, make_option("formats")] = "html",
    restricted: Annotated[bool, make_option("restricted")] = False,
) -> None:
    facts, survey = read_and_describe(wave, with_reminders=True)
    from sipas_analysis.runs.notebook import write_report

    folder, given = choose_folder(out, facts), parse_parameters(parameters)
    warn_of_editions(survey, folder)
    path = write_report(
        survey, unit, split_names(lang), folder=folder, formats=formats, parameters=given
    )
    print_message("report", path=path)
    write_restricted(survey, folder, is_asked=restricted)


@app.command(help="cli.run")
def run(
    wave: WaveArg,
    lang: LangOpt = "",
    out: OutOpt = None,
    jobs: Annotated[int, make_option("jobs")] = 0,
    units: Annotated[str, make_option("units")] = "",
    formats: Annotated[str, make_option("formats")] = "html",
    engine: Annotated[str, make_option("engine")] = "fork",
    scheduler: Annotated[str, make_option("scheduler")] = "",
) -> None:
    refuse_formats(split_names(formats))
    facts, survey = read_and_describe(wave, with_reminders=True)
    from sipas_analysis.runs.annual_run import RunRequest, run_wave  # slow to import

    folder = choose_folder(out, facts)
    request = RunRequest(
        folder,
        languages=split_names(lang),
        formats=split_names(formats),
        units=split_names(units),
        engine=engine,
        scheduler=scheduler,
        jobs=jobs,
    )
    warn_of_editions(survey, folder)
    failed = run_wave(survey, request)
    finish_run(folder, survey, wave, split_names(formats), failed)


@app.command(help="cli.verify")
def verify(
    run: Annotated[Path, typer.Argument(help="cli.arg.out", metavar="DIR|ZIP")],
    wave: Annotated[Path | None, make_option("wave")] = None,
    out: Annotated[Path | None, make_option("out", "out_verification")] = None,
    lang: LangOpt = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.documents.writers.html import write_html
    from sipas_analysis.proof import verification_page
    from sipas_analysis.proof.archive import open_run, verify_run
    from sipas_analysis.runs.remake import remake

    with open_run(run) as opened:
        speak_as_run(opened.out)
        verification = verify_run(opened, wave, remake=remake)
    typer.echo("\n".join(verification_page.describe_verification(verification, choose_language())))
    if out:
        page = verification_page.make_verification_page(verification)
        print_written(write_html(page, out / f"verdict.{name}.html", name) for name in LANGUAGES)
    if not verification_page.is_good(verification):
        raise typer.Exit(1)


@app.command(help="cli.trace")
def trace(
    figure: Annotated[str, typer.Argument(help="cli.arg.figure", metavar="FIGURE")],
    wave: Annotated[Path, typer.Argument(help="cli.arg.traced", metavar="WAVE|DIR|ZIP")],
    unit: UnitOpt = "",
    without: Annotated[str, make_option("without")] = "",
    lang: LangOpt = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.proof.archive import find_wave_and_receipt
    from sipas_analysis.proof.trace import explain_figure
    from sipas_analysis.proof.trace import trace as trace_figure

    with find_wave_and_receipt(wave) as (path, receipt):
        _, survey = read_and_describe(path)
        origin = trace_figure(survey, figure, unit)
        for line in explain_figure(survey, origin, choose_language(), receipt, without):
            typer.echo(": ".join(line))


@app.command(help="cli.archive")
def archive(
    run: Annotated[Path, typer.Argument(help="cli.arg.out", metavar="DIR")],
    out: Annotated[Path | None, make_option("out", "out_archive")] = None,
    wave: Annotated[Path | None, make_option("wave")] = None,
    public: Annotated[bool, make_option("public")] = False,
    wheels: Annotated[bool, make_option("wheels")] = False,
    wheels_from: Annotated[Path | None, make_option("wheels-from", "wheels_from")] = None,
    lang: LangOpt = "",  # noqa: ARG001
) -> None:
    from sipas_analysis.proof.archive import write_archive

    speak_as_run(run)
    path = out or run.with_name(run.name + (".public.zip" if public else ".zip"))
    write_archive(run, path, wave, public=public, wheels=wheels_from or wheels)
    print_message("wrote", path=path)


@app.command("sample", help="cli.sample")
@wraps(SampleOptions, updated=())  # its fields become the options of the command
def sample(**options: Any) -> None:
    from sipas_analysis.reports.sample_page import write_sample

    print_written(write_sample(SampleOptions(**options), choose_language()))


@app.command(help="cli.compare")
def compare(
    waves: Annotated[list[Path], typer.Argument(help="cli.arg.waves", metavar="WAVE...")],
    out: OutOpt = None,
    lang: LangOpt = "",  # noqa: ARG001
    crosswalk: Annotated[Path | None, make_option("crosswalk")] = None,
) -> None:
    surveys, language = [read_and_describe(wave)[1] for wave in waves], choose_language()
    from sipas_analysis.reports.comparison_page import describe_changes, write_comparison

    changes, paths = write_comparison(surveys, out, language, crosswalk)
    print_lines(describe_changes(changes, surveys, language))
    print_written(paths)


@app.command(help="cli.plan")
def plan(
    wave: WaveArg,
    unit: UnitOpt = "",
    out: Annotated[Path | None, make_option("out", "out_plan")] = None,
    lang: LangOpt = "",  # noqa: ARG001
) -> None:
    facts, survey = read_and_describe(wave)
    from sipas_analysis.collect.units import find_unit_code
    from sipas_analysis.figures.published import figures_of
    from sipas_analysis.improve.plan import draft_plan
    from sipas_analysis.reports.plan_workbook import describe_plan, write_plan

    code = find_unit_code(survey.units, unit) if unit else ""
    draft = draft_plan(figures_of(survey).basis, code)
    paths = write_plan(draft, survey, out or facts.path.parent, facts.languages[0])
    print_lines(describe_plan(draft, survey, code, choose_language()))
    print_written(paths)
    print_message("plan_next", path=paths[0], wave=facts.path)
    print_message("plan_receipt")


@app.command(help="cli.verdict")
def verdict(wave: WaveArg, out: OutOpt = None, lang: LangOpt = "") -> None:  # noqa: ARG001
    facts, survey = read_and_describe(wave)
    from sipas_analysis.figures.published import figures_of
    from sipas_analysis.reports.verdict_output import describe_verdicts, find_verdicts

    figures = figures_of(survey)
    verdicts = find_verdicts(figures)
    print_lines(describe_verdicts(figures, choose_language()))
    save_tables({"verdicts": verdicts}, choose_folder(out, facts) / "tables")


@app.command(help="cli.reconcile")
def reconcile(wave: WaveArg, out: OutOpt = None, lang: LangOpt = "") -> None:  # noqa: ARG001
    facts, survey = read_and_describe(wave)
    from sipas_analysis.reports.reconcile_output import describe_reconciliation, reconcile_wave

    result = reconcile_wave(survey)
    print_lines(describe_reconciliation(result, survey, choose_language()))
    save_tables(result.tables(), choose_folder(out, facts) / "tables")


@app.command(
    help="cli.lab",
    options_metavar="[DIR] [OPTIONS]",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lab(context: typer.Context, lang: LangOpt = "") -> None:  # noqa: ARG001
    from sipas_analysis.desk.lab_folder import open_lab

    raise typer.Exit(open_lab(context.args))
