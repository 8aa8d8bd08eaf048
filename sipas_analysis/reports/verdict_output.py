"""What ``sipas verdict`` prints: the verdict on each line and measure of earlier plans."""

from collections.abc import Iterator

import pandas as pd

from sipas_analysis.documents.model import Paragraph, Table
from sipas_analysis.errors import ConfigError, Place
from sipas_analysis.figures.published import Figures
from sipas_analysis.messages import Language
from sipas_analysis.reports.chapters.plan_annex import show_verdicts
from sipas_analysis.reports.figure_tables import tabulate_text
from sipas_analysis.reports.subject import Subject


def find_verdicts(figures: Figures) -> pd.DataFrame:
    """Return the verdicts on the plans that a wave names.

    Raises:
        ConfigError: The wave names no plan, or one that is not of an earlier wave.
        PlanError: A plan cannot be read.
    """
    if figures.verdicts is None:
        path = figures.survey.wave.path
        raise ConfigError("no_plan", [Place(path.name)], ("plan",), name=path.name)
    return figures.verdicts


def describe_verdicts(
    figures: Figures, language: Language
) -> Iterator[tuple[str, pd.DataFrame | None]]:
    """Yield the tables of the annex with their titles, then what their columns mean, once."""
    notes: dict[str, None] = {}
    for block in show_verdicts(Subject(figures)):
        if isinstance(block, Paragraph):
            yield block.text.text(language), None
        elif isinstance(block, Table):
            yield block.caption.text(language), tabulate_text(block, language)
            notes |= dict.fromkeys(note.text(language) for note in block.notes)
    for note in notes:
        yield note, None
