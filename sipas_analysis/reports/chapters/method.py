"""The annex on the method: how many people, when and how, with which rules and intervals."""

from sipas_analysis.collect.wave import Wave
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Joined,
    Paragraph,
    Text,
    make_text,
)
from sipas_analysis.errors import Place
from sipas_analysis.reports.chapters.opening import (
    describe_fieldwork,
    describe_other_scales,
    describe_rule,
    describe_scale,
)
from sipas_analysis.reports.chapters.sample_design import (
    describe_design,
    describe_weights,
    has_few_clusters,
)
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject
from sipas_analysis.sheets.texts import fold_text


def explain_method(subject: Subject) -> list[Block]:
    """State how many people were asked, when and how, and the rules of the figures."""
    survey, pack = subject.figures.survey, subject.pack
    wave = survey.wave
    asked = next((text for text in (wave.population, pack.population) if text.vi or text.en), None)
    rules = [rule for _, rule in pack.rules_by_level()]
    notes = list(dict.fromkeys(rule.note for rule in rules if rule.note.vi or rule.note.en))
    counts = {
        "n": number_of(subject, "forms:kept"),
        "n_units": number_of(subject, "units:with_forms"),
    }
    sample = make_text("report.method.sample_plain", **counts)
    if asked:
        sample = make_text("report.method.sample", population=asked, **counts)
    limits = {name: number_of(subject, f"setting:{name}") for name in ("min_forms", "min_cell")}
    statements = [describe_fieldwork(wave), _describe_copies(wave)]
    return [
        Paragraph(sample),
        *(Paragraph(text) for text in statements if text),
        Paragraph(describe_scale(subject)),
        *_describe_own_scales(subject),
        Bullets(tuple(describe_rule(subject, level) for level, _ in pack.rules_by_level())),
        *[Paragraph(make_text("report.method.note", note=note), "note") for note in notes],
        Paragraph(make_text("report.method.interval")),
        Paragraph(describe_design(subject), "warning" if has_few_clusters(subject) else "normal"),
        *describe_weights(subject),
        Paragraph(make_text("report.method.rank", **limits)),
    ]


def _describe_own_scales(subject: Subject) -> list[Paragraph]:
    """State which questions have another scale, were reversed or could be not applicable."""
    pack = subject.pack
    texts = describe_other_scales(subject)
    turned = [code for code in pack.rated_codes if pack.find_question(code).reverse]
    if turned:
        names = Joined([subject.short_name(code) for code in turned])
        texts.append(make_text("report.method.reversed", names=names))
    if subject.figures.find("ledger:not_applicable"):
        n_absent = number_of(subject, "ledger:not_applicable")
        texts.append(make_text("report.method.not_applicable", n=n_absent))
    return [Paragraph(text) for text in texts]


def _describe_copies(wave: Wave) -> Text | None:
    """State which files may repeat forms of others and why, if ``wave.yaml`` lets them."""
    names = {fold_text(path.name): name for path, name in wave.name_files().items()}
    kept = [fold_text(Place.at_row(label, 1).file) for label in wave.duplicates.keep]
    files = Joined([*dict.fromkeys(names[file] for file in kept if file in names)])
    because = wave.duplicates.because
    return make_text("report.method.copies", files=files, because=because) if because.vi else None
