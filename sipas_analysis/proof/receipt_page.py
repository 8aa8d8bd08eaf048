"""Show a receipt as a page: what was read, by which rules and program, and each index.

The page is itself a file of the run, so the receipt proves it; only the receipt's own hash cannot
stand on it. That one is told on the console and by ``sipas verify``.
"""

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

from sipas_analysis.collect.survey import Survey
from sipas_analysis.documents.model import (
    Block,
    Column,
    Document,
    FigureReference,
    Interval,
    Number,
    Paragraph,
    Section,
    Table,
    make_text,
)
from sipas_analysis.instrument.pack import OVERALL
from sipas_analysis.proof.program import Facts

STEM = "receipt"


def make_receipt_page(facts: Facts, survey: Survey) -> Document:
    """Return what a receipt says as one page."""
    sections = (
        _inputs_section(facts),
        _rules_section(facts),
        _program_section(facts),
        _figures_section(facts, survey),
    )
    banner = make_text("report.synthetic") if survey.wave.is_synthetic else None
    return Document(
        STEM,
        make_text("receipt.title"),
        survey.wave.title,
        banner,
        sections,
        make_text("receipt.footer"),
    )


def _inputs_section(facts: Facts) -> Section:
    """Say which files were read, and which forms were left out and why."""
    rows = facts["rows"]
    files = [(one["file"], one["bytes"], one["sha256"]) for one in facts["inputs"]]
    ledger = [
        (make_text(f"ledger.{one['reason']}"), one["column"], one["n"]) for one in rows["ledger"]
    ]
    counted = make_text("receipt.rows", n_read=rows["read"], n=rows["kept"], n_units=rows["units"])
    blocks: list[Block] = [
        Paragraph(make_text("receipt.lead"), "lead"),
        _make_table("inputs", [("file", "row"), ("bytes", "number"), ("sha256", "text")], files),
        Paragraph(counted),
    ]
    heads = [("reason", "row"), ("column", "text"), ("cells", "number")]
    blocks += [_make_table("ledger", heads, ledger)] if ledger else []
    return Section("read", make_text("receipt.read"), tuple(blocks))


def _rules_section(facts: Facts) -> Section:
    """Say by which rules the figures were made, and how sure their sources are."""
    pack, rows = facts["pack"], []
    for one in facts["rules"]:
        level = make_text(f"report.level.{one['level']}")
        rows.append((level, one["rule"], make_text(f"status.{one['status']}")))
    said = make_text(
        "receipt.pack",
        pack=pack["id"],
        status=make_text(f"status.{pack['status']}"),
        sha256=pack["sha256"],
        decimals=facts["rounding"]["decimals"],
        seed=str(facts["wave"]["seed"]),
    )
    heads = [("level", "row"), ("rule", "text"), ("status", "text")]
    table = _make_table("rules", heads, rows)
    return Section("rules", make_text("receipt.rules"), (table, Paragraph(said)))


def _program_section(facts: Facts) -> Section:
    """Say which program and libraries made the files; the commit stands in the receipt alone."""
    made: Mapping[str, Any] = facts["program"]
    own = ("version", "sha256", "lock", "project", "licence", "python", "machine")
    rows = [(make_text(f"receipt.program.{name}"), made[name] or "–") for name in own]
    rows += made["libraries"].items()
    table = _make_table("program", [("name", "row"), ("value", "text")], rows)
    return Section("program", make_text("receipt.program"), (table,))


def _figures_section(facts: Facts, survey: Survey) -> Section:
    """Show each index unrounded with its division; the other figures stand in the receipt."""
    own = [one for one in facts["figures"] if one["id"].partition("@")[0] == OVERALL]
    names = [("id", "row"), ("name", "text")]
    columns = ("printed", "unrounded", "numerator", "denominator", "interval", "n")
    heads = [*names, *((name, "number") for name in columns)]
    rows = [_figure_row(one, survey) for one in own]
    table = _make_table("figures", heads, rows, n=len(facts["figures"]))
    return Section("figures", make_text("receipt.figures"), (table,))


def _figure_row(one: Mapping[str, Any], survey: Survey) -> tuple[object, ...]:
    def cell(column: str, decimals: int = 0) -> Number:
        value = one.get(column)
        home = None if value is None else FigureReference(one["id"], column, float(value))
        return Number(value, decimals, home)

    def whole(column: str) -> Number:
        value = one.get(column)
        return cell(column, 0 if value is None or value == round(value) else 4)

    unit = one["id"].partition("@")[2]
    name = survey.unit_names.get(unit, "")
    interval = Interval(one.get("low", nan), one.get("high", nan), id=one["id"])
    return (
        one["id"],
        name,
        cell("printed"),
        cell("value", 8),
        whole("numerator"),
        whole("denominator"),
        interval,
        cell("n"),
    )


def _make_table(
    name: str, heads: Sequence[tuple[str, Any]], rows: Sequence[tuple[object, ...]], **fields: int
) -> Table:
    columns = tuple(Column(make_text(f"receipt.column.{it}"), kind) for it, kind in heads)
    return Table(
        f"receipt-{name}", make_text(f"receipt.table.{name}", **fields), columns, tuple(rows)
    )
