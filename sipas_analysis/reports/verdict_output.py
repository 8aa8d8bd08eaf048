"""What ``sipas verdict`` prints: the verdict on each measure and line of earlier plans."""

from collections.abc import Iterator

import pandas as pd

from sipas_analysis.documents.model import make_text, render_text
from sipas_analysis.errors import ConfigError, Place, shorten
from sipas_analysis.figures.published import Figures
from sipas_analysis.messages import Language, say
from sipas_analysis.reports.chapters.plan_annex import EXPLANATIONS, verdict_cells
from sipas_analysis.reports.chapters.plan_lines import list_judged, name_task
from sipas_analysis.reports.subject import Subject, list_marked_names

COLUMNS = ("item", "change", "expected", "rest", "interval", "verdict")


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
    for (before, after), rows in find_verdicts(figures).groupby(["before", "after"], sort=False):
        for kind in ("measure", "line"):
            part = rows[rows["kind"] == kind]
            if len(part):
                title = say(language, f"cli.table.verdicts.{kind}", before=before, after=after)
                yield title, _tabulate(subject, part, language)
    for text in EXPLANATIONS:
        yield text.text(language), None


def _tabulate(subject: Subject, rows: pd.DataFrame, language: Language) -> pd.DataFrame:
    """Return verdicts as texts: the unit, or the measure, then the numbers and the verdict."""
    names: dict[str, object] = {**list_marked_names(subject.figures)}
    names[""] = make_text("report.level.province")
    tasks = {
        judged.key: shorten(render_text(name_task(subject, judged), language))
        for judged in list_judged(subject)
    }
    cells = [
        [tasks[str(row["key"])], row["n_units"], *verdict_cells(subject, row)[1:]]
        if row["kind"] == "measure"
        else [names[str(row["unit"])], *verdict_cells(subject, row)[1:]]
        for row in rows.to_dict("records")
    ]
    heads = ["task", "n_units"] if rows["kind"].iloc[0] == "measure" else ["unit_name"]
    texts = [[render_text(cell, language) for cell in row] for row in cells]
    return pd.DataFrame(texts, columns=[*heads, *COLUMNS])
