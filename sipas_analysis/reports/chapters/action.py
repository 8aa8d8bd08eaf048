"""The chapters that lead to action: what came of last year's measures, measures, proposals."""

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Joined,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.improve.actions import Proposal, propose, read_library
from sipas_analysis.infer.estimates import Estimates
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.leaders import (
    describe_changes,
    list_one_letter_groups,
    list_some,
    name_changed,
    name_item,
)
from sipas_analysis.reports.figure_tables import find_change
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

ALL = "100.00"
ORDER = ("fix", "undecided", "watch", "keep", "enough")
MOST_NAMED = 12  # units that a proposal names; more are counted
MOST_MEASURES, MOST_OF_UNIT = 2, 1  # measures for a factor, of a province and of a unit
MOST_FACTORS, MOST_FACTORS_OF_UNIT = 12, 5  # with measures; of more, those with the lowest items


# ── last year


def build_last_measures(subject: Subject) -> Section:
    """State how each factor changed since last year; no register of measures is given yet."""
    last_year = subject.figures.last_year
    blocks: list[Block] = [Paragraph(make_text("last_measures.no_register"))]
    figures = [subject.own_figures[code] for code in subject.pack.factors]
    changes = [(figure, find_change(subject, figure)) for figure in figures]
    texts = [
        make_text(f"last_measures.{verdict}", names=name_changed(subject, same, MOST_FACTORS))
        for verdict in ("up", "down", "open")
        for same in [[pair for pair in changes if pair[1].verdict == verdict]]
        if same
    ]
    if texts and last_year is not None:
        known = make_text("last_measures.known", year=last_year.year)
        blocks += [Paragraph(known), Bullets(tuple(texts))]
    else:
        blocks.append(Paragraph(describe_changes(subject)))
    return Section("last_measures", make_text("report.chapter.last_measures"), tuple(blocks))


# ── measures


def build_measures(subject: Subject) -> Section:
    """List for each factor its lowest item, measures and what to follow, in one table."""
    title = make_text("report.chapter.measures")
    n_people = subject.own_figures[OVERALL].n_valid or 0
    if n_people < subject.pack.index.min_forms:
        few = make_text("measures.few", min_forms=number_of(subject, "setting:min_forms"))
        return Section("measures", title, (Paragraph(few, "note"),))
    proposals = _sort_proposals(subject)
    if not proposals:
        return Section("measures", title, (Paragraph(make_text("measures.no_factor"), "note"),))
    names = ("report.column.factor", "measures.column.item")
    columns = (
        Column(make_text(names[0]), "row"),
        *(
            Column(make_text(name), "text")
            for name in (names[1], "measures.column.measure", "measures.column.indicator")
        ),
    )
    rows = tuple(_make_row(subject, proposal) for proposal in proposals)
    notes = []
    if any(proposal.measures for proposal in proposals):
        notes.append(make_text("measures.note", source=read_library().source))
    if len(proposals) < len(subject.pack.factors):
        notes.append(make_text("measures.lowest"))
    table = Table("table-measures", make_text("measures.table"), columns, rows, tuple(notes))
    return Section("measures", title, (table,))


def _sort_proposals(subject: Subject) -> list[Proposal]:
    """Return the proposals for the factors with the lowest items, important and weak ones first."""
    scores = subject.figures.scores
    rows = scores[scores["domain"] == ("unit" if subject.unit else "all")]
    rows = rows[rows["unit"] == subject.unit] if subject.unit else rows
    proposals = propose(Estimates(rows), subject.pack)
    priority = subject.figures.priority(subject.unit)
    order = [factor for quadrant in ORDER for factor in priority.list_factors(quadrant)]
    lowest = sorted(proposals, key=lambda proposal: float(proposal.printed or ALL))
    chosen = lowest[: MOST_FACTORS_OF_UNIT if subject.unit else MOST_FACTORS]
    return sorted(
        (proposal for proposal in proposals if proposal in chosen),
        key=lambda proposal: [*order, proposal.factor].index(proposal.factor),
    )


def _make_row(subject: Subject, proposal: Proposal) -> tuple[object, ...]:
    """Return factor, lowest item, measures and indicators; words where there are none."""
    factor = subject.short_name(proposal.factor)
    if not proposal.item:
        return (factor, make_text("report.suppressed"), None, None)
    item = name_item(subject, subject.own_figures[proposal.item])
    if proposal.printed == ALL:
        return (factor, None, make_text("measures.satisfied"), None)
    if not proposal.measures:
        return (factor, item, make_text("measures.none"), None)
    measures = proposal.measures[: MOST_OF_UNIT if subject.unit else MOST_MEASURES]
    indicators = Joined([measure.indicator for measure in measures])
    return (factor, item, Joined(measures), indicators)


# ── proposals


def build_proposals(subject: Subject) -> Section:
    """Ask for what the publisher can ask for: forms to check, more forms, study of the results."""
    figures = subject.figures
    ranking = figures.ranking
    flagged = [unit for unit, mark in figures.marks.items() if mark == "flagged"]
    few = [*ranking.loc[ranking["reason"] == "few_forms", "unit"]]
    sent = set(figures.survey.frame["unit"])
    silent = [code for code in figures.survey.units["code"] if code not in sent]
    texts = [
        make_text(
            f"proposals.{name}",
            names=_name_some(subject, units),
            min_forms=number_of(subject, "setting:min_forms"),
        )
        for name, units in {"flagged": flagged, "few": few, "silent": silent}.items()
        if units
    ]
    texts += _ask_for_forms(subject)
    if any(map(subject.pack.is_unattributed, subject.pack.items)):
        texts.append(make_text("proposals.wording"))
    texts.append(make_text("proposals.study"))
    title = make_text("report.chapter.proposals")
    return Section("proposals", title, (Bullets(tuple(texts)),))


def _name_some(subject: Subject, units: list[str]) -> object:
    """Name some units and count the others."""
    names = [subject.marked_name(unit) for unit in units[:MOST_NAMED]]
    return list_some(names, len(units), "units")


def _ask_for_forms(subject: Subject) -> list[Text]:
    """Ask for more forms where the sample tells no unit of a group from another."""
    groups = list_one_letter_groups(subject)
    if not groups:
        return []
    named = Joined(groups)
    if not subject.figures.find("needed:forms"):
        return [make_text("proposals.groups", groups=named)]
    forms = number_of(subject, "needed:forms")
    return [make_text("proposals.more_forms", groups=named, n=forms)]
