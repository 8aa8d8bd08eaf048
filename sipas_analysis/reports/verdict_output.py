"""What ``sipas verdict`` prints: the verdict on each measure and line of earlier plans."""

from collections.abc import Iterator, Sequence

import pandas as pd

from sipas_analysis.documents.model import make_text, render_text
from sipas_analysis.errors import ConfigError, Place, shorten
from sipas_analysis.figures.plan_records import Judged
from sipas_analysis.figures.published import Figures
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.chapters.plan_annex import EXPLANATIONS, verdict_cells
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, list_marked_names

COLUMNS = ("followed", "change", "without_measure", "difference", "interval", "verdict")


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
    """Yield, for each plan and each later wave, measures of several units, then every line."""
    subject = Subject(figures)
    judged = subject.figures.judged
    for before, after in dict.fromkeys((row.before, row.after) for row in judged):
        of_pair = [row for row in judged if (row.before, row.after) == (before, after)]
        for kind in ("measure", "line"):
            rows = [row for row in of_pair if row.kind == kind]
            if rows:
                title = say(language, f"cli.table.verdicts.{kind}", before=before, after=after)
                yield title, _tabulate(subject, rows, language)
    for text in EXPLANATIONS:
        yield text.text(language), None


def _tabulate(subject: Subject, rows: Sequence[Judged], language: Language) -> pd.DataFrame:
    """Return verdicts as texts: the unit, or the measure, then the numbers and the verdict."""
    names: dict[str, object] = {**list_marked_names(subject.figures)}
    names[""] = make_text("report.level.province")
    cells: list[list[object]] = []
    for row in rows:
        task, *others = verdict_cells(subject, row)
        n_units = number_of(subject, f"verdict.units:{row.key}")
        of_measure = [shorten(render_text(task, language)), n_units]
        of_line = [row.id, names[row.unit]]
        cells.append([*(of_measure if row.kind == "measure" else of_line), *others])
    heads = ["task", "n_units"] if rows[0].kind == "measure" else ["line", "unit_name"]
    texts = [[render_text(cell, language) for cell in row] for row in cells]
    return pd.DataFrame(texts, columns=[*heads, *COLUMNS])
