"""Who is more satisfied: the index of groups of respondents, and which groups surely differ."""

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Paragraph,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.published import list_figures
from sipas_analysis.reports.figure_tables import (
    caution_notes,
    drop_open_verdicts,
    estimate_cells,
    estimate_columns,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

MOST_ROWS = 18  # rows of the table; the questions that do not fit are in the annex
SURE = ("above", "below")


def describe_respondents(subject: Subject) -> list[Block]:
    """State which groups of respondents surely differ, and list the index of the main groups.

    Nothing if the survey asked nothing about the person. The report of a unit has no groups: too
    few people would stand behind each (rule P2).
    """
    table = subject.figures.respondents
    if subject.unit or table.empty or table["value"].isna().all():
        return []
    keys = choose_keys(table)
    rows = table[table["key"].isin(keys)]
    left_out = [key for key in dict.fromkeys(table["key"]) if key not in keys]
    names = Joined([_name_question(subject, key) for key in left_out], ", ")
    notes = (make_text("report.respondents.left_out", names=names),) if left_out else ()
    return [
        Paragraph(_state_differences(subject, table), "lead"),
        tabulate_respondents(subject, rows, notes),
    ]


def tabulate_respondents(
    subject: Subject, rows: pd.DataFrame, notes: tuple[Text, ...] = ()
) -> Table:
    """List groups of respondents: index, interval, people, and the difference from the index."""
    named = [
        (name_respondents(subject, key, label), figure)
        for key, label, figure in zip(rows["key"], rows["label"], list_figures(rows), strict=True)
    ]
    body = tuple(
        (name, *estimate_cells(figure), *_difference_cells(subject, figure.unit, verdict))
        for (name, figure), verdict in zip(named, rows["verdict"], strict=True)
    )
    columns = (
        *estimate_columns("report.column.respondents", subject),
        Column(make_text("report.column.beside_index")),
        Column(make_text("report.column.beyond_chance"), "text"),
    )
    caption = make_text("report.table.respondents")
    note = make_text("report.respondents.note")
    all_notes = (*caution_notes(named), note, *notes)
    return drop_open_verdicts(Table("table-respondents", caption, columns, body, all_notes))


def name_respondents(subject: Subject, key: str, label: str) -> Text:
    """Return the name of a group of respondents: the question and the answer."""
    indicator = subject.figures.labelled.instrument.indicators.get(key)
    answer: object = indicator.levels[label] if indicator else label
    question = _name_question(subject, key)
    return make_text("report.respondents.name", question=question, answer=answer)


def _name_question(subject: Subject, key: str) -> object:
    return subject.short_name(key) if key in subject.pack.indicators else key


def choose_keys(table: pd.DataFrame) -> list[str]:
    """Return questions for the table: those with a sure difference first, then in their order."""
    n_rows = table.groupby("key", sort=False).size()
    is_sure = table["verdict"].isin(SURE).groupby(table["key"], sort=False).any()
    chosen: list[str] = []
    for key in [*n_rows.index[is_sure], *n_rows.index[~is_sure]]:
        if not chosen or n_rows[[*chosen, key]].sum() <= MOST_ROWS:
            chosen.append(str(key))
    return chosen


def _state_differences(subject: Subject, table: pd.DataFrame) -> Text:
    """Name the groups whose index surely differs from the whole, with the difference."""
    named = table.loc[table["verdict"].isin(SURE), ["key", "label", "unit", "verdict"]]
    phrases = [
        make_text(
            "report.respondents.named",
            name=name_respondents(subject, key, label),
            points=_difference_cells(subject, unit, verdict)[0],
        )
        for key, label, unit, verdict in named.itertuples(index=False)
    ]
    if not phrases:
        return make_text("report.respondents.none")
    points = subject.name_measure("points")
    return make_text("report.respondents.some", names=Joined(phrases), points=points)


def _difference_cells(subject: Subject, unit: str, verdict: str) -> tuple[object, object]:
    """Return the difference of a group from the index in points, and whether it is sure."""
    if not verdict:
        return None, None
    points = number_of(subject, f"difference:overall@{unit}", decimals=2)
    is_above = round(float(points.value or 0), 2) > 0
    signed = make_text("report.change.signed", value=points) if is_above else points
    return signed, make_text(f"report.change.{'sure' if verdict in SURE else 'open'}")
