"""The leaders' page: the index and how sure it is, who stands apart, what to do, what changed."""

from sipas_analysis.documents.model import Block, Bullets, Paragraph, Section, make_text
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.opening import list_key_points, state_index
from sipas_analysis.reports.subject import Subject


def build_leaders(subject: Subject) -> Section:
    """Answer on one page what a leader asks about a province or a unit."""
    whole = subject.own_figures[OVERALL]
    blocks: list[Block] = [Paragraph(state_index(whole), "lead" if whole.is_known else "warning")]
    points = list_key_points(subject)
    blocks += [Bullets(points)] if points else []
    return Section("leaders", make_text("report.chapter.leaders"), tuple(blocks))
