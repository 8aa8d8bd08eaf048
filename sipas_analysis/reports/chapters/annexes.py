"""The annexes of a province: what stands behind the report, one section for each subject.

The report itself needs none of them to be understood. Each begins with one plain sentence; terms
of statistics and codes of rules stand here only.
"""

from collections.abc import Callable

from sipas_analysis.documents.model import Section
from sipas_analysis.reports.chapters.driver_annex import build_driver_annex
from sipas_analysis.reports.chapters.incidents import build_incidents
from sipas_analysis.reports.chapters.index_rules import build_index_rules
from sipas_analysis.reports.chapters.item_tables import build_item_tables
from sipas_analysis.reports.chapters.method import build_method
from sipas_analysis.reports.chapters.people import build_people
from sipas_analysis.reports.chapters.sources import build_sources
from sipas_analysis.reports.chapters.unit_tables import build_rank_tables, build_unit_tables
from sipas_analysis.reports.subject import Subject

ANNEXES: dict[str, Callable[[Subject], Section]] = {
    "method": build_method,
    "people": build_people,
    "rules": build_index_rules,
    "items": build_item_tables,
    "units": build_unit_tables,
    "ranks": build_rank_tables,
    "drivers": build_driver_annex,
    "incidents": build_incidents,
    "sources": build_sources,
}
