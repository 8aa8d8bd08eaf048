"""Tables of an office's records: which columns are printed, their heads, and the cells of a row."""

from collections.abc import Callable, Iterable, Sequence

from sipas_analysis.documents.model import Column, Table, Text, make_text
from sipas_analysis.figures.record_rows import OTHER, PREFIXES, RecordRow
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject

FORM = (  # columns of form II.06a, in its order
    *("received", "received_online", "received_direct", "carried_over"),
    *("done", "early", "on_time", "late", "running", "in_time", "overdue"),
)
SHARES = (
    *("official_percent", "on_time_percent", "gap_points", "gap_waiting", "gap_withdrawn"),
    *("waiting", "withdrawn", "stopped", "no_limit", "kept_percent"),
)
APART = ("refused", "not_started", "contradictory")
DAYS = ("median_days_late", "median_limit_used_percent")
PRINTED = {  # columns that are printed of each table, in their order
    "timeliness": (*FORM, *SHARES, *APART, *DAYS),
    "steps": (
        *("n", "dossiers", "median_hours", "p90_hours", "share_of_limit_percent"),
        *("limit_here_percent", "others_percent", "least_points", "wait_hours", "loops"),
        *("loop_percent", "pauses", "pause_hours"),
        *("running", "position"),
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
    "publication": (
        *("procedures", "published", "not_published", "not_due", "undated", "on_time", "late"),
        *("score", "place_percent", "form_percent", "content_percent", "unchecked"),
        *("median_days_late", "most_days_late"),
    ),
    "coverage": (
        *("clients_n", "clients_percent", "forms_n", "forms_percent", "expected_percent"),
        "gap_points",
    ),
    "facts": (
        *("n", "matched", "matched_percent", "no_code", "unknown", "other_unit"),
        *("contradictory", "value_without", "value_with", "vanishes_percent", "value"),
        *("correlation", "n_units"),
    ),
    "form": ("value", "expected", "form", "counted", "difference"),
    "aside": ("n",),
}
NAMES = {  # what names a row of a domain; the name of the domain if it is not here
    "section": ("step", "section"),
    "unit_section": ("unit", "step", "section"),
    "way": ("from_step", "to_step"),
    "break": ("rule", "cell"),
    "difference": ("field", "cell"),
}
NOTES = {  # by column: what is to be said below its table
    "least_points": "slow",
    "share_of_limit_percent": "weeks",
    "expected_percent": "groups",
}
PEOPLE = ("NCC", "HN", "HCN", "HKK", "DTTS")  # the five groups of the forms
WIDEST = 100.0  # points: an interval of a percentage that tells nothing
COUNTED = {"on_time_percent"}  # of all dossiers: printed without the interval of a sample
PLACES = ("all", "group", "unit")  # domains that one table has together
ENDS = {"(start)": "record.way.start", "(end)": "record.way.end"}


def list_printed(rows: Iterable[RecordRow], name: str) -> list[str]:
    """Return the columns of a table that are printed: those in which some row has a number."""
    listed = [*rows]
    return [column for column in PRINTED[name] if any(row.has(column) for row in listed)]


def name_caption(table: str, kind: str) -> str:
    """Return the id of the caption of a table whose rows are of one kind."""
    return f"record.table.{table}.{kind}"


def tabulate_rows(
    subject: Subject,
    rows: Sequence[RecordRow],
    columns: Sequence[str],
    *,
    table_id: str,
    caption: Text,
) -> Table:
    """Return rows of one table of records and of one kind, with an interval where there is one."""
    table, domain = rows[0].table, rows[-1].domain
    heads = [
        Column(make_text(f"record.head.{name}"), "text" if number else "row")
        for number, name in enumerate(NAMES.get(domain, (domain,)))
    ]
    with_ends = {name for name in columns if any(row.has(f"{name}_low") for row in rows)}
    with_ends -= COUNTED
    for column in columns:
        heads.append(Column(name_column(table, column)))
        if column in with_ends:
            heads.append(Column(make_text("report.column.interval")))
    has_verdicts = any(row.verdict for row in rows)
    heads += [Column(make_text("report.column.verdict"), "text")] if has_verdicts else []
    lines, is_any_vague = [], False
    for row in rows:
        line = [*name_row(subject, row)]
        for column in columns:
            is_vague = _is_vague(row, column)
            is_any_vague |= is_vague
            line.append(None if is_vague else print_number(subject, row, column))
            if column in with_ends:
                decimals = 1 if column.endswith("_percent") else find_decimals(column)
                interval = interval_of(subject, row.find_id(column), decimals)
                line.append(None if is_vague else interval)
        verdict = make_text(f"record.verdict.{row.verdict}") if row.verdict else None
        lines.append((*line, verdict) if has_verdicts else (*line,))
    notes = explain_columns(table, columns)
    notes += (make_text("record.note.vague"),) if is_any_vague else ()
    is_hidden = any(not row.has(name) for row in rows if row.domain in PLACES for name in columns)
    notes += (make_text("record.note.hidden"),) if is_hidden else ()
    return Table(table_id, caption, (*heads,), (*lines,), notes)


def _is_vague(row: RecordRow, column: str) -> bool:
    """Return whether the interval of what vanishes is so wide that nothing is to be stated."""
    if column != "vanishes_percent":
        return False
    low, high = (row.value_of(f"{column}_{end}") for end in ("low", "high"))
    return high - low > WIDEST


def name_column(table: str, column: str) -> Text:
    """Return the head of a column of numbers."""
    return make_text(f"record.column.{PREFIXES[table]}{column}")


def explain_columns(table: str, columns: Sequence[str]) -> tuple[Text, ...]:
    """Say of shares of channels which dossiers are counted; of others what their intervals mean."""
    if table != "channels":
        return tuple(make_text(f"record.note.{NOTES[name]}") for name in columns if name in NOTES)
    from sipas_analysis.records.channels import read_channel_rules

    shares = {f"{name}_percent": share for name, share in read_channel_rules().shares.items()}
    return tuple(
        make_text(
            "record.note.share",
            head=name_column(table, column),
            share=Bilingual(vi=shares[column].vi, en=shares[column].en),
        )
        for column in columns
        if column in shares
    )


def name_row(subject: Subject, row: RecordRow) -> tuple[object, ...]:
    """Return what a row is about, as the columns of ``NAMES`` have it."""
    section = make_text(ENDS[row.section]) if row.section in ENDS else row.section
    if row.domain == "unit_section":
        return subject.unit_name(row.unit), row.label, section
    if row.domain in NAMES:
        return make_text(ENDS[row.label]) if row.label in ENDS else row.label, section
    return (_name_single(subject, row),)


def _name_single(subject: Subject, row: RecordRow) -> object:
    """Return the name of a row that is about one thing."""
    word = f"record.{row.domain}.{row.label.replace('=', '_')}"
    if row.unit:
        return subject.unit_name(row.unit)
    if row.domain == "unit" or row.label == OTHER:
        return make_text("record.other")
    names: dict[str, Callable[[], object]] = {
        "all": lambda: make_text("report.level.province"),
        "officials": lambda: make_text("report.level.province"),
        "group": lambda: subject.group_name(row.group),
        "factor": lambda: subject.short_name(row.label),
        "groups": lambda: _name_people(subject, row.label),
        "reason": lambda: make_text(f"ledger.{row.label}"),
        "fact": lambda: make_text(word),
    }
    is_named = row.domain in names and (row.label or row.domain in ("all", "officials", "group"))
    return names[row.domain]() if is_named else row.label or make_text("record.unnamed")


def _name_people(subject: Subject, code: str) -> object:
    """Return the name of a group of people, as the question of the forms has it."""
    from sipas_analysis.records.coverage import find_group_question

    question = find_group_question(subject.figures.survey)
    levels = subject.pack.indicators[question].levels if question else {}
    named = make_text(f"record.people.{code}") if code in PEOPLE else code
    return levels.get(code, named)


def print_number(subject: Subject, row: RecordRow, column: str) -> object:
    """Return a number of a row as it is printed; a dash where it is hidden or there is none."""
    if not row.has(column):
        return None
    return number_of(subject, row.find_id(column), decimals=find_decimals(column))


def find_decimals(column: str) -> int:
    """Return the digits after the point: two of shares and effects, one of hours and days."""
    if column.endswith("_percent") or column.startswith(("gap_", "value", "correlation", "score")):
        return 2
    one = ("_hours", "_days", "_days_late", "position", "_points")
    return 1 if column.endswith(one) else 0
