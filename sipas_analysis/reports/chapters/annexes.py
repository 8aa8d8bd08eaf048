"""The annexes of a province: what stands behind the report, one section for each subject.

The report itself needs none of them to be understood. Each begins with one plain sentence; terms
of statistics and codes of rules stand here only. The annexes are about the whole wave: a unit has
none, because its few people could be told from them.
"""

from collections.abc import Callable, Sequence
from functools import partial

from sipas_analysis.documents.model import Block, Paragraph, Section, make_text
from sipas_analysis.reports.chapters.driver_annex import show_models
from sipas_analysis.reports.chapters.incidents import has_incidents, show_incidents
from sipas_analysis.reports.chapters.index_rules import show_rules
from sipas_analysis.reports.chapters.item_tables import show_items
from sipas_analysis.reports.chapters.method import explain_method
from sipas_analysis.reports.chapters.people import show_people
from sipas_analysis.reports.chapters.plan_annex import show_plan
from sipas_analysis.reports.chapters.record_annex import show_records
from sipas_analysis.reports.chapters.sources import show_sources
from sipas_analysis.reports.chapters.unit_tables import show_ranks, show_units
from sipas_analysis.reports.subject import Subject

_BLOCKS: dict[str, Callable[[Subject], Sequence[Block]]] = {
    "method": explain_method,
    "people": show_people,
    "rules": show_rules,
    "items": show_items,
    "units": show_units,
    "ranks": show_ranks,
    "drivers": show_models,
    "incidents": show_incidents,
    "plan": show_plan,
    "record_tables": show_records,
    "sources": show_sources,
}


def _build_annex(name: str, subject: Subject) -> Section:
    """Build one annex: its number and title, what it is for, and its blocks."""
    title = make_text(
        "annex.numbered",
        number=str([*select_annexes(subject), name].index(name) + 1),
        title=make_text(f"annex.chapter.{name}"),
    )
    lead = Paragraph(make_text(f"annex.lead.{name}"), "lead")
    return Section(name, title, (lead, *_BLOCKS[name](subject)))


def select_annexes(subject: Subject) -> dict[str, Callable[[Subject], Section]]:
    """Return the annexes that have something to tell, in reading order."""
    has_content = {
        "incidents": has_incidents(subject),
        "record_tables": subject.figures.records is not None,
    }
    return {name: build for name, build in ANNEXES.items() if has_content.get(name, True)}


ANNEXES: dict[str, Callable[[Subject], Section]] = {
    name: partial(_build_annex, name) for name in _BLOCKS
}
