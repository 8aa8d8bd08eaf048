"""The letter to a unit: one page with its index, its place and why, its factors and its plan."""

from dataclasses import replace

from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import Block, Paragraph, Section, Text, make_text
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.leaders import name_first_items, place_unit, state_index
from sipas_analysis.reports.chapters.plan_summary import announce_plans
from sipas_analysis.reports.chapters.record_summary import tell_unit
from sipas_analysis.reports.chapters.results import tabulate_factors
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, name_year

YOU = make_text("letter.who")  # a letter addresses the unit
MOST_FACTORS = 9  # rows of the table, so that the letter stays on one page


def build_letter(subject: Subject) -> Section:
    """State the results of a unit on one page; politely that there are none, if they are hidden."""
    wave, whole = subject.figures.survey.wave, subject.own_figures[OVERALL]
    name = subject.unit_name(subject.unit)
    blocks: list[Block] = []
    if whole.is_known:
        has_publisher = wave.publisher.vi or wave.publisher.en
        sender = wave.publisher if has_publisher else make_text("letter.sender")
        word = "opening" if has_publisher else "opening_unnamed"
        opening = make_text(f"letter.{word}", publisher=sender, when=name_year(wave))
        closing = make_text("letter.closing", publisher=sender)
        texts = [*_name_decision(wave), opening]
        blocks = [*map(Paragraph, texts), *_state_results(subject), Paragraph(closing)]
    else:
        word = "none" if whole.n_valid == 0 else _tell_why_hidden(subject)
        limits = {"min_cell": number_of(subject, "setting:min_cell")} if word == "withheld" else {}
        blocks = [Paragraph(make_text(f"letter.{word}", title=wave.title, **limits))]
    return Section("letter", make_text("letter.to", unit=name), tuple(blocks))


def _name_decision(wave: Wave) -> list[Text]:
    """Name the decision that publishes the results, if there is one."""
    decision = wave.decision
    if decision is None:
        return []
    word = "decision" if decision.date else "decision_undated"
    fields = {"date": decision.date} if decision.date else {}
    return [make_text(f"letter.{word}", number=decision.number, **fields)]


def _tell_why_hidden(subject: Subject) -> str:
    """Return ``hidden`` for a unit of too few answers, ``withheld`` for one that protects others.

    Only the letter tells them apart, for the unit knows its forms; a page that all may read does
    not tell which unit is small.
    """
    figures = subject.figures
    table = figures.estimates
    is_own = table["domain"].eq("unit") & table["unit"].eq(subject.unit)
    causes = figures.suppression.cause[is_own & table["variable"].eq(OVERALL)]
    return "hidden" if causes.eq("small").any() else "withheld"


def _state_results(subject: Subject) -> list[Block]:
    """Return index, place, factors and what to look at first; what must be checked again, last."""
    texts = [state_index(subject, YOU), *place_unit(subject, YOU)]
    blocks: list[Block] = [Paragraph(text) for text in texts]
    blocks.append(Paragraph(make_text("letter.interval"), "note"))
    if subject.pack.factors:
        table = tabulate_factors(subject, most=MOST_FACTORS)
        blocks.append(replace(table, caption=make_text("letter.table")))
    last = [*name_first_items(subject, YOU), *tell_unit(subject), *announce_plans(subject)]
    blocks += [Paragraph(text) for text in last]
    if subject.figures.marks.get(subject.unit) == "flagged":
        blocks.append(Paragraph(make_text("letter.flagged")))
    return blocks
