"""The annex on items: percentage and interval of every item, and how people answered."""

from sipas_analysis.documents.model import Block, Paragraph, Section, make_text
from sipas_analysis.reports.figure_tables import estimate_table
from sipas_analysis.reports.subject import Subject


def build_item_tables(subject: Subject) -> Section:
    """List every item of every factor with its interval."""
    pack = subject.pack
    blocks: list[Block] = []
    for factor in [*pack.factors] + ([] if pack.has_factors else [""]):
        rows = [
            (subject.item_name(code), subject.own_figures[code]) for code in pack.items_of(factor)
        ]
        name = subject.short_name(factor) if factor else make_text("report.items.no_factor")
        caption = make_text("report.table.items", factor=name)
        table_id = f"table-items-{factor}" if factor else "table-items"
        blocks.append(estimate_table(table_id, caption, "report.column.item", rows, subject))
    if any(map(pack.is_unattributed, pack.items)):
        blocks.append(Paragraph(make_text("report.items.mark"), "note"))
    return Section("items", make_text("report.chapter.items"), tuple(blocks))
