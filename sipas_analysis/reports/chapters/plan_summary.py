"""The plan and the verdicts in a sentence or two: for the leaders' page and the letter."""

from collections.abc import Sequence

from sipas_analysis.documents.model import Joined, Text, make_text
from sipas_analysis.figures.plan_records import Judged, PlanLine
from sipas_analysis.reports.chapters.plan_lines import (
    FINISHED,
    list_lines,
    list_own,
    name_owner,
    name_row,
    name_task,
    shorten_name,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, list_some

MOST_NAMED = 2  # measures that a sentence names; more are counted
DECIDED = ("approved", "in_progress", "done")
TOLD = ("worked", "got_worse")  # verdicts that name each line


def sum_up(subject: Subject, rows: Sequence[Judged], words: Sequence[str], most: int) -> list[Text]:
    """Name the measures of each verdict, best first; more are counted."""
    return [
        make_text(f"last_measures.sum.{word}", names=list_some(named, len(same), "lines"))
        for word in words
        for same in [[row for row in rows if row.verdict == word]]
        for named in [[name_row(subject, row) for row in same[:most]]]
        if same
    ]


def name_kind(subject: Subject, lines: Sequence[PlanLine]) -> str:
    """Return the word of messages: ``plan``, or ``proposal`` where nobody has approved a line."""
    is_plan = not subject.figures.plan.is_proposal
    return "plan" if is_plan and any(line.status in DECIDED for line in lines) else "proposal"


def state_verdicts(subject: Subject) -> list[Text]:
    """Name what got better or worse together with a measure; nothing where no plan is judged."""
    rows = [*list_own(subject), *([] if subject.unit else _list_apart(subject))]
    if not rows:
        return []
    part = f"@{subject.unit}" if subject.unit and rows[0].unit else ""
    told = sum_up(subject, rows, TOLD, MOST_NAMED)
    n = number_of(subject, f"verdict.lines:all{part}")
    rest = make_text(f"leaders.verdicts.{'others' if told else 'none'}", n=n)
    return [*told, rest, make_text(f"leaders.verdicts.see.{'unit' if subject.unit else 'all'}")]


def _list_apart(subject: Subject) -> list[Judged]:
    """Return the lines of units by this wave, without those of measures that are named anyway."""
    own = [row for row in list_own(subject) if row.verdict in TOLD]
    named = {(row.before, row.measure, row.item) for row in own}
    latest = subject.figures.survey.wave.id
    return [
        row
        for row in subject.figures.judged
        if row.unit and row.after == latest and (row.before, row.measure, row.item) not in named
    ]


def announce_plans(subject: Subject) -> list[Text]:
    """Tell a unit by letter where its report has the verdicts on its lines, and its coming plan."""
    judged, lines = list_own(subject), list_lines(subject)
    texts = []
    if judged:
        part = f"@{subject.unit}" if judged[0].unit else ""
        n_judged = number_of(subject, f"verdict.lines:all{part}")
        texts.append(make_text("letter.verdicts", n=n_judged))
    if lines:
        kind = name_kind(subject, lines)
        texts.append(make_text(f"letter.{kind}", lines=count_lines(subject, lines)))
    return [make_text("leaders.joined", parts=Joined(texts, " "))] if texts else []


def count_lines(subject: Subject, lines: Sequence[PlanLine]) -> Text:
    """Count the lines of a unit; of all units those of the whole first, then those of units."""
    if subject.unit:
        part = f"@{subject.unit}" if lines[0].unit else ""
        return make_text("plan.count.own", n=number_of(subject, f"plan.lines:all{part}"))
    counts = {name: number_of(subject, f"plan.lines:{name}") for name in ("whole", "units")}
    n_units = number_of(subject, "plan.units:all")
    counted = {
        name: make_text(f"plan.count.{name}", n=n, n_units=n_units)
        for name, n in counts.items()
        if n.value
    }
    both = make_text("plan.count.both", **counted)
    return both if len(counted) > 1 else next(iter(counted.values()))


def state_plan(subject: Subject) -> list[Text]:
    """State how many lines the plan of a subject has, the first with who and by when."""
    lines = list_lines(subject)
    if not lines:
        return []
    first = next((line for line in lines if line.status not in FINISHED), lines[0])
    kind = name_kind(subject, lines)
    words = [
        make_text(f"leaders.plan.{name}", value=value)
        for name, value in (("owner", name_owner(subject, first)), ("due", first.due))
        if value
    ]
    task = shorten_name(name_task(subject, first))
    return [
        make_text(f"leaders.plan.{kind}", lines=count_lines(subject, lines)),
        make_text("leaders.plan.first", task=task, words=Joined(words, "")),
        make_text(f"leaders.plan.see.{'unit' if subject.unit else 'all'}"),
    ]
