"""What matters in the records, in a sentence or two: for the leaders' page and the letter."""

from collections.abc import Sequence

from sipas_analysis.documents.model import Joined, Text, make_text
from sipas_analysis.figures.record_rows import RecordRow
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.record_cells import print_number
from sipas_analysis.reports.record_pictures import ON_TIME, SHARE
from sipas_analysis.reports.subject import Subject, list_some

MOST_NAMED = 3  # steps that may be the slowest


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
    low, high = interval_of(subject, first.find_id(SHARE)).ends()
    share = make_text(
        f"records.steps.{'open' if rivals else 'sure'}",
        step=_name_step(first),
        percent=print_number(subject, first, SHARE),
        low=low,
        high=high,
        others=list_some([_name_step(row) for row in rivals[:MOST_NAMED]], len(rivals), "steps"),
    )
    hours = {name: print_number(subject, first, f"{name}_hours") for name in ("median", "p90")}
    told = [make_text("records.steps.times", **hours)] if first.has("median_hours") else []
    parts = [share, *told, *_name_section(subject, first)]
    return [make_text("leaders.joined", parts=Joined(parts, " "))]


def _name_section(subject: Subject, step: RecordRow) -> list[Text]:
    """Name the section in which a step takes longest, if it takes longer there than elsewhere."""
    records = subject.figures.records
    listed = records.rows_of("steps", "section") if records else []
    rows = [row for row in listed if row.label == step.label and row.has("median_hours")]
    slowest = max(rows, key=lambda row: row.value_of("median_hours"), default=None)
    is_longer = slowest and slowest.value_of("median_hours") > step.value_of("median_hours")
    if slowest is None or not is_longer or not slowest.section:
        return []
    hours = print_number(subject, slowest, "median_hours")
    return [make_text("records.steps.section", section=slowest.section, hours=hours)]


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
    """State what matters: how many were on time, the slowest step, petitions that are overdue."""
    texts: list[Text] = []
    row = find_record(subject, "timeliness")
    if row and row.has(ON_TIME) and row.has("late"):
        fields = {name: print_number(subject, row, name) for name in ("done", "late", "overdue")}
        percent = print_number(subject, row, ON_TIME)
        word = "late" if row.value_of("late") + row.value_of("overdue") > 0 else "none_late"
        texts.append(make_text(f"records.sum.{word}", percent=percent, **fields))
    steps = [] if subject.unit else sort_steps(subject)
    if len(steps) > 1 and not _list_rivals(steps):
        texts.append(make_text("records.sum.step", step=_name_step(steps[0])))
    petitions = find_record(subject, "petitions")
    if petitions and petitions.value_of("overdue") > 0:
        n = print_number(subject, petitions, "overdue")
        texts.append(make_text("records.sum.petitions", n=n))
    return texts


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
