"""Describe how the sample was drawn, and which of these facts count in the errors."""

from math import log2

from sipas_analysis.documents.model import Joined, Number, Paragraph, Text, make_text
from sipas_analysis.infer.design import Design
from sipas_analysis.infer.sample_facts import read_facts
from sipas_analysis.reports.subject import Subject

FEW_CLUSTERS = 10


def describe_design(subject: Subject) -> Text:
    """State which facts of the sample count in the error, and which were not declared."""
    survey = subject.figures.survey
    design = survey.design(subject.forms) if subject.unit else survey.design()
    columns = {"strata": design.strata, "clusters": design.clusters, "weights": design.weights}
    adjustments = _describe_adjustments(design)
    if not any(columns.values()):
        sentences = [] if design.replicates else [make_text("report.design.simple")]
        return make_text("report.design.said", parts=Joined([*sentences, *adjustments], " "))
    first_stage = survey.design().stages[0]
    sizes = {"strata": len(first_stage.n), "clusters": len(first_stage.group)}
    declared = [
        make_text(f"report.design.{name}", **({"n": sizes[name]} if name in sizes else {}))
        for name, column in {**columns, "fpc": design.fpc}.items()
        if column
    ]
    sentences = [make_text("report.design.declared", parts=Joined(declared, ", ")), *adjustments]
    absent = [
        make_text(f"report.design.no_{name}") for name, column in columns.items() if not column
    ]
    if absent:
        sentences.append(make_text("report.design.absent", parts=Joined(absent, ", ")))
    n_lonely, choice = _count_lonely_strata(subject), survey.wave.design.lonely
    if n_lonely and choice != "fail":
        chosen = make_text(f"report.lonely.{choice}")
        sentences.append(make_text("report.design.lonely", n=n_lonely, choice=chosen))
    n_clusters = count_clusters(subject)
    if 0 < n_clusters < FEW_CLUSTERS:
        sentences.append(make_text("report.design.few", n=n_clusters))
    return make_text("report.design.said", parts=Joined(sentences, " "))


def _describe_adjustments(design: Design) -> list[Text]:
    """State the totals to which weights were calibrated, and replicate weights (rules W1, V4)."""
    sentences = []
    if design.calibration is not None:
        margins = Joined(list(dict.fromkeys(design.calibration.table["margin"])), ", ")
        sentences.append(make_text("report.design.calibrated", margins=margins))
    if replicates := design.declared_replicates:
        sentences.append(make_text("report.design.replicates", kind=replicates.kind))
    return sentences


def _count_lonely_strata(subject: Subject) -> int:
    """Count the strata of one cluster (or of one form, without clusters)."""
    frame = subject.figures.survey.frame
    if "stratum" not in frame:
        return 0
    clusters = frame[["stratum", "cluster"]].drop_duplicates() if "cluster" in frame else frame
    return int((clusters["stratum"].value_counts() == 1).sum())


def describe_weights(subject: Subject) -> list[Paragraph]:
    """State the loss by unequal weights, and their rounding if not whole (rules V6, V9)."""
    survey = subject.figures.survey
    scale = read_facts(survey.design()).scale
    if scale.equal:
        return []
    weights = subject.forms["weight"].astype(float)
    kish = Number(float(weights.sum() ** 2 / (weights**2).sum()))
    cost = make_text("report.design.kish", n=Number(len(weights)), kish=kish)
    if scale.step == 1:
        return [Paragraph(cost, "note")]
    power = str(int(log2(scale.step))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    rounding = make_text("report.design.rounded", step=f"2{power}")
    return [Paragraph(cost, "note"), Paragraph(rounding, "note")]


def count_clusters(subject: Subject) -> int:
    """Return how many clusters the subject's forms come from; 0 if none are declared."""
    if "cluster" not in subject.forms:
        return 0
    keys = [name for name in ("stratum", "cluster") if name in subject.forms]
    return len(subject.forms[keys].drop_duplicates())
