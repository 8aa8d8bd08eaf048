"""The chapters that lead to action: drivers, needs and incidents, conclusion, measures."""

from collections.abc import Sequence

import numpy as np

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Interval,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    make_text,
)
from sipas_analysis.improve.actions import Proposal, propose, read_library
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.infer.intervals import exact_interval
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.opening import list_key_points
from sipas_analysis.reports.figure_tables import interval_cell, percent_cell
from sipas_analysis.reports.subject import Subject

ALL = "100.00"
GROUPS = ("experience", "incident", "need")
ORDER = ("fix", "undecided", "watch", "keep", "enough")


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


def build_conclusion(subject: Subject) -> Section:
    """Repeat the index and the key points, and nothing more."""
    whole = subject.own_figures[OVERALL]
    percent, interval = percent_cell(whole), interval_cell(whole)
    index = make_text("report.conclusion.index", value=percent, interval=interval)
    points = Bullets((*([index] if whole.is_known else []), *list_key_points(subject)))
    return Section("conclusion", make_text("report.chapter.conclusion"), (points,))


def build_measures(subject: Subject) -> Section:
    """List measures for each factor's weakest item; important and weak factors first."""
    scores = subject.figures.scores
    rows = scores[scores["domain"] == ("unit" if subject.unit else "all")]
    rows = rows[rows["unit"] == subject.unit] if subject.unit else rows
    blocks: list[Block] = []
    matrix = subject.figures.priority(subject.unit).frame.set_index("variable")
    quadrants = dict(matrix.sort_values("share", ascending=False)["quadrant"])
    order = [factor for name in ORDER for factor, quadrant in quadrants.items() if quadrant == name]
    proposals = propose(Estimates(rows), subject.pack)
    if any(proposal.measures for proposal in proposals):
        words = make_text("report.measures.words", source=read_library().source)
        blocks.append(Paragraph(words, "note"))
    elif not proposals:
        blocks.append(Paragraph(make_text("report.measures.no_factor"), "note"))
    for proposal in sorted(
        proposals, key=lambda proposal: [*order, proposal.factor].index(proposal.factor)
    ):
        heading, *measures = _list_measures(subject, proposal)
        blocks.append(heading)
        if proposal.factor in quadrants:
            place = make_text(f"report.quadrant.{quadrants[proposal.factor]}")
            blocks.append(Paragraph(make_text("report.measures.place", place=place)))
        blocks += measures
    return Section("measures", make_text("report.chapter.measures"), tuple(blocks))


def _list_measures(subject: Subject, proposal: Proposal) -> list[Block]:
    heading = Paragraph(
        make_text("report.measures.factor", name=subject.short_name(proposal.factor)), "heading"
    )
    if not proposal.item:
        return [heading, Paragraph(make_text("report.measures.no_item"), "note")]
    weakest = make_text(
        "report.measures.weakest" if proposal.clear else "report.measures.weakest_unsure",
        item=subject.item_name(proposal.item),
        value=Number(proposal.printed),
        interval=Interval(proposal.low, proposal.high),
    )
    if proposal.printed == ALL:
        return [heading, Paragraph(make_text("report.measures.all_satisfied"), "note")]
    if not proposal.measures:
        return [heading, Paragraph(weakest), Paragraph(make_text("report.measures.none"), "note")]
    measures = tuple(
        make_text(
            "report.measures.one",
            measure=measure,
            indicator=measure.indicator,
            data=measure.data,
        )
        for measure in proposal.measures
    )
    return [heading, Paragraph(weakest), Bullets(measures)]
