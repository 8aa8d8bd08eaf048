"""The letter to a unit: one page with its index, its place and why, its factors and its plan."""

from dataclasses import dataclass, replace
from datetime import date

from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import Block, Paragraph, Section, Text, make_text
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.instrument.strict_yaml import Bilingual
from sipas_analysis.reports.chapters.leaders import name_first_items, place_unit, state_index
from sipas_analysis.reports.chapters.plan_summary import announce_plans
from sipas_analysis.reports.chapters.record_summary import tell_unit
from sipas_analysis.reports.chapters.results import tabulate_factors
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, name_year

YOU = make_text("letter.who")  # a letter addresses the unit
MOST_FACTORS = 9  # rows of the table, so that the letter stays on one page
BY_COMMITTEE = "-UBND"  # end of the number of a decision of a people's committee
COMMITTEES = ("ubnd", "ủy ban nhân dân", "uỷ ban nhân dân")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Addressee:
    """Whom a letter is to, and how it calls the unit, its readers and whom they may ask."""

    to: object
    who: Text
    readers: Text
    contact: object


def address_letter(subject: Subject) -> Addressee:
    """Return whom the letter is to: the unit; of the office that signs, its own divisions.

    An office does not write to itself. What it has to tell on its own results it tells its
    divisions, about the office in place of "you".
    """
    publisher = _name_publisher(subject.figures.survey.wave)
    if not subject.is_publisher:
        return Addressee(subject.unit_name(subject.unit), YOU, YOU, publisher)
    readers, contact = make_text("letter.own.readers"), make_text("letter.own.contact")
    if subject.unit_name(subject.unit) == subject.figures.survey.wave.title:
        unnamed = make_text("letter.own.who_unnamed")
        return Addressee(make_text("letter.own.to_unnamed"), unnamed, readers, contact)
    unit = make_text("office.to.unit", unit=subject.unit_name(subject.unit))
    return Addressee(make_text("letter.own.to", unit=unit), unit, readers, contact)


def build_letter(subject: Subject) -> Section:
    """State the results of a unit on one page; politely that there are none, if they are hidden."""
    wave, whole = subject.figures.survey.wave, subject.own_figures[OVERALL]
    addressee = address_letter(subject)
    words = {"who": addressee.who, "readers": addressee.readers}
    blocks: list[Block] = []
    if whole.is_known:
        word = "opening" if _has_publisher(wave) else "opening_unnamed"
        sender = _name_publisher(wave)
        opening = make_text(f"letter.{word}", publisher=sender, when=name_year(wave), **words)
        closing = make_text("letter.closing", contact=addressee.contact, **words)
        texts = [*_name_decision(wave), opening]
        results = _state_results(subject, addressee)
        blocks = [*map(Paragraph, texts), *results, Paragraph(closing)]
    else:
        word = "none" if whole.n_valid == 0 else _tell_why_hidden(subject)
        limits = {"min_cell": number_of(subject, "setting:min_cell")} if word == "withheld" else {}
        blocks = [Paragraph(make_text(f"letter.{word}", title=wave.title, **words, **limits))]
    return Section("letter", make_text("letter.to", unit=addressee.to), tuple(blocks))


def _has_publisher(wave: Wave) -> bool:
    return bool(wave.publisher.vi or wave.publisher.en)


def _name_publisher(wave: Wave) -> object:
    """Return the office that signs; in other words where the wave does not name it."""
    return wave.publisher if _has_publisher(wave) else make_text("letter.sender")


def _name_decision(wave: Wave) -> list[Text]:
    """Name the decision that publishes the results, if there is one."""
    decision = wave.decision
    if decision is None:
        return []
    by_province = decision.number.endswith(BY_COMMITTEE) and _may_be_of_province(wave)
    return [
        make_text(
            "letter.decision",
            number=decision.number,
            day=_write_day(decision.date) if decision.date else "",
            issuer=make_text("letter.issuer", province=wave.province) if by_province else "",
            title=wave.title,
        )
    ]


def _may_be_of_province(wave: Wave) -> bool:
    """Return whether a people's committee is that of the province.

    A committee of a lower level that writes the letter may have decided itself.
    """
    publisher, province = wave.publisher.vi.casefold(), wave.province.vi.casefold()
    is_other = publisher.startswith(COMMITTEES) and province not in publisher
    return bool(province) and not is_other


def _write_day(day: date) -> Text:
    """Return a day in words; days to 9 and months to 2 have a zero before them in Vietnamese."""
    month = f"{day.month:02}" if day.month <= 2 else str(day.month)
    return make_text(
        "letter.day",
        day=Bilingual(vi=f"{day.day:02}", en=str(day.day)),
        month=Bilingual(vi=month, en=MONTHS[day.month - 1]),
        year=str(day.year),
    )


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


def _state_results(subject: Subject, addressee: Addressee) -> list[Block]:
    """Return index, place, factors and what to look at first; what must be checked again, last."""
    who = addressee.who
    texts = [state_index(subject, who), *place_unit(subject, who)]
    blocks: list[Block] = [Paragraph(text) for text in texts]
    blocks.append(Paragraph(make_text("letter.interval"), "note"))
    if subject.pack.factors:
        table = tabulate_factors(subject, most=MOST_FACTORS)
        blocks.append(replace(table, caption=make_text("letter.table")))
    last = [*name_first_items(subject, who), *tell_unit(subject), *announce_plans(subject, who)]
    blocks += [Paragraph(text) for text in last]
    if subject.figures.marks.get(subject.unit) == "flagged":
        flagged = make_text("letter.flagged", who=who, readers=addressee.readers)
        blocks.append(Paragraph(flagged))
    return blocks
