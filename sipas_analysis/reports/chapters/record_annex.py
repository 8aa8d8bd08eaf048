"""The annex on the office's own records: every unit, step, channel, petition, and what is apart.

It ends with what was set aside and why, and with the rules and calendars that have no source yet.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sipas_analysis.documents.model import Block, Column, Paragraph, Table, make_text
from sipas_analysis.reports.record_cells import (
    FORM,
    PLACES,
    PRINTED,
    SHARES,
    list_printed,
    tabulate_rows,
)
from sipas_analysis.reports.subject import Subject

STEPS = (
    *("n", "median_hours", "p90_hours", "share_of_limit_percent", "wait_hours", "loops"),
    *("pauses", "pause_hours"),
)
SECTIONS = ("n", "median_hours", "p90_hours", "limit_here_percent", "wait_hours", "loops")
SLOW = ("dossiers", "limit_here_percent", "others_percent", "least_points")
CHANNELS = (
    *("received", "online_percent", "online_partial_percent", "online_full_percent"),
    *("post_intake_percent", "post_return_percent"),
)
PETITIONS = (
    *("n", "answered", "late", "open", "overdue", "on_time_percent", "reopened"),
    "sent_to_several",
)
PUBLICATION = (
    *("procedures", "published", "late", "place_percent", "form_percent", "content_percent"),
    "most_days_late",
)


class _Listed(NamedTuple):
    """A printed table: of which rows and columns of which table of records."""

    caption: str
    table: str
    domains: tuple[str, ...]
    columns: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()  # columns of which a row must have one, and not as 0


LISTED = (
    _Listed("timeliness.unit", "timeliness", PLACES, FORM),
    _Listed("shares", "timeliness", PLACES, SHARES),
    _Listed("timeliness.field", "timeliness", ("field",), FORM),
    _Listed("steps.step", "steps", ("step",), STEPS, ("n", "pauses")),
    _Listed("steps.section", "steps", ("section",), SECTIONS, ("n",)),
    _Listed("steps.slow", "steps", ("unit_section",), SLOW, ("least_points",)),
    _Listed("channels.unit", "channels", PLACES, CHANNELS),
    _Listed("channels.field", "channels", ("field",), CHANNELS),
    _Listed("petitions.unit", "petitions", PLACES, PETITIONS),
    _Listed("petitions.channel", "petitions", ("channel",), PETITIONS),
    _Listed("petitions.officials", "petitions", ("officials",), PETITIONS),
    _Listed("publication.unit", "publication", PLACES, PUBLICATION),
    _Listed("coverage.groups", "coverage", ("groups",)),
    _Listed("facts.factor", "facts", ("factor",)),
    _Listed("facts.fact", "facts", ("fact",)),
    _Listed("form.break", "form", ("break",)),
    _Listed("form.difference", "form", ("difference",)),
    _Listed("aside.reason", "aside", ("reason",)),
)


def show_records(subject: Subject) -> list[Block]:
    """List the records of all units, of steps, channels, petitions; then what was set aside."""
    tables = [table for listed in LISTED for table in _list_rows(subject, listed)]
    return [*tables, *_list_rules(subject)]


def _list_rows(subject: Subject, listed: _Listed) -> Iterator[Table]:
    """Yield the table, if there are rows with numbers."""
    records = subject.figures.records
    rows = [
        row
        for row in (records.rows_of(listed.table) if records else [])
        if row.domain in listed.domains
        if not listed.needed or any(row.value_of(name) > 0 for name in listed.needed)
    ]
    wanted = listed.columns or PRINTED[listed.table]
    columns = [column for column in list_printed(rows, listed.table) if column in wanted]
    if columns:
        caption = make_text(f"record.table.{listed.caption}")
        table_id = f"table-records-{listed.caption.replace('.', '-')}"
        yield tabulate_rows(subject, rows, columns, table_id=table_id, caption=caption)


def _list_rules(subject: Subject) -> list[Block]:
    """List calendars and rules by their status, those without a source first."""
    records = subject.figures.records
    if records is None:
        return []
    lines = tuple(
        (
            make_text(f"record.rule.{rule.name}", **rule.fields),
            make_text(f"record.status.{rule.status}"),
            rule.source or None,
        )
        for rule in records.list_rules()
    )
    columns = (
        Column(make_text("record.head.rule"), "row"),
        Column(make_text("record.head.status"), "text"),
        Column(make_text("report.column.source"), "text"),
    )
    return [
        Paragraph(make_text("record.rules")),
        Table("table-records-rules", make_text("record.table.status"), columns, lines),
    ]
