"""The proposals to the superior: what the publisher can ask for after this survey."""

from sipas_analysis.documents.model import Paragraph, Section, Text, make_text
from sipas_analysis.reports.chapters.leaders_table import list_one_letter_groups
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, list_some

MOST_NAMED = 12  # units that a proposal names; more are counted


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
    study, part = f"proposals.study.{figures.plan.kind}", subject.find_numeral("measures")
    texts += [*_ask_for_forms(subject), make_text(study, part=part)]
    province, publisher = figures.survey.wave.province, figures.survey.wave.publisher
    has_superior = all(name.vi or name.en for name in (province, publisher))
    who = "superior" if has_superior else "plain"
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
    named = subject.place_in(groups)
    if not subject.figures.find("needed:forms"):
        return [make_text("proposals.groups", groups=named)]
    fields = {
        "n": number_of(subject, "needed:forms"),
        "n_all": number_of(subject, "needed:all"),
        "n_units": number_of(subject, "units:with_forms"),
        "n_now": number_of(subject, "forms:kept"),
    }
    return [make_text("proposals.more_forms", groups=named, **fields)]
