"""What people met and want: incidents in sentences, and the annex on them, with intervals."""

from collections.abc import Sequence

from sipas_analysis.documents.model import (
    Block,
    Column,
    Joined,
    Paragraph,
    Table,
    Text,
    make_text,
)
from sipas_analysis.reports.named_numbers import interval_of, number_of
from sipas_analysis.reports.subject import Subject

GROUPS = ("experience", "incident", "need")


def state_incidents(subject: Subject) -> list[Text]:
    """State which share of people met each incident, the largest share first; of all units only."""
    shares = {
        code: figure["value"]
        for code, indicator in subject.pack.indicators.items()
        for figure in [subject.figures.find(f"incident:{code}")]
        if indicator.group == "incident" and not subject.unit and figure and figure["value"] > 0
    }
    by_share = sorted(shares, key=lambda code: -shares[code])
    return [_state_incident(subject, code, is_first=code == by_share[0]) for code in by_share]


def _state_incident(subject: Subject, code: str, *, is_first: bool) -> Text:
    """State the share of one incident in the words of the pack, else by the answers counted."""
    indicator = subject.pack.indicators[code]
    answers = Joined([indicator.levels[level] for level in indicator.counted], " / ")
    named = make_text("report.incidents.answered", name=subject.short_name(code), answer=answers)
    low, high = interval_of(subject, f"incident:{code}").ends()
    return make_text(
        f"report.incidents.{'share' if is_first else 'share_again'}",
        share=number_of(subject, f"incident:{code}", decimals=1),
        people=indicator.statement if indicator.statement.vi else named,
        low=low,
        high=high,
    )


def has_incidents(subject: Subject) -> bool:
    """Return whether a question on what people met or want was asked."""
    return any(subject.figures.find(f"incident:{code}") for code in subject.pack.indicators)


def show_incidents(subject: Subject) -> list[Block]:
    """Show the share of people who met an incident, or want an improvement, with intervals."""
    figures, indicators = subject.figures, subject.pack.indicators
    codes = [code for code in indicators if figures.find(f"incident:{code}")]
    blocks: list[Block] = []
    for group in GROUPS:
        of_group = [code for code in codes if indicators[code].group == group]
        if group == "need":
            of_group.sort(key=lambda code: -figures.find(f"incident:{code}")["value"])
        if of_group:
            blocks.append(_tabulate_incidents(subject, group, of_group))
    unverified = [code for code in codes if indicators[code].status == "unverified"]
    if unverified:
        names = Joined([subject.short_name(code) for code in unverified])
        blocks.append(Paragraph(make_text("report.incidents.unverified", names=names), "note"))
    if "weight" in figures.survey.frame and blocks:
        blocks.append(Paragraph(make_text("report.incidents.unweighted"), "note"))
    return blocks


def _tabulate_incidents(subject: Subject, group: str, codes: Sequence[str]) -> Table:
    columns = (
        Column(make_text("report.column.question"), "row"),
        Column(make_text("report.column.answer"), "text"),
        Column(make_text("report.column.share")),
        Column(make_text("report.column.interval")),
        Column(make_text("report.column.n_valid")),
    )
    rows = tuple(_make_row(subject, code) for code in codes)
    return Table(f"table-{group}", make_text(f"report.table.{group}"), columns, rows)


def _make_row(subject: Subject, code: str) -> tuple[object, ...]:
    indicator, figure_id = subject.pack.indicators[code], f"incident:{code}"
    labels = Joined([indicator.levels[level] for level in indicator.counted], " / ")
    share = number_of(subject, figure_id, decimals=1)
    is_hidden = share.value is None
    return (
        subject.short_name(code),
        labels,
        make_text("report.suppressed") if is_hidden else share,
        None if is_hidden else interval_of(subject, figure_id),
        number_of(subject, figure_id, "denominator"),
    )
