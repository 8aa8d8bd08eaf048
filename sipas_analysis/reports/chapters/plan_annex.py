"""The annex on the plan: every line for the coming year, and the verdict on every earlier line."""

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
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.chapters.plan_lines import (
    find_indicator,
    list_years,
    name_task,
    name_verdict,
)
from sipas_analysis.reports.figure_tables import sign_number
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject, list_marked_names

Row = TypeVar("Row", PlanLine, Judged)
LINE_NUMBERS = (
    "annex.plan.column.baseline",
    "report.column.interval",
    "annex.plan.column.target",
    "annex.plan.column.detectable",
)
VERDICT_NUMBERS = ("change", "expected", "rest", "interval")
EXPLANATIONS = tuple(
    make_text(f"annex.verdicts.note.{name}") for name in ("change", "expected", "rest", "verdict")
)
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
    tables = [
        _tabulate_lines(subject, group)
        for group in _group_lines(subject, subject.figures.plan.records)
    ]
    explained = [Bullets((make_text("annex.plan.note.target"), WORDINGS))] if tables else []
    return [source, *explained, *tables, *_show_verdicts(subject)]


def _group_lines(subject: Subject, lines: Sequence[Row]) -> list[Group[Row]]:
    """Return the lines of the province, then those of each group of units, in their order."""
    units = subject.figures.survey.units
    groups = dict(zip(units["code"], units["group"], strict=True))
    by_group: dict[str, list[Row]] = {}
    for line in lines:
        by_group.setdefault(groups.get(line.unit, ""), []).append(line)
    whole = make_text("report.level.province")
    return [
        Group(code, subject.group_name(code) if code else whole, listed)
        for code, listed in by_group.items()
    ]


# ── the coming plan


def _tabulate_lines(subject: Subject, group: Group[PlanLine]) -> Table:
    """List the lines of the province or of a group; notes explain the numbers of doubts."""
    lines = group.lines
    columns = (_name_column(group), *line_columns(lines)[1:])
    names = list_marked_names(subject.figures)
    rows = tuple(
        (_name_row(names, line.unit, task), *others)
        for line in lines
        for task, *others in [line_cells(subject, line, lines)]
    )
    word = subject.figures.plan.kind
    caption = make_text(f"annex.plan.table.{word}", group=group.name)
    return Table(
        f"table-plan-{group.code or 'province'}", caption, columns, rows, note_doubts(lines)
    )


def _name_column(group: Group[Row]) -> Column:
    """Return the first column: the task, after the unit if the lines are of units."""
    return Column(make_text("annex.plan.column.line" if group.code else "plan.column.task"), "row")


def _name_row(names: Mapping[str, Bilingual], unit: str, task: object) -> object:
    """Return the task, after the unit if it is of one; of a unit that has ended since, its code."""
    if not unit:
        return task
    return make_text("annex.plan.of_unit", unit=names.get(unit, unit), task=task)


def _list_filled(lines: Sequence[PlanLine]) -> list[str]:
    """Return the columns of words that are filled in: in charge, day, state, doubts."""
    filled = [name for name in ("owner", "due") if any(getattr(line, name) for line in lines)]
    filled += ["status"] if any(line.status != "proposed" for line in lines) else []
    return filled + (["note"] if any(line.note for line in lines) else [])


def line_columns(lines: Sequence[PlanLine]) -> tuple[Column, ...]:
    """Return the columns of ``line_cells``."""
    return (
        Column(make_text("plan.column.task"), "text"),
        Column(make_text("annex.plan.column.indicator"), "text"),
        *(Column(make_text(name)) for name in LINE_NUMBERS),
        *(
            # a day is never cut
            Column(make_text(f"annex.plan.column.{name}"), "number" if name == "due" else "text")
            for name in _list_filled(lines)
        ),
    )


def line_cells(subject: Subject, line: PlanLine, lines: Sequence[PlanLine]) -> tuple[object, ...]:
    """Return a line of a table of lines: task, what shows it, by whom, until when, its state."""
    figure = f"plan:{line.id}"
    numbers = [str(NOTES.index(word) + 1) for word in line.note.split()]
    words: dict[str, object] = {
        "owner": line.owner or None,
        "due": line.due,
        "status": make_text(f"plan.status.{line.status}"),
        "note": ", ".join(numbers) or None,
    }
    return (
        name_task(subject, line),
        name_indicator(subject, line.indicator, line.item),
        number_of(subject, figure, decimals=2),
        interval_of(subject, figure),
        number_of(subject, f"plan.target:{line.id}", decimals=2),
        number_of(subject, figure, "detectable", 1),
        *(words[name] for name in _list_filled(lines)),
    )


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


def _show_verdicts(subject: Subject) -> list[Block]:
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
        blocks += [_tabulate_verdicts(subject, group, waves) for group in groups]
    return blocks


def _tabulate_verdicts(subject: Subject, group: Group[Judged], waves: tuple[str, str]) -> Table:
    """List the verdicts on the lines of the province or of a group."""
    columns = (_name_column(group), *verdict_columns()[1:])
    names = list_marked_names(subject.figures)
    rows = tuple(
        (_name_row(names, row.unit, task), *others)
        for row in group.lines
        for task, *others in [verdict_cells(subject, row)]
    )
    caption = make_text("annex.verdicts.table", group=group.name, **_name_years(subject, waves))
    name = f"table-verdicts-{'-'.join(waves)}-{group.code or 'province'}"
    return Table(name, caption, columns, rows)


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
