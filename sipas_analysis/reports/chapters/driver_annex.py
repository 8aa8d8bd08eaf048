"""The annex on drivers: coefficients, odds ratios, correlations, what-if, penalties, warnings."""

from collections.abc import Iterator

from sipas_analysis.documents.model import (
    Block,
    Interval,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.explain.driver_results import Drivers
from sipas_analysis.explain.fitted import Note
from sipas_analysis.explain.priority import Priority
from sipas_analysis.reports.chapters.driver_tables import (
    join_names,
    make_columns,
    tabulate_correlations,
    tabulate_drivers,
    tabulate_penalties,
    word_heads,
)
from sipas_analysis.reports.figure_tables import percent_cell
from sipas_analysis.reports.subject import Subject

MOST_ITEMS, MOST_NAMED = 10, 3
ABOUT_NUMBERS = ("tied", "parallel", "few_events")  # left out where no number is shown


def _describe_fit(subject: Subject, models: Drivers) -> Paragraph:
    return Paragraph(
        make_text(
            "report.drivers.fit",
            outcome=subject.short_name(models.outcome),
            n=models.n,
            n_lost=models.n_lost,
            r_squared=Number(100 * models.r_squared, 1),
        )
    )


def _word_note(note: Note) -> Text:
    fields = {
        name: Number(str(value)) if name in ("p", "percent") else value
        for name, value in note.fields.items()
    }
    return make_text(f"explain.note.{note.id}", **fields)


def _warn_of_models(models: Drivers) -> list[Block]:
    """Return the warnings of the models; tied factors are named elsewhere."""
    left_out = ("tied",) if models.any_separable else ABOUT_NUMBERS
    notes = [note for note in models.notes if note.id not in left_out]
    return [Paragraph(_word_note(note), "warning") for note in notes]


def _caution_reader(subject: Subject, models: Drivers) -> Iterator[Block]:
    tied = models.collinearity.loc[~models.collinearity["separable"].astype(bool), "variable"]
    if len(tied):
        names = join_names(subject, tied)
        yield Paragraph(make_text("report.drivers.tied", names=names), "warning")
    yield from _warn_of_models(models)
    if "logit" in models.reason:
        why = make_text(f"report.drivers.reason.{models.reason['logit']}")
        yield Paragraph(make_text("report.drivers.no_logit", why=why), "note")


def _show_gains(subject: Subject, priority: Priority) -> list[Block]:
    """List the items whose rise to the best quarter of units would gain most."""
    gains = priority.what_if[priority.what_if["points"].round(2) > 0].head(MOST_ITEMS)
    if gains.empty:
        return []
    modelled = bool(gains["outcome"].notna().any())
    rows = []
    for item, _, _, target, points, outcome, low, high in gains.to_numpy():
        percent = percent_cell(subject.own_figures[item])
        gain = [percent, Number(target, 2), Number(points, 2)]
        model = [Number(outcome, 2), Interval(low, high, 2)] if modelled else []
        rows.append((subject.item_name(item), *gain, *model))
    top = rows[0]
    others = Joined(
        [make_text("report.what_if.next", item=row[0], points=row[3]) for row in rows[1:3]]
    )
    lead = make_text(
        "report.what_if.lead",
        item=top[0],
        percent=top[1],
        target=top[2],
        points=top[3],
        next=others if others.phrases else None,
    )
    heads = word_heads("now", "best_quarter", "gain")
    heads += word_heads("goes_with", "interval") if modelled else []
    unsure = any(map(subject.pack.is_unattributed, gains["item"]))
    messages = [
        "report.what_if.note",
        *(["report.what_if.model"] if modelled else []),
        *(["report.items.mark"] if unsure else []),
    ]
    notes = tuple(make_text(message) for message in messages)
    title, columns = make_text("report.table.what_if"), make_columns("item", heads)
    return [Paragraph(lead), Table("table-what-if", title, columns, tuple(rows), notes)]


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


def build_driver_annex(subject: Subject) -> Section:
    """Show the models of overall satisfaction in full, what-if values and penalties."""
    models, priority = subject.figures.drivers, subject.figures.priority()
    blocks: list[Block] = []
    if "linear" in models.reason:
        why = make_text(f"report.drivers.reason.{models.reason['linear']}")
        blocks.append(Paragraph(why, "warning"))
    else:
        blocks.append(_describe_fit(subject, models))
        blocks += [tabulate_drivers(subject, models)] if models.any_separable else []
        blocks += _caution_reader(subject, models)
    if len(models.collinearity):
        blocks.append(tabulate_correlations(subject, models))
    blocks += _show_gains(subject, priority)
    blocks += _name_asymmetric_items(subject) if models.any_separable else []
    blocks += tabulate_penalties(subject)
    return Section("drivers", make_text("annex.chapter.drivers"), tuple(blocks))
