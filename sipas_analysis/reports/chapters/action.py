"""The chapters that lead to action: drivers, needs and incidents, conclusion, measures."""

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Interval,
    Number,
    Paragraph,
    Section,
    make_text,
)
from sipas_analysis.improve.actions import Proposal, propose, read_library
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.opening import list_key_points
from sipas_analysis.reports.figure_tables import interval_cell, percent_cell
from sipas_analysis.reports.subject import Subject

ALL = "100.00"
ORDER = ("fix", "undecided", "watch", "keep", "enough")


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


def build_last_measures(subject: Subject) -> Section:
    """State what changed since last year; no register of measures is given yet."""
    blocks = (Paragraph(make_text("report.last_measures.no_register")),)
    return Section("last_measures", make_text("report.chapter.last_measures"), blocks)


def build_proposals(subject: Subject) -> Section:
    """Ask for what the publisher of the survey can ask for."""
    blocks = (Paragraph(make_text("report.proposals.study")),)
    return Section("proposals", make_text("report.chapter.proposals"), blocks)
