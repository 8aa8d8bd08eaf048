"""What matters in the records, in a sentence or two: for the leaders' page and the letter."""

from collections.abc import Sequence

from sipas_analysis.documents.model import Joined, Text, make_text
from sipas_analysis.figures.record_rows import RecordRow
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.record_cells import name_row, print_number
from sipas_analysis.reports.record_pictures import ON_TIME, SHARE
from sipas_analysis.reports.subject import Subject, list_some

MOST_NAMED = 3  # steps that may be the slowest
FEWEST_PETITIONS = 5  # overdue, that a leader is told of
HERE = "limit_here_percent"


def find_record(subject: Subject, table: str) -> RecordRow | None:
    """Return the row of the subject in a table of records: of all, or of its unit."""
    records = subject.figures.records
    return records.row_of(table, subject.unit or "all") if records else None


def name_bottleneck(subject: Subject) -> list[Text]:
    """Name the step that takes most of the legal limit, and which others may take as much."""
    steps = sort_steps(subject)
    if len(steps) < 2:
        return []
    first, rivals = steps[0], _list_rivals(steps)
    word = "cut" if is_cut(subject) else "open" if rivals else "sure"
    share = make_text(
        f"records.steps.{word}",
        step=_name_step(first),
        percent=print_number(subject, first, SHARE),
        others=list_some([_name_step(row) for row in rivals[:MOST_NAMED]], len(rivals), "steps"),
    )
    parts = [share, *name_slow_place(subject)]
    return [make_text("leaders.joined", parts=Joined(parts, " "))]


def name_slow_place(subject: Subject) -> list[Text]:
    """Name the section that surely takes most of the limit against others in its step (T5).

    Of all units, or of its own unit; nothing where none is slow or a file may be cut.
    """
    rows = list_slow_places(subject)
    if not rows or is_cut(subject):
        return []
    first = rows[0]
    return [
        make_text(
            "records.slow",
            section=first.section,
            unit=subject.unit_name(first.unit),
            step=_name_step(first),
            percent=print_number(subject, first, HERE),
            others=print_number(subject, first, "others_percent"),
            more=make_text("records.slow.more") if len(rows) > 1 and not subject.unit else "",
        )
    ]


def list_slow_places(subject: Subject) -> list[RecordRow]:
    """Return the sections that are surely slow, of its unit if there is one; slowest first."""
    records = subject.figures.records
    rows = [
        row
        for row in (records.rows_of("steps", "unit_section") if records else [])
        if row.has("least_points") and row.section and subject.unit in ("", row.unit)
    ]
    return sorted(rows, key=lambda row: row.value_of("others_percent") - row.value_of(HERE))


def list_unreached(subject: Subject, verdicts: Sequence[str] = ("less",)) -> list[RecordRow]:
    """Return the vulnerable groups that are surely fewer (or more) among forms; none if cut."""
    records = subject.figures.records
    rows = records.rows_of("coverage", "groups") if records and not is_cut(subject) else []
    return [row for row in rows if row.verdict in verdicts]


def is_cut(subject: Subject) -> bool:
    """Return whether a file has just as many rows as programs cut exports at: nothing is sure."""
    records = subject.figures.records
    return bool(records and records.row_of("aside", "records_cap"))


def sort_steps(subject: Subject) -> list[RecordRow]:
    """Return the steps whose part of the legal limit is known, largest first."""
    records = subject.figures.records
    rows = records.rows_of("steps", "step") if records else []
    return sorted((row for row in rows if row.has(SHARE)), key=lambda row: -row.value_of(SHARE))


def _list_rivals(steps: Sequence[RecordRow]) -> list[RecordRow]:
    """Return the steps, but the first, that may take the most."""
    return [row for row in steps[1:] if row.value_of("is_candidate") == 1]


def _name_step(row: RecordRow) -> Text:
    return make_text("records.steps.step", step=row.label)


def sum_up_records(subject: Subject) -> list[Text]:
    """State what matters: how many were on time, where it is slowest, petitions, groups missed."""
    texts: list[Text] = []
    row = find_record(subject, "timeliness")
    if row and row.has(ON_TIME) and row.has("late"):
        fields = {name: print_number(subject, row, name) for name in ("done", "late", "overdue")}
        percent = print_number(subject, row, ON_TIME)
        word = "late" if row.value_of("late") + row.value_of("overdue") > 0 else "none_late"
        texts.append(make_text(f"records.sum.{word}", percent=percent, **fields))
    texts += [] if subject.unit else [*_name_lowest(subject), *_name_slowest(subject)]
    petitions = find_record(subject, "petitions")
    if petitions and petitions.value_of("overdue") >= FEWEST_PETITIONS:
        n = print_number(subject, petitions, "overdue")
        texts.append(make_text("records.sum.petitions", n=n))
    missed = [] if subject.unit else [name_row(subject, row)[0] for row in list_unreached(subject)]
    return [*texts, make_text("records.sum.missed", names=Joined(missed))] if missed else texts


def find_lowest(subject: Subject, table: str, column: str) -> RecordRow | None:
    """Return the unit with the lowest figure, if several are told and one is lower; of all only."""
    records = subject.figures.records
    listed = records.rows_of(table, "unit") if records and not subject.unit else []
    rows = [row for row in listed if row.unit and row.has(column)]
    rows.sort(key=lambda row: row.value_of(column))
    is_one = len(rows) > 1 and rows[0].value_of(column) < rows[1].value_of(column)
    return rows[0] if is_one else None


def _name_lowest(subject: Subject) -> list[Text]:
    """Name the unit with the lowest share of dossiers on time, unless its section is named."""
    row, places = find_lowest(subject, "timeliness", ON_TIME), list_slow_places(subject)
    if row is None or (places and places[0].unit == row.unit and not is_cut(subject)):
        return []
    percent, n = (print_number(subject, row, name) for name in (ON_TIME, "done"))
    unit = subject.unit_name(row.unit)
    return [make_text("records.sum.lowest", unit=unit, percent=percent, n=n)]


def _name_slowest(subject: Subject) -> list[Text]:
    """Name the step that surely takes most, and the section that is surely slowest."""
    steps, places = sort_steps(subject), list_slow_places(subject)
    if len(steps) < 2 or _list_rivals(steps) or is_cut(subject):
        return []
    step = _name_step(steps[0])
    if not places:
        return [make_text("records.sum.step", step=step)]
    unit = subject.unit_name(places[0].unit)
    return [make_text("records.sum.slow", step=step, section=places[0].section, unit=unit)]


def count_late(subject: Subject) -> list[Text]:
    """State for the assessment how many dossiers were late and are overdue, if any is."""
    row = find_record(subject, "timeliness")
    if row is None or not row.value_of("late") + row.value_of("overdue") > 0:
        return []
    fields = {name: print_number(subject, row, name) for name in ("late", "overdue")}
    return [make_text("assessment.records", part=subject.find_numeral("records"), **fields)]


def tell_unit(subject: Subject) -> list[Text]:
    """Tell a unit by letter how many of its dossiers were on time, and where more is told."""
    texts, part = sum_up_records(subject), subject.find_numeral("records")
    return [make_text("letter.records", part=part, texts=Joined(texts, " "))] if texts else []


def explain_attitude(subject: Subject) -> list[Text]:
    """State how much of the effect of officials' attitude is gone once lateness is known (D7)."""
    records, factor = subject.figures.records, subject.pack.officials_factor
    row = records.row_of("facts", factor) if records and factor else None
    if row is None or not row.has("vanishes_percent"):
        return []
    low, high = interval_of(subject, row.find_id("vanishes_percent")).ends()
    is_sure = row.value_of("vanishes_percent_low") > 0
    return [
        make_text(
            f"records.attitude.{'sure' if is_sure else 'open'}",
            factor=subject.short_name(factor),
            percent=print_number(subject, row, "vanishes_percent"),
            low=low,
            high=high,
            n=number_of(subject, row.find_id("n")),
        )
    ]
