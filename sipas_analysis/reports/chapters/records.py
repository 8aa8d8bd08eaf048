"""What the office's own records tell beside the survey, on one page (rules T3 to T8).

In the order in which a leader asks: how many dossiers were on time, really and by the official
form; at which step the time goes; online and by post; petitions; publication; whether the forms
reach the five groups; and people's view beside the record. A unit has half a page.
"""

from collections.abc import Sequence

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Joined,
    Number,
    Paragraph,
    Section,
    Text,
    make_text,
)
from sipas_analysis.figures.record_rows import RecordRow
from sipas_analysis.reports.chapters.record_summary import (
    find_lowest,
    find_record,
    is_cut,
    list_unreached,
    name_bottleneck,
    name_slow_place,
)
from sipas_analysis.reports.figure_tables import percent_cell
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.record_cells import name_row, print_number
from sipas_analysis.reports.record_pictures import (
    ON_TIME,
    draw_flow_picture,
    draw_views_picture,
    list_compared,
)
from sipas_analysis.reports.subject import Subject

COUNTS = ("received", "done", "late")
BESIDE = ("waiting", "withdrawn", "stopped", "no_limit")  # received, but neither done nor running
SHARES = ("online", "online_full", "online_partial", "post_intake", "post_return")
LEAST_GAP = 0.005  # points: a smaller gap is printed as 0.00


def build_records(subject: Subject) -> Section:
    """State what the records of dossiers, petitions and publication tell."""
    row = find_record(subject, "timeliness")
    blocks: list[Block] = [*_state_time(subject, row)] if row else [_say_nothing(subject)]
    if is_cut(subject):
        blocks.insert(0, Paragraph(make_text("records.cut"), "warning"))
    if subject.unit:
        blocks += _list(name_slow_place(subject))
    else:
        blocks += _list([*name_bottleneck(subject), draw_flow_picture(subject)])
    beside = [*_state_channels(subject), *_state_petitions(subject)]
    beside += [*_state_publication(subject), *_compare_groups(subject)]
    blocks += [Bullets(tuple(beside))] if beside else []
    blocks += _compare_views(subject)
    title = make_text("report.chapter.records")
    return Section("records", title, tuple(blocks))


def _list(parts: "Sequence[Text | Block | None]") -> list[Block]:
    """Return sentences as paragraphs, and other blocks that there are."""
    return [Paragraph(part) if isinstance(part, Text) else part for part in parts if part]


def _say_nothing(subject: Subject) -> Paragraph:
    return Paragraph(make_text(f"records.none.{'unit' if subject.unit else 'all'}"), "note")


# ── dossiers on time


def _state_time(subject: Subject, row: RecordRow) -> list[Block]:
    """State how many dossiers there are and how many were on time, by both ways of counting."""
    numbers = {name: print_number(subject, row, name) for name in COUNTS}
    wave = subject.figures.survey.wave
    start, end = wave.records.find_period(wave.year) if wave.records else ("", "")
    word = "known" if row.has(ON_TIME) else "hidden" if row.value_of("done") > 0 else "nothing"
    intro = make_text(
        f"records.time.{word}",
        start=start,
        end=end,
        who=make_text(f"records.who.{'unit' if subject.unit else 'all'}"),
        percent=print_number(subject, row, ON_TIME),
        **numbers,
    )
    texts = []
    if row.has("median_days_late"):
        days = print_number(subject, row, "median_days_late")
        texts.append(make_text("records.time.late", days=days))
    texts += _list_rest(subject, row, end)
    texts += [_compare_official(subject, row)] if row.has("official_percent") else []
    texts += _check_form(subject)
    texts += _compare_blocks(subject)
    if row.value_of("contradictory") > 0:
        texts.append(make_text("records.time.aside", n=print_number(subject, row, "contradictory")))
    rest = make_text("leaders.joined", parts=Joined(texts, " "))
    return [Paragraph(intro, "lead"), *([Paragraph(rest)] if texts else [])]


def _list_rest(subject: Subject, row: RecordRow, end: object) -> list[Text]:
    """State what the dossiers received that are not done are, so that the parts add up."""
    late = make_text("records.rest.with_overdue", n=print_number(subject, row, "overdue"))
    overdue = late if row.value_of("overdue") > 0 else ""
    n = print_number(subject, row, "running")
    running = make_text("records.rest.running", end=end, n=n, overdue=overdue)
    parts = [
        make_text(f"records.rest.{name}", n=print_number(subject, row, name))
        for name in BESIDE
        if row.value_of(name) > 0
    ]
    texts = [running] if row.value_of("running") > 0 else []
    return [*texts, make_text("records.rest", parts=Joined(parts, ", "))] if parts else texts


def _compare_official(subject: Subject, row: RecordRow) -> Text:
    """State the share of the official form, and which dossiers make it higher."""
    gap = row.value_of("gap_points")
    parts = [
        make_text(
            f"records.official.{name}",
            points=print_number(subject, row, f"gap_{name}"),
        )
        for name in ("waiting", "withdrawn")
        if row.value_of(f"gap_{name}") >= LEAST_GAP
    ]
    return make_text(
        "records.official.higher" if parts and gap >= LEAST_GAP else "records.official.same",
        percent=print_number(subject, row, "official_percent"),
        gap=print_number(subject, row, "gap_points"),
        parts=Joined(parts, ", "),
    )


def _check_form(subject: Subject) -> list[Text]:
    """State that the office's own form breaks a sum, or differs from the count (T4)."""
    records = subject.figures.records
    found = {row.domain for row in (records.rows_of("form") if records else [])}
    words = "both" if len(found) > 1 else next(iter(found), "")
    return [make_text(f"records.form.{words}")] if found and not subject.unit else []


def _compare_blocks(subject: Subject) -> list[Text]:
    """State the share on time of each block of units, if there are several; of all units only."""
    records = subject.figures.records
    listed = records.rows_of("timeliness", "group") if records and not subject.unit else []
    rows = [row for row in listed if row.group and row.has(ON_TIME)]
    named = [
        make_text(
            "records.block",
            name=subject.group_name(row.group),
            percent=print_number(subject, row, ON_TIME),
            n=print_number(subject, row, "done"),
        )
        for row in rows
    ]
    return [make_text("records.blocks", blocks=Joined(named))] if len(named) > 1 else []


# ── channels, petitions, publication


def _state_channels(subject: Subject) -> list[Text]:
    """State the shares of dossiers that came online or by post, each among those that could."""
    row = find_record(subject, "channels")
    if row is None:
        return []
    shares = {
        name: make_text(
            f"records.channel.{name}",
            percent=print_number(subject, row, f"{name}_percent"),
            n=print_number(subject, row, f"{name}_base"),
        )
        for name in SHARES
        if row.has(f"{name}_percent")
    }
    told = [
        make_text(f"records.channels.{kind}", parts=Joined(parts, "; "))
        for kind in ("online", "post")
        if (parts := [text for name, text in shares.items() if name.startswith(kind)])
    ]
    return [make_text("leaders.joined", parts=Joined(told, " "))] if told else []


def _state_petitions(subject: Subject) -> list[Text]:
    """State how many petitions there are, answered on time, reopened, and still open."""
    row = find_record(subject, "petitions")
    if row is None or not row.has("received"):
        return []
    numbers = {name: print_number(subject, row, name) for name in ("open", "overdue", "reopened")}
    again = make_text("records.petitions.with_reopened", n=numbers["reopened"])
    records = subject.figures.records
    officials = records.rows_of("petitions", "officials") if records else []
    are_apart = any(about.value_of("n") != 0 for about in officials)
    has_rate = row.has(ON_TIME)
    texts = [
        make_text(
            f"records.petitions.{'known' if has_rate else 'few'}",
            apart=make_text("records.petitions.apart") if are_apart else "",
            n=print_number(subject, row, "received"),
            percent=print_number(subject, row, ON_TIME),
            base=_count_base(subject, row) if has_rate else "",
            lowest=_name_lowest_answers(subject),
            reopened=again if row.value_of("reopened") > 0 else "",
        )
    ]
    days = print_number(subject, row, "backlog_median_days")
    age = make_text("records.petitions.with_age", days=days)
    if row.value_of("open") > 0:
        overdue = make_text("records.petitions.with_overdue", n=numbers["overdue"])
        texts.append(
            make_text(
                "records.petitions.open",
                open=numbers["open"],
                overdue=overdue if row.value_of("overdue") > 0 else "",
                age=age if row.has("backlog_median_days") else "",
            )
        )
    return [make_text("leaders.joined", parts=Joined(texts, " "))]


def _count_base(subject: Subject, row: RecordRow) -> Number:
    """Return how many cases the share answered on time is of: answered, or overdue."""
    return number_of(subject, row.find_id(ON_TIME), "denominator")


def _name_lowest_answers(subject: Subject) -> Text | str:
    """Name the unit with the lowest share answered on time, as a part of the sentence."""
    row = find_lowest(subject, "petitions", ON_TIME)
    if row is None:
        return ""
    unit, percent = subject.unit_name(row.unit), print_number(subject, row, ON_TIME)
    base = _count_base(subject, row)
    return make_text("records.petitions.lowest", unit=unit, percent=percent, base=base)


def _name_lowest_publication(subject: Subject) -> Text | str:
    """Name the unit with the lowest score of publication, as the end of the sentence."""
    row = find_lowest(subject, "publication", "score")
    if row is None:
        return ""
    score = print_number(subject, row, "score")
    unit = subject.unit_name(row.unit)
    return make_text("records.publication.lowest", unit=unit, percent=score)


def _state_publication(subject: Subject) -> list[Text]:
    """State how well procedures are published, and how many were late."""
    row = find_record(subject, "publication")
    if row is None or not row.has("score"):
        return []
    checks = ("place", "form", "content")
    shares = {name: print_number(subject, row, f"{name}_percent") for name in checks}
    days = print_number(subject, row, "median_days_late")
    word = "one" if row.value_of("late") == 1 else "late"
    late = make_text(f"records.publication.{word}", n=print_number(subject, row, "late"), days=days)
    n_blank = print_number(subject, row, "unchecked")
    unchecked = make_text("records.publication.unchecked", n=n_blank)
    return [
        make_text(
            "records.publication",
            n=print_number(subject, row, "procedures"),
            late=late if row.value_of("late") > 0 else "",
            unchecked=unchecked if row.value_of("unchecked") > 0 else "",
            lowest=_name_lowest_publication(subject),
            **shares,
        )
    ]


# ── people: the five groups, and their view beside the record


def _compare_groups(subject: Subject) -> list[Text]:
    """State which of the five groups the forms surely reach less or more; of all units only."""
    records = subject.figures.records
    rows = records.rows_of("coverage", "groups") if records and not subject.unit else []
    if not rows:
        return []
    if rows[0].verdict == "not_asked":
        return [make_text("records.coverage.not_asked")]
    sure = [
        make_text(
            f"records.coverage.{row.verdict}",
            name=name_row(subject, row)[0],
            forms=print_number(subject, row, "forms_percent"),
            n=print_number(subject, row, "forms_base"),
            clients=print_number(subject, row, "expected_percent"),
        )
        for row in list_unreached(subject, ("less", "more"))
    ]
    open_names = [
        name_row(subject, row)[0]
        for row in rows
        if row.verdict == "cannot_tell" and row.has("gap_points")
    ]
    texts = [make_text("records.coverage.sure", groups=Joined(sure))] if sure else []
    if open_names:
        texts.append(make_text("records.coverage.cannot_tell", names=Joined(open_names, ", ")))
    return [make_text("leaders.joined", parts=Joined(texts, " "))] if texts else []


def _compare_views(subject: Subject) -> list[Block]:
    """Set people's view on time beside the record: a picture of units, or a unit's sentence."""
    if not subject.unit:
        picture = draw_views_picture(subject)
        return [picture, Paragraph(make_text("records.views.note"), "note")] if picture else []
    texts = [
        make_text(
            "records.view",
            item=subject.item_name(subject.pack.on_time_item, is_marked=False),
            people=percent_cell(figure),
            record=print_number(subject, row, ON_TIME),
        )
        for unit, figure, row in list_compared(subject)
        if unit == subject.unit
    ]
    return [Paragraph(text) for text in texts]
