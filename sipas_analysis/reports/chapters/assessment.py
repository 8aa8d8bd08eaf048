"""The assessment: strengths, weaknesses and causes, only as far as the answers show them."""

from sipas_analysis.documents.model import Paragraph, Section, make_text
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.opening import state_index
from sipas_analysis.reports.subject import Subject


def build_assessment(subject: Subject) -> Section:
    """Judge with reference to the tables what is surely good, surely weak, and what is unknown."""
    blocks = (Paragraph(state_index(subject.own_figures[OVERALL])),)
    return Section("assessment", make_text("report.chapter.assessment"), blocks)
