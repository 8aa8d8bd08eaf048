"""What the office's own records tell beside the survey: dossiers, steps, channels, petitions."""

from sipas_analysis.documents.model import Paragraph, Section, make_text
from sipas_analysis.reports.subject import Subject


def build_records(subject: Subject) -> Section:
    """State what the records of dossiers, petitions and publication tell."""
    blocks = (Paragraph(make_text("records.none")),) if subject else ()
    return Section("records", make_text("report.chapter.records"), blocks)
