"""The assessment: strengths, weaknesses and causes, only as far as the answers show them."""

from collections.abc import Sequence

import pandas as pd

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Joined,
    Paragraph,
    Section,
    Text,
    make_text,
)
from sipas_analysis.reports.chapters.drivers import list_sure_factors
from sipas_analysis.reports.chapters.incidents import state_incidents
from sipas_analysis.reports.chapters.leaders import number_magnitude
from sipas_analysis.reports.chapters.record_summary import count_late
from sipas_analysis.reports.figure_tables import explain_other_scales
from sipas_analysis.reports.subject import Subject, list_some

MOST_NAMED = 3  # factors, items or units that a sentence names; more are counted
MOST_LOW_ITEMS = 12  # items surely below the index: the page for leaders counts some of them only
KINDS = {"factor": "figures", "item": "items", "unit": "units"}


def build_assessment(subject: Subject) -> Section:
    """State what is surely above and below the index, incidents, and that causes are not known."""
    blocks: list[Block] = []
    sides = {
        "strengths": _judge(subject, "above"),
        "weaknesses": [*_judge(subject, "below"), *state_incidents(subject), *count_late(subject)],
    }
    part = subject.find_numeral("records") if subject.figures.records else ""
    cause = make_text(f"assessment.no_cause{'_in_records' if part else ''}", part=part)
    for name, texts in sides.items():
        blocks += [Paragraph(make_text(f"assessment.{name}"), "heading"), Bullets(tuple(texts))]
    if state_incidents(subject) and "weight" in subject.figures.survey.frame:
        blocks.append(Paragraph(make_text("report.incidents.unweighted"), "note"))
    blocks += [Paragraph(text, "note") for text in explain_other_scales(subject)]
    blocks += [
        Paragraph(make_text("assessment.causes"), "heading"),
        Paragraph(cause),
        Bullets(tuple(_list_hints(subject))),
    ]
    return Section("assessment", make_text("report.chapter.assessment"), tuple(blocks))


def _judge(subject: Subject, verdict: str) -> list[Text]:
    """Name the factors, items and units that are surely on one side of the index (rule R7)."""
    gaps = subject.figures.index_gaps
    sure = gaps[gaps["verdict"] == verdict]
    sure = sure.sort_values("value", ascending=verdict == "below", kind="stable")
    rows_by_kind = {
        "factor": sure[sure["variable"].isin(subject.pack.factors)],
        "item": sure[sure["variable"].isin(subject.pack.items)],
        "unit": sure[sure["unit"] != ""],
    }
    texts = [
        make_text(f"assessment.{kind}.{verdict}", names=_name_gaps(subject, rows, verdict, kind))
        for kind, rows in rows_by_kind.items()
        if len(rows)
    ]
    return texts or [make_text(f"assessment.none.{verdict}")]


def _name_gaps(subject: Subject, rows: pd.DataFrame, verdict: str, kind: str) -> object:
    """Name some figures with their difference from the index and its interval."""
    most = MOST_LOW_ITEMS if (kind, verdict) == ("item", "below") else MOST_NAMED
    named = [
        _name_gap(subject, str(variable), str(unit), numbers, verdict)
        for variable, unit, *numbers in rows[["variable", "unit", "value", "low", "high"]]
        .head(most)
        .itertuples(index=False, name=None)
    ]
    return list_some(named, len(rows), KINDS[kind])


def _name_gap(
    subject: Subject, variable: str, unit: str, numbers: Sequence[float], verdict: str
) -> Text:
    figure_id = f"gap:{variable}@{unit}" if unit else f"gap:{variable}"
    value, *ends = numbers
    named_ends = dict(zip(("low", "high"), ends, strict=True))
    near, far = ("low", "high") if verdict == "above" else ("high", "low")
    name: object = subject.marked_name(unit) if unit else subject.short_name(variable)
    if variable in subject.pack.items:
        name = subject.item_name(variable, is_marked=False)
    return make_text(
        f"assessment.gap.{verdict}",
        name=name,
        points=number_magnitude(figure_id, value),
        word=subject.name_measure("points"),
        low=number_magnitude(figure_id, named_ends[near], near, 1),
        high=number_magnitude(figure_id, named_ends[far], far, 1),
    )


def _list_hints(subject: Subject) -> list[Text]:
    """List where to look for causes: factors tied to satisfaction, records, people."""
    drivers = [subject.short_name(code) for code in list_sure_factors(subject.figures.drivers)]
    first = [make_text("assessment.hint.drivers", names=Joined(drivers))] if drivers else []
    seen = subject.figures.records is not None  # the part on records has looked there
    records = [] if seen else [make_text("assessment.hint.records")]
    visits = make_text(f"assessment.hint.{'visits_own' if subject.pack.is_own else 'visits'}")
    return [*first, *records, visits]
