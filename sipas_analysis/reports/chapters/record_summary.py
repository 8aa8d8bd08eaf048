"""What matters in the records, in a sentence or two: for the leaders' page and the letter."""

from sipas_analysis.documents.model import Joined, Text, make_text
from sipas_analysis.figures.record_rows import RecordRow
from sipas_analysis.reports.named_numbers import interval_of, number_in, number_of
from sipas_analysis.reports.record_pictures import ON_TIME, SHARE, list_steps
from sipas_analysis.reports.subject import Subject

MOST_NAMED = 3  # steps that may be the slowest


def find_record(subject: Subject, table: str) -> RecordRow | None:
    """Return the row of the subject in a table of records: of all, or of its unit."""
    records = subject.figures.records
    return records.row_of(table, subject.unit or "all") if records else None


def name_bottleneck(subject: Subject) -> list[Text]:
    """Name the step that takes most of the legal limit, and which others may take as much."""
    steps = sorted(list_steps(subject), key=lambda row: -row.value_of(SHARE))
    if len(steps) < 2 or not steps[0].has(SHARE):
        return []
    first, *others = steps
    low, high = interval_of(subject, first.find_id(SHARE)).ends()
    rivals = [row for row in others if row.value_of("is_candidate") == 1]
    times = [
        make_text(f"records.time.{name}", hours=number_in(subject, first, f"{name}_hours", 1))
        for name in ("median", "p90")
        if first.has(f"{name}_hours")
    ]
    share = make_text(
        f"records.steps.{'open' if rivals else 'sure'}",
        step=name_step(first),
        percent=number_in(subject, first, SHARE, 1),
        low=low,
        high=high,
        others=Joined([name_step(row) for row in rivals[:MOST_NAMED]], ", "),
    )
    told = [make_text("records.steps.times", times=Joined(times))] if times else []
    return [make_text("leaders.joined", parts=Joined([share, *told], " "))]


def name_step(row: RecordRow) -> Text:
    """Name a step and its section."""
    word = "step_in" if row.section else "step"
    return make_text(f"records.steps.{word}", step=row.label, section=row.section)


def sum_up_records(subject: Subject) -> list[Text]:
    """State what matters: how many were on time, the slowest step, petitions that are overdue."""
    texts: list[Text] = []
    row = find_record(subject, "timeliness")
    if row and row.has(ON_TIME) and row.has("late"):
        fields = {name: number_in(subject, row, name) for name in ("done", "late", "overdue")}
        percent = number_in(subject, row, ON_TIME, 1)
        word = "late" if row.value_of("late") + row.value_of("overdue") > 0 else "none_late"
        texts.append(make_text(f"records.sum.{word}", percent=percent, **fields))
    steps = [] if subject.unit else sorted(list_steps(subject), key=lambda r: -r.value_of(SHARE))
    if len(steps) > 1 and not any(row.value_of("is_candidate") == 1 for row in steps[1:]):
        texts.append(make_text("records.sum.step", step=name_step(steps[0])))
    petitions = find_record(subject, "petitions")
    if petitions and petitions.value_of("overdue") > 0:
        n = number_in(subject, petitions, "overdue")
        texts.append(make_text("records.sum.petitions", n=n))
    if texts:
        texts.append(make_text("leaders.plan.see", part=subject.find_numeral("records")))
    return texts


def tell_unit(subject: Subject) -> list[Text]:
    """Tell a unit by letter how many of its dossiers were on time, and where more is told."""
    texts = sum_up_records(subject)
    return [make_text("letter.records", texts=Joined(texts, " "))] if texts else []


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
            percent=number_in(subject, row, "vanishes_percent"),
            low=low,
            high=high,
            n=number_of(subject, row.find_id("n")),
        )
    ]
