"""The annex on the method: how many people, when and how, with which rules and intervals."""

from sipas_analysis.collect.wave import Wave
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
from sipas_analysis.errors import Place
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.reports.chapters.opening import describe_fieldwork, describe_rule, hides_forms
from sipas_analysis.reports.chapters.people import may_count, tabulate_shares
from sipas_analysis.reports.chapters.sample_design import (
    FEW_CLUSTERS,
    count_clusters,
    describe_design,
    describe_weights,
)
from sipas_analysis.reports.subject import Subject
from sipas_analysis.sheets.texts import fold_text

GROUP_COUNTS = ("units", "forms", "fewest", "most")


def build_method(subject: Subject) -> Section:
    """State how many people were asked, when and how, and the rules of the figures."""
    survey, pack = subject.figures.survey, subject.pack
    wave = survey.wave
    asked = next((text for text in (wave.population, pack.population) if text.vi or text.en), None)
    rules = [rule for _, rule in pack.rules_by_level()]
    has_few_clusters = 0 < count_clusters(subject) < FEW_CLUSTERS
    notes = list(dict.fromkeys(rule.note for rule in rules if rule.note.vi or rule.note.en))
    n_forms = "…" if hides_forms(subject) else len(subject.forms)
    counts = {"n": n_forms, "n_units": subject.forms["unit"].nunique()}
    sample = make_text("report.method.sample_plain", **counts)
    if asked:
        sample = make_text("report.method.sample", population=asked, **counts)
    limits = make_text("report.method.rank", min_forms=pack.index.min_forms, min_cell=wave.min_cell)
    statements = [describe_fieldwork(wave), _describe_copies(wave)]
    blocks: list[Block] = [Paragraph(sample), *(Paragraph(text) for text in statements if text)]
    blocks += [_group_table(subject)] if subject.figures.groups and not subject.unit else []
    by_mode = "mode" in survey.frame and may_count(subject, "mode")
    blocks += [tabulate_shares(subject, "mode")] if by_mode else []
    blocks += [
        Paragraph(_describe_scale(subject)),
        *_describe_own_scales(subject),
        Bullets(tuple(describe_rule(subject, level) for level, _ in pack.rules_by_level())),
        *[Paragraph(make_text("report.method.note", note=note), "note") for note in notes],
        Paragraph(make_text("report.method.interval")),
        Paragraph(describe_design(subject), "warning" if has_few_clusters else "normal"),
        *describe_weights(subject),
        Paragraph(limits),
    ]
    return Section("method", make_text("report.chapter.method"), tuple(blocks))


def _describe_scale(subject: Subject) -> Text:
    """State from which level an answer counts as satisfied, or the points of each level."""
    scale, points = subject.pack.scale, subject.pack.index.points
    if not points:
        n_levels = len(scale.levels)
        return make_text("report.method.scale", satisfied=scale.satisfied_from, high=n_levels)
    parts = [f"{level}: {worth:g}" for level, worth in points.items()]
    return make_text("report.method.points", points=", ".join(parts))


def _describe_own_scales(subject: Subject) -> list[Paragraph]:
    """State which questions have another scale, were reversed or could be not applicable."""
    pack, ledger = subject.pack, subject.figures.survey.ledger
    codes_by_scale: dict[tuple[int, int, int, str], list[str]] = {}
    for code in pack.rated_codes:
        scale = pack.scale_of(code)
        facts = (scale.low, scale.high, scale.satisfied_from, scale.score)
        codes_by_scale.setdefault(facts, []).append(code)
    main = (pack.scale.low, pack.scale.high, pack.scale.satisfied_from, pack.scale.score)
    texts = [
        make_text(
            f"report.method.{score or 'own_scale'}",
            names=Joined([subject.item_name(code) for code in codes]),
            low=low,
            high=high,
            satisfied=satisfied,
        )
        for (low, high, satisfied, score), codes in codes_by_scale.items()
        if (low, high, satisfied, score) != main
    ]
    turned = [code for code in pack.rated_codes if pack.find_question(code).reverse]
    if turned:
        names = Joined([subject.short_name(code) for code in turned])
        texts.append(make_text("report.method.reversed", names=names))
    n_absent = int((ledger["reason"] == "not_applicable").sum())
    if n_absent:
        texts.append(make_text("report.method.not_applicable", n=n_absent))
    return [Paragraph(text) for text in texts]


def _describe_copies(wave: Wave) -> Text | None:
    """State which files may repeat forms of others and why, if ``wave.yaml`` lets them."""
    names = {fold_text(path.name): name for path, name in wave.name_files().items()}
    kept = [fold_text(Place.at_row(label, 1).file) for label in wave.duplicates.keep]
    files = Joined([*dict.fromkeys(names[file] for file in kept if file in names)])
    because = wave.duplicates.because
    return make_text("report.method.copies", files=files, because=because) if because.vi else None


def _group_table(subject: Subject) -> Table:
    """Count the units and forms of each group; a note names units without a form."""
    figures = subject.figures
    rows = []
    for group in figures.groups:
        units = figures.units_in_order(group)
        counts = [figure.n for figure in units if figure.n is not None]  # others are hidden (P2)
        n_forms = figures.by_variable("group", group)[OVERALL].n
        ends = (min(counts), max(counts)) if counts else (None, None)
        rows.append((subject.group_name(group), len(units), n_forms, *ends))
    columns = (
        Column(make_text("report.column.group"), "row"),
        *(Column(make_text(f"report.column.{name}")) for name in GROUP_COUNTS),
    )
    sent = set(figures.survey.frame["unit"])
    codes = [code for code in figures.survey.units["code"] if code not in sent]
    silent = Joined([subject.unit_name(code) for code in codes])
    notes = (make_text("report.method.silent", n=len(codes), names=silent),) if codes else ()
    return Table("table-sample", make_text("report.table.sample"), columns, tuple(rows), notes)
