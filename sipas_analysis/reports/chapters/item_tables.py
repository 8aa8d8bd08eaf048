"""The annex on items: every item with interval and last year, how people answered, reliability."""

from collections.abc import Iterator, Sequence

from sipas_analysis.documents.model import Block, Column, Joined, Paragraph, Table, make_text
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.answer_pictures import list_hidden_answers
from sipas_analysis.reports.figure_tables import estimate_table, name_scale_of
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject


def show_items(subject: Subject) -> list[Block]:
    """List every item of every factor, the shares of all answers, and alpha of each factor."""
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
    blocks += _tabulate_answers(subject)
    if hidden := list_hidden_answers(subject):
        text = make_text("report.items.answers_some", items=Joined(hidden, ", "))
        blocks.append(Paragraph(text, "note"))
    if any(map(pack.is_unattributed, pack.items)):
        blocks.append(Paragraph(make_text("report.items.mark"), "note"))
    return [*blocks, *_tabulate_reliability(subject)]


def _tabulate_answers(subject: Subject) -> Iterator[Table]:
    """Yield a table of the shares of each answer for the items of each scale."""
    pack, codes_by_scale = subject.pack, dict[range, list[str]]()
    hidden = list_hidden_answers(subject)
    for code in pack.items:
        if subject.own_figures[code].is_known and code not in hidden:
            codes_by_scale.setdefault(pack.scale_of(code).levels, []).append(code)
    notes = (make_text("annex.rounded_shares"),)
    for number, (levels, codes) in enumerate(codes_by_scale.items(), 1):
        labels = pack.scale_of(codes[0]).labels
        names = [labels.get(level, Bilingual(vi=str(level))) for level in levels]
        columns = (Column(make_text("report.column.item"), "row"), *map(Column, names))
        rows = tuple(_answer_row(subject, code, levels) for code in codes)
        scale = name_scale_of(subject, codes)
        caption = make_text("report.table.answers", scale=scale)
        yield Table(f"table-answers-{number}", caption, columns, rows, notes)


def _answer_row(subject: Subject, code: str, levels: Sequence[int]) -> tuple[object, ...]:
    shares = (number_of(subject, code, f"answer_{level}", 1) for level in levels)
    return (subject.item_name(code), *shares)


def _tabulate_reliability(subject: Subject) -> list[Block]:
    """Return the reliability of each factor, where its items allow one (rule D8)."""
    factors = [code for code in subject.pack.factors if subject.figures.find(f"alpha:{code}")]
    if not factors:
        return []
    rows = tuple(
        (
            subject.short_name(code),
            number_of(subject, f"alpha:{code}", decimals=2),
            interval_of(subject, f"alpha:{code}", 2),
            number_of(subject, f"alpha:{code}", "n"),
        )
        for code in factors
    )
    columns = (
        Column(make_text("report.column.factor"), "row"),
        *(Column(make_text(f"report.column.{name}")) for name in ("alpha", "interval", "forms")),
    )
    notes = (make_text("annex.alpha_note"),)
    caption = make_text("annex.table.reliability")
    return [Table("table-reliability", caption, columns, rows, notes)]
