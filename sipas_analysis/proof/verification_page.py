"""Write what a verification found: a few lines for a terminal, or one page in each language."""

import re
from collections.abc import Iterable, Iterator
from math import inf

from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Document,
    Number,
    Paragraph,
    Section,
    Text,
    make_text,
)
from sipas_analysis.messages import Language, join_first
from sipas_analysis.proof.findings import NOTES, Finding, Verification

MOST_FINDINGS = 20  # of a kind that are listed one by one
MOST_ABSENT = 3  # reports that a run has not
FILLED_IN = (".docx", ".xlsx", ".pdf")  # of files that a person completes
LONGEST = 160  # letters of a value


def describe_verification(verification: Verification, language: Language) -> Iterator[str]:
    """Yield the grade in a sentence, then what differs, then notes."""
    yield _grade_text(verification).text(language)
    yield from (f"- {text.text(language)}" for text in _list_findings(verification))


def make_verification_page(verification: Verification) -> Document:
    """Return a verification as one page."""
    findings = _list_findings(verification)
    first: list[Block] = [
        Paragraph(_grade_text(verification), "lead" if is_good(verification) else "warning")
    ]
    blocks = (
        *first,
        *([Bullets(tuple(findings))] if findings else []),
        Paragraph(make_text("verification.how")),
    )
    section = Section("verification", make_text("verification.chapter"), tuple(blocks))
    return Document(
        "verification",
        make_text("verification.title"),
        make_text("verification.subtitle"),
        None,
        (section,),
        make_text("verification.footer", receipt=verification.receipt),
    )


def is_good(verification: Verification) -> bool:
    """Return whether every figure was computed again and equals the published figure."""
    return verification.grade in ("same", "elsewhere", "rounded")


def _grade_text(verification: Verification) -> Text:
    grade = verification.grade
    if grade == "partly" and verification.recomputed:
        kinds = {finding.kind for finding in verification.findings}
        grade = "not_made" if "unmade" in kinds else "other_bytes"
    return make_text(
        f"verification.{grade}",
        n_outputs=verification.n_outputs,
        n_figures=verification.n_figures,
        n_printed=verification.n_printed,
        n_faults=_count_faults(verification),
        n_other=sum(finding.kind == "layout" for finding in verification.findings),
        receipt=verification.receipt,
    )


def _count_faults(verification: Verification) -> int:
    """Return the number of faults; figures that an altered input moves are not counted."""
    kinds = [fault.kind for fault in verification.faults]
    is_altered = not {"input", "answers", "plan_after"}.isdisjoint(kinds)
    return len(kinds) - is_altered * kinds.count("figure")


def _list_findings(verification: Verification) -> list[Text]:
    by_kind: dict[str, list[Finding]] = {}
    for finding in sorted(verification.findings, key=lambda finding: finding.kind in NOTES):
        by_kind.setdefault(finding.kind, []).append(finding)
    texts: list[Text] = []
    left_out, absent = (by_kind.pop(kind, []) for kind in ("left_out", "no_report"))
    for kind, findings in by_kind.items():
        listed = _group_figures(findings) if kind == "figure" else findings
        texts += [_finding_text(finding) for finding in listed[:MOST_FINDINGS]]
        if len(listed) > MOST_FINDINGS:
            more = "more_figures" if kind == "figure" else "more"
            texts.append(make_text(f"verification.{more}", n=len(listed) - MOST_FINDINGS))
    if absent:
        names = ", ".join(finding.file for finding in absent[:MOST_ABSENT])
        texts.append(make_text("verification.no_report", n=len(absent), files=_shorten(names)))
    if left_out:
        texts.append(make_text("verification.left_out", n=len(left_out)))
    return [*texts, *_advise_on_edits(by_kind.get("output", []))]


def _advise_on_edits(findings: Iterable[Finding]) -> list[Text]:
    """Say what to do if changed files are documents that an officer fills in."""
    names = [finding.file for finding in findings if finding.file.endswith(FILLED_IN)]
    shown = join_first(names, MOST_ABSENT, ", ")
    return [make_text("verification.edited", file=shown)] if names else []


def _group_figures(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding for each figure, its value if that moved, in the order of weight."""
    by_figure: dict[str, Finding] = {}
    for finding in findings:
        figure, _, column = finding.figure.partition("#")
        if column == "value" or figure not in by_figure:
            by_figure[figure] = finding
    return sorted(by_figure.values(), key=_weigh_difference, reverse=True)


def _weigh_difference(finding: Finding) -> tuple[bool, bool, bool, float]:
    """Return what puts a figure before others, and by how much it moved.

    Values go before intervals, the overall index before items and factors, these before figures
    with a kind (``gap:…``), which have other units; a value that came or went before a number.
    """
    figure, _, column = finding.figure.partition("#")
    weight = column == "value", figure.partition("@")[0] == "overall", ":" not in figure
    if isinstance(finding.old, float | int) and isinstance(finding.new, float | int):
        return *weight, abs(finding.new - finding.old)
    return *weight, inf


def _finding_text(finding: Finding) -> Text:
    is_printed = finding.kind == "printed"
    old, new = _print_number(finding.old), finding.new if is_printed else _print_number(finding.new)
    return make_text(
        f"verification.finding.{finding.kind}",
        file=_shorten(finding.file),
        figure=_shorten(finding.figure),
        old=_shorten(old),
        new=_shorten(new),
    )


def _print_number(value: object) -> object:
    """Return a figure as a number that each language prints its way, and a hash by its start."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return Number(f"{value:.10g}")
    if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value):
        return f"{value[:12]}…"
    shown = isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value)
    return Number(str(value)) if shown else value


def _shorten(value: object) -> object:
    if value is None or isinstance(value, Number):
        return value
    text = value.text("en") if hasattr(value, "text") else str(value)
    text = "".join(
        letter
        if letter.isprintable() or letter == "\N{NO-BREAK SPACE}"
        else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
