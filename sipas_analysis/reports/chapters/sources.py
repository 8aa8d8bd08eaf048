"""The annexes on sources: wording and its status, the ledger, form quality, versions and hashes."""

import platform
from importlib.metadata import version

import pandas as pd

from sipas_analysis import __version__
from sipas_analysis.documents.model import (
    Block,
    Bullets,
    Column,
    Number,
    Paragraph,
    Section,
    Table,
    Text,
    make_text,
)
from sipas_analysis.reports.subject import Subject

NUMBERS = ["count", "n", "expected_percent", "low", "p_holm"]


DECIMALS = (0, 0, 1, 1, 3)


TINY = 0.001  # a smaller p is printed in words


NUMBER_HEADERS = ("count", "forms", "expected", "low", "p_holm")


def _wording_table(subject: Subject) -> Table:
    """List every item with the status of its wording and where it comes from."""
    pack = subject.pack
    rows = tuple(
        (
            make_text("report.coded", code=code, name=subject.short_name(code), mark=""),
            make_text(f"status.{item.status if item.vi or item.en else 'no_wording'}"),
            item.source if item.source.vi or item.source.en else None,
        )
        for code, item in pack.items.items()
    )
    columns = (
        Column(make_text("report.column.item"), "row"),
        Column(make_text("report.column.status"), "text"),
        Column(make_text("report.column.source"), "text"),
    )
    return Table("table-wording", make_text("report.table.wording"), columns, rows)


def _sum_up_ledger(subject: Subject) -> list[Block]:
    """Sum up the changed and dropped values by reason."""
    ledger = subject.figures.survey.ledger
    if ledger.empty:
        return [Paragraph(make_text("report.ledger.none"))]
    columns = (
        Column(make_text("report.column.reason"), "row"),
        Column(make_text("report.column.columns")),
        Column(make_text("report.column.count")),
    )
    rows = list_changes(ledger)
    return [Table("table-ledger", make_text("report.table.ledger"), columns, rows)]


def list_changes(ledger: pd.DataFrame) -> tuple[tuple[Text, int, int], ...]:
    """Return reason, number of columns and number of cells of what was changed or dropped."""
    counts = ledger.groupby("reason", sort=True)["column"].agg(["nunique", "size"])
    counts = counts.sort_values("size", ascending=False, kind="stable")
    reasons = zip(counts.index, counts["nunique"], counts["size"], strict=True)
    return tuple(
        (make_text(f"ledger.{reason}"), int(n_columns), int(n_cells))
        for reason, n_columns, n_cells in reasons
    )


def _list_findings(subject: Subject) -> list[Block]:
    """List the findings of the form checks, without accusations."""
    findings = subject.figures.findings
    message_id = "many_straight" if findings.has_many_straight else "words"
    share = Number(findings.straight_percent, 1)
    words = [make_text(f"report.quality.{message_id}", share=share), *subject.name_opposed_items()]
    first = [Paragraph(sentence) for sentence in words]
    noticed = findings.noticed()
    noticed = noticed[noticed["unit"] == subject.unit] if subject.unit else noticed
    if noticed.empty:
        return [*first, Paragraph(_state_no_finding(subject))]
    numbers = noticed[NUMBERS].to_numpy(dtype=float)
    rows = []
    for unit, fact, values in zip(noticed["unit"], noticed["fact"], numbers, strict=True):
        *cells, p = [Number(value, n) for value, n in zip(values, DECIMALS, strict=True)]
        p_cell = make_text("report.quality.tiny") if values[-1] < TINY else p
        rows.append(
            (subject.marked_name(unit), make_text(f"report.quality.{fact}"), *cells, p_cell)
        )
    columns = (
        Column(make_text("report.column.unit"), "row"),
        Column(make_text("report.column.noticed"), "text"),
        *(Column(make_text(f"report.column.{name}")) for name in NUMBER_HEADERS),
    )
    notes = subject.explain_marks(dict.fromkeys(noticed["unit"]))
    table = Table("table-quality", make_text("report.table.quality"), columns, tuple(rows), notes)
    return [*first, Paragraph(make_text("report.quality.listed")), table]


def _state_no_finding(subject: Subject) -> Text:
    """State that nothing was noticed: of one unit only, or of all where it is true of all."""
    if subject.unit:
        return make_text("report.quality.none_here")
    is_clean = subject.figures.quality.noticed().empty
    return make_text("report.quality.none" if is_clean else "report.quality.none_published")


def _list_versions(subject: Subject) -> Bullets:
    """Name the program, the libraries and the inputs by hash."""
    kinds = ("wave.", "units", "responses-", "data frame")
    hashes = [
        make_text("report.versions.file", name=file.file, hash=file.sha256[:16])
        for file in sorted(subject.figures.survey.inputs.values(), key=lambda file: file.file)
        if file.file.startswith(kinds)
    ]
    names = ("pandas", "numpy", "scipy", "statsmodels")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    versions = f"sipas_analysis {__version__}, {libraries}, Python {platform.python_version()}"
    return Bullets((make_text("report.versions.program", versions=versions), *hashes))


def build_sources(subject: Subject) -> Section:
    """List the wording of items, changed and dropped values, findings, versions and hashes."""
    blocks = (
        _wording_table(subject),
        *_sum_up_ledger(subject),
        *_list_findings(subject),
        _list_versions(subject),
    )
    return Section("sources", make_text("annex.chapter.sources"), blocks)
