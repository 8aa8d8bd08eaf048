"""Lines of a plan and verdicts on them as records, and the words that chapters print of them."""

import re

from sipas_analysis.documents.model import Text, Value, make_text, render_text
from sipas_analysis.figures.plan_records import Judged, PlanLine
from sipas_analysis.improve.actions import Measure, MeasureIndicator
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, say
from sipas_analysis.reports.chapters.trend import explain_break
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

Name = Value | Bilingual | str
FINISHED = ("done", "dropped")
MOST_LETTERS, LEAST_LETTERS = 90, 25  # of a task that a sentence names, cut at a comma
MOST_WITHOUT_COMMA = 140
ASKED = ("plan.task.all", "plan.task.unit")  # tasks that a draft writes where no measure fits
PLAN_REASONS = {  # others are why two years may not be compared
    *("dropped", "not_survey", "no_baseline", "not_started", "due"),
    *("few_others", "flagged", "shared", "whole_province"),
}


def list_lines(subject: Subject) -> list[PlanLine]:
    """Return what a subject is to do by the coming plan; of a survey's only unit what all do.

    A line that was dropped is in the annexes only.
    """
    kept = [line for line in subject.figures.plan.records if line.status != "dropped"]
    lines = sorted(kept, key=lambda line: line.status == "proposed")  # after what is decided
    own = [line for line in lines if line.unit == subject.unit]
    return lines if not own and len(subject.figures.ranking) == 1 else own


def list_own(subject: Subject) -> list[Judged]:
    """Return what this wave says of the lines of a subject; of all units the measures first."""
    latest = subject.figures.survey.wave.id
    is_single = bool(subject.unit) and len(subject.figures.ranking) == 1
    units = {subject.unit, ""} if is_single else {subject.unit}
    own = [row for row in subject.figures.judged if row.after == latest and row.unit in units]
    own = [row for row in own if row.kind == "line" or not subject.unit]
    return sorted(own, key=lambda row: row.kind != "measure")


def list_years(subject: Subject) -> dict[str, int]:
    """Return the year of this wave and of each earlier one, by id."""
    waves = [figures.survey.wave for figures in (*subject.figures.earlier, subject.figures)]
    return {wave.id: wave.year for wave in waves}


def find_wave(subject: Subject, wave_id: str) -> Subject:
    """Return an earlier wave, or this one, as a subject of its own."""
    waves = (*subject.figures.earlier, subject.figures)
    return Subject(next(figures for figures in waves if figures.survey.wave.id == wave_id))


def is_overdue(subject: Subject, row: Judged) -> bool:
    """Return whether a line was to be done before the survey that judges it, and is not."""
    start = find_wave(subject, row.after).figures.survey.wave.first_day
    return bool(row.due and start and row.due < start and row.status not in FINISHED)


# ── measures and names


def find_measure(subject: Subject, line: PlanLine | Judged) -> Measure | None:
    """Return the measure of a line from the library or the province's own; None of own words."""
    return subject.figures.library.measures.get(line.measure)


def is_of_library(subject: Subject, line: PlanLine) -> bool:
    """Return whether a line has a measure in the words of the library."""
    measure = find_measure(subject, line)
    return measure is not None and line.task in ("", measure.vi, measure.en)


def find_indicator(subject: Subject, indicator_id: str) -> MeasureIndicator | None:
    """Return an indicator by its id; None if no measure has it."""
    measures = subject.figures.library.measures.values()
    indicators = (indicator for measure in measures for indicator in measure.indicators)
    return next((each for each in indicators if each.id == indicator_id), None)


def name_task(subject: Subject, line: PlanLine | Judged) -> Name:
    """Return what is to be done, in both languages unless officers worded it."""
    measure = find_measure(subject, line)
    if measure and line.task in ("", measure.vi, measure.en):
        return Bilingual(vi=measure.vi, en=measure.en)
    asked = find_request(line)
    return make_text(asked) if asked else line.task


def find_request(line: PlanLine | Judged) -> str:
    """Return the message of a task that a draft writes where no measure fits; else nothing."""
    asked = (name for name in ASKED for tongue in LANGUAGES if say(tongue, name) == line.task)
    return next(asked, "")


def shorten_name(name: Name) -> Bilingual:
    """Return a name for a sentence in each language: of a long one its first clauses."""
    texts = {language: render_text(name, language) for language in LANGUAGES}
    return Bilingual(**{language: _cut(text) for language, text in texts.items()})


def _cut(text: str) -> str:
    """Cut a long text before a comma or semicolon; between words only if it is very long."""
    if len(text) <= MOST_LETTERS:
        return text
    clauses = re.match(rf"(.{{{LEAST_LETTERS},{MOST_LETTERS}}})[,;:] ", text)
    if clauses:
        return clauses[1] + "…"
    is_cut = len(text) > MOST_WITHOUT_COMMA
    return re.sub(r"\s+\S*$", "", text[:MOST_WITHOUT_COMMA]) + "…" if is_cut else text


def name_verdict(row: Judged) -> Text:
    """Return the words of a verdict, with the reason where it cannot be told or is too early."""
    word, reason = make_text(f"judged.{row.verdict}"), row.reason
    if not reason:
        return word
    why = make_text(f"judged.why.{reason}") if reason in PLAN_REASONS else explain_break(reason)
    return make_text("judged.with_reason", verdict=word, why=why)


def name_owner(subject: Subject, line: PlanLine) -> Name:
    """Return who is in charge, in both languages unless officers named the post."""
    measure, publisher = find_measure(subject, line), subject.figures.survey.wave.publisher
    chair = subject.figures.library.chair
    for name in (publisher, chair, *([measure.owner] if measure else [])):
        if line.owner and line.owner in (name.vi, name.en):
            return name
    return line.owner


def name_followed(subject: Subject, item: str) -> Name:
    """Name the item, factor or index whose figure a line follows."""
    if item == OVERALL:
        return make_text("leaders.overall")
    if not item or item in subject.pack.factors:
        return subject.short_name(item) if item else ""
    return subject.item_name(item, is_marked=False)


def name_row(subject: Subject, row: Judged) -> Text:
    """Name what was done and the code of the item that it was for, and who did it.

    The report on all units names the unit of a line, or says that it is of all, or of how many
    units a measure is compared. A line of a unit that was merged has the name of that unit.
    """
    wave = find_wave(subject, row.before)
    followed = row.item if row.item in wave.pack.items else name_followed(wave, row.item)
    task = shorten_name(name_task(wave, row))
    form = "item" if row.item else "plain"
    name = make_text(f"last_measures.name.{form}", task=task, item=followed)
    if row.kind == "measure":
        n = number_of(subject, f"verdict.units:{row.key}")
        return make_text("last_measures.name.of_measure", name=name, n=n)
    if not row.unit:
        return make_text("last_measures.name.of_all", name=name)
    if row.unit != row.unit_then:
        unit = wave.unit_name(row.unit_then)
        name = make_text("last_measures.name.merged", name=name, unit=unit)
    if row.unit == subject.unit:
        return name
    return make_text("last_measures.name.of_unit", unit=subject.marked_name(row.unit), name=name)
