"""Show a receipt as a page: the inputs, the rules, the program, and each index.

The page is a file of the run, and the receipt lists the hash of the page. So the page cannot show
the hash of the receipt; the console and ``sipas verify`` print that hash.
"""

from collections.abc import Sequence
from math import nan
from typing import Literal

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
Head = tuple[str, Literal["row", "text", "number"]]  # of a column: its name and kind


def make_receipt_page(facts: Facts, survey: Survey) -> Document:
    """Return a receipt as one page."""
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
    """Return which files were read, and which forms were left out and why."""
    rows, answers = facts["rows"], facts["answers"]
    files = [
        (row["file"], row.get("bytes", "–"), row.get("sha256", "–")) for row in facts["inputs"]
    ]
    ledger = [
        (make_text(f"ledger.{row['reason']}"), row["column"], row["n"]) for row in rows["ledger"]
    ]
    counted = make_text("receipt.rows", n_read=rows["read"], n=rows["kept"], n_units=rows["units"])
    blocks: list[Block] = [
        Paragraph(make_text("receipt.lead"), "lead"),
        _make_table("inputs", [("file", "row"), ("bytes", "number"), ("sha256", "text")], files),
        *([Paragraph(make_text("receipt.answers", sha256=answers))] if answers else []),
        Paragraph(counted),
    ]
    heads: list[Head] = [("reason", "row"), ("column", "text"), ("cells", "number")]
    blocks += [_make_table("ledger", heads, ledger)] if ledger else []
    return Section("read", make_text("receipt.read"), tuple(blocks))


def _rules_section(facts: Facts) -> Section:
    """Return by which rules the figures were computed, and how reliable their sources are."""
    pack, rows = facts["pack"], []
    for rule in facts["rules"]:
        level = make_text(f"report.level.{rule['level']}")
        rows.append((level, rule["rule"], make_text(f"status.{rule['status']}")))
    pack_text = make_text(
        "receipt.pack",
        pack=pack["id"],
        status=make_text(f"status.{pack['status']}"),
        sha256=pack["sha256"],
        decimals=facts["rounding"]["decimals"],
        seed=str(facts["wave"]["seed"]),
    )
    heads: list[Head] = [("level", "row"), ("rule", "text"), ("status", "text")]
    table = _make_table("rules", heads, rows)
    return Section("rules", make_text("receipt.rules"), (table, Paragraph(pack_text)))


def _program_section(facts: Facts) -> Section:
    """Return which program and libraries made the files; only the receipt names the commit."""
    program: Facts = facts["program"]
    names = ("version", "sha256", "lock", "project", "licence", "python", "machine")
    rows = [(make_text(f"receipt.program.{name}"), program[name] or "–") for name in names]
    rows += program["libraries"].items()
    table = _make_table("program", [("name", "row"), ("value", "text")], rows)
    return Section("program", make_text("receipt.program"), (table,))


def _figures_section(facts: Facts, survey: Survey) -> Section:
    """Return each index unrounded with its division; the other figures are in the receipt."""
    indices = [row for row in facts["figures"] if row["id"].partition("@")[0] == OVERALL]
    names: list[Head] = [("id", "row"), ("name", "text")]
    columns = ("printed", "unrounded", "numerator", "denominator", "interval", "n")
    heads: list[Head] = [*names, *((name, "number") for name in columns)]
    rows = [_figure_row(index, survey) for index in indices]
    table = _make_table("figures", heads, rows, n=len(facts["figures"]))
    return Section("figures", make_text("receipt.figures"), (table,))


def _figure_row(figure: Facts, survey: Survey) -> tuple[object, ...]:
    """Return the cells of one index."""
    unit = figure["id"].partition("@")[2]
    interval = Interval(figure.get("low", nan), figure.get("high", nan), id=figure["id"])
    return (
        figure["id"],
        survey.unit_names.get(unit, ""),
        _figure_cell(figure, "printed"),
        _figure_cell(figure, "value", 8),
        _count_cell(figure, "numerator"),
        _count_cell(figure, "denominator"),
        interval,
        _figure_cell(figure, "n"),
    )


def _figure_cell(figure: Facts, column: str, decimals: int = 0) -> Number:
    """Return a number of a figure that names its figure and column."""
    value = figure.get(column)
    reference = None
    if value is not None:
        reference = FigureReference(figure["id"], column, float(value))
    return Number(value, decimals, reference)


def _count_cell(figure: Facts, column: str) -> Number:
    """Return a count without decimals; a weighted count has four."""
    value = figure.get(column)
    return _figure_cell(figure, column, 0 if value is None or value == round(value) else 4)


def _make_table(
    name: str, heads: Sequence[Head], rows: Sequence[tuple[object, ...]], **fields: int
) -> Table:
    columns = tuple(Column(make_text(f"receipt.column.{head}"), kind) for head, kind in heads)
    return Table(
        f"receipt-{name}", make_text(f"receipt.table.{name}", **fields), columns, tuple(rows)
    )
