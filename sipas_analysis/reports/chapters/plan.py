"""The plan for the coming year as a table: what is done, by whom, until when, and what shows it.

Without a plan beside the wave these are proposals, and the chapter says so. The body lists the
lines of its own subject; the annexes list those of every unit.
"""

from collections.abc import Iterator, Sequence

from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.plan_records import Judged, PlanLine
from sipas_analysis.improve.actions import SURVEY
from sipas_analysis.reports.chapters.plan_lines import (
    find_indicator,
    find_measure,
    find_request,
    is_of_library,
    is_overdue,
    list_lines,
    list_own,
    name_followed,
    name_owner,
    name_row,
    name_task,
    name_verdict,
)
from sipas_analysis.reports.chapters.plan_summary import count_lines, find_kind
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, list_some

MOST_LINES, MOST_LINES_OF_UNIT = 8, 4  # in the body; the annexes of the province have all
MOST_RUNNING = 3  # lines of earlier plans that a sentence names
OPEN = ("owner", "due")  # columns that officers fill in


def build_measures(subject: Subject) -> Section:
    """List the lines of the plan of a subject, or what is proposed, with what would show it."""
    lines = list_lines(subject)
    blocks: list[Block] = [Paragraph(_introduce(subject, lines))]
    if lines:
        blocks.append(_tabulate_plan(subject, lines))
    if lines and subject.unit:
        blocks.append(Paragraph(make_text(f"measures.closing.{find_kind(subject, lines)}")))
    return Section("measures", make_text("report.chapter.measures"), tuple(blocks))


def _introduce(subject: Subject, lines: Sequence[PlanLine]) -> Text:
    """State how many lines there are, that proposals are proposals, or why there is no line."""
    has_units = not subject.unit and bool(number_of(subject, "plan.lines:all_units").value)
    if not lines and not has_units:
        return _explain_no_line(subject)
    word = "unit" if subject.unit else "all"
    kind = find_kind(subject, lines)
    parts = [make_text(f"measures.{kind}.{word}", lines=count_lines(subject, lines))]
    parts += [make_text("measures.units")] if has_units else []
    running = [
        make_text("last_measures.named", name=name_row(subject, row), verdict=day)
        for row in _list_running(subject, lines)
        for day in [_state_day(subject, row)]
    ]
    listed = list_some(running[:MOST_RUNNING], len(running), "lines")
    parts += [make_text("measures.running", lines=listed)] if running else []
    return make_text("leaders.joined", parts=Joined(parts, " "))


def _list_running(subject: Subject, lines: Sequence[PlanLine]) -> list[Judged]:
    """Return the lines of earlier plans that are not finished and that no coming line continues."""
    coming = {(line.item, line.measure or line.task) for line in lines}
    return [
        row
        for row in list_own(subject)
        if row.kind == "line"
        and row.is_running
        and (row.item, row.measure or row.task) not in coming
    ]


def _state_day(subject: Subject, row: Judged) -> Text:
    """State until when a line is to be done, or that it is past its date."""
    word = "overdue" if is_overdue(subject, row) else "due" if row.due else "open"
    return make_text(f"measures.running.{word}", due=row.due or "")


def _explain_no_line(subject: Subject) -> Text:
    """State why a subject has no line."""
    plan = subject.figures.plan
    if not plan.is_proposal:
        who = make_text(f"measures.who.{'unit' if subject.unit else 'all'}")
        return make_text("measures.no_line", who=who)
    if not subject.pack.factors:
        return make_text("measures.no_factor")
    reason = plan.lines.without.get(subject.unit, "no_figure")
    limit = number_of(subject, "setting:min_forms")
    return make_text(f"measures.without.{reason}", min_forms=limit)


# ── the table


def _tabulate_plan(subject: Subject, lines: Sequence[PlanLine]) -> Table:
    """List what is done, by whom, until when, from which figure to which, and how it is measured.

    A column that nobody filled in is left out, and a note says so.
    """
    shown = lines[: MOST_LINES_OF_UNIT if subject.unit else MOST_LINES]
    filled = [name for name in OPEN if any(getattr(line, name) for line in shown)]
    names = ["task", *filled, "target", "how"]
    heads = [make_text(f"measures.column.{name}") for name in names]
    columns = (Column(heads[0], "row"), *(Column(head, "text") for head in heads[1:]))
    rows = tuple(
        (
            _name_task_and_status(subject, line),
            *_name_owner_and_day(subject, line, filled),
            _describe_target(subject, line),
            _describe_how(subject, line),
        )
        for line in shown
    )
    notes = _explain_table(subject, shown, filled)
    if len(lines) > len(shown):
        notes.append(make_text("measures.more"))
    caption = make_text(f"measures.table.{find_kind(subject, lines)}")
    return Table("table-plan", caption, columns, rows, tuple(notes))


def _name_task_and_status(subject: Subject, line: PlanLine) -> object:
    """Name what is done; how it stands unless approved; what came of it in an earlier plan."""
    task, plan = name_task(subject, line), subject.figures.plan
    remarks: list[object] = []
    if plan.kind == "plan" and line.status != "approved":
        remarks.append(make_text(f"plan.status.{line.status}"))
    remarks += [] if line.is_decided else _recall(subject, line)
    return make_text("measures.task", task=task, status=Joined(remarks)) if remarks else task


def _recall(subject: Subject, line: PlanLine) -> list[Text]:
    """State of a proposal that the same was done before, and what came of it."""
    same = [
        row
        for row in list_own(subject)
        if line.measure and (row.measure, row.item) == (line.measure, line.item)
    ]
    if not same:
        return []
    row = min(same, key=lambda row: row.kind != "line")
    if row.verdict in ("got_worse", "no_sign"):
        return [make_text(f"measures.recall.{row.verdict}")]
    if row.is_running:
        return [
            make_text(f"measures.recall.{'overdue' if is_overdue(subject, row) else 'running'}")
        ]
    return [make_text("measures.recall.judged", verdict=name_verdict(row))]


def _name_owner_and_day(
    subject: Subject, line: PlanLine, filled: Sequence[str]
) -> Iterator[object]:
    """Yield who is in charge and by when, as far as anybody filled it in."""
    cells = {"owner": name_owner(subject, line), "due": line.due}
    yield from (cells[name] or make_text(f"measures.open.{name}") for name in filled)


def _describe_target(subject: Subject, line: PlanLine) -> Text:
    """Name what is followed, from which value to which; and what is not sure about it."""
    target = number_of(subject, f"plan.target:{line.id}", decimals=None)
    if line.indicator != SURVEY:
        word = "indicator" if target.value is None else "indicator_target"
        indicator = find_indicator(subject, line.indicator)
        return make_text(f"measures.target.{word}", name=indicator or line.indicator, target=target)
    numbers = {"baseline": number_of(subject, f"plan:{line.id}", decimals=2), "target": target}
    known = [name for name, number in numbers.items() if number.value is not None]
    doubts = [make_text("measures.doubt.undecided")] if line.is_undecided else []
    small = "not_visible" if "not_visible" in line.note.split() else "inside_error"
    doubts += [] if line.is_visible else [make_text(f"measures.doubt.{small}")]
    return make_text(
        f"measures.target.{'_'.join(known) or 'none'}",
        name=name_followed(subject, line.item),
        sign=subject.name_measure("sign"),
        doubts=make_text("measures.doubts", doubts=Joined(doubts, ", ")) if doubts else "",
        **numbers,
    )


def _describe_how(subject: Subject, line: PlanLine) -> Text:
    """State from which data a change would be seen, from which size on, and what else to follow."""
    if line.indicator != SURVEY:
        return _describe_records(subject, line)
    smallest = number_of(subject, f"plan:{line.id}", "detectable", 1)
    needed = number_of(subject, f"plan.needed:{line.id}")
    word = "needed" if needed.value is not None else "visible"
    how = make_text(
        f"measures.how.{word if smallest.value is not None else 'survey'}",
        smallest=smallest,
        word=subject.name_measure("points"),
        needed=needed,
    )
    measure = find_measure(subject, line)
    of_records = [each for each in measure.indicators if each.data != SURVEY] if measure else []
    if subject.unit or not of_records:  # the report on all units has room for it
        return how
    data = make_text(f"measures.data.{of_records[0].data}")
    return make_text("measures.how.also", how=how, indicator=of_records[0], data=data)


def _describe_records(subject: Subject, line: PlanLine) -> Text:
    """State from which records an indicator is counted, and after how many months."""
    indicator = find_indicator(subject, line.indicator)
    if indicator is None:
        return make_text("measures.how.own")
    data = make_text(f"measures.data.{indicator.data}")
    return make_text("measures.how.records", data=data, n=str(indicator.after_months))


def _explain_table(
    subject: Subject, lines: Sequence[PlanLine], filled: Sequence[str]
) -> list[Text]:
    """Explain what the table has: nobody in charge, weak grounds, targets inside the error."""
    followed = [line for line in lines if line.indicator == SURVEY]
    still_open = "_".join(name for name in OPEN if name not in filled)
    explained = {
        "no_measure": any(map(find_request, lines)),
        f"open_{still_open}": bool(still_open),
        "undecided": any(line.is_undecided for line in followed),
        "inside_error": not all(line.is_visible for line in followed),
        "visible": any(line.is_visible and line.detectable > 0 for line in followed),
    }
    notes = _explain_order(subject, followed)
    notes += [make_text(f"measures.note.{name}") for name, is_so in explained.items() if is_so]
    measures = [find_measure(subject, line) for line in lines if is_of_library(subject, line)]
    sources = [measure.source for measure in measures if measure and measure.source.vi]
    unique = [source for at, source in enumerate(sources) if source not in sources[:at]]
    is_derived = any(measure and measure.status == "derived" for measure in measures)
    word = ("derived_others" if is_derived else "source") if unique else "derived_all"
    if unique or is_derived:
        notes.append(make_text(f"measures.note.{word}", source=Joined(unique)))
    return notes


def _explain_order(subject: Subject, followed: Sequence[PlanLine]) -> list[Text]:
    """State why proposals stand in this order; officers order the lines of a plan."""
    plan = subject.figures.plan
    if not plan.is_proposal or not followed:
        return []
    notes = [make_text(f"measures.note.order_{'unit' if subject.unit else 'all'}")]
    factors = Joined([subject.short_name(code) for code in plan.lines.important])
    if plan.lines.important and sum(not line.is_undecided for line in followed) > 1:
        notes.append(make_text("measures.note.important", factors=factors))
    return notes
