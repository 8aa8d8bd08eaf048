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
    """Share of people who met an incident, or want an improvement, with intervals."""
    survey, pack = subject.figures.survey, subject.pack
    blocks: list[Block] = []
    counted = [c for c, it in pack.indicators.items() if it.counted and c in survey.keys]
    asked = [code for code in counted if _may_show(subject, code)]
    for group in GROUPS:
        rows = [_count_incident(subject, c) for c in asked if pack.indicators[c].group == group]
        if group == "need":
            rows.sort(key=lambda row: -row[0])
        if rows:
            blocks.append(_tabulate_incidents(group, [cells for _, cells in rows]))
    unknown = [code for code in asked if pack.indicators[code].status == "unverified"]
    if unknown:
        names = Joined([subject.short_name(code) for code in unknown])
        blocks.append(Paragraph(make_text("report.incidents.unverified", names=names), "note"))
    if "weight" in survey.frame and blocks:
        blocks.append(Paragraph(make_text("report.incidents.unweighted"), "note"))
    if len(asked) < len(counted):
        limit = survey.wave.min_cell
        blocks.append(Paragraph(make_text("report.people.hidden", min_cell=limit), "note"))
    if not blocks:
        blocks.append(Paragraph(make_text("report.incidents.none"), "note"))
    return Section("incidents", make_text("report.chapter.incidents"), tuple(blocks))


def _may_show(subject: Subject, code: str) -> bool:
    """Say whether units may show a question: only if none rests on too few people (rule P2)."""
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
    n, k = len(answers), int(answers.isin(indicator.counted).sum())
    if n < subject.figures.survey.wave.min_cell:
        return 0.0, (subject.short_name(code), labels, make_text("report.suppressed"), None, n)
    low, high = exact_interval(np.array([float(k)]), np.array([float(n)]))
    shown = (Number(100 * k / n, 1), Interval(100 * low[0], 100 * high[0]), n)
    return k / n, (subject.short_name(code), labels, *shown)


def build_conclusion(subject: Subject) -> Section:
    """Repeat what the figures allow one to say, and nothing more."""
    whole = subject.own_figures[OVERALL]
    said = [
        make_text(
            "report.conclusion.index", value=percent_cell(whole), interval=interval_cell(whole)
        )
    ]
    points = Bullets((*(said if whole.is_known else []), *list_key_points(subject)))
    return Section("conclusion", make_text("report.chapter.conclusion"), (points,))


def build_measures(subject: Subject) -> Section:
    """Give one block of measures for each factor's weakest item; what matters and is weak first."""
    scores = subject.figures.scores
    key = scores["domain"] == ("unit" if subject.unit else "all")
    rows = scores[key & ((scores["unit"] == subject.unit) | (subject.unit == ""))]
    blocks: list[Block] = [
        Paragraph(make_text("report.measures.words", source=read_library().source), "note")
    ]
    frame = subject.figures.priority(subject.unit).frame.set_index("driver")
    place = dict(frame.sort_values("share", ascending=False)["quadrant"])
    order = [factor for name in ORDER for factor, it in place.items() if it == name]
    proposals = propose(Estimates(rows), subject.pack)
    for proposal in sorted(proposals, key=lambda it: [*order, it.factor].index(it.factor)):
        heading, *rest = _list_measures(subject, proposal)
        said = place.get(proposal.factor)
        shown = make_text("report.measures.place", place=make_text(f"report.quadrant.{said}"))
        blocks += [heading, *([Paragraph(shown)] if said else []), *rest]
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
    listed = tuple(
        make_text("report.measures.one", measure=one, indicator=one.indicator, data=one.data)
        for one in proposal.measures
    )
    return [heading, Paragraph(weakest), Bullets(listed)]
