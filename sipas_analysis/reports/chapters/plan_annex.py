"""The annex on the plan: every line for the coming year, and the verdict on every earlier line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Paragraph,
    Table,
    Text,
    make_text,
)
from sipas_analysis.improve.plan import SURVEY
from sipas_analysis.improve.plan_words import PlanWords
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.trend import explain_break
from sipas_analysis.reports.figure_tables import sign_number
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject, list_marked_names

Line = Mapping[str, object]  # a row of a plan or of verdicts
LINE_NUMBERS = ("baseline", "interval", "target", "detectable")
VERDICT_NUMBERS = ("change", "expected", "rest", "interval")
PLAN_REASONS = {  # others are why two years may not be compared
    *("dropped", "not_survey", "no_baseline", "not_started", "due"),
    *("few_others", "whole_province"),
}
EXPLANATIONS = tuple(
    make_text(f"annex.verdicts.note.{name}") for name in ("change", "expected", "rest", "verdict")
)
WORDINGS = make_text("annex.plan.note.codes", name=make_text("annex.chapter.items"))


class Group(NamedTuple):
    """Lines that stand in one table: those of the province, or of the units of one group."""

    code: str
    name: object
    lines: pd.DataFrame


def show_plan(subject: Subject) -> list[Block]:
    """List every line of the coming plan, or every proposal, then the verdicts on earlier plans."""
    plan = subject.figures.plan
    word = "proposals" if plan.is_proposal else "plan"
    source = Paragraph(make_text(f"annex.plan.of.{word}", file=plan.source))
    groups = _group_lines(subject, plan.frame)
    return [
        source,
        *(_tabulate_lines(subject, group) for group in groups),
        *_show_verdicts(subject),
    ]


def _group_lines(subject: Subject, lines: pd.DataFrame) -> Iterator[Group]:
    """Yield the lines of the province, then those of each group of units, in their order."""
    units = subject.figures.survey.units
    groups = lines["unit"].map(dict(zip(units["code"], units["group"], strict=True))).fillna("")
    for code in dict.fromkeys(groups):
        name = subject.group_name(code) if code else make_text("report.level.province")
        yield Group(str(code), name, lines[groups == code])


# ── the coming plan


def _tabulate_lines(subject: Subject, group: Group) -> Table:
    """List the lines of the province or of a group."""
    filled = list_filled(group.lines)
    columns = (Column(make_text("annex.plan.column.line"), "row"), *line_columns(filled))
    rows = tuple(
        (_name_line(subject, line), *line_cells(subject, line, filled))
        for line in group.lines.to_dict("records")
    )
    word = "proposals" if subject.figures.plan.is_proposal else "plan"
    caption = make_text(f"annex.plan.table.{word}", group=group.name)
    notes = (make_text("annex.plan.note.target"), WORDINGS)
    return Table(f"table-plan-{group.code or 'province'}", caption, columns, rows, notes)


def list_filled(lines: pd.DataFrame) -> list[str]:
    """Return the columns of words that somebody filled in: who is responsible, and by when."""
    return [name for name in ("owner", "due") if any(map(_is_filled, lines[name]))]


def _is_filled(cell: object) -> bool:
    return bool(cell) and not pd.isna(cell)


def line_columns(filled: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns of ``line_cells``."""
    return (
        Column(make_text("plan.column.task"), "text"),
        Column(make_text("annex.plan.column.indicator"), "text"),
        *(Column(make_text(f"annex.plan.column.{name}")) for name in LINE_NUMBERS),
        *(Column(make_text(f"plan.column.{name}"), "text") for name in filled),
        Column(make_text("plan.column.status"), "text"),
    )


def line_cells(subject: Subject, line: Line, filled: Sequence[str]) -> tuple[object, ...]:
    """Return what is to be done, what would show it, by whom, until when and how it stands."""
    figure = f"plan:{line['id']}"
    words = [make_text(f"plan.note.{word}") for word in str(line["note"]).split()]
    state = make_text(f"plan.status.{line['status']}")
    return (
        line["task"],
        name_indicator(subject, line),
        number_of(subject, figure, decimals=2),
        interval_of(subject, figure),
        number_of(subject, f"plan.target:{line['id']}", decimals=2),
        number_of(subject, figure, "detectable", 1),
        *(line[name] if _is_filled(line[name]) else None for name in filled),
        Joined([state, *words]),
    )


def name_indicator(subject: Subject, line: Line) -> object:
    """Return the code of the item that a line follows, or the name of its factor or indicator."""
    if line.get("indicator", SURVEY) != SURVEY:
        words = PlanWords(subject.figures.survey).labels["indicator"]
        return words.get(str(line["indicator"]), line["indicator"])
    item = str(line["item"])
    if item == OVERALL:
        return make_text("report.level.overall")
    return item if item in subject.pack.items else subject.short_name(item)


def _name_line(subject: Subject, line: Line) -> object:
    """Return the id of a line, after the name of its unit if it is of one."""
    unit = str(line["unit"])
    names = list_marked_names(subject.figures)
    return Joined([names.get(unit, unit), line["id"]], ", ") if unit else line["id"]


# ── verdicts on earlier plans


def _show_verdicts(subject: Subject) -> list[Block]:
    """List the verdicts on each plan by each later wave; nothing where no plan is named."""
    verdicts = subject.figures.verdicts
    if verdicts is None:
        return []
    blocks: list[Block] = [Paragraph(make_text("annex.verdicts.lead"))]
    for (before, after), rows in verdicts.groupby(["before", "after"], sort=False):
        of_lines = rows[rows["kind"] == "line"]
        groups = _group_lines(subject, of_lines)
        blocks += [_tabulate_verdicts(subject, group, (before, after)) for group in groups]
        over_units = rows[rows["kind"] == "measure"]
        if len(over_units):
            blocks.append(_tabulate_measures(subject, over_units, (before, after)))
    return blocks


def _tabulate_verdicts(subject: Subject, group: Group, waves: tuple[str, str]) -> Table:
    """List the verdicts on the lines of the province or of a group."""
    columns = (Column(make_text("annex.plan.column.line"), "row"), *verdict_columns())
    rows = tuple(
        (_name_line(subject, line), *verdict_cells(subject, line))
        for line in group.lines.to_dict("records")
    )
    caption = make_text("annex.verdicts.table", group=group.name, **_name_years(subject, waves))
    name = f"table-verdicts-{'-'.join(waves)}-{group.code or 'province'}"
    return Table(name, caption, columns, rows, (*EXPLANATIONS, WORDINGS))


def verdict_columns() -> tuple[Column, ...]:
    """Return the columns of ``verdict_cells``."""
    return (
        Column(make_text("plan.column.task"), "text"),
        Column(make_text("annex.plan.column.indicator"), "text"),
        *(Column(make_text(f"annex.verdicts.column.{name}")) for name in VERDICT_NUMBERS),
        Column(make_text("annex.verdicts.column.verdict"), "text"),
    )


def verdict_cells(subject: Subject, line: Line) -> tuple[object, ...]:
    """Return task, item, change, change expected without the measure, the rest, the verdict."""
    key = line["key"]
    numbers = [f"verdict.change:{key}", f"verdict.expected:{key}", f"verdict:{key}"]
    return (
        line["task"],
        name_indicator(subject, line),
        *(sign_number(number_of(subject, figure, decimals=2)) for figure in numbers),
        interval_of(subject, f"verdict:{key}"),
        name_verdict(line),
    )


def name_verdict(line: Line) -> Text:
    """Return the words of a verdict, with the reason where it cannot be told or is too early."""
    word, reason = make_text(f"judged.{line['verdict']}"), str(line["reason"])
    if not reason:
        return word
    why = make_text(f"judged.why.{reason}") if reason in PLAN_REASONS else explain_break(reason)
    return make_text("judged.with_reason", verdict=word, why=why)


def _tabulate_measures(subject: Subject, rows: pd.DataFrame, waves: tuple[str, str]) -> Table:
    """List the verdicts on measures that several units took, over all of them together."""
    counts = ("units", "others")
    _task, *others = verdict_columns()
    columns = (
        Column(make_text("plan.column.measure"), "row"),
        *(Column(make_text(f"annex.verdicts.column.{name}")) for name in counts),
        *others,
    )
    measures = PlanWords(subject.figures.survey).labels["measure"]
    cells = tuple(
        (
            measures.get(line["measure"], line["measure"]),
            *(number_of(subject, f"verdict.{name}:{line['key']}") for name in counts),
            *verdict_cells(subject, line)[1:],
        )
        for line in rows.to_dict("records")
    )
    caption = make_text("annex.verdicts.measures", **_name_years(subject, waves))
    return Table(f"table-measures-{'-'.join(waves)}", caption, columns, cells, EXPLANATIONS)


def _name_years(subject: Subject, waves: tuple[str, str]) -> dict[str, object]:
    """Return the year of the plan and the year that judges it."""
    figures = subject.figures
    years = {
        tables.survey.wave.id: str(tables.survey.wave.year)
        for tables in (*figures.earlier, figures)
    }
    return {"before": years[waves[0]], "after": years[waves[1]]}
