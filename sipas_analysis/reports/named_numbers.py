"""Numbers of a report by the id of their figure, so that ``sipas verify`` can read them back."""

import math

from sipas_analysis.documents.model import FigureReference, Interval, Number
from sipas_analysis.reports.subject import Subject


def number_of(
    subject: Subject, figure_id: str, column: str = "value", decimals: int | None = 0
) -> Number:
    """Return a number of ``figures.csv`` as it is printed; a dash where it is hidden.

    Args:
        subject: Subject of the report.
        figure_id: Id of the figure.
        column: Column of ``figures.csv``.
        decimals: Digits after the point; None prints as many as the number has.

    Raises:
        KeyError: No figure has this id.
    """
    row = subject.figures.find(figure_id)
    if not row:
        raise KeyError(figure_id)
    value = row[column]
    if value is None or value == "" or math.isnan(float(value)):
        return Number(None)
    reference = FigureReference(figure_id, column, float(value))
    if column == "printed" or decimals is None:
        return Number(f"{float(value):g}" if decimals is None else str(value), 0, reference)
    return Number(float(value), decimals, reference)


def interval_of(subject: Subject, figure_id: str, decimals: int = 1) -> Interval:
    """Return the interval of a figure of ``figures.csv``; a dash where there is none."""
    row = subject.figures.find(figure_id)
    if not row:
        raise KeyError(figure_id)
    return Interval(float(row["low"]), float(row["high"]), decimals, figure_id)
