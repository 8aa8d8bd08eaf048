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
from sipas_analysis.reports.chapters.leaders import name_item
from sipas_analysis.reports.chapters.leaders_table import (
    list_one_letter_groups,
    list_some,
    name_changed,
)
from sipas_analysis.reports.chapters.trend import explain_break
from sipas_analysis.reports.figure_tables import find_change
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

ALL = "100.00"
MOST_NAMED = 12  # units that a proposal names; more are counted
MOST_MEASURES, MOST_OF_UNIT = 2, 1  # measures for a factor, of a province and of a unit
MOST_FACTORS, MOST_FACTORS_OF_UNIT = 12, 5  # with measures; of more, those with the lowest items


# ── last year


def build_last_measures(subject: Subject) -> Section:
    """State which factors surely changed since last year; no register of measures is given yet."""
    title = make_text("report.chapter.last_measures")
    last_year = subject.figures.last_year
    if last_year is None:
        text = make_text("last_measures.no_last_year")
        return Section("last_measures", title, (Paragraph(text),))
    if last_year.reason:
        why = explain_break(last_year.reason)
        text = make_text("last_measures.not_compared", year=last_year.year, why=why)
        return Section("last_measures", title, (Paragraph(text),))
    figures = [subject.own_figures[code] for code in subject.pack.factors]
    known = [
        (figure, change)
        for figure in figures
        for change in [find_change(subject, figure)]
        if change.is_known
    ]
    texts = [
        make_text(f"last_measures.{verdict}", names=name_changed(subject, same, MOST_FACTORS))
        for verdict in ("up", "down")
        for same in [[pair for pair in known if pair[1].verdict == verdict]]
        if same
    ]
    parts = [make_text("last_measures.no_register")]
    if known:
        word = "known" if texts else "open"
        parts.append(make_text(f"last_measures.{word}", year=last_year.year))
    lead = Paragraph(make_text("leaders.joined", parts=Joined(parts, " ")))
    bullets = [Bullets(tuple(texts))] if texts else []
    return Section("last_measures", title, (lead, *bullets))


# ── measures


def build_measures(subject: Subject) -> Section:
    """List for each factor its lowest item, measures and what to follow; a unit is asked to act."""
    closing = [Paragraph(make_text("measures.closing"))] if subject.unit else []
    blocks = (_show_measures(subject), *closing)
    return Section("measures", make_text("report.chapter.measures"), blocks)


def _show_measures(subject: Subject) -> Block:
    """List the measures in one table, or state why there are none."""
    n_people = subject.own_figures[OVERALL].n_valid or 0
    if n_people < subject.pack.index.min_forms:
        few = make_text("measures.few", min_forms=number_of(subject, "setting:min_forms"))
        return Paragraph(few, "note")
    proposals = _sort_proposals(subject)
    if not proposals:
        return Paragraph(make_text("measures.no_factor"), "note")
    if all(proposal.printed == ALL for proposal in proposals):
        return Paragraph(make_text("measures.all_satisfied"))
    columns = (
        Column(make_text("report.column.factor"), "row"),
        *(
            Column(make_text(f"measures.column.{name}"), "text")
            for name in ("item", "measure", "indicator")
        ),
    )
    rows = tuple(_make_row(subject, proposal) for proposal in proposals)
    notes = [make_text(f"measures.order.{'unit' if subject.unit else 'all'}")]
    if any(proposal.measures for proposal in proposals):
        notes.append(make_text("measures.note", source=read_library().source))
    if len(proposals) < len(subject.pack.factors):
        notes.append(make_text("measures.lowest"))
    return Table("table-measures", make_text("measures.table"), columns, rows, tuple(notes))


def _sort_proposals(subject: Subject) -> list[Proposal]:
    """Return the proposals: items surely below the index first, then the lowest (rule R7)."""
    scores = subject.figures.scores
    rows = scores[scores["domain"] == ("unit" if subject.unit else "all")]
    rows = rows[rows["unit"] == subject.unit] if subject.unit else rows
    gaps = subject.figures.index_gaps
    of_all = gaps[(gaps["unit"] == "") & (gaps["verdict"] == "below")]
    surely_low = set() if subject.unit else set(of_all["variable"])
    ordered = sorted(
        propose(Estimates(rows), subject.pack),
        key=lambda proposal: (proposal.item not in surely_low, float(proposal.printed or ALL)),
    )
    return ordered[: MOST_FACTORS_OF_UNIT if subject.unit else MOST_FACTORS]


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
    texts += [*_ask_for_forms(subject), make_text("proposals.study")]
    province = figures.survey.wave.province
    who = "superior" if province.vi or province.en else "plain"
    numbered = [
        make_text("report.numbered", number=f"{number}. ", title=text)
        for number, text in enumerate(texts, 1)
    ]
    paragraphs = [make_text(f"proposals.ask.{who}", province=province), *numbered]
    title = make_text("report.chapter.proposals")
    return Section("proposals", title, tuple(Paragraph(text) for text in paragraphs))


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
    fields = {
        "n": number_of(subject, "needed:forms"),
        "n_all": number_of(subject, "needed:all"),
        "n_units": number_of(subject, "units:with_forms"),
        "n_now": number_of(subject, "forms:kept"),
    }
    return [make_text("proposals.more_forms", groups=named, **fields)]
