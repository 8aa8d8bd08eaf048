"""The annex on what people met and want: experiences, incidents and needs, with intervals."""

from collections.abc import Sequence

import numpy as np

from sipas_analysis.documents.model import (
    Block,
    Column,
    Interval,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    make_text,
)
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.reports.subject import Subject

GROUPS = ("experience", "incident", "need")


def build_incidents(subject: Subject) -> Section:
    """Show the share of people who met an incident, or want an improvement, with intervals."""
    survey, pack = subject.figures.survey, subject.pack
    answered = [
        code
        for code, indicator in pack.indicators.items()
        if indicator.counted and code in survey.keys
    ]
    shown = [code for code in answered if _may_show(subject, code)]
    blocks: list[Block] = []
    for group in GROUPS:
        codes = [code for code in shown if pack.indicators[code].group == group]
        rows = [_count_incident(subject, code) for code in codes]
        if group == "need":
            rows.sort(key=lambda row: -row[0])
        if rows:
            blocks.append(_tabulate_incidents(group, [cells for _, cells in rows]))
    unverified = [code for code in shown if pack.indicators[code].status == "unverified"]
    if unverified:
        names = Joined([subject.short_name(code) for code in unverified])
        blocks.append(Paragraph(make_text("report.incidents.unverified", names=names), "note"))
    if "weight" in survey.frame and blocks:
        blocks.append(Paragraph(make_text("report.incidents.unweighted"), "note"))
    if len(shown) < len(answered):
        limit = survey.wave.min_cell
        blocks.append(Paragraph(make_text("report.people.hidden", min_cell=limit), "note"))
    if not blocks:
        blocks.append(Paragraph(make_text("report.incidents.none"), "note"))
    return Section("incidents", make_text("report.chapter.incidents"), tuple(blocks))


def _may_show(subject: Subject, code: str) -> bool:
    """Return whether units may show a question: only if none has too few people (rule P2)."""
    survey = subject.figures.survey
    answered = survey.frame[code].notna().groupby(survey.frame["unit"]).sum()
    small = (answered > 0) & (answered < survey.wave.min_cell)
    return not subject.unit or not small.any()


def _tabulate_incidents(group: str, rows: Sequence[tuple[object, ...]]) -> Table:
    columns = (
        Column(make_text("report.column.question"), "row"),
        Column(make_text("report.column.answer"), "text"),
        Column(make_text("report.column.share")),
        Column(make_text("report.column.interval")),
        Column(make_text("report.column.n_valid")),
    )
    return Table(f"table-{group}", make_text(f"report.table.{group}"), columns, tuple(rows))


def _count_incident(subject: Subject, code: str) -> tuple[float, tuple[object, ...]]:
    """Return the share of one indicator, to sort by, and its row."""
    indicator = subject.pack.indicators[code]
    answers = subject.forms[code].dropna()
    labels = Joined([indicator.levels[level] for level in indicator.counted], " / ")
    survey = subject.figures.survey
    chosen = [survey.has_choice(code, level)[answers.index] for level in indicator.counted]
    n, k = len(answers), int(np.logical_or.reduce(chosen).sum())
    if n < survey.wave.min_cell:
        return 0.0, (subject.short_name(code), labels, make_text("report.suppressed"), None, n)
    low, high = exact_interval(np.array([float(k)]), np.array([float(n)]))
    share = Number(100 * k / n, 1), Interval(100 * low[0], 100 * high[0])
    return k / n, (subject.short_name(code), labels, *share, n)
