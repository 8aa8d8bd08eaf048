"""The first chapter: basis, purpose and method, short; the annex on the method has the rest."""

from collections.abc import Sequence

from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import (
    Bullets,
    Joined,
    Number,
    Paragraph,
    Section,
    Text,
    make_text,
)
from sipas_analysis.figures.published import PublishedFigure
from sipas_analysis.instrument.pack import OVERALL, Instrument
from sipas_analysis.reports.figure_tables import (
    are_different,
    contrast_extremes,
    interval_cell,
    number_cell,
    percent_cell,
    sort_known_figures,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, name_year

N_WEAKEST = 3  # items that are named
MOST_NAMED = 12  # units that are named in a sentence


def build_basis(subject: Subject) -> Section:
    """Name purpose and decisions; state who was asked, how the index is counted, and its limits."""
    wave, pack = subject.figures.survey.wave, subject.pack
    rule = name_rule(subject, OVERALL)
    limits = {name: number_of(subject, f"setting:{name}") for name in ("min_forms", "min_cell")}
    texts = [
        _describe_sample(subject),
        describe_fieldwork(wave),
        describe_scale(subject),
        make_text("report.basis.index", rule=rule),
        make_text("report.basis.error", **limits),
        _name_targets(subject),
    ]
    blocks = (
        Paragraph(_state_purpose(wave, pack)),
        Bullets((describe_instrument(pack), describe_decision(wave))),
        *(Paragraph(text) for text in texts if text is not None),
    )
    return Section("basis", make_text("report.chapter.basis"), blocks)


def _describe_sample(subject: Subject) -> Text:
    """State how many valid forms of how many units the report is about, and who was asked."""
    wave, pack = subject.figures.survey.wave, subject.pack
    population = next((text for text in (wave.population, pack.population) if text.text("vi")), "")
    return make_text(
        "report.method.sample" if population else "report.method.sample_plain",
        population=population,
        n=number_of(subject, "forms:kept"),
        n_units=number_of(subject, "units:with_forms"),
    )


def describe_scale(subject: Subject) -> Text:
    """State from which level an answer counts as satisfied, or the points of each level."""
    scale, points = subject.pack.scale, subject.pack.index.points
    if points:
        parts = [
            make_text(
                "annex.level_points",
                level=str(level),
                points=number_of(subject, f"setting:points:{level}", decimals=None),
            )
            for level in points
        ]
        return make_text("report.method.points", points=Joined(parts, ", "))
    fields: dict[str, object] = {
        "satisfied": number_of(subject, "setting:satisfied_from"),
        "high": number_of(subject, "setting:levels"),
    }
    middle = scale.labels.get((scale.low + scale.high) // 2) if len(scale.levels) % 2 else None
    if middle is None:  # only a middle level with a name may be thought to be satisfied
        return make_text("report.method.scale", **fields)
    return make_text("report.method.scale_middle", middle=middle, **fields)


def _name_targets(subject: Subject) -> Text | None:
    """Name the targets of the wave, if it has any."""
    targets = subject.figures.survey.wave.targets
    if not targets:
        return None
    named = [
        make_text(
            "report.basis.target",
            target=number_of(subject, f"setting:target:{target:g}", decimals=None),
            sign=subject.name_measure("sign"),
        )
        for target in targets
    ]
    return make_text("report.basis.targets", targets=join_with_and(named))


def join_with_and(names: Sequence[object]) -> object:
    """Return names with commas between them and "and" before the last."""
    if len(names) < 2:
        return names[0]
    return make_text("report.and", names=Joined(names[:-1], ", "), last=names[-1])


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


def describe_rule(subject: Subject, level: str) -> Text:
    """State the rule of the figures of a level, with its status."""
    status = _name_status(dict(subject.pack.rules_by_level())[level].status)
    name = make_text(f"report.level.{level}")
    return make_text("report.rule.of", level=name, rule=name_rule(subject, level), status=status)


def name_rule(subject: Subject, level: str) -> Text:
    """State in words how the figures of a level are counted."""
    rule = dict(subject.pack.rules_by_level())[level]
    weights = [
        make_text(
            "report.rule.weight",
            name=subject.short_name(code),
            weight=number_of(subject, f"setting:weight:{level}:{code}", decimals=None),
        )
        for code in rule.weights
    ]
    return make_text(f"report.rule.{rule.rule}", weights=Joined(weights))


def _name_status(status: str) -> Text:
    return make_text(f"status.{status}")


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
