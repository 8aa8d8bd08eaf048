"""The letter to a unit: its index, its rank with the reason, and what to improve first."""

from sipas_analysis.documents.model import Block, Bullets, Paragraph, Section, make_text
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.opening import N_WEAKEST, list_key_points, state_index
from sipas_analysis.reports.chapters.ranking import explain_rank
from sipas_analysis.reports.chapters.results import factor_table
from sipas_analysis.reports.figure_tables import explain_no_rank, sort_known_figures
from sipas_analysis.reports.subject import Subject


def build_letter(subject: Subject) -> Section:
    """State the results of a unit on one page, with the figures of its report."""
    wave, whole = subject.figures.survey.wave, subject.own_figures[OVERALL]
    blocks: list[Block] = [
        Paragraph(make_text("letter.opening", title=wave.title)),
        Paragraph(state_index(whole), "lead" if whole.is_known else "warning"),
    ]
    rank_blocks = explain_rank(subject)
    unit_index = subject.ranked_index
    if not rank_blocks and unit_index.rank is None and not unit_index.mark and whole.is_known:
        reason = explain_no_rank(subject, unit_index)
        rank_blocks = [Paragraph(make_text("report.rank.none", reason=reason))]
    blocks += rank_blocks
    points = list_key_points(subject)
    blocks += [Paragraph(make_text("letter.points")), Bullets(points)] if points else []
    items = sort_known_figures(subject, [*subject.pack.items])
    weakest = [figure.variable for figure in items[:N_WEAKEST]]
    if any(map(subject.pack.is_unattributed, weakest)):
        blocks.append(Paragraph(make_text("letter.mark"), "note"))
    blocks += [factor_table(subject), Paragraph(make_text("letter.closing"))]
    name = subject.unit_name(subject.unit)
    return Section("letter", make_text("letter.to", unit=name), tuple(blocks))
