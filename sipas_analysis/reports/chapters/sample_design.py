"""Say how the sample was drawn, and what of it counts in the errors."""

from math import log2

from sipas_analysis.documents.model import Joined, Number, Paragraph, Text, make_text
from sipas_analysis.infer.totals_from_files import read_facts
from sipas_analysis.reports.subject import Subject

FEW_CLUSTERS = 10


def describe_design(subject: Subject) -> Text:
    """Say which facts of the sample count in the error, and which were not declared."""
    survey = subject.figures.survey
    design = survey.design(subject.forms) if subject.unit else survey.design()
    given = {"strata": design.strata, "clusters": design.clusters, "weights": design.weights}
    if not any(given.values()):
        return make_text("report.design.simple")
    first = survey.design().stages[0]
    sizes = {"strata": len(first.n), "clusters": len(first.group)}
    used = [
        make_text(f"report.design.{name}", **({"n": sizes[name]} if name in sizes else {}))
        for name, column in {**given, "fpc": design.fpc}.items()
        if column
    ]
    said = [make_text("report.design.declared", parts=Joined(used, ", "))]
    absent = [make_text(f"report.design.no_{name}") for name, it in given.items() if not it]
    said += [make_text("report.design.absent", parts=Joined(absent, ", "))] if absent else []
    alone, choice = _count_lonely_strata(subject), survey.wave.design.lonely
    if alone and choice != "fail":
        chosen = make_text(f"report.lonely.{choice}")
        said.append(make_text("report.design.lonely", n=alone, choice=chosen))
    few = count_clusters(subject)
    said += [make_text("report.design.few", n=few)] if few and few < FEW_CLUSTERS else []
    return make_text("report.design.said", parts=Joined(said, " "))


def _count_lonely_strata(subject: Subject) -> int:
    """Count the strata of one cluster (or of one form, without clusters)."""
    frame = subject.figures.survey.frame
    if "stratum" not in frame:
        return 0
    places = frame[["stratum", "cluster"]].drop_duplicates() if "cluster" in frame else frame
    return int((places["stratum"].value_counts() == 1).sum())


def describe_weights(subject: Subject) -> list[Paragraph]:
    """Say what unequal weights cost, and how they were rounded if not whole (rules V6, V9)."""
    survey = subject.figures.survey
    scale = read_facts(survey.design()).scale
    if scale.equal:
        return []
    weight = subject.forms["weight"].astype(float)
    kish = Number(float(weight.sum() ** 2 / (weight**2).sum()))
    worth = Paragraph(make_text("report.design.kish", n=Number(len(weight)), kish=kish), "note")
    if scale.step == 1:
        return [worth]
    power = str(int(log2(scale.step))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return [worth, Paragraph(make_text("report.design.rounded", step=f"2{power}"), "note")]


def count_clusters(subject: Subject) -> int:
    """Return how many clusters the subject's forms come from; 0 if none are declared."""
    if "cluster" not in subject.forms:
        return 0
    place = [name for name in ("stratum", "cluster") if name in subject.forms]
    return len(subject.forms[place].drop_duplicates())
