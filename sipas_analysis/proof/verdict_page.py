"""Write a verdict: a few lines for a terminal, or one page in each language."""

import re
from collections.abc import Iterator

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
from sipas_analysis.proof.verify import NOTES, Finding, Verdict

MOST_FINDINGS = 20  # of a kind that are listed one by one
LONGEST = 160  # letters of a value


def verdict_lines(verdict: Verdict, language: Language) -> Iterator[str]:
    """Yield the verdict, then what differs, then notes."""
    yield _grade_text(verdict).text(language)
    yield from (f"- {text.text(language)}" for text in _list_findings(verdict))


def make_verdict_page(verdict: Verdict) -> Document:
    """Return the verdict as one page."""
    findings = _list_findings(verdict)
    first: list[Block] = [
        Paragraph(_grade_text(verdict), "lead" if is_good(verdict) else "warning")
    ]
    blocks = (
        *first,
        *([Bullets(tuple(findings))] if findings else []),
        Paragraph(make_text("verdict.how")),
    )
    section = Section("verdict", make_text("verdict.chapter"), tuple(blocks))
    return Document(
        "verdict",
        make_text("verdict.title"),
        make_text("verdict.subtitle"),
        None,
        (section,),
        make_text("verdict.footer", receipt=verdict.receipt),
    )


def is_good(verdict: Verdict) -> bool:
    """Return whether every figure was computed again and equals the published figure."""
    return verdict.grade in ("same", "elsewhere", "rounded")


def _grade_text(verdict: Verdict) -> Text:
    return make_text(
        f"verdict.{verdict.grade}",
        n_outputs=verdict.n_outputs,
        n_figures=verdict.n_figures,
        n_printed=verdict.n_printed,
        n_faults=len(verdict.faults),
        receipt=verdict.receipt,
    )


def _list_findings(verdict: Verdict) -> list[Text]:
    by_kind: dict[str, list[Finding]] = {}
    for finding in sorted(verdict.findings, key=lambda finding: finding.kind in NOTES):
        by_kind.setdefault(finding.kind, []).append(finding)
    texts: list[Text] = []
    left_out = by_kind.pop("left_out", [])
    for findings in by_kind.values():
        texts += [_finding_text(finding) for finding in findings[:MOST_FINDINGS]]
        if len(findings) > MOST_FINDINGS:
            texts.append(make_text("verdict.more", n=len(findings) - MOST_FINDINGS))
    return [*texts, *([make_text("verdict.left_out", n=len(left_out))] if left_out else [])]


def _finding_text(finding: Finding) -> Text:
    is_printed = finding.kind == "printed"
    old, new = _print_number(finding.old), finding.new if is_printed else _print_number(finding.new)
    return make_text(
        f"verdict.finding.{finding.kind}",
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
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
