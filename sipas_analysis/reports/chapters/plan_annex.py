"""The annex on the plan: every line for the coming year, and the verdict on every earlier line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Paragraph,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.plan_records import Judged, PlanLine
from sipas_analysis.improve.actions import SURVEY
from sipas_analysis.improve.plan import NOTES
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.plan_lines import (
    find_indicator,
    find_wave,
    list_years,
    name_owner,
    name_task,
    name_verdict,
)
from sipas_analysis.reports.figure_tables import sign_number
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject, list_marked_names

Row = TypeVar("Row", PlanLine, Judged)
LINE_NUMBERS = (
    "plan.column.baseline",
    "report.column.interval",
    "plan.column.target",
    "plan.column.detectable",
)
VERDICT_NUMBERS = ("change", "expected", "rest", "interval")
EXPLANATIONS = tuple(
    make_text(f"annex.verdicts.note.{name}") for name in ("change", "expected", "rest", "verdict")
)
OFFICE = ("owner", "due")  # columns that officers fill in
Usual = Mapping[str, PlanLine]
NONE_USUAL: Usual = {}
WORDINGS = make_text("annex.plan.note.codes", name=make_text("annex.chapter.items"))


@dataclass(frozen=True)
class Group(Generic[Row]):
    """Lines that stand in one table: those of the province, or of the units of one group."""

    code: str
    name: object
    lines: list[Row]


def show_plan(subject: Subject) -> list[Block]:
    """List every line of the coming plan, or every proposal, then the verdicts on earlier plans."""
    plan = subject.figures.plan
    source = Paragraph(make_text(f"annex.plan.of.{plan.kind}", file=plan.source))
    lines, judged = plan.records, subject.figures.judged
    tasks = _number_tasks([*lines, *judged])
    tables = [_tabulate_lines(subject, group, tasks) for group in _group_lines(subject, lines)]
    if tasks:  # before the first table of units
        at = int(any(not line.unit for line in lines))
        tables.insert(at, _tabulate_tasks(subject, [*lines, *judged], tasks))
    explained = [Bullets((make_text("annex.plan.note.target"), WORDINGS))] if tables else []
    return [source, *explained, *tables, *_show_verdicts(subject, tasks)]


def _number_tasks(lines: Sequence[PlanLine | Judged]) -> dict[str, int]:
    """Return the number of each task of units; none unless most units share theirs with others.

    A task that stands once in a table of tasks, and by its number in the lines, saves pages.
    """
    tasks = [line.task for line in lines if line.unit]
    different = dict.fromkeys(tasks)
    is_shared = 2 * len(different) <= len(tasks)
    return {task: number for number, task in enumerate(different, 1)} if is_shared else {}


def _find_usual(lines: Sequence[PlanLine]) -> dict[str, PlanLine]:
    """Return for each task of units a line with its most frequent owner and day.

    None is usual unless every line has both: a blank cell must not stand for another line's.
    """
    of_units = [line for line in lines if line.unit]
    counts = Counter((line.task, line.owner, line.due) for line in of_units)
    frequent = sorted(of_units, key=lambda line: counts[line.task, line.owner, line.due])
    is_filled = all(line.owner and line.due for line in of_units)
    return {line.task: line for line in frequent} if is_filled else {}


def _tabulate_tasks(
    subject: Subject, lines: Sequence[PlanLine | Judged], tasks: Mapping[str, int]
) -> Table:
    """List the tasks of units by number, with their usual owner and day."""
    usual = _find_usual(subject.figures.plan.records)
    first = {line.task: line for line in reversed(lines) if line.unit}
    columns = (
        Column(make_text("annex.plan.column.number"), "row"),
        Column(make_text("plan.column.task"), "text"),
        *(_make_column(name) for name in (OFFICE if usual else ())),
    )
    rows = tuple(
        (
            str(number),
            name_task(subject, first[task]),
            *(words.get(name) for name in (OFFICE if usual else ())),
        )
        for task, number in tasks.items()
        for words in [_word_line(subject, usual[task]) if task in usual else {}]
    )
    return Table("table-tasks", make_text("annex.plan.table.tasks"), columns, rows)


def _group_lines(subject: Subject, lines: Sequence[Row]) -> list[Group[Row]]:
    """Return the lines of the province, then those of each group of units, in their order."""
    units = subject.figures.survey.units
    groups = dict(zip(units["code"], units["group"], strict=True))
    by_group: dict[str, list[Row]] = {}
    for line in lines:
        by_group.setdefault(groups.get(line.unit, ""), []).append(line)
    whole = subject.whole_name
    return [
        Group(code, subject.group_name(code) if code else whole, listed)
        for code, listed in by_group.items()
    ]


# ── the coming plan


def _tabulate_lines(subject: Subject, group: Group[PlanLine], tasks: Mapping[str, int]) -> Table:
    """List the lines of the province or of a group; notes explain the numbers of doubts."""
    lines = group.lines
    usual = _find_usual(subject.figures.plan.records) if tasks and group.code else {}
    columns = (*_name_columns(group, tasks), *line_columns(lines, usual)[1:])
    names = list_marked_names(subject.figures)
    rows = tuple(
        (*_name_row(names.get(line.unit, line.unit), line, task, tasks), *others)
        for line in lines
        for task, *others in [line_cells(subject, line, lines, usual)]
    )
    word = subject.figures.plan.kind
    caption = make_text(f"annex.plan.table.{word}", group=group.name)
    return Table(
        f"table-plan-{group.code or 'province'}", caption, columns, rows, note_doubts(lines)
    )


def _name_columns(group: Group[Row], tasks: Mapping[str, int]) -> tuple[Column, ...]:
    """Return the first columns: the task, after the unit if the lines are of units."""
    if tasks and group.code:
        number = Column(make_text("annex.plan.column.number"), "text")
        return (Column(make_text("report.column.unit"), "row"), number)
    return (
        Column(make_text("annex.plan.column.line" if group.code else "plan.column.task"), "row"),
    )


def _name_row(
    name: object, line: PlanLine | Judged, task: object, tasks: Mapping[str, int]
) -> tuple[object, ...]:
    """Return the task, or its number, after the name of the unit if it is of one."""
    if not line.unit:
        return (task,)
    if tasks:
        return (name, str(tasks[line.task]))
    return (make_text("annex.plan.of_unit", unit=name, task=task),)


def _is_told(line: PlanLine, name: str, usual: Usual) -> bool:
    """Return whether a cell of a line says something that its task does not say already."""
    value = getattr(line, name)
    if name == "status":
        return bool(value != "proposed")
    is_usual = name in OFFICE and line.task in usual and value == getattr(usual[line.task], name)
    return bool(value) and not is_usual


def _list_filled(lines: Sequence[PlanLine], usual: Usual) -> list[str]:
    """Return the columns of words that are filled in: in charge, day, state, doubts."""
    names = (*OFFICE, "status", "note")
    return [name for name in names if any(_is_told(line, name, usual) for line in lines)]


def _make_column(name: str, is_unusual: bool = False) -> Column:
    """Return a column of words; a day is never cut."""
    word = f"{name}_other" if is_unusual and name in OFFICE else name
    return Column(make_text(f"annex.plan.column.{word}"), "number" if name == "due" else "text")


def line_columns(lines: Sequence[PlanLine], usual: Usual = NONE_USUAL) -> tuple[Column, ...]:
    """Return the columns of ``line_cells``."""
    return (
        Column(make_text("plan.column.task"), "text"),
        Column(make_text("annex.plan.column.indicator"), "text"),
        *(Column(make_text(name)) for name in LINE_NUMBERS),
        *(_make_column(name, bool(usual)) for name in _list_filled(lines, usual)),
    )


def line_cells(
    subject: Subject, line: PlanLine, lines: Sequence[PlanLine], usual: Usual = NONE_USUAL
) -> tuple[object, ...]:
    """Return a line of a table of lines: task, what shows it, by whom, until when, its state.

    Args:
        subject: The subject of the report.
        line: The line.
        lines: All lines of the table: columns that none fills are left out.
        usual: By task a line whose owner and day stand elsewhere: only others are told.
    """
    figure, words = f"plan:{line.id}", _word_line(subject, line)
    return (
        name_task(subject, line),
        name_indicator(subject, line.indicator, line.item),
        number_of(subject, figure, decimals=2),
        interval_of(subject, figure),
        number_of(subject, f"plan.target:{line.id}", decimals=2),
        number_of(subject, figure, "detectable", 1),
        *(
            words[name] if name == "status" or _is_told(line, name, usual) else None
            for name in _list_filled(lines, usual)
        ),
    )


def _word_line(subject: Subject, line: PlanLine) -> dict[str, object]:
    """Return who is in charge, until when, the state, and the numbers of the doubts."""
    numbers = [str(NOTES.index(word) + 1) for word in line.note.split()]
    return {
        "owner": name_owner(subject, line) or None,
        "due": line.due,
        "status": make_text(f"plan.status.{line.status}"),
        "note": ", ".join(numbers) or None,
    }


def note_doubts(lines: Sequence[PlanLine]) -> tuple[Text, ...]:
    """Explain the numbers of the doubts that some lines have."""
    words = {word for line in lines for word in line.note.split()}
    return tuple(
        make_text("annex.plan.doubt", number=str(number), why=make_text(f"plan.note.{word}"))
        for number, word in enumerate(NOTES, 1)
        if word in words
    )


def name_indicator(subject: Subject, indicator: str, item: str) -> object:
    """Return the code of the item that a line follows, or the name of its factor or indicator."""
    if indicator != SURVEY:
        return find_indicator(subject, indicator) or indicator
    if item == OVERALL:
        return make_text("report.level.overall")
    return item if item in subject.pack.items else subject.short_name(item)


# ── verdicts on earlier plans


def _show_verdicts(subject: Subject, tasks: Mapping[str, int]) -> list[Block]:
    """List the verdicts on each plan by each later wave; nothing where no plan is named."""
    judged = subject.figures.judged
    if not judged:
        return []
    blocks: list[Block] = [Paragraph(make_text("annex.verdicts.lead")), Bullets(EXPLANATIONS)]
    for waves in dict.fromkeys((row.before, row.after) for row in judged):
        rows = [row for row in judged if (row.before, row.after) == waves]
        over_units = [row for row in rows if row.kind == "measure"]
        blocks += [_tabulate_measures(subject, over_units, waves)] if over_units else []
        groups = _group_lines(subject, [row for row in rows if row.kind == "line"])
        blocks += [_tabulate_verdicts(subject, group, waves, tasks) for group in groups]
    return blocks


def _tabulate_verdicts(
    subject: Subject,
    group: Group[Judged],
    waves: tuple[str, str],
    tasks: Mapping[str, int],
) -> Table:
    """List the verdicts on the lines of the province or of a group."""
    columns = (*_name_columns(group, tasks), *verdict_columns()[1:])
    rows = tuple(
        (*_name_row(_name_unit(subject, row), row, task, tasks), *others)
        for row in group.lines
        for task, *others in [verdict_cells(subject, row)]
    )
    caption = make_text("annex.verdicts.table", group=group.name, **_name_years(subject, waves))
    name = f"table-verdicts-{'-'.join(waves)}-{group.code or 'province'}"
    return Table(name, caption, columns, rows)


def _name_unit(subject: Subject, row: Judged) -> object:
    """Name the unit of a verdict, with the unit of the plan where that has ended since."""
    name = list_marked_names(subject.figures).get(row.unit, row.unit)
    if row.unit_then == row.unit:
        return name
    then = find_wave(subject, row.before).unit_name(row.unit_then)
    return make_text("annex.verdicts.unit", unit=name, then=then)


def verdict_columns() -> tuple[Column, ...]:
    """Return the columns of ``verdict_cells``."""
    return (
        Column(make_text("plan.column.task"), "text"),
        Column(make_text("annex.plan.column.indicator"), "text"),
        *(Column(make_text(f"annex.verdicts.column.{name}")) for name in VERDICT_NUMBERS),
        Column(make_text("annex.verdicts.column.verdict"), "text"),
    )


def verdict_cells(subject: Subject, row: Judged) -> tuple[object, ...]:
    """Return task, item, change, change expected without the measure, the rest, the verdict."""
    numbers = [f"{kind}:{row.key}" for kind in ("verdict.change", "verdict.expected", "verdict")]
    return (
        name_task(subject, row),
        name_indicator(subject, SURVEY, row.item) if row.item else None,
        *(sign_number(number_of(subject, figure, decimals=2)) for figure in numbers),
        interval_of(subject, f"verdict:{row.key}"),
        name_verdict(row),
    )


def _tabulate_measures(subject: Subject, rows: list[Judged], waves: tuple[str, str]) -> Table:
    """List the verdicts on measures that several units took, over all of them together."""
    counts = ("units", "others")
    columns = (
        Column(make_text("annex.verdicts.column.measure"), "row"),
        *(Column(make_text(f"annex.verdicts.column.{name}")) for name in counts),
        *verdict_columns()[1:],
    )
    cells = tuple(
        (task, *(number_of(subject, f"verdict.{name}:{row.key}") for name in counts), *others)
        for row in rows
        for task, *others in [verdict_cells(subject, row)]
    )
    caption = make_text("annex.verdicts.measures", **_name_years(subject, waves))
    return Table(f"table-measures-{'-'.join(waves)}", caption, columns, cells)


def _name_years(subject: Subject, waves: tuple[str, str]) -> dict[str, object]:
    """Return the year of the plan and the year that judges it."""
    years = list_years(subject)
    return {"before": str(years[waves[0]]), "after": str(years[waves[1]])}
