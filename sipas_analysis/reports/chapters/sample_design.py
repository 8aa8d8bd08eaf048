"""Describe how the sample was drawn, and which of these facts count in the errors."""

from math import log2

from sipas_analysis.documents.model import Joined, Paragraph, Text, make_text
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.reports.named_numbers import number_of
from sipas_analysis.reports.subject import Subject

A_BILLIONTH = 1e-9  # smaller rounding of weights is not stated as a number
FEW_CLUSTERS = 10


def describe_design(subject: Subject) -> Text:
    """State which facts of the sample count in the error, and which were not declared."""
    survey = subject.figures.survey
    design = survey.design()
    columns = {"strata": design.strata, "clusters": design.clusters, "weights": design.weights}
    adjustments = _describe_adjustments(design)
    if not any(columns.values()):
        sentences = [] if design.replicates else [make_text("report.design.simple")]
        return make_text("report.design.said", parts=Joined([*sentences, *adjustments], " "))
    counted = {
        name: {"n": number_of(subject, f"design:{name}")}
        for name in ("strata", "clusters")
        if columns[name]
    }
    declared = [
        make_text(f"report.design.{name}", **counted.get(name, {}))
        for name, column in {**columns, "fpc": design.fpc}.items()
        if column
    ]
    sentences = [make_text("report.design.declared", parts=Joined(declared, ", ")), *adjustments]
    absent = [
        make_text(f"report.design.no_{name}") for name, column in columns.items() if not column
    ]
    if absent:
        sentences.append(make_text("report.design.absent", parts=Joined(absent, ", ")))
    lonely, choice = subject.figures.find("design:lonely"), survey.wave.design.lonely
    if lonely and lonely["value"] and choice != "fail":
        n_lonely, chosen = number_of(subject, "design:lonely"), make_text(f"report.lonely.{choice}")
        sentences.append(make_text("report.design.lonely", n=n_lonely, choice=chosen))
    if has_few_clusters(subject):
        n_clusters = number_of(subject, "design:sent_clusters")
        sentences.append(make_text("report.design.few", n=n_clusters))
    return make_text("report.design.said", parts=Joined(sentences, " "))


def has_few_clusters(subject: Subject) -> bool:
    """Return whether the forms come from so few clusters that intervals hold only roughly."""
    clusters = subject.figures.find("design:sent_clusters")
    return bool(clusters) and 0 < clusters["value"] < FEW_CLUSTERS


def _describe_adjustments(design: Design) -> list[Text]:
    """State the totals to which weights were calibrated, and replicate weights (rules W1, V4)."""
    sentences = []
    if design.calibration is not None:
        margins = Joined(list(dict.fromkeys(design.calibration.table["margin"])), ", ")
        sentences.append(make_text("report.design.calibrated", margins=margins))
    if replicates := design.declared_replicates:
        sentences.append(make_text("report.design.replicates", kind=replicates.kind))
    return sentences


def describe_weights(subject: Subject) -> list[Paragraph]:
    """State the loss by unequal weights, and their rounding if not whole (rules V6, V9)."""
    scale = read_facts(subject.figures.survey.design()).scale
    if scale.equal:
        return []
    n, kish = (number_of(subject, f"design:{name}") for name in ("forms", "effective"))
    cost = make_text("report.design.kish", n=n, kish=kish)
    if scale.step == 1:
        return [Paragraph(cost, "note")]
    power = str(int(log2(scale.step))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    rounding = make_text("report.design.rounded", step=f"2{power}")
    if scale.step < A_BILLIONTH:
        rounding = make_text("report.design.rounded_tiny")
    return [Paragraph(cost, "note"), Paragraph(rounding, "note")]
