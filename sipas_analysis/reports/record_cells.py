"""Tables of an office's records: which columns are printed, their heads, and the cells of a row."""

from collections.abc import Iterable, Sequence

from sipas_analysis.documents.model import Column, Table, Text, make_text
from sipas_analysis.figures.record_rows import OTHER, PREFIXES, RecordRow
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

FORM = (  # columns of form II.06a, in its order
    *("received", "received_online", "received_direct", "carried_over"),
    *("done", "early", "on_time", "late", "running", "in_time", "overdue"),
)
SHARES = (
    *("official_percent", "on_time_percent", "gap_points", "gap_waiting", "gap_withdrawn"),
    *("waiting", "withdrawn", "kept_percent"),
)
APART = ("stopped", "no_limit", "refused", "not_started", "contradictory")
DAYS = ("median_days_late", "median_limit_used_percent")
PRINTED = {  # columns that are printed of each table, in their order
    "timeliness": (*FORM, *SHARES, *APART, *DAYS),
    "steps": (
        *("n", "dossiers", "median_hours", "p90_hours", "share_of_limit_percent"),
        "limit_here_percent",
        *("wait_hours", "loops", "loop_percent", "pauses", "pause_hours", "running"),
    ),
    "channels": (
        *("received", "online_percent", "online_offered_percent", "online_partial_percent"),
        *("online_full_percent", "post_intake_percent", "post_return_percent", "mapped_percent"),
    ),
    "petitions": (
        *("n", "received", "carried_over", "answered", "on_time", "late", "open", "in_time"),
        *("overdue", "without_due", "on_time_percent", "reopened", "reopened_percent"),
        *("sent_to_several", "backlog_median_days", "backlog_oldest_days", "contradictory"),
    ),
    "aside": ("n",),
}
WITH_INTERVAL = ("on_time_percent",)  # of the timeliness of dossiers


def list_printed(rows: Iterable[RecordRow], name: str) -> list[str]:
    """Return the columns of a table that are printed: those in which some row has a number."""
    listed = [*rows]
    return [column for column in PRINTED[name] if any(row.has(column) for row in listed)]


def tabulate_rows(
    subject: Subject,
    rows: Sequence[RecordRow],
    columns: Sequence[str],
    *,
    table_id: str,
    caption: Text,
    heads: Sequence[Column] = (),
    notes: tuple[Text, ...] = (),
) -> Table:
    """Return rows of a table of records with the heads of their columns.

    Args:
        subject: Subject of the report.
        rows: Rows of one table.
        columns: Columns to print.
        table_id: Id of the printed table.
        caption: Its caption.
        heads: Columns that name a row; a single one with the name of the row if left out.
        notes: Notes below.
    """
    names = heads or (Column(make_text("report.column.unit"), "row"),)
    cells = tuple(
        (*name_row(subject, row)[: len(names)], *(print_number(subject, row, c) for c in columns))
        for row in rows
    )
    table = rows[0].table if rows else "timeliness"
    return Table(table_id, caption, (*names, *name_columns(table, columns)), cells, notes)


def name_columns(table: str, columns: Sequence[str]) -> list[Column]:
    """Return the heads of columns of numbers."""
    return [Column(name_column(table, column)) for column in columns]


def name_column(table: str, column: str) -> Text | Bilingual:
    """Return the head of a column of numbers: of a share of channels from the list of shares."""
    if table == "channels":
        from sipas_analysis.records.channels import read_channel_rules

        share = read_channel_rules().shares.get(column.removesuffix("_percent"))
        if share is not None:
            return make_text("record.percent", share=share)
    return make_text(f"record.column.{PREFIXES[table]}{column}")


def name_row(subject: Subject, row: RecordRow) -> tuple[object, object]:
    """Return what a row is about: a unit, a group, a field, a step; and its section or unit."""
    place: object = row.section
    if row.unit:
        place = subject.unit_name(row.unit)
    if row.domain == "all":
        return make_text("report.level.province"), ""
    if row.domain == "group":
        return subject.group_name(row.group), ""
    if row.domain == "unit" and row.unit:
        return place, subject.group_name(row.group) if row.group else ""
    if row.domain == "unit" or row.label == OTHER:
        return make_text("record.other"), subject.group_name(row.group) if row.group else ""
    return row.label or make_text("record.unnamed"), place


def print_number(subject: Subject, row: RecordRow, column: str) -> object:
    """Return a number of a row as it is printed; a dash where it is hidden."""
    return number_of(subject, row.find_id(column), decimals=find_decimals(column))


def find_decimals(column: str) -> int:
    """Return the digits after the point of a column: two of shares, one of hours and days."""
    if column.endswith("_percent") or column.startswith("gap_"):
        return 2
    return 1 if column.endswith(("_hours", "_days", "_late")) else 0
