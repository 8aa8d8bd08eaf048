"""The letter to a unit: its index, its place and why it is not another, what to look at first."""

from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.publish.chapters.frame import Subject, extremes, reason_text
from sipas_analysis.publish.chapters.opening import WEAKEST, index_text, key_points
from sipas_analysis.publish.chapters.ranking import places
from sipas_analysis.publish.chapters.results import factor_table
from sipas_analysis.publish.document import Block, Bullets, Paragraph, Section, say_it


def letter(subject: Subject) -> Section:
    """Tell a unit what was found, in one page; every figure is that of its report."""
    wave, whole = subject.figures.survey.wave, subject.own[OVERALL]
    blocks: list[Block] = [
        Paragraph(say_it("letter.opening", title=wave.title)),
        Paragraph(index_text(whole), "lead" if whole.known else "warning"),
    ]
    placed = places(subject)
    order = subject.figures.order(subject.group)
    own = next(one for one in order if one.unit == subject.unit)
    if not placed and own.rank is None and whole.known:
        placed = [Paragraph(say_it("report.rank.none", reason=reason_text(subject, own)))]
    blocks += placed
    points = key_points(subject)
    blocks += [Paragraph(say_it("letter.points")), Bullets(points)] if points else []
    named = [one.variable for one in extremes(subject, [*subject.pack.items])[:WEAKEST]]
    if any(subject.pack.items[code].status != "sourced" for code in named):
        blocks.append(Paragraph(say_it("letter.mark"), "note"))
    blocks += [factor_table(subject), Paragraph(say_it("letter.closing"))]
    name = subject.unit_name(subject.unit)
    return Section("letter", say_it("letter.to", unit=name), tuple(blocks))
