"""Lines of a plan and verdicts on them as records, and the words that chapters print of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import pandas as pd

from sipas_analysis.documents.model import Value, make_text
from sipas_analysis.improve.actions import Measure, MeasureIndicator, read_library
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.subject import Subject

Name = Value | Bilingual | str
FINISHED = ("done", "dropped")


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
    low: float
    high: float
    target: float
    detectable: float
    n_needed: float
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
    change: float
    expected: float
    value: float
    verdict: str
    reason: str
    target: float
    is_met: bool | None
    first_met: int | None
    due: date | None
    status: str
    year: int

    @property
    def is_compared(self) -> bool:
        """Whether the change could be set beside the change expected without the measure."""
        return not math.isnan(self.value)

    @property
    def n_name(self) -> str:
        """Name of the figure of how many units took the measure."""
        return f"verdict.units:{self.key}"


def list_lines(frame: pd.DataFrame, unit: str | None = None) -> list[PlanLine]:
    """Return the lines of a plan as records; only those of a unit ("": all units) if named."""
    rows = frame if unit is None else frame[frame["unit"] == unit]
    return [PlanLine(*row) for row in _list_cells(rows, PlanLine)]


def list_judged(subject: Subject) -> list[Judged]:
    """Return the verdicts on earlier plans by every later wave, latest plan and wave first."""
    verdicts = subject.figures.verdicts
    if verdicts is None:
        return []
    judged = [Judged(*row) for row in _list_cells(verdicts, Judged)]
    years = list_years(subject)
    return sorted(judged, key=lambda row: (-years[row.before], -row.year))


def _list_cells(frame: pd.DataFrame, record: type[PlanLine | Judged]) -> Sequence[list[object]]:
    """Return the cells of a record in each row: None where a whole number, a day or yes is not."""
    columns = {
        column.name: [
            None if column.name in ("due", "is_met", "first_met") and pd.isna(cell) else cell
            for cell in frame[column.name]
        ]
        for column in fields(record)
    }
    return [list(row) for row in zip(*columns.values(), strict=True)]


def list_years(subject: Subject) -> dict[str, int]:
    """Return the year of this wave and of each earlier one, by id."""
    waves = [figures.survey.wave for figures in (*subject.figures.earlier, subject.figures)]
    return {wave.id: wave.year for wave in waves}


def find_wave(subject: Subject, wave_id: str) -> Subject:
    """Return an earlier wave, or this one, as a subject of its own."""
    waves = (*subject.figures.earlier, subject.figures)
    return Subject(next(figures for figures in waves if figures.survey.wave.id == wave_id))


# ── names


def find_measure(subject: Subject, line: PlanLine | Judged) -> Measure | None:
    """Return the measure of a line from the library or the province's own; None of own words."""
    return read_library(subject.figures.survey.wave).measures.get(line.measure)


def find_indicator(subject: Subject, indicator_id: str) -> MeasureIndicator | None:
    """Return an indicator by its id; None if no measure has it."""
    measures = read_library(subject.figures.survey.wave).measures.values()
    indicators = (indicator for measure in measures for indicator in measure.indicators)
    return next((each for each in indicators if each.id == indicator_id), None)


def name_task(subject: Subject, line: PlanLine | Judged) -> Name:
    """Return what is to be done: of a measure in both languages, unless officers reworded it."""
    measure = find_measure(subject, line)
    if measure and line.task in ("", measure.vi, measure.en):
        return Bilingual(vi=measure.vi, en=measure.en)
    return line.task


def name_followed(subject: Subject, item: str) -> Name:
    """Name the item, factor or index whose figure a line follows."""
    if item == OVERALL:
        return make_text("leaders.overall")
    if item in subject.pack.factors:
        return subject.short_name(item)
    return subject.item_name(item, is_marked=False)


def is_overdue(subject: Subject, row: Judged) -> bool:
    """Return whether a line was to be done before the survey that judges it, and is not."""
    collected = find_wave(subject, row.after).figures.survey.wave.collected
    start = collected.start or collected.end
    return bool(row.due and start and row.due < start and row.status not in FINISHED)
