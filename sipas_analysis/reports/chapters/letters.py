"""The letter to a unit: its index, its place and why it is not another, what to look at first."""

from sipas_analysis.documents.model import Block, Bullets, Paragraph, Section, make_text
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.opening import N_WEAKEST, list_key_points, state_index
from sipas_analysis.reports.chapters.ranking import explain_rank
from sipas_analysis.reports.chapters.results import factor_table
from sipas_analysis.reports.figure_tables import explain_no_rank, sort_known_figures
from sipas_analysis.reports.subject import Subject


def build_letter(subject: Subject) -> Section:
    """Tell a unit what was found, in one page; every figure is that of its report."""
    wave, whole = subject.figures.survey.wave, subject.own_figures[OVERALL]
    blocks: list[Block] = [
        Paragraph(make_text("letter.opening", title=wave.title)),
        Paragraph(state_index(whole), "lead" if whole.is_known else "warning"),
    ]
    placed = explain_rank(subject)
    order = subject.figures.units_in_order(subject.group)
    own = next(one for one in order if one.unit == subject.unit)
    if not placed and own.rank is None and whole.is_known:
        placed = [Paragraph(make_text("report.rank.none", reason=explain_no_rank(subject, own)))]
    blocks += placed
    points = list_key_points(subject)
    blocks += [Paragraph(make_text("letter.points")), Bullets(points)] if points else []
    named = [one.variable for one in sort_known_figures(subject, [*subject.pack.items])[:N_WEAKEST]]
    if any(subject.pack.items[code].status != "sourced" for code in named):
        blocks.append(Paragraph(make_text("letter.mark"), "note"))
    blocks += [factor_table(subject), Paragraph(make_text("letter.closing"))]
    name = subject.unit_name(subject.unit)
    return Section("letter", make_text("letter.to", unit=name), tuple(blocks))
