"""The first chapter: basis, purpose and method, short; the annex on the method has the rest."""

import re
from collections.abc import Iterable, Sequence

from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Joined,
    Paragraph,
    Section,
    Text,
    make_text,
)
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.instrument.pack import OVERALL, Instrument, list_packs, read_instrument
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject, name_year

DECISIONS = "qd-"  # packs of decisions of the ministry, each of which replaces the one before
SOURCED = "sourced"
SCALE_SETTINGS = {"low": "low", "high": "high", "satisfied": "satisfied_from"}


def build_basis(subject: Subject) -> Section:
    """Name purpose and decisions; state who was asked, how the index is counted, and its limits."""
    wave, pack = subject.figures.survey.wave, subject.pack
    rule = name_rule(subject, OVERALL)
    limits = {name: number_of(subject, f"setting:{name}") for name in ("min_forms", "min_cell")}
    texts = [
        _describe_sample(subject),
        describe_fieldwork(wave),
        _state_weights(subject),
        describe_scale(subject),
        *describe_other_scales(subject),
        make_text("report.basis.index", rule=rule),
        make_text("report.basis.error", **limits),
        _name_targets(subject),
    ]
    blocks: tuple[Block, ...] = (
        Paragraph(_state_purpose(wave, pack)),
        Bullets((describe_instrument(pack), *([describe_decision(wave)] if wave.decision else []))),
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


def _state_weights(subject: Subject) -> Text | None:
    """State that forms count with weights, where these differ (rule V6)."""
    design = subject.figures.survey.design()
    return None if read_facts(design).scale.equal else make_text("report.basis.weighted")


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


def describe_other_scales(subject: Subject) -> list[Text]:
    """State the levels of questions that have another scale than most."""
    pack = subject.pack
    codes_by_scale: dict[tuple[int, int, int, str], list[str]] = {}
    for code in pack.rated_codes:
        scale = pack.scale_of(code)
        facts = (scale.low, scale.high, scale.satisfied_from, scale.score)
        codes_by_scale.setdefault(facts, []).append(code)
    main = (pack.scale.low, pack.scale.high, pack.scale.satisfied_from, pack.scale.score)
    return [
        make_text(
            f"report.method.{facts[-1] or 'own_scale'}",
            names=Joined([subject.item_name(code) for code in codes]),
            **{
                field: number_of(subject, f"setting:{name}:{codes[0]}")
                for field, name in SCALE_SETTINGS.items()
            },
        )
        for facts, codes in codes_by_scale.items()
        if facts != main
    ]


def _name_targets(subject: Subject) -> Text | None:
    """Name the targets of the wave, if it has any."""
    targets = subject.figures.survey.wave.targets
    if not targets:
        return None
    return make_text("report.basis.targets", targets=join_with_and(list_targets(subject, targets)))


def list_targets(subject: Subject, targets: Iterable[float]) -> list[Text]:
    """Name some targets of the wave."""
    return [
        make_text(
            "report.basis.target",
            target=number_of(subject, f"setting:target:{target:g}", decimals=None),
            sign=subject.name_measure("sign"),
        )
        for target in targets
    ]


def join_with_and(names: Sequence[object]) -> object:
    """Return names with commas between them and "and" before the last."""
    if len(names) < 2:
        return names[0]
    return make_text("report.and", names=Joined(names[:-1], ", "), last=names[-1])


def describe_instrument(pack: Instrument) -> Text:
    """Name the instrument and its source."""
    if not pack.source.text("vi"):
        return make_text("report.basis.instrument_plain", title=pack.title)
    number = re.search(r"\d+/\S+", pack.source.text("vi"))
    if number and number[0] in pack.title.text("vi"):  # the title is that of the decision
        return make_text("report.basis.instrument_source", source=pack.source)
    return make_text("report.basis.instrument", source=pack.source, title=pack.title)


def describe_decision(wave: Wave) -> Text:
    """Name the decision behind the survey, or state that there is none."""
    decision = wave.decision
    if decision is None:
        return make_text("report.basis.no_decision")
    return make_text("report.basis.decision", number=decision.number, date=decision.date)


def state_reservations(subject: Subject) -> list[Text]:
    """State what whoever signs should know, in one paragraph that no document to be signed has.

    That is: no decision, sources that were not checked, and rules that a later decision replaced.
    No decision publishes the results of a questionnaire of one's own.
    """
    wave, pack = subject.figures.survey.wave, subject.pack
    parts = [] if wave.decision or pack.is_own else [describe_decision(wave)]
    if wave.decision and wave.decision.status != SOURCED:
        status = _name_status(wave.decision.status)
        parts.append(make_text("report.basis.decision_status", status=status))
    if any(map(pack.is_unattributed, pack.items)):
        parts.append(make_text(f"report.basis.wording.{'published' if wave.decision else 'open'}"))
    elif pack.source.text("vi") and pack.status != SOURCED:
        status = _name_status(pack.status)
        parts.append(make_text("report.basis.instrument_status", status=status))
    if newer := find_newer_rules(pack, wave.year):
        days = {"year": str(wave.year), "day": newer.valid_from}
        parts.append(
            make_text("report.basis.older", source=pack.source, newer=newer.source, **days)
        )
    return [make_text("report.basis.reservations", parts=Joined(parts, " "))] if parts else []


def find_newer_rules(pack: Instrument, year: int | None) -> Instrument | None:
    """Return the decision (``qd-…``) in force in a year, if it is later than that of the pack.

    A survey of the year in which the later decision came may have used either form.
    """
    if not (year and pack.valid_from and pack.id.startswith(DECISIONS)):
        return None
    others = [read_instrument(name) for name in list_packs() if name.startswith(DECISIONS)]
    later = [
        (other.valid_from, other.id, other)
        for other in others
        if other.valid_from
        and pack.valid_from < other.valid_from
        and other.valid_from.year < year <= (other.valid_to.year if other.valid_to else year)
    ]
    return max(later)[-1] if later else None


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


def describe_fieldwork(wave: Wave) -> Text | None:
    """State the first and last day of fieldwork, if the wave has them."""
    start, end = wave.collected.start, wave.collected.end
    return make_text("report.method.fieldwork", start=start, end=end) if start or end else None


def describe_rule(subject: Subject, level: str) -> Text:
    """State the rule of the figures of a level, with its status."""
    name, rule = make_text(f"report.level.{level}"), name_rule(subject, level)
    if subject.pack.is_own:  # whoever made the questionnaire made the rule
        return make_text("report.rule.own", level=name, rule=rule)
    status = _name_status(dict(subject.pack.rules_by_level())[level].status)
    return make_text("report.rule.of", level=name, rule=rule, status=status)


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
