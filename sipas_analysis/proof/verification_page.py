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
from sipas_analysis.messages import Language
from sipas_analysis.proof.findings import NOTES, Finding, Verification

MOST_FINDINGS = 20  # of a kind that are listed one by one
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
    is_remade = verification.grade == "partly" and verification.recomputed
    return make_text(
        "verification.other_bytes" if is_remade else f"verification.{verification.grade}",
        n_outputs=verification.n_outputs,
        n_figures=verification.n_figures,
        n_printed=verification.n_printed,
        n_faults=len(verification.faults),
        n_other=sum(finding.kind == "layout" for finding in verification.findings),
        receipt=verification.receipt,
    )


def _list_findings(verification: Verification) -> list[Text]:
    by_kind: dict[str, list[Finding]] = {}
    for finding in sorted(verification.findings, key=lambda finding: finding.kind in NOTES):
        by_kind.setdefault(finding.kind, []).append(finding)
    texts: list[Text] = []
    left_out = by_kind.pop("left_out", [])
    for kind, findings in by_kind.items():
        listed = _group_figures(findings) if kind == "figure" else findings
        texts += [_finding_text(finding) for finding in listed[:MOST_FINDINGS]]
        if len(listed) > MOST_FINDINGS:
            more = "more_figures" if kind == "figure" else "more"
            texts.append(make_text(f"verification.{more}", n=len(listed) - MOST_FINDINGS))
    return [*texts, *([make_text("verification.left_out", n=len(left_out))] if left_out else [])]


def _group_figures(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding for each figure, its value if that moved, the largest difference first."""
    by_figure: dict[str, Finding] = {}
    for finding in findings:
        figure, _, column = finding.figure.partition("#")
        if column == "value" or figure not in by_figure:
            by_figure[figure] = finding
    return sorted(by_figure.values(), key=_measure_difference, reverse=True)


def _measure_difference(finding: Finding) -> tuple[bool, float]:
    """Return by how much a value moved; one that came or went is before all that have a number."""
    is_value = finding.figure.endswith("#value")
    if isinstance(finding.old, float | int) and isinstance(finding.new, float | int):
        return is_value, abs(finding.new - finding.old)
    return is_value, inf


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
    """Return a figure as a number that is printed as each language does."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return Number(f"{value:.10g}")
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
