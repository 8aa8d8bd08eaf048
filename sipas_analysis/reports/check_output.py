"""What ``sipas check`` prints and writes: changes while reading, findings, gaps in the data."""

from collections.abc import Iterator

import pandas as pd

from sipas_analysis.collect.quality import check
from sipas_analysis.collect.survey import Survey
from sipas_analysis.messages import Language, say

MANY_BLANK = 20.0  # percent of forms
FINDING_COLUMNS = ["rule", "unit_name", "count", "n", "expected_percent", "low", "p_holm"]
Lines = Iterator[tuple[str, pd.DataFrame | None]]  # a sentence, or a title with its table


def describe_check(survey: Survey, language: Language) -> Lines:
    """Yield sentences, and tables with their titles, in the order in which they are printed."""
    if survey.ledger.empty:
        yield say(language, "cli.said.nothing_changed"), None
    else:
        counts = survey.ledger.groupby(["file", "reason"])["column"]
        table = counts.agg(columns="nunique", cells="size").reset_index()
        table["reason"] = [say(language, f"ledger.{reason}") for reason in table["reason"]]
        yield say(language, "cli.table.ledger"), table
    noticed = check(survey).noticed()
    if noticed.empty:
        yield say(language, "cli.said.no_findings"), None
    else:
        yield say(language, "cli.said.findings"), noticed[FINDING_COLUMNS].round(4)
    yield from _describe_gaps(survey, language)


def _describe_gaps(survey: Survey, language: Language) -> Lines:
    """Name units without forms, and items that many people left blank."""
    sent = set(survey.frame["unit"])
    silent = [name for code, name in survey.unit_names.items() if code not in sent]
    if silent:
        yield say(language, "cli.said.silent", n=len(silent), names="; ".join(silent)), None
    blank = 100 * survey.frame[[*survey.instrument.items]].isna().mean()
    many_blank = blank[blank >= MANY_BLANK]
    if len(many_blank):
        items = ", ".join(f"{code} ({percent:.0f} %)" for code, percent in many_blank.items())
        yield say(language, "cli.said.many_blank", items=items), None


def list_check_tables(survey: Survey) -> dict[str, pd.DataFrame]:
    """Return the tables of a check, by file name: changes by column, and findings.

    Findings of units whose figures are withheld stay out (rule P2).
    """
    from sipas_analysis.figures.published import Figures  # imports measure and explain

    changes = survey.ledger.groupby(["file", "column", "reason"], sort=True)["row"]
    ledger = changes.agg(n="size", first_row="min").reset_index()
    return {"ledger": ledger, "quality": Figures(survey).findings.to_frame()}
