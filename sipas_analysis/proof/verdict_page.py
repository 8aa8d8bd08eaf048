"""Say a verdict: a few lines on a terminal, or one page in each language."""

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

MOST = 20  # findings of a kind that are told one by one
SHOWN = 160  # letters of a value


def verdict_lines(verdict: Verdict, language: Language) -> Iterator[str]:
    """Yield the verdict, then what is not as it was, then notes."""
    yield _grade_text(verdict).text(language)
    yield from (f"- {text.text(language)}" for text in _list_findings(verdict))


def make_verdict_page(verdict: Verdict) -> Document:
    """Return the verdict as one page."""
    told = _list_findings(verdict)
    first: list[Block] = [
        Paragraph(_grade_text(verdict), "lead" if is_good(verdict) else "warning")
    ]
    blocks = (
        *first,
        *([Bullets(tuple(told))] if told else []),
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
    """Say whether every figure was computed again and is what was published."""
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
    for one in sorted(verdict.findings, key=lambda it: it.kind in NOTES):
        by_kind.setdefault(one.kind, []).append(one)
    told: list[Text] = []
    for own in by_kind.values():
        told += [_finding_text(one) for one in own[:MOST]]
        if len(own) > MOST:
            told.append(make_text("verdict.more", n=len(own) - MOST))
    return told


def _finding_text(one: Finding) -> Text:
    old, new = _print_number(one.old), one.new if one.kind == "printed" else _print_number(one.new)
    return make_text(
        f"verdict.finding.{one.kind}",
        file=_shorten(one.file),
        figure=_shorten(one.figure),
        old=_shorten(old),
        new=_shorten(new),
    )


def _print_number(value: object) -> object:
    """Return a figure as a number that is printed the way of each language."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return Number(f"{value:.10g}")
    shown = isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value)
    return Number(str(value)) if shown else value


def _shorten(value: object) -> object:
    if value is None or isinstance(value, Number):
        return value
    text = value.text("en") if hasattr(value, "text") else str(value)
    text = "".join(it if it.isprintable() else "\N{REPLACEMENT CHARACTER}" for it in text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
