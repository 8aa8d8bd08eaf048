"""Choose the rows of the page of a wave: the whole, its groups and each unit, with their figures.

What the figures hide stays hidden (rule P2): such a row has no bar and nothing to sort by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from pathlib import Path

import numpy as np

from sipas_analysis.collect.units import list_groups
from sipas_analysis.documents.model import Interval, Number, Text, make_text
from sipas_analysis.figures.plan_records import name_kind
from sipas_analysis.figures.published import Figures, PublishedFigure
from sipas_analysis.figures.record_rows import ALL
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.ranking import print_rank_range
from sipas_analysis.reports.figure_tables import (
    change_cells,
    change_columns,
    estimate_cells,
    explain_no_rank,
    find_change,
    interval_cell,
    number_cell,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.portal_files import Link, ReportOutcome, list_links
from sipas_analysis.reports.record_cells import print_number
from sipas_analysis.reports.subject import Subject, list_marked_names

ON_TIME = "on_time_percent"  # of dossiers, in the table of timeliness
WIDTH, EDGE = 168, 6  # pixels: width of a bar, and the margin at each side


@dataclass(frozen=True)
class Axis:
    """The axis of all bars: its lowest and highest value, and the targets of the wave."""

    low: float
    high: float
    targets: tuple[float, ...]

    def pixels_of(self, value: float) -> str:
        """Return the place of a value on the axis, in pixels."""
        share = (value - self.low) / (self.high - self.low)
        return f"{EDGE + share * (WIDTH - 2 * EDGE):.1f}"

    @property
    def ticks(self) -> tuple[float, ...]:
        """Ends and middle."""
        return (self.low, (self.low + self.high) / 2, self.high)


@dataclass(frozen=True)
class PortalRow:
    """One row of the page: a unit, a group or the whole.

    Attributes:
        mark: Says that the forms of the unit are in doubt.
        change: Last year's index, the change and whether it is sure; empty without a last year.
        plan: How many lines of the plan, and verdicts on earlier plans, the unit has.
        record: Percentage of dossiers on time by the record; None where there is none.
    """

    code: str
    name: object
    figure: PublishedFigure
    group: object = ""
    group_position: int = 0
    reason: object = ""
    mark: Text | None = None
    n_units: Number | None = None
    links: tuple[Link, ...] = ()
    change: tuple[object, ...] = ()
    plan: tuple[Text, ...] = ()
    record: object = None

    @property
    def index(self) -> object:
        """The index as it may be printed."""
        return estimate_cells(self.figure)[0]

    @property
    def interval(self) -> Interval:
        """The interval of the index."""
        return interval_cell(self.figure)

    @property
    def rank_range(self) -> object:
        """The lowest and highest possible rank of a ranked unit."""
        return print_rank_range(self.figure)

    @property
    def rank(self) -> Number:
        """The rank itself."""
        return number_cell(self.figure, "rank")

    @property
    def forms(self) -> Number:
        """The number of forms."""
        return number_cell(self.figure, "n")

    @property
    def pages(self) -> tuple[Link, ...]:
        """The report as a page of the browser, language by language."""
        return tuple(link for link in self.links if link.file_format == "html")

    @property
    def sort_key(self) -> str:
        """The unrounded index to sort by; empty if there is none."""
        return f"{self.figure.value:.10g}" if self.figure.is_known else ""

    @property
    def has_bar(self) -> bool:
        """Whether point and interval can be drawn."""
        return self.figure.is_known and self.figure.low <= self.figure.high


def list_whole_rows(subject: Subject) -> list[PortalRow]:
    """Return the rows of the province and of its groups; a single group is the whole."""
    figures = subject.figures
    wave = figures.survey.wave
    province = make_text("portal.all")
    if wave.province.vi or wave.province.en:
        province = make_text("portal.province", province=wave.province)
    index = figures.by_variable("all")[OVERALL]
    change = _list_change(subject, index)
    n_units = number_of(subject, "units:with_forms")
    record = _find_record(subject, ALL)
    rows = [PortalRow("", province, index, n_units=n_units, change=change, record=record)]
    for group in figures.groups if len(figures.groups) > 1 else ():
        n_units = number_of(subject, f"units:{group}")
        index, name = figures.by_variable("group", group)[OVERALL], list_groups(wave)[group]
        change = _list_change(subject, index)
        record = _find_record(subject, f"group:{group}")
        row = PortalRow(f"group-{group}", name, index, n_units=n_units, change=change)
        rows.append(replace(row, record=record))
    return rows


def list_unit_rows(
    subject: Subject, outcomes: Sequence[ReportOutcome], folder: Path
) -> list[PortalRow]:
    """Return the rows of the units, group by group, best first."""
    figures = subject.figures
    names, groups = list_marked_names(figures), list_groups(figures.survey.wave)
    marks = figures.marks
    return [
        PortalRow(
            figure.unit,
            names[figure.unit],
            figure,
            groups[group],
            position,
            "" if figure.rank is not None else explain_no_rank(subject, figure),
            make_text(f"portal.mark.{marks[figure.unit]}") if figure.unit in marks else None,
            links=list_links(outcomes, figure.unit, folder),
            change=_list_change(subject, figure),
            plan=tuple(_count_lines(subject, figure.unit)),
            record=_find_record(subject, figure.unit),
        )
        for position, group in enumerate(figures.groups)
        for figure in figures.units_in_order(group)
    ]


def _count_lines(subject: Subject, unit: str) -> Iterator[Text]:
    """Yield how many lines of the coming plan, and of verdicts on earlier ones, a unit has."""
    own = (line for line in subject.figures.plan.records if line.unit == unit)
    for kind, name in (("plan", name_kind(own)), ("verdict", "verdicts")):
        figure_id = f"{kind}.lines:all@{unit}"
        if subject.figures.find(figure_id):
            yield make_text(f"portal.plan.{name}", n=number_of(subject, figure_id))


def name_record(subject: Subject) -> Text | None:
    """Return the head of the share of dossiers on time; None for a wave without records."""
    records = subject.figures.records
    rows = records.rows_of("timeliness") if records else []
    return make_text("portal.record") if rows else None


def _find_record(subject: Subject, key: str) -> object:
    """Return the share of dossiers of a place that were done on time; None where hidden."""
    records = subject.figures.records
    row = records.row_of("timeliness", key) if records else None
    return print_number(subject, row, ON_TIME) if row else None


def list_change_heads(subject: Subject, rows: Sequence[PortalRow]) -> tuple[object, ...]:
    """Return the heads of last year's index and of its change; none where no row has them."""
    columns = change_columns(subject, [row.figure for row in rows])
    return tuple(column.label for column in columns[:2])


def _list_change(subject: Subject, figure: PublishedFigure) -> tuple[object, ...]:
    """Return last year's index, the change and whether it is sure; nothing if not comparable."""
    change = find_change(subject, figure)
    if not change.is_known:
        return ()
    return (*change_cells(subject, figure)[:2], make_text(f"portal.change.{change.verdict}"))


def span_axis(figures: Figures) -> Axis:
    """Span all intervals that may be shown, to the next tens."""
    scores = figures.scores
    ends = scores.loc[scores["variable"] == OVERALL, ["low", "high"]].to_numpy(dtype=float)
    known_ends = ends[~np.isnan(ends)].tolist() or [0.0, 100.0]
    low, high = 10.0 * floor(min(known_ends) / 10), 10.0 * ceil(max(known_ends) / 10)
    high = max(high, low + 10)
    targets = [target for target in figures.survey.wave.targets if low <= target <= high]
    return Axis(low, high, tuple(sorted(targets)))
