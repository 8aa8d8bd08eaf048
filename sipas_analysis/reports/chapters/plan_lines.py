"""Lines of a plan and verdicts on them as records, and the words that chapters print of them."""

import math
import re
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import pandas as pd

from sipas_analysis.documents.model import Text, Value, make_text, render_text
from sipas_analysis.improve.actions import Measure, MeasureIndicator, read_library
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.messages import LANGUAGES, say
from sipas_analysis.reports.subject import Subject

Name = Value | Bilingual | str
FINISHED = ("done", "dropped")
MAY_LACK = ("due", "is_met", "first_met")  # None where there is none
MOST_LETTERS = 70  # of a task that a sentence names
ASKED = ("plan.task.all", "plan.task.unit")  # tasks that a draft writes where no measure fits


@dataclass(frozen=True)
class PlanLine:
    """A line of the coming plan, as it may be published; see ``sipas.plan``."""

    id: str
    unit: str
    item: str
    measure: str
    task: str
    indicator: str
    baseline: float
    target: float
    detectable: float
    owner: str
    due: date | None
    status: str
    note: str

    @property
    def is_visible(self) -> bool:
        """Whether the next survey could show a rise from the baseline to the target."""
        return not self.target - self.baseline < self.detectable - 1e-9

    @property
    def is_undecided(self) -> bool:
        """Whether the forms do not show that the item is a weak one."""
        return "undecided" in self.note.split()


@dataclass(frozen=True)
class Judged:
    """A verdict on a line of an earlier plan, or on a measure of several units (rule G4)."""

    key: str
    kind: str
    before: str
    after: str
    id: str
    unit: str
    item: str
    measure: str
    task: str
    value: float
    verdict: str
    reason: str
    is_met: bool | None
    first_met: int | None
    due: date | None
    status: str
    year: int

    @property
    def is_compared(self) -> bool:
        """Whether the change could be set beside the change expected without the measure."""
        return not math.isnan(self.value)


def list_all_lines(subject: Subject) -> list[PlanLine]:
    """Return every line of the coming plan."""
    return [PlanLine(*cells) for cells in _list_cells(subject.figures.plan.frame, PlanLine)]


def list_lines(subject: Subject) -> list[PlanLine]:
    """Return the lines of a subject in the coming plan; of a survey's only unit those of all."""
    lines = list_all_lines(subject)
    own = [line for line in lines if line.unit == subject.unit]
    return lines if not own and len(subject.figures.ranking) == 1 else own


def list_judged(subject: Subject) -> list[Judged]:
    """Return the verdicts on earlier plans by every later wave, latest plan and wave first."""
    verdicts = subject.figures.verdicts
    if verdicts is None:
        return []
    judged = [Judged(*cells) for cells in _list_cells(verdicts, Judged)]
    years = list_years(subject)
    return sorted(judged, key=lambda row: (-years[row.before], -row.year))


def list_own(subject: Subject) -> list[Judged]:
    """Return what this wave says of the lines of a subject; of all units the measures first."""
    latest = subject.figures.survey.wave.id
    is_single = bool(subject.unit) and len(subject.figures.ranking) == 1
    units = {subject.unit, ""} if is_single else {subject.unit}
    own = [row for row in list_judged(subject) if row.after == latest and row.unit in units]
    own = [row for row in own if row.kind == "line" or not subject.unit]
    return sorted(own, key=lambda row: row.kind != "measure")


def _list_cells(frame: pd.DataFrame, record: type[PlanLine | Judged]) -> list[list[Any]]:
    """Return the cells of each record."""
    names = [column.name for column in fields(record)]
    columns = [
        [None if name in MAY_LACK and pd.isna(cell) else cell for cell in frame[name]]
        for name in names
    ]
    return [list(cells) for cells in zip(*columns, strict=True)]


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
    return read_library(subject.figures.survey.wave).measures.get(line.measure)


def find_indicator(subject: Subject, indicator_id: str) -> MeasureIndicator | None:
    """Return an indicator by its id; None if no measure has it."""
    measures = read_library(subject.figures.survey.wave).measures.values()
    indicators = (indicator for measure in measures for indicator in measure.indicators)
    return next((each for each in indicators if each.id == indicator_id), None)


def name_task(subject: Subject, line: PlanLine | Judged) -> Name:
    """Return what is to be done, in both languages unless officers worded it."""
    measure = find_measure(subject, line)
    if measure and line.task in ("", measure.vi, measure.en):
        return Bilingual(vi=measure.vi, en=measure.en)
    asked = (name for name in ASKED for tongue in LANGUAGES if say(tongue, name) == line.task)
    return next((make_text(name) for name in asked), line.task)


def shorten_name(name: Name) -> Bilingual:
    """Return a name of about a line in each language, cut between words, for a sentence."""
    texts = {language: render_text(name, language) for language in LANGUAGES}
    return Bilingual(**{language: _cut(text) for language, text in texts.items()})


def _cut(text: str) -> str:
    if len(text) <= MOST_LETTERS:
        return text
    return re.sub(r"[\s,;:(]+\S{0,20}$", "", text[:MOST_LETTERS]) + "…"


def name_owner(subject: Subject, line: PlanLine) -> Name:
    """Return who is in charge, in both languages unless officers named the post."""
    measure, publisher = find_measure(subject, line), subject.figures.survey.wave.publisher
    for name in (publisher, *([measure.owner] if measure else [])):
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
    """Name what was done and the code of the item that it was for.

    A line of a unit in the report on all units has the name of the unit.
    """
    wave = find_wave(subject, row.before)
    followed = row.item if row.item in wave.pack.items else name_followed(wave, row.item)
    task = shorten_name(name_task(wave, row))
    form = "item" if row.item else "plain"
    name = make_text(f"last_measures.name.{form}", task=task, item=followed)
    if row.unit in ("", subject.unit) or row.kind == "measure":
        return name
    return make_text("last_measures.name.of_unit", unit=subject.marked_name(row.unit), name=name)
