"""What ``sipas check`` reminds of: files that are not read, and facts that a report would print."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sipas_analysis.collect.record_sources import RecordFile
from sipas_analysis.collect.survey import Survey
from sipas_analysis.collect.wave import PLAN_FILES, Wave
from sipas_analysis.draft.proposals import list_plans, write_flow
from sipas_analysis.draft.sheets import expand_files
from sipas_analysis.errors import shorten
from sipas_analysis.figures.plan_figures import read_judged_plans
from sipas_analysis.figures.published import figures_of
from sipas_analysis.improve.plan import STATUSES
from sipas_analysis.improve.plan_file import PlanOfFile
from sipas_analysis.instrument.strict_yaml import decode_yaml
from sipas_analysis.messages import LANGUAGES, Language, join_first, say
from sipas_analysis.quality.findings import find_unused_levels
from sipas_analysis.reports.chapters.opening import find_newer_rules
from sipas_analysis.sheets.file_kinds import ANSWER_ENDINGS
from sipas_analysis.sheets.texts import plain_text

SHOWN_NAMES = 10  # the other files are counted
DRAFTED_TITLES = ("Chỉ số hài lòng", "Satisfaction index")  # of ``sipas init``


def describe_reminders(survey: Survey, language: Language) -> Iterator[tuple[str, None]]:
    """Yield one sentence for each thing that is easily forgotten."""
    like_plans = list_files_like_plans(survey.wave)
    if like_plans:
        yield say(language, "cli.said.plan_like", names="; ".join(map(shorten, like_plans))), None
    unread = [name for name in list_unread_files(survey.wave) if name not in like_plans]
    if unread:
        names = join_first([*map(shorten, unread)], SHOWN_NAMES)
        yield say(language, "cli.said.unread_files", n=len(unread), names=names), None
    for levels in find_unused_levels(survey):
        yield levels.text(language), None
    blank = list_blank_facts(survey.wave)
    if blank:
        names = "; ".join(say(language, f"cli.fact.{key}") for key in blank)
        yield say(language, "cli.said.blank_facts", keys=names), None
    newer = find_newer_rules(survey.instrument, survey.wave.year)
    if newer:
        fields = {"year": str(survey.wave.year), "pack": survey.instrument.id, "newer": newer.id}
        yield say(language, "cli.said.rules_older", day=newer.valid_from, **fields), None
    plans = list_unnamed_plans(survey.wave)
    if plans:
        yield say(language, "cli.said.plan_unnamed", paths=write_flow(plans)), None
    if survey.wave.records:
        files = [path.name for _, path, _ in list_exports(survey.wave)]
        shown = join_first([*map(shorten, files)], SHOWN_NAMES)
        yield say(language, "cli.said.records_later", n=len(files), names=shown), None
    content = [survey.unit_names[unit] for unit in list_content_units(survey)]
    if content:
        yield say(language, "cli.said.all_satisfied", names="; ".join(content)), None


def describe_plans(survey: Survey, language: Language) -> list[tuple[str, None]]:
    """Say how many lines the coming plan has and what was read in another way than it is written.

    Raises:
        ConfigError: The wave names a plan that is not of an earlier wave.
        PlanError: A plan cannot be read.
    """
    figures, path = figures_of(survey), survey.wave.plan_path
    _ = [*read_judged_plans([*figures.earlier, figures])]
    if not path:
        return []
    lines = figures.plan.lines
    n_by_status = Counter(lines.frame["status"])
    counts = "; ".join(
        f"{say(language, f'plan.status.{status}')}: {n_by_status[status]}"
        for status in STATUSES
        if n_by_status[status]
    )
    n = len(lines.frame)
    texts = [say(language, "cli.said.plan_read", file=path.name, n=n, counts=counts)]
    notices = lines.notices if isinstance(lines, PlanOfFile) else ()
    return [(text, None) for text in [*texts, *(notice.text(language) for notice in notices)]]


def describe_cut_exports(survey: Survey, language: Language) -> list[tuple[str, None]]:
    """Name the exports of records that programs may have cut; the records are read for it."""
    records = figures_of(survey).records
    if records is None:
        return []
    ledger = records.source.records.ledger
    cut = ledger[ledger["reason"] == "records_cap"]
    pairs = zip(cut["file"], cut["found"], strict=True)
    names = "; ".join(f"{shorten(str(file))} ({n})" for file, n in pairs)
    return [(say(language, "cli.said.records_cut", names=names), None)] if names else []


def list_exports(wave: Wave) -> list[tuple[str, Path, RecordFile]]:
    """Return kind, path and entry of each file of records that a wave names."""
    return [*wave.records.list_files(wave.path.parent)] if wave.records else []


def list_unread_files(wave: Wave) -> list[str]:
    """Return the names of files in the folders of the forms that the wave names nowhere."""
    sources = {path for path, _ in wave.list_sources()}
    known = {path.resolve() for path in wave.list_files()}
    text = decode_yaml(wave.path.read_bytes(), wave.path.name) if wave.path.is_file() else ""
    return [
        path.name
        for path in expand_files(sorted({path.parent for path in sources}))
        if path.suffix.lower() in ANSWER_ENDINGS
        and path.resolve() not in known
        and not any(path.name in line for line in text.splitlines() if not line.startswith("#"))
    ]


def list_files_like_plans(wave: Wave) -> list[str]:
    """Return the names of files beside the wave that are named like a plan and are not read."""
    known = {path.resolve() for path in [*wave.list_files(), *wave.judged_plan_paths]}
    return [
        path.name
        for path in expand_files([wave.path.parent])
        if plain_text(path.stem).startswith(("plan", "ke hoach"))
        and path.suffix.lower() in ANSWER_ENDINGS
        and path.resolve() not in known
        and not (wave.plan_path and path.name in PLAN_FILES)
    ]


def list_blank_facts(wave: Wave) -> list[str]:
    """Return the keys of facts on a title page that are empty, or as they were drafted."""
    blank = [
        key
        for key in ("province", "publisher")
        if not any(getattr(wave, key).text(language) for language in LANGUAGES)
    ]
    blank += ["title"] if {wave.title.vi, wave.title.en} <= {*DRAFTED_TITLES, ""} else []
    return blank + (["decision.date"] if wave.decision and not wave.decision.date else [])


def list_unnamed_plans(wave: Wave) -> list[str]:
    """Return paths of plans beside earlier waves that the wave does not judge.

    The paths are as ``plan:`` has them, with those that it names already.
    """
    plans = list_plans(wave.path.parent, wave.earlier)
    known = {path.resolve() for path in wave.judged_plan_paths}
    unnamed = [path for path in plans if wave.path_of(path).resolve() not in known]
    return [*wave.plan, *unnamed] if unnamed else []


def list_content_units(survey: Survey) -> list[str]:
    """Return the units of enough forms, all satisfied with everything, that no rule flags (Q5)."""
    findings, min_forms = figures_of(survey).quality, survey.instrument.index.min_forms
    rows = findings.frame[findings.frame["fact"].eq("satisfied") & ~findings.frame["finding"]]
    content = {*rows.loc[rows["n"] >= min_forms, "unit"]} - findings.flagged_units
    return [unit for unit in survey.units["code"] if unit in content]
