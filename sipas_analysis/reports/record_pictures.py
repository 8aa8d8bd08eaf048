"""Build the pictures of the records: the way of dossiers, and people's view beside the record.

Each function returns None where there is nothing to draw (rules T3 and T5).
"""

from collections.abc import Sequence

from sipas_analysis.documents.chart_flow import FlowStep, FlowWay, draw_flow
from sipas_analysis.documents.chart_intervals import IntervalRow, draw_intervals
from sipas_analysis.documents.model import Column, Joined, Picture, Table, Text, make_text
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.figures.record_rows import RecordRow
from sipas_analysis.messages import Language, format_number
from sipas_analysis.reports.figure_tables import interval_cell, percent_cell
from sipas_analysis.reports.record_cells import print_number, tabulate_rows
from sipas_analysis.reports.subject import Subject

MOST_STEPS = 10  # boxes of the flow chart: those that most dossiers passed
MOST_UNITS = 8  # of more units those with the lowest share on time by the record
ON_TIME, SHARE = "on_time_percent", "share_of_limit_percent"
OF_STEP = ("dossiers", "median_hours", "p90_hours", "wait_hours", "loops", SHARE)  # of the table
Compared = tuple[str, PublishedFigure, RecordRow]  # unit, its figure of the item, its record


def draw_flow_picture(subject: Subject) -> Picture | None:
    """Draw the steps that dossiers pass, with the time in each; the slowest is marked."""
    rows, ways = _list_steps(subject)
    if len(rows) < 2:
        return None
    shares = {row.key: row.value_of(SHARE) for row in rows if row.has(SHARE)}
    slowest = max(shares, key=shares.__getitem__, default="")
    texts = {row.key: _tell_times(subject, row) for row in rows}

    def draw(language: Language, narrow: bool = False) -> bytes:
        steps = [
            FlowStep(
                row.label,
                tuple(text.text(language) for text in texts[row.key]),
                make_text("records.slowest").text(language) if row.key == slowest else "",
            )
            for row in rows
        ]
        drawn = [FlowWay(*ends, n, format_number(n, language)) for ends, n in ways.items()]
        key = make_text("chart.key.flow").text(language)
        return draw_flow(steps, drawn, key, narrow=narrow)

    told = [
        make_text("records.alt.step", name=row.label, texts=Joined(texts[row.key])) for row in rows
    ]
    alt = make_text("records.alt.flow", n=len(rows), rows=Joined(told))
    caption = make_text("records.table.steps")
    table = tabulate_rows(subject, rows, OF_STEP, table_id="table-steps", caption=caption)
    return Picture("figure-flow", make_text("records.figure.flow"), alt, draw, table)


def _list_steps(subject: Subject) -> tuple[list[RecordRow], dict[tuple[int, int], int]]:
    """Return the steps that most dossiers pass, in their order, and the ways between them.

    A way is a pair of positions with its number of dossiers. A step without a way, or of which no
    time is told, is left out.
    """
    records = subject.figures.records
    listed = records.rows_of("steps", "way") if records else []
    ends = {name for row in listed for name in (row.label, row.section)}
    rows = [
        row
        for row in (records.rows_of("steps", "step") if records else [])
        if row.label in ends and _tell_times(subject, row)
    ]
    by_number = sorted(rows, key=lambda row: -row.value_of("dossiers"))
    most_passed = {row.key for row in by_number[:MOST_STEPS]}
    rows = [row for row in rows if row.key in most_passed]
    places = {row.label: place for place, row in enumerate(rows)}
    ways = {
        (places[row.label], places[row.section]): round(row.value_of("dossiers"))
        for row in listed
        if {row.label, row.section} <= {*places}
    }
    return rows, ways


def _tell_times(subject: Subject, row: RecordRow) -> list[Text]:
    """State the hours of half of the stays in a step and of the slowest tenth, or of its pauses."""
    names = ("median_hours", "p90_hours", "pause_hours")
    half, slow, pause = (print_number(subject, row, name) for name in names)
    if row.has("median_hours"):
        return [make_text("records.box.work", half=half, slow=slow)]
    return [make_text("records.box.pause", hours=pause)] if row.has("pause_hours") else []


def list_compared(subject: Subject) -> list[Compared]:
    """Return the units with both a figure of the item on time and a record, lowest record first.

    None where answers have points: an average score is no share.
    """
    records, item = subject.figures.records, subject.pack.on_time_item
    if records is None or not item or subject.pack.index.points:
        return []
    rows = [row for row in records.rows_of("timeliness", "unit") if row.unit and row.has(ON_TIME)]
    compared = [
        (row.unit, figures[item], row)
        for row in rows
        for figures in [subject.figures.by_variable("unit", row.unit)]
        if item in figures and figures[item].is_known
    ]
    return sorted(compared, key=lambda pair: pair[2].value_of(ON_TIME))


def draw_views_picture(subject: Subject) -> Picture | None:
    """Draw for each unit how many people are satisfied with the time, and how many were on time."""
    compared = list_compared(subject)
    shown = compared[:MOST_UNITS]
    if len(shown) < 2:
        return None

    def draw(language: Language, narrow: bool = False) -> bytes:
        rows = [
            IntervalRow(
                subject.marked_name(unit).text(language),
                figure.value,
                figure.low,
                figure.high,
                beside=row.value_of(ON_TIME),
            )
            for unit, figure, row in shown
        ]
        key = make_text("chart.key.record").text(language)
        axis = make_text("chart.axis.views").text(language)
        return draw_intervals(rows, language, axis, narrow=narrow, key=key)

    table = _tabulate_views(subject, shown)
    told = [
        make_text("records.alt.view", name=name, people=people, record=record)
        for name, people, _, record, _ in table.rows
    ]
    word = "some" if len(compared) > len(shown) else "all"
    caption = make_text(
        f"records.figure.views.{word}", item=subject.pack.on_time_item, n=len(shown)
    )
    return Picture(
        "figure-views", caption, make_text("records.alt.views", rows=Joined(told)), draw, table
    )


def _tabulate_views(subject: Subject, shown: Sequence[Compared]) -> Table:
    """List people's view and the record by unit."""
    rows = tuple(
        (
            subject.marked_name(unit),
            percent_cell(figure),
            interval_cell(figure),
            print_number(subject, row, ON_TIME),
            print_number(subject, row, "done"),
        )
        for unit, figure, row in shown
    )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        Column(make_text("records.column.people")),
        Column(make_text("report.column.interval")),
        Column(make_text("records.column.on_time_percent")),
        Column(make_text("records.column.done")),
    )
    return Table("table-views", make_text("records.table.views"), columns, rows)
