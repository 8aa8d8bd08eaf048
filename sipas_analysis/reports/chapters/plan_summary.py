"""The plan and the verdicts in a sentence or two: for the leaders' page and the letter."""

from collections.abc import Sequence

from sipas_analysis.documents.model import Joined, Text, make_text
from sipas_analysis.figures.plan_records import Judged, PlanLine, name_kind
from sipas_analysis.reports.chapters.plan_lines import (
    FINISHED,
    find_request,
    list_lines,
    list_own,
    name_followed,
    name_owner,
    name_row,
    name_task,
    name_verdict,
    shorten_name,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, list_some

MOST_NAMED = 2  # measures that a sentence names; more are counted
MOST_OPEN = 3  # items without a measure that a sentence names
MOST_QUIET = 2  # of those without a difference
TOLD = ("worked", "got_worse")  # verdicts that name each line
QUIET = ("no_sign", "too_early", "cannot_tell")


def sum_up(subject: Subject, rows: Sequence[Judged], words: Sequence[str], most: int) -> list[Text]:
    """Name the measures of each verdict, best first; more are counted."""
    return [
        make_text(f"last_measures.sum.{word}", names=list_some(named, len(same), "lines"))
        for word in words
        for same in [[row for row in rows if row.verdict == word]]
        for named in [
            [name_row(subject, row) for row in same[: most if word in TOLD else MOST_QUIET]]
        ]
        if same
    ]


def state_verdicts(subject: Subject) -> list[Text]:
    """Name what got better or worse together with a measure; nothing where no plan is judged."""
    rows = [*list_own(subject), *([] if subject.unit else _list_apart(subject))]
    shared = name_shared_measures(subject, rows, TOLD) if subject.unit else []
    if not rows:
        return []
    part = f"@{subject.unit}" if subject.unit and rows[0].unit else ""
    told = sum_up(subject, rows, TOLD, MOST_NAMED)
    n = number_of(subject, f"verdict.lines:all{part}")
    has_others = any(row.verdict not in TOLD for row in rows)
    others = [make_text(f"leaders.verdicts.{'others' if told else 'none'}", n=n)]
    where = make_text("leaders.verdicts.see", part=subject.find_numeral("last_measures"))
    return [*told, *(others if has_others else []), *shared, where]


def name_shared_measures(
    subject: Subject, rows: Sequence[Judged], words: Sequence[str]
) -> list[Text]:
    """State what came of the measures of a unit over all units; of few without a difference."""
    latest = subject.figures.survey.wave.id
    taken = {(row.before, row.measure, row.item) for row in rows if row.measure}
    shared = [
        row
        for row in subject.figures.judged
        if (row.kind, row.after) == ("measure", latest)
        and row.verdict in words
        and (row.before, row.measure, row.item) in taken
    ]
    named = [row for row in shared if row.verdict in TOLD] or shared[:MOST_QUIET]
    measures = [
        make_text("last_measures.named", name=name_row(subject, row), verdict=name_verdict(row))
        for row in named
    ]
    return [make_text("last_measures.shared", measures=Joined(measures))] if measures else []


def _list_apart(subject: Subject) -> list[Judged]:
    """Return the lines of units by this wave; not those whose measure is named with no other word.

    A unit that got worse with a measure that is better in all stands apart.
    """
    own = [row for row in list_own(subject) if row.verdict in TOLD]
    named = {(row.before, row.measure, row.item): {row.verdict, *QUIET} for row in own}
    latest = subject.figures.survey.wave.id
    return [
        row
        for row in subject.figures.judged
        if row.unit
        and row.after == latest
        and row.verdict not in named.get((row.before, row.measure, row.item), ())
    ]


def announce_plans(subject: Subject, who: Text) -> list[Text]:
    """Tell a unit by letter where its report has the verdicts on its lines, and its coming plan.

    Args:
        subject: The unit.
        who: How the letter calls the unit.
    """
    judged, lines = list_own(subject), list_lines(subject)
    texts = []
    if judged:
        part = f"@{subject.unit}" if judged[0].unit else ""
        n_judged = number_of(subject, f"verdict.lines:all{part}")
        verdicts = subject.find_numeral("last_measures")
        texts.append(make_text("letter.verdicts", n=n_judged, part=verdicts, who=who))
    if lines:
        kind = name_kind(lines)
        fields = {"part": subject.find_numeral("measures"), "lines": count_lines(subject, lines)}
        texts.append(make_text(f"letter.{kind}", who=who, **fields))
    return [make_text("leaders.joined", parts=Joined(texts, " "))] if texts else []


def count_lines(subject: Subject, lines: Sequence[PlanLine]) -> Text:
    """Count the lines of a unit or of all: those decided first, then those still proposed."""
    part, every = "", subject.figures.plan.records
    if subject.unit and lines[0].unit:
        part = f"@{subject.unit}"
    if find_kind(subject, lines) == "proposal":
        return _count_of(subject, "proposed", part)
    decided = _count_of(subject, "decided", part)
    if all(line.status != "proposed" for line in (lines if subject.unit else every)):
        return decided
    n = number_of(subject, f"plan.lines:proposed{part}")
    return make_text("plan.count.mixed", lines=decided, n=n)


def _count_of(subject: Subject, word: str, part: str) -> Text:
    """Count lines decided or proposed; of all units those of the whole first."""
    if subject.unit:
        return make_text("plan.count.own", n=number_of(subject, f"plan.lines:{word}{part}"))
    n_units = number_of(subject, f"plan.units:{word}")
    counted = {
        name: make_text(f"plan.count.{name}", n=n, n_units=n_units)
        for name in ("whole", "units")
        for n in [number_of(subject, f"plan.lines:{word}_{name}")]
        if n.value
    }
    both = make_text("plan.count.both", **counted)
    return both if len(counted) > 1 else next(iter(counted.values()))


def find_kind(subject: Subject, lines: Sequence[PlanLine]) -> str:
    """Return whether the lines of a subject are a plan or proposals; of all units any line."""
    return name_kind(lines) if subject.unit else subject.figures.plan.kind


def state_plan(subject: Subject) -> list[Text]:
    """State how many lines the plan of a subject has, the first with who and by when."""
    lines = list_lines(subject)
    if not lines:
        return []
    first = next((line for line in lines if line.status not in FINISHED), lines[0])
    kind = find_kind(subject, lines)
    words = [
        make_text(f"leaders.plan.{name}", value=value)
        for name, value in (("owner", name_owner(subject, first)), ("due", first.due))
        if value
    ]
    task = shorten_name(name_task(subject, first))
    start = make_text("leaders.plan.first", task=task, words=Joined(words, ""))
    if find_request(first):
        start = _name_open_items(subject, [line for line in lines if find_request(line)])
    return [
        make_text(f"leaders.plan.{kind}", lines=count_lines(subject, lines)),
        start,
        make_text("leaders.plan.see", part=subject.find_numeral("measures")),
    ]


def _name_open_items(subject: Subject, lines: Sequence[PlanLine]) -> Text:
    """Name the items without a measure that are surely low; else those to look into first."""
    sure = [line for line in lines if not line.is_undecided]
    named = [
        make_text(
            "leaders.named",
            name=name_followed(subject, line.item),
            value=number_of(subject, f"plan:{line.id}", decimals=2),
            sign=subject.name_measure("sign"),
        )
        for line in (sure or lines)[:MOST_OPEN]
    ]
    word = "no_measure" if sure else "to_consider"
    return make_text(f"leaders.plan.{word}", items=Joined(named, "; "))
