"""The first chapters: summary, basis and method."""

from sipas_analysis.collect.survey import DROP_REASONS
from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Joined,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.reports.chapters.sample_design import (
    describe_design,
)
from sipas_analysis.reports.figure_tables import (
    are_different,
    contrast_extremes,
    explain_no_rank,
    interval_cell,
    number_cell,
    percent_cell,
    sort_known_figures,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, name_year

N_WEAKEST = 3  # items that are named
MOST_NAMED = 12  # units that are named in a sentence


def build_summary(subject: Subject) -> Section:
    """State the index, its error and everything that a reader of the index must know."""
    survey, whole = subject.figures.survey, subject.own_figures[OVERALL]
    index = make_text(
        "report.fact.index_is", value=percent_cell(whole), interval=interval_cell(whole)
    )
    facts: list[tuple[object, object]] = [
        (make_text("report.fact.index"), index),
        (make_text("report.fact.forms"), _describe_forms(subject)),
        (make_text("report.fact.rule"), describe_rule(subject, OVERALL)),
        (make_text("report.fact.wording"), _describe_wording(subject)),
        (make_text("report.fact.dropped"), _describe_dropped(subject)),
        (make_text("report.fact.design"), describe_design(subject)),
    ]
    if subject.unit:
        facts.insert(1, (make_text("report.fact.rank"), _describe_rank(subject)))
    grade = subject.pack.index.find_grade(whole.value)
    if grade is not None:
        facts.insert(1, (make_text("report.fact.grade"), grade))
    if survey.wave.is_synthetic:
        facts.insert(0, (make_text("report.fact.data"), make_text("report.synthetic_short")))
    table = Table(
        "table-summary",
        make_text("report.table.summary"),
        (
            Column(make_text("report.column.fact"), "row"),
            Column(make_text("report.column.stands"), "text"),
        ),
        tuple(facts),
    )
    heading = Paragraph(make_text("report.key.points"), "heading")
    points = list_key_points(subject)
    blocks: list[Block] = [Paragraph(state_index(whole), "lead" if whole.is_known else "warning")]
    blocks += [heading, Bullets(points)] if points else []
    blocks.append(table)
    if whole.is_known and whole.flag == "caution":
        blocks.append(Paragraph(make_text("report.caution", n=whole.n_valid), "warning"))
    return Section("summary", make_text("report.chapter.summary"), tuple(blocks))


def build_basis(subject: Subject) -> Section:
    """Name the decisions behind the survey and its purpose."""
    wave, pack = subject.figures.survey.wave, subject.pack
    blocks: list[Block] = [
        Paragraph(_state_purpose(wave, pack)),
        Bullets((describe_instrument(pack), describe_decision(wave))),
    ]
    if wave.targets:
        targets = Joined([Number(f"{target:g}") for target in wave.targets], ", ")
        blocks.append(Paragraph(make_text("report.basis.targets", targets=targets)))
    return Section("basis", make_text("report.chapter.basis"), tuple(blocks))


def describe_instrument(pack: Instrument) -> Text:
    """Name the instrument, its source and the status of the source."""
    named = {"title": pack.title, "status": _name_status(pack.status)}
    if not pack.source:
        return make_text("report.basis.instrument_plain", **named)
    return make_text("report.basis.instrument", source=pack.source, **named)


def describe_decision(wave: Wave) -> Text:
    """Name the decision behind the survey, or state that there is none."""
    decision = wave.decision
    if decision is None:
        return make_text("report.basis.no_decision")
    return make_text(
        "report.basis.decision",
        number=decision.number,
        date=decision.date,
        status=_name_status(decision.status),
    )


def _state_purpose(wave: Wave, pack: Instrument) -> Text:
    """State whose satisfaction was measured, and with what; the pack has the words."""
    unnamed = make_text("report.basis.people")
    people = next((text for text in (pack.people, pack.population) if text.text("vi")), unnamed)
    by_title = make_text("report.basis.measured", title=pack.title)
    fields = {
        "people": people,
        "measured": pack.measured if pack.measured.text("vi") else by_title,
        "when": name_year(wave),
    }
    if wave.province.vi or wave.province.en:
        return make_text("report.basis.purpose", province=wave.province, **fields)
    return make_text("report.basis.purpose_plain", **fields)


def state_index(whole: PublishedFigure) -> Text:
    """State an index with its error and its number of forms, or that it is not published."""
    if not whole.is_known:
        return make_text("report.lead.suppressed")
    percent, interval = percent_cell(whole), interval_cell(whole)
    return make_text("report.lead.index", value=percent, interval=interval, n=number_cell(whole))


def list_key_points(subject: Subject) -> tuple[Text, ...]:
    """Return the main results that may be published: factors, weakest items, driver, checks."""
    pack = subject.pack
    points = [*contrast_extremes(subject, sort_known_figures(subject, [*pack.factors]))]
    items = sort_known_figures(subject, [*pack.items])
    weakest = [
        make_text(
            "report.conclusion.item",
            item=subject.item_name(figure.variable),
            value=percent_cell(figure),
        )
        for figure in items[:N_WEAKEST]
    ]
    if are_different(items):
        points.append(make_text("report.conclusion.items", items=Joined(weakest)))
    sure_drivers = subject.figures.drivers.list_significant()
    if sure_drivers and not subject.unit:
        points.append(
            make_text("report.conclusion.driver", name=subject.short_name(sure_drivers[0]))
        )
    priority = subject.figures.priority(subject.unit)
    if len(priority.frame):
        to_fix = Joined([subject.short_name(code) for code in priority.list_factors("fix")])
        word = "first" if to_fix.phrases else "nothing_first"
        points.append(make_text(f"report.conclusion.{word}", names=to_fix))
    return (*_point_to_findings(subject), *points)


def describe_fieldwork(wave: Wave) -> Text | None:
    """State the first and last day of fieldwork, if the wave has them."""
    start, end = wave.collected.start, wave.collected.end
    return make_text("report.method.fieldwork", start=start, end=end) if start or end else None


def hides_forms(subject: Subject) -> bool:
    """Return whether the number of forms is hidden with the index of a unit (P2)."""
    return bool(subject.unit) and subject.own_figures[OVERALL].is_hidden


def _describe_forms(subject: Subject) -> Text:
    n_units = subject.forms["unit"].nunique()
    if hides_forms(subject):
        return make_text("report.suppressed")
    if subject.unit:
        return make_text("report.fact.forms_unit", n=len(subject.forms))
    return make_text("report.fact.forms_all", n=len(subject.forms), n_units=n_units)


def _describe_rank(subject: Subject) -> Text:
    unit_index = subject.ranked_index
    if unit_index.rank is None:
        return make_text("report.rank.none", reason=explain_no_rank(subject, unit_index))
    units = subject.figures.units_in_order(subject.group)
    return make_text(
        "report.rank.is",
        rank=number_cell(unit_index, "rank"),
        low=number_cell(unit_index, "rank_low"),
        high=number_cell(unit_index, "rank_high"),
        letter=unit_index.letter,
        n=sum(figure.rank is not None for figure in units),
        group=subject.group_name(subject.group),
    )


def describe_rule(subject: Subject, level: str) -> Text:
    """State the rule of the figures of a level, with its status."""
    rule = dict(subject.pack.rules_by_level())[level]
    weights = [
        make_text(
            "report.rule.weight",
            name=subject.short_name(code),
            weight=number_of(subject, f"setting:weight:{level}:{code}", decimals=None),
        )
        for code in rule.weights
    ]
    rule_text = make_text(f"report.rule.{rule.rule}", weights=Joined(weights))
    name = make_text(f"report.level.{level}")
    return make_text("report.rule.of", level=name, rule=rule_text, status=_name_status(rule.status))


def _name_status(status: str) -> Text:
    return make_text(f"status.{status}")


def _describe_wording(subject: Subject) -> Text:
    parts = [
        make_text("report.fact.wording_part", n=len(codes), status=_name_status(status))
        for status, codes in subject.pack.by_status().items()
    ]
    return make_text("report.fact.wording_is", n=len(subject.pack.items), parts=Joined(parts, ", "))


def _describe_dropped(subject: Subject) -> Text:
    survey = subject.figures.survey
    ledger = survey.ledger
    is_cell = ledger["row"].notna() & (ledger["column"] != "")
    return make_text(
        "report.fact.dropped_is",
        n_read=survey.n_read,
        n_dropped=survey.n_read - len(survey.frame),
        n_changed=int((is_cell & ~ledger["reason"].isin(DROP_REASONS)).sum()),
        n_personal=int((ledger["reason"] == "personal").sum()),
    )


def _point_to_findings(subject: Subject) -> list[Text]:
    """Name many straight lines, items turned round, and units whose forms need a second look."""
    units = list(dict.fromkeys(subject.figures.findings.noticed()["unit"]))
    if subject.unit:
        own_mark = subject.describe_own_mark()
        is_noticed = subject.unit in units and not own_mark
        noticed = [make_text("report.conclusion.quality_unit")] if is_noticed else []
        return [own_mark] if own_mark else noticed
    findings = subject.figures.findings
    share = Number(findings.straight_percent, 1)
    many = [make_text("report.quality.many_straight", share=share)]
    first = [*(many if findings.has_many_straight else []), *subject.name_opposed_items()]
    names = Joined([subject.marked_name(unit) for unit in units[:MOST_NAMED]])
    quality = make_text("report.conclusion.quality", n=len(units), names=names)
    return [*first, *([quality, *subject.explain_marks(units[:MOST_NAMED])] if units else [])]
