"""The annex on drivers: coefficients, odds ratios, correlations, what-if, penalties, warnings."""

from collections.abc import Iterator

from sipas_analysis.documents.model import Block, Joined, Paragraph, Table, Text, make_text
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.explain.fitted import Note
from sipas_analysis.reports.chapters.driver_tables import (
    join_names,
    make_columns,
    tabulate_correlations,
    tabulate_drivers,
    tabulate_penalties,
    tabulate_shares,
    word_heads,
)
from sipas_analysis.reports.figure_tables import explain_other_scales, percent_cell
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject

MOST_ITEMS, MOST_NAMED = 10, 3
ABOUT_NUMBERS = ("tied", "parallel", "few_events")  # left out where no number is shown


def show_models(subject: Subject) -> list[Block]:
    """Show the models of overall satisfaction in full, what-if values and penalties."""
    models = subject.figures.drivers
    blocks: list[Block] = []
    if "linear" in models.reason:
        why = make_text(f"report.drivers.reason.{models.reason['linear']}")
        blocks.append(Paragraph(why, "warning"))
    else:
        blocks.append(_describe_fit(subject, models))
        blocks += [tabulate_drivers(subject, models)] if models.any_separable else []
        blocks += [*_caution_reader(subject, models), *tabulate_shares(subject)]
    if len(models.collinearity):
        blocks.append(tabulate_correlations(subject, models))
    blocks += _show_gains(subject)
    blocks += _name_asymmetric_items(subject) if models.any_separable else []
    return [*blocks, *tabulate_penalties(subject)]


def _describe_fit(subject: Subject, models: Drivers) -> Paragraph:
    return Paragraph(
        make_text(
            "report.drivers.fit",
            outcome=subject.short_name(models.outcome),
            n=number_of(subject, "fit:forms"),
            n_lost=number_of(subject, "fit:lost"),
            r_squared=number_of(subject, "fit:r_squared", decimals=1),
        )
    )


def _word_note(subject: Subject, note: Note) -> Text:
    """Return a warning; its numbers are figures."""
    fields = {
        name: number_of(subject, f"note:{note.id}:{name}", decimals=None)
        if subject.figures.find(f"note:{note.id}:{name}")
        else value
        for name, value in note.fields.items()
    }
    return make_text(f"explain.note.{note.id}", **fields)


def _caution_reader(subject: Subject, models: Drivers) -> Iterator[Block]:
    """Yield the factors that cannot be separated, the warnings, and why a model is missing."""
    tied = models.collinearity.loc[~models.collinearity["separable"].astype(bool), "variable"]
    if len(tied):
        names = join_names(subject, tied)
        yield Paragraph(make_text("report.drivers.tied", names=names), "warning")
    left_out = ("tied",) if models.any_separable else ABOUT_NUMBERS
    for note in models.notes:
        if note.id not in left_out:
            yield Paragraph(_word_note(subject, note), "warning")
    if "logit" in models.reason:
        why = make_text(f"report.drivers.reason.{models.reason['logit']}")
        yield Paragraph(make_text("report.drivers.no_logit", why=why), "note")


def _show_gains(subject: Subject) -> list[Block]:
    """List the items whose rise to the best quarter of units would gain most (rule D5)."""
    table = subject.figures.priority().what_if
    gains = table[table["points"].round(2) > 0].head(MOST_ITEMS)
    if gains.empty:
        return []
    is_modelled = bool(gains["outcome"].notna().any())
    items = [str(item) for item in gains["item"]]
    rows = tuple(_gain_row(subject, item, is_modelled) for item in items)
    heads = word_heads("now", "best_quarter", "gain")
    heads += word_heads("goes_with", "interval") if is_modelled else []
    messages = [
        "report.what_if.note",
        *(["report.what_if.model"] if is_modelled else []),
        *(["report.items.mark"] if any(map(subject.pack.is_unattributed, items)) else []),
    ]
    n_left_out = len(table) - len(gains) if len(gains) < MOST_ITEMS else 0
    left_out = [make_text("report.what_if.left_out", n=n_left_out)] if n_left_out else []
    whys = [make_text(message) for message in messages]
    notes = (*whys, *left_out, *explain_other_scales(subject))
    title, columns = make_text("report.table.what_if"), make_columns("item", heads)
    return [Table("table-what-if", title, columns, rows, notes)]


def _gain_row(subject: Subject, item: str, is_modelled: bool) -> tuple[object, ...]:
    """Return percentage and target of an item, the gain of the index, and what goes with it."""
    outcome = f"what_if.outcome:{item}"
    return (
        subject.item_name(item),
        percent_cell(subject.own_figures[item]),
        number_of(subject, f"what_if.target:{item}", decimals=2),
        number_of(subject, f"what_if:{item}", decimals=2),
        *(
            [number_of(subject, outcome, decimals=2), interval_of(subject, outcome, 2)]
            if is_modelled
            else []
        ),
    )


def _name_asymmetric_items(subject: Subject) -> list[Block]:
    """Name the items at which a bad answer weighs more than a very good one, or the reverse."""
    table = subject.figures.penalties
    blocks: list[Block] = []
    for verdict in ("missed", "rewarded"):
        rows = table[table["verdict"] == verdict].sort_values("asymmetry", key=abs, ascending=False)
        if len(rows):
            names = Joined([subject.item_name(code) for code in rows["item"].head(MOST_NAMED)])
            blocks.append(Paragraph(make_text(f"report.penalty.{verdict}", items=names)))
    return blocks
