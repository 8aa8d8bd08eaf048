"""What is said at the end of a run to whoever signs: it stands in no document to be signed."""

from collections.abc import Iterator

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.model import render_text
from sipas_analysis.figures.published import figures_of
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.opening import state_reservations
from sipas_analysis.reports.small_units import describe_hidden
from sipas_analysis.reports.subject import Subject


def describe_before_signing(survey: Survey, language: Language) -> Iterator[tuple[str, None]]:
    """Name the units hidden to protect others, and say what to note before signing."""
    yield from describe_hidden(survey, language)
    for text in state_reservations(Subject(figures_of(survey))):
        yield render_text(text, language), None
